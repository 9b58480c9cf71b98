"""What windows are shown by, for ``twinviewer doctor``."""

from __future__ import annotations

from PySide6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

from twinviewer.model.errors import DisplayError
from twinviewer.scene.opengl import Graphics
from twinviewer.ui.application import make_application

_GL_VENDOR, _GL_RENDERER, _GL_VERSION = 0x1F00, 0x1F01, 0x1F02


def screens() -> str:
    """Return Qt's platform and the screens, largest number of pixels as they are."""
    make_application()
    shown = [
        f"{screen.size().width()} × {screen.size().height()} at {screen.devicePixelRatio():.0%}"
        for screen in QGuiApplication.screens()
    ]
    return f"{QGuiApplication.platformName()}: {', '.join(shown)}"


def graphics_of_windows() -> Graphics:
    """Return what draws in windows.

    Raises:
        DisplayError: Qt gets no OpenGL.
    """
    make_application()
    surface, context = QOffscreenSurface(), QOpenGLContext()
    surface.create()
    if not (context.create() and context.makeCurrent(surface)):
        raise DisplayError("OpenGL does not work in windows.", cure="Install the driver of the graphics card, or Mesa.")
    functions = context.functions()
    vendor, renderer, version = (str(functions.glGetString(name)) for name in (_GL_VENDOR, _GL_RENDERER, _GL_VERSION))
    context.doneCurrent()
    return Graphics(vendor=vendor, renderer=renderer, version=version)

"""Whether a window can be opened: asked before Qt is, which ends the process where it cannot.

Only Linux needs it; elsewhere the window system is part of the system.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import socket
import sys
from pathlib import Path

from twinviewer.model.errors import DisplayError

_NEEDED = ("PySide6.QtWidgets", "PySide6.QtOpenGLWidgets")
_ON_A_SCREEN = {"xcb", "wayland", "wayland-egl"}
_CURE = "Start it in a desktop session; pictures need none: twinviewer render --help."


def require_display() -> None:
    """Make sure that Qt finds a display and can be loaded.

    Raises:
        DisplayError: There is none, it does not answer, or a system library that Qt needs is missing.
    """
    for module in _NEEDED:
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise _missing(str(error)) from error
    if sys.platform != "linux":
        return
    wanted = os.environ.get("QT_QPA_PLATFORM", "").partition(":")[0].split(";")
    if any(platform and platform not in _ON_A_SCREEN for platform in wanted):
        return  # offscreen, vnc and the like
    display, wayland = os.environ.get("DISPLAY"), os.environ.get("WAYLAND_DISPLAY")
    if wayland and "xcb" not in wanted and _wayland_answers(wayland):
        _require_plugin("wayland")
    elif display:
        _require_plugin("xcb")
        if not _x11_answers():
            raise DisplayError(f"The display {display} does not answer.", cure=_CURE)
    else:
        raise DisplayError("There is no display to open a window on.", cure=_CURE)


def _require_plugin(platform: str) -> None:
    from PySide6.QtCore import QLibraryInfo

    plugins = Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.PluginsPath))
    try:
        ctypes.CDLL(str(plugins / "platforms" / f"libq{platform}.so"))
    except OSError as error:
        raise _missing(str(error)) from error


def _wayland_answers(name: str) -> bool:
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "/run")) / name  # an absolute name stays as it is
    with socket.socket(socket.AF_UNIX) as connection:
        return connection.connect_ex(str(path)) == 0


def _x11_answers() -> bool:
    """Connect as Qt will, with the same library and the same permissions."""
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    connection = ctypes.c_void_p(xcb.xcb_connect(None, None))
    refused = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    return not refused


def _missing(reason: str) -> DisplayError:
    return DisplayError(
        f"A system library that Qt needs is missing ({reason.partition(': cannot')[0]}).",
        cure="Install it; from a checkout, make setup does so.",
        source="Qt",
    )

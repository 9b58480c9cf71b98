"""What draws: the graphics card and its driver, as OpenGL names them."""

from __future__ import annotations

from dataclasses import dataclass

import pyvista
from pyvista import Plotter, vtk_verbosity
from vtkmodules.vtkCommonCore import vtkVersion

from twinviewer.model.errors import DisplayError

_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "swiftshader", "gdi generic", "basic render")


@dataclass(frozen=True, slots=True, kw_only=True)
class Graphics:
    vendor: str
    renderer: str
    version: str

    @property
    def is_software(self) -> bool:
        """Whether the processor draws: every picture is right, and slow."""
        return any(name in self.renderer.lower() for name in _SOFTWARE)


def graphics_without_window() -> Graphics:
    """Return what draws pictures without a window.

    Raises:
        DisplayError: Nothing does.
    """
    with vtk_verbosity("error"):  # without a display, VTK warns before it takes the next way to OpenGL
        plotter = Plotter(off_screen=True, window_size=[64, 64])
        try:
            window = plotter.renderer.GetRenderWindow()
            window.Render()
            lines = window.ReportCapabilities().splitlines()
        finally:
            plotter.close()
    said = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    try:
        return Graphics(
            vendor=said["OpenGL vendor string"],
            renderer=said["OpenGL renderer string"],
            version=said["OpenGL version string"],
        )
    except KeyError as error:
        raise DisplayError(
            "OpenGL does not work, so nothing can be drawn.",
            cure="Install the driver of the graphics card, or Mesa (Debian: libgl1-mesa-dri, libegl1).",
        ) from error


def library_versions() -> str:
    """Return the versions of VTK and of its Python side."""
    return f"VTK {vtkVersion.GetVTKVersion()}, PyVista {pyvista.__version__}"

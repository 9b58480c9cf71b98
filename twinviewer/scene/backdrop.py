"""The picture behind everything: a strip of colours that fills the view at the far end of the depth buffer.

An actor rather than VTK's own background, which render passes (SSAO, EDL) paint over or leave out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer
from vtkmodules.vtkRenderingOpenGL2 import vtkOpenGLShaderProperty

from twinviewer.scene.meshes import Colours, actor_of, poly_data

_ROWS = 97


class Backdrop:
    """A full-screen strip whose rows of colours are rewritten in place."""

    rows = _ROWS

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        height = np.linspace(-1, 1, _ROWS)
        points = np.zeros((_ROWS, 2, 3), dtype=np.float32)
        points[:, 0, 0], points[:, 1, 0], points[:, :, 1] = -1, 1, height[:, None]
        first = 2 * np.arange(_ROWS - 1, dtype=np.int32)
        triangles = np.stack([first, first + 1, first + 2, first + 2, first + 1, first + 3], axis=1).reshape(-1, 3)
        mesh = poly_data(points.reshape(-1, 3), triangles=triangles)
        self._rgb = np.zeros((_ROWS, 3), dtype=np.uint8)
        self._colours = Colours(mesh, np.repeat(self._rgb, 2, axis=0), of_cells=False)
        self._actor = actor_of(mesh)
        self._actor.GetProperty().LightingOff()
        self._actor.UseBoundsOff()
        shader = vtkOpenGLShaderProperty()
        shader.AddVertexShaderReplacement(
            "//VTK::PositionVC::Impl",
            True,  # noqa: FBT003
            "//VTK::PositionVC::Impl\n  gl_Position = vec4(vertexMC.xy, 1.0, 1.0);\n",
            False,  # noqa: FBT003
        )
        self._actor.SetShaderProperty(shader)
        renderer.AddActor(self._actor)

    def show(self, rgb: NDArray[np.uint8], *, visible: bool) -> None:
        """Show rows of colours (ROWS, 3), the bottom one first."""
        self._actor.SetVisibility(visible)
        # Its vertices are on the screen wherever it is; this keeps it from being culled as out of view.
        self._actor.SetPosition(*self._renderer.GetActiveCamera().GetFocalPoint())
        if visible and not np.array_equal(rgb, self._rgb):
            self._rgb[:] = rgb
            self._colours.write(np.repeat(rgb, 2, axis=0))

    def detach(self) -> None:
        self._renderer.RemoveActor(self._actor)
        self._actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())

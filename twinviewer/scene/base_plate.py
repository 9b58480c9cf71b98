"""A plate under cities that come without terrain, as under an architect's model: it takes their shadows.

In sunshine it has the colour of the backdrop's ground and fades into it, so that only shadows tell of it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from twinviewer.scene.meshes import Colours, actor_of, poly_data

_SIDES = 72
_RADII = (0.0, 0.75, 1.0, 1.25, 1.5)
"""As shares of the city's radius."""
_OPACITIES = (1.0, 1.0, 0.85, 0.4, 0.0)
_DEPTH_M = 0.08
"""Below the ground's level, so that floors do not flicker on it."""


class BasePlate:
    """A round plate that is laid under a box."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        angle = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
        circle = np.stack([np.cos(angle), np.sin(angle), np.zeros(_SIDES)], axis=1)
        points = np.concatenate([radius * circle for radius in _RADII]).astype(np.float32)
        ring = np.arange(_SIDES, dtype=np.int32)
        following = np.roll(ring, -1)
        triangles = [
            part
            for inner in range(0, _SIDES * (len(_RADII) - 1), _SIDES)
            for part in (
                np.stack([inner + ring, inner + _SIDES + ring, inner + following], axis=1),
                np.stack([inner + following, inner + _SIDES + ring, inner + _SIDES + following], axis=1),
            )
        ]
        self._points = points
        self._rgba = np.zeros((len(points), 4), dtype=np.uint8)
        self._rgba[:, 3] = np.repeat([round(255 * opacity) for opacity in _OPACITIES], _SIDES)
        self._mesh = poly_data(points.copy(), triangles=np.concatenate(triangles))
        self._colours = Colours(self._mesh, self._rgba, of_cells=False)
        self.surface: vtkActor = actor_of(self._mesh)
        """The actor, for whoever lights it."""
        self.surface.VisibilityOff()
        renderer.AddActor(self.surface)

    def lay(self, box: NDArray[np.float64] | None, *, level_m: float) -> None:
        """Lie under the local ``box`` (3, 2) at a local height; None: be gone."""
        self.surface.SetVisibility(box is not None)
        if box is None:
            return
        radius = float(np.linalg.norm(box[:2, 1] - box[:2, 0])) / 2 + 20.0
        centre = np.array([*box[:2].mean(axis=1), level_m - _DEPTH_M])
        vertices = (self._points * radius + centre).astype(np.float32)
        fresh = poly_data(vertices, triangles=None)
        self._mesh.SetPoints(fresh.GetPoints())
        self._mesh.Modified()

    def paint(self, rgb: tuple[int, int, int]) -> None:
        """Take a colour, as it is before the light."""
        self._rgba[:, :3] = rgb
        self._colours.write(self._rgba)

    def box(self) -> list[NDArray[np.float64]]:
        """Return the local box (3, 2), or nothing."""
        return [np.array(self._mesh.GetBounds()).reshape(3, 2)] if self.surface.GetVisibility() else []

    def detach(self) -> None:
        self._renderer.RemoveActor(self.surface)
        self.surface.ReleaseGraphicsResources(self._renderer.GetRenderWindow())

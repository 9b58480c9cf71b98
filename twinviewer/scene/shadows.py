"""What the sun sees: depths of everything that casts shadows, drawn in a small window of its own.

A map of the whole city is drawn when the sun or the city changes, not per frame: it holds for every camera.  A finer
one of what a resting camera has before it is drawn when that is somewhere else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkFloatArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper, vtkRenderer, vtkRenderWindow

from twinviewer.scene.meshes import as_numpy

Float64s = NDArray[np.float64]

DEPTH_STEPS = 2**24 - 1
"""As many as a depth buffer and a float32 tell apart."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShadowMap:
    texels: NDArray[np.uint32]
    """(rows, columns) depths of 24 bits, 0 nearest to the sun."""
    matrix: Float64s
    """(4, 4) from local coordinates to texture coordinates and depth, all 0 to 1."""
    texel_m: float
    """Size of one texel."""


class ShadowCaster:
    """Draws shadow maps of the actors that it is given; keeps their buffers from map to map."""

    def __init__(self, size_px: int) -> None:
        self._size_px = size_px
        self._window = vtkRenderWindow()
        self._window.SetOffScreenRendering(1)
        self._window.SetShowWindow(False)  # noqa: FBT003
        self._window.SetMultiSamples(0)
        self._window.SetSize(size_px, size_px)
        self._renderer = vtkRenderer()
        self._window.AddRenderer(self._renderer)
        self._stand_ins: dict[vtkActor, vtkActor] = {}

    def draw(self, casters: Sequence[vtkActor], *, sun: Float64s, bounds: Float64s, part: Float64s) -> ShadowMap:
        """Return the depths at which light first meets something.

        Args:
            casters: What stops it.
            sun: Unit vector (3,) towards it.
            bounds: Local box (3, 2) around all casters.
            part: The box (3, 2) that the map is of; shadows that fall into it from outside are in the map.
        """
        self._follow(casters)
        self._aim(sun, bounds, part)
        self._window.Render()
        depths = vtkFloatArray()
        self._window.GetZbufferData(0, 0, self._size_px - 1, self._size_px - 1, depths)
        camera = self._renderer.GetActiveCamera()
        composite = camera.GetCompositeProjectionTransformMatrix(1.0, -1, 1)
        to_clip = np.array([[composite.GetElement(row, column) for column in range(4)] for row in range(4)])
        to_unit = np.array([[0.5, 0, 0, 0.5], [0, 0.5, 0, 0.5], [0, 0, 0.5, 0.5], [0, 0, 0, 1]])
        steps = as_numpy(depths) * np.float32(DEPTH_STEPS)
        return ShadowMap(
            texels=steps.astype(np.uint32).reshape(self._size_px, self._size_px),
            matrix=to_unit @ to_clip,
            texel_m=2 * camera.GetParallelScale() / self._size_px,
        )

    def _follow(self, casters: Sequence[vtkActor]) -> None:
        for gone in self._stand_ins.keys() - set(casters):
            stand_in = self._stand_ins.pop(gone)
            self._renderer.RemoveActor(stand_in)
            stand_in.ReleaseGraphicsResources(self._window)
        for actor in casters:
            if actor not in self._stand_ins:
                mapper = vtkPolyDataMapper()
                mapper.SetInputData(actor.GetMapper().GetInput())
                mapper.ScalarVisibilityOff()
                mapper.SetVBOShiftScaleMethod(0)
                stand_in = vtkActor()
                stand_in.SetMapper(mapper)
                stand_in.GetProperty().LightingOff()
                self._stand_ins[actor] = stand_in
                self._renderer.AddActor(stand_in)
            planes = actor.GetMapper().GetClippingPlanes()
            if planes is not None:  # what a section has cut away lets the sun in
                self._stand_ins[actor].GetMapper().SetClippingPlanes(planes)

    def _aim(self, sun: Float64s, bounds: Float64s, part: Float64s) -> None:
        """Look along the light at the part, as closely as it allows, and past everything before and behind it."""
        radius = float(np.linalg.norm(bounds[:, 1] - bounds[:, 0])) + 1
        centre = part.mean(axis=1)
        camera = self._renderer.GetActiveCamera()
        camera.ParallelProjectionOn()
        camera.SetFocalPoint(*centre)
        camera.SetPosition(*(centre + sun * radius))
        camera.SetViewUp(*((0.0, 1.0, 0.0) if abs(sun[2]) > 0.99 else (0.0, 0.0, 1.0)))
        right, up = _axes(sun)
        corners = _corners(part) - centre
        half = max(float(np.abs(corners @ right).max()), float(np.abs(corners @ up).max()))
        camera.SetParallelScale(half * 1.01 + 1)
        depths = (_corners(bounds) - centre) @ -sun + radius
        camera.SetClippingRange(max(float(depths.min()) - 1, 0.1), float(depths.max()) + 1)

    def close(self) -> None:
        self._follow(())
        self._window.RemoveRenderer(self._renderer)
        self._window.Finalize()


def _corners(box: Float64s) -> Float64s:
    corners: Float64s = np.array(np.meshgrid(*box)).reshape(3, -1).T
    return corners


def _axes(sun: Float64s) -> tuple[Float64s, Float64s]:
    above = np.array([0.0, 1.0, 0.0]) if abs(sun[2]) > 0.99 else np.array([0.0, 0.0, 1.0])
    right = np.cross(above, sun)
    right /= np.linalg.norm(right)
    return right, np.cross(sun, right)

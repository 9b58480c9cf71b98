"""Where moving objects were: lines that fade towards the past."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import Trails
from twinviewer.scene.drawn import Drawn, Surroundings, box_around, row_colours
from twinviewer.scene.strips import Strips

Int32s = NDArray[np.int32]

_GAPS = "  if (tvLine.z > 0.001) { discard; }\n"
"""Between a place and a moment when the object was nowhere there is no line."""


def trail_triangles(objects: int, moments: int) -> Int32s:
    """Return the triangles (m, 3) of strips with two points for each of ``moments`` places of each object."""
    place = np.arange(objects * moments, dtype=np.int32).reshape(objects, moments)[:, :-1].ravel()
    start = 2 * place
    triangles: Int32s = np.stack([start, start + 1, start + 2, start + 2, start + 1, start + 3], axis=1).reshape(-1, 3)
    return triangles


class DrawnTrails(Drawn):
    """One ``Trails`` request."""

    def __init__(self, renderer: vtkRenderer) -> None:
        super().__init__(renderer)
        self._shape = (0, 0)
        self._strips: Strips | None = None

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, Trails)

    def draw(self, request: Trails, surroundings: Surroundings) -> None:
        objects, moments = request.positions.shape[:2]
        if self._strips is None or self._shape != (objects, moments):
            self._build(objects, moments)
        strips = self._strips
        assert strips is not None
        self._box = None
        if objects == 0 or moments == 0:
            return
        local = surroundings.frame.to_local(request.positions.reshape(-1, 3)).reshape(objects, moments, 3)
        self._box = box_around(local.reshape(-1, 3))
        nowhere = np.asarray(np.isnan(local.sum(axis=2)))
        if nowhere.any():
            local = _filled(local, nowhere)
        step = np.diff(local, axis=1)
        metres = np.sqrt(np.einsum("ijk,ijk->ij", step, step))
        step /= np.where(metres > 0, metres, 1)[..., None]
        along = np.zeros((objects, moments, 4), np.float32)  # the ends have one neighbour, all others two
        along[:, :-1, :3] += step
        along[:, 1:, :3] += step
        along[:, 1:-1, :3] /= 2
        along[:, 1:, 3] = metres
        paired = (objects, moments, 2)
        strips.points.reshape(*paired, 3)[:] = local[:, :, None]
        strips.along.reshape(*paired, 4)[:] = along[:, :, None]
        line = strips.line.reshape(*paired, 4)
        line[..., 2] = nowhere[:, :, None]
        line[:, :-1, :, 3] = metres[:, :, None]
        rgb = row_colours(request.values, request.scale, colour=request.colour, count=objects)
        strips.rgba.reshape(*paired, 4)[..., :3] = rgb[:, None, None]
        strips.changed("points", "along", "line", "colour")
        strips.set_width(request.width_px)

    def _build(self, objects: int, moments: int) -> None:
        self.detach()
        self._shape = (objects, moments)
        self._strips = strips = Strips(
            self._renderer,
            triangles=trail_triangles(objects, moments),
            points=2 * objects * moments,
            varies=_GAPS,
            rim=0.3,
            uniforms={},
        )
        strips.line[0::2, 0], strips.line[1::2, 0] = -1.0, 1.0
        age = np.linspace(0.0, 1.0, moments)
        strips.rgba.reshape(objects, moments, 2, 4)[..., 3] = np.round(255 * age**1.5).astype(np.uint8)[:, None]
        self._attach(strips.actor)
        self._follow()

    def before_render(self) -> None:
        if self._strips is not None and self._visible:
            self._strips.follow()


def _filled(local: NDArray[np.float32], nowhere: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Return the places with those that are nowhere put where the object was before, or else will be next."""
    moments = local.shape[1]
    moment = np.broadcast_to(np.arange(moments), nowhere.shape)
    last = np.maximum.accumulate(np.where(nowhere, -1, moment), axis=1)
    following = np.minimum.accumulate(np.where(nowhere, moments, moment)[:, ::-1], axis=1)[:, ::-1]
    source = np.where(last >= 0, last, following)
    never = source >= moments
    filled = np.take_along_axis(local, np.where(never, 0, source)[:, :, None], axis=1)
    filled[never] = 0.0
    return filled

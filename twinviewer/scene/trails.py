"""Where moving objects were: lines that fade towards the past."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import Trails
from twinviewer.scene.drawn import (
    AT_ONCE,
    DrawnLater,
    OnLate,
    RunInBackground,
    Surroundings,
    box_around,
    row_colours,
)
from twinviewer.scene.strips import StripArrays, Strips, sides

Int32s = NDArray[np.int32]

_GAPS = "  if (tvLine.z > 0.001) { discard; }\n"
"""Between a place and a moment when the object was nowhere there is no line."""


def trail_triangles(objects: int, moments: int) -> Int32s:
    """Return the triangles (m, 3) of strips with two points for each of ``moments`` places of each object."""
    place = np.arange(objects * moments, dtype=np.int32).reshape(objects, moments)[:, :-1].ravel()
    start = 2 * place
    triangles: Int32s = np.stack([start, start + 1, start + 2, start + 2, start + 1, start + 3], axis=1).reshape(-1, 3)
    return triangles


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTrails:
    """What is drawn of a request."""

    shape: tuple[int, int]
    """Objects and moments."""
    triangles: Int32s
    box: NDArray[np.float64] | None
    arrays: StripArrays


def prepared_trails(request: Trails, surroundings: Surroundings, before: PreparedTrails | None) -> PreparedTrails:
    """Return what is drawn of ``request``, where ``before`` was drawn until now."""
    objects, moments = request.positions.shape[:2]
    pairs = objects * moments
    strip_line = sides(pairs)
    points, along = np.zeros((2 * pairs, 3), np.float32), np.zeros((2 * pairs, 4), np.float32)
    rgba = np.empty((2 * pairs, 4), np.uint8)
    box = None
    if pairs:
        local = surroundings.frame.to_local(request.positions.reshape(-1, 3)).reshape(objects, moments, 3)
        box = box_around(local.reshape(-1, 3))
        nowhere = np.asarray(np.isnan(local.sum(axis=2)))
        if nowhere.any():
            local = _filled(local, nowhere)
        step = np.diff(local, axis=1)
        metres = np.sqrt(np.einsum("ijk,ijk->ij", step, step))
        step /= np.where(metres > 0, metres, 1)[..., None]
        ahead = np.zeros((objects, moments, 4), np.float32)  # the ends have one neighbour, all others two
        ahead[:, :-1, :3] += step
        ahead[:, 1:, :3] += step
        ahead[:, 1:-1, :3] /= 2
        ahead[:, 1:, 3] = metres
        paired = (objects, moments, 2)
        points.reshape(*paired, 3)[:] = local[:, :, None]
        along.reshape(*paired, 4)[:] = ahead[:, :, None]
        line = strip_line.reshape(*paired, 4)
        line[..., 2] = nowhere[:, :, None]
        line[:, :-1, :, 3] = metres[:, :, None]
        rgb = row_colours(request.values, request.scale, colour=request.colour, count=objects)
        age = np.linspace(0.0, 1.0, moments)
        rgba.reshape(*paired, 4)[..., :3] = rgb[:, None, None]
        rgba.reshape(*paired, 4)[..., 3] = np.round(255 * age**1.5).astype(np.uint8)[:, None]
    return PreparedTrails(
        shape=(objects, moments),
        triangles=(
            before.triangles
            if before is not None and before.shape == (objects, moments)
            else trail_triangles(objects, moments)
        ),
        box=box,
        arrays=StripArrays(points=points, along=along, line=strip_line, rgba=rgba),
    )


class DrawnTrails(DrawnLater):
    """One ``Trails`` request."""

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._shown: PreparedTrails | None = None
        self._strips: Strips | None = None

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, Trails)

    def _is_large(self, request: Trails, surroundings: Surroundings) -> bool:
        return request.positions.size > 3 * AT_ONCE

    def _preparation(self, request: Trails, surroundings: Surroundings) -> Callable[[], PreparedTrails]:
        before = self._shown
        return lambda: prepared_trails(request, surroundings, before)

    def _put(self, request: Trails, surroundings: Surroundings, prepared: PreparedTrails) -> None:
        if self._strips is not None and self._shown is not None and prepared.triangles is self._shown.triangles:
            self._strips.put(prepared.arrays)
        else:
            self._take_off()
            self._strips = Strips(
                self._renderer,
                triangles=prepared.triangles,
                arrays=prepared.arrays,
                varies=_GAPS,
                rim=0.3,
                uniforms={},
            )
            self._attach(self._strips.actor)
            self._follow()
        self._shown, self._box = prepared, prepared.box
        self._strips.set_width(request.width_px)

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

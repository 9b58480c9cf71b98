"""Upright columns whose heights tell a value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import ExtrudedColumns
from twinviewer.scene.colours import Uint8s
from twinviewer.scene.drawn import (
    AT_ONCE,
    DrawnLater,
    OnLate,
    RunInBackground,
    Surroundings,
    box_around,
    id_of,
    row_colours,
)
from twinviewer.scene.glyph_shapes import column_shape
from twinviewer.scene.glyphs import Copies
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.stage import Stage

Float32s = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedColumns:
    """What is drawn of a request of n columns."""

    request: ExtrudedColumns
    surroundings: Surroundings
    positions: Float32s
    """(n, 3)"""
    sunk_m: Float32s
    """(n,)"""
    heights_m: Float32s
    """(n,) 0 where there is none."""
    foot: Float32s
    """(n, 3)"""
    size: Float32s
    """(n, 3)"""
    rgb: Uint8s
    """(n, 3)"""
    box: NDArray[np.float64] | None


def prepared_columns(
    request: ExtrudedColumns, surroundings: Surroundings, before: PreparedColumns | None
) -> PreparedColumns:
    """Return what is drawn of ``request``, where ``before`` was drawn until now."""
    if (
        before is not None
        and request.positions is before.request.positions
        and request.radius_m == before.request.radius_m
        and surroundings is before.surroundings
    ):
        positions, sunk = before.positions, before.sunk_m
    else:
        positions = surroundings.frame.to_local(request.positions)
        sunk = sunk_m(request.positions, request.radius_m, surroundings)
    count = len(positions)
    heights = np.asarray(request.heights_m, dtype=np.float32)
    heights = np.where(heights > 0, heights, np.float32(0))  # NaN too
    standing = heights > 0
    tops = positions + np.array([0, 0, 1], np.float32) * heights[:, None]
    foot = positions.copy()
    foot[:, 2] -= sunk
    size = np.empty((count, 3), np.float32)
    size[:, :2] = np.where(standing, np.float32(request.radius_m), np.float32(0))[:, None]
    size[:, 2] = np.where(standing, heights + sunk, np.float32(0))
    return PreparedColumns(
        request=request,
        surroundings=surroundings,
        positions=positions,
        sunk_m=sunk,
        heights_m=heights,
        foot=foot,
        size=size,
        rgb=row_colours(request.values, request.scale, colour=request.colour, count=count),
        box=box_around(np.concatenate([positions, tops]), reach_m=float(request.radius_m)),
    )


class DrawnColumns(DrawnLater):
    """One ``ExtrudedColumns`` request."""

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._copies: Copies | None = None
        self._shown: PreparedColumns | None = None

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, ExtrudedColumns)

    def _is_large(self, request: ExtrudedColumns, surroundings: Surroundings) -> bool:
        return len(request.positions) > AT_ONCE

    def _preparation(self, request: ExtrudedColumns, surroundings: Surroundings) -> Callable[[], PreparedColumns]:
        before = self._shown
        return lambda: prepared_columns(request, surroundings, before)

    def _put(self, request: ExtrudedColumns, surroundings: Surroundings, prepared: PreparedColumns) -> None:
        if self._copies is None:
            self._copies = Copies(column_shape())
            self._attach(self._copies.actor)
        self._shown, self._box = prepared, prepared.box
        upright = np.zeros((len(prepared.foot), 3), np.float32)
        self._copies.write(prepared.foot, upright, prepared.size, prepared.rgb)
        self._follow()

    def dress(self, stage: Stage) -> None:
        for actor in self._actors:
            stage.dress_copies(actor)

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        shown = self._shown
        if shown is None or not self._visible:
            return None
        rows = np.flatnonzero(shown.heights_m > 0)
        if len(rows) == 0:
            return None
        found = first_column(ray, shown.positions[rows], shown.heights_m[rows], float(shown.request.radius_m))
        if found is None:
            return None
        row = int(rows[found[1]])
        return Hit(position=found[0], glyph=row), id_of(shown.request.ids, row)


def sunk_m(positions: NDArray[np.float64], radius_m: float, surroundings: Surroundings) -> Float32s:
    """Return how far (n,) columns must reach below their feet (n, 3) so that none hovers over a slope.

    Those that stand on something else than the ground, on roofs, end there.
    """
    around = np.array([[radius_m, 0.0], [-radius_m, 0.0], [0.0, radius_m], [0.0, -radius_m]])
    sides = (positions[:, None, :2] + around).reshape(-1, 2)
    lowest = surroundings.ground.heights_at(sides).reshape(-1, 4).min(axis=1)
    below = positions[:, 2] - lowest
    sunk: Float32s = np.where((below > 0) & (below < 2 * radius_m), below, 0.0).astype(np.float32)
    return sunk


def first_column(
    ray: PickRay, feet: Float32s, heights_m: Float32s, radius_m: float
) -> tuple[NDArray[np.float64], int] | None:
    """Return where the ray first meets one of the upright cylinders, and its row, or None."""
    along, start = ray.direction, ray.start
    apart = start[:2] - feet[:, :2].astype(np.float64)
    a = float(along[:2] @ along[:2])
    enters = np.full(len(feet), -np.inf)
    leaves = np.full(len(feet), np.inf)
    b, c = apart @ along[:2], np.einsum("ij,ij->i", apart, apart) - radius_m**2
    if a > 1e-12:
        root = b**2 - a * c
        met = root > 0
        half = np.sqrt(np.where(met, root, 0.0))
        enters, leaves = np.where(met, (-b - half) / a, np.inf), np.where(met, (-b + half) / a, -np.inf)
    else:
        enters[c > 0] = np.inf
    low, high = feet[:, 2].astype(np.float64), (feet[:, 2] + heights_m).astype(np.float64)
    if abs(along[2]) > 1e-12:
        at_low, at_high = (low - start[2]) / along[2], (high - start[2]) / along[2]
        enters = np.maximum(enters, np.minimum(at_low, at_high))
        leaves = np.minimum(leaves, np.maximum(at_low, at_high))
    else:
        enters[(start[2] < low) | (start[2] > high)] = np.inf
    enters = np.where((enters <= leaves) & (leaves >= 0), np.maximum(enters, 0.0), np.inf)
    if len(enters) == 0 or not np.isfinite(enters.min()):
        return None
    row = int(np.argmin(enters))
    return start + enters[row] * along, row

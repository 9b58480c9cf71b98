"""Upright columns whose heights tell a value."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import ExtrudedColumns
from twinviewer.scene.drawn import Drawn, Surroundings, box_around, id_of, row_colours
from twinviewer.scene.glyph_shapes import column_shape
from twinviewer.scene.glyphs import Copies
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.stage import Stage

Float32s = NDArray[np.float32]


class DrawnColumns(Drawn):
    """One ``ExtrudedColumns`` request."""

    def __init__(self, renderer: vtkRenderer) -> None:
        super().__init__(renderer)
        self._copies: Copies | None = None
        self._request: ExtrudedColumns | None = None
        self._surroundings: Surroundings | None = None
        self._positions = np.empty((0, 3), np.float32)
        self._sunk_m = np.empty(0, np.float32)
        self._heights_m = np.empty(0, np.float32)
        self._radius_m = 0.0
        self._ids: Sequence[str] = ()

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, ExtrudedColumns)

    def draw(self, request: ExtrudedColumns, surroundings: Surroundings) -> None:
        if self._copies is None:
            self._copies = Copies(column_shape())
            self._attach(self._copies.actor)
        count, before = len(request.positions), self._request
        if (
            before is None
            or request.positions is not before.positions
            or request.radius_m != before.radius_m
            or (surroundings is not self._surroundings)
        ):
            self._positions = surroundings.frame.to_local(request.positions)
            self._sunk_m = sunk_m(request.positions, request.radius_m, surroundings)
        self._request, self._surroundings = request, surroundings
        self._ids, self._radius_m = request.ids, float(request.radius_m)
        heights = np.asarray(request.heights_m, dtype=np.float32)
        self._heights_m = np.where(heights > 0, heights, np.float32(0))  # NaN too
        standing = self._heights_m > 0
        tops = self._positions + np.array([0, 0, 1], np.float32) * self._heights_m[:, None]
        self._box = box_around(np.concatenate([self._positions, tops]), reach_m=self._radius_m)
        foot = self._positions.copy()
        foot[:, 2] -= self._sunk_m
        size = np.empty((count, 3), np.float32)
        size[:, :2] = np.where(standing, np.float32(request.radius_m), np.float32(0))[:, None]
        size[:, 2] = np.where(standing, self._heights_m + self._sunk_m, np.float32(0))
        rgb = row_colours(request.values, request.scale, colour=request.colour, count=count)
        self._copies.write(foot, np.zeros((count, 3), np.float32), size, rgb)
        self._follow()

    def dress(self, stage: Stage) -> None:
        for actor in self._actors:
            stage.dress_copies(actor)

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        rows = np.flatnonzero(self._heights_m > 0)
        if len(rows) == 0 or not self._visible:
            return None
        found = first_column(ray, self._positions[rows], self._heights_m[rows], self._radius_m)
        if found is None:
            return None
        row = int(rows[found[1]])
        return Hit(position=found[0], glyph=row), id_of(self._ids, row)


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

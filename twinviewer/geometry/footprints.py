"""Which object stands where: positions looked up in the union of each object's triangles as seen from above.

A grid over the boxes of the objects finds the few whose triangles must be looked at, so that ten thousand positions
among a hundred thousand objects take a fraction of a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

_MOST_CELLS = 64
"""A box over more cells than this is compared with every position instead."""
_TRIANGLES_AT_ONCE = 1_000_000
_EDGE = 1e-9
"""Share of a triangle by which a position may lie beyond its edge: neighbours leave no gap."""


class Footprints:
    """The footprints of the objects of one mesh.

    Args:
        vertices: (v, 3)
        triangles: (m, 3) indices into ``vertices``.
        owner: (m,) number of the object that each triangle is part of; negative: of none.
    """

    def __init__(self, *, vertices: Float64s, triangles: Int32s, owner: Int32s) -> None:
        self._xy = np.ascontiguousarray(vertices[:, :2])
        level = np.flatnonzero((owner >= 0) & (np.abs(_doubled_areas(self._xy, triangles)) > 0))
        level = level[np.argsort(owner[level], kind="stable")]
        self._triangles = triangles[level]
        self._objects, self._first, self._count = np.unique(owner[level], return_index=True, return_counts=True)
        if len(level) == 0:
            self._low = self._high = np.empty((0, 2))
            self._top = np.empty(0)
            return
        corners = self._xy[self._triangles]
        self._low = np.minimum.reduceat(corners.min(axis=1), self._first, axis=0)
        self._high = np.maximum.reduceat(corners.max(axis=1), self._first, axis=0)
        self._top = np.maximum.reduceat(vertices[:, 2][self._triangles].max(axis=1), self._first)
        self._make_grid()

    def at(self, xy: Float64s) -> tuple[Int64s, Float64s]:
        """Return whose footprint each position is in, and how high that object reaches.

        Where several lie over one another, the one that reaches highest counts.

        Args:
            xy: (n, 2) metres, in the mesh's reference system.

        Returns:
            Numbers of objects (n,), −1 where there is none, and the heights (n,) of their tops in metres, −inf there.
        """
        found = np.full(len(xy), -1, dtype=np.int64)
        top = np.full(len(xy), -np.inf)
        if len(self._objects) == 0 or len(xy) == 0:
            return found, top
        position, box = self._in_boxes(xy)
        ends = np.cumsum(self._count[box])
        start = 0
        while start < len(box):
            done = ends[start - 1] if start else 0
            stop = max(start + 1, int(np.searchsorted(ends, done + _TRIANGLES_AT_ONCE, side="right")))
            inside = self._inside(xy, position[start:stop], box[start:stop])
            at, which = position[start:stop][inside], box[start:stop][inside]
            order = np.lexsort((-which, self._top[which]))  # the highest, and of equal ones the first, is written last
            at, which = at[order], which[order]
            better = self._top[which] > top[at]
            found[at[better]] = self._objects[which[better]]
            top[at[better]] = self._top[which[better]]
            start = stop
        return found, top

    def _make_grid(self) -> None:
        """Sort the boxes into cells about as large as most of them."""
        size = self._high - self._low
        self._cell_m = max(1e-6, float(np.median(size.max(axis=1))))
        self._origin = self._low.min(axis=0)
        span = (self._high.max(axis=0) - self._origin) / self._cell_m
        if span.max() > 2**30:  # cell numbers must fit
            self._cell_m *= span.max() / 2**30
        self._columns = int((self._high[:, 0].max() - self._origin[0]) / self._cell_m) + 2
        low, high = self._cells_of(self._low), self._cells_of(self._high)
        across = high - low + 1
        cells = across.prod(axis=1)
        small = np.flatnonzero(cells <= _MOST_CELLS)
        self._large = np.flatnonzero(cells > _MOST_CELLS)
        box = np.repeat(small, cells[small])
        rank = np.arange(len(box)) - np.repeat(np.cumsum(cells[small]) - cells[small], cells[small])
        row, column = np.divmod(rank, across[box, 0])
        key = (low[box, 1] + row) * self._columns + low[box, 0] + column
        order = np.argsort(key, kind="stable")
        self._cell_box = box[order]
        self._cells, self._cell_first, self._cell_count = np.unique(key[order], return_index=True, return_counts=True)

    def _cells_of(self, xy: Float64s) -> Int64s:
        cells: Int64s = np.floor((xy - self._origin) / self._cell_m).astype(np.int64)
        return cells

    def _in_boxes(self, xy: Float64s) -> tuple[Int64s, Int64s]:
        """Return the pairs (position, box) of which the one lies in the other, by position."""
        inside = np.flatnonzero(((xy >= self._origin) & (xy <= self._high.max(axis=0))).all(axis=1))
        cell = self._cells_of(xy[inside])
        key = cell[:, 1] * self._columns + cell[:, 0]
        slot = np.minimum(np.searchsorted(self._cells, key), max(0, len(self._cells) - 1))
        hit = (self._cells[slot] == key) if len(self._cells) else np.zeros(len(key), np.bool_)
        inside_cells, slot = inside[hit], slot[hit]
        count = self._cell_count[slot] if len(self._cells) else np.empty(0, np.int64)
        position = np.repeat(inside_cells, count)
        rank = np.arange(len(position)) - np.repeat(np.cumsum(count) - count, count)
        box = self._cell_box[np.repeat(self._cell_first[slot], count) + rank] if len(position) else rank
        position = np.concatenate((position, np.repeat(inside, len(self._large))))
        box = np.concatenate((box, np.tile(self._large, len(inside))))
        within = ((xy[position] >= self._low[box]) & (xy[position] <= self._high[box])).all(axis=1)
        return position[within], box[within]

    def _inside(self, xy: Float64s, position: Int64s, box: Int64s) -> NDArray[np.bool_]:
        """Return for each pair (k,) whether the position lies in one of the triangles of the box's object."""
        count = self._count[box]
        pair = np.repeat(np.arange(len(box)), count)
        rank = np.arange(len(pair)) - np.repeat(np.cumsum(count) - count, count)
        a, b, c = np.moveaxis(self._xy[self._triangles[self._first[box][pair] + rank]], 1, 0)
        point = xy[position][pair] - a
        b, c = b - a, c - a
        area = b[:, 0] * c[:, 1] - b[:, 1] * c[:, 0]
        v = (point[:, 0] * c[:, 1] - point[:, 1] * c[:, 0]) / area
        w = (b[:, 0] * point[:, 1] - b[:, 1] * point[:, 0]) / area
        hit = (v >= -_EDGE) & (w >= -_EDGE) & (v + w <= 1 + _EDGE)
        return np.bincount(pair, weights=hit, minlength=len(box)) > 0


def _doubled_areas(xy: Float64s, triangles: Int32s) -> Float64s:
    """Return twice the signed area (m,) of each triangle as seen from above; 0 for upright ones."""
    areas = np.empty(len(triangles))
    for start in range(0, len(triangles), _TRIANGLES_AT_ONCE):
        part = slice(start, start + _TRIANGLES_AT_ONCE)
        a, b, c = np.moveaxis(xy[triangles[part]], 1, 0)
        areas[part] = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    return areas

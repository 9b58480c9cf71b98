"""Lines of equal height on a grid, by cutting its cells into triangles: in a triangle there is no doubt.

The surface between cell centres is made of two triangles per four centres.  A level crosses two sides of a triangle
or none; a side belongs to two triangles, so following sides gives whole lines.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]


class Surface:
    """The triangles of a grid of heights (rows, columns); those with a missing height are left out."""

    def __init__(self, heights: Float64s) -> None:
        self._heights = heights.ravel()
        self._columns = heights.shape[1]
        node = np.arange(heights.size).reshape(heights.shape)
        a, b, c, d = (part.ravel() for part in (node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:]))
        triangles = np.concatenate([np.column_stack([a, b, c]), np.column_stack([b, d, c])])
        self._triangles = triangles[np.isfinite(self._heights[triangles]).all(axis=1)]
        corners = self._heights[self._triangles]
        self._low, self._high = corners.min(axis=1), corners.max(axis=1)

    def lines_at(self, level: float) -> list[Float64s]:
        """Return the lines of one height, each (n, 2) as column and row of cell centres; rings are closed."""
        crossed = self._triangles[(self._low <= level) & (self._high > level)]
        if len(crossed) == 0:
            return []
        sides = np.stack([np.sort(crossed[:, [i, j]], axis=1) for i, j in ((0, 1), (1, 2), (2, 0))], axis=1)
        above = self._heights[sides] > level
        pairs = sides[above[..., 0] != above[..., 1]].reshape(-1, 2, 2)  # two sides of each triangle
        keys = pairs[..., 0] * len(self._heights) + pairs[..., 1]
        unique, number = np.unique(keys, return_inverse=True)
        points = self._points(unique // len(self._heights), unique % len(self._heights), level)
        return [_without_repeats(points[line]) for line in _chains(number.reshape(-1, 2), len(unique))]

    def _points(self, start: Int64s, end: Int64s, level: float) -> Float64s:
        share = (level - self._heights[start]) / (self._heights[end] - self._heights[start])
        from_, to = (np.column_stack([node % self._columns, node // self._columns]) for node in (start, end))
        return from_ + share[:, None] * (to - from_)


def _chains(links: Int64s, count: int) -> list[list[int]]:
    """Return the chains of points that links (m, 2) make; each point has one or two links.  Rings end as they begin."""
    order = np.argsort(links.ravel(), kind="stable")
    ends = np.searchsorted(links.ravel()[order], np.arange(count + 1)).tolist()
    link_of = (order // 2).tolist()
    pairs = links.tolist()
    used = [False] * len(pairs)

    def follow(point: int) -> list[int]:
        chain = [point]
        while True:
            link = next((each for each in link_of[ends[point] : ends[point + 1]] if not used[each]), None)
            if link is None:
                return chain
            used[link] = True
            first, second = pairs[link]
            point = second if first == point else first
            chain.append(point)

    open_ends = [point for point in range(count) if ends[point + 1] - ends[point] == 1]
    chains = [follow(point) for point in (*open_ends, *range(count))]
    return [chain for chain in chains if len(chain) > 1]


def _without_repeats(line: Float64s) -> Float64s:
    kept = np.concatenate([[True], (np.diff(line, axis=0) != 0).any(axis=1)])
    return line[kept] if kept.sum() > 1 else line

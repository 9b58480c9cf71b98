"""Polygons, lines and points of a city model as their formats have them, put together from outlines again.

A :class:`CityModel` holds triangles for the eye and outlines beside them: the rings of a polygon follow one another
among its edges.  A polygon is given the way round in which its triangles face.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.findings import Findings
from twinviewer.model.layer_data import CityModel

Polygon = list[list[int]]
"""Rings of vertices of the model, the outer one first."""


class Outlines:
    """What each surface of a model is made of, in vertices of the model.

    Args:
        data: The model.
        numbers: (v,) of the vertices in the file; several vertices may become one.
        findings: Hear what has no outline.
    """

    def __init__(self, data: CityModel, numbers: NDArray[np.int64], findings: Findings) -> None:
        self._data = data
        self._numbers: list[int] = numbers.tolist()
        self._findings = findings
        self._inward = _face_inward(data)
        self._edges = _Runs(data.edge_surface, data.edges, len(data.surface_object))
        self._triangles = _Runs(data.triangle_surface, data.triangles, len(data.surface_object))
        points = data.points
        count = len(data.surface_object)
        self._points = None if points is None else _Runs(points.surface, points.vertices[:, None], count)

    def polygons(self, surface: int) -> list[Polygon]:
        """Return the polygons of a surface: one, or as many as it has triangles where it has no closed outline."""
        edges = self._edges[surface]
        rings = _rings(edges, self._numbers)
        if rings:
            return [[ring[::-1] for ring in rings] if self._inward[surface] else rings]
        numbers = self._numbers
        own = [[triangle] for triangle in self._triangles[surface] if len({numbers[each] for each in triangle}) == 3]
        where = self._data.object_ids[self._data.surface_object[surface]]
        if own:
            problem = "Surfaces without an outline are written as their triangles."
        else:
            problem = "Surfaces that cannot be drawn, or are smaller than a step of the coordinates, are left out."
        self._findings.add("write.changed", problem, where=where, objects=(where,))
        return own

    def lines(self, surface: int) -> list[list[int]]:
        """Return the lines of a surface that is a curve."""
        lines: list[list[int]] = []
        for start, end in self._edges[surface]:
            if lines and lines[-1][-1] == start:
                lines[-1].append(end)
            else:
                lines.append([start, end])
        return lines

    def points(self, surface: int) -> list[int]:
        """Return the points of a surface that is a set of them."""
        return [] if self._points is None else [point for (point,) in self._points[surface]]

    def is_curve(self, surface: int) -> bool:
        """Return whether a surface has edges and no triangles."""
        return bool(self._edges.count(surface)) and not self._triangles.count(surface)

    def triangles(self, surface: int) -> range:
        """Return which triangles in :attr:`triangle_order` are those of a surface."""
        return self._triangles.span(surface)

    @property
    def triangle_order(self) -> NDArray[np.int64]:
        """(m,) the triangles of the model, surface by surface."""
        return self._triangles.order


class _Runs:
    """Rows by the surface that they are of."""

    def __init__(self, surface: NDArray[np.int32], rows: NDArray[np.int32], count: int) -> None:
        self.order = np.argsort(surface, kind="stable")
        self._rows: list[list[int]] = rows[self.order].tolist()
        self._bounds: list[int] = np.searchsorted(surface[self.order], np.arange(count + 1)).tolist()

    def __getitem__(self, surface: int) -> list[list[int]]:
        return self._rows[self._bounds[surface] : self._bounds[surface + 1]]

    def span(self, surface: int) -> range:
        return range(self._bounds[surface], self._bounds[surface + 1])

    def count(self, surface: int) -> int:
        return self._bounds[surface + 1] - self._bounds[surface]


def _rings(edges: Sequence[list[int]], numbers: Sequence[int]) -> list[list[int]]:
    """Return the rings that follow one another in the edges; nothing where they are not rings.

    Corners that are one vertex of the file, by ``numbers``, are given once.
    """
    rings: list[list[int]] = []
    ring: list[int] = []
    after = -1
    for start, end in edges:
        if ring and start != after:
            return []
        ring.append(start)
        after = end
        if end == ring[0]:
            rings.append(ring)
            ring = []
    if ring or not rings:
        return []
    outer, *holes = (_without_repeats(ring, numbers) for ring in rings)
    return [outer, *(hole for hole in holes if len(hole) > 2)] if len(outer) > 2 else []


def _without_repeats(ring: list[int], numbers: Sequence[int]) -> list[int]:
    before: Iterator[int] = iter([ring[-1], *ring])
    return [corner for corner, last in zip(ring, before, strict=False) if numbers[corner] != numbers[last]]


def _face_inward(data: CityModel) -> list[bool]:
    """Return, for each surface, whether its outline turns the other way round than its triangles."""
    count = len(data.surface_object)
    points = data.vertices - data.vertices.mean(axis=0) if len(data.vertices) else data.vertices
    first, second, third = (points[data.triangles[:, corner]] for corner in range(3))
    faces, outlines = np.zeros((count, 3)), np.zeros((count, 3))
    start, end = points[data.edges[:, 0]], points[data.edges[:, 1]]
    for axis in range(3):
        normal = np.cross(second - first, third - first)[:, axis]
        faces[:, axis] = np.bincount(data.triangle_surface, weights=normal, minlength=count)
        swept = np.cross(start, end)[:, axis]
        outlines[:, axis] = np.bincount(data.edge_surface, weights=swept, minlength=count)
    inward: list[bool] = ((faces * outlines).sum(axis=1) < 0).tolist()
    return inward

"""Plane geometry on plain tuples: for the thousands of small polygons of a town plan, where arrays would only be slow.

Polygons are lists of corners, counter-clockwise, the first not repeated.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

Point = tuple[float, float]

_PARALLEL = 0.03
"""Sine of the angle below which two lines count as one direction."""


def direction(start: Point, end: Point) -> Point:
    """Return the unit vector from ``start`` to ``end``; (1, 0) where they are the same."""
    x, y = end[0] - start[0], end[1] - start[1]
    length = math.hypot(x, y)
    return (x / length, y / length) if length > 0 else (1.0, 0.0)


def along(point: Point, way: Point, distance: float, aside: float = 0.0) -> Point:
    """Return the point ``distance`` further along ``way`` and ``aside`` to its left."""
    return (point[0] + way[0] * distance - way[1] * aside, point[1] + way[1] * distance + way[0] * aside)


def between(start: Point, end: Point, share: float) -> Point:
    return (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)


def cross(a: Point, b: Point) -> float:
    return a[0] * b[1] - a[1] * b[0]


def area(polygon: Sequence[Point]) -> float:
    """Return the signed area, positive for counter-clockwise corners."""
    x0, y0 = polygon[0]  # relative to a corner: exact for small polygons far from the origin
    twice = sum(
        (a[0] - x0) * (b[1] - y0) - (b[0] - x0) * (a[1] - y0)
        for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True)
    )
    return twice / 2


def centre(polygon: Sequence[Point]) -> Point:
    """Return the mean of the corners."""
    return sum(x for x, _ in polygon) / len(polygon), sum(y for _, y in polygon) / len(polygon)


def centroid(polygon: Sequence[Point]) -> Point:
    """Return the centre of mass of the polygon's area."""
    x0, y0 = polygon[0]
    twice, x_sum, y_sum = 0.0, 0.0, 0.0
    for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
        share = cross((a[0] - x0, a[1] - y0), (b[0] - x0, b[1] - y0))
        twice += share
        x_sum += share * (a[0] + b[0] - 2 * x0)
        y_sum += share * (a[1] + b[1] - 2 * y0)
    return x0 + x_sum / (3 * twice), y0 + y_sum / (3 * twice)


def length(line: Sequence[Point]) -> float:
    return sum(math.dist(a, b) for a, b in pairwise(line))


def is_inside(point: Point, polygon: Sequence[Point]) -> bool:
    x, y = point
    inside = False
    x1, y1 = polygon[-1]
    for x2, y2 in polygon:
        if (y1 > y) != (y2 > y) and x < x1 + (y - y1) / (y2 - y1) * (x2 - x1):
            inside = not inside
        x1, y1 = x2, y2
    return inside


def boundary_distance(point: Point, polygon: Sequence[Point]) -> float:
    """Return the distance from ``point`` to the nearest edge."""
    return min(segment_distance(point, a, b) for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True))


def segment_distance(point: Point, start: Point, end: Point) -> float:
    x, y = end[0] - start[0], end[1] - start[1]
    squared = x * x + y * y
    share = ((point[0] - start[0]) * x + (point[1] - start[1]) * y) / squared if squared else 0.0
    share = min(1.0, max(0.0, share))
    return math.hypot(point[0] - start[0] - share * x, point[1] - start[1] - share * y)


def crossings(polygon: Sequence[Point], through: Point, way: Point) -> list[tuple[float, int, Point]]:
    """Return where a straight line crosses the edges: (distance along it, edge, point), ascending."""
    found = []
    sides = [cross(way, (x - through[0], y - through[1])) for x, y in polygon]
    for edge, start in enumerate(polygon):
        after = (edge + 1) % len(polygon)
        if (sides[edge] > 0) == (sides[after] > 0):
            continue
        point = between(start, polygon[after], sides[edge] / (sides[edge] - sides[after]))
        found.append(((point[0] - through[0]) * way[0] + (point[1] - through[1]) * way[1], edge, point))
    return sorted(found)


def box(polygon: Sequence[Point]) -> tuple[Point, Point, float, float]:
    """Return the smallest oriented box: its centre, the direction of its longer side, and both sides' lengths."""
    best: tuple[float, Point, Point, float, float] | None = None
    for index, corner in enumerate(polygon):
        way = direction(polygon[index - 1], corner)
        lengths = [x * way[0] + y * way[1] for x, y in polygon]
        widths = [y * way[0] - x * way[1] for x, y in polygon]
        low, high, left, right = min(lengths), max(lengths), min(widths), max(widths)
        size = (high - low) * (right - left)
        if best is None or size < best[0]:
            middle = ((low + high) / 2, (left + right) / 2)
            at = (middle[0] * way[0] - middle[1] * way[1], middle[0] * way[1] + middle[1] * way[0])
            best = (size, at, way, high - low, right - left)
    assert best is not None
    _, at, way, long, short = best
    return (at, way, long, short) if long >= short else (at, (-way[1], way[0]), short, long)


def inset(polygon: Sequence[Point], distances: Sequence[float]) -> tuple[list[Point], list[int]] | None:
    """Move each edge inwards by its own distance, corners mitred; edges that shrink to nothing are left out.

    Returns:
        The smaller polygon, and for each of its edges which edge of ``polygon`` it comes from; None where nothing
        sensible is left.
    """
    edges = []
    for index, start in enumerate(polygon):
        way = direction(start, polygon[(index + 1) % len(polygon)])
        edges.append((along(start, way, 0.0, distances[index]), way, index))
    while len(edges) >= 3:
        corners = _corners(edges)
        if corners is None:
            return None
        lengths = [
            (corners[(at + 1) % len(edges)][0] - corners[at][0]) * way[0]
            + (corners[(at + 1) % len(edges)][1] - corners[at][1]) * way[1]
            for at, (_, way, _) in enumerate(edges)
        ]
        shortest = min(range(len(edges)), key=lengths.__getitem__)
        if lengths[shortest] > 0.3:
            return (corners, [edge[2] for edge in edges]) if area(corners) > 1.0 else None
        del edges[shortest]
    return None


def _corners(edges: Sequence[tuple[Point, Point, int]]) -> list[Point] | None:
    """Return where each edge's line meets the one before, or None where two run against each other."""
    corners = []
    for at, (point, way, _) in enumerate(edges):
        other, other_way, _ = edges[at - 1]
        sine = cross(other_way, way)
        if abs(sine) < _PARALLEL:
            if other_way[0] * way[0] + other_way[1] * way[1] < 0:
                return None
            step = (point[0] - other[0]) * other_way[0] + (point[1] - other[1]) * other_way[1]
            corners.append(between(along(other, other_way, step), point, 0.5))
        else:
            step = cross((point[0] - other[0], point[1] - other[1]), way) / sine
            corners.append(along(other, other_way, step))
    return corners


def spline(points: Sequence[Point], step_m: float) -> list[Point]:
    """Return a smooth line through ``points`` (Catmull–Rom), with a corner about every ``step_m``."""
    ends = (
        (2 * points[0][0] - points[1][0], 2 * points[0][1] - points[1][1]),
        (2 * points[-1][0] - points[-2][0], 2 * points[-1][1] - points[-2][1]),
    )
    knots = [ends[0], *points, ends[1]]
    line: list[Point] = []
    for at in range(1, len(knots) - 2):
        p0, p1, p2, p3 = knots[at - 1 : at + 3]
        count = max(1, round(math.dist(p1, p2) / step_m))
        for index in range(count):
            t = index / count
            a, b = -0.5 * t + t**2 - 0.5 * t**3, 1 - 2.5 * t**2 + 1.5 * t**3
            c, d = 0.5 * t + 2 * t**2 - 1.5 * t**3, -0.5 * t**2 + 0.5 * t**3
            line.append((a * p0[0] + b * p1[0] + c * p2[0] + d * p3[0], a * p0[1] + b * p1[1] + c * p2[1] + d * p3[1]))
    line.append(points[-1])
    return line


def rectangle(corner: Point, way: Point, length_m: float, depth_m: float) -> tuple[Point, Point, Point, Point]:
    """Return the rectangle that starts at ``corner``, ``length_m`` along ``way`` and ``depth_m`` to its left."""
    end = along(corner, way, length_m)
    return corner, end, along(end, way, 0.0, depth_m), along(corner, way, 0.0, depth_m)


def turn(polygon: Sequence[Point], at: int) -> float:
    """Return the sine of the left turn at a corner."""
    before, here, after = polygon[at - 1], polygon[at], polygon[(at + 1) % len(polygon)]
    return cross(direction(before, here), direction(here, after))


def overlap(a: Sequence[Point], b: Sequence[Point], *, gap_m: float = 0.0) -> bool:
    """Return whether two convex polygons share more than a touch, or come nearer than ``gap_m`` edge to edge.

    A line along an edge of either that has the other wholly on its outside separates them.
    """
    return not (_separated(a, b, gap_m) or _separated(b, a, gap_m))


def _separated(a: Sequence[Point], b: Sequence[Point], gap_m: float) -> bool:
    touch = gap_m - 1e-6
    start = a[-1]
    for end in a:
        way = direction(start, end)
        if all(way[0] * (y - start[1]) - way[1] * (x - start[0]) <= -touch for x, y in b):
            return True
        start = end
    return False

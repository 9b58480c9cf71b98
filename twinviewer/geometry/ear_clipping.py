"""Polygons in space cut into triangles by compiled loops, all of them in one call.

Convex polygons become fans.  Others are seen along the axis that their plane faces most; their holes are joined to the
outer ring by bridges, and ears are clipped from what results (Eberly, *Triangulation by Ear Clipping*).  What the
triangles cover is compared with what the rings enclose, so that the caller can cut otherwise what did not come out.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinviewer.geometry.compiled import compiled

Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Int8s = NDArray[np.int8]

WITHOUT_INSIDE, CONVEX, CUT, DOUBTFUL = 0, 1, 2, 3
"""How a polygon fared; the triangles of a doubtful one would not cover what its rings enclose, and are not given."""

_FLAT = 1e-9
"""A polygon with less area than this share of the square of its length has no inside that could be drawn."""
_STRAIGHT = 1e-7
"""Sine of the angle up to which a corner that turns inwards still counts as straight."""
_EMPTY = 1e-12
"""Like ``_FLAT``, for one triangle: corners on a straight edge give some that are nothing but a line."""
_EXACT = 1e-9
"""Share of its area by which the triangles of a polygon may differ from it."""
_MOST_CORNERS = 20_000
"""Of a polygon that is clipped here: the time it takes grows with their square."""

_NEXT, _PREVIOUS, _CORNER = 0, 1, 2
"""Rows of the nodes, which link a ring's corners; a bridge passes its two corners twice."""


@compiled
def cut_polygons(vertices: Float64s, ring_offsets: Int64s, polygon_offsets: Int64s) -> tuple[Int32s, Int32s, Int8s]:
    """Return triangles (m, 3), the polygon (m,) of each, ascending, and how each polygon (p,) fared.

    Args:
        vertices: (v, 3) as for ``triangulate_polygons``, like the next two.
        ring_offsets: (r + 1,)
        polygon_offsets: (p + 1,)
    """
    polygons = len(polygon_offsets) - 1
    limit = len(vertices) + 2 * len(ring_offsets)
    most_nodes, most_rings = 1, 1
    for polygon in range(polygons):
        first, last = polygon_offsets[polygon], polygon_offsets[polygon + 1]
        most_rings = max(most_rings, last - first)
        most_nodes = max(most_nodes, ring_offsets[last] - ring_offsets[first] + 2 * (last - first))
    triangles = np.empty((limit, 3), np.int32)
    triangle_polygon = np.empty(limit, np.int32)
    fate = np.zeros(polygons, np.int8)
    plane = np.empty((most_nodes, 2))
    nodes = np.empty((3, most_nodes), np.int32)
    reflex = np.empty(most_nodes, np.int32)
    leftmost = np.empty(most_rings, np.int32)
    count = 0
    for polygon in range(polygons):
        first, last = polygon_offsets[polygon], polygon_offsets[polygon + 1]
        if last == first or ring_offsets[first + 1] - ring_offsets[first] < 3:
            continue
        start, outer_end, end = ring_offsets[first], ring_offsets[first + 1], ring_offsets[last]
        length_2, has_inside, area = _flatten(vertices, start, outer_end, end, plane)
        if not has_inside:
            continue
        begun, empty = count, _EMPTY * length_2
        is_convex = last == first + 1 and _is_convex(plane, outer_end - start)
        if is_convex:
            count = _fan(plane, start, outer_end - start, empty, triangles, count)
        if count == begun and end - start <= _MOST_CORNERS:
            _link(nodes, 0, outer_end - start, 1)
            holes = 0
            for ring in range(first + 1, last):
                begin, size = ring_offsets[ring] - start, ring_offsets[ring + 1] - ring_offsets[ring]
                if size >= 3:
                    signed = _double_area(plane, begin, size)
                    area -= abs(signed)
                    _link(nodes, begin, size, -1 if signed > 0 else 1)
                    leftmost[holes] = _leftmost(plane, begin, size)
                    holes += 1
            _bridge(plane, nodes, leftmost[:holes], end - start)
            count = _clip(vertices, plane, nodes, reflex, start, empty, triangles, count)
        covered = 0.0
        for row in range(begun, count):
            triangle_polygon[row] = polygon
            a, b, c = triangles[row]
            covered += _cross(plane, a - start, b - start, c - start)
        if count > begun and abs(covered - area) <= _EXACT * area:
            fate[polygon] = CONVEX if is_convex else CUT
        else:
            fate[polygon] = DOUBTFUL
            count = begun
    return triangles[:count].copy(), triangle_polygon[:count].copy(), fate


@compiled
def _flatten(vertices: Float64s, start: int, outer_end: int, end: int, plane: Float64s) -> tuple[float, bool, float]:
    """Fill ``plane`` with the corners as seen along the axis that the polygon faces most, its outer ring turning left.

    Returns:
        The square of the polygon's length, whether it has an inside, and twice the area of its outer ring there.
    """
    x0, y0, z0 = vertices[start, 0], vertices[start, 1], vertices[start, 2]
    nx, ny, nz = 0.0, 0.0, 0.0
    ax, ay, az = vertices[outer_end - 1, 0] - x0, vertices[outer_end - 1, 1] - y0, vertices[outer_end - 1, 2] - z0
    for corner in range(start, outer_end):
        bx, by, bz = vertices[corner, 0] - x0, vertices[corner, 1] - y0, vertices[corner, 2] - z0
        nx += ay * bz - az * by
        ny += az * bx - ax * bz
        nz += ax * by - ay * bx
        ax, ay, az = bx, by, bz
    wide, deep, high = abs(nx), abs(ny), abs(nz)
    if high >= wide and high >= deep:
        u, v, facing = 0, 1, nz
    elif wide >= deep:
        u, v, facing = 1, 2, nx
    else:
        u, v, facing = 2, 0, ny
    mirror = -1.0 if facing < 0 else 1.0
    length_2, total = 0.0, 0.0
    for corner in range(start, end):
        x, y, z = vertices[corner, 0] - x0, vertices[corner, 1] - y0, vertices[corner, 2] - z0
        distance_2 = x * x + y * y + z * z
        length_2 = max(length_2, distance_2)
        total += distance_2
        plane[corner - start, 0] = (vertices[corner, u] - vertices[start, u]) * mirror
        plane[corner - start, 1] = vertices[corner, v] - vertices[start, v]
    double_area = np.sqrt(nx * nx + ny * ny + nz * nz)
    return length_2, bool(np.isfinite(total) and double_area > _FLAT * length_2), abs(facing)


@compiled
def _cross(plane: Float64s, a: int, b: int, c: int) -> float:
    """Return twice the area of the triangle a, b, c, positive where it turns left."""
    au, av = plane[a, 0], plane[a, 1]
    return float((plane[b, 0] - au) * (plane[c, 1] - av) - (plane[c, 0] - au) * (plane[b, 1] - av))


@compiled
def _double_area_in_space(vertices: Float64s, a: int, b: int, c: int) -> float:
    ax, ay, az = vertices[a, 0], vertices[a, 1], vertices[a, 2]
    bx, by, bz = vertices[b, 0] - ax, vertices[b, 1] - ay, vertices[b, 2] - az
    cx, cy, cz = vertices[c, 0] - ax, vertices[c, 1] - ay, vertices[c, 2] - az
    x, y, z = by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx
    return float(np.sqrt(x * x + y * y + z * z))


@compiled
def _double_area(plane: Float64s, begin: int, size: int) -> float:
    area = 0.0
    for corner in range(begin + 1, begin + size - 1):
        area += _cross(plane, begin, corner, corner + 1)
    return area


@compiled
def _is_convex(plane: Float64s, size: int) -> bool:
    """Return whether a ring never turns right, nor back, and goes around once."""
    if size == 3:
        return True
    du, dv = plane[0, 0] - plane[size - 1, 0], plane[0, 1] - plane[size - 1, 1]
    was_rising = dv > 0 or (dv == 0 and du > 0)
    swings = 0
    for corner in range(size):
        following = corner + 1 if corner + 1 < size else 0
        eu, ev = plane[following, 0] - plane[corner, 0], plane[following, 1] - plane[corner, 1]
        sine, cosine = du * ev - dv * eu, du * eu + dv * ev
        tolerance = _STRAIGHT * np.sqrt((du * du + dv * dv) * (eu * eu + ev * ev))
        if sine < -tolerance or (sine <= tolerance and cosine <= 0):
            return False
        is_rising = ev > 0 or (ev == 0 and eu > 0)
        swings += is_rising != was_rising
        du, dv, was_rising = eu, ev, is_rising
    return swings == 2


@compiled
def _fan(plane: Float64s, start: int, size: int, empty: float, triangles: Int32s, count: int) -> int:
    """Give the triangles from the first corner to all others, or none where it lies on a line with two of them."""
    for corner in range(1, size - 1):
        if _cross(plane, 0, corner, corner + 1) <= empty:
            return count
    for corner in range(1, size - 1):
        triangles[count, 0], triangles[count, 1], triangles[count, 2] = start, start + corner, start + corner + 1
        count += 1
    return count


@compiled
def _link(nodes: Int32s, begin: int, size: int, step: int) -> None:
    """Link the corners of a ring in their order (``step`` 1), or the other way round (−1)."""
    for place in range(size):
        nodes[_NEXT, begin + place] = begin + (place + step + size) % size
        nodes[_PREVIOUS, begin + place] = begin + (place - step + size) % size
        nodes[_CORNER, begin + place] = begin + place


@compiled
def _leftmost(plane: Float64s, begin: int, size: int) -> int:
    best = begin
    for corner in range(begin + 1, begin + size):
        u, best_u = plane[corner, 0], plane[best, 0]
        if u < best_u or (u == best_u and plane[corner, 1] < plane[best, 1]):
            best = corner
    return best


@compiled
def _bridge(plane: Float64s, nodes: Int32s, leftmost: Int32s, size: int) -> None:
    """Join holes, by their leftmost nodes, to the outer ring, the leftmost hole first.

    ``size`` is the number of nodes before the first bridge.
    """
    for place in range(1, len(leftmost)):
        hole, slot = leftmost[place], place
        while slot > 0 and plane[leftmost[slot - 1], 0] > plane[hole, 0]:
            leftmost[slot] = leftmost[slot - 1]
            slot -= 1
        leftmost[slot] = hole
    for hole in leftmost:
        pier = _pier(plane, nodes, hole)
        if pier < 0:
            continue  # a hole outside: the areas will tell
        again, hole_again = size, size + 1
        size += 2
        nodes[_CORNER, again], nodes[_CORNER, hole_again] = nodes[_CORNER, pier], nodes[_CORNER, hole]
        after, before = nodes[_NEXT, pier], nodes[_PREVIOUS, hole]
        nodes[_NEXT, pier], nodes[_PREVIOUS, hole] = hole, pier
        nodes[_NEXT, before], nodes[_PREVIOUS, hole_again] = hole_again, before
        nodes[_NEXT, hole_again], nodes[_PREVIOUS, again] = again, hole_again
        nodes[_NEXT, again], nodes[_PREVIOUS, after] = after, again


@compiled
def _pier(plane: Float64s, nodes: Int32s, hole: int) -> int:
    """Return the node of the outer ring that ``hole``, leftmost of its ring, sees; −1 where nothing lies left of it.

    The ray to the left meets an edge; the edge's left end is seen, unless other nodes lie in the triangle between.
    """
    hole_u, hole_v = plane[hole, 0], plane[hole, 1]
    met, found = -np.inf, -1
    node = 0
    while True:
        after = nodes[_NEXT, node]
        a, b = nodes[_CORNER, node], nodes[_CORNER, after]
        au, av, bu, bv = plane[a, 0], plane[a, 1], plane[b, 0], plane[b, 1]
        if bv <= hole_v <= av and av != bv:  # with the inside to its right
            u = au + (hole_v - av) * (bu - au) / (bv - av)
            if met < u <= hole_u:
                met = u
                found = node if au < bu else after
                if u == hole_u:
                    if hole_v == av:
                        return node
                    if hole_v == bv:
                        return int(after)
        node = after
        if node == 0:
            break
    if found < 0:
        return -1
    best, best_slope = found, np.inf
    tip_u, tip_v = plane[nodes[_CORNER, found], 0], plane[nodes[_CORNER, found], 1]
    node = found
    while True:
        corner = nodes[_CORNER, node]
        u, v = plane[corner, 0], plane[corner, 1]
        if tip_u <= u < hole_u and _is_within(u, v, hole_u, hole_v, met, hole_v, tip_u, tip_v, 0.0):
            slope = abs(hole_v - v) / (hole_u - u)
            if slope <= best_slope and _looks_inside(plane, nodes, node, hole):
                nearer = u > plane[nodes[_CORNER, best], 0]
                if slope < best_slope or nearer:
                    best, best_slope = node, slope
        node = nodes[_NEXT, node]
        if node == found:
            break
    return int(best)


@compiled
def _is_within(
    u: float, v: float, au: float, av: float, bu: float, bv: float, cu: float, cv: float, margin: float
) -> bool:
    """Return whether (u, v) lies in the triangle a, b, c or on its sides, whichever way it turns.

    ``margin`` is twice the area of the triangle that a point outside may make with a side.
    """
    first = (bu - au) * (v - av) - (u - au) * (bv - av)
    second = (cu - bu) * (v - bv) - (u - bu) * (cv - bv)
    third = (au - cu) * (v - cv) - (u - cu) * (av - cv)
    turns_left = first >= -margin and second >= -margin and third >= -margin
    return turns_left or (first <= margin and second <= margin and third <= margin)


@compiled
def _looks_inside(plane: Float64s, nodes: Int32s, node: int, other: int) -> bool:
    """Return whether the way from ``node`` to ``other`` begins on the inner side of the ring of ``node``."""
    before = nodes[_CORNER, nodes[_PREVIOUS, node]]
    here, target = nodes[_CORNER, node], nodes[_CORNER, other]
    after = nodes[_CORNER, nodes[_NEXT, node]]
    if _cross(plane, before, here, after) > 0:
        return _cross(plane, here, after, target) >= 0 and _cross(plane, before, here, target) >= 0
    return _cross(plane, here, after, target) > 0 or _cross(plane, before, here, target) > 0


@compiled
def _clip(
    vertices: Float64s,
    plane: Float64s,
    nodes: Int32s,
    reflex: Int32s,
    start: int,
    empty: float,
    triangles: Int32s,
    count: int,
) -> int:
    """Clip ears from the ring that begins at node 0 until two nodes are left, or no ear is found."""
    reflexes, node = 0, 0
    while True:
        a, b, c = nodes[_CORNER, nodes[_PREVIOUS, node]], nodes[_CORNER, node], nodes[_CORNER, nodes[_NEXT, node]]
        if _cross(plane, a, b, c) <= empty:
            reflex[reflexes] = node
            reflexes += 1
        node = nodes[_NEXT, node]
        if node == 0:
            break
    ear, stop, lenient = 0, 0, False  # lenient once no ear was found all around
    while nodes[_NEXT, ear] != nodes[_PREVIOUS, ear]:
        before, after = nodes[_PREVIOUS, ear], nodes[_NEXT, ear]
        a, b, c = nodes[_CORNER, before], nodes[_CORNER, ear], nodes[_CORNER, after]
        double_area = _cross(plane, a, b, c)
        is_straight = abs(double_area) <= empty
        if is_straight:
            is_ear = lenient  # at last: other ears take such corners in, so that no neighbour's corner lies on a side
        elif double_area > 0:
            is_ear, reflexes = _is_ear(plane, nodes, reflex, reflexes, ear, 0.0 if lenient else empty)
        else:
            is_ear = False
        if not is_ear:
            ear = after
            if ear == stop:
                if lenient:
                    break
                lenient = True
            continue
        if not is_straight or _double_area_in_space(vertices, start + a, start + b, start + c) > empty:
            triangles[count, 0], triangles[count, 1], triangles[count, 2] = start + a, start + b, start + c
            count += 1
        nodes[_NEXT, before], nodes[_PREVIOUS, after] = after, before
        nodes[_NEXT, ear] = -1
        ear = after if is_straight else nodes[_NEXT, after]  # every other corner, for triangles that are less thin
        stop, lenient = ear, False
    return count


@compiled
def _is_ear(plane: Float64s, nodes: Int32s, reflex: Int32s, reflexes: int, ear: int, margin: float) -> tuple[bool, int]:
    """Return whether no corner lies in the triangle at ``ear``, and how many reflex nodes are left.

    Only reflex ones can be the nearest.  Corners in the same place as the triangle's first one are on a bridge and do
    not count; without a ``margin``, as in :func:`_is_within`, neither do those in the place of the other two.
    """
    before, after = nodes[_PREVIOUS, ear], nodes[_NEXT, ear]
    a, b, c = nodes[_CORNER, before], nodes[_CORNER, ear], nodes[_CORNER, after]
    au, av, bu, bv, cu, cv = plane[a, 0], plane[a, 1], plane[b, 0], plane[b, 1], plane[c, 0], plane[c, 1]
    left, right = min(au, bu, cu), max(au, bu, cu)
    low, high = min(av, bv, cv), max(av, bv, cv)
    place = 0
    while place < reflexes:
        node = reflex[place]
        if nodes[_NEXT, node] < 0:  # clipped meanwhile
            reflexes -= 1
            reflex[place] = reflex[reflexes]
            continue
        place += 1
        corner = nodes[_CORNER, node]
        u, v = plane[corner, 0], plane[corner, 1]
        if u < left or u > right or v < low or v > high:
            continue
        if node == before or node == after or node == ear:  # noqa: SIM109 – numba knows no `in` for them
            continue
        if (u == au and v == av) or (margin == 0 and ((u == bu and v == bv) or (u == cu and v == cv))):
            continue
        if not _is_within(u, v, au, av, bu, bv, cu, cv, margin):
            continue
        p, n = nodes[_CORNER, nodes[_PREVIOUS, node]], nodes[_CORNER, nodes[_NEXT, node]]
        if _cross(plane, p, corner, n) > margin:  # reflex no longer
            place -= 1
            reflexes -= 1
            reflex[place] = reflex[reflexes]
            continue
        return False, reflexes
    return True, reflexes

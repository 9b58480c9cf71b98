"""The loops of :mod:`twinviewer.geometry.validity`: over corners, sides and the polygons around a vertex.

Plain functions of columns and numbers, which run compiled over arrays where there is much to check, and as they are
over lists where loading a compiler would take longer.  Each one calls only those before it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Column = Sequence[Any]
"""Or an array of one dimension."""
Int32s = NDArray[np.int32]

REPEATED, BENT, PERHAPS_NOT_PLANAR, DOUBTFUL_RINGS, HOLE_TURNS_ALIKE, HOLE_OUTSIDE, HOLES_NESTED = (
    1, 2, 4, 8, 16, 32, 64,
)  # fmt: skip
"""What the first look at a polygon finds; the bent ones and the doubtful ones need a second look."""

TOO_FEW, NOT_CLOSED, VERTEX_NOT_MANIFOLD, EDGE_NOT_MANIFOLD, SEVERAL_PARTS, TURNED_POLYGON, INSIDE_OUT = (
    1, 2, 4, 8, 16, 32, 64,
)  # fmt: skip
"""What is found in a shell."""

_NEARLY_STRAIGHT = 1e-9
"""Share of the square of its length by which a polygon's corner must lie beside a side to be surely not on it."""
_MANY_CORNERS = 4000
"""Of a polygon, from which on comparing each side with each other one is left to GEOS."""
_CELL = 0.1
"""Metres of the cells in which points close to one another are looked for."""


def turn(u: Column, v: Column, a: int, b: int, c: int) -> float:
    """Return twice the area of the triangle a, b, c, positive where it turns left."""
    return float((u[b] - u[a]) * (v[c] - v[a]) - (u[c] - u[a]) * (v[b] - v[a]))


def surely_apart(u: Column, v: Column, a: int, b: int, c: int, d: int, margin: float) -> bool:
    """Return whether the sides a–b and c–d neither cross nor touch, by more than rounding could hide."""
    if max(u[a], u[b]) < min(u[c], u[d]) or max(u[c], u[d]) < min(u[a], u[b]):
        return True
    if max(v[a], v[b]) < min(v[c], v[d]) or max(v[c], v[d]) < min(v[a], v[b]):
        return True
    first, second = turn(u, v, a, b, c), turn(u, v, a, b, d)
    if (first > margin and second > margin) or (first < -margin and second < -margin):
        return True
    first, second = turn(u, v, c, d, a), turn(u, v, c, d, b)
    return (first > margin and second > margin) or (first < -margin and second < -margin)


def sides_are_apart(u: Column, v: Column, ring_offsets: Column, first_ring: int, end_ring: int, margin: float) -> bool:
    """Return whether no two sides of a polygon meet, but those that follow one another, which do not turn back."""
    for ring in range(first_ring, end_ring):
        start, end = ring_offsets[ring], ring_offsets[ring + 1]
        for a in range(start, end):
            b = a + 1 if a + 1 < end else start
            c = b + 1 if b + 1 < end else start
            if abs(turn(u, v, a, b, c)) <= margin and (u[b] - u[a]) * (u[c] - u[b]) + (v[b] - v[a]) * (v[c] - v[b]) < 0:
                return False
            for other in range(ring, end_ring):
                begin, stop = ring_offsets[other], ring_offsets[other + 1]
                for p in range(a + 2 if other == ring else begin, stop):
                    q = p + 1 if p + 1 < stop else begin
                    if q != a and not surely_apart(u, v, a, b, p, q, margin):
                        return False
    return True


def is_inside(u: Column, v: Column, start: int, end: int, point: int) -> bool:
    """Return whether a ring goes around a point that is on none of its sides."""
    inside = False
    before = end - 1
    for corner in range(start, end):
        if (v[corner] > v[point]) != (v[before] > v[point]):
            at = u[corner] + (v[point] - v[corner]) * (u[before] - u[corner]) / (v[before] - v[corner])
            if u[point] < at:
                inside = not inside
        before = corner
    return inside


def first_look(
    x: Column,
    y: Column,
    z: Column,
    ring_offsets: Column,
    polygon_offsets: Column,
    is_convex: Column,
    snap: float,
    planar: float,
    bent: float,
) -> Int32s:
    """Return what is found in each polygon (p,): see ``REPEATED`` and the other bits.

    Args:
        x: (v,) of the corners, in metres, like y and z.
        y: (v,)
        z: (v,)
        ring_offsets: (r + 1,)
        polygon_offsets: (p + 1,)
        is_convex: (p,) whether the polygon is known to have one convex ring.
        snap: Distance up to which points are the same.
        planar: Distance from the plane up to which a polygon is planar.
        bent: Distance from the plane up to which no triangle of a polygon deviates from it by much.
    """
    polygons = len(polygon_offsets) - 1
    found = np.zeros(polygons, np.int32)
    for polygon in range(polygons):
        first, last = polygon_offsets[polygon], polygon_offsets[polygon + 1]
        if last == first:
            continue
        start, outer_end, end = ring_offsets[first], ring_offsets[first + 1], ring_offsets[last]
        flaws = 0
        nx, ny, nz, length_2 = 0.0, 0.0, 0.0, 0.0
        mx, my, mz = 0.0, 0.0, 0.0
        ox, oy, oz = x[start], y[start], z[start]
        for ring in range(first, last):
            before = ring_offsets[ring + 1] - 1
            hx, hy, hz = 0.0, 0.0, 0.0
            for corner in range(ring_offsets[ring], ring_offsets[ring + 1]):
                ax, ay, az = x[before] - ox, y[before] - oy, z[before] - oz
                bx, by, bz = x[corner] - ox, y[corner] - oy, z[corner] - oz
                if (bx - ax) * (bx - ax) + (by - ay) * (by - ay) + (bz - az) * (bz - az) <= snap * snap:
                    flaws |= REPEATED
                hx += ay * bz - az * by
                hy += az * bx - ax * bz
                hz += ax * by - ay * bx
                mx, my, mz = mx + bx, my + by, mz + bz
                length_2 = max(length_2, bx * bx + by * by + bz * bz)
                before = corner
            if ring == first:
                nx, ny, nz = hx, hy, hz
            elif nx * hx + ny * hy + nz * hz > 0:
                flaws |= HOLE_TURNS_ALIKE
        normal = math.sqrt(nx * nx + ny * ny + nz * nz)
        if end - start > 3 and normal > 0:
            size = end - start
            mx, my, mz = ox + mx / size, oy + my / size, oz + mz / size
            square = 0.0
            for corner in range(start, end):
                off = ((x[corner] - mx) * nx + (y[corner] - my) * ny + (z[corner] - mz) * nz) / normal
                square += off * off
            if square > planar * planar:
                flaws |= PERHAPS_NOT_PLANAR
            if square > bent * bent:
                flaws |= BENT
        if not is_convex[polygon] and (last > first + 1 or outer_end - start > 3):
            u, v = x, y
            if abs(nx) > abs(nz) and abs(nx) >= abs(ny):
                u, v = y, z
            elif abs(ny) > abs(nz):
                u, v = z, x
            if end - start > _MANY_CORNERS or not sides_are_apart(
                u, v, ring_offsets, first, last, _NEARLY_STRAIGHT * length_2
            ):
                flaws |= DOUBTFUL_RINGS
            else:
                for ring in range(first + 1, last):
                    hole = ring_offsets[ring]
                    if not is_inside(u, v, start, outer_end, hole):
                        flaws |= HOLE_OUTSIDE
                    for other in range(first + 1, last):
                        if other != ring and is_inside(u, v, ring_offsets[other], ring_offsets[other + 1], hole):
                            flaws |= HOLES_NESTED
        found[polygon] = flaws
    return found


def folds(
    x: Column,
    y: Column,
    z: Column,
    triangles: tuple[Column, Column, Column],
    triangle_polygon: Column,
    is_bent: Column,
    least_cosine: float,
    rise: float,
) -> Int32s:
    """Return 1 for each polygon (p,) with a triangle that is turned far out of the plane of all its triangles.

    Args:
        x: (v,) of the corners, in metres from a place near them, like y and z.
        y: (v,)
        z: (v,)
        triangles: Three columns (m,) of corners.
        triangle_polygon: (m,) ascending.
        is_bent: (p,) which polygons are looked at.
        least_cosine: Of the angle up to which triangles may be turned.
        rise: Metres that a triangle rises out of the plane, from one side to the corner opposite, to count.
    """
    found = np.zeros(len(is_bent), np.int32)
    first, second, third = triangles
    count = len(triangle_polygon)
    begin = 0
    while begin < count:
        polygon, end = triangle_polygon[begin], begin + 1
        while end < count and triangle_polygon[end] == polygon:
            end += 1
        nx, ny, nz = 0.0, 0.0, 0.0
        for time in range(2 if is_bent[polygon] and end > begin + 1 else 0):
            whole = math.sqrt(nx * nx + ny * ny + nz * nz)
            for triangle in range(begin, end):
                a, b, c = first[triangle], second[triangle], third[triangle]
                ux, uy, uz = x[b] - x[a], y[b] - y[a], z[b] - z[a]
                vx, vy, vz = x[c] - x[a], y[c] - y[a], z[c] - z[a]
                tx, ty, tz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
                if time == 0:
                    nx, ny, nz = nx + tx, ny + ty, nz + tz
                    continue
                area = math.sqrt(tx * tx + ty * ty + tz * tz)
                cosine = (tx * nx + ty * ny + tz * nz) / (area * whole) if area * whole > 0 else 1.0
                if cosine < least_cosine:
                    wx, wy, wz = vx - ux, vy - uy, vz - uz
                    longest = max(ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz, wx * wx + wy * wy + wz * wz)
                    if area * math.sqrt(max(0.0, 1 - cosine * cosine)) > rise * math.sqrt(longest):
                        found[polygon] = 1
        begin = end
    return found


def root(parents: Int32s, item: int) -> int:
    """Return the representative of the set of ``item``, and shorten the way to it."""
    while parents[item] != item:
        parents[item] = parents[parents[item]]
        item = parents[item]
    return item


def bucket(first: int, second: int, third: int, mask: int) -> int:
    """Return a place in a table of ``mask`` + 1 places for three numbers."""
    mixed = (int(first) * 73856093) ^ (int(second) * 19349663) ^ (int(third) * 83492791)
    return int((mixed ^ (mixed >> 15)) & mask)


def number_vertices(
    x: Column, y: Column, z: Column, corners: Int32s, snap: float, heads: Int32s, nexts: Int32s, vertex: Int32s
) -> int:
    """Number the vertices of a shell: corners no further than ``snap`` from another one's first are the same vertex.

    Args:
        x: (v,) of all corners, like y and z.
        y: (v,)
        z: (v,)
        corners: (c,) those of the shell.
        snap: In metres.
        heads: (2^n,) table of chains, all −1; it is filled.
        nexts: (c,) next of each chain; it is filled.
        vertex: (c,) is filled with numbers: the place, among ``corners``, of the first corner there.
    """
    mask = len(heads) - 1
    count = 0
    for place in range(len(corners)):
        corner = corners[place]
        px, py, pz = x[corner], y[corner], z[corner]
        found = -1
        for i in range(math.floor((px - snap) / _CELL), math.floor((px + snap) / _CELL) + 1):
            for j in range(math.floor((py - snap) / _CELL), math.floor((py + snap) / _CELL) + 1):
                for k in range(math.floor((pz - snap) / _CELL), math.floor((pz + snap) / _CELL) + 1):
                    candidate = heads[bucket(i, j, k, mask)]
                    while candidate >= 0 and found < 0:
                        other = corners[candidate]
                        dx, dy, dz = x[other] - px, y[other] - py, z[other] - pz
                        if dx * dx + dy * dy + dz * dz <= snap * snap:
                            found = candidate
                        candidate = nexts[candidate]
        if found < 0:
            cell = bucket(math.floor(px / _CELL), math.floor(py / _CELL), math.floor(pz / _CELL), mask)
            nexts[place] = heads[cell]
            heads[cell] = place
            found = place
            count += 1
        vertex[place] = found
    return count


def shell_flaws(
    x: Column,
    y: Column,
    z: Column,
    ring_offsets: Column,
    polygon_offsets: Column,
    is_turned: Column,
    members: Column,
    member_offsets: Column,
    is_inner: Column,
    snap: float,
) -> Int32s:
    """Return what is found in each shell (h,): see ``TOO_FEW`` and the other bits; of how it joins, the first.

    Args:
        x: (v,) of the corners, in metres from a place near them, like y and z.
        y: (v,)
        z: (v,)
        ring_offsets: (r + 1,)
        polygon_offsets: (p + 1,)
        is_turned: (p,) whether the corners turn the other way round.
        members: (m,) polygons, shell after shell.
        member_offsets: (h + 1,)
        is_inner: (h,) whether the shell bounds a hollow.
        snap: Distance up to which points are the same.
    """
    shells = len(member_offsets) - 1
    found = np.zeros(shells, np.int32)
    most = 1
    for shell in range(shells):
        size = 0
        for member in range(member_offsets[shell], member_offsets[shell + 1]):
            polygon = members[member]
            size += ring_offsets[polygon_offsets[polygon + 1]] - ring_offsets[polygon_offsets[polygon]]
        most = max(most, size)
    width = 1
    while width < 2 * most:
        width *= 2
    table = np.empty(width, np.int32)
    corners, after, owner = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    nexts, vertex = np.empty(most, np.int32), np.empty(most, np.int32)
    used, wing, face = np.empty(most, np.int32), np.empty(most, np.int32), np.empty(most, np.int32)
    for shell in range(shells):
        begin, stop = member_offsets[shell], member_offsets[shell + 1]
        if stop - begin < 4:
            found[shell] = TOO_FEW if stop > begin else 0
            continue
        # The sides of all polygons, each named by the corner where it begins.
        size, volume = 0, 0.0
        for member in range(begin, stop):
            polygon = members[member]
            first, last = polygon_offsets[polygon], polygon_offsets[polygon + 1]
            vx, vy, vz = 0.0, 0.0, 0.0
            for ring in range(first, last):
                start, end = ring_offsets[ring], ring_offsets[ring + 1]
                before = end - 1
                for corner in range(start, end):
                    corners[size + corner - start] = corner
                    owner[size + corner - start] = member - begin
                    following = corner + 1 if corner + 1 < end else start
                    if is_turned[polygon]:
                        following = before
                    after[size + corner - start] = size + following - start
                    vx += y[before] * z[corner] - z[before] * y[corner]
                    vy += z[before] * x[corner] - x[before] * z[corner]
                    vz += x[before] * y[corner] - y[before] * x[corner]
                    before = corner
                size += end - start
            corner = ring_offsets[first]
            moment = x[corner] * vx + y[corner] * vy + z[corner] * vz
            volume += -moment if is_turned[polygon] else moment
        width = 1
        while width < 2 * size:
            width *= 2
        for place in range(width):
            table[place] = -1
        number_vertices(x, y, z, corners[:size], snap, table[:width], nexts, vertex)
        # Sides that join the same two vertices: one of them should go there, and one back.
        for place in range(width):
            table[place] = -1
        for side in range(size):
            wing[side], used[side] = side, 0
        for polygon in range(stop - begin):
            face[polygon] = polygon
        flaws, open_sides = 0, 0
        for side in range(size):
            a, b = vertex[side], vertex[after[side]]
            if a == b:
                continue
            low, high = min(a, b), max(a, b)
            slot = bucket(low, high, 0, width - 1)
            while table[slot] >= 0:
                other = table[slot]
                c, d = vertex[other], vertex[after[other]]
                if (c == low and d == high) or (c == high and d == low):
                    break
                slot = (slot + 1) & (width - 1)
            if table[slot] < 0:
                table[slot] = side
                used[side] = 1
                open_sides += 1
                continue
            other = table[slot]
            used[other] += 1
            if used[other] > 2:
                flaws |= EDGE_NOT_MANIFOLD
                continue
            open_sides -= 1
            here, there = side, other
            if vertex[other] == a:
                flaws |= TURNED_POLYGON
                wing[root(wing, side)] = root(wing, other)
                here, there = after[side], after[other]
                wing[root(wing, here)] = root(wing, there)
            else:
                wing[root(wing, side)] = root(wing, after[other])
                wing[root(wing, after[side])] = root(wing, other)
            face[root(face, owner[side])] = root(face, owner[other])
        # The polygons around a vertex are one umbrella; `used` is now the last corner met at each vertex.
        for side in range(size):
            used[side] = -1
        for side in range(size):
            last_met = used[vertex[side]]
            if last_met >= 0 and owner[last_met] == owner[side]:
                wing[root(wing, side)] = root(wing, last_met)
            used[vertex[side]] = side
        if flaws & EDGE_NOT_MANIFOLD:
            flaws = EDGE_NOT_MANIFOLD
        elif flaws & TURNED_POLYGON:
            flaws = TURNED_POLYGON
        else:
            for side in range(size):
                if root(wing, side) != root(wing, vertex[side]):
                    flaws = VERTEX_NOT_MANIFOLD
            if flaws == 0:
                for polygon in range(1, stop - begin):
                    if root(face, polygon) != root(face, 0):
                        flaws = SEVERAL_PARTS
            if flaws == 0 and open_sides > 0:
                flaws = NOT_CLOSED
            if flaws == 0 and (volume > 0) == is_inner[shell]:
                flaws = INSIDE_OUT
        found[shell] = flaws
    return found

"""Polygons in space cut into triangles, a whole city in one call.

Where compiled loops are ready, they cut nearly all (``ear_clipping``).  Where they are not, and for what they leave:
convex polygons without holes, nine in ten of a city's, become fans by array arithmetic alone; earcut cuts the rest, one
call each, in a plane that was prepared for all of them together; and where its triangles do not cover what the rings
enclose, GEOS's constrained Delaunay triangulation does.  Never numpy work per polygon: it costs twenty times what the
cutting costs.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from mapbox_earcut import triangulate_float64
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

_FLAT = 1e-9
"""A polygon with less area than this share of the square of its length has no inside that could be drawn."""
_STRAIGHT = 1e-7
"""Sine of the angle up to which a corner that turns inwards still counts as straight."""
_EMPTY_TRIANGLE = 1e-12
"""Like ``_FLAT``, for one triangle: corners on a straight edge give some that are nothing but a line."""
_EXACT = 1e-7
"""Share of its area by which the triangles of a polygon may differ from it before it is cut otherwise."""
_is_ready = False
"""Whether the compiled loops are loaded in this process."""
_WORTH_LOADING = 1_000_000
"""Polygons for which the compiled loops are loaded: that takes up to a second, and saves more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triangulation:
    """The triangles of many polygons, in the order of the polygons."""

    triangles: Int32s
    """(m, 3) indices into the vertices that were given, turning as the polygon's outer ring turns."""
    triangle_polygon: Int32s
    """(m,) index of the polygon that the triangle is part of."""
    convex: NDArray[np.bool_]
    """(p,) polygons that are known to have one ring, which turns one way and once around."""
    failed: Int32s
    """(k,) polygons without triangles, ascending: fewer than three corners, no area, or coordinates that are not
    finite."""


def make_ready() -> None:
    """Load the compiled loops, or compile them where that was never done: for a process that will cut much."""
    square = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]])
    _compiled_cut(square, np.array([0, 4]), np.array([0, 1]))
    global _is_ready
    _is_ready = True


def triangulate_polygons(vertices: Float64s, ring_offsets: Int64s, polygon_offsets: Int64s) -> Triangulation:
    """Cut polygons with holes into triangles.

    Args:
        vertices: (v, 3) corners ring after ring, without the repeated closing one; x, y and z in the same unit.
        ring_offsets: (r + 1,) the ring i is ``vertices[ring_offsets[i]:ring_offsets[i + 1]]``.
        polygon_offsets: (p + 1,) the polygon i has the rings ``polygon_offsets[i]`` (outer) to
            ``polygon_offsets[i + 1]`` (holes).
    """
    count = len(polygon_offsets) - 1
    if len(vertices) == 0 or count == 0:
        return Triangulation(
            triangles=np.empty((0, 3), np.int32),
            triangle_polygon=np.empty(0, np.int32),
            convex=np.zeros(count, np.bool_),
            failed=np.arange(count, dtype=np.int32),
        )
    vertices = np.ascontiguousarray(vertices, np.float64)
    ring_offsets, polygon_offsets = np.asarray(ring_offsets, np.int64), np.asarray(polygon_offsets, np.int64)
    if _is_compiled(count):
        triangles, polygon, convex, doubtful = _compiled_cut(vertices, ring_offsets, polygon_offsets)
        if len(doubtful):
            others, their_polygon = _cut_some(vertices, ring_offsets, polygon_offsets, doubtful)
            triangles, polygon = _in_order(
                np.concatenate([triangles, others]), np.concatenate([polygon, their_polygon])
            )
    else:
        triangles, polygon, convex = _cut(vertices, ring_offsets, polygon_offsets)
    drawn = np.zeros(count, np.bool_)
    drawn[polygon] = True
    return Triangulation(
        triangles=triangles, triangle_polygon=polygon, convex=convex, failed=np.flatnonzero(~drawn).astype(np.int32)
    )


def _is_compiled(count: int) -> bool:
    """Return whether compiled loops cut so many polygons: where they are loaded, or where that is soon repaid."""
    return _is_ready or count >= _WORTH_LOADING


def _compiled_cut(
    vertices: Float64s, ring_offsets: Int64s, polygon_offsets: Int64s
) -> tuple[Int32s, Int32s, NDArray[np.bool_], Int64s]:
    """Return triangles (m, 3), their polygons (m,), which (p,) are convex, and those (d,) that did not come out."""
    from twinviewer.geometry.ear_clipping import CONVEX, DOUBTFUL, cut_polygons

    triangles, polygon, fate = cut_polygons(vertices, ring_offsets, polygon_offsets)
    return triangles, polygon, fate == CONVEX, np.flatnonzero(fate == DOUBTFUL)


def _cut(vertices: Float64s, ring_offsets: Int64s, polygon_offsets: Int64s) -> tuple[Int32s, Int32s, NDArray[np.bool_]]:
    """Return the triangles (m, 3), their polygons (m,), and which (p,) are convex, without compiled loops."""
    with np.errstate(over="ignore", invalid="ignore"):  # absurd coordinates end as polygons that failed
        rings = _Rings(vertices, ring_offsets, polygon_offsets)
        usable = rings.are_usable()
        convex = usable & rings.are_convex()
        fans, fan_polygon = rings.fans(np.flatnonzero(convex))
        ears, ear_polygon = rings.ears(np.flatnonzero(usable & ~convex))
    return *_in_order(np.concatenate([fans, ears]), np.concatenate([fan_polygon, ear_polygon])), convex


def _in_order(triangles: Int64s, polygon: Int64s) -> tuple[Int32s, Int32s]:
    """Return triangles (m, 3) and their polygons (m,) in the order of the polygons."""
    order = np.argsort(polygon, kind="stable")
    return triangles[order].astype(np.int32), polygon[order].astype(np.int32)


def _cut_some(
    vertices: Float64s, ring_offsets: Int64s, polygon_offsets: Int64s, polygons: Int64s
) -> tuple[Int64s, Int64s]:
    """Return the triangles (m, 3) of some polygons, and which each one is of, without compiled loops."""
    rings = np.concatenate([np.arange(*polygon_offsets[[row, row + 1]]) for row in polygons])
    corners = np.concatenate([np.arange(*ring_offsets[[row, row + 1]]) for row in rings])
    their_rings = np.concatenate([[0], np.cumsum(np.diff(ring_offsets)[rings])])
    theirs = np.concatenate([[0], np.cumsum(np.diff(polygon_offsets)[polygons])])
    triangles, polygon, _ = _cut(vertices[corners], their_rings, theirs)
    return corners[triangles], polygons[polygon]


class _Rings:
    """Polygons as columns x, y, z around each polygon's first corner, and what follows from them."""

    def __init__(self, vertices: Float64s, ring_offsets: Int64s, polygon_offsets: Int64s) -> None:
        self.ring_offsets, self.polygon_offsets = ring_offsets, polygon_offsets
        self.start = ring_offsets[polygon_offsets[:-1]]
        self.end = ring_offsets[polygon_offsets[1:]]
        self.size = self.end - self.start
        self.ring_count = np.diff(polygon_offsets)
        self.vertex_polygon = np.repeat(np.arange(len(self.size)), self.size)
        anchor = vertices[np.minimum(self.start, len(vertices) - 1)]
        self.finite = np.ones(len(self.size), np.bool_)
        if not np.isfinite(vertices).all():
            self.finite[self.vertex_polygon[~np.isfinite(vertices).all(axis=1)]] = False
        self.xyz = [vertices[:, axis] - anchor[:, axis][self.vertex_polygon] for axis in range(3)]
        self.following = np.arange(1, len(vertices) + 1)
        filled = np.flatnonzero(np.diff(ring_offsets) > 0)
        self.following[ring_offsets[filled + 1] - 1] = ring_offsets[filled]
        self.ring_normal = self._ring_normals(filled)
        """(r, 3) as long as twice the area of the ring."""
        self.normal = np.zeros((len(self.size), 3))
        """(p, 3) of the outer ring."""
        self.outer = polygon_offsets[:-1][self.ring_count > 0]
        self.normal[self.ring_count > 0] = self.ring_normal[self.outer]

    def _ring_normals(self, filled: Int64s) -> Float64s:
        x, y, z = self.xyz
        next_x, next_y, next_z = (column[self.following] for column in self.xyz)
        normal = np.zeros((len(self.ring_offsets) - 1, 3))
        for axis, products in enumerate((y * next_z - z * next_y, z * next_x - x * next_z, x * next_y - y * next_x)):
            normal[filled, axis] = np.add.reduceat(products, self.ring_offsets[filled])
        return normal

    def are_usable(self) -> NDArray[np.bool_]:
        """Return which polygons (p,) have an inside."""
        self.length_2 = np.zeros(len(self.size))
        filled = np.flatnonzero(self.size > 0)
        distance_2 = sum((column * column for column in self.xyz), np.zeros(len(self.vertex_polygon)))
        self.length_2[filled] = np.maximum.reduceat(distance_2, self.start[filled])
        self.double_area = np.sqrt((self.normal * self.normal).sum(axis=1))
        outer_size = np.zeros(len(self.size), np.int64)
        has_rings = self.ring_count > 0
        outer_size[has_rings] = np.diff(self.ring_offsets)[self.polygon_offsets[:-1][has_rings]]
        big_enough = np.isfinite(self.length_2) & (self.double_area > _FLAT * self.length_2)
        usable: NDArray[np.bool_] = self.finite & (outer_size >= 3) & big_enough & (self.length_2 > 0)
        return usable

    def are_convex(self) -> NDArray[np.bool_]:
        """Return which polygons (p,) have one ring that turns one way only, and only once around."""
        ahead = [column[self.following] - column for column in self.xyz]
        after = [column[self.following] for column in ahead]
        unit = self.normal / np.where(self.double_area > 0, self.double_area, 1.0)[:, None]
        nx, ny, nz = (unit[:, axis][self.vertex_polygon] for axis in range(3))
        sine = (
            nx * (ahead[1] * after[2] - ahead[2] * after[1])
            + ny * (ahead[2] * after[0] - ahead[0] * after[2])
            + nz * (ahead[0] * after[1] - ahead[1] * after[0])
        )
        cosine = ahead[0] * after[0] + ahead[1] * after[1] + ahead[2] * after[2]
        turn = np.arctan2(sine, cosine)
        turn[(sine == 0) & (cosine == 0)] = -np.pi  # a point given twice hides how the ring turns there
        filled = np.flatnonzero(self.size > 0)
        convex = np.zeros(len(self.size), np.bool_)
        least = np.minimum.reduceat(turn, self.start[filled])
        whole = np.add.reduceat(turn, self.start[filled])
        convex[filled] = (self.ring_count[filled] == 1) & (least >= -_STRAIGHT) & (whole < 3 * np.pi)
        return convex

    def fans(self, polygons: Int64s) -> tuple[Int64s, Int64s]:
        """Return triangles (m, 3) from the first corner of each polygon to all its other edges, and their polygons."""
        counts = self.size[polygons] - 2
        polygon = np.repeat(polygons, counts)
        first = self.start[polygon]
        step = np.arange(len(polygon)) - np.repeat(np.cumsum(counts) - counts, counts)
        triangles = np.column_stack([first, first + step + 1, first + step + 2])
        b, c = ([column[triangles[:, corner]] for column in self.xyz] for corner in (1, 2))
        double_area_2 = (
            (b[1] * c[2] - b[2] * c[1]) ** 2 + (b[2] * c[0] - b[0] * c[2]) ** 2 + (b[0] * c[1] - b[1] * c[0]) ** 2
        )
        solid = double_area_2 > (_EMPTY_TRIANGLE * self.length_2[polygon]) ** 2
        return triangles[solid], polygon[solid]

    def ears(self, polygons: Int64s) -> tuple[Int64s, Int64s]:
        """Return the triangles (m, 3) that earcut makes of polygons of any shape, and their polygons."""
        if len(polygons) == 0:
            return np.empty((0, 3), np.int64), np.empty(0, np.int64)
        plane = self._flattened(polygons)
        ring_polygon = np.repeat(np.arange(len(self.size)), self.ring_count)
        ring_end = (self.ring_offsets[1:] - self.start[ring_polygon]).astype(np.uint32)
        spans = zip(
            self.start[polygons].tolist(),
            self.end[polygons].tolist(),
            self.polygon_offsets[polygons].tolist(),
            self.polygon_offsets[polygons + 1].tolist(),
            strict=True,
        )
        pieces = [triangulate_float64(plane[start:end], ring_end[first:last]) for start, end, first, last in spans]
        counts = np.fromiter(map(len, pieces), np.int64, len(pieces)) // 3
        polygon = np.repeat(polygons, counts)
        triangles = np.concatenate(pieces).astype(np.int64).reshape(-1, 3) + self.start[polygon][:, None]
        triangles, polygon = self._solid(plane, triangles, polygon)
        doubtful = polygons[self._are_not_covered(triangles, polygon)[polygons]]
        if len(doubtful):
            triangles, polygon = self._solid(plane, *self._recut(doubtful, plane, triangles, polygon))
        return triangles, polygon

    def _solid(self, plane: Float64s, triangles: Int64s, polygon: Int64s) -> tuple[Int64s, Int64s]:
        """Return the triangles that have an area, turning left in the plane, and their polygons."""
        a, b, c = (plane[triangles[:, corner]] for corner in range(3))
        double_area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
        clockwise = double_area < 0
        triangles[clockwise] = triangles[clockwise][:, ::-1]
        solid = np.abs(double_area) > _EMPTY_TRIANGLE * self.length_2[polygon]
        return triangles[solid], polygon[solid]

    def _are_not_covered(self, triangles: Int64s, polygon: Int64s) -> NDArray[np.bool_]:
        """Return for which polygons (p,) the area vectors of the triangles do not sum up to those of the rings.

        Corners on a straight side, which earcut leaves out, matter where the polygon is not quite planar.
        """
        ring_polygon = np.repeat(np.arange(len(self.size)), self.ring_count)
        turns_alike = (self.ring_normal * self.normal[ring_polygon]).sum(axis=1) > 0
        sign = np.where(turns_alike, -1.0, 1.0)
        sign[self.outer] = 1.0
        (ax, ay, az), (bx, by, bz), (cx, cy, cz) = (
            [column[triangles[:, corner]] for column in self.xyz] for corner in range(3)
        )
        bx, by, bz, cx, cy, cz = bx - ax, by - ay, bz - az, cx - ax, cy - ay, cz - az
        missed, enclosed = np.zeros(len(self.size)), np.zeros(len(self.size))
        for axis, product in enumerate((by * cz - bz * cy, bz * cx - bx * cz, bx * cy - by * cx)):
            whole = np.bincount(ring_polygon, sign * self.ring_normal[:, axis], minlength=len(self.size))
            missed += (np.bincount(polygon, product, minlength=len(self.size)) - whole) ** 2
            enclosed += whole**2
        return missed > _EXACT**2 * enclosed

    def _recut(self, polygons: Int64s, plane: Float64s, triangles: Int64s, polygon: Int64s) -> tuple[Int64s, Int64s]:
        """Return triangles and their polygons, with those of ``polygons`` made by GEOS where their rings are sound."""
        import shapely  # takes 0.1 s to load, and is seldom needed

        pieces, owners = [triangles], [polygon]
        for number in polygons.tolist():
            first, last = self.polygon_offsets[number], self.polygon_offsets[number + 1]
            offsets = self.ring_offsets[first : last + 1]
            rings = [plane[start:end] for start, end in itertools.pairwise(offsets) if end - start >= 3]
            shape = shapely.Polygon(rings[0], rings[1:])
            if not shape.is_valid:
                continue
            corner = {
                tuple(place): row for row, place in enumerate(plane[offsets[0] : offsets[-1]].tolist(), offsets[0])
            }
            found = shapely.get_parts(shapely.constrained_delaunay_triangles(shape))
            places = shapely.get_coordinates(found).reshape(-1, 4, 2)[:, :3].reshape(-1, 2)
            pieces.append(np.array([corner[tuple(place)] for place in places.tolist()]).reshape(-1, 3))
            owners.append(np.full(len(found), number))
        recut = np.isin(polygon, [owner[0] for owner in owners[1:]])
        pieces[0], owners[0] = triangles[~recut], polygon[~recut]
        return np.concatenate(pieces), np.concatenate(owners)

    def _flattened(self, polygons: Int64s) -> Float64s:
        """Return all vertices (v, 2), those of ``polygons`` seen along the axis that their plane faces most.

        Their outer rings are counter-clockwise there.
        """
        axis = np.abs(self.normal[polygons]).argmax(axis=1)
        mirrored = self.normal[polygons, axis] < 0
        axis_of, sign_of = np.zeros(len(self.size), np.int64), np.ones(len(self.size))
        axis_of[polygons], sign_of[polygons] = axis, np.where(mirrored, -1.0, 1.0)
        axis, sign = axis_of[self.vertex_polygon], sign_of[self.vertex_polygon]
        x, y, z = self.xyz
        u = np.where(axis == 0, y, np.where(axis == 1, z, x)) * sign
        v = np.where(axis == 0, z, np.where(axis == 1, x, y))
        return np.column_stack([u, v])

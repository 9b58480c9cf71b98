"""Well-known binary that GEOS does not read: arcs as chains of short lines, and surfaces made of patches.

ISO 13249-3 (SQL/MM) type codes.  GeoPackages of surveying authorities hold arcs; multipatch Shapefiles of buildings
come as polyhedral surfaces and TINs.
"""

from __future__ import annotations

import struct

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

Float64s = NDArray[np.float64]

_ARC_STEP_RAD = np.radians(4.0)
"""Turn per line, as GDAL has it: 1 cm off the arc at a radius of 16 m."""
_DEEPEST = 32
_SIMPLE = range(1, 8)
_LINE, _POLYGON, _ARC, _CHAIN, _CURVE_POLYGON, _MULTI_CURVE, _TRIANGLE = 2, 3, 8, 9, 10, 11, 17
_COLLECTIONS = (4, 5, 6, 7, _MULTI_CURVE, 12, 15, 16)


def is_simple(wkb: bytes) -> bool:
    """Return whether GEOS reads the geometry itself (its parts are looked at only where it is a collection)."""
    kind = (int.from_bytes(wkb[1:5], "little") if wkb[:1] == b"\x01" else int.from_bytes(wkb[1:5], "big")) % 1000
    return kind in _SIMPLE and kind != 7


def from_wkb(wkb: bytes) -> BaseGeometry | None:
    """Return the geometry of points, straight lines and polygons only; None where the bytes make no sense."""
    try:
        return _Reader(wkb).geometry()
    except (struct.error, ValueError, IndexError, shapely.errors.ShapelyError):
        return None


class _Reader:
    def __init__(self, wkb: bytes) -> None:
        self._wkb, self._at, self._order = wkb, 0, "<"

    def _take(self, format: str) -> tuple[int, ...]:
        values = struct.unpack_from(self._order + format, self._wkb, self._at)
        self._at += struct.calcsize(self._order + format)
        return values

    def _head(self) -> tuple[int, int, bool]:
        """Return (kind, numbers per vertex, whether the third is a height)."""
        (little,) = struct.unpack_from("B", self._wkb, self._at)
        self._at += 1
        self._order = "<" if little == 1 else ">"
        (code,) = self._take("I")
        dimension = code // 1000
        if dimension > 3:
            raise ValueError("not an ISO type code")
        return code % 1000, (2, 3, 3, 4)[dimension], dimension in (1, 3)

    def _vertices(self, width: int, *, has_z: bool) -> Float64s:
        (count,) = self._take("I")
        if self._at + count * width * 8 > len(self._wkb):
            raise ValueError("cut off")
        numbers = np.frombuffer(self._wkb, self._order + "f8", count * width, self._at).reshape(count, width)
        self._at += numbers.nbytes
        return numbers[:, : 3 if has_z else 2].astype(np.float64)

    def geometry(self, depth: int = 0) -> BaseGeometry:
        if depth > _DEEPEST:
            raise ValueError("nested too deeply")
        kind, width, has_z = self._head()
        if kind == 1:
            values = self._take(f"{width}d")
            return shapely.Point(values[: 3 if has_z else 2])
        if kind in (_LINE, _ARC):
            return shapely.LineString(self._curve(kind, width, has_z=has_z))
        if kind == _CHAIN:
            return shapely.LineString(self._chain(depth))
        if kind in (_POLYGON, _TRIANGLE):
            (rings,) = self._take("I")
            return self._polygon([self._vertices(width, has_z=has_z) for _ in range(rings)])
        (count,) = self._take("I")
        if kind == _CURVE_POLYGON:
            return self._polygon(
                [shapely.get_coordinates(self.geometry(depth + 1), include_z=has_z) for _ in range(count)]
            )
        if kind in _COLLECTIONS:
            return shapely.GeometryCollection([self.geometry(depth + 1) for _ in range(count)])
        raise ValueError("an unknown kind of geometry")

    def _polygon(self, rings: list[Float64s]) -> BaseGeometry:
        return shapely.Polygon(rings[0], rings[1:]) if rings else shapely.Polygon()

    def _curve(self, kind: int, width: int, *, has_z: bool) -> Float64s:
        vertices = self._vertices(width, has_z=has_z)
        return _straightened(vertices) if kind == _ARC else vertices

    def _chain(self, depth: int) -> Float64s:
        (count,) = self._take("I")
        parts = [shapely.get_coordinates(self.geometry(depth + 1), include_z=True) for _ in range(count)]
        joined = np.concatenate([parts[0], *(part[1:] for part in parts[1:])])
        return joined[:, :2] if np.isnan(joined).any() else joined


def _straightened(vertices: Float64s) -> Float64s:
    """Return arcs through every three vertices (the last of one is the first of the next) as a chain of lines."""
    arcs = (_arc(*vertices[start : start + 3]) for start in range(0, len(vertices) - 2, 2))
    return np.concatenate([vertices[:1], *(arc[1:] for arc in arcs)])


def _arc(start: Float64s, middle: Float64s, end: Float64s) -> Float64s:
    """Return vertices on the circle through three points, first and last included; heights change evenly."""
    if np.array_equal(start[:2], end[:2]):  # a whole circle: the middle is opposite
        centre, turn = (start[:2] + middle[:2]) / 2, 2 * np.pi
    else:
        (bx, by), (cx, cy) = middle[:2] - start[:2], end[:2] - start[:2]
        determinant = 2 * (bx * cy - by * cx)
        if abs(determinant) < 1e-12 * max(1e-300, bx * bx + by * by + cx * cx + cy * cy):
            return np.array([start, middle, end])
        b, c = bx * bx + by * by, cx * cx + cy * cy
        centre = start[:2] + np.array([cy * b - by * c, bx * c - cx * b]) / determinant
        first, last = (np.arctan2(*(point[1::-1] - centre[::-1])) for point in (start, end))
        turn = (last - first) % (2 * np.pi)
        if determinant < 0:  # clockwise
            turn -= 2 * np.pi
    steps = max(2, int(np.ceil(abs(turn) / _ARC_STEP_RAD)))
    share = np.linspace(0.0, 1.0, steps + 1)
    angle = np.arctan2(start[1] - centre[1], start[0] - centre[0]) + turn * share
    radius = np.hypot(*(start[:2] - centre))
    vertices = start + (end - start) * share[:, None]
    vertices[:, 0] = centre[0] + radius * np.cos(angle)
    vertices[:, 1] = centre[1] + radius * np.sin(angle)
    vertices[0], vertices[-1] = start, end
    return vertices

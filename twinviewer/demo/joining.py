"""One solid out of several that stand against each other: a tower on a nave, an apse on a choir.

Where two walls touch, what they share is taken from both; then every edge is given the corners of its neighbours, so
that the whole is closed again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import shapely
from shapely.geometry.base import BaseGeometry

from twinviewer.demo.solids import Frame, Solid, corner
from twinviewer.demo.town import Corner, Ring, Surface

_TOUCH_M = 0.004


def joined(parts: Sequence[Solid]) -> tuple[Surface, ...]:
    """Return the faces of the union of parts that touch along upright walls and do not run into each other."""
    faces = [(number, surface) for number, part in enumerate(parts) for surface in part.surfaces]
    walls = [(number, surface, _Wall(surface)) for number, surface in faces if _is_upright(surface)]
    result = [surface for _, surface in faces if not _is_upright(surface)]
    for number, surface, wall in walls:
        rest: BaseGeometry = wall.flat(surface)
        for other, touching, plane in walls:
            if other != number and wall.faces(plane):
                rest = rest.difference(wall.flat(touching))
        result.extend(
            Surface(
                type=surface.type,
                exterior=wall.raised(piece.exterior),
                interiors=tuple(wall.raised(hole) for hole in piece.interiors),
            )
            for piece in shapely.get_parts(rest).tolist()
            if piece.geom_type == "Polygon" and piece.area > 0.01
        )
    return _meeting(result)


def placed(surfaces: Sequence[Surface], frame: Frame) -> tuple[Surface, ...]:
    """Return faces that were made around the origin, in their place."""

    def moved(ring: Ring) -> Ring:
        return tuple(corner(frame.at(u, v), z) for u, v, z in ring)

    return tuple(
        Surface(type=surface.type, exterior=moved(surface.exterior), interiors=tuple(map(moved, surface.interiors)))
        for surface in surfaces
    )


class _Wall:
    """The plane of an upright face, with its own (along, z) coordinates."""

    def __init__(self, surface: Surface) -> None:
        ring = surface.exterior
        nx = sum((a[1] - b[1]) * (a[2] + b[2]) for a, b in _sides(ring))
        ny = sum((a[2] - b[2]) * (a[0] + b[0]) for a, b in _sides(ring))
        size = math.hypot(nx, ny)
        self.normal = (nx / size, ny / size)
        self.origin = ring[0]

    def faces(self, other: _Wall) -> bool:
        """Return whether both lie in one plane and look at each other."""
        opposite = self.normal[0] * other.normal[0] + self.normal[1] * other.normal[1] < -0.9999
        x, y = other.origin[0] - self.origin[0], other.origin[1] - self.origin[1]
        return opposite and abs(x * self.normal[0] + y * self.normal[1]) < _TOUCH_M

    def flat(self, surface: Surface) -> shapely.Polygon:
        return shapely.Polygon([self._down(point) for point in surface.exterior])

    def raised(self, ring: shapely.LinearRing) -> Ring:
        corners = [self._up(s, z) for s, z in ring.coords[:-1]]
        if not ring.is_ccw:
            corners.reverse()
        return tuple(corners)

    def _down(self, point: Corner) -> tuple[float, float]:
        x, y = point[0] - self.origin[0], point[1] - self.origin[1]
        return round(-x * self.normal[1] + y * self.normal[0], 3), point[2]

    def _up(self, s: float, z: float) -> Corner:
        return (
            round(self.origin[0] - s * self.normal[1], 3),
            round(self.origin[1] + s * self.normal[0], 3),
            round(z, 3),
        )


def _sides(ring: Ring) -> list[tuple[Corner, Corner]]:
    return list(zip(ring, (*ring[1:], ring[0]), strict=True))


def _is_upright(surface: Surface) -> bool:
    return surface.type == "WallSurface"


def _meeting(surfaces: Sequence[Surface]) -> tuple[Surface, ...]:
    """Give every edge the corners of others that lie on it, and corners a hair apart one place."""
    places: list[Corner] = []

    def settled(point: Corner) -> Corner:
        for place in places:
            if math.dist(place, point) < _TOUCH_M:
                return place
        places.append(point)
        return point

    rings = [[[settled(p) for p in ring] for ring in (s.exterior, *s.interiors)] for s in surfaces]

    def filled(ring: list[Corner]) -> Ring:
        corners: list[Corner] = []
        for a, b in pairwise([*ring, ring[0]]):
            if a == b:
                continue
            length = math.dist(a, b)
            on = []
            for place in places:
                if place not in (a, b):
                    share = sum((p - q) * (r - q) for p, q, r in zip(place, a, b, strict=True)) / length**2
                    near = tuple(q + share * (r - q) for q, r in zip(a, b, strict=True))
                    if 0 < share < 1 and math.dist(near, place) < _TOUCH_M:
                        on.append((share, place))
            corners.extend([a, *(place for _, place in sorted(on))])
        return tuple(corners)

    return tuple(
        Surface(type=surface.type, exterior=filled(parts[0]), interiors=tuple(map(filled, parts[1:])))
        for surface, parts in zip(surfaces, rings, strict=True)
    )

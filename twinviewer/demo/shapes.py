"""What stands a thousand times in a town, once: trees and street furniture as shapes of few faces.

Trees are one metre high with a crown one metre across, to be scaled; furniture is of its real size and looks north.
All stand on the origin.  Faces turn counter-clockwise seen from outside.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from twinviewer.demo.town import Corner

Face = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    vertices: tuple[Corner, ...]
    faces: tuple[Face, ...]


def broadleaf(variant: int) -> Shape:
    """Return a deciduous tree: a trunk, and a round crown that no two variants have alike."""
    rng = random.Random(f"broadleaf {variant}")
    rings = ((0.3, 0.34, 5), (0.55, 0.5, 6), (0.82, 0.36, 5))  # (height, radius, corners)
    crown = [_ring(z, radius, corners, rng=rng) for z, radius, corners in rings]
    return _joined(_trunk(0.05, 0.45), _stacked(crown, bottom=0.2, top=1.0))


def conifer(variant: int) -> Shape:
    """Return a spruce: a trunk, and three skirts of branches."""
    rng = random.Random(f"conifer {variant}")
    skirts = ((0.12, 0.5, 0.55), (0.36, 0.38, 0.78), (0.6, 0.25, 1.0))  # (lower edge, radius, tip)
    cones = [
        _stacked([_ring(low, radius, 5, rng=rng, unevenness=0.08)], bottom=low + 0.06, top=tip)
        for low, radius, tip in skirts
    ]
    return _joined(_trunk(0.04, 0.3), *cones)


def street_lamp() -> Shape:
    """Return a lamp on a mast, its arm over the street in the north."""
    return _joined(
        _prism(0.07, 0.0, 5.0, corners=4),
        _box((-0.05, -0.05, 4.9), (0.05, 1.1, 5.0)),
        _box((-0.16, 0.5, 4.78), (0.16, 1.2, 4.92)),
    )


def bench() -> Shape:
    return _joined(
        _box((-0.9, -0.05, 0.4), (0.9, 0.4, 0.47)),
        _box((-0.9, -0.13, 0.47), (0.9, -0.05, 0.9)),
        _box((-0.75, -0.05, 0.0), (-0.65, 0.35, 0.4)),
        _box((0.65, -0.05, 0.0), (0.75, 0.35, 0.4)),
    )


def fountain() -> Shape:
    """Return a round basin with a bowl on a column."""
    return _joined(
        _prism(2.6, 0.0, 0.55, corners=12, upper=2.5),
        _prism(0.35, 0.55, 2.0, corners=8, upper=0.25),
        _prism(0.3, 1.8, 2.2, corners=10, upper=1.1),
        _prism(0.18, 2.2, 3.3, corners=6, upper=0.05),
    )


def mooring_post() -> Shape:
    return _joined(_prism(0.2, 0.0, 0.65, corners=6), _prism(0.3, 0.65, 0.8, corners=6))


def bollard() -> Shape:
    """Return what stands for furniture of which there is no shape."""
    return _prism(0.12, 0.0, 1.0, corners=6)


FURNITURE = {
    "street lamp": street_lamp,
    "bench": bench,
    "fountain": fountain,
    "mooring post": mooring_post,
}
"""By type; others are drawn as bollards."""


def _ring(
    height: float, radius: float, corners: int, *, rng: random.Random | None = None, unevenness: float = 0.14
) -> list[Corner]:
    ring = []
    for index in range(corners):
        swing = rng.uniform(-unevenness, unevenness) if rng else 0.0
        lift = rng.uniform(-unevenness, unevenness) * 0.35 if rng else 0.0
        angle = 2 * math.pi * index / corners + swing * 2
        reach = radius * (1 + swing)
        ring.append((reach * math.cos(angle), reach * math.sin(angle), height + lift))
    return ring


def _stacked(rings: Sequence[Sequence[Corner]], *, bottom: float, top: float) -> Shape:
    """Return a closed hull of triangles: rings from the lowest to the highest, between two points on the axis."""
    vertices: list[Corner] = [(0.0, 0.0, bottom), (0.0, 0.0, top)]
    numbers = []
    for ring in rings:
        numbers.append(range(len(vertices), len(vertices) + len(ring)))
        vertices.extend(ring)
    faces: list[Face] = []
    for here, after in _around(numbers[0]):
        faces.append((0, after, here))
    for low, high in pairwise(numbers):
        faces.extend(_band(low, high))
    for here, after in _around(numbers[-1]):
        faces.append((1, here, after))
    return Shape(vertices=tuple(vertices), faces=tuple(faces))


def _around(numbers: Sequence[int]) -> list[tuple[int, int]]:
    return list(zip(numbers, (*numbers[1:], numbers[0]), strict=True))


def _band(low: Sequence[int], high: Sequence[int]) -> list[Face]:
    """Return triangles between two rings that may differ in how many corners they have."""
    faces: list[Face] = []
    at_low = at_high = 0
    while at_low < len(low) or at_high < len(high):
        here_low, here_high = low[at_low % len(low)], high[at_high % len(high)]
        if at_high >= len(high) or (at_low < len(low) and (at_low + 1) / len(low) <= (at_high + 1) / len(high)):
            faces.append((here_low, low[(at_low + 1) % len(low)], here_high))
            at_low += 1
        else:
            faces.append((here_low, high[(at_high + 1) % len(high)], here_high))
            at_high += 1
    return faces


def _prism(radius: float, bottom: float, top: float, *, corners: int, upper: float | None = None) -> Shape:
    """Return an upright prism, narrower or wider at the top where ``upper`` says so."""
    low = _ring(bottom, radius, corners)
    high = _ring(top, radius if upper is None else upper, corners)
    sides = [(here, after, after + corners, here + corners) for here, after in _around(tuple(range(corners)))]
    return Shape(
        vertices=(*low, *high),
        faces=(tuple(reversed(range(corners))), *sides, tuple(range(corners, 2 * corners))),
    )


def _trunk(radius: float, height: float) -> Shape:
    """Return a slender pyramid of three sides."""
    return Shape(
        vertices=(*_ring(0.0, radius, 3), (0.0, 0.0, height)), faces=((2, 1, 0), (0, 1, 3), (1, 2, 3), (2, 0, 3))
    )


def _box(low: Corner, high: Corner) -> Shape:
    (x0, y0, z0), (x1, y1, z1) = low, high
    return Shape(
        vertices=(
            (x0, y0, z0), (x1, y0, z0), (x1, y1, z0), (x0, y1, z0),
            (x0, y0, z1), (x1, y0, z1), (x1, y1, z1), (x0, y1, z1),
        ),
        faces=((3, 2, 1, 0), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7)),
    )  # fmt: skip


def _joined(*parts: Shape) -> Shape:
    vertices: list[Corner] = []
    faces: list[Face] = []
    for part in parts:
        first = len(vertices)
        faces.extend(tuple(first + corner for corner in face) for face in part.faces)
        vertices.extend(part.vertices)
    return Shape(vertices=tuple(vertices), faces=tuple(faces))

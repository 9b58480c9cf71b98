"""Bridges over the river, and the quay walls along it."""

from __future__ import annotations

import math
from collections.abc import Sequence

import shapely
from shapely.geometry.polygon import orient

from twinviewer.demo.landscape import QUAY_LEVEL_M, QUAY_RADIUS_M, WATER_LEVEL_M, Landscape
from twinviewer.demo.plane import Point, direction
from twinviewer.demo.skeleton import Crossing
from twinviewer.demo.solids import Frame, Solid, corner
from twinviewer.demo.town import Corner, Structure, Surface

DECK_WIDTH_M = 12.0
_PARAPET_M = 1.05
_PARAPET_WIDTH_M = 0.45
_RISE_M = 2.1
_FOOT_M = WATER_LEVEL_M - 2.5
_KERB_M = 0.45


def deck_height(share: float) -> float:
    """Return how high a bridge's deck is at a share of its length: a gentle hump, so that boats can pass."""
    return QUAY_LEVEL_M + 0.05 + _RISE_M * math.sin(math.pi * min(1.0, max(0.0, share))) ** 2


def build_bridge(crossing: Crossing, *, id: str, name: str, arched: bool) -> Structure:
    """Build a bridge from bank to bank: of stone on arches, or of steel on slender piers."""
    length = math.dist(crossing.start, crossing.end)
    frame = Frame(crossing.start, direction(crossing.start, crossing.end))
    count = 20
    deck = [(length * at / count, deck_height(at / count)) for at in range(count + 1)]
    below = _arches(length) if arched else _piers(length)
    half = DECK_WIDTH_M / 2
    solid = Solid()
    _band(solid, frame, deck, below, -half, half)
    high = [(s, z + _PARAPET_M) for s, z in deck]
    for near, far in ((-half, -half + _PARAPET_WIDTH_M), (half - _PARAPET_WIDTH_M, half)):
        _band(solid, frame, high, deck, near, far)
    return Structure(id=id, name=name, surfaces=tuple(solid.surfaces))


def _arches(length_m: float) -> list[tuple[float, float]]:
    """Return the underside of a stone bridge, start to end: abutments, piers and segmental arches."""
    number = max(3, round((length_m - 14) / 15))
    pier, abutment = 2.8, 8.0
    span = (length_m - 2 * abutment - (number - 1) * pier) / number
    line = [(0.0, _FOOT_M), (abutment, _FOOT_M)]
    s = abutment
    for arch in range(number):
        crown = deck_height((s + span / 2) / length_m) - 1.0
        spring = WATER_LEVEL_M + 0.6
        for step in range(9):
            share = step / 8
            line.append((s + span * share, spring + (crown - spring) * math.sin(math.pi * share) ** 0.75))
        s += span
        if arch < number - 1:
            line += [(s, _FOOT_M), (s + pier, _FOOT_M)]
            s += pier
    return [*line, (s, _FOOT_M), (length_m, _FOOT_M)]


def _piers(length_m: float) -> list[tuple[float, float]]:
    """Return the underside of a beam bridge, start to end."""
    thick, pier = 1.3, 1.6
    line = [(0.0, _FOOT_M), (7.0, _FOOT_M), (7.0, deck_height(7.0 / length_m) - thick)]
    for share in (0.36, 0.64):
        a, b = share * length_m - pier / 2, share * length_m + pier / 2
        line += [
            (a, deck_height(a / length_m) - thick),
            (a, _FOOT_M),
            (b, _FOOT_M),
            (b, deck_height(b / length_m) - thick),
        ]
    end = length_m - 7.0
    return [*line, (end, deck_height(end / length_m) - thick), (end, _FOOT_M), (length_m, _FOOT_M)]


def _band(
    solid: Solid,
    frame: Frame,
    top: Sequence[tuple[float, float]],
    below: Sequence[tuple[float, float]],
    near: float,
    far: float,
) -> None:
    """Add what lies between two lines in the plane of (s, z), from ``near`` to ``far`` across it."""

    def at(s: float, v: float, z: float) -> Corner:
        return corner(frame.at(s, v), z)

    outline = [*below, *reversed(top)]  # counter-clockwise seen from the right-hand side
    solid.wall(*(at(s, near, z) for s, z in outline))
    solid.wall(*(at(s, far, z) for s, z in reversed(outline)))
    for (s, z), (s_next, z_next) in zip(outline, [*outline[1:], outline[0]], strict=True):
        if (s, z) == (s_next, z_next):
            continue
        type = "OuterFloorSurface" if s_next < s else "OuterCeilingSurface" if s_next > s else "WallSurface"
        solid.add(type, [at(s, far, z), at(s_next, far, z_next), at(s_next, near, z_next), at(s, near, z)])


def build_quays(landscape: Landscape) -> tuple[Structure, ...]:
    """Build the walls along the water where the town meets it, paved on top."""
    reach = shapely.Point(0, 0).buffer(QUAY_RADIUS_M, quad_segs=24)
    water = landscape.water.intersection(reach)
    quays = []
    parts = [part for part in shapely.get_parts(landscape.quays).tolist() if part.area > 20]
    for number, part in enumerate(sorted(parts, key=lambda part: part.bounds), start=1):
        surfaces: list[Surface] = []
        ring: list[Point] = [(float(x), float(y)) for x, y in orient(part, 1.0).exterior.coords[:-1]]
        level = QUAY_LEVEL_M + _KERB_M
        solid = Solid()
        holes = [[corner((float(x), float(y)), level) for x, y in hole.coords[:-1]] for hole in orient(part).interiors]
        solid.add("OuterFloorSurface", [corner(point, level) for point in ring], holes)
        edge = water.boundary
        for a, b in zip(ring, [*ring[1:], ring[0]], strict=True):
            if shapely.Point((a[0] + b[0]) / 2, (a[1] + b[1]) / 2).distance(edge) < 0.05:
                solid.wall(corner(a, _FOOT_M), corner(b, _FOOT_M), corner(b, level), corner(a, level))
        surfaces.extend(solid.surfaces)
        quays.append(
            Structure(
                id=f"QUAY_{number:02d}", name=f"Quay {number}", type="OtherConstruction", surfaces=tuple(surfaces)
            )
        )
    return tuple(quays)

"""Blocks become lots: what stands where, before it is known how it looks."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely import Polygon
from shapely.geometry.polygon import orient

from twinviewer.demo.plane import (
    Point,
    along,
    area,
    between,
    box,
    centre,
    cross,
    direction,
    inset,
    is_inside,
    overlap,
    rectangle,
    turn,
)
from twinviewer.demo.quarters import Quarter
from twinviewer.demo.streets import Block, StreetPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class Lot:
    """The plan of one building to be."""

    form: str
    """``row``, ``corner``, ``detached``, ``semi``, ``terrace``, ``slab``, ``tower``, ``hall``, ``warehouse``,
    ``yard`` or the name of a landmark."""
    corners: tuple[Point, ...]
    """Counter-clockwise, the first two at the street; of a ``corner`` as for :func:`solids.corner_house`."""
    quarter: Quarter
    way: int
    """The street of its address."""
    manner: int = 0
    """What neighbours have in common: a number drawn per side of a block."""
    party: tuple[bool, bool] = (False, False)
    """Whether a neighbour stands against its left and right end, seen from the street."""

    @property
    def parts(self) -> tuple[tuple[Point, ...], ...]:
        """The convex pieces of its plan."""
        if len(self.corners) < 6:
            return (self.corners,)
        first, outer, second, second_back, yard, first_back = self.corners
        wings = ((first, outer, yard, first_back), (outer, second, second_back, yard))
        return tuple(tuple(dict.fromkeys(wing)) for wing in wings)  # where a wing has no length, a triangle is left


@dataclass(frozen=True, slots=True, kw_only=True)
class Yard:
    """A block without its streets."""

    corners: tuple[Point, ...]
    ways: tuple[int, ...]
    quarter: Quarter

    @property
    def middle(self) -> Point:
        return centre(self.corners)


_STRAIGHT = 0.12
"""Sine of a turn that still counts as straight on."""
_SAG_M = 0.5
_TOUCH_M = 0.005
_NARROWEST = 0.55
"""Of the usual width: what is narrower gets no house of its own."""
_SHORTEST_WING_M = 0.3


def yard_of(block: Block, streets: StreetPlan, quarter: Quarter) -> Yard | None:
    """Return what is left of a block within its streets, its bends smoothed; None where that is nothing."""
    corners, edges = list(block.corners), list(block.edges)
    distances = [streets.width_of(edge) / 2 + 0.02 for edge in edges]
    at = 0
    while len(corners) > 4 and at < len(corners):
        before, here, after = corners[at - 1], corners[at], corners[(at + 1) % len(corners)]
        way = direction(before, after)
        sag = cross(way, (here[0] - before[0], here[1] - before[1]))  # positive: the corner is a dent
        same = streets.edges[edges[at - 1]].way == streets.edges[edges[at]].way
        if same and abs(turn(corners, at)) < _STRAIGHT and abs(sag) < _SAG_M and math.dist(before, after) < 150:
            distances[at - 1] = max(distances[at - 1], distances[at]) + max(0.0, sag)
            del corners[at], edges[at], distances[at]
            at = max(0, at - 1)
        else:
            at += 1
    ways = [streets.edges[edge].way for edge in edges]
    left = inset(corners, distances)
    starts, ends = list(corners), [*corners[1:], corners[0]]
    for number in streets.at_corners_of(block):
        starts.append(streets.edges[number].start)
        ends.append(streets.edges[number].end)
        distances.append(streets.width_of(number) / 2)
    sides = shapely.linestrings(list(zip(starts, ends, strict=True)))
    if left is not None and _keeps_off(left[0], corners, sides, distances):
        return Yard(corners=tuple(left[0]), ways=tuple(ways[side] for side in left[1]), quarter=quarter)
    return _cut_free(corners, sides, distances, ways, quarter)


def _keeps_off(
    within: Sequence[Point], corners: Sequence[Point], sides: NDArray[np.object_], distances: Sequence[float]
) -> bool:
    """Return whether a yard is simple, within its block, and clear of every street."""
    polygon = Polygon(within)
    return bool(
        polygon.is_valid
        and (shapely.distance(sides, polygon) > np.array(distances) - 0.01).all()
        and is_inside(within[0], corners)
    )


def _cut_free(
    corners: Sequence[Point],
    sides: NDArray[np.object_],
    distances: Sequence[float],
    ways: Sequence[int],
    quarter: Quarter,
) -> Yard | None:
    """Return the largest piece of a crooked block that is clear of its streets, however wide each is."""
    streets = shapely.union_all(shapely.buffer(sides, np.array(distances), quad_segs=2))
    pieces = shapely.get_parts(Polygon(corners).difference(streets)).tolist()
    largest = max(pieces, key=lambda piece: piece.area, default=None)
    if largest is None or largest.area < 60:
        return None
    outline = orient(largest.simplify(0.05), 1.0).exterior.coords[:-1]
    within: list[Point] = [(float(x), float(y)) for x, y in outline]
    middles = shapely.points([between(a, b, 0.5) for a, b in zip(within, [*within[1:], within[0]], strict=True)])
    nearest = shapely.STRtree(sides[: len(ways)]).nearest(middles).tolist()
    return Yard(corners=tuple(within), ways=tuple(ways[side] for side in nearest), quarter=quarter)


def lots_of(yard: Yard, rng: random.Random) -> list[Lot]:
    """Return the lots of a yard in the manner of its quarter; no two overlap and none leaves the yard."""
    kind = yard.quarter.character.kind
    if kind == "old town":
        wanted = _perimeter(yard, rng, depth_m=rng.uniform(10.5, 13.0), width_m=11.0, form="row")
    elif kind == "ring":
        wanted = _perimeter(yard, rng, depth_m=rng.uniform(12.0, 13.5), width_m=22.0, form="row")
    elif kind == "harbour":
        wanted = _perimeter(yard, rng, depth_m=rng.uniform(18.0, 22.0), width_m=15.0, form="warehouse")
    elif kind == "garden":
        wanted = _gardens(yard, rng)
    elif kind == "terraces":
        wanted = _terraces(yard, rng)
    elif kind == "new":
        wanted = _open_blocks(yard, rng)
    else:
        wanted = _halls(yard, rng)
    return _fitting(yard, wanted)


def _fitting(yard: Yard, wanted: Iterator[tuple[Lot, float]]) -> list[Lot]:
    """Keep, in order, the lots that lie within the yard and clear of those before; the number is the least gap."""
    kept: list[tuple[tuple[Point, ...], tuple[float, float, float, float]]] = []
    lots = []
    outline = Polygon(yard.corners).buffer(_TOUCH_M, join_style="mitre")
    shapely.prepare(outline)
    for lot, gap_m in wanted:
        parts = [(part, _bounds(part, gap_m)) for part in lot.parts]
        if min(area(part) for part, _ in parts) < 6 or not all(outline.covers(Polygon(part)) for part, _ in parts):
            continue
        if any(
            bounds[0] < other_bounds[2]
            and other_bounds[0] < bounds[2]
            and bounds[1] < other_bounds[3]
            and other_bounds[1] < bounds[3]
            and overlap(part, other, gap_m=gap_m)
            for part, bounds in parts
            for other, other_bounds in kept
        ):
            continue
        kept.extend(parts)
        lots.append(lot)
    return lots


def _bounds(corners: Sequence[Point], gap_m: float) -> tuple[float, float, float, float]:
    xs, ys = [x for x, _ in corners], [y for _, y in corners]
    return min(xs) - gap_m, min(ys) - gap_m, max(xs) + gap_m, max(ys) + gap_m


def _sides(yard: Yard) -> Iterator[tuple[int, Point, Point, float]]:
    """Yield number, direction and length of the yard's sides, with their first corner, longest first."""
    count = len(yard.corners)
    lengths = [math.dist(yard.corners[at], yard.corners[(at + 1) % count]) for at in range(count)]
    for at in sorted(range(count), key=lambda at: (-round(lengths[at], 3), at)):
        yield at, yard.corners[at], direction(yard.corners[at], yard.corners[(at + 1) % count]), lengths[at]


def _setbacks(yard: Yard, depth_m: float) -> list[float]:
    """Return, for each corner, how far along both of its sides a house of that depth on the corner reaches."""
    setbacks = []
    for at, here in enumerate(yard.corners):
        before, after = yard.corners[at - 1], yard.corners[(at + 1) % len(yard.corners)]
        into, out = direction(before, here), direction(here, after)
        sine, cosine = cross(into, out), into[0] * out[0] + into[1] * out[1]
        setbacks.append(depth_m * math.tan(math.atan2(sine, cosine) / 2))  # half the turn; negative at a dent
    return setbacks


def _perimeter(
    yard: Yard, rng: random.Random, *, depth_m: float, width_m: float, form: str
) -> Iterator[tuple[Lot, float]]:
    """Close the block: houses wall to wall along every street, and on its corners."""
    _, _, _, deep = box(yard.corners)
    courtyard = 0.0
    if deep < 2 * depth_m + 5:
        depth_m = deep if deep < 15 else (deep - 1.0) / 2 if deep < 2 * depth_m else depth_m - 2.0
        courtyard = 1.0
    count = len(yard.corners)
    reaches = _setbacks(yard, depth_m)
    before, after = _corner_fronts(yard, reaches, depth_m=depth_m, width_m=width_m)
    for at in range(count):
        if before[at]:
            lot = Lot(
                form="corner",
                corners=_corner_plan(yard, at, reach=reaches[at], depth_m=depth_m, fronts_m=(before[at], after[at])),
                quarter=yard.quarter,
                way=yard.ways[at],
                manner=rng.randrange(1000),
                party=(True, True),
            )
            yield lot, 0.0
    for at, start, way, length in _sides(yard):
        low, end = after[at], before[(at + 1) % count]
        room = length - low - end
        number = max(1, round(room / width_m))
        if room < _NARROWEST * width_m:
            continue
        manner = rng.randrange(1000)
        widths = [rng.uniform(0.7, 1.3) for _ in range(number)]
        scale = room / sum(widths)
        u = low
        for index, share in enumerate(widths):
            width = share * scale
            depth = depth_m - (rng.choice((0.0, 0.0, 0.8, 1.6)) if not courtyard and form == "row" else 0.0)
            party = (index > 0 or low > 0, index + 1 < number or end > 0)
            for tried in (depth, depth * 0.8, depth * 0.6):
                yield (
                    Lot(
                        form=form,
                        corners=rectangle(along(start, way, u), way, width, tried),
                        quarter=yard.quarter,
                        way=yard.ways[at],
                        manner=manner,
                        party=party,
                    ),
                    0.0,
                )
            u += width
    if form == "row" and deep > 2 * depth_m + 13:
        yield from _back_buildings(yard, rng, depth_m)


def _corner_fronts(
    yard: Yard, reaches: Sequence[float], *, depth_m: float, width_m: float
) -> tuple[list[float], list[float]]:
    """Return how long the fronts of the houses on the yard's corners are, before and after the corner; 0: no house.

    What is left of a side and is too short for a house of its own is shared between its corners.
    """
    count = len(yard.corners)
    before, after = [0.0] * count, [0.0] * count
    free_m = [math.dist(yard.corners[at], yard.corners[(at + 1) % count]) for at in range(count)]
    for at, reach in enumerate(reaches):
        front = max(reach, min(0.55 * width_m, free_m[at - 1] / 2, free_m[at] / 2))
        if 1.5 < front <= min(free_m[at - 1], free_m[at], 2.3 * depth_m):
            free_m[at - 1] -= front
            free_m[at] -= front
            before[at] = after[at] = front
    for at, left in enumerate(free_m):
        following = (at + 1) % count
        if left < _NARROWEST * width_m and after[at] and before[following]:
            after[at] += left / 2
            before[following] += left / 2
    return before, after


def _corner_plan(
    yard: Yard, at: int, *, reach: float, depth_m: float, fronts_m: tuple[float, float]
) -> tuple[Point, ...]:
    """Return the plan of a house around a corner of the yard.

    Args:
        yard: The block.
        at: Which corner.
        reach: How far along both streets the corner itself goes, see :func:`_setbacks`.
        depth_m: Of the house.
        fronts_m: How long its fronts are, before and after the corner; neither less than ``reach``.
    """
    here = yard.corners[at]
    into, out = direction(yard.corners[at - 1], here), direction(here, yard.corners[(at + 1) % len(yard.corners)])
    yard_corner = along(here, into, -reach, depth_m)
    if max(fronts_m) - reach < _SHORTEST_WING_M:
        return along(here, into, -reach), here, along(here, out, reach), yard_corner
    front, other = (length if length - reach > _SHORTEST_WING_M else reach for length in fronts_m)
    first, second = along(here, into, -front), along(here, out, other)
    backs = [along(second, out, 0.0, depth_m)] if other > reach else [yard_corner]
    backs += [yard_corner]
    backs += [along(first, into, 0.0, depth_m)] if front > reach else [yard_corner]
    return first, here, second, *backs


def _back_buildings(yard: Yard, rng: random.Random, depth_m: float) -> Iterator[tuple[Lot, float]]:
    """Put workshops and side wings into the yard, against the backs of the houses' plots."""
    for at, start, way, length in _sides(yard):
        u = depth_m + rng.uniform(4, 9)
        while u < length - depth_m - 8:
            width, deep = rng.uniform(4.5, 6.5), rng.uniform(6, 9)
            if rng.random() < 0.32:
                corners = rectangle(along(start, way, u, depth_m + rng.uniform(3.0, 4.5)), way, width, deep)
                yield (
                    Lot(form="yard", corners=corners, quarter=yard.quarter, way=yard.ways[at], manner=rng.randrange(9)),
                    2.5,
                )
            u += width + rng.uniform(7, 16)


def _gardens(yard: Yard, rng: random.Random) -> Iterator[tuple[Lot, float]]:
    """Set detached and semi-detached houses behind front gardens."""
    front_m = rng.uniform(4.0, 6.5)
    for at, start, way, length in _sides(yard):
        manner = rng.randrange(1000)
        u = rng.uniform(5.0, 8.0)
        while u < length - 10:
            double = rng.random() < 0.22
            width, deep = rng.uniform(9.0, 13.5), rng.uniform(8.2, 10.5)
            setback = front_m + rng.uniform(-0.8, 1.4)
            if double and u + 18 < length - 4:
                half, pair = rng.uniform(7.2, 8.6), rng.randrange(1000)
                for side in (0, 1):
                    corners = rectangle(along(start, way, u + side * half, setback), way, half, deep)
                    party = (side == 1, side == 0)
                    lot = Lot(
                        form="semi",
                        corners=corners,
                        quarter=yard.quarter,
                        way=yard.ways[at],
                        manner=pair,
                        party=party,
                    )
                    yield lot, 0.0 if side else 4.0
                u += 2 * half + rng.uniform(6.5, 10)
                continue
            corners = rectangle(along(start, way, u, setback), way, width, deep)
            yield (
                Lot(form="detached", corners=corners, quarter=yard.quarter, way=yard.ways[at], manner=manner),
                4.0,
            )
            u += width + rng.uniform(6.0, 11.0)


def _terraces(yard: Yard, rng: random.Random) -> Iterator[tuple[Lot, float]]:
    """Set rows of four to eight small houses behind front gardens."""
    front_m = rng.uniform(3.5, 5.5)
    deep = rng.uniform(9.2, 10.4)
    for at, start, way, length in _sides(yard):
        u = rng.uniform(4.0, 7.0)
        while u < length - 16:
            width = rng.uniform(5.8, 6.8)
            number = min(rng.randint(4, 8), int((length - 5 - u) / width))
            if number < 2:
                break
            manner = rng.randrange(1000)
            setback = front_m + rng.choice((0.0, 0.0, 2.0))
            for index in range(number):
                corners = rectangle(along(start, way, u + index * width, setback), way, width, deep)
                yield (
                    Lot(
                        form="terrace",
                        corners=corners,
                        quarter=yard.quarter,
                        way=yard.ways[at],
                        manner=manner,
                        party=(index > 0, index + 1 < number),
                    ),
                    0.0 if index else 4.5,
                )
            u += number * width + rng.uniform(5.5, 9.0)


def _open_blocks(yard: Yard, rng: random.Random) -> Iterator[tuple[Lot, float]]:
    """Stand slabs along the streets with open corners, and now and then a tower."""
    middle, way, _, deep = box(yard.corners)
    manner = rng.randrange(1000)
    if rng.random() < 0.45 and deep > 50:
        side = rng.uniform(21, 25)
        at = rng.randrange(len(yard.corners))
        spot = along(between(yard.corners[at], middle, 0.34), way, -side / 2, -side / 2)
        tower = rectangle(spot, way, side, side * rng.uniform(0.85, 1.0))
        yield Lot(form="tower", corners=tower, quarter=yard.quarter, way=yard.ways[at], manner=manner), 8.0
    for at, start, way_, length in _sides(yard):
        depth = rng.uniform(12.5, 15.5)
        u = rng.uniform(4.0, 9.0)
        while u < length - 20:
            slab = min(rng.uniform(28, 52), length - u - 4)
            for tried in (slab, slab * 0.7):
                corners = rectangle(along(start, way_, u, 4.0), way_, tried, depth)
                lot = Lot(form="slab", corners=corners, quarter=yard.quarter, way=yard.ways[at], manner=manner)
                yield lot, 7.0
            u += slab + rng.uniform(9, 14)


def _halls(yard: Yard, rng: random.Random) -> Iterator[tuple[Lot, float]]:
    """Fill a works yard with halls square to its longest side, an office in front."""
    at, start, way, _ = next(_sides(yard))
    manner = rng.randrange(1000)
    office = rectangle(along(start, way, rng.uniform(8, 16), 7.0), way, rng.uniform(22, 34), 13.0)
    yield Lot(form="slab", corners=office, quarter=yard.quarter, way=yard.ways[at], manner=manner), 8.0
    stops = [(x - start[0]) * way[0] + (y - start[1]) * way[1] for x, y in yard.corners]
    deep = max((y - start[1]) * way[0] - (x - start[0]) * way[1] for x, y in yard.corners)
    depths = rng.choice(((40.0, 24.0), (32.0, 24.0), (24.0, 16.0)))
    for share in (1.0, 0.62, 0.4):
        v = 7.0
        while v < deep - 14:
            u = min(stops) + rng.uniform(6.0, 10.0)
            while u < max(stops) - 20:
                corners = rectangle(along(start, way, u, v), way, rng.uniform(52, 74) * share, depths[share < 1.0])
                yield Lot(form="hall", corners=corners, quarter=yard.quarter, way=yard.ways[at], manner=manner), 9.0
                u += 9.0
            v += 6.0

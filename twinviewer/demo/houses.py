"""Lots become houses: storeys, roofs and what a register would know of them."""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

from twinviewer.demo.lots import Lot
from twinviewer.demo.plane import Point, along, area, direction, inset
from twinviewer.demo.solids import (
    CrossGable,
    Dormer,
    Frame,
    Profile,
    Solid,
    corner_house,
    extruded,
    flat,
    mansard,
    saddle,
    stepped,
    tented,
    top_of,
)
from twinviewer.demo.town import Building, Surface


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """What was built on a lot."""

    surfaces: tuple[Surface, ...]
    roof_type: str
    storeys: int
    function: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The heights of the ground under a lot."""

    lowest_z: float
    street_z: float
    """In the middle of its front."""

    @property
    def base_z(self) -> float:
        """Where walls begin: a hand below the lowest ground."""
        return self.lowest_z - 0.3


def build(lot: Lot, ground: Ground, rng: random.Random) -> House:
    """Build what the lot's form and quarter ask for."""
    kind = lot.quarter.character.kind
    match lot.form:
        case "corner":
            return _corner(lot, ground, rng)
        case "row":
            return _old_row(lot, ground, rng) if kind == "old town" else _ring_row(lot, ground, rng)
        case "warehouse":
            return _warehouse(lot, ground, rng)
        case "yard":
            return _back_building(lot, ground, rng)
        case "detached":
            return _detached(lot, ground, rng)
        case "semi":
            return _semi(lot, ground, random.Random(f"semi {lot.manner}"))
        case "terrace":
            return _terrace(lot, ground, rng)
        case "tower":
            return _tower(lot, ground, rng)
        case "hall":
            return _hall(lot, ground, rng)
        case _:
            return _slab(lot, ground, rng)


def _frame(lot: Lot) -> tuple[Frame, float, float]:
    """Return the frame of a rectangular lot, its length along the street and its depth."""
    a, b, c = lot.corners[:3]
    return Frame(a, direction(a, b)), math.dist(a, b), math.dist(b, c)


def _house(solid: Solid, roof_type: str, storeys: int, function: str) -> House:
    return House(surfaces=tuple(solid.surfaces), roof_type=roof_type, storeys=storeys, function=function)


def _rise(span_m: float, pitch_deg: float) -> float:
    return span_m / 2 * math.tan(math.radians(pitch_deg))


def _dormers(
    length_m: float,
    depth_m: float,
    rise_m: float,
    rng: random.Random,
    *,
    ends: tuple[float, float] = (0.0, 0.0),
    step_m: float = 3.6,
    gabled: bool = True,
) -> tuple[Dormer, ...]:
    """Return an even row of dormers that fits on the slope of a saddle roof, or none."""
    slope = rise_m / (depth_m / 2)
    width, height, front = rng.uniform(1.35, 1.8), rng.uniform(1.15, 1.45), rng.uniform(0.7, 1.1)
    top = front + (height + (0.42 * width if gabled else height * 0.3)) / slope
    low, high = ends[0] + 1.0, length_m - ends[1] - 1.0
    number = int((high - low) / step_m)
    if number < 1 or top > depth_m / 2 - 0.5:
        return ()
    step = (high - low) / number
    return tuple(
        Dormer(middle_m=low + step * (at + 0.5), width_m=width, front_m=front, height_m=height, gabled=gabled)
        for at in range(number)
    )


def _mansard_profile(depth: float, eave_z: float, lower_m: float, upper_m: float, set_back_m: float) -> Profile:
    return (
        (0.0, eave_z),
        (set_back_m, eave_z + lower_m),
        (depth / 2, eave_z + lower_m + upper_m),
        (depth - set_back_m, eave_z + lower_m),
        (depth, eave_z),
    )


def _corner(lot: Lot, ground: Ground, rng: random.Random) -> House:
    kind = lot.quarter.character.kind
    depth = math.dist(lot.corners[0], lot.corners[-1])
    if kind == "ring":
        storeys = rng.choice((4, 5, 5))
        eave = ground.street_z + storeys * 3.45 + 0.6
        if rng.random() < 0.3 and len(lot.corners) == 4:
            solid = tented(
                lot.corners, ground_z=ground.base_z, eave_z=eave + 1.2, peak_z=eave + rng.uniform(10, 13), flare=0.3
            )
            return _house(solid, "tented", storeys, "shop and housing")
        section = _mansard_profile(1.0, eave, 3.0, rng.uniform(1.0, 1.5), 0.1)
        roof = "mansard"
    elif kind == "harbour":
        storeys = rng.choice((3, 4))
        eave = ground.street_z + storeys * 3.4
        section, roof = ((0.0, eave), (0.5, eave + _rise(depth, 30)), (1.0, eave)), "gabled"
    else:
        storeys = rng.choice((2, 3, 3, 4))
        eave = ground.street_z + storeys * rng.uniform(2.85, 3.1) + 0.3
        if rng.random() < 0.2 and len(lot.corners) == 4:
            solid = tented(
                lot.corners, ground_z=ground.base_z, eave_z=eave + 1.5, peak_z=eave + rng.uniform(9, 12), flare=0.25
            )
            return _house(solid, "tented", storeys, "shop and housing")
        section, roof = ((0.0, eave), (0.5, eave + _rise(depth, rng.uniform(44, 50))), (1.0, eave)), "gabled"
    return _house(corner_house(lot.corners, section, ground_z=ground.base_z), roof, storeys, "shop and housing")


def _old_row(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    storeys = rng.choices((2, 3, 4), (0.28, 0.52, 0.2))[0]
    eave = ground.street_z + storeys * rng.uniform(2.75, 3.1) + rng.uniform(0.2, 0.6)
    function = "shop and housing" if rng.random() < 0.55 else "residential"
    gable_front = rng.random() < (0.75 if lot.manner % 3 == 0 else 0.25)
    hip = rng.choice((0.0, 0.0, 0.0, 0.35))
    if gable_front and length < 10.5 and depth > length:
        rise = _rise(length, rng.uniform(50, 58))
        solid = saddle(
            frame.turned(length),
            depth,
            length,
            ground_z=ground.base_z,
            eave_z=eave,
            ridge_z=eave + rise,
            hips=(hip, rng.choice((0.0, 0.4))),
        )
        return _house(solid, "gabled", storeys, function)
    rise = _rise(depth, rng.uniform(43, 51))
    if rng.random() < 0.1 and length > 7:
        section = _mansard_profile(depth, eave, 2.7, rng.uniform(1.2, 1.9), 1.5)
        return _house(extruded(frame, length, section, ground_z=ground.base_z), "mansard", storeys, function)
    hips = (0.0 if lot.party[0] else hip, 0.0 if lot.party[1] else hip)
    if rng.random() < 0.16 and length > 6.5:
        wide = min(length * 0.5, 4.2)
        start = (length - wide) / 2
        wing = CrossGable(start_m=start, end_m=start + wide, out_m=0.0, ridge_z=eave + min(0.8 * rise, wide * 0.75))
        solid = saddle(
            frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise, hips=hips, cross=wing
        )
        return _house(solid, "complex", storeys, function)
    front = _dormers(length, depth, rise, rng, gabled=rng.random() < 0.75) if rng.random() < 0.6 else ()
    solid = saddle(
        frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise, hips=hips, front=front
    )
    return _house(solid, "gabled", storeys, function)


def _ring_row(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    storeys = 4 + (lot.manner % 2 if rng.random() < 0.7 else rng.choice((0, 1)))
    eave = ground.street_z + storeys * 3.45 + rng.choice((0.0, 0.4, 0.8))
    function = "shop and housing" if rng.random() < 0.35 else "residential"
    draw = rng.random()
    if draw < 0.5:
        section = _mansard_profile(depth, eave, 3.0, rng.uniform(0.9, 1.6), 1.2)
        return _house(extruded(frame, length, section, ground_z=ground.base_z), "mansard", storeys, function)
    rise = _rise(depth, rng.uniform(33, 42))
    if draw < 0.7:
        wide = min(5.6, 0.4 * length)
        start = (length - wide) / 2
        wing = CrossGable(start_m=start, end_m=start + wide, out_m=0.0, ridge_z=eave + min(0.85 * rise, wide * 0.6))
        solid = saddle(frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise, cross=wing)
        return _house(solid, "complex", storeys, function)
    if draw < 0.93:
        front = _dormers(length, depth, rise, rng, gabled=False)
        back = _dormers(length, depth, rise, rng, gabled=False)
        solid = saddle(
            frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise, front=front, back=back
        )
        return _house(solid, "gabled", storeys, function)
    return _house(
        flat(lot.corners, ground_z=ground.base_z, roof_z=eave + 0.5, parapet_m=0.7), "flat", storeys, function
    )


def _warehouse(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    storeys = rng.choice((3, 4, 4, 5))
    eave = ground.street_z + storeys * 3.3 + 0.4
    function = rng.choice(("warehouse", "warehouse", "office", "residential", "shop and housing"))
    if depth > length:
        solid = saddle(
            frame.turned(length),
            depth,
            length,
            ground_z=ground.base_z,
            eave_z=eave,
            ridge_z=eave + _rise(length, rng.uniform(38, 46)),
            hips=(rng.choice((0.0, 0.0, 0.3)), 0.0),
        )
        return _house(solid, "gabled", storeys, function)
    rise = _rise(depth, rng.uniform(28, 36))
    return _house(
        saddle(frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise),
        "gabled",
        storeys,
        function,
    )


def _back_building(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    storeys = rng.choice((1, 1, 2))
    low = ground.street_z + storeys * 2.7
    function = rng.choice(("workshop", "residential", "workshop"))
    if rng.random() < 0.5:
        section = ((0.0, low), (depth, low + depth * 0.28))
        return _house(extruded(frame, length, section, ground_z=ground.base_z), "shed", storeys, function)
    return _house(
        saddle(
            frame.turned(length),
            depth,
            length,
            ground_z=ground.base_z,
            eave_z=low,
            ridge_z=low + _rise(length, rng.uniform(35, 45)),
        ),
        "gabled",
        storeys,
        function,
    )


def _detached(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    storeys = rng.choice((1, 1, 2, 2)) if lot.manner % 4 else 2
    eave = ground.street_z + storeys * 2.85 + rng.uniform(0.3, 0.8)
    base = ground.base_z
    draw = rng.random()
    if draw < 0.08:
        inner = inset(lot.corners, [rng.uniform(1.2, 2.2), 1.4, 1.0, rng.uniform(1.8, 3.0)])
        storeys = 2
        if inner is not None:
            levels = [(lot.corners, eave), (inner[0], eave + 2.9)]
            return _house(stepped(levels, ground_z=base), "flat", storeys, "residential")
    if draw < 0.16:
        solid = mansard(
            frame,
            length,
            depth,
            ground_z=base,
            eave_z=eave,
            break_z=eave + 2.5,
            ridge_z=eave + 2.5 + rng.uniform(1.2, 1.8),
            set_back_m=0.95,
        )
        return _house(solid, "mansard", storeys, "residential")
    turned = depth > 0.86 * length or rng.random() < 0.3
    if draw < 0.42 and length > 10.5:  # an L: a wing towards the street
        out = rng.uniform(1.2, 2.4)
        body = Frame(frame.at(0, out), frame.way)
        deep = depth - out
        rise = _rise(deep, rng.uniform(38, 46))
        wide = rng.uniform(3.6, 4.8)
        start = rng.choice((0.9, length - wide - 0.9, (length - wide) / 2))
        wing = CrossGable(start_m=start, end_m=start + wide, out_m=out, ridge_z=eave + min(0.88 * rise, wide * 0.5))
        hips = rng.choice(((0.0, 0.0), (0.4, 0.4), (1.0, 1.0)))
        if hips[0] == 1.0 and length < deep + 1.0:
            hips = (0.4, 0.4)
        solid = saddle(body, length, deep, ground_z=base, eave_z=eave, ridge_z=eave + rise, hips=hips, cross=wing)
        return _house(solid, "complex", storeys, "residential")
    if turned:
        frame, length, depth = frame.turned(length), depth, length
    pitch = rng.uniform(34, 48) if storeys == 1 else rng.uniform(26, 40)
    if depth > length:
        rise = _rise(depth, min(pitch, 36))
        solid = saddle(frame, length, depth, ground_z=base, eave_z=eave, ridge_z=eave + rise)
        return _house(solid, "gabled", storeys, "residential")
    rise = _rise(depth, pitch)
    if draw < 0.66:
        solid = saddle(frame, length, depth, ground_z=base, eave_z=eave, ridge_z=eave + rise, hips=(1.0, 1.0))
        return _house(solid, "hipped" if length - depth > 0.01 else "tented", storeys, "residential")
    hip = rng.choice((0.0, 0.0, 0.35))
    front = _dormers(length, depth, rise, rng, ends=(hip * depth / 2,) * 2, step_m=4.4, gabled=rng.random() < 0.5)
    solid = saddle(
        frame,
        length,
        depth,
        ground_z=base,
        eave_z=eave,
        ridge_z=eave + rise,
        hips=(hip, hip),
        front=front if rise > 3.2 else (),
    )
    return _house(solid, "gabled", storeys, "residential")


def _semi(lot: Lot, ground: Ground, rng: random.Random) -> House:
    """Build one half of a pair: both draw from the same numbers, so that eaves and ridges go through."""
    frame, length, depth = _frame(lot)
    eave = ground.street_z + 2 * 2.8 + rng.uniform(0.2, 0.6)
    rise = _rise(depth, rng.uniform(34, 44))
    hip = rng.choice((0.0, 0.4, 1.0)) if length > depth / 2 + 1.5 else 0.0
    hips = (0.0 if lot.party[0] else hip, 0.0 if lot.party[1] else hip)
    solid = saddle(frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise, hips=hips)
    return _house(solid, "hipped" if hip == 1.0 else "gabled", 2, "residential")


def _terrace(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    style = random.Random(f"terrace {lot.manner}")
    eave = ground.street_z + 2 * 2.8 + 0.3
    modern = style.random()
    if modern < 0.2:
        section = ((0.0, eave + 0.6), (depth, eave + 2.6))
        return _house(extruded(frame, length, section, ground_z=ground.base_z), "shed", 2, "residential")
    if modern < 0.35:
        solid = flat(lot.corners, ground_z=ground.base_z, roof_z=eave + 0.3, parapet_m=0.4)
        return _house(solid, "flat", 2, "residential")
    rise = _rise(depth, style.uniform(34, 44))
    front = _dormers(length, depth, rise, style, gabled=style.random() < 0.4, step_m=4.0)
    hip = style.choice((0.0, 0.0, 0.5))
    hips = (0.0 if lot.party[0] else hip, 0.0 if lot.party[1] else hip)
    if any(hips):
        front = ()
    solid = saddle(
        frame, length, depth, ground_z=ground.base_z, eave_z=eave, ridge_z=eave + rise, hips=hips, front=front
    )
    return _house(solid, "gabled", 2, "residential")


def _slab(lot: Lot, ground: Ground, rng: random.Random) -> House:
    new = lot.quarter.character.kind == "new"
    storeys = rng.choice((4, 5, 5, 6, 7)) if new else rng.choice((2, 3))
    roof = ground.street_z + storeys * 3.2 + 0.5
    function = rng.choice(("residential", "residential", "office")) if new else "office"
    inner = inset(lot.corners, [2.0, rng.uniform(2.0, 7.0), 2.0, rng.uniform(2.0, 7.0)]) if new else None
    if inner is not None and len(inner[0]) == 4 and rng.random() < 0.6:
        levels = [(lot.corners, roof), (inner[0], roof + 3.1)]
        return _house(stepped(levels, ground_z=ground.base_z), "flat", storeys + 1, function)
    solid = flat(lot.corners, ground_z=ground.base_z, roof_z=roof, parapet_m=0.6)
    return _house(solid, "flat", storeys, function)


def _tower(lot: Lot, ground: Ground, rng: random.Random) -> House:
    storeys = rng.randint(11, 17)
    podium = ground.street_z + 2 * 3.8
    top = podium + (storeys - 2) * 3.3
    shaft, crown = inset(lot.corners, [1.6] * 4), inset(lot.corners, [5.0] * 4)
    assert shaft is not None
    assert crown is not None
    levels = [(lot.corners, podium), (shaft[0], top), (crown[0], top + 3.4)]
    return _house(stepped(levels, ground_z=ground.base_z), "flat", storeys, rng.choice(("office", "residential")))


def _hall(lot: Lot, ground: Ground, rng: random.Random) -> House:
    frame, length, depth = _frame(lot)
    low = ground.street_z + rng.uniform(6.0, 8.5)
    draw = (lot.manner % 10) / 10 if rng.random() < 0.7 else rng.random()
    if draw < 0.45:
        teeth = round(depth / 8)
        bay = depth / teeth
        section: list[tuple[float, float]] = [(0.0, low)]
        for tooth in range(teeth):
            section += [((tooth + 1) * bay, low + 3.0), ((tooth + 1) * bay, low)]
        return _house(extruded(frame, length, section[:-1], ground_z=ground.base_z), "shed", 1, "industry")
    if draw < 0.8:
        rise = _rise(depth, 12)
        solid = saddle(frame, length, depth, ground_z=ground.base_z, eave_z=low, ridge_z=low + rise)
        return _house(solid, "gabled", 1, "industry")
    solid = flat(lot.corners, ground_z=ground.base_z, roof_z=low + 1.5, parapet_m=0.8)
    return _house(solid, "flat", 1, "industry")


_ENERGY = ((2016, "A+"), (2009, "A"), (2002, "B"), (1995, "C"), (1984, "D"), (1978, "E"), (1950, "F"), (1919, "G"))
_CLASSES = ("A+", "A", "B", "C", "D", "E", "F", "G", "H")
_FLOOR_M2_PER_RESIDENT = 47.0
_SHARE_LIVED_IN = {"residential": 1.0, "shop and housing": 0.7}


def energy_class(year: int, rng: random.Random) -> str:
    """Return a class that fits the year; a third of the older houses have been renovated by one to three classes."""
    built = next((name for since, name in _ENERGY if year >= since), "H")
    at = _CLASSES.index(built)
    if year < 1995 and rng.random() < 0.35:
        at -= rng.randint(1, 3)
    return _CLASSES[max(0, at)]


def register(
    house: House,
    lot: Lot,
    ground: Ground,
    rng: random.Random,
    *,
    id: str,
    address: str,
    name: str = "",
    year: int | None = None,
) -> Building:
    """Return the building with all that a register knows of it."""
    first, last = lot.quarter.character.years
    year = year if year is not None else _year(first, last, lot, rng)
    floor_m2 = area(lot.corners) * house.storeys * 0.78
    lived_in = floor_m2 * _SHARE_LIVED_IN.get(house.function, 0.0) * rng.uniform(0.75, 1.2)
    return Building(
        id=id,
        name=name,
        surfaces=house.surfaces,
        function=house.function,
        roof_type=house.roof_type,
        year_of_construction=year,
        storeys_above_ground=house.storeys,
        measured_height_m=round(top_of(house.surfaces) - ground.base_z, 2),
        energy_class=energy_class(year, rng),
        residents=round(lived_in / _FLOOR_M2_PER_RESIDENT),
        quarter=lot.quarter.name,
        address=address,
    )


def _year(first: int, last: int, lot: Lot, rng: random.Random) -> int:
    """Return a year near its neighbours': streets are built in one go, with gaps filled later."""
    if lot.quarter.character.kind in ("old town", "ring", "harbour") and rng.random() < 0.09:
        return rng.randint(1949, 1988)
    middle = first + (last - first) * random.Random(f"year {lot.quarter.name} {lot.way}").random()
    return max(first, min(last, round(rng.gauss(middle, (last - first) / 9))))


def plot_ring(corners: Sequence[Point], out_m: float) -> list[Point]:
    """Return the corners and middles of the sides of a lot, ``out_m`` further out: where the ground is asked for."""
    places: list[Point] = []
    for a, b in zip(corners, (*corners[1:], corners[0]), strict=True):
        way = direction(a, b)
        places.extend((along(a, way, -out_m, -out_m), along(a, way, math.dist(a, b) / 2, -out_m)))
    return places

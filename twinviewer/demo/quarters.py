"""What kinds of quarters the town has, and where."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from twinviewer.demo.plane import Point
from twinviewer.demo.streets import Grain


@dataclass(frozen=True, slots=True, kw_only=True)
class Character:
    """How a quarter is cut, built and used."""

    kind: str
    grain: Grain
    zone: str
    """In the words of the German land-use ordinance (BauNVO)."""
    land_use: str
    years: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarter:
    name: str
    character: Character


OLD_TOWN = Character(
    kind="old town",
    grain=Grain(
        area_m2=11500,
        depth_m=94,
        length_m=150,
        smallest_m2=3400,
        crooked=0.2,
        bend=0.05,
        type="pedestrian",
        width_m=6.5,
    ),
    zone="MK core",
    land_use="residential",
    years=(1480, 1790),
)
RING = Character(
    kind="ring",
    grain=Grain(
        area_m2=17000,
        depth_m=128,
        length_m=165,
        smallest_m2=6500,
        crooked=0.07,
        bend=0.0,
        type="residential",
        width_m=15,
    ),
    zone="WB special residential",
    land_use="residential",
    years=(1868, 1914),
)
HARBOUR = Character(
    kind="harbour",
    grain=Grain(
        area_m2=8000, depth_m=70, length_m=130, smallest_m2=2200, crooked=0.06, bend=0.0, type="service", width_m=10
    ),
    zone="MI mixed",
    land_use="commercial",
    years=(1835, 1925),
)
GARDEN = Character(
    kind="garden",
    grain=Grain(
        area_m2=15500, depth_m=86, length_m=215, smallest_m2=5200, crooked=0.1, bend=0.05, type="residential",
        width_m=9.5,
    ),
    zone="WR pure residential",
    land_use="residential",
    years=(1922, 2008),
)  # fmt: skip
TERRACES = Character(
    kind="terraces",
    grain=Grain(
        area_m2=12000, depth_m=74, length_m=190, smallest_m2=3500, crooked=0.04, bend=0.03, type="living_street",
        width_m=8.5,
    ),
    zone="WA general residential",
    land_use="residential",
    years=(1955, 2018),
)  # fmt: skip
NEW = Character(
    kind="new",
    grain=Grain(
        area_m2=15000, depth_m=105, length_m=150, smallest_m2=5000, crooked=0.03, bend=0.0, type="residential",
        width_m=16,
    ),
    zone="MU urban",
    land_use="mixed use",
    years=(1998, 2024),
)  # fmt: skip
WORKS = Character(
    kind="works",
    grain=Grain(
        area_m2=30000, depth_m=140, length_m=250, smallest_m2=9000, crooked=0.02, bend=0.0, type="service", width_m=13
    ),
    zone="GE commercial and industrial",
    land_use="industrial",
    years=(1912, 2012),
)

_GARDEN_NAMES = {
    "north": ("Northfield", "Highcombe", "Upper Vale", "Kestrel Hill"),
    "east": ("Eastmead", "Larkrise", "Priory Park", "Oldacre"),
    "south": ("Southlea", "Millbrook", "Orchard Hill", "Fernham"),
    "west": ("Westcliff", "Linden Park", "Heron Bank", "Abbotsway"),
}
_NEW_NAMES = ("New Quay", "Glassworks", "Station Quarter", "Campus North", "Meridian", "Foundry Place")
_WORKS_NAMES = ("Eastworks", "Ropeyards", "Westgate Park", "Gasworks", "Long Sidings")
_TERRACE_NAMES = ("Weavers' Fields", "Bell Meadow", "Tannery Green", "Chapel Row", "Kiln Fields")


def quarter_at(place: Point, *, in_old_town: bool, ring_2_m: float, seed: int) -> Quarter:
    """Return the quarter of a cell by where it lies.

    Args:
        place: The middle of the cell.
        in_old_town: Whether that is within the old wall.
        ring_2_m: How far the second ring is from the market in that direction.
        seed: Of the town.
    """
    x, y = place
    radius, angle = math.hypot(x, y), math.degrees(math.atan2(y, x))
    if in_old_town:
        return Quarter(name="Old Town", character=OLD_TOWN)
    if radius < ring_2_m:
        if y > -40 and x > -330:
            return Quarter(name="Ringside" if x < 120 else "Theatre Quarter", character=RING)
        if -62 < angle < 20:
            return Quarter(name="Harbour", character=HARBOUR)
        return Quarter(name="Bridgefoot", character=RING if y < -200 else GARDEN)
    ring = int((radius - ring_2_m) // 330)
    rng = random.Random(f"quarter {round(x / 40)} {round(y / 40)} {seed}")
    if ring == 0:
        if -70 < angle < -12:
            return Quarter(name="New Quay", character=NEW)
        if -12 <= angle < 24:
            return Quarter(name="Eastworks", character=WORKS)
        if 96 < angle < 140 or -112 < angle < -84:
            return Quarter(name="Weavers' Fields" if y > 0 else "Bell Meadow", character=TERRACES)
    elif ring >= 2:
        draw = rng.random()
        number = rng.randrange(1000)
        if draw < 0.07:
            return Quarter(name=_NEW_NAMES[number % len(_NEW_NAMES)], character=NEW)
        if draw < 0.15:
            return Quarter(name=_WORKS_NAMES[number % len(_WORKS_NAMES)], character=WORKS)
        if draw < 0.45:
            return Quarter(name=_TERRACE_NAMES[number % len(_TERRACE_NAMES)], character=TERRACES)
    side = "east" if -45 <= angle < 45 else "north" if 45 <= angle < 135 else "south" if -135 <= angle < -45 else "west"
    names = _GARDEN_NAMES[side]
    return Quarter(name=names[min(ring, len(names) - 1)], character=GARDEN)

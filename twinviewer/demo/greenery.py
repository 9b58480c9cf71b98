"""Trees, lamps, benches: along streets, in gardens, parks, fields and forests, and never in a house or on a street."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import shapely
from shapely import LineString, Polygon

from twinviewer.demo.landscape import Landscape
from twinviewer.demo.lots import Yard
from twinviewer.demo.plane import Point, along, boundary_distance, direction, is_inside
from twinviewer.demo.skeleton import MARKET
from twinviewer.demo.streets import Block, StreetPlan
from twinviewer.demo.town import Area, Furniture, Street, Tree
from twinviewer.model.feedback import Feedback

_KINDS = {
    "avenue": (("Tilia cordata", 12.0, 7.0), ("Platanus × hispanica", 14.0, 8.5), ("Acer platanoides", 12.0, 7.5)),
    "street": (("Acer campestre", 8.0, 4.8), ("Carpinus betulus", 9.0, 4.6), ("Prunus avium", 7.0, 4.5)),
    "garden": (("Malus domestica", 5.0, 4.2), ("Prunus domestica", 5.5, 4.0), ("Betula pendula", 10.0, 4.6),
               ("Juglans regia", 9.0, 7.0)),
    "park": (("Quercus robur", 16.0, 11.0), ("Fagus sylvatica", 17.0, 11.0), ("Aesculus hippocastanum", 14.0, 9.5),
             ("Tilia cordata", 14.0, 8.5)),
    "forest": (("Fagus sylvatica", 21.0, 8.5), ("Quercus petraea", 19.0, 8.0), ("Picea abies", 22.0, 5.4)),
    "bank": (("Salix alba", 11.0, 8.0), ("Alnus glutinosa", 12.0, 6.0), ("Populus nigra", 18.0, 5.0)),
}  # fmt: skip
"""Species, height and crown of grown ones, by where they stand."""
_CLEAR_OF_HOUSES_M = 2.2
_CLEAR_OF_STREETS_M = 0.5
_CONIFERS = {"Picea abies"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Planting:
    """What must be known to plant a town."""

    seed: int
    landscape: Landscape
    streets: StreetPlan
    pieces: Sequence[tuple[int, tuple[Point, ...]]]
    carriageway_m: Sequence[float]
    """Of each way."""
    yards: Sequence[tuple[Block, Yard, str]]
    footprints: Sequence[tuple[Point, ...]]
    land_use: Sequence[Area]
    town_streets: Sequence[Street]
    density: float
    """Of trees in gardens and forests, 1 in a small town."""


def plant(planting: Planting, *, feedback: Feedback) -> tuple[tuple[Tree, ...], tuple[Furniture, ...]]:
    """Return trees and furniture, each on the ground and clear of houses, carriageways and water."""
    wanted = [*_along_streets(planting), *_in_yards(planting), *_in_the_country(planting)]
    feedback.stop_if_cancelled()
    clear = _clear(planting, [place for place, _ in wanted], houses_m=_CLEAR_OF_HOUSES_M)
    kept = [spot for spot, free in zip(wanted, clear, strict=True) if free]
    rng = random.Random(f"trees {planting.seed}")
    heights = _ground(planting, [place for place, _ in kept])
    trees = []
    for number, ((place, where), z) in enumerate(zip(kept, heights, strict=True), start=1):
        species, height, crown = rng.choice(_KINDS[where])
        size = rng.uniform(0.72, 1.12)
        trees.append(
            Tree(
                id=f"TREE_{number:06d}",
                position=(round(place[0], 2), round(place[1], 2), round(z, 2)),
                height_m=round(height * size, 1),
                crown_m=round(crown * size * rng.uniform(0.9, 1.1), 1),
                species=species,
                conifer=species in _CONIFERS,
            )
        )
    feedback.stop_if_cancelled()
    return tuple(trees), _furniture(planting)


def _ground(planting: Planting, places: Sequence[Point]) -> list[float]:
    if not places:
        return []
    spots = np.array(places)
    heights: list[float] = planting.landscape.heights(spots[:, 0], spots[:, 1]).tolist()
    return heights


def _clear(planting: Planting, places: Sequence[Point], *, houses_m: float) -> list[bool]:
    """Return which places are clear of houses, carriageways and water."""
    if not places:
        return []
    points = shapely.points(np.array(places))
    taken = np.zeros(len(places), dtype=bool)
    houses = shapely.STRtree([Polygon(corners) for corners in planting.footprints])
    taken[houses.query(points, predicate="dwithin", distance=houses_m)[0]] = True
    for width in sorted({street.width_m for street in planting.town_streets}):
        lines = [street.line for street in planting.town_streets if street.width_m == width]
        near = shapely.STRtree(lines).query(points, predicate="dwithin", distance=width / 2 + _CLEAR_OF_STREETS_M)[0]
        taken[near] = True
    water = shapely.STRtree(_tiles(planting))
    taken[water.query(points, predicate="dwithin", distance=1.5)[0]] = True
    free: list[bool] = (~taken).tolist()
    return free


def _tiles(planting: Planting) -> list[Polygon]:
    """Return the water in pieces, so that few corners are looked at for each place."""
    water = planting.landscape.water
    west, south, east, north = water.bounds
    pieces = []
    for column in range(int(west // 300), int(east // 300) + 1):
        strip = shapely.clip_by_rect(water, column * 300, south, column * 300 + 300, north)
        pieces.extend(shapely.get_parts(strip).tolist())
    return pieces


def _steps(line: Sequence[Point], step_m: float, start_m: float) -> Iterator[tuple[Point, Point]]:
    """Yield places every ``step_m`` along a line, with its direction there."""
    to_go = start_m
    for a, b in pairwise(line):
        way, length = direction(a, b), math.dist(a, b)
        while to_go < length:
            yield along(a, way, to_go), way
            to_go += step_m
        to_go -= length


def _along_streets(planting: Planting) -> Iterator[tuple[Point, str]]:
    for way_number, line in planting.pieces:
        way = planting.streets.ways[way_number]
        half = planting.carriageway_m[way_number] / 2
        rng = random.Random(f"row {line[0][0]:.1f} {line[0][1]:.1f} {planting.seed}")
        if way.type == "promenade":
            # Between the path and the water, where there is room for a row.
            for place, run in _steps(line, 9.5, 5.0):
                yield along(place, run, 0.0, half + 1.6), "avenue"
                yield along(place, run, 0.0, -half - 1.6), "avenue"
        elif way.type == "pedestrian" and way.quarter == "":  # around a square
            for place, run in _steps(line, 8.5, 6.0):
                yield along(place, run, 0.0, half + 3.4), "street"
        elif way.width_m >= 26:
            for place, run in _steps(line, 9.0, 7.0):
                for side in (-1, 1):
                    yield along(place, run, 0.0, side * (half + 2.2)), "avenue"
        elif way.width_m >= 18:
            for place, run in _steps(line, 11.0, 8.0):
                for side in (-1, 1):
                    yield along(place, run, 0.0, side * (half + 1.9)), "avenue"
        elif way.width_m >= 14 and rng.random() < 0.8:
            for place, run in _steps(line, 12.0, 9.0):
                for side in (-1, 1):
                    if rng.random() < 0.9:
                        yield along(place, run, 0.0, side * (half + 1.4)), "street"
        elif way.width_m >= 9 and way.type == "residential" and rng.random() < 0.4:
            for place, run in _steps(line, 13.0, 8.0):
                yield along(place, run, 0.0, half + 1.0), "street"


def _in_yards(planting: Planting) -> Iterator[tuple[Point, str]]:
    spacing_m2 = {
        "old town": 120,
        "ring": 150,
        "harbour": 900,
        "garden": 230,
        "terraces": 240,
        "new": 300,
        "works": 900,
    }
    for _, yard, use in planting.yards:
        if use == "meadow":
            continue
        built = use == "built"
        kind = yard.quarter.character.kind
        corners = yard.corners
        rng = random.Random(f"yard {yard.middle[0]:.1f} {yard.middle[1]:.1f} {planting.seed}")
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        size = (max(xs) - min(xs)) * (max(ys) - min(ys))
        share = planting.density if built else max(planting.density, 0.5)
        count = int(size / (spacing_m2[kind] if built else 130) * share)
        inner = 12.0 if built and kind in ("old town", "ring") else 1.0
        for _ in range(count):
            place = (rng.uniform(min(xs), max(xs)), rng.uniform(min(ys), max(ys)))
            if is_inside(place, corners) and boundary_distance(place, corners) > inner:
                yield place, "garden" if built else "park"


def _in_the_country(planting: Planting) -> Iterator[tuple[Point, str]]:
    for area in planting.land_use:
        if area.type not in ("forest", "meadow", "farmland"):
            continue
        west, south, east, north = area.polygon.bounds
        rng = random.Random(f"land {west:.1f} {south:.1f} {planting.seed}")
        shapely.prepare(area.polygon)
        if area.type == "farmland":
            yield from _hedge(area.polygon, rng, planting.density)
            continue
        spacing = 215.0 if area.type == "forest" else 2600.0
        count = int((east - west) * (north - south) / spacing * planting.density)
        spots = np.array([(rng.uniform(west, east), rng.uniform(south, north)) for _ in range(count)]).reshape(-1, 2)
        inside = shapely.contains_xy(area.polygon, spots[:, 0], spots[:, 1])
        for x, y in spots[inside].tolist():
            yield (x, y), "forest" if area.type == "forest" else "bank"


def _hedge(polygon: Polygon, rng: random.Random, density: float) -> Iterator[tuple[Point, str]]:
    """Plant a hedgerow along some sides of a field."""
    ring: LineString = polygon.exterior
    corners = [(float(x), float(y)) for x, y in ring.coords]
    for a, b in pairwise(corners):
        if math.dist(a, b) > 60 and rng.random() < 0.4 * density:
            for place, run in _steps((a, b), 9.0, 4.0):
                if rng.random() < 0.8:
                    yield along(place, run, rng.uniform(-2, 2), rng.uniform(2.0, 4.0)), "garden"


def _furniture(planting: Planting) -> tuple[Furniture, ...]:
    wanted: list[tuple[str, Point, float]] = [("fountain", (22.0, 2.0), 0.0)]
    for way_number, line in planting.pieces:
        way = planting.streets.ways[way_number]
        half = planting.carriageway_m[way_number] / 2
        central = math.hypot(*line[0]) < 700
        if not central or way.type in ("service",):
            continue
        for index, (place, run) in enumerate(_steps(line, 28.0, 12.0)):
            side = 1 if index % 2 else -1
            heading = math.degrees(math.atan2(run[0], run[1])) % 360
            wanted.append(("street lamp", along(place, run, 0.0, side * (half + 0.75)), heading))
            if way.type == "promenade":
                wanted.append(("bench", along(place, run, 4.5, half + 0.9), heading))
                wanted.append(("bench", along(place, run, 4.5, -half - 0.9), heading))
    for at in range(len(MARKET)):
        a, b = MARKET[at], MARKET[(at + 1) % len(MARKET)]
        run = direction(a, b)
        wanted.append(
            ("bench", along(a, run, math.dist(a, b) / 2, 6.0), math.degrees(math.atan2(run[0], run[1])) % 360)
        )
    clear = _clear(planting, [place for _, place, _ in wanted], houses_m=0.4)
    kept = [item for item, free in zip(wanted, clear, strict=True) if free]
    heights = _ground(planting, [place for _, place, _ in kept])
    return tuple(
        Furniture(
            id=f"FURN_{number:06d}",
            type=type,
            position=(round(place[0], 2), round(place[1], 2), round(z, 2)),
            heading_deg=round(heading, 1),
        )
        for number, ((type, place, heading), z) in enumerate(zip(kept, heights, strict=True), start=1)
    )

"""What the land is used for: in town by quarter, around it as fields, meadows and forest."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np
import shapely
from shapely import Polygon
from shapely import box as box_of

from twinviewer.demo.landscape import Landscape
from twinviewer.demo.lots import Yard
from twinviewer.demo.plane import inset, is_inside
from twinviewer.demo.skeleton import Skeleton
from twinviewer.demo.streets import Block, Grain, StreetPlan, centre_of
from twinviewer.demo.town import Area

_FIELD = Grain(
    area_m2=30_000, depth_m=190, length_m=270, smallest_m2=6_000, crooked=0.22, bend=0.07, type="track", width_m=3
)


def lay_out_land(
    landscape: Landscape,
    skeleton: Skeleton,
    *,
    yards: Sequence[tuple[Block, Yard, str]],
    built: Sequence[Block],
    bounds: tuple[float, float, float, float],
    seed: int,
) -> tuple[tuple[Area, ...], tuple[Area, ...]]:
    """Return land use and zones within the bounds."""
    frame = box_of(*bounds)
    land: list[tuple[str, Polygon, str]] = []
    zoned: defaultdict[str, list[Polygon]] = defaultdict(list)
    for block, yard, use in yards:
        polygon = Polygon(block.corners)
        character = yard.quarter.character
        if use != "built":
            land.append((use, polygon, yard.quarter.name))
            continue
        green = _garden(yard)
        land.append(
            (
                character.land_use,
                polygon if green is None else Polygon(block.corners, [green.exterior.coords]),
                yard.quarter.name,
            )
        )
        if green is not None:
            land.append(("residential garden", green, ""))
        zoned[character.zone].append(polygon)
    for name, square in skeleton.squares.items():
        land.append(("square", Polygon(square.corners), "Market Square" if name == "market" else "Church Square"))
    water = shapely.get_parts(landscape.water.intersection(frame)).tolist()
    land.extend(("water", part, "River") for part in water)
    reach = shapely.Point(0, 0).buffer(620)
    banks = landscape.corridor.difference(landscape.water).difference(landscape.quays).intersection(frame)
    for type, region in (("square", banks.intersection(reach)), ("meadow", banks.difference(reach))):
        land.extend((type, part, "") for part in shapely.get_parts(region).tolist() if part.area > 1)
    land.extend((type, polygon, "") for type, polygon in _fields(landscape, skeleton, built, frame, seed))
    areas = tuple(
        Area(id=f"LAND_{number:06d}", type=type, polygon=polygon, name=name)
        for number, (type, polygon, name) in enumerate(land, start=1)
    )
    zones = [
        (type, part)
        for type, polygons in zoned.items()
        for part in shapely.get_parts(shapely.union_all(polygons)).tolist()
    ]
    return areas, tuple(
        Area(id=f"ZONE_{number:05d}", type=type, polygon=part) for number, (type, part) in enumerate(zones, start=1)
    )


_FRONTS_M = {"old town": 15.0, "ring": 17.0, "garden": 1.5, "terraces": 1.5, "new": 5.0}
"""How far from the street the gardens inside a block begin, by kind of quarter."""


def _garden(yard: Yard) -> Polygon | None:
    """Return the green inside a block; None where it is too small to be worth it, or paved."""
    front_m = _FRONTS_M.get(yard.quarter.character.kind)
    if front_m is None:
        return None
    inside = inset(yard.corners, [front_m] * len(yard.corners))
    if inside is None or not all(is_inside(corner, yard.corners) for corner in inside[0]):
        return None
    polygon = Polygon(inside[0])
    return polygon if polygon.is_valid and polygon.area > 150 else None


def _fields(
    landscape: Landscape, skeleton: Skeleton, built_cells: Sequence[Block], frame: Polygon, seed: int
) -> Iterator[tuple[str, Polygon]]:
    """Cut the land that was not built up into fields, meadows and forest."""
    built = {cell.corners for cell in built_cells}
    scratch = StreetPlan()
    scratch.ways = list(skeleton.streets.ways)
    scratch.edges = [replace(edge, joints=[]) for edge in skeleton.streets.edges]
    shapely.prepare(frame)
    pieces: list[Block] = []
    for cell in skeleton.cells:
        if cell.corners in built or not frame.intersects(Polygon(cell.corners)):
            continue
        rng = random.Random(f"field {cell.corners[0][0]:.1f} {seed}")
        pieces.extend(scratch.subdivide(cell, _FIELD, quarter="field", rng=rng))
    if not pieces:
        return
    middles = np.array([centre_of(piece) for piece in pieces])
    steps = np.array([(0, 0), (40, 0), (0, 40)])
    places = middles[:, None, :] + steps[None]
    heights = landscape.heights(places[..., 0], places[..., 1])
    steep = np.hypot(heights[:, 1] - heights[:, 0], heights[:, 2] - heights[:, 0]) / 40
    for piece, (x, y), height, slope in zip(pieces, middles.tolist(), heights[:, 0].tolist(), steep, strict=True):
        draw = random.Random(f"use {x:.1f} {y:.1f} {seed}").random()
        wooded = 0.08 + 0.9 * (height > 46) + 0.5 * (slope > 0.13) + 0.25 * (height > 34)
        type = "forest" if draw < wooded else "meadow" if draw < wooded + 0.35 or height < 9 else "farmland"
        polygon = Polygon(piece.corners)
        shown = polygon if frame.contains(polygon) else polygon.intersection(frame)
        for part in shapely.get_parts(shown).tolist():
            if part.geom_type == "Polygon" and part.area > 5:
                yield type, part

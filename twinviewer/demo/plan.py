"""The plan of a town: cells are cut into blocks, blocks into lots, from the market outwards until there are enough.

The middle of the town is the same however large it is; more buildings mean more quarters further out.
"""

from __future__ import annotations

import math
import random
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import shapely
from shapely import LineString, Polygon

from twinviewer.demo.bridges import build_bridge, build_quays
from twinviewer.demo.greenery import Planting, plant
from twinviewer.demo.houses import Ground, build, plot_ring, register
from twinviewer.demo.land import lay_out_land
from twinviewer.demo.landmarks import (
    SCHOOL_SIZE_M,
    build_church,
    build_school,
    build_town_hall,
    church_plan,
    school_frame,
    school_plan,
    town_hall_plan,
)
from twinviewer.demo.landscape import Float64s, Landscape
from twinviewer.demo.lots import Lot, Yard, lots_of, yard_of
from twinviewer.demo.names import StreetNames, town_name
from twinviewer.demo.plane import box, centre, cross, direction
from twinviewer.demo.quarters import OLD_TOWN, Quarter, quarter_at
from twinviewer.demo.skeleton import Skeleton, lay_skeleton, ring_radius
from twinviewer.demo.solids import Frame
from twinviewer.demo.streets import Block, StreetPlan, centre_of
from twinviewer.demo.town import Area, Building, Furniture, Street, Structure, Tree
from twinviewer.model.feedback import Feedback

_STEEPEST_M = 3.6
"""Lots whose ground falls by more than this stay empty."""
_MARGIN_M = 420.0
_CARRIAGEWAY_M = {
    26.0: 13.0, 19.0: 10.0, 16.0: 7.5, 15.0: 7.0, 14.0: 8.0, 13.0: 8.5, 12.0: 8.0, 10.0: 6.5, 9.5: 6.2, 9.0: 6.0,
    8.5: 5.5, 7.0: 5.0, 6.5: 4.5,
}  # fmt: skip
"""Of the width between the lots, what is street proper; the rest is pavement and verge."""
_SPEED_KM_H = {
    "primary": 50, "secondary": 50, "residential": 30, "living_street": 10, "service": 20, "pedestrian": 5,
    "promenade": 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A lot with its ground, its place in the register and its landmark, if it is one."""

    lot: Lot
    ground: Ground
    number: int
    house_number: int
    name: str = ""


@dataclass(slots=True, kw_only=True)
class _Draft:
    """What has been planned so far."""

    sites: list[Site] = field(default_factory=list)
    yards: list[tuple[Block, Yard, str]] = field(default_factory=list)
    """Block, yard, and its use: ``built``, ``park``, or ``meadow`` where a later town would go on."""
    edges: dict[int, None] = field(default_factory=dict)
    built: list[Block] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class PlannedTown:
    """A town whose streets and lots are known; its buildings are built when they are asked for."""

    seed: int
    landscape: Landscape
    skeleton: Skeleton
    sites: tuple[Site, ...]
    streets: tuple[Street, ...]
    land_use: tuple[Area, ...]
    zones: tuple[Area, ...]
    bridges: tuple[Structure, ...]
    trees: tuple[Tree, ...]
    furniture: tuple[Furniture, ...]
    bounds: tuple[float, float, float, float]
    way_names: dict[int, str]

    @property
    def name(self) -> str:
        return town_name(self.seed)

    @property
    def building_count(self) -> int:
        return len(self.sites)

    def buildings(self) -> Iterator[Building]:
        """Return the buildings, quarter by quarter; the same ones each time."""
        for site in self.sites:
            yield self._built(site)

    def heights(self, x: Float64s, y: Float64s) -> Float64s:
        """Return the height of the finished ground at places of any shape."""
        return self.landscape.heights(np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64))

    def _built(self, site: Site) -> Building:
        rng = random.Random(f"building {site.number} {self.seed}")
        lot = site.lot
        year = None
        if lot.form == "church":
            house, year = build_church(site.ground), 1387
        elif lot.form == "town hall":
            house, year = build_town_hall(site.ground), 1564
        elif lot.form == "school":
            a, b = lot.corners[:2]
            house = build_school(Frame(a, direction(a, b)), site.ground)
        else:
            house = build(lot, site.ground, rng)
        return register(
            house,
            lot,
            site.ground,
            rng,
            id=f"BLDG_{site.number:07d}",
            address=f"{self.way_names[lot.way]} {site.house_number}",
            name=site.name,
            year=year,
        )


def plan_town(*, buildings: int, seed: int, feedback: Feedback) -> PlannedTown:
    """Plan a town of that many buildings.

    Args:
        buildings: How many; met exactly where the land allows.
        seed: Chooses one of many towns; the same seed gives the same town, in every process.
        feedback: Hears progress and may stop the work.
    """
    landscape = Landscape(seed=seed)
    reach = 420.0 + math.sqrt(buildings * 1e4 / 11.0 / math.pi) * 1.12
    while True:
        skeleton = lay_skeleton(landscape, radius_m=1.5 * reach + 900)
        draft = _settle(landscape, skeleton, buildings=buildings, seed=seed, reach_m=1.35 * reach, feedback=feedback)
        if len(draft.sites) >= buildings:
            break
        reach *= 1.2
    feedback.progress(0.6, "Naming the streets")
    sites = _numbered(draft.sites, skeleton.streets)
    bounds = _bounds(draft)
    streets, way_names = _streets(skeleton, draft, bounds, seed)
    feedback.stop_if_cancelled()
    bridges = _bridges(landscape, skeleton, draft)
    feedback.progress(0.7, "Laying out the land")
    land_use, zones = lay_out_land(landscape, skeleton, yards=draft.yards, built=draft.built, bounds=bounds, seed=seed)
    feedback.progress(0.8, "Planting trees")
    trees, furniture = plant(
        Planting(
            seed=seed,
            landscape=landscape,
            streets=skeleton.streets,
            pieces=[(way, line) for way, line in skeleton.streets.pieces(list(draft.edges))],
            carriageway_m=[_carriageway(way.width_m) for way in skeleton.streets.ways],
            yards=draft.yards,
            footprints=[site.lot.corners for site in sites],
            land_use=land_use,
            town_streets=streets,
            density=min(1.0, 6000 / buildings) if buildings > 6000 else 1.0,
        ),
        feedback=feedback,
    )
    feedback.progress(1.0)
    return PlannedTown(
        seed=seed,
        landscape=landscape,
        skeleton=skeleton,
        sites=sites,
        streets=streets,
        land_use=land_use,
        zones=zones,
        bridges=bridges,
        trees=trees,
        furniture=furniture,
        bounds=bounds,
        way_names=way_names,
    )


def _carriageway(width_m: float) -> float:
    return _CARRIAGEWAY_M.get(width_m, round(0.6 * width_m, 1))


def _settle(
    landscape: Landscape, skeleton: Skeleton, *, buildings: int, seed: int, reach_m: float, feedback: Feedback
) -> _Draft:
    """Build up cell after cell, the most central first."""
    draft = _Draft()
    plan = skeleton.streets
    cells = sorted(
        (cell for cell in skeleton.cells if math.hypot(*centre_of(cell)) < reach_m),
        key=lambda cell: (_remoteness(cell, seed), cell.corners),
    )
    old_town = Quarter(name="Old Town", character=OLD_TOWN)
    for square in skeleton.squares.values():
        draft.edges.update(dict.fromkeys(square.edges))
    market_way, church_way = (plan.edges[skeleton.squares[name].edges[0]].way for name in ("market", "church"))
    draft.sites.extend(
        _sited(
            [
                Lot(form="church", corners=church_plan(), quarter=old_town, way=church_way),
                Lot(form="town hall", corners=town_hall_plan(), quarter=old_town, way=market_way),
            ],
            landscape,
            first=1,
            names=("St Martin's Church", "Town Hall"),
        )
    )
    schools = 0
    for cell in cells:
        if len(draft.sites) >= buildings:
            break
        feedback.stop_if_cancelled()
        feedback.progress(min(0.6, 0.6 * len(draft.sites) / buildings), "Laying out streets and lots")
        middle = centre_of(cell)
        in_old_town = bool(shapely.contains_xy(skeleton.old_town, *middle))
        ring_2 = ring_radius(2, math.atan2(middle[1], middle[0]), seed)
        quarter = quarter_at(middle, in_old_town=in_old_town, ring_2_m=ring_2, seed=seed)
        rng = random.Random(f"cell {middle[0]:.1f} {middle[1]:.1f} {seed}")
        blocks = list(plan.subdivide(cell, quarter.character.grain, quarter=quarter.character.kind, rng=rng))
        blocks.sort(key=lambda block: math.hypot(*centre_of(block)))
        green = _green_ones(blocks, quarter, rng)
        draft.built.append(cell)
        draft.edges.update(dict.fromkeys(edge for block in blocks for edge in block.edges))
        for index, block in enumerate(blocks):
            yard = yard_of(block, plan, quarter)
            if yard is None:
                continue
            block_rng = random.Random(f"block {yard.middle[0]:.1f} {yard.middle[1]:.1f} {seed}")
            if index in green or len(draft.sites) >= buildings:
                draft.yards.append((block, yard, "park" if index in green else "meadow"))
                continue
            wanted = schools < 1 + len(draft.sites) // 1400 and quarter.character.kind in ("garden", "terraces", "ring")
            lots = _school_lots(yard) if wanted and index > 1 else []
            if lots:
                schools += 1
            else:
                lots = lots_of(yard, block_rng)
            names = ("Humboldt School",) if lots and lots[0].form == "school" else ()
            sites = _sited(lots, landscape, first=len(draft.sites) + 1, names=names)
            sites = sites[: buildings - len(draft.sites)]
            draft.sites.extend(sites)
            draft.yards.append((block, yard, "built" if sites else "meadow"))
    return draft


def _remoteness(cell: Block, seed: int) -> float:
    """Return how late a cell is built up: by distance, and by chance, so that the town's edge is ragged."""
    x, y = centre_of(cell)
    radius = math.hypot(x, y)
    chance = random.Random(f"edge {x:.1f} {y:.1f} {seed}").uniform(-0.14, 0.14)
    flat = 0.06 * math.cos(math.atan2(y, x) * 2)  # along the river sooner than up the hills
    angle = math.degrees(math.atan2(y, x))
    sooner = 0.3 if -70 < angle < -12 and radius < 740 else 0.24 if 0 < angle < 24 and radius < 740 else 0.0
    return radius * (1 + (chance - flat - sooner if radius > 440 else 0.0))


def _green_ones(blocks: Sequence[Block], quarter: Quarter, rng: random.Random) -> set[int]:
    """Return which blocks of a cell stay green: a park in about every second cell, and slivers."""
    green = {index for index, block in enumerate(blocks) if block.area_m2 < 700}
    share = {"old town": 0.35, "ring": 0.6, "harbour": 0.2, "works": 0.1}.get(quarter.character.kind, 0.55)
    if rng.random() < share and len(blocks) > 3:
        green.add(rng.randrange(len(blocks)))
    return green


def _school_lots(yard: Yard) -> list[Lot]:
    middle, way, long_m, deep_m = box(yard.corners)
    length, depth = SCHOOL_SIZE_M
    if long_m < length + 16 or deep_m < depth + 14:
        return []
    plan = school_plan(school_frame(middle, way))
    if not Polygon(yard.corners).buffer(-4).contains(Polygon(plan)):
        return []
    return [Lot(form="school", corners=plan, quarter=yard.quarter, way=yard.ways[0])]


def _sited(lots: Sequence[Lot], landscape: Landscape, *, first: int, names: Sequence[str] = ()) -> list[Site]:
    """Find the ground under lots, and leave out those on ground too steep to build on."""
    if not lots:
        return []
    rings = [plot_ring(lot.corners, 0.8) for lot in lots]
    places = np.array([place for ring in rings for place in ring])
    heights = landscape.heights(places[:, 0], places[:, 1]).tolist()
    sites: list[Site] = []
    at = 0
    for index, (lot, ring) in enumerate(zip(lots, rings, strict=True)):
        here = heights[at : at + len(ring)]
        at += len(ring)
        if max(here) - min(here) > _STEEPEST_M:
            continue
        ground = Ground(lowest_z=round(min(here), 2), street_z=round(here[1], 2))
        name = names[index] if index < len(names) else ""
        sites.append(Site(lot=lot, ground=ground, number=first + len(sites), house_number=0, name=name))
    return sites


def _numbered(sites: Iterable[Site], plan: StreetPlan) -> tuple[Site, ...]:
    """Give house numbers: odd on the left, even on the right, ascending along the street."""
    by_way: defaultdict[int, list[tuple[float, bool, int]]] = defaultdict(list)
    listed = list(sites)
    for index, site in enumerate(listed):
        way = plan.ways[site.lot.way]
        front = centre(site.lot.corners[:2])
        edges = [plan.edges[number] for number in way.edges]
        start, end = edges[0].start, edges[-1].end
        if way.quarter.startswith(("ring", "bank", "wall")) or start == end:
            along_ = math.atan2(front[1], front[0])
            left = math.hypot(*centre(site.lot.corners)) > math.hypot(*front)
        else:
            run = direction(start, end)
            along_ = (front[0] - start[0]) * run[0] + (front[1] - start[1]) * run[1]
            left = (
                cross(run, direction(*site.lot.corners[:2])) > 0
                or direction(*site.lot.corners[:2])[0] * run[0] + direction(*site.lot.corners[:2])[1] * run[1] > 0
            )
        by_way[site.lot.way].append((along_, left, index))
    numbers = [0] * len(listed)
    for places in by_way.values():
        following = {True: 1, False: 2}
        for _, left, index in sorted(places):
            numbers[index] = following[left]
            following[left] += 2
    return tuple(replace(site, house_number=number) for site, number in zip(listed, numbers, strict=True))


def _streets(
    skeleton: Skeleton, draft: _Draft, bounds: tuple[float, float, float, float], seed: int
) -> tuple[tuple[Street, ...], dict[int, str]]:
    plan = skeleton.streets
    draft.edges.update(dict.fromkeys(_bridged(skeleton, draft)))
    draft.edges.update(dict.fromkeys(_roads_out(skeleton, draft, bounds)))
    names = StreetNames(seed)
    way_names: dict[int, str] = {}
    streets = []
    kinds = {"old town", "ring", "harbour", "garden", "terraces", "new", "works"}
    for number, (way_number, line) in enumerate(plan.pieces(list(draft.edges)), start=1):
        way = plan.ways[way_number]
        if way_number not in way_names:
            kind = way.quarter if way.quarter in kinds else "main"
            way_names[way_number] = names.take(kind, way.quarter)
        streets.append(
            Street(
                id=f"STREET_{number:06d}",
                name=way_names[way_number],
                type=way.type,
                line=LineString(line),
                width_m=_carriageway(way.width_m),
                max_speed_km_h=_SPEED_KM_H[way.type],
            )
        )
    for site in draft.sites:
        if site.lot.way not in way_names:
            way_names[site.lot.way] = names.take("main", plan.ways[site.lot.way].quarter)
    return tuple(streets), way_names


def _bridged(skeleton: Skeleton, draft: _Draft) -> list[int]:
    """Return the bridges that have streets at both ends."""
    ends = {
        place
        for number in draft.edges
        for edge in [skeleton.streets.edges[number]]
        for place in (edge.start, edge.end, *(joint for _, joint in edge.joints))
    }
    return [crossing.edge for crossing in skeleton.crossings if {crossing.start, crossing.end} <= ends]


def _roads_out(skeleton: Skeleton, draft: _Draft, bounds: tuple[float, float, float, float]) -> list[int]:
    """Return the edges of main roads that go on into the country, as far as the bounds."""
    west, south, east, north = bounds
    edges = skeleton.streets.edges
    left = [
        number
        for number in skeleton.highways
        if number not in draft.edges
        and all(west < x < east and south < y < north for x, y in (edges[number].start, edges[number].end))
    ]
    reached = {place for number in draft.edges for place in (edges[number].start, edges[number].end)}
    found: list[int] = []
    while True:
        joined = [number for number in left if edges[number].start in reached or edges[number].end in reached]
        if not joined:
            return found
        found.extend(joined)
        reached.update(place for number in joined for place in (edges[number].start, edges[number].end))
        left = [number for number in left if number not in set(joined)]


def _bounds(draft: _Draft) -> tuple[float, float, float, float]:
    xs = [x for cell in draft.built for x, _ in cell.corners]
    ys = [y for cell in draft.built for _, y in cell.corners]
    west, south = (math.floor((min(v) - _MARGIN_M) / 10) * 10.0 for v in (xs, ys))
    east, north = (math.ceil((max(v) + _MARGIN_M) / 10) * 10.0 for v in (xs, ys))
    return west, south, east, north


def _bridges(landscape: Landscape, skeleton: Skeleton, draft: _Draft) -> tuple[Structure, ...]:
    used = [crossing for crossing in skeleton.crossings if crossing.edge in draft.edges]
    used.sort(key=lambda crossing: math.hypot(*centre((crossing.start, crossing.end))))
    names = ("Old Bridge", "Customs Bridge", "West Bridge", "Ring Bridge", "Mill Bridge", "Weir Bridge")
    built = tuple(
        build_bridge(
            crossing,
            id=f"BRIDGE_{number:03d}",
            name=names[number - 1] if number <= len(names) else f"Bridge {number}",
            arched=number == 1 or number % 3 == 0,
        )
        for number, crossing in enumerate(used, start=1)
    )
    return built + build_quays(landscape)

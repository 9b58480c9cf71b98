"""The main streets: a market, gates, rings and roads out of town, streets along the river, and bridges over it.

Rings and roads are lines of their own; where they cross, GEOS cuts them, and the faces between them are the cells
which the quarters are made of.  However far the town reaches, its middle stays the same.
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from itertools import pairwise

import shapely
from shapely import LineString, Polygon
from shapely.geometry.base import BaseGeometry

from twinviewer.demo.landscape import QUAY_RADIUS_M, Landscape
from twinviewer.demo.plane import Point, area, between, spline
from twinviewer.demo.streets import Block, StreetPlan, Way

MARKET: tuple[Point, ...] = ((-46, -30), (2, -41), (44, -24), (52, 26), (-4, 42), (-42, 34))
CHURCH_SQUARE: tuple[Point, ...] = ((-152, 62), (-88, 43), (-66, 106), (-131, 131))
_WALL: tuple[Point, ...] = (
    (-352, -100), (-304, -52), (-254, 8), (-216, 100), (-152, 170), (-50, 202), (64, 194),
    (152, 140), (204, 56), (232, -46), (268, -140), (306, -226),
)  # fmt: skip
"""The street where the town wall was, from river to river."""
RING = -1.0
"""Where a road begins that leads out from the second ring."""
_ROADS: tuple[tuple[str, float, float, str, bool], ...] = (
    ("north", 82, 0, "primary", True),
    ("north-east", 34, 0, "secondary", False),
    ("east", -9, 0, "primary", True),
    ("south", -95, 0, "primary", True),
    ("south-east", -64, 262, "secondary", False),
    ("south-west", -134, 262, "secondary", False),
    ("west", 171, 0, "primary", True),
    ("north-west", 139, 0, "secondary", False),
    ("docks", -34, RING, "secondary", False),
    ("lane", -40, 0, "lane", False),
    ("lane", -142, 0, "lane", False),
)
"""Name, direction (counter-clockwise from east), where it begins, type, whether it crosses the river."""
RING_STEP_M = 330.0
_RING_2_M = 405.0
_WIDEST_GAP_M = 560.0
_ROAD_STEP_M = 36.0
_LONGEST_BRIDGE_M = 122.0
_BRIDGE_GAP_M = 170.0

WIDTH_M = {"primary": 19.0, "secondary": 14.0, "boulevard": 26.0, "promenade": 7.0, "lane": 8.0, "quay": 9.0}


@dataclass(frozen=True, slots=True, kw_only=True)
class Crossing:
    """A bridge to be: a street from bank to bank."""

    start: Point
    end: Point
    edge: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Skeleton:
    streets: StreetPlan
    cells: tuple[Block, ...]
    """Everything between the main streets but the squares, in no particular order that matters."""
    squares: dict[str, Block]
    """``market`` and ``church``."""
    crossings: tuple[Crossing, ...]
    old_town: Polygon
    highways: tuple[int, ...]
    """Edges of the roads that lead out of town."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Line:
    line: LineString
    type: str
    name: str
    crosses: bool = False


def lay_skeleton(landscape: Landscape, *, radius_m: float) -> Skeleton:
    """Lay the main streets of a town that reaches at least ``radius_m`` from its market."""
    market, church = Polygon(MARKET), Polygon(CHURCH_SQUARE)
    corridor = landscape.corridor
    near = shapely.Point(0, 0).buffer(radius_m + 900, quad_segs=12)
    banks = [
        _Line(line=LineString(ring.coords), type="bank", name="bank")
        for part in shapely.get_parts(corridor.intersection(near)).tolist()
        for ring in [part.exterior, *part.interiors]
    ]
    squares = [_Line(line=LineString([*ring, ring[0]]), type="square", name="") for ring in (MARKET, CHURCH_SQUARE)]
    lines = [*_rings(landscape.seed, radius_m), *_roads(landscape.seed, radius_m), *banks, *squares]
    open_ = shapely.union_all([corridor, market, church])
    cut = _noded(lines, open_)
    parents = shapely.STRtree([line.line for line in lines])
    old_town = _old_town(cut)

    plan = StreetPlan()
    ways: dict[tuple[int, str], int] = {}
    edge_of: dict[tuple[Point, Point], int] = {}
    highways = []
    for piece in cut:
        middle = piece.interpolate(0.5, normalized=True)
        parent = int(parents.nearest(middle))
        line = lines[parent]
        type, width = _class(line, middle, old_town)
        way = ways.get((parent, type))
        if way is None:
            way = ways[parent, type] = plan.add_way(
                Way(type=type, width_m=width, quarter=line.name, trees=width > 18 or type == "promenade")
            )
        corners = [(float(x), float(y)) for x, y in piece.coords]
        for a, b in pairwise(corners):
            edge_of[min((a, b), (b, a))] = number = plan.add_edge(a, b, way)
            if line.crosses and type == "primary":
                highways.append(number)
    crossings = tuple(_crossings(plan, cut, lines, corridor, landscape))
    roads = {line.name for line in lines if line.crosses and not line.name.startswith("ring")}
    highways.extend(
        crossing.edge for crossing in crossings if plan.ways[plan.edges[crossing.edge].way].quarter in roads
    )

    cells, named = [], {}
    for face in shapely.get_parts(shapely.polygonize(cut)).tolist():
        inside = face.representative_point()
        if corridor.contains(inside) or face.interiors:
            continue
        block = _block(face, edge_of)
        name = "market" if market.contains(inside) else "church" if church.contains(inside) else ""
        if name:
            named[name] = block
        elif block.area_m2 > 400:
            cells.append(block)
    cells.sort(key=lambda cell: cell.corners)
    return Skeleton(
        streets=plan,
        cells=tuple(cells),
        squares=named,
        crossings=crossings,
        old_town=old_town,
        highways=tuple(highways),
    )


def ring_radius(number: int, angle: float, seed: int) -> float:
    """Return how far from the market ring ``number`` (2 and more) runs in a direction."""
    rng = random.Random(f"ring {number} {seed}")
    base = _RING_2_M + (number - 2) * RING_STEP_M
    swell = sum(
        rng.uniform(0.25, 0.5) * RING_STEP_M * 0.16 * math.sin(waves * angle + rng.uniform(0, 2 * math.pi))
        for waves in (2, 3, 5)
    )
    harbour = 245.0 * math.exp(-((_turn(angle, math.radians(-34)) / 0.36) ** 2)) if number == 2 else 0.0
    harbour += 110.0 * math.exp(-((_turn(angle, math.radians(-34)) / 0.5) ** 2)) if number == 3 else 0.0
    return base + swell + harbour


def _turn(a: float, b: float) -> float:
    return math.remainder(a - b, 2 * math.pi)


def _rings(seed: int, radius_m: float) -> list[_Line]:
    rings = [_Line(line=LineString(spline(_WALL, 24.0)), type="boulevard", name="wall")]
    number = 2
    while _RING_2_M + (number - 3) * RING_STEP_M < radius_m:
        count = max(48, int(2 * math.pi * (_RING_2_M + number * RING_STEP_M) / 45))
        turns = [2 * math.pi * step / count for step in range(count)]
        corners = [(r * math.cos(t), r * math.sin(t)) for t in turns for r in [ring_radius(number, t, seed)]]
        rings.append(
            _Line(
                line=LineString([*corners, corners[0]]),
                type="primary" if number == 2 else "secondary",
                name=f"ring {number}",
                crosses=True,
            )
        )
        number += 1
    return rings


def _roads(seed: int, radius_m: float) -> list[_Line]:
    """Return the roads from the market outwards, and more between them the wider the gaps become."""
    rng = random.Random(f"roads {seed}")
    roads = []
    angles = []
    for name, angle_deg, start_m, type, crosses in _ROADS:
        angle = math.radians(angle_deg + rng.uniform(-2.5, 2.5))
        if type == "lane":
            roads.append(_road(angle, start_m, 300.0, type, name, seed, crosses=False))
            continue
        first_m = ring_radius(2, angle, seed) - 12.0 if start_m == RING else start_m
        roads.append(_road(angle, first_m, radius_m + 800, type, name, seed, crosses=crosses))
        angles.append(angle)
    number = 2
    while _RING_2_M + (number - 3) * RING_STEP_M < radius_m:
        angles.sort()
        reach = _RING_2_M + (number - 2) * RING_STEP_M
        between_ = []
        for index, angle in enumerate(angles):
            following = angles[(index + 1) % len(angles)] + (2 * math.pi if index + 1 == len(angles) else 0.0)
            if (following - angle) * (reach + RING_STEP_M / 2) > _WIDEST_GAP_M:
                middle = angle + (following - angle) * rng.uniform(0.44, 0.56)
                between_.append(middle)
                start = ring_radius(number, middle, seed) - 12.0
                name = f"road {number} {index}"
                roads.append(_road(middle, start, radius_m + 800, "secondary", name, seed, crosses=number % 2 == 0))
        angles.extend(between_)
        number += 1
    return roads


def _road(angle: float, start_m: float, end_m: float, type: str, name: str, seed: int, *, crosses: bool) -> _Line:
    rng = random.Random(f"road {angle:.3f} {seed}")
    phases = rng.uniform(0, 6.28), rng.uniform(0, 6.28)
    corners = []
    for step in range(max(2, math.ceil((end_m - start_m) / _ROAD_STEP_M)) + 1):
        r = start_m + step * _ROAD_STEP_M  # however far it goes, it goes the same way
        aside = min(1.0, r / 400) * (
            17 * (math.sin(r / 190 + phases[0]) - math.sin(phases[0])) + 9 * math.sin(r / 83 + phases[1])
        )
        corners.append((r * math.cos(angle) - aside * math.sin(angle), r * math.sin(angle) + aside * math.cos(angle)))
    return _Line(line=LineString(corners), type=type, name=name, crosses=crosses)


def _noded(lines: list[_Line], open_: BaseGeometry) -> list[LineString]:
    """Cut the lines where they cross, and leave out what is on open ground or a dead end."""
    pieces = shapely.get_parts(shapely.union_all([line.line for line in lines])).tolist()
    inner = open_.buffer(-0.3)
    shapely.prepare(inner)
    kept = [piece for piece in pieces if not inner.contains(piece.interpolate(0.5, normalized=True))]
    while True:
        uses: dict[Point, int] = {}
        for piece in kept:
            for end in (piece.coords[0], piece.coords[-1]):
                uses[end] = uses.get(end, 0) + 1
        joined = [
            piece
            for piece in kept
            if (uses[piece.coords[0]] > 1 and uses[piece.coords[-1]] > 1) or piece.coords[0] == piece.coords[-1]
        ]
        if len(joined) == len(kept):
            return kept
        kept = joined


def _old_town(cut: list[LineString]) -> Polygon:
    """Return the ground within the wall street and the river."""
    wall = spline(_WALL, 24.0)
    south: tuple[Point, ...] = ((170, -262), (-10, -282), (-180, -232), (-300, -110))
    return Polygon([*wall, *south]).buffer(0)


def _class(line: _Line, middle: shapely.Point, old_town: Polygon) -> tuple[str, float]:
    """Return type and width of a piece of a main street by where it lies."""
    within = old_town.buffer(-4.0).contains(middle)
    if line.type == "bank":
        walled = math.hypot(middle.x, middle.y) < QUAY_RADIUS_M + 30
        if within or (walled and middle.y > -60 and middle.x < 0):
            return "promenade", WIDTH_M["promenade"]
        return ("service", WIDTH_M["quay"]) if walled else ("residential", WIDTH_M["quay"])
    if line.type == "square":
        return "pedestrian", 7.0
    if line.type == "boulevard":
        return "primary", WIDTH_M["boulevard"]
    if within:
        return ("living_street", 9.0) if line.type != "lane" else ("pedestrian", 6.5)
    type = "secondary" if line.type == "lane" else line.type
    return type, WIDTH_M[type]


def _crossings(
    plan: StreetPlan, cut: list[LineString], lines: list[_Line], corridor: BaseGeometry, landscape: Landscape
) -> list[Crossing]:
    """Return where roads, and then rings, cross the river from one junction on its banks to another."""
    river, basin = LineString(landscape.river), landscape.basin.buffer(22)
    junctions: list[Point] = sorted(
        {(float(x), float(y)) for piece in cut for x, y in (piece.coords[0], piece.coords[-1])}
    )
    tree = shapely.STRtree(shapely.points(junctions))
    found: list[Crossing] = []
    for line in sorted(lines, key=lambda line: line.name.startswith("ring")):
        if not line.crosses:
            continue
        within = line.line.intersection(corridor)
        for part in shapely.get_parts(within).tolist() if not within.is_empty else ():
            ends = [shapely.Point(part.coords[at]) for at in (0, -1)]
            start, end = (junctions[int(tree.nearest(point))] for point in ends)
            straight = LineString([start, end])
            on_junctions = max(math.dist(ends[0].coords[0], start), math.dist(ends[1].coords[0], end)) < 0.01
            if not on_junctions or straight.length > _LONGEST_BRIDGE_M or not straight.crosses(river):
                continue
            middle = between(start, end, 0.5)
            if straight.intersects(basin) or any(
                math.dist(middle, between(other.start, other.end, 0.5)) < _BRIDGE_GAP_M for other in found
            ):
                continue
            way = plan.add_way(Way(type=line.type, width_m=11.0, quarter=line.name))
            found.append(Crossing(start=start, end=end, edge=plan.add_edge(start, end, way)))
    return found


def _block(face: Polygon, edge_of: dict[tuple[Point, Point], int]) -> Block:
    corners: list[Point] = [(float(x), float(y)) for x, y in face.exterior.coords[:-1]]
    if area(corners) < 0:
        corners.reverse()
    first = corners.index(min(corners))
    corners = corners[first:] + corners[:first]
    pairs = zip(corners, [*corners[1:], corners[0]], strict=True)
    return Block(corners=tuple(corners), edges=tuple(edge_of[min((a, b), (b, a))] for a, b in pairs))

"""Streets while they are being laid out: straight edges that later streets join, and the blocks between them.

A block knows for each of its sides which edge it lies on.  A new street across a block may end anywhere on a side; the
place is noted on the edge as a joint, so that the block on the other side can meet it there, and so that in the end
every street is cut exactly where another one touches it.
"""

from __future__ import annotations

import math
import random
from bisect import insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from shapely import Polygon

from twinviewer.demo.plane import (
    Point,
    along,
    area,
    between,
    box,
    centroid,
    cross,
    crossings,
    direction,
    is_inside,
    length,
)


@dataclass(slots=True, kw_only=True)
class Way:
    """One street by one name (given last), of one width; it may consist of many edges."""

    type: str
    width_m: float
    quarter: str
    trees: bool = False
    edges: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Edge:
    """A straight piece of a way."""

    start: Point
    end: Point
    way: int
    joints: list[tuple[float, Point]] = field(default_factory=list)
    """Where others join it: (share of the length, place), ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """Land between streets: corners counter-clockwise, and under each side the edge it lies on."""

    corners: tuple[Point, ...]
    edges: tuple[int, ...]

    @property
    def area_m2(self) -> float:
        return area(self.corners)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grain:
    """How finely a quarter is cut, and how crooked."""

    area_m2: float
    """Blocks larger than this are cut."""
    depth_m: float
    """Blocks deeper than this are cut lengthwise."""
    length_m: float
    """Blocks longer than this are cut across."""
    smallest_m2: float
    crooked: float
    """Largest turn of a street away from square, as a slope."""
    bend: float
    """How far a street swings aside, as a share of its length."""
    type: str
    width_m: float


_ATTEMPTS = 48
_THINNEST = 0.04
"""Of a block: that of a rectangle four times as long as wide, see :func:`_thinness`."""


class StreetPlan:
    """All ways and edges of a town."""

    def __init__(self) -> None:
        self.ways: list[Way] = []
        self.edges: list[Edge] = []
        self._touching: defaultdict[Point, list[int]] = defaultdict(list)

    def add_way(self, way: Way) -> int:
        self.ways.append(way)
        return len(self.ways) - 1

    def add_edge(self, start: Point, end: Point, way: int) -> int:
        self.edges.append(Edge(start=start, end=end, way=way))
        number = len(self.edges) - 1
        self.ways[way].edges.append(number)
        self._touching[start].append(number)
        self._touching[end].append(number)
        return number

    def at_corners_of(self, block: Block) -> list[int]:
        """Return the edges that touch a block only with an end or in passing, at one of its corners."""
        touching = dict.fromkeys(edge for corner in block.corners for edge in self._touching.get(corner, ()))
        return [edge for edge in touching if edge not in block.edges]

    def width_of(self, edge: int) -> float:
        return self.ways[self.edges[edge].way].width_m

    def subdivide(self, block: Block, grain: Grain, *, quarter: str, rng: random.Random) -> Iterator[Block]:
        """Cut a block by streets, again and again, until all pieces are as small as the quarter's grain asks."""
        stack = [block]
        while stack:
            piece = stack.pop()
            _, _, long_m, deep_m = box(piece.corners)
            if piece.area_m2 <= grain.area_m2 and deep_m <= grain.depth_m and long_m <= grain.length_m:
                yield piece
                continue
            halves = self._cut(piece, grain, quarter=quarter, rng=rng)
            if halves is None:
                yield piece
            else:
                stack.extend(halves)

    def pieces(self, chosen: Sequence[int]) -> list[tuple[int, tuple[Point, ...]]]:
        """Return the chosen edges as (way, line) from junction to junction.

        Lines end where three or more streets meet, where the way changes, and at dead ends.
        """
        segments: list[tuple[int, Point, Point]] = []
        for number in chosen:
            edge = self.edges[number]
            places = [edge.start, *(place for _, place in edge.joints), edge.end]
            segments.extend((edge.way, a, b) for a, b in pairwise(places) if a != b)
        touching: defaultdict[Point, list[int]] = defaultdict(list)
        for index, (_, a, b) in enumerate(segments):
            touching[a].append(index)
            touching[b].append(index)

        def goes_on(place: Point) -> bool:
            meeting = touching[place]
            return len(meeting) == 2 and segments[meeting[0]][0] == segments[meeting[1]][0]

        lines = []
        done = [False] * len(segments)
        for first in (True, False):  # then what is left are rings without any junction
            for index, (way, a, b) in enumerate(segments):
                if done[index] or (first and goes_on(a) and goes_on(b)):
                    continue
                start, here = (b, a) if first and not goes_on(b) else (a, b)
                done[index] = True
                line = [start, here]
                while goes_on(line[-1]) and line[-1] != line[0]:
                    onward = next((other for other in touching[line[-1]] if not done[other]), None)
                    if onward is None:
                        break
                    done[onward] = True
                    _, c, d = segments[onward]
                    line.append(d if c == line[-1] else c)
                lines.append((way, tuple(line)))
        return lines

    def _cut(self, block: Block, grain: Grain, *, quarter: str, rng: random.Random) -> tuple[Block, Block] | None:
        """Cut a block by the best of several streets; None where no street would leave two sensible pieces."""
        middle, way, long_m, deep_m = box(block.corners)
        lengthwise = deep_m > grain.depth_m and long_m <= grain.length_m
        thinnest = min(_THINNEST, _thinness(block.corners))  # a block round a corner need not become stout at once
        best: tuple[float, list[Point], list[int], int, int] | None = None
        for attempt in range(_ATTEMPTS):
            if attempt >= 10 and best is not None:
                break
            along_it = lengthwise != (attempt >= 13)
            cut_way, across = (way, (-way[1], way[0])) if along_it else ((-way[1], way[0]), way)
            spread = 0.09 if attempt < 6 else 0.24
            through = along(middle, across, rng.uniform(-spread, spread) * (deep_m if along_it else long_m))
            if attempt >= 16:  # a block that winds about: cut it square to any side
                side = rng.randrange(len(block.corners))
                start, end = block.corners[side], block.corners[(side + 1) % len(block.corners)]
                run = direction(start, end)
                cut_way = (-run[1], run[0])
                through = along(between(start, end, rng.uniform(0.2, 0.8)), run, 0.0, 2.0)
            tilt = rng.uniform(-grain.crooked, grain.crooked)
            found = self._ends(
                block,
                through,
                direction((0.0, 0.0), along((0.0, 0.0), cut_way, 1.0, tilt)),
                snap_m=0.22 * math.sqrt(grain.area_m2),
            )
            if found is None:
                continue
            corners, edges, u, v, squareness = found
            one, other = _halves(corners, edges, u, v, [])
            small = min(area(one[0]), area(other[0]))
            if small < grain.smallest_m2 or squareness < 0.45 or min(map(_thinness, (one[0], other[0]))) < thinnest:
                continue
            score = squareness + small / block.area_m2
            if (best is None or score > best[0]) and Polygon(one[0]).is_valid and Polygon(other[0]).is_valid:
                best = (score, corners, edges, u, v)
        if best is None:
            return None
        _, corners, edges, u, v = best
        bends = self._bends(corners, u, v, grain, rng)
        if bends and not all(Polygon(half).is_valid for half, _ in _halves(corners, edges, u, v, bends)):
            bends = []
        number = self.add_way(Way(type=grain.type, width_m=grain.width_m, quarter=quarter))
        line = [corners[u], *bends, corners[v]]
        new = [self.add_edge(a, b, number) for a, b in pairwise(line)]
        for at in (u, v):
            self._join(corners, edges, at)
        one, other = _halves(corners, edges, u, v, bends, new)
        return Block(corners=tuple(one[0]), edges=tuple(one[1])), Block(corners=tuple(other[0]), edges=tuple(other[1]))

    def _join(self, corners: Sequence[Point], edges: Sequence[int], at: int) -> None:
        """Note a corner as a joint of the edges on both of its sides."""
        place = corners[at]
        for number in {edges[at], edges[at - 1]}:
            edge = self.edges[number]
            if place not in (edge.start, edge.end) and all(other != place for _, other in edge.joints):
                self._touching[place].append(number)
                insort(edge.joints, (math.dist(edge.start, place) / math.dist(edge.start, edge.end), place))

    def _ends(
        self, block: Block, through: Point, way: Point, *, snap_m: float
    ) -> tuple[list[Point], list[int], int, int, float] | None:
        """Find where a street through a block would end, on corners or joints near by if there are any.

        Returns:
            The block's corners and edges with both ends among them, the ends' indices, and how square the street
            meets the sides (sine of the smaller angle).
        """
        if not is_inside(through, block.corners):
            return None
        hits = crossings(block.corners, through, way)
        behind = [hit for hit in hits if hit[0] < 0]
        ahead = [hit for hit in hits if hit[0] > 0]
        if not behind or not ahead:
            return None
        corners, edges = list(block.corners), list(block.edges)
        ends = []
        for _, side, place in sorted((behind[-1], ahead[0]), key=lambda hit: -hit[1]):
            start, end = block.corners[side], block.corners[(side + 1) % len(block.corners)]
            joints = [joint for _, joint in self.edges[block.edges[side]].joints if _is_between(joint, start, end)]
            near = min((start, end, *joints), key=lambda other: math.dist(other, place))
            final = near if math.dist(near, place) < snap_m else place
            ends.append(final)
            if final not in (start, end):
                corners.insert(side + 1, final)
                edges.insert(side + 1, block.edges[side])
        u, v = sorted((corners.index(ends[0]), corners.index(ends[1])))
        if v - u < 2 or v - u > len(corners) - 2:
            return None
        across = direction(corners[u], corners[v])
        squareness = min(
            abs(cross(across, direction(corners[at], corners[(at + step) % len(corners)])))
            for at in (u, v)
            for step in (1, -1)
        )
        return corners, edges, u, v, squareness

    def _bends(self, corners: Sequence[Point], u: int, v: int, grain: Grain, rng: random.Random) -> list[Point]:
        """Return corners between a street's ends, so that it swings aside a little."""
        start, end = corners[u], corners[v]
        length = math.dist(start, end)
        if grain.bend == 0 or length < 50:
            return []
        way, swing = direction(start, end), rng.uniform(-grain.bend, grain.bend) * length
        count = 1 if length < 90 else 3
        bends = []
        for step in range(1, count + 1):
            share = step / (count + 1)
            point = along(between(start, end, share), way, 0.0, swing * 4 * share * (1 - share))
            if not is_inside(point, corners):
                return []
            bends.append(point)
        return bends


def _is_between(place: Point, start: Point, end: Point) -> bool:
    way = direction(start, end)
    share = (place[0] - start[0]) * way[0] + (place[1] - start[1]) * way[1]
    return 0 < share < math.dist(start, end) and place not in (start, end)


def _halves(
    corners: Sequence[Point], edges: Sequence[int], u: int, v: int, bends: Sequence[Point], new: Sequence[int] = ()
) -> tuple[tuple[list[Point], list[int]], tuple[list[Point], list[int]]]:
    """Return the two sides of the line corner u, bends, corner v, with their edges (``new`` under the line)."""
    new = new or [-1] * (len(bends) + 1)
    one = ([*corners[u : v + 1], *reversed(bends)], [*edges[u:v], *reversed(new)])
    other = ([*corners[v:], *corners[: u + 1], *bends], [*edges[v:], *edges[:u], *new])
    return one, other


def _thinness(polygon: Sequence[Point]) -> float:
    """Return the area by the square of the outline: 1/16 for a square, less the thinner a polygon is."""
    return area(polygon) / length([*polygon, polygon[0]]) ** 2


def centre_of(block: Block) -> Point:
    return centroid(block.corners)

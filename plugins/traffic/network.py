"""The streets as a graph: nodes where streets meet, edges between them with their shape, width and speed."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import AttributeColumn, FeatureTable

Float64s = NDArray[np.float64]

SNAP_M = 0.5
"""Ends nearer to each other than this meet."""
SHORTEST_EDGE_M = 1.0

SPEED_KM_H = {
    "motorway": 100.0,
    "trunk": 80.0,
    "primary": 50.0,
    "main": 50.0,
    "secondary": 50.0,
    "tertiary": 50.0,
    "collector": 40.0,
    "residential": 30.0,
    "unclassified": 40.0,
    "service": 15.0,
    "lane": 20.0,
    "living_street": 10.0,
}
"""By class of street, in the words of OpenStreetMap; other classes: 40."""
NOT_FOR_CARS = {"footway", "pedestrian", "path", "cycleway", "steps", "track", "bridleway", "promenade", "square"}
OTHER_SPEED_KM_H = 40.0
DEFAULT_WIDTH_M = 7.0

_CLASS_NAMES = ("class", "highway", "street_class", "category", "type", "function", "fclass")
_WIDTH_NAMES = ("width_m", "width", "breite")


@dataclass(frozen=True, slots=True, kw_only=True)
class Edge:
    """A street between two nodes."""

    start: int
    end: int
    line: Float64s
    """(n, 3) from start to end; z is meaningless where the network has no heights."""
    length_m: float
    width_m: float
    speed_m_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Streets that vehicles can drive round on without ever turning back, where there are such.

    Arc 2e runs along edge e, arc 2e + 1 against it.
    """

    edges: tuple[Edge, ...]
    leaving: tuple[tuple[int, ...], ...]
    """Arcs that leave each node."""
    has_z: bool

    def end_of(self, arc: int) -> int:
        edge = self.edges[arc >> 1]
        return edge.start if arc & 1 else edge.end

    def onward(self, arc: int) -> tuple[int, ...]:
        """Return the arcs that can follow: all but the way back, unless that is the only one."""
        leaving = self.leaving[self.end_of(arc)]
        return tuple(other for other in leaving if other != arc ^ 1) or leaving

    def line_of(self, arc: int) -> Float64s:
        """Return the shape (n, 3) in the direction of the arc."""
        line = self.edges[arc >> 1].line
        return line[::-1] if arc & 1 else line


def network_of(streets: FeatureTable) -> Network:
    """Return the largest connected part of the streets, without dead ends where that leaves anything."""
    edges = _edges(streets)
    rings = _without_dead_ends(edges)
    kept = _largest_part(rings or edges)
    nodes = {node: index for index, node in enumerate(sorted({n for edge in kept for n in (edge.start, edge.end)}))}
    leaving: list[list[int]] = [[] for _ in nodes]
    renumbered = []
    for number, edge in enumerate(kept):
        start, end = nodes[edge.start], nodes[edge.end]
        leaving[start].append(2 * number)
        leaving[end].append(2 * number + 1)
        renumbered.append(
            Edge(
                start=start,
                end=end,
                line=edge.line,
                length_m=edge.length_m,
                width_m=edge.width_m,
                speed_m_s=edge.speed_m_s,
            )
        )
    return Network(edges=tuple(renumbered), leaving=tuple(map(tuple, leaving)), has_z=streets.has_z)


class _Nodes:
    """Numbers for places; places within SNAP_M share one."""

    def __init__(self) -> None:
        self._cells: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
        self._places: list[tuple[float, float]] = []

    def find(self, x: float, y: float) -> int | None:
        column, row = int(x // SNAP_M), int(y // SNAP_M)
        for cell in ((column + i, row + j) for i in (0, -1, 1) for j in (0, -1, 1)):
            for node in self._cells.get(cell, ()):
                other_x, other_y = self._places[node]
                if (x - other_x) ** 2 + (y - other_y) ** 2 <= SNAP_M**2:
                    return node
        return None

    def add(self, x: float, y: float) -> None:
        if self.find(x, y) is None:
            self._cells[int(x // SNAP_M), int(y // SNAP_M)].append(len(self._places))
            self._places.append((x, y))


def _edges(streets: FeatureTable) -> list[Edge]:
    """Cut the lines where they meet others, at their ends or at a common vertex."""
    vertices, offsets = streets.line_vertices, streets.line_offsets
    ends = np.concatenate((offsets[:-1], offsets[1:] - 1))[np.tile(np.diff(offsets) > 1, 2)]
    _, place, uses = np.unique(np.round(vertices[:, :2], 2), axis=0, return_inverse=True, return_counts=True)
    shared = np.flatnonzero(uses[place.reshape(-1)] > 1)
    nodes = _Nodes()
    for x, y in vertices[np.concatenate((ends, shared)), :2].tolist():
        nodes.add(x, y)
    speeds, widths = _speeds(streets), _widths(streets)
    edges = []
    for index in range(len(offsets) - 1):
        feature = int(streets.line_feature[index])
        line = vertices[offsets[index] : offsets[index + 1]]
        if speeds[feature] <= 0 or len(line) < 2:
            continue
        found = [nodes.find(x, y) for x, y in line[:, :2].tolist()]
        cuts = [at for at, node in enumerate(found) if node is not None]
        for first, last in pairwise(cuts):
            part = line[first : last + 1]
            length = float(np.hypot(*np.diff(part[:, :2], axis=0).T).sum())
            start, end = found[first], found[last]
            if start is not None and end is not None and length >= SHORTEST_EDGE_M:
                edges.append(
                    Edge(
                        start=start,
                        end=end,
                        line=part,
                        length_m=length,
                        width_m=float(widths[feature]),
                        speed_m_s=float(speeds[feature]),
                    )
                )
    return edges


def _without_dead_ends(edges: list[Edge]) -> list[Edge]:
    """Return the 2-core: take away edges at nodes that only they touch, again and again."""
    degree = Counter(node for edge in edges for node in (edge.start, edge.end))
    touching: defaultdict[int, set[int]] = defaultdict(set)
    for number, edge in enumerate(edges):
        touching[edge.start].add(number)
        touching[edge.end].add(number)
    gone: set[int] = set()
    ends = [node for node, count in degree.items() if count == 1]
    while ends:
        for number in touching[ends.pop()] - gone:
            gone.add(number)
            for node in (edges[number].start, edges[number].end):
                degree[node] -= 1
                if degree[node] == 1:
                    ends.append(node)
    return [edge for number, edge in enumerate(edges) if number not in gone]


def _largest_part(edges: list[Edge]) -> list[Edge]:
    """Return the edges of the connected part with the longest streets in all."""
    neighbours: defaultdict[int, set[int]] = defaultdict(set)
    for edge in edges:
        neighbours[edge.start].add(edge.end)
        neighbours[edge.end].add(edge.start)
    part_of: dict[int, int] = {}
    for seed in neighbours:
        open_ = [seed] if seed not in part_of else []
        while open_:
            node = open_.pop()
            if node not in part_of:
                part_of[node] = seed
                open_.extend(neighbours[node] - part_of.keys())
    lengths: Counter[int] = Counter()
    for edge in edges:
        lengths[part_of[edge.start]] += int(edge.length_m * 1000)
    if not lengths:
        return []
    largest = lengths.most_common(1)[0][0]
    return [edge for edge in edges if part_of[edge.start] == largest]


def _speeds(streets: FeatureTable) -> Float64s:
    """Return free speeds in m/s (features,); 0 where no car may drive."""
    classes = _attribute(streets, _CLASS_NAMES)
    speeds = np.full(max(1, streets.feature_count), OTHER_SPEED_KM_H / 3.6)
    if classes is not None:
        for row, name in enumerate(classes.values):
            word = str(name).lower()
            known = 0.0 if word in NOT_FOR_CARS else SPEED_KM_H.get(word, OTHER_SPEED_KM_H)
            speeds[row] = known / 3.6
    return speeds


def _widths(streets: FeatureTable) -> Float64s:
    """Return the widths of the streets in metres (features,)."""
    widths = np.full(max(1, streets.feature_count), DEFAULT_WIDTH_M)
    column = _attribute(streets, _WIDTH_NAMES)
    if column is not None and column.values.dtype.kind in "fi":
        given = column.present & (column.values > 0)
        widths[: len(given)][given] = column.values[given]
    return widths


def _attribute(streets: FeatureTable, names: tuple[str, ...]) -> AttributeColumn | None:
    by_name = {column.name.lower(): column for column in streets.attributes}
    return next((by_name[name] for name in names if name in by_name), None)

"""Round tours through the network: what every vehicle drives, again and again.

A tour is a closed lane right of the street's axis, with the time at which a lone vehicle passes each point of it.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import Feedback

from .network import Network

Float64s = NDArray[np.float64]

STEP_M = 2.0
"""Between the points of a tour."""
SMOOTHING_ROUNDS = 6
"""Of a binomial filter over neighbouring points: bends of about 6 m radius at crossings."""
SIDEWAYS_M_S2 = 2.0
"""Acceleration that drivers accept in a bend."""
ALONG_M_S2 = 1.4
SLOWEST_M_S = 2.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Tours:
    """All tours one after the other; each ends at its own start."""

    start: NDArray[np.int64]
    """(tours + 1,) first point of each."""
    duration_s: Float64s
    """(tours,)"""
    time_s: Float64s
    """(points,) since the start of the tour."""
    positions: Float64s
    """(points, 3)"""
    heading_deg: Float64s
    """(points,) clockwise from grid north."""
    speed_m_s: Float64s
    """(points,)"""


def plan_tours(
    network: Network,
    *,
    count: int,
    length_m: float,
    seed: int,
    ground_height: Callable[[Float64s], Float64s],
    feedback: Feedback,
) -> Tours:
    """Return ``count`` tours of about ``length_m`` or more, always the same for the same network and seed."""
    random = Random(seed)
    weights = [edge.length_m * edge.speed_m_s for edge in network.edges for _ in range(2)]
    lanes, limits = [], []
    for _ in range(count):
        feedback.stop_if_cancelled()
        first = random.choices(range(len(weights)), weights)[0]
        lane, limit = _lane(network, _walk(network, first, length_m * random.uniform(0.6, 1.6), random))
        lanes.append(lane)
        limits.append(limit)
    heights = ground_height(np.concatenate(lanes)[:, :2]) if not network.has_z else np.concatenate(lanes)[:, 2]
    at = 0
    parts = []
    for lane, limit in zip(lanes, limits, strict=True):
        lane[:, 2] = _smooth(heights[at : at + len(lane), None])[:, 0]
        at += len(lane)
        parts.append(_timed(lane, limit))
    sizes = [len(part[0]) for part in parts]
    return Tours(
        start=np.concatenate(([0], np.cumsum(sizes))),
        duration_s=np.array([part[1][-1] for part in parts]),
        positions=np.concatenate([part[0] for part in parts]),
        time_s=np.concatenate([part[1] for part in parts]),
        heading_deg=np.concatenate([part[2] for part in parts]),
        speed_m_s=np.concatenate([part[3] for part in parts]),
    )


def _walk(network: Network, first: int, length_m: float, random: Random) -> list[int]:
    """Return arcs that lead from ``first`` round to its own start: at random, then back the quickest way."""
    arcs, length = [first], network.edges[first >> 1].length_m
    while length < length_m:
        onward = network.onward(arcs[-1])
        weights = [_straightness(network, arcs[-1], arc) * network.edges[arc >> 1].speed_m_s for arc in onward]
        arcs.append(random.choices(onward, weights)[0])
        length += network.edges[arcs[-1] >> 1].length_m
    return arcs + _quickest(network, arcs[-1], first)


def _straightness(network: Network, arc: int, following: int) -> float:
    """Return 0.2 for the sharpest turn to 1 for straight on."""
    end, start = network.line_of(arc)[-2:, :2], network.line_of(following)[:2, :2]
    a, b = end[1] - end[0], start[1] - start[0]
    cosine = float(a @ b / max(1e-9, np.linalg.norm(a) * np.linalg.norm(b)))
    return 0.6 + 0.4 * cosine


def _quickest(network: Network, start: int, goal: int) -> list[int]:
    """Return the arcs between ``start`` and ``goal``, both left out, by Dijkstra's algorithm."""
    came_from: dict[int, int] = {}
    best = {start: 0.0}
    queue = [(0.0, start)]
    done: set[int] = set()
    while queue:
        cost, arc = heapq.heappop(queue)
        if arc in done:
            continue
        done.add(arc)
        for following in network.onward(arc):
            if following == goal:
                path = []
                while arc != start:
                    path.append(arc)
                    arc = came_from[arc]
                return path[::-1]
            edge = network.edges[following >> 1]
            total = cost + edge.length_m / edge.speed_m_s
            if total < best.get(following, np.inf):
                best[following] = total
                came_from[following] = arc
                heapq.heappush(queue, (total, following))
    raise AssertionError("every arc of a connected network without dead ends can be reached from every other")


def _lane(network: Network, arcs: list[int]) -> tuple[Float64s, Float64s]:
    """Return the closed lane (n, 3) right of the axis, and the free speed (n,) along it."""
    points, offsets, limits = [], [], []
    for arc in arcs:
        edge, line = network.edges[arc >> 1], network.line_of(arc)
        points.append(line[:-1])
        offsets.append(np.full(len(line) - 1, np.clip(edge.width_m / 4, 1.2, 3.5)))
        limits.append(np.full(len(line) - 1, edge.speed_m_s))
    axis, offset, limit = np.concatenate(points), np.concatenate(offsets), np.concatenate(limits)
    apart = np.hypot(*(np.roll(axis, -1, axis=0) - axis)[:, :2].T) > 0.01
    lane, speed = _right_of(axis[apart], offset[apart], limit[apart])
    return _resampled(lane, speed)


def _right_of(axis: Float64s, offset: Float64s, limit: Float64s) -> tuple[Float64s, Float64s]:
    """Move a closed line to the right, segment i by ``offset[i]``; where it turns back, it goes round."""
    along = np.roll(axis, -1, axis=0)[:, :2] - axis[:, :2]
    along /= np.linalg.norm(along, axis=1)[:, None]
    after = np.column_stack((along[:, 1], -along[:, 0])) * offset[:, None]
    before = np.roll(after, 1, axis=0)
    unit_sum = after / offset[:, None] + before / np.roll(offset, 1)[:, None]
    square = (unit_sum**2).sum(axis=1)
    mitre = unit_sum * (np.minimum(2 / np.maximum(square, 1e-9), 1.5) * (offset + np.roll(offset, 1)) / 2)[:, None]
    back = square < 0.3  # the line turns by more than about 150°
    moved, speeds = [], []
    for index in range(len(axis)):
        sides = (before[index], after[index]) if back[index] else (mitre[index],)
        for side in sides:
            moved.append((*(axis[index, :2] + side), axis[index, 2]))
            speeds.append(limit[index])
    return np.array(moved), np.array(speeds)


def _resampled(line: Float64s, speed: Float64s) -> tuple[Float64s, Float64s]:
    """Return a closed line with a point about every STEP_M, bends rounded."""
    closed = np.concatenate((line, line[:1]))
    distance = np.concatenate(([0.0], np.cumsum(np.hypot(*np.diff(closed[:, :2], axis=0).T))))
    count = max(8, int(distance[-1] / STEP_M))
    at = np.arange(count) * distance[-1] / count
    points = np.column_stack([np.interp(at, distance, closed[:, axis]) for axis in range(3)])
    segment = np.clip(np.searchsorted(distance, at, side="right") - 1, 0, len(line) - 1)
    return _smooth(points), speed[segment]


def _smooth(values: Float64s) -> Float64s:
    """Return the values (n, k) of a closed line, filtered."""
    for _ in range(SMOOTHING_ROUNDS):
        values = 0.25 * np.roll(values, 1, axis=0) + 0.5 * values + 0.25 * np.roll(values, -1, axis=0)
    return values


def _timed(lane: Float64s, limit: Float64s) -> tuple[Float64s, Float64s, Float64s, Float64s]:
    """Return positions, times, headings and speeds of a lap; the last point is the first again."""
    step = np.roll(lane, -1, axis=0)[:, :2] - lane[:, :2]
    length = np.maximum(np.hypot(*step.T), 1e-3)
    heading = np.degrees(np.arctan2(step[:, 0], step[:, 1]))
    turn = np.radians(np.abs((heading - np.roll(heading, 1) + 180) % 360 - 180))
    bend = turn / (0.5 * (length + np.roll(length, 1)))
    speed = np.minimum(limit, np.sqrt(SIDEWAYS_M_S2 / np.maximum(bend, 1e-6)))
    speed = _reachable(np.maximum(speed, SLOWEST_M_S), length)
    lap = 2 * length / (speed + np.roll(speed, -1))
    # A point's heading is halfway between that of the steps before and after it.
    back = np.roll(heading, 1)
    heading = (back + 0.5 * ((heading - back + 180) % 360 - 180)) % 360
    return (
        np.concatenate((lane, lane[:1])),
        np.concatenate(([0.0], np.cumsum(lap))),
        np.concatenate((heading, heading[:1])),
        np.concatenate((speed, speed[:1])),
    )


def _reachable(speed: Float64s, length: Float64s) -> Float64s:
    """Return the highest speeds at or below ``speed`` that braking and accelerating allow, round the lap."""
    square = np.tile(speed**2, 3)
    distance = 2 * ALONG_M_S2 * np.concatenate(([0.0], np.cumsum(np.tile(length, 3))))[:-1]
    faster = np.minimum.accumulate(square - distance) + distance
    slower = np.minimum.accumulate((square + distance)[::-1])[::-1] - distance
    n = len(speed)
    return np.sqrt(np.minimum(faster, slower)[n : 2 * n])

"""What moves: samples per object, and where each object is between two samples."""

from __future__ import annotations

import math
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from twinviewer.live.series import SeriesTable
from twinviewer.model.observation import MovementBatch, MovementFrame

Float64s = NDArray[np.float64]

_X, _Y, _Z, _HEADING, _SPEED = range(5)

TRAIL_POINTS = 64
"""Most points of a trail, the present place included."""


def between_headings(first_deg: Float64s, second_deg: Float64s, share: Float64s) -> Float64s:
    """Return headings (n,), 0 to 360, at ``share`` of the shorter way round from the first to the second."""
    turn = (second_deg - first_deg + 180.0) % 360.0 - 180.0
    heading: Float64s = (first_deg + share * turn) % 360.0
    return heading


class MovementTable:
    """Bounded samples of moving objects.  Not thread-safe.

    Args:
        capacity: Samples per object that are kept at least.
        max_objects: Beyond so many objects, those heard of longest ago are forgotten.
        max_gap_s: An object is nowhere between two samples further apart, and longer than this after its last.
        trail_s: How far back trails reach; 0: there are none.
        trail_step_s: Least time between two points of a trail.
    """

    def __init__(
        self,
        *,
        capacity: int,
        max_objects: int,
        max_gap_s: float,
        trail_s: float = 0.0,
        trail_step_s: float = 0.0,
    ) -> None:
        self._max_objects = max_objects
        self._max_gap_s = max_gap_s
        self._series = SeriesTable(width=5, capacity=capacity)
        self._row_of: dict[str, int] = {}
        self._ids = np.empty(0, dtype=object)
        self._trail_step_s = max(trail_s / (TRAIL_POINTS - 2), trail_step_s)
        self._trail_points = math.ceil(trail_s / self._trail_step_s) if trail_s > 0 else 0
        self._past: dict[int, Float64s] = {}
        """Places (objects, 3) at whole multiples of the step: they are shown again from frame to frame."""

    def __len__(self) -> int:
        return len(self._row_of)

    def append(self, batch: MovementBatch, *, focus_s: float | None) -> tuple[float, float]:
        """Insert the samples that are finite; return the span outside of which some are forgotten."""
        new = [identifier for identifier in dict.fromkeys(batch.ids) if identifier not in self._row_of]
        if new:
            for identifier in new:
                self._row_of[identifier] = len(self._row_of)
            self._series.add_rows(len(new))
            self._ids = np.array(list(self._row_of), dtype=object)
        rows = np.array([self._row_of[identifier] for identifier in batch.ids], dtype=np.int64)
        values = np.column_stack((batch.positions, batch.heading_deg, batch.speed_m_s))
        finite = np.isfinite(values).all(axis=1) & np.isfinite(batch.time_s)
        times = batch.time_s[finite]
        span = self._series.append(rows[batch.object[finite]], times, values[finite], focus_s=focus_s)
        if self._past and len(times):
            known_to_s = float(times.min()) - self._max_gap_s  # later places may be others now
            self._past = {at: there for at, there in self._past.items() if at * self._trail_step_s < known_to_s}
        if len(self._row_of) > self._max_objects:
            self._forget_silent()
        return span

    def at(self, instant: datetime) -> MovementFrame:
        """Return where everything is that has samples around ``instant``."""
        now = instant.timestamp()
        rows, values, heading = self._places(now)
        return MovementFrame(
            instant=instant,
            ids=tuple(self._ids[rows].tolist()),
            positions=values[:, : _Z + 1],
            heading_deg=heading,
            speed_m_s=values[:, _SPEED],
            trails=self._trails(now, rows, values[:, : _Z + 1]),
        )

    def _places(self, now: float) -> tuple[NDArray[np.int64], Float64s, Float64s]:
        """Return the rows (n,) of what is somewhere, interpolated samples (n, 5) and headings (n,)."""
        series = self._series
        column = series.sample_at(now)
        rows = np.flatnonzero(column >= 0)
        column = column[rows]
        following = np.minimum(column + 1, series.count()[rows] - 1)
        before_s, before = series.take(rows, column)
        after_s, after = series.take(rows, following)
        gap = after_s - before_s
        is_last = gap <= 0
        here = np.where(is_last, now - before_s <= self._max_gap_s, (gap <= self._max_gap_s) | (before_s == now))
        share = np.where(is_last, 0.0, (now - before_s) / np.where(is_last, 1.0, gap))
        values = before + share[:, None] * (after - before)
        heading = between_headings(before[:, _HEADING], after[:, _HEADING], share)
        return rows[here], values[here], heading[here]

    def _trails(self, now: float, rows: NDArray[np.int64], positions: Float64s) -> Float64s:
        """Return where the objects of ``rows`` were (n, k, 3), the oldest first; the last is where they are.

        Points lie at whole multiples of the step: trails stay where they are while objects move on.
        """
        if self._trail_points == 0:
            return np.empty((0, 0, 3))
        last = math.ceil(now / self._trail_step_s) - 1
        first = last - self._trail_points + 1
        self._past = {at: there for at, there in self._past.items() if first <= at <= last}
        trails = np.full((len(rows), self._trail_points + 1, 3), np.nan)
        for point, at in enumerate(range(first, last + 1)):
            there = self._past.get(at)
            if there is None:
                found, values, _ = self._places(at * self._trail_step_s)
                there = np.full((len(self._ids), 3), np.nan)
                there[found] = values[:, : _Z + 1]
                self._past[at] = there
            known = rows < len(there)  # objects that were heard of later were nowhere
            trails[known, point] = there[rows[known]]
        trails[:, -1] = positions
        return trails

    def _forget_silent(self) -> None:
        self._past.clear()
        self._ids = self._ids[self._series.keep_newest(self._max_objects)]
        self._row_of = {identifier: row for row, identifier in enumerate(self._ids.tolist())}

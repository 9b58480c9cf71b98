"""What moves: samples per object, and where each object is between two samples."""

from __future__ import annotations

from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from twinviewer.live.series import SeriesTable
from twinviewer.model.observation import MovementBatch, MovementFrame

Float64s = NDArray[np.float64]

_X, _Y, _Z, _HEADING, _SPEED = range(5)


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
    """

    def __init__(self, *, capacity: int, max_objects: int, max_gap_s: float) -> None:
        self._max_objects = max_objects
        self._max_gap_s = max_gap_s
        self._series = SeriesTable(width=5, capacity=capacity)
        self._row_of: dict[str, int] = {}
        self._ids = np.empty(0, dtype=object)

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
        span = self._series.append(rows[batch.object[finite]], batch.time_s[finite], values[finite], focus_s=focus_s)
        if len(self._row_of) > self._max_objects:
            self._forget_silent()
        return span

    def at(self, instant: datetime) -> MovementFrame:
        """Return where everything is that has samples around ``instant``."""
        now = instant.timestamp()
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
        return MovementFrame(
            instant=instant,
            ids=tuple(self._ids[rows[here]].tolist()),
            positions=values[here, : _Z + 1],
            heading_deg=heading[here],
            speed_m_s=values[here, _SPEED],
        )

    def _forget_silent(self) -> None:
        self._ids = self._ids[self._series.keep_newest(self._max_objects)]
        self._row_of = {identifier: row for row, identifier in enumerate(self._ids.tolist())}

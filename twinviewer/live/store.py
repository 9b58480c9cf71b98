"""What was observed, in memory, beside the document: feeds append on their threads, the frame asks for an instant.

Time is when something was true, never when it arrived: a late or repeated row goes to its place in history, and what
is latest only moves forward.  Memory is bounded per thing.
"""

from __future__ import annotations

import threading
from datetime import datetime

import numpy as np

from twinviewer.live.movement import MovementTable
from twinviewer.live.series import SeriesTable
from twinviewer.model.observation import (
    Batch,
    Frame,
    MovementBatch,
    MovementFrame,
    ObservationBatch,
    ObservationFrame,
    ObservedProperty,
    Thing,
)
from twinviewer.model.time import require_aware

STALE_AFTER_PERIODS = 2
"""A result older than so many periods of its feed is stale."""
TRAIL_POINTS_PER_PERIOD = 4
"""At most so many points of a trail for each time that the feed delivers."""
GAP_PERIODS = 3
"""A moving object is nowhere between samples that are further apart."""


class _Observations:
    """The results of one observed property."""

    def __init__(self, observed: ObservedProperty, *, capacity: int, max_things: int) -> None:
        self.observed = observed
        self._max_things = max_things
        self._series = SeriesTable(width=1, capacity=capacity)
        self._row_of: dict[str, int] = {}
        self._things: tuple[Thing, ...] = ()
        self._positions = np.empty((0, 3))

    def append(self, batch: ObservationBatch, *, focus_s: float | None) -> tuple[float, float]:
        self._learn(batch.things)
        rows = np.array([self._row_of[thing.id] for thing in batch.things], dtype=np.int64)
        finite = np.isfinite(batch.phenomenon_time_s)
        span = self._series.append(
            rows[batch.thing[finite]], batch.phenomenon_time_s[finite], batch.results[finite, None], focus_s=focus_s
        )
        if len(self._things) > self._max_things:
            self._forget_silent()
        return span

    def at(self, instant: datetime, *, stale_after_s: float) -> ObservationFrame:
        now = instant.timestamp()
        column = self._series.sample_at(now)
        known = column >= 0
        times, values = self._series.take(np.arange(len(column)), np.maximum(column, 0))
        age = np.where(known, now - times, np.inf)
        return ObservationFrame(
            instant=instant,
            property=self.observed,
            things=self._things,
            positions=self._positions,
            results=np.where(known, values[:, 0], np.nan),
            age_s=age,
            stale=age > stale_after_s,
        )

    def _learn(self, things: tuple[Thing, ...]) -> None:
        """Take in new things and those that have a new name or place."""
        known = list(self._things)
        changed = False
        for thing in things:
            row = self._row_of.get(thing.id)
            if row is None:
                self._row_of[thing.id] = len(known)
                known.append(thing)
                changed = True
            elif known[row] != thing:
                known[row] = thing
                changed = True
        if changed:
            self._series.add_rows(len(known) - len(self._things))
            self._become(tuple(known))

    def _become(self, things: tuple[Thing, ...]) -> None:
        self._things = things
        self._positions = np.array([thing.position for thing in things], dtype=np.float64).reshape(-1, 3)

    def _forget_silent(self) -> None:
        """Forget the things heard of longest ago."""
        kept = self._series.keep_newest(self._max_things)
        self._become(tuple(self._things[row] for row in kept.tolist()))
        self._row_of = {thing.id: row for row, thing in enumerate(self._things)}


_MOST_SPANS = 64
"""Spans that are remembered as covered; further ones are asked for again."""


class _Coverage:
    """Which spans of time are held in full: disjoint, ascending ``[start, end)``."""

    def __init__(self) -> None:
        self.spans: list[tuple[float, float]] = []

    def add(self, start: float, end: float) -> None:
        if end <= start:
            return
        apart = [span for span in self.spans if span[1] < start or span[0] > end]
        touching = [span for span in self.spans if not (span[1] < start or span[0] > end)]
        joined = (min([start, *(span[0] for span in touching)]), max([end, *(span[1] for span in touching)]))
        nearest = sorted(apart, key=lambda span: abs(span[0] - start))[: _MOST_SPANS - 1]
        self.spans = sorted([*nearest, joined])

    def clip(self, start: float, end: float) -> None:
        clipped = ((max(a, start), min(b, end)) for a, b in self.spans)
        self.spans = [(a, b) for a, b in clipped if b > a]

    def last_before(self, instant: float) -> float | None:
        """Return the last covered time at or before ``instant``."""
        return max((min(end, instant) for start, end in self.spans if start <= instant), default=None)

    def end_of_span_at(self, instant: float) -> float | None:
        return next((end for start, end in self.spans if start <= instant < end), None)


class ObservationStore:
    """Observations and movements of one overlay.  Safe from any thread.

    Args:
        period_s: How often the feed delivers; says when results are stale and objects gone.
        capacity: Samples per thing that are kept at least; never more than twice as many.
        max_things: Things per property, and moving objects; beyond, those heard of longest ago are forgotten.
        trail_s: How far back the trails of moving objects reach; 0: they have none.
    """

    def __init__(self, *, period_s: float, capacity: int = 512, max_things: int = 20_000, trail_s: float = 0.0) -> None:
        self.period_s = period_s
        self.trail_s = trail_s
        self._capacity = capacity
        self._max_things = max_things
        self._lock = threading.Lock()
        self._revision = 0
        self._focus_s: float | None = None
        self._observations: dict[str, _Observations] = {}
        self._movement: MovementTable | None = None
        self._coverage = _Coverage()

    @property
    def revision(self) -> int:
        """Grows with every batch."""
        return self._revision

    def append(self, batch: Batch) -> None:
        """Take in a batch: its rows in any order, late and double ones included.

        A second row of the same thing and time replaces the first: it is a correction.
        """
        with self._lock:
            if isinstance(batch, MovementBatch):
                if self._movement is None:
                    self._movement = MovementTable(
                        capacity=self._capacity,
                        max_objects=self._max_things,
                        max_gap_s=GAP_PERIODS * self.period_s,
                        trail_s=self.trail_s,
                        trail_step_s=self.period_s / TRAIL_POINTS_PER_PERIOD,
                    )
                span = self._movement.append(batch, focus_s=self._focus_s)
            else:
                known = self._observations.get(batch.property.name)
                if known is None:
                    known = self._observations[batch.property.name] = _Observations(
                        batch.property, capacity=self._capacity, max_things=self._max_things
                    )
                span = known.append(batch, focus_s=self._focus_s)
            self._coverage.clip(*span)
            self._revision += 1

    def keep_around(self, instant: datetime | None) -> None:
        """Say what must not be forgotten when memory runs short: samples near ``instant``, or (None) the newest."""
        self._focus_s = None if instant is None else require_aware(instant).timestamp()

    def mark_covered(self, start: datetime, end: datetime) -> None:
        """Note that all of ``[start, end)`` was asked for and appended."""
        with self._lock:
            self._coverage.add(require_aware(start).timestamp(), require_aware(end).timestamp())

    def covered_until(self, start: datetime) -> float | None:
        """Return up to which time (s) the store holds everything from ``start`` on, or None if not even that."""
        with self._lock:
            return self._coverage.end_of_span_at(require_aware(start).timestamp())

    def known_until(self, instant: datetime) -> float | None:
        """Return the last time (s) up to ``instant`` for which everything is here, or None where there is none."""
        with self._lock:
            return self._coverage.last_before(require_aware(instant).timestamp())

    def latest_at(self, instant: datetime, property: str | None = None) -> ObservationFrame | None:
        """Return the last known results at ``instant``.

        Args:
            instant: Later observations are not looked at.
            property: Name of the observed property; None: the first that was ever appended.

        Returns:
            None where nothing of that property was ever appended.
        """
        at = require_aware(instant)
        with self._lock:
            names = list(self._observations)
            name = property if property is not None else (names[0] if names else "")
            known = self._observations.get(name)
            return None if known is None else known.at(at, stale_after_s=STALE_AFTER_PERIODS * self.period_s)

    def movement_at(self, instant: datetime) -> MovementFrame | None:
        """Return where everything is at ``instant``; None where no movement was ever appended."""
        at = require_aware(instant)
        with self._lock:
            return None if self._movement is None else self._movement.at(at)

    def frames_at(self, instant: datetime) -> tuple[Frame, ...]:
        """Return all there is at ``instant``: one frame per observed property, then the movement."""
        frames: list[Frame] = []
        for name in tuple(self._observations):
            observed = self.latest_at(instant, name)
            if observed is not None:
                frames.append(observed)
        moving = self.movement_at(instant)
        return (*frames, moving) if moving is not None else tuple(frames)

"""The one clock: which instant is shown.  Sun, sensors and vehicles all ask it.

It is a plain value between commands: the instant is a function of the wall clock, and nothing ticks.  Any thread may
ask it; the main thread commands it.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from twinviewer.model.time import require_aware

MIN_SPEED = 0.1
MAX_SPEED = 10_000.0


class ClockMode(StrEnum):
    LIVE = "live"
    """Shows the wall clock's instant."""
    PAUSED = "paused"
    PLAYING = "playing"
    """Runs from an instant on, at some speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _State:
    mode: ClockMode
    instant: datetime
    """Shown when the mode was entered."""
    wall: datetime
    """Wall clock at that moment."""
    speed: float


def utc_now() -> datetime:
    """Return the wall clock's instant."""
    return datetime.now(UTC)


class Clock:
    """Live, paused or playing.  It starts live.

    Args:
        wall: The wall clock.
    """

    def __init__(self, *, wall: Callable[[], datetime] = utc_now) -> None:
        self._wall = wall
        now = require_aware(wall())
        self._state = _State(mode=ClockMode.LIVE, instant=now, wall=now, speed=1.0)

    @property
    def mode(self) -> ClockMode:
        return self._state.mode

    @property
    def speed(self) -> float:
        """Seconds shown per second while playing; also while paused, for the next :meth:`play`."""
        return self._state.speed

    @property
    def rate(self) -> float:
        """Seconds shown per second at the moment: 1 when live, 0 when paused."""
        state = self._state
        return {ClockMode.LIVE: 1.0, ClockMode.PAUSED: 0.0, ClockMode.PLAYING: state.speed}[state.mode]

    def now(self, wall: datetime | None = None) -> datetime:
        """Return the instant that is shown when the wall clock reads ``wall`` (None: at this moment), in UTC.

        Between two commands it never runs backwards while the wall clock does not.
        """
        state = self._state  # one read: a command on another thread replaces it as a whole
        at = require_aware(self._wall() if wall is None else wall)
        if state.mode is ClockMode.LIVE:
            return at
        if state.mode is ClockMode.PAUSED:
            return state.instant
        return _moved(state.instant, max(0.0, (at - state.wall).total_seconds()) * state.speed)

    def pause(self) -> None:
        """Stop at the instant that is shown."""
        self._enter(ClockMode.PAUSED, self.now(), self.speed)

    def play(self, speed: float | None = None) -> None:
        """Run on from the instant that is shown.

        Args:
            speed: Seconds shown per second, clipped to 0.1 to 10,000; None: as last time.

        Raises:
            ValueError: The speed is not a finite number.
        """
        chosen = self.speed if speed is None else speed
        if not math.isfinite(chosen):
            raise ValueError("a speed must be a finite number")
        self._enter(ClockMode.PLAYING, self.now(), min(MAX_SPEED, max(MIN_SPEED, chosen)))

    def scrub(self, instant: datetime) -> None:
        """Show ``instant``.  Live becomes paused; playing plays on from there."""
        mode = ClockMode.PAUSED if self.mode is ClockMode.LIVE else self.mode
        self._enter(mode, require_aware(instant), self.speed)

    def go_live(self) -> None:
        """Show the wall clock's instant from now on."""
        self._enter(ClockMode.LIVE, require_aware(self._wall()), 1.0)

    def _enter(self, mode: ClockMode, instant: datetime, speed: float) -> None:
        self._state = _State(mode=mode, instant=instant, wall=require_aware(self._wall()), speed=speed)


def _moved(instant: datetime, seconds: float) -> datetime:
    """Return ``instant`` moved on, at most to the last that can be written down."""
    try:
        return instant + timedelta(seconds=seconds)
    except OverflowError:
        return datetime.max.replace(tzinfo=UTC)

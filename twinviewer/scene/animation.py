"""When what moves by itself is drawn anew: smoothly on fast graphics, and on slow ones so seldom that work goes on."""

from __future__ import annotations

import time
from collections.abc import Callable

LONGEST_STEP_S = 2.0
"""Dashes go on from where they were when nothing has been shown for longer, rather than jump."""
REST = 2.0
"""Frames of an animation are at least so many times as far apart as one takes, so that it has a third of the time."""


class Animation:
    """The time of what moves by itself, and how long frames take.

    Args:
        monotonic: Seconds that never run backwards.
    """

    def __init__(self, monotonic: Callable[[], float] = time.perf_counter) -> None:
        self._monotonic = monotonic
        self._time_s = 0.0
        self._waited_s = 0.0
        self._began_at: float | None = None
        self._frame_s = 0.0

    def frame_begins(self) -> None:
        self._began_at = self._monotonic()

    def frame_ends(self) -> None:
        if self._began_at is not None:
            self._frame_s = self._monotonic() - self._began_at
            self._began_at = None

    def wait(self, elapsed_s: float) -> None:
        """Let time pass."""
        self._waited_s += elapsed_s

    @property
    def is_due(self) -> bool:
        """Whether another frame may be drawn."""
        return self._waited_s >= (1.0 + REST) * self._frame_s

    def advance(self) -> float:
        """Return the time in seconds of the frame that is drawn now."""
        self._time_s += min(self._waited_s, LONGEST_STEP_S)
        self._waited_s = 0.0
        return self._time_s

"""How much goes through: counts of the last few seconds."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

WINDOW_S = 5


class Meter:
    """Counts, and says how many a second there were in the last :data:`WINDOW_S` seconds.  Safe from any thread.

    Args:
        monotonic: Seconds that never run backwards.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._seconds: deque[list[int]] = deque(maxlen=WINDOW_S + 1)
        self.total = 0

    def count(self, n: int = 1) -> None:
        second = int(self._monotonic())
        with self._lock:
            self.total += n
            if self._seconds and self._seconds[-1][0] == second:
                self._seconds[-1][1] += n
            else:
                self._seconds.append([second, n])

    def per_s(self) -> float:
        """Return the mean over the last whole seconds; the one that runs is not among them."""
        now = int(self._monotonic())
        with self._lock:
            return sum(n for second, n in self._seconds if now - WINDOW_S <= second < now) / WINDOW_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """What goes through an overlay, per second."""

    batches: float = 0.0
    """That its feed delivers."""
    rows: float = 0.0
    """In these."""
    pictures: float = 0.0
    """Answers of its encode function."""

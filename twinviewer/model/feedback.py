"""How long work tells of itself and is stopped."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol


class Cancelled(Exception):
    """The person stopped the work."""


class Feedback(Protocol):
    """What a job may say while it runs.  Every call is cheap and safe from the job's own thread or process."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how much is done, 0 to 1, and what is being done ("Reading points")."""

    def stop_if_cancelled(self) -> None:
        """Raise :class:`Cancelled` if the person stopped the work.  Call it at least every 100 ms."""


class Silent:
    """Feedback that nobody listens to and that never stops the work: for tests and scripts."""

    def progress(self, fraction: float, text: str = "") -> None:
        pass

    def stop_if_cancelled(self) -> None:
        pass


class PartOf:
    """Feedback for one part of a larger job: maps 0 to 1 onto a slice of the whole."""

    def __init__(self, whole: Feedback, start: float, end: float) -> None:
        self._whole, self._start, self._span = whole, start, end - start
        self.stop_if_cancelled: Callable[[], None] = whole.stop_if_cancelled

    def progress(self, fraction: float, text: str = "") -> None:
        self._whole.progress(self._start + self._span * fraction, text)

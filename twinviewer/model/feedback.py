"""How long work tells of itself and is stopped."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from twinviewer.model.layer_data import LayerData


class Cancelled(Exception):
    """The person stopped the work."""


class Feedback(Protocol):
    """What a job may say while it runs.  Every call is cheap and safe from the job's own thread or process."""

    def progress(self, fraction: float, text: str = "") -> None:
        """Say how much is done, 0 to 1, and what is being done ("Reading points")."""

    def stop_if_cancelled(self) -> None:
        """Raise :class:`Cancelled` if the person stopped the work.  Call it at least every 100 ms."""

    def preview(self, so_far: Callable[[], Sequence[LayerData]]) -> None:
        """Offer what a reader has so far, to be seen while it reads on; every call costs next to nothing.

        Now and then, and only where somebody looks, ``so_far`` is called: it returns layers that are complete in
        themselves, of that part of the file which has been read.  The reader then goes on as if nothing had been
        asked; what it returns in the end takes the place of all previews.
        """


class Silent:
    """Feedback that nobody listens to and that never stops the work: for tests and scripts."""

    def progress(self, fraction: float, text: str = "") -> None:
        pass

    def stop_if_cancelled(self) -> None:
        pass

    def preview(self, so_far: Callable[[], Sequence[LayerData]]) -> None:
        pass


class PartOf:
    """Feedback for one part of a larger job: maps 0 to 1 onto a slice of the whole."""

    def __init__(self, whole: Feedback, start: float, end: float) -> None:
        self._whole, self._start, self._span = whole, start, end - start
        self.stop_if_cancelled: Callable[[], None] = whole.stop_if_cancelled
        self.preview: Callable[[Callable[[], Sequence[LayerData]]], None] = whole.preview

    def progress(self, fraction: float, text: str = "") -> None:
        self._whole.progress(self._start + self._span * fraction, text)

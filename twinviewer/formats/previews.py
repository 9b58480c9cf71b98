"""What a reader has so far, handed over while it reads on: seldom enough that the whole comes hardly later for it.

The first preview comes after less than a second, the next ones in growing steps, and only as long as all of them
together take a tenth of the time that the whole is going to take.
"""

from __future__ import annotations

import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from twinviewer.model.feedback import Cancelled, Feedback
from twinviewer.model.layer_data import LayerData

FIRST_AFTER_S = 0.7
_STEP = 2.0
"""The next one is due when so many times as much time has gone by."""
_SHARE = 0.1
"""Of the time that the whole takes, for all previews."""
_WORTH_S = 0.5
"""Where the whole is to be expected sooner, there is no preview."""


class Previews:
    """Feedback for a reader that may show what it has.

    Args:
        feedback: Hears everything else.
        show: Puts layers in their place and hands them over; returns whether it can be done with others, too.
        clock: Seconds that never run backwards.
    """

    def __init__(
        self,
        feedback: Feedback,
        *,
        show: Callable[[Sequence[LayerData]], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._feedback, self._show, self._clock = feedback, show, clock
        self.stop_if_cancelled: Callable[[], None] = feedback.stop_if_cancelled
        self._began_at = clock()
        self._fraction = 0.0
        self._due_s = FIRST_AFTER_S
        self._spent_s = 0.0
        self._cost_per_s = 0.0
        """Seconds that the last one took for each second of reading before it."""
        self._ended = False

    def progress(self, fraction: float, text: str = "") -> None:
        self._fraction = fraction
        self._feedback.progress(fraction, text)

    def preview(self, so_far: Callable[[], Sequence[LayerData]]) -> None:
        elapsed_s = self._clock() - self._began_at
        if self._ended or elapsed_s < self._due_s or not self._is_worth_it(elapsed_s):
            return
        try:
            self._ended = not self._show(so_far())
        except Cancelled:
            raise
        except Exception:  # noqa: BLE001 – the whole may well be read; the log has what went wrong with a part
            traceback.print_exc()
            self._ended = True
        took_s = self._clock() - self._began_at - elapsed_s
        self._spent_s += took_s
        self._cost_per_s = took_s / elapsed_s
        self._due_s = _STEP * (elapsed_s + took_s)

    def _is_worth_it(self, elapsed_s: float) -> bool:
        if self._fraction <= 0.0:
            return self._spent_s == 0.0  # nobody knows how long it takes
        whole_s = elapsed_s / self._fraction
        costs_s = self._cost_per_s * elapsed_s
        return whole_s - elapsed_s >= _WORTH_S + costs_s and self._spent_s + costs_s <= _SHARE * whole_s


def preview_files(files: Sequence[Path], number: int) -> list[Path]:
    """Return where the arrays of a preview may lie, beside those of the whole."""
    return [file.with_name(f"{file.name}.preview-{number}") for file in files]


def remove_previews(files: Sequence[Path]) -> None:
    """Remove what nobody took."""
    for file in files:
        for left in file.parent.glob(f"{file.name}.preview-*"):
            left.unlink(missing_ok=True)

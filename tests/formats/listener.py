"""What a person does while a file is read: look at the progress, or stop it."""

from __future__ import annotations

import time

from twinviewer.model.feedback import Cancelled, Silent


class Listener(Silent):
    """Feedback that remembers what it heard."""

    def __init__(self) -> None:
        self.fractions: list[float] = []
        self.asked_at = [time.process_time()]
        """Seconds of processor time, of which other programs take nothing."""

    def progress(self, fraction: float, text: str = "") -> None:
        assert text
        self.fractions.append(fraction)

    def stop_if_cancelled(self) -> None:
        self.asked_at.append(time.process_time())


class StopsAfter(Silent):
    """Feedback of a person who stops the work when asked for the n-th time."""

    def __init__(self, times: int) -> None:
        self.times = times

    def progress(self, fraction: float, text: str = "") -> None:
        pass

    def stop_if_cancelled(self) -> None:
        self.times -= 1
        if self.times <= 0:
            raise Cancelled

"""Goes on when it is told to stop."""

import contextlib
import time


def feed(*, site, start, end, feedback):
    while True:
        with contextlib.suppress(BaseException):
            feedback.stop_if_cancelled()
        time.sleep(0.01)


def encode(*, frames, site):
    return []

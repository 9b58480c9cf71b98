"""Writes into every pipe that it finds."""

import contextlib
import os


def feed(*, site, start, end, feedback):
    for descriptor in range(3, 64):
        with contextlib.suppress(OSError):
            os.write(descriptor, b"\xff" * 100)


def encode(*, frames, site):
    return []

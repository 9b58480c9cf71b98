"""Prints 100 MB, through Python and past it."""

import os
import sys

import numpy as np

from twinviewer.api import Labels, ObservationBatch, ObservedProperty, Thing

LINE = "all work and no play\n"


def feed(*, site, start, end, feedback):
    sys.stdout.write("the first words\n")
    for _ in range(50):
        sys.stdout.write(LINE * (2**20 // len(LINE)))
        os.write(1, (LINE * (2**20 // len(LINE))).encode())
    sys.stdout.write("the last words\n")
    sys.stdout.flush()
    times = np.arange(np.ceil(start.timestamp()), np.ceil(end.timestamp()))
    return [
        ObservationBatch(
            property=ObservedProperty(name="Time", unit="s"),
            things=(Thing(id="clock", name="Clock", position=(565000.0, 5934000.0, 30.0)),),
            thing=np.zeros(len(times), np.int32),
            phenomenon_time_s=times,
            results=times,
        )
    ]


def encode(*, frames, site):
    return [Labels(positions=frame.positions, texts=[f"{frame.results[0]:.0f}"]) for frame in frames]

"""Delivers far more, far more often, than anybody asked for."""

import numpy as np

from twinviewer.api import Labels, ObservationBatch, ObservedProperty, Thing

ROWS = 2_000_000


def feed(*, site, start, end, feedback):
    for step in range(100_000):
        feedback.progress(step / 100_000, "still here")
    return [
        ObservationBatch(
            property=ObservedProperty(name="Flood", unit="1"),
            things=(Thing(id="river", name="River", position=(565000.0, 5934000.0, 3.0)),),
            thing=np.zeros(ROWS, np.int32),
            phenomenon_time_s=np.linspace(start.timestamp(), end.timestamp(), ROWS),
            results=np.random.default_rng().random(ROWS),
        )
    ]


def encode(*, frames, site):
    return [Labels(positions=frame.positions, texts=[f"{frame.results[0]:.0f}"]) for frame in frames]

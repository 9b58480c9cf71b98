"""Knows nothing, in numbers."""

import numpy as np

from twinviewer.api import Labels, ObservationBatch, ObservedProperty, Thing


def feed(*, site, start, end, feedback):
    return [
        ObservationBatch(
            property=ObservedProperty(name="Nothing", unit="1"),
            things=(Thing(id="void", name="Void", position=(float("nan"), float("inf"), 0.0)),),
            thing=np.zeros(3, np.int32),
            phenomenon_time_s=np.full(3, np.nan),
            results=np.full(3, np.nan),
        )
    ]


def encode(*, frames, site):
    return [Labels(positions=np.full((2, 3), np.nan), texts=["a", "b"])]

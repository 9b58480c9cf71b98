"""Has arrays of other lengths than it says."""

import numpy as np

from twinviewer.api import Labels, ObservationBatch, ObservedProperty, Thing


def feed(*, site, start, end, feedback):
    return [
        ObservationBatch(
            property=ObservedProperty(name="Shape", unit="1"),
            things=(Thing(id="a", name="A", position=(0.0, 0.0, 0.0)),),
            thing=np.array([0, 7], np.int32),
            phenomenon_time_s=np.zeros((4, 4)),
            results=np.zeros(9),
        )
    ]


def encode(*, frames, site):
    return [Labels(positions=np.zeros((5, 2)), texts=["one"])]

"""Does what it should, beside all the others."""

import numpy as np

from twinviewer.api import Labels, ObservationBatch, ObservedProperty, Thing


def feed(*, site, start, end, feedback):
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

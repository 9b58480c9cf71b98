"""Rings around the middle of the town that say how far one walks; put your own layer in their place."""

from collections.abc import Sequence

import numpy as np
from twinviewer.api import DrawingRequest, Feedback, FlowLines, Labels, Site

WALKING_M_MIN = 80.0  # 4.8 km/h
MINUTES = (5, 10, 15)
ABOVE_M = 4.0


def draw_rings(*, site: Site, feedback: Feedback) -> Sequence[DrawingRequest]:
    """Return a ring on the ground for each walking time, and its name in the north."""
    turn = np.linspace(0.0, 2 * np.pi, 181)
    circle = np.column_stack((np.sin(turn), np.cos(turn)))
    rings = []
    for minutes in MINUTES:
        feedback.stop_if_cancelled()
        xy = np.array(site.extent.centre[:2]) + minutes * WALKING_M_MIN * circle
        rings.append(np.column_stack((xy, site.ground_height(xy) + ABOVE_M)))
    return [
        FlowLines(
            vertices=np.concatenate(rings),
            offsets=np.arange(len(rings) + 1, dtype=np.int64) * len(turn),
            colour="#ff5c8a",
            width_px=4.0,
            dash_m=60.0,
            speed_m_s=15.0,
        ),
        Labels(positions=np.array([ring[0] for ring in rings]), texts=[f"{minutes} min" for minutes in MINUTES]),
    ]

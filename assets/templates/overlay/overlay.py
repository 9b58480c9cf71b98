"""Made-up drones that circle over the town; put your own source in the place of `fly`."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import twinviewer.api as tv

IDS = tuple(f"drone-{number}" for number in range(60))


def fly(*, site: tv.Site, start: datetime, end: datetime, feedback: tv.Feedback) -> Sequence[tv.Batch]:
    """Return where each drone is at every full second from `start` up to `end`."""
    seconds = np.arange(np.ceil(start.timestamp()), end.timestamp())
    times, drone = np.tile(seconds, len(IDS)), np.repeat(np.arange(len(IDS), dtype=np.int32), len(seconds))
    radius_m = site.extent.size[0] * (0.06 + 0.2 * drone / len(IDS))
    turn = 2.4 * drone + times * 15 / radius_m  # radians: 15 m/s on each circle
    x, y = site.extent.centre[0] + radius_m * np.cos(turn), site.extent.centre[1] + radius_m * np.sin(turn)
    at = np.column_stack((x, y, site.extent.max_z + 15 * np.sin(3 * turn)))
    heading, speed = -np.degrees(turn) % 360, np.full(len(turn), 15.0)
    return [tv.MovementBatch(ids=IDS, object=drone, time_s=times, positions=at, heading_deg=heading, speed_m_s=speed)]


def show(*, frames: Sequence[tv.Frame], site: tv.Site) -> Sequence[tv.DrawingRequest]:
    """Draw each drone, and the way that it came."""
    shown: list[tv.DrawingRequest] = []
    for now in (frame for frame in frames if isinstance(frame, tv.MovementFrame)):
        shown.append(tv.PlaceGlyphs(shape=tv.GlyphShape.SPHERE, positions=now.positions, size_m=10.0, ids=now.ids))
        shown.append(tv.Trails(positions=now.trails, colour="#ffb000", width_px=3.0))
    return shown

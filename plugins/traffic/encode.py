"""Vehicles as little cars and buses, coloured by speed."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from twinviewer.api import ColourScale, DrawingRequest, Frame, GlyphShape, MovementFrame, PlaceGlyphs, Site

LENGTH_M = {GlyphShape.CAR: 6.0, GlyphShape.BUS: 14.0}
"""A little longer than in life, so that they are seen from above the roofs."""
LIFT_M = 0.1
"""Above the street, so that wheels do not sink into it between two terrain heights."""
SPEED = ColourScale(
    title="Speed of vehicles, simulated",
    unit="km/h",
    colour_map="viridis",
    value_range=(0.0, 50.0),
    ticks=((0.0, "0"), (25.0, "25"), (50.0, "50")),
)


def show_vehicles(*, frames: Sequence[Frame], site: Site) -> Sequence[DrawingRequest]:
    """Return one set of glyphs for the cars and one for the buses."""
    requests: list[DrawingRequest] = []
    for frame in frames:
        if isinstance(frame, MovementFrame):
            is_bus = np.array([identifier.startswith("bus") for identifier in frame.ids], dtype=np.bool_)
            for shape, rows in ((GlyphShape.CAR, np.flatnonzero(~is_bus)), (GlyphShape.BUS, np.flatnonzero(is_bus))):
                requests.append(
                    PlaceGlyphs(
                        shape=shape,
                        positions=frame.positions[rows] + (0.0, 0.0, LIFT_M),
                        size_m=LENGTH_M[shape],
                        heading_deg=frame.heading_deg[rows],
                        values=frame.speed_m_s[rows] * 3.6,
                        scale=SPEED,
                        ids=[frame.ids[row] for row in rows.tolist()],
                    )
                )
    return requests

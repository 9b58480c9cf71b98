"""Readings against limit values: a pin and a label per station, and a tint on the buildings near them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import (
    ColourObjects,
    ColourScale,
    DrawingRequest,
    Frame,
    GlyphShape,
    Labels,
    ObservationFrame,
    PlaceGlyphs,
    Site,
)

from .feed import NO2, PM2_5

Float64s = NDArray[np.float64]

DAILY_LIMIT_UG_M3 = {
    # Directive (EU) 2024/2881 on ambient air quality, annex I, section 1, to be met by 2030.  Its forerunner
    # 2008/50/EC, annex XI and XIV, has no daily value for either (NO2: 200 per hour; PM2.5: 25 per year).
    NO2.name: 50.0,
    PM2_5.name: 25.0,
}
REACH_M = 70.0
"""Buildings nearer than this to a station are tinted; what is known of the air farther off is not worth a colour."""
PIN_M = 16.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Neighbourhood:
    """Which buildings are tinted, and how much each station counts for them."""

    positions: Float64s
    """Of the stations it was made for."""
    object_ids: tuple[str, ...]
    weights: Float64s
    """(buildings, stations)"""


_neighbourhoods: WeakKeyDictionary[Site, _Neighbourhood] = WeakKeyDictionary()


def show_against_limit(*, frames: Sequence[Frame], site: Site) -> Sequence[DrawingRequest]:
    """Return pins, labels and tinted buildings for the stations that have a reading."""
    requests: list[DrawingRequest] = []
    for frame in frames:
        if isinstance(frame, ObservationFrame) and frame.property.name in DAILY_LIMIT_UG_M3:
            requests += _show(frame, site)
    return requests


def _show(frame: ObservationFrame, site: Site) -> list[DrawingRequest]:
    limit = DAILY_LIMIT_UG_M3[frame.property.name]
    scale = ColourScale(
        title=f"{frame.property.name}, simulated",
        unit=frame.property.unit,
        colour_map="limit",
        value_range=(0.0, 2 * limit),
        ticks=((0.0, "0"), (limit, f"daily limit {limit:.0f}"), (2 * limit, f"{2 * limit:.0f}")),
    )
    known = np.isfinite(frame.results)
    results = frame.results[known]
    size = PIN_M * (1 + 0.5 * np.clip(results / limit, 0, 2))
    tops = frame.positions[known] + np.column_stack((np.zeros((len(size), 2)), size + 2))
    near = _near(frame, site)
    return [
        ColourObjects(object_ids=near.object_ids, values=_interpolated(near.weights, frame.results), scale=scale),
        PlaceGlyphs(
            shape=GlyphShape.PIN,
            positions=frame.positions[known],
            size_m=size,
            values=results,
            scale=scale,
            ids=[thing.name for thing, has in zip(frame.things, known, strict=True) if has],
            stale=frame.stale[known],
        ),
        Labels(positions=tops, texts=[f"{result:.0f} µg/m³" for result in results.tolist()]),
    ]


def _near(frame: ObservationFrame, site: Site) -> _Neighbourhood:
    near = _neighbourhoods.get(site)
    if near is None or not np.array_equal(near.positions, frame.positions):
        near = _neighbourhoods[site] = _neighbourhood(frame.positions, site)
    return near


def _neighbourhood(stations: Float64s, site: Site) -> _Neighbourhood:
    """Weight stations by the inverse square of their distance, over the buildings in reach of any."""
    objects = site.city_objects
    is_building = np.array([kind.startswith("Building") for kind in objects.types], dtype=np.bool_)
    rows = np.flatnonzero(is_building)
    offset = objects.positions[rows, None, :2] - stations[None, :, :2]
    distance = np.hypot(offset[..., 0], offset[..., 1])
    reached = distance.min(axis=1, initial=np.inf) < REACH_M
    near = distance[reached]
    weights = np.where(near < 8 * REACH_M, 1 / (near + 10.0) ** 2, 0.0)
    return _Neighbourhood(
        positions=stations,
        object_ids=tuple(objects.ids[row] for row in rows[reached].tolist()),
        weights=weights,
    )


def _interpolated(weights: Float64s, results: Float64s) -> Float64s:
    """Return one value per building (n,), NaN where no station that counts for it has a reading."""
    known = np.isfinite(results)
    weights = weights[:, known]
    total = weights.sum(axis=1)
    values = np.full(len(weights), np.nan)
    np.divide(weights @ results[known], total, out=values, where=total > 0)
    return values

"""What changes by itself: observations and movements, as columns.

Names follow OGC SensorThings 1.1 (18-088) and OGC Moving Features (19-045r3).  Times are float64 seconds since
1970-01-01T00:00:00Z inside arrays, timezone-aware UTC ``datetime`` everywhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservedProperty:
    """What is measured, and in which unit."""

    name: str
    """For people: ``"Nitrogen dioxide"``."""
    unit: str
    """UCUM code: ``"ug/m3"``, ``"km/h"``, ``"1"`` where there is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """Something that is observed, at a fixed place."""

    id: str
    name: str
    position: tuple[float, float, float]
    """Metres in the project's reference system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationBatch:
    """Results of one observed property at fixed things; rows in any order, late and double ones allowed."""

    property: ObservedProperty
    things: tuple[Thing, ...]
    """The things that rows refer to; a thing keeps its id from batch to batch."""
    thing: NDArray[np.int32]
    """(n,) index into ``things``."""
    phenomenon_time_s: Float64s
    """(n,) when it was true, not when it arrived."""
    results: Float64s
    """(n,)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObservationFrame:
    """The last known result of every thing at one instant."""

    instant: datetime
    property: ObservedProperty
    things: tuple[Thing, ...]
    positions: Float64s
    """(n, 3) metres in the project's reference system."""
    results: Float64s
    """(n,) NaN where nothing is known yet."""
    age_s: Float64s
    """(n,) seconds between phenomenon time and ``instant``; inf where nothing is known yet."""
    stale: NDArray[np.bool_]
    """(n,) True where the result is older than twice the feed's period: drawn as stale."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementBatch:
    """Samples of moving objects; rows sorted by time within each object."""

    ids: tuple[str, ...]
    object: NDArray[np.int32]
    """(n,) index into ``ids``."""
    time_s: Float64s
    """(n,)"""
    positions: Float64s
    """(n, 3) metres in the project's reference system."""
    heading_deg: Float64s
    """(n,) clockwise from grid north."""
    speed_m_s: Float64s
    """(n,)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementFrame:
    """Where everything that moves is at one instant, interpolated between samples."""

    instant: datetime
    ids: tuple[str, ...]
    positions: Float64s
    """(n, 3)"""
    heading_deg: Float64s
    """(n,)"""
    speed_m_s: Float64s
    """(n,)"""
    trails: Float64s = field(default_factory=lambda: np.empty((0, 0, 3)))
    """(n, k, 3) where each was in the last ``trail_s`` seconds that the manifest asks for, the oldest first; NaN where
    it was nowhere.  (0, 0, 3) where the manifest asks for none."""


Batch = ObservationBatch | MovementBatch
"""What a feed delivers."""
Frame = ObservationFrame | MovementFrame
"""What is known at one instant, for an encode function."""

"""Made-up but plausible readings: a function of place and time, so that any past or future can be shown.

Levels follow the traffic of the day and the week, wind that thins or gathers them, and noise of the instruments.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import Feedback, ObservationBatch, ObservedProperty, Site, Thing

from .stations import place_stations

Float64s = NDArray[np.float64]

NO2 = ObservedProperty(name="Nitrogen dioxide", unit="ug/m3")
PM2_5 = ObservedProperty(name="Fine dust (PM2.5)", unit="ug/m3")
STEP_S = 15.0
SEED = 20240601

_LOCAL_OFFSET_S = 1.5 * 3600  # halfway between winter and summer time of central Europe
_DAY_S = 86400.0
_stations: WeakKeyDictionary[Site, tuple[Thing, ...]] = WeakKeyDictionary()


def simulate(*, site: Site, start: datetime, end: datetime, feedback: Feedback) -> Sequence[ObservationBatch]:
    """Return what the stations would have measured in ``[start, end)``, one reading each quarter of a minute."""
    things = _stations.get(site)
    if things is None:
        things = _stations[site] = place_stations(site)
    first, last = np.ceil(start.timestamp() / STEP_S), np.ceil(end.timestamp() / STEP_S)
    step = np.arange(first, last)
    times = np.tile(step * STEP_S, len(things))
    station = np.repeat(np.arange(len(things), dtype=np.int32), len(step))
    return [
        ObservationBatch(
            property=observed,
            things=things,
            thing=station,
            phenomenon_time_s=times,
            results=np.round(levels(station, times), 1),
        )
        for observed, levels in ((NO2, no2_levels), (PM2_5, pm2_5_levels))
    ]


def no2_levels(station: NDArray[np.int32], times: Float64s) -> Float64s:
    """Return NO2 in µg/m³ (n,): mostly from traffic."""
    kerbside = 0.35 + 0.65 * _uniform(station, 1)
    background = 9.0 + 5.0 * _uniform(station, 2)
    level = background + 46.0 * kerbside * traffic(times)
    return np.maximum(1.0, level * _gathering(times) + 1.6 * _noise(station, times, 3))


def pm2_5_levels(station: NDArray[np.int32], times: Float64s) -> Float64s:
    """Return PM2.5 in µg/m³ (n,): mostly carried in from elsewhere, with heating in the evening."""
    hour = _local(times) / 3600 % 24
    heating = np.exp(-(((hour - 21.0 + 12) % 24 - 12) ** 2) / 12)
    level = 7.0 + 3.0 * _uniform(station, 4) + 5.0 * heating + 4.0 * traffic(times)
    return np.maximum(0.5, level * _gathering(times) ** 1.5 + 0.7 * _noise(station, times, 5))


def traffic(times: Float64s) -> Float64s:
    """Return how busy streets are (n,), 0 to about 1: two rush hours on working days, less at the weekend."""
    local = _local(times)
    hour = local / 3600 % 24
    weekday = (local // _DAY_S + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    daytime = 0.5 * (1 + np.cos((hour - 14.5) / 24 * 2 * np.pi))
    rush = np.exp(-((hour - 8.0) ** 2) / 2.4) + 0.9 * np.exp(-((hour - 17.5) ** 2) / 4.0)
    working = np.where(weekday < 5, 1.0, np.where(weekday < 6, 0.45, 0.3))
    return 0.05 + 0.35 * daytime * (0.5 + 0.5 * working) + 0.6 * rush * working


def _gathering(times: Float64s) -> Float64s:
    """Return how much the weather gathers (above 1) or thins (below 1) what is emitted."""
    waves = ((37.0, 0.22, 0.3), (101.0, 0.2, 1.9), (9.7, 0.1, 4.1), (2.3, 0.05, 2.2), (0.31, 0.03, 0.9))
    gathering = np.ones_like(times)
    for period_h, share, phase in waves:
        gathering += share * np.sin(2 * np.pi * times / (period_h * 3600) + phase)
    return gathering


def _noise(station: NDArray[np.int32], times: Float64s, salt: int) -> Float64s:
    """Return noise (n,), −1 to 1, that wanders over minutes instead of jumping."""
    length_s = 180.0
    position = times / length_s
    before = np.floor(position)
    share = position - before
    share = share * share * (3 - 2 * share)
    here = _uniform(station + 1009 * before, salt)
    there = _uniform(station + 1009 * (before + 1), salt)
    return 2 * (here * (1 - share) + there * share) - 1


def _uniform(key: NDArray[np.generic], salt: int) -> Float64s:
    """Return a number from 0 to 1 for each key (n,), always the same for the same key: SplitMix64."""
    bits = np.asarray(key).astype(np.int64).astype(np.uint64) + np.uint64(SEED + 7919 * salt)
    bits = bits * np.uint64(0x9E3779B97F4A7C15)
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)).astype(np.float64) / 2.0**53


def _local(times: Float64s) -> Float64s:
    return times + _LOCAL_OFFSET_S

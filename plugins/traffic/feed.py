"""Vehicles as a function of time: each drives its tour round and round, slower in the rush hours.

How far the traffic has come at an instant is known in closed form, so that any past or future can be shown.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import Feedback, FeedError, MovementBatch, Site

from .network import Network, network_of
from .tours import Tours, plan_tours

Float64s = NDArray[np.float64]

MOST_VEHICLES = 400
ONE_PER_M = 30.0
"""Of lane: short networks get fewer vehicles."""
ONE_BUS_IN = 18
TOURS = 48
TOUR_M = 2500.0
STEP_S = 0.5
SEED = 7

_LOCAL_OFFSET_S = 1.5 * 3600  # halfway between winter and summer time of central Europe
_WEEK_S = 7 * 86400
_TABLE_STEP_S = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fleet:
    """The vehicles of a site: n of them, each on one tour."""

    tours: Tours
    ids: tuple[str, ...]
    tour: NDArray[np.int64]
    """(n,)"""
    phase_s: Float64s
    """(n,) where on the tour it is when the traffic's own clock reads 0."""
    rank: Float64s
    """(n,) from 0 to 1: it is on the road while the share of vehicles that are is higher."""


_fleets: WeakKeyDictionary[Site, Fleet] = WeakKeyDictionary()
_planning = threading.Lock()


def simulate(*, site: Site, start: datetime, end: datetime, feedback: Feedback) -> Sequence[MovementBatch]:
    """Return where the vehicles were in ``[start, end)``, every half second.

    Raises:
        FeedError: There are no streets to drive on.
    """
    with _planning:
        fleet = _fleets.get(site)
        if fleet is None:
            fleet = _fleets[site] = fleet_of(site, feedback)
    first, last = np.ceil(start.timestamp() / STEP_S), np.ceil(end.timestamp() / STEP_S)
    times = np.arange(first, last, dtype=np.float64) * STEP_S
    return [drive(fleet, times)]


def fleet_of(site: Site, feedback: Feedback) -> Fleet:
    """Plan tours on the site's streets and put vehicles on them, always the same for the same site.

    Raises:
        FeedError: There are no streets to drive on.
    """
    streets = site.features("streets")
    network = network_of(streets) if streets is not None else None
    if network is None or not network.edges:
        raise FeedError(
            "There are no streets for vehicles to drive on.",
            cure="Add a layer of street lines and give it the role “streets”.",
            source="Traffic",
        )
    tours = plan_tours(
        network, count=TOURS, length_m=TOUR_M, seed=SEED, ground_height=site.ground_height, feedback=feedback
    )
    return _manned(tours, network)


def drive(fleet: Fleet, times: Float64s) -> MovementBatch:
    """Return where the vehicles are at ``times`` (t,) seconds; those that are not on the road are left out."""
    tours = fleet.tours
    pace, progress = _pace(times), _progress(times)
    vehicle, moment = np.nonzero(fleet.rank[:, None] < _demand(times)[None, :])
    tour = fleet.tour[vehicle]
    on_tour = (fleet.phase_s[vehicle] + progress[moment]) % tours.duration_s[tour]
    longest = float(tours.duration_s.max()) + 1.0
    tour_of_point = np.repeat(np.arange(len(tours.duration_s)), np.diff(tours.start))
    after = np.searchsorted(tours.time_s + tour_of_point * longest, on_tour + tour * longest, side="right")
    after = np.minimum(after, tours.start[tour + 1] - 1)
    before = after - 1
    share = (on_tour - tours.time_s[before]) / (tours.time_s[after] - tours.time_s[before])
    turn = (tours.heading_deg[after] - tours.heading_deg[before] + 180) % 360 - 180
    speed = tours.speed_m_s[before] + share * (tours.speed_m_s[after] - tours.speed_m_s[before])
    step = tours.positions[after] - tours.positions[before]
    return MovementBatch(
        ids=fleet.ids,
        object=vehicle.astype(np.int32),
        time_s=times[moment],
        positions=tours.positions[before] + share[:, None] * step,
        heading_deg=(tours.heading_deg[before] + share * turn) % 360,
        speed_m_s=speed * pace[moment],
    )


def _manned(tours: Tours, network: Network) -> Fleet:
    """Spread vehicles over the tours by how long each takes, evenly along each."""
    lanes_m = 2 * sum(edge.length_m for edge in network.edges)
    count = int(min(MOST_VEHICLES, max(1, lanes_m / ONE_PER_M)))
    random = np.random.default_rng(SEED)
    share = (np.arange(count) + random.uniform(0.25, 0.75, count)) / count
    ends = np.cumsum(tours.duration_s)
    at = share * ends[-1]
    tour = np.searchsorted(ends, at, side="right")
    kinds = np.where(np.arange(count) % ONE_BUS_IN == ONE_BUS_IN // 2, "bus", "car")
    return Fleet(
        tours=tours,
        ids=tuple(f"{kind}-{number:03d}" for number, kind in enumerate(kinds.tolist(), start=1)),
        tour=tour.astype(np.int64),
        phase_s=at - (ends - tours.duration_s)[tour],
        rank=(random.permutation(count) + 0.5) / count,
    )


def _rush(times: Float64s) -> Float64s:
    """Return how much of a rush hour it is (n,), 0 to 1."""
    local = times + _LOCAL_OFFSET_S
    hour = local / 3600 % 24
    weekday = (local // 86400 + 3) % 7  # 1970-01-01 was a Thursday; 0 is Monday
    rush = np.exp(-((hour - 8.0) ** 2) / 2.4) + np.exp(-((hour - 17.5) ** 2) / 4.0)
    busy: Float64s = np.where(weekday < 5, 1.0, 0.3) * np.minimum(rush, 1.0)
    return busy


def _demand(times: Float64s) -> Float64s:
    """Return the share of vehicles that are on the road (n,)."""
    hour = (times + _LOCAL_OFFSET_S) / 3600 % 24
    daytime = 0.5 * (1 + np.cos((hour - 14.0) / 24 * 2 * np.pi))
    return np.minimum(1.0, 0.25 + 0.5 * daytime + 0.35 * _rush(times))


def _pace(times: Float64s) -> Float64s:
    """Return the speed of traffic (n,) as a share of that on empty streets."""
    return 1.0 - 0.4 * _rush(times)


_table_s = np.arange(0.0, _WEEK_S + _TABLE_STEP_S, _TABLE_STEP_S)
_table = np.concatenate(([0.0], np.cumsum(0.5 * (_pace(_table_s[:-1]) + _pace(_table_s[1:])) * _TABLE_STEP_S)))


def _progress(times: Float64s) -> Float64s:
    """Return the reading (n,) of the traffic's own clock: the integral of the pace over time."""
    weeks, rest = np.divmod(times, _WEEK_S)
    progress: Float64s = weeks * _table[-1] + np.interp(rest, _table_s, _table)
    return progress

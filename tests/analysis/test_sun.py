"""The sun's position against pvlib's SPA and known geometry."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pandas as pd
import pytest
from pvlib import solarposition

from twinviewer.analysis.sun import NOWHERE, SolarSite, solar_site, sun_position
from twinviewer.model.place import LOCAL, ReferenceSystem

PLACES = [(52.52, 13.405), (40.4, -3.7), (69.65, 18.96), (-33.87, 151.2), (0.0, 0.0), (51.5, -179.9)]


@pytest.mark.parametrize(("latitude", "longitude"), PLACES)
def test_sun_agrees_with_pvlib_to_a_twentieth_of_a_degree(latitude: float, longitude: float) -> None:
    start = datetime(2024, 1, 3, 0, 17, tzinfo=UTC)
    instants = [start + timedelta(days=11.37 * step, hours=1.9 * step) for step in range(60)]
    judged = solarposition.get_solarposition(pd.DatetimeIndex(instants), latitude, longitude, method="nrel_numpy")
    for instant, azimuth, elevation in zip(instants, judged["azimuth"], judged["elevation"], strict=True):
        sun = sun_position(instant=instant, latitude_deg=latitude, longitude_deg=longitude)
        assert sun.elevation_deg == pytest.approx(elevation, abs=0.05)
        turn = (sun.azimuth_deg - azimuth + 180) % 360 - 180
        assert abs(turn) * math.cos(math.radians(elevation)) < 0.05  # on the sky, not on the horizon


def test_direction_points_from_the_ground_to_the_sun() -> None:
    noon = sun_position(instant=datetime(2024, 6, 21, 11, 8, tzinfo=UTC), latitude_deg=52.5, longitude_deg=13.4)
    assert np.linalg.norm(noon.direction) == pytest.approx(1)
    assert noon.direction[1] < 0  # in the south
    assert noon.direction[2] > 0.8


def test_an_instant_without_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        sun_position(instant=datetime(2024, 6, 21, 12), latitude_deg=50, longitude_deg=10)  # noqa: DTZ001


def test_grid_north_is_turned_from_true_north_by_the_meridian_convergence() -> None:
    # UTM 33N at 12°E, 48°N: three degrees west of the central meridian, convergence −3·sin(48°) = −2.23°,
    # so true north lies to the right (clockwise) of grid north.
    site = solar_site(crs=ReferenceSystem(horizontal="EPSG:25833"), position=(276266.0, 5320786.0, 0.0))
    assert site.latitude_deg == pytest.approx(48.0, abs=0.01)
    assert site.longitude_deg == pytest.approx(12.0, abs=0.01)
    assert site.convergence_deg == pytest.approx(2.23, abs=0.01)
    instant = datetime(2024, 5, 1, 9, tzinfo=UTC)
    true = SolarSite(latitude_deg=site.latitude_deg, longitude_deg=site.longitude_deg, convergence_deg=0).sun_at(
        instant
    )
    assert site.sun_at(instant).azimuth_deg == pytest.approx(true.azimuth_deg + site.convergence_deg)


def test_a_scene_that_is_nowhere_has_a_middle_european_sun() -> None:
    assert solar_site(crs=LOCAL, position=(0, 0, 0)) == NOWHERE


@pytest.mark.parametrize(("latitude_deg", "longitude_deg"), [(52.0, 9.0), (35.7, 139.7), (-33.9, 151.2), (0.0, -78.5)])
def test_a_city_can_be_seen_by_day_wherever_it_is_and_keeps_its_own_light_while_there_is_some(
    latitude_deg: float, longitude_deg: float
) -> None:
    site = SolarSite(latitude_deg=latitude_deg, longitude_deg=longitude_deg, convergence_deg=0)
    for hour in range(24):
        instant = datetime(2025, 11, 24, hour, tzinfo=UTC)
        shown = site.by_day(instant)
        assert site.sun_at(shown).elevation_deg >= 8
        assert (shown == instant) == (site.sun_at(instant).elevation_deg >= 8)

"""Readings as a European town has them, against the limit values of the Directive."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType

import numpy as np
import pytest

from tests.plugins import sites
from twinviewer.live.store import ObservationStore
from twinviewer.model.drawing import ColourObjects, Labels, PlaceGlyphs
from twinviewer.model.feedback import Silent
from twinviewer.model.observation import ObservationBatch, ObservationFrame

MONDAY = datetime(2026, 6, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def town() -> sites.SessionSite:
    return sites.grid_town(8)


def year(air_feed: ModuleType, town: sites.SessionSite) -> dict[str, ObservationBatch]:
    """One minute in each of 8760 hours, at every station."""
    batches: dict[str, list[ObservationBatch]] = {}
    for hour in range(0, 8760, 7):  # 7 and 24 share no factor: all hours of the day come
        start = MONDAY + timedelta(hours=hour)
        for batch in air_feed.simulate(site=town, start=start, end=start + timedelta(seconds=15), feedback=Silent()):
            batches.setdefault(batch.property.name, []).append(batch)
    return {
        name: ObservationBatch(
            property=parts[0].property,
            things=parts[0].things,
            thing=np.concatenate([part.thing for part in parts]),
            phenomenon_time_s=np.concatenate([part.phenomenon_time_s for part in parts]),
            results=np.concatenate([part.results for part in parts]),
        )
        for name, parts in batches.items()
    }


def test_levels_are_those_of_european_towns(air_feed: ModuleType, town: sites.SessionSite) -> None:
    """EEA, Europe's air quality status 2024: annual means at most stations 5–40 µg/m³ NO2 and 5–25 µg/m³ PM2.5."""
    found = year(air_feed, town)
    assert {batch.property.unit for batch in found.values()} == {"ug/m3"}
    for name, mean_between, highest in (
        ("Nitrogen dioxide", (5, 40), 200),
        ("Fine dust (PM2.5)", (5, 25), 100),
    ):
        results = found[name].results
        assert np.isfinite(results).all()
        assert 0 < results.min() < results.max() < highest
        means = [results[found[name].thing == station].mean() for station in range(len(found[name].things))]
        assert mean_between[0] < min(means) < max(means) < mean_between[1]


def test_some_readings_are_over_the_limit_and_most_are_not(
    air_feed: ModuleType, air_encode: ModuleType, town: sites.SessionSite
) -> None:
    for name, batch in year(air_feed, town).items():
        over = (batch.results > air_encode.DAILY_LIMIT_UG_M3[name]).mean()
        assert 0.001 < over < 0.3, f"{name}: a demonstration needs all colours"


def test_the_limit_values_are_the_daily_ones_of_directive_2024_2881(air_encode: ModuleType) -> None:
    """Annex I, section 1, table 1: 1 day, not to be exceeded more than 18 times a calendar year."""
    assert air_encode.DAILY_LIMIT_UG_M3 == {"Nitrogen dioxide": 50.0, "Fine dust (PM2.5)": 25.0}


def test_rush_hours_of_working_days_are_worse_than_nights_and_sundays(air_feed: ModuleType) -> None:
    def level(day: int, hour: float) -> float:
        start = MONDAY + timedelta(days=day, hours=hour - 1.5)  # halfway between winter and summer time
        times = start.timestamp() + 7 * 86400 * np.arange(50.0)
        return float(air_feed.no2_levels(np.zeros(50, np.int32), times).mean())

    for day in range(5):
        assert level(day, 8) > 1.5 * level(day, 3)
        assert level(day, 17.5) > 1.5 * level(day, 3)
        assert level(day, 8) > 1.5 * level(6, 8)


def test_readings_change_like_air_and_not_like_dice(air_feed: ModuleType, town: sites.SessionSite) -> None:
    for batch in air_feed.simulate(site=town, start=MONDAY, end=MONDAY + timedelta(days=1), feedback=Silent()):
        for station in range(len(batch.things)):
            results = batch.results[batch.thing == station]
            assert np.abs(np.diff(results)).max() < 0.05 * results.max() + 0.2
            assert len(np.unique(results)) > 20


def test_stations_stand_at_street_corners_all_over_the_town(air_feed: ModuleType, town: sites.SessionSite) -> None:
    batch = air_feed.simulate(site=town, start=MONDAY, end=MONDAY + timedelta(seconds=15), feedback=Silent())[0]
    places = np.array([thing.position for thing in batch.things])
    assert len({thing.id for thing in batch.things}) == 24
    np.testing.assert_allclose(places[:, 2], sites.slope(places) + 2.5, atol=0.5)
    corner = np.round((places[:, :2] - (sites.WEST, sites.SOUTH)) / sites.BLOCK_M) * sites.BLOCK_M
    off = np.abs(places[:, :2] - (sites.WEST, sites.SOUTH) - corner)
    assert np.hypot(*off.T) == pytest.approx(7.0)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    assert apart[apart > 0].min() > sites.BLOCK_M * 0.9
    assert np.ptp(places[:, :2], axis=0).min() > 0.8 * 8 * sites.BLOCK_M


@pytest.fixture(scope="module")
def shown(air_feed: ModuleType, air_encode: ModuleType, town: sites.SessionSite) -> tuple[ObservationFrame, list]:
    store = ObservationStore(period_s=15.0)
    for batch in air_feed.simulate(site=town, start=MONDAY, end=MONDAY + timedelta(minutes=2), feedback=Silent()):
        store.append(batch)
    frame = store.latest_at(MONDAY + timedelta(minutes=1), "Nitrogen dioxide")
    assert frame is not None
    return frame, list(air_encode.show_against_limit(frames=[frame], site=town))


@pytest.fixture(scope="module")
def beside_stations(shown: tuple[ObservationFrame, list], air_encode: ModuleType) -> sites.SessionSite:
    stations = shown[0].positions
    away_m = np.array([[20.0, 0, 0], [0, air_encode.REACH_M - 3, 0], [0, -air_encode.REACH_M - 3, 0]])
    return sites.site(buildings=sites.houses_at((stations[:, None] + away_m).reshape(-1, 3)[:, :2]))


def test_pins_and_labels_stand_at_the_stations_and_say_their_reading(shown: tuple[ObservationFrame, list]) -> None:
    frame, (_, pins, labels) = shown
    assert isinstance(pins, PlaceGlyphs)
    assert isinstance(labels, Labels)
    np.testing.assert_array_equal(pins.positions, frame.positions)
    np.testing.assert_array_equal(pins.values, frame.results)
    assert labels.texts == [f"{value:.0f} µg/m³" for value in frame.results]
    assert (labels.positions[:, 2] > frame.positions[:, 2]).all()
    assert pins.scale is not None
    assert pins.scale.ticks[1] == (50.0, "daily limit 50")
    assert "simulated" in pins.scale.title


def test_buildings_near_stations_are_tinted_and_others_are_not(
    shown: tuple[ObservationFrame, list], air_encode: ModuleType, beside_stations: sites.SessionSite
) -> None:
    """Each station has a house 20 m from it, one 3 m within its reach and one 3 m beyond; the last is a tree."""
    frame, town = shown[0], beside_stations
    tint, _, _ = air_encode.show_against_limit(frames=[frame], site=town)
    assert isinstance(tint, ColourObjects)
    assert len(tint.object_ids) == 2 * len(frame.things)
    centres = dict(zip(town.city_objects.ids, town.city_objects.positions, strict=True))
    kinds = dict(zip(town.city_objects.ids, town.city_objects.types, strict=True))
    assert {kinds[each] for each in tint.object_ids} == {"Building"}
    nearest = {
        each: float(np.linalg.norm(frame.positions[:, :2] - centres[each][:2], axis=1).min()) for each in centres
    }
    reach_m = air_encode.REACH_M
    assert set(tint.object_ids) == {each for each in centres if nearest[each] < reach_m and kinds[each] == "Building"}
    assert frame.results.min() <= tint.values.min()
    assert tint.values.max() <= frame.results.max()
    closest = min(tint.object_ids, key=nearest.__getitem__)
    at = int(np.linalg.norm(frame.positions[:, :2] - centres[closest][:2], axis=1).argmin())
    spread = np.ptp(frame.results)
    assert abs(tint.values[list(tint.object_ids).index(closest)] - frame.results[at]) < 0.5 * spread

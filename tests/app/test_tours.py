from __future__ import annotations

import json
import math
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.plugins import sites
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.tour_playing import TourPhase, TourState
from twinviewer.app.tours import Tour, TourStop, instant_of, placed, read_tour, tour_of
from twinviewer.model.errors import PluginError
from twinviewer.model.project import Bookmark, Project, Viewpoint
from twinviewer.resources import bundled_plugins

HARBOUR = Viewpoint(position=(1.0, 2.0, 3.0), target=(4.0, 5.0, 6.0))
PROJECT = Project(crs=sites.UTM, bookmarks=(Bookmark(title="Harbour", viewpoint=HARBOUR),))


def tour(*stops: dict[str, object], **more: object) -> Tour:
    return Tour.model_validate_json(
        json.dumps({"format": "twinviewer-tour", "version": 1, "stops": list(stops), **more})
    )


@pytest.fixture(scope="module")
def town() -> sites.SessionSite:
    return sites.grid_town(5)


# ---- where


def test_places_relative_to_the_city_are_shares_of_its_extent_and_metres_above_its_ground(town):
    (stop,) = placed(tour({"camera": {"position": [0, 0.5, 100], "target": [1, 0.5, 10]}}), site=town, project=PROJECT)
    side = 5 * sites.BLOCK_M
    assert stop.view.position == pytest.approx((sites.WEST, sites.SOUTH + side / 2, 140.0))
    assert stop.view.target == pytest.approx((sites.WEST + side, sites.SOUTH + side / 2, 40 - 0.03 * side + 10))


def test_an_object_is_looked_at_from_where_the_stop_says(town):
    identifier = town.city_objects.ids[7]
    stop = {"object": {"id": identifier, "heading_deg": 90, "pitch_deg": -30, "distance_m": 200}}
    (found,) = placed(tour(stop), site=town, project=PROJECT)
    assert found.view.target == pytest.approx(tuple(town.city_objects.positions[7]))
    west, north, up = (a - b for a, b in zip(found.view.position, found.view.target, strict=True))
    assert (west, north, up) == pytest.approx((-200 * math.cos(math.radians(30)), 0.0, 100.0), abs=1e-6)


def test_stops_that_this_city_does_not_have_are_left_out(town):
    near = [sites.WEST + 50, sites.SOUTH + 50, 30]
    far = {"position": [0, 0, 100], "target": [10, 10, 0], "relative_to": "crs"}
    stops = (
        {"object": {"id": "no-such-building"}},
        {"bookmark": "No such place"},
        {"bookmark": "Harbour"},
        {"camera": far},
        {"camera": {"position": [*near[:2], 90], "target": near, "relative_to": "crs"}},
        {"view": "top"},
        {"caption": "Where we are."},
    )
    found = placed(tour(*stops, crs="EPSG:25832"), site=town, project=PROJECT)
    assert [stop.view for stop in found] == [
        HARBOUR,
        Viewpoint(position=(near[0], near[1], 90.0), target=tuple(near)),
        "top",
        None,
    ]
    elsewhere = placed(tour(*stops, crs="EPSG:25833"), site=town, project=PROJECT)
    assert [stop.view for stop in elsewhere] == [HARBOUR, "top", None]


# ---- when


@pytest.mark.parametrize(
    ("stop", "expected"),
    [
        ({"time_of_day": "12:00"}, "2026-03-02T11:00:00"),  # the sun is an hour earlier at 15° east
        ({"time_of_day": "00:30"}, "2026-03-01T23:30:00"),
        ({"time_of_day": "06:15", "day": "06-21"}, "2026-06-21T05:15:00"),
        ({"time_of_day": "06:15", "day": "02-29"}, "2026-02-28T05:15:00"),
        ({"instant": "2030-01-01T10:00:00+02:00"}, "2030-01-01T08:00:00"),
    ],
)
def test_times_of_day_are_by_the_sun_of_the_place(stop, expected):
    shown = datetime(2026, 3, 1, 23, 30, tzinfo=UTC)  # 00:30 on the second of March at 15° east
    found = instant_of(TourStop.model_validate_json(json.dumps(stop)), shown=shown, longitude_deg=15.0)
    assert found == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_stop_that_says_nothing_of_time_leaves_it():
    assert instant_of(TourStop(), shown=datetime(2026, 1, 1, tzinfo=UTC), longitude_deg=0.0) is None


# ---- files


@pytest.mark.parametrize(
    "stop",
    [
        {"view": "from-mars"},
        {"view": "top", "bookmark": "Harbour"},
        {"time_of_day": "24:00"},
        {"time_of_day": "9:00"},
        {"day": "06-21"},
        {"time_of_day": "09:00", "instant": "2030-01-01T10:00:00Z"},
        {"instant": "2030-01-01T10:00:00"},
        {"time_of_day": "09:00", "day": "04-31"},
        {"hold_s": 0},
        {"hold_s": "long"},
        {"flight_s": 1e9},
        {"camera": {"position": [0, 0], "target": [1, 1, 1]}},
        {"camera": {"position": [0, 0, 1e300], "target": [1, 1, 1]}},
        {"script": "import os"},
    ],
)
def test_a_file_that_does_not_fit_is_refused_with_the_place_of_its_fault(tmp_path: Path, stop):
    path = tmp_path / "tour.json"
    path.write_text(json.dumps({"format": "twinviewer-tour", "version": 1, "stops": [{}, stop]}))
    with pytest.raises(PluginError, match=r"stops\.2") as failure:
        read_tour(path)
    assert failure.value.source == str(path)


@pytest.mark.parametrize("text", ["", "[]", "{}", "[" * 100_000, '{"stops": []}', " " * 600_000, "\x00"])
def test_what_is_no_tour_at_all_is_refused(tmp_path: Path, text):
    path = tmp_path / "tour.json"
    path.write_text(text)
    with pytest.raises(PluginError):
        read_tour(path)


def test_a_tour_is_found_by_its_id(tmp_path: Path):
    home = tmp_path / "plugins" / "guide"
    home.mkdir(parents=True)
    (home / "plugin.toml").write_text(
        'api = 1\nid = "guide"\nname = "Guide"\nversion = "1"\nlicence = "CC0-1.0"\n'
        '[[tours]]\nid = "guide.short"\ntitle = "Short"\nfile = "short.json"\n'
    )
    text = json.dumps({"format": "twinviewer-tour", "version": 1, "stops": [{"title": "Here"}]})
    (home / "short.json").write_text(text)
    registry = PluginRegistry(folders=[tmp_path / "plugins"])
    assert tour_of(registry, "guide.short").stops[0].title == "Here"
    with pytest.raises(PluginError):
        tour_of(registry, "guide.gone")


def test_the_tours_that_ship_can_be_read_and_have_a_place_in_any_city(town):
    registry = PluginRegistry(folders=[bundled_plugins()])
    overlays = {overlay.id for overlay in registry.overlays}
    assert registry.tours
    for contribution in registry.tours:
        shipped = tour_of(registry, contribution.id)
        assert placed(shipped, site=town, project=PROJECT)
        assert {name for stop in shipped.stops for name in stop.overlays} <= overlays


# ---- playing


def test_a_tour_goes_from_stop_to_stop_by_itself_and_ends():
    state = TourState(holds_s=(5.0, 3.0))
    seen = []
    for _ in range(12):
        state = state.arrived().after(1.0)
        seen.append((state.at, state.phase is TourPhase.STAYING, state.stayed_s))
        if state.phase is TourPhase.ENDED:
            break
    assert seen == [
        (0, True, 1), (0, True, 2), (0, True, 3), (0, True, 4), (1, False, 0),
        (1, True, 1), (1, True, 2), (1, False, 3),
    ]  # fmt: skip
    assert state.phase is TourPhase.ENDED


def test_time_on_the_way_does_not_count_and_none_goes_by_while_paused():
    state = TourState(holds_s=(5.0,)).after(100.0)
    assert (state.phase, state.stayed_s) == (TourPhase.TRAVELLING, 0.0)
    state = state.arrived().after(2.0).paused().after(100.0)
    assert (state.phase, state.stayed_s) == (TourPhase.PAUSED, 2.0)
    state = state.played()
    assert (state.phase, state.stayed_s, state.trips) == (TourPhase.TRAVELLING, 2.0, 2)
    assert state.arrived().after(3.0).phase is TourPhase.ENDED


def test_a_loop_goes_around_in_both_directions():
    state = TourState(holds_s=(1.0, 1.0, 1.0), loop=True)
    assert state.previous().at == 2
    assert state.to(2).next().at == 0
    assert state.to(2).arrived().after(1.0).at == 0


STEPS = {
    "arrived": lambda s: s.arrived(),
    "after": lambda s: s.after(0.7),
    "paused": lambda s: s.paused(),
    "played": lambda s: s.played(),
    "next": lambda s: s.next(),
    "previous": lambda s: s.previous(),
    "stopped": lambda s: s.stopped(),
}


@given(
    holds=st.lists(st.floats(0.5, 4), min_size=1, max_size=5),
    loop=st.booleans(),
    steps=st.lists(st.sampled_from(sorted(STEPS)), max_size=40),
)
def test_whatever_is_pressed_the_tour_is_at_one_of_its_stops_and_every_way_is_told(holds, loop, steps):
    state = TourState(holds_s=tuple(holds), loop=loop)
    for step in steps:
        before, state = state, STEPS[step](state)
        assert 0 <= state.at < len(holds)
        assert 0.0 <= state.progress <= 1.0
        assert state.trips - before.trips in (0, 1)
        began_a_way = state.phase is TourPhase.TRAVELLING and before.phase is not TourPhase.TRAVELLING
        if state.at != before.at or began_a_way:
            assert state.trips == before.trips + 1
        if step == "paused":
            assert not state.is_running

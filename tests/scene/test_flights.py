"""Flights: they begin and end where they should, never lurch, and take no longer than they may."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinviewer.model.project import Viewpoint
from twinviewer.scene import flights, navigation
from twinviewer.scene.navigation import Limits

coordinates = st.tuples(st.floats(0, 5000), st.floats(0, 5000), st.floats(0, 100))
viewpoints = st.builds(
    lambda target, heading, pitch, distance: Viewpoint(
        position=tuple(np.asarray(target) - distance * navigation.direction_to(heading, pitch)), target=target
    ),
    coordinates,
    st.floats(0, 360),
    st.floats(-89, 30),
    st.floats(10, 5000),
)


@given(viewpoints, viewpoints)
def test_a_flight_begins_and_ends_exactly_and_is_continuous_at_both(start, end):
    assert flights.flight(start, end, 0) == start
    assert flights.flight(start, end, 1) == end
    assert flights.flight(start, end, 1e-6).position == pytest.approx(start.position, abs=0.1)
    assert flights.flight(start, end, 1 - 1e-6).position == pytest.approx(end.position, abs=0.1)


@given(viewpoints, viewpoints)
def test_a_flight_takes_no_longer_than_it_may(start, end):
    assert 0.25 <= flights.flight_seconds(start, end) <= 2.0


def test_a_far_flight_climbs_to_keep_the_way_in_view():
    start = Viewpoint(position=(0.0, -100.0, 100.0), target=(0.0, 0.0, 0.0))
    end = Viewpoint(position=(5000.0, -100.0, 100.0), target=(5000.0, 0.0, 0.0))
    heights = [flights.flight(start, end, fraction).position[2] for fraction in np.linspace(0, 1, 21)]
    assert max(heights) == heights[10] > 1000


@given(viewpoints, viewpoints)
def test_the_path_is_as_smooth_as_van_wijk_promises(start, end):
    """Along the path, (du/w)² + (dw/w)²/ρ⁴ is constant but for the easing: nothing rushes past."""
    path = flights._Path(start, end)
    shares, heights = np.array([path.at(fraction) for fraction in np.linspace(0, 1, 2001)]).T
    way = shares * math.dist(start.target, end.target)
    speed = np.hypot(np.diff(way) / heights[1:], np.diff(heights) / heights[1:] / 2)
    if speed.max() > 1e-6:
        assert speed.min() == pytest.approx(speed.max(), rel=0.1)


def test_a_flight_turns_the_shorter_way():
    start = Viewpoint(position=(0.0, 0.0, 0.0), target=tuple(100 * navigation.direction_to(350, 0)))
    end = Viewpoint(position=(0.0, 0.0, 0.0), target=tuple(100 * navigation.direction_to(20, 0)))
    headings = [navigation.heading_deg(flights.flight(start, end, fraction)) for fraction in (0.25, 0.5, 0.75)]
    assert [(heading - 350) % 360 for heading in headings] == sorted((heading - 350) % 360 for heading in headings)
    assert headings[1] == pytest.approx(5, abs=0.01)


def test_a_flight_to_a_plan_view_ends_in_parallel():
    start = Viewpoint(position=(0.0, -500.0, 300.0), target=(0.0, 0.0, 0.0))
    end = replace(start, parallel=True, parallel_height_m=400.0)
    halfway = flights.flight(start, end, 0.5)
    assert halfway.parallel
    assert halfway.parallel_height_m == pytest.approx(412, rel=0.05)


def test_coasting_starts_at_the_speed_of_the_hand_and_rests_after_400_ms():
    assert flights.coast(1000, 0) == 0
    assert flights.coast(1000, 0.001) == pytest.approx(1, rel=0.01)
    assert flights.coast(1000, 0.4) == flights.coast(1000, 5) == pytest.approx(133.3, rel=0.01)


def test_the_orbit_tour_comes_back_to_where_it_began():
    limits = Limits(ground_height=lambda x, y: 0.0)
    start = Viewpoint(position=(0.0, -500.0, 300.0), target=(0.0, 0.0, 10.0))
    assert flights.orbit_tour(start, 0.25, limits=limits).position == pytest.approx((-500, 0, 300), abs=1e-6)
    assert flights.orbit_tour(start, 1.0, limits=limits).position == pytest.approx(start.position, abs=1e-6)

"""Vehicles drive as vehicles do: on the right, on streets, not too fast, and without jumps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from types import ModuleType

import numpy as np
import pytest

from tests.plugins import sites
from twinviewer.model.errors import FeedError
from twinviewer.model.feedback import Silent
from twinviewer.model.observation import MovementBatch

MONDAY_8 = datetime(2026, 6, 1, 6, 30, tzinfo=UTC)
BLOCKS = 9
STEP_S = 0.5
SIDE_M = BLOCKS * sites.BLOCK_M


@pytest.fixture(scope="module")
def town() -> sites.SessionSite:
    return sites.grid_town(BLOCKS)


@pytest.fixture(scope="module")
def drive(traffic_feed: ModuleType, town: sites.SessionSite) -> MovementBatch:
    """Two minutes of a Monday morning."""
    (batch,) = traffic_feed.simulate(site=town, start=MONDAY_8, end=MONDAY_8 + timedelta(minutes=2), feedback=Silent())
    return batch


def tracks(batch: MovementBatch) -> list[np.ndarray]:
    """Return, per vehicle, its samples as rows of time, x, y, z, heading and speed."""
    table = np.column_stack((batch.time_s, batch.positions, batch.heading_deg, batch.speed_m_s))
    found = [table[batch.object == index] for index in range(len(batch.ids))]
    return [track for track in found if len(track)]


def off_street_m(xy: np.ndarray) -> np.ndarray:
    """Distance (n,) to the nearest axis of the grid's streets: closed form."""
    inside = np.clip(xy - (sites.WEST, sites.SOUTH), 0, SIDE_M)
    beyond = np.abs(xy - (sites.WEST, sites.SOUTH) - inside)
    to_line = np.abs(inside - np.round(inside / sites.BLOCK_M) * sites.BLOCK_M)
    first = np.hypot(beyond[:, 0] + to_line[:, 0], beyond[:, 1])
    second = np.hypot(beyond[:, 1] + to_line[:, 1], beyond[:, 0])
    return np.minimum(first, second)


def test_hundreds_of_vehicles_are_on_the_road(drive: MovementBatch) -> None:
    assert 200 <= len(tracks(drive)) <= 400
    assert 5 <= sum(name.startswith("bus") for name in drive.ids) <= 40
    assert len(set(drive.ids)) == len(drive.ids)


def test_vehicles_stay_on_the_streets(drive: MovementBatch) -> None:
    """Within the half width of the carriageway; in bends a driver cuts the corner a little."""
    off = off_street_m(drive.positions[:, :2])
    assert off.max() < sites.WIDTH_M / 2 + 1.0
    assert np.percentile(off, 99) < sites.WIDTH_M / 2


def test_they_drive_on_the_right(drive: MovementBatch) -> None:
    """Along a street and away from crossings, the axis lies to the left of the direction of travel."""
    local = drive.positions[:, :2] - (sites.WEST, sites.SOUTH)
    offset = local - np.round(local / sites.BLOCK_M) * sites.BLOCK_M
    along_x = (np.abs(offset[:, 0]) > 20) & (np.abs(offset[:, 1]) < 10)
    along_y = (np.abs(offset[:, 1]) > 20) & (np.abs(offset[:, 0]) < 10)
    heading = np.radians(drive.heading_deg)
    right = np.column_stack((np.cos(heading), -np.sin(heading)))
    assert along_x.sum() > 1000
    assert along_y.sum() > 1000
    assert ((offset[along_x, 1] * right[along_x, 1]) > 0.5).all()
    assert ((offset[along_y, 0] * right[along_y, 0]) > 0.5).all()


def test_nobody_is_faster_than_the_street_allows(drive: MovementBatch) -> None:
    local = drive.positions[:, :2] - (sites.WEST, sites.SOUTH)
    number = np.round(local / sites.BLOCK_M)
    to_line = np.abs(local - number * sites.BLOCK_M)
    away_from_crossings = to_line.max(axis=1) > 25
    street = np.where(to_line[:, 0] < to_line[:, 1], number[:, 0], number[:, 1]).astype(int)
    limit = np.where(street % 3 == 0, sites.SPEED_KM_H["primary"], sites.SPEED_KM_H["residential"]) / 3.6
    assert (drive.speed_m_s[away_from_crossings] <= limit[away_from_crossings] * 1.001).all()
    assert drive.speed_m_s.max() <= 50 / 3.6 * 1.001
    assert drive.speed_m_s.min() > 0


def test_between_two_samples_nobody_jumps(drive: MovementBatch) -> None:
    for track in tracks(drive):
        np.testing.assert_allclose(np.diff(track[:, 0]), STEP_S)
        step = np.linalg.norm(np.diff(track[:, 1:3], axis=0), axis=1)
        assert step.max() <= 50 / 3.6 * STEP_S * 1.05
        mean_speed = 0.5 * (track[1:, 5] + track[:-1, 5])
        np.testing.assert_allclose(step / STEP_S, mean_speed, atol=1.5)
        assert np.abs(np.diff(track[:, 5])).max() / STEP_S < 4.0, "m/s²: nobody brakes like that"


def test_vehicles_look_where_they_go(drive: MovementBatch) -> None:
    for track in tracks(drive):
        step = np.diff(track[:, 1:3], axis=0)
        moving = np.linalg.norm(step, axis=1) > 0.5
        course = np.degrees(np.arctan2(step[:, 0], step[:, 1]))[moving]
        middle = track[:-1, 4] + 0.5 * ((np.diff(track[:, 4]) + 180) % 360 - 180)
        off = np.abs((middle[moving] - course + 180) % 360 - 180)
        assert off.max() < 20


def test_vehicles_drive_on_the_ground(drive: MovementBatch) -> None:
    np.testing.assert_allclose(drive.positions[:, 2], sites.slope(drive.positions[:, :2]), atol=0.3)


def test_nights_are_quieter_than_mornings(traffic_feed: ModuleType, town: sites.SessionSite) -> None:
    def driving(at: datetime) -> int:
        (batch,) = traffic_feed.simulate(site=town, start=at, end=at + timedelta(seconds=1), feedback=Silent())
        return len(np.unique(batch.object))

    assert driving(MONDAY_8 + timedelta(hours=18)) < 0.6 * driving(MONDAY_8)
    assert driving(MONDAY_8 + timedelta(days=5)) <= driving(MONDAY_8)


def test_vehicles_leave_the_road_one_by_one(traffic_feed: ModuleType, town: sites.SessionSite) -> None:
    (batch,) = traffic_feed.simulate(
        site=town,
        start=MONDAY_8 + timedelta(hours=12),
        end=MONDAY_8 + timedelta(hours=12, minutes=10),
        feedback=Silent(),
    )
    counts = [len(np.unique(batch.object[batch.time_s == time])) for time in np.unique(batch.time_s)]
    assert np.abs(np.diff(counts)).max() <= 2


def test_footpaths_and_squares_are_not_for_cars(traffic_feed: ModuleType) -> None:
    square = sites.grid_streets(3)
    lines = [square.line_vertices[a:b] for a, b in zip(square.line_offsets, square.line_offsets[1:], strict=False)]
    for kind in ("footway", "square", "promenade", "steps"):
        place = sites.site(streets=sites.street_table(lines, [kind] * len(lines)))
        with pytest.raises(FeedError, match="no streets"):
            traffic_feed.simulate(site=place, start=MONDAY_8, end=MONDAY_8 + timedelta(seconds=1), feedback=Silent())


def test_without_streets_it_says_what_to_do(traffic_feed: ModuleType) -> None:
    with pytest.raises(FeedError, match="no streets") as caught:
        traffic_feed.simulate(site=sites.site(), start=MONDAY_8, end=MONDAY_8 + timedelta(seconds=1), feedback=Silent())
    assert "streets" in caught.value.cure


# --- the network --------------------------------------------------------------------------------------------------


def line(*points: tuple[float, float]) -> np.ndarray:
    return np.array([(x, y, 0.0) for x, y in points], float)


RING = [line((0, 0), (100, 0)), line((100, 0), (100, 100)), line((100, 100), (0, 100)), line((0, 100), (0, 0))]


def test_streets_that_cross_at_a_common_vertex_meet_there(traffic_network: ModuleType) -> None:
    network = traffic_network.network_of(sites.grid_streets(4))
    assert len(network.leaving) == 25
    assert len(network.edges) == 2 * 4 * 5
    assert sorted({len(arcs) for arcs in network.leaving}) == [2, 3, 4]


def test_dead_ends_are_left_out_where_one_can_drive_round(traffic_network: ModuleType) -> None:
    branch = [line((100, 0), (300, 0)), line((300, 0), (350, 50))]
    network = traffic_network.network_of(sites.street_table([*RING, *branch], ["residential"] * 6))
    assert len(network.edges) == 4


def test_where_there_are_only_dead_ends_one_turns_round(traffic_feed: ModuleType) -> None:
    place = sites.site(streets=sites.street_table([line((0, 0), (200, 0))], ["residential"]))
    (batch,) = traffic_feed.simulate(
        site=place, start=MONDAY_8, end=MONDAY_8 + timedelta(seconds=30), feedback=Silent()
    )
    assert len(batch.object)
    assert np.abs(batch.positions[:, 1]).max() < 12


def test_ends_that_nearly_touch_meet(traffic_network: ModuleType) -> None:
    loose = [each + np.array([0.1 * number, 0.1, 0.0]) for number, each in enumerate(RING)]
    network = traffic_network.network_of(sites.street_table(loose, ["residential"] * 4))
    assert len(network.leaving) == 4


def test_of_two_networks_the_one_with_more_street_counts(traffic_network: ModuleType) -> None:
    small = [each * 0.5 + np.array([1000.0, 0.0, 0.0]) for each in RING]
    network = traffic_network.network_of(sites.street_table([*small, *RING], ["residential"] * 8))
    assert sum(edge.length_m for edge in network.edges) == pytest.approx(400)

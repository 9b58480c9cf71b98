"""Where moving objects were in the last seconds, against motions known in closed form."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.live.wall_clock import NOON
from twinviewer.live.movement import TRAIL_POINTS
from twinviewer.live.store import ObservationStore
from twinviewer.model.observation import MovementBatch, MovementFrame

T0 = NOON.timestamp()


def straight(name: str, times: np.ndarray, *, speed_m_s: float) -> MovementBatch:
    """East along the axis: at ``speed × seconds since noon``."""
    n = len(times)
    return MovementBatch(
        ids=(name,),
        object=np.zeros(n, np.int32),
        time_s=times,
        positions=np.column_stack(((times - T0) * speed_m_s, np.zeros(n), np.full(n, 7.0))),
        heading_deg=np.full(n, 90.0),
        speed_m_s=np.full(n, speed_m_s),
    )


def frame_at(store: ObservationStore, seconds: float) -> MovementFrame:
    frame = store.movement_at(NOON + timedelta(seconds=seconds))
    assert frame is not None
    return frame


@given(trail_s=st.floats(0.5, 600.0), after_s=st.floats(0.0, 50.0))
def test_a_trail_leads_from_where_it_was_to_where_it_is(trail_s: float, after_s: float) -> None:
    store = ObservationStore(period_s=1.0, trail_s=trail_s)
    store.append(straight("a", T0 + np.arange(-700.0, 60.0), speed_m_s=3.0))
    frame = frame_at(store, after_s)
    (trail,) = frame.trails
    assert len(trail) <= TRAIL_POINTS
    np.testing.assert_array_equal(trail[-1], frame.positions[0])
    assert trail[-1, 0] == pytest.approx(3.0 * after_s, abs=1e-5)
    steps = np.diff(trail[:, 0])
    assert (steps >= 0).all()
    assert steps[:-1] == pytest.approx(np.full(len(steps) - 1, steps[:-1].mean() if len(steps) > 1 else 0), abs=1e-4)
    step_m = 3.0 * max(trail_s / (TRAIL_POINTS - 2), 0.25)
    reach_m = trail[-1, 0] - trail[0, 0]
    assert 3.0 * trail_s - step_m - 1e-4 <= reach_m <= 3.0 * trail_s + step_m + 1e-4
    assert (trail[:, 2] == 7.0).all()


def test_points_of_a_trail_stay_where_they_are_while_the_object_moves_on() -> None:
    store = ObservationStore(period_s=4.0, trail_s=20.0)
    store.append(straight("a", T0 + np.arange(-60.0, 60.0, 2.0), speed_m_s=1.0))
    here, on = frame_at(store, 10.1).trails[0], frame_at(store, 10.6).trails[0]
    np.testing.assert_array_equal(here[:-1], on[:-1])
    assert (here[-1, 0], on[-1, 0]) == (pytest.approx(10.1, abs=1e-5), pytest.approx(10.6, abs=1e-5))
    later = frame_at(store, 11.1).trails[0]
    np.testing.assert_array_equal(later[:-2], here[1:-1])


def test_where_it_was_nowhere_there_is_no_trail() -> None:
    store = ObservationStore(period_s=1.0, trail_s=8.0)
    store.append(straight("old", T0 + np.arange(-30.0, 30.0), speed_m_s=1.0))
    assert frame_at(store, 5.1).trails.shape[0] == 1
    store.append(straight("new", T0 + np.arange(3.0, 30.0), speed_m_s=2.0))
    frame = frame_at(store, 5.1)
    assert frame.ids == ("old", "new")
    old, new = frame.trails
    assert np.isfinite(old).all()
    there = np.isfinite(new).all(axis=1)
    assert not there[0]
    assert there[-8:].all(), "two seconds of it, in quarters"
    assert new[there][0, 0] == pytest.approx(6.0)


def test_what_comes_late_corrects_the_trail() -> None:
    store = ObservationStore(period_s=1.0, trail_s=8.0)
    store.append(straight("a", T0 + np.concatenate((np.arange(-20.0, -4.0), np.arange(1.0, 20.0))), speed_m_s=1.0))
    assert np.isnan(frame_at(store, 5.0).trails[0]).any(), "a gap of five seconds"
    store.append(straight("a", T0 + np.arange(-4.0, 1.0), speed_m_s=1.0))
    trail = frame_at(store, 5.0).trails[0]
    assert trail[0, 0] == pytest.approx(-3.0, abs=0.26)
    assert np.isfinite(trail).all()


def test_scrubbing_back_and_forth_shows_the_same() -> None:
    store = ObservationStore(period_s=1.0, trail_s=8.0)
    store.append(straight("a", T0 + np.arange(-200.0, 200.0), speed_m_s=1.0))
    first = frame_at(store, 50.3).trails
    frame_at(store, -90.0)
    np.testing.assert_array_equal(frame_at(store, 50.3).trails, first)


def test_without_a_wish_for_trails_there_are_none_and_forgotten_objects_leave_none() -> None:
    store = ObservationStore(period_s=1.0)
    store.append(straight("a", T0 + np.arange(10.0), speed_m_s=1.0))
    assert frame_at(store, 5.0).trails.shape == (0, 0, 3)
    crowd = ObservationStore(period_s=1.0, trail_s=3.0, max_things=2)
    for number in range(4):
        crowd.append(straight(f"{number}", T0 + np.arange(-9.0, 5.0 + number), speed_m_s=float(number)))
        frame_at(crowd, 2.0)
    frame = frame_at(crowd, 2.0)
    assert frame.ids == ("2", "3")
    np.testing.assert_allclose(frame.trails[:, -1, 0], [4.0, 6.0])
    np.testing.assert_allclose(frame.trails[:, -2, 0], [3.5, 5.25])

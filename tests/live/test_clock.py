from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.live.wall_clock import NOON, Wall
from twinviewer.live.clock import MAX_SPEED, MIN_SPEED, Clock, ClockMode

instants = st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 – hypothesis takes naive bounds
waits = st.floats(0, 1e6, allow_nan=False)


commands = st.lists(
    st.one_of(
        st.tuples(st.just("wait"), waits),
        st.tuples(st.just("pause")),
        st.tuples(st.just("play"), st.floats(-1, 1e6, allow_nan=False)),
        st.tuples(st.just("scrub"), instants),
        st.tuples(st.just("go_live")),
    ),
    max_size=12,
)


def clock_after(steps: list[tuple[object, ...]], wall: Wall) -> Clock:
    clock = Clock(wall=wall)
    for name, *arguments in steps:
        getattr(wall if name == "wait" else clock, str(name))(*arguments)
    return clock


@given(commands, waits, waits)
def test_between_commands_it_never_runs_backwards(
    steps: list[tuple[object, ...]], first_s: float, second_s: float
) -> None:
    wall = Wall()
    clock = clock_after(steps, wall)
    early, late = sorted((first_s, second_s))
    at = wall.now
    assert clock.now(at + timedelta(seconds=early)) <= clock.now(at + timedelta(seconds=late))


@given(commands)
def test_pausing_and_playing_do_not_jump(steps: list[tuple[object, ...]]) -> None:
    clock = clock_after(steps, Wall())
    shown = clock.now()
    clock.pause()
    assert clock.now() == shown
    clock.play(100)
    assert clock.now() == shown


@given(commands)
def test_the_speed_stays_within_its_limits_and_the_instant_in_utc(steps: list[tuple[object, ...]]) -> None:
    clock = clock_after(steps, Wall())
    assert MIN_SPEED <= clock.speed <= MAX_SPEED
    assert clock.now().tzinfo is UTC


@given(st.floats(MIN_SPEED, MAX_SPEED), st.floats(0, 1e5))
def test_playing_moves_speed_times_the_time_that_passed(speed: float, seconds: float) -> None:
    wall = Wall()
    clock = Clock(wall=wall)
    clock.play(speed)
    wall.wait(seconds)
    assert (clock.now() - NOON).total_seconds() == pytest.approx(speed * seconds, abs=1e-6 * (1 + speed))


def test_it_starts_live_and_follows_the_wall_clock() -> None:
    wall = Wall()
    clock = Clock(wall=wall)
    wall.wait(5)
    assert (clock.mode, clock.now(), clock.rate) == (ClockMode.LIVE, NOON + timedelta(seconds=5), 1.0)


def test_scrubbing_while_live_shows_a_still_instant() -> None:
    wall = Wall()
    clock = Clock(wall=wall)
    clock.scrub(NOON - timedelta(days=1))
    wall.wait(60)
    assert (clock.mode, clock.now(), clock.rate) == (ClockMode.PAUSED, NOON - timedelta(days=1), 0.0)


def test_scrubbing_while_playing_plays_on_from_there() -> None:
    wall = Wall()
    clock = Clock(wall=wall)
    clock.play(60)
    clock.scrub(NOON - timedelta(days=1))
    wall.wait(60)
    assert clock.now() == NOON - timedelta(days=1) + timedelta(hours=1)


def test_the_same_instant_in_another_zone_is_the_same_instant() -> None:
    clock = Clock(wall=Wall())
    clock.scrub(datetime(2026, 6, 1, 14, tzinfo=timezone(timedelta(hours=2))))
    assert clock.now() == NOON


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="timezone-aware"):
        Clock(wall=Wall()).scrub(datetime(2026, 6, 1, 12))  # noqa: DTZ001 – on purpose


def test_a_wall_clock_that_is_set_back_does_not_move_a_playing_clock_before_its_start() -> None:
    wall = Wall()
    clock = Clock(wall=wall)
    clock.play(10)
    wall.wait(-3600)
    assert clock.now() == NOON


def test_playing_to_the_end_of_time_stops_there() -> None:
    wall = Wall()
    clock = Clock(wall=wall)
    clock.scrub(datetime(9999, 12, 31, tzinfo=UTC))
    clock.play(10_000)
    wall.wait(1e6)
    assert clock.now().year == 9999

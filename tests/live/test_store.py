from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinviewer.live.movement import between_headings
from twinviewer.live.store import ObservationStore
from twinviewer.model.observation import MovementBatch, ObservationBatch, ObservedProperty, Thing

START = datetime(2026, 6, 1, tzinfo=UTC)
START_S = START.timestamp()
NO2 = ObservedProperty(name="NO2", unit="ug/m3")
THINGS = tuple(Thing(id=f"thing-{i}", name="", position=(float(i), 0.0, 0.0)) for i in range(4))

rows = st.lists(
    st.tuples(st.integers(0, 3), st.integers(0, 200)),
    unique=True,
    min_size=1,
    max_size=60,
)
"""(thing, second): what was measured is a function of both, so that a row that comes twice says the same."""


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def readings(items: Sequence[tuple[int, float]], *, results: Sequence[float] | None = None) -> ObservationBatch:
    thing, second = np.array([i for i, _ in items], dtype=np.int32), np.array([s for _, s in items], dtype=float)
    return ObservationBatch(
        property=NO2,
        things=THINGS,
        thing=thing,
        phenomenon_time_s=START_S + second,
        results=1000.0 * thing + second if results is None else np.array(results, dtype=float),
    )


def drive(ids: tuple[str, ...], samples: Sequence[tuple[int, float, float, float]]) -> MovementBatch:
    """Samples of (object, second, x, heading)."""
    table = np.array(samples, dtype=float).reshape(-1, 4)
    n = len(table)
    return MovementBatch(
        ids=ids,
        object=table[:, 0].astype(np.int32),
        time_s=START_S + table[:, 1],
        positions=np.column_stack((table[:, 2], np.zeros(n), np.zeros(n))),
        heading_deg=table[:, 3],
        speed_m_s=np.ones(n),
    )


@given(rows, st.floats(0, 250), st.randoms(use_true_random=False), st.integers(1, 7))
def test_the_latest_is_the_last_at_or_before_the_instant_however_rows_arrive(
    items: list[tuple[int, int]], second: float, random: object, chunk: int
) -> None:
    shuffled = [*items, *items[::3]]  # some arrive twice
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    store = ObservationStore(period_s=10)
    for first in range(0, len(shuffled), chunk):
        store.append(readings(shuffled[first : first + chunk]))
    frame = store.latest_at(at(second))
    assert frame is not None
    for row, thing in enumerate(frame.things):
        index = int(thing.id.removeprefix("thing-"))
        before = [s for i, s in items if i == index and s <= second]
        if before:
            assert frame.results[row] == 1000 * index + max(before)
            assert frame.age_s[row] == pytest.approx(second - max(before), abs=1e-5)
        else:
            assert np.isnan(frame.results[row])
            assert np.isinf(frame.age_s[row])
        assert frame.stale[row] == (frame.age_s[row] > 20)


@given(rows, st.lists(st.floats(0, 250), min_size=2, max_size=5))
def test_what_is_latest_only_moves_forward(items: list[tuple[int, int]], seconds: list[float]) -> None:
    store = ObservationStore(period_s=10)
    store.append(readings(items))
    times = []
    for second in sorted(seconds):
        frame = store.latest_at(at(second))
        assert frame is not None
        times.append(second - np.where(np.isinf(frame.age_s), np.inf, frame.age_s))
    for early, late in pairwise(times):
        assert (late >= early - 1e-5).all()


def test_a_late_row_goes_to_history_and_does_not_become_the_latest() -> None:
    store = ObservationStore(period_s=10)
    store.append(readings([(0, 100)]))
    store.append(readings([(0, 50)]))
    assert store.latest_at(at(200)).results[0] == 100  # type: ignore[union-attr]
    assert store.latest_at(at(60)).results[0] == 50  # type: ignore[union-attr]


def test_a_second_row_of_the_same_time_is_a_correction() -> None:
    store = ObservationStore(period_s=10)
    store.append(readings([(0, 100)], results=[1.0]))
    store.append(readings([(0, 100)], results=[2.0]))
    assert store.latest_at(at(100)).results[0] == 2.0  # type: ignore[union-attr]


def covers(store: ObservationStore, start: datetime, end: datetime) -> bool:
    until_s = store.covered_until(start)
    return until_s is not None and until_s >= end.timestamp()


def test_memory_is_bounded_and_keeps_the_newest() -> None:
    store = ObservationStore(period_s=1, capacity=50)
    for second in range(0, 1000, 10):
        store.append(readings([(0, s) for s in range(second, second + 10)]))
    store.mark_covered(at(0), at(1000))
    assert store.latest_at(at(999.5)).results[0] == 999  # type: ignore[union-attr]
    assert store.latest_at(at(960)).results[0] == 960  # type: ignore[union-attr]
    assert np.isnan(store.latest_at(at(500)).results[0])  # type: ignore[union-attr]


def test_what_was_forgotten_is_no_longer_covered() -> None:
    store = ObservationStore(period_s=1, capacity=50)
    store.append(readings([(0, s) for s in range(90)]))
    store.mark_covered(at(0), at(90))
    assert covers(store, at(0), at(90))
    store.append(readings([(0, s) for s in range(90, 120)]))
    store.mark_covered(at(90), at(120))
    assert not covers(store, at(0), at(90))
    assert covers(store, at(100), at(120))


def test_looking_at_the_past_keeps_the_past() -> None:
    store = ObservationStore(period_s=1, capacity=50)
    store.append(readings([(0, s) for s in range(100_000, 100_100)]))
    store.keep_around(at(20))
    store.append(readings([(0, s) for s in range(40)]))
    assert store.latest_at(at(20)).results[0] == 20  # type: ignore[union-attr]


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=8), st.integers(0, 50), st.integers(1, 10))
def test_covered_means_every_second_was_marked(spans: list[tuple[int, int]], start: int, length: int) -> None:
    store = ObservationStore(period_s=1)
    for first, last in spans:
        store.mark_covered(at(first), at(last))
    marked = {second for first, last in spans for second in range(first, last)}
    assert covers(store, at(start), at(start + length)) == (set(range(start, start + length)) <= marked)


def test_properties_do_not_mix() -> None:
    store = ObservationStore(period_s=10)
    store.append(readings([(0, 1)]))
    dust = ObservedProperty(name="PM10", unit="ug/m3")
    store.append(
        ObservationBatch(
            property=dust,
            things=THINGS[:1],
            thing=np.zeros(1, np.int32),
            phenomenon_time_s=np.array([START_S + 1]),
            results=np.array([77.0]),
        )
    )
    assert [frame.property for frame in store.frames_at(at(5))] == [NO2, dust]  # type: ignore[union-attr]
    assert store.latest_at(at(5), "PM10").results.tolist() == [77.0]  # type: ignore[union-attr]
    assert store.latest_at(at(5), "NO2").results[0] == 1.0  # type: ignore[union-attr]


def test_a_thing_that_moves_house_is_drawn_at_its_new_place() -> None:
    store = ObservationStore(period_s=10)
    store.append(readings([(0, 1)]))
    moved = Thing(id="thing-0", name="", position=(9.0, 9.0, 9.0))
    store.append(
        ObservationBatch(
            property=NO2,
            things=(moved,),
            thing=np.zeros(1, np.int32),
            phenomenon_time_s=np.array([START_S + 2]),
            results=np.array([5.0]),
        )
    )
    frame = store.latest_at(at(5))
    assert frame is not None
    assert frame.positions[0].tolist() == [9.0, 9.0, 9.0]
    assert frame.results[0] == 5.0


def test_an_instant_before_everything_knows_nothing() -> None:
    store = ObservationStore(period_s=10)
    assert store.latest_at(at(0)) is None
    assert store.movement_at(at(0)) is None
    assert store.frames_at(at(0)) == ()


@given(
    st.lists(st.floats(0, 100), min_size=2, max_size=20, unique=True).map(sorted),
    st.floats(0, 100),
)
def test_positions_lie_on_the_line_between_the_samples_around_the_instant(seconds: list[float], second: float) -> None:
    store = ObservationStore(period_s=100)
    store.append(drive(("car",), [(0, s, 3 * s, 90) for s in seconds]))
    frame = store.movement_at(at(second))
    assert frame is not None
    shown_s = (at(second) - START).total_seconds()
    if shown_s < (START_S + seconds[0]) - START_S:
        assert frame.ids == ()
    else:
        assert frame.ids == ("car",)
        assert frame.positions[0, 0] == pytest.approx(3 * min(shown_s, seconds[-1]), abs=1e-4)


@given(st.floats(0, 360), st.floats(-179, 179), st.floats(0, 1))
def test_headings_turn_the_shorter_way_round(first: float, turn: float, share: float) -> None:
    heading = between_headings(np.array([first]), np.array([(first + turn) % 360]), np.array([share]))[0]
    assert 0 <= heading <= 360
    assert (heading - first - share * turn + 180) % 360 - 180 == pytest.approx(0, abs=1e-6)


def test_objects_without_samples_around_the_instant_vanish() -> None:
    store = ObservationStore(period_s=1)
    store.append(drive(("early", "late"), [(0, 0, 0, 0), (0, 1, 1, 0), (1, 50, 0, 0), (1, 51, 1, 0)]))
    assert store.movement_at(at(0.5)).ids == ("early",)  # type: ignore[union-attr]
    assert store.movement_at(at(20)).ids == ()  # type: ignore[union-attr]
    assert store.movement_at(at(50.5)).ids == ("late",)  # type: ignore[union-attr]


def test_an_object_is_nowhere_in_a_long_gap_of_its_own_samples() -> None:
    store = ObservationStore(period_s=1)
    store.append(drive(("car",), [(0, 0, 0, 0), (0, 30, 30, 0)]))
    assert store.movement_at(at(15)).ids == ()  # type: ignore[union-attr]
    assert store.movement_at(at(0)).ids == ("car",)  # type: ignore[union-attr]


def test_rows_that_are_no_numbers_are_left_out() -> None:
    store = ObservationStore(period_s=10)
    store.append(drive(("car",), [(0, 0, 0, 0), (0, 1, float("nan"), 0), (0, 2, 2, 0)]))
    assert store.movement_at(at(1)).positions[0, 0] == pytest.approx(1)  # type: ignore[union-attr]


def test_objects_heard_of_longest_ago_are_forgotten_first() -> None:
    store = ObservationStore(period_s=1000, max_things=3)
    for index in range(6):
        store.append(drive((f"car-{index}",), [(0, index, index, 0), (0, index + 100, index, 0)]))
    assert store.movement_at(at(50)).ids == ("car-3", "car-4", "car-5")  # type: ignore[union-attr]


def test_appending_from_many_threads_loses_nothing() -> None:
    store = ObservationStore(period_s=10)
    threads = [
        threading.Thread(target=lambda i=i: [store.append(readings([(i, s)])) for s in range(50)]) for i in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.latest_at(at(49)).results.tolist() == [49, 1049, 2049, 3049]  # type: ignore[union-attr]
    assert store.revision == 200

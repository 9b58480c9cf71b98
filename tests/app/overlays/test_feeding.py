"""Feeds are asked for what is needed, when it is needed; what they do wrong stays with them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.app.live_plugins import COUNTING, module_of, session_with, write_plugin
from tests.crowding import allowed_s
from tests.live.wall_clock import NOON, Wall
from twinviewer.app.overlays import feeding
from twinviewer.app.overlays.feeding import FIRST_PAUSE_S, LONGEST_PAUSE_S, Feeder, next_span
from twinviewer.app.plugins.failures import FAILURES_IN_A_ROW
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.site import site_of
from twinviewer.live.clock import Clock
from twinviewer.live.store import ObservationStore
from twinviewer.model.errors import FeedError, PluginError
from twinviewer.model.feedback import Cancelled
from twinviewer.model.observation import MovementBatch, ObservationBatch, ObservedProperty, Thing

PATIENCE_S = 20.0


@given(
    period_s=st.floats(0.05, 3600),
    rate=st.sampled_from([0.0, 1.0, 5.0, 60.0, 1000.0, 10_000.0]),
    behind_s=st.floats(-1e5, 1e6),
    knows_future=st.booleans(),
)
def test_asking_again_and_again_covers_what_is_needed_once(
    period_s: float, rate: float, behind_s: float, knows_future: bool
) -> None:
    store = ObservationStore(period_s=period_s)
    instant = NOON - timedelta(seconds=behind_s)
    spans = []
    for _ in range(20):
        span = next_span(
            store=store, instant=instant, wall=NOON, rate=rate, period_s=period_s, knows_future=knows_future
        )
        if span is None:
            break
        assert span.end > span.start
        assert knows_future or span.end <= NOON
        store.mark_covered(span.start, span.end)
        spans.append(span)
    else:
        pytest.fail("it never has enough")
    for before, after in pairwise(spans):
        assert before.end == pytest.approx(after.start, abs=timedelta(microseconds=2)), (
            "what is there is not asked again"
        )
    if knows_future or instant < NOON:
        until_s = store.covered_until(instant - timedelta(seconds=period_s))
        assert until_s is not None
        assert until_s >= min(instant, NOON).timestamp() - 1e-5


def test_while_playing_data_lies_ready_ahead_of_what_is_shown() -> None:
    store = ObservationStore(period_s=1.0)
    span = next_span(store=store, instant=NOON, wall=NOON, rate=60.0, period_s=1.0, knows_future=True)
    assert span is not None
    assert span.start <= NOON - timedelta(seconds=2)
    assert span.end >= NOON + timedelta(seconds=2 * 60 * feeding.AHEAD_S)


class Bench:
    """One feeder, whose thread runs only when asked to."""

    def __init__(self, tmp_path: Path, code: str = COUNTING, **plugin: object) -> None:
        self.folder = write_plugin(tmp_path, "it", code, **plugin)  # type: ignore[arg-type]
        self.registry = PluginRegistry(folders=[tmp_path])
        self.wall = Wall()
        self.clock = Clock(wall=self.wall)
        (self.overlay,) = self.registry.overlays
        self.store = ObservationStore(period_s=self.overlay.period_s)
        site = site_of(session_with())
        assert site is not None
        self.feeder = Feeder(
            registry=self.registry,
            overlay=self.overlay,
            site=site,
            clock=self.clock,
            store=self.store,
            wall=self.wall,
        )

    def shown(self) -> float:
        frame = self.store.latest_at(self.clock.now())
        assert frame is not None
        return float(frame.results[0])


def test_at_the_live_edge_the_newest_is_there_and_the_future_of_a_real_source_is_not_asked_for(tmp_path: Path) -> None:
    bench = Bench(tmp_path, simulated=False)
    for _ in range(5):
        bench.feeder.step()
        bench.wall.wait(1.0)
    calls = module_of(bench.folder).CALLS  # type: ignore[attr-defined]
    assert all(end <= NOON + timedelta(seconds=5) for _, end, _ in calls)
    bench.feeder.step()
    assert bench.shown() == pytest.approx(bench.wall.now.timestamp(), abs=1.0)


@pytest.mark.parametrize("days", [-30, -1, 400])
def test_a_scrubbed_instant_is_asked_for_at_once(tmp_path: Path, days: float) -> None:
    bench = Bench(tmp_path)
    bench.feeder.step()
    bench.clock.scrub(NOON + timedelta(days=days))
    bench.feeder.step()
    assert bench.shown() == (NOON + timedelta(days=days)).timestamp()


def test_only_the_property_that_the_overlay_shows_is_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, property="Twice")
    bench.feeder.step()
    assert bench.store.latest_at(NOON, "Time") is None
    assert bench.shown() == 2 * NOON.timestamp()


def test_without_a_property_all_are_kept(tmp_path: Path) -> None:
    bench = Bench(tmp_path, property="")
    bench.feeder.step()
    assert len(bench.store.frames_at(NOON)) == 2


def test_a_source_that_does_not_deliver_is_asked_again_after_growing_pauses(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        COUNTING.replace(
            "def feed(*, site, start, end, feedback):",
            "from twinviewer.api import FeedError\nDOWN = [True]\n\n"
            "def feed(*, site, start, end, feedback):\n    if DOWN[0]: raise FeedError('The broker is down.')",
        ),
    )
    pauses = [bench.feeder.step() for _ in range(2000)]
    assert pauses[:9] == [min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**n) for n in range(9)]
    assert set(pauses[9:]) == {LONGEST_PAUSE_S}
    assert isinstance(bench.feeder.problem, FeedError)
    assert not bench.registry.is_disabled("it.it"), "that is no fault of the plugin"
    module_of(bench.folder).DOWN[0] = False  # type: ignore[attr-defined]
    bench.feeder.step()
    assert bench.feeder.problem is None
    module_of(bench.folder).DOWN[0] = True  # type: ignore[attr-defined]
    bench.clock.scrub(NOON - timedelta(days=9))
    assert bench.feeder.step() == FIRST_PAUSE_S, "the pauses begin anew"


@pytest.mark.parametrize(
    "body", ["raise ValueError('boom')", "return None", "return [1]", "return 'text'", "raise SystemExit(0)"]
)
def test_a_feed_that_is_at_fault_is_switched_off_after_three_tries(tmp_path: Path, body: str) -> None:
    bench = Bench(tmp_path, f"def feed(**given): {body}\ndef encode(**given): return []")
    for _ in range(FAILURES_IN_A_ROW):
        bench.feeder.step()
    assert bench.registry.is_disabled("it.it")
    assert isinstance(bench.feeder.problem, PluginError)
    assert bench.feeder.problem.source == "The it plugin"


def test_the_thread_of_a_feed_that_was_switched_off_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feeding, "FIRST_PAUSE_S", 0.001)
    bench = Bench(tmp_path, "def feed(**given): raise ValueError('boom')\ndef encode(**given): return []")
    bench.feeder.start()
    bench.feeder.join(PATIENCE_S)
    assert not bench.feeder.is_alive()


def test_stopping_ends_a_feed_that_asks_whether_to_stop(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        "def feed(*, feedback, **given):\n    while True: feedback.stop_if_cancelled()\ndef encode(**given): return []",
    )
    bench.feeder.start()
    bench.feeder.stop()
    bench.feeder.join(PATIENCE_S)
    assert not bench.feeder.is_alive()
    with pytest.raises(Cancelled):
        bench.feeder.stop_if_cancelled()


def test_what_a_blocked_feed_delivers_after_the_stop_is_dropped(tmp_path: Path) -> None:
    bench = Bench(
        tmp_path,
        COUNTING.replace("    CALLS.append", "    BEGUN.set(); GO_ON.wait(20)\n    CALLS.append").replace(
            "CALLS = []", "CALLS = []\nimport threading\nBEGUN, GO_ON = threading.Event(), threading.Event()"
        ),
    )
    bench.feeder.start()
    begun = wait_for(lambda: module_of(bench.folder).BEGUN)  # type: ignore[attr-defined]
    assert begun.wait(PATIENCE_S)  # type: ignore[attr-defined]
    bench.feeder.stop()
    began = time.monotonic()
    bench.feeder.join(0.1)
    assert time.monotonic() - began < allowed_s(1.0), "nobody waits for it"
    module_of(bench.folder).GO_ON.set()  # type: ignore[attr-defined]
    bench.feeder.join(PATIENCE_S)
    assert bench.store.revision == 0


def wait_for(find: Callable[[], object]) -> object:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            return find()
        except (StopIteration, AttributeError):  # not imported yet, or not all of it
            assert time.monotonic() < deadline
            threading.Event().wait(0.005)


def test_a_fault_of_ours_shows_on_the_overlay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench(tmp_path)
    monkeypatch.setattr(bench.store, "append", lambda batch: 1 / 0)
    bench.feeder.start()
    bench.feeder.join(PATIENCE_S)
    assert isinstance(bench.feeder.problem, FeedError)


def test_large_batches_are_taken_in_parts_that_make_the_whole() -> None:
    rng = np.random.default_rng(1)
    n = 50_000
    things = tuple(Thing(id=f"t{i}", name="", position=(float(i), 0.0, 0.0)) for i in range(100))
    observed = ObservationBatch(
        property=ObservedProperty(name="x", unit="1"),
        things=things,
        thing=rng.integers(0, 100, n).astype(np.int32),
        phenomenon_time_s=rng.uniform(0, 100, n),
        results=rng.normal(size=n),
    )
    moved = MovementBatch(
        ids=tuple(f"v{i}" for i in range(700)),
        object=np.sort(rng.integers(0, 700, n)).astype(np.int32),
        time_s=np.tile(np.arange(50.0), 1000),
        positions=rng.normal(size=(n, 3)),
        heading_deg=rng.uniform(0, 360, n),
        speed_m_s=rng.uniform(0, 10, n),
    )
    at = datetime.fromtimestamp(49.0, UTC)
    for batch in (observed, moved):
        whole, parts = ObservationStore(period_s=1.0), ObservationStore(period_s=1.0)
        whole.append(batch)
        pieces = feeding._parts(batch)
        assert len(pieces) == 3
        for piece in pieces:
            parts.append(piece)
        (first,), (second,) = whole.frames_at(at), parts.frames_at(at)
        np.testing.assert_array_equal(first.positions, second.positions)

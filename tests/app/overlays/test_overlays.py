"""Overlays follow the clock, and what goes wrong in one is its own affair."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.app.live_plugins import COUNTING, UTM, eventually, module_of, write_plugin
from tests.app.overlays.overlay_stage import Stage
from tests.crowding import allowed_s
from tests.formats import small_layers
from tests.live.wall_clock import NOON
from twinviewer.app import commands
from twinviewer.app.overlays.running import (
    SETTLE_S,
    STOP_WITHIN_S,
    OverlayPicture,
    OverlayState,
    default_overlays,
)
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.project import LayerSource, LayerSpec, OverlaySpec


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    write_plugin(tmp_path, "it")
    a_stage = Stage(tmp_path, "it.it")
    yield a_stage
    a_stage.stop()


def feed_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("feed it.it")]


def test_it_waits_for_the_city_before_it_asks(stage: Stage) -> None:
    assert stage.frame().state is OverlayState.WAITING
    assert feed_threads() == []
    stage.settle()
    assert eventually(lambda: stage.shows(stage.wall.now))
    assert stage.frame().state is OverlayState.SIMULATED


def test_live_it_follows_the_wall_clock(stage: Stage) -> None:
    stage.settle()
    for _ in range(5):
        stage.wait(1.0)
        assert eventually(lambda: stage.shows(stage.wall.now))


def test_paused_it_stands_still_and_costs_nothing(stage: Stage) -> None:
    stage.settle()
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.clock.pause()
    at = stage.clock.now()
    assert eventually(lambda: stage.shows(at))
    drawn = stage.frame().requests
    stage.wait(100.0)
    assert stage.frame().requests is drawn, "the same object: nothing is drawn anew"


@pytest.mark.parametrize("days", [-300, -1, 2])
def test_scrubbed_it_shows_that_instant(stage: Stage, days: int) -> None:
    stage.settle()
    stage.clock.scrub(NOON + timedelta(days=days))
    assert eventually(lambda: stage.shows(NOON + timedelta(days=days)))
    stage.clock.go_live()
    assert eventually(lambda: stage.shows(stage.wall.now))


@pytest.mark.parametrize("speed", [0.5, 10.0, 60.0, 1000.0])
def test_at_any_speed_it_runs_on_and_never_back(stage: Stage, speed: float) -> None:
    stage.settle()
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.clock.play(speed)
    shown = []
    for _ in range(40):
        stage.wait(0.05)
        requests = stage.frame().requests
        shown.append(float(requests[0].texts[0]))  # type: ignore[union-attr]
        threading.Event().wait(0.005)
    assert shown == sorted(shown)
    due = stage.clock.now().timestamp()
    stage.clock.pause()
    assert eventually(lambda: stage.shows(stage.clock.now()))
    assert max(shown) <= due


def test_two_overlays_may_share_a_feed_and_show_what_is_theirs(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it", property="Time")
    write_plugin(tmp_path, "that", property="Twice")
    stage = Stage(tmp_path, "it.it", "that.it")
    stage.settle()
    stage.clock.pause()
    at = stage.clock.now().timestamp()
    assert eventually(lambda: stage.frame("that.it").requests != ())
    assert eventually(lambda: stage.frame("it.it").requests != ())
    assert stage.frame("it.it").requests[0].texts == (f"{int(at)}",)  # type: ignore[union-attr]
    assert stage.frame("that.it").requests[0].texts == (f"{2 * int(at)}",)  # type: ignore[union-attr]
    stage.stop()


def test_switched_off_or_hidden_it_asks_for_nothing(stage: Stage) -> None:
    stage.settle()
    assert eventually(lambda: stage.frame().requests != ())
    stage.session.do(commands.SetOverlay(overlay=OverlaySpec(id="it.it", visible=False)))
    assert stage.frame() == OverlayPicture()
    assert eventually(lambda: feed_threads() == [])
    stage.session.undo()
    assert eventually(lambda: stage.frame().requests != ())
    stage.session.do(commands.SetOverlay(overlay=OverlaySpec(id="it.it", opacity=0.5)))
    assert stage.frame().requests != ()


def test_an_overlay_of_a_plugin_that_is_not_there_changes_nothing(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it")
    stage = Stage(tmp_path, "it.it", "lost.it")
    stage.settle()
    assert set(stage.runner.requests(NOON)) == {"it.it"}
    stage.stop()


def test_a_real_source_that_falls_silent_is_stale(tmp_path: Path) -> None:
    write_plugin(
        tmp_path,
        "it",
        COUNTING.replace("    times = ", "    if SILENT: return []\n    times = ").replace(
            "CALLS = []", "CALLS = []\nSILENT = []"
        ),
        simulated=False,
        period_s=1.0,
    )
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    stage.wait(1.0)
    assert eventually(lambda: stage.frame().state is OverlayState.LIVE)
    module_of(tmp_path / "it").SILENT.append(1)  # type: ignore[attr-defined]
    stage.wait(10.0)
    assert eventually(lambda: stage.frame().state is OverlayState.STALE)
    assert stage.frame().age_s > 2.0
    stage.stop()


def test_a_source_that_does_not_deliver_is_a_state_and_keeps_the_last_picture(tmp_path: Path) -> None:
    write_plugin(
        tmp_path,
        "it",
        COUNTING.replace("    times = ", "    if DOWN: raise FeedError('The broker is down.')\n    times = ").replace(
            "CALLS = []", "CALLS = []\nDOWN = []\nfrom twinviewer.api import FeedError"
        ),
        simulated=False,
    )
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    stage.wait(1.0)
    assert eventually(lambda: stage.frame().requests != ())
    module_of(tmp_path / "it").DOWN.append(1)  # type: ignore[attr-defined]
    stage.wait(5.0)
    assert eventually(lambda: stage.frame().state is OverlayState.FAILED)
    picture = stage.frame()
    assert picture.problem is not None
    assert "broker" in picture.problem.problem
    assert picture.requests != ()
    stage.stop()


@pytest.mark.parametrize("body", ["raise ValueError('boom')", "return None", "return [1]", "raise SystemExit(0)"])
def test_an_encode_that_fails_is_switched_off_after_three_frames_and_nobody_else(tmp_path: Path, body: str) -> None:
    write_plugin(tmp_path, "bad", COUNTING[: COUNTING.index("def encode")] + f"def encode(*, frames, site): {body}\n")
    write_plugin(tmp_path, "it")
    stage = Stage(tmp_path, "bad.it", "it.it")
    stage.settle()
    assert eventually(lambda: stage.frame("bad.it").state is OverlayState.FAILED)
    assert eventually(lambda: bool(stage.frame("bad.it")) and stage.registry.is_disabled("bad.it"))
    picture = stage.frame("bad.it")
    assert (picture.state, picture.requests) == (OverlayState.FAILED, ())
    assert picture.problem is not None
    assert picture.problem.source == "The bad plugin"
    assert eventually(lambda: not [t for t in threading.enumerate() if t.name == "feed bad.it"])
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()


def test_one_that_was_switched_off_is_tried_again_when_a_person_switches_it_on(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it", COUNTING.replace("CALLS.append", "if BROKEN: raise ValueError\n    CALLS.append"))
    (tmp_path / "it" / "code.py").write_text("BROKEN = [1]\n" + (tmp_path / "it" / "code.py").read_text())
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: stage.frame().state is OverlayState.FAILED and stage.registry.is_disabled("it.it"))
    module_of(tmp_path / "it").BROKEN.clear()  # type: ignore[attr-defined]
    assert stage.frame().state is OverlayState.FAILED, "nobody asked for it"
    for visible in (False, True):
        stage.session.do(commands.SetOverlay(overlay=OverlaySpec(id="it.it", visible=visible)))
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()


def test_stopping_takes_a_second_at_most_even_where_a_feed_blocks(tmp_path: Path) -> None:
    write_plugin(
        tmp_path,
        "it",
        "import threading\nGO_ON = threading.Event()\n"
        "def feed(**given):\n    GO_ON.wait(30)\n    return []\ndef encode(**given): return []",
    )
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: len(feed_threads()) == 1)
    began = time.monotonic()
    stage.runner.stop()
    assert time.monotonic() - began < STOP_WITHIN_S + allowed_s(0.5)
    module_of(tmp_path / "it").GO_ON.set()  # type: ignore[attr-defined]
    assert eventually(lambda: feed_threads() == [])


def test_when_layers_change_the_feed_starts_over_with_the_new_city(stage: Stage) -> None:
    stage.settle()
    assert eventually(lambda: stage.frame().requests != ())
    town = small_layers.city_model(np.full((3, 3), 5.0) + np.eye(3), UTM)
    stage.session.store.put("layer-2", town)
    spec = LayerSpec(id="layer-2", kind="city-model", title="t", source=LayerSource(path="/b", reader="r"))
    drawn = stage.frame().requests
    stage.session.do(commands.AddLayers(layers=(spec,)))
    assert stage.frame().requests is drawn, "until the layers have settled, all goes on"
    stage.wait(SETTLE_S + 0.01)
    assert stage.frame().requests != (), "and the picture stays until there is a new one"
    calls = module_of(Path(stage.registry.plugin_of("it.it").code.folder)).CALLS  # type: ignore[attr-defined]
    assert eventually(lambda: any(objects == 1 for _, _, objects in calls))
    assert eventually(lambda: len(feed_threads()) == 1)


def test_overlays_that_a_plugin_wants_on_are_on_in_the_demo_city() -> None:
    assert {overlay.id for overlay in default_overlays(PluginRegistry())} == {"air-quality.no2", "traffic.vehicles"}

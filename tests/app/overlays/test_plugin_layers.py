"""Layers that plugins draw, waiting for pictures, and plugins that change while they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest

from tests.app.live_plugins import COUNTING, UTM, eventually, is_imported, module_of, write_plugin
from tests.app.overlays.overlay_stage import Stage
from tests.app.overlays.test_shape_files import RGBA, png
from tests.formats import small_layers
from tests.live.wall_clock import NOON
from twinviewer.app import commands
from twinviewer.app.overlays.running import SETTLE_S, OverlayState
from twinviewer.model.drawing import Labels, LoadedIcon, PlaceGlyphs
from twinviewer.model.project import LayerSource, LayerSpec, OverlaySpec

LAYER = '[[layers]]\nid = "it.plan"\ntitle = "The plan"\ndraw = "code:draw"\n'
DRAWING = """
import threading
GO_ON = threading.Event()
DRAWN = []

def draw(*, site, feedback):
    DRAWN.append(site)
    feedback.progress(0.5, "Half of it")
    while WAIT and not GO_ON.wait(0.002):
        feedback.stop_if_cancelled()
    return [Labels(positions=np.zeros((1, 3)), texts=[f"{len(site.city_objects.ids)} objects"])]
"""


def layer_stage(folder: Path, *, wait: bool = False, drawing: str = DRAWING) -> Stage:
    write_plugin(folder, "it", f"{COUNTING}\nWAIT = {wait}\n{drawing}", more=LAYER)
    stage = Stage(folder, "it.plan")
    stage.settle()
    return stage


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    a_stage = layer_stage(tmp_path)
    yield a_stage
    a_stage.stop()


def text(stage: Stage) -> str:
    requests = stage.frame("it.plan").requests
    return requests[0].texts[0] if requests and isinstance(requests[0], Labels) else ""


def test_a_layer_is_drawn_once_and_stays(tmp_path: Path, stage: Stage) -> None:
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.SHOWN)
    drawn = stage.frame("it.plan").requests
    assert text(stage) == "0 objects"
    for _ in range(20):
        stage.wait(10.0)
        assert stage.frame("it.plan").requests is drawn
    assert len(module_of(tmp_path / "it").DRAWN) == 1  # type: ignore[attr-defined]
    assert stage.frame("it.it").state is OverlayState.OFF, "the plugin's overlay is another thing"


def test_it_is_drawn_anew_when_the_site_changes_and_shows_the_old_until_then(stage: Stage) -> None:
    assert eventually(lambda: text(stage) == "0 objects")
    stage.session.store.put("layer-2", small_layers.city_model(np.full((3, 3), 5.0) + np.eye(3), UTM))
    spec = LayerSpec(id="layer-2", kind="city-model", title="t", source=LayerSource(path="/b", reader="r"))
    stage.session.do(commands.AddLayers(layers=(spec,)))
    assert text(stage) == "0 objects"
    stage.wait(SETTLE_S + 0.01)
    assert text(stage) in ("0 objects", "1 objects")
    assert eventually(lambda: text(stage) == "1 objects")


def test_the_making_is_a_job_with_progress_that_can_be_stopped(tmp_path: Path) -> None:
    stage = layer_stage(tmp_path, wait=True)
    (job,) = stage.jobs.jobs
    assert job.title == "The plan"
    assert eventually(lambda: job.progress == 0.5)
    assert job.text == "Half of it"
    assert stage.frame("it.plan").state is OverlayState.DRAWING
    job.cancel()
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.STOPPED)
    assert stage.registry.failure("it.plan") is None, "that is no fault of the plugin"
    for visible in (False, True):
        stage.session.do(commands.SetOverlay(overlay=OverlaySpec(id="it.plan", visible=visible)))
        stage.pictures()
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.DRAWING)
    module_of(tmp_path / "it").GO_ON.set()  # type: ignore[attr-defined]
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.SHOWN)
    stage.stop()


def test_switched_off_its_job_ends_and_nothing_is_shown(tmp_path: Path) -> None:
    stage = layer_stage(tmp_path, wait=True)
    (job,) = stage.jobs.jobs
    stage.session.do(commands.SetOverlay(overlay=OverlaySpec(id="it.plan", visible=False)))
    assert stage.frame("it.plan").state is OverlayState.OFF
    assert job.cancel_asked
    stage.stop()


@pytest.mark.parametrize("body", ["raise ValueError('boom')", "return None", "return [1]"])
def test_a_layer_that_fails_says_why_and_is_not_tried_for_ever(tmp_path: Path, body: str) -> None:
    stage = layer_stage(tmp_path, drawing=f"DRAWN = []\ndef draw(*, site, feedback):\n    DRAWN.append(1)\n    {body}")
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.FAILED)
    picture = stage.frame("it.plan")
    assert picture.problem is not None
    assert picture.problem.source == "The it plugin"
    for _ in range(20):
        stage.wait(1.0)
        stage.pictures()
    assert len(module_of(tmp_path / "it").DRAWN) == 1  # type: ignore[attr-defined]
    stage.stop()


def test_icons_come_from_the_plugin_s_folder(tmp_path: Path) -> None:
    drawing = (
        "from twinviewer.api import IconShape, PlaceGlyphs\n"
        "def draw(*, site, feedback):\n"
        "    return [PlaceGlyphs(shape=IconShape(path=name), positions=np.zeros((1, 3)), size_m=5.0) "
        "for name in ('a.png', 'a.png')]"
    )
    write_plugin(tmp_path, "it", f"{COUNTING}\n{drawing}", more=LAYER)
    stage = Stage(tmp_path, "it.plan")
    (tmp_path / "it" / "a.png").write_bytes(png(RGBA))
    stage.settle()
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.SHOWN)
    first, second = stage.frame("it.plan").requests
    assert isinstance(first, PlaceGlyphs)
    assert isinstance(second, PlaceGlyphs)
    assert isinstance(first.shape, LoadedIcon)
    assert second.shape is first.shape
    np.testing.assert_array_equal(first.shape.rgba, RGBA)
    (tmp_path / "it" / "a.png").unlink()
    stage.registry.reload("it")
    stage.pictures()
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.FAILED)
    problem = stage.frame("it.plan").problem
    assert problem is not None
    assert "“a.png” is not in the plugin's folder" in problem.problem
    stage.stop()


def test_what_is_not_found_in_the_city_is_told(tmp_path: Path) -> None:
    drawing = (
        "from twinviewer.api import ColourObjects, ColourScale\n"
        "def draw(*, site, feedback):\n"
        "    scale = ColourScale(title='t', unit='1', colour_map='viridis', value_range=(0, 1))\n"
        "    return [ColourObjects(object_ids=('lost', 'gone'), values=np.zeros(2), scale=scale)]"
    )
    stage = layer_stage(tmp_path, drawing=drawing)
    assert eventually(lambda: stage.frame("it.plan").state is OverlayState.SHOWN)
    unbound = stage.frame("it.plan").unbound
    assert str(unbound) == "2 of 2 not found"
    assert unbound.names == ("lost", "gone")
    stage.stop()


# --- waiting for a picture --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("days", [-300.0, 0.0, 2.5])
def test_whoever_waits_gets_the_picture_of_that_very_instant(tmp_path: Path, days: float) -> None:
    write_plugin(tmp_path, "it", f"{COUNTING}\nWAIT = False\n{DRAWING}", more=LAYER)
    stage = Stage(tmp_path, "it.it", "it.plan")
    instant = NOON + timedelta(days=days)
    stage.clock.scrub(instant)
    pictures = stage.runner.settle(instant, timeout_s=20.0)
    (labels,) = pictures["it.it"].requests
    assert isinstance(labels, Labels)
    assert labels.texts == (f"{int(instant.timestamp())}",)
    assert pictures["it.plan"].state is OverlayState.SHOWN
    stage.stop()


def test_waiting_ends_where_nothing_more_comes(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it", COUNTING.replace("CALLS.append", "raise ValueError('boom')\n    CALLS.append"))
    write_plugin(tmp_path, "mute", COUNTING.replace("    times = ", "    return []\n    times = "))
    stage = Stage(tmp_path, "it.it", "mute.it", "lost.it")
    stage.clock.scrub(NOON)
    pictures = stage.runner.settle(NOON, timeout_s=60.0)
    assert pictures["it.it"].state is OverlayState.FAILED
    assert pictures["mute.it"].state is OverlayState.WAITING
    stage.stop()


def test_waiting_ends_after_the_time_that_was_given(tmp_path: Path) -> None:
    stage = layer_stage(tmp_path, wait=True)
    stage.clock.scrub(NOON)
    assert stage.runner.settle(NOON, timeout_s=0.05)["it.plan"].state is OverlayState.DRAWING
    stage.stop()


# --- plugins that change ----------------------------------------------------------------------------------------------


def reloaded(stage: Stage, home: Path, old: str, new: str) -> None:
    code = (home / "code.py").read_text()
    assert old in code
    (home / "code.py").write_text(code.replace(old, new))
    stage.registry.reload("it")
    stage.pictures()


def test_a_reloaded_encode_shows_what_the_same_feed_told_before(tmp_path: Path) -> None:
    home = write_plugin(tmp_path, "it")
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: stage.shows(stage.wall.now))
    assert eventually(lambda: stage.runner._running["it.it"].encoder.fingerprint is not None)
    store = stage.runner._running["it.it"].store
    reloaded(stage, home, ":.0f}", ":.0f} s")
    assert stage.runner._running["it.it"].store is store
    assert stage.frame().requests != (), "the old picture stays until there is a new one"
    assert eventually(lambda: stage.text() == f"{int(stage.wall.now.timestamp())} s")
    stage.stop()


def test_a_reloaded_feed_begins_anew(tmp_path: Path) -> None:
    home = write_plugin(tmp_path, "it")
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: stage.shows(stage.wall.now))
    store = stage.runner._running["it.it"].store
    reloaded(stage, home, "results=times * factor", "results=-times * factor")
    assert stage.runner._running["it.it"].store is not store
    assert eventually(lambda: stage.text() == f"-{int(stage.wall.now.timestamp())}")
    stage.stop()


def test_a_mended_plugin_is_tried_again_after_a_reload(tmp_path: Path) -> None:
    home = write_plugin(tmp_path, "it", COUNTING.replace("    return [Labels", "    oops\n    return [Labels"))
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: stage.frame().state is OverlayState.FAILED and stage.registry.is_disabled("it.it"))
    reloaded(stage, home, "    oops\n", "")
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()


def test_a_plugin_that_goes_takes_its_threads_and_pictures_along(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it")
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: stage.shows(stage.wall.now))
    running = stage.runner._running["it.it"]
    stage.registry.set_enabled("it", False)
    assert "it.it" not in stage.pictures()
    assert eventually(lambda: not running.feeder.is_alive() and not running.encoder.is_alive())
    stage.registry.set_enabled("it", True)
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()


def test_what_goes_through_an_overlay_is_counted_per_second(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it")
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert stage.runner.traffic()["it.it"].rows == 0.0
    assert eventually(lambda: is_imported(tmp_path / "it"))
    for _ in range(10):
        stage.wait(1.0)
        assert eventually(lambda: stage.shows(stage.wall.now))
    traffic = stage.runner.traffic()["it.it"]
    assert traffic.pictures == pytest.approx(1.0, abs=0.41), "one a second"
    assert 0 < traffic.batches <= traffic.rows
    stage.stop()


def test_what_waits_for_the_person_says_so_and_goes_on_once_allowed(tmp_path: Path) -> None:
    drawing = "def draw(*, site, feedback): return [Labels(positions=np.zeros((1, 3)), texts=['here'])]"
    more = f"{LAYER}[permissions]\nsubprocess = true\n"
    write_plugin(tmp_path, "it", f"{COUNTING}\n{drawing}", more=more)
    stage = Stage(tmp_path, "it.it", "it.plan")
    stage.settle()
    for contribution in ("it.it", "it.plan"):
        assert eventually(lambda of=contribution: stage.frame(of).state is OverlayState.NEEDS_PERSON)  # type: ignore[misc]
        problem = stage.frame(contribution).problem
        assert problem is not None
        assert "allow" in problem.problem.lower()
        assert stage.registry.failure(contribution) is None, "it did nothing wrong"
    stage.registry.accept("it")
    assert eventually(lambda: stage.shows(stage.wall.now))
    assert eventually(lambda: text(stage) == "here")
    stage.stop()


def test_other_settings_draw_a_layer_anew_and_begin_a_feed_anew(tmp_path: Path) -> None:
    drawing = (
        "def draw(*, site, feedback, settings):\n"
        "    return [Labels(positions=np.zeros((1, 3)), texts=[settings['word']])]"
    )
    code = COUNTING.replace("feedback):", "feedback, settings):").replace("site):", "site, settings):")
    setting = '[[settings]]\nkey = "word"\ntitle = "Word"\ntype = "text"\ndefault = "red"\n'
    write_plugin(tmp_path, "it", f"{code}\n{drawing}", more=LAYER + setting)
    stage = Stage(tmp_path, "it.it", "it.plan")
    stage.settle()
    assert eventually(lambda: text(stage) == "red" and stage.shows(stage.wall.now))
    store = stage.runner._running["it.it"].store
    stage.registry.save_settings("it", {"word": "blue"})
    assert eventually(lambda: text(stage) == "blue")
    assert stage.runner._running["it.it"].store is not store, "what it told may depend on them"
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()

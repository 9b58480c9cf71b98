"""Whatever a plugin's functions do, a frame takes no time, and what they do is the state of their overlay alone."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.app.live_plugins import COUNTING, eventually, is_imported, module_of, write_plugin
from tests.app.overlays.overlay_stage import Stage
from tests.crowding import allowed_s
from twinviewer.app.overlays.running import SLOW_S, OverlayState

FEED = COUNTING[: COUNTING.index("def encode")]
FRAME_S = 0.05
"""So much time has a frame for everything, at 20 frames a second."""


def hostile(folder: Path, encode: str, *, more: str = "") -> Stage:
    """Return a stage with one overlay whose encode function has this body, and one that is well."""
    write_plugin(
        folder, "bad", f"{FEED}\nimport threading\nGO_ON = threading.Event()\nSLOW = []\n\n{encode}\n", more=more
    )
    write_plugin(folder, "it")
    stage = Stage(folder, "bad.it", "it.it")
    stage.settle()
    return stage


@pytest.fixture
def blocked(tmp_path: Path) -> Iterator[Stage]:
    stage = hostile(
        tmp_path, "def encode(*, frames, site):\n    CALLS.append('encode')\n    GO_ON.wait(60)\n    return []"
    )
    yield stage
    module_of(tmp_path / "bad").GO_ON.set()  # type: ignore[attr-defined]
    stage.stop()


def test_one_that_blocks_for_ever_is_said_not_to_answer_and_then_left_alone(tmp_path: Path, blocked: Stage) -> None:
    calls = lambda: module_of(tmp_path / "bad").CALLS.count("encode")  # type: ignore[attr-defined]  # noqa: E731
    assert eventually(lambda: is_imported(tmp_path / "bad"))
    assert eventually(lambda: blocked.frame("bad.it").state is OverlayState.WAITING and calls() == 1)
    longest_s = 0.0
    for _ in range(20):
        blocked.wait(0.1)
        began = time.perf_counter()
        blocked.pictures()
        longest_s = max(longest_s, time.perf_counter() - began)
    assert blocked.frame("bad.it").state is OverlayState.NOT_ANSWERING
    assert longest_s < allowed_s(FRAME_S)
    assert eventually(lambda: blocked.shows(blocked.wall.now)), "the other one goes on"
    blocked.wait(30.0)
    picture = blocked.frame("bad.it")
    assert picture.state is OverlayState.FAILED
    assert picture.problem is not None
    assert picture.problem.problem == "“It of bad” did not answer for 30 seconds."
    assert picture.problem.source == "The bad plugin"
    assert blocked.registry.is_disabled("bad.it")
    for _ in range(10):
        blocked.wait(1.0)
        blocked.pictures()
    assert calls() == 1, "nobody calls it again"
    assert eventually(lambda: blocked.shows(blocked.wall.now))


def test_a_slow_one_shows_its_last_picture_meanwhile_and_skips_what_it_cannot_keep_up_with(tmp_path: Path) -> None:
    stage = hostile(
        tmp_path,
        "def encode(*, frames, site):\n    if SLOW:\n        SLOW.clear()\n        GO_ON.wait(60)\n"
        "    CALLS.append(f'{frames[0].results[0]:.0f}')\n"
        "    return [Labels(positions=frame.positions, texts=[f'{frame.results[0]:.0f}']) for frame in frames]",
    )
    assert eventually(lambda: stage.shows(stage.wall.now, "bad.it"))
    code = module_of(tmp_path / "bad")
    before = stage.text("bad.it")
    code.SLOW.append(1)  # type: ignore[attr-defined]
    stage.wait(1.0)
    stage.pictures()
    assert eventually(lambda: not code.SLOW)  # type: ignore[attr-defined]
    for _ in range(10):
        stage.wait(1.0)
        assert stage.text("bad.it") == before
    assert stage.frame("bad.it").state is OverlayState.NOT_ANSWERING
    code.GO_ON.set()  # type: ignore[attr-defined]
    assert eventually(lambda: stage.shows(stage.wall.now, "bad.it"))
    assert stage.frame("bad.it").state is OverlayState.SIMULATED
    shown = [call for call in code.CALLS if isinstance(call, str)]  # type: ignore[attr-defined]
    assert len(set(shown)) <= 4, "the eight seconds in between were not worth a picture"
    stage.stop()


def test_a_feed_that_does_not_come_back_is_given_up_too(tmp_path: Path) -> None:
    code = (
        "import threading\nGO_ON, CALLED = threading.Event(), threading.Event()\n"
        "def feed(**given):\n    CALLED.set()\n    GO_ON.wait(60)\n    return []\n"
    )
    write_plugin(tmp_path, "bad", code + "def encode(**given): return []", more="[limits]\ncall_s = 5.0")
    stage = Stage(tmp_path, "bad.it")
    stage.settle()
    assert eventually(lambda: stage.frame("bad.it").state is OverlayState.WAITING and bool(stage.runner._running))
    running = stage.runner._running["bad.it"]
    assert eventually(lambda: is_imported(tmp_path / "bad"))
    assert eventually(lambda: module_of(tmp_path / "bad").CALLED.is_set())  # type: ignore[attr-defined]
    stage.wait(5.1)
    picture = stage.frame("bad.it")
    assert picture.state is OverlayState.FAILED
    assert picture.problem is not None
    assert "did not answer for 5 seconds" in picture.problem.problem
    module_of(tmp_path / "bad").GO_ON.set()  # type: ignore[attr-defined]
    assert eventually(lambda: not running.feeder.is_alive())
    stage.stop()


@pytest.mark.parametrize(
    "body",
    [
        "raise ValueError('boom')",
        "raise SystemExit(0)",
        "from twinviewer.api import Cancelled\n    raise Cancelled",
        "raise KeyError(object())",
        "return [Labels(positions=frames[0].positions * float('nan'), texts=['a'])]",
        "return [Labels(positions=np.zeros((1_000_000, 3)), texts=['a'] * 1_000_000)]",
        "return [Labels(positions=np.zeros((1, 3)), texts=['a'])] * 100_000",
        "return [object()]",
        "return {}",
    ],
)
def test_whatever_it_raises_or_returns_wrongly_switches_it_off_and_nobody_else(tmp_path: Path, body: str) -> None:
    stage = hostile(tmp_path, f"def encode(*, frames, site):\n    CALLS.append('encode')\n    {body}")
    assert eventually(
        lambda: stage.frame("bad.it").state is OverlayState.FAILED and stage.registry.is_disabled("bad.it")
    )
    picture = stage.frame("bad.it")
    assert picture.problem is not None
    assert picture.problem.source == "The bad plugin"
    assert picture.requests == ()
    for _ in range(100):
        stage.wait(0.1)
        stage.pictures()
    assert module_of(tmp_path / "bad").CALLS.count("encode") == 3  # type: ignore[attr-defined]
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()


def test_a_cancelled_that_nobody_asked_for_is_a_failure_of_the_feed(tmp_path: Path) -> None:
    code = "from twinviewer.api import Cancelled\ndef feed(**given): raise Cancelled\ndef encode(**given): return []"
    write_plugin(tmp_path, "bad", code)
    stage = Stage(tmp_path, "bad.it")
    stage.settle()
    assert eventually(lambda: stage.frame("bad.it").state is OverlayState.FAILED)
    assert stage.registry.failure("bad.it") is not None
    stage.stop()


@pytest.mark.parametrize("blocking", ["feed", "encode"])
def test_a_plugin_that_is_reloaded_while_it_is_called_is_no_failure(tmp_path: Path, blocking: str) -> None:
    block = f"import time\ndef {blocking}(**given): time.sleep(600)\n"
    write_plugin(tmp_path, "it", f"{COUNTING}\n{block}", isolated=True)
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: bool(stage.pictures()) and f"code:{blocking}" in stage.registry.processes.calls_of("it"))
    running = stage.runner._running["it.it"]
    (tmp_path / "it" / "code.py").write_text(COUNTING)
    stage.registry.reload("it")

    def is_drawn() -> bool:
        """Ask the threads, which nobody has told of the reload yet: they saw their call go, and call again."""
        running.encoder.want(stage.clock.now())
        return running.encoder.made.finished.requests != ()

    assert eventually(is_drawn)
    assert stage.frame().problem is None
    assert stage.registry.failures == ()
    assert eventually(lambda: stage.shows(stage.wall.now))
    stage.stop()


@pytest.mark.parametrize("isolated", [False, True])
@pytest.mark.parametrize("blocking", ["feed", "encode"])
def test_the_first_call_that_does_not_come_back_is_said_too(tmp_path: Path, blocking: str, isolated: bool) -> None:
    block = (
        "import threading\nGO_ON, CALLED = threading.Event(), threading.Event()\n"
        f"def {blocking}(**given):\n    CALLED.set()\n    GO_ON.wait(600)\n"
    )
    write_plugin(tmp_path, "it", f"{COUNTING}\n{block}", isolated=isolated)
    stage = Stage(tmp_path, "it.it")
    stage.settle()
    assert eventually(lambda: stage.frame().state is OverlayState.WAITING)
    running = stage.runner._running["it.it"]
    part = running.feeder if blocking == "feed" else running.encoder

    def is_called() -> bool:
        """Have the clock stand still until the function runs: nobody is to blame before."""
        stage.pictures()
        if part._called_at is None:
            return False
        if isolated:
            return f"code:{blocking}" in stage.registry.processes.calls_of("it")
        called = getattr(module_of(tmp_path / "it"), "CALLED", None) if is_imported(tmp_path / "it") else None
        return called is not None and called.is_set()

    assert eventually(is_called)
    stage.wait(SLOW_S + 0.1)
    assert eventually(lambda: stage.frame().state is OverlayState.NOT_ANSWERING)
    assert stage.frame().problem is None
    if not isolated:
        module_of(tmp_path / "it").GO_ON.set()  # type: ignore[attr-defined]
    stage.stop()


def test_it_is_said_within_two_seconds() -> None:
    assert SLOW_S < 2.0

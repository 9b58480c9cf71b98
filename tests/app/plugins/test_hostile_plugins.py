"""Plugins that do everything wrong: each is named, the others go on, the project can be saved, nobody waits for long.

What the window makes of them is in ``tests/end_to_end/test_hostile_plugins.py``.
"""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.app.live_plugins import eventually, session_with, write_plugin
from tests.conftest import ROOT
from tests.crowding import allowed_s
from twinviewer.app.plugins.failures import FAILURES_IN_A_ROW, FailureRecord
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.app.project_file import ViewState, load, save
from twinviewer.app.session import Session
from twinviewer.app.site import site_of
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.observation import ObservationBatch, ObservationFrame

HOSTILE = ROOT / "tests" / "hostile_plugins"
START_AND_END_S = 3.0
"""What starting a process, and noticing that it goes wrong, may take beside the plugin's own limits."""

# What each does in its feed, as people read it after the plugin's name; None: it works all the same.
FEEDS: dict[str, str | None] = {
    "well-behaved": None,
    "raises-at-import": "“Raises at import” cannot be loaded: RuntimeError: not today.",
    "raises-in-call": "“It of raises-in-call” failed: ZeroDivisionError: nothing can be divided by nothing.",
    "raises-in-thread": None,
    "sleeps": "The process of “Sleeps” did not answer within 1 s and was ended.",
    "loops": "The process of “Loops” did not answer within 1 s and was ended.",
    "holds-the-interpreter": "The process of “Holds the interpreter” did not answer within 1 s and was ended.",
    "leaks": "The process of “Leaks” used more than the 256 MB of memory that it may and was ended.",
    "wants-100-gb": "“Wants 100 GB” needs more memory than the 1024 MB that it may use.",
    "floods": None,
    "asks-without-end": "The process of “Asks without end” did not answer within 1 s and was ended.",
    "not-a-number": "1 of 1 things have a position that is not a number.",
    "wrong-shapes": "“phenomenon_time_s” has the shape (4, 4) instead of (2,).",
    "wrong-types": "What “Wrong types” returned does not fit the contract: a value of type Surprise cannot be handed",
    "million-labels": None,
    "leaves": "The process of “Leaves” ended itself (exit status 3).",
    "crashes": "The process of “Crashes” crashed (SIGSEGV).",
    "prints": None,
    "talks-nonsense": "The process of “Talks nonsense” said something that makes no sense (a message is too long)",
}
ENCODES: dict[str, str] = {
    "not-a-number": "position",
    "wrong-shapes": "“positions” has the shape (5, 2) instead of (5, 3).",
    "wrong-types": "What “Wrong types” returned does not fit the contract: a value of type set cannot be handed over.",
    "million-labels": "labels",
    "leaves": "The process of “Leaves” ended itself (exit status 4).",
    "crashes": "The process of “Crashes” crashed (SIGSEGV).",
}


class Town:
    """A registry of all hostile plugins, and a session whose site they get."""

    def __init__(self) -> None:
        self.told: list[FailureRecord] = []
        self.registry = PluginRegistry(folders=[HOSTILE], on_failure=self.told.append)
        self.session: Session = session_with()
        site = site_of(self.session)
        assert site is not None
        self.site = site

    def feed(self, name: str, *, feedback: Any = None) -> tuple[Any, ...]:
        now = datetime.now(UTC)
        arguments = {
            "site": self.site,
            "start": now,
            "end": now + timedelta(seconds=3),
            "feedback": feedback or Silent(),
        }
        return self.registry.call(f"{name}.it", "code:feed", arguments, check=checked_batches)

    def encode(self, name: str) -> tuple[Any, ...]:
        (batch,) = self.feed("well-behaved")
        assert isinstance(batch, ObservationBatch)
        frame = ObservationFrame(
            instant=datetime.now(UTC),
            property=batch.property,
            things=batch.things,
            positions=np.array([thing.position for thing in batch.things]),
            results=batch.results[:1],
            age_s=batch.results[:1] * 0,
            stale=batch.results[:1] < 0,
        )
        return self.registry.call(
            f"{name}.it", "code:encode", {"frames": (frame,), "site": self.site}, check=checked_requests
        )


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """One for all that look at a plugin each."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TWINVIEWER_PROFILE_DIR", str(tmp_path_factory.mktemp("town")))
        town = Town()
    yield town
    town.registry.close()


@pytest.fixture
def own_town() -> Iterator[Town]:
    town = Town()
    yield town
    town.registry.close()


def require_life_goes_on(town: Town, name: str, folder: Path) -> None:
    """Have another plugin called, the project saved, and look for what was left behind."""
    if name != "well-behaved":
        (batch,) = town.feed("well-behaved")
        assert len(batch.results) == 3
    save(town.session.project, folder / "town.twin", view=ViewState())
    assert load(folder / "town.twin").project.layers == town.session.project.layers
    used = {town.registry.processes.process_id(each) for each in (*FEEDS, name)}
    assert eventually(lambda: plugin_processes() <= used), "nothing is left behind"


def plugin_processes() -> set[int]:
    found = set()
    for child in psutil.Process().children():
        with contextlib.suppress(psutil.Error):
            if "twinviewer.isolation.worker" in child.cmdline():
                found.add(child.pid)
    return found


def test_all_of_them_are_found_and_nothing_of_them_runs(town: Town) -> None:
    assert town.registry.problems == ()
    here = {folder.name.replace("_", "-") for folder in HOSTILE.iterdir() if (folder / "plugin.toml").is_file()}
    assert here == {plugin.id for plugin in town.registry.plugins} - {"twinviewer"}
    assert here - {"does-not-stop"} >= FEEDS.keys()


@pytest.mark.parametrize("name", FEEDS)
def test_a_hostile_feed_is_told_by_name_and_life_goes_on(name: str, town: Town, tmp_path: Path) -> None:
    said = FEEDS[name]
    limits = town.registry.plugin(name).manifest.limits
    began = time.monotonic()
    if said is None:
        assert town.feed(name)
    else:
        with pytest.raises(PluginError) as caught:
            town.feed(name)
        assert caught.value.problem.startswith(said)
        assert caught.value.cure
        assert caught.value.source == town.registry.plugin(name).name
        (told,) = (record for record in town.told if record.contribution_id == f"{name}.it")
        assert told.count == 1
        assert told.plugin_name == town.registry.plugin(name).name
    assert time.monotonic() - began < allowed_s(min(limits.call_s, 1.0) + START_AND_END_S)
    require_life_goes_on(town, name, tmp_path)


@pytest.mark.parametrize("name", ENCODES)
def test_a_hostile_encode_function_is_told_by_name_and_life_goes_on(name: str, town: Town, tmp_path: Path) -> None:
    with pytest.raises(PluginError) as caught:
        town.encode(name)
    assert ENCODES[name] in caught.value.problem
    assert caught.value.source == town.registry.plugin(name).name
    require_life_goes_on(town, name, tmp_path)


def test_work_that_does_not_stop_when_told_to_is_ended(town: Town, tmp_path: Path) -> None:
    told = list(town.told)

    class SwitchedOff:
        def progress(self, fraction: float, text: str = "") -> None: ...

        def stop_if_cancelled(self) -> None:
            if town.registry.processes.calls_of("does-not-stop"):
                raise Cancelled

    with pytest.raises(Cancelled):
        town.feed("does-not-stop", feedback=SwitchedOff())
    assert town.told == told, "a person switched it off: nothing failed"
    require_life_goes_on(town, "does-not-stop", tmp_path)


def test_what_failed_in_a_thread_of_the_plugin_s_own_stands_in_its_log(town: Town) -> None:
    town.feed("raises-in-thread")
    assert eventually(lambda: "RuntimeError: unseen" in town.registry.processes.last_words("raises-in-thread"))


@pytest.mark.parametrize("name", ["crashes", "raises-at-import", "wrong-shapes"])
def test_three_failures_in_a_row_switch_it_off_with_one_sentence_and_it_can_be_switched_on_again(
    name: str, own_town: Town
) -> None:
    town = own_town
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(PluginError):
            town.feed(name)
    began = time.monotonic()
    with pytest.raises(PluginError, match=f"“It of {name}” is switched off because it failed three times in a row"):
        town.feed(name)
    assert time.monotonic() - began < allowed_s(0.05), "nothing is started for it any more"
    assert [record.disabled for record in town.told] == [False, True], "told once, and once that it is off"
    town.registry.switch_on(f"{name}.it")
    with pytest.raises(PluginError) as caught:
        town.feed(name)
    assert "switched off" not in caught.value.problem


def test_who_raises_a_thousand_times_gets_one_line_with_a_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_plugin(
        tmp_path,
        "moody",
        "def feed(*, number):\n    if number % 2:\n        raise RuntimeError('a bad mood')\n    return []\n",
        isolated=True,
    )
    told: list[FailureRecord] = []
    registry = PluginRegistry(folders=[tmp_path], on_failure=told.append)
    caplog.set_level(logging.INFO)
    failures = 0
    try:
        for number in range(2000):
            try:
                registry.call("moody.it", "code:feed", {"number": number}, check=lambda result: result)
            except PluginError:
                failures += 1
    finally:
        registry.close()
    assert failures == 1000
    assert [record.count for record in told] == [1, 10, 100, 1000], "for the one line and its count"
    (record,) = registry.failures
    assert record.count == 1000
    assert not record.disabled
    assert len([line for line in caplog.records if "moody" in line.getMessage()]) == 1


def test_all_at_once_and_the_well_behaved_one_answers_in_time(own_town: Town) -> None:
    """Every one of them at once, over and over, while one that behaves is asked five times a second."""
    town, stop = own_town, threading.Event()

    def pester(name: str) -> None:
        while not stop.is_set():
            try:
                town.feed(name)
            except PluginError:
                stop.wait(0.05)

    names = [name for name in FEEDS if name not in ("well-behaved", "prints")]
    threads = [threading.Thread(target=pester, args=(name,), daemon=True) for name in names]
    town.feed("well-behaved")
    for thread in threads:
        thread.start()
    took: list[float] = []
    try:
        for _ in range(12):
            began = time.monotonic()
            (batch,) = town.feed("well-behaved")
            took.append(time.monotonic() - began)
            assert len(batch.results) == 3
            stop.wait(0.2)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    assert sorted(took)[len(took) // 2] < allowed_s(0.25)
    assert {record.contribution_id.removesuffix(".it") for record in town.registry.failures} == {
        name for name, said in FEEDS.items() if said is not None
    }


def test_closing_ends_all_of_them_at_once(tmp_path: Path) -> None:
    town = Town()
    outcomes: list[type[BaseException]] = []

    def feed(name: str) -> None:
        try:
            town.feed(name)
        except (Cancelled, PluginError) as error:
            outcomes.append(type(error))

    names = ("sleeps", "does-not-stop")
    threads = [threading.Thread(target=feed, args=(name,)) for name in names]
    for thread in threads:
        thread.start()
    assert eventually(lambda: all(town.registry.processes.calls_of(name) for name in names))
    began = time.monotonic()
    town.registry.close()
    assert time.monotonic() - began < allowed_s(0.5)
    for thread in threads:
        thread.join(20)
    assert all(issubclass(each, Cancelled) for each in outcomes)
    assert len(outcomes) == 2

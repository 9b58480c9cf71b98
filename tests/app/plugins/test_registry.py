"""Plugins are found, called, and when they fail, contained."""

from __future__ import annotations

import importlib.metadata
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.live_plugins import write_plugin
from twinviewer.app.plugins.failures import FAILURES_IN_A_ROW, FailureRecord
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.registry import PluginEvent, PluginRegistry
from twinviewer.model.errors import FeedError, PluginError
from twinviewer.model.feedback import Cancelled


@pytest.fixture(autouse=True)
def forget_modules() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.startswith("_twinviewer_plugin_")]:
        del sys.modules[name]


class Told:
    def __init__(self) -> None:
        self.records: list[FailureRecord] = []

    def __call__(self, record: FailureRecord) -> None:
        self.records.append(record)


def call(registry: PluginRegistry, name: str, **arguments: Any) -> Any:
    return registry.call(f"{name}.it", "code:feed", arguments, check=lambda result: result)


# --- finding ------------------------------------------------------------------------------------------------------


def test_what_is_built_in_comes_in_by_the_same_door() -> None:
    registry = PluginRegistry(folders=[])
    (built_in,) = registry.plugins
    assert built_in.origin is PluginOrigin.BUILT_IN
    assert {reader.id for reader in registry.readers} >= {"twinviewer.citygml", "twinviewer.las", "twinviewer.geotiff"}
    assert registry.problems == ()


def test_bundled_plugins_and_the_user_s_are_found(own_profile: Path) -> None:
    write_plugin(own_profile / "data" / "plugins", "mine")
    registry = PluginRegistry()
    found = {each.id: each.origin for each in registry.plugins}
    assert found["air-quality"] is found["traffic"] is PluginOrigin.BUNDLED
    assert found["mine"] is PluginOrigin.USER
    assert registry.problems == ()


def test_safe_mode_loads_only_what_is_built_in(own_profile: Path) -> None:
    write_plugin(own_profile / "data" / "plugins", "mine")
    registry = PluginRegistry(safe_mode=True)
    assert [each.origin for each in registry.plugins] == [PluginOrigin.BUILT_IN]
    assert registry.readers
    assert registry.overlays == ()


def test_no_code_runs_before_a_contribution_is_used(tmp_path: Path) -> None:
    write_plugin(tmp_path, "loud", "raise SystemExit('imported')")
    assert len(PluginRegistry(folders=[tmp_path]).overlays) == 1


def test_of_two_plugins_with_one_id_the_first_counts(tmp_path: Path) -> None:
    first, second = write_plugin(tmp_path, "twin", folder="a"), write_plugin(tmp_path, "twin", folder="b")
    registry = PluginRegistry(folders=[tmp_path])
    (problem,) = registry.problems
    assert registry.plugin_of("twin.it").code.folder == str(first)
    assert str(first) in problem.problem
    assert problem.source == str(second)


def test_nobody_can_take_the_id_of_the_built_in_readers(tmp_path: Path) -> None:
    write_plugin(tmp_path, "twinviewer")
    registry = PluginRegistry(folders=[tmp_path])
    assert registry.plugin_of("twinviewer.las").origin is PluginOrigin.BUILT_IN
    assert len(registry.problems) == 1


def test_a_bad_manifest_keeps_no_other_plugin_out(tmp_path: Path) -> None:
    write_plugin(tmp_path, "good")
    write_plugin(tmp_path, "bad", more="nonsense")
    (tmp_path / "no-plugin").mkdir()
    (tmp_path / "file.txt").write_text("")
    registry = PluginRegistry(folders=[tmp_path])
    assert [overlay.id for overlay in registry.overlays] == ["good.it"]
    (problem,) = registry.problems
    assert problem.source.startswith(str(tmp_path / "bad" / "plugin.toml:"))


def test_a_plugin_folder_that_cannot_be_listed_keeps_nobody_from_starting(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    registry = PluginRegistry(folders=[tmp_path / "absent", tmp_path / "file"])
    assert [problem.source for problem in registry.problems] == [str(tmp_path / "file")]
    assert registry.readers


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder on ``sys.path`` for packages with entry points."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def enter(monkeypatch: pytest.MonkeyPatch, **packages: str) -> None:
    entries = [
        importlib.metadata.EntryPoint(name=name, value=value, group="twinviewer.plugins")
        for name, value in packages.items()
    ]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda group: entries)


def test_installed_plugins_are_found_without_running_them(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = write_plugin(installed, "wheel", "def feed(**given): return __name__", folder="twinviewer_wheel")
    (home / "__init__.py").write_text("")
    enter(monkeypatch, wheel="twinviewer_wheel")
    registry = PluginRegistry()
    assert registry.plugin_of("wheel.it").origin is PluginOrigin.INSTALLED
    registry.accept("wheel")
    assert call(registry, "wheel") == "twinviewer_wheel.code"
    del sys.modules["twinviewer_wheel"], sys.modules["twinviewer_wheel.code"]


def test_an_installed_plugin_that_is_gone_or_fails_is_told(installed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (installed / "exploding").mkdir()
    (installed / "exploding" / "__init__.py").write_text("raise RuntimeError('boom')")
    enter(monkeypatch, gone="no_such_package_anywhere", exploding="exploding.inner")
    registry = PluginRegistry()
    assert {problem.source for problem in registry.problems} == {"gone", "exploding"}
    assert "traffic.vehicles" in {overlay.id for overlay in registry.overlays}


# --- calling ------------------------------------------------------------------------------------------------------


def test_functions_are_called_by_keyword_and_checked(tmp_path: Path) -> None:
    write_plugin(tmp_path, "good", "def feed(*, start, end): return (start, end)")
    registry = PluginRegistry(folders=[tmp_path])
    assert call(registry, "good", start=1, end=2) == (1, 2)
    assert registry.failures == ()


FAILING = {
    "at import": "raise RuntimeError('boom')",
    "with a syntax error": "def feed(:",
    "without the function": "",
    "in the call": "def feed(**given): raise ValueError('boom')",
    "with another signature": "def feed(site): return []",
    "with an exception whose text fails": (
        "class Odd(Exception):\n    def __str__(self): raise RuntimeError('odd')\ndef feed(**given): raise Odd()"
    ),
}


@pytest.mark.parametrize("how", FAILING)
def test_a_plugin_that_fails_is_told_by_name_when_it_first_fails_and_when_it_is_switched_off(
    tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture
) -> None:
    write_plugin(tmp_path, "bad", FAILING[how] or "x = 1")
    told = Told()
    registry = PluginRegistry(folders=[tmp_path], on_failure=told)
    for number in range(FAILURES_IN_A_ROW):
        assert not registry.is_disabled("bad.it"), f"after {number}"
        with pytest.raises(PluginError) as caught:
            call(registry, "bad", a=1)
        assert caught.value.source == "The bad plugin"
        assert caught.value.cure
    assert registry.is_disabled("bad.it")
    with pytest.raises(PluginError, match="switched off"):
        call(registry, "bad", a=1)
    first, last = told.records
    assert (first.plugin_name, first.count, first.disabled) == ("The bad plugin", 1, False)
    assert (last.plugin_name, last.count, last.disabled) == ("The bad plugin", FAILURES_IN_A_ROW, True)
    (now,) = registry.failures
    assert (now.count, now.disabled) == (FAILURES_IN_A_ROW, True)
    assert "switched off" in caplog.text
    assert [entry for entry in caplog.records if entry.levelno >= logging.ERROR and "failed" in entry.message]


def test_an_exit_in_a_plugin_ends_nothing(tmp_path: Path) -> None:
    write_plugin(tmp_path, "rude", "def feed(**given): raise SystemExit(0)")
    registry = PluginRegistry(folders=[tmp_path])
    with pytest.raises(PluginError, match="SystemExit"):
        call(registry, "rude")


def test_failures_that_are_not_in_a_row_switch_nothing_off(tmp_path: Path) -> None:
    write_plugin(tmp_path, "moody", "def feed(*, fails):\n    if fails: raise ValueError('boom')\n    return 1")
    told = Told()
    registry = PluginRegistry(folders=[tmp_path], on_failure=told)
    for fails in (True, True, False) * 5:
        if fails:
            with pytest.raises(PluginError):
                call(registry, "moody", fails=fails)
        else:
            call(registry, "moody", fails=fails)
    assert not registry.is_disabled("moody.it")
    assert [record.count for record in told.records] == [1, 10]


def test_a_result_that_breaks_the_contract_is_a_failure(tmp_path: Path) -> None:
    write_plugin(tmp_path, "odd", "def feed(**given): return []")

    def check(result: object) -> object:
        raise PluginError("It returned nonsense.")

    registry = PluginRegistry(folders=[tmp_path])
    with pytest.raises(PluginError, match="nonsense") as caught:
        registry.call("odd.it", "code:feed", {}, check=check)
    assert caught.value.source == "The odd plugin"
    assert registry.failures[0].count == 1


@pytest.mark.parametrize(
    ("error", "said"),
    [
        ("ValueError('No such station.')", "“It of odd” failed: ValueError: No such station."),
        ("ValueError", "“It of odd” failed: ValueError."),
        ("ValueError('x' * 201)", f"“It of odd” failed: ValueError: {'x' * 200}…."),
    ],
)
def test_what_it_raised_stands_in_a_sentence(tmp_path: Path, error: str, said: str) -> None:
    write_plugin(tmp_path, "odd", f"def feed(**given): raise {error}")
    with pytest.raises(PluginError) as caught:
        call(PluginRegistry(folders=[tmp_path]), "odd")
    assert caught.value.problem == said


@pytest.mark.parametrize("error", ["FeedError('The broker is down.')", "Cancelled()"])
def test_what_says_that_the_source_is_at_fault_is_no_failure_of_the_plugin(tmp_path: Path, error: str) -> None:
    write_plugin(
        tmp_path, "honest", f"from twinviewer.api import Cancelled, FeedError\ndef feed(**given): raise {error}"
    )
    registry = PluginRegistry(folders=[tmp_path])
    for _ in range(5):
        with pytest.raises((FeedError, Cancelled)):
            call(registry, "honest")
    assert registry.failures == ()


def test_a_contribution_that_was_switched_off_can_be_switched_on(tmp_path: Path) -> None:
    write_plugin(tmp_path, "bad", "def feed(**given): raise ValueError('boom')")
    told = Told()
    registry = PluginRegistry(folders=[tmp_path], on_failure=told)
    for _ in range(2):
        for _ in range(FAILURES_IN_A_ROW):
            with pytest.raises(PluginError, match="boom"):
                call(registry, "bad")
        registry.switch_on("bad.it")
    assert [record.disabled for record in told.records] == [False, True] * 2, "told again: it is another chance"
    assert registry.failures == ()


def test_many_threads_may_call_and_fail_at_once(tmp_path: Path) -> None:
    write_plugin(tmp_path, "bad", "def feed(**given): raise ValueError('boom')")
    write_plugin(tmp_path, "good", "def feed(**given): return 1")
    told = Told()
    registry = PluginRegistry(folders=[tmp_path], on_failure=told)
    results: list[Any] = []

    def work() -> None:
        for _ in range(50):
            results.append(call(registry, "good"))
            with pytest.raises(PluginError):
                call(registry, "bad")

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [1] * 400
    assert sorted(record.disabled for record in told.records) == [False, True]


def test_a_disabled_reader_is_not_offered(tmp_path: Path) -> None:
    from tests.fates import FOLDER

    registry = PluginRegistry(folders=[FOLDER])
    assert [reader.id for reader in registry.readers_for(Path("a.FATE"))] == ["fates.fate"]
    for _ in range(FAILURES_IN_A_ROW):
        registry.report_failure("fates.fate", ValueError("boom"))
    assert registry.readers_for(Path("a.fate")) == ()


def test_a_listener_that_fails_costs_neither_the_others_nor_the_plugin_anything(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    write_plugin(tmp_path, "bad", "def feed(**given): raise ValueError('boom')")
    heard: list[PluginEvent] = []

    def fail(_: object) -> None:
        raise RuntimeError("the panel is gone")

    registry = PluginRegistry(folders=[tmp_path], on_failure=fail)
    registry.on_change(fail)
    registry.on_change(lambda change: heard.append(change.event))
    registry.reload("bad")
    assert heard == [PluginEvent.RELOADED]
    with pytest.raises(PluginError, match="boom"):
        call(registry, "bad")
    assert caplog.text.count("RuntimeError: the panel is gone") == 2


def test_a_contribution_that_is_switched_off_is_told_of_no_more(tmp_path: Path) -> None:
    """Calls that were under way when it was switched off may still fail."""
    write_plugin(tmp_path, "bad", "def feed(**given): return 1")
    told = Told()
    registry = PluginRegistry(folders=[tmp_path], on_failure=told)
    for _ in range(100):
        registry.report_failure("bad.it", ValueError("boom"), reference="code:feed")
    assert [(record.count, record.disabled) for record in told.records] == [(1, False), (FAILURES_IN_A_ROW, True)]

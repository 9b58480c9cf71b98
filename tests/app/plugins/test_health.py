"""The Plugins panel's values say of each plugin how it fares and what it waits for."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.live_plugins import write_plugin
from twinviewer.app.plugins.failures import FAILURES_IN_A_ROW
from twinviewer.app.plugins.health import PluginHealth, PluginState, health_of, log_of
from twinviewer.app.plugins.processes import ProcessHealth
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError

WORKS = "def feed(**given): return 1"
FAILS = "import logging\ndef feed(**given):\n    raise ValueError('boom')"
MUST = '[[settings]]\nkey = "host"\ntitle = "Host"\ntype = "text"'
ASKS = '[permissions]\nnetwork = ["a.org"]'
PROCESS = ProcessHealth(pid=7, cpu_percent=12.5, memory_mb=80.0, messages_per_s=3.0, calls=())


def call(registry: PluginRegistry) -> None:
    registry.call("wind.it", "code:feed", {}, check=lambda result: result)


def fail(registry: PluginRegistry, times: int) -> None:
    for _ in range(times):
        with pytest.raises(PluginError):
            call(registry)


def registry_with(folder: Path, code: str = WORKS, *, isolated: bool = False, more: str = "") -> PluginRegistry:
    write_plugin(folder, "wind", code, isolated=isolated, more=more)
    return PluginRegistry(folders=[folder])


def health(registry: PluginRegistry, *, process: ProcessHealth | None = None, preparing: str = "") -> PluginHealth:
    return health_of(registry.plugin("wind"), registry, process=process, preparing=preparing)


def test_one_in_the_viewer_s_process_is_ready_and_then_runs(tmp_path: Path) -> None:
    registry = registry_with(tmp_path)
    before = health(registry)
    assert (before.state, before.where, before.process) == (PluginState.READY, "In the viewer's process", None)
    call(registry)
    assert health(registry).state is PluginState.RUNNING


def test_one_in_its_own_process_runs_while_that_does(tmp_path: Path) -> None:
    registry = registry_with(tmp_path, isolated=True)
    before, after = health(registry), health(registry, process=PROCESS)
    assert (before.state, before.where) == (PluginState.READY, "In a process of its own, not running now")
    assert (after.state, after.where) == (PluginState.RUNNING, "In a process of its own (number 7)")
    assert after.process is PROCESS


def test_what_waits_for_the_person_says_for_what(tmp_path: Path) -> None:
    registry = registry_with(tmp_path, more=f"{MUST}\n{ASKS}")
    assert health(registry).state is PluginState.NEEDS_CONSENT
    assert "allowed" in health(registry).about_state
    registry.accept("wind")
    assert health(registry).state is PluginState.NEEDS_SETTINGS
    registry.save_settings("wind", {"host": "a.org"})
    assert health(registry).state is PluginState.READY
    registry.set_enabled("wind", False)
    assert health(registry).state is PluginState.OFF


def test_an_environment_that_is_being_made_is_told(tmp_path: Path) -> None:
    registry = registry_with(tmp_path, isolated=True)
    being_made = health(registry, preparing="Installing scipy")
    assert (being_made.state, being_made.about_state) == (PluginState.PREPARING, "Installing scipy.")


def test_failures_are_counted_and_the_last_one_is_told(tmp_path: Path) -> None:
    registry = registry_with(tmp_path, FAILS)
    fail(registry, FAILURES_IN_A_ROW - 1)
    before = health(registry)
    assert (before.state, before.failures) == (PluginState.RUNNING, FAILURES_IN_A_ROW - 1)
    assert "ValueError: boom" in before.last_error
    fail(registry, 1)
    after = health(registry)
    (contribution,) = after.contributions
    assert (after.state, after.failures) == (PluginState.FAILED, FAILURES_IN_A_ROW)
    assert after.about_state == "“It of wind” is switched off because it kept failing."
    assert (contribution.kind, contribution.title, contribution.is_off) == ("overlay", "It of wind", True)
    registry.switch_on("wind.it")
    assert (health(registry).failures, health(registry).last_error) == (0, "")


def test_the_log_of_a_plugin_has_its_tracebacks_its_words_and_its_lines_and_no_other_s(tmp_path: Path) -> None:
    registry = registry_with(tmp_path, FAILS)
    fail(registry, 2)
    plugin = registry.plugin("wind")
    own = f"2026-01-01 WARNING {plugin.code.package}.code: low battery"
    text = log_of(plugin, registry.failures, printed="hello\n", lines=["2026-01-01 INFO other: x", own])
    assert "It of wind: 2 failures" in text
    assert "raise ValueError('boom')" in text
    assert "hello" in text
    assert own in text
    assert "other" not in text
    assert log_of(plugin, [], printed="", lines=[]) == ""

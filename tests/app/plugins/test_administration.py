"""Plugins come, go, are reloaded, switched off and asked for consent while the program runs."""

from __future__ import annotations

import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.app.live_plugins import write_plugin
from twinviewer.app.plugins.choices import ConsentNeededError
from twinviewer.app.plugins.failures import FAILURES_IN_A_ROW
from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError, WriteError

ONE = "def feed(**given): return 1"
TWO = "def feed(**given): return 2"
ASKS = '[permissions]\nnetwork = ["a.org"]'


def call(registry: PluginRegistry, name: str) -> Any:
    return registry.call(f"{name}.it", "code:feed", {}, check=lambda result: result)


def imported(registry: PluginRegistry) -> bool:
    """Return whether the code of the plugin “wind” was imported here."""
    return registry.plugin("wind").code.package in sys.modules


class Heard:
    def __init__(self, registry: PluginRegistry) -> None:
        self.events: list[str] = []
        self.stop = registry.on_change(lambda change: self.events.append(f"{change.event} {change.plugin_id}"))


@pytest.fixture
def user(own_profile: Path) -> Path:
    return own_profile / "data" / "plugins"


# --- coming, going, changing ---------------------------------------------------------------------------------------


def test_a_plugin_can_come_and_go(tmp_path: Path) -> None:
    registry = PluginRegistry(folders=[])
    heard = Heard(registry)
    folder = write_plugin(tmp_path, "wind", ONE)
    assert registry.add(folder).origin is PluginOrigin.NAMED
    assert call(registry, "wind") == 1
    registry.remove("wind")
    assert registry.overlays == ()
    assert registry.overlay("wind.it") is None
    assert folder.is_dir()
    with pytest.raises(PluginError, match="removed"):
        call(registry, "wind")
    with pytest.raises(PluginError, match="no plugin “wind”"):
        registry.remove("wind")
    registry.add(folder)
    assert call(registry, "wind") == 1
    assert heard.events == ["came wind", "went wind", "came wind"]


def test_one_in_the_user_s_folder_is_the_user_s(user: Path) -> None:
    registry = PluginRegistry(folders=[])
    assert registry.add(write_plugin(user, "wind")).origin is PluginOrigin.USER


def test_one_that_was_refused_can_be_corrected(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "wind", more="nonsense")
    registry = PluginRegistry(folders=[tmp_path])
    assert len(registry.problems) == 1
    with pytest.raises(PluginError):
        registry.add(folder)
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace("nonsense", ""))
    registry.add(folder)
    assert registry.problems == ()
    with pytest.raises(PluginError, match="already a plugin"):
        registry.add(folder)


def test_a_reloaded_plugin_is_read_anew_even_within_the_second(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "wind", "from .other import NUMBER\ndef feed(**given): return NUMBER")
    other = folder / "other.py"
    registry = PluginRegistry(folders=[tmp_path])
    heard = Heard(registry)
    other.write_text("NUMBER = 0")
    moment = other.stat().st_mtime_ns
    for number in range(3):
        other.write_text(f"NUMBER = {number}")
        os.utime(other, ns=(moment, moment))  # as large and as old as before: the compiled file seems to fit
        registry.reload("wind")
        assert call(registry, "wind") == number
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace("It of wind", "Another"))
    registry.reload("wind")
    assert [overlay.title for overlay in registry.overlays] == ["Another"]
    assert heard.events == ["reloaded wind"] * 4


def test_a_reload_that_fails_leaves_everything_as_it_was(tmp_path: Path) -> None:
    folder = write_plugin(tmp_path, "wind", ONE)
    registry = PluginRegistry(folders=[tmp_path])
    manifest = folder / "plugin.toml"
    good = manifest.read_text()
    manifest.write_text("nonsense")
    with pytest.raises(PluginError, match="TOML"):
        registry.reload("wind")
    manifest.write_text(good.replace('"wind', '"rain'))
    with pytest.raises(PluginError, match="changed from “wind” to “rain”"):
        registry.reload("wind")
    assert call(registry, "wind") == 1


def test_a_reload_is_another_chance_and_keeps_the_order(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        write_plugin(tmp_path, name, "def feed(**given): raise ValueError('boom')")
    registry = PluginRegistry(folders=[tmp_path])
    for _ in range(FAILURES_IN_A_ROW):
        with pytest.raises(PluginError):
            call(registry, "a")
    (tmp_path / "a" / "code.py").write_text(ONE)
    registry.reload("a")
    assert call(registry, "a") == 1
    assert [overlay.id for overlay in registry.overlays] == ["a.it", "b.it", "c.it"]


def test_what_fails_after_its_plugin_is_gone_harms_nobody(tmp_path: Path) -> None:
    write_plugin(tmp_path, "wind")
    registry = PluginRegistry(folders=[tmp_path])
    registry.remove("wind")
    registry.report_success("wind.it")
    assert registry.report_failure("wind.it", ValueError("boom")).plugin_name == "The wind plugin"


def test_plugins_may_come_and_go_while_others_are_called(tmp_path: Path) -> None:
    write_plugin(tmp_path, "steady", ONE)
    registry = PluginRegistry(folders=[tmp_path])
    folder = write_plugin(tmp_path / "more", "wind", TWO)
    done = threading.Event()
    odd: list[object] = []

    def work() -> None:
        while not done.is_set():
            try:
                odd.extend(each for each in [call(registry, "steady") - 1] if each)
                call(registry, "wind")
            except PluginError as error:
                if "removed" not in error.problem:
                    odd.append(error)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for _ in range(50):
        registry.add(folder)
        registry.reload("wind")
        registry.remove("wind")
    done.set()
    for thread in threads:
        thread.join()
    assert odd == []


def test_a_listener_can_stop_hearing(tmp_path: Path) -> None:
    registry = PluginRegistry(folders=[])
    heard = Heard(registry)
    heard.stop()
    registry.add(write_plugin(tmp_path, "wind"))
    assert heard.events == []


# --- switching off -------------------------------------------------------------------------------------------------


def test_a_plugin_that_is_switched_off_stays_so_and_contributes_nothing(tmp_path: Path) -> None:
    write_plugin(tmp_path, "wind", ONE)
    registry = PluginRegistry(folders=[tmp_path])
    heard = Heard(registry)
    call(registry, "wind")
    assert imported(registry)
    registry.set_enabled("wind", False)
    registry.set_enabled("wind", False)
    assert not imported(registry)
    for each in (registry, PluginRegistry(folders=[tmp_path])):
        assert not each.is_enabled("wind")
        assert "wind" in {plugin.id for plugin in each.plugins}
        assert each.overlays == ()
        assert each.overlay("wind.it") is None
        with pytest.raises(PluginError, match="switched off"):
            call(each, "wind")
        assert each.failures == ()
    registry.set_enabled("wind", True)
    assert call(registry, "wind") == 1
    assert PluginRegistry(folders=[tmp_path]).overlays
    assert heard.events == ["disabled wind", "enabled wind"]


def test_what_is_built_in_cannot_be_switched_off() -> None:
    registry = PluginRegistry(folders=[])
    with pytest.raises(PluginError, match="built in"):
        registry.set_enabled("twinviewer", False)
    registry.choices.set_enabled("twinviewer", False)
    assert PluginRegistry(folders=[]).readers, "nor by writing into the file"


@pytest.mark.parametrize("content", ["", "{", "[]", '{"wind": 3}', "[" * 100_000, b"\xff"])
def test_damaged_choices_cost_the_choices_and_nothing_else(
    tmp_path: Path, own_profile: Path, content: str | bytes
) -> None:
    write_plugin(tmp_path, "wind", ONE)
    file = own_profile / "config" / "plugins.json"
    file.parent.mkdir()
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    registry = PluginRegistry(folders=[tmp_path])
    assert registry.is_enabled("wind")
    registry.set_enabled("wind", False)
    assert not PluginRegistry(folders=[tmp_path]).is_enabled("wind")


def test_what_another_process_chose_meanwhile_is_kept(tmp_path: Path, own_profile: Path) -> None:
    for name in ("a", "b"):
        write_plugin(tmp_path, name)
    window, command = PluginRegistry(folders=[tmp_path]), PluginRegistry(folders=[tmp_path])
    command.set_enabled("a", False)
    window.set_enabled("b", False)
    stored = json.loads((own_profile / "config" / "plugins.json").read_text())
    assert stored == {"a": {"enabled": False}, "b": {"enabled": False}}


def test_a_choice_that_cannot_be_kept_holds_until_the_end(tmp_path: Path, own_profile: Path) -> None:
    write_plugin(tmp_path, "wind", ONE)
    registry = PluginRegistry(folders=[tmp_path])
    (own_profile / "config" / "plugins.json").mkdir(parents=True)
    heard = Heard(registry)
    with pytest.raises(WriteError):
        registry.set_enabled("wind", False)
    assert registry.overlays == ()
    assert heard.events == ["disabled wind"]


# --- consent -------------------------------------------------------------------------------------------------------


def test_a_plugin_that_asks_for_something_waits_until_that_is_accepted(user: Path) -> None:
    write_plugin(user, "wind", ONE, isolated=False, more=ASKS)
    registry = PluginRegistry()
    heard = Heard(registry)
    for _ in range(FAILURES_IN_A_ROW + 1):
        with pytest.raises(ConsentNeededError, match="allowed what it asks for"):
            call(registry, "wind")
    assert registry.failures == ()
    assert not imported(registry)
    registry.accept("wind")
    assert call(registry, "wind") == 1
    assert call(PluginRegistry(), "wind") == 1, "it is kept"
    assert heard.events == ["consent-needed wind", "accepted wind"]


def test_once_it_asks_for_something_else_it_is_asked_again(user: Path) -> None:
    folder = write_plugin(user, "wind", ONE, isolated=False, more=ASKS)
    registry = PluginRegistry()
    registry.accept("wind")
    manifest = folder / "plugin.toml"
    manifest.write_text(manifest.read_text().replace("a.org", "b.org"))
    registry.reload("wind")
    with pytest.raises(ConsentNeededError):
        call(registry, "wind")


@pytest.mark.parametrize(
    ("isolated", "more", "needed"), [(True, "", False), (None, "", False), (False, "", True), (None, ASKS, True)]
)
def test_a_stranger_s_plugin_needs_consent_for_what_it_could_do(
    user: Path, isolated: bool | None, more: str, needed: bool
) -> None:
    write_plugin(user, "wind", ONE, isolated=isolated, more=more)
    registry = PluginRegistry()
    assert registry.choices.is_accepted(registry.plugin("wind")) is not needed


def test_what_ships_with_the_program_and_what_its_author_names_needs_none(tmp_path: Path) -> None:
    for plugin in PluginRegistry().plugins:
        assert PluginRegistry().choices.is_accepted(plugin)
    write_plugin(tmp_path, "wind", ONE, isolated=False)
    assert call(PluginRegistry(folders=[tmp_path]), "wind") == 1


def test_forgotten_choices_are_made_anew(user: Path) -> None:
    write_plugin(user, "wind", ONE, isolated=False)
    registry = PluginRegistry()
    registry.accept("wind")
    registry.choices.forget("wind")
    with pytest.raises(ConsentNeededError):
        call(registry, "wind")

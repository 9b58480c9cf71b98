"""``twinviewer plugin``: what it prints, what it asks, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest

from tests.app.plugins.small_wheels import write_plugin_folder, write_plugin_wheel
from tests.cli.conftest import CommandLine
from tests.conftest import ROOT
from twinviewer.app.folders import data_dir
from twinviewer.app.plugins.choices import PluginChoices
from twinviewer.app.plugins.finding import user_plugins
from twinviewer.app.plugins.registry import PluginRegistry

ASKS = '[permissions]\nnetwork = ["api.example.org", "*.example.net"]\nwrite = ["~/out"]\n'
SCHEMA = json.loads((ROOT / "docs/schema/plugin-list.schema.json").read_text())
START_S = 0.7


def is_accepted(plugin_id: str) -> bool:
    registry = PluginRegistry()
    return registry.choices.is_accepted(registry.plugin(plugin_id))


def test_the_list_names_what_ships_with_the_program(command_line: CommandLine) -> None:
    status, out, err = command_line("plugin", "list")
    assert (status, err) == (0, "")
    for plugin in PluginRegistry().plugins:
        assert f"{plugin.id}  {plugin.name} {plugin.manifest.version} ({plugin.origin})" in out
    status, out, err = command_line("plugin", "list", "--safe-mode")
    assert "(built-in)" in out
    assert "(bundled)" not in out


def test_the_list_as_json_keeps_to_its_schema(command_line: CommandLine, tmp_path: Path) -> None:
    write_plugin_folder(user_plugins() / "thermometers", more=ASKS)
    command_line("plugin", "disable", "traffic")
    status, out, err = command_line("plugin", "list", "--json")
    assert (status, err) == (0, "")
    listed = json.loads(out)
    jsonschema.Draft202012Validator(SCHEMA).validate(listed)
    found = {each["id"]: each for each in listed["plugins"]}
    assert (found["traffic"]["state"], found["air-quality"]["state"]) == ("off", "on")
    assert found["thermometers"] == {
        "id": "thermometers",
        "name": "Thermometers",
        "version": "1.0.0",
        "licence": "CC0-1.0",
        "description": "",
        "origin": "user",
        "state": "waiting",
        "isolated": True,
        "asks_for": [
            "It may reach api.example.org and *.example.net in the network.",
            "It may read and change ~/out.",
        ],
        "requires": [],
        "environment_ready": True,
        "folder": str(user_plugins() / "thermometers"),
        "contributions": [{"kind": "commands", "id": "thermometers.tell", "title": "Tell"}],
    }
    assert listed["refused"] == []


def test_a_manifest_that_is_refused_is_told_and_the_rest_is_listed(command_line: CommandLine) -> None:
    broken = user_plugins() / "broken"
    broken.mkdir(parents=True)
    (broken / "plugin.toml").write_text("api = 1\nid = 7\n")
    status, out, err = command_line("plugin", "list")
    assert status == 1
    assert "traffic" in out
    assert err.count("\n") == 1
    assert str(broken / "plugin.toml") in err
    status, out, _ = command_line("plugin", "list", "--json")
    assert status == 1
    (refused,) = json.loads(out)["refused"]
    assert refused["source"].startswith(str(broken / "plugin.toml"))
    assert refused["cure"]


def test_a_plugin_that_asks_for_nothing_is_installed_without_a_question(
    command_line: CommandLine, tmp_path: Path
) -> None:
    status, out, err = command_line("plugin", "install", write_plugin_wheel(tmp_path))
    assert (status, err) == (0, "")
    assert out == f"Thermometers 1.0.0 was installed into {user_plugins() / 'thermometers'}.\n"
    status, out, _ = command_line("plugin", "install", write_plugin_folder(tmp_path / "b", version="0.9.0"))
    assert status == 0
    assert out == "Thermometers 0.9.0, which is older, took the place of 1.0.0; its settings and data are kept.\n"
    _, out, _ = command_line("plugin", "install", write_plugin_folder(tmp_path / "c", version="0.10.0"))
    assert out == "Thermometers 0.10.0 took the place of 0.9.0; its settings and data are kept.\n"


def test_what_a_plugin_asks_for_is_shown_and_granted_by_an_option(command_line: CommandLine, tmp_path: Path) -> None:
    source = write_plugin_folder(tmp_path / "a", more=ASKS)
    status, out, err = command_line("plugin", "install", source, "--yes")
    assert (status, err) == (0, "")
    assert "It may reach api.example.org and *.example.net in the network.\n" in out
    assert "It may read and change ~/out.\n" in out
    assert is_accepted("thermometers")
    _, out, _ = command_line("plugin", "install", source)
    assert "asks" not in out, "it was granted before"
    more = write_plugin_folder(tmp_path / "b", more=ASKS + "subprocess = true\n", version="2.0.0")
    status, out, _ = command_line("plugin", "install", more)
    assert status == 2, "it asks for more than was granted, and nobody can be asked"
    assert "may start other programs" in out
    assert PluginRegistry().plugin("thermometers").manifest.version == "1.0.0"


@pytest.mark.parametrize(("answer", "installed"), [("y", True), ("yes", True), ("n", False), ("", False)])
def test_what_a_plugin_asks_for_is_asked_on_the_terminal(
    answer: str, installed: bool, command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: answer)
    status, out, _ = command_line("plugin", "install", write_plugin_folder(tmp_path / "a", more=ASKS))
    assert (status == 0) is installed
    assert ("Nothing was installed." in out) is not installed
    assert (user_plugins() / "thermometers").exists() is installed
    if installed:
        assert is_accepted("thermometers")


def test_a_plugin_that_wants_to_run_inside_the_viewer_asks_for_everything(
    command_line: CommandLine, tmp_path: Path
) -> None:
    source = write_plugin_folder(tmp_path / "a", more="isolated = false")
    status, out, _ = command_line("plugin", "install", source)
    assert status == 2
    assert "It runs inside the viewer, where nothing limits it: it may do whatever you may." in out


def test_plugins_are_switched_off_and_on(command_line: CommandLine) -> None:
    assert command_line("plugin", "disable", "traffic") == (0, "Traffic is switched off.\n", "")
    assert not PluginChoices().is_enabled("traffic")
    assert command_line("plugin", "disable", "traffic") == (0, "Traffic is switched off already.\n", "")
    _, out, _ = command_line("plugin", "list")
    assert "traffic  Traffic 1.0.0 (bundled) – switched off" in out
    assert command_line("plugin", "enable", "traffic") == (0, "Traffic is switched on.\n", "")
    assert PluginChoices().is_enabled("traffic")


def test_a_plugin_is_removed_and_purged(command_line: CommandLine, tmp_path: Path) -> None:
    source = write_plugin_folder(tmp_path / "a")
    command_line("plugin", "install", source)
    status, out, _ = command_line("plugin", "remove", "thermometers")
    assert status == 0
    assert "was removed from" in out
    assert "are kept" in out
    command_line("plugin", "install", source)
    status, out, _ = command_line("plugin", "remove", "thermometers", "--purge")
    assert (status, "data were removed, too" in out) == (0, True)
    assert list(user_plugins().iterdir()) == []
    assert list((data_dir() / "plugin-data").iterdir()) == []


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (("install", "nowhere.whl"), 2),
        (("install", "notes.txt"), 1),
        (("install",), 2),
        (("remove", "traffic"), 1),
        (("remove", "nobody"), 1),
        (("enable", "nobody"), 1),
        (("disable", "twinviewer"), 1),
    ],
)
def test_errors_are_one_sentence_with_a_cure(
    arguments: tuple[str, ...],
    status: int,
    command_line: CommandLine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "notes.txt").write_text("x")
    ended, out, err = command_line("plugin", *arguments)
    assert (ended, out) == (status, "")
    assert err.startswith("twinviewer: ")
    assert err.count("\n") == 1


def test_the_list_starts_at_once_and_without_what_draws() -> None:
    """Measured in processor time, of which other programs take nothing."""
    heavy = "PySide6 pyvista vtkmodules pyproj shapely keyring packaging"
    check = (
        "import sys; from twinviewer.cli.program import run; run(['plugin', 'list']);"
        f"print('imported:', [name for name in {heavy.split()} if name in sys.modules])"
    )
    times = []
    for _ in range(3):
        before = os.times()
        done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True, cwd=ROOT)
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
        assert done.stdout.endswith("imported: []\n")
    assert min(times) <= START_S

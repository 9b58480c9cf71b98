"""Where a plugin's manifest is below what an author points at, what it requires, and where its code runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.live_plugins import write_plugin
from twinviewer.app.plugins.finding import plugin_folder, read_requirements
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError

PROJECT = '[project]\nname = "wind"\ndependencies = {}\n'


@pytest.mark.parametrize("inner", [".", "wind", "src/wind", "plugin.toml"])
def test_a_plugin_is_found_in_its_project(tmp_path: Path, inner: str) -> None:
    folder = tmp_path / ("." if inner == "plugin.toml" else inner)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "plugin.toml").write_text("")
    given = tmp_path / "plugin.toml" if inner == "plugin.toml" else tmp_path
    assert plugin_folder(given).samefile(folder)


def test_a_folder_without_a_manifest_and_one_with_two_are_refused(tmp_path: Path) -> None:
    with pytest.raises(PluginError, match=r"no plugin\.toml"):
        plugin_folder(tmp_path)
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "plugin.toml").write_text("")
    with pytest.raises(PluginError, match="several plugins: a, b"):
        plugin_folder(tmp_path)


@pytest.mark.parametrize("inner", [".", "wind", "src/wind"])
def test_what_a_plugin_requires_is_in_its_project_file(tmp_path: Path, inner: str) -> None:
    folder = tmp_path / inner
    folder.mkdir(parents=True, exist_ok=True)
    (tmp_path / "pyproject.toml").write_text(PROJECT.format('["twinviewer>=0.1", "numpy<1.20", "paho-mqtt"]'))
    assert read_requirements(folder) == ("numpy<1.20", "paho-mqtt")


def test_what_an_installer_wrote_down_counts_first(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT.format('["scipy"]'))
    (tmp_path / "requirements.txt").write_text("# from the wheel\n\ntwinviewer\nnumpy<1.20  # old\n")
    assert read_requirements(tmp_path) == ("numpy<1.20",)


def test_a_plugin_without_a_project_file_requires_nothing(tmp_path: Path) -> None:
    assert read_requirements(tmp_path) == ()


@pytest.mark.parametrize(
    ("project", "says"),
    [
        (PROJECT.format('["no requirement!"]'), "no requirement!"),
        (PROJECT.format("3"), "no list|not a list"),
        ("[", "TOML"),
    ],
)
def test_a_damaged_project_file_is_told(tmp_path: Path, project: str, says: str) -> None:
    (tmp_path / "pyproject.toml").write_text(project)
    with pytest.raises(PluginError, match=says) as caught:
        read_requirements(tmp_path)
    assert caught.value.source == str(tmp_path / "pyproject.toml")


@pytest.mark.parametrize(
    ("says", "requires", "isolated"),
    [(None, "[]", True), (False, "[]", False), (True, "[]", True), (False, '["scipy"]', True)],
)
def test_a_stranger_s_code_runs_apart_unless_it_asks_not_to(
    tmp_path: Path, requires: str, *, says: bool | None, isolated: bool
) -> None:
    folder = write_plugin(tmp_path, "wind", isolated=says)
    (folder / "pyproject.toml").write_text(PROJECT.format(requires))
    registry = PluginRegistry(folders=[tmp_path])
    assert registry.plugin_of("wind.it").isolated is isolated


def test_what_ships_with_the_program_runs_in_it() -> None:
    for plugin in PluginRegistry().plugins:
        assert plugin.is_trusted
        assert not plugin.isolated

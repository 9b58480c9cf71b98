"""What the documents say works as they say it: their examples run, and nothing is left out of them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.sample_files import write_city, write_layers, write_points, write_terrain
from tests.conftest import ROOT
from twinviewer.app.description import Counts, Description, LayerDescription
from twinviewer.cli.program import app
from twinviewer.scripting import ScriptSession


def examples(page: str) -> list[str]:
    return re.findall(
        r"^```python\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE
    )


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The files that the examples name, in the working folder."""
    write_city(tmp_path / "buildings.gml")
    write_points(tmp_path / "points.laz")
    write_terrain(tmp_path / "terrain.tif")
    write_layers(tmp_path / "town.gpkg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("page", "made"),
    [
        ("README.md", ("city.png", "city.twin")),
        ("docs/python.md", ("town.png", "town.twin", "terrain.png", "streets.geojson", "contours.gpkg")),
    ],
)
def test_the_examples_run(page: str, made: tuple[str, ...], files: Path) -> None:
    names: dict[str, object] = {}
    for example in examples(page):
        exec(compile(example, page, "exec"), names)
    for name in made:
        assert (files / name).stat().st_size > 500


def test_the_example_of_the_readme_has_ten_lines() -> None:
    (example,) = examples("README.md")
    assert len(example.splitlines()) <= 10


def test_every_option_is_in_the_page_on_the_command_line() -> None:
    page = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
    of_plugins = [name for name in app["plugin"] if not name.startswith("-")]
    assert "## plugin" in page
    for name in of_plugins:
        assert f"plugin {name}" in page, name
    commands = [app[name] for name in ("demo", "info", "render", "convert", "doctor")] + [
        app["plugin"][name] for name in of_plugins
    ]
    for command in ("demo", "info", "render", "convert", "doctor"):
        assert f"## {command}" in page
    for command in commands:
        for argument in command.assemble_argument_collection():
            for name in argument.names if argument.parameter.parse is not False else ():
                assert not name.startswith("-") or f"`{name}" in page or f" {name} " in page, name
    for name in ("--crs", "--self-check", "--version", "--safe-mode", "--debug"):
        assert name in page


def test_every_member_of_info_is_in_its_page() -> None:
    page = (ROOT / "docs" / "info-json.md").read_text(encoding="utf-8")
    members = {*Description.__dataclass_fields__, *LayerDescription.__dataclass_fields__, *Counts.__annotations__}
    for member in members:
        assert f"`{member}`" in page, member


def test_every_method_of_a_session_is_in_the_page_on_python() -> None:
    page = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
    for name in vars(ScriptSession):
        assert name.startswith("_") or f"session.{name}" in page or f"`{name}(" in page, name

"""What ``twinviewer plugin new`` writes is what an author would be proud of; their own tests run in the tutorials."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from twinviewer.app.plugins import templates
from twinviewer.app.plugins.conformance.checking import check_plugin
from twinviewer.app.plugins.conformance.verdicts import Outcome
from twinviewer.app.plugins.templates import KINDS, LICENCES, names_of, new_project
from twinviewer.model.errors import UsageError, WriteError

LONGEST_OVERLAY = 30
"""Lines, imports included: what a first evening may cost."""


@pytest.fixture(scope="module")
def projects(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    parent = tmp_path_factory.mktemp("projects")
    return {kind: new_project(f"my-{kind}", kind=kind, parent=parent) for kind in KINDS}


def run_each(projects: dict[str, Path], *command: str) -> dict[str, str]:
    """Run a command in each project, all at once; return what it said where it failed."""
    running = {
        kind: subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        for kind, folder in projects.items()
    }
    said = {kind: process.communicate(timeout=150)[0] for kind, process in running.items()}
    return {kind: text for kind, text in said.items() if running[kind].returncode != 0}


@pytest.mark.parametrize("command", [("check",), ("format", "--check")], ids=" ".join)
def test_each_project_is_linted_and_formatted(projects: dict[str, Path], command: tuple[str, ...]) -> None:
    rules = ("--extend-select", "I,UP,B,SIM,RET,PT,C4,PERF,ARG005") if command == ("check",) else ()
    assert run_each(projects, sys.executable, "-m", "ruff", *command, *rules, ".") == {}


def test_each_project_is_typed(projects: dict[str, Path], tmp_path: Path) -> None:
    files = [str(path) for folder in projects.values() for path in folder.rglob("*.py")]
    command = [sys.executable, "-m", "mypy", "--strict", "--cache-dir", str(tmp_path), *files]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=150)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_each_project_keeps_the_contract_without_a_warning(projects: dict[str, Path], kind: str) -> None:
    report = check_plugin(projects[kind])
    assert [finding for finding in report.findings if finding.outcome is not Outcome.PASSED] == []


def test_the_overlay_is_short(projects: dict[str, Path]) -> None:
    code = projects["overlay"] / "my_overlay" / "overlay.py"
    assert len(code.read_text().splitlines()) <= LONGEST_OVERLAY


@pytest.mark.parametrize("kind", KINDS)
def test_a_wheel_of_it_would_say_what_index_and_people_need(projects: dict[str, Path], kind: str) -> None:
    project = tomllib.loads((projects[kind] / "pyproject.toml").read_text())["project"]
    assert project["entry-points"]["twinviewer.plugins"] == {f"my-{kind}": f"my_{kind}"}
    assert project["license"] == "Apache-2.0"
    assert project["urls"]
    assert "Topic :: Scientific/Engineering :: GIS" in project["classifiers"]
    assert "$" not in (projects[kind] / "README.md").read_text()


def test_the_licence_is_the_one_that_was_chosen(tmp_path: Path) -> None:
    for licence, words in (("MIT", "without restriction"), ("Apache-2.0", "Version 2.0, January 2004")):
        folder = new_project(f"under-{licence}", kind="layer", parent=tmp_path, licence=licence)
        assert words in (folder / "LICENSE").read_text()
        manifest = next(folder.glob("*/plugin.toml"))
        assert tomllib.loads(manifest.read_text())["licence"] == licence
    assert set(LICENCES) == {"MIT", "Apache-2.0"}


@pytest.mark.parametrize(
    ("name", "distribution", "package"),
    [("Hello_City", "hello-city", "hello_city"), ("a.b--c", "a-b-c", "a_b_c"), ("x2", "x2", "x2")],
)
def test_names_are_normalised_as_pep_503_says(name: str, distribution: str, package: str) -> None:
    names = names_of(name)
    assert (names.name, names.package) == (distribution, package)


@pytest.mark.parametrize(
    "name", ["", "2fast", "-x", "x-", "a b", "ä", "../x", "class", "json", "numpy", "twinviewer", "a" * 65]
)
def test_a_name_that_no_package_can_have_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError) as caught:
        new_project(name, kind="overlay", parent=tmp_path)
    assert caught.value.cure
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "work").write_text("of a week")
    with pytest.raises(UsageError, match="there already"):
        new_project("mine", kind="overlay", parent=tmp_path)
    assert [path.name for path in (tmp_path / "mine").iterdir()] == ["work"]
    assert (tmp_path / "mine" / "work").read_text() == "of a week"


def test_a_disk_that_says_no_leaves_nothing_half(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_text
    left: list[int] = [3]

    def fails(self: Path, *arguments: object, **options: object) -> int:
        left[0] -= 1
        if left[0] < 0:
            raise OSError(28, "No space left on device")
        return write(self, *arguments, **options)

    monkeypatch.setattr(templates.Path, "write_text", fails)
    with pytest.raises(WriteError, match="No space left"):
        new_project("mine", kind="overlay", parent=tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda parent: new_project("x", kind="theme", parent=parent), "overlay, reader, analysis, panel, layer"),
        (lambda parent: new_project("x", kind="overlay", parent=parent, licence="WTFPL"), "Apache-2.0, MIT"),
    ],
    ids=["kind", "licence"],
)
def test_what_there_is_no_template_for_is_told_with_what_there_is(
    tmp_path: Path, make: Callable[[Path], Path], told: str
) -> None:
    with pytest.raises(UsageError) as caught:
        make(tmp_path)
    assert told in caught.value.cure

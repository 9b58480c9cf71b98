"""``twinviewer plugin new``, ``run`` and ``check``: what is said, and with which exit status."""

from __future__ import annotations

import json
import shlex
from pathlib import Path

import jsonschema
import pytest

from tests.app.plugins.faulty_plugins import overlays
from tests.cli.conftest import CommandLine, Program
from tests.cli.test_bad_input import is_one_sentence
from tests.conftest import ROOT


@pytest.fixture
def project(tmp_path: Path, command_line: CommandLine) -> Path:
    status, _, err = command_line("plugin", "new", "Hello.City", "--in", tmp_path)
    assert (status, err) == (0, "")
    return tmp_path / "hello-city"


def test_a_new_plugin_is_told_with_commands_that_can_be_typed(
    tmp_path: Path, command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = command_line("plugin", "new", "mine", "--kind", "panel", "--licence", "MIT")
    assert status == 0
    commands = [shlex.split(line)[:4] for line in out.splitlines() if line.startswith("  ")]
    assert commands == [
        ["twinviewer", "plugin", "run", "mine"],
        ["twinviewer", "plugin", "check", "mine"],
        ["pip", "wheel", "--no-deps", "./mine"],
    ]
    assert (tmp_path / "mine" / "mine" / "panel.py").is_file()
    assert "MIT License" in (tmp_path / "mine" / "LICENSE").read_text()


@pytest.mark.parametrize(
    ("arguments", "status"),
    [(("2fast",), 2), (("json",), 2), (("x", "--kind", "theme"), 2), (("x", "--licence", "WTFPL"), 2)],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_cannot_be_made_is_one_sentence(
    tmp_path: Path, command_line: CommandLine, arguments: tuple[str, ...], status: int
) -> None:
    done, out, err = command_line("plugin", "new", *arguments, "--in", tmp_path)
    assert (done, out) == (status, "")
    assert is_one_sentence(err)
    assert list(tmp_path.iterdir()) == []


def test_what_is_there_already_is_not_touched(project: Path, command_line: CommandLine) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    status, _, err = command_line("plugin", "new", "hello-city", "--in", project.parent)
    assert status == 2
    assert is_one_sentence(err)
    assert {path: path.read_bytes() for path in project.rglob("*") if path.is_file()} == before


def test_a_plugin_that_conforms_ends_with_0_and_gets_a_badge(project: Path, command_line: CommandLine) -> None:
    status, out, err = command_line("plugin", "check", project, "--badge", project / "conforms.svg")
    assert (status, err) == (0, "")
    *lines, last = out.splitlines()
    assert {line[0] for line in lines} == {"✓"}
    assert last.startswith("“hello-city” conforms (api 1)")
    assert "conforms (api 1)" in (project / "conforms.svg").read_text()


def test_a_plugin_that_does_not_ends_with_1_and_its_traceback_is_on_stderr(
    tmp_path: Path, command_line: CommandLine
) -> None:
    folder = overlays(tmp_path / "faulty", {"raises": "return 1 / 0"})
    status, out, err = command_line("plugin", "check", folder)
    assert status == 1
    assert "✗ faulty.raises" in out
    assert "ZeroDivisionError: division by zero" in err
    status, out, err = command_line("plugin", "check", folder, "--json")
    assert (status, err) == (1, "")
    report = json.loads(out)
    jsonschema.validate(report, json.loads((ROOT / "docs/schema/plugin-check.schema.json").read_text()))
    assert report["conforms"] is False


@pytest.mark.parametrize("command", ["run", "check"])
def test_a_folder_without_a_plugin_is_told(tmp_path: Path, command_line: CommandLine, command: str) -> None:
    status, out, err = command_line("plugin", command, tmp_path)
    assert (status, out) == (1, "")
    assert is_one_sentence(err)
    assert "plugin.toml" in err


def test_a_manifest_that_is_refused_is_told_before_a_window_opens(project: Path, program: Program) -> None:
    manifest = project / "hello_city" / "plugin.toml"
    manifest.write_text(manifest.read_text().replace("api = 1", "api = 99"))
    done = program("plugin", "run", project, display=None)
    assert done.returncode == 1
    assert "99" in done.stderr
    assert is_one_sentence(done.stderr)


def test_a_sentence_that_asks_what_was_meant_ends_with_its_question(project: Path, command_line: CommandLine) -> None:
    manifest = project / "hello_city" / "plugin.toml"
    manifest.write_text(manifest.read_text().replace("licence =", "license =", 1))
    status, _, err = command_line("plugin", "run", project)
    assert status == 1
    assert is_one_sentence(err)
    assert err.endswith("; did you mean “licence”?\n")


def test_a_city_of_an_impossible_size_is_refused(project: Path, command_line: CommandLine) -> None:
    status, _, err = command_line("plugin", "run", project, "--demo-buildings", 1)
    assert status == 2
    assert is_one_sentence(err)

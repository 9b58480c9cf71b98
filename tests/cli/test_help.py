"""U14 of the goals: every command explains itself, with an example, at once."""

from __future__ import annotations

import os
import re
import subprocess
import sys

import pytest

import twinviewer
from tests.cli.conftest import CommandLine
from tests.conftest import ROOT
from twinviewer.cli.program import app

START_S = 0.5
COMMANDS = ("demo", "info", "render", "convert", "doctor", "plugin")
OF_PLUGINS = tuple(name for name in app["plugin"] if not name.startswith("-"))
EVERY_COMMAND = ((), *((name,) for name in COMMANDS), *(("plugin", name) for name in OF_PLUGINS))


@pytest.mark.parametrize("command", EVERY_COMMAND, ids=lambda command: " ".join(command))
def test_every_command_has_help_with_an_example(command: tuple[str, ...], command_line: CommandLine) -> None:
    status, out, err = command_line(*command, "--help")
    assert (status, err) == (0, "")
    assert re.search(rf"Example: twinviewer {' '.join(command)}", out)


def test_the_example_of_every_command_is_a_command_line_that_is_understood(command_line: CommandLine) -> None:
    for command in EVERY_COMMAND:
        _, out, _ = command_line(*command, "--help")
        example = re.search(r"Example: twinviewer (.*)", out)
        assert example is not None
        app.parse_args(example[1].split(), print_error=False, exit_on_error=False)  # raises where it is not


def test_help_names_all_commands_and_all_options_that_they_share(command_line: CommandLine) -> None:
    _, out, _ = command_line("--help")
    for name in (*COMMANDS, "--version", "--safe-mode", "--self-check", "--debug", "--crs"):
        assert name in out


def test_the_help_about_plugins_names_all_that_can_be_done_with_them(command_line: CommandLine) -> None:
    _, out, _ = command_line("plugin", "--help")
    assert set(OF_PLUGINS) >= {"list", "install", "remove", "enable", "disable"}
    for name in OF_PLUGINS:
        assert name in out


def test_the_version_is_told(command_line: CommandLine) -> None:
    assert command_line("--version") == (0, f"twinviewer {twinviewer.__version__}\n", "")


def test_help_starts_at_once() -> None:
    """Measured in processor time, of which other programs take nothing; on an idle machine it is what a clock shows."""
    times = []
    for _ in range(5):
        before = os.times()
        subprocess.run(
            [sys.executable, "-m", "twinviewer", "info", "--help"], check=True, capture_output=True, cwd=ROOT
        )
        after = os.times()
        times.append(after.children_user + after.children_system - before.children_user - before.children_system)
    assert min(times) <= START_S


@pytest.mark.parametrize(
    ("code", "heavy"),
    [
        ("from twinviewer.cli.program import run; run(['--help'])", "numpy pyproj PySide6 pyvista vtkmodules pydantic"),
        ("import twinviewer", "numpy pyproj PySide6 pyvista vtkmodules pydantic cyclopts"),
        ("import twinviewer; twinviewer.read", "PySide6 pyvista vtkmodules pyproj laspy pyogrio rasterio cyclopts"),
        ("import twinviewer; twinviewer.write", "PySide6 pyvista vtkmodules pyproj laspy pyogrio rasterio cyclopts"),
    ],
)
def test_nothing_is_imported_before_it_is_needed(code: str, heavy: str) -> None:
    check = f"import sys; {code}; print('imported:', [name for name in {heavy.split()} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", check], check=True, capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.endswith("imported: []\n")

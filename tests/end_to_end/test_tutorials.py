"""The tutorials for authors of plugins, carried out as they stand: commands, files, changes, and what is to be seen."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.crowding import allowed_s
from tests.end_to_end.markdown_pages import Reading, blocks_of, commands_of

PAGES = ROOT / "docs" / "plugins"
OTHERS = ("reader", "analysis", "panel", "layer")
MOST_COMMANDS = 5
MOST_LINES = 30
WITHIN_S = 60.0


@pytest.fixture
def environment() -> dict[str, str]:
    """A shell in which twinviewer, pytest and pip are those of this environment, and the network is not needed."""
    return {
        "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", ""))),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it the other way round: no isolation
        "PIP_NO_INDEX": "1",
        "PYTEST_ADDOPTS": "-p no:cacheprovider -W error",
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def test_from_nothing_to_a_moving_overlay_that_someone_else_installs(
    tmp_path: Path, environment: dict[str, str], own_profile: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page, desk = PAGES / "tutorial-overlay.md", tmp_path / "desk"
    desk.mkdir()
    reading = Reading(desk, environment=environment, within_s=allowed_s(WITHIN_S))
    began = time.monotonic()
    reading.read(page)
    took_s = time.monotonic() - began
    with capsys.disabled():
        told = "".join(f"\n  {each_s:6.1f} s  {command}" for command, each_s in reading.took)
        print(f"\nFrom nothing to a wheel with an overlay that moves: {took_s:.1f} s{told}")  # noqa: T201
    (wheel,) = (desk / "wheels").glob("*.whl")
    someone = {**os.environ, **environment, "TWINVIEWER_PROFILE_DIR": str(tmp_path / "someone")}

    def twinviewer(*arguments: str) -> str:
        command = [sys.executable, "-m", "twinviewer", *arguments]
        run = subprocess.run(command, cwd=tmp_path, env=someone, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, run.stdout + run.stderr
        return run.stdout

    twinviewer("plugin", "install", str(wheel))
    installed = json.dumps(json.loads(twinviewer("plugin", "list", "--json")))
    assert "hello-city.drones" in installed


def test_the_first_overlay_costs_five_commands_and_thirty_lines() -> None:
    page = PAGES / "tutorial-overlay.md"
    assert len(commands_of(page)) <= MOST_COMMANDS
    (code,) = (block.text for block in blocks_of(page) if block.language == "python")
    assert len(code.splitlines()) <= MOST_LINES


@pytest.mark.parametrize("kind", OTHERS)
def test_a_tutorial_does_what_it_says(kind: str, tmp_path: Path, environment: dict[str, str]) -> None:
    reading = Reading(tmp_path, environment=environment, within_s=allowed_s(WITHIN_S))
    reading.read(PAGES / f"tutorial-{kind}.md")
    assert len(reading.took) == len(commands_of(PAGES / f"tutorial-{kind}.md")) >= 3


def test_the_page_of_each_kind_is_there() -> None:
    assert {path.stem for path in PAGES.glob("tutorial-*.md")} == {f"tutorial-{kind}" for kind in ("overlay", *OTHERS)}

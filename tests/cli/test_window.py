"""How the window is started, and what is said where it cannot be."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.conftest import CommandLine, Program
from tests.cli.sample_files import write_city
from tests.cli.test_bad_input import is_one_sentence
from tests.conftest import ROOT
from twinviewer.app.folders import state_dir
from twinviewer.cli.self_check import LEAST_EDGES, share_of_edges
from twinviewer.model.errors import DisplayError
from twinviewer.ui import canary

STARTED_WITHIN_S = 60.0
ENDED_WITHIN_S = 10.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the window system is part of the system")


@linux
@pytest.mark.parametrize("arguments", [(), ("demo",), ("city.gml",)], ids=" ".join)
def test_without_a_display_one_sentence_says_so(arguments: tuple[str, ...], program: Program) -> None:
    done = program(*arguments, display=None)
    assert (done.returncode, done.stdout) == (1, "")
    assert is_one_sentence(done.stderr)
    assert "no display" in done.stderr


@linux
def test_a_display_that_does_not_answer_is_told(program: Program) -> None:
    done = program(display=":9999")
    assert (done.returncode, done.stdout) == (1, "")
    assert is_one_sentence(done.stderr)
    assert ":9999" in done.stderr


def test_a_sound_qt_loses_no_references() -> None:
    assert canary.references_lost() <= canary.SOUND_LOSS
    canary.require_sound_qt()


def test_an_unsound_qt_is_refused_before_the_window_opens(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    """PySide6 6.12.0 on Python 3.11 loses 994 references to None in 1,000 calls."""
    monkeypatch.setattr(canary, "references_lost", lambda: 199)
    with pytest.raises(DisplayError, match=r"would end the program"):
        canary.require_sound_qt()
    status, _, err = command_line()
    assert status == 1
    assert is_one_sentence(err)
    assert "PySide6" in err


def test_a_snapshot_that_cannot_be_written_is_told_before_a_minute_is_spent(
    command_line: CommandLine, tmp_path: Path
) -> None:
    status, _, err = command_line("demo", "--snapshot", tmp_path / "nowhere" / "x.png")
    assert status == 1
    assert is_one_sentence(err)


@pytest.fixture
def window() -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts the program with its window; what still runs at the end is ended."""
    started: list[subprocess.Popen[str]] = []

    def start(*arguments: str | Path) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "twinviewer", *map(str, arguments)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_path_that_is_no_use_is_told_in_the_window_and_ctrl_c_closes_it(
    window: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = window(tmp_path / "missing.laz", "https://example.org/city.gml")
    told = wait_for_log("missing.laz: The file does not exist.", process)
    assert "https://example.org/city.gml: Addresses on the network cannot be opened yet." in told
    assert process.poll() is None  # the window is open
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=ENDED_WITHIN_S)
    assert (process.returncode, out, err) == (130, "", "")


def test_a_second_ctrl_c_ends_it_at_once_and_the_next_start_has_the_changes(
    window: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    """With a layer that was never saved the window asks first; who presses Ctrl+C again does not want to be asked."""
    process = window(write_city(tmp_path / "house.gml"))
    journal = state_dir() / "journal"
    wait_until(lambda: journal.is_dir() and any(journal.iterdir()), process)  # loaded, and kept in the journal
    process.send_signal(signal.SIGINT)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(1.0)
    process.send_signal(signal.SIGINT)
    assert process.wait(ENDED_WITHIN_S) == -signal.SIGINT
    assert any(journal.iterdir())


def test_a_snapshot_of_the_demo_city_shows_it(tmp_path: Path, program: Program) -> None:
    picture = tmp_path / "demo.png"
    done = program("demo", "--buildings", "40", "--snapshot", picture, display=os.environ.get("DISPLAY"))
    assert (done.returncode, done.stderr) == (0, "")
    with Image.open(picture) as image:
        pixels = np.asarray(image.convert("RGB"))
    assert pixels.shape[0] > 500
    assert pixels.shape[1] > 800
    middle = pixels[pixels.shape[0] // 3 : -pixels.shape[0] // 3, pixels.shape[1] // 3 : -pixels.shape[1] // 3]
    assert share_of_edges(middle) > LEAST_EDGES


@pytest.mark.parametrize("on_screen", [True, False], ids=["in a window", "off screen"])
def test_the_program_finds_itself_whole(on_screen: bool, program: Program) -> None:
    before = set(Path(state_dir()).rglob("*"))
    done = program("--self-check", display=os.environ.get("DISPLAY") if on_screen else None)
    assert (done.returncode, done.stderr) == (0, "")
    assert all(name in done.stdout.splitlines()[0] for name in ("Air quality", "Traffic"))
    assert "a plugin in a process of its own: PlaceGlyphs, Trails" in done.stdout
    assert done.stdout.endswith("All is well.\n")
    assert {path.name for path in set(Path(state_dir()).rglob("*")) - before} <= {"log", "twinviewer.log", "crash.log"}


def test_a_picture_of_nothing_has_no_edges() -> None:
    sky = np.repeat(np.linspace(40, 220, 100).astype(np.uint8)[:, None, None], 160, axis=1).repeat(3, axis=2)
    assert share_of_edges(sky) == 0
    house = sky.copy()
    house[40:80, 60:100] = 250
    assert share_of_edges(house) > LEAST_EDGES


def wait_for_log(words: str, process: subprocess.Popen[str]) -> str:
    """Return the log once ``words`` are in it."""
    log = state_dir() / "log" / "twinviewer.log"
    wait_until(lambda: log.exists() and words in log.read_text(encoding="utf-8"), process)
    return log.read_text(encoding="utf-8")


def wait_until(happened: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + STARTED_WITHIN_S
    while not happened():
        assert process.poll() is None, "the program has ended"
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.05)

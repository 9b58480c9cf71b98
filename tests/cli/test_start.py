"""The three ways in: the terminal, the GUI script, and the processes that a frozen program starts."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import twinviewer
from tests.cli.sample_files import write_city
from tests.conftest import ROOT
from twinviewer.__main__ import main_gui
from twinviewer.app.spawning import WORKER_FLAG
from twinviewer.isolation.frames import receive


def test_the_program_of_a_frozen_build_reads_files_when_it_is_asked_to() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "twinviewer", WORKER_FLAG, "twinviewer.formats.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    try:
        assert process.stdout is not None
        assert receive(process.stdout) == {"ready": process.pid}
        process.communicate(timeout=30)  # closes its stdin: nobody wants anything any more
        assert process.returncode == 0
    finally:
        process.kill()


def test_the_program_of_a_frozen_build_runs_a_plugin_when_it_is_asked_to() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "twinviewer", WORKER_FLAG, "twinviewer.isolation.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    out, errors = process.communicate(timeout=30)  # the viewer goes before it said what is to be run
    assert (process.returncode, out, errors) == (0, b"", b"")


def test_the_gui_script_runs_without_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("twinviewer.app.log.start_logging", lambda *, debug: None)
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    monkeypatch.setattr(sys, "argv", ["twinviewer-gui", "info", "missing.laz"])
    try:
        assert main_gui() == 1
    finally:
        for stream in (sys.stdout, sys.stderr):
            assert stream is not None
            stream.close()


@pytest.mark.parametrize("arguments", [("--version",), ("info", "--help"), ("info", "house.gml")], ids=" ".join)
def test_a_reader_that_has_seen_enough_ends_the_command_quietly(arguments: tuple[str, ...], tmp_path: Path) -> None:
    write_city(tmp_path / "house.gml")
    read, write = os.pipe()
    os.close(read)
    try:
        done = subprocess.run(
            [sys.executable, "-m", "twinviewer", *arguments],
            stdout=write,
            stderr=subprocess.PIPE,
            text=True,
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
    finally:
        os.close(write)
    assert (done.returncode, done.stderr) == (1, "")


def test_the_version_is_that_of_the_package() -> None:
    import importlib.metadata

    assert importlib.metadata.version("twinviewer") == twinviewer.__version__

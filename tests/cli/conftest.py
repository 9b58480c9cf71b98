"""The program as people run it: in a process of its own, and, where only words matter, in this one."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import ROOT
from twinviewer.cli.program import run

Program = Callable[..., subprocess.CompletedProcess[str]]
WITHIN_S = 150


@pytest.fixture
def program() -> Program:
    """Runs ``twinviewer`` in a process of its own, with the display given, or none."""

    def start(*arguments: str | Path, display: str | None = None) -> subprocess.CompletedProcess[str]:
        environment = {name: value for name, value in os.environ.items() if not name.startswith(("DISPLAY", "QT_QPA"))}
        environment.pop("WAYLAND_DISPLAY", None)
        if display is not None:
            environment["DISPLAY"] = display
        return subprocess.run(
            [sys.executable, "-m", "twinviewer", *map(str, arguments)],
            capture_output=True,
            text=True,
            timeout=WITHIN_S,
            cwd=ROOT,
            env=environment,
        )

    return start


class CommandLine:
    """Runs a command line in this process."""

    def __init__(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capsys = capsys

    def __call__(self, *arguments: str | Path) -> tuple[int, str, str]:
        """Return exit status, stdout and stderr."""
        self._capsys.readouterr()
        status = run([str(argument) for argument in arguments])
        said = self._capsys.readouterr()
        return status, said.out, said.err


@pytest.fixture
def command_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    """The command line in this process, whose log stays as it is."""
    monkeypatch.setattr("twinviewer.app.log.start_logging", lambda *, debug: None)
    return CommandLine(capsys)

"""At every scaling of the desktop the picture fills its widget to the edge, and no text is clipped."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def run(module: str, *arguments: str, factor: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, "QT_SCALE_FACTOR": factor},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("factor", ["1", "1.25", "1.35", "1.5", "1.75", "2"])
def test_the_picture_fills_the_widget_to_the_last_row(factor):
    assert run("tests.ui.scaled_edges", factor=factor) == (0, "", "")


@pytest.mark.parametrize(("factor", "font"), [("1", "1"), ("1.25", "1"), ("1.5", "1"), ("2", "1"), ("1", "2")])
def test_no_text_is_clipped(factor, font):
    assert run("tests.ui.scaled_window", font, factor=factor) == (0, "", "")

"""At every scaling of the desktop the picture fills its widget: no dark edge, no click beside its mark."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("factor", ["1", "1.25", "1.35", "1.5", "1.75", "2"])
def test_the_picture_fills_the_widget_to_the_last_row(factor):
    run = subprocess.run(
        [sys.executable, "-m", "tests.ui.scaled_edges"],
        env={**os.environ, "QT_SCALE_FACTOR": factor},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")

"""The log: in the profile, without secrets, and the first to give way."""

from __future__ import annotations

import logging
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from twinviewer.app.log import RecentLines, redacted


def run(script: str) -> subprocess.CompletedProcess[str]:
    """Run a script that has the log to itself."""
    start = "import logging\nfrom twinviewer.app.log import recent_lines, start_logging\nstart_logging()\n"
    return subprocess.run([sys.executable, "-c", start + script], cwd=ROOT, capture_output=True, text=True)


def test_what_is_logged_is_in_the_profile_and_for_the_panel_without_secrets(own_profile: Path) -> None:
    done = run(
        'logging.getLogger("twinviewer.app").warning("mqtts://bob:hunter2@broker says token=%s", "abc123")\n'
        "print(recent_lines.lines[-1])"
    )
    content = (own_profile / "state" / "log" / "twinviewer.log").read_text()
    for text in (content, done.stdout):
        assert "broker" in text
        assert "hunter2" not in text
        assert "abc123" not in text
    assert done.stderr == ""


def test_a_warning_of_a_library_is_a_line_of_the_log(own_profile: Path) -> None:
    run("import warnings\nwarnings.warn('the library is old')")
    assert "the library is old" in (own_profile / "state" / "log" / "twinviewer.log").read_text()


def test_a_traceback_keeps_no_secret_either() -> None:
    assert "s3cret" not in redacted("ValueError: https://alice:s3cret@example.org/x?api_key=s3cret")


def test_the_panel_keeps_the_last_lines_and_counts_all() -> None:
    lines = RecentLines(limit=3)
    for number in range(5):
        lines.emit(logging.LogRecord("x", logging.INFO, "", 0, f"{number}", (), None))
    assert (list(lines.lines), lines.count) == (["2", "3", "4"], 5)


@pytest.mark.skipif(sys.platform == "win32", reason="the limit is POSIX's")
def test_a_full_disk_costs_the_log_and_nothing_else() -> None:
    done = run(
        "import resource, signal\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))\n"
        'for number in range(1000): logging.getLogger("twinviewer").warning("line %s", number)\n'
        'print("alive")'
    )
    assert (done.stdout, done.stderr) == ("alive\n", "")

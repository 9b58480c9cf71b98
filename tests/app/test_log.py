from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from twinviewer.app import folders
from twinviewer.app.folders import state_dir
from twinviewer.app.log import redacted


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("open mqtt://anna:geheim@broker:1883/air", "mqtt://…@broker:1883/air"),
        ("password=geheim and more", "and more"),
        ("Authorization: Bearer geheim", "Authorization"),
        ("api_key: geheim", "api_key"),
        ("?token=geheim&x=1", "x=1"),
    ],
)
def test_secrets_never_reach_the_log(text: str, kept: str) -> None:
    assert "geheim" not in redacted(text)
    assert kept in redacted(text)


def run(code: str) -> subprocess.CompletedProcess[str]:
    prelude = "import logging; from twinviewer.app.log import start_logging; "
    return subprocess.run([sys.executable, "-c", prelude + code], capture_output=True, text=True, cwd=ROOT, timeout=60)


def test_the_log_is_kept_in_the_profile_and_the_terminal_stays_quiet() -> None:
    done = run("start_logging(); logging.getLogger('twinviewer.x').warning('token=geheim was seen')")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    log = (state_dir() / "log" / "twinviewer.log").read_text(encoding="utf-8")
    assert "WARNING twinviewer.x: token=… was seen" in log


def test_debug_writes_the_log_to_the_terminal_too() -> None:
    done = run("start_logging(debug=True); logging.getLogger('twinviewer.x').debug('a detail')")
    assert "a detail" in done.stderr


def test_the_last_words_of_a_crash_are_kept() -> None:
    done = run("start_logging(); import ctypes; ctypes.string_at(0)")
    assert done.returncode != 0
    assert "Segmentation fault" in (state_dir() / "log" / "crash.log").read_text(encoding="utf-8")


def test_warnings_of_libraries_go_to_the_log() -> None:
    done = run("start_logging(); import warnings; warnings.warn('something is old')")
    assert done.stderr == ""
    assert "something is old" in (state_dir() / "log" / "twinviewer.log").read_text(encoding="utf-8")


def test_a_profile_that_cannot_be_made_is_a_temporary_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TWINVIEWER_PROFILE_DIR", str(tmp_path / "file"))
    for folder in (folders.config_dir, folders.data_dir, folders.cache_dir, folders.state_dir):
        (folder() / "something").write_text("can be written")
        assert folder() == folder()
    assert (tmp_path / "file").read_text() == "in the way"


def test_a_log_that_cannot_be_kept_is_told_and_stops_nothing() -> None:
    (state_dir() / "log").write_text("in the way")
    done = run("start_logging(); logging.getLogger('twinviewer.x').warning('said'); print('went on')")
    assert (done.returncode, done.stdout) == (0, "went on\n")
    assert done.stderr.startswith("twinviewer: the log is not kept")
    assert len(done.stderr.splitlines()) == 1

"""R8 and R9 of the reliability goals: no kill and no failing call may cost the last good file."""

from __future__ import annotations

import base64
import errno
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.end_to_end.kill_while_saving import kill_while_saving
from twinviewer.app.atomic import sweep_temporaries, write_atomically
from twinviewer.app.journal import Journal
from twinviewer.app.project_file import ViewState, from_bytes, load, save
from twinviewer.app.recent_files import RecentFiles
from twinviewer.app.settings import Settings, load_settings, save_settings
from twinviewer.model.errors import WriteError
from twinviewer.model.project import Project


class FailTheKth:
    """Makes the k-th of all calls that touch the disk fail, as a full or dying disk does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, k: int) -> None:
        self.k, self.calls = k, 0
        monkeypatch.setattr(tempfile, "mkstemp", self._wrapped(tempfile.mkstemp))
        monkeypatch.setattr(os, "fsync", self._wrapped(os.fsync))
        monkeypatch.setattr(Path, "replace", self._wrapped(Path.replace))
        monkeypatch.setattr(Path, "chmod", self._wrapped(Path.chmod))
        original = os.fdopen

        def fdopen(*args: Any, **kwargs: Any) -> Any:
            file = original(*args, **kwargs)
            if "w" in (args[1] if len(args) > 1 else ""):
                write = self._wrapped(file.write)
                return _Writer(file, write)
            return file

        monkeypatch.setattr(os, "fdopen", fdopen)

    def _wrapped(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.calls == self.k:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            return function(*args, **kwargs)

        return wrapper


class _Writer:
    def __init__(self, file: Any, write: Callable[..., Any]) -> None:
        self._file, self.write = file, write

    def __enter__(self) -> _Writer:
        return self

    def __exit__(self, *exception: object) -> None:
        self._file.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _operations(folder: Path) -> dict[str, tuple[Callable[[int], None], Callable[[], int]]]:
    """Return, for each thing that is saved, how to save state n and how to read which state is there."""
    project = folder / "p.twin"
    journal = Journal(folder / "journal")

    def keep_recent(n: int) -> None:
        recent = RecentFiles()
        recent.add(folder / str(n))
        if RecentFiles().entries != recent.entries:  # it never stops the work: it is only logged
            raise WriteError("The list of recent files is not kept.")

    def journal_state() -> int:
        (file,) = (folder / "journal").glob("*.journal")
        document = base64.b64decode(json.loads(file.read_bytes())["document"])
        return int(from_bytes(document, folder=folder, name="journal").project.title)

    return {
        "project": (
            lambda n: save(Project(title=str(n)), project, view=ViewState()),
            lambda: int(load(project).project.title),
        ),
        "settings": (
            lambda n: save_settings(Settings(point_budget=n)),
            lambda: load_settings().point_budget,
        ),
        "recent files": (keep_recent, lambda: int(Path(RecentFiles().entries[0].path).name)),
        "journal": (
            lambda n: journal.write(Project(title=str(n)), view=ViewState(), path=None),
            journal_state,
        ),
    }


@pytest.mark.parametrize("name", ["project", "settings", "recent files", "journal"])
def test_whichever_call_fails_the_old_state_is_intact(tmp_path: Path, name: str) -> None:
    put, get = _operations(tmp_path)[name]
    put(1)
    k = 0
    while True:
        k += 1
        with pytest.MonkeyPatch.context() as patch:
            failing = FailTheKth(patch, k)
            try:
                put(2)
            except WriteError:
                pass
            else:
                if failing.calls < k:
                    break
        assert get() in (1, 2)
        if get() == 2:  # the rename was done: only the sync of the folder can have failed after it
            put(1)
    assert k > 4
    assert get() == 2
    assert not list(tmp_path.rglob("*.tmp"))


def test_a_full_disk_leaves_the_old_project(tmp_path: Path) -> None:
    """RLIMIT_FSIZE in a child: the kernel itself refuses to write more, as a full disk does."""
    target = tmp_path / "p.twin"
    write_atomically(target, b"old")
    script = f"""
import resource, signal
from pathlib import Path
from twinviewer.app.atomic import write_atomically
from twinviewer.model.errors import WriteError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    write_atomically(Path({str(target)!r}), b"x" * 100_000)
except WriteError as error:
    print(error.problem)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert "File too large" in done.stdout
    assert target.read_bytes() == b"old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["p.twin"]


def test_ten_kills_while_saving_leave_a_readable_project(tmp_path: Path) -> None:
    outcome = kill_while_saving(tmp_path, kills=10)
    assert outcome.unreadable == 0
    assert outcome.saves > 0
    sweep_temporaries(tmp_path)
    assert not list(tmp_path.glob("*.tmp"))


def test_permissions_of_the_old_file_are_kept(tmp_path: Path) -> None:
    target = tmp_path / "p.twin"
    target.write_bytes(b"old")
    target.chmod(0o640)
    write_atomically(target, b"new")
    assert target.stat().st_mode & 0o777 == 0o640

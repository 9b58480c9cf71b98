"""An author saves: what changed is told once, when all of it stands still, and nothing else is."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.crowding import allowed_s
from twinviewer.app.plugins.watching import FolderWatcher, changed_files, marks_of

WITHIN_S = 5.0


class Told:
    def __init__(self) -> None:
        self.changes: list[tuple[str, ...]] = []
        self._heard = threading.Condition()

    def __call__(self, files: tuple[str, ...]) -> None:
        with self._heard:
            self.changes.append(files)
            self._heard.notify_all()

    def wait_for(self, count: int) -> None:
        with self._heard:
            assert self._heard.wait_for(lambda: len(self.changes) >= count, allowed_s(WITHIN_S)), self.changes


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
def watch(told: Told) -> Iterator[Callable[[Path], None]]:
    watchers = []

    def start(folder: Path) -> None:
        watcher = FolderWatcher(folder, told, every_s=0.01)
        watchers.append(watcher)
        watcher.start()

    yield start
    for watcher in watchers:
        watcher.stop()


def test_a_save_is_told_with_the_names_of_the_files(tmp_path: Path, told: Told, watch: Callable[[Path], None]) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "a.py").write_text("1")
    (tmp_path / "parts" / "b.py").write_text("1")
    watch(tmp_path)
    (tmp_path / "parts" / "b.py").write_text("two")
    told.wait_for(1)
    (tmp_path / "a.py").unlink()
    told.wait_for(2)
    assert told.changes == [("parts/b.py",), ("a.py",)]


def test_editors_that_put_a_new_file_in_place_of_the_old_are_noticed(
    tmp_path: Path, told: Told, watch: Callable[[Path], None]
) -> None:
    (tmp_path / "a.py").write_text("old")
    watch(tmp_path)
    beside = tmp_path / ".a.py.swap"
    beside.write_text("new")
    beside.replace(tmp_path / "a.py")
    told.wait_for(1)
    assert told.changes == [("a.py",)]


def test_files_that_no_author_saves_are_not_looked_at(tmp_path: Path) -> None:
    before = marks_of(tmp_path)
    for name in ("__pycache__/a.cpython-311.pyc", ".git/index", ".venv/x.py", "dist/a.whl", "a.py~", ".a.py.swp"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("x")
    assert changed_files(before, marks_of(tmp_path)) == ()


def test_the_same_size_and_another_time_is_a_change(tmp_path: Path) -> None:
    path = tmp_path / "a.py"
    path.write_text("1")
    before = marks_of(tmp_path)
    path.write_text("2")
    os.utime(path, ns=(0, before["a.py"][0] + 1))
    assert changed_files(before, marks_of(tmp_path)) == ("a.py",)


def test_a_folder_that_is_gone_holds_no_files(tmp_path: Path) -> None:
    assert marks_of(tmp_path / "nowhere") == {}


def test_nothing_is_told_once_it_is_stopped(tmp_path: Path, told: Told) -> None:
    watcher = FolderWatcher(tmp_path, told, every_s=0.01)
    watcher.start()
    watcher.stop()
    (tmp_path / "a.py").write_text("1")
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("watch ")]
    assert told.changes == []

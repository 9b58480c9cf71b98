"""The second opening: as quick as a copy, equal to the first, and never of what has changed."""

from __future__ import annotations

import json
import os
import random
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.fates import FOLDER, fate
from tests.formats.test_exchange import same
from twinviewer.app import read_cache
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.read_cache import CacheFacts, ReadCache, cache_folder
from twinviewer.app.sources import Sources
from twinviewer.app.workers import ReadResult, WorkerPool
from twinviewer.formats.request import Placing
from twinviewer.model.errors import ReadError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import PointCloud
from twinviewer.model.place import CrsOrigin, ReferenceSystem

UTM = ReferenceSystem(horizontal="EPSG:25832", origin=CrsOrigin.FILE)
LIMIT = 10**9


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=2)
    with_workers.warm()
    yield with_workers
    with_workers.close()


class Reading:
    """Reads files and counts how often a worker had to."""

    def __init__(self, pool: WorkerPool, *, limit: int = LIMIT, worth_s: float = 0.0) -> None:
        self.limit = limit
        self.registry = PluginRegistry(folders=[FOLDER])
        self.cache = ReadCache(limit=lambda: self.limit, worth_s=worth_s)
        self.sources = Sources(registry=self.registry, pool=pool, cache=self.cache)
        self._pool = pool

    def __call__(self, path: Path, **more: Any) -> ReadResult:
        reader = self.sources.reader_for(path, Silent())
        request = replace(self.sources.request(path, reader), **{"placing": Placing.FIRST, **more})
        return self.sources.read(request, reader, Silent())

    def wait(self) -> None:
        """Wait until everything that is to be kept is."""
        self.cache.wait(timeout_s=60.0)

    def close(self) -> None:
        self.wait()
        self.cache.close()
        self.registry.close()


@pytest.fixture
def read(pool: WorkerPool) -> Iterator[Reading]:
    reading = Reading(pool)
    yield reading
    reading.close()


@pytest.fixture
def reads(pool: WorkerPool, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that workers read."""
    names = []
    by_worker = pool.read

    def counted(request, feedback, **more):  # type: ignore[no-untyped-def]
        if request.reader.reference != "handed_over:read":  # the second half of a reading by a plugin
            names.append(Path(request.path).name)
        return by_worker(request, feedback, **more)

    monkeypatch.setattr(pool, "read", counted)
    return names


def of_old(path: Path, *, ago_s: float = 60.0) -> Path:
    """Let a file be older than just written."""
    os.utime(path, (time.time() - ago_s,) * 2)
    return path


def scan(folder: Path, **more: Any) -> Path:
    return of_old(fate(folder, "points", **{"name": "scan.fate", "n": 4, **more}))


def cloud_of(result: ReadResult) -> PointCloud:
    (layer,) = result.layers
    assert isinstance(layer, PointCloud)
    return layer


def entries() -> list[Path]:
    return sorted(cache_folder().glob("*.layers"))


# --- what is found ------------------------------------------------------------------------------------------------


def test_the_second_opening_gives_the_same_and_asks_no_worker(read: Reading, reads: list[str], tmp_path: Path) -> None:
    path = scan(tmp_path, findings=3, titles=["one", "two"])
    first = read(path)
    read.wait()
    second = read(path)
    assert reads == ["scan.fate"]
    assert same(first.layers, second.layers)
    assert [finding.where for finding in second.layers[1].diagnostics] == ["point 0", "point 1", "point 2"]
    assert (second.sources, second.target) == (first.sources, first.target)
    assert second.sources == (UTM, UTM)


def test_another_program_finds_it_too(read: Reading, reads: list[str], pool: WorkerPool, tmp_path: Path) -> None:
    path = scan(tmp_path)
    read(path)
    read.wait()
    other = Reading(pool)
    assert len(cloud_of(other(path)).positions) == 4
    assert reads == ["scan.fate"]
    other.close()


def test_a_project_finds_what_was_read_for_its_beginning(read: Reading, reads: list[str], tmp_path: Path) -> None:
    path = scan(tmp_path)
    chosen = read(path).target
    read.wait()
    assert read(path, placing=Placing.IN_PROJECT, target=chosen).target == chosen
    assert reads == ["scan.fate"]
    elsewhere = ReferenceSystem(horizontal="EPSG:25833")
    moved = cloud_of(read(path, placing=Placing.IN_PROJECT, target=elsewhere))
    assert reads == ["scan.fate", "scan.fate"]
    assert moved.positions[0, 0] < 200_000, "west of zone 33, and not what was kept"


@pytest.mark.parametrize(
    "more",
    [
        {"options": {"n": 2}},
        {"override": ReferenceSystem(horizontal="EPSG:25833")},
        {"fallback": UTM},
        {"placing": Placing.AS_IN_FILE},
    ],
)
def test_what_was_asked_otherwise_is_read_anew(
    more: dict[str, object], read: Reading, reads: list[str], tmp_path: Path
) -> None:
    path = scan(tmp_path)
    read(path)
    read.wait()
    read(path, **more)
    read.wait()
    read(path, **more)
    assert len(reads) == 2
    assert len(entries()) == 2


def test_what_is_read_quickly_is_not_kept(pool: WorkerPool, reads: list[str], tmp_path: Path) -> None:
    read = Reading(pool, worth_s=1000.0)
    path = scan(tmp_path)
    read(path)
    read.wait()
    assert entries() == []
    read(path)
    assert len(reads) == 2
    read.close()


def test_errors_are_not_kept(read: Reading, reads: list[str], tmp_path: Path) -> None:
    path = of_old(fate(tmp_path, "raise", raises="DamagedFileError"))
    for _ in range(2):
        with pytest.raises(ReadError, match="It is cut off"):
            read(path)
    assert len(reads) == 2
    assert entries() == []


def test_with_a_limit_of_nothing_there_is_no_cache(read: Reading, reads: list[str], tmp_path: Path) -> None:
    path = scan(tmp_path)
    read(path)
    read.wait()
    read.limit = 0
    read(path)
    assert len(reads) == 2


# --- what has changed -----------------------------------------------------------------------------------------------


def test_a_changed_file_of_the_same_size_is_read_anew(read: Reading, reads: list[str], tmp_path: Path) -> None:
    read(scan(tmp_path, n=4))
    read.wait()
    path = of_old(scan(tmp_path, n=5), ago_s=30)
    assert len(cloud_of(read(path)).positions) == 5
    read.wait()
    assert len(cloud_of(read(path)).positions) == 5
    assert len(reads) == 2
    assert len(entries()) == 1, "the old one is replaced"


def test_a_file_that_came_beside_it_counts(read: Reading, reads: list[str], tmp_path: Path) -> None:
    path = scan(tmp_path)
    read(path)
    read.wait()
    (tmp_path / "scan.prj").write_text("new")
    read(path)
    assert len(reads) == 2


def test_a_file_that_was_just_written_is_not_kept(read: Reading, tmp_path: Path) -> None:
    """It may be written again without showing it."""
    read(fate(tmp_path, "points"))
    read.wait()
    assert entries() == []
    assert list(read.sources.pool._scratch._folders[0].iterdir()) == [], "and takes no memory"


def test_another_version_of_the_reader_reads_anew(
    read: Reading, reads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = scan(tmp_path)
    read(path)
    read.wait()
    monkeypatch.setattr(read_cache, "_digest_of_ours", lambda: "another program")
    read(path)
    read.wait()
    assert len(reads) == 2
    read(path)
    assert len(reads) == 2


def test_a_plugin_s_code_that_changes_reads_anew(tmp_path: Path) -> None:
    (tmp_path / "reader.py").write_text("one")
    before = read_cache._code_of(str(tmp_path))
    (tmp_path / "__pycache__").mkdir()
    (tmp_path / "__pycache__" / "reader.pyc").write_text("compiled")
    assert read_cache._code_of(str(tmp_path)) == before
    (tmp_path / "reader.py").write_text("two")
    assert read_cache._code_of(str(tmp_path)) != before


# --- what is damaged ------------------------------------------------------------------------------------------------


def test_damaged_entries_are_read_anew_and_replaced(
    read: Reading, reads: list[str], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = scan(tmp_path, n=2000)
    first = read(path)
    read.wait()
    (entry,) = entries()
    whole = entry.read_bytes()
    chance = random.Random(3)
    for number in range(12):
        damaged = bytearray(whole)
        if number % 4 == 0:
            damaged = damaged[: chance.randrange(len(whole))]
        else:
            place = chance.choice([chance.randrange(56), chance.randrange(64, len(whole))])
            damaged[place] ^= 1 << chance.randrange(8)
        entry.write_bytes(damaged)
        caplog.clear()
        assert same(read(path).layers, first.layers)
        assert len(reads) == number + 2, "it was read anew"
        assert "cannot be used" in caplog.text
        read.wait()
    assert same(read(path).layers, first.layers)
    assert len(reads) == 13


def test_a_folder_that_cannot_be_written_to_costs_nothing_but_time(
    read: Reading, reads: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(read_cache, "keep", full)
    path = scan(tmp_path)
    for _ in range(2):
        assert len(cloud_of(read(path)).positions) == 4
        read.wait()
    assert len(reads) == 2
    assert list(cache_folder().iterdir()) == []


# --- room -----------------------------------------------------------------------------------------------------------


def test_what_was_not_used_for_longest_goes_first(read: Reading, tmp_path: Path) -> None:
    paths = [scan(tmp_path, name=f"{name}.fate", n=2000) for name in "abcd"]
    for path in paths[:3]:
        read(path)
        read.wait()
    size = read.cache.facts().size // 3
    read.limit = 3 * size + size // 2
    for number, entry in enumerate(sorted(entries(), key=lambda each: each.stat().st_mtime)):
        os.utime(entry, (1000 + number,) * 2)
    read(paths[0])  # from now on the second is the oldest
    read(paths[3])
    read.wait()
    assert read.cache.facts().entries == 3
    kept = {json.loads(_header(entry))["asked"]["path"] for entry in entries()}
    assert kept == {str(path) for path in (paths[0], paths[2], paths[3])}


def _header(entry: Path) -> bytes:
    content = entry.read_bytes()
    return content[int.from_bytes(content[8:16], "little") :]


def test_what_does_not_fit_at_all_is_not_kept_and_drives_nothing_out(read: Reading, tmp_path: Path) -> None:
    read(scan(tmp_path))
    read.wait()
    read.limit = 50_000
    read(scan(tmp_path, name="large.fate", n=20_000))
    read.wait()
    assert read.cache.facts().entries == 1


def test_no_more_than_a_tenth_of_the_free_disk_is_taken(
    read: Reading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Little:
        free = 1_000

    monkeypatch.setattr(read_cache, "disk_usage", lambda _: Little)
    read(scan(tmp_path))
    read.wait()
    assert read.cache.facts().entries == 0


def test_clearing_removes_everything_and_disturbs_nobody_who_has_it(read: Reading, tmp_path: Path) -> None:
    path = scan(tmp_path, n=5000)
    read(path)
    read.wait()
    cloud = cloud_of(read(path))
    facts = read.cache.clear()
    assert facts.entries == 1
    assert facts.size > cloud.positions.nbytes
    assert read.cache.facts() == CacheFacts(entries=0, size=0)
    assert np.array_equal(cloud.positions[:, 0], 565000.0 + np.arange(5000))


def test_what_a_killed_program_left_is_swept(read: Reading, tmp_path: Path) -> None:
    stray, fresh = cache_folder() / ".twinviewer-a.tmp", cache_folder() / ".twinviewer-b.tmp"
    for file in (stray, fresh):
        file.write_bytes(b"half")
    of_old(stray, ago_s=7200)
    read(scan(tmp_path))
    read.wait()
    assert not stray.exists()
    assert fresh.exists()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no such permissions")
def test_only_the_owner_may_look(read: Reading, tmp_path: Path) -> None:
    read(scan(tmp_path))
    read.wait()
    (entry,) = entries()
    assert stat.S_IMODE(entry.stat().st_mode) == 0o600
    assert stat.S_IMODE(cache_folder().stat().st_mode) == 0o700


# --- others at the same time ------------------------------------------------------------------------------------------

PROGRAM = """
import sys
from pathlib import Path
import numpy as np
from dataclasses import replace
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.read_cache import ReadCache
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.feedback import Silent

pool = WorkerPool(size=1)
cache = ReadCache(limit=lambda: 400_000, worth_s=0.0)  # two of three, so that each drives out what the other wants
sources = Sources(registry=PluginRegistry(folders=[Path(sys.argv[1])]), pool=pool, cache=cache)
for _ in range(15):
    for number, path in enumerate(map(Path, sys.argv[2:])):
        reader = sources.reader_for(path, Silent())
        (cloud,) = sources.read(sources.request(path, reader), reader, Silent()).layers
        assert np.array_equal(cloud.positions[:, 0], 565000.0 + number + np.arange(5000))
        cache.wait(timeout_s=60.0)
cache.close()
pool.close()
print("right")
"""


def test_two_programs_at_once_get_what_is_right(tmp_path: Path) -> None:
    paths = [scan(tmp_path, name=f"{number}.fate", n=5000, x=565000.0 + number) for number in range(3)]
    command = [sys.executable, "-c", PROGRAM, str(FOLDER), *map(str, paths)]
    programs = [subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    assert [program.communicate(timeout=120)[0].strip() for program in programs] == ["right", "right"]
    assert [program.returncode for program in programs] == [0, 0]
    assert not list(cache_folder().glob(".twinviewer-*"))

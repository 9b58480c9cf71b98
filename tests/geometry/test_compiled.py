"""Compiled functions: kept on disk, and right without a disk."""

from __future__ import annotations

import errno
from pathlib import Path

import numba
import numpy as np
import pytest
from numba.core import caching

from twinviewer.geometry.compiled import compiled, is_kept


def largest_gap(values):
    gap = 0.0
    for i in range(1, len(values)):
        gap = max(gap, values[i] - values[i - 1])
    return gap


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that machine code is kept in."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path))
    return tmp_path


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_machine_code_is_kept_for_the_next_process(kept: Path) -> None:
    first = compiled(largest_gap)
    assert not is_kept(first)
    assert first(np.array([1.0, 2.0, 4.5])) == 2.5
    assert files(kept)
    again = compiled(largest_gap)
    assert is_kept(again)
    assert again(np.array([1.0, 2.0, 4.5])) == 2.5
    assert sum(again.stats.cache_hits.values()) == 1


@pytest.mark.parametrize("damage", [b"", b"\x80\x05garbage", b"0.0.1"])
def test_damaged_files_are_compiled_again(kept: Path, damage: bytes) -> None:
    compiled(largest_gap)(np.array([1.0, 2.0]))
    for path in files(kept):
        path.write_bytes(damage)
    assert compiled(largest_gap)(np.array([1.0, 2.0, 4.5])) == 2.5


def test_a_full_disk_does_not_matter(kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(caching.IndexDataCacheFile, "save", full)
    assert compiled(largest_gap)(np.array([1.0, 2.0, 4.5])) == 2.5


def test_nor_do_folders_that_nobody_may_write_to(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(_: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(caching._CacheLocator, "ensure_cache_path", refused)
    function = compiled(largest_gap)
    assert function(np.array([1.0, 2.0, 4.5])) == 2.5
    assert not is_kept(function)

"""Where workers leave arrays for the viewer: in memory (tmpfs) where there is one with room, else in a file.

One folder per running program and place, readable by its owner only, removed at the end; what a killed program left
is swept by the next one.
"""

from __future__ import annotations

import itertools
import os
import shutil
import tempfile
import time
import weakref
from pathlib import Path

import psutil

_PREFIX = "twinviewer-"
_SWEEP_AFTER_S = 3600.0
_MEMORY = Path("/dev/shm")


class Scratch:
    """Names for files that a worker may write."""

    def __init__(self) -> None:
        places = [place for place in (_MEMORY, Path(tempfile.gettempdir())) if os.access(place, os.W_OK)]
        for place in places:
            _sweep(place)
        self._folders = [Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=place)) for place in places]
        self._numbers = itertools.count(1)
        self.remove = weakref.finalize(self, _remove, self._folders)
        """Remove the folders; at the end of the program at the latest."""

    def new_files(self) -> list[Path]:
        """Return the names of one new file, in the best place first; none of them exists yet."""
        number = next(self._numbers)
        return [folder / f"{number}.arrays" for folder in self._folders]

    def new_folders(self) -> list[Path]:
        """Make one new folder in each place, the best first."""
        number = next(self._numbers)
        folders = [folder / f"{number}" for folder in self._folders]
        for folder in folders:
            folder.mkdir(mode=0o700)
        return folders


def _remove(folders: list[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """Remove folders of programs that no longer run."""
    for folder in place.glob(f"{_PREFIX}[0-9]*-*"):
        try:
            owner, age_s = folder.stat().st_uid, time.time() - folder.stat().st_mtime
            process = int(folder.name.removeprefix(_PREFIX).partition("-")[0])
        except (OSError, ValueError):
            continue  # gone meanwhile, or not ours
        ours = not hasattr(os, "getuid") or owner == os.getuid()
        if ours and age_s > _SWEEP_AFTER_S and not psutil.pid_exists(process):
            shutil.rmtree(folder, ignore_errors=True)

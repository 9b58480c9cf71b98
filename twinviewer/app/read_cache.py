"""What was read once, kept for the next time: beside settings and projects, in the folder of what can be made again.

An entry is found by what was asked for (file, reader, options, place) and holds only as long as nothing of it has
changed: the files, the reader's code, PROJ's grids.  A damaged or outdated one is as good as none, and replaced.
Programs that run at the same time share the folder: an entry appears complete or not at all, and one that is
removed stays readable for whoever has it open.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import sys
import sysconfig
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path
from shutil import disk_usage
from typing import Any

import twinviewer
from twinviewer.app.folders import cache_dir
from twinviewer.app.workers import ReadResult
from twinviewer.formats.kept_layers import NotKeptError, keep, kept_header, kept_layers
from twinviewer.formats.request import Placing, ReadRequest, reference_system_from_json
from twinviewer.formats.used_files import changed_last_ns, is_unchanged, state_of

_log = logging.getLogger(__name__)

WORTH_KEEPING_S = 0.3
_ENDING = ".layers"
_UNFINISHED = ".twinviewer-"
_UNFINISHED_FOR_S = 3600.0
_SHARE_OF_DISK = 0.1
"""Of the room that is free: more is never taken, whatever the limit."""
_UNSETTLED_NS = 2 * 10**9
"""A file that changed so shortly before may change again without showing it: file systems count time in steps, FAT
in steps of two seconds."""
_FINISH_WITHIN_S = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class CacheFacts:
    """What is in the cache."""

    entries: int
    size: int
    """In bytes."""


class ReadCache:
    """Entries in one folder.  Safe from any thread.

    Args:
        limit: Returns the most bytes that all entries may take; 0: nothing is kept and nothing is looked for.
        worth_s: What was read in less time is not kept: it is read again.
    """

    def __init__(self, *, limit: Callable[[], int], worth_s: float = WORTH_KEEPING_S) -> None:
        self._limit, self._worth_s = limit, worth_s
        self._folder = cache_folder()
        self._closed = False
        self._writing = threading.Lock()
        self._writers: set[threading.Thread] = set()

    def find(self, request: ReadRequest, *, reader: str) -> ReadResult | None:
        """Return what reading gave before, if it would give the same now.

        Args:
            request: What to read.
            reader: The reader with its version, as text.
        """
        if self._limit() <= 0:
            return None
        for path, wanted in self._candidates(request, reader):
            try:
                header = kept_header(path)
                if header["asked"] != _asked(wanted, reader) or header["code"] != _code_of(request.reader.code.folder):
                    continue
                if not is_unchanged(header["used"], Path(request.path)):
                    continue
                target = reference_system_from_json(header["target"])
                if wanted.placing is not request.placing and target != request.target:
                    continue
                layers = tuple(kept_layers(path, header))
                sources = tuple(reference_system_from_json(source) for source in header["sources"])
            except FileNotFoundError:
                continue
            except (OSError, NotKeptError) as error:
                _log.warning("What was kept of %s in %s cannot be used: %s.", request.path, path, error)
                with contextlib.suppress(OSError):
                    path.unlink()
                continue
            with contextlib.suppress(OSError):  # gone meanwhile
                os.utime(path)  # the oldest go first
            return ReadResult(layers=layers, sources=sources, target=target)
        return None

    def keep(self, request: ReadRequest, header: dict[str, Any], arrays: Path, *, reader: str, began_at: float) -> None:
        """Keep what a worker delivered, beside whatever goes on.

        Args:
            request: What was read.
            header: The worker's.
            arrays: The file of its arrays, which is removed.
            reader: As for :meth:`find`.
            began_at: Seconds since 1970 when the reading began.
        """
        used = header["used"]
        is_settled = max(changed_last_ns(used), default=0) < began_at * 1e9 - _UNSETTLED_NS
        is_wanted = self._limit() > 0 and time.time() - began_at >= self._worth_s and not self._closed
        if not (is_wanted and is_settled and is_unchanged(used, Path(request.path))):
            arrays.unlink(missing_ok=True)
            return
        asked = _asked(request, reader)
        path = self._folder / f"{_name(asked)}{_ENDING}"
        header = {**header, "asked": asked, "code": _code_of(request.reader.code.folder)}
        writer = threading.Thread(target=self._write, args=(path, header, arrays), name="read cache", daemon=True)
        self._writers.add(writer)
        writer.start()

    def clear(self) -> CacheFacts:
        """Remove all entries; return what that was."""
        facts = self.facts()
        for path, _ in self._entries():
            with contextlib.suppress(OSError):
                path.unlink()
        return facts

    def facts(self) -> CacheFacts:
        sizes = [found.st_size for _, found in self._entries()]
        return CacheFacts(entries=len(sizes), size=sum(sizes))

    def wait(self, *, timeout_s: float) -> None:
        """Wait until everything that is to be kept is, no longer than ``timeout_s``."""
        deadline = time.monotonic() + timeout_s
        for writer in tuple(self._writers):
            writer.join(max(0.0, deadline - time.monotonic()))

    def close(self) -> None:
        """Finish what is being written, if that takes no longer than a moment."""
        self.wait(timeout_s=_FINISH_WITHIN_S)
        self._closed = True
        self.wait(timeout_s=_FINISH_WITHIN_S)  # what is not finished is given up

    # --- entries ------------------------------------------------------------------------------------------------------

    def _candidates(self, request: ReadRequest, reader: str) -> Iterator[tuple[Path, ReadRequest]]:
        """Yield where the request may have been kept, and as which.

        A file that began a project is wanted again in the system that it chose when the project is opened.
        """
        also = replace(request, placing=Placing.FIRST, target=None)
        for wanted in (request, also) if request.placing is Placing.IN_PROJECT else (request,):
            yield self._folder / f"{_name(_asked(wanted, reader))}{_ENDING}", wanted

    def _write(self, path: Path, header: dict[str, Any], arrays: Path) -> None:
        temporary: Path | None = None
        try:
            with self._writing, arrays.open("rb", buffering=0) as source:
                self._make_room(int(header["size"]))
                handle, name = tempfile.mkstemp(prefix=_UNFINISHED, suffix=".tmp", dir=self._folder)
                temporary = Path(name)
                with os.fdopen(handle, "wb", buffering=0) as file:
                    complete = keep(header, source, file, go_on=lambda: not self._closed)
                if complete:
                    temporary.replace(path)
                    temporary = None
        except OSError as error:
            _log.warning("What was read cannot be kept in %s: %s.", path, error)
        finally:
            for leftover in (temporary, arrays):
                with contextlib.suppress(OSError):
                    if leftover is not None:
                        leftover.unlink()
            self._writers.discard(threading.current_thread())

    def _make_room(self, size: int) -> None:
        """Remove the entries that were not used for longest until one of ``size`` bytes fits.

        Raises:
            OSError: It is too large for that.
        """
        entries = sorted(self._entries(), key=lambda entry: entry[1].st_mtime)
        taken = sum(found.st_size for _, found in entries)
        most = min(self._limit(), int(_SHARE_OF_DISK * (disk_usage(self._folder).free + taken)))
        if size > most:
            raise OSError(f"{size / 1e6:.0f} MB are more than the {most / 1e6:.0f} MB that the cache may take")
        for path, found in entries:
            if taken + size <= most:
                break
            path.unlink(missing_ok=True)
            taken -= found.st_size
        for stray in self._folder.glob(f"{_UNFINISHED}*.tmp"):
            with contextlib.suppress(OSError):  # gone meanwhile
                if time.time() - stray.stat().st_mtime > _UNFINISHED_FOR_S:
                    stray.unlink()

    def _entries(self) -> list[tuple[Path, os.stat_result]]:
        found = []
        for path in self._folder.glob(f"*{_ENDING}"):
            with contextlib.suppress(OSError):  # removed by another program
                found.append((path, path.stat()))
        return found


def cache_folder() -> Path:
    """Return the user's own folder of entries; it is made where there is none."""
    folder = cache_dir() / "layers"
    folder.mkdir(mode=0o700, exist_ok=True)
    return folder


def _asked(request: ReadRequest, reader: str) -> dict[str, Any]:
    """Return what an entry is an answer to."""
    asked = {name: value for name, value in request.to_json().items() if name != "reader"}
    normal: dict[str, Any] = json.loads(json.dumps({**asked, "reader": reader}))
    return normal


def _name(asked: dict[str, Any]) -> str:
    return blake2b(json.dumps(asked, sort_keys=True).encode(), digest_size=16).hexdigest()


def _code_of(folder: str) -> str:
    """Return a text that changes when the program or the code in a reader's folder does."""
    ours = _digest_of_ours()
    package = Path(twinviewer.__file__).parent
    return ours if Path(folder).is_relative_to(package) else f"{ours} {_digest([Path(folder)])}"


@lru_cache(maxsize=1)
def _digest_of_ours() -> str:
    """Return the digest of what readers are made of; the frozen program is one file."""
    if getattr(sys, "frozen", False):
        return f"{twinviewer.__version__} {_digest([Path(sys.executable)])}"
    package = Path(twinviewer.__file__).parent
    own = _digest([package / name for name in ("api", "formats", "geometry", "isolation", "model")])
    libraries = {sysconfig.get_path(name) for name in ("purelib", "platlib")}  # installing changes the folder's time
    return " ".join([own, *(str(state_of(folder)) for folder in sorted(libraries))])


def _digest(places: list[Path]) -> str:
    """Return the digest of names, sizes and times of files and of what is in folders."""
    digest = blake2b(digest_size=16)
    for place in places:
        found = [place] if place.is_file() else sorted(_files_in(place))
        for path in found:
            digest.update(f"{path}|{state_of(str(path))}\n".encode())
    return digest.hexdigest()


def _files_in(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith((".", "__pycache__"))]
        yield from (Path(parent, name) for name in names)

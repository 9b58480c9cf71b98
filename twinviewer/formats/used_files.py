"""What the reading of a file depends on, so that it can be said later whether it would give the same again.

That is the file, what lies beside it under its name (``.prj``, ``.dbf``, ``.tfw`` …), and whatever else was opened on
the way (code lists, a ``.bin`` of glTF, a material library), there or not.  The interpreter tells what it opens; what
native libraries open without it lies beside the file in all formats that there are.
"""

from __future__ import annotations

import os
import sys
import sysconfig
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Any

FileState = tuple[int, int, int] | None
"""Bytes, nanoseconds of its last change and of that of its inode; None: it is not there."""

MOST_FILES = 1000
"""A reading that depends on more of them is not worth looking after."""
_PROGRAM = (
    *{sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")},
    str(Path(__file__).parents[1]),
    getattr(sys, "_MEIPASS", os.devnull),  # of the frozen program
    "/proc",
    "/sys",
    "/dev",
)
_CHANGES = os.O_WRONLY | os.O_RDWR
_PROJECT = ".twin"
"""Of projects, which are often called as their data and say nothing of it."""


def state_of(path: str) -> FileState:
    try:
        found = os.stat(path)  # noqa: PTH116 – of texts, not of paths: it is asked in every opening
    except (OSError, ValueError):
        return None
    return found.st_size, found.st_mtime_ns, found.st_ctime_ns


class UsedFiles:
    """The files that are used while it is entered: ``with UsedFiles(path, apart_from=…) as used: …``.

    Args:
        path: The file that is read.
        apart_from: Folders that do not count: of code, of scratch files.
    """

    def __init__(self, path: Path, *, apart_from: Iterable[str] = ()) -> None:
        self._path = path
        self._apart = tuple(f"{os.path.abspath(each)}{os.sep}" for each in (*_PROGRAM, *apart_from))  # noqa: PTH100
        self._states: dict[str, FileState] = {}

    def __enter__(self) -> UsedFiles:
        self._states.update((path, state_of(path)) for path in namesakes(self._path))
        _listen(self)
        return self

    def __exit__(self, *_: object) -> None:
        _listen(None)

    def add(self, path: str) -> None:
        """Take in a file or a folder, in the state that it has before it is used."""
        path = os.path.abspath(path)  # noqa: PTH100
        if path not in self._states and not path.startswith(self._apart) and len(self._states) <= MOST_FILES:
            self._states[path] = state_of(path)

    def to_json(self) -> dict[str, Any]:
        """Return what :func:`is_unchanged` asks for."""
        return dict(self._states)


def is_unchanged(used: dict[str, Any], path: Path) -> bool:
    """Return whether ``path`` would be read today from the same files in the same state."""
    if not 0 < len(used) <= MOST_FILES or not used.keys() >= set(namesakes(path)):
        return False
    return all(state_of(name) == (None if state is None else tuple(state)) for name, state in used.items())


def changed_last_ns(used: dict[str, Any]) -> Iterable[int]:
    """Return when each of the files changed last, in nanoseconds since 1970."""
    return (state[1] for state in used.values() if state is not None)


def namesakes(path: Path) -> list[str]:
    """Return the file and what lies beside it under its name, with other endings."""
    folder = os.path.dirname(os.path.abspath(path))  # noqa: PTH100, PTH120
    try:
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries if _goes_with(entry.name, path)]
    except OSError:
        names = []
    return [os.path.join(folder, name) for name in {path.name, *names}]  # noqa: PTH118


def _goes_with(name: str, path: Path) -> bool:
    return name == path.name or (name.startswith(f"{path.stem}.") and not name.endswith(_PROJECT))


# --- what the interpreter opens ---------------------------------------------------------------------------------------

_lock = threading.Lock()
_listener: UsedFiles | None = None
_is_hooked = False


def _listen(listener: UsedFiles | None) -> None:
    global _listener, _is_hooked
    with _lock:
        _listener = listener
        if not _is_hooked:
            _is_hooked = True  # an audit hook stays for good
            sys.addaudithook(_hear)


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    if event != "open" or _listener is None:
        return
    path, _mode, flags = arguments
    if isinstance(path, str | bytes | os.PathLike) and not flags & _CHANGES:
        _listener.add(os.fsdecode(path))

"""The one way to write a file: a crash, a full disk or a killed process leaves the last good one.

Measured elsewhere: ``open("w")`` left 23 of 100 files unreadable when killed while saving, this left none.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from twinviewer.model.errors import WriteError

_TEMPORARY = ".twinviewer-"
_SWEEP_AFTER_S = 3600.0


def write_atomically(path: Path, content: bytes) -> None:
    """Replace the file at ``path`` by ``content``, all or nothing.

    The content is written beside the file, synced, and renamed over it; then the folder is synced, so that the
    rename survives a power cut too.

    Raises:
        WriteError: It could not be written; what was there before is intact.
    """
    temporary: Path | None = None
    try:
        handle, name = tempfile.mkstemp(prefix=_TEMPORARY, suffix=".tmp", dir=path.parent)
        temporary = Path(name)
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        if temporary is not None:
            with contextlib.suppress(OSError):  # gone already, or the disk itself is gone
                temporary.unlink()
        raise _unwritten(path, error) from error
    _sync_folder(path.parent)


@contextlib.contextmanager
def replaced_when_complete(path: Path) -> Iterator[Path]:
    """Yield the name of a new file, which takes the place of ``path`` when the block ends without an error.

    It lies in a folder of its own beside ``path``, so that libraries may leave files next to it; the folder goes when
    the block ends, whatever happened.  What a killed program left is removed by the next one that writes there.

    Raises:
        WriteError: The folder does not allow it; what was there before is intact.
    """
    try:
        _sweep_folders(path.parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{_TEMPORARY}{os.getpid()}-", dir=path.parent))
    except OSError as error:
        raise _unwritten(path, error) from error
    try:
        temporary = folder / path.name
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if path.exists():
            temporary.chmod(path.stat().st_mode & 0o7777)
        temporary.replace(path)
    except OSError as error:
        raise _unwritten(path, error) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    _sync_folder(path.parent)


def _sweep_folders(place: Path) -> None:
    """Remove the folders of programs that no longer run, if they are old enough to be sure of that."""
    for folder in place.glob(f"{_TEMPORARY}[0-9]*-*"):
        process = folder.name.removeprefix(_TEMPORARY).partition("-")[0]
        with contextlib.suppress(OSError):  # gone meanwhile, or not ours
            is_old = time.time() - folder.stat().st_mtime > _SWEEP_AFTER_S
            if is_old and process.isdecimal() and not psutil.pid_exists(int(process)):
                shutil.rmtree(folder, ignore_errors=True)


def _unwritten(path: Path, error: OSError) -> WriteError:
    return WriteError(
        f"The file could not be written ({error.strerror or error}); what was there before is intact.",
        cure="Check that the folder exists, can be written to and has room, or choose another one.",
        source=str(path),
    )


def sweep_temporaries(folder: Path) -> int:
    """Remove what killed saves left in ``folder``; return how many files that were."""
    strays = list(folder.glob(f"{_TEMPORARY}*.tmp"))
    for stray in strays:
        stray.unlink(missing_ok=True)
    return len(strays)


def _umask() -> int:
    mask = os.umask(0o022)
    os.umask(mask)
    return mask


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return  # Windows cannot open a folder; its rename is journalled by NTFS
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError:
        return  # some network file systems refuse; the file itself is synced
    finally:
        os.close(handle)

"""Unpacks archives and copies folders of strangers: nothing lands outside the folder that is given, nothing is run.

A member that is a link, a device, or is called by an absolute name or one with ``..``, makes the whole archive
refused: no tool that packs plugins writes such members.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import IO

from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Feedback

MOST_BYTES = 500 * 1000 * 1000
MOST_FILES = 20_000
MOST_RATIO = 200
"""An archive may grow so much; what is packed tighter is made to fill disks."""
_RATIO_FROM_BYTES = 10 * 1000 * 1000
_CHUNK = 1 << 20
_LEFT_OUT = frozenset({"__pycache__", ".git", ".hg", ".venv", "venv", ".mypy_cache", ".ruff_cache", ".pytest_cache"})


def unpack(archive: Path, folder: Path, feedback: Feedback) -> None:
    """Unpack a zip (a wheel is one) or a tar archive into an empty folder.

    Raises:
        PluginError: It is damaged, too large, or has members that no plugin has.
        Cancelled: The person stopped it.
    """
    packed = archive.stat().st_size
    budget = min(MOST_BYTES, max(packed * MOST_RATIO, _RATIO_FROM_BYTES))
    seen: set[str] = set()
    members = _zip_members if zipfile.is_zipfile(archive) else _tar_members
    try:
        with contextlib.closing(members(archive)) as each:
            for name, size, content in each:
                with content or contextlib.nullcontext():
                    feedback.stop_if_cancelled()
                    target = folder.joinpath(*_parts(name, archive))
                    if content is None:
                        target.mkdir(parents=True, exist_ok=True)
                        continue
                    if str(target).lower() in seen:
                        raise _refused(archive, f"it holds “{name}” twice")
                    seen.add(str(target).lower())
                    if len(seen) > MOST_FILES:
                        raise _refused(archive, f"it holds more than {MOST_FILES:,} files")
                    if size > budget:
                        raise _refused(archive, f"it unpacks to more than {min(budget, MOST_BYTES) // 1_000_000} MB")
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with target.open("wb") as file:
                        budget -= _copy(content, file, size, archive)
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        # tarfile lists what each of its decompressors said, which tells nobody anything.
        why = "" if isinstance(error, tarfile.ReadError) else f": {str(error).rstrip('.')}"
        raise PluginError(
            f"The archive is damaged or not one that can be read{why}.",
            cure="Download it again, or ask the plugin's author for another one.",
            source=archive.name,
        ) from error


def copy_folder(source: Path, folder: Path, feedback: Feedback) -> None:
    """Copy a plugin's folder into one that does not exist yet, without what tools leave behind.

    Raises:
        PluginError: It holds links, or is too large.
        Cancelled: The person stopped it.
    """
    budget, files = MOST_BYTES, 0
    for place, folders, names in os.walk(source):
        feedback.stop_if_cancelled()
        folders[:] = [name for name in folders if name not in _LEFT_OUT]
        target = folder / Path(place).relative_to(source)
        target.mkdir(parents=True)
        for name in (*folders, *names):
            if Path(place, name).is_symlink():
                raise _refused(source, f"“{Path(place, name).relative_to(source)}” is a link")
        for name in names:
            path = Path(place, name)
            if not stat.S_ISREG(path.stat().st_mode):
                raise _refused(source, f"“{path.relative_to(source)}” is no file")
            budget -= path.stat().st_size
            files += 1
            if budget < 0 or files > MOST_FILES:
                raise _refused(source, f"it holds more than {MOST_BYTES // 1_000_000} MB or {MOST_FILES:,} files")
            shutil.copyfile(path, target / name)


def _parts(name: str, archive: Path) -> tuple[str, ...]:
    parts = PurePosixPath(name).parts
    if not parts or name.startswith("/") or ".." in parts or any(bad in name for bad in ("\\", ":", "\0")):
        raise _refused(archive, f"“{name}” leads out of it")
    return parts


def _copy(content: IO[bytes], file: IO[bytes], size: int, archive: Path) -> int:
    """Copy as much as was announced; what the archive says of itself is not believed."""
    copied = 0
    while chunk := content.read(_CHUNK):
        copied += len(chunk)
        if copied > size:
            raise _refused(archive, "it holds more than it says")
        file.write(chunk)
    return copied


def _zip_members(archive: Path) -> Generator[tuple[str, int, IO[bytes] | None], None, None]:
    with zipfile.ZipFile(archive) as opened:
        for member in opened.infolist():
            kind = stat.S_IFMT(member.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise _refused(archive, f"“{member.filename}” is a link or a device")
            yield member.filename, member.file_size, None if member.is_dir() else opened.open(member)


def _tar_members(archive: Path) -> Generator[tuple[str, int, IO[bytes] | None], None, None]:
    with tarfile.open(archive) as opened:
        for member in opened:
            if not member.isreg() and not member.isdir():
                raise _refused(archive, f"“{member.name}” is a link or a device")
            yield member.name, member.size, None if member.isdir() else opened.extractfile(member)


def _refused(source: Path, why: str) -> PluginError:
    return PluginError(
        f"This cannot be installed: {why}.", cure="Ask the plugin's author for another one.", source=source.name
    )

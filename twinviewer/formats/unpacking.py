"""Files packed with gzip, read as if they were not."""

from __future__ import annotations

import gzip
import os
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, cast

from twinviewer.formats.files import GET_IT_AGAIN, require_content
from twinviewer.model.errors import DamagedFileError, HostileFileError, ReadError
from twinviewer.model.feedback import Feedback

_SUFFIX = ".gz"
_CHUNK = 1024 * 1024
_MOST_TIMES = 100
"""As large as it is packed: city models are ten to thirty times as large."""
_ALWAYS_ALLOWED = 256 * 1024 * 1024
"""Bytes that are no harm, however small they are packed."""
_LEFT_FREE = 512 * 1024 * 1024
"""Bytes of the disk."""


def scratch_folder() -> Path:
    """Return where this process unpacks files; the next program removes it, should this one be killed."""
    return Path(tempfile.gettempdir()) / f"twinviewer-{os.getpid()}-unpacked"


def is_packed(path: Path) -> bool:
    return path.name.lower().endswith(_SUFFIX)


def first_bytes(path: Path, count: int) -> bytes:
    """Return the first bytes of what is in a file.

    Raises:
        OSError: It cannot be read, or is not packed as its name says.
    """
    with cast(BinaryIO, gzip.open(path)) if is_packed(path) else path.open("rb") as file:
        try:
            return file.read(count)
        except (EOFError, zlib.error) as error:
            raise OSError("damaged or cut off") from error


@contextmanager
def unpacked(path: Path, feedback: Feedback) -> Iterator[Path]:
    """Yield the file that is in ``path``, which is gone afterwards; one that is not packed is yielded itself.

    Raises:
        DamagedFileError: It is not packed as its name says, or cut off.
        HostileFileError: It is made to fill the disk.
        ReadError: The disk has no room for it.
        Cancelled: The person stopped the work.
    """
    size = require_content(path)
    if not is_packed(path):
        yield path
        return
    scratch_folder().mkdir(mode=0o700, exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=scratch_folder()))
    plain = folder / path.name[: -len(_SUFFIX)]
    try:
        try:
            _unpack(path, plain, max(_ALWAYS_ALLOWED, size * _MOST_TIMES), feedback)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise DamagedFileError(
                "The file is packed with gzip, and damaged or cut off.", cure=GET_IT_AGAIN, source=path.name
            ) from error
        yield plain
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        with suppress(OSError):  # others are in it
            scratch_folder().rmdir()


def _unpack(path: Path, plain: Path, limit: int, feedback: Feedback) -> None:
    feedback.progress(0.0, "Unpacking")
    written = 0
    with gzip.open(path) as packed, plain.open("wb") as file:
        while chunk := packed.read(_CHUNK):
            feedback.stop_if_cancelled()
            written += len(chunk)
            if written > limit:
                raise HostileFileError(
                    f"The file unpacks to more than {_MOST_TIMES} times its size, as no city model does.",
                    cure="Unpack it yourself if you trust it.",
                    source=path.name,
                )
            if shutil.disk_usage(plain.parent).free < _LEFT_FREE:
                raise ReadError(
                    "The disk has no room to unpack the file.",
                    cure="Make room where temporary files are kept.",
                    source=path.name,
                )
            file.write(chunk)

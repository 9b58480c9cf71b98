"""The one door between processes: layer data as a JSON header and one file of raw arrays.

A worker writes (:func:`write`), the viewer reads (:func:`read`).  Never a pickle: only the value types and dtypes of
:data:`twinviewer.isolation.packing.LAYER_DATA` come through, and :mod:`twinviewer.formats.soundness` looks at what
they hold before anybody draws it.  Arrays are mapped, not copied, where the system allows it: 240 MB come back in a
fraction of a second.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.soundness import check
from twinviewer.isolation.packing import LAYER_DATA, Packer, Unpacker
from twinviewer.model.errors import DamagedFileError, WriteError
from twinviewer.model.layer_data import LayerData

ALIGNMENT = 64
"""Of arrays in their file, whose first so many bytes are free."""
MALFORMED = (LookupError, TypeError, ValueError, AttributeError, ArithmeticError, RecursionError)
"""What unpacking raises where a header and its arrays do not belong together."""
Content = mmap.mmap | bytes


def write(layers: Sequence[LayerData], files: Sequence[Path]) -> dict[str, Any]:
    """Write the arrays of ``layers`` into the first of ``files`` whose folder has room; return the header.

    Raises:
        WriteError: None of the folders has room.
    """
    arrays = _ArraysOut()
    packer = Packer(LAYER_DATA, arrays.put)
    packed = [packer.pack(layer) for layer in layers]
    return {"layers": packed, "file": str(arrays.write(files)), "size": arrays.size}


def read(header: dict[str, Any], files: Sequence[Path], *, keep_as: Path | None = None) -> list[LayerData]:
    """Return the layers that :func:`write` wrote into one of ``files``, checked, and remove that file.

    Args:
        header: What ``write`` returned.
        files: Where the arrays may be.
        keep_as: A name in the folder of that file, which it gets instead of being removed.

    Raises:
        DamagedFileError: What was delivered is not what was declared; nothing of it may be drawn.
    """
    try:
        path, size = Path(header["file"]), int(header["size"])
        if path not in files:
            raise ValueError("the arrays are somewhere else")
        try:
            content = contents(path, size)
        finally:
            if keep_as is None:
                path.unlink(missing_ok=True)
            else:
                path.replace(keep_as)
        layers = unpacked(header, content, size)
        for layer in layers:
            check(layer)
    except MALFORMED as error:
        raise DamagedFileError(
            f"What the reader delivered contradicts itself ({error}), so it is not shown.",
            cure="The file is probably damaged; get it again from where it came from.",
        ) from error
    return layers


def unpacked(header: dict[str, Any], content: Content, size: int) -> list[LayerData]:
    """Return the layers whose arrays lie in the first ``size`` bytes of ``content``; what they hold is not checked.

    Raises:
        Exception: One of :data:`MALFORMED`: that is not what the header declares.
    """
    unpacker = Unpacker(LAYER_DATA, _ArraysIn(content, size).take)
    layers = [unpacker.unpack(packed) for packed in header["layers"]]
    if not all(isinstance(layer, LayerData) for layer in layers):
        raise ValueError("not layer data")
    return layers


def contents(path: Path, size: int) -> Content:
    """Return the bytes of the file, mapped where a mapped file can be removed at once.

    Raises:
        ValueError: They are not ``size`` bytes.
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size != size:
            raise ValueError("the arrays are incomplete")
        if os.name != "posix":
            return file.read()
        # ACCESS_COPY: some libraries want writable buffers even to read; nothing is copied before it is written to.
        return mmap.mmap(file.fileno(), size, access=mmap.ACCESS_COPY)


class _ArraysOut:
    """Keeps arrays until they are written one after the other into a file."""

    def __init__(self) -> None:
        self._arrays: list[NDArray[Any]] = []
        self.size = ALIGNMENT

    def put(self, array: NDArray[Any]) -> dict[str, Any]:
        at = self.size
        self._arrays.append(array)
        self.size += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
        return {"at": at, "dtype": array.dtype.str, "shape": list(array.shape)}

    def write(self, files: Sequence[Path]) -> Path:
        for path in files[:-1]:
            try:
                if _room(path.parent) > self.size:
                    return self._write(path)
            except OSError:  # another process took the room meanwhile
                path.unlink(missing_ok=True)
        try:
            return self._write(files[-1])
        except OSError as error:
            files[-1].unlink(missing_ok=True)
            raise WriteError(
                f"The data does not fit into memory or onto the disk ({error.strerror or error}).",
                cure="Close other layers or programs, or make room on the disk, and try again.",
                source=str(files[-1].parent),
            ) from error

    def _write(self, path: Path) -> Path:
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb", buffering=0) as file:
            at = ALIGNMENT
            file.seek(at)
            for array in self._arrays:
                rest = array.reshape(-1).view(np.uint8).data if array.size else memoryview(b"")
                while len(rest):
                    rest = rest[file.write(rest) :]
                at += -(-array.nbytes // ALIGNMENT) * ALIGNMENT
                file.seek(at)
            file.truncate(self.size)
        return path


def _room(folder: Path) -> int:
    if not hasattr(os, "statvfs"):
        return 0
    state = os.statvfs(folder)
    return int(state.f_bavail * state.f_frsize * 0.9)


class _ArraysIn:
    """Finds arrays in the bytes of the file."""

    def __init__(self, content: Content, size: int) -> None:
        self._content, self._size = content, size

    def take(self, described: dict[str, Any]) -> NDArray[Any]:
        """Return the array that :meth:`_ArraysOut.put` described; raises ValueError at anything odd."""
        at, dtype = int(described["at"]), str(described["dtype"])
        shape = tuple(int(length) for length in described["shape"])
        if dtype not in LAYER_DATA.dtypes or not 1 <= len(shape) <= 3 or any(length < 0 for length in shape):
            raise ValueError("an array of an unknown type or shape")
        count = int(np.prod(shape, dtype=object))
        if at < 0 or at % ALIGNMENT or at + count * np.dtype(dtype).itemsize > self._size:
            raise ValueError("an array lies outside of its file")
        return np.frombuffer(self._content, dtype, count, at).reshape(shape)

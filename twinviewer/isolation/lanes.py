"""Arrays on their way to another process: files in memory that are written over from message to message.

A lane carries one call at a time, its question one way and its answer back; calls at the same time have lanes of
their own.  Each side writes into a file that is its own and reads the other's into fresh arrays: nothing that the
other side does to a file later, cutting it off included, can reach what was read.  An array that is as it was in the
message before does not travel, and comes out as the same object.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from io import FileIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64
ONCE = -1
_KEPT_ARRAY = 16 * 2**20
"""Larger arrays travel each time: the copies that comparing needs cost more than it saves."""
_KEPT_FILE = 32 * 2**20
"""A file that one message made larger than this is cut off again by the next."""
_LOOKED_AT = 4096
"""Bytes that tell in most cases that an array is another one."""


class ArraysOut:
    """The arrays that one side sends on one lane.

    Args:
        folders: Where its file may be, the best first; the others are for when that one is full.
        name: Of its file.
        careful: Whether arrays may be written to after they were handed over, so that each is compared with a copy of
            the one before; else the same object is the same array.
    """

    def __init__(self, folders: Sequence[Path], name: str, *, careful: bool) -> None:
        self._folders, self._name, self._careful = folders, name, careful
        self._files: dict[int, FileIO] = {}
        self._folder = 0
        self._sent: list[NDArray[Any] | None] = []
        self._count = 0
        self._size = 0
        self._largest = 0

    def begin(self) -> None:
        """Start with the next message."""
        self._count = self._size = self._folder = 0
        if self._largest > _KEPT_FILE:
            self._largest = 0
            for file in self._files.values():
                file.truncate(0)

    def put(self, array: NDArray[Any]) -> dict[str, Any]:
        """Write an array, contiguous and little-endian, unless it is as before; return how to find it.

        Raises:
            OSError: There is no room for it anywhere.
        """
        if array.nbytes > _KEPT_ARRAY:
            return self.put_once(array)
        number, self._count = self._count, self._count + 1
        before = self._sent[number] if number < len(self._sent) else None
        if before is not None and self._is_same(array, before):
            return {"at": number, "same": True}
        self._sent[number : number + 1] = [None]  # until it is written
        described = self._write(array, at=number)
        if not self._careful:
            self._sent[number] = array
        elif before is not None and before.dtype == array.dtype and before.shape == array.shape:
            np.copyto(before, array)
            self._sent[number] = before
        else:
            self._sent[number] = array.copy()
        return described

    def sent(self, number: int) -> NDArray[Any]:
        """Return the array of that number of the last message, which the other side names to send it back.

        Raises:
            ValueError: There was none.
        """
        array = self._sent[number] if 0 <= number < len(self._sent) else None
        if array is None or self._careful:
            raise ValueError("an array comes back that was never sent")
        return array

    def put_once(self, array: NDArray[Any]) -> dict[str, Any]:
        """Write an array that whatever it is a part of will stand for from now on.

        Raises:
            OSError: There is no room for it anywhere.
        """
        return self._write(array, at=ONCE)

    def forget(self) -> None:
        """Send everything anew: the other side did not get the last message."""
        self._sent.clear()

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _is_same(self, array: NDArray[Any], before: NDArray[Any]) -> bool:
        if array is before:
            return True
        if not self._careful or array.dtype != before.dtype or array.shape != before.shape:
            return False
        new, old = _bytes_of(array), _bytes_of(before)
        start = slice(0, _LOOKED_AT)
        return np.array_equal(new[start], old[start]) and np.array_equal(new, old)

    def _write(self, array: NDArray[Any], *, at: int) -> dict[str, Any]:
        start = self._size
        if array.nbytes:
            self._write_somewhere(_bytes_of(array).data, start)
        self._size += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        self._largest = max(self._largest, self._size)
        shape = list(array.shape)
        return {"at": at, "in": self._folder, "start": start, "dtype": array.dtype.str, "shape": shape}

    def _write_somewhere(self, content: memoryview, start: int) -> None:
        while True:
            try:
                file = self._file()
                file.seek(start)
                rest = content
                while len(rest):
                    rest = rest[file.write(rest) :]
            except OSError:
                if self._folder + 1 == len(self._folders):
                    raise
                self._folder += 1
            else:
                return

    def _file(self) -> FileIO:
        if self._folder not in self._files:
            path = self._folders[self._folder] / self._name
            self._files[self._folder] = FileIO(path, "xb", opener=_open_for_owner)
        return self._files[self._folder]


class ArraysIn:
    """The arrays that come in on one lane.

    Args:
        folders: Those of the other side.
        name: See there.
        writable: Whether whoever gets the arrays may write to them.
    """

    def __init__(self, folders: Sequence[Path], name: str, *, writable: bool) -> None:
        self._folders, self._name, self._writable = folders, name, writable
        self._files: dict[int, FileIO] = {}
        self._received: list[NDArray[Any]] = []

    def take(self, described: dict[str, Any], *, room: int) -> NDArray[Any]:
        """Return the array that :meth:`ArraysOut.put` described.

        Args:
            described: What that returned.
            room: Bytes that the array may have.

        Raises:
            ValueError: The description makes no sense, or is not what was delivered.
            OSError: The file cannot be read.
        """
        number = int(described["at"])
        if described.get("same"):
            return self._received[number]
        dtype, shape = np.dtype(str(described["dtype"])), tuple(int(length) for length in described["shape"])
        if dtype.kind not in "fiub" or len(shape) > 4 or any(length < 0 for length in shape):
            raise ValueError("an array of an unknown type or shape")
        size = int(np.prod(shape, dtype=object)) * dtype.itemsize
        if size > room:
            raise ValueError("the arrays are larger than they may be")
        array: NDArray[Any] = np.empty(shape, dtype)
        if size:
            self._read(int(described["in"]), int(described["start"]), _bytes_of(array).data)
        array.flags.writeable = self._writable
        if number != ONCE:
            if not 0 <= number <= len(self._received):
                raise ValueError("an array is missing")
            self._received[number : number + 1] = [array]
        return array

    def number_of(self, array: NDArray[Any]) -> int | None:
        """Return the number of an array of the last message that is as it came, or None where it is another one."""
        if array.flags.writeable:
            return None
        return next((number for number, each in enumerate(self._received) if each is array), None)

    def close(self) -> None:
        for file in self._files.values():
            file.close()
        self._files.clear()

    def _read(self, folder: int, start: int, content: memoryview) -> None:
        if folder not in self._files:
            self._files[folder] = FileIO(self._folders[folder] / self._name, "rb", opener=_open_regular)
        file = self._files[folder]
        file.seek(start)
        while len(content):
            count = file.readinto(content)
            if not count:
                raise ValueError("the arrays are incomplete")
            content = content[count:]


def _bytes_of(array: NDArray[Any]) -> NDArray[np.uint8]:
    return array.reshape(-1).view(np.uint8)


def _open_for_owner(path: str, flags: int) -> int:
    return os.open(path, flags | getattr(os, "O_NOFOLLOW", 0), 0o600)


def _open_regular(path: str, flags: int) -> int:
    """Open a file that another process made, and nothing else that it may have put in its place."""
    descriptor = os.open(path, flags | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("the arrays are somewhere else")
    return descriptor

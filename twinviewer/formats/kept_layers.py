"""Layers in one file that outlasts the program: the arrays of :mod:`twinviewer.formats.exchange`, then their header.

The first 64 bytes, which the arrays leave free, say where the header is and what everything has to sum up to.  The
arrays are summed by CRC-32 (several GB/s) in parts, beside each other; the header, which has the sums of the parts,
by BLAKE2.  So bytes that changed on the disk, were cut off or never got there are found before anything is taken
from them, and what passes is what once passed the door from a worker: it need not be looked at again.
"""

from __future__ import annotations

import json
import os
import struct
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import blake2b
from pathlib import Path
from typing import Any, BinaryIO

from twinviewer.formats import exchange
from twinviewer.formats.exchange import Content
from twinviewer.model.layer_data import LayerData

_MAGIC = b"TWINKPT1"
_PREAMBLE = struct.Struct("<8sQQ32s")
"""Magic, bytes of the arrays, bytes of the header, BLAKE2 of the header and of the two numbers."""
_PART = 32 * 2**20
_PIECE = 4 * 2**20


class NotKeptError(Exception):
    """The file does not hold what was once kept in it."""


def keep(header: dict[str, Any], arrays: BinaryIO, file: BinaryIO, *, go_on: Callable[[], bool]) -> bool:
    """Write the layers of a header of :func:`exchange.write` with the file of their arrays; False where it was stopped.

    Args:
        header: May have more entries, of what JSON can hold.
        arrays: Open for reading, at its beginning.
        file: Open for writing, empty.
        go_on: Asked every few milliseconds.

    Raises:
        OSError: The disk said no.
    """
    size = int(header["size"])
    file.write(arrays.read(exchange.ALIGNMENT))
    sums, left = [0], _PART - exchange.ALIGNMENT
    while piece := arrays.read(min(_PIECE, left)):
        if not go_on():
            return False
        file.write(piece)
        sums[-1] = zlib.crc32(piece, sums[-1])
        left -= len(piece)
        if not left:
            sums.append(0)
            left = _PART
    if file.tell() != size:
        raise OSError("the arrays are incomplete")
    packed = json.dumps({**header, "sums": sums}).encode()
    file.write(packed)
    file.seek(0)
    file.write(_PREAMBLE.pack(_MAGIC, size, len(packed), _digest(size, packed)))
    return True


def kept_header(path: Path) -> dict[str, Any]:
    """Return the header that was given to :func:`keep`.

    Raises:
        OSError: There is no such file.
        NotKeptError: It is damaged.
    """
    with path.open("rb") as file:
        try:
            magic, size, length, digest = _PREAMBLE.unpack(file.read(_PREAMBLE.size))
        except struct.error:
            raise NotKeptError("it is cut off") from None
        if magic != _MAGIC:
            raise NotKeptError("it is of another kind")
        if os.fstat(file.fileno()).st_size != size + length:
            raise NotKeptError("it is cut off, or longer than it was")
        file.seek(size)
        packed = file.read(length)
    if _digest(size, packed) != digest:
        raise NotKeptError("its header is damaged")
    header: dict[str, Any] = json.loads(packed)
    header["length"] = size + length
    return header


def kept_layers(path: Path, header: dict[str, Any]) -> list[LayerData]:
    """Return the layers of a file whose header :func:`kept_header` returned, after a look at every byte of them.

    Raises:
        OSError: There is no such file.
        NotKeptError: It is damaged.
    """
    try:
        content, size = exchange.contents(path, int(header["length"])), int(header["size"])
        if _sums(content, size) != header["sums"]:
            raise NotKeptError("its arrays are damaged")
        return exchange.unpacked(header, content, size)
    except exchange.MALFORMED as error:
        raise NotKeptError(str(error)) from error


def _sums(content: Content, size: int) -> list[int]:
    parts = [(max(start, exchange.ALIGNMENT), min(start + _PART, size)) for start in range(0, size + 1, _PART)]
    with memoryview(content) as view, ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(lambda part: zlib.crc32(view[part[0] : part[1]]), parts))


def _digest(size: int, packed: bytes) -> bytes:
    return blake2b(packed, digest_size=32, key=_MAGIC, salt=struct.pack("<Q", size)).digest()

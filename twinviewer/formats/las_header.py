"""What a LAS file says of itself (ASPRS LAS 1.4 R15), checked against its size before a library believes it.

A damaged header makes readers hang for minutes or ask for 48 GB.  Every offset and count that leads to a loop or to
memory is compared with the bytes that are there; what is only too large is corrected and told.
"""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import lazrs

from twinviewer.formats.files import GET_IT_AGAIN, require_content
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import DamagedFileError, UnsupportedFormatError
from twinviewer.model.place import Extent

SIGNATURE = b"LASF"
_HEADER_SIZE = {0: 227, 1: 227, 2: 227, 3: 235, 4: 375}
_RECORD_LENGTH = (20, 28, 26, 34, 57, 63, 30, 36, 38, 59, 67)
_LAST_FORMAT = len(_RECORD_LENGTH) - 1
_VLR_HEADER = 54
_EVLR_HEADER = 60
_VLRS_LIMIT = 64 * 2**20
_CHUNK_LIMIT = 2 * 2**30
"""Bytes of one uncompressed chunk: usual are two megabytes."""
_COMPRESSED = 0x80
_LASZIP_RECORD = ("laszip encoded", 22204)
_ONE_CHUNK = 1
"""LASzip's first kind of compression, all points in one go."""
_VARIABLE_CHUNKS = 0xFFFFFFFF
_NEWEST_ITEM = 3
_SMALLEST_CHUNK = 20
"""Bytes: the first point of a chunk is not compressed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LasLayout:
    """Where things are in the file, as far as they are really there."""

    minor_version: int
    point_format: int
    is_compressed: bool
    is_copc: bool
    declared_count: int
    available_count: int
    """Points whose bytes, or whose chunks where they are compressed, are there; all where the chunk table is lost."""
    stated_extent: Extent
    """What the header says about the points, not finite perhaps."""
    has_sound_evlrs: bool
    head: bytes
    """The file up to the first point, corrected where it counts what is not there."""
    tail: bytes = b""
    """What must be read after the end of the file: an empty list of chunks where the file lost its own."""
    chunk_size: int | None = None
    """Points per chunk where the list of chunks is lost, so that chunk after chunk must be read."""
    is_corrected: bool
    diagnostics: tuple[Diagnostic, ...]


def read_layout(path: Path) -> LasLayout:
    """Return the layout of a LAS or LAZ file.

    Raises:
        ReadError: There is no such file, or it may not be read.
        DamagedFileError: It is cut off in its header, or contradicts itself.
        UnsupportedFormatError: It is of a version or compression that nobody here reads.
    """
    size = require_content(path)
    with path.open("rb") as file:
        head = file.read(_HEADER_SIZE[4])
        if len(head) < _HEADER_SIZE[0]:
            raise _damaged(f"The file ends within its header, after {len(head)} bytes.", path)
        if not head.startswith(SIGNATURE):
            raise UnsupportedFormatError("This is not a LAS file: it does not begin with “LASF”.", source=path.name)
        minor = _checked_version(head, path)
        header_size, offset, vlr_count, format_byte, record_length = struct.unpack_from("<HIIBH", head, 94)
        if not _HEADER_SIZE[minor] <= header_size <= offset:
            raise _damaged("The sizes in the header contradict each other.", path)
        if offset > size:
            raise _damaged(
                f"The file ends before its first point: {size:,} of at least {offset:,} bytes are there.", path
            )
        if offset > _VLRS_LIMIT:
            raise _damaged("The part before the first point is absurdly large.", path)
        point_format = format_byte & 0x3F
        if point_format > _LAST_FORMAT:
            raise UnsupportedFormatError(f"Point format {point_format} is not known.", source=path.name)
        if record_length < _RECORD_LENGTH[point_format]:
            raise _damaged(
                f"A point of format {point_format} has {_RECORD_LENGTH[point_format]} bytes, "
                f"but the header says {record_length}.",
                path,
            )
        file.seek(0)
        head = file.read(offset)
        records = _vlrs(head, header_size, vlr_count)
        corrected = head[:100] + struct.pack("<I", len(records)) + head[104:]
        diagnostics = []
        if len(records) < vlr_count:
            diagnostics.append(
                Diagnostic(
                    code="header.vlr-count",
                    problem=f"The header promises {vlr_count:,} variable length records, {len(records):,} are there; "
                    "the rest is ignored.",
                )
            )
        declared = struct.unpack_from("<Q", head, 247)[0] if minor >= 4 else struct.unpack_from("<I", head, 107)[0]
        evlrs_are_sound = minor < 4 or _evlrs_are_sound(head, size)
        if not evlrs_are_sound:
            diagnostics.append(
                Diagnostic(
                    code="header.evlrs",
                    problem="The records after the points lie outside of the file and are ignored.",
                )
            )
        is_compressed = bool(format_byte & _COMPRESSED)
        points = _Points(available=(size - offset) // record_length)
        if is_compressed and declared:
            laszip = next((content for key, content in records if key == _LASZIP_RECORD), None)
            points = _compressed_points(file, size, offset, laszip, record_length, declared, path)
            if points.lost_chunk_size is not None:
                corrected += struct.pack("<q", size)
                diagnostics.append(
                    Diagnostic(
                        code="header.chunk-table",
                        problem="The list of chunks at the end of the file is missing: the points are read one chunk "
                        "after the other, as far as they go.",
                    )
                )
    return LasLayout(
        minor_version=minor,
        point_format=point_format,
        is_compressed=is_compressed,
        is_copc=any(key == ("copc", 1) for key, _ in records),
        declared_count=declared,
        available_count=min(declared, points.available),
        stated_extent=_stated_extent(head),
        has_sound_evlrs=evlrs_are_sound,
        head=corrected,
        tail=points.tail,
        chunk_size=points.lost_chunk_size,
        is_corrected=corrected != head,
        diagnostics=tuple(diagnostics),
    )


def _damaged(problem: str, path: Path) -> DamagedFileError:
    return DamagedFileError(problem, cure=GET_IT_AGAIN, source=path.name)


def _checked_version(head: bytes, path: Path) -> int:
    major, minor = head[24], head[25]
    if major != 1 or minor not in _HEADER_SIZE:
        raise UnsupportedFormatError(f"LAS {major}.{minor} is not known; 1.0 to 1.4 are.", source=path.name)
    if len(head) < _HEADER_SIZE[minor]:
        raise _damaged(f"The file ends within its header, after {len(head)} bytes.", path)
    return minor


def _vlrs(head: bytes, start: int, count: int) -> list[tuple[tuple[str, int], bytes]]:
    """Return ((user, record), content) of the variable length records that are there in full, ``count`` at most."""
    records: list[tuple[tuple[str, int], bytes]] = []
    at = start
    while len(records) < count and at + _VLR_HEADER <= len(head):
        user, record, length = struct.unpack_from("<16sHH", head, at + 2)
        end = at + _VLR_HEADER + length
        if end > len(head):
            break
        name = user.split(b"\0")[0].decode("ascii", "replace")
        records.append(((name, record), head[at + _VLR_HEADER : end]))
        at = end
    return records


def _evlrs_are_sound(head: bytes, size: int) -> bool:
    start, count = struct.unpack_from("<QI", head, 235)
    return bool(count == 0 or (start >= len(head) and start + _EVLR_HEADER * count <= size))


def _stated_extent(head: bytes) -> Extent:
    max_x, min_x, max_y, min_y, max_z, min_z = struct.unpack_from("<6d", head, 179)
    return Extent(min_x=min_x, min_y=min_y, min_z=min_z, max_x=max_x, max_y=max_y, max_z=max_z)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """What there is of the points, as far as their number can be known before they are read."""

    available: int
    tail: bytes = b""
    """As in :class:`LasLayout`, like the next one."""
    lost_chunk_size: int | None = None


def _compressed_points(
    file: BinaryIO, size: int, offset: int, laszip: bytes | None, record_length: int, declared: int, path: Path
) -> _Points:
    """Return what there is of compressed points, by the list of their chunks, or without it where it is lost."""
    chunk_size = _checked_compression(laszip, record_length, declared, path)
    assert laszip is not None
    table = _chunk_table(file, size, offset)
    if table is not None:
        return _Points(available=_chunks(file, offset, table, record_length, laszip, chunk_size, path))
    if chunk_size == _VARIABLE_CHUNKS or size < offset + 8:
        raise _damaged("The list of chunks at the end of the compressed points is missing.", path)
    return _Points(available=declared, tail=_list_of_one_chunk(chunk_size, laszip), lost_chunk_size=chunk_size)


def _checked_compression(laszip: bytes | None, record_length: int, declared: int, path: Path) -> int:
    """Return how many points a chunk of a compressed file holds."""
    if laszip is None or len(laszip) < 34:
        raise _damaged("The file is compressed, but does not say how.", path)
    compressor, _, _, _, _, _, chunk_size, _, _, item_count = struct.unpack_from("<HHBBHIIqqH", laszip)
    if compressor == _ONE_CHUNK or compressor == 0:
        raise UnsupportedFormatError(
            "The points are compressed by a LASzip from before version 2, in one piece.",
            cure="Compress it anew, for example with laszip or las2las.",
            source=path.name,
        )
    if len(laszip) < 34 + 6 * item_count or item_count == 0:
        raise _damaged("The description of the compression is cut off.", path)
    items = [struct.unpack_from("<HHH", laszip, 34 + 6 * number) for number in range(item_count)]
    newest = max(version for _, _, version in items)
    if newest > _NEWEST_ITEM:
        raise UnsupportedFormatError(
            f"The points are compressed in LASzip's variant {newest}; up to {_NEWEST_ITEM} can be read.",
            cure="Compress it anew, for example with laszip or las2las.",
            source=path.name,
        )
    if sum(length for _, length, _ in items) != record_length:
        raise _damaged("The description of the compression does not fit the size of a point.", path)
    if chunk_size == 0 or (chunk_size != _VARIABLE_CHUNKS and min(chunk_size, declared) * record_length > _CHUNK_LIMIT):
        raise _damaged(f"The points are said to come in chunks of {chunk_size:,}.", path)
    return int(chunk_size)


def _chunks(
    file: BinaryIO, offset: int, table: int, record_length: int, laszip: bytes, chunk_size: int, path: Path
) -> int:
    """Return how many points the chunks of a compressed file can hold."""
    file.seek(offset)
    try:
        chunks = lazrs.read_chunk_table(file, lazrs.LazVlr(laszip))
    except lazrs.LazrsError as error:
        raise _damaged("The list of chunks at the end of the file cannot be read.", path) from error
    room = table - offset - 8
    if sum(length for _, length in chunks) > room or any(points * record_length > _CHUNK_LIMIT for points, _ in chunks):
        raise _damaged("The list of chunks at the end of the file contradicts the size of the file.", path)
    if chunk_size == _VARIABLE_CHUNKS:
        return int(sum(points for points, _ in chunks))
    return len(chunks) * chunk_size


def _list_of_one_chunk(chunk_size: int, laszip: bytes) -> bytes:
    """Return a list that lets the decompressor begin; where later chunks begin it finds out itself."""
    table = io.BytesIO()
    lazrs.write_chunk_table(table, [(chunk_size, _SMALLEST_CHUNK)], lazrs.LazVlr(laszip))
    return table.getvalue()


def _chunk_table(file: BinaryIO, size: int, offset: int) -> int | None:
    """Return where the list of chunks is, or None where it is missing."""
    file.seek(offset)
    start = file.read(8)
    if len(start) < 8:
        return None
    (table,) = struct.unpack("<q", start)
    if table == -1:  # written by a program that could not seek: the position is at the very end
        file.seek(size - 8)
        (table,) = struct.unpack("<q", file.read(8))
    if not offset + 8 <= table <= size - 8:
        return None
    file.seek(table)
    _, count = struct.unpack("<II", file.read(8))
    return table if count <= (table - offset) // _SMALLEST_CHUNK else None

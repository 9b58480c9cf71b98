"""Laser points: LAS 1.0 to 1.4, LAZ, and COPC read as the LAZ that it is.

The header is checked before laspy sees it (:mod:`twinviewer.formats.las_header`), points come in chunks, and what the
header promises is compared with what came.  Only the fields that a :class:`PointCloud` has are decompressed.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import laspy
import numpy as np
from laspy import DecompressionSelection, LazBackend
from laspy.vlrs.known import GeoKeyDirectoryVlr, WktCoordinateSystemVlr
from numpy.typing import NDArray

from twinviewer.formats.files import GET_IT_AGAIN
from twinviewer.formats.las_header import SIGNATURE, LasLayout, read_layout
from twinviewer.formats.reference_systems import first_known
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import DamagedFileError, TwinViewerError
from twinviewer.model.feedback import Cancelled, Feedback
from twinviewer.model.layer_data import PointCloud, SourceFacts
from twinviewer.model.place import Extent, ReferenceSystem

MAX_POINTS = 5_000_000
_CHUNK = 250_000
"""Points between two questions whether to stop: 60 ms of LAZ."""
_FIELDS = (
    DecompressionSelection.XY_RETURNS_CHANNEL
    | DecompressionSelection.Z
    | DecompressionSelection.CLASSIFICATION
    | DecompressionSelection.INTENSITY
    | DecompressionSelection.RGB
)
_GEOGRAPHIC_KEY, _PROJECTED_KEY, _VERTICAL_KEY = 2048, 3072, 4096  # GeoTIFF 1.1
_VERTICAL_UNITS_KEY = 4099
_USER_DEFINED = 32767
_NAVD88_DATUM = 5103
"""GeoTIFF 1.0 named the datum, and the unit beside it."""
_NAVD88_HEIGHTS = {0: 5703, 9001: 5703, 9002: 8228, 9003: 6360}
"""Unit → height system: metres, feet, US survey feet."""

logging.getLogger("laspy").setLevel(logging.CRITICAL)  # what it would say is raised or told below


def probe(*, path: Path) -> float:
    """Return 1.0 for a file that begins as LAS does, else 0.0."""
    with path.open("rb") as file:
        return float(file.read(len(SIGNATURE)) == SIGNATURE)


def read(*, path: Path, feedback: Feedback, max_points: int = MAX_POINTS) -> list[PointCloud]:
    """Read a LAS, LAZ or COPC file.

    Args:
        path: The file.
        feedback: Hears progress, and is asked after each chunk whether to stop.
        max_points: The most points to return; of more, every n-th is taken.  Counts and extent are of all points.

    Raises:
        DamagedFileError: Nothing of it can be read.
        UnsupportedFormatError: It is no LAS file, or of a version or compression that is not known.
        Cancelled: The person stopped the work.
    """
    layout = read_layout(path)
    if layout.declared_count and not layout.available_count:
        raise DamagedFileError(
            f"The header promises {layout.declared_count:,} points, but the file ends before the first.",
            cure=GET_IT_AGAIN,
            source=path.name,
        )
    with _damage_told(path), _opened(path, layout) as reader:
        reader.header.point_count = layout.available_count
        crs, crs_diagnostics = _reference_system(reader.header)
        collector = _Collector(reader.header, layout.available_count, max_points)
        try:
            for chunk in reader.chunk_iterator(layout.chunk_size or _CHUNK):
                collector.add(chunk)
                feedback.progress(collector.seen / layout.available_count, "Reading points")
                feedback.stop_if_cancelled()
        except BaseException as error:
            if not _is_damage(error):
                raise
    if layout.available_count and not collector.seen:
        raise DamagedFileError(
            f"None of the {layout.declared_count:,} points can be decompressed.", cure=GET_IT_AGAIN, source=path.name
        )
    return [_point_cloud(layout, collector, crs, (*layout.diagnostics, *crs_diagnostics))]


def _point_cloud(
    layout: LasLayout, collector: _Collector, crs: ReferenceSystem | None, diagnostics: tuple[Diagnostic, ...]
) -> PointCloud:
    told = list(diagnostics)
    if collector.seen < layout.declared_count:
        missing = layout.declared_count - collector.seen
        told.append(
            Diagnostic(
                severity=Severity.ERROR if missing > layout.declared_count // 100 else Severity.WARNING,
                code="points.missing",
                problem=f"The header promises {layout.declared_count:,} points, {collector.seen:,} could be read: "
                "the file is damaged or cut off.",
            )
        )
    if collector.step > 1:
        told.append(
            Diagnostic(
                severity=Severity.INFO,
                code="points.thinned",
                problem=f"Of {collector.seen:,} points one in {collector.step} is shown, {collector.kept:,} in all.",
            )
        )
    extent = collector.extent()
    if extent is not None and _lies_outside(extent, layout.stated_extent):
        told.append(
            Diagnostic(
                code="header.extent",
                problem="The points lie outside of the extent that the header states; the points are believed.",
            )
        )
    format_name = "COPC" if layout.is_copc else "LAZ" if layout.is_compressed else "LAS"
    return PointCloud(
        source=SourceFacts(format=format_name, version=f"1.{layout.minor_version}"),
        crs=crs,
        positions=collector.positions[: collector.kept],
        classification=collector.classification[: collector.kept],
        intensity=collector.intensity[: collector.kept],
        rgb=collector.rgb_8_bit(),
        declared_count=layout.declared_count,
        read_count=collector.seen,
        class_counts=tuple((int(c), int(collector.class_counts[c])) for c in np.flatnonzero(collector.class_counts)),
        file_extent=extent,
        diagnostics=tuple(told),
    )


def _lies_outside(extent: Extent, stated: Extent) -> bool:
    """Return whether points lie outside of what is stated by more than a hundredth of its size, or a unit."""
    slack = np.maximum(1.0, np.asarray(stated.size) / 100)
    low, high = np.asarray(stated.as_tuple()).reshape(2, 3)
    found_low, found_high = np.asarray(extent.as_tuple()).reshape(2, 3)
    return not bool((found_low >= low - slack).all() and (found_high <= high + slack).all())


class _Collector:
    """Takes chunks of points and keeps every ``step``-th."""

    def __init__(self, header: Any, count: int, max_points: int) -> None:
        self.step = max(1, -(-count // max(1, max_points)))
        room = -(-count // self.step)
        self.seen = self.kept = 0
        self.positions = np.empty((room, 3), np.float64)
        self.classification = np.empty(room, np.uint8)
        self.intensity = np.empty(room, np.uint16)
        self.class_counts = np.zeros(256, np.int64)
        self._scales = np.asarray(header.scales, np.float64)
        self._offsets = np.asarray(header.offsets, np.float64)
        if not (np.isfinite(self._scales).all() and np.isfinite(self._offsets).all()):
            raise ValueError("the scale of the coordinates is not a number")
        self._has_rgb = "red" in header.point_format.dimension_names
        self._rgb = np.empty((room if self._has_rgb else 0, 3), np.uint16)
        self._rgb_max = 0
        self._low = np.full(3, np.iinfo(np.int64).max)
        self._high = np.full(3, np.iinfo(np.int64).min)

    def add(self, chunk: Any) -> None:
        """Take the next points, a laspy point record."""
        whole = len(chunk)
        grid = (chunk["X"], chunk["Y"], chunk["Z"])
        self._low = np.minimum(self._low, [axis.min() for axis in grid])
        self._high = np.maximum(self._high, [axis.max() for axis in grid])
        classes = np.asarray(chunk.classification, np.uint8)
        self.class_counts += np.bincount(classes, minlength=256)
        picked = slice(-self.seen % self.step, None, self.step)
        target = slice(self.kept, self.kept + len(classes[picked]))
        for axis, values in enumerate(grid):
            self.positions[target, axis] = values[picked] * self._scales[axis] + self._offsets[axis]
        self.classification[target] = classes[picked]
        self.intensity[target] = chunk["intensity"][picked]
        if self._has_rgb:
            for band, name in enumerate(("red", "green", "blue")):
                values = chunk[name]
                self._rgb_max = max(self._rgb_max, int(values.max()))
                self._rgb[target, band] = values[picked]
        self.seen += whole
        self.kept = target.stop

    def rgb_8_bit(self) -> NDArray[np.uint8] | None:
        """Return the colours, or None where there are none.  Files hold 16 bits, or 8 against the standard."""
        if self._rgb_max == 0:
            return None
        shift = 8 if self._rgb_max > 255 else 0
        return (self._rgb[: self.kept] >> shift).astype(np.uint8)

    def extent(self) -> Extent | None:
        """Return the box around all points seen."""
        if not self.seen:
            return None
        return Extent.of(np.vstack([self._low, self._high]) * self._scales + self._offsets)


# --- where on Earth ---------------------------------------------------------------------------------------------


def _reference_system(header: Any) -> tuple[ReferenceSystem | None, tuple[Diagnostic, ...]]:
    """Return the reference system that the records of the file name, WKT before GeoTIFF keys."""
    records = [*header.vlrs, *(header.evlrs or [])]
    names = [record.string.strip("\0 ") for record in records if isinstance(record, WktCoordinateSystemVlr)]
    for record in records:
        if isinstance(record, GeoKeyDirectoryVlr):
            names.extend(_named_by_keys(record))
    return first_known(filter(None, names))


def _named_by_keys(directory: Any) -> list[str]:
    """Return ``EPSG:horizontal+vertical`` from GeoTIFF keys, then the horizontal part alone; empty without codes."""
    keys = {key.id: key.value_offset for key in directory.geo_keys if key.tiff_tag_location == 0}
    horizontal = keys.get(_PROJECTED_KEY) or keys.get(_GEOGRAPHIC_KEY)
    if not horizontal:
        return []
    if horizontal == _USER_DEFINED:
        return ["a projection of its own in GeoTIFF keys"]
    vertical = keys.get(_VERTICAL_KEY)
    if vertical == _NAVD88_DATUM:
        vertical = _NAVD88_HEIGHTS.get(keys.get(_VERTICAL_UNITS_KEY, 0), _NAVD88_HEIGHTS[0])
    with_heights = [f"EPSG:{horizontal}+{vertical}"] if vertical and vertical != _USER_DEFINED else []
    return [*with_heights, f"EPSG:{horizontal}"]


# --- laspy, kept on a lead --------------------------------------------------------------------------------------


@contextmanager
def _opened(path: Path, layout: LasLayout) -> Iterator[Any]:
    """Open the file with laspy, its header corrected."""
    with path.open("rb") as file:
        source: BinaryIO = io.BufferedReader(_Corrected(file, layout)) if layout.is_corrected else file
        with laspy.open(
            source,
            closefd=False,
            # Only one thread can find out for itself where the next chunk begins.
            laz_backend=LazBackend.LazrsParallel if layout.chunk_size is None else LazBackend.Lazrs,
            read_evlrs=layout.has_sound_evlrs,
            decompression_selection=_FIELDS,
        ) as reader:
            yield reader


class _Corrected(io.RawIOBase):
    """A file whose first bytes read otherwise than they are written, and which goes on after its end."""

    def __init__(self, file: BinaryIO, layout: LasLayout) -> None:
        self._file, self._head, self._tail, self._at = file, layout.head, layout.tail, 0
        self._end = file.seek(0, io.SEEK_END)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._end + len(self._tail)}[whence]
        self._at = base + offset
        return self._at

    def readinto(self, buffer: Any) -> int:
        view = memoryview(buffer)
        if self._at < len(self._head):
            content = self._head[self._at : self._at + len(view)]
        elif self._at < self._end:
            self._file.seek(self._at)
            content = self._file.read(len(view))
        else:
            content = self._tail[self._at - self._end : self._at - self._end + len(view)]
        view[: len(content)] = content
        self._at += len(content)
        return len(content)


@contextmanager
def _damage_told(path: Path) -> Iterator[None]:
    """Turn whatever laspy and lazrs raise at a damaged file into one sentence."""
    try:
        yield
    except BaseException as error:
        if not _is_damage(error):
            raise
        raise DamagedFileError(
            f"The points cannot be read: {error}.".replace("..", "."),
            cure=GET_IT_AGAIN,
            source=path.name,
        ) from error


def _is_damage(error: BaseException) -> bool:
    """Return whether a library gave up on the file.  A panic of lazrs (Rust) is a BaseException of pyo3."""
    if isinstance(error, TwinViewerError | Cancelled | MemoryError | OSError):
        return False
    return isinstance(error, Exception) or type(error).__name__ == "PanicException"

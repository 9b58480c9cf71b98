"""Laser points into LAS 1.4 and LAZ: position, class, intensity and colour, with the reference system as WKT."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import laspy
import numpy as np
from laspy import LazBackend
from laspy.vlrs.known import WktCoordinateSystemVlr
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from twinviewer.formats.losses import changed, not_held, reduced
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import WriteError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import LayerData, PointCloud
from twinviewer.model.place import LOCAL, ReferenceSystem

_CHUNK = 250_000
"""Points between two questions whether to stop."""
_STEPS = (0.01, 0.001, 0.0001, 0.00001)
"""Of whole numbers, coarsest first: what scanners' programs use."""
_USUAL_STEP = 0.001
_DEGREE_STEP = 1e-9
"""A tenth of a millimetre of latitude."""
_EXACT = 1e-7
"""What is not further off came from whole numbers of that step."""
_LARGEST = 2**31 - 2
_WITH_COLOUR, _WITHOUT_COLOUR = 7, 6
"""Point record formats of LAS 1.4."""


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write one point cloud; ``.laz`` is compressed.

    Raises:
        WriteError: It is wider than the format's whole numbers reach.
        Cancelled: The person stopped the work.
    """
    (data,) = layers
    assert isinstance(data, PointCloud)
    told = [
        *reduced(data),
        not_held("Of laser points, position, class, intensity and colour are kept; returns and times are not."),
    ]
    header = laspy.LasHeader(
        point_format=_WITHOUT_COLOUR if data.rgb is None else _WITH_COLOUR, version=laspy.header.Version(1, 4)
    )
    header.offsets, header.scales = _grid(data, path.name)
    header.generating_software = "twinviewer"
    header.global_encoding.wkt = True
    if data.crs is not None and data.crs.horizontal != LOCAL.horizontal:
        header.vlrs.append(WktCoordinateSystemVlr(_wkt(data.crs)))
    if not _is_exact(data.positions, header.offsets, header.scales):
        step = ", ".join(f"{scale:g}" for scale in dict.fromkeys(header.scales.tolist()))
        told.append(changed(f"Coordinates are rounded to the file's steps of {step}."))
    count = len(data.positions)
    with (
        path.open("wb") as file,
        laspy.open(
            file,
            mode="w",
            header=header,
            closefd=False,
            do_compress=path.suffix.lower() == ".laz",
            laz_backend=LazBackend.Lazrs,
        ) as writer,
    ):
        for first in range(0, count, _CHUNK):
            feedback.stop_if_cancelled()
            part = slice(first, min(count, first + _CHUNK))
            writer.write_points(_record(data, part, header))
            feedback.progress(part.stop / count, "Writing points")
    return told


def _record(data: PointCloud, part: slice, header: laspy.LasHeader) -> laspy.ScaleAwarePointRecord:
    record = laspy.ScaleAwarePointRecord.zeros(part.stop - part.start, header=header)
    whole = np.rint((data.positions[part] - header.offsets) / header.scales).astype(np.int32)
    for axis, name in enumerate("XYZ"):
        record[name] = whole[:, axis]
    record.classification = data.classification[part]
    record["intensity"] = data.intensity[part]
    record["return_number"] = np.ones(len(whole), np.uint8)  # the standard knows no point without a return
    record["number_of_returns"] = np.ones(len(whole), np.uint8)
    if data.rgb is not None:
        for band, name in enumerate(("red", "green", "blue")):
            record[name] = data.rgb[part, band].astype(np.uint16) * 257  # 8 bits fill 16: 255 is 65535
    return record


def _grid(data: PointCloud, source: str) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return offsets (3,) and scales (3,) in which the coordinates are whole numbers, exactly where that can be."""
    if not len(data.positions):
        return np.zeros(3), np.full(3, _USUAL_STEP)
    low, high = data.positions.min(axis=0), data.positions.max(axis=0)
    offsets = np.floor(low)
    if data.crs is not None and _in_degrees(data.crs):
        scales = np.array([_DEGREE_STEP, _DEGREE_STEP, _USUAL_STEP])
    else:
        exact = (step for step in _STEPS if _is_exact(data.positions, offsets, np.full(3, step)))
        scales = np.full(3, next(exact, _USUAL_STEP))
    least = np.maximum((high - offsets) / _LARGEST, np.finfo(np.float64).tiny)
    reach = np.where(scales < least, 10.0 ** np.ceil(np.log10(least)), scales)
    if not np.isfinite(reach).all() or (reach > 1.0).any():
        raise WriteError("The points lie too far from one another for LAS.", cure="Write them in parts.", source=source)
    return offsets, reach


def _is_exact(positions: NDArray[np.float64], offsets: NDArray[np.float64], scales: NDArray[np.float64]) -> bool:
    """Return whether all positions are whole numbers of steps from the offsets."""
    sample = positions[:: max(1, len(positions) // _CHUNK)]
    whole = np.rint((sample - offsets) / scales)
    return len(sample) == 0 or bool(
        np.abs(whole * scales + offsets - sample).max() <= _EXACT * min(1.0, scales.min() * 1e3)
    )


def _in_degrees(system: ReferenceSystem) -> bool:
    from twinviewer.model.crs import is_geographic

    return is_geographic(system)


def _wkt(system: ReferenceSystem) -> str:
    """Return WKT 1 (OGC 01-009), which LAS 1.4 asks for; WKT 2 where the older one has no words for it."""
    from twinviewer.model.crs import to_pyproj

    crs = to_pyproj(system)
    try:
        wkt: str = crs.to_wkt("WKT1_GDAL")
    except CRSError:
        wkt = crs.to_wkt("WKT2_2019")
    return wkt

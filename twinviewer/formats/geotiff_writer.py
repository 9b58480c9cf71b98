"""Terrain and images into GeoTIFF (OGC 19-008r4), tiled and compressed without loss."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.transform import Affine
from rasterio.windows import Window

from twinviewer.formats.losses import reduced
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import WriteError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import LayerData, RasterImage, TerrainGrid
from twinviewer.model.place import LOCAL, ReferenceSystem

NO_DATA = -9999.0
"""What stands in cells of a terrain without a height: a number, because many programs do not take NaN."""
_TILE = 256
_STRIP_ROWS = 8 * _TILE
"""Rows between two questions whether to stop."""
_PREDICTORS = {np.dtype(np.float32): 3, np.dtype(np.uint8): 2}


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write one terrain as 32-bit heights, or one image as 8-bit colours, with opacity where not all is opaque.

    Raises:
        WriteError: GDAL could not write it.
        Cancelled: The person stopped the work.
    """
    (data,) = layers
    if isinstance(data, TerrainGrid):
        _write(path, data, _heights, count=1, nodata=NO_DATA, feedback=feedback)
    else:
        assert isinstance(data, RasterImage)
        opaque = bool((data.pixels[..., 3] == 255).all())
        _write(path, data, _colours, count=3 if opaque else 4, nodata=None, feedback=feedback)
    return reduced(data)


def _heights(data: TerrainGrid, rows: slice) -> NDArray[np.float32]:
    part = data.heights[rows]
    return np.where(np.isfinite(part), part, np.float32(NO_DATA))[None]


def _colours(data: RasterImage, rows: slice) -> NDArray[np.uint8]:
    return np.moveaxis(data.pixels[rows], -1, 0)


def _write(
    path: Path,
    data: Any,
    bands_of: Callable[[Any, slice], NDArray[Any]],
    *,
    count: int,
    nodata: float | None,
    feedback: Feedback,
) -> None:
    cells = data.heights if isinstance(data, TerrainGrid) else data.pixels
    rows, columns = cells.shape[:2]
    profile: dict[str, Any] = {
        "driver": "GTiff",
        "width": columns,
        "height": rows,
        "count": count,
        "dtype": cells.dtype.name,
        "crs": _crs(data.crs),
        "transform": Affine(*data.transform),
        "nodata": nodata,
        "tiled": True,
        "blockxsize": _TILE,
        "blockysize": _TILE,
        "compress": "deflate",
        "predictor": _PREDICTORS[cells.dtype],
        "BIGTIFF": "IF_SAFER",
    }
    if count > 1:
        profile["photometric"] = "RGB"
    try:
        with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED="NO"):
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path.absolute(), "w", **profile) as dataset:
                if count == 4:
                    dataset.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
                for first in range(0, rows, _STRIP_ROWS):
                    feedback.stop_if_cancelled()
                    part = slice(first, min(rows, first + _STRIP_ROWS))
                    window = Window(0, first, columns, part.stop - first)
                    dataset.write(bands_of(data, part)[:count], window=window)
                    feedback.progress(part.stop / rows, "Writing the raster")
            _look_whether_all_is_there(path)
    except RasterioError as error:
        text = " ".join(str(error.__cause__ or error).split()).rstrip(".")
        raise WriteError(f"GDAL could not write the raster: {text}.", source=path.name) from error


def _look_whether_all_is_there(path: Path) -> None:
    """Decode every tile: what GDAL writes while it closes the file fails in silence on a full disk."""
    with rasterio.open(path.absolute(), driver="GTiff") as dataset:
        for _, window in dataset.block_windows(1):
            dataset.read(1, window=window)


def _crs(system: ReferenceSystem | None) -> CRS | None:
    if system is None or system.horizontal == LOCAL.horizontal:
        return None
    from twinviewer.model.crs import to_pyproj

    # As text: the GDAL of rasterio has a PROJ of its own, whose list of codes may be older.
    return CRS.from_wkt(to_pyproj(system).to_wkt("WKT2_2019"))

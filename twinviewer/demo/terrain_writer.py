"""The ground as a GeoTIFF of heights, shaped strip by strip, in cells as fine as the size of the town allows.

It is put together in memory, where it is a few megabytes: GDAL says nothing when the disk is full.
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from rasterio.crs import CRS
from rasterio.io import MemoryFile
from rasterio.transform import Affine
from rasterio.windows import Window

from twinviewer.demo.georeference import MARKET, compound_crs
from twinviewer.demo.landscape import WATER_LEVEL_M
from twinviewer.demo.town import Float64s, Town
from twinviewer.model.feedback import Feedback

MOST_CELLS = 300_000
"""As many as are drawn: of a finer grid the viewer would leave cells out, and quays would lose their edge."""
CELL_SIZES_M = (1.0, 2.0, 5.0, 10.0)
NO_DATA = -9999.0
_STRIP_ROWS = 128


def cell_size_m(bounds: tuple[float, float, float, float]) -> float:
    """Return the finest usual cell size at which the ground within ``bounds`` has at most MOST_CELLS cells."""
    area = (bounds[2] - bounds[0]) * (bounds[3] - bounds[1])
    return next((size for size in CELL_SIZES_M if area / size**2 <= MOST_CELLS), CELL_SIZES_M[-1])


def write_terrain(path: Path, town: Town, *, feedback: Feedback) -> None:
    """Write the finished ground, to the centimetre.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    cell = cell_size_m(town.bounds)
    west, south = (math.floor(value / cell) * cell for value in town.bounds[:2])
    east, north = (math.ceil(value / cell) * cell for value in town.bounds[2:])
    columns, rows = round((east - west) / cell), round((north - south) / cell)
    x = west + (np.arange(columns, dtype=np.float64) + 0.5) * cell
    with MemoryFile() as memory:
        profile = {
            "driver": "GTiff",
            "width": columns,
            "height": rows,
            "count": 1,
            "dtype": "float32",
            "nodata": NO_DATA,
            "crs": CRS.from_wkt(compound_crs().to_wkt()),
            "transform": Affine(cell, 0.0, MARKET[0] + west, 0.0, -cell, MARKET[1] + north),
            "tiled": True,
            "blockxsize": 256,
            "blockysize": _STRIP_ROWS,
            "compress": "deflate",
            "predictor": 3,
        }
        with memory.open(**profile) as file:
            file.set_band_description(1, "height above DHHN2016")
            file.set_band_unit(1, "m")
            for first in range(0, rows, _STRIP_ROWS):
                feedback.stop_if_cancelled()
                feedback.progress(first / rows)
                count = min(_STRIP_ROWS, rows - first)
                y = north - (first + np.arange(count, dtype=np.float64) + 0.5) * cell
                heights = _cell_heights(town, x, y, cell)
                file.write(np.round(heights, 2).astype(np.float32), 1, window=Window(0, first, columns, count))
        path.write_bytes(memory.read())


def _cell_heights(town: Town, x: Float64s, y: Float64s, cell_m: float) -> Float64s:
    """Return the height of each cell (rows, columns): in its middle, or its lowest where it reaches into water.

    So what is drawn between the cells falls towards a river on land, below the quays, and not in the river.

    Args:
        town: Whose ground it is.
        x: (columns,) middles of the cells.
        y: (rows,) the same, from north to south.
        cell_m: Their size.
    """
    heights = town.heights(*np.meshgrid(x, y))
    half = cell_m / 2
    nodes = town.heights(*np.meshgrid(np.append(x - half, x[-1] + half), np.append(y + half, y[-1] - half)))
    lowest = np.minimum.reduce([heights, nodes[:-1, :-1], nodes[1:, :-1], nodes[:-1, 1:], nodes[1:, 1:]])
    return np.where(lowest < WATER_LEVEL_M, lowest, heights)

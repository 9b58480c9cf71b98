"""Between the cells of a grid and places on the map: the six numbers of an affine georeference.

GDAL's order, as :class:`~twinviewer.model.layer_data.TerrainGrid` states it.  Columns and rows are counted in cells
from the outer corner of the first one, so the centre of row 0, column 0 is (0.5, 0.5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.place import Extent

Float64s = NDArray[np.float64]
Transform = tuple[float, float, float, float, float, float]
"""(a, b, xoff, d, e, yoff)"""


def positions_of(transform: Transform, cells: Float64s) -> Float64s:
    """Return the positions (n, 2) of columns and rows (n, 2)."""
    a, b, x, d, e, y = transform
    column, row = cells[:, 0], cells[:, 1]
    return np.column_stack([a * column + b * row + x, d * column + e * row + y])


def cells_at(transform: Transform, positions: Float64s) -> Float64s:
    """Return the columns and rows (n, 2) of positions (n, 2)."""
    a, b, x, d, e, y = transform
    east, north = positions[:, 0] - x, positions[:, 1] - y
    return np.column_stack([e * east - b * north, a * north - d * east]) / determinant(transform)


def determinant(transform: Transform) -> float:
    """Return the area of a cell; negative where rows run the usual way, to the south."""
    a, b, _, d, e, _ = transform
    return a * e - b * d


def cell_sides(transform: Transform) -> tuple[float, float]:
    """Return the lengths of a cell's sides, along its row and along its column."""
    a, b, _, d, e, _ = transform
    return float(np.hypot(a, d)), float(np.hypot(b, e))


def extent_of(transform: Transform, shape: tuple[int, int], *, low: float = 0.0, high: float = 0.0) -> Extent:
    """Return the box around the outer edges of a grid of (rows, columns), from the height ``low`` to ``high``."""
    rows, columns = shape
    corners = positions_of(transform, np.array([(0, 0), (columns, 0), (0, rows), (columns, rows)], np.float64))
    (min_x, min_y), (max_x, max_y) = corners.min(axis=0), corners.max(axis=0)
    return Extent(min_x=float(min_x), min_y=float(min_y), min_z=low, max_x=float(max_x), max_y=float(max_y), max_z=high)

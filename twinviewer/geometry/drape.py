"""How high the ground is: by a terrain grid, by triangles above it, or by what stands where there is none."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.geometry.georeference import cells_at
from twinviewer.model.layer_data import CityModel, LayerData, PointCloud, TerrainGrid

Float64s = NDArray[np.float64]

_GROUND_CLASS = 2  # ASPRS


def heights_at(terrain: TerrainGrid, xy: Float64s, *, outside_m: float) -> Float64s:
    """Return the terrain's heights (n,) in metres at positions ``xy`` (n, 2) in its reference system.

    Between cell centres heights are bilinear; in the outer half of a border cell they are those of the border.
    Positions beyond the grid, or beside a cell without data, get ``outside_m``.
    """
    result = np.full(len(xy), outside_m)
    rows, columns = terrain.heights.shape
    if rows == 0 or columns == 0 or len(xy) == 0:
        return result
    column, row = (cells_at(terrain.transform, xy) - 0.5).T  # from centre to centre
    inside = (column >= -0.5) & (row >= -0.5) & (column <= columns - 0.5) & (row <= rows - 0.5)
    column = np.clip(column[inside], 0, columns - 1)
    row = np.clip(row[inside], 0, rows - 1)
    left, low = np.floor(column).astype(np.intp), np.floor(row).astype(np.intp)
    right, high = np.minimum(left + 1, columns - 1), np.minimum(low + 1, rows - 1)
    u, v = column - left, row - low
    grid = terrain.heights
    heights = (grid[low, left] * (1 - u) + grid[low, right] * u) * (1 - v) + (
        grid[high, left] * (1 - u) + grid[high, right] * u
    ) * v
    result[inside] = np.where(np.isfinite(heights), heights, outside_m)
    return result


def heights_on(triangles: Float64s, xy: Float64s) -> Float64s:
    """Return how high the highest of some triangles lies over or under positions.

    Args:
        triangles: Corners (t, 3, 3) in metres; upright ones are passed over.
        xy: Positions (n, 2) in the same reference system.

    Returns:
        Heights (n,) in metres; NaN where there is no triangle.
    """
    result = np.full(len(xy), np.nan)
    for a, b, c in triangles:
        low, high = np.minimum(np.minimum(a, b), c), np.maximum(np.maximum(a, b), c)
        near = np.flatnonzero(((xy >= low[:2]) & (xy <= high[:2])).all(axis=1))
        doubled_area = (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])
        if len(near) == 0 or doubled_area == 0:
            continue
        x, y = xy[near, 0] - a[0], xy[near, 1] - a[1]
        v = (x * (c[1] - a[1]) - y * (c[0] - a[0])) / doubled_area
        w = (y * (b[0] - a[0]) - x * (b[1] - a[1])) / doubled_area
        within = (v >= -1e-9) & (w >= -1e-9) & (v + w <= 1 + 1e-9)
        heights = a[2] + v * (b[2] - a[2]) + w * (c[2] - a[2])
        result[near[within]] = np.fmax(result[near[within]], heights[within])
    return result


def ground_level_m(layers: Iterable[LayerData]) -> float:
    """Return the height in metres at which the lowest things of ``layers`` stand; 0 where nothing does."""
    lows: list[float] = []
    for data in layers:
        if isinstance(data, CityModel) and len(data.vertices):
            lows.append(float(np.percentile(some(data.vertices)[:, 2], 2)))
        elif isinstance(data, PointCloud) and len(data.positions):
            positions = some(data.positions)
            heights = positions[some(data.classification) == _GROUND_CLASS, 2]
            heights = heights if len(heights) else positions[:, 2]
            lows.append(float(np.percentile(heights, 5)))
        elif isinstance(data, TerrainGrid) and np.isfinite(data.heights).any():
            lows.append(float(np.nanmedian(data.heights)))
    return min(lows, default=0.0)


def some(rows: NDArray[Any]) -> NDArray[Any]:
    """Return about 50,000 of the rows, spread evenly: enough for a percentile, and quick."""
    return rows[:: max(1, len(rows) // 50_000)]

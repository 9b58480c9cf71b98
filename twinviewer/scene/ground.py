"""The ground that map layers lie on: the shown terrain, or a plane where there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.layer_data import CityModel, LayerData, PointCloud, TerrainGrid

MOST_CELLS = 300_000
"""Of a terrain on the screen; finer grids are thinned."""

_GROUND_CLASS = 2  # ASPRS


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Heights for draping, the same that are drawn: what lies on them must not sink into the picture's ground."""

    level_m: float = 0.0
    """Height where there is no terrain."""
    heights: NDArray[np.float32] | None = None
    """(rows, columns) metres, NaN where there is no data, or None where there is no terrain at all."""
    transform: tuple[float, float, float, float, float, float] = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
    """(a, b, xoff, d, e, yoff) from (column, row) of a node to (x, y)."""

    @property
    def cell_m(self) -> float:
        """Length of the shorter side of a grid cell."""
        a, b, _, d, e, _ = self.transform
        return float(min(np.hypot(a, d), np.hypot(b, e)))

    def heights_at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ground's height (n,) at positions (n, 2), bilinear between nodes."""
        result = np.full(len(xy), self.level_m)
        if self.heights is None or len(xy) == 0:
            return result
        rows, columns = self.heights.shape
        a, b, x_offset, d, e, y_offset = self.transform
        determinant = a * e - b * d
        x, y = xy[:, 0] - x_offset, xy[:, 1] - y_offset
        column, row = (e * x - b * y) / determinant, (a * y - d * x) / determinant
        # Half a cell beyond the outer nodes still belongs to the grid: nodes are cell centres.
        inside = (column >= -0.5) & (row >= -0.5) & (column <= columns - 0.5) & (row <= rows - 0.5)
        column, row = np.clip(column[inside], 0, columns - 1), np.clip(row[inside], 0, rows - 1)
        left, low = np.minimum(column.astype(np.intp), columns - 2), np.minimum(row.astype(np.intp), rows - 2)
        u, v = column - left, row - low
        heights = (
            self.heights[low, left] * (1 - u) * (1 - v)
            + self.heights[low, left + 1] * u * (1 - v)
            + self.heights[low + 1, left] * (1 - u) * v
            + self.heights[low + 1, left + 1] * u * v
        )
        result[inside] = np.where(np.isnan(heights), self.level_m, heights)
        return result


def ground_of(terrain: TerrainGrid) -> Ground:
    """Return the terrain as it is drawn: thinned to at most MOST_CELLS cells."""
    rows, columns = terrain.heights.shape
    stride = max(1, int(np.ceil(np.sqrt(rows * columns / MOST_CELLS))))
    a, b, x_offset, d, e, y_offset = terrain.transform
    heights = np.ascontiguousarray(terrain.heights[::stride, ::stride])
    if min(heights.shape) < 2:
        return ground_level([terrain])
    valid = heights[np.isfinite(heights)]
    return Ground(
        level_m=float(np.median(valid)) if len(valid) else 0.0,
        heights=heights,
        transform=(
            a * stride,
            b * stride,
            x_offset + 0.5 * (a + b),
            d * stride,
            e * stride,
            y_offset + 0.5 * (d + e),
        ),
    )


def ground_level(layers: list[LayerData]) -> Ground:
    """Return a plane at the height where the lowest things of ``layers`` stand."""
    lows: list[float] = []
    for data in layers:
        if isinstance(data, CityModel) and len(data.vertices):
            lows.append(float(np.percentile(_some(data.vertices)[:, 2], 2)))
        elif isinstance(data, PointCloud) and len(data.positions):
            positions = _some(data.positions)
            heights = positions[_some(data.classification) == _GROUND_CLASS, 2]
            heights = heights if len(heights) else positions[:, 2]
            lows.append(float(np.percentile(heights, 5)))
        elif isinstance(data, TerrainGrid) and np.isfinite(data.heights).any():
            lows.append(float(np.nanmedian(data.heights)))
    return Ground(level_m=min(lows, default=0.0))


def _some(rows: NDArray[Any]) -> NDArray[Any]:
    """Return about 50,000 of the rows, spread evenly: enough for a percentile, and quick."""
    return rows[:: max(1, len(rows) // 50_000)]

"""The ground that map layers lie on: the shown terrain, or a plane where there is none."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinviewer.geometry.drape import ground_level_m, heights_at, some
from twinviewer.geometry.georeference import cell_sides, cells_at
from twinviewer.model.layer_data import CityModel, LayerData, PointCloud, TerrainGrid

MOST_CELLS = 300_000
"""Of a terrain on the screen; finer grids are thinned."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """Heights for draping, the same that are drawn: what lies on them must not sink into the picture's ground."""

    level_m: float = 0.0
    """Height where there is no terrain."""
    terrain: TerrainGrid | None = None
    """As it is drawn, thinned; None where there is none."""

    @property
    def cell_m(self) -> float:
        """Length of the shorter side of a cell of the terrain."""
        if self.terrain is None:
            return np.inf
        return min(cell_sides(self.terrain.transform))

    def heights_at(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the ground's height (n,) at positions (n, 2)."""
        if self.terrain is None:
            return np.full(len(xy), self.level_m)
        return heights_at(self.terrain, xy, outside_m=self.level_m)


def ground_of(terrain: TerrainGrid, *, beside: Sequence[LayerData] = ()) -> Ground:
    """Return the terrain as it is drawn: thinned to at most MOST_CELLS cells.

    Beyond it the ground is as high as the lowest things of ``beside`` stand, else as the terrain's middle height.
    """
    rows, columns = terrain.heights.shape
    stride = max(1, int(np.ceil(np.sqrt(rows * columns / MOST_CELLS))))
    heights = np.ascontiguousarray(terrain.heights[::stride, ::stride])
    if min(heights.shape) < 2:
        return ground_level(beside or [terrain])
    a, b, x_offset, d, e, y_offset = terrain.transform
    shift = 0.5 * (1 - stride)  # the centres of the cells that are kept stay where they are
    return Ground(
        level_m=ground_level(beside or [replace(terrain, heights=heights)]).level_m,
        terrain=replace(
            terrain,
            heights=heights,
            transform=(
                a * stride,
                b * stride,
                x_offset + shift * (a + b),
                d * stride,
                e * stride,
                y_offset + shift * (d + e),
            ),
        ),
    )


def standing_beside(terrain: TerrainGrid, layers: Iterable[LayerData]) -> list[LayerData]:
    """Return the city models and laser points of ``layers`` whose middle lies beyond the terrain."""
    rows, columns = terrain.heights.shape
    beside: list[LayerData] = []
    for data in layers:
        places = _positions(data)
        if places is not None and len(places):
            column, row = cells_at(terrain.transform, np.median(some(places)[:, :2], axis=0, keepdims=True))[0]
            if not (0 <= column <= columns and 0 <= row <= rows):
                beside.append(data)
    return beside


def ground_level(layers: Sequence[LayerData]) -> Ground:
    """Return a plane at the height where the lowest things of ``layers`` stand."""
    return Ground(level_m=ground_level_m(layers))


def _positions(data: LayerData) -> NDArray[np.float64] | None:
    """Return the corners or points (n, 3) of what stands on the ground; None of other layers."""
    if isinstance(data, CityModel):
        return data.vertices
    return data.positions if isinstance(data, PointCloud) else None

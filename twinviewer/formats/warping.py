"""Grids in another reference system: a new georeference where it can be affine, else cells laid out anew.

Where PROJ's way is affine to a tenth of a cell over the whole grid (another unit, a small turn), only the six numbers
of the georeference change, and every value stays what was measured.  Otherwise the grid is resampled onto an upright
one, each new cell bilinearly from the four around it.  PROJ is not asked for every cell but on a lattice, which is
refined until halfway between its nodes the answer is right to a twentieth of a cell (as GDAL's approximating
transformer does).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from twinviewer.geometry.georeference import Transform, cells_at, determinant, extent_of, positions_of
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import MissingCrsError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import RasterImage, TerrainGrid
from twinviewer.model.place import Extent
from twinviewer.model.way import Way

Float64s = NDArray[np.float64]
Float32s = NDArray[np.float32]

_AFFINE_TO_CELLS = 0.1
_LATTICE_TO_CELLS = 0.05
_LATTICE_TO_M = 0.005
"""For heights."""
_FIRST_STEP_CELLS = 32
_MOST_CELLS_RATIO = 4.0
"""A grid that gets more than so many times its cells, being stretched or turned, is made coarser."""
_TOLD_FROM_RATIO = 1.5
_CELLS_AT_ONCE = 2**17
_TEXT = "Moving to the reference system"

Grid = TypeVar("Grid", TerrainGrid, RasterImage)


def with_placed_heights(data: TerrainGrid, way: Way, feedback: Feedback) -> TerrainGrid:
    """Return a grid whose heights, not yet its cells, are in the target's datum and metres."""
    if way.keeps_heights:
        return data
    if way.heights is None:
        heights = (data.heights * way.metres_per_height).astype(np.float32)
    else:
        heights = _shifted_heights(data, way, feedback)
    return replace(data, heights=heights, file_extent=_with_heights_of(data.file_extent, heights))


def with_placed_cells(data: Grid, way: Way, feedback: Feedback) -> Grid:
    """Return a grid of the target, with the same cells where the way is nearly affine, else resampled.

    Raises:
        MissingCrsError: None of it has a place in the target.
    """
    if way.horizontal is None:
        return data
    rows, columns = _cells(data).shape[:2]
    frame = _Frame.of(data.transform, rows, columns, way)
    if (transform := frame.affine()) is not None:
        return replace(data, transform=transform, file_extent=_around(transform, rows, columns, data.file_extent))
    transform, rows, columns, stretch = frame.upright()
    source = data.transform
    lattice = _Lattice.of(
        rows,
        columns,
        lambda pixels: cells_at(source, way.back_flat(positions_of(transform, pixels))),
        tolerance=_LATTICE_TO_CELLS,
    )
    extent = _around(transform, rows, columns, data.file_extent)
    told = data.diagnostics if stretch < _TOLD_FROM_RATIO else (*data.diagnostics, _coarser(stretch))
    sample = _heights_at if isinstance(data, TerrainGrid) else _colours_at
    cells = np.empty((rows, columns, *_cells(data).shape[2:]), _cells(data).dtype)
    for part in _strips(rows, columns, feedback):
        cells[part] = sample(_cells(data), lattice.rows(part).reshape(-1, 2)).reshape(cells[part].shape)
    if isinstance(data, TerrainGrid):
        around = _with_heights_of(extent, cells)
        return replace(data, heights=cells, transform=transform, file_extent=around, diagnostics=told)
    return replace(data, pixels=cells, transform=transform, file_extent=extent, diagnostics=told)


def _cells(data: TerrainGrid | RasterImage) -> NDArray[Any]:
    return data.heights if isinstance(data, TerrainGrid) else data.pixels


def _coarser(ratio: float) -> Diagnostic:
    problem = f"Stretched or turned in the project's reference system, the raster is shown {ratio:.1f} times coarser."
    return Diagnostic(severity=Severity.INFO, code="raster.coarsened", problem=problem)


# --- where a grid comes to lie ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frame:
    """Where nodes all over a grid, its edges included, lie in the target."""

    nodes: Float64s
    """(v, u, 2) as column and row."""
    placed: Float64s
    """(v, u, 2) in the target."""
    count: int
    """Of the grid's cells."""

    @classmethod
    def of(cls, transform: Transform, rows: int, columns: int, way: Way) -> _Frame:
        u, v = (np.linspace(0, side, min(side, 64) + 1) for side in (columns, rows))
        nodes = np.stack(np.meshgrid(u, v), axis=-1)
        placed = way.apply_flat(positions_of(transform, nodes.reshape(-1, 2))).reshape(nodes.shape)
        placed[~np.isfinite(placed).all(axis=-1)] = np.nan
        if np.isnan(placed[1:] - placed[:-1]).all() or np.isnan(placed[:, 1:] - placed[:, :-1]).all():
            raise MissingCrsError(
                "None of the raster has a place in the project's reference system: its own is not what the file says.",
                cure="Find out which it really is, and choose that.",
            )
        return cls(nodes=nodes, placed=placed, count=rows * columns)

    def affine(self) -> Transform | None:
        """Return the georeference in the target that is right for all nodes to a tenth of a cell, or None."""
        if np.isnan(self.placed).any():
            return None
        pixels, points = self.nodes.reshape(-1, 2), self.placed.reshape(-1, 2)
        middle = points.mean(axis=0)  # for the sake of the last digits
        terms = np.column_stack([pixels, np.ones(len(pixels))])
        coefficients = np.linalg.lstsq(terms, points - middle, rcond=None)[0]
        (a, d), (b, e), offset = coefficients
        offset = offset + middle
        transform = (float(a), float(b), float(offset[0]), float(d), float(e), float(offset[1]))
        if abs(determinant(transform)) < 1e-30:
            return None
        missed = np.abs(cells_at(transform, points) - pixels).max()
        return transform if missed <= _AFFINE_TO_CELLS else None

    def upright(self) -> tuple[Transform, int, int, float]:
        """Return an upright georeference with cells as fine as the grid's, rows, columns, and how much coarser."""
        low, high = np.nanmin(self.placed, axis=(0, 1)), np.nanmax(self.placed, axis=(0, 1))
        side = min(_cell(self.placed, self.nodes, axis) for axis in (0, 1))
        width, height = (float(length) for length in high - low)
        stretch = max(1.0, float(np.sqrt(width / side * height / side / (_MOST_CELLS_RATIO * self.count))))
        side *= stretch
        rows, columns = max(1, int(np.ceil(height / side))), max(1, int(np.ceil(width / side)))
        return (side, 0.0, float(low[0]), 0.0, -side, float(high[1])), rows, columns, stretch


def _cell(placed: Float64s, nodes: Float64s, axis: int) -> float:
    """Return the usual length of a cell's side along rows (0) or columns (1), in the target's units."""
    lengths = np.linalg.norm(np.diff(placed, axis=axis), axis=-1) / np.linalg.norm(np.diff(nodes, axis=axis), axis=-1)
    return float(np.nanmedian(lengths))


def _around(transform: Transform, rows: int, columns: int, heights_of: Extent | None) -> Extent:
    low, high = (0.0, 0.0) if heights_of is None else (heights_of.min_z, heights_of.max_z)
    return extent_of(transform, (rows, columns), low=low, high=high)


def _with_heights_of(extent: Extent | None, heights: Float32s) -> Extent | None:
    there = heights[np.isfinite(heights)]
    if extent is None or len(there) == 0:
        return extent
    return replace(extent, min_z=float(there.min()), max_z=float(there.max()))


# --- a lattice instead of every cell ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Lattice:
    """Two smooth numbers for each cell of a grid, known at nodes ``step`` cells apart and at the grid's far edges."""

    step: int
    u: Float64s
    """(u,) columns of the nodes."""
    v: Float64s
    """(v,) rows of the nodes."""
    values: Float64s
    """(v, u, 2); NaN where there is no answer."""

    @classmethod
    def of(cls, rows: int, columns: int, ask: Callable[[Float64s], Float64s], *, tolerance: float) -> _Lattice:
        """Return the coarsest lattice that is right to ``tolerance``.

        Args:
            rows: Of the grid.
            columns: Of the grid.
            ask: Returns the numbers (n, 2) at columns and rows (n, 2).
            tolerance: Largest error halfway between the nodes.
        """
        step = _FIRST_STEP_CELLS
        while True:
            u, v = (np.append(np.arange(0, side, step), side).astype(np.float64) for side in (columns, rows))
            values = _asked(u, v, ask)
            lattice = cls(step=step, u=u, v=v, values=values)
            between = (values[:-1, :-1] + values[:-1, 1:] + values[1:, :-1] + values[1:, 1:]) / 4
            missed = np.abs(_asked((u[:-1] + u[1:]) / 2, (v[:-1] + v[1:]) / 2, ask) - between)
            if step == 1 or not (missed > tolerance).any():
                return lattice
            step //= 2

    def rows(self, part: slice) -> Float64s:
        """Return the numbers (r, columns, 2) at the centres of the cells of some rows."""
        down, down_share = self._between(self.v, part)
        across, across_share = self._between(self.u, slice(0, int(self.u[-1])))
        share = down_share[:, None, None]
        nodes = self.values[down] * (1 - share) + self.values[down + 1] * share
        share = across_share[:, None]
        return np.asarray(nodes[:, across] * (1 - share) + nodes[:, across + 1] * share)

    def _between(self, nodes: Float64s, cells: slice) -> tuple[NDArray[np.int64], Float64s]:
        """Return, for some cells of one axis, the node before each and how far the cell is on the way to the next."""
        numbers = np.arange(cells.start, cells.stop)
        first = numbers // self.step
        return first, (numbers + 0.5 - nodes[first]) / (nodes[first + 1] - nodes[first])


def _asked(u: Float64s, v: Float64s, ask: Callable[[Float64s], Float64s]) -> Float64s:
    nodes = np.stack(np.meshgrid(u, v), axis=-1)
    with np.errstate(invalid="ignore"):
        values = ask(nodes.reshape(-1, 2)).reshape(nodes.shape)
    values[~np.isfinite(values).all(axis=-1)] = np.nan
    return values


def _strips(rows: int, columns: int, feedback: Feedback) -> Iterator[slice]:
    height = max(1, _CELLS_AT_ONCE // columns)
    for first in range(0, rows, height):
        feedback.stop_if_cancelled()
        part = slice(first, min(rows, first + height))
        yield part
        feedback.progress(part.stop / rows, _TEXT)


# --- values of cells --------------------------------------------------------------------------------------------


def _shifted_heights(data: TerrainGrid, way: Way, feedback: Feedback) -> Float32s:
    """Return the heights in the target's datum: what it gives for a height of 0, and for each unit more."""
    rows, columns = data.heights.shape

    def ask(pixels: Float64s) -> Float64s:
        xy = positions_of(data.transform, pixels)
        zero, hundred = (way.heights_at(np.column_stack([xy, np.full(len(xy), z)])) for z in (0.0, 100.0))
        return np.column_stack([zero, (hundred - zero) / 100.0])

    lattice = _Lattice.of(rows, columns, ask, tolerance=_LATTICE_TO_M)
    heights = np.empty_like(data.heights)
    for part in _strips(rows, columns, feedback):
        numbers = lattice.rows(part)
        heights[part] = numbers[..., 0] + numbers[..., 1] * data.heights[part]
    return heights


def _neighbours(
    places: Float64s, rows: int, columns: int
) -> tuple[NDArray[np.bool_], list[tuple[NDArray[np.int32], Float32s]]]:
    """Return which places (n, 2) lie on a grid, and the numbers and weights of the four cells around each of them."""
    u, v = places[:, 0], places[:, 1]
    with np.errstate(invalid="ignore"):
        inside = (u >= 0) & (u <= columns) & (v >= 0) & (v <= rows)  # false for NaN too
    u, v = np.where(inside, u, 0.0), np.where(inside, v, 0.0)
    left, right, to_right = _sides(u, columns)
    top, bottom, to_bottom = _sides(v, rows)
    top, bottom = top * columns, bottom * columns
    to_left, to_top = 1 - to_right, 1 - to_bottom
    near = [
        (top + left, to_top * to_left),
        (top + right, to_top * to_right),
        (bottom + left, to_bottom * to_left),
        (bottom + right, to_bottom * to_right),
    ]
    return inside, near


def _sides(place: Float64s, count: int) -> tuple[NDArray[np.int32], NDArray[np.int32], Float32s]:
    """Return, along one axis, the cells before and after each place, and how far it is from one centre to the next."""
    place = np.clip(place - 0.5, 0, count - 1)  # beyond the outermost centres: as there
    before = place.astype(np.int32)
    return before, np.minimum(before + 1, count - 1, dtype=np.int32), (place - before).astype(np.float32)


def _heights_at(heights: Float32s, places: Float64s) -> Float32s:
    """Return heights (n,) between cells; NaN outside of the grid, and where most of what is around has none."""
    inside, near = _neighbours(places, *heights.shape)
    flat = heights.ravel()
    total = np.zeros(len(places), np.float32)
    weights = np.zeros(len(places), np.float32)
    for cell, weight in near:
        value = flat.take(cell)
        there = np.isfinite(value)
        total += np.where(there, value, np.float32(0)) * weight
        weights += weight * there
    has_data = inside & (weights >= 0.5)
    return np.where(has_data, total / np.where(has_data, weights, 1), np.float32(np.nan))


def _colours_at(pixels: NDArray[np.uint8], places: Float64s) -> NDArray[np.uint8]:
    """Return colours (n, 4) between cells; what is transparent does not colour its neighbours."""
    inside, near = _neighbours(places, *pixels.shape[:2])
    flat = pixels.reshape(-1, 4)
    total = np.zeros((len(places), 4), np.float32)
    for cell, weight in near:
        colour = flat.take(cell, axis=0).astype(np.float32)
        colour[:, :3] *= colour[:, 3:]
        total += colour * weight[:, None]
    total[:, :3] /= np.maximum(total[:, 3:], 1e-6)
    total[~inside] = 0
    return np.rint(np.minimum(total, 255)).astype(np.uint8)

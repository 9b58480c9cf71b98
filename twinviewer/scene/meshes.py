"""Arrays into VTK data and back without a copy, and large meshes into spatial tiles.

PyVista's ``add_mesh`` is left aside on this path: it copies, adds normals and costs tens of times the plain calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.util.numpy_support import numpy_to_vtk, vtk_to_numpy
from vtkmodules.vtkCommonCore import vtkDataArray, vtkPoints
from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkPolyDataMapper

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Uint8s = NDArray[np.uint8]

SOLID_OFFSET = (1.0, 1.0)
"""Depth offset (factor, units) of surfaces: just behind the lines on them."""
PICTURE_OFFSET = (2.0, 2.0)
"""Of pictures on the ground: behind the areas on them, however far away, where a lift of centimetres is nothing."""
GROUND_OFFSET = (4.0, 4.0)
"""Of the terrain: behind what lies on it."""
LINE_OFFSET = (0.0, 4.0)
"""On top of VTK's own (0, −4) of lines: none, or lines behind a house would shine through it."""

TRIANGLES_PER_TILE = 6000
MOST_TILES = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of a mesh that is drawn as one: its own points, and which rows of the whole its cells are."""

    points: Float32s
    """(p, 3) local."""
    cells: Int32s
    """(c, 2) lines or (c, 3) triangles, into ``points``."""
    rows: Int32s
    """(c,) rows of the whole mesh's cells."""
    vertices: Int32s
    """(p,) rows of the whole mesh's vertices."""


def split(points: Float32s, cells: Int32s, tile: Int32s, *, rows: Int32s | None = None) -> list[Piece]:
    """Cut a mesh into pieces by the tile number (c,) of each cell, negative ones left out; empty tiles give none."""
    rows = np.arange(len(cells), dtype=np.int32) if rows is None else rows
    order = np.argsort(tile, kind="stable")
    order = order[np.searchsorted(tile[order], 0) :]
    starts = np.flatnonzero(np.diff(tile[order], prepend=-1))
    pieces = []
    for part in np.split(order, starts[1:]) if len(order) else []:
        vertices, corners = np.unique(cells[part], return_inverse=True)
        pieces.append(
            Piece(
                points=np.ascontiguousarray(points[vertices]),
                cells=corners.reshape(-1, cells.shape[1]).astype(np.int32),
                rows=np.ascontiguousarray(rows[part]),
                vertices=vertices.astype(np.int32),
            )
        )
    return pieces


def tile_numbers(centres: Float32s, *, cells: int) -> Int32s:
    """Return the tile (n,) of each of ``centres`` (n, 2 or 3) on a square grid made for ``cells`` cells in all."""
    side = int(np.sqrt(np.clip(cells / TRIANGLES_PER_TILE, 1, MOST_TILES)))
    if side == 1 or len(centres) == 0:
        return np.zeros(len(centres), dtype=np.int32)
    low, high = np.percentile(centres[:, :2], (1, 99), axis=0)  # a far outlier must not leave all else in one tile
    place = (centres[:, :2] - low) / np.where(high > low, high - low, 1) * side
    column, row = np.clip(place, 0, side - 1).astype(np.int32).T
    numbers: Int32s = row * side + column
    return numbers


def as_vtk(values: NDArray[np.generic], name: str = "") -> vtkDataArray:
    """Return ``values`` as a VTK array that shares their memory and keeps them alive."""
    array: vtkDataArray = numpy_to_vtk(np.ascontiguousarray(values), deep=0)  # type: ignore[no-untyped-call]
    array.SetName(name)
    return array


def poly_data(
    points: Float32s,
    *,
    triangles: Int32s | None = None,
    lines: Int32s | None = None,
    vertices: bool = False,
) -> vtkPolyData:
    """Return VTK data over ``points`` (p, 3): triangles (m, 3), line segments (k, 2), or every point a vertex."""
    data = vtkPolyData()
    holder = vtkPoints()
    holder.SetData(as_vtk(points.astype(np.float32, copy=False)))
    data.SetPoints(holder)
    if triangles is not None:
        set_cells(data, triangles)
    if lines is not None:
        set_cells(data, lines)
    if vertices:
        set_cells(data, np.arange(len(points), dtype=np.int32)[:, None])
    return data


def set_cells(data: vtkPolyData, cells: Int32s) -> None:
    """Put in other triangles (c, 3), line segments (c, 2) or vertices (c, 1), corners among its points."""
    {1: data.SetVerts, 2: data.SetLines, 3: data.SetPolys}[cells.shape[1]](_cell_array(cells))


def _cell_array(cells: Int32s) -> vtkCellArray:
    array = vtkCellArray()
    offsets = np.arange(0, cells.size + 1, cells.shape[1], dtype=np.int32)
    array.SetData(as_vtk(offsets), as_vtk(cells.astype(np.int32, copy=False).ravel()))
    return array


def as_numpy(array: vtkDataArray) -> NDArray[Any]:
    """Return the values of a VTK array without a copy."""
    values: NDArray[Any] = vtk_to_numpy(array)  # type: ignore[no-untyped-call]
    return values


class Colours:
    """The colours of a mesh's cells or points, rewritten in place."""

    def __init__(self, data: vtkPolyData, rgb: Uint8s, *, of_cells: bool) -> None:
        self._rgb = np.array(rgb, dtype=np.uint8, order="C")
        self._array = as_vtk(self._rgb, "colour")
        self._attributes = data.GetCellData() if of_cells else data.GetPointData()
        self._attributes.SetScalars(self._array)

    def write(self, rgb: Uint8s) -> None:
        """Put in other colours, (n, 3) as at the start."""
        self._rgb[:] = rgb
        self._array.Modified()
        self._attributes.Modified()


class LookedUpColours:
    """The colours of a mesh's cells, looked up in a table: several times as fast as writing them byte by byte."""

    def __init__(self, data: vtkPolyData, count: int) -> None:
        self._rgba = np.full((count, 4), 255, dtype=np.uint8)
        self._packed = self._rgba.view(np.uint32).ravel()
        self._array = as_vtk(self._rgba, "colour")
        self._attributes = data.GetCellData()
        self._attributes.SetScalars(self._array)

    def write(self, table: NDArray[np.uint32], rows: Int32s) -> None:
        """Give each cell the colour of its row (n,) in a table of :func:`packed` colours."""
        np.take(table, rows, out=self._packed, mode="clip")  # clip: the only mode that writes in place
        self._array.Modified()
        self._attributes.Modified()


def packed(rgb: Uint8s) -> NDArray[np.uint32]:
    """Return opaque colours (n, 3) as one number (n,) each."""
    rgba = np.full((len(rgb), 4), 255, dtype=np.uint8)
    rgba[:, :3] = rgb
    return rgba.view(np.uint32).ravel()


def actor_of(data: vtkPolyData) -> vtkActor:
    """Return an actor that draws ``data`` with its scalars as colours, if it has any."""
    mapper = vtkPolyDataMapper()
    mapper.SetInputData(data)
    mapper.SetColorModeToDirectScalars()
    mapper.SetVBOShiftScaleMethod(0)  # coordinates are local already: one frame for all, nothing else may shift
    mapper.StaticOn()
    mapper.SetResolveCoincidentTopologyToPolygonOffset()
    actor = vtkActor()
    actor.SetMapper(mapper)
    return actor

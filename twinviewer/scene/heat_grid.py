"""A grid of values on the terrain: a sheet that is laid once, and a picture on it that is rewritten."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkTexture

from twinviewer.geometry.georeference import cells_at, positions_of
from twinviewer.model.drawing import HeatGrid
from twinviewer.model.layer_data import TerrainGrid
from twinviewer.scene.colours import Uint8s, ramp
from twinviewer.scene.drawn import AT_ONCE, DrawnLater, OnLate, RunInBackground, Surroundings, box_around
from twinviewer.scene.ground import Ground
from twinviewer.scene.meshes import actor_of, as_vtk, poly_data
from twinviewer.scene.shading import shader_property
from twinviewer.scene.terrain_actor import grid_triangles

Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]

LIFT_M = 0.75
"""Above the ground: over streets and areas that are draped as layers, too little to be seen."""
MOST_NODES = 250_000
"""Of the sheet; two for each cell of the terrain follow it well."""
NEARER = (-1.0, -1.0)
"""Depth offset (factor, units): before the ground, however far away, where the lift is nothing."""
_TEXTURE = "materialTex"
"""See ``shading``: bound by VTK, and left to our own code."""

# Colours are stored multiplied by their opacity, so that cells without value take no part in the mean at their rims.
_FRAGMENT = """
  if (tcoordVCVSOutput != clamp(tcoordVCVSOutput, 0.0, 1.0)) { discard; }  // the sheet is a little larger
  vec4 tvCell = texture(materialTex, tcoordVCVSOutput);
  if (tvCell.a < 0.02) { discard; }
  gl_FragData[0] = vec4(tvCell.rgb / tvCell.a, opacity * tvCell.a);
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedSheet:
    """Where a grid is drawn."""

    place: tuple[object, ...]
    surroundings: Surroundings
    points: NDArray[np.float32]
    """(p, 3)"""
    texture_coordinates: NDArray[np.float32]
    """(p, 2)"""
    triangles: Int32s
    box: NDArray[np.float64] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedGrid:
    """What is drawn of a request."""

    sheet: PreparedSheet
    rgba: Uint8s
    """(rows, columns, 4), the first row in the south."""


def prepared_grid(request: HeatGrid, surroundings: Surroundings, before: PreparedSheet | None) -> PreparedGrid:
    """Return what is drawn of ``request``, where ``before`` was drawn until now."""
    known = before is not None and _lies_there(request, surroundings, before)
    return PreparedGrid(
        sheet=before if before is not None and known else _prepared_sheet(request, surroundings),
        rgba=cell_colours(request)[::-1],
    )


def _lies_there(request: HeatGrid, surroundings: Surroundings, sheet: PreparedSheet) -> bool:
    return surroundings is sheet.surroundings and _place(request) == sheet.place


def _prepared_sheet(request: HeatGrid, surroundings: Surroundings) -> PreparedSheet:
    rows, columns = request.values.shape
    points, places = np.empty((0, 3), np.float32), np.empty((0, 2), np.float32)
    triangles = np.empty((0, 3), np.int32)
    if rows and columns:
        nodes, triangles = sheet(request, surroundings.ground)
        across = (nodes[:, :2] - request.corner) / (columns * request.cell_m, rows * request.cell_m) + (0.0, 1.0)
        places = across.astype(np.float32)
        points = surroundings.frame.to_local(nodes + np.array([0.0, 0.0, LIFT_M]))
    return PreparedSheet(
        place=_place(request),
        surroundings=surroundings,
        points=points,
        texture_coordinates=places,
        triangles=triangles,
        box=box_around(points),
    )


class DrawnHeatGrid(DrawnLater):
    """One ``HeatGrid`` request."""

    lies_under = True

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._sheet: PreparedSheet | None = None
        self._rgba = np.empty((0, 0, 4), np.uint8)
        self._image = vtkImageData()
        self._own_opacity = 1.0

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, HeatGrid)

    def _is_large(self, request: HeatGrid, surroundings: Surroundings) -> bool:
        lies_there = self._sheet is not None and _lies_there(request, surroundings, self._sheet)
        return request.values.size > AT_ONCE or not (lies_there or surroundings.ground.terrain is None)

    def _preparation(self, request: HeatGrid, surroundings: Surroundings) -> Callable[[], PreparedGrid]:
        before = self._sheet
        return lambda: prepared_grid(request, surroundings, before)

    def _put(self, request: HeatGrid, surroundings: Surroundings, prepared: PreparedGrid) -> None:
        if prepared.sheet is not self._sheet:
            self._build(prepared)
        elif self._rgba.size:
            self._rgba[:] = prepared.rgba
            self._image.GetPointData().GetScalars().Modified()
            self._image.Modified()
        self._own_opacity = request.opacity
        self._follow()

    def _build(self, prepared: PreparedGrid) -> None:
        self._take_off()
        self._sheet, self._box = prepared.sheet, prepared.sheet.box
        self._rgba = np.ascontiguousarray(prepared.rgba)
        if len(prepared.sheet.points) == 0:
            return
        rows, columns = self._rgba.shape[:2]
        mesh = poly_data(prepared.sheet.points, triangles=prepared.sheet.triangles)
        mesh.GetPointData().SetTCoords(as_vtk(prepared.sheet.texture_coordinates, "texture"))
        self._image = vtkImageData()
        self._image.SetDimensions(columns, rows, 1)
        self._image.GetPointData().SetScalars(as_vtk(self._rgba.reshape(-1, 4), "rgba"))
        texture = vtkTexture()
        texture.SetInputData(self._image)
        texture.SetColorModeToDirectScalars()
        texture.InterpolateOn()
        texture.RepeatOff()
        texture.EdgeClampOn()
        actor = self._attach(actor_of(mesh))
        actor.GetMapper().SetRelativeCoincidentTopologyPolygonOffsetParameters(*NEARER)
        actor.SetShaderProperty(shader_property(_FRAGMENT))
        actor.GetProperty().SetTexture(_TEXTURE, texture)
        actor.GetProperty().LightingOff()
        actor.ForceTranslucentOn()

    def _follow(self) -> None:
        for actor in self._actors:
            actor.GetProperty().SetOpacity(self._opacity * self._own_opacity)
            actor.SetVisibility(self._visible)


def _place(request: HeatGrid) -> tuple[object, ...]:
    return request.values.shape, request.corner, request.cell_m


def cell_colours(request: HeatGrid) -> Uint8s:
    """Return the colours (rows, columns, 4) of the cells, multiplied by their opacity; of those without value: zero."""
    rows, columns = request.values.shape
    values = request.values.ravel()
    rgba = np.empty((rows * columns, 4), np.uint8)
    rgba[:, :3] = ramp(values, name=request.scale.colour_map, value_range=request.scale.value_range)
    rgba[:, 3] = 255
    rgba[np.isnan(values)] = 0
    return rgba.reshape(rows, columns, 4)


def sheet(request: HeatGrid, ground: Ground) -> tuple[Float64s, Int32s]:
    """Return nodes (n, 3) on the ground and triangles (m, 3) that cover the grid's area, and perhaps a little more.

    Where all of it lies on the terrain, the triangles are those that the terrain is drawn with: no others follow it.
    """
    rows, columns = request.values.shape
    low = np.array([request.corner[0], request.corner[1] - rows * request.cell_m])
    high = np.array([request.corner[0] + columns * request.cell_m, request.corner[1]])
    on_terrain = None if ground.terrain is None else terrain_nodes(ground.terrain, low, high)
    if on_terrain is not None:
        return on_terrain
    count_x, count_y = (
        2 if np.isinf(ground.cell_m) else int(np.ceil(2 * side_m / ground.cell_m)) + 1 for side_m in high - low
    )
    too_many = np.sqrt(count_x * count_y / MOST_NODES)
    if too_many > 1:
        count_x, count_y = (max(2, int(count / too_many)) for count in (count_x, count_y))
    x, y = np.meshgrid(np.linspace(low[0], high[0], count_x), np.linspace(high[1], low[1], count_y))
    xy = np.column_stack([x.ravel(), y.ravel()])
    return (
        np.column_stack([xy, ground.heights_at(xy)]),
        grid_triangles(np.ones((count_y, count_x), np.bool_)),
    )


def terrain_nodes(terrain: TerrainGrid, low: Float64s, high: Float64s) -> tuple[Float64s, Int32s] | None:
    """Return the nodes (n, 3) and triangles (m, 3) of ``terrain`` that cover a box, or None if it does not.

    Args:
        terrain: As it is drawn.
        low: (2,) south-western corner.
        high: (2,) north-eastern one.
    """
    corners = np.array([[x, y] for x in (low[0], high[0]) for y in (low[1], high[1])])
    nodes = cells_at(terrain.transform, corners) - 0.5  # heights are those of the cells' centres
    first = np.floor(nodes.min(axis=0)).astype(int)
    last = np.ceil(nodes.max(axis=0)).astype(int)
    rows, columns = terrain.heights.shape
    if (first < 0).any() or last[0] >= columns or last[1] >= rows:
        return None
    heights = terrain.heights[first[1] : last[1] + 1, first[0] : last[0] + 1]
    valid = np.isfinite(heights)
    if not valid.all():
        return None
    column, row = np.meshgrid(np.arange(first[0], last[0] + 1), np.arange(first[1], last[1] + 1))
    xy = positions_of(terrain.transform, np.column_stack([column.ravel(), row.ravel()]) + 0.5)
    return np.column_stack([xy, heights.ravel()]), grid_triangles(valid)

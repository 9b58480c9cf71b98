"""Terrain on the screen: a softly shaded mesh in tiles, coloured by height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.geometry.georeference import determinant, positions_of
from twinviewer.model.drawing import ColourScale
from twinviewer.model.layer_data import LayerData, TerrainGrid
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Style
from twinviewer.scene.colours import Coloured, coloured_by_values, ramp, rgb_of, usual_range
from twinviewer.scene.ground import Ground, ground_of
from twinviewer.scene.layer_actor import LayerActor
from twinviewer.scene.meshes import GROUND_OFFSET, Colours, Piece, actor_of, as_vtk, poly_data, split, tile_numbers
from twinviewer.scene.picking import Hit, PickRay, TriangleLocator
from twinviewer.scene.shading import SurfaceKind

LAND_MAP = "terrain"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedTerrain:
    heights: NDArray[np.float64]
    """(v,) metres, of the mesh's vertices."""
    normals: NDArray[np.float32]
    """(v, 3)"""
    pieces: list[Piece]


def grid_triangles(valid: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Return two upward triangles (m, 3) for each cell of a grid whose four nodes are ``valid`` (rows, columns)."""
    rows, columns = valid.shape
    node = np.arange(rows * columns, dtype=np.int32).reshape(rows, columns)
    whole = valid[:-1, :-1] & valid[1:, :-1] & valid[:-1, 1:] & valid[1:, 1:]
    a, b = node[:-1, :-1][whole], node[:-1, 1:][whole]
    c, d = node[1:, :-1][whole], node[1:, 1:][whole]
    triangles: NDArray[np.int32] = np.stack([a, c, b, b, c, d], axis=1).reshape(-1, 3)
    return triangles


class TerrainActor(LayerActor):
    """A terrain grid, thinned to what the screen can carry."""

    kind: ClassVar[str] = "terrain"
    surface_kind: ClassVar[SurfaceKind] = SurfaceKind.SMOOTH

    @classmethod
    def prepare(cls, data: TerrainGrid, style: Style, frame: LocalFrame, ground: Ground) -> PreparedTerrain:
        own = ground_of(data)
        if own.terrain is None:
            return PreparedTerrain(heights=np.empty(0), normals=np.empty((0, 3), np.float32), pieces=[])
        heights = own.terrain.heights
        rows, columns = heights.shape
        a, b, _, d, e, _ = own.terrain.transform
        column, row = np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5)
        valid = np.isfinite(heights)
        z = np.where(valid, heights, own.level_m).astype(np.float64)
        xy = positions_of(own.terrain.transform, np.column_stack([column.ravel(), row.ravel()]))
        by_row, by_column = np.gradient(z)
        area = determinant(own.terrain.transform)
        slope_x = (e * by_column - d * by_row) / area
        slope_y = (a * by_row - b * by_column) / area
        normals = np.stack([-slope_x, -slope_y, np.ones_like(z)], axis=-1).reshape(-1, 3)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        local = frame.to_local(np.column_stack([xy, z.ravel()]))
        triangles = grid_triangles(valid)
        if area > 0:  # rows run north: the same corners turn the other way
            triangles = np.ascontiguousarray(triangles[:, ::-1])
        numbers = tile_numbers(local[triangles[:, 0]], cells=len(triangles))
        return PreparedTerrain(
            heights=z.ravel(), normals=normals.astype(np.float32), pieces=split(local, triangles, numbers)
        )

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: PreparedTerrain) -> None:
        super().__init__(renderer, data, prepared)
        self._prepared = prepared
        self._scale: ColourScale | None = None
        self._colours: list[Colours] = []
        self._locators: list[TriangleLocator] = []
        for piece in prepared.pieces:
            mesh = poly_data(piece.points, triangles=piece.cells)
            mesh.GetPointData().SetNormals(as_vtk(prepared.normals[piece.vertices], "normal"))
            self._colours.append(Colours(mesh, np.zeros((len(piece.points), 3), np.uint8), of_cells=False))
            self._locators.append(TriangleLocator(mesh))
            actor = self._attach_surface(actor_of(mesh))
            actor.GetProperty().BackfaceCullingOn()  # its underside would show along the ridges
            actor.GetMapper().SetRelativeCoincidentTopologyPolygonOffsetParameters(*GROUND_OFFSET)

    def restyle(self, before: Style | None, after: Style) -> None:
        heights = self._prepared.heights
        if after.color_by == "elevation":
            coloured = coloured_by_values(heights, title="elevation", unit="m", style=after)
        elif after.colour is not None:
            coloured = Coloured(rgb=np.full((len(heights), 3), rgb_of(after.colour), dtype=np.uint8))
        else:
            low, high = usual_range(heights)
            middle, half = (low + high) / 2, max((high - low) / 2, 30.0)  # flat land must not look like the Alps
            coloured = Coloured(rgb=ramp(heights, name=LAND_MAP, value_range=(middle - half, middle + half)))
        self._scale = coloured.scale
        for piece, colours in zip(self._prepared.pieces, self._colours, strict=True):
            colours.write(coloured.rgb[piece.vertices])

    def legend(self) -> ColourScale | None:
        return self._scale

    def first_hit(self, ray: PickRay) -> Hit | None:
        hits = [found for locator in self._locators if (found := locator.first_hit(ray)) is not None]
        if not hits:
            return None
        return Hit(position=min((position for position, _ in hits), key=ray.distance_to))

"""Meshes without semantics (OBJ, glTF, PLY, STL) and georeferenced pictures."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkTexture

from twinviewer.geometry.georeference import cell_sides, positions_of
from twinviewer.model.layer_data import LayerData, RasterImage, TriangleMesh
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Style
from twinviewer.scene.colours import Uint8s, rgb_of, unit_rgb
from twinviewer.scene.ground import Ground
from twinviewer.scene.layer_actor import LayerActor, Outline
from twinviewer.scene.meshes import PICTURE_OFFSET, Colours, Piece, actor_of, as_vtk, poly_data, split, tile_numbers
from twinviewer.scene.picking import Hit, PickRay, TriangleLocator

DEFAULT_COLOUR = "#d8d2c6"
PICTURE_NODES = (200, 400)
"""Along each side of the grid that a picture is draped with: two per cell of the terrain, within these bounds."""
PICTURE_LIFT_M = 0.15


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedMesh:
    local: NDArray[np.float32]
    pieces: list[Piece]


class MeshActor(LayerActor):
    """A shaded triangle mesh."""

    kind: ClassVar[str] = "mesh"
    is_cut: ClassVar[bool] = True
    casts_shadows: ClassVar[bool] = True

    @classmethod
    def prepare(cls, data: TriangleMesh, style: Style, frame: LocalFrame, ground: Ground) -> PreparedMesh:
        local = frame.to_local(data.vertices)
        numbers = tile_numbers(local[data.triangles[:, 0]], cells=len(data.triangles))
        return PreparedMesh(local=local, pieces=split(local, data.triangles, numbers))

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: PreparedMesh) -> None:
        super().__init__(renderer, data, prepared)
        assert isinstance(data, TriangleMesh)
        self._mesh = data
        self._prepared = prepared
        self._colours: list[Colours] = []
        self._triangle_colours: list[Colours] = []
        self._meshes: list[vtkPolyData] = []
        self._locators: list[TriangleLocator] = []
        for piece in prepared.pieces:
            mesh = poly_data(piece.points, triangles=piece.cells)
            self._meshes.append(mesh)
            self._colours.append(Colours(mesh, np.zeros((len(piece.points), 3), np.uint8), of_cells=False))
            self._locators.append(TriangleLocator(mesh))
            self._attach_surface(actor_of(mesh))

    def restyle(self, before: Style | None, after: Style) -> None:
        if after.colour is not None or self._mesh.vertex_rgb is None:
            rgb = np.full((len(self._mesh.vertices), 3), rgb_of(after.colour or DEFAULT_COLOUR), dtype=np.uint8)
        else:
            rgb = self._mesh.vertex_rgb
        self._of_triangles(on=False)
        for piece, colours in zip(self._prepared.pieces, self._colours, strict=True):
            colours.write(rgb.take(piece.vertices, axis=0))

    def recolour(self, rgb: Uint8s) -> None:
        """Give each vertex or each triangle (n, 3) another colour than the style does."""
        of_triangles = len(rgb) == len(self._mesh.triangles) != len(self._mesh.vertices)
        self._of_triangles(on=of_triangles)
        if not of_triangles:
            for piece, colours in zip(self._prepared.pieces, self._colours, strict=True):
                colours.write(rgb.take(piece.vertices, axis=0))
            return
        if not self._triangle_colours:
            self._triangle_colours = [
                Colours(mesh, np.zeros((len(piece.cells), 3), np.uint8), of_cells=True)
                for piece, mesh in zip(self._prepared.pieces, self._meshes, strict=True)
            ]
        for piece, colours in zip(self._prepared.pieces, self._triangle_colours, strict=True):
            colours.write(rgb.take(piece.rows, axis=0))

    def _of_triangles(self, *, on: bool) -> None:
        for actor in self._actors:
            if on:
                actor.GetMapper().SetScalarModeToUseCellData()
            else:
                actor.GetMapper().SetScalarModeToUsePointData()

    def first_hit(self, ray: PickRay) -> Hit | None:
        best: Hit | None = None
        for piece, locator in zip(self._prepared.pieces, self._locators, strict=True):
            found = locator.first_hit(ray)
            if found is not None and (best is None or ray.distance_to(found[0]) < ray.distance_to(best.position)):
                part = self._mesh.triangle_mesh
                best = Hit(position=found[0], mesh=int(part[piece.rows[found[1]]]) if len(part) else 0)
        return best

    def outline(self, hit: Hit) -> Outline | None:
        part = self._mesh.triangle_mesh
        triangles = self._mesh.triangles[part == hit.mesh] if len(part) else self._mesh.triangles
        used, rows = np.unique(triangles, return_inverse=True)
        return Outline(points=self._prepared.local[used], triangles=rows.reshape(-1, 3).astype(np.int32))


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPicture:
    points: NDArray[np.float32]
    triangles: NDArray[np.int32]
    texture_coordinates: NDArray[np.float32]


class PictureActor(LayerActor):
    """An orthophoto or map picture that lies on the ground."""

    kind: ClassVar[str] = "image"
    drapes: ClassVar[bool] = True

    @classmethod
    def prepare(cls, data: RasterImage, style: Style, frame: LocalFrame, ground: Ground) -> PreparedPicture:
        rows, columns = data.pixels.shape[:2]
        nodes = 2
        if ground.terrain is not None:
            along_row, along_column = cell_sides(data.transform)
            side_m = max(along_row * columns, along_column * rows)
            nodes = int(np.clip(2 * side_m / ground.cell_m, *PICTURE_NODES))
        u, v = (side.ravel() for side in np.meshgrid(np.linspace(0, 1, nodes), np.linspace(0, 1, nodes)))
        xy = positions_of(data.transform, np.column_stack([u * columns, v * rows]))
        points = np.column_stack([xy, ground.heights_at(xy) + PICTURE_LIFT_M])
        node = np.arange(nodes * nodes, dtype=np.int32).reshape(nodes, nodes)
        first, second, third, fourth = (
            part.ravel() for part in (node[:-1, :-1], node[:-1, 1:], node[1:, :-1], node[1:, 1:])
        )
        return PreparedPicture(
            points=frame.to_local(points),
            triangles=np.stack([first, third, second, second, third, fourth], axis=1).reshape(-1, 3),
            texture_coordinates=np.stack([u, 1 - v], axis=1).astype(np.float32),
        )

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: PreparedPicture) -> None:
        super().__init__(renderer, data, prepared)
        assert isinstance(data, RasterImage)
        mesh = poly_data(prepared.points, triangles=prepared.triangles)
        mesh.GetPointData().SetTCoords(as_vtk(prepared.texture_coordinates, "texture"))
        rows, columns = data.pixels.shape[:2]
        image = vtkImageData()
        image.SetDimensions(columns, rows, 1)
        image.GetPointData().SetScalars(as_vtk(data.pixels[::-1].reshape(-1, 4), "rgba"))
        texture = vtkTexture()
        texture.SetInputData(image)
        texture.InterpolateOn()
        texture.MipmapOn()
        actor = self._attach(actor_of(mesh))
        actor.GetMapper().SetRelativeCoincidentTopologyPolygonOffsetParameters(*PICTURE_OFFSET)
        actor.SetTexture(texture)
        actor.GetProperty().SetColor(*unit_rgb("#ffffff"))
        actor.GetProperty().LightingOff()
        self._locator = TriangleLocator(mesh)

    def restyle(self, before: Style | None, after: Style) -> None:
        """A picture brings its own colours."""

    def first_hit(self, ray: PickRay) -> Hit | None:
        found = self._locator.first_hit(ray)
        return None if found is None else Hit(position=found[0])

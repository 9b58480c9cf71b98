"""The parts that a city model is drawn in: faces, outlines and curves, each merged over a square of ground.

What changes, colours and what is hidden, is written into arrays; nothing is built anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor

from twinviewer.model.city_parts import Appearance
from twinviewer.model.layer_data import CityModel
from twinviewer.scene.meshes import (
    LookedUpColours,
    Piece,
    actor_of,
    as_vtk,
    poly_data,
    set_cells,
    split,
)
from twinviewer.scene.picking import PickRay, TriangleLocator, nearest_segment
from twinviewer.scene.texture_shader import TEXTURE_BOXES, TEXTURE_PLACES

Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Uint32s = NDArray[np.uint32]
Float32s = NDArray[np.float32]
Float64s = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class FacePiece:
    """Triangles that are drawn as one."""

    piece: Piece
    """Rows are rows of ``CityModel.triangles``."""
    textured: bool
    """Whether some theme has textures on them: then no two triangles share a point."""
    translucent: bool
    """Whether they have transparent materials in some theme."""


def face_pieces(model: CityModel, local: Float32s, rows: Int32s, tile: Int32s) -> list[FacePiece]:
    """Cut triangles (``rows`` (c,) of the model's) into pieces by the ``tile`` (c,) and by what may be seen of them.

    Args:
        model: The city model.
        local: (v, 3) its vertices as they are drawn.
        rows: (c,) the triangles.
        tile: (c,) the tile of each.
    """
    surface = model.triangle_surface[rows]
    textured, translucent = _looks(model)
    group = tile * 4 + textured[surface] * 2 + translucent[surface]
    pieces = split(local, model.triangles[rows], group, rows=rows)
    made = []
    for piece in pieces:
        first = model.triangle_surface[piece.rows[0]]
        is_textured = bool(textured[first])
        made.append(
            FacePiece(
                piece=_apart(piece) if is_textured else piece,
                textured=is_textured,
                translucent=bool(translucent[first]),
            )
        )
    return made


def _looks(model: CityModel) -> tuple[Bools, Bools]:
    """Return which surfaces (s,) have a texture, and which a transparent material, in any theme."""
    textured, translucent = (np.zeros(len(model.surface_object), np.bool_) for _ in range(2))
    appearance = model.appearance or Appearance(materials=(), textures=(), themes=())
    transparent = np.array([*(material.transparency > 0 for material in appearance.materials), False])
    for theme in appearance.themes:
        textured |= theme.texture >= 0
        translucent |= transparent[theme.material]
    return textured, translucent & ~textured


def _apart(piece: Piece) -> Piece:
    """Return the piece with points of their own for each triangle."""
    corners = piece.cells.ravel()
    return Piece(
        points=piece.points[corners],
        cells=np.arange(len(corners), dtype=np.int32).reshape(-1, 3),
        rows=piece.rows,
        vertices=piece.vertices[corners],
    )


class Cells:
    """Triangles, lines or points of one piece on the screen, coloured by the surface that they are part of."""

    def __init__(self, piece: Piece, surfaces: Int32s, *, coloured: bool = True) -> None:
        self._piece, self._all_surfaces, self._coloured = piece, surfaces, coloured
        self.cells, self.rows, self.surfaces = piece.cells, piece.rows, surfaces
        """Of what is not hidden: corners among the points (c, 3, 2 or 1), rows of the whole's cells, surfaces."""
        self.mesh = poly_data(piece.points)
        self.actor: vtkActor = actor_of(self.mesh)
        self._set_cells()

    @property
    def points(self) -> Float32s:
        """(p, 3) local."""
        return self._piece.points

    @property
    def all_rows(self) -> Int32s:
        """Rows of the whole mesh's cells, hidden ones included."""
        return self._piece.rows

    def hide(self, hidden: Bools | None) -> bool:
        """Leave out the cells of hidden surfaces (s,), None: none; return whether that changes anything."""
        shown = slice(None) if hidden is None else np.flatnonzero(~hidden[self._all_surfaces])
        surfaces = self._all_surfaces[shown]
        if len(surfaces) == len(self.surfaces) and (surfaces == self.surfaces).all():
            return False
        self.cells, self.rows, self.surfaces = self._piece.cells[shown], self._piece.rows[shown], surfaces
        self._set_cells()
        return True

    def _set_cells(self) -> None:
        set_cells(self.mesh, self.cells)
        self._colours = LookedUpColours(self.mesh, len(self.cells)) if self._coloured else None
        self._places: tuple[Int32s, Int32s] | None = None

    def paint(self, table: Uint32s, place: Int32s | None) -> None:
        """Look colours up in ``table``: of each surface at its ``place`` (s,), None: at its own row.

        Where only colours have changed, ``place`` should be the same object as before.
        """
        if self._colours is None:
            return
        if place is not None and (self._places is None or self._places[0] is not place):
            self._places = place, place[self.surfaces]
        self._colours.write(table, self.surfaces if place is None or self._places is None else self._places[1])


class Faces(Cells):
    """Triangles."""

    def __init__(self, drawn: FacePiece, model: CityModel) -> None:
        self._locator: TriangleLocator | None = None
        super().__init__(drawn.piece, model.triangle_surface[drawn.piece.rows])
        self.textured, self.translucent = drawn.textured, drawn.translucent

    def _set_cells(self) -> None:
        super()._set_cells()
        self._locator = None

    def lay_textures(self, places: Float32s, boxes: Float32s) -> None:
        """Say where in their textures the corners are (3 c, 3), and where on the pages these are (3 c, 4)."""
        data = self.mesh.GetPointData()
        data.AddArray(as_vtk(places, TEXTURE_PLACES))
        data.AddArray(as_vtk(boxes, TEXTURE_BOXES))
        data.Modified()

    def first_hit(self, ray: PickRay) -> tuple[Float64s, int] | None:
        """Return the position (3,) and the surface of the nearest hit, or None."""
        if len(self.cells) == 0:
            return None
        if self._locator is None:
            self._locator = TriangleLocator(self.mesh)
        found = self._locator.first_hit(ray)
        return None if found is None else (found[0], int(self.surfaces[found[1]]))


class Curves(Cells):
    """Lines that are geometries of their own."""

    def first_hit(self, ray: PickRay) -> tuple[Float64s, int] | None:
        """Return the position (3,) and the surface of the curve under the pixel, or None."""
        found = nearest_segment(ray, self.points[self.cells[:, 0]], self.points[self.cells[:, 1]])
        return None if found is None else (found[0], int(self.surfaces[found[1]]))


class Points(Cells):
    """Points that are geometries."""

    def first_hit(self, ray: PickRay) -> tuple[Float64s, int] | None:
        """Return the position (3,) and the surface of the point under the pixel, or None."""
        points = self.points[self.cells[:, 0]]
        row = ray.nearest(points)
        return None if row is None else (points[row].astype(np.float64), int(self.surfaces[row]))

"""City models on the screen: merged tiles of triangles, outlines of their faces, curves and points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData
from vtkmodules.vtkRenderingCore import vtkActor, vtkCamera, vtkRenderer, vtkTexture

from twinviewer.model.city_parts import Theme
from twinviewer.model.drawing import ColourScale
from twinviewer.model.layer_data import CityModel, LayerData
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import LayerSpec, Style
from twinviewer.scene.city_appearance import (
    TexturedLook,
    WantedTextures,
    material_colours,
    wanted_textures,
    with_textures,
)
from twinviewer.scene.city_colours import LINE_RGB, are_plants, default_surface_colours, surface_slopes
from twinviewer.scene.city_levels import DEEPEST_NESTING, hidden_surfaces, inherited, shown_surfaces
from twinviewer.scene.city_tiles import Cells, Curves, FacePiece, Faces, Points, face_pieces
from twinviewer.scene.colours import Coloured, Uint8s, category_colours, coloured_by_column, rgb_of, unit_rgb
from twinviewer.scene.ground import Ground
from twinviewer.scene.layer_actor import LayerActor, Look, Outline
from twinviewer.scene.meshes import LINE_OFFSET, SOLID_OFFSET, Piece, as_vtk, packed, split, tile_numbers
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.shading import SurfaceKind, edges_fade_at_m

Int32s = NDArray[np.int32]
Float32s = NDArray[np.float32]

EDGE_COLOUR = "#7d7266"
EDGES_IN_MOTION = 12_000
"""Outlines cost as much as faces; while the camera moves, this many of the nearest stay."""
PLAIN = "plain"
"""``Style.color_by`` of a city model without its appearance."""
_AS_GOOD_AS_BEFORE = 0.995
"""Of the distance to a face, up to which a curve or point on it is meant."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCity:
    """What is drawn of a city model."""

    local: Float32s
    """(v, 3) all vertices of the model."""
    faces: list[FacePiece]
    edges: list[Piece]
    """Tiles of outlines; rows are rows of ``CityModel.edges``."""
    curves: list[Piece]
    """The same of edges that bound nothing."""
    points: list[Piece]
    """Rows are rows of ``CityModel.points``."""
    surface_rgb: Uint8s
    """(s, 3) default colours."""


class CityModelActor(LayerActor):
    """A city model as tiles; recolouring rewrites bytes in place."""

    kind: ClassVar[str] = "city-model"
    is_cut: ClassVar[bool] = True
    casts_shadows: ClassVar[bool] = True

    @classmethod
    def prepare(cls, data: CityModel, style: Style, frame: LocalFrame, ground: Ground) -> PreparedCity:
        local = frame.to_local(data.vertices)
        shown = shown_surfaces(data, style.lod)
        curves = data.is_curve
        triangle_rows = np.flatnonzero(shown[data.triangle_surface]).astype(np.int32)
        outlined = shown & ~curves & ~are_plants(data)  # a crown is no body with edges
        edge_rows, curve_rows = (
            np.flatnonzero(wanted[data.edge_surface]).astype(np.int32) for wanted in (outlined, shown & curves)
        )
        point_rows = np.empty(0, np.int32)
        rgb = default_surface_colours(data, surface_slopes(data, triangle_rows))
        rgb[curves] = LINE_RGB
        points: list[Piece] = []
        if data.points is not None:
            point_rows = np.flatnonzero(shown[data.points.surface]).astype(np.int32)
            rgb[data.points.surface] = LINE_RGB
            points = split(local, data.points.vertices[point_rows, None], np.zeros_like(point_rows), rows=point_rows)
        first_corners = [data.triangles[triangle_rows, 0], data.edges[edge_rows, 0], data.edges[curve_rows, 0]]
        numbers = tile_numbers(local[np.concatenate(first_corners)], cells=len(triangle_rows))
        of_triangles, of_edges, of_curves = np.split(numbers, np.cumsum([len(part) for part in first_corners])[:-1])
        return PreparedCity(
            local=local,
            faces=face_pieces(data, local, triangle_rows, of_triangles),
            edges=split(local, data.edges[edge_rows], of_edges, rows=edge_rows),
            curves=split(local, data.edges[curve_rows], of_curves, rows=curve_rows),
            points=points,
            surface_rgb=rgb,
        )

    @classmethod
    def must_prepare_again(cls, before: Style, after: Style) -> bool:
        return before.lod != after.lod

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: PreparedCity) -> None:
        super().__init__(renderer, data, prepared)
        assert isinstance(data, CityModel)
        self._model = data
        self._prepared = prepared
        self._own_packed = packed(prepared.surface_rgb)
        """(s,) colours of the surfaces where no overlay colours them."""
        self._scale: ColourScale | None = None
        self._row_by_id: dict[str, int] | None = None
        self._coloured: tuple[Int32s, Uint8s] | None = None
        self._painted: tuple[Int32s, Int32s] | None = None
        """Which objects are coloured, and where the colour of each surface is looked up then."""
        self._theme: Theme | None = None
        self._look: TexturedLook | None = None
        self._hidden: NDArray[np.bool_] | None = None
        self._edges_wanted = True
        self._visible = True
        self._faces = [Faces(drawn, data) for drawn in prepared.faces]
        self._outlines = [Cells(piece, data.edge_surface[piece.rows], coloured=False) for piece in prepared.edges]
        self._curves = [Curves(piece, data.edge_surface[piece.rows]) for piece in prepared.curves]
        self._points = [
            Points(piece, data.points.surface[piece.rows]) for piece in prepared.points if data.points is not None
        ]
        self._textured = {faces.actor for faces in self._faces if faces.textured}
        self._edge_counts = np.array([len(edges.cells) for edges in self._outlines], dtype=np.int64)
        self._edge_boxes = np.array(
            [np.stack([edges.points.min(0), edges.points.max(0)], 1) for edges in self._outlines]
        )
        for faces in self._faces:
            mapper = self._attach_surface(faces.actor).GetMapper()
            mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(*SOLID_OFFSET)
        for lines in chain(self._outlines, self._curves):
            actor = self._attach(lines.actor)
            actor.GetProperty().LightingOff()
            actor.GetMapper().SetRelativeCoincidentTopologyLineOffsetParameters(*LINE_OFFSET)
        for edges in self._outlines:
            edges.actor.GetProperty().SetColor(*unit_rgb(EDGE_COLOUR))
            edges.actor.ForceTranslucentOn()  # so that outlines can fade
            self.edges.append(edges.actor)
        for points in self._points:
            self._attach(points.actor).GetProperty().LightingOff()

    def kind_of(self, surface: vtkActor) -> SurfaceKind:
        return SurfaceKind.TEXTURED if self.shows_textures and surface in self._textured else SurfaceKind.CITY

    def update(self, before: LayerSpec | None, after: LayerSpec) -> None:
        super().update(before, after)
        for faces in self._faces:  # VTK would take the marks in the colours for opacities
            glass = faces.translucent and self._theme is not None
            faces.actor.SetForceTranslucent(glass)
            faces.actor.SetForceOpaque(not glass and after.opacity == 1.0)

    def _show(self, *, visible: bool) -> None:
        super()._show(visible=visible)
        self._visible = visible
        for actor in self.edges:
            actor.SetVisibility(visible and self._edges_wanted)

    def set_look(self, look: Look) -> None:
        if look.edges != self._edges_wanted:
            self._edges_wanted = look.edges
            for actor in self.edges:
                actor.SetVisibility(self._visible and look.edges)

    def follow(self, camera: vtkCamera, *, height_px: int, moving: bool) -> None:
        """Draw outlines only where they are wide enough to be seen, and the nearest few while the camera moves."""
        if not (self._visible and self._edges_wanted and self.edges):
            return
        eye = np.array(camera.GetPosition())
        low, high = self._edge_boxes[:, :, 0], self._edge_boxes[:, :, 1]
        distance = np.linalg.norm(np.maximum(np.maximum(low - eye, eye - high), 0), axis=1)
        shown = edges_fade_at_m(camera, height_px) > distance
        if moving:
            order = np.argsort(distance)
            shown[order[np.cumsum(self._edge_counts[order]) > EDGES_IN_MOTION]] = False
        for actor, show in zip(self.edges, shown.tolist(), strict=True):
            actor.SetVisibility(show)

    def restyle(self, before: Style | None, after: Style) -> None:
        for curves in self._curves:
            curves.actor.GetProperty().SetLineWidth(after.line_width_px)
        for points in self._points:
            points.actor.GetProperty().SetPointSize(2 * after.point_size_px)
        hides = before is None or before.hidden_types != after.hidden_types
        if before is not None and not hides and _colouring(before) == _colouring(after):
            return
        had_textures = self.shows_textures
        self._theme = self._theme_of(after)
        if hides:
            hidden = hidden_surfaces(self._model, after.hidden_types)
            self._hidden = hidden if hidden.any() else None
        if hides or self.shows_textures != had_textures:
            self._hide()
        self._paint_own(after)

    def _hide(self) -> None:
        """Leave out what is hidden, and outlines of what has textures, too: pictures have outlines of their own."""
        for cells in chain(self._faces, self._curves, self._points):
            cells.hide(self._hidden)
        hidden = self._hidden
        if self._look is not None and self.shows_textures:
            hidden = self._look.textured if hidden is None else hidden | self._look.textured
        for edges in self._outlines:
            edges.hide(hidden)

    def _theme_of(self, style: Style) -> Theme | None:
        appearance = self._model.appearance
        if appearance is None or style.color_by is not None or style.colour is not None:
            return None
        return appearance.theme(style.theme)

    def _paint_own(self, style: Style) -> None:
        if self._theme is None or self._model.appearance is None:
            coloured = self._coloured_by_style(style)
            self._own_packed, self._scale = packed(coloured.rgb), coloured.scale
        else:
            own = packed(self._prepared.surface_rgb)
            self._own_packed = material_colours(self._theme, self._model.appearance.materials, own)
            self._scale = None
            if self._look is not None and self.shows_textures:
                self._own_packed = with_textures(self._own_packed, self._look)
        self._write_colours()

    def _coloured_by_style(self, style: Style) -> Coloured:
        """Return the colours of the surfaces (s, 3)."""
        model, owner = self._model, self._model.surface_object
        if style.color_by == "type":
            return Coloured(rgb=category_colours(model.object_type)[owner])
        if style.color_by == "surface":
            return Coloured(rgb=category_colours(model.surface_type))
        for column in model.attributes:
            if column.name == style.color_by:
                by_object = coloured_by_column(inherited(column, model.object_parent), style)
                return Coloured(rgb=by_object.rgb[owner], scale=by_object.scale)
        if style.colour is not None:
            return Coloured(rgb=np.broadcast_to(np.array(rgb_of(style.colour), np.uint8), (len(owner), 3)))
        return Coloured(rgb=self._prepared.surface_rgb)

    def legend(self) -> ColourScale | None:
        return self._scale

    def rows_of(self, ids: Sequence[str]) -> Int32s:
        """Return the row (n,) of each object id, −1 where the layer has no such object."""
        if self._row_by_id is None:
            self._row_by_id = {identifier: row for row, identifier in enumerate(self._model.object_ids)}
        rows = self._row_by_id
        return np.fromiter((rows.get(identifier, -1) for identifier in ids), dtype=np.int32, count=len(ids))

    def paint_objects(self, rows: Int32s | None, rgb: Uint8s) -> None:
        """Colour objects (rows (n,), colours (n, 3)) and their parts; None: all back to their own colours.

        Where only colours have changed, ``rows`` should be the same object as before.
        """
        if rows is None:
            if self._coloured is None:
                return
            self._coloured = None
        else:
            self._coloured = (rows, rgb)
        self._write_colours()

    def _write_colours(self) -> None:
        if self._coloured is None:
            table, place = self._own_packed, None
        else:
            rows, rgb = self._coloured
            table, place = np.concatenate([packed(rgb), self._own_packed]), self._places(rows)
        for cells in chain(self._faces, self._curves, self._points):
            cells.paint(table, place)

    def _places(self, rows: Int32s) -> Int32s:
        """Return where the surfaces (s,) find their colours: those of ``rows``, then their own."""
        if self._painted is None or self._painted[0] is not rows:
            of_surface = self._painters(rows)[self._model.surface_object]
            own = len(rows) + np.arange(len(of_surface), dtype=np.int32)
            self._painted = rows, np.where(of_surface >= 0, of_surface, own)
        return self._painted[1]

    def _painters(self, rows: Int32s) -> Int32s:
        """Return which of ``rows`` (n,) paints each object: it or the nearest ancestor, −1 where none does."""
        parent = self._model.object_parent
        painter = np.full(len(parent) + 1, -1, dtype=np.int32)  # last: nobody, whom parent −1 looks at
        known = rows >= 0
        painter[rows[known]] = np.flatnonzero(known)
        for _ in range(DEEPEST_NESTING):
            heirs = (painter[:-1] < 0) & (painter[parent] >= 0)
            if not heirs.any():
                break
            painter[:-1][heirs] = painter[parent[heirs]]
        return painter[:-1]

    # --- textures -----------------------------------------------------------------------------------------------

    @property
    def model(self) -> CityModel:
        return self._model

    @property
    def wanted(self) -> WantedTextures | None:
        """What the theme that is shown needs and does not have yet."""
        if self._theme is None or self.shows_textures:
            return None
        return wanted_textures(self._model, self._theme)

    @property
    def textured_pieces(self) -> list[Int32s]:
        """The triangles of each piece that may have textures, as rows of the model's."""
        return [faces.all_rows for faces in self._faces if faces.textured]

    @property
    def shows_textures(self) -> bool:
        return self._look is not None and self._look.theme is self._theme

    def lay_textures(self, look: TexturedLook, style: Style) -> None:
        """Show the textures of a theme."""
        for faces, corners in zip((faces for faces in self._faces if faces.textured), look.corners, strict=True):
            faces.lay_textures(corners.places, corners.boxes)
        if self._look is None or self._look.atlas is not look.atlas:
            self._release_pages()
            self.pages = tuple(_texture_of(page) for page in look.atlas.pages)
        self._look = look
        self._hide()
        self._paint_own(style)

    # --- picking ------------------------------------------------------------------------------------------------

    def first_hit(self, ray: PickRay) -> Hit | None:
        best: tuple[float, NDArray[np.float64], int] | None = None
        for share, found in chain(
            ((1.0, faces.first_hit(ray)) for faces in self._faces),
            ((_AS_GOOD_AS_BEFORE, lines.first_hit(ray)) for lines in self._curves),
            ((_AS_GOOD_AS_BEFORE, points.first_hit(ray)) for points in self._points),
        ):
            if found is not None:
                distance = share * ray.distance_to(found[0])
                if best is None or distance < best[0]:
                    best = distance, *found
        if best is None:
            return None
        _, position, surface = best
        return Hit(position=position, surface=surface, object=int(self._model.surface_object[surface]))

    def outline(self, hit: Hit) -> Outline | None:
        """Return the shape of some surfaces, or of an object with all its parts, without what is not shown."""
        if hit.object is None:
            return None
        surfaces = np.zeros(len(self._model.surface_object), dtype=np.bool_)
        surfaces[list(hit.surfaces)] = True
        if not hit.surfaces:
            surfaces = self._family(hit.object)[self._model.surface_object]

        if self._hidden is not None:
            surfaces &= ~self._hidden
        model, prepared = self._model, self._prepared
        faces = [drawn.piece for drawn in prepared.faces]
        triangles = _cells_of(surfaces, faces, model.triangle_surface, model.triangles)
        lines = _cells_of(surfaces, prepared.edges + prepared.curves, model.edge_surface, model.edges)
        if not (len(triangles) or len(lines)) and model.points is not None:
            marked = _cells_of(surfaces, prepared.points, model.points.surface, model.points.vertices)
            return Outline(points=prepared.local[marked], vertices=True)
        used, corner = np.unique(np.concatenate([triangles.ravel(), lines.ravel()]), return_inverse=True)
        rows: Int32s = corner.astype(np.int32)
        return Outline(
            points=prepared.local[used],
            triangles=rows[: triangles.size].reshape(-1, 3),
            lines=rows[triangles.size :].reshape(-1, 2),
        )

    def _family(self, row: int) -> NDArray[np.bool_]:
        """Return which objects (n,) are the one in ``row`` or part of it."""
        family = np.zeros(len(self._model.object_parent), dtype=np.bool_)
        family[row] = True
        for _ in range(DEEPEST_NESTING):
            parent = self._model.object_parent
            grown = family | ((parent >= 0) & family[parent])
            if (grown == family).all():
                break
            family = grown
        return family

    def _release_pages(self) -> None:
        for page in self.pages:
            page.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self.pages = ()


def _colouring(style: Style) -> tuple[Any, ...]:
    return (style.colour, style.color_by, style.colour_map, style.value_range, style.theme)


def _cells_of(surfaces: NDArray[np.bool_], pieces: Sequence[Piece], owner: Int32s, cells: Int32s) -> Int32s:
    """Return those of ``cells`` in the pieces whose surface, ``owner``, is one of ``surfaces`` (s,)."""
    chosen: list[Any] = [piece.rows[surfaces[owner[piece.rows]]] for piece in pieces]
    return cells[np.concatenate(chosen)] if chosen else cells[:0]


def _texture_of(page: Uint8s) -> vtkTexture:
    image = vtkImageData()
    rows, columns = page.shape[:2]
    image.SetDimensions(columns, rows, 1)
    image.GetPointData().SetScalars(as_vtk(page.reshape(-1, 4), "rgba"))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetColorModeToDirectScalars()
    texture.InterpolateOn()
    texture.MipmapOn()
    texture.SetMaximumAnisotropicFiltering(1.0)
    texture.RepeatOff()
    return texture

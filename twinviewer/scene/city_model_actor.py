"""City models on the screen: merged tiles of triangles with one colour per triangle, and outlines of the faces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer

from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.drawing import ColourScale
from twinviewer.model.layer_data import CityModel, LayerData
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Style
from twinviewer.scene.city_colours import are_plants, default_surface_colours, surface_slopes
from twinviewer.scene.colours import Coloured, Uint8s, category_colours, coloured_by_column, rgb_of, unit_rgb
from twinviewer.scene.ground import Ground
from twinviewer.scene.layer_actor import LayerActor, Look, Outline
from twinviewer.scene.meshes import (
    LINE_OFFSET,
    SOLID_OFFSET,
    LookedUpColours,
    Piece,
    actor_of,
    packed,
    poly_data,
    split,
    tile_numbers,
)
from twinviewer.scene.picking import Hit, PickRay, TriangleLocator
from twinviewer.scene.shading import edges_fade_at_m

Int32s = NDArray[np.int32]
Float32s = NDArray[np.float32]

EDGE_COLOUR = "#7d7266"
EDGES_IN_MOTION = 12_000
"""Outlines cost as much as faces; while the camera moves, this many of the nearest stay."""
_DEEPEST_NESTING = 32


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedCity:
    """What is drawn of a city model."""

    local: Float32s
    """(v, 3) all vertices of the model."""
    faces: list[Piece]
    """Tiles of triangles; rows are rows of ``CityModel.triangles``."""
    edges: list[Piece]
    """Tiles of outlines; rows are rows of ``CityModel.edges``."""
    surface_rgb: Uint8s
    """(s, 3) default colours."""


def shown_surfaces(model: CityModel, lod: str | None) -> NDArray[np.bool_]:
    """Return which surfaces (s,) are drawn: of each object the highest level of detail, but none above ``lod``.

    An object whose parts are more detailed than itself leaves the drawing to them.  Objects that have nothing at or
    below ``lod`` are drawn at their lowest level rather than not at all.
    """
    level, owner, parent = model.surface_lod, model.surface_object, model.object_parent
    count = len(parent)
    limit = model.lods.index(lod) if lod in model.lods else len(model.lods)
    lowest = np.full(count, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(lowest, owner, level)
    best = np.full(count, -1, dtype=np.int32)
    allowed = level <= limit
    np.maximum.at(best, owner[allowed], level[allowed])
    best = np.where((best < 0) & (lowest != np.iinfo(np.int32).max), lowest, best).astype(np.int32)
    family = best.copy()
    children = np.flatnonzero(parent >= 0)
    for _ in range(_DEEPEST_NESTING):
        above = family.copy()
        np.maximum.at(above, parent[children], family[children])
        if (above == family).all():
            break
        family = above
    own_or_unknown: NDArray[np.bool_] = (level == family[owner]) | (level < 0)
    return own_or_unknown


def inherited(column: AttributeColumn, parent: Int32s) -> AttributeColumn:
    """Return the column with absent values taken from the nearest ancestor: parts are as old as their building."""
    source = np.arange(len(parent), dtype=np.int32)
    for _ in range(_DEEPEST_NESTING):
        climbing = ~column.present[source] & (parent[source] >= 0)
        if not climbing.any():
            break
        source = np.where(climbing, parent[source], source).astype(np.int32)
    return AttributeColumn(
        name=column.name,
        type=column.type,
        values=column.values[source],
        present=column.present[source],
        unit=column.unit,
    )


class CityModelActor(LayerActor):
    """A city model as tiles; recolouring rewrites bytes in place."""

    kind: ClassVar[str] = "city-model"
    is_cut: ClassVar[bool] = True
    casts_shadows: ClassVar[bool] = True

    @classmethod
    def prepare(cls, data: CityModel, style: Style, frame: LocalFrame, ground: Ground) -> PreparedCity:
        local = frame.to_local(data.vertices)
        shown = shown_surfaces(data, style.lod)
        triangle_rows = np.flatnonzero(shown[data.triangle_surface]).astype(np.int32)
        triangles = data.triangles[triangle_rows]
        outlined = shown & ~are_plants(data)  # a crown is no body with edges
        edge_rows = np.flatnonzero(outlined[data.edge_surface]).astype(np.int32)
        edges = data.edges[edge_rows]
        numbers = tile_numbers(np.concatenate([local[triangles[:, 0]], local[edges[:, 0]]]), cells=len(triangles))
        return PreparedCity(
            local=local,
            faces=split(local, triangles, numbers[: len(triangles)], rows=triangle_rows),
            edges=split(local, edges, numbers[len(triangles) :], rows=edge_rows),
            surface_rgb=default_surface_colours(data, surface_slopes(data, triangle_rows)),
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
        self._surfaces = [data.triangle_surface[piece.rows] for piece in prepared.faces]
        self._painted: tuple[Int32s, list[Int32s]] | None = None
        """Which objects are coloured, and where the colour of each triangle is looked up then."""
        self._colours: list[LookedUpColours] = []
        self._locators: list[TriangleLocator] = []
        self._edge_counts = np.array([len(piece.cells) for piece in prepared.edges], dtype=np.int64)
        self._edge_boxes = np.array(
            [np.stack([piece.points.min(0), piece.points.max(0)], 1) for piece in prepared.edges]
        )
        self._edges_wanted = True
        self._visible = True
        for piece in prepared.faces:
            mesh = poly_data(piece.points, triangles=piece.cells)
            self._colours.append(LookedUpColours(mesh, len(piece.cells)))
            self._locators.append(TriangleLocator(mesh))
            mapper = self._attach_surface(actor_of(mesh)).GetMapper()
            mapper.SetRelativeCoincidentTopologyPolygonOffsetParameters(*SOLID_OFFSET)
        for piece in prepared.edges:
            actor = self._attach(actor_of(poly_data(piece.points, lines=piece.cells)))
            actor.GetProperty().SetColor(*unit_rgb(EDGE_COLOUR))
            actor.GetProperty().LightingOff()
            actor.ForceTranslucentOn()  # so that outlines can fade
            actor.GetMapper().SetRelativeCoincidentTopologyLineOffsetParameters(*LINE_OFFSET)
            self.edges.append(actor)

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
        if before is not None and _colouring(before) == _colouring(after):
            return
        coloured = self._coloured_by_style(after)
        self._own_packed, self._scale = packed(coloured.rgb), coloured.scale
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
            table, places = self._own_packed, self._surfaces
        else:
            rows, rgb = self._coloured
            table, places = np.concatenate([packed(rgb), self._own_packed]), self._places(rows)
        for colours, place in zip(self._colours, places, strict=True):
            colours.write(table, place)

    def _places(self, rows: Int32s) -> list[Int32s]:
        """Return where the triangles of each tile find their colours: those of ``rows``, then those of the surfaces."""
        if self._painted is None or self._painted[0] is not rows:
            of_surface = self._painters(rows)[self._model.surface_object]
            own = len(rows) + np.arange(len(of_surface), dtype=np.int32)
            place = np.where(of_surface >= 0, of_surface, own)
            self._painted = rows, [place[surfaces] for surfaces in self._surfaces]
        return self._painted[1]

    def _painters(self, rows: Int32s) -> Int32s:
        """Return which of ``rows`` (n,) paints each object: it or the nearest ancestor, −1 where none does."""
        parent = self._model.object_parent
        painter = np.full(len(parent) + 1, -1, dtype=np.int32)  # last: nobody, whom parent −1 looks at
        known = rows >= 0
        painter[rows[known]] = np.flatnonzero(known)
        for _ in range(_DEEPEST_NESTING):
            heirs = (painter[:-1] < 0) & (painter[parent] >= 0)
            if not heirs.any():
                break
            painter[:-1][heirs] = painter[parent[heirs]]
        return painter[:-1]

    def first_hit(self, ray: PickRay) -> Hit | None:
        best: Hit | None = None
        for piece, locator in zip(self._prepared.faces, self._locators, strict=True):
            found = locator.first_hit(ray)
            if found is None:
                continue
            position, cell = found
            if best is None or ray.distance_to(position) < ray.distance_to(best.position):
                surface = int(self._model.triangle_surface[piece.rows[cell]])
                best = Hit(position=position, surface=surface, object=int(self._model.surface_object[surface]))
        return best

    def outline(self, hit: Hit) -> Outline | None:
        """Return the shape of some surfaces, or of an object with all its parts, without what is not shown."""
        if hit.object is None:
            return None
        surfaces = np.zeros(len(self._model.surface_object), dtype=np.bool_)
        surfaces[list(hit.surfaces)] = True
        if not hit.surfaces:
            surfaces = self._family(hit.object)[self._model.surface_object]

        def cells_of(pieces: list[Piece], owner: Int32s, cells: Int32s) -> Int32s:
            chosen: list[Any] = [piece.rows[surfaces[owner[piece.rows]]] for piece in pieces]
            return cells[np.concatenate(chosen)] if chosen else cells[:0]

        triangles = cells_of(self._prepared.faces, self._model.triangle_surface, self._model.triangles)
        lines = cells_of(self._prepared.edges, self._model.edge_surface, self._model.edges)
        used, corner = np.unique(np.concatenate([triangles.ravel(), lines.ravel()]), return_inverse=True)
        rows: Int32s = corner.astype(np.int32)
        return Outline(
            points=self._prepared.local[used],
            triangles=rows[: triangles.size].reshape(-1, 3),
            lines=rows[triangles.size :].reshape(-1, 2),
        )

    def _family(self, row: int) -> NDArray[np.bool_]:
        """Return which objects (n,) are the one in ``row`` or part of it."""
        family = np.zeros(len(self._model.object_parent), dtype=np.bool_)
        family[row] = True
        for _ in range(_DEEPEST_NESTING):
            parent = self._model.object_parent
            grown = family | ((parent >= 0) & family[parent])
            if (grown == family).all():
                break
            family = grown
        return family


def _colouring(style: Style) -> tuple[Any, ...]:
    return (style.colour, style.color_by, style.colour_map, style.value_range)

"""Map features on the screen: areas, lines and points that lie on the ground."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.model.attributes import AttributeType
from twinviewer.model.drawing import ColourScale
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Style
from twinviewer.scene.colours import Uint8s, shaded
from twinviewer.scene.draping import densified, refined, ribbons
from twinviewer.scene.feature_colours import feature_colours
from twinviewer.scene.ground import Ground
from twinviewer.scene.layer_actor import LayerActor, Outline
from twinviewer.scene.meshes import LINE_OFFSET, SOLID_OFFSET, Colours, Piece, actor_of, poly_data, split, tile_numbers
from twinviewer.scene.picking import Hit, PickRay, TriangleLocator, nearest_segment

Int32s = NDArray[np.int32]
Float32s = NDArray[np.float32]

LIFT_M = 0.3
"""Of lines and areas above the ground."""
WIDTH_COLUMN = "width_m"


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedFeatures:
    """Local geometry, each row with the feature that it is part of."""

    areas: list[Piece]
    area_feature: Int32s
    """(m,) of each triangle; ribbons of lines with a width are areas too."""
    lines: list[Piece]
    line_feature: Int32s
    """(k,) of each segment."""
    points: Float32s
    """(p, 3)"""
    area_points: Float32s
    line_points: Float32s


class FeatureActor(LayerActor):
    """A feature table, draped."""

    kind: ClassVar[str] = "features"
    drapes: ClassVar[bool] = True

    @classmethod
    def prepare(cls, data: FeatureTable, style: Style, frame: LocalFrame, ground: Ground) -> PreparedFeatures:
        area_points, triangles, area_feature = _areas(data, ground)
        line_points, segments, line_feature = _outlines_and_lines(data, ground)
        area_local, line_local = frame.to_local(area_points), frame.to_local(line_points)
        points = data.points.copy()
        if not data.has_z and len(points):
            points[:, 2] = ground.heights_at(points[:, :2]) + LIFT_M
        return PreparedFeatures(
            areas=split(area_local, triangles, tile_numbers(area_local[triangles[:, 0]], cells=len(triangles))),
            area_feature=area_feature,
            lines=split(line_local, segments, tile_numbers(line_local[segments[:, 0]], cells=len(segments))),
            line_feature=line_feature,
            points=frame.to_local(points),
            area_points=area_local,
            line_points=line_local,
        )

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: PreparedFeatures) -> None:
        super().__init__(renderer, data, prepared)
        assert isinstance(data, FeatureTable)
        self._table = data
        self._prepared = prepared
        self._scale: ColourScale | None = None
        self._area_actors: list[vtkActor] = []
        self._line_actors: list[vtkActor] = []
        self._point_actors: list[vtkActor] = []
        self._colours: list[tuple[Colours, Int32s, float]] = []  # with the feature of each cell, and its shade
        self._locators: list[TriangleLocator] = []
        for piece in prepared.areas:
            mesh = poly_data(piece.points, triangles=piece.cells)
            actor = self._attach_surface(actor_of(mesh))
            self._paint(mesh, actor, prepared.area_feature[piece.rows], shade=1.0)
            actor.GetMapper().SetRelativeCoincidentTopologyPolygonOffsetParameters(*SOLID_OFFSET)
            self._area_actors.append(actor)
            self._locators.append(TriangleLocator(mesh))
        shade = 0.82 if prepared.areas else 1.0  # outlines of areas are darker than their fill
        for piece in prepared.lines:
            mesh = poly_data(piece.points, lines=piece.cells)
            actor = self._attach(actor_of(mesh))
            self._paint(mesh, actor, prepared.line_feature[piece.rows], shade=shade)
            actor.GetProperty().LightingOff()
            self._line_actors.append(actor)
        if len(prepared.points):
            mesh = poly_data(prepared.points, vertices=True)
            actor = self._attach(actor_of(mesh))
            self._paint(mesh, actor, data.point_feature, shade=1.0)
            actor.GetProperty().LightingOff()
            actor.GetProperty().RenderPointsAsSpheresOn()
            self._point_actors.append(actor)

    def _paint(self, mesh: vtkPolyData, actor: vtkActor, feature: Int32s, *, shade: float) -> None:
        self._colours.append((Colours(mesh, np.zeros((len(feature), 3), np.uint8), of_cells=True), feature, shade))
        actor.GetMapper().SetRelativeCoincidentTopologyLineOffsetParameters(*LINE_OFFSET)

    def restyle(self, before: Style | None, after: Style) -> None:
        for actor in self._line_actors:
            width = after.line_width_px if len(self._table.line_feature) else min(after.line_width_px, 1.2)
            actor.GetProperty().SetLineWidth(width)
        for actor in self._point_actors:
            actor.GetProperty().SetPointSize(max(8.0, 2 * after.point_size_px))
        coloured = feature_colours(self._table, after)
        self._scale = coloured.scale
        self.recolour(coloured.rgb)

    def recolour(self, rgb: Uint8s) -> None:
        """Give each feature (n, 3) another colour than the style does."""
        for colours, feature, shade in self._colours:
            colours.write(shaded(rgb[feature], shade))

    def legend(self) -> ColourScale | None:
        return self._scale

    def first_hit(self, ray: PickRay) -> Hit | None:
        prepared = self._prepared
        if len(prepared.points):
            row = ray.nearest(prepared.points, tolerance_px=10.0)
            if row is not None:
                position = prepared.points[row].astype(np.float64)
                return Hit(position=position, feature=int(self._table.point_feature[row]))
        if len(self._table.line_feature):
            for piece, actor in zip(prepared.lines, self._line_actors, strict=True):
                if not ray.may_pass(actor.GetBounds()):
                    continue
                found = nearest_segment(ray, piece.points[piece.cells[:, 0]], piece.points[piece.cells[:, 1]])
                if found is not None:
                    feature = int(prepared.line_feature[piece.rows[found[1]]])
                    return Hit(position=found[0], feature=feature)
        best: Hit | None = None
        for piece, locator in zip(prepared.areas, self._locators, strict=True):
            hit = locator.first_hit(ray)
            if hit is not None and (best is None or ray.distance_to(hit[0]) < ray.distance_to(best.position)):
                best = Hit(position=hit[0], feature=int(prepared.area_feature[piece.rows[hit[1]]]))
        return best

    def outline(self, hit: Hit) -> Outline | None:
        triangles = [
            piece.cells[self._prepared.area_feature[piece.rows] == hit.feature] for piece in self._prepared.areas
        ]
        lines = [piece.cells[self._prepared.line_feature[piece.rows] == hit.feature] for piece in self._prepared.lines]
        points: list[Float32s] = []
        offset = 0
        shifted: tuple[list[Int32s], list[Int32s]] = ([], [])
        for group, cells, pieces in zip(
            shifted, (triangles, lines), (self._prepared.areas, self._prepared.lines), strict=True
        ):
            for chosen, piece in zip(cells, pieces, strict=True):
                if len(chosen):
                    used, rows = np.unique(chosen, return_inverse=True)
                    group.append((rows.reshape(chosen.shape) + offset).astype(np.int32))
                    points.append(piece.points[used])
                    offset += len(used)
        if not points:
            own = self._prepared.points[self._table.point_feature == hit.feature]
            return Outline(points=own, vertices=True)
        return Outline(
            points=np.concatenate(points),
            triangles=np.concatenate(shifted[0]) if shifted[0] else np.empty((0, 3), np.int32),
            lines=np.concatenate(shifted[1]) if shifted[1] else np.empty((0, 2), np.int32),
        )


def _areas(table: FeatureTable, ground: Ground) -> tuple[NDArray[np.float64], Int32s, Int32s]:
    """Return points (p, 3), triangles (m, 3) and the feature of each triangle: filled areas, and ribbons of lines."""
    not_closing = np.ones(len(table.ring_vertices), dtype=np.bool_)
    not_closing[table.ring_offsets[1:] - 1] = False  # the last vertex of a ring repeats its first
    points = table.ring_vertices[not_closing]
    ring_offsets = table.ring_offsets - np.arange(len(table.ring_offsets))
    areas = triangulate_polygons(points, ring_offsets, table.polygon_offsets)
    triangles, feature = areas.triangles, table.polygon_feature[areas.triangle_polygon]
    if not table.has_z and len(triangles):
        points, triangles, source = refined(points, triangles, ground=ground, lift_m=LIFT_M)
        feature = feature[source]
    widths = _widths(table)
    if widths is None:
        return points, triangles, feature
    vertices, offsets = densified(table.line_vertices, table.line_offsets, ground=ground, drape=not table.has_z)
    strip_points, strips, line = ribbons(vertices, offsets, widths[table.line_feature])
    if not table.has_z:
        strip_points[:, 2] = ground.heights_at(strip_points[:, :2]) + LIFT_M
    return (
        np.concatenate([points, strip_points]),
        np.concatenate([triangles, strips + np.int32(len(points))]),
        np.concatenate([feature, table.line_feature[line]]),
    )


def _outlines_and_lines(table: FeatureTable, ground: Ground) -> tuple[NDArray[np.float64], Int32s, Int32s]:
    """Return points (p, 3), segments (k, 2) and their features: rings of areas, and lines that have no width."""
    groups = [(table.ring_vertices, table.ring_offsets, _ring_features(table))]
    if _widths(table) is None:
        groups.append((table.line_vertices, table.line_offsets, table.line_feature))
    points: list[NDArray[np.float64]] = []
    segments: list[Int32s] = []
    features: list[Int32s] = []
    count = 0
    for source_vertices, source_offsets, feature in groups:
        vertices, offsets = densified(source_vertices, source_offsets, ground=ground, drape=not table.has_z)
        lengths = np.diff(offsets)
        starts = np.ones(len(vertices), dtype=np.bool_)
        starts[offsets[1:][lengths > 0] - 1] = False  # the last vertex of a line starts no segment
        first = np.flatnonzero(starts).astype(np.int32)
        points.append(vertices + np.array([0, 0, 0 if table.has_z else LIFT_M]))
        segments.append(np.stack([first, first + 1], axis=1) + np.int32(count))
        features.append(np.repeat(feature, np.maximum(lengths - 1, 0)))
        count += len(vertices)
    return np.concatenate(points), np.concatenate(segments), np.concatenate(features).astype(np.int32)


def _ring_features(table: FeatureTable) -> Int32s:
    return np.repeat(table.polygon_feature, np.diff(table.polygon_offsets))


def _widths(table: FeatureTable) -> Float32s | None:
    """Return the width (n,) in metres of each feature's lines, or None where the table does not say."""
    if len(table.line_feature) == 0:
        return None
    for column in table.attributes:
        if column.name == WIDTH_COLUMN and column.type in (AttributeType.DOUBLE, AttributeType.INTEGER):
            return np.where(column.present, np.clip(column.values, 0.5, 60), 3.0).astype(np.float32)
    return None

"""What all readers of city models do at the end: polygons cleaned, cut into triangles, and put into columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_appearance import AppearanceColumns
from twinviewer.formats.city_cleaning import cleaned, closing, following
from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns, ThematicColumns
from twinviewer.formats.city_surfaces import GeometryColumns, RaggedSurfaces, Shapes, SurfaceKind
from twinviewer.formats.city_validity import PolygonsAlone
from twinviewer.formats.findings import Findings
from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.model.city_parts import CityPoints
from twinviewer.model.errors import UnknownCrsError
from twinviewer.model.feedback import Feedback, Silent
from twinviewer.model.layer_data import CityModel, SourceFacts
from twinviewer.model.place import Extent, ReferenceSystem

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]

_METRES_PER_DEGREE = 111_320.0
_SILENT = Silent()

# --- to a layer -------------------------------------------------------------------------------------------------


def assemble(
    *,
    source: SourceFacts,
    crs_names: Sequence[str],
    objects: ObjectColumns,
    attributes: AttributeTable,
    surfaces: RaggedSurfaces,
    vertices: Float64s,
    shapes: Shapes,
    surface_types: Names,
    lods: Names,
    findings: Findings,
    thematic: ThematicColumns | None = None,
    geometries: GeometryColumns | None = None,
    appearance: AppearanceColumns | None = None,
    axis_order_stated: bool = True,
    rings_close: bool = False,
    feedback: Feedback = _SILENT,
) -> CityModel:
    """Return the layer of what a reader gathered.

    Surfaces that cannot be drawn stay, without triangles, and are told, like all that is not valid; vertices that
    nothing uses are left out.

    Args:
        source: What the layer says about the file.
        crs_names: Reference systems as the file spells them, the one for the whole file first.
        objects: The city objects.
        attributes: Of the objects.
        surfaces: Of the objects, their corners indices into ``vertices``.
        vertices: (v, 3) as stored, which may be northing first.
        shapes: What stands in many places; its surfaces come after the others.
        surface_types: Names behind the numbers of the surfaces.
        lods: Likewise.
        findings: What the reader found; what is found here is added.
        thematic: What ``surfaces.thematic`` counts, of shapes too.
        geometries: What ``surfaces.geometry`` and ``surfaces.shell`` count, of shapes too.
        appearance: What the looks of surfaces count, of shapes too.
        axis_order_stated: Whether the format goes by the axis order of the authority, see ``is_north_first``.
        rings_close: Whether the format repeats the first corner of a ring at its end.
        feedback: Is asked between the steps whether to stop, which is a sign of life, too.
    """
    ids = tuple(objects.ids)
    thematic, geometries = thematic or ThematicColumns(findings), geometries or GeometryColumns()
    crs, north_first, metres = _reference_system(
        crs_names, surfaces, vertices, shapes, findings, axis_order_stated=axis_order_stated
    )
    order = [1, 0, 2] if north_first else [0, 1, 2]
    vertices = vertices[:, order]
    if len(shapes.instances):
        more, more_vertices = shapes.placed(shapes.positions[:, order], metres, len(vertices), geometries)
        surfaces = RaggedSurfaces.joined([surfaces, more])
        vertices = np.concatenate([vertices, more_vertices])
    feedback.stop_if_cancelled()
    clean = cleaned(surfaces, vertices, ids, findings, rings_close=rings_close)
    drawn, rows = clean.surfaces, clean.rows
    feedback.stop_if_cancelled()
    with np.errstate(over="ignore"):  # absurd coordinates become infinite, and are told as without area
        polygons = PolygonsAlone.among(drawn, vertices[drawn.corners] * metres)
    cut = triangulate_polygons(polygons.vertices, polygons.ring_offsets, polygons.polygon_offsets)
    not_judged = np.concatenate([surfaces.shell[clean.flawed], np.fromiter(geometries.partial, np.int64)])
    polygons.tell_flaws(cut, geometries.shell_solid, not_judged, ids, findings)
    failed, triangle_surface = polygons.rows[cut.failed], polygons.rows[cut.triangle_polygon]
    triangle_corners = polygons.corners[cut.triangles]
    turned = drawn.reversed[triangle_surface]
    triangle_corners[turned] = triangle_corners[turned][:, ::-1]
    triangles = drawn.corners[triangle_corners]
    edges, edge_polygon = _edges(drawn, failed)
    feedback.stop_if_cancelled()
    points, point_surface = _points(drawn, rows)
    used = np.zeros(len(vertices), np.bool_)
    for indices in (triangles, edges, points):
        used[indices.ravel()] = True
    new_index = np.cumsum(used, dtype=np.int32) - 1
    feedback.stop_if_cancelled()
    lod_names, lod_numbers = _ascending(lods.all(), surfaces.lod)
    return CityModel(
        source=source,
        crs=crs,
        object_ids=ids,
        object_type=np.array(objects.types, np.int32),
        type_names=objects.type_names.all(),
        object_parent=np.array(objects.parents, np.int32),
        attributes=attributes.columns(ids),
        vertices=vertices[used],
        triangles=new_index[triangles],
        triangle_surface=rows[triangle_surface].astype(np.int32),
        edges=new_index[edges],
        edge_surface=rows[edge_polygon].astype(np.int32),
        surface_object=surfaces.object.astype(np.int32),
        surface_type=surfaces.semantic.astype(np.int32),
        surface_type_names=surface_types.all(),
        surface_lod=lod_numbers,
        lods=lod_names,
        geometries=geometries.finished(surfaces),
        thematic=thematic.finished(surfaces.thematic, surfaces.object, ids),
        points=CityPoints(vertices=new_index[points], surface=point_surface.astype(np.int32)) if len(points) else None,
        appearance=None if appearance is None else appearance.finished(surfaces, drawn, triangle_corners),
        diagnostics=findings.diagnostics(),
    )


def _edges(surfaces: RaggedSurfaces, failed: Int64s) -> tuple[Int64s, Int64s]:
    """Return the sides (e, 2) of all rings and lines, and the surface (e,) of each; ``failed`` polygons have none."""
    drawn = surfaces.kind != SurfaceKind.POINTS
    drawn[failed] = False
    surface = surfaces.ring_surface[surfaces.corner_ring]
    edges = np.column_stack([surfaces.corners, surfaces.corners[following(surfaces)]])
    if drawn.all() and (surfaces.kind == SurfaceKind.POLYGON).all():
        return edges, surface
    kept = drawn[surface] & ~closing(surfaces)
    return edges[kept], surface[kept]


def _points(surfaces: RaggedSurfaces, rows: Int64s) -> tuple[Int64s, Int64s]:
    """Return the vertex (p,) of each point, and of which surface it is: which of them these are is said by ``rows``."""
    of_points = surfaces.kind == SurfaceKind.POINTS
    if not of_points.any():
        return np.empty(0, np.int64), np.empty(0, np.int64)
    surface = surfaces.ring_surface[surfaces.corner_ring]
    kept = of_points[surface]
    return surfaces.corners[kept], rows[surface[kept]]


def _ascending(names: Sequence[str], numbers: Int64s) -> tuple[tuple[str, ...], NDArray[np.int32]]:
    """Return levels of detail in ascending order, and ``numbers`` (s,) that fit them."""

    def rank(name: str) -> tuple[float, str]:
        try:
            return float(name), name
        except ValueError:
            return float("inf"), name

    ordered = sorted(names, key=rank)
    place = np.array([*(ordered.index(name) for name in names), -1], np.int32)  # the last one is found by −1
    return tuple(ordered), place[numbers]


# --- to a place -------------------------------------------------------------------------------------------------


def _reference_system(
    names: Sequence[str],
    surfaces: RaggedSurfaces,
    vertices: Float64s,
    shapes: Shapes,
    findings: Findings,
    *,
    axis_order_stated: bool,
) -> tuple[ReferenceSystem | None, bool, Float64s]:
    """Return the reference system, whether it is stored northing first, and the metres (3,) of one unit, roughly."""
    metres = np.ones(3)
    if not names:
        return None, False, metres
    from twinviewer.model.crs import is_geographic, is_north_first, parse_crs  # PROJ takes 0.2 s to load

    known: list[tuple[str, ReferenceSystem]] = []
    for name in names:
        try:
            known.append((name, parse_crs(name)))
        except UnknownCrsError as error:
            findings.add("crs.unknown", error.problem, where=name)
    if not known:
        return None, False, metres
    name, crs = known[0]
    for other, system in known[1:]:
        if system.horizontal != crs.horizontal:
            problem = f"Besides {name}, the file names other reference systems for parts; all is read as {name}."
            findings.add("crs.several", problem, where=other)
    used = np.zeros(len(vertices), np.bool_)
    used[surfaces.corners[(surfaces.corners >= 0) & (surfaces.corners < len(vertices))]] = True
    stored = Extent.around([Extent.of(vertices[used]), Extent.of(shapes.positions)])
    north_first = is_north_first(name, stored, stated=axis_order_stated)
    if stored is not None and is_geographic(crs):
        latitude = stored.centre[0 if north_first else 1]
        shrink = max(float(np.cos(np.radians(latitude))), 0.01)
        metres = np.array([_METRES_PER_DEGREE * shrink, _METRES_PER_DEGREE, 1.0])
    return crs, north_first, metres

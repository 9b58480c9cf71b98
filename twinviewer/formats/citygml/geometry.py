"""The geometry in a piece of a CityGML file: polygons, lines and points as columns, however they are nested.

One polygon, one line and one set of points is a surface each; corners are kept one by one, as the file has them.
Where a geometry only names another one (``xlink:href``), that is noted as a reference.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twinviewer.formats.city_surfaces import SurfaceKind, offsets
from twinviewer.formats.citygml.objects import PieceObjects
from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.positions import Corners, corners_of
from twinviewer.formats.citygml.references import Named, References
from twinviewer.formats.citygml.spans import Integers, hashes, inside, texts, value_spans
from twinviewer.formats.citygml.told import Told
from twinviewer.formats.citygml.vocabulary import GEOMETRY_TYPES as TYPES
from twinviewer.formats.citygml.vocabulary import HOLES, Meaning
from twinviewer.formats.soundness import RAW_LIMIT
from twinviewer.model.city_parts import GEOMETRY_TYPES
from twinviewer.model.diagnostics import Severity

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Int8s = NDArray[np.int8]
Uint64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]

_CURVED = (
    *("Arc", "ArcString", "ArcByBulge", "ArcStringByBulge", "ArcByCenterPoint", "Circle", "CircleByCenterPoint"),
    *("BSpline", "Bezier", "CubicSpline", "Clothoid", "Geodesic", "GeodesicString"),
)
_OF_POLYGONS, _OF_CURVES, _OF_POINTS = range(3)
"""Geometries of each outermost element: of its polygons, of its curves and of its points."""


@dataclass(slots=True, kw_only=True)
class PieceGeometry:
    """``s`` surfaces of ``r`` rings and ``c`` corners; objects, types and the like are numbers within the piece."""

    object: Int64s
    semantic: Int64s
    lod: Int64s
    reversed: Bools
    kind: Int8s
    thematic: Int64s
    geometry: Int64s
    shell: Int64s
    ring_count: Int64s
    ring_size: Int64s
    ring_hash: Uint64s
    """(r,) of the ring's id, 0 where it has none."""
    places: Float64s
    """(c, 3) as stored."""
    geometry_type: Int64s
    """(g,) index into ``GEOMETRY_TYPES``."""
    shell_solid: Int64s
    """(h,) ascending."""
    named: Named
    references: References
    rows: Int64s
    """(s,) elements that they are."""


def geometry_of(outline: Outline, objects: PieceObjects, told: Told, *, shapes: bool) -> PieceGeometry:
    """Return the geometry in a piece: that of city objects or, if ``shapes``, that which stands in many places."""
    elements, role, parent = outline.elements, outline.role, outline.elements.parent
    tops = _outermost(outline, shapes=shapes)
    ends = elements.end[tops]
    rows = np.flatnonzero((role == Role.POLYGON) | (role == Role.LINE) | (role == Role.POINTS))
    top = inside(tops, ends, rows)
    rows, top = rows[top >= 0], top[top >= 0]
    kind = np.select([role[rows] == Role.LINE, role[rows] == Role.POINTS], [SurfaceKind.CURVE, SurfaceKind.POINTS], 0)
    around = parent[tops]
    units = np.flatnonzero((role == Role.RING) | (role == Role.LINE) | (role == Role.POINTS))
    unit_surface = inside(rows, elements.end[rows], units)
    units, unit_surface = units[unit_surface >= 0], unit_surface[unit_surface >= 0]
    corners = corners_of(outline, units)
    _tell_of_corners(corners, objects.number[outline.feature[units]], told)
    lod, semantic = objects.lod(around), objects.semantic(around)
    shell_rows, shell_solid = _shells(outline)
    turned = _turned(outline)
    found = PieceGeometry(
        object=objects.number[outline.feature[around]][top],
        semantic=semantic[top],
        lod=lod[top],
        reversed=turned[rows],
        kind=kind.astype(np.int8),
        thematic=objects.thematic_number[outline.thematic[around]][top],
        geometry=top * 3 + kind,
        shell=inside(shell_rows, elements.end[shell_rows], rows),
        ring_count=np.bincount(unit_surface, minlength=len(rows)),
        ring_size=corners.sizes,
        ring_hash=_ring_hashes(outline, units),
        places=corners.places,
        geometry_type=_types(outline, tops),
        shell_solid=shell_solid,
        named=_named(outline, tops, rows),
        references=_references(outline, objects, tops, turned, shell_rows, told, shapes=shapes),
        rows=rows,
    )
    firsts = found.references.rows
    found.named.first_reference, found.named.end_reference = (
        np.searchsorted(firsts, found.named.first_reference),
        np.searchsorted(firsts, found.named.end_reference),
    )
    _put_outer_rings_first(outline, found, units)
    _tell_of_gaps(outline, objects, told)
    return found if shapes else _with_terrain(outline, objects, found, tops, told)


def _outermost(outline: Outline, *, shapes: bool) -> Int64s:
    """Return the rows of geometries that are in no other one."""
    rows = np.flatnonzero(outline.is_geometry(np.arange(len(outline.role))))
    around = outline.role[outline.elements.parent[rows]]
    outermost = (around != Role.PART) & (around != Role.AGGREGATE)
    found: Int64s = rows[outermost & ((around == Role.SHAPE) == shapes)]
    return found


def _types(outline: Outline, tops: Int64s) -> Int64s:
    """Return (3 t,) the types of the geometries of polygons, of curves and of points of each outermost element."""
    of_name = []
    for word in outline.words:
        type_name = TYPES.get(word.local, "MultiSurface")
        of_name.append(
            GEOMETRY_TYPES.index("MultiSurface" if type_name.startswith(("MultiL", "MultiP")) else type_name)
        )
    result = np.empty((len(tops), 3), np.int64)
    result[:, _OF_POLYGONS] = np.array(of_name, np.int64)[outline.elements.name[tops]]
    result[:, _OF_CURVES] = GEOMETRY_TYPES.index("MultiLineString")
    result[:, _OF_POINTS] = GEOMETRY_TYPES.index("MultiPoint")
    return result.ravel()


def _shells(outline: Outline) -> tuple[Int64s, Int64s]:
    """Return the rows (h,) of properties that hold the shells of solids, and which solid each bounds."""
    elements = outline.elements
    rows = np.flatnonzero((outline.role == Role.PART) & (outline.meaning == Meaning.SIDE))
    if len(rows):
        rows = rows[outline.named("Solid")[elements.parent[rows]]]
    solids = elements.parent[rows]
    solid: Int64s = np.cumsum(np.diff(solids, prepend=solids[:1]) != 0)
    return rows, solid


def _turned(outline: Outline) -> Bools:
    """Return (e,) whether an odd number of surfaces around an element, itself included, turn it round."""
    elements = outline.elements
    stated = outline.attributes("orientation")
    starts, ends = value_spans(elements, stated)
    rows = elements.attribute_element[stated]
    is_minus = (ends - starts == 1) & (elements.content[np.minimum(starts, len(elements.content) - 1)] == ord("-"))
    rows = rows[is_minus & (outline.meaning[rows] == Meaning.ORIENTABLE)]
    count = np.zeros(len(elements.name) + 1, np.int64)
    if not len(rows):
        return np.zeros(len(elements.name), np.bool_)
    np.add.at(count, rows, 1)
    np.add.at(count, elements.end[rows], -1)
    odd: Bools = np.cumsum(count[:-1]) % 2 == 1
    return odd


def _ring_hashes(outline: Outline, units: Int64s) -> Uint64s:
    result = np.zeros(len(units), np.uint64)
    ids = outline.ids()
    owners = outline.elements.attribute_element[ids]
    ids = ids[outline.role[owners] == Role.RING]
    owners = outline.elements.attribute_element[ids]
    at = np.searchsorted(units, owners)
    known = (
        (at < len(units)) & (units[np.minimum(at, len(units) - 1)] == owners) if len(units) else np.zeros(0, np.bool_)
    )
    if known.any():
        result[at[known]] = hashes(outline.elements.content, *value_spans(outline.elements, ids[known]))
    return result


def _named(outline: Outline, tops: Int64s, surfaces: Int64s) -> Named:
    """Return the ids of geometries; their references are given by rows for now."""
    elements = outline.elements
    ids = outline.ids()
    owners = elements.attribute_element[ids]
    kept = outline.is_geometry(owners)
    kept[kept] = inside(tops, elements.end[tops], owners[kept]) >= 0
    ids, owners = ids[kept], owners[kept]
    ends = elements.end[owners]
    return Named(
        hash=hashes(elements.content, *value_spans(elements, ids)),
        member=_members(outline, owners),
        first=np.searchsorted(surfaces, owners),
        end=np.searchsorted(surfaces, ends),
        first_reference=owners.astype(np.int64),
        end_reference=ends.astype(np.int64),
    )


def _members(outline: Outline, rows: Integers) -> Int64s:
    return np.searchsorted(outline.rows(Role.MEMBER), rows, side="right")


def _references(
    outline: Outline,
    objects: PieceObjects,
    tops: Int64s,
    turned: Bools,
    shell_rows: Int64s,
    told: Told,
    *,
    shapes: bool,
) -> References:
    elements = outline.elements
    hrefs = outline.hrefs()
    rows = elements.attribute_element[hrefs].astype(np.int64)
    empty = elements.end[rows] == rows + 1
    top = np.full(len(rows), -1, np.int64)
    of_part = empty & (outline.role[rows] == Role.PART)
    top[of_part] = inside(tops, elements.end[tops], rows[of_part])
    kept = top >= 0
    if not shapes:
        kept |= empty & (outline.role[rows] == Role.GEOMETRY_PROPERTY)
    hrefs, rows, top = hrefs[kept], rows[kept], top[kept]
    around = np.where(top >= 0, elements.parent[tops[top]], rows) if len(tops) else rows
    starts, ends = value_spans(elements, hrefs)
    local = elements.content[np.minimum(starts, max(len(elements.content) - 1, 0))] == ord("#")
    if not local.all():
        told.add(
            "xlink.other-file",
            "Geometries that are in other files, or named in an unknown way, are missing.",
            objects.number[outline.feature[rows[~local]]],
            details=[f"“{text[:80]}”" for text in texts(elements.content, starts[~local], ends[~local])],
        )
        hrefs, rows, top, around, starts, ends = (each[local] for each in (hrefs, rows, top, around, starts, ends))
    return References(
        hash=hashes(elements.content, starts + 1, ends),
        member=_members(outline, rows),
        object=objects.number[outline.feature[around]],
        semantic=objects.semantic(around),
        lod=objects.lod(around),
        thematic=objects.thematic_number[outline.thematic[around]],
        reversed=turned[rows],
        geometry=np.where(top >= 0, top * 3, -1),
        shell=inside(shell_rows, elements.end[shell_rows], rows),
        rows=rows,
        attributes=hrefs,
    )


# --- what is wrong ----------------------------------------------------------------------------------------------


def _tell_of_corners(corners: Corners, owners: Int64s, told: Told) -> None:
    problem = "Rings with coordinates that are not numbers are not shown."
    told.add("coordinates.not-numbers", problem, owners[corners.not_numbers])
    problem = "Rings whose coordinates do not come in threes are not shown."
    told.add("coordinates.incomplete", problem, owners[corners.incomplete])


def _tell_of_gaps(outline: Outline, objects: PieceObjects, told: Told) -> None:
    elements = outline.elements
    rows = elements.attribute_element[outline.hrefs()]
    rows = rows[(outline.role[rows] == Role.IN_GEOMETRY) & (elements.end[rows] == rows + 1)]
    problem = "Rings made of lines or points that are given elsewhere are not shown."
    told.add("ring.elsewhere", problem, objects.number[outline.feature[rows]])
    if any(word.local in _CURVED for word in outline.words):
        curved = np.flatnonzero(outline.named(*_CURVED) & (outline.role == Role.IN_GEOMETRY))
        problem = "Arcs and splines are drawn as straight lines through the points that the file gives of them."
        told.add("curve.straightened", problem, objects.number[outline.feature[curved]], severity=Severity.INFO)


def _put_outer_rings_first(outline: Outline, found: PieceGeometry, units: Int64s) -> None:
    """Give polygons that begin with a hole an outer ring without corners: it is told with the others of too few."""
    starts = offsets(found.ring_count)[:-1]
    polygons = np.flatnonzero((found.kind == SurfaceKind.POLYGON) & (found.ring_count > 0))
    holder = outline.elements.parent[units[starts[polygons]]]
    wrong = polygons[outline.named(*HOLES)[holder]] if len(polygons) else polygons
    if len(wrong):
        found.ring_size = np.insert(found.ring_size, starts[wrong], 0)
        found.ring_hash = np.insert(found.ring_hash, starts[wrong], 0)
        found.ring_count[wrong] += 1


# --- terrain ----------------------------------------------------------------------------------------------------


def _with_terrain(
    outline: Outline, objects: PieceObjects, found: PieceGeometry, tops: Int64s, told: Told
) -> PieceGeometry:
    """Return the geometry with triangles between the points of terrains that are given without any."""
    elements = outline.elements
    tins = np.flatnonzero((outline.role == Role.AGGREGATE) & outline.named("Tin"))
    bare = tins[np.searchsorted(found.rows, tins) == np.searchsorted(found.rows, elements.end[tins])]
    if not len(bare):
        return found
    controls = outline.rows(Role.CONTROL)
    corners = corners_of(outline, controls)
    starts = offsets(corners.sizes)
    parts = [found]
    for tin in bare.tolist():
        first, end = np.searchsorted(controls, [tin, elements.end[tin]])
        around = elements.parent[[tin]]
        owner = objects.number[outline.feature[around]]
        points = corners.places[starts[first] : starts[end]]
        usable = (np.abs(points) <= RAW_LIMIT).all(axis=1)  # false for what is no number, too
        if not usable.all():
            problem = "Points of a terrain with coordinates that are missing, infinite or absurdly large are left out."
            told.add("coordinates.absurd", problem, owner)
        triangles = _triangles_between(points[usable])
        if not len(triangles):
            told.add("tin.without-triangles", "Terrain without points and triangles is not shown.", owner)
            continue
        told.add(
            "tin.triangulated",
            "Terrain that is given by points was covered with triangles between them.",
            owner,
            severity=Severity.INFO,
        )
        count = len(triangles)
        (top,) = inside(tops, elements.end[tops], np.array([tin]))
        none = np.full(count, -1, np.int64)
        parts.append(
            replace(
                found,
                object=np.repeat(owner, count),
                semantic=none,
                lod=np.repeat(objects.lod(around), count),
                reversed=np.zeros(count, np.bool_),
                kind=np.zeros(count, np.int8),
                thematic=none,
                geometry=np.full(count, top * 3 + _OF_POLYGONS),
                shell=none,
                ring_count=np.ones(count, np.int64),
                ring_size=np.full(count, 3, np.int64),
                ring_hash=np.zeros(count, np.uint64),
                places=triangles.reshape(-1, 3),
                rows=np.full(count, tin, np.int64),
            )
        )
    whole = {field.name: getattr(found, field.name) for field in fields(PieceGeometry)}
    for name in _GROWING:
        whole[name] = np.concatenate([getattr(part, name) for part in parts])
    return PieceGeometry(**whole)


_GROWING = (
    *("object", "semantic", "lod", "reversed", "kind", "thematic", "geometry", "shell"),
    *("ring_count", "ring_size", "ring_hash", "places", "rows"),
)
"""Columns that have something for each surface, ring or corner."""


def _triangles_between(points: Float64s) -> NDArray[Any]:
    """Return (t, 3, 3) Delaunay's triangles in plan between ``points`` (n, 3), counter-clockwise as x and y are."""
    plan, first = np.unique(points[:, :2], axis=0, return_index=True)
    if len(plan) < 3:
        return np.empty((0, 3, 3))
    cut = shapely.get_parts(shapely.delaunay_triangles(shapely.multipoints(plan)))
    places = shapely.get_coordinates(cut).reshape(-1, 4, 2)[:, :3].reshape(-1, 2)
    at = np.searchsorted(
        plan.view([("", plan.dtype)] * 2).ravel(), np.ascontiguousarray(places).view([("", plan.dtype)] * 2).ravel()
    )
    triangles = points[first[at]].reshape(-1, 3, 3)
    a, b, c = triangles[:, 0, :2], triangles[:, 1, :2], triangles[:, 2, :2]
    clockwise = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) < (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    triangles[clockwise] = triangles[clockwise][:, ::-1]
    return triangles

"""What all readers of city models do at the end: polygons cleaned, cut into triangles, and put into columns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns
from twinviewer.formats.city_surfaces import RaggedSurfaces, Shapes, offsets
from twinviewer.formats.findings import Findings
from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.model.errors import UnknownCrsError
from twinviewer.model.layer_data import CityModel, SourceFacts
from twinviewer.model.place import Extent, ReferenceSystem

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

_METRES_PER_DEGREE = 111_320.0

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
    axis_order_stated: bool = True,
) -> CityModel:
    """Return the layer of what a reader gathered.

    Surfaces that cannot be drawn stay, without triangles, and are told; vertices that nothing uses are left out.

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
        axis_order_stated: Whether the format goes by the axis order of the authority, see ``is_north_first``.
    """
    ids = tuple(objects.ids)
    crs, north_first, metres = _reference_system(
        crs_names, surfaces, vertices, shapes, findings, axis_order_stated=axis_order_stated
    )
    order = [1, 0, 2] if north_first else [0, 1, 2]
    vertices = vertices[:, order]
    if len(shapes.instances):
        more, more_vertices = shapes.placed(shapes.positions[:, order], metres, len(vertices))
        surfaces = RaggedSurfaces.joined([surfaces, more])
        vertices = np.concatenate([vertices, more_vertices])
    rings, good = _clean(surfaces, vertices, ids, findings)
    corners = rings.corners
    with np.errstate(over="ignore"):  # absurd coordinates become infinite, and are told as without area
        in_metres = vertices[corners] * metres
    triangulation = triangulate_polygons(in_metres, offsets(rings.ring_size), offsets(rings.ring_count))
    _tell(
        findings,
        "polygon.zero-area",
        "Surfaces without area are not shown.",
        [ids[owner] for owner in rings.object[triangulation.failed[:1]]],
        len(triangulation.failed),
    )
    triangles = corners[triangulation.triangles]
    turned = rings.reversed[triangulation.triangle_polygon]
    triangles[turned] = triangles[turned][:, ::-1]
    edges, edge_polygon = _edges(rings, triangulation.failed)
    used = np.zeros(len(vertices), np.bool_)
    used[triangles.ravel()] = True
    used[edges.ravel()] = True
    new_index = (np.cumsum(used) - 1).astype(np.int32)
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
        triangle_surface=good[triangulation.triangle_polygon].astype(np.int32),
        edges=new_index[edges],
        edge_surface=good[edge_polygon].astype(np.int32),
        surface_object=surfaces.object.astype(np.int32),
        surface_type=surfaces.semantic.astype(np.int32),
        surface_type_names=surface_types.all(),
        surface_lod=lod_numbers,
        lods=lod_names,
        diagnostics=findings.diagnostics(),
    )


def _tell(findings: Findings, code: str, problem: str, where: Sequence[str], count: int) -> None:
    if count:
        findings.add(code, problem, where=where[0], count=count)


def _clean(
    surfaces: RaggedSurfaces, vertices: Float64s, ids: Sequence[str], findings: Findings
) -> tuple[RaggedSurfaces, Int64s]:
    """Return what of the surfaces can be drawn, and which (k,) of the surfaces that is.

    Corners that repeat the one before them, or close a ring, are taken out; so are rings of fewer than three.
    """
    owners = surfaces.object
    corner_surface = surfaces.ring_surface[surfaces.corner_ring]
    bad: Bools = np.zeros(len(owners), np.bool_)

    def exclude(found: Int64s, code: str, problem: str) -> None:
        numbers = np.unique(found)
        numbers = numbers[~bad[numbers]]
        bad[numbers] = True
        _tell(findings, code, problem, [ids[owner] for owner in owners[numbers[:1]]], len(numbers))

    outside = (surfaces.corners < 0) | (surfaces.corners >= len(vertices))
    exclude(
        corner_surface[outside],
        "vertex.out-of-range",
        "Surfaces that name a vertex which is not in the file are not shown.",
    )
    corners = np.where(outside, 0, surfaces.corners)
    finite: Bools = np.asarray(np.isfinite(vertices).all(axis=1))
    if not finite.all():
        exclude(
            corner_surface[~finite[corners]],
            "coordinates.not-finite",
            "Surfaces with coordinates that are not finite numbers are not shown.",
        )
    kept = _differing(corners, surfaces, vertices)
    ring_size = np.bincount(surfaces.corner_ring[kept], minlength=len(surfaces.ring_size))
    short = ring_size < 3
    outer = np.zeros(len(ring_size), np.bool_)
    outer[offsets(surfaces.ring_count)[:-1][surfaces.ring_count > 0]] = True
    problem = "Rings with fewer than three different points are not shown."
    without_rings = np.flatnonzero(surfaces.ring_count == 0)
    exclude(np.concatenate([surfaces.ring_surface[short & outer], without_rings]), "ring.too-few-points", problem)
    holes = np.flatnonzero(short & ~outer & ~bad[surfaces.ring_surface])
    where = [ids[owner] for owner in owners[surfaces.ring_surface[holes[:1]]]]
    _tell(findings, "ring.too-few-points", problem, where, len(holes))
    keep_ring = ~short & ~bad[surfaces.ring_surface]
    good = np.flatnonzero(~bad)
    cleaned = RaggedSurfaces(
        object=owners[good],
        semantic=surfaces.semantic[good],
        lod=surfaces.lod[good],
        reversed=surfaces.reversed[good],
        ring_count=np.bincount(surfaces.ring_surface[keep_ring], minlength=len(owners))[good],
        ring_size=ring_size[keep_ring],
        corners=corners[kept & keep_ring[surfaces.corner_ring]],
    )
    return cleaned, good


def _differing(corners: Int64s, surfaces: RaggedSurfaces, vertices: Float64s) -> Bools:
    """Return which corners (c,) lie elsewhere than the one that follows them in their ring."""
    if len(corners) == 0 or len(vertices) == 0:
        return np.zeros(len(corners), np.bool_)
    following = np.arange(1, len(corners) + 1)
    ring_offsets = offsets(surfaces.ring_size)
    filled = np.flatnonzero(surfaces.ring_size > 0)
    following[ring_offsets[filled + 1] - 1] = ring_offsets[filled]
    differing = np.zeros(len(corners), np.bool_)
    for axis in vertices.T:  # any(axis=1) would take four times as long
        along = axis[corners]
        differing |= along != along[following]
    return differing


def _edges(rings: RaggedSurfaces, failed: NDArray[np.int32]) -> tuple[Int64s, Int64s]:
    """Return the sides (e, 2) of all rings, and the polygon (e,) of each; those of ``failed`` polygons left out."""
    ends = np.cumsum(rings.ring_size)
    following = np.arange(1, len(rings.corners) + 1)
    following[ends - 1] = ends - rings.ring_size
    edges = np.column_stack([rings.corners, rings.corners[following]]).reshape(-1, 2)
    polygon = rings.ring_surface[rings.corner_ring]
    drawn = np.ones(len(rings.object), np.bool_)
    drawn[failed] = False
    return edges[drawn[polygon]], polygon[drawn[polygon]]


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

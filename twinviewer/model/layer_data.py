"""What layers hold: the bulky half of a layer, as arrays.

One value type per kind of layer.  Readers make them, the scene draws them, ``info`` counts them.  All are
immutable; arrays are not written to after construction.  Coordinates are float64 in ``crs``.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.city_parts import Appearance, CityPoints, Geometries, ThematicSurfaces
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.place import Extent, ReferenceSystem

Float64s = NDArray[np.float64]
Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint8s = NDArray[np.uint8]
Uint16s = NDArray[np.uint16]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceFacts:
    """What a reader says about where data came from."""

    format: str
    """Name for people and for ``info``: ``CityGML``, ``CityJSON``, ``CityJSONSeq``, ``LAS``, ``LAZ``, ``COPC``,
    ``GeoPackage``, ``ESRI Shapefile``, ``GeoJSON``, ``FlatGeobuf``, ``GeoTIFF``, ``OBJ``, ``glTF``, ``PLY``, …"""
    version: str = ""
    """Of the format, as the file states it: ``2.0``, ``1.4``; empty where the format has none."""
    title: str = ""
    """Name inside the file (GeoPackage layer, glTF scene); empty where the file itself is the layer."""
    licence: str = ""
    metadata: tuple[tuple[str, str], ...] = ()
    """What else the file says of itself, (name, text): ``referenceDate``, ``pointOfContact.contactName`` …"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CityModel:
    """City objects and their surfaces as columns; never a Python object per wall.

    CityGML 3.0 / CityJSON 2.0.  ``n`` objects own ``s`` surfaces (one per polygon of the file), which are cut
    into ``m`` triangles.  Objects come in the order of the file.  A curve is a row among the surfaces, too, that has
    edges and no triangles, a set of points one that has points only: whose they are, of which type and level of
    detail is said in the same way.
    """

    source: SourceFacts
    crs: ReferenceSystem | None
    object_ids: tuple[str, ...]
    """gml:id or CityJSON key, (n,)."""
    object_type: Int32s
    """(n,) index into ``type_names``."""
    type_names: tuple[str, ...]
    """Class names of the source: ``Building``, ``BuildingPart``, ``Bridge`` …"""
    object_parent: Int32s
    """(n,) index of the parent object, −1 for top-level ones."""
    attributes: tuple[AttributeColumn, ...]
    """Columns of n rows."""
    vertices: Float64s
    """(v, 3)"""
    triangles: Int32s
    """(m, 3) indices into ``vertices``, counter-clockwise seen from outside."""
    triangle_surface: Int32s
    """(m,) index of the surface that the triangle is part of."""
    edges: Int32s
    """(e, 2) indices into ``vertices``: the boundary rings of the polygons, drawn as outlines."""
    edge_surface: Int32s
    """(e,) index of the surface that the edge bounds."""
    surface_object: Int32s
    """(s,) index of the object that owns the surface."""
    surface_type: Int32s
    """(s,) index into ``surface_type_names``, −1 where the file gives no semantics."""
    surface_type_names: tuple[str, ...]
    """``RoofSurface``, ``WallSurface``, ``GroundSurface`` …"""
    surface_lod: Int32s
    """(s,) index into ``lods``, −1 where unknown."""
    lods: tuple[str, ...]
    """As written: ``"1"``, ``"2"``, ``"2.2"``; ascending."""
    geometries: Geometries | None = None
    """None where the reader does not say."""
    thematic: ThematicSurfaces | None = None
    """None where no surface has more to it than its type."""
    points: CityPoints | None = None
    """None where there are none."""
    appearance: Appearance | None = None
    """None where the file gives none."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def extent(self) -> Extent | None:
        return Extent.of(self.vertices)

    @property
    def is_curve(self) -> NDArray[np.bool_]:
        """(s,) which rows among the surfaces are curves: they have edges and no triangles."""
        curves = np.zeros(len(self.surface_object), np.bool_)
        curves[self.edge_surface] = True
        curves[self.triangle_surface] = False
        return curves


@dataclass(frozen=True, slots=True, kw_only=True)
class PointCloud:
    """Laser points (ASPRS LAS 1.4), all or a thinned part of the file."""

    source: SourceFacts
    crs: ReferenceSystem | None
    positions: Float64s
    """(n, 3)"""
    classification: Uint8s
    """(n,) ASPRS class."""
    intensity: Uint16s
    """(n,) as in the file."""
    rgb: Uint8s | None
    """(n, 3), scaled to 8 bits, or None where the format has no colour or all of it is zero."""
    declared_count: int
    """Points that the header promises."""
    read_count: int
    """Points that were really in the file; ``n`` is smaller where the reader thinned."""
    class_counts: tuple[tuple[int, int], ...]
    """(class, points) over all points read, ascending."""
    file_extent: Extent | None
    """Over all points read, thinned ones included."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def extent(self) -> Extent | None:
        return self.file_extent


@dataclass(frozen=True, slots=True, kw_only=True)
class FeatureTable:
    """Simple features (OGC 06-103r4), split by dimension into ragged arrays that can be drawn at once.

    A feature of a multi or mixed geometry has rows in several of the three groups.
    """

    source: SourceFacts
    crs: ReferenceSystem | None
    feature_count: int
    """Rows of the table, features without geometry included."""
    has_z: bool
    """Whether heights come from the file; otherwise z is 0 and the features lie on the terrain."""
    points: Float64s
    """(p, 3)"""
    point_feature: Int32s
    """(p,) feature of each point."""
    line_vertices: Float64s
    """(k, 3)"""
    line_offsets: Int64s
    """(l + 1,) the line i is ``line_vertices[line_offsets[i]:line_offsets[i + 1]]``."""
    line_feature: Int32s
    """(l,)"""
    ring_vertices: Float64s
    """(r, 3), rings closed (last vertex equals the first), outer ring counter-clockwise."""
    ring_offsets: Int64s
    """(q + 1,) into ``ring_vertices``."""
    polygon_offsets: Int64s
    """(g + 1,) into rings: polygon i has rings ``polygon_offsets[i]`` (outer) to ``polygon_offsets[i + 1]``."""
    polygon_feature: Int32s
    """(g,)"""
    attributes: tuple[AttributeColumn, ...]
    """Columns of ``feature_count`` rows."""
    geometry_type: str = ""
    """As the source declares it: ``Polygon``, ``MultiLineString``, ``Unknown`` …"""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def extent(self) -> Extent | None:
        return Extent.around(Extent.of(group) for group in (self.points, self.line_vertices, self.ring_vertices))


@dataclass(frozen=True, slots=True, kw_only=True)
class TerrainGrid:
    """Heights on a regular grid of an affine georeference (GeoTIFF, OGC 19-008r4); NaN where there is no data.

    The cell centre of row r, column c lies at ``(x, y) = transform · (c + 0.5, r + 0.5)``, ``transform`` being
    GDAL-ordered as rasterio's Affine: ``x = a·c + b·r + xoff``, ``y = d·c + e·r + yoff``.
    """

    source: SourceFacts
    crs: ReferenceSystem | None
    heights: Float32s
    """(rows, columns) metres."""
    transform: tuple[float, float, float, float, float, float]
    """(a, b, xoff, d, e, yoff)"""
    width: int
    """Columns of the file; ``heights`` has fewer where the reader took an overview."""
    height: int
    """Rows of the file."""
    file_extent: Extent | None
    """Outer edges of the file's grid, and its lowest and highest valid height."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def extent(self) -> Extent | None:
        return self.file_extent


@dataclass(frozen=True, slots=True, kw_only=True)
class RasterImage:
    """An orthophoto or map picture with an affine georeference (see :class:`TerrainGrid`)."""

    source: SourceFacts
    crs: ReferenceSystem | None
    pixels: Uint8s
    """(rows, columns, 4) RGBA."""
    transform: tuple[float, float, float, float, float, float]
    width: int
    height: int
    bands: int
    file_extent: Extent | None
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def extent(self) -> Extent | None:
        return self.file_extent


@dataclass(frozen=True, slots=True, kw_only=True)
class TriangleMesh:
    """A mesh without semantics (OBJ, glTF, PLY, STL), z up in metres."""

    source: SourceFacts
    crs: ReferenceSystem | None
    vertices: Float64s
    """(v, 3)"""
    triangles: Int32s
    """(m, 3)"""
    vertex_rgb: Uint8s | None
    """(v, 3) or None."""
    mesh_names: tuple[str, ...] = ()
    """Names of the meshes or groups of the file."""
    triangle_mesh: Int32s = field(default_factory=lambda: np.empty(0, np.int32))
    """(m,) index into ``mesh_names``, or empty where there is only one."""
    diagnostics: tuple[Diagnostic, ...] = ()

    @property
    def extent(self) -> Extent | None:
        return Extent.of(self.vertices)


LayerData = CityModel | PointCloud | FeatureTable | TerrainGrid | RasterImage | TriangleMesh
"""One layer, of any kind."""

KINDS: dict[str, type[LayerData]] = {
    "city-model": CityModel,
    "point-cloud": PointCloud,
    "features": FeatureTable,
    "terrain": TerrainGrid,
    "image": RasterImage,
    "mesh": TriangleMesh,
}
"""The project file's names for kinds of layer: our own words, never Python paths."""


def kind_of(data: LayerData) -> str:
    """Return the name in :data:`KINDS` of the type of ``data``."""
    return next(name for name, cls in KINDS.items() if isinstance(data, cls))

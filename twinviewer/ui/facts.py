"""What the inspector says about a picked object or a layer, as plain values without a widget."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.object_facts import (
    Attribute,
    ancestors,
    attributes_of,
    geometry_facts,
    inherited_attributes,
    surface_facts,
    title_of,
)
from twinviewer.app.object_tree import name_in
from twinviewer.model import crs
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    LayerData,
    PointCloud,
    RasterImage,
    TerrainGrid,
    TriangleMesh,
)
from twinviewer.model.place import Extent
from twinviewer.model.project import LayerSpec, Project
from twinviewer.scene.picking import Pick

READERS_WITH_IDS = ("twinviewer.citygml", "twinviewer.cityjson")
"""Of files in which an object is found by its id."""
MOST_PARTS = 4
"""Named in the inspector; the object tree has all."""

ASPRS_CLASS_NAMES = {
    0: "never classified", 1: "unclassified", 2: "ground", 3: "low vegetation", 4: "medium vegetation",
    5: "high vegetation", 6: "building", 7: "low noise", 8: "key point", 9: "water", 10: "rail", 11: "road surface",
    13: "wire, guard", 14: "wire, conductor", 15: "transmission tower", 16: "wire connector", 17: "bridge deck",
    18: "high noise", 19: "overhead structure", 20: "ignored ground", 21: "snow", 22: "temporal exclusion",
}  # fmt: skip
"""ASPRS LAS 1.4 R15, table 17."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectFacts:
    """What was picked."""

    title: str
    id: str
    """Of the object, as the source has it; empty where the source has none."""
    type: str
    layer_title: str
    parents: tuple[tuple[str, str], ...] = ()
    """(id, class and name if it has one) from the nearest parent up to the top."""
    parts: tuple[tuple[str, str], ...] = ()
    """(id, name or else id) of the first of its parts."""
    part_count: int = 0
    has_source: bool = False
    """Whether its file can be asked what it says of it."""
    surface: str = ""
    """Semantic type of the surface that was clicked: ``RoofSurface``."""
    attributes: tuple[Attribute, ...] = ()
    more: tuple[Attribute, ...] = ()
    """What else there is to say, in groups: what it has from its parents, geometry, the surface that was clicked."""
    position: tuple[float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerFacts:
    """What there is to know about a layer."""

    title: str
    rows: tuple[Attribute, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    missing: bool = False
    """Whether the layer's data is not there (yet)."""


def object_facts(
    project: Project, data: LayerData | None, pick: Pick, *, overlay_title: str = ""
) -> ObjectFacts | None:
    """Return what was picked, or None where its layer has gone."""
    if pick.overlay_id is not None:
        return ObjectFacts(
            title=pick.glyph_id or overlay_title,
            id=pick.glyph_id,
            type="Live value",
            layer_title=overlay_title or pick.overlay_id,
            position=pick.position,
        )
    layer = next((layer for layer in project.layers if layer.id == pick.layer_id), None)
    if layer is None:
        return None
    if isinstance(data, CityModel) and pick.object is not None:
        return _city_object(project, layer, data, pick, pick.object)
    if isinstance(data, FeatureTable) and pick.feature is not None:
        return _feature(layer, data, pick, pick.feature)
    if isinstance(data, PointCloud) and pick.point is not None:
        return _point(layer, data, pick, pick.point)
    if isinstance(data, TriangleMesh) and data.mesh_names and pick.mesh is not None:
        name = data.mesh_names[pick.mesh]
        return ObjectFacts(
            title=name or layer.title, id=name, type="Mesh", layer_title=layer.title, position=pick.position
        )
    return ObjectFacts(
        title=layer.title,
        id="",
        type=_KIND_TITLES.get(layer.kind, layer.kind),
        layer_title=layer.title,
        position=pick.position,
    )


_KIND_TITLES = {
    "city-model": "City model",
    "point-cloud": "Point cloud",
    "features": "Features",
    "terrain": "Terrain",
    "image": "Image",
    "mesh": "Mesh",
}


def _city_object(project: Project, layer: LayerSpec, data: CityModel, pick: Pick, row: int) -> ObjectFacts:
    surface = ""
    if pick.surface is not None and (kind := int(data.surface_type[pick.surface])) >= 0:
        surface = data.surface_type_names[kind]
    in_metres = project.crs is None or crs.unit_of(project.crs) == "metre"
    meant = pick.surfaces or (() if pick.surface is None else (pick.surface,))
    of_surface = surface_facts(data, meant, in_metres=in_metres) if meant else ()
    of_object = (*inherited_attributes(data, row), *geometry_facts(data, row, in_metres=in_metres))
    parts = np.flatnonzero(data.object_parent == row)
    return ObjectFacts(
        title=title_of(data, row),
        id=data.object_ids[row],
        type=data.type_names[data.object_type[row]],
        layer_title=layer.title,
        parents=tuple((data.object_ids[above], _named(data, above)) for above in ancestors(data, row)),
        parts=tuple(
            (data.object_ids[part], name_in(data.attributes, part) or data.object_ids[part])
            for part in parts[:MOST_PARTS].tolist()
        ),
        part_count=len(parts),
        has_source=layer.source.reader in READERS_WITH_IDS,
        surface=surface,
        attributes=attributes_of(data.attributes, row),
        more=(*of_surface, *of_object) if pick.surfaces else (*of_object, *of_surface),
        position=pick.position,
    )


def _named(data: CityModel, row: int) -> str:
    """Return class and name of an object, its class alone where it has no name."""
    return f"{data.type_names[data.object_type[row]]} {name_in(data.attributes, row)}".rstrip()


def _feature(layer: LayerSpec, data: FeatureTable, pick: Pick, row: int) -> ObjectFacts:
    attributes = attributes_of(data.attributes, row)
    name = next((str(a.value) for a in attributes if a.name.lower() in ("name", "title") and a.value), "")
    identifier = next((str(a.value) for a in attributes if a.name.lower() in ("id", "fid", "gml_id", "objectid")), "")
    return ObjectFacts(
        title=name or f"Feature {row + 1}",
        id=identifier or str(row + 1),
        type=data.geometry_type or "Feature",
        layer_title=layer.title,
        attributes=attributes,
        position=pick.position,
    )


def _point(layer: LayerSpec, data: PointCloud, pick: Pick, row: int) -> ObjectFacts:
    number = int(data.classification[row])
    name = ASPRS_CLASS_NAMES.get(number, "")
    rows = [
        Attribute(name="class", value=f"{number} {name}".strip()),
        Attribute(name="intensity", value=int(data.intensity[row])),
    ]
    if data.rgb is not None:
        red, green, blue = data.rgb[row]
        rows.append(Attribute(name="colour", value=f"{red} {green} {blue}"))
    return ObjectFacts(
        title=name.capitalize() if name else "Laser point",
        id="",
        type="Laser point",
        layer_title=layer.title,
        attributes=tuple(rows),
        position=pick.position,
    )


def matching(attributes: Sequence[Attribute], words: str) -> tuple[Attribute, ...]:
    """Return the attributes whose name or value holds every word of ``words``."""
    wanted = words.lower().split()
    return tuple(a for a in attributes if all(word in f"{a.name} {a.value}".lower() for word in wanted))


def layer_facts(layer: LayerSpec, data: LayerData | None, *, crs_text: str, unit: str = "metre") -> LayerFacts:
    """Return what the inspector says about a layer.

    Args:
        layer: Its small half.
        data: Its bulky half, or None while there is none.
        crs_text: The project's reference system in words, which placed data is in.
        unit: Of the project's coordinates.
    """
    sign = _UNIT_SIGNS.get(unit, unit)
    rows = [
        Attribute(name="Kind", value=_KIND_TITLES.get(layer.kind, layer.kind)),
        Attribute(name="Source", value=layer.source.path),
    ]
    if layer.source.sublayer:
        rows.append(Attribute(name="Part", value=layer.source.sublayer))
    if data is None:
        return LayerFacts(title=layer.title, rows=tuple(rows), missing=True)
    source = data.source
    rows.append(Attribute(name="Format", value=f"{source.format} {source.version}".strip()))
    rows.append(Attribute(name="Reference system", value=crs_text))
    rows += _counts(data)
    extent = data.extent
    if extent is not None:
        rows.append(Attribute(name="West – east", value=f"{extent.min_x:,.1f} – {extent.max_x:,.1f}", unit=sign))
        rows.append(Attribute(name="South – north", value=f"{extent.min_y:,.1f} – {extent.max_y:,.1f}", unit=sign))
    if extent is not None and not (isinstance(data, FeatureTable) and not data.has_z):
        rows.append(Attribute(name="Lowest – highest", value=f"{extent.min_z:,.1f} – {extent.max_z:,.1f}", unit="m"))
    rows.append(Attribute(name="Licence", value=layer.licence or source.licence or "not stated"))
    return LayerFacts(title=layer.title, rows=tuple(rows), diagnostics=data.diagnostics)


def count_text(count: int) -> str:
    """Return a count with its thousands marked: ``"4,512"``."""
    return f"{count:,}"


_UNIT_SIGNS = {"metre": "m", "degree": "°", "US survey foot": "ft (US)", "foot": "ft"}


def _counts(data: LayerData) -> list[Attribute]:
    if isinstance(data, CityModel):
        types, numbers = np.unique(data.object_type, return_counts=True)
        by_type = [
            Attribute(name=f"  {data.type_names[kind]}", value=count_text(int(number)))
            for kind, number in sorted(zip(types, numbers, strict=True), key=lambda pair: -pair[1])
        ]
        lods = [Attribute(name="Levels of detail", value=", ".join(data.lods))] if data.lods else []
        return [
            Attribute(name="City objects", value=count_text(len(data.object_ids))),
            *by_type,
            Attribute(name="Surfaces", value=count_text(len(data.surface_object))),
            Attribute(name="Triangles", value=count_text(len(data.triangles))),
            *lods,
        ]
    if isinstance(data, PointCloud):
        shown = (
            [Attribute(name="Points shown", value=count_text(len(data.positions)))]
            if len(data.positions) < data.read_count
            else []
        )
        classes = [
            Attribute(name=f"  {number} {ASPRS_CLASS_NAMES.get(number, '')}".rstrip(), value=count_text(points))
            for number, points in data.class_counts
        ]
        return [Attribute(name="Points", value=count_text(data.read_count)), *shown, *classes]
    if isinstance(data, FeatureTable):
        geometry = [Attribute(name="Geometry", value=data.geometry_type)] if data.geometry_type else []
        return [
            Attribute(name="Features", value=count_text(data.feature_count)),
            *geometry,
            Attribute(name="Attributes", value=count_text(len(data.attributes))),
        ]
    if isinstance(data, TerrainGrid | RasterImage):
        cell = float(np.hypot(data.transform[0], data.transform[3]))
        return [
            Attribute(name="Cells", value=f"{data.width} × {data.height}"),
            Attribute(name="Cell size", value=round(cell, 3), unit="m"),
        ]
    return [
        Attribute(name="Vertices", value=count_text(len(data.vertices))),
        Attribute(name="Triangles", value=count_text(len(data.triangles))),
    ]


def object_extent(data: CityModel, row: int) -> Extent | None:
    """Return the box around a city object and all its parts, or None where it has no geometry."""
    members = np.zeros(len(data.object_ids), dtype=np.bool_)
    members[row] = True
    for _ in range(32):  # deeper nesting than any city model has
        children = (data.object_parent >= 0) & members[data.object_parent] & ~members
        if not children.any():
            break
        members |= children
    return _extent_of(data, members[data.surface_object])


def surfaces_extent(data: CityModel, surfaces: Sequence[int]) -> Extent | None:
    """Return the box around some surfaces, or None where nothing of them can be drawn."""
    members = np.zeros(len(data.surface_object), dtype=np.bool_)
    members[list(surfaces)] = True
    return _extent_of(data, members)


def _extent_of(data: CityModel, surfaces: NDArray[np.bool_]) -> Extent | None:
    corners = data.triangles[surfaces[data.triangle_surface]].ravel()
    ends = data.edges[surfaces[data.edge_surface]].ravel()  # curves have edges only
    used = [corners, ends]
    if data.points is not None:
        used.append(data.points.vertices[surfaces[data.points.surface]])
    return Extent.of(data.vertices[np.concatenate(used)])


def around_point(position: tuple[float, float, float], radius_m: float = 30.0) -> Extent:
    """Return a box around a position that is worth flying to."""
    x, y, z = position
    return Extent(
        min_x=x - radius_m, min_y=y - radius_m, min_z=z, max_x=x + radius_m, max_y=y + radius_m, max_z=z + radius_m / 3
    )

"""What there is to know about one city object, and about the surface of it that is meant, as plain values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.object_tree import name_in
from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.city_parts import GEOMETRY_TYPES, Material
from twinviewer.model.layer_data import CityModel

Value = str | int | float | bool
Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]

MOST_ATTRIBUTES = 500
"""Rows of the table of one object."""
_DEEPEST_NESTING = 32
_MOST_TRIANGLES = 20_000
"""A volume is found at a click: what has more is terrain, and encloses none."""
_SAME_PLACE_M = 1e-3
"""Corners that are no farther apart are one: files round them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attribute:
    """One row of the attribute table."""

    name: str
    value: Value
    unit: str = ""
    group: str = ""
    """Heading of the rows that it stands among; empty: what is said of the object itself."""


def attributes_of(columns: Sequence[AttributeColumn], row: int, *, group: str = "") -> tuple[Attribute, ...]:
    """Return the attributes that ``row`` has, in the order of the source."""
    found = []
    for column in columns:
        value = column.value(row)
        if value is not None:
            found.append(Attribute(name=column.name, value=value, unit=column.unit or "", group=group))
        if len(found) == MOST_ATTRIBUTES:
            break
    return tuple(found)


def ancestors(model: CityModel, row: int) -> list[int]:
    """Return the objects that ``row`` is part of, the nearest first."""
    found: list[int] = []
    above = int(model.object_parent[row])
    while above >= 0 and len(found) < _DEEPEST_NESTING:
        found.append(above)
        above = int(model.object_parent[above])
    return found


def title_of(model: CityModel, row: int) -> str:
    """Return the name of an object, or else its class."""
    return name_in(model.attributes, row) or model.type_names[model.object_type[row]]


def inherited_attributes(model: CityModel, row: int) -> tuple[Attribute, ...]:
    """Return the attributes that an object has because what it is part of has them, saying from where."""
    known = {column.name for column in model.attributes if column.present[row]}
    found: list[Attribute] = []
    for above in ancestors(model, row):
        type_name = model.type_names[model.object_type[above]]
        name = name_in(model.attributes, above)
        group = f"From {type_name} {name}".rstrip()
        more = [each for each in attributes_of(model.attributes, above, group=group) if each.name not in known]
        known.update(each.name for each in more)
        found += more
    return tuple(found)


def geometry_facts(model: CityModel, row: int, *, in_metres: bool = True) -> tuple[Attribute, ...]:
    """Return what an object itself, without its parts, has of geometry: by level of detail type, surfaces and size.

    Sizes are left out where coordinates are not ``in_metres``.
    """
    surfaces = np.flatnonzero(model.surface_object == row)
    found = []
    for level in np.unique(model.surface_lod[surfaces]).tolist():
        among = surfaces[model.surface_lod[surfaces] == level]
        group = f"Geometry, LoD {model.lods[level]}" if level >= 0 else "Geometry"
        types = _geometry_types(model, among)
        if types:
            found.append(Attribute(name="Type", value=types, group=group))
        found.append(Attribute(name="Surfaces", value=len(among), group=group))
        triangles = model.triangles[np.isin(model.triangle_surface, among)]
        if len(triangles) and in_metres:
            area = _area(model.vertices[triangles])
            found.append(Attribute(name="Area of all surfaces", value=_rounded(area), unit="m²", group=group))
            volume = enclosed_volume(_solid_corners(model, among))
            if volume is not None:
                found.append(Attribute(name="Volume", value=_rounded(volume), unit="m³", group=group))
    return tuple(found)


def _solid_corners(model: CityModel, surfaces: NDArray[np.int64]) -> Float64s:
    """Return the triangles (m, 3, 3) of those surfaces that bound solids, of all where the source does not tell."""
    if model.geometries is not None:
        surfaces = surfaces[model.geometries.surface_shell[surfaces] >= 0]
    return model.vertices[model.triangles[np.isin(model.triangle_surface, surfaces)]]


def enclosed_volume(corners: Float64s) -> float | None:
    """Return the volume in cubic metres that triangles (m, 3, 3) enclose; None where they leave a gap or are too many.

    They leave none if each edge is passed once in each direction.
    """
    if not 0 < len(corners) <= _MOST_TRIANGLES:
        return None
    at = corners.mean(axis=(0, 1))
    places = np.round((corners - at) / _SAME_PLACE_M).reshape(-1, 3)
    corner = np.unique(places, axis=0, return_inverse=True)[1].reshape(-1, 3).astype(np.int64)
    starts, ends = corner.ravel(), np.roll(corner, -1, axis=1).ravel()
    keep = starts != ends
    starts, ends = starts[keep], ends[keep]
    if not len(starts):
        return None
    low, high = np.minimum(starts, ends), np.maximum(starts, ends)
    edge = np.unique(low * (corner.max() + 1) + high, return_inverse=True)[1].ravel()
    upwards = starts < ends
    if (np.bincount(edge[upwards], minlength=edge.max() + 1) != 1).any() or (np.bincount(edge) != 2).any():
        return None
    relative = corners - at
    volume = float(np.einsum("ij,ij->", relative[:, 0], np.cross(relative[:, 1], relative[:, 2])) / 6)
    return volume if volume > 0 else None


def surface_facts(model: CityModel, surfaces: Sequence[int], *, in_metres: bool = True) -> tuple[Attribute, ...]:
    """Return what the model says about a surface, or some that mean the same: meaning, attributes, size and looks.

    Their size is left out where coordinates are not ``in_metres``.
    """
    first = surfaces[0]
    found = list(_meaning(model, first))
    triangles = model.triangles[np.isin(model.triangle_surface, surfaces)]
    sizes = [Attribute(name="Surfaces", value=len(surfaces), group="Surface")] if len(surfaces) > 1 else []
    if len(triangles) and in_metres:
        sizes.append(
            Attribute(name="Area", value=_rounded(_area(model.vertices[triangles])), unit="m²", group="Surface")
        )
    at = next((row for row, each in enumerate(found) if each.group != "Surface"), len(found))
    return (*found[:at], *sizes, *found[at:], *_appearance(model, first))


def _meaning(model: CityModel, surface: int) -> Iterator[Attribute]:
    """Yield type, id and attributes of the thematic surface that a surface is part of, then of that around it."""
    kind, thematic = int(model.surface_type[surface]), model.thematic
    which = -1 if thematic is None else int(thematic.of_surface[surface])
    if (thematic is None or which < 0) and kind >= 0:
        yield Attribute(name="Type", value=model.surface_type_names[kind], group="Surface")
    group = "Surface"
    for _ in range(_DEEPEST_NESTING):
        if thematic is None or which < 0:
            return
        yield Attribute(name="Type", value=model.surface_type_names[thematic.type[which]], group=group)
        if thematic.ids[which]:
            yield Attribute(name="Id", value=thematic.ids[which], group=group)
        yield from attributes_of(thematic.attributes, which, group=group)
        which = int(thematic.parent[which])
        if which >= 0:
            group = f"Surface around it: {model.surface_type_names[thematic.type[which]]}"


def _appearance(model: CityModel, surface: int) -> tuple[Attribute, ...]:
    if model.appearance is None:
        return ()
    found = []
    for theme in model.appearance.themes:
        group = f"Appearance, theme {theme.name}" if theme.name else "Appearance"
        material, texture = int(theme.material[surface]), int(theme.texture[surface])
        if material >= 0:
            found += _material_facts(model.appearance.materials[material], group)
        if texture >= 0:
            found.append(Attribute(name="Texture", value=model.appearance.textures[texture].path, group=group))
    return tuple(found)


def _material_facts(material: Material, group: str) -> list[Attribute]:
    red, green, blue = (round(255 * part) for part in material.diffuse)
    found = [Attribute(name="Material", value=material.name, group=group)] if material.name else []
    found.append(Attribute(name="Colour", value=f"#{red:02x}{green:02x}{blue:02x}", group=group))
    if material.transparency:
        found.append(Attribute(name="Transparency", value=round(100 * material.transparency), unit="%", group=group))
    return found


def _geometry_types(model: CityModel, surfaces: NDArray[np.int64]) -> str:
    if model.geometries is None:
        return ""
    geometries = np.unique(model.geometries.surface_geometry[surfaces])
    types, counts = np.unique(model.geometries.type[geometries[geometries >= 0]], return_counts=True)
    texts = zip(types.tolist(), counts.tolist(), strict=True)
    return ", ".join(GEOMETRY_TYPES[kind] + (f" ×{count}" if count > 1 else "") for kind, count in texts)


def _area(corners: Float64s) -> float:
    """Return the area of triangles (m, 3, 3)."""
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    return float(np.linalg.norm(normals, axis=1).sum() / 2)


def _rounded(size: float) -> float:
    return round(size, 2 if size < 1000 else 1)

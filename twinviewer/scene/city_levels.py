"""Which surfaces of a city model are drawn: of each object the highest level of detail, or one that is wanted."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.layer_data import CityModel

Int32s = NDArray[np.int32]
Bools = NDArray[np.bool_]

DEEPEST_NESTING = 32
"""Deeper than any city model's; a cycle of parents in a bad file ends here."""

_ADDITIONS = ("Installation", "Furniture", "Room", "Storey", "Unit", "HollowSpace")
"""In the names of classes that are drawn beside the object that they belong to; all other parts stand for it."""
_INTERIOR_CLASSES = ("Room", "IntBuilding", "IntBridge", "IntTunnel", "Furniture", "Storey", "Unit", "HollowSpace")
_OUTDOORS = "CityFurniture"
_INTERIOR_SURFACES = ("InteriorWallSurface", "CeilingSurface", "FloorSurface")

_OUTER, _INNER, _CURVES, _POINTS = range(4)
"""What one object may have at levels of their own: a floor plan of LoD 4 replaces no roof of LoD 2."""


def shown_surfaces(model: CityModel, lod: str | None) -> Bools:
    """Return which surfaces (s,) are drawn: of each object the highest level of detail, but none above ``lod``.

    An object whose parts are more detailed than itself leaves the drawing to them; installations and interiors are no
    such parts.  Objects that have nothing at or below ``lod`` are drawn at their lowest level rather than not at all,
    interiors apart.
    """
    level, owner, parent = model.surface_lod, model.surface_object, model.object_parent
    count = len(parent)
    limit = model.lods.index(lod) if lod in model.lods else len(model.lods)
    inside = _has_name(model, _INTERIOR_CLASSES) & ~_has_name(model, (_OUTDOORS,))
    kind = _kinds(model)
    group = owner * 4 + kind
    lowest = np.full(count * 4, np.iinfo(np.int32).max, dtype=np.int32)
    np.minimum.at(lowest, group, level)
    highest = np.full(count * 4, -1, dtype=np.int32)
    allowed = level <= limit
    np.maximum.at(highest, group[allowed], level[allowed])
    fallback = (highest < 0) & (lowest != np.iinfo(np.int32).max) & ~np.repeat(inside, 4)
    best = np.where(fallback, lowest, highest).astype(np.int32).reshape(count, 4)
    stands_for_parent = np.flatnonzero((parent >= 0) & ~inside & ~_has_name(model, _ADDITIONS))
    outer = best[:, _OUTER].copy()
    for _ in range(DEEPEST_NESTING):
        above = outer.copy()
        np.maximum.at(above, parent[stands_for_parent], outer[stands_for_parent])
        if (above == outer).all():
            break
        outer = above
    best[:, _OUTER] = outer
    own_or_unknown: Bools = (level == best[owner, kind]) | (level < 0)
    return own_or_unknown


def inner_surfaces(model: CityModel) -> Bools:
    """Return which surfaces (s,) bound rooms and what stands in them, and lie behind walls."""
    inside = _has_name(model, _INTERIOR_CLASSES) & ~_has_name(model, (_OUTDOORS,))
    named = np.isin([*model.surface_type_names, ""], _INTERIOR_SURFACES)[model.surface_type]
    inner: Bools = inside[model.surface_object] | named
    return inner


def _kinds(model: CityModel) -> Int32s:
    kind = np.where(inner_surfaces(model), _INNER, _OUTER).astype(np.int32)
    empty = np.ones(len(kind), np.bool_)
    empty[model.triangle_surface] = False
    kind[model.is_curve] = _CURVES
    if model.points is not None:
        pointed = np.zeros(len(kind), np.bool_)
        pointed[model.points.surface] = True
        kind[pointed & empty] = _POINTS
    return kind


def hidden_surfaces(model: CityModel, types: tuple[str, ...]) -> Bools:
    """Return which surfaces (s,) are of one of these types, or of an object of one of these classes."""
    objects = np.isin(model.type_names, types) if model.type_names else np.zeros(0, np.bool_)
    surfaces = np.isin([*model.surface_type_names, ""], types)  # −1 looks at the last, that has no name
    surfaces[-1] = False
    hidden: Bools = objects[model.object_type[model.surface_object]] | surfaces[model.surface_type]
    return hidden


def inherited(column: AttributeColumn, parent: Int32s) -> AttributeColumn:
    """Return the column with absent values taken from the nearest ancestor: parts are as old as their building."""
    source = np.arange(len(parent), dtype=np.int32)
    for _ in range(DEEPEST_NESTING):
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


def _has_name(model: CityModel, parts: tuple[str, ...]) -> Bools:
    """Return which objects (n,) are of a class whose name holds one of ``parts``."""
    wanted = np.array([any(part in name for part in parts) for name in model.type_names], dtype=np.bool_)
    return wanted[model.object_type] if len(wanted) else np.zeros(len(model.object_type), dtype=np.bool_)

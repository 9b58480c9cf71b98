"""The city objects and thematic surfaces in a piece of a CityGML file."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.spans import Integers, text_spans, texts, value_spans
from twinviewer.formats.citygml.vocabulary import Meaning

Int64s = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class PieceObjects:
    """``n`` city objects and ``k`` thematic surfaces in the order of the file, numbered within the piece."""

    outline: Outline
    rows: Int64s
    """(n,) elements that they are."""
    ids: tuple[str, ...]
    """Empty where there is none."""
    type_names: tuple[str, ...]
    """(n,)"""
    parent: Int64s
    """(n,) −1 for none."""
    number: Int64s
    """(e + 1,) of the city objects by row, −1 for other rows and for the row −1."""
    thematic_rows: Int64s
    thematic_ids: tuple[str, ...]
    thematic_type: Int64s
    """(k,) number among ``surface_types``."""
    thematic_object: Int64s
    thematic_parent: Int64s
    thematic_number: Int64s
    """(e + 1,) as ``number``."""
    surface_types: tuple[str, ...]
    lods: tuple[str, ...]
    lod_of_name: Int64s
    """Number among ``lods`` that properties of a name say, −1 for none."""
    lod_of_object: Int64s
    """(n + 1,) as the object or one around it states, else −1."""
    type_of_object: Int64s
    """(n + 1,) number among ``surface_types`` of city objects that are surfaces themselves, else −1."""

    @classmethod
    def of(cls, outline: Outline) -> PieceObjects:
        """Return what is in a piece."""
        elements, words = outline.elements, outline.words
        rows, thematic_rows = outline.rows(Role.FEATURE), outline.rows(Role.THEMATIC)
        number, thematic_number = _numbers(outline, rows), _numbers(outline, thematic_rows)
        around, around_thematic = elements.parent[rows], elements.parent[thematic_rows]
        parent = number[_found(outline.feature, around)]
        locals_ = [word.local for word in words]
        is_boundary = outline.meaning[rows] == Meaning.BOUNDARY
        of_surfaces = np.concatenate([thematic_rows, rows[is_boundary]])
        kinds, kind = np.unique(elements.name[of_surfaces], return_inverse=True)
        type_of_object = np.full(len(rows) + 1, -1, np.int64)
        type_of_object[:-1][is_boundary] = kind[len(thematic_rows) :]
        lods, lod_of_name, lod_of_object = _levels_of_detail(outline, number, parent)
        return cls(
            outline=outline,
            rows=rows,
            ids=_ids(outline, number, len(rows)),
            type_names=tuple(locals_[name] for name in elements.name[rows].tolist()),
            parent=parent,
            number=number,
            thematic_rows=thematic_rows,
            thematic_ids=_ids(outline, thematic_number, len(thematic_rows)),
            thematic_type=kind[: len(thematic_rows)].astype(np.int64),
            thematic_object=number[_found(outline.feature, around_thematic)],
            thematic_parent=thematic_number[_found(outline.thematic, around_thematic)],
            thematic_number=thematic_number,
            surface_types=tuple(locals_[name] for name in kinds.tolist()),
            lods=lods,
            lod_of_name=lod_of_name,
            lod_of_object=lod_of_object,
            type_of_object=type_of_object,
        )

    def lod(self, rows: Integers) -> Int64s:
        """Return the level of detail of geometries right in some elements: their properties, or city objects."""
        outline, parent = self.outline, self.outline.elements.parent
        rows = np.where(outline.role[rows] == Role.SHAPE, parent[parent[rows]], rows)
        own = np.where(outline.role[rows] == Role.GEOMETRY_PROPERTY, self.lod_of_name[outline.elements.name[rows]], -1)
        return np.where(own >= 0, own, self.lod_of_object[self.number[outline.feature[rows]]])

    def semantic(self, rows: Integers) -> Int64s:
        """Return the number of the surface type of geometries in some elements, −1 for none."""
        outline = self.outline
        thematic = self.thematic_number[outline.thematic[rows]]
        types = np.append(self.thematic_type, -1)
        return np.where(thematic >= 0, types[thematic], self.type_of_object[self.number[outline.feature[rows]]])


def _found(rows: NDArray[np.int32], at: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return ``rows[at]``, −1 where ``at`` is."""
    return np.where(at >= 0, rows[at], np.int32(-1))


def _numbers(outline: Outline, rows: Int64s) -> Int64s:
    number = np.full(len(outline.role) + 1, -1, np.int64)
    number[rows] = np.arange(len(rows))
    return number


def _ids(outline: Outline, number: Int64s, count: int) -> tuple[str, ...]:
    found = [""] * count
    ids = outline.ids()
    owners = number[outline.elements.attribute_element[ids]]
    ids, owners = ids[owners >= 0], owners[owners >= 0]
    names = texts(outline.elements.content, *value_spans(outline.elements, ids))
    for owner, name in zip(owners.tolist(), names, strict=True):
        found[owner] = name
    return tuple(found)


def _levels_of_detail(outline: Outline, number: Int64s, parent: Int64s) -> tuple[tuple[str, ...], Int64s, Int64s]:
    """Return the names of levels, the level that each name of a property says, and the level of city objects."""
    elements = outline.elements
    levels: dict[str, int] = {}
    is_property = np.zeros(len(outline.words), np.bool_)
    is_property[elements.name[outline.role == Role.GEOMETRY_PROPERTY]] = True
    of_name = np.full(len(outline.words), -1, np.int64)
    for name in np.flatnonzero(is_property).tolist():
        if text := outline.words[name].text:
            of_name[name] = levels.setdefault(text, len(levels))
    of_object = np.full(len(parent) + 1, -1, np.int64)
    stated = outline.rows(Role.LOD)
    for row, text in zip(stated.tolist(), texts(elements.content, *text_spans(elements, stated)), strict=True):
        if text:
            of_object[number[outline.feature[row]]] = levels.setdefault(text, len(levels))
    if len(stated):
        for at, above in enumerate(parent.tolist()):  # parents come first
            if of_object[at] < 0:
                of_object[at] = of_object[above]
    return tuple(levels), of_name, of_object

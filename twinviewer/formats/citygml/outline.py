"""The outline of a piece of a CityGML file: what each of its elements is, and to which city object it belongs.

An element's name alone does not say what it is: ``name`` is an attribute of a building, and part of a generic
attribute.  Its place does: what the element around it is and its own name decide together, from the members of the
city model inwards, level by level.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.elements import Elements
from twinviewer.formats.citygml.vocabulary import HREF, IDS, Meaning, Word, understood
from twinviewer.model.errors import HostileFileError

Bools = NDArray[np.bool_]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Integers = NDArray[np.signedinteger[Any]]
Uint8s = NDArray[np.uint8]

DEEPEST = 250
"""Elements inside each other; real ones have less than forty."""


class Role(IntEnum):
    """What an element is at its place."""

    NOTHING = 0
    """Not understood, or of no use, and all in it neither."""
    MEMBER = auto()
    FEATURE = auto()
    """A city object."""
    THEMATIC = auto()
    """A thematic surface."""
    PROPERTY = auto()
    """Of a city object, a thematic surface or a data type."""
    DATA_TYPE = auto()
    GENERIC = auto()
    GENERIC_SET = auto()
    GENERIC_PART = auto()
    """Name or value of a generic attribute, name of a set, or what holds the attributes of one."""
    ADDRESS = auto()
    IN_ADDRESS = auto()
    ENVELOPE = auto()
    LOD = auto()
    GEOMETRY_PROPERTY = auto()
    IMPLICIT = auto()
    SHAPE = auto()
    IN_IMPLICIT = auto()
    AGGREGATE = auto()
    """A geometry that is made of geometries."""
    PART = auto()
    """A property of an aggregate."""
    POLYGON = auto()
    SIDE = auto()
    RING = auto()
    LINE = auto()
    POINTS = auto()
    CONTROL = auto()
    IN_GEOMETRY = auto()
    """Inside a ring, a line, points or a control point."""
    APPEARANCE = auto()
    GRID = auto()
    IN_GRID = auto()


def _transitions() -> Uint8s:
    """Return (roles, meanings) what an element is by what is around it and by its own name."""
    table = np.zeros((len(Role), len(Meaning)), np.uint8)
    geometries = {
        Meaning.POLYGON: Role.POLYGON,
        Meaning.ORIENTABLE: Role.AGGREGATE,
        Meaning.AGGREGATE: Role.AGGREGATE,
        Meaning.LINE: Role.LINE,
        Meaning.POINTS: Role.POINTS,
    }
    features = {
        Meaning.CITY_OBJECT: Role.FEATURE,
        Meaning.THING: Role.FEATURE,
        Meaning.BOUNDARY: Role.THEMATIC,
    }
    properties = {
        **dict.fromkeys(Meaning, Role.PROPERTY),
        **features,
        **geometries,
        Meaning.IMPLICIT: Role.IMPLICIT,
        Meaning.GRID: Role.GRID,
        Meaning.ENVELOPE: Role.ENVELOPE,
        Meaning.GENERIC: Role.GENERIC,
        Meaning.GENERIC_SET: Role.GENERIC_SET,
        Meaning.ADDRESS: Role.ADDRESS,
        Meaning.LOD_GEOMETRY: Role.GEOMETRY_PROPERTY,
        Meaning.LOD: Role.LOD,
        Meaning.APPEARANCE: Role.APPEARANCE,
        Meaning.IGNORED: Role.NOTHING,
    }

    def allow(around: Role, inside: dict[Meaning, Role]) -> None:
        for meaning, role in inside.items():
            table[around, meaning] = role

    allow(
        Role.MEMBER,
        {
            **features,
            Meaning.BOUNDARY: Role.FEATURE,
            Meaning.DATA: Role.FEATURE,
            Meaning.PROPERTY: Role.FEATURE,
            Meaning.APPEARANCE: Role.APPEARANCE,
            Meaning.ENVELOPE: Role.ENVELOPE,
        },
    )
    for around in (Role.FEATURE, Role.THEMATIC, Role.DATA_TYPE):
        allow(around, properties)
    allow(Role.PROPERTY, {**properties, Meaning.DATA: Role.DATA_TYPE})
    allow(Role.GEOMETRY_PROPERTY, {**features, **geometries, Meaning.IMPLICIT: Role.IMPLICIT, Meaning.GRID: Role.GRID})
    table[Role.GENERIC] = table[Role.GENERIC_SET] = table[Role.GENERIC_PART] = Role.GENERIC_PART
    for around in (Role.GENERIC_SET, Role.GENERIC_PART):
        allow(around, {Meaning.GENERIC: Role.GENERIC, Meaning.GENERIC_SET: Role.GENERIC_SET})
    table[Role.ADDRESS] = table[Role.IN_ADDRESS] = Role.IN_ADDRESS
    table[Role.IMPLICIT] = table[Role.IN_IMPLICIT] = Role.IN_IMPLICIT
    allow(Role.IMPLICIT, {Meaning.SHAPE: Role.SHAPE})
    allow(Role.SHAPE, geometries)
    table[Role.AGGREGATE] = Role.PART
    allow(Role.AGGREGATE, {Meaning.CONTROL: Role.CONTROL, Meaning.APPEARANCE: Role.APPEARANCE})
    allow(Role.PART, geometries)
    allow(Role.POLYGON, {Meaning.SIDE: Role.SIDE})
    table[Role.SIDE] = Role.RING
    for around in (Role.RING, Role.LINE, Role.POINTS, Role.CONTROL, Role.IN_GEOMETRY):
        table[around] = Role.IN_GEOMETRY
    table[Role.APPEARANCE] = Role.APPEARANCE
    table[Role.GRID] = table[Role.IN_GRID] = Role.IN_GRID
    return table


_TRANSITIONS = _transitions()
_GEOMETRIES = np.isin(np.arange(len(Role)), [Role.AGGREGATE, Role.POLYGON, Role.LINE, Role.POINTS])


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A piece of a file, understood; (e,) as in its elements."""

    elements: Elements
    words: tuple[Word, ...]
    """Of the names."""
    meaning: Uint8s
    """(e,) :class:`Meaning`."""
    role: Uint8s
    """(e,) :class:`Role`."""
    feature: Int32s
    """(e,) row of the city object around, itself included; −1 for none."""
    thematic: Int32s
    """(e,) row of the thematic surface around, itself included, if it is inside the same city object; −1 for none."""

    @classmethod
    def of(cls, elements: Elements) -> Outline:
        """Return the outline of a piece.

        Raises:
            HostileFileError: It is nested absurdly deep.
        """
        if len(elements.depth) and elements.depth.max() > DEEPEST:
            raise HostileFileError("Elements are nested absurdly deep, as in attacks; the file is not read.")
        words = tuple(map(understood, elements.names))
        meaning = np.array([word.meaning for word in words], np.uint8)[elements.name]
        _find_things(elements, words, meaning)
        role, feature, thematic = _spread(elements, meaning)
        return cls(elements=elements, words=words, meaning=meaning, role=role, feature=feature, thematic=thematic)

    def rows(self, role: Role) -> Int64s:
        """Return the rows of that role, ascending."""
        return np.flatnonzero(self.role == role)

    def named(self, *locals: str) -> Bools:
        """Return (e,) which elements have one of those names, in whatever namespace."""
        return np.array([word.local in locals for word in self.words], np.bool_)[self.elements.name]

    def is_geometry(self, rows: Integers) -> Bools:
        """Return which rows are geometries."""
        found: Bools = _GEOMETRIES[self.role[rows]]
        return found

    def attributes(self, *names: str) -> Int64s:
        """Return the rows, among the attributes of XML, of those names."""
        wanted = np.array([name in names for name in self.elements.names], np.bool_)
        return np.flatnonzero(wanted[self.elements.attribute_name]) if wanted.any() else np.empty(0, np.int64)

    def ids(self) -> Int64s:
        """Return the rows, among the attributes of XML, of gml:id."""
        return self.attributes(*IDS)

    def hrefs(self) -> Int64s:
        """Return the rows, among the attributes of XML, of xlink:href."""
        return self.attributes(HREF)


def _find_things(elements: Elements, words: tuple[Word, ...], meaning: Uint8s) -> None:
    """Call those elements of an extension things that have an id and a shape or a thematic surface or a city object."""
    is_foreign = np.array([word.is_foreign and word.meaning is Meaning.DATA for word in words], np.bool_)
    if not is_foreign.any():
        return
    around = elements.parent
    shown = np.zeros(len(around) + 1, np.bool_)  # the last one is found by −1
    shown[around[meaning == Meaning.LOD_GEOMETRY]] = True
    holders = around[(meaning == Meaning.CITY_OBJECT) | (meaning == Meaning.BOUNDARY)]
    shown[around[holders[holders >= 0]]] = True
    named = np.zeros(len(around), np.bool_)
    is_id = np.array([name in IDS for name in elements.names], np.bool_)
    named[elements.attribute_element[is_id[elements.attribute_name]]] = True
    meaning[is_foreign[elements.name] & shown[:-1] & named] = Meaning.THING


def _spread(elements: Elements, meaning: Uint8s) -> tuple[Uint8s, Int32s, Int32s]:
    """Return the roles, and the city objects and thematic surfaces around, of all elements (e,) each."""
    count = len(elements.name)
    levels = elements.depth.astype(np.int16)
    order = np.argsort(levels, kind="stable")
    bounds = np.cumsum(np.bincount(levels))
    role = np.empty(count, np.uint8)
    feature, thematic = np.full(count, -1, np.int32), np.full(count, -1, np.int32)
    role[order[: bounds[0] if len(bounds) else 0]] = Role.MEMBER
    flat, width = _TRANSITIONS.ravel(), _TRANSITIONS.shape[1]
    step = meaning.astype(np.intp)
    for start, end in pairwise(bounds.tolist()):
        rows = order[start:end]
        around = elements.parent[rows]
        found = flat[role[around].astype(np.intp) * width + step[rows]]
        role[rows] = found
        owner, surface = feature[around], thematic[around]
        here = found == Role.FEATURE
        if here.any():
            owner[here], surface[here] = rows[here], -1
        here = found == Role.THEMATIC
        if here.any():
            surface[here] = rows[here]
        feature[rows], thematic[rows] = owner, surface
    return role, feature, thematic

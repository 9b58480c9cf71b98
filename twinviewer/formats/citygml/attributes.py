"""The attributes in a piece of a CityGML file: of city objects and of thematic surfaces, as columns.

Names are nested with dots, without the names of the data types between them:
``buildingDetailAttribute.totalFloorArea``.  What is given several times is numbered from the second one on, so that
nothing is lost and what belongs together stays together: ``externalReference.2.informationSystem``; only simple texts
are joined, as ``function`` often is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.objects import PieceObjects
from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.spans import text_spans, texts, value_spans
from twinviewer.formats.citygml.told import Told
from twinviewer.formats.citygml.vocabulary import Meaning, Word
from twinviewer.model.attributes import AttributeType
from twinviewer.model.diagnostics import Severity

Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

_NUMBERED_LIMIT = 20
"""Of what is given several times in one place; what is more is joined."""
_SERIES = frozenset({"timeValuePair"})
"""What is given very often, as one list."""
_UNNAMED = frozenset({"genericAttribute"})
"""Properties that only hold what has a name itself; so are those that begin with ``adeOf``."""
_ADDRESS_PARTS = {"NameElement": "Name", "Number": "Number", "Identifier": ""}
"""Words of xAL 3 that say only together with the element around them what they are."""
_NUMERIC = (AttributeType.INTEGER, AttributeType.DOUBLE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """Values of one attribute."""

    of_thematic: bool
    """Of thematic surfaces, else of city objects."""
    name: str
    type: AttributeType
    unit: str | None
    code_space: str
    owners: list[int]
    """Numbers within the piece."""
    texts: list[str]


class Link(NamedTuple):
    """A property that only names something."""

    of_thematic: bool
    owner: int
    name: str
    is_foreign: bool
    target: str
    """As the file gives it."""


@dataclass(slots=True, kw_only=True)
class _Leaves:
    """Values, one by one (m,)."""

    owner: Int64s
    """Row of the city object or thematic surface."""
    row: Int64s
    """Of the element whose text is the value."""
    name: list[str]
    type: list[AttributeType]


def attributes_of(outline: Outline, objects: PieceObjects) -> tuple[list[Values], list[Link]]:
    """Return all attributes in a piece, and what is only named."""
    elements = outline.elements
    is_leaf = elements.end == np.arange(1, len(elements.end) + 1)
    simple = np.flatnonzero(is_leaf & ((outline.role == Role.PROPERTY) | (outline.role == Role.GEOMETRY_PROPERTY)))
    generic = outline.rows(Role.GENERIC)
    linked = _linked(outline, simple)
    named = np.isin(simple, list(linked))
    properties = simple[~named]
    links = np.array(sorted(linked), np.int64)
    links = links[outline.role[links] == Role.PROPERTY]
    around = np.concatenate([elements.parent[properties], elements.parent[generic], elements.parent[links]])
    prefixes, prefix = _prefixes(outline, around)
    of_simple, of_generic, of_link = np.split(prefix, np.cumsum([len(properties), len(generic)]))
    parts = [
        _simple(outline, properties, [prefixes[at] for at in of_simple.tolist()]),
        _generic(outline, generic, [prefixes[at] for at in of_generic.tolist()]),
        _addresses(outline, is_leaf),
    ]
    owner = np.concatenate([part.owner for part in parts])
    row = np.concatenate([part.row for part in parts])
    names = [name for part in parts for name in part.name]
    types = [type for part in parts for type in part.type]
    values = _grouped(outline, objects, owner, row, names, types)
    found = [
        Link(
            of_thematic=bool(outline.thematic[row] >= 0),
            owner=_number(outline, objects, row),
            name=f"{prefixes[at]}{outline.words[elements.name[row]].local}",
            is_foreign=outline.words[elements.name[row]].is_foreign,
            target=linked[row],
        )
        for row, at in zip(links.tolist(), of_link.tolist(), strict=True)
    ]
    return values, found


def tell_of_point_files(outline: Outline, objects: PieceObjects, told: Told) -> None:
    """Tell of clouds of points that are in files of their own, whose names are attributes."""
    rows = np.flatnonzero((outline.role == Role.PROPERTY) & outline.named("pointFile"))
    if len(rows):
        told.add(
            "points.other-file",
            "Points that are in files of their own are not shown with their objects.",
            objects.number[outline.feature[rows]],
            details=[name[:80] for name in texts(outline.elements.content, *text_spans(outline.elements, rows))],
            severity=Severity.INFO,
        )


def _number(outline: Outline, objects: PieceObjects, row: int) -> int:
    thematic = int(outline.thematic[row])
    return int(objects.thematic_number[thematic] if thematic >= 0 else objects.number[outline.feature[row]])


def _linked(outline: Outline, leaves: Int64s) -> dict[int, str]:
    """Return what some leaves name, by row; those that have a text are no names."""
    elements = outline.elements
    hrefs = outline.hrefs()
    rows = elements.attribute_element[hrefs]
    at = np.searchsorted(leaves, rows)
    is_leaf = (
        (at < len(leaves)) & (leaves[np.minimum(at, len(leaves) - 1)] == rows)
        if len(leaves)
        else np.zeros(len(rows), np.bool_)
    )
    hrefs, rows = hrefs[is_leaf], rows[is_leaf]
    own = texts(elements.content, *text_spans(elements, rows))
    targets = texts(elements.content, *value_spans(elements, hrefs))
    return {row: target for row, text, target in zip(rows.tolist(), own, targets, strict=True) if target and not text}


# --- names ------------------------------------------------------------------------------------------------------


def _prefixes(outline: Outline, rows: NDArray[np.integer]) -> tuple[list[str], Int64s]:
    """Return prefixes of names, and (r,) which one what is right in each of some elements has."""
    elements = outline.elements
    inner = (Role.PROPERTY, Role.DATA_TYPE, Role.GENERIC_SET, Role.GENERIC_PART, Role.GEOMETRY_PROPERTY)
    needed: list[Int64s] = []
    present = np.unique(rows)
    while len(present := present[np.isin(outline.role[present], inner)]):
        needed.append(present)
        present = np.unique(elements.parent[present])
    numbers: dict[str, int] = {"": 0}
    of_row = np.zeros(len(elements.name), np.int64)
    if needed:
        within = np.unique(np.concatenate(needed))
        names = list(numbers)
        sets = _set_names(outline, within)
        met: Counter[tuple[int, str]] = Counter()
        for row, above, name, role in zip(
            within.tolist(),
            elements.parent[within].tolist(),
            elements.name[within].tolist(),
            outline.role[within].tolist(),
            strict=True,
        ):
            part = _part(role, outline.words[name], sets.get(row, ""))
            prefix = names[of_row[above]]
            if part and part not in _SERIES:
                met[above, part] += 1
                if (count := min(met[above, part], _NUMBERED_LIMIT)) > 1:
                    part = f"{part}.{count}"
            if part:
                prefix = f"{prefix}{part}."
            if prefix not in numbers:
                numbers[prefix] = len(names)
                names.append(prefix)
            of_row[row] = numbers[prefix]
    return list(numbers), of_row[rows]


def _part(role: int, word: Word, set_name: str) -> str:
    """Return what an element adds to the names of what is in it."""
    if role in (Role.GENERIC_SET, Role.GENERIC_PART):
        return set_name
    if role == Role.DATA_TYPE or word.local in _UNNAMED or word.local.startswith("adeOf"):
        return ""
    return word.local


def _set_names(outline: Outline, rows: Int64s) -> dict[int, str]:
    sets = rows[outline.role[rows] == Role.GENERIC_SET]
    return dict(zip(sets.tolist(), _generic_names(outline, sets), strict=True)) if len(sets) else {}


def _generic_names(outline: Outline, rows: Int64s) -> list[str]:
    """Return names of generic attributes: an attribute of XML up to CityGML 2.0, an element in 3.0."""
    elements = outline.elements
    found = dict.fromkeys(rows.tolist(), "")
    parts = np.flatnonzero((outline.role == Role.GENERIC_PART) & outline.named("name"))
    for row, text in zip(
        elements.parent[parts].tolist(), texts(elements.content, *text_spans(elements, parts)), strict=True
    ):
        if row in found and not found[row]:
            found[row] = text
    names = outline.attributes("name")
    for row, text in zip(
        elements.attribute_element[names].tolist(), texts(elements.content, *value_spans(elements, names)), strict=True
    ):
        if row in found and text:
            found[row] = text
    return list(found.values())


# --- values -----------------------------------------------------------------------------------------------------


def _owners(outline: Outline, rows: Int64s) -> Int64s:
    return np.where(outline.thematic[rows] >= 0, outline.thematic[rows], outline.feature[rows])


def _simple(outline: Outline, rows: Int64s, prefixes: Sequence[str]) -> _Leaves:
    words = [outline.words[name] for name in outline.elements.name[rows].tolist()]
    return _Leaves(
        owner=_owners(outline, rows),
        row=rows,
        name=[f"{prefix}{word.local}" if prefix else word.local for prefix, word in zip(prefixes, words, strict=True)],
        type=[word.type for word in words],
    )


def _generic(outline: Outline, rows: Int64s, prefixes: Sequence[str]) -> _Leaves:
    elements = outline.elements
    names = _generic_names(outline, rows)
    value_rows = np.flatnonzero((outline.role == Role.GENERIC_PART) & outline.named("value"))
    holder = elements.parent[value_rows]
    place = {row: number for number, row in enumerate(rows.tolist())}
    kept: list[tuple[int, int]] = []
    for value, row in zip(value_rows.tolist(), holder.tolist(), strict=True):
        number = place.get(row)
        if number is not None and names[number]:
            kept.append((value, number))
    values = np.array([value for value, _ in kept], np.int64)
    numbers = [number for _, number in kept]
    element_names = elements.name[rows].tolist()
    return _Leaves(
        owner=_owners(outline, values),
        row=values,
        name=[prefixes[number] + names[number] for number in numbers],
        type=[outline.words[element_names[number]].type for number in numbers],
    )


def _addresses(outline: Outline, is_leaf: Bools) -> _Leaves:
    """Return the leaves of addresses in xAL 2 or 3, which are nested in many ways."""
    elements = outline.elements
    rows = np.flatnonzero(
        is_leaf
        & (outline.role == Role.IN_ADDRESS)
        & ((outline.meaning == Meaning.DATA) | (outline.meaning == Meaning.PROPERTY))
    )
    if not len(rows):
        return _Leaves(owner=rows, row=rows, name=[], type=[])
    addresses = outline.rows(Role.ADDRESS)
    at = np.searchsorted(addresses, rows, side="right") - 1
    met: Counter[int] = Counter()
    prefixes: list[str] = []
    for owner in _owners(outline, addresses).tolist():
        met[owner] += 1
        count = min(met[owner], _NUMBERED_LIMIT)
        prefixes.append("address." if count == 1 else f"address.{count}.")
    names: list[str] = []
    for row, number in zip(rows.tolist(), at.tolist(), strict=True):
        local = outline.words[elements.name[row]].local
        if (suffix := _ADDRESS_PARTS.get(local)) is not None:
            local = outline.words[elements.name[elements.parent[row]]].local + suffix
        names.append(prefixes[number] + local)
    return _Leaves(owner=_owners(outline, rows), row=rows, name=names, type=[AttributeType.STRING] * len(rows))


def _grouped(
    outline: Outline, objects: PieceObjects, owner: Int64s, row: Int64s, names: list[str], types: list[AttributeType]
) -> list[Values]:
    """Return values one by one as values of attributes, in the order in which those are first met."""
    found = texts(outline.elements.content, *text_spans(outline.elements, row))
    of_thematic = objects.thematic_number[owner] >= 0
    numbers = np.where(of_thematic, objects.thematic_number[owner], objects.number[owner])
    units, unit = _stated(outline, "uom", row)
    code_spaces, code_space = _stated(outline, "codeSpace", row)
    name_numbers: dict[tuple[str, AttributeType], int] = {}
    name = [name_numbers.setdefault(key, len(name_numbers)) for key in zip(names, types, strict=True)]
    key = ((np.array(name, np.int64) * len(units) + unit) * len(code_spaces) + code_space) * 2 + of_thematic
    filled = np.flatnonzero(np.array(list(map(bool, found)), np.bool_))
    order = filled[np.argsort(key[filled], kind="stable")]
    groups = np.split(order, np.flatnonzero(np.diff(key[order])) + 1) if len(order) else []
    values: list[Values] = []
    for group in sorted(groups, key=lambda group: int(group[0])):
        first = int(group[0])
        values += _values(
            name=names[first],
            type=types[first],
            unit=units[unit[first]],
            code_space=code_spaces[code_space[first]] or "",
            of_thematic=bool(of_thematic[first]),
            owners=numbers[group].tolist(),
            texts=[found[at] for at in group.tolist()],
        )
    return values


def _values(
    *,
    name: str,
    type: AttributeType,
    unit: str | None,
    code_space: str,
    of_thematic: bool,
    owners: list[int],
    texts: list[str],
) -> list[Values]:
    """Return the values of one attribute, or of several where numbers are given several times or texts beside them."""
    kinds = [type] * len(texts)
    if unit is not None:
        unit = unit.rpartition(":")[2].lstrip("#") or None  # urn:adv:uom:m, #m
        if type is AttributeType.STRING:  # of an extension, whose schema is not known; measures have units
            kinds = [type if " " in text else AttributeType.DOUBLE for text in texts]
    times = [1] * len(texts)
    if len(set(owners)) < len(owners):
        met: Counter[int] = Counter()
        for at, (owner, kind) in enumerate(zip(owners, kinds, strict=True)):
            if kind in _NUMERIC:
                met[owner] += 1
                times[at] = min(met[owner], _NUMBERED_LIMIT)
    found: dict[tuple[AttributeType, int], Values] = {}
    for owner, text, kind, time in zip(owners, texts, kinds, times, strict=True):
        values = found.get((kind, time))
        if values is None:
            values = found[kind, time] = Values(
                of_thematic=of_thematic,
                name=name if time == 1 else f"{name}.{time}",
                type=kind,
                unit=unit,
                code_space=code_space,
                owners=[],
                texts=[],
            )
        values.owners.append(owner)
        values.texts.append(text)
    return list(found.values())


def _stated(outline: Outline, name: str, rows: Int64s) -> tuple[list[str | None], NDArray[np.int32]]:
    """Return the values that an attribute of XML has, None first, and (r,) which one some elements have."""
    elements = outline.elements
    attributes = outline.attributes(name)
    numbers: dict[str | None, int] = {None: 0}
    of_row = np.zeros(len(elements.name), np.int32)
    of_row[elements.attribute_element[attributes]] = [
        numbers.setdefault(value, len(numbers)) for value in texts(elements.content, *value_spans(elements, attributes))
    ]
    return list(numbers), of_row[rows]

"""Corners of rings, lines and sets of points: every spelling of coordinates that GML has had."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.pieces import positions
from twinviewer.formats.citygml.spans import ragged, text_spans, texts, value_spans
from twinviewer.formats.citygml.vocabulary import Meaning

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

_DIMENSIONS = range(2, 8)
_AROUND = np.isin(
    np.arange(len(Role)),
    [
        Role.IN_GEOMETRY,
        Role.RING,
        Role.SIDE,
        Role.LINE,
        Role.POINTS,
        Role.CONTROL,
        Role.POLYGON,
        Role.PART,
        Role.AGGREGATE,
    ],
)
"""What may say how many coordinates a position has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Corners:
    """The corners of ``u`` rings, lines and sets of points."""

    sizes: Int64s
    """(u,) corners of each; 0 where they are bad."""
    places: Float64s
    """(c, 3) as stored, all corners of one behind those of the other."""
    not_numbers: Int64s
    """Those of the ``u`` with something that is no number."""
    incomplete: Int64s
    """Those whose numbers do not come in threes."""


def corners_of(outline: Outline, units: Int64s) -> Corners:
    """Return the corners inside some elements.

    Args:
        outline: Of the piece.
        units: (u,) rows, ascending, none inside another.
    """
    elements = outline.elements
    meaning, role = outline.meaning, outline.role
    given = np.flatnonzero(((meaning == Meaning.POSITIONS) | (meaning == Meaning.TUPLES)) & (role == Role.IN_GEOMETRY))
    unit = np.searchsorted(units, given, side="right") - 1
    held = (unit >= 0) & (given < elements.end[units[unit]]) if len(units) else np.zeros(len(given), np.bool_)
    given, unit = given[held], unit[held]
    is_list = meaning[given] == Meaning.POSITIONS
    lists = given[is_list]
    numbers, counts = positions(elements, lists.astype(np.int32))
    dimension = _dimensions(outline, lists)
    # A position of two numbers is flat, whatever the file says or does not say.
    dimension[(counts == 2) & (dimension == 3)] = 2
    tuples = {row: _tuples(outline, row) for row in given[~is_list].tolist()}
    bad_unit = np.zeros(len(units), np.bool_)
    bad_unit[unit[is_list][counts < 0]] = True
    for place, row in zip(unit[~is_list].tolist(), given[~is_list].tolist(), strict=True):
        bad_unit[place] |= tuples[row] is None
    filled = np.maximum(counts, 0)
    not_numbers = np.flatnonzero(bad_unit)
    bad_unit[unit[is_list][filled % dimension != 0]] = True
    incomplete = np.setdiff1d(np.flatnonzero(bad_unit), not_numbers)
    size = np.zeros(len(given), np.int64)
    size[is_list] = filled // dimension
    for place, row in zip(np.flatnonzero(~is_list).tolist(), given[~is_list].tolist(), strict=True):
        found = tuples[row]
        size[place] = 0 if found is None else len(found)
    size[bad_unit[unit]] = 0
    if not bad_unit.any() and not tuples and (dimension == 3).all():
        places = numbers.reshape(-1, 3)
    else:
        places = np.zeros((int(size.sum()), 3))
        targets, sources = np.cumsum(size) - size, np.cumsum(filled) - filled
        for each in np.unique(dimension):
            of_it = dimension == each
            kept = size[is_list][of_it]
            to = ragged(targets[is_list][of_it], kept)
            step = to - np.repeat(targets[is_list][of_it], kept)
            at = np.repeat(sources[of_it], kept) + step * each
            for axis in range(min(int(each), 3)):
                places[to, axis] = numbers[at + axis]
        for place, row in zip(np.flatnonzero(~is_list).tolist(), given[~is_list].tolist(), strict=True):
            found = tuples[row]
            if size[place] and found is not None:
                places[targets[place] : targets[place] + size[place]] = found
    sizes = np.bincount(unit, weights=size, minlength=len(units)).astype(np.int64)
    joints = _joints(unit, size, places)
    if len(joints):
        places = np.delete(places, (np.cumsum(size) - size)[joints], axis=0)
        np.subtract.at(sizes, unit[joints], 1)
    return Corners(sizes=sizes, places=places, not_numbers=not_numbers, incomplete=incomplete)


def _joints(unit: Int64s, size: Int64s, places: Float64s) -> Int64s:
    """Return which lists of corners begin where the one before them in the same ring ends, as lines in a row do."""
    after = np.flatnonzero((unit[1:] == unit[:-1]) & (size[1:] > 1) & (size[:-1] > 1)) + 1
    first = (np.cumsum(size) - size)[after]
    joined: Int64s = after[(places[first] == places[first - 1]).all(axis=1)]
    return joined


def _dimensions(outline: Outline, rows: Int64s) -> Int64s:
    """Return how many coordinates the positions in some elements have: what they, or what is around them, state."""
    dimension = np.full(len(rows), 3, np.int64)
    elements = outline.elements
    stated = outline.attributes("srsDimension")
    starts, ends = value_spans(elements, stated)
    is_three = (ends - starts == 1) & (elements.content[np.minimum(starts, len(elements.content) - 1)] == ord("3"))
    if is_three.all():
        return dimension
    by_row = np.zeros(len(elements.name), np.int64)
    for attribute, text in zip(stated.tolist(), texts(elements.content, starts, ends), strict=True):
        if text.isdecimal() and int(text[:9]) in _DIMENSIONS:  # what cannot be is not believed
            by_row[elements.attribute_element[attribute]] = int(text[:9])
    at, open_rows = rows.copy(), np.arange(len(rows))
    while len(open_rows):
        found = by_row[at]
        dimension[open_rows[found > 0]] = found[found > 0]
        above = elements.parent[at]
        goes_on = (found == 0) & (above >= 0)
        goes_on[goes_on] = _AROUND[outline.role[above[goes_on]]]
        at, open_rows = above[goes_on], open_rows[goes_on]
    return dimension


def _tuples(outline: Outline, row: int) -> Float64s | None:
    """Return the positions (n, 3) that GML 2 writes as ``x,y,z x,y,z``, or each in an element; None where bad."""
    elements = outline.elements
    positions: list[list[float]] = []
    try:
        if outline.words[elements.name[row]].local == "coord":
            inside = np.arange(row + 1, elements.end[row])
            positions.append([float(text) for text in texts(elements.content, *text_spans(elements, inside))])
        else:
            own = {elements.names[elements.attribute_name[at]]: at for at in attributes_of(outline, row)}
            within, between, point = (
                "".join(elements.values([own[name]])) if name in own else default
                for name, default in (("cs", ","), ("ts", " "), ("decimal", "."))
            )
            (text,) = elements.texts([row])
            for part in text.split(None if between.isspace() or not between else between):
                numbers = part.replace(within or ",", " ").replace(point or ".", ".").split()
                positions.append([float(number) for number in numbers])
    except ValueError:
        return None
    return np.array([(*position[:3], *[0.0] * (3 - len(position))) for position in positions]).reshape(-1, 3)


def attributes_of(outline: Outline, row: int) -> range:
    """Return the rows of the attributes of XML that an element has."""
    first, end = np.searchsorted(outline.elements.attribute_element, [row, row + 1])
    return range(int(first), int(end))

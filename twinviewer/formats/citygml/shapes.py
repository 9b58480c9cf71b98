"""CityGML's implicit geometry: a shape given once, in coordinates of its own, that stands in many places."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.objects import PieceObjects
from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.spans import text_spans, texts, value_spans
from twinviewer.formats.citygml.told import Told

Int64s = NDArray[np.int64]

_IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


class Place(NamedTuple):
    """Where a shape stands, before all shapes are known; numbers are those of the piece."""

    shape: str
    """Id, where it is given elsewhere."""
    span: tuple[int, int] | None
    """Its surfaces among those of the piece's shapes, where it is given here."""
    object: int
    semantic: int
    lod: int
    matrix: tuple[float, ...]
    position: tuple[float, ...]


@dataclass(slots=True)
class _Parts:
    """What an implicit geometry holds."""

    shape: int = -1
    """Row."""
    matrix: str | None = None
    position: tuple[float, ...] | None = None
    is_met: bool = False
    """Whether a position was met, good or bad."""


def places_of(outline: Outline, objects: PieceObjects, told: Told, surfaces: Int64s) -> list[Place]:
    """Return where shapes stand.

    Args:
        outline: Of the piece.
        objects: Its city objects.
        told: Hears of what cannot be placed.
        surfaces: (s,) rows of the elements that are the surfaces of its shapes.
    """
    implicit = outline.rows(Role.IMPLICIT)
    if not len(implicit):
        return []
    elements = outline.elements
    around = elements.parent[implicit]
    owners = objects.number[outline.feature[around]].tolist()
    parts = _parts(outline, implicit, owners, told)
    hrefs = outline.hrefs()
    names = dict(
        zip(
            elements.attribute_element[hrefs].tolist(),
            texts(elements.content, *value_spans(elements, hrefs)),
            strict=True,
        )
    )
    found: list[Place] = []
    for part, owner, semantic, lod in zip(
        parts, owners, objects.semantic(around).tolist(), objects.lod(around).tolist(), strict=True
    ):
        if part.shape < 0:
            continue
        span: tuple[int, int] | None = None
        if not (shape := names.get(part.shape, "").removeprefix("#")):
            first, end = np.searchsorted(surfaces, [part.shape, elements.end[part.shape]])
            span = int(first), int(end)
        if part.position is None:
            told.add("shape.nowhere", "Shapes without a place are not shown.", [owner])
            continue
        found.append(
            Place(
                shape=shape,
                span=span,
                object=owner,
                semantic=semantic,
                lod=lod,
                matrix=_matrix(part.matrix, owner, told),
                position=part.position,
            )
        )
    return found


def _parts(outline: Outline, implicit: Int64s, owners: list[int], told: Told) -> list[_Parts]:
    elements = outline.elements
    found = [_Parts() for _ in implicit]
    inside = np.flatnonzero((outline.role == Role.IN_IMPLICIT) | (outline.role == Role.SHAPE))
    numbers = np.searchsorted(implicit, inside, side="right") - 1
    contents = texts(elements.content, *text_spans(elements, inside))
    for row, number, text in zip(inside.tolist(), numbers.tolist(), contents, strict=True):
        local, part = outline.words[elements.name[row]].local, found[number]
        if outline.role[row] == Role.SHAPE:
            part.shape = row
        elif local == "transformationMatrix":
            part.matrix = text
        elif local in ("pos", "coordinates") and not part.is_met:
            part.is_met, part.position = True, _position(text)
        elif local == "libraryObject" and text:
            problem = "Shapes that are in other files are not shown."
            told.add("shape.other-file", problem, [owners[number]], details=[text[:80]])
    return found


def _matrix(text: str | None, owner: int, told: Told) -> tuple[float, ...]:
    if text is None:
        return _IDENTITY
    matrix = numbers_in(text)
    if len(matrix) == 16:
        return matrix
    problem = "Shapes whose transformation is not 16 numbers are shown untransformed."
    told.add("shape.matrix", problem, [owner])
    return _IDENTITY


def _position(text: str) -> tuple[float, ...] | None:
    numbers = numbers_in(text.replace(",", " "))
    return (*numbers, 0.0)[:3] if len(numbers) >= 2 else None


def numbers_in(text: str) -> tuple[float, ...]:
    """Return the numbers in a text, none at all where one is none or not finite."""
    try:
        numbers = tuple(map(float, text.split()))
    except ValueError:
        return ()
    return numbers if all(map(math.isfinite, numbers)) else ()

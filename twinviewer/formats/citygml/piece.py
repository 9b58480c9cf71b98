"""A piece of a CityGML file, understood: all that is worth keeping of its elements.

A pure function of the elements, so that many pieces can be understood at the same time.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.appearance import PieceAppearance, appearance_of
from twinviewer.formats.citygml.attributes import Link, Values, attributes_of, tell_of_point_files
from twinviewer.formats.citygml.elements import Elements
from twinviewer.formats.citygml.geometry import PieceGeometry, geometry_of
from twinviewer.formats.citygml.grids import Grid, grids_of
from twinviewer.formats.citygml.objects import PieceObjects
from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.references import Copies, follow, lend
from twinviewer.formats.citygml.shapes import Place, places_of
from twinviewer.formats.citygml.spans import hashes, inside, text_spans, texts, value_spans
from twinviewer.formats.citygml.told import Told

Int64s = NDArray[np.int64]


@dataclass(slots=True, kw_only=True)
class Settled:
    """Geometry whose references are followed as far as they lead within the piece."""

    geometry: PieceGeometry
    copies: Copies
    open: Int64s
    """References that lead out of the piece, or nowhere."""
    open_texts: list[str]
    """What they name."""


@dataclass(slots=True, kw_only=True)
class Piece:
    """What is kept of a piece; numbers count within it."""

    objects: PieceObjects
    values: list[Values]
    links: list[Link]
    drawn: Settled
    shapes: Settled | None
    """What stands in many places, if there is such."""
    places: list[Place]
    appearance: PieceAppearance
    grids: list[Grid]
    crs_names: list[str]
    """In the order in which they are first met."""
    title: str
    """Of the city model, where the piece has it."""
    told: Told


def understood(elements: Elements) -> Piece:
    """Return what a piece means.

    Raises:
        HostileFileError: It is nested absurdly deep.
    """
    outline = Outline.of(elements)
    told = Told()
    objects = PieceObjects.of(outline)
    values, links = attributes_of(outline, objects)
    tell_of_point_files(outline, objects, told)
    drawn = _settled(geometry_of(outline, objects, told, shapes=False), outline, told)
    shapes = None
    if (outline.role == Role.SHAPE).any():
        shapes = _settled(geometry_of(outline, objects, told, shapes=True), outline, told)
    appearance = appearance_of(outline)
    appearance.textured = _by_surface(appearance, drawn.geometry)
    return Piece(
        objects=objects,
        values=values,
        links=links,
        drawn=drawn,
        shapes=shapes,
        places=places_of(outline, objects, told, np.empty(0, np.int64) if shapes is None else shapes.geometry.rows),
        appearance=appearance,
        grids=grids_of(outline, objects),
        crs_names=_crs_names(outline),
        title=_title(outline),
        told=told,
    )


def _settled(geometry: PieceGeometry, outline: Outline, told: Told) -> Settled:
    references = geometry.references
    everything = np.arange(len(references.hash))
    answers = follow(geometry.named, references, everything, within_members=True)
    if answers.is_cut:
        tell_of_too_many(told, references.object[answers.reference[-1:]])
    spans = value_spans(outline.elements, references.attributes[answers.unknown])
    names = texts(outline.elements.content, *spans)
    return Settled(
        geometry=geometry,
        copies=lend(geometry, references, answers),
        open=answers.unknown,
        open_texts=[name.removeprefix("#") for name in names],
    )


def tell_of_too_many(told: Told, owners: Int64s) -> None:
    """Tell that names were not followed to their end."""
    problem = "Geometries name each other absurdly often; not all names were followed."
    told.add("xlink.too-many", problem, owners if len(owners) else [-1])


def _by_surface(appearance: PieceAppearance, geometry: PieceGeometry) -> list[tuple[int, int, int, str]]:
    """Return what is on textured surfaces with surfaces instead of elements."""
    return [
        (number, *np.searchsorted(geometry.rows, [first, end]).tolist(), text)
        for number, first, end, text in appearance.textured
    ]


def _crs_names(outline: Outline) -> list[str]:
    elements = outline.elements
    named = outline.attributes("srsName")
    rows = elements.attribute_element[named]
    of_use = outline.is_geometry(rows) | np.isin(outline.role[rows], [Role.ENVELOPE, Role.IN_IMPLICIT, Role.IN_GRID])
    shapes = outline.rows(Role.SHAPE)
    if len(shapes):
        of_use &= inside(shapes, elements.end[shapes], rows) < 0  # which are in no reference system
    starts, ends = value_spans(elements, named[of_use])
    _, first = np.unique(hashes(elements.content, starts, ends), return_index=True)
    first.sort()
    return [name for name in texts(elements.content, starts[first], ends[first]) if name]


def _title(outline: Outline) -> str:
    rows = outline.rows(Role.MEMBER)
    rows = rows[outline.named("name")[rows]]
    return texts(outline.elements.content, *text_spans(outline.elements, rows[-1:]))[0] if len(rows) else ""

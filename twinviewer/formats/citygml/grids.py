"""Terrain that a CityGML file gives as a grid of heights (RasterRelief with a RectifiedGridCoverage)."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.objects import PieceObjects
from twinviewer.formats.citygml.outline import Outline, Role
from twinviewer.formats.citygml.shapes import numbers_in
from twinviewer.formats.citygml.spans import text_spans, texts

_TEXTS = ("low", "high", "pos", "coordinates", "offsetVector", "tupleList", "fileName", "sequenceRule")


class Grid(NamedTuple):
    """A grid, or why it is none."""

    object: int
    heights: NDArray[np.float32]
    """(rows, columns): a column is a step along the first axis, a row one along the second; (0, 0) where unusable."""
    origin: tuple[float, ...]
    """x, y of the first height, as stored."""
    steps: tuple[float, ...]
    """x, y from one column to the next, then from one row to the next, as stored."""
    file_name: str
    """Where the heights are in another file."""


def grids_of(outline: Outline, objects: PieceObjects) -> list[Grid]:
    """Return the grids in a piece."""
    return [_grid(outline, objects, row) for row in outline.rows(Role.GRID).tolist()]


def _grid(outline: Outline, objects: PieceObjects, row: int) -> Grid:
    elements = outline.elements
    inside = np.arange(row + 1, elements.end[row])
    inside = inside[outline.named(*_TEXTS)[inside]]
    fields: dict[str, list[str]] = {name: [] for name in _TEXTS}
    for name, text in zip(
        elements.name[inside].tolist(), texts(elements.content, *text_spans(elements, inside)), strict=True
    ):
        fields[outline.words[name].local].append(text.replace(",", " "))
    origin = numbers_in(" ".join((fields["pos"] + fields["coordinates"])[:1]))
    vectors = [numbers_in(text) for text in fields["offsetVector"]]
    low, high = (numbers_in(" ".join(fields[name][:1])) for name in ("low", "high"))
    values = numbers_in(" ".join(fields["tupleList"][:1]))
    heights = np.empty((0, 0), np.float32)
    if len(low) == len(high) == 2 and len(origin) >= 2 and len(vectors) == 2 and min(map(len, vectors)) >= 2:
        columns, rows = (int(last - first) + 1 for first, last in zip(low, high, strict=True))
        if columns > 0 and rows > 0 and len(values) == columns * rows:
            heights = np.array(values, np.float32).reshape(rows, columns)
    return Grid(
        object=int(objects.number[outline.feature[row]]),
        heights=heights,
        origin=origin[:2],
        steps=(*vectors[0][:2], *vectors[1][:2]) if heights.size else (),
        file_name=" ".join(fields["fileName"][:1]),
    )

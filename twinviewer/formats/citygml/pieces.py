"""A CityGML file as columns of elements, piece by piece: what the rest of the reader works on.

A piece holds some members of the city model, whole, in the order of the file.  Its outermost elements are those that
:func:`twinviewer.formats.citygml.stream.members` yields, in the same order: the members, and the name and the
envelope of the city model.  A piece may be forgotten as soon as it has been understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from pathlib import Path

import numpy as np

from twinviewer.formats.citygml.elements import Elements, Float64s, Int32s, Int64s, pieces_of
from twinviewer.formats.citygml.namespaces import prolog_of
from twinviewer.formats.citygml.stream import members, understood_root
from twinviewer.formats.files import require_content
from twinviewer.formats.findings import Findings
from twinviewer.model.feedback import Feedback

_WORTH_LOADING = 10_000_000
"""Bytes that libxml2 needs as long for as loading what was compiled takes."""
_WORTH_COMPILING = 60_000_000


def pieces(path: Path, *, feedback: Feedback, findings: Findings) -> Iterator[Elements]:
    """Yield all that a file holds, in its order.

    Args:
        path: The file.
        feedback: Hears progress, and is asked at least every 100 ms whether to stop.
        findings: Hear of damage, as :func:`twinviewer.formats.citygml.stream.members` tells of it.

    Raises:
        As :func:`twinviewer.formats.citygml.stream.members`; what was whole before the damage has been yielded.
    """
    size = require_content(path)
    understood_root(path)
    prolog = prolog_of(path) if _is_worth(size) else None
    if prolog is None:
        yield from pieces_of(members(path, feedback=feedback, findings=findings))
        return
    from twinviewer.formats.citygml.cutting import scanned_pieces

    make_ready()
    yield from scanned_pieces(path, size, prolog, feedback=feedback, findings=findings)


def positions(elements: Elements, rows: Int32s) -> tuple[Float64s, Int64s]:
    """Return the numbers in the texts of some elements: those of ``posList``, ``pos`` and the like.

    Args:
        elements: A piece.
        rows: (r,) rows of elements.

    Returns:
        All numbers (n,), one text behind the other, each the float64 nearest to what is written; how many each text
        has (r,), −1 where something in it is not a number (nothing of that text is among the numbers).
    """
    if not _is_ready():
        return _read_by_python(elements, rows)
    from twinviewer.formats.citygml.numbers import parse

    numbers, counts = parse(elements.content, elements.text_start[rows], elements.text_end[rows])
    left = np.flatnonzero(counts < 0)
    if not len(left):
        return numbers, counts
    more, more_counts = _read_by_python(elements, rows[left])
    places = np.cumsum(np.maximum(counts, 0))[left]
    counts[left] = more_counts
    return np.insert(numbers, np.repeat(places, np.maximum(more_counts, 0)), more), counts


def _read_by_python(elements: Elements, rows: Int32s) -> tuple[Float64s, Int64s]:
    numbers: list[float] = []
    counts: list[int] = []
    for text in elements.texts(rows):
        try:
            found = [float(token) for token in text.split()]
        except ValueError:
            counts.append(-1)
        else:
            numbers += found
            counts.append(len(found))
    return np.array(numbers, np.float64), np.array(counts, np.int64)


@cache
def make_ready() -> None:
    """Load the compiled loops, or compile them where that was never done: for a process that will read much."""
    from twinviewer.formats.citygml.numbers import parse
    from twinviewer.formats.citygml.scanner import scan

    scan(np.frombuffer(bytearray(b'<a b="">1</a>\0'), np.uint8))
    parse(np.frombuffer(bytearray(b"1<"), np.uint8), np.array([0]), np.array([1]))


def _is_ready() -> bool:
    return make_ready.cache_info().currsize > 0


def _is_worth(size: int) -> bool:
    """Return whether a file of ``size`` bytes is read sooner with the compiled loops than without."""
    if _is_ready() or size < _WORTH_LOADING:
        return _is_ready()
    from twinviewer.formats.citygml.scanner import is_loaded_soon

    return size >= _WORTH_COMPILING or is_loaded_soon()

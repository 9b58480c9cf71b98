"""A CityGML file as columns of elements, piece by piece: what the rest of the reader works on.

A piece holds some members of the city model, whole, in the order of the file.  Its outermost elements are those that
:func:`twinviewer.formats.citygml.stream.members` yields, in the same order: the members, and the name and the
envelope of the city model.  A piece may be forgotten as soon as it has been understood.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.elements import ElementColumns, Elements, Int32s, Int64s
from twinviewer.formats.citygml.stream import members
from twinviewer.formats.findings import Findings
from twinviewer.model.feedback import Feedback

_ELEMENTS = 65_536
"""In a piece, some 4 MB; a member of the city model may have more."""


def pieces(path: Path, *, feedback: Feedback, findings: Findings) -> Iterator[Elements]:
    """Yield all that a file holds, in its order.

    Args:
        path: The file.
        feedback: Hears progress, and is asked at least every 100 ms whether to stop.
        findings: Hear of damage, as :func:`twinviewer.formats.citygml.stream.members` tells of it.

    Raises:
        As :func:`twinviewer.formats.citygml.stream.members`; what was whole before the damage has been yielded.
    """
    columns = ElementColumns()
    for member in members(path, feedback=feedback, findings=findings):
        columns.add(member)
        if len(columns) >= _ELEMENTS:
            yield columns.finished()
            columns = ElementColumns()
    if len(columns):
        yield columns.finished()


def positions(elements: Elements, rows: Int32s) -> tuple[NDArray[np.float64], Int64s]:
    """Return the numbers in the texts of some elements: those of ``posList``, ``pos`` and the like.

    Args:
        elements: A piece.
        rows: (r,) rows of elements.

    Returns:
        All numbers (n,), one text behind the other, each the float64 nearest to what is written; how many each text
        has (r,), −1 where something in it is not a number (nothing of that text is among the numbers).
    """
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

"""Spans of rows and of bytes, many at once."""

from __future__ import annotations

import re
from collections.abc import Sequence
from html import unescape
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.elements import Elements

Int64s = NDArray[np.int64]
Integers = NDArray[np.signedinteger[Any]]
Uint8s = NDArray[np.uint8]
Uint64s = NDArray[np.uint64]
Bools = NDArray[np.bool_]

_BETWEEN = "\0"
"""Parts texts; XML has no such character."""
_STEPS = 64
"""Blanks that are taken from many spans at once; what begins with more is looked at alone."""
_BLANKS = np.zeros(256, np.bool_)
_BLANKS[list(b" \t\r\n")] = True
_WEIGHTS = np.random.default_rng(20120).integers(2**63, size=4096, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
"""Odd numbers that a name's bytes are weighed with; the same in every process."""


def ragged(starts: Integers, sizes: Integers) -> Int64s:
    """Return the indices in all of some spans, one behind the other."""
    ends = np.cumsum(sizes)
    total = int(ends[-1]) if len(ends) else 0
    found: Int64s = np.arange(total) + np.repeat(starts - (ends - sizes), sizes)
    return found


def trimmed(content: Uint8s, starts: Int64s, ends: Int64s) -> tuple[Int64s, Int64s]:
    """Return spans of ``content`` without the blanks at both ends."""
    starts, ends = starts.astype(np.int64), ends.astype(np.int64)
    rows = np.flatnonzero(starts < ends)
    for _ in range(_STEPS):
        rows = rows[_BLANKS[content[starts[rows]]]]
        starts[rows] += 1
        rows = rows[starts[rows] < ends[rows]]
    for row in rows.tolist():
        starts[row] = ends[row] - len(content[starts[row] : ends[row]].tobytes().lstrip())
    rows = np.flatnonzero(starts < ends)
    for _ in range(_STEPS):
        rows = rows[_BLANKS[content[ends[rows] - 1]]]
        ends[rows] -= 1
        rows = rows[starts[rows] < ends[rows]]
    for row in rows.tolist():
        ends[row] = starts[row] + len(content[starts[row] : ends[row]].tobytes().rstrip())
    return starts, ends


def texts(content: Uint8s, starts: Int64s, ends: Int64s) -> list[str]:
    """Return the texts in spans of ``content``; white space in them is one blank each, references are resolved."""
    if not len(starts):
        return []
    starts, ends = trimmed(content, starts, ends)
    sizes = ends - starts + 1
    joined = content[np.minimum(ragged(starts, sizes), len(content) - 1)]
    joined[np.cumsum(sizes) - 1] = 0
    text = joined[:-1].tobytes().decode()
    if "\n" in text or "\r" in text or "\t" in text:
        text = re.sub("[ \t\r\n]*[\t\r\n][ \t\r\n]*", " ", text)
    found = text.split(_BETWEEN)
    if "&" in text:
        found = [unescape(each) if "&" in each else each for each in found]
    return found


def hashes(content: Uint8s, starts: Int64s, ends: Int64s) -> Uint64s:
    """Return a number of 64 bits for each of some spans of ``content``, the same for the same bytes."""
    sizes = np.maximum(ends - starts, 0)
    total = np.zeros(len(starts), np.uint64)
    filled = np.flatnonzero(sizes > 0)
    if not len(filled):
        return total
    starts, sizes = starts[filled], sizes[filled]
    firsts = np.cumsum(sizes) - sizes
    places = np.arange(int(sizes.sum())) - np.repeat(firsts, sizes)
    weighed = (content[places + np.repeat(starts, sizes)].astype(np.uint64) + np.uint64(1)) * _WEIGHTS[
        places % len(_WEIGHTS)
    ]
    total[filled] = np.add.reduceat(weighed, firsts)
    return total


def hashes_of(names: Sequence[str]) -> Uint64s:
    """Return the same numbers for texts."""
    encoded = [name.encode() for name in names]
    content = np.frombuffer(b"".join(encoded), np.uint8)
    sizes = np.array([len(each) for each in encoded], np.int64)
    ends = np.cumsum(sizes)
    return hashes(content, ends - sizes, ends)


def inside(starts: Integers, ends: Integers, rows: Integers) -> Int64s:
    """Return (r,) the number of the span that each row lies in, −1 for none; spans ascend and do not overlap."""
    if not len(starts):
        return np.full(len(rows), -1, np.int64)
    at = np.searchsorted(starts, rows, side="right") - 1
    return np.where((at >= 0) & (rows < ends[at]), at, -1)


def text_spans(elements: Elements, rows: Integers) -> tuple[Int64s, Int64s]:
    """Return where the texts of some elements begin and end in the content."""
    return elements.text_start[rows], elements.text_end[rows]


def value_spans(elements: Elements, attributes: Integers) -> tuple[Int64s, Int64s]:
    """Return where the values of some attributes of XML begin and end in the content."""
    return elements.attribute_start[attributes], elements.attribute_end[attributes]

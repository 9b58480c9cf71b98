"""A piece of an XML file as columns: one row per element, in document order.

What reads CityGML works on whole columns instead of one element after the other.  Columns come from one of two
makers, which agree to the last value: the compiled one for what nearly all files are, and libxml2's for the rest
(other encodings, declarations inside members, character data sections, comments in texts).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

import numpy as np
from numpy.typing import NDArray

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Uint8s = NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """``e`` elements with ``a`` attributes of XML."""

    content: Uint8s
    """(b,) UTF-8 that the texts are parts of, escaped as in XML."""
    names: tuple[str, ...]
    """Names of elements and attributes as lxml spells them: ``{namespace}local``; ``prefix:local`` of a prefix that
    the file does not declare."""
    name: Int32s
    """(e,) index into ``names``."""
    parent: Int32s
    """(e,) row of the element around it, −1 for the outermost ones of the piece: the members of the city model."""
    end: Int32s
    """(e,) the row behind the last element inside it: those inside ``i`` are ``i + 1`` to ``end[i]``."""
    depth: Int32s
    """(e,) 0 for the outermost ones."""
    text_start: Int64s
    """(e,) where the text before its first child begins in ``content``."""
    text_end: Int64s
    """(e,) where it ends."""
    attribute_element: Int32s
    """(a,) ascending."""
    attribute_name: Int32s
    """(a,) index into ``names``."""
    attribute_start: Int64s
    """(a,) where the value begins in ``content``."""
    attribute_end: Int64s
    first_line: int
    """Line of the file that the piece begins in, for messages."""

    def texts(self, rows: Int32s | Sequence[int]) -> list[str]:
        """Return the texts of some elements, stripped, with the entities that XML predefines resolved."""
        return [self._between(start, end).strip() for start, end in self._spans(self.text_start, self.text_end, rows)]

    def values(self, attributes: Int32s | Sequence[int]) -> list[str]:
        """Return the values of some attributes (rows of the attribute columns)."""
        spans = self._spans(self.attribute_start, self.attribute_end, attributes)
        return [self._between(start, end) for start, end in spans]

    def _spans(self, starts: Int64s, ends: Int64s, rows: Int32s | Sequence[int]) -> zip[tuple[int, int]]:
        return zip(starts[rows].tolist(), ends[rows].tolist(), strict=True)

    def _between(self, start: int, end: int) -> str:
        text = self.content[start:end].tobytes().decode("utf-8", "replace")
        return unescape(text) if "&" in text else text

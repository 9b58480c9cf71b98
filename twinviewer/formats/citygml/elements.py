"""A piece of an XML file as columns: one row per element, in document order.

What reads CityGML works on whole columns instead of one element after the other.  Columns come from one of two
makers, which agree to the last value: the compiled one for what nearly all files are, and libxml2's for the rest
(other encodings, declarations inside members, character data sections, comments in texts).
"""

from __future__ import annotations

import re
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from lxml import etree
from numpy.typing import NDArray

Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Float64s = NDArray[np.float64]
Uint8s = NDArray[np.uint8]

_ENOUGH = 65_536
"""Elements of a piece, some 4 MB; a member of the city model may have more."""
_REFERENCE = re.compile(r"&(?:#(\d+)|#x([0-9a-fA-F]+)|(\w+));")
_PREDEFINED = {"amp": "&", "lt": "<", "gt": ">", "quot": '"', "apos": "'"}
"""XML 1.0, 4.6; a city model has no others, as it must not declare them."""
_ATTRIBUTES_LIMIT = 1000
"""Of XML in one element that libxml2 is asked for, as it looks for each from the first one on."""
_LINE_END = re.compile(r"\r\n?")
_SPACE = re.compile(r"\r\n|[\t\n\r]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Elements:
    """``e`` elements with ``a`` attributes of XML, declarations of namespaces not among them."""

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

    def texts(self, rows: Int32s | Sequence[int]) -> list[str]:
        """Return the texts of some elements, stripped, with references resolved."""
        spans = self._spans(self.text_start, self.text_end, rows)
        return [self._between(start, end, _LINE_END, "\n").strip() for start, end in spans]

    def values(self, attributes: Int32s | Sequence[int]) -> list[str]:
        """Return the values of some attributes (rows of the attribute columns), normalised (XML 1.0, 3.3.3)."""
        spans = self._spans(self.attribute_start, self.attribute_end, attributes)
        return [self._between(start, end, _SPACE, " ") for start, end in spans]

    def _spans(self, starts: Int64s, ends: Int64s, rows: Int32s | Sequence[int]) -> zip[tuple[int, int]]:
        return zip(starts[rows].tolist(), ends[rows].tolist(), strict=True)

    def _between(self, start: int, end: int, ends_of_line: re.Pattern[str], instead: str) -> str:
        text = ends_of_line.sub(instead, self.content[start:end].tobytes().decode())
        return _REFERENCE.sub(_resolved, text) if "&" in text else text


def _resolved(reference: re.Match[str]) -> str:
    decimal, hexadecimal, name = reference.groups()
    return _PREDEFINED[name] if name else chr(int(decimal) if decimal else int(hexadecimal, 16))


def pieces_of(members: Iterable[etree._Element]) -> Iterator[Elements]:
    """Yield elements of lxml, each with all that is in it, as columns."""
    columns = ElementColumns()
    for member in members:
        columns.add(member)
        if len(columns) >= _ENOUGH:
            yield columns.finished()
            columns = ElementColumns()
    if len(columns):
        yield columns.finished()


class ElementColumns:
    """Elements in the making, from lxml's: complete, and slow."""

    def __init__(self) -> None:
        self._content = bytearray()
        self._names: dict[str, int] = {}
        self._name, self._parent, self._end, self._depth = array("i"), array("i"), array("i"), array("i")
        self._text_start, self._text_end = array("q"), array("q")
        self._attribute_element, self._attribute_name = array("i"), array("i")
        self._attribute_start, self._attribute_end = array("q"), array("q")

    def __len__(self) -> int:
        return len(self._name)

    def add(self, member: etree._Element) -> None:
        """Append an element with all that is in it; it becomes one of the outermost."""
        around = [-1]
        for event, element in etree.iterwalk(member, events=("start", "end")):
            if event == "end":
                self._end[around.pop()] = len(self)
                continue
            row = len(self)
            self._name.append(self._number(str(element.tag)))
            self._parent.append(around[-1])
            self._end.append(0)
            self._depth.append(len(around) - 1)
            around.append(row)
            self._text_start.append(len(self._content))
            if (text := element.text) is not None and not text.isspace():
                self._content += text.replace("&", "&amp;").replace("\r", "&#13;").encode()
            self._text_end.append(len(self._content))
            for name in element.keys()[:_ATTRIBUTES_LIMIT]:
                self._attribute(row, str(name), str(element.get(name, "")))

    def _attribute(self, row: int, name: str, value: str) -> None:
        self._attribute_element.append(row)
        self._attribute_name.append(self._number(name))
        self._attribute_start.append(len(self._content))
        self._content += _SPACE.sub(lambda space: f"&#{ord(space[0][0])};", value.replace("&", "&amp;")).encode()
        self._attribute_end.append(len(self._content))

    def _number(self, name: str) -> int:
        return self._names.setdefault(name, len(self._names))

    def finished(self) -> Elements:
        """Return what was appended."""
        return Elements(
            content=np.frombuffer(self._content, np.uint8),
            names=tuple(self._names),
            name=np.array(self._name, np.int32),
            parent=np.array(self._parent, np.int32),
            end=np.array(self._end, np.int32),
            depth=np.array(self._depth, np.int32),
            text_start=np.array(self._text_start, np.int64),
            text_end=np.array(self._text_end, np.int64),
            attribute_element=np.array(self._attribute_element, np.int32),
            attribute_name=np.array(self._attribute_name, np.int32),
            attribute_start=np.array(self._attribute_start, np.int64),
            attribute_end=np.array(self._attribute_end, np.int64),
        )

"""What a CityGML file declares where it begins, and what the scanned names are by that."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from lxml import etree
from numpy.typing import NDArray

from twinviewer.formats.citygml.elements import Elements, Int32s, Uint8s
from twinviewer.formats.citygml.stream import PARSING, is_outermost

if TYPE_CHECKING:
    from twinviewer.formats.citygml.scanner import Scanned  # which is imported where it is worth it

_HEAD_BYTES = 65_536
_PROLOG = re.compile(
    rb"(?:\xef\xbb\xbf)?+"
    rb"(?:<\?xml\s++version\s*+=\s*+[\"']1\.0[\"'](?:\s++encoding\s*+=\s*+[\"'](?i:utf-8)[\"'])?+"
    rb"(?:\s++standalone\s*+=\s*+[\"'](?:yes|no)[\"'])?+\s*+\?>)?+"
    rb"(?>\s++|<!--.*?-->)*+"
    rb"<((?:[A-Za-z_][\w.\-]*+:)?+[A-Za-z_][\w.\-]*+)(?:\s++[\w.:\-]++\s*+=\s*+(?:\"[^\"]*+\"|'[^']*+'))*+\s*+>",
    re.DOTALL | re.ASCII,
)
"""Of a file that needs no parser for its encoding, its entities or its instructions."""
_NAME = re.compile(r"(?:([A-Za-z_][\w.\-]*):)?([A-Za-z_][\w.\-]*)", re.ASCII)
_PREDEFINED: dict[str | None, str] = {"xml": "http://www.w3.org/XML/1998/namespace"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Prolog:
    """A file up to the end of the root's start tag."""

    content: bytes
    root: bytes
    """The root's name as it is spelled."""
    namespaces: Mapping[str | None, str]
    """By prefix; None: of elements that have none."""


def prolog_of(path: Path) -> Prolog | None:
    """Return how a file begins, None where it has to be asked libxml2."""
    with path.open("rb") as file:
        begin = _PROLOG.match(file.read(_HEAD_BYTES))
    if begin is None:
        return None
    try:
        root = etree.fromstring(begin[0] + b"</" + begin[1] + b">", etree.XMLParser(**PARSING))
    except etree.XMLSyntaxError:
        return None
    return Prolog(content=begin[0], root=begin[1], namespaces={**root.nsmap, **_PREDEFINED})


def understood(scanned: Scanned, content: Uint8s, namespaces: Mapping[str | None, str]) -> Elements | None:
    """Return what was scanned with names as lxml spells them, None where libxml2 has to be asked.

    Elements that are outermost, and neither members of the city model nor what is read of itself, are left out.
    """
    count = len(scanned.names)
    names_elements, names_attributes = np.zeros((2, count), np.bool_)
    names_elements[scanned.name] = True
    names_attributes[scanned.attribute_name] = True
    known: dict[str, int] = {}
    of_elements, of_attributes = np.full((2, count), -1, np.int32)
    is_declaration = np.zeros(count, np.bool_)
    for number, spelled in enumerate(scanned.names):
        parts = _NAME.fullmatch(spelled.decode())
        if parts is None or spelled == b"xml:id":  # whose values have rules of their own
            return None
        prefix, local = parts.groups()
        if spelled == b"xmlns" or prefix == "xmlns":
            if names_elements[number] or not _is_known(local if prefix else None, number, scanned, content, namespaces):
                return None
            is_declaration[number] = True
            continue
        namespace = namespaces.get(prefix)
        if namespace is None and prefix is not None:
            return None
        tag = f"{{{namespace}}}{local}" if namespace else local
        if names_elements[number]:
            of_elements[number] = known.setdefault(tag, len(known))
        if names_attributes[number]:
            of_attributes[number] = known.setdefault(tag if prefix else local, len(known))
    names = tuple(known)
    kept = ~is_declaration[scanned.attribute_name]
    elements = Elements(
        content=content,
        names=names,
        name=of_elements[scanned.name],
        parent=scanned.parent,
        end=scanned.end,
        depth=scanned.depth,
        text_start=scanned.text_start,
        text_end=scanned.text_end,
        attribute_element=scanned.attribute_element[kept],
        attribute_name=of_attributes[scanned.attribute_name[kept]],
        attribute_start=scanned.attribute_start[kept],
        attribute_end=scanned.attribute_end[kept],
    )
    expanded = of_attributes[names_attributes & ~is_declaration]
    if len(np.unique(expanded)) < len(expanded) and _is_attribute_twice(elements):
        return None
    outermost = np.flatnonzero(elements.parent < 0)
    is_read = np.array([is_outermost(name) for name in names], np.bool_)[elements.name[outermost]]
    return elements if is_read.all() else _of_trees(elements, outermost[is_read])


def _is_known(
    prefix: str | None, number: int, scanned: Scanned, content: Uint8s, namespaces: Mapping[str | None, str]
) -> bool:
    """Return whether the declarations of that name say no more than the root does."""
    declared = namespaces.get(prefix, "" if prefix is None else None)
    rows = np.flatnonzero(scanned.attribute_name == number)
    spans = zip(scanned.attribute_start[rows].tolist(), scanned.attribute_end[rows].tolist(), strict=True)
    return declared is not None and all(content[start:end].tobytes() == declared.encode() for start, end in spans)


def _is_attribute_twice(elements: Elements) -> bool:
    """Return whether an element has an attribute twice, by two prefixes of one namespace (Namespaces in XML, 6.3)."""
    keys = elements.attribute_element.astype(np.int64) * len(elements.names) + elements.attribute_name
    return len(np.unique(keys)) < len(keys)


def _of_trees(elements: Elements, roots: NDArray[np.int64]) -> Elements:
    """Return some of the outermost elements with all that is in them."""
    steps = np.zeros(len(elements.name) + 1, np.int32)
    steps[roots] += 1
    steps[elements.end[roots]] -= 1
    kept = np.cumsum(steps[:-1]) > 0
    row: Int32s = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
    has_kept = kept[elements.attribute_element]
    return Elements(
        content=elements.content,
        names=elements.names,
        name=elements.name[kept],
        parent=np.where(elements.depth > 0, row[elements.parent], -1).astype(np.int32)[kept],
        end=row[elements.end[kept]],
        depth=elements.depth[kept],
        text_start=elements.text_start[kept],
        text_end=elements.text_end[kept],
        attribute_element=row[elements.attribute_element[has_kept]],
        attribute_name=elements.attribute_name[has_kept],
        attribute_start=elements.attribute_start[has_kept],
        attribute_end=elements.attribute_end[has_kept],
    )

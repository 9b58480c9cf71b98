"""XML scanned at the speed of memory: what nearly all files are made of, compiled.

Only what is surely well-formed is taken; whatever else is met (sections, instructions, names beyond ASCII, damage of
any kind) is left to libxml2, which also says what is wrong.  The clauses are those of XML 1.0.
"""

from __future__ import annotations

from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.elements import Int32s, Int64s, Uint8s
from twinviewer.geometry.compiled import Integer, compiled, is_kept


class Outcome(IntEnum):
    """How scanning ended."""

    WHOLE = 0
    """At the end, with nothing open."""
    CLOSED = 1
    """At an end tag of something that was opened before."""
    OPEN = 2
    """At the end, inside of something."""
    UNUSUAL = 3
    """At something that is not for this scanner."""


class Scanned(NamedTuple):
    """Elements as in :class:`twinviewer.formats.citygml.elements.Elements`, with names as spelled."""

    outcome: Outcome
    position: int
    """Where it ended."""
    names: list[bytes]
    name: Int32s
    parent: Int32s
    end: Int32s
    depth: Int32s
    text_start: Int64s
    text_end: Int64s
    attribute_element: Int32s
    attribute_name: Int32s
    attribute_start: Int64s
    attribute_end: Int64s


_DEEPEST = 250
_NAMES = 512
"""In a piece; real ones have less than a hundred."""
_SLOTS = 2048
_ATTRIBUTES = 64
"""Of one element: more would take long to compare with each other."""


def _table(characters: bytes) -> NDArray[np.bool_]:
    table = np.zeros(256, np.bool_)
    table[list(characters)] = True
    return table


_SPACE = _table(b" \t\r\n")
_PLAIN = _table(bytes(range(32, 128)) + b"\t\r\n")
"""What texts hold and nobody need look at."""
_PLAIN[list(b"<>&")] = False
_PLAIN_IN_QUOTES = _table(bytes(range(32, 128)) + b"\t\r\n")
_PLAIN_IN_QUOTES[list(b"<&'\"")] = False
_IN_NAMES = _table(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-:")


def scan(content: Uint8s) -> Scanned:
    """Scan part of an XML file that begins between elements.

    Args:
        content: (b + 1,) UTF-8, and a zero behind it.
    """
    assert content[-1] == 0
    tags, equals = _counted(content)
    name, parent, end, depth = (np.empty(tags, np.int32) for _ in range(4))
    text_start, text_end = np.empty(tags, np.int64), np.empty(tags, np.int64)
    attribute_element, attribute_name = np.empty(equals, np.int32), np.empty(equals, np.int32)
    attribute_start, attribute_end = np.empty(equals, np.int64), np.empty(equals, np.int64)
    name_start, name_end = np.empty(_NAMES, np.int64), np.empty(_NAMES, np.int64)
    outcome, position, elements, attributes, names = _scan(
        content,
        name,
        parent,
        end,
        depth,
        text_start,
        text_end,
        attribute_element,
        attribute_name,
        attribute_start,
        attribute_end,
        name_start,
        name_end,
    )
    spans = zip(name_start[:names].tolist(), name_end[:names].tolist(), strict=True)
    return Scanned(
        Outcome(outcome),
        position,
        [content[start:end].tobytes() for start, end in spans],
        name[:elements],
        parent[:elements],
        end[:elements],
        depth[:elements],
        text_start[:elements],
        text_end[:elements],
        attribute_element[:attributes],
        attribute_name[:attributes],
        attribute_start[:attributes],
        attribute_end[:attributes],
    )


def is_loaded_soon() -> bool:
    """Return whether the scanner was compiled before."""
    return is_kept(_scan)


@compiled
def _counted(content: Uint8s) -> tuple[int, int]:
    """Return how many ``<`` and ``=`` there are: at least as many as elements and attributes."""
    tags = equals = 0
    for byte in content:
        tags += byte == 60
        equals += byte == 61
    return tags, equals


@compiled
def _behind_reference(b: Uint8s, i: int) -> int:
    """Return where the reference that begins at ``i`` ends (4.1, 4.6), −1 where it is none that everybody knows."""
    i += 1
    if b[i] != 35:  # a name
        first = i
        while 97 <= b[i] <= 122 and i - first < 5:
            i += 1
        if b[i] != 59:
            return -1
        a, size = b[first], i - first
        if size == 2 and (a == 108 or a == 103) and b[first + 1] == 116:  # lt gt
            return i + 1
        if size == 3 and a == 97 and b[first + 1] == 109 and b[first + 2] == 112:  # amp
            return i + 1
        if size == 4:
            c, d, e = b[first + 1], b[first + 2], b[first + 3]
            if (a == 113 and c == 117 and d == 111 and e == 116) or (a == 97 and c == 112 and d == 111 and e == 115):
                return i + 1  # quot apos
        return -1
    i += 1
    base = 10
    if b[i] == 120:
        base = 16
        i += 1
    first = i
    value: Integer = 0
    while b[i] != 59:
        c = np.int64(b[i])
        digit = c - 48
        if base == 16 and 97 <= (c | 32) <= 102:
            digit = (c | 32) - 87
        elif not 0 <= digit <= 9:
            return -1
        value = value * base + digit
        if value > 0x10FFFF:
            return -1
        i += 1
    if i == first or not _is_character(value):
        return -1
    return i + 1


@compiled
def _is_character(code: Integer) -> bool:
    """Return whether XML may hold a character (2.2)."""
    if code < 32:
        return code == 9 or code == 10 or code == 13
    return bool(code < 0xD800 or 0xE000 <= code <= 0xFFFD or code >= 0x10000)


@compiled
def _behind_character(b: Uint8s, i: int) -> int:
    """Return where the character beyond ASCII that begins at ``i`` ends, −1 where it is none."""
    first = np.int64(b[i])
    if 0xC2 <= first < 0xE0:
        count, code = 1, first & 0x1F
    elif 0xE0 <= first < 0xF0:
        count, code = 2, first & 0x0F
    elif 0xF0 <= first < 0xF5:
        count, code = 3, first & 0x07
    else:
        return -1
    for k in range(1, count + 1):
        following = np.int64(b[i + k])  # the zero at the end follows nothing
        if following & 0xC0 != 0x80:
            return -1
        code = code << 6 | following & 0x3F
    if (count == 2 and code < 0x800) or (count == 3 and (code < 0x10000 or code > 0x10FFFF)):
        return -1
    return i + count + 1 if _is_character(code) else -1


@compiled
def _behind_comment(b: Uint8s, i: int, stop: int) -> int:
    """Return where the comment that begins at ``i`` ends (2.5), ``stop`` where it does not, −1 where it is none."""
    if b[i + 2] != 45 or b[i + 3] != 45:
        return -1
    i += 4
    while i < stop:
        c = b[i]
        if c == 45 and b[i + 1] == 45:
            return i + 3 if b[i + 2] == 62 else -1
        if c >= 128:
            i = _behind_character(b, i)
            if i < 0:
                return -1
        elif c >= 32 or _SPACE[c]:
            i += 1
        else:
            return -1
    return stop


@compiled
def _number_of(
    b: Uint8s, first: int, behind: int, hashed: Integer, slots: Int32s, starts: Int64s, ends: Int64s, count: int
) -> int:
    """Return the number of a name: that of an equal one, or the next one."""
    slot = (hashed ^ hashed >> 15) & (_SLOTS - 1)
    size = behind - first
    while True:
        number = slots[slot]
        if number < 0:
            starts[count] = first
            ends[count] = behind
            slots[slot] = count
            return count
        start = starts[number]
        if ends[number] - start == size:
            k = 0
            while k < size and b[start + k] == b[first + k]:
                k += 1
            if k == size:
                return int(number)
        slot = (slot + 1) & (_SLOTS - 1)


@compiled
def _scan(
    b: Uint8s,
    name: Int32s,
    parent: Int32s,
    end: Int32s,
    depth: Int32s,
    text_start: Int64s,
    text_end: Int64s,
    attribute_element: Int32s,
    attribute_name: Int32s,
    attribute_start: Int64s,
    attribute_end: Int64s,
    name_start: Int64s,
    name_end: Int64s,
) -> tuple[int, int, int, int, int]:
    """Fill the columns; return the outcome, where, and how many elements, attributes and names there are."""
    stop = len(b) - 1
    slots = np.full(_SLOTS, -1, np.int32)
    row_around, name_around = np.empty(_DEEPEST, np.int32), np.empty(_DEEPEST, np.int64)
    elements = attributes = names = level = 0
    i = 0
    while True:
        # Text, up to the next tag
        while _PLAIN[b[i]]:
            i += 1
        c = b[i]
        if c == 38:
            behind = _behind_reference(b, i)
            if behind < 0:
                break
            i = behind
            continue
        if c >= 128:
            behind = _behind_character(b, i)
            if behind < 0:
                break
            i = behind
            continue
        if c == 62:
            if i >= 2 and b[i - 1] == 93 and b[i - 2] == 93:
                break
            i += 1
            continue
        if c != 60:
            break
        tag = i
        i += 1
        c = b[i]
        if c == 47:
            if level == 0:
                return Outcome.CLOSED, tag, elements, attributes, names
            level -= 1
            row = row_around[level]
            k = name_around[level]
            i += 1
            while b[i] == b[k] and _IN_NAMES[b[i]]:
                i += 1
                k += 1
            if _IN_NAMES[b[i]] or _IN_NAMES[b[k]]:
                i = tag
                break
            while _SPACE[b[i]]:
                i += 1
            if b[i] != 62:
                break
            i += 1
            if text_end[row] < 0:
                text_end[row] = tag
            end[row] = elements
            continue
        row = row_around[level - 1] if level else -1
        if c == 33:
            i = _behind_comment(b, tag, stop)
            if i < 0:
                i = tag
                break
            if row >= 0 and text_end[row] < 0:  # the text goes on behind it
                k = text_start[row]
                while _SPACE[b[k]]:
                    k += 1
                if k < tag:
                    i = tag
                    break
                text_start[row] = i
            continue
        # A start tag
        first = i
        hashed = np.int64(0)
        while _IN_NAMES[b[i]]:
            hashed = hashed * 31 + b[i]
            i += 1
        if i == first or names + _ATTRIBUTES >= _NAMES:
            i = tag
            break
        number = _number_of(b, first, i, hashed, slots, name_start, name_end, names)
        names += number == names
        if row >= 0 and text_end[row] < 0:
            text_end[row] = tag
        own_attributes = attributes
        c = b[i]
        is_good = True
        while c != 62 and c != 47:
            if not _SPACE[c]:
                is_good = False
                break
            while _SPACE[c]:
                i += 1
                c = b[i]
            if c == 62 or c == 47:
                break
            first = i
            hashed = np.int64(0)
            while _IN_NAMES[b[i]]:
                hashed = hashed * 31 + b[i]
                i += 1
            behind = i
            while _SPACE[b[i]]:
                i += 1
            if behind == first or b[i] != 61 or attributes - own_attributes == _ATTRIBUTES:
                is_good = False
                break
            i += 1
            while _SPACE[b[i]]:
                i += 1
            quote = b[i]
            if quote != 34 and quote != 39:
                is_good = False
                break
            own = _number_of(b, first, behind, hashed, slots, name_start, name_end, names)
            names += own == names
            for k in range(own_attributes, attributes):
                is_good &= attribute_name[k] != own
            i += 1
            attribute_start[attributes] = i
            while is_good:
                while _PLAIN_IN_QUOTES[b[i]]:
                    i += 1
                c = b[i]
                if c == quote:
                    break
                if c == 34 or c == 39:
                    i += 1
                elif c == 38 or c >= 128:
                    k = _behind_reference(b, i) if c == 38 else _behind_character(b, i)
                    is_good = k >= 0
                    i = max(k, i)
                else:
                    is_good = False
            if not is_good:
                break
            attribute_end[attributes] = i
            attribute_element[attributes] = elements
            attribute_name[attributes] = own
            attributes += 1
            i += 1
            c = b[i]
        if not is_good:
            break
        name[elements] = number
        parent[elements] = row
        depth[elements] = level
        if c == 47:
            i += 1
            if b[i] != 62:
                break
            end[elements] = elements + 1
            text_end[elements] = i + 1
        else:
            if level == _DEEPEST:
                break
            text_end[elements] = -1
            row_around[level] = elements
            name_around[level] = tag + 1
            level += 1
        i += 1
        text_start[elements] = i
        elements += 1
    if i < stop:
        return Outcome.UNUSUAL, i, elements, attributes, names
    return Outcome.OPEN if level else Outcome.WHOLE, stop, elements, attributes, names

"""What is wrong with files of city models, as a function of a number: the same number makes the same file again.

Each input is one of the seeds with one to four faults.  Half of them keep the syntax and break the meaning (elements
and values moved, repeated, renamed, of another type, indices past the end, numbers that are none); the others break
the syntax, in the ways of :mod:`tests.formats.damage` and by tags, quotes and brackets.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable
from typing import Any

from tests.formats import damage
from tests.fuzzing.seeds import CITYGML, CITYJSON, as_text, packed

FORMATS = ("citygml", "cityjson")

_NUMBERS = (
    b"NaN",
    b"nan",
    b"INF",
    b"-inf",
    b"1e308",
    b"-1e308",
    b"1e-320",
    b"1e30",
    b"9e999",
    b"",
    b"0",
    b"-0",
    b"-1",
    b"0x10",
    b"1,5",
    b"1_000",
    b"\xd9\xa1",
    b"--1",
    b".",
    b"1e",
    b"9" * 400,
    b"99999999999999999999",
    b"1.2.3",
)
_VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1,
    10**7,
    2**31,
    2**53,
    1.5,
    -0.0,
    1e308,
    1e30,
    "",
    "x",
    "0",
    [],
    {},
    [[]],
    [[[]]],
    [None],
    [0, 0, 0],
    {"type": 1},
    {"values": None},
    "\ud800",
    "é" * 300,
)
_TAG = re.compile(rb"<(/?)([A-Za-z][\w.-]*(?::[\w.-]+)?)([^<>]*)>")
_ATTRIBUTE = re.compile(rb"\s[\w:.-]+\s*=\s*(?:\"[^\"]*\"|'[^']*')")
_TEXT = re.compile(rb">([^<>]+)<")
_WORD = re.compile(rb"[^\s<>\"'=]+")
_BRACKET = re.compile(rb"[][{}\",:]")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_CUTS = 20


def mutated(format: str, number: int) -> bytes:
    """Return the input of this number, of a format of :data:`FORMATS`."""
    chance = random.Random(f"{format} {number}")
    whole = chance.choice(CITYGML if format == "citygml" else CITYJSON)
    ways = _IN_XML if format == "citygml" else _IN_JSON
    content = unchanged = whole if isinstance(whole, bytes) else as_text(whole)
    if not isinstance(whole, bytes) and chance.random() < 0.7:
        content = as_text(_with_other_values(whole, chance))
    is_packed = chance.random() < 0.06
    if is_packed and chance.random() < 0.5:
        return _of_bytes(packed(content), chance)
    if content == unchanged or chance.random() < 0.2:
        for _ in range(chance.randint(1, 4)):
            content = chance.choice(ways)(content, chance)
    return packed(content) if is_packed else content


# --- any file ---------------------------------------------------------------------------------------------------


def _of_bytes(content: bytes, chance: random.Random) -> bytes:
    if len(content) < 16:
        return content + chance.randbytes(16)
    return damage.mutated(content, chance.randrange(2**40))


def _cut(content: bytes, chance: random.Random) -> bytes:
    return damage.cut(content, chance.randrange(_CUTS))


def _with_another_number(content: bytes, chance: random.Random) -> bytes:
    return _replaced(content, _NUMBER, chance, lambda _: chance.choice(_NUMBERS))


def _replaced(
    content: bytes, pattern: re.Pattern[bytes], chance: random.Random, by: Callable[[re.Match[bytes]], bytes]
) -> bytes:
    """Return ``content`` with up to three matches of ``pattern`` replaced."""
    found = list(pattern.finditer(content))
    for match in sorted(chance.sample(found, min(len(found), chance.randint(1, 3))), key=lambda m: -m.start()):
        content = content[: match.start()] + by(match) + content[match.end() :]
    return content


# --- XML --------------------------------------------------------------------------------------------------------


def _without_tags(content: bytes, chance: random.Random) -> bytes:
    return _replaced(content, _TAG, chance, lambda _: b"")


def _with_tags_twice(content: bytes, chance: random.Random) -> bytes:
    return _replaced(content, _TAG, chance, lambda tag: tag[0] * 2)


def _with_another_name(content: bytes, chance: random.Random) -> bytes:
    """Give some elements the names of others, end tags included: the file stays well-formed."""
    names = sorted({tag[2] for tag in _TAG.finditer(content)})
    if len(names) < 2:
        return content
    old, new = chance.sample(names, 2)
    return re.sub(rb"(?<=[<])(/?)" + re.escape(old) + rb"(?=[\s/>])", rb"\1" + new, content)


def _elements(content: bytes) -> list[tuple[int, int]]:
    """Return where elements begin and end, those with an end tag of their own."""
    found, open_tags = [], []
    for tag in _TAG.finditer(content):
        if tag[3].endswith(b"/"):
            found.append((tag.start(), tag.end()))
        elif not tag[1]:
            open_tags.append((tag[2], tag.start()))
        elif open_tags and open_tags[-1][0] == tag[2]:
            found.append((open_tags.pop()[1], tag.end()))
    return found


def _with_elements_moved(content: bytes, chance: random.Random) -> bytes:
    """Delete, repeat, move, swap or wrap an element; the file stays well-formed."""
    elements = _elements(content)
    if len(elements) < 2:
        return content
    begin, end = chance.choice(elements)
    inside = content[begin:end]
    other_begin, other_end = chance.choice(elements)
    way = chance.randrange(5)
    if way == 0:
        return content[:begin] + content[end:]
    if way == 1:
        return content[:begin] + inside * chance.choice((2, 2, 3, 40)) + content[end:]
    if way == 2:
        return content[:other_begin] + inside + content[other_begin:]
    if way == 3 and (other_end <= begin or end <= other_begin):
        (a, b), (c, d) = sorted([(begin, end), (other_begin, other_end)])
        return content[:a] + content[c:d] + content[b:c] + content[a:b] + content[d:]
    name = chance.choice([tag[2] for tag in _TAG.finditer(content)])
    depth = chance.choice((1, 3, 30, 300, 3000))
    return content[:begin] + b"<%b>" % name * depth + inside + b"</%b>" % name * depth + content[end:]


def _with_other_attributes(content: bytes, chance: random.Random) -> bytes:
    found = [match[0] for match in _ATTRIBUTE.finditer(content)]
    if not found:
        return content
    way = chance.randrange(4)
    if way == 0:
        return _replaced(content, _ATTRIBUTE, chance, lambda _: b"")
    if way == 1:
        return _replaced(content, _ATTRIBUTE, chance, lambda match: match[0] * 2)
    if way == 2:
        return _replaced(content, _ATTRIBUTE, chance, lambda _: chance.choice(found))
    values = (
        b"#",
        b"",
        b"#house",
        b"#f0",
        b"a.gml#f0",
        b"EPSG:4326",
        b"EPSG:99999",
        b"0",
        b"9",
        b"-",
        b"&#0;",
        b"\xff",
    )
    return _replaced(
        content, _ATTRIBUTE, chance, lambda match: match[0].partition(b"=")[0] + b'="' + chance.choice(values) + b'"'
    )


def _with_another_text(content: bytes, chance: random.Random) -> bytes:
    texts = (
        b"",
        b" ",
        b"x",
        b"1 2",
        b"1 2 3",
        b"1 2 3 " * 2000,
        b"&amp;",
        b"&no;",
        b"<![CDATA[1 2 3]]>",
        b"<!-- -->",
        b"<?x y?>",
        b"\x00",
        b"\xed\xa0\x80",
        b"]]>",
        b"\xc2\xa0",
        b"0 0 0 0 0 0 0 0 0",
        b"true",
        b"<",
        b"&",
    )
    return _replaced(content, _TEXT, chance, lambda _: b">" + chance.choice(texts) + b"<")


def _with_numbers_left_out(content: bytes, chance: random.Random) -> bytes:
    return _replaced(content, _WORD, chance, lambda _: b"")


def _with_another_head(content: bytes, chance: random.Random) -> bytes:
    heads = (
        b'<?xml version="1.0" encoding="utf-16"?>',
        b'<?xml version="1.0" encoding="x-none"?>',
        b"\xef\xbb\xbf",
        b"\xff\xfe",
        b"<!DOCTYPE a>",
        b"<!--",
        b"<!DOCTYPE a [<!ENTITY b 'c'>]>",
        b"\x00",
        b"\n\n",
        b'<?xml version="1.1"?>',
        b'<?xml version="1.0" standalone="yes"?>',
    )
    return chance.choice(heads) + content


_IN_XML = (
    _of_bytes,
    _cut,
    *4 * (_with_another_number,),
    _without_tags,
    _with_tags_twice,
    _with_another_name,
    *6 * (_with_elements_moved,),
    *4 * (_with_other_attributes,),
    *2 * (_with_another_text,),
    _with_numbers_left_out,
    _with_another_head,
)


# --- JSON -------------------------------------------------------------------------------------------------------

Lines = tuple[Any, ...]


def _place(value: Any, chance: random.Random) -> tuple[Any, Any]:
    """Return a list or object inside ``value``, and one of its keys; which ones is as likely for deep as for flat."""
    while True:
        key = chance.choice(list(value)) if isinstance(value, dict) else chance.randrange(len(value))
        inner = value[key]
        if not isinstance(inner, dict | list) or not inner or chance.random() < 0.12:
            return value, key
        value = inner


def _with_another_value(lines: Lines, chance: random.Random) -> None:
    document = chance.choice(lines)
    if document:
        container, key = _place(document, chance)
        container[key] = copy.deepcopy(chance.choice(_VALUES))


def _with_another_index(lines: Lines, chance: random.Random) -> None:
    document = chance.choice(lines)
    for _ in range(200):
        if not document:
            return
        container, key = _place(document, chance)
        if isinstance(container[key], int):
            container[key] = chance.choice(
                (-1, -(2**31), 4, 8, 11, 12, 13, 10**6, 2**31, 2**32, 2**63, 2**64, 1.0, "1")
            )
            return


def _without_a_value(lines: Lines, chance: random.Random) -> None:
    document = chance.choice(lines)
    if document:
        container, key = _place(document, chance)
        del container[key]


def _with_a_value_elsewhere(lines: Lines, chance: random.Random) -> None:
    document, other = chance.choice(lines), chance.choice(lines)
    if document and other:
        container, key = _place(document, chance)
        there, name = _place(other, chance)
        container[key] = copy.deepcopy(there[name])


def _with_a_value_repeated(lines: Lines, chance: random.Random) -> None:
    document = chance.choice(lines)
    if document:
        container, key = _place(document, chance)
        if isinstance(container, list):
            container[key:key] = [container[key]] * chance.choice((1, 2, 50, 2000))
        else:
            container[f"{key}{chance.choice(('', '2', ' ', '+'))}"] = copy.deepcopy(container[key])


def _nested(lines: Lines, chance: random.Random) -> None:
    document = chance.choice(lines)
    if document:
        container, key = _place(document, chance)
        value = container[key]
        is_list = chance.random() < 0.5
        for _ in range(chance.choice((1, 2, 30, 400))):
            value = [value] if is_list else {"a": value}
        container[key] = value


def _with_other_values(lines: Lines, chance: random.Random) -> Lines:
    changed = copy.deepcopy(lines)
    for _ in range(chance.randint(1, 4)):
        chance.choice(_IN_VALUES)(changed, chance)
    return changed


_IN_VALUES = (
    _with_another_value,
    _with_another_value,
    _with_another_index,
    _with_another_index,
    _without_a_value,
    _with_a_value_elsewhere,
    _with_a_value_repeated,
    _nested,
)


def _without_brackets(content: bytes, chance: random.Random) -> bytes:
    return _replaced(content, _BRACKET, chance, lambda _: b"")


def _with_other_brackets(content: bytes, chance: random.Random) -> bytes:
    return _replaced(
        content, _BRACKET, chance, lambda _: chance.choice((b"[", b"]", b"{", b"}", b",", b'"', b"[" * 2000))
    )


def _with_lines_broken(content: bytes, chance: random.Random) -> bytes:
    return _replaced(
        content, _BRACKET, chance, lambda match: match[0] + chance.choice((b"\n", b"\x1e", b"\r\n", b"\x00"))
    )


_IN_JSON = (
    _of_bytes,
    _cut,
    _with_another_number,
    _without_brackets,
    _with_other_brackets,
    _with_lines_broken,
)

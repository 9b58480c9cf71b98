"""On which line of a TOML file a key stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

Location = tuple[int | str, ...]
"""Keys and indices from the top of the file: ``("analyses", 0, "parameters", 1, "default")``."""

_HEADER = re.compile(r"\s*(\[\[|\[)\s*(?P<name>[^\[\]]+?)\s*(\]\]|\])\s*(#.*)?$")
_KEY = re.compile(r"""\s*(?P<name>(?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_TEXT = re.compile(r'''"""|\'\'\'|"(?:[^"\\]|\\.)*"|'[^']*'|#.*''')


def line_of(text: str, location: Location) -> int | None:
    """Return the line, from 1, of a key; of the innermost table that would hold it where it is not there itself.

    Args:
        text: Valid TOML.
        location: Where the key is.  Keys within an inline table or array are found on the line of that.

    Returns:
        None where not even the table is there.
    """
    lines = dict(_keys(text))
    for length in range(len(location), 0, -1):
        line = lines.get(location[:length])
        if line is not None:
            return line
    return None


def _keys(text: str) -> Iterator[tuple[Location, int]]:
    """Yield each key and each header with its line, the first of equal ones last."""
    found: list[tuple[Location, int]] = []
    counts: dict[Location, int] = {}
    table: Location = ()
    for number, line in _statements(text):
        header, key = _HEADER.match(line), _KEY.match(line)
        if header is not None:
            table = _table(_parts(header["name"]), counts, is_array=header[1] == "[[")
            found += [(table[:-1], number), (table, number)] if header[1] == "[[" else [(table, number)]
        elif key is not None:
            path = table
            for part in _parts(key["name"]):
                path = (*path, part)
                found.append((path, number))
    return reversed(found)


def _table(names: list[str], counts: dict[Location, int], *, is_array: bool) -> Location:
    """Return the location of a table; one inside an array of tables is in the array's last element."""
    path: Location = ()
    for depth, name in enumerate(names, start=1):
        path = (*path, name)
        if is_array and depth == len(names):
            counts[path] = counts.get(path, -1) + 1
        if path in counts:
            path = (*path, counts[path])
    return path


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """Yield the lines that begin a statement: not those inside arrays, inline tables or texts of several lines."""
    depth, closing = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        if not closing and depth == 0:
            yield number, line
            if _HEADER.match(line):
                continue
        rest = line
        while rest:
            if closing:
                _, ended, rest = rest.partition(closing)
                closing = "" if ended else closing
                continue
            quoted = _TEXT.search(rest)
            plain, rest = (rest, "") if quoted is None else (rest[: quoted.start()], rest[quoted.end() :])
            depth += sum(map(plain.count, "[{")) - sum(map(plain.count, "]}"))
            if quoted is not None and quoted[0] in ('"""', "'''"):
                closing = quoted[0]


def _parts(name: str) -> list[str]:
    return [part.strip("\"'") for part in _PART.findall(name)]

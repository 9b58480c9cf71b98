"""The text of one object as its file has it: the element with its gml:id, or the member of that name.

The file is searched as bytes, piece by piece, and never parsed: what is damaged elsewhere does no harm, and a file of
gigabytes needs no memory.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from xml.sax.saxutils import escape

from twinviewer.model.errors import ReadError
from twinviewer.model.feedback import Feedback

LIMIT_BYTES = 64 * 1024
"""So much of an element is shown."""
_PIECE_BYTES = 4 * 2**20
_MOST_BEFORE_BYTES = 4096
"""An element's id stands no farther than that from its beginning."""
_GZIP = b"\x1f\x8b"
_TAG = re.compile(
    rb"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<(/?)[^!?<>](?:[^<>\"']|\"[^\"]*\"|'[^']*')*?(/?)>", re.DOTALL
)
_JSON_MARK = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)
_FLAT_LIST = re.compile(r"\[[^\[\]{}\"]*\]")
_ENCODING = re.compile(rb"<\?xml[^>]*?encoding\s*=\s*[\"']([A-Za-z0-9._-]+)[\"']")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceElement:
    """What a file says of one object."""

    text: str
    is_whole: bool
    """Whether it is all: only the beginning of a long one is kept."""


def read_source_element(path: Path, object_id: str, *, feedback: Feedback) -> SourceElement:
    """Return what the file says of the object of that id.

    Args:
        path: A CityGML, CityJSON or CityJSONSeq file, which may be packed with gzip.
        object_id: gml:id, or the key among the CityObjects.
        feedback: Hears how far the search is, and is asked whether to stop.

    Raises:
        ReadError: The file cannot be read, or has no element of that id.
        Cancelled: The person stopped it.
    """
    try:
        with _opened(path) as (file, progress):
            beginning = file.read(1024)
            file.seek(0)
            is_xml = beginning.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<")
            encoding = _encoding(beginning) if is_xml else "utf-8"
            found = (_xml_place if is_xml else _json_place)(object_id, encoding)
            text = _found(file, found, feedback, progress)
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or "it is damaged"
        raise ReadError(
            f"The source cannot be read ({reason}).", cure="Check that the file is where it was.", source=path.name
        ) from error
    if text is None:
        raise ReadError(
            f"The file has no element with the id “{object_id}”.",
            cure="It was changed since it was read, or the object has no id there and was given one.",
            source=path.name,
        )
    whole, size = (_xml_end if is_xml else _json_end)(text)
    shown = text[: min(size, LIMIT_BYTES)].decode(encoding, errors="replace")
    is_whole = whole and size <= LIMIT_BYTES
    return SourceElement(text=_moved_left(shown) if is_xml else _in_lines(shown, is_whole=is_whole), is_whole=is_whole)


_Place = Callable[[bytes], int | None]
"""Says where in a piece of the file the element begins."""


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, Callable[[], float]]]:
    """Give the file, unpacked, and how much of it is read: 0 to 1."""
    size = max(1, path.stat().st_size)
    with path.open("rb") as packed:
        is_packed = packed.read(2) == _GZIP
        packed.seek(0)
        file: BinaryIO = gzip.GzipFile(fileobj=packed) if is_packed else packed  # type: ignore[assignment]
        yield file, lambda: packed.tell() / size


def _encoding(beginning: bytes) -> str:
    stated = _ENCODING.search(beginning)
    name = stated[1].decode() if stated else "utf-8"
    try:
        b"".decode(name)
    except LookupError:
        return "utf-8"
    return name


def _xml_place(object_id: str, encoding: str) -> _Place:
    quoted = re.escape(escape(object_id, {'"': "&quot;"}).encode(encoding, errors="xmlcharrefreplace"))
    attribute = re.compile(rb"[\s:]id\s*=\s*([\"'])" + quoted + rb"\1")

    def place(piece: bytes) -> int | None:
        for found in attribute.finditer(piece):
            begins = piece.rfind(b"<", 0, found.start())
            if begins >= 0 and piece[begins + 1 : begins + 2] not in (b"/", b"!", b"?"):
                return begins
        return None

    return place


def _json_place(object_id: str, _encoding: str) -> _Place:
    spellings = {json.dumps(object_id), json.dumps(object_id, ensure_ascii=False)}
    key = b"|".join(re.escape(spelling.encode()) for spelling in sorted(spellings))
    member = re.compile(rb"(?:" + key + rb")\s*:\s*\{")

    def place(piece: bytes) -> int | None:
        found = member.search(piece)
        return None if found is None else found.start()

    return place


def _found(file: BinaryIO, place: _Place, feedback: Feedback, progress: Callable[[], float]) -> bytes | None:
    """Return the file from where the element begins, a little more than is shown; None if it is not there."""
    kept = b""
    while piece := file.read(_PIECE_BYTES):
        feedback.stop_if_cancelled()
        feedback.progress(progress())
        window = kept + piece
        begins = place(window)
        if begins is not None:
            window += file.read(LIMIT_BYTES)
            return window[begins : begins + LIMIT_BYTES + 1]
        kept = window[-_MOST_BEFORE_BYTES:]
    return None


def _xml_end(text: bytes) -> tuple[bool, int]:
    """Return whether the element that ``text`` begins with ends in it, and where."""
    depth = 0
    for tag in _TAG.finditer(text):
        if tag[1] is None:
            continue  # a comment, or text that only looks like tags
        depth += -1 if tag[1] else 0 if tag[2] else 1
        if depth <= 0:
            return True, tag.end()
    return False, len(text)


def _json_end(text: bytes) -> tuple[bool, int]:
    depth = 0
    for mark in _JSON_MARK.finditer(text):
        depth += {b"{": 1, b"[": 1, b"}": -1, b"]": -1}.get(mark[0], 0)
        if depth == 0 and mark[0] in (b"}", b"]"):
            return True, mark.end()
    return False, len(text)


def _moved_left(element: str) -> str:
    """Return the element with its last line at the margin, as its first one is."""
    first, *others = element.splitlines()
    indent = min((len(line) - len(line.lstrip()) for line in others if line.strip()), default=0)
    return "\n".join([first, *(line[indent:] for line in others)])


def _in_lines(member: str, *, is_whole: bool) -> str:
    """Return a member of a JSON object in lines, if it is whole and sound."""
    if not is_whole:
        return member
    try:
        laid_out = json.dumps(json.loads("{" + member + "}"), indent=2, ensure_ascii=False)
    except ValueError:
        return member  # as the file has it
    short = _FLAT_LIST.sub(lambda numbers: " ".join(numbers[0].split()).replace("[ ", "[").replace(" ]", "]"), laid_out)
    return "\n".join(line[2:] for line in short.splitlines()[1:-1])

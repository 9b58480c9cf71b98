"""An XML file, read member by member: what has been read is forgotten, and nothing outside the file is ever asked.

Entities are what XML files attack with; no city model needs them, so a file that declares one is refused.  lxml's
own limits on size are too small for a large terrain, so they are off, and the worker's limits on memory and time
stand in their place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from lxml import etree

from twinviewer.formats.citygml.vocabulary import split
from twinviewer.formats.findings import Findings
from twinviewer.model.errors import DamagedFileError, HostileFileError, ReadError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback

HEAD_BYTES = 65_536
_CHUNK_BYTES = 262_144
_MEMBERS = ("cityObjectMember", "featureMember", "featureMembers", "appearanceMember", "versionMember")
_FROM_ITS_SOURCE = "Get the file again from where it came from."

_START_TAG = re.compile(r"<(?:([\w.\-]+):)?([\w.\-]+)((?:\s+[\w.:\-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)", re.DOTALL)
_MARKUP = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)


def head_of(path: Path) -> str:
    """Return the first 64 KiB as text, in whatever encoding XML may begin with.

    Raises:
        ReadError: The file cannot be opened.
    """
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror}.", source=path.name) from error
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="replace")
    if head[:4] in (b"<\0?\0", b"<\0!\0"):
        return head.decode("utf-16-le", errors="replace")
    if head[:4] in (b"\0<\0?", b"\0<\0!"):
        return head.decode("utf-16-be", errors="replace")
    return head.decode("utf-8-sig", errors="replace")


def root_of(head: str) -> tuple[str, str] | None:
    """Return the root element's local name and its start tag's attributes, or None where this is no XML."""
    text = _MARKUP.sub("", head).lstrip()
    if text.startswith("<!DOCTYPE"):
        text = re.sub(r"<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", "", text, count=1, flags=re.DOTALL).lstrip()
    match = _START_TAG.match(text)
    return None if match is None else (match.group(2), match.group(3))


def members(path: Path, *, feedback: Feedback, findings: Findings) -> Iterator[etree._Element]:
    """Yield each member of the city model, whole; it is emptied when the next one is asked for.

    A file that uses a namespace prefix without declaring it is read all the same, and the findings say so.

    Raises:
        DamagedFileError: The file is empty, cut short or not well-formed.
        UnsupportedFormatError: It is XML, but not a city model, or no XML at all.
        HostileFileError: It declares entities, or is nested absurdly deep.
        Cancelled: The person stopped the work.
    """
    _look_at_head(path)
    try:
        size = max(path.stat().st_size, 1)
        with path.open("rb") as file:
            undeclared = yield from _parsed(file, size, feedback, recover=False)
            if undeclared:
                raise AssertionError("a strict parser does not go on")
    except _UndeclaredPrefix as error:
        if error.members_given:
            raise DamagedFileError(error.sentence, cure=_FROM_ITS_SOURCE, source=path.name) from error

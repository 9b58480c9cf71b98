"""An XML file, read member by member: what has been read is forgotten, and nothing outside the file is ever asked.

Entities are what XML files attack with; no city model needs them, so a file that declares one is refused.  lxml's
own limits on size are too small for a large terrain, so they are off, and the worker's limits on memory and time
stand in their place.  A member of the city model that is not well-formed is left out and told, and reading goes on
behind it; of a file that is cut off, the members before the end are given.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lxml import etree

from twinviewer.formats.citygml.vocabulary import CITYGML, GML, split
from twinviewer.formats.files import require_content
from twinviewer.formats.findings import Findings
from twinviewer.formats.unpacking import first_bytes
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, HostileFileError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback

_HEAD_BYTES = 65_536
_LONG_HEAD_BYTES = 64 * _HEAD_BYTES
_CHUNK_BYTES = 262_144
"""Between two questions whether to stop: some 5 ms."""
MEMBERS = ("cityObjectMember", "featureMember", "featureMembers", "member", "appearanceMember", "versionMember")
"""Of the city model, in whichever namespace."""
OF_THE_MODEL = ("boundedBy", "name")
"""What is read of what the model says of itself, in the namespace of GML."""
PARSING: dict[str, Any] = {
    "resolve_entities": False,
    "no_network": True,
    "load_dtd": False,
    "huge_tree": True,
    "remove_comments": True,
    "remove_pis": True,
    "remove_blank_text": True,
}
"""How lxml is to parse.  Not without ``collect_ids``: libxml2 then opens the document type that a file names."""
_LEFT_OUT_LIMIT = 20
"""Members that are not well-formed; a file with more of them is something else."""
_AGAIN = "Get the file again from where it came from."

_START_TAG = re.compile(r"<(?:([\w.\-]+):)?([\w.\-]+)((?:\s+[\w.:\-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'))*)", re.DOTALL)
_DECLARATION = re.compile(r"\sxmlns(?::([\w.\-]+))?\s*=\s*[\"']([^\"']*)[\"']")
_MARKUP = re.compile(r"<!--.*?-->|<\?.*?\?>", re.DOTALL)
_DOCTYPE = re.compile(r"<!DOCTYPE[^\[>]*(\[.*?\]\s*)?>", re.DOTALL)
MEMBER_TAG = re.compile(rb"<(?:[\w.\-]{1,64}:)?(?:%b)[\s>]" % "|".join(MEMBERS).encode())
"""What looks like the beginning of a member; it may be inside of something."""
_MISMATCH = re.compile(r"tag mismatch: \S+ line (\d+) and")
_UNDECLARED = re.compile(r"Namespace prefix (\S+) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """The outermost element of an XML file, as its start tag says it."""

    local: str
    namespaces: tuple[str, ...]
    """The element's own first (empty where it has none), then all that it declares."""

    @property
    def version(self) -> str:
        """Of CityGML; empty where no namespace is of it."""
        ours = [namespace for namespace in self.namespaces if namespace.startswith(CITYGML)]
        return ours[0].rstrip("/").rpartition("/")[2] if ours else ""


def root_of(path: Path) -> Root | None:
    """Return the root element, or None where the file does not begin as XML does; looks at 64 KiB.

    Raises:
        OSError: The file cannot be opened.
    """
    return _root_in(_head_of(path, _HEAD_BYTES))


def _head_of(path: Path, size: int) -> str:
    """Return the first ``size`` bytes as text, in whatever encoding XML may begin with."""
    head = first_bytes(path, size)
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return head.decode("utf-16", errors="replace")
    if head[:4] in (b"<\0?\0", b"<\0!\0"):
        return head.decode("utf-16-le", errors="replace")
    if head[:4] in (b"\0<\0?", b"\0<\0!"):
        return head.decode("utf-16-be", errors="replace")
    return head.decode("utf-8-sig", errors="replace")


def _root_in(head: str) -> Root | None:
    text = _DOCTYPE.sub("", _MARKUP.sub("", head), count=1).lstrip()
    match = _START_TAG.match(text)
    if match is None:
        return None
    prefix, local, attributes = match.groups()
    declared = dict(_DECLARATION.findall(attributes))
    return Root(local=local, namespaces=(declared.get(prefix or "", ""), *declared.values()))


def members(
    path: Path, *, feedback: Feedback, findings: Findings, behind: tuple[int, int] = (0, 0)
) -> Iterator[etree._Element]:
    """Yield each member of the city model, whole, and what the model says of itself; each lives until the next.

    Args:
        path: The file.
        feedback: Hears progress, and is asked every few milliseconds whether to stop.
        findings: Hear of damage, and of namespace prefixes that the file uses without declaring them (their
            elements' tags are ``prefix:name``).
        behind: Where to begin, at a child of the root, and how many members are before it.

    Raises:
        DamagedFileError: The file is empty, or no member of it can be read.
        UnsupportedFormatError: It is XML of another kind, or no XML at all.
        HostileFileError: It declares entities, or is nested absurdly deep.
        Cancelled: The person stopped the work.
    """
    size = require_content(path)
    stream = _Stream(path, size, understood_root(path), feedback)
    at, stream.given = behind
    if at:
        stream.begin_at(at)
    while True:
        try:
            yield from stream.members()
        except etree.XMLSyntaxError as error:
            if _can_go_on(error, stream, findings):
                continue
        return


def understood_root(path: Path) -> Root:
    """Return the root element.

    Raises:
        UnsupportedFormatError: The file is XML of another kind, or no XML at all.
        HostileFileError: It declares entities.
    """
    head = _head_of(path, _HEAD_BYTES)
    root = _root_in(head)
    if root is None and head.lstrip().startswith("<"):
        head = _head_of(path, _LONG_HEAD_BYTES)  # it begins with a long comment, or its start tag is long
        root = _root_in(head)
    if root is None:
        raise UnsupportedFormatError(
            "The file is not XML, whatever its name says.",
            cure="Check whether it is the right file.",
            source=path.name,
        )
    if root.local != "CityModel" and not root.version:
        raise UnsupportedFormatError(
            f"The file is XML, but not CityGML: its outermost element is “{root.local[:60]}”.",
            cure="Check whether it is the right file.",
            source=path.name,
        )
    if "<!ENTITY" in head:
        raise _with_entities(path)
    return root


def is_member(name: str) -> bool:
    """Return whether elements of that name, right below the root, are members of the city model."""
    return split(name)[1] in MEMBERS


def is_outermost(name: str) -> bool:
    """Return whether :func:`members` yields elements of that name that are right below the root."""
    namespace, local = split(name)
    return is_member(name) or (local in OF_THE_MODEL and namespace in GML)


def _with_entities(path: Path) -> HostileFileError:
    return HostileFileError(
        "The file declares XML entities, which no city model needs and which can be used to attack; it is not read.",
        cure="If you trust where it comes from, remove its document type declaration.",
        source=path.name,
    )


class _Stream:
    """The way through the file, begun anew behind each member that is not well-formed."""

    def __init__(self, path: Path, size: int, root: Root, feedback: Feedback) -> None:
        self.path, self.size = path, size
        self.read = self.given = self.left_out = 0
        """Bytes that the parser was given; members that were yielded; members that were not well-formed."""
        self.is_complete = False
        """Whether the end of the root element was met."""
        self.is_at_end = False
        """Whether all of the file was given to the parser."""
        self._root, self._feedback = root, feedback
        self._begin()

    def _begin(self) -> None:
        self.parser = etree.XMLPullParser(
            events=("end",),
            tag=[
                *(f"{{*}}{name}" for name in (*MEMBERS, self._root.local)),
                *(f"{{{namespace}}}{name}" for namespace in GML for name in OF_THE_MODEL),
            ],
            **PARSING,
        )

    def members(self) -> Iterator[etree._Element]:
        parser = self.parser
        last: etree._Element | None = None
        with self.path.open("rb") as file:
            file.seek(self.read)
            while chunk := file.read(_CHUNK_BYTES):
                error: etree.XMLSyntaxError | None = None
                try:
                    parser.feed(chunk)
                except etree.XMLSyntaxError as found:
                    error = found  # what was whole before it comes first
                self.read += len(chunk)
                for _, element in parser.read_events():
                    parent = element.getparent()
                    if parent is None:
                        self.is_complete = True
                    elif parent.getparent() is None:
                        if not self.given:
                            self._refuse_entities(element)
                        yield element
                        self.given += is_member(str(element.tag))
                        # What is behind an element may still be growing, so it goes one step later.
                        element.clear()
                        if last is not None:
                            parent.remove(last)
                        last = element
                if error is not None:
                    raise error
                self._feedback.progress(self.read / self.size, "Reading city objects")
                self._feedback.stop_if_cancelled()
        self.is_at_end = True
        parser.close()

    def go_on_behind(self, line: int) -> bool:
        """Begin anew with the first member behind the one that is damaged in ``line``; return whether there is one."""
        if self.left_out == _LEFT_OUT_LIMIT:
            return False
        content = self._content()
        # As many members begin before it as were given or left out, and itself; a comment may hold more of them.
        earlier = self.given + self.left_out + 1
        damaged_at = _line_start(content, line)
        behind = (
            tag.start()
            for number, tag in enumerate(MEMBER_TAG.finditer(content))
            if number >= earlier and tag.start() > damaged_at
        )
        at = next(behind, None)
        if at is None or not self.begin_at(at):
            return False
        self.left_out += 1
        return True

    def begin_at(self, at: int) -> bool:
        """Begin with the child of the root that is there; return whether the root was found."""
        content = self._content()
        start_tag = re.search(rb"<(?:[\w.\-]+:)?%b(?:\s[^>]*)?>" % self._root.local.encode(), content)
        if start_tag is None:
            return False
        prolog = content[: start_tag.end()]
        self.read = at
        self._begin()
        lines = _lines_in(content, at) - prolog.count(b"\n")  # so that the parser's line numbers are the file's
        with suppress(etree.XMLSyntaxError):  # it is raised again with the next bytes
            self.parser.feed(prolog)
            for begin in range(0, lines, _CHUNK_BYTES):
                self.parser.feed(b"\n" * min(_CHUNK_BYTES, lines - begin))
        return True

    def _content(self) -> mmap.mmap:
        with self.path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)

    def _refuse_entities(self, element: etree._Element) -> None:
        declared = element.getroottree().docinfo.internalDTD
        if declared is not None and any(True for _ in declared.iterentities()):
            raise _with_entities(self.path)


def _can_go_on(error: etree.XMLSyntaxError, stream: _Stream, findings: Findings) -> bool:
    """Tell what is wrong with the file, or refuse it; return whether there is more to read."""
    types = etree.ErrorTypes
    entries = list(stream.parser.feed_error_log)  # the error that is raised is the first one, the fatal one is the last
    undeclared = [entry for entry in entries if entry.type == types.NS_ERR_UNDEFINED_NAMESPACE]
    if undeclared:
        prefixes = {
            match.group(1): None for match in (_UNDECLARED.match(entry.message) for entry in undeclared) if match
        }
        named = ", ".join(f"“{prefix}”" for prefix in list(prefixes)[:5])
        problem = f"The file uses the namespace prefix {named} without declaring it; it is read as an extension."
        findings.add("xml.prefix-undeclared", problem, where=f"line {undeclared[0].line}")
    if stream.is_complete:
        return False
    type, line, message = error.code, error.lineno or 0, error.msg or ""
    if entries:
        type, line, message = entries[-1].type, entries[-1].line, entries[-1].message
    opened = _MISMATCH.search(message)
    line = min(line, int(opened.group(1))) if opened else line  # a missing end tag is noticed far behind it
    if type in (types.ERR_RESOURCE_LIMIT, types.ERR_ENTITY_LOOP):
        raise HostileFileError(
            "The file is nested absurdly deep or multiplies itself, as attacks do; it is not read.",
            cure=_AGAIN,
            source=stream.path.name,
        ) from error
    is_cut = type in (types.ERR_TAG_NOT_FINISHED, types.ERR_DOCUMENT_END) or stream.is_at_end
    goes_on = not is_cut and stream.go_on_behind(line)
    if not stream.given and not goes_on:
        what = "is cut off" if is_cut else f"is not well-formed XML ({message})"
        raise DamagedFileError(
            f"The file {what} at line {line:,}, before the end of its first city object.",
            cure=_AGAIN,
            source=stream.path.name,
        ) from error
    if goes_on:
        problem = f"The file is not well-formed XML at line {line:,} ({message}): what is there is left out."
    elif is_cut:
        problem = f"The file is cut off at line {line:,}: only the {stream.given:,} members before that are shown."
    else:
        problem = (
            f"The file is not well-formed XML at line {line:,} ({message}): what is there and behind it is missing, "
            f"{stream.given:,} members are shown."
        )
    findings.add("xml.damaged", problem, where=f"line {line}", severity=Severity.ERROR)
    return goes_on


def _line_start(content: mmap.mmap, line: int) -> int:
    """Return where a line begins, counted from 1; the end where there is none of that number."""
    at, rest = 0, line - 1
    while rest > 0 and at < len(content):
        chunk = content[at : at + _CHUNK_BYTES]
        count = chunk.count(b"\n")
        if count < rest:
            rest -= count
            at += len(chunk)
        else:
            at = content.find(b"\n", at) + 1
            rest -= 1
    return at


def _lines_in(content: mmap.mmap, end: int) -> int:
    """Return how many line breaks come before ``end``."""
    return sum(content[at : min(at + _CHUNK_BYTES, end)].count(b"\n") for at in range(0, end, _CHUNK_BYTES))

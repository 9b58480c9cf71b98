"""CityJSON 1.0 to 2.0 (OGC 20-072r5) and its text sequences, CityJSONSeq.

A CityJSON object is one document; a sequence has one such object in its first line, for the transform and the
reference system, and a CityJSONFeature with vertices of its own in each line that follows.  x comes before y whatever
the authority's axis order is, as all software of this format has it.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from functools import partial
from pathlib import Path
from typing import Any

import orjson

from twinviewer.formats.city_model import assemble
from twinviewer.formats.cityjson_metadata import metadata_of
from twinviewer.formats.cityjson_objects import CityJsonObjects, Georeference, Json
from twinviewer.formats.findings import Findings
from twinviewer.formats.unpacking import first_bytes, unpacked
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import CityModel, SourceFacts

_PROBED = 64 * 1024
_BOM = b"\xef\xbb\xbf"
_RECORD_SEPARATOR = b"\x1e"
"""Before each text of an RFC 7464 sequence; lines mostly do without."""
_SEQUENCE_SUFFIXES = (".jsonl", ".cityjsonl")
_DOCUMENT, _SEQUENCE = "CityJSON", "CityJSONSeq"
_KNOWN_VERSIONS = ("1.0", "1.1", "2.0")
_NOT_IN_JSON = re.compile(rb"-?(?:NaN|Infinity|inf|nan)\b")
_MISSING = re.compile(r"expected ',' or '([]}])'$")
_TOKENS = re.compile(rb'"(?:[^"\\]|\\.)*"|[][{}]')
_CLOSING = {b"{": b"}", b"[": b"]"}
_TOO_DEEP = "The file's brackets are nested deeper than any city model's."
_READ_SHARE = 0.6
"""Of the work, as far as the progress goes: the rest is cutting surfaces into triangles."""


def probe(*, path: Path) -> float:
    """Return how sure it is that the file is CityJSON, by its first 64 KiB."""
    head = first_bytes(path, _PROBED).removeprefix(_BOM).lstrip().lstrip(_RECORD_SEPARATOR)
    if not head.startswith(b"{"):
        return 0.0
    if re.search(rb'"type"\s*:\s*"CityJSON(Feature)?"', head):
        return 1.0
    if re.search(rb'"CityObjects"\s*:\s*\{', head):
        return 0.95
    return 0.7 if re.match(rb'\{\s*"(vertices|appearance|geometry-templates)"\s*:', head) else 0.0


def read(*, path: Path, feedback: Feedback) -> list[CityModel]:
    """Read a CityJSON file or sequence.

    Args:
        path: The file, which may be packed with gzip.
        feedback: Hears progress, and is asked now and then whether to stop.

    Raises:
        UnsupportedFormatError: It is JSON, but not CityJSON.
        DamagedFileError: It is not valid JSON, or holds nothing that can be read.
        Cancelled: The person stopped the work.
    """
    gathered = CityJsonObjects(Findings())
    with unpacked(path, feedback) as plain, _collector_off(), _depth_limited(path.name):
        if _is_sequence(plain):
            head = _read_sequence(plain, plain.stat().st_size, gathered, feedback)
            name = _SEQUENCE
        else:
            head = _read_whole(plain, gathered, feedback)
            name = _DOCUMENT
        _tell_of_head(head, gathered.findings)
        gathered.appearance.columns.tell_of_images(path, gathered.findings)
        feedback.progress(_READ_SHARE, "Cutting surfaces into triangles")
        feedback.stop_if_cancelled()
        return [_layer(gathered, head, name, feedback)]


def _layer(gathered: CityJsonObjects, head: Json, name: str, feedback: Feedback) -> CityModel:
    """Return the layer of what was gathered."""
    return assemble(
        source=SourceFacts(format=name, version=_version(head), metadata=metadata_of(head)),
        crs_names=_reference_system(head),
        objects=gathered.objects,
        attributes=gathered.attributes,
        surfaces=gathered.surfaces(),
        vertices=gathered.vertices(),
        shapes=gathered.shapes(),
        surface_types=gathered.surface_types,
        lods=gathered.lods,
        findings=gathered.findings,
        thematic=gathered.thematic,
        geometries=gathered.geometries,
        appearance=gathered.appearance.columns,
        axis_order_stated=False,
        feedback=feedback,
    )


@contextmanager
def _collector_off() -> Iterator[None]:
    """Keep the cyclic collector from visiting millions of lists again and again: it takes three times the parsing."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


@contextmanager
def _depth_limited(source: str) -> Iterator[None]:
    """Refuse what is nested too deep to be walked through, though it could be parsed."""
    try:
        yield
    except (RecursionError, orjson.JSONEncodeError) as error:
        raise _damaged(_TOO_DEEP, source) from error


# --- one document -----------------------------------------------------------------------------------------------


def _read_whole(path: Path, gathered: CityJsonObjects, feedback: Feedback) -> Json:
    feedback.progress(0.0, "Reading city objects")
    content = path.read_bytes().removeprefix(_BOM)
    document = _parsed(content, path.name)
    del content
    feedback.progress(_READ_SHARE / 2, "Reading city objects")
    feedback.stop_if_cancelled()
    if not isinstance(document, dict) or "CityObjects" not in document:
        raise UnsupportedFormatError("This is JSON, but not CityJSON.", source=path.name)
    gathered.add_head(document)

    def after_each(so_far: Callable[[], CityJsonObjects], share: float) -> None:
        feedback.progress(_READ_SHARE * (1.0 + share) / 2, "Reading city objects")
        feedback.stop_if_cancelled()
        feedback.preview(lambda: [_layer(so_far(), document, _DOCUMENT, feedback)])

    gathered.add_document(document, _georeference(document, path.name), after_each=after_each)
    return document


def _georeference(head: Json, source: str) -> Georeference:
    try:
        return Georeference(head.get("transform"))
    except ValueError as error:
        raise DamagedFileError(
            "The file's “transform” is not one, so its coordinates cannot be known.",
            cure="Ask its producer for a valid file.",
            source=source,
        ) from error


def _reference_system(head: Json) -> list[str]:
    """Return the name of the reference system, in any of the places where versions since 0.1 have it."""
    metadata = head.get("metadata")
    if not isinstance(metadata, dict):
        return []
    name = metadata.get("referenceSystem")
    crs = metadata.get("crs")
    if not name and isinstance(crs, dict):
        name = crs.get("epsg") or crs.get("referenceSystem")
    return [str(name)] if isinstance(name, str | int) and name else []


def _version(head: Json) -> str:
    return str(head.get("version", ""))


def _tell_of_head(head: Json, findings: Findings) -> None:
    version = _version(head)
    if not version.startswith(_KNOWN_VERSIONS):
        stated = f"says that it is CityJSON {version}" if version else "does not say which version of CityJSON it is"
        findings.add(
            "cityjson.version", f"The file {stated}; it is read as if it were one of {', '.join(_KNOWN_VERSIONS)}."
        )


# --- a sequence -------------------------------------------------------------------------------------------------


def _is_sequence(path: Path) -> bool:
    """Return whether the name says so, or a whole object in the first line is followed by another."""
    if path.name.lower().endswith(_SEQUENCE_SUFFIXES):
        return True
    with path.open("rb") as file:
        first, end, rest = file.read(_PROBED).removeprefix(_BOM).partition(b"\n")
    return bool(end) and first.rstrip().endswith(b"}") and rest.lstrip().lstrip(_RECORD_SEPARATOR).startswith(b"{")


def _read_sequence(path: Path, size: int, gathered: CityJsonObjects, feedback: Feedback) -> Json:
    findings = gathered.findings
    head: Json | None = None
    georeference = Georeference()
    done, whole, first_error = 0, 0, ""
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            done += len(line)
            feedback.progress(_READ_SHARE * done / size, "Reading city objects")
            feedback.stop_if_cancelled()
            text = line.removeprefix(_BOM).strip().lstrip(_RECORD_SEPARATOR)
            if not text:
                continue
            try:
                document = orjson.loads(text)
            except orjson.JSONDecodeError as error:
                first_error = first_error or _in_words(error, text)
                document = _with_closing_brackets(text) if head is None else None
                if document is None:
                    problem = "Lines that are not valid JSON are left out, with the objects in them."
                    findings.add("cityjson.line-damaged", problem, where=f"line {number}", severity=Severity.ERROR)
                    continue
                problem = "The first line, which says where the objects lie, lacks brackets at its end; it was used."
                findings.add("cityjson.line-mended", problem, where=f"line {number}")
            if not isinstance(document, dict) or "CityObjects" not in document:
                problem = "Lines without city objects are left out."
                findings.add("cityjson.line-unknown", problem, where=f"line {number}")
                continue
            whole += 1
            if document.get("type") != "CityJSONFeature":
                georeference = _georeference(document, path.name)
                gathered.add_head(document)
                head = head or document
            elif head is None:
                head = {"version": ""}
                problem = "The first line does not say how coordinates are scaled; they are taken as they are."
                findings.add("cityjson.no-head", problem, where=f"line {number}")
            gathered.add_document(document, georeference)
            feedback.preview(partial(_so_far, gathered, head, feedback))
    if head is None or whole == 0:
        if first_error:
            raise _damaged(first_error, path.name)
        raise UnsupportedFormatError("This is a text sequence, but not of CityJSON.", source=path.name)
    return head


def _so_far(gathered: CityJsonObjects, head: Json, feedback: Feedback) -> list[CityModel]:
    return [_layer(deepcopy(gathered), head, _SEQUENCE, feedback)]


def _with_closing_brackets(text: bytes) -> Any:
    """Return what the text says with the brackets closed that it leaves open, or None."""
    open_brackets: list[bytes] = []
    for token in _TOKENS.findall(text):
        if token in _CLOSING:
            open_brackets.append(_CLOSING[token])
        elif open_brackets and token == open_brackets[-1]:
            open_brackets.pop()
    try:
        return orjson.loads(text + b"".join(reversed(open_brackets)))
    except orjson.JSONDecodeError:
        return None


# --- JSON that is none ------------------------------------------------------------------------------------------


def _parsed(content: bytes, source: str) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError as error:
        raise _damaged(_in_words(error, content), source) from error


def _damaged(problem: str, source: str) -> DamagedFileError:
    return DamagedFileError(
        problem, cure="Get it again from where it came from, or ask its producer for a valid file.", source=source
    )


def _in_words(error: orjson.JSONDecodeError, content: bytes) -> str:
    """Return one sentence about why ``content`` is not JSON."""
    where = f"line {error.lineno}, column {error.colno}"
    if "unexpected end" in error.msg:
        return f"The file ends before its last bracket is closed ({where}): it is cut off."
    if "depth" in error.msg or "recursion" in error.msg.lower():
        return _TOO_DEEP
    if "UTF-8" in error.msg:
        return "The file is not in UTF-8, as JSON must be."
    near = error.doc[max(0, error.pos - 1) : error.pos + 9].encode()
    if found := _NOT_IN_JSON.search(near):
        return f"The file has “{found.group().decode()}” for a number, which JSON does not know ({where})."
    missing = _MISSING.search(error.msg)
    if missing and error.doc[error.pos] in "]}":
        return f"The file's brackets do not match: a “{missing.group(1)}” is missing before {where}."
    return f"The file is not valid JSON: {error.msg} ({where})."

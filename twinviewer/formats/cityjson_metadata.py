"""What a CityJSON file says of itself, as names and texts, and back: metadata, extensions, properties of its own.

A text that begins like JSON's lists is one; names inside other names are joined with ``.``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

Json = dict[str, Any]

_ROOT = frozenset(
    ("type", "version", "transform", "metadata", "CityObjects", "vertices", "appearance", "geometry-templates")
)
"""Members of a CityJSON object that are read as what they are."""
_WRITTEN_ANEW = frozenset(("referenceSystem", "geographicalExtent", "crs"))
"""Members of the metadata that follow from the layer."""


def metadata_of(head: Json) -> tuple[tuple[str, str], ...]:
    """Return what a CityJSON object says of itself: its metadata by their names, whatever else after a ``/``."""
    metadata = head.get("metadata")
    members = metadata if isinstance(metadata, dict) else {}
    said = dict(_texts({name: value for name, value in members.items() if name not in _WRITTEN_ANEW}))
    own = {f"/{name}": value for name, value in head.items() if name not in _ROOT}
    return (*said.items(), *dict(_texts(own)).items())


def head_of(metadata: Iterable[tuple[str, str]]) -> tuple[Json, Json]:
    """Return the metadata, and the other members of a CityJSON object, that :func:`metadata_of` made texts of."""
    texts = dict(metadata)
    nested_members = nested({name: text for name, text in texts.items() if not name.startswith("/")})
    root = nested({name[1:]: text for name, text in texts.items() if name.startswith("/")})
    return nested_members, root


def nested(values: Mapping[str, Any]) -> Json:
    """Return values by names in objects again, where their names were joined; JSON in texts becomes what it was."""
    result: Json = {}
    for name, value in values.items():
        *outer, last = name.split(".") if all(name.split(".")) else [name]
        place = result
        for part in outer:
            inner = place.setdefault(part, {})
            if not isinstance(inner, dict):  # “a” is a value, and “a.b” another
                place, last = result, name
                break
            place = inner
        if isinstance(place.get(last), dict):
            place, last = result, name
        place[last] = from_text(value) if isinstance(value, str) else value
    return result


def from_text(text: str) -> Any:
    """Return the list that a text is JSON of, or the text."""
    if not text.startswith("["):
        return text
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return text


def _texts(values: Json, prefix: str = "") -> Iterable[tuple[str, str]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from _texts(value, f"{prefix}{name}.")
        elif isinstance(value, str):
            yield prefix + name, value
        elif value is not None:
            yield prefix + name, orjson.dumps(value).decode()

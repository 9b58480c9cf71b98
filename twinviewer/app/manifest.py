"""``plugin.toml``: what a plugin contributes, read without running any of its code.

The schema is published in ``docs/schema/plugin.schema.json``; ``docs/plugins.md`` explains it.
"""

from __future__ import annotations

import fnmatch
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from twinviewer.api.contracts import API_VERSION
from twinviewer.model.errors import PluginError

FILE_NAME = "plugin.toml"
SIZE_LIMIT_BYTES = 256 * 1024

PluginId = Annotated[str, pydantic.Field(pattern=r"^[a-z][a-z0-9-]*$", examples=["air-quality"])]
ContributionId = Annotated[
    str, pydantic.Field(pattern=r"^[a-z][a-z0-9-]*\.[a-z0-9][a-z0-9-]*$", examples=["air-quality.no2"])
]
FunctionReference = Annotated[
    str,
    pydantic.Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
        description="“module:function”, the module as seen from the plugin's own folder.",
        examples=["feed:simulate"],
    ),
]
Text = Annotated[str, pydantic.Field(min_length=1)]


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


class ReaderContribution(_Table):
    """A function that reads files of some format."""

    id: ContributionId
    title: Text
    """Name of the format, for people: ``CityGML``."""
    patterns: tuple[Text, ...] = pydantic.Field(min_length=1)
    """File names that it may read: ``*.gml``; upper and lower case are the same."""
    read: FunctionReference
    probe: FunctionReference | None = None
    """Decides where several readers' patterns fit; None: as sure as one half."""
    kinds: tuple[Literal["city-model", "point-cloud", "features", "terrain", "image", "mesh"], ...] = ()
    """What its layers are, the usual one first: the hint shown before a file is read."""

    def fits(self, path: Path) -> bool:
        """Return whether the file's name matches one of the patterns."""
        name = path.name.lower()
        return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.patterns)


class OverlayContribution(_Table):
    """A feed, and the function that says how its frames are drawn."""

    id: ContributionId
    title: Text
    description: str = ""
    feed: FunctionReference
    encode: FunctionReference
    period_s: float = pydantic.Field(gt=0, le=86400)
    """How often the feed is asked at the live edge; results older than twice this are stale."""
    property: str = ""
    """Name of the one observed property that is kept of what the feed gives; empty: all."""
    simulated: bool = False
    """The values are made up, and every place that shows them says so."""
    default_on: bool = False
    """On in the demo city."""


class Manifest(_Table):
    """What ``plugin.toml`` says."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, title="twinviewer plugin manifest")
    api: int
    """Number of the plugin contract that it was written for."""
    id: PluginId
    name: Text
    version: Text
    licence: Text
    """SPDX expression."""
    description: str = ""
    permissions: tuple[Literal["network", "files", "processes"], ...] = ()
    """What its code reaches for beyond its arguments; shown to the person."""
    readers: tuple[ReaderContribution, ...] = ()
    overlays: tuple[OverlayContribution, ...] = ()

    @property
    def contributions(self) -> tuple[ReaderContribution | OverlayContribution, ...]:
        return (*self.readers, *self.overlays)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``plugin.toml``."""
    return Manifest.model_json_schema()


def read_manifest(path: Path) -> Manifest:
    """Read a ``plugin.toml``.

    Raises:
        PluginError: It cannot be read, is no TOML, breaks the schema, or is for another plugin contract.
    """
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise PluginError(
                "The manifest is larger than 256 KiB.", cure="Keep data in other files.", source=str(path)
            )
        text = path.read_text("utf-8")
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"at line (\d+)", str(error))
        where = f"{path}:{line.group(1)}" if line else str(path)
        raise PluginError(
            f"The manifest is not valid TOML: {error}.", cure="Correct that line.", source=where
        ) from error
    except RecursionError as error:
        raise PluginError(
            "The manifest is nested deeper than any manifest is.", cure="Write it anew.", source=str(path)
        ) from error
    except UnicodeDecodeError as error:
        raise PluginError("The manifest is not UTF-8 text.", cure="Save it as UTF-8.", source=str(path)) from error
    except OSError as error:
        raise PluginError(
            f"The manifest cannot be read: {error.strerror}.",
            cure="Check the file and who may read it.",
            source=str(path),
        ) from error
    _check_api(table, path, text)
    try:
        manifest = Manifest.model_validate(table)
    except pydantic.ValidationError as error:
        raise _explained(error, path, text) from error
    _check_ids(manifest, path, text)
    return manifest


def _check_api(table: dict[str, Any], path: Path, text: str) -> None:
    api = table.get("api")
    if isinstance(api, int) and api != API_VERSION:
        newer = api > API_VERSION
        raise PluginError(
            f"The plugin is written for plugin contract {api}; this program offers contract {API_VERSION}.",
            cure="Update twinviewer." if newer else "Ask its author for a version for this contract.",
            source=_place(path, text, ("api",)),
        )


def _check_ids(manifest: Manifest, path: Path, text: str) -> None:
    """Make sure that each contribution has an id of its own that begins with the plugin's."""
    seen: set[str] = set()
    tables: tuple[tuple[str, Sequence[ReaderContribution | OverlayContribution]], ...] = (
        ("readers", manifest.readers),
        ("overlays", manifest.overlays),
    )
    for table, contributions in tables:
        for number, contribution in enumerate(contributions):
            fault = "is used twice" if contribution.id in seen else f"must start with “{manifest.id}.”"
            if contribution.id in seen or not contribution.id.startswith(f"{manifest.id}."):
                raise PluginError(
                    f"The id “{contribution.id}” {fault}.",
                    cure="Give each contribution an id of its own that starts with the plugin's id and a dot.",
                    source=_place(path, text, (table, number, "id")),
                )
            seen.add(contribution.id)


def _explained(error: pydantic.ValidationError, path: Path, text: str) -> PluginError:
    """Return the first fault in the words of the manifest: key, line, and what belongs there."""
    first = error.errors()[0]
    location = tuple(first["loc"])
    key = ".".join(str(part + 1) if isinstance(part, int) else part for part in location) or "the manifest"
    more = f" ({error.error_count() - 1} more)" if error.error_count() > 1 else ""
    match first["type"]:
        case "missing":
            problem, cure = f"The key “{key}” is missing{more}.", "Add it; docs/plugins.md says what belongs there."
        case "extra_forbidden":
            problem, cure = f"The key “{key}” is not known{more}.", "Correct its spelling, or remove it."
        case _:
            problem = f"The value of “{key}” does not fit: {first['msg']}{more}."
            cure = "See docs/plugins.md for what belongs there."
    return PluginError(problem, cure=cure, source=_place(path, text, location))


def _place(path: Path, text: str, location: tuple[int | str, ...]) -> str:
    """Return ``path:line`` of a key, of its table where the key is not there, or the path alone."""
    line = _line_of(text, location)
    return f"{path}:{line}" if line else str(path)


def _line_of(text: str, location: tuple[int | str, ...]) -> int | None:
    """Find a key of a flat manifest: top-level keys, and keys of ``[[readers]]`` and ``[[overlays]]``."""
    lines = text.splitlines()
    header = None
    start, end = 0, next((i for i, line in enumerate(lines) if line.lstrip().startswith("[")), len(lines))
    keys = [part for part in location if isinstance(part, str)]
    numbers = [part for part in location if isinstance(part, int)]
    if len(keys) > 0 and numbers and location[:2] == (keys[0], numbers[0]):
        headers = [i for i, line in enumerate(lines) if re.match(rf"\s*\[\[\s*{keys[0]}\s*\]\]", line)]
        if numbers[0] < len(headers):
            header = headers[numbers[0]]
            start = header + 1
            end = next((i for i in range(start, len(lines)) if lines[i].lstrip().startswith("[")), len(lines))
            keys = keys[1:]
    if keys:
        for index in range(start, end):
            if re.match(rf"\s*{re.escape(keys[0])}\s*=", lines[index]):
                return index + 1
    return None if header is None else header + 1

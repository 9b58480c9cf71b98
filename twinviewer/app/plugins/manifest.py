"""``plugin.toml``: what a plugin contributes, read without running any of its code.

The schema is published in ``docs/schema/plugin.schema.json``; ``docs/plugins.md`` explains it.
"""

from __future__ import annotations

import fnmatch
import math
import re
import tomllib
from pathlib import Path
from typing import Annotated, Any, Literal

import pydantic

from twinviewer.api.contracts import API_VERSION
from twinviewer.app.plugins.manifest_faults import PATTERN_CURES, Fault, deeper_faults, schema_fault
from twinviewer.model.errors import PluginError

FILE_NAME = "plugin.toml"
SIZE_LIMIT_BYTES = 256 * 1024


def _pattern(pattern: str, cure: str) -> str:
    PATTERN_CURES[pattern] = cure
    return pattern


PluginId = Annotated[
    str,
    pydantic.Field(
        pattern=_pattern(r"^[a-z][a-z0-9-]*$", "Use lower-case letters, digits and hyphens: “air-quality”."),
        examples=["air-quality"],
    ),
]
ContributionId = Annotated[
    str,
    pydantic.Field(
        pattern=_pattern(
            r"^[a-z][a-z0-9-]*\.[a-z0-9][a-z0-9-]*$",
            "Use the plugin's id, a dot, and lower-case letters, digits and hyphens: “air-quality.no2”.",
        ),
        examples=["air-quality.no2"],
    ),
]
FunctionReference = Annotated[
    str,
    pydantic.Field(
        pattern=_pattern(
            r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$",
            "Write “module:function”, the module as seen from the plugin's own folder: “feed:simulate”.",
        ),
        description="“module:function”, the module as seen from the plugin's own folder.",
        examples=["feed:simulate"],
    ),
]
Key = Annotated[
    str,
    pydantic.Field(
        pattern=_pattern(r"^[a-z][a-z0-9_]*$", "Use lower-case letters, digits and underscores: “station_count”."),
        examples=["station_count"],
    ),
]
Ending = Annotated[
    str,
    pydantic.Field(
        pattern=_pattern(r"^\.[a-z0-9.]+$", "Write it with its dot, in lower case: “.gpkg”."), examples=[".gpkg"]
    ),
]
Text = Annotated[
    str,
    pydantic.Field(
        min_length=1,
        max_length=300,
        # It is shown where a person decides what to allow: nothing in it may turn lines or directions around.
        pattern=_pattern(
            r"^[^\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]*$", "Write one line, without control characters."
        ),
    ),
]


class _Table(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)


LayerKind = Literal["city-model", "point-cloud", "features", "terrain", "image", "mesh"]


_TYPES: dict[str, type | tuple[type, ...]] = {"number": (int, float), "integer": int, "boolean": bool}
_TYPES |= dict.fromkeys(("text", "choice", "colour", "file", "folder", "secret", "layer"), str)
_TYPE_NAMES = {"number": "a number", "integer": "a whole number", "boolean": "true or false"}
_TYPE_NAMES |= {name: "a text" for name, of in _TYPES.items() if of is str}


class Parameter(_Table):
    """One value that a person chooses: a setting of a plugin, or a parameter of an analysis."""

    key: Key
    """By which the plugin's functions get the value."""
    title: Text
    """Of its field in the form."""
    type: Literal["text", "number", "integer", "boolean", "choice", "colour", "file", "folder", "secret", "layer"]
    """``secret``: kept in the system's keyring, settings only.  ``layer``: a layer of the project, analyses only."""
    description: str = ""
    """Below its field in the form."""
    unit: str = ""
    """UCUM, for numbers."""
    default: str | bool | int | float | None = None
    """None: nothing is chosen at first, and the person must.  Empty, for a secret: it may be left out."""
    minimum: float | None = None
    """For numbers: the least that may be chosen."""
    maximum: float | None = None
    """For numbers: the most that may be chosen."""
    choices: tuple[Text, ...] = ()
    """For ``choice``: what may be chosen."""
    kinds: tuple[LayerKind, ...] = ()
    """For ``layer``: what it may be; empty: anything."""

    def fault(self, value: object) -> str:
        """Return what is wrong with a value for it (``must be at most 10``), or "" where it fits."""
        if not isinstance(value, _TYPES[self.type]) or (isinstance(value, bool) and self.type != "boolean"):
            return f"must be {_TYPE_NAMES[self.type]}"
        if isinstance(value, int | float) and not isinstance(value, bool):
            if not math.isfinite(value):
                return "must be a number"
            if self.minimum is not None and value < self.minimum:
                return f"must be at least {self._with_unit(self.minimum)}"
            if self.maximum is not None and value > self.maximum:
                return f"must be at most {self._with_unit(self.maximum)}"
        if self.type == "choice" and value not in self.choices:
            return f"must be one of {', '.join(self.choices)}"
        if self.type == "colour" and not re.fullmatch(r"#[0-9a-fA-F]{6}", str(value)):
            return "must be a colour like #1f77b4"
        return ""

    def _with_unit(self, number: float) -> str:
        return f"{number:.12g} {self.unit}".rstrip()


FUNCTION_KEYS = ("probe", "read", "write", "draw", "feed", "encode", "analyse", "show", "run")
"""Keys of contributions whose values name functions."""


class _Contribution(_Table):
    id: ContributionId
    """The plugin's id, a dot, and a name; never changes, as projects refer to it."""
    title: Text
    """For people."""
    description: str = ""
    """For people: one sentence."""

    @property
    def functions(self) -> tuple[str, ...]:
        """The references to its functions."""
        references = (getattr(self, key, None) for key in FUNCTION_KEYS)
        return tuple(reference for reference in references if reference is not None)


class ReaderContribution(_Contribution):
    """A function that reads files of some format.  The title is the name of the format: ``CityGML``."""

    patterns: tuple[Text, ...] = pydantic.Field(min_length=1)
    """File names that it may read: ``*.gml``; upper and lower case are the same."""
    read: FunctionReference
    probe: FunctionReference | None = None
    """Decides where several readers' patterns fit; None: as sure as one half."""
    kinds: tuple[LayerKind, ...] = ()
    """What its layers are, the usual one first: the hint shown before a file is read."""
    max_points: bool = False
    """Whether ``read`` takes ``max_points``: how many points of one cloud are to be kept."""

    def fits(self, path: Path) -> bool:
        """Return whether the file's name matches one of the patterns."""
        name = path.name.lower()
        return any(fnmatch.fnmatchcase(name, pattern.lower()) for pattern in self.patterns)


class WriterContribution(_Contribution):
    """A function that writes layers into a file.  The title is the name of the format: ``GeoPackage``."""

    endings: tuple[Ending, ...] = pydantic.Field(min_length=1)
    """Of the files that it writes, the usual one first."""
    kinds: tuple[LayerKind, ...] = pydantic.Field(min_length=1)
    """The layers that it can write."""
    write: FunctionReference
    several: bool = False
    """Whether one file can hold several layers."""
    crs: str = ""
    """The one reference system that the format allows, ``EPSG:4326``: layers come in it; empty: any."""


class LayerContribution(_Contribution):
    """A function that makes a layer of drawing requests from the site, settings or a source."""

    draw: FunctionReference


class OverlayContribution(_Contribution):
    """A feed, and the function that says how its frames are drawn."""

    feed: FunctionReference
    encode: FunctionReference
    period_s: float = pydantic.Field(gt=0, le=86400)
    """How often the feed is asked at the live edge; results older than twice this are stale."""
    property: str = ""
    """Name of the one observed property that is kept of what the feed gives; empty: all."""
    trail_s: float = pydantic.Field(default=0.0, ge=0, le=3600)
    """How far back the trails of moving objects reach; 0: no trails."""
    simulated: bool = False
    """The values are made up, and every place that shows them says so."""
    default_on: bool = False
    """On in the demo city."""


class AnalysisContribution(_Contribution):
    """A function that answers a question about the site, with parameters that become its form."""

    analyse: FunctionReference
    parameters: tuple[Parameter, ...] = ()


class PanelContribution(_Contribution):
    """A function that says what a panel shows."""

    show: FunctionReference


class CommandContribution(_Contribution):
    """A function behind an entry of the Plugins menu and of the command palette."""

    run: FunctionReference
    keys: str = ""
    """Shortcut: ``Ctrl+Alt+H``; one that is taken already is not used, and the log says so."""


class ThemeContribution(_Contribution):
    """A colour map or a style, as a file."""

    colour_map: str | None = None
    """A JSON file like those in ``assets/colour_maps``, relative to the plugin's folder."""
    style: str | None = None
    """A JSON file with members of a layer's style, relative to the plugin's folder; offered in the Style panel."""
    kinds: tuple[LayerKind, ...] = ()
    """Layers that the style is for; empty: any."""


class TourContribution(_Contribution):
    """A guided tour, as a file."""

    file: str
    """JSON as in ``docs/schema/tour.schema.json``, relative to the plugin's folder."""


Contribution = (
    ReaderContribution
    | WriterContribution
    | LayerContribution
    | OverlayContribution
    | AnalysisContribution
    | PanelContribution
    | CommandContribution
    | ThemeContribution
    | TourContribution
)


class Permissions(_Table):
    """What a plugin's code reaches for beyond its arguments and its own folder; shown to the person."""

    network: tuple[Text, ...] = ()
    """Hosts: ``api.example.org``, ``*.example.org``, ``localhost``; ``*`` for any."""
    read: tuple[Text, ...] = ()
    """Folders and files; ``~`` is the person's home."""
    write: tuple[Text, ...] = ()
    """Folders and files; they may be read, too."""
    subprocess: bool = False
    """Whether it starts other programs."""

    @property
    def is_empty(self) -> bool:
        return self == Permissions()


class Limits(_Table):
    """What a plugin that runs in a process of its own may use; beyond it the process is ended and the person told."""

    memory_mb: int = pydantic.Field(default=1024, ge=64, le=65536)
    """Resident memory of its process."""
    call_s: float = pydantic.Field(default=30.0, gt=0, le=3600)
    """How long one call of a feed, an encode, a panel or a command may take.  Layers, analyses, readers and writers
    have no limit: they show progress, and the person can stop them."""


class Manifest(_Table):
    """What ``plugin.toml`` says."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True, title="twinviewer plugin manifest")
    api: int
    """Number of the plugin contract that it was written for."""
    id: PluginId
    """Never changes, as projects and settings refer to it."""
    name: Text
    """For people."""
    version: Text
    """For people, and to tell an update from a step back."""
    licence: Text
    """SPDX expression."""
    description: str = ""
    """For people: a sentence or two."""
    homepage: str = ""
    """Where there is more to read."""
    isolated: bool | None = None
    """Whether its code runs in a process of its own.  None: yes, unless it ships with the program."""
    permissions: Permissions = Permissions()
    """What it reaches for; asked for before its code is run, and enforced where it runs in a process of its own."""
    limits: Limits = Limits()
    """What it may use, where it runs in a process of its own."""
    settings: tuple[Parameter, ...] = ()
    """What a person chooses for it: a form, and ``settings`` in each of its functions."""
    readers: tuple[ReaderContribution, ...] = ()
    writers: tuple[WriterContribution, ...] = ()
    layers: tuple[LayerContribution, ...] = ()
    overlays: tuple[OverlayContribution, ...] = ()
    analyses: tuple[AnalysisContribution, ...] = ()
    panels: tuple[PanelContribution, ...] = ()
    commands: tuple[CommandContribution, ...] = ()
    themes: tuple[ThemeContribution, ...] = ()
    tours: tuple[TourContribution, ...] = ()

    @property
    def contributions(self) -> tuple[Contribution, ...]:
        return tuple(each for table in CONTRIBUTION_TABLES for each in getattr(self, table))


CONTRIBUTION_TABLES = (
    "readers",
    "writers",
    "layers",
    "overlays",
    "analyses",
    "panels",
    "commands",
    "themes",
    "tours",
)


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
        raise schema_fault(error, Manifest).error(path, text) from error
    for fault in deeper_faults(manifest, path.parent, CONTRIBUTION_TABLES):
        raise fault.error(path, text)
    return manifest


def _check_api(table: dict[str, Any], path: Path, text: str) -> None:
    api = table.get("api")
    if isinstance(api, int) and api != API_VERSION:
        newer = api > API_VERSION
        fault = Fault(
            problem=f"The plugin is written for plugin contract {api}; this program offers contract {API_VERSION}.",
            cure="Update twinviewer." if newer else "Ask its author for a version for this contract.",
            location=("api",),
        )
        raise fault.error(path, text)

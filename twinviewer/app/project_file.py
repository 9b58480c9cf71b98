"""The ``.twin`` file: the document as JSON that a person can read and a schema can check.

Sorted keys, sources relative to the file, ``schema_version`` with migrations from dict to dict, kinds of layers as
our own words.  What this version does not know is kept and saved back unchanged.  The schema is published in
``docs/schema/project.schema.json``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from datetime import datetime
from pathlib import Path
from typing import Any

import pydantic

from twinviewer.app.atomic import write_atomically
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import ProjectError
from twinviewer.model.layer_data import KINDS
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import Bookmark, LayerSource, LayerSpec, OverlaySpec, Project, Style, Viewpoint
from twinviewer.model.section import Section

SCHEMA_VERSION = 1
FORMAT = "twinviewer-project"
SIZE_LIMIT_BYTES = 64 * 2**20

MIGRATIONS: dict[int, Callable[[dict[str, Any]], dict[str, Any]]] = {}
"""From a schema version to the next: pure functions on the JSON object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewState:
    """What is saved with the document but never undone: the camera, what is cut away, and the clock."""

    viewpoint: Viewpoint | None = None
    section: Section | None = None
    instant: datetime | None = None
    """Where the clock stands when it is not live."""
    live: bool = True
    speed: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadedProject:
    project: Project
    view: ViewState
    diagnostics: tuple[Diagnostic, ...] = ()


class _LayerSourceFile(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="forbid")
    path: str
    reader: str
    sublayer: str = ""
    crs: ReferenceSystem | None = None
    options: dict[str, Any] = {}


class _LayerFile(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    id: str
    kind: str
    title: str
    source: _LayerSourceFile
    style: Style = pydantic.Field(default_factory=Style)
    visible: bool = True
    opacity: float = pydantic.Field(1.0, ge=0, le=1)
    group: str = ""
    role: str = ""
    licence: str = ""


class _ProjectFile(pydantic.BaseModel):
    """A twinviewer project."""

    model_config = pydantic.ConfigDict(extra="allow", title="twinviewer project")
    format: str = FORMAT
    schema_version: int = SCHEMA_VERSION
    title: str = ""
    crs: ReferenceSystem | None = None
    origin: tuple[float, float, float] | None = None
    layers: list[_LayerFile] = []
    overlays: list[OverlaySpec] = []
    bookmarks: list[Bookmark] = []
    preset: str = "planning"
    view: ViewState = pydantic.Field(default_factory=ViewState)


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of the project file."""
    return _ProjectFile.model_json_schema()


def to_bytes(project: Project, *, view: ViewState, folder: Path) -> bytes:
    """Return the project file's content; source paths are made relative to ``folder`` where that is possible."""
    document = _ProjectFile(
        title=project.title,
        crs=project.crs,
        origin=project.origin,
        layers=[
            _LayerFile(
                **_members(layer, without={"source", "extra"}),
                source=_LayerSourceFile(
                    path=_relative(layer.source.path, folder),
                    reader=layer.source.reader,
                    sublayer=layer.source.sublayer,
                    crs=layer.source.crs,
                    options=dict(layer.source.options),
                ),
                **dict(layer.extra),
            )
            for layer in project.layers
        ],
        overlays=list(project.overlays),
        bookmarks=list(project.bookmarks),
        preset=project.preset,
        view=view,
        **dict(project.extra),
    )
    return (json.dumps(document.model_dump(mode="json"), indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def save(project: Project, path: Path, *, view: ViewState) -> None:
    """Write the project, all or nothing.

    Raises:
        WriteError: The disk said no; the file that was there before is intact.
    """
    write_atomically(path, to_bytes(project, view=view, folder=path.resolve().parent))


def load(path: Path) -> LoadedProject:
    """Read a project; its sources are not touched.

    Raises:
        ProjectError: It is missing, is no project, or comes from a version that cannot be understood.
    """
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise ProjectError("The file is too large to be a twinviewer project.", source=path.name)
        content = path.read_bytes()
    except OSError as error:
        raise ProjectError(
            f"The project cannot be opened ({error.strerror}).",
            cure="Check that the file exists and that you may read it.",
            source=str(path),
        ) from error
    return from_bytes(content, folder=path.resolve().parent, name=path.name)


def from_bytes(content: bytes, *, folder: Path, name: str) -> LoadedProject:
    """Return the project in ``content``; relative source paths are taken from ``folder``.

    Raises:
        ProjectError: As :func:`load`.
    """
    document, diagnostics = _migrated(_parsed(content, name), name)
    try:
        parsed = _ProjectFile.model_validate(document)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise ProjectError(
            f"The project says something that cannot be used at {where}: {first['msg'].lower()}.",
            cure="Restore an earlier copy, or correct that entry in a text editor.",
            source=name,
        ) from error
    if len({layer.id for layer in parsed.layers}) != len(parsed.layers):
        raise ProjectError(
            "Two layers of the project have the same id.",
            cure="Give each layer an id of its own in a text editor.",
            source=name,
        )
    layers = tuple(_layer_spec(layer, folder) for layer in parsed.layers)
    diagnostics.extend(
        Diagnostic(
            severity=Severity.WARNING,
            code="project.kind-unknown",
            problem=f"The layer “{layer.title}” is of the kind “{layer.kind}”, which this version cannot show; "
            "it is kept in the project.",
            where=layer.id,
        )
        for layer in layers
        if layer.kind not in KINDS
    )
    project = Project(
        title=parsed.title,
        crs=parsed.crs,
        origin=parsed.origin,
        layers=layers,
        overlays=tuple(parsed.overlays),
        bookmarks=tuple(parsed.bookmarks),
        preset=parsed.preset,
        extra=_unknown(parsed),
    )
    return LoadedProject(project=project, view=parsed.view, diagnostics=tuple(diagnostics))


def _parsed(content: bytes, name: str) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        line = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise ProjectError(
            f"The file is not a twinviewer project, or it is damaged{line}.",
            cure="Restore an earlier copy.",
            source=name,
        ) from error
    if not isinstance(document, dict) or document.get("format") != FORMAT:
        raise ProjectError(
            "The file is not a twinviewer project.", cure="Open it as a layer if it holds data.", source=name
        )
    return document


def _migrated(document: dict[str, Any], name: str) -> tuple[dict[str, Any], list[Diagnostic]]:
    version = document.get("schema_version")
    if not isinstance(version, int) or version < 1:
        raise ProjectError(
            "The project does not say which version of the format it has.",
            cure="Restore an earlier copy.",
            source=name,
        )
    diagnostics = []
    if version > SCHEMA_VERSION:
        diagnostics.append(
            Diagnostic(
                severity=Severity.WARNING,
                code="project.newer",
                problem=f"The project was saved by a newer version (format {version}, this program knows "
                f"{SCHEMA_VERSION}); what it does not know is kept.",
                where=name,
            )
        )
    while version < SCHEMA_VERSION:
        document = MIGRATIONS[version](document)
        version += 1
    return document, diagnostics


def _layer_spec(layer: _LayerFile, folder: Path) -> LayerSpec:
    members = {name: getattr(layer, name) for name in _LayerFile.model_fields if name != "source"}
    source = LayerSource(
        path=os.path.normpath(folder / layer.source.path),
        reader=layer.source.reader,
        sublayer=layer.source.sublayer,
        crs=layer.source.crs,
        options=tuple(sorted(layer.source.options.items())),
    )
    return LayerSpec(**members, source=source, extra=_unknown(layer))


def _unknown(model: pydantic.BaseModel) -> tuple[tuple[str, Any], ...]:
    return tuple(sorted((model.model_extra or {}).items()))


def _members(value: Any, *, without: set[str]) -> dict[str, Any]:
    return {item.name: getattr(value, item.name) for item in fields(value) if item.name not in without}


def _relative(path: str, folder: Path) -> str:
    """Return ``path`` as seen from ``folder`` with forward slashes; as it is where it is on another drive."""
    try:
        relative = os.path.relpath(path, folder)
    except ValueError:
        return path
    return Path(relative).as_posix()

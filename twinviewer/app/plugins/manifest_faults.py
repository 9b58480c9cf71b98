"""What is wrong with a ``plugin.toml``: found beyond its schema, and told in the words of its author."""

from __future__ import annotations

import difflib
import keyword
import re
import typing
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import TYPE_CHECKING, Any

import pydantic

from twinviewer.app.plugins.manifest_lines import Location, line_of
from twinviewer.model.errors import PluginError

if TYPE_CHECKING:
    from twinviewer.app.plugins.manifest import Manifest, Parameter

RESERVED = frozenset({"site", "feedback", "settings"})
"""Names of arguments that an analysis gets anyway."""
_HOST = re.compile(r"\*|(\*\.)?[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|[0-9A-Fa-f]*:[0-9A-Fa-f:.]*")
_SEE = "See docs/plugins.md for what belongs there."


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Something in a manifest that its author has to correct."""

    problem: str
    cure: str
    location: Location

    def error(self, path: Path, text: str) -> PluginError:
        """Return it as an error that names the line.

        Args:
            path: The manifest.
            text: What is in it.
        """
        line = line_of(text, self.location)
        return PluginError(self.problem, cure=self.cure, source=f"{path}:{line}" if line else str(path))


# --- what the schema says -----------------------------------------------------------------------------------------


def schema_fault(error: pydantic.ValidationError, model: type[pydantic.BaseModel]) -> Fault:
    """Return the first fault; a misspelt key comes before the one that is missing because of it."""
    faults = error.errors()
    misspelt = (each for each in faults if each["type"] == "extra_forbidden" and _meant(tuple(each["loc"]), model))
    first = next(misspelt, faults[0])
    location = tuple(first["loc"])
    key = named(location)
    more = f" ({len(faults) - 1} more)" if len(faults) > 1 else ""
    context: Mapping[str, Any] = first.get("ctx", {})
    match first["type"]:
        case "missing":
            problem, cure = f"The key “{key}” is missing{more}.", f"Add it. {_SEE}"
        case "extra_forbidden":
            problem, cure = f"The key “{key}” is not known{more}.", _cure_for_unknown(location, model)
        case "string_pattern_mismatch":
            problem = f"The value “{_shown(first['input'])}” of “{key}” does not fit{more}."
            cure = PATTERN_CURES.get(context["pattern"], f"It must match {context['pattern']}.")
        case "literal_error":
            problem = f"The value “{_shown(first['input'])}” of “{key}” does not fit{more}."
            cure = f"It may be {context['expected']}."
        case _:
            message = re.sub("^(Input|String|Tuple) ", "it ", first["msg"])
            problem, cure = f"The value of “{key}” does not fit: {message}{more}.", _SEE
    return Fault(problem=problem, cure=cure, location=location)


PATTERN_CURES: dict[str, str] = {}
"""What to write, by the pattern that a value has to match."""


def named(location: Location) -> str:
    """Return a location in words: ``overlays.2.title``, counted from 1."""
    return ".".join(str(part + 1) if isinstance(part, int) else part for part in location) or "the manifest"


def _shown(value: object) -> str:
    """Return a value as it can be shown: in one line, without what controls a terminal."""
    text = repr(str(value))[1:-1]
    return f"{text[:80]}…" if len(text) > 80 else text


def _cure_for_unknown(location: Location, model: type[pydantic.BaseModel]) -> str:
    meant = _meant(location, model)
    if meant:
        return f"Did you mean “{meant}”?"
    if len(location) > 1 and location[-1] in model.model_fields:
        return "Move it above the first [table]: what follows a table's header belongs to the table."
    return f"Remove it, or write one of: {', '.join(_keys_beside(location, model))}."


def _meant(location: Location, model: type[pydantic.BaseModel]) -> str:
    close = difflib.get_close_matches(str(location[-1]), _keys_beside(location, model), n=1, cutoff=0.7)
    return close[0] if close else ""


def _keys_beside(location: Location, model: type[pydantic.BaseModel]) -> list[str]:
    """Return the keys that there may be in the table that ``location`` is in."""
    for part in location[:-1]:
        if isinstance(part, str):
            model = _model_in(model.model_fields[part].annotation) or model
    return list(model.model_fields)


def _model_in(annotation: Any) -> type[pydantic.BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        return annotation
    return next((found for each in typing.get_args(annotation) if (found := _model_in(each))), None)


# --- what no schema can say ---------------------------------------------------------------------------------------


def deeper_faults(manifest: Manifest, folder: Path, tables: Sequence[str]) -> Iterator[Fault]:
    """Yield what is wrong with a manifest that fits the schema.

    Args:
        manifest: What was read.
        folder: Where it is, with the files that it names.
        tables: Its keys that hold contributions.
    """
    yield from _faults_of_ids(manifest, tables)
    yield from _faults_of_permissions(manifest)
    yield from _faults_of_parameters(manifest.settings, ("settings",))
    for number, analysis in enumerate(manifest.analyses):
        yield from _faults_of_parameters(analysis.parameters, ("analyses", number, "parameters"))
    for number, theme in enumerate(manifest.themes):
        if (theme.colour_map is None) == (theme.style is None):
            yield Fault(
                problem=f"The theme “{theme.title}” must name either a colour map or a style.",
                cure="Write “colour_map” or “style”, one of them, with the name of a file.",
                location=("themes", number),
            )
        elif theme.kinds and theme.style is None:
            yield Fault(
                problem="A colour map has no “kinds”: it is for all layers.",
                cure="Remove the key.",
                location=("themes", number, "kinds"),
            )
        yield from _faults_of_file(theme.colour_map, folder, ("themes", number, "colour_map"))
        yield from _faults_of_file(theme.style, folder, ("themes", number, "style"))
    for number, tour in enumerate(manifest.tours):
        yield from _faults_of_file(tour.file, folder, ("tours", number, "file"))


def _faults_of_ids(manifest: Manifest, tables: Sequence[str]) -> Iterator[Fault]:
    seen: set[str] = set()
    for table in tables:
        for number, contribution in enumerate(getattr(manifest, table)):
            if contribution.id in seen or not contribution.id.startswith(f"{manifest.id}."):
                fault = "is used twice" if contribution.id in seen else f"must start with “{manifest.id}.”"
                yield Fault(
                    problem=f"The id “{contribution.id}” {fault}.",
                    cure="Give each contribution an id of its own that starts with the plugin's id and a dot.",
                    location=(table, number, "id"),
                )
            seen.add(contribution.id)


def _faults_of_permissions(manifest: Manifest) -> Iterator[Fault]:
    for host in manifest.permissions.network:
        if not _HOST.fullmatch(host):
            yield Fault(
                problem=f"“{host}” is no name of a host.",
                cure="Write the host alone, without https:// and port: “api.example.org”, “*.example.org”.",
                location=("permissions", "network"),
            )
    for key in ("read", "write"):
        for place in getattr(manifest.permissions, key):
            is_home = place == "~" or place.startswith("~/")
            if not (is_home or PurePosixPath(place).is_absolute() or PureWindowsPath(place).is_absolute()):
                yield Fault(
                    problem=f"“{place}” does not say where it is.",
                    cure="Write the whole path: “~/sensors”, “/srv/sensors”. The plugin's own folder needs no entry.",
                    location=("permissions", key),
                )


def _faults_of_file(name: str | None, folder: Path, location: Location) -> Iterator[Fault]:
    if name is None:
        return
    path = PurePosixPath(name)
    outside = path.is_absolute() or ".." in path.parts or "\\" in name or PureWindowsPath(name).drive
    if outside or not (folder / path).resolve().is_relative_to(folder.resolve()):
        yield Fault(
            problem=f"The file “{name}” is not in the plugin's folder.",
            cure="Put it there, and write its name relative to the folder, with forward slashes.",
            location=location,
        )
    elif not (folder / path).is_file():
        yield Fault(
            problem=f"There is no file “{name}” in the plugin's folder.",
            cure="Correct the name, or add the file.",
            location=location,
        )


def _faults_of_parameters(parameters: Sequence[Parameter], location: Location) -> Iterator[Fault]:
    seen: set[str] = set()
    for number, parameter in enumerate(parameters):
        here = (*location, number)
        if parameter.key in seen:
            yield Fault(
                problem=f"The key “{parameter.key}” is used twice.",
                cure="Give each one a key of its own.",
                location=(*here, "key"),
            )
        seen.add(parameter.key)
        for key, problem, cure in _contradictions(parameter, is_setting=location[0] == "settings"):
            yield Fault(problem=f"“{parameter.key}”: {problem}.", cure=cure, location=(*here, key))


def _contradictions(parameter: Parameter, *, is_setting: bool) -> Iterator[tuple[str, str, str]]:
    """Yield key, problem and cure of what does not go together."""
    kind, is_number = parameter.type, parameter.type in ("number", "integer")
    if not is_setting and (parameter.key in RESERVED or keyword.iskeyword(parameter.key)):
        yield "key", f"“{parameter.key}” cannot be the name of an argument", "Choose another key."
    if kind == "secret" and not is_setting:
        yield "type", "a secret can only be a setting", "Move it to [[settings]]; the function gets “settings”."
    if kind == "layer" and is_setting:
        yield "type", "a layer can only be a parameter of an analysis", "Move it to [[analyses.parameters]]."
    if (kind == "choice") != bool(parameter.choices):
        wanted = "a choice needs “choices”" if kind == "choice" else "only a choice has “choices”"
        yield "choices", wanted, 'Write type = "choice" and the list of choices, or neither.'
    if len(set(parameter.choices)) < len(parameter.choices):
        yield "choices", "a choice is there twice", "Remove one of them."
    if parameter.kinds and kind != "layer":
        yield "kinds", "only a layer has “kinds”", "Remove the key."
    for key in ("unit", "minimum", "maximum"):
        if getattr(parameter, key) not in (None, "") and not is_number:
            yield key, f"only a number has “{key}”", "Remove the key, or change the type."
    if parameter.minimum is not None and parameter.maximum is not None and parameter.minimum > parameter.maximum:
        yield "minimum", "the minimum is above the maximum", "Exchange them."
    yield from _faults_of_default(parameter)


def _faults_of_default(parameter: Parameter) -> Iterator[tuple[str, str, str]]:
    if parameter.default is None:
        if parameter.type == "boolean":
            yield "default", "a yes or no needs a default", "Write default = false, or true."
    elif parameter.type == "secret" and parameter.default != "":
        yield (
            "default",
            "a secret has no default: everybody could read it",
            'Remove it; default = "" says that it may be left empty.',
        )
    elif parameter.type == "layer":
        yield "default", "a layer has no default", "Remove it."
    elif (fault := parameter.fault(parameter.default)) and not _may_be_empty(parameter):
        yield "default", f"the default {fault}", "Correct it."


def _may_be_empty(parameter: Parameter) -> bool:
    return parameter.default == "" and parameter.type in ("text", "file", "folder", "secret")

"""The plugin contract as pages and as a list of names, made from the code: ``make schemas`` writes them.

:func:`surface` is all that a plugin can rely on, as text.  Its :func:`digest` stands in the changelog, so that no
name can change without somebody saying so there.
"""

from __future__ import annotations

import ast
import enum
import hashlib
import inspect
import itertools
import json
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from pydantic.fields import FieldInfo

from twinviewer import api
from twinviewer.app.plugins import manifest
from twinviewer.model.errors import TwinViewerError

_WRITTEN = "This page is written from the code by `make schemas`."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """One kind of contribution and what its functions are."""

    table: str
    model: type[manifest.Contribution]
    functions: tuple[tuple[str, type], ...]
    """(key of the manifest, protocol of the function)."""
    returns: tuple[str, ...]
    """Names of the api that its functions take or give."""


_REQUESTS = (
    "ColourObjects",
    "PlaceGlyphs",
    "Labels",
    "FlowLines",
    "HeatGrid",
    "ExtrudedColumns",
    "Trails",
    "DrawData",
    "ColourScale",
    "GlyphShape",
    "IconShape",
    "MeshShape",
)
_LAYER_DATA = ("CityModel", "PointCloud", "FeatureTable", "TerrainGrid", "RasterImage", "TriangleMesh")
_ACTIONS = ("FlyTo", "SelectObject", "SwitchOverlay", "SetInstant", "StartAnalysis", "Tell")
_KINDS = (
    _Kind(
        table="readers",
        model=manifest.ReaderContribution,
        functions=(("read", api.Reader), ("probe", api.Probe)),
        returns=(*_LAYER_DATA, "SourceFacts", "AttributeColumn", "Diagnostic"),
    ),
    _Kind(table="writers", model=manifest.WriterContribution, functions=(("write", api.Writer),), returns=_LAYER_DATA),
    _Kind(table="layers", model=manifest.LayerContribution, functions=(("draw", api.Layer),), returns=_REQUESTS),
    _Kind(
        table="overlays",
        model=manifest.OverlayContribution,
        functions=(("feed", api.Feed), ("encode", api.Encode)),
        returns=(
            "ObservationBatch",
            "MovementBatch",
            "Thing",
            "ObservedProperty",
            "ObservationFrame",
            "MovementFrame",
            *_REQUESTS,
        ),
    ),
    _Kind(
        table="analyses",
        model=manifest.AnalysisContribution,
        functions=(("analyse", api.Analysis),),
        returns=("Table", *_REQUESTS, *_LAYER_DATA),
    ),
    _Kind(
        table="panels",
        model=manifest.PanelContribution,
        functions=(("show", api.Panel),),
        returns=(
            "Selection",
            "Heading",
            "Paragraph",
            "Facts",
            "Table",
            "NumberEntry",
            "TextEntry",
            "ChoiceEntry",
            "SwitchEntry",
            "Button",
            *_ACTIONS,
        ),
    ),
    _Kind(
        table="commands",
        model=manifest.CommandContribution,
        functions=(("run", api.Command),),
        returns=("Selection", *_ACTIONS),
    ),
    _Kind(table="themes", model=manifest.ThemeContribution, functions=(), returns=()),
    _Kind(table="tours", model=manifest.TourContribution, functions=(), returns=()),
)


def surface() -> dict[str, tuple[str, ...]]:
    """Return, for each public name, the lines that define it: members, types, defaults, signatures."""
    return {name: tuple(_definition(name)) for name in sorted(api.__all__)}


def digest() -> str:
    """Return 12 hexadecimal digits that change whenever the surface does."""
    return hashlib.sha256(json.dumps(surface(), sort_keys=True).encode()).hexdigest()[:12]


def explanation(name: str) -> str:
    """Return what the code says about a public name; empty where it says nothing."""
    thing = getattr(api, name)
    if inspect.isclass(thing) or inspect.isfunction(thing):
        doc = inspect.getdoc(thing) or ""
        return "" if doc.startswith(f"{name}(") else doc
    return _documents_of_values().get(name, "")


def pages() -> dict[str, str]:
    """Return each page by its path below ``docs``."""
    return {
        "plugins/contract/index.md": _index(),
        "plugins/contract/values.md": _values(),
        **{f"plugins/contract/{kind.table}.md": _kind_page(kind) for kind in _KINDS},
        "schema/api.json": json.dumps({"api": api.API_VERSION, "names": surface()}, indent=1) + "\n",
    }


def manifest_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``plugin.toml``, with what the code says about each key."""
    schema = manifest.json_schema()
    for name, table in {"Manifest": schema, **schema["$defs"]}.items():
        for key, text in _documents_of_members(getattr(manifest, name)).items():
            if key in table["properties"]:
                table["properties"][key]["description"] = " ".join(_prose(text).replace("`", "").split())
    return schema


# --- definitions ----------------------------------------------------------------------------------------------------


def _definition(name: str) -> Iterator[str]:
    thing = getattr(api, name)
    if inspect.isclass(thing) and issubclass(thing, enum.Enum):
        yield from (f"{member.name} = {member.value!r}" for member in thing)
    elif inspect.isclass(thing) and issubclass(thing, TwinViewerError):
        yield f"{name}({', '.join(base.__name__ for base in thing.__bases__)}): code = {thing.code!r}"
    elif inspect.isclass(thing) and is_dataclass(thing):
        for member in fields(thing):
            default = "" if member.default is MISSING else f" = {member.default!r}"
            default = " = …" if member.default_factory is not MISSING else default
            yield f"{member.name}: {_plain(member.type)}{default}"
        yield from _methods(thing)
    elif inspect.isclass(thing):
        yield f"{name}({', '.join(base.__name__ for base in thing.__bases__)})"
        yield from _methods(thing)
    elif inspect.isfunction(thing):
        yield f"{name}{_signature(thing)}"
    else:
        yield _source_of_values()[name]


def _methods(cls: type) -> Iterator[str]:
    for name, member in vars(cls).items():
        if name.startswith("_") and name != "__call__":
            continue
        if isinstance(member, property) and member.fget is not None:
            yield f"{name} -> {_plain(inspect.signature(member.fget).return_annotation)}"
        elif inspect.isfunction(member):
            yield f"{name}{_signature(member)}"
        elif isinstance(member, classmethod | staticmethod):
            yield f"{name}{_signature(member.__func__)}"


def _signature(function: Any) -> str:
    signature = inspect.signature(function)
    parameters = [each for each in signature.parameters.values() if each.name not in ("self", "cls")]
    return _plain(str(signature.replace(parameters=parameters)))


def _plain(annotation: object) -> str:
    text = annotation if isinstance(annotation, str) else str(annotation)
    return re.sub(r"\b(?:twinviewer|collections|pathlib|datetime|typing|numpy)(?:\.\w+)*\.(?=\w)", "", text).replace(
        "'", ""
    )


# --- what is no class: numbers and unions ---------------------------------------------------------------------------


@cache
def _documents_of_values() -> dict[str, str]:
    found = {}
    for module in _modules():
        found.update(_strings_after_assignments(ast.parse(inspect.getsource(module)).body))
    return found


@cache
def _source_of_values() -> dict[str, str]:
    found = {}
    for module in _modules():
        for node in ast.parse(inspect.getsource(module)).body:
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                found[node.targets[0].id] = ast.unparse(node)
    return found


def _modules() -> list[Any]:
    names = [
        node.module
        for node in ast.parse(inspect.getsource(api)).body
        if isinstance(node, ast.ImportFrom) and node.module is not None
    ]
    return [sys.modules[name] for name in names]


def _strings_after_assignments(body: list[ast.stmt]) -> dict[str, str]:
    found = {}
    for node, following in itertools.pairwise(body):
        target = node.targets[0] if isinstance(node, ast.Assign) else getattr(node, "target", None)
        if (
            isinstance(target, ast.Name)
            and isinstance(following, ast.Expr)
            and isinstance(following.value, ast.Constant)
            and isinstance(following.value.value, str)
        ):
            found[target.id] = inspect.cleandoc(following.value.value)
    return found


def _documents_of_members(cls: type) -> dict[str, str]:
    found: dict[str, str] = {}
    for each in reversed(cls.__mro__):
        if each.__module__.startswith("twinviewer"):
            tree = ast.parse(textwrap.dedent(inspect.getsource(each))).body[0]
            assert isinstance(tree, ast.ClassDef)
            found.update(_strings_after_assignments(tree.body))
    return found


# --- pages ----------------------------------------------------------------------------------------------------------


def _index() -> str:
    lines = [
        "# The plugin contract",
        "",
        f"Number of the contract: **{api.API_VERSION}** (`api = {api.API_VERSION}` in `plugin.toml`). {_WRITTEN} "
        "How to begin is told in [Plugins](../../plugins.md); the values that functions take and give are in "
        "[Values](values.md).",
        "",
        "| contribution | what it is |",
        "|---|---|",
        *(f"| [`[[{kind.table}]]`]({kind.table}.md) | {_one_line(kind.model)} |" for kind in _KINDS),
        "",
        "## The manifest",
        "",
        *_keys(manifest.Manifest, without=manifest.CONTRIBUTION_TABLES),
        "",
        "### `[permissions]`",
        "",
        *_keys(manifest.Permissions),
        "",
        "### `[limits]`",
        "",
        *_keys(manifest.Limits),
        "",
        "### `[[settings]]`, and `[[analyses.parameters]]`",
        "",
        *_keys(manifest.Parameter),
        "",
    ]
    return "\n".join(lines)


def _kind_page(kind: _Kind) -> str:
    lines = [
        f"# `[[{kind.table}]]`",
        "",
        f"{_prose(inspect.getdoc(kind.model) or '')} {_WRITTEN}",
        "",
        "## In the manifest",
        "",
        *_keys(kind.model),
        "",
    ]
    for key, protocol in kind.functions:
        lines += [
            f"## The function behind `{key}`",
            "",
            _prose(inspect.getdoc(protocol) or ""),
            "",
            "```python",
            f"def {key}{_signature(protocol.__call__)}",
            "```",
            "",
        ]
    if kind.returns:
        names = ", ".join(f"[`{name}`](values.md#{name.lower()})" for name in kind.returns)
        lines += ["## Values", "", f"What it takes and gives: {names}.", ""]
    return "\n".join(lines)


def _values() -> str:
    lines = ["# Values", "", f"Every name in `twinviewer.api`, in the order of the alphabet. {_WRITTEN}", ""]
    for name, definition in surface().items():
        lines += [f"## {name}", "", _prose(explanation(name)), ""]
        thing = getattr(api, name)
        if inspect.isclass(thing) and is_dataclass(thing):
            documents = _documents_of_members(thing)
            lines += ["| member | type | |", "|---|---|---|"]
            for member in fields(thing):
                typed = _plain(member.type).replace("|", "\\|")
                lines.append(f"| `{member.name}` | `{typed}` | {_cell(documents.get(member.name, ''))} |")
            lines.append("")
        else:
            lines += ["```python", *definition, "```", ""]
    return "\n".join(lines)


def _keys(model: type[Any], *, without: tuple[str, ...] = ()) -> list[str]:
    documents = _documents_of_members(model)
    lines = ["| key | type | default | |", "|---|---|---|---|"]
    for key, field in model.model_fields.items():
        if key not in without:
            lines.append(f"| `{key}` | {_type_of(model, key)} | {_default(field)} | {_cell(documents.get(key, ''))} |")
    return lines


def _type_of(model: type[Any], key: str) -> str:
    """Return the type in the words of TOML, from the JSON Schema."""
    schema = model.model_json_schema()
    return _words(schema["properties"][key], schema.get("$defs", {}))


def _words(schema: dict[str, Any], definitions: dict[str, Any]) -> str:
    if "$ref" in schema:
        return _words(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    if "anyOf" in schema:
        words = [_words(each, definitions) for each in schema["anyOf"] if each.get("type") != "null"]
        return " or ".join(dict.fromkeys(words))
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    kind = schema.get("type")
    if kind == "array":
        return f"list of {_words(schema['items'], definitions)}" if "items" in schema else "list"
    return {"object": "table", "string": "text"}.get(str(kind), str(kind))


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    return "" if value in (None, "", ()) or not isinstance(value, str | int | float | bool) else f"`{value}`".lower()


def _one_line(model: type[Any]) -> str:
    return _cell((inspect.getdoc(model) or "").partition("\n")[0])


def _prose(text: str) -> str:
    """Return a docstring as Markdown."""
    text = re.sub(r":(?:class|func|meth|data|mod):`~?(?:[\w.]+\.)?(\w+)`", r"`\1`", text)
    return text.replace("``", "`")


def _cell(text: str) -> str:
    return _prose(" ".join(text.split())).replace("|", "\\|")

"""What ``twinviewer plugin list --json`` says: a stable interface, published as a JSON Schema."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

import pydantic

from twinviewer.app.plugins.choices import needs_consent
from twinviewer.app.plugins.environments import is_ready
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.manifest import CONTRIBUTION_TABLES
from twinviewer.app.plugins.permission_words import permissions_in_words
from twinviewer.app.plugins.registry import PluginRegistry

State = Literal["on", "off", "waiting"]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedContribution:
    """Something that a plugin adds to the viewer."""

    kind: str
    """The table of the manifest: ``readers``, ``overlays`` …"""
    id: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedPlugin:
    """A plugin that was found."""

    id: str
    name: str
    version: str
    licence: str
    description: str
    origin: str
    """``built-in``, ``bundled``, ``user`` or ``installed``."""
    state: State
    """``waiting``: switched on, and none of its code runs before somebody accepts what it asks for."""
    isolated: bool
    """Whether its code runs in a process of its own."""
    asks_for: tuple[str, ...]
    """What it may do beyond its own folders, a sentence each."""
    requires: tuple[str, ...]
    """Distributions in an environment of its own."""
    environment_ready: bool
    """Whether that environment has been made, or it needs none."""
    folder: str
    contributions: tuple[ListedContribution, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedPlugin:
    """A manifest that cannot be used."""

    source: str
    """Its path, with the line where that is known."""
    problem: str
    cure: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginList:
    """The whole answer."""

    plugins: tuple[ListedPlugin, ...]
    refused: tuple[RefusedPlugin, ...]


def list_plugins(registry: PluginRegistry) -> PluginList:
    """Return the plugins in the order in which ids are given away, and the manifests that were refused."""
    return PluginList(
        plugins=tuple(_listed(plugin, registry) for plugin in registry.plugins),
        refused=tuple(
            RefusedPlugin(source=each.source, problem=each.problem, cure=each.cure) for each in registry.problems
        ),
    )


def json_schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of ``plugin list --json``."""
    schema = pydantic.TypeAdapter(PluginList).json_schema(mode="serialization")
    return {**schema, "title": "What twinviewer plugin list says"}


def to_json(listed: PluginList) -> str:
    """Return the answer as one JSON object in ASCII, which every terminal and pipe lets through."""
    return json.dumps(asdict(listed), indent=2)


def _listed(plugin: Plugin, registry: PluginRegistry) -> ListedPlugin:
    manifest = plugin.manifest
    return ListedPlugin(
        id=plugin.id,
        name=plugin.name,
        version=manifest.version,
        licence=manifest.licence,
        description=manifest.description,
        origin=plugin.origin.value,
        state=_state(plugin, registry),
        isolated=plugin.isolated,
        asks_for=permissions_in_words(plugin),
        requires=plugin.requirements,
        environment_ready=is_ready(plugin),
        folder=plugin.code.folder,
        contributions=tuple(_contributions(plugin)),
    )


def _state(plugin: Plugin, registry: PluginRegistry) -> State:
    if not registry.is_enabled(plugin.id):
        return "off"
    return "waiting" if needs_consent(plugin) and not registry.choices.is_accepted(plugin) else "on"


def _contributions(plugin: Plugin) -> Iterator[ListedContribution]:
    for table in CONTRIBUTION_TABLES:
        for contribution in getattr(plugin.manifest, table):
            yield ListedContribution(kind=table, id=contribution.id, title=contribution.title)

"""How plugins fare, as values: what the Plugins panel shows."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from twinviewer.app.plugins.failures import FailureRecord
from twinviewer.app.plugins.finding import Plugin, PluginOrigin
from twinviewer.app.plugins.manifest import CONTRIBUTION_TABLES
from twinviewer.app.plugins.processes import ProcessHealth
from twinviewer.app.plugins.registry import PluginRegistry


class PluginState(StrEnum):
    """The value is how it is called."""

    READY = "Ready"
    """Nothing of it was used yet."""
    RUNNING = "Running"
    PREPARING = "Being prepared"
    """Its environment is being made."""
    NEEDS_CONSENT = "Needs your consent"
    NEEDS_SETTINGS = "Needs a setting"
    FAILED = "Failed"
    """Something of it is switched off because it failed too often."""
    OFF = "Switched off"


@dataclass(frozen=True, slots=True, kw_only=True)
class ContributionHealth:
    """How one contribution fares."""

    id: str
    title: str
    kind: str
    """``overlay``, ``reader`` …"""
    failures: int
    is_off: bool
    """Whether it failed so often that it is switched off."""
    last_error: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginHealth:
    """How one plugin fares."""

    id: str
    name: str
    version: str
    origin: PluginOrigin
    state: PluginState
    about_state: str
    """More about the state, as a sentence; empty where it says all."""
    where: str
    """Where its code runs, as a sentence."""
    process: ProcessHealth | None
    """None: it has no process of its own now."""
    restarts: int
    """How often its process had to be started again."""
    contributions: tuple[ContributionHealth, ...]
    refusals: tuple[str, ...] = ()
    """What it tried that its manifest does not ask for, a sentence each."""

    @property
    def failures(self) -> int:
        return sum(each.failures for each in self.contributions)

    @property
    def last_error(self) -> str:
        return next((each.last_error for each in self.contributions if each.last_error), "")


KINDS = {table: table.removesuffix("s") for table in CONTRIBUTION_TABLES} | {"analyses": "analysis"}


def health_of(
    plugin: Plugin,
    registry: PluginRegistry,
    *,
    process: ProcessHealth | None = None,
    restarts: int = 0,
    refusals: tuple[str, ...] = (),
    preparing: str = "",
) -> PluginHealth:
    """Return how a plugin fares.

    Args:
        plugin: The one.
        registry: Knows what failed and what the person chose.
        process: Of its own, if it has one now.
        restarts: How often that had to be started again.
        refusals: What it tried there that its manifest does not ask for.
        preparing: What is being done for its environment now; empty: nothing.
    """
    contributions = tuple(_contributions(plugin, registry))
    state, about = _state(plugin, registry, contributions, is_running=process is not None, preparing=preparing)
    return PluginHealth(
        id=plugin.id,
        name=plugin.name,
        version=plugin.manifest.version,
        origin=plugin.origin,
        state=state,
        about_state=about,
        where=_where(plugin, process),
        process=process,
        restarts=restarts,
        contributions=contributions,
        refusals=refusals,
    )


def log_of(plugin: Plugin, failures: Iterable[FailureRecord], *, printed: str, lines: Iterable[str]) -> str:
    """Return what there is to read about a plugin when something is wrong with it.

    Args:
        plugin: The one.
        failures: Of its contributions.
        printed: What its process printed last.
        lines: Of the program's log; those that its code wrote are kept.
    """
    parts = [
        f"{record.title}: {record.count} failure{'' if record.count == 1 else 's'}\n{record.details}"
        for record in failures
    ]
    if printed.strip():
        parts.append(f"What it printed\n{printed}")
    own = [line for line in lines if plugin.code.package in line]
    if own:
        parts.append("\n".join(["What it logged", *own]))
    return "\n".join(f"{part.rstrip()}\n" for part in parts)


def _contributions(plugin: Plugin, registry: PluginRegistry) -> Iterable[ContributionHealth]:
    for table in CONTRIBUTION_TABLES:
        for contribution in getattr(plugin.manifest, table):
            record = registry.failure(contribution.id)
            yield ContributionHealth(
                id=contribution.id,
                title=contribution.title,
                kind=KINDS[table],
                failures=record.count if record else 0,
                is_off=registry.is_disabled(contribution.id),
                last_error=record.error.problem if record else "",
            )


def _state(
    plugin: Plugin,
    registry: PluginRegistry,
    contributions: tuple[ContributionHealth, ...],
    *,
    is_running: bool,
    preparing: str,
) -> tuple[PluginState, str]:
    off = [f"“{each.title}”" for each in contributions if each.is_off]
    if plugin.origin is not PluginOrigin.BUILT_IN and not registry.is_enabled(plugin.id):
        return PluginState.OFF, ""
    if not registry.choices.is_accepted(plugin):
        return PluginState.NEEDS_CONSENT, "Nothing of it runs before you have allowed what it asks for."
    if registry.settings.is_waiting(plugin.manifest):
        return PluginState.NEEDS_SETTINGS, "It can do nothing before you have chosen its settings."
    if off:
        why = "are switched off because they" if len(off) > 1 else "is switched off because it"
        return PluginState.FAILED, f"{', '.join(off)} {why} kept failing."
    if preparing:
        return PluginState.PREPARING, f"{preparing}."
    # One that runs in the viewer's process does so once its code was imported.
    if is_running or (not plugin.isolated and plugin.code.package in sys.modules):
        return PluginState.RUNNING, ""
    return PluginState.READY, ""


def _where(plugin: Plugin, process: ProcessHealth | None) -> str:
    if not plugin.isolated:
        return "In the viewer's process"
    own = " with an environment of its own" if plugin.requirements else ""
    return f"In a process of its own{own}" + (f" (number {process.pid})" if process else ", not running now")

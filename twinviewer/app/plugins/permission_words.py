"""What a plugin asks for, in the words of whoever has to decide about it; the same in the window and on a terminal."""

from __future__ import annotations

from collections.abc import Iterable

from twinviewer.app.plugins.finding import Plugin
from twinviewer.isolation import seccomp


def permissions_in_words(plugin: Plugin) -> tuple[str, ...]:
    """Return a sentence for each thing that the plugin may do beyond its own folders."""
    if plugin.is_trusted:
        return ()
    if not plugin.isolated:
        return ("It runs inside the viewer, where nothing limits it: it may do whatever you may.",)
    asked = plugin.manifest.permissions
    sentences = []
    if "*" in asked.network:
        sentences.append("It may reach any host in the network.")
    elif asked.network:
        sentences.append(f"It may reach {_listed(asked.network)} in the network.")
    if asked.read:
        sentences.append(f"It may read {_listed(asked.read)}.")
    if asked.write:
        sentences.append(f"It may read and change {_listed(asked.write)}.")
    if asked.subprocess:
        is_open = bool(asked.network) or not seccomp.is_there()
        reach = ", and what these reach in the network is not limited" if is_open else ""
        sentences.append(f"It may start other programs{reach}.")
    return tuple(sentences)


def request_in_words(plugin: Plugin) -> str:
    """Return what the plugin asks for as one sentence; empty where it asks for nothing."""
    asked = plugin.manifest.permissions
    if plugin.is_trusted or (plugin.isolated and asked.is_empty):
        return ""
    if not plugin.isolated:
        return f"“{plugin.name}” asks to run inside the viewer, where nothing limits it."
    wishes = []
    if asked.network:
        wishes.append(f"to reach {'any host' if '*' in asked.network else _listed(asked.network)} in the network")
    if asked.read:
        wishes.append(f"to read {_listed(asked.read)}")
    if asked.write:
        wishes.append(f"to read and change {_listed(asked.write)}")
    if asked.subprocess:
        wishes.append("to start other programs")
    return f"“{plugin.name}” asks {_listed(wishes)}."


def _listed(names: Iterable[str]) -> str:
    *most, last = names
    return f"{', '.join(most)} and {last}" if most else last

"""``twinviewer plugin list``, ``describe``, ``install``, ``remove``, ``enable`` and ``disable``."""

from __future__ import annotations

import shutil
import sys
from collections import Counter
from pathlib import Path

from twinviewer.app.plugins.finding import Plugin, plugin_folder
from twinviewer.app.plugins.listing import ListedPlugin, list_plugins, to_json
from twinviewer.app.plugins.permission_words import permissions_in_words
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.cli.sentences import sentence
from twinviewer.model.errors import UsageError
from twinviewer.model.feedback import Silent

DECLINED_STATUS = 1
_STATES = {"on": "", "off": "switched off", "waiting": "waits until you accept what it asks for"}


def print_list(*, as_json: bool, safe_mode: bool) -> int:
    """Print the plugins; return 1 if a manifest was refused."""
    registry = PluginRegistry(safe_mode=safe_mode)
    listed = list_plugins(registry)
    if as_json:
        print(to_json(listed))
    else:
        for number, plugin in enumerate(listed.plugins):
            print("\n" * (number > 0) + "\n".join(_lines(plugin)))
    for error in registry.problems:
        print(f"twinviewer: {sentence(error)}", file=sys.stderr)
    return int(bool(registry.problems))


def describe_plugin(name: str, *, output: Path | None) -> int:
    """Print the page of a plugin that is there, or of one in a folder; or write it."""
    from twinviewer.app.atomic import write_atomically
    from twinviewer.app.plugins.plugin_page import plugin_page

    registry = PluginRegistry()
    known = {plugin.id: plugin for plugin in registry.plugins}
    plugin = known.get(name) or PluginRegistry(safe_mode=True).add(plugin_folder(Path(name)))
    page = plugin_page(plugin)
    if output is None:
        print(page, end="")
    else:
        write_atomically(output, page.encode())
    return 0


def install_plugin(source: Path, *, granted: bool) -> int:
    """Install a plugin; return 1 if the person does not grant what it asks for."""
    from twinviewer.app.plugins.installing import prepared  # with packaging, which other commands do without

    if not source.exists():
        raise UsageError("There is no such file or folder.", cure="Correct the path.", source=str(source))
    registry = PluginRegistry()
    progress = _Progress()
    with prepared(source, plugins=registry.plugins, feedback=progress) as ready:
        plugin = ready.plugin
        progress.clear()
        wishes = permissions_in_words(plugin)
        if wishes and not registry.choices.is_accepted(plugin):
            print(f"{plugin.name} {plugin.manifest.version} asks for your permission:")
            print("\n".join(f"  {wish}" for wish in wishes), flush=True)
            if not granted and not _grants():
                print("Nothing was installed.")
                return DECLINED_STATUS
        done = ready.put_in_place(progress)
        progress.clear()
    registry.choices.accept(plugin)
    print(_told(plugin, done.replaced, is_downgrade=done.is_downgrade))
    if not registry.is_enabled(plugin.id):
        print(f"It is switched off; “twinviewer plugin enable {plugin.id}” switches it on.")
    return 0


def remove_plugin(plugin_id: str, *, purge: bool) -> int:
    """Remove a plugin, and what it leaves where that is wished."""
    from twinviewer.app.plugins import installing

    registry = PluginRegistry()
    plugin = registry.plugin(plugin_id)
    installing.remove(plugin, plugins=registry.plugins, choices=registry.choices)
    print(f"{plugin.name} {plugin.manifest.version} was removed from {plugin.code.folder}.")
    if purge:
        installing.purge(plugin, registry.settings)
        print("Its settings, secrets and data were removed, too.")
    else:
        print("Its settings, secrets and data are kept for the next time.")
    return 0


def switch_plugin(plugin_id: str, *, on: bool) -> int:
    """Switch a plugin on or off."""
    registry = PluginRegistry()
    plugin = registry.plugin(plugin_id)
    if registry.is_enabled(plugin_id) is on:
        print(f"{plugin.name} is switched {'on' if on else 'off'} already.")
        return 0
    registry.set_enabled(plugin_id, on)
    print(f"{plugin.name} is switched {'on' if on else 'off'}.")
    return 0


def _lines(plugin: ListedPlugin) -> list[str]:
    state = _STATES[plugin.state]
    lines = [f"{plugin.id}  {plugin.name} {plugin.version} ({plugin.origin}){f' – {state}' if state else ''}"]
    counts = Counter(each.kind for each in plugin.contributions)
    if counts:
        lines.append("  " + ", ".join(f"{kind}: {number}" for kind, number in counts.items()))
    lines += [f"  {each}" for each in plugin.asks_for]
    if plugin.requires:
        lines.append(f"  Requires {', '.join(plugin.requires)}, in an environment of its own.")
    return lines


def _told(plugin: Plugin, replaced: Plugin | None, *, is_downgrade: bool) -> str:
    what = f"{plugin.name} {plugin.manifest.version}"
    if replaced is None:
        return f"{what} was installed into {plugin.code.folder}."
    older = ", which is older," if is_downgrade else ""
    return f"{what}{older} took the place of {replaced.manifest.version}; its settings and data are kept."


def _grants() -> bool:
    """Ask on the terminal.

    Raises:
        UsageError: Nobody sits there.
    """
    if not sys.stdin.isatty():
        raise UsageError("Nobody can be asked here.", cure="Add --yes to grant it.", source="twinviewer plugin install")
    try:
        return input("Grant it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False


class _Progress(Silent):
    """One line on the terminal that says how far it is; nothing where stderr goes elsewhere."""

    def __init__(self) -> None:
        self._shows = sys.stderr.isatty()

    def progress(self, fraction: float, text: str = "") -> None:
        if self._shows:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r\033[K{f'{fraction:4.0%} {text}'[:width]}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        if self._shows:
            print("\r\033[K", end="", file=sys.stderr, flush=True)

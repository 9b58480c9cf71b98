"""A plugin that its author is working on: reloaded on every save that can be, told of in words where it cannot."""

from __future__ import annotations

import ast
from dataclasses import dataclass
from pathlib import Path

from twinviewer.app.plugins.finding import Plugin, plugin_folder
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError


@dataclass(frozen=True, slots=True, kw_only=True)
class Reloading:
    """What became of a save."""

    files: tuple[str, ...]
    """Those that were saved."""
    plugin: Plugin | None
    """As it is now; None: it stays as it was."""
    problem: PluginError | None = None
    """Why it could not be reloaded."""


def add_plugin(registry: PluginRegistry, path: Path) -> Plugin:
    """Take in the plugin that its author points at, in place of one with its id that is installed, and accept it.

    Raises:
        PluginError: There is none, or its manifest is at fault.
    """
    folder = plugin_folder(path.absolute())
    named = PluginRegistry(folders=[], safe_mode=True).add(folder)  # says what is wrong before anything is taken away
    if any(plugin.id == named.id for plugin in registry.plugins):
        registry.remove(named.id)
    plugin = registry.add(folder)
    registry.accept(plugin.id)
    registry.work_on(plugin.id)
    return plugin


def reload(registry: PluginRegistry, plugin_id: str, folder: Path, files: tuple[str, ...]) -> Reloading:
    """Read a plugin anew after its author saved files; where they cannot be read, everything stays as it was."""
    try:
        require_python(folder)
        plugin = registry.reload(plugin_id)
    except PluginError as error:
        return Reloading(files=files, plugin=None, problem=error)
    registry.accept(plugin_id)  # the author may have changed what it asks for
    return Reloading(files=files, plugin=plugin)


def require_python(folder: Path) -> None:
    """Make sure that all modules of a plugin are Python: half a line that was saved must not take the picture away.

    Raises:
        PluginError: One is not.
    """
    for path in sorted(folder.rglob("*.py")):
        name = path.relative_to(folder)
        try:
            ast.parse(path.read_bytes(), filename=str(name))
        except SyntaxError as error:
            place = str(name) if error.lineno is None else f"{name}:{error.lineno}"
            cure = "Save it anew." if error.lineno is None else "Correct that line."
            raise PluginError(f"It is not Python: {error.msg}.", cure=cure, source=place) from error
        except (ValueError, OSError) as error:
            raise PluginError(f"It cannot be read: {error}.", cure="Save it anew.", source=str(name)) from error

"""``twinviewer plugin …``: the commands and their options.

``--help`` must be there at once, so this module imports nothing but the parser; each command imports what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from twinviewer.cli.parameters import SafeMode, flag

plugin_app = App(
    name="plugin",
    usage="Usage: twinviewer plugin COMMAND [OPTIONS]",
    help="Install plugins, see what they may do, and switch them on and off.",
    help_epilogue="Example: twinviewer plugin install thermometers-1.0-py3-none-any.whl\n\n"
    "More about a command: twinviewer plugin COMMAND --help",
)

PluginId = Annotated[str, Parameter(help="The plugin's id; “twinviewer plugin list” shows it.")]


@plugin_app.command(name="list", help_epilogue="Example: twinviewer plugin list --json")
def list_plugins(
    *,
    json: Annotated[bool, flag("Print one JSON object (docs/schema/plugin-list.schema.json).")] = False,
    safe_mode: SafeMode = False,
) -> int:
    """Say which plugins there are, what they contribute, and which are switched off."""
    from twinviewer.cli.installed_plugins import print_list

    return print_list(as_json=json, safe_mode=safe_mode)


@plugin_app.command(
    usage="Usage: twinviewer plugin install PATH [OPTIONS]",
    help_epilogue="Example: twinviewer plugin install thermometers-1.0-py3-none-any.whl",
)
def install(
    path: Annotated[Path, Parameter(help="A plugin's folder, a wheel, or a zip or tar.gz of a folder.")],
    /,
    *,
    yes: Annotated[bool, flag("Grant what the plugin asks for without being asked.")] = False,
) -> int:
    """Install a plugin, or put another version in the place of the one that is there."""
    from twinviewer.cli.installed_plugins import install_plugin

    return install_plugin(path, granted=yes)


@plugin_app.command(
    usage="Usage: twinviewer plugin remove ID [OPTIONS]",
    help_epilogue="Example: twinviewer plugin remove thermometers",
)
def remove(
    plugin_id: PluginId,
    /,
    *,
    purge: Annotated[bool, flag("Remove its settings, secrets and data, too.")] = False,
) -> int:
    """Remove a plugin that was installed."""
    from twinviewer.cli.installed_plugins import remove_plugin

    return remove_plugin(plugin_id, purge=purge)


@plugin_app.command(
    usage="Usage: twinviewer plugin enable ID",
    help_epilogue="Example: twinviewer plugin enable thermometers",
)
def enable(plugin_id: PluginId, /) -> int:
    """Switch a plugin on."""
    from twinviewer.cli.installed_plugins import switch_plugin

    return switch_plugin(plugin_id, on=True)


@plugin_app.command(
    usage="Usage: twinviewer plugin disable ID",
    help_epilogue="Example: twinviewer plugin disable thermometers",
)
def disable(plugin_id: PluginId, /) -> int:
    """Switch a plugin off: none of its code runs until it is switched on again."""
    from twinviewer.cli.installed_plugins import switch_plugin

    return switch_plugin(plugin_id, on=False)

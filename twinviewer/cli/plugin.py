"""``twinviewer plugin …``: the commands and their options.

``--help`` must be there at once, so this module imports nothing but the parser; each command imports what it needs.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from twinviewer.cli.parameters import SafeMode, flag
from twinviewer.demo import FEWEST_BUILDINGS, MOST_BUILDINGS, USUAL_BUILDINGS

plugin_app = App(
    name="plugin",
    usage="Usage: twinviewer plugin COMMAND [OPTIONS]",
    help="Make plugins; install them, see what they may do, and switch them on and off.",
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
    usage="Usage: twinviewer plugin describe ID|PATH [OPTIONS]",
    help_epilogue="Example: twinviewer plugin describe contours",
)
def describe(
    plugin: Annotated[str, Parameter(help="The id of a plugin that is there, or the folder of any other.")],
    /,
    *,
    output: Annotated[Path | None, Parameter(name=("--output", "-o"), help="Write the page to this file.")] = None,
) -> int:
    """Print a page about a plugin: what it adds, what it may do, and what can be set in it."""
    from twinviewer.cli.installed_plugins import describe_plugin

    return describe_plugin(plugin, output=output)


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


@plugin_app.command(
    usage="Usage: twinviewer plugin new NAME [OPTIONS]",
    help_epilogue="Example: twinviewer plugin new hello-city --kind overlay",
)
def new(
    name: Annotated[str, Parameter(help="What it is called: letters, digits and hyphens.")],
    /,
    *,
    kind: Annotated[
        Literal["overlay", "reader", "analysis", "panel", "layer"], Parameter(help="What it adds to the viewer.")
    ] = "overlay",
    parent: Annotated[Path, Parameter(name="--in", help="The folder in which its own is made.")] = Path(),
    licence: Annotated[Literal["Apache-2.0", "MIT"], Parameter(help="Whose text it begins with.")] = "Apache-2.0",
) -> int:
    """Write a new plugin: a small project with its code, its test, and what a wheel needs."""
    from twinviewer.cli.plugin_authoring import make_project

    return make_project(name, kind=kind, parent=parent, licence=licence)


@plugin_app.command(
    usage="Usage: twinviewer plugin run PATH [FILE...] [OPTIONS]",
    help_epilogue="Example: twinviewer plugin run hello-city",
)
def run(
    path: Annotated[Path, Parameter(help="The plugin's folder, or its project's.")],
    /,
    *files: Annotated[Path, Parameter(help="Files to open in the city, too: those that the plugin reads.")],
    demo_buildings: Annotated[
        int, Parameter(help=f"How large the demo city is: {FEWEST_BUILDINGS} to {MOST_BUILDINGS:,} buildings.")
    ] = USUAL_BUILDINGS,
    snapshot: Annotated[
        Path | None,
        Parameter(help="Write a picture of the window to this PNG once the plugin is shown and has moved, and end."),
    ] = None,
) -> int:
    """Open the demo city with a plugin, and reload it whenever one of its files is saved."""
    from twinviewer.cli.plugin_authoring import run_plugin

    return run_plugin(path, files=files, buildings=demo_buildings, snapshot=snapshot)


@plugin_app.command(
    usage="Usage: twinviewer plugin check PATH [OPTIONS]",
    help_epilogue="Example: twinviewer plugin check hello-city --badge conforms.svg",
)
def check(
    path: Annotated[Path, Parameter(help="The plugin's folder, or its project's.")],
    /,
    *,
    json: Annotated[bool, flag("Print one JSON object (docs/schema/plugin-check.schema.json).")] = False,
    badge: Annotated[Path | None, Parameter(help="Write an SVG badge that says whether it conforms.")] = None,
) -> int:
    """Try whether a plugin keeps the contract: what it returns, how long it takes, what it does with bad input."""
    from twinviewer.cli.plugin_authoring import check_plugin

    return check_plugin(path, as_json=json, badge=badge)

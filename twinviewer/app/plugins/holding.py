"""What a worker is held to while it runs a reader of a plugin."""

from __future__ import annotations

from twinviewer.app.folders import plugin_data_dir
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.formats.request import Held
from twinviewer.isolation.permissions import Granted
from twinviewer.model.feedback import Feedback


def held(plugin: Plugin, registry: PluginRegistry, feedback: Feedback) -> Held | None:
    """Return what a plugin's code may do, None where it is trusted; the environment that it requires is made.

    Raises:
        PluginError: The environment cannot be made.
        Cancelled: The person stopped that.
    """
    if not plugin.isolated:
        return None
    python = registry.preparations.environment_for(plugin, feedback) if plugin.requirements else None
    asked = registry.as_granted(plugin).manifest.permissions
    return Held(
        plugin_name=plugin.name,
        granted=Granted(network=asked.network, read=asked.read, write=asked.write, subprocess=asked.subprocess),
        data_folder=str(plugin_data_dir(plugin.id)),
        python=str(python) if python else None,
    )

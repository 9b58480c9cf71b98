"""That a project shows what plugins contribute which are not there: said once, when it is opened."""

from __future__ import annotations

from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import ProjectError
from twinviewer.model.project import Project

_MOST_NAMED = 3


def absent_plugins(project: Project, registry: PluginRegistry, *, source: str = "") -> ProjectError | None:
    """Return what to tell about plugins whose overlays and layers a project shows, and that are not there.

    Args:
        project: What it shows stays in it, and is shown as soon as the plugin is there.
        registry: The plugins that are there.
        source: The project's file.
    """
    there = {each.id for each in (*registry.overlays, *registry.layers)}
    plugin_ids = (
        overlay.id.partition(".")[0] for overlay in project.overlays if overlay.visible and overlay.id not in there
    )
    absent = list(dict.fromkeys(plugin_ids))
    if not absent:
        return None
    names = ", ".join(absent[:_MOST_NAMED])
    if len(absent) > _MOST_NAMED:
        names += f" and {len(absent) - _MOST_NAMED} more"
    one = len(absent) == 1
    if registry.safe_mode:
        return ProjectError(
            f"In safe mode the project is shown without {'its plugin' if one else 'its plugins'} {names}.",
            cure="Start without --safe-mode to see it whole.",
            source=source,
        )
    return ProjectError(
        f"The project shows what {'a plugin contributes that is' if one else 'plugins contribute that are'} "
        f"not installed or switched off: {names}.",
        cure=f"Install {'it' if one else 'them'}, or switch {'it' if one else 'them'} on; nothing of it is lost.",
        source=source,
    )

"""What the person chose about plugins: which are switched off, and what each may do.

Kept in ``plugins.json`` in the folder of settings, which the window and the command line share; it is read anew
before each change.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
from pathlib import Path
from typing import Any

from twinviewer.app.atomic import write_atomically
from twinviewer.app.folders import config_dir
from twinviewer.app.plugins.failures import WaitsForPersonError
from twinviewer.app.plugins.finding import Plugin, PluginOrigin

_log = logging.getLogger(__name__)


class ConsentNeededError(WaitsForPersonError):
    """The person has not accepted yet what the plugin asks for."""

    code = "plugin.consent"


class PluginChoices:
    """Choices that outlast the program.  Safe from any thread.

    Args:
        path: The file; None: in the folder of settings.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path or config_dir() / "plugins.json"
        self._lock = threading.RLock()
        self._choices = self._read()

    def is_enabled(self, plugin_id: str) -> bool:
        return self._of(plugin_id).get("enabled") is not False

    def set_enabled(self, plugin_id: str, enabled: bool) -> None:  # noqa: FBT001 – it is the value itself
        """Keep whether a plugin is switched on.

        Raises:
            WriteError: The disk said no; the choice holds until the program ends.
        """
        self._change(plugin_id, "enabled", enabled)

    def is_accepted(self, plugin: Plugin) -> bool:
        """Return whether the plugin asks for nothing, or the person accepted what it asks for now."""
        return not needs_consent(plugin) or self._of(plugin.id).get("accepted") == _asked(plugin)

    def accept(self, plugin: Plugin) -> None:
        """Keep that the person accepts what the plugin asks for; once it asks for something else, it is asked again.

        Raises:
            WriteError: The disk said no; the choice holds until the program ends.
        """
        self._change(plugin.id, "accepted", _asked(plugin))

    def forget(self, plugin_id: str) -> None:
        """Forget the choices about a plugin that was removed.

        Raises:
            WriteError: The disk said no.
        """
        self._change(plugin_id, "", None)

    def _of(self, plugin_id: str) -> dict[str, Any]:
        with self._lock:
            return self._choices.get(plugin_id, {})

    def _change(self, plugin_id: str, key: str, value: object) -> None:
        """Change one choice about a plugin; an empty key: forget all of them."""
        with self._lock:
            choices = self._read()
            for other, held in self._choices.items():
                choices.setdefault(other, held)  # what the disk did not take before
            if key:
                choices[plugin_id] = {**choices.get(plugin_id, {}), key: value}
            else:
                choices.pop(plugin_id, None)
            self._choices = choices
            write_atomically(self._path, (json.dumps(choices, indent=2, sort_keys=True) + "\n").encode())

    def _read(self) -> dict[str, dict[str, Any]]:
        try:
            stored = json.loads(self._path.read_text("utf-8"))
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("The choices about plugins in %s cannot be used (%s).", self._path, error)
            return {}
        if not isinstance(stored, dict):
            _log.warning("The choices about plugins in %s cannot be used (not an object).", self._path)
            return {}
        return {plugin_id: choice for plugin_id, choice in stored.items() if isinstance(choice, dict)}


def needs_consent(plugin: Plugin) -> bool:
    """Return whether a person has to accept what the plugin asks for before its code is run.

    A stranger's plugin that wants to run in the viewer's own process asks for all that the viewer may do; one in a
    folder that was named at the start (its author's) does so by being named.
    """
    if plugin.is_trusted:
        return False
    return not plugin.manifest.permissions.is_empty or (not plugin.isolated and plugin.origin is not PluginOrigin.NAMED)


def _asked(plugin: Plugin) -> str:
    asked = {"isolated": plugin.isolated, **plugin.manifest.permissions.model_dump(mode="json")}
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()

"""Which plugins wait for their environment to be made, and how far that is: for the Plugins panel."""

from __future__ import annotations

from pathlib import Path

from twinviewer.app.plugins import environments
from twinviewer.app.plugins.finding import Plugin
from twinviewer.model.feedback import Feedback, Silent


class Preparations:
    """Has environments made, and remembers what is being done.  Safe from any thread."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}

    def of(self, plugin_id: str) -> str:
        """Return what is being done for a plugin now: ``Installing scipy``; empty: nothing."""
        return self._texts.get(plugin_id, "")

    def environment_for(self, plugin: Plugin, feedback: Feedback) -> Path:
        """Return the interpreter of the environment of a plugin; see :func:`environments.environment_for`."""
        if environments.is_ready(plugin):
            return environments.environment_for(plugin, feedback)
        self._texts[plugin.id] = "Its environment is being made"
        try:
            return environments.environment_for(plugin, _Overheard(feedback, self._texts, plugin.id))
        finally:
            self._texts.pop(plugin.id, None)


class _Overheard(Silent):
    """Feedback of which the newest text is kept."""

    def __init__(self, feedback: Feedback, texts: dict[str, str], plugin_id: str) -> None:
        self._feedback, self._texts, self._plugin_id = feedback, texts, plugin_id

    def progress(self, fraction: float, text: str = "") -> None:
        self._texts[self._plugin_id] = f"{text or 'Its environment is being made'} ({fraction:.0%})"
        self._feedback.progress(fraction, text)

    def stop_if_cancelled(self) -> None:
        self._feedback.stop_if_cancelled()

"""A plugin that its author is working on: shown in the demo city, reloaded on each save, told of in the terminal."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer

from twinviewer.app.commands import RemoveLayers, SwitchOverlays
from twinviewer.app.opening import Phase
from twinviewer.app.plugins.conformance.plugin_code import frozen
from twinviewer.app.plugins.failures import FailureRecord, WaitsForPersonError
from twinviewer.app.plugins.reloading import Reloading, add_plugin, reload
from twinviewer.app.plugins.watching import FolderWatcher
from twinviewer.model.diagnostics import Severity
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.project import OverlaySpec

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow

_log = logging.getLogger(__name__)

LOOK_MS = 100


class PluginDevelopment(QObject):
    """Between a plugin's folder and the window.

    Args:
        window: Where it is shown.
        path: The folder that the author points at.
        files: Opened once the city is there: what the plugin reads.

    Raises:
        PluginError: There is no plugin, or its manifest is at fault.
    """

    def __init__(self, window: MainWindow, path: Path, files: Sequence[Path] = ()) -> None:
        super().__init__(window)
        self._window, self._files = window, tuple(path.absolute() for path in files)
        self._registry = window.services.registry
        self._plugin = add_plugin(self._registry, path)
        self._folder = Path(self._plugin.code.folder)
        self._first: dict[str, Sequence[DrawingRequest]] = {}
        self._moved: set[str] = set()
        self._switched = {each.id for each in self.shown}
        self._outdated: set[str] = set()
        self._told: dict[str, TwinViewerError] = {}
        self._watcher = FolderWatcher(self._folder, self._saved)
        self._watcher.start()
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._timer.start()
        window.projects.began.connect(self._show)
        window.projects.is_trial = True
        where = "in a process of its own" if self._plugin.isolated else "in the program's process"
        _say(f"“{self._plugin.name}” runs {where}. Save a file in {self._folder}, and it is reloaded. Ctrl+C ends.")

    @property
    def shown(self) -> tuple[OverlaySpec, ...]:
        """What the plugin draws, switched on; nothing else is, so that it is seen for itself."""
        manifest = self._plugin.manifest
        return tuple(OverlaySpec(id=each.id) for each in (*manifest.overlays, *manifest.layers))

    @property
    def is_shown(self) -> bool:
        """Whether each of its overlays and layers has drawn something, and those with a feed have changed since."""
        return all(each in self._moved for each in self._overlays) and all(
            each.id in self._first for each in self._plugin.manifest.layers
        )

    @property
    def not_drawn(self) -> TwinViewerError | None:
        """Why one of its overlays and layers has drawn nothing; None where each has drawn something."""
        missing = next((spec.id for spec in self.shown if spec.id not in self._first), None)
        if missing is None:
            return None
        return self._window.live.problems.get(missing) or PluginError(
            f"“{self._title(missing)}” has drawn nothing yet.", source=str(self._folder)
        )

    def close(self) -> None:
        self._timer.stop()
        self._watcher.stop()

    def hear_failure(self, record: FailureRecord) -> None:
        """Tell the author all of it; may be called on any thread."""
        if record.contribution_id.startswith(f"{self._plugin.id}."):
            _say(f"{record.error.problem}\n{_newest_traceback(record.details)}", to_errors=True)

    # What it does on the main thread. ------------------------------------------------------------

    @property
    def _overlays(self) -> list[str]:
        return [overlay.id for overlay in self._plugin.manifest.overlays]

    def _show(self) -> None:
        """Show the panels of the plugin and its files: the city has begun."""
        self._show_panels()
        if self._files:
            self._window.projects.open(self._files)

    def _show_panels(self) -> None:
        for panel in self._plugin.manifest.panels:
            self._window.contributed.panels.show(panel.id)

    def _read_again(self) -> None:
        """Read the files anew that the plugin's readers have read, or that the author named."""
        readers = {reader.id for reader in self._plugin.manifest.readers}
        if not readers:
            return
        opener, session = self._window.services.opener, self._window.services.session
        layers = [layer for layer in session.project.layers if layer.source.reader in readers]
        paths = tuple(dict.fromkeys((*(Path(layer.source.path) for layer in layers), *self._files)))
        for opening in tuple(opener.openings):
            if opening.path in paths and opening.phase is Phase.FAILED:
                opener.dismiss(opening)
        if layers:
            session.do(RemoveLayers(layer_ids=frozenset(layer.id for layer in layers)))
        if paths:
            self._window.projects.open(paths)

    def _switch_on_what_is_new(self) -> None:
        new = tuple((spec.id, True) for spec in self.shown if spec.id not in self._switched)
        if new:
            self._switched |= {contribution_id for contribution_id, _ in new}
            self._window.services.session.do(SwitchOverlays(switches=new))

    def _look(self) -> None:
        """Tell what is drawn for the first time, what moved since, and what it uses that is going to be taken away."""
        words = self._registry.processes.last_words(self._plugin.id)
        for line in words.splitlines() if "DeprecationWarning: " in words else ():
            if "DeprecationWarning: " in line and str(self._folder) in line and line not in self._outdated:
                self._outdated.add(line)
                _say(line, to_errors=True)
        problems = self._window.live.problems
        self._told = {each: error for each, error in self._told.items() if each in problems}
        for overlay_id, error in problems.items():
            is_failure = isinstance(error, PluginError) and not isinstance(error, WaitsForPersonError)  # heard of
            old = self._told.get(overlay_id)
            if overlay_id.startswith(f"{self._plugin.id}.") and not is_failure and str(old) != str(error):
                self._told[overlay_id] = error
                _say(
                    f"“{self._title(overlay_id)}” shows nothing new. {error.problem} {error.cure}".rstrip(),
                    to_errors=True,
                )
        for overlay_id, requests in self._window.live.drawn.items():
            if not overlay_id.startswith(f"{self._plugin.id}.") or overlay_id in self._moved:
                continue
            if overlay_id not in self._first:
                self._first[overlay_id] = requests
                _say(f"“{self._title(overlay_id)}” is drawn.")
            elif overlay_id in self._overlays and frozen(requests) != frozen(self._first[overlay_id]):
                self._moved.add(overlay_id)
                _say(f"“{self._title(overlay_id)}” moves.")

    def _reloaded(self, outcome: Reloading) -> None:
        files = ", ".join(
            f"{name} {'saved' if (self._folder / name).exists() else 'removed'}" for name in outcome.files
        )
        if outcome.problem is not None:
            text = f"{outcome.problem.source}: {outcome.problem.problem} {outcome.problem.cure}".strip()
            self._window.toasts.show(text, severity=Severity.ERROR, about=self._plugin.id)
            _say(f"{files}, not reloaded: {text}", to_errors=True)
            return
        assert outcome.plugin is not None
        self._plugin = outcome.plugin
        self._window.toasts.show(f"Reloaded {self._plugin.name}", about=self._plugin.id)
        _say(f"{files}, reloaded.")
        self._switch_on_what_is_new()
        self._show_panels()
        self._read_again()

    def _title(self, contribution_id: str) -> str:
        return next(each.title for each in self._plugin.manifest.contributions if each.id == contribution_id)

    # On the watcher's thread. --------------------------------------------------------------------

    def _saved(self, files: tuple[str, ...]) -> None:
        outcome = reload(self._registry, self._plugin.id, self._folder, files)
        self._window.services.main_thread.deliver(lambda: self._reloaded(outcome))


def _newest_traceback(details: str) -> str:
    """Return the last of the tracebacks in a text: the author's own, where the plugin runs in a process of its own."""
    head = "Traceback (most recent call last):\n"
    return f"{head}{details.rpartition(head)[2].rstrip()}" if head in details else details.rstrip()


def _say(text: str, *, to_errors: bool = False) -> None:
    stream = sys.stderr if to_errors else sys.stdout
    stream.write(f"{time.strftime('%H:%M:%S')} {text}\n")
    stream.flush()

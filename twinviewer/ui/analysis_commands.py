"""What Tools › Analyses does: asks for parameters, starts, and shows what was found in the view, tree and panel."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from twinviewer.app.analysing import Result
from twinviewer.app.atomic import write_atomically
from twinviewer.app.plugins.manifest import AnalysisContribution
from twinviewer.model.errors import TwinViewerError, WriteError
from twinviewer.ui.analysis_dialog import AnalysisDialog
from twinviewer.ui.layer_tree import ResultFacts
from twinviewer.ui.parameter_form import Value
from twinviewer.ui.search import COMMAND, Entry

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow


class AnalysisCommands(QObject):
    """Between analyses of plugins and what shows their results."""

    def __init__(self, window: MainWindow, *, on_results: Callable[[], None]) -> None:
        super().__init__(window)
        services, panels = window.services, window.panels
        self._services, self._panels, self._window = services, panels, window
        self._on_results = on_results
        self._chosen: dict[str, Mapping[str, Value]] = {}
        """What was chosen for each analysis the last time."""
        self._drawn: dict[str, Result] = {}
        self._stop_hearing = services.analyst.on_change(self._show_results)
        results = panels.results
        results.object_chosen.connect(lambda object_id: window.layers.show_object(object_id))
        results.close_asked.connect(services.analyst.close)
        results.save_asked.connect(self._save)
        results.copied.connect(lambda what: window.toasts.show(f"Copied {what}"))

    @property
    def facts(self) -> tuple[ResultFacts, ...]:
        """What the layers panel says about results that are drawn."""
        return tuple(
            ResultFacts(
                id=result.id,
                title=result.title,
                note=f"{result.provenance.instant.astimezone():%H:%M}",
                provenance=result.provenance.facts,
                visible=result.visible,
                opacity=result.opacity,
            )
            for result in self._services.analyst.results
            if result.requests
        )

    def fill_menu(self, menu: QMenu) -> None:
        """List the analyses that there are."""
        analyses = self._services.registry.analyses
        for analysis in analyses:
            action = menu.addAction(analysis.title.replace("&", "&&") + ("…" if analysis.parameters else ""))
            action.setToolTip(analysis.description)
            action.setEnabled(bool(self._services.session.project.layers))
            action.triggered.connect(lambda _checked=False, analysis=analysis: self.ask_and_start(analysis))
        if not analyses:
            menu.addAction("No plugin offers one").setEnabled(False)

    def entries(self) -> list[Entry]:
        """Return what analyses add to the palette."""
        has_layers = bool(self._services.session.project.layers)
        return [
            Entry(
                title=analysis.title,
                kind=COMMAND,
                detail="Tools › Analyses",
                icon="gauge",
                words=f"analysis analyse {analysis.description}",
                enabled=has_layers,
                run=lambda analysis=analysis: self.ask_and_start(analysis),  # type: ignore[misc]
            )
            for analysis in self._services.registry.analyses
        ]

    def ask_and_start(self, analysis: AnalysisContribution) -> None:
        """Ask for the parameters, if there are any, and start."""
        values: Mapping[str, Value] = {}
        if analysis.parameters:
            dialog = AnalysisDialog(
                analysis,
                plugin=self._services.registry.plugin_of(analysis.id).name,
                values=self._chosen.get(analysis.id, {}),
                layers=self._services.analyst.layers_for,
                parent=self._window,
            )
            if not dialog.exec():
                return
            values = self._chosen[analysis.id] = dialog.values
        self.start(analysis.id, values)

    def start(self, analysis_id: str, parameters: Mapping[str, Value]) -> None:
        """Start an analysis; what cannot be started is told."""
        try:
            self._services.analyst.start(analysis_id, parameters, on_done=self._done)
        except TwinViewerError as error:
            self._window.projects.tell(error)

    def close(self) -> None:
        self._stop_hearing()

    def _done(self, result: Result) -> None:
        if result.tables:
            self._panels.show("results")
        rest = f" {result.unbound}." if result.unbound else ""
        self._window.toasts.show(f"Done: {result.title}.{rest}")

    def _show_results(self) -> None:
        results = {result.id: result for result in self._services.analyst.results}
        for gone in self._drawn.keys() - results.keys():
            self._window.scene.remove_overlay(gone)
        for result in results.values():
            if result.requests and self._drawn.get(result.id) is not result:
                self._window.scene.draw_overlay(
                    result.id, result.requests, opacity=result.opacity, visible=result.visible
                )
        self._drawn = {key: result for key, result in results.items() if result.requests}
        self._panels.results.show_results(tuple(results.values()))
        self._on_results()

    def _save(self, path: Path, content: bytes) -> None:
        try:
            write_atomically(path, content)
        except WriteError as error:
            self._window.projects.tell(error)
        else:
            self._window.toasts.show(f"Saved {path}")

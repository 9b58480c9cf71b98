"""What Layer › Export does: asks, lets a worker write, and tells what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QMessageBox

from twinviewer.app.exporting import Exports, Written
from twinviewer.app.file_layers import KIND_NAMES
from twinviewer.model import crs
from twinviewer.model.diagnostics import Severity
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import LayerData, kind_of
from twinviewer.model.place import LOCAL, ReferenceSystem
from twinviewer.ui.export_dialog import ExportDialog

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow


class ExportCommands(QObject):
    """Between the selected layers and files."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._services, self._window = window.services, window
        self._folder = Path.home()

    @property
    def can_export(self) -> bool:
        return bool(self._layers())

    def ask_and_export(self) -> None:
        """Ask how and where, then write the selected layers."""
        layers = self._layers()
        exports: Exports = self._services.exports
        kinds = [kind_of(data) for data in layers]
        writers = exports.writers_for(kinds)
        if not writers:
            names = sorted({KIND_NAMES[kind] for kind in kinds})
            problem = f"No format holds {' and '.join(f'a {name}' for name in names)} in one file."
            QMessageBox.information(self._window, "Export", f"{problem}\nSelect one layer, and export it by itself.")
            return
        system = self._services.session.project.crs
        is_somewhere = system is not None and system.horizontal != LOCAL.horizontal
        dialog = ExportDialog(
            [data.source.title for data in layers],
            writers=writers,
            system=crs.describe(system) if system is not None and is_somewhere else "",
            folder=self._folder,
            ask_crs=self._window.ask_crs,
            describe=crs.describe,
            parent=self._window,
        )
        if dialog.exec():
            self._folder = dialog.path.parent
            self.export(dialog.path, layers, target=dialog.target)

    def export(self, path: Path, layers: Sequence[LayerData], *, target: ReferenceSystem | None = None) -> None:
        """Write layers into a file, as a job."""
        exports = self._services.exports

        def work(feedback: Feedback) -> Written:
            return exports.write(path, layers, target=target, feedback=feedback)

        self._services.runner.start(
            f"Export {path.name}", work, on_done=self._written, on_error=self._window.projects.tell
        )

    def _layers(self) -> list[LayerData]:
        """Return the data of the selected layers, called as they are in the project."""
        session, ids = self._services.session, set(self._window.panels.layers.selected_layer_ids())
        found = ((spec, session.store.get(spec.id)) for spec in session.project.layers if spec.id in ids)
        return [
            replace(data, source=replace(data.source, title=spec.title)) for spec, data in found if data is not None
        ]

    def _written(self, written: Written) -> None:
        self._services.problems.add_diagnostics(written.path.name, written.diagnostics)
        folder = written.path.parent
        text = f"Exported {written.path}"
        lost = [each for each in written.diagnostics if each.severity is not Severity.INFO]
        if lost:
            more = f" (and {len(lost) - 1} more)" if len(lost) > 1 else ""
            self._window.toasts.show(
                f"{text}. {lost[0].problem}{more}",
                severity=Severity.WARNING,
                action=("Show", lambda: self._window.panels.show("problems")),
            )
            return
        self._window.toasts.show(text, action=("Open folder", lambda: _open(folder)))


def _open(folder: Path) -> None:
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

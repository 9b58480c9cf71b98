"""The Results panel: what analyses found, one entry each, with its tables and where it comes from."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import (
    QFileDialog,
    QHBoxLayout,
    QLabel,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QSplitter,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.analysing import Result
from twinviewer.app.exporting import suggested_name
from twinviewer.model.panel import Table
from twinviewer.ui.data_table import DataTable
from twinviewer.ui.look import Look

_NO_TABLES = "This result has no tables: what it found is drawn in the view, or is a layer."
_LIST_PX = 250
_LEAST_HEIGHT_PX = 230
"""Tables of which one sees two rows are no use."""


def as_tsv(table: Table) -> str:
    """Return a table as text that spreadsheets take from the clipboard."""
    rows = [table.columns, *table.rows]
    return "".join("\t".join(_cell(value) for value in row) + "\n" for row in rows)


def as_csv(table: Table) -> bytes:
    """Return a table as CSV (RFC 4180), marked as UTF-8 for spreadsheets."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows([table.columns, *table.rows])
    return text.getvalue().encode("utf-8-sig")


def _cell(value: str | float) -> str:
    return " ".join(value.split()) if isinstance(value, str) else repr(float(value)).removesuffix(".0")


class ResultsPanel(QWidget):
    """Shows results; asks to close one, to show an object, and to save a table."""

    object_chosen = Signal(str)
    close_asked = Signal(str)
    """Id of the result."""
    save_asked = Signal(object, bytes)
    """(path, content)"""
    copied = Signal(str)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumHeight(_LEAST_HEIGHT_PX)
        self._results: tuple[Result, ...] = ()
        self.list = QListWidget()
        self.list.setAccessibleName("Results")
        self.list.setFrameShape(QListWidget.Shape.NoFrame)
        self.list.setMinimumWidth(140)
        self.list.setSpacing(3)
        self.list.currentRowChanged.connect(lambda _row: self._show_current())
        self.provenance = QLabel()
        self.provenance.setObjectName("hint")
        self.provenance.setWordWrap(True)
        self.provenance.setTextFormat(Qt.TextFormat.PlainText)
        self.provenance.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.tables = QTabWidget()
        self.tables.setDocumentMode(True)
        self.tables.setAccessibleName("Tables of the result")
        self.tables.currentChanged.connect(lambda _at: self._show_what_can_be_done())
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.copy = _button("Copy table", "Copy the table for a spreadsheet.", self._copy)
        self.save = _button("Save as CSV…", "Save the table as a file.", self._save)
        self.close_result = _button("Close result", "Forget the result; layers that it made stay.", self._close)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(8, 0, 8, 6)
        buttons.addWidget(self.provenance, 1)
        for button in (self.copy, self.save, self.close_result):
            buttons.addWidget(button, 0, Qt.AlignmentFlag.AlignBottom)
        side = QWidget()
        column = QVBoxLayout(side)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.tables, 1)
        column.addWidget(self.hint, 1)
        column.addLayout(buttons)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(side)
        splitter.setStretchFactor(1, 1)
        splitter.setSizes([_LIST_PX, 3 * _LIST_PX])
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        self._show_current()

    @property
    def current(self) -> Result | None:
        """The result that is shown."""
        row = self.list.currentRow()
        return self._results[row] if 0 <= row < len(self._results) else None

    @property
    def table(self) -> Table | None:
        """The table that is in front."""
        shown = self.tables.currentWidget()
        return shown.table if isinstance(shown, DataTable) else None

    def show_results(self, results: Sequence[Result]) -> None:
        """Show these, the newest first; a new one comes to the front, else the one that is shown stays."""
        ids = [result.id for result in self._results]
        if [result.id for result in results] == ids:
            self._results = tuple(results)
            return
        before = self.current
        self._results = tuple(results)
        with QSignalBlocker(self.list):
            self.list.clear()
            for result in results:
                item = QListWidgetItem(f"{result.title}\n{result.provenance.instant.astimezone():%H:%M:%S}")
                item.setToolTip("\n".join(f"{name}: {value}" for name, value in result.provenance.facts))
                self.list.addItem(item)
            is_new = bool(results) and results[0].id not in ids
            kept = next((at for at, each in enumerate(results) if before and each.id == before.id), 0)
            self.list.setCurrentRow(0 if is_new else kept)
        self._show_current()

    def _show_current(self) -> None:
        result = self.current
        self.tables.clear()
        for table in () if result is None else result.tables:
            shown = DataTable(fills=True)
            shown.show_table(table)
            shown.title.hide()
            shown.object_chosen.connect(self.object_chosen)
            self.tables.addTab(shown, table.title or "Table")
        self.tables.setVisible(self.tables.count() > 0)
        self.hint.setVisible(self.tables.count() == 0)
        self.hint.setText("No results.\nChoose an analysis in Tools › Analyses." if result is None else _NO_TABLES)
        self.provenance.setText("" if result is None else _about(result))
        self.list.setVisible(bool(self._results))
        self._show_what_can_be_done()

    def _show_what_can_be_done(self) -> None:
        self.copy.setVisible(self.table is not None)
        self.save.setVisible(self.table is not None)
        self.close_result.setVisible(self.current is not None)

    def _copy(self) -> None:
        if self.table is not None:
            QGuiApplication.clipboard().setText(as_tsv(self.table))
            self.copied.emit(f"the table, {len(self.table.rows):,} rows")

    def _save(self) -> None:
        table = self.table
        if table is None:
            return
        start = suggested_name(table.title or "table", ".csv")
        name, _ = QFileDialog.getSaveFileName(self, "Save table", start, "CSV tables (*.csv)")
        if name:
            path = Path(name)
            self.save_asked.emit(path if path.suffix else path.with_suffix(".csv"), as_csv(table))

    def _close(self) -> None:
        if self.current is not None:
            self.close_asked.emit(self.current.id)


def _about(result: Result) -> str:
    """Return where a result comes from, and what of it is elsewhere."""
    lines = [" · ".join(f"{name}: {value}" for name, value in result.provenance.facts)]
    if result.files:
        lines.append(f"Layers: {', '.join(str(path) for path in result.files)}")
    if result.unbound:
        lines.append(f"City objects: {result.unbound}.")
    return "\n".join(lines)


def _button(text: str, tooltip: str, do: Callable[[], None]) -> QPushButton:
    button = QPushButton(text)
    button.setToolTip(tooltip)
    button.clicked.connect(lambda _checked: do())
    return button

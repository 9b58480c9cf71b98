"""The inspector: what was picked, or the facts of the selected layer."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QLocale, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QScrollArea,
    QSizePolicy,
    QStackedWidget,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from twinviewer.model.diagnostics import Severity
from twinviewer.ui.facts import Attribute, LayerFacts, ObjectFacts, Value, matching
from twinviewer.ui.look import Look

MOST_DIAGNOSTICS = 20
"""Shown in the inspector; the Problems panel lists all."""


def value_text(value: Value) -> str:
    """Return a value as people of this locale write it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    locale = QLocale()
    if isinstance(value, int):
        return str(value) if 1000 <= value <= 9999 else locale.toString(value)  # a year is not "1,987"
    if isinstance(value, float):
        return locale.toString(value, "g", 10)
    return value


class AttributeTable(QTableWidget):
    """Names, values and units; Ctrl+C copies the selected rows."""

    def __init__(self, name: str) -> None:
        super().__init__(0, 3)
        self.setAccessibleName(name)
        self.setHorizontalHeaderLabels(["Name", "Value", "Unit"])
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header = self.horizontalHeader()
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)

    def show_rows(self, rows: Sequence[Attribute]) -> None:
        self.setRowCount(len(rows))
        for number, row in enumerate(rows):
            for column, text in enumerate((row.name, value_text(row.value), row.unit)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.setItem(number, column, item)
        self.resizeColumnToContents(0)
        self.setColumnWidth(0, min(self.columnWidth(0) + 8, max(90, int(self.viewport().width() * 0.5))))
        self.setColumnHidden(2, not any(row.unit for row in rows))

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted({index.row() for index in self.selectedIndexes()})
            texts = ("\t".join(self._texts(row)) for row in rows)
            QGuiApplication.clipboard().setText("\n".join(texts))
            return
        super().keyPressEvent(event)

    def _texts(self, row: int) -> list[str]:
        items = (self.item(row, column) for column in range(self.columnCount()))
        return [item.text() for item in items if item is not None and item.text()]


class Inspector(QWidget):
    """Shows facts; asks for copying an id, going to a parent and zooming."""

    copied = Signal(str)
    """What was put on the clipboard."""
    parent_asked = Signal(str)
    """Id of a parent that is to be shown."""
    zoom_asked = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._facts: ObjectFacts | None = None
        self._pages = QStackedWidget()
        empty = QLabel("Nothing selected.\nClick a building, a tree, a street or a sensor to see what it is.")
        empty.setObjectName("hint")
        empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        empty.setWordWrap(True)
        empty.setMargin(16)
        self._empty = empty
        self._object_page = self._make_object_page()
        self._layer_page = self._make_layer_page()
        for page in (self._empty, self._object_page, self._layer_page):
            self._pages.addWidget(page)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._pages)
        self.show_nothing()

    def _make_object_page(self) -> QWidget:
        self.title = _wrapping("heading")
        self.subtitle = _wrapping("muted")
        self.identifier = QLineEdit()
        self.identifier.setReadOnly(True)
        self.identifier.setAccessibleName("Object id")
        self.copy = self._look.button("copy", "Copy id", tooltip="Copy the object's id.")
        self.copy.clicked.connect(self.copy_id)
        self.zoom = self._look.button("focus", "Zoom to object", tooltip="Show the object in the middle of the view.")
        self.zoom.clicked.connect(self.zoom_asked)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.identifier, 1)
        row.addWidget(self.copy)
        row.addWidget(self.zoom)
        self.parents = _wrapping("")
        self.parents.setTextFormat(Qt.TextFormat.RichText)
        self.parents.setTextInteractionFlags(
            Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )
        self.parents.linkActivated.connect(self.parent_asked)
        self.filter = QLineEdit()
        self.filter.setPlaceholderText("Filter attributes")
        self.filter.setAccessibleName("Filter attributes")
        self.filter.setClearButtonEnabled(True)
        self.filter.textChanged.connect(self._show_attributes)
        self.table = AttributeTable("Attributes")
        self._no_match = QLabel()
        self._no_match.setObjectName("hint")
        self._no_match.setWordWrap(True)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(10, 10, 10, 6)
        layout.setSpacing(6)
        layout.addWidget(self.title)
        layout.addWidget(self.subtitle)
        layout.addLayout(row)
        layout.addWidget(self.parents)
        layout.addWidget(self.filter)
        layout.addWidget(self._no_match)
        layout.addWidget(self.table, 1)
        return page

    def _make_layer_page(self) -> QWidget:
        self.layer_title = _wrapping("heading")
        self.layer_table = AttributeTable("Facts of the layer")
        self.layer_state = _wrapping("hint")
        self.layer_problems = _wrapping("")
        self.layer_problems.setTextFormat(Qt.TextFormat.PlainText)
        self._problem_area = QScrollArea()
        self._problem_area.setWidgetResizable(True)
        self._problem_area.setFrameShape(QFrame.Shape.NoFrame)
        self._problem_area.setWidget(self.layer_problems)
        self._problem_area.setMaximumHeight(180)
        self._problem_area.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self._problem_area.setAccessibleName("What was found while reading")
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(10, 10, 10, 6)
        layout.setSpacing(6)
        layout.addWidget(self.layer_title)
        layout.addWidget(self.layer_state)
        layout.addWidget(self.layer_table, 1)
        layout.addWidget(self._problem_area)
        return page

    @property
    def facts(self) -> ObjectFacts | None:
        """What was picked, while that is what is shown."""
        return self._facts if self._pages.currentWidget() is self._object_page else None

    def show_nothing(self) -> None:
        self._facts = None
        self._pages.setCurrentWidget(self._empty)

    def show_object(self, facts: ObjectFacts) -> None:
        self._facts = facts
        self.title.setText(facts.title)
        parts = [facts.type] if facts.type != facts.title else []
        if facts.surface:
            parts.append(facts.surface)
        parts.append(f"in {facts.layer_title}")
        self.subtitle.setText(" · ".join(parts))
        for widget in (self.identifier, self.copy):
            widget.setVisible(bool(facts.id))
        self.identifier.setText(facts.id)
        self.identifier.setCursorPosition(0)
        self.parents.setVisible(bool(facts.parents))
        self.parents.setText(_chain(facts.parents, self._look.theme.link))
        self.filter.setVisible(len(facts.attributes) > 0)
        self._show_attributes(self.filter.text())
        self._pages.setCurrentWidget(self._object_page)

    def show_layer(self, facts: LayerFacts) -> None:
        self._facts = None
        self.layer_title.setText(facts.title)
        self.layer_state.setVisible(facts.missing)
        self.layer_state.setText("The data of this layer is not here: it is being read, or could not be.")
        self.layer_table.show_rows(facts.rows)
        self._problem_area.setVisible(bool(facts.diagnostics))
        worst_first = sorted(facts.diagnostics, key=lambda d: -list(Severity).index(d.severity))
        lines = [
            f"• {d.problem}" + (f" ({d.where})" if d.where else "") + (f" ×{d.count}" if d.count > 1 else "")
            for d in worst_first[:MOST_DIAGNOSTICS]
        ]
        if len(worst_first) > MOST_DIAGNOSTICS:
            lines.append(f"… and {len(worst_first) - MOST_DIAGNOSTICS} more in Problems.")
        self.layer_problems.setText("\n".join(lines))
        self._pages.setCurrentWidget(self._layer_page)

    def copy_id(self) -> None:
        """Put the id on the clipboard."""
        if self._facts is not None and self._facts.id:
            QGuiApplication.clipboard().setText(self._facts.id)
            self.copied.emit(self._facts.id)

    def _show_attributes(self, words: str) -> None:
        if self._facts is None:
            return
        rows = matching(self._facts.attributes, words)
        self.table.show_rows(rows)
        self.table.setVisible(bool(rows))
        self._no_match.setVisible(not rows)
        self._no_match.setText(
            "No attribute matches the filter." if self._facts.attributes else "The source gives no attributes."
        )
        layout = self._object_page.layout()
        if layout is not None:
            layout.setAlignment(Qt.AlignmentFlag(0) if rows else Qt.AlignmentFlag.AlignTop)


def _wrapping(name: str) -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setWordWrap(True)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    label.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
    return label


def _chain(parents: Sequence[tuple[str, str]], link_colour: str) -> str:
    links = (
        f'<a href="{_escaped(identifier)}" style="color: {link_colour}">{_escaped(type_name)}</a>'
        for identifier, type_name in parents
    )
    return "Part of " + " in ".join(links) if parents else ""


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")

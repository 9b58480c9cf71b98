"""The inspector: what was picked, or the facts of the selected layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QLocale, QModelIndex, QPersistentModelIndex, QRect, QSize, Qt, Signal
from PySide6.QtGui import QFont, QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QLineEdit,
    QSizePolicy,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableWidget,
    QTableWidgetItem,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.object_facts import Attribute, Value
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.ui.facts import LayerFacts, ObjectFacts, matching
from twinviewer.ui.found_objects import offer_objects, set_objects
from twinviewer.ui.look import Look

NAME_PX, NAME_PAD_PX = 90, 16
MOST_MEASURED = 100
"""Characters of a name."""
_TREE_LINK = "tree:"
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
    """Names, values and units, in groups with headings; Ctrl+C copies the selected rows."""

    def __init__(self, name: str) -> None:
        super().__init__(0, 3)
        self._needed_px = NAME_PX
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
        self.clearSpans()
        self.setRowCount(0)
        group = ""
        for row in rows:
            if row.group != group:
                group = row.group
                self._add_heading(group)
            number = self.rowCount()
            self.insertRow(number)
            for column, text in enumerate((row.name, value_text(row.value), row.unit)):
                item = QTableWidgetItem(text)
                item.setToolTip(text)
                self.setItem(number, column, item)
        self.setColumnHidden(2, not any(row.unit for row in rows))
        names = [self.fontMetrics().horizontalAdvance(row.name[:MOST_MEASURED]) for row in rows]
        self._needed_px = max(names, default=0) + NAME_PAD_PX
        self._share_width()

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        """Give names what they need, but leave half of the table to values."""
        self.setColumnWidth(0, min(self._needed_px, max(NAME_PX, self.viewport().width() // 2)))

    def _add_heading(self, text: str) -> None:
        number = self.rowCount()
        self.insertRow(number)
        heading = QTableWidgetItem(text)
        font = self.font()
        font.setWeight(QFont.Weight.DemiBold)
        heading.setFont(font)
        heading.setToolTip(text)
        self.setItem(number, 0, heading)
        self.setSpan(number, 0, 1, self.columnCount())

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


class _Wrapped(QStyledItemDelegate):
    """Makes rows as high as their wrapped text needs: a tree asks without saying how wide they are."""

    def __init__(self, tree: QTreeWidget) -> None:
        super().__init__(tree)
        self._tree = tree

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        levels = (2 if index.parent().isValid() else 1) if self._tree.rootIsDecorated() else 0
        within = QStyleOptionViewItem(option)
        within.rect = QRect(0, 0, self._tree.viewport().width() - levels * self._tree.indentation(), 1)
        return super().sizeHint(within, index)


class _Findings(QTreeWidget):
    """Sentences that are wrapped, and objects below them."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("What was found while reading")
        self.setHeaderHidden(True)
        self.setWordWrap(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setIndentation(14)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Wrapped(self))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self.scheduleDelayedItemsLayout()  # heights follow from the width


class Inspector(QWidget):
    """Shows facts; asks for other objects, for zooming and for the source."""

    copied = Signal(str)
    """What was put on the clipboard."""
    object_asked = Signal(str)
    """Id of another object of the same layer that is to be shown."""
    tree_asked = Signal()
    """The object is to be shown among the others."""
    source_asked = Signal()
    zoom_asked = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._facts: ObjectFacts | None = None
        self._diagnostics: tuple[Diagnostic, ...] = ()
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
        self.tree = self._look.button("list-tree", "Show in the object tree", tooltip="Show it among the others.")
        self.tree.clicked.connect(self.tree_asked)
        self.source = self._look.button("code", "Show source", tooltip="Show what the file says of the object.")
        self.source.clicked.connect(self.source_asked)
        row = QHBoxLayout()
        row.setSpacing(2)
        row.addWidget(self.identifier, 1)
        for button in (self.copy, self.zoom, self.tree, self.source):
            row.addWidget(button)
        self.parents, self.parts = _linking(self._follow_link), _linking(self._follow_link)
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
        layout.addWidget(self.parts)
        layout.addWidget(self.filter)
        layout.addWidget(self._no_match)
        layout.addWidget(self.table, 1)
        return page

    def _make_layer_page(self) -> QWidget:
        self.layer_title = _wrapping("heading")
        self.layer_table = AttributeTable("Facts of the layer")
        self.layer_state = _wrapping("hint")
        self.findings = _Findings()
        offer_objects(self.findings, lambda object_id, _finding: self.object_asked.emit(object_id))
        self.copy_findings = self._look.button("copy", "Copy what was found", tooltip="Copy the list with all ids.")
        self.copy_findings.clicked.connect(self._copy_findings)
        self._findings_title = _wrapping("subheading")
        top = QHBoxLayout()
        top.addWidget(self._findings_title, 1)
        top.addWidget(self.copy_findings)
        self._found = QWidget()
        found_layout = QVBoxLayout(self._found)
        found_layout.setContentsMargins(0, 4, 0, 0)
        found_layout.setSpacing(2)
        found_layout.addLayout(top)
        found_layout.addWidget(self.findings, 1)
        page = QWidget()
        layout = QVBoxLayout(page)
        layout.setContentsMargins(10, 10, 10, 6)
        layout.setSpacing(6)
        layout.addWidget(self.layer_title)
        layout.addWidget(self.layer_state)
        layout.addWidget(self.layer_table, 3)
        layout.addWidget(self._found, 2)
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
        is_city_object = bool(facts.parents or facts.parts or facts.has_source)
        self.tree.setVisible(is_city_object)
        self.source.setVisible(facts.has_source)
        link = self._look.theme.link
        self.parents.setVisible(bool(facts.parents))
        self.parents.setText(f"Part of {_links(facts.parents, ' in ', link)}")
        self.parts.setVisible(bool(facts.parts))
        rest = facts.part_count - len(facts.parts)
        more = f", and {_links([(_TREE_LINK, f'{rest} more')], '', link)}" if rest > 0 else ""
        self.parts.setText(f"Parts: {_links(facts.parts, ', ', link)}{more}")
        self.filter.setVisible(bool(facts.attributes or facts.more))
        self._show_attributes(self.filter.text())
        self._pages.setCurrentWidget(self._object_page)

    def show_layer(self, facts: LayerFacts) -> None:
        self._facts = None
        self.layer_title.setText(facts.title)
        self.layer_state.setVisible(facts.missing)
        self.layer_state.setText("The data of this layer is not here: it is being read, or could not be.")
        self.layer_table.show_rows(facts.rows)
        self._found.setVisible(bool(facts.diagnostics))
        self._show_findings(facts.diagnostics)
        self._pages.setCurrentWidget(self._layer_page)

    def _show_findings(self, diagnostics: Sequence[Diagnostic]) -> None:
        self._diagnostics = tuple(sorted(diagnostics, key=lambda each: -list(Severity).index(each.severity)))
        self._findings_title.setText("Found while reading")
        self.findings.clear()
        for each in self._diagnostics[:MOST_DIAGNOSTICS]:
            item = QTreeWidgetItem([_finding_text(each)])
            item.setToolTip(0, _finding_text(each))
            set_objects(item, each.objects)
            self.findings.addTopLevelItem(item)
        if len(self._diagnostics) > MOST_DIAGNOSTICS:
            more = len(self._diagnostics) - MOST_DIAGNOSTICS
            self.findings.addTopLevelItem(QTreeWidgetItem([f"… and {more} more in Problems."]))
        self.findings.setRootIsDecorated(any(each.objects for each in self._diagnostics))

    def _copy_findings(self) -> None:
        lines = [line for each in self._diagnostics for line in (_finding_text(each), *each.objects)]
        QGuiApplication.clipboard().setText("\n".join(lines))
        self.copied.emit("what was found")

    def _follow_link(self, target: str) -> None:
        if target == _TREE_LINK:
            self.tree_asked.emit()
        else:
            self.object_asked.emit(target)

    def copy_id(self) -> None:
        """Put the id on the clipboard."""
        if self._facts is not None and self._facts.id:
            QGuiApplication.clipboard().setText(self._facts.id)
            self.copied.emit(self._facts.id)

    def _show_attributes(self, words: str) -> None:
        if self._facts is None:
            return
        rows = matching((*self._facts.attributes, *self._facts.more), words)
        self.table.show_rows(rows)
        self.table.setVisible(bool(rows))
        self._no_match.setVisible(not rows)
        self._no_match.setText(
            "No attribute matches the filter."
            if self._facts.attributes or self._facts.more
            else "The source gives no attributes."
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


def _linking(follow: Callable[[str], None]) -> QLabel:
    label = _wrapping("")
    label.setTextFormat(Qt.TextFormat.RichText)
    label.setTextInteractionFlags(
        Qt.TextInteractionFlag.LinksAccessibleByMouse | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
    )
    label.linkActivated.connect(follow)
    return label


def _links(targets: Sequence[tuple[str, str]], between: str, colour: str) -> str:
    return between.join(
        f'<a href="{_escaped(target)}" style="color: {colour}">{_escaped(text)}</a>' for target, text in targets
    )


def _finding_text(found: Diagnostic) -> str:
    where = f" ({found.where})" if found.where and found.where not in found.objects else ""
    times = f" ×{found.count}" if found.count > 1 else ""
    return f"{found.problem}{where}{times}"


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace('"', "&quot;")

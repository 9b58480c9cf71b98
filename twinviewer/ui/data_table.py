"""A table of texts and numbers: sortable, copied with Ctrl+C, and its rows may stand for city objects."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractTableModel,
    QItemSelectionModel,
    QLocale,
    QModelIndex,
    QPersistentModelIndex,
    QSignalBlocker,
    QSortFilterProxyModel,
    Qt,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QLabel, QTableView, QVBoxLayout, QWidget

from twinviewer.model.panel import Table

Index = QModelIndex | QPersistentModelIndex
SORT_ROLE = int(Qt.ItemDataRole.UserRole)
MOST_ROWS_SEEN = 10
"""Of a table among other things; the rest is scrolled to."""
ROWS_MEASURED = 100
"""Widths and decimals of columns follow from so many rows."""
MOST_DECIMALS = 6
WIDEST_PX = 260
ROW_PX = 480
"""A row is no wider than that unless it must be."""
CHARACTERS_MEASURED = 100
CELL_PAD_PX = 8
_NOTHING = QModelIndex()
_MISSING = "–"


def cell_text(value: str | float, *, decimals: int | None = None) -> str:
    """Return a cell as people of this locale write it; a number that is missing is a dash.

    Args:
        value: The cell.
        decimals: Of its column; None: as many as it needs, four significant figures at most.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, float) and not math.isfinite(value):
        return _MISSING if math.isnan(value) else ("∞" if value > 0 else "−∞")
    digits = decimals_of(value) if decimals is None else decimals
    if digits == 0 and abs(value) < 1e15:
        number = round(value)
        return str(number) if 1000 <= abs(number) <= 9999 else QLocale().toString(number)  # a year is not "1,987"
    if abs(value) >= 1e6 or 0 < abs(value) < 10**-MOST_DECIMALS:
        return QLocale().toString(float(value), "g", 5)
    return QLocale().toString(float(value), "f", digits)


def decimals_of(value: str | float) -> int:
    """Return how many decimals a number needs for four significant figures; 0 for texts and what is missing."""
    if isinstance(value, str | int) or not math.isfinite(value) or value == 0 or abs(value) >= 1e6:
        return 0
    most = max(0, min(MOST_DECIMALS, 3 - math.floor(math.log10(abs(value)))))
    return len(f"{value:.{most}f}".partition(".")[2].rstrip("0"))


class _Model(QAbstractTableModel):
    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.table = Table(title="", columns=(), rows=())
        self._decimals: list[int] = []
        self._numeric: list[bool] = []

    def show(self, table: Table) -> None:
        self.beginResetModel()
        self.table = table
        measured = table.rows[:ROWS_MEASURED]
        columns = range(len(table.columns))
        self._decimals = [max((decimals_of(row[column]) for row in measured), default=0) for column in columns]
        self._numeric = [any(not isinstance(row[column], str) for row in measured) for column in columns]
        self.endResetModel()

    def rowCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self.table.rows)

    def columnCount(self, parent: Index = _NOTHING) -> int:  # noqa: N802
        return 0 if parent.isValid() else len(self.table.columns)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return self.table.columns[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and orientation == Qt.Orientation.Horizontal:
            side = Qt.AlignmentFlag.AlignRight if self._numeric[section] else Qt.AlignmentFlag.AlignLeft
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        value = self.table.rows[index.row()][index.column()]
        if role in (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole):
            return cell_text(value, decimals=self._decimals[index.column()])
        if role == Qt.ItemDataRole.TextAlignmentRole:
            side = Qt.AlignmentFlag.AlignLeft if isinstance(value, str) else Qt.AlignmentFlag.AlignRight
            return int(side | Qt.AlignmentFlag.AlignVCenter)
        if role == SORT_ROLE:
            return value
        return None


class _Sorted(QSortFilterProxyModel):
    """Numbers by size, texts by the alphabet, what is missing at the end."""

    def lessThan(self, left: Index, right: Index) -> bool:  # noqa: N802
        return _order(left.data(SORT_ROLE)) < _order(right.data(SORT_ROLE))


def _order(value: str | float) -> tuple[int, float, str]:
    if isinstance(value, str):
        return (1, 0.0, value.casefold())
    return (2, 0.0, "") if math.isnan(value) else (0, float(value), "")


class DataTable(QWidget):
    """Shows one :class:`Table` with its title."""

    object_chosen = Signal(str)
    """Id of the city object of the row that the person chose."""

    def __init__(self, parent: QWidget | None = None, *, fills: bool = False) -> None:
        """Begin empty; a table that ``fills`` is as high as there is room, others as their rows."""
        super().__init__(parent)
        self.table = Table(title="", columns=(), rows=())
        self.title = QLabel()
        self.title.setObjectName("subheading")
        self.title.setWordWrap(True)
        self.title.setTextFormat(Qt.TextFormat.PlainText)
        self._model = _Model(self)
        self._sorted = _Sorted(self)
        self._sorted.setSourceModel(self._model)
        self.view = _View(fills=fills)
        self.view.setModel(self._sorted)
        self.view.selectionModel().currentRowChanged.connect(self._choose)
        self.view.clicked.connect(self._choose)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(self.title)
        layout.addWidget(self.view)

    def show_table(self, table: Table) -> None:
        """Show another table; where it has the same columns, order, widths, row and place stay."""
        if table is self.table:
            return
        keeps = table.columns == self.table.columns
        chosen = self._object_at(self.view.currentIndex())
        place = self.view.verticalScrollBar().value()
        header = self.view.horizontalHeader()
        column, order = header.sortIndicatorSection(), header.sortIndicatorOrder()
        self.table = table
        with QSignalBlocker(self.view.selectionModel()):
            self._model.show(table)
            self._sorted.sort(column if keeps else -1, order)
            if not keeps:
                header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
            self._choose_again(chosen)
        self.title.setText(table.title)
        self.title.setVisible(bool(table.title))
        self.view.setAccessibleName(table.title or "Table")
        if not keeps:
            self.view.measure()
        self.view.verticalScrollBar().setValue(place if keeps else 0)
        self.view.fit(MOST_ROWS_SEEN)

    def shown_rows(self) -> list[list[str]]:
        """Return what stands in the table, from the top."""
        columns = range(self._sorted.columnCount())
        return [
            [self._sorted.index(row, column).data() for column in columns] for row in range(self._sorted.rowCount())
        ]

    def _choose(self, index: Index, *_: object) -> None:
        identifier = self._object_at(index)
        if identifier:
            self.object_chosen.emit(identifier)

    def _object_at(self, index: Index) -> str:
        row = self._sorted.mapToSource(index).row()
        return self.table.object_ids[row] if 0 <= row < len(self.table.object_ids) else ""

    def _choose_again(self, identifier: str) -> None:
        ids: Sequence[str] = self.table.object_ids
        if identifier and identifier in ids:
            index = self._sorted.mapFromSource(self._model.index(list(ids).index(identifier), 0))
            flags = QItemSelectionModel.SelectionFlag
            self.view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)


class _View(QTableView):
    def __init__(self, *, fills: bool) -> None:
        super().__init__()
        self._fills = fills
        self._needed_px: list[int] = []
        """Width of what stands in each column."""
        self._most_rows = MOST_ROWS_SEEN
        self._fitting = self._resized_by_hand = False
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setTabKeyNavigation(False)
        self.setAlternatingRowColors(True)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSortingEnabled(True)
        self.verticalHeader().setVisible(False)
        self.verticalHeader().setDefaultSectionSize(self.fontMetrics().height() + 10)
        header = self.horizontalHeader()
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        header.setSortIndicatorClearable(True)
        header.sectionResized.connect(self._follow_hand)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)

    def measure(self) -> None:
        """Look how wide the columns must be."""
        header = self.horizontalHeader()
        model, metrics = self.model(), self.fontMetrics()
        rows = range(min(model.rowCount(), ROWS_MEASURED))
        self._needed_px = []
        for column in range(header.count()):
            longest = max((str(model.index(row, column).data()) for row in rows), key=len, default="")
            wide = metrics.horizontalAdvance(longest[:CHARACTERS_MEASURED])
            self._needed_px.append(min(max(wide + CELL_PAD_PX, header.sectionSizeHint(column)) + 10, WIDEST_PX))
        self._resized_by_hand = False

    def fit(self, most_rows: int) -> None:
        """Be as high as the rows that are there, at most so many, and share out the width."""
        self._most_rows = most_rows
        rows = min(self.model().rowCount(), most_rows)
        inside = self.horizontalHeader().sizeHint().height() + rows * self.verticalHeader().defaultSectionSize()
        free = self._share_width()
        if self._fills:
            return
        self.setFixedHeight(inside + (0 if free else self.horizontalScrollBar().sizeHint().height()))

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        if self._fills or event.size().width() != event.oldSize().width():
            self.fit(self._most_rows)

    def _share_width(self) -> bool:
        """Give each column what it needs, and the first some of what is left; return whether all have room."""
        rows = self.model().rowCount()
        inside = self.height() - self.horizontalHeader().sizeHint().height()
        room = inside // self.verticalHeader().defaultSectionSize() if self._fills else self._most_rows
        is_scrolled = rows > room
        bar = self.verticalScrollBar().sizeHint().width() if is_scrolled else 0
        left = self.width() - bar - sum(self._needed_px)
        if not self._resized_by_hand and self._needed_px:
            self._fitting = True
            # No wider than the eye follows a row: in a wide panel the values stay beside what they are about.
            spare = min(max(0, left), max(0, ROW_PX - sum(self._needed_px)))
            for column, width in enumerate(self._needed_px):
                self.setColumnWidth(column, width + (spare if column == 0 else 0))
            self._fitting = False
        return left >= 0

    def _follow_hand(self) -> None:
        self._resized_by_hand = self._resized_by_hand or not self._fitting

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.matches(QKeySequence.StandardKey.Copy):
            rows = sorted({index.row() for index in self.selectedIndexes()})
            columns = range(self.model().columnCount())
            texts = ("\t".join(self.model().index(row, column).data() for column in columns) for row in rows)
            QGuiApplication.clipboard().setText("\n".join(texts))
            return
        super().keyPressEvent(event)

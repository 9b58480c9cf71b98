"""The palette: one field, and under it what fits; Enter does it.

It is used twice: for commands alone (Ctrl+Shift+P), and for places, objects, layers and commands (Ctrl+K).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QFrame,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QVBoxLayout,
    QWidget,
)

from twinviewer.ui.look import Look
from twinviewer.ui.search import COMMAND, Entry

_ENTRY = int(Qt.ItemDataRole.UserRole)
ROW_HEIGHT_PX = 34


class _RowDelegate(QStyledItemDelegate):
    """Title on the left; path, kind and keys on the right."""

    def __init__(self, look: Look, parent: QObject) -> None:
        super().__init__(parent)
        self._look = look

    def sizeHint(self, option: QStyleOptionViewItem, index: object) -> QSize:  # noqa: N802
        return QSize(100, max(ROW_HEIGHT_PX, option.fontMetrics.height() + 14))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: object) -> None:
        row = QStyleOptionViewItem(option)
        self.initStyleOption(row, index)  # type: ignore[arg-type]
        entry: Entry = index.data(_ENTRY)  # type: ignore[attr-defined]
        theme = self._look.theme
        selected = bool(row.state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.fillRect(row.rect, theme.accent)
        front = theme.on_accent if selected else theme.text if entry.enabled else theme.disabled
        muted = theme.on_accent if selected else theme.muted
        box = row.rect.adjusted(12, 0, -12, 0)
        icon_box = box.adjusted(0, 0, 0, 0)
        icon_box.setWidth(18)
        if entry.icon:
            self._look.icon(entry.icon, colour=front).paint(painter, icon_box)
        box.setLeft(box.left() + 28)
        right = entry.keys or ("" if entry.kind == COMMAND else entry.kind)
        metrics = row.fontMetrics
        painter.setPen(muted)
        painter.drawText(box, int(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter), right)
        box.setRight(box.right() - metrics.horizontalAdvance(right) - 16)
        painter.setPen(front)
        title = metrics.elidedText(entry.title, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), title)
        box.setLeft(box.left() + metrics.horizontalAdvance(title) + 12)
        if entry.detail and box.width() > 40:
            painter.setPen(muted)
            detail = metrics.elidedText(entry.detail, Qt.TextElideMode.ElideMiddle, box.width())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter), detail)


class CommandPalette(QFrame):
    """Lies over the window; Esc, a click elsewhere or losing the focus close it."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("palette")
        self.setAutoFillBackground(True)
        self._find: Callable[[str], Sequence[Entry]] = lambda _query: ()
        self._back: QWidget | None = None
        self.field = QLineEdit()
        self.field.setClearButtonEnabled(True)
        self.field.setMinimumHeight(34)
        self.field.textChanged.connect(self._show_found)
        self.field.installEventFilter(self)
        self.list = QListWidget()
        self.list.setAccessibleName("What was found")
        self.list.setItemDelegate(_RowDelegate(look, self.list))
        self.list.setFrameShape(QFrame.Shape.NoFrame)
        self.list.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.itemClicked.connect(lambda _item: self._run_current())
        self._nothing = QLabel("Nothing fits.")
        self._nothing.setObjectName("hint")
        self._nothing.setMargin(10)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.setSpacing(6)
        layout.addWidget(self.field)
        layout.addWidget(self.list)
        layout.addWidget(self._nothing)
        self.hide()

    def ask(self, title: str, find: Callable[[str], Sequence[Entry]]) -> None:
        """Open over the window; ``find`` answers each query with what fits, the best first."""
        above = self.parentWidget()
        assert above is not None
        self._find = find
        self._back = above.focusWidget()
        self.field.setPlaceholderText(title)
        self.field.setAccessibleName(title)
        self.field.clear()
        self._show_found("")
        self.show()
        self.raise_()
        self.field.setFocus()

    def close_and_return(self) -> None:
        """Close and give the focus back to where it was."""
        self.hide()
        if self._back is not None and self._back.isVisible():
            self._back.setFocus()

    def entries(self) -> list[Entry]:
        """Return what is listed now."""
        return [self.list.item(row).data(_ENTRY) for row in range(self.list.count())]

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if watched is self.field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            return self._key(event.key())
        if watched is self.field and event.type() == QEvent.Type.FocusOut and self.isVisible():
            self.hide()
        return super().eventFilter(watched, event)

    def _key(self, key: int) -> bool:
        steps = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1, Qt.Key.Key_PageDown: 8, Qt.Key.Key_PageUp: -8}
        if key in steps and self.list.count():
            row = min(max(self.list.currentRow() + steps[Qt.Key(key)], 0), self.list.count() - 1)
            self.list.setCurrentRow(row)
            return True
        if key in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self._run_current()
            return True
        if key == Qt.Key.Key_Escape:
            self.close_and_return()
            return True
        return False

    def _show_found(self, query: str) -> None:
        self.list.clear()
        for entry in self._find(query):
            item = QListWidgetItem(entry.title)
            item.setData(_ENTRY, entry)
            item.setToolTip(entry.detail)
            self.list.addItem(item)
        found = self.list.count()
        self._nothing.setVisible(not found)
        self.list.setVisible(bool(found))
        if found:
            self.list.setCurrentRow(0)
        self._place()

    def _place(self) -> None:
        above = self.parentWidget()
        if above is None:
            return
        width = min(680, above.width() - 40)
        row = max(ROW_HEIGHT_PX, self.fontMetrics().height() + 14)
        room = max(160, above.height() - 160)
        height = 58 + (min(self.list.count(), 12) * row if self.list.count() else 40)
        self.list.setMaximumHeight(16_777_215)
        self.setGeometry((above.width() - width) // 2, 64, width, min(height, room))

    def _run_current(self) -> None:
        if self.list.currentRow() < 0:
            return
        entry: Entry = self.list.currentItem().data(_ENTRY)
        self.close_and_return()
        if entry.enabled:
            entry.run()

"""The list of plugins: a row each, with its name, its version and, as a chip, its state."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen
from PySide6.QtWidgets import (
    QAbstractItemView,
    QListWidget,
    QListWidgetItem,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
)

from twinviewer.app.plugins.finding import PluginOrigin
from twinviewer.app.plugins.health import PluginHealth, PluginState
from twinviewer.ui.look import Look
from twinviewer.ui.themes import Theme

ROLE = Qt.ItemDataRole.UserRole
MARGIN_PX = 10
GAP_PX = 8
ORIGINS = {
    PluginOrigin.BUILT_IN: "built in",
    PluginOrigin.BUNDLED: "ships with the program",
    PluginOrigin.USER: "installed by you",
    PluginOrigin.INSTALLED: "installed with Python",
    PluginOrigin.NAMED: "from its author's folder",
}


def state_colour(state: PluginState, theme: Theme) -> str:
    """Return the colour that a state is written in."""
    match state:
        case PluginState.RUNNING:
            return theme.good
        case PluginState.FAILED:
            return theme.error
        case PluginState.NEEDS_CONSENT | PluginState.NEEDS_SETTINGS:
            return theme.warning
        case PluginState.PREPARING:
            return theme.info
        case _:
            return theme.muted


class PluginList(QListWidget):
    """Shows how plugins fare; tells which one is chosen."""

    chosen = Signal(str)
    """Plugin id; empty: none."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.setAccessibleName("Plugins")
        self.setFrameShape(QListWidget.Shape.NoFrame)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setItemDelegate(_Row(look, self))
        self.currentItemChanged.connect(lambda *_: self.chosen.emit(self.current_id))
        look.changed.connect(self.viewport().update)

    @property
    def current_id(self) -> str:
        """The chosen plugin; empty: none."""
        item = self.currentItem()
        plugin: PluginHealth | None = None if item is None else item.data(ROLE)
        return "" if plugin is None else plugin.id

    def show_plugins(self, plugins: Sequence[PluginHealth]) -> None:
        """Bring the rows in line with ``plugins``; the chosen one stays chosen while it is there."""
        ids = [each.id for each in plugins]
        if [self.item(row).data(ROLE).id for row in range(self.count())] != ids:
            current = self.current_id
            with QSignalBlocker(self):
                self.clear()
                for _ in plugins:
                    self.addItem(QListWidgetItem())
                self.setCurrentRow(ids.index(current) if current in ids else -1)
        for row, plugin in enumerate(plugins):
            item = self.item(row)
            if item.data(ROLE) != plugin:
                item.setData(ROLE, plugin)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{plugin.name}, {plugin.state.value}")
                item.setToolTip(plugin.state.value)

    def choose(self, plugin_id: str) -> None:
        """Choose a plugin, if it is there."""
        for row in range(self.count()):
            if self.item(row).data(ROLE).id == plugin_id:
                self.setCurrentRow(row)
                self.scrollToItem(self.item(row))


class _Row(QStyledItemDelegate):
    """Draws the name above version and origin, and the state at the right end."""

    def __init__(self, look: Look, parent: PluginList) -> None:
        super().__init__(parent)
        self._look = look

    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:  # noqa: N802
        height = QFontMetrics(option.font).height()
        return QSize(200, 2 * height + 16)

    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        plugin: PluginHealth = index.data(ROLE)
        theme = self._look.theme
        is_chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        widget = option.widget
        option.text = ""
        widget.style().drawControl(QStyle.ControlElement.CE_ItemViewItem, option, painter, widget)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        inner = option.rect.adjusted(MARGIN_PX, 7, -MARGIN_PX, -7)
        strong, plain = QFont(option.font), QFont(option.font)
        strong.setWeight(QFont.Weight.DemiBold)
        metrics = QFontMetrics(plain)
        colour = theme.on_accent if is_chosen else state_colour(plugin.state, theme)
        width = metrics.horizontalAdvance(plugin.state.value) + 16
        chip = QRectF(
            inner.right() - width,
            inner.top() + (inner.height() - metrics.height() - 4) / 2,
            width,
            metrics.height() + 4,
        )
        painter.setPen(QPen(QColor(colour), 1))
        painter.drawRoundedRect(chip, chip.height() / 2, chip.height() / 2)
        painter.setFont(plain)
        painter.drawText(chip, Qt.AlignmentFlag.AlignCenter, plugin.state.value)
        room = int(chip.left()) - GAP_PX - inner.left()
        self._line(
            painter,
            QRect(inner.left(), inner.top(), room, inner.height() // 2),
            plugin.name,
            strong,
            theme.on_accent if is_chosen else theme.text,
        )
        below = QRect(inner.left(), inner.top() + inner.height() // 2, room, inner.height() - inner.height() // 2)
        self._line(
            painter,
            below,
            f"{plugin.version} · {ORIGINS[plugin.origin]}",
            plain,
            theme.on_accent if is_chosen else theme.muted,
        )
        painter.restore()

    @staticmethod
    def _line(painter: QPainter, box: QRect, text: str, font: QFont, colour: str) -> None:
        painter.setFont(font)
        painter.setPen(QColor(colour))
        shown = QFontMetrics(font).elidedText(text, Qt.TextElideMode.ElideRight, box.width())
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter, shown)

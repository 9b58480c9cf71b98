"""The layers panel: the tree, what can be done with the selected rows, and their opacity."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import QEvent, QItemSelection, QModelIndex, QPoint, QRect, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QAction, QContextMenuEvent, QKeyEvent, QPainter
from PySide6.QtWidgets import (
    QAbstractItemView,
    QApplication,
    QHBoxLayout,
    QLabel,
    QMenu,
    QSlider,
    QStackedLayout,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from twinviewer.model.project import LayerId
from twinviewer.ui.layer_tree import Node
from twinviewer.ui.layer_tree_model import NODE_ROLE, LayerTreeModel, note
from twinviewer.ui.look import Look

ROW_HEIGHT_PX = 28
_EYES = {
    Qt.CheckState.Checked: "eye",
    Qt.CheckState.Unchecked: "eye-off",
    Qt.CheckState.PartiallyChecked: "eye",
}


class RowDelegate(QStyledItemDelegate):
    """Draws an eye where Qt draws a check box, and at the end of the row its state."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self._look = look

    def sizeHint(self, option: QStyleOptionViewItem, index: Any) -> QSize:  # noqa: N802
        hint = super().sizeHint(option, index)
        return QSize(hint.width(), max(hint.height() + 6, ROW_HEIGHT_PX))

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Any) -> None:
        node: Node = index.data(NODE_ROLE)
        row = QStyleOptionViewItem(option)
        self.initStyleOption(row, index)
        style = row.widget.style() if row.widget else QApplication.style()
        theme = self._look.theme
        selected = bool(row.state & QStyle.StateFlag.State_Selected)
        icon_colour = theme.on_accent if selected else theme.icon
        words = note(node)
        badge = node.state.problems > 0 or bool(node.state.failed)
        end_width = row.fontMetrics.horizontalAdvance(words) + 10 if words else 0
        end_width += 24 if badge else 0
        checks = style.subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, row, row.widget)
        has_eye = bool(row.features & QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator)
        state = row.checkState
        panel = QStyleOptionViewItem(row)
        style.drawPrimitive(QStyle.PrimitiveElement.PE_PanelItemViewItem, panel, painter, row.widget)
        if has_eye:
            colour = icon_colour if selected or state != Qt.CheckState.Unchecked else theme.muted
            square = QRect(0, 0, 16, 16)
            square.moveCenter(checks.center())
            painter.setOpacity(0.55 if state == Qt.CheckState.PartiallyChecked else 1.0)
            self._look.icon(_EYES[state], colour=colour).paint(painter, square)
            painter.setOpacity(1.0)
        icon_rect = style.subElementRect(QStyle.SubElement.SE_ItemViewItemDecoration, row, row.widget)
        square = QRect(0, 0, 16, 16)
        square.moveCenter(icon_rect.center())
        row.icon.paint(painter, square, mode=row.icon.Mode.Selected if selected else row.icon.Mode.Normal)
        text_rect = style.subElementRect(QStyle.SubElement.SE_ItemViewItemText, row, row.widget)
        text_rect.setRight(row.rect.right() - end_width - 6)
        hidden = state == Qt.CheckState.Unchecked and has_eye
        colour = theme.on_accent if selected else theme.muted if hidden else theme.text
        painter.setPen(colour)
        painter.setFont(row.font)
        text = row.fontMetrics.elidedText(row.text, Qt.TextElideMode.ElideRight, text_rect.width() - 4)
        style.drawItemText(
            painter, text_rect.adjusted(3, 0, 0, 0), int(Qt.AlignmentFlag.AlignVCenter), row.palette, True, text
        )
        self._paint_end(painter, row.rect, node, words=words, badge=badge, selected=selected)
        if row.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(theme.on_accent if selected else theme.focus)
            painter.drawRect(row.rect.adjusted(0, 0, -1, -1))

    def _paint_end(
        self, painter: QPainter, rect: QRect, node: Node, *, words: str, badge: bool, selected: bool
    ) -> None:
        theme = self._look.theme
        right = rect.right() - 6
        failed = bool(node.state.failed) or (node.overlay is not None and node.overlay.failed)
        if badge:
            name = "circle-alert" if failed else "triangle-alert"
            colour = theme.on_accent if selected else theme.error if failed else theme.warning
            square = QRect(right - 16, rect.center().y() - 7, 16, 16)
            self._look.icon(name, colour=colour).paint(painter, square)
            right -= 22
        if words:
            notable = node.overlay is not None and (node.overlay.simulated or node.overlay.needs_person)
            colour = (
                theme.on_accent if selected else theme.error if failed else theme.warning if notable else theme.muted
            )
            painter.setPen(colour)
            box = QRect(rect.left(), rect.top(), right - rect.left(), rect.height())
            painter.drawText(box, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight), words)
        if node.pending is not None:
            done = QRect(rect.left() + 4, rect.bottom() - 2, int((rect.width() - 8) * node.pending.progress), 2)
            painter.fillRect(done, theme.on_accent if selected else theme.focus)


class LayerTree(QTreeView):
    """The tree itself: double click zooms, Delete removes, a right click offers the rest."""

    remove_asked = Signal()
    menu_asked = Signal(QPoint)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Delete:
            self.remove_asked.emit()
            return
        super().keyPressEvent(event)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        self.menu_asked.emit(event.globalPos())


class LayersPanel(QWidget):
    """Shows the document's layers and asks for changes; decides nothing."""

    opacity_asked = Signal(str, float)
    """(key of the row, 0 to 1) while the slider moves."""
    opacity_settled = Signal()
    zoom_asked = Signal()
    remove_asked = Signal()
    cancel_asked = Signal(int)
    """Number of the job that reads a pending row."""
    selection_changed = Signal()

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._menu_actions: list[QAction | None] = []
        self.model = LayerTreeModel(self)
        self.tree = self._make_tree()
        self._empty = QLabel("No layers yet.\nDrop files here, or use File › Open.")
        self._empty.setObjectName("hint")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self.opacity = QSlider(Qt.Orientation.Horizontal)
        self.opacity.setRange(0, 100)
        self.opacity.setAccessibleName("Opacity of the selected layer")
        self.opacity.setToolTip("Opacity of the selected layer.")
        self.opacity.valueChanged.connect(self._emit_opacity)
        self.opacity.sliderReleased.connect(self.opacity_settled)
        self._opacity_text = QLabel()
        self._opacity_text.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 4)
        self._opacity_text.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.cancel = look.button("circle-x", "Cancel reading", tooltip="Stop reading the selected file.")
        self.cancel.clicked.connect(self._emit_cancel)
        self.cancel.hide()
        self._lay_out()
        look.changed.connect(lambda: self.model.show_theme(look.theme))
        self._show_selection()

    def _make_tree(self) -> LayerTree:
        tree = LayerTree()
        tree.setModel(self.model)
        tree.setItemDelegate(RowDelegate(self._look, tree))
        tree.setHeaderHidden(True)
        tree.setAccessibleName("Layers")
        tree.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        tree.setDragDropMode(QAbstractItemView.DragDropMode.InternalMove)
        tree.setDefaultDropAction(Qt.DropAction.MoveAction)
        tree.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        tree.setExpandsOnDoubleClick(False)
        tree.setIndentation(16)
        tree.setUniformRowHeights(True)
        tree.setFrameShape(QTreeView.Shape.NoFrame)
        tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        tree.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        tree.doubleClicked.connect(lambda _index: self.zoom_asked.emit())
        tree.remove_asked.connect(self.remove_asked)
        tree.menu_asked.connect(self._show_menu)
        tree.selectionModel().selectionChanged.connect(self._selection_changed)
        return tree

    def _lay_out(self) -> None:
        stack = QWidget()
        self._stack = QStackedLayout(stack)
        self._stack.addWidget(self.tree)
        self._stack.addWidget(self._empty)
        foot = QHBoxLayout()
        foot.setContentsMargins(10, 4, 10, 6)
        label = QLabel("Opacity")
        label.setBuddy(self.opacity)
        foot.addWidget(label)
        foot.addWidget(self.opacity, 1)
        foot.addWidget(self._opacity_text)
        foot.addWidget(self.cancel)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        self._tools = QHBoxLayout()
        self._tools.setContentsMargins(6, 4, 6, 4)
        self._tools.setSpacing(2)
        layout.addLayout(self._tools)
        layout.addWidget(stack, 1)
        layout.addLayout(foot)

    def offer(self, tools: Sequence[QAction], menu: Sequence[QAction | None]) -> None:
        """Show ``tools`` as buttons over the tree, and ``menu`` on a right click (None: a line)."""
        for action in tools:
            button = self._look.button("x", action.text())
            button.setDefaultAction(action)
            button.setAccessibleName(action.toolTip())
            self._tools.addWidget(button)
        self._tools.addStretch(1)
        self._menu_actions = list(menu)

    def show_nodes(self, nodes: Sequence[Node]) -> None:
        """Show these rows; selection and open groups stay by key."""
        if tuple(nodes) == self.model.nodes:
            return
        selected = {node.key for node in self.selected_nodes()}
        known = {node.key for node in self.model.nodes}
        closed = {node.key for node in self.model.nodes if not self.tree.isExpanded(self.model.index_of(node.key))}
        with QSignalBlocker(self.tree.selectionModel()):
            self.model.show_nodes(nodes)
            for node in self.model.nodes:
                if node.key not in known or node.key not in closed:
                    self.tree.expand(self.model.index_of(node.key))
            self.select_keys(selected)
        self._stack.setCurrentWidget(self.tree if nodes else self._empty)
        self._show_selection()

    def selected_nodes(self) -> list[Node]:
        """Return the selected rows, top first."""
        nodes = (self.model.node(index) for index in self.tree.selectionModel().selectedIndexes())
        return [node for node in nodes if node is not None]

    def selected_layer_ids(self) -> tuple[LayerId, ...]:
        """Return the layers of the selected rows; a group stands for all of its own."""
        ids = [layer_id for node in self.selected_nodes() for layer_id in node.layer_ids]
        return tuple(dict.fromkeys(ids))

    def select_keys(self, keys: set[str]) -> None:
        """Select the rows of these keys, and nothing else."""
        selection = QItemSelection()
        last = QModelIndex()
        for key in keys:
            index = self.model.index_of(key)
            if index.isValid():
                selection.select(index, index)
                last = index
        chooser = self.tree.selectionModel()
        chooser.select(selection, chooser.SelectionFlag.ClearAndSelect)
        if last.isValid():
            chooser.setCurrentIndex(last, chooser.SelectionFlag.NoUpdate)

    def rename_selected(self) -> None:
        """Open the editor in the selected row."""
        nodes = self.selected_nodes()
        if len(nodes) == 1:
            self.tree.setFocus()
            self.tree.edit(self.model.index_of(nodes[0].key))

    def _selection_changed(self) -> None:
        self._show_selection()
        self.selection_changed.emit()

    def _show_selection(self) -> None:
        nodes = self.selected_nodes()
        one = nodes[0] if len(nodes) == 1 else None
        opacity = None
        if one is not None and one.layer is not None:
            opacity = one.layer.opacity
        elif one is not None and one.result is not None:
            opacity = one.result.opacity
        elif one is not None and one.overlay is not None:
            opacity = one.overlay_spec.opacity if one.overlay_spec is not None else None
        self.opacity.setEnabled(opacity is not None)
        self._opacity_text.setText("" if opacity is None else f"{opacity:.0%}".replace("%", " %"))
        self.cancel.setVisible(one is not None and one.pending is not None)
        if not self.opacity.isSliderDown():
            with QSignalBlocker(self.opacity):
                self.opacity.setValue(100 if opacity is None else round(opacity * 100))

    def _emit_opacity(self, percent: int) -> None:
        nodes = self.selected_nodes()
        if len(nodes) == 1:
            self.opacity_asked.emit(nodes[0].key, percent / 100)
            if not self.opacity.isSliderDown():
                self.opacity_settled.emit()

    def _emit_cancel(self) -> None:
        for node in self.selected_nodes():
            if node.pending is not None:
                self.cancel_asked.emit(node.pending.job_id)

    def _show_menu(self, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for action in self._menu_actions:
            if action is None:
                menu.addSeparator()
            else:
                menu.addAction(action)
        menu.popup(at)

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self._opacity_text.setMinimumWidth(self.fontMetrics().horizontalAdvance("100 %") + 4)

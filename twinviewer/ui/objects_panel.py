"""The objects panel: the city objects of one layer as a tree, and a field that finds them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QItemSelection, QItemSelectionModel, QModelIndex, QPoint, QSignalBlocker, Qt, QTimer, Signal
from PySide6.QtGui import QContextMenuEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QLabel,
    QLineEdit,
    QMenu,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.object_tree import ObjectTree
from twinviewer.model.project import LayerId
from twinviewer.ui.look import Look
from twinviewer.ui.object_tree_model import ObjectTreeModel

SEARCH_AFTER_MS = 120
"""After the last key."""
MOST_OPENED = 200
"""A result of no more nodes is shown with everything open."""
CLASS_PX = 104


class ObjectsPanel(QWidget):
    """Shows one tree; says what is chosen and searched for."""

    shown = Signal()
    """The panel is on the screen again."""
    layer_chosen = Signal(str)
    search_asked = Signal(str)
    """What is searched for; empty: everything is shown."""
    node_chosen = Signal(int)
    zoom_asked = Signal(int)
    menu_asked = Signal(int, object)
    """(node, the empty :class:`QMenu`)"""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.layers = QComboBox()
        self.layers.setAccessibleName("Layer whose objects are listed")
        self.layers.setToolTip("Whose objects are listed.")
        self.layers.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.layers.setMinimumContentsLength(10)
        self.layers.activated.connect(lambda row: self.layer_chosen.emit(self.layers.itemData(row)))
        self._typed = QTimer(self)
        self._typed.setSingleShot(True)
        self._typed.setInterval(SEARCH_AFTER_MS)
        self._typed.timeout.connect(self._ask_for_search)
        self.search = QLineEdit()
        self.search.setPlaceholderText("Id, name, class or attribute")
        self.search.setAccessibleName("Search objects")
        self.search.setClearButtonEnabled(True)
        self.search.addAction(look.icon("search"), QLineEdit.ActionPosition.LeadingPosition)
        self.search.textChanged.connect(lambda _text: self._typed.start())
        self.search.returnPressed.connect(self._go_to_first)
        self.model = ObjectTreeModel(self)
        self.view = _TreeView()
        self.view.setModel(self.model)
        header = self.view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.Interactive)
        header.resizeSection(1, CLASS_PX)
        self.view.selectionModel().selectionChanged.connect(self._choose)
        self.view.activated.connect(lambda index: self.zoom_asked.emit(self.model.node(index)))
        self.view.menu_wanted.connect(self._show_menu)
        self.view.typed.connect(self._search_for)
        self.hint = QLabel()
        self.hint.setObjectName("hint")
        self.hint.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.hint.setWordWrap(True)
        self.hint.setMargin(16)
        self.count = QLabel()
        self.count.setObjectName("muted")
        self.count.setContentsMargins(10, 2, 10, 4)
        self._pages = QStackedLayout()
        self._pages.addWidget(self.view)
        self._pages.addWidget(self.hint)
        top = QVBoxLayout()
        top.setContentsMargins(8, 8, 8, 0)
        top.setSpacing(6)
        top.addWidget(self.layers)
        top.addWidget(self.search)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addLayout(self._pages, 1)
        layout.addWidget(self.count)
        look.changed.connect(self._show_theme)
        self._show_theme()
        self.show_layers((), "")
        self.show_hint("")

    def show_layers(self, layers: Sequence[tuple[LayerId, str]], current: LayerId) -> None:
        """Offer layers: (id, title); ``current`` is the one whose objects are listed."""
        with QSignalBlocker(self.layers):
            shown = [(self.layers.itemData(row), self.layers.itemText(row)) for row in range(self.layers.count())]
            if shown != list(layers):
                self.layers.clear()
                for layer_id, title in layers:
                    self.layers.addItem(title, layer_id)
            self.layers.setCurrentIndex(self.layers.findData(current))
        self.layers.setVisible(len(layers) > 1)

    def show_tree(self, tree: ObjectTree, *, note: str, opened: bool) -> None:
        """Show a tree with a few words on it; ``opened`` if it is a result whose matches should be seen."""
        self.model.show_tree(tree)
        if opened and len(tree.order) <= MOST_OPENED:
            self.view.expandAll()
        self.count.setText(note)
        self.count.show()
        self._pages.setCurrentWidget(self.view)

    def show_hint(self, text: str) -> None:
        """Show a sentence where the tree would be."""
        self.hint.setText(text)
        self.count.hide()
        self._pages.setCurrentWidget(self.hint)

    def reveal(self, node: int | None) -> None:
        """Scroll to a node and mark it, without saying that it was chosen; None: mark none."""
        index = QModelIndex() if node is None else self.model.index_of(node)
        with QSignalBlocker(self):
            if index.isValid():
                self.view.scrollTo(index)
                flags = QItemSelectionModel.SelectionFlag
                self.view.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
            else:
                self.view.selectionModel().clear()

    def focus_search(self) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.selectAll()

    def _choose(self, chosen: QItemSelection, _before: QItemSelection) -> None:
        if chosen.indexes():
            self.node_chosen.emit(self.model.node(chosen.indexes()[0]))

    def _ask_for_search(self) -> None:
        self.search_asked.emit(self.search.text())

    def _go_to_first(self) -> None:
        first = self.model.index(0, 0)
        if first.isValid():
            self.view.setFocus(Qt.FocusReason.OtherFocusReason)
            self.view.setCurrentIndex(first)

    def _search_for(self, letter: str) -> None:
        self.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search.setText(letter)

    def _show_menu(self, index: QModelIndex, at: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.menu_asked.emit(self.model.node(index), menu)
        menu.popup(at)

    def _show_theme(self) -> None:
        self.model.show_theme(self._look.theme)
        self.search.actions()[0].setIcon(self._look.icon("search"))

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.shown.emit()


class _TreeView(QTreeView):
    """A tree whose rows are all alike, so that Qt need not measure them."""

    typed = Signal(str)
    """A letter: it is searched for among all objects, not only among those that are open."""
    menu_wanted = Signal(QModelIndex, QPoint)

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("City objects")
        self.setUniformRowHeights(True)
        self.setExpandsOnDoubleClick(False)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.setAlternatingRowColors(True)
        self.setFrameShape(QTreeView.Shape.NoFrame)
        self.setIndentation(14)

    def keyboardSearch(self, search: str) -> None:  # noqa: N802
        self.typed.emit(search)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        by_keys = event.reason() == QContextMenuEvent.Reason.Keyboard
        index = self.currentIndex() if by_keys else self.indexAt(event.pos())
        if index.isValid():
            under = self.visualRect(index).bottomLeft()
            self.menu_wanted.emit(index, self.viewport().mapToGlobal(under) if by_keys else event.globalPos())

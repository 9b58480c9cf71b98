"""The object tree as a Qt model: rows are looked up in the columns when they are seen, and not before."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QBrush, QColor

from twinviewer.app.object_tree import TOP, ObjectTree
from twinviewer.ui import icons
from twinviewer.ui.themes import LIGHT, Theme

NODE_ROLE = int(Qt.ItemDataRole.UserRole)
ROWS_AT_ONCE = 2000
"""Qt lays out every row of a level that it knows; it hears of so many more when it comes to the end."""
COLUMNS = ("Object", "Class")

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class ObjectTreeModel(QAbstractItemModel):
    """Two columns: what an object is called, and its class.  Holds no truth of its own: it is given a tree."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.tree: ObjectTree | None = None
        self._rows: dict[int, int] = {}
        """How many rows of a level Qt has heard of, where those are not all."""
        self._hidden: frozenset[str] = frozenset()
        self._theme: Theme = LIGHT

    def show_tree(self, tree: ObjectTree | None) -> None:
        """Show another tree from its top."""
        self.beginResetModel()
        self.tree = tree
        self._rows.clear()
        self.endResetModel()

    def show_hidden(self, types: frozenset[str]) -> None:
        """Mute what the scene does not draw."""
        if types != self._hidden:
            self._hidden = types
            self.layoutChanged.emit()

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self.layoutChanged.emit()

    def node(self, index: _Index) -> int:
        """Return the node at ``index``, ``TOP`` for the root."""
        return int(index.internalId()) if index.isValid() else TOP

    def index_of(self, node: int) -> QModelIndex:
        """Return where a node is; an invalid index if the tree does not have it."""
        if self.tree is None or not 0 <= node < len(self.tree.kept) or not self.tree.kept[node]:
            return QModelIndex()
        for level in self.tree.path(node):
            above, row = int(self.tree.parent[level]), int(self.tree.row[level])
            self._tell_rows(above, row + 1)
        return self.createIndex(int(self.tree.row[node]), 0, node)

    # What Qt asks. -------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: _Index = _ROOT) -> QModelIndex:
        above = self.node(parent)
        if self.tree is None or not (0 <= row < self._known(above) and 0 <= column < len(COLUMNS)):
            return QModelIndex()
        return self.createIndex(row, column, int(self.tree.order[self.tree.first[above + 1] + row]))

    def parent(self, index: _Index = _ROOT) -> QModelIndex:  # type: ignore[override]
        above = TOP if self.tree is None or not index.isValid() else int(self.tree.parent[index.internalId()])
        return QModelIndex() if above == TOP or self.tree is None else self.createIndex(self.tree.row[above], 0, above)

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        return 0 if parent.column() > 0 else self._known(self.node(parent))

    def hasChildren(self, parent: _Index = _ROOT) -> bool:  # noqa: N802
        return parent.column() <= 0 and self.tree is not None and self.tree.count(self.node(parent)) > 0

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        return len(COLUMNS)

    def canFetchMore(self, parent: _Index) -> bool:  # noqa: N802
        above = self.node(parent)
        return self.tree is not None and self._known(above) < self.tree.count(above)

    def fetchMore(self, parent: _Index) -> None:  # noqa: N802
        above = self.node(parent)
        self._tell_rows(above, self._known(above) + 1)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:  # noqa: N802
        return COLUMNS[section] if role == Qt.ItemDataRole.DisplayRole else None

    def data(self, index: _Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        tree = self.tree
        if tree is None or not index.isValid():
            return None
        node, roles = int(index.internalId()), Qt.ItemDataRole
        if role == roles.DisplayRole:
            name, type_name = tree.name(node), tree.type_name(node)
            return name if index.column() == 0 else type_name if type_name != name else ""
        if role == NODE_ROLE:
            return node
        if role == roles.DecorationRole and index.column() == 0:
            name = "box" if node < tree.object_count else "scan"
            return icons.icon(name, self._theme.icon, self._theme.on_accent)
        if role in (roles.ToolTipRole, roles.AccessibleTextRole):
            return self._described(node)
        if role == roles.ForegroundRole and (index.column() == 1 or self._is_hidden(node)):
            return QBrush(QColor(self._theme.muted))
        return None

    # Inside. -------------------------------------------------------------------------------------

    def _known(self, above: int) -> int:
        if self.tree is None:
            return 0
        return self._rows.get(above, min(ROWS_AT_ONCE, self.tree.count(above)))

    def _tell_rows(self, above: int, needed: int) -> None:
        """Let Qt hear of at least so many rows of a level."""
        if self.tree is None or needed <= self._known(above):
            return
        known, count = self._known(above), self.tree.count(above)
        more = min(count, -(-needed // ROWS_AT_ONCE) * ROWS_AT_ONCE)
        parent = QModelIndex() if above == TOP else self.createIndex(int(self.tree.row[above]), 0, above)
        self.beginInsertRows(parent, known, more - 1)
        self._rows[above] = more
        self.endInsertRows()

    def _is_hidden(self, node: int) -> bool:
        tree = self.tree
        return tree is not None and not self._hidden.isdisjoint(
            {tree.type_name(node), tree.type_name(tree.object_of(node))}
        )

    def _described(self, node: int) -> str:
        tree = self.tree
        assert tree is not None
        words = [tree.type_name(node), *dict.fromkeys(word for word in (tree.name(node), tree.id(node)) if word)]
        below = tree.count(node)
        return (
            " · ".join(dict.fromkeys(words))
            + (f", {below} below" if below else "")
            + (", hidden" if self._is_hidden(node) else "")
        )

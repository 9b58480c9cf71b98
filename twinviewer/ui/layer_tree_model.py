"""The layers panel's tree as a Qt model: shows :mod:`twinviewer.ui.layer_tree`, and says what is asked of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PySide6.QtCore import (
    QAbstractItemModel,
    QMimeData,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    Qt,
    Signal,
)
from PySide6.QtGui import QFont

from twinviewer.ui import icons
from twinviewer.ui.layer_tree import Node, OverlayFacts
from twinviewer.ui.themes import LIGHT, Theme

MIME_TYPE = "application/x-twinviewer-layers"
NODE_ROLE = int(Qt.ItemDataRole.UserRole)
KIND_ICONS = {
    "city-model": "building-2",
    "point-cloud": "grip",
    "features": "waypoints",
    "terrain": "mountain",
    "image": "image",
    "mesh": "cuboid",
}
NAMES_IN_TOOLTIP = 5
UNKNOWN_KIND_ICON = "file-question-mark"

_Index = QModelIndex | QPersistentModelIndex
_ROOT = QModelIndex()


class LayerTreeModel(QAbstractItemModel):
    """One column: title with kind icon and eye.  Holds no truth of its own: it is given nodes."""

    shown_asked = Signal(object, bool)
    """(node, whether it is to be shown)"""
    rename_asked = Signal(object, str)
    drop_asked = Signal(list, object, int)
    """(layer ids, node of the group or None, row)"""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._nodes: tuple[Node, ...] = ()
        self._parents: dict[str, tuple[Node | None, int]] = {}
        self._by_key: dict[str, Node] = {}
        self._keys: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._theme: Theme = LIGHT

    def show_theme(self, theme: Theme) -> None:
        self._theme = theme
        self._tell_all_changed()

    def show_nodes(self, nodes: Sequence[Node]) -> None:
        """Show these rows; where only what rows say has changed, selection and scrolling stay untouched."""
        nodes = tuple(nodes)
        if nodes == self._nodes:
            return
        same_shape = _shape(nodes) == _shape(self._nodes)
        if not same_shape:
            self.beginResetModel()
        self._nodes = nodes
        self._parents = {node.key: (None, row) for row, node in enumerate(nodes)}
        self._by_key = {node.key: node for node in nodes}
        for parent in nodes:
            for row, child in enumerate(parent.children):
                self._parents[child.key] = (parent, row)
                self._by_key[child.key] = child
        for key in self._by_key:
            if key not in self._numbers:
                self._numbers[key] = len(self._numbers) + 1
                self._keys[self._numbers[key]] = key
        if same_shape:
            self._tell_all_changed()
        else:
            self.endResetModel()

    @property
    def nodes(self) -> tuple[Node, ...]:
        return self._nodes

    def node(self, index: _Index) -> Node | None:
        """Return the row at ``index``, or None for the root."""
        return self._by_key.get(self._keys.get(index.internalId(), "")) if index.isValid() else None

    def index_of(self, key: str) -> QModelIndex:
        """Return where the row of that key is; an invalid index if there is none."""
        if key not in self._parents:
            return QModelIndex()
        return self.createIndex(self._parents[key][1], 0, self._numbers[key])

    # What Qt asks. -------------------------------------------------------------------------------

    def index(self, row: int, column: int, parent: _Index = _ROOT) -> QModelIndex:
        above = self.node(parent)
        level = self._nodes if above is None else above.children
        if column != 0 or not 0 <= row < len(level):
            return QModelIndex()
        return self.createIndex(row, 0, self._numbers[level[row].key])

    def parent(self, index: _Index = _ROOT) -> QModelIndex:  # type: ignore[override]
        node = self.node(index)
        above = self._parents[node.key][0] if node is not None else None
        return QModelIndex() if above is None else self.index_of(above.key)

    def rowCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        if not parent.isValid():
            return len(self._nodes)
        node = self.node(parent)
        return 0 if node is None else len(node.children)

    def columnCount(self, parent: _Index = _ROOT) -> int:  # noqa: N802
        return 1

    def data(self, index: _Index, role: int = int(Qt.ItemDataRole.DisplayRole)) -> Any:
        node = self.node(index)
        if node is None:
            return None
        roles = Qt.ItemDataRole
        if role in (roles.DisplayRole, roles.EditRole):
            return node.title
        if role == NODE_ROLE:
            return node
        if role == roles.DecorationRole:
            return icons.icon(icon_name(node), self._theme.icon, self._theme.on_accent)
        if role == roles.CheckStateRole and node.pending is None:
            return _CHECKS[node.shown]
        if role == roles.ToolTipRole:
            return describe(node)
        if role == roles.AccessibleTextRole:
            return f"{node.title}, {spoken_state(node)}"
        if role == roles.FontRole and node.is_group:
            font = QFont()
            font.setWeight(QFont.Weight.DemiBold)
            return font
        return None

    def setData(self, index: _Index, value: Any, role: int = int(Qt.ItemDataRole.EditRole)) -> bool:  # noqa: N802
        node = self.node(index)
        if node is None:
            return False
        if role == Qt.ItemDataRole.CheckStateRole:
            self.shown_asked.emit(node, Qt.CheckState(value) != Qt.CheckState.Unchecked)
            return True
        if role == Qt.ItemDataRole.EditRole and str(value).strip() and str(value).strip() != node.title:
            self.rename_asked.emit(node, str(value).strip())
            return True
        return False

    def flags(self, index: _Index) -> Qt.ItemFlag:
        node = self.node(index)
        flag = Qt.ItemFlag
        if node is None:
            return flag.ItemIsDropEnabled
        flags = flag.ItemIsEnabled | flag.ItemIsSelectable
        if node.pending is None:
            flags |= flag.ItemIsUserCheckable
        if node.layer is not None:
            flags |= flag.ItemIsEditable | flag.ItemIsDragEnabled
        elif node.is_group and not node.is_fixed_group:
            flags |= flag.ItemIsEditable | flag.ItemIsDragEnabled | flag.ItemIsDropEnabled
        return flags

    def supportedDropActions(self) -> Qt.DropAction:  # noqa: N802
        return Qt.DropAction.MoveAction

    def mimeTypes(self) -> list[str]:  # noqa: N802
        return [MIME_TYPE]

    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:  # noqa: N802
        nodes = [node for index in indexes if (node := self.node(index)) is not None]
        ids = [layer_id for node in nodes for layer_id in node.layer_ids]
        mime = QMimeData()
        mime.setData(MIME_TYPE, "\n".join(dict.fromkeys(ids)).encode())
        return mime

    def dropMimeData(  # noqa: N802
        self, data: QMimeData, action: Qt.DropAction, row: int, column: int, parent: _Index
    ) -> bool:
        if not data.hasFormat(MIME_TYPE):
            return False
        ids = data.data(MIME_TYPE).toStdString().split("\n")
        self.drop_asked.emit([layer_id for layer_id in ids if layer_id], self.node(parent), row)
        return False  # the document moves the rows; Qt must not remove them too

    def _tell_all_changed(self) -> None:
        for level, above in ((self._nodes, QModelIndex()), *((n.children, self.index_of(n.key)) for n in self._nodes)):
            if level:
                self.dataChanged.emit(self.index(0, 0, above), self.index(len(level) - 1, 0, above))


_CHECKS = {
    True: Qt.CheckState.Checked,
    False: Qt.CheckState.Unchecked,
    None: Qt.CheckState.PartiallyChecked,
}


def _shape(nodes: Sequence[Node]) -> list[tuple[str, list[str]]]:
    return [(node.key, [child.key for child in node.children]) for node in nodes]


def icon_name(node: Node) -> str:
    """Return the name of the icon that says what the row is."""
    if node.layer is not None:
        return KIND_ICONS.get(node.layer.kind, UNKNOWN_KIND_ICON)
    if node.overlay is not None:
        return "layers" if node.overlay.is_layer else "radio-tower"
    if node.result is not None:
        return "gauge"
    if node.pending is not None:
        return "file-input"
    if node.is_results_group:
        return "gauge"
    return "radio" if node.is_live_group else "folder"


def note(node: Node) -> str:
    """Return the few words at the end of the row; empty where there is nothing to say."""
    if node.pending is not None:
        return f"{node.pending.progress:.0%}"
    if node.overlay is not None:
        state = "" if node.overlay.state in node.title else node.overlay.state
        if node.overlay.unbound and not node.overlay.problem:
            return str(node.overlay.unbound)
        return state
    if node.result is not None:
        return node.result.note
    if node.state.failed:
        return "not loaded"
    return "reading…" if node.state.loading else ""


def spoken_state(node: Node) -> str:
    """Return what a screen reader says after the title."""
    words = [{True: "shown", False: "hidden", None: "partly shown"}[node.shown]] if node.pending is None else []
    if note(node):
        words.append(note(node))
    if node.state.problems:
        words.append(f"{node.state.problems} problems")
    return ", ".join(words)


def _describe_overlay(facts: OverlayFacts) -> str:
    lines = [f"{facts.title}: {facts.state}" if facts.state else facts.title]
    lines += [text for text in (facts.problem, *facts.notes) if text]
    if facts.unbound:
        first = ", ".join(facts.unbound.names[:NAMES_IN_TOOLTIP])
        more = ", …" if facts.unbound.count > NAMES_IN_TOOLTIP else ""
        lines.append(f"In the city {facts.unbound}: {first}{more}. The inspector lists them.")
    return "\n".join(lines)


def describe(node: Node) -> str:
    """Return the row's tooltip."""
    if node.pending is not None:
        return f"Reading {node.title}: {node.pending.text}" if node.pending.text else f"Reading {node.title}"
    if node.overlay is not None:
        return _describe_overlay(node.overlay)
    if node.result is not None:
        return "\n".join(f"{name}: {value}" for name, value in node.result.provenance)
    if node.layer is None:
        return f"{node.title}: {len(node.children)} entries"
    lines = [node.layer.source.path]
    if node.state.failed:
        lines.append(node.state.failed)
    if node.state.problems:
        lines.append(f"{node.state.problems} problems found: see Problems.")
    return "\n".join(lines)

"""Rows for the objects that a finding is about, below the row of the finding; made when it is opened."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QTreeWidget, QTreeWidgetItem

MOST_KEPT = 1000
"""Ids that readers keep of one finding."""
_IDS_ROLE = int(Qt.ItemDataRole.UserRole) + 1
_ID_ROLE = int(Qt.ItemDataRole.UserRole) + 2


def offer_objects(tree: QTreeWidget, on_chosen: Callable[[str, QTreeWidgetItem], None]) -> None:
    """Let findings in ``tree`` be opened to their objects; ``on_chosen`` hears (id, row of the finding)."""

    def choose(item: QTreeWidgetItem) -> None:
        object_id, finding = item.data(0, _ID_ROLE), item.parent()
        if object_id is not None and finding is not None:
            on_chosen(object_id, finding)

    tree.itemExpanded.connect(_fill)
    tree.itemClicked.connect(choose)
    tree.itemActivated.connect(choose)


def set_objects(item: QTreeWidgetItem, ids: Sequence[str]) -> None:
    """Say which objects the finding in ``item`` is about."""
    if ids:
        item.setData(0, _IDS_ROLE, tuple(ids))
        item.setChildIndicatorPolicy(QTreeWidgetItem.ChildIndicatorPolicy.ShowIndicator)


def _fill(item: QTreeWidgetItem) -> None:
    ids: tuple[str, ...] | None = item.data(0, _IDS_ROLE)
    if item.childCount() or ids is None:
        return
    rows = []
    for object_id in ids:
        row = QTreeWidgetItem([object_id])
        row.setToolTip(0, f"{object_id}: click to go there.")
        row.setData(0, _ID_ROLE, object_id)
        rows.append(row)
    if len(ids) >= MOST_KEPT:
        rows.append(QTreeWidgetItem([f"The first {len(ids)} are listed."]))
    item.addChildren(rows)

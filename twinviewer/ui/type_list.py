"""A list of classes of objects and types of surfaces, each with a box that shows or hides it."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import QFrame, QHeaderView, QSizePolicy, QTreeWidget, QTreeWidgetItem

from twinviewer.app.style_choices import TypeChoice
from twinviewer.ui.facts import count_text

MOST_ROWS_SEEN = 12


class TypeList(QTreeWidget):
    """As high as its rows, at most so many; says what was switched."""

    switched = Signal(str, bool)
    """(name, whether it is to be shown)"""

    def __init__(self) -> None:
        super().__init__()
        self._choices: tuple[TypeChoice, ...] = ()
        self.setAccessibleName("What is shown of the layer")
        self.setColumnCount(2)
        self.setHeaderHidden(True)
        self.setRootIsDecorated(False)
        self.setUniformRowHeights(True)
        self.setAlternatingRowColors(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        self.header().setStretchLastSection(False)
        self.header().setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        self.header().setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        self.setStyleSheet("QTreeWidget::item { padding: 2px 0; }")
        self.itemChanged.connect(self._tell)

    def show_types(self, choices: Sequence[TypeChoice], *, hidden: Sequence[str]) -> None:
        """List what there is; boxes of what is ``hidden`` are empty."""
        with QSignalBlocker(self):
            if tuple(choices) != self._choices:
                self._choices = tuple(choices)
                self.clear()
                for choice in choices:
                    item = QTreeWidgetItem([choice.name, count_text(choice.count)])
                    item.setTextAlignment(1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
                    what = "surfaces" if choice.of_surfaces else "objects"
                    item.setToolTip(0, f"{choice.name}: {count_text(choice.count)} {what}")
                    self.addTopLevelItem(item)
                self.updateGeometry()
            for row, choice in enumerate(choices):
                state = Qt.CheckState.Unchecked if choice.name in hidden else Qt.CheckState.Checked
                listed = self.topLevelItem(row)
                if listed is not None and listed.checkState(0) != state:
                    listed.setCheckState(0, state)

    def sizeHint(self) -> QSize:  # noqa: N802
        rows = min(MOST_ROWS_SEEN, max(1, self.topLevelItemCount()))
        return QSize(super().sizeHint().width(), rows * max(1, self.sizeHintForRow(0)) + 2 * self.frameWidth())

    def minimumSizeHint(self) -> QSize:  # noqa: N802
        return self.sizeHint()

    def _tell(self, item: QTreeWidgetItem, column: int) -> None:
        if column == 0:
            self.switched.emit(item.text(0), item.checkState(0) == Qt.CheckState.Checked)

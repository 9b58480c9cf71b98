"""The Problems panel: what went wrong, one line each, and what can be done about the selected one."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QSplitter,
    QTreeWidget,
    QTreeWidgetItem,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.problems import Problem, explain
from twinviewer.model.diagnostics import Severity
from twinviewer.ui.found_objects import offer_objects, set_objects
from twinviewer.ui.look import Look

_ICONS = {Severity.ERROR: "circle-alert", Severity.WARNING: "triangle-alert", Severity.INFO: "info"}


def details(problem: Problem, language: str) -> str:
    """Return all there is to say about a problem: what happened and where, what was kept, what to do."""
    lines = [problem.text]
    if problem.where:
        lines.append(f"Where: {problem.where}")
    try:
        explanation = explain(problem.code, language)
    except KeyError:
        explanation = None
    if explanation is not None:
        lines += [f"What it means: {explanation.what}", f"What was kept: {explanation.kept}"]
    do = problem.cure or (explanation.do if explanation is not None else "")
    if do:
        lines.append(f"What to do: {do}")
    lines.append(f"Code: {problem.code}")
    return "\n".join(lines)


class ProblemsPanel(QWidget):
    """Shows the list, newest on top; asks to clear it."""

    clear_asked = Signal()
    copied = Signal(str)
    object_asked = Signal(str, str)
    """(id, layer id): an object that a problem is about is to be shown."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self._problems: tuple[Problem, ...] = ()
        self._language = "en"
        self.list = QTreeWidget()
        self.list.setAccessibleName("Problems")
        self.list.setColumnCount(3)
        self.list.setHeaderLabels(["Problem", "Source", "Time"])
        self.list.setUniformRowHeights(True)
        self.list.setAlternatingRowColors(True)
        self.list.setFrameShape(QTreeWidget.Shape.NoFrame)
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        header = self.list.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(1, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(2, QHeaderView.ResizeMode.ResizeToContents)
        self.list.currentItemChanged.connect(lambda *_: self._show_details())
        offer_objects(self.list, self._ask_for_object)
        self.details = QLabel()
        self.details.setWordWrap(True)
        self.details.setTextFormat(Qt.TextFormat.PlainText)
        self.details.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        self.details.setMargin(8)
        self.details.setMinimumWidth(220)
        self.details.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.copy = QPushButton("Copy details")
        self.copy.setToolTip("Copy everything about the selected problem.")
        self.copy.clicked.connect(self._copy)
        self.copy_objects = QPushButton("Copy ids")
        self.copy_objects.setToolTip("Copy the ids of the objects that the selected problem is about, one a line.")
        self.copy_objects.clicked.connect(self._copy_objects)
        self.clear = QPushButton("Clear")
        self.clear.setToolTip("Empty the list; nothing else changes.")
        self.clear.clicked.connect(self.clear_asked)
        buttons = QHBoxLayout()
        buttons.setContentsMargins(8, 0, 8, 6)
        buttons.addStretch(1)
        buttons.addWidget(self.copy_objects)
        buttons.addWidget(self.copy)
        buttons.addWidget(self.clear)
        side = QWidget()
        side_layout = QVBoxLayout(side)
        side_layout.setContentsMargins(0, 0, 0, 0)
        side_layout.addWidget(self.details, 1)
        side_layout.addLayout(buttons)
        splitter = QSplitter(Qt.Orientation.Horizontal)
        splitter.addWidget(self.list)
        splitter.addWidget(side)
        splitter.setStretchFactor(0, 3)
        splitter.setStretchFactor(1, 2)
        splitter.setChildrenCollapsible(False)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(splitter)
        look.changed.connect(self._fill)

    def show_problems(self, problems: Sequence[Problem], *, language: str) -> None:
        self._problems, self._language = tuple(problems), language
        self._fill()

    def _fill(self) -> None:
        self.list.clear()
        for problem in reversed(self._problems):
            times = f"  (×{problem.count})" if problem.count > 1 else ""
            clock = f"{problem.time.astimezone():%H:%M:%S}"
            item = QTreeWidgetItem([f"{problem.problem}{times}", problem.source, clock])
            item.setIcon(0, self._icon(problem.severity))
            item.setData(0, Qt.ItemDataRole.UserRole, problem)
            set_objects(item, problem.objects)
            item.setData(0, Qt.ItemDataRole.AccessibleTextRole, f"{problem.severity}: {problem.problem}{times}")
            item.setToolTip(0, problem.problem)
            item.setToolTip(2, problem.time.astimezone().isoformat(sep=" ", timespec="seconds"))
            self.list.addTopLevelItem(item)
        self.list.setRootIsDecorated(any(problem.objects for problem in self._problems))
        self.clear.setEnabled(bool(self._problems))
        newest = self.list.topLevelItem(0)
        if newest is not None:
            self.list.setCurrentItem(newest)
        self._show_details()

    def _icon(self, severity: Severity) -> QIcon:
        theme = self._look.theme
        colours = {Severity.ERROR: theme.error, Severity.WARNING: theme.warning, Severity.INFO: theme.info}
        return self._look.icon(_ICONS[severity], colour=colours[severity])

    def _current(self) -> Problem | None:
        item = self.list.currentItem()
        if item is None:
            return None
        problem: Problem = (item.parent() or item).data(0, Qt.ItemDataRole.UserRole)
        return problem

    def _ask_for_object(self, object_id: str, item: QTreeWidgetItem) -> None:
        problem: Problem = item.data(0, Qt.ItemDataRole.UserRole)
        self.object_asked.emit(object_id, problem.layer_id)

    def _show_details(self) -> None:
        problem = self._current()
        self.copy.setEnabled(problem is not None)
        self.copy_objects.setVisible(any(each.objects for each in self._problems))
        self.copy_objects.setEnabled(problem is not None and bool(problem.objects))
        self.details.setText("No problems." if problem is None else details(problem, self._language))

    def _copy(self) -> None:
        problem = self._current()
        if problem is not None:
            QGuiApplication.clipboard().setText(details(problem, self._language))
            self.copied.emit("the details")

    def _copy_objects(self) -> None:
        problem = self._current()
        if problem is not None:
            QGuiApplication.clipboard().setText("\n".join(problem.objects))
            self.copied.emit(f"{len(problem.objects)} ids")

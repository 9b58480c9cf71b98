"""The commands of one window as Qt actions, made from the table in :mod:`twinviewer.ui.action_table`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QWidget

from twinviewer.ui import icons
from twinviewer.ui.action_table import ACTIONS, ActionSpec
from twinviewer.ui.themes import Theme


class Commands(QObject):
    """The commands of one window as actions: made from the table, doing what they are given to do."""

    def __init__(self, parent: QWidget, does: Mapping[str, Callable[[], object]]) -> None:
        """Make one action for each line of the table.

        Raises:
            KeyError: ``does`` has no function for a command.
        """
        super().__init__(parent)
        self.specs = {spec.id: spec for spec in ACTIONS}
        self.actions: dict[str, QAction] = {}
        self._groups: dict[str, QActionGroup] = {}
        for spec in ACTIONS:
            self.actions[spec.id] = self._make(spec, does[spec.id])

    def __getitem__(self, action_id: str) -> QAction:
        return self.actions[action_id]

    def run(self, action_id: str) -> None:
        """Do what the command does, if it can be done now."""
        self.actions[action_id].trigger()

    def check_choice(self, choice: str, value: str) -> None:
        """Show ``value`` as the checked one of ``choice`` (``theme``, ``preset``, ``navigation``)."""
        self.actions[f"{choice}.{value}"].setChecked(True)

    def bind_view_keys(self, view: QWidget) -> None:
        """Let the keys of the view's commands work while ``view`` has the focus."""
        for spec in ACTIONS:
            if spec.in_view:
                self.actions[spec.id].setShortcutContext(Qt.ShortcutContext.WidgetWithChildrenShortcut)
                view.addAction(self.actions[spec.id])

    def draw_icons(self, theme: Theme) -> None:
        for spec in ACTIONS:
            if spec.icon:
                self.actions[spec.id].setIcon(icons.icon(spec.icon, theme.icon))

    def _make(self, spec: ActionSpec, do: Callable[[], object]) -> QAction:
        action = QAction(spec.text, self)
        action.setObjectName(spec.id)
        action.setShortcuts([QKeySequence(key) for key in spec.keys])
        keys = f" ({keys_text(spec)})" if spec.keys else ""
        action.setToolTip(f"{spec.tooltip}{keys}")
        action.setStatusTip(spec.tooltip)
        action.setCheckable(spec.checkable or bool(spec.choice))
        if spec.choice:
            self._groups.setdefault(spec.choice, QActionGroup(self)).addAction(action)
        action.triggered.connect(lambda *_: do())
        return action


def keys_text(spec: ActionSpec) -> str:
    """Return the keys of a command as this system writes them: ``"Ctrl+Shift+Z or Ctrl+Y"``."""
    return " or ".join(QKeySequence(key).toString(QKeySequence.SequenceFormat.NativeText) for key in spec.keys)

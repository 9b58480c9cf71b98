"""Panels of plugins as docks: made when one is opened for the first time, asked while they are in view."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer
from PySide6.QtWidgets import (
    QDockWidget,
    QHBoxLayout,
    QLabel,
    QMainWindow,
    QProgressBar,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.atomic import write_atomically
from twinviewer.app.folders import state_dir
from twinviewer.app.panels import PanelPicture, PanelRunner, PanelState
from twinviewer.app.plugins.manifest import PanelContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import WriteError
from twinviewer.model.panel import Selection
from twinviewer.ui.docks import DockTitle
from twinviewer.ui.look import Look
from twinviewer.ui.panel_view import PanelView

_log = logging.getLogger(__name__)

LOOK_EVERY_MS = 100
BUSY_AFTER_S = 0.4
"""Shorter work shows no sign: it would flicker."""
LONG_AFTER_S = 5.0
DOCK_PREFIX = "dock.panel."


class PanelDock(QDockWidget):
    """One panel: its elements, whether it is at work, and what is wrong with it."""

    def __init__(self, contribution: PanelContribution, plugin_name: str, look: Look, window: QMainWindow) -> None:
        super().__init__(contribution.title, window)
        self.setObjectName(f"{DOCK_PREFIX}{contribution.id}")
        self.setAccessibleName(contribution.title)
        self.setTitleBarWidget(DockTitle(contribution.title, self, look))
        self.view = PanelView(contribution.title)
        self.waiting = QLabel()
        self.waiting.setObjectName("hint")
        self.waiting.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.waiting.setWordWrap(True)
        self.waiting.setMargin(16)
        self.busy = QProgressBar()
        self.busy.setRange(0, 0)
        self.busy.setTextVisible(False)
        self.busy.setFixedHeight(4)
        self.busy.setAccessibleName(f"{contribution.title} is at work")
        self._keep_room()
        self.problem = QLabel()
        self.problem.setObjectName("error")
        self.problem.setTextFormat(Qt.TextFormat.PlainText)
        self.problem.setWordWrap(True)
        self.again = QPushButton("Switch on again")
        self.again.setToolTip("Give the panel another chance.")
        self.log = QPushButton("Show log")
        self.log.setToolTip("Show what the plugin said, for its author.")
        self.ask = QPushButton("Show in Plugins panel")
        self.ask.setToolTip("Go to where you can allow what the plugin asks for, and fill in its settings.")
        self.trouble = self._make_trouble()
        self._plugin_name = plugin_name
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.busy)
        layout.addWidget(self.trouble, 0, Qt.AlignmentFlag.AlignTop)
        layout.addWidget(self.waiting)
        layout.addWidget(self.view, 1)
        self.setWidget(body)
        self.show_picture(PanelPicture(), now=0.0)

    def show_picture(self, picture: PanelPicture, *, now: float) -> None:
        """Show what the panel answered last, and how it fares; ``now`` by the runner's clock."""
        busy_s = 0.0 if picture.busy_since is None else now - picture.busy_since
        self.busy.setVisible(busy_s > BUSY_AFTER_S)
        self.view.show_elements(picture.elements)
        self.view.setVisible(bool(picture.elements))
        long = busy_s > LONG_AFTER_S
        self.waiting.setVisible(picture.problem is None and (not picture.elements or long))
        if long:
            self.waiting.setText(f"“{self._plugin_name}” has been at work for {busy_s:.0f} seconds.")
        else:
            self.waiting.setText("There is nothing to show." if picture.state is PanelState.SHOWN else "One moment…")
        self.trouble.setVisible(picture.problem is not None)
        if picture.problem is not None:
            problem = picture.problem
            self.problem.setText(" ".join(part for part in (problem.problem, problem.cure) if part))
        waits = picture.state is PanelState.NEEDS_PERSON
        name = "panelText" if waits else "error"
        if self.problem.objectName() != name:
            self.problem.setObjectName(name)
            self.problem.style().polish(self.problem)
        self.log.setVisible(not waits)
        self.ask.setVisible(waits)
        self.again.setVisible(picture.state is PanelState.SWITCHED_OFF)

    def _keep_room(self) -> None:
        policy = self.busy.sizePolicy()
        policy.setRetainSizeWhenHidden(True)
        self.busy.setSizePolicy(policy)

    def _make_trouble(self) -> QWidget:
        trouble = QWidget()
        buttons = QHBoxLayout()
        buttons.addWidget(self.again)
        buttons.addWidget(self.log)
        buttons.addWidget(self.ask)
        buttons.addStretch(1)
        layout = QVBoxLayout(trouble)
        layout.setContentsMargins(12, 10, 12, 4)
        layout.addWidget(self.problem)
        layout.addLayout(buttons)
        return trouble


class PluginPanels(QObject):
    """The docks of the panels that plugins contribute.

    Args:
        window: Where they dock.
        look: Of the window.
        registry: Where panels come from.
        runner: Asks them.
        beside: Returns the dock that new ones share their place with.
        selection: Returns what the person picked.
        instant: Returns what is shown.
        show_object: Selects a city object and flies there.
        show_log: Shows the log of the plugin of that id.
        show_plugin: Shows the plugin of that id in the Plugins panel.
    """

    def __init__(
        self,
        window: QMainWindow,
        look: Look,
        *,
        registry: PluginRegistry,
        runner: PanelRunner,
        beside: Callable[[], QDockWidget],
        selection: Callable[[], Selection | None],
        instant: Callable[[], datetime],
        show_object: Callable[[str], object],
        show_log: Callable[[str], None],
        show_plugin: Callable[[str], None],
    ) -> None:
        super().__init__(window)
        self._window, self._look, self._registry, self._runner = window, look, registry, runner
        self._beside, self._selection, self._instant = beside, selection, instant
        self._show_object, self._show_log, self._show_plugin = show_object, show_log, show_plugin
        self.docks: dict[str, PanelDock] = {}
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def show(self, panel_id: str) -> None:
        """Bring a panel to the front; it is made if it was never open."""
        contribution = self._registry.contribution(panel_id, PanelContribution)
        if contribution is None:
            return
        dock = self.docks.get(panel_id) or self._make(contribution)
        dock.show()
        dock.raise_()
        QTimer.singleShot(0, dock, dock.raise_)  # Qt makes the tabs of a new one only when it lays the docks out

    def toggle(self, panel_id: str) -> None:
        """Show a panel that is hidden or behind another; hide one that is in front."""
        dock = self.docks.get(panel_id)
        if dock is not None and self.is_shown(panel_id) and not dock.visibleRegion().isEmpty():
            dock.hide()
        else:
            self.show(panel_id)

    def is_shown(self, panel_id: str) -> bool:
        dock = self.docks.get(panel_id)
        return dock is not None and not dock.isHidden()

    def look(self) -> None:
        """Tell the panels that are in view what is there now; the timer stops when there is none."""
        if not self._runner.open_ids:
            self._timer.stop()
            return
        self._runner.look(selection=self._selection(), instant=self._instant())
        for panel_id in self._runner.open_ids:
            self.show_picture(panel_id)

    def show_picture(self, panel_id: str) -> None:
        """Show what a panel answered."""
        dock = self.docks.get(panel_id)
        if dock is not None:
            dock.show_picture(self._runner.picture(panel_id), now=time.monotonic())

    def follow_registry(self) -> None:
        """Take away the docks of panels that are gone; ask the others anew."""
        for panel_id in tuple(self.docks):
            if self._registry.contribution(panel_id, PanelContribution) is None:
                self._runner.reload(panel_id)
                dock = self.docks.pop(panel_id)
                self._window.removeDockWidget(dock)
                dock.deleteLater()
            else:
                self._runner.reload(panel_id)

    def keep(self) -> None:
        """Remember which panels are open, for the next start; where they are is in the layout of the window."""
        shown = [panel_id for panel_id in self.docks if self.is_shown(panel_id)]
        try:
            write_atomically(_path(), json.dumps(shown).encode())
        except WriteError as error:
            _log.warning("Which panels are open could not be kept. %s", error)

    def recall(self) -> None:
        """Open the panels that were open the last time, as far as their plugins are still there."""
        try:
            kept = json.loads(_path().read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("Which panels were open cannot be told (%s).", error)
            return
        wanted = kept if isinstance(kept, list) else ()
        for panel in self._registry.panels:
            if panel.id in wanted and panel.id not in self.docks:
                self._make(panel).show()

    def close(self) -> None:
        self.keep()
        self._timer.stop()
        self._runner.end()

    def _make(self, contribution: PanelContribution) -> PanelDock:
        panel_id = contribution.id
        plugin = self._registry.plugin_of(panel_id)
        dock = PanelDock(contribution, plugin.name, self._look, self._window)
        dock.view.entered.connect(lambda element, value: self._runner.enter(panel_id, element, value))
        dock.view.pressed.connect(lambda button: self._runner.press(panel_id, button))
        dock.view.object_chosen.connect(self._show_object)
        dock.again.clicked.connect(lambda: self._runner.switch_on(panel_id))
        dock.log.clicked.connect(lambda: self._show_log(plugin.id))
        dock.ask.clicked.connect(lambda: self._show_plugin(plugin.id))
        dock.visibilityChanged.connect(lambda visible: self._follow_view(panel_id, visible=visible))
        self.docks[panel_id] = dock
        # a dock that the window saw in an earlier session goes back to its place
        if not self._window.restoreDockWidget(dock):
            self._window.addDockWidget(Qt.DockWidgetArea.RightDockWidgetArea, dock)
            self._window.tabifyDockWidget(self._beside(), dock)
        return dock

    def _follow_view(self, panel_id: str, *, visible: bool) -> None:
        if panel_id not in self.docks:
            return
        if visible and self._registry.contribution(panel_id, PanelContribution) is not None:
            self._runner.open(panel_id)
            self.look()
            self._timer.start()
        else:
            self._runner.close(panel_id)


def _path() -> Path:
    return state_dir() / "plugin-panels.json"

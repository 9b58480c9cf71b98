"""The Plugins panel: which plugins there are, how they fare, and what can be done about them."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QLabel, QPushButton, QSplitter, QVBoxLayout, QWidget

from twinviewer.app.plugins.finding import Plugin, PluginOrigin
from twinviewer.app.plugins.health import PluginHealth, PluginState
from twinviewer.model.errors import PluginError
from twinviewer.ui.look import Look
from twinviewer.ui.plugin_details import PluginDetails
from twinviewer.ui.plugin_list import PluginList

LOOK_EVERY_MS = 1000
LIST_PX = 230
MOST_REFUSALS = 3
"""Manifests that are named here; the Problems panel has all."""


class PluginsPanel(QWidget):
    """Shows plugins; looks again once a second while it is in view.  All signals carry the id of the chosen plugin."""

    look_asked = Signal()
    enable_asked = Signal(str, bool)
    consent_asked = Signal(str)
    settings_asked = Signal(str)
    log_asked = Signal(str)
    folder_asked = Signal(str)
    remove_asked = Signal(str)
    install_asked = Signal()
    switch_on_asked = Signal(str)
    """Contribution id."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._plugins: dict[str, tuple[Plugin, PluginHealth]] = {}
        self.summary = QLabel()
        self.summary.setObjectName("muted")
        self.install = QPushButton("Install…")
        self.install.setToolTip("Install a plugin from a wheel, an archive, or the plugin.toml in its folder.")
        self.install.clicked.connect(self.install_asked)
        top = QHBoxLayout()
        top.setContentsMargins(12, 8, 10, 6)
        top.addWidget(self.summary, 1)
        top.addWidget(self.install)
        self.refused = QLabel()
        self.refused.setObjectName("error")
        self.refused.setTextFormat(Qt.TextFormat.PlainText)
        self.refused.setWordWrap(True)
        self.refused.setMargin(10)
        self.list = PluginList(look)
        self.list.chosen.connect(lambda _: self._show_chosen())
        self.details = PluginDetails()
        self.details.consent_asked.connect(lambda: self.consent_asked.emit(self.list.current_id))
        self.details.settings_asked.connect(lambda: self.settings_asked.emit(self.list.current_id))
        self.details.switch_on_asked.connect(self.switch_on_asked)
        self.switch, self.settings, self.log = QPushButton("Switch off"), QPushButton("Settings…"), QPushButton("Log…")
        self.folder, self.remove = QPushButton("Open folder"), QPushButton("Remove…")
        self.log.setToolTip("Show what it printed, what it logged, and its errors in full.")
        self.folder.setToolTip("Open the folder with its files.")
        self.remove.setToolTip("Remove a plugin that you installed.")
        self.switch.clicked.connect(self._ask_to_switch)
        self.settings.clicked.connect(lambda: self.settings_asked.emit(self.list.current_id))
        self.log.clicked.connect(lambda: self.log_asked.emit(self.list.current_id))
        self.folder.clicked.connect(lambda: self.folder_asked.emit(self.list.current_id))
        self.remove.clicked.connect(lambda: self.remove_asked.emit(self.list.current_id))
        self._buttons = QWidget()
        grid = QGridLayout(self._buttons)
        grid.setContentsMargins(10, 6, 10, 8)
        grid.setSpacing(6)
        for number, button in enumerate((self.switch, self.settings, self.log, self.folder, self.remove)):
            grid.addWidget(button, number // 3, number % 3)
        for column in range(3):
            grid.setColumnStretch(column, 1)
        below = QWidget()
        column_below = QVBoxLayout(below)
        column_below.setContentsMargins(0, 0, 0, 0)
        column_below.setSpacing(0)
        column_below.addWidget(self.details, 1)
        column_below.addWidget(self._buttons)
        splitter = QSplitter(Qt.Orientation.Vertical)
        splitter.addWidget(self.list)
        splitter.addWidget(below)
        splitter.setStretchFactor(0, 2)
        splitter.setStretchFactor(1, 3)
        splitter.setChildrenCollapsible(False)
        splitter.setSizes([LIST_PX, 2 * LIST_PX])
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(top)
        layout.addWidget(self.refused)
        layout.addWidget(splitter, 1)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look_asked)

    def show_plugins(
        self,
        plugins: Sequence[tuple[Plugin, PluginHealth]],
        *,
        refused: Sequence[PluginError] = (),
        safe_mode: bool = False,
    ) -> None:
        """Show all plugins, and the manifests that were refused."""
        self._plugins = {plugin.id: (plugin, health) for plugin, health in plugins}
        count = f"{len(plugins)} plugin{'' if len(plugins) == 1 else 's'}"
        self.summary.setText("Safe mode: only what is built in was loaded" if safe_mode else count)
        lines = [f"Refused: {error}" for error in refused[:MOST_REFUSALS]]
        if len(refused) > MOST_REFUSALS:
            lines.append(f"{len(refused) - MOST_REFUSALS} more were refused; the Problems panel lists them.")
        self.refused.setText("\n".join(lines))
        self.refused.setVisible(bool(lines))
        self.list.show_plugins([health for _, health in plugins])
        if not self.list.current_id and plugins:
            self.list.choose(plugins[0][0].id)
        self._show_chosen()

    def choose(self, plugin_id: str) -> None:
        """Show the details of a plugin."""
        self.list.choose(plugin_id)

    def _show_chosen(self) -> None:
        shown = self._plugins.get(self.list.current_id)
        self.details.setVisible(shown is not None)
        self._buttons.setEnabled(shown is not None)
        if shown is None:
            return
        plugin, health = shown
        self.details.show_plugin(plugin, health)
        is_off = health.state is PluginState.OFF
        self.switch.setText("Switch on" if is_off else "Switch off")
        self.switch.setEnabled(plugin.origin is not PluginOrigin.BUILT_IN)
        self.switch.setToolTip(
            "It is part of the program and stays on."
            if plugin.origin is PluginOrigin.BUILT_IN
            else "Let it contribute again."
            if is_off
            else "Take away all that it contributes, now and at the next start."
        )
        self.settings.setEnabled(bool(plugin.manifest.settings))
        self.settings.setToolTip("Choose its settings." if plugin.manifest.settings else "It has no settings.")
        self.remove.setEnabled(plugin.origin is PluginOrigin.USER)

    def _ask_to_switch(self) -> None:
        shown = self._plugins.get(self.list.current_id)
        if shown is not None:
            self.enable_asked.emit(shown[0].id, shown[1].state is PluginState.OFF)

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.look_asked.emit()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self._timer.stop()

"""The panels around the view: where they dock at first, their titles, and how the layout is kept."""

from __future__ import annotations

import hashlib
import json
import logging
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QHBoxLayout, QLabel, QMainWindow, QWidget

from twinviewer.app.atomic import write_atomically
from twinviewer.app.folders import state_dir
from twinviewer.model.errors import WriteError
from twinviewer.ui.look import Look
from twinviewer.ui.panels import Panels

_log = logging.getLogger(__name__)

LAYOUT_VERSION = 2
LEFT_PX, RIGHT_PX, BOTTOM_PX = 290, 340, 190

TITLES = {
    "layers": "Layers",
    "objects": "Objects",
    "inspector": "Inspector",
    "style": "Style",
    "time": "Time",
    "problems": "Problems",
    "log": "Log",
    "plugins": "Plugins",
    "results": "Results",
}


class DockTitle(QWidget):
    """The bar on top of a panel."""

    def __init__(self, text: str, dock: QDockWidget, look: Look) -> None:
        super().__init__(dock)
        self.setObjectName("panelTitle")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        label = QLabel(text)
        close = look.button("x", f"Close {text}", tooltip=f"Close this panel; Window › {text} brings it back.")
        close.clicked.connect(dock.close)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 2, 4, 2)
        layout.addWidget(label, 1)
        layout.addWidget(close)


class Docks:
    """The dock widgets of one window."""

    def __init__(self, window: QMainWindow, panels: Panels, look: Look) -> None:
        self._window = window
        self.docks: dict[str, QDockWidget] = {}
        for name, title in TITLES.items():
            dock = QDockWidget(title, window)
            dock.setObjectName(f"dock.{name}")
            dock.setAccessibleName(title)
            dock.setWidget(getattr(panels, name))
            dock.setTitleBarWidget(QWidget(dock) if name == "time" else DockTitle(title, dock, look))
            self.docks[name] = dock
        window.setDockOptions(
            QMainWindow.DockOption.AnimatedDocks
            | QMainWindow.DockOption.AllowTabbedDocks
            | QMainWindow.DockOption.AllowNestedDocks
        )
        self.reset()

    def reset(self) -> None:
        """Put every panel where it was at first."""
        window, docks = self._window, self.docks
        areas = Qt.DockWidgetArea
        for dock in docks.values():
            dock.setFloating(False)
            window.removeDockWidget(dock)
        window.addDockWidget(areas.LeftDockWidgetArea, docks["layers"])
        window.addDockWidget(areas.LeftDockWidgetArea, docks["objects"])
        window.tabifyDockWidget(docks["layers"], docks["objects"])
        window.addDockWidget(areas.RightDockWidgetArea, docks["inspector"])
        window.addDockWidget(areas.RightDockWidgetArea, docks["style"])
        window.tabifyDockWidget(docks["inspector"], docks["style"])
        window.addDockWidget(areas.RightDockWidgetArea, docks["plugins"])
        window.tabifyDockWidget(docks["style"], docks["plugins"])
        window.addDockWidget(areas.BottomDockWidgetArea, docks["problems"])
        window.addDockWidget(areas.BottomDockWidgetArea, docks["time"])
        window.splitDockWidget(docks["problems"], docks["time"], Qt.Orientation.Vertical)
        window.addDockWidget(areas.BottomDockWidgetArea, docks["log"])
        window.tabifyDockWidget(docks["problems"], docks["log"])
        window.addDockWidget(areas.BottomDockWidgetArea, docks["results"])
        window.tabifyDockWidget(docks["problems"], docks["results"])
        for name, dock in docks.items():
            dock.setVisible(name not in ("problems", "log", "results", "plugins"))
        docks["layers"].raise_()
        docks["inspector"].raise_()
        window.resizeDocks([docks["layers"], docks["inspector"]], [LEFT_PX, RIGHT_PX], Qt.Orientation.Horizontal)
        window.resizeDocks([docks["problems"]], [BOTTOM_PX], Qt.Orientation.Vertical)

    def show(self, name: str) -> None:
        """Bring a panel to the front."""
        self.docks[name].show()
        self.docks[name].raise_()

    def offer(self, name: str) -> None:
        """Bring a panel to the front, unless a plugin's is in front of it: that follows the selection, too."""
        beside = self._window.tabifiedDockWidgets(self.docks[name])
        of_plugins = (dock for dock in beside if dock not in self.docks.values())
        if all(dock.visibleRegion().isEmpty() for dock in of_plugins):
            self.show(name)

    def toggle(self, name: str) -> None:
        """Show a panel that is hidden or behind another; hide one that is in front."""
        dock = self.docks[name]
        if not dock.isHidden() and not dock.visibleRegion().isEmpty():
            dock.hide()
        else:
            self.show(name)

    def keep(self) -> None:
        """Remember size and layout for the next start."""
        geometry = bytes(self._window.saveGeometry().data())
        layout = bytes(self._window.saveState(LAYOUT_VERSION).data())
        kept = {
            "geometry": geometry.hex(),
            "layout": layout.hex(),
            "sha256": hashlib.sha256(geometry + layout).hexdigest(),
        }
        try:
            write_atomically(_path(), json.dumps(kept, indent=2).encode())
        except WriteError as error:
            _log.warning("The layout of the window could not be kept. %s", error)

    def recall(self) -> None:
        """Bring back size and layout of the last time, if they are just as they were kept.

        Qt trusts the numbers in them: a single wrong bit can end the program, at every start.
        """
        try:
            kept = json.loads(_path().read_bytes())
            geometry, layout = bytes.fromhex(kept["geometry"]), bytes.fromhex(kept["layout"])
            intact = hashlib.sha256(geometry + layout).hexdigest() == kept["sha256"]
        except FileNotFoundError:
            return
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("The kept layout of the window cannot be used (%s).", error)
            return
        if not intact:
            _log.warning("The kept layout of the window is damaged.")
            return
        self._window.restoreGeometry(geometry)
        if not self._window.restoreState(layout, LAYOUT_VERSION):
            self.reset()


def _path() -> Path:
    return state_dir() / "window.json"

"""The menus, made from the table of commands; the lists that change are filled when they are opened."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu, QWidget

from twinviewer.app.commands import SetOverlay
from twinviewer.model.project import OverlaySpec
from twinviewer.ui.action_table import ACTIONS, MENUS
from twinviewer.ui.time_bar import SPEEDS, speed_text

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow


class Menus:
    """The menu bar of one window."""

    def __init__(self, window: MainWindow) -> None:
        self._window = window
        self.menus: dict[str, QMenu] = {}
        for name in MENUS:
            self.menus[name] = window.menuBar().addMenu(f"&{name}")
            self.menus[name].setToolTipsVisible(True)
        for spec in ACTIONS:
            menu = self._menu(spec.menu)
            if spec.separator:
                menu.addSeparator()
            menu.addAction(window.commands[spec.id])
            if spec.id == "file.demo":
                self._dynamic("Open &recent", menu, self._fill_recent)
            elif spec.id == "live.forward":
                self._dynamic("S&peed", menu, self._fill_speeds)
                self._dynamic("&Overlays", menu, self._fill_overlays)
            elif spec.id == "tools.identify":
                self._dynamic("&Analyses", menu, lambda menu: window.analyses.fill_menu(menu))
            elif spec.id == "view.presentation":
                self._dynamic("T&ours", menu, lambda menu: window.contributed.fill_tours(menu))
            elif spec.id == "window.plugins":
                self._dynamic("Pa&nels", menu, lambda menu: window.contributed.fill_panels(menu))
        self.bookmarks = self.menus["View/Bookmarks"]
        self._bookmark_actions = self.bookmarks.addSeparator()
        self.bookmarks.aboutToShow.connect(self._fill_bookmarks)
        plugins = self.menus["Plugins"]
        plugins.aboutToShow.connect(lambda: window.contributed.list_commands(plugins))

    def popup(self, name: str, at: QWidget) -> None:
        """Open a menu above a widget."""
        menu = self.menus[name]
        menu.popup(at.mapToGlobal(QPoint(0, -menu.sizeHint().height())))

    def _menu(self, path: str) -> QMenu:
        if path not in self.menus:
            above, _, title = path.rpartition("/")
            self.menus[path] = self._menu(above).addMenu(f"&{title}")
            self.menus[path].setToolTipsVisible(True)
        return self.menus[path]

    def _dynamic(self, title: str, above: QMenu, fill: Callable[[QMenu], None]) -> QMenu:
        menu = above.addMenu(title)

        def refill() -> None:
            menu.clear()
            fill(menu)

        menu.aboutToShow.connect(refill)
        return menu

    def _fill_recent(self, menu: QMenu) -> None:
        entries = self._window.services.recent.entries
        for entry in entries:
            path = Path(entry.path)
            action = menu.addAction(path.name)
            action.setToolTip(entry.path)
            action.setEnabled(entry.exists)
            action.triggered.connect(lambda _checked=False, path=path: self._window.projects.open([path]))
        if not entries:
            menu.addAction("Nothing yet").setEnabled(False)

    def _fill_speeds(self, menu: QMenu) -> None:
        clock = self._window.services.clock
        for speed in SPEEDS:
            action = menu.addAction(speed_text(speed))
            action.setCheckable(True)
            action.setChecked(clock.speed == speed)
            action.triggered.connect(
                lambda _checked=False, speed=speed: self._window.panels.time.speed_asked.emit(speed)
            )

    def _fill_overlays(self, menu: QMenu) -> None:
        session = self._window.services.session
        specs = {spec.id: spec for spec in session.project.overlays}
        for facts in self._window.live.overlays:
            spec = specs.get(facts.id, OverlaySpec(id=facts.id, visible=False))
            action = menu.addAction(facts.title + (" (simulated)" if facts.simulated else ""))
            action.setCheckable(True)
            action.setChecked(spec.visible)
            action.triggered.connect(
                lambda checked, spec=spec: session.do(SetOverlay(overlay=replace(spec, visible=checked)))
            )
        if not self._window.live.overlays:
            menu.addAction("No plugin offers one").setEnabled(False)

    def _fill_bookmarks(self) -> None:
        menu = self.bookmarks
        actions = menu.actions()
        for action in actions[actions.index(self._bookmark_actions) + 1 :]:
            menu.removeAction(action)
        for bookmark in self._window.services.session.project.bookmarks:
            action = menu.addAction(bookmark.title)
            action.triggered.connect(lambda _checked=False, bookmark=bookmark: self._window.views.go_to(bookmark))

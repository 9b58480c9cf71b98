"""What the commands about the program itself do: undo, search, settings, themes, panels, presentation, help."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QWidget

from twinviewer.app.folders import data_dir, state_dir
from twinviewer.app.project_file import ViewState
from twinviewer.app.read_cache import CacheFacts
from twinviewer.app.settings import Settings, save_settings
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.project import Bookmark
from twinviewer.ui.docks import TITLES
from twinviewer.ui.help_dialog import TextDialog, help_html
from twinviewer.ui.settings_dialog import SettingsDialog
from twinviewer.ui.time_bar import zone_for

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow

PRESENTATION_PRESET = "presentation"


class ProgramCommands(QObject):
    """Between the menus and the window."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__()
        self._window = window
        self._before_presentation: tuple[bool, list[QWidget]] | None = None
        self._time_before_stops: ViewState | None = None
        """What the clock was at, if a stop of the presentation set it to another time."""

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands of the Edit, Tools, Plugins, Window and Help menus do."""
        window, session = self._window, self._window.services.session
        docks = {f"window.{name}": self._toggling(name) for name in TITLES}
        return {
            **docks,
            "file.quit": window.close,
            "edit.undo": session.undo,
            "edit.redo": session.redo,
            "edit.copy_id": window.panels.inspector.copy_id,
            "edit.deselect": lambda: window.layers.show_pick(None),
            "edit.settings": self.ask_for_settings,
            **{f"theme.{name}": self._choosing(theme=name) for name in ("system", "light", "dark", "high-contrast")},
            **{f"navigation.{name}": self._choosing(navigation=name) for name in ("map", "orbit")},
            "view.presentation": self.start_presentation,
            "view.full_screen": self.toggle_full_screen,
            "tools.search": self.search,
            "tools.palette": self.find_command,
            "tools.identify": self.identify,
            "plugins.list": lambda: window.docks.show("plugins"),
            "plugins.install": window.administration.ask_what_to_install,
            "plugins.folder": lambda: self._open_folder("plugins"),
            "file.clear_cache": self.clear_cache,
            "window.reset": window.docks.reset,
            "window.welcome": window.show_welcome,
            "help.help": self.show_help,
            "help.log_folder": lambda: self._open_folder("log"),
            "help.about": self.show_about,
        }

    def search(self) -> None:
        title = "Place, object id, layer or command"
        self._window.palette_box.ask(title, self._window.finder.everything)

    def find_command(self) -> None:
        self._window.palette_box.ask("Command", self._window.finder.commands)

    def identify(self) -> None:
        """Pick what lies in the middle of the view, as Enter does: for people without a mouse."""
        x, y = self._window.viewport.picture_size().centre_px
        self._window.viewport.clicked.emit(x, y, Qt.KeyboardModifier.NoModifier)

    def use_settings(self, settings: Settings) -> None:
        """Let settings take effect, and keep them."""
        window = self._window
        window.services.settings = settings
        window.look.use(settings.theme)
        window.viewport.navigator.preset = settings.navigation
        window.viewport.navigator.reduce_motion = settings.reduce_motion
        window.panels.time.zone = zone_for(settings.time_zone)
        window.commands.check_choice("theme", settings.theme)
        window.commands.check_choice("navigation", settings.navigation)
        window.live.wake()
        try:
            save_settings(settings)
        except TwinViewerError as error:
            window.projects.tell(error)

    def ask_for_settings(self) -> None:
        dialog = SettingsDialog(self._window.services.settings, self._window)
        if dialog.exec():
            self.use_settings(dialog.settings)

    def clear_cache(self) -> None:
        """Remove what was kept of opened files; say how much that was."""
        services = self._window.services

        def told(cleared: CacheFacts) -> None:
            files = "1 file" if cleared.entries == 1 else f"{cleared.entries} files"
            self._window.toasts.show(f"Removed what was kept of {files} ({cleared.size / 1e6:,.0f} MB)")

        services.background(services.cache.clear, told)

    def toggle_full_screen(self) -> None:
        window = self._window
        window.setWindowState(window.windowState() ^ Qt.WindowState.WindowFullScreen)

    def start_presentation(self) -> None:
        """Hide everything but the scene and go around the bookmarks."""
        window = self._window
        if self._before_presentation is not None:
            return
        window.contributed.tours.end()
        window.layers.show_pick(None)
        chrome: list[QWidget] = [window.menuBar(), window.statusBar(), window.toolbar, window.viewport.compass]
        chrome += [window.restore_bar, window.sections.bar]
        chrome += [*window.docks.docks.values(), *window.contributed.panels.docks.values()]
        shown = [widget for widget in chrome if not widget.isHidden()]
        self._before_presentation = (window.isFullScreen(), shown)
        for widget in shown:
            widget.hide()
        window.consent_bar.hold(held=True)
        window.show_view()
        window.setWindowState(window.windowState() | Qt.WindowState.WindowFullScreen)
        window.scene.set_preset(PRESENTATION_PRESET)
        window.viewport.setFocus()
        window.viewport.setCursor(Qt.CursorShape.BlankCursor)
        window.presentation.start()

    @property
    def is_presenting(self) -> bool:
        """Whether the audience looks at the view, and at nothing else."""
        return self._before_presentation is not None

    def leave_presentation(self) -> None:
        """Bring everything back as it was."""
        if self._before_presentation is None:
            return
        window = self._window
        was_full, shown = self._before_presentation
        self._before_presentation = None
        if not was_full:
            window.setWindowState(window.windowState() & ~Qt.WindowState.WindowFullScreen)
        for widget in shown:
            widget.show()
        window.consent_bar.hold(held=False)
        window.viewport.unsetCursor()
        if self._time_before_stops is not None:
            window.live.show_view_state(self._time_before_stops)
            self._time_before_stops = None
        window.scene.set_preset(window.services.session.project.preset)

    def follow_stop(self, bookmark: Bookmark) -> None:
        """Go to the time of a stop of the tour."""
        if bookmark.instant is not None:
            self._time_before_stops = self._time_before_stops or self._window.live.view_state()
            self._window.live.scrub(bookmark.instant)

    def show_help(self) -> None:
        page = help_html(self._window.look.theme, navigation=self._window.services.settings.navigation)
        self._show_page("Help", page)

    def show_about(self) -> None:
        version = importlib.metadata.version("twinviewer")
        self._show_page(
            "About twinviewer",
            f"<h2>twinviewer {version}</h2><p>Cities in three dimensions, with what happens in them.</p>"
            "<p>Free software under the Apache License 2.0. It stands on Qt for Python (LGPL 3), VTK and PyVista "
            "(BSD and MIT), PROJ and GDAL (MIT), laspy, lazrs, lxml, shapely, trimesh and many more; their licences "
            "come with their packages. Icons: Lucide (ISC).</p>"
            "<p>Nothing is sent anywhere: the program has no telemetry.</p>",
        )

    def _show_page(self, title: str, html: str) -> None:
        dialog = TextDialog(title, html, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _toggling(self, name: str) -> Callable[[], None]:
        return lambda: self._window.docks.toggle(name)

    def _choosing(self, **changes: Any) -> Callable[[], None]:
        return lambda: self.use_settings(replace(self._window.services.settings, **changes))

    @staticmethod
    def _open_folder(name: str) -> None:
        folder = (data_dir() if name == "plugins" else state_dir()) / name
        folder.mkdir(exist_ok=True)
        QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))

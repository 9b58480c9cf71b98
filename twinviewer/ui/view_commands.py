"""What the View menu does: where the camera goes, how the scene is drawn, bookmarks and pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QObject
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QInputDialog, QWidget

from twinviewer.app.commands import AddBookmark, RemoveBookmark, SetPreset
from twinviewer.app.session import Session
from twinviewer.live.clock import Clock, ClockMode
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.place import Extent
from twinviewer.model.project import Bookmark
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.furniture import caption
from twinviewer.scene.named_views import NamedView
from twinviewer.ui.status_bar import copied_coordinates
from twinviewer.ui.toasts import Toasts
from twinviewer.ui.viewport import Viewport

PRESETS = {"planning": "Planning", "point-cloud": "Point clouds", "presentation": "Presentation", "safe": "Safe"}
ZOOM_STEPS = 2.0


class ViewCommands(QObject):
    """Between the View menu and the viewport."""

    def __init__(
        self,
        session: Session,
        clock: Clock,
        viewport: Viewport,
        scene: CityScene,
        toasts: Toasts,
        *,
        window: QWidget,
        selection_extent: Callable[[], Extent | None],
        scrub: Callable[[datetime], None],
        picture_note: Callable[[], str],
        on_error: Callable[[TwinViewerError], None],
    ) -> None:
        super().__init__()
        self._session, self._clock = session, clock
        self._viewport, self._scene, self._toasts, self._window = viewport, scene, toasts, window
        self._selection_extent = selection_extent
        self._scrub, self._picture_note, self._on_error = scrub, picture_note, on_error
        self.position: tuple[float, float, float] | None = None
        """What lies under the cursor."""

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands of the View menu do, as far as they are about the scene."""
        navigator = self._viewport.navigator
        return {
            "view.fit": lambda: navigator.show_view(NamedView.OVERVIEW),
            "view.fit_selection": self.fit_selection,
            "view.north": navigator.north_up,
            "view.top": navigator.straight_down,
            "view.isometric": lambda: navigator.show_view(NamedView.ISOMETRIC_SOUTH_WEST),
            "view.street": lambda: navigator.show_view(NamedView.STREET),
            "view.parallel": lambda: navigator.set_parallel(not self._scene.viewpoint.parallel),
            "view.zoom_in": lambda: navigator.zoom_by(ZOOM_STEPS),
            "view.zoom_out": lambda: navigator.zoom_by(-ZOOM_STEPS),
            "view.add_bookmark": self.add_bookmark,
            "view.remove_bookmark": self.remove_bookmark,
            "file.picture": self.ask_for_picture,
            "edit.copy_coordinates": self.copy_coordinates,
            **{f"preset.{name}": self._choosing_preset(name) for name in PRESETS},
        }

    def _choosing_preset(self, name: str) -> Callable[[], None]:
        return lambda: self._session.do(SetPreset(preset=name))

    def show_extent(self, extent: Extent) -> None:
        """Fly to where all of ``extent`` is seen."""
        self._viewport.navigator.show_extent(extent)

    def fit_selection(self) -> None:
        extent = self._selection_extent()
        if extent is not None:
            self.show_extent(extent)

    def go_to(self, bookmark: Bookmark) -> None:
        """Fly to a bookmark, and to its time where it has one."""
        self._viewport.navigator.fly_to(bookmark.viewpoint)
        if bookmark.instant is not None:
            self._scrub(bookmark.instant)

    def add_bookmark(self) -> None:
        number = len(self._session.project.bookmarks) + 1
        title, chosen = QInputDialog.getText(self._window, "Add bookmark", "Name of this view:", text=f"View {number}")
        if chosen and title.strip():
            self.keep_view(title.strip())

    def keep_view(self, title: str) -> None:
        """Add a bookmark of what is seen now; of the time too, unless that is the present."""
        instant = None if self._clock.mode is ClockMode.LIVE else self._clock.now()
        taken = {mark.title for mark in self._session.project.bookmarks}
        name, number = title, 2
        while name in taken:
            name, number = f"{title} ({number})", number + 1
        bookmark = Bookmark(title=name, viewpoint=self._scene.viewpoint, instant=instant)
        self._session.do(AddBookmark(bookmark=bookmark))

    def remove_bookmark(self) -> None:
        titles = [mark.title for mark in self._session.project.bookmarks]
        if not titles:
            return
        title, chosen = QInputDialog.getItem(self._window, "Remove bookmark", "Which one?", titles, 0, False)
        if chosen:
            self._session.do(RemoveBookmark(title=title))

    def copy_coordinates(self) -> None:
        """Put the position under the cursor on the clipboard."""
        if self.position is not None:
            text = copied_coordinates(self.position)
            QGuiApplication.clipboard().setText(text)
            self._toasts.show(f"Copied {text}")

    def ask_for_picture(self) -> None:
        name, _ = QFileDialog.getSaveFileName(self._window, "Save picture", "twinviewer.png", "Pictures (*.png)")
        if name:
            self.save_picture(Path(name if Path(name).suffix else f"{name}.png"))

    def save_picture(self, path: Path) -> None:
        """Write what is seen, with scale bar and north arrow, and with a word on what is simulated."""
        try:
            note = self._picture_note()
            with caption(self._viewport.renderer, note) if note else nullcontext():
                self._scene.screenshot(path, map_furniture=True)
        except TwinViewerError as error:
            self._on_error(error)
            return
        self._toasts.show(f"Saved {path.name}")

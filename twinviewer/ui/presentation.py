"""The presentation: full screen, nothing but the scene, from bookmark to bookmark; Esc leaves.

At each stop the view turns slowly; then it flies to the next.  Without bookmarks it circles over the whole city.
"""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QLabel, QWidget

from twinviewer.model.project import Bookmark
from twinviewer.scene.named_views import NamedView
from twinviewer.ui.viewport import Viewport

STAY_MS = 14_000
CIRCLE_S = 90.0
LOOK_EVERY_MS = 200


class Caption(QLabel):
    """The name of what is seen, low in the middle, large: legends are on the left."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setStyleSheet(
            "color: #ffffff; background: rgba(12, 16, 22, 170); font-size: 22pt; font-weight: 600;"
            "padding: 10px 20px; border-radius: 8px;"
        )
        over.installEventFilter(self)
        self.hide()

    def show_text(self, text: str) -> None:
        self.setText(text)
        self.setVisible(bool(text))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        over = self.parentWidget()
        if over is not None and self.isVisible():
            self.adjustSize()
            self.move((over.width() - self.width()) // 2, over.height() - self.height() - 36)
            self.raise_()


class Presentation(QObject):
    """Runs one tour at a time over one viewport."""

    ended = Signal()
    stop_reached = Signal(object)
    """The :class:`Bookmark` that is flown to."""

    def __init__(self, viewport: Viewport, bookmarks: Callable[[], tuple[Bookmark, ...]]) -> None:
        super().__init__(viewport)
        self._viewport, self._bookmarks = viewport, bookmarks
        self.caption = Caption(viewport)
        self._at = -1
        self.is_running = False
        self._next = QTimer(self)
        self._next.setSingleShot(True)
        self._next.timeout.connect(self._go_on)
        self._arrival = QTimer(self)
        self._arrival.setInterval(LOOK_EVERY_MS)
        self._arrival.timeout.connect(self._look_whether_there)

    def start(self) -> None:
        """Begin at the first bookmark."""
        self.is_running = True
        self._at = -1
        self._viewport.installEventFilter(self)
        self._go_on()

    def stop(self) -> None:
        """End, wherever it is."""
        if not self.is_running:
            return
        self.is_running = False
        self._next.stop()
        self._arrival.stop()
        self._viewport.removeEventFilter(self)
        self._viewport.navigator.stop()
        self.caption.hide()
        self.ended.emit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        key = getattr(event, "key", lambda: None)()
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride) and key == Qt.Key.Key_Escape:
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                self.stop()
            return True
        if event.type() == QEvent.Type.KeyPress and key in (Qt.Key.Key_Right, Qt.Key.Key_PageDown, Qt.Key.Key_Space):
            self._go_on()
            return True
        return super().eventFilter(watched, event)

    def _go_on(self) -> None:
        bookmarks = self._bookmarks()
        if bookmarks:
            self._at = (self._at + 1) % len(bookmarks)
            stop = bookmarks[self._at]
            self.stop_reached.emit(stop)
            self._viewport.navigator.fly_to(stop.viewpoint)
            self.caption.show_text(stop.title)
        else:
            self._viewport.navigator.show_view(NamedView.OVERVIEW)
            self.caption.show_text("")
        self._next.stop()
        self._arrival.start()

    def _look_whether_there(self) -> None:
        if self._viewport.navigator.is_moving:
            return
        self._arrival.stop()
        if not self._viewport.navigator.reduce_motion:
            self._viewport.navigator.turn_slowly(CIRCLE_S)
        if self._bookmarks():
            self._next.start(STAY_MS)

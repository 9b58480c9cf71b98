"""What a person's hand does to the window: clicks at a place in the city, drops files."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

LEFT, NONE, COPY = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, Qt.DropAction.CopyAction
READ_WITHIN_MS = 60_000
"""On a busy machine; the first file waits for a worker to start."""


def mime(paths) -> QMimeData:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return data


def drop(window, *paths: Path) -> None:
    data = mime(paths)
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(500, 300), COPY, data, LEFT, NONE))
    QApplication.sendEvent(window, QDropEvent(QPointF(500, 300), COPY, data, LEFT, NONE))
    QApplication.processEvents()  # the window answers first and opens then


def wait_until_read(program, qtbot) -> None:
    opener = program.window.services.opener
    qtbot.waitUntil(lambda: not opener.is_busy and program.window.is_settled, timeout=READ_WITHIN_MS)


def on_screen(program, position: tuple[float, float, float]) -> QPoint:
    """Return the point of the view where VTK itself draws a position of the project."""
    viewport, origin = program.window.viewport, program.session.project.origin
    renderer = viewport.renderer
    renderer.SetWorldPoint(*(a - b for a, b in zip(position, origin, strict=True)), 1.0)
    renderer.WorldToDisplay()
    x, y, _ = renderer.GetDisplayPoint()
    ratio = viewport.devicePixelRatioF()
    return QPoint(round(x / ratio), round((renderer.GetRenderWindow().GetSize()[1] - y) / ratio))


def click_at(program, position: tuple[float, float, float]) -> None:
    QTest.mouseClick(program.window.viewport, LEFT, NONE, on_screen(program, position))
    QApplication.processEvents()

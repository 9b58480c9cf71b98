"""The view goes away cleanly, however the program ends, and leaves nothing behind that the next one trips over."""

from __future__ import annotations

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication, QMainWindow

from tests.end_to_end.exits import WAYS, run_and_end
from tests.ui.fake_scene import BoxScene
from twinviewer.ui.viewport import Viewport


@pytest.mark.timeout(300)
def test_the_program_ends_with_status_0_and_nothing_on_stderr_in_every_way():
    assert [ending for ending in run_and_end(times=len(WAYS)) if not ending.is_clean] == []


def test_views_open_and_close_in_one_program_while_old_ones_are_still_referred_to(qtbot):
    kept = []
    for _ in range(25):
        window = QMainWindow()
        viewport = Viewport(window)
        window.setCentralWidget(viewport)
        window.resize(200, 150)
        with qtbot.waitExposed(window):
            window.show()
        viewport.set_scene(BoxScene(viewport, viewport.picture_size()))
        QApplication.processEvents()
        viewport.close()
        viewport.close()
        viewport.request_render()
        viewport.render()
        window.close()
        window.deleteLater()
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
        kept.append(viewport)
    assert all(viewport._closed for viewport in kept)


def test_a_view_that_was_never_shown_closes_too(qapp):
    viewport = Viewport()
    viewport.close()
    assert viewport._closed


def test_closing_one_of_two_views_leaves_the_other_drawing(qtbot):
    views = []
    for _ in range(2):
        viewport = Viewport()
        viewport.resize(200, 150)
        with qtbot.waitExposed(viewport):
            viewport.show()
        viewport.set_scene(BoxScene(viewport, viewport.picture_size()))
        views.append(viewport)
    QApplication.processEvents()
    views[0].close()
    views[1].set_background("#ff0000")
    views[1].clear_actors()
    views[1].render()
    QApplication.processEvents()
    assert views[1].grabFramebuffer().pixelColor(50, 75).name() == "#ff0000"
    views[1].close()
    for viewport in views:
        viewport.deleteLater()


def test_a_view_that_moves_to_another_window_goes_on_drawing(qtbot):
    first, second = QMainWindow(), QMainWindow()
    viewport = Viewport(first)
    first.setCentralWidget(viewport)
    for window in (first, second):
        window.resize(300, 200)
        with qtbot.waitExposed(window):
            window.show()
    for window in (second, first, second):
        window.setCentralWidget(viewport)
        viewport.show()
        viewport.set_background("#00ff00")
        viewport.render()
        QApplication.processEvents()
        assert viewport.grabFramebuffer().pixelColor(20, 100).name() == "#00ff00"
    viewport.close()
    for window in (first, second):
        window.close()
        window.deleteLater()

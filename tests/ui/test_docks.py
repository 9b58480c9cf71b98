from __future__ import annotations

from pathlib import Path

import pytest
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from tests.app.test_settings import mutated
from twinviewer.ui.docks import TITLES, Docks
from twinviewer.ui.look import Look
from twinviewer.ui.time_bar import TimeBar


class FakePanels:
    """A widget for each panel."""

    def __init__(self) -> None:
        for name in TITLES:
            setattr(self, name, QWidget())


@pytest.fixture
def window(qtbot) -> QMainWindow:
    window = QMainWindow()
    window.resize(1000, 700)
    qtbot.addWidget(window)
    return window


@pytest.fixture
def docks(window, qapp) -> Docks:
    return Docks(window, FakePanels(), Look(qapp))


def test_size_and_layout_come_back(window, docks):
    window.resize(903, 650)
    docks.docks["style"].hide()
    docks.docks["layers"].setFloating(True)
    docks.keep()
    window.resize(1000, 700)
    docks.reset()
    docks.recall()
    assert (window.width(), window.height()) == (903, 650)
    assert docks.docks["style"].isHidden()
    assert docks.docks["layers"].isFloating()


def test_a_damaged_layout_never_reaches_qt_which_would_end_the_program(window, docks, own_profile: Path):
    """R16: 100 damages; whatever Qt is given is what it gave."""
    docks.keep()
    (path,) = (own_profile / "state").glob("window.*")
    good = path.read_bytes()
    docks.reset()
    before = window.saveState()
    for number in range(100):
        path.write_bytes(mutated(good, number))
        docks.recall()
        assert window.saveState() == before
    for garbage in (b"", b"[]", b"null", b'{"geometry": 1, "layout": "zz", "sha256": ""}', b"[" * 100_000):
        path.write_bytes(garbage)
        docks.recall()
        assert window.saveState() == before


def test_a_layout_that_cannot_be_kept_stops_nobody(docks, own_profile: Path):
    (own_profile / "state").mkdir(exist_ok=True)
    (own_profile / "state" / "window.json").mkdir()
    docks.keep()
    docks.recall()


def test_what_a_closed_panel_leaves_is_the_views_and_not_the_time_bars(window, qapp, qtbot):
    panels, look = FakePanels(), Look(qapp)
    panels.time = TimeBar(look)
    panels.results.setMinimumHeight(150)
    docks = Docks(window, panels, look)
    window.setCentralWidget(QWidget())
    with qtbot.waitExposed(window):
        window.show()
    height, view = panels.time.height(), window.centralWidget().height()
    docks.show("results")
    qtbot.waitUntil(lambda: window.centralWidget().height() < view - 50)
    docks.docks["results"].hide()
    qtbot.waitUntil(lambda: window.centralWidget().height() == view)
    assert panels.time.height() == height


def test_what_is_picked_is_shown_behind_a_plugins_panel_and_in_front_of_the_programs_own(window, docks, qtbot):
    plugins_own = QDockWidget("Summary", window)
    window.tabifyDockWidget(docks.docks["inspector"], plugins_own)
    with qtbot.waitExposed(window):
        window.show()

    def is_in_front(dock: QDockWidget) -> bool:
        return not dock.visibleRegion().isEmpty()

    plugins_own.raise_()
    qtbot.waitUntil(lambda: is_in_front(plugins_own))
    docks.offer("inspector")
    assert is_in_front(plugins_own)
    docks.show("style")
    qtbot.waitUntil(lambda: is_in_front(docks.docks["style"]))
    docks.offer("inspector")
    qtbot.waitUntil(lambda: is_in_front(docks.docks["inspector"]))

"""The whole program in a window, for tests; and the collector off while a test with windows runs."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest
from PySide6.QtCore import QEvent
from PySide6.QtWidgets import QApplication

from tests.scene import small_city
from twinviewer.app.commands import AddLayers
from twinviewer.ui.application import Program, make_application


@pytest.fixture(autouse=True)
def collector_off_while_windows_live() -> Iterator[None]:
    """Collect between tests only: the cyclic collector amid the dispatch of events frees what Qt still uses."""
    gc.disable()
    yield
    application = QApplication.instance()
    if application is not None:
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    gc.enable()


@pytest.fixture
def program(qapp, qtbot) -> Iterator[Program]:
    """The program on its welcome page.  A fault of its own, which a person would be told as a bug, fails the test."""
    make_application()
    program = Program()
    window = program.window
    window.resize(1100, 740)
    with qtbot.waitExposed(window):
        window.show()
    with qtbot.waitActive(window):  # there may be no window manager that would do it
        window.activateWindow()
    yield program
    bugs = [problem.problem for problem in program.problems.problems if problem.code == "bug"]
    program.end()
    assert bugs == []


def show_town(program: Program, **layers) -> None:
    """Put the small town of ``tests/scene`` into the program's document, and wait until it is drawn."""
    layers = layers or {"buildings": small_city.town(lods=("1", "2")), "streets": small_city.streets()}
    session = program.session
    for layer_id, data in layers.items():
        session.store.put(layer_id, data)
    specs = tuple(small_city.spec_of(layer_id, data) for layer_id, data in layers.items())
    session.do(AddLayers(layers=specs, crs=small_city.CRS, origin=small_city.ORIGIN))


@pytest.fixture
def town(program, qtbot) -> Program:
    """The program with the small town in its view."""
    show_town(program)
    qtbot.waitUntil(lambda: program.window.is_settled, timeout=30_000)
    QApplication.processEvents()
    return program

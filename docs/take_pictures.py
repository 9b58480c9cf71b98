"""Take the pictures of the README from the real window: ``make pictures`` (on a virtual display where there is none)."""

from __future__ import annotations

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

FOLDER = Path(__file__).parent / "images"
SIZE = (1440, 900)
LONGEST_WAIT_S = 120.0


def main() -> None:
    from twinviewer.ui.application import Program, make_application

    application = make_application()
    program = Program()
    try:
        program.window.resize(*SIZE)
        program.window.show()
        _take_all(program)
    finally:
        program.end()
        application.quit()


def _take_all(program) -> None:
    from twinviewer.app.commands import SetOverlay, SetPreset, SetVisible

    window, session = program.window, program.session

    def take(name: str, *, after_s: float = 1.5, moving: bool = False) -> None:
        _wait(lambda: moving or window.is_settled)
        _rest(after_s)
        window.grab().save(str(FOLDER / f"{name}.jpg"), quality=86)

    window.viewport.navigator.reduce_motion = True
    take("welcome", after_s=0.5)
    window.projects.open_demo()
    _wait(lambda: bool(session.project.layers))
    _wait(lambda: window.is_settled)
    morning, market, _, harbour, *_, evening = session.project.bookmarks
    window.views.go_to(morning)
    take("day", after_s=4.0)
    window.views.go_to(market)
    _rest(2.0)
    _click_on_a_building(window)
    take("picked")
    window.layers.show_pick(None)
    window.panels.layers.select_keys(set())
    window.views.go_to(evening)
    take("evening")
    window.commands.run("theme.dark")
    window.views.go_to(harbour)
    take("dark")
    window.commands.run("theme.light")
    window.commands.run("view.presentation")
    take("presentation", after_s=5.0, moving=True)
    QTest.keyClick(window.viewport, Qt.Key.Key_Escape)
    points = frozenset(layer.id for layer in session.project.layers if layer.kind == "point-cloud")
    models = frozenset(layer.id for layer in session.project.layers if layer.title in ("Buildings", "Trees"))
    session.do(SetVisible(layer_ids=points, visible=True))
    session.do(SetVisible(layer_ids=models, visible=False))
    session.do(SetPreset(preset="point-cloud"))
    for overlay in session.project.overlays:
        session.do(SetOverlay(overlay=replace(overlay, visible=False)))
    window.views.go_to(morning)
    take("laser", after_s=3.0)


def _click_on_a_building(window) -> None:
    middle = QPoint(window.viewport.width() // 2, window.viewport.height() // 2)
    for beside in ((0, -60), (60, -60), (-80, -40), (120, 20), (0, 0), (-120, 60)):
        QTest.mouseClick(
            window.viewport, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier, middle + QPoint(*beside)
        )
        _rest(0.3)
        facts = window.panels.inspector.facts
        if facts is not None and facts.type == "Building":
            return


def _wait(until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + LONGEST_WAIT_S
    while not until():
        _rest(0.05)
        if time.monotonic() > deadline:
            raise TimeoutError("the window did not come to rest")


def _rest(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.005)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as profile:
        os.environ["TWINVIEWER_PROFILE_DIR"] = profile
        FOLDER.mkdir(exist_ok=True)
        main()
    sys.exit()

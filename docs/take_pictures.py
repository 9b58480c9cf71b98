"""Take the pictures of the documentation from the real window: ``make pictures`` (on a virtual display where needed).

``python docs/take_pictures.py city`` takes those of the README alone, ``… plugins`` those of plugins.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

DOCS = Path(__file__).parent
FOLDER = DOCS / "images"
SIZE = (1440, 900)
RECIPES = {
    "thermometers.air", "bicycles.hourly", "warmth.built-up", "alarms.smoke", "busy-streets.flow", "drone.flight",
    "plume.smoke",
}  # fmt: skip
"""What is switched on of the cookbook for the picture of all kinds of drawing."""
LONGEST_WAIT_S = 120.0


def main(groups: list[str]) -> None:
    takes = {"city": _take_city, "plugins": _take_plugins}
    for group in groups or takes:
        with tempfile.TemporaryDirectory() as profile:
            os.environ["TWINVIEWER_PROFILE_DIR"] = profile
            if group == "plugins":
                _write_recipes(Path(profile) / "data/plugins")
            _run(takes[group])


def _run(take_pictures: Callable) -> None:
    from twinviewer.ui.application import Program, make_application

    application = QApplication.instance() or make_application()
    program = Program()
    try:
        program.window.resize(*SIZE)
        program.window.show()
        program.window.viewport.navigator.reduce_motion = True
        take_pictures(program)
    finally:
        program.end()
        application.processEvents()


def _taker(window) -> Callable:
    def take(name: str, *, after_s: float = 1.5, moving: bool = False, quality: int = 86) -> None:
        _wait(lambda: moving or window.is_settled)
        _rest(after_s)
        window.grab().save(str(FOLDER / f"{name}.jpg"), quality=quality)

    return take


def _write_recipes(folder: Path) -> None:
    """Write the plugins of the cookbook as an author would; those that need other libraries use the viewer's."""
    page = (DOCS / "plugins/cookbook.md").read_text()
    for name, text in re.findall(r"^```(?:toml|python) (\S+)\n(.*?)^```$", page, re.M | re.S):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def _take_plugins(program) -> None:
    from twinviewer.app.commands import SetOverlay
    from twinviewer.model.project import OverlaySpec

    window, session, registry = program.window, program.session, program.registry
    take = _taker(window)
    window.projects.open_demo()
    _wait(lambda: bool(session.project.layers))
    _wait(lambda: window.is_settled)
    overview = session.project.bookmarks[0]
    for spec in session.project.overlays:
        session.do(SetOverlay(overlay=replace(spec, visible=False)))
    window.views.go_to(overview)
    window.analyses.start("building-heights.above-ground", {"high_m": 22.0})
    _wait(lambda: bool(window.services.analyst.results))
    take("analysis", after_s=3.0, quality=80)
    window.services.analyst.close(window.services.analyst.results[0].id)
    window.docks.docks["results"].hide()
    for plugin in registry.plugins:
        if plugin.id != "bike-share":
            registry.accept(plugin.id)
    for overlay_id in RECIPES:
        session.do(SetOverlay(overlay=OverlaySpec(id=overlay_id)))
    window.views.go_to(overview)
    _wait(lambda: window.live.drawn.keys() >= RECIPES)
    take("drawing", after_s=4.0, moving=True, quality=80)
    window.administration.show_plugin("bike-share")
    take("plugins", after_s=2.0, moving=True, quality=80)


def _take_city(program) -> None:
    from twinviewer.app.commands import SetOverlay, SetPreset, SetVisible

    window, session = program.window, program.session

    take = _taker(window)
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
    FOLDER.mkdir(exist_ok=True)
    main(sys.argv[1:])
    sys.exit()

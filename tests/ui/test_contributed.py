"""Panels, commands, themes and tours of plugins in the window, as a person uses them."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.scene import small_city
from tests.ui.hands import LEFT, NONE, click_at
from twinviewer.app import colour_maps
from twinviewer.app.tour_playing import TourPhase
from twinviewer.live.clock import ClockMode
from twinviewer.model.project import OverlaySpec, Project
from twinviewer.ui.application import Program
from twinviewer.ui.plugin_commands import free_keys

WITHIN_MS = 20_000
PANEL, TOUR = "desk.panel", "desk.tour"

MANIFEST = """
api = 1
id = "desk"
name = "The desk"
version = "1"
licence = "CC0-1.0"
isolated = false
[[panels]]
id = "desk.panel"
title = "Desk"
show = "code:show"
[[commands]]
id = "desk.hello"
title = "Say hello & wave"
description = "Greets."
run = "code:hello"
keys = "Ctrl+Alt+H"
[[commands]]
id = "desk.thief"
title = "Take a key"
run = "code:hello"
keys = "ctrl+s"
[[overlays]]
id = "desk.overlay"
title = "Overlay"
feed = "code:feed"
encode = "code:encode"
period_s = 60
[[themes]]
id = "desk.embers"
title = "Embers"
colour_map = "embers.json"
[[themes]]
id = "desk.rust"
title = "Rust by height"
style = "rust.json"
kinds = ["city-model"]
[[tours]]
id = "desk.tour"
title = "Round the town"
file = "tour.json"
"""

CODE = """
from twinviewer.api import *

LETTERS = "ABC"


def show(*, site, selection, instant, entries, pressed):
    if entries.get("break"):
        raise ValueError("so it was wished")
    ids = site.city_objects.ids if site else ()
    shown = [
        Heading(text="nothing" if selection is None else f"{selection.type} {selection.object_id}"),
        *(Paragraph(text=f"{name}: {value}") for name, value in (selection.attributes if selection else ())),
        NumberEntry(id="size", title="Size", value=5, minimum=0, maximum=10),
        SwitchEntry(id="break", title="Break"),
        Table(title="Objects", columns=("Id",), rows=[(name,) for name in ids], object_ids=ids),
        Button(id="go", title="Go"),
    ]
    return [*shown, SwitchOverlay(id="desk.overlay", on=True), Tell(text=f"Size {entries.get('size', 5):.0f}")]


def hello(*, site, selection, instant):
    return [Tell(text=f"Hello {len(site.city_objects.ids)}"), SelectObject(object_id="h-2-3")]


def feed(*, site, start, end, feedback):
    return []


def encode(*, frames, site):
    return []
"""

TOUR_FILE = {
    "format": "twinviewer-tour",
    "version": 1,
    "stops": [
        {"title": "Top", "caption": "From above.", "view": "top", "time_of_day": "09:00", "day": "06-21",
         "hold_s": 3600, "flight_s": 0.1, "overlays": {"desk.overlay": True}},
        {"title": "House", "object": {"id": "h-1-1", "distance_m": 80}, "hold_s": 3600, "flight_s": 0.1,
         "time_of_day": "18:00", "day": "06-21"},
        {"title": "Nowhere", "object": {"id": "gone"}},
    ],
}  # fmt: skip


def write_desk(root: Path) -> Path:
    home = root / "desk"
    home.mkdir()
    (home / "plugin.toml").write_text(MANIFEST)
    (home / "code.py").write_text(CODE)
    (home / "embers.json").write_text(json.dumps({"colours": "000000 ff8800"}))
    (home / "rust.json").write_text(
        json.dumps({"color_by": "elevation", "colour_map": "desk.embers", "value_range": [0, 20]})
    )
    (home / "tour.json").write_text(json.dumps(TOUR_FILE))
    return home


@pytest.fixture
def desk(town, tmp_path, qtbot) -> Program:
    """The program with the small town and the plugin “The desk”."""
    town.registry.add(write_desk(tmp_path))
    contributed = town.window.contributed
    qtbot.waitUntil(lambda: "desk.hello" in contributed.commands.actions, timeout=WITHIN_MS)
    qtbot.waitUntil(lambda: town.window.services.overlays.site is not None, timeout=WITHIN_MS)
    return town


@pytest.fixture
def panel(desk, qtbot):
    """Its panel, open and answered."""
    window = desk.window
    menu = window.menus.menus["Window"]
    panels = next(action.menu() for action in menu.actions() if action.text() == "Pa&nels")
    panels.aboutToShow.emit()
    next(action for action in panels.actions() if action.text() == "Desk").trigger()
    dock = window.contributed.panels.docks[PANEL]
    qtbot.waitUntil(lambda: dock.view.texts() == ["nothing"], timeout=WITHIN_MS)
    return dock


def toasts(program: Program) -> list[str]:
    return [toast.text for toast in program.window.toasts.shown]


# ---- panels


def test_a_presentation_hides_a_panel_of_a_plugin_too_and_brings_it_back(desk, panel):
    desk.window.commands.run("view.presentation")
    assert panel.isHidden()
    QTest.keyClick(desk.window.viewport, Qt.Key.Key_Escape)
    assert not panel.isHidden()


def test_a_panel_follows_the_selection_and_its_table_selects(desk, panel, qtbot):
    x, y, _ = small_city.ORIGIN
    click_at(desk, (x + 2.0, y + 2.0, small_city.HEIGHT_M))
    desk.window.contributed.panels.show(PANEL)
    qtbot.waitUntil(lambda: panel.view.texts() == ["Building h-0-0", "year: 1900", "use: living"], timeout=WITHIN_MS)
    (table,) = panel.view.tables()
    row = table.table.object_ids.index("h-1-2")
    table.view.scrollTo(table.view.model().index(row, 0))
    QTest.mouseClick(
        table.view.viewport(), LEFT, NONE, table.view.visualRect(table.view.model().index(row, 0)).center()
    )
    assert desk.window.panels.inspector.facts.id == "h-1-2"
    desk.window.contributed.panels.show(PANEL)
    qtbot.waitUntil(lambda: panel.view.texts()[0] == "Building h-1-2", timeout=WITHIN_MS)


def test_actions_are_carried_out_after_a_press_and_can_be_undone(desk, panel, qtbot):
    before = desk.session.project
    assert toasts(desk) == [], "opening a panel does nothing to the document"
    field = panel.view.widget_of("size")
    field.setFocus()
    field.selectAll()
    QTest.keyClicks(field, "8")
    QTest.keyClick(field, Qt.Key.Key_Return)
    QTest.mouseClick(panel.view.widget_of("go"), LEFT)
    qtbot.waitUntil(lambda: "Size 8" in toasts(desk), timeout=WITHIN_MS)
    assert [(spec.id, spec.visible) for spec in desk.session.project.overlays] == [("desk.overlay", True)]
    desk.window.commands.run("edit.undo")
    assert desk.session.project == before
    assert panel.view.widget_of("size") is field
    assert field.value() == 8


def test_a_panel_that_fails_says_so_and_is_switched_on_again_by_its_button(desk, panel, qtbot, monkeypatch):
    monkeypatch.setattr("twinviewer.app.panels.RETRY_S", 0.2)
    QTest.mouseClick(panel.view.widget_of("break"), LEFT, pos=QPoint(8, panel.view.widget_of("break").height() // 2))
    qtbot.waitUntil(lambda: panel.trouble.isVisible(), timeout=WITHIN_MS)
    assert "so it was wished" in panel.problem.text()
    assert panel.view.texts() == ["nothing"], "what it showed stands"
    qtbot.waitUntil(lambda: panel.again.isVisible(), timeout=WITHIN_MS)
    QTest.mouseClick(panel.view.widget_of("break"), LEFT, pos=QPoint(8, panel.view.widget_of("break").height() // 2))
    QTest.mouseClick(panel.again, LEFT)
    qtbot.waitUntil(lambda: not panel.trouble.isVisible(), timeout=WITHIN_MS)
    desk.problems.clear()


def test_a_panel_behind_another_is_not_asked_and_goes_with_its_plugin(desk, panel, qtbot):
    runner = desk.window.contributed.panels._runner
    assert runner.open_ids == (PANEL,)
    desk.window.docks.show("inspector")
    qtbot.waitUntil(lambda: runner.open_ids == (), timeout=WITHIN_MS)
    desk.registry.set_enabled("desk", False)
    qtbot.waitUntil(lambda: desk.window.contributed.panels.docks == {}, timeout=WITHIN_MS)
    found = desk.window.finder.commands("")
    assert not {"Desk", "Say hello & wave"} & {entry.title for entry in found}
    assert "desk.embers" not in colour_maps.names()


def test_panels_that_were_open_come_back_where_they_were_and_damage_stops_nobody(desk, panel, own_profile):
    panels, window = desk.window.contributed.panels, desk.window
    panel.setFloating(False)
    window.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, panel)
    layout = window.saveState()
    panels.keep()
    panels.docks.pop(PANEL)
    window.removeDockWidget(panel)
    panel.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    window.restoreState(layout)
    panels.recall()
    assert window.dockWidgetArea(panels.docks[PANEL]) == Qt.DockWidgetArea.LeftDockWidgetArea
    assert panels.is_shown(PANEL)
    kept = own_profile / "state" / "plugin-panels.json"
    for damage in (b"", b"{}", b'["gone.panel", 7, null]', b"[" * 100_000, b"\xff"):
        kept.write_bytes(damage)
        panels.recall()
    assert list(panels.docks) == [PANEL]


# ---- commands


def test_a_command_runs_from_the_palette_and_by_its_keys_and_never_takes_a_key_of_ours(desk, qtbot, caplog):
    window = desk.window
    window.commands.run("tools.palette")
    QTest.keyClicks(window.palette_box.field, "hello")
    (entry,) = window.palette_box.entries()
    assert (entry.title, entry.detail, entry.keys) == ("Say hello & wave", "Plugins › The desk", "Ctrl+Alt+H")
    QTest.keyClick(window.palette_box.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: "Hello 32" in toasts(desk), timeout=WITHIN_MS)
    qtbot.waitUntil(lambda: window.panels.inspector.facts is not None, timeout=WITHIN_MS)
    assert window.panels.inspector.facts.id == "h-2-3"
    window.layers.show_pick(None)
    window.viewport.setFocus()
    QTest.keyClick(window.viewport, Qt.Key.Key_H, Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier)
    qtbot.waitUntil(lambda: window.panels.inspector.facts is not None, timeout=WITHIN_MS)
    assert window.contributed.commands.actions["desk.thief"].shortcut().isEmpty()
    with caplog.at_level(logging.WARNING):
        desk.registry.reload("desk")
        window.contributed.commands.actions.pop("desk.thief").deleteLater()
        window.contributed.commands.renew()
    assert "ctrl+s" in caplog.text
    assert "desk.thief" in caplog.text


def test_the_plugins_menu_lists_commands_once_and_forgets_those_that_went(desk, qtbot):
    menu = desk.window.menus.menus["Plugins"]
    for _ in range(3):
        menu.aboutToShow.emit()
    texts = [action.text() for action in menu.actions()]
    assert [texts.count("Say hello && wave"), texts.count("Take a key")] == [1, 1]
    desk.registry.set_enabled("desk", False)
    qtbot.waitUntil(lambda: "desk.hello" not in desk.window.contributed.commands.actions, timeout=WITHIN_MS)
    menu.aboutToShow.emit()
    assert "Say hello && wave" not in [action.text() for action in menu.actions()]


def test_keys_that_are_taken_or_would_be_typed_are_not_used():
    used = {
        "Ctrl+Alt+H": "Ctrl+Alt+H", "ctrl + shift+y": "Ctrl+Shift+Y", "F8": "F8", "Alt+Home": "Alt+Home",
        "Ctrl+S": "", "ctrl+s": "", "Ctrl+C": "", "H": "", "Shift+H": "", "Space": "", "Ctrl+K, Ctrl+T": "",
        "nonsense": "", "": "",
    }  # fmt: skip
    assert {wanted: free_keys(wanted, {"Ctrl+S", "Ctrl+K"}) for wanted in used} == used


# ---- themes


def test_a_style_is_offered_for_the_layers_it_fits_and_applied_as_one_change(desk):
    window, style = desk.window, desk.window.panels.style
    window.panels.show("style")
    window.panels.layers.select_keys({"layer:streets"})
    assert not style.preset.isVisible()
    window.panels.layers.select_keys({"layer:buildings"})
    assert style.preset.isVisible()
    before = desk.session.project
    style.preset.setCurrentText("Rust by height")
    style.preset.activated.emit(style.preset.currentIndex())
    changed = desk.session.project.layer("buildings").style
    assert (changed.color_by, changed.colour_map, changed.value_range) == ("elevation", "desk.embers", (0.0, 20.0))
    assert style.colour_map.currentText() == "Embers"
    assert style.preset.currentText() == "Rust by height"
    window.commands.run("edit.undo")
    assert desk.session.project == before


# ---- tours


@pytest.fixture
def guide(desk, qtbot):
    """The guide, at the first stop of the tour."""
    guide = desk.window.contributed.tours
    menu = next(a.menu() for a in desk.window.menus.menus["View"].actions() if a.text() == "T&ours")
    menu.aboutToShow.emit()
    next(action for action in menu.actions() if action.text() == "Round the town").trigger()
    qtbot.waitUntil(lambda: at_rest(guide), timeout=WITHIN_MS)
    return guide


def at_rest(guide) -> bool:
    return guide.state is not None and guide.state.phase is TourPhase.STAYING


def test_a_tour_shows_places_times_and_overlays_and_puts_all_back(desk, guide, qtbot):
    window, clock = desk.window, desk.window.services.clock
    assert (guide.card.title.text(), guide.card.caption.text()) == ("Top", "From above.")
    assert guide.card.isVisible()
    assert len(guide.state.holds_s) == 2, "the stop at a house that is not there is left out"
    forward = [b - a for a, b in zip(window.scene.viewpoint.position, window.scene.viewpoint.target, strict=True)]
    assert abs(forward[2]) > 10 * abs(forward[0])
    assert (clock.now().month, clock.now().day) == (6, 21)
    assert [(spec.id, spec.visible) for spec in desk.session.project.overlays] == [("desk.overlay", True)]
    QTest.keyClick(window.viewport, Qt.Key.Key_PageDown)
    qtbot.waitUntil(lambda: at_rest(guide) and guide.state.at == 1, timeout=WITHIN_MS)
    assert guide.card.title.text() == "House"
    x, y, _ = small_city.ORIGIN
    target = window.scene.viewpoint.target
    assert abs(target[0] - x - small_city.STEP_M) < small_city.STEP_M / 2
    assert abs(target[1] - y - small_city.STEP_M) < small_city.STEP_M / 2
    QTest.keyClick(window.viewport, Qt.Key.Key_Escape)
    assert guide.state is None
    assert not guide.card.isVisible()
    assert clock.mode is ClockMode.LIVE
    assert desk.session.project.overlays == ()
    assert desk.session.undo_label != "Switch overlays of a tour"


def test_a_tour_ends_with_its_project_and_leaves_the_next_one_alone(desk, guide, qtbot):
    clock = desk.window.services.clock
    shown = clock.now()
    overlays = (OverlaySpec(id="desk.overlay"),)
    desk.session.replace_project(Project(overlays=overlays))
    assert guide.state is None
    assert not guide.card.isVisible()
    assert desk.session.project.overlays == overlays
    assert abs((clock.now() - shown).total_seconds()) < 3600, "the time is for the new project to say"


def test_any_hand_pauses_the_tour_and_space_goes_on(desk, guide, qtbot):
    viewport = desk.window.viewport
    QTest.keyClick(viewport, Qt.Key.Key_F3)
    assert guide.state.phase is TourPhase.STAYING, "a key that leaves the view alone leaves the tour alone"
    viewport.setFocus()
    for hand in (
        lambda: QTest.mouseClick(viewport, LEFT, NONE, QPoint(40, 60)),
        lambda: QApplication.sendEvent(viewport, wheel(viewport)),
        lambda: QTest.keyClick(viewport, Qt.Key.Key_Plus),
        lambda: QTest.keyClick(viewport, Qt.Key.Key_W),
    ):
        hand()
        assert guide.state.phase is TourPhase.PAUSED
        assert guide.card.play.accessibleName() == "Go on"
        QTest.keyClick(viewport, Qt.Key.Key_Space)
        qtbot.waitUntil(lambda: at_rest(guide), timeout=WITHIN_MS)
        assert guide.state.at == 0
    assert desk.window.services.clock.mode is not ClockMode.LIVE, "the key of the player is not the key of the clock"


def wheel(viewport):
    at = QPointF(viewport.rect().center())
    return QWheelEvent(
        at, viewport.mapToGlobal(at), QPoint(0, 0), QPoint(0, 120), Qt.MouseButton.NoButton, NONE,
        Qt.ScrollPhase.NoScrollPhase, False,
    )  # fmt: skip


def test_the_card_is_a_player_and_who_wants_no_motion_gets_none(desk, guide, qtbot):
    card, navigator = guide.card, desk.window.viewport.navigator
    assert navigator.is_moving, "the view turns slowly while one stays"
    navigator.reduce_motion = True
    box = card.dots.box_of(1).center().toPoint()
    QTest.mouseClick(card.dots, LEFT, NONE, box)
    qtbot.waitUntil(lambda: at_rest(guide) and guide.state.at == 1, timeout=WITHIN_MS)
    assert not navigator.is_moving
    QTest.mouseClick(card.previous, LEFT)
    qtbot.waitUntil(lambda: at_rest(guide) and guide.state.at == 0, timeout=WITHIN_MS)
    QTest.mouseClick(card.play, LEFT)
    assert guide.state.phase is TourPhase.PAUSED
    desk.registry.set_enabled("desk", False)
    qtbot.waitUntil(lambda: guide.state is None, timeout=WITHIN_MS)

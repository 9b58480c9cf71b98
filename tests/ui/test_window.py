"""The window as a person uses it: clicks, keys, menus, in a real window on a display."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QComboBox, QLineEdit, QWidget

from tests.crowding import allowed_s
from tests.scene import small_city
from tests.ui.hands import LEFT, NONE, click_at
from twinviewer.analysis.sun import solar_site
from twinviewer.app.commands import SetOverlay
from twinviewer.live.clock import ClockMode
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.project import OverlaySpec
from twinviewer.ui.action_table import ACTIONS, TOOLBAR


def roof_of(column: int, row: int) -> tuple[float, float, float]:
    """Return a point on the roof of house ``h-column-row``, beside the part that stands on it."""
    x, y, _ = small_city.ORIGIN
    return (x + column * small_city.STEP_M + 2.0, y + row * small_city.STEP_M + 2.0, small_city.HEIGHT_M)


# ---- picking


@pytest.mark.parametrize(("column", "row"), [(0, 0), (1, 2), (3, 3), (2, 0)])
def test_a_click_on_a_roof_shows_the_id_and_attributes_of_that_building(town, column, row):
    click_at(town, roof_of(column, row))
    facts = town.window.panels.inspector.facts
    number = 2 * (column * 4 + row)  # each house is followed by its part
    assert (facts.id, facts.type, facts.surface) == (f"h-{column}-{row}", "Building", "RoofSurface")
    assert [(a.name, a.value) for a in facts.attributes] == [("year", 1900 + number), ("use", "living")]
    assert town.window.panels.inspector.identifier.text() == facts.id


def test_a_click_on_a_part_names_the_building_it_belongs_to_and_a_click_beside_the_town_nothing(town):
    x, y, z = roof_of(1, 1)
    click_at(town, (x + 4, y + 4, z + 3))
    facts = town.window.panels.inspector.facts
    assert (facts.id, facts.parents) == ("h-1-1-part", (("h-1-1", "Building"),))
    QTest.mouseClick(town.window.viewport, LEFT, NONE, QPoint(4, 4))
    assert town.window.panels.inspector.facts is None


def test_esc_deselects_and_the_menu_key_copies_the_id(town):
    click_at(town, roof_of(0, 1))
    assert town.window.viewport.accessibleDescription().endswith("Selected: Building, in buildings.")
    town.window.commands.run("edit.copy_id")
    assert QApplication.clipboard().text() == "h-0-1"
    town.window.viewport.setFocus()
    QTest.keyClick(town.window.viewport, Qt.Key.Key_Escape)
    assert town.window.panels.inspector.facts is None
    assert "Selected" not in town.window.viewport.accessibleDescription()


# ---- changing the document


def test_every_change_is_undone_and_redone_through_the_menu(town):
    window, session = town.window, town.session
    states = [session.project]
    window.panels.layers.select_keys({"layer:streets"})
    for command in ("layer.toggle", "layer.up"):
        window.commands.run(command)
        states.append(session.project)
    window.panels.layers.opacity.setValue(40)
    states.append(session.project)
    window.commands.run("layer.remove")
    states.append(session.project)
    assert len(set(map(id, states))) == len(states)
    undo, redo = window.commands["edit.undo"], window.commands["edit.redo"]
    assert undo.text() == "&Undo Remove layer"
    for state in reversed(states[:-1]):
        undo.trigger()
        assert session.project == state
    for state in states[1:]:
        redo.trigger()
        assert session.project == state
    assert not redo.isEnabled()


def test_one_drag_of_the_opacity_is_one_undo(town):
    window = town.window
    window.panels.layers.select_keys({"layer:buildings"})
    slider = window.panels.layers.opacity
    before = town.session.project
    slider.setSliderDown(True)
    for value in (90, 70, 30):
        slider.setValue(value)
    slider.setSliderDown(False)
    assert town.session.project.layer("buildings").opacity == pytest.approx(0.3)
    window.commands.run("edit.undo")
    assert town.session.project == before


# ---- keys, palette, panels


def test_the_palette_finds_a_command_by_other_words_and_enter_runs_it(town):
    window = town.window
    window.commands.run("tools.palette")
    QTest.keyClicks(window.palette_box.field, "symbology")
    assert [entry.title for entry in window.palette_box.entries()] == ["Style"]
    QTest.keyClick(window.palette_box.field, Qt.Key.Key_Escape)
    assert not window.palette_box.isVisible()
    window.commands.run("tools.palette")
    QTest.keyClicks(window.palette_box.field, "dark")
    QTest.keyClick(window.palette_box.field, Qt.Key.Key_Return)
    assert window.look.theme.name == "dark"
    window.commands.run("theme.light")


def test_the_search_finds_a_building_by_a_part_of_its_id_and_selects_it(town):
    window = town.window
    window.commands.run("tools.search")
    QTest.keyClicks(window.palette_box.field, "-2-3")
    QTest.keyClick(window.palette_box.field, Qt.Key.Key_Return)
    assert window.panels.inspector.facts.id == "h-2-3"


@pytest.mark.parametrize("name", ["layers", "inspector", "style", "time", "problems", "log"])
def test_each_panel_goes_and_comes_by_its_command(program, name):
    dock = program.window.docks.docks[name]
    program.window.docks.show(name)
    QApplication.processEvents()
    program.window.commands.run(f"window.{name}")
    assert dock.isHidden()
    program.window.commands.run(f"window.{name}")
    assert not dock.isHidden()


def test_no_two_commands_want_the_same_key_and_every_button_names_its_own(program):
    everywhere = [key for spec in ACTIONS for key in spec.keys]
    assert len(everywhere) == len(set(everywhere))
    for name in filter(None, TOOLBAR):
        action = program.window.commands[name]
        spec = program.window.commands.specs[name]
        assert spec.tooltip in action.toolTip()
        assert all(key in action.toolTip() for key in spec.keys)


def stands_for_another(widget: QWidget) -> bool:
    """Return whether this is the inner field of a spin box, which has the focus in its stead."""
    return widget.parentWidget().focusProxy() is widget or widget.objectName().startswith("qt_spinbox")


def test_tab_reaches_every_control_and_leaves_each_again(town, qtbot):
    window = town.window
    controls = {
        widget
        for widget in window.findChildren(QWidget)
        if isinstance(widget, QAbstractButton | QAbstractSlider | QComboBox | QLineEdit)
        and widget.isVisible()
        and widget.isEnabled()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not stands_for_another(widget)
    }
    window.viewport.setFocus()
    seen = []
    for _ in range(200):
        QTest.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_Tab)
        widget = QApplication.focusWidget()
        if seen and widget is seen[0]:
            break
        seen.append(widget)
    assert window.viewport in seen
    missed = {widget.accessibleName() or type(widget).__name__ for widget in controls - set(seen)}
    assert missed == set()


def test_everything_that_takes_the_focus_has_a_name_for_those_who_hear_the_screen(town):
    nameless = [
        f"{type(widget).__name__} {widget.objectName()}"
        for widget in town.window.findChildren(QWidget)
        if widget.isVisible()
        and widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        and not stands_for_another(widget)
        and not (widget.accessibleName() or (isinstance(widget, QAbstractButton) and widget.text()))
    ]
    assert nameless == []


def test_the_welcome_page_leads_back_to_the_city_that_is_open(town):
    window = town.window
    window.commands.run("window.welcome")
    assert window.pages.currentWidget() is window.welcome
    window.welcome.back.click()
    assert window.pages.currentWidget() is window.viewport


def test_themes_change_after_toasts_and_jobs_have_come_and_gone(program, qtbot):
    window = program.window
    window.toasts.show("A word")
    window.toasts.shown[0].dismiss()
    done: list[int] = []
    window.services.runner.start("Work", lambda feedback: 1, on_done=done.append, on_error=print)
    qtbot.waitUntil(lambda: done == [1], timeout=30_000)
    window.show_welcome()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    for name in ("dark", "high-contrast", "light"):
        window.commands.run(f"theme.{name}")
        assert window.look.theme.name == name


# ---- presentation


def test_the_presentation_hides_all_but_the_scene_and_esc_brings_everything_back(town, qtbot):
    window = town.window
    window.views.keep_view("Market")
    shown = {name for name, dock in window.docks.docks.items() if not dock.isHidden()}
    window.commands.run("view.presentation")
    chrome = [window.menuBar(), window.toolbar, window.statusBar(), window.viewport.compass]
    assert all(widget.isHidden() for widget in (*chrome, *window.docks.docks.values()))
    assert window.presentation.caption.text() == "Market"
    assert window.isFullScreen()
    QTest.keyClick(window.viewport, Qt.Key.Key_Escape)
    assert not window.isFullScreen()
    assert not any(widget.isHidden() for widget in chrome)
    assert {name for name, dock in window.docks.docks.items() if not dock.isHidden()} == shown
    assert not window.viewport.navigator.is_moving


def test_the_clock_is_live_again_after_a_presentation_that_showed_other_times(town):
    window, clock = town.window, town.window.services.clock
    clock.scrub(datetime(2025, 6, 21, 18, tzinfo=UTC))
    window.views.keep_view("Evening")
    window.live.go_live()
    window.commands.run("view.presentation")
    assert clock.now() == datetime(2025, 6, 21, 18, tzinfo=UTC)
    QTest.keyClick(window.viewport, Qt.Key.Key_Escape)
    assert clock.mode is ClockMode.LIVE


# ---- time


def test_the_present_is_seen_by_day_and_another_time_in_its_own_light(town, monkeypatch):
    window, bar = town.window, town.window.panels.time
    lit: list[datetime] = []
    monkeypatch.setattr(window.scene, "set_instant", lit.append)
    bar.day.setDate(bar.day.date().addDays(-30))
    bar.minute.setValue(1)  # after midnight
    hamburg = solar_site(crs=small_city.CRS, position=small_city.ORIGIN)
    assert hamburg.sun_at(lit[-1]).elevation_deg < 0
    assert not bar.daylight.isVisible()
    bar.now.click()
    window.live.show_frame()
    bar_says_by_day = bar.daylight.isVisible()
    assert hamburg.sun_at(lit[-1]).elevation_deg >= 8
    assert bar_says_by_day == (abs(lit[-1] - datetime.now(UTC)) > timedelta(minutes=1))


# ---- work and faults


def test_a_job_shows_what_it_does_and_cancel_ends_it_within_250_ms(program, qtbot):
    def endless(feedback):
        while True:
            feedback.progress(0.4, "still at it")
            feedback.stop_if_cancelled()
            time.sleep(0.01)

    window, ended = program.window, []
    window.statusBar().showMessage("What the button under the cursor does.")
    window.services.runner.start(
        "Count sheep", endless, on_done=print, on_error=print, on_cancelled=lambda: ended.append(time.monotonic())
    )
    jobs = window.statusBar().findChild(QWidget, "jobs")
    qtbot.waitUntil(lambda: bool(jobs.rows) and jobs.rows[0].label.text() == "Count sheep: still at it", timeout=30_000)
    row = jobs.rows[0]
    assert row.isVisible()
    assert window.statusBar().currentMessage() == "", "it would be drawn over the job"
    window.statusBar().showMessage("What the next button does.")
    assert window.statusBar().currentMessage() == ""
    assert row.isVisible()
    assert row.progress.value() == 400
    began = time.monotonic()
    row.cancel.click()
    qtbot.waitUntil(lambda: bool(ended), timeout=30_000)
    assert ended[0] - began <= allowed_s(0.25)
    assert jobs.rows == []


def test_an_error_is_one_sentence_in_a_toast_and_in_problems_with_what_to_do(town):
    window = town.window
    error = DamagedFileError("It is cut off.", cure="Copy it again.", source="a.las")
    for _ in range(3):
        town.problems.add_error(error)
    assert [toast.text for toast in window.toasts.shown if toast.isVisible()] == ["a.las: It is cut off. (×3)"]
    window.docks.show("problems")
    panel = window.panels.problems
    assert panel.list.topLevelItemCount() == 1
    assert "Copy it again." in panel.details.text()
    assert window.status.problems.text() == "1 problem"
    assert len(town.session.project.layers) == 2


# ---- pictures


def test_a_saved_picture_says_that_what_it_shows_is_simulated(town, qtbot, tmp_path):
    window = town.window

    def upper_edge(name: str) -> np.ndarray:
        window.views.save_picture(tmp_path / name)
        return np.asarray(Image.open(tmp_path / name).convert("L"), dtype=float)[:60]

    plain = upper_edge("plain.png")
    town.session.do(SetOverlay(overlay=OverlaySpec(id="air-quality.no2")))
    qtbot.waitUntil(lambda: window.live.picture_note != "", timeout=20_000)
    assert window.live.picture_note == "Simulated: Nitrogen dioxide"
    said = upper_edge("said.png")
    middle = slice(said.shape[1] // 2 - 60, said.shape[1] // 2 + 60)
    assert (said[:, middle] < 80).sum() > (plain[:, middle] < 80).sum() + 50  # dark letters that were not there
    town.session.do(SetOverlay(overlay=OverlaySpec(id="air-quality.no2", visible=False)))
    window.live.show_frame()
    assert window.live.picture_note == ""

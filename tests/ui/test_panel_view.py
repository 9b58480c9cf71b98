"""The widgets of a plugin's panel, one by one: what stays, what is told, what is read aloud."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import QLocale, QPoint, Qt
from PySide6.QtGui import QAccessible
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QWidget

from twinviewer.app.plugins.panel_checks import checked_content
from twinviewer.model.panel import (
    Button,
    ChoiceEntry,
    Facts,
    Heading,
    NumberEntry,
    Paragraph,
    SwitchEntry,
    Table,
    TextEntry,
)
from twinviewer.ui.data_table import ROW_PX, DataTable, cell_text
from twinviewer.ui.look import Look
from twinviewer.ui.panel_view import PanelView

RADIUS = NumberEntry(id="radius", title="Radius", value=200, minimum=0, maximum=1000, step=10, unit="m")
USE = ChoiceEntry(id="use", title="Use", choices=("all", "living", "work"), value="living")
NAME = TextEntry(id="name", title="Name", value="north")
ALL = SwitchEntry(id="all", title="All floors")
GO = Button(id="go", title="Go & see")
HOUSES = Table(
    title="Houses",
    columns=("Id", "Height (m)"),
    rows=(("b", 9.25), ("a", 101.5), ("c", float("nan"))),
    object_ids=("house-b", "house-a", "house-c"),
)


@pytest.fixture(autouse=True)
def english() -> Iterator[None]:
    before = QLocale()
    QLocale.setDefault(QLocale(QLocale.Language.English))  # as the program does
    yield
    QLocale.setDefault(before)


@pytest.fixture
def view(qtbot, qapp) -> PanelView:
    Look(qapp).use("light")  # a style sheet is half of what widgets cost
    view = PanelView("Desk")
    view.resize(330, 700)
    qtbot.addWidget(view)
    view.heard = []
    view.entered.connect(lambda *heard: view.heard.append(heard))
    view.pressed.connect(view.heard.append)
    view.object_chosen.connect(view.heard.append)
    with qtbot.waitExposed(view):
        view.show()
    return view


def test_what_is_entered_is_told_with_its_id_and_its_type(view):
    view.show_elements([RADIUS, USE, NAME, ALL, GO])
    assert view.heard == [], "what the plugin says is no entry"
    view.widget_of("radius").setValue(350)
    QTest.keyClick(view.widget_of("use"), Qt.Key.Key_Down)
    QTest.keyClicks(view.widget_of("name"), "!")
    box = view.widget_of("all")
    QTest.mouseClick(box, Qt.MouseButton.LeftButton, pos=QPoint(8, box.height() // 2))
    QTest.mouseClick(view.widget_of("go"), Qt.MouseButton.LeftButton)
    assert view.heard == [("radius", 350.0), ("use", "work"), ("name", "north!"), ("all", True), "go"]


def test_a_slider_and_its_field_show_the_same_and_tell_once(view):
    view.show_elements([RADIUS])
    field, slider = view.widget_of("radius"), view.widget_of("radius").parent().slider
    assert (slider.maximum(), slider.value()) == (100, 20)
    QTest.keyClick(slider, Qt.Key.Key_Right)
    assert (field.value(), field.text(), view.heard) == (210.0, "210 m", [("radius", 210.0)])
    field.setValue(500)
    assert slider.value() == 50
    assert len(view.heard) == 2


def test_widgets_stay_with_their_focus_and_what_was_entered_when_the_elements_change_around_them(view, qtbot):
    view.show_elements([Heading(text="One"), NAME, RADIUS, HOUSES])
    name, radius, table = view.widget_of("name"), view.widget_of("radius"), view.tables()[0]
    with qtbot.waitActive(view):
        view.activateWindow()
    name.setFocus()
    QTest.keyClicks(name, "-east")
    name.setCursorPosition(2)
    radius.setValue(400)
    for number in range(5):
        more = [Paragraph(text=f"At {number}.")] * number
        new = replace(HOUSES, rows=(("b", 9.0), ("a", float(number)), ("c", 1.0)))
        view.show_elements([Heading(text=f"{number}"), *more, GO, RADIUS, replace(NAME, value="south"), new])
    assert view.widget_of("name") is name
    assert (name.text(), name.cursorPosition(), name.hasFocus()) == ("north-east", 2, True)
    assert (view.widget_of("radius") is radius, radius.value()) == (True, 400.0)
    assert view.tables() == [table]
    assert view.texts() == ["4", "At 0.", "At 1.", "At 2.", "At 3."][:1] + ["At 4."] * 4


def test_what_no_longer_fits_gives_way_to_what_the_plugin_says(view):
    view.show_elements([RADIUS, USE])
    view.widget_of("radius").setValue(900)
    view.widget_of("use").setCurrentText("work")
    view.heard.clear()
    view.show_elements([replace(RADIUS, maximum=500.0), replace(USE, choices=("all", "living"))])
    assert view.widget_of("radius").value() == 500.0
    assert view.widget_of("use").currentText() == "living"
    assert view.heard == []


def test_elements_that_are_gone_take_their_widgets_along(view):
    view.show_elements([RADIUS, USE, HOUSES, GO])
    view.show_elements([USE])
    with pytest.raises(KeyError):
        view.widget_of("radius")
    assert view.tables() == []
    QApplication.sendPostedEvents()
    assert [w.accessibleName() for w in view.findChildren(QWidget) if w.isVisible() and w.accessibleName()] == ["Use"]


def test_a_row_that_is_chosen_names_its_object_and_columns_sort_by_number(view):
    view.show_elements([HOUSES])
    (table,) = view.tables()
    assert table.shown_rows() == [["b", "9.25"], ["a", "101.50"], ["c", "–"]]
    table.view.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert [row[0] for row in table.shown_rows()] == ["c", "a", "b"]
    table.view.sortByColumn(1, Qt.SortOrder.AscendingOrder)
    assert [row[0] for row in table.shown_rows()] == ["b", "a", "c"], "9.25 is less than 101.5; what is missing is last"
    place = table.view.visualRect(table.view.model().index(1, 0)).center()
    QTest.mouseClick(table.view.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert set(view.heard) == {"house-a"}
    QTest.keyClick(table.view, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    assert QApplication.clipboard().text() == "a\t101.50"
    view.heard.clear()
    view.show_elements([replace(HOUSES, rows=(("a", 1.0), ("b", 2.0)), object_ids=("house-a", "house-b"))])
    assert table.view.model().data(table.view.currentIndex().siblingAtColumn(0)) == "a", "the row stays chosen"
    assert view.heard == []


@pytest.mark.parametrize(("panel_px", "row_px"), [(330, 330), (1400, ROW_PX)])
def test_values_stay_beside_what_they_are_about_however_wide_the_panel_is(qtbot, panel_px, row_px):
    table = DataTable(fills=True)
    qtbot.addWidget(table)
    table.resize(panel_px, 300)
    table.show_table(HOUSES)
    with qtbot.waitExposed(table):
        table.show()
    assert table.view.horizontalHeader().length() == row_px


WORST = {
    "rows": [Table(title="", columns=("A",) * 4, rows=tuple((f"{n}", n / 7, "x" * 20, n) for n in range(10_000)))],
    "columns": [Table(title="", columns=("A",) * 50, rows=tuple(("x" * 500,) * 50 for _ in range(1000)))],
    "entries": [replace(RADIUS, id=f"{number}") for number in range(100)],
    "choices": [replace(USE, id=f"{n}", choices=tuple(map(str, range(50))), value="1") for n in range(100)],
    "facts": [Facts(rows=(("name", "value"),) * 200)],
    "text": [Paragraph(text="word " * 2000)] * 4,
}  # fmt: skip


@pytest.mark.parametrize("worst", WORST)
def test_the_most_that_a_panel_may_show_comes_without_a_stall(view, worst):
    """The window stands still for less than 200 ms of the processor, whatever a plugin thinks of."""
    elements = checked_content(WORST[worst]).elements
    began = time.process_time()
    view.show_elements(elements)
    QApplication.processEvents()
    assert time.process_time() - began < 0.2


def test_numbers_are_written_with_four_figures_at_most():
    written = {
        0.0: "0", 1987: "1987", 12_345: "12,345", 12_345.678: "12,346", 3.14159: "3.142", 0.05: "0.05", -0.5: "-0.5",
        float("inf"): "∞", "as it is": "as it is",
    }  # fmt: skip
    assert {value: cell_text(value) for value in written} == written
    assert cell_text(float("nan")) == "–"


def test_everything_can_be_reached_with_tab_from_top_to_bottom_and_has_a_name(view, qtbot):
    view.show_elements([USE, GO])
    view.show_elements([NAME, RADIUS, USE, ALL, HOUSES, GO])
    with qtbot.waitActive(view):
        view.activateWindow()
    view.widget_of("name").setFocus()
    names = []
    for _ in range(7):
        names.append(QApplication.focusWidget().accessibleName())
        QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Tab)
    assert names == ["Name", "Radius", "Radius", "Use", "All floors", "Houses", "Go & see"]
    for widget in view.findChildren(QWidget):
        parts = widget.objectName().startswith("qt_")  # of a field, which has the name
        if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.isVisibleTo(view) and not parts:
            assert QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name), widget


def test_a_warning_is_not_told_by_colour_alone(view):
    view.show_elements([Paragraph(text="Values are old.", warning=True), Facts(rows=(("Stations", "4"),))])
    assert view.texts() == ["⚠ Values are old."]
    view.show_elements([Paragraph(text="Values are new."), Facts(rows=())])
    assert view.texts() == ["Values are new."]

"""City objects in the window: tree, search, inspector, findings, what is hidden, and the section."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu

from tests.app.test_city_objects import house
from tests.scene import small_city
from tests.ui.conftest import show_town
from tests.ui.hands import click_at
from twinviewer.app import project_file
from twinviewer.app.commands import AddLayers
from twinviewer.app.object_tree import object_tree
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.ui.look import Look
from twinviewer.ui.object_tree_model import ROWS_AT_ONCE
from twinviewer.ui.objects_panel import ObjectsPanel
from twinviewer.ui.source_dialog import SourceDialog

DOWN, RIGHT, RETURN = Qt.Key.Key_Down, Qt.Key.Key_Right, Qt.Key.Key_Return


@pytest.fixture
def objects(town, qtbot):
    """The objects panel with the small town in it."""
    town.window.commands.run("tools.objects")
    panel = town.window.panels.objects
    qtbot.waitUntil(lambda: panel.model.rowCount() > 0)
    return panel


def shown(panel) -> list[str]:
    model = panel.model
    return [model.index(row, 0).data() for row in range(model.rowCount())]


def test_what_is_chosen_in_the_tree_is_selected_and_return_flies_there(town, objects, qtbot):
    window = town.window
    before = window.scene.viewpoint
    objects.view.setFocus()
    assert window.layers.pick is None  # who only passes by chooses nothing
    for key in (RIGHT, DOWN, DOWN):  # the first house is opened; its part, its roof
        QTest.keyClick(objects.view, key)
    assert window.panels.inspector.facts.id == "h-0-0"
    assert window.layers.pick.surfaces == (5,)
    told = {(each.group, each.name): each.value for each in window.panels.inspector.facts.more}
    assert told[("Surface", "Area")] == 144
    QTest.keyClick(objects.view, RETURN)
    qtbot.waitUntil(lambda: not window.viewport.navigator.is_moving and window.scene.viewpoint != before)
    x, y, _ = window.scene.viewpoint.target
    assert (x, y) == pytest.approx((small_city.ORIGIN[0] + 6, small_city.ORIGIN[1] + 6), abs=2)


def test_what_is_clicked_in_the_view_is_shown_in_the_tree_and_its_parent_is_a_link(town, objects):
    x, y, z = small_city.ORIGIN
    click_at(town, (x + 30 + 6, y + 30 + 6, z + 13))  # on the part of h-1-1
    assert objects.view.currentIndex().data() == "h-1-1-part"
    inspector = town.window.panels.inspector
    inspector.parents.linkActivated.emit("h-1-1")
    assert inspector.facts.id == "h-1-1"
    assert objects.view.currentIndex().data() == "h-1-1"
    town.window.commands.run("edit.deselect")
    assert not objects.view.currentIndex().isValid()


def test_a_search_keeps_what_fits_and_what_it_is_part_of(town, objects, qtbot):
    QTest.keyClicks(QApplication.focusWidget(), "h-2-3 part")
    qtbot.waitUntil(lambda: shown(objects) == ["h-2-3"])
    top = objects.model.index(0, 0)
    assert [objects.model.index(row, 0, top).data() for row in range(objects.model.rowCount(top))] == ["h-2-3-part"]
    objects.search.setText("nowhere")
    qtbot.waitUntil(lambda: objects.hint.isVisible())
    assert "nowhere" in objects.hint.text()
    objects.search.clear()
    qtbot.waitUntil(lambda: len(shown(objects)) == 16)


def test_a_tree_of_a_hundred_thousand_objects_is_told_to_qt_in_pieces_and_shows_any_of_them(qapp, qtbot):
    plain, count = small_city.town(side=1), 100_000
    model = replace(
        plain,
        object_ids=tuple(f"o{row}" for row in range(count)),
        object_type=np.zeros(count, np.int32),
        object_parent=np.full(count, -1, np.int32),
        attributes=(),
    )
    panel = ObjectsPanel(Look())
    qtbot.addWidget(panel)
    panel.show()
    panel.show_tree(object_tree(model), note="", opened=False)
    qapp.processEvents()
    assert panel.model.rowCount() <= 5 * ROWS_AT_ONCE
    panel.reveal(70_000)
    assert panel.view.currentIndex().data() == "o70000"
    assert panel.view.indexAt(panel.view.viewport().rect().center()).isValid()


def test_the_menu_of_an_object_hides_its_class_and_that_can_be_undone(town, objects):
    menu = QMenu()
    objects.menu_asked.emit(0, menu)
    (hide,) = (action for action in menu.actions() if "all of class Building" in action.text())
    hide.trigger()
    assert town.session.project.layer("buildings").style.hidden_types == ("Building",)
    assert town.session.undo_label == "Hide Building"
    town.session.undo()
    assert town.session.project.layer("buildings").style.hidden_types == ()


def test_types_are_hidden_by_their_boxes_and_roofs_by_one_key(town):
    window, panel = town.window, town.window.panels.style
    window.panels.layers.select_keys({"layer:buildings"})
    window.docks.show("style")
    rows = {panel.types.topLevelItem(row).text(0): panel.types.topLevelItem(row) for row in range(5)}
    assert {name: item.text(1) for name, item in rows.items()} == {
        "Building": "16", "BuildingPart": "16", "WallSurface": "128", "RoofSurface": "32", "GroundSurface": "32",
    }  # fmt: skip
    rows["WallSurface"].setCheckState(0, Qt.CheckState.Unchecked)
    window.commands.run("layer.hide_roofs")
    assert town.session.project.layer("buildings").style.hidden_types == ("RoofSurface", "WallSurface")
    assert rows["RoofSurface"].checkState(0) == Qt.CheckState.Unchecked
    panel.roofs.click()
    assert town.session.project.layer("buildings").style.hidden_types == ("WallSurface",)


def test_themes_are_offered_while_the_model_looks_as_its_source_says(program, qtbot):
    show_town(program, buildings=house())
    qtbot.waitUntil(lambda: program.window.is_settled, timeout=30_000)
    program.window.panels.layers.select_keys({"layer:buildings"})
    program.window.docks.show("style")
    panel = program.window.panels.style
    assert [panel.theme.itemText(row) for row in range(panel.theme.count())][1:] == ["summer", "Without a name"]
    panel.theme.activated.emit(1)
    assert program.session.project.layer("buildings").style.theme == "summer"
    assert panel.theme.currentText() == "summer"
    panel.color_by.activated.emit(1)
    assert program.session.project.layer("buildings").style.color_by == "plain"
    assert not panel.theme.isVisible()


def test_a_finding_opens_to_its_objects_which_are_one_click_away(program, qtbot):
    found = Diagnostic(code="val3dity.203", problem="Some surfaces are bent.", count=2, objects=("h-1-2", "h-3-0"))
    model = replace(small_city.town(), diagnostics=(found,))
    show_town(program, buildings=model)
    program.problems.add_diagnostics("buildings", model.diagnostics, layer_id="buildings")
    qtbot.waitUntil(lambda: program.window.is_settled, timeout=30_000)
    window = program.window
    window.panels.layers.select_keys({"layer:buildings"})
    for tree in (window.panels.inspector.findings, window.panels.problems.list):
        row = tree.topLevelItem(0)
        tree.expandItem(row)
        assert [row.child(at).text(0) for at in range(row.childCount())] == ["h-1-2", "h-3-0"]
    window.docks.show("problems")
    window.panels.problems.copy_objects.click()
    assert QApplication.clipboard().text() == "h-1-2\nh-3-0"
    problems = window.panels.problems.list
    problems.itemClicked.emit(problems.topLevelItem(0).child(1), 0)
    assert window.panels.inspector.facts.id == "h-3-0"


def test_the_source_of_an_object_is_shown_as_its_file_has_it(program, qtbot, tmp_path):
    path = tmp_path / "town.gml"
    path.write_text('<CityModel><Building gml:id="h-0-0"><roof>flat</roof></Building></CityModel>')
    model = small_city.town(side=1)
    spec = small_city.spec_of("buildings", model)
    spec = replace(spec, source=replace(spec.source, path=str(path), reader="twinviewer.citygml"))
    program.session.store.put("buildings", model)
    program.session.do(AddLayers(layers=(spec,), crs=small_city.CRS, origin=small_city.ORIGIN))
    program.window.layers.show_object("h-0-0")
    program.window.commands.run("tools.source")
    qtbot.waitUntil(lambda: bool(program.window.findChildren(SourceDialog)))
    (dialog,) = program.window.findChildren(SourceDialog)
    assert dialog.text.toPlainText() == '<Building gml:id="h-0-0"><roof>flat</roof></Building>'
    dialog.copy.click()
    assert QApplication.clipboard().text() == dialog.text.toPlainText()
    dialog.close()


def test_the_section_is_moved_by_keys_saved_with_the_view_and_closed_by_esc(town, qtbot):
    window, bar = town.window, town.window.sections.bar
    assert not bar.isVisible()
    window.viewport.setFocus()
    QTest.keyClick(window.viewport, Qt.Key.Key_X)
    assert bar.isVisible()
    assert bar.position.value() == pytest.approx(6.5)  # half of 13 m
    QTest.keyClick(QApplication.focusWidget(), Qt.Key.Key_Home)
    assert window.scene.section.planes[0].origin[2] == pytest.approx(0)
    bar.position.setValue(4.5)
    bar.flip.click()
    bar.ground.click()
    (plane,) = window.scene.section.planes
    assert (plane.origin[2], plane.normal, window.scene.section.cuts_ground) == (pytest.approx(4.5), (0, 0, -1), True)
    saved = project_file.to_bytes(town.session.project, view=window.live.view_state(), folder=Path("/"))
    QTest.keyClick(bar.slider, Qt.Key.Key_Escape)
    assert window.scene.section is None
    assert not bar.isVisible()
    view = project_file.from_bytes(saved, folder=Path("/"), name="p.twin").view
    window.projects.began.emit(view)
    assert bar.isVisible()
    assert bar.position.value() == pytest.approx(4.5)
    assert window.scene.section == view.section
    assert town.session.undo_label == "Add 2 layers"

"""Analyses in the window: a form, a result over the city, in the tree and in its panel, and gone when it is closed."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QFileDialog, QLineEdit, QMenu

from tests.ui.conftest import show_town
from twinviewer.app.plugins.manifest import Parameter
from twinviewer.model.panel import StartAnalysis
from twinviewer.ui import analysis_commands
from twinviewer.ui.application import Program
from twinviewer.ui.parameter_form import ParameterForm

HEIGHTS = "building-heights.above-ground"
WITHIN_MS = 30_000


def run_heights(program: Program, qtbot) -> None:
    before = len(program.window.services.analyst.results)
    program.window.analyses.start(HEIGHTS, {"high_m": 10.0})
    qtbot.waitUntil(lambda: len(program.window.services.analyst.results) == before + 1, timeout=WITHIN_MS)
    QApplication.processEvents()


def rows(program: Program) -> list[str]:
    return [node.key for top in program.window.panels.layers.model.nodes for node in (top, *top.children)]


# --- the form -------------------------------------------------------------------------------------------------------


def parameter(key: str, type: str, **more: object) -> Parameter:
    return Parameter.model_validate({"key": key, "title": key.title(), "type": type, **more})


def test_a_form_has_a_field_for_each_type_and_gives_what_was_chosen(qtbot) -> None:
    form = ParameterForm(
        [
            parameter("reach", "number", unit="m", default=2.5, minimum=0, maximum=10),
            parameter("count", "integer", default=3),
            parameter("deep", "boolean", default=True),
            parameter("way", "choice", choices=["a", "b"], default="b"),
            parameter("name", "text", default="x"),
            parameter("colour", "colour", default="#102030"),
            parameter("ground", "layer", kinds=["terrain"]),
            parameter("height", "number"),
            parameter("list", "file"),
        ],
        {"count": 7},
        layers=lambda _parameter: [("layer-1", "Hill"), ("layer-2", "Slope")],
    )
    qtbot.addWidget(form)
    assert form.values == {
        "reach": 2.5, "count": 7, "deep": True, "way": "b", "name": "x", "colour": "#102030", "ground": "layer-1"
    }  # fmt: skip
    assert set(form.faults) == {"height", "list"}, "what nobody chose yet"
    ground = form.fields["ground"].widget
    assert isinstance(ground, QComboBox)
    ground.setCurrentIndex(1)
    height = form.fields["height"].widget
    assert isinstance(height, QLineEdit)
    with qtbot.waitSignal(form.changed):
        QTest.keyClicks(height, "many")
    assert form.faults["height"] == "must be a number"
    height.setText("12.5")
    assert (form.values["ground"], form.values["height"]) == ("layer-2", 12.5)
    assert set(form.faults) == {"list"}


def test_an_analysis_without_its_layer_cannot_be_run(town: Program, qtbot, monkeypatch: pytest.MonkeyPatch) -> None:
    """The small town has no terrain, so contours have nothing to be of."""
    shown = []

    def look(dialog: analysis_commands.AnalysisDialog) -> int:
        shown.append((dialog.run.isEnabled(), dialog.form.fields["terrain"].note.text()))
        return 0

    monkeypatch.setattr(analysis_commands.AnalysisDialog, "exec", look)
    contours = next(each for each in town.registry.analyses if each.id == "contours.lines")
    town.window.analyses.ask_and_start(contours)
    assert shown == [(False, "No layer of the kind terrain is loaded.")]
    assert town.window.services.runner.jobs == ()


def test_the_form_begins_with_what_was_chosen_the_last_time(
    town: Program, qtbot, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[Mapping[str, object]] = []

    def choose(dialog: analysis_commands.AnalysisDialog) -> int:
        begun.append(dialog.values)
        dialog.form.fields["high_m"].widget.setValue(12.0)
        return 1

    monkeypatch.setattr(analysis_commands.AnalysisDialog, "exec", choose)
    heights = next(each for each in town.registry.analyses if each.id == HEIGHTS)
    for expected in (1, 2):
        town.window.analyses.ask_and_start(heights)
        qtbot.waitUntil(lambda n=expected: len(town.window.services.analyst.results) == n, timeout=WITHIN_MS)
    assert begun == [{"high_m": 22.0}, {"high_m": 12.0}]


# --- the result -----------------------------------------------------------------------------------------------------


def test_a_result_is_drawn_with_a_legend_listed_in_the_tree_and_shown_in_its_panel(town: Program, qtbot) -> None:
    window = town.window
    run_heights(town, qtbot)
    assert not window.docks.docks["results"].isHidden()
    assert "Height above ground" in [scale.title for scale in window.scene.legends()]
    assert "result:result-1" in rows(town)
    tables = window.panels.results.tables
    assert [tables.tabText(at) for at in range(tables.count())] == ["Summary", "Buildings"]
    assert "Building heights 1.0.0" in window.panels.results.provenance.text()
    index = window.panels.layers.model.index_of("result:result-1")
    assert "Plugin: Building heights 1.0.0" in index.data(Qt.ItemDataRole.ToolTipRole)


def test_a_result_is_hidden_fades_and_goes_from_its_row(town: Program, qtbot) -> None:
    window, analyst = town.window, town.window.services.analyst
    run_heights(town, qtbot)
    panel = window.panels.layers
    panel.select_keys({"result:result-1"})
    window.commands.run("layer.toggle")
    assert not analyst.results[0].visible
    assert not window.scene.legends()
    window.commands.run("layer.toggle")
    panel.opacity.setValue(40)
    assert (analyst.results[0].visible, analyst.results[0].opacity) == (True, 0.4)
    assert window.services.session.undo_label is not None
    assert "opacity" not in window.services.session.undo_label, "results are not part of the document"
    assert window.panels.inspector.layer_title.text() == "Building heights above ground"
    window.commands.run("layer.remove")
    assert analyst.results == ()
    assert not any(key.startswith(("result:", "group:Results")) for key in rows(town))
    assert window.panels.results.current is None


def test_choosing_a_row_selects_the_building_and_shows_it(town: Program, qtbot) -> None:
    window = town.window
    run_heights(town, qtbot)
    panel = window.panels.results
    panel.tables.setCurrentIndex(1)
    table = panel.tables.currentWidget()
    chosen = table.table.object_ids[0]
    table.view.selectRow(0)
    assert window.panels.inspector.facts is not None
    assert window.panels.inspector.facts.id == chosen


def test_a_table_goes_to_the_clipboard_and_into_a_file(
    town: Program, qtbot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    window = town.window
    run_heights(town, qtbot)
    panel = window.panels.results
    panel.tables.setCurrentIndex(1)
    panel.copy.click()
    lines = QGuiApplication.clipboard().text().splitlines()
    assert lines[0] == "Id\tType\tHeight (m)"
    assert len(lines) == 1 + len(panel.table.rows)
    heights = [float(line.split("\t")[2]) for line in lines[1:]]
    assert heights == sorted(heights, reverse=True)
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: (str(tmp_path / "heights"), ""))
    panel.save.click()
    with (tmp_path / "heights.csv").open(encoding="utf-8-sig", newline="") as file:
        saved = list(csv.reader(file))
    assert [row[0] for row in saved] == [line.split("\t")[0] for line in lines]


def test_the_tools_menu_and_the_palette_list_analyses(program: Program, qtbot) -> None:
    window = program.window
    menu = QMenu()
    window.analyses.fill_menu(menu)
    assert {action.text() for action in menu.actions()} >= {"Building heights above ground…", "Contour lines…"}
    assert not any(action.isEnabled() for action in menu.actions()), "there is nothing to analyse yet"
    show_town(program)
    found = [entry for entry in window.finder.commands("contour lines") if entry.detail == "Tools › Analyses"]
    assert [(entry.title, entry.enabled) for entry in found] == [("Contour lines", True)]


def test_a_panel_of_a_plugin_can_start_one(town: Program, qtbot) -> None:
    action = StartAnalysis(id=HEIGHTS, parameters=(("high_m", 10.0),))
    town.window.contributed._executor.carry_out("building-heights.above-ground", [action])
    qtbot.waitUntil(lambda: bool(town.window.services.analyst.results), timeout=WITHIN_MS)
    wrong = replace(action, parameters=(("high_m", -1.0),))
    town.window.contributed._executor.carry_out("building-heights.above-ground", [wrong])
    assert "“High-rise from” must be at least 1 m." in town.problems.problems[-1].problem

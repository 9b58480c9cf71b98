"""Layer › Export: the formats that fit, a name that follows, a question before anything is replaced, and a file."""

from __future__ import annotations

from pathlib import Path

import pyogrio
import pytest
from PySide6.QtWidgets import QMessageBox

from twinviewer.model import crs
from twinviewer.model.diagnostics import Severity
from twinviewer.model.place import ReferenceSystem
from twinviewer.ui import export_commands
from twinviewer.ui.application import Program
from twinviewer.ui.export_dialog import ExportDialog

WITHIN_MS = 30_000
UTM33 = ReferenceSystem(horizontal="EPSG:25833")


def dialog_for(
    program: Program, kinds: list[str], folder: Path, titles: tuple[str, ...] = ("Street names",)
) -> ExportDialog:
    return ExportDialog(
        titles,
        writers=program.window.services.exports.writers_for(kinds),
        system="ETRS89 / UTM zone 32N",
        folder=folder,
        ask_crs=lambda _what, _proposed: UTM33,
        describe=crs.describe,
    )


def export(program: Program, qtbot, keys: set[str], choose, monkeypatch: pytest.MonkeyPatch) -> None:
    """Select rows and run Layer › Export, the dialog answered by ``choose``."""
    monkeypatch.setattr(export_commands.ExportDialog, "exec", lambda dialog: (choose(dialog), 1)[1])
    window = program.window
    window.panels.layers.select_keys(keys)
    assert window.commands["layer.export"].isEnabled()
    window.commands.run("layer.export")
    qtbot.waitUntil(lambda: not window.services.runner.jobs, timeout=WITHIN_MS)


def test_the_selected_layer_becomes_a_file_and_a_toast_says_where(town, qtbot, tmp_path, monkeypatch) -> None:
    def choose(dialog: ExportDialog) -> None:
        dialog.file.setText(str(tmp_path / "streets.gpkg"))
        dialog.target = UTM33

    export(town, qtbot, {"layer:streets"}, choose, monkeypatch)
    info = pyogrio.read_info(tmp_path / "streets.gpkg", force_feature_count=True)
    assert info["features"] == town.session.store.get("streets").feature_count
    assert "25833" in info["crs"] or "33N" in info["crs"]
    title = town.session.project.layer("streets").title
    assert pyogrio.list_layers(tmp_path / "streets.gpkg")[0, 0] == title
    assert any(str(tmp_path / "streets.gpkg") in toast.text for toast in town.window.toasts.shown)


def test_what_the_format_does_not_hold_is_listed_as_a_problem(town, qtbot, tmp_path, monkeypatch) -> None:
    def as_mesh(dialog) -> None:
        dialog.formats.setCurrentIndex(dialog.formats.findText("PLY (*.ply)"))
        dialog.file.setText(str(tmp_path / "town.ply"))

    export(town, qtbot, {"layer:buildings"}, as_mesh, monkeypatch)
    assert (tmp_path / "town.ply").read_bytes().startswith(b"ply")
    told = [problem for problem in town.problems.problems if problem.source == "town.ply"]
    assert told
    assert {problem.severity for problem in told} == {Severity.INFO}


def test_an_export_that_fails_is_one_sentence(town, qtbot, tmp_path, monkeypatch) -> None:
    gone = tmp_path / "gone"
    export(town, qtbot, {"layer:streets"}, lambda dialog: dialog.file.setText(str(gone / "a.gpkg")), monkeypatch)
    assert town.problems.problems[-1].code == "write"
    assert "what was there before is intact" in town.problems.problems[-1].problem


def test_layers_of_different_kinds_have_no_common_format(town, qtbot, monkeypatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(QMessageBox, "information", lambda _parent, _title, text: told.append(text))
    town.window.panels.layers.select_keys({"layer:streets", "layer:buildings"})
    town.window.commands.run("layer.export")
    assert told == [
        "No format holds a city model and a map layer in one file.\nSelect one layer, and export it by itself."
    ]


def test_the_name_follows_the_format_and_the_format_decides_about_the_system(program, qtbot, tmp_path) -> None:
    dialog = dialog_for(program, ["features"], tmp_path)
    qtbot.addWidget(dialog)
    assert dialog.path == tmp_path / "Street names.gpkg"
    dialog.change.click()
    assert dialog.target == UTM33
    assert dialog.system.text() == "ETRS89 / UTM zone 33N"
    dialog.formats.setCurrentIndex(dialog.formats.findText("GeoJSON (*.geojson)"))
    assert dialog.path == tmp_path / "Street names.geojson"
    assert (dialog.target, dialog.change.isEnabled()) == (None, False)
    assert "EPSG:4326" in dialog.system.text()
    dialog.file.setText(str(tmp_path / "without ending"))
    assert dialog.path == tmp_path / "without ending.geojson"
    dialog.file.setText(str(tmp_path / "no folder" / "x"))
    assert not dialog.export.isEnabled()


def test_several_layers_are_offered_only_what_holds_them(program, qtbot, tmp_path) -> None:
    dialog = dialog_for(program, ["features", "features"], tmp_path, titles=("a", "b"))
    qtbot.addWidget(dialog)
    assert [dialog.formats.itemText(at) for at in range(dialog.formats.count())] == ["GeoPackage (*.gpkg)"]


@pytest.mark.parametrize("answer", [QMessageBox.StandardButton.Yes, QMessageBox.StandardButton.Cancel])
def test_nothing_is_replaced_without_a_question(program, qtbot, tmp_path, monkeypatch, answer) -> None:
    asked: list[str] = []
    monkeypatch.setattr(QMessageBox, "question", lambda *words: (asked.append(words[2]), answer)[1])
    dialog = dialog_for(program, ["features"], tmp_path)
    qtbot.addWidget(dialog)
    dialog.file.setText(str(tmp_path / "new.gpkg"))
    dialog.export.click()
    assert (dialog.result(), asked) == (1, [])
    (tmp_path / "old.gpkg").touch()
    dialog.setResult(0)
    dialog.file.setText(str(tmp_path / "old.gpkg"))
    dialog.export.click()
    assert asked == ["Replace “old.gpkg”?"]
    assert dialog.result() == int(answer == QMessageBox.StandardButton.Yes)

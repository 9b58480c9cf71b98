"""Files come in by drop, with progress, hints and questions; bad ones leave one sentence and everything else alone."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import laspy
import numpy as np
import pytest
from PySide6.QtCore import QPoint, QTimer
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent
from PySide6.QtWidgets import QApplication, QMessageBox

from tests.crowding import allowed_s
from tests.ui.hands import COPY, LEFT, NONE, READ_WITHIN_MS, drop, mime, wait_until_read
from twinviewer.app.opening import Phase
from twinviewer.ui.crs_dialog import CrsDialog


@pytest.fixture
def squares(tmp_path) -> Path:
    """A GeoJSON of nine squares of 0.001 degrees in Hamburg."""
    features = [
        {
            "type": "Feature",
            "properties": {"name": f"square {x}{y}", "storeys": x + y},
            "geometry": {
                "type": "Polygon",
                "coordinates": [[[10 + (x + i) / 500, 53.5 + (y + j) / 500] for i, j in corners]],
            },
        }
        for x in range(3)
        for y in range(3)
        for corners in [((0, 0), (0.5, 0), (0.5, 0.5), (0, 0.5), (0, 0))]
    ]
    path = tmp_path / "squares.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return path


@pytest.fixture
def nameless_points(tmp_path) -> Path:
    """A LAS file of 1,000 points around the squares, in UTM 32N, that does not say so."""
    las = laspy.create(point_format=1, file_version="1.2")
    las.header.offsets, las.header.scales = [566000, 5928000, 0], [0.01] * 3
    rng = np.random.default_rng(7)
    las.x, las.y = rng.uniform(566_300, 566_500, 1000), rng.uniform(5_928_200, 5_928_400, 1000)
    las.z, las.classification = rng.uniform(0, 20, 1000), rng.integers(2, 7, 1000)
    path = tmp_path / "nameless.las"
    las.write(path)
    return path


def test_a_hint_says_what_a_drop_will_do_and_goes_when_the_files_do(program, squares):
    window = program.window
    data = mime([squares])
    enter = QDragEnterEvent(QPoint(500, 300), COPY, data, LEFT, NONE)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    assert window.drop_hint.isVisible()
    assert window.drop_hint.label.text() == "Add squares.geojson as map layer"
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window.drop_hint.isVisible()


def test_one_drop_shows_a_file_of_ones_own_and_remembers_it(program, qtbot, squares):
    window = program.window
    drop(window, squares)
    wait_until_read(program, qtbot)
    assert window.pages.currentWidget() is window.viewport
    (layer,) = program.session.project.layers
    assert (layer.title, layer.kind) == ("squares", "features")
    assert program.session.store.get(layer.id).feature_count == 9
    assert [Path(entry.path) for entry in window.services.recent.entries] == [squares]
    assert [toast.text for toast in window.toasts.shown] == ["Added 1 layer"]
    assert window.status.crs.text() == program.session.project.crs.horizontal


def test_a_file_without_reference_system_is_asked_about_and_lands_where_the_answer_says(
    program, qtbot, squares, nameless_points
):
    window = program.window
    drop(window, squares)
    wait_until_read(program, qtbot)
    asked = []

    def answer() -> None:
        dialog = QApplication.activeModalWidget()
        if isinstance(dialog, CrsDialog):
            asked.append(dialog)
            dialog.field.setText("EPSG:25832")
            dialog.accept()

    timer = QTimer()
    timer.timeout.connect(answer)
    timer.start(50)
    drop(window, nameless_points)
    qtbot.waitUntil(lambda: len(program.session.project.layers) == 2, timeout=READ_WITHIN_MS)
    timer.stop()
    wait_until_read(program, qtbot)
    assert len(asked) == 1
    cloud = program.session.store.get(program.session.project.layers[0].id)
    assert cloud.read_count == 1000
    assert 566_300 <= cloud.extent.min_x <= cloud.extent.max_x <= 566_500


def test_bad_files_leave_one_sentence_each_and_everything_else_alone(program, qtbot, squares, tmp_path):
    window = program.window
    drop(window, squares)
    wait_until_read(program, qtbot)
    before = program.session.project
    bad = {
        "empty.laz": b"",
        "text.laz": b"this is no point cloud at all, but a letter",
        "half.las": b"LASF" + bytes(100),
        "bomb.geojson": b'{"type": "FeatureCollection", "features": [',
        "cut.tif": b"II*\0\x08\0\0\0",
        "notes.xyz": b"1 2 3",
    }
    for name, content in bad.items():
        (tmp_path / name).write_bytes(content)
    drop(window, *(tmp_path / name for name in bad), tmp_path / "gone.laz")
    wait_until_read(program, qtbot)
    problems = program.problems.problems
    assert sorted(Path(problem.source).name for problem in problems) == sorted([*bad, "gone.laz"])
    for problem in problems:
        assert problem.code != "bug"
        assert problem.problem.endswith(".")
        assert "\n" not in problem.problem
        assert "Traceback" not in problem.text
        assert "Error" not in problem.problem
    assert program.session.project == before
    shown = {toast.text for toast in window.toasts.shown if toast.isVisible()}
    assert shown
    assert shown <= {problem.text for problem in problems}
    assert window.status.problems.text() == f"{len(problems)} problems"


def test_reading_can_be_cancelled_from_its_row_within_250_ms(program, qtbot, tmp_path):
    las = laspy.create(point_format=1, file_version="1.2")
    las.header.scales = [0.01] * 3
    las.x = las.y = las.z = np.linspace(0, 1000, 3_000_000)
    path = tmp_path / "large.las"
    las.write(path)
    window, opener = program.window, program.window.services.opener
    drop(window, path)
    qtbot.waitUntil(lambda: any(o.phase is Phase.READING and o.progress > 0 for o in opener.openings), timeout=30_000)
    key = f"pending:{opener.openings[0].id}"
    window.panels.layers.select_keys({key})
    assert window.panels.layers.cancel.isVisible()
    job = opener.openings[0].job
    began = time.monotonic()
    window.panels.layers.cancel.click()
    qtbot.waitUntil(lambda: job not in window.services.runner.jobs, timeout=30_000)
    assert time.monotonic() - began <= allowed_s(0.25)
    assert opener.openings == ()
    assert program.session.project.layers == ()


def test_as_many_points_are_kept_as_the_settings_say(program, qtbot, tmp_path):
    las = laspy.create(point_format=1, file_version="1.2")
    las.x = las.y = las.z = np.arange(1000.0)
    las.write(tmp_path / "points.las")
    program.window.program.use_settings(replace(program.window.services.settings, point_budget=100))
    drop(program.window, tmp_path / "points.las")
    wait_until_read(program, qtbot)
    (layer,) = program.session.project.layers
    cloud = program.session.store.get(layer.id)
    assert (len(cloud.positions), cloud.read_count) == (100, 1000)
    assert layer.source.options == (), "it is a matter of the machine, not of the project"


def test_leaving_unsaved_work_asks_once_and_cancel_keeps_everything(program, qtbot, squares, monkeypatch):
    window = program.window
    drop(window, squares)
    wait_until_read(program, qtbot)
    answers = iter([QMessageBox.StandardButton.Cancel, QMessageBox.StandardButton.Discard])
    monkeypatch.setattr(QMessageBox, "question", lambda *_arguments: next(answers))
    window.commands.run("file.new")
    assert len(program.session.project.layers) == 1
    window.commands.run("file.new")
    assert program.session.project.layers == ()
    assert not window.viewport.compass.isVisible()


def test_a_layer_whose_file_was_missing_is_read_again_once_the_file_is_back(program, qtbot, squares, tmp_path):
    window, session = program.window, program.session
    drop(window, squares)
    wait_until_read(program, qtbot)
    window.document.save(tmp_path / "town.twin")
    squares.rename(tmp_path / "elsewhere")
    drop(window, tmp_path / "town.twin")
    wait_until_read(program, qtbot)
    (layer,) = session.project.layers
    assert session.store.get(layer.id) is None
    assert [problem.code for problem in program.problems.problems] == ["project"]
    assert "squares.geojson" in program.problems.problems[0].text
    (tmp_path / "elsewhere").rename(squares)
    window.panels.layers.select_keys({f"layer:{layer.id}"})
    assert window.commands["layer.reload"].isEnabled()
    window.commands.run("layer.reload")
    wait_until_read(program, qtbot)
    assert session.store.get(layer.id).feature_count == 9
    window.panels.layers.select_keys({f"layer:{layer.id}"})
    assert not window.commands["layer.reload"].isEnabled()

"""``import twinviewer as tv``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import psutil
import pytest
from PIL import Image

import twinviewer as tv
from tests.cli.sample_files import (
    SIDE_M,
    SOUTH,
    WEST,
    write_city,
    write_layers,
    write_points,
    write_squares,
    write_terrain,
)
from tests.conftest import ROOT
from twinviewer.model.errors import MissingCrsError, ReadError, UsageError
from twinviewer.model.layer_data import CityModel, FeatureTable, PointCloud, TerrainGrid
from twinviewer.model.place import CrsOrigin
from twinviewer.model.project import OverlaySpec


def test_reading_gives_typed_data_as_it_lies_in_the_file(tmp_path: Path) -> None:
    city = tv.read(write_city(tmp_path / "house.gml"))
    assert isinstance(city, CityModel)
    assert city.object_ids == ("house",)
    points = tv.read(str(write_points(tmp_path / "points.laz")))
    assert isinstance(points, PointCloud)
    assert points.positions.shape == (400, 3)
    assert points.crs is not None
    assert (points.crs.horizontal, points.crs.origin) == ("EPSG:25832", CrsOrigin.FILE)
    assert isinstance(tv.read(write_terrain(tmp_path / "terrain.tif")), TerrainGrid)


def test_one_of_several_layers_is_read_by_its_name(tmp_path: Path) -> None:
    path = write_layers(tmp_path / "town.gpkg")
    streets = tv.read(path, layer="streets")
    assert isinstance(streets, FeatureTable)
    assert streets.feature_count == 3
    assert [data.source.title for data in tv.read_layers(path)] == ["zones", "streets"]
    with pytest.raises(UsageError, match=r"“zones”, “streets”"):
        tv.read(path)
    with pytest.raises(UsageError, match=r"no layer “rivers”.*“zones”, “streets”"):
        tv.read(path, layer="rivers")


def test_a_given_reference_system_is_kept_as_given(tmp_path: Path) -> None:
    points = tv.read(write_points(tmp_path / "points.las", crs=None), crs="EPSG:25832")
    assert points.crs is not None
    assert (points.crs.horizontal, points.crs.origin) == ("EPSG:25832", CrsOrigin.GIVEN)


def test_what_cannot_be_read_is_an_error_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(tv.TwinViewerError) as raised:
        tv.read(tmp_path / "missing.laz")
    assert raised.value.problem == "The file does not exist."
    assert raised.value.cure
    with pytest.raises(UsageError, match="project"):
        tv.read(tmp_path / "town.twin")


def test_what_could_not_be_drawn_or_opened_again_is_refused(tmp_path: Path) -> None:
    with tv.open(write_city(tmp_path / "house.gml")) as session:
        for size in ((0, 10), (10, -1), (100_000, 10)):
            with pytest.raises(tv.TwinViewerError, match="pixels"):
                session.render(tmp_path / "town.png", size=size)
        with pytest.raises(tv.TwinViewerError, match=r"\.twin"):
            session.save(tmp_path / "town.txt")
    assert [path.name for path in tmp_path.iterdir()] == ["house.gml"]


def test_a_session_puts_files_into_one_system_and_saves_them(tmp_path: Path) -> None:
    with tv.open(write_city(tmp_path / "house.gml"), write_points(tmp_path / "points.laz")) as session:
        assert session.project.crs is not None
        assert session.project.crs.horizontal == "EPSG:25832"
        layers = {layer.title: layer for layer in session.project.layers}
        extent = session.data(layers["points"].id).extent
        assert extent.as_tuple()[:2] == pytest.approx((WEST, SOUTH), abs=0.01)
        session.save(tmp_path / "town.twin")
        saved = session.project
    with tv.open(tmp_path / "town.twin") as again:
        assert again.project == saved
        assert all(again.data(layer.id) is not None for layer in again.project.layers)


def test_changes_are_commands_that_can_be_undone(tmp_path: Path) -> None:
    with tv.open(write_squares(tmp_path / "squares.gpkg")) as session:
        opened = session.project
        (layer,) = opened.layers
        session.do(tv.commands.SetVisible(layer_ids=frozenset({layer.id}), visible=False))
        assert not session.project.layers[0].visible
        session.undo()
        assert session.project == opened
        session.redo()
        assert not session.project.layers[0].visible
        session.color_by("floors")
        assert session.project.layers[0].style.color_by == "floors"


def test_a_session_draws(tmp_path: Path) -> None:
    with tv.open(write_city(tmp_path / "house.gml")) as session:
        session.render(tmp_path / "x.png", size=(120, 80), view="iso", time="2025-06-21T12:00Z")
    with Image.open(tmp_path / "x.png") as picture:
        assert picture.size == (120, 80)


def test_an_empty_session_has_nothing_to_draw(tmp_path: Path) -> None:
    with tv.open() as session, pytest.raises(UsageError, match="nothing to draw"):
        session.render(tmp_path / "x.png")


def test_what_can_be_read_is_there_although_something_failed(tmp_path: Path) -> None:
    with tv.open() as session:
        with pytest.raises(ReadError, match=r"missing\.laz"):
            session.add(tmp_path / "missing.laz", write_city(tmp_path / "house.gml"))
        assert [layer.title for layer in session.project.layers] == ["house"]
        assert [problem.problem for problem in session.problems] == ["The file does not exist."]
        session.add(write_points(tmp_path / "points.laz"))
        assert len(session.project.layers) == 2


def test_a_file_without_a_system_is_told_in_a_project_that_has_one(tmp_path: Path) -> None:
    silent = write_points(tmp_path / "silent.las", crs=None)
    with tv.open(write_city(tmp_path / "house.gml")) as session:
        with pytest.raises(MissingCrsError):
            session.add(silent)
        session.add(silent, crs="EPSG:25832")
        (spec,) = [layer for layer in session.project.layers if layer.kind == "point-cloud"]
        assert spec.source.crs is not None
        assert (spec.source.crs.horizontal, spec.source.crs.origin) == ("EPSG:25832", CrsOrigin.GIVEN)
        extent = session.data(spec.id).extent
        assert extent.max_x == pytest.approx(WEST + SIDE_M, abs=0.01)


def test_a_layer_whose_file_has_moved_is_a_problem_and_stays(tmp_path: Path) -> None:
    points = write_points(tmp_path / "points.laz")
    with tv.open(write_city(tmp_path / "house.gml"), points) as session:
        session.save(tmp_path / "town.twin")
    points.rename(tmp_path / "elsewhere.laz")
    with tv.open(tmp_path / "town.twin") as session:
        assert {layer.title: session.data(layer.id) is not None for layer in session.project.layers} == {
            "house": True,
            "points": False,
        }
        assert [problem.severity for problem in session.problems] == ["error"]
        session.save(tmp_path / "town.twin")
    assert "points.laz" in (tmp_path / "town.twin").read_text()


def test_the_end_of_a_session_ends_its_workers(tmp_path: Path) -> None:
    here = psutil.Process(os.getpid())
    before = {child.pid for child in here.children(recursive=True)}
    with tv.open(write_city(tmp_path / "house.gml")):
        during = {child.pid for child in here.children(recursive=True)} - before
        assert during
    after = {child.pid for child in here.children(recursive=True) if child.status() != psutil.STATUS_ZOMBIE}
    assert during.isdisjoint(after)


def test_a_script_needs_no_main_guard_and_ends_with_its_last_line(tmp_path: Path) -> None:
    path = write_city(tmp_path / "house.gml")
    script = tmp_path / "script.py"
    script.write_text(
        "import sys, twinviewer as tv\n"
        f"print(len(tv.read({str(path)!r}).object_ids))\n"
        f"with tv.open({str(path)!r}) as session:\n"
        "    print([layer.title for layer in session.project.layers])\n"
        "print('PySide6' in sys.modules, 'vtkmodules' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == ["1", "['house']", "False False"]


def test_what_the_package_offers_is_there() -> None:
    assert set(tv.__all__) <= set(dir(tv))
    for name in tv.__all__:
        assert getattr(tv, name) is not None
    with pytest.raises(AttributeError, match="nonsense"):
        _ = tv.nonsense


def test_overlays_that_are_switched_on_are_in_the_picture(tmp_path: Path) -> None:
    pictures = []
    with tv.open(write_city(tmp_path / "house.gml")) as session:
        for visible in (False, True):
            session.do(tv.commands.SetOverlay(overlay=OverlaySpec(id="air-quality.no2", visible=visible)))
            session.render(tmp_path / "x.png", size=(320, 200), time="2025-06-21T12:00Z")
            with Image.open(tmp_path / "x.png") as picture:
                pictures.append(np.asarray(picture.convert("RGB"), dtype=np.int16))
        assert session.problems == ()
    changed = np.abs(pictures[0] - pictures[1]).max(axis=2) > 40
    assert changed[24:].mean() > 0.001
    assert changed[:24, 80:240].mean() > 0.01  # the line that says that the values are simulated


def test_layers_are_written_and_read_again(tmp_path: Path) -> None:
    layers = tv.read_layers(write_layers(tmp_path / "town.gpkg"))
    assert tv.write(layers, tmp_path / "copy.gpkg") == ()
    again = tv.read_layers(tmp_path / "copy.gpkg")
    assert [(data.source.title, data.feature_count) for data in again] == [("zones", 2), ("streets", 3)]
    for before, after in zip(layers, again, strict=True):
        assert after.crs == before.crs
        np.testing.assert_array_equal(after.line_vertices, before.line_vertices)
    moved = tmp_path / "moved.fgb"
    tv.write(layers[1], moved, crs="EPSG:25833")
    assert tv.read(moved).crs.horizontal == "EPSG:25833"
    with pytest.raises(tv.TwinViewerError, match="holds one layer"):
        tv.write(layers, tmp_path / "copy.geojson")


def test_a_session_analyses(tmp_path: Path) -> None:
    """A ramp from 0 m to 7 m by whole metres has its contours where the terrain has those heights."""
    with tv.open(write_terrain(tmp_path / "terrain.tif")) as session:
        (layer,) = session.project.layers
        by_id = session.analyse("contours.lines", terrain=layer.id, interval_m=1)
        by_data = session.analyse("contours.lines", terrain=session.data(layer.id), interval_m=1)
        (table,) = by_id.layers
        np.testing.assert_array_equal(table.line_vertices, by_data.layers[0].line_vertices)
        heights = session.data(layer.id).heights
        levels = set(table.line_vertices[:, 2])
        assert levels == {float(h) for h in range(-1000, 1000) if np.nanmin(heights) <= h < np.nanmax(heights)}
        with pytest.raises(tv.TwinViewerError, match="no analysis"):
            session.analyse("nobody.knows")
        with pytest.raises(tv.TwinViewerError, match="must be a layer"):
            session.analyse("contours.lines", terrain="gone", interval_m=1)

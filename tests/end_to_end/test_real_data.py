"""Done when: files of four formats open together, each in its right place; saved, closed, reopened, all is as it was.

What must be there is from the README beside the data; where it must lie is reckoned here by PROJ alone.
"""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pyproj
import pytest
from lxml import etree
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog
from shapely.geometry import Polygon

from tests.ui.hands import LEFT, NONE, drop, on_screen, wait_until_read
from twinviewer.model.layer_data import CityModel, LayerData, TerrainGrid

pytestmark = pytest.mark.data

DUTCH = "EPSG:28992"
FILES = (
    "citygml/1.0/DenHaag_1BwBP.gml",
    "laz/ahn4_delft_small.laz",
    "gpkg/bubenec.gpkg",
    "geotiff/rmnp-dem.tif",
)
BOUNDS = {  # (reference system of the file, bounds in it as the README counts them)
    "DenHaag_1BwBP": (DUTCH, (78588.7, 457897.9, 78601.9, 457910.8)),
    "ahn4_delft_small": (DUTCH, (85699.7, 447195.3, 85740.5, 447243.5)),
    "tessellation": ("EPSG:3857", (1602940.0, 6463760.0, 1603670.0, 6464510.0)),
    "buildings": ("EPSG:3857", (1602990.0, 6463810.0, 1603620.0, 6464460.0)),
    "streets": ("EPSG:3857", (1602890.0, 6463630.0, 1603800.0, 6464620.0)),
    "plots": ("EPSG:3857", (1602818.5, 6463505.3, 1604073.9, 6464884.5)),
    "rmnp-dem": ("EPSG:4326", (-105.91, 40.159, -105.49, 40.554)),
}
FEATURES = {"tessellation": 144, "buildings": 144, "streets": 35, "plots": 407}
POINTS = 39_233
HEIGHTS_M = (2281, 4261)


def expected_box(title: str) -> tuple[float, float, float, float]:
    system, bounds = BOUNDS[title]
    return pyproj.Transformer.from_crs(system, DUTCH, always_xy=True).transform_bounds(*bounds, densify_pts=41)


def tolerance_m(title: str, box: tuple[float, float, float, float]) -> float:
    """Return how far off an edge may be: the README's rounding, or of a box in another system what turning adds."""
    return 0.1 if BOUNDS[title][0] == DUTCH else 0.12 * max(box[2] - box[0], box[3] - box[1])


def assert_all_is_there(program) -> None:
    store = program.session.store
    layers = {layer.title: store.get(layer.id) for layer in program.session.project.layers}
    assert set(layers) == set(BOUNDS)
    assert program.session.project.crs.horizontal == DUTCH
    for title, data in layers.items():
        extent, box = data.extent, expected_box(title)
        found = (extent.min_x, extent.min_y, extent.max_x, extent.max_y)
        assert found == pytest.approx(box, abs=tolerance_m(title, box)), title
    for title, count in FEATURES.items():
        assert layers[title].feature_count == count
    assert layers["ahn4_delft_small"].read_count == POINTS
    model, terrain = layers["DenHaag_1BwBP"], layers["rmnp-dem"]
    assert isinstance(model, CityModel)
    names = [model.type_names[kind] for kind in model.object_type]
    assert (names.count("Building"), names.count("BuildingPart")) == (1, 6)
    assert (model.extent.min_z, model.extent.max_z) == pytest.approx((6.4, 16.0), abs=0.1)
    assert isinstance(terrain, TerrainGrid)
    assert HEIGHTS_M[0] - 1 <= np.nanmin(terrain.heights) <= np.nanmax(terrain.heights) <= HEIGHTS_M[1] + 1


def same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray):
        if not isinstance(other, np.ndarray) or one.dtype != other.dtype:
            return False
        return np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
    if dataclasses.is_dataclass(one) and type(one) is type(other):
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in dataclasses.fields(one))
    if isinstance(one, tuple) and isinstance(other, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return one == other or (one != one and other != other)


def everything(program) -> dict[str, LayerData]:
    return {layer.id: program.session.store.get(layer.id) for layer in program.session.project.layers}


def open_by_drop(program, paths) -> None:
    drop(program.window, *paths)


def open_as_the_command_line_does(program, paths) -> None:
    program.window.projects.open(paths)


@pytest.mark.parametrize("way", [open_by_drop, open_as_the_command_line_does])
def test_four_formats_open_together_and_are_as_they_were_after_saving_and_reopening(
    program, qtbot, city_data, tmp_path, monkeypatch, way
):
    window, session = program.window, program.session
    way(program, [city_data / name for name in FILES])
    wait_until_read(program, qtbot)
    assert_all_is_there(program)
    window.views.show_extent(session.store.get(session.project.layers[0].id).extent)
    qtbot.waitUntil(lambda: window.is_settled, timeout=60_000)
    window.views.keep_view("Prague")

    first, second = tmp_path / "four.twin", tmp_path / "again.twin"
    names = iter([first, second])
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_arguments: (str(next(names)), ""))
    window.commands.run("file.save")
    assert not window.document.is_dirty
    project, data, viewpoint = session.project, everything(program), window.scene.viewpoint

    window.commands.run("file.new")
    assert session.project.layers == ()
    way(program, [first])
    wait_until_read(program, qtbot)
    qtbot.waitUntil(lambda: all(value is not None for value in everything(program).values()), timeout=60_000)
    assert session.project == project
    assert_all_is_there(program)
    for layer_id, value in everything(program).items():
        assert same(value, data[layer_id]), layer_id
    assert window.scene.viewpoint.position == pytest.approx(viewpoint.position, abs=1e-6)
    assert window.scene.viewpoint.target == pytest.approx(viewpoint.target, abs=1e-6)
    window.commands.run("file.save_as")
    assert second.read_bytes() == first.read_bytes()
    assert program.problems.problems == () or all(p.severity != "error" for p in program.problems.problems)


GML = "{http://www.opengis.net/gml}"
BUILDING = "{http://www.opengis.net/citygml/building/1.0}"


def largest_roofs(path: Path, count: int) -> list[tuple[str, dict[str, str], tuple[float, float, float]]]:
    """Return gml:id, attributes and a point of the largest roof polygon of the buildings with the largest ones.

    Read here with lxml and shapely alone, past the reader under test.
    """
    found = []
    for building in etree.parse(path).iter(f"{BUILDING}Building"):
        rings = [
            np.array(text.split(), dtype=float).reshape(-1, 3)
            for roof in building.iter(f"{BUILDING}RoofSurface")
            for text in roof.xpath(".//gml:exterior//gml:posList/text()", namespaces={"gml": GML[1:-1]})
        ]
        if not rings:
            continue
        ring = max(rings, key=lambda ring: Polygon(ring[:, :2]).area)
        middle = Polygon(ring[:, :2]).representative_point()
        plane, *_ = np.linalg.lstsq(np.column_stack([ring[:, :2] - ring[0, :2], np.ones(len(ring))]), ring[:, 2])
        z = float(np.dot(plane, [middle.x - ring[0, 0], middle.y - ring[0, 1], 1.0]))
        attributes = {"roofType": building.findtext(f"{BUILDING}roofType")}
        found.append((Polygon(ring[:, :2]).area, building.get(f"{GML}id"), attributes, (middle.x, middle.y, z)))
    found.sort(key=lambda entry: -entry[0])
    return [entry[1:] for entry in found[:count]]


def test_a_click_on_a_real_building_shows_its_gml_id_and_attributes(program, qtbot, city_data):
    window = program.window
    path = city_data / "citygml/1.0/berlin_open_data_sample_data.citygml"
    drop(window, path)
    wait_until_read(program, qtbot)
    window.viewport.navigator.reduce_motion = True
    window.commands.run("view.top")
    QApplication.processEvents()
    for identifier, attributes, point in largest_roofs(path, 15):
        QTest.mouseClick(window.viewport, LEFT, NONE, on_screen(program, point))
        facts = window.panels.inspector.facts
        assert facts is not None
        assert (facts.id, facts.type, facts.surface) == (identifier, "Building", "RoofSurface")
        shown = {attribute.name: str(attribute.value) for attribute in facts.attributes}
        assert {name: shown.get(name) for name in attributes} == attributes
        assert window.panels.inspector.identifier.text() == identifier

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.cli.conftest import CommandLine
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

SCHEMA = json.loads((ROOT / "docs" / "schema" / "info.schema.json").read_bytes())
MEMBERS = {
    "path", "format", "version", "crs", "extent", "counts", "lods", "attributes", "diagnostics", "layers",
}  # fmt: skip


def objects(out: str) -> list[dict[str, Any]]:
    """Return one object per line, each of them as the schema demands."""
    found = [json.loads(line) for line in out.splitlines()]
    for each in found:
        jsonschema.validate(each, SCHEMA, cls=jsonschema.Draft202012Validator)
    return found


def test_one_path_gives_one_object_with_all_members(command_line: CommandLine, tmp_path: Path) -> None:
    path = write_city(tmp_path / "house.gml")
    status, out, err = command_line("info", "--json", path)
    assert (status, err) == (0, "")
    (found,) = objects(out)
    assert set(found) == MEMBERS
    assert found["path"] == str(path)
    assert (found["format"], found["version"]) == ("CityGML", "2.0")
    assert found["crs"] == {"horizontal": "EPSG:25832", "vertical": "EPSG:7837"}
    assert found["extent"] == [WEST, SOUTH, 0, WEST + SIDE_M, SOUTH + SIDE_M, 10]
    assert found["counts"] == {"city_objects": 1, "by_type": {"Building": 1}, "surfaces": 6, "triangles": 12}
    assert found["lods"] == ["2"]
    assert {"name": "yearOfConstruction", "type": "integer"} in found["attributes"]
    assert found["layers"] == []


def test_points_are_counted_by_class(command_line: CommandLine, tmp_path: Path) -> None:
    _, out, _ = command_line("info", "--json", write_points(tmp_path / "points.laz"))
    (found,) = objects(out)
    assert found["format"] == "LAZ"
    assert found["counts"] == {"points": 400, "by_class": {"2": 200, "6": 200}}
    assert found["extent"] == pytest.approx([WEST, SOUTH, 10, WEST + SIDE_M, SOUTH + SIDE_M, 20], abs=0.01)


def test_a_grid_has_width_and_height(command_line: CommandLine, tmp_path: Path) -> None:
    _, out, _ = command_line("info", "--json", write_terrain(tmp_path / "terrain.tif"))
    (found,) = objects(out)
    assert found["counts"] == {"width": 50, "height": 40}
    assert found["extent"] == [WEST, SOUTH, 5, WEST + 100, SOUTH + 80, 9]


def test_several_layers_are_summed_up_and_described_each(command_line: CommandLine, tmp_path: Path) -> None:
    _, out, _ = command_line("info", "--json", write_layers(tmp_path / "town.gpkg"))
    (found,) = objects(out)
    assert found["counts"] == {"features": 5}
    assert found["extent"] == [0, 0, 0, 9, 2, 0]
    assert [(layer["name"], layer["kind"], layer["counts"]) for layer in found["layers"]] == [
        ("zones", "features", {"features": 2}),
        ("streets", "features", {"features": 3}),
    ]
    assert {"name": "lanes", "type": "double"} in found["attributes"]  # integers in one layer, doubles in the other
    assert {"name": "lanes", "type": "integer"} in found["layers"][0]["attributes"]


def test_what_fails_is_told_and_the_others_are_described(command_line: CommandLine, tmp_path: Path) -> None:
    good, empty = write_city(tmp_path / "house.gml"), tmp_path / "empty.las"
    empty.touch()
    status, out, err = command_line("info", "--json", empty, good, tmp_path / "missing.tif")
    first, second, third = objects(out)
    assert status == 1
    assert set(first) == {"path", "error"}
    assert first["error"]["code"] == "read.damaged"
    assert set(second) == MEMBERS
    assert third["error"]["problem"] == "The file does not exist."
    assert len(err.splitlines()) == 2


def test_a_folder_is_the_files_in_it(command_line: CommandLine, tmp_path: Path) -> None:
    write_city(tmp_path / "b.gml")
    write_points(tmp_path / "a.laz")
    (tmp_path / "notes.txt").write_text("nothing to open")
    status, out, _ = command_line("info", "--json", tmp_path)
    assert status == 0
    assert [found["path"] for found in objects(out)] == [str(tmp_path / "a.laz"), str(tmp_path / "b.gml")]


def test_a_project_is_its_layers_in_its_own_system(command_line: CommandLine, tmp_path: Path) -> None:
    project = project_of(tmp_path, write_city(tmp_path / "house.gml"), write_points(tmp_path / "points.laz"))
    status, out, err = command_line("info", "--json", project)
    assert (status, err) == (0, "")
    (found,) = objects(out)
    assert found["format"] == "twinviewer project"
    assert found["crs"]["horizontal"] == "EPSG:25832"
    assert found["counts"]["points"] == 400
    assert found["counts"]["city_objects"] == 1
    assert {layer["name"]: layer["kind"] for layer in found["layers"]} == {
        "house": "city-model",
        "points": "point-cloud",
    }


def test_a_layer_whose_file_has_moved_is_told_and_the_others_are_described(
    command_line: CommandLine, tmp_path: Path
) -> None:
    moved = write_points(tmp_path / "points.laz")
    project = project_of(tmp_path, write_city(tmp_path / "house.gml"), moved)
    moved.rename(tmp_path / "elsewhere.laz")
    before = project.read_bytes()
    status, out, err = command_line("info", "--json", project)
    (found,) = objects(out)
    assert status == 1
    assert "“points” is not where the project says" in err
    assert len(err.splitlines()) == 1
    assert {layer["name"]: layer["counts"].get("city_objects") for layer in found["layers"]} == {
        "house": 1,
        "points": None,
    }
    assert [finding["severity"] for finding in found["diagnostics"]] == ["error"]
    assert project.read_bytes() == before


def test_a_given_reference_system_counts_where_the_file_says_none(command_line: CommandLine, tmp_path: Path) -> None:
    silent, speaking = write_points(tmp_path / "silent.las", crs=None), write_city(tmp_path / "house.gml")
    _, out, _ = command_line("info", "--json", silent)
    assert objects(out)[0]["crs"] == {"horizontal": None, "vertical": None}
    _, out, _ = command_line("info", "--json", silent, speaking, "--crs", "EPSG:31467")
    assert [found["crs"]["horizontal"] for found in objects(out)] == ["EPSG:31467", "EPSG:25832"]


def test_people_read_the_same_in_words(command_line: CommandLine, tmp_path: Path) -> None:
    status, out, _ = command_line("info", write_city(tmp_path / "house.gml"), write_squares(tmp_path / "squares.gpkg"))
    assert status == 0
    for words in ("CityGML 2.0", "ETRS89 / UTM zone 32N", "EPSG:25832", "1: 1 Building", "GeoPackage", "use (string)"):
        assert words in out


def test_names_of_any_letters_are_told(command_line: CommandLine, tmp_path: Path) -> None:
    path = write_city(tmp_path / "Größe 東京 🏙.gml")
    _, out, _ = command_line("info", "--json", path)
    assert objects(out)[0]["path"] == str(path)
    unreadable = tmp_path / "zwei\udce4.gml"  # a name that is no UTF-8
    shutil.copy(path, unreadable)
    _, out, _ = command_line("info", "--json", unreadable)
    assert json.loads(out)["counts"]["city_objects"] == 1


def project_of(folder: Path, *files: Path) -> Path:
    """Return a project that shows ``files``."""
    import twinviewer as tv

    path = folder / "town.twin"
    with tv.open(*files) as session:
        session.save(path)
    return path

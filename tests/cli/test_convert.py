"""``twinviewer convert``: the same data in another format and place, judged by the libraries that own the formats."""

from __future__ import annotations

from pathlib import Path

import laspy
import numpy as np
import pyogrio
import pytest

from tests.cli.conftest import CommandLine
from tests.cli.sample_files import write_layers


def points_file(path: Path) -> Path:
    """Write three points of UTM 32 with heights of DHHN2016."""
    header = laspy.LasHeader(point_format=6, version="1.4")
    header.offsets, header.scales = np.array([565000.0, 5934000.0, 0.0]), np.full(3, 0.001)
    from pyproj.crs import CompoundCRS

    header.add_crs(CompoundCRS("UTM 32 + DHHN2016", ["EPSG:25832", "EPSG:7837"]))
    las = laspy.LasData(header)
    las.x, las.y, las.z = [565000.125, 565010, 565020], [5934000.5, 5934001, 5934002], [10.25, 11, 12]
    las.classification = [2, 6, 6]
    las.write(path)
    return path


def test_a_file_becomes_another_format(tmp_path: Path, command_line: CommandLine) -> None:
    source, target = points_file(tmp_path / "in.las"), tmp_path / "out.laz"
    status, out, err = command_line("convert", source, "-o", target)
    assert (status, out) == (0, f"{target}: 1 layer\n")
    assert "info:" in err, "what is not kept is told"
    before, after = laspy.read(source), laspy.read(target)
    np.testing.assert_array_equal(after.xyz, before.xyz)
    np.testing.assert_array_equal(after.classification, [2, 6, 6])
    assert [part.to_epsg() for part in after.header.parse_crs().sub_crs_list] == [25832, 7837]


def test_and_another_reference_system(tmp_path: Path, command_line: CommandLine) -> None:
    from pyproj import Transformer

    source, target = points_file(tmp_path / "in.las"), tmp_path / "out.las"
    assert command_line("convert", source, "-o", target, "--to-crs", "EPSG:25833")[0] == 0
    due = Transformer.from_crs(25832, 25833, always_xy=True).transform(*laspy.read(source).xyz[:, :2].T)
    np.testing.assert_allclose(laspy.read(target).xyz[:, :2].T, due, atol=0.001)
    assert np.asarray(laspy.read(target).z).tolist() == [10.25, 11, 12]
    assert [part.to_epsg() for part in laspy.read(target).header.parse_crs().sub_crs_list] == [25833, 7837]


def test_several_files_become_layers_of_one(tmp_path: Path, command_line: CommandLine) -> None:
    town = write_layers(tmp_path / "town.gpkg")
    target = tmp_path / "all.gpkg"
    status, out, _ = command_line("convert", town, town, "-o", target)
    names = [str(name) for name, _ in pyogrio.list_layers(town)]
    assert (status, out) == (0, f"{target}: {2 * len(names)} layers\n")
    assert pyogrio.list_layers(target)[:, 0].tolist() == [*names, *(f"{name} (2)" for name in names)]


def test_one_of_several_layers_is_taken_by_its_name(tmp_path: Path, command_line: CommandLine) -> None:
    town = write_layers(tmp_path / "town.gpkg")
    name = str(pyogrio.list_layers(town)[1, 0])
    target = tmp_path / "one.geojson"
    assert command_line("convert", town, "-o", target, "--layer", name)[0] == 0
    assert pyogrio.read_info(target)["features"] == pyogrio.read_info(town, layer=name)["features"]
    status, _, err = command_line("convert", town, "-o", target, "--layer", "gone")
    assert (status, "There is no layer “gone”" in err) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["-o", "x.gpkg"], 2, "Name at least one file"),
        (["gone.las", "-o", "x.las"], 1, "does not exist"),
        (["IN", "-o", "x.gpkg"], 1, "cannot hold a layer of the kind point cloud"),
        (["IN", "-o", "x"], 1, "has no ending"),
        (["IN", "-o", "x.las", "--to-crs", "EPSG:1"], 2, "--to-crs"),
        (["a.twin", "-o", "x.las"], 2, "project"),
    ],
)
def test_what_cannot_be_converted_is_one_sentence(
    arguments: list[str], status: int, words: str, tmp_path: Path, command_line: CommandLine
) -> None:
    source = points_file(tmp_path / "in.las")
    given = [str(source) if each == "IN" else str(tmp_path / each) if each[:1] == "x" else each for each in arguments]
    found, out, err = command_line("convert", *given)
    assert (found, out) == (status, "")
    assert words in err
    assert err.count("\n") == 1
    assert sorted(each.name for each in tmp_path.iterdir()) == ["in.las"]

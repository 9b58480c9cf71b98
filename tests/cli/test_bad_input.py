"""Whatever is wrong with what people name: one sentence, the right status, nothing lost, and never a traceback."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import CommandLine, Program
from tests.cli.sample_files import CITY, write_city, write_geojson, write_points, write_squares
from twinviewer.app.folders import data_dir, state_dir

BOMB = """<?xml version="1.0"?>
<!DOCTYPE bomb [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;"><!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">
<!ENTITY e "&d;&d;&d;&d;&d;&d;&d;&d;&d;&d;"><!ENTITY f "&e;&e;&e;&e;&e;&e;&e;&e;&e;&e;">]>
<CityModel xmlns="http://www.opengis.net/citygml/2.0"><name>&f;&f;&f;&f;&f;&f;&f;&f;&f;&f;</name></CityModel>
"""


def _missing(folder: Path) -> Path:
    return folder / "missing.laz"


def _empty(folder: Path) -> Path:
    (folder / "empty.gml").touch()
    return folder / "empty.gml"


def _truncated(folder: Path) -> Path:
    path = write_points(folder / "half.laz")
    path.write_bytes(path.read_bytes()[:200])
    return path


def _truncated_city(folder: Path) -> Path:
    path = write_city(folder / "half.gml")
    path.write_bytes(path.read_bytes()[:300])
    return path


def _of_another_format(folder: Path) -> Path:
    (folder / "letter.las").write_text("Dear reader, this is no laser scan.")
    return folder / "letter.las"


def _unknown(folder: Path) -> Path:
    (folder / "notes.txt").write_text("Nothing that a reader knows.")
    return folder / "notes.txt"


def _virtual_raster(folder: Path) -> Path:
    (folder / "trick.tif").write_text('<VRTDataset rasterXSize="1" rasterYSize="1"/>')
    return folder / "trick.tif"


def _entity_bomb(folder: Path) -> Path:
    (folder / "bomb.gml").write_text(BOMB)
    return folder / "bomb.gml"


def _no_numbers(folder: Path) -> Path:
    path = folder / "nan.gml"
    path.write_text(
        CITY.format(
            srs="EPSG:25832",
            x0=0,
            y0=0,
            x1=1,
            y1=1,
            surfaces="<gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing><gml:posList>"
            "NaN NaN NaN NaN 1 0 1 1 NaN NaN NaN NaN</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>"
            "</gml:surfaceMember>",
        )
    )
    return path


def _empty_folder(folder: Path) -> Path:
    (folder / "nothing").mkdir()
    return folder / "nothing"


def _address(folder: Path) -> str:
    return "https://user:secret@example.org/city.gml"


def _device(folder: Path) -> Path:
    os.mkfifo(folder / "pipe.las")
    return folder / "pipe.las"


def _no_project(folder: Path) -> Path:
    (folder / "broken.twin").write_text('{"format": "twinviewer-project", "schema_version": 1, "layers": [')
    return folder / "broken.twin"


FAULTS: list[Callable[[Path], Path | str]] = [
    _missing,
    _empty,
    _truncated,
    _truncated_city,
    _of_another_format,
    _unknown,
    _virtual_raster,
    _entity_bomb,
    _empty_folder,
    _address,
    _device,
    _no_project,
]


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_info_says_in_one_sentence_what_is_wrong(
    fault: Callable[[Path], Path | str], command_line: CommandLine, tmp_path: Path
) -> None:
    path = fault(tmp_path)
    status, out, err = command_line("info", path)
    assert (status, out) == (1, "")
    assert is_one_sentence(err)
    assert "secret" not in err


@pytest.mark.parametrize(
    "fault", [_missing, _entity_bomb, _empty_folder, _no_project], ids=lambda fault: fault.__name__
)
def test_render_draws_the_rest_and_says_what_is_missing(
    fault: Callable[[Path], Path | str], command_line: CommandLine, tmp_path: Path
) -> None:
    path = fault(tmp_path)
    good = write_squares(tmp_path / "squares.gpkg")
    picture = tmp_path / "picture.png"
    status, _, err = command_line("render", path, "-o", picture, "--size", "64x48")
    assert status == 1
    assert is_one_sentence(err)
    assert not picture.exists()
    status, _, err = command_line("render", good, path, "-o", picture, "--size", "64x48")
    assert status == 1
    assert is_one_sentence(err)
    assert picture.exists()


@pytest.mark.parametrize("coordinates", [[math.nan, 1.0], [1e300, 1e300], ["a", "b"]])
def test_coordinates_that_are_no_place_do_no_harm(
    coordinates: list[object], command_line: CommandLine, tmp_path: Path
) -> None:
    path = write_geojson(tmp_path / "odd.geojson", coordinates)
    status, out, err = command_line("info", path)
    assert (status, out != "") in [(0, True), (1, False)]
    assert "Traceback" not in err
    status, _, err = command_line("render", path, "-o", tmp_path / "odd.png", "--size", "64x48")
    assert status in (0, 1, 2)
    assert "Traceback" not in err


def test_surfaces_without_numbers_are_a_finding(command_line: CommandLine, tmp_path: Path) -> None:
    status, out, err = command_line("info", _no_numbers(tmp_path))
    assert "Traceback" not in err
    assert (status == 0 and "Warning" in out) or (status == 1 and is_one_sentence(err))


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nonsense",),
        ("info",),
        ("info", "--nonsense", "x.las"),
        ("render",),
        ("render", "x.las"),
        ("render", "-o", "x.png"),
        ("render", "x.las", "-o", "x.png", "--size", "large"),
        ("render", "x.las", "-o", "x.png", "--size", "0x10"),
        ("render", "x.las", "-o", "x.png", "--size", "99999x10"),
        ("render", "x.las", "-o", "x.png", "--time", "teatime"),
        ("render", "x.las", "-o", "x.png", "--crs", "EPSG:nonsense"),
        ("render", "x.las", "-o", "x.jpg"),
        ("info", "x.las", "--crs", "EPSG:99999999"),
        ("--crs", "Utopia", "x.las"),
        ("demo", "--buildings", "many"),
        ("demo", "--buildings", "1"),
        ("demo", "--buildings", "100000000"),
    ],
    ids=" ".join,
)
def test_a_command_line_that_is_no_use_ends_with_two(arguments: tuple[str, ...], command_line: CommandLine) -> None:
    status, out, err = command_line(*arguments)
    assert (status, out) == (2, "")
    assert is_one_sentence(err)


@pytest.mark.parametrize(("option", "value"), [("--view", "moon"), ("--color-by", "taste")])
def test_what_the_files_do_not_have_is_a_command_line_that_is_no_use(
    option: str, value: str, command_line: CommandLine, tmp_path: Path
) -> None:
    path = write_squares(tmp_path / "squares.gpkg")
    status, _, err = command_line("render", path, "-o", tmp_path / "x.png", option, value)
    assert status == 2
    assert is_one_sentence(err)
    assert value in err
    assert {"--view": "iso", "--color-by": "use"}[option] in err  # what there is instead


def test_a_file_that_does_not_say_where_it_lies_is_told_how_to_say_it_here(
    command_line: CommandLine, tmp_path: Path
) -> None:
    placed, placeless = write_squares(tmp_path / "squares.gpkg"), write_points(tmp_path / "points.las", crs=None)
    status, _, err = command_line("render", placed, placeless, "-o", tmp_path / "x.png", "--size", "64x48")
    assert status == 1
    assert is_one_sentence(err)
    assert "points.las" in err
    assert "--crs EPSG:" in err


def test_a_picture_that_cannot_be_written_is_told(command_line: CommandLine, tmp_path: Path) -> None:
    path = write_squares(tmp_path / "squares.gpkg")
    status, _, err = command_line("render", path, "-o", tmp_path / "nowhere" / "x.png", "--size", "64x48")
    assert status == 1
    assert is_one_sentence(err)


PLUGIN = """
api = 1
id = "broken"
name = "Broken plugin"
version = "1"
licence = "MIT"
[[readers]]
id = "broken.reader"
title = "Broken format"
patterns = ["*.broken"]
kinds = ["mesh"]
read = "code:read"
"""


def test_a_plugin_that_fails_at_import_is_told_by_name_and_others_go_on(
    command_line: CommandLine, tmp_path: Path
) -> None:
    folder = data_dir() / "plugins" / "broken"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(PLUGIN)
    (folder / "code.py").write_text("raise RuntimeError('no luck')\n")
    (tmp_path / "file.broken").write_text("anything")
    status, out, err = command_line("info", tmp_path / "file.broken", write_city(tmp_path / "house.gml"))
    assert status == 1
    assert "CityGML 2.0" in out
    assert is_one_sentence(err)
    assert "Broken plugin" in err
    status, _, err = command_line("--safe-mode", "info", tmp_path / "file.broken")
    assert (status, "Broken plugin" in err) == (1, False)


def test_a_manifest_that_is_no_use_stops_nothing(command_line: CommandLine, tmp_path: Path) -> None:
    folder = data_dir() / "plugins" / "broken"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text("api = [")
    status, out, _ = command_line("info", write_city(tmp_path / "house.gml"))
    assert status == 0
    assert "CityGML 2.0" in out


def test_a_fault_of_the_program_is_one_sentence_and_a_traceback_only_for_debug(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object, **more: object) -> int:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr("twinviewer.cli.info.print_info", fail)
    status, _, err = command_line("info", "x.las")
    assert status == 1
    assert is_one_sentence(err)
    assert "ZeroDivisionError" in err
    status, _, err = command_line("info", "x.las", "--debug")
    assert status == 1
    assert "Traceback" in err


def test_the_log_has_what_the_terminal_was_told(program: Program, tmp_path: Path) -> None:
    done = program("info", tmp_path / "missing.laz")
    assert done.returncode == 1
    assert is_one_sentence(done.stderr)
    log = (state_dir() / "log" / "twinviewer.log").read_text()
    assert "missing.laz: The file does not exist." in log
    assert "Traceback" not in log


def test_an_interrupted_command_ends_quietly(command_line: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*arguments: object, **more: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("twinviewer.cli.info.print_info", interrupted)
    monkeypatch.setattr("sys.argv", ["twinviewer", "info", "x.las"])
    from twinviewer.__main__ import INTERRUPTED_STATUS, main

    assert main() == INTERRUPTED_STATUS


def test_a_profile_that_cannot_be_made_stops_nothing(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("TWINVIEWER_PROFILE_DIR", str(tmp_path / "file"))
    status, out, _ = command_line("info", write_city(tmp_path / "house.gml"))
    assert status == 0
    assert "CityGML 2.0" in out


def is_one_sentence(err: str) -> bool:
    """Return whether ``err`` is one line of the program, with one mark at its end, and no traceback."""
    lines = err.splitlines()
    ends = re.search(r"[^.?][.?]$", err) is not None
    return len(lines) == 1 and lines[0].startswith("twinviewer: ") and ends and "Traceback" not in err

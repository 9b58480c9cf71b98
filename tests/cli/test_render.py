"""Pictures from the command line, judged by their pixels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import twinviewer as tv
from tests.cli.conftest import CommandLine, Program
from tests.cli.sample_files import SIDE_M, SOUTH, WEST, write_city, write_points, write_squares
from twinviewer.model.project import Bookmark, Viewpoint

SIZE = ("--size", "320x200")


def pixels_of(path: Path) -> np.ndarray:
    """Return the picture (rows, columns, 3) as another library reads it."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"), dtype=np.int16)


def middle(pixels: np.ndarray, across: float, down: float = 0.5) -> np.ndarray:
    """Return the mean colour of a small spot, given as shares of width and height."""
    row, column = round(down * pixels.shape[0]), round(across * pixels.shape[1])
    return pixels[row - 4 : row + 5, column - 4 : column + 5].reshape(-1, 3).mean(axis=0)


def distance(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).max())


@pytest.mark.parametrize(("size", "expected"), [("320x200", (320, 200)), ("201x333", (201, 333)), ("64X48", (64, 48))])
def test_a_picture_has_the_size_that_was_asked_for(
    size: str, expected: tuple[int, int], command_line: CommandLine, tmp_path: Path
) -> None:
    picture = tmp_path / "x.png"
    assert command_line("render", write_city(tmp_path / "house.gml"), "-o", picture, "--size", size) == (0, "", "")
    width, height = expected
    assert pixels_of(picture).shape == (height, width, 3)


def test_a_picture_is_made_without_any_display(program: Program, tmp_path: Path) -> None:
    picture = tmp_path / "x.png"
    done = program("render", write_city(tmp_path / "house.gml"), "-o", picture, display=None)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert pixels_of(picture).shape == (1000, 1600, 3)
    assert pixels_of(picture).std() > 10


def test_the_view_from_above_shows_each_thing_in_its_place_and_colour(
    command_line: CommandLine, tmp_path: Path
) -> None:
    """Two squares side by side: coloured by use, the halves differ; with the uses changed over, so do the colours."""
    pictures = []
    for number, uses in enumerate((("living", "working"), ("working", "living"), ("living", "living"))):
        path, picture = write_squares(tmp_path / f"{number}.gpkg", uses), tmp_path / f"{number}.png"
        assert command_line("render", path, "-o", picture, *SIZE, "--view", "top", "--color-by", "use")[0] == 0
        pictures.append(pixels_of(picture))
    usual, changed, alike = pictures
    west, east = 0.3, 0.7
    assert distance(middle(usual, west), middle(usual, east)) > 40
    assert distance(middle(usual, west), middle(changed, east)) < 12
    assert distance(middle(usual, east), middle(changed, west)) < 12
    assert distance(middle(alike, west), middle(alike, east)) < 12
    assert distance(middle(usual, west), middle(usual, 0.02, 0.05)) > 20  # beside them lies something else


def test_points_appear_in_the_colours_of_their_classes(command_line: CommandLine, tmp_path: Path) -> None:
    """Ground in the west, buildings in the east: each half has pixels of its own, in another colour than the other."""
    picture = tmp_path / "x.png"
    path = write_points(tmp_path / "points.laz")
    assert command_line("render", path, "-o", picture, *SIZE, "--view", "top", "--color-by", "class")[0] == 0
    pixels = pixels_of(picture)
    background = middle(pixels, 0.02, 0.05)
    colours = []
    for half in (pixels[:, :160], pixels[:, 160:]):
        drawn = half[np.abs(half - background).max(axis=2) > 40]
        assert len(drawn) > 50
        colours.append(np.median(drawn, axis=0))
    assert distance(*colours) > 30


def test_night_is_darker_than_noon(command_line: CommandLine, tmp_path: Path) -> None:
    path = write_city(tmp_path / "house.gml")
    brightness = {}
    for time in ("2025-06-21T11:30Z", "2025-06-21T23:30+00:00"):
        picture = tmp_path / "x.png"
        assert command_line("render", path, "-o", picture, *SIZE, "--time", time)[0] == 0
        brightness[time] = pixels_of(picture).mean()
    noon, night = brightness.values()
    assert night < noon / 2


def test_a_picture_without_a_time_is_taken_by_day_wherever_the_city_lies(
    command_line: CommandLine, tmp_path: Path
) -> None:
    import geopandas
    import shapely

    tokyo = tmp_path / "tokyo.gpkg"
    geopandas.GeoDataFrame(geometry=[shapely.box(139.70, 35.68, 139.71, 35.69)], crs="EPSG:4326").to_file(tokyo)
    here = write_squares(tmp_path / "squares.gpkg")
    for path in (here, tokyo):
        assert command_line("render", path, "-o", path.with_suffix(".png"), *SIZE)[0] == 0
    assert pixels_of(tokyo.with_suffix(".png")).mean() > 0.6 * pixels_of(here.with_suffix(".png")).mean()


def test_named_views_and_bookmarks_differ(command_line: CommandLine, tmp_path: Path) -> None:
    project = tmp_path / "town.twin"
    x, y = WEST + SIDE_M / 2, SOUTH + SIDE_M / 2
    near = Viewpoint(position=(x, y - 140.0, 60.0), target=(x, y, 5.0))
    with tv.open(write_city(tmp_path / "house.gml")) as session:
        session.do(tv.commands.AddBookmark(bookmark=Bookmark(title="At the gate", viewpoint=near)))
        session.save(project)
    pictures = {}
    for view in ("iso", "top", "At the gate"):
        picture = tmp_path / "x.png"
        assert command_line("render", project, "-o", picture, *SIZE, "--view", view)[0] == 0
        pictures[view] = pixels_of(picture)
    assert np.abs(pictures["iso"] - pictures["top"]).mean() > 3
    assert np.abs(pictures["At the gate"] - pictures["iso"]).mean() > 3

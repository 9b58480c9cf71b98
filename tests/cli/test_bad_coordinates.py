"""Coordinates that are none, absurd or somewhere else: told, and the picture shows what is good as if it were alone."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import twinviewer as tv
from tests.formats.small_citygml import building, city, cube, held, polygon, square, wall

X0 = "500000.0"
IN_XML = ("NaN", "nan", "INF", "-inf", "9e999", "1e308", "-1e308", "1e30", "1e12")
IN_JSON = ("1e308", "-1e308", "1e30", "1e12", "123456789012345678901234567890")


def picture(path: Path) -> tuple[np.ndarray, list[str]]:
    """Return what is drawn of a file, and the codes of what is told."""
    with tv.open(path) as session:
        session.render(path.with_suffix(".png"), size=(160, 120))
        told = [problem.code for problem in session.problems]
    return np.asarray(Image.open(path.with_suffix(".png")).convert("RGB")), told


def as_citygml(folder: Path, bad: str | None) -> Path:
    """A cube, and a square at one of whose corners x is ``bad``."""
    faces = list(map(polygon, cube()))
    if bad is not None:
        faces.append(polygon(square()).replace(X0, bad, 1))
    path = folder / f"{bad}.gml"
    path.write_text(city(building(wall(held(*faces)))))
    return path


def as_cityjson(folder: Path, bad: str | None) -> Path:
    corners = [corner for face in [*cube(), square()] for corner in face]
    faces = [[[4 * face + corner for corner in range(4)]] for face in range(6 if bad is None else 7)]
    geometry = {"type": "MultiSurface", "lod": 2, "boundaries": faces}
    text = json.dumps({
        "type": "CityJSON",
        "version": "1.0",
        "metadata": {"referenceSystem": "urn:ogc:def:crs:EPSG::25832"},
        "CityObjects": {"a": {"type": "Building", "geometry": [geometry]}},
        "vertices": corners,
    })  # fmt: skip
    before, place, after = text.rpartition(X0)
    path = folder / f"{bad}.city.json"
    path.write_text(before + (place if bad is None else bad) + after)
    return path


@pytest.mark.parametrize(
    ("write", "bad"), [*((as_citygml, bad) for bad in IN_XML), *((as_cityjson, bad) for bad in IN_JSON)]
)
def test_one_bad_coordinate_costs_its_surface_alone(tmp_path: Path, write, bad: str) -> None:
    good, told = picture(write(tmp_path, None))
    assert told == []
    assert good.std() > 10
    damaged, told = picture(write(tmp_path, bad))
    assert told
    np.testing.assert_array_equal(damaged, good)


def test_east_and_north_swapped_is_told_and_drawn(tmp_path: Path) -> None:
    path = tmp_path / "swapped.gml"
    path.write_text(city(building(wall(held(*(polygon([(y, x, z) for x, y, z in face]) for face in cube()))))))
    drawn, told = picture(path)
    assert "crs.outside-area" in told
    assert drawn.std() > 10


def test_metres_that_are_called_degrees_are_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "metres.gml"
    path.write_text(city(building(wall(held(*map(polygon, cube())))), srs="EPSG:4326"))
    with pytest.raises(tv.TwinViewerError, match="cannot be what it says"):
        picture(path)

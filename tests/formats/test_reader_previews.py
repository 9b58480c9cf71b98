"""What readers of city models offer on the way: a part that is right in itself, and the whole is none the worse."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.formats.test_exchange import same
from twinviewer.formats import cityjson
from twinviewer.formats.soundness import check
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel, LayerData

HOUSES = 40


class Onlooker(Silent):
    """Feedback of somebody who looks each time that something is offered."""

    def __init__(self) -> None:
        self.seen: list[CityModel] = []

    def preview(self, so_far: Callable[[], Sequence[LayerData]]) -> None:
        (layer,) = so_far()
        assert isinstance(layer, CityModel)
        check(layer)
        self.seen.append(layer)


def _corner(number: int) -> tuple[int, int]:
    return 1000 * number, 500


def _house(number: int, first: int) -> dict[str, object]:
    """A square roof of 100 m² with two attributes, its four corners from ``first`` on."""
    geometry = {
        "type": "MultiSurface",
        "lod": "2",
        "boundaries": [[[first, first + 1, first + 2, first + 3]]],
        "semantics": {"surfaces": [{"type": "RoofSurface", "slope": number}], "values": [0]},
    }
    return {"type": "Building", "attributes": {"number": number, "name": f"House {number}"}, "geometry": [geometry]}


def _square(number: int) -> list[list[int]]:
    x, y = _corner(number)
    return [[x, y, 0], [x + 100, y, 0], [x + 100, y + 100, 0], [x, y + 100, 0]]


HEAD = {
    "type": "CityJSON",
    "version": "2.0",
    "transform": {"scale": [0.1, 0.1, 0.1], "translate": [565000.0, 5934000.0, 0.0]},
    "metadata": {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832"},
}


@pytest.fixture
def document(tmp_path: Path) -> Path:
    path = tmp_path / "houses.city.json"
    objects = {f"house-{number}": _house(number, 4 * number) for number in range(HOUSES)}
    vertices = [corner for number in range(HOUSES) for corner in _square(number)]
    path.write_text(json.dumps({**HEAD, "CityObjects": objects, "vertices": vertices}))
    return path


@pytest.fixture
def sequence(tmp_path: Path) -> Path:
    path = tmp_path / "houses.city.jsonl"

    def lines() -> Iterator[str]:
        yield json.dumps({**HEAD, "CityObjects": {}, "vertices": []})
        for number in range(HOUSES):
            objects = {f"house-{number}": _house(number, 0)}
            yield json.dumps({"type": "CityJSONFeature", "CityObjects": objects, "vertices": _square(number)})

    path.write_text("\n".join(lines()))
    return path


def area_of(model: CityModel) -> float:
    """Return the area of all triangles in m²."""
    a, b, c = (model.vertices[model.triangles[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize("kind", ["document", "sequence"])
def test_each_part_is_the_objects_read_and_the_whole_is_as_if_nobody_looked(
    kind: str, request: pytest.FixtureRequest
) -> None:
    path: Path = request.getfixturevalue(kind)
    (undisturbed,) = cityjson.read(path=path, feedback=Silent())
    onlooker = Onlooker()
    (whole,) = cityjson.read(path=path, feedback=onlooker)
    assert same(undisturbed, whole)
    parts = [part for part in onlooker.seen if len(part.triangles)]
    assert len(parts) == HOUSES
    for number, part in enumerate(parts, start=1):
        assert area_of(part) == pytest.approx(100.0 * number)
        assert part.object_ids[:number] == whole.object_ids[:number]
        assert np.array_equal(np.unique(part.surface_object), np.arange(number))
        names = next(column for column in part.attributes if column.name == "name")
        assert names.values[:number].tolist() == [f"House {each}" for each in range(number)]
        assert part.crs == whole.crs


REAL = {
    "cityjson/1.0/delft_3dfier.json": cityjson.read,
    "cityjson/2.0/3-20-DELFSHAVEN.city.json": cityjson.read,
}


@pytest.mark.parametrize("name", REAL)
def test_real_files_are_the_same_whether_somebody_looked_or_not(name: str, city_data: Path) -> None:
    class Seldom(Onlooker):
        offers = 0

        def preview(self, so_far: Callable[[], Sequence[LayerData]]) -> None:
            self.offers += 1
            if self.offers.bit_count() == 1:
                super().preview(so_far)

    onlooker = Seldom()
    read = REAL[name]
    (whole,) = read(path=city_data / name, feedback=onlooker)
    (undisturbed,) = read(path=city_data / name, feedback=Silent())
    assert same(undisturbed, whole)
    counts = [len(part.triangles) for part in onlooker.seen]
    assert counts == sorted(counts)
    assert 0 < counts[-1] <= len(whole.triangles)

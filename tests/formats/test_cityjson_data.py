"""CityJSON files of many producers, against the counts of their README and a plain walk through their JSON."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from twinviewer.api.importing import CodeLocation
from twinviewer.app.workers import WorkerPool
from twinviewer.formats import cityjson
from twinviewer.formats.request import FunctionOfPlugin, Placing, ReadRequest
from twinviewer.formats.soundness import check
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel
from twinviewer.model.place import ReferenceSystem

pytestmark = pytest.mark.data

RD_NAP = ("EPSG:28992", "EPSG:5709")
RD = ("EPSG:28992", None)
DELFT = {"Building": 160, "Road": 143, "PlantCover": 126, "LandUse": 81, "GenericCityObject": 54, "Bridge": 3}

# Path, format and version, reference system, objects by type (None: only how many types), levels of detail, corners.
REAL = [
    (
        "cityjson/1.0/delft_3dfier.json",
        "CityJSON",
        "1.0",
        RD_NAP,
        DELFT,
        "1",
        (84616.5, 447423.0, -15.0, 85140.8, 447750.6, 13.8),
    ),
    (
        "cityjson/1.0/twobuildings_m.json",
        "CityJSON",
        "1.0",
        RD_NAP,
        {"Building": 2},
        "2",
        (92526.8, 436628.5, 0.0, 92561.7, 436656.9, 16.5),
    ),
    (
        "cityjson/1.1/rotterdam_one.json",
        "CityJSON",
        "1.1",
        RD_NAP,
        {"Building": 1},
        "2",
        (90933.0, 435641.6, 0.0, 90944.1, 435653.1, 15.3),
    ),
    (
        "cityjson/1.1/several_lods_valid.json",
        "CityJSON",
        "1.1",
        RD_NAP,
        {"BuildingPart": 1, "Building": 1},
        "0/1.2/1.3/2.2",
        (85624.2, 446749.6, -0.3, 85631.8, 446762.7, 7.8),
    ),
    (
        "cityjson/1.1/zurich_subset_lod2.json",
        "CityJSON",
        "1.1",
        ("EPSG:2056", None),
        {"BuildingPart": 161, "Building": 49},
        "2",
        (2678219.2, 1243078.7, 395.8, 2687404.7, 1253037.8, 620.9),
    ),
    (
        "cityjson/2.0/3-20-DELFSHAVEN.city.json",
        "CityJSON",
        "2.0",
        RD,
        {"Building": 853},
        "2",
        (90409.3, 435440.4, 0.0, 91453.9, 436089.9, 41.2),
    ),
    (
        "cityjson/2.0/delft.json",
        "CityJSON",
        "2.0",
        RD_NAP,
        DELFT,
        "1",
        (84616.5, 447423.0, -0.5, 85140.8, 447750.6, 16.8),
    ),
    (
        "cityjson/2.0/multi_lod.json",
        "CityJSON",
        "2.0",
        None,
        {"Building": 10},
        "1.2/1.3/2.2",
        (153301.4, 414163.5, 4.2, 153776.3, 414688.4, 14.0),
    ),
    (
        "cityjson/legacy/two-buildings-textures/twobuildings_t.json",
        "CityJSON",
        "0.3",
        RD_NAP,
        {"Building": 2},
        "2",
        (92526.8, 436628.5, 0.0, 92561.7, 436656.9, 16.5),
    ),
    (
        "cityjson/seq/3dbag_b2.city.jsonl",
        "CityJSONSeq",
        "2.0",
        RD_NAP,
        {"BuildingPart": 2, "Building": 2},
        "2.2",
        (84994.4, 446535.5, -0.3, 85022.2, 446562.1, 13.1),
    ),
    (
        "cityjson/seq/delft_subset.city.jsonl",
        "CityJSONSeq",
        "2.0",
        RD_NAP,
        {"BuildingPart": 10, "Building": 10},
        "0/1.2/1.3/2.2",
        (84593.2, 446447.0, -0.4, 85566.8, 446889.7, 13.2),
    ),
    (
        "cityjson/seq/denhaag_random_5.city.jsonl",
        "CityJSONSeq",
        "1.1",
        RD_NAP,
        {"BuildingPart": 12, "Building": 5},
        "2",
        (78588.8, 457801.4, 3.2, 78908.4, 458169.8, 14.9),
    ),
    (
        "bad/cityjson/several_lods_invalid.json",
        "CityJSON",
        "1.1",
        RD_NAP,
        {"BuildingPart": 1, "Building": 1},
        "0/1.3/2.2",
        (85624.2, 446749.6, -0.3, 85631.8, 446762.7, 7.8),
    ),
]
WITH_TEMPLATES = ["cityjson/2.0/dummy.json", "cityjson/2.0/geomtemplate_2.json"]
ALL = [row[0] for row in REAL]


def read(path: Path) -> CityModel:
    [model] = cityjson.read(path=path, feedback=Silent())
    check(model)
    return model


def by_type(model: CityModel) -> Counter[str]:
    return Counter(model.type_names[number] for number in model.object_type)


@pytest.mark.parametrize(("name", "format", "version", "crs", "types", "lods", "bounds"), REAL)
def test_a_real_file_gives_what_its_readme_counts(city_data, name, format, version, crs, types, lods, bounds) -> None:
    model = read(city_data / name)
    assert (model.source.format, model.source.version) == (format, version)
    assert (model.crs and (model.crs.horizontal, model.crs.vertical)) == crs
    assert {kind: count for kind, count in by_type(model).items() if kind in types} == types
    assert model.lods == tuple(lods.split("/"))
    np.testing.assert_allclose(model.extent.as_tuple(), bounds, atol=0.051)


def test_delft_has_570_objects_of_seven_types_in_both_versions(city_data) -> None:
    for name in ("cityjson/1.0/delft_3dfier.json", "cityjson/2.0/delft.json"):
        model = read(city_data / name)
        assert (len(model.object_ids), len(model.type_names)) == (570, 7)


def test_all_33_types_of_version_2_are_known_and_have_their_parents(city_data) -> None:
    path = city_data / "cityjson/2.0/cityobject_all_types.city.json"
    model = read(path)
    assert by_type(model) == Counter(list(json.loads(path.read_text())["CityObjects"]))  # each is named after its type
    parents = {
        child: None if parent < 0 else model.object_ids[parent]
        for child, parent in zip(model.object_ids, model.object_parent, strict=True)
    }
    assert parents["BridgePart"] == "Bridge"
    assert parents["Bridge"] is None
    assert model.extent is None


# --- judged by a plain walk through the JSON --------------------------------------------------------------------


class Walk:
    """What a file holds, polygon by polygon, found without any code of ours."""

    def __init__(self, path: Path) -> None:
        self.objects: list[str] = []
        self.rings: list[tuple[str, str | None, str, list[list[tuple[float, ...]]]]] = []
        transform: dict[str, Any] = {"scale": [1, 1, 1], "translate": [0, 0, 0]}
        for document in self._documents(path):
            transform = document.get("transform", transform)
            scale, translate = np.array(transform["scale"]), np.array(transform["translate"])
            places = [tuple(np.array(vertex) * scale + translate) for vertex in document["vertices"]]
            for object_id, member in document["CityObjects"].items():
                self.objects.append(object_id)
                for geometry in member.get("geometry", []):
                    semantics = geometry.get("semantics", {})
                    if isinstance(semantics, list):  # drafts before 1.0
                        semantics = {"surfaces": semantics, "values": list(range(len(semantics)))}
                    for surface, value in self._surfaces(geometry["boundaries"], semantics.get("values")):
                        kind = None if value is None else semantics["surfaces"][value]
                        kind = kind["type"] if isinstance(kind, dict) else kind and f"{kind}Surface"
                        rings = [[places[index] for index in ring] for ring in surface]
                        self.rings.append((object_id, kind, str(geometry["lod"]), rings))

    @staticmethod
    def _documents(path: Path) -> list[Any]:
        text = path.read_text()
        return [json.loads(line) for line in text.splitlines()] if "jsonl" in path.name else [json.loads(text)]

    def _surfaces(self, boundaries: Any, values: Any) -> Iterator[tuple[Any, Any]]:
        if isinstance(boundaries[0][0][0], int):
            yield from zip(boundaries, values or [None] * len(boundaries), strict=True)
        else:
            for part, inner in zip(boundaries, values or [None] * len(boundaries), strict=True):
                yield from self._surfaces(part, inner)

    @staticmethod
    def area(rings: list[list[tuple[float, ...]]]) -> np.ndarray:
        """The area vector by Newell's method: the same for holes, which turn the other way round."""
        total = np.zeros(3)
        for ring in rings:
            points = np.array(ring) - ring[0]
            total += np.cross(points, np.roll(points, -1, axis=0)).sum(axis=0) / 2
        return total


@pytest.mark.parametrize("name", ALL)
def test_every_surface_of_a_real_file_is_there_with_its_object_type_level_and_area(city_data, name) -> None:
    model, walk = read(city_data / name), Walk(city_data / name)
    assert list(model.object_ids) == walk.objects
    assert [model.object_ids[row] for row in model.surface_object] == [ring[0] for ring in walk.rings]
    kinds = [None if kind < 0 else model.surface_type_names[kind] for kind in model.surface_type]
    assert kinds == [ring[1] for ring in walk.rings]
    assert [model.lods[lod] for lod in model.surface_lod] == [ring[2] for ring in walk.rings]
    a, b, c = (model.vertices[model.triangles[:, corner]] for corner in range(3))
    areas = np.zeros((len(walk.rings), 3))
    np.add.at(areas, model.triangle_surface, np.cross(b - a, c - a) / 2)
    expected = np.array([walk.area(ring[3]) for ring in walk.rings])
    missed = np.linalg.norm(areas - expected, axis=1)
    assert np.quantile(missed, 0.99) < 1e-3
    drawn = np.bincount(model.triangle_surface, minlength=len(walk.rings)) > 0
    told = sum(found.count for found in model.diagnostics if found.code in ("val3dity.104", "val3dity.101"))
    assert (~drawn).sum() <= told


@pytest.mark.parametrize(
    ("name", "bounds"),
    [
        ("cityjson/2.0/dummy.json", (0, 0, 0, 23, 80, 1)),  # twice the template's corners (11, 40), at (1, 0)
        ("cityjson/2.0/geomtemplate_2.json", None),
    ],
)
def test_templates_stand_at_their_places(city_data, name, bounds) -> None:
    model = read(city_data / name)
    document = json.loads((city_data / name).read_text())
    tree = next(
        row for row, kind in enumerate(model.object_type) if model.type_names[kind] == "SolitaryVegetationObject"
    )
    assert (model.surface_object == tree).any()
    if bounds is not None:
        np.testing.assert_allclose(model.extent.as_tuple(), bounds)
        return
    geometry = document["CityObjects"][model.object_ids[tree]]["geometry"][0]
    matrix = np.array(geometry["transformationMatrix"]).reshape(4, 4)
    shape = document["geometry-templates"]["templates"][geometry["template"]]
    used = re.findall(r"\d+", json.dumps(shape["boundaries"]))
    template = np.array(document["geometry-templates"]["vertices-templates"])[[int(index) for index in used]]
    transform = document.get("transform", {"scale": [1, 1, 1], "translate": [0, 0, 0]})
    place = np.array(document["vertices"][0]) * transform["scale"] + transform["translate"]
    expected = np.column_stack([template, np.ones(len(template))]) @ matrix.T
    low, high = expected[:, :3].min(axis=0) + place, expected[:, :3].max(axis=0) + place
    np.testing.assert_allclose(model.extent.as_tuple(), [*low, *high], atol=1e-9)


# --- damaged files ----------------------------------------------------------------------------------------------


def test_a_file_that_lacks_a_bracket_at_its_end_is_refused_with_the_place(city_data) -> None:
    with pytest.raises(DamagedFileError, match="is missing before line 1934, column 1"):
        read(city_data / "bad/cityjson/with-errors.json")


def test_an_empty_file_is_refused(city_data) -> None:
    with pytest.raises(DamagedFileError, match="empty"):
        read(city_data / "bad/cityjson/completely_empty.json")


def test_the_whole_features_of_a_damaged_sequence_are_shown_and_the_rest_is_told(city_data) -> None:
    model = read(city_data / "bad/cityjson/unclosedbracket.city.jsonl")
    assert by_type(model) == {"Building": 1, "BuildingPart": 3}
    assert 78588 < model.extent.min_x < 78909
    assert 457801 < model.extent.min_y < 458170
    found = [(each.code, each.where) for each in model.diagnostics]
    assert found == [
        ("cityjson.line-mended", "line 1"),
        ("val3dity.203", "GUID_901431CD-9F28-4D01-9FB5-04624D49DCCC_2"),
    ]


def test_a_vertex_that_is_not_there_is_told_with_the_object(city_data) -> None:
    model = read(city_data / "bad/cityjson/invalid_out_of_range_vertex_index.city.json")
    assert [(found.code, found.where) for found in model.diagnostics] == [
        ("vertex.out-of-range", "invalid_out_of_range_vertex_index")
    ]


# --- telling formats apart, and the way through a worker --------------------------------------------------------


def test_the_probe_takes_every_city_and_nothing_else(city_data) -> None:
    cities = [*city_data.glob("cityjson/**/*.json"), *city_data.glob("cityjson/**/*.jsonl")]
    others = [*city_data.glob("geojson/*"), *city_data.glob("feeds/**/*.json*"), *city_data.glob("citygml/**/*.gml")]
    assert len(cities) > 12
    assert len(others) > 12
    assert {path.name for path in cities if cityjson.probe(path=path) < 0.9} == set()
    assert {path.name for path in others if cityjson.probe(path=path) > 0.0} == set()


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    workers = WorkerPool(size=1)
    yield workers
    workers.close()


@pytest.mark.parametrize("name", [*ALL, *WITH_TEMPLATES])
def test_a_worker_hands_over_the_same_arrays(city_data, pool, name) -> None:
    code = CodeLocation(package="twinviewer.formats", folder=str(Path(cityjson.__file__).parent))
    reader = FunctionOfPlugin(reference="twinviewer.formats.cityjson:read", code=code)
    [layer] = pool.read(ReadRequest(reader=reader, path=str(city_data / name)), Silent()).layers
    direct = read(city_data / name)
    for column in ("vertices", "triangles", "surface_object", "surface_type", "surface_lod", "object_parent"):
        np.testing.assert_array_equal(getattr(layer, column), getattr(direct, column))
    assert layer.object_ids == direct.object_ids
    assert layer.diagnostics == direct.diagnostics
    if layer.crs is not None:
        target = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837")
        request = ReadRequest(reader=reader, path=str(city_data / name), placing=Placing.IN_PROJECT, target=target)
        [placed] = pool.read(request, Silent()).layers
        assert placed.crs == target


@pytest.mark.parametrize(
    ("name", "codes"),
    [
        ("cityjson/1.1/several_lods_valid.json", set()),
        ("cityjson/2.0/geomtemplate_2.json", {"val3dity.203"}),
        ("cityjson/seq/denhaag_random_5.city.jsonl", {"val3dity.203"}),
        ("cityjson/seq/3dbag_b2.city.jsonl", {"val3dity.102"}),
    ],
)
def test_what_is_not_valid_is_what_val3dity_says(city_data, name: str, codes: set[str]) -> None:
    """Its own tests expect these of its own files; 601, buildings' parts that overlap, is not looked for."""
    found = read(city_data / name).diagnostics
    assert {each.code for each in found if each.code.startswith("val3dity")} == codes

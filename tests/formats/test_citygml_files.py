"""CityGML of real cities: against the counts of the data's README, and against the elements in the files themselves."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree

from twinviewer import formats
from twinviewer.api.importing import CodeLocation
from twinviewer.app.workers import WorkerPool
from twinviewer.formats import citygml
from twinviewer.formats.request import FunctionOfPlugin, Placing, ReadRequest
from twinviewer.formats.soundness import check
from twinviewer.model.city_parts import GEOMETRY_TYPES
from twinviewer.model.errors import UnsupportedFormatError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel

GML = ("{http://www.opengis.net/gml}", "{http://www.opengis.net/gml/3.2}")
UTM32 = ("EPSG:25832", "EPSG:5783")
JGD = ("EPSG:6668", "EPSG:6695")
HOUSE = [458868.0, 5438343.0, 112.0, 458892.0, 5438362.0]
RELIEF = {"ReliefFeature": 1, "TINRelief": 1}
SHINJUKU = [139.71696, 35.67849, 34.474, 139.71828, 35.67907, 66.22338]
# Path, version, reference system, objects by type, polygons with triangles, levels of detail, extent (x east).
# From the README of the data; what it does not count (parts, rooms) is from a search for the elements' names.
REAL: list[tuple[str, str, tuple[str | None, ...], dict[str, int], int, str, list[float]]] = [
    ("1.0/DenHaag_1BwBP.gml", "1.0", ("EPSG:28992", None), {"Building": 1, "BuildingPart": 6}, 39, "2",
     [78588.7, 457897.9, 6.4, 78601.9, 457910.8, 16.0]),
    ("1.0/FZK-House-LoD3-KIT-IAI-KHH-V2.gml", "1.0", ("EPSG:25832", None), {"Building": 1}, 210, "3",
     [458876.5, 5438352.5, -0.2, 458889.5, 5438363.5, 6.3]),
    ("1.0/Potsdam_LoD1.gml", "1.0", ("EPSG:25833", "EPSG:5783"), {"Building": 97}, 1547, "1",
     [366970.1, 5807975.8, 35.9, 367588.8, 5808521.0, 65.0]),
    ("1.0/berlin_open_data_sample_data.citygml", "1.0", ("EPSG:25833", None), {"Building": 61}, 1125, "2",
     [390478.0, 5819214.2, 27.5, 390703.1, 5819552.6, 64.2]),
    ("1.0/zurich-lod2-citygml1.xml", "1.0", (None,), {"Building": 4, "BuildingPart": 6}, 61, "2",
     [683270.9, 247425.8, 403.2, 683320.1, 247492.0, 432.7]),
    ("2.0/building/Building_LOD0-EPSG25832.gml", "2.0", UTM32, {"Building": 1, **RELIEF}, 2 + 9, "0", [*HOUSE, 115.0]),
    ("2.0/building/Building_LOD1-EPSG25832.gml", "2.0", UTM32, {"Building": 1, **RELIEF}, 6 + 9, "1", [*HOUSE, 116.0]),
    ("2.0/building/Building_LOD1-LocalEngineeringCRS.gml", "2.0", (None,), {"Building": 1, **RELIEF}, 6 + 9, "1",
     [0.0, 0.0, 0.0, 24.0, 19.0, 4.0]),
    ("2.0/building/Building_LOD2-EPSG25832.gml", "2.0", UTM32, {"Building": 1, **RELIEF}, 7 + 9, "2", [*HOUSE, 117.0]),
    ("2.0/building/Building_LOD3-EPSG25832.gml", "2.0", UTM32, {"Building": 1, **RELIEF}, 24 + 9, "3", [*HOUSE, 117.0]),
    # The relief of this one says that it is of LoD 3.
    ("2.0/building/Building_LOD4-EPSG25832.gml", "2.0", UTM32,
     {"Building": 1, "Room": 1, "BuildingFurniture": 1, **RELIEF}, 998 + 9, "34", [*HOUSE, 117.0]),
    ("2.0/composite/b1_lod2_cs_w_sem.gml", "2.0", (None,), {"Building": 1}, 10, "2", [0, 0, 0, 100, 100, 150]),
    ("2.0/composite/csol7.gml", "2.0", (None,), {"GenericCityObject": 1}, 14, "2", [0, 0, 0, 100, 100, 100]),
    ("2.0/composite/msol2.gml", "2.0", (None,), {"GenericCityObject": 1}, 18, "2", [0, 0, 0, 3, 1, 1]),
    ("2.0/delft-citygml2.xml", "2.0", ("EPSG:28992", "EPSG:5709"), {"Building": 3}, 97, "01",
     [84508.2, 446648.4, 0.3, 84664.1, 447382.7, 10.6]),
    ("2.0/ingolstadt-lod3/4018115/4018115.xml", "2.0", ("EPSG:32632", None),
     {"Building": 1, "BuildingInstallation": 14}, 1547, "3", [678050.4, 5403815.3, 414.6, 678081.7, 5403845.9, 429.9]),
    ("2.0/ingolstadt-lod3/4018198/4018198.xml", "2.0", ("EPSG:32632", None), {"Building": 1, "BuildingInstallation": 1},
     547, "3", [678158.3, 5403530.9, 414.3, 678196.3, 5403578.0, 431.9]),
    ("2.0/plateau-shinjuku/53394517_bldg_6697_2_op_CityGML2.gml", "2.0", JGD, {"Building": 1}, 785, "012", SHINJUKU),
    ("2.0/plateau/523846_area_6697.gml", "2.0", JGD, {"Zone": 4}, 4, "1",
     [138.84368, 35.07197, 0.0, 138.86325, 35.09374, 0.0]),
    ("2.0/plateau/523965_dem_6697_05_op.gml", "2.0", JGD, {"ReliefFeature": 2, "TINRelief": 2}, 1066, "1",
     [139.6875, 35.19495, -0.02, 139.7, 35.20833, 24.19963]),
    ("2.0/plateau/53392565_gen_6697.gml", "2.0", JGD, {"GenericCityObject": 4}, 49, "01234",
     [139.69762, 35.55398, 0.0, 139.69801, 35.55431, 30.0]),
    ("2.0/plateau/64413325_bldg_6697_op.gml", "2.0", JGD, {"Building": 25}, 181, "01",
     [141.43736, 42.93866, 97.942, 141.44181, 42.94163, 119.054]),
    ("2.0/plateau/hodokyo_51324378_brid_6697.gml", "2.0", JGD,
     {"Bridge": 1, "BridgeConstructionElement": 14, "BridgeInstallation": 4}, 4509, "0123",
     [132.48421, 34.39612, 0.0, 132.48449, 34.39664, 9.45]),
    ("3.0/53394517_bldg_6697_2_op_CityGML3.gml", "3.0", JGD, {"Building": 1}, 785, "012", SHINJUKU),
    ("3.0/BuildingUnits_Storeys_xlink.gml", "3.0", UTM32,
     {"Building": 1, "BuildingRoom": 3, "BuildingUnit": 2, "Storey": 2}, 39, "2",
     [457841.0, 5439082.0, 111.0, 457854.0, 5439093.0, 121.0]),
    ("3.0/Building_LOD3-EPSG25832.gml", "3.0", UTM32,
     {"Building": 1, "BuildingRoom": 1, "BuildingFurniture": 1, **RELIEF}, 998 + 9, "3", [*HOUSE, 117.0]),
    ("3.0/Dynamizer_SensorConnection_V1.gml", "3.0", ("EPSG:31468", "EPSG:5783"), {"Building": 1, "BuildingRoom": 1},
     11, "2", [4490655.5, 5322005.3, 548.5, 4490671.3, 5322017.8, 557.0]),
    ("3.0/LocalCRS_CityGML3.gml", "3.0", (None,), {"Building": 1, **RELIEF}, 6 + 9, "1", [0, 0, 0, 24, 19, 4]),
    ("3.0/ParkingGarage_with_XLinks.gml", "3.0", (None,),
     {"Building": 1, "Road": 4, "Section": 12, "Intersection": 1, "TrafficSpace": 8, "AuxiliaryTrafficSpace": 1}, 132,
     "2", [-46.75, 12.087, 0.0, 66.291, 88.657, 11.557]),
    ("3.0/citygml3_roads_roundabout.gml", "3.0", ("EPSG:32755", None),
     {"Road": 2, "Section": 4, "TrafficSpace": 116, "AuxiliaryTrafficSpace": 186, "Intersection": 1}, 307 - 5, "2",
     [320997.5, 5813881.9, 0.0, 321232.3, 5814317.6, 0.0]),
    ("3.0/lod2_buildings_v3.gml", "3.0", ("EPSG:3068", "EPSG:5783"), {"Building": 100}, 700, "2",
     [0, 0, 0, 96, 98, 12]),
    ("../bad/citygml/invalid_building_v3.gml", "3.0", (None,), {"Building": 1}, 7, "2", [0, 0, 0, 6, 8, 11]),
    ("../bad/citygml/plateau-unbound-prefix/53392642_bldg_6697_op2.gml", "2.0", JGD, {"Building": 8}, 646, "012",
     [139.63047, 35.45459, 2.466, 139.77926, 35.54192, 28.2386]),
]  # fmt: skip
GEORES = "1.0/geores-textured/geoRES_testdata_v1.0.0.xml"


def read(path: Path) -> CityModel:
    (model,) = citygml.read(path=path, feedback=Silent())
    check(model)
    return model


def by_type(model: CityModel) -> Counter[str]:
    return Counter(model.type_names[number] for number in model.object_type)


def problems(model: CityModel) -> dict[str, int]:
    return {diagnostic.code: diagnostic.count for diagnostic in model.diagnostics}


def polygons_of(model: CityModel) -> np.ndarray:
    """(s,) whether each surface is a polygon, not a curve or a set of points."""
    assert model.geometries is not None
    flat = [number for number, name in enumerate(GEOMETRY_TYPES) if name in ("MultiPoint", "MultiLineString")]
    types = np.append(model.geometries.type, -1)[model.geometries.surface_geometry]
    return ~np.isin(types, flat)


def volumes(model: CityModel) -> np.ndarray:
    """(n,) volume below the triangles of each object, negative where they turn inwards; z in the unit of x and y."""
    vertices = model.vertices - model.vertices.mean(axis=0)
    a, b, c = (vertices[model.triangles[:, corner]] for corner in range(3))
    of_triangle = np.einsum("ij,ij->i", a, np.cross(b, c)) / 6
    owner = model.surface_object[model.triangle_surface]
    return np.bincount(owner, weights=of_triangle, minlength=len(model.object_ids))


@pytest.mark.data
@pytest.mark.parametrize(
    ("path", "version", "crs", "types", "polygons", "lods", "extent"), REAL, ids=[row[0] for row in REAL]
)
def test_counts_and_place_are_those_of_the_readme(
    city_data: Path,
    path: str,
    version: str,
    crs: tuple[Any, ...],
    types: dict[str, int],
    polygons: int,
    lods: str,
    extent: list[float],
) -> None:
    model = read(city_data / "citygml" / path)
    assert (model.source.format, model.source.version) == ("CityGML", version)
    assert ((None,) if model.crs is None else (model.crs.horizontal, model.crs.vertical)) == crs
    assert by_type(model) == types
    assert polygons_of(model).sum() == polygons
    assert model.lods == tuple(lods)
    assert model.extent is not None
    tolerance = 0.051 if max(extent) > 1000 else 0.000_006
    assert model.extent.as_tuple() == pytest.approx(extent, abs=tolerance)


def test_every_file_is_in_the_table(city_data: Path) -> None:
    folder = city_data / "citygml"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*.*ml") if path.is_file()}
    assert files - {GEORES} == {row[0] for row in REAL if not row[0].startswith("..")}


@pytest.mark.data
def test_shapes_stand_in_their_places_and_nowhere_else(city_data: Path) -> None:
    path = city_data / "citygml" / GEORES
    model = read(path)
    assert by_type(model) == {
        "SolitaryVegetationObject": 13, "CityFurniture": 9, "Building": 5, "BuildingInstallation": 10, "LandUse": 1,
        "Road": 1, "TrafficArea": 3, "AuxiliaryTrafficArea": 2, **RELIEF,
    }  # fmt: skip
    assert model.lods == ("1", "2", "3")
    tree = etree.parse(path)
    gml = GML[0]
    core = "{http://www.opengis.net/citygml/1.0}"
    polygons = {element: len([*element.iter(f"{gml}Polygon")]) for element in tree.iter(f"{core}relativeGMLGeometry")}
    given = {child.get(f"{gml}id"): polygons[element] for element in polygons for child in element}
    href = "{http://www.w3.org/1999/xlink}href"
    standing = sum(polygons[element] or given[element.get(href)[1:]] for element in polygons)
    elsewhere = len([*tree.iter(f"{gml}Polygon")]) - sum(given.values()) + len([*tree.iter(f"{gml}Triangle")])
    assert problems(model)["shape.instanced"] == len(polygons) == 66
    assert len(model.surface_object) == standing + elsewhere
    places = np.array(
        [element.text.split() for element in tree.iter(f"{gml}pos") if element.get("srsDimension")], float
    )
    assert model.extent is not None
    assert model.extent.min_x > places[:, 0].min() - 60
    assert (model.extent.max_x, model.extent.max_y, model.extent.max_z) == pytest.approx(
        (3500026.4, 5400069.9, 15.1), abs=0.05
    )


@pytest.mark.data
@pytest.mark.parametrize("path", [row[0] for row in REAL])
def test_every_surface_of_real_files_is_drawn_or_told(city_data: Path, path: str) -> None:
    model = read(city_data / "citygml" / path)
    drawn = len(np.unique(model.triangle_surface))
    is_gone = [(d.count, d.code[:8] == "val3dity" and d.problem.endswith("are not shown.")) for d in model.diagnostics]
    told = sum(count for count, gone in is_gone if gone)
    assert polygons_of(model).sum() - drawn == told
    assert "xlink.unresolved" not in problems(model)


@pytest.mark.data
@pytest.mark.parametrize("name", ["Potsdam_LoD1.gml", "berlin_open_data_sample_data.citygml"])
def test_triangles_turn_outwards(city_data: Path, name: str) -> None:
    model = read(city_data / "citygml" / "1.0" / name)
    assert (volumes(model) > 0).all()


@pytest.mark.data
def test_a_solid_has_the_volume_that_its_measures_say(city_data: Path) -> None:
    house = read(city_data / "citygml/2.0/building/Building_LOD2-EPSG25832.gml")
    length, width, eaves, roof = 10.0, 5.0, 3.0, 2.0
    assert volumes(house)[0] == pytest.approx(length * width * (eaves + roof / 2))


@pytest.mark.data
def test_the_same_building_is_the_same_in_2_and_3(city_data: Path) -> None:
    two = read(city_data / "citygml/2.0/plateau-shinjuku/53394517_bldg_6697_2_op_CityGML2.gml")
    three = read(city_data / "citygml/3.0/53394517_bldg_6697_2_op_CityGML3.gml")
    assert two.extent == three.extent
    assert len(two.triangles) == len(three.triangles)
    assert np.allclose(np.sort(two.vertices, axis=0), np.sort(three.vertices, axis=0), atol=0)
    types = [
        Counter(model.surface_type_names[number] for number in model.surface_type if number >= 0)
        for model in (two, three)
    ]
    assert types[0] == types[1] == {"WallSurface": 370, "RoofSurface": 279, "GroundSurface": 1}


@pytest.mark.data
def test_surfaces_have_the_types_of_the_elements_around_them(city_data: Path) -> None:
    path = city_data / "citygml/1.0/berlin_open_data_sample_data.citygml"
    model = read(path)
    tree = etree.parse(path)
    bldg = "{http://www.opengis.net/citygml/building/1.0}"
    for name in ("RoofSurface", "WallSurface", "GroundSurface"):
        expected = sum(len([*element.iter(f"{GML[0]}Polygon")]) for element in tree.iter(f"{bldg}{name}"))
        assert (model.surface_type == model.surface_type_names.index(name)).sum() == expected


@pytest.mark.data
def test_an_undeclared_prefix_costs_nothing_but_a_warning(city_data: Path) -> None:
    model = read(city_data / "bad/citygml/plateau-unbound-prefix/53392642_bldg_6697_op2.gml")
    (told,) = (finding for finding in model.diagnostics if finding.code == "xml.prefix-undeclared")
    assert "“energy”" in told.problem
    assert told.where == "line 538"
    heated = next(column for column in model.attributes if column.name.endswith("isHeated"))
    assert [value for value in map(heated.value, range(8)) if value is not None] == ["true"]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "problem"),
    [("TestCaseOfInvalidFileNameGml.gml", "not XML"), ("invalid_indoorgml_1.gml", "not CityGML.*IndoorFeatures")],
)
def test_what_is_something_else_is_refused_in_one_sentence(city_data: Path, name: str, problem: str) -> None:
    path = city_data / "bad/citygml" / name
    assert citygml.probe(path=path) == 0.0
    with pytest.raises(UnsupportedFormatError, match=problem):
        read(path)


@pytest.mark.data
def test_probes_tell_city_models_from_other_xml(city_data: Path) -> None:
    for row in REAL:
        assert citygml.probe(path=city_data / "citygml" / row[0]) == 1.0
    others = [*city_data.glob("feeds/sumo/**/*.xml"), *city_data.glob("**/*.json"), *city_data.glob("**/*.tif")]
    assert len(others) > 10
    assert {citygml.probe(path=path) for path in others} == {0.0}


# --- the way through a worker -----------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    workers = WorkerPool(size=1)
    yield workers
    workers.close()


def request(path: Path, **more: Any) -> ReadRequest:
    code = CodeLocation(package="twinviewer.formats", folder=str(Path(formats.__file__).parent))
    reader = FunctionOfPlugin(reference="twinviewer.formats.citygml:read", code=code)
    return ReadRequest(reader=reader, path=str(path), **more)


@pytest.mark.data
@pytest.mark.parametrize("path", [*(row[0] for row in REAL), GEORES])
def test_a_worker_hands_over_the_same_arrays(city_data: Path, pool: WorkerPool, path: str) -> None:
    direct = read(city_data / "citygml" / path)
    (layer,) = pool.read(request(city_data / "citygml" / path), Silent()).layers
    assert isinstance(layer, CityModel)
    for column in ("vertices", "triangles", "surface_object", "surface_type", "surface_lod", "object_parent"):
        np.testing.assert_array_equal(getattr(layer, column), getattr(direct, column))
    assert layer.object_ids == direct.object_ids
    assert layer.diagnostics == direct.diagnostics


@pytest.mark.data
def test_a_city_in_degrees_is_placed_in_metres(city_data: Path, pool: WorkerPool) -> None:
    path = city_data / "citygml/2.0/plateau-shinjuku/53394517_bldg_6697_2_op_CityGML2.gml"
    result = pool.read(request(path, placing=Placing.FIRST), Silent())
    assert result.target is not None
    assert result.target.horizontal == "EPSG:6691"  # JGD2011 / UTM zone 54N
    (layer,) = result.layers
    assert layer.extent is not None
    east, north, _ = layer.extent.size
    metres_per_degree = 111_320.0
    latitude = np.radians(35.68)
    assert east == pytest.approx((SHINJUKU[3] - SHINJUKU[0]) * metres_per_degree * np.cos(latitude), abs=2)
    assert north == pytest.approx((SHINJUKU[4] - SHINJUKU[1]) * metres_per_degree, abs=2)


@pytest.mark.data
def test_what_a_worker_refuses_keeps_its_sentence(city_data: Path, pool: WorkerPool) -> None:
    with pytest.raises(UnsupportedFormatError, match="outermost element is “IndoorFeatures”"):
        pool.read(request(city_data / "bad/citygml/invalid_indoorgml_1.gml"), Silent())

"""What the writers wrote, as libraries see it that did not write it."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import textwrap
from collections import Counter
from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import laspy
import numpy as np
import pyogrio
import pytest
import rasterio
import shapely
from lxml import etree
from pyproj import CRS

from tests.conftest import ROOT
from tests.demo.small_town import EAVES_M, GROUND_M, LENGTH_M, RIDGE_M, SURFACES_PER_HOUSE, WIDTH_M, SmallTown
from twinviewer.demo import contents
from twinviewer.demo.guide import Guide
from twinviewer.demo.landscape import WATER_LEVEL_M
from twinviewer.demo.writing import write_town
from twinviewer.model.feedback import Silent

EAST, NORTH = 550_000.0, 5_890_000.0
TOWN = SmallTown()
NAMES = {
    "core": "http://www.opengis.net/citygml/2.0",
    "bldg": "http://www.opengis.net/citygml/building/2.0",
    "gen": "http://www.opengis.net/citygml/generics/2.0",
    "gml": "http://www.opengis.net/gml",
    "xAL": "urn:oasis:names:tc:ciq:xsdschema:xAL:2.0",
}
GML_ID, HREF = "{http://www.opengis.net/gml}id", "{http://www.w3.org/1999/xlink}href"
HOUSE_VOLUME_M3 = WIDTH_M * LENGTH_M * (EAVES_M + RIDGE_M) / 2


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("town")
    write_town(TOWN, folder, seed=1, feedback=Silent())
    return folder


@pytest.fixture(scope="module")
def gml(folder: Path) -> Any:
    return etree.parse(folder / contents.BUILDINGS).getroot()


def found(element: Any, path: str) -> list[Any]:
    return element.xpath(path, namespaces=NAMES)


def corners(positions: str) -> np.ndarray:
    return np.array(positions.split(), np.float64).reshape(-1, 3)


def volume(rings: list[np.ndarray]) -> float:
    """Return the volume inside convex rings that look outwards, by the divergence theorem."""
    total = 0.0
    for ring in rings:
        local = ring - (EAST, NORTH, 0)
        for second, third in pairwise(local[1:]):
            total += float(np.dot(local[0], np.cross(second, third))) / 6
    return total


# --- CityGML ----------------------------------------------------------------------------------------------------


def test_citygml_has_every_building_with_every_surface(gml: Any) -> None:
    buildings = found(gml, "core:cityObjectMember/bldg:Building")
    assert [building.get(GML_ID) for building in buildings] == [building.id for building in TOWN.buildings()]
    kinds = Counter(etree.QName(surface).localname for surface in found(gml, "//bldg:boundedBy/*"))
    n = TOWN.building_count
    assert kinds == {"GroundSurface": n, "WallSurface": 4 * n, "RoofSurface": 2 * n}


def test_ids_are_unique_and_every_solid_names_each_polygon_of_its_building_once(gml: Any) -> None:
    ids = [element.get(GML_ID) for element in gml.iter() if element.get(GML_ID)]
    assert len(ids) == len(set(ids))
    for building in found(gml, "//bldg:Building"):
        polygons = [polygon.get(GML_ID) for polygon in found(building, ".//gml:Polygon")]
        links = [link.get(HREF) for link in found(building, "bldg:lod2Solid//gml:surfaceMember")]
        assert links == [f"#{polygon}" for polygon in polygons]
        assert len(links) == SURFACES_PER_HOUSE


def test_solids_in_citygml_are_closed_and_look_outwards(gml: Any) -> None:
    for building in found(gml, "//bldg:Building"):
        rings = [corners(ring.text) for ring in found(building, ".//gml:posList")]
        assert all(np.array_equal(ring[0], ring[-1]) for ring in rings)
        edges = Counter(
            (tuple(a), tuple(b)) for ring in rings for a, b in zip(ring[:-1].tolist(), ring[1:].tolist(), strict=True)
        )
        assert all(edges[b, a] == count == 1 for (a, b), count in edges.items())
        assert volume([ring[:-1] for ring in rings]) == pytest.approx(HOUSE_VOLUME_M3)


def test_envelope_is_around_all_corners_in_the_compound_system(gml: Any) -> None:
    (envelope,) = found(gml, "gml:boundedBy/gml:Envelope")
    assert envelope.get("srsName") == "urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::7837"
    crs = CRS.from_user_input(envelope.get("srsName"))
    assert [part.to_epsg() for part in crs.sub_crs_list] == [25832, 7837]
    points = np.concatenate([corners(ring.text) for ring in found(gml, "//gml:posList")])
    low, high = (corners(corner.text)[0] for corner in envelope)
    assert low.tolist() == points.min(axis=0).tolist()
    assert high.tolist() == points.max(axis=0).tolist()


def test_attributes_stand_in_the_order_of_the_schema_and_are_escaped(gml: Any) -> None:
    building = found(gml, "//bldg:Building")[3]
    assert [etree.QName(child).localname for child in building][:10] == [
        "name", "stringAttribute", "stringAttribute", "intAttribute", "function", "yearOfConstruction", "roofType",
        "measuredHeight", "storeysAboveGround", "lod2Solid",
    ]  # fmt: skip
    assert found(building, "string(gml:name)") == "St Mary’s"
    assert found(building, "string(bldg:yearOfConstruction)") == "1903"
    assert found(building, "string(bldg:measuredHeight[@uom='m'])") == "10.00"
    assert found(building, "string(gen:intAttribute[@name='residents']/gen:value)") == "3"
    assert found(building, "string(.//xAL:ThoroughfareName)") == "King & Queen Street"
    assert found(building, "string(.//xAL:ThoroughfareNumber)") == "3"
    assert found(building, "string(.//xAL:LocalityName)") == "Smallham & Sons"
    assert etree.QName(building[-1]).localname == "address"


# --- CityJSON ---------------------------------------------------------------------------------------------------


def city(folder: Path, name: str) -> dict[str, Any]:
    content = json.loads((folder / name).read_text(encoding="utf-8"))
    assert content["type"] == "CityJSON"
    assert content["version"] == "2.0"
    assert set(content) >= {"type", "version", "CityObjects", "vertices", "transform"}
    assert content["metadata"]["referenceSystem"].startswith("https://www.opengis.net/def/crs/")
    assert CRS.from_user_input(content["metadata"]["referenceSystem"]).to_epsg() == 25832
    assert all(type(value) is int for vertex in content["vertices"] for value in vertex)
    return content


def numbers(content: Any) -> Iterator[int]:
    """Yield the vertices that geometries name."""
    if isinstance(content, int):
        yield content
    elif isinstance(content, dict):
        yield from numbers(content["boundaries"])
    else:
        for part in content:
            yield from numbers(part)


def placed(content: dict[str, Any]) -> np.ndarray:
    return np.array(content["vertices"]) * content["transform"]["scale"] + content["transform"]["translate"]


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        (contents.BRIDGES, {"Bridge": 1, "OtherConstruction": 1}),
        (contents.WATER, {"WaterBody": 1}),
        (contents.TREES, {"SolitaryVegetationObject": 8}),
        (contents.FURNITURE, {"CityFurniture": 3}),
    ],
)
def test_cityjson_holds_the_objects_and_uses_every_vertex(folder: Path, name: str, counts: dict[str, int]) -> None:
    content = city(folder, name)
    assert Counter(item["type"] for item in content["CityObjects"].values()) == counts
    used = set(numbers([item["geometry"] for item in content["CityObjects"].values()]))
    assert used == set(range(len(content["vertices"])))


def test_bridge_keeps_its_corners_and_what_each_surface_is(folder: Path) -> None:
    content = city(folder, contents.BRIDGES)
    (geometry,) = content["CityObjects"]["BRIDGE_1"]["geometry"]
    points = placed(content)
    for surface, boundary, kind in zip(
        TOWN.bridges[1].surfaces, geometry["boundaries"], geometry["semantics"]["values"], strict=True
    ):
        assert geometry["semantics"]["surfaces"][kind]["type"] == surface.type
        expected = np.add(surface.exterior, (EAST, NORTH, 0))
        np.testing.assert_allclose(points[boundary[0]], expected)


def test_water_lies_at_its_level_and_reaches_under_the_banks(folder: Path) -> None:
    points = placed(city(folder, contents.WATER))
    assert set(points[:, 2].tolist()) == {WATER_LEVEL_M}
    assert points[:, 1].max() > NORTH - 40


def test_trees_stand_where_they_are_planted_with_their_height_and_crown(folder: Path) -> None:
    content = city(folder, contents.TREES)
    templates = content["geometry-templates"]
    shapes = np.array(templates["vertices-templates"])
    points = placed(content)
    for tree in TOWN.trees:
        item = content["CityObjects"][tree.id]
        (instance,) = item["geometry"]
        assert points[instance["boundaries"][0]].tolist() == pytest.approx(
            [EAST + tree.position[0], NORTH + tree.position[1], tree.position[2]]
        )
        matrix = np.array(instance["transformationMatrix"]).reshape(4, 4)
        faces = templates["templates"][instance["template"]]["boundaries"]
        own = shapes[sorted({corner for face in faces for corner in face[0]})]
        stood = own @ matrix[:3, :3].T + matrix[:3, 3]
        assert stood[:, 2].min() == pytest.approx(0, abs=1e-6)
        assert stood[:, 2].max() == pytest.approx(tree.height_m, rel=1e-3)
        assert np.hypot(*stood[:, :2].T).max() * 2 == pytest.approx(tree.crown_m, rel=0.25)
        assert np.linalg.det(matrix[:3, :3]) > 0
        assert item["attributes"]["species"] == tree.species


def test_templates_are_closed_and_look_outwards(folder: Path) -> None:
    for name in (contents.TREES, contents.FURNITURE):
        templates = city(folder, name)["geometry-templates"]
        shapes = np.array(templates["vertices-templates"])
        for template in templates["templates"]:
            rings = [surface[0] for surface in template["boundaries"]]
            edges = Counter((ring[at - 1], ring[at]) for ring in rings for at in range(len(ring)))
            assert all(edges[b, a] == count == 1 for (a, b), count in edges.items())
            assert volume([shapes[ring] + (EAST, NORTH, 0) for ring in rings]) > 0


def test_furniture_is_turned_clockwise(folder: Path) -> None:
    (instance,) = city(folder, contents.FURNITURE)["CityObjects"]["BENCH_1"]["geometry"]
    matrix = np.array(instance["transformationMatrix"]).reshape(4, 4)
    assert (matrix @ (0, 1, 0, 0)).tolist() == pytest.approx([1, 0, 0, 0])  # what looked north looks east


# --- terrain, map, laser points ---------------------------------------------------------------------------------


def test_terrain_has_the_heights_and_the_compound_system(folder: Path) -> None:
    with rasterio.open(folder / contents.TERRAIN) as file:
        assert (file.dtypes, file.nodata, file.compression.name) == (("float32",), -9999.0, "deflate")
        assert file.bounds == (EAST - 100, NORTH - 60, EAST + 100, NORTH + 90)
        assert file.res == (1.0, 1.0)
        parts = CRS.from_wkt(file.crs.to_wkt(version="WKT2_2019")).sub_crs_list
        assert [part.to_epsg() for part in parts] == [25832, 7837]
        heights = [float(value[0]) for value in file.sample([(EAST, NORTH + 10), (EAST, NORTH - 50)])]
    assert heights == [GROUND_M, 1.0]


def test_map_layers_have_the_shapes_and_the_columns(folder: Path) -> None:
    path = folder / contents.MAP
    assert {str(name): str(kind) for name, kind in pyogrio.list_layers(path)} == {
        "streets": "LineString", "land_use": "Polygon", "zones": "Polygon",
    }  # fmt: skip
    streets = pyogrio.read_dataframe(path, layer="streets")
    assert streets.crs.to_epsg() == 25832
    assert streets["class"].tolist() == ["residential", "promenade"]
    assert streets["width_m"].tolist() == [7.5, 4.0]
    assert streets["max_speed"].tolist() == [30, 5]
    assert streets.geometry[0].coords[1] == streets.geometry[1].coords[0] == (EAST, NORTH - 4)
    land_use = pyogrio.read_dataframe(path, layer="land_use")
    assert land_use["land_use"].tolist() == ["residential", "water", "park"]
    assert land_use.geometry.area.tolist() == pytest.approx([area.polygon.area for area in TOWN.land_use])
    assert land_use.geometry.is_valid.all()
    assert pyogrio.read_dataframe(path, layer="zones")["zone"].tolist() == ["WA general residential"]


def test_laser_points_lie_on_what_they_are_classified_as(folder: Path) -> None:
    with laspy.open(folder / contents.LASER_POINTS) as file:
        assert (str(file.header.version), file.header.point_format.id) == ("1.4", 7)
        assert file.header.creation_date == date(2026, 3, 20)
        assert [part.to_epsg() for part in file.header.parse_crs().sub_crs_list] == [25832, 7837]
        points = file.read()
    classes = np.asarray(points.classification)
    assert set(classes.tolist()) >= {2, 3, 5, 6, 7, 9, 17}
    x, y, z = (np.asarray(points[axis]) for axis in ("x", "y", "z"))
    of_class = {number: np.column_stack([x, y, z])[classes == number] for number in np.unique(classes).tolist()}
    assert np.abs(of_class[2][:, 2] - GROUND_M).max() < 0.2
    assert np.abs(of_class[9][:, 2] - WATER_LEVEL_M).max() < 0.2
    assert of_class[9][:, 1].max() < NORTH - 39.4
    houses = shapely.union_all(
        [
            shapely.Polygon([(EAST + x, NORTH + y) for x, y, _ in building.surfaces[0].exterior])
            for building in TOWN.buildings()
        ]
    )
    assert shapely.contains_xy(houses.buffer(0.5), *of_class[6][:, :2].T).all()
    assert not shapely.contains_xy(houses.buffer(-0.9), *of_class[2][:, :2].T).any()
    assert (of_class[7][:, 2] < GROUND_M - 3).all()
    assert (np.asarray(points.return_number) <= np.asarray(points.number_of_returns)).all()
    assert (np.diff(np.asarray(points.point_source_id)) >= 0).all()
    assert np.asarray(points.red).max() > 255  # 16 bits, as the standard has it


def test_guide_tells_of_the_landmarks_and_survives_its_file(folder: Path) -> None:
    guide = Guide.read(folder / contents.GUIDE)
    assert guide.town == TOWN.name
    assert guide.buildings == TOWN.building_count
    titles = [bookmark.title for bookmark in guide.bookmarks]
    assert {"Market square", "St Mary’s", "Low Bridge"} <= set(titles)
    assert "Quay" not in titles
    assert all(bookmark.instant is not None and bookmark.instant.tzinfo for bookmark in guide.bookmarks)
    rewritten = folder.parent / "guide.json"
    guide.write(rewritten)
    assert rewritten.read_bytes() == (folder / contents.GUIDE).read_bytes()


def test_another_process_writes_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from tests.demo.small_town import SmallTown;"
        "from twinviewer.demo.writing import write_town; from twinviewer.model.feedback import Silent;"
        "write_town(SmallTown(), Path(sys.argv[1]), seed=1, feedback=Silent())"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path)], cwd=ROOT, check=True, timeout=120)

    def sums(folder: Path) -> dict[str, str]:
        return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}

    assert sums(tmp_path) == sums(folder)


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
@pytest.mark.parametrize("limit_bytes", [0, 1000, 30_000, 100_000, 300_000])
def test_full_disk_is_an_error_whichever_library_was_writing(limit_bytes: int, tmp_path: Path) -> None:
    script = """
        import resource, signal, sys
        from pathlib import Path
        from tests.demo.small_town import SmallTown
        from twinviewer.demo.writing import write_town
        from twinviewer.model.feedback import Silent

        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]),) * 2)
        try:
            write_town(SmallTown(), Path(sys.argv[1]), seed=1, feedback=Silent())
        except OSError:
            sys.exit(3)
    """
    arguments = [sys.executable, "-c", textwrap.dedent(script), str(tmp_path), str(limit_bytes)]
    assert subprocess.run(arguments, cwd=ROOT, timeout=120, capture_output=True).returncode == 3

"""What is written is what others read: files of our writers, judged by the libraries that own the formats."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import laspy
import numpy as np
import pandas
import pyogrio
import pytest
import rasterio
import shapely
import trimesh

from tests.formats import small_layers
from twinviewer.formats import (
    citygml,
    cityjson,
    cityjson_writer,
    csv_writer,
    geotiff,
    geotiff_writer,
    las,
    las_writer,
    mesh,
    mesh_writer,
    vector,
    vector_writer,
)
from twinviewer.model.attributes import AttributeType, column
from twinviewer.model.errors import WriteError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel
from twinviewer.model.place import LOCAL, ReferenceSystem

UTM32 = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837")
"""With heights of DHHN2016."""


def codes(findings: list) -> list[str]:
    return [finding.code for finding in findings]


# --- map layers -----------------------------------------------------------------------------------------------------


def as_features(geometries: list, crs: ReferenceSystem = UTM32, **attributes: list):
    """Return a table as our reader makes it of a GeoPackage that pyogrio's own writer wrote."""
    from geopandas import GeoDataFrame

    return GeoDataFrame(attributes, geometry=geometries, crs=crs.horizontal)


@pytest.fixture
def mixed(tmp_path: Path):
    """Features of one kind with and without several parts, holes, heights, nothing; and attributes of all types."""
    square = shapely.box(500_000, 5_400_000, 500_010, 5_400_010)
    ring = shapely.difference(square, shapely.box(500_002, 5_400_002, 500_004, 5_400_004))
    frame = as_features(
        [square, shapely.union(ring, shapely.box(500_100, 5_400_000, 500_101, 5_400_001)), None],
        number=[1, 2, 3],
        height=[1.5, None, -2.25],
        name=["Straße", None, "c"],
        listed=[True, False, True],
    )
    path = tmp_path / "in.gpkg"
    pyogrio.write_dataframe(frame, path, layer="plots")
    (layer,) = vector.read(path=path, feedback=Silent())
    return frame, layer


@pytest.mark.parametrize("ending", [".gpkg", ".fgb", ".geojson"])
def test_map_layers_come_back_as_others_wrote_them(ending: str, mixed, tmp_path: Path) -> None:
    frame, layer = mixed
    layer = replace(layer, crs=UTM32)
    path = tmp_path / f"out{ending}"
    vector_writer.write(path=path, layers=[layer], feedback=Silent())
    back = pyogrio.read_dataframe(path)
    order = np.argsort(back["number"].to_numpy())  # FlatGeobuf sorts by place
    back = back.iloc[order].reset_index(drop=True)
    assert back["name"].fillna("–").tolist() == ["Straße", "–", "c"]
    assert back["listed"].astype(bool).tolist() == [True, False, True]
    np.testing.assert_array_equal(back["height"].to_numpy(), [1.5, np.nan, -2.25])
    due = frame.to_crs(4326) if ending == ".geojson" else frame
    assert back.crs.to_2d().to_epsg() == (4326 if ending == ".geojson" else 25832)
    tolerance = 1e-8 if ending == ".geojson" else 1e-9
    for written, original in zip(back.geometry[:2], due.geometry[:2], strict=True):
        assert shapely.hausdorff_distance(written, original) <= tolerance
    assert back.geometry[2] is None


def test_several_map_layers_go_into_one_geopackage(tmp_path: Path) -> None:
    points = np.array([[500_000.0, 5_400_000.0, 10.0], [500_001.0, 5_400_002.0, 11.0], [500_004.0, 5_400_000.0, 12.0]])
    layers = [
        replace(data, source=replace(data.source, title=title))
        for title, data in (
            ("as it is", small_layers.features(points, UTM32, has_z=True)),
            ("flat", small_layers.features(points, UTM32, has_z=False)),
        )
    ]
    path = tmp_path / "town.gpkg"
    vector_writer.write(path=path, layers=layers, feedback=Silent())
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["as it is", "flat"]
    high, flat = (pyogrio.read_dataframe(path, layer=name).geometry for name in ("as it is", "flat"))
    assert shapely.get_coordinates(high[1], include_z=True).tolist() == [points[1].tolist()]
    assert not shapely.has_z(flat[1])
    assert high[0].geom_type == "GeometryCollection"  # a point, a line and an area in one feature
    assert shapely.area(high[0]) == pytest.approx(0.5 * 4 * 2)


def test_names_that_sqlite_takes_for_the_same_are_told_apart(tmp_path: Path) -> None:
    points = np.array([[500_000.0, 5_400_000.0, 0.0]] * 3)
    layer = small_layers.features(points, UTM32, has_z=False)
    layer = replace(
        layer, attributes=(column("Fid", [7, 8, 9]), column("name", ["a", "b", "c"]), column("NAME", [1, 2, 3]))
    )
    path = tmp_path / "names.gpkg"
    found = vector_writer.write(path=path, layers=[layer], feedback=Silent())
    back = pyogrio.read_dataframe(path)
    assert (back["Fid"].tolist(), back["name"].tolist(), back["NAME_2"].tolist()) == (
        [7, 8, 9],
        ["a", "b", "c"],
        [1, 2, 3],
    )
    assert codes(found) == ["write.changed"]


def test_dates_stay_dates_and_what_is_none_stays_text(tmp_path: Path) -> None:
    points = np.array([[500_000.0, 5_400_000.0, 0.0]] * 3)
    days = column("built", ["1901-02-03", None, "2024-02-29"], type=AttributeType.DATE)
    vague = column("known", ["1901", "1902-05", None], type=AttributeType.DATE)
    layer = replace(small_layers.features(points, UTM32, has_z=False), attributes=(days, vague))
    path = tmp_path / "dates.gpkg"
    vector_writer.write(path=path, layers=[layer], feedback=Silent())
    back = pyogrio.read_dataframe(path)
    assert [str(day)[:10] for day in back["built"]] == ["1901-02-03", "NaT", "2024-02-29"]
    assert back["known"].fillna("–").tolist() == ["1901", "1902-05", "–"]


@pytest.mark.data
def test_a_real_town_of_map_layers_is_the_same_afterwards(city_data: Path, tmp_path: Path) -> None:
    source = city_data / "gpkg/bubenec.gpkg"
    path = tmp_path / "bubenec.gpkg"
    vector_writer.write(path=path, layers=vector.read(path=source, feedback=Silent()), feedback=Silent())
    for name, _ in pyogrio.list_layers(source):
        before, after = (pyogrio.read_dataframe(file, layer=name) for file in (source, path))
        assert after.crs == before.crs
        assert after.geometry.hausdorff_distance(before.geometry).max() == 0
        assert after.geometry.count_coordinates().equals(before.geometry.count_coordinates())
        assert after.geometry.geom_type.equals(before.geometry.geom_type)
        attributes = (frame.drop(columns="geometry") for frame in (after, before))
        pandas.testing.assert_frame_equal(*attributes, check_dtype=False)  # whole numbers are 64 bits wide


# --- laser points ---------------------------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("ending", [".las", ".laz"])
@pytest.mark.parametrize("name", ["laz/ahn4_delft_small.laz", "las/1.2-with-color.las", "las/mvk-thin.las"])
def test_laser_points_come_back_to_the_last_digit(city_data: Path, name: str, ending: str, tmp_path: Path) -> None:
    source = city_data / name
    (cloud,) = las.read(path=source, feedback=Silent())
    path = tmp_path / f"out{ending}"
    las_writer.write(path=path, layers=[cloud], feedback=Silent())
    before, after = laspy.read(source), laspy.read(path)
    assert after.header.version.minor == 4
    np.testing.assert_allclose(after.xyz, before.xyz, rtol=0, atol=1e-8)
    np.testing.assert_array_equal(after.classification, before.classification)
    np.testing.assert_array_equal(after.intensity, before.intensity)
    if cloud.rgb is not None:
        shift = 8 if before.red.max() > 255 else 0
        np.testing.assert_array_equal(after.red >> 8, before.red >> shift)
    if cloud.crs is not None:
        written = after.header.parse_crs()
        assert (
            written.sub_crs_list[0].to_epsg()
            if written.is_compound
            else written.to_epsg() == int(cloud.crs.horizontal[5:])
        )


def test_laser_points_say_what_their_heights_are_counted_from(tmp_path: Path) -> None:
    cloud = small_layers.point_cloud(np.array([[500_000.125, 5_400_000.5, 100.25]]), UTM32)
    path = tmp_path / "one.laz"
    las_writer.write(path=path, layers=[cloud], feedback=Silent())
    crs = laspy.read(path).header.parse_crs()
    assert [part.to_epsg() for part in crs.sub_crs_list] == [25832, 7837]


def test_points_that_are_no_whole_numbers_are_rounded_to_a_millimetre_and_told(tmp_path: Path) -> None:
    positions = np.array([[500_000.0, 5_400_000.0, 0.0], [500_000.0 + 1 / 3, 5_400_000.0 + np.pi, 2.0]])
    path = tmp_path / "odd.las"
    found = las_writer.write(path=path, layers=[small_layers.point_cloud(positions, UTM32)], feedback=Silent())
    np.testing.assert_allclose(laspy.read(path).xyz, positions, rtol=0, atol=0.0005)
    assert "write.changed" in codes(found)


def test_a_thinned_layer_says_so(tmp_path: Path) -> None:
    cloud = replace(small_layers.point_cloud(np.zeros((2, 3)), UTM32), read_count=1000)
    found = las_writer.write(path=tmp_path / "few.las", layers=[cloud], feedback=Silent())
    assert "write.reduced" in codes(found)


# --- rasters --------------------------------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("name", ["dem_hobart.tif", "rmnp-dem.tif"])
def test_terrain_comes_back_cell_by_cell(city_data: Path, name: str, tmp_path: Path) -> None:
    source = city_data / "geotiff" / name
    path = tmp_path / "out.tif"
    geotiff_writer.write(path=path, layers=geotiff.read(path=source, feedback=Silent()), feedback=Silent())
    with rasterio.open(source) as before, rasterio.open(path) as after:
        assert (after.dtypes, after.nodata) == (("float32",), -9999.0)
        assert after.transform.almost_equals(before.transform, precision=1e-12)
        assert after.crs.to_epsg() == before.crs.to_epsg()
        heights, due = after.read(1, masked=True), before.read(1, masked=True)
        np.testing.assert_array_equal(np.ma.getmaskarray(heights), np.ma.getmaskarray(due))
        np.testing.assert_array_equal(heights.compressed(), due.compressed().astype(np.float32))


def test_cells_without_a_height_are_no_data_and_heights_have_a_datum(tmp_path: Path) -> None:
    heights = np.array([[1.0, np.nan, 3.0], [4.0, 5.0, 6.5]])
    transform = (2.0, 0.0, 500_000.0, 0.0, -2.0, 5_400_000.0)
    path = tmp_path / "hill.tif"
    geotiff_writer.write(path=path, layers=[small_layers.terrain(heights, transform, UTM32)], feedback=Silent())
    with rasterio.open(path) as file:
        np.testing.assert_array_equal(file.read(1, masked=True).filled(np.nan), heights.astype(np.float32))
        assert "DHHN2016" in file.crs.to_wkt()
        assert tuple(file.transform)[:6] == transform


@pytest.mark.parametrize("opaque", [True, False])
def test_pictures_have_opacity_where_they_need_it(opaque: bool, tmp_path: Path) -> None:
    pixels = np.random.default_rng(1).integers(0, 255, (30, 20, 4)).astype(np.uint8)
    pixels[..., 3] = 255 if opaque else pixels[..., 3]
    transform = (0.5, 0.0, 500_000.0, 0.0, -0.5, 5_400_000.0)
    path = tmp_path / "photo.tif"
    geotiff_writer.write(path=path, layers=[small_layers.picture(pixels, transform, UTM32)], feedback=Silent())
    with rasterio.open(path) as file:
        assert [role.name for role in file.colorinterp] == ["red", "green", "blue", "alpha"][: 3 if opaque else 4]
        np.testing.assert_array_equal(np.moveaxis(file.read(), 0, -1), pixels[..., : file.count])


# --- city models ----------------------------------------------------------------------------------------------------


def area_vectors(model: CityModel) -> dict[tuple[str, str, str], np.ndarray]:
    """Return the sum of the triangles' area vectors by object, level of detail and kind of surface: sizes and sides."""
    corners = (model.vertices - model.vertices.min(axis=0))[model.triangles]
    vectors = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    sums: dict[tuple[str, str, str], np.ndarray] = {}
    for vector_, surface in zip(vectors, model.triangle_surface, strict=True):
        lod, kind = model.surface_lod[surface], model.surface_type[surface]
        key = (
            model.object_ids[model.surface_object[surface]],
            model.lods[lod] if lod >= 0 else "",
            model.surface_type_names[kind] if kind >= 0 else "",
        )
        sums[key] = sums.get(key, 0) + np.abs(vector_)
    return sums


def values_of(model: CityModel) -> dict[str, list]:
    return {each.name: [each.value(row) for row in range(len(model.object_ids))] for each in model.attributes}


@pytest.mark.data
@pytest.mark.parametrize(
    "name",
    [
        "cityjson/2.0/multi_lod.json",
        "cityjson/1.1/zurich_subset_lod2.json",
        "cityjson/seq/3dbag_b2.city.jsonl",
        "citygml/1.0/Potsdam_LoD1.gml",
        "citygml/2.0/delft-citygml2.xml",
    ],
)
def test_city_models_read_back_equal(city_data: Path, name: str, tmp_path: Path) -> None:
    source = city_data / name
    (before,) = (citygml if "citygml" in name else cityjson).read(path=source, feedback=Silent())
    path = tmp_path / "out.city.json"
    cityjson_writer.write(path=path, layers=[before], feedback=Silent())
    (after,) = cityjson.read(path=path, feedback=Silent())
    assert after.object_ids == before.object_ids
    np.testing.assert_array_equal(after.object_parent, before.object_parent)
    assert [after.type_names[t] for t in after.object_type] == [before.type_names[t] for t in before.object_type]
    assert after.lods == before.lods
    assert after.crs == before.crs
    np.testing.assert_allclose(np.subtract(after.extent.as_tuple(), before.extent.as_tuple()), 0, atol=0.0006)
    assert values_of(after) == values_of(before)
    assert len(after.edges) == len(before.edges)
    due, found = area_vectors(before), area_vectors(after)
    assert found.keys() == due.keys()
    for key, area in due.items():
        np.testing.assert_allclose(found[key], area, atol=0.02 + 1e-3 * np.abs(area).max())


@pytest.mark.data
def test_a_written_city_model_keeps_the_rules_of_cityjson(city_data: Path, tmp_path: Path) -> None:
    """Those of cjval that a schema cannot say: indices in range, semantics as deep as boundaries, family both ways."""
    (model,) = citygml.read(path=city_data / "citygml/2.0/delft-citygml2.xml", feedback=Silent())
    path = tmp_path / "out.city.json"
    cityjson_writer.write(path=path, layers=[model], feedback=Silent())
    document = json.loads(path.read_text("utf-8"))
    assert (document["type"], document["version"]) == ("CityJSON", "2.0")
    assert document["metadata"]["referenceSystem"] == "https://www.opengis.net/def/crs/EPSG/0/7415"
    vertices, objects = document["vertices"], document["CityObjects"]
    assert all(isinstance(number, int) for vertex in vertices for number in vertex)
    assert len({tuple(vertex) for vertex in vertices}) == len(vertices)
    used = set()
    for object_id, content in objects.items():
        assert all(object_id in objects[parent]["children"] for parent in content.get("parents", ()))
        assert all(object_id in objects[child]["parents"] for child in content.get("children", ()))
        for geometry in content.get("geometry", ()):
            shells = {"MultiSurface": [geometry["boundaries"]], "Solid": geometry["boundaries"]}[geometry["type"]]
            for ring in (ring for shell in shells for surface in shell for ring in surface):
                assert len(ring) >= 3
                assert ring[0] != ring[-1]
                used |= set(ring)
            if "semantics" in geometry:
                values, surfaces = geometry["semantics"]["values"], geometry["semantics"]["surfaces"]
                by_shell = values if geometry["type"] == "Solid" else [values]
                assert [len(values) for values in by_shell] == [len(shell) for shell in shells]
                assert all(v is None or 0 <= v < len(surfaces) for values in by_shell for v in values)
    assert used == set(range(len(vertices)))


def test_a_wall_with_a_window_is_one_polygon_with_a_hole(tmp_path: Path) -> None:
    """Also where the outline turns the other way round than the triangles face."""
    outer = [[0.0, 0, 0], [4, 0, 0], [4, 0, 3], [0, 0, 3]]
    hole = [[1.0, 0, 1], [1, 0, 2], [2, 0, 2], [2, 0, 1]]
    corners = np.array([*outer, *hole])
    edges = np.array([[0, 1], [1, 2], [2, 3], [3, 0], [4, 5], [5, 6], [6, 7], [7, 4]], np.int32)
    around = np.array(
        [[0, 1, 7], [0, 7, 4], [1, 2, 6], [1, 6, 7], [2, 3, 5], [2, 5, 6], [3, 0, 4], [3, 4, 5]], np.int32
    )
    for triangles in (around, around[:, ::-1]):
        model = replace(
            small_layers.city_model(corners, LOCAL),
            triangles=np.ascontiguousarray(triangles),
            triangle_surface=np.zeros(8, np.int32),
            edges=edges,
            edge_surface=np.zeros(8, np.int32),
        )
        path = tmp_path / "wall.city.json"
        cityjson_writer.write(path=path, layers=[model], feedback=Silent())
        (back,) = cityjson.read(path=path, feedback=Silent())
        rings = json.loads(path.read_text())["CityObjects"]["house"]["geometry"][0]["boundaries"]
        assert [[len(ring) for ring in surface] for surface in rings] == [[4, 4]]
        corners_of = back.vertices[back.triangles]
        normal = np.cross(corners_of[:, 1] - corners_of[:, 0], corners_of[:, 2] - corners_of[:, 0]).sum(axis=0) / 2
        sign = 1 if triangles is around else -1
        np.testing.assert_allclose(normal, [0, -sign * (4 * 3 - 1), 0], atol=1e-9)


def test_what_cityjson_has_no_word_for_is_told(tmp_path: Path) -> None:
    model = small_layers.city_model(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), LOCAL)
    model = replace(model, type_names=("Intersection",), attributes=(column("height", [3.0], unit="m"),))
    path = tmp_path / "crossing.json"
    found = cityjson_writer.write(path=path, layers=[model], feedback=Silent())
    assert json.loads(path.read_text())["CityObjects"]["house"]["type"] == "GenericCityObject"
    text = " ".join(finding.problem for finding in found)
    assert "“Intersection”" in text
    assert "height [m]" in text


# --- meshes ---------------------------------------------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize("ending", [".glb", ".ply", ".stl"])
def test_meshes_have_the_same_place_and_area_elsewhere(city_data: Path, ending: str, tmp_path: Path) -> None:
    (layer,) = mesh.read(path=city_data / "mesh/delft_testarea.obj", feedback=Silent())
    path = tmp_path / f"out{ending}"
    found = mesh_writer.write(path=path, layers=[layer], feedback=Silent())
    scene = trimesh.load_scene(path)
    corners = layer.vertices[layer.triangles]
    area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1).sum() / 2
    assert scene.area == pytest.approx(area, rel=1e-6)
    low, high = layer.vertices.min(axis=0), layer.vertices.max(axis=0)
    if ending == ".glb":  # y up: north is away from the viewer
        low, high = np.array([low[0], low[2], -high[1]]), np.array([high[0], high[2], -low[1]])
    if ending == ".stl":
        assert "84616, 447422, -1" in next(each.problem for each in found if each.code == "write.changed")
        low, high = low - [84616, 447422, -1], high - [84616, 447422, -1]
    np.testing.assert_allclose(scene.bounds, [low, high], atol=5e-5)


def test_colours_and_names_survive_gltf(tmp_path: Path) -> None:
    """Light grey 188 is half of white in linear light (IEC 61966-2-1)."""
    layer = replace(
        small_layers.mesh(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0], [5, 5, 5], [6, 5, 5], [5, 6, 5]]), LOCAL),
        vertex_rgb=np.array([[188, 0, 255]] * 3 + [[10, 20, 30]] * 3, np.uint8),
        mesh_names=("roof", "wall"),
        triangle_mesh=np.array([0, 1], np.int32),
    )
    path = tmp_path / "two.glb"
    mesh_writer.write(path=path, layers=[layer], feedback=Silent())
    scene = trimesh.load_scene(path, process=False)
    assert set(scene.geometry) == {"roof", "wall"}
    colours = np.asarray(scene.geometry["roof"].visual.vertex_attributes["color"], np.float64)
    share = colours[0, :3] / (65535 if colours.max() > 255 else 255 if colours.max() > 1 else 1)
    np.testing.assert_allclose(share, [0.5029, 0, 1], atol=0.003)
    (back,) = mesh.read(path=path, feedback=Silent())
    assert {tuple(colour) for colour in back.vertex_rgb.tolist()} == {(188, 0, 255), (10, 20, 30)}


def test_a_city_model_is_written_as_a_mesh_in_its_highest_detail(tmp_path: Path) -> None:
    corners = np.array([[0.0, 0, 0], [2, 0, 0], [0, 2, 0], [0, 0, 1], [2, 0, 1], [0, 2, 1]])
    model = replace(
        small_layers.city_model(corners, LOCAL),
        triangle_surface=np.array([0, 1], np.int32),
        surface_object=np.zeros(2, np.int32),
        surface_type=np.array([-1, 0], np.int32),
        surface_type_names=("RoofSurface",),
        surface_lod=np.array([0, 1], np.int32),
        lods=("1", "2"),
    )
    path = tmp_path / "house.ply"
    mesh_writer.write(path=path, layers=[model], feedback=Silent())
    loaded = trimesh.load_mesh(path)
    assert loaded.area == pytest.approx(2.0)  # not 4.0
    assert loaded.bounds[:, 2].tolist() == [1.0, 1.0]


def test_nothing_is_no_mesh(tmp_path: Path) -> None:
    with pytest.raises(WriteError, match="no triangles"):
        mesh_writer.write(
            path=tmp_path / "x.glb", layers=[small_layers.mesh(np.zeros((0, 3)), LOCAL)], feedback=Silent()
        )


# --- tables ---------------------------------------------------------------------------------------------------------


def test_attributes_of_city_objects_become_rows(tmp_path: Path) -> None:
    model = replace(
        small_layers.city_model(np.array([[0.0, 0, 0], [1, 0, 0], [0, 1, 0]]), LOCAL),
        object_ids=("a", "b"),
        object_type=np.array([0, 1], np.int32),
        type_names=("Building", "BuildingPart"),
        object_parent=np.array([-1, 0], np.int32),
        attributes=(column("height", [9.5, None], unit="m"), column("name", ["„Krone“, alt", "x"])),
    )
    path = tmp_path / "objects.csv"
    csv_writer.write(path=path, layers=[model], feedback=Silent())
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows == [
        ["id", "type", "parent", "height [m]", "name"],
        ["a", "Building", "", "9.5", "„Krone“, alt"],
        ["b", "BuildingPart", "a", "", "x"],
    ]


def test_points_keep_their_coordinates_in_a_table(tmp_path: Path) -> None:
    points = np.array([[500_000.25, 5_400_000.5, 7.0], [1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    empty = np.empty((0, 3))
    layer = replace(
        small_layers.features(points, UTM32, has_z=True),
        point_feature=np.array([2, 0, 1], np.int32),
        line_vertices=empty,
        line_offsets=np.zeros(1, np.int64),
        line_feature=np.empty(0, np.int32),
        ring_vertices=empty,
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=np.empty(0, np.int32),
    )
    path = tmp_path / "trees.csv"
    assert csv_writer.write(path=path, layers=[layer], feedback=Silent()) == []
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert rows[0] == ["feature", "x", "y", "z"]
    assert [float(value) for value in rows[3]] == [2, 500_000.25, 5_400_000.5, 7.0]

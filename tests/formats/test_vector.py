"""Map layers: against the data README, pyogrio's plain read with geopandas, Simple Features, and attacks."""

from __future__ import annotations

import json
import shutil
import sqlite3
import struct
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import pandas as pd
import pyogrio
import pytest
import shapely
from shapely.geometry import GeometryCollection, LineString, MultiLineString, MultiPoint, MultiPolygon, Point, Polygon

from tests.formats.damage import CUTS, cut, mutated
from tests.formats.listener import Listener, StopsAfter
from twinviewer.formats import vector
from twinviewer.formats.simple_features import GeometryCollector
from twinviewer.formats.soundness import RAW_LIMIT, check, mended
from twinviewer.model.attributes import AttributeType
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import (
    DamagedFileError,
    HostileFileError,
    ReadError,
    TwinViewerError,
    UnsupportedFormatError,
)
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import FeatureTable

SUFFIXES = [".gpkg", ".shp", ".geojson", ".json", ".fgb", ".sqlite"]
WITH_DRIVER = {"a.gpkg": "GPKG", "a.shp": "ESRI Shapefile", "a.geojson": "GeoJSON", "a.fgb": "FlatGeobuf"}


def read(path: Path) -> list[FeatureTable]:
    tables = vector.read(path=path, feedback=Silent())
    for table in tables:
        check(table)
    return tables


def read_one(path: Path) -> FeatureTable:
    (table,) = read(path)
    return table


def codes(table: FeatureTable) -> set[str]:
    return {diagnostic.code for diagnostic in table.diagnostics}


def column(table: FeatureTable, name: str) -> list[Any]:
    (found,) = [attribute for attribute in table.attributes if attribute.name == name]
    return [value if there else None for value, there in zip(found.values.tolist(), found.present, strict=True)]


def written(path: Path, geometries: list[Any], crs: str | None = "EPSG:25832", **columns: list[Any]) -> Path:
    frame = geopandas.GeoDataFrame(columns, geometry=list(geometries), crs=crs)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Shapefiles shorten names and say so
        # FlatGeobuf cannot index features without geometry.
        index = {"SPATIAL_INDEX": "NO"} if path.suffix == ".fgb" and frame.geometry.isna().any() else {}
        pyogrio.write_dataframe(frame, path, driver=WITH_DRIVER["a" + path.suffix], **index)
    return path


def geometries_of(table: FeatureTable) -> list[Any]:
    """Put the ragged arrays together again, one geometry a feature, as a judge of nothing but the arrays."""
    parts: list[list[Any]] = [[] for _ in range(table.feature_count)]
    for xyz, feature in zip(table.points, table.point_feature, strict=True):
        parts[feature].append(Point(xyz))
    for number, feature in enumerate(table.line_feature):
        parts[feature].append(LineString(table.line_vertices[slice(*table.line_offsets[number : number + 2])]))
    for number, feature in enumerate(table.polygon_feature):
        first, end = table.polygon_offsets[number : number + 2]
        rings = [table.ring_vertices[slice(*table.ring_offsets[ring : ring + 2])] for ring in range(first, end)]
        parts[feature].append(Polygon(rings[0], rings[1:]))
    return [GeometryCollection(found) if found else None for found in parts]


DELFT = "EPSG:28992"
# Path, format, then per layer: name, features, type, fields, reference system, extent: from the README, by hand.
REAL = [
    ("gpkg/bubenec.gpkg", "GeoPackage", [
        ("tessellation", 144, "Polygon", 1, "EPSG:3857", [1602940.0, 6463760.0, 1603670.0, 6464510.0]),
        ("buildings", 144, "Polygon", 1, "EPSG:3857", [1602990.0, 6463810.0, 1603620.0, 6464460.0]),
        ("streets", 35, "LineString", 0, "EPSG:3857", [1602890.0, 6463630.0, 1603800.0, 6464620.0]),
        ("plots", 407, "Polygon", 5, "EPSG:3857", [1602818.5, 6463505.3, 1604073.9, 6464884.5]),
    ]),
    ("sqlite/bgt_begroeidterreindeel.sqlite", "SQLite",
     [("plantcover", 126, "Polygon", 16, DELFT, [84817.8, 447444.8, 85082.5, 447750.4])]),
    ("sqlite/bgt_overbruggingsdeel.sqlite", "SQLite",
     [("bridgeconstructionelement", 3, "Polygon", 16, DELFT, [84814.9, 447442.5, 85041.8, 447548.0])]),
    ("sqlite/bgt_pand.sqlite", "SQLite",
     [("buildingpart", 160, "MultiPolygon", 19, DELFT, [84825.9, 447456.7, 85056.5, 447624.1])]),
    ("sqlite/bgt_tunneldeel.sqlite", "SQLite", [("tunnelpart", 0, "Polygon", 11, DELFT, None)]),
    ("sqlite/bgt_waterdeel.sqlite", "SQLite",
     [("waterdeel", 3, "Polygon", 15, DELFT, [84616.5, 447423.0, 85140.8, 447731.6])]),
    ("sqlite/bgt_wegdeel.sqlite", "SQLite",
     [("trafficarea", 151, "Polygon", 18, DELFT, [84760.1, 447434.5, 85073.9, 447635.3])]),
    ("geojson/cities_ne.geojson", "GeoJSON",
     [("", 243, "Point", 37, "EPSG:4326", [-175.2206, -41.3000, 179.2166, 64.1500])]),
    ("geojson/tudcampus.geojson", "GeoJSON",
     [("", 1529, "MultiPolygon", 17, DELFT, [84756.1, 445388.2, 86104.8, 447070.9])]),
    ("shp/nybb/nybb.shp", "ESRI Shapefile",
     [("", 5, "Polygon", 4, "EPSG:2263", [913175.1, 120121.9, 1067382.5, 272844.3])]),
    ("fgb/berlin-classified-level-1.fgb", "FlatGeobuf",
     [("", 877, "LineString", 1, "EPSG:4326", [13.1192, 52.3881, 13.6281, 52.6390])]),
    ("fgb/countries.fgb", "FlatGeobuf",
     [("", 179, "MultiPolygon", 2, "EPSG:4326", [-180.0, -85.6090, 180.0, 83.6451])]),
    ("fgb/unknown_feature_count.fgb", "FlatGeobuf",
     [("", 1, "Polygon", 6, "EPSG:4326", [-69.9115, 18.4588, -69.9060, 18.4640])]),
]  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize(("name", "format", "layers"), REAL)
def test_a_real_file_gives_the_layers_that_its_readme_counts(city_data, name, format, layers):
    tables = read(city_data / name)
    assert len(tables) == len(layers)
    for table, (title, count, kind, fields, crs, bounds) in zip(tables, layers, strict=True):
        assert (table.source.format, table.source.title) == (format, title)
        assert (table.feature_count, table.geometry_type, len(table.attributes)) == (count, kind, fields)
        assert table.crs is not None
        assert (table.crs.horizontal, table.crs.vertical) == (crs, None)
        assert not table.diagnostics
        if bounds is None:
            assert table.extent is None
        else:
            assert table.extent is not None
            low_x, low_y, _, high_x, high_y, _ = table.extent.as_tuple()
            # As the README rounds: degrees to 4 places, metres to 1, and most of Bubeneč's to tens.
            rounding = 6e-5 if crs == "EPSG:4326" else 6.0 if bounds[0] % 10 == 0 else 0.06
            assert [low_x, low_y, high_x, high_y] == pytest.approx(bounds, abs=rounding)


@pytest.mark.data
@pytest.mark.parametrize("name", [row[0] for row in REAL])
def test_a_real_file_holds_feature_for_feature_what_geopandas_reads(city_data, name):
    for table, (layer, _) in zip(read(city_data / name), pyogrio.list_layers(city_data / name), strict=True):
        judge = pyogrio.read_dataframe(city_data / name, layer=layer)
        for ours, theirs in zip(geometries_of(table), shapely.force_2d(judge.geometry.to_numpy()), strict=True):
            assert shapely.bounds(ours).tolist() == shapely.bounds(theirs).tolist()
            assert shapely.area(ours) == pytest.approx(shapely.area(theirs), rel=1e-9)
            assert shapely.length(ours) == pytest.approx(shapely.length(theirs), rel=1e-9)
            assert len(shapely.get_coordinates(ours)) == len(shapely.get_coordinates(theirs))
        for attribute in table.attributes:
            for ours, theirs in zip(column(table, attribute.name), judge[attribute.name], strict=True):
                if attribute.type is AttributeType.DATE:
                    assert (ours is None) == pd.isna(theirs)
                else:
                    assert ours == (None if pd.isna(theirs) else theirs)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("bad/fgb/topp_states.fgb", UnsupportedFormatError, "Unsupported FlatGeobuf version 2"),
        ("bad/cityjson/completely_empty.json", DamagedFileError, "empty"),
        ("bad/geoparquet/random_nogeom.parquet", UnsupportedFormatError, "none of the map formats"),
        ("citygml/2.0/building/Building_LOD0-EPSG25832.gml", UnsupportedFormatError, "none of the map formats"),
        ("cityjson/2.0/delft.json", UnsupportedFormatError, "no map layer"),
    ],
)
def test_what_holds_no_map_layer_says_so_in_one_sentence(city_data, name, error, words):
    with pytest.raises(error, match=words):
        read(city_data / name)


@pytest.mark.data
def test_a_polygon_that_crosses_itself_is_shown_where_the_file_says(city_data):
    table = read_one(city_data / "bad/shp/invalid_polygon.shp")
    assert table.feature_count == len(table.polygon_feature) == 1
    assert table.extent is not None
    assert table.extent.as_tuple() == (243590.0, 572060.0, 0.0, 243700.0, 572160.0, 0.0)


# --- geometry ---------------------------------------------------------------------------------------------------

SQUARE = Polygon([(0, 0), (0, 10), (10, 10), (10, 0)], [[(2, 2), (4, 2), (4, 4), (2, 4)]])  # clockwise, its hole not
MIXED = [
    Point(1, 2),
    MultiPoint([(3, 4), (5, 6)]),
    LineString([(0, 0), (1, 1), (2, 0)]),
    MultiLineString([[(0, 0), (1, 0)], [(2, 0), (3, 0)]]),
    SQUARE,
    MultiPolygon([SQUARE, shapely.transform(SQUARE, lambda xy: xy + 100)]),
    GeometryCollection([Point(7, 8), LineString([(7, 8), (9, 9)]), GeometryCollection([SQUARE])]),
    None,
    Polygon(),
]


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb"])
def test_mixed_missing_and_empty_geometries_keep_their_features(tmp_path, name):
    table = read_one(written(tmp_path / name, MIXED, number=list(range(len(MIXED)))))
    assert table.feature_count == len(MIXED)
    assert column(table, "number") == list(range(len(MIXED)))
    for ours, expected in zip(geometries_of(table), MIXED, strict=True):
        if expected is None or expected.is_empty:
            assert ours is None
        else:
            assert shapely.equals(shapely.union_all(ours), shapely.union_all(expected))
    assert table.point_feature.tolist() == [0, 1, 1, 6]
    assert table.line_feature.tolist() == [2, 3, 3, 6]
    assert table.polygon_feature.tolist() == [4, 5, 5, 6]


@pytest.mark.parametrize("name", WITH_DRIVER)
def test_rings_are_closed_and_turn_to_the_left_and_holes_to_the_right(tmp_path, name):
    table = read_one(written(tmp_path / name, [SQUARE, shapely.reverse(SQUARE)]))
    assert np.diff(table.polygon_offsets).tolist() == [2, 2]
    for number in range(4):
        ring = table.ring_vertices[slice(*table.ring_offsets[number : number + 2])]
        assert np.array_equal(ring[0], ring[-1])
        assert shapely.is_ccw(shapely.LinearRing(ring)) == (number % 2 == 0)


@pytest.mark.parametrize("name", WITH_DRIVER)
def test_heights_are_kept_and_zero_heights_are_none(tmp_path, name):
    high = read_one(written(tmp_path / name, [LineString([(0, 0, 5), (1, 1, 7.25)])]))
    assert high.has_z
    assert high.line_vertices[:, 2].tolist() == [5, 7.25]
    (tmp_path / "flat").mkdir()
    flat = read_one(written(tmp_path / "flat" / name, [LineString([(0, 0, 0), (1, 1, 0)])]))
    assert not flat.has_z


def wkb(code: int, *rest: bytes) -> bytes:
    return struct.pack("<BI", 1, code) + b"".join(rest)


def vertices(*pairs: tuple[float, ...]) -> bytes:
    return struct.pack("<I", len(pairs)) + b"".join(struct.pack(f"<{len(pair)}d", *pair) for pair in pairs)


def count(number: int) -> bytes:
    return struct.pack("<I", number)


class _Column:
    """As much of an Arrow column as the collector asks for."""

    def __init__(self, *values: bytes | None) -> None:
        self._values = values

    def to_numpy(self, *, zero_copy_only: bool) -> np.ndarray[Any, Any]:
        array = np.empty(len(self._values), object)
        array[:] = self._values
        return array


def collected(*values: bytes | None) -> FeatureTable:
    collector = GeometryCollector()
    collector.add(_Column(*values))
    return collector.table(
        source=vector.SourceFacts(format="test"),
        crs=None,
        feature_count=len(values),
        attributes=(),
        geometry_type="Unknown",
        diagnostics=(),
    )


def test_an_arc_becomes_a_chain_on_its_circle():
    table = collected(wkb(8, vertices((10, 0), (0, 10), (-10, 0))))
    radii = np.hypot(*table.line_vertices[:, :2].T)
    assert np.allclose(radii, 10, atol=1e-12)
    assert table.line_vertices[0, :2].tolist() == [10, 0]
    assert table.line_vertices[-1, :2].tolist() == [-10, 0]
    assert (table.line_vertices[:, 1] >= 0).all()  # over the top, not below
    assert LineString(table.line_vertices[:, :2]).length == pytest.approx(10 * np.pi, rel=3e-4)


def test_a_circle_in_a_curve_polygon_has_its_area_and_its_hole():
    circle = wkb(8, vertices((10, 0), (-10, 0), (10, 0)))
    chain = wkb(9, count(2), wkb(2, vertices((1, 1), (-1, 1))), wkb(8, vertices((-1, 1), (0, -1), (1, 1))))
    (collection,) = geometries_of(collected(wkb(10, count(2), circle, chain)))
    (polygon,) = collection.geoms
    assert polygon.exterior.length == pytest.approx(20 * np.pi, rel=3e-4)
    assert len(polygon.interiors) == 1


def test_patches_of_a_polyhedral_surface_and_a_tin_are_polygons_in_space():
    patch = wkb(1003, count(1), vertices((0, 0, 1), (1, 0, 1), (1, 1, 2), (0, 0, 1)))
    triangle = wkb(1017, count(1), vertices((0, 0, 1), (1, 0, 1), (1, 1, 2), (0, 0, 1)))
    table = collected(wkb(1015, count(2), patch, patch), wkb(1016, count(1), triangle))
    assert table.polygon_feature.tolist() == [0, 0, 1]
    assert table.has_z


def test_measures_are_no_heights():
    table = collected(wkb(2002, vertices((0, 0, 5), (1, 1, 7))), wkb(2008, vertices((1, 0, 5), (0, 1, 6), (-1, 0, 7))))
    assert table.line_feature.tolist() == [0, 1]
    assert not table.has_z


def test_bytes_that_are_no_geometry_cost_only_their_feature():
    table = collected(wkb(1, struct.pack("<2d", 1, 2)), b"\x01\x01", wkb(3, count(2**31)), wkb(9, count(2**31)), None)
    assert table.points.tolist() == [[1, 2, 0]]
    assert {(d.code, d.count) for d in table.diagnostics} == {("geometry.unreadable", 3), ("geometry.none", 1)}


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_polygon_with_a_coordinate_that_is_no_number_costs_only_itself(value):
    good = wkb(3, count(1), vertices((0, 0), (1, 0), (1, 1), (0, 0)))
    bad = wkb(3, count(1), vertices((0, 0), (1, 0), (value, 1), (0, 0)))
    table = collected(bad, good)
    sound = mended(table, limit=RAW_LIMIT)
    assert isinstance(sound, FeatureTable)
    assert sound.polygon_feature.tolist() == [1]
    assert "coordinates.absurd" in codes(sound)


# --- attributes and layers --------------------------------------------------------------------------------------


def test_attributes_keep_type_value_and_absence(tmp_path):
    path = written(
        tmp_path / "a.gpkg",
        [Point(0, 0)] * 3,
        big=[2**53 + 1, -(2**63), 2**63 - 1],
        some=pd.array([1, None, 3], dtype="Int64"),
        length=[0.1, None, 1e300],
        flag=[True, False, True],
        text=["Straße", "", None],
        instant=pd.to_datetime(["2020-01-31 12:30:15.250", None, "1999-12-31 23:59:59"], format="ISO8601"),
    )
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE a ADD COLUMN day DATE DEFAULT '1899-12-30'")
    database.close()
    table = read_one(path)
    assert column(table, "big") == [2**53 + 1, -(2**63), 2**63 - 1]
    assert column(table, "some") == [1, None, 3]
    assert column(table, "length") == [0.1, None, 1e300]
    assert column(table, "flag") == [True, False, True]
    assert column(table, "text") == ["Straße", "", None]
    assert column(table, "day") == ["1899-12-30"] * 3
    first, absent, last = column(table, "instant")
    assert absent is None
    assert first.startswith("2020-01-31T12:30:15.25")
    assert last.startswith("1999-12-31T23:59:59")
    types = {attribute.name: attribute.type for attribute in table.attributes}
    assert types == {
        "big": AttributeType.INTEGER,
        "some": AttributeType.INTEGER,
        "length": AttributeType.DOUBLE,
        "flag": AttributeType.BOOLEAN,
        "text": AttributeType.STRING,
        "day": AttributeType.DATE,
        "instant": AttributeType.DATE,
    }


def test_all_layers_come_the_empty_one_too_and_tables_without_geometry_do_not(tmp_path):
    path = tmp_path / "many.gpkg"
    for number in range(12):
        frame = geopandas.GeoDataFrame({"n": [number]}, geometry=[Point(number, 0)], crs="EPSG:25832")
        pyogrio.write_dataframe(frame, path, layer=f"Layer {number}", append=number > 0)
    pyogrio.write_dataframe(frame.iloc[:0], path, layer="empty", append=True, geometry_type="Point")
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), path, layer="table", append=True)
    tables = read(path)
    assert [table.source.title for table in tables] == [*(f"Layer {number}" for number in range(12)), "empty"]
    assert [table.feature_count for table in tables] == [1] * 12 + [0]
    assert tables[-1].extent is None


def test_tables_alone_are_no_map_layer(tmp_path):
    pyogrio.write_dataframe(pd.DataFrame({"a": [1]}), tmp_path / "table.gpkg", layer="table")
    with pytest.raises(UnsupportedFormatError, match="no map layer"):
        read(tmp_path / "table.gpkg")


def test_names_of_a_dbf_that_came_out_alike_stay_apart(tmp_path):
    table = read_one(
        written(tmp_path / "a.shp", [Point(0, 0)], population_2020=[1], population_2021=[2], population_2022=[3])
    )
    names = [attribute.name for attribute in table.attributes]
    assert len(set(names)) == 3
    assert [column(table, name)[0] for name in names] == [1, 2, 3]


def with_dbf_text(path: Path, encoded: bytes, code_page: str | None) -> Path:
    """Make a Shapefile whose text is ``encoded`` as it stands."""
    written(path, [Point(0, 0)], name=["X" * len(encoded)])
    dbf = path.with_suffix(".dbf")
    content = dbf.read_bytes().replace(b"X" * len(encoded), encoded)
    dbf.write_bytes(content[:29] + b"\0" + content[30:])  # no language driver either
    path.with_suffix(".cpg").unlink()
    if code_page is not None:
        path.with_suffix(".cpg").write_text(code_page)
    return path


@pytest.mark.parametrize("code_page", ["UTF-8", "1252", "ISO-8859-1", "CP437", "1251"])
def test_the_code_page_file_says_how_the_text_of_a_shapefile_reads(tmp_path, code_page):
    text = "Улица" if code_page == "1251" else "Königstraße"
    codec = code_page if not code_page.isdecimal() else f"cp{code_page}"
    table = read_one(with_dbf_text(tmp_path / "a.shp", text.encode(codec), code_page))
    assert column(table, "name") == [text]


def test_text_of_an_unknown_encoding_does_not_cost_the_layer(tmp_path):
    table = read_one(with_dbf_text(tmp_path / "a.shp", "Königstraße".encode("cp1252"), None))
    (name,) = column(table, "name")
    assert name is not None
    assert name.startswith("K")


def test_a_shapefile_without_prj_has_no_reference_system_and_without_shx_says_what_is_missing(tmp_path):
    path = written(tmp_path / "a.shp", [Point(0, 0)], n=[1])
    path.with_suffix(".prj").unlink()
    assert read_one(path).crs is None
    path.with_suffix(".shx").unlink()
    with pytest.raises(DamagedFileError, match=r"\.shx"):
        read(path)


def test_a_shapefile_without_dbf_still_shows_its_shapes(tmp_path):
    path = written(tmp_path / "a.shp", [Point(0, 0), Point(1, 1)], n=[1, 2])
    path.with_suffix(".dbf").unlink()
    assert read_one(path).points[:, 0].tolist() == [0, 1]


# --- reference systems ------------------------------------------------------------------------------------------


def geojson(*geometries: Any, **members: Any) -> str:
    features = [{"type": "Feature", "properties": {"n": n}, "geometry": g} for n, g in enumerate(geometries)]
    return json.dumps({"type": "FeatureCollection", **members, "features": features})


HERE = {"type": "Point", "coordinates": [500000, 5600000]}


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, "EPSG:4326"),  # RFC 7946, 4
        ({"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::25832"}}}, "EPSG:25832"),
        ({"crs": {"type": "name", "properties": {"name": "EPSG:25832"}}}, "EPSG:25832"),
        ({"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}, "OGC:CRS84"),
    ],
)
def test_the_crs_member_of_a_geojson_counts_where_there_is_one(tmp_path, members, expected):
    path = tmp_path / "a.geojson"
    path.write_text(geojson(HERE, **members))
    table = read_one(path)
    assert table.crs is not None
    assert table.crs.horizontal in (expected, "EPSG:4326" if expected == "OGC:CRS84" else expected)


def test_a_compound_system_keeps_its_heights(tmp_path):
    table = read_one(written(tmp_path / "a.gpkg", [Point(0, 0, 1)], crs="EPSG:25832+7837"))
    assert table.crs is not None
    assert (table.crs.horizontal, table.crs.vertical) == ("EPSG:25832", "EPSG:7837")


def test_a_byte_order_mark_and_text_sequences_are_read(tmp_path):
    (tmp_path / "bom.geojson").write_bytes(b"\xef\xbb\xbf" + geojson(HERE).encode())
    assert read_one(tmp_path / "bom.geojson").feature_count == 1
    feature = {"type": "Feature", "properties": {}, "geometry": HERE}
    (tmp_path / "seq.geojson").write_text("".join(f"\x1e{json.dumps(feature)}\n" for _ in range(3)))
    assert read_one(tmp_path / "seq.geojson").feature_count == 3


# --- loss -------------------------------------------------------------------------------------------------------


def town(path: Path) -> Path:
    """Write 300 houses with names."""
    houses = [shapely.box(x, y, x + 8, y + 8) for x in range(0, 300, 15) for y in range(0, 225, 15)]
    return written(path, houses, name=[f"House {number}" for number in range(300)], height=[9.5] * 300)


@pytest.fixture(scope="module")
def towns(tmp_path_factory):
    folder = tmp_path_factory.mktemp("towns")
    for name in WITH_DRIVER:
        town(folder / name)
    return folder


def copied(towns: Path, name: str, folder: Path) -> Path:
    suffixes = {".shp", ".shx", ".dbf", ".prj"} if name == "a.shp" else {Path(name).suffix}
    for file in towns.iterdir():
        if file.suffix in suffixes:
            shutil.copy(file, folder)
    return folder / name


def is_told(table: FeatureTable) -> bool:
    return any(diagnostic.severity is not Severity.INFO for diagnostic in table.diagnostics)


@pytest.mark.parametrize("number", range(CUTS))
@pytest.mark.parametrize("name", WITH_DRIVER)
def test_a_file_that_is_cut_off_is_told(tmp_path, towns, name, number):
    path = copied(towns, name, tmp_path)
    whole = read_one(path)
    path.write_bytes(cut(path.read_bytes(), number))
    try:
        tables = read(path)
    except ReadError:
        return
    if not any(is_told(table) for table in tables):
        (table,) = tables
        assert np.array_equal(table.ring_vertices, whole.ring_vertices)
        assert column(table, "name") == column(whole, "name")


@pytest.mark.parametrize("companion", [".shx", ".dbf"])
@pytest.mark.parametrize("number", range(CUTS))
def test_a_shapefile_whose_companion_is_cut_off_is_told(tmp_path, towns, companion, number):
    path = copied(towns, "a.shp", tmp_path)
    whole = read_one(path)
    beside = path.with_suffix(companion)
    beside.write_bytes(cut(beside.read_bytes(), number))
    try:
        table = read_one(path)
    except ReadError:
        return
    if not is_told(table):
        assert np.array_equal(table.ring_vertices, whole.ring_vertices)
        assert column(table, "name") == column(whole, "name")
        assert column(table, "height") == column(whole, "height")


def test_a_shapefile_that_is_cut_off_says_how_many_shapes_are_lost(tmp_path):
    path = town(tmp_path / "a.shp")
    path.write_bytes(path.read_bytes()[: 100 + 136 * 200 + 10])  # a box takes 136 bytes (ESRI 1998, table 11)
    table = read_one(path)
    assert "The shapes of 100 of 300 features lie beyond the end of the file." in [d.problem for d in table.diagnostics]


@pytest.mark.parametrize("number", range(60))
@pytest.mark.parametrize("name", WITH_DRIVER)
def test_whatever_is_damaged_gives_features_or_an_error_for_people(tmp_path, towns, name, number):
    path = copied(towns, name, tmp_path)
    path.write_bytes(mutated(path.read_bytes(), number))
    with suppress(TwinViewerError):
        for table in vector.read(path=path, feedback=Silent()):
            check(mended(table, limit=RAW_LIMIT))


# --- attacks ----------------------------------------------------------------------------------------------------


@pytest.fixture
def secret(tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text("x,y,password\n1,2,swordfish\n")
    return path


@pytest.mark.parametrize("suffix", [*SUFFIXES, ".gml", ".csv", ".vrt", ".tif", ".las", ""])
@pytest.mark.parametrize("before", ["", "\ufeff", " \n\t", "<?xml version='1.0'?>\n", "{", "[ "])
def test_a_virtual_file_in_disguise_is_refused(tmp_path, secret, suffix, before):
    path = tmp_path / f"streets{suffix}"
    path.write_text(
        f"{before}<OGRVRTDataSource><OGRVRTLayer name='secret'><SrcDataSource>{secret}</SrcDataSource>"
        "<GeometryField encoding='PointFromColumns' x='x' y='y'/></OGRVRTLayer></OGRVRTDataSource>"
    )
    with pytest.raises((HostileFileError, UnsupportedFormatError)):
        read(path)


@pytest.mark.parametrize(
    "content",
    [
        '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline read secret.csv"}',
        "secret.csv",
        "<GDALTileIndexDataset><IndexDataset>secret.csv</IndexDataset></GDALTileIndexDataset>",
        "<OGRWFSDataSource><URL>http://127.0.0.1:9/wfs</URL></OGRWFSDataSource>",
        "PK\x03\x04" + "x" * 100,
    ],
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_pointer_to_something_else_is_refused(tmp_path, secret, suffix, content):
    path = tmp_path / f"streets{suffix}"
    path.write_text(content)
    with pytest.raises((HostileFileError, UnsupportedFormatError)):
        read(path)


@pytest.mark.parametrize(
    "name", ["/vsicurl/http://127.0.0.1:9/a.geojson", "http://127.0.0.1:9/a.geojson", "/vsizip/a.zip", "GPKG:a.gpkg"]
)
def test_a_name_of_gdal_is_no_file(name):
    with pytest.raises(ReadError, match="no such file"):
        read(Path(name))


@pytest.mark.parametrize(
    "name",
    ["a;b.geojson", "a!b.geojson", "100 %.geojson", "a#b?c.geojson", "zip:a.geojson", "GPKG:a.geojson", "😀\n.geojson",
     "n" * 240 + ".geojson"],
)  # fmt: skip
def test_any_name_that_a_file_can_have_is_opened(tmp_path, monkeypatch, name):
    (tmp_path / name).write_text(geojson(HERE))
    assert read_one(tmp_path / name).feature_count == 1
    monkeypatch.chdir(tmp_path)
    assert read_one(Path(name)).feature_count == 1


def test_a_shapefile_of_an_odd_name_keeps_its_companions(tmp_path):
    town(tmp_path / "a.shp")
    for file in tmp_path.iterdir():
        file.rename(tmp_path / f"a;b{file.suffix}")
    table = read_one(tmp_path / "a;b.shp")
    assert table.feature_count == 300
    assert column(table, "name")[7] == "House 7"
    assert table.crs is not None


def test_a_link_is_followed_to_its_file_and_nowhere_else(tmp_path):
    (tmp_path / "a.geojson").write_text(geojson(HERE))
    (tmp_path / "link.geojson").symlink_to("a.geojson")
    (tmp_path / "circle.geojson").symlink_to("circle.geojson")
    assert read_one(tmp_path / "link.geojson").feature_count == 1
    with pytest.raises(ReadError):
        read(tmp_path / "circle.geojson")


def test_a_database_cannot_attach_another(tmp_path, secret):
    path = written(tmp_path / "a.gpkg", [Point(0, 0)], n=[1])
    with sqlite3.connect(path) as database:
        database.execute("CREATE TRIGGER t AFTER UPDATE ON a BEGIN SELECT load_extension('evil'); END")
        database.execute(f"CREATE VIEW v AS SELECT readfile('{secret}') AS password")
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES ('v', 'attributes', 'v')"
        )
    database.close()
    assert [table.source.title for table in read(path)] == ["a"]


# --- progress ---------------------------------------------------------------------------------------------------


def test_progress_rises_to_the_end_and_cancelling_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(vector, "_BATCH", 20)
    path = town(tmp_path / "a.gpkg")
    listener = Listener()
    vector.read(path=path, feedback=listener)
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == pytest.approx(1.0)
    assert len(listener.fractions) >= 15
    with pytest.raises(Cancelled):
        vector.read(path=path, feedback=StopsAfter(3))

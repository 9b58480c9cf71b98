"""Reference systems: all spellings that the real files use, what they measure in, and where a project is laid out."""

from __future__ import annotations

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twinviewer.model.crs import (
    assumed_metres_per_height,
    describe,
    horizontal_crs,
    is_geographic,
    is_inside_area_of_use,
    is_north_first,
    metres_per_height,
    parse_crs,
    projected_for,
    to_pyproj,
    unit_of,
    vertical_crs,
)
from twinviewer.model.errors import MissingCrsError, UnknownCrsError
from twinviewer.model.place import LOCAL, CrsOrigin, Extent, ReferenceSystem
from twinviewer.model.way import HeightRule, accuracy_between, transform, way_between


def system(horizontal: str, vertical: str | None = None) -> ReferenceSystem:
    return ReferenceSystem(horizontal=horizontal, vertical=vertical)


def box(x: float, y: float, z: float = 0.0, *, size: float = 0.0) -> Extent:
    return Extent(min_x=x, min_y=y, min_z=z, max_x=x + size, max_y=y + size, max_z=z)


# --- names ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "horizontal", "vertical"),
    [
        # as the files in ../shared/data spell them
        ("urn:ogc:def:crs:EPSG::28992", "EPSG:28992", None),
        ("urn:adv:crs:ETRS89_UTM32", "EPSG:25832", None),
        ("urn:ogc:def:crs,crs:EPSG:6.12:25833,crs:EPSG:6.12:5783", "EPSG:25833", "EPSG:5783"),
        ("EPSG:25833", "EPSG:25833", None),
        ("urn:ogc:def:crs,crs:EPSG:31467", "EPSG:31467", None),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", "EPSG:25832", "EPSG:5783"),
        ("urn:ogc:def:crs:EPSG::7415", "EPSG:28992", "EPSG:5709"),
        ("http://www.opengis.net/def/crs/EPSG/0/6697", "EPSG:6668", "EPSG:6695"),
        ("https://www.opengis.net/def/crs/EPSG/0/7415", "EPSG:28992", "EPSG:5709"),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN92_NH", "EPSG:25832", "EPSG:5783"),
        ("urn:adv:crs:DE_DHDN_3GK4*DE_DHHN92_NH", "EPSG:31468", "EPSG:5783"),
        ("urn:ogc:def:crs,crs:EPSG:6.12:3068,crs:EPSG:6.12:5783", "EPSG:3068", "EPSG:5783"),
        ("+proj=utm +zone=32 +ellps=WGS84 +datum=WGS84 +units=m +no_defs", "EPSG:32632", None),
        # and as others do
        ("epsg:25832", "EPSG:25832", None),
        (" EPSG:25832 ", "EPSG:25832", None),
        ("28992", "EPSG:28992", None),
        ("+init=epsg:28992", "EPSG:28992", None),
        ("EPSG:25832+7837", "EPSG:25832", "EPSG:7837"),
        ("EPSG:25832+EPSG:7837", "EPSG:25832", "EPSG:7837"),
        ("urn:x-ogc:def:crs:EPSG:4326", "EPSG:4326", None),
        ("urn:ogc:def:crs:EPSG:9.9.1:25832", "EPSG:25832", None),
        ("urn:ogc:def:crs:OGC:1.3:CRS84", "OGC:CRS84", None),
        ("http://www.opengis.net/gml/srs/epsg.xml#4326", "EPSG:4326", None),
        ("http://www.opengis.net/def/crs/EPSG/9.9.1/25832", "EPSG:25832", None),
        (
            "http://www.opengis.net/def/crs-compound?1=http://www.opengis.net/def/crs/EPSG/0/25832"
            "&2=http://www.opengis.net/def/crs/EPSG/0/7837",
            "EPSG:25832",
            "EPSG:7837",
        ),
        ("ETRS89 / UTM zone 32N", "EPSG:25832", None),
    ],
)
def test_a_system_is_understood_in_every_spelling(text: str, horizontal: str, vertical: str | None) -> None:
    found = parse_crs(text)
    assert (found.horizontal, found.vertical, found.origin) == (horizontal, vertical, CrsOrigin.FILE)


@pytest.mark.parametrize("version", ["WKT1_GDAL", "WKT2_2015", "WKT2_2019"])
@pytest.mark.parametrize("code", ["EPSG:25832", "EPSG:7415", "EPSG:2263", "EPSG:4326"])
def test_a_system_written_out_in_full_is_recognised(code: str, version: str) -> None:
    assert parse_crs(pyproj.CRS(code).to_wkt(version)) == parse_crs(code)


def test_a_system_without_a_code_is_kept_as_it_is() -> None:
    made = pyproj.CRS("+proj=tmerc +lat_0=48.1 +lon_0=11.6 +k=1 +x_0=1000 +y_0=2000 +ellps=GRS80 +units=m +type=crs")
    found = parse_crs(made.to_wkt())
    assert horizontal_crs(found).is_exact_same(pyproj.CRS(found.horizontal))
    assert 'PARAMETER["Longitude of natural origin",11.6' in found.horizontal
    assert parse_crs(found.horizontal) == found


@pytest.mark.parametrize(
    "text",
    [
        "CH1903",
        "#local-CRS-1",
        "",
        "EPSG:99999",
        "EPSG:5783",
        "urn:adv:crs:DE_UNKNOWN",
        "somewhere",
        "EPSG:",
        "99999999",
    ],
)
def test_what_names_no_place_is_refused_with_a_cure(text: str) -> None:
    with pytest.raises(UnknownCrsError) as caught:
        parse_crs(text)
    assert caught.value.problem.endswith(".")
    assert "EPSG:25832" in caught.value.cure


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_any_other_text_is_refused_in_words_too(text: str) -> None:
    try:
        parse_crs(text)
    except UnknownCrsError:
        return
    assert any(character.isdigit() for character in text)  # a bare number is a code


@pytest.mark.parametrize(
    "code", ["EPSG:25832", "EPSG:28992+5709", "EPSG:2056", "EPSG:6668+6695", "EPSG:4978", "EPSG:2263+6360"]
)
def test_a_system_survives_the_way_through_pyproj(code: str) -> None:
    found = parse_crs(code)
    assert parse_crs(to_pyproj(found).to_wkt()) == found


def test_systems_are_described_for_people() -> None:
    assert describe(system("EPSG:25832", "EPSG:7837")) == "ETRS89 / UTM zone 32N + DHHN2016 height"
    assert "nowhere on Earth" in describe(LOCAL)


# --- units ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "vertical", "unit", "metres"),
    [
        ("EPSG:25832", None, "metre", 1.0),
        ("EPSG:4326", None, "degree", 1.0),
        ("EPSG:2263", None, "US survey foot", 1200 / 3937),
        ("EPSG:2992", None, "foot", 0.3048),
        ("EPSG:2991", "EPSG:6360", "metre", 1200 / 3937),
        ("EPSG:2263", "EPSG:5703", "US survey foot", 1.0),
        ("EPSG:4978", None, "metre", 1.0),
        ("EPSG:25832", "EPSG:5715", "metre", -1.0),
    ],
)
def test_units_are_those_of_the_registry(code: str, vertical: str | None, unit: str, metres: float) -> None:
    assert unit_of(system(code, vertical)) == unit
    assert assumed_metres_per_height(system(code, vertical)) == pytest.approx(metres, rel=1e-12)


def test_a_local_system_is_in_metres_and_has_no_place() -> None:
    assert unit_of(LOCAL) == "metre"
    assert not is_geographic(LOCAL)
    with pytest.raises(UnknownCrsError):
        horizontal_crs(LOCAL)


# --- order of axes ----------------------------------------------------------------------------------------------

WGS84_URN, WGS84_SHORT = "urn:ogc:def:crs:EPSG::4326", "EPSG:4326"


@pytest.mark.parametrize(
    ("text", "stored", "north_first"),
    [
        ("http://www.opengis.net/def/crs/EPSG/0/6697", (35.68, 139.71), True),  # Tokyo: only one order is in Japan
        ("http://www.opengis.net/def/crs/EPSG/0/6697", (139.71, 35.68), False),
        (WGS84_URN, (48.0, 11.5), True),  # both orders are on Earth: the notation decides
        (WGS84_SHORT, (11.5, 48.0), False),
        ("urn:ogc:def:crs,crs:EPSG:31467", (3_500_000, 5_400_000), False),  # against the standard, as all files have it
        ("urn:ogc:def:crs:EPSG::31467", (5_400_000, 3_500_000), True),
        ("urn:ogc:def:crs:EPSG::25832", (450_000, 5_400_000), False),  # easting first by the authority
        ("urn:ogc:def:crs:OGC:1.3:CRS84", (11.5, 48.0), False),
        ("urn:ogc:def:crs:EPSG::4978", (4_200_000, 170_000), False),
    ],
)
def test_numbers_decide_which_axis_comes_first_and_the_notation_where_they_cannot(
    text: str, stored: tuple[float, float], north_first: bool
) -> None:
    assert is_north_first(text, box(*stored)) is north_first


def test_a_format_that_keeps_x_first_is_believed_where_both_orders_are_possible() -> None:
    warsaw = box(637_000, 487_000)  # swapped it would still be in Poland
    assert is_north_first("urn:ogc:def:crs:EPSG::2180", warsaw)
    assert not is_north_first("urn:ogc:def:crs:EPSG::2180", warsaw, stated=False)


# --- where a project is laid out --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "extent", "expected"),
    [
        (system("EPSG:25832", "EPSG:7837"), box(400_000, 5_300_000), system("EPSG:25832", "EPSG:7837")),
        (system("EPSG:28992"), box(85_000, 447_000), system("EPSG:28992")),
        (system("EPSG:4326"), box(9.0, 48.0), system("EPSG:25832")),  # in Europe ETRS89 is what surveyors use
        (system("EPSG:4326"), box(139.7, 35.6), system("EPSG:32654")),
        (system("EPSG:6668", "EPSG:6695"), box(139.7, 35.6), system("EPSG:6691", "EPSG:6695")),
        (system("EPSG:4326"), box(-58.4, -34.6), system("EPSG:32721")),
        (system("EPSG:3857"), box(1_000_000, 6_000_000), system("EPSG:25832")),  # its metres are 50 % too short there
        (system("EPSG:2263", "EPSG:6360"), box(980_000, 200_000), system("EPSG:26918", "EPSG:5703")),
        (system("EPSG:4978"), box(4_201_000, 168_000, 4_780_000), system("EPSG:25831")),
        (system("EPSG:4326"), box(0, 86), system("EPSG:5041")),
        (system("EPSG:4326"), box(0, -85), system("EPSG:5042")),
        (system("EPSG:4326"), box(-120, -40, size=80), system("EPSG:3857")),
    ],
)
def test_a_project_is_laid_out_in_metres(data: ReferenceSystem, extent: Extent, expected: ReferenceSystem) -> None:
    found = projected_for(data, extent)
    assert (found.horizontal, found.vertical) == (expected.horizontal, expected.vertical)


@given(lon=st.floats(-179.9, 179.9), lat=st.floats(-79.9, 83.9))
@settings(max_examples=8, deadline=None)  # PROJ's list of UTM zones takes a third of a second
def test_a_map_metre_is_a_metre_wherever_a_project_begins(lon: float, lat: float) -> None:
    chosen = horizontal_crs(projected_for(system("EPSG:4326"), box(lon, lat)))
    factors = pyproj.Proj(chosen).get_factors(lon, lat)
    assert factors.meridional_scale == pytest.approx(1, abs=0.01)
    assert factors.parallel_scale == pytest.approx(1, abs=0.01)
    assert chosen.axis_info[0].unit_name == "metre"


def test_coordinates_that_are_not_what_they_are_said_to_be_begin_no_project() -> None:
    with pytest.raises(MissingCrsError, match="nowhere near the surface"):
        projected_for(system("EPSG:4978"), box(515_368, 4_918_340, 2_323))


def test_areas_of_use_are_those_of_the_registry() -> None:
    assert is_inside_area_of_use(system("EPSG:28992"), box(85_000, 447_000))
    assert not is_inside_area_of_use(system("EPSG:28992"), box(85_000, 1_447_000))


# --- the way between two systems --------------------------------------------------------------------------------


def test_a_way_within_one_system_keeps_everything() -> None:
    way = way_between(system("EPSG:25832", "EPSG:7837"), system("EPSG:25832", "EPSG:7837"))
    assert way.keeps_everything
    assert way.height_rule is HeightRule.SAME


@pytest.mark.parametrize(
    ("source", "target", "rule"),
    [
        (system("EPSG:25832"), system("EPSG:25833"), HeightRule.SAME),
        (system("EPSG:2991", "EPSG:6360"), system("EPSG:2991", "EPSG:5703"), HeightRule.SAME),  # one datum in two units
        (system("EPSG:25832", "EPSG:5783"), system("EPSG:25832"), HeightRule.KEPT),
        (system("EPSG:25832"), system("EPSG:25832", "EPSG:5783"), HeightRule.KEPT),
        (system("EPSG:4937"), system("EPSG:25832", "EPSG:7837"), HeightRule.KEPT),  # the geoid is not installed
    ],
)
def test_what_happens_to_heights_is_said(source: ReferenceSystem, target: ReferenceSystem, rule: HeightRule) -> None:
    assert way_between(source, target).height_rule is rule


@pytest.mark.parametrize(
    ("horizontal", "vertical", "wanted", "place", "difference_m"),
    [
        # As the EPSG registry states them (operations 5438, 7653 and 5433).
        ("EPSG:4326", "EPSG:5705", "EPSG:5611", (50.0, 42.0), 28.0),
        ("EPSG:4258", "EPSG:5709", "EPSG:5730", (5.0, 52.0), -0.005),
        ("EPSG:4171", "EPSG:5720", "EPSG:5730", (2.0, 48.0), -0.486),
    ],
)
def test_heights_are_converted_where_proj_knows_how_without_a_grid(
    horizontal: str, vertical: str, wanted: str, place: tuple[float, float], difference_m: float
) -> None:
    way = way_between(system(horizontal, vertical), system(horizontal, wanted))
    assert way.height_rule is HeightRule.CONVERTED
    before = np.array([[*place, 100.0]])
    np.testing.assert_allclose(way.apply(before), np.add(before, [0, 0, difference_m]), atol=1e-6)


def test_of_several_differences_between_two_datums_that_of_the_place_is_taken() -> None:
    # Baltic 1977 to EVRF2000: one operation for Latvia, one for Estonia, 24 mm apart.
    way = way_between(system("EPSG:4258", "EPSG:5705"), system("EPSG:4258", "EPSG:5730"))
    judge = pyproj.transformer.TransformerGroup("EPSG:4258+5705", "EPSG:4258+5730", always_xy=True)
    for place in ((24.1, 56.95), (24.75, 59.44)):
        expected = next(
            operation.transform(*place, 100.0)[2]
            for operation in judge.transformers
            if operation.area_of_use.west <= place[0] <= operation.area_of_use.east
            and operation.area_of_use.south <= place[1] <= operation.area_of_use.north
        )
        assert way.apply(np.array([[*place, 100.0]]))[0, 2] == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(
    ("source", "target", "extent", "at_most_m"),
    [
        (system("EPSG:25832"), system("EPSG:25833"), box(600_000, 5_300_000), 0.0),
        (system("EPSG:28992"), system("EPSG:25831"), box(85_000, 447_000), 0.25),  # EPSG 9282, a Helmert shift
        (system("EPSG:31467"), system("EPSG:25832"), box(3_413_500, 5_318_000), 3.0),
    ],
)
def test_how_well_positions_are_known_is_said(
    source: ReferenceSystem, target: ReferenceSystem, extent: Extent, at_most_m: float
) -> None:
    accuracy = accuracy_between(source, target, extent)
    assert accuracy.metres is not None
    assert accuracy.metres <= at_most_m
    assert (accuracy.possible_metres is not None) == bool(accuracy.missing_grids) == (accuracy.metres > 0)


points = st.lists(st.tuples(st.floats(5, 15), st.floats(47, 55), st.floats(-50, 3000)), min_size=1, max_size=20)


@given(points)
@settings(max_examples=40, deadline=None)
def test_the_way_back_undoes_the_way_there(lon_lat_height: list[tuple[float, float, float]]) -> None:
    before = np.array(lon_lat_height)
    way = way_between(system("EPSG:4258"), system("EPSG:31467"), Extent.of(before))
    np.testing.assert_allclose(way.back_flat(way.apply(before)[:, :2]), before[:, :2], atol=1e-8)  # a millimetre
    np.testing.assert_array_equal(way.apply(before)[:, 2], before[:, 2])


def test_a_town_across_the_border_of_two_shifts_is_not_torn() -> None:
    # Between northern and middle Germany, at 52.38°, EPSG has different shifts from DHDN to ETRS89.
    north_south = np.column_stack([np.full(201, 3_500_000.0), np.linspace(5_800_000, 5_810_000, 201), np.zeros(201)])
    source, target = system("EPSG:31467"), system("EPSG:25832")
    torn = transform(north_south, source, target)
    whole = way_between(source, target, Extent.of(north_south)).apply(north_south)
    assert np.abs(np.diff(torn[:, :2], n=2, axis=0)).max() > 0.05
    assert np.abs(np.diff(whole[:, :2], n=2, axis=0)).max() < 1e-4
    assert np.abs(whole - torn).max() < 3.0


def test_metres_of_a_depth_are_negative() -> None:
    depth = vertical_crs(system("EPSG:25832", "EPSG:5715"))
    assert depth is not None
    assert metres_per_height(depth) == -1.0

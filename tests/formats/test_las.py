"""LAS, LAZ and COPC: against the data README's counts, laspy's plain read, and files that lie."""

from __future__ import annotations

import io
import os
import struct
from contextlib import suppress
from pathlib import Path

import laspy
import numpy as np
import pytest
from laspy.vlrs.known import WktCoordinateSystemVlr
from pyproj import CRS

from tests.formats.damage import CUTS, cut, mutated
from tests.formats.listener import Listener, StopsAfter
from twinviewer.formats import las
from twinviewer.formats.soundness import RAW_LIMIT, check, mended
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, ReadError, TwinViewerError, UnsupportedFormatError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import PointCloud
from twinviewer.model.place import Extent


def read(path: Path, **options: int) -> PointCloud:
    (cloud,) = las.read(path=path, feedback=Silent(), **options)
    check(cloud)
    return cloud


def codes(cloud: PointCloud) -> set[str]:
    return {diagnostic.code for diagnostic in cloud.diagnostics}


AUTZEN = [635619.8, 848899.7, 406.6, 638982.6, 853535.4, 586.4]
OREGON = ("EPSG:2991", "EPSG:6360")
NONE = (None, None)
# Path, format, version, points, classes, reference system, extent: from the README of the data, by hand.
REAL = [
    ("las/1.2-with-color.las", "LAS", "1.2", 1065, {1, 2}, NONE, AUTZEN),
    ("las/1.2_2.las", "LAS", "1.2", 1, {2}, ("EPSG:26915", None), [470692.4, 4602888.9, 16.0] * 2),
    ("las/autzen-bmx-2010.las", "LAS", "1.4", 829, {2}, OREGON, [194472.8, 259222.2, 422.9, 194506.9, 259264.1, 434.5]),
    ("las/autzen-bmx-2023.las", "LAS", "1.4", 687, {2}, OREGON, [194472.8, 259222.7, 423.6, 194507.6, 259264.6, 439.1]),
    ("las/epsg_4326.las", "LAS", "1.2", 5380, {0}, ("EPSG:4326", None),
     [-94.68347, 31.03673, 39.081, -94.66063, 31.04733, 78.119]),
    ("las/extrabytes.las", "LAS", "1.4", 1065, {1, 2}, NONE, AUTZEN),
    ("las/mvk-thin.las", "LAS", "1.2", 6280, {1, 2, 4, 5, 9, 12}, ("EPSG:26995", None),
     [2045001.8, 1267501.2, 95.8, 2049993.9, 1272499.8, 228.7]),
    ("las/no-points.las", "LAS", "1.2", 0, set(), ("EPSG:4269", None), None),
    ("las/simple1_1.las", "LAS", "1.1", 1065, {1, 2}, NONE, AUTZEN),
    # The header states integers as its extent; the standard's X · scale + offset is a thousandth, and 5,000 km north.
    ("las/simple1_3.las", "LAS", "1.3", 999, {1}, NONE,
     [-235434.519, 5800843.145, 265.094, -234935.841, 5800946.249, 273.811]),
    ("las/test1_4.las", "LAS", "1.4", 1000, {2}, ("EPSG:2903", None),
     [1694038.4, 1816492.7, 5592.7, 1694539.7, 1816498.0, 5599.1]),
    ("las/test_epsg_4326_axis.las", "LAS", "1.2", 10, {2}, ("EPSG:4326", None),
     [39.0126, -83.4276, 170.58, 39.0126, -83.4275, 170.76]),
    ("las/vegetation_1_3.las", "LAS", "1.3", 10683, {11}, NONE,
     [-98451.2, -55975.4, -81460.1, -98447.4, -55969.4, -81455.2]),
    ("las/warsaw_small.las", "LAS", "1.2", 3000, {0, 2, 3, 4, 5}, NONE,
     [639913.3, 485143.1, 84.7, 639946.8, 485175.9, 104.5]),
    ("laz/ahn3_delft_cropped_1.laz", "LAZ", "1.2", 640510, {1, 2, 6, 9, 26}, NONE,
     [84808.3, 447412.8, -0.6, 85000.0, 447641.3, 19.4]),
    ("laz/ahn3_delft_cropped_2.laz", "LAZ", "1.2", 208432, {1, 2, 6, 9, 26}, NONE,
     [85000.0, 447412.8, -0.6, 85072.3, 447641.3, 26.3]),
    ("laz/ahn4_delft_small.laz", "LAZ", "1.4", 39233, {1, 2, 6, 9}, ("EPSG:28992", "EPSG:5709"),
     [85699.7, 447195.3, -0.6, 85740.5, 447243.5, 16.0]),
    ("laz/autzen_trim.laz", "LAZ", "1.2", 110000, {1, 2}, ("NAD_1983_HARN_Lambert_Conformal_Conic", None),
     [636001.8, 848935.2, 406.3, 637179.2, 849497.9, 520.5]),
    ("laz/sample_lareunion_epsg2975.laz", "LAZ", "1.4", 59712, {1, 65}, ("EPSG:2975", None),
     [377000.0, 7655950.0, 143.8, 377050.0, 7656000.0, 205.6]),
    ("copc/lone-star.copc.laz", "COPC", "1.4", 518862, {0}, ("EPSG:4978", None),
     [515368.6, 4918340.4, 2322.9, 515401.0, 4918381.1, 2338.6]),
    ("copc/simple.copc.laz", "COPC", "1.4", 1065, {1, 2}, OREGON, AUTZEN),
]  # fmt: skip


@pytest.mark.data
@pytest.mark.parametrize(("name", "format", "version", "count", "classes", "crs", "bounds"), REAL)
def test_a_real_file_gives_the_points_that_its_readme_counts(
    city_data, name, format, version, count, classes, crs, bounds
):
    cloud = read(city_data / name)
    assert (cloud.source.format, cloud.source.version) == (format, version)
    assert cloud.declared_count == cloud.read_count == len(cloud.positions) == count
    assert {number for number, _ in cloud.class_counts} == classes
    assert sum(points for _, points in cloud.class_counts) == count
    horizontal, vertical = crs
    if horizontal is None:
        assert cloud.crs is None
    else:
        assert cloud.crs is not None
        assert horizontal in cloud.crs.horizontal
        assert cloud.crs.vertical == vertical
    if bounds is None:
        assert cloud.extent is None
    else:
        assert cloud.extent is not None
        rounding = 6e-6 if abs(bounds[0]) < 180 else 0.06  # as the README rounds
        assert cloud.extent.as_tuple() == pytest.approx(bounds, abs=rounding)


@pytest.mark.data
@pytest.mark.parametrize("name", [row[0] for row in REAL])
def test_a_real_file_holds_point_for_point_what_laspy_reads(city_data, name):
    cloud, judge = read(city_data / name), laspy.read(city_data / name)
    assert np.array_equal(cloud.positions, judge.xyz)
    assert np.array_equal(cloud.classification, np.asarray(judge.classification))
    assert np.array_equal(cloud.intensity, judge.intensity)
    if cloud.rgb is not None:
        judged = np.column_stack([judge.red, judge.green, judge.blue]).astype(np.int64)
        assert np.array_equal(cloud.rgb, judged // 256 if judged.max() > 255 else judged)


@pytest.mark.data
def test_a_scale_that_contradicts_the_header_is_told(city_data):
    assert "header.extent" in codes(read(city_data / "las/simple1_3.las"))


@pytest.mark.data
def test_a_reference_system_that_proj_does_not_know_is_told(city_data):
    cloud = read(city_data / "las/warsaw_small.las")
    assert cloud.crs is None
    assert "crs.unreadable" in codes(cloud)


# --- what nobody reads, and what is damaged ---------------------------------------------------------------------


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "error", "words"),
    [
        ("bad/las/1.2-no-points.las", DamagedFileError, "promises 1,065 points, but the file ends before the first"),
        ("bad/laz/pdrf7-v4-1.4.laz", UnsupportedFormatError, "LASzip's variant 4"),
        ("bad/laz/simple-laszip-compressor-version-1.2r0.laz", UnsupportedFormatError, "from before version 2"),
    ],
)
def test_a_file_that_gives_no_points_is_refused_in_one_sentence(city_data, name, error, words):
    with pytest.raises(error, match=words):
        read(city_data / name)


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "declared", "there", "told"),
    [
        ("1.2-with-color-clipped.las", 1065, 1064, {"points.missing"}),
        ("bad_vlr_count.las", 10, 10, {"header.vlr-count"}),
        ("garbage_nVariableLength.las", 719, 718, {"header.vlr-count", "points.missing"}),
        ("gps-time-nan.las", 1, 1, set()),
        ("pdrf6-1.4.las", 1024, 1024, set()),
    ],
)
def test_a_damaged_file_shows_what_it_has_and_says_what_it_lacks(city_data, name, declared, there, told):
    cloud = read(city_data / "bad/las" / name)
    assert (cloud.declared_count, cloud.read_count, len(cloud.positions)) == (declared, there, there)
    assert told == codes(cloud)


# --- files of our own -------------------------------------------------------------------------------------------


def made(point_format: int, version: str = "1.4", *, count: int = 1000, rgb: int = 65535) -> laspy.LasData:
    header = laspy.LasHeader(point_format=point_format, version=version)
    header.scales, header.offsets = np.array([0.001, 0.01, 0.0005]), np.array([500_000.0, 5_600_000.0, -10.0])
    content = laspy.LasData(header)
    chance = np.random.default_rng(7)
    content.X, content.Y, content.Z = chance.integers(-(2**31), 2**31, (3, count))
    content.classification = chance.integers(0, 32 if point_format < 6 else 256, count)
    content.intensity = chance.integers(0, 65536, count)
    if "red" in header.point_format.dimension_names:
        content.red, content.green, content.blue = chance.integers(0, rgb + 1, (3, count))
    return content


def content_of(points: laspy.LasData, *, compressed: bool = False) -> bytes:
    file = io.BytesIO()
    points.write(file, do_compress=compressed)
    return file.getvalue()


def written(path: Path, points: laspy.LasData) -> Path:
    path.write_bytes(content_of(points, compressed=path.suffix == ".laz"))
    return path


FORMATS = [(number, "1.2") for number in range(4)] + [(4, "1.3"), (5, "1.3")] + [(n, "1.4") for n in range(6, 11)]
WAVEFORMS = (4, 5, 9, 10)
"""Formats that lazrs does not write."""
WRITABLE = [
    (number, version, suffix)
    for number, version in FORMATS
    for suffix in (".las", ".laz")
    if suffix == ".las" or number not in WAVEFORMS
]


@pytest.mark.parametrize(("number", "version", "suffix"), WRITABLE)
def test_every_point_format_gives_exact_coordinates(tmp_path, number, version, suffix):
    points = made(number, version)
    cloud = read(written(tmp_path / f"points{suffix}", points))
    expected = np.column_stack([points.X, points.Y, points.Z]) * [0.001, 0.01, 0.0005] + [500_000, 5_600_000, -10]
    assert np.array_equal(cloud.positions, expected)
    assert np.array_equal(cloud.classification, np.asarray(points.classification))
    assert np.array_equal(cloud.intensity, np.asarray(points.intensity))
    assert (cloud.rgb is not None) == (number in (2, 3, 5, 7, 8, 10))
    assert not cloud.diagnostics


@pytest.mark.parametrize(("most", "shift"), [(65535, 8), (256, 8), (255, 0), (1, 0)])
def test_colours_of_8_and_of_16_bits_both_end_as_8_bits(tmp_path, most, shift):
    points = made(2, "1.2", rgb=most)
    cloud = read(written(tmp_path / "points.las", points))
    assert np.array_equal(cloud.rgb, np.column_stack([points.red, points.green, points.blue]) >> shift)


def test_colours_that_are_all_black_are_none(tmp_path):
    assert read(written(tmp_path / "points.las", made(2, "1.2", rgb=0))).rgb is None


@pytest.mark.parametrize("most", [1, 7, 250, 999, 1000, 5000])
def test_thinning_keeps_counts_classes_and_extent_and_never_exceeds_the_limit(tmp_path, most):
    path = written(tmp_path / "points.laz", made(6))
    whole, thinned = read(path), read(path, max_points=most)
    assert len(thinned.positions) <= most
    assert len(thinned.positions) > min(most, 1000) / 2
    assert (thinned.read_count, thinned.class_counts, thinned.extent) == (1000, whole.class_counts, whole.extent)
    step = -(-1000 // most)
    assert np.array_equal(thinned.positions, whole.positions[::step])
    assert ("points.thinned" in codes(thinned)) == (step > 1)


def test_thinning_goes_on_evenly_from_chunk_to_chunk(tmp_path, monkeypatch):
    path = written(tmp_path / "points.las", made(6))
    whole = read(path)
    monkeypatch.setattr(las, "_CHUNK", 64)
    assert np.array_equal(read(path, max_points=300).positions, whole.positions[::4])


def geo_keys(points: laspy.LasData, *keys: tuple[int, int]) -> laspy.LasData:
    """Give points a GeoTIFF key directory of short values (LAS 1.4 R15, 2.5.2; GeoTIFF 1.1, 7.1)."""
    content = struct.pack("<4H", 1, 1, 0, len(keys)) + b"".join(struct.pack("<4H", key, 0, 1, v) for key, v in keys)
    points.header.vlrs.append(laspy.VLR("LASF_Projection", 34735, "keys", content))
    return points


@pytest.mark.parametrize(
    ("keys", "horizontal", "vertical"),
    [
        ([(1024, 1), (3072, 25832)], "EPSG:25832", None),
        ([(1024, 1), (3072, 25832), (4096, 7837)], "EPSG:25832", "EPSG:7837"),
        ([(1024, 2), (2048, 4258)], "EPSG:4258", None),
        ([(1024, 1), (3072, 2225), (4096, 5103), (4099, 9003)], "EPSG:2225", "EPSG:6360"),  # NAVD88, US feet
        ([(1024, 1), (3072, 25832), (4096, 32767)], "EPSG:25832", None),  # user-defined heights
    ],
)
def test_geotiff_keys_name_the_reference_system(tmp_path, keys, horizontal, vertical):
    cloud = read(written(tmp_path / "points.las", geo_keys(made(1, "1.2"), *keys)))
    assert cloud.crs is not None
    assert (cloud.crs.horizontal, cloud.crs.vertical) == (horizontal, vertical)


def test_a_projection_in_keys_of_its_own_is_told_and_not_guessed(tmp_path):
    cloud = read(written(tmp_path / "points.las", geo_keys(made(1, "1.2"), (1024, 1), (3072, 32767))))
    assert cloud.crs is None
    assert "crs.unreadable" in codes(cloud)


@pytest.mark.parametrize("wkt_version", ["WKT1_GDAL", "WKT2_2019"])
def test_well_known_text_names_the_vertical_system_too(tmp_path, wkt_version):
    points = made(6)
    points.header.vlrs.append(WktCoordinateSystemVlr(CRS("EPSG:25832+7837").to_wkt(wkt_version)))
    cloud = read(written(tmp_path / "points.laz", points))
    assert cloud.crs is not None
    assert (cloud.crs.horizontal, cloud.crs.vertical) == ("EPSG:25832", "EPSG:7837")


# --- loss, attacks and interruption -----------------------------------------------------------------------------


def is_told(cloud: PointCloud) -> bool:
    return any(diagnostic.severity is not Severity.INFO for diagnostic in cloud.diagnostics)


@pytest.mark.parametrize("number", range(CUTS))
@pytest.mark.parametrize("kind", ["points.las", "points.laz", "extended.las"])
def test_a_file_that_is_cut_off_says_how_much_is_missing(tmp_path, kind, number):
    points = made(6 if kind == "extended.las" else 3, "1.4" if kind == "extended.las" else "1.2", count=120_000)
    path = tmp_path / kind
    content = content_of(points, compressed=path.suffix == ".laz")
    path.write_bytes(cut(content, number))
    try:
        cloud = read(path)
    except DamagedFileError:
        return
    assert is_told(cloud)
    assert cloud.declared_count == 120_000
    if cloud.read_count < 120_000:
        assert f"{cloud.read_count:,} could be read" in cloud.diagnostics[-1].problem
    judge = laspy.read(io.BytesIO(content)).xyz
    assert np.array_equal(cloud.positions, judge[: cloud.read_count])


def test_a_compressed_file_that_lost_its_end_shows_its_whole_chunks(tmp_path):
    path = tmp_path / "points.laz"
    content = content_of(made(3, "1.2", count=120_000), compressed=True)
    path.write_bytes(content[: len(content) * 9 // 10])
    assert read(path).read_count == 100_000  # two chunks of LASzip's 50,000


def test_a_compressed_file_that_lost_only_its_list_of_chunks_shows_all_points(tmp_path):
    path = tmp_path / "points.laz"
    content = content_of(made(3, "1.2", count=120_000), compressed=True)
    (first_point,) = struct.unpack_from("<I", content, 96)
    (table,) = struct.unpack_from("<q", content, first_point)
    path.write_bytes(content[:table])
    cloud = read(path)
    assert cloud.read_count == 120_000
    assert codes(cloud) == {"header.chunk-table"}


@pytest.mark.data
@pytest.mark.parametrize("number", range(CUTS))
def test_a_copc_that_is_cut_off_is_told(city_data, tmp_path, number):
    path = tmp_path / "simple.copc.laz"
    path.write_bytes(cut((city_data / "copc/simple.copc.laz").read_bytes(), number))
    try:
        cloud = read(path)
    except DamagedFileError:
        return
    assert is_told(cloud) or cloud.read_count == 1065  # only the index behind the points is gone


@pytest.mark.parametrize("number", range(60))
@pytest.mark.parametrize("point_format", [3, 7])
def test_whatever_is_damaged_gives_points_or_an_error_for_people(tmp_path, point_format, number):
    path = tmp_path / "points.las"
    path.write_bytes(mutated(content_of(geo_keys(made(point_format), (1024, 1), (3072, 25832))), number))
    with suppress(TwinViewerError):
        (cloud,) = las.read(path=path, feedback=Silent())
        check(mended(cloud, limit=RAW_LIMIT))


def with_vlr_count(content: bytes, count: int) -> bytes:
    return content[:100] + struct.pack("<I", count) + content[104:]


@pytest.mark.timeout(10)
@pytest.mark.parametrize("count", [2**16, 2**32 - 1])
def test_a_count_of_records_that_are_not_there_does_not_hang(tmp_path, count):
    path = tmp_path / "points.las"
    path.write_bytes(with_vlr_count(content_of(made(1, "1.2")), count))
    cloud = read(path)
    assert cloud.read_count == 1000
    assert "header.vlr-count" in codes(cloud)


@pytest.mark.timeout(10)
def test_records_after_the_points_that_lie_outside_of_the_file_are_ignored(tmp_path):
    content = content_of(made(6))
    path = tmp_path / "points.las"
    path.write_bytes(content[:235] + struct.pack("<QI", 2**40, 2**31) + content[247:])
    cloud = read(path)
    assert cloud.read_count == 1000
    assert "header.evlrs" in codes(cloud)


def test_a_promise_of_more_points_than_memory_is_not_believed(tmp_path):
    content = content_of(made(6))
    path = tmp_path / "points.las"
    path.write_bytes(content[:247] + struct.pack("<Q", 2**62) + content[255:])
    cloud = read(path)
    assert (cloud.declared_count, cloud.read_count) == (2**62, 1000)
    assert is_told(cloud)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_scale_that_is_not_a_number_is_damage(tmp_path, value):
    content = content_of(made(6))
    path = tmp_path / "points.las"
    path.write_bytes(content[:131] + struct.pack("<d", value) + content[139:])
    with pytest.raises(DamagedFileError):
        read(path)


@pytest.mark.parametrize(
    ("content", "error"),
    [(b"", DamagedFileError), (b"LASF", DamagedFileError), (b"PK\3\4" * 200, UnsupportedFormatError)],
)
def test_what_is_no_las_file_is_refused(tmp_path, content, error):
    path = tmp_path / "points.las"
    path.write_bytes(content)
    with pytest.raises(error):
        read(path)


@pytest.mark.parametrize("name", ["missing.las", "folder.las", "dangling.las", "pipe.las"])
@pytest.mark.timeout(10)
def test_what_is_no_file_is_refused(tmp_path, name):
    if name == "pipe.las" and not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    path = tmp_path / name
    if name == "folder.las":
        path.mkdir()
    elif name == "dangling.las":
        path.symlink_to(tmp_path / "nowhere")
    elif name == "pipe.las":
        os.mkfifo(path)
    with pytest.raises(ReadError):
        read(path)


def test_progress_rises_to_the_end_and_cancelling_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(las, "_CHUNK", 100)
    path = written(tmp_path / "points.laz", made(6))
    listener = Listener()
    las.read(path=path, feedback=listener)
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == pytest.approx(1.0)
    with pytest.raises(Cancelled):
        las.read(path=path, feedback=StopsAfter(3))


def test_the_extent_is_that_of_all_points(tmp_path):
    points = made(0, "1.2")
    extent = read(written(tmp_path / "points.las", points), max_points=10).extent
    assert extent == Extent.of(points.xyz)

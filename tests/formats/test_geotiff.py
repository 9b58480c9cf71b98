"""Terrain and pictures: against the data README, rasterio's plain read, GeoTIFF's own rules, and attacks."""

from __future__ import annotations

import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp, Resampling

from tests.formats.damage import CUTS, cut, mutated
from tests.formats.listener import Listener, StopsAfter
from twinviewer.formats import geotiff
from twinviewer.formats.soundness import RAW_LIMIT, check, mended
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import (
    DamagedFileError,
    HostileFileError,
    ReadError,
    TwinViewerError,
    UnsupportedFormatError,
)
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import RasterImage, TerrainGrid

pytestmark = [
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),  # of the judge; we tell it
]
HERE = Affine(2, 0, 500_000, 0, -2, 5_600_000)
Grid = TerrainGrid | RasterImage


def read(path: Path, **options: Any) -> Grid:
    (grid,) = geotiff.read(path=path, feedback=Silent(), **options)
    check(grid)
    return grid


def terrain(path: Path, **options: Any) -> TerrainGrid:
    grid = read(path, **options)
    assert isinstance(grid, TerrainGrid)
    return grid


def image(path: Path, **options: Any) -> RasterImage:
    grid = read(path, **options)
    assert isinstance(grid, RasterImage)
    return grid


def codes(grid: Grid) -> set[str]:
    return {diagnostic.code for diagnostic in grid.diagnostics}


def written(path: Path, cells: np.ndarray[Any, Any], *, describe: Any = None, **profile: Any) -> Path:
    """Write ``cells``, (rows, columns) or (bands, rows, columns)."""
    cells = cells[None] if cells.ndim == 2 else cells
    settings = {"crs": "EPSG:25832", "transform": HERE, **profile}
    if settings["transform"] is None:
        del settings["transform"]
    count, height, width = cells.shape
    with rasterio.open(
        path, "w", driver="GTiff", count=count, height=height, width=width, dtype=cells.dtype, **settings
    ) as dataset:
        if describe is not None:
            describe(dataset)
        dataset.write(cells)
    return path


def ramp(rows: int = 30, columns: int = 40, dtype: Any = np.float32) -> np.ndarray[Any, Any]:
    return np.arange(rows * columns).reshape(rows, columns).astype(dtype)


# --- real files -------------------------------------------------------------------------------------------------

# Path, kind, columns, rows, bands, reference system, extent, lowest and highest: from the README of the data, by hand.
REAL = [
    ("autzen-height.tif", "image", 735, 973, 3, None, [0, 0, 735, 973], None),
    ("cogeo.tif", "image", 1024, 1024, 3, "EPSG:3857", [14321853.1, 4532410.0, 14322464.6, 4533021.5], None),
    ("dem_hobart.tif", "terrain", 550, 505, 1, "EPSG:7855", [505010.3, 5258284.0, 523361.2, 5275133.4], (0, 971)),
    ("pix4d_alpha_nodata.tif", "image", 686, 758, 4, "EPSG:32750", [297463.3, 9050409.7, 297705.3, 9050677.1], None),
    ("rmnp-dem.tif", "terrain", 152, 187, 1, "EPSG:4326", [-105.91, 40.159, -105.49, 40.554], (2281, 4261)),
    ("rmnp-rgb.tif", "image", 485, 373, 3, "EPSG:4326", [-106.06, 40.06, -105.33, 40.62], None),
    ("rotated.tif", "image", 10, 15, 1, None, [100, 70.096, 348.21, 300], None),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "kind", "columns", "rows", "bands", "crs", "bounds", "heights"), REAL)
def test_a_real_file_gives_the_raster_that_its_readme_describes(
    city_data, name, kind, columns, rows, bands, crs, bounds, heights
):
    grid = read(city_data / "geotiff" / name)
    assert isinstance(grid, TerrainGrid if kind == "terrain" else RasterImage)
    assert (grid.width, grid.height) == (columns, rows)
    assert (None if grid.crs is None else grid.crs.horizontal) == crs
    assert grid.extent is not None
    low_x, low_y, low_z, high_x, high_y, high_z = grid.extent.as_tuple()
    rounding = 0.0061 if crs == "EPSG:4326" else 0.06
    assert [low_x, low_y, high_x, high_y] == pytest.approx(bounds, abs=rounding)
    if isinstance(grid, TerrainGrid):
        assert (low_z, high_z) == heights
    else:
        assert grid.bands == bands
    assert codes(grid) == ({"raster.no-georeference"} if name == "autzen-height.tif" else set())


@pytest.mark.data
@pytest.mark.parametrize("name", [row[0] for row in REAL])
def test_a_real_file_holds_cell_for_cell_what_rasterio_reads(city_data, name):
    grid = read(city_data / "geotiff" / name)
    with rasterio.open(city_data / "geotiff" / name) as judge:
        if isinstance(grid, TerrainGrid):
            cells = np.ma.filled(judge.read(1, masked=True).astype(np.float64), np.nan)
            assert np.array_equal(grid.heights, cells.astype(np.float32), equal_nan=True)
        else:
            colours = judge.read([1, 2, 3] if judge.count >= 3 else [1, 1, 1])
            assert np.array_equal(grid.pixels[..., 3], judge.dataset_mask())
            assert np.array_equal(np.moveaxis(grid.pixels[..., :3], -1, 0), colours)
        if name != "autzen-height.tif":
            assert grid.transform == tuple(judge.transform)[:6]


@pytest.mark.data
@pytest.mark.parametrize(("name", "masked"), [("pix4d_alpha_nodata.tif", 0.12), ("rmnp-rgb.tif", 0.06)])
def test_what_has_no_data_is_transparent(city_data, name, masked):
    assert (image(city_data / "geotiff" / name).pixels[..., 3] == 0).mean() == pytest.approx(masked, abs=0.005)


@pytest.mark.data
def test_a_block_that_cannot_be_decoded_costs_only_itself(city_data):
    grid = image(city_data / "bad/geotiff/corrupt.tif")
    lost = (grid.pixels[..., 3] == 0).mean()
    (told,) = grid.diagnostics
    assert (told.code, told.severity) == ("raster.damaged", Severity.ERROR)
    assert told.problem.startswith(f"{lost:.0%} of the raster")
    assert 0 < lost < 1


# --- terrain or picture -----------------------------------------------------------------------------------------


def unit(name: str) -> Any:
    return lambda dataset: setattr(dataset, "units", (name,))


@pytest.mark.parametrize(
    ("dtype", "bands", "describe", "kind"),
    [
        (np.float32, 1, None, TerrainGrid),
        (np.float64, 1, None, TerrainGrid),
        (np.int16, 1, None, TerrainGrid),
        (np.uint16, 1, None, TerrainGrid),
        (np.int32, 1, None, TerrainGrid),
        (np.uint8, 1, None, RasterImage),
        (np.uint8, 1, unit("m"), TerrainGrid),
        (np.uint8, 3, None, RasterImage),
        (np.uint16, 3, None, RasterImage),
        (np.float32, 3, None, RasterImage),
    ],
)
def test_one_band_of_more_than_8_bits_is_terrain_and_the_rest_are_pictures(tmp_path, dtype, bands, describe, kind):
    cells = np.stack([ramp(10, 10, dtype)] * bands)
    path = written(tmp_path / "a.tif", cells, describe=describe)
    assert isinstance(read(path), kind)
    assert isinstance(read(path, kind="image"), RasterImage)
    assert isinstance(read(path, kind="terrain"), TerrainGrid)


def test_complex_numbers_are_neither(tmp_path):
    with pytest.raises(UnsupportedFormatError, match="neither heights nor a picture"):
        read(written(tmp_path / "a.tif", ramp(dtype=np.complex64)))


# --- heights ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("nodata", [-9999.0, 0.0, 1e38, float("nan")])
def test_no_data_is_no_height(tmp_path, nodata):
    cells = ramp() + 1
    cells[3:5, 7] = nodata
    grid = terrain(written(tmp_path / "a.tif", cells, nodata=nodata))
    assert np.argwhere(np.isnan(grid.heights)).tolist() == [[3, 7], [4, 7]]
    assert grid.extent is not None
    assert (grid.extent.min_z, grid.extent.max_z) == (1, 1200)


@pytest.mark.parametrize("value", [-9999, -32768, 1e30, np.inf])
def test_a_height_that_nothing_on_earth_has_is_taken_as_missing_and_told(tmp_path, value):
    cells = ramp()
    cells[0, 0] = value
    grid = terrain(written(tmp_path / "a.tif", cells))
    assert np.isnan(grid.heights[0, 0])
    assert ("height.absurd", 1) in {(d.code, d.count) for d in grid.diagnostics}


def test_scale_and_offset_are_applied(tmp_path):
    def describe(dataset: Any) -> None:
        dataset.scales, dataset.offsets = (0.01,), (100.0,)

    grid = terrain(written(tmp_path / "a.tif", ramp(dtype=np.uint16), describe=describe, nodata=7))
    expected = (ramp() * 0.01 + 100).astype(np.float32)
    expected[0, 7] = np.nan
    assert np.allclose(grid.heights, expected, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize(
    ("name", "crs", "metres"),
    [
        ("ft", "EPSG:25832", 0.3048),
        ("US survey foot", "EPSG:25832", 1200 / 3937),
        ("metre", "EPSG:25832", 1.0),
        ("cm", "EPSG:25832", 0.01),
        ("ft", "EPSG:2225+8228", 1.0),  # NAVD88 in feet: they are as expected
        ("m", "EPSG:25832+7837", 1.0),
    ],
)
def test_heights_in_another_unit_than_their_system_are_converted_and_told(tmp_path, name, crs, metres):
    grid = terrain(written(tmp_path / "a.tif", ramp(), describe=unit(name), crs=crs))
    assert np.allclose(grid.heights, ramp() * metres, rtol=1e-6)
    assert ("height.unit-converted" in codes(grid)) == (metres != 1.0)


def test_a_vertical_system_is_kept(tmp_path):
    grid = terrain(written(tmp_path / "a.tif", ramp(), crs="EPSG:7415"))
    assert grid.crs is not None
    assert (grid.crs.horizontal, grid.crs.vertical) == ("EPSG:28992", "EPSG:5709")


# --- where ------------------------------------------------------------------------------------------------------


def test_a_raster_of_points_lies_half_a_cell_up_and_left(tmp_path):
    """GTRasterTypeGeoKey 2, PixelIsPoint: the tie point is the centre of the cell (GeoTIFF 1.1, 7.1.2.2)."""
    path = written(tmp_path / "area.tif", ramp())
    content = path.read_bytes()
    key = struct.pack("<4H", 1025, 0, 1, 1)
    assert content.count(key) == 1
    (tmp_path / "point.tif").write_bytes(content.replace(key, struct.pack("<4H", 1025, 0, 1, 2)))
    area, point = terrain(path), terrain(tmp_path / "point.tif")
    assert area.transform == (2, 0, 500_000, 0, -2, 5_600_000)
    assert point.transform == (2, 0, 499_999, 0, -2, 5_600_001)
    # The centre of the first cell is where the file says.
    a, b, x, d, e, y = point.transform
    assert (a * 0.5 + b * 0.5 + x, d * 0.5 + e * 0.5 + y) == (500_000, 5_600_000)


def test_a_rotated_raster_keeps_its_rotation_and_its_corners(tmp_path):
    turned = Affine.translation(500_000, 5_600_000) @ Affine.rotation(30) @ Affine.scale(2, -3)
    grid = terrain(written(tmp_path / "a.tif", ramp(), transform=turned))
    assert grid.transform == pytest.approx(tuple(turned)[:6])
    corners = np.array([turned @ corner for corner in [(0, 0), (40, 0), (0, 30), (40, 30)]])
    assert grid.extent is not None
    low_x, low_y, _, high_x, high_y, _ = grid.extent.as_tuple()
    assert [low_x, low_y] == pytest.approx(corners.min(axis=0).tolist())
    assert [high_x, high_y] == pytest.approx(corners.max(axis=0).tolist())


def test_a_world_file_beside_it_says_where_a_tiff_lies(tmp_path):
    path = written(tmp_path / "a.tif", ramp(), crs=None, transform=None)
    (tmp_path / "a.tfw").write_text("2\n0\n0\n-2\n500001\n5599999\n")
    grid = terrain(path)
    assert grid.transform == (2, 0, 500_000, 0, -2, 5_600_000)
    assert not grid.diagnostics


def test_a_picture_without_a_place_stands_upright_in_pixels_and_says_so(tmp_path):
    grid = image(written(tmp_path / "a.tif", ramp(dtype=np.uint8), crs=None, transform=None))
    assert grid.crs is None
    assert grid.transform == (1, 0, 0, 0, -1, 30)
    assert codes(grid) == {"raster.no-georeference"}


# --- size -------------------------------------------------------------------------------------------------------


def test_a_large_raster_is_averaged_and_stays_in_its_place(tmp_path):
    cells = np.add.outer(np.arange(400.0), np.arange(600.0)).astype(np.float32)
    grid = terrain(written(tmp_path / "a.tif", cells, tiled=True, blockxsize=64, blockysize=64), max_side=60)
    assert grid.heights.shape == (40, 60)
    assert (grid.width, grid.height) == (600, 400)
    assert grid.transform == (20, 0, 500_000, 0, -20, 5_600_000)
    assert np.allclose(grid.heights, cells.reshape(40, 10, 60, 10).mean(axis=(1, 3)), atol=1e-3)
    assert codes(grid) == {"raster.coarsened"}


def test_averages_leave_out_what_has_no_data(tmp_path):
    cells = np.full((400, 400), 50, np.float32)
    cells[::2] = -9999
    cells[:100, :100] = -9999
    grid = terrain(written(tmp_path / "a.tif", cells, nodata=-9999), max_side=40)
    assert np.isnan(grid.heights[:10, :10]).all()
    assert np.nanmin(grid.heights) == np.nanmax(grid.heights) == 50


def test_overviews_are_used(tmp_path):
    path = written(tmp_path / "a.tif", np.zeros((1024, 1024), np.float32), tiled=True, blockxsize=128, blockysize=128)
    with rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([8], Resampling.nearest)
    with rasterio.open(path, "r+", overview_level=0) as overview:
        overview.write(np.full((128, 128), 7, np.float32), 1)
    assert np.unique(terrain(path, max_side=128).heights).tolist() == [7]


def sparse(path: Path, side: int) -> Path:
    profile = {"driver": "GTiff", "count": 1, "height": side, "width": side, "dtype": "float32", "sparse_ok": True}
    tiles = {"tiled": True, "blockxsize": 512, "blockysize": 512, "BIGTIFF": "YES"}
    with rasterio.open(path, "w", **profile, **tiles, crs="EPSG:25832", transform=HERE):
        pass
    return path


def test_a_huge_sparse_raster_is_asked_for_in_strips_and_can_be_stopped_at_once(tmp_path):
    path = sparse(tmp_path / "a.tif", 200_000)
    assert path.stat().st_size < 10_000_000
    with pytest.raises(Cancelled):
        geotiff.read(path=path, feedback=StopsAfter(3))


# --- pictures ---------------------------------------------------------------------------------------------------


def test_a_palette_gives_its_colours(tmp_path):
    colours = {0: (255, 0, 0, 255), 1: (0, 128, 0, 255), 2: (0, 0, 64, 255)}

    def describe(dataset: Any) -> None:
        dataset.write_colormap(1, colours)

    cells = ramp(dtype=np.uint8) % 3
    grid = image(written(tmp_path / "a.tif", cells, describe=describe, photometric="PALETTE"))
    assert np.array_equal(grid.pixels, np.array([colours[n] for n in range(3)], np.uint8)[cells])
    assert not grid.diagnostics


@pytest.mark.parametrize(("photometric", "black"), [("MINISBLACK", 0), ("MINISWHITE", 1)])
def test_one_bit_is_black_and_white(tmp_path, photometric, black):
    cells = ramp(dtype=np.uint8) % 2
    grid = image(written(tmp_path / "a.tif", cells, nbits=1, photometric=photometric))
    assert np.array_equal(grid.pixels[..., 0] == 0, cells == black)
    assert set(np.unique(grid.pixels[..., :3])) == {0, 255}


def test_alpha_is_kept_and_grey_with_alpha_too(tmp_path):
    cells = np.stack([ramp(10, 10, np.uint8)] * 3 + [ramp(10, 10, np.uint8)])
    grid = image(written(tmp_path / "a.tif", cells, photometric="RGB", alpha="YES"))
    assert np.array_equal(grid.pixels[..., 3], cells[3])
    grey = image(written(tmp_path / "b.tif", cells[2:], photometric="MINISBLACK", alpha="YES"))
    assert np.array_equal(grey.pixels, np.stack([cells[0], cells[0], cells[0], cells[3]], axis=-1))


def test_bands_that_are_named_red_green_and_blue_are_shown_as_these(tmp_path):
    def describe(dataset: Any) -> None:
        dataset.colorinterp = (ColorInterp.undefined, ColorInterp.blue, ColorInterp.green, ColorInterp.red)

    cells = np.stack([np.full((4, 4), value, np.uint8) for value in (9, 10, 20, 30)])
    grid = image(written(tmp_path / "a.tif", cells, describe=describe, photometric="MINISBLACK"))
    assert grid.pixels[0, 0].tolist() == [30, 20, 10, 255]
    assert grid.bands == 4


def test_sixteen_bits_are_stretched_over_their_middle_and_that_is_told(tmp_path):
    cells = np.stack([np.linspace(1000, 3000, 10_000).reshape(100, 100).astype(np.uint16)] * 3)
    grid = image(written(tmp_path / "a.tif", cells, photometric="RGB"))
    low, high = np.percentile(cells, (2, 98))
    expected = np.clip((cells[0] - low) * 255 / (high - low), 0, 255)
    assert np.abs(grid.pixels[..., 0] - expected).max() <= 2  # the percentiles are those of a coarse version
    assert codes(grid) == {"image.stretched"}


# --- loss -------------------------------------------------------------------------------------------------------


def seed(name: str, folder: Path) -> Path:
    cells = np.random.default_rng(5).integers(0, 200, (3, 256, 256)).astype(np.uint8)
    if name == "heights.tif":
        return written(folder / name, (ramp(256, 256) % 977) / 3, compress="DEFLATE", predictor=3)
    if name == "plain.tif":
        return written(folder / name, ramp(256, 256, np.int16))
    if name == "tiles.tif":
        return written(
            folder / name, cells, photometric="RGB", compress="LZW", tiled=True, blockxsize=64, blockysize=64
        )
    return written(folder / name, cells, photometric="YCBCR", compress="JPEG", tiled=True, blockxsize=64, blockysize=64)


SEEDS = ["heights.tif", "plain.tif", "tiles.tif", "jpeg.tif"]


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("rasters")
    return {name: seed(name, folder).read_bytes() for name in SEEDS}


def cells_of(grid: Grid) -> np.ndarray[Any, Any]:
    return grid.heights if isinstance(grid, TerrainGrid) else grid.pixels


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # rasterio's log of non-UTF-8 messages
@pytest.mark.parametrize("number", range(CUTS))
@pytest.mark.parametrize("name", SEEDS)
def test_a_file_that_is_cut_off_is_told(tmp_path, seeds, name, number):
    path = tmp_path / name
    path.write_bytes(seeds[name])
    whole = read(path)
    path.write_bytes(cut(seeds[name], number))
    try:
        grid = read(path)
    except ReadError:
        return
    if not any(diagnostic.severity is not Severity.INFO for diagnostic in grid.diagnostics):
        assert np.array_equal(cells_of(grid), cells_of(whole), equal_nan=isinstance(grid, TerrainGrid))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # as above
@pytest.mark.parametrize("number", range(60))
@pytest.mark.parametrize("name", SEEDS)
def test_whatever_is_damaged_gives_a_raster_or_an_error_for_people(tmp_path, seeds, name, number):
    path = tmp_path / name
    path.write_bytes(mutated(seeds[name], number))
    with suppress(TwinViewerError):
        (grid,) = geotiff.read(path=path, feedback=Silent())
        check(mended(grid, limit=RAW_LIMIT))


# --- attacks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".tif", ".tiff", ".TIF", ".vrt", ""])
@pytest.mark.parametrize("before", ["", "\ufeff", " \n\t", "<?xml version='1.0'?>\n", "II*\0", "MM\0*"])
def test_a_virtual_raster_in_disguise_is_refused(tmp_path, suffix, before):
    secret = tmp_path / "secret.csv"
    secret.write_text("password\nswordfish\n")
    path = tmp_path / f"photo{suffix}"
    path.write_text(
        f"{before}<VRTDataset rasterXSize='4' rasterYSize='4'><VRTRasterBand dataType='Byte' band='1' "
        f"subClass='VRTRawRasterBand'><SourceFilename>{secret}</SourceFilename></VRTRasterBand></VRTDataset>"
    )
    with pytest.raises((HostileFileError, UnsupportedFormatError, DamagedFileError)):
        read(path)


@pytest.mark.parametrize(
    "name",
    ["/vsicurl/http://127.0.0.1:9/a.tif", "http://127.0.0.1:9/a.tif", "GTIFF_DIR:1:a.tif", "MEM:::DATAPOINTER=1"],
)
def test_a_name_of_gdal_is_no_file(name):
    with pytest.raises(ReadError, match="no such file"):
        read(Path(name))


@pytest.mark.parametrize("name", ["a;b.tif", "a!b.tif", "100 %.tif", "zip:a.tif", "GTIFF_RAW:a.tif", "😀\n.tif"])
def test_any_name_that_a_file_can_have_is_opened(tmp_path, monkeypatch, name):
    written(tmp_path / "plain.tif", ramp()).rename(tmp_path / name)
    assert terrain(tmp_path / name).width == 40
    monkeypatch.chdir(tmp_path)
    assert terrain(Path(name)).width == 40


def test_nothing_is_written_beside_the_file(tmp_path):
    path = written(tmp_path / "a.tif", ramp(dtype=np.uint16), describe=unit("m"))
    before = sorted(file.name for file in tmp_path.iterdir())
    read(path)
    read(path, kind="image")
    assert sorted(file.name for file in tmp_path.iterdir()) == before


def test_a_file_beside_it_can_not_change_what_it_says(tmp_path):
    path = written(tmp_path / "a.tif", ramp())
    (tmp_path / "a.tif.aux.xml").write_text(
        "<PAMDataset><GeoTransform>1, 1, 0, 2, 0, 1</GeoTransform><SRS>EPSG:3857</SRS></PAMDataset>"
    )
    assert terrain(path).transform == (2, 0, 500_000, 0, -2, 5_600_000)


# --- progress ---------------------------------------------------------------------------------------------------


def test_progress_rises_to_the_end_and_cancelling_stops(tmp_path, monkeypatch):
    monkeypatch.setattr(geotiff, "_STRIP_PIXELS", 400)
    path = written(tmp_path / "a.tif", ramp(), tiled=True, blockxsize=16, blockysize=16)
    listener = Listener()
    geotiff.read(path=path, feedback=listener)
    assert listener.fractions == sorted(listener.fractions)
    assert listener.fractions[-1] == 1.0
    with pytest.raises(Cancelled):
        geotiff.read(path=path, feedback=StopsAfter(2))

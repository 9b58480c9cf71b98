"""Layers come to lie where surveyors, pyproj called on its own and closed forms say that they should."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.small_layers import (
    cell_centres,
    city_model,
    features,
    mesh,
    picture,
    point_cloud,
    terrain,
)
from twinviewer.formats.placement import place
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import MissingCrsError, UnknownCrsError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import LOCAL, ReferenceSystem


def system(horizontal: str, vertical: str | None = None) -> ReferenceSystem:
    return ReferenceSystem(horizontal=horizontal, vertical=vertical)


UTM32 = system("EPSG:25832")
UTM32_DHHN2016 = system("EPSG:25832", "EPSG:7837")
WGS84 = system("EPSG:4326")
US_FOOT_M = 1200 / 3937

# A made-up town square in Freiburg, in UTM 32.
SQUARE = np.array([[413_500.0, 5_316_100.0, 280.0], [413_600.0, 5_316_100.0, 281.0], [413_600.0, 5_316_200.0, 282.5]])


def placed(data: LayerData, target: ReferenceSystem) -> LayerData:
    return place(data, target=target, feedback=Silent())


def codes(data: LayerData) -> dict[str, Severity]:
    return {diagnostic.code: diagnostic.severity for diagnostic in data.diagnostics}


def told(data: LayerData, code: str) -> str:
    return next(diagnostic.problem for diagnostic in data.diagnostics if diagnostic.code == code)


def coordinates(data: LayerData) -> list[np.ndarray]:
    names = ("vertices", "positions", "points", "line_vertices", "ring_vertices")
    return [array for name in names if isinstance(array := getattr(data, name, None), np.ndarray)]


POINT_KINDS = [
    city_model,
    point_cloud,
    mesh,
    lambda points, crs: features(points, crs, has_z=True),
]


# --- points -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("make", POINT_KINDS)
def test_data_that_is_there_already_keeps_its_arrays(make) -> None:
    before = make(SQUARE, UTM32_DHHN2016)
    after = placed(before, UTM32_DHHN2016)
    assert all(a is b for a, b in zip(coordinates(before), coordinates(after), strict=True))
    assert after.diagnostics == ()


def test_grids_that_are_there_already_keep_their_arrays() -> None:
    grid = terrain(np.arange(12.0).reshape(3, 4), (1.0, 0, 500_000.0, 0, -1.0, 5_000_000.0), UTM32)
    image = picture(np.zeros((3, 4, 4), np.uint8), (1.0, 0, 500_000.0, 0, -1.0, 5_000_000.0), UTM32)
    assert placed(grid, UTM32).heights is grid.heights
    assert placed(image, UTM32).pixels is image.pixels


@pytest.mark.parametrize("make", POINT_KINDS)
def test_degrees_become_metres_in_every_kind_of_layer(make) -> None:
    # EPSG:32632 of 9° E 0° N is 500,000 E 0 N by definition; 9° E 48° N is what pyproj says when called alone.
    points = np.array([[9.0, 48.0, 100.0], [9.01, 48.0, 101.0], [9.01, 48.01, 102.0]])
    east, north = pyproj.Proj(proj="utm", zone=32, ellps="WGS84")(points[:, 0], points[:, 1])
    after = placed(make(points, WGS84), system("EPSG:32632"))
    for group in coordinates(after):
        np.testing.assert_allclose(group[:3, 0], east, atol=1e-6)
        np.testing.assert_allclose(group[:3, 1], north, atol=1e-6)
        assert group[:3, 2].tolist() == [100.0, 101.0, 102.0]
    assert after.crs == system("EPSG:32632")


def test_a_worked_example_of_the_british_grid_comes_out() -> None:
    # Ordnance Survey, “A guide to coordinate systems in Great Britain”, C.1: the same point on the same ellipsoid.
    longitude, latitude = 1 + 43 / 60 + 4.5177 / 3600, 52 + 39 / 60 + 27.2531 / 3600
    after = placed(point_cloud(np.array([[longitude, latitude, 24.7]]), system("EPSG:4277")), system("EPSG:27700"))
    np.testing.assert_allclose(after.positions, [[651409.903, 313177.270, 24.7]], atol=0.001)


def test_the_centre_of_the_dutch_grid_comes_out() -> None:
    # The church tower of Amersfoort, 52° 9' 22.178" N 5° 23' 15.500" E (Bessel), is RD (155000, 463000) by definition.
    tower = np.array([[5 + 23 / 60 + 15.500 / 3600, 52 + 9 / 60 + 22.178 / 3600, 0.0]])
    after = placed(point_cloud(tower, system("EPSG:4289")), system("EPSG:28992"))
    np.testing.assert_allclose(after.positions[0, :2], [155_000, 463_000], atol=0.001)


def test_geocentric_points_stand_on_the_ellipsoid() -> None:
    # On the equator at the prime meridian the geocentric x is the ellipsoid's larger half axis, plus the height.
    points = np.array([[6_378_137.0 + 35.0, 0.0, 0.0]])
    after = placed(point_cloud(points, system("EPSG:4978")), system("EPSG:32631"))
    np.testing.assert_allclose(after.positions[0], [500_000 - 333_978.556, 0.0, 35.0], atol=0.001)
    assert codes(after)["height.datum-kept"] is Severity.WARNING


def test_feet_become_metres_and_the_vertical_unit_counts_for_itself() -> None:
    # Oregon: x, y in metres, heights above NAVD88 in US survey feet.
    source, target = system("EPSG:2991", "EPSG:6360"), system("EPSG:2991", "EPSG:5703")
    after = placed(point_cloud(np.array([[194_500.0, 259_250.0, 1_400.0]]), source), target)
    np.testing.assert_allclose(after.positions, [[194_500.0, 259_250.0, 1_400.0 * US_FOOT_M]], atol=1e-9)
    assert after.diagnostics == ()


def test_heights_without_a_datum_are_taken_in_the_unit_of_the_map_and_that_is_told() -> None:
    source, target = system("EPSG:2226"), system("EPSG:26910")  # California zone 2 in US survey feet
    point = np.array([[6_700_000.0, 1_970_000.0, 100.0]])
    after = placed(point_cloud(point, source), target)
    expected = pyproj.Transformer.from_crs("EPSG:2226", "EPSG:26910", always_xy=True).transform(*point[0, :2])
    np.testing.assert_allclose(after.positions[0, :2], expected, atol=1e-6)
    assert after.positions[0, 2] == pytest.approx(100.0 * US_FOOT_M, abs=1e-9)
    assert "US survey foot" in told(after, "height.unit-assumed")


def test_depths_become_heights() -> None:
    after = placed(
        point_cloud(np.array([[413_500.0, 5_316_100.0, 12.0]]), system("EPSG:25832", "EPSG:5715")), system("EPSG:25832")
    )
    assert after.positions[0, 2] == -12.0


def test_map_layers_without_heights_lie_at_zero_whatever_the_datum() -> None:
    flat = SQUARE * [1, 1, 0]
    after = placed(features(flat, system("EPSG:25832", "EPSG:5783"), has_z=False), system("EPSG:25833", "EPSG:7837"))
    assert all((group[:, 2] == 0).all() for group in coordinates(after))
    assert not any(code.startswith("height") for code in codes(after))


@given(
    st.lists(
        st.tuples(st.floats(84_000, 87_000), st.floats(445_000, 449_000), st.floats(-10, 200)), min_size=1, max_size=9
    )
)
@settings(max_examples=15, deadline=None)
def test_there_and_back_is_where_it_was_to_a_millimetre(points: list[tuple[float, float, float]]) -> None:
    rd, utm = system("EPSG:28992", "EPSG:5709"), system("EPSG:25831", "EPSG:5709")
    before = point_cloud(np.array(points), rd)
    back = placed(placed(before, utm), rd)
    np.testing.assert_allclose(back.positions, before.positions, atol=0.001)


# --- what is not known ------------------------------------------------------------------------------------------


def test_heights_between_datums_whose_grid_is_missing_stay_and_the_grid_is_named() -> None:
    after = placed(point_cloud(np.array([[7.8, 48.0, 320.0]]), system("EPSG:4937")), UTM32_DHHN2016)
    assert after.positions[0, 2] == 320.0
    assert codes(after)["height.datum-kept"] is Severity.WARNING
    assert "DHHN2016 height" in told(after, "height.datum-kept")
    assert "the ellipsoid" in told(after, "height.datum-kept")


@pytest.mark.parametrize(
    ("source", "target", "code", "severity"),
    [
        (UTM32, UTM32_DHHN2016, "height.datum-assumed", Severity.INFO),
        (UTM32_DHHN2016, UTM32, "height.datum-kept", Severity.INFO),
        (system("EPSG:25832", "EPSG:5709"), UTM32_DHHN2016, "height.datum-kept", Severity.WARNING),
    ],
)
def test_heights_of_unnamed_or_unconnected_datums_stay_and_that_is_told(
    source: ReferenceSystem, target: ReferenceSystem, code: str, severity: Severity
) -> None:
    after = placed(city_model(SQUARE, source), target)
    assert codes(after) == {code: severity}
    assert after.vertices[:, 2].tolist() == SQUARE[:, 2].tolist()


def test_a_shift_that_proj_only_assumes_is_never_silent() -> None:
    # A file that names an ellipsoid but no datum.
    source = system("+proj=utm +zone=32 +ellps=bessel +units=m +type=crs")
    after = placed(point_cloud(SQUARE, source), UTM32)
    assert codes(after)["crs.shift-unknown"] is Severity.WARNING


@pytest.mark.parametrize(
    ("source", "target", "point", "severity", "grid"),
    [
        ("EPSG:31467", "EPSG:25832", (3_413_500.0, 5_318_000.0), Severity.INFO, "BWTA2017"),  # 1 m
        ("EPSG:27700", "EPSG:25830", (400_000.0, 300_000.0), Severity.WARNING, "OSTN15"),  # 3 m
    ],
)
def test_a_rough_shift_names_the_grid_that_would_better_it(source, target, point, severity, grid) -> None:
    after = placed(point_cloud(np.array([[*point, 0.0]]), system(source)), system(target))
    assert codes(after) == {"crs.shift-rough": severity}
    assert grid in told(after, "crs.shift-rough")


def test_coordinates_far_from_where_their_system_is_used_are_told() -> None:
    after = placed(point_cloud(np.array([[45.0, 48.0, 0.0]]), system("EPSG:4289")), system("EPSG:32638"))
    assert codes(after)["crs.outside-area"] is Severity.WARNING


def test_coordinates_that_cannot_be_what_the_file_says_are_refused() -> None:
    metres_called_degrees = point_cloud(SQUARE, WGS84)
    with pytest.raises(MissingCrsError):
        placed(metres_called_degrees, UTM32)


def test_two_names_of_one_system_keep_coordinates_where_they_are() -> None:
    points = np.array([[9.0, 48.0, 1.0], [9.1, 48.1, 2.0]])
    after = placed(point_cloud(points, system("OGC:CRS84")), WGS84)
    np.testing.assert_allclose(after.positions, points, atol=1e-12)
    assert after.diagnostics == ()


def test_a_raster_that_cannot_be_where_the_file_says_is_refused() -> None:
    metres_called_degrees = (1000.0, 0, 413_500.0, 0, -1000.0, 5_316_100.0)
    with pytest.raises(MissingCrsError):
        placed(terrain(np.ones((9, 8)), metres_called_degrees, WGS84), UTM32)


def test_a_local_system_has_no_way_to_the_earth() -> None:
    with pytest.raises(UnknownCrsError):
        placed(mesh(SQUARE, LOCAL), UTM32)


def test_one_absurd_vertex_does_not_take_the_rest_with_it() -> None:
    points = np.array([[9.0, 48.0, 1.0], [1e20, 48.0, 1.0], [9.1, 48.0, 1.0]])
    after = placed(point_cloud(points, WGS84), UTM32)
    assert np.isfinite(after.positions).all(axis=1).tolist() == [True, False, True]
    assert np.isfinite(after.extent.as_tuple()).all()


def test_the_work_stops_when_asked() -> None:
    class Impatient(Silent):
        def stop_if_cancelled(self) -> None:
            raise Cancelled

    many = np.tile([9.0, 48.0, 0.0], (10, 1))
    with pytest.raises(Cancelled):
        place(point_cloud(many, WGS84), target=UTM32, feedback=Impatient())


# --- grids ------------------------------------------------------------------------------------------------------

OREGON_M, OREGON_FEET = system("EPSG:2991"), system("EPSG:2992")  # the same projection in metres and in feet


def test_a_grid_in_feet_becomes_one_in_metres_without_touching_its_pixels() -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (20, 30, 4), np.uint8)
    image = picture(pixels, (10.0, 0, 636_000.0, 0, -10.0, 849_000.0), OREGON_FEET)
    after = placed(image, OREGON_M)
    assert after.pixels is pixels
    np.testing.assert_allclose(
        after.transform, np.array(image.transform) * 0.3048, atol=1e-4
    )  # both count from the same origin, in international feet
    assert after.file_extent.max_x == pytest.approx((636_000 + 300) * 0.3048, abs=1e-3)


def test_heights_of_a_grid_in_feet_become_metres_and_the_extent_with_them() -> None:
    grid = terrain(
        np.array([[1000.0, np.nan], [1200.0, 1100.0]]), (10.0, 0, 636_000.0, 0, -10.0, 849_000.0), OREGON_FEET
    )
    after = placed(grid, OREGON_M)
    np.testing.assert_allclose(after.heights, grid.heights * 0.3048, rtol=1e-6)
    assert (after.file_extent.min_z, after.file_extent.max_z) == (pytest.approx(304.8), pytest.approx(365.76))


@pytest.mark.parametrize("target", [system("EPSG:25832", "EPSG:5730"), system("EPSG:25833", "EPSG:5730")])
def test_heights_of_a_grid_change_their_datum_as_single_points_do(target: ReferenceSystem) -> None:
    # DHHN92 to EVRF2000 is a tilted plane over Germany (EPSG operation 5424); no grid is needed.
    source = system("EPSG:25832", "EPSG:5783")
    transform = (1000.0, 0, 300_000.0, 0, -1000.0, 6_000_000.0)
    heights = np.random.default_rng(3).normal(200, 50, (500, 400))
    after = placed(terrain(heights, transform, source), replace(target, horizontal="EPSG:25832"))
    centres = cell_centres(heights.shape, transform).reshape(-1, 2)
    points = placed(point_cloud(np.column_stack([centres, heights.ravel()]), source), target)
    moved = points.positions[:, 2].reshape(heights.shape)
    assert np.ptp(moved - heights) > 0.002
    np.testing.assert_allclose(after.heights, moved, atol=2e-4)
    assert codes(after) == {}


def tilted(xy: np.ndarray) -> np.ndarray:
    """A plane over UTM 32, in metres."""
    return 100.0 + (xy[..., 0] - 413_500.0) * 0.01 + (xy[..., 1] - 5_316_100.0) * 0.02


def test_a_small_turn_keeps_every_height_and_tells_where_the_cells_lie() -> None:
    # Half a kilometre of Gauß-Krüger: turned and shifted against UTM, straight to a tenth of a cell.
    transform = (1.0, 0, 3_413_500.0, 0, -1.0, 5_318_000.0)
    heights = np.random.default_rng(2).normal(300, 5, (500, 500))
    after = placed(terrain(heights, transform, system("EPSG:31467")), UTM32)
    np.testing.assert_array_equal(after.heights, heights.astype(np.float32))
    to_utm = pyproj.Transformer.from_crs("EPSG:31467", "EPSG:25832", always_xy=True)
    expected = np.stack(to_utm.transform(*np.moveaxis(cell_centres((500, 500), transform), -1, 0)), axis=-1)
    assert np.abs(cell_centres((500, 500), after.transform) - expected).max() < 0.1


def test_resampled_heights_are_those_of_the_place() -> None:
    # A tilted plane over two degrees, measured at the cells of a grid in degrees.
    transform = (0.002, 0, 8.0, 0, -0.002, 48.6)
    to_utm = pyproj.Transformer.from_crs("EPSG:4258", "EPSG:25832", always_xy=True)
    lon_lat = cell_centres((300, 400), transform)
    xy = np.stack(to_utm.transform(lon_lat[..., 0], lon_lat[..., 1]), axis=-1)
    heights = tilted(xy)
    after = placed(terrain(heights, transform, system("EPSG:4258")), UTM32)
    assert after.transform[1] == after.transform[3] == 0
    there = np.isfinite(after.heights)
    assert 0.85 < there.mean() < 1
    missed = (after.heights - tilted(cell_centres(after.heights.shape, after.transform)))[there]
    assert np.abs(missed).max() < 222 / 2 * 0.02 + 111 / 2 * 0.01 + 0.05  # half a cell on the slopes, at the rim
    assert np.quantile(np.abs(missed), 0.98) < 0.05


def test_a_picture_lands_right_to_half_a_pixel() -> None:
    # White crosses at known places, found again in the warped picture.
    transform = (0.0005, 0, 9.9, 0, -0.0005, 48.2)
    pixels = np.zeros((400, 500, 4), np.uint8)
    pixels[..., 3] = 255
    marks = [(60, 70), (200, 250), (350, 440), (60, 440), (350, 70)]
    for row, column in marks:
        pixels[row - 1 : row + 2, column - 1 : column + 2, :3] = 255
    after = placed(picture(pixels, transform, WGS84), UTM32)
    to_utm = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:25832", always_xy=True)
    centres = cell_centres(after.pixels.shape, after.transform)
    light = after.pixels[..., 0].astype(float)
    for row, column in marks:
        x, y = to_utm.transform(*cell_centres(pixels.shape, transform)[row, column])
        near = np.hypot(centres[..., 0] - x, centres[..., 1] - y) < 5 * after.transform[0]
        found = (centres[near] * light[near][:, None]).sum(axis=0) / light[near].sum()
        assert np.hypot(*(found - [x, y])) < 0.5 * after.transform[0]


def test_what_a_turned_picture_does_not_cover_is_transparent_and_its_rim_keeps_its_colour() -> None:
    pixels = np.full((300, 300, 4), [200, 100, 50, 255], np.uint8)
    pixels[100:150, 100:150] = 0
    after = placed(picture(pixels, (0.001, 0, 11.5, 0, -0.001, 49.0), WGS84), UTM32)
    assert (after.pixels[..., 3] == 0).any()
    shown = after.pixels[after.pixels[..., 3] > 0]
    assert np.abs(shown[:, :3].astype(int) - [200, 100, 50]).max() <= 1


def test_cells_without_data_stay_without_data() -> None:
    heights = np.full((200, 200), 50.0)
    heights[80:120, 80:120] = np.nan
    after = placed(terrain(heights, (0.001, 0, 11.5, 0, -0.001, 49.0), WGS84), UTM32)
    there = np.isfinite(after.heights)
    np.testing.assert_allclose(after.heights[there], 50.0, rtol=1e-6)
    middle = tuple(side // 2 for side in after.heights.shape)
    assert not there[middle]


def test_a_resampled_grid_is_as_near_to_the_truth_as_gdals() -> None:
    from rasterio.crs import CRS
    from rasterio.transform import Affine
    from rasterio.warp import Resampling, reproject

    def hills(lon: np.ndarray, lat: np.ndarray) -> np.ndarray:
        return 300 + 100 * np.sin(lon * 30) * np.cos(lat * 30)

    transform = (0.002, 0, 8.0, 0, -0.002, 48.6)
    heights = hills(*np.moveaxis(cell_centres((300, 400), transform), -1, 0))
    after = placed(terrain(heights, transform, system("EPSG:4258")), UTM32)
    judge = np.full(after.heights.shape, np.nan, np.float32)
    reproject(
        heights.astype(np.float32),
        judge,
        src_transform=Affine(*transform),
        src_crs=CRS.from_epsg(4258),
        dst_transform=Affine(*after.transform),
        dst_crs=CRS.from_epsg(25832),
        src_nodata=np.nan,
        dst_nodata=np.nan,
        resampling=Resampling.bilinear,
    )
    centres = np.moveaxis(cell_centres(after.heights.shape, after.transform), -1, 0)
    truth = hills(*pyproj.Transformer.from_crs("EPSG:25832", "EPSG:4258", always_xy=True).transform(*centres))
    both = np.isfinite(judge) & np.isfinite(after.heights)
    assert both.mean() > 0.85
    ours, gdals = (np.quantile(np.abs(values - truth)[both], 0.99) for values in (after.heights, judge))
    assert ours <= gdals
    assert ours < 0.1  # of 6 m that a cell is higher than the next on the steepest slope


def test_a_large_grid_is_quick_and_tells_how_far_it_is() -> None:
    class Listener(Silent):
        def __init__(self) -> None:
            self.fractions: list[float] = []
            self.questions = 0

        def progress(self, fraction: float, text: str = "") -> None:
            self.fractions.append(fraction)

        def stop_if_cancelled(self) -> None:
            self.questions += 1

    feedback = Listener()
    pixels = np.full((1500, 1500, 4), 255, np.uint8)
    place(picture(pixels, (0.0005, 0, 9.0, 0, -0.0005, 48.6), WGS84), target=UTM32, feedback=feedback)
    assert feedback.fractions == sorted(feedback.fractions)
    assert feedback.fractions[-1] == 1.0
    assert feedback.questions >= 15


def test_an_empty_layer_is_in_the_target_system_too() -> None:
    nothing = replace(features(SQUARE, WGS84, has_z=True), points=np.empty((0, 3)), point_feature=np.empty(0, np.int32))
    nothing = replace(
        nothing,
        line_vertices=np.empty((0, 3)),
        line_offsets=np.zeros(1, np.int64),
        line_feature=np.empty(0, np.int32),
        ring_vertices=np.empty((0, 3)),
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=np.empty(0, np.int32),
    )
    assert placed(nothing, UTM32).crs == UTM32

"""Nothing that would blank the view or end the process is let through; what can be taken out is, and told."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from tests.formats import small_layers
from tests.formats.test_exchange import GRID, KINDS, PLACES, UTM, layers
from twinviewer.formats.soundness import PLACED_LIMIT, RAW_LIMIT, check, mended
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.place import Extent

BAD_NUMBERS = [np.nan, np.inf, -np.inf, 1e30, -1e9]


@pytest.mark.parametrize("kind", KINDS)
def test_sound_data_passes_and_is_not_touched(kind: str) -> None:
    data = layers()[kind]
    check(data)
    assert mended(data, limit=PLACED_LIMIT) is data


def _arrays() -> Iterator[tuple[str, str]]:
    for kind, data in layers().items():
        for item in fields(data):
            if isinstance(array := getattr(data, item.name), np.ndarray) and array.size:
                yield kind, item.name


ARRAYS = list(_arrays())


@pytest.mark.parametrize(("kind", "name"), ARRAYS)
def test_an_array_of_another_dtype_is_refused(kind: str, name: str) -> None:
    data = layers()[kind]
    array = getattr(data, name)
    for dtype in {np.float64, np.float32, np.int64, np.int16, np.object_} - {array.dtype.type}:
        with pytest.raises(ValueError, match="of the wrong type"):
            check(replace(data, **{name: np.zeros(array.shape, dtype)}))


@pytest.mark.parametrize(("kind", "name"), ARRAYS)
def test_an_array_of_another_rank_is_refused(kind: str, name: str) -> None:
    data = layers()[kind]
    with pytest.raises(ValueError, match=r".+"):
        check(replace(data, **{name: getattr(data, name)[None]}))


FREE_LENGTHS = {("city-model", "triangles"), ("city-model", "edges"), ("mesh", "triangles")}
"""What else has a row for each of these says so when it loses one itself."""


@pytest.mark.parametrize(
    ("kind", "name"), [pair for pair in ARRAYS if pair[0] not in ("terrain", "image") and pair not in FREE_LENGTHS]
)
def test_an_array_that_lost_its_last_row_contradicts_the_others(kind: str, name: str) -> None:
    data = layers()[kind]
    with pytest.raises(ValueError, match=r".+"):
        check(replace(data, **{name: getattr(data, name)[:-1]}))


INDICES = [
    ("city-model", "triangles", 6),
    ("city-model", "edges", 6),
    ("city-model", "triangle_surface", 1),
    ("city-model", "edge_surface", 1),
    ("city-model", "surface_object", 1),
    ("city-model", "surface_type", 0),
    ("city-model", "surface_lod", 0),
    ("city-model", "object_type", 1),
    ("city-model", "object_parent", 1),
    ("features", "point_feature", 6),
    ("features", "line_feature", 6),
    ("features", "polygon_feature", 6),
    ("mesh", "triangles", 6),
]


@pytest.mark.parametrize(("kind", "name", "length"), INDICES)
def test_an_index_that_leads_nowhere_is_refused(kind: str, name: str, length: int) -> None:
    data = layers()[kind]
    for index in (length, 99_999_999, -2, np.iinfo(np.int32).min):
        array = getattr(data, name).copy()
        array.flat[-1] = index
        with pytest.raises(ValueError, match="out of range"):
            check(replace(data, **{name: array}))


@pytest.mark.parametrize("name", ["line_offsets", "ring_offsets", "polygon_offsets"])
@pytest.mark.parametrize("offsets", [[], [1], [0, -1], [0, 5, 3], [0, 10**9], [1, 2]])
def test_offsets_that_are_out_of_order_are_refused(name: str, offsets: list[int]) -> None:
    with pytest.raises(ValueError, match=r"out of order|was declared"):
        check(replace(layers()["features"], **{name: np.array(offsets, np.int64)}))


COORDINATES = [
    ("city-model", "vertices"),
    ("point-cloud", "positions"),
    ("features", "points"),
    ("features", "line_vertices"),
    ("features", "ring_vertices"),
    ("mesh", "vertices"),
]


@pytest.mark.parametrize(("kind", "name"), COORDINATES)
@pytest.mark.parametrize("number", [np.nan, np.inf, -1e30])
def test_coordinates_that_are_no_places_are_refused(kind: str, name: str, number: float) -> None:
    data = layers()[kind]
    array = getattr(data, name).copy()
    array[2, 1] = number
    with pytest.raises(ValueError, match="not finite"):
        check(replace(data, **{name: array}))


@pytest.mark.parametrize("kind", ["terrain", "image"])
@pytest.mark.parametrize("transform", [(1.0,) * 5, (1.0,) * 7, (np.nan, 0, 0, 0, 1, 0), (1, 0, np.inf, 0, 1, 0)])
def test_a_grid_that_lies_nowhere_is_refused(kind: str, transform: tuple[float, ...]) -> None:
    with pytest.raises(ValueError, match="six numbers"):
        check(replace(layers()[kind], transform=transform))


def test_an_extent_that_is_not_finite_is_refused() -> None:
    extent = Extent(min_x=0, min_y=0, min_z=0, max_x=1, max_y=np.inf, max_z=1)
    for kind in ("point-cloud", "terrain", "image"):
        with pytest.raises(ValueError, match="extent"):
            check(replace(layers()[kind], file_extent=extent))


def test_more_points_than_were_read_are_refused() -> None:
    with pytest.raises(ValueError, match="6 points where 5 were read"):
        check(replace(layers()["point-cloud"], read_count=5))


@pytest.mark.parametrize("kind", ["city-model", "features"])
def test_columns_of_another_length_or_type_are_refused(kind: str) -> None:
    data = layers()[kind]
    for change in (
        {"values": np.empty(99, object)},
        {"present": np.zeros(99, np.bool_)},
        {"present": np.zeros(len(data.attributes[0].present), np.uint8)},
        {"values": np.zeros(len(data.attributes[0].present), np.float32)},
    ):
        with pytest.raises(ValueError, match="name"):
            check(replace(data, attributes=(replace(data.attributes[0], **change),)))


# --- taking out ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("kind", "name"), COORDINATES)
@pytest.mark.parametrize("number", BAD_NUMBERS)
def test_what_has_absurd_coordinates_is_taken_out_and_told(kind: str, name: str, number: float) -> None:
    data = layers()[kind]
    array = getattr(data, name).copy()
    array[-1, 0] = number
    sound = mended(replace(data, **{name: array}), limit=PLACED_LIMIT)
    check(sound)
    assert len(getattr(sound, name)) < len(array)
    extent = sound.extent
    assert extent is not None
    assert np.isfinite(extent.as_tuple()).all()
    told = sound.diagnostics[len(data.diagnostics) :]
    assert [(diagnostic.code, diagnostic.count) for diagnostic in told] == [("coordinates.absurd", 1)]
    assert told[0].where
    check_the_rest(data, sound)


def check_the_rest(data: Any, sound: Any) -> None:
    """What was not bad is where it was: the first vertex of each kind is."""
    for name in ("vertices", "positions", "points", "line_vertices", "ring_vertices"):
        before, after = getattr(data, name, np.empty((0, 3))), getattr(sound, name, np.empty((0, 3)))
        if before is not None and len(before) and len(after):
            np.testing.assert_array_equal(before[0], after[0])


def test_triangles_keep_their_corners_when_vertices_go() -> None:
    """Four triangles; the second loses a vertex: the corners of the others are what they were."""
    vertices = np.arange(36, dtype=float).reshape(12, 3)
    bad = vertices.copy()
    bad[4] = np.nan
    sound = mended(small_layers.mesh(bad, UTM), limit=PLACED_LIMIT)
    expected = vertices.reshape(4, 3, 3)[[0, 2, 3]]
    np.testing.assert_array_equal(sound.vertices[sound.triangles], expected)


def test_of_features_only_the_bad_geometry_goes() -> None:
    """Two lines and two polygons (one with a hole); the second of each is bad."""
    ring = np.array([[0, 0, 0], [9, 0, 0], [9, 9, 0], [0, 0, 0.0]])
    hole = ring / 3 + 1
    bad = ring + 100
    bad[1, 1] = np.inf
    line = np.array([[0, 0, 0], [1, 1, 1.0]])
    data = replace(
        small_layers.features(PLACES[:3], UTM, has_z=True),
        feature_count=2,
        points=np.empty((0, 3)),
        point_feature=np.empty(0, np.int32),
        line_vertices=np.concatenate([line, [[np.nan] * 3, [1, 1, 1]], line + 5]),
        line_offsets=np.array([0, 2, 4, 6], np.int64),
        line_feature=np.array([0, 1, 1], np.int32),
        ring_vertices=np.concatenate([ring, hole, bad, hole + 100, ring + 50]),
        ring_offsets=np.array([0, 4, 8, 12, 16, 20], np.int64),
        polygon_offsets=np.array([0, 2, 4, 5], np.int64),
        polygon_feature=np.array([0, 1, 1], np.int32),
    )
    sound = mended(data, limit=PLACED_LIMIT)
    check(sound)
    np.testing.assert_array_equal(sound.line_vertices, np.concatenate([line, line + 5]))
    np.testing.assert_array_equal(sound.ring_vertices, np.concatenate([ring, hole, ring + 50]))
    assert sound.polygon_offsets.tolist() == [0, 2, 3]
    assert sound.polygon_feature.tolist() == [0, 1]
    assert [(each.where, each.count) for each in sound.diagnostics] == [("feature 1", 1)]


def test_absurd_heights_become_no_data() -> None:
    data = small_layers.terrain(np.array([[1.0, np.nan], [3.0, 4.0]]), GRID, UTM)
    heights = data.heights.copy()
    heights[1, 1] = 3.4e38
    sound = mended(replace(data, heights=heights), limit=PLACED_LIMIT)
    assert np.isnan(sound.heights).tolist() == [[False, True], [False, True]]
    assert sound.file_extent is not None
    assert (sound.file_extent.min_z, sound.file_extent.max_z) == (1.0, 3.0)
    assert sound.diagnostics[0].where == "row 1, column 1"


@pytest.mark.parametrize(("kind", "name"), [pair for pair in COORDINATES if pair[0] != "features"])
def test_a_layer_of_which_nothing_would_be_left_is_an_error(kind: str, name: str) -> None:
    data = layers()[kind]
    with pytest.raises(DamagedFileError, match="None of the coordinates") as caught:
        mended(replace(data, **{name: np.full_like(getattr(data, name), np.nan)}), limit=PLACED_LIMIT)
    assert caught.value.cure


def test_data_that_is_only_described_may_be_in_any_unit() -> None:
    far = small_layers.mesh(PLACES * 1e4, UTM)
    assert mended(far, limit=RAW_LIMIT) is far
    with pytest.raises(DamagedFileError):
        mended(far, limit=PLACED_LIMIT)


def test_of_very_many_findings_the_first_thousand_are_listed_and_the_rest_counted() -> None:
    found = tuple(Diagnostic(code="a.b", problem="Something.", where=str(n), count=2) for n in range(5000))
    sound = mended(replace(layers()["mesh"], diagnostics=found), limit=PLACED_LIMIT)
    assert len(sound.diagnostics) == 1001
    assert (sound.diagnostics[-1].code, sound.diagnostics[-1].count) == ("diagnostics.more", 8000)

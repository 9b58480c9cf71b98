"""Boxes and the project's local frame: what drawing in float32 may cost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twinviewer.model.place import Extent, LocalFrame, ReferenceSystem

UTM = ReferenceSystem(horizontal="EPSG:25832")
FRAME = LocalFrame(crs=UTM, origin=(691_000.0, 5_336_000.0, 0.0))
near = st.tuples(st.floats(-8_000, 8_000), st.floats(-8_000, 8_000), st.floats(-500, 4_000))
anywhere = st.floats(-1e7, 1e7)
boxes = st.lists(st.tuples(anywhere, anywhere, anywhere), min_size=1, max_size=8).map(np.array)


@given(near)
def test_a_point_of_a_city_at_utm_northings_comes_back_within_a_millimetre(offset: tuple[float, float, float]) -> None:
    point = np.add([FRAME.origin], [offset])
    there = FRAME.to_local(point)
    assert there.dtype == np.float32
    assert np.abs(FRAME.to_world(there) - point).max() < 0.001


def test_without_the_frame_float32_would_lose_decimetres() -> None:
    point = np.array([[691_000.37, 5_336_000.37, 518.1]])
    assert np.abs(point.astype(np.float32).astype(np.float64) - point).max() > 0.1
    assert np.abs(FRAME.to_world(FRAME.to_local(point)) - point).max() < 1e-4


def test_a_single_point_goes_to_the_world_too() -> None:
    assert FRAME.to_world((1.0, 2.0, 3.0)).tolist() == [691_001.0, 5_336_002.0, 3.0]


@given(boxes)
def test_a_box_is_around_all_its_points_and_touches_them(points: np.ndarray) -> None:
    extent = Extent.of(points)
    assert extent is not None
    assert extent.as_tuple() == (*points.min(axis=0), *points.max(axis=0))
    assert all(
        low <= middle <= high
        for low, middle, high in zip(extent.as_tuple()[:3], extent.centre, extent.as_tuple()[3:], strict=True)
    )
    assert extent.diagonal == pytest.approx(np.linalg.norm(extent.size))


@given(boxes, boxes)
def test_the_box_around_two_boxes_is_the_box_of_all_points(first: np.ndarray, second: np.ndarray) -> None:
    assert Extent.around([Extent.of(first), None, Extent.of(second)]) == Extent.of(np.concatenate([first, second]))


def test_points_that_are_nowhere_do_not_count() -> None:
    points = np.array([[1.0, 2.0, 3.0], [np.nan, 5.0, 6.0], [np.inf, 0.0, 0.0]])
    assert Extent.of(points) == Extent.of(points[:1])
    assert Extent.of(points[1:]) is None
    assert Extent.of(np.empty((0, 3))) is None
    assert Extent.around([None]) is None


def test_flat_points_have_no_height() -> None:
    extent = Extent.of(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert extent is not None
    assert (extent.min_z, extent.max_z) == (0.0, 0.0)

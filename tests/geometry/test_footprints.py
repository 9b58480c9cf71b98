"""Positions in footprints, against shapely's point-in-polygon and against closed forms."""

from __future__ import annotations

import time

import numpy as np
import pytest
import shapely

from tests.crowding import allowed_s
from twinviewer.geometry.footprints import Footprints

FAR_EAST = np.array([565_000.0, 5_934_000.0])


def blocks(centres: np.ndarray, half_m: np.ndarray, top_m: np.ndarray) -> Footprints:
    """Square blocks: a roof and a wall each."""
    square = np.array([[-1, -1, 1], [1, -1, 1], [1, 1, 1], [-1, 1, 1], [-1, -1, 0]], dtype=np.float64)
    vertices = square[None] * np.stack((half_m, half_m, top_m), axis=1)[:, None]
    vertices[:, :, :2] += centres[:, None]
    one = np.array([[0, 1, 2], [0, 2, 3], [0, 1, 4]], dtype=np.int32)
    triangles = (one[None] + 5 * np.arange(len(centres), dtype=np.int32)[:, None, None]).reshape(-1, 3)
    return Footprints(
        vertices=vertices.reshape(-1, 3),
        triangles=triangles,
        owner=np.repeat(np.arange(len(centres), dtype=np.int32), 3),
    )


def test_it_agrees_with_point_in_polygon_of_another_library() -> None:
    random = np.random.default_rng(4)
    centres = random.uniform(0, 1000, (400, 2)) + FAR_EAST
    half = np.where(np.arange(400) % 50 == 0, 200.0, random.uniform(2, 20, 400))  # a few are as large as a park
    top = random.permutation(400).astype(np.float64)
    points = random.uniform(-50, 1050, (3000, 2)) + FAR_EAST
    found, reach = blocks(centres, half, top).at(points)
    squares = shapely.box(*(centres - half[:, None]).T, *(centres + half[:, None]).T)
    point, square = shapely.STRtree(squares).query(shapely.points(points), predicate="intersects")
    expected = np.full(len(points), -1)
    for at, which in sorted(zip(point, square, strict=True), key=lambda pair: top[pair[1]]):
        expected[at] = which
    assert found.tolist() == expected.tolist()
    assert 500 < (found >= 0).sum() < 2900, "both kinds were tried"
    np.testing.assert_array_equal(reach[found >= 0], top[found[found >= 0]])


def test_a_courtyard_is_no_footprint_and_edges_are() -> None:
    outer, inner = shapely.box(0, 0, 30, 30), shapely.box(10, 10, 20, 20)
    pieces = shapely.get_parts(shapely.constrained_delaunay_triangles(outer.difference(inner)))
    corners = np.array([np.asarray(piece.exterior.coords)[:3, :2] for piece in pieces])
    vertices = np.concatenate((corners.reshape(-1, 2), np.zeros((corners.size // 2, 1))), axis=1)
    triangles = np.arange(len(vertices), dtype=np.int32).reshape(-1, 3)
    court = Footprints(vertices=vertices, triangles=triangles, owner=np.full(len(triangles), 7, np.int32))
    inside, _ = court.at(np.array([[5.0, 5.0], [15.0, 15.0], [0.0, 0.0], [30.0, 12.0], [31.0, 5.0]]))
    assert inside.tolist() == [7, -1, 7, 7, -1]


@pytest.mark.parametrize("owner", [-1, 0])
def test_nothing_stands_where_nothing_is(owner: int) -> None:
    wall = np.array([[0.0, 0.0, 0.0], [10.0, 0.0, 0.0], [10.0, 0.0, 5.0]])
    empty = Footprints(
        vertices=wall, triangles=np.array([[0, 1, 2]], np.int32), owner=np.array([owner], dtype=np.int32)
    )
    assert empty.at(np.array([[5.0, 0.0]]))[0].tolist() == [-1], "an upright wall covers nothing"
    assert empty.at(np.empty((0, 2)))[0].shape == (0,)


def test_ten_thousand_positions_among_a_hundred_thousand_objects_take_no_time_that_is_felt() -> None:
    row, column = np.divmod(np.arange(100_000), 317)
    centres = np.column_stack((column, row)) * 20.0 + FAR_EAST
    city = blocks(centres, np.full(100_000, 6.0), np.full(100_000, 9.0))
    chosen = np.random.default_rng(1).integers(0, 100_000, 10_000)
    began = time.perf_counter()
    found, _ = city.at(centres[chosen] + [5.9, -5.9])
    took_s = time.perf_counter() - began
    assert found.tolist() == chosen.tolist()
    assert city.at(centres[chosen] + [10.0, 0.0])[0].max() == -1, "between two houses"
    assert took_s < allowed_s(0.25)

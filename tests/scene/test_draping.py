from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.scene.small_city import ORIGIN, hills
from twinviewer.scene.draping import TOLERANCE_M, densified, refined, ribbons
from twinviewer.scene.ground import Ground, ground_level, ground_of, standing_beside

X, Y, _ = ORIGIN
SQUARE = np.array([[X, Y, 0], [X + 100, Y, 0], [X + 100, Y + 100, 0], [X, Y + 100, 0]], dtype=np.float64)
TWO = np.array([[0, 1, 2], [0, 2, 3]], np.int32)


def area(points: np.ndarray, triangles: np.ndarray) -> float:
    a, b, c = (points[triangles[:, corner], :2] for corner in range(3))
    across = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    assert (across > 0).all(), "a triangle was turned over"
    return float(across.sum() / 2)


def test_draped_triangles_follow_the_hills_and_cover_the_same_ground() -> None:
    ground = ground_of(hills())
    points, triangles, source = refined(SQUARE, TWO, ground=ground, lift_m=0.3)
    assert area(points, triangles) == pytest.approx(10_000)
    assert set(source.tolist()) == {0, 1}
    middles = points[triangles].mean(axis=1)
    assert np.abs(middles[:, 2] - 0.3 - ground.heights_at(middles[:, :2])).max() < 3 * TOLERANCE_M


def test_neighbours_share_every_edge_that_is_halved() -> None:
    points, triangles, _ = refined(SQUARE, TWO, ground=ground_of(hills()), lift_m=0.0)
    edges = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    ends, uses = np.unique(edges, axis=0, return_counts=True)
    assert uses.max() == 2
    rim = points[ends[uses == 1]]
    on_the_rim = [
        (np.abs(rim[:, :, axis] - value) < 1e-6).all(axis=1)
        for axis, value in ((0, X), (0, X + 100), (1, Y), (1, Y + 100))
    ]
    assert np.any(on_the_rim, axis=0).all()


def test_level_ground_needs_no_more_triangles() -> None:
    points, triangles, _ = refined(SQUARE, TWO, ground=Ground(level_m=7.0), lift_m=0.5)
    assert len(triangles) == 2
    assert np.allclose(points[:, 2], 7.5)


def test_lines_get_vertices_about_every_cell_and_keep_their_ends() -> None:
    lines = np.array([[X, Y, 0], [X + 52, Y, 0], [X, Y + 9, 0], [X, Y + 20, 0], [X + 1, Y + 20, 0]], dtype=np.float64)
    vertices, offsets = densified(lines, np.array([0, 2, 5]), ground=ground_of(hills(cell_m=5.0)), drape=True)
    first, second = vertices[offsets[0] : offsets[1]], vertices[offsets[1] : offsets[2]]
    assert len(first) == 12  # 11 parts of at most 5 m
    assert np.allclose(first[[0, -1], :2], lines[[0, 1], :2])
    assert np.allclose(second[[0, -1], :2], lines[[2, 4], :2])
    assert np.linalg.norm(np.diff(second[:, :2], axis=0), axis=1).max() <= 5.0


def test_ribbons_are_as_wide_as_asked_and_as_long_as_the_line() -> None:
    line = np.array([[0, 0, 0], [10, 0, 0], [10, 20, 0]], dtype=np.float64)
    points, triangles, of_line = ribbons(line, np.array([0, 3]), np.array([4.0], np.float32))
    assert np.allclose(points[[0, 1], :2], [[0, 2], [0, -2]])
    assert np.allclose(points[[2, 3], :2], [[8, 2], [12, -2]])  # mitred
    assert len(triangles) == len(of_line) == 4
    assert area(points, triangles) == pytest.approx(4 * 30)


def test_a_hairpin_makes_no_spike() -> None:
    line = np.array([[0, 0, 0], [100, 0, 0], [0, 0.5, 0]], dtype=np.float64)
    points, _, _ = ribbons(line, np.array([0, 3]), np.array([4.0], np.float32))
    assert points[:, 0].max() < 103


def test_fine_terrain_is_thinned_and_its_nodes_stay_in_place() -> None:
    fine = hills(side=900, cell_m=1.0)
    ground = ground_of(fine)
    assert ground.terrain is not None
    assert ground.terrain.heights.size <= 300_000
    assert ground.cell_m == pytest.approx(2.0)
    x, y = fine.transform[2] + 0.5, fine.transform[5] - 0.5  # centre of the first cell
    assert ground.heights_at(np.array([[x, y]]))[0] == pytest.approx(float(fine.heights[0, 0]), abs=1e-4)


def test_without_terrain_the_ground_lies_at_the_foot_of_the_town() -> None:
    from tests.scene.small_city import town

    assert ground_level([town(z=41.5)]).level_m == pytest.approx(41.5)
    assert ground_level([]).level_m == 0.0


def test_beyond_the_terrain_the_ground_lies_at_the_foot_of_the_town_there() -> None:
    from tests.scene.small_city import town

    terrain, here = hills(), town(z=41.5)
    away = replace(here, vertices=here.vertices + np.array([1e7, 0, 0]))
    assert standing_beside(terrain, [here]) == []
    assert standing_beside(terrain, [here, away]) == [away]
    ground = ground_of(terrain, beside=[away])
    assert ground.heights_at(away.vertices[:1, :2])[0] == pytest.approx(41.5)
    assert ground.heights_at(here.vertices[:1, :2])[0] == ground_of(terrain).heights_at(here.vertices[:1, :2])[0]

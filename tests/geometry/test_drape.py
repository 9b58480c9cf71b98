"""Heights of triangles under positions."""

from __future__ import annotations

import numpy as np
import pytest

from twinviewer.geometry.drape import heights_on

SLOPE = np.array([[0.0, 0.0, 10.0], [8.0, 0.0, 14.0], [0.0, 8.0, 10.0]])  # z = 10 + x / 2


def test_a_position_gets_the_height_of_the_plane_of_its_triangle_and_none_beside_it() -> None:
    heights = heights_on(SLOPE[None], np.array([[0.0, 0.0], [2.0, 3.0], [8.0, 0.0], [5.0, 5.0], [-1.0, 2.0]]))
    assert heights[:3] == pytest.approx([10.0, 11.0, 14.0])
    assert np.isnan(heights[3:]).all()


def test_the_highest_counts_whichever_way_round_its_corners_are() -> None:
    above = SLOPE[[0, 2, 1]] + [0.0, 0.0, 5.0]
    for triangles in ([SLOPE, above], [above, SLOPE]):
        assert heights_on(np.array(triangles), np.array([[2.0, 3.0]])) == pytest.approx([16.0])


def test_upright_triangles_carry_nothing() -> None:
    wall = np.array([[[0.0, 0.0, 0.0], [4.0, 0.0, 0.0], [4.0, 0.0, 9.0]]])
    assert np.isnan(heights_on(wall, np.array([[2.0, 0.0]]))).all()
    assert np.isnan(heights_on(np.empty((0, 3, 3)), np.array([[2.0, 0.0]]))).all()

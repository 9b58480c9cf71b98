"""Cells and places, judged by rasterio's Affine."""

from __future__ import annotations

import numpy as np
import pytest
from rasterio.transform import Affine

from twinviewer.geometry.georeference import cell_sides, cells_at, determinant, extent_of, positions_of

NORTH_UP = (0.5, 0.0, 565_000.0, 0.0, -0.5, 5_934_000.0)
TURNED = (0.8, -0.3, 565_000.0, 0.25, 0.9, 5_934_000.0)
CELLS = np.array([(0.0, 0.0), (0.5, 0.5), (7.0, 3.0), (-2.0, 11.5)])


@pytest.mark.parametrize("transform", [NORTH_UP, TURNED])
def test_cells_and_places_lead_to_each_other(transform):
    judge = Affine(*transform)
    places = positions_of(transform, CELLS)
    np.testing.assert_allclose(places, [judge @ tuple(cell) for cell in CELLS], rtol=0, atol=1e-9)
    np.testing.assert_allclose(cells_at(transform, places), CELLS, rtol=0, atol=1e-8)
    assert determinant(transform) == pytest.approx(judge.determinant)


@pytest.mark.parametrize("transform", [NORTH_UP, TURNED])
def test_the_extent_holds_all_corners_and_no_more(transform):
    corners = np.array([Affine(*transform) @ cell for cell in ((0, 0), (4, 0), (0, 3), (4, 3))])
    extent = extent_of(transform, (3, 4), low=-1.0, high=9.0)
    assert (extent.min_x, extent.min_y) == tuple(corners.min(axis=0))
    assert (extent.max_x, extent.max_y) == tuple(corners.max(axis=0))
    assert (extent.min_z, extent.max_z) == (-1.0, 9.0)


def test_the_sides_of_a_cell_are_as_long_as_the_way_to_the_next_one():
    for transform in (NORTH_UP, TURNED):
        here, right, below = positions_of(transform, np.array([(2.0, 2.0), (3.0, 2.0), (2.0, 3.0)]))
        assert cell_sides(transform) == pytest.approx((np.linalg.norm(right - here), np.linalg.norm(below - here)))

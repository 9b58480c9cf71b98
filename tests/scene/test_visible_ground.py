"""Where a camera's near ground lies, by hand: a flat ground at a known height is a triangle with the line of sight."""

from __future__ import annotations

import math

import numpy as np
import pytest
from vtkmodules.vtkRenderingCore import vtkCamera

from twinviewer.scene.visible_ground import near_box

LEVEL_M = 12.0


def flat(xy: np.ndarray) -> np.ndarray:
    return np.full(len(xy), LEVEL_M)


def camera_at(position: tuple[float, float, float], target: tuple[float, float, float]) -> vtkCamera:
    camera = vtkCamera()
    camera.SetPosition(*position)
    camera.SetFocalPoint(*target)
    camera.SetViewUp(0, 1, 0) if position[:2] == target[:2] else camera.SetViewUp(0, 0, 1)
    camera.SetViewAngle(40)
    return camera


def test_seen_from_straight_above_the_near_part_is_what_the_picture_shows() -> None:
    box = near_box(camera_at((100, 50, 212), (100, 50, 0)), aspect=2.0, ground_heights=flat)
    assert box is not None
    half = 200 * math.tan(math.radians(20))
    assert box[0] == pytest.approx([100 - 2 * half, 100 + 2 * half], abs=0.08 * 4 * half)
    assert box[1] == pytest.approx([50 - half, 50 + half], abs=0.08 * 4 * half)
    assert box[0, 0] < 100 - 2 * half
    assert box[2, 0] < LEVEL_M < box[2, 1]


def test_the_horizon_is_not_near() -> None:
    box = near_box(camera_at((0, -100, 62), (0, 0, 42)), aspect=1.0, ground_heights=flat)
    assert box is not None
    nearest = 50 / math.sin(math.radians(20) + math.atan2(20, 100))
    assert box[1, 1] < -100 + 4 * nearest * 1.2
    assert (box[1, 1] - box[1, 0]) > nearest


def test_a_picture_of_the_sky_has_no_near_ground() -> None:
    assert near_box(camera_at((0, 0, 62), (0, 100, 162)), aspect=1.0, ground_heights=flat) is None


def test_terrain_is_met_where_it_is() -> None:
    def hill(xy: np.ndarray) -> np.ndarray:
        return np.where(np.abs(xy[:, 0]) < 1000, 80.0, 0.0)

    box = near_box(camera_at((0, 0, 180), (0, 0, 0)), aspect=1.0, ground_heights=hill)
    assert box is not None
    half = 100 * math.tan(math.radians(20))
    assert box[0, 1] == pytest.approx(half, abs=0.15 * half + 5)

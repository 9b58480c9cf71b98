from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scene.small_city import ORIGIN, session_of, town
from twinviewer.model.project import Viewpoint
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.furniture import length_text, metres_per_pixel, round_length

X, Y, _ = ORIGIN
PLAN = Viewpoint(position=(X + 50, Y + 45, 300), target=(X + 50, Y + 45, 0), parallel=True, parallel_height_m=150.0)


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as picture:
        return np.asarray(picture).astype(int)


@pytest.mark.parametrize(
    ("longest", "length"), [(0.9, 0.5), (1.0, 1.0), (49.9, 20.0), (50.0, 50.0), (123.0, 100.0), (7400.0, 5000.0)]
)
def test_scale_bars_have_lengths_that_people_read(longest: float, length: float) -> None:
    assert round_length(longest) == pytest.approx(length)


def test_lengths_are_told_in_the_unit_that_suits() -> None:
    assert [length_text(metres) for metres in (0.2, 50.0, 2000.0)] == ["20 cm", "50 m", "2 km"]


def test_a_pixel_of_a_plan_is_as_large_as_the_picture_says(open_scene: Callable[..., CityScene]) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.viewpoint = PLAN
    assert metres_per_pixel(scene._renderer, np.zeros(3)) == pytest.approx(150 / 300)


def test_the_bar_in_a_plan_is_as_long_as_it_says_and_gone_from_the_next_picture(
    open_scene: Callable[..., CityScene], tmp_path: Path
) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.viewpoint = PLAN
    scene.screenshot(tmp_path / "plain.png")
    scene.screenshot(tmp_path / "map.png", map_furniture=True)
    scene.screenshot(tmp_path / "again.png")
    plain, drawn = pixels_of(tmp_path / "plain.png"), pixels_of(tmp_path / "map.png")
    assert np.array_equal(plain, pixels_of(tmp_path / "again.png"))
    ink = (np.abs(drawn - (0x22, 0x28, 0x2E)).max(axis=2) < 40)[-14:, :150]
    dark_half_px = ink.sum(axis=1).max()
    assert dark_half_px * 2 * 0.5 == pytest.approx(20.0, abs=2.0)  # 64 px are 32 m: the bar says 20 m
    assert (drawn != plain)[-60:, -60:].any()  # the north arrow


def test_a_picture_of_another_size_shows_the_same(open_scene: Callable[..., CityScene], tmp_path: Path) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.viewpoint = PLAN
    scene.set_dark(True)
    scene.screenshot(tmp_path / "small.png")
    scene.screenshot(tmp_path / "large.png", (800, 600))
    small, large = pixels_of(tmp_path / "small.png"), pixels_of(tmp_path / "large.png")
    assert large.shape == (600, 800, 3)
    assert np.abs(large.reshape(300, 2, 400, 2, 3).mean(axis=(1, 3)) - small).mean() < 4

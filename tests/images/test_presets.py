"""What a person would see in each render preset, as numbers that another OpenGL driver gives too.

Small pictures of a small town; the questions are those of a demanding eye: is there a sky, is the city bright
enough, are there shadows and where do they fall, are corners darker with ambient occlusion.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.scene.small_city import ORIGIN, hills, points, session_of, streets, town
from twinviewer.app.commands import SetPreset
from twinviewer.model.project import Viewpoint
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.picture import pixels_of
from twinviewer.scene.stage import PRESETS

OpenScene = Callable[..., CityScene]
X, Y, _ = ORIGIN
OVER_THE_ROOFS = Viewpoint(position=(X + 50, Y - 110, 55), target=(X + 50, Y + 60, 10))
FROM_ABOVE = Viewpoint(position=(X + 50, Y + 45, 250), target=(X + 50, Y + 45.01, 0))
MORNING = datetime(2025, 4, 10, 7, 30, tzinfo=UTC)  # the sun in the east-south-east, 27° high
NOON = datetime(2025, 6, 21, 11, 20, tzinfo=UTC)
NIGHT = datetime(2025, 1, 1, 0, tzinfo=UTC)


def luminance(pixels: np.ndarray) -> np.ndarray:
    return pixels @ np.array([0.2126, 0.7152, 0.0722]) / 255


def picture(scene: CityScene, view: Viewpoint = OVER_THE_ROOFS) -> np.ndarray:
    scene.viewpoint = view
    return pixels_of(scene.window)


@pytest.fixture
def scene(open_scene: OpenScene) -> CityScene:
    scene = open_scene(session_of(buildings=town(), ground=hills(relief_m=0.3)))
    scene.set_instant(MORNING)
    return scene


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_shows_a_bright_city_of_many_colours(scene: CityScene, preset: str) -> None:
    scene.set_preset(preset)
    pixels = picture(scene)
    light = luminance(pixels)
    assert pixels.shape == (300, 400, 3)
    assert 0.5 < light.mean() < 0.92
    assert light.min() < 0.55
    assert len(np.unique(pixels.reshape(-1, 3) // 8, axis=0)) > 25


@pytest.mark.parametrize("preset", ["planning", "presentation", "point-cloud"])
def test_the_sky_is_bluer_the_higher_and_the_horizon_is_where_it_belongs(scene: CityScene, preset: str) -> None:
    scene.set_preset(preset)
    level = Viewpoint(position=(X + 50, Y - 110, 30), target=(X + 50, Y, 30))
    pixels = picture(scene, level).astype(int)
    blueness = pixels[:, 200, 2] - pixels[:, 200, 0]
    assert blueness[4] > blueness[100] > 0
    assert (np.diff(luminance(pixels[8:100, 5])) > -0.02).all()  # no bands


def test_shadows_fall_away_from_the_sun(scene: CityScene) -> None:
    scene.set_preset("point-cloud")
    lit = luminance(picture(scene, FROM_ABOVE))
    scene.set_preset("planning")
    shadowed = luminance(picture(scene, FROM_ABOVE))
    darker = shadowed < lit - 0.1
    assert 0.03 < darker.mean() < 0.4
    # Ten metres beside a house on its west lies shadow, on its east sunshine; both are open ground.
    metres_per_px = 2 * 250 * np.tan(np.radians(20)) / 300

    def at(x: float, y: float) -> float:
        column, row = 200 + (x - 50) / metres_per_px, 150 - (y - 45) / metres_per_px
        return float(shadowed[round(row), round(column)])

    assert at(30 - 5, 36 + 2) < at(42 + 3, 36 - 3) - 0.1


def test_at_noon_shadows_are_shorter_than_in_the_morning(scene: CityScene) -> None:
    morning = luminance(picture(scene, FROM_ABOVE))
    scene.set_instant(NOON)
    noon = luminance(picture(scene, FROM_ABOVE))
    assert (noon < 0.62).mean() < 0.7 * (morning < 0.62).mean()


def test_night_is_dark_but_not_black(scene: CityScene) -> None:
    day = luminance(picture(scene)).mean()
    scene.set_instant(NIGHT)
    night = luminance(picture(scene))
    assert 0.06 < night.mean() < 0.55 * day


def test_a_dark_theme_darkens_the_backdrop_and_not_the_city(scene: CityScene) -> None:
    light = luminance(picture(scene))
    scene.set_dark(True)
    dark = luminance(picture(scene))
    assert dark[:40].mean() < 0.35 < light[:40].mean()
    assert abs(dark[200:].mean() - light[200:].mean()) < 0.1


def test_presentation_darkens_the_foot_of_walls(scene: CityScene) -> None:
    plain = luminance(picture(scene))
    scene.set_preset("presentation")
    occluded = luminance(picture(scene))
    assert ((plain - occluded)[100:] > 0.04).mean() > 0.03


def test_outlines_are_drawn_in_planning_only_near_by(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    near = Viewpoint(position=(X + 50, Y - 40, 35), target=(X + 50, Y + 30, 5))
    with_lines = picture(scene, near)
    for actor in scene._actors["buildings"].edges:
        assert actor.GetVisibility()
    far = Viewpoint(position=(X + 50, Y - 2000, 900), target=(X + 50, Y + 30, 5))
    picture(scene, far)
    for actor in scene._actors["buildings"].edges:
        assert not actor.GetVisibility()
    scene.set_preset("safe")
    assert (np.abs(with_lines.astype(int) - picture(scene, near)).sum(axis=2) > 20).mean() > 0.01


def test_motion_leaves_out_costly_passes_and_stillness_brings_the_same_picture_back(scene: CityScene) -> None:
    still = picture(scene)
    scene.set_interactive(True)
    moving = picture(scene)
    scene.set_interactive(False)
    assert np.array_equal(picture(scene), still)
    assert np.abs(moving.astype(int) - still).mean() < 6  # the same city, less polished


def test_points_are_seen_in_their_class_colours(open_scene: OpenScene) -> None:
    session = session_of(cloud=points(40_000))
    scene = open_scene(session)
    session.do(SetPreset(preset="point-cloud"))
    pixels = picture(scene, Viewpoint(position=(X - 50, Y - 40, 90), target=(X - 50, Y + 50, 30)))
    red, green, blue = (pixels[:, :, part].astype(int) for part in range(3))
    assert ((red > 1.6 * green) & (red > 1.9 * blue) & (red > 90)).sum() > 100  # buildings
    assert ((green > 1.15 * red) & (green > 1.3 * blue) & (green > 60)).sum() > 100  # vegetation


def test_a_translucent_layer_lets_the_ground_shine_through_with_shadows_on(scene: CityScene) -> None:
    solid = picture(scene)
    scene._session.do(_fade("buildings"))
    faded = picture(scene)
    assert (np.abs(solid.astype(int) - faded).sum(axis=2) > 30).mean() > 0.1


def _fade(layer_id: str) -> object:
    from twinviewer.app.commands import SetOpacity

    return SetOpacity(layer_id=layer_id, opacity=0.3)


def test_streets_lie_on_the_ground_and_not_in_it(open_scene: OpenScene) -> None:
    bare = open_scene(session_of(ground=hills()))
    covered = open_scene(session_of(map=streets(), ground=hills()))
    park = Viewpoint(position=(X - 50, Y - 150, 80), target=(X - 50, Y - 50, 0))
    changed = np.abs(picture(bare, park).astype(int) - picture(covered, park)).sum(axis=2) > 12
    green = changed[125:200, 130:270]  # well inside the square, by the projection of its corners
    assert green.mean() > 0.99  # no holes where hills would poke through


def test_a_city_without_terrain_throws_shadows_on_a_plate_that_is_seen_by_nothing_else(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.set_instant(MORNING)
    with_plate = luminance(picture(scene, FROM_ABOVE))
    scene._stage.base.lay(None, level_m=0.0)
    without = luminance(pixels_of(scene.window))
    darker = with_plate < without - 0.08
    assert 0.03 < darker.mean() < 0.4
    assert np.abs(with_plate - without)[~darker].max() < 0.08
    session = session_of(buildings=town(), ground=hills())
    assert not open_scene(session)._stage.base.surface.GetVisibility()


def test_ground_far_behind_the_city_lies_in_the_sun(open_scene: OpenScene) -> None:
    houses = town()
    row = replace(houses, vertices=np.array([X, 0, 0]) + (houses.vertices - [X, 0, 0]) * [0.05, 1, 1])
    scene = open_scene(session_of(buildings=row))
    scene.set_instant(MORNING)  # shadows fall to the west, 30 m at most
    light = luminance(picture(scene, Viewpoint(position=(X, Y + 45, 600), target=(X, Y + 45.01, 0))))
    metres_per_pixel = 2 * 600 * np.tan(np.radians(20)) / 300
    west = light[:, : int(200 - 45 / metres_per_pixel)]
    assert np.ptp(west) < 0.05

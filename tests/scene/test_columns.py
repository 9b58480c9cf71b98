from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.scene.small_city import hills, session_of
from tests.scene.views import CENTRE, FROM_SOUTH, HEIGHT_PX, M_PER_PX, WIDTH_PX, drawn, picture, redness, size_px
from twinviewer.model.drawing import ColourScale, ExtrudedColumns
from twinviewer.model.place import LocalFrame
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.columns import first_column, sunk_m
from twinviewer.scene.drawn import Surroundings
from twinviewer.scene.ground import Ground, ground_of
from twinviewer.scene.picking import PickRay

OpenScene = Callable[..., CityScene]
COUNT = ColourScale(title="people", unit="1", colour_map="viridis", value_range=(0, 100))


def columns(*places: tuple[float, float], heights_m: list[float], **options: object) -> ExtrudedColumns:
    positions = np.array([(x, y, 0.0) for x, y in places]) + CENTRE
    return ExtrudedColumns(positions=positions, heights_m=np.array(heights_m), colour="#ff0000", **options)


def test_a_column_of_a_hundred_metres_covers_its_height_and_width_seen_from_the_side(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("columns", [columns((0, 0), heights_m=[100.0], radius_m=8.0)])
    width, height = size_px(redness(picture(scene, FROM_SOUTH)) > 40)
    assert abs(height - 100 / M_PER_PX) <= 1
    assert abs(width - 16 / M_PER_PX) <= 1


def test_a_column_without_height_is_not_there(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("columns", [columns((-20, 0), (0, 0), (20, 0), heights_m=[np.nan, 0.0, -5.0])])
    assert (redness(picture(scene, FROM_SOUTH)) <= 40).all()
    assert scene.pick(WIDTH_PX / 2, HEIGHT_PX / 2) is None


def test_a_column_is_picked_anywhere_on_its_body_by_its_id(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    request = columns((-30, 0), (30, 0), heights_m=[20.0, 90.0], radius_m=8.0, ids=["low", "high"])
    scene.draw_overlay("columns", [request])
    scene.viewpoint = FROM_SOUTH

    def at(x_m: float, z_m: float) -> str | None:
        pick = scene.pick(WIDTH_PX / 2 + x_m / M_PER_PX, HEIGHT_PX / 2 - (z_m - 50) / M_PER_PX)
        return None if pick is None or pick.overlay_id is None else pick.glyph_id

    assert at(30, 88) == at(36, 2) == "high"
    assert at(-30, 10) == "low"
    assert at(-30, 40) is None
    assert at(0, 10) is None


def test_a_ray_meets_the_nearest_cylinder_where_geometry_says() -> None:
    feet = np.array([(0.0, 10.0, 0.0), (0.0, 30.0, 0.0)], np.float32)
    ray = PickRay(
        start=np.array([0.0, 0.0, 5.0]),
        end=np.array([0.0, 100.0, 5.0]),
        pixel=(0, 0),
        to_clip=np.eye(4),
        size_px=(1, 1),
    )
    found = first_column(ray, feet, np.array([4.0, 20.0], np.float32), 2.0)
    assert found is not None
    position, row = found
    assert row == 1  # the first is too low
    assert position == pytest.approx((0, 28, 5))
    down = replace(ray, start=np.array([1.0, 10.0, 50.0]), end=np.array([1.0, 10.0, -50.0]))
    found = first_column(down, feet, np.array([4.0, 20.0], np.float32), 2.0)
    assert found is not None
    assert found[1] == 0
    assert found[0] == pytest.approx((1, 10, 4))
    beside = replace(down, start=np.array([3.0, 10.0, 50.0]), end=np.array([3.0, 10.0, -50.0]))
    assert first_column(beside, feet, np.array([4.0, 20.0], np.float32), 2.0) is None


def test_no_column_hovers_over_a_slope_and_those_on_roofs_end_there() -> None:
    terrain = hills(relief_m=4.0)
    ground = ground_of(terrain)
    surroundings = Surroundings(frame=LocalFrame(crs=terrain.crs, origin=(0.0, 0.0, 0.0)), ground=ground)
    xy = CENTRE[:2] + np.array([[0.0, 0.0], [13.0, 7.0], [-20.0, 30.0]])
    feet = np.column_stack([xy, ground.heights_at(xy)])
    sunk = sunk_m(feet, 8.0, surroundings)
    for foot, depth in zip(feet, sunk, strict=True):
        for x, y in ((8, 0), (-8, 0), (0, 8), (0, -8)):
            below = ground.heights_at(foot[None, :2] + (x, y))[0]
            assert foot[2] - depth <= below + 1e-5
    assert (sunk > 0).all()
    assert (sunk_m(feet + np.array([0, 0, 25.0]), 8.0, surroundings) == 0).all()
    level = Surroundings(frame=surroundings.frame, ground=Ground(level_m=3.0))
    assert (sunk_m(np.array([(0.0, 0.0, 3.0)]), 8.0, level) == 0).all()


def test_new_heights_and_values_are_written_into_the_same_arrays(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    rng = np.random.default_rng(1)
    positions = rng.uniform(-50, 50, (200, 3)) + CENTRE
    request = ExtrudedColumns(
        positions=positions, heights_m=rng.uniform(1, 50, 200), values=rng.uniform(0, 100, 200), scale=COUNT
    )
    scene.draw_overlay("columns", [request])
    scene.window.Render()
    shown = drawn(scene, "columns")[0]
    actors, arrays, stamp = shown.actors, dict(shown._copies.arrays), shown.actors[0].GetMapper().GetMTime()
    for _ in range(5):
        scene.draw_overlay("columns", [replace(request, heights_m=rng.uniform(1, 50, 200))])
        scene.window.Render()
    assert shown.actors == actors
    assert all(shown._copies.arrays[name] is array for name, array in arrays.items())
    assert actors[0].GetMapper().GetMTime() == stamp
    assert scene.legends() == (COUNT,)

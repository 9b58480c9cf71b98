from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.scene.small_city import HEIGHT_M, HOUSE_M, ORIGIN, session_of, town
from tests.scene.views import FROM_ABOVE, FROM_SOUTH, HEIGHT_PX, M_PER_PX, WIDTH_PX, picture
from twinviewer.app.commands import SetStyle
from twinviewer.model.city_parts import CityPoints
from twinviewer.model.layer_data import CityModel
from twinviewer.model.project import Style
from twinviewer.scene.city_levels import shown_surfaces
from twinviewer.scene.city_scene import CityScene

X, Y, _ = ORIGIN


def house_with(*, part_class: str, part_lod: int, house_lod: int) -> CityModel:
    """Return a house with another object in it, each at a level of its own of five."""
    model = town(side=1)
    lod = np.where(model.surface_object == 0, house_lod, part_lod).astype(np.int32)
    return replace(model, type_names=("Building", part_class), surface_lod=lod, lods=("0", "1", "2", "3", "4"))


@pytest.mark.parametrize(
    "inside", ["Room", "BuildingRoom", "BuildingFurniture", "IntBuildingInstallation", "Storey", "BuildingInstallation"]
)
def test_rooms_and_installations_do_not_stand_for_the_house(inside: str) -> None:
    model = house_with(part_class=inside, part_lod=4, house_lod=2)
    assert shown_surfaces(model, None).all()


def test_parts_do() -> None:
    model = house_with(part_class="BuildingPart", part_lod=2, house_lod=1)
    assert np.array_equal(shown_surfaces(model, None), model.surface_object == 1)


def test_a_lower_level_that_is_chosen_shows_no_rooms() -> None:
    model = house_with(part_class="Room", part_lod=4, house_lod=2)
    assert np.array_equal(shown_surfaces(model, "2"), model.surface_object == 0)


def test_inner_walls_of_lod_4_leave_the_roof_of_lod_2() -> None:
    model = town(side=1)
    own = model.surface_object == 0
    inner = own & (model.surface_type == 1)  # the walls
    model = replace(
        model,
        surface_type_names=("RoofSurface", "InteriorWallSurface", "GroundSurface"),
        surface_lod=np.where(inner, 1, 0).astype(np.int32),
        lods=("2", "4"),
    )
    assert shown_surfaces(model, None)[own].all()


def with_a_curve_and_points(model: CityModel) -> CityModel:
    """Return the model with a line of LoD 3 along x, 20 m south of the house, and two points beside it."""
    corners = np.array([[0, -20, 0.5], [40, -20, 0.5], [60, 0, 0.5], [70, 0, 0.5]]) + ORIGIN
    first, row = len(model.vertices), len(model.surface_object)
    return replace(
        model,
        vertices=np.concatenate([model.vertices, corners]),
        edges=np.concatenate([model.edges, np.array([[first, first + 1]], np.int32)]),
        edge_surface=np.append(model.edge_surface, row).astype(np.int32),
        surface_object=np.append(model.surface_object, [0, 0]).astype(np.int32),
        surface_type=np.append(model.surface_type, [-1, -1]).astype(np.int32),
        surface_lod=np.append(model.surface_lod, [1, 1]).astype(np.int32),
        lods=("2", "3"),
        points=CityPoints(
            vertices=np.array([first + 2, first + 3], np.int32), surface=np.array([row + 1, row + 1], np.int32)
        ),
    )


def test_a_curve_of_a_higher_level_does_not_hide_the_house() -> None:
    model = with_a_curve_and_points(town(side=1))
    shown = shown_surfaces(model, None)
    assert shown[model.surface_object == 0].all()


def pixel_of(x: float, y: float) -> tuple[float, float]:
    return (x - 50) / M_PER_PX + WIDTH_PX / 2, HEIGHT_PX / 2 - (y - 45) / M_PER_PX


def test_curves_and_points_are_drawn_and_picked(open_scene: Callable[..., CityScene]) -> None:
    model = with_a_curve_and_points(town(side=1))
    bare = picture(open_scene(session_of(city=town(side=1))), FROM_ABOVE)
    scene = open_scene(session_of(city=model))
    scene.viewpoint = FROM_ABOVE
    pixels = picture(scene, FROM_ABOVE)
    row = len(model.surface_object) - 2
    for (x, y), surface in (((20, -20), row), ((60, 0), row + 1), ((70, 0), row + 1)):
        column, line = pixel_of(x, y)
        around = np.s_[round(line) - 2 : round(line) + 3, round(column) - 2 : round(column) + 3]
        assert np.abs(pixels[around] - bare[around]).max() > 60
        pick = scene.pick(column, line)
        assert pick is not None
        assert (pick.surface, pick.object) == (surface, 0)
        assert pick.position == pytest.approx((X + x, Y + y, 0.5), abs=0.3)
        scene.select(pick)


def test_what_is_hidden_by_its_type_is_neither_drawn_nor_picked_and_comes_back(
    open_scene: Callable[..., CityScene],
) -> None:
    session = session_of(city=town(side=1))
    scene = open_scene(session)
    actor = scene._actors["city"]
    parts = actor.actors
    scene.viewpoint = FROM_ABOVE
    at = pixel_of(2.0, 2.0)
    whole = picture(scene, FROM_ABOVE)
    assert scene.pick(*at).position[2] == pytest.approx(HEIGHT_M, abs=1e-3)
    session.do(SetStyle(layer_id="city", style=Style(hidden_types=("RoofSurface",))))
    assert scene.pick(*at).position[2] == pytest.approx(0.0, abs=1e-3)
    assert scene.pick(*pixel_of(6.0, 6.0)).object == 1  # the floor of the part on the roof
    opened = picture(scene, FROM_ABOVE)
    assert np.abs(opened - whole)[round(at[1]), round(at[0])].sum() > 50
    session.do(SetStyle(layer_id="city", style=Style(hidden_types=("RoofSurface", "BuildingPart"))))
    assert scene.pick(*pixel_of(6.0, 6.0)).object == 0
    session.do(SetStyle(layer_id="city", style=Style()))
    assert np.array_equal(picture(scene, FROM_ABOVE), whole)
    assert scene.pick(*at).position[2] == pytest.approx(HEIGHT_M, abs=1e-3)
    assert actor.actors == parts


def test_outlines_of_what_is_hidden_go_too_and_colours_stay_right(open_scene: Callable[..., CityScene]) -> None:
    session = session_of(city=town(side=1))
    scene = open_scene(session)
    hidden = ("RoofSurface", "WallSurface", "GroundSurface")
    session.do(SetStyle(layer_id="city", style=Style(hidden_types=hidden)))
    nothing = picture(open_scene(session_of(city=town(side=1, z=-1000.0))), FROM_SOUTH)
    sky = np.s_[: HEIGHT_PX // 2 + 60]  # the plate below is another one
    assert np.abs(picture(scene, FROM_SOUTH)[sky] - nothing[sky]).max() <= 3
    session.do(SetStyle(layer_id="city", style=Style(color_by="surface", hidden_types=("GroundSurface",))))
    column, row = (HOUSE_M / 2 - 50) / M_PER_PX + WIDTH_PX / 2, HEIGHT_PX / 2 + (50 - HEIGHT_M / 2) / M_PER_PX
    wall = picture(scene, FROM_SOUTH)[round(row), round(column)]
    session.do(SetStyle(layer_id="city", style=Style(color_by="surface")))
    assert np.array_equal(picture(scene, FROM_SOUTH)[round(row), round(column)], wall)

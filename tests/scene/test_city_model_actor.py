from __future__ import annotations

import numpy as np

from tests.scene.small_city import at_lod, town
from twinviewer.model.attributes import column
from twinviewer.scene.city_colours import default_surface_colours, surface_slopes
from twinviewer.scene.city_levels import inherited, shown_surfaces


def two_levels() -> tuple[object, np.ndarray]:
    """One house: its six surfaces at LoD 1, its part's six at LoD 2."""
    model = town(side=1)
    level = np.where(model.surface_object == 0, 0, 1)
    return at_lod(model, level, ("1", "2")), level


def test_an_object_leaves_the_drawing_to_its_more_detailed_parts() -> None:
    model, level = two_levels()
    assert np.array_equal(shown_surfaces(model, None), level == 1)


def test_a_chosen_level_shows_that_level_and_lowest_where_there_is_none_so_low() -> None:
    model, level = two_levels()
    shown = shown_surfaces(model, "1")
    assert shown[level == 0].all() or shown[level == 1].all()
    only_fine = at_lod(town(side=1), np.ones(12, int), ("1", "2"))
    assert shown_surfaces(only_fine, "1").all()


def test_of_two_levels_of_one_object_the_higher_is_drawn() -> None:
    model = town(side=1)
    level = np.arange(12) % 2
    shown = shown_surfaces(at_lod(model, level, ("1", "2")), None)
    assert np.array_equal(shown, level == 1)
    assert np.array_equal(shown_surfaces(at_lod(model, level, ("1", "2")), "1"), level == 0)


def test_surfaces_of_unknown_level_are_always_drawn() -> None:
    model = town(side=1)
    level = np.where(np.arange(12) == 3, -1, 0)
    assert shown_surfaces(at_lod(model, level, ("2",)), None).all()


def test_a_cycle_of_parents_ends() -> None:
    parents = np.array([1, 0], np.int32)
    values = inherited(column("year", [None, None]), parents)
    assert not values.present.any()


def test_parts_are_as_old_as_their_building() -> None:
    model = town(side=2)
    year = next(item for item in model.attributes if item.name == "year")
    filled = inherited(year, model.object_parent)
    assert filled.present.all()
    assert filled.value(1) == year.value(0)


def test_roofs_are_warm_or_grey_walls_pale_and_the_same_in_every_run() -> None:
    model = town(side=4)
    triangles = np.arange(len(model.triangles), dtype=np.int32)
    rgb = default_surface_colours(model, surface_slopes(model, triangles))
    again = default_surface_colours(town(side=4), surface_slopes(model, triangles))
    assert np.array_equal(rgb, again)
    walls = rgb[model.surface_type == 1]
    assert walls.mean() > 200
    assert len(np.unique(walls, axis=0)) > 4  # houses differ
    first_house = rgb[(model.surface_object == 0) & (model.surface_type == 1)]
    assert len(np.unique(first_house, axis=0)) == 1  # a house does not


def test_without_semantics_roofs_and_walls_are_told_by_their_slope() -> None:
    from dataclasses import replace

    model = town(side=2)
    triangles = np.arange(len(model.triangles), dtype=np.int32)
    slopes = surface_slopes(model, triangles)
    plain = replace(model, surface_type=np.full(len(model.surface_type), -1, np.int32))
    assert np.array_equal(default_surface_colours(plain, slopes), default_surface_colours(model, slopes))

"""City objects as a tree, found by what is said of them, and what there is to know about one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.scene.small_city import town
from twinviewer.app.object_facts import enclosed_volume, geometry_facts, inherited_attributes, surface_facts
from twinviewer.app.object_search import object_search
from twinviewer.app.object_tree import TOP, ObjectTree, object_tree
from twinviewer.app.style_choices import choices_for, roof_types
from twinviewer.model.attributes import column
from twinviewer.model.city_parts import (
    GEOMETRY_TYPES,
    Appearance,
    Geometries,
    Material,
    Texture,
    ThematicSurfaces,
    Theme,
)
from twinviewer.model.layer_data import CityModel

ROOF, WALL, GROUND, WINDOW = range(4)


def house() -> CityModel:
    """Return one house with a part: surfaces 0 to 5 are ground, four walls, roof; one wall is a window of another."""
    plain = town(side=1)
    count = len(plain.surface_object)
    thematic = ThematicSurfaces(
        ids=("ground", "front", "", "roof", "pane"),
        type=np.array([GROUND, WALL, WALL, ROOF, WINDOW], np.int32),
        object=np.zeros(5, np.int32),
        parent=np.array([-1, -1, -1, -1, 1], np.int32),
        attributes=(
            column("glass", [None, None, None, None, "double"]),
            column("slope", [None, None, None, 12.5, None]),
        ),
        of_surface=np.array([0, 1, 4, 2, 2, 3] + [-1] * (count - 6), np.int32),
    )
    none = np.full(count, -1, np.int32)
    return replace(
        plain,
        surface_type_names=("RoofSurface", "WallSurface", "GroundSurface", "Window"),
        thematic=thematic,
        geometries=Geometries(
            type=np.array([GEOMETRY_TYPES.index("Solid"), GEOMETRY_TYPES.index("MultiSurface")], np.int32),
            surface_geometry=np.array([0] * 6 + [1] * (count - 6), np.int32),
            surface_shell=np.array([0] * 6 + [-1] * (count - 6), np.int32),
            shell_solid=np.zeros(1, np.int32),
        ),
        appearance=Appearance(
            materials=(Material(name="brick", diffuse=(1.0, 0.5, 0.0), transparency=0.25),),
            textures=(Texture(path="tiles/roof.jpg"),),
            themes=(
                Theme(name="summer", material=none, texture=np.where(np.arange(count) == 5, 0, -1).astype(np.int32),
                      coordinates=np.full((len(plain.triangles), 3, 2), np.nan, np.float32)),
                Theme(name="", material=np.where(np.arange(count) == 1, 0, -1).astype(np.int32), texture=none,
                      coordinates=np.empty((0, 3, 2), np.float32)),
            ),
        ),
    )  # fmt: skip


def outline(tree: ObjectTree, node: int = TOP) -> list:
    return [(tree.name(child), outline(tree, child)) for child in tree.children(node).tolist()]


def test_a_tree_has_parts_under_buildings_and_openings_under_the_surfaces_that_they_are_in() -> None:
    assert outline(object_tree(house())) == [
        (
            "h-0-0",
            [
                ("h-0-0-part", []),
                ("ground", []),
                ("front", [("pane", [])]),
                ("WallSurface", []),
                ("roof", []),
            ],
        )
    ]


def test_where_the_source_names_no_surfaces_those_of_one_type_are_one_node() -> None:
    model = town(side=2)
    tree = object_tree(model)
    children = tree.children(0).tolist()
    assert [(tree.name(node), len(tree.surfaces_of(node))) for node in children] == [
        ("h-0-0-part", 0), ("RoofSurface", 1), ("WallSurface", 4), ("GroundSurface", 1),
    ]  # fmt: skip
    walls = tree.surfaces_of(children[2])
    assert set(model.surface_object[walls]) == {0}
    assert [tree.node_of(0, int(surface)) for surface in walls] == [children[2]] * 4


def test_a_surface_stands_for_its_openings_too() -> None:
    tree = object_tree(house())
    front = tree.node_of(0, 1)
    assert tree.id(front) == "front"
    assert tree.surfaces_of(front).tolist() == [1, 2]
    assert tree.path(tree.node_of(0, 2)) == [0, front, tree.node_of(0, 2)]


@given(st.lists(st.integers(-1, 11), min_size=12, max_size=12))
def test_every_object_is_in_the_tree_once_even_where_a_file_says_that_two_are_part_of_each_other(parents) -> None:
    plain = town(side=1)
    ids = tuple(f"o{number}" for number in range(12))
    model = replace(
        plain,
        object_ids=ids,
        object_type=np.zeros(12, np.int32),
        object_parent=np.array(parents, np.int32),
        attributes=(),
        surface_object=np.zeros(len(plain.surface_object), np.int32),
    )
    tree = object_tree(model)
    seen: list[int] = []

    def walk(node: int) -> None:
        for row, child in enumerate(tree.children(node).tolist()):
            assert tree.row[child] == row
            seen.append(child)
            walk(child)

    walk(TOP)
    assert sorted(seen) == list(range(len(tree.parent)))


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("H-0-1", ["h-0-1", "h-0-1-part"]),
        ("buildingpart", ["h-0-0-part", "h-0-1-part", "h-1-0-part", "h-1-1-part"]),
        ("1904", ["h-1-0"]),
        ("living 1904", ["h-1-0"]),
        ("living part", []),
        ("no such word", []),
    ],
)  # fmt: skip
def test_objects_are_found_by_id_class_name_and_attributes_and_every_word_must_fit(query, found) -> None:
    search = object_search(object_tree(town(side=2)))
    matches = search.matching(query)
    assert [search.tree.name(node) for node in np.flatnonzero(matches).tolist()] == found


def test_surfaces_are_found_by_what_is_said_of_them_and_stand_under_what_they_bound() -> None:
    search = object_search(object_tree(house()))
    assert outline(search.tree.only(search.matching("double"))) == [("h-0-0", [("front", [("pane", [])])])]
    assert outline(search.tree.only(search.matching("nothing"))) == []


@given(st.lists(st.text("aAbİß\n 1", max_size=5), min_size=1, max_size=8), st.text("abiß1", min_size=1, max_size=2))
def test_a_word_is_found_in_exactly_the_values_that_hold_it(values, word) -> None:
    plain = town(side=1)
    model = replace(
        plain,
        object_ids=("x",) * len(values),
        type_names=("X",),
        object_type=np.zeros(len(values), np.int32),
        object_parent=np.full(len(values), -1, np.int32),
        attributes=(column("said", values),),
        surface_type=np.full(len(plain.surface_type), -1, np.int32),
        surface_type_names=(),
    )
    found = np.flatnonzero(object_search(object_tree(model)).matching(word)).tolist()
    assert found == [row for row, value in enumerate(values) if word.casefold() in value.casefold()]


def facts_of(attributes) -> dict[tuple[str, str], object]:
    return {(each.group, each.name): each.value for each in attributes}


def test_geometry_is_told_by_level_of_detail_with_area_and_volume_of_a_closed_solid_only() -> None:
    # 12 × 12 m and 10 m high: 2·144 + 4·120 m² and 1,440 m³; the part, 4 × 4 × 3 m, is no solid here
    assert facts_of(geometry_facts(house(), 0)) == {
        ("Geometry, LoD 2", "Type"): "Solid",
        ("Geometry, LoD 2", "Surfaces"): 6,
        ("Geometry, LoD 2", "Area of all surfaces"): 768.0,
        ("Geometry, LoD 2", "Volume"): 1440.0,
    }
    assert facts_of(geometry_facts(house(), 1)) == {
        ("Geometry, LoD 2", "Type"): "MultiSurface",
        ("Geometry, LoD 2", "Surfaces"): 6,
        ("Geometry, LoD 2", "Area of all surfaces"): 80.0,
    }
    assert facts_of(geometry_facts(house(), 0, in_metres=False)) == {
        ("Geometry, LoD 2", "Type"): "Solid",
        ("Geometry, LoD 2", "Surfaces"): 6,
    }


def test_what_is_open_or_there_twice_encloses_nothing() -> None:
    model = town(side=1)
    cube = model.vertices[model.triangles[:12]]
    assert enclosed_volume(cube) == pytest.approx(1440, rel=1e-12)
    assert enclosed_volume(cube + 1e7) == pytest.approx(1440, rel=1e-6)
    assert enclosed_volume(cube[1:]) is None
    assert enclosed_volume(np.concatenate([cube, cube])) is None
    assert enclosed_volume(cube[:, ::-1]) is None
    assert enclosed_volume(cube[:0]) is None


def test_a_part_has_the_attributes_of_its_building_and_says_from_where() -> None:
    assert facts_of(inherited_attributes(town(side=1), 1)) == {
        ("From Building", "year"): 1900,
        ("From Building", "use"): "living",
    }
    assert inherited_attributes(town(side=1), 0) == ()


def test_a_surface_tells_its_meaning_its_attributes_and_its_looks() -> None:
    assert facts_of(surface_facts(house(), [2])) == {
        ("Surface", "Type"): "Window",
        ("Surface", "Area"): 120.0,
        ("Surface", "Id"): "pane",
        ("Surface", "glass"): "double",
        ("Surface around it: WallSurface", "Type"): "WallSurface",
        ("Surface around it: WallSurface", "Id"): "front",
    }
    assert facts_of(surface_facts(house(), [5]))[("Appearance, theme summer", "Texture")] == "tiles/roof.jpg"
    wall = facts_of(surface_facts(house(), [1]))
    assert wall[("Appearance", "Material")] == "brick"
    assert wall[("Appearance", "Colour")] == "#ff8000"
    assert wall[("Appearance", "Transparency")] == 25
    assert facts_of(surface_facts(house(), [6])) == {("Surface", "Type"): "GroundSurface", ("Surface", "Area"): 16.0}


def test_of_several_surfaces_that_mean_the_same_the_size_of_all_is_told() -> None:
    assert facts_of(surface_facts(town(side=1), [1, 2, 3, 4])) == {
        ("Surface", "Type"): "WallSurface",
        ("Surface", "Surfaces"): 4,
        ("Surface", "Area"): 480.0,
    }


def test_themes_and_types_with_their_counts_are_choices_of_style() -> None:
    choices = choices_for(house())
    assert choices.themes == ("summer", "")
    assert [(choice.name, choice.count, choice.of_surfaces) for choice in choices.types] == [
        ("Building", 1, False),
        ("BuildingPart", 1, False),
        ("WallSurface", 8, True),
        ("RoofSurface", 2, True),
        ("GroundSurface", 2, True),
    ]
    assert roof_types(house()) == ("RoofSurface",)
    assert roof_types(None) == ()

"""What CityJSON holds beside surfaces: shells, semantic surfaces, points, looks, and what a file says of itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats.test_cityjson import CUBE, SHELL, codes, document, house, read, solid, told
from twinviewer.model.city_parts import GEOMETRY_TYPES, Material, Theme, WrapMode
from twinviewer.model.layer_data import CityModel

SQUARE = [[[0, 3, 2, 1]]]
"""The bottom of the cube alone."""


def flat(**members: Any) -> dict[str, Any]:
    return {"type": "MultiSurface", "lod": "2", "boundaries": SQUARE, **members}


def attribute(model: CityModel, name: str, *, thematic: bool = False) -> list[Any]:
    part = model.thematic if thematic else model
    assert part is not None
    (column,) = [each for each in part.attributes if each.name == name]
    return [column.value(row) for row in range(len(column.present))]


def theme_of(model: CityModel, name: str) -> Theme:
    assert model.appearance is not None
    (theme,) = [each for each in model.appearance.themes if each.name == name]
    return theme


# --- geometries -------------------------------------------------------------------------------------------------


def test_shells_and_solids_are_kept_apart(tmp_path: Path) -> None:
    geometry = [
        solid([SHELL, SHELL[:2]]),
        {"type": "CompositeSolid", "lod": "3", "boundaries": [[SHELL[:1]], [SHELL[:1], SHELL[:3]]]},
        flat(),
    ]
    made = read(tmp_path, document({"a": house(*geometry)})).geometries
    assert made is not None
    assert [GEOMETRY_TYPES[number] for number in made.type] == ["Solid", "CompositeSolid", "MultiSurface"]
    assert made.surface_geometry.tolist() == [0] * 8 + [1] * 5 + [2]
    assert made.surface_shell.tolist() == [0] * 6 + [1] * 2 + [2, 3, 4, 4, 4, -1]
    assert made.shell_solid.tolist() == [0, 0, 1, 2, 2]


def test_lines_and_points_have_meanings_of_their_own(tmp_path: Path) -> None:
    semantics = {"surfaces": [{"type": "TransportationMarking"}, {"type": "TrafficArea"}], "values": [0, 1]}
    lines = {"type": "MultiLineString", "lod": "0", "boundaries": [[0, 1], [1, 2, 3]], "semantics": semantics}
    points = {"type": "MultiPoint", "lod": "0", "boundaries": [4, 5], "semantics": semantics}
    model = read(tmp_path, document({"a": {"type": "Road", "geometry": [lines, points]}}))
    names = [model.surface_type_names[number] for number in model.surface_type]
    assert names == ["TransportationMarking", "TrafficArea"] * 2
    assert model.points is not None
    assert model.vertices[model.points.vertices].tolist() == CUBE[4:6]
    assert model.edge_surface.tolist() == [0, 1, 1]


# --- semantic surfaces ------------------------------------------------------------------------------------------


def test_semantic_surfaces_keep_attributes_and_openings(tmp_path: Path) -> None:
    surfaces = [
        {"type": "RoofSurface", "slope": 33.4, "children": [2], "layers": {"top": "tiles"}},
        {"type": "WallSurface", "id": "w-1"},
        {"type": "Window", "parent": 0, "glazed": True},
    ]
    semantics = {"surfaces": surfaces, "values": [[None, 0, 1, 1, 2, 0]]}
    model = read(tmp_path, document({"z": house(), "a": house(solid([SHELL], semantics=semantics), flat())}))
    thematic = model.thematic
    assert thematic is not None
    assert [model.surface_type_names[number] for number in thematic.type] == ["RoofSurface", "WallSurface", "Window"]
    assert thematic.ids == ("", "w-1", "")
    assert thematic.object.tolist() == [1, 1, 1]
    assert thematic.parent.tolist() == [-1, -1, 0]
    assert thematic.of_surface.tolist() == [-1, 0, 1, 1, 2, 0, -1]
    assert attribute(model, "slope", thematic=True) == [33.4, None, None]
    assert attribute(model, "layers.top", thematic=True) == ["tiles", None, None]
    assert attribute(model, "glazed", thematic=True) == [None, None, True]
    assert not model.attributes


# --- appearance -------------------------------------------------------------------------------------------------

MATERIALS = [
    {"name": "red", "diffuseColor": [0.9, 0.1, 0.2], "transparency": 0.5, "isSmooth": True},
    {"name": "blue", "emissiveColor": [0, 0, 1], "shininess": 0.0, "ambientIntensity": 7},
]
TEXTURES = [{"type": "JPG", "image": "wall.jpg", "wrapMode": "mirror", "textureType": "specific"}, {"image": "b.png"}]
PLACES = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.5, 0.5]]


def appearance(**members: Any) -> dict[str, Any]:
    return {"materials": MATERIALS, "textures": TEXTURES, "vertices-texture": PLACES, **members}


def test_materials_are_nested_as_surfaces_are_or_one_for_all(tmp_path: Path) -> None:
    nested = {"summer": {"values": [[1, 0, None, None, 0, 1]]}, "winter": {"value": 1}, "": {"values": [None]}}
    geometry = [flat(), solid([SHELL], material=nested), flat(material={"summer": {"values": [0]}})]
    model = read(tmp_path, document({"a": house(*geometry)}, appearance=appearance(textures=[])))
    assert theme_of(model, "summer").material.tolist() == [-1, 1, 0, -1, -1, 0, 1, 0]
    assert theme_of(model, "winter").material.tolist() == [-1, 1, 1, 1, 1, 1, 1, -1]
    assert model.appearance is not None
    assert [theme.name for theme in model.appearance.themes] == ["summer", "winter"]
    assert theme_of(model, "summer").coordinates.shape == (0, 3, 2)
    assert model.appearance.materials == (
        Material(name="red", diffuse=(0.9, 0.1, 0.2), transparency=0.5, is_smooth=True),
        Material(name="blue", emissive=(0.0, 0.0, 1.0), shininess=0.0, ambient_intensity=1.0),
    )
    assert model.diagnostics == ()


def test_textures_give_each_corner_its_place(tmp_path: Path) -> None:
    (tmp_path / "wall.jpg").write_bytes(b"x")
    (tmp_path / "b.png").write_bytes(b"x")
    values = [[[[0, 0, 1, 2, 3]], [[None]], None, [[1, 4, 4, 4, 4]], [[0, 3, 2, 1, 0]]]]
    model = read(
        tmp_path,
        document({"a": house(solid([SHELL], texture={"t": {"values": values}}))}, appearance=appearance()),
    )
    theme = theme_of(model, "t")
    assert theme.texture.tolist() == [0, -1, -1, 1, 0, -1]
    assert model.appearance is not None
    first, second = model.appearance.textures
    assert (first.path, first.wrap, first.kind, first.media_type) == (
        "wall.jpg",
        WrapMode.MIRROR,
        "specific",
        "image/jpeg",
    )
    assert (second.path, second.wrap, second.media_type) == ("b.png", WrapMode.NONE, "")
    expected = dict(zip([(*CUBE[number],) for number in SQUARE[0][0]], PLACES[:4], strict=True))
    own = model.triangle_surface == 0
    vertices, places = model.vertices[model.triangles[own].ravel()], theme.coordinates[own].reshape(-1, 2)
    for vertex, place in zip(vertices.tolist(), places.tolist(), strict=True):
        assert place == expected[(*vertex,)]
    assert np.isnan(theme.coordinates[model.triangle_surface == 1]).all()
    assert (theme.coordinates[model.triangle_surface == 3] == 0.5).all()
    assert model.diagnostics == ()


@pytest.mark.parametrize(
    "member",
    [
        {"texture": {"t": {"values": [[[9, 0, 1, 2, 3]]]}}},
        {"texture": {"t": {"values": [[[0, 0, 1, 2]]]}}},
        {"texture": {"t": {"values": [[[0, 0, 1, 2, 99]]]}}},
        {"texture": {"t": {"values": [[[0, 0, 1, 2, "3"]]]}}},
        {"texture": {"t": {"values": [[5]]}}},
        {"texture": "none"},
        {"material": {"t": {"values": [9]}}},
        {"material": {"t": {"value": "red"}}},
        {"material": [0]},
    ],
)
def test_looks_that_do_not_fit_cost_only_themselves(tmp_path: Path, member: dict[str, Any]) -> None:
    model = read(
        tmp_path, document({"a": house(flat(**member), solid())}, appearance=appearance(textures=TEXTURES[:1]))
    )
    assert len(model.triangles) == 14
    assert told(model, "appearance.mismatch") == ("a", 1)
    for theme in model.appearance.themes if model.appearance else ():
        assert set(theme.texture.tolist()) == set(theme.material.tolist()) == {-1}


def test_images_that_are_not_there_or_outside_are_told_once_with_their_count(tmp_path: Path) -> None:
    (tmp_path / "city").mkdir()
    (tmp_path / "secret.png").write_bytes(b"x")
    images = ["one.png", "two.png", "../secret.png", "https://example.org/three.png", "/etc/passwd"]
    textures = [{"type": "PNG", "image": image} for image in images]
    model = read(tmp_path / "city", document({"a": house(flat())}, appearance={"textures": textures}))
    assert told(model, "texture.missing") == ("one.png", 2)
    assert told(model, "texture.outside") == ("../secret.png", 3)


def test_a_template_brings_its_look_to_every_place(tmp_path: Path) -> None:
    template = flat(
        material={"m": {"value": 1}}, semantics={"surfaces": [{"type": "RoofSurface", "n": 4}], "values": [0]}
    )
    templates = {"templates": [template], "vertices-templates": [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]}
    trees = {
        name: {"type": "PlantCover", "geometry": [{"type": "GeometryInstance", "template": 0, "boundaries": [vertex]}]}
        for name, vertex in (("t", 0), ("u", 6))
    }
    model = read(
        tmp_path,
        document(trees, **{"appearance": appearance(textures=[]), "geometry-templates": templates}),
    )
    assert theme_of(model, "m").material.tolist() == [1, 1]
    assert model.geometries is not None
    assert model.geometries.surface_geometry.tolist() == [0, 1]
    assert model.thematic is not None
    assert model.thematic.object.tolist() == [0, 1]
    assert attribute(model, "n", thematic=True) == [4, 4]


def test_features_of_a_sequence_may_have_looks_of_their_own(tmp_path: Path) -> None:
    def feature(name: str, **members: Any) -> dict[str, Any]:
        objects = {name: house(flat(material={"m": {"value": 1}}))}
        return {"type": "CityJSONFeature", "id": name, "CityObjects": objects, "vertices": CUBE, **members}

    head = document({}, vertices=[], appearance={"materials": MATERIALS})
    own = {"materials": [{"name": "grey"}, MATERIALS[0]]}
    model = read(tmp_path, head, feature("a"), feature("b", appearance=own), feature("c"), name="city.jsonl")
    assert model.appearance is not None
    names = [model.appearance.materials[number].name for number in theme_of(model, "m").material]
    assert names == ["blue", "red", "blue"]
    assert len(model.appearance.materials) == 3


# --- what is said -----------------------------------------------------------------------------------------------


def test_what_a_file_says_of_itself_is_kept(tmp_path: Path) -> None:
    metadata = {
        "title": "Town",
        "referenceDate": "2024-05-06",
        "referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415",
        "geographicalExtent": [0, 0, 0, 1, 1, 1],
        "pointOfContact": {"contactName": "A. B.", "emailAddress": "a@b.org", "address": {"city": "Delft"}},
        "keywords": ["roofs", "trees"],
    }
    extensions = {"Noise": {"url": "https://example.org/noise.json", "version": "1.0"}}
    objects = {"a": house(flat())}
    model = read(tmp_path, document(objects, metadata=metadata, extensions=extensions, **{"+census": {"percent": 4.5}}))
    assert dict(model.source.metadata) == {
        "title": "Town",
        "referenceDate": "2024-05-06",
        "pointOfContact.contactName": "A. B.",
        "pointOfContact.emailAddress": "a@b.org",
        "pointOfContact.address.city": "Delft",
        "keywords": '["roofs","trees"]',
        "/extensions.Noise.url": "https://example.org/noise.json",
        "/extensions.Noise.version": "1.0",
        "/+census.percent": "4.5",
    }


def test_groups_addresses_and_extents_of_objects_are_kept(tmp_path: Path) -> None:
    objects = {
        "a": house(
            flat(),
            address=[{"city": "Delft", "location": {"type": "MultiPoint", "lod": "1", "boundaries": [6]}}],
            geographicalExtent=[10, 20, 30, 11, 21, 30],
            **{"+owner": "town"},
        ),
        "g": {"type": "CityObjectGroup", "children": ["a"], "children_roles": ["main"]},
    }
    model = read(tmp_path, document(objects))
    assert attribute(model, "address.city") == ["Delft", None]
    assert attribute(model, "address.location") == ["[[11.0,21.0,31.0]]", None]
    assert attribute(model, "geographicalExtent") == ["[10,20,30,11,21,30]", None]
    assert attribute(model, "+owner") == ["town", None]
    assert attribute(model, "children") == [None, '["a"]']
    assert attribute(model, "children_roles") == [None, '["main"]']
    assert model.object_parent.tolist() == [-1, -1]
    assert codes(model) == set()

"""CityJSON and CityJSONSeq, written here member by member: geometry types, semantics, templates, hierarchy, damage."""

from __future__ import annotations

import contextlib
import copy
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.formats.listener import Listener, StopsAfter
from twinviewer.formats import cityjson
from twinviewer.formats.soundness import RAW_LIMIT, check, mended
from twinviewer.model.attributes import AttributeType
from twinviewer.model.city_parts import GEOMETRY_TYPES
from twinviewer.model.errors import DamagedFileError, UnsupportedFormatError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import CityModel

# A unit cube at (10, 20, 30); each face counter-clockwise seen from outside.
CUBE = [
    [10, 20, 30], [11, 20, 30], [11, 21, 30], [10, 21, 30],
    [10, 20, 31], [11, 20, 31], [11, 21, 31], [10, 21, 31],
]  # fmt: skip
BOTTOM, TOP = [[0, 3, 2, 1]], [[4, 5, 6, 7]]
SIDES = [[[0, 1, 5, 4]], [[1, 2, 6, 5]], [[2, 3, 7, 6]], [[3, 0, 4, 7]]]
SHELL = [BOTTOM, TOP, *SIDES]


def document(objects: dict[str, Any], *, vertices: Any = CUBE, **members: Any) -> dict[str, Any]:
    return {"type": "CityJSON", "version": "2.0", "CityObjects": objects, "vertices": vertices, **members}


def solid(boundaries: Any = (SHELL,), **members: Any) -> dict[str, Any]:
    return {"type": "Solid", "lod": "2.2", "boundaries": boundaries, **members}


def house(*geometry: Any, **members: Any) -> dict[str, Any]:
    return {"type": "Building", "geometry": list(geometry), **members}


def read_file(path: Path) -> CityModel:
    [model] = cityjson.read(path=path, feedback=Silent())
    check(mended(model, limit=RAW_LIMIT))
    return model


def read(folder: Path, *documents: Any, name: str = "city.json") -> CityModel:
    path = folder / name
    path.write_text("\n".join(text if isinstance(text, str) else json.dumps(text) for text in documents))
    return read_file(path)


def codes(model: CityModel) -> set[str]:
    return {diagnostic.code for diagnostic in model.diagnostics}


def told(model: CityModel, code: str) -> tuple[str, int]:
    return next((found.where, found.count) for found in model.diagnostics if found.code == code)


def attribute(model: CityModel, name: str) -> list[Any]:
    column = next(column for column in model.attributes if column.name == name)
    return [column.value(row) for row in range(len(model.object_ids))]


def areas(model: CityModel) -> np.ndarray:
    """The area vector of each surface: points outwards, as long as the surface is large."""
    a, b, c = (model.vertices[model.triangles[:, corner]] for corner in range(3))
    total = np.zeros((len(model.surface_object), 3))
    np.add.at(total, model.triangle_surface, np.cross(b - a, c - a) / 2)
    return total


def types_of(model: CityModel) -> list[str | None]:
    return [None if number < 0 else model.surface_type_names[number] for number in model.surface_type]


# --- geometry ---------------------------------------------------------------------------------------------------

OUTWARDS = [[0, 0, -1], [0, 0, 1], [0, -1, 0], [1, 0, 0], [0, 1, 0], [-1, 0, 0]]


@pytest.mark.parametrize(
    ("kind", "boundaries"),
    [
        ("MultiSurface", SHELL),
        ("CompositeSurface", SHELL),
        ("Solid", [SHELL]),
        ("MultiSolid", [[SHELL]]),
        ("CompositeSolid", [[SHELL]]),
    ],
)
def test_every_geometry_type_with_surfaces_gives_the_cube(tmp_path, kind, boundaries) -> None:
    model = read(tmp_path, document({"a": house({"type": kind, "lod": "1", "boundaries": boundaries})}))
    assert (len(model.surface_object), len(model.triangles), len(model.edges)) == (6, 12, 24)
    np.testing.assert_allclose(areas(model), OUTWARDS, atol=1e-12)
    assert model.extent.as_tuple() == (10, 20, 30, 11, 21, 31)
    assert model.lods == ("1",)
    assert model.diagnostics == ()


def test_holes_are_cut_out(tmp_path) -> None:
    vertices = [[0, 0, 0], [4, 0, 0], [4, 4, 0], [0, 4, 0], [1, 1, 0], [1, 2, 0], [2, 2, 0], [2, 1, 0]]
    square = {"type": "MultiSurface", "lod": "0", "boundaries": [[[0, 1, 2, 3], [4, 5, 6, 7]]]}
    model = read(tmp_path, document({"a": house(square)}, vertices=vertices))
    np.testing.assert_allclose(areas(model), [[0, 0, 15]])


def test_inner_shells_and_several_solids_count_all_their_surfaces(tmp_path) -> None:
    several = {"type": "MultiSolid", "lod": "3", "boundaries": [[SHELL, SIDES], [SHELL]]}
    model = read(tmp_path, document({"a": house(several)}))
    assert len(model.surface_object) == 16


@pytest.mark.parametrize(("kind", "boundaries"), [("MultiPoint", [0, 1]), ("MultiLineString", [[0, 1], [2, 3]])])
def test_points_and_lines_are_kept_beside_surfaces(tmp_path, kind, boundaries) -> None:
    bare = {"type": kind, "lod": "0", "boundaries": boundaries}
    model = read(tmp_path, document({"a": house(bare, solid()), "b": house(bare)}))
    assert len(model.triangles) == 12
    lines, points = (2 * 2, 0) if kind == "MultiLineString" else (0, 2 * 2)
    assert len(model.edges) == 6 * 4 + lines
    assert (0 if model.points is None else len(model.points.vertices)) == points
    assert model.geometries is not None
    assert [GEOMETRY_TYPES[number] for number in model.geometries.type] == [kind, "Solid", kind]
    assert model.diagnostics == ()


def test_several_levels_of_detail_are_kept_apart_in_ascending_order(tmp_path) -> None:
    flat = {"type": "MultiSurface", "boundaries": [BOTTOM]}
    objects = {"a": house(solid(), {**flat, "lod": "0"}, {**flat, "lod": "1.3"}, flat)}
    model = read(tmp_path, document(objects))
    assert model.lods == ("0", "1.3", "2.2")
    assert model.surface_lod.tolist() == [2] * 6 + [0, 1, -1]


@pytest.mark.parametrize(("written", "name"), [(2, "2"), (2.0, "2"), (1.3, "1.3"), ("2.0", "2.0")])
def test_levels_written_as_numbers_are_those_of_version_1_0(tmp_path, written, name) -> None:
    assert read(tmp_path, document({"a": house({**solid(), "lod": written})}, version="1.0")).lods == (name,)


def test_the_transform_scales_and_shifts(tmp_path) -> None:
    transform = {"scale": [0.001, 0.01, 0.1], "translate": [85_000, 446_000, -5]}
    model = read(tmp_path, document({"a": house(solid())}, transform=transform))
    expected = np.array([10, 20, 30]) * [0.001, 0.01, 0.1] + [85_000, 446_000, -5]
    np.testing.assert_allclose(model.vertices.min(axis=0), expected, atol=1e-9)


def test_vertices_that_nothing_uses_are_left_out(tmp_path) -> None:
    model = read(tmp_path, document({"a": house(solid())}, vertices=[*CUBE, [1e9, 1e9, 1e9]]))
    assert len(model.vertices) == 8


# --- semantics --------------------------------------------------------------------------------------------------

SURFACES = [{"type": "GroundSurface"}, {"type": "RoofSurface", "slope": 3.0}, {"type": "WallSurface", "parent": 1}]
CUBE_TYPES = ["GroundSurface", "RoofSurface", *["WallSurface"] * 4]


@pytest.mark.parametrize(
    ("kind", "boundaries", "values", "types"),
    [
        ("MultiSurface", SHELL, [0, 1, 2, 2, 2, 2], CUBE_TYPES),
        ("Solid", [SHELL], [[0, 1, 2, 2, 2, 2]], CUBE_TYPES),
        ("Solid", [SHELL], [[0, 1, None, None, None, 2]], [*CUBE_TYPES[:2], None, None, None, "WallSurface"]),
        ("Solid", [SHELL, SIDES], [[0, 1, 2, 2, 2, 2], None], [*CUBE_TYPES, *[None] * 4]),
        ("Solid", [SHELL], None, [None] * 6),
        ("CompositeSolid", [[SHELL], [SHELL]], [None, [[0, 1, 2, 2, 2, 2]]], [*[None] * 6, *CUBE_TYPES]),
    ],
)
def test_surfaces_have_the_types_of_their_semantics(tmp_path, kind, boundaries, values, types) -> None:
    geometry = {
        "type": kind,
        "lod": "2",
        "boundaries": boundaries,
        "semantics": {"surfaces": SURFACES, "values": values},
    }
    model = read(tmp_path, document({"a": house(geometry)}))
    assert types_of(model) == types
    assert [found.code for found in model.diagnostics] == (["val3dity.302"] if SIDES in boundaries else [])


@pytest.mark.parametrize(
    "values", [[[0, 1, 9, 2, 2, 2]], [[0, 1, -1, 2, 2, 2]], [[0, 1, "2", 2, 2, 2]], [[0, 1, [2], 2, 2, 2]]]
)
def test_a_type_that_is_not_listed_costs_only_itself(tmp_path, values) -> None:
    model = read(tmp_path, document({"a": house(solid(semantics={"surfaces": SURFACES, "values": values}))}))
    assert types_of(model) == ["GroundSurface", "RoofSurface", None, "WallSurface", "WallSurface", "WallSurface"]
    assert told(model, "semantics.mismatch") == ("a", 1)


def test_too_few_semantic_values_leave_the_last_surfaces_without(tmp_path) -> None:
    model = read(tmp_path, document({"a": house(solid(semantics={"surfaces": SURFACES, "values": [[0]]}))}))
    assert types_of(model) == ["GroundSurface", *[None] * 5]


# --- templates --------------------------------------------------------------------------------------------------

TEMPLATES = {
    "templates": [
        {"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 2, 3]]]},
        {"type": "Solid", "lod": "2", "boundaries": [SHELL]},
    ],
    "vertices-templates": [[x - 10, y - 20, z - 30] for x, y, z in CUBE],
}
TWICE_AS_LARGE = [2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 2, 0, 0, 0, 0, 1]


def instance(template: Any = 1, vertex: Any = 0, matrix: Any = TWICE_AS_LARGE) -> dict[str, Any]:
    return {"type": "GeometryInstance", "template": template, "boundaries": [vertex], "transformationMatrix": matrix}


def test_instances_stand_where_they_should_as_large_as_they_should(tmp_path) -> None:
    objects = {"tree": {"type": "SolitaryVegetationObject", "geometry": [instance()]}}
    transform = {"scale": [0.5, 0.5, 0.5], "translate": [100, 200, 300]}
    text = document(objects, vertices=[[8, 8, 8]], transform=transform, **{"geometry-templates": TEMPLATES})
    model = read(tmp_path, text)
    assert model.extent.as_tuple() == (104, 204, 304, 106, 206, 306)
    np.testing.assert_allclose(areas(model), 4 * np.array(OUTWARDS), atol=1e-9)
    assert model.lods == ("2",) or model.lods[model.surface_lod[0]] == "2"


@pytest.mark.parametrize(
    "geometry",
    [instance(template=2), instance(template=-1), instance(vertex=8), instance(vertex="0"), instance(matrix=[1, 2, 3])],
)
def test_instances_that_cannot_be_placed_are_told_with_their_object(tmp_path, geometry) -> None:
    text = document({"tree": house(geometry), "good": house(solid())}, **{"geometry-templates": TEMPLATES})
    model = read(tmp_path, text)
    assert told(model, "instance.malformed") == ("tree", 1)
    assert set(model.surface_object.tolist()) == {1}


# --- objects and attributes -------------------------------------------------------------------------------------


def test_parts_know_their_parents_whichever_comes_first(tmp_path) -> None:
    objects = {
        "part": {"type": "BuildingPart", "parents": ["whole"]},
        "whole": {"type": "Building", "children": ["part", "balcony"]},
        "balcony": {"type": "BuildingInstallation"},
        "group": {"type": "CityObjectGroup", "children": ["whole"]},
    }
    objects["whole"]["parents"] = ["group"]
    model = read(tmp_path, document(objects))
    assert model.object_ids == ("part", "whole", "balcony", "group")
    assert model.object_parent.tolist() == [1, -1, 1, -1]  # a group's members are not its parts
    assert [model.type_names[number] for number in model.object_type][:2] == ["BuildingPart", "Building"]


def test_parents_that_are_missing_or_go_in_circles_are_told(tmp_path) -> None:
    objects = {
        "a": {"type": "BuildingPart", "parents": ["b"]},
        "b": {"type": "BuildingPart", "parents": ["a"]},
        "c": {"type": "BuildingPart", "parents": ["a"]},
        "d": {"type": "BuildingPart", "parents": ["nobody"]},
        "e": {"type": "BuildingPart", "parents": ["e"]},
    }
    model = read(tmp_path, document(objects))
    assert told(model, "object.parent-missing") == ("d", 1)
    assert "object.parent-cycle" in codes(model)
    parents = model.object_parent
    for _ in range(6):
        parents = np.where(parents >= 0, model.object_parent[parents], -1)
    assert (parents == -1).all()


def test_attributes_keep_their_types_and_nested_names_are_joined(tmp_path) -> None:
    objects = {
        "a": house(
            attributes={"year": 1904, "height": 22, "tiled": True, "roof": {"type": "gable", "pitch": {"deg": 30}}}
        ),
        "b": house(attributes={"height": 7.5, "owner": "Elvis", "year": None, "tags": ["x", 1], "of": [{"x": 1}]}),
        "c": house(
            attributes={"big": 2**63, "mixed": 1}, address=[{"locality": "Delft", "location": {"type": "MultiPoint"}}]
        ),
        "d": house(attributes={"mixed": "one"}),
    }
    model = read(tmp_path, document(objects))
    assert attribute(model, "year") == [1904, None, None, None]
    assert attribute(model, "height") == [22.0, 7.5, None, None]
    assert attribute(model, "tiled") == [True, None, None, None]
    assert attribute(model, "roof.pitch.deg") == [30, None, None, None]
    assert attribute(model, "tags") == [None, '["x",1]', None, None]
    assert attribute(model, "of") == [None, '[{"x":1}]', None, None]
    assert attribute(model, "big") == [None, None, 2.0**63, None]
    assert attribute(model, "mixed") == [None, None, "1", "one"]
    assert attribute(model, "address.locality") == [None, None, "Delft", None]
    types = {column.name: column.type for column in model.attributes}
    assert types["year"] is AttributeType.INTEGER
    assert types["height"] is AttributeType.DOUBLE
    assert not any("location" in name for name in types)


def test_objects_of_an_extension_are_objects_like_any_other(tmp_path) -> None:
    objects = {"n": {"type": "+NoiseBarrier", "geometry": [solid()], "attributes": {"+noise": 12.5}}}
    model = read(
        tmp_path, document(objects, extensions={"Noise": {"url": "https://example.org/n.json", "version": "1"}})
    )
    assert model.type_names == ("+NoiseBarrier",)
    assert attribute(model, "+noise") == [12.5]
    assert len(model.triangles) == 12


# --- reference systems ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "metadata",
    [
        {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
        {"referenceSystem": "http://www.opengis.net/def/crs/EPSG/0/7415"},
        {"referenceSystem": "urn:ogc:def:crs:EPSG::7415"},
        {"referenceSystem": "EPSG:7415"},
        {"referenceSystem": 7415},
        {"crs": {"epsg": 7415}},
    ],
)
def test_the_reference_system_is_understood_in_every_spelling(tmp_path, metadata) -> None:
    model = read(tmp_path, document({"a": house(solid())}, metadata=metadata))
    assert (model.crs.horizontal, model.crs.vertical) == ("EPSG:28992", "EPSG:5709")


@pytest.mark.parametrize("metadata", [None, {}, {"referenceSystem": None}, {"crs": 7415}, "EPSG:7415"])
def test_no_reference_system_is_none(tmp_path, metadata) -> None:
    assert read(tmp_path, document({"a": house(solid())}, metadata=metadata)).crs is None


def test_an_unknown_reference_system_is_told(tmp_path) -> None:
    model = read(tmp_path, document({"a": house(solid())}, metadata={"referenceSystem": "EPSG:123456"}))
    assert model.crs is None
    assert told(model, "crs.unknown") == ("EPSG:123456", 1)


def test_x_is_east_even_where_the_authority_puts_north_first(tmp_path) -> None:
    # Warsaw in EPSG:2180, of which EPSG has the northing first; swapped it would still be in Poland.
    warsaw = [[637_000 + x, 487_000 + y, z] for x, y, z in CUBE]
    metadata = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/2180"}
    model = read(tmp_path, document({"a": house(solid())}, vertices=warsaw, metadata=metadata))
    assert model.extent.min_x == 637_010


def test_degrees_with_latitude_first_are_recognised_where_they_can_be(tmp_path) -> None:
    tokyo = [[35.67 + x * 1e-5, 139.71 + y * 1e-5, z] for x, y, z in CUBE]
    metadata = {"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/6697"}
    model = read(tmp_path, document({"a": house(solid())}, vertices=tokyo, metadata=metadata))
    assert 139 < model.extent.min_x < 140


# --- sequences --------------------------------------------------------------------------------------------------

HEAD = document(
    {},
    vertices=[],
    transform={"scale": [0.1, 0.1, 0.1], "translate": [1000, 2000, 0]},
    metadata={"referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/7415"},
)


def feature(object_id: str, *, shift: int = 0, **members: Any) -> dict[str, Any]:
    vertices = [[x + shift, y, z] for x, y, z in CUBE]
    objects = {
        object_id: {"type": "Building", "children": [f"{object_id}-0"]},
        f"{object_id}-0": {"type": "BuildingPart", "parents": [object_id], "geometry": [solid()]},
    }
    return {"type": "CityJSONFeature", "id": object_id, "CityObjects": objects, "vertices": vertices, **members}


@pytest.mark.parametrize("name", ["city.jsonl", "city.city.jsonl", "city.json"])
def test_each_feature_of_a_sequence_has_vertices_of_its_own(tmp_path, name) -> None:
    model = read(tmp_path, HEAD, feature("a"), feature("b", shift=1000), name=name)
    assert (model.source.format, model.source.version) == ("CityJSONSeq", "2.0")
    assert model.object_ids == ("a", "a-0", "b", "b-0")
    assert model.object_parent.tolist() == [-1, 0, -1, 2]
    assert len(model.vertices) == 16
    np.testing.assert_allclose(model.extent.as_tuple(), (1001, 2002, 3, 1101.1, 2002.1, 3.1))
    assert model.crs.horizontal == "EPSG:28992"


def test_a_sequence_may_have_empty_lines_record_separators_and_a_byte_order_mark(tmp_path) -> None:
    path = tmp_path / "city.jsonl"
    lines = [json.dumps(HEAD), "", "\x1e" + json.dumps(feature("a")), "  "]
    path.write_bytes(b"\xef\xbb\xbf" + "\r\n".join(lines).encode())
    assert read_file(path).object_ids == ("a", "a-0")


def test_a_vertex_past_a_features_own_is_not_its_neighbours(tmp_path) -> None:
    wrong = feature("a")
    wrong["CityObjects"]["a-0"]["geometry"] = [{"type": "MultiSurface", "lod": "1", "boundaries": [[[0, 1, 8]]]}]
    model = read(tmp_path, HEAD, wrong, feature("b"), name="city.jsonl")
    assert told(model, "vertex.out-of-range") == ("a-0", 1)
    assert set(model.surface_object[model.triangle_surface].tolist()) == {3}


def test_damaged_lines_cost_only_themselves(tmp_path) -> None:
    cut = json.dumps(feature("b"))[:-40]
    model = read(tmp_path, HEAD, feature("a"), cut, feature("c"), {"type": "Feature"}, name="city.jsonl")
    assert model.object_ids == ("a", "a-0", "c", "c-0")
    assert told(model, "cityjson.line-damaged") == ("line 3", 1)
    assert told(model, "cityjson.line-unknown") == ("line 5", 1)


def test_a_first_line_that_lacks_its_last_brackets_still_says_where_things_lie(tmp_path) -> None:
    model = read(tmp_path, json.dumps(HEAD)[:-1], feature("a"), name="city.jsonl")
    assert model.extent.min_x == pytest.approx(1001)
    assert told(model, "cityjson.line-mended") == ("line 1", 1)


def test_a_sequence_without_its_first_line_is_shown_as_it_is_and_told(tmp_path) -> None:
    model = read(tmp_path, feature("a"), name="city.jsonl")
    assert model.extent.min_x == 10
    assert "cityjson.no-head" in codes(model)


# --- damage -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("boundaries", "kind"),
    [
        ([[[[0, 1, 2.5]]]], "Solid"),
        ([[[[0, 1, "2"]]]], "Solid"),
        ([[[0, 1, 2]]], "Solid"),
        ([[[[[0, 1, 2]]]]], "Solid"),
        ([0, 1, 2], "MultiSurface"),
        ({"a": [[0, 1, 2]]}, "MultiSurface"),
        (None, "MultiSurface"),
        ([[[0, 1, 2**70]]], "MultiSurface"),
        ([[[0, 1, None]]], "CompositeSurface"),
    ],
)
def test_boundaries_that_are_not_nested_as_they_should_be_cost_one_geometry(tmp_path, boundaries, kind) -> None:
    objects = {"bad": house({"type": kind, "lod": "1", "boundaries": boundaries}), "good": house(solid())}
    model = read(tmp_path, document(objects))
    assert told(model, "geometry.malformed") == ("bad", 1)
    assert len(model.triangles) == 12
    assert set(model.surface_object.tolist()) == {1}


@pytest.mark.parametrize("vertex", [[1, 2], [1, 2, 3, 4], [1, None, 3], ["1", 2, 3], "abc", None, 7])
def test_a_vertex_that_is_not_three_numbers_costs_only_the_surfaces_at_it(tmp_path, vertex) -> None:
    model = read(tmp_path, document({"a": house(solid())}, vertices=[vertex, *CUBE[1:]]))
    assert told(model, "vertex.malformed") == ("vertices[0]", 1)
    assert len(model.triangles) == 6  # three of the six faces meet there


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "The file is empty"),
        (b'{"type": "CityJSON", "CityObjects": {"a": {', "ends before its last bracket is closed (line 1, column 44)"),
        (b'{"type": "CityJSON", "vertices": [[1, 2, NaN]]}', "“NaN” for a number"),
        (b'{"type": "CityJSON", "vertices": [[1, 2, -Infinity]]}', "“-Infinity” for a number"),
        (b'{"CityObjects": {}, "vertices": [[1, 2, 3]}', "a “]” is missing before line 1, column 43"),
        (b"[" * 5000 + b"]" * 5000, "nested deeper than any city model's"),
        ('{"CityObjects": "ä"}'.encode("latin-1"), "not in UTF-8"),
        (b'{"CityObjects" 1}', "not valid JSON"),
        (b'{"CityObjects": {}, "transform": {"scale": [1, 2]}}', "“transform” is not one"),
        (b'{"CityObjects": {}, "transform": {"scale": [1, 2], "translate": [0, 0, 0]}}', "“transform” is not one"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_file_is_said_in_one_sentence(tmp_path, content, words) -> None:
    path = tmp_path / "city.json"
    path.write_bytes(content)
    with pytest.raises(DamagedFileError) as caught:
        read_file(path)
    assert words in caught.value.problem
    assert caught.value.source == "city.json"


@pytest.mark.parametrize("content", ['{"type": "FeatureCollection", "features": []}', "[1, 2]", '"CityJSON"'])
def test_other_json_is_refused(tmp_path, content) -> None:
    with pytest.raises(UnsupportedFormatError, match="not CityJSON"):
        read(tmp_path, content)


def test_places_in_textures_that_are_no_whole_numbers_leave_nothing_behind(tmp_path) -> None:
    values = [[[[0, 0, 1, 2, 3.0]]] * 6]
    appearance = {"textures": [{"type": "PNG", "image": "a.png"}], "vertices-texture": [[0, 0], [1, 0], [1, 1], [0, 1]]}
    textured = solid(texture={"summer": {"values": values}})
    model = read(tmp_path, document({"a": house(textured)}, appearance=appearance))
    assert told(model, "appearance.mismatch") == ("a", 1)
    assert len(model.triangles) == 12


WHOLE = document(
    {
        "a": house(
            solid(semantics={"surfaces": SURFACES, "values": [[0, 1, 2, 2, 2, 2]]}),
            attributes={"x": {"y": 1}},
            children=["t"],
        ),
        "t": house(instance(), parents=["a"]),
    },
    metadata={"referenceSystem": "EPSG:7415"},
    transform={"scale": [1, 1, 1], "translate": [0, 0, 0]},
    **{"geometry-templates": TEMPLATES},
)


@given(seed=st.integers(0, 10**6))
@settings(max_examples=60, deadline=None)
def test_no_damage_makes_the_reader_fail_otherwise_than_in_words(tmp_path_factory, seed: int) -> None:
    damaged = copy.deepcopy(WHOLE)
    _damage(damaged, random.Random(seed))
    with contextlib.suppress(DamagedFileError, UnsupportedFormatError):
        read(tmp_path_factory.mktemp("damage"), damaged)


def _damage(value: Any, chance: random.Random) -> None:
    """Put something else in one place deep inside."""
    while True:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = chance.choice(keys)
        inner = value[key]
        if isinstance(inner, dict | list) and inner and chance.random() < 0.9:
            value = inner
            continue
        value[key] = chance.choice([None, -1, 1.5, "x", True, [], {}, [[]], [1], {"type": 1}, 10**20])
        return


# --- telling it from other JSON, and on the way -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "is_city"),
    [
        (json.dumps(document({})), True),
        (json.dumps({"CityObjects": {}, "vertices": [], "type": "CityJSON"}, indent=4), True),
        ("\ufeff" + json.dumps(document({})), True),
        ('{"vertices": [' + "[1000000, 1000000, 100000], " * 4000 + "[0,0,0]]" + ', "type": "CityJSON"}', True),
        (json.dumps(HEAD) + "\n" + json.dumps(feature("a")), True),
        ("\x1e" + json.dumps(HEAD), True),
        ('{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {"of": "CityJSON"}}]}', False),
        ('{"type":"Topology","arcs":[]}', False),
        ("[]", False),
        ("<CityModel/>", False),
        ("", False),
    ],
)
def test_a_look_at_the_first_bytes_tells_cityjson_from_geojson(tmp_path, content, is_city) -> None:
    path = tmp_path / "some.json"
    path.write_text(content)
    assert (cityjson.probe(path=path) > 0.5) is is_city
    if not is_city:
        assert cityjson.probe(path=path) == 0.0


def test_an_old_version_is_read_and_told(tmp_path) -> None:
    assert "cityjson.version" in codes(read(tmp_path, document({"a": house(solid())}, version="0.9")))
    assert "cityjson.version" not in codes(read(tmp_path, document({"a": house(solid())}, version="1.1")))


def test_progress_goes_forward_and_the_work_can_be_stopped(tmp_path) -> None:
    path = tmp_path / "city.jsonl"
    path.write_text("\n".join(json.dumps(text) for text in [HEAD, *(feature(f"b{i}") for i in range(50))]))
    listener = Listener()
    cityjson.read(path=path, feedback=listener)
    assert listener.fractions == sorted(listener.fractions)
    assert len(listener.asked_at) > 50
    with pytest.raises(Cancelled):
        cityjson.read(path=path, feedback=StopsAfter(20))

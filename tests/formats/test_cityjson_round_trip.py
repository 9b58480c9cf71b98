"""City models into CityJSON and back: nothing is lost, whatever the file or the model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tests.formats.test_cityjson import CUBE, SHELL, document
from twinviewer.formats import cityjson, cityjson_writer
from twinviewer.formats.soundness import check
from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.city_parts import GEOMETRY_TYPES
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel

WRITERS = {"city.json": cityjson_writer.write, "city.jsonl": cityjson_writer.write_sequence}


def read(path: Path) -> CityModel:
    (model,) = cityjson.read(path=path, feedback=Silent())
    check(model)
    return model


def again(model: CityModel, path: Path, write: Callable[..., list[Diagnostic]]) -> CityModel:
    write(path=path, layers=[model], feedback=Silent())
    return read(path)


def values_of(columns: tuple[AttributeColumn, ...], row: int) -> dict[str, Any]:
    return {column.name: value for column in columns if (value := column.value(row)) is not None}


def areas_of(model: CityModel) -> NDArray[np.float64]:
    """Return the area vector (s, 3) of each surface."""
    triangles = model.vertices[model.triangles]
    areas = np.zeros((len(model.surface_object), 3))
    np.add.at(
        areas,
        model.triangle_surface,
        np.cross(triangles[:, 1] - triangles[:, 0], triangles[:, 2] - triangles[:, 0]) / 2,
    )
    return areas


def contents(model: CityModel) -> dict[str, Any]:
    """Return all that the model holds, by object, in a form that does not depend on how rows are numbered.

    Surfaces of less than a square millimetre are left out: whether they are drawn is a matter of rounding.  Of each
    other one: geometry, type, thematic surface, level of detail, material and texture by theme, sides, points,
    and the places in textures of its corners, all in whole millimetres.
    """
    millimetres = np.rint(model.vertices * 1000)
    triangles, edges = millimetres[model.triangles], millimetres[model.edges]
    surfaces: list[dict[str, Any]] = [{"sides": set(), "points": [], "places": set()} for _ in model.surface_object]
    for surface, side in zip(model.edge_surface.tolist(), edges.tolist(), strict=True):
        surfaces[surface]["sides"].add(frozenset(map(tuple, side)))
    if model.points is not None:
        points = millimetres[model.points.vertices].tolist()
        for surface, point in zip(model.points.surface.tolist(), points, strict=True):
            surfaces[surface]["points"].append(tuple(point))
    for theme in model.appearance.themes if model.appearance else ():
        for surface, own in enumerate(surfaces):
            own[f"look {theme.name}"] = look_of(model, theme, surface)
        for surface, at, places in zip(
            model.triangle_surface.tolist(), triangles.tolist(), theme.coordinates, strict=False
        ):
            for vertex, place in zip(at, places.tolist(), strict=True):
                if place[0] == place[0]:
                    surfaces[surface]["places"].add((theme.name, *vertex, *np.round(place, 5).tolist()))
    by_object: dict[str, Any] = {
        object_id: {"type": model.type_names[number], "values": values_of(model.attributes, row), "surfaces": []}
        for row, (object_id, number) in enumerate(zip(model.object_ids, model.object_type, strict=True))
    }
    for row, parent in enumerate(model.object_parent.tolist()):
        by_object[model.object_ids[row]]["parent"] = model.object_ids[parent] if parent >= 0 else None
    has_triangles = set(model.triangle_surface.tolist())
    slivers = np.linalg.norm(areas_of(model), axis=1) < 1e-6
    for surface, own in enumerate(surfaces):
        if slivers[surface] and not own["points"] and (surface in has_triangles or not own["sides"]):
            continue
        kind = int(model.surface_type[surface])
        lod = int(model.surface_lod[surface])
        own["type"] = model.surface_type_names[kind] if kind >= 0 else None
        own["lod"] = model.lods[lod] if lod >= 0 else None
        own["thematic"] = thematic_of(model, int(model.thematic.of_surface[surface]) if model.thematic else -1)
        if model.geometries is not None:
            own["geometry"] = GEOMETRY_TYPES[model.geometries.type[model.geometries.surface_geometry[surface]]]
        by_object[model.object_ids[model.surface_object[surface]]]["surfaces"].append(own)
    return by_object


def look_of(model: CityModel, theme: Any, surface: int) -> Any:
    assert model.appearance is not None
    material, texture = int(theme.material[surface]), int(theme.texture[surface])
    return (
        model.appearance.materials[material] if material >= 0 else None,
        model.appearance.textures[texture].path if texture >= 0 else None,
    )


def thematic_of(model: CityModel, row: int) -> Any:
    thematic = model.thematic
    if thematic is None or row < 0:
        return None
    return (
        thematic.ids[row],
        model.surface_type_names[thematic.type[row]],
        values_of(thematic.attributes, row),
        model.object_ids[thematic.object[row]],
        thematic_of(model, int(thematic.parent[row])),
    )


# --- real files -------------------------------------------------------------------------------------------------

REAL = [
    "1.0/delft_3dfier.json",
    "1.0/twobuildings_m.json",
    "1.1/rotterdam_one.json",
    "1.1/several_lods_valid.json",
    "1.1/zurich_subset_lod2.json",
    "2.0/3-20-DELFSHAVEN.city.json",
    "2.0/cityobject_all_types.city.json",
    "2.0/delft.json",
    "2.0/dummy.json",
    "2.0/geomtemplate_2.json",
    "2.0/multi_lod.json",
    "seq/3dbag_b2.city.jsonl",
    "seq/delft_subset.city.jsonl",
    "seq/denhaag_random_5.city.jsonl",
]


@pytest.mark.data
@pytest.mark.parametrize("name", REAL)
@pytest.mark.parametrize("ending", WRITERS)
def test_real_files_come_back_as_they_were(city_data: Path, tmp_path: Path, name: str, ending: str) -> None:
    before = read(city_data / "cityjson" / name)
    after = again(before, tmp_path / f"out.{ending}", WRITERS[ending])
    assert after.crs == before.crs
    assert contents(after) == contents(before)
    np.testing.assert_allclose(areas_of(after).sum(axis=0), areas_of(before).sum(axis=0), rtol=1e-6, atol=0.02)
    once_more = again(after, tmp_path / f"again.{ending}", WRITERS[ending])
    if len(once_more.surface_object) < len(after.surface_object):
        return  # a sliver less
    for column in ("vertices", "triangles", "triangle_surface", "edges", "edge_surface", "surface_object"):
        np.testing.assert_allclose(getattr(once_more, column), getattr(after, column), atol=1e-9)


# --- made-up ones -----------------------------------------------------------------------------------------------

NAMES = st.sampled_from(["height", "owner", "roof.type", "+noise", "tags"])
VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(-1e6, 1e6),
    st.text(st.characters(codec="utf-8", exclude_characters="\x00"), max_size=8),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
)
SURFACE_TYPES = ["RoofSurface", "WallSurface", "Window", "+Ledge"]
PLACES = [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0], [0.25, 0.75]]
DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}


def shaped(flat: list[Any], depth: int) -> list[Any]:
    """Return values of two shells, or two solids of one and one shell, of the cube."""
    if depth == 0:
        return flat
    half = len(flat) // 2
    return [flat[:half], flat[half:]] if depth == 1 else [[flat[:half]], [flat[half:]]]


@st.composite
def geometries(draw: st.DrawFn) -> dict[str, Any]:
    kind = draw(st.sampled_from([*DEPTHS, "MultiPoint", "MultiLineString"]))
    surfaces = [{"type": name} for name in draw(st.lists(st.sampled_from(SURFACE_TYPES), min_size=1, max_size=3))]
    for number, surface in enumerate(surfaces):
        surface.update(draw(st.dictionaries(st.sampled_from(["slope", "id"]), st.just("a1"), max_size=2)))
        if number and draw(st.booleans()):
            surface["parent"] = 0
    made: dict[str, Any] = {"type": kind, "lod": draw(st.sampled_from(["0", "1.2", "2"]))}
    if kind == "MultiPoint":
        flat: list[Any] = draw(st.lists(st.integers(0, 7), min_size=1, max_size=4))
    elif kind == "MultiLineString":
        flat = draw(st.lists(st.sampled_from([[0, 1, 2], [3, 4], [5, 6, 7, 5]]), min_size=1, max_size=3))
    else:
        flat = [*SHELL, *SHELL]
    depth = DEPTHS.get(kind, 0)
    made["boundaries"] = shaped(flat, depth)
    if draw(st.booleans()):
        of = [draw(st.one_of(st.none(), st.integers(0, len(surfaces) - 1))) for _ in flat]
        made["semantics"] = {"surfaces": surfaces, "values": shaped(of, depth)}
    if kind in DEPTHS and draw(st.booleans()):
        numbers = [draw(st.sampled_from([None, 0, 1])) for _ in flat]
        made["material"] = {"red or blue": {"values": shaped(numbers, depth)}}
    if kind in DEPTHS and draw(st.booleans()):
        rings = [[draw(st.sampled_from([[None], [0, *(draw(st.integers(0, 4)) for _ in range(4))]]))] for _ in flat]
        made["texture"] = {"painted": {"values": shaped(rings, depth)}}
    return made


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    objects: dict[str, Any] = {}
    for number in range(draw(st.integers(1, 3))):
        made: dict[str, Any] = {
            "type": draw(st.sampled_from(["Building", "Road", "+Barrier"])),
            "geometry": draw(st.lists(geometries(), max_size=3)),
            "attributes": draw(st.dictionaries(NAMES, VALUES, max_size=3)),
        }
        if number and draw(st.booleans()):
            made.update(type="BuildingPart", parents=["object-0"])
            objects["object-0"].setdefault("children", []).append(f"object-{number}")
        objects[f"object-{number}"] = made
    if draw(st.booleans()):
        objects["all"] = {"type": "CityObjectGroup", "children": list(objects), "children_roles": ["x"] * len(objects)}
    return document(
        objects,
        appearance={
            "materials": [{"name": "red", "diffuseColor": [1.0, 0.0, 0.0]}, {"name": "blue", "transparency": 0.25}],
            "textures": [{"type": "PNG", "image": "a.png", "wrapMode": "wrap", "borderColor": [0.0, 0.5, 1.0, 0.5]}],
            "vertices-texture": PLACES,
        },
        metadata={"title": "Made up", "pointOfContact": {"contactName": "Nobody"}},
        extensions={"E": {"url": "https://example.org/e.json", "version": "1.0"}},
    )


@pytest.mark.parametrize("ending", WRITERS)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(made=documents())
def test_whatever_a_document_holds_comes_back(tmp_path: Path, ending: str, made: dict[str, Any]) -> None:
    (tmp_path / "in.city.json").write_text(json.dumps(made))
    before = read(tmp_path / "in.city.json")
    after = again(before, tmp_path / f"out.{ending}", WRITERS[ending])
    assert contents(after) == contents(before)
    assert after.source.metadata == before.source.metadata
    for part in ("geometries", "thematic") if ending == "city.json" else ():  # a sequence has parts beside their whole
        due, found = getattr(before, part), getattr(after, part)
        for column in due.__slots__ if due is not None else ():
            if isinstance(getattr(due, column), np.ndarray) and column != "type":
                np.testing.assert_array_equal(getattr(found, column), getattr(due, column))


def test_a_feature_has_the_vertices_and_looks_of_its_own_alone(tmp_path: Path) -> None:
    square = {"type": "MultiSurface", "lod": "1", "boundaries": [SHELL[0]]}
    objects = {
        "a": {"type": "Building", "geometry": [square | {"material": {"m": {"values": [1]}}}], "children": ["p"]},
        "p": {"type": "BuildingPart", "geometry": [square], "parents": ["a"]},
        "b": {"type": "Building", "geometry": [{"type": "MultiPoint", "lod": "0", "boundaries": [6]}]},
    }
    path = tmp_path / "in.json"
    path.write_text(json.dumps(document(objects, appearance={"materials": [{"name": "red"}, {"name": "blue"}]})))
    cityjson_writer.write_sequence(path=tmp_path / "out.jsonl", layers=[read(path)], feedback=Silent())
    head, first, second = map(json.loads, (tmp_path / "out.jsonl").read_text().splitlines())
    assert (head["type"], head["CityObjects"], head["vertices"]) == ("CityJSON", {}, [])
    assert (first["type"], first["id"], set(first["CityObjects"])) == ("CityJSONFeature", "a", {"a", "p"})
    assert len(first["vertices"]) == 4
    assert [material["name"] for material in first["appearance"]["materials"]] == ["blue"]
    assert first["CityObjects"]["a"]["geometry"][0]["material"] == {"m": {"values": [0]}}
    assert (second["id"], "appearance" in second) == ("b", False)
    scale, translate = (np.array(head["transform"][name]) for name in ("scale", "translate"))
    np.testing.assert_allclose(np.array(second["vertices"]) * scale + translate, [CUBE[6]])

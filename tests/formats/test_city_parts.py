"""Curves, points, geometries, thematic surfaces and looks of city models on their way to columns, in closed form."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twinviewer.formats.city_appearance import AppearanceColumns
from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns, ThematicColumns
from twinviewer.formats.city_model import assemble
from twinviewer.formats.city_surfaces import (
    GeometryColumns,
    InstanceColumns,
    Look,
    RaggedSurfaces,
    Shapes,
    SurfaceColumns,
    SurfaceKind,
)
from twinviewer.formats.findings import Findings
from twinviewer.formats.soundness import check
from twinviewer.model.city_parts import GEOMETRY_TYPES, Material, Texture
from twinviewer.model.layer_data import CityModel, SourceFacts

SQUARE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]
IDENTITY = (1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)


class Gathering:
    """What a reader gathers, for two objects, ``first`` and ``second``."""

    def __init__(self) -> None:
        self.findings = Findings()
        self.objects = ObjectColumns(self.findings)
        self.objects.add("first", "Building", -1)
        self.objects.add("second", "Building", -1)
        self.types = Names()
        self.thematic = ThematicColumns(self.findings)
        self.geometries = GeometryColumns()
        self.appearance = AppearanceColumns()

    def model(
        self, surfaces: RaggedSurfaces, vertices: Any, shapes: RaggedSurfaces | None = None, **instances: Any
    ) -> CityModel:
        """Return the model of ``surfaces``, and of ``shapes`` at each of ``objects`` and ``places``."""
        columns = InstanceColumns()
        for owner, place in zip(instances.get("objects", ()), instances.get("places", ()), strict=True):
            matrix = instances.get("matrix", IDENTITY)
            assert shapes is not None
            span = (0, len(shapes.object))
            columns.add(object=owner, semantic=-1, lod=-1, surfaces=span, matrix=matrix, position=place)
        model = assemble(
            source=SourceFacts(format="made for a test"),
            crs_names=(),
            objects=self.objects,
            attributes=AttributeTable(self.findings),
            surfaces=surfaces,
            vertices=np.array(vertices, np.float64).reshape(-1, 3),
            shapes=Shapes(surfaces=shapes or ragged(), vertices=np.array(SQUARE, np.float64), instances=columns),
            surface_types=self.types,
            lods=Names(),
            findings=self.findings,
            thematic=self.thematic,
            geometries=self.geometries,
            appearance=self.appearance,
        )
        check(model)
        return model


def ragged(*surfaces: list[list[int]], looks: dict[str, Look] | None = None, **given: Any) -> RaggedSurfaces:
    """Return surfaces of the first object with rings of corners; what is given is a list, one for each surface."""
    columns = SurfaceColumns()
    corners: list[int] = []
    for number, rings in enumerate(surfaces):
        own = {name: values[number] for name, values in given.items()}
        columns.add(**{"object": 0, "semantic": -1, "lod": -1, "ring_sizes": [len(ring) for ring in rings], **own})
        corners.extend(corner for ring in rings for corner in ring)
    return RaggedSurfaces.of(columns, np.array(corners, np.int64), looks)


def places_of(model: CityModel, theme: int = 0) -> dict[tuple[float, ...], set[tuple[float, ...]]]:
    """Return the places in the texture of each vertex, by its coordinates."""
    assert model.appearance is not None
    places: dict[tuple[float, ...], set[tuple[float, ...]]] = {}
    coordinates = model.appearance.themes[theme].coordinates.reshape(-1, 2).tolist()
    for vertex, place in zip(model.vertices[model.triangles.ravel()].tolist(), coordinates, strict=True):
        places.setdefault(tuple(vertex), set()).add(tuple(place))
    return places


# --- curves and points ------------------------------------------------------------------------------------------


def test_a_curve_has_edges_and_no_triangles() -> None:
    curve = SurfaceKind.CURVE
    model = Gathering().model(ragged([[0, 1, 1, 2], [2, 3]], [[0, 1, 2, 0]], kind=[curve, curve]), SQUARE)
    assert len(model.triangles) == 0
    assert model.edges.tolist() == [[0, 1], [1, 2], [2, 3], [0, 1], [1, 2], [2, 0]]
    assert model.edge_surface.tolist() == [0, 0, 0, 1, 1, 1]
    assert (model.points, model.geometries, model.thematic, model.appearance) == (None, None, None, None)


def test_points_have_vertices_and_nothing_else() -> None:
    kinds = [SurfaceKind.POLYGON, SurfaceKind.POINTS, SurfaceKind.CURVE]
    model = Gathering().model(ragged([[0, 1, 2]], [[3, 1, 1]], [[0, 3]], kind=kinds), [*SQUARE, (9, 9, 9)])
    assert model.points is not None
    assert model.vertices[model.points.vertices].tolist() == [[0, 1, 0], [1, 0, 0], [1, 0, 0]]
    assert model.points.surface.tolist() == [1, 1, 1]
    assert model.edge_surface.tolist() == [0, 0, 0, 2]
    assert model.triangle_surface.tolist() == [0]
    assert len(model.vertices) == 4


@pytest.mark.parametrize(
    ("kind", "rings", "code"),
    [
        (SurfaceKind.CURVE, [[1, 1]], "curve.too-few-points"),
        (SurfaceKind.CURVE, [[1]], "curve.too-few-points"),
        (SurfaceKind.CURVE, [], "curve.too-few-points"),
        (SurfaceKind.CURVE, [[0, 7]], "vertex.out-of-range"),
        (SurfaceKind.POINTS, [[]], "points.none"),
        (SurfaceKind.POINTS, [[7]], "vertex.out-of-range"),
    ],
)
def test_a_curve_or_point_that_is_none_stays_as_a_row_and_is_told(
    kind: SurfaceKind, rings: list[list[int]], code: str
) -> None:
    model = Gathering().model(ragged(rings, [[0, 1, 2]], kind=[kind, SurfaceKind.POLYGON]), SQUARE)
    assert (len(model.surface_object), model.edge_surface.tolist()) == (2, [1, 1, 1])
    assert [(each.code, each.objects) for each in model.diagnostics] == [(code, ("first",))]


def test_a_line_without_length_is_told_and_the_others_of_its_curve_are_kept() -> None:
    model = Gathering().model(ragged([[0, 0], [1, 2]], kind=[SurfaceKind.CURVE]), SQUARE)
    assert len(model.edges) == 1
    assert [each.code for each in model.diagnostics] == ["curve.too-few-points"]


# --- geometries -------------------------------------------------------------------------------------------------


def test_surfaces_are_of_geometries_and_shells() -> None:
    gathering = Gathering()
    made = gathering.geometries
    surface, unused, solids = (made.add(name) for name in ("MultiSurface", "Solid", "MultiSolid"))
    outer, inner = (made.add_shell(0) for _ in range(2))
    other = made.add_shell(made.new_solid())
    assert (unused, made.new_solid()) == (1, 2)
    rows = [[[0, 1, 2]]] * 4
    model = gathering.model(ragged(*rows, geometry=[surface, solids, solids, -1], shell=[-1, inner, other, -1]), SQUARE)
    geometries = model.geometries
    assert geometries is not None
    assert [GEOMETRY_TYPES[number] for number in geometries.type] == ["MultiSurface", "MultiSolid"]
    assert geometries.surface_geometry.tolist() == [0, 1, 1, -1]
    assert geometries.surface_shell.tolist() == [-1, 0, 1, -1]
    assert geometries.shell_solid.tolist() == [0, 1]
    assert outer == 0


def test_each_instance_has_geometries_of_its_own() -> None:
    gathering = Gathering()
    made = gathering.geometries
    made.add("MultiSurface")
    solid = made.add("MultiSolid")
    shells = [made.add_shell(0), made.add_shell(0), made.add_shell(1)]
    shape = ragged(*[[[0, 1, 2]]] * 3, geometry=[solid] * 3, shell=shells)
    model = gathering.model(ragged(), [], shape, objects=[0, 1], places=[(0, 0, 0), (5, 0, 0)])
    geometries = model.geometries
    assert geometries is not None
    assert [GEOMETRY_TYPES[number] for number in geometries.type] == ["MultiSolid"] * 2
    assert geometries.surface_geometry.tolist() == [0, 0, 0, 1, 1, 1]
    assert geometries.surface_shell.tolist() == [0, 1, 2, 3, 4, 5]
    assert geometries.shell_solid.tolist() == [0, 0, 1, 2, 2, 3]


# --- thematic surfaces ------------------------------------------------------------------------------------------


def test_thematic_surfaces_are_kept_where_there_is_more_to_them_than_a_type() -> None:
    gathering = Gathering()
    roof, window = gathering.types.number("RoofSurface"), gathering.types.number("Window")
    rows = [gathering.thematic.add("", roof, 0), gathering.thematic.add("", roof, 1)]
    surfaces = ragged([[0, 1, 2]], [[1, 2, 3]], [[0, 2, 3]], object=[0, 1, 1], thematic=[*rows, -1])
    assert gathering.model(surfaces, SQUARE).thematic is None
    rows.append(gathering.thematic.add("", window, 1, rows[1]))
    gathering.thematic.attributes.add(rows[0], "slope", 35.5)
    thematic = gathering.model(surfaces, SQUARE).thematic
    assert thematic is not None
    assert (thematic.type.tolist(), thematic.object.tolist()) == ([roof, roof, window], [0, 1, 1])
    assert (thematic.parent.tolist(), thematic.of_surface.tolist()) == ([-1, -1, 1], [0, 1, -1])
    assert [thematic.attributes[0].value(row) for row in range(3)] == [35.5, None, None]


def test_the_thematic_surfaces_of_a_shape_are_those_of_each_object_where_it_stands() -> None:
    gathering = Gathering()
    own = gathering.thematic.add("own", 0, 0)
    gathering.types.number("WallSurface")
    wall = gathering.thematic.add("", 0, -1)
    door = gathering.thematic.add("", 0, -1, wall)
    gathering.thematic.attributes.add(door, "material", "oak")
    model = gathering.model(
        ragged([[0, 1, 2]], thematic=[own]),
        SQUARE,
        ragged([[0, 1, 2]], [[0, 2, 3]], thematic=[door, -1]),
        objects=[0, 1],
        places=[(0, 0, 0), (5, 0, 0)],
    )
    thematic = model.thematic
    assert thematic is not None
    assert thematic.ids == ("own", "", "", "", "")
    assert thematic.object[thematic.of_surface].tolist()[:2] == [0, 0]
    assert thematic.of_surface.tolist() == [0, 1, -1, 2, -1]
    assert thematic.object.tolist() == [0, 0, 1, 0, 1]
    assert thematic.parent.tolist() == [-1, 3, 4, -1, -1]
    assert [thematic.attributes[0].value(row) for row in range(5)] == [None, "oak", "oak", None, None]


# --- looks ------------------------------------------------------------------------------------------------------


def look(coordinates: Any, texture: list[int] | None = None, material: list[int] | None = None) -> Look:
    """Return the look of as many surfaces as there are numbers of textures or materials."""
    count = len(texture or material or ())
    return Look(
        material=np.array(material or [-1] * count),
        texture=np.array(texture or [-1] * count),
        coordinates=np.array(coordinates, np.float32).reshape(-1, 2),
    )


CORNERS = [(0, 0), (1, 0), (1, 1), (0, 1)]
"""Of the whole image, as those of the square."""


def place_in_square(vertices: Any, size: float = 1.0) -> dict[tuple[float, ...], set[tuple[float, ...]]]:
    return {tuple(map(float, vertex)): {(vertex[0] / size, vertex[1] / size)} for vertex in vertices}


@pytest.mark.parametrize("is_reversed", [False, True])
def test_the_corners_of_triangles_have_the_places_of_the_corners_of_their_surface(is_reversed: bool) -> None:
    gathering = Gathering()
    number = gathering.appearance.texture(Texture(path="facade.jpg"))
    surfaces = ragged(
        [[0, 1, 1, 2, 3, 0]],
        looks={"summer": look([*CORNERS[:2], (1, 0), *CORNERS[2:], (0, 0)], texture=[number])},
        reversed=[is_reversed],
    )
    model = gathering.model(surfaces, SQUARE)
    assert model.appearance is not None
    assert [texture.path for texture in model.appearance.textures] == ["facade.jpg"]
    assert [theme.name for theme in model.appearance.themes] == ["summer"]
    assert places_of(model) == place_in_square(SQUARE)


def test_holes_and_surfaces_that_cannot_be_drawn_do_not_shift_places_in_textures() -> None:
    gathering = Gathering()
    number = gathering.appearance.texture(Texture(path="roof.png"))
    nowhere = (float("nan"), float("nan"))
    vertices = [(0, 0, 0), (8, 0, 0), (8, 8, 0), (0, 8, 0), (2, 2, 0), (6, 2, 0), (2, 6, 0)]
    in_image = [(x / 8, y / 8) for x, y, _ in vertices]
    surfaces = ragged(
        [[0, 0, 1]],
        [[0, 1, 2, 3], [4, 5], [4, 5, 6]],
        looks={"": look([nowhere] * 3 + in_image[:4] + [nowhere] * 2 + in_image[4:], texture=[-1, number])},
    )
    model = gathering.model(surfaces, vertices)
    assert set(model.triangle_surface.tolist()) == {1}
    assert places_of(model) == place_in_square(vertices, 8.0)
    assert model.appearance is not None
    assert model.appearance.themes[0].texture.tolist() == [-1, number]


def test_a_shape_has_its_look_wherever_it_stands() -> None:
    gathering = Gathering()
    bark = gathering.appearance.texture(Texture(path="bark.png"))
    brown, same = (gathering.appearance.material(Material(name="brown", diffuse=(0.5, 0.3, 0.1))) for _ in range(2))
    assert (brown, same) == (0, 0)
    mirrored = (-1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 1)
    model = gathering.model(
        ragged([[0, 1, 2]], looks={"day": look([], material=[brown])}),
        SQUARE,
        ragged([[0, 1, 2, 3]], looks={"night": look(CORNERS, texture=[bark])}),
        objects=[0, 1],
        places=[(10, 0, 0), (20, 0, 0)],
        matrix=mirrored,
    )
    assert model.appearance is not None
    day, night = model.appearance.themes
    assert (day.name, day.material.tolist(), day.texture.tolist()) == ("day", [0, -1, -1], [-1, -1, -1])
    assert day.coordinates.shape == (0, 3, 2)
    assert (night.name, night.material.tolist(), night.texture.tolist()) == ("night", [-1, -1, -1], [-1, 0, 0])
    own = model.triangle_surface == 0
    assert np.isnan(night.coordinates[own]).all()
    corners = model.vertices[model.triangles[~own]]
    x = 10.0 * (model.triangle_surface[~own][:, None]) - corners[:, :, 0]
    assert np.stack([x, corners[:, :, 1]], axis=2).tolist() == night.coordinates[~own].tolist()

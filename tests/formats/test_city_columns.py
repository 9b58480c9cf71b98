"""City objects, their attributes and their shapes on the way to columns; what all readers of city models share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from twinviewer.formats.city_columns import MOST_ATTRIBUTES, AttributeTable, Names, ObjectColumns
from twinviewer.formats.city_model import assemble
from twinviewer.formats.city_surfaces import InstanceColumns, RaggedSurfaces, Shapes, SurfaceColumns
from twinviewer.formats.findings import Findings
from twinviewer.formats.soundness import check
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.diagnostics import Severity
from twinviewer.model.layer_data import CityModel, SourceFacts

IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)


def found(findings: Findings) -> dict[str, int]:
    return {finding.code: finding.count for finding in findings.diagnostics()}


# --- objects and attributes -------------------------------------------------------------------------------------


def test_names_are_numbered_in_the_order_in_which_they_are_met() -> None:
    names = Names()
    assert [names.number(name) for name in ("b", "a", "b", "c")] == [0, 1, 0, 2]
    assert names.all() == ("b", "a", "c")


def test_the_first_object_of_an_id_is_the_one_that_is_found() -> None:
    findings = Findings()
    objects = ObjectColumns(findings)
    assert [objects.add("a", "Building", -1), objects.add("a", "Building", -1), objects.add("", "Room", 0)] == [0, 1, 2]
    assert objects.row("a") == 0
    assert objects.row("none") is None
    assert objects.ids[2] == "Room-3"
    assert objects.parents == [-1, -1, 0]
    assert found(findings) == {"object.id-repeated": 1, "object.id-missing": 1}


def gathered(*values: tuple[int, Any, AttributeType | None], rows: int = 3) -> tuple[AttributeColumn, Findings]:
    findings = Findings()
    table = AttributeTable(findings)
    for row, value, type in values:
        table.add(row, "x", value, type)
    (column,) = table.columns([f"o{row}" for row in range(rows)])
    return column, findings


@pytest.mark.parametrize(
    ("type", "texts", "values"),
    [
        (AttributeType.INTEGER, ["7", "-3", "1985-04-01"], [7, -3, 1985]),
        (AttributeType.INTEGER, ["2.0", "x", "9223372036854775808"], [2, None, None]),
        (AttributeType.DOUBLE, ["7", "1.5e3", "one"], [7.0, 1500.0, None]),
        (AttributeType.BOOLEAN, ["true", "0", "yes"], [True, False, None]),
        (AttributeType.STRING, ["01", "", "x"], ["01", "", "x"]),
        (AttributeType.DATE, ["2020-02-29", "2020", "1"], ["2020-02-29", "2020", "1"]),
    ],
)
def test_texts_become_values_of_their_type(type: AttributeType, texts: list[str], values: list[Any]) -> None:
    column, findings = gathered(*((row, text, type) for row, text in enumerate(texts)))
    assert column.type is type
    assert [column.value(row) for row in range(3)] == values
    assert found(findings).get("attribute.not-of-its-type", 0) == values.count(None)


@pytest.mark.parametrize(("value", "expected"), [(2.7, None), (2.0, 2), (float("inf"), None), (float("nan"), None)])
def test_what_is_no_integer_does_not_become_one(value: float, expected: int | None) -> None:
    column, _ = gathered((0, value, AttributeType.INTEGER))
    assert column.value(0) == expected


def test_integers_and_doubles_of_one_name_are_doubles_and_anything_else_is_text() -> None:
    column, _ = gathered((0, "7", AttributeType.INTEGER), (1, "7.5", AttributeType.DOUBLE))
    assert (column.type, column.value(0)) == (AttributeType.DOUBLE, 7.0)
    column, _ = gathered((0, "7", AttributeType.INTEGER), (1, "x", AttributeType.STRING))
    assert (column.type, column.value(0)) == (AttributeType.STRING, "7")


def test_texts_that_repeat_are_joined_and_numbers_that_repeat_are_told() -> None:
    column, findings = gathered((0, "a", AttributeType.STRING), (0, "b", AttributeType.STRING))
    assert (column.value(0), column.value(1), found(findings)) == ("a, b", None, {})
    column, findings = gathered((0, "1", AttributeType.DOUBLE), (0, "2", AttributeType.DOUBLE))
    assert (column.value(0), found(findings)) == (1.0, {"attribute.repeated": 1})


def test_of_too_many_attributes_the_rarest_are_left_out_and_counted() -> None:
    findings = Findings()
    table = AttributeTable(findings)
    table.add_plain(0, {f"of-0-{number}": number for number in range(MOST_ATTRIBUTES)})
    for row in (0, 1):
        table.add(row, "of all", "x")
    columns = table.columns(("a", "b"))
    assert [columns[0].name, columns[-1].name] == ["of-0-0", "of all"]
    assert len(columns) == MOST_ATTRIBUTES
    assert found(findings) == {"attribute.too-many": 1}


# --- surfaces ---------------------------------------------------------------------------------------------------


def surfaces_of(*polygons: list[list[int]], object: int = 0, **given: Any) -> RaggedSurfaces:
    """Surfaces with rings of corners, of one object."""
    columns = SurfaceColumns()
    corners: list[int] = []
    for rings in polygons:
        columns.add(object=object, semantic=-1, lod=-1, ring_sizes=[len(ring) for ring in rings], **given)
        corners.extend(corner for ring in rings for corner in ring)
    return RaggedSurfaces.of(columns, np.array(corners, np.int64))


def no_shapes() -> Shapes:
    return Shapes(surfaces=surfaces_of(), vertices=np.empty((0, 3)), instances=InstanceColumns())


def assembled(
    surfaces: RaggedSurfaces,
    vertices: Any,
    *,
    crs: tuple[str, ...] = (),
    shapes: Shapes | None = None,
    lods: tuple[str, ...] = (),
) -> CityModel:
    findings = Findings()
    objects = ObjectColumns(findings)
    objects.add("house", "Building", -1)
    names = Names()
    for lod in lods:
        names.number(lod)
    model = assemble(
        source=SourceFacts(format="made for a test"),
        crs_names=crs,
        objects=objects,
        attributes=AttributeTable(findings),
        surfaces=surfaces,
        vertices=np.array(vertices, np.float64).reshape(-1, 3),
        shapes=shapes or no_shapes(),
        surface_types=Names(),
        lods=names,
        findings=findings,
    )
    check(model)
    return model


SQUARE = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0)]


def test_vertices_that_nothing_uses_are_left_out() -> None:
    model = assembled(surfaces_of([[1, 2, 3, 4]]), [(99, 99, 99), *SQUARE, (77, 77, 77)])
    assert model.vertices.tolist() == [list(map(float, corner)) for corner in SQUARE]
    assert sorted(map(tuple, model.edges.tolist())) == [(0, 1), (1, 2), (2, 3), (3, 0)]


def test_corners_that_repeat_and_rings_that_close_make_no_edges_of_nothing() -> None:
    model = assembled(surfaces_of([[0, 1, 1, 2, 3, 0]]), SQUARE)
    assert len(model.edges) == 4
    assert len(model.triangles) == 2


def test_a_surface_turned_round_has_triangles_turned_round() -> None:
    straight, turned = (
        assembled(surfaces_of([[0, 1, 2, 3]], reversed=is_reversed), SQUARE) for is_reversed in (False, True)
    )
    a, b, c = (turned.vertices[turned.triangles[:, corner]] for corner in range(3))
    assert np.cross(b - a, c - a)[:, 2].sum() == -2
    assert len(straight.triangles) == len(turned.triangles)


@pytest.mark.parametrize(
    ("rings", "code"),
    [
        ([[0, 1, 9]], "vertex.out-of-range"),
        ([[0, 1, -1]], "vertex.out-of-range"),
        ([[0, 1, 4]], "coordinates.not-finite"),
        ([[0, 1, 0]], "val3dity.101"),
        ([], "val3dity.101"),
        ([[0, 5, 1]], "val3dity.104"),
    ],
)
def test_what_cannot_be_drawn_stays_as_a_surface_without_triangles(rings: list[list[int]], code: str) -> None:
    vertices = [*SQUARE, (float("nan"), 0, 0), (0.5, 0, 0)]
    model = assembled(surfaces_of(rings, [[0, 1, 2, 3]]), vertices)
    assert len(model.surface_object) == 2
    assert set(model.triangle_surface.tolist()) == set(model.edge_surface.tolist()) == {1}
    (finding,) = model.diagnostics
    assert (finding.code, finding.where, finding.severity) == (code, "house", Severity.WARNING)


def test_a_hole_that_is_no_ring_is_told_and_its_surface_filled() -> None:
    model = assembled(surfaces_of([[0, 1, 2, 3], [0, 1]]), SQUARE)
    assert len(model.triangles) == 2
    assert [finding.code for finding in model.diagnostics] == ["val3dity.101"]


def test_levels_of_detail_ascend_as_numbers() -> None:
    columns = SurfaceColumns()
    for lod in (0, 1, 2, -1):
        columns.add(object=0, semantic=-1, lod=lod, ring_sizes=[4])
    surfaces = RaggedSurfaces.of(columns, np.tile(np.arange(4), 4))
    model = assembled(surfaces, SQUARE, lods=("2.2", "10", "1"))
    assert model.lods == ("1", "2.2", "10")
    assert model.surface_lod.tolist() == [1, 2, 0, -1]


def test_a_square_of_degrees_is_cut_as_the_oblong_that_it_is() -> None:
    """Seen in degrees, a wall of 3 m is a needle: heights and degrees must be in one unit when it is judged."""
    wall = [(52.0, 13.0, 40.0), (52.0, 13.00002, 40.0), (52.0, 13.00002, 43.0), (52.0, 13.0, 43.0)]
    model = assembled(surfaces_of([[0, 1, 2, 3]]), wall, crs=("urn:ogc:def:crs:EPSG::4979",))
    assert len(model.triangles) == 2
    assert model.vertices[0].tolist() == [13.0, 52.0, 40.0]


# --- shapes -----------------------------------------------------------------------------------------------------


def shapes_of(*places: tuple[tuple[float, ...], tuple[float, ...]]) -> Shapes:
    instances = InstanceColumns()
    for matrix, position in places:
        instances.add(object=0, semantic=-1, lod=-1, surfaces=(0, 1), matrix=matrix, position=position)
    return Shapes(surfaces=surfaces_of([[0, 1, 2, 3]]), vertices=np.array(SQUARE, np.float64), instances=instances)


def test_shapes_come_after_what_stands_where_it_is_given() -> None:
    model = assembled(
        surfaces_of([[0, 1, 2]]), SQUARE, shapes=shapes_of((IDENTITY, (100, 200, 5)), (IDENTITY, (300, 0, 0)))
    )
    assert len(model.surface_object) == 3
    second, third = (model.vertices[np.unique(model.triangles[model.triangle_surface == number])] for number in (1, 2))
    assert second.min(axis=0).tolist() == [100, 200, 5]
    assert third.max(axis=0).tolist() == [301, 1, 0]


def test_a_shape_is_multiplied_by_its_matrix_row_by_row() -> None:
    matrix = (0, -2, 0, 10, 2, 0, 0, 20, 0, 0, 1, 30, 0, 0, 0, 1)
    model = assembled(surfaces_of(), [], shapes=shapes_of((matrix, (0, 0, 0))))
    expected = (np.reshape(matrix, (4, 4)) @ np.column_stack([SQUARE, np.ones(4)]).T).T[:, :3]
    assert sorted(map(tuple, model.vertices.tolist())) == sorted(map(tuple, expected.tolist()))


def test_a_shape_may_have_holes_and_use_a_vertex_twice() -> None:
    vertices = np.array([(0, 0, 0), (9, 0, 0), (9, 9, 0), (0, 9, 0), (3, 3, 0), (6, 3, 0), (6, 6, 0)], np.float64)
    instances = InstanceColumns()
    for x in (0.0, 50.0):
        instances.add(object=0, semantic=-1, lod=-1, surfaces=(0, 2), matrix=IDENTITY, position=(x, 0.0, 0.0))
    shapes = Shapes(
        surfaces=surfaces_of([[0, 1, 2, 3], [4, 5, 6]], [[4, 5, 6]]), vertices=vertices, instances=instances
    )
    model = assembled(surfaces_of(), [], shapes=shapes)
    a, b, c = (model.vertices[model.triangles[:, corner]] for corner in range(3))
    areas = np.bincount(model.triangle_surface, weights=np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)
    assert areas == pytest.approx([81 - 4.5, 4.5, 81 - 4.5, 4.5])


# --- findings ---------------------------------------------------------------------------------------------------


def test_a_finding_is_told_once_with_its_first_place_and_its_count() -> None:
    findings = Findings()
    findings.add("a.b", "One.", where="first")
    findings.add("a.b", "Another.", where="x", severity=Severity.INFO)
    findings.add("a.b", "One.", where="second", count=3)
    told = [(finding.problem, finding.where, finding.count, finding.severity) for finding in findings.diagnostics()]
    assert told == [("One.", "first", 4, Severity.WARNING), ("Another.", "x", 1, Severity.INFO)]

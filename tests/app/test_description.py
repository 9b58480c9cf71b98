from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime

import jsonschema
import numpy as np
import pytest

from tests.conftest import ROOT
from twinviewer.app.description import describe, describe_project, failure, json_schema, to_json
from twinviewer.app.problems import ProblemLog
from twinviewer.model.attributes import AttributeType, column
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.layer_data import FeatureTable, PointCloud, SourceFacts, TriangleMesh
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec, Project

UTM = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837")
DEGREES = ReferenceSystem(horizontal="EPSG:4326")
EMPTY = np.empty(0, np.int32)


def table(title: str, points: list[tuple[float, float, float]], crs: ReferenceSystem | None = UTM, **attributes: list):
    return FeatureTable(
        source=SourceFacts(format="GeoPackage", version="1.3", title=title),
        crs=crs,
        feature_count=len(points),
        has_z=True,
        points=np.array(points, dtype=np.float64).reshape(-1, 3),
        point_feature=np.arange(len(points), dtype=np.int32),
        line_vertices=np.empty((0, 3)),
        line_offsets=np.zeros(1, np.int64),
        line_feature=EMPTY,
        ring_vertices=np.empty((0, 3)),
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=EMPTY,
        attributes=tuple(column(name, values) for name, values in attributes.items()),
    )


CLOUD = PointCloud(
    source=SourceFacts(format="LAZ", version="1.4"),
    crs=None,
    positions=np.zeros((1, 3)),
    classification=np.array([2], np.uint8),
    intensity=np.zeros(1, np.uint16),
    rgb=None,
    declared_count=12,
    read_count=10,
    class_counts=((2, 7), (6, 3)),
    file_extent=Extent(min_x=1, min_y=2, min_z=3, max_x=4, max_y=5, max_z=6),
    diagnostics=(Diagnostic(code="points.missing", problem="Two are missing.", where="the end", count=2),),
)


def told(description: object) -> dict:
    """Return what JSON says, as the published schema demands it."""
    found = json.loads(to_json(description))
    jsonschema.validate(found, json_schema(), cls=jsonschema.Draft202012Validator)
    return found


def test_the_published_schema_is_that_of_the_program() -> None:
    published = json.loads((ROOT / "docs" / "schema" / "info.schema.json").read_bytes())
    assert published == json.loads(json.dumps(json_schema())), "run `make schemas`"


def test_points_are_those_that_are_really_there_thinned_ones_too() -> None:
    found = told(describe("a.laz", [CLOUD]))
    assert found["counts"] == {"points": 10, "by_class": {"2": 7, "6": 3}}
    assert found["extent"] == [1, 2, 3, 4, 5, 6]
    assert found["crs"] == {"horizontal": None, "vertical": None}
    assert found["diagnostics"] == [
        {
            "severity": "warning",
            "code": "points.missing",
            "problem": "Two are missing.",
            "where": "the end",
            "count": 2,
        }
    ]


def test_layers_of_one_system_are_summed_up() -> None:
    found = told(describe("a.gpkg", [table("a", [(0, 0, 1), (5, 5, 2)]), table("b", [(9, -1, 7)])]))
    assert found["counts"] == {"features": 3}
    assert found["extent"] == [0, -1, 1, 9, 5, 7]
    assert found["crs"] == {"horizontal": "EPSG:25832", "vertical": "EPSG:7837"}
    assert [layer["extent"] for layer in found["layers"]] == [[0, 0, 1, 5, 5, 2], [9, -1, 7, 9, -1, 7]]


def test_layers_of_several_systems_have_no_box_in_common() -> None:
    found = told(describe("a.gpkg", [table("a", [(0, 0, 1)]), table("b", [(9, 1, 7)], DEGREES)]))
    assert found["extent"] is None
    assert found["crs"] == {"horizontal": None, "vertical": None}
    assert [layer["crs"]["horizontal"] for layer in found["layers"]] == ["EPSG:25832", "EPSG:4326"]


def test_a_table_without_geometry_does_not_decide_about_the_system() -> None:
    found = told(describe("a.gpkg", [table("places", [(1, 2, 3)]), table("names", [], None)]))
    assert found["crs"]["horizontal"] == "EPSG:25832"
    assert found["extent"] == [1, 2, 3, 1, 2, 3]


@pytest.mark.parametrize(
    ("first", "second", "joined"),
    [
        ([1], [2], AttributeType.INTEGER),
        ([1], [2.5], AttributeType.DOUBLE),
        ([2.5], [1], AttributeType.DOUBLE),
        ([1], ["a"], AttributeType.STRING),
        ([True], [1.5], AttributeType.STRING),
    ],
)
def test_an_attribute_of_several_layers_has_the_type_that_holds_all_values(
    first: list, second: list, joined: AttributeType
) -> None:
    found = told(describe("a.gpkg", [table("a", [(0, 0, 0)], x=first), table("b", [(0, 0, 0)], x=second)]))
    assert found["attributes"] == [{"name": "x", "type": joined}]


def test_a_mesh_is_triangles_and_vertices() -> None:
    mesh = TriangleMesh(
        source=SourceFacts(format="OBJ"),
        crs=None,
        vertices=np.eye(3),
        triangles=np.array([[0, 1, 2]], np.int32),
        vertex_rgb=None,
    )
    assert told(describe("a.obj", [mesh]))["counts"] == {"triangles": 1, "vertices": 3}


def test_a_project_has_a_layer_of_each_and_what_went_wrong() -> None:
    def spec(name: str, kind: str) -> LayerSpec:
        return LayerSpec(id=name, kind=kind, title=name.title(), source=LayerSource(path=f"/{name}", reader="x"))

    project = Project(
        crs=UTM, layers=(spec("places", "features"), spec("scan", "point-cloud"), spec("odd", "hologram"))
    )
    problems = ProblemLog(now=lambda: datetime(2025, 1, 1, tzinfo=UTC))
    problems.add_error(DamagedFileError("The file is empty.", source="scan.laz"))
    found = told(describe_project("a.twin", project, {"places": table("p", [(1, 2, 3)])}, problems.problems))
    assert found["format"] == "twinviewer project"
    assert found["counts"] == {"features": 1}
    assert found["extent"] == [1, 2, 3, 1, 2, 3]
    assert [(layer["name"], layer["kind"], layer["counts"]) for layer in found["layers"]] == [
        ("Places", "features", {"features": 1}),
        ("Scan", "point-cloud", {}),
        ("Odd", "hologram", {}),
    ]
    assert [(finding["severity"], finding["where"]) for finding in found["diagnostics"]] == [
        (Severity.ERROR, "scan.laz")
    ]


def test_a_path_that_gives_nothing_says_why() -> None:
    error = DamagedFileError("The file is empty.", cure="Get it again.", source="a.laz")
    assert told(failure("a.laz", error)) == {
        "path": "a.laz",
        "error": {"code": "read.damaged", "problem": "The file is empty.", "cure": "Get it again."},
    }


def test_odd_names_are_written_in_ascii() -> None:
    assert to_json(describe("東京\udce4", [replace(CLOUD, crs=UTM)])).isascii()

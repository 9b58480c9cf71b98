"""Data of GeoPandas and trimesh becomes layer data with the same content; PyVista's are in ``tests/scene``."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
import trimesh

from twinviewer.isolation.adopting import Adopter, adopt
from twinviewer.model.drawing import ColourScale, DrawData, Labels
from twinviewer.model.errors import PluginError
from twinviewer.model.layer_data import FeatureTable, PointCloud, TriangleMesh
from twinviewer.model.place import LOCAL, ReferenceSystem

UTM = ReferenceSystem(horizontal="EPSG:25832")
SCALE = ColourScale(title="t", unit="1", colour_map="viridis", value_range=(0.0, 1.0))
PARK = shapely.Polygon([(0, 0), (0, 40), (40, 40), (40, 0)], [[(10, 10), (20, 10), (20, 20), (10, 20)]])


def frame(**more: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"height": [1.5, np.nan, 3.5, 4.5], "name": ["a", None, "c", "d"], **more},
        geometry=[
            shapely.Point(1, 2, 3),
            None,
            shapely.GeometryCollection([shapely.LineString([(0, 0, 1), (5, 5, 2), (9, 0, 3)]), shapely.Point(7, 8, 9)]),
            shapely.MultiPolygon([PARK, shapely.box(50, 50, 60, 60)]),
        ],
        crs="EPSG:25832",
    )


def table_of(data: object) -> FeatureTable:
    (piece,) = adopt(data, crs=UTM)
    assert isinstance(piece.data, FeatureTable)
    return piece.data


def test_every_geometry_of_a_frame_is_in_the_table() -> None:
    table = table_of(frame())
    assert (table.feature_count, table.crs, table.has_z) == (4, UTM, True)
    assert table.points.tolist() == [[1, 2, 3], [7, 8, 9]]
    assert table.point_feature.tolist() == [0, 2]
    assert table.line_vertices.tolist() == [[0, 0, 1], [5, 5, 2], [9, 0, 3]]
    assert (table.line_offsets.tolist(), table.line_feature.tolist()) == ([0, 3], [2])
    assert table.ring_offsets.tolist() == [0, 5, 10, 15]
    assert (table.polygon_offsets.tolist(), table.polygon_feature.tolist()) == ([0, 2, 3], [3, 3])


def test_outer_rings_run_counter_clockwise_and_inner_ones_clockwise_and_are_closed() -> None:
    table = table_of(frame())
    rings = [table.ring_vertices[a:b] for a, b in zip(table.ring_offsets[:-1], table.ring_offsets[1:], strict=True)]
    assert [shapely.LinearRing(ring[:, :2]).is_ccw for ring in rings] == [True, False, True]
    assert all(np.array_equal(ring[0], ring[-1]) for ring in rings)
    again = shapely.Polygon(rings[0], [rings[1]])
    assert again.equals(PARK)


def test_columns_keep_their_types_and_say_where_nothing_is() -> None:
    table = table_of(frame(floors=[1, 2, 3, 4], listed=[True, False, True, False]))
    columns = {column.name: [column.value(row) for row in range(4)] for column in table.attributes}
    assert columns == {
        "height": [1.5, None, 3.5, 4.5],
        "name": ["a", None, "c", "d"],
        "floors": [1, 2, 3, 4],
        "listed": [True, False, True, False],
    }


def test_a_frame_of_another_reference_system_is_brought_into_the_project_s() -> None:
    brandenburg_gate = (13.37770, 52.51628)
    series = gpd.GeoSeries([shapely.Point(*brandenburg_gate)], crs="EPSG:4326")
    there = pyproj.Transformer.from_crs("EPSG:4326", "EPSG:25832", always_xy=True).transform(*brandenburg_gate)
    np.testing.assert_allclose(table_of(series).points[0, :2], there, atol=1e-6)
    (piece,) = adopt(series, crs=LOCAL)
    np.testing.assert_array_equal(piece.data.points[0, :2], brandenburg_gate)  # type: ignore[union-attr]


def test_a_frame_that_says_no_reference_system_is_taken_as_the_project_s_and_that_is_said() -> None:
    assert table_of(frame()).diagnostics == ()
    unsaid = table_of(frame().set_crs(None, allow_override=True))
    assert [told.code for told in unsaid.diagnostics] == ["crs.assumed"]
    assert unsaid.points.tolist() == [[1, 2, 3], [7, 8, 9]]


def test_values_come_by_the_name_of_a_column_or_one_for_each_row() -> None:
    town = frame()
    adopter = Adopter()
    ((by_name, by_row),) = [
        adopter.adopted(
            [
                DrawData(data=town, values="height", scale=SCALE),
                DrawData(data=town, values=np.array([1, 2, 3, 4]), scale=SCALE),
            ],
            crs=UTM,
        )
    ]
    np.testing.assert_array_equal(by_name.values, [1.5, np.nan, 3.5, 4.5])
    np.testing.assert_array_equal(by_row.values, [1.0, 2.0, 3.0, 4.0])
    assert by_name.data is by_row.data


@pytest.mark.parametrize("values", ["name", "nothing", np.ones(3), np.ones((4, 1)), np.array(["a"] * 4), object()])
def test_values_that_do_not_fit_are_refused(values: object) -> None:
    with pytest.raises(PluginError, match=r"“values”|no numbers"):
        Adopter().adopted([DrawData(data=frame(), values=values, scale=SCALE)], crs=UTM)  # type: ignore[arg-type]


def test_the_same_object_is_adopted_once_and_its_values_each_time() -> None:
    town = frame()
    adopter = Adopter()

    def show() -> DrawData:
        (request,) = adopter.adopted([DrawData(data=town, values="height", scale=SCALE)], crs=UTM)  # type: ignore[misc]
        assert isinstance(request, DrawData)
        return request

    first = show()
    again = show()
    assert (again.data, again.values) == (first.data, first.values)
    assert again.values is first.values, "nothing has changed"
    town["height"] = 9.0
    changed = show()
    assert changed.data is first.data
    np.testing.assert_array_equal(changed.values, 9.0)
    adopter.adopted([DrawData(data=frame())], crs=UTM)
    assert show().data is not first.data, "what is no longer shown is not held on to"


def test_our_own_data_and_other_requests_go_through_untouched() -> None:
    own = table_of(frame())
    requests = [
        Labels(positions=np.zeros((0, 3)), texts=()),
        DrawData(data=own),
        DrawData(data=own, values=np.ones(4), scale=SCALE),
    ]
    assert all(a is b for a, b in zip(Adopter().adopted(requests, crs=UTM), requests, strict=True))  # type: ignore[call-overload]
    assert Adopter().adopted(None, crs=UTM) is None
    (named,) = Adopter().adopted([DrawData(data=own, values="height", scale=SCALE)], crs=UTM)  # type: ignore[misc]
    np.testing.assert_array_equal(named.values, [1.5, np.nan, 3.5, 4.5])


@pytest.mark.parametrize("data", [None, 5, "text", object(), [1, 2], np.zeros((3, 3))])
def test_anything_else_is_refused(data: object) -> None:
    with pytest.raises(PluginError, match="cannot be drawn"):
        Adopter().adopted([DrawData(data=data)], crs=UTM)


def test_what_the_library_itself_refuses_is_the_plugin_s_fault() -> None:
    class GeoDataFrame:
        @property
        def crs(self) -> object:
            raise RuntimeError("broken\ninside")

    GeoDataFrame.__module__ = "geopandas.geodataframe"
    with pytest.raises(PluginError, match=r"GeoDataFrame cannot be drawn: RuntimeError: broken inside"):
        adopt(GeoDataFrame(), crs=UTM)


# --- trimesh ----------------------------------------------------------------------------------------------------------


def mesh_of(data: object) -> TriangleMesh:
    (piece,) = adopt(data, crs=UTM)
    assert isinstance(piece.data, TriangleMesh)
    return piece.data


def test_a_mesh_keeps_its_vertices_triangles_and_colours() -> None:
    box = trimesh.creation.box(extents=(2, 4, 6))
    plain = mesh_of(box)
    np.testing.assert_array_equal(plain.vertices, box.vertices)
    np.testing.assert_array_equal(plain.triangles, box.faces)
    box.visual.vertex_colors = np.arange(32, dtype=np.uint8).reshape(8, 4)
    np.testing.assert_array_equal(mesh_of(box).vertex_rgb, np.arange(32).reshape(8, 4)[:, :3])


def test_colours_of_faces_become_those_of_their_own_vertices() -> None:
    box = trimesh.creation.box(extents=(2, 4, 6))
    box.visual.face_colors = np.column_stack((np.arange(12), np.full((12, 3), 255))).astype(np.uint8)
    mesh = mesh_of(box)
    np.testing.assert_array_equal(mesh.vertices[mesh.triangles], box.triangles)
    assert mesh.vertex_rgb is not None
    np.testing.assert_array_equal(mesh.vertex_rgb[mesh.triangles][:, :, 0], np.repeat(np.arange(12), 3).reshape(12, 3))
    (piece,) = adopt(box, crs=UTM)
    by_vertex = piece.spread(box.vertices[:, 2])
    assert by_vertex is not None
    np.testing.assert_array_equal(by_vertex, mesh.vertices[:, 2])
    np.testing.assert_array_equal(piece.spread(np.arange(12.0)), np.arange(12.0))


def test_a_mesh_with_as_many_vertices_as_faces_can_still_be_coloured_by_either() -> None:
    tetrahedron = trimesh.Trimesh(np.vstack((np.zeros(3), np.eye(3))), [[0, 2, 1], [0, 1, 3], [0, 3, 2], [1, 2, 3]])
    mesh = mesh_of(tetrahedron)
    assert len(mesh.vertices) != len(mesh.triangles)
    np.testing.assert_array_equal(mesh.vertices[mesh.triangles], tetrahedron.triangles)


def test_a_scene_stands_where_its_graph_puts_its_parts() -> None:
    scene = trimesh.Scene()
    box = trimesh.creation.box(extents=(2, 2, 2))
    turned = trimesh.transformations.rotation_matrix(np.pi / 2, (0, 0, 1), (0, 0, 0))
    turned[:3, 3] = (565_000, 5_934_000, 10)
    scene.add_geometry(box, node_name="far", transform=turned)
    scene.add_geometry(box, node_name="mirrored", transform=np.diag([-1.0, 1.0, 1.0, 1.0]))
    pieces = adopt(scene, crs=UTM)
    meshes = [piece.data for piece in pieces]
    assert all(isinstance(mesh, TriangleMesh) for mesh in meshes)
    corners = np.sort(np.concatenate([mesh.vertices for mesh in meshes]), axis=0)  # type: ignore[union-attr]
    expected = scene.to_mesh() if hasattr(scene, "to_mesh") else scene.dump(concatenate=True)
    np.testing.assert_allclose(corners, np.sort(expected.vertices, axis=0), atol=1e-6)
    for mesh in meshes:
        assert trimesh.Trimesh(mesh.vertices, mesh.triangles).volume == pytest.approx(8.0)  # type: ignore[union-attr]


def test_points_of_a_scene_are_points() -> None:
    (piece,) = adopt(trimesh.Scene([trimesh.PointCloud(np.arange(12.0).reshape(4, 3))]), crs=UTM)
    assert isinstance(piece.data, PointCloud)
    np.testing.assert_array_equal(piece.data.positions, np.arange(12.0).reshape(4, 3))
    assert adopt(trimesh.Scene(), crs=UTM) == ()

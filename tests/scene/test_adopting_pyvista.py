"""Datasets of PyVista become layer data with the same content."""

from __future__ import annotations

import numpy as np
import pytest
import pyvista as pv

from twinviewer.isolation.adopting import Adopter, adopt
from twinviewer.model.drawing import ColourScale, DrawData
from twinviewer.model.errors import PluginError
from twinviewer.model.layer_data import FeatureTable, LayerData, PointCloud, TriangleMesh
from twinviewer.model.place import ReferenceSystem

UTM = ReferenceSystem(horizontal="EPSG:25832")
SCALE = ColourScale(title="t", unit="1", colour_map="viridis", value_range=(0.0, 1.0))


def shown(data: object, values: object = None) -> list[tuple[LayerData, np.ndarray | None]]:
    adopted = Adopter().adopted([DrawData(data=data, values=values, scale=SCALE)], crs=UTM)  # type: ignore[arg-type]
    return [(request.data, request.values) for request in adopted]  # type: ignore[attr-defined]


def area(mesh: LayerData) -> float:
    assert isinstance(mesh, TriangleMesh)
    a, b, c = np.moveaxis(mesh.vertices[mesh.triangles], 1, 0)
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


@pytest.mark.parametrize(
    "dataset",
    [
        pv.ImageData(dimensions=(4, 3, 5)),
        pv.RectilinearGrid(np.arange(4.0), np.arange(3.0), np.arange(5.0)),
        pv.StructuredGrid(*np.meshgrid(np.arange(4.0), np.arange(3.0), np.arange(5.0))),
        pv.ImageData(dimensions=(4, 3, 5)).cast_to_unstructured_grid(),
        pv.Box(bounds=(0, 3, 0, 2, 0, 4)),
    ],
    ids=lambda dataset: type(dataset).__name__,
)
def test_of_a_body_its_skin_is_drawn(dataset: pv.DataSet) -> None:
    ((mesh, _),) = shown(dataset)
    assert area(mesh) == pytest.approx(2 * (3 * 2 + 3 * 4 + 2 * 4))


def test_values_of_points_and_cells_come_by_name_or_as_an_array() -> None:
    grid = pv.ImageData(dimensions=(4, 3, 5)).cast_to_unstructured_grid()
    grid["height"] = grid.points[:, 2]
    grid.cell_data["middle"] = grid.cell_centers().points[:, 0]
    for values in ("height", np.asarray(grid.points[:, 2])):
        ((mesh, found),) = shown(grid, values)
        assert isinstance(mesh, TriangleMesh)
        np.testing.assert_array_equal(found, mesh.vertices[:, 2])
    for values in ("middle", np.asarray(grid.cell_data["middle"])):
        ((mesh, found),) = shown(grid, values)
        assert isinstance(mesh, TriangleMesh)
        assert found is not None
        triangle_middle = mesh.vertices[mesh.triangles][:, :, 0].mean(axis=1)
        assert np.abs(found - triangle_middle).max() <= 0.5 + 1e-9, "each triangle is on the skin of its own cell"
        assert len(found) == len(mesh.triangles)
    with pytest.raises(PluginError, match="no numbers called “nothing”"):
        shown(grid, "nothing")
    with pytest.raises(PluginError, match="7 entries"):
        shown(grid, np.ones(7))


def test_lines_are_lines_and_points_are_points() -> None:
    lines = pv.PolyData()
    lines.points = np.array([[0.0, 0, 0], [1, 0, 0], [2, 0, 3], [5, 5, 5], [6, 5, 5]])
    lines.lines = np.array([3, 0, 1, 2, 2, 3, 4])
    lines["level"] = [1.0, 2.0, 6.0, 10.0, 20.0]
    lines.cell_data["number"] = [7, 8]
    ((table, means),) = shown(lines, "level")
    assert isinstance(table, FeatureTable)
    assert table.line_offsets.tolist() == [0, 3, 5]
    np.testing.assert_array_equal(table.line_vertices, lines.points)
    assert means is not None
    assert means.tolist() == [3.0, 15.0]
    ((_, numbers),) = shown(lines, "number")
    assert numbers is not None
    assert numbers.tolist() == [7.0, 8.0]
    cloud = np.arange(12.0).reshape(4, 3)
    for points in (pv.PolyData(cloud), pv.PointSet(cloud)):
        ((data, found),) = shown(points, np.arange(4))
        assert isinstance(data, PointCloud)
        np.testing.assert_array_equal(data.positions, cloud)
        np.testing.assert_array_equal(found, [0, 1, 2, 3])


def test_one_dataset_may_hold_triangles_lines_and_points() -> None:
    mixed = pv.PolyData()
    mixed.points = np.array([[0.0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0], [5, 5, 5]])
    mixed.verts, mixed.lines, mixed.faces = [1, 4], [2, 0, 4], [4, 0, 1, 2, 3]
    mixed.cell_data["kind"] = [10.0, 20.0, 30.0]
    pieces = shown(mixed, "kind")
    assert [type(data) for data, _ in pieces] == [TriangleMesh, FeatureTable, PointCloud]
    assert [found.tolist() for _, found in pieces if found is not None] == [[30.0, 30.0], [20.0], [10.0]]
    assert area(pieces[0][0]) == pytest.approx(1.0)


def test_all_blocks_are_drawn_with_values_by_name() -> None:
    blocks = pv.MultiBlock([pv.Cube(), None, pv.MultiBlock([pv.Sphere()])])
    for block in (blocks[0], blocks[2][0]):
        block["x"] = np.asarray(block.points[:, 0])
    for mesh, found in shown(blocks, "x"):
        assert isinstance(mesh, TriangleMesh)
        np.testing.assert_allclose(found, mesh.vertices[:, 0])
    assert len(shown(blocks)) == 2
    with pytest.raises(PluginError, match="by name only"):
        shown(blocks, np.ones(24))
    assert adopt(pv.MultiBlock(), crs=UTM) == ()

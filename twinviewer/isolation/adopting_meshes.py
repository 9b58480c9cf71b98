"""Meshes of PyVista and trimesh as triangle meshes, lines and points."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.isolation.pieces import Piece
from twinviewer.model.layer_data import FeatureTable, PointCloud, SourceFacts, TriangleMesh
from twinviewer.model.place import Extent, ReferenceSystem

Int64s = NDArray[np.int64]

_POINT_IDS, _CELL_IDS = "vtkOriginalPointIds", "vtkOriginalCellIds"
"""Arrays in which VTK's surface filters tell where points and cells came from."""


# --- PyVista ------------------------------------------------------------------------------------------------------


def pieces_of_pyvista(data: Any, *, crs: ReferenceSystem) -> tuple[Piece, ...]:
    """Return the triangles of the surface, the lines and the points of a dataset, or of all blocks of a multi-block."""
    blocks = list(_blocks(data))
    return tuple(piece for block in blocks for piece in _of_dataset(block, crs, alone=len(blocks) == 1))


def _blocks(data: Any) -> Iterator[Any]:
    if any(cls.__name__ == "MultiBlock" for cls in type(data).__mro__):
        for block in data:
            if block is not None:
                yield from _blocks(block)
    elif data.n_points:
        yield data


def _of_dataset(dataset: Any, crs: ReferenceSystem, *, alone: bool) -> Iterator[Piece]:
    source = SourceFacts(format="PyVista")
    if dataset.n_cells == 0:  # a bare set of points
        everything = np.arange(dataset.n_points)
        yield _piece(_points(np.asarray(dataset.points), crs, source), dataset, alone=alone, points=everything)
        return
    # PyVista 0.47 asks which filter is meant, and warns where it is not told; older ones do not know the question.
    choice = {"algorithm": None} if "algorithm" in inspect.signature(dataset.extract_surface).parameters else {}
    surface = dataset.extract_surface(pass_pointid=True, pass_cellid=True, **choice)
    positions = np.asarray(surface.points, dtype=np.float64)
    point_ids, cell_ids = np.asarray(surface.point_data[_POINT_IDS]), np.asarray(surface.cell_data[_CELL_IDS])
    verts, vert_cells = _ragged(np.asarray(surface.verts))
    lines, line_cells = _ragged(np.asarray(surface.lines))
    n_verts, n_lines = len(vert_cells) - 1, len(line_cells) - 1
    triangulated = surface.triangulate()
    faces = np.asarray(triangulated.faces).reshape(-1, 4)[:, 1:]
    if len(faces):
        face_cells = np.asarray(triangulated.cell_data[_CELL_IDS])
        corners, used = np.unique(faces, return_inverse=True)
        if len(corners) == len(faces):  # then nobody could tell values of vertices from those of triangles
            corners, used = faces.ravel(), np.arange(faces.size)
        mesh = TriangleMesh(
            source=source,
            crs=crs,
            vertices=positions[corners],
            triangles=used.reshape(-1, 3).astype(np.int32),
            vertex_rgb=None,
        )
        yield _piece(mesh, dataset, alone=alone, points=point_ids[corners], cells=face_cells)
    if n_lines:
        table = _line_table(positions[lines], line_cells, crs, source)
        way = _Way(rows=point_ids[lines], offsets=line_cells)
        yield _piece(table, dataset, alone=alone, cells=cell_ids[n_verts : n_verts + n_lines], way=way)
    if n_verts:
        cloud = _points(positions[verts], crs, source)
        owners = np.repeat(cell_ids[:n_verts], np.diff(vert_cells))
        yield _piece(cloud, dataset, alone=alone, points=point_ids[verts], cells=owners)


class _Way:
    """Which points of the dataset each line goes through."""

    def __init__(self, *, rows: Int64s, offsets: Int64s) -> None:
        self._rows, self._offsets = rows, offsets

    def mean(self, values: NDArray[Any]) -> NDArray[Any]:
        """Return the mean along each line of values that are given for each point."""
        sums = np.add.reduceat(values[self._rows].astype(np.float64), self._offsets[:-1])
        means: NDArray[Any] = sums / np.diff(self._offsets)
        return means


def _piece(
    data: TriangleMesh | FeatureTable | PointCloud,
    dataset: Any,
    *,
    alone: bool,
    points: Int64s | None = None,
    cells: Int64s | None = None,
    way: _Way | None = None,
) -> Piece:
    """Return the piece whose rows are these points or these cells of a dataset."""
    n_points, n_cells = dataset.n_points, dataset.n_cells

    def of_points(values: NDArray[Any]) -> NDArray[Any] | None:
        if way is not None:
            return way.mean(values)
        return None if points is None else values[points]

    def of_cells(values: NDArray[Any]) -> NDArray[Any] | None:
        return None if cells is None else values[cells]

    def named(name: str) -> NDArray[Any] | None:
        for arrays, take in ((dataset.point_data, of_points), (dataset.cell_data, of_cells)):
            if name in arrays:
                values = np.asarray(arrays[name])
                if values.ndim == 1 and values.dtype.kind in "fiub":
                    return take(values)
        return None

    def spread(values: NDArray[Any]) -> NDArray[Any] | None:
        if not alone:
            return None
        if len(values) == n_points:
            return of_points(values)
        return of_cells(values) if len(values) == n_cells else None

    return Piece(data=data, named=named, spread=spread)


def _ragged(cells: NDArray[Any]) -> tuple[Int64s, Int64s]:
    """Return point numbers and offsets (n + 1,) of cells that VTK lists as count, points, count, points, …."""
    counts = []
    at = 0
    while at < len(cells):
        counts.append(int(cells[at]))
        at += counts[-1] + 1
    sizes = np.array(counts, dtype=np.int64)
    offsets = np.concatenate(([0], np.cumsum(sizes)))
    heads = offsets[:-1] + np.arange(len(sizes))
    return np.delete(cells, heads), offsets


def _line_table(vertices: NDArray[Any], offsets: Int64s, crs: ReferenceSystem, source: SourceFacts) -> FeatureTable:
    lines = len(offsets) - 1
    return FeatureTable(
        source=source,
        crs=crs,
        feature_count=lines,
        has_z=True,
        points=np.empty((0, 3)),
        point_feature=np.empty(0, np.int32),
        line_vertices=np.ascontiguousarray(vertices, dtype=np.float64),
        line_offsets=offsets,
        line_feature=np.arange(lines, dtype=np.int32),
        ring_vertices=np.empty((0, 3)),
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=np.empty(0, np.int32),
        attributes=(),
    )


def _points(positions: NDArray[Any], crs: ReferenceSystem, source: SourceFacts, rgb: Any = None) -> PointCloud:
    positions = np.ascontiguousarray(positions, dtype=np.float64)
    return PointCloud(
        source=source,
        crs=crs,
        positions=positions,
        classification=np.zeros(len(positions), np.uint8),
        intensity=np.zeros(len(positions), np.uint16),
        rgb=rgb,
        declared_count=len(positions),
        read_count=len(positions),
        class_counts=((0, len(positions)),),
        file_extent=Extent.of(positions),
    )


# --- trimesh ------------------------------------------------------------------------------------------------------


def pieces_of_trimesh(data: Any, *, crs: ReferenceSystem) -> tuple[Piece, ...]:
    """Return a mesh, or each geometry of a scene where the scene's graph puts it."""
    graph = getattr(data, "graph", None)
    if graph is None:
        return (_of_geometry(data, np.eye(4), crs, alone=True),)
    placed = []
    for node in graph.nodes_geometry:
        transform, name = graph[node]
        if len(data.geometry[name].vertices):
            placed.append((data.geometry[name], np.asarray(transform, dtype=np.float64)))
    return tuple(_of_geometry(geometry, transform, crs, alone=len(placed) == 1) for geometry, transform in placed)


def _of_geometry(geometry: Any, transform: NDArray[Any], crs: ReferenceSystem, *, alone: bool) -> Piece:
    source = SourceFacts(format="trimesh")
    vertices = np.asarray(geometry.vertices, dtype=np.float64) @ transform[:3, :3].T + transform[:3, 3]
    faces = getattr(geometry, "faces", None)
    if faces is None:  # a point cloud
        colours = np.asarray(getattr(geometry, "colors", ()))
        rgb = np.ascontiguousarray(colours[:, :3], np.uint8) if colours.shape == (len(vertices), 4) else None
        n = len(vertices)
        return Piece(
            data=_points(vertices, crs, source, rgb),
            named=lambda name: None,
            spread=lambda values: values if alone and len(values) == n else None,
        )
    triangles = np.asarray(faces, dtype=np.int32)
    if np.linalg.det(transform[:3, :3]) < 0:  # mirrored: the outside stays the outside
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    n_vertices, n_faces = len(vertices), len(triangles)
    visual = getattr(geometry, "visual", None)
    kind = getattr(visual, "kind", None)
    rgb = None
    rows: Int64s | None = None
    if n_vertices == n_faces or kind == "face":
        # Colours belong to vertices here: each triangle gets three of its own.  And where there were as many vertices
        # as triangles, nobody could tell the values of the ones from those of the others.
        rows = triangles.ravel().astype(np.int64)
        vertices, triangles = vertices[rows], np.arange(len(rows), dtype=np.int32).reshape(-1, 3)
    if visual is not None and kind == "face":
        rgb = np.repeat(np.asarray(visual.face_colors)[:, :3], 3, axis=0)
    elif visual is not None and kind == "vertex":
        rgb = np.asarray(visual.vertex_colors)[:, :3]
        rgb = rgb if rows is None else rgb[rows]
    elif visual is not None and kind == "texture" and hasattr(visual, "main_color"):
        rgb = np.tile(np.asarray(visual.main_color)[:3], (len(vertices), 1))
    mesh = TriangleMesh(
        source=source,
        crs=crs,
        vertices=np.ascontiguousarray(vertices),
        triangles=triangles,
        vertex_rgb=None if rgb is None else np.ascontiguousarray(rgb, dtype=np.uint8),
    )

    def of_vertices_or_faces(values: NDArray[Any]) -> NDArray[Any] | None:
        if len(values) == n_vertices:
            return values if rows is None else values[rows]
        return values if len(values) == n_faces else None

    def named(name: str) -> NDArray[Any] | None:
        for attributes in (getattr(geometry, "vertex_attributes", {}), getattr(geometry, "face_attributes", {})):
            if name in attributes:
                values = np.asarray(attributes[name])
                if values.ndim == 1 and values.dtype.kind in "fiub":
                    return of_vertices_or_faces(values)
        return None

    return Piece(data=mesh, named=named, spread=lambda values: of_vertices_or_faces(values) if alone else None)

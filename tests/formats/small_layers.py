"""Layers of every kind, a few values each, around a place."""

from __future__ import annotations

import numpy as np

from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    PointCloud,
    RasterImage,
    SourceFacts,
    TerrainGrid,
    TriangleMesh,
)
from twinviewer.model.place import Extent, ReferenceSystem

SOURCE = SourceFacts(format="made for a test")


def city_model(vertices: np.ndarray, crs: ReferenceSystem) -> CityModel:
    """One building with one triangle per three vertices."""
    count = len(vertices) // 3
    return CityModel(
        source=SOURCE,
        crs=crs,
        object_ids=("house",),
        object_type=np.zeros(1, np.int32),
        type_names=("Building",),
        object_parent=np.full(1, -1, np.int32),
        attributes=(),
        vertices=vertices,
        triangles=np.arange(count * 3, dtype=np.int32).reshape(-1, 3),
        triangle_surface=np.zeros(count, np.int32),
        edges=np.empty((0, 2), np.int32),
        edge_surface=np.empty(0, np.int32),
        surface_object=np.zeros(1, np.int32),
        surface_type=np.full(1, -1, np.int32),
        surface_type_names=(),
        surface_lod=np.full(1, -1, np.int32),
        lods=(),
    )


def point_cloud(positions: np.ndarray, crs: ReferenceSystem) -> PointCloud:
    count = len(positions)
    return PointCloud(
        source=SOURCE,
        crs=crs,
        positions=positions,
        classification=np.zeros(count, np.uint8),
        intensity=np.zeros(count, np.uint16),
        rgb=None,
        declared_count=count,
        read_count=count,
        class_counts=((0, count),),
        file_extent=Extent.of(positions),
    )


def features(points: np.ndarray, crs: ReferenceSystem, *, has_z: bool) -> FeatureTable:
    """Each point once as a point, all of them as a line, the first three as a closed ring."""
    return FeatureTable(
        source=SOURCE,
        crs=crs,
        feature_count=len(points),
        has_z=has_z,
        points=points,
        point_feature=np.arange(len(points), dtype=np.int32),
        line_vertices=points,
        line_offsets=np.array([0, len(points)], np.int64),
        line_feature=np.zeros(1, np.int32),
        ring_vertices=points[[0, 1, 2, 0]],
        ring_offsets=np.array([0, 4], np.int64),
        polygon_offsets=np.array([0, 1], np.int64),
        polygon_feature=np.zeros(1, np.int32),
        attributes=(),
    )


def mesh(vertices: np.ndarray, crs: ReferenceSystem) -> TriangleMesh:
    return TriangleMesh(
        source=SOURCE,
        crs=crs,
        vertices=vertices,
        triangles=np.arange(len(vertices) // 3 * 3, dtype=np.int32).reshape(-1, 3),
        vertex_rgb=None,
    )


def terrain(heights: np.ndarray, transform: tuple[float, ...], crs: ReferenceSystem) -> TerrainGrid:
    return TerrainGrid(
        source=SOURCE,
        crs=crs,
        heights=heights.astype(np.float32),
        transform=transform,
        width=heights.shape[1],
        height=heights.shape[0],
        file_extent=_extent(heights.shape, transform, float(np.nanmin(heights)), float(np.nanmax(heights))),
    )


def picture(pixels: np.ndarray, transform: tuple[float, ...], crs: ReferenceSystem) -> RasterImage:
    return RasterImage(
        source=SOURCE,
        crs=crs,
        pixels=pixels,
        transform=transform,
        width=pixels.shape[1],
        height=pixels.shape[0],
        bands=4,
        file_extent=_extent(pixels.shape[:2], transform, 0.0, 0.0),
    )


def cell_centres(shape: tuple[int, ...], transform: tuple[float, ...]) -> np.ndarray:
    """Where the centres (rows, columns, 2) of a grid's cells lie."""
    a, b, x, d, e, y = transform
    column, row = np.meshgrid(np.arange(shape[1]) + 0.5, np.arange(shape[0]) + 0.5)
    return np.stack([a * column + b * row + x, d * column + e * row + y], axis=-1)


def _extent(shape: tuple[int, ...], transform: tuple[float, ...], low: float, high: float) -> Extent:
    a, b, x, d, e, y = transform
    corners = np.array([(0, 0), (shape[1], 0), (0, shape[0]), (shape[1], shape[0])], float)
    xs, ys = corners @ [a, b] + x, corners @ [d, e] + y
    return Extent(min_x=xs.min(), min_y=ys.min(), min_z=low, max_x=xs.max(), max_y=ys.max(), max_z=high)

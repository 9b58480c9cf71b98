"""A town of boxes with known corners, for tests that draw."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from twinviewer.app.commands import AddLayers
from twinviewer.app.session import Session
from twinviewer.model.attributes import column
from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    LayerData,
    PointCloud,
    SourceFacts,
    TerrainGrid,
    kind_of,
)
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec

CRS = ReferenceSystem(horizontal="EPSG:25832")
ORIGIN = (565_000.0, 5_930_000.0, 0.0)
FACTS = SourceFacts(format="test")
HEIGHT_M = 10.0
HOUSE_M = 12.0
STEP_M = 30.0


def town(*, side: int = 4, z: float = 0.0, lods: tuple[str, ...] = ("2",)) -> CityModel:
    """Return ``side``² flat-roofed houses, each with a part on its roof; house ``h-1-2`` stands in column 1, row 2."""
    corners = np.array([[x, y, h] for h in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], dtype=np.float64)
    faces = [[3, 2, 1, 0], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7], [4, 5, 6, 7]]
    types = [2, 1, 1, 1, 1, 0]
    vertices, triangles, edges, surface_object, surface_type = [], [], [], [], []
    ids, parents, object_types, surface_of_triangle, surface_of_edge = [], [], [], [], []

    def add(identifier: str, parent: int, low: np.ndarray, size: np.ndarray) -> None:
        ids.append(identifier)
        parents.append(parent)
        object_types.append(0 if parent < 0 else 1)
        first = len(vertices)
        vertices.extend(low + corners * size)
        for face, kind in zip(faces, types, strict=True):
            surface = len(surface_object)
            surface_object.append(len(ids) - 1)
            surface_type.append(kind)
            a, b, c, d = (first + corner for corner in face)
            triangles.extend([[a, b, c], [a, c, d]])
            surface_of_triangle.extend([surface, surface])
            edges.extend([[a, b], [b, c], [c, d], [d, a]])
            surface_of_edge.extend([surface] * 4)

    for x in range(side):
        for y in range(side):
            low = np.array([ORIGIN[0] + x * STEP_M, ORIGIN[1] + y * STEP_M, z])
            add(f"h-{x}-{y}", -1, low, np.array([HOUSE_M, HOUSE_M, HEIGHT_M]))
            add(f"h-{x}-{y}-part", len(ids) - 1, low + np.array([4, 4, HEIGHT_M]), np.array([4.0, 4.0, 3.0]))
    return CityModel(
        source=FACTS,
        crs=CRS,
        object_ids=tuple(ids),
        object_type=np.array(object_types, np.int32),
        type_names=("Building", "BuildingPart"),
        object_parent=np.array(parents, np.int32),
        attributes=(
            column("year", [1900 + i if parent < 0 else None for i, parent in enumerate(parents)]),
            column("use", ["living" if parent < 0 else None for parent in parents]),
        ),
        vertices=np.array(vertices),
        triangles=np.array(triangles, np.int32),
        triangle_surface=np.array(surface_of_triangle, np.int32),
        edges=np.array(edges, np.int32),
        edge_surface=np.array(surface_of_edge, np.int32),
        surface_object=np.array(surface_object, np.int32),
        surface_type=np.array(surface_type, np.int32),
        surface_type_names=("RoofSurface", "WallSurface", "GroundSurface"),
        surface_lod=np.zeros(len(surface_object), np.int32),
        lods=lods,
    )


def hills(*, side: int = 60, cell_m: float = 5.0, level_m: float = 0.0, relief_m: float = 4.0) -> TerrainGrid:
    """Return a terrain of sine waves around ``level_m`` that reaches 90 m beyond the town on its south and west."""
    column_, row = np.meshgrid(np.arange(side) + 0.5, np.arange(side) + 0.5)
    x, y = column_ * cell_m, row * cell_m
    heights = level_m + relief_m * np.sin(x / 30) * np.cos(y / 25)
    west, north = ORIGIN[0] - 90, ORIGIN[1] - 90 + side * cell_m
    return TerrainGrid(
        source=FACTS,
        crs=CRS,
        heights=heights[::-1].astype(np.float32),
        transform=(cell_m, 0.0, west, 0.0, -cell_m, north),
        width=side,
        height=side,
        file_extent=Extent(
            min_x=west,
            min_y=north - side * cell_m,
            min_z=float(heights.min()),
            max_x=west + side * cell_m,
            max_y=north,
            max_z=float(heights.max()),
        ),
    )


def points(count: int = 1000, *, seed: int = 1) -> PointCloud:
    """Return a flat cloud at 30 m height, beside the town on its west."""
    rng = np.random.default_rng(seed)
    positions = np.column_stack([rng.uniform(-80, -20, count), rng.uniform(0, 100, count), np.full(count, 30.0)])
    return PointCloud(
        source=FACTS,
        crs=CRS,
        positions=positions + ORIGIN,
        classification=rng.integers(2, 7, count).astype(np.uint8),
        intensity=rng.integers(0, 65535, count).astype(np.uint16),
        rgb=None,
        declared_count=count,
        read_count=count,
        class_counts=(),
        file_extent=Extent.of(positions + ORIGIN),
    )


def streets() -> FeatureTable:
    """Return two crossing lines between the houses and one square area, without heights."""
    x, y, _ = ORIGIN
    lines = np.array([[x - 20, y + 21, 0], [x + 120, y + 21, 0], [x + 21, y - 20, 0], [x + 21, y + 120, 0]])
    ring = np.array([[x - 80, y - 80, 0], [x - 20, y - 80, 0], [x - 20, y - 20, 0], [x - 80, y - 20, 0]])
    return FeatureTable(
        source=FACTS,
        crs=CRS,
        feature_count=3,
        has_z=False,
        points=np.empty((0, 3)),
        point_feature=np.empty(0, np.int32),
        line_vertices=lines,
        line_offsets=np.array([0, 2, 4]),
        line_feature=np.array([0, 1], np.int32),
        ring_vertices=np.concatenate([ring, ring[:1]]),
        ring_offsets=np.array([0, 5]),
        polygon_offsets=np.array([0, 1]),
        polygon_feature=np.array([2], np.int32),
        attributes=(column("use", ["road", "road", "park"]),),
    )


def spec_of(layer_id: str, data: LayerData) -> LayerSpec:
    return LayerSpec(
        id=layer_id, kind=kind_of(data), title=layer_id, source=LayerSource(path=f"/{layer_id}", reader="test")
    )


def session_of(**layers: LayerData) -> Session:
    """Return a session with the layers, the first one on top, under their names as ids."""
    session = Session()
    for layer_id, data in layers.items():
        session.store.put(layer_id, data)
    session.do(
        AddLayers(layers=tuple(spec_of(layer_id, data) for layer_id, data in layers.items()), crs=CRS, origin=ORIGIN)
    )
    return session


def at_lod(model: CityModel, lod: np.ndarray, lods: tuple[str, ...]) -> CityModel:
    return replace(model, surface_lod=lod.astype(np.int32), lods=lods)

"""What arrays must hold before anybody draws them.

One face index past the end renders fine and then ends the process in the next filter; one vertex at 1e30 blanks
the whole view.  :func:`mended` takes out what can be taken out and says so; :func:`check` refuses the rest.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.city_parts import GEOMETRY_TYPES, Appearance, CityPoints
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    LayerData,
    PointCloud,
    RasterImage,
    TerrainGrid,
    TriangleMesh,
)
from twinviewer.model.place import Extent

PLACED_LIMIT = 1e8
"""No coordinate of a projected system is larger, in metres or feet; the Earth's girth is 4e7 m."""
RAW_LIMIT = 1e12
"""For data that is only described, not drawn: wide enough for any file's own units."""
_DIAGNOSTICS_LIMIT = 1000

Data = TypeVar("Data", bound=LayerData)


# --- taking out -----------------------------------------------------------------------------------------------


def mended(data: LayerData, *, limit: float) -> LayerData:
    """Return ``data`` without what has coordinates that are not finite or larger than ``limit``, told as diagnostics.

    Raises:
        DamagedFileError: Nothing would be left.
    """
    if isinstance(data, CityModel):
        data = _mended_city_model(data, limit)
    elif isinstance(data, TriangleMesh):
        data = _mended_mesh(data, limit)
    elif isinstance(data, PointCloud):
        data = _mended_points(data, limit)
    elif isinstance(data, FeatureTable):
        data = _mended_features(data, limit)
    elif isinstance(data, TerrainGrid):
        data = _mended_terrain(data, limit)
    return _with_fewer_diagnostics(data)


def _absurd(coordinates: NDArray[np.float64], limit: float) -> NDArray[np.bool_] | None:
    """Return which rows cannot be used, or None where all can."""
    if coordinates.size == 0:
        return None
    low, high = coordinates.min(), coordinates.max()
    if low >= -limit and high <= limit:  # false for NaN too
        return None
    good = np.asarray(np.less_equal(np.abs(coordinates), limit).all(axis=1), np.bool_)
    return np.logical_not(good)


def _told(data: Data, problem: str, where: str, count: int, rest: int) -> Data:
    if rest == 0:
        raise DamagedFileError(
            "None of the coordinates can be used: all are missing, infinite or absurdly large.",
            cure="Get the file again from where it came from, or ask its producer.",
        )
    told = Diagnostic(code="coordinates.absurd", problem=problem, where=where, count=count)
    return replace(data, diagnostics=(*data.diagnostics, told))


def _without_vertices(
    bad: NDArray[np.bool_], faces: NDArray[np.int32]
) -> tuple[NDArray[np.bool_], Callable[[NDArray[np.int32]], NDArray[np.int32]]]:
    """Return which of ``faces`` keep all of their vertices, and how indices change when the bad ones go."""
    new_index = (np.cumsum(~bad) - 1).astype(np.int32)
    broken = np.asarray(bad[faces].any(axis=1), np.bool_)
    return np.logical_not(broken), lambda kept: new_index[kept]


def _mended_city_model(data: CityModel, limit: float) -> CityModel:
    bad = _absurd(data.vertices, limit)
    if bad is None:
        return data
    sound, renumbered = _without_vertices(bad, data.triangles)
    sound_edges, _ = _without_vertices(bad, data.edges)
    lost = np.unique(data.triangle_surface[~sound])
    where = data.object_ids[data.surface_object[lost[0]]] if len(lost) else ""
    fewer = replace(
        data,
        vertices=data.vertices[~bad],
        triangles=renumbered(data.triangles[sound]),
        triangle_surface=data.triangle_surface[sound],
        edges=renumbered(data.edges[sound_edges]),
        edge_surface=data.edge_surface[sound_edges],
        points=None if data.points is None else _mended_city_points(data.points, bad, renumbered),
        appearance=None if data.appearance is None else _of_triangles(data.appearance, sound),
    )
    problem = "Surfaces with coordinates that are not numbers, or absurdly large, are not shown."
    return _told(fewer, problem, where, max(1, len(lost)), len(fewer.vertices))


def _mended_city_points(
    points: CityPoints, bad: NDArray[np.bool_], renumbered: Callable[[NDArray[np.int32]], NDArray[np.int32]]
) -> CityPoints:
    sound = ~bad[points.vertices]
    return CityPoints(vertices=renumbered(points.vertices[sound]), surface=points.surface[sound])


def _of_triangles(appearance: Appearance, kept: NDArray[np.bool_]) -> Appearance:
    """Return the appearance without the places in textures of the triangles that go."""
    themes = (
        replace(theme, coordinates=theme.coordinates[kept]) if len(theme.coordinates) else theme
        for theme in appearance.themes
    )
    return replace(appearance, themes=tuple(themes))


def _mended_mesh(data: TriangleMesh, limit: float) -> TriangleMesh:
    bad = _absurd(data.vertices, limit)
    if bad is None:
        return data
    sound, renumbered = _without_vertices(bad, data.triangles)
    fewer = replace(
        data,
        vertices=data.vertices[~bad],
        triangles=renumbered(data.triangles[sound]),
        vertex_rgb=None if data.vertex_rgb is None else data.vertex_rgb[~bad],
        triangle_mesh=data.triangle_mesh[sound] if len(data.triangle_mesh) else data.triangle_mesh,
    )
    problem = "Vertices with coordinates that are not numbers, or absurdly large, are left out with their triangles."
    return _told(fewer, problem, f"vertex {int(bad.argmax())}", int(bad.sum()), len(fewer.vertices))


def _mended_points(data: PointCloud, limit: float) -> PointCloud:
    bad = _absurd(data.positions, limit)
    if bad is None:
        return data
    good = ~bad
    fewer = replace(
        data,
        positions=data.positions[good],
        classification=data.classification[good],
        intensity=data.intensity[good],
        rgb=None if data.rgb is None else data.rgb[good],
        file_extent=Extent.of(data.positions[good]),
    )
    problem = "Points with coordinates that are not numbers, or absurdly large, are left out."
    return _told(fewer, problem, f"point {int(bad.argmax())}", int(bad.sum()), len(fewer.positions))


def _mended_features(data: FeatureTable, limit: float) -> FeatureTable:
    lost: list[NDArray[np.int32]] = []
    bad = _absurd(data.points, limit)
    if bad is not None:
        lost.append(data.point_feature[bad])
        data = replace(data, points=data.points[~bad], point_feature=data.point_feature[~bad])
    bad = _absurd(data.line_vertices, limit)
    if bad is not None:
        good = ~_any_in_slices(bad, data.line_offsets)
        vertices, offsets = _slices(data.line_vertices, data.line_offsets, good)
        lost.append(data.line_feature[~good])
        data = replace(data, line_vertices=vertices, line_offsets=offsets, line_feature=data.line_feature[good])
    bad = _absurd(data.ring_vertices, limit)
    if bad is not None:
        good = ~_any_in_slices(_any_in_slices(bad, data.ring_offsets), data.polygon_offsets)
        rings = np.repeat(good, np.diff(data.polygon_offsets))
        vertices, ring_offsets = _slices(data.ring_vertices, data.ring_offsets, rings)
        polygon_offsets = np.concatenate([[0], np.cumsum(np.diff(data.polygon_offsets)[good])]).astype(np.int64)
        lost.append(data.polygon_feature[~good])
        data = replace(
            data,
            ring_vertices=vertices,
            ring_offsets=ring_offsets,
            polygon_offsets=polygon_offsets,
            polygon_feature=data.polygon_feature[good],
        )
    if not lost:
        return data
    features = np.unique(np.concatenate(lost))
    problem = "Geometries with coordinates that are not numbers, or absurdly large, are not shown."
    rest = len(data.points) + len(data.line_vertices) + len(data.ring_vertices)
    return _told(data, problem, f"feature {int(features[0])}", len(features), rest)


def _any_in_slices(bad: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Return, per slice ``offsets[i]:offsets[i + 1]``, whether any of its items is bad."""
    before = np.concatenate([[0], np.cumsum(bad)])
    found: NDArray[np.bool_] = before[offsets[1:]] > before[offsets[:-1]]
    return found


def _slices(
    items: NDArray[np.float64], offsets: NDArray[np.int64], kept: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    lengths = np.diff(offsets)
    return items[np.repeat(kept, lengths)], np.concatenate([[0], np.cumsum(lengths[kept])]).astype(np.int64)


def _mended_terrain(data: TerrainGrid, limit: float) -> TerrainGrid:
    with np.errstate(invalid="ignore"):
        bad = np.abs(data.heights) > limit  # NaN is “no data” and stays
    if not bad.any():
        return data
    fewer = replace(data, heights=np.where(bad, np.float32(np.nan), data.heights))
    rest = int(np.isfinite(fewer.heights).sum())
    if data.file_extent is not None and rest:
        low, high = float(np.nanmin(fewer.heights)), float(np.nanmax(fewer.heights))
        fewer = replace(fewer, file_extent=replace(data.file_extent, min_z=low, max_z=high))
    row, column = np.argwhere(bad)[0]
    problem = "Cells with infinite or absurdly large heights are treated as having no data."
    return _told(fewer, problem, f"row {row}, column {column}", int(bad.sum()), rest)


def _with_fewer_diagnostics(data: LayerData) -> LayerData:
    if len(data.diagnostics) <= _DIAGNOSTICS_LIMIT:
        return data
    rest = data.diagnostics[_DIAGNOSTICS_LIMIT:]
    more = Diagnostic(
        code="diagnostics.more",
        problem="There are more findings than are listed.",
        count=sum(diagnostic.count for diagnostic in rest),
    )
    return replace(data, diagnostics=(*data.diagnostics[:_DIAGNOSTICS_LIMIT], more))


# --- refusing -------------------------------------------------------------------------------------------------


def check(data: LayerData) -> None:
    """Look at every array of ``data``: dtype, shape, finite numbers, indices in range, offsets in order.

    Raises:
        ValueError: Something contradicts itself; the text says what, in a few words.
    """
    extent = data.file_extent if isinstance(data, PointCloud | TerrainGrid | RasterImage) else None
    if extent is not None and not np.isfinite(extent.as_tuple()).all():
        raise ValueError("the extent is not finite")
    if isinstance(data, CityModel):
        _check_city_model(data)
    elif isinstance(data, PointCloud):
        _check_points(data)
    elif isinstance(data, FeatureTable):
        _check_features(data)
    elif isinstance(data, TerrainGrid):
        _shaped("heights", data.heights, np.float32, (None, None))
        _check_transform(data.transform)
    elif isinstance(data, RasterImage):
        _shaped("pixels", data.pixels, np.uint8, (None, None, 4))
        _check_transform(data.transform)
    else:
        _check_mesh(data)


def _check_city_model(data: CityModel) -> None:
    objects, surfaces, vertices = len(data.object_ids), len(data.surface_object), len(data.vertices)
    _coordinates("vertices", data.vertices)
    _indices("object types", data.object_type, (objects,), 0, len(data.type_names))
    _indices("object parents", data.object_parent, (objects,), -1, objects)
    _indices("triangles", data.triangles, (None, 3), 0, vertices)
    _indices("surfaces of triangles", data.triangle_surface, (len(data.triangles),), 0, surfaces)
    _indices("edges", data.edges, (None, 2), 0, vertices)
    _indices("surfaces of edges", data.edge_surface, (len(data.edges),), 0, surfaces)
    _indices("objects of surfaces", data.surface_object, (surfaces,), 0, objects)
    _indices("surface types", data.surface_type, (surfaces,), -1, len(data.surface_type_names))
    _indices("levels of detail", data.surface_lod, (surfaces,), -1, len(data.lods))
    _check_columns(data.attributes, objects)
    _check_city_parts(data, surfaces, vertices)


def _check_city_parts(data: CityModel, surfaces: int, vertices: int) -> None:
    if (made := data.geometries) is not None:
        shells = len(made.shell_solid)
        _indices("geometry types", made.type, (None,), 0, len(GEOMETRY_TYPES))
        _indices("geometries of surfaces", made.surface_geometry, (surfaces,), -1, len(made.type))
        _indices("shells of surfaces", made.surface_shell, (surfaces,), -1, shells)
        _indices("solids of shells", made.shell_solid, (None,), 0, shells)
        if shells and (np.diff(made.shell_solid) < 0).any():
            raise ValueError("solids of shells: not ascending")
    if (thematic := data.thematic) is not None:
        count = len(thematic.ids)
        _indices("types of thematic surfaces", thematic.type, (count,), 0, len(data.surface_type_names))
        _indices("objects of thematic surfaces", thematic.object, (count,), 0, len(data.object_ids))
        _indices("parents of thematic surfaces", thematic.parent, (count,), -1, count)
        _indices("thematic surfaces", thematic.of_surface, (surfaces,), -1, count)
        _check_columns(thematic.attributes, count)
    if (points := data.points) is not None:
        _indices("points", points.vertices, (None,), 0, vertices)
        _indices("surfaces of points", points.surface, (len(points.vertices),), 0, surfaces)
    if (appearance := data.appearance) is not None:
        for theme in appearance.themes:
            _indices("materials", theme.material, (surfaces,), -1, len(appearance.materials))
            _indices("textures", theme.texture, (surfaces,), -1, len(appearance.textures))
            rows = len(data.triangles) if len(theme.coordinates) else 0
            _shaped("places in textures", theme.coordinates, np.float32, (rows, 3, 2))


def _check_points(data: PointCloud) -> None:
    count = len(data.positions)
    _coordinates("positions", data.positions)
    _shaped("classification", data.classification, np.uint8, (count,))
    _shaped("intensity", data.intensity, np.uint16, (count,))
    if data.rgb is not None:
        _shaped("colours", data.rgb, np.uint8, (count, 3))
    if count > data.read_count:
        raise ValueError(f"{count} points where {data.read_count} were read")


def _check_features(data: FeatureTable) -> None:
    _coordinates("points", data.points)
    _coordinates("line vertices", data.line_vertices)
    _coordinates("ring vertices", data.ring_vertices)
    _indices("features of points", data.point_feature, (len(data.points),), 0, data.feature_count)
    _offsets("lines", data.line_offsets, len(data.line_vertices))
    _indices("features of lines", data.line_feature, (len(data.line_offsets) - 1,), 0, data.feature_count)
    _offsets("rings", data.ring_offsets, len(data.ring_vertices))
    _offsets("polygons", data.polygon_offsets, len(data.ring_offsets) - 1)
    _indices("features of polygons", data.polygon_feature, (len(data.polygon_offsets) - 1,), 0, data.feature_count)
    _check_columns(data.attributes, data.feature_count)


def _check_mesh(data: TriangleMesh) -> None:
    _coordinates("vertices", data.vertices)
    _indices("triangles", data.triangles, (None, 3), 0, len(data.vertices))
    if data.vertex_rgb is not None:
        _shaped("colours", data.vertex_rgb, np.uint8, (len(data.vertices), 3))
    if len(data.triangle_mesh):
        _indices("meshes of triangles", data.triangle_mesh, (len(data.triangles),), 0, len(data.mesh_names))


def _check_transform(transform: tuple[float, ...]) -> None:
    if len(transform) != 6 or not np.isfinite(transform).all():
        raise ValueError("the georeference is not six numbers")


_COLUMN_DTYPES = {
    AttributeType.DOUBLE: np.float64,
    AttributeType.INTEGER: np.int64,
    AttributeType.BOOLEAN: np.bool_,
    AttributeType.STRING: np.object_,
    AttributeType.DATE: np.object_,
}


def _check_columns(columns: tuple[AttributeColumn, ...], rows: int) -> None:
    for column in columns:
        _shaped(f"values of {column.name}", column.values, _COLUMN_DTYPES[column.type], (rows,))
        _shaped(f"presence of {column.name}", column.present, np.bool_, (rows,))


def _shaped(name: str, array: NDArray[Any], dtype: type, shape: tuple[int | None, ...]) -> None:
    if not isinstance(array, np.ndarray) or array.dtype != dtype:
        raise ValueError(f"{name}: of the wrong type")
    if array.ndim != len(shape) or any(
        there != expected for there, expected in zip(array.shape, shape, strict=True) if expected is not None
    ):
        raise ValueError(f"{name}: {array.shape} where {shape} was declared")


def _coordinates(name: str, array: NDArray[np.float64]) -> None:
    _shaped(name, array, np.float64, (None, 3))
    if array.size and not (array.min() >= -RAW_LIMIT and array.max() <= RAW_LIMIT):  # false for NaN too
        raise ValueError(f"{name}: not finite")


def _indices(name: str, array: NDArray[np.int32], shape: tuple[int | None, ...], first: int, end: int) -> None:
    _shaped(name, array, np.int32, shape)
    if array.size and not (array.min() >= first and array.max() < end):
        raise ValueError(f"{name}: an index is out of range")


def _offsets(name: str, array: NDArray[np.int64], end: int) -> None:
    _shaped(name, array, np.int64, (None,))
    if len(array) == 0 or array[0] != 0 or array[-1] != end or (np.diff(array) < 0).any():
        raise ValueError(f"{name}: offsets are out of order")

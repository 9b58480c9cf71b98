"""A GeoDataFrame as a feature table (OGC 06-103r4): geometries as ragged arrays, columns as attributes."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.isolation.pieces import Piece
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.layer_data import FeatureTable, SourceFacts
from twinviewer.model.place import LOCAL, ReferenceSystem

Int64s = NDArray[np.int64]

_POINT, _LINE, _RING, _POLYGON = 0, 1, 2, 3
_FIRST_MULTI = 4
"""Type ids of GEOS from here on are multi geometries and collections."""


def pieces_of_geopandas(frame: Any, *, crs: ReferenceSystem) -> tuple[Piece, ...]:
    """Return a frame or series of geometries as one table, brought into the project's reference system."""
    original = frame
    diagnostics: tuple[Diagnostic, ...] = ()
    if frame.crs is None:
        diagnostics = (
            Diagnostic(
                severity=Severity.INFO,
                code="crs.assumed",
                problem="The GeoDataFrame says no reference system: its coordinates are taken as the project's.",
            ),
        )
    elif crs.horizontal != LOCAL.horizontal:
        frame = frame.to_crs(crs.horizontal)  # comes back as it is where it is there already
    geometry = frame.geometry if hasattr(frame, "columns") else frame
    columns = {
        str(name): frame[name]
        for name in getattr(frame, "columns", ())
        if name != geometry.name and not _is_geometry(frame[name])
    }
    table = _table(
        np.asarray(geometry.array, dtype=object),
        crs=crs,
        attributes=tuple(_column(name, values) for name, values in columns.items()),
        diagnostics=diagnostics,
    )
    rows = len(geometry)

    def named(name: str) -> NDArray[Any] | None:
        if name not in getattr(original, "columns", ()) or original[name].dtype.kind not in "fiub":
            return None  # the frame is asked each time: its columns may change
        values: NDArray[Any] = original[name].to_numpy(dtype=np.float64, na_value=np.nan)
        return values if len(values) == rows else None

    return (Piece(data=table, named=named, spread=lambda values: values if len(values) == rows else None),)


def _is_geometry(series: Any) -> bool:
    return str(series.dtype) == "geometry"


def _column(name: str, series: Any) -> AttributeColumn:
    present = np.asarray(series.notna(), dtype=np.bool_)
    kinds = {"f": AttributeType.DOUBLE, "i": AttributeType.INTEGER, "u": AttributeType.INTEGER}
    kind = {**kinds, "b": AttributeType.BOOLEAN}.get(series.dtype.kind, AttributeType.STRING)
    values: NDArray[Any]
    if kind is AttributeType.STRING:
        values = np.empty(len(series), dtype=object)
        values[:] = [
            str(value) if there else "" for value, there in zip(series.tolist(), present.tolist(), strict=True)
        ]
    else:
        dtype = {AttributeType.DOUBLE: np.float64, AttributeType.INTEGER: np.int64}.get(kind, np.bool_)
        values = series.to_numpy(dtype=dtype, na_value=dtype())
    return AttributeColumn(name=name, type=kind, values=values, present=present)


def _table(
    geometries: NDArray[Any],
    *,
    crs: ReferenceSystem,
    attributes: tuple[AttributeColumn, ...],
    diagnostics: tuple[Diagnostic, ...],
) -> FeatureTable:
    shapely: Any = sys.modules["shapely"]  # there is no GeoDataFrame without it
    feature = np.flatnonzero(~(shapely.is_missing(geometries) | shapely.is_empty(geometries)))
    parts = geometries[feature]
    while len(parts) and (shapely.get_type_id(parts) >= _FIRST_MULTI).any():
        parts, index = shapely.get_parts(parts, return_index=True)
        feature = feature[index]
    kind = shapely.get_type_id(parts)
    is_line = (kind == _LINE) | (kind == _RING)
    points, point_rows = _coordinates(shapely, parts[kind == _POINT])
    lines, line_rows = _coordinates(shapely, parts[is_line])
    rings, ring_polygon = shapely.get_rings(parts[kind == _POLYGON], return_index=True)
    corners, ring_rows = _coordinates(shapely, rings)
    is_outer = np.concatenate(([True], ring_polygon[1:] != ring_polygon[:-1]))[: len(rings)]
    ring_offsets = _offsets(ring_rows, len(rings))
    groups = (points, lines, corners)
    has_z = any(bool(np.nan_to_num(group[:, 2]).any()) for group in groups)
    for group in groups:
        group[np.isnan(group[:, 2]), 2] = 0.0
    return FeatureTable(
        source=SourceFacts(format="GeoDataFrame"),
        crs=crs,
        feature_count=len(geometries),
        has_z=has_z,
        points=points,
        point_feature=feature[kind == _POINT][point_rows].astype(np.int32),
        line_vertices=lines,
        line_offsets=_offsets(line_rows, int(is_line.sum())),
        line_feature=feature[is_line].astype(np.int32),
        ring_vertices=_turned(corners, ring_offsets, is_outer),
        ring_offsets=ring_offsets,
        polygon_offsets=_offsets(ring_polygon, int((kind == _POLYGON).sum())),
        polygon_feature=feature[kind == _POLYGON].astype(np.int32),
        attributes=attributes,
        diagnostics=diagnostics,
    )


def _coordinates(shapely: Any, parts: NDArray[Any]) -> tuple[NDArray[np.float64], Int64s]:
    coordinates, rows = shapely.get_coordinates(parts, include_z=True, return_index=True)
    return coordinates, rows


def _offsets(rows: Int64s, n: int) -> Int64s:
    """Return where each of n parts begins, and the last one ends, in a list that names the part of each entry."""
    return np.concatenate(([0], np.cumsum(np.bincount(rows, minlength=n)))).astype(np.int64)


def _turned(corners: NDArray[np.float64], offsets: Int64s, is_outer: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Return the rings with outer ones counter-clockwise and inner ones clockwise."""
    if len(offsets) < 2:
        return corners
    start, end = offsets[:-1], offsets[1:]
    # A vertex less in each ring: the last repeats the first.  Near a vertex of the ring, products keep their digits.
    ring = np.repeat(np.arange(len(start)), end - start)
    local = corners[:, :2] - corners[start][ring, :2]
    following = np.roll(local, -1, axis=0)
    cross = local[:, 0] * following[:, 1] - local[:, 1] * following[:, 0]
    cross[end - 1] = 0.0
    area = np.add.reduceat(cross, start)
    wrong = (area > 0) != is_outer
    index = np.arange(len(corners))
    reverse = wrong[ring]
    index[reverse] = (start + end - 1)[ring][reverse] - index[reverse]
    return corners[index]

"""From well-known binary to the ragged arrays of a feature table (OGC 06-103r4)."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from twinviewer.formats import curves
from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.layer_data import FeatureTable, SourceFacts
from twinviewer.model.place import ReferenceSystem

_POINT, _LINE, _RING, _POLYGON = 0, 1, 2, 3
_FIRST_MULTI = 4
"""GEOS type ids from here on are multi geometries and collections."""


class GeometryCollector:
    """Takes batches of geometries and makes a feature table of them."""

    def __init__(self) -> None:
        self.features = 0
        """Geometries seen, missing ones included."""
        self._missing = 0
        self._unreadable = 0
        self._first_unreadable = 0
        self._points: list[tuple[NDArray[Any], NDArray[Any]]] = []
        self._lines: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any]]] = []
        self._polygons: list[tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]] = []

    def add(self, column: Any) -> None:
        """Take the next features' geometries: an Arrow column of WKB, null where a feature has none."""
        wkb = column.to_numpy(zero_copy_only=False)
        there = np.array([value is not None for value in wkb], np.bool_)
        simple = np.array([value is None or curves.is_simple(value) for value in wkb], np.bool_)
        geometries = np.empty(len(wkb), object)
        with np.errstate(invalid="ignore"):  # coordinates that are no numbers are told later
            geometries[simple] = shapely.from_wkb(wkb[simple], on_invalid="fix")  # open rings are closed
        geometries[~simple] = [curves.from_wkb(value) for value in wkb[~simple]]
        read = ~shapely.is_missing(geometries)
        unreadable = there & ~read
        if unreadable.any() and not self._unreadable:
            self._first_unreadable = self.features + int(unreadable.argmax())
        self._missing += int((~there).sum())
        self._unreadable += int(unreadable.sum())
        feature = (np.flatnonzero(read) + self.features).astype(np.int32)
        self.features += len(wkb)
        parts, feature = _single_parts(geometries[read], feature)
        kind = shapely.get_type_id(parts)
        self._add_points(parts[kind == _POINT], feature[kind == _POINT])
        is_line = (kind == _LINE) | (kind == _RING)
        self._add_lines(parts[is_line], feature[is_line])
        self._add_polygons(parts[kind == _POLYGON], feature[kind == _POLYGON])

    def _add_points(self, parts: NDArray[Any], feature: NDArray[np.int32]) -> None:
        coordinates, index = shapely.get_coordinates(parts, include_z=True, return_index=True)
        self._points.append((coordinates, feature[index]))

    def _add_lines(self, parts: NDArray[Any], feature: NDArray[np.int32]) -> None:
        coordinates, counts = _sliced(parts)
        self._lines.append((coordinates, counts, feature))

    def _add_polygons(self, parts: NDArray[Any], feature: NDArray[np.int32]) -> None:
        finite = _are_finite(parts)  # GEOS refuses to turn the others; they are told and left out later
        parts[finite] = shapely.orient_polygons(parts[finite], exterior_cw=False)
        rings, index = shapely.get_rings(parts, return_index=True)
        coordinates, counts = _sliced(rings)
        self._polygons.append((coordinates, counts, np.bincount(index, minlength=len(parts)), feature))

    def table(
        self,
        *,
        source: SourceFacts,
        crs: ReferenceSystem | None,
        feature_count: int,
        attributes: tuple[AttributeColumn, ...],
        geometry_type: str,
        diagnostics: tuple[Diagnostic, ...],
    ) -> FeatureTable:
        """Return everything that was added as one table."""
        points = _joined([coordinates for coordinates, _ in self._points], np.float64, (0, 3))
        line_vertices = _joined([coordinates for coordinates, _, _ in self._lines], np.float64, (0, 3))
        ring_vertices = _joined([coordinates for coordinates, _, _, _ in self._polygons], np.float64, (0, 3))
        groups = (points, line_vertices, ring_vertices)
        for group in groups:
            group[np.isnan(group[:, 2]), 2] = 0.0
        return FeatureTable(
            source=source,
            crs=crs,
            feature_count=feature_count,
            # Many a file is declared 3D and has 0 everywhere: that is no height.
            has_z=any(bool(group[:, 2].any()) for group in groups),
            points=points,
            point_feature=_joined([feature for _, feature in self._points], np.int32, (0,)),
            line_vertices=line_vertices,
            line_offsets=_offsets([counts for _, counts, _ in self._lines]),
            line_feature=_joined([feature for _, _, feature in self._lines], np.int32, (0,)),
            ring_vertices=ring_vertices,
            ring_offsets=_offsets([counts for _, counts, _, _ in self._polygons]),
            polygon_offsets=_offsets([rings for _, _, rings, _ in self._polygons]),
            polygon_feature=_joined([feature for _, _, _, feature in self._polygons], np.int32, (0,)),
            attributes=attributes,
            geometry_type=geometry_type,
            diagnostics=(*diagnostics, *self._diagnostics()),
        )

    def _diagnostics(self) -> list[Diagnostic]:
        told = []
        if self._missing:
            told.append(
                Diagnostic(
                    severity=Severity.INFO,
                    code="geometry.none",
                    problem="Features without geometry are in the table, but nowhere in the scene.",
                    count=self._missing,
                )
            )
        if self._unreadable:
            told.append(
                Diagnostic(
                    code="geometry.unreadable",
                    problem="Geometries that are damaged, or of a kind that is not drawn, are left out.",
                    where=f"feature {self._first_unreadable}",
                    count=self._unreadable,
                )
            )
        return told


def _single_parts(geometries: NDArray[Any], feature: NDArray[np.int32]) -> tuple[NDArray[Any], NDArray[np.int32]]:
    """Return points, lines and polygons that are not empty, taken out of multi geometries and collections."""
    while len(geometries) and (shapely.get_type_id(geometries) >= _FIRST_MULTI).any():
        geometries, index = shapely.get_parts(geometries, return_index=True)
        feature = feature[index]
    there = ~shapely.is_empty(geometries)
    return geometries[there], feature[there]


def _are_finite(geometries: NDArray[Any]) -> NDArray[np.bool_]:
    """Return, for each geometry, whether all of its eastings and northings are numbers."""
    coordinates, index = shapely.get_coordinates(geometries, return_index=True)
    finite = np.ones(len(geometries), np.bool_)
    finite[index[~np.isfinite(coordinates).all(axis=1)]] = False
    return finite


def _sliced(geometries: NDArray[Any]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    coordinates, index = shapely.get_coordinates(geometries, include_z=True, return_index=True)
    return coordinates, np.bincount(index, minlength=len(geometries))


def _offsets(counts: list[NDArray[Any]]) -> NDArray[np.int64]:
    return np.concatenate([[0], np.cumsum(_joined(counts, np.int64, (0,)))]).astype(np.int64)


def _joined(arrays: list[NDArray[Any]], dtype: type, empty: tuple[int, ...]) -> NDArray[Any]:
    return np.concatenate([np.empty(empty, dtype), *arrays]).astype(dtype, copy=False)

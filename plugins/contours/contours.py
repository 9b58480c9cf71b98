"""Contour lines of a terrain: a map layer, and labels on every fifth line."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import (
    DrawingRequest,
    FeatureTable,
    Feedback,
    Labels,
    SourceFacts,
    TerrainGrid,
    TwinViewerError,
    column,
)

from .tracing import Surface

Float64s = NDArray[np.float64]

LARGEST_SIDE = 1500
"""Of larger grids every second cell is taken, or every third …: finer lines nobody sees at once."""
MOST_LEVELS = 2000
LABEL_EVERY = 5
LABELLED_FROM = 20
"""Vertices of a line that is long enough for a label."""
LABEL_ABOVE_M = 2.0


def draw(
    *, site: object, feedback: Feedback, terrain: TerrainGrid, interval_m: float
) -> Sequence[DrawingRequest | FeatureTable]:
    """Return the lines of all heights that are multiples of the interval, and labels."""
    step = -(-max(terrain.heights.shape) // LARGEST_SIDE)
    heights = terrain.heights[::step, ::step].astype(np.float64)
    there = heights[np.isfinite(heights)]
    if len(there) == 0:
        raise TwinViewerError("The terrain has no heights.", cure="Choose another one.")
    first, last = int(np.ceil(there.min() / interval_m)), int(np.floor(there.max() / interval_m))
    if last - first > MOST_LEVELS:
        raise TwinViewerError(f"That would be {last - first:,} heights.", cure="Choose a larger interval.")
    surface = Surface(heights)
    lines: list[Float64s] = []
    levels: list[int] = []
    for number in range(first, last + 1):
        feedback.stop_if_cancelled()
        feedback.progress((number - first) / (last - first + 1), "Tracing contour lines")
        traced = [_placed(line * step, terrain, number * interval_m) for line in surface.lines_at(number * interval_m)]
        lines += traced
        levels += [number] * len(traced)
    if not lines:
        raise TwinViewerError("No multiple of the interval lies within the terrain.", cure="Choose a smaller interval.")
    table = _table(lines, [number * interval_m for number in levels], f"Contours every {interval_m:g} m", terrain)
    return [*_labels(lines, levels, interval_m), table]


def _placed(cells: Float64s, terrain: TerrainGrid, height: float) -> Float64s:
    """Return the vertices (n, 3) of a line given as columns and rows (n, 2) of cell centres."""
    a, b, x, d, e, y = terrain.transform
    u, v = cells.T + 0.5
    return np.column_stack([a * u + b * v + x, d * u + e * v + y, np.full(len(cells), height)])


def _labels(lines: Sequence[Float64s], levels: Sequence[int], interval_m: float) -> list[DrawingRequest]:
    chosen = [
        (line[len(line) // 2], f"{number * interval_m:g} m", float(len(line)))
        for line, number in zip(lines, levels, strict=True)
        if number % LABEL_EVERY == 0 and len(line) >= LABELLED_FROM
    ]
    if not chosen:
        return []
    places, texts, lengths = zip(*chosen, strict=True)
    positions = np.array(places) + np.array([0.0, 0.0, LABEL_ABOVE_M])
    return [Labels(positions=positions, texts=texts, size_px=12, priority=np.array(lengths))]


def _table(lines: Sequence[Float64s], heights: Sequence[float], title: str, terrain: TerrainGrid) -> FeatureTable:
    nothing = np.empty((0, 3))
    return FeatureTable(
        source=SourceFacts(format="contour lines", title=title),
        crs=terrain.crs,
        feature_count=len(lines),
        has_z=True,
        points=nothing,
        point_feature=np.empty(0, np.int32),
        line_vertices=np.concatenate(lines),
        line_offsets=np.concatenate([[0], np.cumsum([len(line) for line in lines])]).astype(np.int64),
        line_feature=np.arange(len(lines), dtype=np.int32),
        ring_vertices=nothing,
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=np.empty(0, np.int32),
        attributes=(column("elevation", list(heights), unit="m"),),
        geometry_type="LineString",
    )

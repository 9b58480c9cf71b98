"""Whether what a plugin's feed, encode or layer function returns is what the contract promises.

Everything behind these checks may trust shapes, types, index ranges and sizes: the store, and the scene, where a wrong
length would end the process and a million labels would stop it.  They are cheap enough to be made for each frame: what
is the very object of the last answer is not looked at again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from twinviewer.app import colour_maps
from twinviewer.app.plugins.array_checks import (
    FARTHEST_M,
    KnownTexts,
    colour,
    fault,
    finite,
    indices,
    kind_of,
    limit,
    number,
    number_or_each,
    numbers,
    offsets,
    places,
    rows,
)
from twinviewer.formats import soundness
from twinviewer.isolation.adopting import Adopter
from twinviewer.model.drawing import (
    ColourObjects,
    ColourScale,
    DrawData,
    DrawingRequest,
    ExtrudedColumns,
    FlowLines,
    GlyphShape,
    HeatGrid,
    IconShape,
    Labels,
    MeshShape,
    PlaceGlyphs,
    Trails,
)
from twinviewer.model.layer_data import (
    CityModel,
    FeatureTable,
    LayerData,
    PointCloud,
    RasterImage,
    TerrainGrid,
    TriangleMesh,
)
from twinviewer.model.observation import Batch, MovementBatch, ObservationBatch
from twinviewer.model.place import LOCAL, ReferenceSystem

# So much of one kind is put on the screen in less than a tenth of a second of the thread that draws.
MOST_REQUESTS = 100
MOST_TOGETHER = 4
"""The requests of one answer may be so many times the most of one kind, in all."""
MOST_OBJECTS = 2_000_000
MOST_GLYPHS = 500_000
MOST_LABELS = 20_000
MOST_LINE_VERTICES = 500_000
MOST_COLUMNS = 200_000
MOST_GRID_SIDE = 2048
MOST_TRIANGLES = 500_000
MOST_POINTS = 1_000_000
MOST_ROWS = 10_000_000
"""Of a batch: what is seen now and in the next seconds, not a history."""

Request = TypeVar("Request", bound=DrawingRequest)
_REQUESTS = (ColourObjects, PlaceGlyphs, Labels, FlowLines, HeatGrid, ExtrudedColumns, Trails, DrawData)


def checked_batches(result: object) -> tuple[Batch, ...]:
    """Return what a feed returned.

    Raises:
        PluginError: It is not a sequence of well-formed batches.
    """
    batches: tuple[Batch, ...] = _items(result, (ObservationBatch, MovementBatch), "The feed")
    for batch in batches:
        if isinstance(batch, ObservationBatch):
            n = rows(batch.thing)
            limit(n, MOST_ROWS, "rows of a batch")
            numbers(batch.phenomenon_time_s, (n,), "phenomenon_time_s")
            numbers(batch.results, (n,), "results")
            indices(batch.thing, len(batch.things), "thing")
            there = np.array([thing.position for thing in batch.things], dtype=np.float64).reshape(-1, 3)
            bad = int(np.count_nonzero(~(np.abs(there) <= FARTHEST_M).all(axis=1)))
            if bad:
                raise fault(f"{bad:,} of {len(there):,} things have a position that is not a number.")
        else:
            n = rows(batch.object)
            limit(n, MOST_ROWS, "rows of a batch")
            numbers(batch.time_s, (n,), "time_s")
            numbers(batch.positions, (n, 3), "positions")
            numbers(batch.heading_deg, (n,), "heading_deg")
            numbers(batch.speed_m_s, (n,), "speed_m_s")
            indices(batch.object, len(batch.ids), "object")
    return batches


def checked_requests(result: object, *, crs: ReferenceSystem = LOCAL) -> tuple[DrawingRequest, ...]:
    """Return drawing requests, as :meth:`RequestChecks.checked` of a first answer does."""
    return RequestChecks().checked(result, crs=crs)


class RequestChecks:
    """Checks the drawing requests of one function, again and again.  For one thread."""

    def __init__(self) -> None:
        self._adopter = Adopter()
        self._texts = KnownTexts()
        self._sound: dict[int, object] = {}

    def checked(self, result: object, *, crs: ReferenceSystem) -> tuple[DrawingRequest, ...]:
        """Return the requests, with foreign data as layer data and texts as tuples.

        Args:
            result: What the function returned.
            crs: The project's reference system, which a GeoDataFrame is brought into.

        Raises:
            PluginError: It is not a sequence of well-formed drawing requests, or asks for more than can be drawn.
        """
        requests: tuple[DrawingRequest, ...] = _items(result, _REQUESTS, "The function")
        requests = tuple(self._adopter.adopted(requests, crs=crs))
        limit(len(requests), MOST_REQUESTS, "drawing requests")
        sound: dict[int, object] = {}
        checked = tuple(self._checked(request, place, sound) for place, request in enumerate(requests))
        self._sound = sound
        together = sum(map(_share, checked))
        if together > MOST_TOGETHER:
            raise fault(
                f"The requests together are {together:.1f} times the most that is drawn of one kind;"
                f" {MOST_TOGETHER} times that is drawn at most.",
                cure="Draw fewer: only what is near, or a sample.",
            )
        return checked

    def _checked(self, request: DrawingRequest, place: int, sound: dict[int, object]) -> DrawingRequest:
        """Return the request with its texts as tuples."""
        match request:
            case ColourObjects():
                n = _colours(request)
                return request if n is None else self._with_texts(request, place, "object_ids", n)
            case Labels():
                return self._with_texts(request, place, "texts", _labels(request))
            case PlaceGlyphs():
                n = _glyphs(request)
            case FlowLines():
                n = _flow(request)
            case ExtrudedColumns():
                n = _columns(request)
            case HeatGrid():
                _grid(request)
                return request
            case Trails():
                _trails(request)
                return request
            case DrawData():
                self._data(request, sound)
                return request
        if isinstance(request.ids, Sequence) and len(request.ids) == 0:
            return request
        return self._with_texts(request, place, "ids", n)

    def _data(self, request: DrawData, sound: dict[int, object]) -> None:
        data = request.data
        if not isinstance(data, LayerData):
            raise fault(f"Data of type {type(data).__name__} cannot be drawn.")
        if self._sound.get(id(data)) is not data and sound.get(id(data)) is not data:
            try:
                soundness.check(data)
            except ValueError as error:
                raise fault(f"The data contradicts itself: {error}.") from error
            _limit_data(data)
        sound[id(data)] = data
        number(request.opacity, "opacity", least=0, most=1)
        if request.colour is not None:
            colour(request.colour)
        if request.values is None:
            return
        counts = _countable(data)
        n = rows(request.values)
        if not counts or n not in counts.values():
            due = " or ".join(f"{count:,} ({name})" for name, count in counts.items()) or "none"
            raise fault(f"“values” has {n:,} entries; due are {due}.")
        numbers(request.values, (n,), "values")
        if request.scale is None:
            raise fault("There are values but no scale that says their colours.")
        _scale(request.scale)

    def _with_texts(self, request: Request, place: int, name: str, n: int) -> Request:
        given = getattr(request, name)
        texts = self._texts.checked(given, n, name, place=(place, name))
        changed: dict[str, Any] = {name: texts}
        return request if texts is given else replace(request, **changed)


def _items(result: object, types: tuple[type, ...], who: str) -> tuple[Any, ...]:
    if not isinstance(result, Sequence) or isinstance(result, str | bytes):
        raise fault(f"{who} returned {kind_of(result)} instead of a sequence.")
    for item in result:
        if not isinstance(item, types):
            names = ", ".join(sorted(each.__name__ for each in types))
            raise fault(f"{who} returned {kind_of(item)} where one of these is due: {names}.")
    return tuple(result)


def _share(request: DrawingRequest) -> float:
    """Return how much of the most that is drawn of its kind a request is."""
    match request:
        case ColourObjects():
            return len(request.values) / MOST_OBJECTS
        case PlaceGlyphs():
            return len(request.positions) / MOST_GLYPHS
        case Labels():
            return len(request.positions) / MOST_LABELS
        case FlowLines():
            return len(request.vertices) / MOST_LINE_VERTICES
        case HeatGrid():
            return request.values.size / MOST_GRID_SIDE**2
        case ExtrudedColumns():
            return len(request.positions) / MOST_COLUMNS
        case Trails():
            return request.positions.size / 3 / MOST_LINE_VERTICES
    match request.data:
        case TriangleMesh() as data:
            return len(data.triangles) / MOST_TRIANGLES
        case FeatureTable() as data:
            lines = len(data.line_vertices) + len(data.ring_vertices)
            return lines / MOST_LINE_VERTICES + len(data.points) / MOST_GLYPHS
        case PointCloud() as data:
            return len(data.positions) / MOST_POINTS
    return 0.0  # no other data is drawn


def _colours(request: ColourObjects) -> int | None:
    """Return how many ids are due; None: the objects are named by positions."""
    n = rows(request.values)
    limit(n, MOST_OBJECTS, "coloured objects")
    numbers(request.values, (n,), "values")
    _scale(request.scale)
    if request.positions is None:
        return n
    if len(request.object_ids):
        raise fault("Objects are named by ids and by positions at once.", cure="Give one of the two.")
    width = request.positions.shape[-1] if rows(request.positions) else 3
    places(request.positions, "positions", columns=2 if width == 2 else 3, count=n)
    return None


def _glyphs(request: PlaceGlyphs) -> int:
    n = rows(request.positions)
    limit(n, MOST_GLYPHS, "glyphs")
    places(request.positions, "positions")
    if isinstance(request.shape, IconShape | MeshShape):
        if not isinstance(request.shape.path, str) or not request.shape.path:
            raise fault(f"The path of a shape is {request.shape.path!r} instead of the name of a file.")
    elif not isinstance(request.shape, GlyphShape):
        raise fault(f"There is no glyph shape {request.shape!r}.")
    number_or_each(request.size_m, n, "size_m")
    for name in ("heading_deg", "pitch_deg", "roll_deg"):
        if getattr(request, name) is not None:
            finite(getattr(request, name), (n,), name)
    if request.stale is not None and numbers(request.stale, (n,), "stale").dtype != np.bool_:
        raise fault("“stale” is not an array of True and False.")
    _coloured(request, n)
    return n


def _labels(request: Labels) -> int:
    n = rows(request.positions)
    limit(n, MOST_LABELS, "labels")
    places(request.positions, "positions")
    number(request.size_px, "size_px", least=1, most=200)
    if request.priority is not None:
        numbers(request.priority, (n,), "priority")
    return n


def _flow(request: FlowLines) -> int:
    limit(rows(request.vertices), MOST_LINE_VERTICES, "vertices of lines")
    places(request.vertices, "vertices")
    n = offsets(request.offsets, len(request.vertices), "offsets")
    number(request.width_px, "width_px", least=0, most=100)
    number(request.dash_m, "dash_m", least=0)
    number_or_each(request.speed_m_s, n, "speed_m_s")
    _coloured(request, n)
    return n


def _columns(request: ExtrudedColumns) -> int:
    n = rows(request.positions)
    limit(n, MOST_COLUMNS, "columns")
    places(request.positions, "positions")
    finite(request.heights_m, (n,), "heights_m")
    number(request.radius_m, "radius_m", least=0)
    _coloured(request, n)
    return n


def _coloured(request: Any, n: int) -> None:
    if request.colour is not None or not isinstance(request, PlaceGlyphs):
        colour(request.colour)
    if request.values is not None:
        numbers(request.values, (n,), "values")
        if request.scale is None:
            raise fault("There are values but no scale that says their colours.")
    if request.scale is not None:
        _scale(request.scale)


def _grid(request: HeatGrid) -> None:
    values = numbers(request.values, (None, None), "values")
    if max(values.shape) > MOST_GRID_SIDE:
        size = f"{values.shape[0]:,} × {values.shape[1]:,}"
        raise fault(
            f"A grid of {size} cells is too large; the most that is drawn is {MOST_GRID_SIDE:,} × {MOST_GRID_SIDE:,}.",
            cure="Make its cells larger.",
        )
    if not isinstance(request.corner, Sequence) or len(request.corner) != 2:
        raise fault(f"“corner” is {request.corner!r} instead of (x, y).")
    for value in request.corner:
        number(value, "corner", least=-FARTHEST_M, most=FARTHEST_M)
    number(request.cell_m, "cell_m", least=1e-3, most=FARTHEST_M)
    number(request.opacity, "opacity", least=0, most=1)
    _scale(request.scale)


def _trails(request: Trails) -> None:
    positions = numbers(request.positions, (None, None, 3), "positions")
    limit(positions.shape[0] * positions.shape[1], MOST_LINE_VERTICES, "positions of trails")
    if positions.size and (np.nanmax(np.abs(positions), initial=0.0)) > FARTHEST_M:
        raise fault("“positions” has some that are beyond the Earth.")
    number(request.width_px, "width_px", least=0, most=100)
    _coloured(request, len(positions))


def _scale(scale: object) -> None:
    if not isinstance(scale, ColourScale):
        raise fault(f"A scale is {kind_of(scale)} instead of a ColourScale.")
    ends = scale.value_range
    if len(ends) != 2 or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        raise fault(f"The value range {ends} of a scale is empty.")
    if scale.colour_map not in colour_maps.names():
        names = ", ".join(sorted(colour_maps.names()))
        raise fault(f"There is no colour map {scale.colour_map!r}.", cure=f"Use one of {names}.")
    if not isinstance(scale.title, str) or not isinstance(scale.unit, str):
        raise fault("The title or the unit of a scale is no text.")
    for tick in scale.ticks:
        if not isinstance(tick, Sequence) or len(tick) != 2 or not isinstance(tick[1], str):
            raise fault(f"A tick of a scale is {tick!r} instead of (value, label).")
        number(tick[0], "ticks")


def _limit_data(data: LayerData) -> None:
    match data:
        case TriangleMesh() | CityModel():
            limit(len(data.triangles), MOST_TRIANGLES, "triangles")
        case FeatureTable():
            limit(len(data.line_vertices) + len(data.ring_vertices), MOST_LINE_VERTICES, "vertices of features")
            limit(len(data.points), MOST_GLYPHS, "points of features")
        case PointCloud():
            limit(len(data.positions), MOST_POINTS, "points")
        case TerrainGrid():
            limit(data.heights.size, MOST_GRID_SIDE**2, "cells")
        case RasterImage():
            limit(data.pixels.shape[0] * data.pixels.shape[1], MOST_GRID_SIDE**2, "pixels")


def _countable(data: LayerData) -> dict[str, int]:
    """Return for what of the data there may be one value each."""
    match data:
        case TriangleMesh():
            return {"one per vertex": len(data.vertices), "one per triangle": len(data.triangles)}
        case FeatureTable():
            return {"one per feature": data.feature_count}
        case PointCloud():
            return {"one per point": len(data.positions)}
        case CityModel():
            return {"one per object": len(data.object_ids)}
    return {}

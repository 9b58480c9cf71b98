"""Whether what a plugin's feed and encode return is what the contract promises.

Everything behind these checks may trust shapes, types and index ranges: the store, and the scene, where a wrong
length would end the process.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from twinviewer.app import colour_maps
from twinviewer.model.drawing import ColourObjects, ColourScale, DrawingRequest, GlyphShape, Labels, PlaceGlyphs
from twinviewer.model.errors import PluginError
from twinviewer.model.observation import Batch, MovementBatch, ObservationBatch

T = TypeVar("T")


def checked_batches(result: object) -> tuple[Batch, ...]:
    """Return what a feed returned.

    Raises:
        PluginError: It is not a sequence of well-formed batches.
    """
    batches: tuple[Batch, ...] = _items(result, (ObservationBatch, MovementBatch), "The feed")
    for batch in batches:
        if isinstance(batch, ObservationBatch):
            n = len(batch.thing)
            _numbers(batch.phenomenon_time_s, (n,), "phenomenon_time_s")
            _numbers(batch.results, (n,), "results")
            _indices(batch.thing, len(batch.things), "thing")
            if not np.isfinite([thing.position for thing in batch.things]).all():
                raise PluginError("A thing has a position that is not a number.", cure=_CURE)
        else:
            n = len(batch.object)
            _numbers(batch.time_s, (n,), "time_s")
            _numbers(batch.positions, (n, 3), "positions")
            _numbers(batch.heading_deg, (n,), "heading_deg")
            _numbers(batch.speed_m_s, (n,), "speed_m_s")
            _indices(batch.object, len(batch.ids), "object")
    return batches


def checked_requests(result: object) -> tuple[DrawingRequest, ...]:
    """Return what an encode function returned.

    Raises:
        PluginError: It is not a sequence of well-formed drawing requests.
    """
    requests: tuple[DrawingRequest, ...] = _items(result, (ColourObjects, PlaceGlyphs, Labels), "The encode function")
    for request in requests:
        if isinstance(request, ColourObjects):
            _texts(request.object_ids, _rows(request.values), "object_ids")
            _numbers(request.values, (len(request.object_ids),), "values")
            _scale(request.scale)
        elif isinstance(request, Labels):
            _places(request.positions)
            _texts(request.texts, len(request.positions), "texts")
            _size(request.size_px, "size_px")
        else:
            _glyphs(request)
    return requests


_CURE = "Correct the plugin; docs/plugins.md has the contract."
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def _items(result: object, types: tuple[type, ...], who: str) -> tuple[Any, ...]:
    if not isinstance(result, Sequence) or isinstance(result, str | bytes):
        raise PluginError(f"{who} returned {_kind(result)} instead of a sequence.", cure=_CURE)
    for item in result:
        if not isinstance(item, types):
            names = ", ".join(sorted(each.__name__ for each in types))
            raise PluginError(f"{who} returned {_kind(item)} where one of these is due: {names}.", cure=_CURE)
    return tuple(result)


def _glyphs(request: PlaceGlyphs) -> None:
    _places(request.positions)
    n = len(request.positions)
    if not isinstance(request.shape, GlyphShape):
        raise PluginError(f"There is no glyph shape {request.shape!r}.", cure=_CURE)
    if isinstance(request.size_m, np.ndarray):
        _numbers(request.size_m, (n,), "size_m")
        if not np.isfinite(request.size_m).all():
            raise PluginError("“size_m” has values that are not numbers.", cure=_CURE)
    else:
        _size(request.size_m, "size_m")
    if not isinstance(request.colour, str) or not _COLOUR.fullmatch(request.colour):
        raise PluginError(f"“colour” is {request.colour!r} instead of “#rrggbb”.", cure=_CURE)
    for name in ("heading_deg", "values", "stale"):
        array = getattr(request, name)
        if array is not None:
            _numbers(array, (n,), name)
    if not isinstance(request.ids, Sequence) or len(request.ids):
        _texts(request.ids, n, "ids")
    if request.values is not None and request.scale is None:
        raise PluginError("Glyphs have values but no scale that says their colours.", cure=_CURE)
    if request.scale is not None:
        _scale(request.scale)


def _scale(scale: object) -> None:
    if not isinstance(scale, ColourScale):
        raise PluginError(f"A scale is {_kind(scale)} instead of a ColourScale.", cure=_CURE)
    ends = scale.value_range
    if len(ends) != 2 or not np.isfinite(ends).all() or ends[0] >= ends[1]:
        raise PluginError(f"The value range {ends} of a scale is empty.", cure=_CURE)
    known = colour_maps.names()
    if scale.colour_map not in known:
        raise PluginError(
            f"There is no colour map {scale.colour_map!r:.100}.", cure=f"Use one of {', '.join(sorted(known))}."
        )


def _places(positions: object) -> None:
    _numbers(positions, (_rows(positions), 3), "positions")
    if not np.isfinite(positions).all():  # type: ignore[call-overload]
        raise PluginError("A position to draw at is not a number.", cure=_CURE)


def _numbers(array: object, shape: tuple[int, ...], name: str) -> None:
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise PluginError(f"“{name}” is {_kind(array)} instead of an array of numbers.", cure=_CURE)
    if array.shape != shape:
        raise PluginError(f"“{name}” has the shape {array.shape} instead of {shape}.", cure=_CURE)


def _indices(array: object, length: int, name: str) -> None:
    _numbers(array, (_rows(array),), name)
    assert isinstance(array, np.ndarray)
    if array.dtype.kind not in "iu" or (len(array) and (array.min() < 0 or array.max() >= length)):
        raise PluginError(f"“{name}” has indices that lead nowhere.", cure=_CURE)


def _rows(array: object) -> int:
    return len(array) if isinstance(array, np.ndarray) and array.ndim else 0


def _texts(texts: object, due: int, name: str) -> None:
    if not isinstance(texts, Sequence) or isinstance(texts, str | bytes):
        raise PluginError(f"“{name}” is {_kind(texts)} instead of a sequence of texts.", cure=_CURE)
    if len(texts) != due:
        raise PluginError(f"“{name}” has {len(texts)} entries instead of {due}.", cure=_CURE)
    if not all(isinstance(text, str) for text in texts):
        raise PluginError(f"“{name}” has entries that are not texts.", cure=_CURE)


def _size(size: object, name: str) -> None:
    if not isinstance(size, int | float | np.number) or not np.isfinite(size):
        raise PluginError(f"“{name}” is {size!r} instead of a number.", cure=_CURE)


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"

"""What a plugin returns wrongly is said in a sentence, and never reaches the store or the scene."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.model.drawing import ColourObjects, ColourScale, GlyphShape, Labels, PlaceGlyphs
from twinviewer.model.errors import PluginError
from twinviewer.model.observation import MovementBatch, ObservationBatch, ObservedProperty, Thing

SCALE = ColourScale(title="t", unit="1", colour_map="viridis", value_range=(0.0, 1.0))
OBSERVED = ObservationBatch(
    property=ObservedProperty(name="x", unit="1"),
    things=(Thing(id="a", name="A", position=(0.0, 0.0, 0.0)), Thing(id="b", name="B", position=(1.0, 0.0, 0.0))),
    thing=np.array([0, 1, 0], np.int32),
    phenomenon_time_s=np.arange(3.0),
    results=np.array([1.0, np.nan, 3.0]),
)
MOVED = MovementBatch(
    ids=("a", "b"),
    object=np.array([0, 0, 1], np.int32),
    time_s=np.arange(3.0),
    positions=np.zeros((3, 3)),
    heading_deg=np.zeros(3),
    speed_m_s=np.zeros(3),
)
GLYPHS = PlaceGlyphs(
    shape=GlyphShape.CAR,
    positions=np.zeros((2, 3)),
    size_m=np.ones(2),
    heading_deg=np.zeros(2),
    values=np.array([0.5, np.nan]),
    scale=SCALE,
    ids=("a", "b"),
    stale=np.zeros(2, np.bool_),
)
LABELS = Labels(positions=np.zeros((2, 3)), texts=["a", "b"])
COLOURS = ColourObjects(object_ids=("a", "b"), values=np.zeros(2), scale=SCALE)


def test_what_keeps_the_contract_passes() -> None:
    assert checked_batches([OBSERVED, MOVED]) == (OBSERVED, MOVED)
    assert checked_batches([]) == ()
    assert checked_requests((GLYPHS, LABELS, COLOURS)) == (GLYPHS, LABELS, COLOURS)
    assert checked_requests([replace(GLYPHS, size_m=3.0, values=None, scale=None, ids=(), stale=None)])


@pytest.mark.parametrize("check", [checked_batches, checked_requests])
@pytest.mark.parametrize("returned", [None, 7, "text", b"bytes", {"a": 1}, (item for item in ()), [None], ["x"], [[]]])
def test_what_is_no_sequence_of_values_is_refused(check: Any, returned: object) -> None:
    with pytest.raises(PluginError, match="returned") as caught:
        check(returned)
    assert "docs/plugins.md" in caught.value.cure


BATCHES = [
    (OBSERVED, {"thing": np.array([0, 1, 2], np.int32)}, "lead nowhere"),
    (OBSERVED, {"thing": np.array([0, 1, -1], np.int32)}, "lead nowhere"),
    (OBSERVED, {"thing": np.zeros(3)}, "lead nowhere"),
    (OBSERVED, {"thing": np.zeros(2, np.int32)}, "shape"),
    (OBSERVED, {"results": np.zeros((3, 1))}, "shape"),
    (OBSERVED, {"results": [1, 2, 3]}, "instead of an array"),
    (OBSERVED, {"results": np.array(["a", "b", "c"])}, "instead of an array"),
    (OBSERVED, {"phenomenon_time_s": np.zeros(4)}, "shape"),
    (OBSERVED, {"things": (Thing(id="a", name="A", position=(np.nan, 0, 0)),) * 2}, "not a number"),
    (MOVED, {"object": np.array([0, 0, 2], np.int32)}, "lead nowhere"),
    (MOVED, {"positions": np.zeros((3, 2))}, "shape"),
    (MOVED, {"heading_deg": None}, "nothing"),
    (MOVED, {"speed_m_s": np.zeros(2)}, "shape"),
    (MOVED, {"time_s": np.zeros(2)}, "shape"),
]


@pytest.mark.parametrize(("batch", "change", "says"), BATCHES)
def test_a_batch_that_contradicts_itself_is_refused(batch: Any, change: dict[str, Any], says: str) -> None:
    with pytest.raises(PluginError, match=says):
        checked_batches([batch, replace(batch, **change)])


REQUESTS = [
    (GLYPHS, {"positions": np.zeros((2, 2))}, "shape"),
    (GLYPHS, {"positions": np.full((2, 3), np.nan)}, "not a number"),
    (GLYPHS, {"positions": [[0, 0, 0]]}, "instead of an array"),
    (GLYPHS, {"shape": "teapot"}, "no glyph shape"),
    (GLYPHS, {"size_m": np.ones(3)}, "shape"),
    (GLYPHS, {"heading_deg": np.ones(3)}, "shape"),
    (GLYPHS, {"values": np.ones(3)}, "shape"),
    (GLYPHS, {"stale": np.ones(3, np.bool_)}, "shape"),
    (GLYPHS, {"ids": ("a",)}, "1 entries instead of 2"),
    (GLYPHS, {"scale": None}, "no scale"),
    (GLYPHS, {"scale": "viridis"}, "instead of a ColourScale"),
    (GLYPHS, {"scale": replace(SCALE, value_range=(1.0, 1.0))}, "is empty"),
    (GLYPHS, {"scale": replace(SCALE, value_range=(0.0, np.nan))}, "is empty"),
    (LABELS, {"texts": ["a"]}, "1 entries instead of 2"),
    (LABELS, {"positions": np.full((2, 3), np.inf)}, "not a number"),
    (COLOURS, {"values": np.zeros(3)}, "2 entries instead of 3"),
    (COLOURS, {"scale": None}, "instead of a ColourScale"),
]


@pytest.mark.parametrize(("request_", "change", "says"), REQUESTS)
def test_a_request_that_contradicts_itself_is_refused(request_: Any, change: dict[str, Any], says: str) -> None:
    with pytest.raises(PluginError, match=says):
        checked_requests([request_, replace(request_, **change)])


@pytest.mark.parametrize(
    "change",
    [
        {"positions": np.zeros((), float)},
        {"size_m": "large"},
        {"size_m": float("nan")},
        {"size_m": np.array([1.0, np.inf])},
        {"colour": 7},
        {"ids": 5},
        {"scale": replace(SCALE, value_range=(0.0,))},
        {"scale": replace(SCALE, colour_map=None)},
    ],
)
def test_odd_values_are_refused_as_the_plugin_s_fault_and_not_met_later(change: dict[str, Any]) -> None:
    with pytest.raises(PluginError):
        checked_requests([replace(GLYPHS, **change)])


@pytest.mark.parametrize(
    "change", [{"texts": [1, 2]}, {"texts": None}, {"size_px": "big"}, {"positions": np.zeros((), float)}]
)
def test_odd_labels_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(PluginError):
        checked_requests([replace(LABELS, **change)])

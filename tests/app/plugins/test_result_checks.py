"""What a plugin returns wrongly is said in a sentence, and never reaches the store or the scene."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from twinviewer.app.plugins.result_checks import RequestChecks, checked_batches, checked_requests
from twinviewer.model.drawing import (
    ColourObjects,
    ColourScale,
    DrawData,
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
from twinviewer.model.errors import PluginError
from twinviewer.model.layer_data import SourceFacts, TriangleMesh
from twinviewer.model.observation import MovementBatch, ObservationBatch, ObservedProperty, Thing
from twinviewer.model.place import LOCAL

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
LABELS = Labels(positions=np.zeros((2, 3)), texts=("a", "b"))
FLOW = FlowLines(
    vertices=np.zeros((5, 3)),
    offsets=np.array([0, 2, 5]),
    values=np.array([0.1, np.nan]),
    scale=SCALE,
    speed_m_s=np.array([3.0, -3.0]),
    ids=("a", "b"),
)
GRID = HeatGrid(values=np.full((3, 4), np.nan), corner=(565_000.0, 5_934_000.0), cell_m=5.0, scale=SCALE)
COLUMNS = ExtrudedColumns(positions=np.zeros((2, 3)), heights_m=np.ones(2), values=np.ones(2), scale=SCALE)
TRAILS = Trails(positions=np.zeros((2, 4, 3)), values=np.ones(2), scale=SCALE)
MESH = TriangleMesh(
    source=SourceFacts(format="x"),
    crs=None,
    vertices=np.eye(4, 3),
    triangles=np.array([[0, 1, 2], [1, 2, 3]], np.int32),
    vertex_rgb=None,
)
DATA = DrawData(data=MESH, scale=SCALE)
COLOURS = ColourObjects(object_ids=("a", "b"), values=np.zeros(2), scale=SCALE)


def test_what_keeps_the_contract_passes() -> None:
    assert checked_batches([OBSERVED, MOVED]) == (OBSERVED, MOVED)
    assert checked_batches([]) == ()
    assert checked_requests((GLYPHS, LABELS, COLOURS)) == (GLYPHS, LABELS, COLOURS)
    assert checked_requests([replace(GLYPHS, size_m=3.0, values=None, scale=None, ids=(), stale=None)])
    assert checked_requests([replace(GLYPHS, shape=IconShape(path="a.png")), replace(COLOURS, positions=None)])
    others = (FLOW, GRID, COLUMNS, TRAILS, DATA, replace(DATA, values=np.ones(2)), replace(DATA, values=np.ones(4)))
    assert all(a is b for a, b in zip(checked_requests(others), others, strict=True))
    nothing = replace(
        FLOW, vertices=np.empty((0, 3)), offsets=np.zeros(1, np.int64), values=None, ids=(), speed_m_s=1.0
    )
    assert checked_requests([nothing, replace(TRAILS, positions=np.empty((0, 0, 3)), values=np.empty(0))])
    assert checked_requests([replace(TRAILS, positions=np.full((2, 4, 3), np.nan))])
    by_place = replace(COLOURS, object_ids=(), positions=np.zeros((2, 2)))
    assert checked_requests([by_place, replace(by_place, positions=np.zeros((2, 3)))])


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
    (FLOW, {"colour": None}, "#rrggbb"),
    (COLOURS, {"positions": np.zeros((2, 3))}, "at once"),
    (COLOURS, {"object_ids": (), "positions": np.full((2, 2), np.nan)}, "2 of 2"),
    (COLOURS, {"object_ids": (), "positions": np.zeros((3, 2))}, "shape"),
    (COLOURS, {"scale": replace(SCALE, ticks=((1.0, 2.0),))}, "tick"),
    (COLOURS, {"scale": replace(SCALE, title=None)}, "title"),
    (GLYPHS, {"positions": np.array([[0.0, 0, 0], [np.nan, 0, 0]])}, "1 of 2"),
    (GLYPHS, {"positions": np.full((2, 3), 1e30)}, "2 of 2"),
    (GLYPHS, {"pitch_deg": np.full(2, np.nan)}, "2 entries that is not a number"),
    (GLYPHS, {"roll_deg": np.zeros((2, 1))}, "shape"),
    (GLYPHS, {"stale": np.zeros(2)}, "True and False"),
    (GLYPHS, {"shape": IconShape(path="")}, "name of a file"),
    (GLYPHS, {"shape": MeshShape(path=None)}, "name of a file"),
    (LABELS, {"texts": ("a", "b" * 5000)}, "characters"),
    (LABELS, {"size_px": 0}, "1 to 200"),
    (LABELS, {"priority": np.zeros(3)}, "shape"),
    (FLOW, {"offsets": np.array([0, 3, 2, 5])}, "ascend"),
    (FLOW, {"offsets": np.array([0, 2, 6])}, "ascend"),
    (FLOW, {"offsets": np.array([1, 2, 5])}, "ascend"),
    (FLOW, {"offsets": np.empty(0, np.int64)}, "ascend"),
    (FLOW, {"offsets": np.array([0.0, 2.0, 5.0])}, "whole numbers"),
    (FLOW, {"offsets": [0, 2, 5]}, "instead of an array"),
    (FLOW, {"vertices": np.full((5, 3), np.nan)}, "5 of 5"),
    (FLOW, {"values": np.zeros(5)}, "shape"),
    (FLOW, {"speed_m_s": np.zeros(5)}, "shape"),
    (FLOW, {"speed_m_s": np.nan}, "instead of a number"),
    (FLOW, {"dash_m": -1.0}, "0 to inf"),
    (FLOW, {"width_px": 1e9}, "0 to 100"),
    (FLOW, {"ids": ("a",)}, "1 entries instead of 2"),
    (GRID, {"values": np.zeros(4)}, "shape"),
    (GRID, {"values": np.zeros((2, 2), complex)}, "instead of an array"),
    (GRID, {"corner": (np.nan, 0.0)}, "corner"),
    (GRID, {"corner": 5.0}, "corner"),
    (GRID, {"cell_m": 0.0}, "cell_m"),
    (GRID, {"opacity": 2.0}, "0 to 1"),
    (GRID, {"scale": None}, "instead of a ColourScale"),
    (COLUMNS, {"heights_m": np.array([1.0, np.inf])}, "1 entry"),
    (COLUMNS, {"radius_m": -1.0}, "radius_m"),
    (COLUMNS, {"scale": None}, "no scale"),
    (TRAILS, {"positions": np.zeros((2, 3))}, "shape"),
    (TRAILS, {"positions": np.full((2, 4, 3), np.inf)}, "beyond"),
    (TRAILS, {"values": np.zeros(3)}, "shape"),
    (DATA, {"data": "text"}, "cannot be drawn"),
    (DATA, {"data": replace(MESH, triangles=np.array([[0, 1, 4]], np.int32))}, "out of range"),
    (DATA, {"data": replace(MESH, vertices=np.full((4, 3), np.nan))}, "not finite"),
    (DATA, {"values": np.ones(3)}, r"4 \(one per vertex\) or 2 \(one per triangle\)"),
    (DATA, {"values": np.ones(4), "scale": None}, "no scale"),
    (DATA, {"values": "height"}, "no numbers called"),
    (DATA, {"opacity": np.nan}, "opacity"),
    (DATA, {"colour": "red"}, "#rrggbb"),
]


@pytest.mark.parametrize(
    ("request_", "says"),
    [
        (replace(LABELS, positions=np.zeros((20_001, 3)), texts=("a",) * 20_001), "20,001 labels .* 20,000"),
        (PlaceGlyphs(shape=GlyphShape.PIN, positions=np.zeros((500_001, 3)), size_m=1.0), "500,001 glyphs"),
        (replace(COLUMNS, positions=np.zeros((200_001, 3)), heights_m=np.zeros(200_001)), "200,001 columns"),
        (replace(COLOURS, values=np.zeros(2_000_001)), "2,000,001 coloured objects"),
        (replace(GRID, values=np.zeros((2049, 1))), "2,049 × 1 cells"),
        (replace(FLOW, vertices=np.zeros((500_001, 3))), "500,001 vertices"),
        (replace(TRAILS, positions=np.zeros((501, 1000, 3))), "501,000 positions"),
        (replace(DATA, data=replace(MESH, triangles=np.zeros((500_001, 3), np.int32))), "500,001 triangles"),
    ],
)
def test_more_than_can_be_drawn_is_refused_with_the_number_and_the_limit(request_: Any, says: str) -> None:
    with pytest.raises(PluginError, match=says):
        checked_requests([request_])


def test_a_flood_of_requests_is_refused() -> None:
    with pytest.raises(PluginError, match="101 drawing requests"):
        checked_requests([LABELS] * 101)


def test_requests_that_are_small_each_and_too_much_together_are_refused() -> None:
    half = replace(
        FLOW, vertices=np.zeros((250_000, 3)), offsets=np.array([0, 250_000]), values=None, speed_m_s=1.0, ids=()
    )
    quarter = replace(TRAILS, positions=np.zeros((125, 1000, 3)), values=None)
    checked_requests([half] * 6 + [quarter] * 4)
    with pytest.raises(PluginError, match=r"together are 4\.2 times"):
        checked_requests([half] * 6 + [quarter] * 5)
    mesh = replace(DATA, data=replace(MESH, triangles=np.zeros((250_000, 3), np.int32)), values=None)
    with pytest.raises(PluginError, match=r"together are 4\.5 times"):
        checked_requests([mesh] * 9)


def test_texts_that_stay_the_same_stay_the_same_object() -> None:
    checks = RequestChecks()
    ids = [f"b-{n}" for n in range(5)]
    coloured = ColourObjects(object_ids=ids, values=np.zeros(5), scale=SCALE)
    (first,) = checks.checked([coloured], crs=LOCAL)
    assert isinstance(first, ColourObjects)
    assert first.object_ids == tuple(ids)
    (again,) = checks.checked(
        [replace(coloured, object_ids=[f"b-{n}" for n in range(5)], values=np.ones(5))], crs=LOCAL
    )
    assert isinstance(again, ColourObjects)
    assert again.object_ids is first.object_ids
    ids.pop()
    assert len(first.object_ids) == 5, "a list that shrinks later does no harm"
    with pytest.raises(PluginError, match="4 entries instead of 5"):
        checks.checked([coloured], crs=LOCAL)


def test_the_check_of_a_hundred_thousand_coloured_objects_is_not_felt() -> None:
    checks = RequestChecks()
    ids = tuple(f"building-{n}" for n in range(100_000))
    values = np.zeros(100_000)
    checks.checked([ColourObjects(object_ids=ids, values=values, scale=SCALE)], crs=LOCAL)
    took_s = []
    for _ in range(5):
        began = time.perf_counter()
        checks.checked([ColourObjects(object_ids=ids, values=values, scale=SCALE)], crs=LOCAL)
        took_s.append(time.perf_counter() - began)
    assert min(took_s) < 0.002


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

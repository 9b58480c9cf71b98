"""The most that a plugin may ask for keeps the thread that draws for less than a tenth of a second of its own time.

Preparing arrays is not counted: another thread does it.  What the graphics need for a frame is none of this either.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from benchmarks.overlays import boxes, plate
from tests.scene.small_city import FACTS, session_of
from tests.scene.views import CENTRE, drawn
from twinviewer.app.plugins.result_checks import (
    MOST_COLUMNS,
    MOST_GLYPHS,
    MOST_GRID_SIDE,
    MOST_LABELS,
    MOST_LINE_VERTICES,
    MOST_POINTS,
    MOST_TRIANGLES,
)
from twinviewer.model.drawing import (
    ColourObjects,
    ColourScale,
    DrawData,
    DrawingRequest,
    ExtrudedColumns,
    FlowLines,
    GlyphShape,
    HeatGrid,
    Labels,
    LoadedIcon,
    PlaceGlyphs,
    Trails,
)
from twinviewer.model.layer_data import PointCloud
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.drawn import AT_ONCE

OpenScene = Callable[..., CityScene]

LONGEST_S = 0.1
TRIES = 3
"""The best counts: caches are shared with whatever else the machine does."""
SCALE = ColourScale(title="t", unit="1", colour_map="viridis", value_range=(0.0, 1.0))
PER_LINE = 20
CITY = 100_000
rng = np.random.default_rng(1)


def places(*shape: int) -> np.ndarray:
    return rng.random((*shape, 3), dtype=np.float32) * (500.0, 500.0, 20.0) + CENTRE


def flow() -> FlowLines:
    lines = MOST_LINE_VERTICES // PER_LINE
    return FlowLines(
        vertices=places(MOST_LINE_VERTICES),
        offsets=np.arange(0, MOST_LINE_VERTICES + 1, PER_LINE),
        values=rng.random(lines),
        scale=SCALE,
    )


def fewer_lines(request: FlowLines) -> FlowLines:
    return replace(
        request, vertices=request.vertices[PER_LINE:], offsets=request.offsets[:-1], values=request.values[1:]
    )


def trails() -> Trails:
    lines = MOST_LINE_VERTICES // PER_LINE
    return Trails(positions=places(lines, PER_LINE), values=rng.random(lines), scale=SCALE)


def grid() -> HeatGrid:
    return HeatGrid(
        values=rng.random((MOST_GRID_SIDE, MOST_GRID_SIDE)),
        corner=(CENTRE[0] - 256, CENTRE[1] + 256),
        cell_m=0.25,
        scale=SCALE,
    )


def labels() -> Labels:
    return Labels(positions=places(MOST_LABELS), texts=tuple(f"place {row}" for row in range(MOST_LABELS)))


def columns() -> ExtrudedColumns:
    heights = rng.uniform(1, 30, MOST_COLUMNS)
    return ExtrudedColumns(
        positions=places(MOST_COLUMNS), heights_m=heights, values=rng.random(MOST_COLUMNS), scale=SCALE
    )


def glyphs(shape: GlyphShape | LoadedIcon = GlyphShape.CAR) -> PlaceGlyphs:
    return PlaceGlyphs(
        shape=shape,
        positions=places(MOST_GLYPHS),
        size_m=4.0,
        heading_deg=rng.uniform(0, 360, MOST_GLYPHS),
        values=rng.random(MOST_GLYPHS),
        scale=SCALE,
        stale=rng.random(MOST_GLYPHS) < 0.1,
    )


ICON = LoadedIcon(rgba=np.full((32, 32, 4), 255, np.uint8))


def mesh() -> DrawData:
    data = plate(round(np.sqrt(MOST_TRIANGLES / 2)))
    return DrawData(data=data, values=rng.random(len(data.vertices)), scale=SCALE)


def cloud() -> DrawData:
    data = PointCloud(
        source=FACTS,
        crs=None,
        positions=places(MOST_POINTS),
        classification=np.zeros(MOST_POINTS, np.uint8),
        intensity=np.zeros(MOST_POINTS, np.uint16),
        rgb=None,
        declared_count=MOST_POINTS,
        read_count=MOST_POINTS,
        class_counts=((0, MOST_POINTS),),
        file_extent=None,
    )
    return DrawData(data=data, values=rng.random(MOST_POINTS), scale=SCALE)


class Later:
    """Prepares when it is told to, as another thread would."""

    def __init__(self) -> None:
        self.waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []

    def __call__(self, task: Callable[[], Any], done: Callable[[Any], None], /) -> None:
        self.waiting.append((task, done))

    def finish(self) -> float:
        """Prepare all that waits; return how long handing it over took, in seconds of this thread's own time."""
        handed_over_s = 0.0
        while self.waiting:
            task, done = self.waiting.pop(0)
            prepared = task()
            began = time.thread_time()
            done(prepared)
            handed_over_s += time.thread_time() - began
        return handed_over_s


def drawing_s(scene: Any, later: Later, request: DrawingRequest) -> float:
    began = time.thread_time()
    scene.draw_overlay("much", [request])
    return time.thread_time() - began + later.finish()


REQUESTS = [flow, trails, grid, labels, columns, glyphs, lambda: glyphs(ICON), mesh, cloud]
NAMES = ["flow lines", "trails", "grid", "labels", "columns", "glyphs", "pictures", "mesh", "points"]


def others(request: DrawingRequest) -> Iterator[DrawingRequest]:
    """Return other frames of a request: other values, other places, and another number of them."""
    match request:
        case FlowLines():
            yield replace(request, values=request.values[::-1].copy())
            yield replace(request, vertices=request.vertices + 1.0)
            yield fewer_lines(request)
        case HeatGrid():
            yield replace(request, values=request.values.T.copy())
            yield replace(request, cell_m=0.24)
        case DrawData():
            yield replace(request, values=request.values[::-1].copy())
            yield replace(request, data=replace(request.data))
        case _:
            yield replace(request, positions=request.positions + 1.0)


@pytest.mark.parametrize("make", REQUESTS, ids=NAMES)
def test_the_most_of_each_kind_keeps_the_drawing_thread_for_less_than_100_ms(
    open_scene: OpenScene, make: Callable[[], DrawingRequest]
) -> None:
    later = Later()
    scene = open_scene(session_of(), run_in_background=later)
    request = make()
    first: list[float] = []
    while len(first) < TRIES and (not first or min(first) > LONGEST_S):
        scene.remove_overlay("much")
        first.append(drawing_s(scene, later, request))
    assert min(first) < LONGEST_S
    for other in others(request):
        again = [drawing_s(scene, later, other)]
        while len(again) < TRIES and min(again) > LONGEST_S:
            drawing_s(scene, later, request)
            again.append(drawing_s(scene, later, other))
        assert min(again) < LONGEST_S


def test_colouring_a_large_city_keeps_the_drawing_thread_for_less_than_100_ms(open_scene: OpenScene) -> None:
    model = boxes(CITY)
    request = ColourObjects(object_ids=model.object_ids, values=rng.random(CITY), scale=SCALE)
    first: list[float] = []
    while len(first) < TRIES and (not first or min(first) > LONGEST_S):
        later = Later()
        scene = open_scene(session_of(city=model), run_in_background=later)
        later.finish()
        first.append(drawing_s(scene, later, request))
    assert min(first) < LONGEST_S
    turned = tuple(reversed(model.object_ids))
    again = [drawing_s(scene, later, replace(request, object_ids=ids)) for ids in (turned, request.object_ids, turned)]
    assert min(again) < LONGEST_S
    assert min(drawing_s(scene, later, replace(request, values=rng.random(CITY))) for _ in range(TRIES)) < LONGEST_S


def test_what_is_large_is_drawn_when_it_is_prepared_and_as_if_it_had_been_drawn_at_once(open_scene: OpenScene) -> None:
    later = Later()
    slow, quick = open_scene(session_of(), run_in_background=later), open_scene(session_of())
    count = AT_ONCE + 2 * PER_LINE
    lines = count // PER_LINE
    request = FlowLines(
        vertices=places(count), offsets=np.arange(0, count + 1, PER_LINE), values=rng.random(lines), scale=SCALE
    )
    frames = [
        request,
        replace(request, values=rng.random(lines)),
        replace(request, vertices=request.vertices + 1.0),
        fewer_lines(request),
        replace(request, speed_m_s=-3.0, dash_m=11.0),
    ]
    shown = None
    for frame in frames:
        slow.draw_overlay("flow", [frame])
        assert len(later.waiting) == 1
        assert drawn(slow, "flow")[0].actors == (() if shown is None else shown)
        later.finish()
        quick.remove_overlay("flow")
        quick.draw_overlay("flow", [frame])
        shown = drawn(slow, "flow")[0].actors
        mine, other = (drawn(scene, "flow")[0]._strips.arrays for scene in (slow, quick))
        for name in ("points", "along", "line", "rgba"):
            assert np.array_equal(getattr(mine, name), getattr(other, name))


def test_what_is_small_is_drawn_at_once(open_scene: OpenScene) -> None:
    later = Later()
    scene = open_scene(session_of(), run_in_background=later)
    scene.draw_overlay("trails", [Trails(positions=places(10, 10))])
    assert later.waiting == []
    assert len(drawn(scene, "trails")[0].actors) == 1


def test_of_frames_that_come_while_one_is_prepared_only_the_newest_is_prepared_next(open_scene: OpenScene) -> None:
    later, renders = Later(), []
    scene = open_scene(session_of(), run_in_background=later, request_render=lambda: renders.append(1))
    moments = AT_ONCE // 10 + 1
    frames = [Trails(positions=places(10, moments)) for _ in range(5)]
    tasks = 0
    for frame in frames:
        scene.draw_overlay("trails", [frame])
        assert len(later.waiting) == 1
    for expected in (frames[0], frames[4]):
        task, done = later.waiting.pop()
        tasks += 1
        asked = len(renders)
        done(task())
        assert len(renders) > asked
        last = drawn(scene, "trails")[0]._strips.arrays.points[-1]
        assert last == pytest.approx(expected.positions[-1, -1] - scene.frame.origin, abs=1e-3)
    assert (tasks, later.waiting) == (2, [])


def test_what_is_prepared_for_an_overlay_that_has_gone_is_dropped(open_scene: OpenScene) -> None:
    later = Later()
    scene = open_scene(session_of(), run_in_background=later)
    before = scene.window.GetRenderers().GetFirstRenderer().GetActors().GetNumberOfItems()
    scene.draw_overlay("trails", [Trails(positions=places(10, AT_ONCE))])
    scene.draw_overlay("trails", [Trails(positions=places(10, AT_ONCE))])
    scene.remove_overlay("trails")
    later.finish()
    assert later.waiting == []
    assert scene.window.GetRenderers().GetFirstRenderer().GetActors().GetNumberOfItems() == before


def test_values_that_come_while_other_data_is_prepared_colour_that_data(open_scene: OpenScene) -> None:
    later = Later()
    scene = open_scene(session_of(), run_in_background=later)
    small, large = plate(3), plate(5)
    for data, values in ((large, np.zeros(25)), (small, np.zeros(9)), (small, np.ones(9))):
        scene.draw_overlay("data", [DrawData(data=data, values=values, scale=SCALE)])
        if data is large:
            later.finish()
    later.finish()
    actor = drawn(scene, "data")[0].actor
    assert actor is not None
    colours = [tuple(row) for colours in actor._colours for row in colours._rgb.tolist()]
    assert set(colours) == {(253, 231, 37)}  # the upper end of viridis
    assert len(colours) == 9

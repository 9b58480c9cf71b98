"""Data that plugins hand over, trails, labels and legends."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pyvista
from vtkmodules.vtkCommonCore import vtkObjectBase

from tests.scene.small_city import CRS, FACTS, ORIGIN, hills, points, session_of, streets
from tests.scene.views import (
    CENTRE,
    FROM_ABOVE,
    FROM_SOUTH,
    HEIGHT_PX,
    M_PER_PX,
    WIDTH_PX,
    drawn,
    picture,
    redness,
    size_px,
)
from twinviewer.model.drawing import (
    ColourScale,
    DrawData,
    ExtrudedColumns,
    FlowLines,
    GlyphShape,
    HeatGrid,
    Labels,
    LoadedIcon,
    LoadedMesh,
    PlaceGlyphs,
    Trails,
)
from twinviewer.model.layer_data import TriangleMesh
from twinviewer.scene.city_scene import CityScene, run_at_once
from twinviewer.scene.colours import ramp
from twinviewer.scene.feature_actor import LIFT_M
from twinviewer.scene.trails import trail_triangles

OpenScene = Callable[..., CityScene]
SCALE = ColourScale(title="load", unit="MW", colour_map="viridis", value_range=(0, 1))


def board(*, colour: tuple[int, int, int] | None = None) -> TriangleMesh:
    """Return an upright board, 40 m wide and 20 m high, that faces south."""
    corners = np.array([(-20.0, 0, 40), (20.0, 0, 40), (20.0, 0, 60), (-20.0, 0, 60)]) + CENTRE
    return TriangleMesh(
        source=FACTS,
        crs=CRS,
        vertices=corners,
        triangles=np.array([(0, 1, 2), (0, 2, 3)], np.int32),
        vertex_rgb=None if colour is None else np.tile(np.array(colour, np.uint8), (4, 1)),
        mesh_names=("board",),
    )


def test_a_mesh_is_drawn_where_it_is_with_its_own_colours_or_the_requests(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    mesh = board(colour=(255, 0, 0))
    scene.draw_overlay("data", [DrawData(data=mesh)])
    width, height = size_px(redness(picture(scene, FROM_SOUTH)) > 40)
    assert (width * M_PER_PX, height * M_PER_PX) == pytest.approx((40, 20), abs=0.6)
    scene.draw_overlay("data", [DrawData(data=mesh, colour="#0000ff")])
    pixel = picture(scene, FROM_SOUTH)[HEIGHT_PX // 2, WIDTH_PX // 2]
    assert pixel[2] > 60 > 10 > pixel[0]
    pick = scene.pick(WIDTH_PX / 2, HEIGHT_PX / 2)
    assert pick is not None
    assert (pick.overlay_id, pick.glyph, pick.glyph_id) == ("data", 0, "board")


def test_values_colour_vertices_or_triangles_and_only_colours_are_rewritten(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    mesh = board()
    by_triangle = DrawData(data=mesh, values=np.array([0.0, 1.0]), scale=SCALE)
    scene.draw_overlay("data", [by_triangle])
    scene.window.Render()
    shown = drawn(scene, "data")[0]
    actors = shown.actors
    data = actors[0].GetMapper().GetInput()
    stamps = data.GetPoints().GetMTime(), data.GetPolys().GetMTime(), actors[0].GetMapper().GetMTime()
    scene.draw_overlay("data", [replace(by_triangle, values=np.array([1.0, 0.0]))])
    assert shown.actors == actors
    assert (data.GetPoints().GetMTime(), data.GetPolys().GetMTime(), actors[0].GetMapper().GetMTime()) == stamps
    first, second = ramp(np.array([1.0, 0.0]), name="viridis", value_range=(0, 1))
    assert data.GetCellData().GetScalars().GetTuple3(0) == tuple(first)
    assert data.GetCellData().GetScalars().GetTuple3(1) == tuple(second)
    scene.draw_overlay("data", [replace(by_triangle, values=np.array([1.0, 1, 0, 0]))])
    colours = data.GetPointData().GetScalars()
    assert [colours.GetTuple3(row) for row in range(4)] == [tuple(first)] * 2 + [tuple(second)] * 2
    assert scene.legends() == (SCALE,)
    scene.draw_overlay("data", [replace(by_triangle, values=None, colour="#ff0000")])
    assert shown.actors == actors
    assert redness(picture(scene, FROM_SOUTH))[HEIGHT_PX // 2, WIDTH_PX // 2] > 40
    assert scene.legends() == ()


def test_features_without_heights_lie_on_the_ground_and_points_where_they_are(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(ground=hills(relief_m=4.0)))
    table, cloud = streets(), points(200)
    values = np.linspace(0, 1, table.feature_count)
    scene.draw_overlay(
        "data",
        [
            DrawData(data=table, values=values, scale=SCALE),
            DrawData(data=cloud, values=np.linspace(0, 1, 200), scale=SCALE, opacity=0.5),
        ],
        opacity=0.5,
    )
    features, laser = drawn(scene, "data")
    for actor in features.actors:
        positions = np.array([actor.GetMapper().GetInput().GetPoint(row) for row in range(0, 40, 3)])
        x, y = positions[:, 0] + 90, positions[:, 1] + 90  # local coordinates begin at the origin
        assert positions[:, 2] == pytest.approx(4.0 * np.sin(x / 30) * np.cos(y / 25) + LIFT_M, abs=0.15)
        assert actor.GetProperty().GetOpacity() == 0.5
    assert laser.actors[0].GetProperty().GetOpacity() == 0.25
    assert laser.bounds()[2] == pytest.approx([30.0, 30.0])
    expected = ramp(np.linspace(0, 1, 200), name="viridis", value_range=(0, 1))
    mesh = laser.actors[0].GetMapper().GetInput()
    rows = laser.actor._prepared.chunks[0][0]
    shown = [mesh.GetPointData().GetScalars().GetTuple3(row) for row in range(200)]
    assert shown == [tuple(expected[row]) for row in rows]


def test_data_is_prepared_in_the_background_and_what_was_shown_stays_until_then(open_scene: OpenScene) -> None:
    waiting: list[Callable[[], None]] = []

    def later(task: Callable[[], Any], done: Callable[[Any], None], /) -> None:
        waiting.append(lambda: done(task()))

    scene = open_scene(session_of(), run_in_background=later)
    first, second, third = board(colour=(255, 0, 0)), board(colour=(0, 0, 255)), board(colour=(0, 255, 0))

    def pixel() -> tuple[int, ...]:
        return tuple(picture(scene, FROM_SOUTH)[HEIGHT_PX // 2, WIDTH_PX // 2] > 60)

    empty = pixel()
    scene.draw_overlay("data", [DrawData(data=first)])
    assert pixel() == empty
    waiting.pop()()
    assert pixel() == (True, False, False)
    scene.draw_overlay("data", [DrawData(data=second)])
    scene.draw_overlay("data", [DrawData(data=first)])
    scene.draw_overlay("data", [DrawData(data=third)])
    assert pixel() == (True, False, False)
    waiting.pop()()  # even if it changes faster than it can be prepared, something of it is seen
    assert pixel() == (False, False, True)
    waiting.pop()()
    assert waiting == []  # the one between was passed over
    assert pixel() == (False, True, False)
    scene.draw_overlay("data", [DrawData(data=first)])
    scene.remove_overlay("data")
    waiting.pop()()  # nobody waits for it any more
    assert pixel() == empty


def trails(**options: object) -> Trails:
    x = np.linspace(-80, 80, 9)
    positions = np.stack([x, np.zeros(9), np.full(9, 1.0)], axis=1)[None] + CENTRE
    return Trails(**{"positions": positions, "colour": "#ff0000", "width_px": 9.0} | options)


def test_trails_fade_towards_the_past(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("trails", [trails()])
    red = redness(picture(scene, FROM_ABOVE))[HEIGHT_PX // 2, 42:358]
    assert red[-1] > 220
    assert red[0] < 25
    assert (np.diff(red) >= -2).all()


def test_there_is_no_trail_where_an_object_was_nowhere(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    request = trails()
    positions = np.repeat(request.positions, 2, axis=0)
    positions[0, 4] = np.nan
    positions[1] = np.nan
    scene.draw_overlay("trails", [replace(request, positions=positions)])
    red = redness(picture(scene, FROM_ABOVE))[HEIGHT_PX // 2]
    gap = slice(WIDTH_PX // 2 - round(20 / M_PER_PX) + 2, WIDTH_PX // 2 + round(20 / M_PER_PX) - 2)
    assert (red[gap] < 5).all()
    assert red[gap.stop + 8] > 60
    box = drawn(scene, "trails")[0].bounds()
    assert box is not None
    assert box[0] == pytest.approx(CENTRE[0] - ORIGIN[0] + np.array([-80, 80]))


def test_trails_move_by_rewriting_arrays(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    request = trails()
    scene.draw_overlay("trails", [request])
    scene.window.Render()
    shown = drawn(scene, "trails")[0]
    actors, strips, polys = shown.actors, shown._strips, shown._strips.data.GetPolys()
    stamps = polys.GetMTime(), actors[0].GetMapper().GetMTime()
    for step in range(5):
        scene.draw_overlay("trails", [replace(request, positions=request.positions + step)])
        scene.window.Render()
    assert shown.actors == actors
    assert shown._strips is strips
    assert (polys.GetMTime(), actors[0].GetMapper().GetMTime()) == stamps
    assert np.array_equal(trail_triangles(2, 2), [(0, 1, 2), (2, 1, 3), (4, 5, 6), (6, 5, 7)])


def test_of_labels_without_room_the_most_important_is_kept(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.viewpoint = FROM_ABOVE
    places = np.array([(0.0, 0, 0), (1.0, 0, 0), (2.0, 0, 0)]) + CENTRE
    request = Labels(positions=places, texts=["village", "capital", "nowhere"], priority=np.array([1.0, 5.0, np.nan]))
    for priority, kept in ((request.priority, "capital"), (None, "village")):
        scene.draw_overlay("names", [replace(request, priority=priority)])
        scene.window.Render()
        assert [actor.GetInput() for actor in drawn(scene, "names")[0].pool if actor.GetVisibility()] == [kept]


def test_labels_of_two_overlays_never_lie_on_each_other(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.viewpoint = FROM_ABOVE
    scene.draw_overlay("first", [Labels(positions=CENTRE[None], texts=["first"])])
    beside = np.array([(0.0, 2.0, 0), (0.0, 60.0, 0)]) + CENTRE
    scene.draw_overlay("second", [Labels(positions=beside, texts=["hidden", "apart"])])
    scene.window.Render()
    shown = [
        actor.GetInput() for key in ("first", "second") for actor in drawn(scene, key)[0].pool if actor.GetVisibility()
    ]
    assert shown == ["first", "apart"]
    scene.draw_overlay("first", [], visible=False)
    scene.window.Render()
    assert [actor.GetInput() for actor in drawn(scene, "second")[0].pool if actor.GetVisibility()] == [
        "hidden",
        "apart",
    ]


def test_what_overlays_draw_is_shown_whole_where_there_is_no_layer(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    assert scene.extent() is None
    scene.draw_overlay("data", [DrawData(data=board(colour=(255, 0, 0)))])
    extent = scene.extent()
    assert extent is not None
    assert (extent.min_x, extent.max_x) == pytest.approx((CENTRE[0] - 20, CENTRE[0] + 20), abs=1e-3)
    assert (extent.min_z, extent.max_z) == pytest.approx((40, 60), abs=1e-3)
    scene.fit()
    assert size_px(redness(picture(scene, scene.viewpoint)) > 40)[0] > WIDTH_PX / 4


def test_a_hidden_overlay_has_no_legend_no_box_and_nothing_to_pick(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    vertices = np.array([(-50.0, 0, 1), (50.0, 0, 1)]) + CENTRE
    flow = FlowLines(vertices=vertices, offsets=np.array([0, 2]), values=np.array([1.0]), scale=SCALE)
    requests = [flow, DrawData(data=board()), trails(values=np.array([0.5]), scale=SCALE)]
    scene.draw_overlay("all", requests)
    assert scene.legends() == (SCALE,)
    assert len(scene._overlays.bounds()) == 3
    scene.draw_overlay("all", requests, visible=False)
    scene.viewpoint = FROM_ABOVE
    assert scene.legends() == ()
    assert scene._overlays.bounds() == []
    assert scene.pick(WIDTH_PX / 2, HEIGHT_PX / 2) is None
    assert not any(actor.GetVisibility() for each in drawn(scene, "all") for actor in each.actors)


def test_a_mesh_casts_a_shadow_that_goes_with_it(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(ground=hills(relief_m=0.0)))
    scene._stage.set_sun(replace(scene._stage._sun, azimuth_deg=180.0, elevation_deg=45.0))
    lit = picture(scene, FROM_ABOVE)
    x, y = np.array([WIDTH_PX / 2, HEIGHT_PX / 2 - 50 / M_PER_PX]).astype(
        int
    )  # 50 m north: as high as the board's middle

    def darkness() -> float:
        return 1 - picture(scene, FROM_ABOVE)[y, x].sum() / lit[y, x].sum()

    scene.draw_overlay("data", [DrawData(data=board())])
    assert darkness() > 0.15
    scene.draw_overlay("data", [DrawData(data=board(), opacity=0.3)])
    assert abs(darkness()) < 0.02
    scene.draw_overlay("data", [DrawData(data=board())])
    assert darkness() > 0.15
    scene.remove_overlay("data")
    assert abs(darkness()) < 0.02


def test_close_leaves_no_vtk_object_behind_of_any_request() -> None:
    gc.collect()
    before = {id(item) for item in gc.get_objects() if isinstance(item, vtkObjectBase)}
    plotter = pyvista.Plotter(off_screen=True, window_size=[100, 80])
    scene = CityScene(plotter, session_of(ground=hills()), request_render=lambda: None, run_in_background=run_at_once)
    places = np.zeros((3, 3)) + CENTRE
    icon = LoadedIcon(rgba=np.full((8, 8, 4), 255, np.uint8))
    lines = FlowLines(vertices=places + np.arange(9).reshape(3, 3), offsets=np.array([0, 3]))
    scene.draw_overlay(
        "all",
        [
            PlaceGlyphs(shape=GlyphShape.TREE, positions=places, size_m=9.0),
            PlaceGlyphs(shape=icon, positions=places, size_m=9.0),
            PlaceGlyphs(shape=LoadedMesh(mesh=board(colour=(255, 0, 0))), positions=places, size_m=9.0),
            Labels(positions=places, texts=["one", "two", "three"]),
            lines,
            HeatGrid(values=np.ones((2, 2)), corner=(CENTRE[0], CENTRE[1]), cell_m=10.0, scale=SCALE),
            ExtrudedColumns(positions=places, heights_m=np.full(3, 20.0)),
            trails(),
            DrawData(data=board()),
        ],
    )
    scene.window.Render()
    scene.remove_overlay("all")
    scene.draw_overlay("one", [lines])
    scene.close()
    plotter.close()
    del plotter, scene
    gc.collect()
    assert [item for item in gc.get_objects() if isinstance(item, vtkObjectBase) and id(item) not in before] == []


def test_what_is_left_out_of_the_next_frame_leaves_the_screen(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    before = scene._renderer.GetViewProps().GetNumberOfItems()
    scene.draw_overlay("all", [trails(), DrawData(data=board()), trails(width_px=2.0)])
    scene.draw_overlay("all", [trails()])
    assert len(drawn(scene, "all")) == 1
    scene.remove_overlay("all")
    assert scene._renderer.GetViewProps().GetNumberOfItems() == before

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.scene.small_city import session_of
from tests.scene.views import CENTRE, FROM_ABOVE, HEIGHT_PX, M_PER_PX, WIDTH_PX, drawn, picture, redness
from twinviewer.model.drawing import ColourScale, FlowLines
from twinviewer.model.project import Viewpoint
from twinviewer.scene.animation import Animation
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.flow_lines import DASH_SHARE, dashes_per_s

OpenScene = Callable[..., CityScene]
FLOW = ColourScale(title="flow", unit="m3/h", colour_map="viridis", value_range=(0, 1))


def line(*points: tuple[float, float, float], **options: object) -> FlowLines:
    return FlowLines(
        vertices=np.array(points) + CENTRE, offsets=np.array([0, len(points)]), colour="#ff0000", **options
    )


def from_west_to_east(**options: object) -> FlowLines:
    return line((-100, 0, 1), (100, 0, 1), width_px=9, **options)


def profile(scene: CityScene) -> np.ndarray:
    """Return the redness along the middle row."""
    return redness(picture(scene, FROM_ABOVE))[HEIGHT_PX // 2].astype(float)


def shift_px(before: np.ndarray, after: np.ndarray, *, period_px: int) -> int:
    """Return by how many pixels to the right a periodic profile has moved."""
    inner = slice(period_px, len(before) - period_px)
    errors = [np.abs(np.roll(before, shift)[inner] - after[inner]).sum() for shift in range(period_px)]
    return int(np.argmin(errors))


@pytest.mark.parametrize(("speed_m_s", "moved_m"), [(10.0, 15.0), (-10.0, -15.0), (4.0, 6.0)])
def test_a_dash_moves_by_speed_times_time(open_scene: OpenScene, speed_m_s: float, moved_m: float) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("flow", [from_west_to_east(dash_m=40.0, speed_m_s=speed_m_s)])
    before = profile(scene)
    scene._overlays.set_time(1.5)
    after = profile(scene)
    period_px = round(40.0 / M_PER_PX)
    assert np.ptp(before[100:300]) > 60  # there are dashes
    expected = (moved_m / M_PER_PX) % period_px
    assert abs(shift_px(before, after, period_px=period_px) - expected) <= 1


def test_dashes_have_their_share_of_the_line_and_are_brightest_at_their_heads(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("flow", [from_west_to_east(dash_m=40.0, speed_m_s=10.0)])
    red = profile(scene)[:80]  # one dash begins at the left edge, where the line does
    end = round(DASH_SHARE * 80)
    assert red[end - 4] > red[6] + 30
    assert red[end + 4] < red[end - 4] - 60
    assert np.ptp(red[end + 4 : 76]) < 4  # the rest is even


def test_a_line_is_as_wide_as_asked_near_and_far(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("flow", [line((-4000, 0, 1), (4000, 0, 1), width_px=12, dash_m=0.0)])
    for height_m in (60.0, 600.0):
        x, y, _ = CENTRE
        pixels = picture(scene, Viewpoint(position=(x, y, height_m), target=(x, y + 1e-3, 0)))
        pure = redness(pixels)[:, WIDTH_PX // 2] > 200
        assert abs(pure.sum() - 12) <= 1


def test_a_line_that_passes_under_the_camera_and_on_behind_it_stays_as_wide(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("flow", [line((0, -500, 0), (0, 500, 0), width_px=8, dash_m=0.0)])
    x, y, _ = CENTRE
    pure = redness(picture(scene, Viewpoint(position=(x, y, 10), target=(x, y + 100, 0)))) > 200
    widths = pure.sum(axis=1)[190:]
    assert (np.abs(widths - 8) <= 1).all()
    assert (np.abs(np.nonzero(pure)[1] - WIDTH_PX / 2) < 8).all()  # and nowhere else


def test_a_sharp_bend_does_not_thin_the_line(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("flow", [line((-50, 40, 1), (0, -40, 1), (50, 40, 1), width_px=10, dash_m=0.0)])
    red = redness(picture(scene, FROM_ABOVE)) > 200
    slope = 80 / 50
    across = 10 * np.sqrt(1 + slope**2) / slope  # of a strip 10 px wide that is cut level
    for row in (100, 150, 200, 212):
        assert abs(red[row, :200].sum() - across) <= 2


def test_new_values_rewrite_colours_and_nothing_else(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    rng = np.random.default_rng(1)
    offsets = np.arange(0, 101, 10)
    request = FlowLines(
        vertices=rng.uniform(-50, 50, (100, 3)) + CENTRE, offsets=offsets, values=rng.uniform(0, 1, 10), scale=FLOW
    )
    scene.draw_overlay("flow", [request])
    scene.window.Render()
    flow = drawn(scene, "flow")[0]
    actors, strips = flow.actors, flow._strips
    data = strips.data
    arrays = [data.GetPoints().GetData(), *(data.GetPointData().GetArray(name) for name in ("along", "line"))]
    before = [(array, array.GetMTime()) for array in arrays]
    mapper, triangles = actors[0].GetMapper(), data.GetPolys()
    stamps = mapper.GetMTime(), triangles.GetMTime()
    for _ in range(5):
        # Offsets that are equal are as good as the same ones: a plugin may make them anew each time.
        scene.draw_overlay("flow", [replace(request, values=rng.uniform(0, 1, 10), offsets=offsets.copy())])
        scene.window.Render()
    assert drawn(scene, "flow")[0] is flow
    assert flow.actors == actors
    assert actors[0].GetMapper() is mapper
    assert data.GetPolys() is triangles
    assert (mapper.GetMTime(), triangles.GetMTime()) == stamps
    assert [(array, array.GetMTime()) for array in arrays] == before
    colours = data.GetPointData().GetScalars().GetMTime()
    shown = scene._overlays._overlays["flow"].requests[0]
    scene.draw_overlay("flow", [replace(shown, vertices=request.vertices + 1.0)])
    assert flow.actors == actors
    assert data.GetPolys() is triangles
    assert data.GetPointData().GetScalars().GetMTime() == colours
    assert strips.arrays.points[0] == pytest.approx((request.vertices[0] + 1 - scene.frame.origin), abs=1e-3)


def test_time_moves_dashes_without_touching_an_array(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("flow", [from_west_to_east()])
    data = drawn(scene, "flow")[0]._strips.data
    before = data.GetMTime()
    for moment in range(5):
        scene._overlays.set_time(float(moment))
    assert data.GetMTime() == before


def test_a_line_is_picked_by_its_id(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    vertices = np.array([(-50, -20, 1), (50, -20, 1), (-50, 20, 1), (50, 20, 1)]) + CENTRE
    scene.draw_overlay("pipes", [FlowLines(vertices=vertices, offsets=np.array([0, 2, 4]), ids=["south", "north"])])
    scene.viewpoint = FROM_ABOVE
    pick = scene.pick(WIDTH_PX / 2, HEIGHT_PX / 2 - 20 / M_PER_PX)
    assert pick is not None
    assert (pick.overlay_id, pick.glyph, pick.glyph_id) == ("pipes", 1, "north")
    assert pick.position == pytest.approx(CENTRE + np.array([0, 20, 1]), abs=0.6)


@pytest.mark.parametrize(
    ("options", "visible", "moves"),
    [
        ({}, True, True),
        ({"speed_m_s": 0.0}, True, False),
        ({"dash_m": 0.0}, True, False),
        ({"speed_m_s": np.array([0.0])}, True, False),
        ({}, False, False),
    ],
)
def test_frames_are_asked_for_only_while_something_moves(
    open_scene: OpenScene, options: dict[str, object], *, visible: bool, moves: bool
) -> None:
    asked: list[None] = []
    scene = open_scene(session_of(), request_render=lambda: asked.append(None))
    scene.draw_overlay("flow", [from_west_to_east(**options)], visible=visible)
    asked.clear()
    scene.animate(0.1)
    assert bool(asked) is moves


def test_a_slow_picture_is_drawn_anew_a_third_of_the_time_at_most() -> None:
    now = iter([0.0, 0.25])  # a frame that takes 0.25 s
    animation = Animation(monotonic=lambda: next(now))
    animation.frame_begins()
    animation.frame_ends()
    due = []
    for _ in range(12):
        animation.wait(0.125)
        due.append(animation.is_due)
        if animation.is_due:
            assert animation.advance() > 0
    assert due == [False] * 5 + [True] + [False] * 5 + [True]


def test_time_goes_on_where_it_was_after_a_long_rest() -> None:
    animation = Animation()
    animation.wait(0.25)
    assert animation.advance() == 0.25
    animation.wait(3600.0)
    assert animation.advance() == 2.25


def test_dashes_come_round_together_and_keep_their_speed() -> None:
    speed = np.array([0.3, 13.9, -27.8])
    rate = dashes_per_s(speed, 40.0)
    assert rate * 4096.0 == pytest.approx(np.round(rate * 4096.0), abs=1e-9)  # whole dashes: no jump when time restarts
    assert rate * 40.0 == pytest.approx(speed, abs=40.0 / 8192)
    assert np.array_equal(dashes_per_s(speed, 0.0), np.zeros(3))

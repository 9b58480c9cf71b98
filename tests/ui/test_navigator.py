"""The navigator: what a hand does, step by step, on a clock of its own."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt

from tests.ui.fake_scene import EAST, HOME, NORTH, FlatScene
from twinviewer.scene import navigation
from twinviewer.scene.named_views import NamedView
from twinviewer.scene.navigation import Picture
from twinviewer.ui.input import Drag, KeyStep, Step, drag_for, step_for, wheel_factor
from twinviewer.ui.navigator import Navigator

PICTURE = Picture(width_px=1200, height_px=800)
SHIFT, CTRL, NONE = (
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
    Qt.KeyboardModifier.NoModifier,
)
LEFT, MIDDLE, RIGHT = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def navigator(qapp, clock) -> Navigator:
    navigator = Navigator(lambda: PICTURE, clock=clock)
    navigator.scene = FlatScene(PICTURE)
    return navigator


def drag(navigator: Navigator, kind: Drag, *pixels: tuple[float, float], clock: Clock, step_s: float = 0.01) -> None:
    navigator.begin_drag(kind, *pixels[0])
    for pixel in pixels[1:]:
        clock.now += step_s
        navigator.drag_to(*pixel)


@pytest.mark.parametrize(
    ("preset", "button", "modifiers", "kind"),
    [
        ("map", LEFT, NONE, Drag.MOVE),
        ("map", LEFT, SHIFT, Drag.TURN),
        ("map", MIDDLE, NONE, Drag.TURN),
        ("map", LEFT, CTRL, Drag.LOOK),
        ("map", RIGHT, NONE, Drag.ZOOM),
        ("orbit", LEFT, NONE, Drag.ORBIT),
        ("orbit", MIDDLE, NONE, Drag.ORBIT),
        ("orbit", MIDDLE, SHIFT, Drag.SLIDE),
        ("orbit", LEFT, SHIFT, Drag.SLIDE),
        ("orbit", MIDDLE, CTRL, Drag.ZOOM),
        ("orbit", RIGHT, NONE, Drag.SLIDE),
        ("map", Qt.MouseButton.BackButton, NONE, None),
    ],
)
def test_each_button_drags_as_its_preset_says(preset, button, modifiers, kind):
    assert drag_for(preset, button, modifiers) is kind


@pytest.mark.parametrize(
    ("key", "modifiers", "step"),
    [
        (Qt.Key.Key_Left, NONE, KeyStep(Step.MOVE, right=-1)),
        (Qt.Key.Key_Up, SHIFT, KeyStep(Step.TURN, up=1)),
        (Qt.Key.Key_Down, CTRL, KeyStep(Step.LOOK, up=-1)),
        (Qt.Key.Key_Plus, SHIFT, KeyStep(Step.ZOOM, up=1)),
        (Qt.Key.Key_PageUp, NONE, KeyStep(Step.RISE, up=1)),
        (Qt.Key.Key_N, CTRL, None),
        (Qt.Key.Key_W, NONE, None),
        (Qt.Key.Key_Left, Qt.KeyboardModifier.AltModifier, None),
        (Qt.Key.Key_Plus, Qt.KeyboardModifier.KeypadModifier, KeyStep(Step.ZOOM, up=1)),
    ],
)
def test_each_key_steps_as_the_table_says_and_others_are_not_the_views(key, modifiers, step):
    assert step_for(key, modifiers) == step


def test_the_wheel_goes_nearer_forwards_and_finer_with_ctrl():
    assert wheel_factor(120, NONE) < wheel_factor(120, CTRL) < 1 < wheel_factor(-120, NONE)
    assert wheel_factor(60, NONE) ** 2 == pytest.approx(wheel_factor(120, NONE))


def test_a_move_keeps_the_grabbed_point_under_the_cursor(navigator, clock):
    grabbed = navigator.scene.world_at(300, 500)
    drag(navigator, Drag.MOVE, (300, 500), (500, 600), (900, 420), clock=clock)
    assert navigation.project(navigator.scene.viewpoint, grabbed, PICTURE) == pytest.approx((900, 420), abs=0.5)
    assert navigator.scene.viewpoint.position[2] == pytest.approx(HOME.position[2])


def test_dragging_the_sky_looks_around_and_the_picture_follows_the_hand(navigator, clock):
    navigator.scene.viewpoint = replace(HOME, target=(EAST, NORTH, 300.0))
    far = tuple(
        navigation.ray(navigator.scene.viewpoint, 600, 40, PICTURE)[0]
        + 1e6 * navigation.ray(navigator.scene.viewpoint, 600, 40, PICTURE)[1]
    )
    drag(navigator, Drag.MOVE, (600, 40), (650, 60), clock=clock)
    assert navigator.scene.viewpoint.position == HOME.position
    assert navigation.project(navigator.scene.viewpoint, far, PICTURE) == pytest.approx((650, 60), abs=12)


def test_a_far_facade_at_eye_height_is_looked_at_not_thrown_about(navigator, clock):
    standing = replace(HOME, position=(EAST, NORTH, 30.0), target=(EAST, NORTH + 50, 30.0))
    navigator.scene.viewpoint = standing
    navigator.scene.world_at = lambda x_px, y_px: (EAST, NORTH + 3000, 30.0)
    drag(navigator, Drag.MOVE, (600, 400), (700, 420), clock=clock)
    assert navigator.scene.viewpoint.position == standing.position
    navigator.end_drag()
    navigator.scene.viewpoint = standing
    navigator.scene.world_at = lambda x_px, y_px: (EAST, NORTH + 40, 30.0)
    drag(navigator, Drag.MOVE, (600, 400), (700, 420), clock=clock)
    assert navigator.scene.viewpoint.position[0] < EAST - 1


def test_turning_goes_about_the_point_under_the_cursor_and_orbiting_about_the_target(navigator, clock):
    pivot = navigator.scene.world_at(300, 500)
    drag(navigator, Drag.TURN, (300, 500), (400, 480), clock=clock)
    turned = navigator.scene.viewpoint
    assert navigation.project(turned, pivot, PICTURE) == pytest.approx((300, 500), abs=0.5)
    assert navigation.pitch_deg(turned) > navigation.pitch_deg(HOME)  # up: towards the horizon
    navigator.end_drag()
    navigator.scene.viewpoint = HOME
    drag(navigator, Drag.ORBIT, (300, 500), (400, 480), clock=clock)
    assert navigator.scene.viewpoint.target == pytest.approx(HOME.target)


def test_a_right_drag_towards_the_person_comes_nearer_on_a_map_and_goes_away_around_an_object(navigator, clock):
    before = navigation.distance_m(HOME)
    drag(navigator, Drag.ZOOM, (600, 400), (600, 500), clock=clock)
    assert navigation.distance_m(navigator.scene.viewpoint) < before
    navigator.end_drag()
    navigator.scene.viewpoint, navigator.preset = HOME, "orbit"
    drag(navigator, Drag.ZOOM, (600, 400), (600, 500), clock=clock)
    assert navigation.distance_m(navigator.scene.viewpoint) > before


def test_a_quick_hand_lets_the_ground_coast_for_400_ms(navigator, clock):
    drag(navigator, Drag.MOVE, *((600 + 10 * i, 500) for i in range(8)), clock=clock)
    let_go = navigator.scene.viewpoint.position
    navigator.end_drag()
    assert navigator.is_moving
    clock.now += 0.2
    navigator.advance()
    halfway = navigator.scene.viewpoint.position
    assert math.dist(let_go, halfway) > 5
    clock.now += 0.2
    navigator.advance()
    assert not navigator.is_moving


def test_a_hand_that_rested_before_letting_go_or_wants_no_motion_stops_at_once(navigator, clock):
    path = [(600 + 10 * i, 500) for i in range(8)]
    drag(navigator, Drag.MOVE, *path, clock=clock)
    clock.now += 0.1
    navigator.end_drag()
    assert not navigator.is_moving
    navigator.reduce_motion = True
    drag(navigator, Drag.MOVE, *path, clock=clock)
    navigator.end_drag()
    assert not navigator.is_moving


def test_a_flight_arrives_and_says_when_it_began_and_ended(navigator, clock, qtbot):
    heard = []
    navigator.interaction_started.connect(lambda: heard.append("started"))
    navigator.interaction_ended.connect(lambda: heard.append("ended"))
    end = replace(HOME, position=(EAST + 200, NORTH + 300, 120.0), target=(EAST + 300, NORTH, 0.0))
    navigator.fly_to(end)
    clock.now += 0.1
    navigator.advance()
    assert navigator.is_moving
    assert heard == ["started"]
    assert navigator.scene.viewpoint not in (HOME, end)
    clock.now += 5
    navigator.advance()
    assert navigator.scene.viewpoint == end
    assert heard == ["started", "ended"]


def test_reduced_motion_cuts_to_the_end(navigator):
    navigator.reduce_motion = True
    end = replace(HOME, target=(EAST + 300, NORTH, 0.0))
    navigator.fly_to(end)
    assert navigator.scene.viewpoint == end
    assert not navigator.is_moving


def test_a_press_or_stop_ends_a_flight_where_it_is(navigator, clock):
    navigator.fly_to(replace(HOME, position=(EAST, NORTH, 3000.0)))
    clock.now += 0.2
    navigator.advance()
    there = navigator.scene.viewpoint.position
    assert navigator.stop()
    clock.now += 1
    navigator.advance()
    assert navigator.scene.viewpoint.position == there
    assert not navigator.stop()


def test_turning_a_wheel_asks_the_scene_once_per_place(navigator):
    for _ in range(5):
        navigator.zoom_at(400, 500, 0.8)
    assert navigator.scene.questions == 1
    navigator.zoom_at(500, 500, 0.8)
    assert navigator.scene.questions == 2


def test_wheel_and_keys_come_to_rest_once(navigator, qtbot):
    ended = []
    navigator.interaction_ended.connect(lambda: ended.append(1))
    with qtbot.waitSignal(navigator.interaction_ended, timeout=5000):
        navigator.zoom_at(400, 500, 0.8)
        navigator.move_by(1, 0)
        navigator.turn_by(0, 1)
    assert ended == [1]


def test_at_rest_the_target_is_what_is_in_the_middle(navigator, clock):
    navigator.scene.viewpoint = replace(HOME, target=(EAST - 150, NORTH - 300, 200.0))
    drag(navigator, Drag.MOVE, (600, 500), (620, 510), clock=clock)
    clock.now += 1
    navigator.end_drag()
    assert navigator.scene.viewpoint.target[2] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("step", "looks"),
    [
        (lambda n: n.move_by(1, 0), lambda v: v.position[0] > HOME.position[0] and v.position[1] < HOME.position[1]),
        (lambda n: n.move_by(0, 1), lambda v: v.position[0] > HOME.position[0] and v.position[1] > HOME.position[1]),
        (lambda n: n.turn_by(1, 0), lambda v: navigation.heading_deg(v) > navigation.heading_deg(HOME)),
        (lambda n: n.turn_by(0, 1), lambda v: navigation.pitch_deg(v) > navigation.pitch_deg(HOME)),
        (lambda n: n.look_by(-1, 0), lambda v: navigation.heading_deg(v) < navigation.heading_deg(HOME)),
        (lambda n: n.rise_by(1), lambda v: v.position[2] > HOME.position[2] + 10),
        (lambda n: n.zoom_by(1), lambda v: navigation.distance_m(v) < navigation.distance_m(HOME)),
        (lambda n: n.turn_to(90), lambda v: navigation.heading_deg(v) == pytest.approx(90)),
        (lambda n: n.set_parallel(True), lambda v: v.parallel),
        (lambda n: n.north_up(), lambda v: navigation.heading_deg(v) == pytest.approx(0, abs=1e-6)),
        (lambda n: n.straight_down(), lambda v: navigation.pitch_deg(v) == pytest.approx(-89.9, abs=1e-6)),
        (lambda n: n.show_view(NamedView.STREET), lambda v: v.position[2] == pytest.approx(1.7)),
        (lambda n: n.focus((EAST, NORTH, 0.0)), lambda v: v.target == (EAST, NORTH, 0.0)),
    ],
)
def test_each_step_does_what_it_says(navigator, step, looks):
    navigator.reduce_motion = True
    step(navigator)
    assert looks(navigator.scene.viewpoint)


def test_showing_an_extent_keeps_the_heading_and_shows_all_of_it(navigator):
    navigator.reduce_motion = True
    extent = replace(navigator.scene.box, max_x=EAST - 400, max_y=NORTH - 300)
    navigator.show_extent(extent)
    viewpoint = navigator.scene.viewpoint
    assert navigation.heading_deg(viewpoint) == pytest.approx(navigation.heading_deg(HOME))
    for corner in ((extent.min_x, extent.min_y, 0.0), (extent.max_x, extent.max_y, 40.0)):
        x, y = navigation.project(viewpoint, corner, PICTURE)
        assert 0 <= x <= PICTURE.width_px
        assert 0 <= y <= PICTURE.height_px


def test_the_slow_turn_goes_on_until_it_is_stopped(navigator, clock):
    navigator.turn_slowly(seconds_per_turn=100)
    for _ in range(3):
        clock.now += 25
        navigator.advance()
    assert navigation.heading_deg(navigator.scene.viewpoint) == pytest.approx(navigation.heading_deg(HOME) + 270)
    assert navigator.stop()
    assert not navigator.is_moving


def test_without_a_scene_nothing_happens(qapp):
    navigator = Navigator(lambda: PICTURE)
    navigator.begin_drag(Drag.MOVE, 10, 10)
    navigator.drag_to(20, 20)
    navigator.end_drag()
    navigator.zoom_at(10, 10, 2)
    navigator.move_by(1, 1)
    navigator.fly_to(HOME)
    navigator.show_view(NamedView.TOP)
    navigator.turn_slowly()
    assert not navigator.is_moving


def test_an_empty_scene_can_be_moved_through_but_has_no_named_views(navigator):
    navigator.scene.box = None
    navigator.show_view(NamedView.TOP)
    assert navigator.scene.viewpoint == HOME
    navigator.move_by(1, 0)
    assert navigator.scene.viewpoint != HOME

"""The viewport in a real window: rendering on demand, mouse, keys, focus, words, drops."""

from __future__ import annotations

import random

import numpy as np
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QFocusEvent, QKeyEvent, QMouseEvent, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

from tests.ui.fake_scene import EAST, HOME, NORTH, BoxScene, HillyScene
from twinviewer.scene import navigation
from twinviewer.ui.viewport import Viewport, device_pixels

LEFT, MIDDLE, RIGHT, NO_BUTTON = (
    Qt.MouseButton.LeftButton,
    Qt.MouseButton.MiddleButton,
    Qt.MouseButton.RightButton,
    Qt.MouseButton.NoButton,
)
NONE, SHIFT, CTRL = (
    Qt.KeyboardModifier.NoModifier,
    Qt.KeyboardModifier.ShiftModifier,
    Qt.KeyboardModifier.ControlModifier,
)


class Window(QMainWindow):
    """A window as an application has one; notes the keys that the view leaves to it."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[int] = []
        self.viewport = Viewport(self)
        self.setCentralWidget(self.viewport)
        self.resize(640, 480)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() not in (Qt.Key.Key_Shift, Qt.Key.Key_Control):
            self.keys.append(event.key())

    def closeEvent(self, event: QEvent) -> None:
        self.viewport.close()
        super().closeEvent(event)


@pytest.fixture
def viewport(qtbot):
    window = Window()
    viewport = window.viewport
    with qtbot.waitExposed(window):
        window.show()
    viewport.set_scene(BoxScene(viewport, viewport.picture_size()))
    QApplication.processEvents()
    yield viewport
    window.close()
    window.deleteLater()
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


def count_renders(viewport: Viewport) -> list[int]:
    renders: list[int] = []
    viewport.ren_win.AddObserver("EndEvent", lambda *_: renders.append(1))
    return renders


def send_mouse(
    viewport: QWidget,
    kind: QEvent.Type,
    at: tuple[float, float],
    button: Qt.MouseButton = LEFT,
    modifiers: Qt.KeyboardModifier = NONE,
) -> None:
    held = NO_BUTTON if kind == QEvent.Type.MouseButtonRelease else button
    changed = NO_BUTTON if kind == QEvent.Type.MouseMove else button
    point = QPointF(*at)
    event = QMouseEvent(kind, point, viewport.mapToGlobal(point), changed, held, modifiers)
    QApplication.sendEvent(viewport, event)


def drag(viewport: Viewport, *path: tuple[float, float], button=LEFT, modifiers=NONE) -> None:
    send_mouse(viewport, QEvent.Type.MouseButtonPress, path[0], button, modifiers)
    for at in path[1:]:
        send_mouse(viewport, QEvent.Type.MouseMove, at, button, modifiers)
    send_mouse(viewport, QEvent.Type.MouseButtonRelease, path[-1], button, modifiers)


def turn_wheel(viewport: Viewport, at: tuple[float, float], delta: int, modifiers=NONE) -> None:
    point = QPointF(*at)
    QApplication.sendEvent(
        viewport,
        QWheelEvent(
            point,
            viewport.mapToGlobal(point),
            QPoint(),
            QPoint(0, delta),
            NO_BUTTON,
            modifiers,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        ),
    )


def heard(signal) -> list[tuple]:
    calls: list[tuple] = []
    signal.connect(lambda *arguments: calls.append(arguments))
    return calls


# ---- rendering


def test_any_number_of_requests_makes_one_render(viewport, qtbot):
    renders = count_renders(viewport)
    for _ in range(20):
        viewport.request_render()
        viewport.render()
    qtbot.waitUntil(lambda: len(renders) > 0, timeout=30_000)
    QTest.qWait(50)
    assert len(renders) == 1


def test_an_idle_view_and_a_button_that_lights_up_over_it_render_nothing(viewport, qtbot):
    QTest.qWait(50)
    renders = count_renders(viewport)
    assert not viewport.render_timer.isActive()
    for button in viewport.compass.findChildren(QWidget):
        QApplication.sendEvent(button, QEvent(QEvent.Type.HoverEnter))
        button.update()
    QTest.qWait(100)
    viewport.repaint()
    assert renders == []


def test_a_picture_taken_shows_what_was_drawn_last(viewport):
    viewport.clear_actors()
    viewport.set_background("#00ff00")
    viewport.render()
    assert viewport.screenshot(return_img=True)[240, 320].tolist() == [0, 255, 0]
    viewport.set_background("#0000ff")
    viewport.render()
    assert viewport.screenshot(return_img=True)[240, 320].tolist() == [0, 0, 255]
    assert viewport.grabFramebuffer().pixelColor(320, 240).name() == "#0000ff"


@pytest.mark.parametrize("ratio", [1, 1.25, 1.35, 1.5, 1.75, 2])
def test_lengths_round_half_up_as_qt_does(ratio):
    for length in range(1, 1200):
        assert device_pixels(length, ratio) == (QPoint(length, 0) * ratio).x()


# ---- mouse


def test_a_click_is_told_in_device_pixels_with_its_modifiers_and_a_drag_is_not(viewport):
    clicks = heard(viewport.clicked)
    drag(viewport, (100, 200), (103, 201), modifiers=CTRL)
    drag(viewport, (100, 200), (140, 220))
    assert clicks == [(100.0, 200.0, CTRL)]


def test_two_hundred_drags_keep_the_ground_within_three_pixels_of_the_cursor(viewport):
    viewport.navigator.reduce_motion = True
    scene, chance, misses = viewport.navigator.scene, random.Random(5), []
    for _ in range(200):
        scene.viewpoint = HOME
        start, end = ((chance.uniform(0, 639), chance.uniform(150, 479)) for _ in range(2))
        grabbed = scene.world_at(*start)
        drag(viewport, start, ((start[0] + end[0]) / 2, (start[1] + end[1]) / 2), end)
        misses.append(np.hypot(*np.subtract(scene.seen_at(grabbed), end)))
    assert max(misses) < 3


def test_a_wheel_zooms_at_the_cursor_and_finer_with_ctrl(viewport):
    scene = viewport.navigator.scene
    about = scene.world_at(200, 300)
    turn_wheel(viewport, (200, 300), 120)
    coarse = navigation.distance_m(scene.viewpoint)
    assert scene.seen_at(about) == pytest.approx((200, 300), abs=1)
    scene.viewpoint = HOME
    turn_wheel(viewport, (200, 300), 120, CTRL)
    assert coarse < navigation.distance_m(scene.viewpoint) < navigation.distance_m(HOME)


def test_middle_and_shifted_drags_turn_about_the_point_under_the_cursor(viewport):
    scene = viewport.navigator.scene
    for button, modifiers in ((MIDDLE, NONE), (LEFT, SHIFT)):
        scene.viewpoint = HOME
        pivot = scene.world_at(200, 300)
        drag(viewport, (200, 300), (260, 280), button=button, modifiers=modifiers)
        assert scene.viewpoint != HOME
        assert scene.seen_at(pivot) == pytest.approx((200, 300), abs=1)


def test_a_right_click_asks_for_the_menu_and_a_right_drag_does_not(viewport):
    menus = heard(viewport.context_menu_requested)
    drag(viewport, (50, 60), (50, 60), button=RIGHT)
    drag(viewport, (50, 60), (50, 160), button=RIGHT)
    assert menus == [(50.0, 60.0)]
    point = QPoint(10, 10)
    for reason in (QContextMenuEvent.Reason.Mouse, QContextMenuEvent.Reason.Keyboard):
        QApplication.sendEvent(viewport, QContextMenuEvent(reason, point, viewport.mapToGlobal(point)))
    assert menus == [(50.0, 60.0), (320.0, 240.0)]


def test_a_double_click_flies_there_and_is_told_and_is_no_second_click(viewport):
    viewport.navigator.reduce_motion = True
    clicks, doubles = heard(viewport.clicked), heard(viewport.double_clicked)
    scene = viewport.navigator.scene
    there = scene.world_at(200, 300)
    drag(viewport, (200, 300), (200, 300))
    send_mouse(viewport, QEvent.Type.MouseButtonDblClick, (200, 300))
    send_mouse(viewport, QEvent.Type.MouseButtonRelease, (200, 300))
    assert len(clicks) == 1
    assert doubles == [(200.0, 300.0)]
    assert scene.seen_at(there) == pytest.approx((320, 240), abs=1)


def test_a_release_that_went_elsewhere_ends_the_drag(viewport):
    send_mouse(viewport, QEvent.Type.MouseButtonPress, (100, 200))
    send_mouse(viewport, QEvent.Type.MouseMove, (150, 220))
    before = viewport.navigator.scene.viewpoint
    assert viewport.navigator.is_dragging
    viewport.navigator.reduce_motion = True
    send_mouse(viewport, QEvent.Type.MouseMove, (400, 300), NO_BUTTON)
    assert not viewport.navigator.is_dragging
    assert viewport.navigator.scene.viewpoint.position == before.position


def test_hovering_is_told_seldom_and_where_it_ended(viewport, qtbot):
    hovers = heard(viewport.hovered)
    with qtbot.waitSignal(viewport.hovered, timeout=5000):
        for x in range(100, 200):
            send_mouse(viewport, QEvent.Type.MouseMove, (x, 240), NO_BUTTON)
    assert hovers == [(199.0, 240.0)]


def test_costly_passes_are_told_when_to_rest_and_when_to_return(viewport):
    viewport.navigator.reduce_motion = True
    started, ended = heard(viewport.interaction_started), heard(viewport.interaction_ended)
    drag(viewport, (100, 200), (150, 200), (200, 250))
    assert (len(started), len(ended)) == (1, 1)


# ---- keys


@pytest.mark.parametrize("key", list("wseqpr3WSEQPRfl"))
def test_the_character_keys_of_vtk_do_nothing_and_are_left_to_the_window(viewport, key):
    before = viewport.screenshot(return_img=True)
    styles = [actor.GetProperty().GetRepresentation() for actor in viewport.renderer.actors.values()]
    QTest.keyClicks(viewport, key)
    assert viewport.window().keys == [Qt.Key(ord(key.upper())).value]
    assert [actor.GetProperty().GetRepresentation() for actor in viewport.renderer.actors.values()] == styles
    assert viewport.isVisible()
    assert np.array_equal(viewport.screenshot(return_img=True), before)


@pytest.mark.parametrize(
    ("key", "modifiers"),
    [
        (Qt.Key.Key_Left, NONE),
        (Qt.Key.Key_Up, SHIFT),
        (Qt.Key.Key_Right, CTRL),
        (Qt.Key.Key_Plus, NONE),
        (Qt.Key.Key_Minus, NONE),
        (Qt.Key.Key_PageUp, NONE),
        (Qt.Key.Key_PageDown, NONE),
        (Qt.Key.Key_N, NONE),
        (Qt.Key.Key_U, NONE),
        (Qt.Key.Key_Home, NONE),
    ],
)
def test_a_person_without_a_mouse_can_move(viewport, key, modifiers):
    viewport.navigator.reduce_motion = True
    QTest.keyClick(viewport, key, modifiers)
    assert viewport.navigator.scene.viewpoint != HOME
    assert viewport.window().keys == []


def test_enter_identifies_the_middle_and_a_dot_asks_for_the_selection(viewport):
    clicks, asked = heard(viewport.clicked), heard(viewport.focus_selected_requested)
    QTest.keyClick(viewport, Qt.Key.Key_Return)
    QTest.keyClick(viewport, Qt.Key.Key_Period)
    assert clicks == [(320.0, 240.0, NONE)]
    assert asked == [()]


def test_esc_stops_a_flight_first_and_is_the_windows_otherwise(viewport):
    viewport.navigator.turn_slowly()
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape, NONE)
    QApplication.sendEvent(viewport, override)
    assert override.isAccepted()  # or the window's own shortcut on Esc would win
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert not viewport.navigator.is_moving
    assert viewport.window().keys == []
    override = QKeyEvent(QEvent.Type.ShortcutOverride, Qt.Key.Key_Escape, NONE)
    QApplication.sendEvent(viewport, override)
    assert not override.isAccepted()
    QTest.keyClick(viewport, Qt.Key.Key_Escape)
    assert viewport.window().keys == [Qt.Key.Key_Escape]


# ---- focus, words, drops


def test_the_focus_ring_shows_for_the_keyboard_only(viewport):
    ring = viewport._focus_ring
    QApplication.sendEvent(viewport, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.TabFocusReason))
    assert ring.isVisible()
    QApplication.sendEvent(viewport, QFocusEvent(QEvent.Type.FocusOut))
    assert not ring.isVisible()
    QApplication.sendEvent(viewport, QFocusEvent(QEvent.Type.FocusIn, Qt.FocusReason.MouseFocusReason))
    assert not ring.isVisible()
    assert viewport.focusPolicy() == Qt.FocusPolicy.StrongFocus


def test_the_view_says_in_words_where_it_looks_and_what_is_selected(viewport):
    viewport.navigator.reduce_motion = True
    viewport.describe_scene("Selected: church.")
    viewport.navigator.turn_to(91)
    viewport.navigator.fly_to(viewport.navigator.scene.viewpoint)
    assert viewport.accessibleName() == "3D view"
    assert viewport.accessibleDescription() == "Looking east, 31° down. 400 m above the ground. Selected: church."
    viewport.navigator.straight_down()
    assert viewport.accessibleDescription().startswith("Looking straight down, east up.")


def test_drops_fall_through_to_the_window(viewport):
    assert not any(widget.acceptDrops() for widget in (viewport, *viewport.findChildren(QWidget)))


# ---- everything at once


def test_no_storm_of_events_rolls_the_horizon_or_leads_under_the_ground(viewport):
    box = viewport.navigator.scene
    scene = HillyScene(viewport.picture_size())
    viewport.set_scene(scene)
    viewport.navigator.reduce_motion = True
    chance = random.Random(11)
    keys = [
        Qt.Key.Key_Left,
        Qt.Key.Key_Up,
        Qt.Key.Key_PageDown,
        Qt.Key.Key_Plus,
        Qt.Key.Key_Minus,
        Qt.Key.Key_U,
        Qt.Key.Key_N,
        Qt.Key.Key_Home,
        Qt.Key.Key_Escape,
    ]
    kinds = [QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonRelease, *[QEvent.Type.MouseMove] * 6]
    button = LEFT
    for _ in range(10_000):
        at = (chance.uniform(0, 640), chance.uniform(0, 480))
        modifiers = chance.choice([NONE, NONE, SHIFT, CTRL])
        match chance.randrange(10):
            case 0:
                turn_wheel(viewport, at, chance.choice([-360, -120, 120, 360]), modifiers)
            case 1:
                event = QKeyEvent(QEvent.Type.KeyPress, chance.choice(keys), modifiers)
                QApplication.sendEvent(viewport, event)
            case 2:
                button = chance.choice([LEFT, MIDDLE, RIGHT])
                viewport.navigator.preset = chance.choice(["map", "map", "orbit"])
            case _:
                send_mouse(viewport, chance.choice(kinds), at, button, modifiers)
        x, y, z = scene.viewpoint.position
        assert z >= scene.ground_height(x, y) + 1.7
        assert -89.91 < navigation.pitch_deg(scene.viewpoint) < 60.01
    box.viewpoint = scene.viewpoint
    lean = box.renderer.GetActiveCamera().GetViewTransformMatrix().MultiplyPoint((0, 0, 1, 0))
    assert lean[0] == pytest.approx(0, abs=1e-9)


def test_the_view_stays_with_the_city_however_long_it_is_dragged(viewport):
    viewport.navigator.reduce_motion = True
    for _ in range(200):
        drag(viewport, (320, 470), (320, 160))
    x, y, _ = viewport.navigator.scene.viewpoint.position
    assert np.hypot(x - EAST, y - NORTH) < 10_000

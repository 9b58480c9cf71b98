"""Fingers on the view, as raw touch events: one moves, two spread, twist or tilt; taps click."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QPointingDevice
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.ui.fake_scene import HOME, FlatScene
from twinviewer.scene import navigation
from twinviewer.ui.viewport import Viewport


@pytest.fixture(scope="module")
def screen(qapp) -> QPointingDevice:
    return QTest.createTouchDevice()


@pytest.fixture
def viewport(qtbot):
    viewport = Viewport()
    viewport.resize(800, 600)
    with qtbot.waitExposed(viewport):
        viewport.show()
    viewport.navigator.reduce_motion = True
    viewport.set_scene(FlatScene(viewport.picture_size()))
    yield viewport
    viewport.close()
    viewport.deleteLater()


@dataclass
class Fingers:
    """Puts fingers on a view, moves and lifts them."""

    viewport: Viewport
    screen: QPointingDevice
    down: dict[int, tuple[int, int]] = field(default_factory=dict)

    def put(self, **fingers: tuple[int, int]) -> Fingers:
        return self._send("press", fingers)

    def move(self, **fingers: tuple[int, int]) -> Fingers:
        return self._send("move", fingers)

    def lift(self, *names: str) -> Fingers:
        return self._send("release", {name: self.down[ord(name)] for name in names})

    def _send(self, what: str, fingers: dict[str, tuple[int, int]]) -> Fingers:
        event = QTest.touchEvent(self.viewport, self.screen, False)
        for name, at in fingers.items():
            getattr(event, what)(ord(name), QPoint(*at), self.viewport)
            self.down[ord(name)] = at
        for other in self.down.keys() - {ord(name) for name in fingers}:
            event.move(other, QPoint(*self.down[other]), self.viewport)  # QTest puts stationary points at (0, 0)
        event.commit()
        if what == "release":
            for name in fingers:
                del self.down[ord(name)]
        return self


@pytest.fixture
def fingers(viewport, screen) -> Fingers:
    return Fingers(viewport, screen)


def view(viewport: Viewport):
    return viewport.navigator.scene.viewpoint


def heard(signal) -> list[tuple]:
    calls: list[tuple] = []
    signal.connect(lambda *arguments: calls.append(arguments))
    return calls


def seen(viewport: Viewport, point) -> tuple[float, float]:
    return navigation.project(view(viewport), point, viewport.picture_size())


def test_one_finger_moves_the_ground_with_it(viewport, fingers):
    clicks = heard(viewport.clicked)
    grabbed = viewport.navigator.scene.world_at(300, 400)
    fingers.put(a=(300, 400)).move(a=(330, 410)).move(a=(500, 300)).lift("a")
    assert seen(viewport, grabbed) == pytest.approx((500, 300), abs=3)
    assert clicks == []


def test_a_pinch_zooms_and_keeps_the_ground_between_the_fingers(viewport, fingers):
    anchor = viewport.navigator.scene.world_at(400, 400)
    before = navigation.distance_m(HOME)
    fingers.put(a=(350, 400), b=(450, 400)).move(a=(330, 400), b=(470, 400)).move(a=(300, 400), b=(500, 400))
    fingers.lift("a", "b")
    assert seen(viewport, anchor) == pytest.approx((400, 400), abs=3)
    assert navigation.distance_m(view(viewport)) == pytest.approx(before / 2, rel=0.25)
    assert navigation.heading_deg(view(viewport)) == pytest.approx(navigation.heading_deg(HOME))
    assert navigation.pitch_deg(view(viewport)) == pytest.approx(navigation.pitch_deg(HOME))


def test_a_pinch_that_travels_takes_the_ground_along(viewport, fingers):
    anchor = viewport.navigator.scene.world_at(400, 400)
    fingers.put(a=(350, 400), b=(450, 400)).move(a=(390, 380), b=(530, 380)).move(a=(440, 350), b=(560, 350))
    fingers.lift("a", "b")
    assert seen(viewport, anchor) == pytest.approx((500, 350), abs=3)


def test_a_twist_clockwise_turns_the_ground_clockwise(viewport, fingers):
    anchor = viewport.navigator.scene.world_at(400, 400)
    fingers.put(a=(300, 400), b=(500, 400)).move(a=(305, 370), b=(495, 430)).move(a=(329, 329), b=(471, 471))
    fingers.move(a=(350, 313), b=(450, 487)).lift("a", "b")
    turned = (navigation.heading_deg(HOME) - navigation.heading_deg(view(viewport))) % 360
    assert turned == pytest.approx(60 - 8, abs=1)  # less the twist that is forgiven
    assert seen(viewport, anchor) == pytest.approx((400, 400), abs=3)


def test_two_fingers_up_tilt_towards_the_horizon_and_down_towards_the_ground(viewport, fingers):
    for dy, direction in ((-60, 1), (60, -1)):
        before = navigation.pitch_deg(view(viewport))
        fingers.put(a=(300, 400), b=(500, 400)).move(a=(300, 400 + dy // 3), b=(501, 400 + dy // 3))
        fingers.move(a=(301, 400 + dy), b=(500, 400 + dy)).lift("a", "b")
        assert (navigation.pitch_deg(view(viewport)) - before) * direction == pytest.approx(18, abs=0.5)
        assert navigation.heading_deg(view(viewport)) == pytest.approx(navigation.heading_deg(HOME))


def test_the_finger_that_stays_goes_on_moving(viewport, fingers):
    fingers.put(a=(350, 400), b=(450, 400)).move(a=(300, 400), b=(500, 400)).lift("a")
    grabbed = viewport.navigator.scene.world_at(500, 400)
    fingers.move(b=(520, 330)).lift("b")
    assert seen(viewport, grabbed) == pytest.approx((520, 330), abs=3)


def test_a_tap_clicks_and_two_quick_ones_focus(viewport, fingers):
    clicks, doubles = heard(viewport.clicked), heard(viewport.double_clicked)
    fingers.put(a=(200, 300)).move(a=(204, 303)).lift("a")
    assert clicks == [(204.0, 303.0, Qt.KeyboardModifier.NoModifier)]
    there = viewport.navigator.scene.world_at(203, 301)
    fingers.put(a=(203, 301)).lift("a")
    assert len(clicks) == 1
    assert doubles == [(203.0, 301.0)]
    assert seen(viewport, there) == pytest.approx((400, 300), abs=1)


def test_a_finger_that_rests_asks_for_the_menu_and_does_not_click(viewport, fingers, qtbot):
    clicks = heard(viewport.clicked)
    with qtbot.waitSignal(viewport.context_menu_requested, timeout=5000) as menu:
        fingers.put(a=(200, 300))
    fingers.move(a=(300, 300)).lift("a")
    assert menu.args == [200.0, 300.0]
    assert clicks == []
    assert view(viewport) == HOME


def test_three_fingers_and_lost_touches_leave_no_drag_behind(viewport, fingers):
    fingers.put(a=(200, 300)).put(b=(300, 300)).put(c=(400, 300)).move(a=(250, 350)).lift("a", "b", "c")
    assert not viewport.navigator.is_dragging
    fingers.put(a=(200, 300)).move(a=(260, 300)).lift("a")
    assert not viewport.navigator.is_dragging


def test_a_touch_stops_a_flight(viewport, fingers):
    viewport.navigator.turn_slowly()
    fingers.put(a=(200, 300))
    assert not viewport.navigator.is_moving
    fingers.lift("a")
    QApplication.processEvents()

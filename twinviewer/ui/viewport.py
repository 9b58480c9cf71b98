"""The view of the scene: a pyvistaqt widget that renders on demand and has its own hands.

One subclass of ``QtInteractor`` 0.13 mends what is wrong with it for an application; each mending says why where it
is made.  It turns Qt's events into drags, steps and touches for the :class:`~twinviewer.ui.navigator.Navigator`, and
tells the window what was clicked.  It knows no layers; positions in its signals are device pixels from the top-left
corner.

Order of the end: :meth:`Viewport.close` (stops timers, closes the plotter, frees the GL objects while their context
lives), then the window.  The window that owns a viewport calls it in its own ``closeEvent``: Qt tells only top-level
widgets that they are closed.
"""

from __future__ import annotations

import math
import time
from typing import Any

from PySide6.QtCore import QEvent, QPoint, QPointF, QRect, Qt, QTimer, Signal
from PySide6.QtGui import (
    QContextMenuEvent,
    QFocusEvent,
    QHideEvent,
    QKeyEvent,
    QMouseEvent,
    QNativeGestureEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QRegion,
    QResizeEvent,
    QTouchEvent,
    QWheelEvent,
)
from PySide6.QtWidgets import QWidget
from pyvista.plotting import BasePlotter
from pyvistaqt import QtInteractor

from twinviewer.model.project import Viewpoint
from twinviewer.scene import navigation
from twinviewer.scene.named_views import NamedView
from twinviewer.scene.navigation import Picture
from twinviewer.ui.compass import Compass
from twinviewer.ui.input import CLICK_SLOP_PX, Drag, KeyStep, Step, drag_for, step_for, wheel_factor
from twinviewer.ui.navigator import NavigatedScene, Navigator
from twinviewer.ui.touch import LONG_PRESS_S, TapHandlers, TouchInterpreter

HOVER_MS = 40
_GL_LEQUAL = 0x0203
_KEYBOARD_FOCUS = (
    Qt.FocusReason.TabFocusReason,
    Qt.FocusReason.BacktabFocusReason,
    Qt.FocusReason.ShortcutFocusReason,
)
_CURSORS = {
    Drag.MOVE: Qt.CursorShape.ClosedHandCursor,
    Drag.SLIDE: Qt.CursorShape.ClosedHandCursor,
    Drag.TURN: Qt.CursorShape.SizeAllCursor,
    Drag.ORBIT: Qt.CursorShape.SizeAllCursor,
    Drag.LOOK: Qt.CursorShape.SizeAllCursor,
    Drag.ZOOM: Qt.CursorShape.SizeVerCursor,
}


def device_pixels(logical: int, pixel_ratio: float) -> int:
    """Return how many device pixels Qt gives a length: it rounds half up.

    Python's ``round``, which pyvistaqt uses, rounds half to even; the picture then is a pixel smaller than the
    widget, which shows as a dark line at 150 % and 175 % (pyvistaqt #462).
    """
    return max(1, int(logical * pixel_ratio + 0.5))


class Viewport(QtInteractor):
    """The widget that shows a scene and moves through it."""

    clicked = Signal(float, float, object)
    """x, y, ``Qt.KeyboardModifier``: pressed and released, or tapped, within a few pixels."""
    double_clicked = Signal(float, float)
    hovered = Signal(float, float)
    """Where the mouse is, at most 25 times a second, and not while dragging."""
    hover_left = Signal()
    context_menu_requested = Signal(float, float)
    focus_selected_requested = Signal()
    """``.`` was pressed: what is selected is for the window to know."""
    viewpoint_changed = Signal(object)
    """The new :class:`Viewpoint`."""
    interaction_started = Signal()
    interaction_ended = Signal()

    def __init__(self, parent: QWidget | None = None) -> None:
        self._frame_due = True
        self._press: tuple[Qt.MouseButton, QPointF] | None = None
        self._hover_at = QPointF()
        self._scene_text = ""
        # auto_update: its default renders five times a second for ever.  Multi-samples: the scene's presets choose
        # their own anti-aliasing, and shadows and ambient occlusion do not work on a multi-sampled target.
        super().__init__(parent, auto_update=False, multi_samples=0)
        # The stock drop handler reads the file with a VTK reader in this very thread: a damaged PLY ends the process.
        self.setAcceptDrops(False)
        # No interactor style: its character keys turn the city to wireframe (w), end the program (q, e), and so on.
        self.iren.interactor.SetInteractorStyle(None)
        # WheelFocus, pyvistaqt's choice, lets a stray turn of the wheel take the focus from a text field.
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAttribute(Qt.WidgetAttribute.WA_AcceptTouchEvents)
        self.setAccessibleName(self.tr("3D view"))

        self.navigator = Navigator(self.picture_size, parent=self)
        self.navigator.viewpoint_changed.connect(self._follow)
        self.navigator.interaction_started.connect(self.interaction_started)
        self.navigator.interaction_ended.connect(self._rest)
        self._touch = TouchInterpreter(
            self.navigator,
            TapHandlers(
                tap=lambda at: self.clicked.emit(*at, Qt.KeyboardModifier.NoModifier),
                double_tap=lambda at: self._focus_on(*at),
                long_press=lambda at: self.context_menu_requested.emit(*at),
            ),
        )
        self._long_press = QTimer(self)
        self._long_press.setSingleShot(True)
        self._long_press.setInterval(int(LONG_PRESS_S * 1000))
        self._long_press.timeout.connect(self._touch.press_long)
        self._hover = QTimer(self)
        self._hover.setSingleShot(True)
        self._hover.setInterval(HOVER_MS)
        self._hover.timeout.connect(self._emit_hover)
        self._focus_ring = _FocusRing(self)
        self.compass = self._make_compass()

    def set_scene(self, scene: NavigatedScene | None) -> None:
        """Navigate through ``scene`` from now on; None: through nothing."""
        self.navigator.scene = scene
        self.show_viewpoint()

    def show_viewpoint(self) -> None:
        """Bring compass and words in line with the scene's viewpoint, after it was set past the navigator."""
        scene = self.navigator.scene
        if scene is not None:
            self._turn_compass(scene.viewpoint)
        self._describe()

    def picture_size(self) -> Picture:
        """Return the size of the picture in device pixels."""
        ratio = self.devicePixelRatioF()
        return Picture(
            width_px=device_pixels(self.width(), ratio),
            height_px=device_pixels(self.height(), ratio),
        )

    def describe_scene(self, text: str) -> None:
        """Say in words what is in view and what is selected, for people who hear the screen."""
        self._scene_text = text
        self._describe()

    # ---- rendering

    def request_render(self) -> None:
        """Render once before the next frame, however often this is called until then."""
        if not self._closed:
            self._frame_due = True
            self.update()

    def render(self) -> None:  # type: ignore[override]  # pyvista's, not QWidget's
        """Do as :meth:`request_render`: pyvista renders after each of its calls, which would draw a city ten times."""
        self._rendered = True  # pyvista takes no screenshot before
        self.request_render()

    def _check_has_ren_win(self) -> None:
        """Draw what is due before pyvista reads the picture: it takes the last frame, which :meth:`render` put off."""
        super()._check_has_ren_win()
        if self._frame_due and self._RenderWindow is not None:
            BasePlotter.render(self)

    def _cb_frame(self, obj: Any, event: Any) -> None:
        """Hear that VTK has rendered; what it was not asked for here (a screenshot's tiles) must not stay."""
        if not self._in_paint:
            self._frame_due = True
        super()._cb_frame(obj, event)  # type: ignore[no-untyped-call]

    def initializeGL(self) -> None:  # noqa: N802
        self._frame_due = True
        super().initializeGL()  # type: ignore[no-untyped-call]

    def resizeGL(self, width: int, height: int) -> None:  # noqa: N802
        """Give VTK exactly as many pixels as Qt has; see :func:`device_pixels`."""
        window = self._RenderWindow
        if window is None:
            return
        ratio = self.devicePixelRatioF()
        interactor = window.GetInteractor()
        interactor.UpdateSize(device_pixels(width, ratio), device_pixels(height, ratio))
        interactor.InvokeEvent("ConfigureEvent")
        window.SetDPI(int(72 * ratio + 0.5))
        self._frame_due = True

    def paintGL(self) -> None:  # noqa: N802
        """Render if something changed, and bring the picture to the widget.

        pyvistaqt renders whenever Qt paints, so that a button lighting up over the view would render the city anew.
        """
        window = self._RenderWindow
        if window is None or not window.GetReadyForRendering():
            super().paintGL()  # type: ignore[no-untyped-call]
            return
        state = window.GetState()
        state.Reset()  # Qt has used OpenGL since
        state.Push()
        state.vtkglDepthFunc(_GL_LEQUAL)
        if self._frame_due and not self._in_paint:
            self._in_paint = True
            self._frame_due = False
            try:
                BasePlotter.render(self)
            finally:
                self._in_paint = False
        self.makeCurrent()  # rendering may leave another context or frame buffer bound
        picture = self.picture_size()
        target = QRect(0, 0, picture.width_px, picture.height_px)
        self._blit(self.defaultFramebufferObject(), target)  # type: ignore[no-untyped-call]
        state.Pop()

    # ---- mouse

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._press is None:
            self.navigator.stop()
            self._press = (event.button(), event.position())
        event.accept()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        at = event.position()
        if self._press is not None and not event.buttons() & self._press[0]:
            self._let_go()  # the release went elsewhere: a menu or another window took the mouse
        if self._press is None:
            self._hover_at = at
            if not self._hover.isActive():
                self._hover.start()
            return
        if not self.navigator.is_dragging and _distance(at, self._press[1]) > CLICK_SLOP_PX:
            kind = drag_for(self.navigator.preset, self._press[0], event.modifiers())
            if kind is not None:
                self.setCursor(_CURSORS[kind])
                self.navigator.begin_drag(kind, *self._to_device(self._press[1]))
        self.navigator.drag_to(*self._to_device(at))

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._press is None or event.button() != self._press[0]:
            return
        pressed_at = self._press[1]
        if self.navigator.is_dragging:
            self.navigator.drag_to(*self._to_device(event.position()))
        was_click = not self.navigator.is_dragging and _distance(event.position(), pressed_at) <= CLICK_SLOP_PX
        self._let_go()
        if was_click and event.button() == Qt.MouseButton.LeftButton:
            self.clicked.emit(*self._to_device(pressed_at), event.modifiers())
        elif was_click and event.button() == Qt.MouseButton.RightButton:
            self.context_menu_requested.emit(*self._to_device(pressed_at))

    def mouseDoubleClickEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self._focus_on(*self._to_device(event.position()))
        else:
            self.mousePressEvent(event)

    def wheelEvent(self, event: QWheelEvent) -> None:  # noqa: N802
        # With Alt held, Qt turns a vertical wheel into a horizontal one.
        delta = event.angleDelta().y() or event.angleDelta().x()
        if delta:
            factor = wheel_factor(delta, event.modifiers())
            self.navigator.zoom_at(*self._to_device(event.position()), factor)
        event.accept()

    def enterEvent(self, event: QEvent) -> None:  # noqa: N802
        event.accept()  # the base class would tell VTK, which has nothing to do here

    def leaveEvent(self, event: QEvent) -> None:  # noqa: N802
        self._hover.stop()
        self.hover_left.emit()
        event.accept()

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:  # noqa: N802
        """Answer the menu key; the mouse asks with a click, and on some systems already as it is pressed."""
        if event.reason() == QContextMenuEvent.Reason.Keyboard:
            self.context_menu_requested.emit(*self.picture_size().centre_px)
        event.accept()

    def _let_go(self) -> None:
        self._press = None
        self.unsetCursor()
        self.navigator.end_drag()

    def _focus_on(self, x_px: float, y_px: float) -> None:
        scene = self.navigator.scene
        seen = scene.world_at(x_px, y_px) if scene is not None else None
        if seen is not None:
            self.navigator.focus(seen)
        # afterwards: whoever knows what was hit may fly to all of it instead
        self.double_clicked.emit(x_px, y_px)

    def _emit_hover(self) -> None:
        if self._press is None:
            self.hovered.emit(*self._to_device(self._hover_at))

    # ---- keys

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        step = step_for(event.key(), event.modifiers())
        if step is None or not self._do(step):
            event.ignore()  # the window's

    def keyReleaseEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        event.ignore()

    def _do(self, key: KeyStep) -> bool:
        """Do a step; return False where the key is not the view's just now."""
        navigator = self.navigator
        match key.step:
            case Step.MOVE:
                navigator.move_by(key.right, key.up)
            case Step.TURN:
                navigator.turn_by(key.right, key.up)
            case Step.LOOK:
                navigator.look_by(key.right, key.up)
            case Step.RISE:
                navigator.rise_by(key.up)
            case Step.ZOOM:
                navigator.zoom_by(key.up)
            case Step.NORTH:
                navigator.north_up()
            case Step.TOP:
                navigator.straight_down()
            case Step.HOME:
                navigator.show_view(NamedView.OVERVIEW)
            case Step.FOCUS_SELECTED:
                self.focus_selected_requested.emit()
            case Step.IDENTIFY:
                self.clicked.emit(*self.picture_size().centre_px, Qt.KeyboardModifier.NoModifier)
            case Step.STOP:
                return navigator.stop()
        return True

    # ---- touch, and everything else that has no handler of its own

    def event(self, event: QEvent) -> bool:
        match event.type():
            case QEvent.Type.TouchBegin | QEvent.Type.TouchUpdate | QEvent.Type.TouchEnd:
                return self._take_touch(event)
            case QEvent.Type.TouchCancel:
                self._long_press.stop()
                self._touch.cancel()
                return True
            case QEvent.Type.NativeGesture:
                return self._take_native_gesture(event)
            case QEvent.Type.ShortcutOverride if self._is_to_stop(event):
                event.accept()  # Esc stops what moves, before it means anything else to the window
                return True
            case _:
                return bool(super().event(event))

    def _is_to_stop(self, event: QEvent) -> bool:
        assert isinstance(event, QKeyEvent)
        return event.key() == Qt.Key.Key_Escape and (self.navigator.is_moving or self.navigator.is_dragging)

    def _take_touch(self, event: QEvent) -> bool:
        assert isinstance(event, QTouchEvent)
        lifted = event.points()[0].State.Released
        fingers = {point.id(): self._to_device(point.position()) for point in event.points() if point.state() != lifted}
        self._touch.pixel_ratio = self.devicePixelRatioF()
        self._touch.update(fingers, time.monotonic())
        if not self._touch.awaits_long_press:
            self._long_press.stop()
        elif not self._long_press.isActive():
            self._long_press.start()
        event.accept()
        return True

    def _take_native_gesture(self, event: QEvent) -> bool:
        """Zoom and turn by a touchpad that recognises its gestures itself."""
        assert isinstance(event, QNativeGestureEvent)
        at = self._to_device(event.position())
        match event.gestureType():
            case Qt.NativeGestureType.ZoomNativeGesture:
                self.navigator.zoom_at(*at, 1 / max(1 + event.value(), 0.1))
            case Qt.NativeGestureType.RotateNativeGesture:
                self.navigator.turn_to(self._heading() - event.value())
            case _:
                return False
        event.accept()
        return True

    def _heading(self) -> float:
        scene = self.navigator.scene
        return navigation.heading_deg(scene.viewpoint) if scene is not None else 0.0

    # ---- focus, words and the end

    def focusInEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusInEvent(event)
        self._focus_ring.setVisible(event.reason() in _KEYBOARD_FOCUS)

    def focusOutEvent(self, event: QFocusEvent) -> None:  # noqa: N802
        super().focusOutEvent(event)
        self._focus_ring.hide()

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        self._let_go()
        self.navigator.stop()
        super().hideEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:  # noqa: N802
        super().resizeEvent(event)
        self._focus_ring.fit(self.rect())

    def close(self) -> None:  # type: ignore[override]  # pyvistaqt returns nothing, QWidget a bool
        """Stop, and free what VTK holds while its OpenGL context still lives.  May be called twice."""
        if self._closed:
            return
        self._long_press.stop()
        self._hover.stop()
        self.navigator.scene = None
        super().close()
        # Its wrapper of the surface must not outlive the surface: shiboken knows wrappers by address, and took the
        # next window's OpenGL context, made at the same place, for that surface ("QSurface has no attribute surface").
        self._forget_context()  # type: ignore[no-untyped-call]

    def _make_compass(self) -> Compass:
        compass, navigator = Compass(self), self.navigator
        compass.north_requested.connect(navigator.north_up)
        compass.heading_requested.connect(navigator.turn_to)
        compass.move_requested.connect(navigator.move_by)
        compass.turn_requested.connect(navigator.turn_by)
        compass.zoom_requested.connect(navigator.zoom_by)
        compass.view_requested.connect(navigator.show_view)
        compass.parallel_requested.connect(navigator.set_parallel)
        return compass

    def _turn_compass(self, viewpoint: Viewpoint) -> None:
        self.compass.show_view(navigation.heading_deg(viewpoint), parallel=viewpoint.parallel)

    def _follow(self, viewpoint: Viewpoint) -> None:
        self.request_render()
        self._turn_compass(viewpoint)
        self.viewpoint_changed.emit(viewpoint)

    def _rest(self) -> None:
        self._describe()
        self.request_render()
        self.interaction_ended.emit()

    def _describe(self) -> None:
        scene = self.navigator.scene
        if scene is None:
            self.setAccessibleDescription(self.tr("Nothing is shown."))
            return
        self.setAccessibleDescription(f"{self._words_for(scene.viewpoint)} {self._scene_text}".strip())

    def _words_for(self, viewpoint: Viewpoint) -> str:
        points = (
            self.tr("north"),
            self.tr("north-east"),
            self.tr("east"),
            self.tr("south-east"),
            self.tr("south"),
            self.tr("south-west"),
            self.tr("west"),
            self.tr("north-west"),
        )
        direction = points[round(navigation.heading_deg(viewpoint) / 45) % 8]
        pitch = round(navigation.pitch_deg(viewpoint))
        if pitch <= -89:
            looks = self.tr("Looking straight down, {0} up.").format(direction)
        elif pitch < -2:
            looks = self.tr("Looking {0}, {1}° down.").format(direction, -pitch)
        elif pitch > 2:
            looks = self.tr("Looking {0}, {1}° up.").format(direction, pitch)
        else:
            looks = self.tr("Looking {0}, level.").format(direction)
        height = navigation.height_above_ground_m(viewpoint, self.navigator.limits())
        if height is None or viewpoint.parallel:
            return looks
        return f"{looks} {self.tr('{0} m above the ground.').format(round(height))}"

    def _to_device(self, at: QPointF) -> tuple[float, float]:
        ratio = self.devicePixelRatioF()
        return (at.x() * ratio, at.y() * ratio)


class _FocusRing(QWidget):
    """A frame around the view, and a cross in its middle where Enter identifies; seen when keys have the view.

    A widget over the view, masked to what it draws: painting inside a QOpenGLWidget would disturb VTK's state.
    """

    WIDTH = 3
    CROSS = 12

    def __init__(self, view: QWidget) -> None:
        super().__init__(view)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.hide()

    def fit(self, rect: QRect) -> None:
        self.setGeometry(rect)
        frame = QRegion(rect) - QRegion(rect.adjusted(self.WIDTH, self.WIDTH, -self.WIDTH, -self.WIDTH))
        middle, arm = rect.center(), self.CROSS
        cross = QRegion(middle.x() - arm, middle.y() - 2, 2 * arm + 1, 5)
        cross += QRegion(middle.x() - 2, middle.y() - arm, 5, 2 * arm + 1)
        self.setMask(frame + cross)
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        colour = self.palette().highlight().color()
        painter.fillRect(self.rect(), self.palette().base())
        painter.setPen(QPen(colour, self.WIDTH - 1))
        painter.drawRect(self.rect().adjusted(1, 1, -2, -2))
        middle, arm = self.rect().center(), self.CROSS - 1
        painter.setPen(QPen(colour, 3))
        painter.drawLine(middle - QPoint(arm, 0), middle + QPoint(arm, 0))
        painter.drawLine(middle - QPoint(0, arm), middle + QPoint(0, arm))


def _distance(a: QPointF, b: QPointF) -> float:
    return math.hypot(a.x() - b.x(), a.y() - b.y())

"""Navigation without drags or keys: a compass with a pad to move, and buttons to zoom, turn, tilt and change the view.

Painted, so that it is sharp at every scaling and follows the palette.  It shows a heading and asks for movement; it
decides nothing.  Every drag on the view has a button here (WCAG 2.2, 2.5.7), each at least 24 px across (2.5.8).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QColor,
    QFont,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QRegion,
)
from PySide6.QtWidgets import QAbstractButton, QGridLayout, QMenu, QVBoxLayout, QWidget

from twinviewer.scene.named_views import NamedView

TARGET_PX = 28
_DIAL_PX = 116
_RING_PX = 17
_GAP_PX = 2
_MARGIN_PX = 12
_REPEAT_DELAY_MS, _REPEAT_MS = 350, 60
_NORTH_ON_LIGHT, _NORTH_ON_DARK = QColor("#c62828"), QColor("#ff6b63")


class _Glyph(Enum):
    """What is drawn on a button."""

    PLUS = "plus"
    MINUS = "minus"
    UP = "up"
    DOWN = "down"
    LEFT = "left"
    RIGHT = "right"
    TURN_LEFT = "turn left"
    TURN_RIGHT = "turn right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"
    NORTH = "north"
    VIEWS = "views"


@dataclass(frozen=True, slots=True)
class _Colours:
    """What the palette gives, on a plate that lets a little of the scene through."""

    plate: QColor
    edge: QColor
    ink: QColor
    lit: QColor
    focus: QColor
    north: QColor

    @classmethod
    def of(cls, widget: QWidget) -> _Colours:
        palette = widget.palette()
        plate, ink = QColor(palette.window().color()), QColor(palette.windowText().color())
        is_dark = plate.lightness() < ink.lightness()
        edge, lit = QColor(ink), QColor(palette.highlight().color())
        plate.setAlpha(232)
        edge.setAlpha(60)
        lit.setAlpha(70)
        north = _NORTH_ON_DARK if is_dark else _NORTH_ON_LIGHT
        return cls(plate, edge, ink, lit, palette.highlight().color(), north)


class Compass(QWidget):
    """The navigation controls that lie over the view, at its top right."""

    north_requested = Signal()
    heading_requested = Signal(float)
    """The ring was dragged: degrees clockwise from grid north."""
    move_requested = Signal(float, float)
    """Steps to the right and ahead."""
    turn_requested = Signal(float, float)
    """Steps to the right, and up (towards the horizon)."""
    zoom_requested = Signal(float)
    """Steps nearer."""
    view_requested = Signal(object)
    """A :class:`NamedView`."""
    parallel_requested = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName(self.tr("Navigation"))
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._dial = _Dial(self)
        self._dial.north_requested.connect(self.north_requested)
        self._dial.heading_requested.connect(self.heading_requested)
        self._dial.move_requested.connect(self.move_requested)
        self._parallel = False

        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(self._dial, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addWidget(self._buttons(), 0, Qt.AlignmentFlag.AlignHCenter)
        self.setFixedSize(self.sizeHint())
        if parent is not None:
            parent.installEventFilter(self)
            self._stay_in_corner(parent)

    @property
    def heading_deg(self) -> float:
        return self._dial.heading_deg

    def show_view(self, heading_deg: float, *, parallel: bool) -> None:
        """Turn the ring to a heading, and tick the projection in the menu of views."""
        self._parallel = parallel
        self._dial.show_heading(heading_deg)

    def eventFilter(self, watched: object, event: QEvent) -> bool:  # noqa: N802
        parent = self.parentWidget()
        if watched is parent and parent is not None and event.type() == QEvent.Type.Resize:
            self._stay_in_corner(parent)
        return False

    def _stay_in_corner(self, parent: QWidget) -> None:
        self.move(parent.width() - self.width() - _MARGIN_PX, _MARGIN_PX)

    def _buttons(self) -> QWidget:
        plate = _Plate(self)
        plate.setAttribute(Qt.WidgetAttribute.WA_NoMousePropagation)  # a press beside a button is not for the view
        grid = QGridLayout(plate)
        grid.setContentsMargins(4, 4, 4, 4)
        grid.setSpacing(_GAP_PX)
        zoom, turn = self.zoom_requested.emit, self.turn_requested.emit
        rows: tuple[tuple[_Glyph, str, str, Callable[[], None]], ...] = (
            (_Glyph.PLUS, self.tr("Zoom in"), "+", lambda: zoom(1)),
            (_Glyph.MINUS, self.tr("Zoom out"), "−", lambda: zoom(-1)),
            (_Glyph.TURN_LEFT, self.tr("Turn left"), self.tr("Shift+Left"), lambda: turn(-1, 0)),
            (_Glyph.TURN_RIGHT, self.tr("Turn right"), self.tr("Shift+Right"), lambda: turn(1, 0)),
            (_Glyph.TILT_UP, self.tr("Tilt towards the horizon"), self.tr("Shift+Up"), lambda: turn(0, 1)),
            (_Glyph.TILT_DOWN, self.tr("Tilt towards the ground"), self.tr("Shift+Down"), lambda: turn(0, -1)),
        )
        for number, (glyph, name, key, ask) in enumerate(rows):
            button = _Button(glyph, name, key, plate)
            button.clicked.connect(lambda _checked=False, ask=ask: ask())
            grid.addWidget(button, number // 2, number % 2)
        self._views = _Button(_Glyph.VIEWS, self.tr("Views"), "", plate, repeats=False, width=2 * TARGET_PX + _GAP_PX)
        self._views.clicked.connect(self._open_views)
        grid.addWidget(self._views, 3, 0, 1, 2)
        return plate

    def views_menu(self) -> QMenu:
        """Return the menu of named views and projections."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        names = {
            NamedView.OVERVIEW: self.tr("All of it"),
            NamedView.TOP: self.tr("From above"),
            NamedView.ISOMETRIC_SOUTH_WEST: self.tr("From the south-west"),
            NamedView.ISOMETRIC_SOUTH_EAST: self.tr("From the south-east"),
            NamedView.ISOMETRIC_NORTH_EAST: self.tr("From the north-east"),
            NamedView.ISOMETRIC_NORTH_WEST: self.tr("From the north-west"),
            NamedView.STREET: self.tr("From the street"),
        }
        for view, name in names.items():
            menu.addAction(name, partial(self.view_requested.emit, view))
        menu.addSeparator()
        group = QActionGroup(menu)
        for parallel, name in ((False, self.tr("Perspective")), (True, self.tr("Parallel projection"))):
            action = QAction(name, group, checkable=True, checked=parallel == self._parallel)
            action.triggered.connect(lambda _checked, parallel=parallel: self.parallel_requested.emit(parallel))
            menu.addAction(action)
        return menu

    def _open_views(self) -> None:
        menu = self.views_menu()
        corner = self._views.mapToGlobal(QPoint(self._views.width(), self._views.height() + 4))
        menu.popup(corner - QPoint(menu.sizeHint().width(), 0))


class _Plate(QWidget):
    """The rounded ground that buttons stand on."""

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        colours, painter = _Colours.of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(colours.edge, 1))
        painter.setBrush(colours.plate)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 9, 9)


class _Button(QAbstractButton):
    """A painted button that repeats while it is held."""

    def __init__(
        self, glyph: _Glyph, name: str, key: str, parent: QWidget, *, repeats: bool = True, width: int = TARGET_PX
    ) -> None:
        super().__init__(parent)
        self._glyph = glyph
        self.setFixedSize(width, TARGET_PX)
        self.setAccessibleName(name)
        self.setToolTip(f"{name} ({key})" if key else name)
        self.setCursor(Qt.CursorShape.ArrowCursor)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # a click must not take the keys from the view
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setAutoRepeat(repeats)
        self.setAutoRepeatDelay(_REPEAT_DELAY_MS)
        self.setAutoRepeatInterval(_REPEAT_MS)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        colours, painter = _Colours.of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect = QRectF(self.rect())
        if self.isDown() or self.underMouse():
            lit = QColor(colours.lit)
            lit.setAlpha(130 if self.isDown() else lit.alpha())
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(lit)
            painter.drawRoundedRect(rect.adjusted(1, 1, -1, -1), 6, 6)
        if self.hasFocus():
            painter.setPen(QPen(colours.focus, 2))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(rect.adjusted(1.5, 1.5, -1.5, -1.5), 6, 6)
        painter.translate(rect.center())
        _draw_glyph(painter, self._glyph, colours.ink if self.isEnabled() else colours.edge)


class _Dial(QWidget):
    """The ring that shows and takes a heading, and the pad inside it."""

    north_requested = Signal()
    heading_requested = Signal(float)
    move_requested = Signal(float, float)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.heading_deg = 0.0
        self._ring_drag: float | None = None
        """Heading minus the angle of the cursor, as the ring was taken hold of."""
        self._ring_moved = False
        self.setFixedSize(QSize(_DIAL_PX, _DIAL_PX))
        self.setMask(QRegion(self.rect(), QRegion.RegionType.Ellipse))  # the corners belong to the view
        self.setAccessibleName(self.tr("Compass"))
        self.setToolTip(self.tr("Click to turn north up (N); drag the ring to turn"))
        self._say_heading()
        middle = _DIAL_PX // 2 - TARGET_PX // 2
        step = TARGET_PX - 2
        for glyph, name, key, right, ahead in (
            (_Glyph.UP, self.tr("Move ahead"), self.tr("Up"), 0, 1),
            (_Glyph.DOWN, self.tr("Move back"), self.tr("Down"), 0, -1),
            (_Glyph.LEFT, self.tr("Move left"), self.tr("Left"), -1, 0),
            (_Glyph.RIGHT, self.tr("Move right"), self.tr("Right"), 1, 0),
        ):
            button = _Button(glyph, name, key, self)
            button.move(middle + right * step, middle - ahead * step)
            button.clicked.connect(
                lambda _checked=False, right=right, ahead=ahead: self.move_requested.emit(right, ahead)
            )
        north = _Button(_Glyph.NORTH, self.tr("North up"), self.tr("N"), self, repeats=False)
        north.move(middle, middle)
        north.clicked.connect(self.north_requested)

    def show_heading(self, heading_deg: float) -> None:
        if abs(heading_deg - self.heading_deg) > 0.05:
            self.heading_deg = heading_deg
            self._say_heading()
            self.update()

    def _say_heading(self) -> None:
        self.setAccessibleDescription(self.tr("Looking along {0}°").format(round(self.heading_deg) % 360))

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        colours, painter = _Colours.of(self), QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.translate(_DIAL_PX / 2, _DIAL_PX / 2)
        radius = _DIAL_PX / 2 - 2  # clear of the mask, whose edge is not smooth
        painter.setPen(QPen(colours.edge, 1))
        painter.setBrush(colours.plate)
        painter.drawEllipse(QPointF(0, 0), radius, radius)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawEllipse(QPointF(0, 0), radius - _RING_PX, radius - _RING_PX)
        painter.rotate(-self.heading_deg)
        for tick in range(0, 360, 15):
            if tick % 90 == 0:
                continue
            painter.save()
            painter.rotate(tick)
            ink = QColor(colours.ink)
            ink.setAlpha(170 if tick % 45 == 0 else 90)
            painter.setPen(QPen(ink, 1.5 if tick % 45 == 0 else 1))
            length = 6 if tick % 45 == 0 else 4
            painter.drawLine(QPointF(0, -radius + 4), QPointF(0, -radius + 4 + length))
            painter.restore()
        self._paint_letters(painter, colours, radius)

    def _paint_letters(self, painter: QPainter, colours: _Colours, radius: float) -> None:
        font = QFont(self.font())
        font.setPixelSize(12)
        font.setBold(True)
        painter.setFont(font)
        # first letters of the compass points; German has O for east
        for quarter, letter in enumerate((self.tr("N"), self.tr("E"), self.tr("S"), self.tr("W"))):
            painter.save()
            painter.rotate(90 * quarter)
            painter.translate(0, -radius + _RING_PX / 2)
            if quarter == 0:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(colours.north)
                painter.drawEllipse(QPointF(0, 0), _RING_PX / 2 - 0.5, _RING_PX / 2 - 0.5)
            # letters stand upright whichever way the ring is turned
            painter.rotate(self.heading_deg - 90 * quarter)
            painter.setPen(QColor(colours.plate.rgb()) if quarter == 0 else colours.ink)
            painter.drawText(QRectF(-10, -10, 20, 20), Qt.AlignmentFlag.AlignCenter, letter)
            painter.restore()

    def _angle_deg(self, at: QPointF) -> float:
        return math.degrees(math.atan2(at.x() - _DIAL_PX / 2, _DIAL_PX / 2 - at.y()))

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if event.button() == Qt.MouseButton.LeftButton:
            self._ring_drag = self.heading_deg + self._angle_deg(event.position())
            self._ring_moved = False

    def mouseMoveEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._ring_drag is None:
            return
        heading = (self._ring_drag - self._angle_deg(event.position())) % 360
        if self._ring_moved or abs((heading - self.heading_deg + 180) % 360 - 180) > 3:
            self._ring_moved = True
            self.heading_requested.emit(heading)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        if self._ring_drag is not None and not self._ring_moved:
            self.north_requested.emit()
        self._ring_drag = None


def _draw_glyph(painter: QPainter, glyph: _Glyph, ink: QColor) -> None:
    """Draw a glyph about the origin, 14 px across."""
    painter.setPen(QPen(ink, 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    match glyph:
        case _Glyph.PLUS | _Glyph.MINUS:
            painter.drawLine(QPointF(-5.5, 0), QPointF(5.5, 0))
            if glyph is _Glyph.PLUS:
                painter.drawLine(QPointF(0, -5.5), QPointF(0, 5.5))
        case _Glyph.UP | _Glyph.DOWN | _Glyph.LEFT | _Glyph.RIGHT:
            painter.rotate({_Glyph.UP: 0, _Glyph.RIGHT: 90, _Glyph.DOWN: 180, _Glyph.LEFT: 270}[glyph])
            painter.drawPolyline([QPointF(-5, 2.5), QPointF(0, -2.5), QPointF(5, 2.5)])
        case _Glyph.TURN_LEFT | _Glyph.TURN_RIGHT:
            if glyph is _Glyph.TURN_RIGHT:
                painter.scale(-1, 1)
            path = QPainterPath()
            path.arcMoveTo(QRectF(-6, -6, 12, 12), 150)
            path.arcTo(QRectF(-6, -6, 12, 12), 150, -260)
            painter.drawPath(path)
            painter.drawPolyline([QPointF(-6.5, -7), QPointF(-5.2, -3), QPointF(-1.2, -4)])
        case _Glyph.TILT_UP | _Glyph.TILT_DOWN:
            # the ground as a board: flat as seen from above, or slanted towards the horizon, and which way it goes
            painter.drawPolygon([QPointF(-3.5, 1.5), QPointF(3.5, 1.5), QPointF(7, 6.5), QPointF(-7, 6.5)])
            tip, foot = (-7.0, -2.0) if glyph is _Glyph.TILT_UP else (-2.0, -7.0)
            painter.drawLine(QPointF(0, foot), QPointF(0, tip))
            barb = tip + math.copysign(3.0, foot - tip)
            painter.drawPolyline([QPointF(-3, barb), QPointF(0, tip), QPointF(3, barb)])
        case _Glyph.NORTH:
            painter.setPen(QPen(ink, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
            painter.drawPolygon([QPointF(0, -7), QPointF(5, 6), QPointF(0, 3), QPointF(-5, 6)])
        case _Glyph.VIEWS:
            painter.setPen(QPen(ink, 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap, Qt.PenJoinStyle.RoundJoin))
            painter.drawPolygon(_CUBE)
            painter.drawPolyline([_CUBE[5], QPointF(-6, 0), _CUBE[1]])
            painter.drawLine(QPointF(-6, 0), _CUBE[3])
            painter.drawPolyline([QPointF(8, -1.5), QPointF(11, 1.5), QPointF(14, -1.5)])


_CUBE = [QPointF(-6 + 7.5 * math.sin(math.radians(a)), -7.5 * math.cos(math.radians(a))) for a in range(0, 360, 60)]

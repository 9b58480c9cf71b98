"""The card of a tour: what is seen, low in the middle of the view, a dot for each stop, and the keys of a player."""

from __future__ import annotations

from PySide6.QtCore import QEvent, QObject, QPointF, QRect, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHideEvent, QMouseEvent, QPainter, QPainterPath, QPaintEvent, QRegion
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from twinviewer.app.tour_playing import TourPhase, TourState
from twinviewer.ui import icons

WIDTH_PX, MARGIN_PX, RADIUS_PX = 640, 28, 14
INK, MUTED, GROUND, MARK = "#ffffff", "#c3ccd6", "#141a22", "#7db7f5"
"""The same in every theme: the card lies over the city, by day and by night.  White on the ground: 17 : 1, the muted
dots 10 : 1."""
DOT_PX, PILL_PX, GAP_PX = 9, 34, 9
MOST_DOTS = 24


class ProgressDots(QWidget):
    """A dot per stop; the one that is shown is long and fills while one stays.  A click on one goes there."""

    stop_asked = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        self._state = TourState(holds_s=(1.0,))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setFixedHeight(24)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def show_state(self, state: TourState) -> None:
        if state != self._state:
            self._state = state
            self.setAccessibleName(f"Stop {state.at + 1} of {len(state.holds_s)}")
            self.update()

    def box_of(self, stop: int) -> QRectF:
        """Return where the dot of a stop is."""
        left = stop * (DOT_PX + GAP_PX) + (PILL_PX - DOT_PX if stop > self._state.at else 0)
        width = PILL_PX if stop == self._state.at else DOT_PX
        return QRectF(left, (self.height() - DOT_PX) / 2, width, DOT_PX)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        state = self._state
        if len(state.holds_s) > MOST_DOTS:
            painter.setPen(QColor(MUTED))
            painter.drawText(self.rect(), int(Qt.AlignmentFlag.AlignVCenter), f"{state.at + 1} of {len(state.holds_s)}")
            return
        for stop in range(len(state.holds_s)):
            box = self.box_of(stop)
            painter.setBrush(QColor(INK if stop < state.at else "#5d6875"))
            painter.drawRoundedRect(box, DOT_PX / 2, DOT_PX / 2)
            if stop == state.at:
                filled = QRectF(box)
                filled.setWidth(max(DOT_PX, box.width() * state.progress))
                painter.setBrush(QColor(MARK))
                painter.drawRoundedRect(filled, DOT_PX / 2, DOT_PX / 2)

    def mousePressEvent(self, event: QMouseEvent) -> None:  # noqa: N802
        reach = GAP_PX / 2
        if len(self._state.holds_s) <= MOST_DOTS:
            for stop in range(len(self._state.holds_s)):
                if self.box_of(stop).adjusted(-reach, -reach, reach, reach).contains(QPointF(event.position())):
                    self.stop_asked.emit(stop)


class TourCard(QWidget):
    """Shows a stop and how the tour goes on; asks for another way."""

    previous_asked = Signal()
    play_asked = Signal()
    next_asked = Signal()
    end_asked = Signal()
    took_place = Signal(QRect)
    """What of the view it covers; empty: nothing any more."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setAccessibleName("Tour")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setObjectName("tourCard")
        self.setStyleSheet(
            f"#tourCard {{ background: {GROUND}; border-radius: {RADIUS_PX}px; }}"
            f"#tourCard QLabel {{ color: {INK}; background: transparent; }}"
            f"#tourCard #tourCaption {{ color: {INK}; }}"
            "#tourCard QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 4px; }"
            "#tourCard QToolButton:hover { background: #2b3541; }"
            f"#tourCard QToolButton:focus {{ border-color: {MARK}; }}"
        )
        self.title, self.caption = QLabel(), QLabel()
        for label, scale, weight in ((self.title, 1.55, 600), (self.caption, 1.15, 400)):
            label.setWordWrap(True)
            label.setTextFormat(Qt.TextFormat.PlainText)
            font = label.font()
            font.setPointSizeF(font.pointSizeF() * scale)
            font.setWeight(type(font).Weight(weight))
            label.setFont(font)
        self.caption.setObjectName("tourCaption")
        self.dots = ProgressDots()
        self.previous = _button("skip-back", "Previous stop", "Page Up")
        self.play = _button("pause", "Pause the tour", "Space")
        self.next = _button("skip-forward", "Next stop", "Page Down")
        self.leave = _button("x", "End the tour", "Esc")
        self.previous.clicked.connect(self.previous_asked)
        self.play.clicked.connect(self.play_asked)
        self.next.clicked.connect(self.next_asked)
        self.leave.clicked.connect(self.end_asked)
        row = QHBoxLayout()
        row.setSpacing(4)
        row.addWidget(self.dots, 1)
        for button in (self.previous, self.play, self.next, self.leave):
            row.addWidget(button)
        self._box = QVBoxLayout(self)
        self._box.setContentsMargins(22, 16, 14, 10)
        self._box.setSpacing(6)
        self._box.addWidget(self.title)
        self._box.addWidget(self.caption)
        self._box.addLayout(row)
        over.installEventFilter(self)
        self.hide()

    def show_stop(self, title: str, caption: str, *, number: int, of: int) -> None:
        """Show what is seen at a stop."""
        self.title.setText(title or f"Stop {number} of {of}")
        self.caption.setText(caption)
        self.caption.setVisible(bool(caption))
        self.setAccessibleDescription(f"Stop {number} of {of}: {title}. {caption}")
        self.show()
        self._place()

    def show_state(self, state: TourState) -> None:
        """Show how the tour goes on."""
        self.dots.show_state(state)
        running = state.phase in (TourPhase.TRAVELLING, TourPhase.STAYING)
        text = "Pause the tour" if running else "Go on"
        if self.play.accessibleName() != text:
            _dress(self.play, "pause" if running else "play", text, "Space")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize and not self.isHidden():
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        over = self.parentWidget()
        if over is None:
            return
        width = min(WIDTH_PX, over.width() - 2 * MARGIN_PX)
        margins = self._box.contentsMargins()
        inside = width - margins.left() - margins.right()
        for label in (self.title, self.caption):
            label.setFixedHeight(label.heightForWidth(inside) if label.text() else 0)
        height = self._box.totalHeightForWidth(width)
        self.setGeometry((over.width() - width) // 2, over.height() - height - MARGIN_PX, width, height)
        shape = QPainterPath()
        shape.addRoundedRect(QRectF(self.rect()), RADIUS_PX, RADIUS_PX)
        self.setMask(QRegion(shape.toFillPolygon().toPolygon()))  # what lies beneath is no widget that shines through
        self.raise_()
        self.took_place.emit(self.geometry())

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802
        super().hideEvent(event)
        self.took_place.emit(QRect())


def _button(icon: str, text: str, keys: str) -> QToolButton:
    button = QToolButton()
    button.setIconSize(QSize(18, 18))
    button.setFixedSize(34, 30)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    _dress(button, icon, text, keys)
    return button


def _dress(button: QToolButton, icon: str, text: str, keys: str) -> None:
    button.setIcon(icons.icon(icon, INK))
    button.setAccessibleName(text)
    button.setToolTip(f"{text} ({keys})")

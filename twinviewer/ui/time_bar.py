"""The time bar: live, pause, play, speed, and which day and minute is shown."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from PySide6.QtCore import QDate, QLocale, QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import QComboBox, QDateEdit, QHBoxLayout, QLabel, QSizePolicy, QSlider, QWidget

from twinviewer.live.clock import ClockMode
from twinviewer.ui.look import Look

SPEEDS = (1.0, 10.0, 60.0, 300.0, 900.0, 3600.0)
MINUTES_OF_DAY = 24 * 60
STEP = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeState:
    """What the bar shows."""

    instant: datetime
    """Timezone-aware."""
    mode: ClockMode
    speed: float
    simulated: bool
    """Whether any overlay that is switched on plays from a generator."""
    by_day: bool = False
    """Whether the city is shown by day although it is dark there."""


def zone_for(name: str) -> tzinfo:
    """Return the time zone of that IANA name; the machine's for an empty or unknown one."""
    try:
        return ZoneInfo(name) if name else _local_zone()
    except (ZoneInfoNotFoundError, ValueError):
        return _local_zone()


def _local_zone() -> tzinfo:
    return datetime.now(UTC).astimezone().tzinfo or UTC


def minute_of_day(instant: datetime, zone: tzinfo) -> int:
    """Return how many minutes after midnight ``instant`` is in ``zone``, by the clock on the wall."""
    local = instant.astimezone(zone)
    return local.hour * 60 + local.minute


def instant_at(day: date, minute: int, zone: tzinfo) -> datetime:
    """Return the instant when wall clocks in ``zone`` show ``minute`` of ``day``, in UTC."""
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)


def clock_text(instant: datetime, zone: tzinfo) -> str:
    """Return the wall clock's reading with its zone: ``"14:32:05 CEST"``."""
    local = instant.astimezone(zone)
    return f"{local:%H:%M:%S} {local.tzname() or format(local, '%z')}"


def speed_text(speed: float) -> str:
    """Return a speed as people say it: ``"1×"``, ``"1 min/s"``."""
    if speed < 60:
        return f"{speed:g}×"
    return f"{speed / 60:g} min/s" if speed < 3600 else f"{speed / 3600:g} h/s"


class TimeBar(QWidget):
    """Shows what the clock says and asks for changes."""

    play_asked = Signal()
    now_asked = Signal()
    speed_asked = Signal(float)
    instant_asked = Signal(object)
    """The :class:`datetime` to show."""

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._look = look
        self.zone: tzinfo = UTC
        self.play = look.button("play", "Play or pause", tooltip="Let time run, or stop it (Space).")
        self.play.clicked.connect(self.play_asked)
        self.now = look.button("radio", "Back to now", tooltip="Follow the present (L).")
        self.now.setText("Live")
        self.now.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.now.setMinimumSize(0, 0)  # it has words: as high as they are
        self.now.setCheckable(True)
        self.now.clicked.connect(self.now_asked)
        self.speed = QComboBox()
        self.speed.setAccessibleName("Speed")
        self.speed.setToolTip("How fast time runs while playing.")
        for speed in SPEEDS:
            self.speed.addItem(speed_text(speed), speed)
        self.speed.activated.connect(lambda row: self.speed_asked.emit(SPEEDS[row]))
        self.day = QDateEdit()
        self.day.setCalendarPopup(True)
        self.day.setAccessibleName("Day")
        self.day.setToolTip("The day that is shown.")
        self.day.setDisplayFormat("d MMM yyyy")
        self.day.setLocale(QLocale(QLocale.Language.English))
        self.day.dateChanged.connect(lambda _day: self._emit_instant())
        self.minute = QSlider(Qt.Orientation.Horizontal)
        self.minute.setRange(0, MINUTES_OF_DAY - 1)
        self.minute.setPageStep(60)
        self.minute.setSingleStep(10)
        self.minute.setTickInterval(180)
        self.minute.setTickPosition(QSlider.TickPosition.TicksBelow)
        self.minute.setAccessibleName("Time of day")
        self.minute.setToolTip("Drag to see another time of the day.")
        self.minute.valueChanged.connect(lambda _minute: self._emit_instant())
        self.clock = QLabel()
        self.clock.setAccessibleName("Time shown")
        self.daylight = QLabel()
        self.daylight.setAccessibleName("Shown by day")
        self.daylight.setToolTip("It is dark there now, and shown by day. Choose another time to see the real light.")
        look.changed.connect(self._draw_daylight)
        self._draw_daylight()
        self.badge = QLabel()
        self.badge.setAccessibleName("Whether the present is shown")
        self.simulated = QLabel("SIMULATED")
        self.simulated.setObjectName("simulatedBadge")
        self.simulated.setToolTip("At least one overlay plays generated values, not measured ones.")
        for badge in (self.badge, self.simulated):
            badge.setContentsMargins(7, 2, 7, 2)
        # What a panel beside it leaves when it is closed belongs to the view.
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(10, 3, 10, 3)
        layout.setSpacing(8)
        widgets: tuple[QWidget, ...] = (
            *(self.play, self.now, self.speed, self.day),
            self.minute,
            *(self.daylight, self.clock, self.badge, self.simulated),
        )
        for widget in widgets:
            layout.addWidget(widget, 1 if widget is self.minute else 0)

    def show_state(self, state: TimeState) -> None:
        local = state.instant.astimezone(self.zone)
        with QSignalBlocker(self.day), QSignalBlocker(self.minute):
            if not self.minute.isSliderDown():
                self.minute.setValue(minute_of_day(state.instant, self.zone))
            day = QDate(local.year, local.month, local.day)
            if self.day.date() != day and not self.day.hasFocus():
                self.day.setDate(day)
        text = clock_text(state.instant, self.zone)
        if self.clock.text() != text:
            self.clock.setText(text)
            self.clock.setMinimumWidth(max(self.clock.minimumWidth(), self.clock.sizeHint().width()))
        paused = state.mode is ClockMode.PAUSED
        name = "play" if paused else "pause"
        if self.play.icon_name != name:
            self.play.show_icon(name)
            self.play.setToolTip("Let time run (Space)." if paused else "Stop time (Space).")
            self.play.setAccessibleName("Play" if paused else "Pause")
        live = state.mode is ClockMode.LIVE
        self.now.setChecked(live)
        self._show_badge("liveBadge" if live else "pastBadge", "LIVE" if live else "PAUSED" if paused else "PLAYING")
        self.simulated.setVisible(state.simulated)
        self.daylight.setVisible(state.by_day)
        with QSignalBlocker(self.speed):
            self.speed.setCurrentIndex(min(range(len(SPEEDS)), key=lambda row: abs(SPEEDS[row] - state.speed)))

    def _draw_daylight(self) -> None:
        self.daylight.setPixmap(self._look.icon("sun").pixmap(16, 16))

    def _show_badge(self, name: str, text: str) -> None:
        if self.badge.text() == text:
            return
        self.badge.setObjectName(name)
        self.badge.style().unpolish(self.badge)
        self.badge.style().polish(self.badge)
        self.badge.setText(text)  # after its dress: the label reckons its size now

    def _emit_instant(self) -> None:
        day = self.day.date()
        chosen = date(day.year(), day.month(), day.day())
        self.instant_asked.emit(instant_at(chosen, self.minute.value(), self.zone))

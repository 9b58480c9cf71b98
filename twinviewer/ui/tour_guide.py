"""Leads through a tour: flies from stop to stop, sets the time, switches overlays, and puts all of it back at the end.

How a tour goes on is decided in :mod:`twinviewer.app.tour_playing`; here is the timer that drives it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QKeyEvent

from twinviewer.analysis.sun import solar_site
from twinviewer.app.commands import SwitchOverlays
from twinviewer.app.plugins.manifest import LayerContribution, OverlayContribution, TourContribution
from twinviewer.app.project_file import ViewState
from twinviewer.app.session import Change
from twinviewer.app.tour_playing import TourPhase, TourState
from twinviewer.app.tours import PlacedStop, Tour, TourStop, instant_of, placed, tour_of
from twinviewer.live.clock import ClockMode
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.project import Project, Viewpoint
from twinviewer.scene.named_views import NamedView
from twinviewer.ui.tour_card import TourCard

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow

TICK_MS = 100
SLOW_TURN_S = 240.0
"""For a full turn while one stays: who reads is not carried away."""
LEISURE = 2.0
"""A flight of a tour takes so many times as long as one that a person waits for."""
_MODIFIERS = Qt.KeyboardModifier
_NO_HANDS = {
    Qt.Key.Key_Shift,
    Qt.Key.Key_Control,
    Qt.Key.Key_Alt,
    Qt.Key.Key_Meta,
    Qt.Key.Key_Tab,
    Qt.Key.Key_Backtab,
    *(Qt.Key(Qt.Key.Key_F1.value + number) for number in range(12)),
}
"""Keys that leave the view as it is."""
_HANDS = {
    QEvent.Type.MouseButtonPress,
    QEvent.Type.Wheel,
    QEvent.Type.TouchBegin,
    QEvent.Type.NativeGesture,
}


class TourGuide(QObject):
    """Runs one tour at a time over the view of a window.

    Args:
        window: Whose view, clock and document it is.
        on_error: Hears why a tour cannot be given.
    """

    def __init__(self, window: MainWindow, *, on_error: Callable[[TwinViewerError], None]) -> None:
        super().__init__(window)
        self._window, self._on_error = window, on_error
        self.card = TourCard(window.viewport)
        self.state: TourState | None = None
        """How the tour goes on that is given now; None: none is."""
        self.tour_id = ""
        self._stops: tuple[PlacedStop, ...] = ()
        self._view_before: ViewState | None = None
        self._time_ran = False
        self._overlays_before: Project | None = None
        self._overlays_left: Project | None = None
        self._ticked_at = 0.0
        self._timer = QTimer(self)
        self._timer.setInterval(TICK_MS)
        self._timer.timeout.connect(self._tick)
        card = self.card
        card.play_asked.connect(self.play_or_pause)
        card.next_asked.connect(lambda: self._go(lambda state: state.next()))
        card.previous_asked.connect(lambda: self._go(lambda state: state.previous()))
        card.end_asked.connect(self.end)
        self._stop_hearing = window.services.session.on_change(self._follow)
        card.took_place.connect(window.legend.keep_clear_of)
        card.dots.stop_asked.connect(lambda stop: self._go(lambda state: state.to(stop)))

    def start(self, tour_id: str) -> None:
        """Begin a tour, in place of the one that is given."""
        self.end()
        services = self._window.services
        site, project = services.overlays.site, services.session.project
        if site is None:
            self._on_error(PluginError("There is no city to show yet.", cure="Open one, then start the tour again."))
            return

        def find() -> tuple[Tour, tuple[PlacedStop, ...]] | PluginError:
            try:
                tour = tour_of(services.registry, tour_id)
            except PluginError as error:
                return error
            return tour, placed(tour, site=site, project=project)

        def begin(found: tuple[Tour, tuple[PlacedStop, ...]] | PluginError) -> None:
            if isinstance(found, PluginError):
                self._on_error(found)
            elif not found[1]:
                self._on_error(PluginError("None of the places of this tour is in this city."))
            else:
                self._begin(tour_id, *found)

        services.background(find, begin)

    def end(self) -> None:
        """End the tour, wherever it is; time and overlays become what they were."""
        if self.state is None:
            return
        self.state, self.tour_id = None, ""
        window = self._window
        self._timer.stop()
        window.viewport.removeEventFilter(self)
        window.viewport.navigator.stop()
        self.card.hide()
        self._put_overlays_back()
        if self._view_before is not None:
            window.live.show_view_state(self._view_before)
            if self._time_ran and not self._view_before.live:
                window.services.clock.play()
                window.live.wake()
            self._view_before = None

    def close(self) -> None:
        """End for good."""
        self.end()
        self._stop_hearing()

    def play_or_pause(self) -> None:
        self._go(lambda state: state.paused() if state.is_running else state.played())

    def follow_registry(self) -> None:
        """End the tour of a plugin that is gone."""
        if self.tour_id and self._window.services.registry.contribution(self.tour_id, TourContribution) is None:
            self.end()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if self.state is None:
            return False
        if isinstance(event, QKeyEvent) and event.type() in (QEvent.Type.KeyPress, QEvent.Type.ShortcutOverride):
            return self._key(event)
        if event.type() in _HANDS and self.state.is_running:
            self._go(lambda state: state.paused())
        return False

    def _key(self, event: QKeyEvent) -> bool:
        """Take the keys of the player; any other one pauses, and does what it always does."""
        state = self.state
        assert state is not None
        does: dict[int, Callable[[], None]] = {
            Qt.Key.Key_Escape: self.end,
            Qt.Key.Key_Space: self.play_or_pause,
            Qt.Key.Key_PageDown: lambda: self._go(lambda state: state.next()),
            Qt.Key.Key_PageUp: lambda: self._go(lambda state: state.previous()),
        }
        if state.is_running:
            does[Qt.Key.Key_Right], does[Qt.Key.Key_Left] = does[Qt.Key.Key_PageDown], does[Qt.Key.Key_PageUp]
        if event.key() in does and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            event.accept()
            if event.type() == QEvent.Type.KeyPress:
                does[event.key()]()
            return True
        held = event.modifiers() & (_MODIFIERS.ControlModifier | _MODIFIERS.AltModifier | _MODIFIERS.MetaModifier)
        moves_the_view = not held and Qt.Key.Key_Space <= event.key() and event.key() not in _NO_HANDS
        if state.is_running and moves_the_view:  # some keys come as shortcuts only
            self._go(lambda state: state.paused())
        return False

    def _follow(self, change: Change) -> None:
        """End with the project: what the next one shows is for itself to say."""
        if self.state is not None and not change.after.layers:
            self._overlays_before = self._overlays_left = self._view_before = None
            self.end()

    # One tour. -----------------------------------------------------------------------------------

    def _begin(self, tour_id: str, tour: Tour, stops: tuple[PlacedStop, ...]) -> None:
        window = self._window
        if self.state is not None:  # another one was asked for meanwhile
            self.end()
        self.tour_id, self._stops = tour_id, stops
        self.state = TourState(holds_s=tuple(stop.stop.hold_s for stop in stops), loop=tour.loop)
        self._view_before = window.live.view_state()
        self._time_ran = window.services.clock.mode is not ClockMode.PAUSED
        window.show_view()
        window.layers.show_pick(None)
        window.viewport.installEventFilter(self)
        window.viewport.setFocus()
        self._ticked_at = time.monotonic()
        self._timer.start()
        self._travel()

    def _tick(self) -> None:
        """Let time go by: only while the window shows the view."""
        now = time.monotonic()
        elapsed, self._ticked_at = now - self._ticked_at, now
        if self.state is None or not self._window.viewport.isVisible():
            return
        if self.state.phase is TourPhase.TRAVELLING and not self._window.viewport.navigator.is_moving:
            self._go(lambda state: state.arrived())
            if self._stops[self.state.at].stop.turn and not self._window.viewport.navigator.reduce_motion:
                self._window.viewport.navigator.turn_slowly(SLOW_TURN_S)
        elif self.state.phase is TourPhase.STAYING:
            self._go(lambda state: state.after(elapsed))

    def _go(self, step: Callable[[TourState], TourState]) -> None:
        """Take a step, and do what follows from it."""
        before = self.state
        if before is None:
            return
        after = self.state = step(before)
        if after.phase is TourPhase.ENDED:
            self.end()
            return
        if after.phase is TourPhase.PAUSED and before.phase is not TourPhase.PAUSED:
            self._window.viewport.navigator.stop()
        if after.trips != before.trips:
            self._travel()
        self.card.show_state(after)

    def _travel(self) -> None:
        """Set out for the stop that the state names."""
        assert self.state is not None
        navigator = self._window.viewport.navigator
        there = self._stops[self.state.at]
        self._switch_overlays(there.stop)
        self._show_time(there.stop)
        navigator.stop()
        if isinstance(there.view, Viewpoint):
            navigator.fly_to(there.view, seconds=there.stop.flight_s, leisure=LEISURE)
        elif there.view is not None:
            navigator.show_view(NamedView(there.view), seconds=there.stop.flight_s, leisure=LEISURE)
        self.card.show_stop(there.stop.title, there.stop.caption, number=self.state.at + 1, of=len(self.state.holds_s))
        self.card.show_state(self.state)
        self._window.viewport.describe_scene(f"Tour: {there.stop.title}. {there.stop.caption}")

    def _show_time(self, stop: TourStop) -> None:
        services, live = self._window.services, self._window.live
        site = services.overlays.site
        if site is None:
            return
        longitude = solar_site(crs=site.crs, position=site.extent.centre).longitude_deg
        instant = instant_of(stop, shown=services.clock.now(), longitude_deg=longitude)
        was_live = services.clock.mode is ClockMode.LIVE
        if instant is not None:
            live.scrub(instant)
        if stop.speed is not None and stop.speed > 0:
            services.clock.play(stop.speed)
        elif stop.speed == 0:
            services.clock.pause()
        elif instant is not None and was_live:
            services.clock.play(1.0)
        if instant is not None or stop.speed is not None:
            live.wake()

    def _switch_overlays(self, stop: TourStop) -> None:
        """Switch overlays in the document; all switches of a tour are one change that its end takes back."""
        session, registry = self._window.services.session, self._window.services.registry
        kinds = (OverlayContribution, LayerContribution)
        switches = tuple(
            (name, on)
            for name, on in stop.overlays.items()
            if any(registry.contribution(name, kind) is not None for kind in kinds)
        )
        command = SwitchOverlays(switches=switches, label="Switch overlays of a tour")
        if command.apply(session.project) == session.project:
            return
        if self._overlays_before is None:
            self._overlays_before = session.project
            session.do(command)
        elif session.project is self._overlays_left:
            session.amend(command)
        else:
            session.do(command)
        self._overlays_left = session.project

    def _put_overlays_back(self) -> None:
        before, left = self._overlays_before, self._overlays_left
        self._overlays_before = self._overlays_left = None
        session = self._window.services.session
        if before is None:
            return
        if session.project is left:
            session.undo()
        else:
            were_on = {spec.id: spec.visible for spec in before.overlays}
            switches = tuple((spec.id, were_on.get(spec.id, False)) for spec in session.project.overlays)
            session.do(SwitchOverlays(switches=switches, label="Put overlays back"))

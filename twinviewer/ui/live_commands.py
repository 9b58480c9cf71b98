"""What the Live menu and the time bar do, and the one timer of the program: it runs only while something moves."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta

from PySide6.QtCore import QObject, QTimer

from twinviewer.app.overlays.running import OverlayPicture, picture_note
from twinviewer.app.plugins.manifest import LayerContribution, OverlayContribution
from twinviewer.app.project_file import ViewState
from twinviewer.app.session import Change
from twinviewer.live.clock import ClockMode, utc_now
from twinviewer.model.drawing import ColourScale, DrawingRequest
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.project import OverlaySpec
from twinviewer.scene.city_scene import CityScene
from twinviewer.ui.layer_tree import OverlayFacts
from twinviewer.ui.overlay_facts import AWAITING, overlay_facts, told_scales
from twinviewer.ui.panels import Panels
from twinviewer.ui.services import Services
from twinviewer.ui.time_bar import STEP, TimeState, zone_for

FRAME_MS = 33
IDLE_MS = 1000
"""Without overlays only the time bar and the sun follow the clock."""
SUN_EVERY = timedelta(seconds=30)
"""Of shown time: the sun moves an eighth of a degree."""
PRESENT = timedelta(minutes=5)
"""What is this close to now counts as the present: pausing for a moment does not put out the light."""


def frame_interval_ms(*, overlays_on: bool, rate: float) -> int:
    """Return how often something changes by itself: never (0) while time stands still and no overlay is on.

    Overlays are looked at while time stands still too: their feeds may still be fetching what belongs to it.
    """
    if overlays_on:
        return FRAME_MS if rate > 0 else FRAME_MS * 4
    if rate == 0:
        return 0
    return IDLE_MS if rate <= 1 else FRAME_MS


class LiveCommands(QObject):
    """Between clock, overlays, time bar and scene."""

    def __init__(
        self, services: Services, panels: Panels, scene: CityScene, *, on_overlays: Callable[[], None]
    ) -> None:
        super().__init__()
        self._services, self._panels, self._scene = services, panels, scene
        self._on_overlays = on_overlays
        self._pictures: Mapping[str, OverlayPicture] = {}
        self._drawn: dict[str, tuple[Sequence[DrawingRequest], OverlaySpec]] = {}
        self._facts: tuple[OverlayFacts, ...] = self._facts_of({})
        self._sun_at: datetime | None = None
        self._by_day = False
        """Whether the city is shown by day although it is dark there at the shown time."""
        self._animated_at = time.monotonic()
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.show_frame)
        self._stop_hearing = services.session.on_change(self._follow)
        bar = panels.time
        bar.zone = zone_for(services.settings.time_zone)
        bar.play_asked.connect(self.play_or_pause)
        bar.now_asked.connect(self.go_live)
        bar.speed_asked.connect(self._play_at)
        bar.instant_asked.connect(self.scrub)

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands of the Live menu do."""
        return {
            "live.play": self.play_or_pause,
            "live.now": self.go_live,
            "live.back": lambda: self._step(-STEP),
            "live.forward": lambda: self._step(STEP),
            "live.overlays": self._show_overlays,
        }

    @property
    def overlays(self) -> tuple[OverlayFacts, ...]:
        """Every overlay and layer that a plugin offers, and how it fares."""
        return self._facts

    @property
    def awaits_data(self) -> bool:
        """Whether an overlay that is on has nothing to show yet."""
        return any(overlay.state in AWAITING for overlay in self._facts)

    @property
    def drawn(self) -> Mapping[str, Sequence[DrawingRequest]]:
        """What overlays and layers of plugins show at present, by contribution id."""
        return {overlay_id: picture.requests for overlay_id, picture in self._pictures.items() if picture.requests}

    @property
    def problems(self) -> Mapping[str, TwinViewerError]:
        """Why overlays and layers of plugins show nothing, or nothing new, by contribution id."""
        problems = {overlay_id: picture.problem for overlay_id, picture in self._pictures.items()}
        return {overlay_id: problem for overlay_id, problem in problems.items() if problem is not None}

    @property
    def picture_note(self) -> str:
        """What must stand in a picture of the view."""
        return picture_note(self._services.registry, self._pictures)

    @property
    def legend(self) -> list[ColourScale]:
        """The scales of what is seen, each as the legend shows it."""
        simulated = frozenset(overlay.id for overlay in self._services.registry.overlays if overlay.simulated)
        return told_scales(self._scene.legends(), self._pictures, simulated=simulated)

    def view_state(self) -> ViewState:
        """Return camera, section and clock, as a project file keeps them."""
        clock = self._services.clock
        live = clock.mode is ClockMode.LIVE
        return ViewState(
            viewpoint=self._scene.viewpoint,
            section=self._scene.section,
            instant=None if live else clock.now(),
            live=live,
            speed=clock.speed,
        )

    def show_view_state(self, view: ViewState) -> None:
        """Set the clock as a project file says; playing begins paused."""
        clock = self._services.clock
        if view.live or view.instant is None:
            clock.go_live()
        else:
            clock.pause()
            clock.scrub(view.instant)
        self.wake()

    def wake(self) -> None:
        """Show the present frame, and let the timer run as fast as it must from now on."""
        self.show_frame()
        on = any(spec.visible for spec in self._services.session.project.overlays)
        interval = frame_interval_ms(overlays_on=on, rate=self._services.clock.rate)
        if interval == 0:
            self._timer.stop()
        elif not self._timer.isActive() or self._timer.interval() != interval:
            self._timer.start(interval)

    def show_frame(self) -> None:
        """Bring overlays, sun and time bar to the clock's instant; what did not change is not drawn."""
        clock = self._services.clock
        instant = clock.now()
        pictures = self._pictures = self._services.overlays.requests(instant)
        specs = {spec.id: spec for spec in self._services.session.project.overlays}
        for overlay_id, picture in pictures.items():
            self._draw(overlay_id, picture, specs.get(overlay_id))
        for overlay_id in self._drawn.keys() - pictures.keys():  # its plugin has gone
            self._draw(overlay_id, OverlayPicture(), None)
        self._animate()
        if self._sun_at is None or abs(instant - self._sun_at) >= SUN_EVERY:
            self._sun_at = instant
            self._show_sun(instant)
        simulated = any(
            overlay.simulated and overlay.id in specs and specs[overlay.id].visible
            for overlay in self._services.registry.overlays
        )
        if self._panels.time.isVisible() or not self._panels.time.clock.text():
            self._panels.time.show_state(
                TimeState(
                    instant=instant,
                    mode=clock.mode,
                    speed=clock.speed,
                    simulated=simulated,
                    by_day=self._by_day,
                )
            )
        facts = self._facts_of(pictures)
        if facts != self._facts:
            self._facts = facts
            self._on_overlays()

    def _animate(self) -> None:
        """Let dashes flow while time does, unless the person wants nothing to move by itself."""
        now = time.monotonic()
        elapsed_s, self._animated_at = now - self._animated_at, now
        if self._services.clock.rate > 0 and not self._services.settings.reduce_motion:
            self._scene.animate(elapsed_s)

    def play_or_pause(self) -> None:
        """Stop time, or let it run on from what is shown."""
        clock = self._services.clock
        if clock.mode is ClockMode.PAUSED:
            clock.play()
        else:
            clock.pause()
        self.wake()

    def go_live(self) -> None:
        self._services.clock.go_live()
        self.wake()

    def close(self) -> None:
        self._timer.stop()
        self._stop_hearing()

    def _follow(self, change: Change) -> None:
        before, after = change.before, change.after
        if (before.crs, before.origin) != (after.crs, after.origin):
            self._sun_at = None  # another place has another sun
        self.wake()

    def _show_sun(self, instant: datetime) -> None:
        """Put the sun where it stands; by night, who looks at the present wants to see the city all the same."""
        is_present = abs(instant - utc_now()) < PRESENT
        shown = self._scene.by_day(instant) if is_present else instant
        self._by_day = shown != instant
        self._scene.set_instant(shown)

    def _draw(self, overlay_id: str, picture: OverlayPicture, spec: OverlaySpec | None) -> None:
        shown = spec is not None and spec.visible and bool(picture.requests)
        if not shown or spec is None:
            if self._drawn.pop(overlay_id, None) is not None:
                self._scene.remove_overlay(overlay_id)
            return
        requests, drawn_spec = self._drawn.get(overlay_id, (None, None))
        if requests is not picture.requests or drawn_spec != spec:
            self._drawn[overlay_id] = (picture.requests, spec)
            self._scene.draw_overlay(overlay_id, picture.requests, opacity=spec.opacity, visible=True)

    def _facts_of(self, pictures: Mapping[str, OverlayPicture]) -> tuple[OverlayFacts, ...]:
        registry = self._services.registry
        every: list[OverlayContribution | LayerContribution] = [*registry.overlays, *registry.layers]
        return tuple(
            overlay_facts(each, pictures.get(each.id, OverlayPicture()), plugin=registry.plugin_of(each.id).name)
            for each in every
        )

    def _play_at(self, speed: float) -> None:
        self._services.clock.play(speed)
        self.wake()

    def scrub(self, instant: datetime) -> None:
        """Show another instant."""
        self._services.clock.scrub(instant)
        self._sun_at = None
        self.wake()

    def _step(self, step: timedelta) -> None:
        self.scrub(self._services.clock.now() + step)

    def _show_overlays(self) -> None:
        self._panels.show("layers")
        keys = {f"overlay:{facts.id}" for facts in self._facts[:1]}
        self._panels.layers.select_keys(keys)
        self._panels.layers.tree.setFocus()

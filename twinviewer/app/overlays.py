"""Overlays that are switched on: each has a feed on a thread of its own, a store, and a picture per frame.

The main thread asks :meth:`OverlayRunner.requests` once per frame.  It never waits for a feed, and what a plugin
raises or returns wrongly becomes the state of its overlay.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum

import numpy as np

from twinviewer.app.feeding import Feeder
from twinviewer.app.plugins.manifest import OverlayContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_requests
from twinviewer.app.session import Change, Session
from twinviewer.app.site import SessionSite, site_of
from twinviewer.live.clock import Clock, utc_now
from twinviewer.live.store import STALE_AFTER_PERIODS, ObservationStore
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.observation import Frame, ObservationFrame
from twinviewer.model.project import LayerId, OverlaySpec, Project

STOP_WITHIN_S = 1.0
SETTLE_S = 0.3
"""Feeds start when the project's layers have not changed for so long."""
SETTLE_WHILE_LOADING_S = 3.0
"""The same while some layers are still being read."""
REENCODE_S = 1.0
"""An unchanged frame is drawn anew after so long: labels may say how old a result is."""


class OverlayState(StrEnum):
    OFF = "off"
    WAITING = "waiting"
    """Switched on, and nothing is known yet."""
    SIMULATED = "simulated"
    """Shows made-up values."""
    LIVE = "live"
    """The source delivers."""
    STALE = "stale"
    """What is shown is older than twice the feed's period."""
    FAILED = "failed"
    """The source does not deliver, or the plugin is at fault."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OverlayPicture:
    """One overlay in one frame.  ``requests`` is the same object as before where nothing is to be drawn anew."""

    requests: tuple[DrawingRequest, ...] = ()
    state: OverlayState = OverlayState.OFF
    age_s: float = float("inf")
    """Between the shown instant and the newest result before it; inf where nothing is known."""
    problem: TwinViewerError | None = None
    """Why it failed."""


@dataclass(kw_only=True)
class _Running:
    overlay: OverlayContribution
    site: SessionSite
    store: ObservationStore
    feeder: Feeder
    picture: OverlayPicture
    frames: tuple[Frame, ...] = ()
    """What ``picture`` was made from."""
    asked: tuple[datetime, int] | None = None
    """Instant and store revision that ``picture`` was made for."""
    encoded_at: float = -np.inf


def default_overlays(registry: PluginRegistry) -> tuple[OverlaySpec, ...]:
    """Return the overlays that are on in the demo city."""
    return tuple(OverlaySpec(id=overlay.id) for overlay in registry.overlays if overlay.default_on)


def picture_note(registry: PluginRegistry, pictures: Mapping[str, OverlayPicture]) -> str:
    """Return what must stand in a picture that shows these overlays: which are simulated; empty where none is."""
    simulated = [
        overlay.title.removesuffix(" (simulated)")
        for overlay in registry.overlays
        if overlay.id in pictures and pictures[overlay.id].state is OverlayState.SIMULATED
    ]
    return f"Simulated: {', '.join(simulated)}" if simulated else ""


class OverlayRunner:
    """Runs the overlays that the session's document switches on.  Only for the session's thread.

    Args:
        registry: Where overlays come from.
        session: Says which are on, and what the site is.
        clock: Says which instant the feeds must know about.
        wall: The present.
        monotonic: Seconds that never run backwards.
    """

    def __init__(
        self,
        *,
        registry: PluginRegistry,
        session: Session,
        clock: Clock,
        wall: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._session, self._clock = registry, session, clock
        self._wall, self._monotonic = wall, monotonic
        self._running: dict[str, _Running] = {}
        self._ending: list[Feeder] = []
        self._site: SessionSite | None = None
        self._site_changed_at: float | None = monotonic()
        self._stop_hearing = (session.on_change(self._hear_change), session.store.on_put(self._hear_data))

    @property
    def site(self) -> SessionSite | None:
        """The place as overlays, panels and commands know it; None while nothing is loaded, or it is just coming in."""
        self._renew_site()
        return self._site

    def requests(self, instant: datetime) -> Mapping[str, OverlayPicture]:
        """Return the picture at ``instant`` of every overlay that there is, by contribution id."""
        self._renew_site()
        wanted = _switched_on(self._session.project)
        for overlay_id in self._running.keys() - wanted:
            self._end(overlay_id)
        return {
            overlay.id: self._picture(overlay, instant, on=overlay.id in wanted) for overlay in self._registry.overlays
        }

    def stop(self) -> None:
        """End all feeds, within a second; the runner is of no use afterwards."""
        for stop_hearing in self._stop_hearing:
            stop_hearing()
        for overlay_id in tuple(self._running):
            self._end(overlay_id)
        deadline = time.monotonic() + STOP_WITHIN_S
        for feeder in self._ending:
            feeder.join(max(0.0, deadline - time.monotonic()))
        self._ending.clear()

    def _hear_change(self, change: Change) -> None:
        if _site_facts(change.before) != _site_facts(change.after):
            self._site_changed_at = self._monotonic()
        for overlay_id in _switched_on(change.after) - _switched_on(change.before):
            self._registry.switch_on(overlay_id)  # one that had failed too often has another chance

    # --- the site -----------------------------------------------------------------------------------------------

    def _hear_data(self, layer_id: LayerId) -> None:
        self._site_changed_at = self._monotonic()

    def _renew_site(self) -> None:
        """Take a new snapshot when the layers have settled; feeds start over with it."""
        if self._site_changed_at is None:
            return
        loading = any(self._session.store.get(layer.id) is None for layer in self._session.project.layers)
        if self._monotonic() - self._site_changed_at < (SETTLE_WHILE_LOADING_S if loading else SETTLE_S):
            return
        self._site_changed_at = None
        self._site = site_of(self._session)
        for overlay_id, running in tuple(self._running.items()):
            self._end(overlay_id)
            if self._site is not None:
                self._begin(running.overlay, self._site).picture = running.picture

    # --- overlays -----------------------------------------------------------------------------------------------

    def _begin(self, overlay: OverlayContribution, site: SessionSite) -> _Running:
        store = ObservationStore(period_s=overlay.period_s)
        feeder = Feeder(
            registry=self._registry, overlay=overlay, site=site, clock=self._clock, store=store, wall=self._wall
        )
        running = _Running(
            overlay=overlay,
            site=site,
            store=store,
            feeder=feeder,
            picture=OverlayPicture(state=OverlayState.WAITING),
        )
        self._running[overlay.id] = running
        feeder.start()
        return running

    def _end(self, overlay_id: str) -> None:
        feeder = self._running.pop(overlay_id).feeder
        feeder.stop()
        self._ending = [*(ending for ending in self._ending if ending.is_alive()), feeder]

    def _picture(self, overlay: OverlayContribution, instant: datetime, *, on: bool) -> OverlayPicture:
        if not on:
            return OverlayPicture()
        failure = self._registry.failure(overlay.id)
        if failure is not None and failure.disabled:
            if overlay.id in self._running:
                self._end(overlay.id)
            return OverlayPicture(state=OverlayState.FAILED, problem=failure.error)
        running = self._running.get(overlay.id)
        if running is None:
            if self._site is None:
                return OverlayPicture(state=OverlayState.WAITING)
            running = self._begin(overlay, self._site)
        shown = self._known_instant(running, instant)
        asked = (shown, running.store.revision)
        if asked != running.asked:
            running.asked = asked
            self._redraw(running, shown)
        return self._with_state(running)

    def _known_instant(self, running: _Running, instant: datetime) -> datetime:
        """Return ``instant``, or the last one before it that is known while the clock runs faster than the feed."""
        if self._clock.rate <= 1:
            if running.store.covered_until(instant) is None:
                running.feeder.wake()
            return instant
        known_s = running.store.known_until(instant)
        if known_s is None:
            running.feeder.wake()
            return instant
        return min(instant, datetime.fromtimestamp(known_s, UTC))

    def _redraw(self, running: _Running, instant: datetime) -> None:
        frames = running.store.frames_at(instant)
        now = self._monotonic()
        if not frames:
            return
        age_s = min(_age_s(frame) for frame in frames)
        if _look_the_same(frames, running.frames) and now - running.encoded_at < REENCODE_S:
            running.picture = replace(running.picture, age_s=age_s)
            return
        try:
            requests = self._registry.call(
                running.overlay.id,
                running.overlay.encode,
                {"frames": frames, "site": running.site},
                check=checked_requests,
            )
        except TwinViewerError as error:
            running.asked, running.frames = None, ()
            running.picture = OverlayPicture(state=OverlayState.FAILED, problem=error, age_s=age_s)
            return
        running.frames, running.encoded_at = frames, now
        running.picture = OverlayPicture(requests=requests, state=OverlayState.LIVE, age_s=age_s)

    def _with_state(self, running: _Running) -> OverlayPicture:
        picture, overlay = running.picture, running.overlay
        problem = running.feeder.problem
        if picture.problem is not None:
            return picture
        if problem is not None:
            return replace(picture, state=OverlayState.FAILED, problem=problem)
        if np.isinf(picture.age_s):
            return replace(picture, state=OverlayState.WAITING)
        if overlay.simulated:
            return replace(picture, state=OverlayState.SIMULATED)
        old = picture.age_s > STALE_AFTER_PERIODS * overlay.period_s
        return replace(picture, state=OverlayState.STALE if old else OverlayState.LIVE)


def _switched_on(project: Project) -> set[str]:
    return {spec.id for spec in project.overlays if spec.visible}


def _site_facts(project: Project) -> tuple[object, ...]:
    """Return what of the document the site depends on."""
    return (project.crs, tuple((layer.id, layer.role) for layer in project.layers))


def _age_s(frame: Frame) -> float:
    if isinstance(frame, ObservationFrame):
        return float(frame.age_s.min(initial=np.inf))
    return 0.0 if frame.ids else float("inf")


def _look_the_same(frames: Sequence[Frame], before: Sequence[Frame]) -> bool:
    """Return whether only the instant differs: nothing moves, and all results are as they were."""
    return len(frames) == len(before) and all(
        isinstance(new, ObservationFrame)
        and isinstance(old, ObservationFrame)
        and new.things is old.things
        and np.array_equal(new.results, old.results, equal_nan=True)
        and np.array_equal(new.stale, old.stale)
        for new, old in zip(frames, before, strict=True)
    )

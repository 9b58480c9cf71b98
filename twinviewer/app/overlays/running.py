"""Overlays and layers of plugins that are switched on: what the scene is to draw of them, and how they fare.

An overlay has a feed and an encode function, each on a thread of its own, and a store between them; a layer is drawn
once, as a job.  The main thread asks :meth:`OverlayRunner.requests` once per frame: it calls no code of a plugin and
waits for nothing, and what a plugin raises, returns wrongly or never returns becomes the state of its overlay.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

import numpy as np

from twinviewer.app.jobs import JobRunner
from twinviewer.app.overlays.binding import ALL_FOUND, Unbound
from twinviewer.app.overlays.encoding import NOTHING_MADE, Encoder, Made
from twinviewer.app.overlays.feeding import Feeder
from twinviewer.app.overlays.finishing import NOTHING, Finished
from twinviewer.app.overlays.layer_drawing import LayerDrawing
from twinviewer.app.overlays.metering import Traffic
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.failures import WaitsForPersonError
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.fingerprints import feed_fingerprint
from twinviewer.app.plugins.manifest import LayerContribution, OverlayContribution
from twinviewer.app.plugins.registry import PluginChange, PluginEvent, PluginRegistry
from twinviewer.app.session import Change, Session
from twinviewer.app.site import SessionSite, site_of
from twinviewer.live.clock import Clock, utc_now
from twinviewer.live.store import STALE_AFTER_PERIODS, ObservationStore
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.project import LayerId, OverlaySpec, Project

STOP_WITHIN_S = 1.0
SETTLE_S = 0.3
"""Feeds start when the project's layers have not changed for so long."""
SETTLE_WHILE_LOADING_S = 3.0
"""The same while some layers are still being read."""
SLOW_S = 1.5
"""A function that has not answered for so long is said not to."""
_LOOK_EVERY_S = 0.005


class OverlayState(StrEnum):
    OFF = "off"
    WAITING = "waiting"
    """Switched on, and nothing is known yet."""
    DRAWING = "drawing"
    """A layer is being made."""
    STOPPED = "stopped"
    """A layer, and the person stopped it."""
    SHOWN = "shown"
    """A layer is drawn."""
    SIMULATED = "simulated"
    """Shows made-up values."""
    LIVE = "live"
    """The source delivers."""
    STALE = "stale"
    """What is shown is older than twice the feed's period."""
    NOT_ANSWERING = "not-answering"
    """Its function has been running for long; the last picture stays."""
    NEEDS_PERSON = "needs-person"
    """Nothing happens before the person has allowed or entered something."""
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
    """Why it failed, or what it waits for."""
    unbound: Unbound = ALL_FOUND
    """The city objects that it names and that are not there."""
    notes: tuple[str, ...] = ()
    """What was assumed, one sentence each."""


@dataclass(kw_only=True)
class _Running:
    overlay: OverlayContribution
    plugin: Plugin
    site: SessionSite
    store: ObservationStore
    feeder: Feeder
    encoder: Encoder

    def stop(self) -> None:
        self.feeder.stop()
        self.encoder.stop()


def default_overlays(registry: PluginRegistry) -> tuple[OverlaySpec, ...]:
    """Return the overlays that are on in the demo city."""
    return tuple(OverlaySpec(id=overlay.id) for overlay in registry.overlays if overlay.default_on)


def picture_note(registry: PluginRegistry, pictures: Mapping[str, OverlayPicture]) -> str:
    """Return what must stand in a picture that shows these overlays: which are simulated; empty where none is."""
    simulated = [
        overlay.title.removesuffix(" (simulated)")
        for overlay in registry.overlays
        if overlay.simulated and overlay.id in pictures and pictures[overlay.id].requests
    ]
    return f"Simulated: {', '.join(simulated)}" if simulated else ""


class OverlayRunner:
    """Runs the overlays and layers that the session's document switches on.  Only for the session's thread.

    Args:
        registry: Where they come from.
        session: Says which are on, and what the site is.
        clock: Says which instant the feeds must know about.
        jobs: Shows the making of layers.
        shapes: Reads the files of icons and meshes.
        wall: The present.
        monotonic: Seconds that never run backwards.
    """

    def __init__(
        self,
        *,
        registry: PluginRegistry,
        session: Session,
        clock: Clock,
        jobs: JobRunner,
        shapes: ShapeFiles,
        wall: Callable[[], datetime] = utc_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._session, self._clock = registry, session, clock
        self._jobs, self._shapes = jobs, shapes
        self._wall, self._monotonic = wall, monotonic
        self._running: dict[str, _Running] = {}
        self._layers: dict[str, LayerDrawing] = {}
        self._ending: list[Feeder | Encoder] = []
        self._site: SessionSite | None = None
        self._site_changed_at: float | None = monotonic()
        self._plugin_changes: deque[PluginChange] = deque()
        """Heard of on any thread, followed with the next frame."""
        self._stop_hearing = (
            session.on_change(self._hear_change),
            session.store.on_put(self._hear_data),
            registry.on_change(self._plugin_changes.append),
        )

    @property
    def site(self) -> SessionSite | None:
        """The place as overlays, panels and commands know it; None while nothing is loaded, or it is just coming in."""
        self._renew_site()
        return self._site

    def requests(self, instant: datetime) -> Mapping[str, OverlayPicture]:
        """Return the newest picture for ``instant`` of every overlay and layer that there is, by contribution id.

        It may be one of an earlier instant where the plugin is not that fast.
        """
        self._follow_plugins()
        self._renew_site()
        overlays = {overlay.id: overlay for overlay in self._registry.overlays}
        layers = {layer.id: layer for layer in self._registry.layers}
        wanted = _switched_on(self._session.project)
        for overlay_id in self._running.keys() - (wanted & overlays.keys()):
            self._end(overlay_id)
        for layer_id in self._layers.keys() - (wanted & layers.keys()):
            self._layers.pop(layer_id).stop()
        pictures = {
            overlay.id: self._picture(overlay, instant) if overlay.id in wanted else OverlayPicture()
            for overlay in overlays.values()
        }
        for layer in layers.values():
            pictures[layer.id] = self._layer_picture(layer) if layer.id in wanted else OverlayPicture()
        return pictures

    def settle(self, instant: datetime, *, timeout_s: float) -> Mapping[str, OverlayPicture]:
        """Wait until everything that is on shows ``instant``, or has failed; return the pictures.

        For scripts and pictures without a window: the clock must stand still at ``instant``, and the document must be
        as it is to be shown.

        Args:
            instant: What the clock shows.
            timeout_s: After so long, what there is must do.
        """
        deadline = time.monotonic() + timeout_s
        while True:
            self._renew_site(at_once=True)
            pictures = self.requests(instant)
            if self._shows(pictures, instant) or time.monotonic() > deadline:
                return pictures
            time.sleep(_LOOK_EVERY_S)

    def traffic(self) -> Mapping[str, Traffic]:
        """Return what goes through the overlays that run, per second, by contribution id."""
        return {
            overlay_id: Traffic(
                batches=running.feeder.batches.per_s(),
                rows=running.feeder.rows.per_s(),
                pictures=running.encoder.pictures.per_s(),
            )
            for overlay_id, running in self._running.items()
        }

    def stop(self) -> None:
        """End all feeds and layers, within a second; the runner is of no use afterwards."""
        for stop_hearing in self._stop_hearing:
            stop_hearing()
        for overlay_id in tuple(self._running):
            self._end(overlay_id)
        for layer in self._layers.values():
            layer.stop()
        self._layers.clear()
        deadline = time.monotonic() + STOP_WITHIN_S
        for ending in self._ending:
            ending.join(max(0.0, deadline - time.monotonic()))
        self._ending.clear()

    def _hear_change(self, change: Change) -> None:
        if _site_facts(change.before) != _site_facts(change.after):
            self._site_changed_at = self._monotonic()
        for overlay_id in _switched_on(change.after) - _switched_on(change.before):
            if self._registry.is_disabled(overlay_id):
                self._registry.switch_on(overlay_id)  # one that had failed too often has another chance

    # --- the site -----------------------------------------------------------------------------------------------

    def _hear_data(self, layer_id: LayerId) -> None:
        self._site_changed_at = self._monotonic()

    def _renew_site(self, *, at_once: bool = False) -> None:
        """Take a new snapshot when the layers have settled; feeds and layers start over with it."""
        if self._site_changed_at is None:
            return
        loading = any(self._session.store.get(layer.id) is None for layer in self._session.project.layers)
        pause_s = SETTLE_WHILE_LOADING_S if loading else SETTLE_S
        if not at_once and self._monotonic() - self._site_changed_at < pause_s:
            return
        self._site_changed_at = None
        self._site = site_of(self._session)
        for running in tuple(self._running.values()):
            self._end(running.overlay.id)
            if self._site is not None:
                self._begin(running.overlay, self._site, made=running.encoder.made)
        for layer_id, drawing in tuple(self._layers.items()):
            self._redraw(layer_id, drawing.finished)

    # --- plugins ------------------------------------------------------------------------------------------------

    def _follow_plugins(self) -> None:
        """Start over what belongs to plugins that were reloaded, got other settings or were allowed to run."""
        while self._plugin_changes:
            change = self._plugin_changes.popleft()
            starts_over = change.event in (PluginEvent.RELOADED, PluginEvent.SETTINGS, PluginEvent.ACCEPTED)
            if not starts_over and change.event is not PluginEvent.SWITCHED_ON:
                continue  # what came or went is seen in the registry
            own = {layer.id for layer in self._registry.layers if self._is_of(layer.id, change.plugin_id)}
            for running in [each for each in self._running.values() if each.plugin.id == change.plugin_id]:
                if starts_over:
                    self._end(running.overlay.id)
                    self._begin_again(running, forget=change.event is PluginEvent.SETTINGS)
            for layer_id, drawing in tuple(self._layers.items()):
                if layer_id in own and (starts_over or drawing.problem is not None):
                    self._redraw(layer_id, drawing.finished)

    def _is_of(self, contribution_id: str, plugin_id: str) -> bool:
        return self._registry.plugin_of(contribution_id).id == plugin_id

    def _begin_again(self, old: _Running, *, forget: bool) -> None:
        """Run an overlay of a plugin that was changed; what its feed told stays, if the feed is the same."""
        overlay = self._registry.overlay(old.overlay.id)
        if overlay is None:
            return
        same_feed = old.encoder.fingerprint == feed_fingerprint(self._registry.plugin_of(overlay.id), overlay)
        store = old.store if same_feed and not forget else None
        self._begin(overlay, old.site, made=old.encoder.made, store=store)

    # --- overlays -----------------------------------------------------------------------------------------------

    def _begin(
        self,
        overlay: OverlayContribution,
        site: SessionSite,
        *,
        made: Made = NOTHING_MADE,
        store: ObservationStore | None = None,
    ) -> _Running:
        plugin = self._registry.plugin_of(overlay.id)
        if store is None:
            store = ObservationStore(period_s=overlay.period_s, trail_s=overlay.trail_s)
        feeder = Feeder(
            registry=self._registry,
            overlay=overlay,
            site=site,
            clock=self._clock,
            store=store,
            wall=self._wall,
            monotonic=self._monotonic,
        )
        encoder = Encoder(
            registry=self._registry,
            overlay=overlay,
            site=site,
            store=store,
            clock=self._clock,
            shapes=self._shapes,
            wake_feed=feeder.wake,
            monotonic=self._monotonic,
        )
        running = _Running(
            overlay=overlay,
            plugin=plugin,
            site=site,
            store=store,
            feeder=feeder,
            encoder=encoder,
        )
        self._running[overlay.id] = running
        feeder.start()
        encoder.start(made)
        return running

    def _end(self, overlay_id: str) -> None:
        running = self._running.pop(overlay_id)
        running.stop()
        self._ending = [ending for ending in self._ending if ending.is_alive()]
        self._ending += [running.feeder, running.encoder]

    def _picture(self, overlay: OverlayContribution, instant: datetime) -> OverlayPicture:
        running = self._running.get(overlay.id)
        if running is not None:
            self._give_up_if_blocked(running)
        failure = self._registry.failure(overlay.id)
        if failure is not None and failure.disabled:
            if running is not None:
                self._end(overlay.id)
            return OverlayPicture(state=OverlayState.FAILED, problem=failure.error)
        if running is None:
            if self._site is None:
                return OverlayPicture(state=OverlayState.WAITING)
            running = self._begin(overlay, self._site)
        running.encoder.want(instant)
        return _with_state(running, is_slow=self._is_slow(running))

    def _is_slow(self, running: _Running) -> bool:
        """Return whether a function that somebody waits for has been running for long.

        Nobody waits for a feed that has told something.
        """
        waits = np.isinf(running.encoder.made.age_s)
        busy_s = max(running.encoder.busy_s, running.feeder.busy_s if waits else 0.0)
        if running.plugin.isolated:  # starting its process is no fault of the function
            busy_s = min(busy_s, self._registry.processes.ready_for_s(running.plugin.id))
        return busy_s > SLOW_S

    def _give_up_if_blocked(self, running: _Running) -> None:
        """Leave a function that does not come back alone: its thread cannot be ended, and is not waited for.

        Functions of plugins that run apart are ended by those who run them.
        """
        overlay, limit_s = running.overlay, running.plugin.manifest.limits.call_s
        if running.plugin.isolated:
            return
        for part, reference in ((running.feeder, overlay.feed), (running.encoder, overlay.encode)):
            if part.busy_s > limit_s:
                error = PluginError(
                    f"“{overlay.title}” did not answer for {limit_s:g} seconds.",
                    cure="Switch it on again once the plugin is mended; the log has the details for its author.",
                    source=running.plugin.name,
                )
                self._registry.report_failure(overlay.id, error, reference=reference, is_final=True)

    def _shows(self, pictures: Mapping[str, OverlayPicture], instant: datetime) -> bool:
        """Return whether nothing more is to be expected for ``instant``."""
        if any(picture.state is OverlayState.DRAWING for picture in pictures.values()):
            return False
        return all(
            pictures[overlay_id].problem is not None
            or (running.feeder.content_at == instant and _is_made(running, instant))
            for overlay_id, running in self._running.items()
        )

    # --- layers -------------------------------------------------------------------------------------------------

    def _redraw(self, layer_id: str, before: Finished) -> None:
        self._layers.pop(layer_id).stop()
        layer = self._registry.contribution(layer_id, LayerContribution)
        if layer is not None and self._site is not None:
            self._draw(layer, self._site, before)

    def _draw(self, layer: LayerContribution, site: SessionSite, before: Finished = NOTHING) -> LayerDrawing:
        drawing = self._layers[layer.id] = LayerDrawing(
            registry=self._registry, layer=layer, site=site, shapes=self._shapes, jobs=self._jobs, before=before
        )
        return drawing

    def _layer_picture(self, layer: LayerContribution) -> OverlayPicture:
        drawing = self._layers.get(layer.id)
        if drawing is None:
            if self._site is None:
                return OverlayPicture(state=OverlayState.WAITING)
            drawing = self._draw(layer, self._site)
        finished, problem = drawing.finished, drawing.problem
        if isinstance(problem, WaitsForPersonError):
            state = OverlayState.NEEDS_PERSON
        elif problem is not None:
            state = OverlayState.FAILED
        elif not drawing.is_done:
            state = OverlayState.DRAWING
        else:
            state = OverlayState.STOPPED if drawing.was_stopped else OverlayState.SHOWN
        return OverlayPicture(
            requests=finished.requests,
            state=state,
            age_s=0.0,
            problem=problem,
            unbound=finished.unbound,
            notes=finished.notes,
        )


def _with_state(running: _Running, *, is_slow: bool) -> OverlayPicture:
    made, overlay = running.encoder.made, running.overlay
    problem = made.problem or running.feeder.problem
    picture = OverlayPicture(
        requests=made.finished.requests,
        age_s=made.age_s,
        problem=problem,
        unbound=made.finished.unbound,
        notes=made.finished.notes,
    )
    if isinstance(problem, WaitsForPersonError):
        state = OverlayState.NEEDS_PERSON
    elif problem is not None:
        state = OverlayState.FAILED
    elif is_slow:
        state = OverlayState.NOT_ANSWERING
    elif np.isinf(made.age_s):
        state = OverlayState.WAITING
    elif overlay.simulated:
        state = OverlayState.SIMULATED
    else:
        old = made.age_s > STALE_AFTER_PERIODS * overlay.period_s
        state = OverlayState.STALE if old else OverlayState.LIVE
    return replace(picture, state=state)


def _is_made(running: _Running, instant: datetime) -> bool:
    made = running.encoder.made
    return made.instant == instant and made.revision == running.store.revision


def _switched_on(project: Project) -> set[str]:
    return {spec.id for spec in project.overlays if spec.visible}


def _site_facts(project: Project) -> tuple[object, ...]:
    """Return what of the document the site depends on."""
    return (project.crs, tuple((layer.id, layer.role) for layer in project.layers))

"""Moves the view: turns drags, steps and flights into viewpoints, one after another.

The navigator knows what is going on (a drag, a flight, a coasting) and asks the pure functions of
:mod:`twinviewer.scene.navigation` where that leads.  It knows neither layers nor events: positions come in device
pixels from the top-left corner, and the scene is whatever has a viewpoint and answers two questions.
"""

from __future__ import annotations

import math
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint
from twinviewer.scene import flights, named_views, navigation
from twinviewer.scene.named_views import NamedView
from twinviewer.scene.navigation import Grab, Limits, Picture, Point
from twinviewer.ui.input import Drag, Preset

FRAME_MS = 16
SETTLING_MS = 250
"""How long after the last turn of a wheel or key the view counts as at rest."""
_TURN_DEG_PER_PICTURE = 180.0
_DRAG_ZOOM_PER_PICTURE = math.log(16)
_STEP_SHARE = 0.08
"""Of the visible height, that a key moves."""
_STEP_TURN_DEG = 7.5
_STEP_LOOK_DEG = 4.0
_STEP_ZOOM = 0.85
_STEP_RISE_SHARE = 0.15
_COASTING_FROM_PX_PER_S = 150.0
_HAND_RESTS_AFTER_S = 0.06
"""A hand that has not moved for this long before letting go meant to stop there."""
SLOW_TURN_S = 120.0


class NavigatedScene(Protocol):
    """What navigation needs of a scene.  Coordinates are metres in the project's reference system."""

    viewpoint: Viewpoint

    def extent(self) -> Extent | None:
        """Return the box around all that is shown, or None if nothing is."""

    def world_at(self, x_px: float, y_px: float) -> Point | None:
        """Return what is seen at a pixel, or None where that is the sky."""

    def ground_height(self, x: float, y: float) -> float | None:
        """Return the height of the ground, or None where nobody knows."""


@dataclass(slots=True)
class _Drag:
    kind: Drag
    x: float
    y: float
    anchor: Point
    grab: Grab


@dataclass(frozen=True, slots=True)
class _Flight:
    start: Viewpoint
    end: Viewpoint
    began_s: float
    seconds: float


@dataclass(frozen=True, slots=True)
class _Coasting:
    grab: Grab
    from_px: tuple[float, float]
    velocity_px_per_s: tuple[float, float]
    began_s: float


@dataclass(frozen=True, slots=True)
class _SlowTurn:
    start: Viewpoint
    began_s: float
    seconds_per_turn: float


class Navigator(QObject):
    """Moves the viewpoint of one scene."""

    viewpoint_changed = Signal(object)
    """The new :class:`Viewpoint`."""
    interaction_started = Signal()
    """From here to ``interaction_ended`` frames come thick and fast: leave out what is costly."""
    interaction_ended = Signal()

    def __init__(
        self,
        picture: Callable[[], Picture],
        *,
        clock: Callable[[], float] = time.monotonic,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.preset: Preset = "map"
        self.reduce_motion = False
        """No flights, no coasting: cut to where they would end."""
        self._picture = picture
        self._clock = clock
        self._scene: NavigatedScene | None = None
        self._drag: _Drag | None = None
        self._motion: _Flight | _Coasting | _SlowTurn | None = None
        self._interacting = False
        self._extent: Extent | None = None
        """Of the scene; asked for once per interaction, since a large scene may have to add it up."""
        self._trail: deque[tuple[float, float, float]] = deque(maxlen=8)
        self._wheel_anchor: tuple[float, float, Point] | None = None
        self._frames = QTimer(self)
        self._frames.setTimerType(Qt.TimerType.PreciseTimer)
        self._frames.setInterval(FRAME_MS)
        self._frames.timeout.connect(self.advance)
        self._settling = QTimer(self)
        self._settling.setSingleShot(True)
        self._settling.setInterval(SETTLING_MS)
        self._settling.timeout.connect(self._settle)

    @property
    def scene(self) -> NavigatedScene | None:
        return self._scene

    @scene.setter
    def scene(self, scene: NavigatedScene | None) -> None:
        self.stop()
        self._scene = scene

    @property
    def is_moving(self) -> bool:
        """Whether the view moves by itself: a flight, a coasting, a slow turn."""
        return self._motion is not None

    @property
    def is_dragging(self) -> bool:
        return self._drag is not None

    def limits(self) -> Limits:
        """Return where the view may go.  What is shown counts as it was when the interaction began."""
        if self._scene is None:
            return Limits(ground_height=lambda x, y: None)
        if not self._interacting:
            self._extent = self._scene.extent()
        return Limits(ground_height=self._scene.ground_height, extent=self._extent)

    # ---- drags

    def begin_drag(self, kind: Drag, x_px: float, y_px: float) -> None:
        """Take hold of what is seen at a pixel."""
        self._stop_motion()
        if self._scene is None:
            return
        viewpoint = self._scene.viewpoint
        limits = self.limits()
        seen = self._scene.world_at(x_px, y_px) if kind is not Drag.LOOK else None
        if seen is not None and navigation.is_out_of_reach(viewpoint, seen, limits=limits):
            seen = None
        if seen is None and kind is Drag.MOVE:
            kind = Drag.LOOK  # who drags the sky wants to see more of it
        anchor = seen or navigation.point_ahead(viewpoint, x_px, y_px, self._picture())
        if self.preset == "orbit" and kind is Drag.ZOOM:
            anchor = viewpoint.target
        take = navigation.grab_facing if kind is Drag.SLIDE else navigation.grab
        self._drag = _Drag(kind, x_px, y_px, anchor, take(viewpoint, anchor))
        self._trail.clear()
        self._start()

    def drag_to(self, x_px: float, y_px: float) -> None:
        """Follow the cursor."""
        drag, scene = self._drag, self._scene
        if drag is None or scene is None:
            return
        picture, limits, viewpoint = self._picture(), self.limits(), scene.viewpoint
        dx, dy = x_px - drag.x, y_px - drag.y
        drag.x, drag.y = x_px, y_px
        self._trail.append((self._clock(), x_px, y_px))
        per_px = _TURN_DEG_PER_PICTURE / min(picture.width_px, picture.height_px)
        match drag.kind:
            case Drag.MOVE | Drag.SLIDE:
                moved = navigation.pan(viewpoint, drag.grab, (x_px, y_px), picture, limits=limits)
            case Drag.TURN | Drag.ORBIT:
                pivot = drag.anchor if drag.kind is Drag.TURN else viewpoint.target
                moved = navigation.turn(viewpoint, pivot, right_deg=dx * per_px, up_deg=-dy * per_px, limits=limits)
            case Drag.LOOK:
                # the picture follows the hand: what was grabbed stays under the cursor, near enough
                sight = viewpoint.view_angle_deg / picture.height_px
                moved = navigation.look(viewpoint, right_deg=-dx * sight, up_deg=dy * sight, limits=limits)
            case Drag.ZOOM:
                # towards the person is nearer on a map (QGIS, Google Earth), farther around an object (Blender)
                nearer = dy if self.preset == "map" else -dy
                factor = math.exp(-nearer * _DRAG_ZOOM_PER_PICTURE / picture.height_px)
                moved = self._zoomed(viewpoint, drag.anchor, factor)
        self._show(moved)

    def end_drag(self) -> None:
        """Let go; a moving hand lets the ground coast for a moment."""
        drag, self._drag = self._drag, None
        if drag is None:
            return
        velocity = self._hand_velocity()
        if (
            drag.kind in (Drag.MOVE, Drag.SLIDE)
            and not self.reduce_motion
            and math.hypot(*velocity) > _COASTING_FROM_PX_PER_S
        ):
            self._set_in_motion(_Coasting(drag.grab, (drag.x, drag.y), velocity, self._clock()))
        else:
            self._settle()

    def _hand_velocity(self) -> tuple[float, float]:
        if len(self._trail) < 2 or self._clock() - self._trail[-1][0] > _HAND_RESTS_AFTER_S:
            return (0.0, 0.0)
        (t0, x0, y0), (t1, x1, y1) = self._trail[0], self._trail[-1]
        for t, x, y in self._trail:
            if t1 - t <= 2 * _HAND_RESTS_AFTER_S:
                t0, x0, y0 = t, x, y
                break
        return ((x1 - x0) / (t1 - t0), (y1 - y0) / (t1 - t0)) if t1 > t0 else (0.0, 0.0)

    # ---- wheel and two fingers

    def zoom_at(self, x_px: float, y_px: float, factor: float) -> None:
        """Scale the distance to what is seen at a pixel; it stays there."""
        if self._scene is None:
            return
        self._stop_motion()
        viewpoint = self._scene.viewpoint
        if self.preset == "orbit":
            anchor = viewpoint.target
        elif self._wheel_anchor is not None and math.dist(self._wheel_anchor[:2], (x_px, y_px)) < 2:
            anchor = self._wheel_anchor[2]  # asking the scene again for every notch would cost a frame each
        else:
            anchor = self._scene.world_at(x_px, y_px) or navigation.point_ahead(viewpoint, x_px, y_px, self._picture())
            self._wheel_anchor = (x_px, y_px, anchor)
        self._step(self._zoomed(viewpoint, anchor, factor), keep_wheel_anchor=True)

    def begin_pinch(self, x_px: float, y_px: float) -> None:
        """Take hold of what is seen between two fingers."""
        self.begin_drag(Drag.MOVE if self.preset == "map" else Drag.SLIDE, x_px, y_px)

    def pinch_to(self, x_px: float, y_px: float, *, scale: float, twist_deg: float) -> None:
        """Follow two fingers: their middle, by how much they spread, and how far they turned clockwise."""
        if self._drag is None or self._scene is None:
            return
        viewpoint, limits, anchor = self._scene.viewpoint, self.limits(), self._drag.anchor
        viewpoint = navigation.zoom(viewpoint, anchor, 1 / scale, limits=limits)
        viewpoint = navigation.turn(viewpoint, anchor, right_deg=-twist_deg, up_deg=0.0, limits=limits)
        self._show(navigation.pan(viewpoint, self._drag.grab, (x_px, y_px), self._picture(), limits=limits))

    # ---- steps, for keys and buttons

    def move_by(self, right: float, ahead: float) -> None:
        """Move over the ground by so many steps."""
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            step = _STEP_SHARE * navigation.visible_height_m(viewpoint)
            self._step(navigation.travel(viewpoint, right_m=right * step, ahead_m=ahead * step, limits=self.limits()))

    def turn_by(self, right: float, up: float) -> None:
        """Turn and tilt about the target by so many steps; up tilts towards the horizon."""
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            self._step(
                navigation.turn(
                    viewpoint,
                    viewpoint.target,
                    right_deg=right * _STEP_TURN_DEG,
                    up_deg=up * _STEP_TURN_DEG,
                    limits=self.limits(),
                )
            )

    def turn_to(self, heading_deg: float) -> None:
        """Turn about the target until the view looks along ``heading_deg``."""
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            right = heading_deg - navigation.heading_deg(viewpoint)
            self._step(navigation.turn(viewpoint, viewpoint.target, right_deg=right, up_deg=0.0, limits=self.limits()))

    def look_by(self, right: float, up: float) -> None:
        """Look around by so many steps."""
        if self._scene is not None:
            self._step(
                navigation.look(
                    self._scene.viewpoint,
                    right_deg=right * _STEP_LOOK_DEG,
                    up_deg=up * _STEP_LOOK_DEG,
                    limits=self.limits(),
                )
            )

    def rise_by(self, steps: float) -> None:
        """Go up by so many steps, each a share of the height above the ground."""
        if self._scene is not None:
            viewpoint, limits = self._scene.viewpoint, self.limits()
            height = navigation.height_above_ground_m(viewpoint, limits) or navigation.distance_m(viewpoint)
            self._step(navigation.rise(viewpoint, steps * max(1.0, _STEP_RISE_SHARE * height), limits=limits))

    def zoom_by(self, steps: float) -> None:
        """Go nearer to the middle of the picture by so many steps."""
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            self._step(self._zoomed(viewpoint, viewpoint.target, _STEP_ZOOM**steps))

    # ---- flights

    def fly_to(self, viewpoint: Viewpoint, *, seconds: float | None = None, leisure: float = 1.0) -> None:
        """Fly to a viewpoint, or cut to it where motion is to be reduced.

        Args:
            viewpoint: Where to.
            seconds: How long the flight takes; None: as long as there is to see on the way.
            leisure: How many times as long, where ``seconds`` does not say.
        """
        scene = self._scene
        if scene is None:
            return
        self._stop_motion()
        self._drag = None
        end = self.limits().hold(viewpoint)
        self._start()
        if self.reduce_motion:
            self._show(end)
            self._come_to_rest()
            return
        start = scene.viewpoint
        lasts = leisure * flights.flight_seconds(start, end) if seconds is None else max(seconds, 1e-3)
        self._set_in_motion(_Flight(start, end, self._clock(), lasts))

    def show_view(self, name: NamedView, *, seconds: float | None = None, leisure: float = 1.0) -> None:
        """Fly to a named view; ``seconds`` and ``leisure`` as in :meth:`fly_to`."""
        scene = self._scene
        extent = scene.extent() if scene is not None else None
        if scene is None or extent is None:
            return
        self.fly_to(
            named_views.named_view(
                name,
                current=scene.viewpoint,
                extent=extent,
                picture=self._picture(),
                limits=self.limits(),
            ),
            seconds=seconds,
            leisure=leisure,
        )

    def show_extent(self, extent: Extent) -> None:
        """Fly to where all of ``extent`` is seen, without turning."""
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            pitch = min(navigation.pitch_deg(viewpoint), named_views.LEAST_TILT_DEG)
            self.fly_to(
                named_views.fit(
                    extent,
                    heading=navigation.heading_deg(viewpoint),
                    pitch=pitch,
                    picture=self._picture(),
                    view_angle_deg=viewpoint.view_angle_deg,
                    parallel=viewpoint.parallel,
                    limits=self.limits(),
                )
            )

    def focus(self, point: Point) -> None:
        """Fly towards ``point`` until it is in the middle and half as far away."""
        if self._scene is not None:
            self.fly_to(named_views.focus(self._scene.viewpoint, point, limits=self.limits()))

    def north_up(self) -> None:
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            self.fly_to(named_views.north_up(viewpoint, viewpoint.target, limits=self.limits()))

    def straight_down(self) -> None:
        if self._scene is not None:
            viewpoint = self._scene.viewpoint
            self.fly_to(named_views.straight_down(viewpoint, viewpoint.target, limits=self.limits()))

    def set_parallel(self, parallel: bool) -> None:
        """Show the scene without or with perspective; things in the middle keep their size."""
        if self._scene is not None:
            self._step(named_views.with_projection(self._scene.viewpoint, parallel=parallel, limits=self.limits()))

    def turn_slowly(self, seconds_per_turn: float = SLOW_TURN_S) -> None:
        """Circle around the target until told to stop."""
        if self._scene is not None:
            self._stop_motion()
            self._drag = None
            self._start()
            self._set_in_motion(_SlowTurn(self._scene.viewpoint, self._clock(), seconds_per_turn))

    def stop(self) -> bool:
        """Stop whatever moves and let go of whatever is held; return whether there was anything."""
        was_busy = self._motion is not None or self._drag is not None
        self._drag = None
        self._stop_motion()
        if was_busy:
            self._settle()
        return was_busy

    def advance(self) -> None:
        """Show the next frame of what moves by itself."""
        motion, scene = self._motion, self._scene
        if motion is None or scene is None:
            self._stop_motion()
            return
        elapsed = self._clock() - motion.began_s
        limits = self.limits()
        match motion:
            case _Flight():
                fraction = min(elapsed / motion.seconds, 1.0)
                self._show(limits.hold(flights.flight(motion.start, motion.end, fraction)))
                finished = fraction >= 1
            case _Coasting():
                to_px = tuple(
                    start + flights.coast(velocity, elapsed)
                    for start, velocity in zip(motion.from_px, motion.velocity_px_per_s, strict=True)
                )
                viewpoint = scene.viewpoint
                self._show(navigation.pan(viewpoint, motion.grab, (to_px[0], to_px[1]), self._picture(), limits=limits))
                finished = elapsed >= flights.COASTING_S
            case _SlowTurn():
                self._show(flights.orbit_tour(motion.start, elapsed / motion.seconds_per_turn, limits=limits))
                finished = False
        if finished:
            self._stop_motion()
            if isinstance(motion, _Flight):
                self._come_to_rest()  # its end chose a target of its own
            else:
                self._settle()

    # ---- the bookkeeping of all of them

    def _zoomed(self, viewpoint: Viewpoint, anchor: Point, factor: float) -> Viewpoint:
        return navigation.zoom(viewpoint, anchor, factor, limits=self.limits())

    def _step(self, viewpoint: Viewpoint, *, keep_wheel_anchor: bool = False) -> None:
        self._stop_motion()
        if not keep_wheel_anchor:
            self._wheel_anchor = None
        self._start()
        self._show(viewpoint)
        self._settling.start()

    def _show(self, viewpoint: Viewpoint) -> None:
        if self._scene is not None:
            self._scene.viewpoint = viewpoint
            self.viewpoint_changed.emit(viewpoint)

    def _start(self) -> None:
        self._settling.stop()
        if not self._interacting:
            self._interacting = True
            self.interaction_started.emit()

    def _set_in_motion(self, motion: _Flight | _Coasting | _SlowTurn) -> None:
        self._motion = motion
        self._frames.start()

    def _stop_motion(self) -> None:
        self._motion = None
        self._frames.stop()

    def _settle(self) -> None:
        """Come to rest after the view was moved by hand: aim at what is in the middle, so that turns go about it."""
        if self._scene is not None:
            seen = self._scene.world_at(*self._picture().centre_px)
            if seen is not None:
                self._scene.viewpoint = navigation.aimed_at(self._scene.viewpoint, seen)
        self._come_to_rest()

    def _come_to_rest(self) -> None:
        self._settling.stop()
        self._wheel_anchor = None
        if self._interacting:
            self._interacting = False
            self.interaction_ended.emit()

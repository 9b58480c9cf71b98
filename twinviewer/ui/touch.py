"""What fingers mean: one moves, two spread, twist or tilt, a tap is a click.

Fed with the positions of all fingers that touch, in device pixels; speaks to the navigator and to whoever handles
taps.  It works from raw touch points because Qt's gesture recognisers know no tilt, need tens of pixels before they
begin, and report a pinch twice where the platform recognises it too.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from twinviewer.ui.input import Drag
from twinviewer.ui.navigator import Navigator

TAP_SLOP_PX = 10
"""Logical pixels that a finger may wander and still tap."""
DOUBLE_TAP_S = 0.35
DOUBLE_TAP_PX = 40
LONG_PRESS_S = 0.6
_TWIST_FROM_DEG = 8.0
"""People twist a little whenever they pinch: below this the map stays as it is."""

Pixel = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class TapHandlers:
    """Who hears of fingers that did not move.  Each gets a position in device pixels."""

    tap: Callable[[Pixel], None]
    double_tap: Callable[[Pixel], None]
    long_press: Callable[[Pixel], None]


class _Phase(Enum):
    NONE = "none"
    ONE_RESTING = "one finger, may be a tap"
    ONE_MOVING = "one finger moves the ground"
    TWO_RESTING = "two fingers, nothing decided"
    PINCHING = "pinching"
    TILTING = "tilting"
    SPENT = "fingers that mean nothing more until all are lifted"


class TouchInterpreter:
    """Follows the fingers on one view."""

    def __init__(self, navigator: Navigator, handlers: TapHandlers) -> None:
        self.pixel_ratio = 1.0
        """Device pixels per logical pixel."""
        self._navigator = navigator
        self._handlers = handlers
        self._phase = _Phase.NONE
        self._fingers: dict[int, Pixel] = {}
        self._began: dict[int, Pixel] = {}
        self._last_tap: tuple[float, Pixel] | None = None
        self._spread_px = 1.0
        self._angle_deg = 0.0
        self._twisted_deg = 0.0
        self._tilt_x_px = 0.0

    @property
    def awaits_long_press(self) -> bool:
        """Whether one finger rests: after ``LONG_PRESS_S`` of it, call :meth:`press_long`."""
        return self._phase is _Phase.ONE_RESTING

    def update(self, fingers: dict[int, Pixel], now_s: float) -> None:
        """Take in where all touching fingers are now, by id; an empty dictionary when the last was lifted."""
        before, self._fingers = self._fingers, dict(fingers)
        if fingers.keys() != before.keys():
            self._change_fingers(before, now_s)
        else:
            self._move()

    def cancel(self) -> None:
        """Forget the fingers: the system took them away."""
        self._fingers, self._phase = {}, _Phase.NONE
        self._navigator.end_drag()

    def press_long(self) -> None:
        """One finger has rested long enough."""
        if self._phase is _Phase.ONE_RESTING:
            self._phase = _Phase.SPENT
            self._handlers.long_press(next(iter(self._fingers.values())))

    def _change_fingers(self, before: dict[int, Pixel], now_s: float) -> None:
        count = len(self._fingers)
        was_resting = self._phase is _Phase.ONE_RESTING
        if self._phase in (_Phase.ONE_MOVING, _Phase.PINCHING, _Phase.TILTING):
            self._navigator.end_drag()
        self._began = dict(self._fingers)
        if count == 0:
            self._phase = _Phase.NONE
            if was_resting:
                self._lift_tap(next(iter(before.values())), now_s)
        elif count == 1 and not before:
            self._navigator.stop()
            self._phase = _Phase.ONE_RESTING
        elif count == 1 and self._phase is not _Phase.SPENT:
            # the other finger was lifted: this one goes on moving, and is no tap
            self._phase = _Phase.ONE_MOVING
            self._navigator.begin_drag(Drag.MOVE, *next(iter(self._fingers.values())))
        elif count == 2:
            self._phase = _Phase.TWO_RESTING
        else:
            self._phase = _Phase.SPENT

    def _lift_tap(self, at: Pixel, now_s: float) -> None:
        last, self._last_tap = self._last_tap, (now_s, at)
        if (
            last is not None
            and now_s - last[0] <= DOUBLE_TAP_S
            and math.dist(last[1], at) <= DOUBLE_TAP_PX * self.pixel_ratio
        ):
            self._last_tap = None
            self._handlers.double_tap(at)
        else:
            self._handlers.tap(at)

    def _move(self) -> None:
        slop = TAP_SLOP_PX * self.pixel_ratio
        match self._phase:
            case _Phase.ONE_RESTING:
                finger, at = next(iter(self._fingers.items()))
                if math.dist(at, self._began[finger]) > slop:
                    self._phase = _Phase.ONE_MOVING
                    self._navigator.begin_drag(Drag.MOVE, *self._began[finger])
                    self._navigator.drag_to(*at)
            case _Phase.ONE_MOVING:
                self._navigator.drag_to(*next(iter(self._fingers.values())))
            case _Phase.TWO_RESTING:
                if max(math.dist(at, self._began[finger]) for finger, at in self._fingers.items()) > slop:
                    self._decide()
            case _Phase.PINCHING:
                self._pinch()
            case _Phase.TILTING:
                self._navigator.drag_to(self._tilt_x_px, self._middle()[1])

    def _decide(self) -> None:
        """Tell a tilt (both fingers go up or down together) from everything else."""
        (dx0, dy0), (dx1, dy1) = (
            (at[0] - self._began[finger][0], at[1] - self._began[finger][1]) for finger, at in self._fingers.items()
        )
        together = dy0 * dy1 > 0 and min(abs(dy0), abs(dy1)) > 0.3 * max(abs(dy0), abs(dy1))
        upright = abs(dy0) > 1.5 * abs(dx0) and abs(dy1) > 1.5 * abs(dx1)
        start = _middle_of(self._began)
        if together and upright:
            self._phase, self._tilt_x_px = _Phase.TILTING, start[0]
            self._navigator.begin_drag(Drag.TURN, *start)
            self._navigator.drag_to(start[0], self._middle()[1])
            return
        self._phase = _Phase.PINCHING
        self._spread_px, self._angle_deg = _spread_and_angle(self._began)
        self._twisted_deg = 0.0
        self._navigator.begin_pinch(*start)
        self._pinch()

    def _pinch(self) -> None:
        spread, angle = _spread_and_angle(self._fingers)
        twist = (angle - self._angle_deg + 180) % 360 - 180
        before, self._twisted_deg = self._twisted_deg, self._twisted_deg + twist
        turned = _beyond(self._twisted_deg, _TWIST_FROM_DEG) - _beyond(before, _TWIST_FROM_DEG)
        self._navigator.pinch_to(*self._middle(), scale=spread / self._spread_px, twist_deg=turned)
        self._spread_px, self._angle_deg = spread, angle

    def _middle(self) -> Pixel:
        return _middle_of(self._fingers)


def _middle_of(fingers: dict[int, Pixel]) -> Pixel:
    xs, ys = zip(*fingers.values(), strict=True)
    return (sum(xs) / len(xs), sum(ys) / len(ys))


def _spread_and_angle(fingers: dict[int, Pixel]) -> tuple[float, float]:
    """Return the distance of two fingers in pixels, and their direction in degrees, clockwise on the screen."""
    (x0, y0), (x1, y1) = (fingers[finger] for finger in sorted(fingers))
    return max(math.hypot(x1 - x0, y1 - y0), 1.0), math.degrees(math.atan2(y1 - y0, x1 - x0))


def _beyond(value: float, threshold: float) -> float:
    """Return how far ``value`` lies beyond ± ``threshold``; 0 within."""
    return math.copysign(max(abs(value) - threshold, 0.0), value)

"""Movement that takes time: flights between viewpoints, the coasting after a drag, the turn around a target.

Pure functions of a fraction or of elapsed seconds; who calls them owns the clock.
"""

from __future__ import annotations

import math

import numpy as np

from twinviewer.model.project import Viewpoint
from twinviewer.scene import navigation
from twinviewer.scene.navigation import Limits

COASTING_S = 0.4
LONGEST_FLIGHT_S = 2.0
SHORTEST_FLIGHT_S = 0.25
_CURVATURE = math.sqrt(2)
"""How readily a flight climbs: the value people preferred in van Wijk and Nuij, "Smooth and efficient zooming and
panning", InfoVis 2003."""


def flight(start: Viewpoint, end: Viewpoint, fraction: float) -> Viewpoint:
    """Return where a flight is after ``fraction`` of its time: 0 at ``start``, 1 at ``end``.

    The target moves over van Wijk's path, which climbs to keep the way in view; the view turns the shorter way.
    """
    if fraction <= 0:
        return start
    if fraction >= 1:
        return end
    eased = fraction * fraction * (3 - 2 * fraction)
    path = _Path(start, end)
    along, height = path.at(eased)
    turn = (navigation.heading_deg(end) - navigation.heading_deg(start) + 180) % 360 - 180
    heading = navigation.heading_deg(start) + eased * turn
    pitch = (1 - eased) * navigation.pitch_deg(start) + eased * navigation.pitch_deg(end)
    view_angle = (1 - eased) * start.view_angle_deg + eased * end.view_angle_deg
    target = np.asarray(start.target) + along * np.subtract(end.target, start.target)
    if end.parallel:
        distance = (1 - eased) * navigation.distance_m(start) + eased * navigation.distance_m(end)
    else:
        distance = height / 2 / math.tan(math.radians(view_angle) / 2)
    position = target - distance * navigation.direction_to(heading, pitch)
    return Viewpoint(
        position=(float(position[0]), float(position[1]), float(position[2])),
        target=(float(target[0]), float(target[1]), float(target[2])),
        view_angle_deg=view_angle,
        parallel=end.parallel,
        parallel_height_m=height if end.parallel else 0.0,
    )


def flight_seconds(start: Viewpoint, end: Viewpoint) -> float:
    """Return how long a flight should take: the more there is to see on the way, the longer, up to two seconds."""
    turn = abs((navigation.heading_deg(end) - navigation.heading_deg(start) + 180) % 360 - 180)
    tilt = abs(navigation.pitch_deg(end) - navigation.pitch_deg(start))
    return min(max(0.4 * _Path(start, end).length, max(turn, tilt) / 120, SHORTEST_FLIGHT_S), LONGEST_FLIGHT_S)


def coast(velocity_px_per_s: float, elapsed_s: float) -> float:
    """Return how many pixels a drag that was let go at that velocity has coasted; it rests after 0.4 s."""
    left = 1 - min(max(elapsed_s / COASTING_S, 0.0), 1.0)
    return velocity_px_per_s * COASTING_S / 3 * (1 - left**3)


def orbit_tour(start: Viewpoint, fraction: float, *, limits: Limits) -> Viewpoint:
    """Return the viewpoint after ``fraction`` of a full turn around its target."""
    return navigation.turn(start, start.target, right_deg=360 * fraction, up_deg=0.0, limits=limits)


class _Path:
    """Van Wijk's optimal path between two pairs of a middle and a visible height."""

    def __init__(self, start: Viewpoint, end: Viewpoint) -> None:
        self._from_m, self._to_m = navigation.visible_height_m(start), navigation.visible_height_m(end)
        self._way_m = math.dist(start.target, end.target)
        rho2 = _CURVATURE**2
        self._only_zooms = self._way_m < 1e-3 * min(self._from_m, self._to_m)
        if self._only_zooms:
            self.length = abs(math.log(self._to_m / self._from_m)) / _CURVATURE
            return
        difference = self._to_m**2 - self._from_m**2
        climb = rho2**2 * self._way_m**2
        b0 = (difference + climb) / (2 * self._from_m * rho2 * self._way_m)
        b1 = (difference - climb) / (2 * self._to_m * rho2 * self._way_m)
        self._r0, r1 = -math.asinh(b0), -math.asinh(b1)
        self.length = (r1 - self._r0) / _CURVATURE

    def at(self, fraction: float) -> tuple[float, float]:
        """Return the share of the way that lies behind, and the visible height in metres."""
        if self._only_zooms:
            return fraction, self._from_m * (self._to_m / self._from_m) ** fraction
        s = fraction * self.length
        cosh0 = math.cosh(self._r0)
        along = self._from_m / (_CURVATURE**2 * self._way_m)
        along *= cosh0 * math.tanh(_CURVATURE * s + self._r0) - math.sinh(self._r0)
        return along, self._from_m * cosh0 / math.cosh(_CURVATURE * s + self._r0)

"""How a viewpoint moves: rays, grabbing, turning, zooming, and the limits that keep a person oriented.

Values in, values out, in float64 metres of the project's reference system; no VTK, no Qt.  Headings are degrees
clockwise from grid north, pitch is degrees above the horizon (negative looks down), pixels are device pixels from
the top-left corner of the picture.

A :class:`~twinviewer.model.project.Viewpoint` has no up direction: the horizon is level by construction.  Its
heading must survive looking straight down, so that stops a tenth of a degree short of the vertical, and the
remaining slant carries the heading.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint

Point = tuple[float, float, float]
Vector = NDArray[np.float64]

STRAIGHT_DOWN_DEG = -89.9
HIGHEST_PITCH_DEG = 60.0
HIGHEST_PARALLEL_PITCH_DEG = 0.0
"""A parallel view from below would have to stand under the ground."""
EYE_HEIGHT_M = 1.7
GRAZING_SLOPE = math.tan(math.radians(3))
"""Rays flatter than this on a grabbed plane count as this steep: a drag towards the horizon stays finite."""
FACADE_SLOPE = math.tan(math.radians(1.5))
"""What is seen flatter than this from the side is grabbed like a facade, not like ground."""

FACADE_REACH_M = 500.0
"""Facades farther away are out of reach: dragging one would throw the camera about."""

GroundHeight = Callable[[float, float], float | None]
"""Height of the ground at (x, y) in metres; None where nobody knows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Size of the picture in device pixels."""

    width_px: int
    height_px: int

    @property
    def aspect(self) -> float:
        return self.width_px / max(self.height_px, 1)

    @property
    def centre_px(self) -> tuple[float, float]:
        return (self.width_px / 2, self.height_px / 2)


def heading_deg(viewpoint: Viewpoint) -> float:
    """Return where the viewpoint looks, 0 ≤ heading < 360; 0 where it looks exactly up or down."""
    east, north, _ = _direction(viewpoint)
    return math.degrees(math.atan2(east, north)) % 360.0 if math.hypot(east, north) > 1e-9 else 0.0


def pitch_deg(viewpoint: Viewpoint) -> float:
    """Return how far the viewpoint looks above (positive) or below (negative) the horizon, −90 … 90."""
    east, north, up = _direction(viewpoint)
    return math.degrees(math.atan2(up, math.hypot(east, north)))


def distance_m(viewpoint: Viewpoint) -> float:
    """Return the distance from the position to the target, at least a millimetre."""
    return max(math.dist(viewpoint.position, viewpoint.target), 1e-3)


def direction_to(heading: float, pitch: float) -> Vector:
    """Return the unit vector (3,) that looks along ``heading`` and ``pitch``, in degrees."""
    azimuth, elevation = math.radians(heading), math.radians(pitch)
    level = math.cos(elevation)
    return np.array([math.sin(azimuth) * level, math.cos(azimuth) * level, math.sin(elevation)])


def camera_axes(viewpoint: Viewpoint) -> tuple[Vector, Vector, Vector]:
    """Return the unit vectors right, up and forward of the picture; right is always level."""
    azimuth = math.radians(heading_deg(viewpoint))
    right = np.array([math.cos(azimuth), -math.sin(azimuth), 0.0])
    forward = np.asarray(_direction(viewpoint))
    return right, np.cross(right, forward), forward


def visible_height_m(viewpoint: Viewpoint) -> float:
    """Return the height of the picture, in metres, at the distance of the target."""
    if viewpoint.parallel:
        return max(viewpoint.parallel_height_m, 1e-3)
    return 2 * distance_m(viewpoint) * math.tan(math.radians(viewpoint.view_angle_deg) / 2)


def ray(viewpoint: Viewpoint, x_px: float, y_px: float, picture: Picture) -> tuple[Vector, Vector]:
    """Return where the line of sight through a pixel starts, and its unit direction."""
    right, up, forward = camera_axes(viewpoint)
    across = (2 * x_px / max(picture.width_px, 1) - 1) * picture.aspect
    upwards = 1 - 2 * y_px / max(picture.height_px, 1)
    position = np.asarray(viewpoint.position)
    if viewpoint.parallel:
        half = visible_height_m(viewpoint) / 2
        return position + half * (across * right + upwards * up), forward
    slope = math.tan(math.radians(viewpoint.view_angle_deg) / 2)
    direction = forward + slope * (across * right + upwards * up)
    return position, direction / np.linalg.norm(direction)


def project(viewpoint: Viewpoint, point: Point, picture: Picture) -> tuple[float, float] | None:
    """Return the pixel at which ``point`` is seen, or None where it is behind the camera."""
    right, up, forward = camera_axes(viewpoint)
    offset = np.subtract(point, viewpoint.position)
    depth = float(offset @ forward)
    if viewpoint.parallel:
        half = visible_height_m(viewpoint) / 2
    elif depth <= 0:
        return None
    else:
        half = depth * math.tan(math.radians(viewpoint.view_angle_deg) / 2)
    across = float(offset @ right) / (half * picture.aspect)
    upwards = float(offset @ up) / half
    return ((across + 1) / 2 * picture.width_px, (1 - upwards) / 2 * picture.height_px)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Where a viewpoint may be."""

    ground_height: GroundHeight
    extent: Extent | None = None
    """Of all that is shown; None: nothing is, and there is no way to get lost."""
    nearest_m: float = 1.5

    @property
    def farthest_m(self) -> float:
        """How far the camera may go from the middle of the scene."""
        return math.inf if self.extent is None else 2000.0 + 5 * self.extent.diagonal

    def lowest_z(self, x: float, y: float) -> float:
        """Return the lowest height at which a camera may stand at (x, y)."""
        ground = self.ground_height(x, y)
        if ground is None or not math.isfinite(ground):
            return -math.inf if self.extent is None else self.extent.min_z + EYE_HEIGHT_M
        return ground + EYE_HEIGHT_M

    def is_above_ground(self, position: Vector | Point) -> bool:
        return bool(position[2] >= self.lowest_z(float(position[0]), float(position[1])))

    def hold(self, viewpoint: Viewpoint) -> Viewpoint:
        """Return the viewpoint itself where it keeps all limits, else the nearest one that does."""
        highest = HIGHEST_PARALLEL_PITCH_DEG if viewpoint.parallel else HIGHEST_PITCH_DEG
        pitch = pitch_deg(viewpoint)
        if not STRAIGHT_DOWN_DEG - 1e-6 <= pitch <= highest + 1e-6:
            pitch = min(max(pitch, STRAIGHT_DOWN_DEG), highest)
            viewpoint = _looking(viewpoint, heading_deg(viewpoint), pitch)
        if viewpoint.parallel:
            viewpoint = self._stood_back(viewpoint)
        viewpoint = self._within_reach(viewpoint)
        x, y, z = viewpoint.position
        lift = self.lowest_z(x, y) - z
        if lift <= 0:
            return viewpoint
        lifted = _moved(viewpoint, np.array([0.0, 0.0, lift]))
        # z + lift may round to just below the limit
        return replace(lifted, position=(x, y, self.lowest_z(x, y)))

    def _within_reach(self, viewpoint: Viewpoint) -> Viewpoint:
        if self.extent is None:
            return viewpoint
        if viewpoint.parallel and viewpoint.parallel_height_m > 2 * self.farthest_m:
            viewpoint = replace(viewpoint, parallel_height_m=2 * self.farthest_m)
        offset = np.subtract(viewpoint.position, self.extent.centre)
        outside = float(np.linalg.norm(offset)) / self.farthest_m
        return viewpoint if outside <= 1 else _moved(viewpoint, offset * (1 / outside - 1))

    def _stood_back(self, viewpoint: Viewpoint) -> Viewpoint:
        """Move along the line of sight, which a parallel picture does not show, until the scene lies in front."""
        needed = max(self.nearest_m, self.extent.diagonal if self.extent is not None else 0.0)
        if distance_m(viewpoint) >= needed:
            return viewpoint
        forward = np.asarray(_direction(viewpoint))
        return replace(viewpoint, position=_point(np.asarray(viewpoint.target) - needed * forward))


@dataclass(frozen=True, slots=True, kw_only=True)
class Grab:
    """A point that was taken hold of, and the plane through it over which it is dragged."""

    point: Point
    normal: Point


def grab(viewpoint: Viewpoint, point: Point) -> Grab:
    """Take hold of ``point`` to move over the ground; of what stands at eye height, to move along its facade."""
    sight = _sight(viewpoint, point)
    if abs(sight[2]) >= FACADE_SLOPE * math.hypot(sight[0], sight[1]):
        return Grab(point=point, normal=(0.0, 0.0, 1.0))
    return grab_facing(viewpoint, point)


def is_out_of_reach(viewpoint: Viewpoint, point: Point, *, limits: Limits) -> bool:
    """Whether ``point`` is too far away to be dragged: a few pixels there are a flight here."""
    sight = _sight(viewpoint, point)
    is_flat = abs(sight[2]) < FACADE_SLOPE * math.hypot(sight[0], sight[1])
    farthest = FACADE_REACH_M if is_flat and not viewpoint.parallel else limits.farthest_m
    return math.dist(point, viewpoint.position) > farthest


def grab_facing(viewpoint: Viewpoint, point: Point) -> Grab:
    """Take hold of ``point`` to move in the plane of the picture."""
    return Grab(point=point, normal=_point(camera_axes(viewpoint)[2]))


def pan(
    viewpoint: Viewpoint, grabbed: Grab, to_px: tuple[float, float], picture: Picture, *, limits: Limits
) -> Viewpoint:
    """Move so that the grabbed point is seen at ``to_px``, or as near to it as the limits and the horizon allow."""
    point, normal = np.asarray(grabbed.point), np.asarray(grabbed.normal)
    # the slope at which the point was grabbed may itself be flat: never steepen that
    grazing = min(GRAZING_SLOPE, 0.5 * _slope(_sight(viewpoint, grabbed.point), normal))
    for _ in range(4):  # climbing over a hill changes the ray; two rounds settle it
        origin, direction = ray(viewpoint, *to_px, picture)
        side = float(np.sign((point - origin) @ normal)) or 1.0
        along = direction - (direction @ normal) * normal
        steep = max(side * float(direction @ normal), grazing * float(np.linalg.norm(along)), 1e-9)
        hit = origin + (along + side * steep * normal) * (side * float((point - origin) @ normal) / steep)
        moved = _moved(viewpoint, point - hit)
        held = limits.hold(moved)
        if held == moved:
            return held
        viewpoint = held
    return viewpoint


def turn(viewpoint: Viewpoint, pivot: Point, *, right_deg: float, up_deg: float, limits: Limits) -> Viewpoint:
    """Turn and tilt about ``pivot``, which stays where it is in the picture.

    Where that would lead under the ground, it tilts less.
    """
    heading, pitch = heading_deg(viewpoint) + right_deg, pitch_deg(viewpoint)
    highest = HIGHEST_PARALLEL_PITCH_DEG if viewpoint.parallel else HIGHEST_PITCH_DEG
    wanted = min(max(pitch + up_deg, STRAIGHT_DOWN_DEG), highest)
    turned = _turned_about(viewpoint, pivot, heading, wanted)
    if viewpoint.parallel or limits.is_above_ground(turned.position):
        return limits.hold(turned)
    steepest, flattest = STRAIGHT_DOWN_DEG, wanted
    for _ in range(20):
        middle = (steepest + flattest) / 2
        if limits.is_above_ground(_turned_about(viewpoint, pivot, heading, middle).position):
            steepest = middle
        else:
            flattest = middle
    return limits.hold(_turned_about(viewpoint, pivot, heading, steepest))


def zoom(viewpoint: Viewpoint, about: Point, factor: float, *, limits: Limits) -> Viewpoint:
    """Scale the distance to ``about`` by ``factor`` (below 1: nearer); that point stays where it is in the picture."""
    anchor = np.asarray(about)
    if viewpoint.parallel:
        tallest = 2 * limits.farthest_m
        height = visible_height_m(viewpoint)
        factor = min(max(factor, limits.nearest_m / height), max(tallest / height, 1.0))
        _, _, forward = camera_axes(viewpoint)
        offset = anchor - np.asarray(viewpoint.position)
        across = offset - (offset @ forward) * forward
        moved = _moved(viewpoint, across * (1 - factor))
        return limits.hold(replace(moved, parallel_height_m=height * factor))
    position, target = np.asarray(viewpoint.position), np.asarray(viewpoint.target)
    distance = max(float(np.linalg.norm(position - anchor)), 1e-9)
    if factor < 1:
        factor = min(1.0, max(factor, limits.nearest_m / distance))
    nearer = anchor + (position - anchor) * factor
    if (
        factor > 1
        and limits.extent is not None
        and math.dist(nearer, limits.extent.centre) > max(limits.farthest_m, math.dist(position, limits.extent.centre))
    ):
        return viewpoint
    reach = max(distance_m(viewpoint) * factor, limits.nearest_m)
    forward = (target - position) / np.linalg.norm(target - position)
    return limits.hold(replace(viewpoint, position=_point(nearer), target=_point(nearer + reach * forward)))


def look(viewpoint: Viewpoint, *, right_deg: float, up_deg: float, limits: Limits) -> Viewpoint:
    """Look around from where the camera is."""
    pitch = min(max(pitch_deg(viewpoint) + up_deg, STRAIGHT_DOWN_DEG), HIGHEST_PITCH_DEG)
    return limits.hold(_looking(viewpoint, heading_deg(viewpoint) + right_deg, pitch))


def rise(viewpoint: Viewpoint, metres: float, *, limits: Limits) -> Viewpoint:
    """Go up, or down where ``metres`` is negative, without turning the view."""
    return limits.hold(_moved(viewpoint, np.array([0.0, 0.0, metres])))


def travel(viewpoint: Viewpoint, *, right_m: float, ahead_m: float, limits: Limits) -> Viewpoint:
    """Move level over the ground, to the right and ahead as the view has them."""
    right, _, _ = camera_axes(viewpoint)
    ahead = np.array([-right[1], right[0], 0.0])
    return limits.hold(_moved(viewpoint, right_m * right + ahead_m * ahead))


def aimed_at(viewpoint: Viewpoint, point: Point) -> Viewpoint:
    """Return the same picture with its target as far away as ``point``: what later turns and steps go by."""
    _, _, forward = camera_axes(viewpoint)
    depth = float(np.subtract(point, viewpoint.position) @ forward)
    return replace(viewpoint, target=_point(np.asarray(viewpoint.position) + max(depth, 1.0) * forward))


def point_ahead(viewpoint: Viewpoint, x_px: float, y_px: float, picture: Picture) -> Point:
    """Return the point seen at a pixel as far away as the target: the anchor where the picture shows nothing."""
    origin, direction = ray(viewpoint, x_px, y_px, picture)
    _, _, forward = camera_axes(viewpoint)
    return _point(origin + direction * (distance_m(viewpoint) / float(direction @ forward)))


def height_above_ground_m(viewpoint: Viewpoint, limits: Limits) -> float | None:
    """Return how high the camera is above the ground, or None where that is not known."""
    x, y, z = viewpoint.position
    lowest = limits.lowest_z(x, y)
    return z - lowest + EYE_HEIGHT_M if math.isfinite(lowest) else None


def _direction(viewpoint: Viewpoint) -> Point:
    dx, dy, dz = (there - here for here, there in zip(viewpoint.position, viewpoint.target, strict=True))
    length = math.sqrt(dx * dx + dy * dy + dz * dz)
    return (dx / length, dy / length, dz / length) if length > 0 else (0.0, 1.0, 0.0)


def _sight(viewpoint: Viewpoint, point: Point) -> Vector:
    """Return the direction in which ``point`` is seen, of any length."""
    if viewpoint.parallel:
        return np.asarray(_direction(viewpoint))
    return np.subtract(point, viewpoint.position)


def _slope(sight: Vector, normal: Vector) -> float:
    steep = float(sight @ normal)
    return abs(steep) / max(float(np.linalg.norm(sight - steep * normal)), 1e-9)


def _looking(viewpoint: Viewpoint, heading: float, pitch: float) -> Viewpoint:
    ahead = distance_m(viewpoint) * direction_to(heading, pitch)
    return replace(viewpoint, target=_point(np.asarray(viewpoint.position) + ahead))


def _turned_about(viewpoint: Viewpoint, pivot: Point, heading: float, pitch: float) -> Viewpoint:
    """Rotate rigidly about ``pivot`` until the camera looks along ``heading`` and ``pitch``."""
    before = np.stack(camera_axes(viewpoint))
    distance = distance_m(viewpoint)
    aimed = replace(viewpoint, target=_point(np.asarray(viewpoint.position) + distance * direction_to(heading, pitch)))
    after = np.stack(camera_axes(aimed))
    position = np.asarray(pivot) + (before @ np.subtract(viewpoint.position, pivot)) @ after
    return replace(viewpoint, position=_point(position), target=_point(position + distance * after[2]))


def _moved(viewpoint: Viewpoint, shift: Vector) -> Viewpoint:
    return replace(
        viewpoint,
        position=_point(np.asarray(viewpoint.position) + shift),
        target=_point(np.asarray(viewpoint.target) + shift),
    )


def _point(vector: Vector) -> Point:
    return (float(vector[0]), float(vector[1]), float(vector[2]))

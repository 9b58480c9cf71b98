"""Views that have a name: from above, from a corner, from the street, and the one that shows everything.

Pure functions of an extent and a picture; like :mod:`twinviewer.scene.navigation` they know neither VTK nor Qt.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from enum import StrEnum

import numpy as np

from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint
from twinviewer.scene import navigation
from twinviewer.scene.navigation import Limits, Picture, Point

ISOMETRIC_PITCH_DEG = -math.degrees(math.asin(1 / math.sqrt(3)))
"""At which x, y and z are equally foreshortened."""
OVERVIEW_PITCH_DEG = -35.0
LEAST_TILT_DEG = -20.0
"""Flatter than this, what is nearest hides the rest of what was to be shown."""
MARGIN = 1.06


class NamedView(StrEnum):
    """A view that fits the scene, or stands in it."""

    OVERVIEW = "overview"
    """From the south, obliquely: the view a city opens with."""
    TOP = "top"
    ISOMETRIC_SOUTH_WEST = "isometric-south-west"
    ISOMETRIC_SOUTH_EAST = "isometric-south-east"
    ISOMETRIC_NORTH_EAST = "isometric-north-east"
    ISOMETRIC_NORTH_WEST = "isometric-north-west"
    STREET = "street"
    """A person's eyes, at the point that was in the middle of the picture."""


_HEADING_AND_PITCH_DEG = {
    NamedView.OVERVIEW: (0.0, OVERVIEW_PITCH_DEG),
    NamedView.TOP: (0.0, navigation.STRAIGHT_DOWN_DEG),
    NamedView.ISOMETRIC_SOUTH_WEST: (45.0, ISOMETRIC_PITCH_DEG),
    NamedView.ISOMETRIC_SOUTH_EAST: (315.0, ISOMETRIC_PITCH_DEG),
    NamedView.ISOMETRIC_NORTH_EAST: (225.0, ISOMETRIC_PITCH_DEG),
    NamedView.ISOMETRIC_NORTH_WEST: (135.0, ISOMETRIC_PITCH_DEG),
}


def named_view(name: NamedView, *, current: Viewpoint, extent: Extent, picture: Picture, limits: Limits) -> Viewpoint:
    """Return the view of that name on ``extent``; the projection stays as it is, except that a street has depth."""
    if name is NamedView.STREET:
        return street(current, current.target, limits=limits)
    heading, pitch = _HEADING_AND_PITCH_DEG[name]
    return fit(
        extent,
        heading=heading,
        pitch=pitch,
        picture=picture,
        view_angle_deg=current.view_angle_deg,
        parallel=current.parallel,
        limits=limits,
    )


def fit(
    extent: Extent,
    *,
    heading: float,
    pitch: float,
    picture: Picture,
    limits: Limits,
    view_angle_deg: float = 40.0,
    parallel: bool = False,
) -> Viewpoint:
    """Return the nearest viewpoint that shows all of ``extent``, in the middle, along ``heading`` and ``pitch``."""
    centre = np.asarray(extent.centre)
    forward = navigation.direction_to(heading, pitch)
    right, up, forward = navigation.camera_axes(Viewpoint(position=_point(centre - forward), target=_point(centre)))
    low, high = extent.as_tuple()[:3], extent.as_tuple()[3:]
    offsets = np.array(list(itertools.product(*zip(low, high, strict=True)))) - centre
    # both as the half height of a picture that holds them
    across, upwards, ahead = offsets @ right / picture.aspect, offsets @ up, offsets @ forward
    half = max(float(np.abs(across).max()), float(np.abs(upwards).max()), limits.nearest_m) * MARGIN
    if parallel:
        distance, shift = max(extent.diagonal, limits.nearest_m), np.zeros(3)
    else:
        # the camera stands where the planes that bound its view touch the box; the pair that needs more room wins
        slope = math.tan(math.radians(view_angle_deg) / 2) / MARGIN
        sides = [((axis - slope * ahead).max(), (-axis - slope * ahead).max()) for axis in (across, upwards)]
        distance = max(*(float(first + second) / (2 * slope) for first, second in sides), limits.nearest_m)
        (left, right_side), (above, below) = sides
        shift = (left - right_side) / 2 * picture.aspect * right + (above - below) / 2 * up
    return limits.hold(
        Viewpoint(
            position=_point(centre + shift - distance * forward),
            target=_point(centre + shift),
            view_angle_deg=view_angle_deg,
            parallel=parallel,
            parallel_height_m=2 * half if parallel else 0.0,
        )
    )


def street(viewpoint: Viewpoint, place: Point, *, limits: Limits) -> Viewpoint:
    """Return what a person sees who stands at ``place`` and looks where ``viewpoint`` looks, level."""
    x, y, z = place
    lowest = limits.lowest_z(x, y)
    eye = np.array([x, y, lowest if math.isfinite(lowest) else z + navigation.EYE_HEIGHT_M])
    ahead = 30.0 * navigation.direction_to(navigation.heading_deg(viewpoint), 0.0)
    return limits.hold(
        replace(viewpoint, position=_point(eye), target=_point(eye + ahead), parallel=False, parallel_height_m=0.0)
    )


def north_up(viewpoint: Viewpoint, pivot: Point, *, limits: Limits) -> Viewpoint:
    """Return the viewpoint turned about ``pivot`` until north is up."""
    heading = navigation.heading_deg(viewpoint)
    return navigation.turn(viewpoint, pivot, right_deg=-heading, up_deg=0.0, limits=limits)


def straight_down(viewpoint: Viewpoint, pivot: Point, *, limits: Limits) -> Viewpoint:
    """Return the viewpoint tilted about ``pivot`` until it looks down; its heading stays."""
    return navigation.turn(viewpoint, pivot, right_deg=0.0, up_deg=-180.0, limits=limits)


def with_projection(viewpoint: Viewpoint, *, parallel: bool, limits: Limits) -> Viewpoint:
    """Return the viewpoint in the other projection, with the target as large as it was."""
    if viewpoint.parallel == parallel:
        return viewpoint
    height = navigation.visible_height_m(viewpoint)
    if parallel:
        return limits.hold(replace(viewpoint, parallel=True, parallel_height_m=height))
    distance = height / 2 / math.tan(math.radians(viewpoint.view_angle_deg) / 2)
    _, _, forward = navigation.camera_axes(viewpoint)
    position = _point(np.asarray(viewpoint.target) - distance * forward)
    return limits.hold(replace(viewpoint, position=position, parallel=False, parallel_height_m=0.0))


def focus(viewpoint: Viewpoint, point: Point, *, limits: Limits) -> Viewpoint:
    """Return the viewpoint that has ``point`` in its middle, half as far away as it is now."""
    _, _, forward = navigation.camera_axes(viewpoint)
    if viewpoint.parallel:
        height = max(viewpoint.parallel_height_m / 2, limits.nearest_m)
        distance = navigation.distance_m(viewpoint)
    else:
        height = 0.0
        distance = max(math.dist(viewpoint.position, point) / 2, 4 * limits.nearest_m)
    position = _point(np.asarray(point) - distance * forward)
    return limits.hold(replace(viewpoint, position=position, target=point, parallel_height_m=height))


def _point(vector: navigation.Vector) -> Point:
    return (float(vector[0]), float(vector[1]), float(vector[2]))

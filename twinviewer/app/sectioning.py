"""The section that a person moves through the city: one plane, level or upright, at a place between two ends."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum
from itertools import product

from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint
from twinviewer.model.section import Section

Direction = tuple[float, float, float]


class Orientation(StrEnum):
    """How the cut lies; the compass names where it runs."""

    LEVEL = "level"
    NORTH_SOUTH = "north-south"
    EAST_WEST = "east-west"
    FACING = "facing"
    """Upright, across the line of sight."""


_NORMALS: dict[Orientation, Direction] = {
    Orientation.LEVEL: (0.0, 0.0, 1.0),
    Orientation.NORTH_SOUTH: (1.0, 0.0, 0.0),
    Orientation.EAST_WEST: (0.0, 1.0, 0.0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class MovingSection:
    """A plane that is moved along its normal through a box."""

    orientation: Orientation
    normal: Direction
    """Unit vector; what lies beyond the plane in this direction is cut away, or before it if ``flipped``."""
    box: Extent
    """What is cut: the plane goes from one end of it to the other."""
    at_m: float
    """Where the plane is: its height, or upright its distance from the end of the box that the normal points from."""
    flipped: bool = False
    cuts_ground: bool = False

    @property
    def ends_m(self) -> tuple[float, float]:
        """Between which values ``at_m`` lies."""
        low, high = _span(self.box, self.normal)
        return (low, high) if self.orientation is Orientation.LEVEL else (0.0, high - low)

    @property
    def section(self) -> Section:
        """What is cut away."""
        start = 0.0 if self.orientation is Orientation.LEVEL else _span(self.box, self.normal)[0]
        along = start + self.at_m - _dot(self.box.centre, self.normal)
        x, y, z = (at + along * part for at, part in zip(self.box.centre, self.normal, strict=True))
        sign = -1.0 if self.flipped else 1.0
        a, b, c = (sign * part for part in self.normal)
        return Section.by_plane((x, y, z), (a, b, c), cuts_ground=self.cuts_ground)


def begin_section(orientation: Orientation, box: Extent, viewpoint: Viewpoint) -> MovingSection:
    """Return the section through the middle of ``box`` that is open towards the camera."""
    toward = tuple(eye - at for eye, at in zip(viewpoint.position, viewpoint.target, strict=True))
    length = math.hypot(toward[0], toward[1])
    if orientation is Orientation.FACING:
        # Seen from straight above nothing stands across the line of sight: the lower edge of the picture is south.
        normal = (toward[0] / length, toward[1] / length, 0.0) if length > 1e-6 else (0.0, -1.0, 0.0)
    else:
        normal = _NORMALS[orientation]
    begun = MovingSection(orientation=orientation, normal=normal, box=box, at_m=0.0)
    low, high = begun.ends_m
    flipped = orientation is not Orientation.LEVEL and _dot(toward, normal) < 0
    return MovingSection(orientation=orientation, normal=normal, box=box, at_m=(low + high) / 2, flipped=flipped)


def moving_section(section: Section, box: Extent) -> MovingSection | None:
    """Return a section that was saved as one that can be moved through ``box``; None where it has several planes."""
    if len(section.planes) != 1:
        return None
    plane = section.planes[0]
    length = math.hypot(*plane.normal)
    x, y, z = (part / length for part in plane.normal)
    orientation, flipped = Orientation.FACING, False
    for named, normal in _NORMALS.items():
        if abs(_dot((x, y, z), normal)) > 1 - 1e-9:
            orientation, flipped = named, _dot((x, y, z), normal) < 0
    direction = (-x, -y, -z) if flipped else (x, y, z)
    start = 0.0 if orientation is Orientation.LEVEL else _span(box, direction)[0]
    return MovingSection(
        orientation=orientation,
        normal=direction,
        box=box,
        at_m=_dot(plane.origin, direction) - start,
        flipped=flipped,
        cuts_ground=section.cuts_ground,
    )


def _span(box: Extent, normal: Direction) -> tuple[float, float]:
    """Return how far the box reaches along a unit vector."""
    corners = product((box.min_x, box.max_x), (box.min_y, box.max_y), (box.min_z, box.max_z))
    along = [_dot(corner, normal) for corner in corners]
    return min(along), max(along)


def _dot(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))

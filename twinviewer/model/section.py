"""Sections through the scene: what is cut away, so that interiors can be seen."""

from __future__ import annotations

import math
from dataclasses import dataclass

from twinviewer.model.place import Extent

MOST_PLANES = 6
"""Of one section: those of a box.  Graphics cards promise no more than eight."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CuttingPlane:
    """A plane; what lies on the side that its normal points to is cut away."""

    origin: tuple[float, float, float]
    """Any position on it, in the project's reference system."""
    normal: tuple[float, float, float]
    """Of any length but zero."""

    def __post_init__(self) -> None:
        length = math.hypot(*self.normal)
        if not (math.isfinite(length) and length > 0 and all(map(math.isfinite, self.origin))):
            raise ValueError("a cutting plane needs a finite origin and a normal that points somewhere")


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """What is left is what no plane cuts away."""

    planes: tuple[CuttingPlane, ...]
    """1 to :data:`MOST_PLANES`."""
    cuts_ground: bool = False
    """Whether the terrain, and what lies on it, is cut too."""

    def __post_init__(self) -> None:
        if not 1 <= len(self.planes) <= MOST_PLANES:
            raise ValueError(f"a section has 1 to {MOST_PLANES} planes, not {len(self.planes)}")

    @classmethod
    def by_plane(
        cls, origin: tuple[float, float, float], normal: tuple[float, float, float], *, cuts_ground: bool = False
    ) -> Section:
        """Return the section by one plane: level (normal upwards) for a floor plan, upright for a cross section."""
        return cls(planes=(CuttingPlane(origin=origin, normal=normal),), cuts_ground=cuts_ground)

    @classmethod
    def of_box(cls, box: Extent, *, cuts_ground: bool = False) -> Section:
        """Return the section that leaves what lies in ``box``."""
        low, high = (box.min_x, box.min_y, box.min_z), (box.max_x, box.max_y, box.max_z)
        axes = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
        outwards = tuple(CuttingPlane(origin=high, normal=axis) for axis in axes)
        inwards = tuple(CuttingPlane(origin=low, normal=(-x, -y, -z)) for x, y, z in axes)
        return cls(planes=outwards + inwards, cuts_ground=cuts_ground)

"""Where things are: reference systems, extents and the project's local frame.

Coordinates are float64 metres in the project's projected reference system (x east, y north, z up)
everywhere except on the GPU.  VTK draws in float32, which resolves only about half a metre at UTM
northings, so :class:`LocalFrame` subtracts one origin per project just before drawing.  Nothing else
may shift coordinates.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray


class CrsOrigin(StrEnum):
    """Who says that coordinates are in a reference system."""

    FILE = "file"
    GIVEN = "given"
    """A person assigned it."""
    ASSUMED = "assumed"
    """Nobody said; the layer carries a diagnostic that says so."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReferenceSystem:
    """A horizontal reference system and, where known, a vertical one (ISO 19111).

    Each is an authority code such as ``"EPSG:25832"`` where one exists, else WKT 2.  Axis order is always
    normalised to x east / longitude first: code that reads a file swaps, nobody else.
    """

    horizontal: str
    vertical: str | None = None
    """``None``: heights are as they come, of an unnamed vertical datum."""
    origin: CrsOrigin = CrsOrigin.FILE


LOCAL = ReferenceSystem(horizontal="LOCAL", origin=CrsOrigin.ASSUMED)
"""A scene of its own, in metres, that is nowhere on Earth: for files that say no reference system."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """An axis-aligned box in some reference system's units."""

    min_x: float
    min_y: float
    min_z: float
    max_x: float
    max_y: float
    max_z: float

    @classmethod
    def of(cls, points: NDArray[Any]) -> Extent | None:
        """Return the box around the finite rows of ``points`` (n, 2 or 3), or None where there are none."""
        if len(points) == 0:
            return None
        low, high = points.min(axis=0), points.max(axis=0)
        if not (np.isfinite(low).all() and np.isfinite(high).all()):
            points = points[np.isfinite(points).all(axis=1)]
            if len(points) == 0:
                return None
            low, high = points.min(axis=0), points.max(axis=0)
        z = (float(low[2]), float(high[2])) if points.shape[1] > 2 else (0.0, 0.0)
        return cls(
            min_x=float(low[0]),
            min_y=float(low[1]),
            min_z=z[0],
            max_x=float(high[0]),
            max_y=float(high[1]),
            max_z=z[1],
        )

    @classmethod
    def around(cls, extents: Iterable[Extent | None]) -> Extent | None:
        """Return the smallest box that holds all of ``extents``, or None if there are none."""
        boxes = [extent for extent in extents if extent is not None]
        if not boxes:
            return None
        rows = np.array([box.as_tuple() for box in boxes])
        low, high = rows[:, :3].min(axis=0), rows[:, 3:].max(axis=0)
        return cls(
            min_x=float(low[0]),
            min_y=float(low[1]),
            min_z=float(low[2]),
            max_x=float(high[0]),
            max_y=float(high[1]),
            max_z=float(high[2]),
        )

    def as_tuple(self) -> tuple[float, float, float, float, float, float]:
        """Return ``(min_x, min_y, min_z, max_x, max_y, max_z)``."""
        return (self.min_x, self.min_y, self.min_z, self.max_x, self.max_y, self.max_z)

    @property
    def centre(self) -> tuple[float, float, float]:
        return (
            (self.min_x + self.max_x) / 2,
            (self.min_y + self.max_y) / 2,
            (self.min_z + self.max_z) / 2,
        )

    @property
    def size(self) -> tuple[float, float, float]:
        return (self.max_x - self.min_x, self.max_y - self.min_y, self.max_z - self.min_z)

    @property
    def diagonal(self) -> float:
        return float(np.linalg.norm(self.size))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalFrame:
    """The project's reference system and the origin that drawing subtracts."""

    crs: ReferenceSystem
    origin: tuple[float, float, float]
    """Metres, in ``crs``.  Rounded, so that shown numbers stay readable."""

    def to_local(self, points: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return ``points`` (n, 3) relative to the origin, as the GPU takes them."""
        local: NDArray[np.float32] = (points - np.asarray(self.origin)).astype(np.float32)
        return local

    def to_world(self, local: NDArray[Any] | tuple[float, float, float]) -> NDArray[np.float64]:
        """Return local coordinates (n, 3) or (3,) in the project's reference system."""
        world: NDArray[np.float64] = np.asarray(local, dtype=np.float64) + np.asarray(self.origin)
        return world

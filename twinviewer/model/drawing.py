"""What an overlay asks to be drawn: values, not calls.

An overlay answers each frame with a tuple of these.  The scene keeps the actors and writes new arrays into
them; it never rebuilds.  Legends follow from the requests.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]


class GlyphShape(StrEnum):
    """Built-in shapes, one unit long, standing on z = 0, heading north."""

    SPHERE = "sphere"
    CYLINDER = "cylinder"
    CONE = "cone"
    PIN = "pin"
    CAR = "car"
    BUS = "bus"
    ARROW = "arrow"


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourScale:
    """How values become colours, and what the legend says."""

    title: str
    unit: str
    """UCUM, shown in the legend."""
    colour_map: str
    """A name in ``assets/colour_maps``: ``viridis``, ``batlow``, ``cividis``, ``vik``, ``limit`` (below to above 1)."""
    value_range: tuple[float, float]
    """Values at the two ends; what lies beyond is clipped, and the legend says so."""
    ticks: tuple[tuple[float, str], ...] = ()
    """(value, label) marks on the legend, e.g. ``(40.0, "limit")``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ColourObjects:
    """Colour city objects by id in every city-model layer; objects not named keep their own colour."""

    object_ids: Sequence[str]
    values: Float64s
    """(n,) NaN: drawn as missing."""
    scale: ColourScale


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceGlyphs:
    """Place one shape at many positions, oriented, scaled and coloured."""

    shape: GlyphShape
    positions: Float64s
    """(n, 3) metres in the project's reference system."""
    size_m: float | Float64s
    """Length of the shape: one for all, or (n,)."""
    heading_deg: Float64s | None = None
    """(n,) clockwise from grid north."""
    values: Float64s | None = None
    """(n,) coloured through ``scale``; None: all in ``colour``."""
    scale: ColourScale | None = None
    colour: str = "#f2f2f2"
    ids: Sequence[str] = ()
    """(n,) shown when one is picked."""
    stale: NDArray[np.bool_] | None = None
    """(n,) True: drawn grey and half transparent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Short texts at positions, always upright, decluttered by the scene (first come first kept)."""

    positions: Float64s
    """(n, 3) metres in the project's reference system."""
    texts: Sequence[str]
    size_px: int = 14


DrawingRequest = ColourObjects | PlaceGlyphs | Labels

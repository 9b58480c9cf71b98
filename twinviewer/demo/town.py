"""What the demo city is made of, as values: the plan makes them, the writers put them into open formats.

Plan coordinates are metres from the market square, x east, y north; z is metres above sea level (DHHN2016).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from shapely.geometry import LineString, Polygon

Float64s = NDArray[np.float64]
Corner = tuple[float, float, float]
Ring = tuple[Corner, ...]
"""At least three corners, the first not repeated; counter-clockwise seen from outside, holes clockwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """One plane polygon of a building or a bridge."""

    type: str
    """CityGML: ``RoofSurface``, ``WallSurface``, ``GroundSurface``, ``OuterFloorSurface`` …"""
    exterior: Ring
    interiors: tuple[Ring, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Building:
    """One building in LoD2: the surfaces of a closed solid."""

    id: str
    """Valid as gml:id, stable for the same seed: ``"BLDG_0001734"``."""
    name: str = ""
    """Of the few that have one: the church, the town hall …"""
    surfaces: tuple[Surface, ...]
    function: str
    """``residential``, ``shop and housing``, ``office``, ``industry``, ``school``, ``church``, ``warehouse`` …"""
    roof_type: str
    """``gabled``, ``hipped``, ``flat``, ``mansard``, ``shed``, ``tented``, ``complex``."""
    year_of_construction: int
    storeys_above_ground: int
    measured_height_m: float
    """From the lowest ground to the highest roof."""
    energy_class: str
    """``A+`` to ``H``."""
    residents: int
    quarter: str
    """``Old Town``, ``Harbour`` …"""
    address: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Structure:
    """A bridge or a quay, in LoD2."""

    id: str
    name: str
    type: str = "Bridge"
    """CityJSON: ``Bridge`` or ``OtherConstruction``."""
    surfaces: tuple[Surface, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tree:
    id: str
    position: Corner
    """Where the trunk meets the ground."""
    height_m: float
    crown_m: float
    """Diameter."""
    species: str
    conifer: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Furniture:
    id: str
    type: str
    """``street lamp``, ``bench``, ``fountain``, ``mooring post`` …"""
    position: Corner
    heading_deg: float = 0.0
    """Clockwise from north."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Street:
    id: str
    name: str
    type: str
    """As the traffic plugin knows them: ``primary``, ``secondary``, ``residential``, ``living_street``,
    ``pedestrian``, ``promenade``, ``service`` …"""
    line: LineString
    """The middle, 2D; streets that meet share the end point exactly."""
    width_m: float
    max_speed_km_h: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """A piece of land use, or a planning zone."""

    id: str
    type: str
    """Land use: ``water``, ``park``, ``forest``, ``meadow``, ``farmland``, ``square``, ``residential`` …;
    zones in the words of the German land-use ordinance: ``WA general residential``, ``MK core`` …"""
    polygon: Polygon
    name: str = ""


class Town(Protocol):
    """A whole town.  Buildings come one after the other, so that 100,000 of them need little memory."""

    @property
    def name(self) -> str: ...
    @property
    def streets(self) -> tuple[Street, ...]: ...
    @property
    def land_use(self) -> tuple[Area, ...]:
        """Without gaps worth seeing, without overlaps; streets have none of their own."""

    @property
    def zones(self) -> tuple[Area, ...]: ...
    @property
    def bridges(self) -> tuple[Structure, ...]: ...
    @property
    def trees(self) -> tuple[Tree, ...]: ...
    @property
    def furniture(self) -> tuple[Furniture, ...]: ...
    @property
    def building_count(self) -> int: ...
    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """(min_x, min_y, max_x, max_y) of the terrain to write: the town with land around it."""

    def buildings(self) -> Iterator[Building]:
        """Return the buildings, quarter by quarter; the same ones each time."""

    def heights(self, x: Float64s, y: Float64s) -> Float64s:
        """Return the height of the finished ground (levelled for streets and buildings) at places of any shape."""

"""The land before the town: a river in a wide bend, a harbour basin, hills around.

Plan coordinates are metres from the market square, x east, y north; heights are metres above sea level (DHHN2016).
"""

from __future__ import annotations

import math
import random
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from twinviewer.demo.plane import Point, spline

Float64s = NDArray[np.float64]

WATER_LEVEL_M = 4.0
QUAY_LEVEL_M = WATER_LEVEL_M + 2.4
RIVER_WIDTH_M = 46.0
QUAY_RADIUS_M = 560.0
"""Within this distance of the market the banks are walled; further out they are green slopes."""
CORRIDOR_M = 16.0
"""From the water's edge to the middle of the street along it."""
_QUAY_TOP_M = 6.0
"""Landward of the wall the ground is as high as the quay from here on; the quay's deck covers the drop."""

_BEND: tuple[Point, ...] = (
    (-760, 345), (-620, 290), (-480, 190), (-375, 50), (-300, -110), (-180, -232), (-10, -282),
    (170, -262), (310, -190), (430, -90), (560, 10), (720, 60),
)  # fmt: skip
_BASIN: tuple[Point, ...] = ((322, -204), (356, -172), (478, -306), (444, -338))
_REACH_M = 14_000.0
"""How far the river is known on either side: more than the largest town."""


def smooth(value: Float64s, low: float, high: float) -> Float64s:
    """Return 0 below ``low``, 1 above ``high``, and a soft step between."""
    share = np.clip((value - low) / (high - low), 0.0, 1.0)
    stepped: Float64s = share * share * (3.0 - 2.0 * share)
    return stepped


@dataclass(frozen=True, kw_only=True)
class Landscape:
    """River, basin and hills of one seed; the bend around the old town is the same for all."""

    seed: int

    @cached_property
    def river(self) -> list[Point]:
        """The middle of the river, flowing east."""
        rng = random.Random(f"river {self.seed}")
        west: list[Point] = []
        x, swing = _BEND[0][0], rng.uniform(0, 2 * math.pi)
        while x > -_REACH_M:
            x -= 290.0
            swing += rng.uniform(0.6, 1.0)
            west.append((x, _BEND[0][1] + 230.0 * (math.sin(swing) - math.sin(0.3)) * min(1.0, (-750 - x) / 900)))
        east: list[Point] = []
        x, swing = _BEND[-1][0], rng.uniform(0, 2 * math.pi)
        while x < _REACH_M:
            x += 290.0
            swing += rng.uniform(0.6, 1.0)
            east.append((x, _BEND[-1][1] + 230.0 * math.sin(swing) * min(1.0, (x - 710) / 900)))
        return spline([*reversed(west), *_BEND, *east], 14.0)

    @cached_property
    def water(self) -> BaseGeometry:
        """The surface of river and basin."""
        river = shapely.LineString(self.river).buffer(RIVER_WIDTH_M / 2, cap_style="flat", quad_segs=4)
        return shapely.union(river, shapely.Polygon(_BASIN)).simplify(0.4)

    @cached_property
    def corridor(self) -> BaseGeometry:
        """Water and banks, as far as the middle of the streets along them."""
        return self.water.buffer(CORRIDOR_M, join_style="mitre").simplify(1.2)

    def water_distance(self, x: Float64s, y: Float64s, *, near: BaseGeometry | None = None) -> Float64s:
        """Return the distance of each place to the water's edge, negative on the water.

        Args:
            x: East, any shape.
            y: North, the same shape.
            near: A part of the plan around the places, for speed.
        """
        water = self.water if near is None else self.water.intersection(near)
        if water.is_empty:
            return np.full(x.shape, 1e4)
        shapely.prepare(water)
        edge = self.water.boundary if near is None else self.water.boundary.intersection(near)
        distance: Float64s = shapely.distance(shapely.points(x, y), edge)
        return np.where(shapely.contains_xy(water, x, y), -distance, distance)

    def heights(self, x: Float64s, y: Float64s, water_distance: Float64s) -> Float64s:
        """Return the height of the ground before anything was built on it.

        Args:
            x: East, any shape.
            y: North, the same shape.
            water_distance: See :meth:`water_distance`, the same shape.
        """
        radius = np.hypot(x, y)
        bed, quay = WATER_LEVEL_M - 3.0, QUAY_LEVEL_M
        bank = bed + (quay - bed) * smooth(water_distance, -9.0, 13.0)
        wall = bed + (quay - bed) * np.clip((water_distance - 2.0) / (_QUAY_TOP_M - 2.0), 0.0, 1.0)
        walled = 1.0 - smooth(radius, QUAY_RADIUS_M - 20.0, QUAY_RADIUS_M + 40.0)
        shore = bank + (wall - bank) * walled
        return shore + self._hills(x, y, radius) * smooth(water_distance, 24.0, 260.0)

    def _hills(self, x: Float64s, y: Float64s, radius: Float64s) -> Float64s:
        """Return how far the land rises above the quays, away from the river."""
        rng = random.Random(f"hills {self.seed}")
        phases = [rng.uniform(0, 2 * math.pi) for _ in range(8)]
        mound = 16.0 * np.exp(-((radius / 150.0) ** 2))
        ripple = 40.0 * np.sin(x / 170.0 + phases[0])
        ridge = 58.0 * smooth(y + 0.12 * x + ripple, 330.0, 1150.0)
        south_west = 52.0 * np.exp(-(((x + 800.0) / 340.0) ** 2) - ((y + 520.0) / 300.0) ** 2)
        south_east = 30.0 * np.exp(-(((x - 820.0) / 420.0) ** 2) - ((y + 640.0) / 300.0) ** 2)
        rolling = (
            np.sin(x / 390.0 + 0.5 * np.sin(y / 510.0 + phases[1]) + phases[2])
            + np.sin(y / 450.0 + 0.6 * np.sin(x / 610.0 + phases[3]) + phases[4])
            + 0.5 * np.sin((x + y) / 230.0 + phases[5])
            + 1.6
        )
        far = 9.0 * np.clip(rolling, 0.0, None) * smooth(radius, 350.0, 1000.0)
        gentle = 2.2 * (1.0 + np.sin(x / 120.0 + phases[6]) * np.sin(y / 140.0 + phases[7])) * smooth(radius, 150, 400)
        hills: Float64s = mound + ridge + south_west + south_east + far + gentle
        return hills

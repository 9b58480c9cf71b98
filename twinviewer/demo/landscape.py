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
QUAY_RADIUS_M = 620.0
"""Within this distance of the market the banks are walled; further out they are green slopes."""
QUAY_WIDTH_M = 7.6
"""Paved, over the cells of a coarse terrain that fall towards the water."""
CORRIDOR_M = 16.0
"""From the water's edge to the middle of the street along it."""
_DEPTH_M = 2.5
_WALL_M = 1.5
"""Over which the ground rises from the water to a quay; the quay's own deck and wall draw the edge sharply."""

_BEND: tuple[Point, ...] = (
    (-760, 345), (-620, 290), (-480, 190), (-375, 50), (-300, -110), (-180, -232), (-10, -282),
    (170, -262), (310, -190), (430, -90), (560, 10), (720, 60),
)  # fmt: skip
_BASIN: tuple[Point, ...] = ((322, -204), (356, -172), (478, -306), (444, -338))
_TILE_M = 500.0
_ROWS = 1 << 20
"""More than there are tiles from south to north."""
_FAR_M = 264.0
"""Further from the water than this, its distance changes nothing."""
_REACH_M = 14_000.0
"""How far the river is known on either side: more than the largest town."""


_PLATEAU: tuple[Point, Point] = ((0.0, 0.0), (-106.0, 84.0))
"""From the market to the church the old town's hill is level."""


def _segment_distances(x: Float64s, y: Float64s, start: Point, end: Point) -> Float64s:
    """Return the distance of each place to a straight line."""
    run = np.array(end) - np.array(start)
    share = np.clip(((x - start[0]) * run[0] + (y - start[1]) * run[1]) / (run @ run), 0.0, 1.0)
    distance: Float64s = np.hypot(x - start[0] - share * run[0], y - start[1] - share * run[1])
    return distance


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

    @property
    def basin(self) -> BaseGeometry:
        """The harbour basin, at the side of the river."""
        return shapely.Polygon(_BASIN)

    @cached_property
    def water(self) -> BaseGeometry:
        """The surface of river and basin."""
        river = shapely.LineString(self.river).buffer(RIVER_WIDTH_M / 2, cap_style="flat", quad_segs=4)
        return shapely.union(river, shapely.Polygon(_BASIN)).simplify(0.4)

    @cached_property
    def quays(self) -> BaseGeometry:
        """The walled banks: structures, not ground."""
        town = shapely.Point(0, 0).buffer(QUAY_RADIUS_M, quad_segs=24)
        strip = self.water.buffer(QUAY_WIDTH_M, join_style="mitre").difference(self.water)
        return shapely.intersection(strip, town)

    @cached_property
    def corridor(self) -> BaseGeometry:
        """Water and banks, as far as the middle of the streets along them."""
        return self.water.buffer(CORRIDOR_M, join_style="mitre").simplify(1.2)

    def water_distance(self, x: Float64s, y: Float64s, *, near: BaseGeometry | None = None) -> Float64s:
        """Return the distance of each place to the water's edge, negative on the water.

        Args:
            x: East, any shape.
            y: North, the same shape.
            near: The water around the places, for speed.
        """
        water = self.water if near is None else near
        shapely.prepare(water)
        distance = np.asarray(shapely.distance(shapely.points(x, y), water), dtype=np.float64)
        on_water = distance <= 0.0
        if on_water.any():
            edge = water.boundary
            distance[on_water] = -shapely.distance(shapely.points(x[on_water], y[on_water]), edge)
        return distance

    def heights(self, x: Float64s, y: Float64s) -> Float64s:
        """Return the height of the ground before anything was built on it; in the river, of its bed.

        Args:
            x: East, any shape.
            y: North, the same shape.
        """
        distance = self._shore_distance(x, y)
        radius = np.hypot(x, y)
        rise = QUAY_LEVEL_M - WATER_LEVEL_M
        walled = 1.0 - smooth(radius, QUAY_RADIUS_M - 20.0, QUAY_RADIUS_M + 40.0)
        bank = smooth(distance, -1.0, 13.0)
        shore = bank + (np.clip(distance / _WALL_M, 0.0, 1.0) - bank) * walled
        land = WATER_LEVEL_M + rise * shore + self._hills(x, y, radius) * smooth(distance, 24.0, 260.0)
        shallow = smooth(-distance, 0.0, 9.0)
        bed = WATER_LEVEL_M - _DEPTH_M * (shallow + (1.0 - shallow) * walled)
        return np.where(distance <= 0.0, bed, land)

    def _shore_distance(self, x: Float64s, y: Float64s) -> Float64s:
        """Return :meth:`water_distance` where it matters, and ``_FAR_M`` beyond; tile by tile, for speed."""
        distance = np.full(x.shape, _FAR_M).reshape(-1)
        east, north = np.ravel(x), np.ravel(y)
        tiles = (east // _TILE_M).astype(np.int64) * _ROWS + (north // _TILE_M).astype(np.int64)
        order = np.argsort(tiles, kind="stable")
        keys, bounds = np.unique(tiles[order], return_index=True)
        for key, start, end in zip(keys.tolist(), bounds, np.append(bounds[1:], len(tiles)), strict=True):
            column = round(key / _ROWS)
            row = key - column * _ROWS
            water = self._water_near(column, row)
            if not water.is_empty:
                places = order[start:end]
                distance[places] = self.water_distance(east[places], north[places], near=water)
        nearest: Float64s = np.minimum(distance, _FAR_M).reshape(x.shape)
        return nearest

    @cached_property
    def _near(self) -> dict[tuple[int, int], BaseGeometry]:
        return {}

    def _water_near(self, column: int, row: int) -> BaseGeometry:
        """Return the water within ``_FAR_M`` of a tile."""
        water = self._near.get((column, row))
        if water is None:
            x, y = column * _TILE_M, row * _TILE_M
            water = shapely.clip_by_rect(self.water, x - _FAR_M, y - _FAR_M, x + _TILE_M + _FAR_M, y + _TILE_M + _FAR_M)
            shapely.prepare(water)
            self._near[column, row] = water
        return water

    def _hills(self, x: Float64s, y: Float64s, radius: Float64s) -> Float64s:
        """Return how far the land rises above the quays, away from the river."""
        rng = random.Random(f"hills {self.seed}")
        phases = [rng.uniform(0, 2 * math.pi) for _ in range(8)]
        mound = 15.0 * (1.0 - smooth(_segment_distances(x, y, *_PLATEAU), 78.0, 230.0))
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

"""Laser points as an airborne survey of the town would have them, in LAZ 1.4.

Roofs, walls, ground, water, bridges and trees are sampled from the same geometry that the other files hold, with the
noise, the returns and the classes (ASPRS LAS 1.4-R15, table 17) that a real survey has.  It covers the square around
the market, so that its size does not grow with the town.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import laspy
import numpy as np
import shapely
from laspy.vlrs.known import WktCoordinateSystemVlr
from lazrs import LazrsError
from numpy.typing import NDArray
from rasterio.features import rasterize
from rasterio.transform import Affine

from twinviewer.demo.georeference import MARKET, compound_crs
from twinviewer.demo.landscape import WATER_LEVEL_M
from twinviewer.demo.town import Building, Surface, Town, Tree
from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.model.feedback import Feedback, PartOf

Float64s = NDArray[np.float64]

REACH_M = 600.0
"""From the market to each side of the square that was flown over."""
GROUND_PER_M2 = 0.7
ROOFS_PER_M2 = 2.2
WALLS_PER_M2 = 0.25
TREES_PER_M2 = 2.0
"""Of the ground below the crown."""
_RETURNED_BY_WATER = 0.35
_LOW_PLANTS = 0.2
"""Share of the points on grass that the laser has from its blades."""
_NOISE = 0.0005
"""Share of the points on the ground that an echo puts far below it."""
_SWATH_M = 150.0
"""Width of a flight line."""
_FLIGHT_M_S = 60.0
_HEIGHT_NOISE_M = 0.025
_MASK_M = 0.5
_SURVEYED_ON = date(2026, 3, 20)
_SURVEYED_AT_S = 4.5e8
"""Adjusted standard GPS time of the first pulse."""
_CHUNK = 200_000

GROUND, LOW_PLANTS, PLANTS, HIGH_PLANTS, BUILDING, LOW_NOISE, WATER, BRIDGE = 2, 3, 4, 5, 6, 7, 9, 17

_LAND_RGB = {
    "water": (58, 84, 96),
    "park": (104, 128, 72),
    "garden": (104, 128, 72),
    "forest": (78, 98, 58),
    "meadow": (126, 142, 84),
    "grass": (118, 138, 80),
    "farmland": (166, 150, 104),
    "square": (172, 164, 152),
}
_GREEN_LAND = ("park", "garden", "forest", "meadow", "grass", "farmland", "cemetery")
_YARD_RGB, _STREET_RGB, _WATER_RGB = (150, 146, 128), (124, 122, 120), (62, 88, 100)
_ROOF_RGB = ((158, 88, 66), (142, 78, 60), (170, 102, 78), (128, 74, 62), (112, 108, 108))
_GRAVEL_RGB, _PLASTER_RGB, _BRIDGE_RGB = (158, 154, 148), (206, 196, 178), (176, 168, 154)
_LEAF_RGB, _NEEDLE_RGB = (92, 120, 58), (62, 88, 60)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Points:
    """Points of one kind, in plan coordinates."""

    positions: Float64s
    """(n, 3)"""
    classes: NDArray[np.uint8]
    """(n,)"""
    rgb: Float64s
    """(n, 3), 0 to 255."""
    intensity: Float64s
    """(n,), 0 to 1."""
    returns: NDArray[np.uint8]
    """(n, 2) number of the return, and how many its pulse had."""


def is_in_reach(building: Building) -> bool:
    """Return whether the survey flew over a building."""
    return any(abs(x) < REACH_M and abs(y) < REACH_M for x, y, _ in building.surfaces[0].exterior)


def write_laser_scan(path: Path, town: Town, buildings: Sequence[Building], *, seed: int, feedback: Feedback) -> int:
    """Write the points of a survey; return how many.

    Args:
        path: A ``.laz`` file.
        town: What was flown over.
        buildings: Those of it that are in reach.
        seed: Of the noise.
        feedback: Hears progress, and is asked whether to stop.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    rng = np.random.default_rng(seed)
    parts = [
        _ground_points(town, buildings, rng),
        _surface_points(buildings, rng),
        _bridge_points(town, rng),
        _tree_points(town.trees, rng),
    ]
    feedback.stop_if_cancelled()
    feedback.progress(0.5)
    points = _in_order_of_flight(_noisy(_joined(parts), rng))
    try:
        _write(path, points, PartOf(feedback, 0.6, 1.0))
    except LazrsError as error:
        raise OSError("the laser points could not be written") from error
    return len(points.positions)


def _window(town: Town) -> tuple[float, float, float, float]:
    """Return what was flown over: (west, south, east, north)."""
    west, south, east, north = town.bounds
    return max(west, -REACH_M), max(south, -REACH_M), min(east, REACH_M), min(north, REACH_M)


# --- what the pulses hit ----------------------------------------------------------------------------------------


def _ground_points(town: Town, buildings: Sequence[Building], rng: np.random.Generator) -> _Points:
    """Return points on ground, grass and water, where no building stands in the way."""
    west, south, east, north = window = _window(town)
    count = int((east - west) * (north - south) * GROUND_PER_M2)
    x, y = rng.uniform(west, east, count), rng.uniform(south, north, count)
    footprints = [
        shapely.Polygon([corner[:2] for corner in surface.exterior])
        for building in buildings
        for surface in building.surfaces
        if surface.type == "GroundSurface"
    ]
    free = _raster(window, [(footprint, 1) for footprint in footprints])(x, y) == 0
    kinds = sorted({area.type for area in town.land_use})
    land = _raster(window, [(area.polygon, kinds.index(area.type) + 1) for area in town.land_use])(x, y)
    water = land == (kinds.index("water") + 1 if "water" in kinds else -1)
    kept = free & (~water | (rng.random(count) < _RETURNED_BY_WATER))
    x, y, land, water = x[kept], y[kept], land[kept], water[kept]
    green = np.isin(land, [kinds.index(kind) + 1 for kind in kinds if kind in _GREEN_LAND])
    z = np.where(water, WATER_LEVEL_M, town.heights(x, y))
    plants = green & (rng.random(len(x)) < _LOW_PLANTS)
    z = z + np.where(plants, rng.uniform(0.1, 0.6, len(x)), 0.0)
    colours = np.array([_STREET_RGB, *(_LAND_RGB.get(kind, _YARD_RGB) for kind in kinds)], np.float64)
    return _Points(
        positions=np.column_stack([x, y, z]),
        classes=np.select([water, plants], [WATER, LOW_PLANTS], GROUND).astype(np.uint8),
        rgb=np.where(water[:, None], np.array(_WATER_RGB, np.float64), colours[land]),
        intensity=np.select([water, green], [0.05, 0.55], 0.28),
        returns=np.ones((len(x), 2), np.uint8),
    )


def _surface_points(buildings: Sequence[Building], rng: np.random.Generator) -> _Points:
    """Return points on roofs, and a few on walls, as from the side of a swath."""
    roofs: list[Surface] = []
    walls: list[Surface] = []
    roof_rgb, wall_rgb = [], []
    for building in buildings:
        grain = zlib.crc32(building.id.encode())
        tiles = _GRAVEL_RGB if building.roof_type == "flat" else _ROOF_RGB[grain % len(_ROOF_RGB)]
        plaster = np.array(_PLASTER_RGB) * (0.88 + 0.16 * (grain >> 8 & 255) / 255)
        for surface in building.surfaces:
            if surface.type == "RoofSurface":
                roofs.append(surface)
                roof_rgb.append(tiles)
            elif surface.type == "WallSurface":
                walls.append(surface)
                wall_rgb.append(plaster)
    on_roofs, roof = _sampled(roofs, per_m2=ROOFS_PER_M2, rng=rng)
    on_walls, wall = _sampled(walls, per_m2=WALLS_PER_M2, rng=rng)
    return _joined(
        [
            _hard_points(on_roofs, BUILDING, np.array(roof_rgb, np.float64).reshape(-1, 3)[roof], intensity=0.45),
            _hard_points(on_walls, BUILDING, np.array(wall_rgb, np.float64).reshape(-1, 3)[wall], intensity=0.35),
        ]
    )


def _bridge_points(town: Town, rng: np.random.Generator) -> _Points:
    """Return points on the decks of bridges, and on quays, which are ground to a survey."""
    surfaces = [
        (surface, BRIDGE if bridge.type == "Bridge" else GROUND)
        for bridge in town.bridges
        for surface in bridge.surfaces
        if _rises(surface)
    ]
    positions, row = _sampled([surface for surface, _ in surfaces], per_m2=ROOFS_PER_M2, rng=rng)
    near = (np.abs(positions[:, :2]) < REACH_M).all(axis=1)
    positions, classes = positions[near], np.array([number for _, number in surfaces], np.uint8)[row[near]]
    rgb = np.tile(np.array(_BRIDGE_RGB, np.float64), (len(positions), 1))
    return replace(_hard_points(positions, BRIDGE, rgb, intensity=0.3), classes=classes)


def _tree_points(trees: Iterable[Tree], rng: np.random.Generator) -> _Points:
    """Return points in crowns: most on their upper side, the later returns of a pulse further in."""
    near = [tree for tree in trees if max(abs(tree.position[0]), abs(tree.position[1])) < REACH_M]
    if not near:
        return _hard_points(np.empty((0, 3)), HIGH_PLANTS, np.empty((0, 3)), intensity=0.5)
    foot = np.array([tree.position for tree in near])
    height, crown = np.array([[tree.height_m, tree.crown_m] for tree in near]).T
    conifer = np.array([tree.conifer for tree in near])
    tree = np.repeat(np.arange(len(near)), np.maximum(3, crown**2 * np.pi / 4 * TREES_PER_M2).astype(np.int64))
    count = len(tree)
    angle, reach = rng.uniform(0, 2 * np.pi, count), np.sqrt(rng.random(count))
    last = rng.choice(np.array([1, 2, 3], np.uint8), count, p=[0.45, 0.35, 0.2])
    number = np.minimum(rng.integers(1, 4, count), last).astype(np.uint8)
    depth = (number - 1) * rng.uniform(0.1, 0.3, count)
    share = np.where(
        conifer[tree],
        1.0 - 0.85 * reach,  # a cone, to the branches near the ground
        0.62 + 0.38 * np.sqrt(1 - reach**2),  # the upper half of a round crown
    )
    share = np.clip(share - depth * 0.6, 0.12, 1.0)
    above = share * height[tree]
    positions = foot[tree]
    positions[:, 0] += np.cos(angle) * reach * crown[tree] / 2
    positions[:, 1] += np.sin(angle) * reach * crown[tree] / 2
    positions[:, 2] += above
    green = np.where(conifer[tree][:, None], np.array(_NEEDLE_RGB, np.float64), np.array(_LEAF_RGB, np.float64))
    own = 0.85 + 0.3 * rng.random(len(near))
    lit = 0.7 + 0.4 * share
    return _Points(
        positions=positions,
        classes=np.select([above < 2.0, above < 5.0], [LOW_PLANTS, PLANTS], HIGH_PLANTS).astype(np.uint8),
        rgb=green * (own[tree] * lit)[:, None],
        intensity=0.62 / number,
        returns=np.column_stack([number, last]),
    )


def _hard_points(positions: Float64s, asprs_class: int, rgb: Float64s, *, intensity: float) -> _Points:
    """Return points on what no pulse goes through."""
    count = len(positions)
    return _Points(
        positions=positions,
        classes=np.full(count, asprs_class, np.uint8),
        rgb=rgb,
        intensity=np.full(count, intensity),
        returns=np.ones((count, 2), np.uint8),
    )


# --- sampling ---------------------------------------------------------------------------------------------------


class _Raster:
    """Numbers of areas, 0 where there is none."""

    def __init__(self, cells: NDArray[np.int16], west: float, north: float) -> None:
        self._cells, self._west, self._north = cells, west, north

    def __call__(self, x: Float64s, y: Float64s) -> NDArray[np.int16]:
        rows, columns = self._cells.shape
        column = np.clip(((x - self._west) / _MASK_M).astype(np.int64), 0, columns - 1)
        row = np.clip(((self._north - y) / _MASK_M).astype(np.int64), 0, rows - 1)
        found: NDArray[np.int16] = self._cells[row, column]
        return found


def _raster(window: tuple[float, float, float, float], areas: Sequence[tuple[shapely.Polygon, int]]) -> _Raster:
    west, south, east, north = window
    shape = (max(1, round((north - south) / _MASK_M)), max(1, round((east - west) / _MASK_M)))
    if not areas:
        return _Raster(np.zeros(shape, np.int16), west, north)
    cells = rasterize(areas, out_shape=shape, transform=Affine(_MASK_M, 0.0, west, 0.0, -_MASK_M, north), dtype="int16")
    return _Raster(cells, west, north)


def _rises(surface: Surface) -> bool:
    """Return whether a surface looks up."""
    return float(_normal(np.array(surface.exterior))[2]) > 0.3


def _normal(ring: Float64s) -> Float64s:
    """Return the unit normal (3,) of a plane ring (n, 3), by Newell's method."""
    after = np.roll(ring, -1, axis=0)
    low, high = ring - after, ring + after
    normal = np.array([np.dot(low[:, (axis + 1) % 3], high[:, (axis + 2) % 3]) for axis in range(3)])
    length = float(np.linalg.norm(normal))
    unit: Float64s = normal / length if length else normal
    return unit


def _sampled(
    surfaces: Sequence[Surface], *, per_m2: float, rng: np.random.Generator
) -> tuple[Float64s, NDArray[np.int64]]:
    """Return points (n, 3) spread evenly over surfaces, and which of them each lies on (n,)."""
    rings = [ring for surface in surfaces for ring in (surface.exterior, *surface.interiors)]
    if not rings:
        return np.empty((0, 3)), np.empty(0, np.int64)
    vertices = np.array([corner for ring in rings for corner in ring])
    cut = triangulate_polygons(
        vertices,
        np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]),
        np.concatenate([[0], np.cumsum([1 + len(surface.interiors) for surface in surfaces])]),
    )
    a, b, c = (vertices[cut.triangles[:, corner]] for corner in range(3))
    until = np.cumsum(np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2)
    count = int(until[-1] * per_m2) if len(until) else 0
    row = np.minimum(np.searchsorted(until, rng.random(count) * until[-1] if count else []), len(until) - 1)
    u, v = rng.random(count), rng.random(count)
    beyond = u + v > 1
    u, v = np.where(beyond, 1 - u, u)[:, None], np.where(beyond, 1 - v, v)[:, None]
    return a[row] + u * (b - a)[row] + v * (c - a)[row], cut.triangle_polygon[row].astype(np.int64)


# --- the survey -------------------------------------------------------------------------------------------------


def _joined(parts: Sequence[_Points]) -> _Points:
    return _Points(
        positions=np.concatenate([part.positions for part in parts]),
        classes=np.concatenate([part.classes for part in parts]),
        rgb=np.concatenate([part.rgb for part in parts]),
        intensity=np.concatenate([part.intensity for part in parts]),
        returns=np.concatenate([part.returns for part in parts]),
    )


def _noisy(points: _Points, rng: np.random.Generator) -> _Points:
    """Return the points as an instrument sees them, a few of them far below the ground."""
    count = len(points.positions)
    positions = points.positions + rng.normal(0.0, (0.04, 0.04, _HEIGHT_NOISE_M), (count, 3))
    stray = (points.classes == GROUND) & (rng.random(count) < _NOISE)
    positions[stray, 2] -= rng.uniform(4.0, 30.0, int(stray.sum()))
    return _Points(
        positions=positions,
        classes=np.where(stray, LOW_NOISE, points.classes).astype(np.uint8),
        rgb=np.clip(points.rgb * rng.normal(1.0, 0.06, (count, 1)), 0, 255),
        intensity=np.clip(points.intensity * rng.normal(1.0, 0.15, count), 0, 1),
        returns=points.returns,
    )


def _in_order_of_flight(points: _Points) -> _Points:
    swath, along = _swath(points.positions), points.positions[:, 1]
    order = np.lexsort((np.where(swath % 2 == 0, along, -along), swath))
    return _Points(
        positions=points.positions[order],
        classes=points.classes[order],
        rgb=points.rgb[order],
        intensity=points.intensity[order],
        returns=points.returns[order],
    )


def _swath(positions: Float64s) -> NDArray[np.int64]:
    """Return the flight line (n,) that each point was seen from, 0 the one furthest west."""
    return np.clip((positions[:, 0] + REACH_M) // _SWATH_M, 0, None).astype(np.int64)


def _write(path: Path, points: _Points, feedback: Feedback) -> None:
    """Write LAS 1.4, point format 7, compressed."""
    header = laspy.LasHeader(version="1.4", point_format=7)
    header.scales = np.array([0.001, 0.001, 0.001])
    header.offsets = np.array([*MARKET, 0.0])
    header.creation_date = _SURVEYED_ON
    header.system_identifier, header.generating_software = "twinviewer survey", "twinviewer"
    header.vlrs.append(WktCoordinateSystemVlr(compound_crs().to_wkt("WKT1_GDAL")))
    header.global_encoding.wkt = True
    swath = _swath(points.positions)
    middle = (swath + 0.5) * _SWATH_M - REACH_M
    angle_deg = np.degrees(np.arctan2(points.positions[:, 0] - middle, 900.0))
    flown_m = np.where(swath % 2 == 0, points.positions[:, 1] + REACH_M, REACH_M - points.positions[:, 1])
    time_s = _SURVEYED_AT_S + swath * 120.0 + flown_m / _FLIGHT_M_S
    with (
        path.open("wb") as file,
        laspy.open(
            file, mode="w", header=header, laz_backend=laspy.LazBackend.LazrsParallel, do_compress=True, closefd=False
        ) as writer,
    ):
        for first in range(0, len(points.positions), _CHUNK):
            feedback.stop_if_cancelled()
            feedback.progress(first / len(points.positions))
            rows = slice(first, first + _CHUNK)
            record = laspy.ScaleAwarePointRecord.zeros(len(points.positions[rows]), header=header)
            record.x, record.y = points.positions[rows, 0] + MARKET[0], points.positions[rows, 1] + MARKET[1]
            record.z = points.positions[rows, 2]
            record.classification = points.classes[rows]
            record.return_number, record.number_of_returns = points.returns[rows].T
            record.intensity = (points.intensity[rows] * 65535).astype(np.uint16)
            record.scan_angle = np.round(angle_deg[rows] / 0.006).astype(np.int16)
            record.point_source_id = (swath[rows] + 1).astype(np.uint16)
            record.gps_time = time_s[rows]
            record.red, record.green, record.blue = (points.rgb[rows].T * 257).astype(np.uint16)
            writer.write_points(record)

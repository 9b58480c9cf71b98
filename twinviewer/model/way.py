"""The way from one reference system to another, for x and y and for heights, and how well it is known.

Shifts between datums are measured, not computed: PROJ knows several for most pairs, the good ones need grids, and
without them it would take a rough one in silence.  Here every answer says what was done: :class:`HeightRule` for
heights, :func:`accuracy_between` for positions.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from pyproj import CRS, Transformer
from pyproj.crs import CompoundCRS
from pyproj.enums import TransformDirection
from pyproj.exceptions import CRSError, ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup

from twinviewer.model.crs import (
    assumed_metres_per_height,
    code_of,
    horizontal_crs,
    in_metres,
    lon_lat_box,
    metres_per_height,
    transformer,
    vertical_crs,
)
from twinviewer.model.place import Extent, ReferenceSystem

Float64s = NDArray[np.float64]


class HeightRule(StrEnum):
    """What happens to heights on the way from one system to another, apart from their unit."""

    SAME = "same"
    """Both are of the same vertical datum, or neither names one."""
    CONVERTED = "converted"
    """PROJ knows how the two datums differ."""
    KEPT = "kept"
    """They differ, or one is unnamed, and nothing better is known or installed: heights stay as they are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """The way from one reference system to another."""

    to_lon_lat_height: Transformer | None
    """For geocentric coordinates, before everything else."""
    horizontal: Transformer | None
    """None: x and y stay."""
    heights: Transformer | None
    """From longitude, latitude and height to the same with the target's height; None: only the unit changes."""
    to_lon_lat: Transformer | None
    """To the longitude and latitude that ``heights`` needs; None where x and y are that."""
    metres_per_height: float
    """Of what ``heights`` gives, or of the source where there is none; negative for depths."""
    height_rule: HeightRule
    height_unit_assumed: bool
    """The source names no vertical system: heights are taken to be in the unit of x and y."""
    missing_grids: tuple[str, ...]
    """Files that PROJ would need for what ``height_rule`` leaves as it is."""

    @property
    def keeps_heights(self) -> bool:
        return self.heights is None and self.to_lon_lat_height is None and self.metres_per_height == 1.0

    @property
    def keeps_everything(self) -> bool:
        return self.horizontal is None and self.keeps_heights

    def apply(self, points: Float64s) -> Float64s:
        """Return ``points`` (n, 3) in the target, heights in metres; rows that have no place there are all NaN."""
        x, y, z = points.T
        if self.to_lon_lat_height is not None:
            x, y, z = self.to_lon_lat_height.transform(x, y, z)
        z = self._heights(x, y, z)
        if self.horizontal is not None:
            x, y = self.horizontal.transform(x, y)
        placed = np.column_stack([x, y, z])
        placed[~np.isfinite(placed).all(axis=1)] = np.nan
        return placed

    def apply_flat(self, xy: Float64s) -> Float64s:
        """Return positions (n, 2) of no height in the target; those that have no place there are not finite."""
        if self.horizontal is None:
            return xy
        x, y = xy.T
        return np.column_stack(self.horizontal.transform(x, y))

    def back_flat(self, xy: Float64s) -> Float64s:
        """Return positions (n, 2) of the target in the source, the exact reverse of :meth:`apply_flat`."""
        if self.horizontal is None:
            return xy
        x, y = xy.T
        return np.column_stack(self.horizontal.transform(x, y, direction=TransformDirection.INVERSE))

    def heights_at(self, points: Float64s) -> Float64s:
        """Return the heights (n,) in the target of ``points`` (n, 3) of the source."""
        return self._heights(*points.T)

    def _heights(self, x: Float64s, y: Float64s, z: Float64s) -> Float64s:
        if self.heights is not None:
            lon, lat = (x, y) if self.to_lon_lat is None else self.to_lon_lat.transform(x, y)
            z = self.heights.transform(lon, lat, z)[2]
        return z * self.metres_per_height


def transform(points: Float64s, source: ReferenceSystem, target: ReferenceSystem) -> Float64s:
    """Return ``points`` (n, 3) of ``source`` in ``target``, heights in metres; see :func:`way_between`."""
    return way_between(source, target).apply(points)


@lru_cache(maxsize=64)
def way_between(source: ReferenceSystem, target: ReferenceSystem, around: Extent | None = None) -> Way:
    """Return the way from ``source`` to ``target``.

    Horizontally it is PROJ's best that needs no grid which is not installed.  Heights always end in metres; they
    change their datum only where PROJ knows how, and stay otherwise (:class:`HeightRule`).

    Args:
        source: Where points are.
        target: Where they are wanted.
        around: Extent of the data, in ``source``: all of it goes the way that is best for its centre.  None: PROJ
            chooses for each point, which tears what lies across the border between two regions' shifts.

    Raises:
        UnknownCrsError: PROJ does not know one of them, or no way between them.
    """
    crs, target_crs = horizontal_crs(source), horizontal_crs(target).to_2d()
    vertical, target_vertical = vertical_crs(source), vertical_crs(target)
    ellipsoidal = vertical is None and len(crs.axis_info) == 3
    flat = _flat(crs)
    to_lon_lat_height = transformer(crs, flat.to_3d()) if crs.is_geocentric else None
    factor = assumed_metres_per_height(source)
    lon_lat = flat.geodetic_crs if flat.is_projected else flat
    heights, rule, missing_grids = None, HeightRule.SAME, tuple[str, ...]()
    if target_vertical is None:
        rule = HeightRule.SAME if vertical is None and not ellipsoidal else HeightRule.KEPT
    elif vertical is None and not ellipsoidal:
        rule = HeightRule.KEPT
    elif vertical is None or in_metres(vertical) != target.vertical:
        assert lon_lat is not None
        heights, missing_grids = _heights_way(lon_lat, vertical, target_vertical)
        rule = HeightRule.KEPT if heights is None else HeightRule.CONVERTED
        factor = factor if heights is None else metres_per_height(target_vertical)
    horizontal = None if code_of(flat) == code_of(target_crs) else transformer(flat, target_crs)
    to_lon_lat = None if heights is None or not flat.is_projected else transformer(flat, lon_lat)
    if around is not None:
        x, y, z = _nodes(around).T
        if to_lon_lat_height is not None:
            x, y, z = to_lon_lat_height.transform(x, y, z)
        if horizontal is not None:
            horizontal = _best_for_centre(horizontal, x, y, z)
        if heights is not None:
            lon, lat = (x, y) if to_lon_lat is None else to_lon_lat.transform(x, y)
            heights = _best_for_centre(heights, lon, lat, z)
    return Way(
        to_lon_lat_height=to_lon_lat_height,
        horizontal=horizontal,
        heights=heights,
        to_lon_lat=to_lon_lat,
        metres_per_height=factor,
        height_rule=rule,
        height_unit_assumed=vertical is None and abs(factor - 1.0) > 1e-9,
        missing_grids=missing_grids,
    )


def _flat(crs: CRS) -> CRS:
    """Return a system of x and y alone; of a geocentric one, longitude and latitude of its datum."""
    if crs.is_geocentric:
        geographic = crs.geodetic_crs if crs.geodetic_crs is not None and crs.geodetic_crs.is_geographic else None
        return (geographic or CRS("EPSG:4979")).to_2d()
    return crs.to_2d()


def _nodes(extent: Extent) -> Float64s:
    """Return points (n, 3) all over an extent, its centre the first."""
    low, high = np.array(extent.as_tuple()[:3]), np.array(extent.as_tuple()[3:])
    shares = np.array([(0.5, 0.5, 0.5), *((u, v, 0.5) for u in np.linspace(0, 1, 5) for v in np.linspace(0, 1, 5))])
    return np.asarray(low + shares * (high - low))


def _best_for_centre(ways: Transformer, x: Float64s, y: Float64s, z: Float64s) -> Transformer:
    """Return the one of PROJ's ways that it takes for the first node, or all if that one does not reach all nodes."""
    ways.transform(x[:1], y[:1], z[:1])
    best = _last_used(ways)
    return best if np.isfinite(best.transform(x, y, z)).all() else ways


def _last_used(ways: Transformer) -> Transformer:
    """Return the way that the last point went; where there is only one that does nothing, PROJ keeps no book."""
    try:
        return ways.get_last_used_operation()
    except ProjError:
        return ways


def _heights_way(lon_lat: CRS, vertical: CRS | None, target: CRS) -> tuple[Transformer | None, tuple[str, ...]]:
    """Return PROJ's way between two vertical systems (None: above the ellipsoid), or the grids that it lacks."""
    start = lon_lat.to_3d() if vertical is None else CompoundCRS(name="from", components=[lon_lat, vertical])
    end = CompoundCRS(name="to", components=[lon_lat, target])
    group = _group(start, end, allow_ballpark=False)
    if group is None:
        return None, ()
    if group.transformers:  # PROJ picks among them by place
        return Transformer.from_crs(start, end, always_xy=True, allow_ballpark=False), ()
    return None, _missing_grids(group.unavailable_operations[0]) if group.unavailable_operations else ()


def _group(
    start: CRS, end: CRS, *, area: AreaOfInterest | None = None, allow_ballpark: bool
) -> TransformerGroup | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # “best transformation is not available”: that is the question
            return TransformerGroup(start, end, always_xy=True, area_of_interest=area, allow_ballpark=allow_ballpark)
    except (ProjError, CRSError):
        return None


def _missing_grids(operation: object) -> tuple[str, ...]:
    grids = getattr(operation, "grids", None) or ()
    return tuple(grid.short_name for grid in grids if not grid.available)


@dataclass(frozen=True, slots=True, kw_only=True)
class Accuracy:
    """How well positions are known after the way from one system to another."""

    metres: float | None
    """As EPSG states it, 0 within one datum; None: PROJ only assumes that the two datums are alike."""
    possible_metres: float | None
    """What would be reached with ``missing_grids``; None where nothing better is known."""
    missing_grids: tuple[str, ...]


def accuracy_between(source: ReferenceSystem, target: ReferenceSystem, extent: Extent) -> Accuracy:
    """Return how well x and y of data with ``extent`` (of ``source``) are known in ``target``.

    Raises:
        UnknownCrsError: PROJ does not know one of them, or no way between them.
        MissingCrsError: The coordinates contradict ``source``.
    """
    flat, target_flat = _flat(horizontal_crs(source)), horizontal_crs(target).to_2d()
    way = way_between(source, target, extent)
    if way.horizontal is None:
        return Accuracy(metres=0.0, possible_metres=None, missing_grids=())
    west, south, east, north = lon_lat_box(source, extent)
    way.apply(np.array([extent.centre]))
    used = _last_used(way.horizontal)
    roughly = used.accuracy < 0 or "ballpark" in used.description.lower()
    metres = None if roughly else used.accuracy
    area = AreaOfInterest(max(west, -180.0), max(south, -90.0), min(east, 180.0), min(north, 90.0))
    group = _group(flat, target_flat, area=area, allow_ballpark=True)
    for operation in [] if group is None else group.unavailable_operations:
        grids = _missing_grids(operation)
        if grids and operation.accuracy >= 0 and (metres is None or operation.accuracy < metres):
            return Accuracy(metres=metres, possible_metres=operation.accuracy, missing_grids=grids)
    return Accuracy(metres=metres, possible_metres=None, missing_grids=())

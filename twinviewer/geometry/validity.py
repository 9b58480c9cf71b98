"""Whether polygons, shells and solids are what ISO 19107 asks of them, told in the codes of val3dity.

The codes, their order and the tolerances are those of https://val3dity.readthedocs.io/ (Ledoux 2018, *val3dity:
validation of 3D GIS primitives according to the international standards*): what is found in a polygon, from the first
that applies, and only in shells of sound polygons how these join.  Of hollows their boxes are compared (401 to 403).
Not looked for is what costs more than drawing: where the polygons of a shell intersect (306), whether hollows cut a
solid in two (404), and how solids lie to each other (5xx, 6xx).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from functools import cache
from itertools import pairwise
from types import FunctionType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.geometry import validity_loops as loops
from twinviewer.geometry.triangulation import Triangulation

Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]

SNAP_M = 0.001
"""Points no further apart are one point."""
PLANAR_M = 0.01
"""No point of a planar polygon is further from the plane that fits it best."""
FOLD_DEG = 20.0
"""No triangle of a planar polygon is turned further out of its plane."""

_RISE_M = 0.002
"""Metres that a triangle must rise out of the plane to count as turned: rounding to millimetres does not reach them."""
_SMOOTH_M = 0.0005
"""Distance from its plane of all points up to which a polygon has no such triangle."""
_WORTH_LOADING = 400_000
"""Corners for whose sake the compiled loops are loaded: that takes up to a second, as looking at so many without."""


class Flaw(IntEnum):
    """What can be found, by val3dity's code."""

    TOO_FEW_POINTS = 101
    CONSECUTIVE_POINTS_SAME = 102
    RING_NOT_CLOSED = 103
    RING_SELF_INTERSECTION = 104
    INTERSECTION_RINGS = 201
    DUPLICATED_RINGS = 202
    NON_PLANAR_POLYGON_DISTANCE_PLANE = 203
    NON_PLANAR_POLYGON_NORMALS_DEVIATION = 204
    POLYGON_INTERIOR_DISCONNECTED = 205
    INNER_RING_OUTSIDE = 206
    INNER_RINGS_NESTED = 207
    ORIENTATION_RINGS_SAME = 208
    TOO_FEW_POLYGONS = 301
    SHELL_NOT_CLOSED = 302
    NON_MANIFOLD_VERTEX = 303
    NON_MANIFOLD_EDGE = 304
    MULTIPLE_CONNECTED_COMPONENTS = 305
    POLYGON_WRONG_ORIENTATION = 307
    INTERSECTION_SHELLS = 401
    DUPLICATED_SHELLS = 402
    INNER_SHELL_OUTSIDE = 403
    WRONG_ORIENTATION_SHELL = 405


_OF_SHELL = {
    loops.TOO_FEW: Flaw.TOO_FEW_POLYGONS,
    loops.NOT_CLOSED: Flaw.SHELL_NOT_CLOSED,
    loops.VERTEX_NOT_MANIFOLD: Flaw.NON_MANIFOLD_VERTEX,
    loops.EDGE_NOT_MANIFOLD: Flaw.NON_MANIFOLD_EDGE,
    loops.SEVERAL_PARTS: Flaw.MULTIPLE_CONNECTED_COMPONENTS,
    loops.TURNED_POLYGON: Flaw.POLYGON_WRONG_ORIENTATION,
    loops.INSIDE_OUT: Flaw.WRONG_ORIENTATION_SHELL,
}
_OF_RINGS = {
    "Ring Self-intersection": Flaw.RING_SELF_INTERSECTION,
    "Self-intersection": Flaw.INTERSECTION_RINGS,
    "Interior is disconnected": Flaw.POLYGON_INTERIOR_DISCONNECTED,
    "Hole lies outside shell": Flaw.INNER_RING_OUTSIDE,
    "Holes are nested": Flaw.INNER_RINGS_NESTED,
}
"""By the reasons of GEOS, without the place that follows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Polygons:
    """Polygons in metres, whose rings have three corners or more and repeat none that precedes it."""

    vertices: Float64s
    """(v, 3) corners ring after ring."""
    ring_offsets: Int64s
    """(r + 1,) as for ``triangulate_polygons``."""
    polygon_offsets: Int64s
    """(p + 1,)"""
    is_turned: Bools
    """(p,) whether the corners turn the other way round than the polygon does in its shell."""
    shell: Int64s
    """(p,) row of the shell that the polygon bounds, −1 for none, and for shells that are not to be looked at."""
    shell_solid: Int64s
    """(h,) solid that each shell bounds, ascending; the first shell of a solid is its outer one."""


def make_ready() -> None:
    """Load the compiled loops, or compile them where that was never done: for a process that will look at much."""
    ready = _compiled_loops()
    x, y, z = np.array([0.0, 1, 1]), np.array([0.0, 0, 1]), np.zeros(3)
    once, no = np.array([0, 3]), np.zeros(1, np.bool_)
    ready.first_look(x, y, z, once, np.array([0, 1]), no, SNAP_M, PLANAR_M, _SMOOTH_M)
    ready.folds(x, y, z, (np.zeros(1, np.int32),) * 3, np.zeros(1, np.int32), no, 1.0, _RISE_M)
    ready.shell_flaws(x, y, z, once, np.array([0, 1]), no, np.zeros(1, np.int64), np.array([0, 1]), no, SNAP_M)


def find_flaws(polygons: Polygons, triangulation: Triangulation) -> dict[Flaw, Int64s]:
    """Return the polygons in which, or in whose shell, each flaw was found, ascending.

    Args:
        polygons: What is looked at.
        triangulation: Of these polygons.
    """
    count = len(polygons.shell)
    columns = _Columns(polygons, triangulation)
    found = columns.first_look()
    flaws: dict[Flaw, Int64s] = {}

    def note(flaw: Flaw, rows: Int64s) -> None:
        if len(rows):
            flaws[flaw] = np.union1d(flaws[flaw], rows) if flaw in flaws else rows

    for bit, flaw in (
        (loops.REPEATED, Flaw.CONSECUTIVE_POINTS_SAME),
        (loops.HOLE_TURNS_ALIKE, Flaw.ORIENTATION_RINGS_SAME),
        (loops.HOLE_OUTSIDE, Flaw.INNER_RING_OUTSIDE),
        (loops.HOLES_NESTED, Flaw.INNER_RINGS_NESTED),
    ):
        note(flaw, np.flatnonzero(found & bit))
    note(Flaw.RING_SELF_INTERSECTION, triangulation.failed.astype(np.int64))
    drawn = np.ones(count, np.bool_)
    drawn[triangulation.failed] = False
    not_planar = columns.not_planar(np.flatnonzero(((found & loops.PERHAPS_NOT_PLANAR) > 0) & drawn))
    note(Flaw.NON_PLANAR_POLYGON_DISTANCE_PLANE, not_planar)
    planar = drawn.copy()
    planar[not_planar] = False  # whether their rings cross depends on where they are seen from
    for row in np.flatnonzero(((found & loops.DOUBTFUL_RINGS) > 0) & planar).tolist():
        if (of_rings := columns.flaw_of_rings(row)) is not None:
            note(of_rings, np.array([row]))
    bent = ((found & loops.BENT) > 0) & planar
    if bent.any():
        note(Flaw.NON_PLANAR_POLYGON_NORMALS_DEVIATION, columns.folded(bent))
    bad = np.zeros(count, np.bool_)
    for rows in flaws.values():
        bad[rows] = True
    for flaw, rows in columns.flaws_of_shells(bad).items():
        note(flaw, rows)
    return dict(sorted(flaws.items()))


class _Columns:
    """Polygons as columns around their first vertex."""

    def __init__(self, polygons: Polygons, triangulation: Triangulation) -> None:
        self.polygons, self.triangulation = polygons, triangulation
        vertices = polygons.vertices
        origin = vertices[0] if len(vertices) else np.zeros(3)
        self.xyz = [np.ascontiguousarray(vertices[:, axis] - origin[axis]) for axis in range(3)]
        if _is_compiled(len(vertices)):
            self.loops: Any = _compiled_loops()
            self.column: Callable[[NDArray[Any]], Any] = np.ascontiguousarray
        else:  # numbers from a list are handled in half the time
            self.loops, self.column = loops, np.ndarray.tolist
        of_array = (*self.xyz, polygons.ring_offsets, polygons.polygon_offsets)
        self.corners = tuple(self.column(array) for array in of_array)

    def first_look(self) -> Int32s:
        is_convex = self.column(self.triangulation.convex)
        found: Int32s = self.loops.first_look(*self.corners, is_convex, SNAP_M, PLANAR_M, _SMOOTH_M)
        return found

    def not_planar(self, rows: Int64s) -> Int64s:
        """Return which of some polygons have points too far from the plane that fits all their points best."""
        if len(rows) == 0:
            return rows
        points, (_, sizes) = self._corners_of(rows), self._spans(rows)
        begins = np.cumsum(sizes) - sizes
        centred = points - np.repeat(np.add.reduceat(points, begins) / sizes[:, None], sizes, axis=0)
        spread = np.add.reduceat(centred[:, :, None] * centred[:, None, :], begins)
        normal = np.linalg.eigh(spread)[1][:, :, 0]
        distance = np.abs((centred * np.repeat(normal, sizes, axis=0)).sum(axis=1))
        return rows[np.maximum.reduceat(distance, begins) > PLANAR_M]

    def folded(self, bent: Bools) -> Int64s:
        """Return which of the polygons that are ``bent`` (p,) have a triangle that is turned far out of their plane."""
        corners = tuple(self.column(np.ascontiguousarray(corner)) for corner in self.triangulation.triangles.T)
        of_array = (self.triangulation.triangle_polygon, bent)
        angle = float(np.cos(np.radians(FOLD_DEG)))
        found = self.loops.folds(*self.corners[:3], corners, *map(self.column, of_array), angle, _RISE_M)
        return np.flatnonzero(found)

    def flaw_of_rings(self, row: int) -> Flaw | None:
        """Return what GEOS has to say of the rings of a polygon, seen along the axis that its plane faces most."""
        import shapely  # takes 0.1 s to load, and is seldom needed

        first, last = self.polygons.polygon_offsets[row], self.polygons.polygon_offsets[row + 1]
        offsets = self.polygons.ring_offsets[first : last + 1]
        rings = [np.column_stack([column[start:end] for column in self.xyz]) for start, end in pairwise(offsets)]
        outer = rings[0] - rings[0][0]
        axis = np.abs(np.cross(outer, np.roll(outer, -1, axis=0)).sum(axis=0)).argmax()
        flat = [np.delete(ring, axis, axis=1) for ring in rings]
        if not all(shapely.LinearRing(ring).is_simple for ring in flat):
            return Flaw.RING_SELF_INTERSECTION
        if len({frozenset(map(tuple, ring.tolist())) for ring in flat}) < len(flat):
            return Flaw.DUPLICATED_RINGS  # for GEOS, they intersect
        reason = shapely.is_valid_reason(shapely.Polygon(flat[0], flat[1:])).partition("[")[0]
        return _OF_RINGS.get(reason)

    def flaws_of_shells(self, bad: Bools) -> dict[Flaw, Int64s]:
        """Return, by flaw, the polygons of shells that do not join as they should; shells with ``bad`` ones aside."""
        shell, solid = self.polygons.shell, self.polygons.shell_solid
        is_inner = np.diff(solid, prepend=-1) == 0
        in_shell = np.flatnonzero(shell >= 0)
        if len(in_shell) == 0:
            return {}
        sound = np.ones(len(is_inner), np.bool_)
        sound[shell[in_shell[bad[in_shell]]]] = False
        members = in_shell[sound[shell[in_shell]]]
        members = members[np.argsort(shell[members], kind="stable")]
        sizes = np.bincount(shell[members], minlength=len(is_inner))
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        of_array = (self.polygons.is_turned, members, offsets, is_inner)
        found = self.loops.shell_flaws(*self.corners, *map(self.column, of_array), SNAP_M)
        sound = (found == 0) & (sizes > 0)
        of_shell = {flaw: found == bit for bit, flaw in _OF_SHELL.items()}
        of_shell |= self._flaws_of_hollows(np.flatnonzero(is_inner & sound), sound, members, offsets)
        return {flaw: np.sort(members[np.repeat(chosen, sizes)]) for flaw, chosen in of_shell.items() if chosen.any()}

    def _flaws_of_hollows(self, inner: Int64s, sound: Bools, members: Int64s, offsets: Int64s) -> dict[Flaw, Bools]:
        """Return, by flaw, which shells (h,) bound hollows that cannot be in their solid, as far as boxes tell."""
        solid = self.polygons.shell_solid
        found = {
            flaw: np.zeros(len(solid), np.bool_)
            for flaw in (Flaw.INTERSECTION_SHELLS, Flaw.DUPLICATED_SHELLS, Flaw.INNER_SHELL_OUTSIDE)
        }
        for shell in inner.tolist():
            outer = int(np.searchsorted(solid, solid[shell]))
            corners = self._corners_of(members[offsets[shell] : offsets[shell + 1]])
            low, high = corners.min(axis=0), corners.max(axis=0)
            for other in range(outer, shell):
                if not sound[other]:
                    continue
                others = self._corners_of(members[offsets[other] : offsets[other + 1]])
                other_low, other_high = others.min(axis=0), others.max(axis=0)
                if np.array_equal(np.unique(corners, axis=0), np.unique(others, axis=0)):
                    found[Flaw.DUPLICATED_SHELLS][shell] = True
                elif other == outer and ((low > other_high + SNAP_M) | (high < other_low - SNAP_M)).any():
                    found[Flaw.INNER_SHELL_OUTSIDE][shell] = True
                elif other == outer and ((low < other_low - SNAP_M) | (high > other_high + SNAP_M)).any():
                    found[Flaw.INTERSECTION_SHELLS][shell] = True
        return found

    def _corners_of(self, rows: Int64s) -> Float64s:
        """Return the corners (c, 3) of some polygons."""
        starts, sizes = self._spans(rows)
        corners: Float64s = self.polygons.vertices[np.repeat(starts, sizes) + _counting(sizes)]
        return corners

    def _spans(self, rows: Int64s) -> tuple[Int64s, Int64s]:
        starts = self.polygons.ring_offsets[self.polygons.polygon_offsets[rows]]
        return starts, self.polygons.ring_offsets[self.polygons.polygon_offsets[rows + 1]] - starts


def _counting(sizes: Int64s) -> Int64s:
    """Return 0, 1, 2 … for each of several runs."""
    return np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)


@cache
def _compiled_loops() -> SimpleNamespace:
    """Return the functions of ``validity_loops``, compiled."""
    from twinviewer.geometry.compiled import compiled

    scope = dict(vars(loops))
    for name, function in vars(loops).items():  # in the order of the source
        if isinstance(function, FunctionType) and function.__module__ == loops.__name__:
            scope[name] = compiled(FunctionType(function.__code__, scope, name))
    return SimpleNamespace(**scope)


def _is_compiled(corners: int) -> bool:
    """Return whether compiled loops look at so many corners: where they are loaded, or where that is soon repaid."""
    return _compiled_loops.cache_info().currsize > 0 or corners >= _WORTH_LOADING

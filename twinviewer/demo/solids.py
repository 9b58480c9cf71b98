"""Closed solids with roofs: every edge belongs to two faces, every face is plane and looks outwards.

A solid is built in a :class:`Frame`, u along the street (or the ridge), v away from it.  Corners are rounded to the
millimetre as they are made, so that faces which meet do so exactly, in every file format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from twinviewer.demo.plane import Point, along, between, centre, inset
from twinviewer.demo.town import Corner, Ring, Surface

Profile = Sequence[tuple[float, float]]
"""Section through a roof from the street side to the back: (v, z); vertical steps are allowed."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A corner on the ground and the direction of u; v is to its left."""

    origin: Point
    way: Point

    def at(self, u: float, v: float) -> Point:
        return along(self.origin, self.way, u, v)

    def turned(self, length_m: float) -> Frame:
        """Return the frame of the same rectangle (``length_m`` along u) whose u runs along this one's v."""
        return Frame(self.at(length_m, 0.0), (-self.way[1], self.way[0]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Dormer:
    """A window house on a slope."""

    middle_m: float
    """Along the slope, from its left end seen from outside."""
    width_m: float
    front_m: float
    """From the eaves."""
    height_m: float
    """Of its front wall, above the slope."""
    gabled: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CrossGable:
    """A wing with a gable of its own in front of a house, its eaves as high as the house's."""

    start_m: float
    end_m: float
    out_m: float
    """How far it stands out; 0: flush with the front."""
    ridge_z: float
    """Lower than the main ridge."""


class Solid:
    """The faces of one closed solid, gathered one by one."""

    def __init__(self) -> None:
        self.surfaces: list[Surface] = []

    def add(self, type: str, corners: Iterable[Corner], holes: Sequence[Sequence[Corner]] = ()) -> None:
        """Add a face, counter-clockwise from outside; corners that fall together become one."""
        ring = _ring(corners)
        if len(set(ring)) >= 3:
            self.surfaces.append(Surface(type=type, exterior=ring, interiors=tuple(_ring(hole) for hole in holes)))

    def roof(self, *corners: Corner) -> None:
        self.add("RoofSurface", corners)

    def wall(self, *corners: Corner) -> None:
        self.add("WallSurface", corners)

    def ground(self, polygon: Sequence[Point], z: float) -> None:
        """Add the ground under ``polygon`` (counter-clockwise from above)."""
        self.add("GroundSurface", [corner(point, z) for point in reversed(polygon)])

    def walls(self, polygon: Sequence[Point], low: float, high: float) -> None:
        """Add walls around ``polygon`` (counter-clockwise from above)."""
        for a, b in zip(polygon, (*polygon[1:], polygon[0]), strict=True):
            self.wall(corner(a, low), corner(b, low), corner(b, high), corner(a, high))


def corner(point: Point, z: float) -> Corner:
    return round(point[0], 3), round(point[1], 3), round(z, 3)


def saddle(
    frame: Frame,
    length_m: float,
    depth_m: float,
    *,
    ground_z: float,
    eave_z: float,
    ridge_z: float,
    hips: tuple[float, float] = (0.0, 0.0),
    front: Sequence[Dormer] = (),
    back: Sequence[Dormer] = (),
    cross: CrossGable | None = None,
) -> Solid:
    """Return a house with a gabled, hipped or half-hipped roof, its ridge along u in the middle.

    Args:
        frame: Its corner.
        length_m: Along u.
        depth_m: Along v; at most ``length_m`` where both ends are hipped.
        ground_z: Lowest ground.
        eave_z: Of both eaves.
        ridge_z: Of the ridge.
        hips: How much of the left and the right gable is sloped: 0 a gable, 1 a full hip.
        front: Dormers on the slope above v = 0.
        back: Dormers on the other.
        cross: A wing on the front.
    """
    solid = Solid()
    half, rise = depth_m / 2, ridge_z - eave_z
    left, right = hips
    low_left, low_right = (1 - left) * half, (1 - right) * half

    def at(u: float, v: float, z: float) -> Corner:
        return corner(frame.at(u, v), z)

    def behind(u: float, v: float, z: float) -> Corner:
        return corner(frame.at(length_m - u, depth_m - v), z)

    def height(v: float) -> float:
        return eave_z + rise * v / half

    peak_left, peak_right = at(left * half, half, ridge_z), at(length_m - right * half, half, ridge_z)
    top = [at(length_m, low_right, height(low_right)), peak_right, peak_left, at(0, low_left, height(low_left))]
    eave = [at(0, 0, eave_z), at(length_m, 0, eave_z)]
    plan = [frame.at(0, 0), frame.at(length_m, 0), frame.at(length_m, depth_m), frame.at(0, depth_m)]
    front_stops = [0.0, length_m]
    flush: list[Corner] = []
    if cross is not None:
        middle, reach = (cross.start_m + cross.end_m) / 2, (cross.ridge_z - eave_z) / rise * half
        valley = [at(cross.start_m, 0, eave_z), at(middle, reach, cross.ridge_z), at(cross.end_m, 0, eave_z)]
        eave[1:1] = valley
        out = -cross.out_m
        gable = [at(cross.start_m, out, eave_z), at(middle, out, cross.ridge_z), at(cross.end_m, out, eave_z)]
        solid.roof(gable[0], gable[1], valley[1], valley[0])
        solid.roof(gable[1], gable[2], valley[2], valley[1])
        if out:
            plan[1:1] = [frame.at(u, v) for u, v in _wing_plan(cross)]
            front_stops[1:1] = [cross.start_m, cross.end_m]
            solid.wall(at(cross.start_m, out, ground_z), at(cross.end_m, out, ground_z), gable[2], gable[1], gable[0])
            for u, near, far in ((cross.start_m, 0.0, out), (cross.end_m, out, 0.0)):
                solid.wall(at(u, near, ground_z), at(u, far, ground_z), at(u, far, eave_z), at(u, near, eave_z))
        else:
            flush = gable[::-1]
    for a, b in zip(front_stops[::2], front_stops[1::2], strict=True):
        solid.wall(at(a, 0, ground_z), at(b, 0, ground_z), at(b, 0, eave_z), *flush, at(a, 0, eave_z))
    solid.ground(plan, ground_z)
    solid.wall(
        at(length_m, depth_m, ground_z), at(0, depth_m, ground_z), at(0, depth_m, eave_z), at(length_m, depth_m, eave_z)
    )
    for u, low, order in ((0.0, low_left, -1), (length_m, low_right, 1)):
        section = [(0.0, ground_z), (depth_m, ground_z), (depth_m, eave_z)]
        section += [(depth_m - low, height(low)), (low, height(low)), (0.0, eave_z)]
        solid.wall(*(at(u, v, z) for v, z in section[::order]))
    if left:
        solid.roof(at(0, depth_m - low_left, height(low_left)), at(0, low_left, height(low_left)), peak_left)
    if right:
        solid.roof(
            at(length_m, low_right, height(low_right)), at(length_m, depth_m - low_right, height(low_right)), peak_right
        )
    slope = rise / half
    solid.add("RoofSurface", [*eave, *top], [_dormer(solid, dormer, at, eave_z, slope) for dormer in front])
    back_top = [behind(length_m, low_left, height(low_left)), peak_left, peak_right]
    back_top.append(behind(0, low_right, height(low_right)))
    solid.add(
        "RoofSurface",
        [behind(0, 0, eave_z), behind(length_m, 0, eave_z), *back_top],
        [_dormer(solid, dormer, behind, eave_z, slope) for dormer in back],
    )
    return solid


def _wing_plan(cross: CrossGable) -> list[Point]:
    return [(cross.start_m, 0.0), (cross.start_m, -cross.out_m), (cross.end_m, -cross.out_m), (cross.end_m, 0.0)]


def _dormer(
    solid: Solid, dormer: Dormer, at: Callable[[float, float, float], Corner], eave_z: float, slope: float
) -> list[Corner]:
    """Add the faces of a dormer and return the hole it leaves in the slope, clockwise."""
    a, b, m = dormer.middle_m - dormer.width_m / 2, dormer.middle_m + dormer.width_m / 2, dormer.middle_m
    front, low = dormer.front_m, eave_z + slope * dormer.front_m
    high = low + dormer.height_m
    if dormer.gabled:
        ridge = high + dormer.width_m * 0.42
        back, top = (high - eave_z) / slope, (ridge - eave_z) / slope
        solid.wall(at(a, front, low), at(b, front, low), at(b, front, high), at(m, front, ridge), at(a, front, high))
        solid.roof(at(a, front, high), at(m, front, ridge), at(m, top, ridge), at(a, back, high))
        solid.roof(at(m, front, ridge), at(b, front, high), at(b, back, high), at(m, top, ridge))
        hole = [at(a, front, low), at(a, back, high), at(m, top, ridge), at(b, back, high), at(b, front, low)]
        end_z = high
    else:
        pitch = 0.2 * slope
        back = (dormer.height_m / (slope - pitch)) + front
        end_z = eave_z + slope * back
        solid.wall(at(a, front, low), at(b, front, low), at(b, front, high), at(a, front, high))
        solid.roof(at(a, front, high), at(b, front, high), at(b, back, end_z), at(a, back, end_z))
        hole = [at(a, front, low), at(a, back, end_z), at(b, back, end_z), at(b, front, low)]
    solid.wall(at(a, back, end_z), at(a, front, low), at(a, front, high))
    solid.wall(at(b, front, low), at(b, back, end_z), at(b, front, high))
    return hole


def extruded(frame: Frame, length_m: float, profile: Profile, *, ground_z: float) -> Solid:
    """Return a house whose section is the same all along u: mansard, sawtooth, lean-to, flat."""
    solid = Solid()
    depth = profile[-1][0]
    solid.ground([frame.at(0, 0), frame.at(length_m, 0), frame.at(length_m, depth), frame.at(0, depth)], ground_z)
    section = [(0.0, ground_z), *profile, (depth, ground_z)]
    for (v, z), (v_next, z_next) in pairwise(section):
        face = "WallSurface" if v == v_next else "RoofSurface"
        corners = [corner(frame.at(0, v), z), corner(frame.at(length_m, v), z)]
        corners += [corner(frame.at(length_m, v_next), z_next), corner(frame.at(0, v_next), z_next)]
        solid.add(face, corners)
    solid.wall(*(corner(frame.at(0, v), z) for v, z in section))
    solid.wall(*(corner(frame.at(length_m, v), z) for v, z in reversed(section)))
    return solid


def corner_house(plan: Sequence[Point], profile: Profile, *, ground_z: float) -> Solid:
    """Return a house on a street corner whose roof goes round it.

    Args:
        plan: Corners counter-clockwise: end of the first front, the street corner, end of the second front, then back
            along the yard: end of the second wing, the corner in the yard, end of the first wing; or only the corner
            in the yard, where there are no wings.  The ends are square to their street.
        profile: As in a row beside it, but v as a share of the depth, 0 to 1.
        ground_z: Lowest ground.
    """
    solid = Solid()
    first, outer, second = plan[:3]
    second_back, yard, first_back = plan[3:] if len(plan) == 6 else (plan[3],) * 3
    solid.ground(plan, ground_z)

    def section(start: Point, end: Point) -> list[Corner]:
        return [corner(between(start, end, share), z) for share, z in profile]

    lines = [section(first, first_back), section(outer, yard), section(second, second_back)]
    for one, other in pairwise(lines):
        for (a, b), (c, d) in zip(pairwise(one), pairwise(other), strict=True):
            solid.roof(a, c, d, b)
    low = [[corner(point, ground_z) for point in pair] for pair in (
        (first, first_back), (outer, yard), (second, second_back)
    )]  # fmt: skip
    for at in (0, 1):
        here, after = low[at], low[at + 1]
        solid.wall(here[0], after[0], lines[at + 1][0], lines[at][0])
        solid.wall(after[1], here[1], lines[at][-1], lines[at + 1][-1])
    solid.wall(low[2][0], low[2][1], *reversed(lines[2]))
    solid.wall(low[0][1], low[0][0], *lines[0])
    return solid


def tented(polygon: Sequence[Point], *, ground_z: float, eave_z: float, peak_z: float, flare: float = 0.0) -> Solid:
    """Return a house or tower under a pyramid.

    Args:
        polygon: Its plan, convex, counter-clockwise.
        ground_z: Lowest ground.
        eave_z: Where the roof begins.
        peak_z: Of the peak, over the middle.
        flare: Share of the roof's height that is steeper than the rest, as on a spire over a broach; 0: none.
    """
    solid = Solid()
    solid.ground(polygon, ground_z)
    solid.walls(polygon, ground_z, eave_z)
    middle = centre(polygon)
    peak = corner(middle, peak_z)
    ring = [corner(point, eave_z) for point in polygon]
    if flare:
        knee = [corner(between(point, middle, 0.42), eave_z + (peak_z - eave_z) * flare) for point in polygon]
        for at in range(len(ring)):
            after = (at + 1) % len(ring)
            solid.roof(ring[at], ring[after], knee[after], knee[at])
        ring = knee
    for at in range(len(ring)):
        solid.roof(ring[at], ring[(at + 1) % len(ring)], peak)
    return solid


def flat(polygon: Sequence[Point], *, ground_z: float, roof_z: float, parapet_m: float = 0.0) -> Solid:
    """Return a flat-roofed house; with a parapet of that height and 0.3 m thickness if asked for."""
    solid = Solid()
    solid.ground(polygon, ground_z)
    solid.walls(polygon, ground_z, roof_z + parapet_m)
    inner = inset(polygon, [0.3] * len(polygon)) if parapet_m else None
    if inner is None or len(inner[0]) != len(polygon):
        solid.roof(*(corner(point, roof_z + parapet_m) for point in polygon))
        return solid
    within = inner[0]
    cap = [corner(point, roof_z + parapet_m) for point in within]
    solid.add("RoofSurface", [corner(point, roof_z + parapet_m) for point in polygon], [cap[::-1]])
    for at, (a, b) in enumerate(zip(within, (*within[1:], within[0]), strict=True)):
        solid.wall(corner(b, roof_z), corner(a, roof_z), cap[at], cap[(at + 1) % len(cap)])
    solid.roof(*(corner(point, roof_z) for point in within))
    return solid


def mansard(
    frame: Frame,
    length_m: float,
    depth_m: float,
    *,
    ground_z: float,
    eave_z: float,
    break_z: float,
    ridge_z: float,
    set_back_m: float,
) -> Solid:
    """Return a free-standing house under a mansard roof that is steep on all four sides and hipped above."""
    solid = Solid()
    outer = [frame.at(0, 0), frame.at(length_m, 0), frame.at(length_m, depth_m), frame.at(0, depth_m)]
    solid.ground(outer, ground_z)
    solid.walls(outer, ground_z, eave_z)
    a, b = set_back_m, length_m - set_back_m
    c, d = set_back_m, depth_m - set_back_m
    inner = [frame.at(a, c), frame.at(b, c), frame.at(b, d), frame.at(a, d)]
    low, high = [corner(point, eave_z) for point in outer], [corner(point, break_z) for point in inner]
    for at in range(4):
        after = (at + 1) % 4
        solid.roof(low[at], low[after], high[after], high[at])
    run = min(b - a, d - c) / 2
    if b - a >= d - c:
        one = corner(frame.at(a + run, (c + d) / 2), ridge_z)
        other = corner(frame.at(b - run, (c + d) / 2), ridge_z)
        ends = [(high[0], high[1], other, one), (high[1], high[2], other)]
        ends += [(high[2], high[3], one, other), (high[3], high[0], one)]
    else:
        one = corner(frame.at((a + b) / 2, c + run), ridge_z)
        other = corner(frame.at((a + b) / 2, d - run), ridge_z)
        ends = [(high[0], high[1], one), (high[1], high[2], other, one)]
        ends += [(high[2], high[3], other), (high[3], high[0], one, other)]
    for face in ends:
        solid.roof(*face)
    return solid


def _ring(corners: Iterable[Corner]) -> Ring:
    ring: list[Corner] = []
    for point in corners:
        if not ring or point != ring[-1]:
            ring.append(point)
    while len(ring) > 1 and ring[0] == ring[-1]:
        ring.pop()
    return tuple(ring)


def top_of(surfaces: Iterable[Surface]) -> float:
    return max(z for surface in surfaces for _, _, z in surface.exterior)


def stepped(storeys: Sequence[tuple[Sequence[Point], float]], *, ground_z: float) -> Solid:
    """Return a house of flat roofs one above the other.

    Args:
        storeys: (plan, roof height) from below; each plan well within the one before, counter-clockwise.
        ground_z: Lowest ground.
    """
    solid = Solid()
    solid.ground(storeys[0][0], ground_z)
    low = ground_z
    for at, (plan, roof_z) in enumerate(storeys):
        solid.walls(plan, low, roof_z)
        above = storeys[at + 1][0] if at + 1 < len(storeys) else None
        holes = [[corner(point, roof_z) for point in reversed(above)]] if above is not None else []
        solid.add("RoofSurface", [corner(point, roof_z) for point in plan], holes)
        low = roof_z
    return solid

"""The few buildings that everybody knows: the church, the town hall, a school."""

from __future__ import annotations

from itertools import pairwise

from twinviewer.demo.houses import Ground, House
from twinviewer.demo.joining import joined, placed
from twinviewer.demo.plane import Point
from twinviewer.demo.solids import Dormer, Frame, Solid, corner, extruded, flat, saddle, tented

CHURCH_FRAME = Frame((-139.0, 92.5), (0.9627, -0.2706))
"""The west front of the church, in its middle; u runs east along the axis, v north."""
TOWN_HALL_FRAME = Frame((-13.0, -16.0), (0.0, 1.0))
"""Its front looks east over the market."""
_OWN_FRAME = Frame((0.0, 0.0), (1.0, 0.0))
"""Parts are joined where coordinates are round numbers, and then put into their place."""
SCHOOL_SIZE_M = (54.0, 34.0)


def church_plan() -> tuple[Point, ...]:
    return _box(CHURCH_FRAME, 0.0, 56.0, -15.5, 15.5)


def town_hall_plan() -> tuple[Point, ...]:
    return _box(TOWN_HALL_FRAME, 0.0, 30.0, -5.5, 13.5)


def build_church(ground: Ground) -> House:
    """Build a hall of three aisles with a west tower, chapels like a low transept, a choir and an apse."""
    base, z, frame = ground.base_z, ground.street_z, _OWN_FRAME

    def at(u: float, v: float) -> Frame:
        return Frame(frame.at(u, v), frame.way)

    tower = _spired(_box(frame, 0, 9.6, -4.8, 4.8), base=base, eave=z + 31, peak=z + 63)
    nave = saddle(at(9.6, -8.5), 27, 17, ground_z=base, eave_z=z + 14.5, ridge_z=z + 26)
    choir = saddle(at(36.6, -6), 12, 12, ground_z=base, eave_z=z + 11.5, ridge_z=z + 19.5)
    apse = _apse(frame, 48.6, 5.0, base=base, eave=z + 9.5, peak=z + 15.5)
    parts = [tower, nave, choir, apse]
    for side in (-1, 1):
        parts.append(_aisle(frame, side, 12.0, 26.0, base=base, z=z))
        chapel = frame.at(26.0, -14.5) if side < 0 else frame.at(34.6, 14.5)
        way = frame.way if side < 0 else (-frame.way[0], -frame.way[1])
        cross_frame = Frame(chapel, way).turned(8.6)
        parts.append(saddle(cross_frame, 6, 8.6, ground_z=base, eave_z=z + 9.4, ridge_z=z + 14.2))
    return House(surfaces=placed(joined(parts), CHURCH_FRAME), roof_type="complex", storeys=1, function="church")


def build_town_hall(ground: Ground) -> House:
    """Build a hall of three storeys under a steep roof full of dormers, with a clock tower in front of its middle."""
    base, z, frame = ground.base_z, ground.street_z, _OWN_FRAME
    rows = [
        Dormer(middle_m=m, width_m=1.7, front_m=front, height_m=1.4, gabled=True)
        for front, stops in ((1.0, (2.6, 6.2, 9.8, 20.2, 23.8, 27.4)), (3.9, (4.4, 8.0, 22.0, 25.6)))
        for m in stops
    ]
    back = [Dormer(middle_m=m, width_m=1.7, front_m=1.0, height_m=1.4, gabled=True) for m in (4, 8, 12, 18, 22, 26)]
    hall = saddle(
        frame,
        30,
        13,
        ground_z=base,
        eave_z=z + 12.4,
        ridge_z=z + 23,
        hips=(0.25, 0.25),
        front=rows,
        back=back,
    )
    tower = _spired(_box(frame, 12.4, 17.6, -5.2, 0.0), base=base, eave=z + 28, peak=z + 46)
    return House(
        surfaces=placed(joined([hall, tower]), TOWN_HALL_FRAME), roof_type="complex", storeys=3, function="town hall"
    )


def school_frame(middle: Point, way: Point) -> Frame:
    """Return the frame of a school in the middle of its yard."""
    length, depth = SCHOOL_SIZE_M
    frame = Frame(middle, way)
    return Frame(frame.at(-length / 2, -depth / 2), way)


def school_plan(frame: Frame) -> tuple[Point, ...]:
    return _box(frame, 0.0, SCHOOL_SIZE_M[0], 0.0, SCHOOL_SIZE_M[1])


def build_school(site: Frame, ground: Ground) -> House:
    """Build a long house of classrooms with two wings behind, and a flat gymnasium."""
    base, z, frame = ground.base_z, ground.street_z, _OWN_FRAME
    eave = z + 3 * 3.6 + 0.5
    long_house = saddle(frame, 54, 13, ground_z=base, eave_z=eave, ridge_z=eave + 6.2, hips=(1.0, 1.0))
    wings = []
    for u, depth in ((0.0, 19.0), (43.0, 12.0)):
        wing = Frame(frame.at(u, 13), frame.way).turned(11)
        wings.append(saddle(wing, depth, 11, ground_z=base, eave_z=eave - 4.2, ridge_z=eave - 0.2, hips=(0.0, 0.5)))
    gymnasium = flat(_box(frame, 18, 40, 18.0, 34.0), ground_z=base, roof_z=z + 8.2)
    passage = flat(_box(frame, 26, 32, 13.0, 18.0), ground_z=base, roof_z=z + 4.0)
    surfaces = placed(joined([long_house, *wings, passage, gymnasium]), site)
    return House(surfaces=surfaces, roof_type="complex", storeys=3, function="school")


def _box(frame: Frame, u0: float, u1: float, v0: float, v1: float) -> tuple[Point, ...]:
    return frame.at(u0, v0), frame.at(u1, v0), frame.at(u1, v1), frame.at(u0, v1)


def _spired(plan: tuple[Point, ...], *, base: float, eave: float, peak: float) -> Solid:
    return tented(plan, ground_z=base, eave_z=eave, peak_z=peak, flare=0.24)


def _aisle(frame: Frame, side: int, start: float, end: float, *, base: float, z: float) -> Solid:
    section = ((0.0, z + 6.8), (4.2, z + 10.6))
    origin = frame.at(start, -12.7) if side < 0 else frame.at(end, 12.7)
    way = frame.way if side < 0 else (-frame.way[0], -frame.way[1])
    return extruded(Frame(origin, way), end - start, section, ground_z=base)


def _apse(frame: Frame, u: float, half: float, *, base: float, eave: float, peak: float) -> Solid:
    """Return five sides of an octagon under half a pyramid that leans against the choir."""
    solid = Solid()
    plan = [(0.0, -half), (2.6, -half), (5.6, -2.1), (5.6, 2.1), (2.6, half), (0.0, half)]
    points = [frame.at(u + du, v) for du, v in plan]
    solid.ground(points, base)
    top = corner(frame.at(u, 0.0), peak)
    for a, b in pairwise(points):
        solid.wall(corner(a, base), corner(b, base), corner(b, eave), corner(a, eave))
        solid.roof(corner(a, eave), corner(b, eave), top)
    first, last = points[0], points[-1]
    solid.wall(corner(last, base), corner(first, base), corner(first, eave), top, corner(last, eave))
    return solid

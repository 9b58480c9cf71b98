"""Solids of houses against closed forms."""

from __future__ import annotations

import math

import pytest
from shapely.geometry import Polygon

from tests.demo.closed import assert_closed, mesh_of, volume
from twinviewer.demo.joining import joined
from twinviewer.demo.plane import Point, along, area, box, inset, is_inside, overlap, rectangle
from twinviewer.demo.solids import (
    CrossGable,
    Dormer,
    Frame,
    Solid,
    corner_house,
    extruded,
    flat,
    mansard,
    saddle,
    stepped,
    tented,
)

FRAME = Frame((312.25, -87.5), (math.cos(0.4), math.sin(0.4)))
LENGTH, DEPTH, LOW, EAVE, RIDGE = 12.0, 8.0, 3.0, 9.0, 13.0
BODY_M3 = LENGTH * DEPTH * (EAVE - LOW)


def house(**named: object) -> Solid:
    return saddle(FRAME, LENGTH, DEPTH, ground_z=LOW, eave_z=EAVE, ridge_z=RIDGE, **named)  # type: ignore[arg-type]


def test_gabled_house_holds_body_and_prism() -> None:
    assert_closed(house().surfaces, m3=BODY_M3 + LENGTH * DEPTH * (RIDGE - EAVE) / 2)


def test_hipped_house_holds_body_and_wedge() -> None:
    # A wedge: base a × b, ridge c: (2a + c) b h / 6.
    wedge = (2 * LENGTH + (LENGTH - DEPTH)) * DEPTH * (RIDGE - EAVE) / 6
    assert_closed(house(hips=(1.0, 1.0)).surfaces, m3=BODY_M3 + wedge)


def test_a_half_hip_takes_a_pyramid_from_each_gable() -> None:
    share = 0.4
    prism = LENGTH * DEPTH * (RIDGE - EAVE) / 2
    # What is cut off an end: a tetrahedron of the gable's tip (a triangle) and the run of the hip.
    tip_m2 = (share * DEPTH) * (share * (RIDGE - EAVE)) / 2
    cut = tip_m2 * (share * DEPTH / 2) / 3
    assert_closed(house(hips=(share, share)).surfaces, m3=BODY_M3 + prism - 2 * cut)


def test_a_square_house_with_full_hips_is_a_pyramid() -> None:
    solid = saddle(FRAME, 8.0, 8.0, ground_z=LOW, eave_z=EAVE, ridge_z=RIDGE, hips=(1.0, 1.0))
    assert_closed(solid.surfaces, m3=64 * (EAVE - LOW) + 64 * (RIDGE - EAVE) / 3)
    same = tented(rectangle(FRAME.origin, FRAME.way, 8.0, 8.0), ground_z=LOW, eave_z=EAVE, peak_z=RIDGE)
    assert volume(same.surfaces) == pytest.approx(volume(solid.surfaces), abs=0.1)


@pytest.mark.parametrize("gabled", [True, False])
def test_a_dormer_leaves_the_house_closed_and_adds_its_own_volume(*, gabled: bool) -> None:
    dormer = Dormer(middle_m=6.0, width_m=1.6, front_m=0.8, height_m=1.2, gabled=gabled)
    slope = (RIDGE - EAVE) / (DEPTH / 2)
    if gabled:
        rise = 1.6 * 0.42
        # The box up to the dormer's eaves ends on the slope as a triangle; its roof as a prism and half a pyramid.
        own = 1.6 * (1.2 / slope) * 1.2 / 2
        own += 1.6 * rise / 2 * (1.2 / slope) + 1.6 * rise / 2 * (rise / slope) / 3
    else:
        own = 1.6 * 1.2 * (1.2 / (0.8 * slope)) / 2
    plain = volume(house().surfaces)
    assert_closed(house(front=[dormer], back=[dormer]).surfaces, m3=plain + 2 * own)


@pytest.mark.parametrize("out_m", [0.0, 2.0])
def test_a_cross_gable_leaves_the_house_closed(out_m: float) -> None:
    wing = CrossGable(start_m=3.0, end_m=7.0, out_m=out_m, ridge_z=EAVE + 2.5)
    slope = (RIDGE - EAVE) / (DEPTH / 2)
    section = 4.0 * 2.5 / 2
    own = out_m * (4.0 * (EAVE - LOW) + section) + section * (2.5 / slope) / 3
    assert_closed(house(cross=wing).surfaces, m3=volume(house().surfaces) + own)


def test_an_extruded_house_is_its_section_times_its_length() -> None:
    section = ((0.0, EAVE), (4.0, EAVE + 3), (4.0, EAVE), (8.0, EAVE + 3), (8.0, EAVE))
    solid = extruded(FRAME, LENGTH, section, ground_z=LOW)
    assert_closed(solid.surfaces, m3=BODY_M3 + LENGTH * 2 * (4 * 3 / 2))
    assert sum(surface.type == "WallSurface" for surface in solid.surfaces) == 2 + 2 + 2  # front, back, ends, steps


@pytest.mark.parametrize("turn_deg", [20, 60, 90, 120, -30])
def test_a_corner_house_of_flat_section_is_its_plan_times_its_height(turn_deg: float) -> None:
    depth, front = 10.0, 18.0
    into = (1.0, 0.0)
    out = (math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg)))
    reach = depth * math.tan(math.radians(turn_deg) / 2)
    here: Point = (40.0, 20.0)
    first, second = along(here, into, -front), along(here, out, front)
    yard = along(here, into, -reach, depth)
    plan = (first, here, second, along(second, out, 0, depth), yard, along(first, into, 0, depth))
    level = corner_house(plan, ((0.0, EAVE), (1.0, EAVE)), ground_z=LOW)
    assert_closed(level.surfaces, m3=area(plan) * (EAVE - LOW), tolerance=0.5)
    roofed = corner_house(plan, ((0.0, EAVE), (0.5, RIDGE), (1.0, EAVE)), ground_z=LOW)
    # Guldin: the triangle's area times the way of its centroid, which is the ridge's: front − reach / 2 on both sides.
    way = 2 * (front - reach / 2)
    assert_closed(roofed.surfaces, m3=area(plan) * (EAVE - LOW) + depth * 4 / 2 * way, tolerance=0.6)


def test_flat_stepped_and_mansard_houses_are_closed() -> None:
    plan = rectangle(FRAME.origin, FRAME.way, 20.0, 14.0)
    parapet = flat(plan, ground_z=0.0, roof_z=10.0, parapet_m=0.6)
    assert_closed(parapet.surfaces, m3=20 * 14 * 10 + 0.6 * (20 * 14 - 19.4 * 13.4), tolerance=0.6)
    inner = inset(plan, [2.0] * 4)
    assert inner is not None
    assert_closed(
        stepped([(plan, 10.0), (inner[0], 13.0)], ground_z=0.0).surfaces, m3=2800 + 16 * 10 * 3, tolerance=0.6
    )
    roof = mansard(FRAME, 20, 14, ground_z=0, eave_z=6, break_z=9, ridge_z=11, set_back_m=1.0)
    frustum = 3 / 6 * (20 * 14 + 4 * 19 * 13 + 18 * 12)  # prismatoid rule
    wedge = (2 * 18 + 6) * 12 * 2 / 6
    assert_closed(roof.surfaces, m3=20 * 14 * 6 + frustum + wedge, tolerance=0.6)


def test_parts_that_touch_become_one_solid_as_large_as_all() -> None:
    nave = saddle(FRAME, 20, 10, ground_z=0, eave_z=8, ridge_z=14)
    tower = tented([FRAME.at(-4, 3), FRAME.at(0, 3), FRAME.at(0, 7), FRAME.at(-4, 7)], ground_z=0, eave_z=18, peak_z=26)
    surfaces = joined([nave, tower])
    assert_closed(surfaces, m3=20 * 10 * 8 + 20 * 10 * 3 + 16 * 18 + 16 * 8 / 3, tolerance=1.0)
    assert mesh_of(surfaces).body_count == 1


def test_plane_geometry_agrees_with_shapely() -> None:
    polygon = [(0.0, 0.0), (30.0, 2.0), (34.0, 20.0), (12.0, 26.0), (-3.0, 14.0)]
    assert area(polygon) == pytest.approx(Polygon(polygon).area)
    within = inset(polygon, [2.0] * 5)
    assert within is not None
    assert Polygon(within[0]).area == pytest.approx(Polygon(polygon).buffer(-2.0, join_style="mitre").area)
    _, _, long_m, short_m = box(polygon)
    assert long_m * short_m == pytest.approx(Polygon(polygon).minimum_rotated_rectangle.area)
    assert is_inside((10.0, 10.0), polygon)
    assert not is_inside((33.0, 2.0), polygon)


def test_overlap_is_more_than_a_touch() -> None:
    one = rectangle((0, 0), (1, 0), 10, 10)
    assert not overlap(one, rectangle((10, 0), (1, 0), 5, 10))
    assert overlap(one, rectangle((9.9, 0), (1, 0), 5, 10))
    assert overlap(one, rectangle((12, 0), (1, 0), 5, 10), gap_m=3.0)
    assert not overlap(one, rectangle((12, 0), (1, 0), 5, 10), gap_m=1.5)

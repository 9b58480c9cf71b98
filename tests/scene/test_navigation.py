"""Navigation as a person feels it: what is grabbed stays under the cursor, the horizon is level, nobody sinks."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import pyvista
from hypothesis import given, settings
from hypothesis import strategies as st
from vtkmodules.vtkRenderingCore import vtkCamera

from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint
from twinviewer.scene import named_views, navigation
from twinviewer.scene.named_views import NamedView
from twinviewer.scene.navigation import EYE_HEIGHT_M, Limits, Picture

EAST, NORTH = 565_000.0, 5_930_000.0
CITY = Extent(min_x=EAST, min_y=NORTH, min_z=0.0, max_x=EAST + 2000, max_y=NORTH + 1500, max_z=90.0)
PICTURE = Picture(width_px=1600, height_px=1000)


def hills(x: float, y: float) -> float:
    return 40 + 30 * math.sin((x - EAST) / 170) * math.cos((y - NORTH) / 230)


FLAT = Limits(ground_height=lambda x, y: 0.0, extent=CITY)
BOUNDLESS = Limits(ground_height=lambda x, y: 0.0, extent=replace(CITY, min_x=0.0, max_x=2 * EAST, max_y=2 * NORTH))
HILLY = Limits(ground_height=hills, extent=CITY)


def over_the_city(heading: float = 20.0, pitch: float = -40.0, distance: float = 900.0, **changes: object) -> Viewpoint:
    target = np.array([EAST + 1000, NORTH + 700, 0.0])
    position = target - distance * navigation.direction_to(heading, pitch)
    return replace(Viewpoint(position=tuple(position), target=tuple(target)), **changes)


def ground_under(viewpoint: Viewpoint, pixel: tuple[float, float]) -> tuple[float, float, float] | None:
    origin, direction = navigation.ray(viewpoint, *pixel, PICTURE)
    if direction[2] > -0.05:
        return None
    return tuple(origin - direction * origin[2] / direction[2])


def vtk_camera(viewpoint: Viewpoint) -> vtkCamera:
    """A real camera at the viewpoint, shifted as the scene does it, told nothing but which way is up."""
    camera = vtkCamera()
    camera.SetFocalPoint(*np.subtract(viewpoint.target, (EAST, NORTH, 0)))
    camera.SetPosition(*np.subtract(viewpoint.position, (EAST, NORTH, 0)))
    camera.SetViewUp(0, 0, 1)
    camera.SetViewAngle(viewpoint.view_angle_deg)
    camera.SetParallelProjection(viewpoint.parallel)
    camera.SetParallelScale(viewpoint.parallel_height_m / 2 or 1)
    return camera


def seen_by_vtk(viewpoint: Viewpoint, point: tuple[float, float, float]) -> tuple[float, float]:
    matrix = vtk_camera(viewpoint).GetCompositeProjectionTransformMatrix(PICTURE.aspect, -1, 1)
    x, y, _, w = matrix.MultiplyPoint((*np.subtract(point, (EAST, NORTH, 0)), 1))
    return ((x / w + 1) / 2 * PICTURE.width_px, (1 - y / w) / 2 * PICTURE.height_px)


def roll_deg(viewpoint: Viewpoint) -> float:
    """How far a real camera sees the vertical lean."""
    right, up, _, _ = vtk_camera(viewpoint).GetViewTransformMatrix().MultiplyPoint((0, 0, 1, 0))
    return math.degrees(math.atan2(right, up))


pixels = st.tuples(st.floats(0, PICTURE.width_px), st.floats(0, PICTURE.height_px))
viewpoints = st.builds(
    over_the_city,
    heading=st.floats(0, 360),
    pitch=st.floats(-89.9, -15),
    distance=st.floats(50, 4000),
    parallel=st.booleans(),
    parallel_height_m=st.floats(50, 3000),
)


@given(viewpoints, pixels, st.floats(1, 500))
def test_a_ray_through_a_pixel_projects_back_onto_it(viewpoint, pixel, reach):
    origin, direction = navigation.ray(viewpoint, *pixel, PICTURE)
    seen = navigation.project(viewpoint, tuple(origin + reach * direction), PICTURE)
    assert seen == pytest.approx(pixel, abs=0.01)


@given(viewpoints, pixels, st.floats(1, 500))
def test_projecting_agrees_with_a_real_vtk_camera(viewpoint, pixel, reach):
    origin, direction = navigation.ray(viewpoint, *pixel, PICTURE)
    assert seen_by_vtk(viewpoint, tuple(origin + reach * direction)) == pytest.approx(pixel, abs=0.05)


def test_the_renderer_uses_the_same_pixels():
    plotter = pyvista.Plotter(off_screen=True, window_size=(400, 300))
    plotter.camera = pyvista.Camera()
    viewpoint = Viewpoint(position=(10.0, -200.0, 150.0), target=(0.0, 0.0, 0.0), view_angle_deg=30.0)
    plotter.camera.position, plotter.camera.focal_point = viewpoint.position, viewpoint.target
    plotter.camera.up, plotter.camera.view_angle = (0.0, 0.0, 1.0), viewpoint.view_angle_deg
    plotter.renderer.SetWorldPoint(30.0, 12.0, 5.0, 1.0)
    plotter.renderer.WorldToDisplay()
    x, y, _ = plotter.renderer.GetDisplayPoint()
    plotter.close()
    picture = Picture(width_px=400, height_px=300)
    assert navigation.project(viewpoint, (30.0, 12.0, 5.0), picture) == pytest.approx((x, 300 - y), abs=1)


@settings(max_examples=200)
@given(viewpoints, pixels, pixels)
def test_grabbed_ground_stays_under_the_cursor(viewpoint, from_px, to_px):
    grabbed = ground_under(viewpoint, from_px)
    if grabbed is None or ground_under(viewpoint, to_px) is None:
        return
    hold = navigation.grab(viewpoint, grabbed)
    steps = np.linspace(from_px, to_px, 6)[1:]
    for step in steps:
        viewpoint = navigation.pan(viewpoint, hold, tuple(step), PICTURE, limits=BOUNDLESS)
    assert seen_by_vtk(viewpoint, grabbed) == pytest.approx(to_px, abs=3)


def test_grabbed_ground_stays_under_the_cursor_over_200_drags_in_a_row_through_hills():
    random = np.random.default_rng(7)
    viewpoint, misses, drags = HILLY.hold(over_the_city(distance=300)), [], 0
    while drags < 200:
        from_px, to_px = random.uniform((0, 300), (1600, 1000), (2, 2))
        origin, direction = navigation.ray(viewpoint, *from_px, PICTURE)
        reach = np.arange(1.0, 3000.0, 1.0)
        below = [z < hills(x, y) for x, y, z in origin + reach[:, None] * direction]
        if not any(below):
            viewpoint = HILLY.hold(over_the_city(distance=300))
            continue
        grabbed = tuple(origin + reach[below.index(True)] * direction)
        drags += 1
        hold = navigation.grab(viewpoint, grabbed)
        for step in np.linspace(from_px, to_px, 5)[1:]:
            viewpoint = navigation.pan(viewpoint, hold, tuple(step), PICTURE, limits=HILLY)
        misses.append(math.dist(seen_by_vtk(viewpoint, grabbed), to_px))
        assert HILLY.is_above_ground(viewpoint.position)
        if not (EAST < viewpoint.target[0] < EAST + 2000 and NORTH < viewpoint.target[1] < NORTH + 1500):
            viewpoint = HILLY.hold(over_the_city(heading=random.uniform(0, 360), distance=random.uniform(100, 600)))
    assert max(misses) < 3


@given(viewpoints, pixels, st.floats(0.2, 3))
def test_zooming_keeps_the_point_under_the_cursor(viewpoint, pixel, factor):
    about = ground_under(viewpoint, pixel)
    if about is None:
        return
    zoomed = navigation.zoom(viewpoint, about, factor, limits=BOUNDLESS)
    assert seen_by_vtk(zoomed, about) == pytest.approx(pixel, abs=1)


@given(viewpoints, pixels, st.floats(-180, 180), st.floats(-90, 0))
def test_turning_keeps_the_pivot_where_it_was_in_the_picture(viewpoint, pixel, right, up):
    pivot = ground_under(viewpoint, pixel)
    if pivot is None:
        return
    turned = navigation.turn(viewpoint, pivot, right_deg=right, up_deg=up, limits=FLAT)
    assert seen_by_vtk(turned, pivot) == pytest.approx(pixel, abs=1)
    assert (navigation.heading_deg(turned) - navigation.heading_deg(viewpoint) - right + 180) % 360 - 180 == (
        pytest.approx(0, abs=1e-3)
    )


def test_tilting_down_into_the_ground_stops_above_it_and_keeps_the_pivot():
    viewpoint = over_the_city(pitch=-30, distance=200)
    turned = navigation.turn(viewpoint, viewpoint.target, right_deg=0, up_deg=60, limits=FLAT)
    assert turned.position[2] == pytest.approx(EYE_HEIGHT_M, abs=0.01)
    assert navigation.project(turned, viewpoint.target, PICTURE) == pytest.approx(PICTURE.centre_px, abs=0.5)


def test_a_heading_survives_looking_straight_down_and_back():
    viewpoint = over_the_city(heading=123.0, pitch=-50)
    down = named_views.straight_down(viewpoint, viewpoint.target, limits=FLAT)
    assert navigation.pitch_deg(down) == pytest.approx(-89.9)
    up = navigation.turn(down, viewpoint.target, right_deg=0, up_deg=39.9, limits=FLAT)
    assert up.position == pytest.approx(viewpoint.position, abs=1e-3)
    assert navigation.heading_deg(up) == pytest.approx(123.0, abs=1e-4)


def test_exactly_vertical_viewpoints_have_north_up():
    viewpoint = Viewpoint(position=(EAST, NORTH, 500.0), target=(EAST, NORTH, 0.0))
    assert navigation.heading_deg(viewpoint) == 0
    right, up, _ = navigation.camera_axes(viewpoint)
    assert right == pytest.approx((1, 0, 0))
    assert up == pytest.approx((0, 1, 0))


def test_a_drag_beyond_the_horizon_moves_a_finite_way():
    viewpoint = over_the_city(pitch=-10, distance=500)
    hold = navigation.grab(viewpoint, viewpoint.target)
    moved = navigation.pan(viewpoint, hold, (800.0, 0.0), PICTURE, limits=FLAT)
    assert math.dist(moved.position, viewpoint.position) < 20 * viewpoint.position[2]


def test_at_eye_height_a_facade_is_dragged_sideways_and_up():
    viewpoint = Viewpoint(position=(EAST, NORTH, 20.0), target=(EAST, NORTH + 40, 20.0))
    hold = navigation.grab(viewpoint, (EAST, NORTH + 40, 20.0))
    moved = navigation.pan(viewpoint, hold, (600.0, 700.0), PICTURE, limits=FLAT)
    assert moved.position[1] == pytest.approx(NORTH)
    assert moved.position[2] > 20
    assert seen_by_vtk(moved, hold.point) == pytest.approx((600, 700), abs=0.5)


def test_no_random_event_leads_under_the_ground_rolls_the_horizon_or_loses_the_city():
    random = np.random.default_rng(3)
    viewpoint = over_the_city()
    moves: list[Callable[[Viewpoint, tuple[float, float, float], float, float], Viewpoint]] = [
        lambda v, p, a, b: navigation.pan(
            v, navigation.grab(v, p), (800 + 800 * a, 500 + 500 * b), PICTURE, limits=HILLY
        ),
        lambda v, p, a, b: navigation.pan(
            v, navigation.grab_facing(v, p), (800 + 800 * a, 500 + 500 * b), PICTURE, limits=HILLY
        ),
        lambda v, p, a, b: navigation.turn(v, p, right_deg=180 * a, up_deg=90 * b, limits=HILLY),
        lambda v, p, a, b: navigation.zoom(v, p, 2 ** (2 * a), limits=HILLY),
        lambda v, p, a, b: navigation.look(v, right_deg=180 * a, up_deg=90 * b, limits=HILLY),
        lambda v, p, a, b: navigation.rise(v, 300 * a, limits=HILLY),
        lambda v, p, a, b: named_views.with_projection(v, parallel=a > 0, limits=HILLY),
        lambda v, p, a, b: named_views.street(v, p, limits=HILLY),
    ]
    for _ in range(10_000):
        east, north, up = random.uniform((-200, -200, 0), (2200, 1700, 90))
        move = moves[random.integers(len(moves))]
        viewpoint = move(viewpoint, (EAST + east, NORTH + north, up), *random.uniform(-1, 1, 2))
        x, y, z = viewpoint.position
        assert z >= hills(x, y) + EYE_HEIGHT_M
        assert roll_deg(viewpoint) == pytest.approx(0.0, abs=1e-6)
        assert navigation.camera_axes(viewpoint)[0][2] == 0.0
        assert -89.91 <= navigation.pitch_deg(viewpoint) <= 60.01
        assert math.dist(viewpoint.position, CITY.centre) <= HILLY.farthest_m + 100


@pytest.mark.parametrize("name", [name for name in NamedView if name is not NamedView.STREET])
@pytest.mark.parametrize("parallel", [False, True])
@pytest.mark.parametrize("size", [(1600, 1000), (500, 1200)])
def test_a_named_view_shows_all_of_the_city_and_fills_the_picture(name, parallel, size):
    picture = Picture(width_px=size[0], height_px=size[1])
    current = replace(over_the_city(), parallel=parallel, parallel_height_m=100.0 if parallel else 0.0)
    viewpoint = named_views.named_view(name, current=current, extent=CITY, picture=picture, limits=FLAT)
    low, high = CITY.as_tuple()[:3], CITY.as_tuple()[3:]
    corners = [(x, y, z) for x in (low[0], high[0]) for y in (low[1], high[1]) for z in (low[2], high[2])]
    seen = np.array([navigation.project(viewpoint, corner, picture) for corner in corners])
    assert (seen >= 0).all()
    assert (seen <= size).all()
    assert ((seen.max(axis=0) - seen.min(axis=0)) / size).max() > 0.75
    assert viewpoint.parallel == parallel


def test_the_street_view_stands_on_the_ground_and_looks_level():
    viewpoint = named_views.street(over_the_city(heading=70), (EAST + 300, NORTH + 200, 0.0), limits=HILLY)
    assert viewpoint.position[2] == pytest.approx(hills(EAST + 300, NORTH + 200) + EYE_HEIGHT_M)
    assert navigation.pitch_deg(viewpoint) == pytest.approx(0)
    assert navigation.heading_deg(viewpoint) == pytest.approx(70)


@given(viewpoints)
def test_changing_the_projection_there_and_back_keeps_the_size_of_things(viewpoint):
    other = named_views.with_projection(viewpoint, parallel=not viewpoint.parallel, limits=FLAT)
    assert navigation.visible_height_m(other) == pytest.approx(navigation.visible_height_m(viewpoint), rel=1e-6)


def test_nothing_shown_and_no_ground_known_still_navigates():
    limits = Limits(ground_height=lambda x, y: None)
    viewpoint = over_the_city()
    moved = navigation.rise(viewpoint, -5000, limits=limits)
    assert moved.position[2] == pytest.approx(viewpoint.position[2] - 5000)
    assert navigation.height_above_ground_m(moved, limits) is None

"""Polygons in space against closed forms, shapely's constrained triangulation and each polygon's own area vector."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twinviewer.geometry import triangulation
from twinviewer.geometry.triangulation import Triangulation, triangulate_polygons

Ring = Sequence[Sequence[float]]


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["interpreted", "compiled"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    """Cut by array arithmetic and earcut, then by compiled loops: both ways must keep every promise here."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(triangulation, "_is_compiled", lambda count: request.param)
        yield


def triangulated(*polygons: Sequence[Ring]) -> tuple[np.ndarray, Triangulation]:
    rings = [ring for polygon in polygons for ring in polygon]
    vertices = np.array([corner for ring in rings for corner in ring], np.float64).reshape(-1, 3)
    ring_offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
    polygon_offsets = np.concatenate([[0], np.cumsum([len(polygon) for polygon in polygons])]).astype(np.int64)
    return vertices, triangulate_polygons(vertices, ring_offsets, polygon_offsets)


def area_vectors(vertices: np.ndarray, result: Triangulation, count: int) -> np.ndarray:
    a, b, c = (vertices[result.triangles[:, corner]] for corner in range(3))
    vectors = np.zeros((count, 3))
    np.add.at(vectors, result.triangle_polygon, np.cross(b - a, c - a) / 2)
    return vectors


def ring_vector(ring: Ring) -> np.ndarray:
    """Newell's area vector of one ring."""
    corners = np.asarray(ring, np.float64)
    corners = corners - corners[0]
    return np.cross(corners, np.roll(corners, -1, axis=0)).sum(axis=0) / 2


L_SHAPE = [(0, 0, 0), (4, 0, 0), (4, 1, 0), (1, 1, 0), (1, 3, 0), (0, 3, 0)]
SQUARE = [(0, 0, 0), (10, 0, 0), (10, 10, 0), (0, 10, 0)]
HOLE = [(2, 2, 0), (2, 4, 0), (4, 4, 0), (4, 2, 0)]


def test_a_square_is_two_triangles_of_half_its_area() -> None:
    vertices, result = triangulated([SQUARE])
    assert len(result.triangles) == 2
    assert area_vectors(vertices, result, 1)[0].tolist() == [0, 0, 100]
    assert len(result.failed) == 0


@pytest.mark.parametrize(
    "ring", [SQUARE, L_SHAPE, SQUARE[::-1], L_SHAPE[::-1]], ids=["square", "L", "square turned", "L turned"]
)
@pytest.mark.parametrize("up", [(0, 0, 1), (1, 0, 0), (0, 1, 0), (1, 2, 3), (-1, 0.1, -5), (0, -1, 0)])
def test_triangles_turn_as_the_ring_turns_in_any_plane(ring: Ring, up: tuple[float, float, float]) -> None:
    normal = np.array(up) / np.linalg.norm(up)
    east = np.cross(normal, [0.3, 0.5, 0.7])
    east /= np.linalg.norm(east)
    north = np.cross(normal, east)
    placed = [(500_000 + east * x + north * y).tolist() for x, y, _ in ring]
    vertices, result = triangulated([placed])
    assert len(result.triangles) == len(ring) - 2
    assert area_vectors(vertices, result, 1)[0] == pytest.approx(ring_vector(placed), abs=1e-6)


@pytest.mark.parametrize("is_hole_turned", [False, True])
def test_holes_are_left_out_whichever_way_they_turn(is_hole_turned: bool) -> None:
    hole = HOLE[::-1] if is_hole_turned else HOLE
    other = [(x + 4, y + 4, 0) for x, y, _ in HOLE]
    vertices, result = triangulated([SQUARE, hole, other])
    assert area_vectors(vertices, result, 1)[0].tolist() == pytest.approx([0, 0, 100 - 4 - 4])
    centres = vertices[result.triangles].mean(axis=1)[:, :2]
    inside = shapely.contains_xy(shapely.Polygon([c[:2] for c in SQUARE], [[c[:2] for c in hole]]), centres)
    assert inside.all()


def test_polygons_of_all_sorts_keep_their_order_and_numbers() -> None:
    polygons = [[L_SHAPE], [SQUARE], [SQUARE, HOLE], [[(0, 0, 0), (1, 0, 0), (0, 1, 0)]], [L_SHAPE[::-1]]]
    vertices, result = triangulated(*polygons)
    assert result.triangle_polygon.tolist() == sorted(result.triangle_polygon.tolist())
    assert area_vectors(vertices, result, 5)[:, 2].tolist() == pytest.approx([6, 100, 96, 0.5, -6])
    starts = np.cumsum([0, 6, 4, 8, 3, 6])
    for number in range(5):
        used = result.triangles[result.triangle_polygon == number]
        assert used.min() >= starts[number]
        assert used.max() < starts[number + 1]


@pytest.mark.parametrize(
    "bad",
    [
        [],
        [[]],
        [[(0, 0, 0)]],
        [[(0, 0, 0), (1, 0, 0)]],
        [[(0, 0, 0), (1, 1, 1), (2, 2, 2)]],
        [[(5, 5, 5)] * 4],
        [[(0, 0, 0), (1, 0, 0), (float("nan"), 1, 0)]],
        [[(0, 0, 0), (1, 0, 0), (0, float("inf"), 0)]],
        [[(0, 0, 0), (1e200, 0, 0), (1e200, 1e200, 0)]],
        [[(0, 0, 0), (1, 1, 0), (1, 0, 0), (0, 1, 0)]],  # a bow tie: as much on one side as on the other
    ],
    ids=[
        "no ring",
        "empty ring",
        "a point",
        "two points",
        "a line",
        "one place",
        "NaN",
        "infinite",
        "absurd",
        "bow tie",
    ],
)
def test_a_polygon_without_an_inside_is_named_and_disturbs_no_other(bad: Sequence[Ring]) -> None:
    vertices, result = triangulated([SQUARE], bad, [L_SHAPE])
    assert result.failed.tolist() == [1]
    assert set(result.triangle_polygon.tolist()) == {0, 2}
    assert np.abs(area_vectors(vertices, result, 3)[[0, 2], 2]).tolist() == pytest.approx([100, 6])


def test_no_polygons_are_no_triangles() -> None:
    _, result = triangulated()
    assert (result.triangles.shape, len(result.failed)) == ((0, 3), 0)


def test_corners_on_straight_edges_make_no_empty_triangles() -> None:
    ring = [(0, 0, 0), (5, 0, 0), (10, 0, 0), (10, 5, 0), (10, 10, 0), (0, 10, 0)]
    vertices, result = triangulated([ring])
    a, b, c = (vertices[result.triangles[:, corner]] for corner in range(3))
    assert (np.linalg.norm(np.cross(b - a, c - a), axis=1) > 1).all()
    assert area_vectors(vertices, result, 1)[0, 2] == pytest.approx(100)


def test_a_small_surface_far_from_the_origin_is_as_exact_as_near_it() -> None:
    far = [(500_000 + x / 100, 5_600_000 + y / 100, 300.0) for x, y, _ in L_SHAPE]
    vertices, result = triangulated([far])
    assert area_vectors(vertices - vertices[0], result, 1)[0, 2] == pytest.approx(6e-4, rel=1e-4)


def test_a_slightly_bent_wall_is_filled() -> None:
    bent = [(0, 0, 0), (10, 0.02, 0), (10, 0, 6), (0, -0.02, 6)]
    vertices, result = triangulated([bent])
    assert len(result.triangles) == 2
    assert np.linalg.norm(area_vectors(vertices, result, 1)[0]) == pytest.approx(60, rel=1e-3)


@st.composite
def star_shaped(draw: st.DrawFn) -> list[tuple[float, float, float]]:
    """A polygon around the origin that does not cross itself."""
    count = draw(st.integers(3, 24))
    radii = draw(st.lists(st.floats(0.5, 50.0), min_size=count, max_size=count))
    angles = 2 * np.pi * np.arange(count) / count
    return [(r * np.cos(a), r * np.sin(a), 0.0) for r, a in zip(radii, angles.tolist(), strict=True)]


@given(st.lists(star_shaped(), min_size=1, max_size=6))
def test_areas_are_those_that_shapely_finds(rings: list[list[tuple[float, float, float]]]) -> None:
    vertices, result = triangulated(*([ring] for ring in rings))
    areas = [shapely.Polygon([corner[:2] for corner in ring]).area for ring in rings]
    found = area_vectors(vertices, result, len(rings))[:, 2]
    for area, mine in zip(areas, found.tolist(), strict=True):
        assert mine == pytest.approx(area, rel=1e-6, abs=1e-9)


ANGLES = 2 * np.pi * np.arange(48) / 48


@st.composite
def with_holes(draw: st.DrawFn) -> shapely.Polygon:
    """A star with smaller stars and boxes taken out: concave, with holes, some of which open to the outside."""
    place = st.tuples(st.floats(-20, 20), st.floats(-20, 20))
    shape: shapely.Geometry = shapely.Polygon([corner[:2] for corner in draw(star_shaped())])
    for x, y in draw(st.lists(place, max_size=5)):
        if draw(st.booleans()):
            hole = shapely.box(x, y, x + draw(st.floats(0.5, 9)), y + draw(st.floats(0.5, 9)))
        else:
            corners = [(x + u / 9, y + v / 9) for u, v, _ in draw(star_shaped())]
            hole = shapely.Polygon(corners)
        shape = shape.difference(hole)
    parts = [part for part in shapely.get_parts(shape) if part.geom_type == "Polygon" and part.area > 0.01]
    return max(parts, key=lambda part: part.area, default=shapely.box(0, 0, 1, 1))


@st.composite
def planes(draw: st.DrawFn) -> np.ndarray:
    """Two unit vectors at right angles."""
    normal = np.array(draw(st.tuples(*[st.floats(-1, 1)] * 3)))
    length = np.linalg.norm(normal)
    normal = normal / length if length > 0.1 else np.array([0.0, 0, 1])
    east = np.cross(normal, [0.3, -0.5, 0.7])
    east = east / np.linalg.norm(east) if np.linalg.norm(east) > 0.1 else np.cross(normal, [0, 0.8, 0.6])
    return np.array([east / np.linalg.norm(east), np.cross(normal, east / np.linalg.norm(east))])


def rings_of(shape: shapely.Polygon) -> list[np.ndarray]:
    return [shapely.get_coordinates(ring)[:-1] for ring in (shape.exterior, *shape.interiors)]


@given(st.lists(st.tuples(with_holes(), planes()), min_size=1, max_size=4), st.booleans())
def test_polygons_with_holes_in_any_plane_keep_their_area(
    drawn: list[tuple[shapely.Polygon, np.ndarray]], is_bent: bool
) -> None:
    polygons = []
    for shape, plane in drawn:
        up = np.cross(*plane) * (0.003 if is_bent else 0)
        rings = [ring @ plane + np.outer(np.sin(7 * ring).sum(axis=1), up) for ring in rings_of(shape)]
        polygons.append([(ring + np.array([4e5, 5e6, 100.0])).tolist() for ring in rings])
    vertices, result = triangulated(*polygons)
    areas = np.linalg.norm(area_vectors(vertices - vertices[0], result, len(polygons)), axis=1)
    expected = [shape.area for shape, _ in drawn]
    # A bend of 3 mm tilts the area's vector where the polygon is small; 5e6 m are written to within a nanometre.
    assert areas.tolist() == pytest.approx(expected, rel=1e-3 if is_bent else 1e-6, abs=1e-2 if is_bent else 1e-6)
    a, b, c = (vertices[result.triangles[:, corner]] for corner in range(3))
    whole = np.bincount(result.triangle_polygon, np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2, len(polygons))
    assert whole.tolist() == pytest.approx(expected, rel=2e-2 if is_bent else 1e-6, abs=2e-2 if is_bent else 1e-6)


@given(with_holes())
def test_triangles_lie_within_their_polygon_and_do_not_overlap(shape: shapely.Polygon) -> None:
    vertices, result = triangulated([[(x, y, 0.0) for x, y in ring] for ring in rings_of(shape)])
    pieces = shapely.polygons(vertices[result.triangles][:, :, :2])
    assert shapely.area(pieces).sum() == pytest.approx(shape.area, rel=1e-6)
    assert shapely.union_all(pieces, grid_size=1e-9).symmetric_difference(shape).area < 1e-6 * shape.area + 1e-6


TOUCHING = {
    "a hole that touches the outer ring's corner": ([[0, 0], [9, 0], [9, 9], [0, 9]], [[0, 0], [3, 2], [2, 3]]),
    "a hole that touches a side": ([[0, 0], [9, 0], [9, 9], [0, 9]], [[4, 0], [5, 2], [3, 2]]),
    "holes that share a corner": (
        [[0, 0], [9, 0], [9, 9], [0, 9]], [[4, 4], [6, 3], [6, 5]], [[4, 4], [2, 5], [2, 3]], [[4, 4], [3, 7], [5, 7]],
    ),
    "a keyhole: the way to a hole and back": (
        [[0, 0], [9, 0], [9, 9], [0, 9], [0, 0], [2, 2], [2, 4], [4, 4], [4, 2], [2, 2]],
    ),
    "corners on straight sides, next to holes": (
        [[0, 0], [3, 0], [6, 0], [9, 0], [9, 3], [9, 9], [3, 9], [0, 9], [0, 3]], [[3, 3], [6, 3], [6, 6], [3, 6]],
    ),
    "points that repeat": ([[0, 0], [9, 0], [9, 0], [9, 9], [4, 3], [4, 3], [0, 9], [0, 0]],),
    "a spike": ([[0, 0], [9, 0], [9, 9], [14, 9], [9, 9], [5, 9], [5, 4], [0, 9]],),
}  # fmt: skip
AREAS = [81 - 2.5, 81 - 2, 81 - 2 - 2 - 3, 81 - 4, 81 - 9, 81 - 27, 81 - 12.5]


@pytest.mark.parametrize(("rings", "area"), list(zip(TOUCHING.values(), AREAS, strict=True)), ids=TOUCHING)
@pytest.mark.parametrize("is_turned", [False, True])
def test_rings_that_touch_themselves_and_each_other_keep_their_area(
    rings: Sequence[Sequence[Sequence[float]]], area: float, is_turned: bool
) -> None:
    placed = [[(x, 3.0, y) for x, y in (ring[::-1] if is_turned else ring)] for ring in rings]
    vertices, result = triangulated([SQUARE], placed, [L_SHAPE])
    a, b, c = (vertices[result.triangles[result.triangle_polygon == 1][:, corner]] for corner in range(3))
    assert (np.linalg.norm(np.cross(b - a, c - a), axis=1) / 2).sum() == pytest.approx(area)


def test_a_ring_of_thousands_of_corners_keeps_its_area() -> None:
    angles = 2 * np.pi * np.arange(6000) / 6000
    radii = 50 + 20 * np.sin(40 * angles) + 0.2 * (-1) ** np.arange(6000)
    ring = np.column_stack([radii * np.cos(angles), np.full(6000, 7.0), radii * np.sin(angles)])
    holes = [[(x, 7, z), (x + 1, 7, z), (x, 7, z + 1)] for x in range(-12, 12, 2) for z in range(-12, 12, 2)]
    vertices, result = triangulated([ring.tolist(), *holes])
    area = shapely.Polygon(ring[:, [0, 2]]).area - 144 * 0.5
    assert np.linalg.norm(area_vectors(vertices, result, 1)[0]) == pytest.approx(area, rel=1e-9)


def test_no_corner_of_a_sound_polygon_is_left_out() -> None:
    """A neighbour's triangles end at such corners: left out, they open a crack between the two surfaces."""
    sides = [
        (0, 0, 0),
        (2, 0, 0),
        (5, 0, 0),
        (9, 0, 0),
        (9, 4, 0),
        (9, 9, 0),
        (6, 9, 0),
        (5, 5, 0),
        (0, 9, 0),
        (0, 2, 0),
    ]
    for turn in range(len(sides)):
        _, result = triangulated([sides[turn:] + sides[:turn]])
        assert set(result.triangles.ravel().tolist()) == set(range(len(sides)))

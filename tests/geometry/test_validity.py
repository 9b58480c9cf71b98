"""Flaws of polygons, shells and solids in closed form: cubes that one thing is wrong with, as in val3dity's own tests.

What is expected are the codes that https://val3dity.readthedocs.io/ describes, and that its unit tests and those of the
OGC's CityGML Quality Interoperability Experiment give for such cubes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from twinviewer.geometry import validity
from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.geometry.validity import Polygons, find_flaws

Point = tuple[float, float, float]
Ring = Sequence[Sequence[float]]
Face = Sequence[Ring]


@pytest.fixture(scope="module", autouse=True, params=[False, True], ids=["interpreted", "compiled"])
def way(request: pytest.FixtureRequest) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(validity, "_is_compiled", lambda corners: request.param)
        yield


def flaws(
    faces: Sequence[Face], shells: Sequence[int] | None = None, solids: Sequence[int] = (0,), turned: bool = False
) -> dict[int, list[int]]:
    """Return the faces by code, of one shell unless ``shells`` says otherwise, of which ``solids`` are the solids."""
    rings = [ring for face in faces for ring in face]
    vertices = np.array([corner for ring in rings for corner in ring], np.float64).reshape(-1, 3)
    ring_offsets = np.concatenate([[0], np.cumsum([len(ring) for ring in rings])]).astype(np.int64)
    polygon_offsets = np.concatenate([[0], np.cumsum([len(face) for face in faces])]).astype(np.int64)
    polygons = Polygons(
        vertices=vertices,
        ring_offsets=ring_offsets,
        polygon_offsets=polygon_offsets,
        is_turned=np.full(len(faces), turned),
        shell=np.array([0] * len(faces) if shells is None else shells, np.int64),
        shell_solid=np.array(solids, np.int64),
    )
    found = find_flaws(polygons, triangulate_polygons(vertices, ring_offsets, polygon_offsets))
    return {int(flaw): rows.tolist() for flaw, rows in found.items()}


def cube(x: float = 0, y: float = 0, z: float = 0, size: float = 1) -> list[Face]:
    """Bottom, top and four sides, seen from outside counter-clockwise."""
    corners = [(0, 0, 0), (1, 0, 0), (1, 1, 0), (0, 1, 0), (0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]
    placed = [(x + size * u, y + size * v, z + size * w) for u, v, w in corners]
    sides = [(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)]
    return [[[placed[corner] for corner in side]] for side in sides]


def with_top(*rings: Ring) -> list[Face]:
    return [face if number != 1 else list(rings) for number, face in enumerate(cube())]


def turned_round(face: Face) -> Face:
    return [list(ring)[::-1] for ring in face]


TOP = [(0, 0, 1), (1, 0, 1), (1, 1, 1), (0, 1, 1)]


def square(low: float, high: float, z: float = 1) -> Ring:
    """Seen from above, clockwise: a hole of a top."""
    return [(low, low, z), (low, high, z), (high, high, z), (high, low, z)]


@pytest.mark.parametrize("place", [0.0, 1e5, 99_999_990.0])
@pytest.mark.parametrize("axis", [(0, 0, 1), (1, 2, 3)])
def test_a_cube_is_valid_wherever_it_stands(place: float, axis: Point) -> None:
    normal = np.array(axis) / np.linalg.norm(axis)
    east = np.cross(normal, [0.6, 0.5, 0.1])
    east /= np.linalg.norm(east)
    turn = np.array([east, np.cross(normal, east), normal])
    faces = [[(np.array(ring) @ turn + place).tolist() for ring in face] for face in cube(size=10)]
    assert flaws(faces) == {}


def test_shapes_with_steps_holes_and_tunnels_are_valid() -> None:
    step = [(0, 0), (2, 0), (2, 1), (1, 1), (1, 2), (0, 2)]
    walls = [[[(*a, 0), (*b, 0), (*b, 1), (*a, 1)]] for a, b in zip(step, step[1:] + step[:1], strict=True)]
    prism = [[[(*corner, 1) for corner in step]], [[(*corner, 0) for corner in step[::-1]]], *walls]
    assert flaws(prism) == {}
    tunnel = [
        face if number > 1 else [face[0], square(0.25, 0.75, 1) if number else square(0.25, 0.75, 0)[::-1]]
        for number, face in enumerate(cube())
    ]
    inside = [[ring[::-1]] for (ring,) in cube(0.25, 0.25, 0, 0.5)[2:]]
    inside = [[[(x, y, 2 * z) for x, y, z in ring]] for (ring,) in inside]
    assert flaws([*tunnel, *inside]) == {}
    filled = [*with_top(TOP, square(0.25, 0.75)), [square(0.25, 0.75)[::-1]]]
    assert flaws(filled) == {}
    touching = [(0, 0, 1), (0.25, 0.5, 1), (0.5, 0.25, 1)]
    assert flaws([*with_top(TOP, touching), [touching[::-1]]]) == {}


RING_CASES: dict[str, tuple[list[Face], int]] = {
    "a point twice, half a millimetre apart": (with_top([*TOP[:2], (1, 0.0005, 1), *TOP[2:]]), 102),
    "a bow tie": (with_top([TOP[0], TOP[2], TOP[1], TOP[3]]), 104),
    "a bow tie with area": (with_top([(0, 0, 1), (1, 0, 1), (0.5, 1, 1), (0.6, -0.5, 1), (0, 1, 1)]), 104),
    "a spike": (with_top([(0, 0, 1), (1, 0, 1), (1, 1, 1), (1.5, 1, 1), (1, 1, 1), (0, 1, 1)]), 104),
    "a line": (with_top([(0, 0, 1), (1, 0, 1), (2, 0, 1), (0.5, 0, 1)]), 104),
    "a triangle that is a line": (with_top([(0, 0, 1), (1, 1, 1), (2, 2, 1)]), 104),
    "a keyhole": (with_top([*TOP, TOP[0], (0.2, 0.2, 1), (0.2, 0.4, 1), (0.4, 0.4, 1), (0.2, 0.2, 1)]), 104),
    "a hole that crosses the outer ring": (with_top(TOP, square(0.5, 1.5)), 201),
    "holes that cross": (with_top(TOP, square(0.2, 0.6), square(0.4, 0.8)), 201),
    "the same hole twice": (with_top(TOP, square(0.2, 0.6), square(0.2, 0.6)), 202),
    "a corner 2 cm too high": (with_top([(0, 0, 1), (1, 0, 1), (1, 1, 1.05), (0, 1, 1)]), 203),
    "a hole that cuts the inside in two": (with_top(TOP, [(0, 0, 1), (0.4, 0.6, 1), (1, 1, 1), (0.6, 0.4, 1)]), 205),
    "a hole outside": (with_top(TOP, square(2, 3)), 206),
    "a hole in a hole": (with_top(TOP, square(0.2, 0.8), square(0.4, 0.6)), 207),
    "a hole that turns as its outer ring": (with_top(TOP, square(0.2, 0.8)[::-1]), 208),
}


@pytest.mark.parametrize(("faces", "code"), list(RING_CASES.values()), ids=RING_CASES)
def test_one_flawed_polygon_of_a_cube_is_told_and_nothing_else(faces: list[Face], code: int) -> None:
    assert flaws(faces) == {code: [1]}


def test_a_polygon_with_a_small_fold_is_not_planar_by_its_normals() -> None:
    fold = [(0, 0, 0), (5, 0, 0), (5.004, 0, 0.008), (10, 0, 0.008), (10, 10, 0.008), (5.004, 10, 0.008), (5, 10, 0)]
    assert flaws([[[*fold, (0, 10, 0)]]], [-1]) == {204: [0]}


@pytest.mark.parametrize(("height", "expected"), [(0.03, {}), (0.05, {203: [0]})])
def test_a_polygon_is_planar_up_to_a_centimetre(height: float, expected: dict[int, list[int]]) -> None:
    """Of a square with one corner raised by h, the best plane passes at h/4 of all four."""
    assert flaws([[[(0, 0, 0), (10, 0, 0), (10, 10, height), (0, 10, 0)]]], [-1]) == expected


SHELL_CASES: dict[str, tuple[list[Face], int]] = {
    "three faces": (cube()[:3], 301),
    "a face missing": (cube()[1:], 302),
    "a hole that nothing fills": (with_top(TOP, square(0.25, 0.75)), 302),
    "a face that hangs on one corner": ([*cube(), [[(1, 1, 1), (2, 1, 2), (1, 2, 2)]]], 303),
    "cubes that touch in one corner": ([*cube(), *cube(1, 1, 1)], 303),
    "a face too many": ([*cube(), [[(0, 0, 0), (1, 0, 0), (1, 1, 1), (0, 1, 1)]]], 304),
    "cubes that share an edge": ([*cube(), *cube(1, 1, 0)], 304),
    "a face in the air": ([*cube(), [[(5, 5, 5), (6, 5, 5), (5, 6, 5)]]], 305),
    "cubes that do not touch": ([*cube(), *cube(0, 0, 2)], 305),
    "a face that looks inwards": ([turned_round(cube()[0]), *cube()[1:]], 307),
    "all faces look inwards": ([turned_round(face) for face in cube()], 405),
}


@pytest.mark.parametrize(("faces", "code"), list(SHELL_CASES.values()), ids=SHELL_CASES)
def test_one_flaw_of_a_shell_is_told_of_all_its_polygons(faces: list[Face], code: int) -> None:
    assert flaws(faces) == {code: list(range(len(faces)))}


def test_vertices_a_tenth_of_a_millimetre_apart_are_one() -> None:
    """Also across the borders of the cells in which they are looked for."""
    for place in (0.0, 0.1, 0.25):
        moved = [
            [[(place + x, y - number * 1e-5, z + number * 1e-5) for x, y, z in face[0]]]
            for number, face in enumerate(cube(size=10))
        ]
        assert flaws(moved) == {}
    assert list(flaws(with_top([(0, 0, 1.003), *TOP[1:]]))) == [302]


def test_an_inner_shell_looks_into_its_hollow() -> None:
    hollow = [turned_round(face) for face in cube(0.25, 0.25, 0.25, 0.5)]
    shells = [0] * 6 + [1] * 6
    assert flaws([*cube(), *hollow], shells, (0, 0)) == {}
    assert flaws([*cube(), *cube(0.25, 0.25, 0.25, 0.5)], shells, (0, 0)) == {405: list(range(6, 12))}


@pytest.mark.parametrize(
    ("hollow", "code"),
    [(cube(0.5, 0.25, 0.25), 401), (cube(), 402), (cube(3, 3, 3), 403)],
    ids=["it reaches through", "it is the outer shell", "it is elsewhere"],
)
def test_a_hollow_lies_inside_its_solid(hollow: list[Face], code: int) -> None:
    faces = [*cube(), *map(turned_round, hollow)]
    assert flaws(faces, [0] * 6 + [1] * 6, (0, 0)) == {code: list(range(6, 12))}


def test_corners_that_turn_the_other_way_round_are_taken_so() -> None:
    assert flaws([turned_round(face) for face in cube()], turned=True) == {}
    assert flaws(cube(), turned=True) == {405: list(range(6))}


def test_nothing_is_said_of_how_flawed_polygons_join() -> None:
    bow_tie = with_top([TOP[0], TOP[2], TOP[1], TOP[3]])[1:]
    assert list(flaws(bow_tie)) == [104]
    assert flaws([*bow_tie, *cube(5, 5, 5)[1:]], [0] * 5 + [1] * 5, (0, 1)) == {104: [0], 302: [5, 6, 7, 8, 9]}


def test_no_polygons_have_no_flaws() -> None:
    assert flaws([], []) == {}


coordinate = st.integers(0, 6)


@given(
    st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=8, unique=True),
    st.lists(st.lists(st.tuples(coordinate, coordinate), min_size=3, max_size=4, unique=True), max_size=2),
)
def test_a_flat_polygon_is_valid_where_shapely_says_so(
    outer: list[tuple[int, int]], holes: list[list[tuple[int, int]]]
) -> None:
    shape = shapely.Polygon(outer, holes)
    signed = shapely.LinearRing(outer).is_ccw
    rings = [outer, *(hole[::-1] if shapely.LinearRing(hole).is_ccw == signed else hole for hole in holes)]
    found = flaws([[[(x, y, 0.0) for x, y in ring] for ring in rings]], [-1])
    assert (found == {}) == shape.is_valid

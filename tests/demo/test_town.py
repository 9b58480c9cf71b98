"""The planned town: what must hold of every one, looked at by shapely, trimesh and the traffic plugin's own eyes."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import time
from collections import Counter, defaultdict

import numpy as np
import pytest
import shapely
from shapely import Polygon

from tests.demo.closed import is_closed, mesh_of, normal_of, volume
from twinviewer.demo.landscape import QUAY_LEVEL_M, WATER_LEVEL_M, Landscape
from twinviewer.demo.plan import PlannedTown, plan_town
from twinviewer.demo.town import Building
from twinviewer.model.feedback import Cancelled, Silent

BUILDINGS = 1500
SUM = """
import hashlib
from twinviewer.demo.plan import plan_town
from twinviewer.model.feedback import Silent
town = plan_town(buildings=300, seed=7, feedback=Silent())
everything = (list(town.buildings()), town.streets, town.trees, town.furniture, town.bridges, town.zones)
print(hashlib.sha256(repr(everything).encode()).hexdigest())
"""


@pytest.fixture(scope="module")
def town() -> PlannedTown:
    return plan_town(buildings=BUILDINGS, seed=1, feedback=Silent())


@pytest.fixture(scope="module")
def buildings(town: PlannedTown) -> list[Building]:
    return list(town.buildings())


@pytest.fixture(scope="module")
def footprints(buildings: list[Building]) -> np.ndarray:
    """What each building covers, from its ground surfaces."""
    return np.array([
        shapely.union_all([Polygon(s.exterior) for s in building.surfaces if s.type == "GroundSurface"])
        for building in buildings
    ])  # fmt: skip


def test_the_same_seed_gives_the_same_town_in_other_processes() -> None:
    sums = {
        subprocess.run(
            [sys.executable, "-c", SUM], capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": salt}
        ).stdout
        for salt in ("1", "2")
    }
    assert len(sums) == 1
    assert len(sums.pop().strip()) == len(hashlib.sha256().hexdigest())


def test_another_seed_gives_another_town(town: PlannedTown) -> None:
    other = plan_town(buildings=200, seed=2, feedback=Silent())
    same = plan_town(buildings=200, seed=1, feedback=Silent())
    assert [site.lot.corners for site in other.sites] != [site.lot.corners for site in same.sites]
    assert other.name != same.name


@pytest.mark.parametrize("count", [20, 300, 3000])
def test_a_town_has_as_many_buildings_as_asked(count: int) -> None:
    started = time.process_time()
    planned = plan_town(buildings=count, seed=3, feedback=Silent())
    assert planned.building_count == count
    assert time.process_time() - started < 60


def test_every_building_is_a_closed_solid_of_plane_faces_that_look_outwards(buildings: list[Building]) -> None:
    for building in buildings:
        assert is_closed(building.surfaces), building.id
        assert volume(building.surfaces) > 20, building.id
        for surface in building.surfaces:
            ring = np.array(surface.exterior)
            normal = normal_of(surface)
            assert np.abs((ring - ring[0]) @ normal).max() < 0.004, building.id
            rise = normal[2]
            if surface.type == "RoofSurface":
                assert rise > 0.02, building.id
            elif surface.type == "GroundSurface":
                assert rise < -0.999, building.id
            else:
                assert abs(rise) < 0.01, building.id


def test_trimesh_finds_every_building_watertight_and_as_large(buildings: list[Building]) -> None:
    for building in buildings[::7]:
        mesh = mesh_of(building.surfaces)
        assert mesh.is_watertight, building.id
        assert mesh.is_winding_consistent, building.id
        assert mesh.volume == pytest.approx(volume(building.surfaces), rel=1e-4), building.id


def test_buildings_do_not_overlap(footprints: np.ndarray) -> None:
    one, other = shapely.STRtree(footprints).query(footprints, predicate="intersects")
    pairs = one < other
    shared = shapely.area(shapely.intersection(footprints[one[pairs]], footprints[other[pairs]]))
    assert shared.max() < 0.02  # corners are rounded to the millimetre


def test_no_building_stands_on_a_street_or_in_the_water(town: PlannedTown, footprints: np.ndarray) -> None:
    streets = shapely.STRtree([street.line.buffer(street.width_m / 2) for street in town.streets])
    where, street = streets.query(footprints, predicate="intersects")
    covered = shapely.area(shapely.intersection(footprints[where], streets.geometries[street]))
    assert covered.size == 0 or covered.max() < 0.02
    assert not shapely.intersects(footprints, town.landscape.water).any()


def test_only_bridges_cross_the_water(town: PlannedTown) -> None:
    crossing = [street for street in town.streets if street.line.intersects(town.landscape.water)]
    decks = [bridge for bridge in town.bridges if bridge.id.startswith("BRIDGE")]
    assert 3 <= len(decks) == len(crossing)
    for street in crossing:
        plan = shapely.union_all([
            Polygon(s.exterior) for s in decks[0].surfaces if s.type == "OuterFloorSurface"
        ])  # fmt: skip
        assert street.width_m < 12
        assert plan.is_valid


def test_streets_are_one_network_that_meets_end_to_end(town: PlannedTown) -> None:
    neighbours: defaultdict[tuple[float, float], set[tuple[float, float]]] = defaultdict(set)
    for street in town.streets:
        start, end = street.line.coords[0], street.line.coords[-1]
        neighbours[start].add(end)
        neighbours[end].add(start)
    reached, open_ = set(), [next(iter(neighbours))]
    while open_:
        place = open_.pop()
        if place not in reached:
            reached.add(place)
            open_.extend(neighbours[place])
    assert len(reached) == len(neighbours)
    # No end lies on the middle of another street, or a step beside it, without a joint.
    lines = np.array([street.line for street in town.streets])
    ends = shapely.points(sorted(neighbours))
    end, line = shapely.STRtree(lines).query(ends, predicate="dwithin", distance=1.0)
    for at, other in zip(end, line, strict=True):
        nearest = min(shapely.distance(ends[at], shapely.points(lines[other].coords[side])) for side in (0, -1))
        assert nearest < 1e-9
    for street in town.streets:
        assert street.line.is_simple or street.line.is_ring
        assert street.line.length > 1.0


def test_streets_cross_only_where_they_meet(town: PlannedTown) -> None:
    lines = np.array([street.line for street in town.streets])
    one, other = shapely.STRtree(lines).query(lines, predicate="crosses")
    assert one.size == 0, (lines[one[0]].wkt, lines[other[0]].wkt)


def test_trees_stand_clear_of_houses_streets_and_water_and_on_the_ground(
    town: PlannedTown, footprints: np.ndarray
) -> None:
    places = np.array([tree.position for tree in town.trees])
    points = shapely.points(places[:, :2])
    assert shapely.STRtree(footprints).query(points, predicate="dwithin", distance=1.0).size == 0
    streets = [street.line.buffer(street.width_m / 2) for street in town.streets]
    assert shapely.STRtree(streets).query(points, predicate="intersects").size == 0
    assert not shapely.contains_xy(town.landscape.water, places[:, 0], places[:, 1]).any()
    assert np.abs(town.heights(places[:, 0], places[:, 1]) - places[:, 2]).max() < 0.02


def test_no_house_floats_or_sinks(town: PlannedTown, buildings: list[Building]) -> None:
    for building in buildings:
        grounds = [s.exterior for s in building.surfaces if s.type == "GroundSurface"]
        corners = np.array([corner for ring in grounds for corner in ring])
        terrain = town.heights(corners[:, 0], corners[:, 1])
        assert (corners[:, 2] <= terrain + 0.01).all(), building.id
        eaves = min(z for s in building.surfaces if s.type == "RoofSurface" for _, _, z in s.exterior)
        assert eaves > terrain.max() + 1.2, building.id


def test_land_use_covers_the_land_and_does_not_overlap(town: PlannedTown) -> None:
    areas = np.array([area.polygon for area in town.land_use])
    assert shapely.is_valid(areas).all()
    west, south, east, north = town.bounds
    whole = (east - west) * (north - south)
    assert shapely.area(areas).sum() == pytest.approx(shapely.union_all(areas).area, rel=1e-4)
    assert shapely.union_all(areas).area > 0.985 * whole
    assert {area.type for area in town.land_use} >= {"water", "park", "forest", "meadow", "farmland", "square"}


def test_registers_are_plausible(buildings: list[Building]) -> None:
    assert len({building.id for building in buildings}) == len(buildings)
    assert len({building.address for building in buildings}) > 0.995 * len(buildings)
    assert {building.name for building in buildings} >= {"St Martin's Church", "Town Hall", "Humboldt School"}
    kinds = Counter(building.roof_type for building in buildings)
    assert kinds.keys() == {"gabled", "hipped", "flat", "mansard", "shed", "tented", "complex"}
    assert len({building.quarter for building in buildings}) >= 7
    for building in buildings:
        assert 1300 < building.year_of_construction <= 2024
        assert 2.0 * building.storeys_above_ground < building.measured_height_m < 75
        assert building.residents >= 0
        top = max(z for s in building.surfaces for _, _, z in s.exterior)
        low = min(z for s in building.surfaces for _, _, z in s.exterior)
        assert building.measured_height_m == pytest.approx(top - low, abs=0.02)
    years = [building.year_of_construction for building in buildings]
    classes = [("A+", *"ABCDEFGH").index(building.energy_class) for building in buildings]
    assert np.corrcoef(years, classes)[0, 1] < -0.4
    assert 3 * len(buildings) < sum(building.residents for building in buildings) < 15 * len(buildings)


def test_the_town_reaches_further_the_larger_it_is_and_its_middle_stays() -> None:
    small = plan_town(buildings=250, seed=1, feedback=Silent())
    large = plan_town(buildings=400, seed=1, feedback=Silent())
    assert [site.lot.corners for site in large.sites[:200]] == [site.lot.corners for site in small.sites[:200]]
    assert list(small.buildings()) == list(small.buildings())


def test_the_river_has_a_bed_below_its_surface_and_the_quays_stand_above_it() -> None:
    landscape = Landscape(seed=1)
    middle = np.array(landscape.river)[1:-1]
    assert (landscape.heights(middle[:, 0], middle[:, 1]) <= WATER_LEVEL_M - 2.0).all()
    angle = np.linspace(0, 2 * np.pi, 400)
    x, y = 400 * np.cos(angle), 400 * np.sin(angle)
    on_land = landscape.water_distance(x, y) > 2.0
    assert (landscape.heights(x, y)[on_land] >= QUAY_LEVEL_M - 0.01).all()


def test_heights_do_not_depend_on_how_they_are_asked_for() -> None:
    landscape = Landscape(seed=4)
    x, y = np.meshgrid(np.linspace(-900, 900, 37), np.linspace(-700, 700, 29))
    whole = landscape.heights(x, y)
    assert whole.shape == x.shape
    assert np.array_equal(landscape.heights(x[7], y[7]), whole[7])


def test_planning_stops_when_asked() -> None:
    class Stopping(Silent):
        def stop_if_cancelled(self) -> None:
            raise Cancelled

    with pytest.raises(Cancelled):
        plan_town(buildings=2000, seed=1, feedback=Stopping())

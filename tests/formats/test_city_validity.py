"""What is not valid in small CityGML files, with val3dity's code for it; and that real polygons keep their areas."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.formats.small_citygml import building, city, cube, held, named, polygon, solid, square
from twinviewer.formats import citygml, cityjson
from twinviewer.model.diagnostics import Severity
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel

X, Y, Z = 500_000.0, 5_600_000.0, 50.0


@pytest.fixture
def read_solids(tmp_path: Path) -> Callable[..., CityModel]:
    """Read a building whose solids have the given members, put together into one if there are several."""

    def read(*solids: str) -> CityModel:
        inside = "".join(f"<gml:solidMember>{solid(members)}</gml:solidMember>" for members in solids)
        whole = solid(solids[0]) if len(solids) == 1 else f"<gml:CompositeSolid>{inside}</gml:CompositeSolid>"
        path = tmp_path / "house.gml"
        path.write_text(city(building(f"<bldg:lod2Solid>{whole}</bldg:lod2Solid>")))
        (model,) = citygml.read(path=path, feedback=Silent())
        assert isinstance(model, CityModel)
        return model

    return read


def codes(model: CityModel) -> list[tuple[str, int, Severity]]:
    return [(found.code, found.count, found.severity) for found in model.diagnostics]


def test_a_valid_solid_has_nothing_to_tell(read_solids) -> None:
    model = read_solids(held(*map(polygon, cube())))
    assert model.diagnostics == ()
    assert len(model.triangles) == 12


@pytest.mark.parametrize(
    ("faces", "expected"),
    [
        (cube()[:5], ("val3dity.302", 1, Severity.INFO)),
        ([*cube()[:5], cube()[5][::-1]], ("val3dity.307", 1, Severity.INFO)),
        ([face[::-1] for face in cube()], ("val3dity.405", 1, Severity.INFO)),
        ([*cube(), *cube(X + 50)], ("val3dity.305", 1, Severity.INFO)),
        ([*cube()[:5], [*cube()[5], cube()[5][3]]], ("val3dity.102", 1, Severity.INFO)),
        (
            [*cube()[:5], [cube()[5][0], cube()[5][2], cube()[5][1], cube()[5][3]]],
            ("val3dity.104", 1, Severity.WARNING),
        ),
        ([*cube()[:5], cube()[5][:2]], ("val3dity.101", 1, Severity.WARNING)),
    ],
    ids=["open", "one face turned", "inside out", "two parts", "a point twice", "a bow tie", "two points"],
)
def test_a_flawed_solid_is_told_once_with_its_building(
    read_solids, faces: Sequence[Sequence[tuple[float, float, float]]], expected: tuple[str, int, Severity]
) -> None:
    model = read_solids(held(*map(polygon, faces)))
    assert codes(model) == [expected]
    assert model.diagnostics[0].objects == ("house",)
    assert len(np.unique(model.triangle_surface)) >= 5


def test_a_ring_that_is_not_closed_is_shown_closed(read_solids) -> None:
    *others, last = map(polygon, cube())
    numbers = last.partition("<gml:posList>")[2].partition("<")[0]
    model = read_solids(held(*others, last.replace(numbers, " ".join(numbers.split()[:12]))))
    assert codes(model) == [("val3dity.103", 1, Severity.WARNING)]
    assert len(model.triangles) == 12


def test_a_surface_that_two_solids_share_makes_neither_open(read_solids) -> None:
    """It can be listed with one of them only: nothing is said of how the other one's surfaces join."""
    left, right = cube(), cube(X + 10.0)
    first = held(*map(polygon, left[:3]), polygon(left[3], id="between"), *map(polygon, left[4:]))
    other_way = (
        '<gml:OrientableSurface orientation="-"><gml:baseSurface xlink:href="#between"/></gml:OrientableSurface>'
    )
    model = read_solids(first, held(other_way, *map(polygon, right[:5])))
    assert codes(model) == []
    assert read_solids(first, held(*map(polygon, right[:5]))).diagnostics[0].code == "val3dity.302"


def test_a_solid_of_surfaces_that_are_nowhere_is_not_told_twice(read_solids) -> None:
    model = read_solids(held(*map(polygon, cube()[:5])) + named("gone"))
    assert [found.code for found in model.diagnostics] == ["xlink.unresolved"]


def test_holes_are_told_by_what_is_wrong_with_them(tmp_path: Path) -> None:
    hole = square(X + 4, Y + 4, side=2.0)  # turns as the outline does
    outside = square(X + 40, Y + 4, side=2.0)[::-1]
    members = held(polygon(square(), hole), polygon(square(X + 20), outside))
    path = tmp_path / "house.gml"
    inside = f"<gml:MultiSurface>{members}</gml:MultiSurface>"
    path.write_text(city(building(f"<bldg:lod2MultiSurface>{inside}</bldg:lod2MultiSurface>")))
    (model,) = citygml.read(path=path, feedback=Silent())
    assert codes(model) == [("val3dity.206", 1, Severity.WARNING), ("val3dity.208", 1, Severity.INFO)]


FILES = [
    *(f"cityjson/{name}" for name in ("1.1/several_lods_valid.json", "1.1/zurich_subset_lod2.json", "2.0/delft.json")),
    *(f"cityjson/{name}" for name in ("2.0/3-20-DELFSHAVEN.city.json", "seq/delft_subset.city.jsonl")),
    *(f"citygml/1.0/{name}" for name in ("FZK-House-LoD3-KIT-IAI-KHH-V2.gml", "berlin_open_data_sample_data.citygml")),
    *("citygml/1.0/Potsdam_LoD1.gml", "citygml/1.0/geores-textured/geoRES_testdata_v1.0.0.xml"),
    *(f"citygml/2.0/{name}" for name in ("building/Building_LOD4-EPSG25832.gml", "delft-citygml2.xml")),
    *(f"citygml/2.0/ingolstadt-lod3/{name}" for name in ("4018115/4018115.xml", "4018198/4018198.xml")),
    *("citygml/3.0/citygml3_roads_roundabout.gml", "citygml/3.0/ParkingGarage_with_XLinks.gml"),
]


@pytest.mark.data
@pytest.mark.parametrize("name", FILES)
def test_real_polygons_keep_their_area(city_data: Path, name: str) -> None:
    """The triangles' area vectors sum up to that of their outline (Stokes), whether or not the polygon is planar."""
    reader = cityjson if "cityjson" in name else citygml
    model, *_ = reader.read(path=city_data / name, feedback=Silent())
    assert isinstance(model, CityModel)
    places = model.vertices - model.vertices.mean(axis=0)
    count = len(model.surface_object)
    covered, enclosed = np.zeros((count, 3)), np.zeros((count, 3))
    a, b, c = (places[model.triangles[:, corner]] for corner in range(3))
    np.add.at(covered, model.triangle_surface, np.cross(b - a, c - a) / 2)
    anchor = np.zeros((count, 3))
    anchor[model.edge_surface] = places[model.edges[:, 0]]
    a, b = (places[model.edges[:, end]] - anchor[model.edge_surface] for end in range(2))
    np.add.at(enclosed, model.edge_surface, np.cross(a, b) / 2)
    missed = np.minimum(np.linalg.norm(covered - enclosed, axis=1), np.linalg.norm(covered + enclosed, axis=1))
    area = np.linalg.norm(enclosed, axis=1)
    # Where rings cross, or turn the wrong way round, their sum is not the area; float64 metres of UTM end at 1e-9 m.
    flawed = sum(found.count for found in model.diagnostics if found.code in ("val3dity.104", "val3dity.208"))
    drawn = np.bincount(model.triangle_surface, minlength=count) > 0
    assert (drawn & (missed > 1e-6 * area + 1e-7)).sum() <= flawed

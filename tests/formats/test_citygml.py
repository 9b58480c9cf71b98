"""CityGML's geometry: names that lead forwards and backwards, orientation, holes, shapes, axis order."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from pyproj import Transformer

from tests.formats.small_citygml import (
    Point,
    building,
    city,
    cube,
    envelope,
    held,
    multi_surface,
    named,
    polygon,
    ring,
    solid,
    square,
    start_of,
    wall,
)
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.layer_data import CityModel


def types(model: CityModel) -> Counter[str | None]:
    return Counter(None if number < 0 else model.surface_type_names[number] for number in model.surface_type)


def lods(model: CityModel) -> list[str | None]:
    return [None if number < 0 else model.lods[number] for number in model.surface_lod]


def told(model: CityModel, code: str) -> Diagnostic:
    (finding,) = (finding for finding in model.diagnostics if finding.code == code)
    return finding


def area_vectors(model: CityModel) -> np.ndarray:
    """(s, 3) normal of each surface, as long as its area."""
    a, b, c = (model.vertices[model.triangles[:, corner]] for corner in range(3))
    result = np.zeros((len(model.surface_object), 3))
    np.add.at(result, model.triangle_surface, np.cross(b - a, c - a) / 2)
    return result


def volume(model: CityModel) -> float:
    vertices = model.vertices - model.vertices[0]
    a, b, c = (vertices[model.triangles[:, corner]] for corner in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6)


# --- names ------------------------------------------------------------------------------------------------------

FACES = cube()
WALLS = "".join(wall(held(polygon(face, id=f"p{i}"))) for i, face in enumerate(FACES))
SOLID_OF_NAMES = f"<bldg:lod2Solid>{solid(named(*(f'p{i}' for i in range(6))))}</bldg:lod2Solid>"
SOLID = f"<bldg:lod2Solid>{solid(held(*(polygon(face, id=f'p{i}') for i, face in enumerate(FACES))))}</bldg:lod2Solid>"
WALLS_OF_NAMES = "".join(wall(named(f"p{i}")) for i in range(6))


@pytest.mark.parametrize(
    "content",
    [SOLID_OF_NAMES + WALLS, WALLS + SOLID_OF_NAMES, SOLID + WALLS_OF_NAMES, WALLS_OF_NAMES + SOLID],
    ids=["forwards", "backwards", "walls name the solid's", "walls name what comes later"],
)
def test_what_is_named_is_drawn_once_and_is_a_wall(read_text, content: str) -> None:
    model = read_text(city(building(content)))
    assert types(model) == {"WallSurface": 6}
    assert lods(model) == ["2"] * 6
    assert volume(model) == pytest.approx(1000)
    assert model.diagnostics == ()


def test_a_name_of_a_whole_surface_stands_for_all_its_polygons(read_text) -> None:
    shell = multi_surface(held(*(polygon(face) for face in FACES)), id="shell")
    content = f"<bldg:lod2MultiSurface>{shell}</bldg:lod2MultiSurface>" + wall(named("shell"), type="ClosureSurface")
    model = read_text(city(building(content)))
    assert types(model) == {"ClosureSurface": 6}


def test_a_name_of_names_leads_to_the_end(read_text) -> None:
    inner = f'<gml:CompositeSurface gml:id="inner">{named("p0", "p1")}</gml:CompositeSurface>'
    content = SOLID + f"<bldg:lod1MultiSurface>{multi_surface(held(inner))}</bldg:lod1MultiSurface>"
    content += wall(named("inner"), type="RoofSurface")
    model = read_text(city(building(content)))
    assert types(model) == {"RoofSurface": 4, None: 4}  # two more for LoD 1
    assert Counter(lods(model)) == {"2": 6, "1": 2}


def test_another_level_of_detail_gets_a_copy(read_text) -> None:
    content = WALLS + f"<bldg:lod3MultiSurface>{multi_surface(named('p0', 'p1'))}</bldg:lod3MultiSurface>"
    model = read_text(city(building(content)))
    assert Counter(lods(model)) == {"2": 6, "3": 2}
    assert types(model) == {"WallSurface": 8}
    area = np.linalg.norm(area_vectors(model), axis=1)
    assert area == pytest.approx([100] * 8)


def test_names_lead_from_one_object_to_another(read_text) -> None:
    neighbour = building(wall(named("p0"), type="GroundSurface", lod=2), id="neighbour")
    for members in ([building(SOLID), neighbour], [neighbour, building(SOLID)]):
        model = read_text(city(*members))
        assert len(model.surface_object) == 6
        assert types(model) == {"GroundSurface": 1, None: 5}
        assert set(model.surface_object.tolist()) == {model.object_ids.index("house")}


def test_a_property_may_name_its_geometry(read_text) -> None:
    shape = multi_surface(held(polygon(square())), id="shape")
    content = f'<bldg:lod1MultiSurface>{shape}</bldg:lod1MultiSurface><bldg:lod2MultiSurface xlink:href="#shape"/>'
    model = read_text(city(building(content)))
    assert Counter(lods(model)) == {"1": 1, "2": 1}


def test_names_that_lead_nowhere_are_told_with_their_object(read_text) -> None:
    content = (
        wall(held(polygon(square()))) + wall(named("lost")) + wall('<gml:surfaceMember xlink:href="other.gml#p"/>')
    )
    model = read_text(city(building(content)))
    assert len(model.surface_object) == 1
    assert told(model, "xlink.unresolved").where == "house: “lost”"
    assert told(model, "xlink.other-file").where == "house: “other.gml#p”"


def test_names_in_a_circle_come_to_an_end(read_text) -> None:
    first = f'<gml:CompositeSurface gml:id="a">{named("b")}{held(polygon(square()))}</gml:CompositeSurface>'
    second = f'<gml:CompositeSurface gml:id="b">{named("a")}</gml:CompositeSurface>'
    model = read_text(city(building(wall(held(first, second)))))
    assert len(model.surface_object) == 1


# --- rings and surfaces -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_turned", [False, True])
def test_an_orientable_surface_turns_what_is_in_it(read_text, is_turned: bool) -> None:
    sign = "-" if is_turned else "+"
    surface = (
        f'<gml:OrientableSurface orientation="{sign}"><gml:baseSurface>{polygon(square())}</gml:baseSurface>'
        "</gml:OrientableSurface>"
    )
    model = read_text(city(building(wall(held(surface)))))
    assert area_vectors(model).tolist() == [[0, 0, -100 if is_turned else 100]]


def test_two_turns_are_none(read_text) -> None:
    surface = polygon(square())
    for _ in range(2):
        surface = (
            f'<gml:OrientableSurface orientation="-"><gml:baseSurface>{surface}</gml:baseSurface>'
            "</gml:OrientableSurface>"
        )
    assert area_vectors(read_text(city(building(wall(held(surface))))))[0].tolist() == [0, 0, 100]


def test_holes_are_cut_out(read_text) -> None:
    x, y, z = 500_000.0, 5_600_000.0, 50.0
    holes = [square(x + 1, y + 1, z, 2)[::-1], square(x + 5, y + 5, z, 3)[::-1]]
    model = read_text(city(building(wall(held(polygon(square(x, y, z, 10), *holes))))))
    assert area_vectors(model)[0].tolist() == pytest.approx([0, 0, 100 - 4 - 9])
    assert len(model.edges) == 12


CORNERS = square(0.0, 0.0, 5.0)
CLOSED = [*CORNERS, CORNERS[0]]


def listed(points: list[Point]) -> str:
    return " ".join(str(value) for point in points for value in point)


def linear(inside: str) -> str:
    return f"<gml:LinearRing>{inside}</gml:LinearRing>"


def pos_list(numbers: str, attributes: str = "") -> str:
    return f"<gml:posList {attributes}>{numbers}</gml:posList>"


def line(points: list[Point]) -> str:
    return f"<gml:curveMember><gml:LineString>{pos_list(listed(points))}</gml:LineString></gml:curveMember>"


def point_by_point(pattern: str, between: str = "") -> str:
    return between.join(pattern.format(x=x, y=y, z=z) for x, y, z in CLOSED)


NUMBERS = listed(CLOSED)
SEGMENT = f"<gml:LineStringSegment>{pos_list(NUMBERS)}</gml:LineStringSegment>"
GERMAN = 'decimal="," cs=" " ts=";"'
SPELLINGS = {
    "posList": linear(pos_list(NUMBERS)),
    "over lines": linear(pos_list("\n\t" + NUMBERS.replace(" ", "\n\n  ") + "\n")),
    "exponents": linear(pos_list(NUMBERS.replace("10.0", "+1.e1").replace("5.0", ".5E1"))),
    "integers": linear(pos_list(NUMBERS.replace(".0", ""))),
    "comment": linear(pos_list(NUMBERS.replace(" ", " <!-- a corner --> ", 1))),
    "CDATA": linear(pos_list(f"<![CDATA[{NUMBERS}]]>")),
    "not closed": linear(pos_list(listed(CORNERS))),
    "with a measure": linear(pos_list(point_by_point("{x} {y} {z} 77", " "), 'srsDimension="4"')),
    "pos": linear(point_by_point("<gml:pos>{x} {y} {z}</gml:pos>")),
    "points": linear(
        point_by_point("<gml:pointProperty><gml:Point><gml:pos>{x} {y} {z}</gml:pos></gml:Point></gml:pointProperty>")
    ),
    "coordinates": linear(f"<gml:coordinates>{point_by_point('{x},{y},{z}', ' ')}</gml:coordinates>"),
    "coordinates, German": linear(
        f"<gml:coordinates {GERMAN}>{point_by_point('{x} {y} {z}', ';').replace('.', ',')}</gml:coordinates>"
    ),
    "coord": linear(point_by_point("<gml:coord><gml:X>{x}</gml:X><gml:Y>{y}</gml:Y><gml:Z>{z}</gml:Z></gml:coord>")),
    "curves": f"<gml:Ring>{line(CLOSED[:3])}{line(CLOSED[2:])}</gml:Ring>",
    "segments": "<gml:Ring><gml:curveMember><gml:Curve><gml:segments>"
    f"{SEGMENT}</gml:segments></gml:Curve></gml:curveMember></gml:Ring>",
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_every_spelling_of_a_ring_is_the_same_ring(read_text, spelling: str) -> None:
    surface = f"<gml:Polygon><gml:exterior>{SPELLINGS[spelling]}</gml:exterior></gml:Polygon>"
    model = read_text(city(building(wall(held(surface))), srs=None))
    assert sorted(map(tuple, model.vertices.tolist())) == sorted(CORNERS)
    assert area_vectors(model)[0].tolist() == [0, 0, 100]
    found = [(diagnostic.code, diagnostic.objects) for diagnostic in model.diagnostics]
    assert found == ([("val3dity.103", ("house",))] if spelling == "not closed" else [])


def test_gml_2_rings_are_read(read_text) -> None:
    surface = (
        f"<gml:Polygon><gml:outerBoundaryIs>{ring(square())}</gml:outerBoundaryIs>"
        f"<gml:innerBoundaryIs>{ring(square(500_001.0, 5_600_001.0, side=2.0))}</gml:innerBoundaryIs></gml:Polygon>"
    )
    assert area_vectors(read_text(city(building(wall(held(surface))))))[0, 2] == pytest.approx(96)


@pytest.mark.parametrize("place", ["posList", "Polygon", "MultiSurface"])
def test_flat_coordinates_get_the_height_zero(read_text, place: str) -> None:
    flat = " ".join(f"{x} {y}" for x, y, _ in CLOSED)
    text = (
        "<bldg:lod0FootPrint><gml:MultiSurface><gml:surfaceMember><gml:Polygon><gml:exterior><gml:LinearRing>"
        f"<gml:posList>{flat}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon></gml:surfaceMember>"
        "</gml:MultiSurface></bldg:lod0FootPrint>"
    ).replace(f"<gml:{place}>", f'<gml:{place} srsDimension="2">')
    model = read_text(city(building(text)))
    assert model.lods == ("0",)
    assert model.extent is not None
    assert model.extent.as_tuple() == (0, 0, 0, 10, 10, 0)


def nest(*names: str) -> str:
    """Elements inside each other, a place for a ring in the innermost."""
    return "".join(f"<gml:{name}>" for name in names) + "{}" + "".join(f"</gml:{name}>" for name in names[::-1])


@pytest.mark.parametrize(
    "names",
    [
        "Surface patches PolygonPatch",
        "Surface patches Rectangle",
        "PolyhedralSurface patches PolygonPatch",
        "PolyhedralSurface polygonPatches PolygonPatch",
        "TriangulatedSurface trianglePatches Triangle",
        "TriangulatedSurface patches Triangle",
        "CompositeSurface surfaceMember Polygon",
        "MultiSurface surfaceMembers Polygon",
        "MultiGeometry geometryMember Polygon",
        "MultiSurface surfaceMember CompositeSurface surfaceMember Surface patches PolygonPatch",
    ],
)
def test_every_kind_of_surface_is_read(read_text, names: str) -> None:
    surface = nest(*names.split(), "exterior").format(ring(square()))
    content = f"<bldg:lod2MultiSurface>{surface}</bldg:lod2MultiSurface>"
    assert area_vectors(read_text(city(building(content)))).tolist() == [[0, 0, 100]]


@pytest.mark.parametrize("kind", ["CompositeSolid", "MultiSolid"])
def test_solids_of_solids_are_read(read_text, kind: str) -> None:
    solids = [solid(held(*map(polygon, cube(500_000.0 + 20 * i)))) for i in range(3)]
    members = "".join(f"<gml:solidMember>{one}</gml:solidMember>" for one in solids)
    model = read_text(city(building(f"<bldg:lod1Solid><gml:{kind}>{members}</gml:{kind}></bldg:lod1Solid>")))
    assert len(model.surface_object) == 18
    assert volume(model) == pytest.approx(3000)


def test_a_cavity_is_taken_from_a_solid(read_text) -> None:
    inner = held(*(polygon(face[::-1]) for face in cube(500_002.0, 5_600_002.0, 52.0, 3.0)))
    shell = f"<gml:interior><gml:CompositeSurface>{inner}</gml:CompositeSurface></gml:interior>"
    text = solid(held(*map(polygon, cube()))).replace("</gml:Solid>", f"{shell}</gml:Solid>")
    assert volume(read_text(city(building(f"<bldg:lod2Solid>{text}</bldg:lod2Solid>")))) == pytest.approx(1000 - 27)


@pytest.mark.parametrize(
    ("numbers", "code"),
    [
        ("0 0 0 10 0 0 here 10 0", "coordinates.not-numbers"),
        ("0 0 0 10 0 0 null 10 0", "coordinates.not-numbers"),
        ('0 0 0 10 0 0 "9" 10 0', "coordinates.not-numbers"),
        ("0 0 0 10 0 0 [9] 10 0", "coordinates.not-numbers"),
        ("0 0 0 10 0 0 10 10", "coordinates.incomplete"),
        ("0 0 0 10 0 0 NaN 10 0", "coordinates.not-finite"),
        ("0 0 0 10 0 0 1e999 10 0", "coordinates.not-finite"),
        ("0 0 0 10 0 0", "val3dity.101"),
        ("", "val3dity.101"),
        ("0 0 0 5 0 0 10 0 0", "val3dity.104"),
    ],
)
def test_a_bad_ring_is_told_and_the_others_are_drawn(read_text, numbers: str, code: str) -> None:
    bad = polygon(square()).replace(listed([*square(), square()[0]]), numbers)
    model = read_text(city(building(wall(held(polygon(square()))) + wall(held(bad)), id="odd")))
    assert len(model.surface_object) == 2
    assert set(model.triangle_surface.tolist()) == {0}
    assert code in {finding.code for finding in model.diagnostics}
    assert all(finding.where == "odd" for finding in model.diagnostics)


def test_a_polygon_without_an_outer_ring_is_told_not_filled(read_text) -> None:
    surface = f"<gml:Polygon><gml:interior>{ring(square())}</gml:interior></gml:Polygon>"
    model = read_text(city(building(wall(held(surface)))))
    assert len(model.triangles) == 0
    assert told(model, "val3dity.101").where == "house"


# --- objects ----------------------------------------------------------------------------------------------------


def test_parts_rooms_and_installations_are_objects_surfaces_and_openings_are_not(read_text) -> None:
    door = "<bldg:opening><bldg:Door><bldg:lod3MultiSurface>{}</bldg:lod3MultiSurface></bldg:Door></bldg:opening>"
    front = wall(held(polygon(square())), lod=3).replace(
        "</bldg:WallSurface>", door.format(multi_surface(held(polygon(square(z=60.0))))) + "</bldg:WallSurface>"
    )
    room = (
        '<bldg:interiorRoom><bldg:Room gml:id="room"><bldg:interiorFurniture><bldg:BuildingFurniture gml:id="chair"/>'
        "</bldg:interiorFurniture></bldg:Room></bldg:interiorRoom>"
    )
    part = f'<bldg:BuildingPart gml:id="part">{front}{room}</bldg:BuildingPart>'
    part = f"<bldg:consistsOfBuildingPart>{part}</bldg:consistsOfBuildingPart>"
    shape = f"<bldg:lod3Geometry>{multi_surface(held(polygon(square())))}</bldg:lod3Geometry>"
    chimney = f'<bldg:BuildingInstallation gml:id="chimney">{shape}</bldg:BuildingInstallation>'
    chimney = f"<bldg:outerBuildingInstallation>{chimney}</bldg:outerBuildingInstallation>"
    model = read_text(city(building(chimney + part)))
    parents = [model.object_ids[parent] if parent >= 0 else None for parent in model.object_parent]
    assert dict(zip(model.object_ids, parents, strict=True)) == {
        "house": None, "chimney": "house", "part": "house", "room": "part", "chair": "room",
    }  # fmt: skip
    assert [model.type_names[number] for number in model.object_type] == [
        "Building", "BuildingInstallation", "BuildingPart", "Room", "BuildingFurniture",
    ]  # fmt: skip
    owners = [model.object_ids[owner] for owner in model.surface_object]
    assert owners == ["chimney", "part", "part"]
    assert types(model) == {None: 1, "WallSurface": 1, "Door": 1}


def traffic(version: str) -> str:
    area = multi_surface(held(polygon(square())))
    if version == "3.0":
        surface = f"<tran:TrafficArea><core:lod2MultiSurface>{area}</core:lod2MultiSurface></tran:TrafficArea>"
        space = f'<tran:TrafficSpace gml:id="lane"><core:boundary>{surface}</core:boundary></tran:TrafficSpace>'
        inside = f"<tran:trafficSpace>{space}</tran:trafficSpace>"
    else:
        surface = (
            f'<tran:TrafficArea gml:id="lane"><tran:lod2MultiSurface>{area}</tran:lod2MultiSurface></tran:TrafficArea>'
        )
        inside = f"<tran:trafficArea>{surface}</tran:trafficArea>"
    return f'<tran:Road gml:id="road">{inside}</tran:Road>'


@pytest.mark.parametrize(
    ("version", "classes"), [("1.0", "TrafficArea"), ("2.0", "TrafficArea"), ("3.0", "TrafficSpace")]
)
def test_a_traffic_area_is_an_object_until_2_and_a_surface_in_3(read_text, version: str, classes: str) -> None:
    model = read_text(city(traffic(version), version=version))
    assert model.source.version == version
    assert [model.type_names[number] for number in model.object_type] == ["Road", classes]
    assert types(model) == {"TrafficArea" if version == "3.0" else None: 1}


def test_a_relief_has_the_level_of_detail_that_it_states(read_text) -> None:
    tin = "<gml:TriangulatedSurface><gml:trianglePatches>{}</gml:trianglePatches></gml:TriangulatedSurface>".format(
        "".join(
            f"<gml:Triangle><gml:exterior>{ring(triangle)}</gml:exterior></gml:Triangle>"
            for triangle in (square()[:3], [square()[i] for i in (0, 2, 3)])
        )
    )
    relief = (
        '<dem:ReliefFeature gml:id="relief"><dem:lod>2</dem:lod><dem:reliefComponent><dem:TINRelief gml:id="tin">'
        f"<dem:lod>1</dem:lod><dem:extent>{polygon(square())}</dem:extent><dem:tin>{tin}</dem:tin></dem:TINRelief>"
        "</dem:reliefComponent></dem:ReliefFeature>"
    )
    model = read_text(city(relief))
    assert lods(model) == ["1", "1"]
    assert area_vectors(model).sum(axis=0).tolist() == [0, 0, 100]
    assert [model.object_ids[owner] for owner in model.surface_object] == ["tin", "tin"]


def relief(points: str) -> str:
    tin = f"<gml:Tin><gml:trianglePatches/><gml:controlPoint>{points}</gml:controlPoint></gml:Tin>"
    return city(f'<dem:TINRelief gml:id="tin"><dem:lod>1</dem:lod><dem:tin>{tin}</dem:tin></dem:TINRelief>')


def test_a_terrain_of_points_only_is_covered_with_triangles(read_text) -> None:
    hill = [*square(0.0, 0.0, 5.0), (4.0, 5.0, 9.0)]
    model = read_text(relief(pos_list(listed(hill))))
    assert told(model, "tin.triangulated").where == "tin"
    assert (len(model.triangles), lods(model)) == (4, ["1"] * 4)
    areas = area_vectors(model)
    assert areas.sum(axis=0)[2] == pytest.approx(100)
    assert (areas[:, 2] > 0).all()
    assert set(map(tuple, model.vertices.tolist())) == set(hill)


@pytest.mark.parametrize("bad", ["NaN", "-INF", "1e308", "1e15"])
def test_points_of_a_terrain_that_are_nowhere_are_left_out_and_told(read_text, bad: str) -> None:
    model = read_text(relief(pos_list(listed(square(0.0, 0.0, 5.0)) + f" {bad} 5 9")))
    assert told(model, "coordinates.absurd").objects == ("tin",)
    assert area_vectors(model).sum(axis=0)[2] == pytest.approx(100)


def test_a_terrain_of_too_few_points_is_told(read_text) -> None:
    model = read_text(relief(pos_list("0 0 0 1 1 1")))
    assert told(model, "tin.without-triangles").objects == ("tin",)
    assert told(model, "geometry.none")


def test_a_terrain_in_a_grid_is_told(read_text) -> None:
    grid = "<gml:rangeSet><gml:DataBlock><gml:tupleList>1 2 3 4</gml:tupleList></gml:DataBlock></gml:rangeSet>"
    grid = f"<dem:grid><gml:RectifiedGridCoverage>{grid}</gml:RectifiedGridCoverage></dem:grid>"
    model = read_text(city(f'<dem:RasterRelief gml:id="grid"><dem:lod>1</dem:lod>{grid}</dem:RasterRelief>'))
    assert told(model, "terrain.grid").where == "grid"
    assert model.attributes == ()


def test_objects_of_extensions_are_objects(read_text) -> None:
    zone = (
        '<urf:Zone xmlns:urf="urn:an:extension" gml:id="zone"><urf:part><urf:Plot gml:id="plot"><urf:lod1MultiSurface>'
        f"{multi_surface(held(polygon(square())))}</urf:lod1MultiSurface></urf:Plot></urf:part></urf:Zone>"
    )
    model = read_text(city(zone))
    assert model.object_ids == ("zone", "plot")
    assert [model.type_names[number] for number in model.object_type] == ["Zone", "Plot"]
    assert (model.object_parent.tolist(), lods(model)) == ([-1, 0], ["1"])


def test_objects_without_an_id_get_one_and_repeated_ids_are_told(read_text) -> None:
    model = read_text(city("<bldg:Building/>", building("", id="same"), building("", id="same")))
    assert model.object_ids == ("Building-1", "same", "same")
    assert told(model, "object.id-missing").severity is Severity.INFO
    assert told(model, "object.id-repeated").where == "same"


def test_lines_are_edges_and_an_empty_appearance_is_none(read_text) -> None:
    terrain = (
        f"<bldg:lod2TerrainIntersection><gml:MultiCurve>{line(CLOSED)}</gml:MultiCurve></bldg:lod2TerrainIntersection>"
    )
    text = city(
        building("<app:appearance><app:Appearance/></app:appearance>" + wall(held(polygon(square()))) + terrain)
    )
    text = text.replace(
        "</core:CityModel>", "<app:appearanceMember><app:Appearance/></app:appearanceMember></core:CityModel>"
    )
    model = read_text(text)
    assert model.diagnostics == ()
    assert model.appearance is None
    assert Counter(model.edge_surface.tolist()) == {0: 4, 1: 4}


# --- shapes that stand in many places ---------------------------------------------------------------------------


def tree(
    id: str, *, shape: str, matrix: str = "1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1", at: str = "500000 5600000 50", lod: int = 1
) -> str:
    return (
        f'<veg:SolitaryVegetationObject gml:id="{id}"><veg:lod{lod}ImplicitRepresentation><core:ImplicitGeometry>'
        f"<core:transformationMatrix>{matrix}</core:transformationMatrix>{shape}<core:referencePoint><gml:Point>"
        f"<gml:pos>{at}</gml:pos></gml:Point></core:referencePoint></core:ImplicitGeometry>"
        f"</veg:lod{lod}ImplicitRepresentation></veg:SolitaryVegetationObject>"
    )


LEAF = multi_surface(held(polygon(square(0.0, 0.0, 1.0, 2.0))), id="shape")
SHAPE = f"<core:relativeGMLGeometry>{LEAF}</core:relativeGMLGeometry>"
NAME_OF_SHAPE = '<core:relativeGMLGeometry xlink:href="#shape"/>'


def test_a_shape_stands_where_it_is_put_whichever_comes_first(read_text) -> None:
    one = tree("one", shape=SHAPE)
    other = tree("other", shape=NAME_OF_SHAPE, at="500100 5600200 60", lod=2)
    for members in ([one, other], [other, one]):
        model = read_text(city(*members))
        corners = {
            id: model.vertices[np.unique(model.triangles[model.surface_object[model.triangle_surface] == row])]
            for row, id in enumerate(model.object_ids)
        }
        assert corners["one"].min(axis=0).tolist() == [500_000, 5_600_000, 51]
        assert corners["one"].max(axis=0).tolist() == [500_002, 5_600_002, 51]
        assert corners["other"].min(axis=0).tolist() == [500_100, 5_600_200, 61]
        assert Counter(lods(model)) == {"1": 1, "2": 1}
        assert told(model, "shape.instanced").count == 2


def test_a_shape_is_turned_scaled_and_moved_by_its_matrix(read_text) -> None:
    quarter_turn_twice_as_high = "0 -1 0 5 1 0 0 6 0 0 2 7 0 0 0 1"
    model = read_text(city(tree("tree", shape=SHAPE, matrix=quarter_turn_twice_as_high)))
    # (x, y, z) → (−y + 5, x + 6, 2 z + 7), then to the place
    assert model.extent is not None
    assert model.extent.as_tuple() == (500_003, 5_600_006, 59, 500_005, 5_600_008, 59)
    assert area_vectors(model)[0].tolist() == pytest.approx([0, 0, 4])


def test_a_mirrored_shape_keeps_its_outside_outside(read_text) -> None:
    model = read_text(city(tree("tree", shape=SHAPE, matrix="-1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1")))
    assert area_vectors(model)[0].tolist() == pytest.approx([0, 0, 4])


def test_a_shape_is_in_metres_where_places_are_in_degrees(read_text) -> None:
    model = read_text(city(tree("tree", shape=SHAPE, at="48.0 11.5 500"), srs="urn:ogc:def:crs:EPSG::4326"))
    assert model.extent is not None
    to_utm = Transformer.from_crs(4326, 32632, always_xy=True)
    low = to_utm.transform(model.extent.min_x, model.extent.min_y)
    high = to_utm.transform(model.extent.max_x, model.extent.max_y)
    assert np.subtract(high, low) == pytest.approx([2, 2], abs=0.1)
    assert model.extent.min_z == 501


def test_a_shape_that_is_missing_or_in_another_file_is_told(read_text) -> None:
    library = "<core:libraryObject>http://example.org/tree.dae</core:libraryObject>"
    model = read_text(
        city(tree("a", shape=NAME_OF_SHAPE), tree("b", shape=library), tree("c", shape=SHAPE, matrix="1 2"))
    )
    assert told(model, "shape.other-file").where == "b: http://example.org/tree.dae"
    assert told(model, "shape.matrix").where == "c"
    assert len(model.surface_object) == 2


def test_places_of_shapes_by_the_million_are_no_way_to_fill_the_memory(read_text, monkeypatch) -> None:
    monkeypatch.setattr("twinviewer.formats.citygml.reader._SURFACES_LIMIT", 3)
    model = read_text(city(tree("t", shape=SHAPE), *(tree(f"t{i}", shape=NAME_OF_SHAPE) for i in range(10))))
    assert len(model.surface_object) == 3
    assert told(model, "shape.too-many")


# --- where on Earth ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("srs", "horizontal", "vertical"),
    [
        ("EPSG:25832", "EPSG:25832", None),
        ("urn:ogc:def:crs:EPSG::25832", "EPSG:25832", None),
        ("urn:ogc:def:crs:EPSG:6.12:25832", "EPSG:25832", None),
        ("urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783", "EPSG:25832", "EPSG:5783"),
        ("urn:adv:crs:ETRS89_UTM32*DE_DHHN92_NH", "EPSG:25832", "EPSG:5783"),
        ("http://www.opengis.net/def/crs/EPSG/0/25832", "EPSG:25832", None),
        ("http://www.opengis.net/gml/srs/epsg.xml#25832", "EPSG:25832", None),
    ],
)
def test_the_reference_system_is_known_however_it_is_spelled(
    read_text, srs: str, horizontal: str, vertical: str | None
) -> None:
    model = read_text(city(building(wall(held(polygon(square())))), srs=srs))
    assert model.crs is not None
    assert (model.crs.horizontal, model.crs.vertical) == (horizontal, vertical)
    assert model.diagnostics == ()


@pytest.mark.parametrize(
    ("srs", "x", "y"),
    [
        ("urn:ogc:def:crs:EPSG::4326", 52.5, 13.4),
        ("http://www.opengis.net/def/crs/EPSG/0/4326", 52.5, 13.4),
        ("urn:ogc:def:crs:EPSG::31467", 5_400_000.0, 3_500_000.0),
    ],
)
def test_northing_first_is_turned_into_easting_first(read_text, srs: str, x: float, y: float) -> None:
    side = 0.001 if x < 100 else 10.0
    model = read_text(city(building(wall(held(polygon(square(x, y, 50.0, side))))), srs=srs))
    assert model.extent is not None
    assert (model.extent.min_x, model.extent.min_y) == (y, x)


def test_gauss_krueger_comes_easting_first_whatever_its_name_says(read_text) -> None:
    content = wall(held(polygon(square(3_500_000.0, 5_400_000.0))))
    model = read_text(city(building(content), srs="urn:ogc:def:crs,crs:EPSG::31467"))
    assert model.extent is not None
    assert (model.extent.min_x, model.extent.min_y) == (3_500_000, 5_400_000)


@pytest.mark.parametrize("place", ["object", "geometry", "polygon"])
def test_the_reference_system_is_found_where_it_is_said(read_text, place: str) -> None:
    srs = "EPSG:25832"
    attributes = f'srsName="{srs}"' if place == "polygon" else ""
    content = wall(held(polygon(square(), attributes=attributes)))
    if place == "geometry":
        content = content.replace("<gml:MultiSurface>", f'<gml:MultiSurface srsName="{srs}">')
    if place == "object":
        content = envelope(srs) + content
    model = read_text(city(building(content), srs=None))
    assert model.crs is not None
    assert model.crs.horizontal == srs


def test_two_reference_systems_are_told(read_text) -> None:
    content = wall(held(polygon(square(), attributes='srsName="EPSG:25833"')))
    model = read_text(city(building(content), srs="EPSG:25832"))
    assert model.crs is not None
    assert model.crs.horizontal == "EPSG:25832"
    assert told(model, "crs.several").where == "EPSG:25833"


@pytest.mark.parametrize("srs", ["#local-CRS-1", "CH1903", "EPSG:99999"])
def test_a_system_that_nobody_knows_is_told_and_not_guessed(read_text, srs: str) -> None:
    model = read_text(city(building(wall(held(polygon(square())))), srs=srs))
    assert model.crs is None
    assert told(model, "crs.unknown").where == srs


def test_the_name_of_the_model_is_its_title(read_text) -> None:
    text = city(building("")).replace(start_of(), f"{start_of()}<gml:name>Old\n town</gml:name>")
    assert read_text(text).source.title == "Old town"

"""What CityGML says beside objects and polygons: curves, points, solids, thematic surfaces, relations, looks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lxml import etree
from PIL import Image

from tests.formats.small_citygml import (
    building,
    city,
    cube,
    held,
    multi_surface,
    named,
    polygon,
    solid,
    square,
    wall,
)
from twinviewer.formats import citygml
from twinviewer.formats.soundness import check
from twinviewer.model.city_parts import GEOMETRY_TYPES, Theme, WrapMode
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel, LayerData, TerrainGrid

FACES = cube()
SQUARE = square()


@pytest.fixture
def read_file(tmp_path: Path):
    """A function that reads a text as a file with others beside it."""

    def read(text: str, beside: dict[str, str | tuple[int, int]] | None = None) -> CityModel:
        for name, content in (beside or {}).items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, str):
                file.write_text(content)
            else:
                Image.new("RGB", content).save(file)
        path = tmp_path / "city.gml"
        path.write_text(text, encoding="utf-8")
        (model,) = citygml.read(path=path, feedback=Silent())
        assert isinstance(model, CityModel)
        check(model)
        return model

    return read


def codes(model: CityModel) -> set[str]:
    return {finding.code for finding in model.diagnostics}


def attributes(model: CityModel, object_id: str) -> dict[str, Any]:
    row = model.object_ids.index(object_id)
    return {column.name: column.value(row) for column in model.attributes if column.present[row]}


def parents(model: CityModel) -> dict[str, str | None]:
    found = model.object_parent.tolist()
    return {id: model.object_ids[at] if at >= 0 else None for id, at in zip(model.object_ids, found, strict=True)}


def geometry_types(model: CityModel) -> Counter[str]:
    assert model.geometries is not None
    return Counter(GEOMETRY_TYPES[number] for number in model.geometries.type)


# --- curves and points ------------------------------------------------------------------------------------------


def test_a_terrain_intersection_is_a_curve(read_text) -> None:
    line = "<gml:LineString><gml:posList>0 0 1 10 0 2 10 10 3</gml:posList></gml:LineString>"
    curve = f"<gml:MultiCurve><gml:curveMember>{line}</gml:curveMember></gml:MultiCurve>"
    model = read_text(city(building(f"<bldg:lod2TerrainIntersection>{curve}</bldg:lod2TerrainIntersection>")))
    assert geometry_types(model) == {"MultiLineString": 1}
    assert model.vertices[model.edges].tolist() == [[[0, 0, 1], [10, 0, 2]], [[10, 0, 2], [10, 10, 3]]]
    assert (len(model.triangles), codes(model), model.lods) == (0, set(), ("2",))


def test_mass_points_are_points(read_text) -> None:
    members = "".join(
        f"<gml:pointMember><gml:Point><gml:pos>{i} {2 * i} {3 * i}</gml:pos></gml:Point></gml:pointMember>"
        for i in range(5)
    )
    points = f"<dem:reliefPoints><gml:MultiPoint>{members}</gml:MultiPoint></dem:reliefPoints>"
    model = read_text(city(f'<dem:MassPointRelief gml:id="m"><dem:lod>1</dem:lod>{points}</dem:MassPointRelief>'))
    assert model.points is not None
    assert model.vertices[model.points.vertices].tolist() == [[i, 2 * i, 3 * i] for i in range(5)]
    assert geometry_types(model) == {"MultiPoint": 1}


def test_points_of_a_building_are_drawn_and_those_in_a_file_are_named(read_text) -> None:
    cloud = (
        '<core:pointCloud><pcl:PointCloud xmlns:pcl="http://www.opengis.net/citygml/pointcloud/3.0">{}</pcl:PointCloud>'
        "</core:pointCloud>"
    )
    inside = (
        "<pcl:points><gml:MultiPoint><gml:pointMember><gml:Point><gml:pos>1 2 3</gml:pos></gml:Point></gml:pointMember>"
    )
    inside += "</gml:MultiPoint></pcl:points>"
    elsewhere = "<pcl:mimeType>application/vnd.las</pcl:mimeType><pcl:pointFile>house.laz</pcl:pointFile>"
    both = (building(cloud.format(inside), id="a"), building(cloud.format(elsewhere), id="b"))
    model = read_text(city(*both, version="3.0"))
    assert model.vertices.tolist() == [[1, 2, 3]]
    assert attributes(model, "b") == {"pointCloud.mimeType": "application/vnd.las", "pointCloud.pointFile": "house.laz"}
    (told,) = (finding for finding in model.diagnostics if finding.code == "points.other-file")
    assert told.where == "b: house.laz"


# --- solids and thematic surfaces -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_forwards", [True, False])
def test_a_wall_that_a_solid_names_is_of_the_solid(read_text, is_forwards: bool) -> None:
    walls = "".join(wall(held(polygon(face, id=f"p{i}"))) for i, face in enumerate(FACES))
    outside = f"<bldg:lod2Solid>{solid(named(*(f'p{i}' for i in range(6))))}</bldg:lod2Solid>"
    model = read_text(city(building(walls + outside if is_forwards else outside + walls)))
    assert geometry_types(model) == {"Solid": 1}
    assert model.geometries is not None
    assert (model.geometries.surface_shell.tolist(), model.geometries.shell_solid.tolist()) == ([0] * 6, [0])


def test_a_cavity_is_a_shell_of_the_same_solid(read_text) -> None:
    inner = held(*(polygon(face[::-1]) for face in cube(500_002.0, 5_600_002.0, 52.0, 3.0)))
    shell = f"<gml:interior><gml:CompositeSurface>{inner}</gml:CompositeSurface></gml:interior>"
    one = solid(held(*map(polygon, FACES))).replace("</gml:Solid>", f"{shell}</gml:Solid>")
    other = solid(held(*map(polygon, cube(600_000.0))))
    members = "".join(f"<gml:solidMember>{each}</gml:solidMember>" for each in (one, other))
    model = read_text(
        city(building(f"<bldg:lod2Solid><gml:CompositeSolid>{members}</gml:CompositeSolid></bldg:lod2Solid>"))
    )
    assert geometry_types(model) == {"CompositeSolid": 1}
    assert model.geometries is not None
    assert model.geometries.shell_solid.tolist() == [0, 0, 1]
    assert model.geometries.surface_shell.tolist() == [0] * 6 + [1] * 6 + [2] * 6


def test_a_door_is_an_opening_of_its_wall(read_text) -> None:
    shape = f"<bldg:lod3MultiSurface>{multi_surface(held(polygon(SQUARE)))}</bldg:lod3MultiSurface>"
    door = f'<bldg:opening><bldg:Door gml:id="door"><gml:name>Gate</gml:name>{shape}</bldg:Door></bldg:opening>'
    front = f'<bldg:boundedBy><bldg:WallSurface gml:id="wall">{shape}{door}</bldg:WallSurface></bldg:boundedBy>'
    thematic = read_text(city(building(front))).thematic
    assert thematic is not None
    assert (thematic.ids, thematic.parent.tolist(), thematic.object.tolist()) == (("wall", "door"), [-1, 0], [0, 0])
    assert thematic.of_surface.tolist() == [0, 1]
    assert [column.value(1) for column in thematic.attributes] == ["Gate"]


# --- relations --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_forwards", [True, False])
def test_what_a_building_only_names_is_its_part(read_text, is_forwards: bool) -> None:
    whole = building('<bldg:consistsOfBuildingPart xlink:href="#part"/>')
    part = '<bldg:BuildingPart gml:id="part"/>'
    model = read_text(city(*([whole, part] if is_forwards else [part, whole])))
    assert parents(model) == {"house": None, "part": "house"}


def test_objects_that_name_each_other_are_no_circle(read_text) -> None:
    part = '<bldg:BuildingPart gml:id="{}"><bldg:consistsOfBuildingPart xlink:href="#{}"/></bldg:BuildingPart>'
    model = read_text(city(part.format("a", "b"), part.format("b", "a")))
    assert parents(model) == {"a": None, "b": "a"}
    assert attributes(model, "b") == {"consistsOfBuildingPart": "a"}


def test_a_group_keeps_its_members_and_takes_none_away(read_text) -> None:
    group = '<grp:CityObjectGroup gml:id="g"><grp:groupMember xlink:href="#a"/><grp:groupMember xlink:href="#b"/>'
    model = read_text(city(f"{group}</grp:CityObjectGroup>", building("", id="a"), building("", id="b")))
    assert parents(model) == {"g": None, "a": None, "b": None}
    assert attributes(model, "g") == {"groupMember": "a, b"}


def test_a_time_series_is_kept_with_its_object(read_text) -> None:
    pairs = "".join(
        f"<dyn:timeValuePair><dyn:TimeValuePair><dyn:timestamp>2020-01-0{i}</dyn:timestamp>"
        f"<dyn:doubleValue>{i}.5</dyn:doubleValue></dyn:TimeValuePair></dyn:timeValuePair>"
        for i in (1, 2)
    )
    dynamizer = (
        '<core:dynamizer xmlns:dyn="http://www.opengis.net/citygml/dynamizer/3.0"><dyn:Dynamizer><dyn:attributeRef>x'
        f"</dyn:attributeRef><dyn:dynamicData><dyn:AtomicTimeseries>{pairs}</dyn:AtomicTimeseries></dyn:dynamicData>"
        "</dyn:Dynamizer></core:dynamizer>"
    )
    assert attributes(read_text(city(building(dynamizer), version="3.0")), "house") == {
        "dynamizer.attributeRef": "x",
        "dynamizer.dynamicData.timeValuePair.timestamp": "2020-01-01, 2020-01-02",
        "dynamizer.dynamicData.timeValuePair.doubleValue": "1.5, 2.5",
    }


def test_what_is_given_twice_stays_together(read_text) -> None:
    height = (
        "<con:height><con:Height><con:status>{}</con:status><con:value uom='m'>{}</con:value></con:Height></con:height>"
    )
    model = read_text(city(building(height.format("measured", 9.5) + height.format("estimated", 7)), version="3.0"))
    assert attributes(model, "house") == {
        "height.status": "measured", "height.value": 9.5, "height.2.status": "estimated", "height.2.value": 7.0,
    }  # fmt: skip


CODES = (
    '<gml:Dictionary xmlns:gml="http://www.opengis.net/gml" gml:id="d"><gml:name>usage</gml:name><gml:dictionaryEntry>'
    '<gml:Definition gml:id="a"><gml:description>Dwelling</gml:description><gml:name>411</gml:name></gml:Definition>'
    "</gml:dictionaryEntry></gml:Dictionary>"
)


@pytest.mark.parametrize(
    ("code_space", "file", "is_found"),
    [
        ("usage.xml", "usage.xml", True),
        ("lists/usage.xml", "lists/usage.xml", True),
        ("../../codelists/usage.xml", "codelists/usage.xml", True),
        ("../usage.xml", "../usage.xml", False),
        ("http://127.0.0.1:9/usage.xml", "other.xml", False),
    ],
)
def test_codes_are_explained_by_lists_beside_the_file_only(
    read_file, code_space: str, file: str, is_found: bool
) -> None:
    model = read_file(city(building(f'<bldg:usage codeSpace="{code_space}">411</bldg:usage>')), {file: CODES})
    assert attributes(model, "house") == {"usage": "411", **({"usage (name)": "Dwelling"} if is_found else {})}


# --- looks ------------------------------------------------------------------------------------------------------


def with_appearance(content: str, *data: str, theme: str = "summer", version: str = "2.0", more: str = "") -> str:
    members = "".join(f"<app:surfaceDataMember>{each}</app:surfaceDataMember>" for each in data)
    looks = f"<app:Appearance><app:theme>{theme}</app:theme>{members}</app:Appearance>"
    text = city(building(content), version=version)
    return text.replace(
        "</core:CityModel>", f"<app:appearanceMember>{looks}</app:appearanceMember>{more}</core:CityModel>"
    )


def theme_of(model: CityModel, name: str = "summer") -> Theme:
    assert model.appearance is not None
    (theme,) = (theme for theme in model.appearance.themes if theme.name == name)
    return theme


def places_by_vertex(model: CityModel) -> dict[tuple[float, ...], tuple[float, float]]:
    theme = theme_of(model)
    return {
        tuple(model.vertices[vertex].tolist()): tuple(np.round(place, 6).tolist())
        for triangle, places in zip(model.triangles, theme.coordinates, strict=True)
        for vertex, place in zip(triangle, places, strict=True)
    }


@pytest.mark.parametrize(("target", "count"), [("#p0", 1), ("#shell", 6), ("#solid", 6), ("p0", 1)])
def test_a_material_is_put_on_what_it_names(read_text, target: str, count: int) -> None:
    walls = "".join(wall(held(polygon(face, id=f"p{i}"))) for i, face in enumerate(FACES))
    inside = solid(named(*(f"p{i}" for i in range(6))))
    inside = inside.replace("<gml:Solid>", '<gml:Solid gml:id="solid">')
    inside = inside.replace("<gml:CompositeSurface>", '<gml:CompositeSurface gml:id="shell">')
    material = (
        "<app:X3DMaterial><app:diffuseColor>1 0.5 0</app:diffuseColor><app:transparency>0.25</app:transparency>"
        f"<app:target>{target}</app:target></app:X3DMaterial>"
    )
    model = read_text(with_appearance(walls + f"<bldg:lod2Solid>{inside}</bldg:lod2Solid>", material))
    assert model.appearance is not None
    (made,) = model.appearance.materials
    assert (made.diffuse, made.transparency) == ((1.0, 0.5, 0.0), 0.25)
    theme = theme_of(model)
    assert (theme.material == 0).sum() == count
    assert (theme.texture == -1).all()
    assert theme.coordinates.shape == (0, 3, 2)


PLACES = {corner: (i / 4, i / 8) for i, corner in enumerate(SQUARE)}
LIST = " ".join(f"{s} {t}" for s, t in (*PLACES.values(), (0.0, 0.0)))
WALL = wall(held(polygon(SQUARE, id="p").replace("<gml:LinearRing>", '<gml:LinearRing gml:id="r">')))
IMAGE = (
    "<app:imageURI>pictures\\wall.png</app:imageURI><app:mimeType>image/png</app:mimeType>"
    "<app:wrapMode>mirror</app:wrapMode><app:borderColor>1 0 0 0.5</app:borderColor>"
)
OF_2 = (
    f'<app:ParameterizedTexture>{IMAGE}<app:target uri="#p"><app:TexCoordList><app:textureCoordinates ring="#r">{LIST}'
    "</app:textureCoordinates></app:TexCoordList></app:target></app:ParameterizedTexture>"
)
OF_3 = (
    f"<app:ParameterizedTexture>{IMAGE}<app:textureParameterization><app:TextureAssociation><app:target>#p</app:target>"
    f"<app:textureParameterization><app:TexCoordList><app:textureCoordinates>{LIST}</app:textureCoordinates>"
    "<app:ring>#r</app:ring></app:TexCoordList></app:textureParameterization></app:TextureAssociation>"
    "</app:textureParameterization></app:ParameterizedTexture>"
)


@pytest.mark.parametrize(("texture", "version"), [(OF_2, "1.0"), (OF_2, "2.0"), (OF_3, "3.0")])
def test_a_texture_lies_where_its_coordinates_say(read_file, texture: str, version: str) -> None:
    model = read_file(with_appearance(WALL, texture, version=version), {"pictures/wall.png": (4, 4)})
    assert codes(model) == set()
    assert model.appearance is not None
    (made,) = model.appearance.textures
    assert (made.path, made.wrap, made.border_rgba) == ("pictures/wall.png", WrapMode.MIRROR, (1, 0, 0, 0.5))
    assert theme_of(model).texture.tolist() == [0]
    assert places_by_vertex(model) == PLACES


def test_a_texture_is_thrown_by_a_matrix(read_file) -> None:
    # The standard's way from the world to a picture: s = (x − 500000) / 10, t = (y − 5600000) / 10.
    matrix = "0.1 0 0 -50000 0 0.1 0 -560000 0 0 0 1"
    texture = (
        f'<app:ParameterizedTexture>{IMAGE}<app:target uri="#p"><app:TexCoordGen><app:worldToTexture>{matrix}'
        "</app:worldToTexture></app:TexCoordGen></app:target></app:ParameterizedTexture>"
    )
    model = read_file(with_appearance(WALL, texture), {"pictures/wall.png": (4, 4)})
    corners = dict(zip(SQUARE, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)], strict=True))
    assert places_by_vertex(model) == corners


@pytest.mark.parametrize("is_beside", [True, False])
def test_a_georeferenced_texture_lies_where_it_is_on_earth(read_file, is_beside: bool) -> None:
    """A picture of 20 × 20 pixels of half a metre, its upper left corner at the square's."""
    where = (
        "<app:preferWorldFile>false</app:preferWorldFile><app:referencePoint><gml:Point><gml:pos>500000.25 5600009.75"
        "</gml:pos></gml:Point></app:referencePoint><app:orientation>0.5 0 0 -0.5</app:orientation>"
    )
    placed = f"{IMAGE}{'' if is_beside else where}<app:target>#p</app:target>"
    texture = f"<app:GeoreferencedTexture>{placed}</app:GeoreferencedTexture>"
    world = {"pictures/wall.pgw": "0.5\n0\n0\n-0.5\n500000.25\n5600009.75\n"} if is_beside else {}
    model = read_file(with_appearance(WALL, texture), {"pictures/wall.png": (20, 20), **world})
    corners = dict(zip(SQUARE, [(0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0)], strict=True))
    assert places_by_vertex(model) == corners


def test_a_textured_surface_of_1_wears_its_material(read_text) -> None:
    material = "<tex:Material><tex:diffuseColor>0 1 0</tex:diffuseColor></tex:Material>"
    surface = (
        '<tex:TexturedSurface xmlns:tex="http://www.opengis.net/citygml/texturedsurface/1.0" orientation="+">'
        f"<gml:baseSurface>{polygon(SQUARE)}</gml:baseSurface><tex:appearance>{material}</tex:appearance>"
        "</tex:TexturedSurface>"
    )
    model = read_text(city(building(wall(held(surface))), version="1.0"))
    assert model.appearance is not None
    assert model.appearance.materials[0].diffuse == (0.0, 1.0, 0.0)
    assert theme_of(model, "").material.tolist() == [0]


def test_images_that_are_missing_or_elsewhere_are_told(read_file, tmp_path: Path) -> None:
    (tmp_path.parent / "secret.png").write_bytes(b"")
    outside = OF_2.replace("pictures\\wall.png", "../secret.png")
    model = read_file(with_appearance(WALL, OF_2, outside))
    told = {finding.code: finding for finding in model.diagnostics}
    assert told.keys() == {"texture.missing", "texture.outside"}
    assert (told["texture.missing"].where, told["texture.outside"].where) == ("pictures/wall.png", "../secret.png")
    assert model.appearance is not None
    assert [texture.path for texture in model.appearance.textures] == ["pictures/wall.png"]


# --- terrain in a grid ------------------------------------------------------------------------------------------

GRID = (
    '<dem:RasterRelief gml:id="grid"><dem:lod>1</dem:lod><dem:grid><gml:RectifiedGridCoverage><gml:rectifiedGridDomain>'
    '<gml:RectifiedGrid dimension="2"><gml:limits><gml:GridEnvelope><gml:low>0 0</gml:low><gml:high>2 1</gml:high>'
    "</gml:GridEnvelope></gml:limits><gml:axisName>x</gml:axisName><gml:axisName>y</gml:axisName><gml:origin>"
    "<gml:Point><gml:pos>500005 5600015</gml:pos></gml:Point></gml:origin><gml:offsetVector>10 0</gml:offsetVector>"
    "<gml:offsetVector>0 -10</gml:offsetVector></gml:RectifiedGrid></gml:rectifiedGridDomain><gml:rangeSet>"
    "<gml:DataBlock><gml:rangeParameters/><gml:tupleList>1,2,3 4,5,6</gml:tupleList></gml:DataBlock></gml:rangeSet>"
    "</gml:RectifiedGridCoverage></dem:grid></dem:RasterRelief>"
)


def test_a_grid_of_heights_is_a_layer_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "city.gml"
    path.write_text(city(GRID, building(wall(held(polygon(SQUARE))))))
    model, terrain = citygml.read(path=path, feedback=Silent())
    assert isinstance(model, CityModel)
    assert isinstance(terrain, TerrainGrid)
    check(terrain)
    assert terrain.heights.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert terrain.transform == (10, 0, 500_000, 0, -10, 5_600_020)
    assert terrain.extent is not None
    assert terrain.extent.as_tuple() == (500_000, 5_600_000, 1, 500_030, 5_600_020, 6)
    assert terrain.source.title == "grid"


# --- real files -------------------------------------------------------------------------------------------------

SURFACES = "WallSurface RoofSurface GroundSurface ClosureSurface FloorSurface CeilingSurface InteriorWallSurface"
OPENINGS = "OuterFloorSurface OuterCeilingSurface Window Door"


@pytest.mark.data
@pytest.mark.parametrize(
    "path",
    ["1.0/DenHaag_1BwBP.gml", "1.0/berlin_open_data_sample_data.citygml", "2.0/ingolstadt-lod3/4018115/4018115.xml"],
)
def test_real_thematic_surfaces_and_lines_are_those_of_the_file(city_data: Path, path: str) -> None:
    file = city_data / "citygml" / path
    (model,) = citygml.read(path=file, feedback=Silent())
    assert isinstance(model, CityModel)
    tree = etree.parse(file)
    names = f"{SURFACES} {OPENINGS}".split()
    expected = Counter({name: len([*tree.iter(f"{{*}}{name}")]) for name in names})
    assert model.thematic is not None
    assert Counter(model.surface_type_names[number] for number in model.thematic.type) == +expected
    assert model.geometries is not None
    types = np.append(model.geometries.type, -1)[model.geometries.surface_geometry]
    lines = int((types == GEOMETRY_TYPES.index("MultiLineString")).sum())
    assert lines == len([*tree.iter("{*}LineString")])


@pytest.mark.data
@pytest.mark.parametrize(
    "path",
    [
        "1.0/FZK-House-LoD3-KIT-IAI-KHH-V2.gml",
        "2.0/plateau-shinjuku/53394517_bldg_6697_2_op_CityGML2.gml",
        "3.0/53394517_bldg_6697_2_op_CityGML3.gml",
        "2.0/ingolstadt-lod3/4018198/4018198.xml",
    ],
)
def test_real_textures_are_on_the_polygons_whose_rings_they_name(city_data: Path, path: str) -> None:
    file = city_data / "citygml" / path
    (model,) = citygml.read(path=file, feedback=Silent())
    assert isinstance(model, CityModel)
    tree = etree.parse(file)
    hashed = {each.get("ring") or each.getparent().findtext("{*}ring") for each in tree.iter("{*}textureCoordinates")}
    ids = {name.strip().removeprefix("#") for name in hashed if name}
    id = next((f"{{{space}}}id" for space in ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2")
               if any(each.get(f"{{{space}}}id") for each in tree.iter("{*}LinearRing"))), "")  # fmt: skip
    polygons = {each.getparent().getparent() for each in tree.iter("{*}LinearRing") if each.get(id) in ids}
    assert model.appearance is not None
    textured = sum(int((theme.texture >= 0).sum()) for theme in model.appearance.themes)
    assert textured == len(polygons)
    assert "appearance.target-missing" not in codes(model)


def test_rings_of_lines_have_no_corner_twice(read_text) -> None:
    lines = "".join(
        f"<gml:curveMember><gml:LineString><gml:posList>{text}</gml:posList></gml:LineString></gml:curveMember>"
        for text in ("0 0 0 10 0 0 10 10 0", "10 10 0 0 10 0 0 0 0")
    )
    surface = f"<gml:Polygon><gml:exterior><gml:Ring>{lines}</gml:Ring></gml:exterior></gml:Polygon>"
    model = read_text(city(building(wall(held(surface)))))
    assert (len(model.edges), codes(model)) == (4, set())


# --- on the way -------------------------------------------------------------------------------------------------


class Onlooker(Silent):
    """Feedback of somebody who looks each time that something is offered."""

    def __init__(self) -> None:
        self.seen: list[CityModel] = []

    def preview(self, so_far: Callable[[], Sequence[LayerData]]) -> None:
        (layer,) = so_far()
        assert isinstance(layer, CityModel)
        check(layer)
        self.seen.append(layer)


def test_each_part_on_the_way_is_right_and_the_whole_is_as_if_nobody_looked(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("twinviewer.formats.citygml.elements._ENOUGH", 30)
    part = '<bldg:consistsOfBuildingPart xlink:href="#h{}"/>'
    houses = [building(wall(held(polygon(SQUARE))) + part.format(i + 1), id=f"h{i}") for i in range(12)]
    path = tmp_path / "city.gml"
    path.write_text(city(*houses))
    onlooker = Onlooker()
    (seen,) = citygml.read(path=path, feedback=onlooker)
    (unseen,) = citygml.read(path=path, feedback=Silent())
    assert isinstance(seen, CityModel)
    assert isinstance(unseen, CityModel)
    counts = [len(layer.surface_object) for layer in onlooker.seen]
    assert counts == [len(layer.object_ids) for layer in onlooker.seen]
    assert counts == sorted(set(counts))
    assert counts[0] < 12 == counts[-1]
    assert parents(seen) == parents(unseen)
    assert seen.diagnostics == unseen.diagnostics
    np.testing.assert_array_equal(seen.vertices[seen.triangles], unseen.vertices[unseen.triangles])

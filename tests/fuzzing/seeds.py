"""Small whole files that are mutated: between them they hold every construct that the readers of city models know."""

from __future__ import annotations

import gzip
import json
from typing import Any

from tests.formats.small_citygml import (
    GML,
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

X, Y, Z = 500_000.0, 5_600_000.0, 50.0


def _place(x: float, y: float, z: float) -> str:
    return f"{X + x} {Y + y} {Z + z}"


# --- CityGML ----------------------------------------------------------------------------------------------------


def _house() -> str:
    """Thematic surfaces with openings, a solid that names their polygons, parts, attributes of every kind."""
    faces = cube()
    types = ("GroundSurface", "RoofSurface", *4 * ("WallSurface",))
    walls = "".join(wall(held(polygon(face, id=f"f{i}")), type=types[i]) for i, face in enumerate(faces[:-1]))
    hole = [(X, Y + 2, Z + 2), (X, Y + 4, Z + 2), (X, Y + 4, Z + 4), (X, Y + 2, Z + 4)]
    window = (
        '<bldg:boundedBy><bldg:WallSurface gml:id="w"><gml:name>west</gml:name><bldg:lod2MultiSurface>'
        + multi_surface(held(polygon(faces[-1], hole[::-1], id="f5")))
        + '</bldg:lod2MultiSurface><bldg:opening><bldg:Window gml:id="o"><bldg:lod3MultiSurface>'
        + multi_surface(held(polygon(hole)))
        + "</bldg:lod3MultiSurface></bldg:Window></bldg:opening></bldg:WallSurface></bldg:boundedBy>"
    )
    content = (
        "<gml:description>A house</gml:description><core:creationDate>2020-02-29</core:creationDate>"
        "<core:externalReference><core:informationSystem>http://example.org</core:informationSystem>"
        "<core:externalObject><core:name>DE123</core:name></core:externalObject></core:externalReference>"
        '<gen:stringAttribute name="owner"><gen:value>Ännchen</gen:value></gen:stringAttribute>'
        '<gen:intAttribute name="flats"><gen:value>12</gen:value></gen:intAttribute>'
        '<gen:measureAttribute name="eaves"><gen:value uom="m">7.5</gen:value></gen:measureAttribute>'
        '<gen:genericAttributeSet name="energy"><gen:doubleAttribute name="demand"><gen:value>1e3</gen:value>'
        '</gen:doubleAttribute><gen:dateAttribute name="seen"><gen:value>2021-01-01</gen:value></gen:dateAttribute>'
        "</gen:genericAttributeSet>"
        '<bldg:class codeSpace="classes.xml">1000</bldg:class><bldg:function>1010</bldg:function>'
        "<bldg:function>1020</bldg:function><bldg:yearOfConstruction>1900</bldg:yearOfConstruction>"
        '<bldg:measuredHeight uom="m">10.0</bldg:measuredHeight>'
        + walls
        + window
        + f"<bldg:lod2Solid>{solid(named(*(f'f{i}' for i in range(6))))}</bldg:lod2Solid>"
        + "<bldg:lod2TerrainIntersection><gml:MultiCurve><gml:curveMember><gml:LineString><gml:posList>"
        + f"{_place(0, 0, 0)} {_place(10, 0, 0)} {_place(10, 10, 0)}</gml:posList></gml:LineString></gml:curveMember>"
        + "</gml:MultiCurve></bldg:lod2TerrainIntersection>"
        + '<bldg:consistsOfBuildingPart><bldg:BuildingPart gml:id="part"><bldg:lod1Solid>'
        + solid(held(*map(polygon, cube(X + 20))))
        + "</bldg:lod1Solid></bldg:BuildingPart></bldg:consistsOfBuildingPart>"
        + "<bldg:address><core:Address><core:xalAddress><xAL:AddressDetails><xAL:Locality Type='Town'>"
        + "<xAL:LocalityName>Bonn</xAL:LocalityName></xAL:Locality></xAL:AddressDetails></core:xalAddress>"
        + "</core:Address></bldg:address>"
    )
    return city(building(content))


def _look() -> str:
    """Materials, textures with coordinates and by georeference, two themes, members before and after their city."""
    walls = wall(held(*(polygon(face, id=f"p{i}") for i, face in enumerate(cube()))))
    rings = "".join(
        f'<app:textureCoordinates ring="#r{i}">0 0 1 0 1 1 0 1 0 0</app:textureCoordinates>' for i in (0, 1)
    )
    textured = building(wall(held(_ringed(0), _ringed(1, X + 20))), id="textured")
    summer = (
        "<app:appearanceMember><app:Appearance><app:theme>summer</app:theme><app:surfaceDataMember>"
        '<app:X3DMaterial gml:id="m"><app:ambientIntensity>0.3</app:ambientIntensity>'
        "<app:diffuseColor>0.5 0.4 1.0</app:diffuseColor><app:shininess>0.1</app:shininess>"
        "<app:transparency>0.25</app:transparency><app:isSmooth>true</app:isSmooth>"
        "<app:target>#p0</app:target><app:target>#p1</app:target></app:X3DMaterial></app:surfaceDataMember>"
        "<app:surfaceDataMember><app:ParameterizedTexture><app:imageURI>a/b.png</app:imageURI>"
        "<app:mimeType>image/png</app:mimeType><app:textureType>specific</app:textureType>"
        "<app:wrapMode>mirror</app:wrapMode><app:borderColor>0 0 0 1</app:borderColor>"
        f'<app:target uri="#t0"><app:TexCoordList>{rings}</app:TexCoordList></app:target>'
        '<app:target uri="#t1"><app:TexCoordGen><app:worldToTexture>1 0 0 0 0 1 0 0 0 0 0 1</app:worldToTexture>'
        "</app:TexCoordGen></app:target></app:ParameterizedTexture></app:surfaceDataMember></app:Appearance>"
        "</app:appearanceMember>"
    )
    winter = (
        "<app:appearanceMember><app:Appearance><app:theme>winter</app:theme><app:surfaceDataMember>"
        "<app:GeoreferencedTexture><app:imageURI>ortho.jpg</app:imageURI><app:preferWorldFile>false"
        f"</app:preferWorldFile><app:referencePoint><gml:Point><gml:pos>{X} {Y}</gml:pos></gml:Point>"
        "</app:referencePoint><app:orientation>0.1 0 0 -0.1</app:orientation><app:target>#p2</app:target>"
        '</app:GeoreferencedTexture></app:surfaceDataMember><app:surfaceDataMember xlink:href="#m"/>'
        "</app:Appearance></app:appearanceMember>"
    )
    members = "".join(f"<core:cityObjectMember>{each}</core:cityObjectMember>" for each in (building(walls), textured))
    return f"{start_of()}{envelope('EPSG:25832')}{summer}{members}{winter}</core:CityModel>"


def _ringed(number: int, x: float = X) -> str:
    points = " ".join(_place(px + x - X, py, 9) for px, py in ((0, 0), (5, 0), (5, 5), (0, 5), (0, 0)))
    return (
        f'<gml:Polygon gml:id="t{number}"><gml:exterior><gml:LinearRing gml:id="r{number}"><gml:posList '
        f'srsDimension="3" count="5">{points}</gml:posList></gml:LinearRing></gml:exterior></gml:Polygon>'
    )


def _shapes() -> str:
    """Implicit geometries: one given in place, one that names it, one of another file; an object group."""
    matrix = "2 0 0 0 0 2 0 0 0 0 2 0 0 0 0 1"

    def tree(number: int, geometry: str) -> str:
        return (
            f'<veg:SolitaryVegetationObject gml:id="tree{number}"><veg:height uom="m">7</veg:height>'
            "<veg:lod2ImplicitRepresentation><core:ImplicitGeometry><core:transformationMatrix>"
            f"{matrix}</core:transformationMatrix>{geometry}<core:referencePoint><gml:Point><gml:pos>"
            f"{_place(10.0 * number, 0, 0)}</gml:pos></gml:Point></core:referencePoint></core:ImplicitGeometry>"
            "</veg:lod2ImplicitRepresentation></veg:SolitaryVegetationObject>"
        )

    crown = multi_surface(held(*(polygon(face) for face in cube(0.0, 0.0, 0.0, 1.0))), id="crown")
    group = (
        '<grp:CityObjectGroup gml:id="group"><grp:class>alley</grp:class><grp:groupMember xlink:href="#tree0"/>'
        '<grp:groupMember role="x" xlink:href="#tree1"/><grp:parent xlink:href="#nobody"/></grp:CityObjectGroup>'
    )
    return city(
        tree(1, '<core:relativeGMLGeometry xlink:href="#crown"/>'),
        tree(0, f"<core:relativeGMLGeometry>{crown}</core:relativeGMLGeometry>"),
        tree(2, "<core:mimeType>model/gltf</core:mimeType><core:libraryObject>tree.glb</core:libraryObject>"),
        group,
        srs="urn:ogc:def:crs,crs:EPSG::25832,crs:EPSG::5783",
    )


def _ground() -> str:
    """Relief of every kind, water, roads, land use, in spellings of rings that are seldom used."""
    corners = [(X, Y, Z), (X + 9, Y, Z + 1), (X, Y + 9, Z + 2)]
    tin = "".join(
        f"<gml:Triangle><gml:exterior>{ring(points)}</gml:exterior></gml:Triangle>"
        for points in (corners, [corners[1], (X + 9, Y + 9, Z), corners[2]])
    )
    positions = [f"<gml:pos>{_place(x, x, 0)}</gml:pos>" for x in (1, 2, 3)]
    control = "".join(positions)
    parts = (
        f"<dem:TINRelief gml:id='tin'><dem:lod>2</dem:lod><dem:tin><gml:TriangulatedSurface><gml:trianglePatches>{tin}"
        "</gml:trianglePatches></gml:TriangulatedSurface></dem:tin></dem:TINRelief>",
        f"<dem:TINRelief><dem:lod>1</dem:lod><dem:tin><gml:Tin><gml:maxLength uom='m'>9</gml:maxLength>"
        f"<gml:controlPoint><gml:posList>{_place(0, 0, 0)} {_place(5, 0, 1)} {_place(0, 5, 2)}</gml:posList>"
        "</gml:controlPoint></gml:Tin></dem:tin></dem:TINRelief>",
        "<dem:MassPointRelief><dem:lod>1</dem:lod><dem:reliefPoints><gml:MultiPoint>"
        + "".join(f"<gml:pointMember><gml:Point>{pos}</gml:Point></gml:pointMember>" for pos in positions)
        + "</gml:MultiPoint></dem:reliefPoints></dem:MassPointRelief>",
        "<dem:BreaklineRelief><dem:lod>1</dem:lod><dem:breaklines><gml:MultiCurve><gml:curveMember><gml:Curve>"
        f"<gml:segments><gml:LineStringSegment>{control}</gml:LineStringSegment></gml:segments></gml:Curve>"
        "</gml:curveMember></gml:MultiCurve></dem:breaklines></dem:BreaklineRelief>",
        "<dem:RasterRelief><dem:lod>1</dem:lod><dem:grid><gml:RectifiedGridCoverage><gml:rectifiedGridDomain>"
        "<gml:RectifiedGrid dimension='2'><gml:limits><gml:GridEnvelope><gml:low>0 0</gml:low><gml:high>2 2</gml:high>"
        f"</gml:GridEnvelope></gml:limits><gml:origin><gml:Point><gml:pos>{X} {Y}</gml:pos></gml:Point></gml:origin>"
        "<gml:offsetVector>1 0</gml:offsetVector><gml:offsetVector>0 1</gml:offsetVector></gml:RectifiedGrid>"
        "</gml:rectifiedGridDomain><gml:rangeSet><gml:DataBlock><gml:tupleList>1 2 3 4 5 6 7 8 9</gml:tupleList>"
        "</gml:DataBlock></gml:rangeSet></gml:RectifiedGridCoverage></dem:grid></dem:RasterRelief>",
    )
    relief = "<dem:ReliefFeature gml:id='relief'><dem:lod>2</dem:lod>" + "".join(
        f"<dem:reliefComponent>{part}</dem:reliefComponent>" for part in parts
    )
    coordinates = " ".join(f"{X + x},{Y + y},{Z}" for x, y in ((0, 0), (4, 0), (4, 4), (0, 0)))
    road = (
        "<tran:Road gml:id='road'><tran:trafficArea><tran:TrafficArea><tran:lod2MultiSurface><gml:MultiSurface>"
        "<gml:surfaceMember><gml:Polygon><gml:outerBoundaryIs><gml:LinearRing><gml:coordinates>"
        f"{coordinates}</gml:coordinates></gml:LinearRing></gml:outerBoundaryIs></gml:Polygon></gml:surfaceMember>"
        "<gml:surfaceMember><gml:Surface><gml:patches><gml:PolygonPatch><gml:exterior>"
        f"{ring(square(X + 30))}</gml:exterior></gml:PolygonPatch><gml:Rectangle><gml:exterior>{ring(square(X + 50))}"
        "</gml:exterior></gml:Rectangle></gml:patches></gml:Surface></gml:surfaceMember>"
        f"</gml:MultiSurface></tran:lod2MultiSurface></tran:TrafficArea></tran:trafficArea><tran:lod0Network>"
        f"<gml:CompositeCurve><gml:curveMember><gml:LineString>{control}</gml:LineString></gml:curveMember>"
        "</gml:CompositeCurve></tran:lod0Network></tran:Road>"
    )
    water = (
        "<wtr:WaterBody gml:id='lake'><wtr:boundedBy><wtr:WaterSurface><wtr:lod2Surface><gml:OrientableSurface "
        f"orientation='-'><gml:baseSurface>{polygon(square(X + 70), square(X + 73, side=3.0), id='lake-s')}"
        "</gml:baseSurface></gml:OrientableSurface></wtr:lod2Surface></wtr:WaterSurface></wtr:boundedBy>"
        "<wtr:lod2Solid><gml:CompositeSolid><gml:solidMember>"
        f"{solid(held(*map(polygon, cube(X + 90))))}</gml:solidMember></gml:CompositeSolid></wtr:lod2Solid>"
        "</wtr:WaterBody>"
    )
    generic = (
        "<gen:GenericCityObject gml:id='any'><gen:lod1Geometry srsName='EPSG:25832'><gml:MultiGeometry>"
        f"<gml:geometryMember>{polygon(square(X + 120))}</gml:geometryMember><gml:geometryMembers>"
        f"<gml:Point><gml:coord><gml:X>{X}</gml:X><gml:Y>{Y}</gml:Y></gml:coord></gml:Point></gml:geometryMembers>"
        "</gml:MultiGeometry></gen:lod1Geometry></gen:GenericCityObject>"
    )
    return city(relief + "</dem:ReliefFeature>", road, water, generic, version="1.0", srs="EPSG:25832")


def _spaces() -> str:
    """CityGML 3.0: spaces that name the solids of others, storeys, units, traffic spaces, a dynamizer, versions."""
    core = "".join(f"<gml:surfaceMember xlink:href='#s{i}'/>" for i in range(6))
    surfaces = "".join(
        f"<core:boundary><con:{kind} gml:id='b{i}'><core:lod2MultiSurface>"
        f"{multi_surface(held(polygon(face, id=f's{i}')))}</core:lod2MultiSurface></con:{kind}></core:boundary>"
        for i, (face, kind) in enumerate(
            zip(cube(), ("GroundSurface", "RoofSurface", *4 * ("WallSurface",)), strict=True)
        )
    )
    house = (
        "<bldg:Building gml:id='b'><core:validFrom>2020-01-01T00:00:00</core:validFrom><core:genericAttribute>"
        "<gen:StringAttribute><gen:name>owner</gen:name><gen:value>A &amp; B</gen:value></gen:StringAttribute>"
        f"</core:genericAttribute>{surfaces}<core:lod2Solid><gml:Solid><gml:exterior><gml:Shell>{core}</gml:Shell>"
        "</gml:exterior></gml:Solid></core:lod2Solid><core:dynamizer><dyn:Dynamizer gml:id='dynamizer'>"
        "<dyn:attributeRef>//bldg:Building/@x</dyn:attributeRef><dyn:dynamicData><dyn:GenericTimeseries>"
        "<dyn:firstTimestamp>2020-01-01T00:00:00Z</dyn:firstTimestamp><dyn:valueType>double</dyn:valueType>"
        "<dyn:timeValuePair><dyn:TimeValuePair><dyn:timestamp>2020-01-01T00:00:00Z</dyn:timestamp>"
        "<dyn:doubleValue>1.5</dyn:doubleValue></dyn:TimeValuePair></dyn:timeValuePair></dyn:GenericTimeseries>"
        "</dyn:dynamicData></dyn:Dynamizer></core:dynamizer><con:height><con:Height><con:value uom='m'>9</con:value>"
        "</con:Height></con:height><bldg:buildingSubdivision><bldg:Storey gml:id='st'><core:lod1Solid "
        "xlink:href='#room-solid'/><bldg:buildingRoom xlink:href='#room'/></bldg:Storey></bldg:buildingSubdivision>"
        "<bldg:buildingRoom><bldg:BuildingRoom gml:id='room'><core:lod1Solid>"
        + solid(held(*map(polygon, cube(X + 1, side=3.0)))).replace("<gml:Solid>", "<gml:Solid gml:id='room-solid'>")
        + "</core:lod1Solid></bldg:BuildingRoom></bldg:buildingRoom></bldg:Building>"
    )
    lane = multi_surface(held(polygon(square(X + 40))))
    road = (
        "<tran:Road gml:id='r'><tran:section><tran:Section><tran:trafficSpace><tran:TrafficSpace><core:boundary>"
        f"<tran:TrafficArea><core:lod2MultiSurface>{lane}</core:lod2MultiSurface>"
        "</tran:TrafficArea></core:boundary><core:lod2MultiCurve><gml:MultiCurve><gml:curveMember><gml:LineString>"
        f"<gml:posList>{_place(0, 0, 0)} {_place(1, 1, 1)}</gml:posList></gml:LineString></gml:curveMember>"
        "</gml:MultiCurve></core:lod2MultiCurve></tran:TrafficSpace></tran:trafficSpace></tran:Section></tran:section>"
        "</tran:Road>"
    )
    version = (
        "<core:versionMember><vers:Version gml:id='v'><vers:versionMember xlink:href='#b'/></vers:Version>"
        "</core:versionMember>"
    )
    more = " ".join(
        f'xmlns:{prefix}="http://www.opengis.net/citygml/{module}/3.0"'
        for prefix, module in (("dyn", "dynamizer"), ("vers", "versioning"), ("pcl", "pointcloud"))
    )
    cloud = (
        "<bldg:Building gml:id='cloud'><core:pointCloud><pcl:PointCloud><pcl:points><gml:MultiPoint><gml:pointMember>"
        f"<gml:Point><gml:pos>{_place(1, 2, 3)}</gml:pos></gml:Point></gml:pointMember></gml:MultiPoint></pcl:points>"
        "</pcl:PointCloud></core:pointCloud></bldg:Building>"
    )
    members = "".join(f"<core:cityObjectMember>{each}</core:cityObjectMember>\n" for each in (house, road, cloud))
    head = start_of("3.0", more=more)
    return f"{head}{envelope('http://www.opengis.net/def/crs/EPSG/0/25832')}{members}{version}</core:CityModel>"


def _far_east() -> str:
    """Degrees with latitude first, default namespaces, an extension, UTF-8 names."""
    corners = ((35.0, 139.0), (35.0, 139.001), (35.001, 139.001), (35.001, 139.0), (35.0, 139.0))
    numbers = " ".join(f"{lat} {lon} 3.5" for lat, lon in corners)
    return (
        '<CityModel xmlns="http://www.opengis.net/citygml/2.0" xmlns:b="http://www.opengis.net/citygml/building/2.0" '
        f'xmlns:g="{GML["2.0"]}" xmlns:uro="https://www.geospatial.jp/iur/uro/2.0"><g:boundedBy><g:Envelope '
        'srsName="http://www.opengis.net/def/crs/EPSG/0/6697" srsDimension="3"/></g:boundedBy><cityObjectMember>'
        '<b:Building g:id="建物"><b:lod1Solid><g:Solid><g:exterior><g:CompositeSurface><g:surfaceMember><g:Polygon>'
        f"<g:exterior><g:LinearRing><g:posList>{numbers}</g:posList></g:LinearRing></g:exterior></g:Polygon>"
        "</g:surfaceMember></g:CompositeSurface></g:exterior></g:Solid></b:lod1Solid><uro:buildingDetails>"
        "<uro:BuildingDetails><uro:prefecture>東京都</uro:prefecture><uro:area uom='m2'>12.5</uro:area>"
        "</uro:BuildingDetails></uro:buildingDetails></b:Building></cityObjectMember></CityModel>"
    )


CITYGML: tuple[bytes, ...] = (
    *(text.encode() for text in (_house(), _look(), _shapes(), _ground(), _spaces(), _far_east())),
    _house().rstrip().encode("utf-16"),
    b'<?xml version="1.0" encoding="iso-8859-1"?>' + _house().encode("iso-8859-1"),
)


# --- CityJSON ---------------------------------------------------------------------------------------------------

_CORNERS = [[x, y, z] for z in (0, 10_000) for x, y in ((0, 0), (10_000, 0), (10_000, 10_000), (0, 10_000))]
_FACES = [[3, 2, 1, 0], [4, 5, 6, 7], [0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7, 6], [3, 0, 4, 7]]
_SHELL = [[face] for face in _FACES]
_TRANSFORM = {"scale": [0.001, 0.001, 0.001], "translate": [X, Y, Z]}


def _city_objects() -> dict[str, Any]:
    roofs = {
        "surfaces": [{"type": "RoofSurface", "slope": 3.5}, {"type": "WallSurface", "children": [2]},
                     {"type": "Window", "parent": 1}],
        "values": [[None, 0, 1, 1, 1, 2]],
    }  # fmt: skip
    texture = [[[[0, 0, 1, 2, 3]]] if i < 2 else [[[None]]] for i in range(6)]
    one_shell: dict[str, Any] = {
        "type": "Solid",
        "lod": "2.2",
        "boundaries": [_SHELL],
        "semantics": roofs,
        "material": {"summer": {"values": [[0, 1, None, 0, 0, 0]]}, "winter": {"value": 1}},
        "texture": {"summer": {"values": [[each[0] for each in texture]]}},
    }
    flat = [{"type": kind, "lod": "1", "boundaries": _SHELL} for kind in ("MultiSurface", "CompositeSurface")]
    solids = [
        {"type": kind, "lod": "1.2", "boundaries": [[_SHELL], [_SHELL]]} for kind in ("MultiSolid", "CompositeSolid")
    ]
    thin = [
        {"type": "MultiPoint", "lod": "0", "boundaries": [0, 1, 2]},
        {"type": "MultiLineString", "lod": "0", "boundaries": [[0, 1, 2], [4, 5]]},
    ]
    holed = {"type": "MultiSurface", "lod": "3", "boundaries": [[[0, 1, 2, 3], [8, 9, 10, 11]]],
             "semantics": {"surfaces": [{"type": "GroundSurface"}], "values": [0]}}  # fmt: skip
    instance = {
        "type": "GeometryInstance",
        "template": 0,
        "boundaries": [4],
        "transformationMatrix": [2.0, 0, 0, 0, 0, 2.0, 0, 0, 0, 0, 2.0, 0, 0, 0, 0, 1],
    }
    return {
        "house": {
            "type": "Building",
            "attributes": {"owner": "Ännchen", "flats": 12, "eaves": 7.5, "listed": True, "built": "1900-01-01",
                           "nested": {"a": [1, 2], "b": None}},
            "geographicalExtent": [X, Y, Z, X + 10, Y + 10, Z + 10],
            "children": ["part"],
            "geometry": [one_shell, *flat],
        },
        "part": {"type": "BuildingPart", "parents": ["house"], "geometry": solids},
        "tree": {"type": "SolitaryVegetationObject", "geometry": [instance]},
        "road": {"type": "Road", "geometry": [*thin, holed]},
        "noise": {"type": "+NoiseBuilding", "+noise": {"night": 45.5}, "geometry": []},
        "group": {"type": "CityObjectGroup", "children": ["house", "tree"], "geometry": None},
    }  # fmt: skip


def _document(version: str) -> dict[str, Any]:
    template = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2]], [[0, 2, 3]]]}
    document: dict[str, Any] = {
        "type": "CityJSON",
        "version": version,
        "extensions": {"Noise": {"url": "https://example.org/noise.json", "version": "1.0"}},
        "metadata": {
            "referenceSystem": "https://www.opengis.net/def/crs/EPSG/0/25832",
            "geographicalExtent": [X, Y, Z, X + 10, Y + 10, Z + 10],
            "title": "Town",
            "pointOfContact": {"contactName": "Somebody", "emailAddress": "a@example.org"},
        },
        "transform": _TRANSFORM,
        "appearance": {
            "default-theme-texture": "summer",
            "materials": [{"name": "red", "diffuseColor": [0.9, 0.1, 0.1], "transparency": 0.5, "isSmooth": False},
                          {"name": "white", "ambientIntensity": 0.2, "shininess": 0.3}],
            "textures": [{"type": "PNG", "image": "a/b.png", "wrapMode": "wrap", "textureType": "specific",
                          "borderColor": [0, 0, 0, 1]}],
            "vertices-texture": [[0.0, 0.0], [1.0, 0.0], [1.0, 1.0], [0.0, 1.0]],
        },
        "geometry-templates": {
            "templates": [template],
            "vertices-templates": [[0, 0, 0], [1, 0, 0], [1, 1, 2], [0, 1, 2]],
        },
        "CityObjects": _city_objects(),
        "vertices": [*_CORNERS, [2000, 2000, 0], [2000, 4000, 0], [4000, 4000, 0], [4000, 2000, 0]],
    }  # fmt: skip
    if version == "1.0":
        del document["transform"]
        document["metadata"]["referenceSystem"] = "urn:ogc:def:crs:EPSG::25832"
        document["vertices"] = [[x / 1000 + X, y / 1000 + Y, z / 1000 + Z] for x, y, z in document["vertices"]]
        for each in document["CityObjects"].values():
            for geometry in each["geometry"] or ():
                if "lod" in geometry:
                    geometry["lod"] = float(geometry["lod"])
    return document


def _sequence() -> list[dict[str, Any]]:
    """The head and a feature for each of the objects at the top."""
    whole = _document("2.0")
    objects = whole["CityObjects"]
    features = [
        {
            "type": "CityJSONFeature",
            "id": top,
            "CityObjects": {name: objects[name] for name in names},
            "vertices": whole["vertices"],
            "appearance": whole["appearance"],
        }
        for top, names in (("house", ("house", "part")), ("tree", ("tree",)), ("road", ("road",)))
    ]
    return [{**whole, "CityObjects": {}, "vertices": []}, *features]


CITYJSON: tuple[tuple[Any, ...], ...] = (
    (_document("2.0"),),
    (_document("1.1"),),
    (_document("1.0"),),
    tuple(_sequence()),
)
"""As values: a document alone, or the lines of a sequence."""


def as_text(lines: tuple[Any, ...]) -> bytes:
    """Return the file that holds the values."""
    return b"\n".join(json.dumps(line, ensure_ascii=False).encode("utf-8", "surrogatepass") for line in lines) + b"\n"


def packed(content: bytes) -> bytes:
    """Return the content as gzip, the same bytes every time."""
    return gzip.compress(content, 1, mtime=0)

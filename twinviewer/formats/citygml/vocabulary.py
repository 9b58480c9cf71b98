"""What the names in a CityGML file mean: which elements are city objects, boundaries, geometries, attributes.

In GML properties and objects alternate: an object's children are its properties, a property's children are objects.
The same words are used in CityGML 1.0, 2.0 and 3.0 wherever they mean the same; namespaces say which one it is.
Application domain extensions (ADE) are understood as far as their names follow these habits.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum, auto
from functools import lru_cache

from twinviewer.model.attributes import AttributeType

CITYGML = "http://www.opengis.net/citygml/"
GML = ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2")
HREF = "{http://www.w3.org/1999/xlink}href"
IDS = tuple(f"{{{namespace}}}id" for namespace in GML)

_CITY_OBJECT_NAMES = """
    Building BuildingPart BuildingInstallation IntBuildingInstallation BuildingFurniture Room
    BuildingRoom BuildingConstructiveElement BuildingUnit Storey OtherConstruction
    Bridge BridgePart BridgeInstallation IntBridgeInstallation BridgeConstructionElement BridgeFurniture BridgeRoom
    BridgeConstructiveElement
    Tunnel TunnelPart TunnelInstallation IntTunnelInstallation TunnelFurniture HollowSpace TunnelConstructiveElement
    TransportationComplex Road Railway Track Square Waterway TrafficArea AuxiliaryTrafficArea
    TrafficSpace AuxiliaryTrafficSpace ClearanceSpace Section Intersection Hole
    SolitaryVegetationObject PlantCover CityFurniture LandUse WaterBody CityObjectGroup
    GenericCityObject GenericLogicalSpace GenericOccupiedSpace GenericUnoccupiedSpace
    ReliefFeature TINRelief MassPointRelief BreaklineRelief RasterRelief
"""
_CITY_OBJECTS = frozenset(_CITY_OBJECT_NAMES.split())
_OPENINGS = frozenset({"Window", "Door"})
_BOUNDARIES_OF_3 = frozenset({"TrafficArea", "AuxiliaryTrafficArea", "Marking"})
"""City objects in CityGML 2.0, thematic surfaces in 3.0."""
_GEOMETRY_PROPERTIES = frozenset(
    {
        "tin",
        "ridgeOrValleyLines",
        "breaklines",
        "reliefPoints",
        "geometry",
        "clippingPolygon",
        "pointGeometry",
        "points",
    }
)
"""Properties of CityGML that hold, or name, a geometry and do not say of which level of detail."""
SURFACE_DATA = frozenset({"X3DMaterial", "ParameterizedTexture", "GeoreferencedTexture"})

_POLYGONS = frozenset({"Polygon", "Triangle", "Rectangle", "PolygonPatch"})
_AGGREGATE_NAMES = """
    MultiSurface CompositeSurface Surface PolyhedralSurface TriangulatedSurface Tin Shell
    Solid MultiSolid CompositeSolid MultiGeometry GeometricComplex
    MultiCurve CompositeCurve OrientableCurve MultiLineString MultiPolygon
"""
_MEANINGS_IN_GML = {
    "OrientableSurface": "ORIENTABLE",
    "LineString": "LINE",
    "Curve": "LINE",
    "MultiPoint": "POINTS",
    "Point": "POINTS",
    "exterior": "SIDE",
    "interior": "SIDE",
    "outerBoundaryIs": "SIDE",
    "innerBoundaryIs": "SIDE",
    "posList": "POSITIONS",
    "pos": "POSITIONS",
    "coordinates": "TUPLES",
    "coord": "TUPLES",
    "controlPoint": "CONTROL",
    "Envelope": "ENVELOPE",
    "metaDataProperty": "IGNORED",
    **dict.fromkeys(_POLYGONS, "POLYGON"),
    **dict.fromkeys(_AGGREGATE_NAMES.split(), "AGGREGATE"),
}
HOLES = frozenset({"interior", "innerBoundaryIs"})
GEOMETRY_TYPES = {
    "Solid": "Solid",
    "MultiSolid": "MultiSolid",
    "CompositeSolid": "CompositeSolid",
    "MultiCurve": "MultiLineString",
    "CompositeCurve": "MultiLineString",
    "OrientableCurve": "MultiLineString",
    "MultiLineString": "MultiLineString",
    "LineString": "MultiLineString",
    "Curve": "MultiLineString",
    "MultiPoint": "MultiPoint",
    "Point": "MultiPoint",
    "CompositeSurface": "CompositeSurface",
    "Surface": "CompositeSurface",
    "PolyhedralSurface": "CompositeSurface",
    "TriangulatedSurface": "CompositeSurface",
    "Tin": "CompositeSurface",
}
"""Geometries of GML by CityJSON's names; what is not among them is a ``MultiSurface``."""

_TYPES = {
    "measuredHeight": AttributeType.DOUBLE,
    "height": AttributeType.DOUBLE,
    "averageHeight": AttributeType.DOUBLE,
    "trunkDiameter": AttributeType.DOUBLE,
    "crownDiameter": AttributeType.DOUBLE,
    "rootBallDiameter": AttributeType.DOUBLE,
    "maxRootBallDepth": AttributeType.DOUBLE,
    "yearOfConstruction": AttributeType.INTEGER,
    "yearOfDemolition": AttributeType.INTEGER,
    "storeysAboveGround": AttributeType.INTEGER,
    "storeysBelowGround": AttributeType.INTEGER,
    "isMovable": AttributeType.BOOLEAN,
    "isStructuralElement": AttributeType.BOOLEAN,
    "creationDate": AttributeType.DATE,
    "terminationDate": AttributeType.DATE,
    "validFrom": AttributeType.DATE,
    "validTo": AttributeType.DATE,
    "dateOfConstruction": AttributeType.DATE,
    "dateOfDemolition": AttributeType.DATE,
}
_GENERIC_TYPES = {
    "string": AttributeType.STRING,
    "int": AttributeType.INTEGER,
    "double": AttributeType.DOUBLE,
    "date": AttributeType.DATE,
    "uri": AttributeType.STRING,
    "measure": AttributeType.DOUBLE,
    "code": AttributeType.STRING,
}
_LOD_PROPERTY = re.compile(r"lod([0-4](?:[._][0-9])?)(?=[A-Z])")


class Meaning(IntEnum):
    """What an element is to the reader."""

    CITY_OBJECT = 0
    BOUNDARY = auto()
    """A thematic surface or an opening: its polygons are of that type and of the object around it."""
    POLYGON = auto()
    ORIENTABLE = auto()
    AGGREGATE = auto()
    """Of surfaces, solids or curves."""
    LINE = auto()
    POINTS = auto()
    SIDE = auto()
    """What holds a ring of a polygon, or the shell of a solid."""
    CONTROL = auto()
    """Points that a terrain goes through."""
    POSITIONS = auto()
    """Coordinates, separated by blanks."""
    TUPLES = auto()
    """Coordinates as GML 2 writes them."""
    IMPLICIT = auto()
    SHAPE = auto()
    """What holds the geometry of an implicit geometry."""
    GRID = auto()
    """Heights of a terrain in rows and columns."""
    ENVELOPE = auto()
    GENERIC = auto()
    GENERIC_SET = auto()
    ADDRESS = auto()
    LOD_GEOMETRY = auto()
    """A property that holds a geometry, of the level of detail ``text`` where it says so."""
    LOD = auto()
    """A property whose text is the level of detail of its object."""
    APPEARANCE = auto()
    """Materials and textures, or what holds them."""
    IGNORED = auto()
    DATA = auto()
    """Anything else: a data type, or something of an extension."""
    PROPERTY = auto()
    """Anything else that begins with a small letter, as GML has it of properties."""
    THING = auto()
    """An element of an extension that is a city object, as what is in it shows; no name says that."""


@dataclass(frozen=True, slots=True)
class Word:
    """An element's name, understood."""

    meaning: Meaning
    local: str
    """Without namespace."""
    text: str = ""
    """See :class:`Meaning`."""
    type: AttributeType = AttributeType.STRING
    """Of the value, where it is an attribute."""
    is_foreign: bool = False
    """Neither of CityGML nor of GML: of an ADE."""


def split(tag: object) -> tuple[str, str]:
    """Return namespace and local name; of a prefix that the file does not declare, the prefix is the namespace."""
    namespace, brace, local = str(tag).rpartition("}")
    if brace:
        return namespace[1:], local
    prefix, _, local = str(tag).rpartition(":")
    return prefix, local


@lru_cache(maxsize=4096)
def understood(tag: str) -> Word:
    """Return what an element of that name means."""
    namespace, local = split(tag)
    if namespace in GML:
        return Word(_meaning_in_gml(local), local)
    if not namespace.startswith(CITYGML):
        return _foreign(local)
    module = namespace.removeprefix(CITYGML).split("/")[0]
    if module == "relief" and local == "extent":
        return Word(Meaning.IGNORED, local)
    if module == "appearance" or local == "appearance":
        return Word(Meaning.APPEARANCE, local)
    if local == "TexturedSurface":
        return Word(Meaning.ORIENTABLE, local)
    if local == "ImplicitGeometry":
        return Word(Meaning.IMPLICIT, local)
    if local in ("relativeGMLGeometry", "relativeGeometry"):
        return Word(Meaning.SHAPE, local)
    if local == "Address":
        return Word(Meaning.ADDRESS, local)
    if _is_boundary(namespace, local):
        return Word(Meaning.BOUNDARY, local)
    if local in _CITY_OBJECTS:
        return Word(Meaning.CITY_OBJECT, local)
    if module == "relief" and local == "lod":
        return Word(Meaning.LOD, local)
    # genericAttribute is the property of 3.0 that holds one, where the elements of 2.0 are properties themselves
    if module == "generics" and local != "genericAttribute" and local.lower().endswith(("attribute", "attributeset")):
        kind = local[0].lower() + local[1:].removesuffix("Set").removesuffix("Attribute")
        meaning = Meaning.GENERIC_SET if local.endswith("Set") else Meaning.GENERIC
        return Word(meaning, local, type=_GENERIC_TYPES.get(kind, AttributeType.STRING))
    if match := _LOD_PROPERTY.match(local):
        return Word(Meaning.LOD_GEOMETRY, local, match.group(1).replace("_", "."))
    if local in _GEOMETRY_PROPERTIES:
        return Word(Meaning.LOD_GEOMETRY, local)
    return Word(_data(local), local, type=_TYPES.get(local, AttributeType.STRING))


def _data(local: str) -> Meaning:
    return Meaning.DATA if local[:1].isupper() else Meaning.PROPERTY


def _meaning_in_gml(local: str) -> Meaning:
    if name := _MEANINGS_IN_GML.get(local):
        return Meaning[name]
    return Meaning.GRID if local.endswith("Coverage") else _data(local)


def _is_boundary(namespace: str, local: str) -> bool:
    if (local[0].isupper() and local.endswith("Surface")) or local in _OPENINGS:
        return True
    return local in _BOUNDARIES_OF_3 and namespace.endswith("/3.0")


def _foreign(local: str) -> Word:
    if local[:1].isupper() and local.endswith("Surface"):
        return Word(Meaning.BOUNDARY, local, is_foreign=True)
    if match := _LOD_PROPERTY.match(local):
        return Word(Meaning.LOD_GEOMETRY, local, match.group(1).replace("_", "."), is_foreign=True)
    return Word(_data(local), local, is_foreign=True)

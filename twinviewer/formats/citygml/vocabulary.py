"""What the names in a CityGML file mean: which elements are city objects, boundaries, geometries, attributes.

In GML properties and objects alternate: an object's children are its properties, a property's children are objects.
The same words are used in CityGML 1.0, 2.0 and 3.0 wherever they mean the same; namespaces say which one it is.
Application domain extensions (ADE) are understood as far as their names follow these habits.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, auto

from lxml import etree

from twinviewer.model.attributes import AttributeType

CITYGML = "http://www.opengis.net/citygml/"
GML = ("http://www.opengis.net/gml", "http://www.opengis.net/gml/3.2")
XLINK_HREF = "{http://www.w3.org/1999/xlink}href"
_ID, _ID_OF_3_2 = (f"{{{namespace}}}id" for namespace in GML)

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
_NOT_DRAWN = frozenset({"appearance", "texturedsurface", "dynamizer", "versioning", "pointcloud", "workspace"})
"""CityGML modules that say nothing about city objects' shape and attributes."""
_IGNORED_PROPERTIES = frozenset(
    {"appearance", "appearanceMember", "generalizesTo", "relatedTo", "dynamizer", "metaDataProperty", "pointCloud"}
)

_POLYGONS = frozenset({"Polygon", "Triangle", "Rectangle", "PolygonPatch"})
_AGGREGATE_NAMES = """
    MultiSurface CompositeSurface Surface PolyhedralSurface TriangulatedSurface Tin Shell
    Solid MultiSolid CompositeSolid MultiGeometry GeometricComplex
"""
_AGGREGATES = frozenset(_AGGREGATE_NAMES.split())
_LINE_NAMES = "MultiCurve CompositeCurve Curve LineString OrientableCurve MultiLineString MultiPoint Point"
_LINES = frozenset(_LINE_NAMES.split())

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
_LOD_PROPERTY = re.compile(r"lod([0-4])(?=[A-Z])")


class Meaning(Enum):
    """What an element is to the reader."""

    CITY_OBJECT = auto()
    BOUNDARY = auto()
    """A thematic surface or an opening: its polygons are of that type and of the object around it."""
    POLYGON = auto()
    ORIENTABLE = auto()
    AGGREGATE = auto()
    """Of surfaces or solids."""
    IMPLICIT = auto()
    LINES = auto()
    """Curves and points, which are not drawn."""
    GRID = auto()
    """Heights of a terrain in rows and columns, which are not drawn."""
    ENVELOPE = auto()
    GENERIC = auto()
    GENERIC_SET = auto()
    ADDRESS = auto()
    LOD_GEOMETRY = auto()
    """A property that holds a geometry of the level of detail ``text``."""
    LOD = auto()
    """A property whose text is the level of detail of its object."""
    IGNORED = auto()
    DATA = auto()
    """Anything else: an attribute, a data type, or a property that holds more objects."""


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


class Vocabulary(dict[object, Word]):
    """Words by tag, as lxml spells it; each is understood once."""

    def __missing__(self, tag: object) -> Word:
        word = self[tag] = understood(tag) if isinstance(tag, str) else Word(Meaning.IGNORED, "")
        return word


def id_of(element: etree._Element) -> str | None:
    """Return an element's gml:id, in whichever version of GML."""
    return element.get(_ID) or element.get(_ID_OF_3_2)


def children(element: etree._Element) -> Sequence[etree._Element]:
    """Return the elements right below: lxml is slow to begin an iteration, and most have one child only."""
    count = len(element)
    if count == 1:
        return (element[0],)
    return element[:] if count else ()


def split(tag: object) -> tuple[str, str]:
    """Return namespace and local name; of a prefix that the file does not declare, the prefix is the namespace."""
    namespace, brace, local = str(tag).rpartition("}")
    if brace:
        return namespace[1:], local
    prefix, _, local = str(tag).rpartition(":")
    return prefix, local


def understood(tag: str) -> Word:
    """Return what an element of that name means."""
    namespace, local = split(tag)
    if namespace in GML:
        return Word(_meaning_in_gml(local), local)
    if not namespace.startswith(CITYGML):
        return _foreign(local)
    module = namespace.removeprefix(CITYGML).split("/")[0]
    if module in _NOT_DRAWN or local in _IGNORED_PROPERTIES or (module == "relief" and local == "extent"):
        return Word(Meaning.IGNORED, local)
    if local == "ImplicitGeometry":
        return Word(Meaning.IMPLICIT, local)
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
        return Word(Meaning.LOD_GEOMETRY, local, match.group(1))
    return Word(Meaning.DATA, local, type=_TYPES.get(local, AttributeType.STRING))


def _meaning_in_gml(local: str) -> Meaning:
    if local in _POLYGONS:
        return Meaning.POLYGON
    if local == "OrientableSurface":
        return Meaning.ORIENTABLE
    if local in _AGGREGATES:
        return Meaning.AGGREGATE
    if local in _LINES:
        return Meaning.LINES
    if local.endswith("Coverage"):
        return Meaning.GRID
    if local == "Envelope":
        return Meaning.ENVELOPE
    return Meaning.IGNORED if local in _IGNORED_PROPERTIES else Meaning.DATA


def _is_boundary(namespace: str, local: str) -> bool:
    if (local[0].isupper() and local.endswith("Surface")) or local in _OPENINGS:
        return True
    return local in _BOUNDARIES_OF_3 and namespace.endswith("/3.0")


def _foreign(local: str) -> Word:
    if local[:1].isupper() and local.endswith("Surface"):
        return Word(Meaning.BOUNDARY, local, is_foreign=True)
    if match := _LOD_PROPERTY.match(local):
        return Word(Meaning.LOD_GEOMETRY, local, match.group(1), is_foreign=True)
    return Word(Meaning.DATA, local, is_foreign=True)

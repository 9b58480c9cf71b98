"""City objects as columns: types, parents and attributes, and which geometry is whose in which level of detail.

Attributes are kept as the file spells them, codes of code lists too; nested ones are joined with dots, without the
names of the data types between them: ``buildingDetailAttribute.totalFloorArea``.  Those of walls, roofs and openings
have no column to go to, and are told.
"""

from __future__ import annotations

from lxml import etree

from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns
from twinviewer.formats.citygml.geometry import DEEPEST, Geometries
from twinviewer.formats.citygml.shapes import ShapePlaces
from twinviewer.formats.citygml.vocabulary import XLINK_HREF, Meaning, Vocabulary, Word, children, id_of
from twinviewer.formats.findings import Findings
from twinviewer.model.attributes import AttributeType
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import HostileFileError

_GEOMETRIES = frozenset({Meaning.POLYGON, Meaning.AGGREGATE, Meaning.ORIENTABLE, Meaning.LINES})
_FEATURES = frozenset({Meaning.CITY_OBJECT, Meaning.BOUNDARY})
_GENERICS = frozenset({Meaning.GENERIC, Meaning.GENERIC_SET})
_UNTOLD = frozenset({"name", "description"})
"""Attributes of surfaces that are names for people, and no loss."""
_ADDRESS_PARTS = {"NameElement": "Name", "Number": "Number", "Identifier": ""}
"""Words of xAL 3 that say only together with the element around them what they are."""


class CityObjects:
    """City objects in the order of the file."""

    def __init__(
        self,
        words: Vocabulary,
        objects: ObjectColumns,
        attributes: AttributeTable,
        geometries: Geometries,
        shapes: ShapePlaces,
        crs_names: dict[str, None],
        findings: Findings,
    ) -> None:
        self.surface_types, self.lods = Names(), Names()
        self._words, self._objects, self._attributes = words, objects, attributes
        self._geometries, self._shapes = geometries, shapes
        self._crs_names, self._findings = crs_names, findings

    def add(self, member: etree._Element) -> None:
        """Append the objects in a member of the city model."""
        for child in children(member):
            word = self._words[child.tag]
            if word.meaning in (Meaning.CITY_OBJECT, Meaning.BOUNDARY, Meaning.DATA):
                self._city_object(child, word, -1, -1, 0)

    def _city_object(self, element: etree._Element, word: Word, parent: int, lod: int, depth: int) -> None:
        row = self._objects.add(id_of(element), word.local, parent)
        semantic = self.surface_types.number(word.local) if word.meaning is Meaning.BOUNDARY else -1
        self._properties(element, row, semantic, lod, "", depth, keeps_attributes=True)

    def _properties(
        self,
        feature: etree._Element,
        row: int,
        semantic: int,
        lod: int,
        prefix: str,
        depth: int,
        *,
        keeps_attributes: bool,
    ) -> None:
        """Take in the properties of a feature or of a data type in it.

        Args:
            feature: The element around them.
            row: The city object that they belong to.
            semantic: Number of the surface type around them, or −1.
            lod: Number of the level of detail of geometries that say none of their own, or −1.
            prefix: Of the attributes' names.
            depth: Features and data types around them.
            keeps_attributes: Whether they are of the city object, not of one of its surfaces.
        """
        if depth > DEEPEST:
            raise HostileFileError("City objects are nested absurdly deep, as in attacks; the file is not read.")
        words = self._words
        for prop in children(feature):
            word = words[prop.tag]
            meaning = word.meaning
            if meaning is Meaning.DATA:
                if len(prop):
                    self._complex(prop, word, row, semantic, lod, prefix, depth, keeps_attributes=keeps_attributes)
                else:
                    self._simple(prop, word, row, prefix, keeps_attributes=keeps_attributes)
            elif meaning is Meaning.LOD_GEOMETRY:
                self._geometry(prop, word, row, semantic, prefix, keeps_attributes=keeps_attributes)
            elif meaning in _GENERICS:
                self._generic(prop, word, row, prefix, depth, keeps_attributes=keeps_attributes)
            elif meaning is Meaning.LOD:
                if stated := _text_of(prop):
                    lod = self.lods.number(stated)
            elif word.local == "appearance":
                tell_of_appearance(self._findings)

    # --- geometry ---------------------------------------------------------------------------------------------

    def _geometry(
        self, prop: etree._Element, word: Word, row: int, semantic: int, prefix: str, *, keeps_attributes: bool
    ) -> None:
        """Take in a property that holds a geometry of one level of detail, or names one."""
        if len(prop) == 0:
            if target := prop.get(XLINK_HREF):
                lod = self.lods.number(word.text)
                self._geometries.refer(target, object=row, semantic=semantic, lod=lod)
            else:
                self._simple(prop, word, row, prefix, keeps_attributes=keeps_attributes)
        for child in children(prop):
            self._drawn(child, row, semantic, self.lods.number(word.text))

    def _drawn(self, geometry: etree._Element, row: int, semantic: int, lod: int) -> None:
        meaning = self._words[geometry.tag].meaning
        if meaning is Meaning.IMPLICIT:
            self._shapes.add(geometry, object=row, semantic=semantic, lod=lod)
        else:
            self._geometries.add(geometry, object=row, semantic=semantic, lod=lod)

    # --- attributes -------------------------------------------------------------------------------------------

    def _complex(
        self,
        prop: etree._Element,
        word: Word,
        row: int,
        semantic: int,
        lod: int,
        prefix: str,
        depth: int,
        *,
        keeps_attributes: bool,
    ) -> None:
        """Take in a property that holds objects, geometries or data types."""
        for child in children(prop):
            inner = self._words[child.tag]
            meaning = inner.meaning
            if meaning is Meaning.CITY_OBJECT:
                self._city_object(child, inner, row, lod, depth + 1)
            elif meaning is Meaning.BOUNDARY:
                number = self.surface_types.number(inner.local)
                self._properties(child, row, number, lod, "", depth + 1, keeps_attributes=False)
            elif meaning in _GEOMETRIES or meaning is Meaning.IMPLICIT:
                self._drawn(child, row, semantic, lod)
            elif meaning is Meaning.ENVELOPE:
                if name := child.get("srsName"):
                    self._crs_names.setdefault(name)
            elif meaning is Meaning.ADDRESS:
                if keeps_attributes:
                    self._address(child, row, depth)
            elif meaning in _GENERICS:
                self._generic(child, inner, row, prefix, depth, keeps_attributes=keeps_attributes)
            elif meaning is Meaning.GRID:
                problem = "Terrain that is given as a grid, without triangles, is not shown."
                self._findings.add("tin.without-triangles", problem, where=self._objects.ids[row])
            elif meaning is Meaning.DATA:
                if inner.is_foreign and self._is_city_object(child):
                    self._city_object(child, inner, row, lod, depth + 1)
                    continue
                path = prefix if word.local.startswith("adeOf") else f"{prefix}{word.local}."
                if not inner.local[:1].isupper():  # properties right inside each other, against GML's habit
                    self._properties(prop, row, semantic, lod, path, depth + 1, keeps_attributes=keeps_attributes)
                    break
                self._properties(child, row, semantic, lod, path, depth + 1, keeps_attributes=keeps_attributes)

    def _is_city_object(self, element: etree._Element) -> bool:
        """Return whether an element of an extension is a thing of its own: it has an id, and a shape or a surface."""
        if not id_of(element):
            return False
        return any(
            self._words[prop.tag].meaning is Meaning.LOD_GEOMETRY
            or any(self._words[child.tag].meaning in _FEATURES for child in prop)
            for prop in element
        )

    def _simple(self, prop: etree._Element, word: Word, row: int, prefix: str, *, keeps_attributes: bool) -> None:
        text = _text_of(prop)
        if not text:
            return
        unit = prop.get("uom")
        self._attribute(row, prefix + word.local, text, word.type, unit, keeps_attributes=keeps_attributes)

    def _attribute(
        self, row: int, name: str, text: str, type: AttributeType, unit: str | None, *, keeps_attributes: bool
    ) -> None:
        if not keeps_attributes:
            if name not in _UNTOLD:
                self._findings.add(
                    "attribute.of-a-surface",
                    "Attributes of walls, roofs, openings and other surfaces are not kept.",
                    where=f"{self._objects.ids[row]}: {name}",
                    severity=Severity.INFO,
                )
            return
        if unit is not None:
            unit = unit.rpartition(":")[2].lstrip("#") or None  # urn:adv:uom:m, #m
            if type is AttributeType.STRING and len(text.split()) == 1:
                type = AttributeType.DOUBLE  # of an extension, whose schema is not known; measures have units
        self._attributes.add(row, name, text, type, unit)

    def _generic(
        self, attribute: etree._Element, word: Word, row: int, prefix: str, depth: int, *, keeps_attributes: bool
    ) -> None:
        """Take in a generic attribute, whose name is an attribute of XML up to CityGML 2.0, an element in 3.0."""
        if depth > DEEPEST:
            raise HostileFileError("Attributes are nested absurdly deep, as in attacks; the file is not read.")
        name, text, unit = attribute.get("name"), "", None
        for child in children(attribute):
            local = self._words[child.tag].local
            if local == "name" and name is None:
                name = _text_of(child)
            elif local == "value":
                text, unit = _text_of(child), child.get("uom")
            elif word.meaning is Meaning.GENERIC_SET:
                path = f"{prefix}{name}." if name else prefix
                is_attribute = self._words[child.tag].meaning in _GENERICS
                for inner in (child,) if is_attribute else children(child):  # 3.0 has a property between them
                    inner_word = self._words[inner.tag]
                    if inner_word.meaning in _GENERICS:
                        self._generic(inner, inner_word, row, path, depth + 1, keeps_attributes=keeps_attributes)
        if name and text:
            self._attribute(row, prefix + name, text, word.type, unit, keeps_attributes=keeps_attributes)

    def _address(self, address: etree._Element, row: int, depth: int) -> None:
        """Take in an address: the leaves of xAL 2 or 3, which is nested in many ways."""
        for leaf in address.iter():
            text = _text_of(leaf)
            if len(leaf) or not text:
                continue
            word = self._words[leaf.tag]
            if word.meaning is not Meaning.DATA or word.local in ("posList", "pos"):
                continue
            around = leaf.getparent()
            suffix = _ADDRESS_PARTS.get(word.local)
            name = word.local if suffix is None or around is None else self._words[around.tag].local + suffix
            self._attributes.add(row, f"address.{name}", text, AttributeType.STRING)


def _text_of(element: etree._Element) -> str:
    """Return an element's text; where it goes over several lines, they are made one."""
    text = (element.text or "").strip()
    return " ".join(text.split()) if "\n" in text else text


def tell_of_appearance(findings: Findings) -> None:
    """Say once more that there is an appearance."""
    findings.add("appearance.not-shown", "Textures and materials are not shown.", severity=Severity.INFO)

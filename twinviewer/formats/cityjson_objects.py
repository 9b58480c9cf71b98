"""City objects of CityJSON on their way from parsed JSON to columns: attributes, hierarchy, and where shapes stand."""

from __future__ import annotations

from array import array
from collections.abc import Callable
from copy import deepcopy
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns, ThematicColumns
from twinviewer.formats.city_surfaces import GeometryColumns, InstanceColumns, RaggedSurfaces, Shapes
from twinviewer.formats.cityjson_appearance import AppearanceReader, DocumentAppearance
from twinviewer.formats.cityjson_nesting import listed
from twinviewer.formats.cityjson_surfaces import SurfaceReader
from twinviewer.formats.findings import Findings

Float64s = NDArray[np.float64]
Json = dict[str, Any]

_GROUP = "CityObjectGroup"
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_DECIMALS = 9
"""Of coordinates that become text: the steps of a file are no finer."""
_MEMBERS_READ = frozenset(("type", "attributes", "geometry", "parents", "children", "address", "children_roles"))
"""Of a city object; whatever else it has is kept as an attribute."""


class Georeference:
    """How the vertices of a file are scaled and shifted."""

    def __init__(self, transform: object = None) -> None:
        """Take the ``transform`` of a CityJSON object, None for coordinates as they are.

        Raises:
            ValueError: It is not one.
        """
        members: object = {"scale": (1, 1, 1), "translate": (0, 0, 0)} if transform is None else transform
        if not isinstance(members, dict) or not {"scale", "translate"} <= members.keys():
            raise ValueError("no transform")
        try:
            self.scale = np.array(members["scale"], np.float64)
            self.translate = np.array(members["translate"], np.float64)
        except TypeError as error:
            raise ValueError("no transform") from error
        if self.scale.shape != (3,) or self.translate.shape != (3,):
            raise ValueError("no transform")

    def apply(self, stored: Float64s) -> Float64s:
        """Return coordinates (n, 3)."""
        return stored * self.scale + self.translate


class CityJsonObjects:
    """City objects of one file, gathered document by document: the whole file is one, or each line of a sequence."""

    def __init__(self, findings: Findings) -> None:
        self.objects = ObjectColumns(findings)
        self.attributes = AttributeTable(findings)
        self.surface_types = Names()
        self.lods = Names()
        self.thematic = ThematicColumns(findings)
        self.geometries = GeometryColumns()
        self.appearance = AppearanceReader(findings)
        self.findings = findings
        self._surfaces, self._template_surfaces = (
            SurfaceReader(
                surface_types=self.surface_types,
                lods=self.lods,
                thematic=self.thematic,
                geometries=self.geometries,
                add_attributes=lambda row, members: _add_values(self.thematic.attributes, row, members),
                findings=findings,
            )
            for _ in range(2)
        )
        self._instances = InstanceColumns()
        self._templates: list[tuple[int, int] | None] = []
        self._template_vertices = array("d")
        self._head_appearance = DocumentAppearance()
        self._vertices: list[Float64s] = []
        self._vertex_count = 0
        self._shares: list[tuple[int, int, int]] = []  # of each document: corners so far, first vertex, vertices

    # --- in ------------------------------------------------------------------------------------------------------

    def add_head(self, document: Json) -> None:
        """Take the templates and the appearance of a CityJSON object, which hold for what follows it."""
        self._head_appearance = self.appearance.read(document.get("appearance"))
        templates = document.get("geometry-templates")
        if not isinstance(templates, dict):
            return
        first = len(self._template_vertices) // 3
        self._template_vertices.extend(self._coordinates(templates.get("vertices-templates"), "geometry-templates"))
        self._templates = []
        surfaces = self._template_surfaces
        for number, geometry in enumerate(listed(templates.get("templates"))):
            start, first_corner = len(surfaces), len(surfaces.corners)
            taken = isinstance(geometry, dict) and surfaces.add(
                geometry, -1, f"template {number}", self._head_appearance
            )
            if taken and first:
                for corner in range(first_corner, len(surfaces.corners)):
                    surfaces.corners[corner] += first
            self._templates.append((start, len(surfaces)) if taken else None)

    def add_document(
        self,
        document: Json,
        georeference: Georeference,
        *,
        after_each: Callable[[Callable[[], CityJsonObjects], float], None] = lambda so_far, share: None,
    ) -> None:
        """Take the city objects of a CityJSON object or a CityJSONFeature, and the vertices that they name.

        Args:
            document: The object.
            georeference: Of its vertices.
            after_each: Called after each city object, with a function that copies what there is so far, and the
                share of this document's objects that are in.
        """
        objects = document["CityObjects"]
        if not isinstance(objects, dict):
            self.findings.add("cityjson.no-objects", "The member “CityObjects” is not an object.")
            return
        coordinates = georeference.apply(
            np.array(self._coordinates(document.get("vertices"), "vertices")).reshape(-1, 3)
        )
        is_feature = document.get("type") == "CityJSONFeature" and "appearance" in document
        appearance = self.appearance.read(document["appearance"]) if is_feature else self._head_appearance
        first_row = len(self.objects)
        members = {}
        for object_id, member in objects.items():
            if not isinstance(member, dict):
                self.findings.add(
                    "object.malformed", "City objects that are not JSON objects are left out.", where=object_id
                )
                continue
            kind = member.get("type")
            row = self.objects.add(object_id, kind if isinstance(kind, str) else "unknown", -1)
            members[row] = member
        self._set_parents(first_row, members)

        def so_far() -> CityJsonObjects:
            copied = deepcopy(self)
            copied._add_vertices(coordinates)
            return copied

        for number, (row, member) in enumerate(members.items(), start=1):
            self._add_attributes(row, member, coordinates)
            for geometry in listed(member.get("geometry")):
                self._add_geometry(row, geometry, coordinates, appearance)
            after_each(so_far, number / len(members))
        self._add_vertices(coordinates)

    def _add_vertices(self, coordinates: Float64s) -> None:
        """Take the vertices of a document whose surfaces are all in."""
        self._shares.append((len(self._surfaces.corners), self._vertex_count, len(coordinates)))
        self._vertices.append(coordinates)
        self._vertex_count += len(coordinates)

    # --- out -----------------------------------------------------------------------------------------------------

    def vertices(self) -> Float64s:
        """Return (v, 3) of all documents."""
        return np.concatenate(self._vertices) if self._vertices else np.empty((0, 3))

    def surfaces(self) -> RaggedSurfaces:
        """Return the surfaces of all documents, their corners indices into :meth:`vertices`."""
        corners = np.array(self._surfaces.corners, np.int64)
        if self._shares:
            ends, firsts, counts = np.array(self._shares, np.int64).T
            lengths = np.diff(ends, prepend=0)
            outside = (corners < 0) | (corners >= np.repeat(counts, lengths))
            corners = np.where(outside, -1, corners + np.repeat(firsts, lengths))  # not a neighbour's vertex
        return self._surfaces.finished(corners, self.appearance.places)

    def shapes(self) -> Shapes:
        """Return the templates and where they stand."""
        return Shapes(
            surfaces=self._template_surfaces.finished(
                np.array(self._template_surfaces.corners, np.int64), self.appearance.places
            ),
            vertices=np.array(self._template_vertices).reshape(-1, 3),
            instances=self._instances,
        )

    # --- coordinates ---------------------------------------------------------------------------------------------

    def _coordinates(self, vertices: object, name: str) -> array[float]:
        """Return x, y, z of each vertex one after the other; NaN for one that is not three numbers."""
        given = listed(vertices)
        coordinates = array("d")
        try:
            if set(map(len, given)) <= {3}:
                coordinates.extend(chain.from_iterable(given))
                return coordinates
        except (TypeError, OverflowError):
            pass  # one by one, then, to tell which
        coordinates = array("d")
        for number, vertex in enumerate(given):
            try:
                x, y, z = vertex
                coordinates.extend(array("d", (x, y, z)))
            except (TypeError, ValueError, OverflowError):
                coordinates.extend((np.nan,) * 3)
                self.findings.add(
                    "vertex.malformed", "Vertices that are not three numbers cannot be used.", where=f"{name}[{number}]"
                )
        return coordinates

    # --- geometry ------------------------------------------------------------------------------------------------

    def _add_geometry(self, row: int, geometry: object, coordinates: Float64s, appearance: DocumentAppearance) -> None:
        where = self.objects.ids[row]
        if not isinstance(geometry, dict):
            problem = "Geometries that are not put together as their type asks are not shown."
            self.findings.add("geometry.malformed", problem, where=where, objects=(where,))
        elif geometry.get("type") == "GeometryInstance":
            self._add_instance(row, geometry, coordinates)
        else:
            self._surfaces.add(geometry, row, where, appearance)

    def _add_instance(self, row: int, geometry: Json, coordinates: Float64s) -> None:
        where = self.objects.ids[row]
        try:
            template = self._templates[_index(geometry["template"], len(self._templates))]
            (vertex,) = geometry["boundaries"]
            position = coordinates[_index(vertex, len(coordinates))]
            matrix = array("d", geometry.get("transformationMatrix", _IDENTITY))
            if len(matrix) != 16:
                raise ValueError("not a matrix")
        except (KeyError, IndexError, TypeError, ValueError, OverflowError):
            problem = "Instances without a template, a place or a matrix of 16 numbers are not shown."
            self.findings.add("instance.malformed", problem, where=where)
            return
        if template is not None:
            self._instances.add(object=row, semantic=-1, lod=-1, surfaces=template, matrix=matrix, position=position)

    # --- attributes and hierarchy --------------------------------------------------------------------------------

    def _add_attributes(self, row: int, member: Json, coordinates: Float64s) -> None:
        attributes = member.get("attributes")
        if isinstance(attributes, dict):
            _add_values(self.attributes, row, attributes)
        for address in listed(member.get("address")):
            if isinstance(address, dict):
                place = _places(address.get("location"), coordinates)
                _add_values(self.attributes, row, {**address, "location": place}, "address.")
        if not _MEMBERS_READ.issuperset(member):
            more = {name: value for name, value in member.items() if name not in _MEMBERS_READ}
            _add_values(self.attributes, row, more)
        if member.get("type") == _GROUP:
            _add_values(self.attributes, row, {name: member.get(name) for name in ("children", "children_roles")})

    def _set_parents(self, first_row: int, members: dict[int, Json]) -> None:
        """Note whose part each object of a document is; to be in a group is not to be a part."""
        rows = {self.objects.ids[row]: row for row in members}
        groups = {row for row, member in members.items() if member.get("type") == _GROUP}
        for row, member in members.items():
            named = [name for name in listed(member.get("parents")) if isinstance(name, str)]
            known = [rows[name] for name in named if name in rows]
            if len(known) < len(named):
                problem = "Objects whose parent is not in the file are shown on their own."
                self.findings.add("object.parent-missing", problem, where=self.objects.ids[row])
            containing = [parent for parent in known if parent not in groups]
            if containing:
                self.objects.parents[row] = containing[0]
        for row, member in members.items():
            for name in listed(member.get("children")) if row not in groups else ():
                child = rows.get(name) if isinstance(name, str) else None
                if child is not None and self.objects.parents[child] < 0:
                    self.objects.parents[child] = row
        self._break_cycles(first_row)

    def _break_cycles(self, first_row: int) -> None:
        """Make objects that are their own ancestors stand on their own."""
        parents = np.array(self.objects.parents[first_row:], np.int64)
        parents[parents >= 0] -= first_row
        ancestors = parents
        for _ in range(len(parents).bit_length() + 1):  # each round doubles the distance
            ancestors = np.where(ancestors >= 0, ancestors[ancestors], -1) if len(parents) else ancestors
        for row in np.flatnonzero(ancestors >= 0) + first_row:
            self.objects.parents[row] = -1
            problem = "Objects that are, through others, their own parents are shown on their own."
            self.findings.add("object.parent-cycle", problem, where=self.objects.ids[row])


def _index(value: object, count: int) -> int:
    """Return an index into ``count`` things.

    Raises:
        IndexError: It is none.
    """
    if value.__class__ is not int or not 0 <= value < count:
        raise IndexError(value)
    return value


def _places(location: object, coordinates: Float64s) -> list[list[float]] | None:
    """Return the points of an address, as [x, y, z] each, None where there are none that can be used."""
    numbers = listed(location.get("boundaries")) if isinstance(location, dict) else []
    if not numbers or any(each.__class__ is not int or not 0 <= each < len(coordinates) for each in numbers):
        return None
    places: list[list[float]] = coordinates[numbers].round(_DECIMALS).tolist()
    return places


def _add_values(table: AttributeTable, row: int, values: Json, prefix: str = "") -> None:
    """Note the values of a row by name, those inside others as ``outer.inner``."""
    rest = table.add_plain(row, values, prefix)
    for name, value in rest:
        if isinstance(value, dict):
            _add_values(table, row, value, f"{name}.")
        else:
            table.add(row, name, orjson.dumps(value).decode())

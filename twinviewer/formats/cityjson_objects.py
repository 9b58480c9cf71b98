"""City objects of CityJSON on their way from parsed JSON to columns.

Boundaries are nested lists of vertex numbers, as deep as their geometry type asks.  Here they are unrolled, geometry
by geometry, straight into arrays: no call per surface, which is what makes it quick.  A geometry whose nesting is not
that of its type raises a ``TypeError`` on the way and leaves nothing behind.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from twinviewer.formats.city_columns import AttributeTable, Names, ObjectColumns
from twinviewer.formats.city_surfaces import InstanceColumns, RaggedSurfaces, Shapes, SurfaceColumns, SurfaceKind
from twinviewer.formats.findings import Findings
from twinviewer.model.diagnostics import Severity

Float64s = NDArray[np.float64]
Json = dict[str, Any]

_DEPTHS = {"MultiSurface": 0, "CompositeSurface": 0, "Solid": 1, "MultiSolid": 2, "CompositeSolid": 2}
"""Lists around the surfaces of a geometry: of shells, of solids."""
_WITHOUT_SURFACES = ("MultiPoint", "MultiLineString")
_SHORT_SURFACE_TYPES = ("Roof", "Wall", "Ground", "Closure", "OuterCeiling", "OuterFloor")
"""As the first drafts spelled them, without “Surface”."""
_GROUP = "CityObjectGroup"
_IDENTITY = (1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 0.0, 1.0)
_INT64 = 2**63
_MALFORMED = "Geometries that are not put together as their type asks are not shown."


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
        self._findings = findings
        self._surfaces = SurfaceColumns()
        self._corners = array("q")
        self._instances = InstanceColumns()
        self._templates: list[tuple[int, int] | None] = []
        self._template_surfaces = SurfaceColumns()
        self._template_corners = array("q")
        self._template_vertices = array("d")
        self._vertices: list[Float64s] = []
        self._vertex_count = 0
        self._shares: list[tuple[int, int, int]] = []  # of each document: corners so far, first vertex, vertices

    # --- in ------------------------------------------------------------------------------------------------------

    def add_templates(self, templates: object) -> None:
        """Take the ``geometry-templates`` of a CityJSON object; later ones replace earlier ones."""
        if not isinstance(templates, dict):
            return
        first = len(self._template_vertices) // 3
        self._template_vertices.extend(self._coordinates(templates.get("vertices-templates"), "geometry-templates"))
        self._templates = []
        for number, geometry in enumerate(_listed(templates.get("templates"))):
            start, corners = len(self._template_surfaces), len(self._template_corners)
            taken = isinstance(geometry, dict) and self._add_geometry(
                geometry, 0, f"template {number}", self._template_surfaces, self._template_corners
            )
            if taken and first:
                for corner in range(corners, len(self._template_corners)):
                    self._template_corners[corner] += first
            self._templates.append((start, len(self._template_surfaces)) if taken else None)

    def add_document(self, objects: object, vertices: object, georeference: Georeference) -> None:
        """Take the ``CityObjects`` of a CityJSON object or a CityJSONFeature, and the vertices that they name."""
        if not isinstance(objects, dict):
            self._findings.add("cityjson.no-objects", "The member “CityObjects” is not an object.")
            return
        coordinates = georeference.apply(np.array(self._coordinates(vertices, "vertices")).reshape(-1, 3))
        first_row = len(self.objects)
        members = {}
        for object_id, member in objects.items():
            if not isinstance(member, dict):
                self._findings.add(
                    "object.malformed", "City objects that are not JSON objects are left out.", where=object_id
                )
                continue
            kind = member.get("type")
            row = self.objects.add(object_id, kind if isinstance(kind, str) else "unknown", -1)
            members[row] = member
        for row, member in members.items():
            self._add_attributes(row, member)
            for geometry in _listed(member.get("geometry")):
                self._add_any_geometry(row, geometry, coordinates)
        self._set_parents(first_row, members)
        self._shares.append((len(self._corners), self._vertex_count, len(coordinates)))
        self._vertices.append(coordinates)
        self._vertex_count += len(coordinates)

    # --- out -----------------------------------------------------------------------------------------------------

    def vertices(self) -> Float64s:
        """Return (v, 3) of all documents."""
        return np.concatenate(self._vertices) if self._vertices else np.empty((0, 3))

    def surfaces(self) -> RaggedSurfaces:
        """Return the surfaces of all documents, their corners indices into :meth:`vertices`."""
        corners = np.array(self._corners, np.int64)
        if self._shares:
            ends, firsts, counts = np.array(self._shares, np.int64).T
            lengths = np.diff(ends, prepend=0)
            outside = (corners < 0) | (corners >= np.repeat(counts, lengths))
            corners = np.where(outside, -1, corners + np.repeat(firsts, lengths))  # not a neighbour's vertex
        return RaggedSurfaces.of(self._surfaces, corners)

    def shapes(self) -> Shapes:
        """Return the templates and where they stand."""
        return Shapes(
            surfaces=RaggedSurfaces.of(self._template_surfaces, np.array(self._template_corners, np.int64)),
            vertices=np.array(self._template_vertices).reshape(-1, 3),
            instances=self._instances,
        )

    # --- coordinates ---------------------------------------------------------------------------------------------

    def _coordinates(self, vertices: object, name: str) -> array[float]:
        """Return x, y, z of each vertex one after the other; NaN for one that is not three numbers."""
        listed = _listed(vertices)
        coordinates = array("d")
        try:
            if set(map(len, listed)) <= {3}:
                coordinates.extend(chain.from_iterable(listed))
                return coordinates
        except (TypeError, OverflowError):
            pass  # one by one, then, to tell which
        coordinates = array("d")
        for number, vertex in enumerate(listed):
            try:
                x, y, z = vertex
                coordinates.extend(array("d", (x, y, z)))
            except (TypeError, ValueError, OverflowError):
                coordinates.extend((np.nan,) * 3)
                self._findings.add(
                    "vertex.malformed", "Vertices that are not three numbers cannot be used.", where=f"{name}[{number}]"
                )
        return coordinates

    # --- geometry ------------------------------------------------------------------------------------------------

    def _add_any_geometry(self, row: int, geometry: object, coordinates: Float64s) -> None:
        if not isinstance(geometry, dict):
            self._findings.add("geometry.malformed", _MALFORMED, where=self.objects.ids[row])
        elif geometry.get("type") == "GeometryInstance":
            self._add_instance(row, geometry, coordinates)
        else:
            self._add_geometry(geometry, row, self.objects.ids[row], self._surfaces, self._corners)

    def _add_geometry(self, geometry: Json, row: int, where: str, columns: SurfaceColumns, corners: array[int]) -> bool:
        """Append the surfaces of a geometry and return whether it has any."""
        kind = geometry.get("type")
        depth = _DEPTHS.get(kind) if isinstance(kind, str) else None
        if depth is None:
            problem = f"Geometries of the type {kind} are not shown."
            code = "geometry.not-drawn" if kind in _WITHOUT_SURFACES else "geometry.unknown"
            self._findings.add(code, problem, where=where)
            return False
        before = (len(columns.ring_count), len(columns.ring_size), len(corners))
        try:
            boundaries = geometry["boundaries"]
            surfaces: list[Any] = boundaries
            for _ in range(depth):
                surfaces = list(chain.from_iterable(surfaces))
            columns.ring_count.extend(map(len, surfaces))
            columns.ring_size.extend(map(len, chain.from_iterable(surfaces)))
            corners.extend(chain.from_iterable(chain.from_iterable(surfaces)))
            if not surfaces:
                return False
            semantics = self._semantics(geometry.get("semantics"), boundaries, depth, where)
        except (KeyError, TypeError, OverflowError):
            for gathered, length in zip((columns.ring_count, columns.ring_size, corners), before, strict=True):
                del gathered[length:]
            self._findings.add("geometry.malformed", _MALFORMED, where=where)
            return False
        count = len(surfaces)
        columns.object.extend(repeat(row, count))
        columns.semantic.extend(repeat(-1, count) if semantics is None else semantics)
        columns.lod.extend(repeat(self._lod(geometry), count))
        for column, value in (columns.reversed, 0), (columns.kind, SurfaceKind.POLYGON):
            column.extend(repeat(value, count))
        for column in (columns.thematic, columns.geometry, columns.shell):
            column.extend(repeat(-1, count))
        return True

    def _semantics(self, semantics: object, boundaries: Sequence[Any], depth: int, where: str) -> list[int] | None:
        """Return the number of the surface type of each surface, or None where none has one."""
        if isinstance(semantics, list):  # drafts before 1.0: a type, or an object with one, per surface
            return [self._surface_type(surface) for surface in _unrolled(semantics, boundaries, depth)]
        if not isinstance(semantics, dict):
            return None
        listed = _listed(semantics.get("surfaces"))
        numbers: dict[object, int] = dict(enumerate(map(self._surface_type, listed)))
        numbers[None] = -1
        values = list(_unrolled(semantics.get("values"), boundaries, depth))
        try:
            return [numbers[value] for value in values]
        except (KeyError, TypeError):
            problem = "Surface types that are not listed in their geometry are left out."
            self._findings.add("semantics.mismatch", problem, where=where, severity=Severity.INFO)
            return [numbers.get(value, -1) if value.__class__ is int else -1 for value in values]

    def _surface_type(self, surface: object) -> int:
        name = surface.get("type") if isinstance(surface, dict) else surface
        if not isinstance(name, str):
            return -1
        return self.surface_types.number(f"{name}Surface" if name in _SHORT_SURFACE_TYPES else name)

    def _lod(self, geometry: Json) -> int:
        lod = geometry.get("lod")
        if isinstance(lod, int | float):
            return self.lods.number(f"{lod:g}")  # CityJSON 1.0 has numbers, 2 and 2.0 alike
        return self.lods.number(lod) if isinstance(lod, str) else -1

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
            self._findings.add("instance.malformed", problem, where=where)
            return
        if template is not None:
            self._instances.add(object=row, semantic=-1, lod=-1, surfaces=template, matrix=matrix, position=position)

    # --- attributes and hierarchy --------------------------------------------------------------------------------

    def _add_attributes(self, row: int, member: Json) -> None:
        attributes = member.get("attributes")
        if isinstance(attributes, dict):
            self._add_values(row, "", attributes)
        for address in _listed(member.get("address")):
            if isinstance(address, dict):
                self._add_values(row, "address.", {key: address[key] for key in address if key != "location"})

    def _add_values(self, row: int, prefix: str, values: Json) -> None:
        for key, value in values.items():
            if isinstance(value, dict):
                self._add_values(row, f"{prefix}{key}.", value)
            elif value is not None:
                self.attributes.add(row, prefix + key, _plain(value))

    def _set_parents(self, first_row: int, members: dict[int, Json]) -> None:
        """Note whose part each object of a document is; to be in a group is not to be a part."""
        rows = {self.objects.ids[row]: row for row in members}
        groups = {row for row, member in members.items() if member.get("type") == _GROUP}
        for row, member in members.items():
            named = [name for name in _listed(member.get("parents")) if isinstance(name, str)]
            known = [rows[name] for name in named if name in rows]
            if len(known) < len(named):
                problem = "Objects whose parent is not in the file are shown on their own."
                self._findings.add("object.parent-missing", problem, where=self.objects.ids[row])
            containing = [parent for parent in known if parent not in groups]
            if containing:
                self.objects.parents[row] = containing[0]
        for row, member in members.items():
            for name in _listed(member.get("children")) if row not in groups else ():
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
            self._findings.add("object.parent-cycle", problem, where=self.objects.ids[row])


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _index(value: object, count: int) -> int:
    """Return an index into ``count`` things.

    Raises:
        IndexError: It is none.
    """
    if value.__class__ is not int or not 0 <= value < count:
        raise IndexError(value)
    return value


def _unrolled(values: object, boundaries: Sequence[Any], depth: int) -> Iterable[Any]:
    """Return one value per surface; a null stands for all surfaces below it, what is missing for null."""
    listed = _listed(values)
    missing = len(boundaries) - len(listed)
    if missing:
        listed = [*listed, *repeat(None, missing)] if missing > 0 else listed[: len(boundaries)]
    if depth == 0:
        return listed
    return chain.from_iterable(
        _unrolled(part, inner, depth - 1) for part, inner in zip(listed, boundaries, strict=True)
    )


def _plain(value: Any) -> str | int | float | bool:
    """Return a value that a column can hold."""
    if isinstance(value, list):
        if all(isinstance(item, str | int | float) for item in value):
            return ", ".join(map(str, value))
        return orjson.dumps(value).decode()
    if value.__class__ is int and not -_INT64 <= value < _INT64:
        return float(value)
    return value  # type: ignore[no-any-return]

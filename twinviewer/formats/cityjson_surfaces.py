"""Geometries of CityJSON on their way from parsed JSON to columns.

Boundaries are nested lists of vertex numbers, as deep as their geometry type asks.  Here they are unrolled, geometry
by geometry, straight into arrays: no call per surface, which is what makes it quick.  A geometry whose nesting is not
that of its type raises a ``TypeError`` on the way and leaves nothing behind.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from itertools import chain, repeat
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.city_columns import Names, ThematicColumns
from twinviewer.formats.city_surfaces import GeometryColumns, Int64s, RaggedSurfaces, SurfaceColumns, SurfaceKind
from twinviewer.formats.cityjson_appearance import DocumentAppearance, LookColumns
from twinviewer.formats.cityjson_nesting import listed, unrolled
from twinviewer.formats.findings import Findings
from twinviewer.model.diagnostics import Severity

Json = dict[str, Any]

_SHORT_SURFACE_TYPES = ("Roof", "Wall", "Ground", "Closure", "OuterCeiling", "OuterFloor")
"""As the first drafts spelled them, without “Surface”."""
_NOT_ATTRIBUTES = ("type", "parent", "children")
_MALFORMED = "Geometries that are not put together as their type asks are not shown."


class _Type(NamedTuple):
    """How a geometry type is nested."""

    depth: int
    """Lists around its surfaces: of shells, of solids."""
    kind: SurfaceKind = SurfaceKind.POLYGON
    has_shells: bool = False


_TYPES = {
    "MultiPoint": _Type(0, SurfaceKind.POINTS),
    "MultiLineString": _Type(0, SurfaceKind.CURVE),
    "MultiSurface": _Type(0),
    "CompositeSurface": _Type(0),
    "Solid": _Type(1, has_shells=True),
    "MultiSolid": _Type(2, has_shells=True),
    "CompositeSolid": _Type(2, has_shells=True),
}


class SurfaceReader:
    """The surfaces, curves and points of geometries, one geometry after the other."""

    def __init__(
        self,
        *,
        surface_types: Names,
        lods: Names,
        thematic: ThematicColumns,
        geometries: GeometryColumns,
        add_attributes: Callable[[int, Json], None],
        findings: Findings,
    ) -> None:
        """Take what the surfaces are part of; ``add_attributes`` notes those of a row of ``thematic``."""
        self._surface_types = surface_types
        self._lods = lods
        self._thematic = thematic
        self._geometries = geometries
        self._add_attributes = add_attributes
        self._findings = findings
        self._columns = SurfaceColumns()
        self._looks = LookColumns(findings)
        self.corners = array("q")
        """Numbers of vertices, as the documents have them."""

    def __len__(self) -> int:
        return len(self._columns)

    def add(self, geometry: Json, row: int, where: str, appearance: DocumentAppearance) -> bool:
        """Append the surfaces of a geometry and return whether it has any.

        Args:
            geometry: Of any type but ``GeometryInstance``.
            row: Of the city object, −1 for a template.
            where: Its id.
            appearance: What the numbers of materials and textures stand for.
        """
        name = geometry.get("type")
        known = _TYPES.get(name) if isinstance(name, str) else None
        if known is None:
            problem = f"Geometries of the type {name} are not shown."
            self._findings.add("geometry.unknown", problem, where=where, objects=(where,))
            return False
        columns, corners = self._columns, self.corners
        first_surface, first_corner = len(columns), len(corners)
        before = (len(columns.ring_count), len(columns.ring_size), first_corner)
        semantics = geometry.get("semantics")
        try:
            boundaries: list[Any] = geometry["boundaries"]
            if known.kind is not SurfaceKind.POLYGON:
                boundaries = _as_surfaces(boundaries, known.kind, apart=_has_meanings(semantics))
            surfaces = boundaries
            for _ in range(known.depth):
                surfaces = list(chain.from_iterable(surfaces))
            columns.ring_count.extend(map(len, surfaces))
            columns.ring_size.extend(map(len, chain.from_iterable(surfaces)))
            corners.extend(chain.from_iterable(chain.from_iterable(surfaces)))
            if not surfaces:
                return False
            types, thematic = self._semantics(semantics, boundaries, known.depth, row, where)
            shells = self._shells(boundaries, known) if known.has_shells else repeat(-1, len(surfaces))
        except (KeyError, TypeError, OverflowError):
            for gathered, length in zip((columns.ring_count, columns.ring_size, corners), before, strict=True):
                del gathered[length:]
            self._findings.add("geometry.malformed", _MALFORMED, where=where, objects=(where,))
            return False
        count = len(surfaces)
        for column, value in (
            (columns.object, max(row, 0)),
            (columns.lod, self._lod(geometry)),
            (columns.reversed, 0),
            (columns.kind, known.kind),
            (columns.geometry, self._geometries.add(str(name))),
        ):
            column.extend(repeat(value, count))
        columns.semantic.extend(repeat(-1, count) if types is None else types)
        columns.thematic.extend(repeat(-1, count) if thematic is None else thematic)
        columns.shell.extend(shells)
        if "material" in geometry or "texture" in geometry:
            self._looks.add(
                geometry,
                boundaries,
                known.depth,
                surfaces,
                first_surface=first_surface,
                first_corner=first_corner,
                appearance=appearance,
                where=where,
            )
        return True

    def finished(self, corners: Int64s, places: NDArray[np.float32]) -> RaggedSurfaces:
        """Return all surfaces, with ``corners`` (c,) for theirs, and ``places`` (n, 2) in textures."""
        return RaggedSurfaces.of(self._columns, corners, self._looks.finished(len(self), len(corners), places))

    def _shells(self, boundaries: Sequence[Any], known: _Type) -> list[int]:
        """Return the row of the shell of each surface."""
        rows: list[int] = []
        for solid in boundaries if known.depth > 1 else [boundaries]:
            number = self._geometries.new_solid()
            for shell in solid:
                rows.extend(repeat(self._geometries.add_shell(number), len(shell)))
        return rows

    def _lod(self, geometry: Json) -> int:
        lod = geometry.get("lod")
        if isinstance(lod, int | float):
            return self._lods.number(f"{lod:g}")  # CityJSON 1.0 has numbers, 2 and 2.0 alike
        return self._lods.number(lod) if isinstance(lod, str) else -1

    # --- semantics -----------------------------------------------------------------------------------------------

    def _semantics(
        self, semantics: object, boundaries: Sequence[Any], depth: int, row: int, where: str
    ) -> tuple[list[int] | None, list[int] | None]:
        """Return the number of the type of each surface, and the row of its thematic surface; None where none has one.

        Thematic surfaces that are no more than their type get no row.
        """
        if isinstance(semantics, list):  # drafts before 1.0: a type, or an object with one, per surface
            return [self._surface_type(surface) for surface in unrolled(semantics, boundaries, depth)], None
        if not isinstance(semantics, dict):
            return None, None
        given = listed(semantics.get("surfaces"))
        numbers: list[int] = [self._surface_type(surface) for surface in given]
        values = list(unrolled(semantics.get("values"), boundaries, depth))
        if any(value is not None and (value.__class__ is not int or not 0 <= value < len(given)) for value in values):
            problem = "Surface types that are not listed in their geometry are left out."
            self._findings.add("semantics.mismatch", problem, where=where, severity=Severity.INFO, objects=(where,))
            known = range(len(given))
            values = [value if value.__class__ is int and value in known else None for value in values]
        numbers.append(-1)  # for None
        places = [-1 if value is None else value for value in values]
        types = [numbers[place] for place in places]
        if all(surface.__class__ is not dict or len(surface) < 2 for surface in given):
            return types, None
        rows = [*self._thematic_rows(given, numbers, row), -1]
        return types, [rows[place] for place in places]

    def _thematic_rows(self, given: Sequence[object], types: Sequence[int], row: int) -> list[int]:
        """Return the row of each thematic surface, −1 for one that has no type."""
        first = len(self._thematic)
        rows: list[int] = []
        for type_number in types[: len(given)]:
            rows.append(first + sum(known >= 0 for known in rows) if type_number >= 0 else -1)
        for surface, type_number, own in zip(given, types, rows, strict=False):
            if own < 0:
                continue
            members = surface if isinstance(surface, dict) else {}
            parent = members.get("parent")
            above = rows[parent] if isinstance(parent, int) and 0 <= parent < len(rows) else -1
            surface_id = members.get("id")
            self._thematic.add(
                surface_id if isinstance(surface_id, str) else "",
                type_number,
                row,
                above if above != own else -1,
            )
            left_out = _NOT_ATTRIBUTES + (("id",) if isinstance(surface_id, str) else ())
            self._add_attributes(own, {name: value for name, value in members.items() if name not in left_out})
        return rows

    def _surface_type(self, surface: object) -> int:
        name = surface.get("type") if isinstance(surface, dict) else surface
        if not isinstance(name, str):
            return -1
        return self._surface_types.number(f"{name}Surface" if name in _SHORT_SURFACE_TYPES else name)


def _has_meanings(semantics: object) -> bool:
    values = listed(semantics.get("values")) if isinstance(semantics, dict) else []
    return any(value is not None for value in values)


def _as_surfaces(boundaries: list[Any], kind: SurfaceKind, *, apart: bool) -> list[Any]:
    """Return curves or points as rings of surfaces: each in one of its own where they may differ in meaning."""
    lines = boundaries if kind is SurfaceKind.CURVE else [[point] for point in boundaries] if apart else [boundaries]
    return [[line] for line in lines] if lines != [[]] else []

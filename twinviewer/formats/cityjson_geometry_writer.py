"""Geometries of a city model into CityJSON: boundaries, and beside them semantics, materials and textures.

Whatever is said of surfaces is nested as the boundaries are: in shells, and those in solids.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.cityjson_metadata import nested
from twinviewer.formats.findings import Findings
from twinviewer.formats.outlines import Outlines, Polygon
from twinviewer.model.attributes import AttributeColumn
from twinviewer.model.city_parts import GEOMETRY_TYPES, Theme
from twinviewer.model.layer_data import CityModel

Json = dict[str, Any]

_SOLIDS = ("Solid", "MultiSolid", "CompositeSolid")
_NO_TEXTURE = [None]


class _Piece(NamedTuple):
    """A polygon, a line or a point of a geometry."""

    surface: int
    boundary: Any
    """As CityJSON has it, in numbers of vertices."""
    polygon: Polygon
    """The rings of a polygon in vertices of the model; of lines and points, nothing."""


class GeometryWriter:
    """Makes the geometries of city objects.

    Args:
        data: The model.
        numbers: (v,) of its vertices in the file.
        surface_types: Names for those of the model, as CityJSON has them.
        findings: Hear what is written otherwise than it is.
    """

    def __init__(
        self, data: CityModel, numbers: NDArray[np.int64], surface_types: Sequence[str], findings: Findings
    ) -> None:
        self._data = data
        self._numbers: list[int] = numbers.tolist()
        self._surface_types = surface_types
        self._findings = findings
        self._outlines = Outlines(data, numbers, findings)
        self._order = np.argsort(data.surface_object, kind="stable")
        self._bounds: list[int] = np.searchsorted(
            data.surface_object[self._order], np.arange(len(data.object_ids) + 1)
        ).tolist()
        self._split = self._split_solids()
        appearance = data.appearance
        self._themes = [_ThemeWriter(theme, data, self._outlines) for theme in appearance.themes] if appearance else []
        self._places: dict[tuple[float, float], int] = {}
        self._thematic_of: dict[int, list[int]] = {}
        if data.thematic is not None:
            self._columns = attribute_lists(data.thematic.attributes)
            for row, owner in enumerate(data.thematic.object.tolist()):
                self._thematic_of.setdefault(owner, []).append(row)

    @property
    def places(self) -> list[tuple[float, float]]:
        """In textures, of all geometries made so far."""
        return list(self._places)

    def geometries_of(self, row: int) -> list[Json]:
        """Return the geometries of the city object in ``row``."""
        data = self._data
        surfaces = self._order[self._bounds[row] : self._bounds[row + 1]].tolist()
        grouped: dict[tuple[int, str, int], list[int]] = {}
        for surface in surfaces:
            number = -1 if data.geometries is None else int(data.geometries.surface_geometry[surface])
            kind = self._type(surface, number)
            grouped.setdefault((number, kind, int(data.surface_lod[surface])), []).append(surface)
        keys = sorted(grouped, key=lambda key: (key[0] < 0, grouped[key][0] if key[0] >= 0 else key[2], key[1]))
        pieces = {key: self._pieces(key[1], grouped[key]) for key in keys}
        keys = [key for key in keys if pieces[key]]
        thematic = self._thematic_rows(row, [[piece.surface for piece in pieces[key]] for key in keys])
        return [self._geometry(key[1], key[2], pieces[key], rows) for key, rows in zip(keys, thematic, strict=True)]

    # --- what is of one geometry ---------------------------------------------------------------------------------

    def _split_solids(self) -> set[int]:
        """Return the geometries that cannot be solids: of several objects or levels, or with surfaces of no shell."""
        geometries = self._data.geometries
        if geometries is None:
            return set()
        of = geometries.surface_geometry
        known = of >= 0
        split = set(of[known & (geometries.surface_shell < 0)].tolist())
        for column in (self._data.surface_object, self._data.surface_lod):
            low = np.full(len(geometries.type), np.iinfo(np.int32).max)
            high = np.full(len(geometries.type), -1)
            np.minimum.at(low, of[known], column[known])
            np.maximum.at(high, of[known], column[known])
            split.update(np.flatnonzero(low < high).tolist())
        return split

    def _type(self, surface: int, geometry: int) -> str:
        if geometry >= 0 and self._data.geometries is not None:
            name = GEOMETRY_TYPES[self._data.geometries.type[geometry]]
            if name in _SOLIDS and geometry in self._split:
                where = self._data.object_ids[self._data.surface_object[surface]]
                problem = "Solids that several objects share, or whose shells are not known, are written as surfaces."
                self._findings.add("write.changed", problem, where=where, objects=(where,))
                return "MultiSurface"
            return name
        if self._outlines.points(surface):
            return "MultiPoint"
        return "MultiLineString" if self._outlines.is_curve(surface) else "MultiSurface"

    def _pieces(self, kind: str, surfaces: Sequence[int]) -> list[_Piece]:
        numbers = self._numbers
        if kind == "MultiPoint":
            return [_Piece(row, numbers[point], []) for row in surfaces for point in self._outlines.points(row)]
        if kind == "MultiLineString":
            return [
                _Piece(row, [numbers[corner] for corner in line], [])
                for row in surfaces
                for line in self._outlines.lines(row)
            ]
        return [
            _Piece(row, [[numbers[corner] for corner in ring] for ring in polygon], polygon)
            for row in surfaces
            for polygon in self._outlines.polygons(row)
        ]

    def _geometry(self, kind: str, lod: int, pieces: list[_Piece], thematic: list[int]) -> Json:
        nest = self._nesting(kind, [piece.surface for piece in pieces])
        made: Json = {"type": kind, "boundaries": nest([piece.boundary for piece in pieces])}
        if lod >= 0:
            made["lod"] = self._data.lods[lod]
        self._add_semantics(made, [piece.surface for piece in pieces], thematic, nest)
        if kind not in ("MultiPoint", "MultiLineString"):
            self._add_looks(made, pieces, nest)
        return made

    def _nesting(self, kind: str, surfaces: Sequence[int]) -> Callable[[list[Any]], list[Any]]:
        """Return what puts one value per piece into the lists of the shells and solids of their geometry."""
        if kind not in _SOLIDS or self._data.geometries is None:
            return lambda values: values
        shells = self._data.geometries.surface_shell[list(surfaces)].tolist()
        solids = self._data.geometries.shell_solid.tolist()

        def in_shells(values: list[Any]) -> list[Any]:
            by_shell: dict[int, list[Any]] = {}
            for shell, value in zip(shells, values, strict=True):
                by_shell.setdefault(shell, []).append(value)
            by_solid: dict[int, list[Any]] = {}
            for shell in sorted(by_shell):
                by_solid.setdefault(solids[shell], []).append(by_shell[shell])
            nested_values = list(by_solid.values())
            return nested_values[0] if kind == "Solid" else nested_values

        return in_shells

    # --- semantics -----------------------------------------------------------------------------------------------

    def _thematic_rows(self, row: int, surfaces: Sequence[Sequence[int]]) -> list[list[int]]:
        """Return the thematic surfaces of each geometry: of its surfaces, their parents, and what has no surface.

        The latter go with those that come before them.
        """
        thematic = self._data.thematic
        own = self._thematic_of.get(row)
        if thematic is None or not own:
            return [[] for _ in surfaces]
        of_geometry = [set(thematic.of_surface[list(rows)].tolist()) - {-1} for rows in surfaces]
        for rows in of_geometry:
            for each in list(rows):
                parent = int(thematic.parent[each])
                while parent >= 0 and parent not in rows and thematic.object[parent] == row:
                    rows.add(parent)
                    parent = int(thematic.parent[parent])
        starts = sorted((min(rows), number) for number, rows in enumerate(of_geometry) if rows)
        for each in set(own).difference(*of_geometry):
            if of_geometry:
                before = bisect_right(starts, (each, len(surfaces))) - 1
                of_geometry[starts[max(0, before)][1] if starts else 0].add(each)
            else:
                where = self._data.object_ids[row]
                problem = "Thematic surfaces without a geometry are left out."
                self._findings.add("write.not-held", problem, where=where, objects=(where,))
        return [sorted(rows) for rows in of_geometry]

    def _add_semantics(
        self, made: Json, surfaces: Sequence[int], thematic_rows: list[int], nest: Callable[[list[Any]], list[Any]]
    ) -> None:
        data, thematic = self._data, self._data.thematic
        listed: list[Json] = []
        place: dict[tuple[str, int], int] = {}
        if thematic is not None and thematic_rows:
            for row in thematic_rows:
                place["thematic", row] = len(listed)
                own = {name: values[row] for name, values, present in self._columns if present[row]}
                surface_id = {"id": thematic.ids[row]} if thematic.ids[row] else {}
                listed.append({"type": self._surface_types[thematic.type[row]], **surface_id, **nested(own)})
            for row in thematic_rows:
                parent = place.get(("thematic", int(thematic.parent[row])))
                if parent is not None:
                    number = place["thematic", row]
                    listed[number]["parent"] = parent
                    listed[parent].setdefault("children", []).append(number)
        values: list[int | None] = []
        for surface in surfaces:
            of = -1 if thematic is None else int(thematic.of_surface[surface])
            key = ("thematic", of) if of >= 0 else ("type", int(data.surface_type[surface]))
            if key[1] < 0:
                values.append(None)
                continue
            if key not in place:
                place[key] = len(listed)
                listed.append({"type": self._surface_types[key[1]]})
            values.append(place[key])
        if listed:
            made["semantics"] = {"surfaces": listed, "values": nest(values)}

    # --- looks ---------------------------------------------------------------------------------------------------

    def _add_looks(self, made: Json, pieces: list[_Piece], nest: Callable[[list[Any]], list[Any]]) -> None:
        for theme in self._themes:
            materials = [theme.material[piece.surface] for piece in pieces]
            if any(number >= 0 for number in materials):
                values = [None if number < 0 else number for number in materials]
                made.setdefault("material", {})[theme.name] = {"values": nest(values)}
            textures = [theme.rings(piece.surface, piece.polygon, self._places) for piece in pieces]
            if any(ring is not _NO_TEXTURE for rings in textures for ring in rings):
                made.setdefault("texture", {})[theme.name] = {"values": nest(textures)}


class _ThemeWriter:
    """One theme, by surface."""

    def __init__(self, theme: Theme, data: CityModel, outlines: Outlines) -> None:
        self.name = theme.name
        self.material: list[int] = theme.material.tolist()
        self._texture: list[int] = theme.texture.tolist()
        self._outlines = outlines
        self._data = data
        order = outlines.triangle_order
        self._corners = data.triangles[order]
        self._coordinates = theme.coordinates[order] if len(theme.coordinates) else theme.coordinates

    def rings(self, surface: int, polygon: Polygon, places: dict[tuple[float, float], int]) -> list[list[Any]]:
        """Return the texture of a polygon, ring by ring; new places in textures are added to ``places``."""
        if self._texture[surface] < 0 or not len(self._coordinates):
            return [_NO_TEXTURE] * len(polygon)
        span = self._outlines.triangles(surface)
        corners = self._corners[span.start : span.stop].reshape(-1)
        coordinates = self._coordinates[span.start : span.stop].reshape(-1, 2)
        known = ~np.isnan(coordinates).any(axis=1)
        at: dict[int, tuple[float, float]] = {}
        for corner, (s, t) in zip(corners[known].tolist(), coordinates[known].tolist(), strict=True):
            at.setdefault(corner, (s, t))
        if not at:
            return [_NO_TEXTURE] * len(polygon)
        missing = [corner for ring in polygon for corner in ring if corner not in at]
        if missing:  # a corner on a straight side is of no triangle
            at.update(zip(missing, self._interpolated(missing, list(at), list(at.values())), strict=True))
        return [
            [self._texture[surface], *(places.setdefault(at[corner], len(places)) for corner in ring)]
            for ring in polygon
        ]

    def _interpolated(
        self, corners: Sequence[int], known: Sequence[int], places: Sequence[tuple[float, float]]
    ) -> list[tuple[float, float]]:
        """Return places for corners of a surface, on the plane that the known ones lie on."""
        origin = self._data.vertices[known[0]]
        affine, *_ = np.linalg.lstsq(
            np.column_stack([self._data.vertices[list(known)] - origin, np.ones(len(known))]),
            np.array(places),
            rcond=None,
        )
        found = np.column_stack([self._data.vertices[list(corners)] - origin, np.ones(len(corners))]) @ affine
        return [(s, t) for s, t in found.astype(np.float32).tolist()]


def attribute_lists(columns: Sequence[AttributeColumn]) -> list[tuple[str, list[Any], list[bool]]]:
    """Return the names, values and presence of attributes as plain values."""
    return [(column.name, column.values.tolist(), column.present.tolist()) for column in columns]

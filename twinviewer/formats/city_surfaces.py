"""Surfaces of a city model on the way from a file to columns: ragged arrays, corner by corner, with their looks.

Curves and sets of points go the same way: a curve's rings are open lines, of a set of points each corner is one.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.city_parts import GEOMETRY_TYPES, Geometries

Float64s = NDArray[np.float64]
Float32s = NDArray[np.float32]
Int64s = NDArray[np.int64]
Int8s = NDArray[np.int8]
Bools = NDArray[np.bool_]


class SurfaceKind(IntEnum):
    """What the rings of a surface are."""

    POLYGON = 0
    CURVE = 1
    """Open lines; one that closes ends where it began."""
    POINTS = 2
    """Corners that have nothing to do with one another."""


class SurfaceColumns:
    """Surfaces in the order of the file: whose they are, and how many rings and corners they have."""

    def __init__(self) -> None:
        self.object = array("q")
        self.semantic = array("q")
        """Number of the surface type, −1 where there is none."""
        self.lod = array("q")
        """Number of the level of detail, −1 where it is unknown."""
        self.reversed = array("b")
        """1 where the corners turn the other way round."""
        self.kind = array("b")
        """:class:`SurfaceKind`."""
        self.thematic = array("q")
        """Row of the thematic surface, −1 where there is none, as in the next two."""
        self.geometry = array("q")
        self.shell = array("q")
        self.ring_count = array("q")
        self.ring_size = array("q")

    def __len__(self) -> int:
        return len(self.object)

    def add(
        self,
        *,
        object: int,
        semantic: int,
        lod: int,
        ring_sizes: Sequence[int],
        reversed: bool = False,
        kind: SurfaceKind = SurfaceKind.POLYGON,
        thematic: int = -1,
        geometry: int = -1,
        shell: int = -1,
    ) -> None:
        """Append a surface."""
        self.object.append(object)
        self.semantic.append(semantic)
        self.lod.append(lod)
        self.reversed.append(reversed)
        self.kind.append(kind)
        self.thematic.append(thematic)
        self.geometry.append(geometry)
        self.shell.append(shell)
        self.ring_count.append(len(ring_sizes))
        self.ring_size.extend(ring_sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What surfaces look like in one theme."""

    material: Int64s
    """(s,) −1 for none."""
    texture: Int64s
    """(s,) −1 for none."""
    coordinates: Float32s
    """(c, 2) place in the texture of each corner, NaN where there is none; (0, 2) where there are none at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RaggedSurfaces:
    """Surfaces as arrays, their corners as indices into some vertices."""

    object: Int64s
    """(s,)"""
    semantic: Int64s
    """(s,) as in :class:`SurfaceColumns`, like the next six."""
    lod: Int64s
    reversed: Bools
    kind: Int8s
    thematic: Int64s
    geometry: Int64s
    shell: Int64s
    ring_count: Int64s
    """(s,)"""
    ring_size: Int64s
    """(r,)"""
    corners: Int64s
    """(c,)"""
    looks: Mapping[str, Look] = field(default_factory=dict)
    """By the name of the theme."""

    @classmethod
    def of(cls, columns: SurfaceColumns, corners: Int64s, looks: Mapping[str, Look] | None = None) -> RaggedSurfaces:
        """Return the surfaces of ``columns`` with ``corners`` (c,)."""
        return cls(
            object=np.array(columns.object, np.int64),
            semantic=np.array(columns.semantic, np.int64),
            lod=np.array(columns.lod, np.int64),
            reversed=np.array(columns.reversed, np.bool_),
            kind=np.array(columns.kind, np.int8),
            thematic=np.array(columns.thematic, np.int64),
            geometry=np.array(columns.geometry, np.int64),
            shell=np.array(columns.shell, np.int64),
            ring_count=np.array(columns.ring_count, np.int64),
            ring_size=np.array(columns.ring_size, np.int64),
            corners=corners,
            looks=looks or {},
        )

    @classmethod
    def joined(cls, parts: Sequence[RaggedSurfaces]) -> RaggedSurfaces:
        """Return the surfaces of all parts, whose corners are indices into the same vertices."""
        if len(parts) == 1:
            return parts[0]
        arrays = {
            name: np.concatenate([getattr(part, name) for part in parts])
            for name in (each.name for each in fields(cls))
            if name != "looks"
        }
        themes = dict.fromkeys(theme for part in parts for theme in part.looks)
        return cls(**arrays, looks={theme: _joined_look(theme, parts) for theme in themes})

    @property
    def ring_surface(self) -> Int64s:
        """(r,) surface of each ring."""
        return np.repeat(np.arange(len(self.object)), self.ring_count)

    @property
    def corner_ring(self) -> Int64s:
        """(c,) ring of each corner."""
        return np.repeat(np.arange(len(self.ring_size)), self.ring_size)


def no_look(surfaces: int) -> Look:
    """Return the look of surfaces without material and texture."""
    none = np.full(surfaces, -1, np.int64)
    return Look(material=none, texture=none, coordinates=np.empty((0, 2), np.float32))


def _joined_look(theme: str, parts: Sequence[RaggedSurfaces]) -> Look:
    looks = [part.looks.get(theme) or no_look(len(part.object)) for part in parts]
    coordinates = [look.coordinates for look in looks]
    if any(map(len, coordinates)):
        nowhere = np.full((1, 2), np.nan, np.float32)
        coordinates = [
            places if len(places) else np.broadcast_to(nowhere, (len(part.corners), 2))
            for places, part in zip(coordinates, parts, strict=True)
        ]
    return Look(
        material=np.concatenate([look.material for look in looks]),
        texture=np.concatenate([look.texture for look in looks]),
        coordinates=np.concatenate(coordinates),
    )


def offsets(sizes: Int64s) -> Int64s:
    """Return (n + 1,) where each of n runs of ``sizes`` begins, and where the last one ends."""
    result = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=result[1:])
    return result


class GeometryColumns:
    """Geometries in the order of the file, and the shells of their solids."""

    def __init__(self) -> None:
        self.type = array("i")
        """(g,) index into ``GEOMETRY_TYPES``."""
        self.shell_solid = array("i")
        """(h,) number of the solid that each shell bounds, ascending; its outer shell comes first."""
        self.partial: set[int] = set()
        """Shells that lack surfaces, or have them the wrong way round, because those are given elsewhere."""

    def add(self, type_name: str) -> int:
        """Append a geometry and return its row."""
        self.type.append(GEOMETRY_TYPES.index(type_name))
        return len(self.type) - 1

    def new_solid(self) -> int:
        """Return the number of a solid that has no shell yet."""
        return self.shell_solid[-1] + 1 if self.shell_solid else 0

    def add_shell(self, solid: int) -> int:
        """Append a shell of the newest solid and return its row."""
        self.shell_solid.append(solid)
        return len(self.shell_solid) - 1

    def copied(self, surfaces: RaggedSurfaces, count: int) -> RaggedSurfaces:
        """Return surfaces that are the same ones ``count`` times over, each time with geometries of their own."""
        geometry, shell = surfaces.geometry, surfaces.shell
        if (first := _least(geometry)) is not None:
            own = self.type[first : int(geometry.max()) + 1]
            geometry = _renumbered(geometry, first, len(self.type), len(own), count)
            self.type.extend(own * count)
        if (first := _least(shell)) is not None:
            solids = np.array(self.shell_solid[first : int(shell.max()) + 1], np.int32)
            shell = _renumbered(shell, first, len(self.shell_solid), len(solids), count)
            base, end = len(self.shell_solid), first + len(solids)
            own_partial = [row - first for row in self.partial if first <= row < end]
            self.partial.update(base + row + copy * len(solids) for row in own_partial for copy in range(count))
            each = solids.max() - solids[0] + 1
            moved = solids - solids[0] + self.new_solid() + each * np.arange(count, dtype=np.int32)[:, None]
            self.shell_solid.frombytes(moved.astype(np.int32).tobytes())
        return replace(surfaces, geometry=geometry, shell=shell)

    def finished(self, surfaces: RaggedSurfaces) -> Geometries | None:
        """Return those that ``surfaces`` are part of, None where they are part of none."""
        types, shell_solid = np.array(self.type, np.int32), np.array(self.shell_solid, np.int32)
        used_geometry, surface_geometry = _used(surfaces.geometry, len(types))
        used_shell, surface_shell = _used(surfaces.shell, len(shell_solid))
        if not used_geometry.any():
            return None
        solids = shell_solid[used_shell]
        return Geometries(
            type=types[used_geometry],
            surface_geometry=surface_geometry,
            surface_shell=surface_shell,
            shell_solid=np.cumsum(np.diff(solids, prepend=solids[:1]) > 0, dtype=np.int32),
        )


def _least(rows: Int64s) -> int | None:
    """Return the first row that is one, None where none is."""
    known = rows[rows >= 0]
    return int(known.min()) if len(known) else None


def _renumbered(rows: Int64s, first: int, new_first: int, size: int, count: int) -> Int64s:
    """Return rows that are the same ones ``count`` times over, the k-th time as ``new_first + k * size`` onwards."""
    copy = np.repeat(np.arange(count), len(rows) // count)
    return np.where(rows >= 0, rows - first + new_first + copy * size, -1)


def _used(rows: Int64s, count: int) -> tuple[Bools, NDArray[np.int32]]:
    """Return which of ``count`` rows occur, and the rows as if the others were not."""
    used = np.zeros(count + 1, np.bool_)  # the last one is found by −1
    used[rows] = True
    used[-1] = False
    place = np.cumsum(used, dtype=np.int32) - 1
    place[-1] = -1
    return used[:-1], place[rows]


class InstanceColumns:
    """Places where a shape stands (CityGML's implicit geometry, CityJSON's geometry instances), in file order."""

    def __init__(self) -> None:
        self.object = array("q")
        self.semantic = array("q")
        self.lod = array("q")
        self.first_surface = array("q")
        """Of the shape, among the surfaces of all shapes."""
        self.end_surface = array("q")
        self.matrix = array("d")
        """16 numbers each, row after row."""
        self.position = array("d")
        """3 numbers each."""

    def __len__(self) -> int:
        return len(self.object)

    def add(
        self,
        *,
        object: int,
        semantic: int,
        lod: int,
        surfaces: tuple[int, int],
        matrix: Sequence[float],
        position: Sequence[float],
    ) -> None:
        """Append a place; ``lod`` −1 means that of the shape."""
        self.object.append(object)
        self.semantic.append(semantic)
        self.lod.append(lod)
        self.first_surface.append(surfaces[0])
        self.end_surface.append(surfaces[1])
        self.matrix.extend(matrix)
        self.position.extend(position)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shapes:
    """Shapes in coordinates of their own, in metres, and the places where they stand."""

    surfaces: RaggedSurfaces
    vertices: Float64s
    """(v, 3)"""
    instances: InstanceColumns

    @property
    def positions(self) -> Float64s:
        """(n, 3) of the instances, as stored."""
        return np.array(self.instances.position).reshape(-1, 3)

    def placed(
        self, positions: Float64s, metres: Float64s, first_vertex: int, geometries: GeometryColumns
    ) -> tuple[RaggedSurfaces, Float64s]:
        """Return the surfaces of all instances, and their vertices (w, 3).

        Args:
            positions: (n, 3) of the instances, x east.
            metres: (3,) of one unit of ``positions`` along each axis.
            first_vertex: What the corners of the surfaces count from.
            geometries: Those of the shapes; each instance gets copies of its own.
        """
        spans = np.column_stack([self.instances.first_surface, self.instances.end_surface])
        parts: list[RaggedSurfaces] = []
        vertices: list[Float64s] = []
        for span in np.unique(spans, axis=0):
            rows = np.flatnonzero((spans == span).all(axis=1))
            part, moved = self._of_one_shape(int(span[0]), int(span[1]), rows, positions[rows], metres)
            part = replace(part, corners=part.corners + first_vertex)
            parts.append(geometries.copied(part, len(rows)))
            vertices.append(moved)
            first_vertex += len(moved)
        return RaggedSurfaces.joined(parts), np.concatenate(vertices)

    def _of_one_shape(
        self, first: int, end: int, rows: Int64s, positions: Float64s, metres: Float64s
    ) -> tuple[RaggedSurfaces, Float64s]:
        """Return one shape's surfaces for each instance in ``rows``, corner by corner with vertices of their own."""
        all_rings, all_corners = offsets(self.surfaces.ring_count), offsets(self.surfaces.ring_size)
        rings = slice(all_rings[first], all_rings[end])
        own_corners = slice(all_corners[rings.start], all_corners[rings.stop])
        corners = self.surfaces.corners[own_corners]
        inside = (corners >= 0) & (corners < len(self.vertices))
        points = np.full((len(corners), 3), np.nan)  # NaN: told as any other surface without coordinates
        points[inside] = self.vertices[corners[inside]]
        count, size = len(rows), end - first
        matrix = np.array(self.instances.matrix).reshape(-1, 4, 4)[rows]
        moved = np.einsum("nij,pj->npi", matrix[:, :3, :3], points) + matrix[:, None, :3, 3]
        moved = moved / metres + positions[:, None, :]
        semantic = np.tile(self.surfaces.semantic[first:end], count)
        lod = np.tile(self.surfaces.lod[first:end], count)
        own_semantic = np.repeat(np.array(self.instances.semantic, np.int64)[rows], size)
        own_lod = np.repeat(np.array(self.instances.lod, np.int64)[rows], size)
        surfaces = RaggedSurfaces(
            object=np.repeat(np.array(self.instances.object, np.int64)[rows], size),
            semantic=np.where(semantic >= 0, semantic, own_semantic),
            lod=np.where(own_lod >= 0, own_lod, lod),
            reversed=np.tile(self.surfaces.reversed[first:end], count)
            ^ np.repeat(np.linalg.det(matrix[:, :3, :3]) < 0, size),
            kind=np.tile(self.surfaces.kind[first:end], count),
            thematic=np.tile(self.surfaces.thematic[first:end], count),
            geometry=np.tile(self.surfaces.geometry[first:end], count),
            shell=np.tile(self.surfaces.shell[first:end], count),
            ring_count=np.tile(self.surfaces.ring_count[first:end], count),
            ring_size=np.tile(self.surfaces.ring_size[rings], count),
            corners=np.arange(count * len(corners)),
            looks={
                theme: Look(
                    material=np.tile(look.material[first:end], count),
                    texture=np.tile(look.texture[first:end], count),
                    coordinates=np.tile(look.coordinates[own_corners], (count, 1)),
                )
                for theme, look in self.surfaces.looks.items()
            },
        )
        return surfaces, moved.reshape(-1, 3)

"""Surfaces of a city model on the way from a file to columns: ragged arrays, and shapes that stand in many places."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]
Bools = NDArray[np.bool_]


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
        self.ring_count = array("q")
        self.ring_size = array("q")

    def __len__(self) -> int:
        return len(self.object)

    def add(self, *, object: int, semantic: int, lod: int, ring_sizes: Sequence[int], reversed: bool = False) -> None:
        """Append a surface."""
        self.object.append(object)
        self.semantic.append(semantic)
        self.lod.append(lod)
        self.reversed.append(reversed)
        self.ring_count.append(len(ring_sizes))
        self.ring_size.extend(ring_sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class RaggedSurfaces:
    """Surfaces as arrays, their corners as indices into some vertices."""

    object: Int64s
    """(s,)"""
    semantic: Int64s
    """(s,) as in :class:`SurfaceColumns`, like the next two."""
    lod: Int64s
    reversed: Bools
    ring_count: Int64s
    """(s,)"""
    ring_size: Int64s
    """(r,)"""
    corners: Int64s
    """(c,)"""

    @classmethod
    def of(cls, columns: SurfaceColumns, corners: Int64s) -> RaggedSurfaces:
        """Return the surfaces of ``columns`` with ``corners`` (c,)."""
        return cls(
            object=np.array(columns.object, np.int64),
            semantic=np.array(columns.semantic, np.int64),
            lod=np.array(columns.lod, np.int64),
            reversed=np.array(columns.reversed, np.bool_),
            ring_count=np.array(columns.ring_count, np.int64),
            ring_size=np.array(columns.ring_size, np.int64),
            corners=corners,
        )

    @classmethod
    def joined(cls, parts: Sequence[RaggedSurfaces]) -> RaggedSurfaces:
        """Return the surfaces of all parts, whose corners are indices into the same vertices."""
        return cls(
            object=np.concatenate([part.object for part in parts]),
            semantic=np.concatenate([part.semantic for part in parts]),
            lod=np.concatenate([part.lod for part in parts]),
            reversed=np.concatenate([part.reversed for part in parts]),
            ring_count=np.concatenate([part.ring_count for part in parts]),
            ring_size=np.concatenate([part.ring_size for part in parts]),
            corners=np.concatenate([part.corners for part in parts]),
        )

    @property
    def ring_surface(self) -> Int64s:
        """(r,) surface of each ring."""
        return np.repeat(np.arange(len(self.object)), self.ring_count)

    @property
    def corner_ring(self) -> Int64s:
        """(c,) ring of each corner."""
        return np.repeat(np.arange(len(self.ring_size)), self.ring_size)


def offsets(sizes: Int64s) -> Int64s:
    """Return (n + 1,) where each of n runs of ``sizes`` begins, and where the last one ends."""
    result = np.zeros(len(sizes) + 1, np.int64)
    np.cumsum(sizes, out=result[1:])
    return result


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

    def placed(self, positions: Float64s, metres: Float64s, first_vertex: int) -> tuple[RaggedSurfaces, Float64s]:
        """Return the surfaces of all instances, and their vertices (w, 3).

        Args:
            positions: (n, 3) of the instances, x east.
            metres: (3,) of one unit of ``positions`` along each axis.
            first_vertex: What the corners of the surfaces count from.
        """
        spans = np.column_stack([self.instances.first_surface, self.instances.end_surface])
        parts: list[RaggedSurfaces] = []
        vertices: list[Float64s] = []
        for span in np.unique(spans, axis=0):
            rows = np.flatnonzero((spans == span).all(axis=1))
            part, moved = self._of_one_shape(int(span[0]), int(span[1]), rows, positions[rows], metres)
            parts.append(_shifted(part, first_vertex))
            vertices.append(moved)
            first_vertex += len(moved)
        return RaggedSurfaces.joined(parts), np.concatenate(vertices)

    def _of_one_shape(
        self, first: int, end: int, rows: Int64s, positions: Float64s, metres: Float64s
    ) -> tuple[RaggedSurfaces, Float64s]:
        """Return one shape's surfaces for each instance in ``rows``, corner by corner with vertices of their own."""
        all_rings, all_corners = offsets(self.surfaces.ring_count), offsets(self.surfaces.ring_size)
        rings = slice(all_rings[first], all_rings[end])
        corners = self.surfaces.corners[all_corners[rings.start] : all_corners[rings.stop]]
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
            ring_count=np.tile(self.surfaces.ring_count[first:end], count),
            ring_size=np.tile(self.surfaces.ring_size[rings], count),
            corners=np.arange(count * len(corners)),
        )
        return surfaces, moved.reshape(-1, 3)


def _shifted(surfaces: RaggedSurfaces, by: int) -> RaggedSurfaces:
    return RaggedSurfaces(
        object=surfaces.object,
        semantic=surfaces.semantic,
        lod=surfaces.lod,
        reversed=surfaces.reversed,
        ring_count=surfaces.ring_count,
        ring_size=surfaces.ring_size,
        corners=surfaces.corners + by,
    )

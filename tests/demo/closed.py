"""Whether faces enclose a solid, by counting edges and by trimesh."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import pytest
import shapely
import trimesh
from shapely import Polygon

from twinviewer.demo.town import Corner, Surface


def is_closed(surfaces: Sequence[Surface]) -> bool:
    """Return whether every edge is run through once in each direction."""
    edges = [
        (a, b)
        for surface in surfaces
        for ring in (surface.exterior, *surface.interiors)
        for a, b in zip(ring, (*ring[1:], ring[0]), strict=True)
    ]
    return len(set(edges)) == len(edges) and {(b, a) for a, b in edges} == set(edges)


def volume(surfaces: Sequence[Surface]) -> float:
    """Return the volume that faces enclose, in cubic metres; negative if they look inwards (divergence theorem)."""
    origin = np.array(surfaces[0].exterior[0])
    total = 0.0
    for surface in surfaces:
        for ring in (surface.exterior, *surface.interiors):
            first, *others = np.array(ring) - origin
            total += sum(float(first @ np.cross(second, third)) for second, third in pairwise(others))
    return total / 6


def assert_closed(surfaces: Sequence[Surface], *, m3: float, tolerance: float = 0.15) -> None:
    assert is_closed(surfaces)
    assert volume(surfaces) == pytest.approx(m3, abs=tolerance)


def normal_of(surface: Surface) -> np.ndarray:
    """Return the unit normal of a face by Newell's sums."""
    ring = np.array(surface.exterior)
    ring = ring - ring[0]
    normal = np.cross(ring, np.roll(ring, -1, axis=0)).sum(axis=0)
    return normal / np.linalg.norm(normal)


def mesh_of(surfaces: Sequence[Surface]) -> trimesh.Trimesh:
    """Triangulate faces by constrained Delaunay, which keeps every corner, in the plane in which they are largest."""
    places: dict[Corner, int] = {}
    faces = []
    for surface in surfaces:
        axis = int(np.argmax(np.abs(normal_of(surface))))
        u, v = (axis + 1) % 3, (axis + 2) % 3
        lifted = {(p[u], p[v]): p for ring in (surface.exterior, *surface.interiors) for p in ring}
        rings = [[(p[u], p[v]) for p in ring] for ring in (surface.exterior, *surface.interiors)]
        parts = shapely.get_parts(shapely.constrained_delaunay_triangles(Polygon(rings[0], rings[1:])))
        for part in parts.tolist():
            corners = [places.setdefault(lifted[xy], len(places)) for xy in part.exterior.coords[:-1]]
            ccw = part.exterior.is_ccw == (normal_of(surface)[axis] > 0)
            faces.append(corners if ccw else corners[::-1])
    return trimesh.Trimesh(np.array(list(places)), np.array(faces), process=False)

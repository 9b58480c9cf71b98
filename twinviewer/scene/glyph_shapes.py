"""Low-poly shapes for things that are placed: one unit long, standing on z = 0, heading north."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData

from twinviewer.model.drawing import GlyphShape
from twinviewer.scene.meshes import poly_data

# Each shape is a list of convex parts: the outline of a side view (y along, z up) and its half width at each vertex.
_Part = tuple[tuple[tuple[float, float], ...], tuple[float, ...]]
_CAR: tuple[_Part, ...] = (
    (((-0.5, 0.06), (0.5, 0.06), (0.5, 0.17), (0.44, 0.20), (-0.48, 0.21), (-0.5, 0.17)), (0.2,) * 6),
    (((-0.40, 0.20), (0.24, 0.20), (0.08, 0.33), (-0.28, 0.33)), (0.19, 0.19, 0.15, 0.15)),
)
_ARROW: tuple[_Part, ...] = (
    (((-0.5, 0.0), (0.14, 0.0), (0.14, 0.1), (-0.5, 0.1)), (0.07,) * 4),
    (((0.10, 0.0), (0.5, 0.0), (0.5, 0.1), (0.10, 0.1)), (0.22, 0.0, 0.0, 0.22)),
)
_PIN = np.array([[0.0, 0.0], [0.10, 0.30], [0.20, 0.52], [0.26, 0.70], [0.24, 0.84], [0.15, 0.95], [0.0, 1.0]])
"""Radius and height: a drop on its tip, as on a map."""
_SIDES = 18
_BUS: tuple[_Part, ...] = ((((-0.5, 0.03), (0.5, 0.03), (0.5, 0.24), (0.47, 0.27), (-0.5, 0.27)), (0.11,) * 5),)


def shape_mesh(shape: GlyphShape) -> vtkPolyData:
    """Return the shape's triangles."""
    if shape is GlyphShape.CAR:
        return _of_parts(_CAR)
    if shape is GlyphShape.BUS:
        return _of_parts(_BUS)
    if shape is GlyphShape.SPHERE:
        angle = np.linspace(-np.pi / 2, np.pi / 2, 13)
        return _turned(np.column_stack([0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)]))
    if shape is GlyphShape.CONE:
        return _turned(np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 1.0]]))
    if shape is GlyphShape.CYLINDER:
        return _turned(np.array([[0.0, 0.0], [0.2, 0.0], [0.2, 1.0], [0.0, 1.0]]))
    if shape is GlyphShape.PIN:
        return _turned(_PIN)
    return _of_parts(_ARROW)


def _of_parts(parts: tuple[_Part, ...]) -> vtkPolyData:
    points: list[NDArray[np.float64]] = []
    triangles: list[list[int]] = []
    for outline, half_widths in parts:
        first, corners = sum(map(len, points)), len(outline)
        side = np.array(outline)
        half = np.array(half_widths)
        points += [np.column_stack([-half, side]), np.column_stack([half, side])]
        for corner in range(1, corners - 1):
            triangles.append([first, first + corner + 1, first + corner])
            triangles.append([first + corners, first + corners + corner, first + corners + corner + 1])
        for corner in range(corners):
            a, b = first + corner, first + (corner + 1) % corners
            c, d = a + corners, b + corners
            triangles += [[a, b, c], [b, d, c]]
    return poly_data(np.concatenate(points).astype(np.float32), triangles=np.array(triangles, dtype=np.int32))


def _turned(profile: NDArray[np.float64]) -> vtkPolyData:
    """Return a profile (n, 2) of radius and height, from the bottom up, turned about the vertical."""
    angle = np.linspace(0, 2 * np.pi, _SIDES, endpoint=False)
    radius, height = profile.T
    points = np.stack(
        [np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle)), np.repeat(height[:, None], _SIDES, axis=1)],
        axis=-1,
    ).reshape(-1, 3)
    ring = np.arange(_SIDES, dtype=np.int32)
    following = np.roll(ring, -1)
    triangles = []
    for level in range(len(profile) - 1):
        low, high = level * _SIDES, (level + 1) * _SIDES
        if radius[level] > 0:
            triangles.append(np.stack([low + ring, low + following, high + ring], axis=1))
        if radius[level + 1] > 0:
            triangles.append(np.stack([low + following, high + following, high + ring], axis=1))
    return poly_data(points.astype(np.float32), triangles=np.concatenate(triangles).astype(np.int32))

"""Low-poly shapes for things that are placed: one unit long, standing on z = 0, heading north."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkImageData, vtkPolyData
from vtkmodules.vtkRenderingCore import vtkTexture

from twinviewer.model.drawing import GlyphShape
from twinviewer.model.layer_data import TriangleMesh
from twinviewer.scene.meshes import as_vtk, poly_data

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
_CUBE: tuple[_Part, ...] = ((((-0.5, 0.0), (0.5, 0.0), (0.5, 1.0), (-0.5, 1.0)), (0.5,) * 4),)
_BUS: tuple[_Part, ...] = ((((-0.5, 0.03), (0.5, 0.03), (0.5, 0.24), (0.47, 0.27), (-0.5, 0.27)), (0.11,) * 5),)
_PERSON_BODY: tuple[_Part, ...] = (
    (((-0.05, 0.0), (0.05, 0.0), (0.055, 0.46), (-0.055, 0.46)), (0.085, 0.085, 0.10, 0.10)),
    (((-0.055, 0.46), (0.055, 0.46), (0.06, 0.80), (-0.06, 0.80)), (0.10, 0.10, 0.15, 0.15)),
    (((-0.06, 0.80), (0.06, 0.80), (0.03, 0.85), (-0.03, 0.85)), (0.15, 0.15, 0.05, 0.05)),
)
_HEAD = np.array([[0.0, 0.83], [0.05, 0.85], [0.075, 0.915], [0.05, 0.98], [0.0, 1.0]])
_PIN = np.array([[0.0, 0.0], [0.10, 0.30], [0.20, 0.52], [0.26, 0.70], [0.24, 0.84], [0.15, 0.95], [0.0, 1.0]])
"""Radius and height: a drop on its tip, as on a map."""
_TRUNK = np.array([[0.0, 0.0], [0.035, 0.0], [0.025, 0.32], [0.0, 0.32]])
_CROWN = np.array([[0.0, 0.22], [0.17, 0.28], [0.27, 0.46], [0.25, 0.68], [0.14, 0.90], [0.0, 1.0]])
_SIDES = 14
_FEW_SIDES = 9
"""Of shapes that stand by the thousand."""
COLUMN_SIDES = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What is copied."""

    mesh: vtkPolyData
    texture: vtkTexture | None = None
    """The shape's own colours, where it has any."""


def shape_of(shape: GlyphShape) -> Shape:
    """Return a built-in shape."""
    return Shape(mesh=shape_mesh(shape))


def shape_mesh(shape: GlyphShape) -> vtkPolyData:
    """Return the shape's triangles."""
    match shape:
        case GlyphShape.CAR:
            return _merged(_of_parts(_CAR))
        case GlyphShape.BUS:
            return _merged(_of_parts(_BUS))
        case GlyphShape.CUBE:
            return _merged(_of_parts(_CUBE))
        case GlyphShape.ARROW:
            return _merged(_of_parts(_ARROW))
        case GlyphShape.PERSON:
            return _merged(_of_parts(_PERSON_BODY), _turned(_HEAD, sides=_FEW_SIDES))
        case GlyphShape.TREE:
            return _merged(_turned(_TRUNK, sides=5), _turned(_CROWN, sides=_FEW_SIDES))
        case GlyphShape.SPHERE:
            angle = np.linspace(-np.pi / 2, np.pi / 2, 9)
            return _merged(_turned(np.column_stack([0.5 * np.cos(angle), 0.5 + 0.5 * np.sin(angle)])))
        case GlyphShape.CONE:
            return _merged(_turned(np.array([[0.0, 0.0], [0.3, 0.0], [0.0, 1.0]])))
        case GlyphShape.CYLINDER:
            return _merged(_turned(np.array([[0.0, 0.0], [0.2, 0.0], [0.2, 1.0], [0.0, 1.0]])))
        case GlyphShape.PIN:
            return _merged(_turned(_PIN))


def column_shape() -> Shape:
    """Return a column of radius 1 and height 1."""
    profile = np.array([[1.0, 0.0], [1.0, 1.0], [0.0, 1.0]])
    return Shape(mesh=_merged(_turned(profile, sides=COLUMN_SIDES)))


def loaded_shape(mesh: TriangleMesh) -> Shape:
    """Return a foreign mesh brought to one unit, with its colours in a texture of one pixel for each colour.

    Copies of a shape have one colour each; a texture is how they can have several all the same.
    """
    if len(mesh.triangles) == 0:
        return Shape(mesh=vtkPolyData())
    low, high = mesh.vertices.min(axis=0), mesh.vertices.max(axis=0)
    longest = float((high - low).max()) or 1.0
    foot = np.array([(low[0] + high[0]) / 2, (low[1] + high[1]) / 2, low[2]])
    points = ((mesh.vertices - foot) / longest).astype(np.float32)
    if mesh.vertex_rgb is None:
        return Shape(mesh=poly_data(points, triangles=mesh.triangles))
    rgb = mesh.vertex_rgb[mesh.triangles].mean(axis=1).round().astype(np.uint8)  # one colour per triangle
    palette, colour = np.unique(rgb, axis=0, return_inverse=True)
    side = int(np.ceil(np.sqrt(len(palette))))
    texels = np.zeros((side * side, 3), np.uint8)
    texels[: len(palette)] = palette
    data = poly_data(
        points[mesh.triangles.ravel()], triangles=np.arange(mesh.triangles.size, dtype=np.int32).reshape(-1, 3)
    )
    place = np.column_stack([(colour % side + 0.5) / side, (colour // side + 0.5) / side]).astype(np.float32)
    data.GetPointData().SetTCoords(as_vtk(np.repeat(place, 3, axis=0), "texture"))
    image = vtkImageData()
    image.SetDimensions(side, side, 1)
    image.GetPointData().SetScalars(as_vtk(texels, "rgb"))
    texture = vtkTexture()
    texture.SetInputData(image)
    texture.SetColorModeToDirectScalars()
    texture.InterpolateOff()
    texture.RepeatOff()
    return Shape(mesh=data, texture=texture)


_Mesh = tuple[NDArray[np.float64], NDArray[np.int32]]


def _merged(*meshes: _Mesh) -> vtkPolyData:
    first = np.cumsum([0, *(len(points) for points, _ in meshes)])
    return poly_data(
        np.concatenate([points for points, _ in meshes]).astype(np.float32),
        triangles=np.concatenate(
            [triangles + np.int32(start) for (_, triangles), start in zip(meshes, first, strict=False)]
        ),
    )


def _of_parts(parts: tuple[_Part, ...]) -> _Mesh:
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
    return np.concatenate(points), np.array(triangles, dtype=np.int32)


def _turned(profile: NDArray[np.float64], *, sides: int = _SIDES) -> _Mesh:
    """Return a profile (n, 2) of radius and height, from the bottom up, turned about the vertical."""
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    radius, height = profile.T
    points = np.stack(
        [np.outer(radius, np.cos(angle)), np.outer(radius, np.sin(angle)), np.repeat(height[:, None], sides, axis=1)],
        axis=-1,
    ).reshape(-1, 3)
    ring = np.arange(sides, dtype=np.int32)
    following = np.roll(ring, -1)
    triangles = []
    for level in range(len(profile) - 1):
        low, high = level * sides, (level + 1) * sides
        if radius[level] > 0:
            triangles.append(np.stack([low + ring, low + following, high + ring], axis=1))
        if radius[level + 1] > 0:
            triangles.append(np.stack([low + following, high + following, high + ring], axis=1))
    return points, np.concatenate(triangles).astype(np.int32)

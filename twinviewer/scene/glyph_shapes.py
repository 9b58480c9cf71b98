"""Low-poly shapes for things that are placed: one unit long, standing on z = 0, heading north."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkFiltersSources import vtkArrowSource, vtkConeSource, vtkCylinderSource, vtkSphereSource

from twinviewer.model.drawing import GlyphShape
from twinviewer.scene.meshes import as_vtk, poly_data

# Each shape is a list of convex parts: the outline of a side view (y along, z up) and its half width at each vertex.
_Part = tuple[tuple[tuple[float, float], ...], tuple[float, ...]]
_CAR: tuple[_Part, ...] = (
    (((-0.5, 0.06), (0.5, 0.06), (0.5, 0.17), (0.44, 0.20), (-0.48, 0.21), (-0.5, 0.17)), (0.2,) * 6),
    (((-0.40, 0.20), (0.24, 0.20), (0.08, 0.33), (-0.28, 0.33)), (0.19, 0.19, 0.15, 0.15)),
)
_BUS: tuple[_Part, ...] = ((((-0.5, 0.03), (0.5, 0.03), (0.5, 0.24), (0.47, 0.27), (-0.5, 0.27)), (0.11,) * 5),)


def shape_mesh(shape: GlyphShape) -> vtkPolyData:
    """Return the shape's triangles."""
    if shape is GlyphShape.CAR:
        return _of_parts(_CAR)
    if shape is GlyphShape.BUS:
        return _of_parts(_BUS)
    if shape is GlyphShape.PIN:
        return _pin()
    if shape is GlyphShape.SPHERE:
        sphere = vtkSphereSource()
        sphere.SetRadius(0.5)
        sphere.SetCenter(0, 0, 0.5)
        sphere.SetThetaResolution(20)
        sphere.SetPhiResolution(14)
        sphere.Update()
        return sphere.GetOutput()
    if shape is GlyphShape.CONE:
        cone = vtkConeSource()
        cone.SetDirection(0, 0, 1)
        cone.SetHeight(1)
        cone.SetRadius(0.3)
        cone.SetCenter(0, 0, 0.5)
        cone.SetResolution(20)
        cone.Update()
        return cone.GetOutput()
    if shape is GlyphShape.CYLINDER:
        cylinder = vtkCylinderSource()
        cylinder.SetHeight(1)
        cylinder.SetRadius(0.2)
        cylinder.SetResolution(20)
        cylinder.Update()
        return _moved(cylinder.GetOutput(), lambda p: np.stack([p[:, 0], -p[:, 2], p[:, 1] + 0.5], axis=1))
    arrow = vtkArrowSource()
    arrow.SetTipResolution(16)
    arrow.SetShaftResolution(12)
    arrow.SetShaftRadius(0.06)
    arrow.SetTipRadius(0.18)
    arrow.Update()
    return _moved(arrow.GetOutput(), lambda p: np.stack([-p[:, 1], p[:, 0] - 0.5, p[:, 2] + 0.18], axis=1))


def _of_parts(parts: tuple[_Part, ...]) -> vtkPolyData:
    points: list[NDArray[np.float64]] = []
    triangles: list[list[int]] = []
    for outline, half_widths in parts:
        first, corners = sum(map(len, points)), len(outline)
        side = np.array(outline)
        for sign in (-1.0, 1.0):
            points.append(np.column_stack([sign * np.array(half_widths), side]))
        for corner in range(1, corners - 1):
            triangles.append([first, first + corner + 1, first + corner])
            triangles.append([first + corners, first + corners + corner, first + corners + corner + 1])
        for corner in range(corners):
            a, b = first + corner, first + (corner + 1) % corners
            c, d = a + corners, b + corners
            triangles += [[a, b, c], [b, d, c]]
    return poly_data(np.concatenate(points).astype(np.float32), triangles=np.array(triangles, dtype=np.int32))


def _pin() -> vtkPolyData:
    """A drop on its tip, as on a map."""
    profile = np.array([[0.0, 0.0], [0.10, 0.30], [0.20, 0.52], [0.26, 0.70], [0.24, 0.84], [0.15, 0.95], [0.0, 1.0]])
    sides = 18
    angle = np.linspace(0, 2 * np.pi, sides, endpoint=False)
    points = np.stack(
        [
            np.outer(profile[:, 0], np.cos(angle)),
            np.outer(profile[:, 0], np.sin(angle)),
            np.repeat(profile[:, 1:], sides, axis=1),
        ],
        axis=-1,
    ).reshape(-1, 3)
    ring = np.arange(sides, dtype=np.int32)
    following = np.roll(ring, -1)
    triangles = []
    for level in range(len(profile) - 1):
        low, high = level * sides, (level + 1) * sides
        triangles.append(np.stack([low + ring, low + following, high + ring], axis=1))
        triangles.append(np.stack([low + following, high + following, high + ring], axis=1))
    return poly_data(points.astype(np.float32), triangles=np.concatenate(triangles).astype(np.int32))


def _moved(mesh: vtkPolyData, move: object) -> vtkPolyData:
    from vtkmodules.util.numpy_support import vtk_to_numpy

    assert callable(move)
    points = move(vtk_to_numpy(mesh.GetPoints().GetData()))
    result = vtkPolyData()
    result.DeepCopy(mesh)
    result.GetPoints().SetData(as_vtk(points.astype(np.float32)))
    result.GetPointData().Initialize()  # the source's normals point where the shape no longer does
    return result

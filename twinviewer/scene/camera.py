"""Viewpoints and VTK's camera: applied in local coordinates, read back in the project's.

The camera keeps float64 numbers, so a viewpoint comes back as it was set.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer

from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Viewpoint
from twinviewer.scene.navigation import camera_axes

_NEAREST_SHARE = 1 / 20_000
"""Of the far distance: closer, and a 24-bit depth buffer no longer tells walls apart."""


def apply_viewpoint(camera: vtkCamera, viewpoint: Viewpoint, frame: LocalFrame) -> None:
    """Move the camera; the horizon stays level, and looking straight down keeps the heading."""
    origin = np.asarray(frame.origin)
    position = np.asarray(viewpoint.position) - origin
    target = np.asarray(viewpoint.target) - origin
    camera.SetPosition(*position)
    camera.SetFocalPoint(*target)
    camera.SetViewAngle(viewpoint.view_angle_deg)
    camera.SetParallelProjection(viewpoint.parallel)
    if viewpoint.parallel:
        camera.SetParallelScale(max(viewpoint.parallel_height_m, 1e-3) / 2)
    _, up, _ = camera_axes(viewpoint)
    camera.SetViewUp(*up)


def viewpoint_of(camera: vtkCamera, frame: LocalFrame) -> Viewpoint:
    """Return where the camera is, in the project's reference system."""
    x, y, z = frame.to_world(camera.GetPosition())
    target_x, target_y, target_z = frame.to_world(camera.GetFocalPoint())
    parallel = bool(camera.GetParallelProjection())
    return Viewpoint(
        position=(float(x), float(y), float(z)),
        target=(float(target_x), float(target_y), float(target_z)),
        view_angle_deg=camera.GetViewAngle(),
        parallel=parallel,
        parallel_height_m=2 * camera.GetParallelScale() if parallel else 0.0,
    )


def set_clipping_range(renderer: vtkRenderer, bounds: NDArray[np.float64] | None) -> None:
    """Bring the near and far planes as close around the local box (3, 2) as the camera's place allows."""
    if bounds is None:
        return
    camera = renderer.GetActiveCamera()
    position, along = np.array(camera.GetPosition()), np.array(camera.GetDirectionOfProjection())
    corners = np.array(np.meshgrid(*bounds)).reshape(3, -1).T
    depths = (corners - position) @ along
    size = float(np.linalg.norm(bounds[:, 1] - bounds[:, 0]))
    far = max(float(depths.max()), 1.0) + 0.02 * size + 1.0
    if camera.GetParallelProjection():
        near = float(depths.min()) - 0.02 * size - 1.0
    else:
        near = max(float(depths.min()) - 0.02 * size, far * _NEAREST_SHARE, 0.05)
    camera.SetClippingRange(near, far)

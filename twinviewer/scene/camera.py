"""Viewpoints and VTK's camera: applied in local coordinates, read back in the project's.

The camera keeps float64 numbers, so a viewpoint comes back as it was set.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer

from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Viewpoint
from twinviewer.scene.navigation import camera_axes

_NEAREST_SHARE = 1 / 20_000
"""Of the far distance: closer, and a 24-bit depth buffer no longer tells walls apart."""
_NEAREST_SHARE_OF_VIEW = 1 / 50
"""Of the distance to what is looked at: a layer on another continent must not cut it away."""
_NEAREST_M = 0.25
_CORNER_SHARE = 0.6
"""Depth of a point in the picture's corner, per distance: cosine of half the diagonal view angle, generously."""


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


def set_clipping_range(renderer: vtkRenderer, boxes: Sequence[NDArray[np.float64]]) -> None:
    """Bring the near and far planes as close around the local boxes (3, 2) as the camera's place allows."""
    if not boxes:
        return
    camera = renderer.GetActiveCamera()
    position, along = np.array(camera.GetPosition()), np.array(camera.GetDirectionOfProjection())
    sides = np.stack(boxes)  # (boxes, 3, 2)
    corners = np.stack(
        [sides[:, axis, side] for corner in range(8) for axis, side in enumerate(np.unravel_index(corner, (2, 2, 2)))]
    ).reshape(8, 3, -1)
    depths = np.einsum("cab,a->cb", corners - position[:, None], along)
    margin = 0.001 * float(np.ptp(corners, axis=(0, 2)).max()) + 1.0
    far = max(float(depths.max()), 1.0) + margin
    if camera.GetParallelProjection():
        camera.SetClippingRange(float(depths.min()) - margin, far)
        return
    # The nearest box bounds the nearest thing: straight ahead, or beside the camera by the picture's corner angle.
    gaps = np.maximum(np.maximum(sides[:, :, 0] - position, position - sides[:, :, 1]), 0)
    nearest = float(np.linalg.norm(gaps, axis=1)[depths.max(axis=0) > 0].min(initial=far))
    least = min(far * _NEAREST_SHARE, camera.GetDistance() * _NEAREST_SHARE_OF_VIEW)
    camera.SetClippingRange(max(_CORNER_SHARE * nearest - margin, least, _NEAREST_M), far)


def around(boxes: Sequence[NDArray[np.float64]]) -> NDArray[np.float64] | None:
    """Return the box (3, 2) that holds all of ``boxes``, or None if there are none."""
    if not boxes:
        return None
    sides = np.stack(boxes)
    return np.stack([sides[:, :, 0].min(axis=0), sides[:, :, 1].max(axis=0)], axis=1)

"""Viewpoints and VTK's camera: applied in local coordinates, read back in the project's.

The camera keeps float64 numbers, so a viewpoint comes back as it was set.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkCamera, vtkRenderer

from twinviewer.model.place import Extent, LocalFrame
from twinviewer.model.project import Viewpoint

VIEW_ANGLE_DEG = 40.0
NAMED_VIEWS = ("overview", "iso", "top", "street")
_NEAREST_SHARE = 1 / 20_000
"""Of the far distance: closer, and a 24-bit depth buffer no longer tells walls apart."""
_EYE_HEIGHT_M = 1.7
_LOOKING_DOWN = 0.9999


def named_view(name: str, extent: Extent, *, ground_m: float | None = None) -> Viewpoint:
    """Return the view ``name`` of ``extent``.

    Args:
        name: ``overview`` (from the south-west, in perspective), ``iso`` (isometric, parallel), ``top`` (plan,
            north up) or ``street`` (standing in the middle, looking north).
        extent: What to see, in the project's reference system.
        ground_m: Height of the ground in the middle, for ``street``; None: the extent's lowest.

    Raises:
        KeyError: There is no view of that name.
    """
    x, y, z = extent.centre
    width, depth, _ = extent.size
    size = max(math.hypot(width, depth), 20.0)
    if name == "top":
        return Viewpoint(
            position=(x, y, extent.max_z + size),
            target=(x, y, z),
            view_angle_deg=VIEW_ANGLE_DEG,
            parallel=True,
            parallel_height_m=1.05 * max(depth, width / 1.6, 20.0),
        )
    if name == "street":
        eye = (extent.min_z if ground_m is None else ground_m) + _EYE_HEIGHT_M
        return Viewpoint(position=(x, y, eye), target=(x, y + 50.0, eye + 4.0), view_angle_deg=60.0)
    if name == "iso":
        distance = 1.5 * size
        rise = distance * math.sin(math.radians(35.264))  # the angle at which a cube's three faces look alike
        run = distance * math.cos(math.radians(35.264)) / math.sqrt(2)
        return Viewpoint(
            position=(x - run, y - run, z + rise),
            target=(x, y, z),
            view_angle_deg=VIEW_ANGLE_DEG,
            parallel=True,
            parallel_height_m=0.68 * size,
        )
    if name == "overview":
        distance = 0.92 * size
        azimuth, pitch = math.radians(205.0), math.radians(32.0)
        return Viewpoint(
            position=(
                x + distance * math.sin(azimuth) * math.cos(pitch),
                y + distance * math.cos(azimuth) * math.cos(pitch),
                z + distance * math.sin(pitch),
            ),
            target=(x, y, z),
            view_angle_deg=VIEW_ANGLE_DEG,
        )
    raise KeyError(name)


def apply_viewpoint(camera: vtkCamera, viewpoint: Viewpoint, frame: LocalFrame) -> None:
    """Move the camera; north is up in plans, and the horizon never rolls."""
    origin = np.asarray(frame.origin)
    position = np.asarray(viewpoint.position) - origin
    target = np.asarray(viewpoint.target) - origin
    camera.SetPosition(*position)
    camera.SetFocalPoint(*target)
    camera.SetViewAngle(viewpoint.view_angle_deg)
    camera.SetParallelProjection(viewpoint.parallel)
    if viewpoint.parallel:
        camera.SetParallelScale(max(viewpoint.parallel_height_m, 1e-3) / 2)
    along = target - position
    steep = abs(along[2]) > _LOOKING_DOWN * float(np.linalg.norm(along))
    camera.SetViewUp(*((0.0, 1.0, 0.0) if steep else (0.0, 0.0, 1.0)))


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

"""Which ground a camera sees near by: where fine shadows are worth their price."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkCamera

Float64s = NDArray[np.float64]
GroundHeights = Callable[[Float64s], Float64s]
"""Local positions (n, 2) → heights (n,)."""

_RAYS = 12
"""Along each side of the picture."""
_STEPS = 4
"""From a plane towards the terrain: heights change little along a ray that meets the ground."""
_NEAR = 4.0
"""What is farther than so many times the nearest ground in the picture is far."""
_MARGIN = 0.06
_ABOVE_GROUND_M = 35.0
"""How high over the ground things still count as near: roofs of ordinary houses."""


def near_box(camera: vtkCamera, *, aspect: float, ground_heights: GroundHeights) -> Float64s | None:
    """Return the local box (3, 2) around the near part of the ground in the picture, and what stands on it.

    Args:
        camera: Perspective or parallel.
        aspect: Width of the picture per height.
        ground_heights: Of the ground that is shown.

    Returns:
        None where the picture shows no ground.
    """
    starts, directions = _rays(camera, aspect)
    places, along = _met(starts, directions, ground_heights)
    if len(places) == 0:
        return None
    near = places if camera.GetParallelProjection() else places[along <= _NEAR * along.min()]
    low, high = near.min(axis=0), near.max(axis=0)
    margin = np.maximum((high - low) * _MARGIN, 5.0)
    low, high = low - margin, high + margin
    high[2] += _ABOVE_GROUND_M
    return np.stack([low, high], axis=1)


def _rays(camera: vtkCamera, aspect: float) -> tuple[Float64s, Float64s]:
    """Return starts and unit directions (n, 3) of the rays through a grid of places in the picture."""
    position, forward = np.array(camera.GetPosition()), np.array(camera.GetDirectionOfProjection())
    right = np.cross(forward, np.array(camera.GetViewUp()))
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    across, upward = (grid.ravel()[:, None] for grid in np.meshgrid(*[np.linspace(-1.0, 1.0, _RAYS)] * 2))
    if camera.GetParallelProjection():
        half = camera.GetParallelScale()
        starts = position + half * (aspect * across * right + upward * up)
        return starts, np.broadcast_to(forward, starts.shape)
    half = math.tan(math.radians(camera.GetViewAngle()) / 2)
    directions = forward + half * (aspect * across * right + upward * up)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    return np.broadcast_to(position, directions.shape), directions


def _met(starts: Float64s, directions: Float64s, ground_heights: GroundHeights) -> tuple[Float64s, Float64s]:
    """Return where (n, 3) the rays meet the ground, and how far along each; those that do not are left out."""
    down = directions[:, 2] < -0.01
    starts, directions = starts[down], directions[down]
    heights = ground_heights(starts[:, :2])
    along = np.zeros(len(starts))
    for _ in range(_STEPS):
        along = np.maximum((heights - starts[:, 2]) / directions[:, 2], 0.0)
        heights = ground_heights((starts + along[:, None] * directions)[:, :2])
    places = starts + along[:, None] * directions
    met = along > 0
    return places[met], along[met]

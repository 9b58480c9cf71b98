"""Views of known scale onto the middle of the small town, and where things are in their pictures."""

from __future__ import annotations

import numpy as np

from tests.scene.small_city import ORIGIN
from twinviewer.model.project import Viewpoint
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.drawn import Drawn
from twinviewer.scene.picture import pixels_of

WIDTH_PX, HEIGHT_PX = 400, 300
M_PER_PX = 0.5
X, Y, _ = ORIGIN
CENTRE = np.array([X + 50.0, Y + 45.0, 0.0])

_HEIGHT_M = HEIGHT_PX * M_PER_PX
FROM_ABOVE = Viewpoint(
    position=(CENTRE[0], CENTRE[1], 400.0),
    target=(CENTRE[0], CENTRE[1] + 1e-3, 0.0),
    parallel=True,
    parallel_height_m=_HEIGHT_M,
)
FROM_SOUTH = Viewpoint(
    position=(CENTRE[0], CENTRE[1] - 400.0, 50.0),
    target=(CENTRE[0], CENTRE[1], 50.0),
    parallel=True,
    parallel_height_m=_HEIGHT_M,
)
"""The horizon is 50 m above the ground."""


def picture(scene: CityScene, view: Viewpoint) -> np.ndarray:
    """Return the pixels (rows, columns, 3) as they are, without smoothing."""
    scene.viewpoint = view
    scene._renderer.SetUseFXAA(False)
    return pixels_of(scene.window).astype(int)


def drawn(scene: CityScene, overlay_id: str) -> list[Drawn]:
    """Return what an overlay has on the screen."""
    return [each for each, _ in scene._overlays._overlays[overlay_id].drawn]


def redness(pixels: np.ndarray) -> np.ndarray:
    """Return how much redder than grey pixels are, 0 to 255."""
    return pixels[..., 0] - np.maximum(pixels[..., 1], pixels[..., 2])


def size_px(mask: np.ndarray) -> tuple[int, int]:
    """Return the width and height of the box around what is True."""
    rows, columns = np.nonzero(mask)
    return int(np.ptp(columns)) + 1, int(np.ptp(rows)) + 1

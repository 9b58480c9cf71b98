from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.scene.camera import set_clipping_range

HERE = np.array([[-20.0, 20.0], [-20.0, 20.0], [0.0, 15.0]])


def test_a_layer_on_another_continent_does_not_cut_away_what_is_near() -> None:
    renderer = vtkRenderer()
    camera = renderer.GetActiveCamera()
    camera.SetPosition(0.0, -60.0, 60.0)
    camera.SetFocalPoint(0.0, 0.0, 0.0)
    camera.SetViewUp(0.0, 0.0, 1.0)
    for away_m in (1e5, 1e6, 5e7):
        away = HERE + np.array([[0.0], [away_m], [0.0]])
        set_clipping_range(renderer, [HERE, away])
        near, far = camera.GetClippingRange()
        assert near < 40, "the near box begins 60 m before the camera"
        assert far > away_m * np.cos(np.radians(45))

"""Scenes that answer what navigation asks, without layers: one of pure numbers, one of boxes in a plotter."""

from __future__ import annotations

import math

import numpy as np
import pyvista
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.place import Extent
from twinviewer.model.project import Viewpoint
from twinviewer.scene import navigation
from twinviewer.scene.navigation import Picture, Point

EAST, NORTH = 565_000.0, 5_930_000.0
HOME = Viewpoint(position=(EAST - 300, NORTH - 600, 400.0), target=(EAST, NORTH, 0.0))


class FlatScene:
    """A square kilometre of flat ground; counts how often it was asked what is seen."""

    def __init__(self, picture: Picture) -> None:
        self.picture = picture
        self.viewpoint = HOME
        self.box: Extent | None = Extent(
            min_x=EAST - 500, min_y=NORTH - 500, min_z=0.0, max_x=EAST + 500, max_y=NORTH + 500, max_z=40.0
        )
        self.questions = 0

    def extent(self) -> Extent | None:
        return self.box

    def world_at(self, x_px: float, y_px: float) -> Point | None:
        self.questions += 1
        origin, direction = navigation.ray(self.viewpoint, x_px, y_px, self.picture)
        if direction[2] > -0.02:
            return None
        x, y, z = origin - direction * origin[2] / direction[2]
        return (float(x), float(y), float(z))

    def ground_height(self, x: float, y: float) -> float | None:
        return 0.0


class HillyScene(FlatScene):
    """The same on waves 20 m high."""

    def ground_height(self, x: float, y: float) -> float | None:
        return 10 + 10 * math.sin((x - EAST) / 60) * math.cos((y - NORTH) / 80)


class BoxScene(FlatScene):
    """Boxes in a real plotter, drawn about a local origin as the city is; the camera is VTK's own."""

    def __init__(self, plotter: pyvista.BasePlotter, picture: Picture) -> None:
        self._plotter = plotter
        super().__init__(picture)
        plotter.add_mesh(pyvista.Plane(i_size=1000, j_size=1000), color="#c9d3b8", reset_camera=False)
        for x in range(-450, 451, 150):
            for y in range(-450, 451, 150):
                plotter.add_mesh(pyvista.Box((x, x + 60, y, y + 60, 0, 30)), color="#e8dcc8", reset_camera=False)

    @property
    def renderer(self) -> vtkRenderer:
        return self._plotter.renderer

    @property
    def viewpoint(self) -> Viewpoint:
        return self._viewpoint

    @viewpoint.setter
    def viewpoint(self, viewpoint: Viewpoint) -> None:
        self._viewpoint = viewpoint
        camera = self._plotter.camera
        camera.position = np.subtract(viewpoint.position, (EAST, NORTH, 0))
        camera.focal_point = np.subtract(viewpoint.target, (EAST, NORTH, 0))
        camera.up = navigation.camera_axes(viewpoint)[1]
        camera.view_angle = viewpoint.view_angle_deg
        camera.parallel_projection = viewpoint.parallel
        camera.parallel_scale = viewpoint.parallel_height_m / 2 or 1.0
        self.renderer.ResetCameraClippingRange()
        self._plotter.render()

    def seen_at(self, point: Point) -> tuple[float, float]:
        """Return the pixel, from the top left, at which VTK itself draws ``point``."""
        self.renderer.SetWorldPoint(*np.subtract(point, (EAST, NORTH, 0)), 1.0)
        self.renderer.WorldToDisplay()
        x, y, _ = self.renderer.GetDisplayPoint()
        return (x, self.renderer.GetRenderWindow().GetSize()[1] - y)

"""The highlight of what was picked: a tint over its faces and a bright outline."""

from __future__ import annotations

import numpy as np
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from twinviewer.model.project import LayerId
from twinviewer.scene.colours import unit_rgb
from twinviewer.scene.layer_actor import Outline
from twinviewer.scene.meshes import actor_of, poly_data

TINT = "#ffb454"
LINE = "#d9480f"
_FACES_OFFSET = (-1.0, -2.0)
"""Depth offset (factor, units): just before the faces that it tints."""
_LINES_OFFSET = (-2.0, -6.0)


class Selection:
    """At most one highlighted shape."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._actors: list[vtkActor] = []
        self.surfaces: list[vtkActor] = []
        """Those that take light."""
        self.layer_id: LayerId | None = None

    def show(self, outline: Outline, layer_id: LayerId) -> None:
        """Highlight ``outline`` instead of what was highlighted before."""
        self.clear()
        self.layer_id = layer_id
        if len(outline.triangles):
            actor = self._add(actor_of(poly_data(outline.points, triangles=outline.triangles)), TINT)
            actor.GetProperty().SetInterpolationToFlat()
            self.surfaces.append(actor)
            actor.GetMapper().SetRelativeCoincidentTopologyPolygonOffsetParameters(*_FACES_OFFSET)
        if len(outline.lines):
            actor = self._add(actor_of(poly_data(outline.points, lines=outline.lines)), LINE)
            actor.GetProperty().SetLineWidth(3.0)
            actor.GetMapper().SetRelativeCoincidentTopologyLineOffsetParameters(*_LINES_OFFSET)
            actor.GetProperty().LightingOff()
        if outline.vertices:
            actor = self._add(actor_of(poly_data(outline.points.astype(np.float32), vertices=True)), LINE)
            actor.GetProperty().SetPointSize(14.0)
            actor.GetProperty().LightingOff()

    @property
    def actors(self) -> tuple[vtkActor, ...]:
        """Everything that it has on the screen."""
        return tuple(self._actors)

    def _add(self, actor: vtkActor, colour: str) -> vtkActor:
        actor.GetProperty().SetColor(*unit_rgb(colour))
        self._renderer.AddActor(actor)
        self._actors.append(actor)
        return actor

    def clear(self) -> None:
        """Highlight nothing."""
        for actor in self._actors:
            self._renderer.RemoveActor(actor)
            actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._actors.clear()
        self.surfaces.clear()
        self.layer_id = None

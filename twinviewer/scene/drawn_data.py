"""Layer data that a plugin hands over to be drawn: by the same actors as layers from files."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from twinviewer.model.drawing import DrawData
from twinviewer.model.layer_data import FeatureTable, LayerData, PointCloud, TriangleMesh
from twinviewer.model.project import Style
from twinviewer.scene.camera import around
from twinviewer.scene.colours import ramp
from twinviewer.scene.drawn import DrawnLater, OnLate, RunInBackground, Surroundings
from twinviewer.scene.feature_actor import FeatureActor
from twinviewer.scene.mesh_actor import MeshActor
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.point_actor import PointCloudActor
from twinviewer.scene.stage import Stage

DataActor = MeshActor | FeatureActor | PointCloudActor

_KINDS: dict[type[LayerData], type[DataActor]] = {
    TriangleMesh: MeshActor,
    FeatureTable: FeatureActor,
    PointCloud: PointCloudActor,
}
OVER_LAYERS = 10
"""Rank of draped data: over all layers, however many lie on the ground."""


class DrawnData(DrawnLater):
    """One ``DrawData`` request."""

    lies_under = True

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._request: DrawData | None = None
        self._surroundings: Surroundings | None = None
        self._data: object = None
        self._actor: DataActor | None = None
        self._painted: DrawData | None = None
        """Whose colours the actor has."""

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, DrawData) and type(request.data) in _KINDS

    @property
    def actor(self) -> DataActor | None:
        """What draws it; None as long as it is being prepared."""
        return self._actor

    @property
    def actors(self) -> tuple[vtkActor, ...]:
        return () if self._actor is None else self._actor.actors

    def draw(self, request: DrawData, surroundings: Surroundings) -> None:
        if self._actor is None or self._awaited or request.data is not self._data or self._lies_elsewhere(surroundings):
            super().draw(request, surroundings)
            return
        self._request = request
        self._paint(self._actor, request)

    def _is_large(self, request: DrawData, surroundings: Surroundings) -> bool:
        return True

    def _preparation(self, request: DrawData, surroundings: Surroundings) -> Callable[[], Any]:
        kind, data = _KINDS[type(request.data)], request.data  # type: ignore[index]  # see ``takes``
        return lambda: kind.prepare(data, Style(), surroundings.frame, surroundings.ground)  # type: ignore[arg-type]

    def _put(self, request: DrawData, surroundings: Surroundings, prepared: Any) -> None:
        if self._actor is not None:
            self._actor.detach()
        self._request, self._surroundings, self._data = request, surroundings, request.data
        kind = _KINDS[type(request.data)]  # type: ignore[index]  # see ``takes``
        self._actor = actor = kind(self._renderer, request.data, prepared)  # type: ignore[arg-type]
        actor.set_rank(OVER_LAYERS)
        actor.restyle(None, Style(colour=request.colour))  # widths and sizes too
        self._painted = None
        self._paint(actor, request)

    def _lies_elsewhere(self, surroundings: Surroundings) -> bool:
        """Return whether the place or, for what lies on it, the ground is another."""
        before = self._surroundings
        if before is None or before.frame != surroundings.frame:
            return True
        return isinstance(self._data, FeatureTable) and before.ground is not surroundings.ground

    def _paint(self, actor: DataActor, request: DrawData) -> None:
        values, scale, before = request.values, request.scale, self._painted
        if isinstance(values, np.ndarray) and scale is not None:
            if before is None or before.values is not values or before.scale != scale:
                actor.recolour(ramp(values, name=scale.colour_map, value_range=scale.value_range))
        elif before is None or before.values is not None or before.colour != request.colour:
            actor.restyle(None, Style(colour=request.colour))
        self._painted = request
        self._follow()

    @property
    def opacity(self) -> float:
        """That of the request within that of the overlay."""
        return self._opacity * (1.0 if self._request is None else self._request.opacity)

    def _follow(self) -> None:
        for actor in self.actors:
            actor.GetProperty().SetOpacity(self.opacity)
            actor.SetVisibility(self._visible)

    def dress(self, stage: Stage) -> None:
        if self._actor is not None:
            stage.dress(self._actor)

    def raise_over_surfaces(self) -> None:
        """It is a surface itself."""

    def bounds(self) -> NDArray[np.float64] | None:
        return around(self._actor.boxes()) if self._actor is not None and self._visible else None

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        if self._actor is None or not self._visible:
            return None
        hit = self._actor.first_hit(ray)
        if hit is None:
            return None
        rows = (hit.feature, hit.point, hit.mesh)
        row = next((row for row in rows if row is not None), 0)
        names = self._data.mesh_names if isinstance(self._data, TriangleMesh) else ()
        return Hit(position=hit.position, glyph=row), names[row] if row < len(names) else ""

    def detach(self) -> None:
        super().detach()
        if self._actor is not None:
            self._actor.detach()
            self._actor = None

"""The section through the scene: planes that mappers cut by, and rays that end where something is cut away."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonDataModel import vtkPlane, vtkPlaneCollection
from vtkmodules.vtkRenderingCore import vtkActor

from twinviewer.model.place import LocalFrame
from twinviewer.model.section import Section
from twinviewer.scene.layer_actor import LayerActor
from twinviewer.scene.picking import PickRay

Float64s = NDArray[np.float64]


class Cut:
    """A section as it is drawn.

    Args:
        section: What is cut away; None: nothing.
        frame: The frame that is drawn in.
    """

    def __init__(self, section: Section | None, frame: LocalFrame) -> None:
        self.section = section
        self._planes = np.empty((0, 4))
        """Unit normals that point to what is kept, and the offsets: kept is where n · x + d ≥ 0."""
        self._collection, self._nothing = vtkPlaneCollection(), vtkPlaneCollection()
        if section is None:
            return
        normals = -np.array([plane.normal for plane in section.planes], dtype=np.float64)
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        origins = np.array([plane.origin for plane in section.planes]) - np.array(frame.origin)
        self._planes = np.column_stack([normals, -(normals * origins).sum(axis=1)])
        for normal, origin in zip(normals.tolist(), origins.tolist(), strict=True):
            plane = vtkPlane()
            plane.SetNormal(*normal)
            plane.SetOrigin(*origin)
            self._collection.AddItem(plane)

    def reaches(self, layer: LayerActor) -> bool:
        """Return whether the section cuts such a layer."""
        return self.section is not None and (layer.is_cut or self.section.cuts_ground)

    def apply(self, layer: LayerActor) -> None:
        """Cut what a layer has on the screen, or make it whole again."""
        for actor in layer.actors:
            self.cut(actor, whole=not self.reaches(layer))

    def cut(self, actor: vtkActor, *, whole: bool = False) -> None:
        """Cut one actor, or make it ``whole`` again."""
        actor.GetMapper().SetClippingPlanes(self._nothing if whole else self._collection)

    def shortened(self, ray: PickRay, layer: LayerActor) -> PickRay | None:
        """Return the part of a ray that runs where nothing of the layer is cut away; None: there is none."""
        if not self.reaches(layer):
            return ray
        at_start = self._planes[:, :3] @ ray.start + self._planes[:, 3]
        at_end = self._planes[:, :3] @ ray.end + self._planes[:, 3]
        if ((at_start < 0) & (at_end < 0)).any():
            return None
        change = at_end - at_start
        share = -at_start / np.where(change == 0, 1.0, change)
        first = float(share[at_start < 0].max(initial=0.0))
        last = float(share[at_end < 0].min(initial=1.0))
        if first > last:
            return None
        along = ray.end - ray.start
        return replace(ray, start=ray.start + first * along, end=ray.start + last * along, kept_by=self._planes)

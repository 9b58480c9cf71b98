"""Many copies of one shape: arrays written into one mapper, never an actor for each."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkGlyph3DMapper, vtkRenderer

from twinviewer.model.drawing import GlyphShape, PlaceGlyphs
from twinviewer.model.place import LocalFrame
from twinviewer.scene.colours import Uint8s, ramp, rgb_of
from twinviewer.scene.glyph_shapes import shape_mesh
from twinviewer.scene.meshes import as_vtk
from twinviewer.scene.picking import TOLERANCE_PX, Hit, PickRay

STALE_RGB = (150, 150, 148)
STALE_OPACITY = 0.5


class _Batch:
    """Glyphs of one opacity."""

    def __init__(self, renderer: vtkRenderer, shape: GlyphShape) -> None:
        self._renderer = renderer
        self._data = vtkPolyData()
        self._data.SetPoints(vtkPoints())
        mapper = vtkGlyph3DMapper()
        mapper.SetInputData(self._data)
        mapper.SetSourceData(shape_mesh(shape))
        mapper.SetOrientationModeToRotation()
        mapper.SetOrientationArray("rotation")
        mapper.SetScaleModeToScaleByMagnitude()
        mapper.SetScaleArray("size")
        mapper.SetScalarModeToUsePointData()
        mapper.SetColorModeToDirectScalars()
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().SetInterpolationToFlat()
        self.actor.GetProperty().SetAmbient(0.35)
        self._arrays: dict[str, NDArray[Any]] = {}
        renderer.AddActor(self.actor)

    def write(
        self, positions: NDArray[np.float32], rotation: NDArray[np.float32], size: NDArray[np.float32], rgb: Uint8s
    ) -> None:
        """Put in other glyphs; arrays of the same length are rewritten in place."""
        new: dict[str, NDArray[Any]] = {"position": positions, "rotation": rotation, "size": size, "colour": rgb}
        if self._arrays and len(self._arrays["size"]) == len(size):
            for name, values in new.items():
                self._arrays[name][:] = values
            self._data.GetPoints().GetData().Modified()
            self._data.GetPoints().Modified()
            for name in ("rotation", "size", "colour"):
                self._data.GetPointData().GetArray(name).Modified()
            self._data.Modified()
            return
        self._arrays = {name: np.array(values, order="C") for name, values in new.items()}
        self._data.GetPoints().SetData(as_vtk(self._arrays["position"]))
        attributes = self._data.GetPointData()
        attributes.SetScalars(as_vtk(self._arrays["colour"], "colour"))
        attributes.AddArray(as_vtk(self._arrays["rotation"], "rotation"))
        attributes.AddArray(as_vtk(self._arrays["size"], "size"))
        self._data.Modified()

    def detach(self) -> None:
        self._renderer.RemoveActor(self.actor)
        self.actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())


class GlyphSet:
    """One ``PlaceGlyphs`` request on the screen, kept from frame to frame."""

    def __init__(self, renderer: vtkRenderer, shape: GlyphShape) -> None:
        self.shape = shape
        self._fresh, self._stale = _Batch(renderer, shape), _Batch(renderer, shape)
        self._positions = np.empty((0, 3), dtype=np.float32)
        self._size_m = np.empty(0, dtype=np.float32)
        self._ids: tuple[str, ...] = ()
        self._visible = True

    @property
    def actors(self) -> tuple[vtkActor, vtkActor]:
        return self._fresh.actor, self._stale.actor

    def draw(self, request: PlaceGlyphs, frame: LocalFrame, *, opacity: float, visible: bool) -> None:
        """Bring the glyphs in line with ``request``."""
        count = len(request.positions)
        self._positions = frame.to_local(request.positions)
        self._size_m = np.broadcast_to(np.asarray(request.size_m, dtype=np.float32), count)
        self._ids = tuple(request.ids)
        self._visible = visible
        rotation = np.zeros((count, 3), dtype=np.float32)
        if request.heading_deg is not None:
            rotation[:, 2] = -request.heading_deg
        if request.values is not None and request.scale is not None:
            rgb = ramp(request.values, name=request.scale.colour_map, value_range=request.scale.value_range)
        else:
            rgb = np.full((count, 3), rgb_of(request.colour), dtype=np.uint8)
        stale = request.stale if request.stale is not None else np.zeros(count, dtype=np.bool_)
        fresh = ~stale
        self._fresh.write(self._positions[fresh], rotation[fresh], self._size_m[fresh], rgb[fresh])
        grey = np.full((int(stale.sum()), 3), STALE_RGB, dtype=np.uint8)
        self._stale.write(self._positions[stale], rotation[stale], self._size_m[stale], grey)
        for batch, share, some in ((self._fresh, 1.0, fresh.any()), (self._stale, STALE_OPACITY, stale.any())):
            batch.actor.GetProperty().SetOpacity(opacity * share)
            batch.actor.SetVisibility(bool(visible and some))

    def bounds(self) -> NDArray[np.float64] | None:
        """Return the local box (3, 2), or None."""
        if len(self._positions) == 0 or not self._visible:
            return None
        reach = float(self._size_m.max())
        return np.stack([self._positions.min(axis=0) - reach, self._positions.max(axis=0) + reach], axis=1)

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        """Return the glyph under the pixel and its id, or None."""
        if len(self._positions) == 0 or not self._visible:
            return None
        centres = self._positions + np.array([0, 0, 0.3], np.float32) * self._size_m[:, None]
        pixels, in_front = ray.to_pixels(centres)
        tops, _ = ray.to_pixels(centres + np.array([0, 0, 0.5], np.float32) * self._size_m[:, None])
        reach = np.maximum(np.linalg.norm(tops - pixels, axis=1), TOLERANCE_PX)
        close = np.linalg.norm(pixels - np.array(ray.pixel), axis=1)
        candidates = np.flatnonzero(in_front & (close <= reach))
        if len(candidates) == 0:
            return None
        depths = (centres[candidates].astype(np.float64) - ray.start) @ ray.direction
        row = int(candidates[np.argmin(depths)])
        hit = Hit(position=self._positions[row].astype(np.float64), glyph=row)
        return hit, self._ids[row] if row < len(self._ids) else ""

    def detach(self) -> None:
        self._fresh.detach()
        self._stale.detach()

"""Many copies of one shape: arrays written into one mapper, never an actor for each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkCommonCore import vtkPoints
from vtkmodules.vtkCommonDataModel import vtkPolyData
from vtkmodules.vtkRenderingCore import vtkActor, vtkGlyph3DMapper, vtkRenderer

from twinviewer.model.drawing import GlyphShape, LoadedMesh, PlaceGlyphs
from twinviewer.scene.colours import Uint8s
from twinviewer.scene.drawn import (
    AT_ONCE,
    DrawnLater,
    OnLate,
    RunInBackground,
    Surroundings,
    box_around,
    id_of,
    row_colours,
)
from twinviewer.scene.glyph_shapes import Shape, loaded_shape, shape_of
from twinviewer.scene.meshes import as_vtk
from twinviewer.scene.picking import TOLERANCE_PX, Hit, PickRay
from twinviewer.scene.stage import Stage

Float32s = NDArray[np.float32]

STALE_RGB = (150, 150, 148)
STALE_OPACITY = 0.5
DEFAULT_COLOUR = "#d3d8de"
"""Light, and yet not so light that sunlit sides are plain white."""


class Copies:
    """Copies of one shape in one actor, all of one opacity."""

    def __init__(self, shape: Shape) -> None:
        self._data = vtkPolyData()
        self._data.SetPoints(vtkPoints())
        mapper = vtkGlyph3DMapper()
        mapper.SetInputData(self._data)
        mapper.SetSourceData(shape.mesh)
        mapper.SetOrientationModeToRotation()
        mapper.SetOrientationArray("rotation")
        mapper.SetScaleModeToScaleByVectorComponents()
        mapper.SetScaleArray("size")
        mapper.SetScalarModeToUsePointData()
        mapper.SetColorModeToDirectScalars()
        self.actor = vtkActor()
        self.actor.SetMapper(mapper)
        self.actor.GetProperty().SetInterpolationToFlat()
        self.arrays: dict[str, NDArray[Any]] = {}

    def write(self, positions: Float32s, rotation: Float32s, size: Float32s, rgb: Uint8s) -> None:
        """Put in other copies; arrays of the same length are rewritten in place.

        Args:
            positions: (n, 3) local.
            rotation: (n, 3) degrees about x, y and z.
            size: (n, 3) along the shape's axes.
            rgb: (n, 3)
        """
        new: dict[str, NDArray[Any]] = {"position": positions, "rotation": rotation, "size": size, "colour": rgb}
        if self.arrays and len(self.arrays["size"]) == len(size):
            for name, values in new.items():
                self.arrays[name][:] = values
            self._data.GetPoints().GetData().Modified()
            self._data.GetPoints().Modified()
            for name in ("rotation", "size", "colour"):
                self._data.GetPointData().GetArray(name).Modified()
            self._data.Modified()
            return
        self.arrays = {name: np.array(values, order="C") for name, values in new.items()}
        self._data.GetPoints().SetData(as_vtk(self.arrays["position"]))
        attributes = self._data.GetPointData()
        attributes.SetScalars(as_vtk(self.arrays["colour"], "colour"))
        attributes.AddArray(as_vtk(self.arrays["rotation"], "rotation"))
        attributes.AddArray(as_vtk(self.arrays["size"], "size"))
        self._data.Modified()


@dataclass(frozen=True, slots=True, kw_only=True)
class SomeCopies:
    """Copies of a shape: what :meth:`Copies.write` takes."""

    positions: Float32s
    rotation: Float32s
    size: Float32s
    rgb: Uint8s


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedGlyphs:
    """What is drawn of a request of n glyphs."""

    positions: Float32s
    """(n, 3)"""
    size_m: Float32s
    """(n,)"""
    box: NDArray[np.float64] | None
    fresh: SomeCopies
    stale: SomeCopies | None


def prepared_glyphs(request: PlaceGlyphs, surroundings: Surroundings) -> PreparedGlyphs:
    """Return what is drawn of ``request``."""
    count = len(request.positions)
    positions = surroundings.frame.to_local(request.positions)
    size_m = np.broadcast_to(np.asarray(request.size_m, dtype=np.float32), count)
    rotation = np.zeros((count, 3), dtype=np.float32)  # VTK turns about y, then x, then z: roll, pitch, heading
    for axis, angle, sign in ((0, request.pitch_deg, 1), (1, request.roll_deg, 1), (2, request.heading_deg, -1)):
        if angle is not None:
            rotation[:, axis] = sign * angle
    colour = request.colour or (DEFAULT_COLOUR if isinstance(request.shape, GlyphShape) else "#ffffff")
    rgb = row_colours(request.values, request.scale, colour=colour, count=count)
    size = np.repeat(size_m[:, None], 3, axis=1)
    fresh, stale = SomeCopies(positions=positions, rotation=rotation, size=size, rgb=rgb), None
    if request.stale is not None and request.stale.any():
        old = np.flatnonzero(request.stale)
        new = np.flatnonzero(~request.stale.astype(np.bool_, copy=False))
        grey = np.full((len(old), 3), STALE_RGB, dtype=np.uint8)
        stale = SomeCopies(positions=positions[old], rotation=rotation[old], size=size[old], rgb=grey)
        fresh = SomeCopies(positions=positions[new], rotation=rotation[new], size=size[new], rgb=rgb[new])
    box = box_around(positions, reach_m=float(size_m.max(initial=0.0)))
    return PreparedGlyphs(positions=positions, size_m=size_m, box=box, fresh=fresh, stale=stale)


class DrawnGlyphs(DrawnLater):
    """One ``PlaceGlyphs`` request of a shape that has a body: built in, or a mesh."""

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer, run_in_background=run_in_background, on_late=on_late)
        self._shape: GlyphShape | LoadedMesh | None = None
        self._copies: tuple[Copies, Copies] | None = None
        self._some = (False, False)
        self._coloured = False
        self._positions = np.empty((0, 3), dtype=np.float32)
        self._size_m = np.empty(0, dtype=np.float32)
        self._ids: Sequence[str] = ()

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, PlaceGlyphs) and isinstance(request.shape, GlyphShape | LoadedMesh)

    def suits(self, request: PlaceGlyphs) -> bool:
        if self._shape is None:
            return self.takes(request)
        # VTK does not take a texture off copies that it has drawn.
        return self._shape is request.shape and self._coloured == _is_coloured(request)

    @property
    def copies(self) -> tuple[Copies, Copies]:
        """The fresh ones and the stale ones."""
        assert self._copies is not None
        return self._copies

    def draw(self, request: PlaceGlyphs, surroundings: Surroundings) -> None:
        if self._copies is None:
            self._build(request)
        super().draw(request, surroundings)

    def _is_large(self, request: PlaceGlyphs, surroundings: Surroundings) -> bool:
        return len(request.positions) > AT_ONCE

    def _preparation(self, request: PlaceGlyphs, surroundings: Surroundings) -> Callable[[], PreparedGlyphs]:
        return lambda: prepared_glyphs(request, surroundings)

    def _put(self, request: PlaceGlyphs, surroundings: Surroundings, prepared: PreparedGlyphs) -> None:
        self._positions, self._size_m, self._box = prepared.positions, prepared.size_m, prepared.box
        self._ids = request.ids
        for copies, some in zip(self.copies, (prepared.fresh, prepared.stale), strict=True):
            if some is not None:
                copies.write(some.positions, some.rotation, some.size, some.rgb)
        self._some = (len(prepared.fresh.positions) > 0, prepared.stale is not None)
        self._follow()

    def _build(self, request: PlaceGlyphs) -> None:
        assert isinstance(request.shape, GlyphShape | LoadedMesh)
        self._shape = request.shape
        shape = shape_of(request.shape) if isinstance(request.shape, GlyphShape) else loaded_shape(request.shape.mesh)
        self._copies = Copies(shape), Copies(shape)
        self._coloured = _is_coloured(request)
        for copies in self._copies:
            self._attach(copies.actor)
        if shape.texture is not None and not self._coloured:
            self._copies[0].actor.SetTexture(shape.texture)
        self._follow()

    def _follow(self) -> None:
        if self._copies is None:
            return
        for copies, share, some in zip(self._copies, (1.0, STALE_OPACITY), self._some, strict=True):
            copies.actor.GetProperty().SetOpacity(self._opacity * share)
            copies.actor.SetVisibility(self._visible and some)

    def dress(self, stage: Stage) -> None:
        for actor in self._actors:
            stage.dress_copies(actor)

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        if len(self._positions) == 0 or not self._visible:
            return None
        centres = self._positions + np.array([0, 0, 0.3], np.float32) * self._size_m[:, None]
        tops = centres + np.array([0, 0, 0.5], np.float32) * self._size_m[:, None]
        row = row_under(ray, centres, tops)
        if row is None:
            return None
        return Hit(position=self._positions[row].astype(np.float64), glyph=row), id_of(self._ids, row)


def _is_coloured(request: PlaceGlyphs) -> bool:
    """Return whether the request has colours that take the place of the shape's own."""
    return request.values is not None or request.colour is not None


def row_under(ray: PickRay, centres: Float32s, rims: Float32s) -> int | None:
    """Return the row of the body in front among those under the pixel, (n, 3) by centre and a place on the rim."""
    pixels, in_front = ray.to_pixels(centres)
    edges, _ = ray.to_pixels(rims)
    reach = np.maximum(np.linalg.norm(edges - pixels, axis=1), TOLERANCE_PX)
    close = np.linalg.norm(pixels - np.array(ray.pixel), axis=1)
    candidates = np.flatnonzero(in_front & (close <= reach))
    if len(candidates) == 0:
        return None
    depths = (centres[candidates].astype(np.float64) - ray.start) @ ray.direction
    return int(candidates[np.argmin(depths)])

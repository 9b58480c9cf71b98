"""What every kind of layer offers the scene: one actor class per kind, found in one registry."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkCamera, vtkRenderer, vtkTexture

from twinviewer.model.drawing import ColourScale
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import LayerSpec, Style
from twinviewer.scene.ground import Ground
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.shading import SurfaceKind

Float32s = NDArray[np.float32]
Int32s = NDArray[np.int32]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """The shape of what is selected, in local coordinates: whatever it has of faces, lines and points."""

    points: Float32s
    """(p, 3)"""
    triangles: Int32s = field(default_factory=lambda: np.empty((0, 3), np.int32))
    lines: Int32s = field(default_factory=lambda: np.empty((0, 2), np.int32))
    vertices: bool = False
    """Mark each point by itself."""


AMBIENT = 0.35
"""Share of light from everywhere where VTK's own lights are used."""


RANK_STEP_M = 0.12
"""Between draped layers: enough for the depth buffer, too little to be seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """How the render preset and the camera's motion change what layers draw."""

    edges: bool = True
    """Outlines of faces."""
    point_scale: float = 1.0
    """How much larger points are drawn than their style says."""


class LayerActor(ABC):
    """One layer on the screen.

    ``prepare`` builds plain arrays and may run on any thread.  Everything else runs on the main thread: making the
    actor attaches it to the renderer, ``detach`` takes it off and lets go of all VTK objects.
    """

    kind: ClassVar[str]
    drapes: ClassVar[bool] = False
    """Whether it must be prepared anew when the ground changes."""
    casts_shadows: ClassVar[bool] = False
    is_cut: ClassVar[bool] = False
    """Whether every section cuts it, not only those that cut the ground."""
    surface_kind: ClassVar[SurfaceKind] = SurfaceKind.FLAT
    """What there is to its surfaces, if they are all alike."""

    @classmethod
    @abstractmethod
    def prepare(cls, data: Any, style: Style, frame: LocalFrame, ground: Ground) -> Any:
        """Return what the constructor takes, as plain arrays."""

    @classmethod
    def must_prepare_again(cls, before: Style, after: Style) -> bool:
        """Return whether a change of style changes the prepared arrays."""
        return False

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: Any) -> None:
        self._renderer = renderer
        self._actors: list[vtkActor] = []
        self._boxes: list[NDArray[np.float64]] | None = None
        self.surfaces: list[vtkActor] = []
        """Those of the actors that take light."""
        self.edges: list[vtkActor] = []
        """Those of the actors that outline surfaces."""
        self.pages: tuple[vtkTexture, ...] = ()
        """Of textures, for those of the surfaces that have some."""

    def kind_of(self, surface: vtkActor) -> SurfaceKind:
        """Return what there is to one of the surfaces."""
        return self.surface_kind

    def _attach(self, actor: vtkActor) -> vtkActor:
        self._actors.append(actor)
        self._renderer.AddActor(actor)
        return actor

    def _attach_surface(self, actor: vtkActor) -> vtkActor:
        self.surfaces.append(actor)
        actor.GetProperty().SetAmbient(AMBIENT)
        if self.surface_kind is not SurfaceKind.SMOOTH:
            actor.GetProperty().SetInterpolationToFlat()
        return self._attach(actor)

    @property
    def actors(self) -> tuple[vtkActor, ...]:
        """Everything that the layer has on the screen."""
        return tuple(self._actors)

    def boxes(self) -> list[NDArray[np.float64]]:
        """Return the local boxes (3, 2) of what is on the screen, one for each tile."""
        if self._boxes is None:
            boxes = [np.array(actor.GetBounds()).reshape(3, 2) for actor in self._actors]
            self._boxes = [box for box in boxes if (box[:, 0] <= box[:, 1]).all()]
        return self._boxes

    def update(self, before: LayerSpec | None, after: LayerSpec) -> None:
        """Bring the actors in line with ``after``, touching only what differs."""
        if before is None or before.visible != after.visible:
            self._show(visible=after.visible)
        if before is None or before.opacity != after.opacity:
            for actor in self._actors:
                actor.GetProperty().SetOpacity(after.opacity)
        if before is None or before.style != after.style:
            self.restyle(None if before is None else before.style, after.style)

    def _show(self, *, visible: bool) -> None:
        for actor in self._actors:
            actor.SetVisibility(visible)

    @abstractmethod
    def restyle(self, before: Style | None, after: Style) -> None:
        """Apply those parts of the style that need no new arrays."""

    def set_look(self, look: Look) -> None:  # noqa: B027 - most kinds look alike in all presets
        """Follow the render preset."""

    def set_rank(self, rank: int) -> None:
        """Lie over all draped layers of smaller rank."""
        if self.drapes:
            for actor in self._actors:
                actor.SetPosition(0.0, 0.0, rank * RANK_STEP_M)

    def follow(self, camera: vtkCamera, *, height_px: int, moving: bool) -> None:  # noqa: B027 - few kinds care
        """Suit the detail to the camera, just before a frame."""

    def legend(self) -> ColourScale | None:
        return None

    def first_hit(self, ray: PickRay) -> Hit | None:
        """Return where the ray meets the layer first, or None."""
        return None

    def outline(self, hit: Hit) -> Outline | None:
        """Return the shape of the object that was hit."""
        return None

    def detach(self) -> None:
        """Take everything off the screen for good."""
        for actor in self._actors:
            self._renderer.RemoveActor(actor)
            actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        for page in self.pages:
            page.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._actors.clear()
        self.surfaces.clear()
        self.edges.clear()

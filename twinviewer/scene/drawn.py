"""What every kind of drawing request offers the overlays: one class per kind, kept from frame to frame."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from twinviewer.model.drawing import ColourScale
from twinviewer.model.place import LocalFrame
from twinviewer.scene.colours import Uint8s, ramp, rgb_of
from twinviewer.scene.ground import Ground
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.stage import Stage

T = TypeVar("T")
AT_ONCE = 20_000
"""Rows that are prepared on the thread that draws: it takes a few milliseconds, and seldom longer than to wait."""


class RunInBackground(Protocol):
    """Does ``task`` somewhere, then calls ``done`` with its result on the main thread."""

    def __call__(self, task: Callable[[], T], done: Callable[[T], None], /) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What requests are drawn into."""

    frame: LocalFrame
    ground: Ground


def row_colours(values: NDArray[np.float64] | None, scale: ColourScale | None, *, colour: str, count: int) -> Uint8s:
    """Return the colours (count, 3) of rows with ``values`` on a ``scale``, or all in ``colour``."""
    if values is None or scale is None:
        return np.full((count, 3), rgb_of(colour), dtype=np.uint8)
    return ramp(values, name=scale.colour_map, value_range=scale.value_range)


class Drawn(ABC):
    """One drawing request on the screen.

    Everything runs on the main thread.  Making one puts nothing on the screen; ``draw`` writes a request into it,
    ``detach`` takes it off and lets go of all VTK objects.
    """

    lies_under: ClassVar[bool] = False
    """Whether it covers ground or walls, so that lines and pictures must be blended over it."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._actors: list[vtkActor] = []
        self._visible = True
        self._opacity = 1.0
        self._box: NDArray[np.float64] | None = None
        """Around everything that it draws: every frame asks for it."""

    def _attach(self, actor: vtkActor) -> vtkActor:
        self._actors.append(actor)
        self._renderer.AddActor(actor)
        return actor

    @property
    def actors(self) -> tuple[vtkActor, ...]:
        """Everything that it has on the screen."""
        return tuple(self._actors)

    @classmethod
    @abstractmethod
    def takes(cls, request: Any) -> bool:
        """Return whether requests like this one are drawn by this class."""

    def suits(self, request: Any) -> bool:
        """Return whether this one may be rewritten to show ``request``."""
        return self.takes(request)

    @abstractmethod
    def draw(self, request: Any, surroundings: Surroundings) -> None:
        """Bring what is shown in line with ``request``, rewriting the arrays that differ."""

    def show(self, *, opacity: float, visible: bool) -> None:
        """Follow the overlay that the request is part of."""
        self._opacity, self._visible = opacity, visible
        self._follow()

    def _follow(self) -> None:
        """Bring the actors in line with opacity and visibility."""
        for actor in self._actors:
            actor.GetProperty().SetOpacity(self._opacity)
            actor.SetVisibility(self._visible)

    def set_dark(self, *, dark: bool) -> None:  # noqa: B027 - few kinds care
        """Suit a light or a dark theme."""

    def dress(self, stage: Stage) -> None:  # noqa: B027 - symbols take no light
        """Be lit as the render preset says."""

    @property
    def moves(self) -> bool:
        """Whether it changes with every frame although its request does not."""
        return False

    def set_time(self, time_s: float) -> None:  # noqa: B027 - few kinds move
        """Show another moment of what moves by itself."""

    def before_render(self) -> None:  # noqa: B027 - few kinds care
        """Suit the camera, just before a frame."""

    def raise_over_surfaces(self) -> None:
        """Be blended after everything that has been attached so far."""
        for actor in self._actors:
            self._renderer.RemoveActor(actor)
            self._renderer.AddActor(actor)

    def bounds(self) -> NDArray[np.float64] | None:
        """Return the local box (3, 2) around what is seen of it, or None."""
        return self._box if self._visible else None

    def pick(self, ray: PickRay) -> tuple[Hit, str] | None:
        """Return what lies under the pixel, with its id, or None."""
        return None

    def detach(self) -> None:
        """Take everything off the screen for good."""
        self._take_off()

    def _take_off(self) -> None:
        for actor in self._actors:
            self._renderer.RemoveActor(actor)
            actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._actors.clear()


OnLate = Callable[[Drawn, tuple[vtkActor, ...]], None]


class DrawnLater(Drawn):
    """A drawing request whose arrays take long to prepare where it is large: another thread does it then.

    Until they are there, what was drawn before stays.  One request is prepared after the other; of those that come
    meanwhile only the newest is: so one that changes faster than it can be prepared is seen all the same.

    Args:
        renderer: Where it is drawn.
        run_in_background: Prepares arrays.
        on_late: Hears that it has changed on the screen later than it was drawn, and the actors that it had before.
    """

    def __init__(self, renderer: vtkRenderer, *, run_in_background: RunInBackground, on_late: OnLate) -> None:
        super().__init__(renderer)
        self._run_in_background, self._on_late = run_in_background, on_late
        self._awaited: object = None
        self._waiting: tuple[Any, Surroundings] | None = None

    @abstractmethod
    def _is_large(self, request: Any, surroundings: Surroundings) -> bool:
        """Return whether preparing it would keep the main thread."""

    @abstractmethod
    def _preparation(self, request: Any, surroundings: Surroundings) -> Callable[[], Any]:
        """Return what prepares the arrays, on any thread; what it was made from stays as it is until they are put."""

    @abstractmethod
    def _put(self, request: Any, surroundings: Surroundings, prepared: Any) -> None:
        """Hand prepared arrays over to VTK, on the main thread."""

    def draw(self, request: Any, surroundings: Surroundings) -> None:
        if self._awaited is not None:
            self._waiting = request, surroundings
            return
        prepare = self._preparation(request, surroundings)
        if not self._is_large(request, surroundings):
            self._put(request, surroundings, prepare())
            return
        self._awaited = awaited = object()

        def put(prepared: Any) -> None:
            if self._awaited is not awaited:
                return
            self._awaited = None
            actors = self.actors
            self._put(request, surroundings, prepared)
            self._on_late(self, actors)
            waiting, self._waiting = self._waiting, None
            if waiting is not None:
                self.draw(*waiting)

        self._run_in_background(prepare, put)

    def detach(self) -> None:
        self._awaited = self._waiting = None
        super().detach()


def id_of(ids: Any, row: int) -> str:
    """Return the id of a row, empty where the request gives none."""
    return str(ids[row]) if row < len(ids) else ""


def box_around(points: NDArray[np.float32], *, reach_m: float = 0.0) -> NDArray[np.float64] | None:
    """Return the box (3, 2) around ``points`` (n, 3), NaN left out, and ``reach_m`` more; None where there is none."""
    if len(points) == 0:
        return None
    columns = np.ascontiguousarray(points.T)  # several times as fast as along rows of three
    low, high = columns.min(axis=1), columns.max(axis=1)
    if np.isnan(low).any():
        low, high = np.fmin.reduce(columns, axis=1), np.fmax.reduce(columns, axis=1)
        if np.isnan(low).any():
            return None
    return np.stack([low - reach_m, high + reach_m], axis=1).astype(np.float64)

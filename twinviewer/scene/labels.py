"""Short texts over the scene: always upright, never on top of each other, the most important kept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkTextActor

from twinviewer.model.drawing import Labels
from twinviewer.scene.colours import unit_rgb
from twinviewer.scene.drawn import Drawn, Surroundings
from twinviewer.scene.picking import project, ray_through

MOST_SHOWN = 150
MOST_TRIED = 4000
"""In view, the most important ones: trying more takes longer than a frame may."""
_NO_BOXES = np.empty((0, 2, 2))
_LIFT_PX = 10
"""Of a text above the place that it names."""
_CHARACTER_SHARE = 0.58
"""Width of an average character, in text heights."""
_LINE_SHARE = 1.5


Boxes = NDArray[np.float64]
"""(n, 2, 2) lower and upper corners in pixels."""


def decluttered(
    pixels: NDArray[np.float64],
    in_view: NDArray[np.bool_],
    sizes: NDArray[np.float64],
    *,
    most: int = MOST_SHOWN,
    taken: Boxes = _NO_BOXES,
) -> list[int]:
    """Return the rows that have room: their boxes are free of ``taken`` ones and of those of earlier rows.

    Args:
        pixels: (n, 2) centres of the boxes.
        in_view: (n,)
        sizes: (n, 2)
        most: How many are kept.
        taken: What must stay free.
    """
    rows = np.flatnonzero(in_view)[:MOST_TRIED]
    low, high = pixels[rows] - sizes[rows] / 2, pixels[rows] + sizes[rows] / 2
    free = np.ones(len(rows), dtype=np.bool_)
    for box in taken:
        free &= (low > box[1]).any(axis=1) | (high < box[0]).any(axis=1)
    kept: list[int] = []
    while len(kept) < most:
        first = int(np.argmax(free)) if len(free) else 0
        if len(free) == 0 or not free[first]:
            break
        kept.append(int(rows[first]))
        free &= (low > high[first]).any(axis=1) | (high < low[first]).any(axis=1)
        free[first] = False
    return kept


class DrawnLabels(Drawn):
    """One ``Labels`` request; text actors are kept and reused."""

    def __init__(self, renderer: vtkRenderer) -> None:
        super().__init__(renderer)
        self._pool: list[vtkTextActor] = []
        self._local = np.empty((0, 3), dtype=np.float32)
        self._texts: tuple[str, ...] = ()
        self._lengths = np.empty(0)
        """(n,) characters of each text."""
        self._order: NDArray[np.intp] | None = None
        """(n,) rows of the texts, the most important first, as all else is ordered; None: as they come."""
        self._sizes_px = np.empty((0, 2))
        self._size_px = 14
        self._dark = False

    @classmethod
    def takes(cls, request: object) -> bool:
        return isinstance(request, Labels)

    @property
    def pool(self) -> tuple[vtkTextActor, ...]:
        return tuple(self._pool)

    def draw(self, request: Labels, surroundings: Surroundings) -> None:
        if self._texts is not request.texts:
            self._texts = tuple(request.texts)  # a list may change
            self._lengths = np.fromiter(map(len, self._texts), dtype=np.float64, count=len(self._texts))
        self._local, self._size_px = surroundings.frame.to_local(request.positions), request.size_px
        lengths = self._lengths
        self._order = None
        if request.priority is not None:
            self._order = np.argsort(-request.priority, kind="stable")  # NaN, which is least, comes last
            self._local, lengths = self._local[self._order], lengths[self._order]
        self._sizes_px = np.empty((len(lengths), 2))
        self._sizes_px[:, 0] = lengths * (request.size_px * _CHARACTER_SHARE) + 12
        self._sizes_px[:, 1] = request.size_px * _LINE_SHARE + 4

    def set_dark(self, *, dark: bool) -> None:
        self._dark = dark

    def arrange(self, taken: Boxes) -> Boxes:
        """Put those texts in place that have room beside ``taken`` ones; return these and their own boxes."""
        kept: list[int] = []
        pixels = np.empty((0, 2))
        width, height = self._renderer.GetSize()
        if self._visible and len(self._texts):
            ray = ray_through(self._renderer, 0, 0)
            pixels, in_view = project(self._local, to_clip=ray.to_clip, size_px=ray.size_px)
            in_view &= (pixels >= 0).all(axis=1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
            kept = decluttered(pixels, in_view, self._sizes_px, taken=taken)
        while len(self._pool) < len(kept):
            self._pool.append(self._new_actor())
        for actor, row in zip(self._pool, kept, strict=False):
            text = self._texts[row if self._order is None else int(self._order[row])]
            self._place(actor, text, pixels[row], height)
        for actor in self._pool[len(kept) :]:
            actor.VisibilityOff()
        half = self._sizes_px[kept] / 2
        return np.concatenate([taken, np.stack([pixels[kept] - half, pixels[kept] + half], axis=1)])

    def _place(self, actor: vtkTextActor, text: str, pixel: NDArray[np.float64], height: int) -> None:
        if actor.GetInput() != text:
            actor.SetInput(text)
        style = actor.GetTextProperty()
        style.SetFontSize(self._size_px)
        style.SetColor(*unit_rgb("#f2f4f6" if self._dark else "#20262c"))
        style.SetBackgroundColor(*unit_rgb("#1d232a" if self._dark else "#ffffff"))
        style.SetBackgroundOpacity(0.82 * self._opacity)
        style.SetOpacity(self._opacity)
        actor.SetDisplayPosition(int(pixel[0]), int(height - pixel[1] + _LIFT_PX))
        actor.VisibilityOn()

    def _new_actor(self) -> vtkTextActor:
        actor = vtkTextActor()
        actor.SetTextScaleModeToNone()
        style = actor.GetTextProperty()
        style.SetFontFamilyToArial()
        style.SetJustificationToCentered()
        style.SetVerticalJustificationToBottom()
        self._renderer.AddViewProp(actor)
        return actor

    def detach(self) -> None:
        super().detach()
        for actor in self._pool:
            self._renderer.RemoveViewProp(actor)
            actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._pool.clear()

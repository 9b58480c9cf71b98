"""Short texts over the scene: always upright, never on top of each other, first come first kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer, vtkTextActor

from twinviewer.scene.colours import unit_rgb
from twinviewer.scene.picking import project, ray_through

MOST_SHOWN = 150
_LIFT_PX = 10
"""Of a text above the place that it names."""
_CHARACTER_SHARE = 0.58
"""Width of an average character, in text heights."""
_LINE_SHARE = 1.5


def decluttered(
    pixels: NDArray[np.float64], in_view: NDArray[np.bool_], sizes: NDArray[np.float64], *, most: int = MOST_SHOWN
) -> list[int]:
    """Return the rows whose boxes, centred on ``pixels`` (n, 2), ``sizes`` (n, 2) large, are free of earlier ones."""
    low, high = pixels - sizes / 2, pixels + sizes / 2
    kept: list[int] = []
    for row in np.flatnonzero(in_view):
        others = np.array(kept, dtype=np.intp)
        apart = (low[row] > high[others]).any(axis=1) | (high[row] < low[others]).any(axis=1)
        if apart.all():
            kept.append(int(row))
            if len(kept) == most:
                break
    return kept


class LabelSet:
    """The labels of one overlay; text actors are kept and reused."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._pool: list[vtkTextActor] = []
        self._local = np.empty((0, 3), dtype=np.float32)
        self._texts: tuple[str, ...] = ()
        self._size_px = 14
        self._opacity = 1.0
        self._dark = False
        self._visible = True

    @property
    def pool(self) -> tuple[vtkTextActor, ...]:
        return tuple(self._pool)

    def set(self, local: NDArray[np.float32], texts: Sequence[str], *, size_px: int) -> None:
        """Show other texts (n,) at local positions (n, 3)."""
        self._local, self._texts, self._size_px = local, tuple(texts), size_px

    def set_look(self, *, opacity: float, visible: bool, dark: bool) -> None:
        self._opacity, self._visible, self._dark = opacity, visible, dark

    def before_render(self) -> None:
        """Choose which texts have room and put them in place."""
        kept: list[int] = []
        pixels = np.empty((0, 2))
        width, height = self._renderer.GetSize()
        if self._visible and len(self._texts):
            ray = ray_through(self._renderer, 0, 0)
            pixels, in_view = project(self._local, to_clip=ray.to_clip, size_px=ray.size_px)
            in_view &= (pixels >= 0).all(axis=1) & (pixels[:, 0] < width) & (pixels[:, 1] < height)
            lengths = np.array([len(text) for text in self._texts])
            sizes = np.column_stack(
                [
                    lengths * self._size_px * _CHARACTER_SHARE + 12,
                    np.full(len(lengths), self._size_px * _LINE_SHARE + 4),
                ]
            )
            kept = decluttered(pixels, in_view, sizes)
        while len(self._pool) < len(kept):
            self._pool.append(self._new_actor())
        for actor, row in zip(self._pool, kept, strict=False):
            self._place(actor, self._texts[row], pixels[row], height)
        for actor in self._pool[len(kept) :]:
            actor.VisibilityOff()

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
        for actor in self._pool:
            self._renderer.RemoveViewProp(actor)
            actor.ReleaseGraphicsResources(self._renderer.GetRenderWindow())
        self._pool.clear()

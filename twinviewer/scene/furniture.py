"""What a map must carry to be read on paper: a scale bar and a north arrow, drawn into pictures when asked."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor2D, vtkPolyDataMapper2D, vtkProp, vtkRenderer, vtkTextActor

from twinviewer.scene.colours import unit_rgb
from twinviewer.scene.meshes import poly_data
from twinviewer.scene.picking import project, ray_through

_INK, _PAPER = "#22282e", "#ffffff"
_BAR_SHARE = 0.16
"""Of the picture's width, at most."""


def round_length(longest_m: float) -> float:
    """Return the longest of 1, 2 and 5 times a power of ten that is not longer than ``longest_m``."""
    power = 10.0 ** math.floor(math.log10(longest_m))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= longest_m * (1 + 1e-9))


def length_text(metres: float) -> str:
    """Return ``"50 m"``, ``"2 km"`` or ``"20 cm"``."""
    if metres >= 1000:
        return f"{metres / 1000:g} km"
    return f"{metres:g} m" if metres >= 1 else f"{metres * 100:g} cm"


@contextmanager
def furniture(renderer: vtkRenderer, centre: NDArray[np.float64]) -> Iterator[None]:
    """Show scale bar and north arrow while the block runs; both hold at ``centre`` (3,), local, in the middle."""
    with _shown(renderer, [*_scale_bar(renderer, centre), *_north_arrow(renderer, centre)]):
        yield


@contextmanager
def caption(renderer: vtkRenderer, text: str) -> Iterator[None]:
    """Show ``text`` at the upper edge while the block runs: what whoever sees the picture alone must know."""
    width, height = renderer.GetSize()
    unit = max(height / 750, 0.5)
    with _shown(renderer, [_text(text, width / 2, height - 30 * unit, size_px=round(15 * unit))]):
        yield


@contextmanager
def _shown(renderer: vtkRenderer, props: list[vtkProp]) -> Iterator[None]:
    for prop in props:
        renderer.AddViewProp(prop)
    try:
        yield
    finally:
        for prop in props:
            renderer.RemoveViewProp(prop)
            prop.ReleaseGraphicsResources(renderer.GetRenderWindow())


def metres_per_pixel(renderer: vtkRenderer, centre: NDArray[np.float64]) -> float:
    """Return the size of a pixel across the picture at ``centre`` (3,), local."""
    camera = renderer.GetActiveCamera()
    height = max(renderer.GetSize()[1], 1)
    if camera.GetParallelProjection():
        return 2 * camera.GetParallelScale() / height
    depth = float((centre - np.array(camera.GetPosition())) @ np.array(camera.GetDirectionOfProjection()))
    return 2 * max(depth, 0.1) * math.tan(math.radians(camera.GetViewAngle()) / 2) / height


def _scale_bar(renderer: vtkRenderer, centre: NDArray[np.float64]) -> list[vtkProp]:
    width, height = renderer.GetSize()
    unit = max(height / 750, 0.5)
    metres = metres_per_pixel(renderer, centre)
    length_m = round_length(metres * width * _BAR_SHARE)
    length, thick = length_m / metres, 5 * unit
    left, bottom = 24 * unit, 22 * unit
    half = length / 2
    about = "" if renderer.GetActiveCamera().GetParallelProjection() else "~"  # in perspective it holds in the middle
    return [
        _area(_box(left - 1.5, bottom - 1.5, length + 3, thick + 3), _PAPER),
        _area(_box(left, bottom, half, thick), _INK),
        _area(_box(left + half, bottom, half, thick), "#c9cdd1"),
        _text(about + length_text(length_m), left + half, bottom + thick + 5 * unit, size_px=round(15 * unit)),
    ]


def _north_arrow(renderer: vtkRenderer, centre: NDArray[np.float64]) -> list[vtkProp]:
    width, height = renderer.GetSize()
    unit = max(height / 750, 0.5)
    ray = ray_through(renderer, 0, 0)
    step = 5 * metres_per_pixel(renderer, centre)
    ends, _ = project(np.stack([centre, centre + np.array([0.0, step, 0.0])]), to_clip=ray.to_clip, size_px=ray.size_px)
    north = (ends[1] - ends[0]) * [1, -1]
    north = north / (np.linalg.norm(north) or 1.0)
    side = np.array([north[1], -north[0]])
    middle, size = np.array([width - 54 * unit, 54 * unit]), 22 * unit
    tip, tail = middle + north * size, middle - north * size * 0.55
    left, right = middle - north * size - side * size * 0.6, middle - north * size + side * size * 0.6
    letter = middle + north * (size + 11 * unit)
    return [
        _area(_disc(middle, 42 * unit), _PAPER, opacity=0.75),
        _area(np.array([tip, left, tail]), _INK),
        _area(np.array([tip, tail, right]), "#8b939b"),
        _text("N", letter[0], letter[1] - 6 * unit, size_px=round(12 * unit), backed=False),
    ]


def _box(left: float, bottom: float, width: float, height: float) -> NDArray[np.float64]:
    return np.array([[left, bottom], [left + width, bottom], [left + width, bottom + height], [left, bottom + height]])


def _disc(middle: NDArray[np.float64], radius: float) -> NDArray[np.float64]:
    angle = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    disc: NDArray[np.float64] = middle + radius * np.stack([np.cos(angle), np.sin(angle)], axis=1)
    return disc


def _area(corners: NDArray[np.float64], colour: str, *, opacity: float = 1.0) -> vtkActor2D:
    """Return a convex polygon (n, 2) in pixels from the bottom left."""
    last = np.arange(2, len(corners), dtype=np.int32)
    fan = np.stack([np.zeros_like(last), last - 1, last], axis=1)
    mapper = vtkPolyDataMapper2D()
    mapper.SetInputData(poly_data(np.pad(corners, ((0, 0), (0, 1))).astype(np.float32), triangles=fan))
    actor = vtkActor2D()
    actor.SetMapper(mapper)
    actor.GetProperty().SetColor(*unit_rgb(colour))
    actor.GetProperty().SetOpacity(opacity)
    return actor


def _text(text: str, x: float, y: float, *, size_px: int, backed: bool = True) -> vtkTextActor:
    actor = vtkTextActor()
    actor.SetInput(text)
    actor.SetTextScaleModeToNone()
    actor.SetDisplayPosition(round(x), round(y))
    style = actor.GetTextProperty()
    style.SetFontFamilyToArial()
    style.SetFontSize(size_px)
    style.SetColor(*unit_rgb(_INK))
    style.SetJustificationToCentered()
    if backed:
        style.SetBackgroundColor(*unit_rgb(_PAPER))
        style.SetBackgroundOpacity(0.75)
    return actor

"""Which drag, wheel and key means what: the navigation presets as tables.

Nothing here moves anything; :mod:`twinviewer.ui.navigator` does.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from PySide6.QtCore import Qt

Preset = Literal["map", "orbit"]

CLICK_SLOP_PX = 4
"""Logical pixels that a press may wander and still be a click."""
WHEEL_NOTCH = 120
"""Qt's unit of ``angleDelta``: one notch of a wheel is 15 degrees, in eighths."""
_NOTCH_FACTOR, _FINE_NOTCH_FACTOR = 0.8, 0.96

_BUTTONS = Qt.KeyboardModifier.ShiftModifier | Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier


class Drag(StrEnum):
    """What a drag does."""

    MOVE = "move"
    """Over the ground; the grabbed point stays under the cursor."""
    SLIDE = "slide"
    """In the plane of the picture; the grabbed point stays under the cursor."""
    TURN = "turn"
    """Turn and tilt about the point under the cursor."""
    ORBIT = "orbit"
    """Turn and tilt about the target."""
    LOOK = "look"
    ZOOM = "zoom"


class Step(StrEnum):
    """What a key or a button does, once."""

    MOVE = "move"
    TURN = "turn"
    LOOK = "look"
    RISE = "rise"
    ZOOM = "zoom"
    NORTH = "north"
    TOP = "top"
    HOME = "home"
    FOCUS_SELECTED = "focus-selected"
    IDENTIFY = "identify"
    STOP = "stop"


@dataclass(frozen=True, slots=True)
class KeyStep:
    """A step and its direction: right and up (or ahead, or nearer) are positive."""

    step: Step
    right: int = 0
    up: int = 0


def drag_for(preset: Preset, button: Qt.MouseButton, modifiers: Qt.KeyboardModifier) -> Drag | None:
    """Return what a drag with this button does, or None if nothing."""
    held = modifiers & _BUTTONS
    shift, ctrl = held == Qt.KeyboardModifier.ShiftModifier, held == Qt.KeyboardModifier.ControlModifier
    left, middle, right = Qt.MouseButton.LeftButton, Qt.MouseButton.MiddleButton, Qt.MouseButton.RightButton
    if preset == "map":
        if button == right:
            return Drag.ZOOM
        if button == middle or (button == left and shift):
            return Drag.TURN
        if button == left:
            return Drag.LOOK if ctrl else Drag.MOVE
        return None
    if button == right:
        return Drag.SLIDE
    if button in (left, middle):
        return Drag.SLIDE if shift else Drag.ZOOM if ctrl else Drag.ORBIT
    return None


def wheel_factor(delta: float, modifiers: Qt.KeyboardModifier) -> float:
    """Return by how much a wheel scales the distance; below 1 is nearer."""
    fine = bool(modifiers & Qt.KeyboardModifier.ControlModifier)
    return float((_FINE_NOTCH_FACTOR if fine else _NOTCH_FACTOR) ** (delta / WHEEL_NOTCH))


_ARROWS = {
    Qt.Key.Key_Left: (-1, 0),
    Qt.Key.Key_Right: (1, 0),
    Qt.Key.Key_Up: (0, 1),
    Qt.Key.Key_Down: (0, -1),
}
_KEYS = {
    Qt.Key.Key_Plus: KeyStep(Step.ZOOM, up=1),
    Qt.Key.Key_Equal: KeyStep(Step.ZOOM, up=1),  # plus without Shift on many keyboards
    Qt.Key.Key_Minus: KeyStep(Step.ZOOM, up=-1),
    Qt.Key.Key_PageUp: KeyStep(Step.RISE, up=1),
    Qt.Key.Key_PageDown: KeyStep(Step.RISE, up=-1),
    Qt.Key.Key_N: KeyStep(Step.NORTH),
    Qt.Key.Key_U: KeyStep(Step.TOP),
    Qt.Key.Key_Home: KeyStep(Step.HOME),
    Qt.Key.Key_Period: KeyStep(Step.FOCUS_SELECTED),
    Qt.Key.Key_Return: KeyStep(Step.IDENTIFY),
    Qt.Key.Key_Enter: KeyStep(Step.IDENTIFY),
    Qt.Key.Key_Escape: KeyStep(Step.STOP),
}


def step_for(key: int, modifiers: Qt.KeyboardModifier) -> KeyStep | None:
    """Return what a key does in the view, or None if it is not the view's."""
    held = modifiers & _BUTTONS
    none, shift, ctrl = (
        Qt.KeyboardModifier.NoModifier,
        Qt.KeyboardModifier.ShiftModifier,
        Qt.KeyboardModifier.ControlModifier,
    )
    pressed = Qt.Key(key)
    if pressed in _ARROWS:
        step = {none: Step.MOVE, shift: Step.TURN, ctrl: Step.LOOK}.get(held)
        return KeyStep(step, *_ARROWS[pressed]) if step is not None else None
    # plus is a shifted key on many keyboards
    return _KEYS.get(pressed) if held == none or (held == shift and pressed == Qt.Key.Key_Plus) else None

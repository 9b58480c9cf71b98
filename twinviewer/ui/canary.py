"""Whether this Qt can be lived with: PySide6 6.12.0 on Python 3.11 takes a reference from None with every void call.

The process then ends, with "none_dealloc", after some five thousand of them: minutes after the window opened.
"""

from __future__ import annotations

import platform
import sys

import PySide6
from PySide6.QtCore import QObject, qVersion

from twinviewer.model.errors import DisplayError

CALLS = 200
SOUND_LOSS = 100
"""References that may go in so many calls: an unsound Qt loses one with each, a sound one less than ten in all."""


def references_lost() -> int:
    """Return how many references to None are gone after :data:`CALLS` calls of Qt; below zero where there are more."""
    bird = QObject()
    before = sys.getrefcount(None)
    for _ in range(CALLS):
        bird.setObjectName("canary")
    return before - sys.getrefcount(None)


def require_sound_qt() -> None:
    """Let the window open only with a Qt that keeps count.

    Raises:
        DisplayError: It would end the program within minutes.
    """
    if references_lost() > SOUND_LOSS:
        raise DisplayError(
            f"PySide6 {PySide6.__version__} does not work with Python {platform.python_version()}: it would end the "
            "program within minutes.",
            cure="Install PySide6 6.11.3, or use Python 3.12 or newer.",
            source="Qt",
        )


def library_versions() -> str:
    """Return the versions of Qt and of its Python side."""
    return f"Qt {qVersion()}, PySide6 {PySide6.__version__}"

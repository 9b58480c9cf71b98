"""Icons: SVG line drawings in ``assets/icons``, drawn in the theme's own colour.

All but ``twinviewer.svg`` are Lucide's (ISC licence, ``assets/icons/LICENSE``).
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from twinviewer.resources import asset

SIZES_PX = (16, 20, 24, 32, 40, 48, 64)
"""Device pixels that icons are drawn at: 16, 20, 24 and 32 logical ones at 1 to 2 times."""


@cache
def _source(name: str) -> bytes:
    return asset(f"icons/{name}.svg").read_bytes()


@lru_cache(maxsize=512)
def icon(name: str, colour: str, selected: str | None = None) -> QIcon:
    """Return the icon ``name`` in ``colour`` (``#rrggbb``), and in ``selected`` on a selected row.

    Raises:
        FileNotFoundError: There is no such icon; a test draws all that are named.
    """
    made = QIcon()
    for size in SIZES_PX:
        made.addPixmap(pixmap(name, colour, size), QIcon.Mode.Normal)
        if selected is not None:
            made.addPixmap(pixmap(name, selected, size), QIcon.Mode.Selected)
    return made


def pixmap(name: str, colour: str, size_px: int) -> QPixmap:
    """Return the icon as a square picture of ``size_px`` device pixels."""
    renderer = QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", colour.encode())))
    drawn = QPixmap(QSize(size_px, size_px))
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    renderer.render(painter)
    painter.end()
    return drawn


def application_icon() -> QIcon:
    """Return the program's own icon."""
    made = QIcon()
    for size in (16, 24, 32, 48, 64, 128, 256):
        made.addPixmap(pixmap("twinviewer", "#0b61b5", size))
    return made

"""Icons: SVG line drawings in ``assets/icons``, drawn in the theme's own colour.

All but ``twinviewer.svg`` are Lucide's (ISC licence, ``assets/icons/LICENSE``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
    for drawn in _pixmaps(name, colour, SIZES_PX):
        made.addPixmap(drawn, QIcon.Mode.Normal)
    for drawn in _pixmaps(name, selected, SIZES_PX) if selected is not None else ():
        made.addPixmap(drawn, QIcon.Mode.Selected)
    return made


def _pixmaps(name: str, colour: str, sizes_px: Sequence[int]) -> Iterator[QPixmap]:
    """Yield the icon as square pictures of so many device pixels; the drawing is parsed once."""
    renderer = QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", colour.encode())))
    for size in sizes_px:
        drawn = QPixmap(QSize(size, size))
        drawn.fill(Qt.GlobalColor.transparent)
        painter = QPainter(drawn)
        renderer.render(painter)
        painter.end()
        yield drawn


def application_icon() -> QIcon:
    """Return the program's own icon."""
    made = QIcon()
    for drawn in _pixmaps("twinviewer", "#0b61b5", (16, 24, 32, 48, 64, 128, 256)):
        made.addPixmap(drawn)
    return made

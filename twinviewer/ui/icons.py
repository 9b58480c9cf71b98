"""Icons: SVG line drawings in ``assets/icons``, drawn in the theme's own colour.

All but ``twinviewer.svg`` are Lucide's (ISC licence, ``assets/icons/LICENSE``).
"""

from __future__ import annotations

from functools import cache, lru_cache

from PySide6.QtCore import QByteArray, QRect, QSize, Qt
from PySide6.QtGui import QIcon, QIconEngine, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer
from PySide6.QtWidgets import QApplication, QStyleOption

from twinviewer.resources import asset

_CLONES: list[QIconEngine] = []
"""Qt owns what :meth:`Drawing.clone` returns, yet PySide would free it.  Only an icon that is changed is cloned."""


class Drawing(QIconEngine):
    """Draws an icon when it is shown, and in the pixels that it is shown in: most of a window's icons wait in menus."""

    def __init__(self, name: str, colour: str, selected: str | None) -> None:
        super().__init__()
        self._name, self._colour, self._selected = name, colour, selected
        _source(name)

    def clone(self) -> QIconEngine:
        made = Drawing(self._name, self._colour, self._selected)
        _CLONES.append(made)
        return made

    def actualSize(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QSize:  # noqa: N802
        side = min(size.width(), size.height())
        return QSize(side, side)

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        is_selected = mode == QIcon.Mode.Selected and self._selected is not None
        drawn = _pixmap(self._name, self._selected if is_selected else self._colour, min(size.width(), size.height()))
        if mode == QIcon.Mode.Normal or is_selected:
            return drawn
        return QApplication.style().generatedIconPixmap(mode, drawn, QStyleOption())

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        painter.drawPixmap(rect, self.pixmap(rect.size() * painter.device().devicePixelRatioF(), mode, state))


@lru_cache(maxsize=512)
def icon(name: str, colour: str, selected: str | None = None) -> QIcon:
    """Return the icon ``name`` in ``colour`` (``#rrggbb``), and in ``selected`` on a selected row.

    Raises:
        FileNotFoundError: There is no such icon.
    """
    return QIcon(Drawing(name, colour, selected))


def application_icon() -> QIcon:
    """Return the program's own icon."""
    return icon("twinviewer", "#0b61b5")


@cache
def _source(name: str) -> bytes:
    return asset(f"icons/{name}.svg").read_bytes()


@lru_cache(maxsize=1024)
def _pixmap(name: str, colour: str, side_px: int) -> QPixmap:
    drawn = QPixmap(side_px, side_px)
    if drawn.isNull():  # a button may be squeezed to nothing
        return drawn
    drawn.fill(Qt.GlobalColor.transparent)
    painter = QPainter(drawn)
    QSvgRenderer(QByteArray(_source(name).replace(b"currentColor", colour.encode()))).render(painter)
    painter.end()
    return drawn

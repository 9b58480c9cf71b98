"""Many small pictures on a few large pages, so that a city of thousands of textures is drawn with a few draw calls.

Around each picture lies a margin of what the picture is beyond its edges.  Pictures and margins fill whole blocks of
BLOCK_PX, so that the page can be halved three times before neighbours run into each other.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.city_parts import WrapMode

Int32s = NDArray[np.int32]
Uint8s = NDArray[np.uint8]

BLOCK_PX = 8
"""Also the width of the margin."""
LARGEST_PAGE_PX = 8192
"""All graphics cards that can draw our scenes take as much."""
MOST_PAGES = 2
"""134 million texels, 700 MB on the graphics card, and each page is looked at for each pixel.  Where more are needed,
the largest pictures are made smaller."""
_SMALLEST_PAGE_PX = 64
_LEAST_SIDE_PX = 4

_PADDING = {WrapMode.WRAP: "wrap", WrapMode.MIRROR: "symmetric"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where ``k`` pictures lie."""

    page_px: int
    """Width and height of each page, a power of two."""
    pages: int
    page: Int32s
    """(k,)"""
    box: Int32s
    """(k, 4) column, row, width and height in texels, without the margin."""


def layout_of(sizes: Int32s) -> Layout:
    """Return a layout of pictures of ``sizes`` (k, 2), width and height, made smaller where they need too many pages.

    Where some must shrink, the largest do: all are made to fit into the same square.  Of millions of pictures, there
    are more than MOST_PAGES pages all the same.
    """
    longest = sizes.max(axis=1, initial=1)
    limit = LARGEST_PAGE_PX - 2 * BLOCK_PX
    while True:
        scale = np.minimum(1.0, limit / longest)
        fitted = np.clip(np.rint(sizes * scale[:, None]), 1, limit).astype(np.int32)
        layout = _packed(fitted)
        if layout.pages <= MOST_PAGES or limit <= _LEAST_SIDE_PX:
            return layout
        limit = int(limit * 0.9)


def _packed(sizes: Int32s) -> Layout:
    """Return a layout on one page as small as can be, or on several of the largest."""
    cells = -(-(sizes + 2 * BLOCK_PX) // BLOCK_PX) * BLOCK_PX
    area = int(cells.astype(np.int64).prod(axis=1).sum())
    side = _SMALLEST_PAGE_PX
    while side < LARGEST_PAGE_PX and side * side < area:
        side *= 2
    while True:
        page, corner = _on_shelves(cells, side)
        pages = int(page.max(initial=-1)) + 1
        if pages <= 1 or side == LARGEST_PAGE_PX:
            return Layout(page_px=side, pages=pages, page=page, box=np.concatenate([corner + BLOCK_PX, sizes], axis=1))
        side *= 2


def _on_shelves(cells: Int32s, side: int) -> tuple[Int32s, Int32s]:
    """Return the page (k,) and corner (k, 2) of each cell: the highest first, side by side on shelves."""
    page, corner = np.zeros(len(cells), np.int32), np.zeros((len(cells), 2), np.int32)
    number, x, y, shelf = 0, 0, 0, 0
    for row in np.lexsort((-cells[:, 0], -cells[:, 1])).tolist():
        width, height = cells[row].tolist()
        if x + width > side:
            x, y, shelf = 0, y + shelf, 0
        if y + height > side or width > side:
            number, x, y, shelf = number + 1, 0, 0, 0
        page[row], corner[row] = number, (x, y)
        x, shelf = x + width, max(shelf, height)
    return page, corner


def place(page: Uint8s, picture: Uint8s, box: Int32s, *, wrap: WrapMode, border: tuple[int, int, int, int]) -> None:
    """Write a picture (rows, columns, 4) into its ``box`` (4,) of a page (rows, columns, 4), and a margin around it."""
    x, y, width, height = box.tolist()
    right, below = (BLOCK_PX + (-size) % BLOCK_PX for size in (width, height))
    margins = ((BLOCK_PX, below), (BLOCK_PX, right), (0, 0))
    if wrap is WrapMode.BORDER:
        padded = np.empty((height + BLOCK_PX + below, width + BLOCK_PX + right, 4), np.uint8)
        padded[:] = border
        padded[BLOCK_PX : BLOCK_PX + height, BLOCK_PX : BLOCK_PX + width] = picture
    else:
        padded = np.pad(picture, margins, mode=_PADDING.get(wrap, "edge"))  # type: ignore[call-overload]
    page[y - BLOCK_PX : y + height + below, x - BLOCK_PX : x + width + right] = padded

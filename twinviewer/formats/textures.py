"""The pictures that a city model's file names for its surfaces: found, decoded, and laid onto a few pages.

They come from whoever made the file, so they are decoded in a worker only, by few decoders, and only if they lie
in the file's own folder.  What cannot be decoded is told, and its surfaces stay in plain colours; which are not there
was told when the model was read (``AppearanceColumns.tell_of_images``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from twinviewer.formats.atlas import MOST_PAGES, layout_of, place
from twinviewer.formats.files import file_beside
from twinviewer.formats.findings import Findings
from twinviewer.model.attributes import column
from twinviewer.model.city_parts import WrapMode
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import ReadError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import FeatureTable, LayerData, RasterImage, SourceFacts

DECODERS = ("JPEG", "PNG", "TIFF", "BMP", "GIF", "WEBP", "TGA")
MOST_BYTES = 2**28
"""Of one file."""
MOST_PIXELS = 2**26
"""Of one picture: 8,192 × 8,192."""
_MOST_THREADS = 4
_FACTS = SourceFacts(format="textures")
_DAMAGED = (OSError, ValueError, SyntaxError, EOFError, UnidentifiedImageError, Image.DecompressionBombError)
"""What Pillow raises over pictures that it cannot read."""


class _Unusable(Exception):
    """A texture that is not shown."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code, self.problem = code, problem


def read(*, path: Path, textures: Sequence[dict[str, Any]], feedback: Feedback) -> list[LayerData]:
    """Read the textures of the city model in ``path``.

    Args:
        path: The city model's file.
        textures: For each its ``path`` as the file names it, its ``wrap`` and its ``border`` (four bytes).
        feedback: Hears how far it is.

    Returns:
        A table of where each texture is (page, −1 for none, column, row, width and height in texels), which has the
        diagnostics, and the pages.
    """
    findings = Findings()
    files: list[Path | None] = []
    sizes = np.zeros((len(textures), 2), np.int32)
    for row, texture in enumerate(textures):
        try:
            file = file_beside(path, texture["path"])
            sizes[row] = _size_of(file)
            files.append(file)
        except ReadError:
            files.append(None)  # told when the model was read
        except _Unusable as error:
            files.append(None)
            findings.add(error.code, error.problem, where=texture["path"])
        feedback.stop_if_cancelled()
    there = np.flatnonzero([file is not None for file in files])
    layout = layout_of(sizes[there])
    pages = np.zeros((min(layout.pages, MOST_PAGES), layout.page_px, layout.page_px, 4), np.uint8)
    page, box = np.full(len(textures), -1, np.int32), np.zeros((len(textures), 4), np.int32)
    page[there], box[there] = layout.page, layout.box
    if (too_many := page >= MOST_PAGES).any():
        page[too_many] = -1
        there = there[page[there] >= 0]
        findings.add("texture.too-many", "There are too many textures; some surfaces have plain colours.")

    def decode(row: int) -> _Unusable | None:
        texture, file = textures[row], files[row]
        assert file is not None
        width, height = box[row, 2:].tolist()
        try:
            picture = _decoded(file, width, height)
        except _Unusable as error:
            return error
        border = tuple(texture["border"])
        assert len(border) == 4
        place(pages[page[row]], picture, box[row], wrap=WrapMode(texture["wrap"]), border=border)
        return None

    with ThreadPoolExecutor(min(_MOST_THREADS, os.cpu_count() or 1)) as threads:
        for done, (row, fault) in enumerate(zip(there.tolist(), threads.map(decode, there.tolist()), strict=True)):
            if fault is not None:
                findings.add(fault.code, fault.problem, where=textures[row]["path"])
                page[row] = -1
            feedback.progress(done / len(there), "Textures")
            feedback.stop_if_cancelled()
    reduced = there[(box[there, 2:] < sizes[there]).any(axis=1)]
    if len(reduced):
        findings.add(
            "texture.reduced",
            "Textures are drawn smaller than they are: all of them together are more than graphics cards hold.",
            where=textures[reduced[0]]["path"],
            severity=Severity.INFO,
            count=len(reduced),
        )
    return [_table(page, box, findings), *(_picture(each) for each in pages)]


def _size_of(file: Path) -> tuple[int, int]:
    if file.stat().st_size > MOST_BYTES:
        raise _too_large()
    try:
        with Image.open(file, formats=DECODERS) as picture:
            width, height = picture.size
    except _DAMAGED as error:
        raise _unreadable() from error
    if width * height > MOST_PIXELS:
        raise _too_large()
    return width, height


def _decoded(file: Path, width: int, height: int) -> NDArray[np.uint8]:
    """Return the pixels (height, width, 4), the top row first."""
    try:
        with Image.open(file, formats=DECODERS) as picture:
            picture.draft("RGB", (width, height))  # where it is wanted smaller, JPEG need not be decoded in full
            colours = picture.convert("RGBA")
    except _DAMAGED as error:
        raise _unreadable() from error
    if colours.size != (width, height):
        colours = colours.resize((width, height), Image.Resampling.BOX, reducing_gap=2.0)
    return np.asarray(colours)


def _unreadable() -> _Unusable:
    return _Unusable("texture.unreadable", "Textures cannot be decoded; their surfaces have plain colours.")


def _too_large() -> _Unusable:
    return _Unusable(
        "texture.too-large",
        "Textures of more than 67 million pixels are not opened; their surfaces have plain colours.",
    )


def _table(page: NDArray[np.int32], box: NDArray[np.int32], findings: Findings) -> FeatureTable:
    numbers = np.column_stack([page, box])
    nothing, starts = np.empty((0, 3)), np.zeros(1, np.int64)
    rows = np.empty(0, np.int32)
    return FeatureTable(
        source=_FACTS,
        crs=None,
        feature_count=len(page),
        has_z=False,
        points=nothing,
        point_feature=rows,
        line_vertices=nothing,
        line_offsets=starts,
        line_feature=rows,
        ring_vertices=nothing,
        ring_offsets=starts,
        polygon_offsets=starts,
        polygon_feature=rows,
        attributes=tuple(
            column(name, values.tolist())
            for name, values in zip(("page", "column", "row", "width", "height"), numbers.T, strict=True)
        ),
        diagnostics=findings.diagnostics(),
    )


def _picture(pixels: NDArray[np.uint8]) -> RasterImage:
    rows, columns = pixels.shape[:2]
    return RasterImage(
        source=_FACTS,
        crs=None,
        pixels=pixels,
        transform=(1.0, 0.0, 0.0, 0.0, -1.0, float(rows)),
        width=columns,
        height=rows,
        bands=4,
        file_extent=None,
    )

"""Pictures for symbols: PNG without a georeference, as RGBA.

Only GDAL's PNG driver opens the file, and only in a worker: decoders of pictures are native libraries.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.errors import NotGeoreferencedWarning, RasterioError

from twinviewer.formats.files import GET_IT_AGAIN, require_content
from twinviewer.model.errors import DamagedFileError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import RasterImage, SourceFacts

LARGEST_SIDE_PX = 1024
_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def read(*, path: Path, feedback: Feedback) -> list[RasterImage]:
    """Read a PNG.

    Raises:
        DamagedFileError: It is no PNG, or damaged.
        UnsupportedFormatError: It is larger than a symbol needs to be.
    """
    require_content(path)
    with path.open("rb") as file:
        if file.read(len(_SIGNATURE)) != _SIGNATURE:
            raise DamagedFileError("The file is not a PNG picture.", cure="Save it as PNG.", source=path.name)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(path, driver="PNG") as picture:
                if max(picture.width, picture.height) > LARGEST_SIDE_PX:
                    raise UnsupportedFormatError(
                        f"The picture has {picture.width} × {picture.height} pixels; symbols have at most "
                        f"{LARGEST_SIDE_PX} each way.",
                        cure="Make it smaller: 128 pixels are enough.",
                        source=path.name,
                    )
                pixels = _rgba(picture)
    except RasterioError as error:
        raise DamagedFileError(f"The picture cannot be read: {error}.", cure=GET_IT_AGAIN, source=path.name) from error
    return [
        RasterImage(
            source=SourceFacts(format="PNG"),
            crs=None,
            pixels=pixels,
            transform=(1.0, 0.0, 0.0, 0.0, -1.0, 0.0),
            width=pixels.shape[1],
            height=pixels.shape[0],
            bands=picture.count,
            file_extent=None,
        )
    ]


def _rgba(picture: rasterio.DatasetReader) -> NDArray[np.uint8]:
    """Return pixels (rows, columns, 4), whatever kind of PNG it is."""
    bands = picture.read()
    if bands.dtype != np.uint8:  # 16 bits
        bands = (bands >> 8).astype(np.uint8)
    if picture.colorinterp[0] is ColorInterp.palette:
        colours = np.zeros((256, 4), np.uint8)
        for index, colour in picture.colormap(1).items():
            colours[index] = colour
        pixels: NDArray[np.uint8] = colours[bands[0]]
        return pixels
    grey, alpha = len(bands) < 3, len(bands) in (2, 4)
    rgb = np.repeat(bands[:1], 3, axis=0) if grey else bands[:3]
    opacity = bands[-1:] if alpha else np.full_like(bands[:1], 255)
    return np.ascontiguousarray(np.moveaxis(np.concatenate((rgb, opacity)), 0, -1))

"""Terrain and images from GeoTIFF (OGC 19-008r4), cloud-optimised ones too.

One band that is not 8 bit, or that states a unit of length, a scale or an offset, is terrain; everything else is a
picture.  One band of 8 bit is a grey or palette picture: a height in whole metres up to 255 exists, but scanned maps
are many.  The option ``kind`` overrules.  Whatever is larger than the limit comes from the file's overviews, or is
averaged.  Only GDAL's GTiff driver may open the file: a VRT called ``.tif`` reads other files and the network.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import rasterio
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, Resampling
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from twinviewer.formats.files import GET_IT_AGAIN, require_content
from twinviewer.formats.reference_systems import first_known, unusable
from twinviewer.geometry.georeference import Transform, extent_of
from twinviewer.model.crs import assumed_metres_per_height
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import DamagedFileError, HostileFileError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import RasterImage, SourceFacts, TerrainGrid
from twinviewer.model.place import Extent, ReferenceSystem

MAX_SIDE = 4096
_SIGNATURES = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_STRIP_PIXELS = 2**22
"""Pixels of the file between two questions whether to stop."""
_BELIEVABLE_HEIGHTS = (-9_000.0, 100_000.0)
"""From below the Dead Sea's bed to above Everest in feet; −9999 and the like mean “no data” even where nobody says."""
_UNITS_M = {
    "m": 1.0,
    "metre": 1.0,
    "meter": 1.0,
    "metres": 1.0,
    "meters": 1.0,
    "ft": 0.3048,
    "foot": 0.3048,
    "feet": 0.3048,
    "us survey foot": 1200 / 3937,
    "us-ft": 1200 / 3937,
    "ftus": 1200 / 3937,
    "cm": 0.01,
    "centimetre": 0.01,
    "centimeter": 0.01,
    "mm": 0.001,
}
Kind = Literal["auto", "terrain", "image"]


def probe(*, path: Path) -> float:
    """Return 1.0 for a file that begins as TIFF does, else 0.0."""
    with path.open("rb") as file:
        return float(file.read(4) in _SIGNATURES)


def read(
    *, path: Path, feedback: Feedback, kind: Kind = "auto", max_side: int = MAX_SIDE
) -> list[TerrainGrid | RasterImage]:
    """Read a GeoTIFF.

    Args:
        path: The file.
        feedback: Hears progress, and is asked after each strip whether to stop.
        kind: What to make of it; see the module.
        max_side: The most rows and columns to return.

    Raises:
        UnsupportedFormatError: It is no TIFF, or of a kind that GDAL does not read.
        DamagedFileError: None of it can be decoded.
        Cancelled: The person stopped the work.
    """
    require_content(path)
    with path.open("rb") as file:
        head = file.read(4096)
    if not head.startswith(_SIGNATURES):
        if b"<VRTDataset" in head:
            raise HostileFileError(
                "The file is not what its name says: it is a GDAL virtual raster, which makes GDAL read other files "
                "or the network.",
                cure="Open the files that it stands for.",
                source=path.name,
            )
        raise UnsupportedFormatError("This is not a TIFF file.", source=path.name)
    with warnings.catch_warnings(), rasterio.Env(GDAL_PAM_ENABLED="NO"):
        warnings.simplefilter("ignore", NotGeoreferencedWarning)  # told as a diagnostic
        try:
            # Absolute: no name is a URL or one of GDAL's own (“zip:…”, “GTIFF_DIR:…”).
            with rasterio.open(path.absolute(), driver="GTiff") as dataset:
                if dataset.count == 0 or any("complex" in dtype for dtype in dataset.dtypes):
                    raise UnsupportedFormatError(
                        "The TIFF holds neither heights nor a picture (complex numbers).", source=path.name
                    )
                grid = _Grid(dataset, max_side, feedback)
                if kind == "terrain" or (kind == "auto" and _is_terrain(dataset)):
                    return [_terrain(grid)]
                return [_image(grid)]
        except RasterioError as error:
            text = str(error.__cause__ or error).replace(str(path.absolute()), path.name).rstrip(".")
            raise DamagedFileError(
                f"The picture cannot be decoded: {text}.",
                cure=GET_IT_AGAIN,
                source=path.name,
            ) from error


def _is_terrain(dataset: Any) -> bool:
    if dataset.count != 1 or dataset.colorinterp[0] is ColorInterp.palette:
        return False
    measured = dataset.scales[0] != 1.0 or dataset.offsets[0] != 0.0 or _unit_m(dataset) is not None
    return measured or dataset.dtypes[0] not in ("uint8", "int8")


def _unit_m(dataset: Any) -> float | None:
    return _UNITS_M.get((dataset.units[0] or "").strip().lower())


# --- strips -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Grid:
    """A dataset and the size in which it is wanted."""

    dataset: Any
    max_side: int
    feedback: Feedback

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) to return."""
        step = max(1.0, max(self.dataset.width, self.dataset.height) / self.max_side)
        return max(1, round(self.dataset.height / step)), max(1, round(self.dataset.width / step))

    def fill(self, target: NDArray[Any], read: Callable[..., NDArray[Any]]) -> int:
        """Fill ``target`` (rows, columns, …) strip by strip; return how many of its cells could not be decoded.

        Args:
            target: What cannot be decoded stays as it is.
            read: ``read(window=…, shape=(rows, columns))`` returns that part.

        Raises:
            RasterioError: Nothing could be decoded.
        """
        rows, columns = self.shape
        lost, last_error = 0, None
        for part, window in self._strips():
            self.feedback.stop_if_cancelled()
            try:
                target[part] = read(window=window, shape=target[part].shape[:2])
            except RasterioError:
                for piece, piece_window in self._pieces(part):
                    self.feedback.stop_if_cancelled()
                    try:
                        target[piece] = read(window=piece_window, shape=target[piece].shape[:2])
                    except RasterioError as error:
                        lost, last_error = lost + target[piece].shape[0] * target[piece].shape[1], error
            self.feedback.progress(part[0].stop / rows, "Reading the raster")
        if last_error is not None and lost == rows * columns:
            raise last_error
        return lost

    def _strips(self) -> Iterator[tuple[tuple[slice, slice], Window]]:
        rows, columns = self.shape
        block = self.dataset.block_shapes[0][0]
        strip = max(1, _STRIP_PIXELS // (self.dataset.width * block)) * block  # rows of the file
        height = max(1, min(rows, int(strip * rows / self.dataset.height)))
        for first in range(0, rows, height):
            part = (slice(first, min(rows, first + height)), slice(0, columns))
            yield part, self._window(*part)

    def _pieces(self, part: tuple[slice, slice]) -> Iterator[tuple[tuple[slice, slice], Window]]:
        """Cut a strip into the file's blocks, as far as they are larger than a cell."""
        rows, columns = self.shape
        block_height, block_width = self.dataset.block_shapes[0]
        height = max(1, int(block_height * rows / self.dataset.height))
        width = max(1, int(block_width * columns / self.dataset.width))
        for top in range(part[0].start, part[0].stop, height):
            for left in range(0, columns, width):
                piece = (slice(top, min(part[0].stop, top + height)), slice(left, min(columns, left + width)))
                yield piece, self._window(*piece)

    def _window(self, rows: slice, columns: slice) -> Window:
        v, u = self.dataset.height / self.shape[0], self.dataset.width / self.shape[1]
        return Window(
            columns.start * u, rows.start * v, (columns.stop - columns.start) * u, (rows.stop - rows.start) * v
        )

    def transform(self) -> Transform:
        """Return the georeference of the returned cells; a picture without one stands upright in pixels."""
        a, b, x, d, e, y = self.dataset.transform[:6]
        if self.dataset.transform.is_identity:
            e, y = -1.0, float(self.dataset.height)
        rows, columns = self.shape
        u, v = self.dataset.width / columns, self.dataset.height / rows
        return (a * u, b * v, x, d * u, e * v, y)

    def extent(self, low: float = 0.0, high: float = 0.0) -> Extent:
        """Return the box around the grid's outer edges and the heights."""
        return extent_of(self.transform(), self.shape, low=low, high=high)

    def findings(self, lost: int) -> list[Diagnostic]:
        """Return what is to be told of the grid itself."""
        told = []
        rows, columns = self.shape
        if lost:
            told.append(
                Diagnostic(
                    severity=Severity.ERROR,
                    code="raster.damaged",
                    problem=f"{lost / (rows * columns):.0%} of the raster cannot be decoded and is left empty: "
                    "the file is damaged or cut off.",
                )
            )
        if (rows, columns) != (self.dataset.height, self.dataset.width):
            told.append(
                Diagnostic(
                    severity=Severity.INFO,
                    code="raster.coarsened",
                    problem=f"The raster of {self.dataset.width:,} × {self.dataset.height:,} cells is shown with "
                    f"{columns:,} × {rows:,}.",
                )
            )
        if self.dataset.transform.is_identity:
            told.append(
                Diagnostic(
                    code="raster.no-georeference",
                    problem="The file does not say where its raster lies: one pixel is taken as one metre.",
                )
            )
        return told


def _reference_system(dataset: Any) -> tuple[ReferenceSystem | None, list[Diagnostic]]:
    if not dataset.crs or dataset.transform.is_identity:
        return None, []
    try:
        name = dataset.crs.to_wkt()
    except RasterioError:
        return None, [unusable()]
    crs, told = first_known([name])
    return crs, list(told)


# --- terrain ----------------------------------------------------------------------------------------------------


def _terrain(grid: _Grid) -> TerrainGrid:
    dataset = grid.dataset
    crs, told = _reference_system(dataset)
    heights = np.full(grid.shape, np.nan, np.float32)
    absurd = 0

    def read_part(*, window: Window, shape: tuple[int, int]) -> NDArray[np.float32]:
        nonlocal absurd
        cells = dataset.read(1, window=window, out_shape=shape, masked=True, resampling=Resampling.average)
        with np.errstate(invalid="ignore", over="ignore"):
            part = np.ma.filled(cells.astype(np.float64), np.nan) * dataset.scales[0] + dataset.offsets[0]
            bad = (part < _BELIEVABLE_HEIGHTS[0]) | (part > _BELIEVABLE_HEIGHTS[1])
        absurd += int(bad.sum())
        part[bad] = np.nan
        return np.asarray(part, np.float32)

    lost = grid.fill(heights, read_part)
    told.extend(grid.findings(lost))
    if absurd:
        told.append(
            Diagnostic(
                code="height.absurd",
                problem="Heights that nothing on Earth has are taken as missing.",
                count=absurd,
            )
        )
    told.extend(_in_expected_unit(heights, dataset, crs))
    there = np.isfinite(heights)
    low, high = (float(heights[there].min()), float(heights[there].max())) if there.any() else (0.0, 0.0)
    return TerrainGrid(
        source=SourceFacts(format="GeoTIFF"),
        crs=crs,
        heights=heights,
        transform=grid.transform(),
        width=dataset.width,
        height=dataset.height,
        file_extent=grid.extent(low, high),
        diagnostics=tuple(told),
    )


def _in_expected_unit(heights: NDArray[np.float32], dataset: Any, crs: ReferenceSystem | None) -> list[Diagnostic]:
    """Bring ``heights`` from the unit that the band states to the one that the reference system implies."""
    stated = _unit_m(dataset)
    expected = 1.0 if crs is None else assumed_metres_per_height(crs)
    if stated is None or abs(stated / expected - 1.0) < 1e-6:
        return []
    heights *= stated / expected
    return [
        Diagnostic(
            severity=Severity.INFO,
            code="height.unit-converted",
            problem=f"The heights are in “{dataset.units[0]}”, says the file; they were converted.",
        )
    ]


# --- images -----------------------------------------------------------------------------------------------------


def _image(grid: _Grid) -> RasterImage:
    dataset = grid.dataset
    crs, told = _reference_system(dataset)
    pixels = np.zeros((*grid.shape, 4), np.uint8)
    bands = _colour_bands(dataset)
    palette = _palette(dataset)
    is_8_bit = palette is not None or all(dataset.dtypes[band - 1] == "uint8" for band in bands)
    stretch = None if is_8_bit else _stretch(grid, bands)
    resampling = Resampling.nearest if palette is not None else Resampling.average

    def read_part(*, window: Window, shape: tuple[int, int]) -> NDArray[np.uint8]:
        colours = dataset.read(bands, window=window, out_shape=(len(bands), *shape), resampling=resampling)
        part = np.empty((*shape, 4), np.uint8)
        if palette is not None:
            part[:] = palette[np.minimum(colours[0], len(palette) - 1)]
        else:
            if stretch is not None:
                low, high = stretch
                colours = np.clip((colours - low) * (255.0 / (high - low)), 0, 255).astype(np.uint8)
            part[..., :3] = np.moveaxis(colours, 0, -1)
            part[..., 3] = 255
        mask = dataset.dataset_mask(window=window, out_shape=shape, resampling=Resampling.nearest)
        part[..., 3] = np.minimum(part[..., 3], mask)
        return part

    lost = grid.fill(pixels, read_part)
    told.extend(grid.findings(lost))
    if stretch is not None:
        told.append(
            Diagnostic(
                severity=Severity.INFO,
                code="image.stretched",
                problem="The picture has more than 8 bits a colour: the middle 96 % of its values are shown.",
            )
        )
    return RasterImage(
        source=SourceFacts(format="GeoTIFF"),
        crs=crs,
        pixels=pixels,
        transform=grid.transform(),
        width=dataset.width,
        height=dataset.height,
        bands=dataset.count,
        file_extent=grid.extent(),
        diagnostics=tuple(told),
    )


def _colour_bands(dataset: Any) -> list[int]:
    """Return the numbers of the bands to show as red, green and blue, or of the one to show as grey or palette."""
    roles = list(dataset.colorinterp)
    named = [roles.index(role) + 1 for role in (ColorInterp.red, ColorInterp.green, ColorInterp.blue) if role in roles]
    if len(named) == 3:
        return named
    colours = [number for number, role in enumerate(roles, start=1) if role is not ColorInterp.alpha]
    return colours[:3] if len(colours) >= 3 else colours[:1] or [1]


def _palette(dataset: Any) -> NDArray[np.uint8] | None:
    """Return (256 or more, 4) RGBA of a palette picture, or None."""
    if dataset.colorinterp[0] is not ColorInterp.palette:
        return None
    entries = dataset.colormap(1)
    palette = np.zeros((max(256, max(entries) + 1), 4), np.uint8)
    for number, colour in entries.items():
        palette[number] = colour
    return palette


def _stretch(grid: _Grid, bands: list[int]) -> tuple[float, float]:
    """Return the 2nd and 98th percentile over a coarse version of the bands."""
    coarse = (len(bands), min(256, grid.shape[0]), min(256, grid.shape[1]))
    values = grid.dataset.read(bands, out_shape=coarse, masked=True).astype(np.float64)
    values = np.ma.masked_invalid(values).compressed()
    if len(values) == 0:
        return 0.0, 1.0
    low, high = np.percentile(values, (2, 98))
    return float(low), float(high) if high > low else float(low) + 1.0

"""How values become colours: colour maps, categorical palettes, and the scale that a legend shows.

Colour maps come from :mod:`twinviewer.app.colour_maps`; sequential ones that ship are monotone in lightness, and all of
these can be told apart with the common colour-vision deficiencies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.colour_maps import colours_of
from twinviewer.model.attributes import AttributeColumn, AttributeType
from twinviewer.model.drawing import ColourScale
from twinviewer.model.project import Style

Uint8s = NDArray[np.uint8]

MISSING_RGB = (176, 176, 172)
"""Of objects that have no value."""
TOO_MANY_CATEGORIES = 24
"""Beyond this many, rarer categories share one colour."""

_CATEGORIES = (  # Okabe & Ito, then Tol's muted scheme: told apart with all common colour-vision deficiencies
    "#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#f0e442", "#332288", "#88ccee", "#44aa99",
    "#117733", "#999933", "#ddcc77", "#cc6677", "#882255", "#aa4499", "#6699cc", "#997700", "#661100", "#5566aa",
    "#77aadd", "#bbcc33", "#ee8866", "#aaaa00",
)  # fmt: skip


def rgb_of(text: str) -> tuple[int, int, int]:
    """Return the three bytes of ``#rrggbb``."""
    return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)


def unit_rgb(text: str) -> tuple[float, float, float]:
    """Return ``#rrggbb`` as VTK takes colours, 0 to 1."""
    red, green, blue = rgb_of(text)
    return red / 255, green / 255, blue / 255


def table(*colours: str) -> Uint8s:
    """Return ``#rrggbb`` texts as (n, 3) bytes."""
    return np.array([rgb_of(colour) for colour in colours], dtype=np.uint8)


def ramp(values: NDArray[Any], *, name: str, value_range: tuple[float, float]) -> Uint8s:
    """Return the colours (n, 3) of ``values`` (n,); NaN is drawn as missing, what lies beyond the range is clipped."""
    low, high = value_range
    colours = colours_of(name)
    last = len(colours) - 1
    place = np.asarray(values, dtype=np.float64) - low
    place *= last / ((high - low) or 1.0)
    place += 0.5
    missing = np.isnan(place)
    np.fmax(place, 0.0, out=place)  # NaN becomes 0, too
    np.fmin(place, last, out=place)
    result = colours.take(place.astype(np.intp), axis=0)  # several times as fast as an index
    if missing.any():
        result[missing] = MISSING_RGB
    return result


def usual_range(values: NDArray[Any]) -> tuple[float, float]:
    """Return the 2nd and 98th percentile of the finite ``values``, so that outliers do not flatten the rest."""
    finite = values[np.isfinite(values)]
    if len(finite) == 0:
        return 0.0, 1.0
    low, high = np.percentile(finite, (2, 98))
    return (float(low), float(high)) if high > low else (float(finite.min()), float(finite.max()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Coloured:
    """Colours by row, and what the legend says of them."""

    rgb: Uint8s
    """(n, 3)"""
    scale: ColourScale | None = None
    """None where the colours are categories."""


def coloured_by_values(values: NDArray[Any], *, title: str, unit: str = "", style: Style) -> Coloured:
    """Colour ``values`` (n,) along the style's map and range; NaN is missing."""
    value_range = style.value_range or usual_range(values)
    return Coloured(
        rgb=ramp(values, name=style.colour_map, value_range=value_range),
        scale=ColourScale(title=title, unit=unit, colour_map=style.colour_map, value_range=value_range),
    )


def coloured_by_column(column: AttributeColumn, style: Style) -> Coloured:
    """Colour the rows of an attribute: numbers along a map, anything else by category."""
    if column.type in (AttributeType.INTEGER, AttributeType.DOUBLE):
        values = np.where(column.present, column.values.astype(np.float64), np.nan)
        return coloured_by_values(values, title=column.name, unit=column.unit or "", style=style)
    return Coloured(rgb=category_colours(column.values, present=column.present))


def category_colours(values: NDArray[Any], *, present: NDArray[np.bool_] | None = None) -> Uint8s:
    """Return one colour per distinct value, the most frequent first; rare ones beyond the palette share the last."""
    row, counts = _distinct(values)
    rank = np.empty(len(counts), dtype=np.intp)
    rank[np.argsort(-counts, kind="stable")] = np.arange(len(counts))
    result = table(*_CATEGORIES)[np.minimum(rank, TOO_MANY_CATEGORIES - 1)[row]]
    if present is not None:
        result[~present] = MISSING_RGB
    return result


def _distinct(values: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return which of the distinct values each one (n,) is, and how often there are each of these."""
    if values.dtype.kind == "i" and len(values) and int(np.ptp(values)) < len(values):
        row = values - values.min()  # codes: need no sorting
        return row.astype(np.intp), np.bincount(row)
    _, row, counts = np.unique(values.astype(str), return_inverse=True, return_counts=True)
    return row, counts


def shaded(rgb: Uint8s, factor: NDArray[np.float32] | float) -> Uint8s:
    """Return colours (n, 3) made lighter or darker by ``factor`` (scalar or (n,))."""
    scaled = rgb.astype(np.float32) * (factor if isinstance(factor, float) else factor[:, None])
    result: Uint8s = np.clip(scaled + 0.5, 0, 255).astype(np.uint8)
    return result

"""What map features look like when nobody asked for anything: land use in calm map colours, streets in stone grey."""

from __future__ import annotations

import numpy as np

from twinviewer.model.layer_data import FeatureTable
from twinviewer.model.project import Style
from twinviewer.scene.colours import Coloured, Uint8s, coloured_by_column, rgb_of

LINE_COLOUR = "#a59f95"
AREA_COLOUR = "#d5c6a8"
POINT_COLOUR = "#c8583c"

_LAND_USE = (  # (words that a value may begin with, colour), the first that fits; OSM, CORINE and German cadastre
    (("water", "river", "lake", "harbour", "harbor", "basin", "canal", "gewässer", "fluss", "hafen", "see"), "#86aec4"),
    (("forest", "wood", "wald", "gehölz"), "#9dbd85"),
    (("park", "garden", "green", "grün", "recreation", "leisure", "playground", "village_green"), "#b3c69c"),
    (("grass", "meadow", "wiese", "pasture", "grünland"), "#c1ccaa"),
    (("farm", "arable", "acker", "agri", "field", "vineyard", "orchard", "allotment", "landwirt"), "#dcd6a8"),
    (("cemetery", "friedhof"), "#b3c6a8"),
    (("residential", "wohn", "housing", "old_town", "old town", "altstadt"), "#ddd2c4"),
    (("mixed", "misch", "urban", "centre", "center", "kern"), "#dcc9b6"),
    (("commercial", "retail", "office", "gewerbe", "handel", "business"), "#d9c2b8"),
    (("industr", "port", "railway", "bahn", "transport"), "#cdc3cb"),
    (("public", "school", "civic", "education", "institution", "gemeinbedarf", "special"), "#d9c7d8"),
    (("square", "plaza", "pedestrian", "platz"), "#e2dacb"),
    (("road", "street", "verkehr", "parking", "traffic", "straße"), "#c4bfb8"),
    (("sport", "pitch", "stadium"), "#a8d0a0"),
    (("sand", "beach", "rock", "bare"), "#e4dabf"),
    (("wetland", "marsh", "moor"), "#a9c9b8"),
    (("construction", "brownfield"), "#cbb99f"),
)
_LAND_USE_COLUMNS = ("land_use", "landuse", "land-use", "use", "usage", "nutzung", "nutzart", "zone", "class", "fclass",
                     "category", "type", "kind", "natural", "art")  # fmt: skip


def land_use_colours(table: FeatureTable) -> Uint8s | None:
    """Return a colour per feature (n, 3) from the column that speaks of land use, or None where there is none."""
    columns = {column.name.lower(): column for column in table.attributes}
    for name in _LAND_USE_COLUMNS:
        column = columns.get(name)
        if column is None:
            continue
        values, rows = np.unique(column.values.astype(str), return_inverse=True)
        colours = [_land_use_colour(value.lower()) for value in values]
        known = np.array([colour is not None for colour in colours])
        if known[rows].mean() < 0.5:
            continue
        rgb = np.array([colour or rgb_of(AREA_COLOUR) for colour in colours], dtype=np.uint8)
        return rgb[rows]
    return None


def _land_use_colour(value: str) -> tuple[int, int, int] | None:
    for words, colour in _LAND_USE:
        if any(word in value for word in words):
            return rgb_of(colour)
    return None


def feature_colours(table: FeatureTable, style: Style) -> Coloured:
    """Return the colour of each feature (n, 3) for its areas; lines and points without style have their own."""
    for column in table.attributes:
        if column.name == style.color_by:
            return coloured_by_column(column, style)
    if style.colour is not None:
        return Coloured(rgb=np.full((table.feature_count, 3), rgb_of(style.colour), dtype=np.uint8))
    rgb = land_use_colours(table) if len(table.polygon_feature) else None
    if rgb is None:
        default = AREA_COLOUR if len(table.polygon_feature) else LINE_COLOUR
        default = default if len(table.polygon_feature) or len(table.line_feature) else POINT_COLOUR
        rgb = np.full((table.feature_count, 3), rgb_of(default), dtype=np.uint8)
    return Coloured(rgb=rgb)

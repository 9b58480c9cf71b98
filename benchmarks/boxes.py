"""A city of any size that is made in a moment: boxes in rows."""

from __future__ import annotations

import numpy as np

from twinviewer.model.attributes import column
from twinviewer.model.layer_data import CityModel, SourceFacts
from twinviewer.model.place import ReferenceSystem

TRIANGLES_OF_A_BOX = 12
TYPES = ("GroundSurface", "WallSurface", "RoofSurface")
HEIGHT = "height"
_WIDTH_M, _APART_M, _IN_A_ROW = 12.0, 20.0, 300


def city_of_boxes(n: int, *, crs: ReferenceSystem) -> CityModel:
    """Return ``n`` buildings of six surfaces and twelve triangles each, with an attribute :data:`HEIGHT`."""
    row = np.arange(n)
    height = 6.0 + row % 17
    foot = np.column_stack((row % _IN_A_ROW, row // _IN_A_ROW, np.zeros(n))) * _APART_M
    corners = np.array([(x, y, z) for z in (0, 1) for x, y in ((0, 0), (1, 0), (1, 1), (0, 1))], np.float64)
    size = np.column_stack((np.full((n, 2), _WIDTH_M), height))
    faces = np.array([(3, 2, 1, 0), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7), (4, 5, 6, 7)])
    surfaces = (8 * row[:, None, None] + faces).reshape(-1, 4)
    return CityModel(
        source=SourceFacts(format="made"),
        crs=crs,
        object_ids=tuple(f"building-{number}" for number in range(n)),
        object_type=np.zeros(n, np.int32),
        type_names=("Building",),
        object_parent=np.full(n, -1, np.int32),
        attributes=(column(HEIGHT, height.tolist(), unit="m"),),
        vertices=(foot[:, None] + corners * size[:, None]).reshape(-1, 3),
        triangles=surfaces[:, [0, 1, 2, 0, 2, 3]].reshape(-1, 3).astype(np.int32),
        triangle_surface=np.repeat(np.arange(6 * n), 2).astype(np.int32),
        edges=np.empty((0, 2), np.int32),
        edge_surface=np.empty(0, np.int32),
        surface_object=np.repeat(row, 6).astype(np.int32),
        surface_type=np.tile(np.array((0, 1, 1, 1, 1, 2), np.int32), n),
        surface_type_names=TYPES,
        surface_lod=np.zeros(6 * n, np.int32),
        lods=("1",),
    )

"""Places to try plugins on: a small town in which every number follows from a formula, and ones that lack something.

The town lies on a plane that falls three metres per hundred metres to the east.  It is square: five by five blocks of
100 m with streets around them, every third a main one.  In each block stand four houses, 24 by 16 m, flat roofed,
6 m to 24 m high.  Nothing is read from files, so it is there in a few milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.site import SessionSite
from twinviewer.model.attributes import column
from twinviewer.model.layer_data import CityModel, FeatureTable, LayerData, SourceFacts, TerrainGrid
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec, Style

Float64s = NDArray[np.float64]
Layers = tuple[tuple[LayerSpec, LayerData], ...]

CRS = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837")
WEST, SOUTH = 565_000.0, 5_934_000.0
BLOCKS = 5
BLOCK_M = 100.0
SIDE_M = BLOCKS * BLOCK_M
HOUSE_M = (24.0, 16.0)
HOUSES = 4 * BLOCKS * BLOCKS
_SOURCE = SourceFacts(format="Small town", licence="CC0-1.0")


def ground_m(xy: Float64s) -> Float64s:
    """Return the heights (n,) of the town's ground at positions (n, 2 or 3)."""
    heights: Float64s = 40.0 - 0.03 * (xy[:, 0] - WEST)
    return heights


def house_middles() -> Float64s:
    """Return the middle (houses, 2) of each house's footprint."""
    block = np.stack(np.meshgrid(np.arange(BLOCKS), np.arange(BLOCKS)), axis=-1).reshape(-1, 1, 2) * BLOCK_M
    corner = np.array([(27.0, 27.0), (73.0, 27.0), (27.0, 73.0), (73.0, 73.0)])
    middles: Float64s = np.array((WEST, SOUTH)) + (block + corner).reshape(-1, 2)
    return middles


def house_heights_m() -> Float64s:
    """Return how high each house is (houses,), above the ground in its middle."""
    return (6.0 + 3.0 * (5 * np.arange(HOUSES) % 7)).astype(np.float64)


def town_layers() -> Layers:
    """Return the layers of the town: streets, buildings and terrain, top of the list first."""
    return _layers(streets=streets(), buildings=houses(), terrain=terrain())


def small_town() -> SessionSite:
    """Return the town as what plugins get."""
    return _site(town_layers())


def bare_places() -> dict[str, SessionSite]:
    """Return places where something is missing that a plugin may count on, by what is missing."""
    no_streets = replace(
        streets(),
        feature_count=0,
        line_vertices=np.empty((0, 3)),
        line_offsets=np.zeros(1, np.int64),
        line_feature=np.empty(0, np.int32),
        attributes=(),
    )
    point = Extent(min_x=WEST, min_y=SOUTH, min_z=0.0, max_x=WEST, max_y=SOUTH, max_z=0.0)
    return {
        "nothing is loaded": _site(()),
        "there are no streets": _site(_layers(buildings=houses(), terrain=terrain())),
        "there are no buildings": _site(_layers(streets=streets(), terrain=terrain())),
        "there is no terrain": _site(_layers(streets=streets(), buildings=houses())),
        "the table of streets is empty": _site(_layers(streets=no_streets)),
        "all lies in one point": SessionSite(crs=CRS, extent=point, layers=()),
    }


def streets() -> FeatureTable:
    """Return one line from end to end per street, with a vertex at each crossing."""
    at = np.arange(BLOCKS + 1) * BLOCK_M
    along = [np.column_stack((at, np.full(len(at), offset))) for offset in at]
    lines = np.array((WEST, SOUTH)) + np.concatenate([line for each in along for line in (each, each[:, ::-1])])
    count = 2 * len(at)
    is_main = [number // 2 % 3 == 0 for number in range(count)]
    return FeatureTable(
        source=_SOURCE,
        crs=CRS,
        feature_count=count,
        has_z=True,
        points=np.empty((0, 3)),
        point_feature=np.empty(0, np.int32),
        line_vertices=np.column_stack((lines, ground_m(lines))),
        line_offsets=np.arange(count + 1, dtype=np.int64) * len(at),
        line_feature=np.arange(count, dtype=np.int32),
        ring_vertices=np.empty((0, 3)),
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=np.empty(0, np.int32),
        attributes=(
            column("class", ["primary" if main else "residential" for main in is_main]),
            column("width_m", [12.0 if main else 7.0 for main in is_main]),
        ),
        geometry_type="LineString",
    )


def houses() -> CityModel:
    """Return the houses as boxes: six surfaces of two triangles each."""
    middles, heights = house_middles(), house_heights_m()
    foot = ground_m(middles)
    unit = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)]) * HOUSE_M
    xy = middles[:, None] + unit
    low = np.broadcast_to(foot[:, None, None], (HOUSES, 4, 1))
    high = low + heights[:, None, None]
    vertices = np.concatenate((np.dstack((xy, low)), np.dstack((xy, high))), axis=1).reshape(-1, 3)
    quads = np.array([(0, 3, 2, 1), (4, 5, 6, 7), (0, 1, 5, 4), (1, 2, 6, 5), (2, 3, 7, 6), (3, 0, 4, 7)])
    faces = (quads + 8 * np.arange(HOUSES)[:, None, None]).reshape(-1, 4).astype(np.int32)
    surface = np.arange(len(faces), dtype=np.int32)
    return CityModel(
        source=_SOURCE,
        crs=CRS,
        object_ids=tuple(f"house-{number}" for number in range(HOUSES)),
        object_type=np.zeros(HOUSES, np.int32),
        type_names=("Building",),
        object_parent=np.full(HOUSES, -1, np.int32),
        attributes=(column("measuredHeight", heights.tolist(), unit="m"),),
        vertices=vertices,
        triangles=np.stack((faces[:, [0, 1, 2]], faces[:, [0, 2, 3]]), axis=1).reshape(-1, 3),
        triangle_surface=np.repeat(surface, 2),
        edges=np.stack((faces, np.roll(faces, -1, axis=1)), axis=-1).reshape(-1, 2),
        edge_surface=np.repeat(surface, 4),
        surface_object=np.repeat(np.arange(HOUSES, dtype=np.int32), 6),
        surface_type=np.tile(np.array([0, 1, 2, 2, 2, 2], np.int32), HOUSES),
        surface_type_names=("GroundSurface", "RoofSurface", "WallSurface"),
        surface_lod=np.zeros(len(faces), np.int32),
        lods=("1",),
    )


def terrain() -> TerrainGrid:
    """Return the ground as a grid of 10 m, 200 m beyond the town on each side."""
    cell_m, beyond_m = 10.0, 200.0
    cells = int((SIDE_M + 2 * beyond_m) / cell_m)
    west, north = WEST - beyond_m, SOUTH + SIDE_M + beyond_m
    x = west + (np.arange(cells) + 0.5) * cell_m
    row = ground_m(x[:, None].astype(np.float64))
    high, low = ground_m(np.array([[west], [west + cells * cell_m]]))
    return TerrainGrid(
        source=_SOURCE,
        crs=CRS,
        heights=np.tile(row, (cells, 1)).astype(np.float32),
        transform=(cell_m, 0.0, west, 0.0, -cell_m, north),
        width=cells,
        height=cells,
        file_extent=Extent(
            min_x=west,
            min_y=north - cells * cell_m,
            min_z=float(low),
            max_x=west + cells * cell_m,
            max_y=north,
            max_z=float(high),
        ),
    )


def _layers(**data: LayerData) -> Layers:
    kinds = {"streets": "features", "buildings": "city-model", "terrain": "terrain"}
    return tuple(
        (
            LayerSpec(
                id=role,
                kind=kinds[role],
                title=role.capitalize(),
                source=LayerSource(path=f"/{role}", reader="twinviewer.small-town"),
                style=Style(),
                role=role,
            ),
            each,
        )
        for role, each in data.items()
    )


def _site(layers: Layers) -> SessionSite:
    """Return a site of these layers over the town's own square, whatever is in them."""
    extents: Sequence[Extent | None] = [data.extent for _, data in layers if not isinstance(data, TerrainGrid)]
    low, high = ground_m(np.array([[WEST + SIDE_M], [WEST]]))
    square = Extent(min_x=WEST, min_y=SOUTH, min_z=low, max_x=WEST + SIDE_M, max_y=SOUTH + SIDE_M, max_z=high)
    extent = Extent.around((square, *extents))
    assert extent is not None
    return SessionSite(crs=CRS, extent=extent, layers=layers)

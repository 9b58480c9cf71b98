"""Places to try plugins on: a town of square blocks, and ones where something is missing."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tests.formats import small_layers
from twinviewer.app.site import SessionSite
from twinviewer.model.attributes import column
from twinviewer.model.layer_data import CityModel, FeatureTable, LayerData
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.project import LayerSource, LayerSpec

UTM = ReferenceSystem(horizontal="EPSG:25832")
WEST, SOUTH = 565000.0, 5934000.0
BLOCK_M = 110.0
WIDTH_M = 9.0
SPEED_KM_H = {"residential": 30.0, "primary": 50.0}


def slope(xy: np.ndarray) -> np.ndarray:
    """Heights (n,) of the ground: three metres down per hundred metres east, as far as the terrain reaches."""
    return 40.0 - 0.03 * (xy[:, 0] - WEST)


def grid_town(blocks: int = 9) -> SessionSite:
    """A square town on a slope: streets around its blocks, every third a main one, and a building in each block."""
    return site(streets=grid_streets(blocks), buildings=buildings(blocks), terrain=True, side_m=blocks * BLOCK_M)


def site(
    *,
    streets: FeatureTable | None = None,
    buildings: CityModel | None = None,
    terrain: bool = False,
    side_m: float = 900.0,
) -> SessionSite:
    layers: list[tuple[LayerSpec, LayerData]] = []
    for role, data in (
        ("streets", streets),
        ("buildings", buildings),
        ("terrain", _terrain(side_m) if terrain else None),
    ):
        if data is not None:
            source = LayerSource(path="/a", reader="r")
            layers.append((LayerSpec(id=role, kind=role, title=role, source=source, role=role), data))
    low, high = slope(np.array([[WEST + side_m, 0], [WEST, 0]]))
    extent = Extent(min_x=WEST, min_y=SOUTH, min_z=low, max_x=WEST + side_m, max_y=SOUTH + side_m, max_z=high)
    return SessionSite(crs=UTM, extent=extent, layers=tuple(layers))


def grid_streets(blocks: int) -> FeatureTable:
    """One line from end to end per street: streets cross at common vertices, not at their ends only."""
    at = np.arange(blocks + 1) * BLOCK_M
    lines, classes = [], []
    for number, offset in enumerate(at):
        along = np.column_stack((at, np.full(len(at), offset), np.zeros(len(at))))
        for line in (along, along[:, [1, 0, 2]]):
            lines.append(line + np.array([WEST, SOUTH, 0.0]))
            classes.append("primary" if number % 3 == 0 else "residential")
    return street_table(lines, classes)


def street_table(lines: list[np.ndarray], classes: list[str]) -> FeatureTable:
    lengths = [len(line) for line in lines]
    return FeatureTable(
        source=small_layers.SOURCE,
        crs=UTM,
        feature_count=len(lines),
        has_z=False,
        points=np.empty((0, 3)),
        point_feature=np.empty(0, np.int32),
        line_vertices=np.concatenate(lines) if lines else np.empty((0, 3)),
        line_offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        line_feature=np.arange(len(lines), dtype=np.int32),
        ring_vertices=np.empty((0, 3)),
        ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64),
        polygon_feature=np.empty(0, np.int32),
        attributes=(column("class", classes), column("width_m", [WIDTH_M] * len(lines))),
    )


def buildings(blocks: int) -> CityModel:
    """One house in the middle of each block."""
    middles = (np.stack(np.meshgrid(np.arange(blocks), np.arange(blocks)), axis=-1).reshape(-1, 2) + 0.5) * BLOCK_M
    return houses_at(middles + np.array([WEST, SOUTH]))


def houses_at(middles: np.ndarray) -> CityModel:
    """A flat square of 20 m around each of the positions (n, 2); the last one is a tree, which is no building."""
    corners = np.array([[-10, -10], [10, -10], [10, 10], [-10, -10], [10, 10], [-10, 10]])
    xy = (middles[:, None] + corners).reshape(-1, 2)
    vertices = np.column_stack((xy, slope(xy)))
    model = small_layers.city_model(vertices, UTM)
    count = len(middles)
    return replace(
        model,
        object_ids=tuple(f"house-{number}" for number in range(count)),
        type_names=("Building", "SolitaryVegetationObject"),
        object_type=np.array([0] * (count - 1) + [1], np.int32),
        object_parent=np.full(count, -1, np.int32),
        triangle_surface=np.repeat(np.arange(count, dtype=np.int32), 2),
        surface_object=np.arange(count, dtype=np.int32),
        surface_type=np.full(count, -1, np.int32),
        surface_lod=np.full(count, -1, np.int32),
    )


def _terrain(side_m: float) -> LayerData:
    """A grid of 20 m over the town and 200 m around it."""
    cells = int((side_m + 400) / 20)
    transform = (20.0, 0.0, WEST - 200, 0.0, -20.0, SOUTH + side_m + 200)
    centres = small_layers.cell_centres((cells, cells), transform)
    return small_layers.terrain(slope(centres.reshape(-1, 2)).reshape(cells, cells), transform, UTM)

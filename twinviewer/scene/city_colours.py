"""What city objects look like when nobody asked for anything: an architect's model in warm plaster and clay.

Each building keeps its own slight variation, derived from its id, so that streets read as rows of houses and the
same file always looks the same.
"""

from __future__ import annotations

import zlib

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.layer_data import CityModel
from twinviewer.scene.colours import Uint8s, rgb_of, shaded, table

WALLS = table("#efe7d8", "#e9dfcc", "#f3eee4", "#e6d8c0", "#ded5c8", "#ebdccf", "#e4dfd6", "#ead9bf")
ROOFS = table("#b4694e", "#a95c43", "#bd775a", "#9f5a48", "#b26f57", "#a86a50", "#8b8784", "#c08262")
FLAT_ROOFS = table("#bdb8af", "#b3aea6", "#c7c1b6", "#aeb2a6", "#c9c0b2")
GREENS = table("#7d9a62", "#6e8f5a", "#8aa66a", "#648655", "#93aa74", "#789764")
GROUND_RGB = rgb_of("#c9c3b6")
WINDOW_RGB = rgb_of("#9fb4c0")
DOOR_RGB = rgb_of("#8c6f57")
LINE_RGB = rgb_of("#4d6272")
"""Of curves and points: they must be seen before walls and the ground."""

_TYPE_COLOURS = {  # by the class name's beginning, CityGML and CityJSON alike
    "Bridge": "#c9bca6",
    "Tunnel": "#b8b0a4",
    "CityFurniture": "#8f9499",
    "Road": "#b9b5ae",
    "Railway": "#a39c94",
    "Square": "#cfc6b6",
    "Track": "#c4b9a5",
    "Transport": "#b9b5ae",
    "TransportSquare": "#cfc6b6",
    "Waterway": "#7fa9bf",
    "WaterBody": "#7fa9bf",
    "LandUse": "#c8cdb0",
    "PlantCover": "#9db37f",
    "TINRelief": "#d3d0bd",
    "ReliefFeature": "#d3d0bd",
    "Relief": "#d3d0bd",
    "GenericCityObject": "#c4bfb7",
    "OtherConstruction": "#c6bdb0",
}
_OTHER_RGB = rgb_of("#cdc6ba")
_BUILDING_PREFIXES = ("Building", "AbstractBuilding", "Room", "Storey")
_GREEN_TYPES = ("SolitaryVegetationObject",)

_ROOF_SURFACES = ("RoofSurface", "OuterCeilingSurface")
_GROUND_SURFACES = ("GroundSurface", "OuterFloorSurface", "FloorSurface")
_SURFACE_COLOURS = {"Window": WINDOW_RGB, "WindowSurface": WINDOW_RGB, "Door": DOOR_RGB, "DoorSurface": DOOR_RGB}

_STEEP = 0.25
"""Surfaces without semantics whose normal rises more than this are roofs."""
_FLAT = 0.985
"""Roofs whose normal rises more than this are gravel, not tiles."""


def root_objects(parent: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the topmost ancestor of each object (n,)."""
    root = np.arange(len(parent), dtype=np.int32)
    for _ in range(32):  # deeper nesting than any city model has; a cycle in a bad file ends here
        above = parent[root]
        higher = above >= 0
        if not higher.any():
            break
        root = np.where(higher, above, root).astype(np.int32)
    return root


def variation(ids: tuple[str, ...]) -> NDArray[np.uint32]:
    """Return a number per id that is the same in every run and looks random."""
    return np.array([zlib.crc32(identifier.encode()) for identifier in ids], dtype=np.uint32)


def surface_slopes(model: CityModel, triangles: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return the upward part of each surface's unit normal (s,), area-weighted over its triangles."""
    corners = model.vertices[model.triangles[triangles]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    surface = model.triangle_surface[triangles]
    count = len(model.surface_object)
    sums = np.stack([np.bincount(surface, weights=normals[:, axis], minlength=count) for axis in range(3)], axis=1)
    lengths = np.linalg.norm(sums, axis=1)
    slopes: NDArray[np.float32] = (sums[:, 2] / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return slopes


def are_plants(model: CityModel) -> NDArray[np.bool_]:
    """Return which surfaces (s,) are of trees and other plants that stand alone."""
    return _objects_of(model, _GREEN_TYPES)[model.surface_object]


def default_surface_colours(model: CityModel, slopes: NDArray[np.float32]) -> Uint8s:
    """Return the colours (s, 3) of the surfaces by object type, semantic surface and slope (s,)."""
    count = len(model.surface_object)
    owner = model.surface_object
    root = root_objects(model.object_parent)
    grain = variation(model.object_ids)[root]
    type_rgb = np.array([_type_rgb(name) for name in model.type_names], dtype=np.uint8).reshape(-1, 3)
    object_rgb = type_rgb[model.object_type] if len(type_rgb) else np.empty((0, 3), dtype=np.uint8)
    brightness = (0.97 + 0.06 * ((grain >> 8) % 256) / 255).astype(np.float32)
    rgb = shaded(object_rgb[owner], brightness[owner])

    green = are_plants(model)
    rgb[green] = shaded(GREENS[grain[owner[green]] % len(GREENS)], brightness[owner[green]])

    building = _objects_of(model, _BUILDING_PREFIXES)[root][owner]
    named = np.array([*(name for name in model.surface_type_names), ""])[model.surface_type]  # −1: the last, no name
    unnamed = named == ""
    roof = building & (np.isin(named, _ROOF_SURFACES) | (unnamed & (slopes > _STEEP)))
    ground = building & (np.isin(named, _GROUND_SURFACES) | (unnamed & (slopes < -_FLAT)))
    wall = building & ~roof & ~ground
    house = grain[owner]
    shade = brightness[owner]
    rgb[wall] = shaded(WALLS[house[wall] % len(WALLS)], shade[wall])
    flat = roof & (slopes > _FLAT)
    rgb[roof] = shaded(ROOFS[(house[roof] >> 4) % len(ROOFS)], shade[roof])
    rgb[flat] = shaded(FLAT_ROOFS[(house[flat] >> 4) % len(FLAT_ROOFS)], shade[flat])
    rgb[ground] = GROUND_RGB
    for name, colour in _SURFACE_COLOURS.items():
        rgb[named == name] = colour
    assert rgb.shape == (count, 3)
    return rgb


def _type_rgb(name: str) -> tuple[int, int, int]:
    for prefix, colour in _TYPE_COLOURS.items():
        if name.startswith(prefix):
            return rgb_of(colour)
    return _OTHER_RGB


def _objects_of(model: CityModel, prefixes: tuple[str, ...]) -> NDArray[np.bool_]:
    wanted = np.array([name.startswith(prefixes) for name in model.type_names], dtype=np.bool_)
    return wanted[model.object_type] if len(wanted) else np.zeros(len(model.object_type), dtype=np.bool_)

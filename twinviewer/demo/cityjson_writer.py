"""CityJSON 2.0: bridges and water as they are, trees and furniture as instances of a few shapes.

Coordinates are whole millimetres from the market square.  CityJSON names one reference system by one EPSG code, and
there is none for UTM 32N together with DHHN2016: it is the horizontal one, heights are as everywhere in the town.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import shapely
from shapely.geometry import Polygon

from twinviewer.demo.georeference import HORIZONTAL_URL, MARKET
from twinviewer.demo.landscape import WATER_LEVEL_M
from twinviewer.demo.shapes import FURNITURE, Shape, bollard, broadleaf, conifer
from twinviewer.demo.town import Area, Corner, Furniture, Ring, Structure, Tree

_SCALE = 0.001
_LOD = "2"
_VARIANTS = 4
_BELOW_BANKS_M = 5.0
"""The water's surface ends under the banks, whatever their slope, and not beside them."""


def write_bridges(path: Path, bridges: Iterable[Structure], *, title: str) -> int:
    """Write bridges and quays as semantic multi-surfaces; return how many.

    Raises:
        OSError: The disk said no.
    """
    vertices = _Vertices()
    objects = [_bridge(bridge, vertices) for bridge in bridges]
    return _write(path, title=title, objects=objects, vertices=vertices)


def write_water(path: Path, land_use: Iterable[Area], *, title: str) -> int:
    """Write the surface of all water at its level; return how many bodies that is.

    Raises:
        OSError: The disk said no.
    """
    surface = shapely.union_all([area.polygon for area in land_use if area.type == "water"])
    vertices = _Vertices()
    parts = shapely.get_parts(surface.buffer(_BELOW_BANKS_M, join_style="mitre"))
    objects = [_water_body(number, part, vertices) for number, part in enumerate(parts, start=1)]
    return _write(path, title=title, objects=objects, vertices=vertices)


def write_trees(path: Path, trees: Iterable[Tree], *, title: str) -> int:
    """Write trees as instances of broadleaf and conifer shapes; return how many.

    Raises:
        OSError: The disk said no.
    """
    vertices = _Vertices()
    shapes = [kind(variant) for kind in (broadleaf, conifer) for variant in range(_VARIANTS)]
    return _write(
        path, title=title, objects=(_tree(tree, vertices) for tree in trees), vertices=vertices, shapes=shapes
    )


def write_furniture(path: Path, furniture: Iterable[Furniture], *, title: str) -> int:
    """Write street furniture as instances of one shape per type; return how many.

    Raises:
        OSError: The disk said no.
    """
    vertices = _Vertices()
    types = tuple(FURNITURE)
    return _write(
        path,
        title=title,
        objects=(_piece(piece, types, vertices) for piece in furniture),
        vertices=vertices,
        shapes=[*(shape() for shape in FURNITURE.values()), bollard()],
    )


# --- city objects: id and content -------------------------------------------------------------------------------

_CityObject = tuple[str, dict[str, Any]]


def _bridge(bridge: Structure, vertices: _Vertices) -> _CityObject:
    types = sorted({surface.type for surface in bridge.surfaces})
    return bridge.id, {
        "type": bridge.type,
        "attributes": {"name": bridge.name},
        "geometry": [
            {
                "type": "MultiSurface",
                "lod": _LOD,
                "boundaries": [
                    [vertices.ring(ring) for ring in (surface.exterior, *surface.interiors)]
                    for surface in bridge.surfaces
                ],
                "semantics": {
                    "surfaces": [{"type": name} for name in types],
                    "values": [types.index(surface.type) for surface in bridge.surfaces],
                },
            }
        ],
    }


def _water_body(number: int, surface: Polygon, vertices: _Vertices) -> _CityObject:
    rings = (surface.exterior, *surface.interiors)
    oriented = [ring if ring.is_ccw is (index == 0) else ring.reverse() for index, ring in enumerate(rings)]
    corners = [tuple((x, y, WATER_LEVEL_M) for x, y in ring.coords[:-1]) for ring in oriented]
    return f"WATER_{number}", {
        "type": "WaterBody",
        "attributes": {"class": "river"},
        "geometry": [
            {
                "type": "MultiSurface",
                "lod": _LOD,
                "boundaries": [[vertices.ring(ring) for ring in corners]],
                "semantics": {"surfaces": [{"type": "WaterSurface"}], "values": [0]},
            }
        ],
    }


def _tree(tree: Tree, vertices: _Vertices) -> _CityObject:
    grain = zlib.crc32(tree.id.encode())
    shape = grain % _VARIANTS + (_VARIANTS if tree.conifer else 0)
    return tree.id, {
        "type": "SolitaryVegetationObject",
        "attributes": {
            "class": "coniferous tree" if tree.conifer else "deciduous tree",
            "species": tree.species,
            "height": round(tree.height_m, 1),
            "crownDiameter": round(tree.crown_m, 1),
        },
        "geometry": [
            _instance(
                shape,
                vertices.add(tree.position),
                heading_deg=(grain >> 8) % 360,
                size=(tree.crown_m, tree.crown_m, tree.height_m),
            )
        ],
    }


def _piece(piece: Furniture, types: Sequence[str], vertices: _Vertices) -> _CityObject:
    shape = types.index(piece.type) if piece.type in types else len(types)
    return piece.id, {
        "type": "CityFurniture",
        "attributes": {"class": piece.type},
        "geometry": [_instance(shape, vertices.add(piece.position), heading_deg=piece.heading_deg)],
    }


def _instance(
    shape: int, vertex: int, *, heading_deg: float, size: tuple[float, float, float] = (1.0, 1.0, 1.0)
) -> dict[str, Any]:
    """Return a place where a shape stands, scaled, then turned clockwise."""
    cosine, sine = math.cos(math.radians(heading_deg)), math.sin(math.radians(heading_deg))
    x, y, z = size
    matrix = [cosine * x, sine * y, 0, 0, -sine * x, cosine * y, 0, 0, 0, 0, z, 0, 0, 0, 0, 1]
    return {
        "type": "GeometryInstance",
        "template": shape,
        "boundaries": [vertex],
        "transformationMatrix": [round(value, 4) + 0.0 for value in matrix],
    }


# --- the file ---------------------------------------------------------------------------------------------------


class _Vertices:
    """Corners as whole millimetres from the market square, each once."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[int, int, int], int] = {}

    def add(self, corner: Corner) -> int:
        x, y, z = corner
        key = (round(x / _SCALE), round(y / _SCALE), round(z / _SCALE))
        return self._numbers.setdefault(key, len(self._numbers))

    def ring(self, ring: Ring) -> list[int]:
        return [self.add(corner) for corner in ring]

    def texts(self) -> Iterator[str]:
        return (f"[{x},{y},{z}]" for x, y, z in self._numbers)


def _write(
    path: Path, *, title: str, objects: Iterable[_CityObject], vertices: _Vertices, shapes: Sequence[Shape] = ()
) -> int:
    """Write objects as they come, and last the vertices that they gathered."""
    count = 0
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [_SCALE] * 3, "translate": [*MARKET, 0.0]},
        "metadata": {"title": title, "referenceSystem": HORIZONTAL_URL},
    }
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(_text(head)[:-1] + ",\n")
        if shapes:
            file.write(f'"geometry-templates":{_text(_templates(shapes))},\n')
        file.write('"CityObjects":{')
        for identifier, content in objects:
            file.write(",\n" if count else "\n")
            file.write(f"{_text(identifier)}:{_text(content)}")
            count += 1
        file.write('\n},\n"vertices":[')
        for number, text in enumerate(vertices.texts()):
            file.write(f",{text}" if number else text)
        file.write("]}\n")
    return count


def _templates(shapes: Sequence[Shape]) -> dict[str, Any]:
    templates: list[dict[str, Any]] = []
    corners: list[list[float]] = []
    for shape in shapes:
        first = len(corners)
        boundaries = [[[first + corner for corner in face]] for face in shape.faces]
        templates.append({"type": "MultiSurface", "lod": _LOD, "boundaries": boundaries})
        corners.extend([round(value, 3) for value in vertex] for vertex in shape.vertices)
    return {"templates": templates, "vertices-templates": corners}


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))

"""City models into CityJSON 2.0 (OGC 20-072r5): objects, parents, attributes, and their surfaces as polygons.

A :class:`CityModel` holds triangles for the eye and outlines beside them; polygons are put together from the outlines
again, the way round in which the triangles face.  What bounds a solid is written as a multi-surface: whether it was
closed, the model does not say.  x comes before y whatever the authority's axis order is, as in all CityJSON.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from twinviewer.formats.findings import Findings
from twinviewer.formats.losses import not_held, units_not_held
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import CityModel, LayerData
from twinviewer.model.place import LOCAL, ReferenceSystem

_STEP_M = 0.001
_STEP_DEG = 1e-9
_EVERY = 500
"""Objects between two questions whether to stop."""
_TYPE_NAMES = """
    Bridge BridgeConstructiveElement BridgeFurniture BridgeInstallation BridgePart BridgeRoom
    Building BuildingConstructiveElement BuildingFurniture BuildingInstallation BuildingPart BuildingRoom BuildingStorey
    BuildingUnit CityFurniture CityObjectGroup GenericCityObject LandUse OtherConstruction PlantCover Railway Road
    SolitaryVegetationObject TINRelief TransportSquare Tunnel TunnelConstructiveElement TunnelFurniture
    TunnelHollowSpace TunnelInstallation TunnelPart WaterBody Waterway
"""
_TYPES = frozenset(_TYPE_NAMES.split())
_SAME_TYPES = {
    "IntBuildingInstallation": "BuildingInstallation",
    "Room": "BuildingRoom",
    "Storey": "BuildingStorey",
    "BridgeConstructionElement": "BridgeConstructiveElement",
    "IntBridgeInstallation": "BridgeInstallation",
    "IntTunnelInstallation": "TunnelInstallation",
    "HollowSpace": "TunnelHollowSpace",
    "Square": "TransportSquare",
    "Track": "Road",
    "TransportationComplex": "Road",
    "ReliefFeature": "TINRelief",
}
"""CityGML's words for the same."""
_OTHER_TYPE = "GenericCityObject"
_GROUP = "CityObjectGroup"
_SURFACE_TYPE_NAMES = """
    RoofSurface GroundSurface WallSurface ClosureSurface OuterCeilingSurface OuterFloorSurface Window Door
    InteriorWallSurface CeilingSurface FloorSurface WaterSurface WaterGroundSurface WaterClosureSurface
    TrafficArea AuxiliaryTrafficArea TransportationMarking TransportationHole
"""
_SURFACE_TYPES = frozenset(_SURFACE_TYPE_NAMES.split())
_SAME_SURFACE_TYPES = {"WindowSurface": "Window", "DoorSurface": "Door", "Marking": "TransportationMarking"}

Json = dict[str, Any]


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write one city model.

    Raises:
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    (data,) = layers
    assert isinstance(data, CityModel)
    findings = Findings()
    step = np.array(_steps(data.crs))
    origin = np.floor(data.vertices.min(axis=0)) if len(data.vertices) else np.zeros(3)
    whole, numbers = np.unique(np.rint((data.vertices - origin) / step).astype(np.int64), axis=0, return_inverse=True)
    polygons = _polygons(data, numbers.reshape(-1), findings)
    head = {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": step.tolist(), "translate": origin.tolist()},
        "metadata": _metadata(data, path, findings),
    }
    with path.open("wb") as file:
        file.write(orjson.dumps(head)[:-1] + b',\n"CityObjects":{')
        for number, (object_id, content) in enumerate(_objects(data, polygons, findings)):
            if number % _EVERY == 0:
                feedback.stop_if_cancelled()
                feedback.progress(number / len(data.object_ids), "Writing city objects")
            file.write((b",\n" if number else b"\n") + orjson.dumps(object_id) + b":" + orjson.dumps(content))
        file.write(b'\n},\n"vertices":' + orjson.dumps(whole, option=orjson.OPT_SERIALIZE_NUMPY) + b"}\n")
    return [*findings.diagnostics(), *units_not_held(data), not_held("Materials, textures and solids are not kept.")]


# --- the head -------------------------------------------------------------------------------------------------------


def _steps(system: ReferenceSystem | None) -> tuple[float, float, float]:
    """Return what coordinates are rounded to."""
    if system is None or system.horizontal == LOCAL.horizontal:
        return (_STEP_M, _STEP_M, _STEP_M)
    from twinviewer.model.crs import is_geographic

    return (_STEP_DEG, _STEP_DEG, _STEP_M) if is_geographic(system) else (_STEP_M, _STEP_M, _STEP_M)


def _metadata(data: CityModel, path: Path, findings: Findings) -> Json:
    metadata: Json = {"title": data.source.title or path.stem}
    extent = data.extent
    if extent is not None:
        metadata["geographicalExtent"] = list(extent.as_tuple())
    if data.crs is not None and data.crs.horizontal != LOCAL.horizontal:
        url = _url(data.crs, findings)
        if url:
            metadata["referenceSystem"] = url
    return metadata


def _url(system: ReferenceSystem, findings: Findings) -> str:
    """Return the one code by which CityJSON names a reference system, of both parts where there is such a code."""
    from twinviewer.model.crs import describe, horizontal_crs, to_pyproj

    authority = to_pyproj(system).to_authority(min_confidence=20) if system.vertical else None
    if authority is None and system.vertical:
        problem = (
            "CityJSON has one code for a reference system; there is none that says what these heights are counted from."
        )
        findings.add("write.not-held", problem, where=describe(system))
    authority = authority or horizontal_crs(system).to_authority()
    if authority is None:
        problem = "CityJSON names reference systems by codes; there is none for this one, so the file does not say it."
        findings.add("write.not-held", problem, where=describe(system))
        return ""
    return f"https://www.opengis.net/def/crs/{authority[0]}/0/{authority[1]}"


# --- city objects ---------------------------------------------------------------------------------------------------


def _objects(
    data: CityModel, polygons: Sequence[list[list[list[int]]]], findings: Findings
) -> Iterator[tuple[str, Json]]:
    ids = _unique(data.object_ids, findings)
    types = [_type(name, findings) for name in data.type_names]
    surface_types = [_surface_type(name, findings) for name in data.surface_type_names]
    children: dict[int, list[int]] = {}
    parents = data.object_parent.tolist()
    for row, parent in enumerate(parents):
        if parent >= 0:
            children.setdefault(parent, []).append(row)
    order = np.argsort(data.surface_object, kind="stable")
    bounds = np.searchsorted(data.surface_object[order], np.arange(len(ids) + 1)).tolist()
    columns = [(column.name, column.values.tolist(), column.present.tolist()) for column in data.attributes]
    for row, object_id in enumerate(ids):
        content: Json = {"type": types[data.object_type[row]]}
        attributes = {name: values[row] for name, values, present in columns if present[row]}
        if attributes:
            content["attributes"] = attributes
        if parents[row] >= 0:
            content["parents"] = [ids[parents[row]]]
        if row in children or content["type"] == _GROUP:
            content["children"] = [ids[child] for child in children.get(row, ())]
        content["geometry"] = _geometry(data, order[bounds[row] : bounds[row + 1]], polygons, surface_types)
        if any("lod" not in each for each in content["geometry"]):
            problem = "CityJSON demands a level of detail; where none is known, none is written."
            findings.add("write.changed", problem, where=object_id)
        yield object_id, content


def _geometry(
    data: CityModel, surfaces: NDArray[Any], polygons: Sequence[list[list[list[int]]]], surface_types: Sequence[str]
) -> list[Json]:
    """Return one multi-surface per level of detail."""
    by_lod: dict[int, list[int]] = {}
    for surface, lod in zip(surfaces.tolist(), data.surface_lod[surfaces].tolist(), strict=True):
        if polygons[surface]:
            by_lod.setdefault(lod, []).append(surface)
    geometry = []
    for lod, members in sorted(by_lod.items()):
        boundaries = [polygon for surface in members for polygon in polygons[surface]]
        made: Json = {"type": "MultiSurface", "boundaries": boundaries}
        if lod >= 0:
            made["lod"] = data.lods[lod]
        kinds = [int(data.surface_type[surface]) for surface in members for _ in polygons[surface]]
        used = sorted({kind for kind in kinds if kind >= 0})
        if used:
            made["semantics"] = {
                "surfaces": [{"type": surface_types[kind]} for kind in used],
                "values": [used.index(kind) if kind >= 0 else None for kind in kinds],
            }
        geometry.append(made)
    return geometry


def _unique(ids: Sequence[str], findings: Findings) -> list[str]:
    taken = set(ids)
    if len(taken) == len(ids):
        return list(ids)
    seen: set[str] = set()
    result = []
    for object_id in ids:
        number, candidate = 1, object_id
        while candidate in seen or (number > 1 and candidate in taken):
            number += 1
            candidate = f"{object_id}-{number}"
        if candidate != object_id:
            findings.add("write.changed", "Ids that several objects have were numbered.", where=object_id)
        seen.add(candidate)
        result.append(candidate)
    return result


def _type(name: str, findings: Findings) -> str:
    same = _SAME_TYPES.get(name, name)
    if same in _TYPES or same.startswith("+"):
        return same
    findings.add("write.changed", f"CityJSON has no “{name}”: such objects are written as {_OTHER_TYPE}.")
    return _OTHER_TYPE


def _surface_type(name: str, findings: Findings) -> str:
    same = _SAME_SURFACE_TYPES.get(name, name)
    if same in _SURFACE_TYPES or same.startswith("+"):
        return same
    findings.add("write.changed", f"CityJSON has no “{name}”: it is written as the extension “+{name}”.")
    return f"+{name}"


# --- polygons from outlines -----------------------------------------------------------------------------------------


def _polygons(data: CityModel, numbers: NDArray[np.int64], findings: Findings) -> list[list[list[list[int]]]]:
    """Return the polygons of each surface, each a list of rings of vertex numbers, the outer one first.

    A surface is one polygon; without a closed outline it is as many as it has triangles; one without either is none.
    """
    count = len(data.surface_object)
    inward = _outlines_face_inward(data)
    edge_order = np.argsort(data.edge_surface, kind="stable")
    edges = data.edges[edge_order].tolist()
    edge_bounds = np.searchsorted(data.edge_surface[edge_order], np.arange(count + 1)).tolist()
    triangle_order = np.argsort(data.triangle_surface, kind="stable")
    triangles = numbers[data.triangles[triangle_order]].tolist()
    triangle_bounds = np.searchsorted(data.triangle_surface[triangle_order], np.arange(count + 1)).tolist()
    plain_numbers = numbers.tolist()
    result: list[list[list[list[int]]]] = []
    for surface in range(count):
        rings = _rings(edges[edge_bounds[surface] : edge_bounds[surface + 1]], plain_numbers)
        own = triangles[triangle_bounds[surface] : triangle_bounds[surface + 1]]
        if rings:
            result.append([[ring[::-1] for ring in rings] if inward[surface] else rings])
            continue
        result.append([[triangle] for triangle in own if len(set(triangle)) == 3])
        where = data.object_ids[data.surface_object[surface]]
        if result[-1]:
            findings.add("write.changed", "Surfaces without an outline are written as their triangles.", where=where)
        else:
            findings.add(
                "write.changed",
                "Surfaces that cannot be drawn, or are smaller than a step of the coordinates, are left out.",
                where=where,
            )
    return result


def _rings(edges: list[list[int]], numbers: list[int]) -> list[list[int]]:
    """Return the rings that follow one another in the edges, as vertex numbers; nothing where they are not rings.

    Args:
        edges: Pairs of vertices of the model, in which neighbours never coincide.
        numbers: Of the file's vertices, in which they may.
    """
    rings: list[list[int]] = []
    ring: list[int] = []
    after = -1
    for start, end in edges:
        if ring and start != after:
            return []
        ring.append(start)
        after = end
        if end == ring[0]:
            rings.append(ring)
            ring = []
    if ring or not rings:
        return []
    outer, *holes = (_without_repeats([numbers[corner] for corner in ring]) for ring in rings)
    return [outer, *(hole for hole in holes if len(hole) > 2)] if len(outer) > 2 else []


def _without_repeats(ring: list[int]) -> list[int]:
    return [corner for corner, before in zip(ring, [ring[-1], *ring], strict=False) if corner != before]


def _outlines_face_inward(data: CityModel) -> list[bool]:
    """Return, for each surface, whether its outline turns the other way round than its triangles."""
    count = len(data.surface_object)
    points = data.vertices - data.vertices.mean(axis=0) if len(data.vertices) else data.vertices
    first, second, third = (points[data.triangles[:, corner]] for corner in range(3))
    faces, outlines = np.zeros((count, 3)), np.zeros((count, 3))
    np.add.at(faces, data.triangle_surface, np.cross(second - first, third - first))
    start, end = points[data.edges[:, 0]], points[data.edges[:, 1]]
    np.add.at(outlines, data.edge_surface, np.cross(start, end))
    inward: list[bool] = ((faces * outlines).sum(axis=1) < 0).tolist()
    return inward

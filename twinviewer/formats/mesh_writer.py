"""Meshes into binary glTF 2.0, PLY and STL; of city models their triangles, one mesh per kind of surface.

glTF and STL have 32-bit numbers, which resolve half a metre at UTM northings: vertices are counted from a corner of
the mesh.  glTF keeps that corner as the place of its node, in full; STL has no place for it, and the person is told.
PLY is written with 64-bit coordinates.  glTF has y up and linear colours.  None of the three names a reference system.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from twinviewer.formats.losses import changed, not_held
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import WriteError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import CityModel, LayerData, TriangleMesh
from twinviewer.model.place import LOCAL

_GLB_MAGIC, _GLB_VERSION = 0x46546C67, 2
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942
_FLOAT, _UNSIGNED_INT, _UNSIGNED_SHORT = 5126, 5125, 5123
_VERTICES, _TRIANGLES = 34962, 34963
_WITHOUT_NAME = "mesh"
_STL_HEADER = 80


def write(*, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> list[Diagnostic]:
    """Write one mesh, or the highest level of detail of one city model.

    Raises:
        WriteError: There are no triangles.
        OSError: The disk said no.
        Cancelled: The person stopped the work.
    """
    (data,) = layers
    told = []
    if isinstance(data, CityModel):
        told.append(not_held("City objects, their ids and their attributes are not kept, only their surfaces."))
        data = mesh_of(data)
    assert isinstance(data, TriangleMesh)
    if not len(data.triangles):
        raise WriteError("The layer holds no triangles.", source=path.name)
    if data.crs is not None and data.crs.horizontal != LOCAL.horizontal:
        from twinviewer.model.crs import describe

        told.append(not_held(f"The format does not name reference systems; coordinates are in {describe(data.crs)}."))
    feedback.progress(0.1, "Writing the mesh")
    feedback.stop_if_cancelled()
    match path.suffix.lower():
        case ".glb":
            path.write_bytes(_glb(data))
        case ".ply":
            path.write_bytes(_ply(data))
            if len(data.mesh_names) > 1:
                told.append(not_held("Names of meshes are not kept."))
        case _:
            told += _write_stl(path, data)
    return told


def mesh_of(data: CityModel) -> TriangleMesh:
    """Return the surfaces of a city model, of each object those of its highest level of detail, named by their type."""
    best = np.full(len(data.object_ids), -1, np.int32)
    np.maximum.at(best, data.surface_object, data.surface_lod)
    shown = data.surface_lod == best[data.surface_object]
    kept = shown[data.triangle_surface]
    kind = data.surface_type[data.triangle_surface[kept]]
    names = (*data.surface_type_names, "Surface")  # the last one is found by −1
    used, number = np.unique(np.where(kind < 0, len(names) - 1, kind), return_inverse=True)
    vertices, triangles = np.unique(data.triangles[kept], return_inverse=True)
    return TriangleMesh(
        source=data.source,
        crs=data.crs,
        vertices=data.vertices[vertices],
        triangles=triangles.reshape(-1, 3).astype(np.int32),
        vertex_rgb=None,
        mesh_names=tuple(names[index] for index in used),
        triangle_mesh=number.astype(np.int32).reshape(-1),
    )


def _corner(data: TriangleMesh) -> NDArray[np.float64]:
    """Return whole metres near the lowest corner; nothing where numbers are small anyway."""
    if not len(data.vertices) or np.abs(data.vertices).max() < 10_000:
        return np.zeros(3)
    return np.asarray(np.floor(data.vertices.min(axis=0)))


# --- glTF -----------------------------------------------------------------------------------------------------------


def _glb(data: TriangleMesh) -> bytes:
    corner = _corner(data)
    buffer = _Buffer()
    meshes: list[dict[str, Any]] = []
    nodes: list[dict[str, Any]] = []
    for name, part in _parts(data):
        positions = _y_up(part.vertices - corner).astype("<f4")
        attributes = {"POSITION": buffer.add(positions, _FLOAT, "VEC3", _VERTICES, with_range=True)}
        if part.vertex_rgb is not None:
            attributes["COLOR_0"] = buffer.add(_linear(part.vertex_rgb), _UNSIGNED_SHORT, "VEC4", _VERTICES)
        indices = buffer.add(part.triangles.astype("<u4").reshape(-1), _UNSIGNED_INT, "SCALAR", _TRIANGLES)
        meshes.append({"name": name, "primitives": [{"attributes": attributes, "indices": indices, "material": 0}]})
        nodes.append({"name": name, "mesh": len(nodes), "translation": _y_up(corner[None])[0].tolist()})
    document = {
        "asset": {"version": "2.0", "generator": "twinviewer"},
        "scene": 0,
        "scenes": [{"nodes": list(range(len(nodes)))}],
        "nodes": nodes,
        "meshes": meshes,
        "materials": [{"pbrMetallicRoughness": {"metallicFactor": 0.0}, "doubleSided": True}],
        "accessors": buffer.accessors,
        "bufferViews": buffer.views,
        "buffers": [{"byteLength": len(buffer.content)}],
    }
    text = orjson.dumps(document)
    text += b" " * (-len(text) % 4)
    head = np.array([_GLB_MAGIC, _GLB_VERSION, 28 + len(text) + len(buffer.content)], "<u4")
    chunks = (
        head,
        np.array([len(text), _JSON_CHUNK], "<u4"),
        text,
        np.array([len(buffer.content), _BINARY_CHUNK], "<u4"),
        buffer.content,
    )
    return b"".join(chunk if isinstance(chunk, bytes | bytearray) else chunk.tobytes() for chunk in chunks)


class _Buffer:
    """The binary part of a glTF, and what says where in it things are."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.views: list[dict[str, int]] = []
        self.accessors: list[dict[str, Any]] = []

    def add(self, array: NDArray[Any], component: int, type: str, target: int, *, with_range: bool = False) -> int:
        """Append an array, whose rows are multiples of four bytes, and return the number of its accessor."""
        view = {"buffer": 0, "byteOffset": len(self.content), "byteLength": array.nbytes, "target": target}
        accessor: dict[str, Any] = {
            "bufferView": len(self.views),
            "componentType": component,
            "count": len(array),
            "type": type,
        }
        if component == _UNSIGNED_SHORT:
            accessor["normalized"] = True
        if with_range:
            accessor |= {"min": array.min(axis=0).tolist(), "max": array.max(axis=0).tolist()}
        self.content += array.tobytes()
        self.views.append(view)
        self.accessors.append(accessor)
        return len(self.accessors) - 1


def _parts(data: TriangleMesh) -> list[tuple[str, TriangleMesh]]:
    """Return each mesh that has triangles by itself, with its own vertices."""
    names = data.mesh_names or (_WITHOUT_NAME,)
    owner = data.triangle_mesh if len(data.triangle_mesh) else np.zeros(len(data.triangles), np.int32)
    parts = []
    for number, name in enumerate(names):
        own = data.triangles[owner == number]
        if len(own):
            used, triangles = np.unique(own, return_inverse=True)
            rgb = None if data.vertex_rgb is None else data.vertex_rgb[used]
            part = replace(
                data, vertices=data.vertices[used], triangles=triangles.reshape(-1, 3).astype(np.int32), vertex_rgb=rgb
            )
            parts.append((name, part))
    return parts


def _y_up(points: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.column_stack([points[:, 0], points[:, 2], -points[:, 1]])


def _linear(rgb: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return colours (n, 4) in linear light (IEC 61966-2-1), as glTF has them, opaque."""
    share = rgb / 255.0
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    opaque = np.column_stack([linear, np.ones(len(rgb))])
    return np.asarray(np.rint(opaque * 65535), "<u2")


# --- PLY and STL ----------------------------------------------------------------------------------------------------


def _ply(data: TriangleMesh) -> bytes:
    fields: list[Any] = [("x", "<f8"), ("y", "<f8"), ("z", "<f8")]
    if data.vertex_rgb is not None:
        fields += [("red", "u1"), ("green", "u1"), ("blue", "u1")]
    vertices = np.zeros(len(data.vertices), fields)
    for axis, name in enumerate("xyz"):
        vertices[name] = data.vertices[:, axis]
    if data.vertex_rgb is not None:
        for band, name in enumerate(("red", "green", "blue")):
            vertices[name] = data.vertex_rgb[:, band]
    faces = np.zeros(len(data.triangles), [("count", "u1"), ("corners", "<i4", 3)])
    faces["count"], faces["corners"] = 3, data.triangles
    properties = [f"property {'uchar' if kind == 'u1' else 'double'} {name}" for name, kind in fields]
    head = [
        "ply",
        "format binary_little_endian 1.0",
        "comment twinviewer",
        f"element vertex {len(vertices)}",
        *properties,
        f"element face {len(faces)}",
        "property list uchar int vertex_indices",
        "end_header",
    ]
    return "".join(f"{line}\n" for line in head).encode() + vertices.tobytes() + faces.tobytes()


def _write_stl(path: Path, data: TriangleMesh) -> list[Diagnostic]:
    corner = _corner(data)
    corners = (data.vertices - corner)[data.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    records = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("spare", "<u2")])
    records["normal"] = np.divide(normals, lengths, out=np.zeros_like(normals), where=lengths > 0)
    records["corners"] = corners
    head = b"binary STL by twinviewer".ljust(_STL_HEADER) + np.array([len(corners)], "<u4").tobytes()
    path.write_bytes(head + records.tobytes())
    told = []
    if corner.any():
        place = ", ".join(f"{value:.0f}" for value in corner)
        told.append(changed(f"STL has too few digits for map coordinates: they are counted from {place}."))
    if data.vertex_rgb is not None or len(data.mesh_names) > 1:
        told.append(not_held("Colours and names of meshes are not kept."))
    return told

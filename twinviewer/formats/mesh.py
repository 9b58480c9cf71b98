"""Meshes without semantics: glTF 2.0, PLY and STL through trimesh, and OBJ (:mod:`twinviewer.formats.obj`).

Of materials only the plain colours are taken, textures are not read.  Nothing is opened but the file itself and what
glTF and OBJ name in or below their own folder: buffers and material files.  Coordinates stay float64: OBJ files of
cities have easting and northing in them.  glTF has y up by its standard; the others say nothing and are taken as z up,
as programs for cities write them (option ``up``).  None of the four names a reference system.
"""

from __future__ import annotations

import io
import json
import logging
import re
import struct
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote

import numpy as np
import trimesh
from trimesh.resolvers import Resolver

from twinviewer.formats.files import GET_IT_AGAIN, file_beside, require_content
from twinviewer.formats.gltf_materials import displayed, plain_materials, primitives_of
from twinviewer.formats.obj import read_obj
from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import (
    DamagedFileError,
    TwinViewerError,
    UnsupportedFormatError,
)
from twinviewer.model.feedback import Cancelled, Feedback
from twinviewer.model.layer_data import SourceFacts, TriangleMesh

Up = Literal["auto", "y", "z"]

_FORMATS = {"obj": "OBJ", "gltf": "glTF", "glb": "glTF", "ply": "PLY", "stl": "STL"}
_GLB = b"glTF"
_JSON_CHUNK = 0x4E4F534A
_UNREAD_MODES = (2, 3, 6)
"""Line loop, line strip, triangle fan (glTF 2.0, 3.7.2.1)."""
_STL_HEADER, _STL_TRIANGLE = 84, 50
_UNREAD_EXTENSIONS = ("KHR_draco_mesh_compression", "EXT_meshopt_compression", "KHR_mesh_quantization")
_Y_UP_TO_Z_UP = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])

logging.getLogger("trimesh").setLevel(logging.CRITICAL)  # what it would say is raised or told below


def probe(*, path: Path) -> float:
    """Return how sure it is that the file is a mesh, by its first bytes."""
    with path.open("rb") as file:
        head = file.read(4096)
    kind = _kind(path, head)
    if kind is None:
        return 0.0
    return 1.0 if kind in ("glb", "ply", "gltf") else 0.7


def read(*, path: Path, feedback: Feedback, up: Up = "auto") -> list[TriangleMesh]:
    """Read a mesh file as one layer.

    Args:
        path: The file.
        feedback: Hears progress, and is asked between the meshes of the file whether to stop.
        up: Which axis of the file points upwards.

    Raises:
        UnsupportedFormatError: glTF 1.0, a compression that is not read, or no triangles in it.
        DamagedFileError: It is cut off or contradicts itself.
        HostileFileError: It asks for files outside its own folder.
        Cancelled: The person stopped the work.
    """
    require_content(path)
    content = path.read_bytes()
    kind = _kind(path, content[:4096])
    if kind is None:
        raise UnsupportedFormatError("This is none of OBJ, glTF, PLY and STL.", source=path.name)
    feedback.progress(0.05, "Reading the mesh")
    feedback.stop_if_cancelled()
    if kind == "obj":
        mesh = read_obj(path=path, content=content, feedback=feedback)
    else:
        mesh = _through_trimesh(path, kind, _CHECKS[kind](path, content), feedback)
    y_is_up = up == "y" or (up == "auto" and kind in ("gltf", "glb"))
    return [replace(mesh, vertices=mesh.vertices @ _Y_UP_TO_Z_UP.T) if y_is_up else mesh]


def _through_trimesh(path: Path, kind: str, checked: Checked, feedback: Feedback) -> TriangleMesh:
    try:
        scene = trimesh.load_scene(
            io.BytesIO(checked.content),
            file_type=kind,
            resolver=_OwnFolder(path),
            skip_materials=not checked.has_colours,
        )
    except (TwinViewerError, Cancelled, MemoryError):
        raise
    except Exception as error:  # trimesh raises whatever its parsers stumble over
        reason = "some of its text is none" if isinstance(error, UnicodeDecodeError) else str(error)
        raise DamagedFileError(
            f"The mesh cannot be read: {reason or type(error).__name__}.".replace("..", "."),
            cure=GET_IT_AGAIN,
            source=path.name,
        ) from error
    return _merged(scene, path, SourceFacts(format=_FORMATS[kind], version=checked.version), checked, feedback)


def _kind(path: Path, head: bytes) -> str | None:
    """Return trimesh's name of the format by the first bytes, and by the name where they say nothing."""
    suffix = path.suffix.lower().removeprefix(".")
    if head.startswith(_GLB):
        return "glb"
    if re.match(rb"ply\s", head):
        return "ply"
    if head.lstrip().startswith(b"{") and (b'"asset"' in head or suffix == "gltf"):
        return "gltf"
    if suffix == "stl" and (head.lstrip().startswith(b"solid") or len(head) >= _STL_HEADER):
        return "stl"
    if suffix == "obj" and b"\0" not in head:
        return "obj"
    return None


def _merged(scene: Any, path: Path, source: SourceFacts, checked: Checked, feedback: Feedback) -> TriangleMesh:
    """Return all placed meshes of the scene as one."""
    told = list(checked.told)
    vertices, triangles, colours, owner = [], [], [], []
    names: list[str] = []
    first, left_out = 0, 0
    nodes = sorted(scene.graph.nodes_geometry)
    for number, node in enumerate(nodes):
        feedback.stop_if_cancelled()
        feedback.progress(0.5 + 0.5 * number / len(nodes), "Reading the mesh")
        matrix, name = scene.graph[node]
        mesh = scene.geometry[name]
        if not isinstance(mesh, trimesh.Trimesh) or len(mesh.faces) == 0:
            left_out += 1
            continue
        points = np.asarray(mesh.vertices, np.float64)
        if points.ndim != 2 or points.shape[1] != 3:
            raise DamagedFileError(
                "The vertices of the mesh are not three numbers each.", cure=GET_IT_AGAIN, source=path.name
            )
        if not np.array_equal(matrix, np.eye(4)):
            points = points @ matrix[:3, :3].T + matrix[:3, 3]
        faces = np.asarray(mesh.faces, np.int64)
        in_range = ((faces >= 0) & (faces < len(points))).all(axis=1)
        if not in_range.all():
            told.append(
                Diagnostic(
                    code="mesh.index-out-of-range",
                    problem="Triangles that name vertices which are not there are left out.",
                    where=str(name),
                    count=int((~in_range).sum()),
                )
            )
        with np.errstate(invalid="ignore", over="ignore"):
            if np.linalg.det(matrix[:3, :3]) < 0:  # a mirror turns triangles inside out
                faces = faces[:, ::-1]
        vertices.append(points)
        triangles.append(faces[in_range] + first)
        owner.append(np.full(len(triangles[-1]), len(names), np.int32))
        colours.append(_vertex_colours(mesh, checked.plain_colours, is_linear=source.format == "glTF"))
        names.append(str(name))
        first += len(points)
    if not vertices:
        raise UnsupportedFormatError("The file holds no triangles.", source=path.name)
    if left_out:
        told.append(
            Diagnostic(code="mesh.not-triangles", problem="Points and lines of the file are left out.", count=left_out)
        )
    return TriangleMesh(
        source=source,
        crs=None,
        vertices=np.concatenate(vertices),
        triangles=np.concatenate(triangles).astype(np.int32),
        vertex_rgb=_joined_colours(colours, [len(points) for points in vertices]),
        mesh_names=tuple(names),
        triangle_mesh=np.concatenate(owner),
        diagnostics=tuple(told),
    )


def _vertex_colours(
    mesh: Any, plain_colours: dict[str, tuple[float, float, float]], *, is_linear: bool
) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    """Return (v, 3) colours of a mesh's vertices, times that of its material (glTF 2.0, 3.9.2); None without any."""
    visual, count = mesh.visual, len(mesh.vertices)
    if visual.kind == "vertex":
        own: Any = np.asarray(visual.vertex_colors, np.uint8)
    else:
        own = getattr(visual, "vertex_attributes", {}).get("color")
    factor = plain_colours.get(str(getattr(getattr(visual, "material", None), "name", "")))
    if own is None or np.shape(own)[:1] != (count,) or np.ndim(own) != 2 or np.shape(own)[1] < 3:
        if factor is None:
            return None
        own = np.ones((count, 3))
    share = own[:, :3] / np.iinfo(own.dtype).max if np.issubdtype(own.dtype, np.integer) else own[:, :3]
    share = np.asarray(share, np.float64) * (1.0 if factor is None else factor)
    return displayed(share) if is_linear else np.asarray((share * 255).round(), np.uint8)


def _joined_colours(
    colours: list[np.ndarray[Any, np.dtype[np.uint8]] | None], counts: list[int]
) -> np.ndarray[Any, np.dtype[np.uint8]] | None:
    """Return the colours of all vertices, white where a mesh has none; None where none has."""
    if all(part is None for part in colours):
        return None
    return np.concatenate(
        [
            np.full((count, 3), 255, np.uint8) if part is None else part
            for part, count in zip(colours, counts, strict=True)
        ]
    )


# --- before trimesh sees it -------------------------------------------------------------------------------------


class _OwnFolder(Resolver):
    """Gives glTF its buffers from the file's own folder and below; nothing else, from nowhere else."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def get(self, key: str) -> bytes:
        return file_beside(self._path, unquote(key)).read_bytes()

    def keys(self) -> list[str]:
        return []

    def namespaced(self, namespace: str) -> Resolver:
        return self

    def write(self, name: str, data: Any) -> None:
        raise PermissionError("meshes are only read")


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What trimesh may see."""

    content: bytes
    """Mended perhaps, and without textures."""
    version: str = ""
    told: list[Diagnostic] = field(default_factory=list)
    has_colours: bool = False
    """Whether materials or vertices have colours."""
    plain_colours: dict[str, tuple[float, float, float]] = field(default_factory=dict)
    """Linear RGB, 0 to 1, by the name of the material."""


def _check_gltf(path: Path, content: bytes) -> Checked:
    document = _gltf_document(path, content)
    version, told = _gltf_version(document, path), _unread_primitives(document)
    document, colours = plain_materials(document)
    return Checked(
        content=json.dumps(document).encode(),
        version=version,
        told=told,
        has_colours=bool(colours) or any("COLOR_0" in each["attributes"] for each in primitives_of(document)),
        plain_colours=colours,
    )


def _check_glb(path: Path, content: bytes) -> Checked:
    if len(content) < 20:
        raise DamagedFileError("The file ends within its header.", cure=GET_IT_AGAIN, source=path.name)
    version, length, json_length = struct.unpack_from("<III", content, 4)
    if version != 2:
        raise _old_gltf(str(version), path)
    if length > len(content):
        raise DamagedFileError(
            f"The file should have {length:,} bytes, {len(content):,} are there.", cure=GET_IT_AGAIN, source=path.name
        )
    checked = _check_gltf(path, content[20 : 20 + json_length])
    text = checked.content + b" " * (-len(checked.content) % 4)
    rest = content[20 + json_length :]
    head = struct.pack("<4sIIII", _GLB, 2, 20 + len(text) + len(rest), len(text), _JSON_CHUNK)
    return replace(checked, content=head + text + rest)


def _gltf_document(path: Path, content: bytes) -> dict[str, Any]:
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DamagedFileError(
            f"The glTF is no text from byte {error.start:,} on.", cure=GET_IT_AGAIN, source=path.name
        ) from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(
            f"The glTF is cut off or no JSON: {error}.", cure=GET_IT_AGAIN, source=path.name
        ) from error
    if not isinstance(document, dict):
        raise DamagedFileError("The glTF is no JSON object.", cure=GET_IT_AGAIN, source=path.name)
    return document


def _unread_primitives(document: dict[str, Any]) -> list[Diagnostic]:
    """Tell of what trimesh passes over in silence: fans of triangles, line strips and loops."""
    unread = sum(primitive.get("mode", 4) in _UNREAD_MODES for primitive in primitives_of(document))
    if not unread:
        return []
    problem = "Parts of meshes that are fans of triangles, or chains of lines, are left out."
    return [Diagnostic(code="mesh.not-triangles", problem=problem, count=unread)]


def _gltf_version(document: dict[str, Any], path: Path) -> str:
    asset = document.get("asset")
    version = str(asset.get("version", "1.0")) if isinstance(asset, dict) else "1.0"
    if not version.startswith("2"):
        raise _old_gltf(version, path)
    required = document.get("extensionsRequired")
    unread = [name for name in (required if isinstance(required, list) else []) if name in _UNREAD_EXTENSIONS]
    if unread:
        raise UnsupportedFormatError(
            f"The mesh is compressed by {unread[0]}, which is not read.",
            cure="Export it without compression.",
            source=path.name,
        )
    return version


def _old_gltf(version: str, path: Path) -> UnsupportedFormatError:
    return UnsupportedFormatError(
        f"This is glTF {version}; only 2.0 is read.",
        cure="Convert it, for example with gltf-pipeline.",
        source=path.name,
    )


def _check_ply(path: Path, content: bytes) -> Checked:
    head, mark, _ = content.partition(b"end_header")
    if not mark:
        raise DamagedFileError("The file ends within its header.", cure=GET_IT_AGAIN, source=path.name)
    counts = {name: int(count) for name, count in re.findall(rb"element\s+(\w+)\s+(\d{1,18})", head)}
    if max(counts.values(), default=0) > len(content):
        raise DamagedFileError("The header promises more than the file has bytes.", cure=GET_IT_AGAIN, source=path.name)
    if not counts.get(b"face") and not counts.get(b"tristrips"):
        raise UnsupportedFormatError(
            f"The PLY holds {counts.get(b'vertex', 0):,} points, but no triangles.",
            cure="Save point clouds as LAS or LAZ.",
            source=path.name,
        )
    match = re.search(rb"format\s+(\w+)\s+([\d.]+)", head)
    told = []
    if match and match.group(1) == b"ascii":
        told = _missing_rows(content.partition(b"end_header")[2], counts)
    return Checked(content=content, version=match.group(2).decode() if match else "", told=told)


def _missing_rows(body: bytes, counts: dict[bytes, int]) -> list[Diagnostic]:
    """Tell how much of a PLY in text is missing; its rows come one a line."""
    rows, declared = sum(1 for line in body.split(b"\n") if line.strip()), sum(counts.values())
    if rows < declared:
        return [_cut_off(f"The header promises {declared:,} rows, {rows:,} are there: the file is damaged or cut off.")]
    if not body.endswith((b"\n", b"\r", b" ")):
        problem = "The text ends without a line break: perhaps the file is cut off."
        return [Diagnostic(severity=Severity.INFO, code="mesh.cut-off", problem=problem)]
    return []


def _check_stl(path: Path, content: bytes) -> Checked:
    if len(content) >= _STL_HEADER:
        (declared,) = struct.unpack_from("<I", content, 80)
        there = (len(content) - _STL_HEADER) // _STL_TRIANGLE
        is_text = content.lstrip().startswith(b"solid") and b"facet" in content[:4096]
        if not is_text and declared > there:
            if there * 1000 < declared:
                raise DamagedFileError(
                    f"The header promises {declared:,} triangles, but only {there:,} are there.",
                    cure=GET_IT_AGAIN,
                    source=path.name,
                )
            whole = content[:80] + struct.pack("<I", there) + content[84 : _STL_HEADER + there * _STL_TRIANGLE]
            problem = (
                f"The header promises {declared:,} triangles, {there:,} are there: the file is damaged or cut off."
            )
            return Checked(content=whole, told=[_cut_off(problem)])
        if not is_text:
            return Checked(content=content[: _STL_HEADER + declared * _STL_TRIANGLE])
    if b"endsolid" not in content[-4096:]:
        end = content.rfind(b"endfacet")
        if end < 0:
            raise DamagedFileError("The file ends before its first triangle.", cure=GET_IT_AGAIN, source=path.name)
        whole = content[: end + len(b"endfacet")] + b"\nendsolid\n"
        return Checked(content=whole, told=[_cut_off("The text ends before “endsolid”: the file is cut off.")])
    return Checked(content=content)


def _cut_off(problem: str) -> Diagnostic:
    return Diagnostic(severity=Severity.ERROR, code="mesh.cut-off", problem=problem)


_CHECKS: dict[str, Callable[[Path, bytes], Checked]] = {
    "gltf": _check_gltf,
    "glb": _check_glb,
    "ply": _check_ply,
    "stl": _check_stl,
}

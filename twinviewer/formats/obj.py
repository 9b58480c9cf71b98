"""Wavefront OBJ: faces of any shape, its objects or groups, and the plain colours of its materials (MTL).

A reader of our own: trimesh fans every face out from its first corner, which covers what a concave face leaves free,
takes indices that count backwards from the end of the file instead of from where they stand, and names a mesh per
material after whichever object came first.  OBJ promises no counts; that a file is cut off shows only in vertices
that no face uses and in a last line without an end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.files import file_beside
from twinviewer.formats.findings import Findings
from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, ReadError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import SourceFacts, TriangleMesh

Rgb = tuple[int, int, int]

_LINES = 65_536
"""Lines between two questions whether to stop."""
_MATERIALS_LIMIT = 16 * 2**20
_MANY_UNUSED = 0.01
"""Share of vertices without a face from which on the file is rather cut off than untidy."""
_CURE = "Get it again from where it came from; it may be half a download."


@dataclass(slots=True)
class _Text:
    """The lines of a file, sorted by what they say."""

    vertices: list[bytes] = field(default_factory=list)
    faces: list[bytes] = field(default_factory=list)
    before: list[tuple[int, int, int]] = field(default_factory=list)
    """Per face: vertices, texture coordinates and normals that came before it; negative indices count from there."""
    face_part: list[int] = field(default_factory=list)
    face_material: list[int] = field(default_factory=list)
    others: int = 0
    """Points and lines: they are not drawn, but use vertices."""
    parts: list[str] = field(default_factory=list)
    """Names of objects, of groups where there are no objects; the first is that of faces before any."""
    materials: list[str] = field(default_factory=list)
    libraries: list[str] = field(default_factory=list)


def read_obj(*, path: Path, content: bytes, feedback: Feedback) -> TriangleMesh:
    """Return the triangles of an OBJ, with the axes as they are in the file.

    A vertex of the result is a corner as the file tells them apart: by position, texture coordinate, normal, material.

    Raises:
        UnsupportedFormatError: There are only points and lines in it.
        DamagedFileError: There are no faces, or none that make sense.
        Cancelled: The person stopped the work.
    """
    found = Findings()
    text = _sorted_lines(content.replace(b"\\\r\n", b" ").replace(b"\\\n", b" "), feedback)
    if not text.faces:
        if text.others:
            raise UnsupportedFormatError("The file holds no triangles.", source=path.name)
        raise DamagedFileError("The OBJ holds no faces: it may be cut off.", cure=_CURE, source=path.name)
    positions, rgb = _positions(text.vertices, found)
    feedback.progress(0.6, "Reading the mesh")
    feedback.stop_if_cancelled()
    corners, sides = _corners(text)
    feedback.progress(0.8, "Reading the mesh")
    feedback.stop_if_cancelled()
    face = np.repeat(np.arange(len(sides)), sides)
    _tell_of_unused(text, corners, len(positions), content, found)
    bad = (corners[:, 0] < 0) | (corners[:, 0] >= len(positions))
    whole = (np.bincount(face, bad, len(sides)) == 0) & (sides >= 3)
    if not whole.all():
        where = f"face {int((~whole).argmax()) + 1}"
        problem = "Faces that name vertices which are not there, or less than three, are left out."
        found.add("mesh.index-out-of-range", problem, where=where, count=int((~whole).sum()))
    corners, face = corners[whole[face]], face[whole[face]]
    vertex, corner_vertex = _distinct(corners, np.asarray(text.face_material, np.int64)[face])
    triangles, triangle_face = _triangles(positions[corners[:, 0]], sides[whole], found)
    if not len(triangles):
        raise DamagedFileError("None of the faces can be drawn.", cure=_CURE, source=path.name)
    face_number = np.flatnonzero(whole)[triangle_face]
    material = np.asarray(text.face_material, np.int64)[face[vertex]]
    parts, triangle_part = np.unique(np.asarray(text.face_part)[face_number], return_inverse=True)
    return TriangleMesh(
        source=SourceFacts(format="OBJ"),
        crs=None,
        vertices=positions[corners[vertex, 0]],
        triangles=corner_vertex[triangles].astype(np.int32),
        vertex_rgb=_colours(text, rgb, corners[vertex, 0], material, path, found),
        mesh_names=tuple(text.parts[part] or path.stem for part in parts),
        triangle_mesh=triangle_part.astype(np.int32),
        diagnostics=found.diagnostics(),
    )


def _sorted_lines(content: bytes, feedback: Feedback) -> _Text:
    text = _Text()
    parts: dict[str, int] = {"": 0}
    materials: dict[str, int] = {"": 0}
    part, material, texture_coordinates, normals = 0, 0, 0, 0
    has_objects = re.search(rb"^[ \t]*o[ \t]", content, re.MULTILINE) is not None
    lines = content.split(b"\n")
    for number, line in enumerate(lines):
        if number % _LINES == 0:
            feedback.stop_if_cancelled()
            feedback.progress(0.05 + 0.5 * number / len(lines), "Reading the mesh")
        word, rest = line[:2], line[2:]
        if word == b"v ":
            text.vertices.append(rest)
            continue
        if word != b"f ":
            word, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
        if word == b"v":
            text.vertices.append(rest)
        elif word in (b"f", b"f "):
            text.faces.append(rest)
            text.before.append((len(text.vertices), texture_coordinates, normals))
            text.face_part.append(part)
            text.face_material.append(material)
        elif word == b"vt":
            texture_coordinates += 1
        elif word == b"vn":
            normals += 1
        elif word == (b"o" if has_objects else b"g"):
            part = parts.setdefault(_name(rest), len(parts))
        elif word == b"usemtl":
            material = materials.setdefault(_name(rest), len(materials))
        elif word == b"mtllib":
            text.libraries.append(_name(rest))
        elif word in (b"l", b"p"):
            text.others += 1
    text.parts = list(parts)
    text.materials = list(materials)
    return text


def _name(rest: bytes) -> str:
    return rest.strip().decode("utf-8", "replace")


def _positions(lines: list[bytes], found: Findings) -> tuple[NDArray[np.float64], NDArray[np.uint8] | None]:
    """Return positions (v, 3) and colours (v, 3), the latter an extension that MeshLab and others write."""
    rows = [line.split() for line in lines]
    width = len(rows[0]) if rows else 3
    try:
        numbers = np.fromiter(map(float, chain.from_iterable(rows)), np.float64).reshape(len(rows), width)
        if width < 3 or any(len(row) != width for row in rows):
            raise ValueError("rows of different lengths")
    except ValueError:
        width = 6 if all(len(row) >= 6 for row in rows) else 3
        numbers = np.full((len(rows), width), np.nan)
        for number, row in enumerate(rows):
            try:
                numbers[number] = [float(word) for word in row[:width]]
            except ValueError:
                problem = "Vertices that are not three numbers are left out, and the faces that name them."
                found.add("mesh.bad-vertex", problem, where=f"vertex {number + 1}")
    rgb = None
    if width >= 6:
        with np.errstate(invalid="ignore"):
            rgb = np.nan_to_num(np.clip(numbers[:, 3:6], 0.0, 1.0) * 255).round().astype(np.uint8)
    return np.ascontiguousarray(numbers[:, :3]), rgb


def _corners(text: _Text) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (position, texture coordinate, normal) of each corner from 0, −1 where absent, and corners per face.

    A position that makes no sense becomes −1, too.
    """
    faces = [line.split() for line in text.faces]
    sides = np.fromiter(map(len, faces), np.int64, len(faces))
    words = list(chain.from_iterable(faces))
    slashes = {word.count(b"/") for word in words}
    try:
        if len(slashes) != 1 or any(b"//" in word for word in words):
            raise ValueError("corners of different kinds")
        (width,) = slashes
        flat = b" ".join(words).replace(b"/", b" ").split()
        written = np.zeros((len(words), 3), np.int64)
        written[:, : width + 1] = np.fromiter(map(int, flat), np.int64, len(flat)).reshape(-1, width + 1)
    except (ValueError, OverflowError):
        written = np.array([_corner(word) for word in words], np.int64).reshape(-1, 3)
    indices = written - 1
    if (written < 0).any():
        before = np.repeat(np.asarray(text.before, np.int64), sides, axis=0)
        indices = np.where(written < 0, before + written, indices)
        indices[:, 0] = np.where((written[:, 0] < 0) & (indices[:, 0] < 0), -1, indices[:, 0])
    return indices, sides


def _corner(word: bytes) -> tuple[int, int, int]:
    parts = word.split(b"/")
    try:
        numbers = [int(part) if part else 0 for part in parts[:3]]
    except ValueError:
        return 0, 0, 0
    if any(abs(number) >= 2**62 for number in numbers):
        return 0, 0, 0
    numbers += [0] * (3 - len(numbers))
    return numbers[0], numbers[1], numbers[2]


def _distinct(corners: NDArray[np.int64], material: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the corners (v,) that stand for each vertex of the result, and the vertex of each corner."""
    keys = np.column_stack([corners, material])
    vertex = code = np.zeros(len(keys), np.int64)
    for column in keys.T:  # one column after the other: a row of four numbers does not fit one integer
        _, digit = np.unique(column, return_inverse=True)
        _, vertex, code = np.unique(code * (digit.max(initial=0) + 1) + digit, return_index=True, return_inverse=True)
    return vertex, code


def _triangles(
    corners: NDArray[np.float64], sides: NDArray[np.int64], found: Findings
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return triangles as indices into ``corners``, in the order of the faces, and the face of each."""
    first = np.concatenate([[0], np.cumsum(sides)])
    is_triangle = sides == 3
    whole = first[:-1][is_triangle][:, None] + np.arange(3)
    polygons = np.flatnonzero(~is_triangle)
    if not len(polygons):
        return whole, np.arange(len(sides))
    of_polygon = np.flatnonzero(np.repeat(~is_triangle, sides))
    offsets = np.concatenate([[0], np.cumsum(sides[polygons])])
    cut = triangulate_polygons(corners[of_polygon], offsets, np.arange(len(polygons) + 1))
    if len(cut.failed):
        problem = "Faces without an area, or with coordinates that are not numbers, are left out."
        found.add("mesh.flat-face", problem, where=f"face {int(polygons[cut.failed[0]]) + 1}", count=len(cut.failed))
    triangles = np.concatenate([whole, of_polygon[cut.triangles]])
    face = np.concatenate([np.flatnonzero(is_triangle), polygons[cut.triangle_polygon]])
    order = np.argsort(face, kind="stable")
    return triangles[order], face[order]


def _tell_of_unused(text: _Text, corners: NDArray[np.int64], count: int, content: bytes, found: Findings) -> None:
    """Tell what hints at a file that is cut off."""
    used = np.zeros(count, np.bool_)
    used[corners[(corners[:, 0] >= 0) & (corners[:, 0] < count), 0]] = True
    unused = 0 if text.others else int(count - used.sum())
    if unused:
        found.add(
            "mesh.unused-vertices",
            "Vertices belong to no face: they are not shown, and perhaps the file is cut off.",
            severity=Severity.WARNING if unused > _MANY_UNUSED * count else Severity.INFO,
            count=unused,
        )
    if not content.endswith((b"\n", b"\r")):
        last = content[content.rfind(b"\n") + 1 :].split()
        broken = last[:1] in ([b"f"], [b"v"]) and len(last) < 4
        found.add(
            "mesh.cut-off",
            "The text ends in the middle of a line: the file is cut off."
            if broken
            else "The text ends without a line break: perhaps the file is cut off.",
            severity=Severity.ERROR if broken else Severity.INFO,
        )


# --- colours ----------------------------------------------------------------------------------------------------


def _colours(
    text: _Text,
    rgb: NDArray[np.uint8] | None,
    vertex: NDArray[np.int64],
    material: NDArray[np.int64],
    path: Path,
    found: Findings,
) -> NDArray[np.uint8] | None:
    """Return the colours of vertices where there are some, else those of materials; None without any."""
    if rgb is not None:
        return rgb[vertex]
    plain = _plain_colours(text.libraries, path, found)
    if not any(name in plain for name in text.materials):
        return None
    table = np.array([plain.get(name, (255, 255, 255)) for name in text.materials], np.uint8)
    return table[material]


def _plain_colours(libraries: Iterable[str], path: Path, found: Findings) -> dict[str, Rgb]:
    """Return the diffuse colour (Kd) of each material that has no texture."""
    colours: dict[str, Rgb] = {}
    for library in dict.fromkeys(libraries):
        try:
            file = file_beside(path, library)
            with file.open("rb") as stream:
                content = stream.read(_MATERIALS_LIMIT)
        except (ReadError, OSError) as error:
            problem = getattr(error, "problem", "The file of its materials cannot be read.")
            found.add("mesh.no-materials", f"{problem} It is shown without its colours.", severity=Severity.INFO)
            continue
        colours.update(_parsed_materials(content))
    return colours


def _parsed_materials(content: bytes) -> dict[str, Rgb]:
    colours: dict[str, Rgb] = {}
    textured: set[str] = set()
    name = ""
    for line in content.splitlines():
        word, _, rest = line.strip().replace(b"\t", b" ").partition(b" ")
        if word == b"newmtl":
            name = _name(rest)
        elif word.lower() == b"map_kd":
            textured.add(name)
        elif word == b"Kd":
            try:
                red, green, blue = (round(255 * min(max(float(number), 0.0), 1.0)) for number in rest.split()[:3])
            except ValueError:
                continue  # a spectral curve, or no numbers: no plain colour
            colours[name] = (red, green, blue)
    return {name: colour for name, colour in colours.items() if name not in textured}

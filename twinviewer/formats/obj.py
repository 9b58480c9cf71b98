"""Wavefront OBJ: faces of any shape, its objects or groups, and the plain colours of its materials (MTL).

A reader of our own: trimesh fans every face out from its first corner, which covers what a concave face leaves free,
takes indices that count backwards from the end of the file instead of from where they stand, and names a mesh per
material after whichever object came first.  OBJ promises no counts; that a file is cut off shows only in vertices
that no face uses and in a last line without an end.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.files import GET_IT_AGAIN, file_beside
from twinviewer.formats.findings import Findings
from twinviewer.geometry.triangulation import triangulate_polygons
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DamagedFileError, ReadError, UnsupportedFormatError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import SourceFacts, TriangleMesh

Rgb = tuple[int, int, int]
Float64s = NDArray[np.float64]
Int64s = NDArray[np.int64]

_BLOCK = 4 * 2**20
"""Bytes between two questions whether to stop."""
_MATERIALS_LIMIT = 16 * 2**20
_BLANKS = bytes(ord(" ") if letter < ord(" ") and letter != ord("\n") else letter for letter in range(256))
_MANY_UNUSED = 0.01
"""Share of vertices without a face from which on the file is rather cut off than untidy."""


@dataclass(slots=True)
class _Text:
    """What the lines of a file say, block after block."""

    positions: list[Float64s] = field(default_factory=list)
    colours: list[Float64s | None] = field(default_factory=list)
    corners: list[Int64s] = field(default_factory=list)
    """(c, 3) position, texture coordinate and normal as written: from 1, or backwards from −1, 0 where absent."""
    sides: list[Int64s] = field(default_factory=list)
    before: list[Int64s] = field(default_factory=list)
    """Per face (f, 3): positions, texture coordinates and normals before it; negative indices count from there."""
    face_part: list[Int64s] = field(default_factory=list)
    face_material: list[Int64s] = field(default_factory=list)
    counts: Int64s = field(default_factory=lambda: np.zeros(3, np.int64))
    others: int = 0
    """Points and lines: they are not drawn, but use vertices."""
    parts: dict[str, int] = field(default_factory=lambda: {"": 0})
    """Numbers of objects, of groups where there are no objects; the first is that of faces before any."""
    materials: dict[str, int] = field(default_factory=lambda: {"": 0})
    part: int = 0
    material: int = 0
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
    text = _read_blocks(_plain(content), feedback, found)
    if not text.corners:
        if text.others:
            raise UnsupportedFormatError("The file holds no triangles.", source=path.name)
        raise DamagedFileError("The OBJ holds no faces: it may be cut off.", cure=GET_IT_AGAIN, source=path.name)
    positions = np.concatenate([np.empty((0, 3)), *text.positions])
    sides, face_material = np.concatenate(text.sides), np.concatenate(text.face_material)
    corners = _from_zero(text, sides)
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
    vertex, corner_vertex = _distinct(corners, face_material[face])
    triangles, triangle_face = _triangles(positions[corners[:, 0]], sides[whole], found)
    if not len(triangles):
        raise DamagedFileError("None of the faces can be drawn.", cure=GET_IT_AGAIN, source=path.name)
    face_number = np.flatnonzero(whole)[triangle_face]
    parts, triangle_part = np.unique(np.concatenate(text.face_part)[face_number], return_inverse=True)
    names = list(text.parts)
    return TriangleMesh(
        source=SourceFacts(format="OBJ"),
        crs=None,
        vertices=positions[corners[vertex, 0]],
        triangles=corner_vertex[triangles].astype(np.int32),
        vertex_rgb=_colours(text, corners[vertex, 0], face_material[face[vertex]], path, found),
        mesh_names=tuple(names[part] or path.stem for part in parts),
        triangle_mesh=triangle_part.astype(np.int32),
        diagnostics=found.diagnostics(),
    )


# --- lines ------------------------------------------------------------------------------------------------------


def _plain(content: bytes) -> bytes:
    """Return the text with one line per statement, no blanks but spaces, and none before a keyword."""
    if b"\n" not in content:
        content = content.replace(b"\r", b"\n")
    if b"\\" in content:
        content = content.replace(b"\\\r\n", b" ").replace(b"\\\n", b" ")
    content = content.translate(_BLANKS)
    return re.sub(rb"^ +", b"", content, flags=re.MULTILINE) if b"\n " in content or content[:1] == b" " else content


def _read_blocks(content: bytes, feedback: Feedback, found: Findings) -> _Text:
    text = _Text()
    names_parts = b"o" if b"\no " in content or content.startswith(b"o ") else b"g"
    start = 0
    while start < len(content):
        feedback.stop_if_cancelled()
        feedback.progress(0.05 + 0.7 * start / len(content), "Reading the mesh")
        end = content.find(b"\n", start + _BLOCK) + 1 or len(content)
        _read_block(text, content[start:end] + b"\n", names_parts, found)
        start = end
    return text


def _read_block(text: _Text, block: bytes, names_parts: bytes, found: Findings) -> None:
    letters = np.frombuffer(block, np.uint8)
    ends = np.flatnonzero(letters == ord("\n"))
    starts = np.concatenate([[0], ends[:-1] + 1])
    first, second = letters[starts], letters[np.minimum(starts + 1, len(letters) - 1)]
    ends_word = second <= ord(" ")
    is_v = first == ord("v")
    is_vertex, is_face = is_v & ends_word, (first == ord("f")) & ends_word
    kinds = np.stack([is_vertex, is_v & (second == ord("t")), is_v & (second == ord("n"))], axis=1)
    is_quiet = kinds.any(axis=1) | is_face | (first <= ord(" ")) | (first == ord("#")) | (first == ord("s"))
    is_blank = letters <= ord(" ")
    begins_word = ~is_blank
    begins_word[1:] &= is_blank[:-1]
    words = np.add.reduceat(begins_word, starts, dtype=np.int64)  # per line, its keyword included
    line_of_letter = np.repeat(np.arange(len(starts)), ends - starts + 1)
    is_keyword = np.zeros(len(letters), np.bool_)
    is_keyword[starts] = True
    if is_vertex.any():
        positions, colours = _positions(
            letters[is_vertex[line_of_letter] & ~is_keyword].tobytes(), words[is_vertex] - 1, int(text.counts[0]), found
        )
        text.positions.append(positions)
        text.colours.append(colours)
    changes, parts, materials = [0], [text.part], [text.material]
    for line in np.flatnonzero(~is_quiet):
        _read_statement(text, block[starts[line] : ends[line]], names_parts)
        if (text.part, text.material) != (parts[-1], materials[-1]):
            changes.append(int(line))
            parts.append(text.part)
            materials.append(text.material)
    if is_face.any():
        faces = np.flatnonzero(is_face)
        state = np.searchsorted(changes, faces, side="right") - 1
        text.corners.append(
            _corners(letters[is_face[line_of_letter] & ~is_keyword].tobytes(), int((words[faces] - 1).sum()))
        )
        text.sides.append(words[faces] - 1)
        text.before.append(text.counts + np.cumsum(kinds, axis=0)[faces])
        text.face_part.append(np.asarray(parts, np.int64)[state])
        text.face_material.append(np.asarray(materials, np.int64)[state])
    text.counts = text.counts + kinds.sum(axis=0)


def _read_statement(text: _Text, line: bytes, names_parts: bytes) -> None:
    word, _, rest = line.partition(b" ")
    if word == names_parts:
        text.part = text.parts.setdefault(_name(rest), len(text.parts))
    elif word == b"usemtl":
        text.material = text.materials.setdefault(_name(rest), len(text.materials))
    elif word == b"mtllib":
        text.libraries.append(_name(rest))
    elif word in (b"l", b"p"):
        text.others += 1


def _name(rest: bytes) -> str:
    return rest.strip().decode("utf-8", "replace")


def _numbers(text: bytes, dtype: type) -> NDArray[Any] | None:
    """Return the numbers of a text with blanks between them; None where something else is between, too."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # numpy tells of what is no number by a warning
        try:
            return np.fromstring(text, dtype, sep=" ")
        except (DeprecationWarning, ValueError):
            return None


def _positions(text: bytes, words: Int64s, before: int, found: Findings) -> tuple[Float64s, Float64s | None]:
    """Return positions (v, 3) and colours (v, 3), the latter an extension that MeshLab and others write."""
    width = int(words[0])
    numbers = _numbers(text, np.float64) if width >= 3 and (words == width).all() else None
    if numbers is None or len(numbers) != len(words) * width:
        width = 6 if (words >= 6).all() else 3
        numbers = np.full((len(words), width), np.nan)
        for number, line in enumerate(text.removesuffix(b"\n").split(b"\n")):
            try:
                numbers[number] = [float(word) for word in line.split()[:width]]
            except ValueError:
                problem = "Vertices that are not three numbers are left out, and the faces that name them."
                found.add("mesh.bad-vertex", problem, where=f"vertex {before + number + 1}")
    numbers = numbers.reshape(len(words), width)
    return np.ascontiguousarray(numbers[:, :3]), numbers[:, 3:6] if width >= 6 else None


def _corners(text: bytes, count: int) -> Int64s:
    """Return the corners of faces (c, 3) as written; 0 where they make no sense."""
    width = 1 + text.count(b"/") // count if count else 1
    if b"//" in text:
        columns = [0, 2] if text.count(b"//") == count and text.count(b"/") == 2 * count else []
    else:
        columns = list(range(width)) if text.count(b"/") == (width - 1) * count and width <= 3 else []
    numbers = _numbers(text.replace(b"/", b" "), np.int64) if columns else None
    if numbers is not None and len(numbers) == count * len(columns) and _are_alike(text, len(columns)):
        corners = np.zeros((count, 3), np.int64)
        corners[:, columns] = numbers.reshape(count, len(columns))
        return corners
    return np.array([_corner(word) for word in text.split()], np.int64).reshape(-1, 3)


def _are_alike(text: bytes, numbers: int) -> bool:
    """Return whether every corner has as many numbers."""
    if numbers == 1:
        return True
    letters = np.frombuffer(text, np.uint8)
    is_blank = letters <= ord(" ")
    begins = np.flatnonzero(~is_blank & np.concatenate([[True], is_blank[:-1]]))
    slashes = np.add.reduceat(letters == ord("/"), begins, dtype=np.int64)
    return bool((slashes == slashes[0]).all())


def _from_zero(text: _Text, sides: Int64s) -> Int64s:
    """Return (position, texture coordinate, normal) of each corner from 0, −1 where absent or senseless."""
    written = np.concatenate(text.corners)
    indices = written - 1
    if written.min(initial=0) < 0:
        before = np.repeat(np.concatenate(text.before), sides, axis=0)
        indices = np.where(written < 0, np.maximum(before + written, -1), indices)
    return indices


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


def _distinct(corners: Int64s, material: Int64s) -> tuple[Int64s, Int64s]:
    """Return the corners (v,) that stand for each vertex of the result, and the vertex of each corner."""
    is_used = np.zeros(int(corners[:, 0].max(initial=-1)) + 1, np.bool_)
    is_used[corners[:, 0]] = True
    code = (np.cumsum(is_used) - 1)[corners[:, 0]]
    for column in (corners[:, 1], corners[:, 2], material):
        if len(column) and (column != column[0]).any():  # one after the other: four numbers do not fit one integer
            _, digit = np.unique(column, return_inverse=True)
            _, code = np.unique(code * (digit.max() + 1) + digit, return_inverse=True)
    vertex = np.zeros(int(code.max(initial=-1)) + 1, np.int64)
    vertex[code[::-1]] = np.arange(len(code))[::-1]  # the first corner of each
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


def _colours(text: _Text, vertex: Int64s, material: Int64s, path: Path, found: Findings) -> NDArray[np.uint8] | None:
    """Return the colours of vertices where there are some, else those of materials; None without any."""
    colours = [block for block in text.colours if block is not None]
    if len(colours) == len(text.colours):
        shares = np.nan_to_num(np.clip(np.concatenate(colours)[vertex], 0.0, 1.0))
        return np.asarray((shares * 255).round(), np.uint8)
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

"""Meshes: against the data README, trimesh's plain read, closed forms, and files that lie or point elsewhere."""

from __future__ import annotations

import base64
import json
import struct
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import trimesh

from tests.formats.damage import CUTS, cut, mutated
from tests.formats.listener import Listener, StopsAfter
from twinviewer.formats import mesh
from twinviewer.formats.soundness import RAW_LIMIT, check, mended
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import (
    DamagedFileError,
    HostileFileError,
    ReadError,
    TwinViewerError,
    UnsupportedFormatError,
)
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import TriangleMesh


def read(path: Path, **options: Any) -> TriangleMesh:
    (found,) = mesh.read(path=path, feedback=Silent(), **options)
    check(found)
    assert found.crs is None
    return found


def codes(found: TriangleMesh) -> set[str]:
    return {diagnostic.code for diagnostic in found.diagnostics}


def area(found: TriangleMesh) -> float:
    a, b, c = (found.vertices[found.triangles[:, corner]] for corner in range(3))
    return float(np.linalg.norm(np.cross(b - a, c - a), axis=1).sum() / 2)


def volume(found: TriangleMesh) -> float:
    """Positive where the triangles turn to the left seen from outside."""
    a, b, c = (found.vertices[found.triangles[:, corner]] - found.vertices[0] for corner in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def obj(folder: Path, text: str, name: str = "a.obj") -> Path:
    path = folder / name
    path.write_text(text)
    return path


# --- real files -------------------------------------------------------------------------------------------------

# Path, vertices, triangles, extent: from the README of the data, by hand.
REAL = [
    ("mesh/TexturedCube/cube.obj", 24, 12, [-1.0, -1.0, -1.0, 1.0, 1.0, 1.0]),
    ("mesh/delft_testarea.obj", 21184, 28619, [84616.5, 447423.0, -0.5, 85140.8, 447750.6, 13.6]),
    # 614 positions and 222 normals make 1,850 different corners; trimesh, and so the README, merges 74 of them.
    ("mesh/tour_part_dieu_0.obj", 1850, 1176, [-91.6, -64.2, -11.3, 113.8, 89.3, 157.8]),
]


@pytest.mark.data
@pytest.mark.parametrize(("name", "vertices", "triangles", "bounds"), REAL)
def test_a_real_obj_gives_the_mesh_that_its_readme_counts(city_data, name, vertices, triangles, bounds):
    found = read(city_data / name)
    assert found.source.format == "OBJ"
    assert (len(found.vertices), len(found.triangles)) == (vertices, triangles)
    assert found.extent is not None
    assert found.extent.as_tuple() == pytest.approx(bounds, abs=0.06)


@pytest.mark.data
@pytest.mark.parametrize("name", [row[0] for row in REAL])
def test_a_real_obj_has_triangle_for_triangle_what_trimesh_reads(city_data, name):
    found = read(city_data / name)
    scene = trimesh.load_scene(city_data / name, skip_materials=True)
    theirs = np.concatenate([part.vertices[part.faces] for part in scene.geometry.values()]).reshape(-1, 9)
    ours = found.vertices[found.triangles].reshape(-1, 9)
    assert np.array_equal(ours[np.lexsort(ours.T)], theirs[np.lexsort(theirs.T)])


@pytest.mark.data
def test_every_object_of_an_obj_is_a_mesh_of_its_own_name(city_data):
    found = read(city_data / "mesh/delft_testarea.obj")
    text = (city_data / "mesh/delft_testarea.obj").read_text()
    expected: dict[str, int] = {}
    for line in text.splitlines():
        word, _, rest = line.partition(" ")
        if word == "o":
            name = rest
        elif word == "f":
            expected[name] = expected.get(name, 0) + 1
    counted = np.bincount(found.triangle_mesh)
    assert dict(zip(found.mesh_names, counted.tolist(), strict=True)) == expected


@pytest.mark.data
def test_gltf_1_says_in_one_sentence_that_it_is_not_read(city_data):
    with pytest.raises(UnsupportedFormatError, match=r"glTF 1; only 2\.0 is read"):
        read(city_data / "mesh/railway/GMLID_0632464_192141_968.gltf")


@pytest.mark.data
def test_a_real_glb_has_triangle_for_triangle_what_trimesh_reads_with_z_up(city_data):
    path = city_data / "3dtiles/1.1/vcmap-berlin/15/17601/10748.glb"
    found, judge = read(path), trimesh.load_scene(path).to_mesh()
    x, y, z = judge.vertices[judge.faces].reshape(-1, 3).T
    ours = found.vertices[found.triangles].reshape(-1, 3)
    assert np.allclose(ours, np.column_stack([x, -z, y]), atol=1e-9)
    assert found.vertex_rgb is not None
    # Its only material states 0.6120656 of the light, which is 205 in sRGB.
    assert np.unique(found.vertex_rgb).tolist() == [205]


@pytest.mark.data
@pytest.mark.parametrize("name", ["planePoints.glb", "planeTriangles.glb"])
def test_points_are_no_mesh(city_data, name):
    path = city_data / "3dtiles/1.1/MultipleContents" / name
    if name == "planePoints.glb":
        with pytest.raises(UnsupportedFormatError, match="no triangles"):
            read(path)
    else:
        assert len(read(path).triangles) == 2048


# --- geometry ---------------------------------------------------------------------------------------------------

ARROW = "v 0 0 0\nv 4 0 0\nv 4 4 0\nv 2 1 0\nv 0 4 0\n"
"""A concave pentagon of the area 16 − 6 = 10."""


def test_a_concave_face_covers_its_own_area_and_no_more(tmp_path):
    found = read(obj(tmp_path, ARROW + "f 1 2 3 4 5\n"))
    assert len(found.triangles) == 3
    assert area(found) == pytest.approx(10.0, rel=1e-12)


def test_indices_that_count_backwards_count_from_where_they_stand(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 0 0\nv 6 0 0\nv 5 1 0\nf -3 -2 -1\n"
    found = read(obj(tmp_path, text))
    assert sorted(found.vertices[found.triangles[0], 0].tolist()) == [0, 0, 1]
    assert sorted(found.vertices[found.triangles[1], 0].tolist()) == [5, 5, 6]


@pytest.mark.parametrize("corners", ["1 2 3", "1/1 2/2 3/3", "1//1 2//1 3//1", "1/1/1 2/2/1 3/3/1", "1 2/2 3//1"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_every_way_to_write_a_corner_is_read(tmp_path, corners, end):
    text = f"# a comment\n\nv 0 0 0\nv\t1 0 0\n  v 0 1 0 \nvt 0 0\nvt 1 0\nvt 0 1\nvn 0 0 1\ns off\nf {corners}\n"
    found = read(obj(tmp_path, text.replace("\n", end)))
    assert found.vertices[found.triangles[0]].tolist() == [[0, 0, 0], [1, 0, 0], [0, 1, 0]]
    assert not found.diagnostics


def test_a_line_goes_on_after_a_backslash(tmp_path):
    found = read(obj(tmp_path, "v 0 0 0\nv 1 0 \\\n0\nv 0 1 0\nf 1 2 \\\n3\n"))
    assert len(found.triangles) == 1


def test_city_coordinates_keep_all_of_their_digits(tmp_path):
    found = read(
        obj(tmp_path, "v 512345.678901 5612345.678901 123.456789\nv 512346 5612345 1\nv 512346 5612346 1\nf 1 2 3\n")
    )
    assert [512345.678901, 5612345.678901, 123.456789] in found.vertices.tolist()


def test_groups_name_meshes_where_there_are_no_objects(tmp_path):
    found = read(obj(tmp_path, ARROW + "f 1 2 3\ng wall\nf 3 4 5\ng roof\nf 1 2 5\ng wall\nf 1 3 5\n"))
    assert found.mesh_names == ("a", "wall", "roof")
    assert found.triangle_mesh.tolist() == [0, 1, 2, 1]


def test_faces_that_make_no_sense_cost_only_themselves(tmp_path):
    text = ARROW + "f 1 2 3\nf 1 2 99\nf 0 1 2\nf 1 2\nf a b c\nf 1 2 99999999999999999999999\nf -9 1 2\nf 3 4 5\n"
    found = read(obj(tmp_path, text))
    assert len(found.triangles) == 2
    assert {(d.code, d.count) for d in found.diagnostics} == {("mesh.index-out-of-range", 6)}


def test_a_vertex_that_is_no_number_costs_only_its_faces(tmp_path):
    with pytest.raises(ValueError, match="not finite"):
        read(obj(tmp_path, "v 9 oops 9\n" + ARROW + "f 1 2 3\nf 2 3 4\n"))
    (raw,) = mesh.read(path=tmp_path / "a.obj", feedback=Silent())
    found = mended(raw, limit=RAW_LIMIT)
    assert isinstance(found, TriangleMesh)
    assert len(found.triangles) == 1
    assert "mesh.bad-vertex" in codes(found)


def test_points_and_lines_alone_are_no_mesh(tmp_path):
    with pytest.raises(UnsupportedFormatError, match="no triangles"):
        read(obj(tmp_path, ARROW + "p 1 2\nl 1 2 3\n"))


SHAPE = trimesh.creation.icosphere(subdivisions=2, radius=10.0)


@pytest.mark.parametrize("name", ["a.obj", "a.ply", "text.ply", "a.stl", "text.stl", "a.glb"])
def test_a_sphere_keeps_triangles_area_and_its_outside(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SPHERES[name])
    found = read(path)
    assert len(found.triangles) == len(SHAPE.faces)
    assert area(found) == pytest.approx(SHAPE.area, rel=1e-5)
    assert volume(found) == pytest.approx(SHAPE.volume, rel=1e-5)
    assert np.abs(np.linalg.norm(found.vertices, axis=1) - 10.0).max() < 1e-5


def sphere(file_type: str, **options: Any) -> bytes:
    content = SHAPE.export(file_type=file_type, **options)
    content = content.encode() if isinstance(content, str) else content
    return content if file_type in ("glb", "stl", "ply") else content + b"\n"


SPHERES = {
    "a.obj": sphere("obj"),
    "a.ply": sphere("ply"),
    "text.ply": sphere("ply", encoding="ascii"),
    "a.stl": sphere("stl"),
    "text.stl": sphere("stl_ascii"),
    "a.glb": sphere("glb"),
}


# --- glTF -------------------------------------------------------------------------------------------------------

TRIANGLE = np.array([[0, 0, 0], [1, 0, 0], [0, 2, 3]], np.float32)


def gltf(
    *,
    uri: str | None = None,
    colours: np.ndarray[Any, Any] | None = None,
    node: dict[str, Any] | None = None,
    **members: Any,
) -> dict[str, Any]:
    """Return a document of one triangle, its buffer in a data URI or where ``uri`` says."""
    content = TRIANGLE.tobytes() + (b"" if colours is None else colours.tobytes())
    attributes = {"POSITION": 0}
    accessors = [{"bufferView": 0, "componentType": 5126, "count": 3, "type": "VEC3"}]
    views = [{"buffer": 0, "byteOffset": 0, "byteLength": 36}]
    if colours is not None:
        attributes["COLOR_0"] = 1
        component = {"float32": 5126, "uint8": 5121, "uint16": 5123}[str(colours.dtype)]
        accessors.append({"bufferView": 1, "componentType": component, "count": 3, "type": f"VEC{colours.shape[1]}"})
        views.append({"buffer": 0, "byteOffset": 36, "byteLength": colours.nbytes})
    uri = uri or "data:application/octet-stream;base64," + base64.b64encode(content).decode()
    return {
        "asset": {"version": "2.0"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"mesh": 0, **(node or {})}],
        "meshes": [{"name": "wall", "primitives": [{"attributes": attributes, "material": 0}]}],
        "materials": [{}],
        "accessors": accessors,
        "bufferViews": views,
        "buffers": [{"byteLength": len(content), "uri": uri}],
        **members,
    }


def saved(folder: Path, document: dict[str, Any]) -> Path:
    path = folder / "a.gltf"
    path.write_text(json.dumps(document))
    return path


def test_y_is_up_in_gltf_and_east_stays_east(tmp_path):
    found = read(saved(tmp_path, gltf()))
    assert found.vertices[found.triangles[0]].tolist() == [[0, 0, 0], [1, 0, 0], [0, -3, 2]]
    assert read(tmp_path / "a.gltf", up="z").vertices.tolist() == TRIANGLE.tolist()


def test_nodes_place_their_meshes_and_keep_float64(tmp_path):
    found = read(saved(tmp_path, gltf(node={"translation": [512345.678901, 100.125, -5612345.678901]})))
    assert found.vertices[0].tolist() == [512345.678901, 5612345.678901, 100.125]


def test_a_mirroring_node_does_not_turn_the_mesh_inside_out(tmp_path):
    plain, mirrored = read(saved(tmp_path, gltf())), read(saved(tmp_path, gltf(node={"scale": [-1, 1, 1]})))
    normals = [np.cross(*np.diff(found.vertices[found.triangles[0]], axis=0)) for found in (plain, mirrored)]
    assert normals[1].tolist() == pytest.approx((normals[0] * [-1, 1, 1]).tolist())


def srgb(linear: float) -> int:
    """IEC 61966-2-1, above its linear toe."""
    return round(255 * (1.055 * linear ** (1 / 2.4) - 0.055))


def test_a_material_of_one_colour_colours_its_mesh(tmp_path):
    materials = [{"name": "brick", "pbrMetallicRoughness": {"baseColorFactor": [0.5, 0.25, 0.125, 1.0]}}]
    found = read(saved(tmp_path, gltf(materials=materials)))
    assert found.vertex_rgb is not None
    assert np.unique(found.vertex_rgb, axis=0).tolist() == [[srgb(0.5), srgb(0.25), srgb(0.125)]]


def test_a_textured_material_has_no_plain_colour_and_its_texture_is_not_opened(tmp_path):
    texture = {"baseColorFactor": [0.5, 0.5, 0.5, 1], "baseColorTexture": {"index": 0}}
    document = gltf(
        materials=[{"pbrMetallicRoughness": texture}],
        textures=[{"source": 0}],
        images=[{"uri": "../secret.png"}],
    )
    assert read(saved(tmp_path, document)).vertex_rgb is None


# Vertex attributes are aligned to four bytes (glTF 2.0, 3.6.2.4), so three small channels do not occur.
@pytest.mark.parametrize(("dtype", "channels"), [(np.float32, 3), (np.float32, 4), (np.uint8, 4), (np.uint16, 4)])
def test_colours_of_vertices_are_kept_and_multiplied_by_the_material(tmp_path, dtype, channels):
    most = 1 if dtype is np.float32 else np.iinfo(dtype).max
    colours = np.zeros((3, channels), dtype)
    colours[:, 0], colours[:, 1] = most, most
    materials = [{"pbrMetallicRoughness": {"baseColorFactor": [1.0, 0.5, 1.0, 1.0]}}]
    found = read(saved(tmp_path, gltf(colours=colours, materials=materials)))
    assert found.vertex_rgb is not None
    assert found.vertex_rgb[0].tolist() == [255, srgb(0.5), 0]


@pytest.mark.parametrize("extension", ["KHR_draco_mesh_compression", "EXT_meshopt_compression"])
def test_a_compression_that_is_not_read_says_so(tmp_path, extension):
    with pytest.raises(UnsupportedFormatError, match=extension):
        read(saved(tmp_path, gltf(extensionsRequired=[extension])))


def test_fans_of_triangles_are_told(tmp_path):
    document = gltf()
    document["meshes"].append({"primitives": [{"attributes": {"POSITION": 0}, "mode": 6}]})
    assert "mesh.not-triangles" in codes(read(saved(tmp_path, document)))


# --- colours of OBJ ---------------------------------------------------------------------------------------------

TWO_WALLS = "mtllib town.mtl\n" + ARROW + "usemtl red brick\nf 1 2 3\nusemtl glass\nf 3 4 5\nusemtl unknown\nf 1 2 5\n"


def test_a_material_file_beside_the_obj_colours_it(tmp_path):
    (tmp_path / "town.mtl").write_text("newmtl red brick\nKd 1 0.5 0\nnewmtl glass\nKd 0 0 1\nmap_Kd /etc/passwd\n")
    found = read(obj(tmp_path, TWO_WALLS))
    assert found.vertex_rgb is not None
    colours = found.vertex_rgb[found.triangles[:, 0]].tolist()
    assert colours == [[255, 128, 0], [255, 255, 255], [255, 255, 255]]
    assert not found.diagnostics


def test_colours_of_vertices_count_more_than_materials(tmp_path):
    (tmp_path / "town.mtl").write_text("newmtl red brick\nKd 1 0.5 0\n")
    text = "mtllib town.mtl\nv 0 0 0 0 0 1\nv 1 0 0 0 0 1\nv 0 1 0 0 0 1\nusemtl red brick\nf 1 2 3\n"
    found = read(obj(tmp_path, text))
    assert found.vertex_rgb is not None
    assert np.unique(found.vertex_rgb, axis=0).tolist() == [[0, 0, 255]]


@pytest.mark.parametrize(
    "library", ["missing.mtl", "../town.mtl", "/etc/passwd", "http://127.0.0.1:9/a.mtl", "\\\\host\\a.mtl", "x" * 5000]
)
def test_a_material_file_elsewhere_is_not_opened_and_the_mesh_is_shown_all_the_same(tmp_path, library):
    (tmp_path / "town.mtl").write_text("newmtl red brick\nKd 1 0.5 0\n")
    folder = tmp_path / "inside"
    folder.mkdir()
    found = read(obj(folder, TWO_WALLS.replace("town.mtl", library)))
    assert found.vertex_rgb is None
    assert len(found.triangles) == 3
    assert codes(found) == {"mesh.no-materials"}


def test_a_link_out_of_the_folder_is_not_followed(tmp_path):
    (tmp_path / "town.mtl").write_text("newmtl red brick\nKd 1 0.5 0\n")
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "town.mtl").symlink_to(tmp_path / "town.mtl")
    assert read(obj(folder, TWO_WALLS)).vertex_rgb is None


# --- attacks ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    ["../secret.bin", "/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:9/a.bin", "..\\secret.bin",
     "%2e%2e/secret.bin"],
)  # fmt: skip
def test_a_buffer_outside_of_the_folder_is_never_opened(tmp_path, uri):
    (tmp_path / "secret.bin").write_bytes(TRIANGLE.tobytes())
    folder = tmp_path / "inside"
    folder.mkdir()
    with pytest.raises((HostileFileError, ReadError)):
        read(saved(folder, gltf(uri=uri)))


def test_a_buffer_that_is_a_link_out_of_the_folder_is_never_opened(tmp_path):
    (tmp_path / "secret.bin").write_bytes(TRIANGLE.tobytes())
    folder = tmp_path / "inside"
    folder.mkdir()
    (folder / "a.bin").symlink_to(tmp_path / "secret.bin")
    with pytest.raises(HostileFileError):
        read(saved(folder, gltf(uri="a.bin")))


@pytest.mark.parametrize("name", ["a.bin", "data/a b.bin"])
def test_a_buffer_in_or_below_the_folder_is_read(tmp_path, name):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_bytes(TRIANGLE.tobytes())
    assert len(read(saved(tmp_path, gltf(uri=name.replace(" ", "%20")))).triangles) == 1


def test_a_missing_buffer_is_named(tmp_path):
    with pytest.raises(ReadError, match=r"a\.bin"):
        read(saved(tmp_path, gltf(uri="a.bin")))


@pytest.mark.parametrize("content", ["[" * 100_000, "{" * 100_000, '{"asset": ' * 50_000])
def test_json_that_is_too_deep_is_refused(tmp_path, content):
    path = tmp_path / "a.gltf"
    path.write_text(content)
    with pytest.raises(ReadError):
        read(path)


@pytest.mark.parametrize("number", ["9" * 5000, str(2**62), "-1"])
@pytest.mark.parametrize("element", ["vertex", "face"])
def test_a_ply_that_promises_more_than_it_can_hold_is_refused(tmp_path, element, number):
    counts = {"vertex": "3", "face": "1", element: number}
    path = tmp_path / "a.ply"
    path.write_text(
        f"ply\nformat ascii 1.0\nelement vertex {counts['vertex']}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {counts['face']}\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n"
    )
    with pytest.raises(ReadError):
        read(path)


@pytest.mark.parametrize("content", [b"", b"\0" * 50, b"PK\3\4" * 40])
@pytest.mark.parametrize("suffix", [".obj", ".gltf", ".glb", ".ply", ".stl"])
def test_what_is_no_mesh_is_refused(tmp_path, suffix, content):
    path = tmp_path / f"a{suffix}"
    path.write_bytes(content)
    with pytest.raises(ReadError):
        read(path)


# --- loss -------------------------------------------------------------------------------------------------------


SEEDS = {**SPHERES, "a.gltf": json.dumps(gltf()).encode()}


@pytest.mark.parametrize("number", range(CUTS))
@pytest.mark.parametrize("name", SEEDS)
def test_a_file_that_is_cut_off_is_told(tmp_path, name, number):
    path = tmp_path / name
    path.write_bytes(SEEDS[name])
    whole = read(path)
    path.write_bytes(cut(SEEDS[name], number))
    try:
        found = read(path)
    except ReadError:
        return
    assert found.diagnostics or np.array_equal(found.vertices[found.triangles], whole.vertices[whole.triangles])
    if len(found.triangles) < len(whole.triangles):
        assert any(diagnostic.severity is not Severity.INFO for diagnostic in found.diagnostics)


def test_a_binary_stl_that_is_cut_off_says_how_many_triangles_are_missing(tmp_path):
    path = tmp_path / "a.stl"
    path.write_bytes(SPHERES["a.stl"][: 84 + 50 * 100 + 7])
    (told,) = read(path).diagnostics
    assert told.problem.startswith("The header promises 320 triangles, 100 are there")


@pytest.mark.parametrize("number", range(60))
@pytest.mark.parametrize("name", SEEDS)
def test_whatever_is_damaged_gives_triangles_or_an_error_for_people(tmp_path, name, number):
    path = tmp_path / name
    path.write_bytes(mutated(SEEDS[name], number))
    with suppress(TwinViewerError):
        (found,) = mesh.read(path=path, feedback=Silent())
        check(mended(found, limit=RAW_LIMIT))


def test_a_glb_whose_length_is_a_lie_is_refused(tmp_path):
    path = tmp_path / "a.glb"
    content = SPHERES["a.glb"]
    path.write_bytes(content[:8] + struct.pack("<I", len(content) + 1) + content[12:])
    with pytest.raises(DamagedFileError, match="bytes"):
        read(path)


# --- progress ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["a.obj", "a.glb", "a.ply", "a.stl"])
def test_progress_rises_and_cancelling_stops(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(SPHERES[name])
    listener = Listener()
    mesh.read(path=path, feedback=listener)
    assert listener.fractions == sorted(listener.fractions)
    with pytest.raises(Cancelled):
        mesh.read(path=path, feedback=StopsAfter(2))

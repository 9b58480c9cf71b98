"""Pictures and meshes of plugins come from their own folder, through a worker, once."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import trimesh

from twinviewer.app.overlays import shape_files
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.drawing import IconShape, MeshShape
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Silent


@pytest.fixture(scope="module")
def files() -> Iterator[ShapeFiles]:
    pool = WorkerPool(size=1)
    yield ShapeFiles(Sources(registry=PluginRegistry(safe_mode=True), pool=pool))
    pool.close()


def png(pixels: np.ndarray, *, palette: np.ndarray | None = None, bits: int = 8) -> bytes:
    """A PNG as the specification (W3C, third edition) says, unfiltered."""
    rows, columns, channels = pixels.shape
    kind = 3 if palette is not None else {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    data = pixels.astype(">u2" if bits == 16 else "u1").reshape(rows, -1)
    lines = b"".join(b"\0" + row.tobytes() for row in data)
    head = struct.pack(">IIBBBBB", columns, rows, bits, kind, 0, 0, 0)
    colours = b"" if palette is None else chunk(b"PLTE", palette.tobytes())
    image = chunk(b"IHDR", head) + colours + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + image


RGBA = np.arange(24, dtype=np.uint8).reshape(2, 3, 4) * 10
PALETTE = np.array([[1, 2, 3], [250, 251, 252]], np.uint8)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (png(RGBA), RGBA),
        (png(RGBA[:, :, :3]), np.dstack((RGBA[:, :, :3], np.full((2, 3), 255)))),
        (png(RGBA[:, :, :1]), np.dstack((*[RGBA[:, :, 0]] * 3, np.full((2, 3), 255)))),
        (png(RGBA[:, :, :2]), np.dstack((*[RGBA[:, :, 0]] * 3, RGBA[:, :, 1]))),
        (png(RGBA.astype(np.uint16) * 257, bits=16), RGBA),
        (png(np.array([[[0], [1]]]), palette=PALETTE), np.dstack((PALETTE[None, [0, 1]], np.full((1, 2), 255)))),
    ],
    ids=["rgba", "rgb", "grey", "grey and alpha", "16 bits", "palette"],
)
def test_every_kind_of_png_is_a_picture(
    files: ShapeFiles, tmp_path: Path, content: bytes, expected: np.ndarray
) -> None:
    (tmp_path / "icons").mkdir()
    (tmp_path / "icons" / "a.png").write_bytes(content)
    icon = files.icon(tmp_path, IconShape(path="icons/a.png"), Silent())
    np.testing.assert_array_equal(icon.rgba, expected)
    assert files.icon(tmp_path, IconShape(path="icons/a.png"), Silent()) is icon, "read once"
    (tmp_path / "icons" / "a.png").write_bytes(png(RGBA[:1]))
    again = files.icon(tmp_path, IconShape(path="icons/a.png"), Silent())
    assert again.rgba.shape == (1, 3, 4), "and anew when it changes"


def test_a_mesh_is_as_in_its_file(files: ShapeFiles, tmp_path: Path) -> None:
    box = trimesh.creation.box(extents=(1, 2, 3))
    box.export(tmp_path / "box.ply")
    loaded = files.mesh(tmp_path, MeshShape(path="box.ply"), Silent())
    assert loaded.mesh.extent is not None
    assert loaded.mesh.extent.size == pytest.approx((1, 2, 3))
    assert len(loaded.mesh.triangles) == 12
    assert files.mesh(tmp_path, MeshShape(path="box.ply"), Silent()) is loaded


@pytest.mark.parametrize("name", ["../secret.png", "/etc/hostname", "a/../../secret.png", ".", "link.png"])
def test_files_outside_the_plugin_s_folder_are_not_opened(files: ShapeFiles, tmp_path: Path, name: str) -> None:
    home = tmp_path / "plugin"
    home.mkdir()
    (tmp_path / "secret.png").write_bytes(png(RGBA))
    (home / "link.png").symlink_to(tmp_path / "secret.png")
    for load, shape in ((files.icon, IconShape(path=name)), (files.mesh, MeshShape(path=name))):
        with pytest.raises(PluginError, match="outside the plugin's folder"):
            load(home, shape, Silent())  # type: ignore[operator]


@pytest.mark.parametrize("name", ["not-there.png", "folder.png", "a\0b"])
def test_a_file_that_is_missing_or_no_picture_is_one_clear_error(files: ShapeFiles, tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(PluginError, match="“"):
        files.icon(tmp_path, IconShape(path=name), Silent())


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"GIF89a" + bytes(100), "not a PNG"),
        (png(RGBA)[:40], "cannot be used"),
        (png(np.zeros((1, 1025, 1))), "1025 × 1 pixels"),
        (b"", "empty"),
    ],
)
def test_a_damaged_or_vast_picture_is_refused_with_a_reason(
    files: ShapeFiles, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(PluginError, match=says) as caught:
        files.icon(tmp_path, IconShape(path="a.png"), Silent())
    assert "a.png" in caught.value.problem


def test_what_is_no_mesh_or_too_large_a_one_is_refused(
    files: ShapeFiles, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (tmp_path / "b.ply").write_text("ply\nnothing")
    for name in ("a.geojson", "b.ply"):
        with pytest.raises(PluginError, match=name):
            files.mesh(tmp_path, MeshShape(path=name), Silent())
    monkeypatch.setattr(shape_files, "MOST_TRIANGLES", 1000)
    trimesh.creation.icosphere(subdivisions=3).export(tmp_path / "c.ply")
    with pytest.raises(PluginError, match="1,280 triangles; a shape has at most 1,000"):
        files.mesh(tmp_path, MeshShape(path="c.ply"), Silent())

"""The one door between workers and the viewer: what goes in comes out, and nothing else gets through."""

from __future__ import annotations

import json
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats import small_layers
from twinviewer.formats import exchange
from twinviewer.model.attributes import column
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import DamagedFileError, WriteError
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import ReferenceSystem

UTM = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837")
GRID = (1.0, 0.0, 565000.0, 0.0, -1.0, 5934000.0)
PLACES = np.array([565000.0, 5934000.0, 5.0]) + np.arange(18, dtype=float).reshape(6, 3) ** 2


def layers() -> dict[str, LayerData]:
    """One of each kind, with columns of every type and texts that need care."""
    attributes = (
        column("name", ["Älter", None, "", "a\0b", "\U0001f3e0", "Älter"]),
        column("storeys", [1, None, -(2**62), 3, 4, 5]),
        column("height", [1.5, None, float("nan"), float("inf"), 0.0, -0.0], unit="m"),
        column("listed", [True, False, None, True, True, False]),
    )
    return {
        "city-model": replace(
            small_layers.city_model(PLACES, UTM),
            attributes=tuple(replace(each, values=each.values[:1], present=each.present[:1]) for each in attributes),
            edges=np.array([[0, 1], [1, 2]], np.int32),
            edge_surface=np.zeros(2, np.int32),
            diagnostics=(Diagnostic(code="a.b", problem="Something.", where="house", count=3),),
        ),
        "point-cloud": replace(small_layers.point_cloud(PLACES, UTM), rgb=np.full((6, 3), 7, np.uint8)),
        "features": replace(small_layers.features(PLACES, UTM, has_z=True), attributes=attributes),
        "terrain": small_layers.terrain(np.array([[1.0, np.nan], [3.0, 4.0]]), GRID, UTM),
        "image": small_layers.picture(np.full((2, 2, 4), 9, np.uint8), GRID, UTM),
        "mesh": replace(small_layers.mesh(PLACES, UTM), vertex_rgb=np.full((6, 3), 7, np.uint8)),
    }


KINDS = sorted(layers())


def same(first: Any, second: Any) -> bool:
    if isinstance(first, np.ndarray):
        return (
            isinstance(second, np.ndarray)
            and first.dtype == second.dtype
            and np.array_equal(first, second, equal_nan=first.dtype.kind == "f")
        )
    if is_dataclass(first):
        return type(first) is type(second) and all(
            same(getattr(first, item.name), getattr(second, item.name)) for item in fields(first)
        )
    if isinstance(first, tuple):
        return isinstance(second, tuple) and len(first) == len(second) and all(map(same, first, second))
    return isinstance(first, type(second)) and first == second


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "memory").mkdir()
    (tmp_path / "disk").mkdir()
    return [tmp_path / "memory" / "1.arrays", tmp_path / "disk" / "1.arrays"]


@pytest.mark.parametrize("kind", KINDS)
def test_what_goes_in_comes_out(kind: str, files: list[Path]) -> None:
    data = layers()[kind]
    header = json.loads(json.dumps(exchange.write([data, data], files)))
    first, second = exchange.read(header, files)
    assert same(data, first)
    assert same(data, second)
    assert not any(file.exists() for file in files), "the file goes once it is mapped"


def test_many_texts_come_out_in_their_order(files: list[Path]) -> None:
    names = tuple(f"object {number % 700}" for number in range(2000))
    cloud = replace(small_layers.mesh(PLACES, UTM), mesh_names=names)
    (back,) = exchange.read(exchange.write([cloud], files), files)
    assert same(cloud, back)


def test_a_reader_s_own_big_endian_and_strided_arrays_come_out_plain(files: list[Path]) -> None:
    twice = np.repeat(PLACES, 2, axis=0).astype(">f8")[::2]
    (back,) = exchange.read(exchange.write([small_layers.mesh(twice, UTM)], files), files)
    assert same(back, small_layers.mesh(PLACES, UTM))


def test_where_memory_has_no_room_the_disk_has(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "_room", lambda folder: 0)
    header = exchange.write([layers()["mesh"]], files)
    assert header["file"] == str(files[1])
    assert same(exchange.read(header, files)[0], layers()["mesh"])


def test_where_memory_runs_out_while_writing_the_disk_takes_over(
    files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def full(path: Any, *arguments: Any) -> int:
        if Path(path) == files[0]:
            raise OSError(28, "No space left on device")
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", full)
    assert exchange.write([layers()["mesh"]], files)["file"] == str(files[1])


def test_where_nothing_has_room_that_is_said(files: list[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*arguments: Any) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "open", full)
    with pytest.raises(WriteError, match="does not fit into memory or onto the disk") as caught:
        exchange.write([layers()["mesh"]], files)
    assert caught.value.cure


def test_the_arrays_are_for_their_owner_only(files: list[Path], tmp_path: Path) -> None:
    header = exchange.write([layers()["mesh"]], files)
    assert Path(header["file"]).stat().st_mode & 0o777 == 0o600
    (tmp_path / "precious").write_text("precious")
    files[1].symlink_to(tmp_path / "precious")
    with pytest.raises(WriteError):  # nothing that lies there already is written over, or followed
        exchange.write([layers()["mesh"]], [files[1]])
    assert (tmp_path / "precious").read_text() == "precious"


# --- what does not get through ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Foreign:
    """No type of the model."""

    command: str = "rm"


@pytest.mark.parametrize("value", [Foreign(), lambda: None, {"a": 1}, {1}, b"bytes", np.zeros(2, complex), 1j])
def test_only_values_of_the_model_are_handed_over(value: Any, files: list[Path]) -> None:
    with pytest.raises(TypeError, match="cannot be handed over"):
        exchange.write([replace(layers()["mesh"], vertices=value)], files)
    assert not any(file.exists() for file in files)


def vertices_of(header: dict[str, Any]) -> dict[str, Any]:
    return header["layers"][0]["of"]["vertices"]


LIES: dict[str, Callable[[dict[str, Any]], object]] = {
    "another file": lambda header: header.update(file="/etc/hostname"),
    "a file beside": lambda header: header.update(file=header["file"] + "/../x"),
    "another size": lambda header: header.update(size=header["size"] + 64),
    "no size": lambda header: header.pop("size"),
    "no layers": lambda header: header.pop("layers"),
    "a size that is no number": lambda header: header.update(size="large"),
    "an array past the end": lambda header: vertices_of(header).update(at=header["size"] + 64),
    "an array before the start": lambda header: vertices_of(header).update(at=-64),
    "an array across the end": lambda header: vertices_of(header).update(shape=[10**6, 3]),
    "an overflowing shape": lambda header: vertices_of(header).update(shape=[2**62, 2**62]),
    "a negative shape": lambda header: vertices_of(header).update(shape=[-1, 3]),
    "another shape": lambda header: vertices_of(header).update(shape=[9, 2]),
    "too many dimensions": lambda header: vertices_of(header).update(shape=[1] * 60),
    "an array of objects": lambda header: vertices_of(header).update(dtype="|O"),
    "an array of structures": lambda header: vertices_of(header).update(dtype="<f8,<f8"),
    "an unaligned array": lambda header: vertices_of(header).update(at=vertices_of(header)["at"] + 1),
    "another dtype": lambda header: vertices_of(header).update(dtype="<i8"),
    "another type of layer": lambda header: header["layers"][0].update({"is": "PointCloud"}),
    "a type that is no layer": lambda header: header["layers"].__setitem__(0, {"is": "Extent", "of": {}}),
    "a type that is not known": lambda header: header["layers"][0].update({"is": "os.system"}),
    "a member too many": lambda header: header["layers"][0]["of"].update(more=1),
    "a member too few": lambda header: header["layers"][0]["of"].pop("triangles"),
    "members that are a list": lambda header: header["layers"][0].update(of=[]),
    "a number as a name": lambda header: header["layers"][0]["of"]["source"]["of"].update(format=7),
    "nothing as a name": lambda header: header["layers"][0]["of"]["source"]["of"].update(format=None),
    "a text as an array": lambda header: header["layers"][0]["of"].update(vertices="0,0,0"),
    "an origin that is not known": lambda header: header["layers"][0]["of"]["crs"]["of"].update(origin="heaven"),
    "a list deeper than the stack": lambda header: header["layers"][0]["of"].update(mesh_names=nested(5000)),
    "numbers as names": lambda header: header["layers"][0]["of"].update(mesh_names={"tuple": [1, 2]}),
}


def nested(depth: int) -> dict[str, Any]:
    inside: dict[str, Any] = {"tuple": []}
    for _ in range(depth):
        inside = {"tuple": [inside]}
    return inside


@pytest.mark.parametrize("lie", LIES)
def test_a_header_that_lies_is_refused_and_its_file_removed(lie: str, files: list[Path]) -> None:
    header = exchange.write([layers()["mesh"]], files)
    LIES[lie](header)
    with pytest.raises(DamagedFileError, match="contradicts itself") as caught:
        exchange.read(header, files)
    assert caught.value.cure


def test_an_array_file_that_was_cut_is_refused(files: list[Path]) -> None:
    header = exchange.write([layers()["mesh"]], files)
    os.truncate(header["file"], header["size"] - 1)
    with pytest.raises(DamagedFileError, match="incomplete"):
        exchange.read(header, files)
    assert not files[0].exists()


@pytest.mark.parametrize("kind", KINDS)
def test_no_damage_gets_past_the_door_as_anything_but_an_error(kind: str, files: list[Path]) -> None:
    """200 times, numbers in the header are changed or bytes of the arrays overwritten: an error, or sound data."""
    random_ = random.Random(kind)
    refused = 0
    for _ in range(200):
        header = json.loads(json.dumps(exchange.write([layers()[kind]], files)))
        if random_.random() < 0.5:
            damage(header, random_)
        else:
            with Path(header["file"]).open("r+b") as file:
                file.seek(random_.randrange(64, header["size"]))
                file.write(random_.choice([b"\xff" * 8, b"\x00" * 8, random_.randbytes(8)]))
                file.truncate(header["size"])
        try:
            exchange.read(header, files)
        except DamagedFileError:
            refused += 1
        for file in files:
            file.unlink(missing_ok=True)  # where the header named another one
    assert refused > 30


def damage(value: Any, random_: random.Random) -> None:
    """Change one member somewhere inside."""
    places: list[tuple[Any, Any]] = []

    def visit(inside: Any) -> None:
        items = inside.items() if isinstance(inside, dict) else enumerate(inside)
        for key, member in list(items):
            places.append((inside, key))
            if isinstance(member, dict | list):
                visit(member)

    visit(value)
    container, key = random_.choice(places)
    container[key] = random_.choice([0, -1, 1, 2**31, 2**63, 1e308, None, "x", [], {}, True, [1, 2], {"is": "Extent"}])

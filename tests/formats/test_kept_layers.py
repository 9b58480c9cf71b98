"""What is kept in a file comes back, or is known to be damaged: never anything else."""

from __future__ import annotations

import io
import json
import random
from pathlib import Path

import numpy as np
import pytest

from tests.formats import small_layers
from tests.formats.test_exchange import KINDS, UTM, layers, same
from twinviewer.formats import exchange
from twinviewer.formats.kept_layers import NotKeptError, keep, kept_header, kept_layers
from twinviewer.model.layer_data import LayerData

MANY = 4_000_000
"""Coordinates that take more than two of the parts that are summed on their own."""


def kept(data: list[LayerData], folder: Path, **more: object) -> Path:
    arrays, path = folder / "1.arrays", folder / "kept.layers"
    header = exchange.write(data, [arrays])
    with arrays.open("rb") as source, path.open("wb") as file:
        assert keep({**header, **more}, source, file, go_on=lambda: True)
    arrays.unlink()
    return path


def back(path: Path) -> list[LayerData]:
    return kept_layers(path, kept_header(path))


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_kept_comes_back(kind: str, tmp_path: Path) -> None:
    data = layers()[kind]
    path = kept([data, data], tmp_path, said="something")
    first, second = back(path)
    assert same(data, first)
    assert same(data, second)
    assert kept_header(path)["said"] == "something"


def test_arrays_of_many_parts_come_back(tmp_path: Path) -> None:
    places = np.random.default_rng(5).normal(size=(MANY, 3))
    (cloud,) = back(kept([small_layers.point_cloud(places, UTM)], tmp_path))
    assert np.array_equal(cloud.positions, places)  # type: ignore[union-attr]


def test_any_byte_that_changes_is_found(tmp_path: Path) -> None:
    path = kept([layers()["city-model"], layers()["features"]], tmp_path)
    whole = path.read_bytes()
    chance = random.Random(7)
    padding = _padding(whole)
    places = [*range(64), *(chance.randrange(len(whole)) for _ in range(300))]
    for place in places:
        changed = bytearray(whole)
        changed[place] ^= 1 << chance.randrange(8)
        path.write_bytes(changed)
        if place in padding:
            continue  # nothing is there
        with pytest.raises(NotKeptError):
            back(path)


def _padding(whole: bytes) -> range:
    """The rest of the first 64 bytes, which says nothing."""
    return range(8 + 8 + 8 + 32, 64)


def test_a_change_in_any_part_of_large_arrays_is_found(tmp_path: Path) -> None:
    path = kept([small_layers.point_cloud(np.ones((MANY, 3)), UTM)], tmp_path)
    size = path.stat().st_size
    for share in (0.01, 0.4, 0.7, 0.99):
        with path.open("r+b") as file:
            file.seek(int(size * share))
            (before,) = file.read(1)
            file.seek(-1, io.SEEK_CUR)
            file.write(bytes([before ^ 128]))
        with pytest.raises(NotKeptError):
            back(path)
        with path.open("r+b") as file:
            file.seek(int(size * share))
            file.write(bytes([before]))
    assert back(path)


def test_a_file_that_was_cut_off_anywhere_is_found(tmp_path: Path) -> None:
    path = kept([layers()["mesh"]], tmp_path)
    whole = path.read_bytes()
    for length in range(0, len(whole), 7):
        path.write_bytes(whole[:length])
        with pytest.raises(NotKeptError):
            back(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(NotKeptError):
        back(path)


def test_blocks_that_never_reached_the_disk_are_found(tmp_path: Path) -> None:
    path = kept([small_layers.point_cloud(np.random.default_rng(1).normal(size=(5000, 3)), UTM)], tmp_path)
    whole = path.read_bytes()
    for start in range(0, len(whole), 4096):
        block = whole[start : start + 4096]
        path.write_bytes(whole[:start] + bytes(len(block)) + whole[start + 4096 :])
        if not any(block):
            continue  # points without intensity
        with pytest.raises(NotKeptError):
            back(path)


def test_what_others_wrote_is_not_taken(tmp_path: Path) -> None:
    path = kept([layers()["mesh"]], tmp_path)
    for text in (b"", b"TWINKPT1", b"x" * 5000, json.dumps({"layers": []}).encode()):
        path.write_bytes(text)
        with pytest.raises(NotKeptError):
            back(path)


def test_keeping_stops_when_asked(tmp_path: Path) -> None:
    arrays = tmp_path / "1.arrays"
    header = exchange.write([layers()["mesh"]], [arrays])
    with arrays.open("rb") as source:
        assert not keep(header, source, io.BytesIO(), go_on=lambda: False)


def test_arrays_that_are_cut_off_are_not_kept(tmp_path: Path) -> None:
    arrays = tmp_path / "1.arrays"
    header = exchange.write([layers()["mesh"]], [arrays])
    with pytest.raises(OSError, match="incomplete"):
        keep(header, io.BytesIO(arrays.read_bytes()[:-1]), io.BytesIO(), go_on=lambda: True)

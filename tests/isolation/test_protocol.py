"""What two ends of a channel say to each other: what goes in comes out, what was sent before does not travel again."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.formats.test_exchange import KINDS, layers, same
from twinviewer.api import (
    CityObjects,
    ColourObjects,
    ColourScale,
    DrawData,
    FlyTo,
    GlyphShape,
    IconShape,
    Labels,
    MovementFrame,
    ObservationBatch,
    ObservedProperty,
    PlaceGlyphs,
    Selection,
    Table,
    Thing,
)
from twinviewer.isolation.frames import send_encoded
from twinviewer.isolation.protocol import MESSAGE_LIMIT, Channel, Message, TooLargeError

SCALE = ColourScale(title="Heat", unit="Cel", colour_map="viridis", value_range=(0.0, 1.0), ticks=((0.5, "half"),))
IDS = tuple(f"building-{number} é" for number in range(1000))
THINGS = tuple(Thing(id=f"t{number}", name="Ort", position=(1.0, 2.0, float(number))) for number in range(3))
NOON = datetime(2026, 3, 29, 12, 0, 0, 250_000, tzinfo=UTC)


class Pair:
    """A viewer's end and a plugin's end, in one process."""

    def __init__(self, folder: Path) -> None:
        to_plugin, to_host = os.pipe(), os.pipe()
        self.streams = [
            os.fdopen(to_host[0], "rb"),
            os.fdopen(to_plugin[1], "wb"),
            os.fdopen(to_plugin[0], "rb"),
            os.fdopen(to_host[1], "wb"),
        ]
        self.folders = [folder / "memory", folder / "disk"]
        for each in self.folders:
            each.mkdir()
        self.host = Channel(self.streams[0], self.streams[1], self.folders, side="host")
        self.plugin = Channel(self.streams[2], self.streams[3], self.folders, side="plugin")

    def close(self) -> None:
        self.host.close()
        self.plugin.close()
        for stream in self.streams:
            stream.close()

    def to_plugin(self, value: Any, *, lane: int = 1) -> Any:
        return carried(self.host, self.plugin, value, lane=lane, own_lane=True)

    def to_host(self, value: Any, *, lane: int = 1) -> Any:
        return carried(self.plugin, self.host, value, lane=lane, own_lane=False)


def carried(sender: Channel, receiver: Channel, value: Any, *, lane: int, own_lane: bool) -> Any:
    sending = threading.Thread(  # a pipe holds only 64 KiB
        target=sender.send, args=("call",), kwargs={"call": 7, "lane": lane, "own_lane": own_lane, "value": value}
    )
    sending.start()
    message = receiver.receive()
    sending.join()
    assert message is not None
    assert (message.kind, message.call) == ("call", 7)
    return message.value


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    pair = Pair(tmp_path)
    yield pair
    pair.close()


VALUES: dict[str, Any] = {
    "nothing": None,
    "numbers": (1, -(2**62), 1.5, float("inf"), True, False),
    "a time": NOON,
    "a path": Path("/tmp/ä"),
    "a table of names": {"year": 2026, "name": "Älter", "nested": {"deep": (1.0, "x")}},
    "arrays": (np.arange(6.0).reshape(2, 3), np.array([True, False]), np.arange(4, dtype=np.uint8), np.empty((0, 3))),
    "a number as an array": (np.array(3.5),),
    "colours": ColourObjects(values=np.arange(1000.0), object_ids=IDS, scale=SCALE),
    "glyphs": PlaceGlyphs(
        shape=GlyphShape.BUS,
        positions=np.ones((2, 3)),
        size_m=2.0,
        heading_deg=np.array([0.0, 90.0]),
        stale=np.array([True, False]),
        ids=("a", "b"),
    ),
    "icons": PlaceGlyphs(shape=IconShape(path="tree.png"), positions=np.ones((1, 3)), size_m=np.ones(1)),
    "labels": Labels(positions=np.zeros((2, 3)), texts=("a\0b", "\U0001f3e0")),
    "things": ObservationBatch(
        property=ObservedProperty(name="NO2", unit="ug/m3"),
        things=THINGS,
        thing=np.array([0, 2], np.int32),
        phenomenon_time_s=np.array([1.0, 2.0]),
        results=np.array([np.nan, 2.0]),
    ),
    "movement": MovementFrame(
        instant=NOON, ids=("a",), positions=np.ones((1, 3)), heading_deg=np.ones(1), speed_m_s=np.ones(1)
    ),
    "a large table": Table(
        title="Heights",
        columns=("id", "height", "storeys", "note"),
        rows=tuple((f"id-{row}", row / 3, row % 7, "none" if row % 2 else row / 2) for row in range(500)),
        object_ids=tuple(f"id-{row}" for row in range(500)),
    ),
    "a ragged table": Table(title="T", columns=("a",), rows=tuple(("x",) * (row % 3) for row in range(100))),
    "a selection": Selection(
        object_id="a", type="Building", layer="L", position=(1.0, 2.0, 3.0), attributes=(("h", "3 m"),)
    ),
    "an action": FlyTo(position=(1.0, 2.0, 3.0)),
    "city objects": CityObjects(
        ids=IDS, types=("Building",) * 1000, positions=np.zeros((1000, 3)), heights_m=np.ones(1000)
    ),
    "data to draw": DrawData(data=layers()["mesh"], values=np.arange(6.0), scale=SCALE),
}


def equal(first: Any, second: Any) -> bool:
    if isinstance(first, dict):
        return (
            isinstance(second, dict)
            and first.keys() == second.keys()
            and all(equal(first[k], second[k]) for k in first)
        )
    if isinstance(first, tuple):
        return isinstance(second, tuple) and len(first) == len(second) and all(map(equal, first, second))
    return same(first, second)


@pytest.mark.parametrize("name", VALUES)
def test_what_goes_in_comes_out_both_ways_and_again(name: str, pair: Pair) -> None:
    for _ in range(2):  # the second time much of it does not travel
        assert equal(VALUES[name], pair.to_plugin(VALUES[name]))
        assert equal(VALUES[name], pair.to_host(VALUES[name]))


@pytest.mark.parametrize("kind", KINDS)
def test_layer_data_of_every_kind_travels(kind: str, pair: Pair) -> None:
    assert same(layers()[kind], pair.to_host((layers()[kind],))[0])


def test_lists_come_out_as_tuples_and_numbers_of_numpy_as_plain_ones(pair: Pair) -> None:
    there = pair.to_host([np.float64(1.5), np.int32(3), np.bool_(True), np.float32(0.5), ["a"], np.longdouble(2)])
    assert there == (1.5, 3, True, 0.5, ("a",), 2.0)
    assert [type(each) for each in there] == [float, int, bool, float, tuple, float]


# --- what does not travel again -----------------------------------------------------------------------------------


def test_ids_and_things_travel_once_and_come_out_as_the_same_object(pair: Pair) -> None:
    first = pair.to_host((IDS, THINGS))
    bytes_before = size_of_files(pair)
    second = pair.to_host((IDS, THINGS))
    assert second[0] is first[0]
    assert second[1] is first[1]
    assert size_of_files(pair) == bytes_before


def test_a_list_with_the_same_texts_is_the_same_object_there(pair: Pair) -> None:
    first = pair.to_host([list(IDS)])
    second = pair.to_host([list(IDS)])
    third = pair.to_host([[*IDS[:-1], "another"]])
    assert second[0] is first[0]
    assert third[0] == (*IDS[:-1], "another")


def test_what_comes_back_is_the_very_object_that_was_sent(pair: Pair) -> None:
    there = pair.to_plugin({"ids": IDS, "things": THINGS, "mesh": (mesh := layers()["mesh"])})
    back = pair.to_host((there["ids"], there["things"], there["mesh"]))
    assert back[0] is IDS
    assert back[1] is THINGS
    assert back[2] is mesh


def test_an_array_that_came_in_goes_back_as_the_object_that_was_sent(pair: Pair) -> None:
    positions, other = np.arange(3000.0).reshape(1000, 3), np.ones(4)
    there = pair.to_plugin((other, positions))
    size = size_of_files(pair)
    back = pair.to_host((there[1], there[1] + 1, there[1][:5], positions))
    assert back[0] is positions
    assert back[1].tolist() == (positions + 1).tolist()
    assert back[2].tolist() == positions[:5].tolist()
    assert back[3].tolist() == positions.tolist(), "an equal one of the plugin's own is another array"
    assert back[3] is not positions
    assert size_of_files(pair) > size


def test_layer_data_travels_once(pair: Pair) -> None:
    data = layers()["features"]
    first = pair.to_host(DrawData(data=data, values=np.arange(3.0)))
    second = pair.to_host(DrawData(data=data, values=np.arange(1.0, 4.0)))
    assert second.data is first.data
    assert second.values.tolist() == [1.0, 2.0, 3.0]


def test_an_array_that_is_as_before_comes_out_as_the_same_object(pair: Pair) -> None:
    positions, values = np.arange(3000.0).reshape(1000, 3), np.arange(1000.0)
    first = pair.to_host((positions, values))
    second = pair.to_host((positions.copy(), values + 1))
    assert second[0] is first[0]
    assert second[1].tolist() == (values + 1).tolist()
    assert first[1].tolist() == values.tolist(), "what was handed over before stays as it was"


def test_an_array_that_its_author_wrote_into_travels_anew(pair: Pair) -> None:
    values = np.zeros(100_000)
    first = pair.to_host((values,))
    values[-1] = 1.0
    second = pair.to_host((values,))
    assert second[0][-1] == 1.0
    assert first[0][-1] == 0.0


def test_arrays_that_a_plugin_gets_cannot_be_written_into(pair: Pair) -> None:
    (there,) = pair.to_plugin((np.zeros(3),))
    with pytest.raises(ValueError, match="read-only"):
        there[0] = 1.0


def test_lanes_do_not_mix(pair: Pair) -> None:
    first = pair.to_host((np.zeros(10),), lane=1)
    second = pair.to_host((np.ones(10),), lane=2)
    third = pair.to_host((np.zeros(10),), lane=1)
    assert third[0] is first[0]
    assert second[0].tolist() == [1.0] * 10


def test_what_is_sent_no_more_is_forgotten_on_both_sides(pair: Pair) -> None:
    for number in range(50):
        there = pair.to_plugin([tuple(f"{number} {row}" for row in range(100))])
        pair.to_host(there[0])  # and it may be named until the other side has heard that it is forgotten
    assert len(pair.host._by_number) <= 3
    assert len(pair.plugin._received) <= 2
    assert len(pair.plugin._by_number) <= 2


def test_a_lane_is_used_again_for_the_same_purpose(pair: Pair) -> None:
    feed, encode = pair.host.take_lane("feed"), pair.host.take_lane("encode")
    another = pair.host.take_lane("feed")
    assert len({feed, encode, another}) == 3
    pair.host.give_lane_back("feed", feed)
    assert pair.host.take_lane("feed") == feed


def test_where_memory_has_no_room_the_disk_has(pair: Pair) -> None:
    pair.folders[0].rmdir()
    assert equal((np.arange(5.0),), pair.to_host((np.arange(5.0),)))
    assert list(pair.folders[1].iterdir())


def test_a_file_that_was_large_once_does_not_stay_so(pair: Pair) -> None:
    pair.to_host((np.zeros(5 * 2**20),))  # 40 MiB
    pair.to_host((np.zeros(5),))
    assert size_of_files(pair) < 2**20


def size_of_files(pair: Pair) -> int:
    return sum(file.stat().st_size for folder in pair.folders for file in folder.iterdir())


# --- what does not get through ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Foreign:
    command: str = "rm"


@pytest.mark.parametrize(
    "value",
    [Foreign(), lambda: None, {1}, b"bytes", 1j, np.zeros(2, complex), np.array([object()]), {1: 2}, Foreign],
    ids=["class", "function", "set", "bytes", "complex", "complexes", "objects", "keys", "type"],
)
def test_only_values_of_the_contract_travel_and_the_next_message_is_sound(value: Any, pair: Pair) -> None:
    pair.to_host((np.zeros(4), IDS))
    with pytest.raises(TypeError, match="cannot be handed over"):
        pair.plugin.send("answer", lane=1, own_lane=False, value=(np.ones(4), tuple(reversed(IDS)), value))
    assert equal((np.ones(4), IDS), pair.to_host((np.ones(4), IDS)))


def test_it_is_said_which_member_is_at_fault(pair: Pair) -> None:
    wrong = replace(VALUES["labels"], texts=lambda: None)
    with pytest.raises(TypeError, match="“texts” of Labels: a value of type function cannot be handed over"):
        pair.plugin.send("answer", lane=1, own_lane=False, value=(wrong,))


def test_too_much_beside_the_arrays_is_refused_by_the_sender(pair: Pair) -> None:
    many = tuple(FlyTo(position=(1.0, 2.0, 3.0)) for _ in range(20_000))
    with pytest.raises(TooLargeError):
        pair.plugin.send("answer", lane=1, own_lane=False, value=many)
    assert equal((IDS,), pair.to_host((IDS,)))


def lies(described: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        "a huge array": {**described, "shape": [2**40]},
        "an overflowing shape": {**described, "shape": [2**62, 2**62]},
        "a negative shape": {**described, "shape": [-1]},
        "more than there is": {**described, "shape": [10**6]},
        "a start past the end": {**described, "start": 2**40},
        "a negative start": {**described, "start": -64},
        "another folder": {**described, "in": 7},
        "objects": {**described, "dtype": "|O"},
        "structures": {**described, "dtype": "<f8,<f8"},
        "no place": {**described, "at": 5},
        "as before, which there is not": {"at": 3, "same": True},
        "an array of ours that there is not": {"at": 7, "back": True},
        "a number that was never sent": {"yours": 99},
        "a number that never came": {"kept": 99},
        "a type that is not known": {"is": "os.system", "of": {}},
        "members too many": {"is": "Extent", "of": {"more": 1}},
        "a shape that is not known": {"enum": "GlyphShape", "value": "dragon"},
        "a form that is not known": {"what": 1},
        "texts that overlap": {"strings": {"codes": described, "ends": described, "bytes": described}},
        "a time of nothing": {"time": "noon"},
    }


@pytest.mark.parametrize("lie", lies({}))
def test_a_message_that_lies_is_refused(lie: str, pair: Pair) -> None:
    pair.plugin.send("answer", lane=1, own_lane=False, value=(np.arange(4.0),))
    frame = json.loads(json.dumps(read_raw(pair)))
    frame["value"] = [lies(frame["value"][0])[lie]]
    send_encoded(pair.streams[3], json.dumps(frame).encode())
    with pytest.raises((ValueError, LookupError, TypeError, ArithmeticError, OSError)):
        pair.host.receive()


def test_a_file_that_was_cut_after_it_was_described_is_refused(pair: Pair) -> None:
    pair.plugin.send("answer", lane=1, own_lane=False, value=(np.arange(10_000.0),))
    (file,) = pair.folders[0].iterdir()
    os.truncate(file, 100)
    with pytest.raises(ValueError, match="incomplete"):
        pair.host.receive()


def test_a_link_to_somewhere_else_is_not_followed(pair: Pair, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(bytes(80_000))
    pair.plugin.send("answer", lane=1, own_lane=False, value=(np.arange(10_000.0),))
    (file,) = pair.folders[0].iterdir()
    file.unlink()
    file.symlink_to(tmp_path / "secret")
    with pytest.raises(OSError, match="symbolic"):
        pair.host.receive()


def test_a_pipe_in_place_of_a_file_does_not_block(pair: Pair) -> None:
    pair.plugin.send("answer", lane=1, own_lane=False, value=(np.arange(10.0),))
    (file,) = pair.folders[0].iterdir()
    file.unlink()
    os.mkfifo(file)
    with pytest.raises(ValueError, match="somewhere else"):
        pair.host.receive()


def test_a_frame_longer_than_may_be_is_not_read(pair: Pair) -> None:
    pair.streams[3].write((MESSAGE_LIMIT + 1).to_bytes(4, "big"))
    pair.streams[3].flush()
    with pytest.raises(ValueError, match="too long"):
        pair.host.receive()


def test_the_end_of_the_pipe_is_the_end(pair: Pair) -> None:
    pair.streams[3].close()
    assert pair.host.receive() is None


def read_raw(pair: Pair) -> dict[str, Any]:
    from twinviewer.isolation.frames import receive

    frame = receive(pair.streams[0])
    assert frame is not None
    return frame


def test_both_sides_may_speak_at_once(pair: Pair) -> None:
    """500 messages each way, from two threads on each side, all with arrays: none is lost or mixed up."""
    got: dict[str, list[Message]] = {"host": [], "plugin": []}

    def talk(channel: Channel, lane: int, *, own: bool) -> None:
        for number in range(250):
            channel.send("answer", call=number, lane=lane, own_lane=own, value=(np.full(50, number), f"{lane}"))

    def hear(name: str, channel: Channel) -> None:
        while len(got[name]) < 500:
            message = channel.receive()
            assert message is not None
            got[name].append(message)

    threads = [
        threading.Thread(target=hear, args=("host", pair.host)),
        threading.Thread(target=hear, args=("plugin", pair.plugin)),
        *(threading.Thread(target=talk, args=(pair.host, lane), kwargs={"own": True}) for lane in (1, 2)),
        *(threading.Thread(target=talk, args=(pair.plugin, lane), kwargs={"own": True}) for lane in (1, 2)),
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    for messages in got.values():
        assert sorted((m.value[1], m.call) for m in messages) == [(str(lane), n) for lane in (1, 2) for n in range(250)]

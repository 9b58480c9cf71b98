"""What a viewer and the process of a plugin say to each other: typed values, both ways, several calls at once.

A :class:`Channel` is one end of a pair of pipes.  Each message is a JSON object whose ``value`` was packed by
:mod:`twinviewer.isolation.packing`; arrays go beside it, in files in memory (:mod:`twinviewer.isolation.lanes`).
What is large and never changes (texts, things, layer data) travels once: both ends number what they sent, a number
stands for it from then on and comes out as the identical object, also when it is sent back.
"""

from __future__ import annotations

import itertools
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from numpy.typing import NDArray

from twinviewer.isolation.frames import receive, send_encoded
from twinviewer.isolation.lanes import ArraysIn, ArraysOut
from twinviewer.isolation.packing import CONTRACT, FEW, Packer, Unpacker
from twinviewer.model.layer_data import LayerData
from twinviewer.model.observation import Thing

MESSAGE_LIMIT = 2**20
"""Bytes of JSON in one message; reading more would keep the viewer's interpreter for a tenth of a second."""
ARRAYS_LIMIT = 512 * 2**20
"""Bytes of all arrays of one message."""
TEXTS_LIMIT = 4_000_000
"""Texts in one message."""
_MOST_LANES = 1000
_KEPT_TEXTS = 16
"""Tuples of more texts than this travel once."""


class TooLargeError(Exception):
    """A value is larger than may travel."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it came in."""

    kind: str
    call: int
    """Number of the call that it is about; whoever calls gives the numbers."""
    value: Any
    extra: dict[str, Any]
    """Plain JSON values."""


@dataclass(slots=True, eq=False)
class _Kept:
    """Something that the other side has by its number."""

    number: int
    value: Any
    places: int = 0
    """Of how many places in messages it was the last."""


class _Lane:
    """What one call at a time needs for its arrays, in both directions."""

    def __init__(self, out: ArraysOut, in_: ArraysIn) -> None:
        self.arrays_out, self.arrays_in = out, in_
        self.kept: list[_Kept] = []
        """What was sent last, by place in the message."""


class Channel:
    """One end.  Sending is safe from any thread; only one thread may receive.

    Args:
        inbox: From the other end.
        outbox: To it.
        folders: Where arrays may be, the best first; the same at both ends.
        side: ``"host"`` or ``"plugin"``.
    """

    def __init__(self, inbox: BinaryIO, outbox: BinaryIO, folders: Sequence[Path], *, side: str) -> None:
        self._inbox, self._outbox, self._folders, self._side = inbox, outbox, folders, side
        self._other = {"host": "plugin", "plugin": "host"}[side]
        self._sending = threading.Lock()
        self._table = threading.Lock()
        self._lanes: dict[tuple[str, int], _Lane] = {}
        self._free: dict[str, list[int]] = {}
        self._lane_numbers = itertools.count(1)
        self._numbers = itertools.count(1)
        self._sent: dict[int, _Kept] = {}
        """By id of the value; the value is held, so that nothing else gets its id."""
        self._by_number: dict[int, _Kept] = {}
        """What was sent, until the other side says that it has forgotten it: before that it may name it."""
        self._received: dict[int, Any] = {}
        self._received_ids: dict[int, int] = {}
        self._to_forget: list[int] = []
        self._forgotten: list[int] = []

    # --- lanes ------------------------------------------------------------------------------------------------------

    def take_lane(self, purpose: str) -> int:
        """Return a lane for a call of this side's: one that carried the same before, if that is free."""
        with self._table:
            free = self._free.setdefault(purpose, [])
            return free.pop() if free else next(self._lane_numbers)

    def give_lane_back(self, purpose: str, lane: int) -> None:
        with self._table:
            self._free[purpose].append(lane)

    def _lane(self, owner: str, number: int) -> _Lane:
        with self._table:
            lane = self._lanes.get((owner, number))
            if lane is None:
                if len(self._lanes) > _MOST_LANES:
                    raise ValueError("there are too many lanes")
                careful = self._side == "plugin"  # authors may write anew into the arrays that they returned
                lane = self._lanes[owner, number] = _Lane(
                    ArraysOut(self._folders, f"{owner}-{number}-by-{self._side}", careful=careful),
                    ArraysIn(self._folders, f"{owner}-{number}-by-{self._other}", writable=not careful),
                )
            return lane

    # --- sending ----------------------------------------------------------------------------------------------------

    def send(
        self, kind: str, *, call: int = 0, lane: int = 0, own_lane: bool = True, value: Any = None, **extra: Any
    ) -> None:
        """Send a message.

        Args:
            kind: What it is.
            call: See :class:`Message`.
            lane: For the arrays; 0 where ``value`` has none.
            own_lane: Whether the lane is of a call that this side made.
            value: Anything of the vocabulary.
            extra: Plain JSON values.

        Raises:
            TypeError: The value may not travel; nothing was sent.
            TooLargeError: It is too large; nothing was sent.
            OSError: The other side has gone, or there is no room for the arrays.
        """
        with self._sending:
            lane_ = self._lane(self._side if own_lane else self._other, lane) if lane else None
            try:
                packed = None if lane_ is None else _SendingPacker(self, lane_).pack(value)
                with self._table:
                    forget, self._to_forget = self._to_forget, []
                    forgotten, self._forgotten = self._forgotten, []
                message = {"kind": kind, "call": call, "lane": lane, "own": own_lane, "value": packed, **extra}
                message |= {"forget": forget} if forget else {}
                message |= {"forgotten": forgotten} if forgotten else {}
                content = json.dumps(message).encode()
                if len(content) > MESSAGE_LIMIT:
                    with self._table:
                        self._to_forget[:0], self._forgotten[:0] = forget, forgotten
                    raise TooLargeError(
                        f"{len(content) / 2**20:.0f} MB beside its arrays, more than can be handed over"
                    )
            except BaseException:
                if lane_ is not None:
                    self._start_anew(lane_)
                raise
            send_encoded(self._outbox, content)

    def _start_anew(self, lane: _Lane) -> None:
        """Forget what the other side was to learn from a message that was not sent."""
        lane.arrays_out.forget()
        for kept in lane.kept:
            self._release(kept)
        lane.kept.clear()

    def refer(self, lane: _Lane, place: int, value: Any) -> dict[str, Any] | None:
        """Return what stands for a value that the other side has, or None where it has not."""
        with self._table:
            if id(value) in self._received_ids:
                return {"yours": self._received_ids[id(value)]}
        kept = self._sent.get(id(value))
        if kept is None and place < len(lane.kept) and _are_equal(lane.kept[place].value, value):
            kept = lane.kept[place]
        if kept is None:
            return None
        self._place(lane, place, kept)
        return {"kept": kept.number}

    def keep(self, lane: _Lane, place: int, value: Any) -> int:
        """Give a value that the other side has not a number, which stands for it from now on."""
        kept = _Kept(next(self._numbers), value)
        self._sent[id(value)] = kept
        with self._table:
            self._by_number[kept.number] = kept
        self._place(lane, place, kept)
        return kept.number

    def _place(self, lane: _Lane, place: int, kept: _Kept) -> None:
        kept.places += 1
        if place < len(lane.kept):
            self._release(lane.kept[place])
        lane.kept[place : place + 1] = [kept]

    def _release(self, kept: _Kept) -> None:
        kept.places -= 1
        if kept.places == 0:
            self._sent.pop(id(kept.value), None)
            with self._table:
                self._to_forget.append(kept.number)

    # --- receiving --------------------------------------------------------------------------------------------------

    def receive(self) -> Message | None:
        """Return the next message, or None at the end.

        Raises:
            ValueError: What came makes no sense (also LookupError, TypeError, ArithmeticError, RecursionError).
            OSError: Its arrays cannot be read.
        """
        frame = receive(self._inbox, limit=MESSAGE_LIMIT)
        if frame is None:
            return None
        number = int(frame["lane"])
        is_own = not frame.pop("own")
        packed = frame.pop("value")
        value = None
        if number:
            lane = self._lane(self._side if is_own else self._other, number)
            value = _ReceivingUnpacker(self, lane).unpack(packed)
        with self._table:
            for number in frame.pop("forget", ()):
                gone = self._received.pop(number, None)
                self._received_ids.pop(id(gone), None)
                self._forgotten.append(number)
            for number in frame.pop("forgotten", ()):
                self._by_number.pop(number, None)
        return Message(kind=str(frame.pop("kind")), call=int(frame.pop("call")), value=value, extra=frame)

    def sent_under(self, number: int) -> Any:
        with self._table:
            return self._by_number[number].value

    def received_under(self, number: int) -> Any:
        return self._received[number]

    def remember(self, number: int, value: Any) -> None:
        with self._table:
            self._received[number] = value
            self._received_ids[id(value)] = number

    def close(self) -> None:
        """Close the files of arrays; the pipes are somebody else's."""
        with self._sending:
            for lane in self._lanes.values():
                lane.arrays_out.close()
                lane.arrays_in.close()


def _are_equal(before: Any, value: Any) -> bool:
    """Return whether a list of texts or things has what the tuple had that travelled before it."""
    if not (isinstance(before, tuple) and isinstance(value, tuple | list)):
        return False
    return len(before) == len(value) and before == tuple(value)


class _SendingPacker(Packer):
    """Packs a message; what the other side has is only named."""

    def __init__(self, channel: Channel, lane: _Lane) -> None:
        super().__init__(CONTRACT, self._put_array)
        lane.arrays_out.begin()
        self._channel, self._lane = channel, lane
        self._place = 0
        """How many values that travel once were met in this message."""

    def pack(self, value: Any) -> Any:
        if not isinstance(value, tuple | list | LayerData):
            return super().pack(value)
        place = self._place
        reference = self._channel.refer(self._lane, place, value)  # asked first: looking at all texts takes longer
        if reference is not None:
            self._place += 1
            return reference
        if not _travels_once(value):
            return super().pack(value)
        self._place += 1
        # Its arrays are not looked at again, and within it nothing is named on its own.
        content = _whole(self._lane).pack(value)
        kept = tuple(value) if isinstance(value, list) else value
        return {"keep": self._channel.keep(self._lane, place, kept), "as": content}

    def _put_array(self, array: NDArray[Any]) -> dict[str, Any]:
        number = self._lane.arrays_in.number_of(array)  # an author hands on what came in: it is there already
        return self._lane.arrays_out.put(array) if number is None else {"at": number, "back": True}

    def texts(self, values: Sequence[Any]) -> dict[str, Any]:
        return _whole(self._lane).texts(values)


def _whole(lane: _Lane) -> Packer:
    return Packer(CONTRACT, lane.arrays_out.put_once)


def _travels_once(value: Any) -> bool:
    if isinstance(value, tuple | list):
        if len(value) > FEW or (isinstance(value, tuple) and len(value) > _KEPT_TEXTS):
            return set(map(type, value)) in ({str}, {Thing})
        return isinstance(value, tuple) and bool(value) and type(value[0]) is Thing and set(map(type, value)) == {Thing}
    return isinstance(value, LayerData)


class _ReceivingUnpacker(Unpacker):
    """Unpacks a message, with what was sent before."""

    def __init__(self, channel: Channel, lane: _Lane) -> None:
        super().__init__(CONTRACT, self._array, most_texts=TEXTS_LIMIT)
        self._channel, self._lane = channel, lane
        self._room = ARRAYS_LIMIT

    def unpack(self, packed: Any) -> Any:
        if isinstance(packed, dict):
            if "kept" in packed:
                return self._channel.received_under(packed["kept"])
            if "yours" in packed:
                return self._channel.sent_under(packed["yours"])
            if "keep" in packed:
                value = self.unpack(packed["as"])
                self._channel.remember(int(packed["keep"]), value)
                return value
        return super().unpack(packed)

    def _array(self, described: dict[str, Any]) -> NDArray[Any]:
        if described.get("back"):
            return self._lane.arrays_out.sent(int(described["at"]))
        array = self._lane.arrays_in.take(described, room=self._room)
        self._room -= array.nbytes
        return array

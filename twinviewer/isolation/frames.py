"""Messages on pipes between processes: four bytes of length and a JSON object each."""

from __future__ import annotations

import json
import struct
from typing import Any, BinaryIO

FRAME_LIMIT = 256 * 2**20


def send(stream: BinaryIO, message: dict[str, Any]) -> None:
    """Write one message."""
    send_encoded(stream, json.dumps(message).encode())


def send_encoded(stream: BinaryIO, content: bytes) -> None:
    """Write one message that is JSON already."""
    stream.write(struct.pack(">I", len(content)) + content)
    stream.flush()


def receive(stream: BinaryIO, *, limit: int = FRAME_LIMIT) -> dict[str, Any] | None:
    """Return the next message, or None at the end of the stream.

    Args:
        stream: A pipe.
        limit: Bytes of one message, at most.

    Raises:
        ValueError: What came is no message.
    """
    head = stream.read(4)
    if len(head) < 4:
        return None
    (length,) = struct.unpack(">I", head)
    if length > limit:
        raise ValueError("a message is too long")
    content = stream.read(length)
    if len(content) < length:
        return None
    message = json.loads(content)
    if not isinstance(message, dict):
        raise ValueError("a message is not an object")
    return message

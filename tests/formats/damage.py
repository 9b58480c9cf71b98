"""Ways to damage a file, each with a number, so that a failure is a name: (format, cut 7), (format, mutation 23).

The kinds of mutation are those of the fuzzing that found what the libraries below do: truncation, flipped bits,
bytes and header fields overwritten, numbers in texts replaced, blocks deleted, repeated or filled with noise.
"""

from __future__ import annotations

import random
import re
import struct

CUTS = 20
_EXTREMES = (0, 1, 2**15, 2**16 - 1, 2**20, 2**31 - 1, 2**31, 2**32 - 1, 2**40, 2**62, 2**63 - 1, 2**64 - 1)
_BAD_NUMBERS = (b"nan", b"inf", b"-1", b"1e308", b"-1e308", b"9223372036854775808", b"", b"0", b"99999999", b"1e-320")
_NUMBER = re.compile(rb"-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?")
_HEADER = 512
"""Bytes within which headers are overwritten."""


def cut(content: bytes, number: int) -> bytes:
    """Return the beginning of ``content``: cut 0 keeps a twentieth, the last lacks only its last byte."""
    return content[: len(content) - 1] if number == CUTS - 1 else content[: len(content) * (number + 1) // CUTS]


def mutated(content: bytes, number: int) -> bytes:
    """Return ``content`` with the damage that ``number`` stands for."""
    chance = random.Random(number)
    changed = bytearray(content)
    kind = number % 8
    if kind == 0:
        for _ in range(chance.randint(1, 16)):
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    elif kind == 1:
        for _ in range(chance.randint(1, 16)):
            changed[chance.randrange(len(changed))] = chance.randrange(256)
    elif kind in (2, 3):
        form = chance.choice(("<I", "<Q", ">I"))
        size = struct.calcsize(form)
        at = chance.randrange(max(1, min(_HEADER, len(changed)) - size))
        changed[at : at + size] = struct.pack(form, chance.choice(_EXTREMES) % 2 ** (8 * size))
    elif kind == 4:
        numbers = list(_NUMBER.finditer(content))
        for match in sorted(chance.sample(numbers, min(3, len(numbers))), key=lambda m: -m.start()):
            changed[match.start() : match.end()] = chance.choice(_BAD_NUMBERS)
    elif kind == 5:
        at, length = _block(chance, len(content))
        del changed[at : at + length]
    elif kind == 6:
        at, length = _block(chance, len(content))
        changed[at:at] = content[at : at + length]
    else:
        at, length = _block(chance, len(content))
        changed[at : at + length] = chance.randbytes(length)
    return bytes(changed)


def _block(chance: random.Random, size: int) -> tuple[int, int]:
    length = chance.randint(1, max(1, size // 4))
    return chance.randrange(size - length + 1), length

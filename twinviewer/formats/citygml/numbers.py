"""Decimal numbers in bytes, parsed to the nearest float64: compiled for what coordinates look like.

A number of up to 19 digits whose power of ten is small is rounded exactly: by one division where digits and power are
floats themselves (W. D. Clinger, *How to read floating point numbers accurately*, 1990), else with 128 bits
(D. Lemire, *Number parsing at a gigabyte per second*, 2021, whose names these are).  Python reads whatever else is a
number to it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinviewer.formats.citygml.elements import Float64s, Int64s, Uint8s
from twinviewer.geometry.compiled import Integer, compiled

_LARGEST = 27
"""Power of ten, up and down; 5 to that power fits into 64 bits, so that its reciprocal is good enough as it is."""
_DIGITS = 19
"""They fit into 64 bits."""
_TENS = np.array([10.0**power for power in range(23)])
"""All that are exact."""


def _fives() -> NDArray[np.uint64]:
    """Return (2, powers) the high and the low 64 bits of the powers of five, scaled to 128 bits."""
    scaled = []
    for power in range(-_LARGEST, _LARGEST + 1):
        five: int = 5 ** abs(power)
        size = five.bit_length()
        scaled.append(2 ** (size + 127) // five + 1 if power < 0 else five << (128 - size))
    return np.array([[each >> 64 for each in scaled], [each & (2**64 - 1) for each in scaled]], np.uint64)


_FIVES = _fives()
_0, _1, _2, _3, _6, _32, _52, _63, _64 = (np.uint64(number) for number in (0, 1, 2, 3, 6, 32, 52, 63, 64))
_10, _LOW, _BELOW = np.uint64(10), np.uint64(2**32 - 1), np.uint64(0x1FF)
_HIDDEN = np.uint64(2**52)
_EXACT = np.uint64(2**53)


def parse(content: Uint8s, starts: Int64s, ends: Int64s) -> tuple[Float64s, Int64s]:
    """Parse numbers between white space.

    Args:
        content: ASCII, with at least one byte behind the last end.
        starts: (t,) where texts begin in it.
        ends: (t,) where they end.

    Returns:
        The numbers (n,), one text behind the other, and how many are of each text (t,); −1 where a text holds
        something that needs Python, or is no number: nothing of that is among the numbers.
    """
    numbers = np.empty(int((ends - starts + 1).sum()) // 2 + len(starts), np.float64)
    counts = np.empty(len(starts), np.int64)
    count = _parse(content, starts, ends, numbers, numbers.view(np.uint64), counts)
    return numbers[:count].copy(), counts


@compiled
def _parse(b: Uint8s, starts: Int64s, ends: Int64s, numbers: Float64s, bits: NDArray[np.uint64], counts: Int64s) -> int:
    """Fill numbers and counts; return how many numbers there are.  ``bits`` is ``numbers``, bit by bit."""
    count = 0
    for text in range(len(starts)):
        i, end = starts[text], ends[text]
        first = count
        while True:
            while i < end and (b[i] == 32 or (9 <= b[i] <= 13 and b[i] != 11 and b[i] != 12)):
                i += 1
            if i >= end:
                counts[text] = count - first
                break
            i = _parsed(b, i, end, numbers, bits, count)
            if i < 0:
                counts[text] = -1
                count = first
                break
            count += 1
    return count


@compiled
def _parsed(b: Uint8s, i: int, end: int, numbers: Float64s, bits: NDArray[np.uint64], at: int) -> int:
    """Parse one number; return where it ends, −1 where it is for Python."""
    is_negative = b[i] == 45
    if is_negative or b[i] == 43:
        i += 1
    first = i
    digits = np.uint64(0)
    while i < end and 48 <= b[i] <= 57:
        digits = digits * _10 + np.uint64(b[i] - 48)
        i += 1
    behind = i
    point = -1
    if i < end and b[i] == 46:
        point = i
        i += 1
        while i < end and 48 <= b[i] <= 57:
            digits = digits * _10 + np.uint64(b[i] - 48)
            i += 1
        behind = i
    count = behind - first - (point >= 0)
    if count == 0:
        return -1
    if count > _DIGITS:  # zeros before the others do not count
        k = first
        while k < behind and (b[k] == 48 or b[k] == 46):
            count -= b[k] == 48
            k += 1
        if count > _DIGITS:
            return -1
    power: Integer = point + 1 - behind if point >= 0 else 0
    if i < end and b[i] | 32 == 101:
        i += 1
        is_down = i < end and b[i] == 45
        if i < end and (b[i] == 45 or b[i] == 43):
            i += 1
        stated = i
        exponent: Integer = 0
        while i < end and 48 <= b[i] <= 57 and exponent < 10_000:
            exponent = exponent * 10 + np.int64(b[i] - 48)
            i += 1
        if i == stated:
            return -1
        power += -exponent if is_down else exponent
    if i < end and b[i] != 32 and b[i] != 10 and b[i] != 13 and b[i] != 9:
        return -1
    if digits == 0:
        numbers[at] = 0.0
    elif digits <= _EXACT and -22 <= power <= 22:
        numbers[at] = np.float64(digits) / _TENS[-power] if power < 0 else np.float64(digits) * _TENS[power]
    elif -_LARGEST <= power <= _LARGEST:
        bits[at] = _nearest(digits, power)
    else:
        return -1
    if is_negative:
        bits[at] |= _1 << _63
    return i


@compiled
def _nearest(w: np.uint64, q: Integer) -> np.uint64:
    """Return the bits of the float64 nearest to w × 10^q, which is far from the smallest and the largest ones."""
    zeros = _0
    while w >> _63 == _0:
        w <<= _1
        zeros += _1
    high, low = _product(w, _FIVES[0, q + _LARGEST])
    if high & _BELOW == _BELOW:
        more, _ = _product(w, _FIVES[1, q + _LARGEST])
        low += more
        if more > low:
            high += _1
    upper = high >> _63
    mantissa = high >> (upper + _64 - _52 - _3)
    exponent = np.int64(((152170 + 65536) * q) >> 16) + 63 + np.int64(upper) - np.int64(zeros) + 1023
    # Halfway between two: to the even one
    if low <= _1 and -4 <= q <= 23 and mantissa & _3 == _1 and mantissa << (upper + _64 - _52 - _3) == high:
        mantissa ^= _1
    mantissa = (mantissa + (mantissa & _1)) >> _1
    if mantissa >= _HIDDEN << _1:
        mantissa = _HIDDEN
        exponent += 1
    return (mantissa & ~_HIDDEN) | np.uint64(exponent) << _52


@compiled
def _product(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64]:
    """Return the high and the low half of a product."""
    a_high, a_low, b_high, b_low = a >> _32, a & _LOW, b >> _32, b & _LOW
    lower, middle, other, upper = a_low * b_low, a_high * b_low, a_low * b_high, a_high * b_high
    carried = (lower >> _32) + (middle & _LOW) + other
    return upper + (middle >> _32) + (carried >> _32), (carried << _32) | (lower & _LOW)

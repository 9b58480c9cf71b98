"""Whether single values of what a plugin returned are what the contract promises: arrays, texts, numbers, colours.

Each check raises a :class:`PluginError` that names the field, what is there and what is due.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.errors import PluginError

CURE = "Correct the plugin; docs/plugins.md has the contract."
FARTHEST_M = 1e8
"""No coordinate of a projected system is larger; one vertex at 1e30 would blank the whole view."""
LONGEST_TEXT = 2000
"""Characters of a label or an id."""
_COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


def fault(problem: str, *, cure: str = CURE) -> PluginError:
    return PluginError(problem, cure=cure)


def kind_of(value: object) -> str:
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"


def limit(count: int, most: int, what: str) -> None:
    """Refuse more than the scene can keep moving."""
    if count > most:
        raise fault(
            f"{count:,} {what} are too many; the most that are drawn are {most:,}.",
            cure="Draw fewer: only what is near, or a sample.",
        )


def rows(array: object) -> int:
    """Return how many rows an array has; 0 for anything else."""
    return len(array) if isinstance(array, np.ndarray) and array.ndim else 0


def numbers(array: object, shape: tuple[int | None, ...], name: str) -> NDArray[Any]:
    """Return an array of numbers of that shape; None stands for any length."""
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiub":
        raise fault(f"“{name}” is {kind_of(array)} instead of an array of numbers.")
    if array.ndim != len(shape) or any(
        due is not None and there != due for there, due in zip(array.shape, shape, strict=True)
    ):
        due = ", ".join("n" if each is None else str(each) for each in shape)
        raise fault(f"“{name}” has the shape {array.shape} instead of ({due}{',' if len(shape) == 1 else ''}).")
    return array


def finite(array: object, shape: tuple[int | None, ...], name: str) -> NDArray[Any]:
    """Return an array of numbers, all of them finite."""
    checked = numbers(array, shape, name)
    if checked.size and not np.isfinite(checked.sum()):  # one pass; a sum of good ones may still overflow
        bad = int(np.count_nonzero(~np.isfinite(checked)))
        if bad:
            raise fault(f"“{name}” has {bad:,} {'entry' if bad == 1 else 'entries'} that is not a number.")
    return checked


def places(array: object, name: str, *, columns: int = 3, count: int | None = None) -> NDArray[Any]:
    """Return positions (n, columns), all of them on Earth."""
    checked = numbers(array, (rows(array) if count is None else count, columns), name)
    if checked.size and not (checked.min() >= -FARTHEST_M and checked.max() <= FARTHEST_M):  # false for NaN too
        bad = int(np.count_nonzero(~(np.abs(checked) <= FARTHEST_M).all(axis=1)))
        raise fault(
            f"{bad:,} of {len(checked):,} “{name}” {'is' if bad == 1 else 'are'} not a number or beyond the Earth.",
            cure="Leave out what has no place.",
        )
    return checked


def indices(array: object, length: int, name: str) -> None:
    """Refuse indices (n,) that lead beyond ``length``."""
    checked = numbers(array, (rows(array),), name)
    if checked.dtype.kind not in "iu" or (len(checked) and (checked.min() < 0 or checked.max() >= length)):
        raise fault(f"“{name}” has indices that lead nowhere.")


def offsets(array: object, end: int, name: str) -> int:
    """Return how many parts offsets (n + 1,) cut ``end`` rows into."""
    checked = numbers(array, (rows(array),), name)
    if checked.dtype.kind not in "iu":
        raise fault(f"“{name}” is not an array of whole numbers.")
    if len(checked) == 0 or checked[0] != 0 or checked[-1] != end or (checked[1:] < checked[:-1]).any():
        raise fault(f"“{name}” does not ascend from 0 to {end}, the number of vertices.")
    return len(checked) - 1


def number(value: object, name: str, *, least: float = -np.inf, most: float = np.inf) -> None:
    """Refuse what is not one finite number between two others."""
    if not isinstance(value, int | float | np.number) or not np.isfinite(value):
        raise fault(f"“{name}” is {value!r} instead of a number.")
    if not least <= value <= most:
        raise fault(f"“{name}” is {value!r} instead of {least:g} to {most:g}.")


def number_or_each(value: object, count: int, name: str) -> None:
    """Refuse what is neither one finite number nor one for each."""
    if isinstance(value, np.ndarray):
        finite(value, (count,), name)
    else:
        number(value, name)


def colour(value: object) -> None:
    if not isinstance(value, str) or not _COLOUR.fullmatch(value):
        raise fault(f"“colour” is {value!r} instead of “#rrggbb”.")


class KnownTexts:
    """Checks sequences of texts, and remembers those of the last answer: what is unchanged is not looked at again."""

    def __init__(self) -> None:
        self._known: dict[object, tuple[str, ...]] = {}

    def checked(self, texts: object, due: int, name: str, *, place: object) -> tuple[str, ...]:
        """Return texts as a tuple: the very tuple of before where they are as at the same ``place`` before."""
        before = self._known.get(place)
        if before is not None and texts is before and len(before) == due:
            return before
        if not isinstance(texts, Sequence) or isinstance(texts, str | bytes):
            raise fault(f"“{name}” is {kind_of(texts)} instead of a sequence of texts.")
        if len(texts) != due:
            raise fault(f"“{name}” has {len(texts)} entries instead of {due}.")
        result = texts if isinstance(texts, tuple) else tuple(texts)  # a list may change under the scene's hands
        if result == before:
            return before
        if not all(issubclass(kind, str) for kind in set(map(type, result))):
            raise fault(f"“{name}” has entries that are not texts.")
        if result and max(map(len, result)) > LONGEST_TEXT:
            raise fault(f"“{name}” has texts of more than {LONGEST_TEXT:,} characters.", cure="Write shorter ones.")
        self._known[place] = result
        return result

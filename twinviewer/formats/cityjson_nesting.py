"""Lists in lists, as CityJSON has them: what is said of surfaces is nested as the surfaces are."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import chain, repeat
from typing import Any


def listed(value: object) -> list[Any]:
    """Return ``value``, if it is a list, or an empty one."""
    return value if isinstance(value, list) else []


def unrolled(values: object, boundaries: Sequence[Any], depth: int) -> Iterable[Any]:
    """Return one value per surface; a null stands for all surfaces below it, what is missing for null."""
    given = listed(values)
    missing = len(boundaries) - len(given)
    if missing:
        given = [*given, *repeat(None, missing)] if missing > 0 else given[: len(boundaries)]
    if depth == 0:
        return given
    return chain.from_iterable(unrolled(part, inner, depth - 1) for part, inner in zip(given, boundaries, strict=True))

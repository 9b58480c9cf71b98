"""Finding commands, layers, places and objects by a few letters: ranking, without a widget."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from twinviewer.model.layer_data import CityModel
from twinviewer.model.project import LayerSpec

MOST_OBJECTS = 40
COMMAND = "Command"
"""The kind of entries that need not say what kind they are: they show their keys."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One thing that can be found."""

    title: str
    kind: str
    """``Command``, ``Layer``, ``Place``, ``Object``."""
    detail: str = ""
    icon: str = ""
    words: str = ""
    """What else it is found by."""
    keys: str = ""
    enabled: bool = True
    run: Callable[[], None]


def score(query: str, title: str, words: str = "") -> int:
    """Return how well ``query`` fits; 0: not at all.

    Every word of the query must be found: at the title's start, at a word's start, as the start of one
    of ``words``, inside the title, or inside ``words``.
    """
    total = 1
    lowered, other = title.lower(), words.lower()
    starts, other_starts = f" {lowered}", f" {other}"
    for word in query.lower().split():
        if lowered.startswith(word):
            total += 12
        elif f" {word}" in starts:
            total += 8
        elif f" {word}" in other_starts:
            total += 6
        elif word in lowered:
            total += 5
        elif word in other:
            total += 2
        else:
            return 0
    return total + (10 if lowered == query.lower().strip() else 0)


def ranked(query: str, entries: Iterable[Entry], *, most: int = 50) -> list[Entry]:
    """Return the entries that fit, the best first; all of them, as they come, for an empty query."""
    scored = [(score(query, entry.title, f"{entry.words} {entry.detail}"), entry) for entry in entries]
    fitting = [(points - (0 if entry.enabled else 3), entry) for points, entry in scored if points]
    return [entry for _, entry in sorted(fitting, key=lambda pair: -pair[0])][:most]


def objects_like(
    query: str, models: Sequence[tuple[LayerSpec, CityModel]], *, most: int = MOST_OBJECTS
) -> list[tuple[LayerSpec, int]]:
    """Return (layer, row) of city objects whose id holds ``query``, case ignored."""
    wanted = query.strip().lower()
    found: list[tuple[LayerSpec, int]] = []
    if len(wanted) < 2:
        return found
    for layer, model in models:
        for row, identifier in enumerate(model.object_ids):
            if wanted in identifier.lower():
                found.append((layer, row))
                if len(found) == most:
                    return found
    return found

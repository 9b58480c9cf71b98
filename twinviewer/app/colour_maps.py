"""Colour maps: the shipped ones and those that plugins contribute, known by name in one place.

A colour map is data: 2 to 1024 colours in a small JSON file; fewer than 256 are blended, or stand as equal steps.
Names of contributed ones are contribution ids, which no shipped one can have, for they hold a dot.
"""

from __future__ import annotations

import json
import re
import threading
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.errors import PluginError
from twinviewer.resources import asset

Uint8s = NDArray[np.uint8]

DEFAULT_MAP = "viridis"
SIZE_LIMIT_BYTES = 64 * 1024
FEWEST, MOST = 2, 1024
ROWS = 256
"""Of a map that has no more colours than that."""

_HEX = re.compile(r"[0-9a-fA-F]{6}(\s+[0-9a-fA-F]{6})*")


_lock = threading.Lock()
_contributed: dict[str, Uint8s] = {}


def read_colour_map(path: Path) -> Uint8s:
    """Return the colours (n, 3) of a file like those in ``assets/colour_maps``, from the lower end to the upper.

    Raises:
        PluginError: It cannot be read, is too large, or holds no colours.
    """
    cure = "Take one of assets/colour_maps as an example: “colours” holds 2 to 1024 colours as rrggbb."
    try:
        if path.stat().st_size > SIZE_LIMIT_BYTES:
            raise PluginError("A colour map is larger than 64 KiB.", cure=cure, source=str(path))
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise PluginError(
            f"A colour map cannot be read: {error.strerror}.", cure="Correct its path in plugin.toml.", source=str(path)
        ) from error
    except (ValueError, RecursionError) as error:
        raise PluginError(f"A colour map is not valid: {error}.", cure=cure, source=str(path)) from error
    colours_text = content.get("colours") if isinstance(content, dict) else None
    text = colours_text.strip() if isinstance(colours_text, str) else ""
    if not _HEX.fullmatch(text) or not FEWEST <= len(text.split()) <= MOST:
        raise PluginError("A colour map has no colours.", cure=cure, source=str(path))
    colours = np.frombuffer(bytes.fromhex(text), dtype=np.uint8).reshape(-1, 3)
    if len(colours) >= ROWS:
        return colours
    if content.get("kind") == "steps":  # else it is blended
        return colours[np.arange(ROWS) * len(colours) // ROWS]
    at = np.linspace(0, len(colours) - 1, ROWS)
    channels = [np.interp(at, np.arange(len(colours)), colours[:, channel]) for channel in range(3)]
    return np.rint(np.column_stack(channels)).astype(np.uint8)


def contribute(name: str, colours: Uint8s) -> None:
    """Make the colours (n, 3) known as ``name``: in scales, styles and legends, everywhere in the process."""
    with _lock:
        _contributed[name] = colours


def withdraw(name: str) -> None:
    """Forget a contributed map, if it is there."""
    with _lock:
        _contributed.pop(name, None)


def colours_of(name: str) -> Uint8s:
    """Return the colours (n, 3) of the map ``name``; viridis where there is no map of that name."""
    with _lock:
        contributed = _contributed.get(name)
    if contributed is not None:
        return contributed
    return _shipped(name if name in shipped() else DEFAULT_MAP)


def names() -> frozenset[str]:
    """Return every name that a scale or a style may give."""
    with _lock:
        return shipped() | _contributed.keys()


@cache
def shipped() -> frozenset[str]:
    """Return the names of the maps that ship with the program."""
    return frozenset(path.stem for path in asset("colour_maps").glob("*.json"))


@cache
def _shipped(name: str) -> Uint8s:
    return read_colour_map(asset("colour_maps") / f"{name}.json")

"""One piece of foreign data as layer data, and how values of the whole object become values of the piece."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from twinviewer.model.layer_data import LayerData


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A part of an object that is drawn as one thing: its triangles, its lines, its points."""

    data: LayerData
    named: Callable[[str], NDArray[Any] | None]
    """Returns the numbers (n,) of that name, one for each vertex, triangle, feature or point of ``data``."""
    spread: Callable[[NDArray[Any]], NDArray[Any] | None]
    """Returns values (n,) from ones given for each point, cell, row … of the whole object; None: they do not fit."""

"""The site of a call, as a plugin sees it in its own process: what is asked for is answered by the viewer."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from twinviewer.api.contracts import CityObjects
from twinviewer.model.layer_data import FeatureTable
from twinviewer.model.place import Extent, ReferenceSystem


class RemoteSite:
    """Implements :class:`twinviewer.api.Site`.  What cannot change is asked for once.

    Args:
        crs: Of the project.
        extent: Around all layers.
        ask: Has the viewer call a method of the site, by its name and with these arguments.
    """

    def __init__(self, *, crs: ReferenceSystem, extent: Extent, ask: Callable[..., Any]) -> None:
        self._crs, self._extent, self._ask = crs, extent, ask
        self._lock = threading.Lock()
        self._city_objects: CityObjects | None = None
        self._features: dict[str, FeatureTable | None] = {}

    @property
    def crs(self) -> ReferenceSystem:
        return self._crs

    @property
    def extent(self) -> Extent:
        return self._extent

    @property
    def city_objects(self) -> CityObjects:
        with self._lock:
            if self._city_objects is None:
                self._city_objects = self._ask("city_objects")
            return self._city_objects

    def features(self, role: str) -> FeatureTable | None:
        """Return the features of the first layer with that role, or None."""
        with self._lock:
            if role not in self._features:
                self._features[role] = self._ask("features", role=role)
            return self._features[role]

    def ground_height(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return terrain heights (n,) in metres at positions (n, 2)."""
        heights: NDArray[np.float64] = self._ask("ground_height", xy=np.asarray(xy, dtype=np.float64))
        return heights.copy()  # what comes over is read-only; the viewer's own answer is not

    def objects_at(self, xy: NDArray[np.float64]) -> tuple[str, ...]:
        """Return the id of the city object whose footprint each position (n, 2) is in; "" where there is none."""
        found: tuple[str, ...] = self._ask("objects_at", xy=np.asarray(xy, dtype=np.float64))
        return found

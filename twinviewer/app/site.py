"""The place that feeds and overlays are about: a snapshot of what a session has loaded.

A snapshot never changes and may be asked from any thread; what costs time is worked out when first asked for, once.
"""

from __future__ import annotations

import threading
from functools import reduce

import numpy as np
from numpy.typing import NDArray

from twinviewer.api.contracts import CityObjects
from twinviewer.app.session import Session
from twinviewer.geometry.drape import ground_level_m, heights_at, heights_on
from twinviewer.geometry.footprints import Footprints
from twinviewer.geometry.georeference import determinant
from twinviewer.model.layer_data import CityModel, FeatureTable, LayerData, TerrainGrid
from twinviewer.model.place import Extent, ReferenceSystem
from twinviewer.model.project import LayerSpec

Float64s = NDArray[np.float64]


_LEVEL = 0.7
"""Upward part of the unit normal of what can be stood upon."""


class SessionSite:
    """Implements :class:`twinviewer.api.Site`.

    Args:
        crs: The project's reference system.
        extent: Around all layers.
        layers: The layers that are loaded, top of the list first.
    """

    def __init__(
        self, *, crs: ReferenceSystem, extent: Extent, layers: tuple[tuple[LayerSpec, LayerData], ...]
    ) -> None:
        self._crs = crs
        self._extent = extent
        self._layers = layers
        self._lock = threading.Lock()
        self._city_objects: CityObjects | None = None
        self._base_m: float | None = None
        self._deck_triangles: Float64s | None = None
        self._footprints: tuple[tuple[CityModel, Footprints], ...] | None = None

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
                self._city_objects = reduce(_joined, map(_city_objects, self.city_models), _NO_OBJECTS)
            return self._city_objects

    def features(self, role: str) -> FeatureTable | None:
        """Return the features of the first layer with that role, or None."""
        for spec, data in self._layers:
            if spec.role == role and isinstance(data, FeatureTable):
                return data
        return None

    def ground_height(self, xy: Float64s) -> Float64s:
        """Return heights (n,) in metres at positions (n, 2).

        Where several terrains lie, the finest counts; where none lies, the height at which buildings stand; and on a
        bridge, its deck.
        """
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        heights = np.full(len(points), np.nan)
        terrains = [data for _, data in self._layers if isinstance(data, TerrainGrid)]
        for terrain in sorted(terrains, key=_cell_area):
            open_ = np.isnan(heights)
            heights[open_] = heights_at(terrain, points[open_], outside_m=np.nan)
        ground = np.where(np.isnan(heights), self._base(), heights)
        return np.fmax(ground, heights_on(self._decks(), points))

    def objects_at(self, xy: Float64s) -> tuple[str, ...]:
        """Return the id of the city object whose footprint each position (n, 2) is in; "" where there is none.

        The footprint is what the object covers as seen from above.  Where several lie over one another, the one that
        reaches highest counts.
        """
        points = np.asarray(xy, dtype=np.float64).reshape(-1, 2)
        ids = [""] * len(points)
        highest = np.full(len(points), -np.inf)
        for model, footprints in self._all_footprints():
            found, top = footprints.at(points)
            for at in np.flatnonzero(top > highest).tolist():
                ids[at] = model.object_ids[found[at]]
            highest = np.fmax(highest, top)
        return tuple(ids)

    def _all_footprints(self) -> tuple[tuple[CityModel, Footprints], ...]:
        with self._lock:
            if self._footprints is None:
                self._footprints = tuple((model, _footprints_of(model)) for model in self.city_models)
            return self._footprints

    @property
    def city_models(self) -> tuple[CityModel, ...]:
        """The city models, top of the layer list first."""
        return tuple(data for _, data in self._layers if isinstance(data, CityModel))

    def _decks(self) -> Float64s:
        """Return the triangles (t, 3, 3) of bridges that can be stood upon."""
        with self._lock:
            if self._deck_triangles is None:
                self._deck_triangles = np.concatenate([np.empty((0, 3, 3)), *map(_decks_of, self.city_models)])
            return self._deck_triangles

    def _base(self) -> float:
        """Return the height of the ground where there is no terrain."""
        with self._lock:
            if self._base_m is None:
                standing = (data for _, data in self._layers if not isinstance(data, TerrainGrid))
                self._base_m = ground_level_m(standing)
            return self._base_m


def site_of(session: Session) -> SessionSite | None:
    """Return a snapshot of the session's place, or None while nothing that lies somewhere is loaded.

    Costs next to nothing: arrays are shared, not copied.  Only for the thread that owns the session.
    """
    project = session.project
    found = ((spec, session.store.get(spec.id)) for spec in project.layers)
    layers = tuple((spec, data) for spec, data in found if data is not None)
    extent = Extent.around(data.extent for _, data in layers)
    if project.crs is None or extent is None:
        return None
    return SessionSite(crs=project.crs, extent=extent, layers=layers)


_NO_OBJECTS = CityObjects(ids=(), types=(), positions=np.empty((0, 3)), heights_m=np.empty(0))


def _joined(first: CityObjects, second: CityObjects) -> CityObjects:
    return CityObjects(
        ids=first.ids + second.ids,
        types=first.types + second.types,
        positions=np.concatenate((first.positions, second.positions)),
        heights_m=np.concatenate((first.heights_m, second.heights_m)),
    )


def _city_objects(model: CityModel) -> CityObjects:
    """Return the objects that own triangles, with the centres of their boxes."""
    owner = model.surface_object[model.triangle_surface]
    corners = model.vertices[model.triangles]
    n = len(model.object_ids)
    order = np.argsort(owner, kind="stable")
    owners, first = np.unique(owner[order], return_index=True)
    if len(owners) == 0:
        return _NO_OBJECTS
    low = np.minimum.reduceat(corners.min(axis=1)[order], first, axis=0)
    high = np.maximum.reduceat(corners.max(axis=1)[order], first, axis=0)
    kept = (owners >= 0) & (owners < n)
    rows = owners[kept].tolist()
    return CityObjects(
        ids=tuple(model.object_ids[row] for row in rows),
        types=tuple(model.type_names[model.object_type[row]] for row in rows),
        positions=((low + high) / 2)[kept],
        heights_m=(high - low)[kept, 2],
    )


def _footprints_of(model: CityModel) -> Footprints:
    owner = model.surface_object[model.triangle_surface]
    return Footprints(vertices=model.vertices, triangles=model.triangles, owner=owner)


def _decks_of(model: CityModel) -> Float64s:
    """Return the triangles (t, 3, 3) of a model's bridges that face up."""
    is_bridge = np.array([name.startswith("Bridge") for name in model.type_names], dtype=np.bool_)
    if not is_bridge.any():
        return np.empty((0, 3, 3))
    owner = model.surface_object[model.triangle_surface]
    corners = model.vertices[model.triangles[(owner >= 0) & is_bridge[model.object_type[owner]]]]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    level = normals[:, 2] > _LEVEL * np.linalg.norm(normals, axis=1)
    decks: Float64s = corners[level]
    return decks


def _cell_area(terrain: TerrainGrid) -> float:
    return abs(determinant(terrain.transform))

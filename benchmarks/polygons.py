"""The polygons of a city cut into triangles, and looked at for flaws, against what earcut's calls alone cost."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
from mapbox_earcut import triangulate_float64

from benchmarks.rows import Row, interleaved_s
from twinviewer.formats import citygml
from twinviewer.geometry import triangulation, validity
from twinviewer.geometry.validity import Polygons
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel

TIMES = 7


def rows(path: Path) -> Iterator[Row]:
    """Measure the polygons of a CityGML file, with compiled loops that are loaded, as in a worker."""
    (model,) = citygml.read(path=path, feedback=Silent())
    assert isinstance(model, CityModel)
    polygons = _polygons_of(model)
    triangulation.make_ready()
    validity.make_ready()
    cut = partial(
        triangulation.triangulate_polygons, polygons.vertices, polygons.ring_offsets, polygons.polygon_offsets
    )
    title, peer = f"{len(polygons.shell):,} polygons", "earcut's calls alone"
    ours_s, peer_s = interleaved_s(cut, _Earcut(polygons).call, times=TIMES)
    yield Row(title=f"{title}, to triangles", ours_s=ours_s, peer=peer, peer_s=peer_s, target=0.2)
    looked_at = partial(validity.find_flaws, polygons, cut())
    ours_s, peer_s = interleaved_s(looked_at, _Earcut(polygons).call, times=TIMES)
    yield Row(title=f"{title}, and their shells, to flaws", ours_s=ours_s, peer=peer, peer_s=peer_s, target=0.25)


def _polygons_of(model: CityModel) -> Polygons:
    """Return the polygons that a model's edges go around."""
    begins, surface = model.edges[:, 0], model.edge_surface
    is_first = np.ones(len(begins), np.bool_)
    is_first[1:] = surface[1:] != surface[:-1]
    starts = np.flatnonzero(is_first | np.r_[True, model.edges[:-1, 1] != begins[1:]])
    rows, ring_count = np.unique(surface[starts], return_counts=True)
    made = model.geometries
    return Polygons(
        vertices=model.vertices[begins],
        ring_offsets=np.append(starts, len(begins)),
        polygon_offsets=np.concatenate([[0], np.cumsum(ring_count)]),
        is_turned=np.zeros(len(rows), np.bool_),
        shell=np.full(len(rows), -1) if made is None else made.surface_shell[rows].astype(np.int64),
        shell_solid=np.empty(0, np.int64) if made is None else made.shell_solid.astype(np.int64),
    )


class _Earcut:
    """The calls, with all that they need prepared: each polygon as seen along the axis that it faces most."""

    def __init__(self, polygons: Polygons) -> None:
        self._arguments = []
        for first, last in zip(polygons.polygon_offsets[:-1], polygons.polygon_offsets[1:], strict=True):
            offsets = polygons.ring_offsets[first : last + 1]
            corners = polygons.vertices[offsets[0] : offsets[-1]] - polygons.vertices[offsets[0]]
            outer = corners[: offsets[1] - offsets[0]]
            axis = np.abs(np.cross(outer, np.roll(outer, -1, axis=0)).sum(axis=0)).argmax()
            flat = np.ascontiguousarray(np.delete(corners, axis, axis=1))
            self._arguments.append((flat, (offsets[1:] - offsets[0]).astype(np.uint32)))

    def call(self) -> None:
        for flat, ends in self._arguments:
            triangulate_float64(flat, ends)

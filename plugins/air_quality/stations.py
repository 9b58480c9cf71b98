"""Where measuring stations stand: at street corners spread over the city, or on a grid where there are no streets."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinviewer.api import FeatureTable, Site, Thing

Float64s = NDArray[np.float64]

COUNT = 24
INLET_HEIGHT_M = 2.5  # Directive (EU) 2024/2881, annex IV: inlets between 0.5 m and 4 m above the ground
CORNER_M = 7.0
"""From the crossing of the street axes to the kerb."""


def place_stations(site: Site, *, count: int = COUNT) -> tuple[Thing, ...]:
    """Return the stations of a site, always the same for the same site."""
    streets = site.features("streets")
    corners = _corners(streets) if streets is not None else np.empty((0, 2))
    if len(corners) < count:
        corners = np.concatenate((corners, _grid(site, count - len(corners))))
    spread = corners[_spread(corners, count)]
    inlet = site.ground_height(spread) + INLET_HEIGHT_M
    return tuple(
        Thing(id=f"station-{number:02d}", name=f"Station {number}", position=(float(x), float(y), float(z)))
        for number, ((x, y), z) in enumerate(zip(spread, inlet, strict=True), start=1)
    )


def _corners(streets: FeatureTable) -> Float64s:
    """Return kerb positions (n, 2) where three or more arms of streets meet, at their ends or at a common vertex."""
    vertices = streets.line_vertices[:, :2]
    first = np.delete(np.arange(len(vertices)), streets.line_offsets[1:] - 1)
    first = first[np.any(vertices[first] != vertices[first + 1], axis=1)]
    ends = np.concatenate((vertices[first], vertices[first + 1]))
    inner = np.concatenate((vertices[first + 1], vertices[first]))
    _, node, degree = np.unique(np.round(ends, 1), axis=0, return_inverse=True, return_counts=True)
    by_node = np.split(np.argsort(node.reshape(-1), kind="stable"), np.cumsum(degree)[:-1])
    corners = []
    for arms in (by_node[crossing] for crossing in np.flatnonzero(degree >= 3)):
        directions = np.sort(np.arctan2(*(inner[arms] - ends[arms]).T[::-1]))
        gaps = np.diff(directions, append=directions[0] + 2 * np.pi)
        widest = int(gaps.argmax())
        middle = directions[widest] + gaps[widest] / 2
        corners.append(ends[arms[0]] + CORNER_M * np.array((np.cos(middle), np.sin(middle))))
    return np.array(corners).reshape(-1, 2)


def _grid(site: Site, count: int) -> Float64s:
    """Return ``count`` positions (n, 2) on a grid over the inner part of the site."""
    extent = site.extent
    side = int(np.ceil(np.sqrt(count)))
    share = (np.arange(side) + 0.5) / side * 0.8 + 0.1
    x, y = np.meshgrid(extent.min_x + share * extent.size[0], extent.min_y + share * extent.size[1])
    return np.column_stack((x.ravel(), y.ravel()))[:count]


def _spread(points: Float64s, count: int) -> NDArray[np.intp]:
    """Return rows of ``points`` that lie far from each other, the most central one first."""
    chosen = [int(np.linalg.norm(points - np.median(points, axis=0), axis=1).argmin())]
    distance = np.full(len(points), np.inf)
    while len(chosen) < min(count, len(points)):
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
        chosen.append(int(distance.argmax()))
    return np.array(chosen)

"""Flat geometry onto the ground: cut finely enough that it follows the terrain, no finer.

Arrays only; heights come from :class:`Ground`, the terrain as it is drawn.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from twinviewer.scene.ground import Ground

Float64s = NDArray[np.float64]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]

TOLERANCE_M = 0.12
"""How far an edge may pass beside the ground before it is halved."""
MOST_TRIANGLES = 600_000
_MOST_ROUNDS = 9


def refined(
    points: Float64s, triangles: Int32s, *, ground: Ground, lift_m: float
) -> tuple[Float64s, Int32s, NDArray[np.intp]]:
    """Lay triangles on the ground, halving edges that would cut through it or float above it.

    Neighbours share every halved edge, so no gaps open.

    Returns:
        Points (p, 3), triangles (m, 3), and which of the given triangles each is part of (m,).
    """
    xy = points[:, :2].copy()
    z = ground.heights_at(xy)
    source = np.arange(len(triangles))
    if ground.terrain is not None:
        for _ in range(_MOST_ROUNDS):
            if len(triangles) > MOST_TRIANGLES:
                break
            xy, z, triangles, source, changed = _halve(xy, z, triangles, source, ground)
            if not changed:
                break
    return np.column_stack([xy, z + lift_m]), triangles.astype(np.int32), source


def _halve(
    xy: Float64s, z: Float64s, triangles: Int32s, source: NDArray[np.intp], ground: Ground
) -> tuple[Float64s, Float64s, Int32s, NDArray[np.intp], bool]:
    """Do one round of :func:`refined`: each triangle into two, three or four by its marked edges."""
    ends = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1).astype(np.int64)
    keys, edge = np.unique(ends[:, 0] * len(xy) + ends[:, 1], return_inverse=True)
    first, second = keys // len(xy), keys % len(xy)
    lengths = np.hypot(*(xy[second] - xy[first]).T)
    off = np.zeros(len(keys))
    for share in (0.25, 0.5, 0.75):
        between = xy[first] * (1 - share) + xy[second] * share
        off = np.maximum(off, np.abs(ground.heights_at(between) - (z[first] * (1 - share) + z[second] * share)))
    coarse = lengths > 8 * ground.cell_m  # three samples on a long edge prove nothing
    marked = ((off > TOLERANCE_M) & (lengths > ground.cell_m / 2)) | (coarse & (off > TOLERANCE_M / 4))
    if not marked.any():
        return xy, z, triangles, source, False
    middle = np.full(len(keys), -1, dtype=np.int32)
    middle[marked] = len(xy) + np.arange(int(marked.sum()), dtype=np.int32)
    halves = (xy[first[marked]] + xy[second[marked]]) / 2
    xy, z = np.concatenate([xy, halves]), np.concatenate([z, ground.heights_at(halves)])
    cut = middle[edge].reshape(-1, 3)  # the new vertex on edges 01, 12, 20 of each triangle, or −1
    triangles, source = _cut(triangles, cut, source, xy)
    return xy, z, triangles, source, True


def _cut(triangles: Int32s, cut: Int32s, source: NDArray[np.intp], xy: Float64s) -> tuple[Int32s, NDArray[np.intp]]:
    """Return the triangles (m, 3) cut at the new vertices ``cut`` (m, 3) of their edges, and their sources."""
    count = (cut >= 0).sum(axis=1)
    whole = count == 0
    pieces, sources = [triangles[whole]], [source[whole]]

    def keep(rows: NDArray[np.intp], *corners: Int32s) -> None:
        pieces.append(np.stack(corners, axis=1))
        sources.append(source[rows])

    for turn in range(3):  # turned so that the cut edge, or the uncut one, is the same for all
        a, b, c = (triangles[:, (turn + corner) % 3] for corner in range(3))
        ab, bc, ca = (cut[:, (turn + side) % 3] for side in range(3))
        one = np.flatnonzero((count == 1) & (ab >= 0))
        keep(one, a[one], ab[one], c[one])
        keep(one, ab[one], b[one], c[one])
        two = np.flatnonzero((count == 2) & (ca < 0))
        keep(two, ab[two], b[two], bc[two])
        shorter = np.hypot(*(xy[a[two]] - xy[bc[two]]).T) < np.hypot(*(xy[ab[two]] - xy[c[two]]).T)
        rows = two[shorter]
        keep(rows, a[rows], ab[rows], bc[rows])
        keep(rows, a[rows], bc[rows], c[rows])
        rows = two[~shorter]
        keep(rows, a[rows], ab[rows], c[rows])
        keep(rows, ab[rows], bc[rows], c[rows])
    three = np.flatnonzero(count == 3)
    a, b, c = triangles[three].T
    ab, bc, ca = cut[three].T
    keep(three, a, ab, ca)
    keep(three, ab, b, bc)
    keep(three, ca, bc, c)
    keep(three, ab, bc, ca)
    return np.concatenate(pieces), np.concatenate(sources)


def densified(vertices: Float64s, offsets: Int64s, *, ground: Ground, drape: bool) -> tuple[Float64s, Int64s]:
    """Return ragged lines with vertices added about every grid cell and laid on the ground, unless ``drape`` is off."""
    if not drape or len(vertices) == 0:
        return vertices, offsets
    if ground.terrain is None:
        flat = vertices.copy()
        flat[:, 2] = ground.level_m
        return flat, offsets
    lengths = np.diff(offsets)
    steps = np.hypot(*np.diff(vertices[:, :2], axis=0, append=vertices[-1:, :2]).T)
    parts = np.clip(np.ceil(steps / ground.cell_m), 1, 1000).astype(np.int64)
    last = offsets[1:][lengths > 0] - 1
    parts[last] = 1  # the last vertex of a line stands alone
    start = np.repeat(np.arange(len(vertices)), parts)
    share = (np.arange(len(start)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[start]
    following = np.minimum(start + 1, len(vertices) - 1)
    xy = vertices[start, :2] * (1 - share[:, None]) + vertices[following, :2] * share[:, None]
    new_offsets = np.concatenate([[0], np.cumsum(parts)])[offsets]
    return np.column_stack([xy, ground.heights_at(xy)]), new_offsets


def ribbons(vertices: Float64s, offsets: Int64s, width_m: NDArray[np.float32]) -> tuple[Float64s, Int32s, Int32s]:
    """Return ragged lines as flat strips, mitred where they bend.

    Args:
        vertices: (k, 3).
        offsets: (l + 1,).
        width_m: (l,) of each line.

    Returns:
        Points (2 k, 3), triangles (m, 3), and the line of each triangle (m,).
    """
    lengths = np.diff(offsets)
    line = np.repeat(np.arange(len(lengths)), lengths)
    along = np.diff(vertices[:, :2], axis=0, append=vertices[-1:, :2])
    length = np.linalg.norm(along, axis=1, keepdims=True)
    along = along / np.where(length > 0, length, 1)
    ends = offsets[1:][lengths > 0] - 1
    begins = offsets[:-1][lengths > 0]
    inner = np.ones(len(vertices), dtype=np.bool_)
    inner[ends] = False
    along[ends] = along[np.maximum(ends - 1, 0)]
    before = np.roll(along, 1, axis=0)
    before[begins] = along[begins]
    across, across_before = (np.stack([-side[:, 1], side[:, 0]], axis=1) for side in (along, before))
    mitre = across + across_before
    squared = np.einsum("ij,ij->i", mitre, mitre)[:, None]
    sharp = squared < 0.5  # a hairpin: a mitre would be a long spike
    mitre = np.where(sharp, across, 2 * mitre / np.where(squared > 0, squared, 1))
    half = (width_m[line] / 2)[:, None] * mitre
    points = np.repeat(vertices, 2, axis=0)
    points[0::2, :2] += half
    points[1::2, :2] -= half
    first = (2 * np.flatnonzero(inner)).astype(np.int32)
    triangles = np.stack([first, first + 1, first + 2, first + 2, first + 1, first + 3], axis=1).reshape(-1, 3)
    return points, triangles.astype(np.int32), np.repeat(line[inner], 2).astype(np.int32)

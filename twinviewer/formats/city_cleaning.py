"""What of the surfaces of a city model can be drawn: corners that repeat taken out, and what then has no shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinviewer.formats.city_surfaces import Bools, Float64s, Int64s, Look, RaggedSurfaces, SurfaceKind, offsets
from twinviewer.formats.city_validity import TOLD, Told, tell
from twinviewer.formats.findings import Findings
from twinviewer.geometry.validity import Flaw
from twinviewer.model.diagnostics import Severity


class _Needed(NamedTuple):
    """What a ring of a kind of surface must have."""

    corners: int
    code: str
    problem: str


_NEEDED = {
    SurfaceKind.POLYGON: _Needed(
        corners=3,
        code=TOLD[Flaw.TOO_FEW_POINTS].code,
        problem=TOLD[Flaw.TOO_FEW_POINTS].problem,
    ),
    SurfaceKind.CURVE: _Needed(
        corners=2,
        code="curve.too-few-points",
        problem="Curves with fewer than two different points are not shown.",
    ),
    SurfaceKind.POINTS: _Needed(
        corners=1,
        code="points.none",
        problem="Sets of points without a point are not shown.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """Surfaces that can be drawn."""

    surfaces: RaggedSurfaces
    rows: Int64s
    """(k,) which of the surfaces that were given these are, ascending."""
    flawed: Bools
    """(s,) which of the surfaces that were given are not shown, or not with all their rings and corners."""


def cleaned(
    surfaces: RaggedSurfaces, vertices: Float64s, ids: Sequence[str], findings: Findings, *, rings_close: bool
) -> Cleaned:
    """Return what of the surfaces can be drawn; what cannot is told.

    Corners that repeat the one before them, or close a ring, are taken out; so are rings that then have too few.

    Args:
        surfaces: With corners that are indices into ``vertices``.
        vertices: (v, 3)
        ids: Of the city objects.
        findings: Hear what is left out, and of which objects.
        rings_close: Whether the last corner of a polygon's ring should be its first one again.
    """
    ring_surface, corner_ring = surfaces.ring_surface, surfaces.corner_ring
    bad: Bools = np.zeros(len(surfaces.object), np.bool_)
    flawed: Bools = np.zeros(len(surfaces.object), np.bool_)

    def tell_of(found: Int64s, code: str, problem: str) -> None:
        tell(Told(code=code, problem=problem, severity=Severity.WARNING), surfaces.object[found], ids, findings)

    def exclude(found: Int64s, code: str, problem: str) -> None:
        numbers = np.unique(found)
        numbers = numbers[~bad[numbers]]
        bad[numbers] = True
        tell_of(numbers, code, problem)

    corners = surfaces.corners
    outside = (corners < 0) | (corners >= len(vertices))
    if outside.any():
        problem = "Surfaces that name a vertex which is not in the file are not shown."
        exclude(ring_surface[corner_ring[outside]], "vertex.out-of-range", problem)
        corners = np.where(outside, 0, corners)
    finite: Bools = np.asarray(np.isfinite(vertices).all(axis=1))
    if not finite.all():
        problem = "Surfaces with coordinates that are not finite numbers are not shown."
        exclude(ring_surface[corner_ring[~finite[corners]]], "coordinates.not-finite", problem)
    kept = _differing(corners, surfaces, vertices)
    ring_size = np.bincount(corner_ring[kept], minlength=len(surfaces.ring_size))
    keep_ring = np.ones(len(ring_size), np.bool_)
    for kind, needed in _NEEDED.items():
        of_kind = surfaces.kind == kind
        short = of_kind[ring_surface] & (ring_size < needed.corners)
        if kind is SurfaceKind.POLYGON:  # what has no outer ring has nothing
            outer = np.zeros(len(ring_size), np.bool_)
            outer[offsets(surfaces.ring_count)[:-1][surfaces.ring_count > 0]] = True
            lost = ring_surface[short & outer]
        else:
            left = np.bincount(ring_surface[~short], minlength=len(bad))
            lost = np.flatnonzero(of_kind & (left == 0) & (surfaces.ring_count > 0))
        without_rings = np.flatnonzero(of_kind & (surfaces.ring_count == 0))
        exclude(np.concatenate([lost, without_rings]), needed.code, needed.problem)
        flawed[ring_surface[short]] = True
        tell_of(ring_surface[short & ~bad[ring_surface]], needed.code, needed.problem)
        keep_ring &= ~short
    keep_ring &= ~bad[ring_surface]
    ring_of_polygon = (surfaces.kind == SurfaceKind.POLYGON)[ring_surface] & keep_ring
    last = offsets(surfaces.ring_size)[1:][ring_of_polygon] - 1
    repeats = ~kept & ring_of_polygon[corner_ring]
    if rings_close:
        not_closed = np.unique(ring_surface[ring_of_polygon][kept[last]])
        tell(TOLD[Flaw.RING_NOT_CLOSED], surfaces.object[not_closed], ids, findings)
        flawed[not_closed] = True
        repeats[last] = False
    if repeats.any():
        repeating = np.unique(ring_surface[corner_ring[repeats]])
        tell(TOLD[Flaw.CONSECUTIVE_POINTS_SAME], surfaces.object[repeating], ids, findings)
        flawed[repeating] = True
    rows = np.flatnonzero(~bad)
    keep_corner = kept & keep_ring[corner_ring]
    return Cleaned(
        surfaces=RaggedSurfaces(
            object=surfaces.object[rows],
            semantic=surfaces.semantic[rows],
            lod=surfaces.lod[rows],
            reversed=surfaces.reversed[rows],
            kind=surfaces.kind[rows],
            thematic=surfaces.thematic[rows],
            geometry=surfaces.geometry[rows],
            shell=surfaces.shell[rows],
            ring_count=np.bincount(ring_surface[keep_ring], minlength=len(bad))[rows],
            ring_size=ring_size[keep_ring],
            corners=corners[keep_corner],
            looks={
                theme: Look(
                    material=look.material[rows],
                    texture=look.texture[rows],
                    coordinates=look.coordinates[keep_corner] if len(look.coordinates) else look.coordinates,
                )
                for theme, look in surfaces.looks.items()
            },
        ),
        rows=rows,
        flawed=flawed | bad,
    )


def following(surfaces: RaggedSurfaces) -> Int64s:
    """Return the corner (c,) that comes after each one in its ring, after the last one the first."""
    result = np.arange(1, len(surfaces.corners) + 1)
    ring_offsets = offsets(surfaces.ring_size)
    filled = np.flatnonzero(surfaces.ring_size > 0)
    result[ring_offsets[filled + 1] - 1] = ring_offsets[filled]
    return result


def closing(surfaces: RaggedSurfaces) -> Bools:
    """Return which corners (c,) are the last ones of open lines, after which nothing follows."""
    result = np.zeros(len(surfaces.corners), np.bool_)
    if (surfaces.kind == SurfaceKind.CURVE).any():
        last = offsets(surfaces.ring_size)[1:] - 1
        of_curve = (surfaces.kind == SurfaceKind.CURVE)[surfaces.ring_surface]
        result[last[of_curve & (surfaces.ring_size > 0)]] = True
    return result


def _differing(corners: Int64s, surfaces: RaggedSurfaces, vertices: Float64s) -> Bools:
    """Return which corners (c,) are kept: those that lie elsewhere than the one that follows them in their ring.

    Of an open line the last one is kept in any case, of a set of points all are.
    """
    if len(corners) == 0 or len(vertices) == 0:
        return np.zeros(len(corners), np.bool_)
    after = following(surfaces)
    differing = closing(surfaces)
    for axis in vertices.T:  # any(axis=1) would take four times as long
        along = axis[corners]
        differing |= along != along[after]
    of_points = surfaces.kind == SurfaceKind.POINTS
    if of_points.any():
        differing |= of_points[surfaces.ring_surface[surfaces.corner_ring]]
    return differing

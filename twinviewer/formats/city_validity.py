"""Geometry of a city model that is not valid: it is drawn as well as can be, and told in the codes of val3dity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from twinviewer.formats.city_surfaces import Float64s, Int64s, RaggedSurfaces, SurfaceKind, offsets
from twinviewer.formats.findings import Findings
from twinviewer.geometry.triangulation import Triangulation
from twinviewer.geometry.validity import Flaw, Polygons, find_flaws
from twinviewer.model.diagnostics import Severity


class Told(NamedTuple):
    """What is said of a flaw."""

    code: str
    problem: str
    severity: Severity = Severity.INFO


NOT_SHOWN = Told(code="val3dity.104", problem="Surfaces without area are not shown.", severity=Severity.WARNING)
"""The one flaw that leaves nothing to draw of a surface with enough points."""

TOLD = {
    Flaw.TOO_FEW_POINTS: Told(
        code="val3dity.101",
        problem="Rings with fewer than three different points are not shown.",
        severity=Severity.WARNING,
    ),
    Flaw.CONSECUTIVE_POINTS_SAME: Told(
        code="val3dity.102",
        problem="Rings that give a point twice in a row are shown as if they gave it once.",
    ),
    Flaw.RING_NOT_CLOSED: Told(
        code="val3dity.103",
        problem="Rings that do not end where they begin are shown closed by a straight line.",
        severity=Severity.WARNING,
    ),
    Flaw.RING_SELF_INTERSECTION: Told(
        code="val3dity.104",
        problem="Surfaces whose outline crosses or touches itself are filled as well as can be.",
        severity=Severity.WARNING,
    ),
    Flaw.INTERSECTION_RINGS: Told(
        code="val3dity.201",
        problem="Surfaces with holes that cross each other or the outline are filled as well as can be.",
        severity=Severity.WARNING,
    ),
    Flaw.DUPLICATED_RINGS: Told(
        code="val3dity.202",
        problem="Surfaces that have the same ring twice are filled as well as can be.",
        severity=Severity.WARNING,
    ),
    Flaw.NON_PLANAR_POLYGON_DISTANCE_PLANE: Told(
        code="val3dity.203",
        problem="Surfaces with points more than 1 cm off their plane are shown bent.",
    ),
    Flaw.NON_PLANAR_POLYGON_NORMALS_DEVIATION: Told(
        code="val3dity.204",
        problem="Surfaces with small folds of more than 20° are shown with them.",
    ),
    Flaw.POLYGON_INTERIOR_DISCONNECTED: Told(
        code="val3dity.205",
        problem="Surfaces that their holes cut into several pieces are shown as those.",
    ),
    Flaw.INNER_RING_OUTSIDE: Told(
        code="val3dity.206",
        problem="Surfaces with holes outside of their outline are filled as well as can be.",
        severity=Severity.WARNING,
    ),
    Flaw.INNER_RINGS_NESTED: Told(
        code="val3dity.207",
        problem="Surfaces with holes inside of holes are filled as well as can be.",
        severity=Severity.WARNING,
    ),
    Flaw.ORIENTATION_RINGS_SAME: Told(
        code="val3dity.208",
        problem="Holes that turn the same way as the outline around them are shown as holes.",
    ),
    Flaw.TOO_FEW_POLYGONS: Told(
        code="val3dity.301",
        problem="Solids of fewer than four surfaces are shown as those.",
    ),
    Flaw.SHELL_NOT_CLOSED: Told(
        code="val3dity.302",
        problem="Solids with gaps between their surfaces are shown with them.",
    ),
    Flaw.NON_MANIFOLD_VERTEX: Told(
        code="val3dity.303",
        problem="Solids with parts that hang together in a single point are shown as they are.",
    ),
    Flaw.NON_MANIFOLD_EDGE: Told(
        code="val3dity.304",
        problem="Solids with edges at which more than two surfaces meet are shown as they are.",
    ),
    Flaw.MULTIPLE_CONNECTED_COMPONENTS: Told(
        code="val3dity.305",
        problem="Solids of parts that do not hang together are shown as those.",
    ),
    Flaw.POLYGON_WRONG_ORIENTATION: Told(
        code="val3dity.307",
        problem="Solids with surfaces that face the other way than their neighbours are shown from both sides.",
    ),
    Flaw.INTERSECTION_SHELLS: Told(
        code="val3dity.401",
        problem="Solids with a hollow that reaches through their outside are shown as they are.",
    ),
    Flaw.DUPLICATED_SHELLS: Told(
        code="val3dity.402",
        problem="Solids that have the same shell twice are shown as they are.",
    ),
    Flaw.INNER_SHELL_OUTSIDE: Told(
        code="val3dity.403",
        problem="Solids with a hollow that lies outside of them are shown as they are.",
    ),
    Flaw.WRONG_ORIENTATION_SHELL: Told(
        code="val3dity.405",
        problem="Solids whose surfaces all face inwards are shown from both sides.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class PolygonsAlone:
    """The polygons among surfaces that also hold curves and points."""

    surfaces: RaggedSurfaces
    rows: Int64s
    """(p,) which of the surfaces the polygons are."""
    corners: Int64s
    """(c,) which of the surfaces' corners are theirs."""
    vertices: Float64s
    """(c, 3) where those are, in metres."""
    ring_offsets: Int64s
    polygon_offsets: Int64s

    @classmethod
    def among(cls, surfaces: RaggedSurfaces, in_metres: Float64s) -> PolygonsAlone:
        """Return the polygons among surfaces whose corners lie at ``in_metres`` (c, 3)."""
        of_polygon = surfaces.kind == SurfaceKind.POLYGON
        rows, corners = np.flatnonzero(of_polygon), np.arange(len(in_metres))
        ring_size, ring_count = surfaces.ring_size, surfaces.ring_count
        if len(rows) < len(of_polygon):
            ring_of_polygon = of_polygon[surfaces.ring_surface]
            corners = np.flatnonzero(ring_of_polygon[surfaces.corner_ring])
            in_metres = in_metres[corners]
            ring_size, ring_count = ring_size[ring_of_polygon], ring_count[of_polygon]
        return cls(
            surfaces=surfaces,
            rows=rows,
            corners=corners,
            vertices=in_metres,
            ring_offsets=offsets(ring_size),
            polygon_offsets=offsets(ring_count),
        )

    def tell_flaws(
        self, cut: Triangulation, shell_solid: Sequence[int], not_judged: Int64s, ids: Sequence[str], findings: Findings
    ) -> None:
        """Tell what of the polygons and of their shells is not valid.

        Args:
            cut: Their triangles.
            shell_solid: Of which solid each shell is, its outer shell first.
            not_judged: Shells of which surfaces are missing or flaws are told already: how these join is not looked at.
            ids: Of the city objects.
            findings: Hear what is found, and on which objects.
        """
        shell = self.surfaces.shell[self.rows]
        if len(not_judged):
            shell = np.where(np.isin(shell, not_judged), -1, shell)
        polygons = Polygons(
            vertices=self.vertices,
            ring_offsets=self.ring_offsets,
            polygon_offsets=self.polygon_offsets,
            is_turned=self.surfaces.reversed[self.rows],
            shell=shell,
            shell_solid=np.array(shell_solid, np.int64),
        )
        owner = self.surfaces.object[self.rows]
        for flaw, rows in find_flaws(polygons, cut).items():
            if flaw is Flaw.RING_SELF_INTERSECTION:
                gone = np.isin(rows, cut.failed)
                tell(NOT_SHOWN, owner[rows[gone]], ids, findings)
                tell(TOLD[flaw], owner[rows[~gone]], ids, findings)
            elif flaw < Flaw.TOO_FEW_POLYGONS:
                tell(TOLD[flaw], owner[rows], ids, findings)
            else:
                _, first = np.unique(shell[rows], return_index=True)
                tell(TOLD[flaw], owner[rows[np.sort(first)]], ids, findings)


def tell(told: Told, owners: Int64s, ids: Sequence[str], findings: Findings) -> None:
    """Note a flaw of surfaces or solids of objects ``owners`` (k,)."""
    if len(owners):
        objects = [ids[owner] for owner in owners.tolist()]
        findings.add(
            told.code, told.problem, where=objects[0], severity=told.severity, count=len(objects), objects=objects
        )

"""What becomes of a plugin's drawing requests before the scene sees them.

Foreign data is adopted, everything is checked, ids are bound to the objects of the site, and the files of icons and
meshes are read.  What is unchanged from one answer to the next comes out as the very objects of before.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from twinviewer.app.overlays.binding import ALL_FOUND, Binder, Unbound
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.array_checks import fault
from twinviewer.app.plugins.result_checks import RequestChecks
from twinviewer.app.site import SessionSite
from twinviewer.model.drawing import (
    ColourObjects,
    DrawData,
    DrawingRequest,
    IconShape,
    LoadedMesh,
    MeshShape,
    PlaceGlyphs,
)
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import LayerData

MOST_DRAWN_TRIANGLES = 50_000_000
"""Triangles of a mesh, times the places where it stands."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """Requests that the scene can draw, and what there is to be told of them."""

    requests: tuple[DrawingRequest, ...] = ()
    unbound: Unbound = ALL_FOUND
    notes: tuple[str, ...] = ()
    """What was assumed, one sentence each."""


NOTHING = Finished()


class Finisher:
    """Finishes the answers of one function of a plugin.  Not for two threads at once.

    Args:
        folder: The plugin's, where the files of its shapes are.
        shapes: Reads them.
    """

    def __init__(self, *, folder: Path, shapes: ShapeFiles) -> None:
        self._folder, self._shapes = folder, shapes
        self._checks = RequestChecks()
        self._binder = Binder()

    def finished(self, result: object, *, site: SessionSite, feedback: Feedback) -> Finished:
        """Return what a function returned, ready to be drawn.

        Args:
            result: Anything that a plugin may return.
            site: What ids are bound to, and whose reference system counts.
            feedback: Is asked whether to stop while files are read.

        Raises:
            PluginError: It breaks the contract, asks for too much, or names a file that cannot be used.
            Cancelled: Nobody waits for it any longer.
        """
        requests = list(self._checks.checked(result, crs=site.crs))
        rows = [row for row, request in enumerate(requests) if isinstance(request, ColourObjects)]
        colourings = [request for request in requests if isinstance(request, ColourObjects)]
        bound, unbound = self._binder.bind(colourings, site)
        for row, colouring in zip(rows, bound, strict=True):
            requests[row] = colouring
        for row, request in enumerate(requests):
            if isinstance(request, PlaceGlyphs):
                requests[row] = self._with_shape(request, feedback)
        return Finished(requests=tuple(requests), unbound=unbound, notes=_notes(requests))

    def _with_shape(self, request: PlaceGlyphs, feedback: Feedback) -> PlaceGlyphs:
        match request.shape:
            case IconShape() as icon:
                return replace(request, shape=self._shapes.icon(self._folder, icon, feedback))
            case MeshShape() as mesh:
                loaded: LoadedMesh = self._shapes.mesh(self._folder, mesh, feedback)
                drawn = len(loaded.mesh.triangles) * len(request.positions)
                if drawn > MOST_DRAWN_TRIANGLES:
                    raise fault(
                        f"“{mesh.path}” at {len(request.positions):,} places is {drawn:,} triangles; the most that are "
                        f"drawn are {MOST_DRAWN_TRIANGLES:,}.",
                        cure="Simplify the mesh, or draw fewer.",
                    )
                return replace(request, shape=loaded)
        return request


def _notes(requests: list[DrawingRequest]) -> tuple[str, ...]:
    found = (
        diagnostic.problem
        for request in requests
        if isinstance(request, DrawData) and isinstance(request.data, LayerData)
        for diagnostic in request.data.diagnostics
    )
    return tuple(dict.fromkeys(found))

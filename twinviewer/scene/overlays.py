"""Overlays on the screen: requests of plugins written into what is kept from frame to frame.

Colours of several overlays lie over one another in the order in which the overlays were first drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkActor, vtkRenderer

from twinviewer.model.drawing import ColourObjects, ColourScale, DrawingRequest, Labels
from twinviewer.model.place import LOCAL, LocalFrame
from twinviewer.model.project import LayerId
from twinviewer.scene.city_model_actor import CityModelActor
from twinviewer.scene.colours import Uint8s, ramp
from twinviewer.scene.columns import DrawnColumns
from twinviewer.scene.drawn import Drawn, DrawnLater, RunInBackground, Surroundings
from twinviewer.scene.drawn_data import DrawnData
from twinviewer.scene.flow_lines import DrawnFlowLines
from twinviewer.scene.glyphs import DrawnGlyphs
from twinviewer.scene.ground import Ground
from twinviewer.scene.heat_grid import DrawnHeatGrid
from twinviewer.scene.icons import DrawnIcons
from twinviewer.scene.labels import DrawnLabels
from twinviewer.scene.layer_actor import LayerActor
from twinviewer.scene.picking import Hit, PickRay
from twinviewer.scene.stage import Stage
from twinviewer.scene.trails import DrawnTrails

_KINDS: tuple[type[Drawn], ...] = (
    DrawnGlyphs,
    DrawnIcons,
    DrawnLabels,
    DrawnFlowLines,
    DrawnHeatGrid,
    DrawnColumns,
    DrawnTrails,
    DrawnData,
)


@dataclass(kw_only=True)
class _Overlay:
    """What one overlay has on the screen."""

    requests: tuple[DrawingRequest, ...] = ()
    opacity: float = 1.0
    visible: bool = True
    drawn: list[tuple[Drawn, DrawingRequest]] = field(default_factory=list)
    """Each with the request that it shows."""
    rows: dict[tuple[LayerId, int], tuple[Sequence[str], NDArray[np.int32]]] = field(default_factory=dict)
    """Which rows of a city model the ids of each of its colourings are: ids seldom change, values do."""

    @property
    def colourings(self) -> list[ColourObjects]:
        return [request for request in self.requests if isinstance(request, ColourObjects)] if self.visible else []

    @property
    def casting(self) -> list[tuple[DrawnData, float]]:
        """What casts shadows, and how opaque it is."""
        data = [drawn for drawn, _ in self.drawn if isinstance(drawn, DrawnData)] if self.visible else []
        return [(drawn, drawn.opacity) for drawn in data if drawn.actor is not None]

    def detach(self) -> None:
        for drawn, _ in self.drawn:
            drawn.detach()


class Overlays:
    """All overlays of a scene.

    Args:
        renderer: Where they are drawn.
        stage: Lights them.
        run_in_background: Prepares what takes long.
        request_render: Asked when something has come onto the screen later than it was drawn.
    """

    def __init__(
        self,
        renderer: vtkRenderer,
        stage: Stage,
        *,
        run_in_background: RunInBackground,
        request_render: Callable[[], None],
    ) -> None:
        self._renderer, self._stage = renderer, stage
        self._run_in_background, self._request_render = run_in_background, request_render
        self._surroundings = Surroundings(frame=LocalFrame(crs=LOCAL, origin=(0.0, 0.0, 0.0)), ground=Ground())
        self._dark = False
        self._time_s = 0.0
        self._overlays: dict[str, _Overlay] = {}
        self._cities: dict[LayerId, CityModelActor] = {}
        self._joined: dict[LayerId, tuple[list[NDArray[np.int32]], NDArray[np.int32]]] = {}
        """The rows of all colourings of a city model, one after the other, and what they were made from."""

    # --- surroundings -------------------------------------------------------------------------------------------

    def set_surroundings(self, frame: LocalFrame, ground: Ground) -> None:
        """Draw everything where it is in another frame, and lay on other ground what lies on it."""
        self._surroundings = Surroundings(frame=frame, ground=ground)
        for overlay in self._overlays.values():
            for drawn, request in overlay.drawn:
                drawn.draw(request, self._surroundings)

    def set_dark(self, *, dark: bool) -> None:
        self._dark = dark
        for drawn in self._all():
            drawn.set_dark(dark=dark)

    def dress(self) -> None:
        """Be lit as the render preset says."""
        for drawn in self._all():
            drawn.dress(self._stage)

    def add_city_model(self, layer_id: LayerId, actor: CityModelActor) -> None:
        """Colour a city model that has come onto the screen."""
        self._cities[layer_id] = actor
        self._paint(layer_id, actor)

    def forget_layer(self, layer_id: LayerId) -> None:
        self._cities.pop(layer_id, None)
        self._joined.pop(layer_id, None)
        for overlay in self._overlays.values():
            overlay.rows = {key: rows for key, rows in overlay.rows.items() if key[0] != layer_id}

    # --- overlays -----------------------------------------------------------------------------------------------

    def draw(self, overlay_id: str, requests: Sequence[DrawingRequest], *, opacity: float, visible: bool) -> None:
        """Bring an overlay in line with ``requests``, rewriting what it has."""
        overlay = self._overlays.setdefault(overlay_id, _Overlay())
        before, cast_before = overlay.colourings, overlay.casting
        overlay.requests, overlay.opacity, overlay.visible = tuple(requests), opacity, visible
        self._draw_placed(overlay)
        if not _same_objects(before, overlay.colourings):
            self._paint_all()
        if cast_before != overlay.casting:
            self._stage.age_shadows()

    def remove(self, overlay_id: str) -> None:
        overlay = self._overlays.pop(overlay_id, None)
        if overlay is None:
            return
        if overlay.casting:
            self._stage.age_shadows()
        overlay.detach()
        if overlay.colourings:
            self._paint_all()

    def copy_to(self, other: Overlays) -> None:
        """Draw the same in another scene."""
        other.set_dark(dark=self._dark)
        for overlay_id, overlay in self._overlays.items():
            other.draw(overlay_id, overlay.requests, opacity=overlay.opacity, visible=overlay.visible)
        other.set_time(self._time_s)

    def _all(self) -> list[Drawn]:
        return [drawn for overlay in self._overlays.values() for drawn, _ in overlay.drawn]

    def _draw_placed(self, overlay: _Overlay) -> None:
        """Write each request into the first of its kind that is left over from before, or into a new one."""
        left = list(overlay.drawn)
        overlay.drawn = []
        for request in overlay.requests:
            kind = next((kind for kind in _KINDS if kind.takes(request)), None)
            if kind is None:
                continue
            position = next((row for row, (old, _) in enumerate(left) if type(old) is kind and old.suits(request)), -1)
            drawn, shown = left.pop(position) if position >= 0 else (self._make(kind), None)
            overlay.drawn.append((drawn, request))
            drawn.show(opacity=overlay.opacity, visible=overlay.visible)
            if shown is not request:
                actors = drawn.actors
                drawn.draw(request, self._surroundings)
                if drawn.actors != actors:
                    self._welcome(drawn)
        for drawn, _ in left:
            drawn.detach()

    def _make(self, kind: type[Drawn]) -> Drawn:
        drawn = (
            kind(self._renderer, run_in_background=self._run_in_background, on_late=self._on_late)
            if issubclass(kind, DrawnLater)
            else kind(self._renderer)
        )
        drawn.set_dark(dark=self._dark)
        drawn.set_time(self._time_s)
        return drawn

    def _on_late(self, drawn: Drawn, actors_before: tuple[vtkActor, ...]) -> None:
        if drawn.actors != actors_before:
            self._welcome(drawn)
        self._request_render()

    def _welcome(self, drawn: Drawn) -> None:
        """Light new actors, and blend what must stay over them after them."""
        drawn.dress(self._stage)
        if drawn.lies_under:
            for other in self._all():
                if not other.lies_under:
                    other.raise_over_surfaces()

    def _paint_all(self) -> None:
        for layer_id, actor in self._cities.items():
            self._paint(layer_id, actor)

    def _paint(self, layer_id: LayerId, actor: CityModelActor) -> None:
        rows: list[NDArray[np.int32]] = []
        colours: list[Uint8s] = []
        for overlay in self._overlays.values():
            for position, request in enumerate(overlay.colourings):
                rows.append(_rows(overlay, position, request, layer_id, actor))
                scale = request.scale
                colours.append(ramp(request.values, name=scale.colour_map, value_range=scale.value_range))
        if not rows:
            actor.paint_objects(None, np.empty((0, 3), dtype=np.uint8))
            return
        joined = self._joined.get(layer_id)
        if joined is None or not _same_objects(joined[0], rows):
            joined = self._joined[layer_id] = rows, np.concatenate(rows)
        # The same rows again, not a copy: then the actor need not find out anew what they paint.
        actor.paint_objects(joined[1], np.concatenate(colours))

    # --- for the scene --------------------------------------------------------------------------------------------

    @property
    def moves(self) -> bool:
        """Whether something changes with every frame although no request does."""
        return any(drawn.moves for drawn in self._all())

    def set_time(self, time_s: float) -> None:
        """Show another moment of what moves by itself."""
        self._time_s = time_s
        for drawn in self._all():
            drawn.set_time(time_s)

    def legends(self) -> list[ColourScale]:
        """Return the scales of visible overlays, each once."""
        scales: list[ColourScale] = []
        for overlay in self._overlays.values():
            for request in overlay.requests if overlay.visible else ():
                scale = None if isinstance(request, Labels) or request.values is None else request.scale
                if scale is not None and scale not in scales:
                    scales.append(scale)
        return scales

    def layer_actors(self) -> list[LayerActor]:
        """Return what is drawn as a layer is: it casts shadows too."""
        return [drawn.actor for drawn in self._all() if isinstance(drawn, DrawnData) and drawn.actor is not None]

    def bounds(self) -> list[NDArray[np.float64]]:
        return [box for drawn in self._all() if (box := drawn.bounds()) is not None]

    def pick(self, ray: PickRay) -> tuple[str, Hit, str] | None:
        """Return the overlay, what was hit of it and its id under the pixel, or None; what is in front wins."""
        best: tuple[str, Hit, str] | None = None
        for overlay_id, overlay in self._overlays.items():
            for drawn, _ in overlay.drawn:
                found = drawn.pick(ray)
                if found is not None and (
                    best is None or ray.distance_to(found[0].position) < ray.distance_to(best[1].position)
                ):
                    best = overlay_id, *found
        return best

    def before_render(self) -> None:
        taken = np.empty((0, 2, 2))  # no two texts on each other, whichever overlays they are of
        for drawn in self._all():
            drawn.before_render()
            if isinstance(drawn, DrawnLabels):
                taken = drawn.arrange(taken)

    def close(self) -> None:
        for overlay in self._overlays.values():
            overlay.detach()
        self._overlays.clear()
        self._cities.clear()


def _rows(
    overlay: _Overlay, position: int, request: ColourObjects, layer_id: LayerId, actor: CityModelActor
) -> NDArray[np.int32]:
    """Return the rows (n,) of a city model that a colouring names, found anew only for other ids."""
    known = overlay.rows.get((layer_id, position))
    if known is None or (known[0] is not request.object_ids and known[0] != request.object_ids):
        known = overlay.rows[layer_id, position] = request.object_ids, actor.rows_of(request.object_ids)
    return known[1]


def _same_objects(first: Sequence[Any], second: Sequence[Any]) -> bool:
    return len(first) == len(second) and all(a is b for a, b in zip(first, second, strict=True))

"""Overlays on the screen: requests of plugins written into actors that are kept.

Colours of several overlays lie over one another in the order in which the overlays were first drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import ColourObjects, ColourScale, DrawingRequest, Labels, PlaceGlyphs
from twinviewer.model.place import LOCAL, LocalFrame
from twinviewer.model.project import LayerId
from twinviewer.scene.city_model_actor import CityModelActor
from twinviewer.scene.colours import Uint8s, ramp
from twinviewer.scene.glyphs import GlyphSet
from twinviewer.scene.labels import LabelSet
from twinviewer.scene.picking import Hit, PickRay


@dataclass(kw_only=True)
class _Overlay:
    """What one overlay has on the screen."""

    requests: tuple[DrawingRequest, ...] = ()
    opacity: float = 1.0
    visible: bool = True
    glyphs: list[GlyphSet] = field(default_factory=list)
    labels: list[LabelSet] = field(default_factory=list)
    rows: dict[LayerId, NDArray[np.int32]] = field(default_factory=dict)
    """Which row of each city model the ids of the last colouring are: ids seldom change, values do."""
    ids: Sequence[str] = ()

    @property
    def colourings(self) -> list[ColourObjects]:
        return [request for request in self.requests if isinstance(request, ColourObjects)] if self.visible else []

    def detach(self) -> None:
        for glyphs in self.glyphs:
            glyphs.detach()
        for labels in self.labels:
            labels.detach()


class Overlays:
    """All overlays of a scene."""

    def __init__(self, renderer: vtkRenderer) -> None:
        self._renderer = renderer
        self._frame = LocalFrame(crs=LOCAL, origin=(0.0, 0.0, 0.0))
        self._dark = False
        self._overlays: dict[str, _Overlay] = {}
        self._cities: dict[LayerId, CityModelActor] = {}

    # --- surroundings -------------------------------------------------------------------------------------------

    def set_frame(self, frame: LocalFrame) -> None:
        self._frame = frame
        for overlay in self._overlays.values():
            self._draw_placed(overlay)

    def set_dark(self, *, dark: bool) -> None:
        self._dark = dark
        for overlay in self._overlays.values():
            self._style_labels(overlay)

    def add_city_model(self, layer_id: LayerId, actor: CityModelActor) -> None:
        """Colour a city model that has come onto the screen."""
        self._cities[layer_id] = actor
        self._paint(layer_id, actor)

    def forget_layer(self, layer_id: LayerId) -> None:
        self._cities.pop(layer_id, None)
        for overlay in self._overlays.values():
            overlay.rows.pop(layer_id, None)

    # --- overlays -----------------------------------------------------------------------------------------------

    def draw(self, overlay_id: str, requests: Sequence[DrawingRequest], *, opacity: float, visible: bool) -> None:
        """Bring an overlay in line with ``requests``, rewriting what it has."""
        overlay = self._overlays.setdefault(overlay_id, _Overlay())
        coloured_before = bool(overlay.colourings)
        overlay.requests, overlay.opacity, overlay.visible = tuple(requests), opacity, visible
        self._draw_placed(overlay)
        if coloured_before or overlay.colourings:
            self._paint_all()

    def remove(self, overlay_id: str) -> None:
        overlay = self._overlays.pop(overlay_id, None)
        if overlay is None:
            return
        overlay.detach()
        if overlay.colourings:
            self._paint_all()

    def copy_to(self, other: Overlays) -> None:
        """Draw the same in another scene."""
        other.set_dark(dark=self._dark)
        for overlay_id, overlay in self._overlays.items():
            other.draw(overlay_id, overlay.requests, opacity=overlay.opacity, visible=overlay.visible)

    def _draw_placed(self, overlay: _Overlay) -> None:
        placed = [request for request in overlay.requests if isinstance(request, PlaceGlyphs)]
        for position, request in enumerate(placed):
            if position < len(overlay.glyphs) and overlay.glyphs[position].shape is not request.shape:
                overlay.glyphs[position].detach()
                overlay.glyphs[position] = GlyphSet(self._renderer, request.shape)
            elif position == len(overlay.glyphs):
                overlay.glyphs.append(GlyphSet(self._renderer, request.shape))
            overlay.glyphs[position].draw(request, self._frame, opacity=overlay.opacity, visible=overlay.visible)
        for surplus in overlay.glyphs[len(placed) :]:
            surplus.detach()
        del overlay.glyphs[len(placed) :]
        texts = [request for request in overlay.requests if isinstance(request, Labels)]
        while len(overlay.labels) < len(texts):
            overlay.labels.append(LabelSet(self._renderer))
        for labels, text in zip(overlay.labels, texts, strict=False):
            labels.set(self._frame.to_local(text.positions), text.texts, size_px=text.size_px)
        for labels in overlay.labels[len(texts) :]:
            labels.detach()
        del overlay.labels[len(texts) :]
        self._style_labels(overlay)

    def _style_labels(self, overlay: _Overlay) -> None:
        for labels in overlay.labels:
            labels.set_look(opacity=overlay.opacity, visible=overlay.visible, dark=self._dark)

    def _paint_all(self) -> None:
        for layer_id, actor in self._cities.items():
            self._paint(layer_id, actor)

    def _paint(self, layer_id: LayerId, actor: CityModelActor) -> None:
        rows: list[NDArray[np.int32]] = []
        colours: list[Uint8s] = []
        for overlay in self._overlays.values():
            for request in overlay.colourings:
                rows.append(self._rows(overlay, request, layer_id, actor))
                scale = request.scale
                colours.append(ramp(request.values, name=scale.colour_map, value_range=scale.value_range))
        if rows:
            actor.paint_objects(np.concatenate(rows), np.concatenate(colours))
        else:
            actor.paint_objects(None, np.empty((0, 3), dtype=np.uint8))

    def _rows(
        self, overlay: _Overlay, request: ColourObjects, layer_id: LayerId, actor: CityModelActor
    ) -> NDArray[np.int32]:
        if len(overlay.colourings) > 1:
            return actor.rows_of(request.object_ids)
        if overlay.ids is not request.object_ids and overlay.ids != request.object_ids:
            overlay.rows.clear()
        overlay.ids = request.object_ids
        if layer_id not in overlay.rows:
            overlay.rows[layer_id] = actor.rows_of(request.object_ids)
        return overlay.rows[layer_id]

    # --- for the scene --------------------------------------------------------------------------------------------

    def legends(self) -> list[ColourScale]:
        """Return the scales of visible overlays, each once."""
        scales: list[ColourScale] = []
        for overlay in self._overlays.values():
            for request in overlay.requests if overlay.visible else ():
                scale = None if isinstance(request, Labels) else request.scale
                if scale is not None and scale not in scales:
                    scales.append(scale)
        return scales

    def bounds(self) -> list[NDArray[np.float64]]:
        sets = [glyphs for overlay in self._overlays.values() for glyphs in overlay.glyphs]
        return [box for glyphs in sets if (box := glyphs.bounds()) is not None]

    def pick(self, ray: PickRay) -> tuple[str, Hit, str] | None:
        """Return the overlay, glyph and glyph id under the pixel, or None; the glyph in front wins."""
        best: tuple[str, Hit, str] | None = None
        for overlay_id, overlay in self._overlays.items():
            for glyphs in overlay.glyphs:
                found = glyphs.pick(ray)
                if found is not None and (
                    best is None or ray.distance_to(found[0].position) < ray.distance_to(best[1].position)
                ):
                    best = overlay_id, *found
        return best

    def before_render(self) -> None:
        for overlay in self._overlays.values():
            for labels in overlay.labels:
                labels.before_render()

    def close(self) -> None:
        for overlay in self._overlays.values():
            overlay.detach()
        self._overlays.clear()
        self._cities.clear()

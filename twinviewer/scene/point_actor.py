"""Laser points on the screen: plain vertices in spatial chunks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from vtkmodules.vtkRenderingCore import vtkRenderer

from twinviewer.model.drawing import ColourScale
from twinviewer.model.layer_data import LayerData, PointCloud
from twinviewer.model.place import LocalFrame
from twinviewer.model.project import Style
from twinviewer.scene.colours import Coloured, Uint8s, coloured_by_values, rgb_of, shaded, table
from twinviewer.scene.ground import Ground
from twinviewer.scene.layer_actor import LayerActor, Look, Outline
from twinviewer.scene.meshes import Colours, actor_of, poly_data
from twinviewer.scene.picking import Hit, PickRay

POINTS_PER_CHUNK = 50_000
MOST_CHUNKS = 256
DIMMEST, BRIGHTEST = 0.78, 1.18
"""Of categorical colours, by height."""

_ASPRS = {
    0: "#b0b0ac",  # never classified
    1: "#b8b4ac",  # unclassified
    2: "#b09468",  # ground
    3: "#b6d38a",  # low vegetation
    4: "#7db356",  # medium vegetation
    5: "#3f8a3c",  # high vegetation
    6: "#c8583c",  # building
    7: "#e05aa8",  # low noise
    8: "#8f86c4",  # model key point
    9: "#4a90c8",  # water
    10: "#6b6b78",  # rail
    11: "#8a8a8a",  # road surface
    12: "#c9c9a0",  # overlap
    13: "#e0c030",  # wire guard
    14: "#e8a020",  # wire conductor
    15: "#7a5cab",  # transmission tower
    16: "#f0c860",  # wire connector
    17: "#a88f78",  # bridge deck
    18: "#e23a7a",  # high noise
    19: "#9a7848",  # overhead structure
    20: "#a07850",  # ignored ground
    21: "#e8f0f8",  # snow
    22: "#d0b8d8",  # temporal exclusion
}


def class_colours() -> Uint8s:
    """Return the colour (256, 3) of each ASPRS class; classes that users define share a violet."""
    colours = np.tile(table("#9a7fb8"), (256, 1))
    for number, colour in _ASPRS.items():
        colours[number] = rgb_of(colour)
    return colours


@dataclass(frozen=True, slots=True, kw_only=True)
class PreparedPoints:
    chunks: list[tuple[NDArray[np.int64], NDArray[np.float32]]]
    """Rows of the point cloud and their local positions."""
    heights: tuple[float, float]
    """Local; nearly all points lie between them."""


class PointCloudActor(LayerActor):
    """A point cloud; recolouring rewrites bytes in place."""

    kind: ClassVar[str] = "point-cloud"
    is_cut: ClassVar[bool] = True

    @classmethod
    def prepare(cls, data: PointCloud, style: Style, frame: LocalFrame, ground: Ground) -> PreparedPoints:
        local = frame.to_local(data.positions)
        side = int(np.sqrt(np.clip(len(local) / POINTS_PER_CHUNK, 1, MOST_CHUNKS)))
        if len(local) == 0:
            return PreparedPoints(chunks=[], heights=(0.0, 1.0))
        low, high = local[:, :2].min(axis=0), local[:, :2].max(axis=0)
        place = np.minimum((local[:, :2] - low) / np.where(high > low, high - low, 1) * side, side - 1).astype(np.int16)
        number = place[:, 1] * np.int16(side) + place[:, 0]
        order = np.argsort(number, kind="stable")
        starts = np.flatnonzero(np.diff(number[order], prepend=-1))
        bottom, top = np.percentile(local[:: max(1, len(local) // 50_000), 2], (1, 99))
        return PreparedPoints(
            chunks=[(rows, local[rows]) for rows in np.split(order, starts[1:])], heights=(float(bottom), float(top))
        )

    def __init__(self, renderer: vtkRenderer, data: LayerData, prepared: PreparedPoints) -> None:
        super().__init__(renderer, data, prepared)
        assert isinstance(data, PointCloud)
        self._cloud = data
        self._prepared = prepared
        self._scale: ColourScale | None = None
        self._colours: list[Colours] = []
        self._point_size_px, self._point_scale = 2.0, 1.0
        for _, points in prepared.chunks:
            mesh = poly_data(points, vertices=True)
            self._colours.append(Colours(mesh, np.zeros((len(points), 3), np.uint8), of_cells=False))
            self._attach(actor_of(mesh)).GetProperty().LightingOff()

    def set_look(self, look: Look) -> None:
        self._point_scale = look.point_scale
        self._resize()

    def restyle(self, before: Style | None, after: Style) -> None:
        self._point_size_px = after.point_size_px
        self._resize()
        coloured = self._coloured(after)
        self._scale = coloured.scale
        by_class = coloured.scale is None
        for (rows, points), colours in zip(self._prepared.chunks, self._colours, strict=True):
            rgb = coloured.rgb[rows]
            colours.write(shaded(rgb, self._relief(points)) if by_class else rgb)

    def recolour(self, rgb: Uint8s) -> None:
        """Give each point (n, 3) another colour than the style does."""
        for (rows, _), colours in zip(self._prepared.chunks, self._colours, strict=True):
            colours.write(rgb.take(rows, axis=0))

    def _resize(self) -> None:
        for actor in self._actors:
            actor.GetProperty().SetPointSize(self._point_size_px * self._point_scale)

    def _relief(self, points: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return how bright points (n,) are: the higher the lighter, so that roofs stand off from the street."""
        low, high = self._prepared.heights
        share = np.clip((points[:, 2] - low) / max(high - low, 1.0), 0, 1)
        brightness: NDArray[np.float32] = (DIMMEST + (BRIGHTEST - DIMMEST) * share).astype(np.float32)
        return brightness

    def _coloured(self, style: Style) -> Coloured:
        cloud = self._cloud
        if style.color_by == "elevation":
            return coloured_by_values(cloud.positions[:, 2], title="elevation", unit="m", style=style)
        if style.color_by == "intensity":
            return coloured_by_values(cloud.intensity.astype(np.float64), title="intensity", style=style)
        if style.color_by == "rgb" and cloud.rgb is not None:
            return Coloured(rgb=cloud.rgb)
        if style.color_by is None and style.colour is not None:
            return Coloured(rgb=np.broadcast_to(np.array(rgb_of(style.colour), np.uint8), (len(cloud.positions), 3)))
        if style.color_by is None and cloud.rgb is not None:
            return Coloured(rgb=cloud.rgb)
        if style.color_by is None and not np.any(cloud.classification > 1):
            return coloured_by_values(cloud.positions[:, 2], title="elevation", unit="m", style=style)
        return Coloured(rgb=class_colours()[cloud.classification])

    def legend(self) -> ColourScale | None:
        return self._scale

    def first_hit(self, ray: PickRay) -> Hit | None:
        best: Hit | None = None
        for (rows, points), actor in zip(self._prepared.chunks, self._actors, strict=True):
            if not ray.may_pass(actor.GetBounds()):
                continue
            nearest = ray.nearest(points)
            if nearest is not None:
                position = points[nearest].astype(np.float64)
                if best is None or ray.distance_to(position) < ray.distance_to(best.position):
                    best = Hit(position=position, point=int(rows[nearest]))
        return best

    def outline(self, hit: Hit) -> Outline | None:
        return Outline(points=hit.position[None].astype(np.float32), vertices=True)

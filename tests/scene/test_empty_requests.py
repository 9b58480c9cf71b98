"""Requests with nothing in them, or next to nothing: plugins send them, and the picture goes on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.scene.small_city import FACTS, hills, session_of
from tests.scene.views import CENTRE, FROM_ABOVE
from twinviewer.model.drawing import (
    ColourObjects,
    ColourScale,
    DrawData,
    DrawingRequest,
    ExtrudedColumns,
    FlowLines,
    GlyphShape,
    HeatGrid,
    Labels,
    LoadedIcon,
    LoadedMesh,
    PlaceGlyphs,
    Trails,
)
from twinviewer.model.layer_data import TriangleMesh
from twinviewer.scene.city_scene import CityScene

OpenScene = Callable[..., CityScene]
SCALE = ColourScale(title="v", unit="", colour_map="viridis", value_range=(0, 1))
ICON = LoadedIcon(rgba=np.full((1, 1, 4), 255, np.uint8))
NO_MESH = TriangleMesh(
    source=FACTS, crs=None, vertices=np.empty((0, 3)), triangles=np.empty((0, 3), np.int32), vertex_rgb=None
)
ONE_PLACE = TriangleMesh(
    source=FACTS,
    crs=None,
    vertices=np.zeros((3, 3)) + CENTRE,
    triangles=np.array([(0, 1, 2)], np.int32),
    vertex_rgb=np.zeros((3, 3), np.uint8),
)


def requests(count: int) -> list[DrawingRequest]:
    """Return one request of each kind with ``count`` rows, all at one place, and values that are not numbers."""
    places, values = np.zeros((count, 3)) + CENTRE, np.full(count, np.nan)
    coloured = {"values": values, "scale": SCALE}
    shapes = (GlyphShape.PERSON, ICON, LoadedMesh(mesh=ONE_PLACE), LoadedMesh(mesh=NO_MESH))
    return [
        ColourObjects(object_ids=[""] * count, **coloured),
        *(PlaceGlyphs(shape=shape, positions=places, size_m=np.zeros(count), **coloured) for shape in shapes),
        PlaceGlyphs(shape=GlyphShape.PIN, positions=places, size_m=5.0, stale=np.ones(count, np.bool_)),
        Labels(positions=places, texts=[""] * count, priority=values),
        FlowLines(vertices=places, offsets=np.arange(count + 1), **coloured),  # lines of one vertex
        FlowLines(vertices=places, offsets=np.array([0, 0, count, count]), speed_m_s=np.zeros(3)),
        HeatGrid(values=np.full((count, count), np.nan), corner=(CENTRE[0], CENTRE[1]), cell_m=10.0, scale=SCALE),
        ExtrudedColumns(positions=places, heights_m=values, radius_m=0.0, **coloured),
        Trails(positions=np.full((count, count, 3), np.nan), **coloured),
        DrawData(data=NO_MESH),
        DrawData(data=ONE_PLACE, values=np.full(3, np.nan), scale=SCALE),
    ]


@pytest.mark.parametrize("first", [0, 1, 2])
def test_whatever_there_is_little_of_is_drawn_and_picked_and_can_become_more_or_less(
    open_scene: OpenScene, first: int
) -> None:
    scene = open_scene(session_of(ground=hills()))
    scene.viewpoint = FROM_ABOVE
    for count in (first, 3, 0, 1):
        scene.draw_overlay("all", requests(count))
        scene.window.Render()
        scene.pick(200, 150)
        scene.animate(1.0)
    scene.set_preset("presentation")
    scene.window.Render()
    assert np.isfinite(scene.viewpoint.position).all()
    assert all(np.isfinite(box).all() for box in scene._overlays.bounds())

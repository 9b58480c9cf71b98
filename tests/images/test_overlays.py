"""What a person would see of overlays in each render preset, by day and by night: the colours of the legend."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest

from tests.scene.small_city import hills, session_of, town
from tests.scene.views import CENTRE, FROM_ABOVE, HEIGHT_PX, M_PER_PX, WIDTH_PX
from twinviewer.model.drawing import (
    ColourScale,
    DrawingRequest,
    ExtrudedColumns,
    FlowLines,
    HeatGrid,
    LoadedIcon,
    PlaceGlyphs,
)
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.colours import ramp
from twinviewer.scene.picture import pixels_of
from twinviewer.scene.stage import PRESETS

OpenScene = Callable[..., CityScene]
HEAT = ColourScale(title="heat", unit="Cel", colour_map="viridis", value_range=(0, 1))
NOON = datetime(2025, 6, 21, 11, 20, tzinfo=UTC)
NIGHT = datetime(2025, 1, 1, 0, tzinfo=UTC)
HEAT_AT, LINE_AT, ICON_AT, COLUMN_AT = (-80.0, 50.0), (0.0, -65.0), (-40.0, -55.0), (75.0, 50.0)


def requests() -> list[DrawingRequest]:
    line = np.array([(-30.0, LINE_AT[1], 5.0), (30.0, LINE_AT[1], 5.0)]) + CENTRE
    return [
        HeatGrid(
            values=np.ones((2, 2)),
            corner=(CENTRE[0] + HEAT_AT[0] - 15, CENTRE[1] + HEAT_AT[1] + 15),
            cell_m=15.0,
            scale=HEAT,
            opacity=1.0,
        ),
        FlowLines(vertices=line, offsets=np.array([0, 2]), colour="#ff0000", width_px=10, dash_m=0.0),
        PlaceGlyphs(
            shape=LoadedIcon(rgba=np.full((8, 8, 4), (0, 0, 255, 255), np.uint8)),
            positions=np.array([(*ICON_AT, 5.0)]) + CENTRE,
            size_m=16.0,
        ),
        ExtrudedColumns(
            positions=np.array([(*COLUMN_AT, 0.0)]) + CENTRE,
            heights_m=np.array([30.0]),
            radius_m=10.0,
            colour="#ff0000",
        ),
    ]


def colour_at(pixels: np.ndarray, place: tuple[float, float], *, above_m: float = 0.0) -> np.ndarray:
    """Return the mean colour of nine pixels around a place, or so many metres above it in the picture."""
    row = HEIGHT_PX // 2 - round((place[1] + above_m) / M_PER_PX)
    column = WIDTH_PX // 2 + round(place[0] / M_PER_PX)
    return pixels[row - 1 : row + 2, column - 1 : column + 2].reshape(-1, 3).mean(axis=0)


@pytest.mark.parametrize("instant", [NOON, NIGHT], ids=["noon", "night"])
@pytest.mark.parametrize("preset", PRESETS)
def test_symbols_have_the_colours_of_the_legend_in_every_preset_and_at_every_hour(
    open_scene: OpenScene, preset: str, instant: datetime
) -> None:
    scene = open_scene(session_of(buildings=town(), ground=hills(relief_m=0.3)))
    scene.set_preset(preset)
    scene.set_instant(instant)
    scene.draw_overlay("all", requests())
    scene.viewpoint = FROM_ABOVE
    pixels = pixels_of(scene.window)
    yellow = ramp(np.ones(1), name="viridis", value_range=(0, 1))[0]
    assert colour_at(pixels, HEAT_AT) == pytest.approx(yellow, abs=12)
    assert colour_at(pixels, LINE_AT) == pytest.approx((255, 0, 0), abs=12)
    assert colour_at(pixels, ICON_AT, above_m=8.0) == pytest.approx((0, 0, 255), abs=12)
    red, green, blue = colour_at(pixels, COLUMN_AT)
    assert red > 110
    assert max(green, blue) < 25

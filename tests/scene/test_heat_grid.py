from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.scene.small_city import ORIGIN, hills, session_of
from tests.scene.views import CENTRE, FROM_ABOVE, HEIGHT_PX, M_PER_PX, WIDTH_PX, drawn, picture, redness
from twinviewer.model.drawing import ColourScale, FlowLines, HeatGrid
from twinviewer.model.place import LocalFrame
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.colours import ramp
from twinviewer.scene.drawn import Surroundings
from twinviewer.scene.ground import ground_of
from twinviewer.scene.heat_grid import LIFT_M, sheet

OpenScene = Callable[..., CityScene]
HEAT = ColourScale(title="heat", unit="Cel", colour_map="viridis", value_range=(0, 100))
CELL_M = 40.0
VALUES = np.array([[0.0, 100.0], [50.0, np.nan]])
CORNER = (CENTRE[0] - CELL_M, CENTRE[1] + CELL_M)


def grid(**options: object) -> HeatGrid:
    return HeatGrid(**{"values": VALUES, "corner": CORNER, "cell_m": CELL_M, "scale": HEAT, "opacity": 1.0} | options)


def middle_of_cell(row: int, column: int) -> tuple[int, int]:
    """Return the row and column of the pixel in the middle of a cell."""
    share = CELL_M / M_PER_PX
    return round(HEIGHT_PX / 2 + (row - 0.5) * share), round(WIDTH_PX / 2 + (column - 0.5) * share)


def areas(nodes: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the areas (m,) of triangles seen from above, positive where they turn to the left."""
    a, b, c = nodes[triangles, :2].transpose(1, 0, 2)
    return ((b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / 2


def test_cells_have_the_colours_of_their_values_north_at_the_top_and_none_where_there_is_no_value(
    open_scene: OpenScene,
) -> None:
    scene = open_scene(session_of())
    empty = picture(scene, FROM_ABOVE)
    scene.draw_overlay("heat", [grid()])
    pixels = picture(scene, FROM_ABOVE)
    for row, column in ((0, 0), (0, 1), (1, 0)):
        expected = ramp(VALUES[row, column : column + 1], name="viridis", value_range=(0, 100))[0]
        assert pixels[middle_of_cell(row, column)] == pytest.approx(expected, abs=3)
    assert (pixels[middle_of_cell(1, 1)] == empty[middle_of_cell(1, 1)]).all()
    outside = 150, 200 - round(CELL_M / M_PER_PX) - 2
    assert (pixels[outside] == empty[outside]).all()


def test_opacity_is_that_of_the_grid_times_that_of_the_overlay(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    empty = picture(scene, FROM_ABOVE)[middle_of_cell(0, 1)]
    scene.draw_overlay("heat", [grid(opacity=0.5)], opacity=0.5)
    colour = ramp(np.array([100.0]), name="viridis", value_range=(0, 100))[0]
    assert picture(scene, FROM_ABOVE)[middle_of_cell(0, 1)] == pytest.approx(0.25 * colour + 0.75 * empty, abs=3)


def test_the_sheet_lies_on_the_triangles_that_the_terrain_is_drawn_with() -> None:
    terrain = hills(relief_m=4.0)
    nodes, triangles = sheet(grid(), ground_of(terrain))
    x, y = nodes[:, 0] - (ORIGIN[0] - 90), nodes[:, 1] - (ORIGIN[1] - 90)
    assert nodes[:, 2] == pytest.approx(4.0 * np.sin(x / 30) * np.cos(y / 25), abs=1e-4)  # as ``hills`` has it
    assert np.allclose((x - 2.5) % 5.0, 0, atol=1e-6)  # the terrain's nodes, the middles of its cells
    low, high = nodes[:, :2].min(axis=0), nodes[:, :2].max(axis=0)
    assert (low <= (CORNER[0], CORNER[1] - 2 * CELL_M)).all()
    assert (high >= (CORNER[0] + 2 * CELL_M, CORNER[1])).all()
    area = areas(nodes, triangles)
    assert (area > 0).all()  # seen from above
    assert area.sum() == pytest.approx(np.prod(high - low))


def test_a_grid_that_reaches_beyond_the_terrain_is_complete(open_scene: OpenScene) -> None:
    ground = ground_of(hills())
    wide = grid(values=np.zeros((40, 40)), corner=(ORIGIN[0] - 700, ORIGIN[1] + 700))
    nodes, triangles = sheet(wide, ground)
    assert areas(nodes, triangles).sum() == pytest.approx((40 * CELL_M) ** 2)
    assert nodes[:, 2] == pytest.approx(ground.heights_at(nodes[:, :2]))


def test_the_sheet_is_laid_anew_when_a_terrain_comes_and_hides_nothing_of_it(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(ground=hills(relief_m=4.0)))
    scene.draw_overlay("heat", [grid(values=np.full((2, 2), 100.0))])
    colour = ramp(np.array([100.0]), name="viridis", value_range=(0, 100))[0]
    pixels = picture(scene, FROM_ABOVE)
    half = round(CELL_M / M_PER_PX)
    inside = pixels[150 - half + 2 : 150 + half - 2, 200 - half + 2 : 200 + half - 2]
    assert (np.abs(inside - colour).max(axis=2) <= 3).mean() > 0.999
    flat = drawn(scene, "heat")[0]
    frame = LocalFrame(crs=scene.frame.crs, origin=scene.frame.origin)
    flat.draw(grid(), Surroundings(frame=frame, ground=ground_of(hills(relief_m=0.0, level_m=7.0))))
    box = flat.bounds()
    assert box is not None
    assert box[2] == pytest.approx(7.0 + LIFT_M, abs=1e-4)


def test_new_values_rewrite_the_picture_on_the_sheet_and_nothing_else(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(ground=hills()))
    scene.draw_overlay("heat", [grid()])
    scene.window.Render()
    heat = drawn(scene, "heat")[0]
    actors, rgba, mesh = heat.actors, heat._rgba, heat.actors[0].GetMapper().GetInput()
    stamps = mesh.GetMTime(), heat.actors[0].GetMapper().GetMTime()
    for step in range(5):
        scene.draw_overlay("heat", [grid(values=VALUES + step)])
        scene.window.Render()
    assert heat.actors == actors
    assert heat._rgba is rgba
    assert (mesh.GetMTime(), actors[0].GetMapper().GetMTime()) == stamps
    assert tuple(rgba[1, 0, :3]) == tuple(ramp(VALUES[0, :1] + 4, name="viridis", value_range=(0, 100))[0])


def test_lines_stay_visible_over_a_grid_that_comes_later(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    line = FlowLines(
        vertices=np.array([(-60.0, 20.0, 1.0), (60.0, 20.0, 1.0)]) + CENTRE,
        offsets=np.array([0, 2]),
        colour="#ff0000",
        width_px=9,
        dash_m=0.0,
    )
    scene.draw_overlay("flow", [line])
    scene.draw_overlay("heat", [replace(grid(values=np.full((2, 2), 0.0)), opacity=0.9)])
    assert redness(picture(scene, FROM_ABOVE))[150 - 40, 200] > 200

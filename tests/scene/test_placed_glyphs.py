"""Pictures, meshes, and how bodies are turned."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from tests.scene.small_city import FACTS, session_of
from tests.scene.views import (
    CENTRE,
    FROM_ABOVE,
    FROM_SOUTH,
    HEIGHT_PX,
    M_PER_PX,
    WIDTH_PX,
    drawn,
    picture,
    redness,
    size_px,
)
from twinviewer.model.drawing import ColourScale, GlyphShape, LoadedIcon, LoadedMesh, PlaceGlyphs
from twinviewer.model.layer_data import TriangleMesh
from twinviewer.model.project import Viewpoint
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.glyph_shapes import loaded_shape
from twinviewer.scene.meshes import as_numpy

OpenScene = Callable[..., CityScene]
SCALE = ColourScale(title="v", unit="", colour_map="viridis", value_range=(0, 1))


def place(shape: object, *places: tuple[float, float, float], **options: object) -> PlaceGlyphs:
    return PlaceGlyphs(shape=shape, positions=np.array(places) + CENTRE, **{"size_m": 20.0} | options)


def red_icon(rows: int = 64, columns: int = 32) -> LoadedIcon:
    """Return a picture whose upper half is red, its lower half blue, with a transparent left quarter."""
    rgba = np.zeros((rows, columns, 4), np.uint8)
    rgba[: rows // 2] = (255, 0, 0, 255)
    rgba[rows // 2 :] = (0, 0, 255, 255)
    rgba[:, : columns // 4] = (0, 255, 0, 0)
    return LoadedIcon(rgba=rgba)


def painted_mesh() -> LoadedMesh:
    """Return two boards that stand one behind the other, red in the south and blue in the north, 4 m high."""
    vertices, triangles, rgb = [], [], []
    for y, colour in ((0.0, (255, 0, 0)), (2.0, (0, 0, 255))):
        first = len(vertices)
        vertices += [(10.0, y, 7.0), (12.0, y, 7.0), (12.0, y, 11.0), (10.0, y, 11.0)]
        triangles += [(first, first + 1, first + 2), (first, first + 2, first + 3)]
        rgb += [colour] * 4
    return LoadedMesh(
        mesh=TriangleMesh(
            source=FACTS,
            crs=None,
            vertices=np.array(vertices),
            triangles=np.array(triangles, np.int32),
            vertex_rgb=np.array(rgb, np.uint8),
        )
    )


@pytest.mark.parametrize("view", [FROM_SOUTH, FROM_ABOVE], ids=["from the side", "from above"])
def test_a_picture_faces_the_viewer_and_stands_on_its_lower_edge(open_scene: OpenScene, view: Viewpoint) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("icons", [place(red_icon(), (0, 0, 50.0))])
    pixels = picture(scene, view)
    red, blue = redness(pixels) > 150, redness(pixels[..., ::-1]) > 150
    width, height = size_px(red)
    assert abs(height - 10 / M_PER_PX) <= 1  # half of 20 m, its longest side
    assert abs(width - 7.5 / M_PER_PX) <= 1  # three quarters of 10 m
    assert size_px(blue) == pytest.approx((width, height), abs=1)
    rows, columns = np.nonzero(blue)
    assert rows.max() == pytest.approx(HEIGHT_PX / 2 - 0.5, abs=1.1)  # the place is in the middle of the picture
    assert columns.max() == pytest.approx(WIDTH_PX / 2 + 5 / M_PER_PX, abs=1.1)
    assert pixels[rows.max() - 2, columns.max() - 2] == pytest.approx((0, 0, 255), abs=2)  # as it is in the file


def test_the_nearer_picture_hides_the_farther_one_whatever_their_order(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    blue = LoadedIcon(rgba=np.full((8, 8, 4), (0, 0, 255, 255), np.uint8))
    red = LoadedIcon(rgba=np.full((8, 8, 4), (255, 0, 0, 255), np.uint8))
    near, far = place(red, (0, -9, 50)), place(blue, (0, 9, 50))
    for requests in ([near, far], [far, near]):
        scene.draw_overlay("icons", requests)
        assert redness(picture(scene, FROM_SOUTH))[140, 200] > 200


def test_a_picture_is_picked_and_its_transparent_surroundings_keep_it_apart(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("icons", [place(red_icon(), (-40, 0, 50), (40, 0, 50), ids=["west", "east"])])
    scene.viewpoint = FROM_SOUTH
    pick = scene.pick(WIDTH_PX / 2 + 40 / M_PER_PX, HEIGHT_PX / 2 - 15 / M_PER_PX)
    assert pick is not None
    assert (pick.overlay_id, pick.glyph, pick.glyph_id) == ("icons", 1, "east")
    assert scene.pick(WIDTH_PX / 2, HEIGHT_PX / 2 - 15 / M_PER_PX) is None


def test_pictures_are_moved_by_other_positions_and_nothing_else(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    rng, icon = np.random.default_rng(1), red_icon()
    request = place(icon, *rng.uniform(0, 50, (50, 3)))
    scene.draw_overlay("icons", [request])
    scene.window.Render()
    shown = drawn(scene, "icons")[0]
    actors, triangles = shown.actors, shown._data.GetPolys()
    stamps = actors[0].GetMapper().GetMTime(), triangles.GetMTime()
    for _ in range(5):
        positions = rng.uniform(0, 50, (50, 3)) + CENTRE
        scene.draw_overlay("icons", [replace(request, positions=positions)])
        scene.window.Render()
    assert shown.actors == actors
    corners = as_numpy(shown._data.GetPoints().GetData())
    assert corners == pytest.approx(np.repeat(positions - scene.frame.origin, 4, axis=0), abs=1e-3)
    assert shown._data.GetPolys() is triangles
    assert (actors[0].GetMapper().GetMTime(), triangles.GetMTime()) == stamps


def test_a_white_picture_takes_the_colour_of_its_value(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    white = LoadedIcon(rgba=np.full((8, 8, 4), 255, np.uint8))
    scene.draw_overlay("icons", [place(white, (0, 0, 50), values=np.array([1.0]), scale=SCALE)])
    assert picture(scene, FROM_SOUTH)[140, 200] == pytest.approx((253, 231, 37), abs=2)  # the upper end of viridis
    assert scene.legends() == (SCALE,)


def test_a_mesh_is_brought_to_one_unit_standing_on_the_ground() -> None:
    low_x, high_x, low_y, high_y, low_z, high_z = loaded_shape(painted_mesh().mesh).mesh.GetBounds()
    assert (low_z, high_z) == pytest.approx((0, 1))  # its longest side is its height
    assert (low_x, high_x) == pytest.approx((-0.25, 0.25))
    assert (low_y, high_y) == pytest.approx((-0.25, 0.25))


@pytest.mark.parametrize("preset", ["planning", "presentation", "point-cloud", "safe"])
def test_a_mesh_keeps_its_own_colours_unless_the_request_gives_some(open_scene: OpenScene, preset: str) -> None:
    scene = open_scene(session_of())
    scene.set_preset(preset)
    mesh = painted_mesh()
    scene.draw_overlay("meshes", [place(mesh, (-30, 0, 40)), place(mesh, (30, 0, 40), heading_deg=np.array([180.0]))])
    pixels = picture(scene, FROM_SOUTH)
    row = HEIGHT_PX // 2 - round((40 + 10 - 50) / M_PER_PX)
    left, right = (pixels[row, WIDTH_PX // 2 + round(x / M_PER_PX)] for x in (-30, 30))
    assert left[0] > 60 > 10 > max(left[1], left[2])  # red in front
    assert right[2] > 60 > 10 > max(right[0], right[1])  # turned round: blue in front
    scene.draw_overlay("meshes", [place(mesh, (-30, 0, 40), colour="#00ff00"), place(mesh, (30, 0, 40))])
    green = picture(scene, FROM_SOUTH)[row, WIDTH_PX // 2 + round(-30 / M_PER_PX)]
    assert green[1] > 60 > 10 > max(green[0], green[2])


def red_arrow(**angles: float) -> PlaceGlyphs:
    turned = {name: np.array([angle]) for name, angle in angles.items()}
    return place(GlyphShape.ARROW, (0, 0, 50), size_m=60.0, colour="#ff0000", **turned)


@pytest.mark.parametrize(
    ("angles", "view", "size_m"),
    [
        ({"heading_deg": 90.0}, FROM_SOUTH, (60.0, 6.0)),
        ({"heading_deg": 90.0, "pitch_deg": 90.0}, FROM_SOUTH, (6.0, 60.0)),
        ({"heading_deg": 0.0, "pitch_deg": 30.0}, FROM_ABOVE, (26.4, 60 * np.cos(np.pi / 6) + 0)),
        ({"heading_deg": 0.0, "roll_deg": 90.0}, FROM_SOUTH, (6.0, 26.4)),
    ],
    ids=["east", "up", "climbing", "rolled"],
)
def test_arrows_are_turned_by_heading_pitch_and_roll(
    open_scene: OpenScene, angles: dict[str, float], view: Viewpoint, size_m: tuple[float, float]
) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("arrows", [red_arrow(**angles)])
    width, height = size_px(redness(picture(scene, view)) > 40)
    assert (width * M_PER_PX, height * M_PER_PX) == pytest.approx(size_m, abs=3.2)  # its thickness when it climbs


def test_a_positive_pitch_lifts_the_nose_and_a_positive_roll_lowers_the_right_side(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene.draw_overlay("arrows", [red_arrow(heading_deg=90.0, pitch_deg=30.0)])
    rows, columns = np.nonzero(redness(picture(scene, FROM_SOUTH)) > 40)
    east, west = rows[columns > columns.max() - 4].mean(), rows[columns < columns.min() + 4].mean()
    assert east < west - 30  # rows count downwards: the point in the east is higher
    scene.draw_overlay("arrows", [red_arrow(heading_deg=0.0, roll_deg=30.0)])
    rows, columns = np.nonzero(redness(picture(scene, FROM_SOUTH)) > 40)
    right, left = rows[columns > columns.max() - 4].mean(), rows[columns < columns.min() + 4].mean()
    assert right > left + 15


def test_values_can_be_read_by_night(open_scene: OpenScene) -> None:
    scene = open_scene(session_of())
    scene._stage.set_sun(replace(scene._stage._sun, elevation_deg=-30.0))
    scene.draw_overlay("spheres", [place(GlyphShape.SPHERE, (0, 0, 40), size_m=40.0, colour="#ff0000")])
    assert picture(scene, FROM_SOUTH)[HEIGHT_PX // 2, WIDTH_PX // 2, 0] > 120

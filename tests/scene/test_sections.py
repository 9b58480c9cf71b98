from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from tests.scene.small_city import HEIGHT_M, HOUSE_M, ORIGIN, STEP_M, hills, points, session_of, town
from tests.scene.views import FROM_ABOVE, FROM_SOUTH, HEIGHT_PX, M_PER_PX, WIDTH_PX, picture
from twinviewer.model.place import Extent
from twinviewer.model.section import CuttingPlane, Section
from twinviewer.scene.city_scene import CityScene

X, Y, _ = ORIGIN
ROOF_OF_FIRST = (X + 2.0, Y + 2.0)


def pixel_of(x: float, y: float) -> tuple[float, float]:
    """Return where a position on the ground is in a picture from above."""
    return (x - X - 50) / M_PER_PX + WIDTH_PX / 2, HEIGHT_PX / 2 - (y - Y - 45) / M_PER_PX


def level(z: float, **options: bool) -> Section:
    return Section.by_plane((X, Y, z), (0.0, 0.0, 2.5), **options)


def test_a_level_section_opens_houses_from_above_for_the_pick(open_scene: Callable[..., CityScene]) -> None:
    scene = open_scene(session_of(city=town()))
    scene.viewpoint = FROM_ABOVE
    assert scene.pick(*pixel_of(*ROOF_OF_FIRST)).position[2] == pytest.approx(HEIGHT_M, abs=1e-3)
    scene.set_section(level(4.0))
    through = scene.pick(*pixel_of(*ROOF_OF_FIRST))
    assert through.position[2] == pytest.approx(0.0, abs=1e-3)  # the floor, through the roof that is not there
    scene.set_section(None)
    assert scene.pick(*pixel_of(*ROOF_OF_FIRST)).position[2] == pytest.approx(HEIGHT_M, abs=1e-3)


def test_what_is_cut_away_is_not_drawn_and_neither_are_its_shadows(open_scene: Callable[..., CityScene]) -> None:
    scene = open_scene(session_of(city=town(side=1)))
    empty = picture(open_scene(session_of(city=town(side=1, z=-1000.0))), FROM_SOUTH)
    whole = picture(scene, FROM_SOUTH)
    scene.set_section(level(4.0))
    cut = picture(scene, FROM_SOUTH)

    def height_px(pixels: np.ndarray) -> int:
        column = round((2.0 - 50.0) / M_PER_PX + WIDTH_PX / 2)  # 2 m from the western corner
        changed = np.abs(pixels[:, column] - empty[:, column]).sum(axis=1) > 20
        above_ground = changed[: HEIGHT_PX // 2 + round(50 / M_PER_PX)]
        return int(above_ground.sum())

    assert height_px(whole) == pytest.approx(HEIGHT_M / M_PER_PX, abs=1)
    assert height_px(cut) == pytest.approx(4.0 / M_PER_PX, abs=1)


def test_the_sun_shines_in_where_the_roof_is_cut_away(open_scene: Callable[..., CityScene]) -> None:
    scene = open_scene(session_of(city=town(side=1)))
    scene.viewpoint = FROM_ABOVE
    scene.set_section(level(0.5))
    floor = picture(scene, FROM_ABOVE)[round(pixel_of(X, Y + 6)[1]), round(pixel_of(X + 6, Y)[0])]
    scene.set_section(level(HEIGHT_M - 0.5))
    deep = picture(scene, FROM_ABOVE)[round(pixel_of(X, Y + 1)[1]), round(pixel_of(X + 1, Y)[0])]
    assert floor.sum() > deep.sum()  # behind half a metre of wall there is sun, behind nine there is shadow


def test_an_upright_section_and_a_box(open_scene: Callable[..., CityScene]) -> None:
    scene = open_scene(session_of(city=town()))
    scene.viewpoint = FROM_SOUTH
    front = scene.pick((2.0 - 50) / M_PER_PX + WIDTH_PX / 2, HEIGHT_PX / 2 + (50 - 5) / M_PER_PX)
    assert front.position[1] == pytest.approx(Y, abs=1e-3)
    scene.set_section(Section.by_plane((X, Y + STEP_M - 1, 0.0), (0.0, -1.0, 0.0)))
    second_row = scene.pick((2.0 - 50) / M_PER_PX + WIDTH_PX / 2, HEIGHT_PX / 2 + (50 - 5) / M_PER_PX)
    assert second_row.position[1] == pytest.approx(Y + STEP_M, abs=1e-3)
    only_first = Extent(min_x=X - 1, min_y=Y - 1, min_z=-1, max_x=X + HOUSE_M + 1, max_y=Y + HOUSE_M + 1, max_z=20)
    scene.set_section(Section.of_box(only_first))
    scene.viewpoint = FROM_ABOVE
    assert scene.pick(*pixel_of(*ROOF_OF_FIRST)) is not None
    assert scene.pick(*pixel_of(X + STEP_M + 2, Y + 2)) is None


def test_points_are_cut_and_terrain_only_where_it_is_asked_for(open_scene: Callable[..., CityScene]) -> None:
    cloud = points()
    scene = open_scene(session_of(cloud=cloud, ground=hills()))
    scene.viewpoint = FROM_ABOVE
    one = pixel_of(*cloud.positions[np.argmin(np.abs(cloud.positions[:, :2] - (X - 45, Y + 50)).sum(axis=1)), :2])
    assert scene.pick(*one).point is not None
    scene.set_section(level(20.0))
    assert scene.pick(*one).layer_id == "ground"
    scene.set_section(level(-20.0))
    assert scene.pick(*one).layer_id == "ground"
    scene.set_section(level(-20.0, cuts_ground=True))
    assert scene.pick(*one) is None


def test_a_section_has_planes_that_point_somewhere() -> None:
    with pytest.raises(ValueError, match="normal"):
        CuttingPlane(origin=(0, 0, 0), normal=(0, 0, 0))
    with pytest.raises(ValueError, match="1 to 6"):
        Section(planes=())

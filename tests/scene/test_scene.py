from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import pyvista
from vtkmodules.vtkCommonCore import vtkObjectBase

from tests.scene.small_city import HEIGHT_M, HOUSE_M, ORIGIN, STEP_M, hills, points, session_of, spec_of, streets, town
from twinviewer.app.commands import AddLayers, MoveLayers, RemoveLayers, SetOpacity, SetPreset, SetStyle, SetVisible
from twinviewer.app.session import Session
from twinviewer.model.layer_data import RasterImage, TriangleMesh
from twinviewer.model.project import Style, Viewpoint
from twinviewer.scene.city_scene import NAMED_VIEWS, CityScene, run_at_once
from twinviewer.scene.picking import Pick

OpenScene = Callable[..., CityScene]
X, Y, _ = ORIGIN
SOUTH = Viewpoint(position=(X + 50, Y - 120, 90), target=(X + 50, Y + 45, 5))


def pixel_of(scene: CityScene, position: tuple[float, float, float]) -> tuple[float, float]:
    """Project a position by hand: the look-at and frustum of any textbook."""
    view = scene.viewpoint
    eye, target = np.array(view.position), np.array(view.target)
    forward = (target - eye) / np.linalg.norm(target - eye)
    right = np.cross(forward, [0, 0, 1])
    right /= np.linalg.norm(right)
    up = np.cross(right, forward)
    offset = np.array(position) - eye
    width, height = scene.window.GetSize()
    half = np.tan(np.radians(view.view_angle_deg) / 2) * (offset @ forward)
    return (
        width / 2 + (offset @ right) / half * height / 2,
        height / 2 - (offset @ up) / half * height / 2,
    )


def roof_of(column: int, row: int) -> tuple[float, float, float]:
    return (X + column * STEP_M + 2, Y + row * STEP_M + HOUSE_M / 2, HEIGHT_M)


def actors_of(scene: CityScene, layer_id: str) -> tuple[Any, ...]:
    return scene._actors[layer_id].actors


def test_a_click_on_a_roof_names_the_house_and_the_surface(open_scene: OpenScene) -> None:
    model = town()
    scene = open_scene(session_of(buildings=model, ground=hills(relief_m=0.2)))
    scene.viewpoint = SOUTH
    for column, row in ((0, 0), (2, 1), (3, 3)):
        pick = scene.pick(*pixel_of(scene, roof_of(column, row)))
        assert pick is not None
        assert pick.layer_id == "buildings"
        assert model.object_ids[pick.object or 0] == f"h-{column}-{row}"
        assert model.surface_type_names[model.surface_type[pick.surface or 0]] == "RoofSurface"
        assert pick.position == pytest.approx(roof_of(column, row), abs=0.01)


def test_hidden_layers_are_not_picked(open_scene: OpenScene) -> None:
    session = session_of(buildings=town(), ground=hills())
    scene = open_scene(session)
    scene.viewpoint = SOUTH
    pixel = pixel_of(scene, roof_of(1, 1))
    session.do(SetVisible(layer_ids=frozenset({"buildings"}), visible=False))
    pick = scene.pick(*pixel)
    assert pick is not None
    assert pick.layer_id == "ground"


def test_a_laser_point_is_picked_by_its_row(open_scene: OpenScene) -> None:
    cloud = points(200)
    scene = open_scene(session_of(cloud=cloud))
    scene.viewpoint = Viewpoint(position=(X - 50, Y + 50, 200), target=(X - 50, Y + 50.01, 30))
    pick = scene.pick(*pixel_of(scene, tuple(cloud.positions[17])))
    assert pick is not None
    assert pick.point is not None
    assert np.linalg.norm(cloud.positions[pick.point] - cloud.positions[17]) < 2.0
    assert scene.pick(3, 3) is None


def test_a_street_and_an_area_are_picked_by_feature(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(map=streets(), ground=hills()))
    scene.viewpoint = Viewpoint(position=(X, Y, 300), target=(X, Y + 0.01, 0))
    street = scene.pick(*pixel_of(scene, (X + 60, Y + 21, scene.ground_height(X + 60, Y + 21))))
    assert street is not None
    assert street.feature == 0
    park = scene.pick(*pixel_of(scene, (X - 50, Y - 50, scene.ground_height(X - 50, Y - 50))))
    assert park is not None
    assert park.feature == 2


def test_where_nothing_is_drawn_the_ground_plane_answers_and_the_sky_does_not(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town(side=1)))
    scene.viewpoint = Viewpoint(position=(X, Y - 50, 20), target=(X, Y, 20))
    below = scene.world_at(5, 290)  # beside the house
    assert below is not None
    assert below[2] == pytest.approx(0, abs=0.01)
    assert scene.world_at(200, 5) is None


def test_a_viewpoint_comes_back_as_it_was_set(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    wanted = Viewpoint(position=(X + 0.123456, Y - 77.7, 55.5), target=(X + 9.1, Y + 3.3, 1.25), view_angle_deg=35)
    scene.viewpoint = wanted
    scene.window.Render()
    assert np.abs(np.subtract(scene.viewpoint.position, wanted.position)).max() < 1e-6
    assert np.abs(np.subtract(scene.viewpoint.target, wanted.target)).max() < 1e-6
    assert scene.viewpoint.view_angle_deg == 35
    parallel = replace(wanted, parallel=True, parallel_height_m=123.0)
    scene.viewpoint = parallel
    assert scene.viewpoint.parallel_height_m == pytest.approx(123)


@pytest.mark.parametrize("name", NAMED_VIEWS)
def test_named_views_show_the_town(open_scene: OpenScene, name: str) -> None:
    scene = open_scene(session_of(buildings=town(), ground=hills()))
    view = scene.named_view(name)
    assert view is not None
    scene.viewpoint = view
    scene.window.Render()
    near, far = scene._renderer.GetActiveCamera().GetClippingRange()
    assert near < far


def test_a_change_touches_only_what_differs(open_scene: OpenScene) -> None:
    session = session_of(buildings=town(), ground=hills(), map=streets())
    scene = open_scene(session)
    kept = {layer: actors_of(scene, layer) for layer in ("buildings", "ground", "map")}
    session.do(SetVisible(layer_ids=frozenset({"buildings"}), visible=False))
    assert not any(actor.GetVisibility() for actor in kept["buildings"])
    assert all(actor.GetVisibility() for actor in kept["ground"])
    session.do(SetOpacity(layer_id="map", opacity=0.4))
    assert all(actor.GetProperty().GetOpacity() == 0.4 for actor in kept["map"])
    session.do(SetStyle(layer_id="buildings", style=Style(color_by="year")))
    session.do(MoveLayers(layer_ids=frozenset({"map"}), before="buildings"))
    session.do(SetPreset(preset="safe"))
    session.undo()
    assert {layer: actors_of(scene, layer) for layer in kept} == kept
    session.do(RemoveLayers(layer_ids=frozenset({"ground"})))
    assert "ground" not in scene._actors
    assert actors_of(scene, "buildings") == kept["buildings"]


def test_undo_brings_a_removed_layer_back(open_scene: OpenScene) -> None:
    session = session_of(buildings=town())
    scene = open_scene(session)
    session.do(RemoveLayers(layer_ids=frozenset({"buildings"})))
    session.undo()
    assert actors_of(scene, "buildings")


def test_a_layer_whose_data_comes_later_is_drawn_then(open_scene: OpenScene) -> None:
    session = Session()
    scene = open_scene(session)
    session.do(AddLayers(layers=(spec_of("buildings", town()),), origin=ORIGIN))
    assert "buildings" not in scene._actors
    session.store.put("buildings", town())
    assert actors_of(scene, "buildings")


def test_what_was_removed_while_it_was_prepared_never_appears(open_scene: OpenScene) -> None:
    waiting: list[tuple[Callable[[], Any], Callable[[Any], None]]] = []
    session = Session()
    scene = open_scene(session, run_in_background=lambda task, done: waiting.append((task, done)))
    session.store.put("buildings", town())
    session.do(AddLayers(layers=(spec_of("buildings", town()),), origin=ORIGIN))
    assert not scene.settled
    session.do(RemoveLayers(layer_ids=frozenset({"buildings"})))
    for task, done in waiting:
        done(task())
    assert scene.settled
    assert not scene._actors


def test_map_layers_are_laid_anew_when_terrain_comes(open_scene: OpenScene) -> None:
    session = session_of(map=streets())
    scene = open_scene(session)
    flat = max(box[2, 1] for box in scene._actors["map"].boxes())
    assert flat < 1.0
    session.store.put("ground", hills(level_m=50.0))
    session.do(AddLayers(layers=(spec_of("ground", hills()),)))
    assert min(box[2, 0] for box in scene._actors["map"].boxes()) > 45.0


def test_a_selected_house_is_highlighted_with_its_parts(open_scene: OpenScene) -> None:
    session = session_of(buildings=town())
    scene = open_scene(session)
    before = scene._renderer.GetActors().GetNumberOfItems()
    scene.select(Pick(position=roof_of(0, 0), layer_id="buildings", object=0, surface=0))
    assert scene._renderer.GetActors().GetNumberOfItems() == before + 2
    top = scene._renderer.GetActors().GetLastActor().GetBounds()[5]
    assert top == pytest.approx(HEIGHT_M + 3, abs=1e-3)  # the part on the roof
    scene.select(None)
    assert scene._renderer.GetActors().GetNumberOfItems() == before


def test_the_highlight_follows_what_is_hidden_and_single_surfaces_are_highlighted_alone(open_scene: OpenScene) -> None:
    session = session_of(buildings=town())
    scene = open_scene(session)
    bare = scene._renderer.GetActors().GetNumberOfItems()
    scene.select(Pick(position=roof_of(0, 0), layer_id="buildings", object=0, surface=0))
    session.do(SetStyle(layer_id="buildings", style=Style(hidden_types=("BuildingPart",))))
    assert scene._renderer.GetActors().GetLastActor().GetBounds()[5] == pytest.approx(HEIGHT_M, abs=1e-3)
    session.do(SetStyle(layer_id="buildings", style=Style(hidden_types=("Building", "BuildingPart"))))
    assert scene._renderer.GetActors().GetNumberOfItems() == bare
    session.do(SetStyle(layer_id="buildings", style=Style()))
    assert scene._renderer.GetActors().GetLastActor().GetBounds()[5] == pytest.approx(HEIGHT_M + 3, abs=1e-3)
    scene.select(Pick(position=roof_of(0, 0), layer_id="buildings", object=0, surfaces=(5,)))
    assert scene._renderer.GetActors().GetLastActor().GetBounds()[4:] == pytest.approx((HEIGHT_M, HEIGHT_M), abs=1e-3)


def test_colour_by_attribute_gives_a_legend_and_goes_away_again(open_scene: OpenScene) -> None:
    session = session_of(buildings=town())
    scene = open_scene(session)
    assert scene.legends() == ()
    session.do(SetStyle(layer_id="buildings", style=Style(color_by="year", colour_map="cividis")))
    (scale,) = scene.legends()
    assert (scale.title, scale.colour_map) == ("year", "cividis")
    session.undo()
    assert scene.legends() == ()


def test_pictures_and_meshes_are_drawn(open_scene: OpenScene) -> None:
    picture = RasterImage(
        source=town().source,
        crs=None,
        pixels=np.full((20, 30, 4), 255, np.uint8),
        transform=(2.0, 0.0, X - 90, 0.0, -2.0, Y),
        width=30,
        height=20,
        bands=3,
        file_extent=None,
    )
    mesh = TriangleMesh(
        source=town().source,
        crs=None,
        vertices=np.array([[X, Y, 0], [X + 9, Y, 0], [X, Y + 9, 5.0]]),
        triangles=np.array([[0, 1, 2]], np.int32),
        vertex_rgb=None,
    )
    scene = open_scene(session_of(ortho=picture, thing=mesh, ground=hills()))
    scene.fit()
    scene.window.Render()
    assert actors_of(scene, "ortho")
    assert actors_of(scene, "thing")


def test_a_foreign_thread_is_turned_away(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    raised: list[BaseException] = []

    def touch() -> None:
        try:
            scene.set_preset("safe")
        except AssertionError as error:
            raised.append(error)

    thread = threading.Thread(target=touch)
    thread.start()
    thread.join()
    assert raised


def test_close_leaves_no_vtk_object_behind() -> None:
    gc.collect()
    before = {id(item) for item in gc.get_objects() if isinstance(item, vtkObjectBase)}
    plotter = pyvista.Plotter(off_screen=True, window_size=[200, 150])
    session = session_of(buildings=town(), ground=hills(), cloud=points(), map=streets())
    scene = CityScene(plotter, session, request_render=lambda: None, run_in_background=run_at_once)
    for preset in ("planning", "presentation", "point-cloud", "safe"):
        scene.set_preset(preset)
        scene.fit()
        scene.window.Render()
    scene.pick(100, 75)
    scene.close()
    plotter.close()
    del plotter, scene
    gc.collect()
    left = [item for item in gc.get_objects() if isinstance(item, vtkObjectBase) and id(item) not in before]
    assert left == []

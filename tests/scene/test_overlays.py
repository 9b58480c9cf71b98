from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from vtkmodules.vtkCommonCore import vtkDataArray
from vtkmodules.vtkRenderingCore import vtkActor

from tests.scene.small_city import HEIGHT_M, ORIGIN, STEP_M, hills, session_of, spec_of, town
from twinviewer.app.colour_maps import colours_of
from twinviewer.app.commands import AddLayers
from twinviewer.model.drawing import ColourObjects, ColourScale, GlyphShape, Labels, PlaceGlyphs
from twinviewer.model.project import Viewpoint
from twinviewer.scene.city_model_actor import CityModelActor
from twinviewer.scene.city_scene import CityScene
from twinviewer.scene.colours import ramp
from twinviewer.scene.glyph_shapes import shape_mesh
from twinviewer.scene.labels import decluttered
from twinviewer.scene.meshes import as_numpy

OpenScene = Callable[..., CityScene]
X, Y, _ = ORIGIN
NO2 = ColourScale(title="NO2", unit="ug/m3", colour_map="limit", value_range=(0, 80))
ABOVE = Viewpoint(position=(X + 50, Y + 45, 250), target=(X + 50, Y + 45.01, 0))


def frame_of(step: int, *, count: int = 30) -> tuple[ColourObjects, PlaceGlyphs, Labels]:
    rng = np.random.default_rng(step)
    positions = np.column_stack([rng.uniform(0, 100, (count, 2)), np.full(count, 20.0)]) + ORIGIN
    values = rng.uniform(0, 80, count)
    ids = tuple(f"h-{x}-{y}" for x in range(4) for y in range(4))
    return (
        ColourObjects(object_ids=ids, values=rng.uniform(0, 80, len(ids)), scale=NO2),
        PlaceGlyphs(
            shape=GlyphShape.CAR,
            positions=positions,
            size_m=4.5,
            heading_deg=rng.uniform(0, 360, count),
            values=values,
            scale=NO2,
            ids=[f"car-{i}" for i in range(count)],
            stale=np.arange(count) % 7 == 0,
        ),
        Labels(positions=positions[:8], texts=[f"{value:.0f}" for value in values[:8]]),
    )


def drawn(scene: CityScene, overlay_id: str) -> list:
    return [each for each, _ in scene._overlays._overlays[overlay_id].drawn]


def cell_colours(scene: CityScene, layer_id: str) -> np.ndarray:
    return np.concatenate([as_numpy(colour_array(surface))[:, :3] for surface in scene._actors[layer_id].surfaces])


def colour_array(surface: vtkActor) -> vtkDataArray:
    return surface.GetMapper().GetInput().GetCellData().GetScalars()


def test_a_hundred_frames_never_make_a_new_actor(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.viewpoint = ABOVE
    scene.draw_overlay("live", frame_of(0))
    scene.window.Render()
    glyphs, city = drawn(scene, "live")[0], scene._actors["buildings"].actors
    actors, arrays = glyphs.actors, dict(glyphs.copies[0].arrays)
    props = scene._renderer.GetViewProps().GetNumberOfItems()
    for step in range(1, 101):
        scene.draw_overlay("live", frame_of(step))
    scene.window.Render()
    assert drawn(scene, "live")[0] is glyphs
    assert glyphs.actors == actors
    assert all(glyphs.copies[0].arrays[name] is array for name, array in arrays.items())
    assert scene._actors["buildings"].actors == city
    assert scene._renderer.GetViewProps().GetNumberOfItems() <= props + 8  # labels that found room since


def test_objects_and_their_parts_take_the_colour_and_give_it_back(open_scene: OpenScene) -> None:
    model = town()
    scene = open_scene(session_of(buildings=model))
    own = cell_colours(scene, "buildings").copy()
    scene.draw_overlay("air", [ColourObjects(object_ids=["h-1-1", "elsewhere"], values=np.array([80.0, 1]), scale=NO2)])
    painted = cell_colours(scene, "buildings")
    changed = (painted != own).any(axis=1)
    assert {tuple(row) for row in painted[changed]} == {tuple(colours_of("limit")[255])}
    assert changed.sum() == 2 * 12  # the house and its part, twelve triangles each
    assert scene.legends() == (NO2,)
    scene.remove_overlay("air")
    assert np.array_equal(cell_colours(scene, "buildings"), own)
    assert scene.legends() == ()


def test_a_hidden_overlay_gives_colours_back_and_a_later_one_lies_on_top(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    own = cell_colours(scene, "buildings").copy()
    low, high = (ColourObjects(object_ids=["h-0-0"], values=np.array([v]), scale=NO2) for v in (0.0, 80.0))
    scene.draw_overlay("first", [low])
    scene.draw_overlay("second", [high])
    top = ramp(np.array([80.0]), name="limit", value_range=(0, 80))[0]
    changed = (cell_colours(scene, "buildings") != own).any(axis=1)
    assert (cell_colours(scene, "buildings")[changed] == top).all()
    scene.draw_overlay("second", [high], visible=False)
    scene.draw_overlay("first", [low], visible=False)
    assert np.array_equal(cell_colours(scene, "buildings"), own)


def test_ids_are_looked_up_once_while_only_values_change(
    open_scene: OpenScene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = open_scene(session_of(buildings=town()))
    looked_up: list[int] = []
    painted: list[int] = []
    rows_of, painters = CityModelActor.rows_of, CityModelActor._painters
    monkeypatch.setattr(CityModelActor, "rows_of", lambda self, ids: looked_up.append(1) or rows_of(self, ids))
    monkeypatch.setattr(CityModelActor, "_painters", lambda self, rows: painted.append(1) or painters(self, rows))
    colour_arrays = [colour_array(surface) for surface in scene._actors["buildings"].surfaces]
    mappers = [(actor.GetMapper(), actor.GetMapper().GetMTime()) for actor in scene._actors["buildings"].surfaces]
    for step in range(5):
        for overlay_id, house in (("first", "h-0-0"), ("second", "h-1-1")):
            values = np.array([80.0 * step / 4])
            scene.draw_overlay(overlay_id, [ColourObjects(object_ids=[house], values=values, scale=NO2)])
    assert len(looked_up) == 2
    assert len(painted) == 2  # for the first alone, then for both
    assert [colour_array(surface) for surface in scene._actors["buildings"].surfaces] == colour_arrays
    assert [(mapper, mapper.GetMTime()) for mapper, _ in mappers] == mappers
    assert (cell_colours(scene, "buildings") == colours_of("limit")[255]).all(axis=1).sum() == 48


def test_a_city_model_that_comes_later_is_coloured_too(open_scene: OpenScene) -> None:
    session = session_of(ground=hills())
    scene = open_scene(session)
    scene.draw_overlay("air", [ColourObjects(object_ids=["h-0-0"], values=np.array([80.0]), scale=NO2)])
    session.store.put("buildings", town())
    session.do(AddLayers(layers=(spec_of("buildings", town()),)))
    assert (cell_colours(scene, "buildings") == colours_of("limit")[255]).all(axis=1).sum() == 24


def test_values_that_are_missing_are_drawn_as_missing(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.draw_overlay("air", [ColourObjects(object_ids=["h-0-0"], values=np.array([np.nan]), scale=NO2)])
    assert (cell_colours(scene, "buildings") == (176, 176, 172)).all(axis=1).sum() == 24


def test_a_glyph_is_picked_by_its_id_before_what_lies_behind_it(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.viewpoint = ABOVE
    position = np.array([[X + STEP_M + 2, Y + STEP_M + 2, HEIGHT_M + 5.0]])
    scene.draw_overlay("cars", [PlaceGlyphs(shape=GlyphShape.SPHERE, positions=position, size_m=6.0, ids=["car-7"])])
    height = 300
    metres_per_px = 2 * np.tan(np.radians(20)) * (250 - HEIGHT_M - 6.8) / height
    x_px = 200 + (position[0, 0] - (X + 50)) / metres_per_px
    y_px = 150 - (position[0, 1] - (Y + 45)) / metres_per_px
    pick = scene.pick(x_px, y_px)
    assert pick is not None
    assert (pick.overlay_id, pick.glyph, pick.glyph_id) == ("cars", 0, "car-7")
    assert pick.layer_id is None
    scene.draw_overlay("cars", [])
    after = scene.pick(x_px, y_px)
    assert after is not None
    assert after.overlay_id is None


def test_stale_glyphs_are_grey_and_half_transparent(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.draw_overlay("live", frame_of(0), opacity=0.8)
    glyphs = drawn(scene, "live")[0]
    stale = glyphs.copies[1].arrays["colour"]
    assert (stale == 150).all(axis=1).sum() == 0  # the grey is slightly warm
    assert len(np.unique(stale, axis=0)) == 1
    assert glyphs.actors[1].GetProperty().GetOpacity() == pytest.approx(0.4)


def test_labels_never_lie_on_each_other_and_the_first_is_kept() -> None:
    rng = np.random.default_rng(3)
    pixels, sizes = rng.uniform(0, 400, (300, 2)), np.tile([60.0, 20.0], (300, 1))
    kept = decluttered(pixels, np.ones(300, dtype=bool), sizes)
    assert kept[0] == 0
    for one in kept:
        for other in kept:
            if one < other:
                assert (np.abs(pixels[one] - pixels[other]) > sizes[0]).any()


def test_labels_behind_the_camera_are_not_drawn(open_scene: OpenScene) -> None:
    scene = open_scene(session_of(buildings=town()))
    scene.viewpoint = Viewpoint(position=(X, Y - 100, 20), target=(X, Y, 10))
    behind, ahead = (X, Y - 200, 10), (X, Y, 10)
    scene.draw_overlay("names", [Labels(positions=np.array([behind, ahead]), texts=["behind", "ahead"])])
    scene.window.Render()
    pool = drawn(scene, "names")[0].pool
    assert [actor.GetInput() for actor in pool if actor.GetVisibility()] == ["ahead"]


@pytest.mark.parametrize("shape", GlyphShape)
def test_shapes_are_one_unit_long_stand_on_the_ground_and_face_outwards(shape: GlyphShape) -> None:
    mesh = shape_mesh(shape)
    low_x, high_x, low_y, high_y, low_z, high_z = mesh.GetBounds()
    assert max(high_x - low_x, high_y - low_y, high_z - low_z) == pytest.approx(1, abs=0.02)
    assert 0 <= low_z < 0.1
    volume = 0.0
    for cell in range(mesh.GetNumberOfCells()):
        ids = mesh.GetCell(cell).GetPointIds()
        a, b, c = (np.array(mesh.GetPoint(ids.GetId(corner))) for corner in range(3))
        volume += float(a @ np.cross(b, c)) / 6
    assert volume > 0

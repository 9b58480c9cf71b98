from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.scene.small_city import CRS, HEIGHT_M, HOUSE_M, ORIGIN, session_of, spec_of, town
from tests.scene.views import FROM_SOUTH, HEIGHT_PX, M_PER_PX, WIDTH_PX, picture
from twinviewer.app.commands import AddLayers, SetStyle
from twinviewer.app.problems import ProblemLog
from twinviewer.app.session import Session
from twinviewer.app.textures import TextureAtlas, TextureReader, at_once
from twinviewer.app.workers import WorkerPool
from twinviewer.formats import textures as reader
from twinviewer.model.city_parts import Appearance, Material, Texture, Theme, WrapMode
from twinviewer.model.drawing import ColourObjects, ColourScale
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel, FeatureTable, RasterImage
from twinviewer.model.project import LayerSource, Style
from twinviewer.scene.city_scene import CityScene

RED, GREEN, BLUE, YELLOW = (255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 0)
SOUTH_WALL = 1
"""Of the first house: its corners run from the lower left to the upper left, seen from outside."""


class Textures:
    """Brings one picture for every texture, or waits until it is told to."""

    def __init__(self, folder: Path, *, waits: bool = False) -> None:
        self.folder, self.waits = folder, waits
        self.asked: list[tuple[str, ...]] = []
        self.waiting: list[Callable[[], None]] = []

    def bring(self, path: Path, textures: Sequence[Texture], on_done: Callable[[TextureAtlas], None]) -> None:
        self.asked.append(tuple(texture.path for texture in textures))

        def bring() -> None:
            wanted = [{"path": each.path, "wrap": each.wrap, "border": [9, 8, 7, 255]} for each in textures]
            table, *pages = reader.read(path=self.folder / "city.gml", textures=wanted, feedback=Silent())
            assert isinstance(table, FeatureTable)
            numbers = np.column_stack([column.values for column in table.attributes]).astype(np.int32)
            pixels = tuple(page.pixels for page in pages if isinstance(page, RasterImage))
            on_done(TextureAtlas(page=numbers[:, 0], box=numbers[:, 1:].astype(np.float32), pages=pixels))

        if self.waits:
            self.waiting.append(bring)
        else:
            bring()


@pytest.fixture
def textures(tmp_path: Path) -> Textures:
    """Pictures of 2 × 2 fields, each 16 pixels wide: red and green above, blue and yellow below."""
    fields = np.array([[RED, GREEN], [BLUE, YELLOW]], np.uint8).repeat(16, axis=0).repeat(16, axis=1)
    Image.fromarray(fields).save(tmp_path / "fields.png")
    Image.new("RGB", (8, 8), (255, 255, 255)).save(tmp_path / "white.png")
    return Textures(tmp_path)


def textured_town(
    *, wrap: WrapMode = WrapMode.NONE, times: float = 1.0, names: Sequence[str] = ("fields.png",)
) -> CityModel:
    """Return one house whose south wall has a texture, ``times`` times each way; one theme for each of ``names``."""
    model = town(side=1)
    triangles = np.flatnonzero(model.triangle_surface == SOUTH_WALL)
    texture = np.full(len(model.surface_object), -1, np.int32)
    texture[SOUTH_WALL] = 0
    coordinates = np.full((len(model.triangles), 3, 2), np.nan, np.float32)
    low = np.array([*ORIGIN[:2], 0.0])
    place = (model.vertices[model.triangles[triangles]] - low) / (HOUSE_M, 1.0, HEIGHT_M)
    coordinates[triangles] = times * place[..., [0, 2]]
    nothing = np.full(len(model.surface_object), -1, np.int32)
    return replace(
        model,
        appearance=Appearance(
            materials=(Material(diffuse=(0.1, 0.2, 0.9)), Material(diffuse=(0.9, 0.1, 0.1), transparency=0.5)),
            textures=tuple(Texture(path=name, wrap=wrap) for name in names),
            themes=(
                Theme(
                    name="materials",
                    material=np.where(np.arange(len(nothing)) == SOUTH_WALL, 0, -1).astype(np.int32),
                    texture=nothing,
                    coordinates=np.empty((0, 3, 2), np.float32),
                ),
                *(
                    Theme(
                        name=name,
                        material=nothing,
                        texture=np.where(texture == 0, number, -1).astype(np.int32),
                        coordinates=coordinates,
                    )
                    for number, name in enumerate(names)
                ),
            ),
        ),
    )


def wall_pixel(pixels: np.ndarray, x: float, z: float) -> np.ndarray:
    """Return the mean colour around a place on the south wall: metres from its lower left corner."""
    column = (x - 50) / M_PER_PX + WIDTH_PX / 2
    row = HEIGHT_PX / 2 + (50 - z) / M_PER_PX
    return pixels[round(row) - 1 : round(row) + 2, round(column) - 1 : round(column) + 2].mean(axis=(0, 1))


def is_like(pixel: np.ndarray, colour: tuple[int, int, int]) -> bool:
    """Return whether a lit pixel has the hue of a pure colour: light is white or yellow, haze is far."""
    full, none = pixel[np.array(colour) > 0], pixel[np.array(colour) == 0]
    return bool(full.min() > 60 and (len(none) == 0 or none.max() < 0.35 * full.min()))


QUARTERS = {(0.25, 0.25): BLUE, (0.75, 0.25): YELLOW, (0.25, 0.75): RED, (0.75, 0.75): GREEN}


def test_a_texture_stands_upright_and_is_not_mirrored(open_scene: Callable[..., CityScene], textures: Textures) -> None:
    scene = open_scene(session_of(city=textured_town()), textures=textures)
    pixels = picture(scene, FROM_SOUTH)
    for (s, t), colour in QUARTERS.items():
        assert is_like(wall_pixel(pixels, s * HOUSE_M, t * HEIGHT_M), colour), (s, t)


@pytest.mark.parametrize(
    ("wrap", "beyond"),
    [  # the colours at s, t = (1.25, 0.25), (1.75, 0.25), (0.25, 1.25), (0.25, 1.75)
        (WrapMode.WRAP, (BLUE, YELLOW, BLUE, RED)),
        (WrapMode.MIRROR, (YELLOW, BLUE, RED, BLUE)),
        (WrapMode.CLAMP, (YELLOW, YELLOW, RED, RED)),
    ],
)
def test_beyond_its_edges_a_texture_goes_on_as_its_wrap_mode_says(
    open_scene: Callable[..., CityScene], textures: Textures, wrap: WrapMode, beyond: tuple[tuple[int, int, int], ...]
) -> None:
    scene = open_scene(session_of(city=textured_town(wrap=wrap, times=2.0)), textures=textures)
    pixels = picture(scene, FROM_SOUTH)
    places = ((1.25, 0.25), (1.75, 0.25), (0.25, 1.25), (0.25, 1.75))
    for (s, t), colour in (*QUARTERS.items(), *zip(places, beyond, strict=True)):
        assert is_like(wall_pixel(pixels, s / 2 * HOUSE_M, t / 2 * HEIGHT_M), colour), (s, t)


def test_border_colour_and_nothing_beyond_the_edges(open_scene: Callable[..., CityScene], textures: Textures) -> None:
    border = open_scene(session_of(city=textured_town(wrap=WrapMode.BORDER, times=2.0)), textures=textures)
    none = open_scene(session_of(city=textured_town(wrap=WrapMode.NONE, times=2.0)), textures=textures)
    beyond = (0.75 * HOUSE_M, 0.75 * HEIGHT_M)
    assert wall_pixel(picture(border, FROM_SOUTH), *beyond).max() < 15
    mean = wall_pixel(picture(none, FROM_SOUTH), *beyond)
    assert mean.min() > 20
    assert is_like(wall_pixel(picture(none, FROM_SOUTH), 0.125 * HOUSE_M, 0.125 * HEIGHT_M), BLUE)


def session_from(file: Path, model: CityModel) -> Session:
    """Return a session with a model that comes from a file."""
    file.touch()
    session = Session()
    session.store.put("city", model)
    spec = replace(spec_of("city", model), source=LayerSource(path=str(file), reader="test"))
    session.do(AddLayers(layers=(spec,), crs=CRS, origin=ORIGIN))
    return session


def restyle(session: Session, **style: object) -> None:
    session.do(SetStyle(layer_id="city", style=Style(**style)))


def test_themes_are_switched_without_a_new_actor_and_textures_brought_when_shown(
    open_scene: Callable[..., CityScene], textures: Textures
) -> None:
    session = session_of(city=textured_town(names=("fields.png", "white.png")))
    scene = open_scene(session, textures=textures)
    actor = scene._actors["city"]
    parts, meshes = actor.actors, [surface.GetMapper().GetInput() for surface in actor.surfaces]
    assert textures.asked == [("fields.png",)]  # of two with as many textures, the first
    middle = (0.25 * HOUSE_M, 0.25 * HEIGHT_M)
    plain = Style(color_by="plain")
    seen = {}
    for theme in ("fields.png", "white.png", "materials", None):
        restyle(session, theme=theme) if theme else session.do(SetStyle(layer_id="city", style=plain))
        seen[theme] = wall_pixel(picture(scene, FROM_SOUTH), *middle)
    assert is_like(seen["fields.png"], BLUE)
    assert np.ptp(seen["white.png"]) < 40
    assert seen["white.png"].min() > 100
    assert seen["materials"][2] > 2 * seen["materials"][0]
    assert seen[None][0] > seen[None][2]  # plaster is warm
    assert textures.asked == [("fields.png",), ("white.png",)]
    assert scene._actors["city"] is actor
    assert actor.actors == parts
    assert [surface.GetMapper().GetInput() for surface in actor.surfaces] == meshes


def test_the_model_is_there_at_once_and_textures_come_later(
    open_scene: Callable[..., CityScene], textures: Textures
) -> None:
    textures.waits = True
    rendered: list[int] = []
    scene = open_scene(session_of(city=textured_town()), textures=textures, request_render=lambda: rendered.append(1))
    middle = (0.25 * HOUSE_M, 0.25 * HEIGHT_M)
    before = wall_pixel(picture(scene, FROM_SOUTH), *middle)
    assert before[0] > before[2]
    rendered.clear()
    textures.waiting.pop()()
    assert rendered
    assert is_like(wall_pixel(picture(scene, FROM_SOUTH), *middle), BLUE)


def test_textures_stay_when_the_level_of_detail_changes_or_a_picture_is_taken(
    open_scene: Callable[..., CityScene], textures: Textures, tmp_path: Path
) -> None:
    session = session_of(city=textured_town())
    scene = open_scene(session, textures=textures)
    scene.viewpoint = FROM_SOUTH
    restyle(session, lod="2")
    middle = (0.25 * HOUSE_M, 0.25 * HEIGHT_M)
    assert is_like(wall_pixel(picture(scene, FROM_SOUTH), *middle), BLUE)
    scene.screenshot(tmp_path / "twice.png", (2 * WIDTH_PX, 2 * HEIGHT_PX))
    twice = np.asarray(Image.open(tmp_path / "twice.png").convert("RGB")).astype(int)
    column, row = 2 * ((middle[0] - 50) / M_PER_PX + WIDTH_PX / 2), 2 * (HEIGHT_PX / 2 + (50 - middle[1]) / M_PER_PX)
    assert is_like(twice[round(row), round(column)], BLUE)
    assert len(textures.asked) == 1


def test_an_overlay_colours_textured_walls_and_gives_them_back(
    open_scene: Callable[..., CityScene], textures: Textures
) -> None:
    scene = open_scene(session_of(city=textured_town()), textures=textures)
    scale = ColourScale(title="NO2", unit="ug/m3", colour_map="grey", value_range=(0, 1))
    scene.draw_overlay("air", [ColourObjects(object_ids=["h-0-0"], values=np.array([1.0]), scale=scale)])
    covered = wall_pixel(picture(scene, FROM_SOUTH), 0.25 * HOUSE_M, 0.25 * HEIGHT_M)
    assert np.ptp(covered) < 60
    scene.remove_overlay("air")
    assert is_like(wall_pixel(picture(scene, FROM_SOUTH), 0.25 * HOUSE_M, 0.25 * HEIGHT_M), BLUE)


def test_the_hidden_wall_is_gone_with_its_texture(open_scene: Callable[..., CityScene], textures: Textures) -> None:
    session = session_of(city=textured_town())
    scene = open_scene(session, textures=textures)
    restyle(session, hidden_types=("WallSurface",))
    inside = wall_pixel(picture(scene, FROM_SOUTH), 0.25 * HOUSE_M, 0.25 * HEIGHT_M)
    assert not is_like(inside, BLUE)
    restyle(session)
    assert is_like(wall_pixel(picture(scene, FROM_SOUTH), 0.25 * HOUSE_M, 0.25 * HEIGHT_M), BLUE)


def outlines(scene: CityScene) -> int:
    return sum(edge.GetMapper().GetInput().GetNumberOfCells() for edge in scene._actors["city"].edges)


def test_pictures_have_no_outlines_and_plaster_has(open_scene: Callable[..., CityScene], textures: Textures) -> None:
    session = session_of(city=textured_town())
    scene = open_scene(session, textures=textures)
    of_one_wall = 4
    without = outlines(scene)
    restyle(session, color_by="plain")
    assert outlines(scene) == without + of_one_wall
    restyle(session)
    assert outlines(scene) == without


def test_glass_lets_see_what_is_behind_and_the_sun_through(open_scene: Callable[..., CityScene]) -> None:
    model = textured_town()
    assert model.appearance is not None
    glass = replace(
        model.appearance.themes[0],
        material=np.where(np.arange(len(model.surface_object)) == SOUTH_WALL, 1, -1).astype(np.int32),
    )
    session = session_of(city=replace(model, appearance=replace(model.appearance, themes=(glass,))))
    scene = open_scene(session)
    actor = scene._actors["city"]
    opaque = wall_pixel(picture(scene, FROM_SOUTH), 0.5 * HOUSE_M, 0.3 * HEIGHT_M)
    assert not any(surface.GetForceTranslucent() for surface in actor.surfaces)  # materials wait to be asked for
    restyle(session, theme="materials")
    through = wall_pixel(picture(scene, FROM_SOUTH), 0.5 * HOUSE_M, 0.3 * HEIGHT_M)
    assert [surface.GetForceTranslucent() for surface in actor.surfaces].count(1) == 1
    assert through[0] > 1.5 * through[1]  # red glass
    assert abs(through - opaque).sum() > 50


def test_textures_that_cannot_be_decoded_are_told_and_the_wall_has_its_own_colour(
    open_scene: Callable[..., CityScene], tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"nonsense")
    session = session_from(tmp_path / "city.gml", textured_town(names=("bad.png",)))
    problems, pool = ProblemLog(), WorkerPool(size=1)
    try:
        scene = open_scene(session, textures=TextureReader(pool, problems, at_once))
        colour = wall_pixel(picture(scene, FROM_SOUTH), 0.25 * HOUSE_M, 0.25 * HEIGHT_M)
    finally:
        pool.close()
    assert [problem.code for problem in problems.problems] == ["texture.unreadable"]
    assert colour[0] > colour[2]


def test_a_worker_decodes_the_pictures_beside_the_file(
    open_scene: Callable[..., CityScene], textures: Textures
) -> None:
    session = session_from(textures.folder / "city.gml", textured_town())
    problems, pool = ProblemLog(), WorkerPool(size=1)
    try:
        scene = open_scene(session, textures=TextureReader(pool, problems, at_once))
        pixels = picture(scene, FROM_SOUTH)
    finally:
        pool.close()
    assert problems.problems == ()
    for (s, t), colour in QUARTERS.items():
        assert is_like(wall_pixel(pixels, s * HOUSE_M, t * HEIGHT_M), colour), (s, t)

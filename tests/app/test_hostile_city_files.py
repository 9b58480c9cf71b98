"""City models that point at other files or the network, or are made to cost much: through the workers, as opened."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.app.test_hostile_files import pointers
from tests.app.witnesses import Ear, Watch
from tests.crowding import allowed_s
from tests.formats.small_citygml import building, city, envelope, held, polygon, square, start_of, wall
from tests.formats.test_citygml_stream import ATTACKS
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.sources import Sources
from twinviewer.app.textures import TextureAtlas, TextureReader, at_once
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.request import Placing
from twinviewer.model.city_parts import Texture
from twinviewer.model.errors import DamagedFileError, HostileFileError, ReadError, UnsupportedFormatError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import CityModel, LayerData

AT_ONCE_S = 2.0
X0, Y0 = 500_000.0, 5_600_000.0
"""A corner of what ``square`` makes."""
SECRET = "swordfish"
Open = Callable[[Path], tuple[LayerData, ...]]


@pytest.fixture(scope="module")
def opened() -> Iterator[Open]:
    """Give the way in which the program opens the first file of a project: whose it is, then reading and placing."""
    pool = WorkerPool(size=1)
    sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)

    def open_first(path: Path) -> tuple[LayerData, ...]:
        reader = sources.reader_for(path, Silent())
        return sources.read(replace(sources.request(path, reader), placing=Placing.FIRST), reader, Silent()).layers

    yield open_first
    pool.close()


@pytest.fixture
def ear() -> Iterator[Ear]:
    listening = Ear()
    yield listening
    listening.close()


class Outside:
    """Files that a city model has no business with; the folder of the model is ``home``."""

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self.home.mkdir()
        dictionary = (
            f'<gml:Dictionary xmlns:gml="http://www.opengis.net/gml"><gml:name>{SECRET}</gml:name></gml:Dictionary>'
        )
        contents = {
            "secret.txt": SECRET,
            "secret.xml": dictionary,
            "secret.gml": city(building(wall(held(polygon(square(), id="surface"))), id=SECRET)),
            "secret.png": SECRET,
        }
        for name, content in contents.items():
            (folder / name).write_text(content)
        self.files = [folder / name for name in contents]
        self._watches = [Watch(path) for path in self.files]

    def named(self, suffix: str) -> list[str]:
        """Return the names of the file with this ending: absolute, as an address, and from the model's folder."""
        (path,) = [path for path in self.files if path.suffix == suffix]
        return [str(path), path.as_uri(), f"file:{path}", f"../{path.name}", f"./../{path.name}", f"//localhost{path}"]

    @property
    def was_opened(self) -> bool:
        return sum(watch.saw_something() for watch in self._watches) > 0

    def close(self) -> None:
        for watch in self._watches:
            watch.close()


@pytest.fixture
def outside(tmp_path: Path) -> Iterator[Outside]:
    files = Outside(tmp_path)
    yield files
    files.close()


def entity(kind: str) -> Callable[[str], str]:
    return lambda name: f"<!DOCTYPE b [{kind.format(name)}]>{city(building('<gml:name>&x;</gml:name>'))}"


def in_building(content: str, *, version: str = "2.0") -> Callable[[str], str]:
    whole = city(building(content + wall(held(polygon(square())))), version=version)
    return lambda name: whole.replace("{}", name)


def member(name: str) -> str:
    return wall(f'<gml:surfaceMember xlink:href="{name}"/>')


GRID = (
    "<dem:ReliefFeature><dem:lod>1</dem:lod><dem:reliefComponent><dem:RasterRelief><dem:lod>1</dem:lod><dem:grid>"
    "<gml:RectifiedGridCoverage><gml:rangeSet><gml:File><gml:rangeParameters/><gml:fileName>{}</gml:fileName>"
    "<gml:fileStructure>Record Interleaved</gml:fileStructure></gml:File></gml:rangeSet></gml:RectifiedGridCoverage>"
    "</dem:grid></dem:RasterRelief></dem:reliefComponent></dem:ReliefFeature>"
)
SHAPE = (
    "<veg:SolitaryVegetationObject><veg:lod1ImplicitRepresentation><core:ImplicitGeometry>"
    "<core:transformationMatrix>1 0 0 0 0 1 0 0 0 0 1 0 0 0 0 1</core:transformationMatrix>{}<core:referencePoint>"
    "<gml:Point><gml:pos>500000 5600000 0</gml:pos></gml:Point></core:referencePoint></core:ImplicitGeometry>"
    "</veg:lod1ImplicitRepresentation></veg:SolitaryVegetationObject>"
)
TEXTURE = (
    "<core:appearanceMember><app:Appearance><app:surfaceDataMember><app:{0}><app:imageURI>{{}}</app:imageURI>"
    "<app:target{1}</app:target></app:{0}></app:surfaceDataMember></app:Appearance></core:appearanceMember>"
)
POINTERS: dict[str, tuple[str, Callable[[str], str]]] = {
    "an entity": (".txt", entity("<!ENTITY x SYSTEM '{}'>")),
    "a public entity": (".txt", entity("<!ENTITY x PUBLIC 'x' '{}'>")),
    "a parameter entity": (".xml", entity("<!ENTITY % d SYSTEM '{}'> %d;")),
    "a document type": (".xml", lambda name: f"<!DOCTYPE CityModel SYSTEM '{name}'>{city(building(member('#x')))}"),
    "an inclusion": (
        ".txt",
        in_building(
            "<gml:name><x:include xmlns:x='http://www.w3.org/2001/XInclude' href='{}' parse='text'/></gml:name>"
        ),
    ),
    "a style sheet": (".xml", lambda name: f"<?xml-stylesheet href='{name}'?>{city(building(member('#x')))}"),
    "a schema": (
        ".xml",
        lambda name: (
            start_of(more=f"xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='u {name}'")
            + f"<core:cityObjectMember>{building(member('#x'))}</core:cityObjectMember></core:CityModel>"
        ),
    ),
    "a surface elsewhere": (".gml", lambda name: in_building(member(f"{name}#surface"))("")),
    "a member elsewhere": (
        ".gml",
        lambda name: city(building(wall(held(polygon(square()))))).replace(
            "</core:CityModel>", f"<core:cityObjectMember xlink:href='{name}#house'/></core:CityModel>"
        ),
    ),
    "a code list": (".xml", in_building("<bldg:function codeSpace='{}'>1000</bldg:function>")),
    "a grid of heights": (".txt", lambda name: city(GRID.format(name), building(wall(held(polygon(square())))))),
    "a library object": (
        ".gml",
        lambda name: city(SHAPE.format(f"<core:libraryObject>{name}</core:libraryObject>"), building("")),
    ),
    "a shape elsewhere": (
        ".gml",
        lambda name: city(SHAPE.format(f"<core:relativeGMLGeometry xlink:href='{name}#surface'/>"), building("")),
    ),
    "a point cloud elsewhere": (
        ".txt",
        in_building(
            "<core:pointCloud><pcl:PointCloud xmlns:pcl='http://www.opengis.net/citygml/pointcloud/3.0'>"
            "<pcl:pointFile>{}</pcl:pointFile></pcl:PointCloud></core:pointCloud>",
            version="3.0",
        ),
    ),
    "a reference system": (".xml", lambda name: city(building(wall(held(polygon(square())))), srs=name)),
    "a reference system of PROJ's": (
        ".txt",
        lambda name: city(building(wall(held(polygon(square())))), srs=f"+init={name}:x"),
    ),
    "a grid of PROJ's": (
        ".txt",
        lambda name: city(
            building(wall(held(polygon(square())))), srs=f"+proj=utm +zone=32 +nadgrids={name} +type=crs"
        ),
    ),
    "a texture": (
        ".png",
        lambda name: (
            start_of()
            + envelope("EPSG:25832")
            + TEXTURE.format("ParameterizedTexture", ' uri="#p">').replace("{}", name)
            + f"<core:cityObjectMember>{building(wall(held(polygon(square(), id='p'))))}</core:cityObjectMember>"
            + "</core:CityModel>"
        ),
    ),
    "a texture of the ground": (
        ".png",
        lambda name: (
            start_of()
            + envelope("EPSG:25832")
            + TEXTURE.format("GeoreferencedTexture", ">#p").replace("{}", name)
            + f"<core:cityObjectMember>{building(wall(held(polygon(square(), id='p'))))}</core:cityObjectMember>"
            + "</core:CityModel>"
        ),
    ),
}
"""What may point elsewhere in CityGML, the ending of the file that it would point at, and the text that does."""


def document(**more: object) -> dict[str, object]:
    face = {"type": "MultiSurface", "lod": "2", "boundaries": [[[0, 1, 2, 3]]]}
    return {
        "type": "CityJSON",
        "version": "2.0",
        "transform": {"scale": [1, 1, 1], "translate": [0, 0, 0]},
        "CityObjects": {"house": {"type": "Building", "geometry": [face]}},
        "vertices": [list(point) for point in square()],
        **more,
    }


JSON_POINTERS: dict[str, tuple[str, Callable[[str], dict[str, object]]]] = {
    "an extension": (".xml", lambda name: document(extensions={"X": {"url": name, "version": "1.0"}})),
    "a reference system": (".xml", lambda name: document(metadata={"referenceSystem": name})),
    "a reference system of PROJ's": (".txt", lambda name: document(metadata={"referenceSystem": f"+init={name}:x"})),
    "a texture": (".png", lambda name: document(appearance={"textures": [{"type": "PNG", "image": name}]})),
    "a schema": (".xml", lambda name: document(**{"$schema": name, "$ref": name})),
}


def on_the_network(port: int) -> list[str]:
    host = f"127.0.0.1:{port}"
    return [f"http://{host}/a", f"ftp://{host}/a", f"/vsicurl/http://{host}/a", f"//{host}/share/a", f"\\\\{host}\\a"]


OTHER_NAMES = [
    "MEM:::DATAPOINTER=0x1000,PIXELS=1,LINES=1",
    "/vsizip/x.zip/a",
    "|id",
    "$(id)",
    "",
    "\x09",
    "CON",
    "a" * 5000,
]


def assert_innocent(opened: Open, path: Path, outside: Outside, ear: Ear) -> None:
    began = time.monotonic()
    said = ""
    try:
        said = repr(opened(path))
    except ReadError as error:
        said = f"{error.problem} {error.cure}"
    assert time.monotonic() - began < allowed_s(AT_ONCE_S)
    assert not outside.was_opened
    assert ear.heard == 0
    assert SECRET not in said


@pytest.mark.parametrize("pointer", POINTERS)
def test_nothing_in_citygml_opens_another_file_or_calls_anybody(
    opened: Open, outside: Outside, ear: Ear, pointer: str
) -> None:
    suffix, text = POINTERS[pointer]
    for number, name in enumerate([*outside.named(suffix), *on_the_network(ear.port), *OTHER_NAMES]):
        path = outside.home / f"{number}.gml"
        path.write_text(text(name.replace("<", "&lt;")), encoding="utf-8")
        assert_innocent(opened, path, outside, ear)


@pytest.mark.parametrize("pointer", JSON_POINTERS)
def test_nothing_in_cityjson_opens_another_file_or_calls_anybody(
    opened: Open, outside: Outside, ear: Ear, pointer: str
) -> None:
    suffix, content = JSON_POINTERS[pointer]
    for number, name in enumerate([*outside.named(suffix), *on_the_network(ear.port), *OTHER_NAMES]):
        path = outside.home / f"{number}.city.json"
        path.write_text(json.dumps(content(name)), encoding="utf-8")
        assert_innocent(opened, path, outside, ear)


@pytest.mark.parametrize("suffix", [".gml", ".citygml", ".xml", ".city.json", ".cityjson", ".jsonl"])
def test_a_pointer_named_like_a_city_model_is_refused(opened: Open, outside: Outside, ear: Ear, suffix: str) -> None:
    for number, content in enumerate(pointers(ear.port, outside.files[0])):
        path = outside.home / f"{number}{suffix}"
        path.write_text(content)
        with pytest.raises(ReadError):
            opened(path)
        assert_innocent(opened, path, outside, ear)


def test_no_name_of_a_texture_opens_another_file_or_calls_anybody(outside: Outside, ear: Ear) -> None:
    names = [*outside.named(".png"), *on_the_network(ear.port), *OTHER_NAMES, "inside.png"]
    Image.new("RGB", (4, 4)).save(outside.home / "inside.png")
    atlases: list[TextureAtlas] = []
    with closing(WorkerPool(size=1)) as pool:
        reader = TextureReader(pool, ProblemLog(), at_once)
        reader.bring(outside.home / "city.gml", [Texture(path=name) for name in names], atlases.append)
    assert [atlas.page.tolist() for atlas in atlases] == [[-1] * (len(names) - 1) + [0]]
    assert not outside.was_opened
    assert ear.heard == 0


# --- what is made to cost much ----------------------------------------------------------------------------------


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_by_xml_are_refused_at_once(opened: Open, tmp_path: Path, attack: str) -> None:
    path = tmp_path / "city.gml"
    path.write_text(ATTACKS[attack], encoding="utf-8")
    began = time.monotonic()
    with pytest.raises(HostileFileError):
        opened(path)
    assert time.monotonic() - began < allowed_s(AT_ONCE_S)


def attributes_of_one_element() -> str:
    return start_of(more=" ".join(f'a{number}="x"' for number in range(200_000)))[:-1] + (
        f">{envelope('EPSG:25832')}<core:cityObjectMember>{building(wall(held(polygon(square()))))}"
        "</core:cityObjectMember></core:CityModel>"
    )


COSTLY: dict[str, tuple[str, Callable[[], str]]] = {
    "200,000 XML attributes": (".gml", attributes_of_one_element),
    "200,000 attributes of a JSON object": (
        ".json",
        lambda: json.dumps(
            document(CityObjects={"a": {"type": "Building", "attributes": {f"a{i}": i for i in range(200_000)}}})
        ),
    ),
    "a thousand levels of lists": (".json", lambda: '{"type":"CityJSON","vertices":' + "[" * 1000 + "]" * 1000 + "}"),
    "a million levels of lists": (".json", lambda: '{"type":"CityJSON","x":' + "[" * 10**6),
    "500 levels of attributes": (
        ".json",
        lambda: json.dumps(document()).replace(
            '"Building"', '"Building", "attributes": ' + '{"a":' * 500 + "1" + "}" * 500
        ),
    ),
    "an integer of a million digits": (
        ".json",
        lambda: json.dumps(document()).replace("500000.0", "9" * 10**6, 1),
    ),
    "a coordinate of a million digits": (".gml", lambda: city(building(wall(held(polygon(square())))))
                                         .replace("500000.0", "9" * 10**6, 1)),
    "a name of five million letters": (".gml", lambda: city(building(f"<gml:name>{'n' * 5_000_000}</gml:name>"))),
    "a ring of 200,000 times one point": (
        ".gml",
        lambda: city(building(wall(held(polygon([(500_000.0, Y0, 0.0)] * 200_000))))),
    ),
    "2,000 holes in one polygon": (
        ".gml",
        lambda: city(
            building(wall(held(polygon(
                square(side=1000.0),
                *(square(X0 + 5 * (i % 150), Y0 + 5 * (i // 150), side=2.0)[::-1] for i in range(2_000)),
            ))))
        ),
    ),
}  # fmt: skip


@pytest.mark.parametrize("attack", COSTLY)
def test_what_is_large_without_need_costs_little_time(opened: Open, tmp_path: Path, attack: str) -> None:
    suffix, content = COSTLY[attack]
    path = tmp_path / f"city{suffix}"
    path.write_text(content(), encoding="utf-8")
    began = time.monotonic()
    with suppress(
        DamagedFileError, HostileFileError, UnsupportedFormatError
    ):  # but not what is said of a worker that died
        opened(path)
    assert time.monotonic() - began < allowed_s(AT_ONCE_S)


# --- bad surfaces -----------------------------------------------------------------------------------------------

GOOD = held(polygon(square(x=500_100.0)))
BAD_SURFACES = {
    "an empty ring": "<gml:Polygon gml:id='bad'><gml:exterior><gml:LinearRing><gml:posList/></gml:LinearRing>"
    "</gml:exterior></gml:Polygon>",
    "no ring": "<gml:Polygon gml:id='bad'/>",
    "two points": polygon([(500_000.0, Y0, 0.0), (500_001.0, Y0, 0.0)], id="bad"),
    "a line there and back": polygon([(X0 + x, Y0, 0.0) for x in (0, 5, 9, 5)], id="bad"),
    "a bow tie": polygon([(X0 + x, Y0 + y, 0.0) for x, y in ((0, 0), (9, 9), (9, 0), (0, 9))], id="bad"),
    "a hole like the outside": polygon(square(), square()[::-1], id="bad"),
}


@pytest.mark.parametrize("bad", BAD_SURFACES)
def test_a_bad_surface_is_told_with_its_object_and_costs_no_other(opened: Open, tmp_path: Path, bad: str) -> None:
    path = tmp_path / "city.gml"
    path.write_text(city(building(wall(held(BAD_SURFACES[bad])), id="villain"), building(wall(GOOD), id="neighbour")))
    (model,) = opened(path)
    assert isinstance(model, CityModel)
    assert any("villain" in (each.where, *each.objects) for each in model.diagnostics), model.diagnostics
    owners = model.surface_object[model.triangle_surface]
    assert (owners == model.object_ids.index("neighbour")).sum() == 2


BAD_INDICES = {
    "past the end": [0, 1, 2, 4],
    "far past the end": [0, 1, 2, 2**40],
    "negative": [0, 1, 2, -1],
    "not whole": [0, 1, 2.5, 3],
    "an empty ring": [],
    "all the same": [1, 1, 1, 1],
}


@pytest.mark.parametrize("bad", BAD_INDICES)
@pytest.mark.parametrize("suffix", [".city.json", ".jsonl"])
def test_a_bad_index_is_told_with_its_object_and_costs_no_other(
    opened: Open, tmp_path: Path, bad: str, suffix: str
) -> None:
    def house(ring: list[object]) -> dict[str, object]:
        return {"type": "Building", "geometry": [{"type": "MultiSurface", "lod": "2", "boundaries": [[ring]]}]}

    whole = document(CityObjects={"villain": house(list(BAD_INDICES[bad])), "neighbour": house([0, 1, 2, 3])})
    lines = [whole]
    if suffix == ".jsonl":
        lines = [{**whole, "CityObjects": {}, "vertices": []}, {**whole, "type": "CityJSONFeature", "id": "villain"}]
    path = tmp_path / f"city{suffix}"
    path.write_text("\n".join(map(json.dumps, lines)))
    (model,) = opened(path)
    assert isinstance(model, CityModel)
    assert any("villain" in (each.where, *each.objects) for each in model.diagnostics), model.diagnostics
    owners = model.surface_object[model.triangle_surface]
    assert (owners == model.object_ids.index("neighbour")).sum() == 2

"""What a worker does with one file, called in this process: its own tests are in tests/app/test_workers.py."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.fates import CODE, FOLDER, fate, request
from twinviewer.api.importing import CodeLocation, import_function, package_name
from twinviewer.formats import exchange
from twinviewer.formats.reading import probe_file, read_file
from twinviewer.formats.request import FunctionOfPlugin, Placing, ReadRequest
from twinviewer.model.errors import DamagedFileError, MissingCrsError, PluginError, ReadError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import LOCAL, CrsOrigin, ReferenceSystem

UTM = ReferenceSystem(horizontal="EPSG:25832")
DUTCH = ReferenceSystem(horizontal="EPSG:28992")


def read(asked: ReadRequest, folder: Path) -> tuple[dict[str, Any], list[LayerData]]:
    files = [folder / "out.arrays"]
    header = json.loads(json.dumps(read_file(asked, files, Silent())))
    return header, exchange.read(header, files)


def test_a_request_survives_the_way_to_the_worker() -> None:
    asked = ReadRequest(
        reader=FunctionOfPlugin(reference="fates:read", code=CODE),
        path="/a/ä.fate",
        options={"layer": "x", "n": 3, "which": [1, 2]},
        placing=Placing.IN_PROJECT,
        target=UTM,
        override=ReferenceSystem(horizontal="EPSG:28992", vertical="EPSG:5709", origin=CrsOrigin.GIVEN),
        fallback=LOCAL,
    )
    assert ReadRequest.from_json(json.loads(json.dumps(asked.to_json()))) == asked


def test_as_in_the_file_nothing_is_moved(tmp_path: Path) -> None:
    header, (cloud,) = read(request(fate(tmp_path, "points", crs="EPSG:28992", x=155000, y=463000)), tmp_path)
    assert (cloud.crs, header["target"]) == (DUTCH, None)
    assert cloud.positions[0].tolist() == [155000, 463000, 5]


def test_the_first_file_brings_its_own_system_where_that_is_projected(tmp_path: Path) -> None:
    header, (cloud,) = read(request(fate(tmp_path, "points"), placing=Placing.FIRST), tmp_path)
    assert header["target"]["horizontal"] == "EPSG:25832"
    np.testing.assert_array_equal(cloud.positions[0], [565000, 5934000, 5])


def test_the_first_file_without_a_system_is_placed_nowhere(tmp_path: Path) -> None:
    header, (cloud,) = read(request(fate(tmp_path, "points", crs=None), placing=Placing.FIRST), tmp_path)
    assert (header["target"], header["sources"], cloud.crs) == (None, [None], None)


@pytest.mark.parametrize(
    ("stated", "override", "fallback", "due"),
    [
        ("EPSG:25832", None, DUTCH, UTM),
        ("EPSG:25832", DUTCH, None, DUTCH),
        (None, None, DUTCH, DUTCH),
        (None, DUTCH, UTM, DUTCH),
    ],
)
def test_who_says_where_a_file_lies(
    tmp_path: Path,
    stated: str | None,
    override: ReferenceSystem | None,
    fallback: ReferenceSystem | None,
    due: ReferenceSystem,
) -> None:
    path = fate(tmp_path, "points", crs=stated, x=155000, y=463000)
    _, (cloud,) = read(request(path, override=override, fallback=fallback), tmp_path)
    assert cloud.crs is not None
    assert cloud.crs.horizontal == due.horizontal
    given = stated is None or override is not None
    assert cloud.crs.origin is (CrsOrigin.GIVEN if given else CrsOrigin.FILE)


def test_in_a_project_a_file_without_a_system_is_asked_about(tmp_path: Path) -> None:
    path = fate(tmp_path, "points", crs=None)
    with pytest.raises(MissingCrsError):
        read(request(path, placing=Placing.IN_PROJECT, target=UTM), tmp_path)


def test_in_a_local_scene_only_what_says_nothing_finds_its_place(tmp_path: Path) -> None:
    _, (cloud,) = read(request(fate(tmp_path, "points", crs=None), placing=Placing.IN_PROJECT, target=LOCAL), tmp_path)
    assert cloud.crs == LOCAL
    assert [diagnostic.code for diagnostic in cloud.diagnostics] == ["crs.local"]
    with pytest.raises(ReadError, match="nowhere on Earth"):
        read(request(fate(tmp_path, "points"), placing=Placing.IN_PROJECT, target=LOCAL), tmp_path)


def test_absurd_coordinates_are_taken_out_before_anything_is_placed(tmp_path: Path) -> None:
    _, (cloud,) = read(request(fate(tmp_path, "points", n=5, absurd=2), placing=Placing.FIRST), tmp_path)
    assert len(cloud.positions) == 3
    assert cloud.diagnostics[0].code == "coordinates.absurd"


@pytest.mark.parametrize(
    ("what", "error", "says"),
    [
        ("nothing", DamagedFileError, "holds nothing"),
        ("none", PluginError, "NoneType"),
        ("not layers", PluginError, "type dict as a layer"),
    ],
)
def test_what_is_no_layer_is_told_as_what_it_is(tmp_path: Path, what: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        read(request(fate(tmp_path, what)), tmp_path)


def test_a_probe_that_raises_or_is_not_there_is_not_sure(tmp_path: Path) -> None:
    path = fate(tmp_path, "points")
    probes = [FunctionOfPlugin(reference=f"fates:{name}", code=CODE) for name in ("probe", "probe_never", "absent")]
    assert probe_file(path, probes) == [1.0, 0.0, 0.0]


# --- how a name becomes a function --------------------------------------------------------------------------------


@pytest.fixture
def plugin(tmp_path: Path) -> Iterator[CodeLocation]:
    modules = set(sys.modules)
    folder = tmp_path / "plugin"
    folder.mkdir()
    yield CodeLocation(package=package_name("test", folder), folder=str(folder))
    for name in set(sys.modules) - modules:
        if name.startswith("_twinviewer_plugin_"):
            del sys.modules[name]


def test_two_plugins_may_have_modules_of_the_same_name(tmp_path: Path) -> None:
    found = []
    for name in ("a", "b"):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "feed.py").write_text("from .place import NAME\ndef name(): return NAME")
        (folder / "place.py").write_text(f"NAME = {name!r}")
        code = CodeLocation(package=package_name("same", folder), folder=str(folder))
        found.append(import_function("feed:name", code=code)())
    assert found == ["a", "b"]
    assert not any("feed" in path for path in sys.path)
    assert "feed" not in sys.modules


def test_the_plugin_s_package_is_initialised_once(plugin: CodeLocation) -> None:
    Path(plugin.folder, "__init__.py").write_text("STARTS = []\nSTARTS.append(1)")
    Path(plugin.folder, "feed.py").write_text("from . import STARTS\ndef starts(): return len(STARTS)")
    assert import_function("feed:starts", code=plugin)() == 1
    assert import_function("feed:starts", code=plugin)() == 1


@pytest.mark.parametrize(
    ("reference", "says"),
    [
        ("absent:read", "no module “absent”"),
        ("feed:absent", "no function “absent”"),
        ("feed:NUMBER", "no function “NUMBER”"),
        ("sub.absent:read", "no module “sub.absent”"),
    ],
)
def test_a_name_that_leads_nowhere_says_what_is_missing(plugin: CodeLocation, reference: str, says: str) -> None:
    Path(plugin.folder, "feed.py").write_text("NUMBER = 1")
    with pytest.raises(PluginError, match=says) as caught:
        import_function(reference, code=plugin)
    assert caught.value.cure
    assert caught.value.source == plugin.folder


def test_a_package_that_fails_at_its_start_is_tried_anew(plugin: CodeLocation) -> None:
    start = Path(plugin.folder, "__init__.py")
    start.write_text("raise RuntimeError('not today')")
    Path(plugin.folder, "feed.py").write_text("def read(): return 1")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="not today"):
            import_function("feed:read", code=plugin)


def test_the_fake_plugin_is_where_the_tests_think_it_is() -> None:
    assert (FOLDER / "fates" / "plugin.toml").is_file()

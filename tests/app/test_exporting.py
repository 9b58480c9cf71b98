"""An export is all or nothing: a crash, a full disk and a change of mind leave the old file as it was."""

from __future__ import annotations

import os
import resource
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyogrio
import pytest

from tests.crowding import allowed_s
from tests.formats import small_layers
from twinviewer.app.atomic import replaced_when_complete
from twinviewer.app.exporting import Exports, suggested_name
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.workers import WorkerPool
from twinviewer.model.errors import PluginError, WriteError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import LOCAL, ReferenceSystem

UTM32 = ReferenceSystem(horizontal="EPSG:25832", vertical="EPSG:7837")
UTM33 = ReferenceSystem(horizontal="EPSG:25833")
OLD = b"what was there before"
PATIENCE_S = 20.0

MANIFEST = """
api = 1
id = "odd"
name = "Odd writers"
version = "1"
licence = "MIT"
isolated = false
""" + "".join(
    f'[[writers]]\nid = "odd.{name}"\ntitle = "{name.title()}"\nendings = [".{name}"]\nkinds = ["features"]\n'
    f'write = "writers:{name}"\n'
    for name in ("crash", "hang", "raises", "nothing", "mute", "fill", "count")
)
CODE = """
import os, signal, time

def _begin(path):
    path.write_bytes(b"half of what is ne")

def crash(*, path, layers, feedback):
    _begin(path)
    os.kill(os.getpid(), signal.SIGSEGV)

def hang(*, path, layers, feedback):
    _begin(path)
    while True:
        feedback.progress(0.5, "Hanging")
        time.sleep(0.01)

def raises(*, path, layers, feedback):
    _begin(path)
    raise KeyError("odd")

def nothing(*, path, layers, feedback):
    return []

def mute(*, path, layers, feedback):
    _begin(path)

def count(*, path, layers, feedback):
    from twinviewer.api import Diagnostic
    (layer,) = layers
    path.write_text(f"{layer.source.title} {layer.feature_count} {layer.crs.horizontal}")
    return [Diagnostic(code="write.not-held", problem="Nothing is kept.")]

def fill(*, path, layers, feedback):
    with path.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(65536))
            feedback.stop_if_cancelled()
"""


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=1)
    yield with_workers
    with_workers.close()


@pytest.fixture
def exports(pool: WorkerPool, tmp_path: Path) -> Exports:
    folder = tmp_path / "plugins" / "odd"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST)
    (folder / "writers.py").write_text(textwrap.dedent(CODE))
    return Exports(registry=PluginRegistry(folders=[tmp_path / "plugins"]), pool=pool)


@pytest.fixture
def isolated(tmp_path: Path, pool: WorkerPool) -> Iterator[Exports]:
    """A plugin whose process is its own, and may write nowhere else than in its own folder."""
    folder = tmp_path / "apart" / "odd"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST.replace("isolated = false", "isolated = true"))
    (folder / "writers.py").write_text(textwrap.dedent(CODE))
    registry = PluginRegistry(folders=[tmp_path / "apart"])
    yield Exports(registry=registry, pool=pool)
    registry.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def layer(title: str = "points", crs: ReferenceSystem = UTM32, count: int = 3) -> LayerData:
    xy = 500_000.0 + np.arange(count)
    points = np.column_stack([xy, xy + 4_900_000.0, np.full(count, 100.0)])
    data = small_layers.features(points, crs, has_z=True)
    return replace(data, source=replace(data.source, title=title))


def old_file(place: Path, ending: str) -> Path:
    path = place / f"town{ending}"
    path.write_bytes(OLD)
    return path


def is_as_it_was(path: Path) -> bool:
    return path.read_bytes() == OLD and [each.name for each in path.parent.iterdir()] == [path.name]


# --- what is left when it goes wrong --------------------------------------------------------------------------------


def test_a_writer_that_crashes_leaves_the_old_file(exports: Exports, place: Path) -> None:
    path = old_file(place, ".crash")
    with pytest.raises(WriteError, match=r"SIGSEGV.*what was there before is intact") as caught:
        exports.write(path, [layer()], feedback=Silent())
    assert caught.value.source == "town.crash"
    assert is_as_it_was(path)


def test_a_writer_that_is_stopped_leaves_the_old_file(exports: Exports, place: Path) -> None:
    path = old_file(place, ".hang")

    class Person:
        began = threading.Event()

        def progress(self, fraction: float, text: str = "") -> None:
            self.began.set()

        def stop_if_cancelled(self) -> None:
            if self.began.is_set():
                raise Cancelled

    with pytest.raises(Cancelled):
        exports.write(path, [layer()], feedback=Person())
    assert is_as_it_was(path)


@pytest.mark.skipif(sys.platform != "linux", reason="limits of another process are Linux's")
@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".fgb", ".csv", ".fill"])
def test_a_full_disk_leaves_the_old_file_and_is_told_in_a_sentence(ending: str, exports: Exports, place: Path) -> None:
    path = old_file(place, ending)
    exports.write(place.parent / "first.gpkg", [layer()], feedback=Silent())  # there is a worker, with what it needs
    (worker,) = exports.pool.process_ids
    before = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    resource.prlimit(worker, resource.RLIMIT_FSIZE, (8192, before[1]))
    try:
        with pytest.raises(WriteError) as caught:
            exports.write(path, [layer(count=5000)], feedback=Silent())
    finally:
        if worker in exports.pool.process_ids:
            resource.prlimit(worker, resource.RLIMIT_FSIZE, before)
    assert "written" in caught.value.problem or "write" in caught.value.problem
    assert caught.value.problem.endswith(".")
    assert caught.value.cure
    assert is_as_it_was(path)


def test_a_folder_that_is_not_there_is_told(exports: Exports, place: Path) -> None:
    with pytest.raises(WriteError, match="what was there before is intact"):
        exports.write(place / "none" / "town.gpkg", [layer()], feedback=Silent())


@pytest.mark.parametrize("ending", [".raises", ".nothing", ".mute"])
def test_the_fault_of_a_plugin_is_told_with_its_name(ending: str, exports: Exports, place: Path) -> None:
    path = old_file(place, ending)
    with pytest.raises(PluginError, match="Odd writers"):
        exports.write(path, [layer()], feedback=Silent())
    assert is_as_it_was(path)
    assert [record.contribution_id for record in exports.registry.failures] == [f"odd{ending}"]


def test_a_plugin_in_a_process_of_its_own_writes_where_the_person_asks(isolated: Exports, place: Path) -> None:
    path = old_file(place, ".count")
    written = isolated.write(path, [layer(count=5)], target=UTM33, feedback=Silent())
    assert path.read_text() == "points 5 EPSG:25833"
    assert [finding.problem for finding in written.diagnostics] == ["Nothing is kept."]
    assert [each.name for each in place.iterdir()] == [path.name]


@pytest.mark.parametrize("ending", [".crash", ".raises", ".nothing", ".mute"])
def test_and_leaves_the_old_file_when_it_fails(ending: str, isolated: Exports, place: Path) -> None:
    path = old_file(place, ending)
    with pytest.raises(PluginError, match="Odd writers"):
        isolated.write(path, [layer()], feedback=Silent())
    assert is_as_it_was(path)


def test_what_a_killed_program_left_is_swept_by_the_next_one(place: Path) -> None:
    process = os.fork()
    if process == 0:
        os._exit(0)
    os.waitpid(process, 0)
    left = place / f".twinviewer-{process}-abc"
    left.mkdir()
    (left / "town.gpkg").write_bytes(b"half")
    hours_ago = time.time() - 7200
    os.utime(left, (hours_ago, hours_ago))
    young = place / f".twinviewer-{process}-def"
    young.mkdir()
    with replaced_when_complete(place / "new.txt") as temporary:
        temporary.write_bytes(b"new")
    assert sorted(each.name for each in place.iterdir()) == [young.name, "new.txt"]


def test_an_error_on_the_way_leaves_the_old_file(place: Path) -> None:
    path = old_file(place, ".txt")

    def write() -> None:
        with replaced_when_complete(path) as temporary:
            temporary.write_bytes(b"half")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        write()
    assert is_as_it_was(path)


# --- what is right --------------------------------------------------------------------------------------------------


def test_a_file_takes_the_place_of_an_older_one(exports: Exports, place: Path) -> None:
    path = old_file(place, ".gpkg")
    path.chmod(0o640)
    written = exports.write(path, [layer("trees"), layer("Trees"), layer("")], feedback=Silent())
    assert written.path == path
    assert pyogrio.list_layers(path)[:, 0].tolist() == ["trees", "Trees (2)", "town"]
    assert path.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in place.iterdir()] == ["town.gpkg"]


def test_geojson_is_in_wgs_84_whatever_the_project_is_in(exports: Exports, place: Path) -> None:
    """9° E, 5 400 000 m N of UTM 32: Karlsruhe's latitude, by the standard's own formulas 48.7527°."""
    path = place / "town.geojson"
    exports.write(path, [layer()], feedback=Silent())
    west, south, *_ = pyogrio.read_bounds(path)[1][:, 0]
    assert (west, south) == (pytest.approx(9.0, abs=1e-6), pytest.approx(48.7527, abs=1e-3))
    with pytest.raises(WriteError, match="always in EPSG:4326"):
        exports.write(path, [layer()], target=ReferenceSystem(horizontal="EPSG:25833"), feedback=Silent())


def test_layers_are_moved_where_they_are_wanted_and_heights_stay(exports: Exports, place: Path) -> None:
    path = place / "town.gpkg"
    exports.write(path, [layer()], target=ReferenceSystem(horizontal="EPSG:31467"), feedback=Silent())
    frame = pyogrio.read_dataframe(path)
    assert frame.crs.sub_crs_list[0].to_epsg() == 31467
    assert frame.crs.sub_crs_list[1].to_epsg() == 7837
    bounds = frame.total_bounds
    assert bounds[0] == pytest.approx(3_500_000, abs=200)  # the same meridian, another false easting
    assert {point.z for point in frame.geometry[1:]} == {100.0}


def test_a_layer_that_is_nowhere_cannot_be_moved(exports: Exports, place: Path) -> None:
    with pytest.raises(WriteError, match="no reference system"):
        exports.write(place / "a.gpkg", [layer(crs=LOCAL)], target=UTM32, feedback=Silent())
    exports.write(place / "a.gpkg", [layer(crs=LOCAL)], feedback=Silent())
    assert (
        pyogrio.read_info(place / "a.gpkg")["crs"] is None or "Undefined" in pyogrio.read_info(place / "a.gpkg")["crs"]
    )


@pytest.mark.parametrize(
    ("name", "kinds", "sentence"),
    [
        ("a.tif", ["features"], "A GeoTIFF file cannot hold a layer of the kind map layer."),
        ("a.xyz", ["features"], "No format is known by the ending “.xyz”."),
        ("a", ["features"], "The name has no ending."),
        ("a.geojson", ["features", "features"], "A GeoJSON file holds one layer, not 2."),
        ("a.gpkg", ["features", "terrain"], "A GeoPackage file cannot hold a layer of the kind terrain."),
    ],
)
def test_what_does_not_fit_is_told_with_what_does(name: str, kinds: list[str], sentence: str, exports: Exports) -> None:
    with pytest.raises(WriteError) as caught:
        exports.writer_for(Path(name), kinds)
    assert caught.value.problem == sentence
    assert caught.value.cure


def test_the_longer_ending_decides(exports: Exports) -> None:
    assert exports.writer_for(Path("Town.City.JSON"), ["city-model"]).id == "twinviewer.cityjson-file"
    assert exports.writer_for(Path("b.geojson"), ["features"]).id == "twinviewer.geojson"


def test_every_kind_of_layer_has_a_format(exports: Exports) -> None:
    for kind in ("city-model", "point-cloud", "features", "terrain", "image", "mesh"):
        assert exports.writers_for([kind])
    assert exports.writers_for(["terrain", "features"]) == ()
    assert [writer.id for writer in exports.writers_for(["features"] * 2)] == ["twinviewer.geopackage"]


def test_a_large_layer_can_be_stopped_soon(exports: Exports, place: Path) -> None:
    """Half a million features take seconds; stopping them takes less than one."""
    asked_at: list[float] = []

    class Person:
        def progress(self, fraction: float, text: str = "") -> None:
            asked_at.append(time.monotonic()) if not asked_at else None

        def stop_if_cancelled(self) -> None:
            if asked_at:
                raise Cancelled

    big = layer(count=500_000)
    with pytest.raises(Cancelled):
        exports.write(place / "big.gpkg", [big], feedback=Person())
    assert time.monotonic() - asked_at[0] < allowed_s(1.0)
    assert list(place.iterdir()) == []


def test_names_of_layers_become_names_of_files() -> None:
    assert suggested_name("Streets: 1/2 <new>?", ".gpkg") == "Streets_ 1_2 _new__.gpkg"
    assert suggested_name("...", ".tif") == "layer.tif"

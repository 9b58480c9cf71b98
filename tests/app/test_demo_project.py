"""The demo city as a project: made once, all or nothing, and shown through the ordinary readers."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from tests.conftest import ROOT
from tests.crowding import allowed_s
from twinviewer.app import demo_project, project_file
from twinviewer.app.demo_project import ensure_demo
from twinviewer.app.jobs import CallQueue, JobRunner
from twinviewer.app.opening import Opener, Phase
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.project_file import ViewState
from twinviewer.app.session import Session
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.demo import contents
from twinviewer.demo.guide import Guide
from twinviewer.model.errors import UsageError, WriteError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import CityModel, FeatureTable, kind_of
from twinviewer.model.project import OverlaySpec, Project

BUILDINGS = 40


class Listening:
    """Feedback that notes what is told, and stops the work at some point."""

    def __init__(self, *, stop_at: float = 2.0) -> None:
        self.told: list[tuple[float, str]] = []
        self._stop_at = stop_at

    def progress(self, fraction: float, text: str = "") -> None:
        self.told.append((fraction, text))

    def stop_if_cancelled(self) -> None:
        if self.told and self.told[-1][0] >= self._stop_at:
            raise Cancelled


@dataclass(frozen=True, kw_only=True)
class Made:
    cache: Path
    feedback: Listening
    gaps_s: tuple[float, ...]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The town in a cache, made while another thread wanted the interpreter every 5 ms."""
    cache, feedback, gaps_s = tmp_path_factory.mktemp("cache"), Listening(), []
    done = threading.Event()

    def tick() -> None:
        before = time.perf_counter()
        while not done.wait(0.005):
            now = time.perf_counter()
            gaps_s.append(now - before)
            before = now

    ticker = threading.Thread(target=tick)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo_project, "cache_dir", lambda: cache)
        ticker.start()
        ensure_demo(buildings=BUILDINGS, feedback=feedback)
        done.set()
        ticker.join()
    return Made(cache=cache, feedback=feedback, gaps_s=tuple(gaps_s))


@pytest.fixture
def project(made: Made, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.setattr(demo_project, "cache_dir", lambda: made.cache)
    return ensure_demo(buildings=BUILDINGS, feedback=Silent())


@pytest.fixture
def shelf(own_profile: Path) -> Path:
    return own_profile / "cache" / "demo"


def test_all_layers_open_through_the_ordinary_readers(project: Project) -> None:
    session, problems = Session(), ProblemLog()
    pool = WorkerPool()
    sources = Sources(registry=PluginRegistry(safe_mode=True), pool=pool)
    calls = CallQueue()
    opener = Opener(session, sources=sources, runner=JobRunner(calls.put), problems=problems)
    try:
        opener.replace_document(project)
        calls.run_until(lambda: not opener.is_busy)
        assert {layer.id: opener.state(layer.id).phase for layer in project.layers} == {
            layer.id: Phase.READY for layer in project.layers
        }
        data = {layer.id: session.store.get(layer.id) for layer in project.layers}
    finally:
        opener.close()
        pool.close()
    assert [problem.text for problem in problems.problems] == []
    for layer in project.layers:
        content = data[layer.id]
        assert content is not None
        assert kind_of(content) == layer.kind
        assert content.extent is not None
        east, north, _ = content.extent.centre
        assert abs(east - 550_000) < 2000
        assert abs(north - 5_890_000) < 2000
    buildings, streets = data["buildings"], data["streets"]
    assert isinstance(buildings, CityModel)
    guide = Guide.read(Path(project.layer("buildings").source.path).with_name(contents.GUIDE))
    assert len(buildings.object_ids) == guide.buildings
    assert isinstance(streets, FeatureTable)
    assert {column.name for column in streets.attributes} >= {"class", "width_m", "max_speed"}


def test_second_call_makes_nothing_anew(project: Project, made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {path: path.stat().st_mtime_ns for path in made.cache.rglob("*")}
    monkeypatch.setattr(demo_project, "spawn", lambda *_: pytest.fail("a second process was started"))
    assert ensure_demo(buildings=BUILDINGS, feedback=Silent()) == project
    assert {path: path.stat().st_mtime_ns for path in made.cache.rglob("*")} == before


@pytest.mark.parametrize("damage", ["a file is gone", "the guide is cut off"])
def test_town_that_is_not_whole_is_made_anew(project: Project, made: Made, damage: str) -> None:
    (folder,) = (made.cache / "demo").iterdir()
    if damage == "a file is gone":
        (folder / contents.MAP).unlink()
    else:
        (folder / contents.GUIDE).write_text('{"town": "Alt', encoding="utf-8")
    assert ensure_demo(buildings=BUILDINGS, feedback=Silent()) == project
    assert {path.name for path in folder.iterdir()} == set(contents.FILES)
    assert list((made.cache / "demo").iterdir()) == [folder]


def test_project_says_whose_the_data_is_and_what_each_layer_is_for(project: Project) -> None:
    assert project.title
    assert project.crs is not None
    assert (project.crs.horizontal, project.crs.vertical) == ("EPSG:25832", "EPSG:7837")
    assert {layer.licence for layer in project.layers} == {"CC0-1.0"}
    roles = {layer.role for layer in project.layers}
    assert roles >= {"buildings", "terrain", "streets", "land-use", "zones"}
    assert 5 <= len(project.bookmarks) <= 7
    assert not project.layer("laser-points").visible


def test_project_survives_its_file(project: Project, tmp_path: Path) -> None:
    path = tmp_path / "town.twin"
    project_file.save(project, path, view=ViewState())
    assert project_file.load(path).project == project


def test_overlays_are_those_that_were_asked_for(project: Project) -> None:
    overlays = (OverlaySpec(id="traffic.vehicles"),)
    assert ensure_demo(buildings=BUILDINGS, overlays=overlays, feedback=Silent()).overlays == overlays


def test_progress_grows_and_is_put_in_words(made: Made) -> None:
    fractions = [fraction for fraction, _ in made.feedback.told]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert all(text for _, text in made.feedback.told)


def test_cancelled_generator_leaves_the_cache_clean_and_no_process(shelf: Path) -> None:
    with pytest.raises(Cancelled):
        ensure_demo(buildings=BUILDINGS, feedback=Listening(stop_at=0.3))
    assert list(shelf.iterdir()) == []
    assert not _generators()


def test_killed_generator_is_an_error_and_leaves_the_cache_clean(shelf: Path) -> None:
    class Killing(Listening):
        def progress(self, fraction: float, text: str = "") -> None:
            super().progress(fraction, text)
            for process in _generators():
                process.kill()

    with pytest.raises(RuntimeError, match="could not be made"):
        ensure_demo(buildings=BUILDINGS, feedback=Killing())
    assert list(shelf.iterdir()) == []


@pytest.mark.skipif(os.name != "posix", reason="ends a process the POSIX way")
def test_what_a_killed_program_left_is_swept_by_the_next(shelf: Path, own_profile: Path) -> None:
    program = """
        from twinviewer.app.demo_project import ensure_demo

        class Telling:
            def progress(self, fraction, text=""):
                print(fraction, flush=True)
            def stop_if_cancelled(self):
                pass

        ensure_demo(buildings=1500, feedback=Telling())
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(program)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as viewer:
        assert viewer.stdout is not None
        viewer.stdout.readline()
        (generator,) = psutil.Process(viewer.pid).children()
        viewer.send_signal(signal.SIGKILL)
    psutil.wait_procs([generator], timeout=10)
    assert not generator.is_running()  # it ended with the program that wanted it
    assert len(list(shelf.iterdir())) == 1
    with pytest.raises(Cancelled):
        ensure_demo(buildings=BUILDINGS, feedback=Listening(stop_at=0.0))
    assert list(shelf.iterdir()) == []


def test_waiting_for_the_generator_leaves_other_threads_alone(made: Made) -> None:
    assert sorted(made.gaps_s)[-3] < allowed_s(0.1)  # not the worst two: other programs take the processor too


@pytest.mark.parametrize("buildings", [0, -5, 10_000_000])
def test_town_without_bounds_is_refused(buildings: int, shelf: Path) -> None:
    with pytest.raises(UsageError, match="cannot have"):
        ensure_demo(buildings=buildings, feedback=Silent())
    assert not shelf.exists()


@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may write everywhere")
def test_folder_that_cannot_be_written_is_told(shelf: Path) -> None:
    shelf.parent.mkdir(parents=True)
    shelf.parent.chmod(0o500)
    with pytest.raises(WriteError, match="could not be written"):
        ensure_demo(buildings=BUILDINGS, feedback=Silent())


@pytest.mark.skipif(sys.platform != "linux", reason="limits the size of files")
def test_full_disk_is_told_and_leaves_the_cache_clean(shelf: Path, file_size_limit: None) -> None:
    with pytest.raises(WriteError, match="could not be written"):
        ensure_demo(buildings=BUILDINGS, feedback=Silent())
    assert list(shelf.iterdir()) == []


@pytest.fixture
def file_size_limit() -> Iterator[None]:
    """Let no file grow beyond 200 kB, in this process and those that it starts."""
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    signal.signal(signal.SIGXFSZ, handler)


def _generators() -> list[psutil.Process]:
    return [process for process in psutil.Process().children(recursive=True) if "twinviewer.demo" in process.cmdline()]

"""Large files are seen before they are there: what has been read becomes the layer, and all of it takes its place."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.crowding import allowed_s
from tests.fates import FOLDER, fate, request
from twinviewer.app import commands
from twinviewer.app.jobs import CallQueue, JobRunner
from twinviewer.app.opening import Opener, Phase
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.session import Session
from twinviewer.app.sources import Sources
from twinviewer.app.workers import ReadResult, WorkerPool
from twinviewer.formats.request import Placing
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import PointCloud
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerId, LayerSource, LayerSpec, Project

PATIENCE_S = 20.0


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=2)
    with_workers.warm()
    yield with_workers
    with_workers.close()


class Town:
    """A file that grows until it is let go, a session that opens it, and what was to be seen meanwhile."""

    def __init__(self, pool: WorkerPool, folder: Path, project: Project | None = None, **more: Any) -> None:
        self.gate = folder / "gate"
        self.path = fate(folder, "grow", name="town.fate", until=str(self.gate), **{"n": 5000, **more})
        self.session = Session(project)
        self.problems = ProblemLog()
        self.registry = PluginRegistry(folders=[FOLDER])
        self.calls = CallQueue()
        self.runner = JobRunner(self.calls.put)
        self.pool = pool
        self.seen: list[tuple[LayerId, int]] = []
        self.put: list[LayerId] = []
        self.session.store.on_preview(self._look)
        self.session.store.on_put(self.put.append)
        self.opener = Opener(
            self.session,
            sources=Sources(registry=self.registry, pool=pool),
            runner=self.runner,
            problems=self.problems,
            previews=True,
        )
        self.came: list[tuple[LayerId, ...]] = []

    def _look(self, layer_id: LayerId) -> None:
        data = self.session.store.shown(layer_id)
        self.seen.append((layer_id, 0 if data is None else count(data)))

    def open(self) -> None:
        self.opener.open([self.path], on_done=self.came.append)

    def until(self, happens: Callable[[], object]) -> None:
        began = time.monotonic()
        self.calls.run_until(lambda: bool(happens()) or time.monotonic() - began > PATIENCE_S)
        assert happens()

    def settle(self) -> None:
        self.until(lambda: not self.opener.is_busy and not self.runner.jobs)

    def let_go(self) -> None:
        self.gate.write_text("")
        self.settle()

    @property
    def titles(self) -> list[str]:
        return [layer.title for layer in self.session.project.layers]

    @property
    def left(self) -> list[Path]:
        """Files of arrays that nobody took."""
        return [file for folder in self.pool._scratch._folders for file in folder.rglob("*") if file.is_file()]

    def close(self) -> None:
        self.gate.write_text("")
        self.opener.close()
        self.runner.close()
        self.registry.close()


def count(data: object) -> int:
    assert isinstance(data, PointCloud)
    return len(data.positions)


@pytest.fixture
def make(pool: WorkerPool, tmp_path: Path) -> Iterator[Callable[..., Town]]:
    towns: list[Town] = []

    def made(**more: Any) -> Town:
        towns.append(Town(pool, tmp_path, **more))
        return towns[-1]

    yield made
    for town in towns:
        town.close()


@pytest.fixture
def town(make: Callable[..., Town]) -> Town:
    return make()


# --- a file that is opened ------------------------------------------------------------------------------------------


def test_what_has_been_read_is_seen_before_all_is_there(town: Town) -> None:
    town.open()
    began = time.monotonic()
    town.until(lambda: town.seen)
    assert time.monotonic() - began < allowed_s(4.0), "its process starts anew"
    (layer_id, first) = town.seen[0]
    assert 0 < first < 5000
    assert town.titles == ["town"]
    assert town.opener.state(layer_id).phase is Phase.READING
    assert town.session.store.get(layer_id) is None, "nobody may take a part for the whole"
    town.until(lambda: len(town.seen) >= 2)
    assert town.seen[1][0] == layer_id
    assert town.seen[1][1] > first
    assert town.put == []
    assert town.came == []
    town.let_go()
    assert count(town.session.store.get(layer_id)) == count(town.session.store.shown(layer_id)) == 5000
    assert town.put == [layer_id]
    assert town.came == [(layer_id,)]
    assert town.titles == ["town"]
    assert town.opener.state(layer_id).phase is Phase.READY
    assert town.left == []


def test_it_is_one_step_to_undo(town: Town) -> None:
    town.open()
    town.until(lambda: len(town.seen) >= 2)
    town.let_go()
    assert town.session.undo_label == "Add town"
    town.session.undo()
    assert town.session.project == Project()
    assert town.session.undo_label is None
    town.session.redo()
    (layer,) = town.session.project.layers
    assert count(town.session.store.get(layer.id)) == 5000


def test_the_place_that_the_first_part_chose_holds_for_the_whole(make: Callable[..., Town]) -> None:
    """The part lies in UTM zone 32, all of it mostly in zone 33: a second choice would move what is there."""
    town = make(crs="EPSG:4326", n=3, x=12.5, y=53.5, first={"n": 2, "x": 10.0})
    town.open()
    town.until(lambda: town.seen)
    chosen, origin = town.session.project.crs, town.session.project.origin
    assert chosen is not None
    assert chosen.horizontal == "EPSG:25832"
    town.let_go()
    assert (town.session.project.crs, town.session.project.origin) == (chosen, origin)
    (layer,) = town.session.project.layers
    data = town.session.store.get(layer.id)
    assert data is not None
    assert data.crs is not None
    assert data.crs.horizontal == chosen.horizontal


@pytest.mark.parametrize("how", ["job", "opening"])
def test_stopped_it_is_gone_without_a_trace(how: str, town: Town) -> None:
    town.open()
    town.until(lambda: town.seen)
    (opening,) = town.opener.openings
    if how == "job":
        assert opening.job is not None
        opening.job.cancel()
    else:
        town.opener.dismiss(opening)
    town.settle()
    assert town.session.project == Project()
    assert (town.session.undo_label, town.session.redo_label) == (None, None)
    assert town.seen[-1][1] == 0, "nothing of it is seen"
    assert town.opener.openings == ()
    assert town.came == [()]
    assert town.problems.problems == ()
    town.until(lambda: town.left == [])


def test_stopped_after_other_changes_it_is_removed_and_they_stay(town: Town) -> None:
    town.open()
    town.until(lambda: town.seen)
    (layer,) = town.session.project.layers
    town.session.do(commands.SetPreset(preset="presentation"))
    town.opener.dismiss(town.opener.openings[0])
    town.settle()
    assert town.session.project.layers == ()
    assert town.session.project.preset == "presentation"
    assert town.session.store.shown(layer.id) is None


def test_undone_while_it_comes_it_is_read_no_more_and_redone_it_is_read_whole(town: Town) -> None:
    town.open()
    town.until(lambda: town.seen)
    town.session.undo()
    town.settle()
    assert town.session.project.layers == ()
    assert town.opener.openings == ()
    town.session.redo()
    town.let_go()
    (layer,) = town.session.project.layers
    assert count(town.session.store.get(layer.id)) == 5000


def test_what_fails_in_the_end_goes_and_the_error_stays(make: Callable[..., Town]) -> None:
    town = make(then="raise", raises="DamagedFileError")
    town.open()
    town.until(lambda: town.seen)
    town.let_go()
    (opening,) = town.opener.openings
    assert isinstance(opening.problem, DamagedFileError)
    assert opening.phase is Phase.FAILED
    assert town.session.project == Project()
    assert town.seen[-1][1] == 0
    assert [problem.code for problem in town.problems.problems] == [DamagedFileError.code]


def test_a_whole_of_other_layers_than_its_beginning_takes_its_place(make: Callable[..., Town]) -> None:
    town = make(titles=["north", "south"], first={"titles": ["north"]})
    town.open()
    town.until(lambda: town.seen)
    assert town.titles == ["town"]
    town.let_go()
    assert town.titles == ["north", "south"]
    assert town.session.undo_label == "Add 2 layers"
    town.session.undo()
    assert town.session.project == Project()


def test_where_nobody_looks_there_are_no_previews(town: Town) -> None:
    town.opener._previews = False
    town.open()
    time.sleep(1.5)
    town.let_go()
    assert town.seen == []
    assert len(town.put) == 1


# --- layers of a project ----------------------------------------------------------------------------------------------


def project_of(folder: Path) -> Project:
    source = LayerSource(path=str(folder / "town.fate"), reader="fates.fate")
    return Project(
        crs=ReferenceSystem(horizontal="EPSG:25832"),
        origin=(565000.0, 5934000.0, 0.0),
        layers=(LayerSpec(id="layer-1", kind="point-cloud", title="The town", source=source),),
    )


@pytest.mark.parametrize("ends", ["whole", "stopped", "failed"])
def test_layers_of_a_project_are_seen_while_they_come(ends: str, make: Callable[..., Town], tmp_path: Path) -> None:
    project = project_of(tmp_path)
    town = make(**({"then": "raise", "raises": "DamagedFileError"} if ends == "failed" else {}))
    town.opener.replace_document(project)
    town.until(lambda: town.seen)
    assert town.session.project == project
    assert town.opener.state("layer-1").phase is Phase.READING
    if ends == "stopped":
        job = town.opener.openings[0].job
        assert job is not None
        job.cancel()
        town.settle()
    else:
        town.let_go()
    assert town.session.project == project
    if ends == "whole":
        assert count(town.session.store.get("layer-1")) == 5000
    else:
        assert town.session.store.shown("layer-1") is None
        assert town.opener.state("layer-1").phase is Phase.FAILED


# --- readers that are trusted -----------------------------------------------------------------------------------------


def test_a_worker_hands_over_parts_and_leaves_no_file(pool: WorkerPool, tmp_path: Path) -> None:
    gate = tmp_path / "gate"
    path = fate(tmp_path, "grow", until=str(gate), n=5000)
    parts: list[ReadResult] = []

    def look(part: ReadResult) -> None:
        parts.append(part)
        if len(parts) == 2:
            gate.write_text("")

    whole = pool.read(request(path, placing=Placing.FIRST), Silent(), on_preview=look)
    first, second = parts
    assert 0 < count(first.layers[0]) < count(second.layers[0]) < count(whole.layers[0]) == 5000
    assert first.target == second.target == whole.target
    assert [file for folder in pool._scratch._folders for file in folder.rglob("*") if file.is_file()] == []

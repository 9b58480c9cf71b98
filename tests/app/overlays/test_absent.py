"""What is said of a project whose plugins are not there, and that it keeps what it had of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.app.live_plugins import write_plugin
from twinviewer.app import project_file
from twinviewer.app.jobs import CallQueue, JobRunner
from twinviewer.app.opening import Opener
from twinviewer.app.overlays.absent import absent_plugins
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.project_file import ViewState
from twinviewer.app.session import Session
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.project import OverlaySpec, Project


def shows(*ids: str, visible: bool = True) -> Project:
    return Project(overlays=tuple(OverlaySpec(id=each, visible=visible) for each in ids))


def test_a_project_whose_plugins_are_there_says_nothing(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it")
    registry = PluginRegistry(folders=[tmp_path])
    assert absent_plugins(shows("it.it"), registry) is None
    assert absent_plugins(shows("gone.it", visible=False), registry) is None


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        (("a.it", "it.it", "a.other"), "what a plugin contributes that is not installed or switched off: a."),
        (("a.it", "b.it"), "what plugins contribute that are not installed or switched off: a, b."),
        (tuple(f"{each}.it" for each in "abcde"), "not installed or switched off: a, b, c and 2 more."),
    ],
)
def test_one_sentence_names_the_plugins(tmp_path: Path, ids: tuple[str, ...], said: str) -> None:
    write_plugin(tmp_path, "it")
    told = absent_plugins(shows(*ids), PluginRegistry(folders=[tmp_path]))
    assert told is not None
    assert told.problem.endswith(said)


def test_one_that_is_switched_off_is_named_too(tmp_path: Path) -> None:
    write_plugin(tmp_path, "it")
    registry = PluginRegistry(folders=[tmp_path])
    registry.set_enabled("it", False)
    told = absent_plugins(shows("it.it"), registry)
    assert told is not None
    assert "switched off: it." in told.problem


def test_safe_mode_is_called_so(tmp_path: Path) -> None:
    told = absent_plugins(shows("it.it"), PluginRegistry(folders=[tmp_path], safe_mode=True))
    assert told is not None
    assert "--safe-mode" in told.cure


def test_it_is_told_once_when_the_project_is_opened_and_kept_when_it_is_saved(tmp_path: Path) -> None:
    project, path = shows("gone.it"), tmp_path / "a.twin"
    project_file.save(project, path, view=ViewState())
    session, problems, pool = Session(Project()), ProblemLog(), WorkerPool(size=1)
    opener = Opener(
        session,
        sources=Sources(registry=PluginRegistry(folders=[]), pool=pool),
        runner=JobRunner(CallQueue().put),
        problems=problems,
    )
    loaded = opener.open_project(path)
    assert [(each.source, each.problem.partition(": ")[2]) for each in problems.problems] == [("a.twin", "gone.")]
    again = tmp_path / "b.twin"
    project_file.save(session.project, again, view=loaded.view)
    assert project_file.load(again).project.overlays == project.overlays
    opener.close()
    pool.close()

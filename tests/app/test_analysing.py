"""Analyses as jobs: parameters are checked before, results after, and layers that were made become files."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyogrio
import pytest

from tests.formats import small_layers
from tests.plugins import sites
from twinviewer.app.analysing import Analyst, Result
from twinviewer.app.commands import AddLayers
from twinviewer.app.exporting import Exports
from twinviewer.app.folders import data_dir, plugin_data_dir
from twinviewer.app.jobs import CallQueue, Job, JobRunner, JobState
from twinviewer.app.opening import Opener
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.session import Session
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.model.drawing import ColourObjects
from twinviewer.model.errors import UsageError
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.project import LayerSource, LayerSpec, Project

MANIFEST = """
api = 1
id = "odd"
name = "Odd analyses"
version = "2.1"
licence = "MIT"
isolated = false

[[analyses]]
id = "odd.echo"
title = "Echo"
analyse = "code:echo"

[[analyses.parameters]]
key = "count"
title = "Count"
type = "integer"
minimum = 1
maximum = 9
default = 3

[[analyses.parameters]]
key = "limit"
title = "Limit"
type = "number"
unit = "m"
default = 2

[[analyses.parameters]]
key = "ground"
title = "Ground"
type = "layer"
kinds = ["terrain"]

[[analyses]]
id = "odd.points"
title = "Points: a/b"
analyse = "code:points"

[[analyses.parameters]]
key = "table"
title = "List"
type = "file"

[[analyses]]
id = "odd.wait"
title = "Wait"
analyse = "code:wait"
""" + "".join(
    f'[[analyses]]\nid = "odd.{name}"\ntitle = "{name}"\nanalyse = "code:{name}"\n'
    for name in ("none", "text", "ragged", "unsound", "raises", "many", "colours")
)
CODE = """
import numpy as np
from dataclasses import replace
from twinviewer.api import (ColourObjects, ColourScale, FeatureTable, SourceFacts, Table, TwinViewerError, column)

def echo(*, site, feedback, count, limit, ground):
    feedback.progress(0.5, "Counting")
    kind = type(ground).__name__
    return [Table(title="Arguments", columns=("name", "value"),
                  rows=[("count", count), ("limit", limit), ("limit is", type(limit).__name__), ("ground", kind)])]

def _points(n):
    nothing = np.empty((0, 3))
    return FeatureTable(
        source=SourceFacts(format="made", title="Found places"), crs=None, feature_count=n, has_z=False,
        points=np.column_stack([np.arange(n) + 565000.0, np.arange(n) + 5934000.0, np.zeros(n)]),
        point_feature=np.arange(n, dtype=np.int32), line_vertices=nothing, line_offsets=np.zeros(1, np.int64),
        line_feature=np.empty(0, np.int32), ring_vertices=nothing, ring_offsets=np.zeros(1, np.int64),
        polygon_offsets=np.zeros(1, np.int64), polygon_feature=np.empty(0, np.int32),
        attributes=(column("rank", list(range(n))),))

def points(*, site, feedback, table):
    with open(table) as file:
        return [_points(len(file.read().split()))] * 2

def wait(*, site, feedback):
    feedback.progress(0.1, "Waiting")
    while True:
        feedback.stop_if_cancelled()

def colours(*, site, feedback):
    scale = ColourScale(title="t", unit="m", colour_map="viridis", value_range=(0.0, 1.0))
    return [ColourObjects(object_ids=["house-0", "nobody"], values=np.array([0.5, 1.0]), scale=scale)]

def none(*, site, feedback): pass
def text(*, site, feedback): return "text"
def ragged(*, site, feedback): return [Table(title="t", columns=("a", "b"), rows=[(1,)])]
def unsound(*, site, feedback): return [replace(_points(3), point_feature=np.array([0, 1, 7], np.int32))]
def raises(*, site, feedback): raise TwinViewerError("The data is of no use.", cure="Take other data.")
def many(*, site, feedback): return [Table(title="t", columns=("a",), rows=[])] * 21
"""


class Place:
    """A session with a town, and all that analyses need."""

    def __init__(self, folder: Path, *, manifest: str = MANIFEST) -> None:
        home = folder / "plugins" / "odd"
        home.mkdir(parents=True)
        (home / "plugin.toml").write_text(manifest)
        (home / "code.py").write_text(textwrap.dedent(CODE))
        self.calls = CallQueue()
        self.session, self.problems = Session(), ProblemLog()
        self.registry = PluginRegistry(folders=[folder / "plugins"])
        self.pool = WorkerPool(size=1)
        sources = Sources(registry=self.registry, pool=self.pool)
        self.runner = JobRunner(self.calls.put)
        self.opener = Opener(self.session, sources=sources, runner=self.runner, problems=self.problems)
        self.analyst = Analyst(
            session=self.session,
            registry=self.registry,
            runner=self.runner,
            exports=Exports(registry=self.registry, pool=self.pool),
            opener=self.opener,
            shapes=ShapeFiles(sources),
            problems=self.problems,
        )

    def add(self, layer_id: str, kind: str, data: LayerData) -> None:
        self.session.store.put(layer_id, data)
        spec = LayerSpec(id=layer_id, kind=kind, title=layer_id.title(), source=LayerSource(path="/a", reader="r"))
        self.session.do(AddLayers(layers=(spec,), crs=sites.UTM, origin=(sites.WEST, sites.SOUTH, 0.0)))

    def run(self, analysis_id: str, **parameters: Any) -> Result | None:
        """Run an analysis to its end; return its result, or None where it has none."""
        before = self.analyst.results
        self.analyst.start(analysis_id, parameters)
        self.settle()
        return self.analyst.results[0] if self.analyst.results != before else None

    def settle(self) -> None:
        self.calls.run_until(lambda: not self.runner.jobs and not self.opener.is_busy)

    def close(self) -> None:
        self.opener.close()
        self.runner.close()
        self.registry.close()
        self.pool.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    made.add("houses", "city-model", sites.buildings(3))
    heights = np.full((4, 4), 40.0)
    made.add(
        "slope", "terrain", small_layers.terrain(heights, (10.0, 0, sites.WEST, 0, -10.0, sites.SOUTH + 40), sites.UTM)
    )
    yield made
    made.close()


# --- parameters -----------------------------------------------------------------------------------------------------


def test_parameters_come_checked_with_defaults_and_layers_as_their_data(place: Place) -> None:
    result = place.run("odd.echo", count=5)
    assert result is not None
    (table,) = result.tables
    assert dict(table.rows) == {"count": 5, "limit": 2, "limit is": "float", "ground": "TerrainGrid"}


def test_a_result_says_where_it_comes_from(place: Place) -> None:
    result = place.run("odd.echo", count=5, ground="slope")
    assert result is not None
    facts = dict(result.provenance.facts)
    made = facts.pop("Made")
    assert made == f"{result.provenance.instant.astimezone():%Y-%m-%d %H:%M}"
    assert facts == {
        "Analysis": "Echo", "Plugin": "Odd analyses 2.1", "Count": "5", "Limit": "2 m", "Ground": "Slope"
    }  # fmt: skip


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"count": 0}, "“Count” must be at least 1."),
        ({"count": 2.5}, "“Count” must be a whole number."),
        ({"limit": float("nan")}, "“Limit” must be a number."),
        ({"ground": "houses"}, "“Ground” must be a layer of the kind terrain that is loaded."),
        ({"ground": "gone"}, "“Ground” must be a layer of the kind terrain that is loaded."),
        ({"cuont": 3}, "The analysis “Echo” has no parameter “cuont”."),
    ],
)
def test_parameters_that_do_not_fit_are_told_before_anything_runs(
    parameters: dict[str, Any], sentence: str, place: Place
) -> None:
    with pytest.raises(UsageError) as caught:
        place.analyst.start("odd.echo", parameters)
    assert caught.value.problem == sentence
    assert place.runner.jobs == ()


def test_files_must_be_there(place: Place, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="must be chosen"):
        place.analyst.start("odd.points", {})
    with pytest.raises(UsageError, match="must be a file that is there"):
        place.analyst.start("odd.points", {"table": str(tmp_path)})


def test_a_plugin_in_a_process_of_its_own_gets_the_file_that_was_chosen(tmp_path: Path) -> None:
    apart = Place(tmp_path, manifest=MANIFEST.replace("isolated = false", "isolated = true"))
    apart.add("houses", "city-model", sites.buildings(3))
    listed = tmp_path / "list.txt"
    listed.write_text("a b c d")
    result = apart.run("odd.points", table=str(listed))
    assert apart.problems.problems == ()
    assert result is not None
    assert pyogrio.read_info(result.files[0])["features"] == 4
    assert dict(result.provenance.facts)["List"] == str(listed)
    assert list(plugin_data_dir("odd").iterdir()) == []
    assert listed.read_text() == "a b c d"
    apart.close()


def test_nothing_is_analysed_where_nothing_is(tmp_path: Path) -> None:
    empty = Place(tmp_path)
    with pytest.raises(UsageError, match="nothing to analyse"):
        empty.analyst.start("odd.wait", {})
    with pytest.raises(UsageError, match=r"no analysis “odd\.nothing”"):
        empty.analyst.start("odd.nothing", {})
    empty.close()


# --- results --------------------------------------------------------------------------------------------------------


def test_layers_become_files_that_the_project_has(place: Place, tmp_path: Path) -> None:
    listed = tmp_path / "list.txt"
    listed.write_text("a b c d")
    result = place.run("odd.points", table=str(listed))
    assert result is not None
    first, second = result.files
    assert first.parent.parent == data_dir() / "results"
    assert (first.name, second.name) == ("Found places.gpkg", "Found places (2).gpkg")
    frame = pyogrio.read_dataframe(first)
    assert frame["rank"].tolist() == [0, 1, 2, 3]
    assert [point.x for point in frame.geometry] == [565000.0, 565001.0, 565002.0, 565003.0]
    assert frame.crs.to_epsg() == 25832, "that of the project, since the analysis named none"
    came = place.session.project.layers[:2]
    assert {layer.title for layer in came} == {"Found places", "Found places (2)"}
    assert {layer.source.reader for layer in came} == {"twinviewer.vector"}
    assert all(isinstance(place.session.store.get(layer.id), FeatureTable) for layer in came)
    assert place.problems.problems == ()


def test_colours_are_bound_and_what_is_not_there_is_counted(place: Place) -> None:
    result = place.run("odd.colours")
    assert result is not None
    (colours,) = result.requests
    assert isinstance(colours, ColourObjects)
    assert list(colours.object_ids) == ["house-0"]
    assert (result.unbound.count, result.unbound.names) == (1, ("nobody",))


def test_results_are_kept_shown_and_closed(place: Place) -> None:
    told: list[int] = []
    stop = place.analyst.on_change(lambda: told.append(len(place.analyst.results)))
    first, second = place.run("odd.colours"), place.run("odd.echo")
    assert first is not None
    assert second is not None
    assert [result.id for result in place.analyst.results] == [second.id, first.id]
    place.analyst.show(first.id, visible=False)
    place.analyst.show(first.id, opacity=0.25)
    shown = place.analyst.results[1]
    assert (shown.visible, shown.opacity) == (False, 0.25)
    place.analyst.close(second.id)
    assert place.analyst.results == (shown,)
    stop()
    place.analyst.close(first.id)
    assert told == [1, 2, 2, 2, 1]


def test_results_go_with_the_document_that_they_are_about(place: Place) -> None:
    place.run("odd.colours")
    place.session.undo()
    assert len(place.analyst.results) == 1, "a layer less is no other document"
    place.opener.replace_document(Project())
    assert place.analyst.results == ()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("none", "nothing (None)"),
        ("text", "type str"),
        ("ragged", "2 cells"),
        ("unsound", "contradicts itself"),
        ("many", "21 tables"),
    ],
)
def test_what_breaks_the_contract_is_told_with_the_plugins_name(name: str, words: str, place: Place) -> None:
    assert place.run(f"odd.{name}") is None
    (problem,) = place.problems.problems
    assert (problem.code, problem.source) == ("plugin", "Odd analyses")
    assert words in problem.problem
    assert place.session.project.layers[0].title == "Slope", "nothing was added"


def test_what_an_analysis_says_of_its_data_is_no_fault_of_the_plugin(place: Place) -> None:
    place.run("odd.raises")
    assert [(each.problem, each.cure) for each in place.problems.problems] == [
        ("The data is of no use.", "Take other data.")
    ]
    assert place.registry.failures == ()


def test_an_analysis_can_be_stopped(place: Place) -> None:
    job: Job = place.analyst.start("odd.wait", {})
    place.calls.run_until(lambda: job.progress > 0)
    job.cancel()
    place.settle()
    assert job.state is JobState.CANCELLED
    assert place.analyst.results == ()


def test_layers_that_fit_a_parameter_are_offered_in_their_order(place: Place) -> None:
    higher = replace(place.session.store.get("slope"))
    place.add("hill", "terrain", higher)
    analysis = next(each for each in place.registry.analyses if each.id == "odd.echo")
    ground = analysis.parameters[2]
    assert place.analyst.layers_for(ground) == (("hill", "Hill"), ("slope", "Slope"))

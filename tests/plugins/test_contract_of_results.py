"""What every writer and every analysis promises, ours or not: called as the viewer calls them."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import fields, is_dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.conftest import ROOT
from tests.formats import small_layers
from tests.plugins import sites
from twinviewer.api.importing import import_function
from twinviewer.app.analysing import analyse, checked_parameters
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.manifest import AnalysisContribution, WriterContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.reading import probe_file
from twinviewer.formats.request import FunctionOfPlugin
from twinviewer.formats.writing import checked_findings
from twinviewer.model.attributes import column
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import LayerData, kind_of
from twinviewer.model.place import LOCAL

BUNDLED = PluginRegistry(folders=[ROOT / "plugins"])
WRITERS = [(each.id, kind, ending) for each in BUNDLED.writers for kind in each.kinds for ending in each.endings]
ANYWHERE = [each for each in WRITERS if not BUNDLED.contribution(each[0], WriterContribution).crs]
ANALYSES = [analysis.id for analysis in BUNDLED.analyses]
PLACE = np.array([sites.WEST, sites.SOUTH, 40.0])


def layer_of(kind: str) -> LayerData:
    """Return a few things of a kind, with names and units that are not plain ASCII."""
    points = PLACE + np.array([[0.0, 0, 0], [10, 0, 0], [10, 10, 5], [0, 10, 5], [0, 0, 3], [5, 5, 9]])
    attributes = (column("Höhe", [1.5] * 6, unit="m"), column("名前", ["ß", None, "", "d", "e", "f"]))
    transform = (5.0, 0.0, sites.WEST, 0.0, -5.0, sites.SOUTH)
    made: dict[str, LayerData] = {
        "city-model": replace(small_layers.city_model(points, sites.UTM), object_ids=("Haus „1“",)),
        "point-cloud": small_layers.point_cloud(points, sites.UTM),
        "features": replace(small_layers.features(points, sites.UTM, has_z=True), attributes=attributes),
        "terrain": small_layers.terrain(np.arange(12.0).reshape(3, 4), transform, sites.UTM),
        "image": small_layers.picture(np.full((3, 4, 4), 200, np.uint8), transform, sites.UTM),
        "mesh": small_layers.mesh(points, sites.UTM),
    }
    return replace(made[kind], source=replace(made[kind].source, title="Größe / 1"))


def frozen(value: Any) -> Any:
    """Return what a value holds as something that can be compared and stays as it is."""
    if isinstance(value, np.ndarray):
        return (
            value.shape,
            value.dtype.str,
            tuple(value.ravel().tolist()) if value.dtype == object else value.tobytes(),
        )
    if is_dataclass(value):
        return tuple(frozen(getattr(value, item.name)) for item in fields(value))
    return tuple(map(frozen, value)) if isinstance(value, tuple | list) else value


class Impatient(Silent):
    """Stops the work when it is first asked."""

    def stop_if_cancelled(self) -> None:
        raise Cancelled


def writer_of(writer_id: str) -> Any:
    writer = BUNDLED.contribution(writer_id, WriterContribution)
    assert writer is not None
    return import_function(writer.write, code=BUNDLED.plugin_of(writer_id).code)


# --- writers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("writer_id", "kind", "ending"), WRITERS)
def test_a_writer_writes_each_of_its_kinds_and_changes_nothing(
    writer_id: str, kind: str, ending: str, tmp_path: Path
) -> None:
    data, path = layer_of(kind), tmp_path / f"Größe 1{ending}"
    before = frozen(data)
    checked_findings(writer_of(writer_id)(path=path, layers=[data], feedback=Silent()), path)
    assert path.stat().st_size > 0
    assert [each.name for each in tmp_path.iterdir()] == [path.name]
    assert frozen(data) == before


@pytest.mark.parametrize(("writer_id", "kind", "ending"), ANYWHERE)
def test_what_has_no_place_on_earth_is_written_too(writer_id: str, kind: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"local{ending}"
    writer_of(writer_id)(path=path, layers=[replace(layer_of(kind), crs=LOCAL)], feedback=Silent())
    assert path.stat().st_size > 0


@pytest.mark.parametrize(("writer_id", "kind", "ending"), WRITERS)
def test_a_writer_stops_when_asked(writer_id: str, kind: str, ending: str, tmp_path: Path) -> None:
    with pytest.raises(Cancelled):
        writer_of(writer_id)(path=tmp_path / f"x{ending}", layers=[layer_of(kind)], feedback=Impatient())


@pytest.mark.parametrize(("writer_id", "kind", "ending"), [each for each in WRITERS if each[2] != ".csv"])
def test_what_is_written_is_known_by_a_reader(writer_id: str, kind: str, ending: str, tmp_path: Path) -> None:
    path = tmp_path / f"town{ending}"
    writer_of(writer_id)(path=path, layers=[layer_of(kind)], feedback=Silent())
    readers = BUNDLED.readers_for(path)
    probes = [
        FunctionOfPlugin(reference=reader.probe, code=BUNDLED.plugin_of(reader.id).code)
        for reader in readers
        if reader.probe
    ]
    assert max(probe_file(path, probes)) >= 0.7


def test_functions_take_their_arguments_by_keyword_and_say_what_they_do() -> None:
    arguments: dict[str, Sequence[str]] = {writer_id: ("path", "layers", "feedback") for writer_id, _, _ in WRITERS}
    for analysis in BUNDLED.analyses:
        arguments[analysis.id] = ("site", "feedback", *(parameter.key for parameter in analysis.parameters))
    for contribution_id, names in arguments.items():
        contribution = BUNDLED.contribution(contribution_id, WriterContribution | AnalysisContribution)  # type: ignore[arg-type]
        (reference,) = contribution.functions
        function = import_function(reference, code=BUNDLED.plugin_of(contribution_id).code)
        inspect.signature(function).bind(**dict.fromkeys(names))
        assert function.__doc__


# --- analyses -------------------------------------------------------------------------------------------------------

SITES = {
    "a town": lambda: sites.grid_town(3),
    "an empty place": lambda: sites.site(),
    "houses without ground": lambda: sites.site(buildings=sites.buildings(3)),
    "a point of a place": lambda: sites.site(side_m=0.0),
}


def layers_for(analysis: AnalysisContribution) -> dict[str, LayerData]:
    """Return a layer for each parameter that wants one."""
    return {
        each.key: layer_of((each.kinds or ("features",))[0]) for each in analysis.parameters if each.type == "layer"
    }


@pytest.mark.parametrize("place", SITES)
@pytest.mark.parametrize("analysis_id", ANALYSES)
def test_an_analysis_answers_or_says_in_a_sentence_why_not(analysis_id: str, place: str) -> None:
    analysis = BUNDLED.contribution(analysis_id, AnalysisContribution)
    assert analysis is not None
    site, layers = SITES[place](), layers_for(analysis)
    before = {key: frozen(data) for key, data in layers.items()}
    shapes = ShapeFiles(Sources(registry=BUNDLED, pool=WorkerPool()))
    arguments = checked_parameters(analysis, layers)
    said = ""
    try:
        first, second = (analyse(BUNDLED, analysis, site, arguments, shapes=shapes, feedback=Silent()) for _ in "12")
    except TwinViewerError as error:
        said = f"{error.code}: {error.problem}"
    assert not said or (said.endswith(".") and not said.startswith("plugin") and place != "a town"), said
    if not said:
        assert first.requests or first.tables or first.layers
        assert [table.rows for table in first.tables] == [table.rows for table in second.tables]
        for old, new in zip(first.layers, second.layers, strict=True):
            assert kind_of(old) == kind_of(new)
            assert frozen(old) == frozen(new)
    for key, data in layers.items():
        assert frozen(data) == before[key]


@pytest.fixture(scope="module", autouse=True)
def ended():
    """End the processes of plugins that were asked."""
    yield
    BUNDLED.close()

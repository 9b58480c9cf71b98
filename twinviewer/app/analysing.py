"""Analyses of plugins: started with checked parameters, run as jobs, and what becomes of their results.

Drawing requests and tables stay for this session, until the person closes the result.  Layer data becomes a file in the
data folder and a layer of the project like any other, so that a saved project has it, too.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from twinviewer.app import folders
from twinviewer.app.exporting import Exports, suggested_name
from twinviewer.app.jobs import Job, JobRunner
from twinviewer.app.opening import Opener
from twinviewer.app.overlays.binding import ALL_FOUND, Unbound
from twinviewer.app.overlays.finishing import Finisher
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.manifest import AnalysisContribution, Parameter
from twinviewer.app.plugins.panel_checks import checked_table
from twinviewer.app.plugins.reaching import within_reach
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.session import Change, Session
from twinviewer.app.site import SessionSite, site_of
from twinviewer.formats import soundness
from twinviewer.live.clock import utc_now
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import PluginError, TwinViewerError, UsageError
from twinviewer.model.feedback import Feedback, PartOf
from twinviewer.model.layer_data import LayerData, kind_of
from twinviewer.model.panel import Table
from twinviewer.model.project import LayerId

MOST_TABLES = 20
MOST_LAYERS = 20
_CURE = "Correct the plugin; docs/plugins.md has the contract."
_SHARE = 0.9
"""Of the work, as far as the progress goes; the rest is writing layers."""
_FORMATS = {
    "city-model": "twinviewer.cityjson-file",
    "point-cloud": "twinviewer.laz",
    "features": "twinviewer.geopackage",
    "terrain": "twinviewer.geotiff-file",
    "image": "twinviewer.geotiff-file",
    "mesh": "twinviewer.ply",
}
"""The writer of each kind of layer that loses the least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Provenance:
    """Where a result comes from."""

    analysis: str
    """Title."""
    plugin: str
    """Name and version."""
    parameters: tuple[tuple[str, str], ...]
    """(title, value with unit); of layers their titles."""
    instant: datetime
    """When it was asked for, timezone-aware."""

    @property
    def facts(self) -> tuple[tuple[str, str], ...]:
        """Names and values, for people."""
        return (
            ("Analysis", self.analysis),
            ("Plugin", self.plugin),
            *self.parameters,
            ("Made", f"{self.instant.astimezone():%Y-%m-%d %H:%M}"),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """What an analysis returned, checked."""

    requests: tuple[DrawingRequest, ...] = ()
    tables: tuple[Table, ...] = ()
    layers: tuple[LayerData, ...] = ()
    unbound: Unbound = ALL_FOUND
    """City objects that it named and the project does not have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What an analysis found, as long as the person keeps it."""

    id: str
    """``result-3``"""
    title: str
    provenance: Provenance
    requests: tuple[DrawingRequest, ...]
    tables: tuple[Table, ...]
    files: tuple[Path, ...]
    """Of the layers that it made."""
    unbound: Unbound
    visible: bool = True
    opacity: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class _Done:
    findings: Findings
    files: tuple[Path, ...]


class Analyst:
    """Runs analyses and keeps their results.  Only for the session's thread.

    Args:
        session: Whose layers analyses are about.
        registry: Where analyses come from.
        runner: Where they run.
        exports: Write the layers that they make.
        opener: Opens those.
        shapes: Reads the files of icons and meshes that they draw.
        problems: Hears what went wrong.
    """

    def __init__(
        self,
        *,
        session: Session,
        registry: PluginRegistry,
        runner: JobRunner,
        exports: Exports,
        opener: Opener,
        shapes: ShapeFiles,
        problems: ProblemLog,
    ) -> None:
        self._session, self._registry, self._runner = session, registry, runner
        self._exports, self._opener, self._problems = exports, opener, problems
        self._shapes = shapes
        self._results: tuple[Result, ...] = ()
        self._numbers = itertools.count(1)
        self._listeners: list[Callable[[], None]] = []
        session.on_change(self._follow)

    @property
    def results(self) -> tuple[Result, ...]:
        """The newest first."""
        return self._results

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` whenever results come, go or are shown otherwise; return a function that stops it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def layers_for(self, parameter: Parameter) -> tuple[tuple[LayerId, str], ...]:
        """Return (id, title) of the loaded layers that a parameter of the type ``layer`` may be, in their order."""
        return tuple(
            (layer.id, layer.title)
            for layer in self._session.project.layers
            if self._session.store.get(layer.id) is not None and layer.kind in (parameter.kinds or (layer.kind,))
        )

    def start(
        self, analysis_id: str, parameters: Mapping[str, object], *, on_done: Callable[[Result], None] | None = None
    ) -> Job:
        """Start an analysis; its result is one of :attr:`results` when the job is done.

        Args:
            analysis_id: Contribution id.
            parameters: By key; of layers their ids.  What is left out has its default, a layer the first that fits.
            on_done: Called with the result.

        Raises:
            UsageError: There is no such analysis, nothing is loaded, or a parameter does not fit.
        """
        analysis = self._registry.contribution(analysis_id, AnalysisContribution)
        if analysis is None:
            raise UsageError(f"There is no analysis “{analysis_id}”.", cure="Install the plugin that brings it.")
        site = site_of(self._session)
        if site is None:
            raise UsageError("There is nothing to analyse.", cure="Open a file first.", source=analysis.title)
        given = dict(parameters)
        for each in analysis.parameters:
            fitting = self.layers_for(each) if each.type == "layer" else ()
            if fitting and each.key not in given:
                given[each.key] = fitting[0][0]
        arguments = self._with_layers(analysis, given)
        plugin = self._registry.plugin_of(analysis.id)
        provenance = Provenance(
            analysis=analysis.title,
            plugin=f"{plugin.name} {plugin.manifest.version}",
            parameters=tuple(self._shown(each, given, arguments) for each in analysis.parameters),
            instant=utc_now(),
        )

        def work(feedback: Feedback) -> _Done:
            part = PartOf(feedback, 0.0, _SHARE)
            found = analyse(self._registry, analysis, site, arguments, shapes=self._shapes, feedback=part)
            files = self._write(analysis.title, found.layers, provenance.instant, PartOf(feedback, _SHARE, 1.0))
            return _Done(findings=found, files=files)

        def done(work_done: _Done) -> None:
            result = self._take(analysis, provenance, work_done)
            if on_done is not None:
                on_done(result)

        return self._runner.start(analysis.title, work, on_done=done, on_error=self._failed)

    def show(self, result_id: str, *, visible: bool | None = None, opacity: float | None = None) -> None:
        """Show a result, hide it, or show it fainter."""
        self._results = tuple(
            replace(
                result,
                visible=result.visible if visible is None else visible,
                opacity=result.opacity if opacity is None else opacity,
            )
            if result.id == result_id
            else result
            for result in self._results
        )
        self._tell()

    def close(self, result_id: str) -> None:
        """Forget a result; layers that it made stay."""
        self._results = tuple(result for result in self._results if result.id != result_id)
        self._tell()

    def _with_layers(self, analysis: AnalysisContribution, given: Mapping[str, object]) -> dict[str, Any]:
        """Return the arguments of the function: values checked, ids of layers replaced by what they hold."""
        layers = {
            each.key: self._session.store.get(str(given[each.key]))
            for each in analysis.parameters
            if each.type == "layer" and each.key in given
        }
        return checked_parameters(analysis, {**given, **layers})

    def _shown(
        self, parameter: Parameter, given: Mapping[str, object], arguments: Mapping[str, Any]
    ) -> tuple[str, str]:
        if parameter.type == "layer":
            return parameter.title, self._session.project.layer(str(given[parameter.key])).title
        value = arguments[parameter.key]
        if isinstance(value, bool):
            return parameter.title, "yes" if value else "no"
        number = f"{value:.10g}" if isinstance(value, int | float) else str(value)
        return parameter.title, f"{number} {parameter.unit}".rstrip()

    def _write(
        self, title: str, layers: Sequence[LayerData], instant: datetime, feedback: Feedback
    ) -> tuple[Path, ...]:
        if not layers:
            return ()
        # The time is the folder's name, so that the layers are called as they are.
        folder = folders.data_dir() / "results" / f"{instant.astimezone():%Y-%m-%d %H-%M-%S}"
        folder.mkdir(parents=True, exist_ok=True)
        files = []
        for number, data in enumerate(layers):
            writer = next(each for each in self._registry.writers if each.id == _FORMATS[kind_of(data)])
            path = _unused(folder, data.source.title or title, writer.endings[0])
            part = PartOf(feedback, number / len(layers), (number + 1) / len(layers))
            files.append(self._exports.write(path, [data], feedback=part).path)
        return tuple(files)

    def _take(self, analysis: AnalysisContribution, provenance: Provenance, done: _Done) -> Result:
        found = done.findings
        result = Result(
            id=f"result-{next(self._numbers)}",
            title=analysis.title,
            provenance=provenance,
            requests=found.requests,
            tables=found.tables,
            files=done.files,
            unbound=found.unbound,
        )
        self._results = (result, *self._results)
        if done.files:
            self._opener.open(done.files)
        self._tell()
        return result

    def _follow(self, change: Change) -> None:
        """Let results go with the document that they are about."""
        if self._results and change.after.crs is None:
            self._results = ()
            self._tell()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, TwinViewerError):
            self._problems.add_error(error)
        else:
            self._problems.add_bug(f"{type(error).__name__} in an analysis")

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


def analyse(
    registry: PluginRegistry,
    analysis: AnalysisContribution,
    site: SessionSite,
    arguments: Mapping[str, Any],
    *,
    shapes: ShapeFiles,
    feedback: Feedback,
) -> Findings:
    """Run an analysis here and now; return what it found.  Safe from any thread.

    Args:
        registry: Where it comes from.
        analysis: Which it is.
        site: What it is about.
        arguments: As :func:`checked_parameters` returned them.
        shapes: Reads the files of icons and meshes that it draws.
        feedback: Hears progress, and is asked whether to stop.

    Raises:
        PluginError: The analysis failed, or returned something else than the contract promises.
        TwinViewerError: What the analysis says of its parameters or data.
        Cancelled: The person stopped it.
    """
    finisher = Finisher(folder=Path(registry.plugin_of(analysis.id).code.folder), shapes=shapes)

    def check(returned: object) -> Findings:
        tables, layers, rest = _parts(returned)
        finished = finisher.finished(rest, site=site, feedback=feedback)
        return Findings(
            requests=finished.requests,
            tables=tuple(checked_table(table) for table in tables),
            layers=tuple(replace(layer, crs=layer.crs or site.crs) for layer in layers),
            unbound=finished.unbound,
        )

    chosen = {each.key: str(arguments[each.key]) for each in analysis.parameters if each.type in ("file", "folder")}
    with within_reach(registry.plugin_of(analysis.id), chosen) as reached:
        arguments = {"site": site, "feedback": feedback, **arguments, **reached}
        return registry.call(analysis.id, analysis.analyse, arguments, check=check)


def checked_parameters(analysis: AnalysisContribution, given: Mapping[str, object]) -> dict[str, Any]:
    """Return the arguments of an analysis by key: what was given, checked, and defaults.

    Raises:
        UsageError: One is unknown, missing, or does not fit.
    """
    known = {each.key: each for each in analysis.parameters}
    for key in given:
        if key not in known:
            names = ", ".join(known)
            raise UsageError(
                f"The analysis “{analysis.title}” has no parameter “{key}”.",
                cure=f"It has {names}." if names else "It has none.",
                source=analysis.id,
            )
    return {key: _checked(each, given.get(key, each.default), analysis) for key, each in known.items()}


def _checked(parameter: Parameter, value: Any, analysis: AnalysisContribution) -> Any:
    if parameter.type == "layer":
        kinds = f" of the kind {' or '.join(parameter.kinds)}" if parameter.kinds else ""
        fits = isinstance(value, LayerData) and (not parameter.kinds or kind_of(value) in parameter.kinds)
        fault = "" if fits else f"must be a layer{kinds} that is loaded"
    elif value is None:
        fault = "must be chosen"
    else:
        fault = parameter.fault(value)
    if not fault and parameter.type in ("file", "folder"):
        there = Path(value).is_file() if parameter.type == "file" else Path(value).is_dir()
        fault = "" if there else f"must be a {parameter.type} that is there"
    if fault:
        raise UsageError(f"“{parameter.title}” {fault}.", cure="Choose it anew.", source=analysis.title)
    return float(value) if parameter.type == "number" else value


def _parts(returned: object) -> tuple[list[Table], list[LayerData], list[object]]:
    """Return the tables, the layers and the rest of what an analysis returned.

    Raises:
        PluginError: It is no sequence, too much, or a layer contradicts itself.
    """
    if not isinstance(returned, Sequence) or isinstance(returned, str | bytes):
        kind = "nothing (None)" if returned is None else f"a value of type {type(returned).__name__}"
        raise PluginError(f"The analysis returned {kind} instead of a sequence.", cure=_CURE)
    tables = [each for each in returned if isinstance(each, Table)]
    layers = [each for each in returned if isinstance(each, LayerData)]
    if len(tables) > MOST_TABLES or len(layers) > MOST_LAYERS:
        raise PluginError(
            f"The analysis returned {len(tables)} tables and {len(layers)} layers; at most {MOST_TABLES} and "
            f"{MOST_LAYERS} are taken.",
            cure=_CURE,
        )
    for layer in layers:
        try:
            soundness.check(layer)
        except ValueError as error:
            raise PluginError(f"A layer that it returned contradicts itself: {error}.", cure=_CURE) from error
    return tables, layers, [each for each in returned if not isinstance(each, Table | LayerData)]


def _unused(folder: Path, name: str, ending: str) -> Path:
    number, candidate = 1, folder / suggested_name(name, ending)
    while candidate.exists():
        number += 1
        candidate = folder / suggested_name(f"{name} ({number})", ending)
    return candidate

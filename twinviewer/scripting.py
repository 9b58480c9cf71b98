"""The Python interface: ``import twinviewer as tv``.  No window, no Qt; VTK is imported with the first picture.

Files are read in worker processes, as in the window.  They are spawned as programs of their own, so that a script
needs no ``if __name__ == "__main__"``.
"""

from __future__ import annotations

import atexit
import os
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from twinviewer.app import project_file
from twinviewer.app.analysing import Findings, analyse, checked_parameters
from twinviewer.app.commands import SetStyle
from twinviewer.app.exporting import Exports
from twinviewer.app.jobs import CallQueue, JobRunner
from twinviewer.app.opening import Opener, Phase
from twinviewer.app.overlays.running import OverlayPicture, OverlayRunner, picture_note
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.manifest import AnalysisContribution
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import Problem, ProblemLog
from twinviewer.app.project_file import ViewState
from twinviewer.app.read_cache import ReadCache
from twinviewer.app.session import Command, Session
from twinviewer.app.settings import load_settings
from twinviewer.app.site import site_of
from twinviewer.app.sources import PROJECT_SUFFIX, Sources, as_path
from twinviewer.app.style_choices import choices_for
from twinviewer.app.textures import TextureReader, at_once
from twinviewer.app.themes import Themes
from twinviewer.app.workers import WorkerPool
from twinviewer.live.clock import Clock
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import TwinViewerError, UsageError
from twinviewer.model.feedback import Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import CrsOrigin, ReferenceSystem
from twinviewer.model.project import LayerId, Project, Viewpoint

LARGEST_SIDE_PX = 16_384
"""Of a picture: larger ones graphics cards do not draw."""
OVERLAYS_WITHIN_S = 5.0
"""So long a picture waits for overlays that are switched on."""

AnyPath = str | os.PathLike[str]


def read(path: AnyPath, *, layer: str | None = None, crs: str | ReferenceSystem | None = None) -> LayerData:
    """Return what is in a file, as it lies there: nothing is moved into another reference system.

    Args:
        path: The file.
        layer: Which of its layers, where it holds several (GeoPackage).
        crs: The reference system of a file that does not say its own, for example ``"EPSG:25832"``.

    Returns:
        A ``CityModel``, ``PointCloud``, ``FeatureTable``, ``TerrainGrid``, ``RasterImage`` or ``TriangleMesh``.

    Raises:
        ReadError: The file gives nothing; the text says why.
        UsageError: It holds several layers and ``layer`` names none of them.
    """
    layers = read_layers(path, crs=crs)
    if layer is None and len(layers) == 1:
        return layers[0]
    for data in layers:
        if data.source.title == layer:
            return data
    names = ", ".join(f"“{data.source.title}”" for data in layers)
    problem = f"The file holds {len(layers)} layers" if layer is None else f"The file holds no layer “{layer}”"
    raise UsageError(
        f"{problem}: {names}." if layer is None else f"{problem}, only {names}.",
        cure="Name one with layer=…, or take all with read_layers.",
        source=Path(path).name,
    )


def read_layers(path: AnyPath, *, crs: str | ReferenceSystem | None = None) -> tuple[LayerData, ...]:
    """Return all layers of a file, at least one, as :func:`read` does."""
    file = as_path(os.fspath(path))
    if file.suffix.lower() == PROJECT_SUFFIX:
        raise UsageError(
            "This is a project, not a file with data.", cure="Open it with twinviewer.open.", source=file.name
        )
    sources = _shared_sources()
    feedback = Silent()
    reader = sources.reader_for(file, feedback)
    request = replace(sources.request(file, reader), fallback=_system(crs))
    return sources.read(request, reader, feedback).layers


def write(
    layers: LayerData | Sequence[LayerData], path: AnyPath, *, crs: str | ReferenceSystem | None = None
) -> tuple[Diagnostic, ...]:
    """Write layers into a file, whose ending says the format; an older file is replaced when all is there.

    Args:
        layers: One layer, or several for formats that hold several (GeoPackage).
        path: The file.
        crs: The reference system to write in; None: that of the layers.

    Returns:
        What the file does not hold, or holds otherwise than the layers.

    Raises:
        WriteError: It cannot be written, and what was there before is intact; the text says why.
    """
    several = [layers] if isinstance(layers, LayerData) else list(layers)
    sources = _shared_sources()
    exports = Exports(registry=sources.registry, pool=sources.pool)
    return exports.write(Path(path).absolute(), several, target=_system(crs), feedback=Silent()).diagnostics


def open(*paths: AnyPath, crs: str | ReferenceSystem | None = None) -> ScriptSession:
    """Open files, folders or a project together, in one reference system.

    Args:
        paths: What to open; none: begin with nothing.
        crs: The reference system of those files that do not say theirs, for example ``"EPSG:25832"``.

    Raises:
        TwinViewerError: One of the paths gives nothing; the text says why.
    """
    session = ScriptSession()
    try:
        session.add(*paths, crs=crs)
    except BaseException:
        session.close()
        raise
    return session


class ScriptSession:
    """A document that a script works on: ``with tv.open("city.gml") as session: …``.

    Only for the thread that made it.  Its end stops the worker processes.

    Args:
        safe_mode: Load no plugins but the built-in readers.
    """

    def __init__(self, *, safe_mode: bool = False) -> None:
        self._calls = CallQueue()
        self._problems = ProblemLog()
        self._registry = PluginRegistry(
            safe_mode=safe_mode,
            on_failure=lambda record: self._calls.put(lambda: self._list_problem(record.error)),
        )
        self._pool, self._cache = WorkerPool(), _read_cache()
        self._session = Session()
        self._runner = JobRunner(self._calls.put)
        sources = Sources(registry=self._registry, pool=self._pool, cache=self._cache)
        self._shapes = ShapeFiles(sources)
        self._opener = Opener(
            self._session,
            sources=sources,
            runner=self._runner,
            problems=self._problems,
        )
        self._view = ViewState()
        for error in self._registry.problems:
            self._problems.add_error(error)
        self._themes = Themes(self._registry, on_error=self._list_problem)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    @property
    def project(self) -> Project:
        """The document: layers, bookmarks, reference system."""
        return self._session.project

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Whatever was found while files were read, the oldest first: errors, warnings, assumptions."""
        return self._problems.problems

    def data(self, layer_id: LayerId) -> LayerData | None:
        """Return what a layer holds, in the project's reference system; None where it could not be read."""
        return self._session.store.get(layer_id)

    def add(self, *paths: AnyPath, crs: str | ReferenceSystem | None = None) -> None:
        """Open more, as :func:`open` does.  A project takes the place of what was there.

        Raises:
            TwinViewerError: The first path that gives nothing; the others are in the session all the same.  (A layer
                of a project whose file is not there is one of :attr:`problems`, not an error.)
        """
        errors: list[TwinViewerError] = []
        files: list[Path] = []
        system = _system(crs)
        for text in paths:
            try:
                path = as_path(os.fspath(text))
                if path.suffix.lower() == PROJECT_SUFFIX:
                    self._view = self._opener.open_project(path).view
                else:
                    files.append(path)
            except TwinViewerError as error:
                self._problems.add_error(error)
                errors.append(error)
        self._opener.open(files, crs=system)
        self._calls.run_until(lambda: not self._opener.is_busy)
        for opening in self._opener.openings:
            if opening.phase is Phase.FAILED and not opening.waiting:
                if opening.problem is not None:
                    errors.append(opening.problem)
                self._opener.dismiss(opening)
        if errors:
            raise errors[0]

    def do(self, command: Command) -> None:
        """Change the document with one of ``twinviewer.commands``."""
        self._session.do(command)
        self._calls.run_until(lambda: not self._opener.is_busy)

    def undo(self) -> None:
        """Take back the last change, if there is one."""
        self._session.undo()
        self._calls.run_until(lambda: not self._opener.is_busy)

    def redo(self) -> None:
        """Do again what was undone last, if anything."""
        self._session.redo()
        self._calls.run_until(lambda: not self._opener.is_busy)

    def color_by(self, attribute: str) -> None:
        """Colour every layer that has it by an attribute, or by ``type``, ``surface``, ``class``, ``elevation`` ….

        Raises:
            UsageError: No layer has it.
        """
        known: set[str] = set()
        found = False
        for layer in self.project.layers:
            offered = {choice.color_by for choice in choices_for(self.data(layer.id)).colours if choice.color_by}
            known |= offered
            if attribute in offered:
                found = True
                self.do(SetStyle(layer_id=layer.id, style=replace(layer.style, color_by=attribute)))
        if not found:
            raise UsageError(
                f"No layer can be coloured by “{attribute}”.",
                cure=f"Choose one of {', '.join(sorted(known))}." if known else "",
            )

    def render(
        self,
        path: AnyPath,
        *,
        size: tuple[int, int] = (1600, 1000),
        view: str | Viewpoint | None = None,
        time: datetime | str | None = None,
    ) -> None:
        """Draw a picture, without a window or a display.

        Args:
            path: The PNG to write.
            size: Width and height in pixels.
            view: ``"iso"``, ``"top"``, ``"overview"``, the title of a bookmark, or a viewpoint; None: the project's
                own, else an overview.
            time: Date and time for the sun and the overlays, as ISO 8601 or a datetime; without an offset it is
                this machine's local time.  None: the bookmark's or the project's, else a summer morning.

        Raises:
            UsageError: There is nothing to draw, no such view, or no such size.
            WriteError: The picture cannot be written.
        """
        from twinviewer.scene.city_scene import NAMED_VIEWS  # VTK takes longer to import than all the rest
        from twinviewer.scene.offscreen import render

        if not all(1 <= side <= LARGEST_SIDE_PX for side in size):
            raise UsageError(
                f"A picture cannot be {size[0]} × {size[1]} pixels large.",
                cure=f"Choose 1 to {LARGEST_SIDE_PX} each way.",
            )
        if all(self.data(layer.id) is None for layer in self.project.layers):
            raise UsageError("There is nothing to draw.", cure="Open a file first.")
        bookmarks = {mark.title: mark for mark in self.project.bookmarks}
        if isinstance(view, str) and view not in NAMED_VIEWS and view not in bookmarks:
            raise UsageError(
                f"There is no view “{view}”.", cure=f"Choose one of {', '.join((*NAMED_VIEWS, *bookmarks))}."
            )
        instant = instant_of(time)
        if instant is None and not (isinstance(view, str) and view in bookmarks):
            instant = self._view.instant
        pictures = self._overlays(instant)
        render(
            self._session,
            Path(path),
            size=size,
            view=view or self._view.viewpoint,
            instant=instant,
            section=self._view.section,
            overlays={overlay_id: picture.requests for overlay_id, picture in pictures.items()},
            textures=TextureReader(self._pool, self._problems, at_once),
            note=picture_note(self._registry, pictures),
        )

    def analyse(self, analysis_id: str, **parameters: Any) -> Findings:
        """Run an analysis of a plugin; return its drawing requests, tables and layers.

        Args:
            analysis_id: Its id, for example ``"building-heights.above-ground"``.
            parameters: Those of the analysis that are to differ from their defaults; of a layer its id or its data.

        Raises:
            UsageError: There is no such analysis, nothing to analyse, or a parameter does not fit.
            PluginError: The analysis failed.
        """
        analysis = self._registry.contribution(analysis_id, AnalysisContribution)
        if analysis is None:
            known = ", ".join(each.id for each in self._registry.analyses)
            raise UsageError(f"There is no analysis “{analysis_id}”.", cure=f"There are {known}." if known else "")
        site = site_of(self._session)
        if site is None:
            raise UsageError("There is nothing to analyse.", cure="Open a file first.")
        layers = {each.key for each in analysis.parameters if each.type == "layer"}
        given = {
            key: self.data(value) if key in layers and isinstance(value, str) else value
            for key, value in parameters.items()
        }
        arguments = checked_parameters(analysis, given)
        return analyse(self._registry, analysis, site, arguments, shapes=self._shapes, feedback=Silent())

    def save(self, path: AnyPath) -> None:
        """Write the project; it opens in the window as it is here.

        Raises:
            UsageError: The name does not end in ``.twin``.
            WriteError: The disk said no; the file that was there before is intact.
        """
        if Path(path).suffix.lower() != PROJECT_SUFFIX:
            raise UsageError(
                "It could not be opened again: the name of a project ends in .twin.",
                cure="Give it such a name.",
                source=Path(path).name,
            )
        project_file.save(self.project, Path(path), view=self._view)

    def close(self) -> None:
        """Stop the worker processes; what was read stays."""
        self._themes.withdraw()
        self._opener.close()
        self._runner.close()
        self._registry.close()
        self._cache.close()
        self._pool.close()

    def _list_problem(self, error: TwinViewerError) -> None:
        self._problems.add_error(error)

    def _overlays(self, instant: datetime | None) -> Mapping[str, OverlayPicture]:
        """Return what the overlays show at ``instant``, or at present, once they have something to show."""
        if not any(overlay.visible for overlay in self.project.overlays):
            return {}
        clock = Clock()
        shown = instant or datetime.now(UTC)
        clock.scrub(shown)
        runner = OverlayRunner(
            registry=self._registry, session=self._session, clock=clock, jobs=self._runner, shapes=self._shapes
        )
        try:
            pictures = runner.settle(shown, timeout_s=OVERLAYS_WITHIN_S)
        finally:
            runner.stop()
        for picture in pictures.values():
            if picture.problem is not None:
                self._problems.add_error(picture.problem)
        return pictures


@cache
def _shared_sources() -> Sources:
    """Return the readers, writers and workers of :func:`read` and :func:`write`, which last until the script ends."""
    registry, pool, cache = PluginRegistry(), WorkerPool(), _read_cache()
    for each in (registry, pool, cache):  # the last one first
        atexit.register(each.close)
    return Sources(registry=registry, pool=pool, cache=cache)


def _read_cache() -> ReadCache:
    """Return the cache that the window uses, too."""
    limit = load_settings().cache_limit
    return ReadCache(limit=lambda: limit)


def _system(crs: str | ReferenceSystem | None) -> ReferenceSystem | None:
    if not isinstance(crs, str):
        return crs
    from twinviewer.model.crs import parse_crs  # PROJ costs 0.2 s

    return parse_crs(crs, origin=CrsOrigin.GIVEN)


def instant_of(time: datetime | str | None) -> datetime | None:
    """Return the instant, aware of its offset from UTC; a time without one is this machine's local time.

    Raises:
        UsageError: It is not ISO 8601.
    """
    if time is None:
        return None
    if isinstance(time, str):
        try:
            time = datetime.fromisoformat(time)
        except ValueError as error:
            raise UsageError(
                f"“{time}” is not a date and time.", cure="Write it as 2025-06-21T18:30 or 2025-06-21T18:30+02:00."
            ) from error
    return time if time.tzinfo is not None else time.astimezone()

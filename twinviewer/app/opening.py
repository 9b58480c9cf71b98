"""From paths to layers: files are read in workers, put in their place, and added to the document.

The opener also keeps the layer store in step with the document: whatever layer the document has without its data
(a project that was opened, a recovered one, a removal that was undone) is read.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path

from twinviewer.app import project_file
from twinviewer.app.commands import AddLayers, RemoveLayers
from twinviewer.app.file_layers import data_for, origin_of, planned_kind, specs_of
from twinviewer.app.file_reading import FileRead, Folder, Placeless, read_path
from twinviewer.app.jobs import Job, JobRunner
from twinviewer.app.overlays.absent import absent_plugins
from twinviewer.app.plugins.manifest import ReaderContribution
from twinviewer.app.problems import ProblemLog
from twinviewer.app.project_file import LoadedProject
from twinviewer.app.session import Change, Session
from twinviewer.app.sources import PROJECT_SUFFIX, Sources, as_path
from twinviewer.app.workers import ReadResult
from twinviewer.formats.reading import missing_crs, without_place
from twinviewer.model.errors import MissingCrsError, ProjectError, ReadError, TwinViewerError
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import KINDS, LayerData
from twinviewer.model.place import LOCAL, CrsOrigin, ReferenceSystem
from twinviewer.model.project import LayerId, LayerSource, LayerSpec, Project

_log = logging.getLogger(__name__)


class Phase(StrEnum):
    PENDING = "pending"
    """Waits for a worker, or for the file that decides about the project's reference system."""
    READING = "reading"
    NEEDS_CRS = "needs-crs"
    """Read, but the file does not say where it is: somebody must (:meth:`Opener.assign_crs`)."""
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerState:
    """How far a layer of the document is."""

    phase: Phase
    progress: float = 0.0
    problem: TwinViewerError | None = None


class Opening:
    """One file on its way into the document.  For reading only; the :class:`Opener` writes it."""

    _numbers = itertools.count(1)

    def __init__(
        self, path: Path, *, waiting: tuple[LayerSpec, ...] = (), fallback: ReferenceSystem | None = None
    ) -> None:
        self.id = next(self._numbers)
        self.path = path
        self.waiting = waiting
        """Layers of the document whose data the file holds; empty: the file brings new ones."""
        self.fallback = fallback
        """The system to take where the file says nothing."""
        self.phase = Phase.PENDING
        self.problem: TwinViewerError | None = None
        self.job: Job | None = None
        self.reader: ReaderContribution | None = None
        self.layer_ids: tuple[LayerId, ...] = tuple(layer.id for layer in waiting)
        """The layers that it fills or became."""
        self.project_crs: ReferenceSystem | None = None
        """The document's system that it is read for."""
        self.arriving: tuple[LayerSpec, ...] = ()
        """New layers of the document of which a part is seen while the rest is read."""
        self.before: Project | None = None
        """The document before those came."""
        self.unplaced: ReadResult | None = None
        """What was read, while it is not known where it lies."""

    @property
    def title(self) -> str:
        return self.path.name

    @property
    def progress(self) -> float:
        return self.job.progress if self.job else 0.0


class Opener:
    """Opens files, folders and projects.  All of it is called, and calls back, on the session's thread.

    Args:
        session: Whose document gets the layers.
        sources: Readers and workers.
        runner: Runs the reading.
        problems: Gets every error and every diagnostic.
        previews: Whether somebody looks, so that large files are worth showing while they are read.
    """

    def __init__(
        self,
        session: Session,
        *,
        sources: Sources,
        runner: JobRunner,
        problems: ProblemLog,
        previews: bool = False,
    ) -> None:
        self.on_needs_crs: Callable[[Opening, tuple[ReferenceSystem, ...]], None] | None = None
        """Asked, with proposals, for the system of a file that names none, in a project that has one; answered
        with :meth:`assign_crs` or :meth:`dismiss`.  None: such a file is an error."""
        self._session = session
        self._sources = sources
        self._runner = runner
        self._problems, self._previews = problems, previews
        self._openings: list[Opening] = []
        self._batches: list[_Batch] = []
        self._listeners: list[Callable[[], None]] = []
        self._stop_listening = session.on_change(self._follow)
        self._read_missing(session.project.layers)

    # --- what is going on ---------------------------------------------------------------------------------------

    @property
    def openings(self) -> tuple[Opening, ...]:
        """The files that are not in yet: pending, being read, waiting for a reference system, or failed."""
        return tuple(self._openings)

    @property
    def is_busy(self) -> bool:
        return any(opening.phase in (Phase.PENDING, Phase.READING) for opening in self._openings)

    def state(self, layer_id: LayerId) -> LayerState:
        """Return how far a layer of the document is."""
        for opening in self._openings:
            if layer_id in opening.layer_ids:
                return LayerState(phase=opening.phase, progress=opening.progress, problem=opening.problem)
        kinds = {layer.id: layer.kind for layer in self._session.project.layers}
        if kinds.get(layer_id, "mesh") not in KINDS:
            return LayerState(phase=Phase.FAILED, problem=_kind_unknown(kinds[layer_id]))
        ready = self._session.store.get(layer_id) is not None
        return LayerState(phase=Phase.READY if ready else Phase.PENDING, progress=float(ready))

    def on_change(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call ``listener`` whenever :attr:`openings` or a phase changed; return a function that stops it.

        Progress within a phase is not told; look at it when drawing.
        """
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    # --- what can be asked for ----------------------------------------------------------------------------------

    def plan(self, paths: Sequence[str | Path]) -> tuple[str | None, ...]:
        """Return the kind of layer that each path will become, as far as its name tells: no file is touched."""
        return tuple(planned_kind(Path(path), self._sources.registry) for path in paths)

    def open(
        self,
        paths: Sequence[str | Path],
        *,
        crs: ReferenceSystem | None = None,
        on_done: Callable[[tuple[LayerId, ...]], None] | None = None,
    ) -> None:
        """Open files, folders (all files in them that a reader knows) and at most one project.

        Args:
            paths: What to open.  A project replaces the document; everything else is added to it.
            crs: The reference system of those files that do not say theirs.
            on_done: Called once all have ended, with the layers that came of it.
        """
        batch = _Batch(on_done=on_done or (lambda layer_ids: None))
        for text in sorted(paths, key=lambda path: not str(path).lower().endswith(PROJECT_SUFFIX)):
            try:
                path = as_path(text)
                if path.suffix.lower() == PROJECT_SUFFIX:
                    batch.layer_ids.extend(layer.id for layer in self.open_project(path).project.layers)
                    batch.openings.extend(self._openings)
                else:
                    batch.openings.append(self._add(Opening(path, fallback=crs)))
            except TwinViewerError as error:
                self._problems.add_error(error)
        self._batches.append(batch)
        self._go_on()

    def open_project(self, path: Path) -> LoadedProject:
        """Replace the document by a project; its layers are read one after the other.

        Raises:
            ProjectError: It cannot be used; the document is as it was.
        """
        loaded = project_file.load(path)
        self._problems.add_diagnostics(path.name, loaded.diagnostics)
        if absent := absent_plugins(loaded.project, self._sources.registry, source=path.name):
            self._problems.add_error(absent)
        self.replace_document(loaded.project)
        return loaded

    def replace_document(self, project: Project) -> None:
        """Start over with another document (new, restored, the demo); what was being opened for the old one ends."""
        self._dismiss_all()
        self._session.replace_project(project)
        self._go_on()

    def assign_crs(self, opening: Opening, crs: ReferenceSystem) -> None:
        """Say where a file lies that does not say so itself, and go on with it."""
        opening.fallback = replace(crs, origin=CrsOrigin.GIVEN)
        self.retry(opening)

    def retry(self, opening: Opening) -> None:
        """Try again what failed or waits."""
        opening.phase, opening.problem, opening.unplaced = Phase.PENDING, None, None
        self._go_on()

    def dismiss(self, opening: Opening) -> None:
        """Stop a file that is being opened, or take a failed one off the list."""
        if opening in self._openings:
            self._openings.remove(opening)
            if opening.job is not None:
                opening.job.cancel()
            self._withdraw(opening)
            self._go_on()

    def close(self) -> None:
        """Stop everything that is being opened and follow the document no longer."""
        self._dismiss_all()
        self._stop_listening()

    # --- from file to file --------------------------------------------------------------------------------------

    def _dismiss_all(self) -> None:
        """Stop all files at once, so that the end of one does not start another."""
        stopped = self.openings
        self._openings.clear()
        for opening in stopped:
            if opening.job is not None:
                opening.job.cancel()
        self._go_on()

    def _add(self, opening: Opening) -> Opening:
        self._openings.append(opening)
        return opening

    def _go_on(self) -> None:
        """Start what can be started, settle what can be settled, and tell."""
        for opening in self.openings:
            if opening.phase is Phase.PENDING and opening.unplaced is None and self._may_start(opening):
                self._start(opening)
        self._settle()
        for batch in tuple(self._batches):
            if not any(opening in self._openings and opening.phase is not Phase.FAILED for opening in batch.openings):
                self._batches.remove(batch)
                known = {layer.id for layer in self._session.project.layers}
                came = [*batch.layer_ids, *(layer_id for opening in batch.openings for layer_id in opening.layer_ids)]
                batch.on_done(tuple(layer_id for layer_id in dict.fromkeys(came) if layer_id in known))
        for listener in tuple(self._listeners):
            listener()

    def _may_start(self, opening: Opening) -> bool:
        reading = [other for other in self._openings if other.phase is Phase.READING]
        if self._session.project.crs is None:
            return not reading  # the first file decides about the project's reference system
        return len(reading) < self._sources.pool.size

    def _start(self, opening: Opening) -> None:
        opening.phase = Phase.READING
        opening.project_crs = project_crs = self._session.project.crs

        def preview(read: FileRead) -> None:
            self._runner.deliver(lambda: self._show_preview(opening, read))

        def work(feedback: Feedback) -> FileRead | Folder | Placeless:
            return read_path(
                opening.path,
                self._sources,
                feedback,
                waiting=opening.waiting,
                fallback=opening.fallback,
                project_crs=project_crs,
                on_preview=preview if self._previews else None,
            )

        def done(read: FileRead | Folder | Placeless) -> None:
            if opening not in self._openings:
                return  # nobody wants it any more
            if isinstance(read, Folder):
                self._unfold(opening, read)
            elif self._session.project.crs != opening.project_crs:
                self._withdraw(opening)
                opening.phase = Phase.PENDING  # the document changed its system meanwhile: read for the new one
            elif isinstance(read, Placeless):
                self._ask_where(opening, read.error)
            else:
                opening.reader = read.reader
                self._arrived(opening, read.result)
            self._go_on()

        def failed(error: Exception) -> None:
            if opening in self._openings:
                self._fail(opening, error)
                self._go_on()

        def cancelled() -> None:
            self._withdraw(opening)
            if opening in self._openings and opening.waiting:  # the layer is there, and says what became of it
                opening.phase = Phase.FAILED
                opening.problem = ReadError(
                    "Reading was stopped; the layer is kept.", cure="Read it again.", source=opening.path.name
                )
            elif opening in self._openings:
                self._openings.remove(opening)
            self._go_on()

        opening.job = self._runner.start(
            f"Read {opening.title}", work, on_done=done, on_error=failed, on_cancelled=cancelled
        )

    def _unfold(self, opening: Opening, folder: Folder) -> None:
        at = self._openings.index(opening)
        found = [Opening(path, fallback=opening.fallback) for path in folder.files]
        self._openings[at : at + 1] = found
        for batch in self._batches:
            if opening in batch.openings:
                batch.openings.extend(found)

    # --- seen before all is there -------------------------------------------------------------------------------

    def _show_preview(self, opening: Opening, read: FileRead) -> None:
        """Show what has been read of a file so far; where it brings new layers, they come into the document with it."""
        target, layers = read.result.target, read.result.layers
        is_wanted = opening in self._openings and opening.phase is Phase.READING
        if not is_wanted or target is None or self._session.project.crs != opening.project_crs:
            return
        if not opening.layer_ids:
            ids = self._session.new_layer_ids(len(layers))
            specs = specs_of(layers, ids=ids, path=opening.path, reader=read.reader.id, sources=read.result.sources)
            opening.arriving, opening.before, opening.layer_ids = specs, self._session.project, tuple(ids)
            opening.project_crs = self._session.project.crs or target
        seen = opening.waiting or opening.arriving
        wanted = self._session.layers_that_may_return().union(layer.id for layer in opening.arriving)
        for spec, data in zip(seen, data_for(seen, layers), strict=True):
            if data is not None and spec.id in wanted:
                self._session.store.show_preview(spec.id, data)
        if opening.before is self._session.project:
            self._session.do(AddLayers(layers=opening.arriving, crs=target, origin=origin_of(layers)))
        self._go_on()

    def _withdraw(self, opening: Opening) -> None:
        """Take back what is seen of a file that was not read to its end."""
        for layer_id in opening.layer_ids:
            self._session.store.show_preview(layer_id, None)
        if opening.arriving:
            came = frozenset(opening.layer_ids)
            opening.arriving, opening.layer_ids = (), ()
            if opening.before is None or not self._session.take_back(opening.before):
                self._session.do(RemoveLayers(layer_ids=came))

    # --- from data to layers ------------------------------------------------------------------------------------

    def _arrived(self, opening: Opening, result: ReadResult) -> None:
        seen = data_for(opening.arriving, result.layers)
        if opening.arriving and (None in seen or len(seen) != len(result.layers)):
            self._withdraw(opening)  # the whole has other layers than its beginning
        if opening.layer_ids:
            self._fill(opening, result)
        elif result.target is None:
            opening.phase, opening.unplaced = Phase.PENDING, result
        else:
            self._add_layers(opening, result.layers, result.sources, result.target)

    def _settle(self) -> None:
        """Decide about files without a reference system, as soon as it is known what the project's is."""
        unplaced = [opening for opening in self._openings if opening.phase is Phase.PENDING and opening.unplaced]
        rest = [opening for opening in self._openings if opening.phase in (Phase.PENDING, Phase.READING)]
        if not unplaced or (self._session.project.crs is None and len(rest) > len(unplaced)):
            return
        for opening in unplaced:
            crs = self._session.project.crs
            if (crs is None or crs.horizontal == LOCAL.horizontal) and opening.unplaced is not None:
                layers = tuple(without_place(layer) for layer in opening.unplaced.layers)
                self._add_layers(opening, layers, opening.unplaced.sources, LOCAL)
            else:
                opening.unplaced = None
                self._ask_where(opening, missing_crs(opening.path.name))

    def _ask_where(self, opening: Opening, error: MissingCrsError) -> None:
        crs = self._session.project.crs
        if self.on_needs_crs is None or crs is None:
            self._fail(opening, error)
        else:
            opening.phase = Phase.NEEDS_CRS
            self.on_needs_crs(opening, (crs,))

    def _add_layers(
        self,
        opening: Opening,
        layers: Sequence[LayerData],
        sources: Sequence[ReferenceSystem | None],
        target: ReferenceSystem,
    ) -> None:
        reader = opening.reader
        assert reader is not None
        ids = self._session.new_layer_ids(len(layers))
        specs = specs_of(layers, ids=ids, path=opening.path, reader=reader.id, sources=sources)
        for spec, data in zip(specs, layers, strict=True):
            self._session.store.put(spec.id, data)
            self._problems.add_diagnostics(spec.title, data.diagnostics, layer_id=spec.id)
        opening.layer_ids = tuple(spec.id for spec in specs)
        opening.phase = Phase.READY
        self._openings.remove(opening)
        self._session.do(AddLayers(layers=specs, crs=target, origin=origin_of(layers)))

    def _fill(self, opening: Opening, result: ReadResult) -> None:
        """Give the document's layers their data."""
        wanted = self._session.layers_that_may_return()
        missing = []
        specs = opening.waiting or opening.arriving
        for spec, data in zip(specs, data_for(specs, result.layers), strict=True):
            if data is None:
                missing.append(spec)
            elif spec.id in wanted:
                self._session.store.put(spec.id, data)
                self._problems.add_diagnostics(spec.title, data.diagnostics, layer_id=spec.id)
        opening.phase = Phase.READY
        self._openings.remove(opening)
        if self._session.project.crs is None and result.target is not None:
            self._session.amend(AddLayers(layers=(), crs=result.target, origin=origin_of(result.layers)))
        if missing:
            names_of_missing = ", ".join(f"“{spec.title}”" for spec in missing)
            lost = self._add(Opening(opening.path, waiting=tuple(missing)))
            self._fail(
                lost,
                ProjectError(
                    f"The file no longer holds what the project has from it: {names_of_missing}. It is kept in the "
                    "project.",
                    cure="Remove the layer, or restore the file.",
                    source=opening.path.name,
                ),
            )

    def _fail(self, opening: Opening, error: Exception) -> None:
        self._withdraw(opening)
        if isinstance(error, TwinViewerError):
            opening.problem = error
            self._problems.add_error(error)
        else:
            self._problems.add_bug(f"{type(error).__name__} while {opening.title} was read")
            opening.problem = ReadError(
                "Something in the program failed while the file was read.",
                cure="The log has the details to report.",
                source=opening.path.name,
            )
        opening.phase = Phase.FAILED

    # --- in step with the document ------------------------------------------------------------------------------

    def _follow(self, change: Change) -> None:
        if change.before.layers == change.after.layers:
            return
        known = {layer.id for layer in change.before.layers}
        present = {layer.id for layer in change.after.layers}
        for opening in self.openings:
            if opening.layer_ids and present.isdisjoint(opening.layer_ids):
                self.dismiss(opening)
        self._read_missing(layer for layer in change.after.layers if layer.id not in known)

    def _read_missing(self, layers: Iterable[LayerSpec]) -> None:
        """Read the data of those layers that have none; layers of one file together."""
        covered = {layer_id for opening in self._openings for layer_id in opening.layer_ids}
        files: dict[LayerSource, list[LayerSpec]] = {}
        for layer in layers:
            if layer.kind in KINDS and layer.id not in covered and self._session.store.get(layer.id) is None:
                files.setdefault(replace(layer.source, sublayer=""), []).append(layer)
        for source, specs in files.items():
            self._add(Opening(Path(source.path), waiting=tuple(specs)))
        if files:
            self._go_on()


class _Batch:
    """The files of one call of :meth:`Opener.open`."""

    def __init__(self, *, on_done: Callable[[tuple[LayerId, ...]], None]) -> None:
        self.on_done = on_done
        self.openings: list[Opening] = []
        self.layer_ids: list[LayerId] = []
        """Layers that came with a project."""


def _kind_unknown(kind: str) -> ProjectError:
    return ProjectError(
        f"Layers of the kind “{kind}” cannot be shown by this version; the layer is kept in the project.",
        cure="Update twinviewer.",
    )

"""The processes that read and write files, and what becomes of one that dies, hangs or is no longer wanted.

A native library that crashes on a damaged file takes its worker with it and nothing else: one error, and the next
file gets a new worker.
"""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from twinviewer import formats
from twinviewer.api.importing import CodeLocation
from twinviewer.app.scratch import Scratch
from twinviewer.app.worker_process import Worker
from twinviewer.app.worker_tasks import FunctionFailedError, Task, as_error, reading_of, wait_for_answer
from twinviewer.formats import exchange
from twinviewer.formats.previews import preview_files, remove_previews
from twinviewer.formats.request import (
    FunctionOfPlugin,
    Held,
    Placing,
    ReadRequest,
    WriteRequest,
    reference_system_from_json,
)
from twinviewer.formats.writing import diagnostics_from_json
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import TwinViewerError, WorkerDiedError, WriteError
from twinviewer.model.feedback import Cancelled, Feedback, PartOf
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import ReferenceSystem

_log = logging.getLogger(__name__)

SILENCE_LIMIT_S = 20.0
"""A worker that shows no sign of life for so long is ended; large files get a second more per 20 MB."""
_LOOK_EVERY_S = 0.05
_MEMORY_AT_LEAST = 4 * 2**30
_WARM_MODULES = (
    "twinviewer.formats.reading",
    "twinviewer.formats.placement",
    "twinviewer.formats.citygml",
    "twinviewer.formats.vector",
    "twinviewer.formats.las",
    "twinviewer.formats.cityjson",
    "twinviewer.formats.geotiff",
)
WARM_FUNCTIONS = (
    "twinviewer.formats.citygml.pieces:make_ready",
    "twinviewer.geometry.triangulation:make_ready",
    "twinviewer.geometry.validity:make_ready",
)
"""What is compiled: it takes half a minute of a processor, once on each computer, and a second from then on."""


_HANDED_OVER = FunctionOfPlugin(
    reference="handed_over:read",
    code=CodeLocation(package=formats.__name__, folder=str(Path(formats.__file__).parent)),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a worker delivered, checked."""

    layers: tuple[LayerData, ...]
    sources: tuple[ReferenceSystem | None, ...]
    """For each layer the system that it came in: the file's, the given one, or None."""
    target: ReferenceSystem | None
    """The system that the layers were placed in; None where they are as in the file."""


Keep = Callable[[dict[str, Any], Path], None]
OnPreview = Callable[[ReadResult], None]


class WorkerPool:
    """Workers that wait for files to read or write.  Safe from any thread; a call waits for a free worker's answer.

    Args:
        size: Most workers at once.
        silence_limit_s: See :data:`SILENCE_LIMIT_S`.
    """

    def __init__(self, *, size: int = 2, silence_limit_s: float = SILENCE_LIMIT_S) -> None:
        self.size = size
        self._silence_limit_s = silence_limit_s
        self._scratch = Scratch()
        self._changed = threading.Condition()
        self._is_warm = False
        self._idle: list[Worker] = []
        self._busy: set[Worker] = set()
        self._held: set[Worker] = set()
        """Each does one thing for one plugin."""
        self._closed = False

    def warm(self) -> None:
        """Start all workers and let them import, while nobody asks for anything, what reading needs."""
        with self._changed:
            self._is_warm = True
            while not self._closed and len(self._idle) + len(self._busy) < self.size:
                self._idle.append(self._new_worker())

    @property
    def process_ids(self) -> tuple[int, ...]:
        """The processes of all workers, for diagnosis and tests."""
        with self._changed:
            return tuple(worker.process.pid for worker in (*self._idle, *self._busy, *self._held))

    def read(
        self,
        request: ReadRequest,
        feedback: Feedback,
        *,
        keep: Keep | None = None,
        on_preview: OnPreview | None = None,
    ) -> ReadResult:
        """Have a file read.

        Args:
            request: Which, and how.
            feedback: Hears progress, and is asked whether to stop.
            keep: Takes what the worker delivered, once it is checked: its header, and the file of the arrays, which
                is then its own.
            on_preview: Gets what there is so far, now and then, on the thread that called; None: nobody looks.

        Raises:
            ReadError: The file gives nothing that can be shown, or its worker died (:class:`WorkerDiedError`).
            FunctionFailedError: The reader itself is at fault.
            Cancelled: The person stopped it; the worker was ended.
        """
        if request.reader.held is not None:
            return self._read_held(request, request.reader.held, feedback, keep, on_preview)
        files = self._scratch.new_files()

        def show(preview: dict[str, Any]) -> None:
            if on_preview is not None:
                on_preview(_result(preview, preview_files(files, int(preview["number"]))))

        try:
            message = {
                "request": request.to_json(),
                "files": [str(file) for file in files],
                "previews": on_preview is not None,
            }
            header = self._ask(message, Path(request.path), reading_of(Path(request.path)), feedback, show)
            return _result(header, files, keep)
        except (OSError, WorkerDiedError):
            if self._closed:  # closing took the worker, or what it had delivered
                raise Cancelled from None
            raise
        except TwinViewerError as error:
            error.source = error.source or Path(request.path).name
            raise
        finally:
            for file in files:
                file.unlink(missing_ok=True)
            remove_previews(files)

    def write(self, request: WriteRequest, layers: Sequence[LayerData], feedback: Feedback) -> tuple[Diagnostic, ...]:
        """Have layers written into a new file; return what is to be told of it.

        Raises:
            WriteError: The disk, the data or the end of the worker did not let it be written.
            FunctionFailedError: The writer itself is at fault.
            PluginError: It did not keep its contract.
            Cancelled: The person stopped it; the worker was ended.
        """
        files = self._scratch.new_files()
        path = Path(request.path)
        try:
            header = exchange.write(layers, files)
            message = {"request": request.to_json(), "layers": header, "files": [str(file) for file in files]}
            task = Task(name=path.name, size=int(header["size"]), writes=True)
            return diagnostics_from_json(self._ask(message, path, task, feedback))
        except (OSError, WriteError):
            if self._closed:
                raise Cancelled from None
            raise
        finally:
            for file in files:
                file.unlink(missing_ok=True)

    def probe(self, path: Path, probes: Sequence[FunctionOfPlugin], feedback: Feedback) -> list[float]:
        """Return how sure each of ``probes`` is that the file is its own.

        Raises:
            WorkerDiedError: Already looking at the file ended the worker.
            FunctionFailedError: A probe is at fault.
            Cancelled: The person stopped it.
        """
        trusted = [asdict(probe) for probe in probes if probe.held is None]
        scores = iter(self._ask({"probes": trusted}, path, reading_of(path), feedback) if trusted else ())
        return [
            next(scores) if probe.held is None else self._probe_held(path, probe, probe.held, feedback)
            for probe in probes
        ]

    def close(self) -> None:
        """End all workers; calls that still wait for one raise ``Cancelled``."""
        with self._changed:
            self._closed = True
            workers = [*self._idle, *self._busy, *self._held]
            self._idle.clear()
            self._changed.notify_all()
        for worker in workers:
            worker.end()
        self._scratch.remove()

    def _ask(
        self,
        message: dict[str, Any],
        path: Path,
        task: Task,
        feedback: Feedback,
        show: Callable[[dict[str, Any]], None] = lambda preview: None,
    ) -> Any:
        limit = _memory_limit(task.size)
        silence_limit_s = self._silence_limit_s + task.size / 20e6
        worker = self._take(feedback)
        healthy = False
        try:
            worker.send({**message, "path": str(path), "memory_limit": limit, "silence_limit_s": silence_limit_s})
            answer = wait_for_answer(worker, feedback, task, silence_limit_s, show)
            healthy = "done" in answer or "error" in answer
        finally:
            self._give_back(worker, healthy=healthy)
        if "done" in answer:
            return answer["done"]
        raise as_error(answer, task, limit)

    # --- functions of plugins that are not trusted --------------------------------------------------------------------

    def _read_held(
        self,
        request: ReadRequest,
        held: Held,
        feedback: Feedback,
        keep: Keep | None = None,
        on_preview: OnPreview | None = None,
    ) -> ReadResult:
        """Have a file read in a process that is held to what the plugin may do, and the layers placed in another."""
        path = Path(request.path)
        folders = self._scratch.new_folders()
        files = [folder / "layers" for folder in folders]
        share = 1.0 if request.placing is Placing.AS_IN_FILE else 0.8
        as_in_file = replace(request, placing=Placing.AS_IN_FILE)
        message = {
            "request": as_in_file.to_json(),
            "files": [str(file) for file in files],
            "path": request.path,
            "previews": on_preview is not None,
        }

        def placed(
            header: dict[str, Any], files: Sequence[Path], feedback: Feedback, keep: Keep | None = None
        ) -> ReadResult:
            options = {"header": header, "files": [str(file) for file in files]}
            return self.read(replace(request, reader=_HANDED_OVER, options=options), feedback, keep=keep)

        def show(preview: dict[str, Any]) -> None:
            nonlocal request
            if on_preview is None:
                return
            result = placed(preview, preview_files(files, int(preview["number"])), PartOf(feedback, 0.0, 0.0))
            if result.target is not None:
                request = replace(request, placing=Placing.IN_PROJECT, target=result.target)  # and so is the rest
                on_preview(result)

        def keep_both(header: dict[str, Any], arrays: Path) -> None:
            assert keep is not None
            keep({**header, "used": {**header["used"], **as_read["used"]}}, arrays)

        try:
            as_read = self._ask_held(
                message,
                request.reader,
                held,
                reading_of(path),
                PartOf(feedback, 0.0, share),
                readable=_beside(path),
                writable=folders,
                show=show,
            )
            return placed(as_read, files, PartOf(feedback, share, 1.0), keep_both if keep else None)
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)

    def _probe_held(self, path: Path, probe: FunctionOfPlugin, held: Held, feedback: Feedback) -> float:
        folders = self._scratch.new_folders()
        try:
            (score,) = self._ask_held(
                {"probes": [asdict(probe)], "path": str(path)},
                probe,
                held,
                reading_of(path),
                feedback,
                readable=_beside(path),
                writable=folders,
            )
        except (FunctionFailedError, TwinViewerError) as error:
            _log.warning("A probe of %s failed on %s: %s", held.plugin_name, path.name, error)
            return 0.0  # another reader may know the file
        finally:
            for folder in folders:
                shutil.rmtree(folder, ignore_errors=True)
        return float(score)

    def _ask_held(
        self,
        message: dict[str, Any],
        function: FunctionOfPlugin,
        held: Held,
        task: Task,
        feedback: Feedback,
        *,
        writable: Sequence[Path],
        readable: Sequence[Path] = (),
        show: Callable[[dict[str, Any]], None] = lambda preview: None,
    ) -> Any:
        limit = _memory_limit(task.size)
        silence_limit_s = self._silence_limit_s + task.size / 20e6
        feedback.stop_if_cancelled()
        worker = Worker(held=held)
        try:
            with self._changed:
                if self._closed:
                    raise Cancelled
                self._held.add(worker)
            worker.send(
                {
                    "granted": asdict(held.granted),
                    "plugin_folder": function.code.folder,
                    "readable": [str(each) for each in readable],
                    "writable": [str(each) for each in (*reversed(writable), held.data_folder)],
                }
            )
            worker.send({**message, "memory_limit": limit, "silence_limit_s": silence_limit_s})
            answer = wait_for_answer(worker, feedback, task, silence_limit_s, show)
        finally:
            worker.end()
            with self._changed:
                self._held.discard(worker)
        for refusal in answer.get("refused", ()):
            _log.warning("%s: %s", held.plugin_name, refusal)
        if "done" in answer:
            return answer["done"]
        raise as_error(answer, task, limit)

    # --- workers ------------------------------------------------------------------------------------------------------

    def _take(self, feedback: Feedback) -> Worker:
        """Return an idle worker, or a new one, or wait for one."""
        with self._changed:
            while not self._closed:
                while self._idle:
                    worker = self._idle.pop(0)
                    if worker.is_alive:
                        self._busy.add(worker)
                        return worker
                    worker.end()
                if len(self._busy) < self.size:
                    worker = self._new_worker()
                    self._busy.add(worker)
                    return worker
                self._changed.wait(_LOOK_EVERY_S)
                feedback.stop_if_cancelled()
        raise Cancelled

    def _give_back(self, worker: Worker, *, healthy: bool) -> None:
        """Let the next one have the worker; one that is not well is ended and a new one started in its place."""
        if not healthy:
            worker.end()
        with self._changed:
            self._busy.discard(worker)
            if not self._closed:
                self._idle.append(worker if healthy else self._new_worker())
            elif healthy:
                worker.end()
            self._changed.notify()

    def _new_worker(self) -> Worker:
        worker = Worker()
        if self._is_warm:
            worker.send({"import": _WARM_MODULES, "call": WARM_FUNCTIONS})
        return worker


def _result(header: dict[str, Any], files: Sequence[Path], keep: Keep | None = None) -> ReadResult:
    kept = None if keep is None else Path(header["file"]).with_suffix(".kept")
    result = ReadResult(
        layers=tuple(exchange.read(header, files, keep_as=kept)),
        sources=tuple(reference_system_from_json(source) for source in header["sources"]),
        target=reference_system_from_json(header["target"]),
    )
    if keep is not None and kept is not None:
        keep(header, kept)
    return result


def _beside(path: Path) -> list[Path]:
    """Return what a plugin may read to read a file: its folder, or of a folder full of other things its namesakes."""
    folder = path.resolve().parent
    too_wide = [Path(place).resolve() for place in (os.path.expanduser("~"), tempfile.gettempdir())]  # noqa: PTH111
    if any(each.is_relative_to(folder) for each in too_wide):
        return [path, *(each for each in folder.iterdir() if each.name.startswith(f"{path.stem}."))]
    return [folder]


def _memory_limit(file_size: int) -> int:
    """Return the address space for one file, in bytes: six times its size, at least 4 GiB, at most 3/4 of memory."""
    return int(max(_MEMORY_AT_LEAST, min(6 * file_size + 2**30, 0.75 * psutil.virtual_memory().total)))

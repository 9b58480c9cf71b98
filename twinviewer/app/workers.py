"""The processes that read and write files, and what becomes of one that dies, hangs or is no longer wanted.

A native library that crashes on a damaged file takes its worker with it and nothing else: one error, and the next
file gets a new worker.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import psutil

from twinviewer import formats
from twinviewer.api.importing import CodeLocation
from twinviewer.app.scratch import Scratch
from twinviewer.app.spawning import end_in_words
from twinviewer.app.worker_process import Worker
from twinviewer.formats import exchange
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
from twinviewer.model.errors import ReadError, TwinViewerError, WorkerDiedError, WriteError, error_class
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


_HANDED_OVER = FunctionOfPlugin(
    reference="handed_over:read",
    code=CodeLocation(package=formats.__name__, folder=str(Path(formats.__file__).parent)),
)


Keep = Callable[[dict[str, Any], Path], None]


class FunctionFailedError(Exception):
    """A reader or writer raised what its contract does not allow; the text is for the log, not for people."""

    def __init__(self, summary: str, details: str) -> None:
        super().__init__(summary)
        self.details = details


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadResult:
    """What a worker delivered, checked."""

    layers: tuple[LayerData, ...]
    sources: tuple[ReferenceSystem | None, ...]
    """For each layer the system that it came in: the file's, the given one, or None."""
    target: ReferenceSystem | None
    """The system that the layers were placed in; None where they are as in the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Task:
    """What a worker is asked to do with a file, and how its end is told."""

    name: str
    """Of the file."""
    size: int
    """Bytes that it has to go through."""
    writes: bool = False

    def died(self, how: str) -> WorkerDiedError | WriteError:
        """Return the error for a worker that ended, or was ended, over it."""
        if self.writes:
            return WriteError(
                f"The process that wrote {self.name} {how}; what was there before is intact.",
                cure="Try another format, or fewer layers; the log has the details.",
                source=self.name,
            )
        return WorkerDiedError(
            f"The process that read {self.name} {how}; nothing else was touched.",
            cure="The file is probably damaged; get it again from where it came from.",
            source=self.name,
        )

    def needs_more(self, memory_limit: int) -> WorkerDiedError | WriteError:
        """Return the error for a file that would take more memory than it may."""
        doing, error = ("Writing", WriteError) if self.writes else ("Reading", WorkerDiedError)
        return error(
            f"{doing} {self.name} needs more memory than the {memory_limit / 2**30:.0f} GiB that one file may use.",
            cure="Write it in parts."
            if self.writes
            else "Cut the file into smaller ones; if it is small, it is damaged.",
            source=self.name,
        )


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

    def read(self, request: ReadRequest, feedback: Feedback, *, keep: Keep | None = None) -> ReadResult:
        """Have a file read.

        Args:
            request: Which, and how.
            feedback: Hears progress, and is asked whether to stop.
            keep: Takes what the worker delivered, once it is checked: its header, and the file of the arrays, which
                is then its own.

        Raises:
            ReadError: The file gives nothing that can be shown, or its worker died (:class:`WorkerDiedError`).
            FunctionFailedError: The reader itself is at fault.
            Cancelled: The person stopped it; the worker was ended.
        """
        if request.reader.held is not None:
            return self._read_held(request, request.reader.held, feedback, keep)
        files = self._scratch.new_files()
        try:
            message = {"request": request.to_json(), "files": [str(file) for file in files]}
            header = self._ask(message, Path(request.path), _reading(Path(request.path)), feedback)
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
            task = _Task(name=path.name, size=int(header["size"]), writes=True)
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
        scores = iter(self._ask({"probes": trusted}, path, _reading(path), feedback) if trusted else ())
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

    def _ask(self, message: dict[str, Any], path: Path, task: _Task, feedback: Feedback) -> Any:
        limit = _memory_limit(task.size)
        silence_limit_s = self._silence_limit_s + task.size / 20e6
        worker = self._take(feedback)
        healthy = False
        try:
            worker.send({**message, "path": str(path), "memory_limit": limit, "silence_limit_s": silence_limit_s})
            answer = _wait(worker, feedback, task, silence_limit_s)
            healthy = "done" in answer or "error" in answer
        finally:
            self._give_back(worker, healthy=healthy)
        if "done" in answer:
            return answer["done"]
        raise _as_error(answer, task, limit)

    # --- functions of plugins that are not trusted --------------------------------------------------------------------

    def _read_held(self, request: ReadRequest, held: Held, feedback: Feedback, keep: Keep | None = None) -> ReadResult:
        """Have a file read in a process that is held to what the plugin may do, and the layers placed in another."""
        path = Path(request.path)
        folders = self._scratch.new_folders()
        files = [str(folder / "layers") for folder in folders]
        share = 1.0 if request.placing is Placing.AS_IN_FILE else 0.8
        as_in_file = replace(request, placing=Placing.AS_IN_FILE)
        message = {"request": as_in_file.to_json(), "files": files, "path": request.path}
        try:
            header = self._ask_held(
                message,
                request.reader,
                held,
                _reading(path),
                PartOf(feedback, 0.0, share),
                readable=_beside(path),
                writable=folders,
            )
            handed_over = replace(request, reader=_HANDED_OVER, options={"header": header, "files": files})

            def keep_both(placed: dict[str, Any], arrays: Path) -> None:
                assert keep is not None
                keep({**placed, "used": {**placed["used"], **header["used"]}}, arrays)

            return self.read(handed_over, PartOf(feedback, share, 1.0), keep=keep_both if keep else None)
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
                _reading(path),
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
        task: _Task,
        feedback: Feedback,
        *,
        writable: Sequence[Path],
        readable: Sequence[Path] = (),
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
            answer = _wait(worker, feedback, task, silence_limit_s)
        finally:
            worker.end()
            with self._changed:
                self._held.discard(worker)
        for refusal in answer.get("refused", ()):
            _log.warning("%s: %s", held.plugin_name, refusal)
        if "done" in answer:
            return answer["done"]
        raise _as_error(answer, task, limit)

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
            worker.send({"import": _WARM_MODULES})
        return worker


def _wait(worker: Worker, feedback: Feedback, task: _Task, silence_limit_s: float) -> dict[str, Any]:
    """Return the worker's answer.

    Raises:
        WorkerDiedError: It died while it read, or showed no sign of life for too long.
        WriteError: The same while it wrote.
        Cancelled: The person stopped the work.
    """
    heard_at = time.monotonic()
    while True:
        feedback.stop_if_cancelled()
        try:
            message = worker.answers.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            if not worker.is_alive:  # not only the end of its pipe: a child that it left behind may hold that open
                raise _death(worker, task) from None
            if time.monotonic() - heard_at > silence_limit_s:
                raise task.died("stopped answering and was ended") from None
            continue
        heard_at = time.monotonic()
        if message is None:
            raise _death(worker, task)
        if "progress" in message:
            feedback.progress(float(message["progress"]), str(message["text"]))
        elif "ready" not in message and "alive" not in message:
            return message


def _result(header: dict[str, Any], files: Sequence[Path], keep: Keep | None) -> ReadResult:
    kept = None if keep is None else Path(header["file"]).with_suffix(".kept")
    result = ReadResult(
        layers=tuple(exchange.read(header, files, keep_as=kept)),
        sources=tuple(reference_system_from_json(source) for source in header["sources"]),
        target=reference_system_from_json(header["target"]),
    )
    if keep is not None and kept is not None:
        keep(header, kept)
    return result


def _death(worker: Worker, task: _Task) -> WorkerDiedError | WriteError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.process.wait(1.0)
    worker.end()  # where its pipe ended or made no sense, and it did not
    how = end_in_words(worker.process.returncode)
    _log.warning("Worker %s %s over %s.\n%s", worker.process.pid, how, task.name, worker.last_words)
    return task.died(how)


def _as_error(answer: dict[str, Any], task: _Task, memory_limit: int) -> Exception:
    if "error" in answer:
        source = answer["source"] or task.name
        cls = error_class(answer["error"], default=ReadError)
        return cls(answer["problem"], cure=answer["cure"], source=source)
    if "out_of_memory" in answer:
        return task.needs_more(memory_limit)
    _log.error("The %s failed on %s.\n%s", "writer" if task.writes else "reader", task.name, answer["traceback"])
    failed = FunctionFailedError(answer["failed"], answer["traceback"])
    failed.add_note(answer["traceback"])
    return failed


def _reading(path: Path) -> _Task:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # the reader says what is wrong with it
    return _Task(name=path.name, size=size)


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

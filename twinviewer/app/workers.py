"""The processes that read foreign files, and what becomes of one that dies, hangs or is no longer wanted.

A native library that crashes on a damaged file takes its worker with it and nothing else: one error, and the next
file gets a new worker.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from twinviewer.app.scratch import Scratch
from twinviewer.app.spawning import spawn
from twinviewer.formats import exchange
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest, reference_system_from_json
from twinviewer.formats.worker import receive, send
from twinviewer.model.errors import ReadError, TwinViewerError, WorkerDiedError
from twinviewer.model.feedback import Cancelled, Feedback
from twinviewer.model.layer_data import LayerData
from twinviewer.model.place import ReferenceSystem

_log = logging.getLogger(__name__)

SILENCE_LIMIT_S = 20.0
"""A worker that shows no sign of life for so long is ended; large files get a second more per 20 MB."""
_LOOK_EVERY_S = 0.05
_LAST_WORDS = 4000
"""Characters of what a worker printed that the log gets when it dies."""
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


class ReaderFailedError(Exception):
    """A reader raised something that its contract does not allow; the text is for the log, not for people."""

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


class ReaderPool:
    """Workers that wait for files.  Safe from any thread; a call waits for a free worker and for its answer.

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
        self._idle: list[_Worker] = []
        self._busy: set[_Worker] = set()
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
            return tuple(worker.process.pid for worker in (*self._idle, *self._busy))

    def read(self, request: ReadRequest, feedback: Feedback) -> ReadResult:
        """Have a file read.

        Raises:
            ReadError: The file gives nothing that can be shown, or its worker died (:class:`WorkerDiedError`).
            ReaderFailedError: The reader itself is at fault.
            Cancelled: The person stopped it; the worker was ended.
        """
        files = self._scratch.new_files()
        try:
            header = self._ask(
                {"request": request.to_json(), "files": [str(file) for file in files]}, request, feedback
            )
            layers = tuple(exchange.read(header, files))
            return ReadResult(
                layers=layers,
                sources=tuple(reference_system_from_json(source) for source in header["sources"]),
                target=reference_system_from_json(header["target"]),
            )
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

    def probe(self, path: Path, probes: Sequence[FunctionOfPlugin], feedback: Feedback) -> list[float]:
        """Return how sure each of ``probes`` is that the file is its own.

        Raises:
            WorkerDiedError: Already looking at the file ended the worker.
            ReaderFailedError: A probe is at fault.
            Cancelled: The person stopped it.
        """
        asked = ReadRequest(reader=probes[0], path=str(path))
        scores: list[float] = self._ask({"probes": [asdict(probe) for probe in probes]}, asked, feedback)
        return scores

    def close(self) -> None:
        """End all workers; calls that still wait for one raise ``Cancelled``."""
        with self._changed:
            self._closed = True
            workers = [*self._idle, *self._busy]
            self._idle.clear()
            self._changed.notify_all()
        for worker in workers:
            worker.end()
        self._scratch.remove()

    def _ask(self, message: dict[str, Any], request: ReadRequest, feedback: Feedback) -> Any:
        path = Path(request.path)
        size = _size_of(path)
        limit = _memory_limit(size)
        silence_limit_s = self._silence_limit_s + size / 20e6
        worker = self._take(feedback)
        healthy = False
        try:
            worker.send({**message, "path": request.path, "memory_limit": limit, "silence_limit_s": silence_limit_s})
            answer = _wait(worker, feedback, path.name, silence_limit_s)
            healthy = "done" in answer or "error" in answer
        finally:
            self._give_back(worker, healthy=healthy)
        if "done" in answer:
            return answer["done"]
        raise _as_error(answer, path.name, limit)

    def _take(self, feedback: Feedback) -> _Worker:
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

    def _give_back(self, worker: _Worker, *, healthy: bool) -> None:
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

    def _new_worker(self) -> _Worker:
        worker = _Worker()
        if self._is_warm:
            worker.send({"import": _WARM_MODULES})
        return worker


class _Worker:
    """One process and the two threads that listen to it."""

    def __init__(self) -> None:
        self.process = spawn("twinviewer.formats.worker")
        self.answers: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()
        """Frames; None at the end of the process."""
        self.last_words = ""
        """The end of what it printed."""
        for listen, stream in ((self._hear_answers, self.process.stdout), (self._hear_words, self.process.stderr)):
            threading.Thread(target=listen, args=(stream,), name=f"worker {self.process.pid}", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return self.process.poll() is None

    def send(self, message: dict[str, Any]) -> None:
        """Send a request; to a process that has ended, it goes nowhere, and its end is told as an answer."""
        assert self.process.stdin is not None
        with contextlib.suppress(BrokenPipeError, OSError):
            send(self.process.stdin, message)  # type: ignore[arg-type]

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            if stream is self.process.stdin and stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()

    def _hear_answers(self, stream: IO[bytes]) -> None:
        with stream, contextlib.suppress(OSError, ValueError, RecursionError):  # what is no frame is the end
            while (message := receive(stream)) is not None:  # type: ignore[arg-type]
                self.answers.put(message)
        self.answers.put(None)

    def _hear_words(self, stream: IO[bytes]) -> None:
        with stream:
            # In pieces, not lines: a library that prints without end must not cost the viewer memory or time.
            while piece := stream.read1(65536):  # type: ignore[attr-defined]
                words = piece.decode("utf-8", "replace")
                self.last_words = (self.last_words + words)[-_LAST_WORDS:]
                _log.debug("worker %s: %s", self.process.pid, words.rstrip())


def _wait(worker: _Worker, feedback: Feedback, name: str, silence_limit_s: float) -> dict[str, Any]:
    """Return the worker's answer.

    Raises:
        WorkerDiedError: It died, or showed no sign of life for too long.
        Cancelled: The person stopped the work.
    """
    heard_at = time.monotonic()
    while True:
        feedback.stop_if_cancelled()
        try:
            message = worker.answers.get(timeout=_LOOK_EVERY_S)
        except queue.Empty:
            if not worker.is_alive:  # not only the end of its pipe: a child that it left behind may hold that open
                raise _death(worker, name) from None
            if time.monotonic() - heard_at > silence_limit_s:
                raise WorkerDiedError(
                    f"The process that read {name} stopped answering and was ended; nothing else was touched.",
                    cure="The file is probably damaged; get it again from where it came from.",
                    source=name,
                ) from None
            continue
        heard_at = time.monotonic()
        if message is None:
            raise _death(worker, name)
        if "progress" in message:
            feedback.progress(float(message["progress"]), str(message["text"]))
        elif "ready" not in message and "alive" not in message:
            return message


def _death(worker: _Worker, name: str) -> WorkerDiedError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.process.wait(1.0)
    worker.end()  # where its pipe ended or made no sense, and it did not
    status = worker.process.returncode
    if status < 0:
        how = f"crashed ({signal.Signals(-status).name})" if -status in list(signal.Signals) else "crashed"
    else:
        how = f"ended unexpectedly (exit status {status})"
    _log.warning("Worker %s %s while it read %s.\n%s", worker.process.pid, how, name, worker.last_words)
    return WorkerDiedError(
        f"The process that read {name} {how}; nothing else was touched.",
        cure="The file is probably damaged; get it again from where it came from.",
        source=name,
    )


def _as_error(answer: dict[str, Any], name: str, memory_limit: int) -> Exception:
    if "error" in answer:
        return _error_class(answer["error"])(answer["problem"], cure=answer["cure"], source=answer["source"] or name)
    if "out_of_memory" in answer:
        return WorkerDiedError(
            f"Reading {name} needs more memory than the {memory_limit / 2**30:.0f} GiB that one file may use.",
            cure="Cut the file into smaller ones; if it is small, it is damaged.",
            source=name,
        )
    _log.error("The reader failed on %s.\n%s", name, answer["traceback"])
    failed = ReaderFailedError(answer["failed"], answer["traceback"])
    failed.add_note(answer["traceback"])
    return failed


def _error_class(code: str) -> type[TwinViewerError]:
    """Return the class whose ``code`` it is."""
    pending: list[type[TwinViewerError]] = [TwinViewerError]
    while pending:
        candidate = pending.pop()
        if candidate.__dict__.get("code") == code:
            return candidate
        pending.extend(candidate.__subclasses__())
    return ReadError


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0  # the reader says what is wrong with it


def _memory_limit(file_size: int) -> int:
    """Return the address space for one file, in bytes: six times its size, at least 4 GiB, at most 3/4 of memory."""
    return int(max(_MEMORY_AT_LEAST, min(6 * file_size + 2**30, 0.75 * psutil.virtual_memory().total)))

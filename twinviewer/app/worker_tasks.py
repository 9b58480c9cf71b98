"""What a worker is asked to do with a file, the wait for its answer, and what becomes of one that gives none."""

from __future__ import annotations

import contextlib
import logging
import queue
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from twinviewer.app.spawning import end_in_words
from twinviewer.app.worker_process import Worker
from twinviewer.model.errors import ReadError, TwinViewerError, WorkerDiedError, WriteError, error_class
from twinviewer.model.feedback import Feedback

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 0.05


class FunctionFailedError(Exception):
    """A reader or writer raised what its contract does not allow; the text is for the log, not for people."""

    def __init__(self, summary: str, details: str) -> None:
        super().__init__(summary)
        self.details = details


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
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


def wait_for_answer(
    worker: Worker,
    feedback: Feedback,
    task: Task,
    silence_limit_s: float,
    show: Callable[[dict[str, Any]], None] = lambda preview: None,
) -> dict[str, Any]:
    """Return the worker's answer; ``show`` gets the headers of previews before it.

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
        elif "preview" in message:
            _show(show, message["preview"], task)
        elif "ready" not in message and "alive" not in message:
            return message


def _show(show: Callable[[dict[str, Any]], None], preview: dict[str, Any], task: Task) -> None:
    try:
        show(preview)
    except (TwinViewerError, FunctionFailedError, OSError, LookupError, TypeError, ValueError) as error:
        _log.warning("A preview of %s cannot be shown: %s", task.name, error)  # the whole says what is wrong


def _death(worker: Worker, task: Task) -> WorkerDiedError | WriteError:
    with contextlib.suppress(subprocess.TimeoutExpired):
        worker.process.wait(1.0)
    worker.end()  # where its pipe ended or made no sense, and it did not
    how = end_in_words(worker.process.returncode)
    _log.warning("Worker %s %s over %s.\n%s", worker.process.pid, how, task.name, worker.last_words)
    return task.died(how)


def as_error(answer: dict[str, Any], task: Task, memory_limit: int) -> Exception:
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


def reading_of(path: Path) -> Task:
    try:
        size = path.stat().st_size
    except OSError:
        size = 0  # the reader says what is wrong with it
    return Task(name=path.name, size=size)

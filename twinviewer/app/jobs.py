"""Work that takes a while: pure functions ``(feedback) → value`` on threads, and how their results come home.

A job starts and ends on the thread that owns the session: its callbacks are always called there, never from the job's
own.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from twinviewer.model.errors import TwinViewerError
from twinviewer.model.feedback import Cancelled, Feedback, Silent

_log = logging.getLogger(__name__)
T = TypeVar("T")


class JobState(StrEnum):
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One piece of work as the person sees it.  Reading it is safe from any thread."""

    _numbers = itertools.count(1)

    def __init__(self, title: str) -> None:
        self.id = next(self._numbers)
        self.title = title
        self.progress = 0.0
        """0 to 1."""
        self.text = ""
        """What is being done at the moment; may be empty."""
        self.state = JobState.RUNNING
        self._cancelled = threading.Event()

    @property
    def cancel_asked(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """Ask the job to stop; it does so at its next look, at most about 100 ms later."""
        self._cancelled.set()


class _JobFeedback(Silent):
    """What the job's function hears of and tells to its :class:`Job`."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def progress(self, fraction: float, text: str = "") -> None:
        self._job.progress = min(1.0, max(0.0, fraction))
        self._job.text = text or self._job.text

    def stop_if_cancelled(self) -> None:
        if self._job.cancel_asked:
            raise Cancelled


class JobRunner:
    """Runs each job on a thread of its own, and says how it ended.

    Args:
        deliver: Takes a function from any thread and calls it on the owning thread soon: a queued Qt call in the
            window, :meth:`CallQueue.put` in scripts.
    """

    def __init__(self, deliver: Callable[[Callable[[], None]], None]) -> None:
        self.deliver = deliver
        self._jobs: list[Job] = []
        self._threads: dict[int, threading.Thread] = {}
        self._listeners: list[Callable[[], None]] = []

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that are running, oldest first."""
        return tuple(self._jobs)

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` on the owning thread whenever a job starts or ends."""
        self._listeners.append(listener)

    def start(
        self,
        title: str,
        function: Callable[[Feedback], T],
        *,
        on_done: Callable[[T], None],
        on_error: Callable[[Exception], None],
        on_cancelled: Callable[[], None] | None = None,
    ) -> Job:
        """Run ``function``; exactly one of the callbacks follows.

        ``on_error`` gets a :class:`TwinViewerError` for what a person can cause or cure, any other exception for a
        bug, which the log then has in full.
        """
        job = Job(title)

        def run() -> None:
            end = self._work(job, function, on_done, on_error, on_cancelled)
            self._threads.pop(job.id, None)
            self.deliver(end)

        self._jobs.append(job)
        self._tell()
        thread = threading.Thread(target=run, name=f"job {job.id}", daemon=True)
        self._threads[job.id] = thread
        thread.start()
        return job

    def close(self, *, timeout_s: float = 2.0) -> None:
        """Cancel all jobs and wait for their threads, no longer than ``timeout_s`` in all."""
        for job in self.jobs:
            job.cancel()
        deadline = time.monotonic() + timeout_s
        for thread in tuple(self._threads.values()):
            thread.join(max(0.0, deadline - time.monotonic()))

    def _work(
        self,
        job: Job,
        function: Callable[[Feedback], T],
        on_done: Callable[[T], None],
        on_error: Callable[[Exception], None],
        on_cancelled: Callable[[], None] | None,
    ) -> Callable[[], None]:
        """Run the function; return what is to be called on the owning thread."""
        try:
            value = function(_JobFeedback(job))
        except Cancelled:
            return lambda: self._end(job, JobState.CANCELLED, on_cancelled)
        except BaseException as error:  # noqa: BLE001 – told to whoever started the job; a Rust panic is no Exception
            failure = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
            if not isinstance(error, TwinViewerError):
                _log.exception("The job “%s” failed.", job.title)
            return lambda: self._end(job, JobState.FAILED, lambda: on_error(failure))
        if job.cancel_asked:  # too late to stop, early enough not to show what nobody wants any more
            return lambda: self._end(job, JobState.CANCELLED, on_cancelled)
        return lambda: self._end(job, JobState.DONE, lambda: on_done(value))

    def _end(self, job: Job, state: JobState, callback: Callable[[], None] | None) -> None:
        job.state = state
        self._jobs.remove(job)
        self._tell()
        if callback is not None:
            callback()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()


class CallQueue:
    """The owning thread of scripts and of the command line: where results wait until :meth:`run_until` takes them."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()

    def put(self, call: Callable[[], None]) -> None:
        """Have ``call`` run by the owning thread.  Safe from any thread."""
        self._calls.put(call)

    def run_until(self, finished: Callable[[], bool]) -> None:
        """Run what arrives until ``finished()`` is true."""
        while not finished():
            try:
                call = self._calls.get(timeout=0.1)  # not for ever: Ctrl+C must get through on every system
            except queue.Empty:
                continue
            call()

"""Work that takes a while: pure functions ``(feedback) → value``, and who runs them.

A job is run by a :class:`JobRunner`.  The one of the window and of scripts uses threads and hands results to the
thread that owns the session; :class:`InlineJobRunner` runs at once, for tests.  Callbacks are always called on the
owning thread, never from the job's own.
"""

from __future__ import annotations

import itertools
import logging
import queue
import threading
import time
from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeVar

from twinviewer.model.errors import TwinViewerError
from twinviewer.model.feedback import Cancelled, Feedback

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


class _JobFeedback:
    """What the job's function hears of and tells to its :class:`Job`."""

    def __init__(self, job: Job) -> None:
        self._job = job

    def progress(self, fraction: float, text: str = "") -> None:
        self._job.progress = min(1.0, max(0.0, fraction))
        self._job.text = text or self._job.text

    def stop_if_cancelled(self) -> None:
        if self._job.cancel_asked:
            raise Cancelled


class JobRunner(Protocol):
    """Runs jobs and says how they ended."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The jobs that are running, oldest first."""

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` on the owning thread whenever a job starts or ends."""

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


class _Runner:
    """What the runners share: the list of jobs, and from a function's end to the right callback."""

    def __init__(self) -> None:
        self._jobs: list[Job] = []
        self._listeners: list[Callable[[], None]] = []

    @property
    def jobs(self) -> tuple[Job, ...]:
        return tuple(self._jobs)

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def _begin(self, title: str) -> Job:
        job = Job(title)
        self._jobs.append(job)
        self._tell()
        return job

    def _end(self, job: Job, state: JobState, callback: Callable[[], None] | None) -> None:
        job.state = state
        self._jobs.remove(job)
        self._tell()
        if callback is not None:
            callback()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

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
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # noqa: BLE001 – told to whoever started the job; a Rust panic is no Exception
            failure = error if isinstance(error, Exception) else RuntimeError(f"{type(error).__name__}: {error}")
            if not isinstance(error, TwinViewerError):
                _log.exception("The job “%s” failed.", job.title)
            return lambda: self._end(job, JobState.FAILED, lambda: on_error(failure))
        if job.cancel_asked:  # too late to stop, early enough not to show what nobody wants any more
            return lambda: self._end(job, JobState.CANCELLED, on_cancelled)
        return lambda: self._end(job, JobState.DONE, lambda: on_done(value))


class InlineJobRunner(_Runner):
    """Runs each job at once, on the caller's thread."""

    def start(
        self,
        title: str,
        function: Callable[[Feedback], T],
        *,
        on_done: Callable[[T], None],
        on_error: Callable[[Exception], None],
        on_cancelled: Callable[[], None] | None = None,
    ) -> Job:
        job = self._begin(title)
        self._work(job, function, on_done, on_error, on_cancelled)()
        return job


class ThreadJobRunner(_Runner):
    """Runs each job on a thread of its own.

    Args:
        deliver: Takes a function from any thread and calls it on the owning thread soon: a queued Qt call in the
            window, :meth:`CallQueue.put` in scripts.
    """

    def __init__(self, deliver: Callable[[Callable[[], None]], None]) -> None:
        super().__init__()
        self._deliver = deliver
        self._threads: dict[int, threading.Thread] = {}

    def start(
        self,
        title: str,
        function: Callable[[Feedback], T],
        *,
        on_done: Callable[[T], None],
        on_error: Callable[[Exception], None],
        on_cancelled: Callable[[], None] | None = None,
    ) -> Job:
        job = self._begin(title)

        def run() -> None:
            end = self._work(job, function, on_done, on_error, on_cancelled)
            self._threads.pop(job.id, None)
            self._deliver(end)

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

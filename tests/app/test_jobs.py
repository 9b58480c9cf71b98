from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from twinviewer.app.jobs import CallQueue, Job, JobRunner, JobState
from twinviewer.model.errors import DamagedFileError
from twinviewer.model.feedback import Cancelled, Feedback

PATIENCE_S = 20.0


class Ends:
    """What became of a job, and on which thread that was told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.threads: set[int] = set()

    def callbacks(self) -> dict[str, Callable[..., None]]:
        return {
            "on_done": lambda value: self._tell("done", value),
            "on_error": lambda error: self._tell("error", error),
            "on_cancelled": lambda: self._tell("cancelled", None),
        }

    def _tell(self, how: str, value: Any) -> None:
        self.told.append((how, value))
        self.threads.add(threading.get_ident())


def run(function: Callable[[Feedback], Any]) -> tuple[Job, Ends]:
    """Run a function as a job to its end."""
    ends, calls = Ends(), CallQueue()
    runner = JobRunner(calls.put)
    job = runner.start("Work", function, **ends.callbacks())
    calls.run_until(lambda: bool(ends.told))
    assert runner.jobs == ()
    return job, ends


def raising(error: BaseException) -> Callable[[Feedback], None]:
    def work(feedback: Feedback) -> None:
        raise error

    return work


def test_a_result_arrives_once_on_the_owning_thread() -> None:
    job, ends = run(lambda feedback: 42)
    assert (job.state, ends.told, ends.threads) == (JobState.DONE, [("done", 42)], {threading.get_ident()})


def test_an_error_for_people_arrives_as_it_is() -> None:
    error = DamagedFileError("It is cut off.")
    job, ends = run(raising(error))
    assert (job.state, ends.told) == (JobState.FAILED, [("error", error)])


@pytest.mark.parametrize(
    "error", [ValueError("a bug"), SystemExit(1), KeyboardInterrupt(), BaseException("a panic of a Rust library")]
)
def test_whatever_is_raised_ends_the_job_and_is_logged(error: BaseException, caplog: pytest.LogCaptureFixture) -> None:
    job, ends = run(raising(error))
    ((how, told),) = ends.told
    assert (job.state, how) == (JobState.FAILED, "error")
    assert isinstance(told, Exception)
    assert "The job “Work” failed." in caplog.text


def test_cancelled_work_is_neither_done_nor_an_error() -> None:
    job, ends = run(raising(Cancelled()))
    assert (job.state, ends.told) == (JobState.CANCELLED, [("cancelled", None)])


def test_a_result_that_comes_after_the_cancel_is_dropped() -> None:
    ends, calls, go_on = Ends(), CallQueue(), threading.Event()
    runner = JobRunner(calls.put)
    job = runner.start("Work", lambda feedback: go_on.wait(PATIENCE_S), **ends.callbacks())
    job.cancel()
    go_on.set()
    calls.run_until(lambda: bool(ends.told))
    assert ends.told == [("cancelled", None)]


def test_progress_stays_between_nothing_and_all_and_keeps_its_text() -> None:
    seen = []

    def work(feedback: Feedback) -> None:
        for fraction, text in ((-1.0, "Reading"), (0.5, ""), (7.0, "Placing")):
            feedback.progress(fraction, text)
            seen.append((runner.jobs[0].progress, runner.jobs[0].text))

    ends, calls = Ends(), CallQueue()
    runner = JobRunner(calls.put)
    runner.start("Work", work, **ends.callbacks())
    calls.run_until(lambda: bool(ends.told))
    assert seen == [(0.0, "Reading"), (0.5, "Reading"), (1.0, "Placing")]


def test_listeners_hear_of_starts_and_ends() -> None:
    ends, calls, heard = Ends(), CallQueue(), []
    runner = JobRunner(calls.put)
    runner.on_change(lambda: heard.append(len(runner.jobs)))
    runner.start("Work", lambda feedback: None, **ends.callbacks())
    calls.run_until(lambda: bool(ends.told))
    assert heard == [1, 0]


def test_closing_cancels_what_runs_and_waits_for_it() -> None:
    started, ended = threading.Event(), threading.Event()

    def work(feedback: Feedback) -> None:
        started.set()
        try:
            while True:
                feedback.stop_if_cancelled()
        finally:
            ended.set()

    runner = JobRunner(CallQueue().put)
    runner.start("Work", work, **Ends().callbacks())
    assert started.wait(PATIENCE_S)
    runner.close(timeout_s=PATIENCE_S)
    assert ended.is_set()

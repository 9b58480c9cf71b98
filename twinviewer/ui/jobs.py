"""From any thread to the main thread: the Qt side of the job runner."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from twinviewer.app.jobs import JobRunner

T = TypeVar("T")


class MainThread(QObject):
    """Calls functions on the thread that made it, soon, in the order in which they came."""

    _called = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._closed = False
        self._called.connect(self._run, Qt.ConnectionType.QueuedConnection)

    def deliver(self, call: Callable[[], None]) -> None:
        """Have ``call`` run by the main thread.  Safe from any thread."""
        if not self._closed:
            self._called.emit(call)

    def close(self) -> None:
        """Run nothing any more: what arrives from now on is dropped."""
        self._closed = True

    def _run(self, call: Callable[[], None]) -> None:
        if not self._closed:
            call()


class Background:
    """Runs the scene's preparations on threads: ``run_in_background`` of :class:`CityScene`.

    They are no jobs that a person sees; an error in one is a bug and is raised on the main thread.
    """

    def __init__(self, main_thread: MainThread) -> None:
        self._runner = JobRunner(main_thread.deliver)

    def __call__(self, task: Callable[[], T], done: Callable[[T], None], /) -> None:
        self._runner.start("Prepare", lambda _feedback: task(), on_done=done, on_error=_raise)

    @property
    def busy(self) -> bool:
        return bool(self._runner.jobs)

    def close(self) -> None:
        self._runner.close()


def _raise(error: Exception) -> None:
    raise error

"""A thread of an overlay: whatever the plugin's function does in its call, this thread alone suffers."""

from __future__ import annotations

import abc
import threading
from collections.abc import Callable

from twinviewer.model.feedback import Cancelled, Silent


class OverlayThread(Silent, abc.ABC):
    """Asks one function of an overlay again and again, and is the feedback that the function may ask.

    A function that blocks keeps this thread and nothing else: it is a daemon, and what it delivers after :meth:`stop`
    is dropped.

    Args:
        name: Of the thread.
        monotonic: Seconds that never run backwards.
    """

    def __init__(self, name: str, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._called_at: float | None = None
        """When the function that is running was called; None: none is."""
        self._stopped = threading.Event()
        self._wake = threading.Event()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @abc.abstractmethod
    def _run(self) -> None:
        """Work until :meth:`stop` was called."""

    def stop_if_cancelled(self) -> None:
        if self._stopped.is_set():
            raise Cancelled

    @property
    def busy_s(self) -> float:
        """How long the function that is running has been running; 0 where none is."""
        called_at = self._called_at
        return 0.0 if called_at is None else self._monotonic() - called_at

    def stop(self) -> None:
        """Ask the thread to end; see :meth:`join`."""
        self._stopped.set()
        self._wake.set()

    def is_alive(self) -> bool:
        return self._thread.is_alive()

    def join(self, timeout_s: float) -> None:
        """Wait until the thread has ended, no longer than ``timeout_s``."""
        if self._thread.is_alive():
            self._thread.join(timeout_s)

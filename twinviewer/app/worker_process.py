"""One process that reads or writes files, as the viewer sees it."""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import signal
import sys
import threading
from pathlib import Path
from typing import IO, Any

from twinviewer.app.spawning import spawn
from twinviewer.formats.request import Held
from twinviewer.formats.worker import HELD_FLAG
from twinviewer.isolation.frames import receive, send

_log = logging.getLogger(__name__)

LAST_WORDS = 4000
"""Characters of what a worker printed that the log gets when it dies."""


class Worker:
    """One process and the two threads that listen to it.

    Args:
        held: It runs code of a plugin that is not trusted, and waits to be told what that may do.
    """

    def __init__(self, *, held: Held | None = None) -> None:
        self._leads_others = held is not None
        if held is None:
            self.process = spawn("twinviewer.formats.worker")
        else:
            python = Path(held.python) if held.python else None
            self.process = spawn("twinviewer.formats.worker", HELD_FLAG, python=python, own_session=True)
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
        if self._leads_others and sys.platform != "win32":
            with contextlib.suppress(ProcessLookupError, PermissionError):  # programs that the plugin started
                os.killpg(self.process.pid, signal.SIGKILL)
        self.process.kill()
        self.process.wait()
        if self.process.stdin is not None:
            with contextlib.suppress(OSError):
                self.process.stdin.close()

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
                self.last_words = (self.last_words + words)[-LAST_WORDS:]
                _log.debug("worker %s: %s", self.process.pid, words.rstrip())

"""Mutated files given to reading processes, which may die or hang."""

from __future__ import annotations

import contextlib
import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence

from tests.conftest import ROOT
from tests.fuzzing.reading_process import Outcome

TIME_LIMIT_S = 10.0
_START_LIMIT_S = 120.0
"""Until the first answer: it imports, and compiles what is not compiled yet."""


def outcomes(
    format: str, numbers: Sequence[int], *, is_compiled: bool, processes: int | None = None
) -> Iterator[Outcome]:
    """Yield what comes of each of the inputs, in no particular order.

    Args:
        format: One of :data:`tests.fuzzing.mutations.FORMATS`.
        numbers: Of the inputs.
        is_compiled: Whether the compiled loops are used, as in a worker that has them ready, or none.
        processes: That read at the same time; None: one for each processor.
    """
    waiting: queue.SimpleQueue[int] = queue.SimpleQueue()
    for number in numbers:
        waiting.put(number)
    found: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=_read, args=(format, is_compiled, waiting, found), daemon=True)
        for _ in range(min(processes or os.cpu_count() or 1, len(numbers)))
    ]
    for thread in threads:
        thread.start()
    for _ in numbers:
        outcome = found.get()
        if outcome.kind == "not begun":
            raise RuntimeError(f"a reading process ended before it read anything: {outcome.words}")
        yield outcome
    for thread in threads:
        thread.join()


def _read(format: str, is_compiled: bool, waiting: queue.SimpleQueue[int], found: queue.SimpleQueue[Outcome]) -> None:
    """Read as long as something waits, in one process after another."""
    process: _Process | None = None
    while True:
        try:
            number = waiting.get_nowait()
        except queue.Empty:
            break
        process = process or _Process(format, is_compiled=is_compiled)
        outcome = process.outcome(number)
        found.put(outcome)
        if not process.has_begun:
            break
        if outcome.kind in ("died", "hung", "out of memory"):
            process.end()
            process = None
    if process is not None:
        process.end()


class _Process:
    """A reading process."""

    def __init__(self, format: str, *, is_compiled: bool) -> None:
        module = ("-X", "faulthandler", "-m", "tests.fuzzing.reading_process")
        self._process = subprocess.Popen(
            [sys.executable, *module, format, *(["compiled"] if is_compiled else [])],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._answers: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._last_words: list[str] = []
        self.has_begun = False
        self._limit_s = _START_LIMIT_S
        self._threads = [threading.Thread(target=work, daemon=True) for work in (self._listen, self._overhear)]
        for thread in self._threads:
            thread.start()

    def outcome(self, number: int) -> Outcome:
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(f"{number}\n")
            self._process.stdin.flush()
            answer = self._answers.get(timeout=self._limit_s)
        except queue.Empty:
            return Outcome(number=number, kind="hung", seconds=self._limit_s)
        except BrokenPipeError:
            answer = ""
        if not answer:
            words = f"status {self._process.wait()}\n{''.join(self._last_words)}"
            return Outcome(number=number, kind="died" if self.has_begun else "not begun", words=words)
        self.has_begun, self._limit_s = True, TIME_LIMIT_S
        return Outcome(**json.loads(answer))

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        for thread in self._threads:
            thread.join()
        for pipe in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert pipe is not None
            with contextlib.suppress(BrokenPipeError):
                pipe.close()

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _overhear(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self._last_words = [*self._last_words[-60:], line]

"""Carries out a Markdown page as a person would: types its commands, checks its files, changes them, and looks.

| block | what is done |
|---|---|
| ``console``, a line with ``$ `` | the command is run; it must succeed |
| the lines below it | what it must have said, in this order; ``…`` stands for anything |
| ``console`` without a command | what the command that still runs must say next |
| a language and a path | the file must hold exactly this; one that is not there is written |
| ``diff`` and a path | the lines with ``-`` are replaced by those with ``+``, as in an editor |

``twinviewer plugin run`` stays open until the next command, which ends it with Ctrl+C.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_STAYS_OPEN = "twinviewer plugin run "


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    language: str
    path: str
    """Empty: it is no file."""
    text: str


def blocks_of(page: Path) -> list[Block]:
    return [Block(language=a, path=b, text=c) for a, b, c in _BLOCK.findall(page.read_text("utf-8"))]


def commands_of(page: Path) -> list[str]:
    """Return the commands of a page."""
    consoles = [block.text for block in blocks_of(page) if block.language == "console"]
    return [line.removeprefix("$ ") for text in consoles for line in text.splitlines() if line.startswith("$ ")]


@dataclass
class Running:
    """A command that stays open, and what it has said."""

    process: subprocess.Popen[str]
    lines: list[str] = field(default_factory=list)
    heard: int = 0
    """Lines that were looked at."""

    def __post_init__(self) -> None:
        self._thread = threading.Thread(target=self._hear, daemon=True)
        self._thread.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))

    def await_line(self, pattern: str, *, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while True:
            while self.heard < len(self.lines):
                self.heard += 1
                if matches(self.lines[self.heard - 1], pattern):
                    return
            said = "\n".join(self.lines)
            assert self.process.poll() is None, f"it ended before it said “{pattern}”:\n{said}"
            assert time.monotonic() < deadline, f"it did not say “{pattern}”, but:\n{said}"
            time.sleep(0.05)

    def interrupt(self, *, within_s: float) -> int:
        """Press Ctrl+C; return the exit status."""
        self.process.send_signal(signal.SIGINT)
        try:
            status = self.process.wait(within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self._thread.join(within_s)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return status


def matches(line: str, pattern: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace("…", ".*"), line) is not None


class Reading:
    """One reading of a page, in a folder that is empty at first.

    Args:
        folder: Where commands are typed.
        environment: What commands see.
        within_s: The longest that a command, or the next line of one that stays open, may take.
    """

    def __init__(self, folder: Path, *, environment: dict[str, str], within_s: float) -> None:
        self._folder, self._environment, self._within_s = folder, environment, within_s
        self._open: Running | None = None
        self.took: list[tuple[str, float]] = []
        """Each command, and how long it took (s)."""

    def read(self, page: Path) -> None:
        try:
            for block in blocks_of(page):
                if block.language == "console":
                    self._type(block.text)
                elif block.language == "diff":
                    self._edit(block)
                elif block.path:
                    self._look_at(block)
        finally:
            self.leave()

    def leave(self) -> None:
        """Close what still runs."""
        if self._open is not None:
            running, self._open = self._open, None
            assert running.interrupt(within_s=self._within_s) == 130, "\n".join(running.lines)

    def _type(self, text: str) -> None:
        command, expected = "", []
        for line in [*text.splitlines(), "$ "]:
            if not line.startswith("$ "):
                expected.append(line)
                continue
            self._run(command, expected)
            command, expected = line.removeprefix("$ "), []

    def _run(self, command: str, expected: list[str]) -> None:
        if command:
            self.leave()
        began = time.monotonic()
        if command.startswith(_STAYS_OPEN):
            self._open = Running(self._start(command))
        if self._open is not None:
            for pattern in expected:
                self._open.await_line(pattern, within_s=self._within_s)
        elif command:
            process = self._start(command)
            said, _ = process.communicate(timeout=self._within_s)
            assert process.returncode == 0, f"{command}:\n{said}"
            lines = iter(said.splitlines())
            for pattern in expected:
                assert any(matches(line, pattern) for line in lines), f"{command} does not say “{pattern}”:\n{said}"
        if command:
            self.took.append((command, time.monotonic() - began))

    def _start(self, command: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            shlex.split(command),
            cwd=self._folder,
            env={**os.environ, **self._environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def _look_at(self, block: Block) -> None:
        path = self._folder / block.path
        if path.exists():
            assert path.read_text("utf-8") == block.text, f"{block.path} is not as the page shows it"
        else:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, "utf-8")

    def _edit(self, block: Block) -> None:
        path = self._folder / block.path
        lines = block.text.splitlines(keepends=True)
        old = "".join(line[1:] for line in lines if line.startswith("-"))
        new = "".join(line[1:] for line in lines if line.startswith("+"))
        text = path.read_text("utf-8")
        assert text.count(old) == 1, f"{block.path} does not hold what the page changes"
        path.write_text(text.replace(old, new), "utf-8")

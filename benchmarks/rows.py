"""What one row of the table is, and how times are taken."""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One comparison; less is better."""

    title: str
    ours_s: float
    peer: str
    """What it is compared with."""
    peer_s: float
    target: float
    """The ratio to reach."""

    @property
    def ratio(self) -> float:
        return self.ours_s / self.peer_s

    def __str__(self) -> str:
        return _line(self.title, _in_words(self.ours_s), self.peer, _in_words(self.peer_s), self.ratio, self.target)


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryRow:
    """One comparison of sizes; less is better."""

    title: str
    ours_bytes: float
    peer: str
    """What it is compared with."""
    peer_bytes: float
    target: float
    """The ratio to reach."""

    def __str__(self) -> str:
        ours, peer = (f"{size / 1e6:.1f} MB" for size in (self.ours_bytes, self.peer_bytes))
        return _line(self.title, ours, self.peer, peer, self.ours_bytes / self.peer_bytes, self.target)


def _line(title: str, ours: str, peer: str, peers: str, ratio: float, target: float) -> str:
    verdict = "reached" if ratio <= target else "missed"
    return f"{title:<44} {ours:>9}   {peer:<44} {peers:>9}   {ratio:7.3f}x   ≤ {target:g}x {verdict}"


def heading() -> str:
    return f"{'what':<44} {'ours':>9}   {'against':<44} {'peer':>9}   {'ratio':>8}   target"


def median_s(work: Callable[[], object], *, times: int) -> float:
    """Return the median duration of ``work``, called ``times`` times."""
    durations = []
    for _ in range(times):
        began = time.perf_counter()
        work()
        durations.append(time.perf_counter() - began)
    return statistics.median(durations)


def interleaved_s(first: Callable[[], object], second: Callable[[], object], *, times: int) -> tuple[float, float]:
    """Return the medians of two works done in turn, so that both meet the same weather."""
    durations: tuple[list[float], list[float]] = ([], [])
    for _ in range(times):
        for work, list_ in zip((first, second), durations, strict=True):
            began = time.perf_counter()
            work()
            list_.append(time.perf_counter() - began)
    return statistics.median(durations[0]), statistics.median(durations[1])


def process_s(code: str, *arguments: str) -> float:
    """Return the time from starting a fresh interpreter on ``code`` until it prints its first line."""
    command: Sequence[str] = (sys.executable, "-c", code, *arguments)
    began = time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        took = time.perf_counter() - began
        process.communicate()
    if not line or process.returncode != 0:
        raise RuntimeError(f"the measured program failed with status {process.returncode}")
    return took


def _in_words(seconds: float) -> str:
    if seconds >= 1.0:
        return f"{seconds:.2f} s"
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} µs"

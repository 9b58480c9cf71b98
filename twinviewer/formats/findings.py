"""What a reader finds in a file on its way: each kind told once, with its first place and a count."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from twinviewer.model.diagnostics import Diagnostic, Severity


class Findings:
    """Diagnostics in the making, folded by code and sentence."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Diagnostic] = {}
        self._counts: Counter[tuple[str, str]] = Counter()

    def add(
        self, code: str, problem: str, *, where: str = "", severity: Severity = Severity.WARNING, count: int = 1
    ) -> None:
        """Note that something was met ``count`` times, first at ``where``."""
        key = (code, problem)
        if key not in self._found:
            self._found[key] = Diagnostic(severity=severity, code=code, problem=problem, where=where)
        self._counts[key] += count  # a million times in some files, so nothing is made anew

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what was found, in the order in which it was first met."""
        return tuple(replace(found, count=self._counts[key]) for key, found in self._found.items())

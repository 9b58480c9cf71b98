"""What a reader finds in a file on its way: each kind told once, with its first place and a count."""

from __future__ import annotations

from dataclasses import replace

from twinviewer.model.diagnostics import Diagnostic, Severity


class Findings:
    """Diagnostics in the making, folded by code and sentence."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Diagnostic] = {}

    def add(
        self, code: str, problem: str, *, where: str = "", severity: Severity = Severity.WARNING, count: int = 1
    ) -> None:
        """Note that something was met ``count`` times, first at ``where``."""
        known = self._found.get((code, problem))
        if known is None:
            known = Diagnostic(severity=severity, code=code, problem=problem, where=where, count=0)
        self._found[code, problem] = replace(known, count=known.count + count)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what was found, in the order in which it was first met."""
        return tuple(self._found.values())

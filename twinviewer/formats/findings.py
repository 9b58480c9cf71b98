"""What a reader finds in a file on its way: each kind told once, with its first place and a count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice

from twinviewer.model.diagnostics import Diagnostic, Severity

_OBJECTS_LIMIT = 1000
"""Ids kept per finding: enough for anybody's list; the count says how many there are."""


class Findings:
    """Diagnostics in the making, folded by code and sentence."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Diagnostic] = {}
        self._counts: Counter[tuple[str, str]] = Counter()
        self._objects: dict[tuple[str, str], dict[str, None]] = {}

    def add(
        self,
        code: str,
        problem: str,
        *,
        where: str = "",
        severity: Severity = Severity.WARNING,
        count: int = 1,
        objects: Iterable[str] = (),
    ) -> None:
        """Note that something was met ``count`` times, first at ``where``, in or on ``objects`` (their ids)."""
        key = (code, problem)
        if key not in self._found:
            self._found[key] = Diagnostic(severity=severity, code=code, problem=problem, where=where)
        self._counts[key] += count  # a million times in some files, so nothing is made anew
        if objects:
            kept = self._objects.setdefault(key, {})
            kept.update(dict.fromkeys(islice(objects, _OBJECTS_LIMIT - len(kept))))

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Return what was found, in the order in which it was first met."""
        return tuple(
            replace(found, count=self._counts[key], objects=tuple(self._objects.get(key, ())))
            for key, found in self._found.items()
        )

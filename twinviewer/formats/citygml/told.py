"""What is found in a piece of a file, until the names of its city objects are known."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from twinviewer.formats.findings import Findings
from twinviewer.model.diagnostics import Severity


class Told:
    """Findings that name city objects by their number in the piece."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str, Severity, list[int], Sequence[str]]] = []

    def add(
        self,
        code: str,
        problem: str,
        objects: Iterable[int],
        *,
        details: Sequence[str] = (),
        severity: Severity = Severity.WARNING,
    ) -> None:
        """Note that something was met once in each of some ``objects`` (−1 for none), with ``details`` of each."""
        numbers = np.asarray(objects if isinstance(objects, np.ndarray) else list(objects), np.int64).tolist()
        if numbers:
            self._found.append((code, problem, severity, numbers, details))

    def tell(self, findings: Findings, ids: Sequence[str]) -> None:
        """Tell all, the ``ids`` being those of the piece's objects."""
        for code, problem, severity, numbers, details in self._found:
            names = [ids[number] if number >= 0 else "" for number in numbers]
            where = names[0]
            if details and details[0]:
                where = f"{where}: {details[0]}" if where else details[0]
            findings.add(
                code,
                problem,
                where=where,
                severity=severity,
                count=len(names),
                objects=dict.fromkeys(name for name in names if name),
            )

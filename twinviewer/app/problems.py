"""What went wrong, for people: one list that the window, the command line and the log share.

Each kind of problem has a code.  The catalogue in ``assets/problems/<language>.json`` explains every code: what it
means, what was kept, what to do.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache

from twinviewer.model.diagnostics import Diagnostic, Severity
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.project import LayerId
from twinviewer.resources import asset

_log = logging.getLogger(__name__)

FOLD_WITHIN = timedelta(seconds=10)
LIMIT = 500
LANGUAGES = ("en", "de")


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """What the catalogue says about a code."""

    title: str
    what: str
    kept: str
    do: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One line of the Problems panel."""

    severity: Severity
    code: str
    problem: str
    cure: str = ""
    source: str = ""
    """Layer title, file or plugin."""
    where: str = ""
    """Object id, line or feature."""
    objects: tuple[str, ...] = ()
    """Ids of the city objects where it was met, as many as were kept."""
    layer_id: LayerId = ""
    """Whose objects they are; empty where it is about no layer."""
    count: int = 1
    subject: str = ""
    """Id of what is told about as it goes on, by whoever knows more of it: one line, however often it happens."""
    time: datetime

    @property
    def text(self) -> str:
        """The problem as one sentence for a toast or a terminal."""
        source = f"{self.source}: " if self.source else ""
        times = f" (×{self.count})" if self.count > 1 else ""
        return f"{source}{self.problem}{times}"


class ProblemLog:
    """The list, newest last; the same problem within ten seconds becomes a count."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self._now = now
        self._problems: list[Problem] = []
        self._listeners: list[Callable[[], None]] = []

    @property
    def problems(self) -> tuple[Problem, ...]:
        return tuple(self._problems)

    def on_change(self, listener: Callable[[], None]) -> None:
        self._listeners.append(listener)

    def add_error(self, error: TwinViewerError, *, subject: str = "", count: int = 1) -> Problem:
        """Add an error that a person caused or can cure; return how it is listed.

        Args:
            error: It.
            subject: See :class:`Problem`; an earlier line about the same gives way.
            count: How often it has happened so far; for one with a subject.
        """
        _log.error("%s", error)
        return self._add(
            Problem(
                severity=Severity.ERROR,
                code=error.code,
                problem=error.problem,
                cure=error.cure,
                source=error.source,
                subject=subject,
                count=count,
                time=self._now(),
            )
        )

    def add_bug(self, summary: str) -> Problem:
        """Add a fault of the program itself; its traceback goes to the crash log, never here."""
        return self._add(
            Problem(
                severity=Severity.ERROR,
                code="bug",
                problem=f"Something in the program failed: {summary}.",
                cure="Go on working; the log has the details to report.",
                time=self._now(),
            )
        )

    def add_diagnostics(self, source: str, diagnostics: Iterable[Diagnostic], *, layer_id: LayerId = "") -> None:
        """Add what a reader found in ``source``, whose data the layer has; each keeps its own count."""
        for diagnostic in diagnostics:
            self._problems.append(
                Problem(
                    severity=diagnostic.severity,
                    code=diagnostic.code,
                    problem=diagnostic.problem,
                    source=source,
                    where=diagnostic.where,
                    objects=diagnostic.objects,
                    layer_id=layer_id,
                    count=diagnostic.count,
                    time=self._now(),
                )
            )
        self._tell()

    def clear(self) -> None:
        self._problems.clear()
        self._tell()

    def _add(self, problem: Problem) -> Problem:
        if problem.subject:
            self._problems = [each for each in self._problems if each.subject != problem.subject]
            self._problems.append(problem)
            self._tell()
            return problem
        for index in range(len(self._problems) - 1, -1, -1):
            old = self._problems[index]
            if problem.time - old.time > FOLD_WITHIN:
                break
            if (old.code, old.problem, old.source, old.where) == (
                problem.code,
                problem.problem,
                problem.source,
                problem.where,
            ):
                problem = replace(problem, count=old.count + 1)
                del self._problems[index]
                break
        self._problems.append(problem)
        self._tell()
        return problem

    def _tell(self) -> None:
        del self._problems[:-LIMIT]
        for listener in tuple(self._listeners):
            listener()


@cache
def catalogue(language: str) -> dict[str, Explanation]:
    """Return the explanations of all codes in ``language``: ``en`` or ``de``."""
    entries = json.loads(asset(f"problems/{language}.json").read_bytes())
    return {code: Explanation(**entry) for code, entry in entries.items()}


def explain(code: str, language: str = "en") -> Explanation:
    """Return what the catalogue says about ``code``.

    Raises:
        KeyError: The code is not in the catalogue; a test keeps that from happening.
    """
    return catalogue(language)[code]

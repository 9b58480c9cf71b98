"""The reference system that a file names, or why that name is of no use."""

from __future__ import annotations

from collections.abc import Iterable

from twinviewer.model.crs import parse_crs
from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.errors import UnknownCrsError
from twinviewer.model.place import ReferenceSystem


def first_known(names: Iterable[str]) -> tuple[ReferenceSystem | None, tuple[Diagnostic, ...]]:
    """Return the first of the systems that PROJ knows; None, and a finding, where a file names only others."""
    reasons = []
    for name in names:
        try:
            return parse_crs(name), ()
        except UnknownCrsError as error:
            reasons.append(error.problem)
    return None, (unusable(reasons[0]),) if reasons else ()


def unusable(reason: str = "") -> Diagnostic:
    """Return what is told of a name that leads nowhere."""
    problem = f"The file names a reference system that cannot be used. {reason}".rstrip()
    return Diagnostic(code="crs.unreadable", problem=problem)

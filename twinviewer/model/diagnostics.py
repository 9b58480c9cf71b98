"""What was found in data that was read all the same: one bad building of a hundred thousand."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    INFO = "info"
    """Worth knowing: an assumption that was made and can be changed."""
    WARNING = "warning"
    """Something is not shown, or not as the file says."""
    ERROR = "error"
    """The layer, or a large part of it, is missing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostic:
    """One finding, told once; repeated ones are counted."""

    severity: Severity = Severity.WARNING
    code: str
    """Stable identifier, listed in ``docs/problems.md``, e.g. ``val3dity.101``."""
    problem: str
    """One sentence: what is wrong and what was done about it."""
    where: str = ""
    """Object id, line, feature number or file."""
    count: int = 1
    """How many times it was met; ``where`` names the first."""
    objects: tuple[str, ...] = ()
    """Ids of the city objects or features where it was met, as many as were kept."""

"""What a check says: passed, worth a look, or failed, and what to do about it."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any


class Outcome(StrEnum):
    PASSED = "passed"
    WARNING = "warning"
    """It works, and somebody will be sorry."""
    FAILED = "failed"
    """It breaks the contract."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What one check found out."""

    outcome: Outcome
    text: str
    """One sentence without its full stop."""
    cure: str = ""
    """One sentence; empty where nothing is to be done."""
    details: str = ""
    """A traceback, for the author."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A verdict, and what it is about."""

    check: str
    """Name of the check: ``purity``."""
    subject: str
    """Contribution id; empty where it is about the whole plugin."""
    outcome: Outcome
    text: str
    cure: str = ""
    details: str = ""

    @classmethod
    def of(cls, verdict: Verdict, *, check: str, subject: str) -> Finding:
        return cls(
            check=check,
            subject=subject,
            outcome=verdict.outcome,
            text=verdict.text,
            cure=verdict.cure,
            details=verdict.details,
        )

    @classmethod
    def from_json(cls, members: dict[str, Any]) -> Finding:
        return cls(**{**members, "outcome": Outcome(members["outcome"])})

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def passed(text: str) -> Verdict:
    return Verdict(outcome=Outcome.PASSED, text=text)


def warning(text: str, cure: str) -> Verdict:
    return Verdict(outcome=Outcome.WARNING, text=text, cure=cure)


def failed(text: str, cure: str, details: str = "") -> Verdict:
    return Verdict(outcome=Outcome.FAILED, text=text, cure=cure, details=details)

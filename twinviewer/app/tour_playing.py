"""How a tour goes on: a state that a clock, keys and buttons turn into the next one.  It knows no view and no timer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Self


class TourPhase(StrEnum):
    TRAVELLING = "travelling"
    """On the way to the stop."""
    STAYING = "staying"
    PAUSED = "paused"
    """At the stop or on the way to it, until the person goes on."""
    ENDED = "ended"


@dataclass(frozen=True, slots=True, kw_only=True)
class TourState:
    """Where a tour is."""

    holds_s: tuple[float, ...]
    """How long one stays at each stop."""
    loop: bool = False
    at: int = 0
    """The stop that one is at or travels to."""
    phase: TourPhase = TourPhase.TRAVELLING
    stayed_s: float = 0.0
    """How long one has been at the stop."""
    trips: int = 1
    """Grows with each way that is begun: who flies compares it."""

    def __post_init__(self) -> None:
        if not self.holds_s:
            raise ValueError("a tour has at least one stop")

    @property
    def progress(self) -> float:
        """How much of the stay is over, 0 to 1."""
        return min(1.0, self.stayed_s / self.holds_s[self.at])

    @property
    def is_running(self) -> bool:
        return self.phase in (TourPhase.TRAVELLING, TourPhase.STAYING)

    def arrived(self) -> Self:
        """One is at the stop now."""
        return replace(self, phase=TourPhase.STAYING) if self.phase is TourPhase.TRAVELLING else self

    def after(self, elapsed_s: float) -> Self:
        """So much time has gone by; after the stay the next stop follows, after the last one the end or the first."""
        if self.phase is not TourPhase.STAYING:
            return self
        stayed = self.stayed_s + max(0.0, elapsed_s)
        if stayed < self.holds_s[self.at]:
            return replace(self, stayed_s=stayed)
        if self.at + 1 < len(self.holds_s) or self.loop:
            return self._to((self.at + 1) % len(self.holds_s))
        return replace(self, phase=TourPhase.ENDED, stayed_s=self.holds_s[self.at])

    def paused(self) -> Self:
        return replace(self, phase=TourPhase.PAUSED) if self.is_running else self

    def played(self) -> Self:
        """Go on: to the stop again, since the view may have been moved meanwhile; after the end from the beginning."""
        if self.phase is TourPhase.ENDED:
            return self._to(0)
        if self.phase is TourPhase.PAUSED:
            return replace(self, phase=TourPhase.TRAVELLING, trips=self.trips + 1)
        return self

    def next(self) -> Self:
        """Go to the next stop; at the last one of a tour that does not begin again, stay."""
        return self._stepped(1)

    def previous(self) -> Self:
        """Go to the stop before; at the first one of a tour that does not begin again, begin it anew."""
        return self._stepped(-1)

    def to(self, at: int) -> Self:
        """Go to a stop.

        Raises:
            IndexError: There is no such stop.
        """
        if not 0 <= at < len(self.holds_s):
            raise IndexError(at)
        return self._to(at)

    def stopped(self) -> Self:
        return replace(self, phase=TourPhase.ENDED)

    def _stepped(self, by: int) -> Self:
        count = len(self.holds_s)
        at = (self.at + by) % count if self.loop else min(max(self.at + by, 0), count - 1)
        return self if at == self.at and by > 0 and not self.loop else self._to(at)

    def _to(self, at: int) -> Self:
        return replace(self, at=at, phase=TourPhase.TRAVELLING, stayed_s=0.0, trips=self.trips + 1)

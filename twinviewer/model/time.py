"""Instants.  All are timezone-aware UTC inside; zones are for showing."""

from __future__ import annotations

from datetime import UTC, datetime


def require_aware(instant: datetime) -> datetime:
    """Return ``instant`` in UTC.

    Raises:
        ValueError: It names no time zone.
    """
    if instant.tzinfo is None:
        raise ValueError("an instant must be timezone-aware")
    return instant.astimezone(UTC)

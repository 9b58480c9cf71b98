"""What people write after options, as values."""

from __future__ import annotations

import re

from twinviewer.model.errors import UnknownCrsError, UsageError
from twinviewer.model.place import CrsOrigin, ReferenceSystem


def reference_system(text: str | None, *, option: str = "--crs") -> ReferenceSystem | None:
    """Return the reference system that an option names.

    Raises:
        UsageError: PROJ does not know it.
    """
    if text is None:
        return None
    from twinviewer.model.crs import parse_crs  # PROJ costs 0.2 s

    try:
        return parse_crs(text, origin=CrsOrigin.GIVEN)
    except UnknownCrsError as error:
        raise UsageError(error.problem, cure=error.cure, source=option) from error


def picture_size(text: str) -> tuple[int, int]:
    """Return width and height in pixels of ``"1600x1000"``.

    Raises:
        UsageError: It is no size, or larger than graphics cards draw.
    """
    from twinviewer.scripting import LARGEST_SIDE_PX  # with all that it imports, which other commands do without

    match = re.fullmatch(r"([1-9]\d{0,4})[x×]([1-9]\d{0,4})", text.strip().lower())
    if match is None or max(int(match[1]), int(match[2])) > LARGEST_SIDE_PX:
        raise UsageError(
            f"“{text}” is not a size in pixels.",
            cure=f"Write it as 1600x1000, at most {LARGEST_SIDE_PX} each way.",
            source="--size",
        )
    return int(match[1]), int(match[2])

"""Files that a file names: only those in its own folder, or further inside, are ever looked at."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote


def within(folder: Path, name: str) -> Path | None:
    """Return the file that ``name`` means inside ``folder``, links followed; None where it is outside, or no name."""
    if not name or "\0" in name or ":" in name:
        return None
    folder = folder.resolve()
    for spelling in (name, unquote(name)):
        try:
            file = (folder / spelling).resolve()
        except (OSError, RuntimeError):
            return None
        if not file.is_relative_to(folder) or file == folder:
            return None
        if file.is_file():
            break
    return file

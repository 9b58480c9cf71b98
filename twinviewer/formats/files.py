"""What every reader asks of a file before it looks inside."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from twinviewer.model.errors import DamagedFileError, HostileFileError, ReadError

GET_IT_AGAIN = "Get it again from where it came from; it may be half a download."
"""What to do about a file that is damaged or cut off."""


def require_content(path: Path) -> int:
    """Return the size in bytes of a file that is there and not empty.

    Raises:
        ReadError: There is no such file, or it may not be read.
        DamagedFileError: It is empty.
    """
    if path.is_dir():
        raise ReadError("This is a folder, not a file.", cure="Open the files in it.", source=path.name)
    try:
        if path.exists() and not path.is_file():  # a pipe, which would be waited for, or a device without end
            raise ReadError("This is a device or a pipe, not a file.", source=path.name)
        with path.open("rb"):
            size = path.stat().st_size
    except FileNotFoundError as error:
        raise ReadError("There is no such file.", cure="Check its name and folder.", source=path.name) from error
    except OSError as error:
        raise ReadError(f"The file cannot be opened: {error.strerror}.", source=path.name) from error
    if size == 0:
        raise DamagedFileError("The file is empty.", cure="Get it again from where it came from.", source=path.name)
    return size


def file_beside(path: Path, name: str) -> Path:
    """Return the file that ``path`` calls ``name``, which must lie in its own folder or below.

    Large and small letters may differ: many files come from systems that do not tell them apart.

    Raises:
        HostileFileError: It lies elsewhere, or on another machine.
        ReadError: There is no such file.
    """
    folder = path.parent.resolve()
    try:
        target = (folder / name.replace("\\", "/")).resolve()
        is_inside = "://" not in name and target.is_relative_to(folder)
        if is_inside and not target.is_file():
            target = _in_other_case(folder, target).resolve()
            is_inside = target.is_relative_to(folder)
        is_there = is_inside and target.is_file()
    except (OSError, ValueError, RuntimeError):  # too long, a NUL in it, links that go in circles
        is_inside, is_there = True, False
    if not is_inside:
        raise HostileFileError(
            f"The file asks for “{shortened(name)}”, which is outside of its own folder.", source=path.name
        )
    if not is_there:
        raise ReadError(
            f"The file needs “{shortened(name)}”, which is not beside it.", cure="Put it there.", source=path.name
        )
    return target


def _in_other_case(folder: Path, target: Path) -> Path:
    """Return ``target``, which lies in ``folder``, with each part as it is really written."""
    found = folder
    for part in target.relative_to(folder).parts:
        names = _names_in(found, found.stat().st_mtime_ns) if found.is_dir() else {}
        found /= names.get(part.casefold(), part)
    return found


@lru_cache(maxsize=16)
def _names_in(folder: Path, modified_ns: int) -> dict[str, str]:
    """Return the names in a folder by what they are whatever the case; ``modified_ns`` tells when to look again."""
    return {each.name.casefold(): each.name for each in folder.iterdir()}


def shortened(name: str) -> str:
    """Return a name from a file so that it fits a sentence."""
    return name if len(name) <= 80 else f"{name[:79]}…"

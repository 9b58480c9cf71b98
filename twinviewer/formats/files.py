"""What every reader asks of a file before it looks inside."""

from __future__ import annotations

from pathlib import Path

from twinviewer.model.errors import DamagedFileError, ReadError


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

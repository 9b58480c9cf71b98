"""What ``twinviewer plugin new``, ``run`` and ``check`` do."""

from __future__ import annotations

import os
from pathlib import Path


def make_project(name: str, *, kind: str, parent: Path, licence: str) -> int:
    """Write a new plugin, and say what comes next."""
    from twinviewer.app.plugins.templates import new_project

    folder = new_project(name, kind=kind, parent=parent, licence=licence)
    shown = os.path.relpath(folder)
    print(f"There is a plugin now in {shown}{os.sep}: its code, its test, and what a wheel needs.")
    print("Next:")
    for command, what in (
        (f"twinviewer plugin run {shown}", "see it on the demo city; save a file, and it is reloaded"),
        (f"twinviewer plugin check {shown}", "does it keep the contract?"),
        (f"pip wheel --no-deps {shown}", "a wheel that others install"),
    ):
        print(f"  {command:<40}  {what}")
    return 0

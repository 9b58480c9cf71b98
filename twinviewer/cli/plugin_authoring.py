"""What ``twinviewer plugin new``, ``run`` and ``check`` do."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
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
        (f"pip wheel --no-deps {_as_path(shown)}", "a wheel that others install"),
    ):
        print(f"  {command:<40}  {what}")
    return 0


def _as_path(shown: str) -> str:
    """Return a path that pip takes for one, and not for the name of a distribution."""
    return shown if os.sep in shown else f"{os.curdir}{os.sep}{shown}"


def run_plugin(path: Path, *, files: Sequence[Path], buildings: int, snapshot: Path | None) -> int:
    """Open the demo city with a plugin, and reload it on each save."""
    from twinviewer.cli.window import open_plugin

    return open_plugin(path, files=files, buildings=buildings, snapshot=snapshot)


def check_plugin(path: Path, *, as_json: bool, badge: Path | None) -> int:
    """Check a plugin, and say what was found out; return 1 if it does not conform."""
    import json

    from twinviewer.app.atomic import write_atomically
    from twinviewer.app.plugins.conformance import checking

    report = checking.check_plugin(path)
    if as_json:
        print(json.dumps(report.to_json(), sort_keys=True))
    else:
        for line in report.lines():
            print(line)
        for finding in report.findings:
            if finding.details:
                print(f"\n{finding.subject or 'plugin'}, {finding.check}:\n{finding.details}", file=sys.stderr)
    if badge is not None:
        write_atomically(badge, report.badge().encode())
    return int(not report.conforms)

"""The commands that open a window, once it is sure that one can be opened: Qt would end the process otherwise."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from twinviewer.cli.interrupting import end_at_once_when_interrupted
from twinviewer.cli.options import reference_system
from twinviewer.model.errors import WriteError
from twinviewer.ui.canary import require_sound_qt
from twinviewer.ui.display import require_display


def open_window(paths: Sequence[str], *, crs: str | None, safe_mode: bool) -> int:
    """Open the window on ``paths``; what is wrong with them is told there."""
    system = reference_system(crs)
    _require_window()
    from twinviewer.ui.application import run

    return run(paths=[Path(path) for path in paths], crs=system, safe_mode=safe_mode)


def open_demo(buildings: int, *, snapshot: Path | None, safe_mode: bool) -> int:
    """Open the window on the demo city.

    Raises:
        UsageError: There is no town of that size.
        WriteError: The snapshot could not be written where it is wanted.
    """
    _require_possible(buildings, snapshot)
    _require_window()
    from twinviewer.ui.application import run

    return run(demo_buildings=buildings, snapshot=snapshot, safe_mode=safe_mode)


def open_plugin(path: Path, *, files: Sequence[Path], buildings: int, snapshot: Path | None) -> int:
    """Open the window on the demo city with a plugin that its author is working on.

    Raises:
        UsageError: There is no town of that size.
        PluginError: There is no plugin, or its manifest is at fault.
        WriteError: The snapshot could not be written where it is wanted.
    """
    from twinviewer.app.plugins.finding import plugin_folder
    from twinviewer.app.plugins.manifest import FILE_NAME, read_manifest

    read_manifest(plugin_folder(path.absolute()) / FILE_NAME)
    _require_possible(buildings, snapshot)
    _require_window()
    from twinviewer.ui.application import run

    return run(paths=files, demo_buildings=buildings, snapshot=snapshot, plugin=path)


def _require_possible(buildings: int, snapshot: Path | None) -> None:
    from twinviewer.app.demo_project import require_possible

    require_possible(buildings)
    if snapshot is not None and not os.access(snapshot.absolute().parent, os.W_OK):
        raise WriteError("The snapshot cannot be written.", cure="Check that the folder exists.", source=str(snapshot))


def _require_window() -> None:
    end_at_once_when_interrupted()
    require_display()
    require_sound_qt()

"""``--self-check``: whether an installed or frozen program has all its parts.

In a profile of its own, it loads the plugins, makes one and calls it in a process of its own, makes a small town,
reads it through the workers, draws a frame in a window (off screen where there is no display) and looks whether
something is on it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinviewer.app import project_file
from twinviewer.app.demo_project import ensure_demo
from twinviewer.app.overlays.running import default_overlays
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import Problem
from twinviewer.app.project_file import ViewState
from twinviewer.cli.sentences import tell
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import DisplayError
from twinviewer.model.feedback import Silent
from twinviewer.scripting import ScriptSession

BUILDINGS = 60
EDGE_STEP = 16
"""Two neighbouring pixels that differ by so much have an edge between them; a sky has none."""
LEAST_EDGES = 0.005
"""Share of pixels with an edge in a picture that shows something."""


def check() -> int:
    """Check the program; return 0 if all its parts work, else 1."""
    with tempfile.TemporaryDirectory(prefix="twinviewer-check-") as profile:
        os.environ["TWINVIEWER_PROFILE_DIR"] = profile
        print("plugins:", ", ".join(_loaded_plugins(PluginRegistry())), flush=True)
        print("a plugin in a process of its own:", _drawn_apart(Path(profile)), flush=True)
        pixels, problems = _frame(Path(profile))
    errors = [problem for problem in problems if problem.severity is Severity.ERROR]
    for problem in errors:
        tell(problem)
    edges = share_of_edges(pixels)
    print(f"frame: {pixels.shape[1]} x {pixels.shape[0]} pixels, edges on {edges:.1%} of them", flush=True)
    if edges < LEAST_EDGES:
        raise DisplayError("The frame shows nothing.", cure="twinviewer doctor says what works on this machine.")
    if not errors:
        print("All is well.")
    return int(bool(errors))


def _loaded_plugins(registry: PluginRegistry) -> list[str]:
    """Import the code of all contributions that run in this process; return the names of the plugins.

    Raises:
        PluginError: One cannot be loaded.
    """
    for problem in registry.problems:
        raise problem
    for plugin in registry.plugins:
        for contribution in () if plugin.isolated else plugin.manifest.contributions:
            registry.import_code(contribution.id)
    return [plugin.name for plugin in registry.plugins]


def _drawn_apart(folder: Path) -> str:
    """Make a plugin and have it called in a process of its own; return what it draws.

    Raises:
        PluginError: It cannot be made or called.
    """
    from twinviewer.app.plugins.templates import new_project
    from twinviewer.testing.places import small_town
    from twinviewer.testing.plugin import open_plugin

    with open_plugin(new_project("self-check", kind="overlay", parent=folder), isolated=True) as plugin:
        return ", ".join(type(request).__name__ for request in plugin.show(site=small_town()))


def share_of_edges(pixels: NDArray[np.uint8]) -> float:
    """Return the share of pixels (rows, columns, 3) that differ clearly from their neighbour to the right."""
    steps = np.abs(np.diff(pixels.astype(np.int16), axis=1)).max(axis=2)
    return float((steps >= EDGE_STEP).mean())


def _frame(folder: Path) -> tuple[NDArray[np.uint8], Sequence[Problem]]:
    from twinviewer.ui.canary import require_sound_qt
    from twinviewer.ui.display import require_display

    require_sound_qt()
    try:
        require_display()
    except DisplayError as error:
        print(f"window: none ({error.problem})", flush=True)
        return _frame_off_screen(folder)
    from twinviewer.ui.self_check import show_demo

    print("window: on", os.environ.get("QT_QPA_PLATFORM") or os.environ.get("DISPLAY") or "the screen", flush=True)
    return show_demo(BUILDINGS)


def _frame_off_screen(folder: Path) -> tuple[NDArray[np.uint8], Sequence[Problem]]:
    from twinviewer.scene.picture import read_picture

    project = ensure_demo(buildings=BUILDINGS, overlays=default_overlays(PluginRegistry()), feedback=Silent())
    project_file.save(project, folder / "town.twin", view=ViewState())
    with ScriptSession() as session:
        session.add(folder / "town.twin")
        session.render(folder / "frame.png")
        return read_picture(folder / "frame.png"), session.problems

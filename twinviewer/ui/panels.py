"""The panels of one window, for the commands that show things in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from twinviewer.model.place import ReferenceSystem
from twinviewer.ui.inspector import Inspector
from twinviewer.ui.layers_panel import LayersPanel
from twinviewer.ui.log_panel import LogPanel
from twinviewer.ui.objects_panel import ObjectsPanel
from twinviewer.ui.plugins_panel import PluginsPanel
from twinviewer.ui.problems_panel import ProblemsPanel
from twinviewer.ui.results_panel import ResultsPanel
from twinviewer.ui.style_panel import StylePanel
from twinviewer.ui.time_bar import TimeBar


@dataclass(frozen=True, slots=True, kw_only=True)
class Panels:
    """The widgets, and the questions that need a window."""

    layers: LayersPanel
    objects: ObjectsPanel
    inspector: Inspector
    style: StylePanel
    time: TimeBar
    problems: ProblemsPanel
    results: ResultsPanel
    log: LogPanel
    plugins: PluginsPanel
    show: Callable[[str], None]
    """Bring the panel of that name to the front; the names are those of the fields here."""
    offer: Callable[[str], None]
    """The same, unless a plugin's panel is in front there."""
    ask_crs: Callable[[str, str], ReferenceSystem | None]
    """(what it is about, proposed code) → what the person chose, or None."""

"""What a contribution is: plain functions, called by keyword, tested without Qt, VTK or the app.

A ``plugin.toml`` names them as ``"module:function"``.  Arguments are always passed by keyword; accept only the ones
listed here.  A plugin whose manifest declares ``[[settings]]`` gets one more in each of its functions except probes:
``settings``, a :data:`Settings`.

No function runs on the thread that draws.  It may run in the viewer's process or in one of its own; it cannot tell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.diagnostics import Diagnostic
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.observation import Batch, Frame
from twinviewer.model.panel import Action, Entry, PanelElement, Selection, Table
from twinviewer.model.place import Extent, ReferenceSystem

API_VERSION = 1
"""The number that a manifest's ``api`` states.  What may change under one number: see docs/plugins.md."""

Settings = Mapping[str, str | float | int | bool]
"""What the person chose for a plugin, by the keys of its ``[[settings]]``; validated, defaults filled in."""


class Probe(Protocol):
    """``probe(path=…) -> float``: how sure a reader is that the file is its own, 0 (no) to 1 (certain).

    Runs in a worker process, looks at no more than the first 64 KiB, and raises nothing, whatever the file holds;
    that there is one, the app has made sure of.
    """

    def __call__(self, *, path: Path) -> float: ...


class Reader(Protocol):
    """``read(path=…, feedback=…, **options) -> layers``: everything in one file, in the file's own reference system.

    Runs in a worker process with memory and time limits.  Returns one value per layer inside the file.  Bad parts
    become diagnostics on the layer; a file that gives nothing raises a ``ReadError``.  A file without a reference
    system is returned with ``crs=None``: what to do about it is the app's question.
    """

    def __call__(self, *, path: Path, feedback: Feedback, **options: Any) -> Sequence[LayerData]: ...


class Writer(Protocol):
    """``write(path=…, layers=…, feedback=…) -> findings``: layers of the kinds that its manifest names, into one file.

    Runs in a worker process.  ``path`` has the ending that the person chose and does not exist yet; it takes the place
    of an older file only when the function has returned, so a failure leaves that as it was.  Layers are called as
    ``source.title`` says.  Returns what the format does not hold or holds otherwise; raise a ``WriteError`` where
    nothing useful can be written.
    """

    def __call__(self, *, path: Path, layers: Sequence[LayerData], feedback: Feedback) -> Sequence[Diagnostic]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CityObjects:
    """The city objects of a site that can be coloured, as columns."""

    ids: tuple[str, ...]
    types: tuple[str, ...]
    """(n,) ``Building``, ``Bridge`` …"""
    positions: NDArray[np.float64]
    """(n, 3) centre of each object's box, metres in the project's reference system."""
    heights_m: NDArray[np.float64]
    """(n,) of each object's box."""


class Site(Protocol):
    """The place that a contribution is about, as it stood when it was called.  Read only, safe from any thread."""

    @property
    def crs(self) -> ReferenceSystem: ...

    @property
    def extent(self) -> Extent: ...

    @property
    def city_objects(self) -> CityObjects: ...

    def features(self, role: str) -> FeatureTable | None:
        """Return the features of the first layer with that role (``"streets"``), or None."""

    def ground_height(self, xy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return terrain heights (n,) in metres at positions (n, 2); 0 where there is no terrain."""

    def objects_at(self, xy: NDArray[np.float64]) -> tuple[str, ...]:
        """Return the id of the city object whose footprint each position (n, 2) is in; "" where there is none."""


class Feed(Protocol):
    """``feed(site=…, start=…, end=…, feedback=…) -> batches``: what was true in ``[start, end)``.

    The host calls it again and again at the live edge, and for the past when somebody scrubs there, on a thread of
    its own.  Raise a ``FeedError`` when the source does not deliver; the host retries with growing pauses and shows
    the state on the overlay.
    """

    def __call__(self, *, site: Site, start: datetime, end: datetime, feedback: Feedback) -> Sequence[Batch]: ...


class Encode(Protocol):
    """``encode(frames=…, site=…) -> requests``: a pure function from what is known to what is drawn.

    It is called whenever what is known has changed, at most once per frame; while it runs, the last picture stays.
    """

    def __call__(self, *, frames: Sequence[Frame], site: Site) -> Sequence[DrawingRequest]: ...


class Layer(Protocol):
    """``draw(site=…, feedback=…) -> requests``: a layer that a plugin makes from the site, its settings or a source.

    It is called when the layer is switched on, and again when the site or the plugin's settings have changed.
    """

    def __call__(self, *, site: Site, feedback: Feedback) -> Sequence[DrawingRequest]: ...


class Analysis(Protocol):
    """``analyse(site=…, feedback=…, **parameters) -> results``: an answer to a question about the site.

    ``parameters`` are those that the manifest declares: values as in :data:`Settings`, layer data for a parameter of
    type ``layer``.  Drawing requests are shown until the person closes the result, tables stand in the results panel,
    and layer data becomes a file and a layer of the project.
    """

    def __call__(
        self, *, site: Site, feedback: Feedback, **parameters: Any
    ) -> Sequence[DrawingRequest | LayerData | Table]: ...


class Panel(Protocol):
    """``show(site=…, selection=…, instant=…, entries=…, pressed=…) -> elements``: what a panel shows, as values.

    It is called when the panel comes into view, and while it is in view whenever one of its arguments has changed; of
    time that goes by it hears twice a second at most.  ``entries`` holds what the person entered, by element id, and
    nothing of what was never touched; ``pressed`` is the id of the button that was pressed just now, and "" in the
    calls after that.  Actions among the elements are carried out after a press or an entry, never because time went by
    or the selection changed.  ``site`` is None while nothing is loaded.
    """

    def __call__(
        self,
        *,
        site: Site | None,
        selection: Selection | None,
        instant: datetime,
        entries: Mapping[str, Entry],
        pressed: str,
    ) -> Sequence[PanelElement | Action]: ...


class Command(Protocol):
    """``run(site=…, selection=…, instant=…) -> actions``: what an entry of the Plugins menu does."""

    def __call__(self, *, site: Site | None, selection: Selection | None, instant: datetime) -> Sequence[Action]: ...

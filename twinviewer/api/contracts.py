"""What a contribution is: plain functions, called by keyword, tested without Qt, VTK or the app.

A ``plugin.toml`` names them as ``"module:function"``.  Arguments are always passed by keyword, so that one can be
added later; accept only the ones listed here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.feedback import Feedback
from twinviewer.model.layer_data import FeatureTable, LayerData
from twinviewer.model.observation import Batch, Frame
from twinviewer.model.place import Extent, ReferenceSystem

API_VERSION = 1
"""The number that a manifest's ``api`` states.  What may change under one number: see docs/plugins.md."""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class CityObjects:
    """The city objects of a site that can be coloured, as columns."""

    ids: tuple[str, ...]
    types: tuple[str, ...]
    """(n,) ``Building``, ``Bridge`` …"""
    positions: NDArray[np.float64]
    """(n, 3) centre of each object's box, metres in the project's reference system."""


class Site(Protocol):
    """The place that a feed or an overlay is about, as it stands when it is started.  Read only."""

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


class Feed(Protocol):
    """``feed(site=…, start=…, end=…, feedback=…) -> batches``: what was true in ``[start, end)``.

    The host calls it again and again at the live edge, and for the past when somebody scrubs there, on a thread of
    its own.  Raise a ``FeedError`` when the source does not deliver; the host retries with growing pauses and shows
    the state on the overlay.
    """

    def __call__(self, *, site: Site, start: datetime, end: datetime, feedback: Feedback) -> Sequence[Batch]: ...


class Encode(Protocol):
    """``encode(frames=…, site=…) -> requests``: a pure function from what is known to what is drawn."""

    def __call__(self, *, frames: Sequence[Frame], site: Site) -> Sequence[DrawingRequest]: ...

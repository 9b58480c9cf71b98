"""What drawing requests look like, as an array: no window, no display."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from twinviewer.app.commands import AddLayers
from twinviewer.app.plugins.result_checks import checked_requests
from twinviewer.app.plugins.trial_places import CRS, SIDE_M, SOUTH, WEST, town_layers
from twinviewer.app.session import Session
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.project import Viewpoint


def picture(
    requests: Sequence[DrawingRequest],
    *,
    size: tuple[int, int] = (640, 400),
    view: str | Viewpoint = "overview",
    instant: datetime | None = None,
) -> NDArray[np.uint8]:
    """Return a picture (rows, columns, 3) of the small town with what is asked to be drawn, top row first.

    Args:
        requests: What an overlay, a layer or an analysis answered; nothing: the town alone.
        size: Width and height in pixels.
        view: ``"overview"``, ``"top"``, ``"iso"``, or a viewpoint.
        instant: Date and time for the sun; None: a summer morning.

    Raises:
        PluginError: The requests are not what the contract promises.
    """
    from twinviewer.scene.offscreen import render  # VTK takes longer to import than all the rest
    from twinviewer.scene.picture import read_picture

    layers = town_layers()
    session = Session()
    for spec, data in layers:
        session.store.put(spec.id, data)
    middle = (WEST + SIDE_M / 2, SOUTH + SIDE_M / 2, 0.0)
    session.do(AddLayers(layers=tuple(spec for spec, _ in layers), crs=CRS, origin=middle))
    with tempfile.TemporaryDirectory(prefix="twinviewer-picture-") as folder:
        path = Path(folder, "picture.png")
        drawn = {"plugin.under-test": checked_requests(list(requests))}
        render(session, path, size=size, view=view, instant=instant, overlays=drawn)
        return read_picture(path)

"""The window's part of ``--self-check``: open the demo city with its overlays and look at what is on the screen."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PySide6.QtCore import QEventLoop

from twinviewer.app.problems import Problem
from twinviewer.scene.picture import pixels_of
from twinviewer.ui.application import Program, make_application

WITHIN_S = 180.0
_LOOK_EVERY_MS = 50


def show_demo(buildings: int) -> tuple[NDArray[np.uint8], Sequence[Problem]]:
    """Open a window on a demo city of that size.

    Returns:
        What the view shows once everything is there, (rows, columns, 3), and the problems that were found.

    Raises:
        TimeoutError: Not everything was there within three minutes.
    """
    application = make_application()
    program = Program()
    window = program.window
    try:
        window.show()
        window.projects.open_demo(buildings)
        until = time.monotonic() + WITHIN_S
        session = window.services.session
        while not (session.project.layers and window.is_settled):
            if time.monotonic() > until:
                raise TimeoutError("the demo city did not appear")
            application.processEvents(QEventLoop.ProcessEventsFlag.AllEvents, _LOOK_EVERY_MS)
            time.sleep(_LOOK_EVERY_MS / 1000)
        return pixels_of(window.scene.window), program.problems.problems
    finally:
        program.end()

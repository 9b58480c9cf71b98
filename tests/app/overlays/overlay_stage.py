"""An overlay runner on a session, with clocks that the test moves."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from tests.app.live_plugins import session_with
from tests.live.wall_clock import Wall
from twinviewer.app.jobs import CallQueue, JobRunner
from twinviewer.app.overlays.running import SETTLE_S, OverlayPicture, OverlayRunner
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.live.clock import Clock
from twinviewer.model.drawing import Labels


class Stage:
    """Everything that an overlay needs; ``stop`` ends its threads."""

    def __init__(self, folder: Path, *overlay_ids: str) -> None:
        self.registry = PluginRegistry(folders=[folder])
        self.session = session_with(*overlay_ids)
        self.wall = Wall()
        self.seconds = 0.0
        self.clock = Clock(wall=self.wall)
        self.calls = CallQueue()
        self.jobs = JobRunner(self.calls.put)
        self.pool = WorkerPool(size=1)
        self.runner = OverlayRunner(
            registry=self.registry,
            session=self.session,
            clock=self.clock,
            jobs=self.jobs,
            shapes=ShapeFiles(Sources(registry=self.registry, pool=self.pool)),
            wall=self.wall,
            monotonic=lambda: self.seconds,
        )

    def wait(self, seconds: float) -> None:
        self.wall.wait(seconds)
        self.seconds += seconds

    def settle(self) -> None:
        """Let so much time pass that the site is taken."""
        self.pictures()
        self.wait(SETTLE_S + 0.01)
        self.pictures()

    def pictures(self) -> Mapping[str, OverlayPicture]:
        return self.runner.requests(self.clock.now())

    def frame(self, overlay_id: str = "it.it") -> OverlayPicture:
        return self.pictures()[overlay_id]

    def shows(self, instant: datetime, overlay_id: str = "it.it") -> bool:
        """Return whether the overlay shows the value of that second."""
        return self.text(overlay_id) == f"{int(instant.timestamp())}"

    def text(self, overlay_id: str = "it.it") -> str:
        """Return the one label that the overlay shows; empty where it shows none."""
        requests = self.frame(overlay_id).requests
        (text,) = [label for each in requests if isinstance(each, Labels) for label in each.texts] or [""]
        return text

    def stop(self) -> None:
        self.runner.stop()
        self.registry.close()
        self.jobs.close(timeout_s=0.1)
        self.pool.close()

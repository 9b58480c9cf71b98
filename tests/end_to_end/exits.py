"""R19: open the window with a city, floating panels and live overlays, and end; again and again, in every way.

``python -m tests.end_to_end.exits 200`` is what ``make soak`` runs.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import laspy
import numpy as np

from tests.crowding import crowding
from tests.scene import small_city

ROOT = Path(__file__).resolve().parents[2]
LONGEST_END_S = 3.0
"""On a machine that has no more to do than it has processors; on a crowded one in proportion."""

PROGRAM = """
import sys, time
from dataclasses import replace
from pathlib import Path
from PySide6.QtCore import QTimer
from tests.scene import small_city
from twinviewer.app.commands import AddLayers, SetOverlay
from twinviewer.model.project import OverlaySpec
from twinviewer.ui.application import Program, make_application

way, points = sys.argv[1], Path(sys.argv[2])
application = make_application()
program = Program()
window, session = program.window, program.session
window.resize(900, 600)
window.show()
layers = {"buildings": small_city.town(), "streets": small_city.streets(), "ground": small_city.hills()}
for name, data in layers.items():
    session.store.put(name, data)
specs = tuple(replace(small_city.spec_of(name, data), role=name) for name, data in layers.items())
session.do(AddLayers(layers=specs, crs=small_city.CRS, origin=small_city.ORIGIN))
for overlay in program.registry.overlays:
    session.do(SetOverlay(overlay=OverlaySpec(id=overlay.id)))
window.document.began(None)  # saved, as far as anybody asks
for name in ("layers", "inspector", "problems", "log"):
    window.docks.docks[name].setFloating(True)
    window.docks.docks[name].show()
window.closed.connect(application.quit)


def begin_the_end():
    window.viewport.navigator.turn_slowly(20)
    if way == "close while reading":
        window.projects.open([points], crs=small_city.CRS)
    elif way == "close while presenting":
        window.views.keep_view("here")
        window.document.began(None)
        window.commands.run("view.presentation")
    QTimer.singleShot(200, end)


def end():
    print(time.time(), flush=True)
    if way == "command":
        window.commands.run("file.quit")
    elif way == "close twice":
        window.close()
        window.close()
    elif way == "quit without closing":
        application.quit()
    elif way == "end before quit":
        program.end()
        application.quit()
    else:
        window.close()


def look():
    live = [facts for facts in window.live.overlays if facts.state == "simulated"]
    if window.is_settled and len(live) == len(program.registry.overlays) or time.monotonic() > latest:
        timer.stop()
        begin_the_end()


latest = time.monotonic() + 10
timer = QTimer()
timer.timeout.connect(look)
timer.start(50)
status = application.exec()
program.end()
sys.exit(status)
"""
WAYS = (
    "close",
    "command",
    "close twice",
    "quit without closing",
    "end before quit",
    "close while reading",
    "close while presenting",
)


def write_points(path: Path) -> None:
    """Write a LAS file that takes a while to read."""
    las = laspy.create(point_format=1, file_version="1.2")
    las.header.offsets, las.header.scales = small_city.ORIGIN, [0.01] * 3
    along = np.linspace(0, 100, 2_000_000)
    las.x, las.y, las.z = (along + start for start in small_city.ORIGIN)
    las.write(path)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    way: str
    status: int
    stderr: str
    seconds: float
    crowding: float
    """Threads that want to run, per processor; at least 1."""

    @property
    def is_clean(self) -> bool:
        return self.status == 0 and self.stderr == "" and self.seconds <= LONGEST_END_S * self.crowding


def run_and_end(*, times: int, ways: Sequence[str] = WAYS) -> list[Ending]:
    """Start the program ``times`` times, ending it in each of ``ways`` in turn."""
    endings = []
    with tempfile.TemporaryDirectory() as folder:
        points = Path(folder) / "points.las"
        write_points(points)
        environment = {**os.environ, "TWINVIEWER_PROFILE_DIR": str(Path(folder) / "profile")}
        (Path(folder) / "profile").mkdir()
        for number in range(times):
            way = ways[number % len(ways)]
            run = subprocess.run(
                [sys.executable, "-c", PROGRAM, way, str(points)],
                cwd=ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=120,
            )
            ended = time.time()
            began = float(run.stdout) if run.stdout else 0.0
            endings.append(
                Ending(way=way, status=run.returncode, stderr=run.stderr, seconds=ended - began, crowding=crowding())
            )
    return endings


if __name__ == "__main__":
    endings = run_and_end(times=int(sys.argv[1]))
    bad = [ending for ending in endings if not ending.is_clean]
    slowest = max(ending.seconds for ending in endings)
    sys.stdout.write(f"R19: {len(endings)} ends, {len(bad)} unclean, the slowest took {slowest:.2f} s\n")
    for ending in bad[:5]:
        sys.stdout.write(f"{ending}\n")
    sys.exit(bool(bad))

"""R19: open a window with a view, draw, end; again and again, in every way a program ends.

``python -m tests.end_to_end.exits 200`` is what ``make soak`` runs.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LONGEST_END_S = 3.0

PROGRAM = """
import sys, time
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QApplication, QDockWidget, QLabel, QMainWindow
from tests.ui.fake_scene import BoxScene
from twinviewer.ui.viewport import Viewport

way = sys.argv[1]
app = QApplication([])

class Window(QMainWindow):
    def __init__(self):
        super().__init__()
        self.viewport = Viewport(self)
        self.setCentralWidget(self.viewport)
        dock = QDockWidget("Layers", self)
        dock.setWidget(QLabel("layers"))
        self.addDockWidget(Qt.DockWidgetArea.LeftDockWidgetArea, dock)
        dock.setFloating(True)
        self.viewport.set_scene(BoxScene(self.viewport, self.viewport.picture_size()))

    def closeEvent(self, event):
        self.viewport.close()
        super().closeEvent(event)

window = Window()
window.resize(400, 300)
window.show()
window.viewport.navigator.turn_slowly(20)

def end():
    print(time.time(), flush=True)
    if way == "close":
        window.close()
        app.quit()
    elif way == "close twice":
        window.viewport.close()
        window.close()
        app.quit()
    elif way == "delete":
        window.viewport.close()
        window.deleteLater()
        QTimer.singleShot(0, app.quit)
    else:
        app.quit()

QTimer.singleShot(150, end)
code = app.exec()
if way == "quit":
    window.close()
sys.exit(code)
"""
WAYS = ("close", "close twice", "delete", "quit")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    way: str
    status: int
    stderr: str
    seconds: float

    @property
    def is_clean(self) -> bool:
        return self.status == 0 and self.stderr == "" and self.seconds <= LONGEST_END_S


def run_and_end(*, times: int, ways: Sequence[str] = WAYS) -> list[Ending]:
    """Start the program ``times`` times, ending it in each of ``ways`` in turn."""
    endings = []
    for number in range(times):
        way = ways[number % len(ways)]
        run = subprocess.run(
            [sys.executable, "-c", PROGRAM, way], cwd=ROOT, capture_output=True, text=True, timeout=120
        )
        ended = time.time()
        began = float(run.stdout) if run.stdout else 0.0
        endings.append(Ending(way=way, status=run.returncode, stderr=run.stderr, seconds=ended - began))
    return endings


if __name__ == "__main__":
    endings = run_and_end(times=int(sys.argv[1]))
    bad = [ending for ending in endings if not ending.is_clean]
    slowest = max(ending.seconds for ending in endings)
    sys.stdout.write(f"R19: {len(endings)} ends, {len(bad)} unclean, the slowest took {slowest:.2f} s\n")
    for ending in bad[:5]:
        sys.stdout.write(f"{ending}\n")
    sys.exit(bool(bad))

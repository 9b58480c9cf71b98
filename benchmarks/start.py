"""From the command to the first frame of the window, against importing what any such program must import."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.rows import Row, interleaved_s, process_s

TIMES = 5

_OURS = """
from PySide6.QtCore import QEvent, QObject, QTimer
from twinviewer.ui.application import Program, make_application

application = make_application()
program = Program()

class FirstPaint(QObject):
    def eventFilter(self, watched, event):
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            QTimer.singleShot(0, seen)
        return False

def seen():
    print("seen", flush=True)
    application.quit()

filter = FirstPaint()
program.window.installEventFilter(filter)
program.window.show()
application.exec()
program.end()
"""
_IMPORTS = """
import PySide6.QtWidgets
import pyvista
import pyvistaqt
print("imported", flush=True)
"""
_BARE_WINDOW = """
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication, QMainWindow
import pyvista
import pyvistaqt

application = QApplication([])
window = QMainWindow()
view = pyvistaqt.QtInteractor(window, auto_update=False)
window.setCentralWidget(view)
view.add_mesh(pyvista.Cube())
window.resize(1440, 900)
window.show()

def seen():
    view.grab()
    print("seen", flush=True)
    view.close()
    window.close()
    application.quit()

QTimer.singleShot(0, seen)
application.exec()
"""


def rows() -> Iterator[Row]:
    process_s(_IMPORTS)  # the disk's cache is warm for all
    ours_s, imports_s = interleaved_s(lambda: process_s(_OURS), lambda: process_s(_IMPORTS), times=TIMES)
    yield Row(
        title="start to the first frame",
        ours_s=ours_s,
        peer="importing PySide6, pyvista and pyvistaqt",
        peer_s=imports_s,
        target=1.6,
    )
    ours_s, bare_s = interleaved_s(lambda: process_s(_OURS), lambda: process_s(_BARE_WINDOW), times=TIMES)
    yield Row(
        title="start to the first frame",
        ours_s=ours_s,
        peer="a bare pyvistaqt window with a cube",
        peer_s=bare_s,
        target=1.5,
    )

"""U5: while files come in, the window answers: its thread is never away for more than 100 ms.

The window is hidden meanwhile: how long a frame takes is a matter of the machine's graphics, which here the processor
stands in for.
"""

from __future__ import annotations

import time

import pytest
from PySide6.QtCore import QTimer

from tests.crowding import crowding
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import Project

LONGEST_GAP_S = 0.1
TRIES = 3
"""The best counts: now and then the system itself holds a thread back for longer than that."""
DUTCH = ReferenceSystem(horizontal="EPSG:28992")
FILES = (
    "laz/ahn3_delft_cropped_1.laz",
    "citygml/1.0/berlin_open_data_sample_data.citygml",
    "gpkg/bubenec.gpkg",
    "mesh/delft_testarea.obj",
)


class Heartbeat:
    """Beats as often as the window's thread is free, and remembers the longest pause.

    Where the machine has more to do than it has processors, every thread waits for longer than 100 ms, whatever it
    does; there the pause is counted in the thread's own processor time.
    """

    def __init__(self) -> None:
        self._now = time.thread_time if crowding() > 1 else time.monotonic
        self.longest_s = 0.0
        self._last = self._now()
        self._timer = QTimer()
        self._timer.timeout.connect(self._beat)
        self._timer.start(0)

    def _beat(self) -> None:
        now = self._now()
        self.longest_s = max(self.longest_s, now - self._last)
        self._last = now

    def stop(self) -> float:
        self._timer.stop()
        self._beat()
        return self.longest_s


def longest_gap_s(program, qtbot, begin, *, layers: int) -> float:
    """Have ``begin`` open at least so many layers, and return the longest time that the window's thread was away."""
    program.window.services.opener.replace_document(Project())
    qtbot.wait(300)  # what belongs to the project before has gone
    heartbeat = Heartbeat()
    begin()
    opener = program.window.services.opener
    qtbot.waitUntil(
        lambda: len(program.session.project.layers) >= layers and not opener.is_busy and program.window.is_settled,
        timeout=90_000,
    )
    return heartbeat.stop()


def require_short_gaps(program, qtbot, begin, *, layers: int) -> None:
    program.window.show_view()
    qtbot.wait(200)
    program.window.hide()
    gaps: list[float] = []
    while len(gaps) < TRIES:
        gaps.append(longest_gap_s(program, qtbot, begin, layers=layers))
        if gaps[-1] <= LONGEST_GAP_S:
            return
    pytest.fail(f"the window was away for {', '.join(f'{gap * 1000:.0f}' for gap in gaps)} ms")


@pytest.mark.data
def test_the_window_answers_within_100_ms_while_files_of_four_formats_are_read(program, qtbot, city_data):
    paths = [city_data / name for name in FILES]
    require_short_gaps(program, qtbot, lambda: program.window.projects.open(paths, crs=DUTCH), layers=len(FILES))


def test_the_window_answers_within_100_ms_while_the_demo_city_is_made_and_opened(program, qtbot):
    require_short_gaps(program, qtbot, lambda: program.window.projects.open_demo(300), layers=8)

"""The status bar: jobs on the left; problems, coordinates, scale, preset and reference system on the right."""

from __future__ import annotations

import math

from PySide6.QtCore import QEvent, QLocale, QObject, Qt, Signal
from PySide6.QtWidgets import QLabel, QPushButton, QStatusBar, QWidget

from twinviewer.model.project import Viewpoint
from twinviewer.ui.jobs_bar import JobsBar

HEIGHT_PX = 28
"""Enough for a job with its Cancel: nothing above may jump when one begins."""


def coordinates_text(position: tuple[float, float, float] | None) -> str:
    """Return a position as planners write it: east, north, height."""
    if position is None:
        return ""
    locale = QLocale()
    x, y, z = (locale.toString(value, "f", 2) for value in position)
    return f"E {x}   N {y}   H {z} m"


def copied_coordinates(position: tuple[float, float, float]) -> str:
    """Return a position for other programs: dots, commas, two decimals."""
    return ", ".join(f"{value:.2f}" for value in position)


def scale_text(viewpoint: Viewpoint, height_px: int, dots_per_mm: float) -> str:
    """Return the scale in the middle of the picture, rounded to two digits: ``"1 : 2,500"``.

    Args:
        viewpoint: Where the camera is.
        height_px: Height of the picture in logical pixels.
        dots_per_mm: Logical pixels per millimetre of the screen.
    """
    if viewpoint.parallel:
        metres = viewpoint.parallel_height_m
    else:
        distance = math.dist(viewpoint.position, viewpoint.target)
        metres = 2 * distance * math.tan(math.radians(viewpoint.view_angle_deg) / 2)
    shown_m = height_px / dots_per_mm / 1000
    if metres <= 0 or shown_m <= 0:
        return ""
    ratio = metres / shown_m
    digits = max(0, math.floor(math.log10(ratio)) - 1)
    rounded = round(ratio / 10**digits) * 10**digits
    return f"1 : {QLocale().toString(rounded)}"


class StatusBar(QStatusBar):
    """Shows facts; the buttons ask for a choice."""

    preset_asked = Signal()
    crs_asked = Signal()
    problems_asked = Signal()

    def __init__(self, jobs: JobsBar, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self.coordinates = QLabel()
        self.coordinates.setAccessibleName("Coordinates under the cursor")
        self.coordinates.setMinimumHeight(HEIGHT_PX)
        self.coordinates.setMinimumWidth(
            self.fontMetrics().horizontalAdvance("E 00,000,000.00   N 0,000,000.00   H 0000.00 m")
        )
        self.coordinates.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.scale = QLabel()
        self.scale.setAccessibleName("Scale")
        self.scale.setMinimumWidth(self.fontMetrics().horizontalAdvance("1 : 000,000") + 16)
        self.scale.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        self.problems = _flat("Problems", "Show the list of problems (Ctrl+5).")
        self.problems.clicked.connect(self.problems_asked)
        self.problems.hide()
        self.preset = _flat("Render preset", "How the scene is drawn.")
        self.preset.clicked.connect(self.preset_asked)
        self.crs = _flat("Reference system", "The project's coordinate reference system.")
        self.crs.clicked.connect(self.crs_asked)
        self._jobs = jobs
        self.addWidget(jobs)
        jobs.installEventFilter(self)
        self.messageChanged.connect(self._keep_clear)
        for widget in (self.problems, self.coordinates, self.scale, self.preset, self.crs):
            self.addPermanentWidget(widget)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Show:
            self._keep_clear()
        return super().eventFilter(watched, event)

    def _keep_clear(self, _message: str = "") -> None:
        """Take back a hint about a menu entry while jobs run: it would be drawn over them."""
        if self._jobs.rows and self.currentMessage():
            self.clearMessage()

    def show_position(self, position: tuple[float, float, float] | None) -> None:
        self.coordinates.setText(coordinates_text(position))

    def show_crs(self, name: str, tooltip: str) -> None:
        self.crs.setText(name or "No reference system")
        self.crs.setToolTip(tooltip or "The first layer sets it.")
        self.crs.setAccessibleName(f"Reference system: {name or 'none yet'}")

    def show_preset(self, name: str) -> None:
        self.preset.setText(name)
        self.preset.setAccessibleName(f"Render preset: {name}")

    def show_problem_count(self, count: int) -> None:
        self.problems.setVisible(count > 0)
        self.problems.setText(f"{count} problem" + ("" if count == 1 else "s"))
        self.problems.setAccessibleName(f"{self.problems.text()}: show the list")


def _flat(name: str, tooltip: str) -> QPushButton:
    button = QPushButton()
    button.setFlat(True)
    button.setAccessibleName(name)
    button.setToolTip(tooltip)
    button.setStyleSheet("padding: 3px 8px;")
    return button

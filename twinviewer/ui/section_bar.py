"""The bar over the view that moves a section through the city."""

from __future__ import annotations

from dataclasses import replace

from PySide6.QtCore import QEvent, QObject, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QFrame,
    QHBoxLayout,
    QLabel,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.sectioning import MovingSection, Orientation
from twinviewer.ui.look import Look

STEPS = 1000
MARGIN_PX = 14
_OWN_KEYS = (Qt.Key.Key_Home, Qt.Key.Key_End, Qt.Key.Key_Space, Qt.Key.Key_Escape)
TITLES = {
    Orientation.LEVEL: "Level",
    Orientation.NORTH_SOUTH: "North–south",
    Orientation.EAST_WEST: "East–west",
    Orientation.FACING: "Facing the camera",
}


class SectionBar(QFrame):
    """Lies in the upper left corner of the view; shows one section and asks for others."""

    moved = Signal(object)
    """The new :class:`MovingSection`."""
    orientation_asked = Signal(object)
    """The :class:`Orientation`."""
    close_asked = Signal()

    def __init__(self, look: Look, over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("palette")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._section: MovingSection | None = None
        self.orientation = QComboBox()
        self.orientation.setAccessibleName("Direction of the section")
        self.orientation.setToolTip(
            "How the cut lies. Facing the camera: upright, across the line of sight as it is now."
        )
        self.orientation.addItems(list(TITLES.values()))
        self.orientation.activated.connect(self._choose_orientation)
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName("Position of the section")
        self.slider.setRange(0, STEPS)
        self.slider.setPageStep(STEPS // 20)
        self.slider.setMinimumWidth(90)
        self.slider.valueChanged.connect(self._slide)
        self.position = QDoubleSpinBox()
        self.position.setAccessibleName("Position of the section in metres")
        self.position.setDecimals(1)
        self.position.setSingleStep(0.5)
        self.position.setSuffix(" m")
        self.position.setKeyboardTracking(False)
        self.position.valueChanged.connect(lambda value: self._move(at_m=value))
        self.flip = look.button("flip-vertical-2", "Cut the other side", tooltip="Cut away the other side.")
        self.flip.clicked.connect(self._flip)
        self.ground = QCheckBox("Ground")
        self.ground.setToolTip("Cut the terrain and what lies on it, too.")
        self.ground.toggled.connect(lambda cuts: self._move(cuts_ground=cuts))
        self.close_button = look.button("x", "Close the section", tooltip="Show everything whole again.")
        self.close_button.clicked.connect(self.close_asked)
        self._title = QLabel("Section")
        self._title.setObjectName("subheading")
        first, second = QHBoxLayout(), QHBoxLayout()
        first.addWidget(self._title)
        first.addWidget(self.orientation, 1)
        for widget in (self.flip, self.ground, self.close_button):
            first.addWidget(widget)
        second.addWidget(self.slider, 1)
        second.addWidget(self.position)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 6, 6, 8)
        layout.setSpacing(6)
        layout.addLayout(first)
        layout.addLayout(second)
        over.installEventFilter(self)
        self.hide()

    def show_section(self, section: MovingSection | None) -> None:
        """Show where a section is; None: hide."""
        self._section = section
        if section is None:
            self.hide()
            return
        low, high = section.ends_m
        with QSignalBlocker(self.orientation), QSignalBlocker(self.slider), QSignalBlocker(self.position):
            self.orientation.setCurrentIndex(tuple(TITLES).index(section.orientation))
            self.position.setRange(min(low, section.at_m), max(high, section.at_m))
            self.position.setValue(section.at_m)
            share = (section.at_m - low) / (high - low) if high > low else 0.0
            self.slider.setValue(round(share * STEPS))
        with QSignalBlocker(self.ground):
            self.ground.setChecked(section.cuts_ground)
        what = "Height of the cut." if section.orientation is Orientation.LEVEL else "Distance from where it begins."
        self.position.setToolTip(what)
        self.slider.setToolTip(what)
        self.show()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def event(self, event: QEvent) -> bool:
        """Leave to sliders and boxes the keys that are theirs, before the view takes them for its own commands."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and event.key() in _OWN_KEYS:
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        if event.key() == Qt.Key.Key_Escape:
            self.close_asked.emit()
            return
        event.accept()  # the view under it has keys of its own

    def _slide(self, step: int) -> None:
        if self._section is not None:
            low, high = self._section.ends_m
            self._move(at_m=low + (high - low) * step / STEPS)

    def _choose_orientation(self, row: int) -> None:
        self.orientation_asked.emit(tuple(TITLES)[row])

    def _flip(self) -> None:
        if self._section is not None:
            self._move(flipped=not self._section.flipped)

    def _move(self, **changes: float) -> None:
        if self._section is not None:
            moved = replace(self._section, **changes)  # type: ignore[arg-type]
            self.show_section(moved)
            self.moved.emit(moved)

    def _place(self) -> None:
        over = self.parentWidget()
        if over is not None and not self.isHidden():
            self.resize(self.sizeHint())
            self.move(MARGIN_PX, MARGIN_PX)
            self.raise_()

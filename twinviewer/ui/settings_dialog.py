"""What a person can choose for the program itself."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from zoneinfo import available_timezones

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.settings import Settings

THEMES = (("system", "As the system"), ("light", "Light"), ("dark", "Dark"), ("high-contrast", "High contrast"))
NAVIGATIONS = (("map", "Map: left drag moves the ground"), ("orbit", "Orbit: middle drag turns around the target"))
LANGUAGES = (("en", "English"), ("de", "Deutsch"))


class SettingsDialog(QDialog):
    """Shows settings; :attr:`settings` is what was chosen."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self.setMinimumWidth(460)
        self._before = settings
        self.theme = _choice("Theme", THEMES, settings.theme)
        self.navigation = _choice("Navigation", NAVIGATIONS, settings.navigation)
        self.language = _choice("Language of explanations", LANGUAGES, settings.language)
        self.reduce_motion = QCheckBox("Reduce motion: no flights, no coasting")
        self.reduce_motion.setChecked(settings.reduce_motion)
        self.point_budget = QSpinBox()
        self.point_budget.setAccessibleName("Laser points in memory")
        self.point_budget.setRange(1, 100)
        self.point_budget.setSuffix(" million per layer")
        self.point_budget.setValue(max(1, settings.point_budget // 1_000_000))
        self.cache_gb = QSpinBox()
        self.cache_gb.setAccessibleName("Kept of opened files")
        self.cache_gb.setRange(0, 1000)
        self.cache_gb.setSuffix(" GB on the disk")
        self.cache_gb.setSpecialValueText("Nothing")
        self.cache_gb.setValue(settings.cache_gb)
        zones = [("", "This computer's"), *((zone, zone) for zone in sorted(available_timezones()))]
        self.time_zone = _choice("Time zone", zones, settings.time_zone)
        self.time_zone.setMaxVisibleItems(15)
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("Theme", self.theme)
        form.addRow("Navigation", self.navigation)
        form.addRow("", self.reduce_motion)
        form.addRow("Time zone", self.time_zone)
        form.addRow("Laser points", self.point_budget)
        form.addRow("Kept of opened files", self.cache_gb)
        form.addRow("Explanations", self.language)
        note = QLabel(
            "The number of laser points applies to layers that are opened from now on. What is kept of opened files "
            "lets them open at once the next time; the command “Clear cache” removes it."
        )
        note.setObjectName("hint")
        note.setWordWrap(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addLayout(form)
        layout.addWidget(note)
        layout.addWidget(buttons)

    @property
    def settings(self) -> Settings:
        return replace(
            self._before,
            theme=self.theme.currentData(),
            navigation=self.navigation.currentData(),
            language=self.language.currentData(),
            reduce_motion=self.reduce_motion.isChecked(),
            point_budget=self.point_budget.value() * 1_000_000,
            cache_gb=self.cache_gb.value(),
            time_zone=self.time_zone.currentData(),
        )


def _choice(name: str, entries: Any, current: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    for value, text in entries:
        made.addItem(text, value)
    made.setCurrentIndex(max(0, made.findData(current)))
    return made

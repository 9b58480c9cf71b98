"""The settings of one plugin, as a form made from its manifest."""

from __future__ import annotations

from collections.abc import Mapping

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QDialogButtonBox,
    QFrame,
    QLabel,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.plugins.manifest import Manifest
from twinviewer.app.plugins.settings import Value
from twinviewer.ui.parameter_form import ParameterForm

WIDTH_PX = 520


class PluginSettingsDialog(QDialog):
    """Shows what is chosen and asks for it to be kept; stays open until that worked.

    Args:
        manifest: The plugin's.
        values: What is chosen, secrets aside.
        kept_secrets: Keys of the secrets that are in the keyring.
        parent: The window.
    """

    save_asked = Signal(dict)
    """Values by key, as :meth:`PluginRegistry.save_settings` takes them."""

    def __init__(
        self,
        manifest: Manifest,
        values: Mapping[str, Value],
        *,
        kept_secrets: frozenset[str] = frozenset(),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._manifest, self._kept_secrets = manifest, kept_secrets
        self.setWindowTitle(f"Settings of {manifest.name}")
        self.setMinimumWidth(WIDTH_PX)
        self.forget: dict[str, QCheckBox] = {}
        for each in manifest.settings:
            if each.key in kept_secrets:
                self.forget[each.key] = QCheckBox(f"Forget the kept “{each.title}”".replace("&", "&&"))
        self._area = QScrollArea()
        self._area.setWidgetResizable(True)
        self._area.setFrameShape(QFrame.Shape.NoFrame)
        self._area.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.message = QLabel()
        self.message.setObjectName("error")
        self.message.setWordWrap(True)
        self.message.setTextFormat(Qt.TextFormat.PlainText)
        standard = QDialogButtonBox.StandardButton
        self.buttons = QDialogButtonBox(standard.Ok | standard.Cancel | standard.RestoreDefaults)
        self.buttons.accepted.connect(self._ask)
        self.buttons.rejected.connect(self.reject)
        defaults = self.buttons.button(standard.RestoreDefaults)
        defaults.setText("Defaults")
        defaults.setToolTip("Show the plugin's own choices; nothing is kept before OK.")
        defaults.clicked.connect(lambda: self._show({}))
        layout = QVBoxLayout(self)
        layout.setSpacing(12)
        layout.addWidget(self._area, 1)
        for box in self.forget.values():
            layout.addWidget(box)
        layout.addWidget(self.message)
        layout.addWidget(self.buttons)
        self.message.hide()
        self._show(values)

    def show_error(self, text: str) -> None:
        """Say why it could not be kept, and let the person go on."""
        self.message.setText(text)
        self.message.show()
        self.setEnabled(True)

    def _show(self, values: Mapping[str, Value]) -> None:
        self.form = ParameterForm(self._manifest.settings, values, kept_secrets=self._kept_secrets)
        self.form.changed.connect(self._look)
        body = QWidget()
        column = QVBoxLayout(body)
        column.setContentsMargins(0, 0, 8, 0)
        column.addWidget(self.form)
        column.addStretch(1)
        self._area.setWidget(body)
        self._area.setMinimumHeight(min(480, body.sizeHint().height() + 4))
        self._look()

    def _look(self) -> None:
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(not self.form.faults)

    def _ask(self) -> None:
        values = self.form.values
        for key, box in self.forget.items():
            if box.isChecked():
                values[key] = ""
        self.message.hide()
        self.setEnabled(False)
        self.save_asked.emit(values)

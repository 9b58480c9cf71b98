"""Asks for the parameters of an analysis."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QVBoxLayout, QWidget

from twinviewer.app.plugins.manifest import AnalysisContribution, Parameter
from twinviewer.ui.parameter_form import ParameterForm, Value


class AnalysisDialog(QDialog):
    """One analysis: what it does, its parameters, Run.

    Args:
        analysis: Which it is.
        plugin: Name of the plugin that brings it.
        values: What was chosen the last time.
        layers: The (id, title) of the layers that a parameter of the type ``layer`` may be.
        parent: The window.
    """

    def __init__(
        self,
        analysis: AnalysisContribution,
        *,
        plugin: str,
        values: Mapping[str, Value],
        layers: Callable[[Parameter], Sequence[tuple[str, str]]],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle(analysis.title)
        self.setMinimumWidth(460)
        about = QLabel(" ".join(part for part in (analysis.description, f"From the plugin “{plugin}”.") if part))
        about.setWordWrap(True)
        about.setTextFormat(Qt.TextFormat.PlainText)
        self.form = ParameterForm(analysis.parameters, values, layers=layers)
        self.form.changed.connect(self._show_whether_it_can_run)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.run = self.buttons.addButton("Run", QDialogButtonBox.ButtonRole.AcceptRole)
        self.run.setDefault(True)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(14)
        layout.addWidget(about)
        layout.addWidget(self.form)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self._show_whether_it_can_run()

    @property
    def values(self) -> dict[str, Value]:
        """What was chosen, by key."""
        return self.form.values

    def _show_whether_it_can_run(self) -> None:
        self.run.setEnabled(not self.form.faults)

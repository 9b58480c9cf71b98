"""All there is to know about one plugin: what it is, what it may do, how it fares, what it contributes."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QLabel, QPushButton, QScrollArea, QVBoxLayout, QWidget

from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.health import ContributionHealth, PluginHealth, PluginState
from twinviewer.app.plugins.permission_words import permissions_in_words
from twinviewer.ui.inspector import value_text

_READ_ONLY = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class PluginDetails(QScrollArea):
    """Shows one plugin; asks for consent, and for another chance of what was switched off."""

    consent_asked = Signal()
    settings_asked = Signal()
    switch_on_asked = Signal(str)
    """Contribution id."""

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("About the plugin")
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.name, self.facts, self.description = _label("cardTitle"), _label("muted"), _label()
        self.notice = QFrame()
        self.about_state = _label("warning")
        self.allow = QPushButton("Allow")
        self.allow.setToolTip("Let it do what it asks for.")
        self.allow.clicked.connect(self.consent_asked)
        self.choose_settings = QPushButton("Settings…")
        self.choose_settings.clicked.connect(self.settings_asked)
        row = QHBoxLayout(self.notice)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(self.about_state, 1)
        row.addWidget(self.allow)
        row.addWidget(self.choose_settings)
        self.asks_for, self.refusals, self.last_error = _label(), _label("error"), _label("error")
        self.health = _Pairs()
        self.contributions = QWidget()
        self._contributions = QGridLayout(self.contributions)
        self._contributions.setContentsMargins(0, 0, 0, 0)
        self._contributions.setHorizontalSpacing(12)
        self._contributions.setVerticalSpacing(4)
        self._contributions.setColumnStretch(0, 1)
        self._shown: tuple[ContributionHealth, ...] | None = None
        body = QWidget()
        layout = QVBoxLayout(body)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(5)
        for label in (self.name, self.facts, self.description):
            layout.addWidget(label)
        layout.addWidget(self.notice)
        sections: tuple[tuple[str, tuple[QWidget, ...]], ...] = (
            ("What it may do", (self.asks_for, self.refusals)),
            ("How it fares", (self.health, self.last_error)),
            ("Contributes", (self.contributions,)),
        )
        for title, widgets in sections:
            heading = _label("subheading")
            heading.setText(title)
            layout.addSpacing(8)
            layout.addWidget(heading)
            for widget in widgets:
                layout.addWidget(widget)
        layout.addStretch(1)
        self.setWidget(body)

    def show_plugin(self, plugin: Plugin, health: PluginHealth) -> None:
        """Show a plugin, touching only what differs."""
        manifest = plugin.manifest
        _show(self.name, manifest.name)
        _show(self.facts, " · ".join(filter(None, (manifest.version, manifest.licence, manifest.homepage, plugin.id))))
        _show(self.description, manifest.description)
        _show(self.about_state, health.about_state)
        self.notice.setVisible(bool(health.about_state))
        self.allow.setVisible(health.state is PluginState.NEEDS_CONSENT)
        self.choose_settings.setVisible(health.state is PluginState.NEEDS_SETTINGS)
        nothing = "What the program may." if plugin.is_trusted else "Nothing beyond its own folder."
        _show(self.asks_for, "\n".join(permissions_in_words(plugin)) or nothing)
        _show(self.refusals, "\n".join(f"Refused: {each}" for each in health.refusals))
        self.health.show_pairs(_health(health))
        _show(self.last_error, health.last_error)
        self._show_contributions(health.contributions)

    def _show_contributions(self, contributions: tuple[ContributionHealth, ...]) -> None:
        if contributions == self._shown:
            return
        self._shown = contributions
        while (item := self._contributions.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.hide()
                gone.deleteLater()
        for each in contributions:
            row = self._contributions.rowCount()
            times = f", {each.failures} failure{'' if each.failures == 1 else 's'}" if each.failures else ""
            title, kind = _label(), _label("muted")
            title.setText(each.title)
            kind.setText(f"{each.kind}{times}")
            self._contributions.addWidget(title, row, 0, Qt.AlignmentFlag.AlignTop)
            kind.setWordWrap(False)
            self._contributions.addWidget(kind, row, 1, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)
            if each.is_off:
                again = QPushButton("Switch on again")
                again.setAccessibleName(f"Switch {each.title} on again")
                again.setToolTip("It is switched off because it kept failing; give it another chance.")
                again.clicked.connect(lambda _checked=False, name=each.id: self.switch_on_asked.emit(name))
                self._contributions.addWidget(again, row + 1, 0, 1, 2, Qt.AlignmentFlag.AlignRight)


def _health(health: PluginHealth) -> list[tuple[str, str]]:
    rows = [("Runs", health.where)]
    process = health.process
    if process is not None:
        rows += [
            ("Processor", f"{process.cpu_percent:.0f} %"),
            ("Memory", f"{value_text(round(process.memory_mb))} MB"),
            ("Messages", f"{process.messages_per_s:.0f} a second"),
        ]
        if process.calls:
            rows.append(("Busy with", ", ".join(process.calls)))
    if health.restarts:
        rows.append(("Started again", f"{health.restarts} time{'' if health.restarts == 1 else 's'}"))
    rows.append(("Failures", value_text(health.failures)))
    return rows


class _Pairs(QWidget):
    """Names on the left, values on the right."""

    def __init__(self) -> None:
        super().__init__()
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(3)
        self._grid.setColumnStretch(1, 1)

    def show_pairs(self, pairs: Sequence[tuple[str, str]]) -> None:
        while len(self._rows) < len(pairs):
            labels = _label("muted"), _label()
            for column, label in enumerate(labels):
                self._grid.addWidget(label, len(self._rows), column, Qt.AlignmentFlag.AlignTop)
            self._rows.append(labels)
        for row, labels in enumerate(self._rows):
            texts = pairs[row] if row < len(pairs) else ("", "")
            for label, text in zip(labels, texts, strict=True):
                _show(label, text)

    @property
    def pairs(self) -> dict[str, str]:
        return {name.text(): value.text() for name, value in self._rows if not name.isHidden()}


def _label(name: str = "") -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)  # it may be anything that a plugin says
    label.setWordWrap(True)
    label.setTextInteractionFlags(_READ_ONLY)
    label.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
    return label


def _show(label: QLabel, text: str) -> None:
    if label.text() != text:
        label.setText(text)
    label.setVisible(bool(text))

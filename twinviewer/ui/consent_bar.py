"""The bar over the view that asks whether a plugin may do what it asks for, without being in the way."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from twinviewer.ui.look import Look


class ConsentBar(QFrame):
    """Asks about one plugin after the other; stays until each is answered."""

    allowed = Signal(str)
    """Plugin id."""
    refused = Signal(str)
    details_asked = Signal(str)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self._look = look
        self._questions: dict[str, str] = {}
        self._is_held = False
        self.picture = QLabel()
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.allow = QPushButton("Allow")
        self.allow.clicked.connect(lambda: self._answer(self.allowed.emit))
        self.not_now = QPushButton("Not now")
        self.not_now.clicked.connect(lambda: self._answer(self.refused.emit))
        self.details = QPushButton("Details")
        self.details.clicked.connect(lambda: self.details_asked.emit(self.plugin_id))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 6)
        layout.setSpacing(10)
        layout.addWidget(self.picture)
        layout.addWidget(self.label, 1)
        for button in (self.details, self.allow, self.not_now):
            layout.addWidget(button)
        look.changed.connect(self._draw)
        self._draw()
        self.hide()

    @property
    def plugin_id(self) -> str:
        """The plugin that is asked about; empty: none."""
        return next(iter(self._questions), "")

    def ask(self, plugin_id: str, question: str) -> None:
        """Ask about a plugin, once those that were first are answered."""
        self._questions[plugin_id] = question
        self._show()

    def withdraw(self, plugin_id: str) -> None:
        """Ask no longer: it was answered elsewhere, or the plugin is gone."""
        if self._questions.pop(plugin_id, None) is not None:
            self._show()

    def hold(self, *, held: bool) -> None:
        """Keep questions back while nobody is there who could answer them, or show them again."""
        self._is_held = held
        self._show()

    def _answer(self, tell: Callable[[str], None]) -> None:
        plugin_id = self.plugin_id
        self.withdraw(plugin_id)
        tell(plugin_id)

    def _show(self) -> None:
        more = len(self._questions) - 1
        others = f" ({more} more {'plugin' if more == 1 else 'plugins'} after this one.)" if more > 0 else ""
        self.label.setText(self._questions.get(self.plugin_id, "") + others)
        self.setVisible(bool(self._questions) and not self._is_held)

    def _draw(self) -> None:
        self.picture.setPixmap(self._look.icon("puzzle").pixmap(20, 20))

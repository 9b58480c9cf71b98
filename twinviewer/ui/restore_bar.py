"""The bar over the view that offers what a crash left behind, without being in the way."""

from __future__ import annotations

from PySide6.QtCore import Signal, SignalInstance
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QWidget

from twinviewer.app.journal import Recovery
from twinviewer.ui.look import Look


def offer_text(recovery: Recovery) -> str:
    """Return the offer in one sentence."""
    count = f"{recovery.layer_count} layer" + ("" if recovery.layer_count == 1 else "s")
    name = recovery.project_path.name if recovery.project_path is not None else "an unsaved project"
    return f"The program did not end well. Restore {name} of {recovery.saved_at.astimezone():%d %b, %H:%M} ({count})?"


class RestoreBar(QFrame):
    """Asks whether to restore; stays until it is answered."""

    restore_asked = Signal(object)
    discard_asked = Signal(object)

    def __init__(self, look: Look, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("bar")
        self._recovery: Recovery | None = None
        picture = QLabel()
        picture.setPixmap(look.icon("history").pixmap(20, 20))
        look.changed.connect(lambda: picture.setPixmap(look.icon("history").pixmap(20, 20)))
        self.label = QLabel()
        self.label.setWordWrap(True)
        self.restore = QPushButton("Restore")
        self.restore.clicked.connect(lambda: self._answer(self.restore_asked))
        self.discard = QPushButton("Start empty")
        self.discard.clicked.connect(lambda: self._answer(self.discard_asked))
        layout = QHBoxLayout(self)
        layout.setContentsMargins(14, 6, 14, 6)
        layout.setSpacing(10)
        layout.addWidget(picture)
        layout.addWidget(self.label, 1)
        layout.addWidget(self.restore)
        layout.addWidget(self.discard)
        self.hide()

    def offer(self, recovery: Recovery) -> None:
        self._recovery = recovery
        self.label.setText(offer_text(recovery))
        self.show()

    def _answer(self, signal: SignalInstance) -> None:
        recovery, self._recovery = self._recovery, None
        self.hide()
        if recovery is not None:
            signal.emit(recovery)

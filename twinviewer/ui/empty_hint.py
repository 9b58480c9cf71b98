"""What the view says while there is nothing to see: what is on its way, or what can be done."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QLabel, QWidget

MARGIN_PX = 40


def empty_text(reading: Sequence[str], jobs: Sequence[str] = ()) -> str:
    """Return the sentence for a view without layers.

    Args:
        reading: Names of the files that are being read.
        jobs: What else is being done.
    """
    if not reading:
        return f"{jobs[0]} …" if jobs else "Nothing to see yet.\nDrop files here, or use File › Open."
    if len(reading) == 1:
        return f"Reading {reading[0]} …"
    return f"Reading {len(reading)} files …"


class EmptyHint(QLabel):
    """Lies in the middle of the view; lets every event through."""

    def __init__(self, over: QWidget) -> None:
        super().__init__(over)
        self.setObjectName("emptyHint")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        over.installEventFilter(self)
        self.hide()

    def show_text(self, text: str) -> None:
        """Show ``text``; nothing where it is empty."""
        if text != self.text():
            self.setText(text)
            self.adjustSize()
        self.setVisible(bool(text))
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        over = self.parentWidget()
        if over is not None and not self.isHidden():
            self.resize(min(self.sizeHint().width(), over.width() - MARGIN_PX), self.sizeHint().height())
            self.move((over.width() - self.width()) // 2, (over.height() - self.height()) // 2)
            self.raise_()

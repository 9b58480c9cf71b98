"""The log panel: the last lines of the log, for whoever looks for a cause."""

from __future__ import annotations

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QShowEvent
from PySide6.QtWidgets import QPlainTextEdit, QVBoxLayout, QWidget

from twinviewer.app.log import RecentLines, recent_lines

LOOK_EVERY_MS = 500


class LogPanel(QWidget):
    """Looks for new lines while it is shown; costs nothing while it is not."""

    def __init__(self, source: RecentLines = recent_lines, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._source = source
        self._seen = 0
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Log")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFrameShape(QPlainTextEdit.Shape.NoFrame)
        self.text.setTabChangesFocus(True)
        self.text.setPlaceholderText("Nothing has been logged yet.")
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.text)
        self._timer = QTimer(self)
        self._timer.setInterval(LOOK_EVERY_MS)
        self._timer.timeout.connect(self.look)

    def look(self) -> None:
        """Show what is new; keep following the end unless the person scrolled up."""
        if self._source.count == self._seen:
            return
        bar = self.text.verticalScrollBar()
        at_end = bar.value() >= bar.maximum() - 2
        self._seen = self._source.count
        self.text.setPlainText("\n".join(self._source.lines))
        if at_end:
            bar.setValue(bar.maximum())

    def showEvent(self, event: QShowEvent) -> None:  # noqa: N802
        super().showEvent(event)
        self.look()
        self._timer.start()

    def hideEvent(self, event: object) -> None:  # noqa: N802
        self._timer.stop()

"""What there is to read about a plugin when something is wrong with it: for its author, or to send to them."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import QTimer
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QPlainTextEdit, QVBoxLayout, QWidget

LOOK_EVERY_MS = 1000


class PluginLogDialog(QDialog):
    """Shows a plugin's log, and what is added to it while the dialog is open.

    Args:
        name: Of the plugin.
        read: Returns the log as it is now.
        parent: The window.
    """

    def __init__(self, name: str, read: Callable[[], str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._read = read
        self.setWindowTitle(f"Log of {name}")
        self.resize(820, 520)
        self.text = QPlainTextEdit()
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Log of the plugin")
        self.text.setFont(QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont))
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setPlaceholderText("It has printed nothing, and nothing went wrong.")
        self.text.setTabChangesFocus(True)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        copy = buttons.addButton("Copy", QDialogButtonBox.ButtonRole.ActionRole)
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.text.toPlainText()))
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text)
        layout.addWidget(buttons)
        timer = QTimer(self)
        timer.setInterval(LOOK_EVERY_MS)
        timer.timeout.connect(self.look)
        timer.start()
        self.look()

    def look(self) -> None:
        """Show what there is now; stay where the person is reading."""
        text = self._read()
        if text == self.text.toPlainText():
            return
        bar = self.text.verticalScrollBar()
        at = bar.value()
        self.text.setPlainText(text)
        bar.setValue(at)

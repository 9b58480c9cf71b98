"""Toasts: short messages at the bottom right of the view, for a few seconds, with what can be done about them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from PySide6.QtCore import QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from twinviewer.model.diagnostics import Severity
from twinviewer.ui.look import Look

SHOWN_MS = 6000
SHOWN_WITH_CHOICES_MS = 12_000
"""With more than one thing to do about it: it takes longer to read."""
MARGIN_PX = 14
MOST = 3
WIDTH_PX = 380
_ICONS = {Severity.INFO: "info", Severity.WARNING: "triangle-alert", Severity.ERROR: "circle-alert"}


class Toast(QFrame):
    """One message."""

    dismissed = Signal()
    """It is about to go: nobody may hold on to it."""

    def __init__(self, text: str, severity: Severity, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("toast")
        self.setAutoFillBackground(True)
        self.text = text
        self.about: object = text
        theme = look.theme
        colour = {Severity.INFO: theme.info, Severity.WARNING: theme.warning, Severity.ERROR: theme.error}[severity]
        picture = QLabel()
        picture.setPixmap(look.icon(_ICONS[severity], colour=colour).pixmap(20, 20))
        self.label = QLabel(text)
        self.label.setWordWrap(True)
        self.label.setTextFormat(Qt.TextFormat.PlainText)
        self.close_button = look.button("x", "Close message")
        self.close_button.clicked.connect(self.dismiss)
        rows = QVBoxLayout(self)
        rows.setContentsMargins(12, 8, 6, 8)
        rows.setSpacing(4)
        self._row, self._below = QHBoxLayout(), QHBoxLayout()
        self._row.setSpacing(10)
        self._below.setContentsMargins(30, 0, 6, 2)
        rows.addLayout(self._row)
        rows.addLayout(self._below)
        self._row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        self._row.addWidget(self.label, 1)
        self._row.addWidget(self.close_button, 0, Qt.AlignmentFlag.AlignTop)
        self.setAccessibleName(text)

    def add_actions(self, actions: Sequence[tuple[str, Callable[[], None]]]) -> None:
        """Offer things to do about it: one beside the text, several below it."""
        for text, do in actions:
            button = QPushButton(text)
            button.clicked.connect(do)
            button.clicked.connect(self.dismiss)
            if len(actions) == 1:
                self._row.insertWidget(2, button)
            else:
                self._below.addWidget(button)
        if len(actions) > 1:
            self._below.addStretch(1)

    def dismiss(self) -> None:
        if not self.isHidden():
            self.hide()
            self.dismissed.emit()
            self.deleteLater()


class Toasts(QObject):
    """Stacks the toasts of one widget; two about the same are never shown together."""

    def __init__(self, over: QWidget, look: Look) -> None:
        super().__init__(over)
        self._over, self._look = over, look
        self.shown: list[Toast] = []
        over.installEventFilter(self)

    def show(
        self,
        text: str,
        *,
        severity: Severity = Severity.INFO,
        action: tuple[str, Callable[[], None]] | None = None,
        actions: Sequence[tuple[str, Callable[[], None]]] = (),
        about: object = None,
    ) -> None:
        """Show a message for some seconds, in place of the one that is shown ``about`` the same; None: of that text."""
        actions = actions or ([action] if action is not None else [])
        subject = text if about is None else about
        for toast in [toast for toast in self.shown if toast.about == subject]:
            toast.dismiss()
        while len(self.shown) >= MOST:
            self.shown[0].dismiss()
        toast = Toast(text, severity, self._look, self._over)
        toast.about = subject
        toast.add_actions(actions)
        self.shown.append(toast)
        toast.dismissed.connect(lambda: self._forget(toast))
        QTimer.singleShot(SHOWN_MS if len(actions) < 2 else SHOWN_WITH_CHOICES_MS, toast, toast.dismiss)
        toast.show()
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _forget(self, toast: Toast) -> None:
        self.shown.remove(toast)
        self._place()

    def _place(self) -> None:
        bottom = self._over.height() - MARGIN_PX
        for toast in reversed(self.shown):
            width = min(WIDTH_PX, self._over.width() - 2 * MARGIN_PX)
            height = max(toast.heightForWidth(width), toast.minimumSizeHint().height())
            toast.setGeometry(self._over.width() - width - MARGIN_PX, bottom - height, width, height)
            toast.raise_()
            bottom -= height + 8

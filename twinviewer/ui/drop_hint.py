"""What a drop will do, told while the files hang over the window."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QLabel, QVBoxLayout, QWidget

from twinviewer.app.sources import PROJECT_SUFFIX
from twinviewer.ui.look import Look

NAMED = 4


def drop_text(paths: Sequence[Path], kinds: Sequence[str | None]) -> str:
    """Return what will happen, in one line.

    Args:
        paths: What hangs over the window.
        kinds: For each path what it becomes (``"point cloud"``), or None where only a look inside will tell.
    """
    projects = [path for path in paths if path.suffix.lower() == PROJECT_SUFFIX]
    if projects:
        return f"Open project {projects[0].stem}"
    known = list(dict.fromkeys(kind for kind in kinds if kind is not None))
    if len(paths) == 1:
        name = paths[0].name
        if known:
            return f"Add {name} as {known[0]}"
        return f"Look into {name} and add what can be read"
    words = ", ".join(known[:NAMED])
    if len(known) > NAMED:
        words += ", …"
    if None in kinds:
        words = f"{words} and others" if words else "look inside and add what can be read"
    return f"Add {len(paths)} files: {words}"


class DropHint(QFrame):
    """Lies over the view while something hangs over the window; lets every event through."""

    def __init__(self, look: Look, parent: QWidget) -> None:
        super().__init__(parent)
        self.setObjectName("dropHint")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAutoFillBackground(True)
        self._look = look
        self._picture = QLabel()
        self._picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.label = QLabel()
        self.label.setObjectName("cardTitle")
        self.label.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.label.setWordWrap(True)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(28, 22, 28, 22)
        layout.setSpacing(10)
        layout.addWidget(self._picture)
        layout.addWidget(self.label)
        self.hide()

    def show_text(self, text: str) -> None:
        above = self.parentWidget()
        assert above is not None
        self._picture.setPixmap(self._look.icon("download", colour=self._look.theme.focus).pixmap(40, 40))
        self.label.setText(text)
        width = min(460, above.width() - 40)
        height = self.heightForWidth(width) if self.hasHeightForWidth() else self.sizeHint().height()
        self.setGeometry((above.width() - width) // 2, (above.height() - height) // 2, width, height)
        self.show()
        self.raise_()

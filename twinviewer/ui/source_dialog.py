"""What a file says of one object, to read and to copy."""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontDatabase, QGuiApplication
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QLabel, QPlainTextEdit, QPushButton, QVBoxLayout, QWidget

from twinviewer.app.source_element import LIMIT_BYTES, SourceElement, read_source_element
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.project import LayerId
from twinviewer.ui.services import Services

SIZE = QSize(760, 560)
TAB_CHARACTERS = 2


class SourceDialog(QDialog):
    """Shows the text; copies all of it, or what is marked."""

    def __init__(self, object_id: str, file_name: str, element: SourceElement, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(f"{object_id} in {file_name}")
        self.resize(SIZE if parent is None else SIZE.boundedTo(parent.size() * 0.9))
        self.text = QPlainTextEdit(element.text)
        self.text.setReadOnly(True)
        self.text.setAccessibleName("Source of the object")
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(self.font().pointSizeF())
        self.text.setFont(font)
        self.text.setTabStopDistance(TAB_CHARACTERS * self.text.fontMetrics().horizontalAdvance(" "))
        note = QLabel(f"The first {LIMIT_BYTES // 1024} KiB; the element goes on in the file.")
        note.setObjectName("hint")
        note.setVisible(not element.is_whole)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        self.copy = QPushButton("Copy all")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(element.text))
        buttons.addButton(self.copy, QDialogButtonBox.ButtonRole.ActionRole)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(self.text, 1)
        layout.addWidget(note)
        layout.addWidget(buttons)


def show_source(services: Services, layer_id: LayerId, object_id: str, window: QWidget) -> None:
    """Look up what the layer's file says of an object, in a job, and show it."""
    path = Path(services.session.project.layer(layer_id).source.path)

    def show(element: SourceElement) -> None:
        dialog = SourceDialog(object_id, path.name, element, window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def tell(error: Exception) -> None:
        if not isinstance(error, TwinViewerError):
            raise error
        services.problems.add_error(error)

    services.runner.start(
        f"Look up {object_id}",
        lambda feedback: read_source_element(path, object_id, feedback=feedback),
        on_done=show,
        on_error=tell,
    )

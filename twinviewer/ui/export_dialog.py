"""Asks how and where layers are to be written."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.exporting import suggested_name
from twinviewer.app.plugins.manifest import WriterContribution
from twinviewer.model.place import ReferenceSystem


class ExportDialog(QDialog):
    """Shows the formats that fit; :attr:`path`, :attr:`writer` and :attr:`target` are what was chosen.

    Args:
        titles: Of the layers.
        writers: The formats that can hold them, at least one.
        system: The project's reference system in words; empty: it has none.
        folder: Where the last export went.
        ask_crs: (what it is about, proposed code) → what the person chose, or None.
        describe: Returns the name of a reference system.
        parent: The window.
    """

    def __init__(
        self,
        titles: Sequence[str],
        *,
        writers: Sequence[WriterContribution],
        system: str,
        folder: Path,
        ask_crs: Callable[[str, str], ReferenceSystem | None],
        describe: Callable[[ReferenceSystem], str],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Export")
        self.setMinimumWidth(560)
        self._system, self._ask_crs, self._describe = system, ask_crs, describe
        self.target: ReferenceSystem | None = None
        """Where the layers are wanted; None: in the project's system."""
        what = QLabel(f"“{titles[0]}”" if len(titles) == 1 else f"{len(titles)} layers: {', '.join(titles)}")
        what.setWordWrap(True)
        what.setTextFormat(Qt.TextFormat.PlainText)
        self.formats = QComboBox()
        self.formats.setAccessibleName("Format")
        for writer in writers:
            for ending in writer.endings:
                self.formats.addItem(f"{writer.title} (*{ending})", (writer, ending))
        self.note = QLabel()
        self.note.setObjectName("hint")
        self.note.setWordWrap(True)
        self.system = QLabel()
        self.system.setWordWrap(True)
        self.system.setTextFormat(Qt.TextFormat.PlainText)
        self.change = QPushButton("Change…")
        self.change.setAccessibleName("Change reference system")
        self.change.clicked.connect(self._change_system)
        self.file = QLineEdit(str(folder / suggested_name(titles[0], self.ending)))
        self.file.setAccessibleName("File")
        self.choose = QPushButton("Choose…")
        self.choose.setAccessibleName("Choose file")
        self.choose.clicked.connect(self._choose_file)
        for button in (self.change, self.choose):
            button.setAutoDefault(False)  # Enter exports
        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("Export", what)
        form.addRow("Format", self.formats)
        form.addRow("", self.note)
        form.addRow("Coordinates", _beside(self.system, self.change))
        form.addRow("File", _beside(self.file, self.choose))
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Cancel)
        self.export = self.buttons.addButton("Export", QDialogButtonBox.ButtonRole.AcceptRole)
        self.export.setDefault(True)
        self.buttons.accepted.connect(self._accept_unless_it_overwrites)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(14)
        layout.addLayout(form)
        layout.addStretch(1)
        layout.addWidget(self.buttons)
        self.formats.currentIndexChanged.connect(self._format_changed)
        self.file.textChanged.connect(lambda _text: self._show())
        self._show()

    @property
    def writer(self) -> WriterContribution:
        writer: WriterContribution = self.formats.currentData()[0]
        return writer

    @property
    def ending(self) -> str:
        """Of the file's name, with its dot."""
        return str(self.formats.currentData()[1])

    @property
    def path(self) -> Path:
        """The file, with the ending of the format."""
        text = self.file.text().strip()
        path = Path(text).expanduser()
        return path if path.name.lower().endswith(self.ending) else path.with_name(f"{path.name}{self.ending}")

    def _format_changed(self) -> None:
        """Give the name the ending of the format, in place of that of another one."""
        text = self.file.text().strip()
        endings = {self.formats.itemData(at)[1] for at in range(self.formats.count())}
        old = max((ending for ending in endings if text.lower().endswith(ending)), key=len, default="")
        if old:
            self.file.setText(f"{text[: -len(old)]}{self.ending}")
        if self.writer.crs:
            self.target = None
        self._show()

    def _change_system(self) -> None:
        chosen = self._ask_crs("The file that is to be written.", "")
        if chosen is not None:
            self.target = chosen
            self._show()

    def _choose_file(self) -> None:
        pattern = f"{self.writer.title} (*{self.ending})"
        options = QFileDialog.Option.DontConfirmOverwrite
        name, _ = QFileDialog.getSaveFileName(self, "Export", self.file.text(), pattern, options=options)
        if name:
            self.file.setText(name)
            self.file.setText(str(self.path))

    def _accept_unless_it_overwrites(self) -> None:
        if self.path.exists():
            buttons = QMessageBox.StandardButton
            answer = QMessageBox.question(
                self, "Replace file", f"Replace “{self.path.name}”?", buttons.Yes | buttons.Cancel, buttons.Cancel
            )
            if answer != buttons.Yes:
                return
        self.accept()

    def _show(self) -> None:
        self.note.setText(self.writer.description)
        self.note.setVisible(bool(self.writer.description))
        fixed = bool(self.writer.crs)
        self.change.setEnabled(bool(self._system) and not fixed)
        if fixed:
            self.system.setText(f"{self.writer.crs}, as the format demands")
        elif self.target is not None:
            self.system.setText(self._describe(self.target))
        else:
            self.system.setText(f"As the project: {self._system}" if self._system else "Nowhere on Earth")
        is_named = bool(Path(self.file.text().strip()).name)
        self.export.setEnabled(is_named and self.path.parent.is_dir())


def _beside(first: QWidget, second: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(first, 1)
    row.addWidget(second)
    return row

"""Asks which reference system a file without one is in: the one thing that only a person can know."""

from __future__ import annotations

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QLabel,
    QLineEdit,
    QListWidget,
    QListWidgetItem,
    QVBoxLayout,
    QWidget,
)

from twinviewer.model.errors import UnknownCrsError
from twinviewer.model.place import ReferenceSystem

COMMON = (
    ("EPSG:25832", "ETRS89 / UTM zone 32N (Germany west and middle, Denmark, Norway)"),
    ("EPSG:25833", "ETRS89 / UTM zone 33N (Germany east, Poland, Sweden)"),
    ("EPSG:28992", "Amersfoort / RD New (Netherlands)"),
    ("EPSG:2056", "CH1903+ / LV95 (Switzerland)"),
    ("EPSG:2154", "RGF93 / Lambert-93 (France)"),
    ("EPSG:31256", "MGI / Austria GK East"),
    ("EPSG:27700", "OSGB36 / British National Grid"),
    ("EPSG:6697", "JGD2011 (Japan, PLATEAU)"),
    ("EPSG:4326", "WGS 84 (degrees)"),
    ("EPSG:3857", "WGS 84 / Pseudo-Mercator"),
)
"""(code, description) of what cities use most."""


class CrsDialog(QDialog):
    """One question: a code or a pick from the list; says in words what was typed."""

    def __init__(
        self,
        what: str,
        *,
        parse: Callable[[str], ReferenceSystem],
        describe: Callable[[ReferenceSystem], str],
        suggested: str = "",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("Coordinate reference system")
        self.setMinimumWidth(580)
        self._parse, self._describe = parse, describe
        self.chosen: ReferenceSystem | None = None
        question = QLabel(f"{what}\nWhich coordinate reference system are its coordinates in?")
        question.setWordWrap(True)
        self.field = QLineEdit(suggested)
        self.field.setAccessibleName("Reference system")
        self.field.setPlaceholderText("EPSG:25832, a URN or WKT")
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._read)
        self.answer = QLabel()
        self.answer.setWordWrap(True)
        self.list = QListWidget()
        self.list.setAccessibleName("Common reference systems")
        for code, description in COMMON:
            item = QListWidgetItem(f"{code} – {description}")
            item.setData(Qt.ItemDataRole.UserRole, code)
            self.list.addItem(item)
        self.list.setSizeAdjustPolicy(QListWidget.SizeAdjustPolicy.AdjustToContents)
        self.list.currentItemChanged.connect(lambda item, _old: self._take(item))
        self.list.itemDoubleClicked.connect(lambda _item: self.accept() if self.chosen else None)
        self.buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        self.buttons.accepted.connect(self.accept)
        self.buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setSpacing(10)
        for widget in (question, self.field, self.answer, self.list, self.buttons):
            layout.addWidget(widget)
        self._read(suggested)

    def _take(self, item: QListWidgetItem | None) -> None:
        if item is not None:
            self.field.setText(item.data(Qt.ItemDataRole.UserRole))

    def _read(self, text: str) -> None:
        self.chosen = None
        if not text.strip():
            self.answer.setText("Type a code, or choose one below.")
        else:
            try:
                self.chosen = self._parse(text.strip())
                self.answer.setText(self._describe(self.chosen))
            except UnknownCrsError as error:
                self.answer.setText(error.problem)
        self.buttons.button(QDialogButtonBox.StandardButton.Ok).setEnabled(self.chosen is not None)

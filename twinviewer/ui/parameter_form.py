"""One form for whatever a manifest declares as parameters: settings of a plugin, and parameters of an analysis.

Values that do not fit are named under their field; what nobody chose yet is left out of :attr:`ParameterForm.values`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from PySide6.QtCore import QLocale, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import (
    QCheckBox,
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFileDialog,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.plugins.manifest import Parameter
from twinviewer.ui.legend import unit_text

Value = str | bool | int | float

MUST_BE_CHOSEN = "must be chosen"
_FARTHEST = 1e12
"""Where a number has no bound of its own."""
_DECIMALS = 6
_SWATCH_PX = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """What stands for one parameter in the form."""

    parameter: Parameter
    widget: QWidget
    value: Callable[[], Value | None]
    """What is chosen; None: nothing."""
    note: QLabel
    """What is wrong with it, else what it is about."""


class ParameterForm(QWidget):
    """Shows parameters as fields; decides nothing.

    Args:
        parameters: What is asked for, in this order.
        values: What is chosen already, by key; defaults fill in the rest.
        layers: For a parameter of the type ``layer``, the (id, title) of those that fit.
        kept_secrets: Keys of secrets that are in the keyring: their fields stay empty, and empty means unchanged.
        parent: The widget that holds the form.
    """

    changed = Signal()

    def __init__(
        self,
        parameters: Sequence[Parameter],
        values: Mapping[str, Value],
        *,
        layers: Callable[[Parameter], Sequence[tuple[str, str]]] = lambda parameter: (),
        kept_secrets: frozenset[str] = frozenset(),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._layers, self._kept_secrets = layers, kept_secrets
        form = QFormLayout(self)
        form.setContentsMargins(0, 0, 0, 0)
        form.setVerticalSpacing(10)
        form.setHorizontalSpacing(18)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.ExpandingFieldsGrow)
        self.fields: dict[str, Field] = {}
        for parameter in parameters:
            field = self._field(parameter, values.get(parameter.key, parameter.default))
            self.fields[parameter.key] = field
            field.widget.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
            field.widget.setAccessibleName(parameter.title)
            field.widget.setAccessibleDescription(parameter.description)
            cell = QWidget()
            policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Minimum)
            policy.setHeightForWidth(True)  # notes wrap
            cell.setSizePolicy(policy)
            column = QVBoxLayout(cell)
            column.setContentsMargins(0, 0, 0, 0)
            column.setSpacing(2)
            column.addWidget(field.widget)
            column.addWidget(field.note)
            label = QLabel("" if parameter.type == "boolean" else parameter.title)
            label.setTextFormat(Qt.TextFormat.PlainText)
            label.setBuddy(field.widget)
            label.setWordWrap(True)
            form.addRow(label, cell)
        self.changed.connect(self._show_notes)
        self._show_notes()

    @property
    def values(self) -> dict[str, Value]:
        """What is chosen, by key, whether it fits or not."""
        found = ((key, field.value()) for key, field in self.fields.items())
        return {key: value for key, value in found if value is not None}

    @property
    def faults(self) -> dict[str, str]:
        """What is wrong, by key: ``{"interval_m": "must be at least 0.1 m"}``; empty where all can be used."""
        values = self.values
        found = {key: self._fault(field.parameter, values.get(key)) for key, field in self.fields.items()}
        return {key: fault for key, fault in found.items() if fault}

    def _fault(self, parameter: Parameter, value: Value | None) -> str:
        if value is not None:
            return parameter.fault(value)
        if parameter.type == "secret" and (parameter.key in self._kept_secrets or parameter.default is not None):
            return ""
        if parameter.type == "layer":
            kinds = " or ".join(parameter.kinds)
            return f"no layer of the kind {kinds} is loaded" if kinds else "no layer is loaded"
        return MUST_BE_CHOSEN

    def _show_notes(self) -> None:
        faults = self.faults
        for key, field in self.fields.items():
            fault = faults.get(key, "")
            told = f"{fault[:1].upper()}{fault[1:]}." if fault else ""
            is_missing = fault == MUST_BE_CHOSEN  # nobody did anything wrong yet
            texts = [field.parameter.description, told] if is_missing else [told or field.parameter.description]
            field.note.setText(" ".join(filter(None, texts)))
            field.note.setObjectName("fault" if fault and not is_missing else "hint")
            field.note.style().unpolish(field.note)
            field.note.style().polish(field.note)
            field.note.setVisible(bool(field.note.text()))

    # --- fields -------------------------------------------------------------------------------------------------

    def _field(self, parameter: Parameter, value: Value | None) -> Field:
        make = {
            "number": self._number,
            "integer": self._number,
            "boolean": self._switch,
            "choice": self._choice,
            "layer": self._choice,
            "colour": self._colour,
            "file": self._place,
            "folder": self._place,
        }.get(parameter.type, self._text)
        widget, read = make(parameter, value)
        note = QLabel()
        note.setWordWrap(True)
        note.setTextFormat(Qt.TextFormat.PlainText)
        return Field(parameter=parameter, widget=widget, value=read, note=note)

    def _text(self, parameter: Parameter, value: Value | None) -> tuple[QWidget, Callable[[], Value | None]]:
        line = QLineEdit()
        line.textChanged.connect(lambda _text: self.changed.emit())
        if parameter.type == "secret":
            line.setEchoMode(QLineEdit.EchoMode.Password)
            is_kept = parameter.key in self._kept_secrets
            line.setPlaceholderText(
                "kept in the system's keyring; type to replace it" if is_kept else "not entered yet"
            )
            return line, lambda: line.text() or None
        line.setText("" if value is None else str(value))
        may_be_empty = parameter.default is not None
        return line, lambda: line.text() if line.text() or may_be_empty else None

    def _number(self, parameter: Parameter, value: Value | None) -> tuple[QWidget, Callable[[], Value | None]]:
        is_whole = parameter.type == "integer"
        unit = unit_text(parameter.unit)
        if value is None:  # a spin box cannot show that nothing is chosen
            line = QLineEdit()
            line.setPlaceholderText(f"a number in {unit}" if unit else "a number")
            line.textChanged.connect(lambda _text: self.changed.emit())
            return line, lambda: _number_of(line.text(), whole=is_whole)
        box = _NumberBox()
        box.setDecimals(0 if is_whole else _DECIMALS)
        box.setRange(
            -_FARTHEST if parameter.minimum is None else parameter.minimum,
            _FARTHEST if parameter.maximum is None else parameter.maximum,
        )
        if not is_whole:
            box.setStepType(QDoubleSpinBox.StepType.AdaptiveDecimalStepType)
        box.setSuffix(f" {unit}" if unit else "")
        box.setValue(float(value))
        box.valueChanged.connect(lambda _value: self.changed.emit())
        return box, lambda: round(box.value()) if is_whole else box.value()

    def _switch(self, parameter: Parameter, value: Value | None) -> tuple[QWidget, Callable[[], Value | None]]:
        box = QCheckBox(parameter.title)
        box.setChecked(bool(value))
        box.toggled.connect(lambda _on: self.changed.emit())
        return box, box.isChecked

    def _choice(self, parameter: Parameter, value: Value | None) -> tuple[QWidget, Callable[[], Value | None]]:
        box = QComboBox()
        entries = self._layers(parameter) if parameter.type == "layer" else [(each, each) for each in parameter.choices]
        for identifier, title in entries:
            box.addItem(title, identifier)
        at = box.findData(value)
        box.setCurrentIndex(at if at >= 0 or parameter.type == "choice" else 0)
        box.setEnabled(bool(entries))
        box.currentIndexChanged.connect(lambda _at: self.changed.emit())
        return box, box.currentData

    def _colour(self, parameter: Parameter, value: Value | None) -> tuple[QWidget, Callable[[], Value | None]]:
        line = QLineEdit("" if value is None else str(value))
        button = QPushButton("Choose…")
        button.setAccessibleName(f"Choose {parameter.title}")

        def show(text: str) -> None:
            swatch = QPixmap(_SWATCH_PX, _SWATCH_PX)
            swatch.fill(QColor(text) if QColor(text).isValid() else Qt.GlobalColor.transparent)
            button.setIcon(QIcon(swatch))
            self.changed.emit()

        def ask() -> None:
            chosen = QColorDialog.getColor(QColor(line.text()), self, parameter.title)
            if chosen.isValid():
                line.setText(chosen.name())

        with QSignalBlocker(self):
            show(line.text())
        line.textChanged.connect(show)
        button.clicked.connect(ask)
        return _Pair(line, button), lambda: line.text().strip() or None

    def _place(self, parameter: Parameter, value: Value | None) -> tuple[QWidget, Callable[[], Value | None]]:
        line = QLineEdit("" if value is None else str(value))
        button = QPushButton("Choose…")
        button.setAccessibleName(f"Choose {parameter.title}")
        line.textChanged.connect(lambda _text: self.changed.emit())

        def ask() -> None:
            if parameter.type == "folder":
                name = QFileDialog.getExistingDirectory(self, parameter.title, line.text())
            else:
                name, _ = QFileDialog.getOpenFileName(self, parameter.title, line.text())
            if name:
                line.setText(name)

        button.clicked.connect(ask)
        nothing = "" if parameter.default == "" else None
        return _Pair(line, button), lambda: line.text().strip() or nothing


class _NumberBox(QDoubleSpinBox):
    """Shows no more digits than the number has, and no separators of thousands: it may be a port, or a year."""

    def __init__(self) -> None:
        super().__init__()
        locale = self.locale()
        locale.setNumberOptions(QLocale.NumberOption.OmitGroupSeparator)
        self.setLocale(locale)

    def textFromValue(self, value: float) -> str:  # noqa: N802
        text = self.locale().toString(value, "f", self.decimals())
        point = self.locale().decimalPoint()
        return text.rstrip("0").rstrip(point) if point in text else text


class _Pair(QWidget):
    """A line and a button that fills it."""

    def __init__(self, line: QLineEdit, button: QPushButton) -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(line, 1)
        row.addWidget(button)
        self.setFocusProxy(line)
        self._line = line

    def setAccessibleName(self, name: str) -> None:  # noqa: N802
        super().setAccessibleName(name)
        self._line.setAccessibleName(name)


def _number_of(text: str, *, whole: bool) -> Value | None:
    """Return the number that somebody typed; the text itself where it is none, for the form to say so."""
    if not text.strip():
        return None
    number, is_one = QLocale().toDouble(text.strip())
    if not is_one:
        return text
    return int(number) if whole and number.is_integer() else number

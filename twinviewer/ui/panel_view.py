"""A panel of a plugin as widgets: made from its elements, and kept as long as the elements stay.

An entry is kept by its id, anything else by its place among its kind.  A slider that is being dragged is never made
anew, and what is being typed is never overwritten: only the person changes what was entered.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import get_args

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDoubleSpinBox,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QSizePolicy,
    QSlider,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.plugins.panel_checks import EntryElement, entry_fits
from twinviewer.model.panel import (
    Button,
    ChoiceEntry,
    Entry,
    Facts,
    Heading,
    NumberEntry,
    PanelElement,
    Paragraph,
    SwitchEntry,
    Table,
    TextEntry,
)
from twinviewer.ui.data_table import DataTable

MOST_SLIDER_STEPS = 1000
_READ_ONLY = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard


class PanelView(QScrollArea):
    """Shows the elements of one panel; tells what is entered, pressed and chosen."""

    entered = Signal(str, object)
    """(element id, the value)"""
    pressed = Signal(str)
    """Id of a button."""
    object_chosen = Signal(str)
    """Id of a city object: of the row that was chosen in a table."""

    def __init__(self, title: str) -> None:
        super().__init__()
        self.setAccessibleName(title)
        self.setWidgetResizable(True)
        self.setFrameShape(QScrollArea.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._widgets: dict[tuple[str, str | int], _ElementWidget] = {}
        self._elements: Sequence[PanelElement] = ()
        body = QWidget()
        self._layout = QVBoxLayout(body)
        self._layout.setContentsMargins(12, 10, 12, 12)
        self._layout.setSpacing(8)
        self._layout.addStretch(1)
        self.setWidget(body)

    def show_elements(self, elements: Sequence[PanelElement]) -> None:
        """Bring the widgets in line with ``elements``, touching only what differs."""
        if elements is self._elements:
            return
        self._elements = elements
        counts: Counter[str] = Counter()
        wanted: dict[tuple[str, str | int], PanelElement] = {}
        for element in elements:
            kind = type(element).__name__
            key: tuple[str, str | int] = (kind, getattr(element, "id", counts[kind]))
            counts[kind] += 1
            wanted[key] = element
        for key in [key for key in self._widgets if key not in wanted]:
            gone = self._widgets.pop(key)
            self._layout.removeWidget(gone)
            gone.hide()
            gone.deleteLater()
        for place, (key, element) in enumerate(wanted.items()):
            widget = self._widgets.get(key)
            if widget is None:
                widget = self._widgets[key] = self._made(element)
            if self._layout.indexOf(widget) != place:
                self._layout.insertWidget(place, widget)
            widget.show_element(element)
        self._put_in_tab_order()

    def widget_of(self, element_id: str) -> QWidget:
        """Return what the person uses to enter an element, or its button.

        Raises:
            KeyError: There is no such element.
        """
        for (_kind, name), widget in self._widgets.items():
            if name == element_id:
                return widget.control
        raise KeyError(element_id)

    def tables(self) -> list[DataTable]:
        return [widget.table for widget in self._widgets.values() if isinstance(widget, _TableWidget)]

    def texts(self) -> list[str]:
        """Return what stands in headings and paragraphs, from the top."""
        shown = sorted(self._widgets.values(), key=self._layout.indexOf)
        return [widget.label.text() for widget in shown if isinstance(widget, _TextWidget)]

    def _made(self, element: PanelElement) -> _ElementWidget:
        match element:
            case Heading() | Paragraph():
                return _TextWidget()
            case Facts():
                return _FactsWidget()
            case Table():
                table = _TableWidget()
                table.table.object_chosen.connect(self.object_chosen)
                return table
            case Button():
                button = _ButtonWidget()
                button.control.clicked.connect(lambda: self.pressed.emit(element.id))
                return button
            case NumberEntry() | TextEntry() | ChoiceEntry() | SwitchEntry():
                makers: Mapping[type, type[_EntryWidget]] = {
                    NumberEntry: _NumberWidget,
                    TextEntry: _LineWidget,
                    ChoiceEntry: _ChoiceWidget,
                    SwitchEntry: _SwitchWidget,
                }
                entry = makers[type(element)]()
                entry.entered.connect(lambda value: self.entered.emit(element.id, value))
                return entry

    def _put_in_tab_order(self) -> None:
        """Let Tab go from the top to the bottom, whichever was made first."""
        shown = sorted(self._widgets.values(), key=self._layout.indexOf)
        stops = [stop for widget in shown for stop in widget.tab_stops if stop.focusPolicy() & Qt.FocusPolicy.TabFocus]
        for one, next_one in pairwise(stops):
            QWidget.setTabOrder(one, next_one)


class _ElementWidget(QWidget):
    """One element."""

    control: QWidget
    """What has the focus."""

    @property
    def tab_stops(self) -> tuple[QWidget, ...]:
        """What Tab goes to, in its order."""
        return (self.control,)

    def show_element(self, element: PanelElement) -> None:
        raise NotImplementedError


def _label(name: str = "") -> QLabel:
    label = QLabel()
    label.setObjectName(name)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    return label


def _boxed(widget: QWidget, *, above: int = 0) -> QVBoxLayout:
    layout = QVBoxLayout(widget)
    layout.setContentsMargins(0, above, 0, 0)
    layout.setSpacing(4)
    return layout


class _TextWidget(_ElementWidget):
    """A heading or a paragraph."""

    def __init__(self) -> None:
        super().__init__()
        self.label = self.control = _label()
        self._box = _boxed(self)
        self._box.addWidget(self.label)

    def show_element(self, element: PanelElement) -> None:
        assert isinstance(element, Heading | Paragraph)
        name = "panelHeading" if isinstance(element, Heading) else "warning" if element.warning else "panelText"
        if self.label.objectName() != name:
            self.label.setObjectName(name)
            self.label.style().polish(self.label)
            self._box.setContentsMargins(0, 6 if isinstance(element, Heading) else 0, 0, 0)
        sign = "⚠ " if isinstance(element, Paragraph) and element.warning else ""  # not by colour alone
        if self.label.text() != sign + element.text:
            self.label.setText(sign + element.text)


class _FactsWidget(_ElementWidget):
    """Names in the left column, values in the right one."""

    def __init__(self) -> None:
        super().__init__()
        self.control = self
        self._rows: list[tuple[QLabel, QLabel]] = []
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(14)
        self._grid.setVerticalSpacing(4)
        self._grid.setColumnStretch(1, 1)

    def show_element(self, element: PanelElement) -> None:
        assert isinstance(element, Facts)
        while len(self._rows) < len(element.rows):
            name, value = _label("muted"), _label()
            value.setTextInteractionFlags(_READ_ONLY)
            value.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
            name.setAlignment(Qt.AlignmentFlag.AlignTop)
            value.setAlignment(Qt.AlignmentFlag.AlignTop)
            self._grid.addWidget(name, len(self._rows), 0)
            self._grid.addWidget(value, len(self._rows), 1)
            self._rows.append((name, value))
        for row, (name, value) in enumerate(self._rows):
            is_shown = row < len(element.rows)
            texts = element.rows[row] if is_shown else ("", "")
            for label, text in zip((name, value), texts, strict=True):
                label.setVisible(is_shown)
                if label.text() != text:
                    label.setText(text)
            value.setAccessibleName(f"{texts[0]}: {texts[1]}")


class _TableWidget(_ElementWidget):
    def __init__(self) -> None:
        super().__init__()
        self.table = DataTable()
        self.control = self.table.view
        _boxed(self, above=4).addWidget(self.table)

    def show_element(self, element: PanelElement) -> None:
        assert isinstance(element, Table)
        self.table.show_table(element)


class _ButtonWidget(_ElementWidget):
    control: QPushButton

    def __init__(self) -> None:
        super().__init__()
        self.control = QPushButton()
        self.control.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        _boxed(self).addWidget(self.control)

    def show_element(self, element: PanelElement) -> None:
        assert isinstance(element, Button)
        text = element.title.replace("&", "&&")
        if self.control.text() != text:
            self.control.setText(text)
            self.control.setAccessibleName(element.title)


class _EntryWidget(_ElementWidget):
    """Something to enter, with its title.  What was entered is kept while it fits."""

    entered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self._shown: EntryElement | None = None

    def show_element(self, element: PanelElement) -> None:
        assert isinstance(element, get_args(EntryElement))
        before, self._shown = self._shown, element
        if element == before:
            return
        with QSignalBlocker(self.control):
            self.show_bounds(element)
            if before is None or not entry_fits(element, self.value()):
                self.show_value(element.value)

    def show_bounds(self, element: EntryElement) -> None:
        """Show the title, and what can be entered."""
        raise NotImplementedError

    def value(self) -> Entry:
        raise NotImplementedError

    def show_value(self, value: Entry) -> None:
        raise NotImplementedError


class _NumberWidget(_EntryWidget):
    """A slider for a quick look and a field for an exact number; both show the same."""

    control: QDoubleSpinBox

    def __init__(self) -> None:
        super().__init__()
        self._title = _label()
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.control = QDoubleSpinBox()
        self.control.setMinimumWidth(90)
        self.control.setKeyboardTracking(False)
        self.slider.valueChanged.connect(self._slide)
        self.control.valueChanged.connect(self._enter)
        row = QHBoxLayout()
        row.setSpacing(8)
        row.addWidget(self.slider, 1)
        row.addWidget(self.control)
        box = _boxed(self)
        box.addWidget(self._title)
        box.addLayout(row)
        self._title.setBuddy(self.control)

    @property
    def tab_stops(self) -> tuple[QWidget, ...]:
        return (self.slider, self.control)

    def show_bounds(self, element: EntryElement) -> None:
        assert isinstance(element, NumberEntry)
        self._title.setText(element.title)
        for widget in (self.control, self.slider):
            widget.setAccessibleName(element.title)
        whole = float(element.step).is_integer() and float(element.minimum).is_integer()
        decimals = 0 if whole else min(6, max(1, math.ceil(-math.log10(element.step)) + 1))
        self.control.setDecimals(decimals)
        self.control.setRange(element.minimum, element.maximum)
        self.control.setSingleStep(element.step)
        self.control.setSuffix(f" {element.unit}" if element.unit else "")
        steps = round((element.maximum - element.minimum) / element.step)
        with QSignalBlocker(self.slider):
            self.slider.setRange(0, max(1, min(steps, MOST_SLIDER_STEPS)))
            self.slider.setPageStep(max(1, self.slider.maximum() // 10))
            self._move_slider()

    def value(self) -> Entry:
        return self.control.value()

    def show_value(self, value: Entry) -> None:
        self.control.setValue(float(value))
        with QSignalBlocker(self.slider):
            self._move_slider()

    def _move_slider(self) -> None:
        low, high = self.control.minimum(), self.control.maximum()
        self.slider.setValue(round((self.control.value() - low) / (high - low) * self.slider.maximum()))

    def _slide(self, step: int) -> None:
        low, high = self.control.minimum(), self.control.maximum()
        self.control.setValue(low + (high - low) * step / self.slider.maximum())

    def _enter(self, value: float) -> None:
        if not self.slider.isSliderDown():
            with QSignalBlocker(self.slider):
                self._move_slider()
        self.entered.emit(value)


class _LineWidget(_EntryWidget):
    control: QLineEdit

    def __init__(self) -> None:
        super().__init__()
        self._title = _label()
        self.control = QLineEdit()
        self.control.setClearButtonEnabled(True)
        self.control.textChanged.connect(self.entered.emit)
        box = _boxed(self)
        box.addWidget(self._title)
        box.addWidget(self.control)
        self._title.setBuddy(self.control)

    def show_bounds(self, element: EntryElement) -> None:
        self._title.setText(element.title)
        self.control.setAccessibleName(element.title)

    def value(self) -> Entry:
        return self.control.text()

    def show_value(self, value: Entry) -> None:
        self.control.setText(str(value))


class _ChoiceWidget(_EntryWidget):
    control: QComboBox

    def __init__(self) -> None:
        super().__init__()
        self._title = _label()
        self.control = QComboBox()
        self.control.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.control.setMinimumContentsLength(8)
        self.control.currentTextChanged.connect(self.entered.emit)
        box = _boxed(self)
        box.addWidget(self._title)
        box.addWidget(self.control)
        self._title.setBuddy(self.control)

    def show_bounds(self, element: EntryElement) -> None:
        assert isinstance(element, ChoiceEntry)
        self._title.setText(element.title)
        self.control.setAccessibleName(element.title)
        if [self.control.itemText(row) for row in range(self.control.count())] != list(element.choices):
            before = self.control.currentText()
            self.control.clear()
            self.control.addItems(list(element.choices))
            self.control.setCurrentText(before if before in element.choices else element.value)

    def value(self) -> Entry:
        return self.control.currentText()

    def show_value(self, value: Entry) -> None:
        self.control.setCurrentText(str(value))


class _SwitchWidget(_EntryWidget):
    control: QCheckBox

    def __init__(self) -> None:
        super().__init__()
        self.control = QCheckBox()
        self.control.toggled.connect(self.entered.emit)
        _boxed(self).addWidget(self.control)

    def show_bounds(self, element: EntryElement) -> None:
        self.control.setText(element.title.replace("&", "&&"))
        self.control.setAccessibleName(element.title)

    def value(self) -> Entry:
        return self.control.isChecked()

    def show_value(self, value: Entry) -> None:
        self.control.setChecked(bool(value))

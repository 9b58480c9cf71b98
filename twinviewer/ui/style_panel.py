"""The style panel: how the selected layer is drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from PySide6.QtCore import QSignalBlocker, QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QImage, QPixmap
from PySide6.QtWidgets import (
    QColorDialog,
    QComboBox,
    QDoubleSpinBox,
    QFormLayout,
    QHBoxLayout,
    QLabel,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from twinviewer.app.colour_maps import colours_of
from twinviewer.app.style_choices import COLOUR_MAPS, ROOF_TYPES, ColourChoice, StyleChoices, current_choice
from twinviewer.app.themes import StylePreset
from twinviewer.model.project import LayerSpec, Style
from twinviewer.ui.type_list import TypeList

DEFAULT_COLOUR = "#c9a227"


def ramp_icon(name: str, size: QSize) -> QIcon:
    """Return a colour map as a stripe."""
    colours = colours_of(name)
    image = QImage(colours.tobytes(), len(colours), 1, len(colours) * 3, QImage.Format.Format_RGB888)
    return QIcon(QPixmap.fromImage(image.scaled(size)))


class StylePanel(QWidget):
    """Shows the style of one layer and asks for another."""

    style_asked = Signal(object, bool)
    """(the new :class:`Style`, whether it goes on the same drag)"""
    types_asked = Signal(object, bool)
    """(names as in ``Style.hidden_types``, whether they are to be hidden)"""
    preset_asked = Signal(object, str)
    """(the :class:`LayerSpec`, id of one of ``presets``)"""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layer: LayerSpec | None = None
        self._choices = StyleChoices(colours=())
        self.presets: tuple[StylePreset, ...] = ()
        """Styles that plugins offer."""
        self.title = QLabel()
        self.title.setObjectName("heading")
        self.title.setWordWrap(True)
        self.color_by = _combo("Colour by", "What the colours mean.")
        self.color_by.activated.connect(self._choose_colour_by)
        self.colour = QPushButton()
        self.colour.setAccessibleName("Colour")
        self.colour.setToolTip("Choose the layer's colour.")
        self.colour.clicked.connect(self._choose_colour)
        self.colour_map = _combo("Colour map", "Which colours low and high values get.")
        self.colour_map.setIconSize(QSize(96, 14))
        self.colour_map.activated.connect(lambda row: self._ask(colour_map=self.colour_map.itemData(row)))
        self.show_colour_maps(())
        self.preset = _combo("Ready-made style", "Draw the layer in a style that a plugin offers.")
        self.preset.activated.connect(self._choose_preset)
        self.low = _number("Lowest value", "Values at or below it get the first colour.")
        self.high = _number("Highest value", "Values at or above it get the last colour.")
        for field in (self.low, self.high):
            field.editingFinished.connect(self._choose_range)
        self.auto_range = QPushButton("Automatic")
        self.auto_range.setToolTip("Use the range of the middle 96 % of the values.")
        self.auto_range.setCheckable(True)
        self.auto_range.clicked.connect(self._choose_auto_range)
        self.point_size = _number("Point size", "Size of a point on the screen.", low=1, high=20, suffix=" px")
        self.point_size.valueChanged.connect(lambda value: self._ask(point_size_px=value))
        self.line_width = _number("Line width", "Width of a line on the screen.", low=0.5, high=20, suffix=" px")
        self.line_width.valueChanged.connect(lambda value: self._ask(line_width_px=value))
        self.lod = _combo("Level of detail", "Which level of detail of the file is shown.")
        self.lod.activated.connect(self._choose_lod)
        self.theme = _combo("Theme", "Which look the source gives the model is shown.")
        self.theme.activated.connect(lambda row: self._ask(theme=self.theme.itemData(row)))
        self.types = TypeList()
        self.types.switched.connect(lambda name, shown: self.types_asked.emit((name,), not shown))
        self.roofs = QPushButton()
        self.roofs.setToolTip("Look into buildings from above.")
        self.roofs.clicked.connect(self._switch_roofs)
        self._empty = QLabel("Select a layer to change how it is drawn.")
        self._empty.setObjectName("hint")
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._empty.setWordWrap(True)
        self._lay_out()
        self.show_layer(None, StyleChoices(colours=()))

    def _lay_out(self) -> None:
        range_row = QWidget()
        range_layout = QHBoxLayout(range_row)
        range_layout.setContentsMargins(0, 0, 0, 0)
        range_layout.addWidget(self.low, 1)
        range_layout.addWidget(QLabel("to"))
        range_layout.addWidget(self.high, 1)
        self._form = QFormLayout()
        self._form.setRowWrapPolicy(QFormLayout.RowWrapPolicy.WrapLongRows)
        self._form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        self._form.setVerticalSpacing(10)
        self._form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        self._rows: dict[str, QWidget] = {
            "Ready-made": self.preset,
            "Colour by": self.color_by,
            "Theme": self.theme,
            "Colour": self.colour,
            "Colour map": self.colour_map,
            "Range": range_row,
            "": self.auto_range,
            "Point size": self.point_size,
            "Line width": self.line_width,
            "Level of detail": self.lod,
        }
        for label, widget in self._rows.items():
            self._form.addRow(label, widget)
        body = QWidget()
        inner = QVBoxLayout(body)
        inner.setContentsMargins(10, 10, 10, 10)
        inner.setSpacing(10)
        inner.addWidget(self.title)
        inner.addLayout(self._form)
        self._types_title = QLabel("Shown")
        self._types_title.setObjectName("subheading")
        heading = QHBoxLayout()
        heading.addWidget(self._types_title, 1)
        heading.addWidget(self.roofs)
        inner.addLayout(heading)
        inner.addWidget(self.types)
        inner.addStretch(1)
        self._body = QScrollArea()
        self._body.setWidgetResizable(True)
        self._body.setFrameShape(QScrollArea.Shape.NoFrame)
        self._body.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self._body.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._body.setWidget(body)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self._body)
        layout.addWidget(self._empty)

    def show_layer(self, layer: LayerSpec | None, choices: StyleChoices) -> None:
        """Show the style of ``layer``; None: nothing is selected."""
        self._layer, self._choices = layer, choices
        self._body.setVisible(layer is not None)
        self._empty.setVisible(layer is None)
        if layer is None:
            return
        style = layer.style
        self.title.setText(layer.title)
        self._show_presets(layer)
        if [self.color_by.itemText(row) for row in range(self.color_by.count())] != [c.title for c in choices.colours]:
            self.color_by.clear()
            self.color_by.addItems([choice.title for choice in choices.colours])
        row = current_choice(choices, style)
        self.color_by.setCurrentIndex(row)
        choice = choices.colours[row] if choices.colours else None
        numeric = choice is not None and choice.numeric
        self._show_row("Colour", choice is not None and choice.one_colour)
        for label in ("Colour map", "Range", ""):
            self._show_row(label, numeric)
        self._show_row("Point size", choices.has_points)
        self._show_row("Line width", choices.has_lines)
        self._show_row("Level of detail", bool(choices.lods))
        self._show_colour(style.colour or DEFAULT_COLOUR)
        self.colour_map.setCurrentIndex(self.colour_map.findData(style.colour_map))
        self.auto_range.setChecked(style.value_range is None)
        low, high = style.value_range or (0.0, 0.0)
        for field, value in (
            (self.low, low),
            (self.high, high),
            (self.point_size, style.point_size_px),
            (self.line_width, style.line_width_px),
        ):
            with QSignalBlocker(field):
                if not field.hasFocus():
                    field.setValue(value)
        for field in (self.low, self.high):
            field.setEnabled(style.value_range is not None)
        titles = ["Highest of each object", *(f"LoD {lod}" for lod in choices.lods)]
        if [self.lod.itemText(row) for row in range(self.lod.count())] != titles:
            self.lod.clear()
            self.lod.addItems(titles)
        self.lod.setCurrentIndex(0 if style.lod not in choices.lods else choices.lods.index(str(style.lod)) + 1)

        self._show_themes(choice, style)
        self._types_title.setVisible(bool(choices.types))
        self.types.setVisible(bool(choices.types))
        self.types.show_types(choices.types, hidden=style.hidden_types)
        self.roofs.setVisible(bool(self._roofs()))
        self.roofs.setText("Show roofs" if set(self._roofs()) <= set(style.hidden_types) else "Hide roofs")

    def _show_themes(self, choice: ColourChoice | None, style: Style) -> None:
        themes = [
            (None, "The one with most textures"),
            *((name, name or "Without a name") for name in self._choices.themes),
        ]
        if [self.theme.itemData(row) for row in range(self.theme.count())] != [name for name, _ in themes]:
            self.theme.clear()
            for name, title in themes:
                self.theme.addItem(title, name)
        self.theme.setCurrentIndex(max(0, self.theme.findData(style.theme)))
        follows_source = choice is not None and choice.color_by is None and not choice.one_colour
        self._show_row("Theme", follows_source and bool(self._choices.themes))

    def _roofs(self) -> tuple[str, ...]:
        return tuple(choice.name for choice in self._choices.types if choice.name in ROOF_TYPES)

    def _switch_roofs(self) -> None:
        if self._layer is not None:
            self.types_asked.emit(self._roofs(), not set(self._roofs()) <= set(self._layer.style.hidden_types))

    def show_colour_maps(self, contributed: Sequence[tuple[str, str]]) -> None:
        """Offer the maps that ship, then those of plugins: (name in styles, title)."""
        self.colour_map.clear()
        for name, title in (*((name, name) for name in COLOUR_MAPS), *contributed):
            self.colour_map.addItem(ramp_icon(name, QSize(96, 14)), title, name)
        if self._layer is not None:
            self.colour_map.setCurrentIndex(self.colour_map.findData(self._layer.style.colour_map))

    def _show_presets(self, layer: LayerSpec) -> None:
        fitting = [preset for preset in self.presets if preset.fits(layer.kind)]
        if [self.preset.itemData(row) for row in range(1, self.preset.count())] != [preset.id for preset in fitting]:
            self.preset.clear()
            self.preset.addItem("Choose…", "")
            for preset in fitting:
                self.preset.addItem(preset.title, preset.id)
        is_used = (row for row, preset in enumerate(fitting, 1) if preset.applied_to(layer.style) == layer.style)
        self.preset.setCurrentIndex(next(is_used, 0))
        self._show_row("Ready-made", bool(fitting))

    def _choose_preset(self, row: int) -> None:
        if self._layer is not None and row > 0:
            self.preset_asked.emit(self._layer, self.preset.itemData(row))

    def _show_row(self, label: str, shown: bool) -> None:
        self._form.setRowVisible(self._rows[label], shown)

    def _show_colour(self, colour: str) -> None:
        picture = QPixmap(28, 16)
        picture.fill(QColor(colour))
        self.colour.setIcon(QIcon(picture))
        self.colour.setIconSize(QSize(28, 16))
        self.colour.setText(colour)

    def _ask(self, *, part_of_drag: bool = False, **changes: object) -> None:
        if self._layer is None:
            return
        style: Style = replace(self._layer.style, **changes)  # type: ignore[arg-type]
        if style != self._layer.style:
            self.style_asked.emit(style, part_of_drag)

    def _choose_colour_by(self, row: int) -> None:
        choice = self._choices.colours[row]
        colour = None
        if choice.one_colour and self._layer is not None:
            colour = self._layer.style.colour or DEFAULT_COLOUR
        self._ask(color_by=choice.color_by, colour=colour, value_range=None)

    def _choose_colour(self) -> None:
        if self._layer is None:
            return
        chosen = QColorDialog.getColor(QColor(self._layer.style.colour or DEFAULT_COLOUR), self, "Colour of the layer")
        if chosen.isValid():
            self._ask(colour=chosen.name())

    def _choose_range(self) -> None:
        if self.low.value() < self.high.value():
            self._ask(value_range=(self.low.value(), self.high.value()))

    def _choose_auto_range(self, automatic: bool) -> None:
        if automatic:
            self._ask(value_range=None)
        else:
            for field in (self.low, self.high):
                field.setEnabled(True)
            if self.low.value() >= self.high.value():
                self.high.setValue(self.low.value() + 100)
            self._choose_range()

    def _choose_lod(self, row: int) -> None:
        self._ask(lod=None if row == 0 else self._choices.lods[row - 1])


def _combo(name: str, tooltip: str) -> QComboBox:
    made = QComboBox()
    made.setAccessibleName(name)
    made.setToolTip(tooltip)
    made.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
    made.setMinimumContentsLength(10)
    return made


def _number(name: str, tooltip: str, *, low: float = -1e9, high: float = 1e9, suffix: str = "") -> QDoubleSpinBox:
    made = QDoubleSpinBox()
    made.setAccessibleName(name)
    made.setToolTip(tooltip)
    made.setRange(low, high)
    made.setDecimals(1)
    made.setSingleStep(0.5)
    made.setSuffix(suffix)
    made.setKeyboardTracking(False)
    return made

"""The legend over the view: what the colours mean, with unit, range and marks."""

from __future__ import annotations

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QColor, QImage, QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from twinviewer.app.colour_maps import colours_of
from twinviewer.model.drawing import ColourScale
from twinviewer.scene.colours import MISSING_RGB
from twinviewer.ui.look import Look

WIDTH_PX = 250
BAR_PX = 12
PAD_PX = 10
MARGIN_PX = 14
LABEL_GAP_PX = 6


def number_text(value: float) -> str:
    """Return a number short enough for a legend."""
    text = f"{value:.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"
    return text.replace("-", "−", 1) if value < 0 else text


def unit_text(unit: str) -> str:
    """Return a UCUM unit as people write it."""
    return {"ug/m3": "µg/m³", "1": "", "km/h": "km/h", "Cel": "°C", "m2": "m²", "m3": "m³"}.get(unit, unit)


def scale_title(scale: ColourScale) -> str:
    unit = unit_text(scale.unit)
    return f"{scale.title} [{unit}]" if unit else scale.title


def end_texts(scale: ColourScale) -> tuple[str, str]:
    """Return what stands below the two ends of a scale: the word of a tick that is there, else the value.

    A tick that only repeats the value does not hide that what lies beyond has the same colour.
    """
    low, high = (number_text(value) for value in scale.value_range)
    at_low, at_high = (dict(scale.ticks).get(value, "") for value in scale.value_range)
    return at_low if at_low not in ("", low) else f"≤ {low}", at_high if at_high not in ("", high) else f"≥ {high}"


def spoken(scales: Sequence[ColourScale]) -> str:
    """Return the legend for people who hear the screen."""
    return "; ".join(
        f"{scale_title(scale)} from {number_text(scale.value_range[0])} to {number_text(scale.value_range[1])}"
        for scale in scales
    )


class Legend(QWidget):
    """Stays in the lower left corner of the view; lets every event through."""

    def __init__(self, look: Look, over: QWidget) -> None:
        super().__init__(over)
        self._look = look
        self.scales: tuple[ColourScale, ...] = ()
        self._taken = QRect()
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Legend")
        over.installEventFilter(self)
        look.changed.connect(self.update)
        self.hide()

    def show_scales(self, scales: Sequence[ColourScale]) -> None:
        """Show these scales, each once; nothing where there are none."""
        unique = tuple(dict.fromkeys(scales))
        if unique == self.scales:
            return
        self.scales = unique
        self.setAccessibleDescription(spoken(unique))
        self.setVisible(bool(unique))
        self._place()
        self.update()

    def keep_clear_of(self, taken: QRect) -> None:
        """Stand above what lies there, where it would cover the legend; empty: nothing does."""
        self._taken = taken
        self._place()

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(WIDTH_PX, len(self.scales) * self._row_height() + PAD_PX)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        theme = self._look.theme
        ground = QColor(theme.base)
        ground.setAlpha(235)
        painter.setPen(QColor(theme.border))
        painter.setBrush(ground)
        painter.drawRoundedRect(self.rect().adjusted(0, 0, -1, -1), 8, 8)
        top = PAD_PX
        for scale in self.scales:
            self._paint_scale(painter, scale, top)
            top += self._row_height()

    def _paint_scale(self, painter: QPainter, scale: ColourScale, top: int) -> None:
        theme, metrics = self._look.theme, self.fontMetrics()
        left, width, line = PAD_PX, self.width() - 2 * PAD_PX, metrics.height()
        painter.setPen(QColor(theme.text))
        title = metrics.elidedText(scale_title(scale), Qt.TextElideMode.ElideRight, width)
        painter.drawText(QRect(left, top, width, line), int(Qt.AlignmentFlag.AlignLeft), title)
        colours = colours_of(scale.colour_map)
        image = QImage(colours.tobytes(), len(colours), 1, len(colours) * 3, QImage.Format.Format_RGB888)
        swatch = BAR_PX + metrics.horizontalAdvance("none") + 10
        bar = QRect(left, top + line + 4, width - swatch, BAR_PX)
        painter.drawImage(bar, image)
        missing = QRect(bar.right() + 8, bar.top(), BAR_PX, BAR_PX)
        painter.fillRect(missing, QColor(*MISSING_RGB))
        painter.setPen(QColor(theme.muted))
        under = QRect(left, bar.bottom() + 2, bar.width(), line)
        painter.drawText(missing.right() + 4, missing.bottom(), "none")
        low, high = scale.value_range
        at_low, at_high = end_texts(scale)
        painter.drawText(under, int(Qt.AlignmentFlag.AlignLeft), at_low)
        painter.drawText(under, int(Qt.AlignmentFlag.AlignRight), at_high)
        for value, label in scale.ticks:
            share = (value - low) / ((high - low) or 1.0)
            if 0 <= share <= 1:
                x = bar.left() + round(share * bar.width())
                painter.setPen(QColor(theme.text))
                painter.drawLine(x, bar.top() - 2, x, bar.bottom() + 2)
                half = metrics.horizontalAdvance(label) // 2 + 2
                before = bar.left() + metrics.horizontalAdvance(at_low) + LABEL_GAP_PX
                after = bar.right() - metrics.horizontalAdvance(at_high) - LABEL_GAP_PX
                if before < x - half and x + half < after:
                    painter.drawText(
                        QRect(x - half, under.top(), 2 * half, line), int(Qt.AlignmentFlag.AlignHCenter), label
                    )

    def _row_height(self) -> int:
        return 2 * self.fontMetrics().height() + BAR_PX + 14

    def _place(self) -> None:
        over = self.parentWidget()
        if over is not None and not self.isHidden():
            size = self.sizeHint()
            place = QRect(MARGIN_PX, over.height() - size.height() - MARGIN_PX, size.width(), size.height())
            if place.intersects(self._taken):
                place.moveBottom(self._taken.top() - MARGIN_PX)
            self.setGeometry(place)
            self.raise_()

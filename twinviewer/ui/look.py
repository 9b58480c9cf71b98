"""The theme that is in use, for all widgets: they ask here for icons, and hear when it changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication, QToolButton

from twinviewer.ui import icons
from twinviewer.ui.themes import CONTROLS, LIGHT, Theme, control_palette, palette, style_sheet, theme_for


class IconButton(QToolButton):
    """A flat button with an icon that follows the theme."""

    def __init__(self, look: Look, name: str, text: str, *, tooltip: str = "") -> None:
        super().__init__()
        self._look = look
        self.icon_name = name
        self.setAutoRaise(True)
        self.setText(text)
        self.setToolTip(tooltip or text)
        self.setAccessibleName(text)
        self.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        self.setMinimumSize(26, 26)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        look.changed.connect(self._draw)  # a method of its own: Qt lets go of it with the button
        self._draw()

    def show_icon(self, name: str) -> None:
        """Show another icon."""
        if name != self.icon_name:
            self.icon_name = name
            self._draw()

    def _draw(self) -> None:
        self.setIcon(self._look.icon(self.icon_name))


class Look(QObject):
    """What the window looks like now."""

    changed = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.theme: Theme = LIGHT

    def use(self, choice: str) -> None:
        """Dress the whole application in the theme of that name; ``system`` follows the desktop where it tells."""
        hints = QGuiApplication.styleHints()
        theme = theme_for(choice, system_is_dark=hints.colorScheme() == Qt.ColorScheme.Dark)
        application = QApplication.instance()
        if isinstance(application, QApplication) and (theme != self.theme or not application.styleSheet()):
            application.setPalette(palette(theme))
            for control in CONTROLS:
                application.setPalette(control_palette(theme), control)  # type: ignore[arg-type]  # PySide takes a str only
            application.setStyleSheet(style_sheet(theme, text_pt=application.font().pointSizeF()))
        if theme != self.theme:
            self.theme = theme
            self.changed.emit()

    def icon(self, name: str, *, colour: str | None = None) -> QIcon:
        """Return the icon ``name`` in the theme's icon colour, or in ``colour`` (``#rrggbb``)."""
        return icons.icon(name, colour or self.theme.icon, self.theme.on_accent)

    def button(self, name: str, text: str, *, tooltip: str = "") -> IconButton:
        """Return a flat button that shows only an icon, in the theme's colour; ``text`` is what it is called."""
        return IconButton(self, name, text, tooltip=tooltip)

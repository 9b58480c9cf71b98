"""The theme that is in use, for all widgets: they ask here for icons, and hear when it changes."""

from __future__ import annotations

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication, QIcon
from PySide6.QtWidgets import QApplication, QToolButton

from twinviewer.ui import icons
from twinviewer.ui.themes import CONTROLS, LIGHT, Theme, control_palette, palette, style_sheet, theme_for


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
        self.theme = theme
        self.changed.emit()

    def icon(self, name: str, *, colour: str | None = None) -> QIcon:
        """Return the icon ``name`` in the theme's icon colour, or in ``colour`` (``#rrggbb``)."""
        return icons.icon(name, colour or self.theme.icon, self.theme.on_accent)

    def button(self, name: str, text: str, *, tooltip: str = "") -> QToolButton:
        """Return a flat button that shows only an icon, in the theme's colour; ``text`` is what it is called."""
        made = QToolButton()
        made.setAutoRaise(True)
        made.setText(text)
        made.setToolTip(tooltip or text)
        made.setAccessibleName(text)
        made.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
        made.setMinimumSize(26, 26)
        made.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        made.setProperty("iconName", name)
        made.setIcon(self.icon(name))
        self.changed.connect(lambda: made.setIcon(self.icon(made.property("iconName"))))
        return made

    def set_button_icon(self, button: QToolButton, name: str) -> None:
        """Give a button made here another icon."""
        button.setProperty("iconName", name)
        button.setIcon(self.icon(name))

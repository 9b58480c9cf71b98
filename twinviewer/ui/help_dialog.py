"""Help: how to move, and every key, made from the tables that are in use."""

from __future__ import annotations

from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from twinviewer.ui.action_table import ACTIONS, MENUS
from twinviewer.ui.actions import keys_text
from twinviewer.ui.themes import Theme

MAP_NAVIGATION = (
    ("Move over the ground", "left drag", "arrow keys", "one finger"),
    ("Turn and tilt", "middle drag, or Shift + left drag", "Shift + arrow keys", "two fingers: twist, or up and down"),
    ("Zoom to the cursor", "wheel, or right drag", "+ and −", "pinch"),
    ("Look around", "Ctrl + left drag", "Ctrl + arrow keys", ""),
    ("Up and down", "", "Page Up, Page Down", ""),
    ("See what it is", "click", "Enter: what is in the middle", "tap"),
    ("Go there", "double click", ".: what is selected", "double tap"),
)
ORBIT_NAVIGATION = (
    ("Turn around the target", "left or middle drag", "Shift + arrow keys", "two fingers"),
    ("Move sideways", "right drag, or Shift + drag", "arrow keys", "one finger"),
    ("Zoom", "wheel, or Ctrl + drag", "+ and −", "pinch"),
    ("See what it is", "click", "Enter: what is in the middle", "tap"),
    ("Go there", "double click", ".: what is selected", "double tap"),
)


def help_html(theme: Theme, *, navigation: str) -> str:
    """Return the page: moving first, then the keys by menu."""
    rows = MAP_NAVIGATION if navigation == "map" else ORBIT_NAVIGATION
    head = _row(("", "Mouse", "Keys", "Touch"), cell="th")
    moves = "".join(_row(row) for row in rows)
    keys = "".join(
        _row((f"{spec.title}", keys_text(spec), spec.tooltip))
        for menu in MENUS
        for spec in ACTIONS
        if spec.keys and spec.menu.split("/")[0] == menu
    )
    return (
        f"<style>td, th {{ padding: 4px 14px 4px 0; }} th {{ color: {theme.muted}; text-align: left; }}</style>"
        f"<h2>Moving through the city</h2><table>{head}{moves}</table>"
        f"<h2>Keys</h2><table>{keys}</table>"
        "<p>Keys without Ctrl work while the view has the focus. Every command is in the palette: Ctrl+Shift+P.</p>"
    )


def _row(cells: tuple[str, ...], cell: str = "td") -> str:
    return "<tr>" + "".join(f"<{cell}>{text}</{cell}>" for text in cells) + "</tr>"


class TextDialog(QDialog):
    """A page to read."""

    def __init__(self, title: str, html: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.resize(760, 620)
        page = QTextBrowser()
        page.setAccessibleName(title)
        page.setOpenExternalLinks(False)
        page.setHtml(html)
        page.setFrameShape(QTextBrowser.Shape.NoFrame)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.addWidget(page)
        layout.addWidget(buttons)

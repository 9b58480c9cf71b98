"""Run under QT_SCALE_FACTOR: is every text of the window to be read in full, on the welcome page and over a town?

Prints what is clipped, a line each, and nothing where all is well.  ``tests/ui/test_viewport_scaling.py`` runs it;
an argument is by how much the font is larger than usual.
"""

from __future__ import annotations

import sys

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QMainWindow, QPushButton, QToolButton, QWidget

from tests.scene import small_city
from twinviewer.app.commands import AddLayers
from twinviewer.scene.picking import Pick
from twinviewer.ui.application import Program, make_application

ICON_ONLY = Qt.ToolButtonStyle.ToolButtonIconOnly
SLACK_PX = 1
LAYOUTS = 8
"""Rounds of events after which all panels have found their places."""


def is_clipped(widget: QWidget) -> bool:
    """Return whether a label or a button shows less than all of its text."""
    if isinstance(widget, QLabel):
        if not widget.text() or not widget.contentsRect().isValid():
            return bool(widget.text())
        if widget.wordWrap():
            return widget.heightForWidth(widget.width()) > widget.height() + SLACK_PX
        return widget.sizeHint().width() > widget.width() + SLACK_PX
    if isinstance(widget, QToolButton) and (widget.toolButtonStyle() == ICON_ONLY or not widget.text()):
        return widget.width() < widget.iconSize().width()
    if widget.objectName() == "card":
        return False  # its labels are looked at
    hint = widget.sizeHint()
    return hint.width() > widget.width() + SLACK_PX or hint.height() > widget.height() + SLACK_PX


def is_seen(widget: QWidget) -> bool:
    """Return whether any of it is on the screen: what lies behind another panel is not."""
    return widget.isVisible() and not widget.visibleRegion().isEmpty()


def tell_clipped(window: QMainWindow, page: str) -> None:
    for _ in range(LAYOUTS):
        QApplication.processEvents()
    for widget in window.findChildren(QWidget):
        if isinstance(widget, QLabel | QPushButton | QToolButton) and is_seen(widget) and is_clipped(widget):
            text = getattr(widget, "text", str)()
            sys.stdout.write(f"{page}: “{text}” needs {widget.sizeHint()} and has {widget.size()}\n")


def main() -> None:
    application = make_application()
    font = application.font()
    font.setPointSizeF(font.pointSizeF() * float(sys.argv[1]))
    application.setFont(font)
    program = Program()
    window, session = program.window, program.session
    window.resize(1280, 720)
    window.show()
    tell_clipped(window, "welcome")
    town = small_city.town(lods=("1", "2"))
    session.store.put("buildings", town)
    layer = small_city.spec_of("buildings", town)
    session.do(AddLayers(layers=(layer,), crs=small_city.CRS, origin=small_city.ORIGIN))
    while not window.is_settled:
        QApplication.processEvents()
    window.layers.show_pick(Pick(position=small_city.ORIGIN, layer_id="buildings", object=0, surface=0))
    window.status.show_position((565_123.45, 5_930_123.45, 1234.56))
    tell_clipped(window, "picked")
    window.docks.show("style")
    tell_clipped(window, "style")
    window.docks.show("problems")
    window.docks.show("log")
    tell_clipped(window, "log")
    window.document.began(None)
    program.end()


if __name__ == "__main__":
    main()

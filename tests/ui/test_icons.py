"""Icons: drawn in the colour and in the pixels that they are shown in."""

from __future__ import annotations

import gc

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QColor, QIcon, QPixmap
from PySide6.QtWidgets import QToolButton
from pytestqt.qtbot import QtBot

from twinviewer.resources import asset
from twinviewer.ui.action_table import ACTIONS
from twinviewer.ui.icons import icon

pytestmark = pytest.mark.usefixtures("qapp")

RED, GREEN = "#ff0000", "#00ff00"


def colours(pixmap: QPixmap) -> set[str]:
    """Return the colours of the pixels that are all line."""
    image = pixmap.toImage()
    pixels = (image.pixelColor(x, y) for x in range(image.width()) for y in range(image.height()))
    return {QColor(each.rgb()).name() for each in pixels if each.alpha() == 255}


def test_every_icon_draws_something_and_the_commands_name_no_other() -> None:
    names = {path.stem for path in asset("icons").glob("*.svg")}
    assert {name for name in names if not colours(icon(name, RED).pixmap(64, 64))} == set()
    assert {spec.icon for spec in ACTIONS if spec.icon} <= names


def test_an_icon_that_is_not_there_is_told_at_once() -> None:
    with pytest.raises(FileNotFoundError, match="no-such-icon"):
        icon("no-such-icon", RED)


def test_it_is_drawn_in_its_colour_and_in_the_other_one_on_a_selected_row() -> None:
    drawn = icon("eye", RED, GREEN)
    assert colours(drawn.pixmap(32, 32)) == {RED}
    assert colours(drawn.pixmap(QSize(32, 32), QIcon.Mode.Selected)) == {GREEN}


def test_what_is_disabled_is_grey() -> None:
    drawn = icon("eye", RED, GREEN).pixmap(QSize(32, 32), QIcon.Mode.Disabled)
    assert not drawn.isNull()
    assert colours(drawn).isdisjoint({RED, GREEN})


@pytest.mark.parametrize(("ratio", "pixels"), [(1.0, 18), (1.5, 27), (2.0, 36), (3.0, 54)])
def test_it_has_the_pixels_of_the_screen_that_it_is_on(ratio: float, pixels: int) -> None:
    drawn = icon("eye", RED).pixmap(QSize(18, 18), ratio)
    assert (drawn.width(), drawn.devicePixelRatio()) == (pixels, ratio)


def test_it_stays_square_and_squeezed_to_nothing_it_is_nothing() -> None:
    assert icon("eye", RED).pixmap(20, 30).size() == QSize(20, 20)
    assert icon("eye", RED).pixmap(0, 20).isNull()


def test_a_changed_copy_leaves_the_icon_as_it_was() -> None:
    for _ in range(50):
        copy = QIcon(icon("eye", RED))
        copy.addPixmap(QPixmap(5, 5))
        gc.collect(0)
        assert colours(copy.pixmap(32, 32)) == {RED}
    assert colours(icon("eye", RED).pixmap(32, 32)) == {RED}


def test_a_button_keeps_an_icon_that_nobody_else_keeps(qtbot: QtBot) -> None:
    button = QToolButton()
    qtbot.addWidget(button)
    button.setIcon(icon.__wrapped__("eye", RED))
    button.setIconSize(QSize(32, 32))
    button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
    gc.collect()
    assert RED in colours(button.grab())

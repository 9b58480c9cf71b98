"""U7: what is written can be read, in every theme (WCAG 2.2, 1.4.3 and 1.4.11)."""

from __future__ import annotations

from itertools import pairwise

import pytest
from PySide6.QtGui import QColor, QPalette

from twinviewer.ui.themes import CONTRASTS, THEMES, contrast, control_palette, palette, theme_for


def relative_luminance(colour: QColor) -> float:
    """Return WCAG's relative luminance, reckoned here from Qt's linear light rather than by the module under test."""
    channels = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour.getRgbF()[:3]]
    return sum(weight * channel for weight, channel in zip((0.2126, 0.7152, 0.0722), channels, strict=True))


def ratio(one: QColor, other: QColor) -> float:
    low, high = sorted((relative_luminance(one), relative_luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_contrast_is_wcags_own():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.48, abs=0.005)  # the classic grey that just fails


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
@pytest.mark.parametrize(("front", "back", "least"), CONTRASTS, ids=lambda value: str(value))
def test_every_pair_of_colours_is_far_enough_apart(theme, front, back, least):
    assert ratio(QColor(getattr(theme, front)), QColor(getattr(theme, back))) >= least


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
@pytest.mark.parametrize("make", [palette, control_palette])
def test_every_text_role_of_qts_palette_can_be_read_on_its_ground(theme, make):
    made, roles = make(theme), QPalette.ColorRole
    pairs = [
        (roles.Text, roles.Base),
        (roles.Text, roles.AlternateBase),
        (roles.PlaceholderText, roles.Base),
        (roles.ButtonText, roles.Button),
        (roles.HighlightedText, roles.Highlight),
        (roles.ToolTipText, roles.ToolTipBase),
        (roles.Link, roles.Base),
    ]
    if make is palette:
        pairs.append((roles.WindowText, roles.Window))
    for front, back in pairs:
        assert ratio(made.color(front), made.color(back)) >= 4.5, (front, back)


@pytest.mark.parametrize("theme", THEMES.values(), ids=lambda theme: theme.name)
def test_disabled_text_is_fainter_than_second_rank_text_and_that_no_stronger_than_text(theme):
    on_window = [contrast(colour, theme.window) for colour in (theme.disabled, theme.muted, theme.text)]
    assert all(weaker <= stronger for weaker, stronger in pairwise(on_window))


def test_the_edges_of_fields_are_seen_in_high_contrast():
    theme = THEMES["high-contrast"]
    outline = control_palette(theme).color(QPalette.ColorRole.Window).darker(140)  # as Fusion draws it
    assert ratio(outline, QColor(theme.window)) >= 3


def test_the_theme_follows_the_system_only_where_it_is_asked_to():
    assert theme_for("system", system_is_dark=True).dark
    assert not theme_for("system", system_is_dark=False).dark
    assert not theme_for("light", system_is_dark=True).dark

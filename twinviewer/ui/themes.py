# ruff: noqa: E501 – the style sheet: one rule a line
"""Colours of the window: three themes, as one table of roles each, and the palette and style sheet made from it.

Fusion as shipped fails on selected text (3.7 : 1); here every text is 4.5 : 1 or more on what it stands on, every
icon and focus mark 3 : 1 (WCAG 2.2, 1.4.3 and 1.4.11).  ``CONTRASTS`` names the pairs; a test computes them.
"""

from __future__ import annotations

from dataclasses import dataclass

from PySide6.QtGui import QColor, QPalette

TEXT_CONTRAST = 4.5
ICON_CONTRAST = 3.0
FUSION_OUTLINE = 140
"""By how many percent Fusion darkens the window's colour for an outline."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Theme:
    """The colour of each role, ``#rrggbb``."""

    name: str
    dark: bool
    window: str
    """Behind panels, menus and bars."""
    base: str
    """Behind lists, fields and cards."""
    alternate: str
    """Every second row."""
    button: str
    text: str
    muted: str
    """Second-rank text: units, hints, paths."""
    disabled: str
    """Text and icons that cannot be used now; exempt from contrast rules."""
    border: str
    accent: str
    """Behind selected rows and pressed switches."""
    on_accent: str
    """Text and icons on ``accent``."""
    focus: str
    """The frame around what has the focus, or is switched on."""
    link: str
    icon: str
    info: str
    warning: str
    error: str
    good: str
    tooltip: str
    on_tooltip: str


LIGHT = Theme(
    name="light",
    dark=False,
    window="#f3f4f6",
    base="#ffffff",
    alternate="#f6f8fa",
    button="#fbfcfd",
    text="#1b2027",
    muted="#555f6b",
    disabled="#9aa3ad",
    border="#cdd3da",
    accent="#0b61b5",
    on_accent="#ffffff",
    focus="#0b61b5",
    link="#0a58a6",
    icon="#3c4752",
    info="#0b61b5",
    warning="#8f5300",
    error="#b3261e",
    good="#1a6e33",
    tooltip="#1f262e",
    on_tooltip="#f5f7f9",
)

DARK = Theme(
    name="dark",
    dark=True,
    window="#22272e",
    base="#1a1e24",
    alternate="#1f242b",
    button="#2b313a",
    text="#e6eaef",
    muted="#a7b0bb",
    disabled="#6a737d",
    border="#3d4550",
    accent="#2a6fc4",
    on_accent="#ffffff",
    focus="#7db7f5",
    link="#7db7f5",
    icon="#c6ced7",
    info="#7db7f5",
    warning="#e5a445",
    error="#ff8a80",
    good="#63cf7e",
    tooltip="#eef1f4",
    on_tooltip="#1b2027",
)

HIGH_CONTRAST = Theme(
    name="high-contrast",
    dark=True,
    window="#000000",
    base="#000000",
    alternate="#101010",
    button="#000000",
    text="#ffffff",
    muted="#ffffff",
    disabled="#9e9e9e",
    border="#ffffff",
    accent="#ffd60a",
    on_accent="#000000",
    focus="#ffd60a",
    link="#7fc8ff",
    icon="#ffffff",
    info="#7fc8ff",
    warning="#ffd60a",
    error="#ff9d94",
    good="#7be495",
    tooltip="#ffffff",
    on_tooltip="#000000",
)

THEMES = {theme.name: theme for theme in (LIGHT, DARK, HIGH_CONTRAST)}

CONTRASTS: tuple[tuple[str, str, float], ...] = (
    *((text, under, TEXT_CONTRAST) for text in ("text", "muted", "link") for under in ("window", "base", "alternate")),
    ("text", "button", TEXT_CONTRAST),
    ("on_accent", "accent", TEXT_CONTRAST),
    ("on_tooltip", "tooltip", TEXT_CONTRAST),
    *((text, under, TEXT_CONTRAST) for text in ("info", "warning", "error", "good") for under in ("window", "base")),
    *(("icon", under, ICON_CONTRAST) for under in ("window", "base", "alternate", "button")),
    *(("focus", under, ICON_CONTRAST) for under in ("window", "base", "button")),
)
"""(foreground role, background role, least contrast) of every pair that the window shows."""


def luminance(colour: str) -> float:
    """Return the relative luminance of ``#rrggbb`` (WCAG 2.2), 0 black to 1 white."""
    channels = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    """Return the contrast of two colours, 1 to 21."""
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def theme_for(choice: str, *, system_is_dark: bool) -> Theme:
    """Return the theme that a person chose: ``light``, ``dark``, ``high-contrast``, or ``system``."""
    return THEMES.get(choice) or (DARK if system_is_dark else LIGHT)


def palette(theme: Theme) -> QPalette:
    """Return Qt's palette of ``theme``; every role is set, so that nothing of the desktop's own shines through."""
    made = QPalette()
    roles = QPalette.ColorRole
    for role, colour in (
        (roles.Window, theme.window),
        (roles.WindowText, theme.text),
        (roles.Base, theme.base),
        (roles.AlternateBase, theme.alternate),
        (roles.Text, theme.text),
        (roles.PlaceholderText, theme.muted),
        (roles.Button, theme.button),
        (roles.ButtonText, theme.text),
        (roles.BrightText, theme.error),
        (roles.ToolTipBase, theme.tooltip),
        (roles.ToolTipText, theme.on_tooltip),
        (roles.Link, theme.link),
        (roles.LinkVisited, theme.link),
        (roles.Highlight, theme.accent),
        (roles.HighlightedText, theme.on_accent),
        (roles.Accent, theme.accent),
        (roles.Light, theme.base),
        (roles.Midlight, theme.button),
        (roles.Mid, theme.border),
        (roles.Dark, theme.border),
        (roles.Shadow, "#000000"),
    ):
        made.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText, roles.HighlightedText):
        made.setColor(QPalette.ColorGroup.Disabled, role, QColor(theme.disabled))
    made.setColor(QPalette.ColorGroup.Disabled, roles.Highlight, QColor(theme.border))
    return made


CONTROLS = ("QAbstractSpinBox", "QCheckBox", "QComboBox", "QLineEdit", "QProgressBar", "QPushButton", "QSlider")


def control_palette(theme: Theme) -> QPalette:
    """Return the palette of ``CONTROLS``: Fusion draws their edges in a darker ``Window``, which on black is black."""
    made = palette(theme)
    made.setColor(QPalette.ColorRole.Window, QColor(theme.border).lighter(FUSION_OUTLINE))
    return made


def style_sheet(theme: Theme, *, text_pt: float) -> str:
    """Return what the palette cannot say: edges, spaces and the few widgets of our own.

    Args:
        theme: The colours.
        text_pt: Size of ordinary text, which headings are measured by.
    """
    return f"""
QDialogButtonBox {{ dialogbuttonbox-buttons-have-icons: 0; }}
QLineEdit, QComboBox, QAbstractSpinBox {{ min-height: 22px; }}
QDialog QListWidget::item {{ padding: 4px 6px; }}
QToolTip {{ background: {theme.tooltip}; color: {theme.on_tooltip}; border: 1px solid {theme.border}; padding: 4px 6px; }}
QMainWindow::separator {{ background: {theme.border}; width: 1px; height: 1px; }}
QMainWindow::separator:hover {{ background: {theme.focus}; }}
QToolBar {{ background: {theme.window}; border: 0; border-bottom: 1px solid {theme.border}; padding: 3px 6px; spacing: 2px; }}
QToolBar::separator {{ background: {theme.border}; width: 1px; margin: 5px 6px; }}
QToolBar QToolButton {{ padding: 5px; border: 1px solid transparent; border-radius: 5px; }}
QToolBar QToolButton:hover {{ background: {theme.base}; border-color: {theme.border}; }}
QToolBar QToolButton:checked {{ background: {theme.base}; border-color: {theme.focus}; }}
QToolBar QToolButton:focus {{ border-color: {theme.focus}; }}
QToolButton {{ padding: 3px; border: 1px solid transparent; border-radius: 4px; }}
QToolButton:hover {{ background: {theme.base}; border-color: {theme.border}; }}
QToolButton:pressed {{ background: {theme.alternate}; }}
QToolButton:checked {{ background: {theme.base}; border-color: {theme.focus}; }}
QToolButton:focus {{ border-color: {theme.focus}; }}
QTabBar::tab {{ background: {theme.window}; color: {theme.muted}; padding: 6px 14px; border: 1px solid transparent; border-top: 2px solid transparent; }}
QTabBar::tab:selected {{ background: {theme.base}; color: {theme.text}; border-top-color: {theme.focus}; }}
QTabBar::tab:hover {{ color: {theme.text}; }}
QTabBar::tab:focus {{ border-color: {theme.focus}; }}
QStatusBar {{ background: {theme.window}; border-top: 1px solid {theme.border}; }}
QStatusBar::item {{ border: 0; }}
QMenuBar {{ background: {theme.window}; }}
#panelTitle {{ background: {theme.window}; border-bottom: 1px solid {theme.border}; }}
#panelTitle QLabel {{ font-weight: 600; }}
#hint, #muted {{ color: {theme.muted}; }}
#fault {{ color: {theme.error}; }}
#heading {{ font-size: {1.6 * text_pt:.1f}pt; font-weight: 600; }}
#subheading {{ font-weight: 600; }}
#panelHeading {{ font-size: {1.25 * text_pt:.1f}pt; font-weight: 600; }}
#welcome {{ background: {theme.base}; }}
#welcomeTitle {{ font-size: {2.6 * text_pt:.1f}pt; font-weight: 600; }}
#card {{ background: {theme.window}; border: 1px solid {theme.border}; border-radius: 10px; text-align: left; }}
#card:hover, #card:focus {{ border: 2px solid {theme.focus}; }}
#cardTitle {{ font-size: {1.4 * text_pt:.1f}pt; font-weight: 600; }}
#toast, #palette, #dropHint {{ background: {theme.base}; border: 1px solid {theme.border}; border-radius: 8px; }}
#emptyHint {{ color: {theme.text}; background: {theme.base}; border: 1px solid {theme.border}; border-radius: 8px; padding: 12px 20px; }}
#dropHint {{ border: 2px dashed {theme.focus}; }}
#bar {{ background: {theme.base}; border: 0; border-bottom: 1px solid {theme.border}; }}
#liveBadge, #simulatedBadge, #pastBadge {{ border-radius: 4px; font-weight: 600; }}
#liveBadge {{ color: {theme.good}; border: 1px solid {theme.good}; }}
#simulatedBadge {{ color: {theme.warning}; border: 1px solid {theme.warning}; }}
#pastBadge {{ color: {theme.muted}; border: 1px solid {theme.muted}; }}
#error {{ color: {theme.error}; }}
#warning {{ color: {theme.warning}; }}
"""

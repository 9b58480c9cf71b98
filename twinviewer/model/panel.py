"""What a plugin's panel shows and what it asks the program to do: values, not widgets.

A panel is a function of what the person sees and entered.  The window makes widgets from the elements and keeps those
whose id stays; a command line or a test reads the same values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

Entry = str | float | bool
"""What a person can enter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """The city object, feature or glyph that the person picked."""

    object_id: str
    type: str
    """``Building`` …; empty where it has none."""
    layer: str
    """Title of its layer or overlay."""
    position: tuple[float, float, float]
    """Where it was picked, metres in the project's reference system."""
    attributes: tuple[tuple[str, str], ...]
    """(name, value with unit), as the inspector shows them."""


# --- elements -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Heading:
    """A line in larger letters that begins a part."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Paragraph:
    """A piece of text."""

    text: str
    """Plain text; it wraps."""
    warning: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Names and values, one pair a line."""

    rows: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Columns with a head; in a panel and as the result of an analysis, where it can be copied and saved as CSV."""

    title: str
    columns: tuple[str, ...]
    """Heads, with the unit where there is one: ``"Height (m)"``."""
    rows: Sequence[Sequence[str | float]]
    """Each as long as ``columns``."""
    object_ids: Sequence[str] = ()
    """(rows,) or empty: the city object that a row is about; choosing the row selects and shows it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberEntry:
    """A slider with a number beside it."""

    id: str
    title: str
    value: float
    """At first."""
    minimum: float
    maximum: float
    step: float = 1.0
    unit: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class TextEntry:
    """A line to write into."""

    id: str
    title: str
    value: str = ""
    """At first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceEntry:
    """A list of which one is chosen."""

    id: str
    title: str
    choices: tuple[str, ...]
    value: str
    """At first; one of ``choices``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchEntry:
    """Something that is on or off."""

    id: str
    title: str
    value: bool = False
    """At first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """Something to press; the panel is shown anew with its id as ``pressed``."""

    id: str
    title: str


PanelElement = Heading | Paragraph | Facts | Table | NumberEntry | TextEntry | ChoiceEntry | SwitchEntry | Button
"""What a panel may show."""


# --- actions --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FlyTo:
    """Bring a position into view."""

    position: tuple[float, float, float]
    distance_m: float = 250.0


@dataclass(frozen=True, slots=True, kw_only=True)
class SelectObject:
    """Select a city object and bring it into view."""

    object_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SwitchOverlay:
    """Switch an overlay or a layer of a plugin on or off."""

    id: str
    """Contribution id."""
    on: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SetInstant:
    """Show another instant; None: go to the present and stay there."""

    instant: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StartAnalysis:
    """Start an analysis; parameters that are not given have their defaults."""

    id: str
    """Contribution id."""
    parameters: tuple[tuple[str, Entry], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tell:
    """Show one sentence that goes away by itself."""

    text: str


Action = FlyTo | SelectObject | SwitchOverlay | SetInstant | StartAnalysis | Tell
"""What a panel or a command may ask the program to do."""

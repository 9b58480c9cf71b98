"""Whether what a plugin's panel or command returns is what the contract promises.

Everything behind these checks may trust types, lengths and ids: the window, which would otherwise stand still over a
table of a million rows or take a view into nowhere.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import get_args

import numpy as np

from twinviewer.model.errors import PluginError
from twinviewer.model.panel import (
    Action,
    Button,
    ChoiceEntry,
    Entry,
    Facts,
    FlyTo,
    Heading,
    NumberEntry,
    PanelElement,
    Paragraph,
    SelectObject,
    SetInstant,
    StartAnalysis,
    SwitchEntry,
    SwitchOverlay,
    Table,
    Tell,
    TextEntry,
)

MOST_ELEMENTS = 200
MOST_ROWS = 10_000
"""Of one table."""
MOST_COLUMNS = 50
"""Of all tables of a panel together."""
MOST_FACTS = 200
"""Rows, of all facts of a panel together."""
MOST_ENTRIES = 100
"""Entries and buttons."""
MOST_CHOICES = 5000
"""Of all entries of a panel together."""
MOST_ACTIONS = 20
MOST_TEXT = 40_000
"""Characters, of headings, paragraphs and facts together: laying out so many takes the window about 40 ms."""
LONGEST_TEXT = 10_000
"""Characters of one text; what is longer is cut."""
LONGEST_CELL = 500
"""Characters of a cell of a table; what is longer is cut."""
LONGEST_TOLD = 400
"""Characters of a sentence that is told."""
FIRST_INSTANT, LAST_INSTANT = datetime(1800, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)

EntryElement = NumberEntry | TextEntry | ChoiceEntry | SwitchEntry

_CURE = "Correct the plugin; docs/plugins.md has the contract."


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelContent:
    """What a panel's function returned: what is to be seen, and what is to be done."""

    elements: tuple[PanelElement, ...] = ()
    actions: tuple[Action, ...] = ()


def checked_content(result: object) -> PanelContent:
    """Return what a panel's function returned.

    Raises:
        PluginError: It is not a sequence of well-formed elements and actions.
    """
    items = _sequence(result, "The panel")
    actions = tuple(item for item in items if isinstance(item, get_args(Action)))
    elements = [item for item in items if not isinstance(item, get_args(Action))]
    if len(elements) > MOST_ELEMENTS:
        raise PluginError(
            f"The panel has {len(elements):,} elements; {MOST_ELEMENTS} are the most.", cure="Use a table for lists."
        )
    checked = tuple(_element(element) for element in elements)
    ids = [element.id for element in checked if not isinstance(element, Heading | Paragraph | Facts | Table)]
    double = next((identifier for identifier in ids if ids.count(identifier) > 1), None)
    if double is not None:
        raise PluginError(f"The panel has the id “{double}” twice.", cure="Give each element an id of its own.")
    _keep_within_means(checked)
    return PanelContent(elements=checked, actions=_actions(actions))


def _keep_within_means(elements: tuple[PanelElement, ...]) -> None:
    """Make sure that the window can show the elements without standing still."""
    columns = sum(len(element.columns) for element in elements if isinstance(element, Table))
    pairs = [row for element in elements if isinstance(element, Facts) for row in element.rows]
    text = sum(len(name) + len(value) for name, value in pairs)
    text += sum(len(element.text) for element in elements if isinstance(element, Heading | Paragraph))
    entries = [element for element in elements if not isinstance(element, Heading | Paragraph | Facts | Table)]
    choices = sum(len(element.choices) for element in entries if isinstance(element, ChoiceEntry))
    for count, most, what in (
        (len(entries), MOST_ENTRIES, "entries and buttons"),
        (choices, MOST_CHOICES, "choices"),
        (columns, MOST_COLUMNS, "columns in its tables"),
        (len(pairs), MOST_FACTS, "rows of facts"),
        (text, MOST_TEXT, "characters of text"),
    ):
        if count > most:
            raise PluginError(f"The panel has {count:,} {what}; {most:,} are the most.", cure="Show less at once.")


def checked_actions(result: object) -> tuple[Action, ...]:
    """Return what a command's function returned.

    Raises:
        PluginError: It is not a sequence of well-formed actions.
    """
    items = _sequence(result, "The command")
    foreign = next((item for item in items if not isinstance(item, get_args(Action))), None)
    if foreign is not None:
        raise PluginError(f"The command returned {_kind(foreign)} where an action is due.", cure=_CURE)
    return _actions(tuple(item for item in items if isinstance(item, get_args(Action))))


def entry_fits(element: EntryElement, value: object) -> bool:
    """Return whether a person could have entered ``value`` at ``element``."""
    match element:
        case NumberEntry():
            return (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and element.minimum <= value <= element.maximum
            )
        case TextEntry():
            return isinstance(value, str)
        case ChoiceEntry():
            return value in element.choices
        case SwitchEntry():
            return isinstance(value, bool)


def _sequence(result: object, who: str) -> Sequence[object]:
    if not isinstance(result, Sequence) or isinstance(result, str | bytes):
        raise PluginError(f"{who} returned {_kind(result)} instead of a sequence.", cure=_CURE)
    return result


# --- elements -----------------------------------------------------------------------------------------------------


def _element(element: object) -> PanelElement:
    match element:
        case Heading():
            return replace(element, text=_text(element.text, "text of a heading"))
        case Paragraph():
            _boolean(element.warning, "warning")
            return replace(element, text=_text(element.text, "text of a paragraph"))
        case Facts():
            return _facts(element)
        case Table():
            return checked_table(element)
        case Button():
            return replace(element, id=_id(element.id), title=_text(element.title, "title"))
        case NumberEntry() | TextEntry() | ChoiceEntry() | SwitchEntry():
            return _entry(element)
        case _:
            raise PluginError(f"The panel returned {_kind(element)} where an element or an action is due.", cure=_CURE)


def _facts(facts: Facts) -> Facts:
    rows = _limited(facts.rows, "rows of facts", MOST_FACTS)
    checked = []
    for row in rows:
        if not isinstance(row, Sequence) or isinstance(row, str | bytes) or len(row) != 2:
            raise PluginError("A row of facts is not a pair of name and value.", cure=_CURE)
        checked.append((_text(row[0], "name of a fact"), _text(row[1], "value of a fact")))
    return Facts(rows=tuple(checked))


def checked_table(table: Table) -> Table:
    """Return a table with as many cells in each row as it has columns, each a text or a finite or missing number.

    Raises:
        PluginError: It is not well formed.
    """
    columns = tuple(_text(column, "head of a column") for column in _limited(table.columns, "columns", MOST_COLUMNS))
    if not columns:
        raise PluginError("A table has no columns.", cure=_CURE)
    rows = tuple(_row(row, len(columns)) for row in _limited(table.rows, "rows of a table", MOST_ROWS))
    ids = tuple(_text(identifier, "object id") for identifier in _limited(table.object_ids, "object ids", MOST_ROWS))
    if ids and len(ids) != len(rows):
        raise PluginError(f"A table has {len(rows)} rows and {len(ids)} object ids.", cure=_CURE)
    return Table(title=_text(table.title, "title of a table"), columns=columns, rows=rows, object_ids=ids)


def _row(row: object, width: int) -> tuple[str | float, ...]:
    if not isinstance(row, Sequence | np.ndarray) or isinstance(row, str | bytes) or len(row) != width:
        raise PluginError(f"A row of a table does not have {width} cells.", cure=_CURE)
    return tuple(_cell(cell) for cell in row)


def _cell(cell: object) -> str | float:
    if isinstance(cell, str):
        return _shown(cell, LONGEST_CELL)
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, int | np.integer):
        return int(cell) if abs(int(cell)) < 10**15 else float(cell)
    if isinstance(cell, float | np.floating):
        return float(cell)
    raise PluginError(f"A cell of a table is {_kind(cell)} instead of a text or a number.", cure=_CURE)


def _entry(element: EntryElement) -> EntryElement:
    checked: EntryElement = replace(element, id=_id(element.id), title=_text(element.title, "title"))
    match checked:
        case NumberEntry():
            checked = _number_entry(checked)
        case ChoiceEntry():
            choices = tuple(_text(choice, "choice") for choice in _limited(checked.choices, "choices", MOST_CHOICES))
            if not choices or len(set(choices)) != len(choices):
                raise PluginError(f"The choices of “{checked.id}” are none, or not all different.", cure=_CURE)
            checked = replace(checked, choices=choices)
        case TextEntry() | SwitchEntry():
            pass
    if not entry_fits(checked, checked.value):
        raise PluginError(f"The value of “{checked.id}” is not one that can be entered there.", cure=_CURE)
    return checked


def _number_entry(element: NumberEntry) -> NumberEntry:
    low, high = _finite(element.minimum, "minimum"), _finite(element.maximum, "maximum")
    step, value = _finite(element.step, "step"), _finite(element.value, "value")
    if low >= high or step <= 0:
        raise PluginError(f"The bounds or the step of “{element.id}” leave nothing to choose.", cure=_CURE)
    return replace(element, minimum=low, maximum=high, step=step, value=value, unit=_text(element.unit, "unit"))


# --- actions --------------------------------------------------------------------------------------------------------


def _actions(actions: tuple[Action, ...]) -> tuple[Action, ...]:
    if len(actions) > MOST_ACTIONS:
        raise PluginError(f"{len(actions):,} actions were asked for at once; {MOST_ACTIONS} are the most.", cure=_CURE)
    return tuple(_action(action) for action in actions)


def _action(action: Action) -> Action:
    match action:
        case FlyTo():
            position = _limited(action.position, "coordinates", 3)
            if len(position) != 3:
                raise PluginError("A position to fly to has not three coordinates.", cure=_CURE)
            x, y, z = (_finite(value, "position") for value in position)
            distance = _finite(action.distance_m, "distance_m")
            return FlyTo(position=(x, y, z), distance_m=min(max(distance, 1.0), 1e6))
        case SelectObject():
            return SelectObject(object_id=_text(action.object_id, "object id"))
        case SwitchOverlay():
            _boolean(action.on, "on")
            return SwitchOverlay(id=_text(action.id, "id of an overlay"), on=action.on)
        case SetInstant():
            return _instant(action)
        case StartAnalysis():
            pairs = _limited(action.parameters, "parameters", 100)
            return StartAnalysis(
                id=_text(action.id, "id of an analysis"), parameters=tuple(_parameter(pair) for pair in pairs)
            )
        case Tell():
            text = " ".join(_text(action.text, "text").split())
            return Tell(text=text if len(text) <= LONGEST_TOLD else f"{text[: LONGEST_TOLD - 1]}…")


def _instant(action: SetInstant) -> SetInstant:
    instant = action.instant
    if instant is None:
        return action
    if not isinstance(instant, datetime) or instant.tzinfo is None:
        raise PluginError("An instant to show is not a time with a time zone.", cure=_CURE)
    if not FIRST_INSTANT <= instant <= LAST_INSTANT:
        raise PluginError("An instant to show is not between the years 1800 and 2200.", cure=_CURE)
    return SetInstant(instant=instant.astimezone(UTC))


def _parameter(pair: object) -> tuple[str, Entry]:
    if isinstance(pair, Sequence) and not isinstance(pair, str | bytes) and len(pair) == 2:
        key, value = pair
        if isinstance(key, str) and isinstance(value, str | bool | int | float):
            return key, value
    raise PluginError("A parameter of an analysis is not a pair of its key and a text, number or boolean.", cure=_CURE)


# --- single values --------------------------------------------------------------------------------------------------


def _limited(values: object, name: str, most: int) -> Sequence[object]:
    if not isinstance(values, Sequence | np.ndarray) or isinstance(values, str | bytes):
        raise PluginError(f"The {name} are {_kind(values)} instead of a sequence.", cure=_CURE)
    if len(values) > most:
        raise PluginError(f"There are {len(values):,} {name}; {most:,} are the most.", cure=_CURE)
    return values  # type: ignore[return-value]  # an array of texts or numbers is as good as a sequence here


def _text(value: object, name: str) -> str:
    if not isinstance(value, str):
        raise PluginError(f"The {name} is {_kind(value)} instead of a text.", cure=_CURE)
    return _shown(value)


def _shown(text: str, longest: int = LONGEST_TEXT) -> str:
    """Return a text that can be shown: not without end, and without the halves of characters that Qt refuses."""
    return text[:longest].encode("utf-8", "replace").decode("utf-8")


def _id(value: object) -> str:
    text = _text(value, "id of an element")
    if not text or len(text) > 200:
        raise PluginError("An element has no id, or one of more than 200 characters.", cure=_CURE)
    return text


def _boolean(value: object, name: str) -> None:
    if not isinstance(value, bool):
        raise PluginError(f"“{name}” is {_kind(value)} instead of True or False.", cure=_CURE)


def _finite(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not math.isfinite(value):
        raise PluginError(f"“{name}” is {value!r:.60} instead of a number.", cure=_CURE)
    return float(value)


def _kind(value: object) -> str:
    return "nothing (None)" if value is None else f"a value of type {type(value).__name__}"

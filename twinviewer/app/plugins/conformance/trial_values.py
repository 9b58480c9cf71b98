"""Layers, analyses, panels and commands on trial: values in, values out."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from typing import Any, get_args

from twinviewer.app.plugins.conformance.plugin_code import (
    INSTANT,
    Check,
    Contribution,
    PluginCode,
    Stopped,
    checked_layer,
    extremes,
    frozen,
    in_words,
    says_why,
)
from twinviewer.app.plugins.conformance.trial_overlays import LEAK_BYTES, bytes_left_per_call, town
from twinviewer.app.plugins.conformance.verdicts import Verdict, failed, passed, warning
from twinviewer.app.plugins.panel_checks import checked_actions, checked_content, checked_table
from twinviewer.app.plugins.result_checks import checked_requests
from twinviewer.app.plugins.trial_places import bare_places, town_layers
from twinviewer.app.site import SessionSite
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.panel import Button, ChoiceEntry, Entry, NumberEntry, Selection, SwitchEntry, Table, TextEntry

_MISSING = "Say what is missing with a TwinViewerError that has a cure, or do without."


def _anywhere(run: Callable[[SessionSite], object]) -> list[Verdict]:
    """Whether a function answers wherever it is asked, or says why not."""
    found = []
    for what, site in bare_places().items():
        try:
            run(site)
        except BaseException as error:  # noqa: BLE001 – that it is raised is what is found out
            if not says_why(error):
                found.append(failed(f"Where {what}: {in_words(error)}", _MISSING))
    return found or [passed(f"It answers in {len(bare_places())} bare places, or says what is missing")]


def _with_settings(code: PluginCode, run: Callable[[], object]) -> list[Verdict]:
    found = []
    for values in code.each_settings():
        try:
            run()
        except Exception as error:  # noqa: BLE001 – that it is raised is what is found out
            if not says_why(error):
                found.append(failed(f"With {values}: {in_words(error)}", "Narrow the bounds, or cope with it."))
    if not code.settings:
        return []
    return found or [passed(f"It works with {len(code.settings)} combinations of its settings")]


def _memory(run: Callable[[], object]) -> list[Verdict]:
    per_call = bytes_left_per_call(lambda number: run())
    if per_call > LEAK_BYTES:
        cure = "Keep nothing per call; key caches by the site, in a WeakKeyDictionary."
        return [failed(f"Each call leaves {per_call / 1024:.1f} KiB behind", cure)]
    return [passed("Calls leave no memory behind")]


# --- layers ---------------------------------------------------------------------------------------------------------


def _draw(code: PluginCode, contribution: Contribution, site: SessionSite) -> Sequence[object]:
    return checked_requests(code.call(contribution["draw"], site=site, feedback=Silent()))


def draw(code: PluginCode, contribution: Contribution) -> list[Verdict]:
    requests = _draw(code, contribution, town())
    if not requests:
        return [warning("It draws nothing in the small town", "Draw something, or say why not.")]
    with contextlib.suppress(Cancelled):
        code.call(contribution["draw"], site=town(), feedback=Stopped())
    return [passed(f"It draws {len(requests)} requests in the small town")]


LAYER_CHECKS: dict[str, Check] = {
    "draw": draw,
    "places": lambda code, contribution: _anywhere(lambda site: _draw(code, contribution, site)),
    "memory": lambda code, contribution: _memory(lambda: _draw(code, contribution, town())),
    "settings": lambda code, contribution: _with_settings(code, lambda: _draw(code, contribution, town())),
}


# --- analyses -------------------------------------------------------------------------------------------------------


def _analyse(
    code: PluginCode, contribution: Contribution, site: SessionSite, parameters: dict[str, Any] | None = None
) -> tuple[object, ...]:
    """Return what an analysis answers, checked; parameters that are not given have their defaults."""
    values = parameters or next(iter(extremes(contribution["parameters"])), {})
    layers = {each["key"]: _layer_for(each) for each in contribution["parameters"] if each["type"] == "layer"}
    result = code.call(contribution["analyse"], site=site, feedback=Silent(), **{**values, **layers})
    if not isinstance(result, Sequence) or isinstance(result, str | bytes):
        raise PluginError("The analysis returned something else than a sequence.")
    return tuple(_checked_result(item) for item in result)


def _checked_result(item: object) -> object:
    if isinstance(item, Table):
        return checked_table(item)
    if isinstance(item, get_args(LayerData)):
        return checked_layer(item)
    return checked_requests((item,))[0]


def _layer_for(parameter: dict[str, Any]) -> object:
    return next(
        (data for spec, data in town_layers() if not parameter["kinds"] or spec.kind in parameter["kinds"]), None
    )


def analyse(code: PluginCode, contribution: Contribution) -> list[Verdict]:
    results = _analyse(code, contribution, town())
    if frozen(results) != frozen(_analyse(code, contribution, town())):
        cure = "Seed random numbers, so that two people get the same answer."
        return [warning("Asked twice the same, it answers differently", cure)]
    if not results:
        return [warning("It answers nothing in the small town", "Answer with a table that says so, at least.")]
    kinds = ", ".join(type(result).__name__ for result in results)
    return [passed(f"It answers with {kinds}, the same each time")]


def parameters_at_bounds(code: PluginCode, contribution: Contribution) -> list[Verdict]:
    found = []
    variants = extremes(contribution["parameters"])
    for values in variants:
        try:
            _analyse(code, contribution, town(), values)
        except Exception as error:  # noqa: BLE001 – that it is raised is what is found out
            if not says_why(error):
                found.append(failed(f"With {values}: {in_words(error)}", "Narrow the bounds, or cope with it."))
    return found or ([passed(f"It copes with {len(variants)} combinations of its parameters")] if variants else [])


ANALYSIS_CHECKS: dict[str, Check] = {
    "analyse": analyse,
    "places": lambda code, contribution: _anywhere(lambda site: _analyse(code, contribution, site)),
    "parameters": parameters_at_bounds,
    "memory": lambda code, contribution: _memory(lambda: _analyse(code, contribution, town())),
    "settings": lambda code, contribution: _with_settings(code, lambda: _analyse(code, contribution, town())),
}


# --- panels and commands --------------------------------------------------------------------------------------------


def selections() -> tuple[Selection | None, ...]:
    """Return what may be selected: nothing, a house of the town, something that nobody knows."""
    objects = town().city_objects
    house = Selection(
        object_id=objects.ids[0],
        type=objects.types[0],
        layer="Buildings",
        position=tuple(objects.positions[0].tolist()),
        attributes=(("measuredHeight", "6.0 m"),),
    )
    return (None, house, Selection(object_id="", type="", layer="", position=(0.0, 0.0, 0.0), attributes=()))


def _show(
    code: PluginCode,
    contribution: Contribution,
    site: SessionSite | None,
    selection: Selection | None = None,
    entries: dict[str, Entry] | None = None,
    pressed: str = "",
) -> Any:
    return checked_content(
        code.call(
            contribution["show"],
            site=site,
            selection=selection,
            instant=INSTANT,
            entries=entries or {},
            pressed=pressed,
        )
    )


def show(code: PluginCode, contribution: Contribution) -> list[Verdict]:
    """What the panel shows, also while nothing is loaded or something is selected."""
    content = _show(code, contribution, town())
    for selection in selections():
        _show(code, contribution, None, selection)
        _show(code, contribution, town(), selection)
    if frozen(content) != frozen(_show(code, contribution, town())):
        return [failed("It shows something else when asked again", "Let it follow from the arguments alone.")]
    if not content.elements:
        return [warning("It shows nothing in the small town", "Say in a paragraph what it is for, at least.")]
    return [passed(f"{len(content.elements)} elements, with and without a town and a selection")]


def entries_and_buttons(code: PluginCode, contribution: Contribution) -> list[Verdict]:
    """Whether it copes with whatever a person enters and presses."""
    content = _show(code, contribution, town())
    tried = 0
    for element in content.elements:
        for value in _values_of(element):
            _show(code, contribution, town(), entries={element.id: value})
            tried += 1
        if isinstance(element, Button):
            _show(code, contribution, town(), pressed=element.id)
            tried += 1
    return [passed(f"It copes with {tried} entries and presses")] if tried else []


def _values_of(element: object) -> Sequence[Entry]:
    match element:
        case NumberEntry():
            return (element.minimum, element.maximum)
        case TextEntry():
            return ("", "Übergroße Straße 1/ä")
        case ChoiceEntry():
            return element.choices
        case SwitchEntry():
            return (False, True)
        case _:
            return ()


PANEL_CHECKS: dict[str, Check] = {
    "show": show,
    "entries": entries_and_buttons,
    "places": lambda code, contribution: _anywhere(lambda site: _show(code, contribution, site)),
    "memory": lambda code, contribution: _memory(lambda: _show(code, contribution, town())),
    "settings": lambda code, contribution: _with_settings(code, lambda: _show(code, contribution, town())),
}


def _run(
    code: PluginCode, contribution: Contribution, site: SessionSite | None, selection: Selection | None = None
) -> Sequence[object]:
    return checked_actions(code.call(contribution["run"], site=site, selection=selection, instant=INSTANT))


def run(code: PluginCode, contribution: Contribution) -> list[Verdict]:
    """What the command asks for, with and without a town and a selection."""
    for selection in selections():
        for site in (town(), None):
            try:
                _run(code, contribution, site, selection)
            except Exception as error:  # noqa: BLE001 – that it is raised is what is found out
                if not says_why(error):
                    where = "in the small town" if site is not None else "while nothing is loaded"
                    return [failed(f"Called {where}: {in_words(error)}", _MISSING)]
    return [passed("It works with and without a town and a selection")]


COMMAND_CHECKS: dict[str, Check] = {
    "run": run,
    "places": lambda code, contribution: _anywhere(lambda site: _run(code, contribution, site)),
    "settings": lambda code, contribution: _with_settings(code, lambda: _run(code, contribution, town())),
}

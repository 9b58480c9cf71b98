"""Panels of plugins that are open: when each is asked what it shows, and what it answered last.

A panel's function runs on a thread, one call at a time.  Whatever changes while it runs is put together into the next
call.  Only for the thread that owns the session; the answers come home through ``deliver``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from twinviewer.api.contracts import Site
from twinviewer.app.jobs import JobRunner
from twinviewer.app.plugins.failures import WaitsForPersonError
from twinviewer.app.plugins.manifest import PanelContribution
from twinviewer.app.plugins.panel_checks import EntryElement, PanelContent, checked_content, entry_fits
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.panel import (
    Action,
    ChoiceEntry,
    Entry,
    NumberEntry,
    PanelElement,
    Selection,
    SwitchEntry,
    TextEntry,
)

TIME_STEP_S = 0.5
"""A panel hears no more often that time went on."""
RETRY_S = 2.0
"""After a failure; three in a row switch the panel off."""


class PanelState(StrEnum):
    WAITING = "waiting"
    """It has not answered yet."""
    SHOWN = "shown"
    FAILED = "failed"
    """Its function failed; what it had answered before stands."""
    NEEDS_PERSON = "needs the person"
    """Its plugin can do nothing before the person accepted what it asks for, or filled in its settings."""
    SWITCHED_OFF = "switched off"
    """It failed three times in a row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PanelPicture:
    """One panel as it is to be shown.  ``elements`` is the same object as before where nothing in it changed."""

    state: PanelState = PanelState.WAITING
    elements: tuple[PanelElement, ...] = ()
    busy_since: float | None = None
    """When the call that runs now began, by the runner's clock; None: none runs."""
    problem: TwinViewerError | None = None
    """Why it failed, in words that name the plugin."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What a panel was called with."""

    site: Site | None
    selection: Selection | None
    instant: datetime
    entries: Mapping[str, Entry]
    pressed: str = ""
    entered: bool = False
    """Whether the person entered something since the call before."""


@dataclass(kw_only=True)
class _Open:
    contribution: PanelContribution
    picture: PanelPicture = field(default_factory=PanelPicture)
    entries: dict[str, Entry] = field(default_factory=dict)
    pressed: str = ""
    entered: bool = False
    last: _Asked | None = None
    """What it was called with last; None: it must be called."""
    called_at: float = float("-inf")
    failed_at: float | None = None
    in_view: bool = True
    running: int = 0
    """Number of the call whose answer is waited for; 0: none."""
    calls: int = 0


class PanelRunner:
    """Keeps the panels that are in view up to date.

    Args:
        registry: Where panels come from.
        site: Returns the place as it is now, or None while nothing is loaded; the same object while it is the same.
        deliver: As in :class:`JobRunner`.
        on_change: Hears the id of a panel whose picture changed.
        on_actions: Gets what a panel asks for after a press or an entry, and the panel's id.
        monotonic: Seconds that never run backwards.
    """

    def __init__(
        self,
        *,
        registry: PluginRegistry,
        site: Callable[[], Site | None],
        deliver: Callable[[Callable[[], None]], None],
        on_change: Callable[[str], None],
        on_actions: Callable[[str, tuple[Action, ...]], None],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registry, self._site = registry, site
        self._on_change, self._on_actions, self._monotonic = on_change, on_actions, monotonic
        self._runner = JobRunner(deliver)
        self._open: dict[str, _Open] = {}
        self._selection: Selection | None = None
        self._instant: datetime | None = None

    @property
    def open_ids(self) -> tuple[str, ...]:
        """The panels that are in view."""
        return tuple(panel_id for panel_id, panel in self._open.items() if panel.in_view)

    def picture(self, panel_id: str) -> PanelPicture:
        """Return what a panel shows; one that was never in view waits."""
        panel = self._open.get(panel_id)
        return PanelPicture() if panel is None else panel.picture

    def open(self, panel_id: str) -> None:
        """Begin to keep a panel up to date, since it came into view.

        Raises:
            KeyError: No plugin has it.
        """
        panel = self._open.get(panel_id)
        if panel is not None:
            panel.in_view = True
        else:
            contribution = self._registry.contribution(panel_id, PanelContribution)
            if contribution is None:
                raise KeyError(panel_id)
            self._open[panel_id] = _Open(contribution=contribution)

    def close(self, panel_id: str) -> None:
        """Ask a panel no more, since it is out of view.  What was entered is kept for when it comes back."""
        panel = self._open.get(panel_id)
        if panel is not None:
            panel.in_view = False
            panel.pressed, panel.last = "", None

    def enter(self, panel_id: str, element_id: str, value: Entry) -> None:
        """Note what the person entered, and tell the panel."""
        panel = self._open.get(panel_id)
        if panel is not None and (element_id not in panel.entries or panel.entries[element_id] != value):
            panel.entries[element_id] = value
            panel.entered = True
            self._look_at(panel)

    def press(self, panel_id: str, button_id: str) -> None:
        """Tell the panel that one of its buttons was pressed."""
        panel = self._open.get(panel_id)
        if panel is not None:
            panel.pressed = button_id
            self._look_at(panel)

    def look(self, *, selection: Selection | None, instant: datetime) -> None:
        """Call those panels for which something has changed.  To be called several times a second."""
        self._selection, self._instant = selection, instant
        for panel in tuple(self._open.values()):
            self._look_at(panel)

    def switch_on(self, panel_id: str) -> None:
        """Give a panel that failed another chance."""
        self._registry.switch_on(panel_id)
        self.reload(panel_id)

    def reload(self, panel_id: str) -> None:
        """Call a panel anew whatever changed: its code or its settings are others.  What was entered stays."""
        panel = self._open.get(panel_id)
        if panel is None:
            return
        contribution = self._registry.contribution(panel_id, PanelContribution)
        if contribution is None:
            del self._open[panel_id]
            return
        panel.contribution = contribution
        panel.running, panel.last, panel.failed_at = 0, None, None
        self._show(panel, replace(panel.picture, state=_resting(panel.picture), problem=None, busy_since=None))
        self._look_at(panel)

    def end(self) -> None:
        """Call nothing any more; the runner is of no use afterwards."""
        for panel_id in self.open_ids:
            self.close(panel_id)
        self._runner.close(timeout_s=0.5)

    # --- one panel ------------------------------------------------------------------------------------------------

    def _look_at(self, panel: _Open) -> None:
        """Call the panel if something changed, none of its calls runs, and it may be called so soon."""
        if panel.running or not panel.in_view or self._instant is None:
            return
        if self._registry.is_disabled(panel.contribution.id):
            if panel.picture.state is not PanelState.SWITCHED_OFF:
                self._fail(panel, PluginError("The panel is switched off."))
            return
        asked = _Asked(
            site=self._site(),
            selection=self._selection,
            instant=self._instant,
            entries=dict(panel.entries),
            pressed=panel.pressed,
            entered=panel.entered,
        )
        now = self._monotonic()
        if panel.failed_at is not None and not asked.pressed and now - panel.failed_at < RETRY_S:
            return
        if _is_due(asked, panel.last) or (asked != panel.last and now - panel.called_at >= TIME_STEP_S):
            self._call(panel, asked, now)

    def _call(self, panel: _Open, asked: _Asked, now: float) -> None:
        panel.calls += 1
        panel.last, panel.called_at, panel.running = asked, now, panel.calls
        panel.pressed, panel.entered = "", False
        contribution, number = panel.contribution, panel.calls
        panel.picture = replace(panel.picture, busy_since=now)
        arguments = {
            "site": asked.site,
            "selection": asked.selection,
            "instant": asked.instant,
            "entries": asked.entries,
            "pressed": asked.pressed,
        }

        def done(content: PanelContent) -> None:
            if panel.running == number:
                self._answered(panel, asked, content)

        def failed(error: Exception) -> None:
            if panel.running == number:
                self._fail(panel, error)

        self._runner.start(
            contribution.title,
            lambda _feedback: self._registry.call(contribution.id, contribution.show, arguments, check=checked_content),
            on_done=done,
            on_error=failed,
            on_cancelled=lambda: failed(PluginError("The panel stopped its own work.")),
        )

    def _answered(self, panel: _Open, asked: _Asked, content: PanelContent) -> None:
        panel.running, panel.failed_at = 0, None
        if not panel.in_view:
            panel.picture = replace(panel.picture, busy_since=None)
            return
        is_outdated = asked.site is not self._site() or asked.selection != self._selection
        if is_outdated and panel.picture.state is PanelState.SHOWN:
            panel.picture = replace(panel.picture, busy_since=None)
        else:
            elements = panel.picture.elements
            elements = elements if elements == content.elements else content.elements
            self._forget_unfitting(panel, elements)
            self._show(panel, PanelPicture(state=PanelState.SHOWN, elements=elements))
        if content.actions and (asked.pressed or asked.entered):
            self._on_actions(panel.contribution.id, content.actions)
        self._look_at(panel)

    def _fail(self, panel: _Open, error: Exception) -> None:
        panel.running, panel.failed_at, panel.last = 0, self._monotonic(), None
        is_off = self._registry.is_disabled(panel.contribution.id)
        record = self._registry.failure(panel.contribution.id)
        if is_off and record is not None:
            error = PluginError(record.sentence, source=record.plugin_name)
        problem = error if isinstance(error, TwinViewerError) else PluginError(f"The panel failed: {error}.")
        state = PanelState.SWITCHED_OFF if is_off else PanelState.FAILED
        if isinstance(problem, WaitsForPersonError):
            state = PanelState.NEEDS_PERSON
        self._show(panel, replace(panel.picture, state=state, problem=problem, busy_since=None))

    def _show(self, panel: _Open, picture: PanelPicture) -> None:
        before, panel.picture = panel.picture, picture
        if replace(before, busy_since=None) != replace(picture, busy_since=None):
            self._on_change(panel.contribution.id)

    @staticmethod
    def _forget_unfitting(panel: _Open, elements: tuple[PanelElement, ...]) -> None:
        """Forget what was entered where it can no longer be chosen; what is not shown at the moment is kept."""
        for element in elements:
            if isinstance(element, NumberEntry | TextEntry | ChoiceEntry | SwitchEntry):
                entered: EntryElement = element
                if entered.id in panel.entries and not entry_fits(entered, panel.entries[entered.id]):
                    del panel.entries[entered.id]


def _is_due(asked: _Asked, last: _Asked | None) -> bool:
    """Return whether something other than the time has changed."""
    return (
        last is None
        or bool(asked.pressed)
        or asked.site is not last.site
        or asked.selection != last.selection
        or asked.entries != last.entries
    )


def _resting(picture: PanelPicture) -> PanelState:
    return PanelState.SHOWN if picture.elements else PanelState.WAITING

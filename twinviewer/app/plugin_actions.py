"""What panels and commands of plugins ask for, carried out; and commands, run.

Only for the thread that owns the session.  Checked actions come in; what cannot be done is told, never raised.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Protocol

from twinviewer.api.contracts import Site
from twinviewer.app.commands import SetOverlay
from twinviewer.app.jobs import Job, JobRunner
from twinviewer.app.plugins.manifest import (
    AnalysisContribution,
    CommandContribution,
    LayerContribution,
    OverlayContribution,
)
from twinviewer.app.plugins.panel_checks import checked_actions
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.session import Session
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.panel import (
    Action,
    Entry,
    FlyTo,
    Selection,
    SelectObject,
    SetInstant,
    StartAnalysis,
    SwitchOverlay,
    Tell,
)
from twinviewer.model.project import OverlaySpec


class Stage(Protocol):
    """What actions need beyond the document: a view, a clock, a place for messages."""

    def fly_to(self, position: tuple[float, float, float], distance_m: float) -> None: ...

    def select_object(self, object_id: str) -> bool:
        """Select a city object and show it; return whether there is one of that id."""

    def show_instant(self, instant: datetime | None) -> None:
        """Show an instant; None: the present, and follow it."""

    def start_analysis(self, analysis_id: str, parameters: Sequence[tuple[str, Entry]]) -> None:
        """Start an analysis.

        Raises:
            TwinViewerError: It cannot be started now, or a parameter does not fit.
        """

    def tell(self, text: str) -> None: ...

    def tell_error(self, error: TwinViewerError) -> None: ...


class ActionExecutor:
    """Carries out what contributions ask for."""

    def __init__(self, *, session: Session, registry: PluginRegistry, stage: Stage) -> None:
        self._session, self._registry, self._stage = session, registry, stage

    def carry_out(self, contribution_id: str, actions: Sequence[Action]) -> None:
        """Do one action after the other; ``contribution_id`` says who asks."""
        for action in actions:
            try:
                self._do(action)
            except TwinViewerError as error:
                name = self._registry.plugin_of(contribution_id).name
                self._stage.tell_error(PluginError(error.problem, cure=error.cure, source=name))

    def _do(self, action: Action) -> None:
        stage = self._stage
        match action:
            case FlyTo():
                stage.fly_to(action.position, action.distance_m)
            case SelectObject():
                if not stage.select_object(action.object_id):
                    raise PluginError(f"There is no city object “{action.object_id}” to select.")
            case SwitchOverlay():
                self._switch(action)
            case SetInstant():
                stage.show_instant(action.instant)
            case StartAnalysis():
                if self._registry.contribution(action.id, AnalysisContribution) is None:
                    raise PluginError(f"There is no analysis “{action.id}” to start.", cure="Install its plugin.")
                stage.start_analysis(action.id, action.parameters)
            case Tell():
                stage.tell(action.text)

    def _switch(self, action: SwitchOverlay) -> None:
        known = any(self._registry.contribution(action.id, kind) for kind in (OverlayContribution, LayerContribution))
        if not known:
            raise PluginError(f"There is no overlay “{action.id}” to switch.", cure="Install its plugin.")
        overlays = self._session.project.overlays
        spec = next((spec for spec in overlays if spec.id == action.id), OverlaySpec(id=action.id, visible=False))
        if spec.visible != action.on:
            self._session.do(SetOverlay(overlay=replace(spec, visible=action.on)))


class CommandRunner:
    """Runs commands of plugins, each as a job that a person sees and can cancel.

    Args:
        registry: Where commands come from.
        runner: Where they run.
        executor: Does what they return.
        stage: Hears what went wrong.
    """

    def __init__(self, *, registry: PluginRegistry, runner: JobRunner, executor: ActionExecutor, stage: Stage) -> None:
        self._registry, self._runner, self._executor, self._stage = registry, runner, executor, stage

    def run(self, command_id: str, *, site: Site | None, selection: Selection | None, instant: datetime) -> Job | None:
        """Start a command; return its job, or None where no plugin has it (any more)."""
        command = self._registry.contribution(command_id, CommandContribution)
        if command is None:
            return None
        arguments = {"site": site, "selection": selection, "instant": instant}
        return self._runner.start(
            command.title,
            lambda _feedback: self._registry.call(command.id, command.run, arguments, check=checked_actions),
            on_done=lambda actions: self._executor.carry_out(command.id, actions),
            on_error=self._failed,
        )

    def _failed(self, error: Exception) -> None:
        if not isinstance(error, TwinViewerError):
            raise error
        self._stage.tell_error(error)

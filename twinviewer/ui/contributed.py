"""What plugins add to the window: panels, commands, themes and tours, in its menus, its palette and its docks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QMenu

from twinviewer.app.commands import SetStyle
from twinviewer.app.panels import PanelRunner
from twinviewer.app.plugin_actions import ActionExecutor, CommandRunner
from twinviewer.app.plugins.registry import PluginChange, PluginEvent
from twinviewer.app.themes import Themes
from twinviewer.app.tours import looking_at
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.panel import Entry as Entered
from twinviewer.model.panel import Selection
from twinviewer.model.project import LayerSpec
from twinviewer.scene import navigation
from twinviewer.ui.facts import ObjectFacts
from twinviewer.ui.inspector import value_text
from twinviewer.ui.plugin_commands import PluginCommands
from twinviewer.ui.plugin_panels import PluginPanels
from twinviewer.ui.search import COMMAND, Entry
from twinviewer.ui.tour_guide import TourGuide

if TYPE_CHECKING:
    from twinviewer.ui.main_window import MainWindow

FLIGHT_PITCH_DEG = -35.0
"""A flight to a position looks down at it at least so steeply, or roofs hide it."""
_NOT_OF_CONCERN = {PluginEvent.CONSENT_NEEDED}


def selection_of(facts: ObjectFacts) -> Selection:
    """Return what the inspector shows as plugins get it."""
    attributes = tuple((a.name, " ".join((value_text(a.value), a.unit)).strip()) for a in facts.attributes)
    return Selection(
        object_id=facts.id,
        type=facts.type,
        layer=facts.layer_title,
        position=facts.position,
        attributes=attributes,
    )


class Contributed(QObject):
    """Between the registry of plugins and the window.  It is the :class:`Stage` of their actions."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        services = window.services
        self._registry = services.registry
        self._facts: ObjectFacts | None = None
        self._selection: Selection | None = None
        self.themes = Themes(self._registry, on_error=self._list_error)
        self._executor = ActionExecutor(session=services.session, registry=self._registry, stage=self)
        self._commands = CommandRunner(
            registry=self._registry, runner=services.runner, executor=self._executor, stage=self
        )
        self.commands = PluginCommands(
            window,
            registry=self._registry,
            taken=lambda: [keys for spec in window.commands.specs.values() for keys in spec.keys],
            run=self.run_command,
        )
        self._panel_runner = PanelRunner(
            registry=self._registry,
            site=lambda: services.overlays.site,
            deliver=services.main_thread.deliver,
            on_change=lambda panel_id: self.panels.show_picture(panel_id),
            on_actions=self._executor.carry_out,
        )
        self.panels = PluginPanels(
            window,
            window.look,
            registry=self._registry,
            runner=self._panel_runner,
            beside=lambda: window.docks.docks["inspector"],
            selection=self.selection,
            instant=services.clock.now,
            show_object=window.layers.show_object,
            show_log=lambda plugin_id: window.administration.show_log(plugin_id),
            show_plugin=lambda plugin_id: window.administration.show_plugin(plugin_id),
        )
        self.tours = TourGuide(window, on_error=self.tell_error)
        window.panels.style.preset_asked.connect(self.apply_preset)
        self._show_themes()
        self._stop_hearing = self._registry.on_change(self._hear)

    def selection(self) -> Selection | None:
        """Return what the person picked, as plugins get it; the same object while it is the same."""
        facts = self._window.panels.inspector.facts
        if facts is not self._facts:
            self._facts, self._selection = facts, None if facts is None else selection_of(facts)
        return self._selection

    def run_command(self, command_id: str) -> None:
        services = self._window.services
        self._commands.run(
            command_id, site=services.overlays.site, selection=self.selection(), instant=services.clock.now()
        )

    def apply_preset(self, layer: LayerSpec, preset_id: str) -> None:
        """Draw a layer in a style that a plugin offers."""
        preset = next((each for each in self.themes.presets if each.id == preset_id), None)
        if preset is not None and preset.fits(layer.kind):
            self._window.services.session.do(SetStyle(layer_id=layer.id, style=preset.applied_to(layer.style)))

    def close(self) -> None:
        self._stop_hearing()
        self.tours.close()
        self.panels.close()
        self.themes.withdraw()

    # Menus and palette. --------------------------------------------------------------------------

    def fill_panels(self, menu: QMenu) -> None:
        for panel in self._registry.panels:
            action = menu.addAction(panel.title.replace("&", "&&"))
            action.setToolTip(panel.description)
            action.setCheckable(True)
            action.setChecked(self.panels.is_shown(panel.id))
            action.triggered.connect(_calling(self.panels.toggle, panel.id))
        if not self._registry.panels:
            menu.addAction("No plugin offers one").setEnabled(False)

    def fill_tours(self, menu: QMenu) -> None:
        for tour in self._registry.tours:
            action = menu.addAction(tour.title.replace("&", "&&"))
            action.setToolTip(tour.description)
            action.setEnabled(bool(self._window.services.session.project.layers))
            action.triggered.connect(_calling(self.tours.start, tour.id))
        if not self._registry.tours:
            menu.addAction("No plugin offers one").setEnabled(False)

    def list_commands(self, menu: QMenu) -> None:
        """Put the commands of plugins at the end of a menu, in place of those that were there."""
        for action in menu.actions():
            if action.property("contributed"):
                menu.removeAction(action)
                if action.isSeparator():
                    action.deleteLater()
        if self.commands.actions:
            line = menu.addSeparator()
            line.setProperty("contributed", True)
        for action in self.commands.actions.values():
            action.setProperty("contributed", True)
            menu.addAction(action)

    def entries(self) -> list[Entry]:
        """Return what plugins add to the palette."""
        has_layers = bool(self._window.services.session.project.layers)
        return [
            *(
                Entry(
                    title=command.title,
                    kind=COMMAND,
                    detail=f"Plugins › {self._registry.plugin_of(command.id).name}",
                    icon="puzzle",
                    words=command.description,
                    keys=self.commands.keys_of(command.id),
                    run=_calling(self.run_command, command.id),
                )
                for command in self._registry.commands
                if command.id in self.commands.actions
            ),
            *(
                Entry(
                    title=panel.title,
                    kind=COMMAND,
                    detail="Window › Panels",
                    icon="puzzle",
                    words=f"panel {panel.description}",
                    run=_calling(self.panels.show, panel.id),
                )
                for panel in self._registry.panels
            ),
            *(
                Entry(
                    title=tour.title,
                    kind=COMMAND,
                    detail="View › Tours",
                    icon="waypoints",
                    words=f"tour guide {tour.description}",
                    enabled=has_layers,
                    run=_calling(self.tours.start, tour.id),
                )
                for tour in self._registry.tours
            ),
        ]

    # What actions need. --------------------------------------------------------------------------

    def fly_to(self, position: tuple[float, float, float], distance_m: float) -> None:
        self._window.show_view()
        viewpoint = self._window.scene.viewpoint
        pitch = min(navigation.pitch_deg(viewpoint), FLIGHT_PITCH_DEG)
        there = looking_at(
            position, heading_deg=navigation.heading_deg(viewpoint), pitch_deg=pitch, distance_m=distance_m
        )
        self._window.viewport.navigator.fly_to(replace(there, view_angle_deg=viewpoint.view_angle_deg))

    def select_object(self, object_id: str) -> bool:
        self._window.show_view()
        return self._window.layers.show_object(object_id)

    def show_instant(self, instant: datetime | None) -> None:
        if instant is None:
            self._window.live.go_live()
        else:
            self._window.live.scrub(instant)

    def start_analysis(self, analysis_id: str, parameters: Sequence[tuple[str, Entered]]) -> None:
        self._window.analyses.start(analysis_id, dict(parameters))

    def tell(self, text: str) -> None:
        self._window.toasts.show(text)

    def tell_error(self, error: TwinViewerError) -> None:
        text = " ".join(part for part in (error.problem, error.cure) if part)
        self._window.toasts.show(
            text if not error.source else f"{error.source}: {text}",
            severity=Severity.WARNING,
            about=(error.code, error.problem, error.source),
        )

    # What it hears. ------------------------------------------------------------------------------

    def _hear(self, change: PluginChange) -> None:
        """A plugin came, went or changed; it may be told on any thread."""
        if change.event not in _NOT_OF_CONCERN:
            self._window.services.main_thread.deliver(self._renew)

    def _renew(self) -> None:
        self.themes.renew()
        self.commands.renew()
        self.panels.follow_registry()
        self.tours.follow_registry()
        self._show_themes()

    def _list_error(self, error: TwinViewerError) -> None:
        self._window.services.problems.add_error(error)

    def _show_themes(self) -> None:
        style = self._window.panels.style
        style.show_colour_maps([(each.id, each.title) for each in self.themes.maps])
        style.presets = self.themes.presets


def _calling(do: Callable[[str], object], argument: str) -> Callable[..., None]:
    return lambda *_: (do(argument), None)[1]

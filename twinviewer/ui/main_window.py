"""The window: puts view, panels, menus and bars together, and lets them hear of each other.  It decides nothing."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QChildEvent, QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QMainWindow, QMenu, QStackedWidget, QTabBar, QToolBar, QVBoxLayout, QWidget

from twinviewer.app.file_layers import KIND_NAMES
from twinviewer.app.opening import Phase
from twinviewer.app.problems import Problem
from twinviewer.app.project_file import ViewState
from twinviewer.app.session import Change
from twinviewer.model import crs
from twinviewer.model.diagnostics import Severity
from twinviewer.model.place import ReferenceSystem
from twinviewer.scene.city_scene import CityScene
from twinviewer.ui.action_table import TOOLBAR
from twinviewer.ui.actions import Commands
from twinviewer.ui.analysis_commands import AnalysisCommands
from twinviewer.ui.command_palette import CommandPalette
from twinviewer.ui.consent_bar import ConsentBar
from twinviewer.ui.contributed import Contributed
from twinviewer.ui.crs_dialog import CrsDialog
from twinviewer.ui.docks import Docks
from twinviewer.ui.document import Document
from twinviewer.ui.drop_hint import DropHint, drop_text
from twinviewer.ui.empty_hint import EmptyHint, empty_text
from twinviewer.ui.export_commands import ExportCommands
from twinviewer.ui.finder import Finder
from twinviewer.ui.first_look import FirstLook
from twinviewer.ui.inspector import Inspector
from twinviewer.ui.jobs_bar import JobsBar
from twinviewer.ui.layer_commands import LayerCommands
from twinviewer.ui.layers_panel import LayersPanel
from twinviewer.ui.legend import Legend
from twinviewer.ui.live_commands import LiveCommands
from twinviewer.ui.log_panel import LogPanel
from twinviewer.ui.look import Look
from twinviewer.ui.menus import Menus
from twinviewer.ui.object_commands import ObjectCommands
from twinviewer.ui.objects_panel import ObjectsPanel
from twinviewer.ui.panels import Panels
from twinviewer.ui.plugin_administration import PluginAdministration
from twinviewer.ui.plugins_panel import PluginsPanel
from twinviewer.ui.presentation import Presentation
from twinviewer.ui.problems_panel import ProblemsPanel
from twinviewer.ui.program_commands import ProgramCommands
from twinviewer.ui.project_commands import ProjectCommands
from twinviewer.ui.restore_bar import RestoreBar
from twinviewer.ui.results_panel import ResultsPanel
from twinviewer.ui.section_commands import SectionCommands
from twinviewer.ui.services import Services
from twinviewer.ui.status_bar import StatusBar, scale_text
from twinviewer.ui.style_panel import StylePanel
from twinviewer.ui.time_bar import TimeBar
from twinviewer.ui.toasts import Toasts
from twinviewer.ui.view_commands import PRESETS, ViewCommands
from twinviewer.ui.viewport import Viewport
from twinviewer.ui.welcome import WelcomePage

LEAST_SIZE = QSize(900, 560)
FIRST_SIZE = QSize(1440, 900)
TITLE_BAR = QSize(0, 40)
"""What the desktop puts around a window, at most."""
LEGEND_AFTER_MS = 150
FRAME_WHILE_LOADING_MS = 500
"""Frames take the processor from the threads that prepare the next layers."""


class MainWindow(QMainWindow):
    """The one window of the program."""

    closed = Signal()

    def __init__(self, services: Services, look: Look, document: Callable[[Callable[[], ViewState]], Document]) -> None:
        """Build the window; ``document`` makes the document once it is known who says where the camera is."""
        super().__init__()
        self.services, self.look = services, look
        self._ended = False
        self._is_empty: bool | None = None
        """Whether the view has nothing to show; None: not looked at yet."""
        self.setMinimumSize(LEAST_SIZE)
        self.resize(FIRST_SIZE.boundedTo(self.screen().availableGeometry().size() - TITLE_BAR))
        self.setAcceptDrops(True)
        self._make_view()
        self._make_panels()
        self._make_commands(document)
        self._connect()
        self.docks.recall()
        self.contributed.panels.recall()
        self._follow(Change(before=services.session.project, after=services.session.project))
        self._show_theme()
        self.live.wake()
        self.show_welcome()

    # Making it. ----------------------------------------------------------------------------------

    def _make_view(self) -> None:
        services, look = self.services, self.look
        self._legend_timer = QTimer(self)
        self._legend_timer.setSingleShot(True)
        self._legend_timer.setInterval(LEGEND_AFTER_MS)
        self._frame_timer = QTimer(self)
        self._frame_timer.setSingleShot(True)
        self._frame_timer.setInterval(FRAME_WHILE_LOADING_MS)
        self.viewport = Viewport()
        self.scene = CityScene(
            self.viewport,
            services.session,
            request_render=self._request_render,
            run_in_background=services.background,
            textures=services.textures,
        )
        self.viewport.set_scene(self.scene)
        self._first_look = FirstLook(self.scene, on_moved=self._view_was_moved)
        self.legend = Legend(look, self.viewport)
        self.empty_hint = EmptyHint(self.viewport)
        self.presentation = Presentation(self.viewport, lambda: services.session.project.bookmarks)
        self.welcome = WelcomePage(look)
        self.restore_bar = RestoreBar(look)
        self.consent_bar = ConsentBar(look)
        self.pages = QStackedWidget()
        self.pages.addWidget(self.welcome)
        self.pages.addWidget(self.viewport)
        middle = QWidget()
        layout = QVBoxLayout(middle)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.restore_bar)
        layout.addWidget(self.consent_bar)
        layout.addWidget(self.pages, 1)
        self.setCentralWidget(middle)
        self.toasts = Toasts(self.pages, look)
        self.drop_hint = DropHint(look, self.pages)
        self.palette_box = CommandPalette(look, self)

    def _make_panels(self) -> None:
        look = self.look
        self.panels = Panels(
            layers=LayersPanel(look),
            objects=ObjectsPanel(look),
            inspector=Inspector(look),
            style=StylePanel(),
            time=TimeBar(look),
            problems=ProblemsPanel(look),
            log=LogPanel(),
            plugins=PluginsPanel(look),
            results=ResultsPanel(look),
            show=lambda name: self.docks.show(name),
            offer=lambda name: self.docks.offer(name),
            ask_crs=self.ask_crs,
        )
        self.docks = Docks(self, self.panels, look)
        self.status = StatusBar(JobsBar(self.services.runner, look))
        self.setStatusBar(self.status)

    def _make_commands(self, document: Callable[[Callable[[], ViewState]], Document]) -> None:
        services = self.services
        self.live = LiveCommands(services, self.panels, self.scene, on_overlays=self._overlays_changed)
        self.document = document(self.live.view_state)
        self.projects = ProjectCommands(services, self.document, window=self, ask_crs=self.ask_crs)
        self.views = ViewCommands(
            services.session,
            services.clock,
            self.viewport,
            self.scene,
            self.toasts,
            window=self,
            selection_extent=lambda: self.layers.selection_extent(),
            scrub=self.live.scrub,
            picture_note=lambda: self.live.picture_note,
            on_error=self.projects.tell,
        )
        self.analyses = AnalysisCommands(self, on_results=self._legend_timer.start)
        self.exports = ExportCommands(self)
        self.objects = ObjectCommands(self)
        self.sections = SectionCommands(self)
        self.layers = LayerCommands(
            services,
            self.panels,
            overlays=lambda: self.live.overlays,
            results=lambda: self.analyses.facts,
            show_extent=self.views.show_extent,
            select=self.scene.select,
            describe=self.viewport.describe_scene,
            on_pick=self.objects.show_pick,
        )
        self.administration = PluginAdministration(self)
        self.program = ProgramCommands(self)
        does = {
            **self.projects.does(),
            **self.views.does(),
            **self.layers.does(),
            **self.objects.does(),
            **self.sections.does(),
            **self.live.does(),
            **self.program.does(),
            "layer.export": self.exports.ask_and_export,
        }
        self.commands = Commands(self, does)
        self.menus = Menus(self)
        self.toolbar = self._make_toolbar()
        self.commands.bind_view_keys(self.viewport)
        for action in self.commands.actions.values():
            self.addAction(action) if action not in self.viewport.actions() else None
        tools = ("layer.add", "layer.up", "layer.down", "layer.zoom", "layer.remove")
        menu = ("layer.zoom", "layer.toggle", "layer.reload", None, "layer.rename", "layer.style", "layer.facts")
        more = ("layer.crs", "layer.export", None, "layer.group", "layer.up", "layer.down", None, "layer.remove")
        self.panels.layers.offer(
            [self.commands[name] for name in tools],
            [None if name is None else self.commands[name] for name in (*menu, *more)],
        )
        self.finder = Finder(
            services.session,
            self.commands,
            go_to=self.views.go_to,
            show_layer=self._show_layer,
            show_object=self.layers.show_object,
            contributed=lambda: [*self.analyses.entries(), *self.contributed.entries()],
        )
        self.contributed = Contributed(self)

    def _make_toolbar(self) -> QToolBar:
        toolbar = QToolBar("Toolbar")
        toolbar.setObjectName("toolbar")
        toolbar.setAccessibleName("Toolbar")
        toolbar.setMovable(False)
        toolbar.setIconSize(QSize(20, 20))
        for name in TOOLBAR:
            if name is None:
                toolbar.addSeparator()
                continue
            toolbar.addAction(self.commands[name])
            button = toolbar.widgetForAction(self.commands[name])
            button.setAccessibleName(self.commands.specs[name].title)
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.addToolBar(toolbar)
        return toolbar

    def _connect(self) -> None:
        services, viewport = self.services, self.viewport
        self._stops = (
            services.session.on_change(self._follow),
            services.opener.on_change(self._opening_changed),
        )
        services.runner.on_change(self._jobs_changed)
        services.problems.on_change(self._problems_changed)
        self.document.on_change(self._show_title)
        self._frame_timer.timeout.connect(viewport.request_render)
        self._legend_timer.timeout.connect(lambda: self.legend.show_scales(self.live.legend))
        viewport.clicked.connect(lambda x, y, _keys: self.layers.show_pick(self.scene.pick(x, y)))
        viewport.hovered.connect(self._show_position)
        viewport.hover_left.connect(lambda: self.status.show_position(None))
        viewport.viewpoint_changed.connect(self._show_viewpoint)
        viewport.focus_selected_requested.connect(self.views.fit_selection)
        viewport.interaction_started.connect(self._hand_came)
        viewport.interaction_ended.connect(lambda: self.scene.set_interactive(False))
        viewport.context_menu_requested.connect(self._show_view_menu)
        self.presentation.stop_reached.connect(self.program.follow_stop)
        self.presentation.ended.connect(self.program.leave_presentation)
        self.projects.began.connect(self._began)
        self.projects.opened.connect(self._files_opened)
        self.welcome.back_asked.connect(self.show_view)
        self.welcome.open_asked.connect(self.projects.ask_and_open)
        self.welcome.demo_asked.connect(self.projects.open_demo)
        self.welcome.sensor_asked.connect(self._connect_sensor)
        self.welcome.recent_asked.connect(lambda path: self.projects.open([Path(path)]))
        self.welcome.pin_asked.connect(self._pin)
        self.restore_bar.restore_asked.connect(self.projects.restore)
        self.restore_bar.discard_asked.connect(self.document.forget)
        self.status.preset_asked.connect(lambda: self.menus.popup("View/Render preset", self.status.preset))
        self.status.crs_asked.connect(lambda: self.panels.show("layers"))
        self.status.problems_asked.connect(lambda: self.panels.show("problems"))
        self.panels.problems.clear_asked.connect(services.problems.clear)
        self.panels.problems.copied.connect(lambda what: self.toasts.show(f"Copied {what}"))
        self.panels.problems.object_asked.connect(lambda name, layer: self.layers.show_object(name, layer or None))
        self.panels.inspector.copied.connect(lambda text: self.toasts.show(f"Copied {text}"))
        self.panels.layers.selection_changed.connect(self._show_what_can_be_done)
        self.look.changed.connect(self._show_theme)

    # What others ask of it. ----------------------------------------------------------------------

    def ask_crs(self, what: str, proposed: str) -> ReferenceSystem | None:
        """Ask for a reference system; None if the person does not say."""
        dialog = CrsDialog(what, parse=crs.parse_crs, describe=crs.describe, suggested=proposed, parent=self)
        return dialog.chosen if dialog.exec() else None

    def show_welcome(self) -> None:
        """Show the welcome page."""
        self.welcome.show_recent(self.services.recent.entries)
        self.welcome.back.setVisible(bool(self.services.session.project.layers))
        self.pages.setCurrentWidget(self.welcome)

    def show_view(self) -> None:
        """Show the scene."""
        self.pages.setCurrentWidget(self.viewport)

    def offer_recovery(self) -> None:
        """Offer the newest of what other runs left behind."""
        found = self.document.recoverable()
        if found:
            self.restore_bar.offer(found[0])

    @property
    def is_settled(self) -> bool:
        """Whether everything that was asked for is on the screen."""
        busy = self.services.opener.is_busy or bool(self.services.runner.jobs) or self.services.background.busy
        return not busy and self.scene.settled and not self.viewport.navigator.is_moving

    # What it hears. ------------------------------------------------------------------------------

    def _request_render(self) -> None:
        """Have a frame drawn: soon, but while layers come in and no hand moves the view, only now and then."""
        navigator = self.viewport.navigator
        if self.services.opener.is_busy and not (navigator.is_moving or navigator.is_dragging):
            if not self._frame_timer.isActive():
                self._frame_timer.start()
        else:
            self.viewport.request_render()
        if not self._legend_timer.isActive():  # else a view that turns for a minute would put it off for a minute
            self._legend_timer.start()

    def _follow(self, change: Change) -> None:
        project = change.after
        system = project.crs
        self.status.show_crs(
            "" if system is None else system.horizontal, "" if system is None else crs.describe(system)
        )
        self.status.show_preset(PRESETS.get(project.preset, project.preset))
        if f"preset.{project.preset}" in self.commands.actions:
            self.commands.check_choice("preset", project.preset)
        if project.layers and self.pages.currentWidget() is self.welcome and change.before.layers != project.layers:
            self.show_view()
        if not change.before.layers and project.layers:
            self._first_look.await_files()
        self._show_empty_hint()
        self._first_look.look()
        self._show_title()
        self._show_what_can_be_done()

    def _view_was_moved(self) -> None:
        self.viewport.show_viewpoint()
        self._show_viewpoint(self.scene.viewpoint)

    def _opening_changed(self) -> None:
        self.scene.set_loading(self.services.opener.is_busy)
        self._show_empty_hint()
        self._first_look.look()
        self._show_what_can_be_done()

    def _jobs_changed(self) -> None:
        if self.services.runner.jobs and self.pages.currentWidget() is self.welcome:
            self.show_view()
        self._show_empty_hint()

    def _show_empty_hint(self) -> None:
        reading = [opening.title for opening in self.services.opener.openings if opening.phase is not Phase.FAILED]
        jobs = [job.title for job in self.services.runner.jobs]
        session = self.services.session
        empty = all(session.store.shown(layer.id) is None for layer in session.project.layers)
        self.empty_hint.show_text(empty_text(reading, jobs) if empty else "")
        if empty != self._is_empty:
            self._is_empty = empty
            self.viewport.compass.setVisible(not empty)

    def _began(self, view: ViewState) -> None:
        self._first_look.begin(view)
        self.live.show_view_state(view)
        self.sections.show_section(view.section)
        self.layers.show_pick(None)
        if self.services.session.project.layers:
            self.show_view()
        self._first_look.look()

    def _files_opened(self, layer_ids: tuple[str, ...]) -> None:
        count = len(layer_ids)
        if count:
            self.toasts.show(f"Added {count} layer{'' if count == 1 else 's'}")
            self.panels.layers.select_keys({f"layer:{layer_ids[0]}"})
        self._first_look.hear_that_files_are_there()

    def _overlays_changed(self) -> None:
        self.layers.show_tree()
        self._legend_timer.start()

    def _problems_changed(self) -> None:
        problems = self.services.problems.problems
        self.panels.problems.show_problems(problems, language=self.services.settings.language)
        self.status.show_problem_count(sum(1 for p in problems if p.severity is not Severity.INFO))
        if problems and problems[-1].severity is Severity.ERROR and not problems[-1].subject:
            self._tell(problems[-1])
        elif not problems:
            self.docks.docks["problems"].hide()

    def _tell(self, problem: Problem) -> None:
        self.toasts.show(
            problem.text,
            severity=problem.severity,
            action=("Show", lambda: self.panels.show("problems")),
            about=(problem.code, problem.problem, problem.source),
        )

    def _show_title(self) -> None:
        self.setWindowTitle(f"{self.document.title}[*] – twinviewer")
        self.setWindowModified(self.document.is_dirty)
        self.commands["file.save"].setEnabled(self.document.is_dirty or self.document.path is None)

    def _show_what_can_be_done(self) -> None:
        session, commands = self.services.session, self.commands
        for name, label in (("undo", session.undo_label), ("redo", session.redo_label)):
            action = commands[f"edit.{name}"]
            action.setEnabled(label is not None)
            action.setText(f"&{name.capitalize()} {label or ''}".rstrip())
        for name, possible in {**self.layers.can(), **self.objects.can()}.items():
            commands[name].setEnabled(possible)
        commands["layer.export"].setEnabled(self.exports.can_export)
        has_layers = bool(session.project.layers)
        for name in ("view.fit", "view.north", "view.top", "view.isometric", "view.street", "view.section"):
            commands[name].setEnabled(has_layers)
        for name in ("view.fit_selection", "view.presentation", "view.add_bookmark", "file.picture"):
            commands[name].setEnabled(has_layers)
        commands["view.remove_bookmark"].setEnabled(bool(session.project.bookmarks))

    def _show_position(self, x: float, y: float) -> None:
        position = self.scene.world_at(x, y) if self.services.session.project.layers else None
        self.views.position = position
        self.status.show_position(position)

    def _show_viewpoint(self, viewpoint: object) -> None:
        current = self.scene.viewpoint
        self.commands["view.parallel"].setChecked(current.parallel)
        dots_per_mm = self.viewport.logicalDpiY() / 25.4
        self.status.scale.setText(scale_text(current, self.viewport.height(), dots_per_mm))

    def _hand_came(self) -> None:
        self._first_look.leave_to_person()
        self.scene.set_interactive(True)

    def _show_theme(self) -> None:
        self.commands.draw_icons(self.look.theme)
        self.scene.set_dark(self.look.theme.dark)

    def _show_view_menu(self, x: float, y: float) -> None:
        self.layers.show_pick(self.scene.pick(x, y))
        self._show_position(x, y)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        for name in (
            "edit.copy_id",
            "edit.copy_coordinates",
            "tools.source",
            None,
            "view.fit_selection",
            "view.fit",
            "view.add_bookmark",
        ):
            menu.addSeparator() if name is None else menu.addAction(self.commands[name])
        menu.popup(self.cursor().pos())

    def _show_layer(self, layer_id: str) -> None:
        self.panels.show("layers")
        self.panels.layers.select_keys({f"layer:{layer_id}"})
        self.layers.zoom()

    def _connect_sensor(self) -> None:
        self.show_view()
        self.commands.run("live.overlays")

    def _pin(self, path: str, pinned: bool) -> None:
        self.services.recent.pin(path, pinned=pinned)
        self.welcome.show_recent(self.services.recent.entries)

    # What Qt tells it. ---------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:  # noqa: N802
        paths = _paths(event)
        if paths:
            kinds = [KIND_NAMES.get(kind or "") for kind in self.services.opener.plan(paths)]
            self.drop_hint.show_text(drop_text(paths, kinds))
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:  # noqa: N802
        self.drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:  # noqa: N802
        self.drop_hint.hide()
        paths = _paths(event)
        if paths:
            event.acceptProposedAction()
            QTimer.singleShot(0, self, lambda: self.projects.open(paths))  # the other program waits for our answer

    def childEvent(self, event: QChildEvent) -> None:  # noqa: N802
        super().childEvent(event)
        if event.polished() and isinstance(event.child(), QTabBar):  # Qt makes one where panels share a place
            event.child().setAccessibleName("Panels")  # type: ignore[attr-defined]

    def changeEvent(self, event: QEvent) -> None:  # noqa: N802
        super().changeEvent(event)
        if event.type() == QEvent.Type.WindowStateChange and hasattr(self, "commands"):
            self.commands["view.full_screen"].setChecked(self.isFullScreen())

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        if not self._ended and not self.projects.may_leave():
            event.ignore()
            return
        self.end()
        event.accept()

    def end(self) -> None:
        """The one way to end: stop what moves, let go of the scene, close the view, then the rest.  May be repeated."""
        if self._ended:
            return
        self._ended = True
        self.presentation.stop()
        self.contributed.close()
        self.administration.close()
        self.docks.keep()
        self._legend_timer.stop()
        self._frame_timer.stop()
        self.live.close()
        self.services.overlays.stop()
        self.layers.close()
        self.objects.close()
        self.sections.close()
        self.analyses.close()
        for stop in self._stops:
            stop()
        self.projects.close()
        self.services.opener.close()
        self.services.runner.close()
        self.services.background.close()
        self.services.main_thread.close()
        self.viewport.set_scene(None)
        self.scene.close()
        self.viewport.close()
        self.closed.emit()


def _paths(event: QDropEvent) -> list[Path]:
    return [Path(url.toLocalFile()) for url in event.mimeData().urls() if url.isLocalFile()]

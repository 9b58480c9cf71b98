"""The program with a window: makes everything once, connects it, and takes it down in one order."""

from __future__ import annotations

import gc
import logging
import math
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import QBuffer, QIODevice, QLocale, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication

from twinviewer.app.analysing import Analyst
from twinviewer.app.atomic import write_atomically
from twinviewer.app.exporting import Exports
from twinviewer.app.folders import state_dir
from twinviewer.app.jobs import JobRunner
from twinviewer.app.journal import Journal
from twinviewer.app.opening import Opener
from twinviewer.app.overlays.running import OverlayRunner
from twinviewer.app.overlays.shape_files import ShapeFiles
from twinviewer.app.plugins.failures import FailureRecord
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.read_cache import ReadCache
from twinviewer.app.session import Session
from twinviewer.app.settings import load_settings
from twinviewer.app.sources import Sources
from twinviewer.app.textures import TextureReader
from twinviewer.app.workers import WorkerPool
from twinviewer.live.clock import Clock
from twinviewer.model.errors import PluginError, TwinViewerError, WriteError
from twinviewer.model.place import ReferenceSystem
from twinviewer.ui import icons
from twinviewer.ui.document import Document
from twinviewer.ui.interrupts import Interrupts
from twinviewer.ui.jobs import Background, MainThread
from twinviewer.ui.look import Look
from twinviewer.ui.main_window import MainWindow
from twinviewer.ui.plugin_development import PluginDevelopment
from twinviewer.ui.services import Services

_log = logging.getLogger(__name__)
COLLECT_EVERY_MS = 2000
INTERRUPTED_STATUS = 130
"""What shells call a program that Ctrl+C ended."""
TELL_AGAIN_S = 10.0
WARM_AFTER_MS = 400
"""After the window: its first frame comes first."""
SNAPSHOT_LOOK_MS = 250
SNAPSHOT_LINGER_MS = 1500
"""After everything is there: shadows, overlays and labels come with the next frames."""
SNAPSHOT_AWAITS_MS = 15_000
"""So long, after the layers are there, a snapshot waits for the first data of overlays."""


def make_application() -> QApplication:
    """Return Qt's application, dressed for this program; the existing one if there is one."""
    existing = QApplication.instance()
    if isinstance(existing, QApplication):
        return existing
    QGuiApplication.setHighDpiScaleFactorRoundingPolicy(Qt.HighDpiScaleFactorRoundingPolicy.PassThrough)
    application = QApplication(sys.argv[:1])
    application.setApplicationName("twinviewer")
    application.setApplicationDisplayName("twinviewer")
    application.setDesktopFileName("twinviewer")
    application.setStyle("Fusion")
    application.setWindowIcon(icons.application_icon())
    QLocale.setDefault(QLocale(QLocale.Language.English))  # numbers as the window's own texts are written
    return application


class Program:
    """All objects of one running program.  Use: make it, show the window, let Qt run, :meth:`end`."""

    def __init__(self, *, safe_mode: bool = False) -> None:
        self.problems = ProblemLog()
        self.failure_listeners: list[Callable[[FailureRecord], None]] = []
        """Hear of failures of plugins, on the thread where they happened."""
        self.main_thread = MainThread()
        self.session = Session()
        self.registry = PluginRegistry(safe_mode=safe_mode, on_failure=self._plugin_failed)
        self.pool = WorkerPool()
        runner = JobRunner(self.main_thread.deliver)
        self.cache = ReadCache(limit=lambda: services.settings.cache_limit)
        sources = Sources(
            registry=self.registry,
            pool=self.pool,
            point_budget=lambda: services.settings.point_budget,
            cache=self.cache,
        )
        opener = Opener(self.session, sources=sources, runner=runner, problems=self.problems, previews=True)
        clock = Clock()
        shapes = ShapeFiles(sources)
        exports = Exports(registry=self.registry, pool=self.pool)
        analyst = Analyst(
            session=self.session,
            registry=self.registry,
            runner=runner,
            exports=exports,
            opener=opener,
            shapes=shapes,
            problems=self.problems,
        )
        services = Services(
            session=self.session,
            problems=self.problems,
            settings=load_settings(),
            main_thread=self.main_thread,
            runner=runner,
            background=Background(self.main_thread),
            registry=self.registry,
            opener=opener,
            cache=self.cache,
            clock=clock,
            overlays=OverlayRunner(
                registry=self.registry,
                session=self.session,
                clock=clock,
                jobs=runner,
                shapes=shapes,
            ),
            exports=exports,
            analyst=analyst,
            textures=TextureReader(self.pool, self.problems, runner.start),
        )
        self.look = Look()
        self.look.use(services.settings.theme)
        journal = Journal(state_dir() / "journal")
        self.window = MainWindow(services, self.look, lambda view: Document(self.session, journal=journal, view=view))
        self.window.program.use_settings(services.settings)
        for error in self.registry.problems:
            self.problems.add_error(error)
        self._told: dict[object, float] = {}
        """When each fault of the program was told last."""
        self._hooks = (sys.excepthook, threading.excepthook)
        sys.excepthook = self._heard
        threading.excepthook = self._heard_on_thread
        # Collecting on a worker's thread would free Qt and VTK objects there, which ends the process.
        self._collector = QTimer()
        self._collector.timeout.connect(lambda: gc.collect(1))
        gc.disable()
        self._collector.start(COLLECT_EVERY_MS)
        self._ended = False

    def warm_up(self) -> None:
        """Start the readers' processes, so that the first file need not wait for them."""
        self.window.services.background(self.pool.warm, _nothing)

    def end(self) -> None:
        """Take everything down; may be called twice."""
        if self._ended:
            return
        self._ended = True
        self.window.end()
        self.registry.close()
        self.cache.close()
        self.pool.close()
        self._collector.stop()
        sys.excepthook, threading.excepthook = self._hooks
        self.window.deleteLater()
        QApplication.sendPostedEvents()
        gc.enable()
        gc.collect()

    def _plugin_failed(self, record: FailureRecord) -> None:
        for listener in self.failure_listeners:
            listener(record)
        self.main_thread.deliver(lambda: self._list_plugin_failure(record))

    def _list_plugin_failure(self, record: FailureRecord) -> None:
        self.window.administration.show_failure(record)

    def _heard(self, kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        """A bug: the log gets all of it, the person one sentence, and the work goes on."""
        if isinstance(error, KeyboardInterrupt):
            self.window.close()
            return
        if self._was_told(kind, traceback):
            return
        _log.critical("Something failed that should not.", exc_info=(kind, error, traceback))
        self.main_thread.deliver(lambda: self._list_bug(kind.__name__))

    def _was_told(self, kind: type[BaseException], traceback: TracebackType | None) -> bool:
        """Return whether the same fault was told a moment ago: one in a paint event would otherwise tell for ever."""
        while traceback is not None and traceback.tb_next is not None:
            traceback = traceback.tb_next
        place = (kind, None if traceback is None else (traceback.tb_frame.f_code, traceback.tb_lineno))
        now = time.monotonic()
        was_told = now - self._told.get(place, -math.inf) < TELL_AGAIN_S
        self._told[place] = self._told[place] if was_told else now
        return was_told

    def _heard_on_thread(self, failed: threading.ExceptHookArgs) -> None:
        if failed.exc_value is not None:
            self._heard(failed.exc_type, failed.exc_value, failed.exc_traceback)

    def _list_bug(self, summary: str) -> None:
        self.problems.add_bug(summary)


def run(
    *,
    paths: Sequence[Path] = (),
    demo_buildings: int | None = None,
    safe_mode: bool = False,
    crs: ReferenceSystem | None = None,
    snapshot: Path | None = None,
    plugin: Path | None = None,
) -> int:
    """Open the window and stay until it is closed; return the exit status.

    Args:
        paths: What to open: files, folders, a project; with a plugin, into the demo city.
        demo_buildings: Open the demo city with so many buildings; None: do not.
        safe_mode: Load no plugins but the built-in readers.
        crs: The reference system of files that do not say theirs.
        snapshot: Write a picture of the window there once everything is shown, and end.
        plugin: The folder of a plugin that its author is working on: shown in the demo city, reloaded on each save.

    Raises:
        PluginError: There is no plugin in that folder, or its manifest is at fault.
        WriteError: The snapshot could not be written.
        TwinViewerError: The plugin had drawn nothing when the snapshot was taken, for that reason.
    """
    application = make_application()
    program = Program(safe_mode=safe_mode)
    window = program.window
    development: PluginDevelopment | None = None
    if plugin is not None:
        try:
            development = PluginDevelopment(window, plugin, files=paths)
        except PluginError:
            program.end()
            raise
        program.failure_listeners.append(development.hear_failure)
    window.show()
    window.offer_recovery()
    if demo_buildings is not None:
        window.projects.open_demo(demo_buildings, shown=None if development is None else development.shown)
    if paths and development is None:
        window.projects.open(paths, crs=crs)
    lacking: list[TwinViewerError] = []
    if snapshot is not None:
        take_snapshot(window, snapshot, of=development, on_error=lacking.append)
    QTimer.singleShot(WARM_AFTER_MS, window, program.warm_up)
    window.closed.connect(application.quit)
    interrupts = Interrupts(window.close)
    status = application.exec()
    if development is not None:
        development.close()
    program.end()
    interrupts.end()
    if lacking:
        raise lacking[0]
    return INTERRUPTED_STATUS if interrupts.heard else status


def _png_of(window: MainWindow) -> bytes:
    """Return what the window shows as a PNG."""
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    window.grab().save(buffer, "PNG")
    return bytes(buffer.data().data())


def _nothing(_: object) -> None:
    pass


def take_snapshot(
    window: MainWindow, path: Path, *, of: PluginDevelopment | None, on_error: Callable[[TwinViewerError], None]
) -> None:
    """Write a picture of the window once everything is shown or has had its time, and close it.

    Args:
        window: Shown.
        path: Of the PNG.
        of: The plugin that an author works on, which should have drawn something.
        on_error: Hears that the picture could not be written, or why the plugin drew nothing.
    """
    timer = QTimer(window)
    timer.setInterval(SNAPSHOT_LOOK_MS)
    settled, complete = 0, 0

    def look() -> None:
        nonlocal settled, complete
        settled = settled + SNAPSHOT_LOOK_MS if window.is_settled else 0
        is_complete = window.is_settled and not window.live.awaits_data and (of is None or of.is_shown)
        complete = complete + SNAPSHOT_LOOK_MS if is_complete else 0
        if complete > SNAPSHOT_LINGER_MS or settled > SNAPSHOT_AWAITS_MS:
            timer.stop()
            try:
                write_atomically(path, _png_of(window))
            except WriteError as error:
                on_error(error)
            not_drawn = None if of is None else of.not_drawn
            if not_drawn is not None:
                on_error(not_drawn)
            window.close()

    timer.timeout.connect(look)
    timer.start()

"""Everything below the window that the window works with, made in one place."""

from __future__ import annotations

from dataclasses import dataclass, field

from twinviewer.app.analysing import Analyst
from twinviewer.app.exporting import Exports
from twinviewer.app.jobs import JobRunner
from twinviewer.app.opening import Opener
from twinviewer.app.overlays.running import OverlayRunner
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.problems import ProblemLog
from twinviewer.app.read_cache import ReadCache
from twinviewer.app.recent_files import RecentFiles
from twinviewer.app.session import Session
from twinviewer.app.settings import Settings
from twinviewer.app.textures import TextureReader
from twinviewer.live.clock import Clock
from twinviewer.ui.jobs import Background, MainThread


@dataclass(slots=True, kw_only=True)
class Services:
    """What one running program has: the document, its helpers, and the person's choices."""

    session: Session
    problems: ProblemLog
    settings: Settings
    main_thread: MainThread
    runner: JobRunner
    background: Background
    registry: PluginRegistry
    opener: Opener
    cache: ReadCache
    clock: Clock
    overlays: OverlayRunner
    exports: Exports
    analyst: Analyst
    textures: TextureReader
    recent: RecentFiles = field(default_factory=RecentFiles)

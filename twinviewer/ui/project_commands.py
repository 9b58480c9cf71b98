"""What the File menu does: new, open, save, the demo, recent files, and what a crash left behind."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QFileDialog, QMessageBox, QWidget

from twinviewer.app.demo_project import ensure_demo
from twinviewer.app.journal import INTERVAL_S, Recovery
from twinviewer.app.opening import Opening
from twinviewer.app.overlays.running import default_overlays
from twinviewer.app.project_file import ViewState
from twinviewer.app.sources import PROJECT_SUFFIX
from twinviewer.demo import USUAL_BUILDINGS
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.place import ReferenceSystem
from twinviewer.model.project import LayerId, OverlaySpec, Project
from twinviewer.ui.document import Document
from twinviewer.ui.services import Services

PROJECT_FILTER = f"twinviewer projects (*{PROJECT_SUFFIX})"


class ProjectCommands(QObject):
    """Between the File menu and the document."""

    began = Signal(object)
    """Another document has begun; its :class:`ViewState`."""
    opened = Signal(object)
    """Files were added: the ids of their layers."""

    def __init__(
        self,
        services: Services,
        document: Document,
        *,
        window: QWidget,
        ask_crs: Callable[[str, str], ReferenceSystem | None],
    ) -> None:
        super().__init__()
        self._services, self.document, self._window = services, document, window
        self._ask_crs = ask_crs
        self.is_trial = False
        """Whether the document is there to try something on: nobody is asked whether to save it."""
        services.opener.on_needs_crs = self._needs_crs
        self._journal_timer = QTimer(self)
        self._journal_timer.setInterval(int(INTERVAL_S * 1000))
        self._journal_timer.timeout.connect(document.keep)
        self._journal_timer.start()

    def does(self) -> Mapping[str, Callable[[], object]]:
        """Return what the commands of the File menu do."""
        return {
            "file.new": self.new,
            "file.open": self.ask_and_open,
            "file.open_folder": self.ask_for_folder,
            "file.demo": self.open_demo,
            "file.save": self.save,
            "file.save_as": self.save_as,
            "layer.add": self.ask_and_open,
        }

    def new(self) -> None:
        """Begin an empty project."""
        if self.may_leave():
            self._begin(Project(), path=None, view=ViewState())

    def ask_and_open(self) -> None:
        names, _ = QFileDialog.getOpenFileNames(self._window, "Open", "", self._open_filter())
        if names:
            self.open([Path(name) for name in names])

    def ask_for_folder(self) -> None:
        name = QFileDialog.getExistingDirectory(self._window, "Open folder")
        if name:
            self.open([Path(name)])

    def open(self, paths: Sequence[Path], *, crs: ReferenceSystem | None = None) -> None:
        """Open a project, and add all other files as layers; files that are read tell of themselves."""
        projects = [path for path in paths if path.suffix.lower() == PROJECT_SUFFIX]
        if projects:
            self._open_project(projects[0])
        files = [path for path in paths if path.suffix.lower() != PROJECT_SUFFIX]
        if files:
            self._services.opener.open(files, crs=crs, on_done=lambda ids: self._files_done(files, ids))

    def open_demo(self, buildings: int = USUAL_BUILDINGS, *, shown: tuple[OverlaySpec, ...] | None = None) -> None:
        """Make the demo city if it is not there yet, and open it.

        Args:
            buildings: How many it has.
            shown: The overlays that are switched on; None: those that say so in their manifests.
        """
        if not self.may_leave():
            return
        overlays = default_overlays(self._services.registry) if shown is None else shown
        self._services.runner.start(
            "Prepare the demo city",
            lambda feedback: ensure_demo(buildings=buildings, overlays=overlays, feedback=feedback),
            on_done=self._begin_demo,
            on_error=self.tell,
        )

    def save(self) -> bool:
        """Write the project to its file, asking for one where there is none; return whether it was written."""
        return self.save_as() if self.document.path is None else self._save_to(self.document.path)

    def save_as(self) -> bool:
        start = str(self.document.path or f"{self.document.title}{PROJECT_SUFFIX}")
        name, _ = QFileDialog.getSaveFileName(self._window, "Save project", start, PROJECT_FILTER)
        if not name:
            return False
        path = Path(name)
        return self._save_to(path if path.suffix else path.with_suffix(PROJECT_SUFFIX))

    def may_leave(self) -> bool:
        """Return whether the document may be left; asks where something would be lost."""
        if self.is_trial or not self.document.is_dirty or not self._services.session.project.layers:
            return True
        buttons = QMessageBox.StandardButton
        answer = QMessageBox.question(
            self._window,
            "Unsaved changes",
            f"Save the changes to “{self.document.title}”?",
            buttons.Save | buttons.Discard | buttons.Cancel,
            buttons.Save,
        )
        return self.save() if answer == buttons.Save else answer == buttons.Discard

    def restore(self, recovery: Recovery) -> None:
        """Go on where a program that crashed was."""
        self._services.opener.replace_document(recovery.loaded.project)
        self.document.restored(recovery)
        self.began.emit(recovery.loaded.view)

    def tell(self, error: Exception) -> None:
        """Put an error on the list of problems."""
        if isinstance(error, TwinViewerError):
            self._services.problems.add_error(error)
        else:
            self._services.problems.add_bug(type(error).__name__)

    def close(self) -> None:
        self._journal_timer.stop()
        self.document.close()

    def _begin(self, project: Project, *, path: Path | None, view: ViewState) -> None:
        self._services.opener.replace_document(project)
        self.document.began(path)
        self.began.emit(view)

    def _begin_demo(self, project: Project) -> None:
        """Show the demo from its first bookmark."""
        view = ViewState(viewpoint=project.bookmarks[0].viewpoint if project.bookmarks else None)
        self._begin(project, path=None, view=view)

    def _open_project(self, path: Path) -> None:
        if not self.may_leave():
            return
        try:
            loaded = self._services.opener.open_project(path)
        except TwinViewerError as error:
            self.tell(error)
            return
        self.document.began(path)
        self._services.recent.add(path)
        self.began.emit(loaded.view)

    def _files_done(self, files: Sequence[Path], layer_ids: tuple[LayerId, ...]) -> None:
        if layer_ids:
            for path in files:
                self._services.recent.add(path)
        self.opened.emit(layer_ids)

    def _save_to(self, path: Path) -> bool:
        try:
            self.document.save(path)
        except TwinViewerError as error:
            self.tell(error)
            return False
        self._services.recent.add(path)
        return True

    def _open_filter(self) -> str:
        readers = self._services.registry.readers
        patterns = sorted({pattern for reader in readers for pattern in reader.patterns} | {f"*{PROJECT_SUFFIX}"})
        each = [f"{reader.title} ({' '.join(reader.patterns)})" for reader in readers]
        return ";;".join((f"All that can be opened ({' '.join(patterns)})", PROJECT_FILTER, *each, "All files (*)"))

    def _needs_crs(self, opening: Opening, proposals: tuple[ReferenceSystem, ...]) -> None:
        proposed = proposals[0].horizontal if proposals else ""
        chosen = self._ask_crs(f"{opening.title} does not say where it lies.", proposed)
        if chosen is None:
            self._services.opener.dismiss(opening)
        else:
            self._services.opener.assign_crs(opening, chosen)

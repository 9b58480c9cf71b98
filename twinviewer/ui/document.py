"""Where the session's document lives on disk: its project file, whether that is out of date, and its journal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path

from twinviewer.app import project_file
from twinviewer.app.journal import Journal, Recovery
from twinviewer.app.project_file import ViewState
from twinviewer.app.session import Change, Session
from twinviewer.model.errors import WriteError
from twinviewer.model.project import Project

UNTITLED = "Untitled"
_log = logging.getLogger(__name__)


class Document:
    """Beside the session: what the window's title, Save and the journal need to know.

    Args:
        session: Whose document it is.
        journal: Keeps the last state against a crash.
        view: Says where camera and clock are.
    """

    def __init__(self, session: Session, *, journal: Journal, view: Callable[[], ViewState]) -> None:
        self._session = session
        self._journal = journal
        self._view = view
        self._saved: Project = session.project
        self._journal_due = False
        self._listeners: list[Callable[[], None]] = []
        self.path: Path | None = None
        """The project file, or None while it was never saved."""
        session.on_change(self._follow)

    @property
    def is_dirty(self) -> bool:
        """Whether the document differs from what was opened or saved last."""
        return self._session.project != self._saved

    @property
    def title(self) -> str:
        """For the window: the project's own title, its file's name, or "Untitled"."""
        if self._session.project.title:
            return self._session.project.title
        return self.path.stem if self.path is not None else UNTITLED

    def on_change(self, listener: Callable[[], None]) -> None:
        """Call ``listener`` whenever path, title or dirtiness may have changed."""
        self._listeners.append(listener)

    def save(self, path: Path) -> None:
        """Write the document to ``path``, which is its file from now on.

        Raises:
            WriteError: The disk said no; document, file and path are as they were.
        """
        project = self._session.project
        project_file.save(project, path, view=self._view())
        self.path, self._saved = path, project
        self._journal.discard()
        self._journal_due = False
        self._tell()

    def began(self, path: Path | None) -> None:
        """Note that another document has begun: opened from ``path``, or new."""
        self.path, self._saved = path, self._session.project
        self._journal.discard()
        self._journal_due = False
        self._tell()

    def restored(self, recovery: Recovery) -> None:
        """Note that a recovered document has begun: it is not what its file holds."""
        self.path, self._saved = recovery.project_path, Project()
        self._journal.forget(recovery)
        self._journal_due = True
        self._tell()

    def recoverable(self) -> tuple[Recovery, ...]:
        """Return what other runs left behind, newest first."""
        return self._journal.recoverable()

    def forget(self, recovery: Recovery) -> None:
        """The person does not want it."""
        self._journal.forget(recovery)

    def keep(self) -> None:
        """Write the journal if something has changed since; called every few seconds.

        A full disk must not stop the work: it is logged, and tried again after the next change.
        """
        if not self._journal_due:
            return
        self._journal_due = False
        if not self.is_dirty:
            self._journal.discard()
            return
        try:
            self._journal.write(self._session.project, view=self._view(), path=self.path)
        except WriteError as error:
            _log.warning("The journal is not kept: %s", error)

    def close(self) -> None:
        """End well: there is nothing to restore."""
        self._journal.discard()

    def _follow(self, change: Change) -> None:
        self._journal_due = True
        self._tell()

    def _tell(self) -> None:
        for listener in tuple(self._listeners):
            listener()

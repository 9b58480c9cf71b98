"""The last state of the document on disk, so that a crash costs at most a few seconds of work.

One file per running program.  It is removed on a clean exit; one whose program no longer runs is an offer to restore.
"""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import os
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import psutil

from twinviewer.app import project_file
from twinviewer.app.atomic import sweep_temporaries, write_atomically
from twinviewer.app.project_file import LoadedProject, ViewState
from twinviewer.model.errors import ProjectError
from twinviewer.model.project import Project

INTERVAL_S = 3.0
"""How long an edit may wait before it is written: with the writing itself it stays under five seconds."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recovery:
    """What a program that did not end well had open."""

    file: Path
    """The journal."""
    project_path: Path | None
    """Where the project was last saved, or None if never."""
    saved_at: datetime
    layer_count: int
    loaded: LoadedProject


class Journal:
    """The journal of this program, in ``folder``."""

    def __init__(self, folder: Path) -> None:
        with contextlib.suppress(OSError):  # a disk that says no is told by each write
            folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / f"{uuid.uuid4().hex}.journal"

    def write(self, project: Project, *, view: ViewState, path: Path | None) -> None:
        """Keep this state; called at most :data:`INTERVAL_S` after an edit.

        Raises:
            WriteError: The disk said no; the state before is intact.
        """
        entry = {
            "pid": os.getpid(),
            "started": psutil.Process().create_time(),
            "time": datetime.now(UTC).isoformat(),
            "project_path": None if path is None else str(path.resolve()),
            "document": base64.b64encode(project_file.to_bytes(project, view=view, folder=self._folder)).decode(),
        }
        write_atomically(self._path, json.dumps(entry).encode())

    def discard(self) -> None:
        """Forget the state: there is nothing that is not saved."""
        try:
            self._path.unlink(missing_ok=True)
        except OSError as error:
            _log.warning("The journal cannot be removed, so that the next start will offer it: %s", error)

    def recoverable(self) -> tuple[Recovery, ...]:
        """Return what programs that no longer run left behind, newest first."""
        sweep_temporaries(self._folder)
        found = [recovery for file in self._folder.glob("*.journal") if (recovery := self._read(file)) is not None]
        return tuple(sorted(found, key=lambda recovery: recovery.saved_at, reverse=True))

    def forget(self, recovery: Recovery) -> None:
        """The person restored it, or does not want it."""
        recovery.file.unlink(missing_ok=True)

    def _read(self, file: Path) -> Recovery | None:
        if file == self._path:
            return None
        try:
            entry = json.loads(file.read_bytes())
            if _runs(int(entry["pid"]), float(entry["started"])):
                return None
            loaded = project_file.from_bytes(
                base64.b64decode(entry["document"]), folder=self._folder, name="the recovered project"
            )
            path = entry["project_path"]
            return Recovery(
                file=file,
                project_path=None if path is None else Path(path),
                saved_at=datetime.fromisoformat(entry["time"]),
                layer_count=len(loaded.project.layers),
                loaded=loaded,
            )
        except (OSError, ValueError, TypeError, KeyError, OverflowError, RecursionError, ProjectError) as error:
            _log.warning("The journal %s cannot be used: %s", file.name, error)
            return None


def _runs(pid: int, started: float) -> bool:
    try:
        return bool(abs(psutil.Process(pid).create_time() - started) < 1.0)
    except psutil.Error:
        return False

"""Which files were open lately: pinned ones first, then the newest."""

from __future__ import annotations

import json
import logging
from dataclasses import dataclass
from pathlib import Path

from twinviewer.app.atomic import write_atomically
from twinviewer.app.folders import state_dir
from twinviewer.model.errors import WriteError

LIMIT = 20
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentFile:
    path: str
    """Absolute."""
    pinned: bool = False

    @property
    def exists(self) -> bool:
        return Path(self.path).exists()


class RecentFiles:
    """The list, kept in the profile.  A list that cannot be read is an empty one."""

    def __init__(self) -> None:
        self._path = state_dir() / "recent.json"
        self._entries = self._load()

    @property
    def entries(self) -> tuple[RecentFile, ...]:
        return (
            *(entry for entry in self._entries if entry.pinned),
            *(entry for entry in self._entries if not entry.pinned),
        )

    def add(self, path: Path) -> None:
        """Put ``path`` first; a pinned one stays pinned."""
        name = str(path.resolve())
        pinned = any(entry.pinned for entry in self._entries if entry.path == name)
        others = [entry for entry in self._entries if entry.path != name]
        self._keep([RecentFile(path=name, pinned=pinned), *others])

    def remove(self, path: str) -> None:
        self._keep([entry for entry in self._entries if entry.path != path])

    def pin(self, path: str, *, pinned: bool = True) -> None:
        self._keep([RecentFile(path=e.path, pinned=pinned) if e.path == path else e for e in self._entries])

    def _keep(self, entries: list[RecentFile]) -> None:
        unpinned = [entry for entry in entries if not entry.pinned][:LIMIT]
        self._entries = [entry for entry in entries if entry.pinned or entry in unpinned]
        content = json.dumps([{"path": entry.path, "pinned": entry.pinned} for entry in self._entries], indent=2)
        try:
            write_atomically(self._path, content.encode())
        except WriteError as error:
            _log.warning("The list of recent files is not kept: %s", error)

    def _load(self) -> list[RecentFile]:
        try:
            stored = json.loads(self._path.read_bytes())
            return [RecentFile(path=str(entry["path"]), pinned=bool(entry["pinned"])) for entry in stored]
        except FileNotFoundError:
            return []
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
            _log.warning("The list of recent files cannot be used (%s); it starts anew.", error)
            return []

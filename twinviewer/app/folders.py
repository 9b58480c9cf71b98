"""Where the program keeps what is its own.  Nothing is ever written beside the user's data.

``TWINVIEWER_PROFILE_DIR`` puts all of it below one folder: for tests, for a stick, for a second profile.  Where a
folder cannot be made (a read-only home), a temporary one stands in: the program works and remembers nothing.
"""

from __future__ import annotations

import os
import tempfile
from functools import cache
from pathlib import Path

import platformdirs

_APP = "twinviewer"
_STAND_IN_PREFIX = "twinviewer-profile-"


def _made(path: Path) -> Path:
    try:
        path.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return Path(_stand_in(path).name)
    return path


def is_stand_in(path: Path) -> bool:
    """Return whether ``path`` lies in a folder that ends with the program."""
    return any(parent.name.startswith(_STAND_IN_PREFIX) for parent in (path, *path.parents))


@cache
def _stand_in(path: Path) -> tempfile.TemporaryDirectory[str]:
    """Return a folder that is removed when the program ends."""
    return tempfile.TemporaryDirectory(prefix=_STAND_IN_PREFIX)


def _folder(kind: str, default: str) -> Path:
    profile = os.environ.get("TWINVIEWER_PROFILE_DIR")
    return _made(Path(profile) / kind if profile else Path(default))


def config_dir() -> Path:
    """Return the folder of settings."""
    return _folder("config", platformdirs.user_config_dir(_APP, appauthor=False))


def data_dir() -> Path:
    """Return the folder of what the user installed: plugins."""
    return _folder("data", platformdirs.user_data_dir(_APP, appauthor=False))


def plugin_data_dir(plugin_id: str) -> Path:
    """Return the folder that a plugin may write to; it outlasts updates of the plugin."""
    return _made(data_dir() / "plugin-data" / plugin_id)


def cache_dir() -> Path:
    """Return the folder of what can be made again: the demo city."""
    return _folder("cache", platformdirs.user_cache_dir(_APP, appauthor=False))


def state_dir() -> Path:
    """Return the folder of what the program remembers: journals, logs, crash reports, recent files."""
    return _folder("state", platformdirs.user_state_dir(_APP, appauthor=False))

"""What a person chose for the program itself, as opposed to a project."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

import pydantic

from twinviewer.app.atomic import write_atomically
from twinviewer.app.folders import config_dir

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    theme: Literal["system", "light", "dark", "high-contrast"] = "system"
    navigation: Literal["map", "orbit"] = "map"
    reduce_motion: bool = False
    """No flights, no inertia."""
    language: Literal["en", "de"] = "en"
    point_budget: int = 5_000_000
    """Points of one cloud that are kept in memory."""
    cache_gb: int = 5
    """Most gigabytes (10⁹ bytes) of what was read that are kept on the disk for the next time; 0: nothing is."""
    time_zone: str = ""
    """IANA name that times are shown in; empty: the machine's."""

    @property
    def cache_limit(self) -> int:
        """In bytes."""
        return self.cache_gb * 10**9


_VALIDATOR = pydantic.TypeAdapter(Settings)


def _path() -> Path:
    return config_dir() / "settings.json"


def load_settings() -> Settings:
    """Return the settings; each entry that cannot be used falls back to its default.

    A file that cannot be read at all is kept beside as ``settings.bad.json``, and the log says so.
    """
    path = _path()
    try:
        stored = json.loads(path.read_bytes().decode("utf-8-sig"))
        if not isinstance(stored, dict):
            raise ValueError("not an object")
    except FileNotFoundError:
        return Settings()
    except (OSError, ValueError, RecursionError) as error:
        _log.warning("The settings in %s cannot be used (%s); the defaults are.", path, error)
        _keep_beside(path)
        return Settings()
    known = {}
    for name, value in stored.items():
        try:
            _VALIDATOR.validate_json(json.dumps({name: value}), strict=True)
        except pydantic.ValidationError:
            _log.warning("The setting %s cannot be used; its default is.", name)
        else:
            if name in Settings.__dataclass_fields__:
                known[name] = value
    return Settings(**known)


def save_settings(settings: Settings) -> None:
    """Write the settings.

    Raises:
        WriteError: The disk said no; the old settings are intact.
    """
    write_atomically(_path(), (json.dumps(asdict(settings), indent=2, sort_keys=True) + "\n").encode())


def _keep_beside(path: Path) -> None:
    try:
        path.replace(path.with_name("settings.bad.json"))
    except OSError as error:
        _log.warning("The unusable settings could not be put aside (%s).", error)

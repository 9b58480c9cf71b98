"""Where plugins are found: beside the program, in the user's folder, and among installed distributions."""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from twinviewer import resources
from twinviewer.api.importing import CodeLocation
from twinviewer.app import folders as app_folders
from twinviewer.app.plugins.manifest import Manifest

_log = logging.getLogger(__name__)


class PluginOrigin(StrEnum):
    BUILT_IN = "built-in"
    BUNDLED = "bundled"
    USER = "user"
    """In the user's plugin folder."""
    INSTALLED = "installed"
    """Found through an entry point of an installed distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin that was found; its code may never have been imported."""

    manifest: Manifest
    code: CodeLocation
    origin: PluginOrigin

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def name(self) -> str:
        return self.manifest.name


def plugin_roots(folders: Sequence[Path] | None) -> list[tuple[Path, PluginOrigin]]:
    """Return the folders that hold plugins, in the order in which ids are given away."""
    if folders is not None:
        return [(root, PluginOrigin.USER) for root in folders]
    return [
        (resources.bundled_plugins(), PluginOrigin.BUNDLED),
        (app_folders.data_dir() / "plugins", PluginOrigin.USER),
    ]


def folder_of_package(package: str) -> Path | None:
    """Return the folder of an installed package without running its code (its parents' code is run)."""
    try:
        spec = importlib.util.find_spec(package)
    except Exception:  # noqa: BLE001 – a parent package may raise anything
        _log.warning("The package %s of a plugin cannot be found.", package, exc_info=True)
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])

"""Where plugins are found: beside the program, in the user's folder, and among installed distributions."""

from __future__ import annotations

import importlib.util
import logging
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from twinviewer import resources
from twinviewer.api.importing import CodeLocation
from twinviewer.app import folders as app_folders
from twinviewer.app.plugins.manifest import FILE_NAME, Manifest
from twinviewer.model.errors import PluginError

_log = logging.getLogger(__name__)

REQUIREMENTS_FILE = "requirements.txt"
"""Written into a plugin's folder when it is installed from a wheel: what the wheel requires, one a line."""


class PluginOrigin(StrEnum):
    BUILT_IN = "built-in"
    BUNDLED = "bundled"
    USER = "user"
    """In the user's plugin folder."""
    INSTALLED = "installed"
    """Found through an entry point of an installed distribution."""
    NAMED = "named"
    """In a folder that was named at the start: its author's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plugin:
    """A plugin that was found; its code may never have been imported."""

    manifest: Manifest
    code: CodeLocation
    origin: PluginOrigin
    requirements: tuple[str, ...] = ()
    """Distributions that it needs in an environment of its own, as in PEP 508; empty: it needs none."""

    @property
    def isolated(self) -> bool:
        """Whether its code runs in a process of its own."""
        if self.requirements:
            return True
        if self.manifest.isolated is not None:
            return self.manifest.isolated
        return not self.is_trusted

    @property
    def is_trusted(self) -> bool:
        """Whether it ships with the program."""
        return self.origin in (PluginOrigin.BUILT_IN, PluginOrigin.BUNDLED)

    @property
    def id(self) -> str:
        return self.manifest.id

    @property
    def name(self) -> str:
        return self.manifest.name


def plugin_roots(folders: Sequence[Path] | None) -> list[tuple[Path, PluginOrigin]]:
    """Return the folders that hold plugins, in the order in which ids are given away."""
    if folders is not None:
        return [(root, PluginOrigin.NAMED) for root in folders]
    return [
        (resources.bundled_plugins(), PluginOrigin.BUNDLED),
        (user_plugins(), PluginOrigin.USER),
    ]


def user_plugins() -> Path:
    """Return the folder of the plugins that the person installed."""
    return app_folders.data_dir() / "plugins"


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


def plugin_folder(path: Path) -> Path:
    """Return the folder that holds the ``plugin.toml`` of what an author points at.

    Args:
        path: That folder, the manifest itself, or a project folder with the package in it or in its ``src``.

    Raises:
        PluginError: There is no manifest, or more than one.
    """
    if path.name == FILE_NAME and path.is_file():
        return path.parent
    if (path / FILE_NAME).is_file():
        return path
    found = sorted({manifest.parent for pattern in ("*", "src/*") for manifest in path.glob(f"{pattern}/{FILE_NAME}")})
    if not path.exists():
        raise PluginError("No such file or folder.", cure="Check the path.", source=str(path))
    if not found:
        raise PluginError(
            f"There is no {FILE_NAME} in the folder, in a package in it, or in its src folder.",
            cure="Give the plugin's folder; “twinviewer plugin new” makes one.",
            source=str(path),
        )
    if len(found) > 1:
        names = ", ".join(str(folder.relative_to(path)) for folder in found)
        raise PluginError(f"The folder holds several plugins: {names}.", cure="Give one of them.", source=str(path))
    return found[0]


def read_requirements(folder: Path) -> tuple[str, ...]:
    """Return what a plugin requires besides twinviewer: PEP 508 requirements.

    They are in ``requirements.txt`` in the plugin's folder, which the installer writes, or else in the
    ``pyproject.toml`` of its project: in the same folder, in the one above, or above a ``src`` folder.

    Raises:
        PluginError: The file cannot be read, or one of the requirements is none.
    """
    listed = folder / REQUIREMENTS_FILE
    if listed.is_file():
        lines = (line.partition(" #")[0].strip() for line in _text(listed).splitlines())
        return _checked([line for line in lines if line and not line.startswith("#")], listed)
    candidates = [folder, folder.parent, *([folder.parent.parent] if folder.parent.name == "src" else [])]
    for project_file in (candidate / "pyproject.toml" for candidate in candidates):
        if project_file.is_file():
            return _checked(_dependencies(project_file), project_file)
    return ()


def _dependencies(project_file: Path) -> object:
    try:
        project = tomllib.loads(_text(project_file)).get("project", {})
    except tomllib.TOMLDecodeError as error:
        raise PluginError(
            f"The project file is not valid TOML: {error}.", cure="Correct that line.", source=str(project_file)
        ) from error
    return project.get("dependencies", []) if isinstance(project, dict) else []


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PluginError(
            f"What the plugin requires cannot be read: {error}.", cure="Check the file.", source=str(path)
        ) from error


def _checked(requirements: object, path: Path) -> tuple[str, ...]:
    if not requirements:
        return ()
    from packaging.requirements import InvalidRequirement, Requirement  # only few plugins require anything

    if not isinstance(requirements, list):
        raise PluginError("“dependencies” is not a list.", cure="Write a list of texts.", source=str(path))
    checked = []
    for each in requirements:
        try:
            requirement = Requirement(str(each))
        except InvalidRequirement as error:
            problem = f"“{each}” is not a requirement: {str(error).splitlines()[0]}."
            raise PluginError(problem, cure="Write it as in PEP 508: “name>=1.2”.", source=str(path)) from error
        if requirement.name.lower() != "twinviewer":  # it is there: the plugin is called by it
            checked.append(str(requirement))
    return tuple(checked)

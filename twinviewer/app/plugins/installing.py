"""Installs plugins from folders, wheels and archives, and removes them.  No code of theirs is run.

All of it is prepared in a folder beside the plugins' own and then renamed into its place, so that there is the old
version or the new one, never half of one.  Settings and data lie elsewhere and stay.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from packaging.version import InvalidVersion, Version

from twinviewer.api.importing import CodeLocation, package_name
from twinviewer.app.folders import data_dir, plugin_data_dir
from twinviewer.app.plugins.choices import PluginChoices
from twinviewer.app.plugins.environments import environment_for, remove_environment
from twinviewer.app.plugins.finding import (
    REQUIREMENTS_FILE,
    Plugin,
    PluginOrigin,
    plugin_folder,
    read_requirements,
    user_plugins,
)
from twinviewer.app.plugins.manifest import FILE_NAME, Manifest, read_manifest
from twinviewer.app.plugins.settings import PluginSettings
from twinviewer.app.plugins.unpacking import copy_folder, unpack
from twinviewer.app.plugins.wheels import applicable, check_wheel_name, plugin_in_wheel
from twinviewer.model.errors import PluginError, WriteError
from twinviewer.model.feedback import Feedback, PartOf

_log = logging.getLogger(__name__)

ARCHIVES = (".zip", ".tar.gz", ".tgz", ".tar.xz", ".tar.bz2")
_OLD = "old"
"""Below it, in the folder of a preparation, what is being replaced; it goes back where that is interrupted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """What was done."""

    plugin: Plugin
    replaced: Plugin | None
    """The version that was there before."""

    @property
    def is_downgrade(self) -> bool:
        """Whether an older version took the place of a newer one."""
        if self.replaced is None:
            return False
        try:
            return Version(self.plugin.manifest.version) < Version(self.replaced.manifest.version)
        except InvalidVersion:
            return False  # versions of plugins are for people; what cannot be compared is just another one


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A plugin that was checked and waits to be put in its place."""

    plugin: Plugin
    """As it will be."""
    replaces: Plugin | None
    _folder: Path
    _others: tuple[Plugin, ...]

    def put_in_place(self, feedback: Feedback) -> Installed:
        """Make the environment that it requires, then put it where plugins are.

        Raises:
            PluginError: The environment cannot be made; nothing has changed.
            WriteError: It cannot be put there; what was there before is intact.
            Cancelled: The person stopped it; nothing has changed.
        """
        if self.plugin.requirements:
            environment_for(self.plugin, feedback)
        target = Path(self.plugin.code.folder)
        aside = self._folder.parent / _OLD / target.name
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.exists():
                aside.parent.mkdir()
                target.rename(aside)
            try:
                self._folder.rename(target)
            except OSError:
                if aside.exists():
                    aside.rename(target)
                raise
        except OSError as error:
            raise WriteError(
                f"The plugin could not be put in its place ({error.strerror}).",
                cure="Close twinviewer, check that the folder can be written to, then try again.",
                source=str(target),
            ) from error
        if self.replaces is not None and self.replaces.requirements:
            still_used = [each.requirements for each in (self.plugin, *self._others)]
            remove_environment(self.replaces.requirements, still_used=still_used)
        return Installed(plugin=self.plugin, replaced=self.replaces)


def install(source: Path, *, plugins: Sequence[Plugin], feedback: Feedback) -> Installed:
    """Install a plugin, or put another version in the place of the one that is there.

    Args:
        source: A plugin's folder or project, a wheel, or an archive of a folder.
        plugins: Those that there are.
        feedback: Hears how far it is, and whether to stop.

    Raises:
        PluginError: It cannot be installed; nothing has changed.
        WriteError: The disk said no; what was there before is intact.
        Cancelled: The person stopped it; nothing has changed.
    """
    with prepared(source, plugins=plugins, feedback=PartOf(feedback, 0.0, 0.3)) as ready:
        return ready.put_in_place(PartOf(feedback, 0.3, 1.0))


@contextlib.contextmanager
def prepared(source: Path, *, plugins: Sequence[Plugin], feedback: Feedback) -> Iterator[Prepared]:
    """Unpack and check a plugin; until :meth:`Prepared.put_in_place` it is nowhere that the program looks.

    Raises:
        PluginError: It cannot be installed.
        Cancelled: The person stopped it.
    """
    _tidy()
    try:
        place = Path(tempfile.mkdtemp(prefix=f"{os.getpid()}-", dir=_preparations()))
    except OSError as error:
        raise WriteError(
            f"The plugin cannot be installed ({error.strerror}).", cure="Check the folder.", source=str(data_dir())
        ) from error
    try:
        try:
            requirements = _collect(source, place, feedback)
        except OSError as error:
            raise PluginError(
                f"The plugin cannot be read or copied ({error.strerror or error}).",
                cure="Check the path, who may read it, and that the disk has room.",
                source=source.name,
            ) from error
        manifest = _read_manifest(place / "new", source.name)
        target = user_plugins() / manifest.id
        replaces = _replaced(manifest.id, target, plugins)
        code = CodeLocation(package=package_name(manifest.id, target), folder=str(target))
        plugin = Plugin(manifest=manifest, code=code, origin=PluginOrigin.USER, requirements=requirements)
        others = tuple(each for each in plugins if each.id != plugin.id)
        yield Prepared(plugin=plugin, replaces=replaces, _folder=place / "new", _others=others)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def remove(plugin: Plugin, *, plugins: Sequence[Plugin], choices: PluginChoices) -> None:
    """Remove a plugin that was installed; its settings, secrets and data stay.

    Args:
        plugin: The one.
        plugins: Those that there are, it among them: what they require stays.
        choices: Forget whether it is switched off and what it may do.

    Raises:
        PluginError: It ships with the program, or something else than this program installed it.
        WriteError: The disk said no.
    """
    _require_removable(plugin)
    folder = Path(plugin.code.folder)
    try:
        if folder.is_symlink():
            folder.unlink()  # where it leads is its author's
        else:
            shutil.rmtree(folder)
    except OSError as error:
        raise WriteError(
            f"The plugin could not be removed ({error.strerror}).",
            cure="Close twinviewer, check who may write there, then try again.",
            source=str(folder),
        ) from error
    choices.forget(plugin.id)
    if plugin.requirements:
        others = [each.requirements for each in plugins if each.id != plugin.id]
        remove_environment(plugin.requirements, still_used=others)


def purge(plugin: Plugin, settings: PluginSettings) -> None:
    """Remove what a plugin leaves: its settings, its secrets in the keyring, and its data.

    Raises:
        PluginError: The keyring does not let go of a secret.
    """
    settings.forget(plugin.manifest)
    shutil.rmtree(plugin_data_dir(plugin.id), ignore_errors=True)


def _collect(source: Path, place: Path, feedback: Feedback) -> tuple[str, ...]:
    """Put the plugin's folder at ``place / "new"``; return what it requires."""
    if not source.exists():
        raise PluginError("There is no such file or folder.", cure="Correct the path.", source=str(source))
    feedback.progress(0.0, "Unpacking" if source.is_file() else "Copying")
    if source.suffix == ".whl":
        check_wheel_name(source)
        unpack(source, _made(place / "unpacked"), feedback)
        folder, requirements = plugin_in_wheel(place / "unpacked", source.name)
        folder.rename(place / "new")
    else:
        if source.is_file():
            if not source.name.lower().endswith(ARCHIVES):
                raise PluginError(
                    "This is neither a folder nor a wheel nor an archive.",
                    cure=f"Give a plugin's folder, a .whl, or one of {', '.join(ARCHIVES)}.",
                    source=source.name,
                )
            unpack(source, _made(place / "unpacked"), feedback)
            folder = plugin_folder(_only_folder(place / "unpacked"))
        else:
            folder = plugin_folder(source.resolve())
        _refuse_dynamic(folder)
        requirements = applicable(read_requirements(folder), source.name)
        copy_folder(folder, place / "new", feedback)
    if requirements or (place / "new" / REQUIREMENTS_FILE).exists():
        lines = "".join(f"{each}\n" for each in requirements)
        (place / "new" / REQUIREMENTS_FILE).write_text(lines, "utf-8")
    feedback.progress(1.0, "Checked")
    return requirements


def _read_manifest(folder: Path, name: str) -> Manifest:
    try:
        return read_manifest(folder / FILE_NAME)
    except PluginError as error:
        error.source = error.source.replace(str(folder), name)  # nobody knows the folder where it is prepared
        raise


def _refuse_dynamic(folder: Path) -> None:
    """Refuse a project whose requirements only its build knows: building it would run its code."""
    above = [folder, folder.parent, *([folder.parent.parent] if folder.parent.name == "src" else [])]
    for project_file in (each / "pyproject.toml" for each in above):
        if project_file.is_file():
            with contextlib.suppress(tomllib.TOMLDecodeError, UnicodeDecodeError):  # told by read_requirements
                project = tomllib.loads(project_file.read_text("utf-8")).get("project", {})
                if "dependencies" in project.get("dynamic", ()):
                    raise PluginError(
                        "What the project requires is known only when it is built.",
                        cure="Build a wheel of it (python -m build) and install that.",
                        source=str(project_file),
                    )
            return


def _replaced(plugin_id: str, target: Path, plugins: Sequence[Plugin]) -> Plugin | None:
    """Return the plugin in whose place the new one comes.

    Raises:
        PluginError: It is one that must stay.
    """
    present = next((each for each in plugins if each.id == plugin_id), None)
    if present is None:
        return None
    if present.origin is not PluginOrigin.USER:
        _require_removable(present)
    elif Path(present.code.folder) != target:
        raise PluginError(
            f"There is already a plugin “{plugin_id}”, which somebody put into {present.code.folder}.",
            cure=f"Remove it first: “twinviewer plugin remove {plugin_id}” deletes that folder.",
            source=plugin_id,
        )
    return present


def _require_removable(plugin: Plugin) -> None:
    match plugin.origin:
        case PluginOrigin.BUILT_IN | PluginOrigin.BUNDLED:
            raise PluginError(
                f"“{plugin.name}” ships with the program.",
                cure=f"“twinviewer plugin disable {plugin.id}” switches it off.",
                source=plugin.id,
            )
        case PluginOrigin.INSTALLED:
            raise PluginError(
                f"“{plugin.name}” was installed beside twinviewer, as a package of Python's.",
                cure="Update or remove it with what installed it: “pip uninstall”, for example.",
                source=plugin.id,
            )
        case PluginOrigin.NAMED:
            raise PluginError(
                f"“{plugin.name}” is used from its author's folder.",
                cure="Leave out the option that names the folder.",
                source=plugin.id,
            )


def _only_folder(unpacked: Path) -> Path:
    """Return the one folder that most archives hold, or the archive's own."""
    entries = [each for each in unpacked.iterdir() if each.name != "__MACOSX"]
    return entries[0] if len(entries) == 1 and entries[0].is_dir() else unpacked


def _preparations() -> Path:
    return _made(data_dir() / "plugins-prepared")


def _tidy() -> None:
    """Bring back what an interrupted update had set aside, and remove the rest of it."""
    for place in _preparations().iterdir():
        process = place.name.partition("-")[0]
        if process.isdigit() and _runs(int(process)):
            continue
        for old in place.glob(f"{_OLD}/*"):
            if not (user_plugins() / old.name).exists():
                _log.warning("The update of plugin %s was interrupted; the old version is back.", old.name)
                old.rename(user_plugins() / old.name)
        shutil.rmtree(place, ignore_errors=True)


def _runs(process: int) -> bool:
    import psutil  # only where there is something to tidy

    return bool(psutil.pid_exists(process))


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder

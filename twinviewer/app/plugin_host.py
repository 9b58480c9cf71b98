"""The one door for contributions: built-in readers, bundled plugins, the user's own and installed ones.

Manifests are read when the registry is made; code is imported when a contribution is first called.  Whatever a
contribution raises stays here: it is told once with the plugin's name, and three failures in a row switch the
contribution off.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import logging
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from twinviewer import formats, resources
from twinviewer.api.importing import CodeLocation, import_function, package_name
from twinviewer.app import folders as app_folders
from twinviewer.app.manifest import (
    FILE_NAME,
    Manifest,
    OverlayContribution,
    ReaderContribution,
    read_manifest,
)
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled

_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "twinviewer.plugins"
FAILURES_IN_A_ROW = 3
"""So many switch a contribution off."""

T = TypeVar("T")
Contribution = ReaderContribution | OverlayContribution


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


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureRecord:
    """What became of a contribution that fails."""

    contribution_id: str
    title: str
    plugin_name: str
    error: PluginError
    """The newest failure as one sentence, naming the plugin."""
    details: str
    """Its traceback, for the log and for the author."""
    count: int
    """Failures since it was first called."""
    disabled: bool
    """Whether it is switched off: one of its functions failed three times in a row."""


class PluginRegistry:
    """Finds plugins and calls their contributions.  Safe from any thread.

    Args:
        folders: Folders that hold one folder per plugin; None: the bundled ones and the user's.
        safe_mode: Load nothing but what is built in.
        on_failure: Hears of the first failure of each contribution, on the thread where it happened.
    """

    def __init__(
        self,
        *,
        folders: Sequence[Path] | None = None,
        safe_mode: bool = False,
        on_failure: Callable[[FailureRecord], None] = lambda record: None,
    ) -> None:
        self.safe_mode = safe_mode
        self.on_failure = on_failure
        self._lock = threading.RLock()
        self._plugins: dict[str, Plugin] = {}
        self._contributions: dict[str, tuple[Contribution, Plugin]] = {}
        self._problems: list[PluginError] = []
        self._functions: dict[tuple[str, str], Callable[..., Any]] = {}
        self._failures: dict[str, FailureRecord] = {}
        self._in_a_row: dict[tuple[str, str], int] = {}
        self._add(Path(formats.__file__).parent, PluginOrigin.BUILT_IN, package=formats.__name__)
        if safe_mode:
            return
        for root, origin in _plugin_roots(folders):
            try:
                found = [folder for folder in sorted(root.iterdir()) if (folder / FILE_NAME).is_file()]
            except FileNotFoundError:
                continue
            except OSError as error:
                self._refuse(
                    PluginError(
                        f"The plugin folder cannot be listed ({error.strerror}).",
                        cure="Check who may read it.",
                        source=str(root),
                    )
                )
                continue
            for folder in found:
                self._add(folder, origin)
        if folders is None:
            self._add_installed()

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        return tuple(self._plugins.values())

    @property
    def problems(self) -> tuple[PluginError, ...]:
        """The manifests that were refused, and why."""
        return tuple(self._problems)

    @property
    def readers(self) -> tuple[ReaderContribution, ...]:
        found = (contribution for contribution, _ in self._contributions.values())
        return tuple(contribution for contribution in found if isinstance(contribution, ReaderContribution))

    @property
    def overlays(self) -> tuple[OverlayContribution, ...]:
        found = (contribution for contribution, _ in self._contributions.values())
        return tuple(contribution for contribution in found if isinstance(contribution, OverlayContribution))

    @property
    def failures(self) -> tuple[FailureRecord, ...]:
        """One record per contribution that has failed."""
        with self._lock:
            return tuple(self._failures.values())

    def reader(self, contribution_id: str) -> ReaderContribution | None:
        """Return the reader of that id, or None where no plugin has it."""
        found = self._contributions.get(contribution_id)
        return found[0] if found and isinstance(found[0], ReaderContribution) else None

    def overlay(self, contribution_id: str) -> OverlayContribution | None:
        """Return the overlay of that id, or None where no plugin has it."""
        found = self._contributions.get(contribution_id)
        return found[0] if found and isinstance(found[0], OverlayContribution) else None

    def readers_for(self, path: Path) -> tuple[ReaderContribution, ...]:
        """Return the readers whose patterns fit the file's name and that are not switched off."""
        return tuple(reader for reader in self.readers if reader.fits(path) and not self.is_disabled(reader.id))

    def plugin_of(self, contribution_id: str) -> Plugin:
        """Return the plugin that contributes it.

        Raises:
            KeyError: No plugin does.
        """
        return self._contributions[contribution_id][1]

    def resolve(self, reference: str, plugin: Plugin) -> Callable[..., Any]:
        """Import the function that ``"module:function"`` names in ``plugin``.

        Raises:
            PluginError: There is no such function, or its module fails while it is imported.
        """
        key = (plugin.id, reference)
        with self._lock:
            function = self._functions.get(key)
        if function is None:
            try:
                function = import_function(reference, code=plugin.code)
            except (TwinViewerError, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise PluginError(
                    f"“{plugin.name}” cannot be loaded: {_in_words(error)}.",
                    cure="Update or remove the plugin; the log has the details for its author.",
                    source=plugin.id,
                ) from error
            with self._lock:
                self._functions[key] = function
        return function

    def call(
        self,
        contribution_id: str,
        reference: str,
        arguments: Mapping[str, Any],
        *,
        check: Callable[[Any], T],
    ) -> T:
        """Call one of a contribution's functions and keep its failures here.

        Errors that say that the data or the source is at fault (``ReadError``, ``FeedError`` …) and ``Cancelled``
        pass through: the plugin works.

        Args:
            contribution_id: Whose function it is.
            reference: ``"module:function"``, from the manifest.
            arguments: Passed by keyword.
            check: Gets what the function returned and returns it as the contract promises it; what it raises
                counts as a failure of the function.

        Raises:
            PluginError: The function, or importing it, failed; or the contribution is switched off.
        """
        contribution, plugin = self._contributions[contribution_id]
        record = self.failure(contribution_id)
        if record is not None and record.disabled:
            raise self._switched_off(contribution, plugin)
        try:
            result = check(self.resolve(reference, plugin)(**arguments))
        except (Cancelled, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit and the panics of Rust libraries too
            if isinstance(error, TwinViewerError) and not isinstance(error, PluginError):
                self.report_success(contribution_id, reference)
                raise
            raise self.report_failure(contribution_id, error, reference=reference).error from error
        self.report_success(contribution_id, reference)
        return result

    def failure(self, contribution_id: str) -> FailureRecord | None:
        with self._lock:
            return self._failures.get(contribution_id)

    def is_disabled(self, contribution_id: str) -> bool:
        """Return whether the contribution failed so often that it is switched off."""
        record = self.failure(contribution_id)
        return record is not None and record.disabled

    def report_failure(self, contribution_id: str, error: BaseException, *, reference: str = "") -> FailureRecord:
        """Count a failure of one of the contribution's functions; the contribution's first one is told.

        :meth:`call` does it; callers that run the code elsewhere (a reader in a worker process) do it themselves.
        """
        contribution, plugin = self._contributions[contribution_id]
        if isinstance(error, PluginError):
            told = PluginError(error.problem, cure=error.cure, source=plugin.name)
        else:
            told = PluginError(
                f"“{contribution.title}” failed: {_in_words(error)}.",
                cure="It is tried again, and switched off if it fails three times in a row. "
                "The log has the details for its author.",
                source=plugin.name,
            )
        details = "".join(traceback.format_exception(error))
        with self._lock:
            old = self._failures.get(contribution_id)
            in_a_row = self._in_a_row[contribution_id, reference] = (
                self._in_a_row.get((contribution_id, reference), 0) + 1
            )
            record = FailureRecord(
                contribution_id=contribution_id,
                title=contribution.title,
                plugin_name=plugin.name,
                error=told,
                details=details,
                count=(old.count if old else 0) + 1,
                disabled=in_a_row >= FAILURES_IN_A_ROW or (old is not None and old.disabled),
            )
            self._failures[contribution_id] = record
        if record.disabled:
            _log.error("The contribution %s of plugin %s is switched off.", contribution_id, plugin.id)
        if old is None:
            _log.error("The contribution %s of plugin %s failed.\n%s", contribution_id, plugin.id, details)
            self.on_failure(record)
        return record

    def report_success(self, contribution_id: str, reference: str = "") -> None:
        """Note that the function works: its failures are no longer in a row."""
        with self._lock:
            self._in_a_row.pop((contribution_id, reference), None)

    def switch_on(self, contribution_id: str) -> None:
        """Give a contribution that was switched off another chance: its failures are forgotten."""
        with self._lock:
            self._failures.pop(contribution_id, None)
            for key in [key for key in self._in_a_row if key[0] == contribution_id]:
                del self._in_a_row[key]

    def _add(self, folder: Path, origin: PluginOrigin, *, package: str | None = None) -> None:
        try:
            manifest = read_manifest(folder / FILE_NAME)
        except PluginError as error:
            self._refuse(error)
            return
        if manifest.id in self._plugins:
            other = self._plugins[manifest.id]
            self._refuse(
                PluginError(
                    f"There is already a plugin with the id “{manifest.id}”, in {other.code.folder}.",
                    cure="Remove one of the two.",
                    source=str(folder),
                )
            )
            return
        code = CodeLocation(package=package or package_name(manifest.id, folder), folder=str(folder))
        plugin = Plugin(manifest=manifest, code=code, origin=origin)
        self._plugins[plugin.id] = plugin
        for contribution in manifest.contributions:
            self._contributions[contribution.id] = (contribution, plugin)

    def _add_installed(self) -> None:
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
            folder = _folder_of(entry.value)
            if folder is None:
                self._refuse(
                    PluginError(
                        f"The installed plugin “{entry.name}” names “{entry.value}”, which is not there.",
                        cure="Reinstall or remove it.",
                        source=entry.name,
                    )
                )
            else:
                self._add(folder, PluginOrigin.INSTALLED, package=entry.value)

    def _refuse(self, error: PluginError) -> None:
        _log.error("A plugin was refused: %s", error)
        self._problems.append(error)

    @staticmethod
    def _switched_off(contribution: Contribution, plugin: Plugin) -> PluginError:
        return PluginError(
            f"“{contribution.title}” is switched off because it failed three times in a row.",
            cure="Update the plugin, then switch it on again.",
            source=plugin.name,
        )


def _in_words(error: BaseException) -> str:
    try:
        text = " ".join(str(error).split())
    except Exception:  # noqa: BLE001 – it is a plugin's own class
        text = ""
    return f"{type(error).__name__}: {text[:200]}" if text else type(error).__name__


def _plugin_roots(folders: Sequence[Path] | None) -> list[tuple[Path, PluginOrigin]]:
    """Return the folders that hold plugins, in the order in which ids are given away."""
    if folders is not None:
        return [(root, PluginOrigin.USER) for root in folders]
    return [
        (resources.bundled_plugins(), PluginOrigin.BUNDLED),
        (app_folders.data_dir() / "plugins", PluginOrigin.USER),
    ]


def _folder_of(package: str) -> Path | None:
    """Return the folder of an installed package without running its code (its parents' code is run)."""
    try:
        spec = importlib.util.find_spec(package)
    except Exception:  # noqa: BLE001 – a parent package may raise anything
        _log.warning("The package %s of a plugin cannot be found.", package, exc_info=True)
        return None
    if spec is None or not spec.submodule_search_locations:
        return None
    return Path(spec.submodule_search_locations[0])

"""The one door for contributions: built-in readers, bundled plugins, the user's own and installed ones.

Manifests are read when the registry is made; code is imported when a contribution is first called.  Whatever a
contribution raises stays here: it is told once with the plugin's name, and three failures in a row switch the
contribution off.
"""

from __future__ import annotations

import importlib.metadata
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from twinviewer import formats
from twinviewer.api.importing import CodeLocation, package_name
from twinviewer.app.plugins.calling import InProcess
from twinviewer.app.plugins.failures import FailureBook, FailureRecord
from twinviewer.app.plugins.finding import (
    Plugin,
    PluginOrigin,
    folder_of_package,
    plugin_roots,
    read_requirements,
)
from twinviewer.app.plugins.manifest import (
    FILE_NAME,
    AnalysisContribution,
    CommandContribution,
    Contribution,
    LayerContribution,
    OverlayContribution,
    PanelContribution,
    ReaderContribution,
    ThemeContribution,
    TourContribution,
    WriterContribution,
    read_manifest,
)
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled

_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "twinviewer.plugins"
T = TypeVar("T")
_Kind = TypeVar("_Kind", bound=Contribution)


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
        self._lock = threading.RLock()
        self._plugins: dict[str, Plugin] = {}
        self._contributions: dict[str, tuple[Contribution, Plugin]] = {}
        self._problems: list[PluginError] = []
        self._in_process = InProcess()
        self._failures = FailureBook(on_failure)
        self._add(Path(formats.__file__).parent, PluginOrigin.BUILT_IN, package=formats.__name__)
        if safe_mode:
            return
        for root, origin in plugin_roots(folders):
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
        return self._of(ReaderContribution)

    @property
    def writers(self) -> tuple[WriterContribution, ...]:
        return self._of(WriterContribution)

    @property
    def layers(self) -> tuple[LayerContribution, ...]:
        return self._of(LayerContribution)

    @property
    def overlays(self) -> tuple[OverlayContribution, ...]:
        return self._of(OverlayContribution)

    @property
    def analyses(self) -> tuple[AnalysisContribution, ...]:
        return self._of(AnalysisContribution)

    @property
    def panels(self) -> tuple[PanelContribution, ...]:
        return self._of(PanelContribution)

    @property
    def commands(self) -> tuple[CommandContribution, ...]:
        return self._of(CommandContribution)

    @property
    def themes(self) -> tuple[ThemeContribution, ...]:
        return self._of(ThemeContribution)

    @property
    def tours(self) -> tuple[TourContribution, ...]:
        return self._of(TourContribution)

    @property
    def failures(self) -> tuple[FailureRecord, ...]:
        """One record per contribution that has failed."""
        return self._failures.records

    def contribution(self, contribution_id: str, kind: type[_Kind]) -> _Kind | None:
        """Return the contribution of that id, or None where no plugin has one of that kind."""
        found = self._contributions.get(contribution_id)
        return found[0] if found and isinstance(found[0], kind) else None

    def reader(self, contribution_id: str) -> ReaderContribution | None:
        """Return the reader of that id, or None where no plugin has it."""
        return self.contribution(contribution_id, ReaderContribution)

    def overlay(self, contribution_id: str) -> OverlayContribution | None:
        """Return the overlay of that id, or None where no plugin has it."""
        return self.contribution(contribution_id, OverlayContribution)

    def readers_for(self, path: Path) -> tuple[ReaderContribution, ...]:
        """Return the readers whose patterns fit the file's name and that are not switched off."""
        return tuple(reader for reader in self.readers if reader.fits(path) and not self.is_disabled(reader.id))

    def plugin_of(self, contribution_id: str) -> Plugin:
        """Return the plugin that contributes it.

        Raises:
            KeyError: No plugin does.
        """
        return self._contributions[contribution_id][1]

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
            result = check(self._in_process.call(plugin, reference, arguments))
        except (Cancelled, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit and the panics of Rust libraries too
            if isinstance(error, TwinViewerError) and not isinstance(error, PluginError):
                self.report_success(contribution_id, reference)
                raise
            raise self.report_failure(contribution_id, error, reference=reference).error from error
        self.report_success(contribution_id, reference)
        return result

    def import_code(self, contribution_id: str) -> None:
        """Import the functions of a contribution into this process, as the first call of each would.

        Raises:
            PluginError: There is no such function, or its module fails while it is imported.
        """
        contribution, plugin = self._contributions[contribution_id]
        for reference in contribution.functions:
            self._in_process.load(plugin, reference)

    def failure(self, contribution_id: str) -> FailureRecord | None:
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
        return self._failures.failed(
            contribution_id, error, reference=reference, title=contribution.title, plugin_name=plugin.name
        )

    def report_success(self, contribution_id: str, reference: str = "") -> None:
        """Note that the function works: its failures are no longer in a row."""
        self._failures.worked(contribution_id, reference)

    def switch_on(self, contribution_id: str) -> None:
        """Give a contribution that was switched off another chance: its failures are forgotten."""
        self._failures.forget(contribution_id)

    def _of(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        found = (contribution for contribution, _ in self._contributions.values())
        return tuple(contribution for contribution in found if isinstance(contribution, kind))

    def _add(self, folder: Path, origin: PluginOrigin, *, package: str | None = None) -> None:
        try:
            manifest = read_manifest(folder / FILE_NAME)
            requirements = read_requirements(folder) if origin is PluginOrigin.USER else ()
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
        plugin = Plugin(manifest=manifest, code=code, origin=origin, requirements=requirements)
        self._plugins[plugin.id] = plugin
        for contribution in manifest.contributions:
            self._contributions[contribution.id] = (contribution, plugin)

    def _add_installed(self) -> None:
        for entry in importlib.metadata.entry_points(group=ENTRY_POINT_GROUP):
            folder = folder_of_package(entry.value)
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

"""The plugins that there are and what they contribute, by kind and by id."""

from __future__ import annotations

import importlib.metadata
import itertools
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from twinviewer.api.importing import CodeLocation, package_name
from twinviewer.app.plugins.finding import (
    Plugin,
    PluginOrigin,
    folder_of_package,
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
from twinviewer.model.errors import PluginError

_log = logging.getLogger(__name__)

ENTRY_POINT_GROUP = "twinviewer.plugins"
_Kind = TypeVar("_Kind", bound=Contribution)


class PluginCollection:
    """Plugins with their contributions.  Reading is safe from any thread; changing needs the lock."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        # These are replaced, never changed, so that they can be read without the lock.
        self._plugins: dict[str, Plugin] = {}
        self._contributions: dict[str, tuple[Contribution, Plugin]] = {}
        self._known: dict[str, tuple[Contribution, Plugin]] = {}
        """Those that are gone or switched off, too: their calls may still be under way."""
        self._problems: list[PluginError] = []
        self._numbers = itertools.count(1)

    @property
    def plugins(self) -> tuple[Plugin, ...]:
        return tuple(self._plugins.values())

    @property
    def problems(self) -> tuple[PluginError, ...]:
        """The manifests that were refused, and why."""
        return tuple(self._problems)

    def plugin(self, plugin_id: str) -> Plugin:
        """Return the plugin of that id.

        Raises:
            PluginError: There is none.
        """
        plugin = self._plugins.get(plugin_id)
        if plugin is None:
            raise PluginError(
                f"There is no plugin “{plugin_id}”.",
                cure="“twinviewer plugin list” shows those that there are.",
                source=plugin_id,
            )
        return plugin

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

    def plugin_of(self, contribution_id: str) -> Plugin:
        """Return the plugin that contributes it.

        Raises:
            KeyError: No plugin does.
        """
        return self._contributions[contribution_id][1]

    def _of(self, kind: type[_Kind]) -> tuple[_Kind, ...]:
        found = (contribution for contribution, _ in self._contributions.values())
        return tuple(contribution for contribution in found if isinstance(contribution, kind))

    def _list_contributions(self, enabled: Callable[[Plugin], bool]) -> None:
        """List what the plugins that are switched on contribute, in the order in which they came."""
        self._contributions = {
            contribution.id: (contribution, plugin)
            for plugin in self._plugins.values()
            if enabled(plugin)
            for contribution in plugin.manifest.contributions
        }
        self._known = {**self._known, **self._contributions}

    def _read(self, folder: Path, origin: PluginOrigin, *, package: str | None = None, fresh: bool = False) -> Plugin:
        """Read what is in a plugin's folder.

        Args:
            folder: It.
            origin: Where the folder was found.
            package: Import name of an installed one; None: a plain folder.
            fresh: Give a plain folder an import name that nothing was imported by yet, here or in any other process.
        """
        manifest = read_manifest(folder / FILE_NAME)
        theirs = origin in (PluginOrigin.USER, PluginOrigin.NAMED)  # an installed one has what it requires
        if package is None:
            package = package_name(manifest.id, folder)
            if fresh:
                package += f"_{next(self._numbers)}"
        return Plugin(
            manifest=manifest,
            code=CodeLocation(package=package, folder=str(folder)),
            origin=origin,
            requirements=read_requirements(folder) if theirs else (),
        )

    def _take_in(
        self, folder: Path, origin: PluginOrigin, *, package: str | None = None, fresh: bool = False
    ) -> Plugin:
        plugin = self._read(folder, origin, package=package, fresh=fresh)
        other = self._plugins.get(plugin.id)
        if other is not None:
            raise PluginError(
                f"There is already a plugin with the id “{plugin.id}”, in {other.code.folder}.",
                cure="Remove one of the two.",
                source=str(folder),
            )
        self._plugins = {**self._plugins, plugin.id: plugin}
        return plugin

    def _find(self, folder: Path, origin: PluginOrigin, *, package: str | None = None) -> None:
        try:
            self._take_in(folder, origin, package=package)
        except PluginError as error:
            self._refuse(error)

    def _find_all(self, root: Path, origin: PluginOrigin) -> None:
        try:
            found = [folder for folder in sorted(root.iterdir()) if (folder / FILE_NAME).is_file()]
        except FileNotFoundError:
            return
        except OSError as error:
            self._refuse(
                PluginError(
                    f"The plugin folder cannot be listed ({error.strerror}).",
                    cure="Check who may read it.",
                    source=str(root),
                )
            )
            return
        for folder in found:
            self._find(folder, origin)

    def _find_installed(self) -> None:
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
                self._find(folder, PluginOrigin.INSTALLED, package=entry.value)

    def _refuse(self, error: PluginError) -> None:
        _log.error("A plugin was refused: %s", error)
        self._problems.append(error)

"""One plugin and nothing else, called through the same door as in the program: arguments, checks, failures."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar, get_args

from twinviewer.api.contracts import Site
from twinviewer.app.plugins.choices import PluginChoices
from twinviewer.app.plugins.conformance.checking import check_plugin
from twinviewer.app.plugins.conformance.plugin_code import checked_layer, frames_of
from twinviewer.app.plugins.conformance.report import Report
from twinviewer.app.plugins.finding import Plugin, PluginOrigin, plugin_folder
from twinviewer.app.plugins.manifest import (
    AnalysisContribution,
    CommandContribution,
    Contribution,
    LayerContribution,
    Manifest,
    OverlayContribution,
    PanelContribution,
    ReaderContribution,
    WriterContribution,
)
from twinviewer.app.plugins.panel_checks import checked_actions, checked_content, checked_table
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.result_checks import checked_batches, checked_requests
from twinviewer.app.plugins.settings import PluginSettings, SettingValues, Value
from twinviewer.app.themes import Themes
from twinviewer.model.drawing import DrawingRequest
from twinviewer.model.errors import PluginError, UsageError
from twinviewer.model.feedback import Feedback, Silent
from twinviewer.model.layer_data import LayerData
from twinviewer.model.observation import Batch, Frame
from twinviewer.model.panel import Action, Entry, PanelElement, Selection, Table

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
_Kind = TypeVar("_Kind", bound=Contribution)
T = TypeVar("T")
_SILENT = Silent()


class PluginUnderTest:
    """Calls the functions of one plugin; use :func:`open_plugin` or the fixture ``plugin_under_test``.

    Where a plugin contributes one overlay (layer, reader …) alone, its id need not be named.  What a function raises
    reaches the test as it is where it says that data or a source is at fault (``ReadError``, ``FeedError`` …);
    anything else, and an answer that breaks the contract, is a ``PluginError`` with the cause behind it.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, Value], isolated: bool) -> None:
        self._home = tempfile.TemporaryDirectory(prefix="twinviewer-testing-")
        self._registry = _OnePlugin(settings=settings, isolated=isolated, home=Path(self._home.name))
        self.manifest: Manifest = self._registry.add(folder).manifest
        self._registry.accept(self.manifest.id)
        self._themes = Themes(self._registry, on_error=_raise)
        self.folder = folder
        """Of its ``plugin.toml``."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """End what runs for the plugin, and forget its code."""
        self._themes.withdraw()
        self._registry.remove(self.manifest.id)
        self._home.cleanup()

    # --- overlays ---------------------------------------------------------------------------------------------------

    def feed(
        self,
        overlay: str | None = None,
        *,
        site: Site,
        start: datetime,
        end: datetime,
        feedback: Feedback = _SILENT,
    ) -> tuple[Batch, ...]:
        """Return what an overlay's feed says of ``[start, end)``."""
        found = self._contribution(OverlayContribution, overlay)
        arguments = {"site": site, "start": start, "end": end, "feedback": feedback}
        return self._call(found.id, found.feed, arguments, checked_batches)

    def frames(
        self,
        overlay: str | None = None,
        *,
        site: Site,
        instant: datetime = NOON,
        observations: Sequence[Batch] | None = None,
    ) -> tuple[Frame, ...]:
        """Return what an overlay's ``encode`` would get at an instant.

        Args:
            overlay: Its id.
            site: Where.
            instant: When.
            observations: What is known, for example from :func:`twinviewer.testing.replay`; None: the feed is asked.
        """
        found = self._contribution(OverlayContribution, overlay)

        def ask(start: datetime, end: datetime) -> Sequence[Batch]:
            return self.feed(found.id, site=site, start=start, end=end) if observations is None else observations

        return frames_of(ask, instant=instant, period_s=found.period_s, property=found.property, trail_s=found.trail_s)

    def encode(self, overlay: str | None = None, *, frames: Sequence[Frame], site: Site) -> tuple[DrawingRequest, ...]:
        """Return what an overlay draws of frames."""
        found = self._contribution(OverlayContribution, overlay)
        return self._call(found.id, found.encode, {"frames": frames, "site": site}, checked_requests)

    def show(
        self,
        overlay: str | None = None,
        *,
        site: Site,
        instant: datetime = NOON,
        observations: Sequence[Batch] | None = None,
    ) -> tuple[DrawingRequest, ...]:
        """Return what an overlay draws at an instant: its feed, or observations, through its ``encode``."""
        frames = self.frames(overlay, site=site, instant=instant, observations=observations)
        return self.encode(overlay, frames=frames, site=site)

    # --- everything else --------------------------------------------------------------------------------------------

    def draw(self, layer: str | None = None, *, site: Site, feedback: Feedback = _SILENT) -> tuple[DrawingRequest, ...]:
        """Return what a layer draws."""
        found = self._contribution(LayerContribution, layer)
        return self._call(found.id, found.draw, {"site": site, "feedback": feedback}, checked_requests)

    def read(
        self, path: Path, reader: str | None = None, *, feedback: Feedback = _SILENT, **options: object
    ) -> tuple[LayerData, ...]:
        """Return the layers of a file."""
        found = self._contribution(ReaderContribution, reader)
        return self._call(found.id, found.read, {"path": path, "feedback": feedback, **options}, _checked_layers)

    def probe(self, path: Path, reader: str | None = None) -> float:
        """Return how sure a reader is that a file is its own."""
        found = self._contribution(ReaderContribution, reader)
        if found.probe is None:
            raise UsageError(f"The reader “{found.id}” has no probe.", cure="Name one in plugin.toml.")
        return self._call(found.id, found.probe, {"path": path}, _checked_share)

    def write(
        self, path: Path, layers: Sequence[LayerData], writer: str | None = None, *, feedback: Feedback = _SILENT
    ) -> Path:
        """Have layers written into a new file; return its path."""
        found = self._contribution(WriterContribution, writer)
        self._call(found.id, found.write, {"path": path, "layers": layers, "feedback": feedback}, _nothing)
        return path

    def analyse(
        self, analysis: str | None = None, *, site: Site, feedback: Feedback = _SILENT, **parameters: object
    ) -> tuple[DrawingRequest | LayerData | Table, ...]:
        """Return the answer of an analysis; parameters that are not given have their defaults."""
        found = self._contribution(AnalysisContribution, analysis)
        defaults = {each.key: each.default for each in found.parameters}
        unknown = sorted(parameters.keys() - defaults.keys())
        if unknown:
            raise UsageError(f"The analysis has no parameter “{unknown[0]}”.", cure="Declare it in plugin.toml.")
        arguments = {"site": site, "feedback": feedback, **defaults, **parameters}
        return self._call(found.id, found.analyse, arguments, _checked_results)

    def panel(
        self,
        panel: str | None = None,
        *,
        site: Site | None,
        selection: Selection | None = None,
        instant: datetime = NOON,
        entries: Mapping[str, Entry] | None = None,
        pressed: str = "",
    ) -> tuple[PanelElement | Action, ...]:
        """Return what a panel shows: its elements, then its actions."""
        found = self._contribution(PanelContribution, panel)
        arguments = {
            "site": site,
            "selection": selection,
            "instant": instant,
            "entries": entries or {},
            "pressed": pressed,
        }
        content = self._call(found.id, found.show, arguments, checked_content)
        return (*content.elements, *content.actions)

    def run(
        self,
        command: str | None = None,
        *,
        site: Site | None,
        selection: Selection | None = None,
        instant: datetime = NOON,
    ) -> tuple[Action, ...]:
        """Return what a command asks for."""
        found = self._contribution(CommandContribution, command)
        arguments = {"site": site, "selection": selection, "instant": instant}
        return self._call(found.id, found.run, arguments, checked_actions)

    def check(self) -> Report:
        """Return what ``twinviewer plugin check`` finds out: ``assert plugin_under_test.check().conforms``."""
        return check_plugin(self.folder)

    def _contribution(self, kind: type[_Kind], contribution_id: str | None) -> _Kind:
        found = [each for each in self.manifest.contributions if isinstance(each, kind)]
        named = found if contribution_id is None else [each for each in found if each.id == contribution_id]
        if len(named) != 1:
            ids = ", ".join(each.id for each in found) or "none"
            what = kind.__name__.removesuffix("Contribution").lower()
            raise UsageError(f"Which {what} is meant is not clear; the plugin has {ids}.", cure="Name one by its id.")
        return named[0]

    def _call(self, contribution_id: str, reference: str, arguments: Mapping[str, Any], check: Callable[[Any], T]) -> T:
        try:
            return self._registry.call(contribution_id, reference, arguments, check=check)
        finally:
            self._registry.report_success(contribution_id, reference)  # a test of failures may cause many


def open_plugin(
    path: Path | str, *, settings: Mapping[str, Value] | None = None, isolated: bool = False
) -> PluginUnderTest:
    """Return a plugin to be called, registered alone.

    Args:
        path: Its folder, or its project's.
        settings: Values for the settings that it declares; those that are left out have their defaults.  What the
            person at this machine chose does not count.
        isolated: Call it in a process of its own, as the program does with plugins that do not ship with it.

    Raises:
        PluginError: There is no plugin, or its manifest is at fault.
        UsageError: A value does not fit a setting.
    """
    return PluginUnderTest(plugin_folder(Path(path).absolute()), settings=settings or {}, isolated=isolated)


def _raise(error: PluginError) -> None:
    raise error


class _OnePlugin(PluginRegistry):
    """A registry of one plugin, which runs where the test says and has the settings that the test says."""

    def __init__(self, *, settings: Mapping[str, Value], isolated: bool, home: Path) -> None:
        self._isolated = isolated
        super().__init__(
            folders=[], choices=PluginChoices(home / "plugins.json"), settings=_GivenSettings(settings, home)
        )

    def _read(self, folder: Path, origin: PluginOrigin, **how: Any) -> Plugin:
        plugin = super()._read(folder, origin, **how)
        if origin is not PluginOrigin.NAMED:
            return plugin
        requirements = plugin.requirements if self._isolated else ()
        manifest = plugin.manifest.model_copy(update={"isolated": self._isolated})
        return replace(plugin, manifest=manifest, requirements=requirements)


class _GivenSettings(PluginSettings):
    def __init__(self, given: Mapping[str, Value], home: Path) -> None:
        super().__init__(home)
        self._given = given

    def values(self, manifest: Manifest) -> SettingValues:
        known = {each.key: each for each in manifest.settings}
        for key, value in self._given.items():
            fault = known[key].fault(value) if key in known else "is not declared"
            if fault:
                raise UsageError(f"The setting “{key}” {fault}.", cure="Look at plugin.toml.", source=manifest.id)
        values = {key: self._given.get(key, each.default) for key, each in known.items()}
        missing = [key for key, value in values.items() if value is None]
        if missing:
            raise UsageError(f"The setting “{missing[0]}” has no default.", cure="Give it a value in the test.")
        return SettingValues({key: value for key, value in values.items() if value is not None})


def _checked_layers(result: object) -> tuple[LayerData, ...]:
    if not isinstance(result, Sequence) or not result or not all(isinstance(e, get_args(LayerData)) for e in result):
        raise PluginError("The reader returned something else than layer data, at least one.")
    return tuple(checked_layer(layer) for layer in result)


def _checked_results(result: object) -> tuple[DrawingRequest | LayerData | Table, ...]:
    if not isinstance(result, Sequence) or isinstance(result, str | bytes):
        raise PluginError("The analysis returned something else than a sequence.")
    checked: list[DrawingRequest | LayerData | Table] = []
    for item in result:
        if isinstance(item, Table):
            checked.append(checked_table(item))
        elif isinstance(item, get_args(LayerData)):
            checked.append(checked_layer(item))
        else:
            checked += checked_requests((item,))
    return tuple(checked)


def _checked_share(result: object) -> float:
    if not isinstance(result, int | float) or not 0.0 <= result <= 1.0:
        raise PluginError(f"The probe answered {result!r} instead of a number from 0 to 1.")
    return float(result)


def _nothing(result: object) -> None:
    return None

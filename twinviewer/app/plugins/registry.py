"""The one door for contributions: built-in readers, bundled plugins, the user's own and installed ones.

Manifests are read when the registry is made; code is imported when a contribution is first called.  Whatever a
contribution raises stays here: it is told once with the plugin's name, and three failures in a row switch the
contribution off.  Plugins come, go and are reloaded while the program runs; listeners hear of it.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

from twinviewer import formats
from twinviewer.app.plugins.calling import Caller, InProcess, Isolated
from twinviewer.app.plugins.choices import ConsentNeededError, PluginChoices
from twinviewer.app.plugins.collection import PluginCollection
from twinviewer.app.plugins.failures import FailureBook, FailureRecord, tell
from twinviewer.app.plugins.finding import Plugin, PluginOrigin, plugin_roots, user_plugins
from twinviewer.app.plugins.manifest import FILE_NAME, Contribution, ReaderContribution
from twinviewer.app.plugins.preparations import Preparations
from twinviewer.app.plugins.process_ends import LetGoError
from twinviewer.app.plugins.processes import PluginProcesses
from twinviewer.app.plugins.secret_values import without_secrets
from twinviewer.app.plugins.settings import PluginSettings, Value
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Cancelled

_log = logging.getLogger(__name__)

T = TypeVar("T")


class PluginEvent(StrEnum):
    CAME = "came"
    WENT = "went"
    RELOADED = "reloaded"
    ENABLED = "enabled"
    DISABLED = "disabled"
    SETTINGS = "settings"
    """The person chose other settings."""
    CONSENT_NEEDED = "consent-needed"
    """It was used, and the person has not accepted yet what it asks for.  Told once."""
    ACCEPTED = "accepted"
    """The person accepted what it asks for."""
    REFUSED = "refused"
    """It tried what its manifest does not ask for; ``processes.refusals`` has the sentences.  Told once of each."""
    SWITCHED_ON = "switched-on"
    """A contribution that had failed too often has another chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginChange:
    """What happened to a plugin."""

    event: PluginEvent
    plugin_id: str


class PluginRegistry(PluginCollection):
    """Finds plugins and calls their contributions.  Safe from any thread.

    Contributions of a plugin that is switched off are not listed; the plugin is.

    Args:
        folders: Folders that hold one folder per plugin; None: the bundled ones and the user's.
        safe_mode: Load nothing but what is built in.
        on_failure: Hears when a contribution first fails, when it is switched off, and when it has failed 10, 100,
            1,000 … times, on the thread where it happened.
        choices: What the person chose about plugins; None: as kept in the folder of settings.
        settings: What the person chose for them; None: as kept there.
    """

    def __init__(
        self,
        *,
        folders: Sequence[Path] | None = None,
        safe_mode: bool = False,
        on_failure: Callable[[FailureRecord], None] = lambda record: None,
        choices: PluginChoices | None = None,
        settings: PluginSettings | None = None,
    ) -> None:
        super().__init__()
        self.safe_mode = safe_mode
        self.choices = choices or PluginChoices()
        self.settings = settings or PluginSettings()
        self._listeners: list[Callable[[PluginChange], None]] = []
        self._asked_for_consent: set[str] = set()
        self._granted: dict[str, tuple[Plugin, tuple[str, ...], Plugin]] = {}
        """By plugin: as it is, what the person chose, and as it is then held."""
        self._worked_on: set[str] = set()
        self._in_process = InProcess()
        self.preparations = Preparations()
        self.processes = PluginProcesses(
            environment_for=self.preparations.environment_for, on_refusal=self._tell_refusal
        )
        """Of isolated plugins."""
        self._in_own_process = Isolated(self.processes)
        self._failures = FailureBook(on_failure)
        self._find(Path(formats.__file__).parent, PluginOrigin.BUILT_IN, package=formats.__name__)
        if not safe_mode:
            for root, origin in plugin_roots(folders):
                self._find_all(root, origin)
            if folders is None:
                self._find_installed()
        self._list_contributions(self._is_listed)

    def on_change(self, listener: Callable[[PluginChange], None]) -> Callable[[], None]:
        """Have ``listener`` hear of every change, on the thread that made it; return what stops that."""
        with self._lock:
            self._listeners = [*self._listeners, listener]

        def stop() -> None:
            with self._lock:
                self._listeners = [each for each in self._listeners if each is not listener]

        return stop

    def add(self, folder: Path) -> Plugin:
        """Take in the plugin in ``folder``, which holds its ``plugin.toml``.

        Raises:
            PluginError: Its manifest is at fault, or there is a plugin with its id already.
        """
        origin = PluginOrigin.USER if folder.parent == user_plugins() else PluginOrigin.NAMED
        inside = f"{folder}{os.sep}"
        with self._lock:
            plugin = self._take_in(folder, origin, fresh=True)
            self._problems = [each for each in self._problems if not f"{each.source}{os.sep}".startswith(inside)]
            self._list_contributions(self._is_listed)
        self._tell(PluginEvent.CAME, plugin.id)
        return plugin

    def remove(self, plugin_id: str) -> None:
        """Let go of a plugin: its contributions go, its code is forgotten.  Its files stay.

        Raises:
            PluginError: There is no such plugin.
        """
        plugin = self.plugin(plugin_id)
        with self._lock:
            self._plugins = {key: each for key, each in self._plugins.items() if key != plugin_id}
            self._list_contributions(self._is_listed)
            self._forget(plugin)
        self._tell(PluginEvent.WENT, plugin_id)

    def reload(self, plugin_id: str) -> Plugin:
        """Read a plugin's manifest anew and forget its code and its failures.

        Raises:
            PluginError: There is no such plugin, or its manifest is at fault now; then everything stays as it was.
        """
        old = self.plugin(plugin_id)
        folder = Path(old.code.folder)
        new = self._read(folder, old.origin, package=None if old.code.is_folder else old.code.package, fresh=True)
        if new.id != plugin_id:
            raise PluginError(
                f"The id of the plugin changed from “{plugin_id}” to “{new.id}”.",
                cure="Keep the id, or add the plugin as another one.",
                source=str(folder / FILE_NAME),
            )
        with self._lock:
            self._plugins = {key: new if key == plugin_id else each for key, each in self._plugins.items()}
            self._list_contributions(self._is_listed)
            self._forget(old)
        self._tell(PluginEvent.RELOADED, plugin_id)
        return new

    def set_enabled(self, plugin_id: str, enabled: bool) -> None:  # noqa: FBT001 – it is the value itself
        """Switch a plugin on or off, now and at the next start.

        Raises:
            PluginError: There is no such plugin, or it is built in.
            WriteError: The choice could not be kept; it holds until the program ends.
        """
        plugin = self.plugin(plugin_id)
        if plugin.origin is PluginOrigin.BUILT_IN:
            raise PluginError(f"“{plugin.name}” is built in and cannot be switched off.", source=plugin_id)
        if self.is_enabled(plugin_id) == enabled:
            return
        try:
            self.choices.set_enabled(plugin_id, enabled)
        finally:
            with self._lock:
                self._list_contributions(self._is_listed)
                self._forget(plugin)
            self._tell(PluginEvent.ENABLED if enabled else PluginEvent.DISABLED, plugin_id)

    def is_enabled(self, plugin_id: str) -> bool:
        return self.choices.is_enabled(plugin_id)

    def accept(self, plugin_id: str) -> None:
        """Keep that the person accepts what the plugin asks for.

        Raises:
            PluginError: There is no such plugin.
            WriteError: The choice could not be kept; it holds until the program ends.
        """
        plugin = self.plugin(plugin_id)
        try:
            self.choices.accept(plugin)
        finally:
            self._asked_for_consent.discard(plugin_id)
            self._tell(PluginEvent.ACCEPTED, plugin_id)

    def save_settings(self, plugin_id: str, values: Mapping[str, Value]) -> None:
        """Keep what the person chose for a plugin; see :meth:`PluginSettings.save`.

        Raises:
            UsageError: A value does not fit.
            PluginError: There is no such plugin, or the keyring does not take a secret.
            WriteError: The disk said no.
        """
        self.settings.save(self.plugin(plugin_id).manifest, values)
        self._tell(PluginEvent.SETTINGS, plugin_id)

    def require_ready(self, contribution_id: str) -> None:
        """Make sure that a contribution may be used; :meth:`call` does, and whoever runs its code elsewhere.

        Raises:
            WaitsForPersonError: The person has not accepted yet what the plugin asks for.
            PluginError: It is switched off, or gone.
        """
        self._ready(contribution_id)

    def is_ready(self, contribution_id: str) -> bool:
        """Return whether a contribution may be used without the person's doing anything first."""
        entry = self._contributions.get(contribution_id)
        return entry is not None and not self.is_disabled(contribution_id) and self.choices.is_accepted(entry[1])

    def _ready(self, contribution_id: str) -> tuple[Contribution, Plugin]:
        entry = self._contributions.get(contribution_id)
        if entry is None:
            raise PluginError(
                f"The plugin of “{contribution_id}” was switched off or removed.",
                cure="Switch it on in the Plugins panel.",
                source=contribution_id,
            )
        contribution, plugin = entry
        if self.is_disabled(contribution_id):
            raise self._switched_off(contribution, plugin)
        if not self.choices.is_accepted(plugin):
            if plugin.id not in self._asked_for_consent:
                self._asked_for_consent.add(plugin.id)
                self._tell(PluginEvent.CONSENT_NEEDED, plugin.id)
            raise ConsentNeededError(
                f"“{plugin.name}” waits until you have allowed what it asks for.",
                cure="Allow it in the Plugins panel.",
                source=plugin.name,
            )
        return entry

    def settings_of(self, contribution_id: str, reference: str) -> dict[str, Any]:
        """Return ``{"settings": …}`` where the function gets settings, else nothing.

        Raises:
            WaitsForPersonError: A setting has no default, and the person has not chosen it yet.
            PluginError: The keyring does not give away a secret.
        """
        return self._settings_of(*self._known[contribution_id], reference)

    def as_granted(self, plugin: Plugin) -> Plugin:
        """Return the plugin as its process is held: it may also read the files and folders that its settings name."""
        keys = [each.key for each in plugin.manifest.settings if each.type in ("file", "folder")]
        if not keys:
            return plugin
        values = self.settings.chosen(plugin.manifest)
        chosen = tuple(str(values[key]) for key in keys if values.get(key))
        with self._lock:
            held = self._granted.get(plugin.id)
            if held is None or held[:2] != (plugin, chosen):
                asked = plugin.manifest.permissions
                permissions = asked.model_copy(update={"read": (*asked.read, *chosen)})
                manifest = plugin.manifest.model_copy(update={"permissions": permissions})
                held = self._granted[plugin.id] = (plugin, chosen, replace(plugin, manifest=manifest))
            return held[2]

    def _settings_of(self, contribution: Contribution, plugin: Plugin, reference: str) -> dict[str, Any]:
        if not plugin.manifest.settings or reference == getattr(contribution, "probe", None):
            return {}
        return {"settings": self.settings.values(plugin.manifest)}

    @property
    def failures(self) -> tuple[FailureRecord, ...]:
        """One record per contribution that has failed."""
        return self._failures.records

    def readers_for(self, path: Path) -> tuple[ReaderContribution, ...]:
        """Return the readers whose patterns fit the file's name and that are not switched off."""
        return tuple(reader for reader in self.readers if reader.fits(path) and not self.is_disabled(reader.id))

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
            WaitsForPersonError: The person has to accept what the plugin asks for, or to choose a setting, first.
            PluginError: The function, or importing it, failed; or the contribution is switched off, or gone.
            LetGoError: The plugin was read anew, switched off or removed while it was called, or has other functions
                now than the caller knows of.
        """
        contribution, plugin = self._ready(contribution_id)
        if reference not in contribution.functions:
            raise LetGoError
        arguments = {**arguments, **self._settings_of(contribution, plugin, reference)}
        try:
            result = check(self._caller_of(plugin).call(self.as_granted(plugin), reference, arguments))
        except (Cancelled, KeyboardInterrupt):
            raise
        except BaseException as error:  # SystemExit and the panics of Rust libraries too
            if isinstance(error, TwinViewerError) and not isinstance(error, PluginError):
                self.report_success(contribution_id, reference)
                _clean(error)
                raise
            raise self.report_failure(contribution_id, error, reference=reference).error from error
        self.report_success(contribution_id, reference)
        return result

    def import_code(self, contribution_id: str) -> None:
        """Import the functions of a contribution into this process, as the first call of each would.

        Raises:
            PluginError: There is no such function, or its module fails while it is imported.
        """
        contribution, plugin = self._known[contribution_id]
        for reference in contribution.functions:
            self._in_process.load(plugin, reference)

    def failure(self, contribution_id: str) -> FailureRecord | None:
        return self._failures.get(contribution_id)

    def is_disabled(self, contribution_id: str) -> bool:
        """Return whether the contribution failed so often that it is switched off."""
        record = self.failure(contribution_id)
        return record is not None and record.disabled

    def report_failure(
        self, contribution_id: str, error: BaseException, *, reference: str = "", is_final: bool = False
    ) -> FailureRecord:
        """Count a failure of one of the contribution's functions; the contribution's first one is told.

        :meth:`call` does it; callers that run the code elsewhere (a reader in a worker process) do it themselves.
        A final failure switches the contribution off at once: what does not come back is not called again.
        """
        contribution, plugin = self._known[contribution_id]
        return self._failures.failed(
            contribution_id,
            error,
            reference=reference,
            title=contribution.title,
            plugin_name=plugin.name,
            is_final=is_final,
            stays_on=self.is_worked_on(plugin.id),
        )

    def work_on(self, plugin_id: str) -> None:
        """Note that the plugin's author is at work on it: failures do not switch its contributions off."""
        self._worked_on.add(plugin_id)

    def is_worked_on(self, plugin_id: str) -> bool:
        return plugin_id in self._worked_on

    def report_success(self, contribution_id: str, reference: str = "") -> None:
        """Note that the function works: its failures are no longer in a row."""
        self._failures.worked(contribution_id, reference)

    def switch_on(self, contribution_id: str) -> None:
        """Give a contribution that was switched off another chance: its failures are forgotten."""
        _, plugin = self._known[contribution_id]
        self._failures.forget(contribution_id)
        self.processes.forgive(plugin.id)
        self._tell(PluginEvent.SWITCHED_ON, plugin.id)

    def close(self) -> None:
        """End the processes of plugins; calls that are running raise ``Cancelled``, and nothing is called any more."""
        self.processes.close()

    def _caller_of(self, plugin: Plugin) -> Caller:
        return self._in_own_process if plugin.isolated else self._in_process

    def _is_listed(self, plugin: Plugin) -> bool:
        return plugin.origin is PluginOrigin.BUILT_IN or self.is_enabled(plugin.id)

    def _forget(self, plugin: Plugin) -> None:
        """Forget a plugin's code and its failures; what is used of it next is read anew."""
        for contribution in plugin.manifest.contributions:
            self._failures.forget(contribution.id)
        self._asked_for_consent.discard(plugin.id)
        if plugin.origin is not PluginOrigin.BUILT_IN:
            self._caller_of(plugin).forget(plugin)

    def _tell(self, event: PluginEvent, plugin_id: str) -> None:
        for listener in self._listeners:
            tell(listener, PluginChange(event=event, plugin_id=plugin_id))

    def _tell_refusal(self, plugin: Plugin, error: PluginError) -> None:
        _log.warning("%s", error)
        self._tell(PluginEvent.REFUSED, plugin.id)

    @staticmethod
    def _switched_off(contribution: Contribution, plugin: Plugin) -> PluginError:
        return PluginError(
            f"“{contribution.title}” is switched off because it failed three times in a row.",
            cure="Update the plugin, then switch it on again.",
            source=plugin.name,
        )


def _clean(error: TwinViewerError) -> None:
    """Take secrets out of what a plugin said about its source."""
    error.problem, error.cure = without_secrets(error.problem), without_secrets(error.cure)
    error.source, error.args = without_secrets(error.source), (error.problem,)

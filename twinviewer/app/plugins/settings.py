"""What a person chose for a plugin: values of the ``[[settings]]`` of its manifest.

Values are kept in a file per plugin in the folder of settings; secrets never are (see
:mod:`twinviewer.app.plugins.secret_values`).  A value that does not fit the manifest, because somebody wrote into the
file or because a newer version of the plugin has other bounds, gives way to its default, and the log says so.
"""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twinviewer.app.atomic import write_atomically
from twinviewer.app.folders import config_dir
from twinviewer.app.plugins.failures import WaitsForPersonError
from twinviewer.app.plugins.manifest import Manifest
from twinviewer.app.plugins.secret_values import HIDDEN, forget_secret, read_secret, write_secret
from twinviewer.model.errors import UsageError

_log = logging.getLogger(__name__)

Value = str | bool | int | float


class SettingsNeededError(WaitsForPersonError):
    """A plugin cannot do anything before the person has chosen a setting."""

    code = "plugin.setting"


class SettingValues(dict[str, Value]):
    """Values by key, as a plugin gets them.  Printing them shows no secret."""

    def __init__(self, values: Mapping[str, Value], *, secrets: frozenset[str] = frozenset()) -> None:
        super().__init__(values)
        self._secrets = secrets

    def __repr__(self) -> str:
        return repr({key: HIDDEN if key in self._secrets else value for key, value in self.items()})

    __str__ = __repr__


class PluginSettings:
    """The settings of all plugins.  Safe from any thread; the first look at a secret may take long.

    Args:
        folder: Where the files are; None: in the folder of settings.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or config_dir() / "plugin-settings"
        self._lock = threading.RLock()
        self._cache: dict[str, tuple[Manifest, SettingValues]] = {}
        self._files: dict[str, tuple[Manifest, dict[str, Value]]] = {}
        """What is in the files, by plugin."""
        self._waiting: set[str] = set()

    def values(self, manifest: Manifest) -> SettingValues:
        """Return the values that the plugin's functions get, secrets among them; a copy.

        Raises:
            SettingsNeededError: One has no default, and the person has chosen none.
            PluginError: The keyring does not give away a secret.
        """
        with self._lock:
            held = self._cache.get(manifest.id)
            if held is None or held[0] is not manifest:
                try:
                    held = self._cache[manifest.id] = (manifest, self._complete(manifest))
                except SettingsNeededError:
                    self._waiting.add(manifest.id)
                    raise
                self._waiting.discard(manifest.id)
            values = held[1]
        return SettingValues(values, secrets=_secret_keys(manifest))

    def chosen(self, manifest: Manifest) -> dict[str, Value]:
        """Return what a form shows: values chosen and defaults, without secrets and without what is not chosen yet."""
        with self._lock:
            held = self._files.get(manifest.id)
            if held is None or held[0] is not manifest:
                held = self._files[manifest.id] = (manifest, self._stored(manifest))
        chosen = held[1]
        defaults = {each.key: each.default for each in manifest.settings if each.type != "secret"}
        return {key: value for key, value in {**defaults, **chosen}.items() if value is not None}

    def is_waiting(self, manifest: Manifest) -> bool:
        """Return whether the person has to choose a setting first; of a secret it is known once it was asked for."""
        chosen = self.chosen(manifest)
        missing = any(each.type != "secret" and each.key not in chosen for each in manifest.settings)
        return missing or manifest.id in self._waiting

    def save(self, manifest: Manifest, values: Mapping[str, Value]) -> None:
        """Keep what the person chose.

        Args:
            manifest: The plugin's.
            values: By key.  A key that is left out gets its default; a secret that is left out stays as it is, and
                an empty one is removed.

        Raises:
            UsageError: A value does not fit; nothing was kept.
            PluginError: The keyring does not take a secret; nothing else was kept either.
            WriteError: The disk said no; the old values are intact, secrets aside.
        """
        known = {each.key: each for each in manifest.settings}
        for key, value in values.items():
            if key not in known:
                raise UsageError(f"There is no setting “{key}”.", cure="Look at plugin.toml.", source=manifest.id)
            fault = known[key].fault(value)
            if fault:
                raise UsageError(f"“{known[key].title}” {fault}.", cure="Correct it.", source=manifest.name)
        with self._lock:
            for key in _secret_keys(manifest) & values.keys():
                if values[key]:
                    write_secret(manifest.id, key, str(values[key]))
                else:
                    forget_secret(manifest.id, key)
            kept = {key: value for key, value in values.items() if known[key].type != "secret"}
            self._folder.mkdir(parents=True, exist_ok=True)
            write_atomically(self._path(manifest), (json.dumps(kept, indent=2, sort_keys=True) + "\n").encode())
            self._let_go(manifest)

    def forget(self, manifest: Manifest) -> None:
        """Remove the settings and the secrets of a plugin that was removed.

        Raises:
            PluginError: The keyring does not let go of a secret.
        """
        with self._lock:
            self._let_go(manifest)
            self._path(manifest).unlink(missing_ok=True)
            for key in _secret_keys(manifest):
                forget_secret(manifest.id, key)

    def _let_go(self, manifest: Manifest) -> None:
        self._cache.pop(manifest.id, None)
        self._files.pop(manifest.id, None)
        self._waiting.discard(manifest.id)

    def _complete(self, manifest: Manifest) -> SettingValues:
        chosen = self.chosen(manifest)
        for each in manifest.settings:
            if each.type == "secret":
                secret = read_secret(manifest.id, each.key)
                if secret is not None:
                    chosen[each.key] = secret
                elif each.default is not None:
                    chosen[each.key] = each.default
            if each.key not in chosen:
                raise SettingsNeededError(
                    f"“{manifest.name}” needs the setting “{each.title}”.",
                    cure="Choose it in the Plugins panel, under Settings.",
                    source=manifest.name,
                )
        ordered = {
            each.key: float(chosen[each.key]) if each.type == "number" else chosen[each.key]
            for each in manifest.settings
        }
        return SettingValues(ordered, secrets=_secret_keys(manifest))

    def _stored(self, manifest: Manifest) -> dict[str, Value]:
        path = self._path(manifest)
        try:
            stored: Any = json.loads(path.read_text("utf-8"))
            if not isinstance(stored, dict):
                raise ValueError("not an object")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            _log.warning("The settings of %s in %s cannot be used (%s); the defaults are.", manifest.id, path, error)
            return {}
        values = {}
        for each in manifest.settings:
            if each.key in stored and each.type != "secret":
                fault = each.fault(stored[each.key])
                if fault:
                    _log.warning("The setting %s of %s %s; its default is used.", each.key, manifest.id, fault)
                else:
                    values[each.key] = stored[each.key]
        return values

    def _path(self, manifest: Manifest) -> Path:
        return self._folder / f"{manifest.id}.json"


def _secret_keys(manifest: Manifest) -> frozenset[str]:
    return frozenset(each.key for each in manifest.settings if each.type == "secret")

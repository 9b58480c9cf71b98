"""Settings are validated, kept, and never cost the start; secrets are in the keyring and nowhere else."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends.fail import Keyring as NoKeyring
from keyring.errors import KeyringLocked, PasswordDeleteError

from tests.app.live_plugins import write_plugin
from tests.conftest import ROOT
from twinviewer.app.plugins.manifest import Manifest, read_manifest
from twinviewer.app.plugins.registry import PluginChange, PluginEvent, PluginRegistry
from twinviewer.app.plugins.secret_values import SHORTEST, know, without_secrets
from twinviewer.app.plugins.settings import PluginSettings, SettingsNeededError
from twinviewer.model.errors import PluginError, UsageError, WriteError

CANARY = 'c4n4ry/of "the" mine & more'
SETTINGS = """
[[settings]]
key = "interval"
title = "Interval"
type = "number"
unit = "s"
minimum = 1
maximum = 60
default = 10
[[settings]]
key = "stations"
title = "Stations"
type = "integer"
default = 3
[[settings]]
key = "name"
title = "Name"
type = "text"
default = ""
[[settings]]
key = "loud"
title = "Loud"
type = "boolean"
default = false
"""
SECRET = """
[[settings]]
key = "api_token"
title = "Token"
type = "secret"
"""
MUST = """
[[settings]]
key = "host"
title = "Host"
type = "text"
"""
DEFAULTS = {"interval": 10.0, "stations": 3, "name": "", "loud": False}


class InMemory(KeyringBackend):
    """A keyring as a desktop has one."""

    priority = 1  # type: ignore[assignment]

    def __init__(self) -> None:
        super().__init__()
        self.held: dict[tuple[str, str], str] = {}
        self.locked = False

    def get_password(self, service: str, username: str) -> str | None:
        if self.locked:
            raise KeyringLocked("locked")
        return self.held.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.locked:
            raise KeyringLocked(f"locked: {password}")
        self.held[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.held.pop((service, username), None) is None:
            raise PasswordDeleteError("not there")


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    ring = InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


@pytest.fixture
def no_ring() -> Iterator[None]:
    before = keyring.get_keyring()
    keyring.set_keyring(NoKeyring())
    yield
    keyring.set_keyring(before)


def manifest_with(folder: Path, settings: str) -> Manifest:
    return read_manifest(write_plugin(folder, "wind", more=settings) / "plugin.toml")


def files_of(profile: Path) -> list[Path]:
    return [path for path in profile.rglob("*") if path.is_file()]


# --- values -------------------------------------------------------------------------------------------------------


def test_a_plugin_gets_defaults_until_something_else_is_chosen(tmp_path: Path) -> None:
    manifest = manifest_with(tmp_path, SETTINGS)
    settings = PluginSettings()
    assert settings.values(manifest) == DEFAULTS
    settings.save(manifest, {"interval": 2, "name": "Süd"})
    assert settings.values(manifest) == {"interval": 2.0, "stations": 3, "name": "Süd", "loud": False}
    assert PluginSettings().values(manifest) == settings.values(manifest), "it is the same at the next start"
    assert type(settings.values(manifest)["interval"]) is float
    settings.save(manifest, {})
    assert settings.values(manifest) == DEFAULTS


@pytest.mark.parametrize(
    ("key", "value", "says"),
    [
        ("interval", 0.5, "“Interval” must be at least 1 s"),
        ("interval", 61, "“Interval” must be at most 60 s"),
        ("interval", float("nan"), "must be a number"),
        ("interval", True, "must be a number"),
        ("stations", 1.5, "must be a whole number"),
        ("name", 3, "must be a text"),
        ("loud", 1, "must be true or false"),
        ("volume", 1, "no setting “volume”"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_and_nothing_kept(tmp_path: Path, key: str, value: Any, says: str) -> None:
    manifest = manifest_with(tmp_path, SETTINGS)
    settings = PluginSettings()
    with pytest.raises(UsageError, match=says):
        settings.save(manifest, {"name": "kept?", key: value})
    assert settings.values(manifest) == DEFAULTS


def test_a_setting_without_a_default_has_to_be_chosen_first(tmp_path: Path) -> None:
    manifest = manifest_with(tmp_path, SETTINGS + MUST)
    settings = PluginSettings()
    with pytest.raises(SettingsNeededError, match="needs the setting “Host”"):
        settings.values(manifest)
    assert settings.is_waiting(manifest)
    settings.save(manifest, {"host": "a.org"})
    assert settings.values(manifest) == {**DEFAULTS, "host": "a.org"}
    assert not settings.is_waiting(manifest)


@pytest.mark.parametrize("content", ["", "{", "[]", "null", "[" * 100_000, '{"interval": 1e999, "stations": "many"}'])
def test_a_damaged_file_costs_the_values_and_nothing_else(
    tmp_path: Path, own_profile: Path, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    manifest = manifest_with(tmp_path, SETTINGS)
    folder = own_profile / "config" / "plugin-settings"
    folder.mkdir(parents=True)
    (folder / "wind.json").write_text(content)
    assert PluginSettings().values(manifest) == DEFAULTS
    assert "default" in caplog.text
    PluginSettings().save(manifest, {"stations": 5})
    assert PluginSettings().values(manifest)["stations"] == 5


def test_a_value_that_a_newer_version_forbids_gives_way_to_the_default(tmp_path: Path) -> None:
    old = manifest_with(tmp_path / "old", SETTINGS)
    PluginSettings().save(old, {"interval": 50, "stations": 7})
    new = manifest_with(tmp_path / "new", SETTINGS.replace("maximum = 60", "maximum = 20"))
    assert PluginSettings().values(new) == {**DEFAULTS, "stations": 7}


def test_settings_that_cannot_be_written_are_told_and_the_old_ones_intact(tmp_path: Path) -> None:
    manifest = manifest_with(tmp_path, SETTINGS)
    folder = tmp_path / "settings"
    settings = PluginSettings(folder)
    settings.save(manifest, {"stations": 5})
    (folder / "wind.json").rename(folder / "kept")
    (folder / "wind.json").mkdir()
    with pytest.raises(WriteError):
        settings.save(manifest, {"stations": 6})
    assert json.loads((folder / "kept").read_text())["stations"] == 5


# --- what a plugin gets -------------------------------------------------------------------------------------------


def test_a_plugin_with_settings_gets_them_and_one_without_gets_none(tmp_path: Path, ring: InMemory) -> None:
    write_plugin(tmp_path, "with", "def feed(*, settings): return dict(settings)", more=SETTINGS + SECRET)
    write_plugin(tmp_path, "without", "def feed(**given): return given")
    registry = PluginRegistry(folders=[tmp_path])
    heard: list[PluginChange] = []
    registry.on_change(heard.append)
    registry.save_settings("with", {"stations": 4, "api_token": CANARY})
    assert heard == [PluginChange(event=PluginEvent.SETTINGS, plugin_id="with")]

    def call(name: str) -> Any:
        return registry.call(f"{name}.it", "code:feed", {}, check=lambda result: result)

    assert call("with") == {**DEFAULTS, "stations": 4, "api_token": CANARY}
    assert call("without") == {}
    assert ring.held == {("twinviewer:with", "api_token"): CANARY}


def test_what_a_plugin_does_to_its_settings_is_nobody_else_s_business(tmp_path: Path) -> None:
    write_plugin(tmp_path, "greedy", "def feed(*, settings): return settings.pop('stations')", more=SETTINGS)
    registry = PluginRegistry(folders=[tmp_path])
    for _ in range(2):
        assert registry.call("greedy.it", "code:feed", {}, check=lambda result: result) == 3


def test_waiting_for_a_setting_is_no_failure(tmp_path: Path) -> None:
    write_plugin(tmp_path, "wind", "def feed(*, settings): return settings['host']", more=MUST)
    registry = PluginRegistry(folders=[tmp_path])
    for _ in range(5):
        with pytest.raises(SettingsNeededError):
            registry.call("wind.it", "code:feed", {}, check=lambda result: result)
    assert registry.failures == ()
    registry.save_settings("wind", {"host": "a.org"})
    assert registry.call("wind.it", "code:feed", {}, check=lambda result: result) == "a.org"


TABLE = """
[[settings]]
key = "table"
title = "Table"
type = "file"
default = ""
"""
READS = """
from pathlib import Path


def feed(*, settings, path):
    try:
        return " ".join(Path(each).read_text() for each in (settings["table"], path) if each)
    except PermissionError:
        return "refused"
"""


def test_a_file_that_was_chosen_may_be_read_by_a_plugin_s_process_and_no_other(tmp_path: Path) -> None:
    one, other = tmp_path / "one.csv", tmp_path / "other.csv"
    one.write_text("one")
    other.write_text("other")
    write_plugin(tmp_path / "plugins", "wind", READS, isolated=True, more=TABLE)
    registry = PluginRegistry(folders=[tmp_path / "plugins"])

    def read(path: object) -> object:
        return registry.call("wind.it", "code:feed", {"path": str(path)}, check=lambda result: result)

    try:
        assert read(one) == "refused"
        registry.save_settings("wind", {"table": str(one)})
        assert read("") == "one"
        assert read(other) == "refused"
        registry.save_settings("wind", {"table": str(other)})
        assert read("") == "other"
        assert read(one) == "refused"
        assert registry.choices.is_accepted(registry.plugin("wind")), "choosing it is allowing it"
    finally:
        registry.close()


# --- secrets ------------------------------------------------------------------------------------------------------


def test_a_secret_is_kept_changed_and_removed(tmp_path: Path, ring: InMemory) -> None:
    manifest = manifest_with(tmp_path, SECRET)
    settings = PluginSettings()
    assert not settings.is_waiting(manifest), "nobody has looked yet: looking may take long"
    with pytest.raises(SettingsNeededError, match="Token"):
        settings.values(manifest)
    assert settings.is_waiting(manifest)
    settings.save(manifest, {"api_token": CANARY})
    assert not settings.is_waiting(manifest)
    assert settings.values(manifest) == {"api_token": CANARY}
    settings.save(manifest, {})
    assert settings.values(manifest) == {"api_token": CANARY}, "left out, it stays"
    settings.save(manifest, {"api_token": ""})
    assert ring.held == {}
    settings.save(manifest, {"api_token": "another one"})
    settings.forget(manifest)
    assert ring.held == {}


def test_an_optional_secret_is_empty_at_first(tmp_path: Path, ring: InMemory) -> None:
    manifest = manifest_with(tmp_path, f'{SECRET}default = ""\n')
    assert PluginSettings().values(manifest) == {"api_token": ""}
    assert ring.held == {}


def test_without_a_keyring_the_environment_has_it(
    tmp_path: Path, no_ring: None, monkeypatch: pytest.MonkeyPatch, own_profile: Path
) -> None:
    manifest = manifest_with(tmp_path, SECRET)
    with pytest.raises(PluginError, match="no keyring") as caught:
        PluginSettings().save(manifest, {"api_token": CANARY})
    assert "TWINVIEWER_SECRET_WIND_API_TOKEN" in caught.value.cure
    assert CANARY not in repr(caught.value) + str(caught.value)
    assert files_of(own_profile) == [], "nothing else was kept either"
    with pytest.raises(SettingsNeededError):
        PluginSettings().values(manifest)
    monkeypatch.setenv("TWINVIEWER_SECRET_WIND_API_TOKEN", CANARY)
    assert PluginSettings().values(manifest) == {"api_token": CANARY}


def test_a_locked_keyring_is_told_without_the_secret(tmp_path: Path, ring: InMemory) -> None:
    manifest = manifest_with(tmp_path, SECRET)
    ring.locked = True
    for act in (
        lambda: PluginSettings().values(manifest),
        lambda: PluginSettings().save(manifest, {"api_token": CANARY}),
    ):
        with pytest.raises(PluginError, match="keyring") as caught:
            act()
        assert CANARY not in str(caught.value)
        assert caught.value.__cause__ is None
        assert "Unlock" in caught.value.cure


def test_a_secret_is_taken_out_of_texts_in_every_form() -> None:
    know(CANARY)
    know("1" * (SHORTEST - 1))
    forms = [
        CANARY,
        urllib.parse.quote(CANARY),
        urllib.parse.quote(CANARY, safe=""),
        urllib.parse.quote_plus(CANARY),
        json.dumps(CANARY),
        repr(CANARY),
        base64.b64encode(CANARY.encode()).decode(),
    ]
    for form in forms:
        clean = without_secrets(f"before {form} after")
        assert "c4n4ry" not in urllib.parse.unquote(clean)
        assert form not in clean
        assert clean.startswith("before ")
        assert clean.endswith(" after")
    assert without_secrets("11111") == "11111"


LEAKY = """
import logging
from twinviewer.api import FeedError


def feed(*, settings, how):
    token = settings["api_token"]
    logging.getLogger("leaky").error("My token is %s", token)
    logging.getLogger("leaky").error("All settings: %r", settings)
    if how == "bug":
        raise ValueError(f"cannot log in with {token}")
    if how == "feed":
        raise FeedError(f"https://x:{token}@a.org does not answer.", cure=f"Check {token}.", source=token)
    return token
"""


DRIVER = """
import ctypes, json, logging, sys
from pathlib import Path

import keyring

from tests.app.plugins.test_settings import InMemory
from twinviewer.app import log, project_file
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import FeedError, PluginError
from twinviewer.model.feedback import Silent
from twinviewer.model.project import OverlaySpec, Project

folder, secret = Path(sys.argv[1]), sys.stdin.read()
keyring.set_keyring(InMemory())
log.start_logging(debug=True)
registry = PluginRegistry(folders=[folder])
registry.save_settings("leaky", {"name": "x", "api_token": secret})
print(registry.settings.values(registry.plugin("leaky").manifest))
for how in ("well", "bug", "feed", "bug", "bug"):
    try:
        registry.call("leaky.it", "code:feed", {"how": how}, check=lambda result: result)
    except (PluginError, FeedError) as error:
        print(str(error), repr(error))
        logging.getLogger("twinviewer").exception("As the program logs it.")
print(registry.failures, registry.processes.last_words("leaky"))
project_file.save(
    Project(overlays=(OverlaySpec(id="leaky.it"),)), folder.parent / "town.twin", view=project_file.ViewState()
)
for process in Path("/proc").glob("[0-9]*/cmdline"):
    try:
        print(process.read_bytes())
    except OSError:
        pass  # it has ended
sys.stdout.flush()
ctypes.string_at(0)
"""


@pytest.mark.parametrize("isolated", [False, True])
def test_a_canary_secret_is_written_nowhere_not_even_in_a_crash(
    tmp_path: Path, own_profile: Path, *, isolated: bool
) -> None:
    printing = "    print('I was given', token)\n" if isolated else ""  # else it is the terminal's own business
    code = LEAKY.replace("    if how ==", f"{printing}    if how ==", 1)
    write_plugin(tmp_path / "plugins", "leaky", code, isolated=isolated, more=SETTINGS + SECRET)
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, str(tmp_path / "plugins")],
        input=CANARY.encode(),
        capture_output=True,
        cwd=ROOT,
        timeout=120,
        check=False,
    )
    said = done.stdout + done.stderr
    assert done.returncode < 0, said.decode()
    assert b"cannot log in" in said
    assert b"-c" in said, "the arguments of processes"
    assert (b"I was given" in said) is isolated
    written = [*files_of(own_profile), tmp_path / "town.twin"]
    assert {path.name for path in written} >= {"leaky.json", "twinviewer.log", "crash.log", "town.twin"}
    assert b"Segmentation fault" in (own_profile / "state" / "log" / "crash.log").read_bytes()
    assert b"c4n4ry" not in said
    assert [path for path in written if b"c4n4ry" in path.read_bytes()] == []

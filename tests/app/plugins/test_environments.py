"""Environments are made once for all that require the same, whole or not at all, and stop when they are told to."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
import pytest

from tests.app.plugins.small_wheels import write_plugin_folder, write_wheel
from tests.crowding import allowed_s
from twinviewer.api.importing import CodeLocation
from twinviewer.app.folders import cache_dir
from twinviewer.app.plugins import environments, pip_running
from twinviewer.app.plugins.environments import (
    UNUSED_AFTER_DAYS,
    environment_for,
    is_ready,
    remove_environment,
    remove_unused,
)
from twinviewer.app.plugins.finding import Plugin, PluginOrigin
from twinviewer.app.plugins.manifest import FILE_NAME, read_manifest
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Cancelled, Silent

STOP_WITHIN_S = 0.25


class Hears:
    """Feedback that remembers, and stops where it is told to."""

    def __init__(self, stop_at: str = "nowhere") -> None:
        self.told: list[tuple[float, str]] = []
        self.stopped_at = 0.0
        self._stop_at, self._thread = stop_at, threading.Thread()

    def progress(self, fraction: float, text: str = "") -> None:
        self.told.append((fraction, text))
        if self._stop_at in text and not self.stopped_at:
            self.stopped_at = time.monotonic()

    def stop_if_cancelled(self) -> None:
        if self.stopped_at:
            raise Cancelled


@pytest.fixture
def plugin(tmp_path: Path) -> Plugin:
    """A plugin that requires gauges."""
    folder = write_plugin_folder(tmp_path / "plugin")
    code = CodeLocation(package="_twinviewer_plugin_t", folder=str(folder))
    manifest = read_manifest(folder / FILE_NAME)
    return Plugin(manifest=manifest, code=code, origin=PluginOrigin.USER, requirements=("gauges>=2",))


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An index of two: gauges 2.0, with code that wants to run at every start, and a numpy of our own."""
    folder = tmp_path / "wheels"
    starts = "import sys; sys.stderr.write('I ran')\n"
    files = {
        "gauges/__init__.py": "VERSION = '2.0'\n",
        "gauges.pth": f"{starts}/some/where\n",
        "sitecustomize.py": starts,
        "usercustomize/__init__.py": starts,
    }
    write_wheel(folder, name="gauges", version="2.0", files=files)
    write_wheel(folder, name="numpy", version="99.0", files={"numpy/__init__.py": "__version__ = '99.0'\n"})
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_TARGET", str(tmp_path / "elsewhere"))
    return folder


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Environments that are made at once; the list says where they were."""
    made: list[Path] = []

    def make(python: Path, folder: Path, *rest: object) -> None:
        made.append(folder)
        interpreter = pip_running.interpreter_in(folder)
        interpreter.parent.mkdir(parents=True)
        interpreter.touch()

    monkeypatch.setattr(environments, "make_environment", make)
    return made


@pytest.fixture
def silent_index(monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """A package index that takes questions and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{server.getsockname()[1]}/simple")
        monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("PIP_EXTRA_INDEX_URL", "")
        monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
        yield server


def output(interpreter: Path, code: str) -> tuple[str, str]:
    done = subprocess.run([interpreter, "-P", "-c", code], capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.strip(), done.stderr


@pytest.mark.usefixtures("wheels")
def test_an_environment_has_what_is_required_and_numpy_and_runs_nothing_by_itself(
    plugin: Plugin, tmp_path: Path
) -> None:
    assert not is_ready(plugin)
    hears = Hears()
    interpreter = environment_for(plugin, hears)
    assert is_ready(plugin)
    code = "import gauges, numpy; print(gauges.VERSION, numpy.__version__)"
    assert output(interpreter, code) == ("2.0 99.0", ""), "nothing ran before it"
    assert output(interpreter, "import importlib.util as i; print(i.find_spec('twinviewer'))")[0] == "None"
    fractions = [fraction for fraction, _ in hears.told]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert any("gauges" in text for _, text in hears.told)
    assert not (tmp_path / "elsewhere").exists()
    again = Hears()
    assert environment_for(replace(plugin, requirements=("gauges>=2",)), again) == interpreter
    assert again.told == []


def test_making_one_stops_when_it_is_told_to_and_leaves_nothing(plugin: Plugin, silent_index: socket.socket) -> None:
    children = set(psutil.Process().children(recursive=True))
    hears = Hears()
    ended: list[float] = []

    def make() -> None:
        with pytest.raises(Cancelled):
            environment_for(plugin, hears)
        ended.append(time.monotonic())

    thread = threading.Thread(target=make)
    thread.start()
    silent_index.settimeout(allowed_s(60))
    connection, _ = silent_index.accept()  # pip waits for an answer now
    assert new_children(children)
    hears.stopped_at = time.monotonic()
    thread.join()
    connection.close()
    assert ended[0] - hears.stopped_at <= allowed_s(STOP_WITHIN_S)
    assert not new_children(children)
    assert not is_ready(plugin)
    assert [each for each in (cache_dir() / "environments").iterdir() if each.is_dir()] == []


def new_children(known: set[psutil.Process]) -> list[psutil.Process]:
    found = []
    for each in psutil.Process().children(recursive=True):
        try:
            if each not in known and each.status() != psutil.STATUS_ZOMBIE:
                found.append(each)
        except psutil.NoSuchProcess:
            continue
    return found


def test_two_that_require_the_same_make_it_once(plugin: Plugin, quick: list[Path]) -> None:
    results: list[Path] = []
    ask: Callable[[], None] = lambda: results.append(environment_for(plugin, Silent()))  # noqa: E731
    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(quick) == 1
    assert len(results) == 4
    assert len(set(results)) == 1


def test_one_that_was_left_half_is_made_anew(plugin: Plugin, quick: list[Path]) -> None:
    interpreter = environment_for(plugin, Silent())
    (quick[0] / "complete.json").unlink()
    (quick[0] / "left over").touch()
    assert not is_ready(plugin)
    assert environment_for(plugin, Silent()) == interpreter
    assert len(quick) == 2
    assert not (quick[0] / "left over").exists()


def test_other_requirements_or_another_python_have_another_one(
    plugin: Plugin, quick: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    environment_for(plugin, Silent())
    environment_for(replace(plugin, requirements=("gauges>=3",)), Silent())
    environment_for(replace(plugin, requirements=("a", "b")), Silent())
    environment_for(replace(plugin, requirements=("b", "a")), Silent())
    monkeypatch.setattr("sysconfig.get_platform", lambda: "linux-riscv64")
    environment_for(plugin, Silent())
    assert len(set(quick)) == len(quick) == 4


@pytest.mark.usefixtures("quick")
def test_one_is_removed_when_the_last_plugin_that_uses_it_goes(plugin: Plugin) -> None:
    environment_for(plugin, Silent())
    assert not remove_environment(plugin.requirements, still_used=[("a",), plugin.requirements])
    assert is_ready(plugin)
    assert remove_environment(plugin.requirements, still_used=[("a",)])
    assert not is_ready(plugin)
    assert not remove_environment(plugin.requirements, still_used=[])


def test_those_that_nobody_uses_any_more_are_removed(plugin: Plugin, quick: list[Path]) -> None:
    other = replace(plugin, requirements=("other",))
    environment_for(plugin, Silent())
    environment_for(other, Silent())
    long_ago = time.time() - (UNUSED_AFTER_DAYS + 1) * 86400
    os.utime(quick[0] / "complete.json", (long_ago, long_ago))
    os.utime(quick[1] / "complete.json", (long_ago, long_ago))
    environment_for(other, Silent())  # using one keeps it
    assert remove_unused() == 1
    assert (is_ready(plugin), is_ready(other)) == (False, True)


@pytest.mark.parametrize(
    "requirement", ["x @ git+https://example.org/x.git", "x @ file:///tmp/x", "x @ https://example.org/x-1.0.tar.gz"]
)
def test_what_would_have_to_be_built_is_refused(requirement: str, plugin: Plugin) -> None:
    with pytest.raises(PluginError, match="would have to be built here"):
        environment_for(replace(plugin, requirements=(requirement,)), Silent())


def test_a_stand_alone_program_says_which_python_it_misses(
    plugin: Plugin, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PluginError) as caught:
        environment_for(plugin, Silent())
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert f"no Python {version} on this machine" in caught.value.problem
    assert caught.value.source == plugin.name


def test_a_full_disk_is_told_as_such(plugin: Plugin, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*rest: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(environments, "make_environment", full)
    with pytest.raises(PluginError, match="No space left on device"):
        environment_for(plugin, Silent())
    assert not is_ready(plugin)


@dataclass(frozen=True)
class Said:
    """What pip 23.2 to 25 said, and what a person is told."""

    pip: str
    problem: str


@pytest.mark.parametrize(
    "said",
    [
        Said(
            "WARNING: Retrying (Retry(total=0, connect=None, read=None, redirect=None, status=None)) after connection "
            "broken by 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f7e7a763cd0>: "
            "Failed to establish a new connection: [Errno 111] Connection refused')': /x/numpy/\n"
            "ERROR: Could not find a version that satisfies the requirement numpy==1.26.4 (from versions: none)\n"
            "ERROR: No matching distribution found for numpy==1.26.4",
            "index does not answer",
        ),
        Said(
            "ERROR: Could not find a version that satisfies the requirement numpy==9.26.4 (from versions: 1.23.2)\n"
            "ERROR: No matching distribution found for numpy==9.26.4",
            "requires “numpy==9.26.4”, which the package index does not have",
        ),
        Said(
            "ERROR: Cannot install numpy==1.26.4 and numpy>2 because these package versions have conflicting "
            "dependencies.\nERROR: ResolutionImpossible: for help visit https://pip.pypa.io/",
            "contradicts itself: numpy==1.26.4 and numpy>2",
        ),
        Said("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "no room"),
        Said("Error: Command '[…, '-m', 'ensurepip', …]' returned non-zero exit status 1.", "venv and ensurepip"),
        Said("Something\nERROR: Wheel 'x' located at /x.whl is invalid.", "Wheel 'x' located at /x.whl is invalid."),
        Said("", "could not be installed"),
    ],
)
def test_what_pip_says_becomes_one_sentence_with_its_words_as_a_note(said: Said) -> None:
    error = pip_running._explained(said.pip.splitlines())
    assert said.problem in error.problem
    assert error.cure
    assert error.__notes__ == [f"pip said:\n{said.pip}"]

"""A stranger's plugin, called as the viewer calls it, gets what its manifest declares and the person accepted."""

from __future__ import annotations

import http.server
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.app.live_plugins import eventually
from tests.app.plugins.small_wheels import write_plugin_folder
from twinviewer.app.folders import plugin_data_dir
from twinviewer.app.plugins.choices import ConsentNeededError
from twinviewer.app.plugins.finding import user_plugins
from twinviewer.app.plugins.registry import PluginChange, PluginEvent, PluginRegistry
from twinviewer.isolation import landlock
from twinviewer.model.errors import PluginError

CODE = """
import ctypes, os, pathlib, subprocess, urllib.request

HERE = os.path.dirname(__file__)


def tell(**rest):
    return eval(pathlib.Path(HERE, "order.txt").read_text())


def attempt(what, *arguments):
    try:
        return what(*arguments)
    except PermissionError as error:
        return str(error)
"""


@pytest.fixture
def canary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file in the person's home that is nobody's business."""
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(home))
    (home / ".ssh" / "id_rsa").write_text("a secret")
    return home / ".ssh" / "id_rsa"


class Stranger:
    """A plugin in the person's folder that does what it is told to."""

    def __init__(self, more: str) -> None:
        self.folder = write_plugin_folder(user_plugins() / "thermometers", code=CODE, more=more)
        self.changes: list[PluginChange] = []
        self.registry = PluginRegistry()
        self.registry.on_change(self.changes.append)

    def does(self, order: str) -> Any:
        (self.folder / "order.txt").write_text(order)
        return self.registry.call("thermometers.tell", "code:tell", {}, check=lambda result: result)


@pytest.fixture
def stranger() -> Iterator[Any]:
    made: list[Stranger] = []

    def make(more: str = "") -> Stranger:
        made.append(Stranger(more))
        return made[-1]

    yield make
    for each in made:
        each.registry.close()


def test_what_was_not_declared_is_refused_and_told_once_with_the_plugins_name(
    stranger: Any, canary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plugin = stranger()
    sentence = f'It may not read “{canary}”. Its plugin.toml lacks read = ["~/.ssh/id_rsa"] under [permissions].'
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            assert plugin.does(f"attempt(open, {str(canary)!r})") == sentence
        assert "start other programs" in plugin.does("attempt(subprocess.run, ['true'])")
        assert eventually(lambda: [each.event for each in plugin.changes].count(PluginEvent.REFUSED) == 2)
    first, second = plugin.registry.processes.refusals("thermometers")
    assert isinstance(first, PluginError)
    assert str(first) == f"Thermometers: {sentence}"
    assert "start other programs" in second.problem
    assert caplog.text.count("may not read") == 1


def test_a_listener_that_fails_over_a_refusal_does_not_end_the_plugin(stranger: Any, canary: Path) -> None:
    plugin = stranger()
    plugin.does("os.getpid()")

    def fail(change: PluginChange) -> None:
        raise ValueError(change.event)

    plugin.registry.on_change(fail)
    plugin.does(f"attempt(open, {str(canary)!r})")
    assert eventually(lambda: bool(plugin.registry.processes.refusals("thermometers")))
    assert plugin.does("os.getpid()") == plugin.registry.processes.process_id("thermometers")
    assert plugin.registry.processes.restarts("thermometers") == 0


def test_an_error_that_the_plugin_lets_through_says_what_the_manifest_lacks(stranger: Any, canary: Path) -> None:
    plugin = stranger()
    with pytest.raises(PluginError) as caught:
        plugin.does(f"open({str(canary)!r})")
    assert caught.value.source == "Thermometers"
    assert 'lacks read = ["~/.ssh/id_rsa"] under [permissions]' in caught.value.problem


def test_a_plugin_writes_its_data_folder_and_nothing_beside_it(stranger: Any, canary: Path) -> None:
    plugin = stranger()
    data = plugin_data_dir("thermometers")
    plugin.does(f"pathlib.Path({str(data)!r}, 'a').write_text('kept')")
    assert (data / "a").read_text() == "kept"
    for other in (data.parent / "others", data.parent.parent / "plugins" / "thermometers" / "code.py", canary):
        assert "may not write" in plugin.does(f"attempt(pathlib.Path({str(other)!r}).write_text, 'x')")
    assert canary.read_text() == "a secret"
    if landlock.version():
        native = f"ctypes.CDLL(None).open({str(canary)!r}.encode(), os.O_RDWR)"
        assert plugin.does(native) == -1
        assert plugin.does(f"ctypes.CDLL(None).system(b'touch ' + {str(canary)!r}.encode() + b'2')") != 0
        assert not canary.with_name("id_rsa2").exists()


def test_what_was_declared_waits_for_the_person_and_then_works(stranger: Any, canary: Path) -> None:
    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"21.5")

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    plugin = stranger(
        '[permissions]\nnetwork = ["localhost"]\nread = ["~/.ssh"]\nwrite = ["~/out"]\nsubprocess = true\n'
    )
    with pytest.raises(ConsentNeededError):
        plugin.does("1")
    plugin.registry.accept("thermometers")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        asks = f"urllib.request.urlopen('http://localhost:{server.server_address[1]}/', timeout=10).read().decode()"
        assert plugin.does(asks) == "21.5"
        server.shutdown()
        thread.join()
    assert plugin.does(f"open({str(canary)!r}).read()") == "a secret"
    assert plugin.does(f"pathlib.Path({str(canary.parents[1])!r}, 'out', 'a').write_text('x')") == 1
    assert (canary.parents[1] / "out" / "a").read_text() == "x"
    assert plugin.does("subprocess.run(['echo', 'hello'], capture_output=True).stdout.decode()") == "hello\n"
    assert "may not reach “192.0.2.1”" in plugin.does(
        "attempt(__import__('socket').create_connection, ('192.0.2.1', 80), 5)"
    )

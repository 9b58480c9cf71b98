"""Hostile code in a real process gets what its manifest declares, and nothing else."""

from __future__ import annotations

import errno
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.isolation.held_process import Place
from twinviewer.isolation import landlock, seccomp
from twinviewer.isolation.permissions import MOST_REFUSALS_TOLD, Granted

needs_landlock = pytest.mark.skipif(landlock.version() < 1, reason="this kernel has no Landlock")
posix = pytest.mark.skipif(os.name != "posix", reason="POSIX only")


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(root=tmp_path)


def names_in(folder: Path) -> list[str]:
    return sorted(each.name for each in folder.iterdir())


class _Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"21.5")

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@pytest.fixture
def server() -> Iterator[int]:
    """The port of a server on this machine that answers each question with 21.5."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answer) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        yield running.server_address[1]
        running.shutdown()
        thread.join()


# --- files --------------------------------------------------------------------------------------------------------

FILES = {
    "read": "open(canary).read()",
    "read by number": "import os; os.open(canary, os.O_RDONLY)",
    "read through a link": "import os; os.symlink(canary, 'link'); open('link').read()",
    "read by a way round": "import os; open(os.path.join(scratch, '..', 'home', '.ssh', 'id_rsa')).read()",
    "list": "import os; os.listdir(home)",
    "scan": "import os; list(os.scandir(home))",
    "write": "open(canary, 'w').write('x')",
    "append": "open(canary, 'ab')",
    "make": "import pathlib; pathlib.Path(home, 'new').write_text('x')",
    "make in own folder": "open(plugin + '/new.py', 'w')",
    "make a folder": "import os; os.mkdir(home + '/new')",
    "remove": "import os; os.remove(canary)",
    "remove all": "import shutil; shutil.rmtree(home)",
    "move away": "import os; os.rename(canary, 'mine')",
    "move there": "import os; open('mine', 'w').close(); os.rename('mine', home + '/theirs')",
    "replace": "import os; open('other', 'w').close(); os.replace('other', canary)",
    "link": "import os; os.link(canary, 'hard')",
    "make a link": "import os; os.symlink('/etc/hosts', home + '/link')",
    "cut off": "import os; os.truncate(canary, 0)",
    "change times": "import os; os.utime(canary, (0, 0))",
    "change rights": "import os; os.chmod(canary, 0o777)",
    "change the owner": "import os; os.chown(canary, 0, 0)",
    "copy": "import shutil; shutil.copy(canary, scratch)",
    "database": "import sqlite3; sqlite3.connect(home + '/new.db')",
    "database, only to read": "import sqlite3; sqlite3.connect(f'file:{canary}?mode=ro', uri=True)",
    "load a library": "import ctypes; ctypes.CDLL(canary)",
    "go there": "import os; os.chdir(home)",
}


@posix
def test_files_that_were_not_declared_are_refused_with_what_the_manifest_lacks(place: Place) -> None:
    outcomes = place.attempt(FILES)
    for name in FILES:
        assert "plugin.toml lacks" in outcomes.refusal(name), name
    assert outcomes.refusal("read") == (
        f'It may not read “{place.canary}”. Its plugin.toml lacks read = ["~/.ssh/id_rsa"] under [permissions].'
    )
    assert outcomes.refusal("make") == (
        f'It may not write to “{place.home / "new"}”. Its plugin.toml lacks write = ["~"] under [permissions].'
    )
    assert place.canary.read_text() == "a secret"
    assert names_in(place.home) == [".ssh"]
    assert names_in(place.home / ".ssh") == ["id_rsa"]
    assert names_in(place.plugin) == ["stations.csv"]


@posix
def test_a_refusal_is_told_once_and_not_without_end(place: Place) -> None:
    many = {str(number): f"open(home + '/new-{number}', 'w')" for number in range(2 * MOST_REFUSALS_TOLD)}
    outcomes = place.attempt({"first": FILES["read"], "again": FILES["read"], **many})
    assert len(outcomes.told) == MOST_REFUSALS_TOLD
    assert outcomes.told[0] == (
        f"It may not read “{place.canary}”.",
        'Its plugin.toml lacks read = ["~/.ssh/id_rsa"] under [permissions].',
    )
    assert len(set(outcomes.told)) == len(outcomes.told)


def test_what_was_declared_works(place: Place) -> None:
    (place.home / "survey").mkdir()
    (place.home / "survey" / "a.csv").write_text("1")
    (place.home / "one.txt").write_text("2")
    (place.home / "out").mkdir()
    granted = Granted(read=("~/survey", "~/one.txt"), write=("~/out", "~/made/deep"))
    outcomes = place.attempt(
        {
            "folder": "result = open(home + '/survey/a.csv').read()",
            "list": "import os; result = os.listdir(home + '/survey')",
            "file": "result = open(home + '/one.txt').read()",
            "write": "open(home + '/out/a', 'w').write('3'); result = open(home + '/out/a').read()",
            "below": "import os; os.makedirs(home + '/out/b/c'); open(home + '/out/b/c/d', 'w').close()",
            "move": "import os; os.rename(home + '/out/a', home + '/out/b/a')",
            "remove all": "import shutil; shutil.rmtree(home + '/out/b')",
            "made for it": "open(home + '/made/deep/a', 'w').close()",
            "not beside": "open(home + '/outer', 'w')",
            "not to write": "open(home + '/survey/a.csv', 'a')",
        },
        granted=granted,
    )
    assert [outcomes.result(name) for name in ("folder", "list", "file", "write")] == ["1", ["a.csv"], "2", "3"]
    for name in ("below", "move", "remove all", "made for it"):
        outcomes.result(name)
    assert "write" in outcomes.refusal("not beside")
    assert "write" in outcomes.refusal("not to write")
    assert names_in(place.home / "out") == []


def test_a_file_that_the_process_was_started_for_may_be_read(place: Place) -> None:
    outcomes = place.attempt({"read": "result = open(canary).read()"}, readable=[place.canary])
    assert outcomes.result("read") == "a secret"


def test_what_every_program_needs_works_without_asking(place: Place) -> None:
    outcomes = place.attempt(
        {
            "own file": "result = open(plugin + '/stations.csv').read()",
            "own folder": "import os; result = os.listdir(plugin)",
            "data": "open(data + '/kept', 'w').write('x'); result = open(data + '/kept').read()",
            "relative": "open('cache', 'w').write('x'); import os; result = os.path.realpath('cache')",
            "temporary": "import tempfile\nwith tempfile.TemporaryDirectory() as t:\n"
            "    import os; os.mkdir(t + '/a'); open(t + '/a/b', 'w').close(); result = os.path.dirname(t)",
            "database": "import sqlite3\nc = sqlite3.connect(data + '/a.db')"
            "\nc.execute('create table t (a)'); c.close()",
            "database in memory": "import sqlite3; sqlite3.connect(':memory:').close()",
            "numpy": "import numpy; result = int(numpy.arange(4).sum())",
            "other modules": "import email, decimal, csv, xml.etree.ElementTree, ctypes.util",
            "certificates": "import ssl; ssl.create_default_context()",
            "event loop": "import asyncio\nasync def f(): return 3\nresult = asyncio.run(f())",
            "threads": "import threading\nt = threading.Thread(target=open, args=('t', 'w'))\nt.start(); t.join()",
            "chance": "result = len(open('/dev/urandom', 'rb').read(4))",
            "cache": "import os; result = os.environ['XDG_CACHE_HOME']; os.makedirs(result + '/x')",
            "nothing": "import os; open(os.devnull, 'w').write('x')",
            "what is not there": "open(home + '/nothing')",
            "own signal": "import os; os.kill(os.getpid(), 0)",
            "traceback": "import traceback\ntry: 1 / 0\nexcept ZeroDivisionError: result = traceback.format_exc()[:9]",
        }
    )
    assert outcomes.outcomes.pop("what is not there")["number"] == errno.ENOENT, "as libraries expect it"
    for name in outcomes.outcomes:
        outcomes.result(name)
    assert outcomes.result("relative") == str(place.scratch / "cache")
    assert outcomes.result("cache") == str(place.data)
    assert outcomes.result("temporary") == str(place.scratch)
    assert outcomes.result("numpy") == 6
    assert outcomes.told == []


# --- other programs -----------------------------------------------------------------------------------------------

PROGRAMS = {
    "subprocess": "import subprocess; subprocess.run(['touch', home + '/x'])",
    "system": "import os; os.system('touch ' + home + '/x')",
    "spawn": "import os; os.posix_spawn('/bin/touch', ['touch', home + '/x'], {})",
    "exec": "import os; os.execv('/bin/touch', ['touch', home + '/x'])",
    "fork": "import os; os.fork()",
    "browser": "import webbrowser; webbrowser.open('https://example.org/?' + canary)",
    "multiprocessing": "import multiprocessing as m; m.get_context('fork').Process(target=print).start()",
}


@posix
def test_other_programs_are_not_started(place: Place) -> None:
    outcomes = place.attempt({**PROGRAMS, "signal": "import os; os.kill(os.getppid(), 0)"})
    for name in PROGRAMS:
        assert outcomes.refusal(name) == (
            "It may not start other programs. Its plugin.toml lacks subprocess = true under [permissions]."
        )
    assert "signals" in outcomes.refusal("signal")
    assert not (place.home / "x").exists()


@posix
def test_other_programs_are_started_where_that_was_declared_and_get_no_more_than_the_plugin(place: Place) -> None:
    outcomes = place.attempt(
        {
            "run": "import subprocess; result = subprocess.run(['echo', 'hello'], capture_output=True).stdout.decode()",
            "write": "import subprocess; result = subprocess.run(['touch', data + '/x']).returncode",
            "canary": "import subprocess as s; result = s.run(['cat', canary], capture_output=True).stdout.decode()",
        },
        granted=Granted(subprocess=True),
    )
    assert outcomes.result("run") == "hello\n"
    assert outcomes.result("write") == 0
    if landlock.version():
        assert outcomes.result("canary") == ""


# --- the network --------------------------------------------------------------------------------------------------

ASK = "import urllib.request; result = urllib.request.urlopen(f'http://{host}:{port}/', timeout=5).read().decode()"


def test_a_host_that_was_declared_answers(place: Place, server: int) -> None:
    for host in ("localhost", "127.0.0.1"):
        outcomes = place.attempt({"ask": ASK}, granted=Granted(network=("localhost",)), host=host, port=server)
        assert outcomes.result("ask") == "21.5"
    assert place.attempt(
        {"ask": ASK}, granted=Granted(network=("127.0.0.1",)), host="127.0.0.1", port=server
    ).result("ask") == "21.5"  # fmt: skip
    assert place.attempt({"ask": ASK}, granted=Granted(network=("*",)), host="127.0.0.1", port=server).result("ask")


def test_hosts_that_were_not_declared_are_out_of_reach(place: Place, server: int) -> None:
    attempts = {
        "connect": "import socket; socket.create_connection(('127.0.0.1', port), 5)",
        "connect, another way": "import socket; socket.socket().connect_ex(('127.0.0.1', port))",
        "zero": "import socket; socket.socket().connect(('0.0.0.0', port))",
        "datagram": "import socket; socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', port))",
        "name": "import socket; socket.create_connection(('data.example.com', 80), 5)",
        "question": "import socket; socket.getaddrinfo('secret.example.com', 53)",
        "question, another way": "import socket; socket.gethostbyname('secret.example.com')",
        "listen": "import socket; socket.socket().bind(('0.0.0.0', 0))",
        "listen at all": "import socket; socket.socket().bind(('', 8080))",
        "local service": "import socket; socket.socket(socket.AF_UNIX).connect(home + '/agent.sock')",
        "raw": "import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    }
    for granted in (Granted(), Granted(network=("api.example.org", "*.example.net"))):
        outcomes = place.attempt(attempts, granted=granted, port=server)
        for name in attempts:
            assert "plugin.toml lacks" in outcomes.refusal(name), name
        assert outcomes.refusal("name").endswith(
            'reach “data.example.com”. Its plugin.toml lacks network = ["data.example.com"] under [permissions].'
        )
    assert 'network = ["localhost"]' in outcomes.refusal("connect")


def test_the_persons_proxy_is_used_and_none_that_a_plugin_names(place: Place, server: int) -> None:
    proxy = {"http_proxy": f"http://127.0.0.1:{server}"}
    granted = Granted(network=("api.example.org",))
    persons = place.attempt({"ask": ASK}, granted=granted, variables=proxy, host="api.example.org", port=80)
    assert persons.result("ask") == "21.5"
    own = f"import os; os.environ.update({proxy})\n{ASK}"
    plugins = place.attempt({"ask": own}, granted=granted, host="api.example.org", port=80)
    assert plugins.told == [
        ("It may not reach “127.0.0.1”.", 'Its plugin.toml lacks network = ["localhost"] under [permissions].')
    ]
    nothing_declared = place.attempt({"ask": ASK}, variables=proxy, host="api.example.org", port=80)
    assert [problem for problem, _ in nothing_declared.told] in (
        ["It may not use the network."],
        ["It may not reach “127.0.0.1”."],
    )


# --- native code --------------------------------------------------------------------------------------------------

LIBC = "import ctypes, os; libc = ctypes.CDLL(None, use_errno=True)\n"
NATIVE = {
    "open": "result = [libc.open(canary.encode(), os.O_RDONLY), ctypes.get_errno()]",
    "make": "result = [libc.open((home + '/new').encode(), os.O_WRONLY | os.O_CREAT, 0o600), ctypes.get_errno()]",
    "fopen": "libc.fopen.restype = ctypes.c_void_p\n"
    "result = [libc.fopen(canary.encode(), b'w') or -1, ctypes.get_errno()]",
    "rename": "result = [libc.rename(canary.encode(), b'mine'), ctypes.get_errno()]",
    "unlink": "result = [libc.unlink(canary.encode()), ctypes.get_errno()]",
    "truncate": "result = [libc.truncate(canary.encode(), 0), ctypes.get_errno()]",
    "symlink": "result = [libc.symlink(b'/etc/hosts', (home + '/link').encode()), ctypes.get_errno()]",
    "exec": "result = [libc.execv(b'/bin/true', None), ctypes.get_errno()]",
}


@needs_landlock
def test_the_kernel_holds_native_code_to_the_same_folders(place: Place) -> None:
    outcomes = place.attempt(
        {
            **{name: LIBC + code for name, code in NATIVE.items()},
            "system": LIBC + "result = libc.system(('touch ' + home + '/x').encode())",
            "in a thread": LIBC + "import threading; found = []\n"
            "t = threading.Thread(target=lambda: found.append(libc.open(canary.encode(), 0))); t.start(); t.join()\n"
            "result = found",
            "own data": LIBC + "result = libc.open((data + '/new').encode(), os.O_WRONLY | os.O_CREAT, 0o600)",
        }
    )
    for name in NATIVE:
        assert outcomes.result(name) in ([-1, errno.EACCES], [-1, errno.EXDEV]), name
    assert outcomes.result("system") != 0
    assert outcomes.result("in a thread") == [-1]
    assert isinstance(number := outcomes.result("own data"), int)
    assert number >= 0
    assert place.canary.read_text() == "a secret"
    assert names_in(place.home) == [".ssh"]
    assert outcomes.kernel[0]


@pytest.mark.skipif(landlock.version() < 4, reason="this kernel's Landlock does not know the network")
def test_landlock_lets_no_connection_be_made_through_a_socket_that_was_there_before(server: int) -> None:
    code = (
        "import socket, sys\nfrom pathlib import Path\nfrom twinviewer.isolation.landlock import restrict\n"
        "own = socket.socket()\n"
        "restrict(readable=[Path('/')], writable=[], executable=False, tcp=sys.argv[2] == 'tcp')\n"
        "print(own.connect_ex(('127.0.0.1', int(sys.argv[1]))))"
    )
    for tcp, expected in (("tcp", 0), ("none", errno.EACCES)):
        done = subprocess.run([sys.executable, "-c", code, str(server), tcp], capture_output=True, text=True, cwd=ROOT)
        assert done.stdout == f"{expected}\n", done.stderr


@pytest.mark.skipif(not seccomp.is_there(), reason="no filter of system calls on this machine")
def test_where_no_host_was_declared_the_kernel_lets_native_code_and_programs_have_no_network(place: Place) -> None:
    sockets = LIBC + (
        "import socket\n"
        "result = {name: [libc.socket(family, kind, 0), ctypes.get_errno()] for name, family, kind in ("
        "('tcp', 2, 1), ('udp', 2, 2), ('udp6', 10, 2), ('packet', 17, 3), ('vsock', 40, 1))}\n"
        "result['uring'] = [libc.syscall(425, 1, ctypes.create_string_buffer(120)), ctypes.get_errno()]\n"
        "result['local'] = socket.socketpair()[0].fileno()\n"
        "result['netlink'] = libc.socket(16, 3, 0)"
    )
    found = place.attempt({"it": sockets}).result("it")
    assert isinstance(found, dict)
    assert found.pop("local") >= 0
    assert found.pop("netlink") >= 0
    assert set(found) == {"tcp", "udp", "udp6", "packet", "vsock", "uring"}
    for name, answer in found.items():
        assert answer == [-1, errno.EACCES], name
    program = (
        "import subprocess, sys; code = 'import socket; socket.socket(type=socket.SOCK_DGRAM)'\n"
        "result = subprocess.run([sys.executable, '-I', '-c', code], capture_output=True).stderr.decode()"
    )
    assert "PermissionError" in str(place.attempt({"it": program}, granted=Granted(subprocess=True)).result("it"))
    declared = place.attempt({"it": sockets}, granted=Granted(network=("api.example.org",))).result("it")
    assert isinstance(declared, dict)
    assert declared["udp"][0] >= 0


@pytest.mark.skipif(landlock.version() < 6, reason="this kernel's Landlock does not know signals")
def test_the_kernel_lets_native_code_send_no_signals(place: Place) -> None:
    signal = LIBC + "result = [libc.kill(os.getppid(), 0), ctypes.get_errno()]"
    assert place.attempt({"it": signal}).result("it") == [-1, errno.EPERM]


def test_permissions_are_not_enforced_beside_threads_that_would_keep_theirs() -> None:
    code = (
        "import threading\nfrom pathlib import Path\n"
        "from twinviewer.isolation.permissions import Granted, enforce\n"
        "threading.Thread(target=threading.Event().wait, daemon=True).start()\n"
        "enforce(Granted(), plugin_folder=Path('.'), writable=[Path('.')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 1
    assert "before threads are started" in done.stderr

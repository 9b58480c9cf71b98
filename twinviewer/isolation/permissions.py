"""Holds a plugin's process to what its manifest declares.

Two rings.  An **audit hook** (PEP 578) sees what Python code does and refuses it with a sentence that says what the
manifest lacks; native code, and Python code that sets out to deceive it, can go round it.  **Landlock**, where the
kernel has it, holds the whole process, native code and the programs that it starts included, to the same folders; a
filter of system calls takes the network away where no host is declared.  What is guaranteed where is in
``docs/plugins/isolation.md``.
"""

from __future__ import annotations

import errno
import os
import socket
import sys
import tempfile
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from twinviewer.isolation import landlock, seccomp
from twinviewer.isolation.hosts import Hosts, address, as_text

MOST_REFUSALS_TOLD = 20
"""So many different refusals of one process are told; whoever tries more has been understood."""

_WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_SYSTEM_FOLDERS = {
    "linux": (
        *("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix/store", "/gnu/store", "/snap"),
        *("/sys", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"),
        *(
            "/run/systemd/resolve",
            "/run/NetworkManager",
            "/run/resolvconf",
            "/var/cache/fontconfig",
            "/var/lib/ca-certificates",
        ),
    ),
    "darwin": (
        "/System",
        "/Library",
        "/usr",
        "/bin",
        "/sbin",
        "/opt",
        "/etc",
        "/private/etc",
        "/var/db/timezone",
        "/dev",
    ),
    "win32": tuple(
        os.environ.get(name, "") for name in ("SystemRoot", "ProgramFiles", "ProgramFiles(x86)", "ProgramW6432")
    ),
}
_PROCESSES = "/proc"
_OF_OWN_PROCESS = ("/proc/self", "/proc/thread-self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys")
_FONT_FOLDERS = ("~/.fonts", "~/.local/share/fonts", "~/Library/Fonts")
_NAMED_BY_ENVIRONMENT = ("SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "TZDIR")
_KEPT_BY_LIBRARIES = ("XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_STATE_HOME", "MPLCONFIGDIR")
"""Matplotlib's list of fonts, for example: they would ask for the person's home otherwise."""
_STARTS_A_PROGRAM = (
    *("subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"),
    *("os.startfile", "os.startfile/2", "pty.spawn", "webbrowser.open", "_winapi.CreateProcess"),
)
_CHANGES_THE_REGISTRY = (
    *("winreg.CreateKey", "winreg.DeleteKey", "winreg.DeleteValue", "winreg.SetValue", "winreg.SaveKey"),
    *("winreg.LoadKey", "winreg.ConnectRegistry"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What a plugin may do beyond its own folders: ``[permissions]`` of its manifest."""

    network: tuple[str, ...] = ()
    """Hosts, see :class:`twinviewer.isolation.hosts.Hosts`."""
    read: tuple[str, ...] = ()
    """Folders and files; ``~`` is the person's home."""
    write: tuple[str, ...] = ()
    """Folders and files; they may be read, too."""
    subprocess: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Something that was refused."""

    problem: str
    """“It may not read “/home/ada/.ssh/id_rsa”.”"""
    cure: str
    """What the manifest would have to say."""


class PermissionRefused(PermissionError):
    """What a plugin gets where its manifest does not ask for what it does."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(errno.EACCES, refusal.problem)
        self.refusal = refusal

    def __str__(self) -> str:
        return f"{self.refusal.problem} {self.refusal.cure}"


def enforce(
    granted: Granted,
    *,
    plugin_folder: Path,
    writable: Sequence[Path],
    readable: Sequence[Path] = (),
    on_refusal: Callable[[Refusal], None] = lambda refusal: None,
) -> landlock.Restricted:
    """Hold this process to what is granted, for good.

    Call it on the main thread, after importing what the worker itself needs, before any other thread is started (the
    kernel holds this thread and those that descend from it) and before the plugin's code is imported.  The working
    folder and temporary files move into the first of ``writable``, caches of libraries into the last.

    Args:
        granted: What the manifest declares and the person accepted.
        plugin_folder: May be read.
        writable: The scratch folder first, the plugin's data folder last; they exist.
        readable: What else this process was started for, such as the file that a reader is to read.
        on_refusal: Hears of each different refusal once, on the thread where it happened, whether or not the plugin
            lets the error through.

    Returns:
        What the kernel sees to; nothing where it has no Landlock.

    Raises:
        RuntimeError: Other threads of Python's are running.
    """
    if threading.active_count() > 1:
        raise RuntimeError("Permissions are enforced before threads are started: those would keep all of theirs.")
    may_write = [*writable, *(_made(_expanded(each)) for each in granted.write)]
    system = [*_system(), plugin_folder, *readable, *map(_expanded, granted.read)]
    hosts = Hosts([*granted.network, *(_proxies() if granted.network else ())])
    os.chdir(writable[0])
    tempfile.tempdir = str(writable[0])
    for name in ("TMPDIR", "TEMP", "TMP"):
        os.environ[name] = str(writable[0])
    for name in _KEPT_BY_LIBRARIES:
        os.environ[name] = str(writable[-1])
    sys.dont_write_bytecode = True
    hosts.watch_answers()
    has_no_network = not granted.network and seccomp.is_there()
    hook = _Hook(
        readable=[*system, *map(Path, _OF_OWN_PROCESS)],
        writable=[*may_write, Path(os.devnull)],
        hosts=hosts,
        subprocess=granted.subprocess,
        has_no_network=has_no_network,
        on_refusal=on_refusal,
    )
    restricted = landlock.restrict(
        readable=[*system, Path(_PROCESSES)],
        writable=[*(_existing(each) for each in may_write), Path(os.devnull)],
        executable=granted.subprocess,
        tcp=bool(granted.network),
    )
    if has_no_network:
        restricted = replace(restricted, network=seccomp.give_up_network())
    sys.addaudithook(hook)
    return restricted


class _Hook:
    """Answers the events of the interpreter; see “Audit events table” in Python's documentation."""

    def __init__(
        self,
        *,
        readable: Iterable[Path],
        writable: Iterable[Path],
        hosts: Hosts,
        subprocess: bool,
        has_no_network: bool,
        on_refusal: Callable[[Refusal], None],
    ) -> None:
        self._writable = tuple({_resolved(str(each)) for each in writable})
        self._readable = (*self._writable, *{_resolved(str(each)) for each in readable}, f"/proc/{os.getpid()}")
        self._hosts = hosts
        self._subprocess = subprocess
        self._has_no_network = has_no_network
        self._on_refusal = on_refusal
        self._told: set[str] = set()
        self._answers: dict[str, Callable[..., None]] = {
            "open": self._open,
            "os.listdir": self._read,
            "os.scandir": self._read,
            "os.chdir": self._read,
            "os.getxattr": self._read,
            "os.listxattr": self._read,
            "os.mkdir": lambda path, mode, folder=-1: self._change(path, folder),
            "os.remove": self._change,
            "os.rmdir": self._change,
            "os.rename": lambda old, new, old_in=-1, new_in=-1: self._change_both(old, old_in, new, new_in),
            "os.link": lambda old, new, old_in=-1, new_in=-1: self._change_both(old, old_in, new, new_in),
            "os.symlink": lambda target, path, folder=-1: self._change(path, folder),
            "os.truncate": lambda path, length: self._write(path),
            "os.chmod": lambda path, mode, folder=-1: self._write(path, folder),
            "os.chown": lambda path, user, group, folder=-1: self._write(path, folder),
            "os.utime": lambda path, times, ns, folder=-1: self._write(path, folder),
            "os.chflags": lambda path, flags: self._write(path),
            "os.setxattr": lambda path, *rest: self._write(path),
            "os.removexattr": lambda path, *rest: self._write(path),
            "os.kill": lambda process, number: self._signal(process),
            "os.killpg": lambda group, number: self._signal(-1),
            "sqlite3.connect": self._open_database,
            "ctypes.dlopen": self._load_library,
            "socket.__new__": lambda own, family, kind, protocol: self._make_socket(family),
            "socket.connect": self._connect,
            "socket.sendto": self._connect,
            "socket.sendmsg": self._connect,
            "socket.bind": self._bind,
            "socket.getaddrinfo": lambda host, *rest: self._resolve(host),
            "socket.gethostbyname": self._resolve,
            "socket.gethostbyaddr": self._resolve,
            "socket.getnameinfo": lambda remote: self._resolve(remote[0]),
            "socket.sethostname": lambda name: self._never("rename the machine"),
            **dict.fromkeys(_STARTS_A_PROGRAM, self._start_program),
            **dict.fromkeys(_CHANGES_THE_REGISTRY, lambda *rest: self._never("change the registry")),
        }

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        answer = self._answers.get(event)
        if answer is not None:
            answer(*arguments)

    def _open(self, path: Any, mode: Any, flags: Any) -> None:
        if (isinstance(flags, int) and flags & _WRITING) or (isinstance(mode, str) and set(mode) & set("wxa+")):
            self._write(path)
        else:
            self._read(path)

    def _read(self, path: Any, *rest: Any) -> None:
        place = _place(path)
        if place is None or _is_within(place, self._readable) or not os.path.lexists(place):
            return  # what is not there fails by itself, with the error that libraries expect
        self._refuse(f"read “{place}”", f'read = ["{_as_declared(place)}"]')

    def _write(self, path: Any, folder: Any = -1) -> None:
        place = _place(path, folder)
        if place is not None and not _is_within(place, self._writable):
            self._refuse(f"write to “{place}”", f'write = ["{_as_declared(os.path.dirname(place))}"]')

    def _change(self, path: Any, folder: Any = -1) -> None:
        """Refuse to make, move or remove an entry of a folder; what a link points to does not matter."""
        place = _place(path, folder, of_entry=True)
        if place is not None and not _is_within(place, self._writable):
            self._refuse(f"change “{place}”", f'write = ["{_as_declared(os.path.dirname(place))}"]')

    def _change_both(self, old: Any, old_in: Any, new: Any, new_in: Any) -> None:
        self._change(old, old_in)
        self._change(new, new_in)

    def _open_database(self, database: Any) -> None:
        name = os.fsdecode(database)
        query: dict[str, list[str]] = {}
        if name.startswith("file:"):
            parts = urllib.parse.urlsplit(name)
            name, query = urllib.parse.unquote(parts.path), urllib.parse.parse_qs(parts.query)
        if name in ("", ":memory:") or query.get("mode") == ["memory"]:
            return
        if query.get("mode") == ["ro"]:
            self._read(name)
        else:
            self._write(name)

    def _load_library(self, name: Any) -> None:
        if name is not None and os.path.dirname(os.fsdecode(name)):
            self._read(name)  # without a folder it is one of the system's

    def _signal(self, process: int) -> None:
        if process != os.getpid() and not self._subprocess:
            self._never("send signals to other processes")

    def _start_program(self, *rest: Any) -> None:
        if not self._subprocess:
            self._refuse("start other programs", "subprocess = true")

    def _make_socket(self, family: int) -> None:
        network = {socket.AF_INET, socket.AF_INET6}
        if family in network and self._has_no_network:  # the kernel refuses it, and says less
            self._refuse("use the network", 'network = ["the.host"]')
        usual = network | {getattr(socket, "AF_UNIX", socket.AF_INET)}
        if family not in usual and not self._hosts.any:
            self._refuse(f"use sockets of the family {int(family)}", 'network = ["*"]')

    def _connect(self, own: socket.socket, remote: Any) -> None:
        if remote is None:
            return  # a message through a connection that was made before
        if not isinstance(remote, tuple):
            self._reach_local_service(remote)
            return
        host = as_text(remote[0])
        if not self._hosts.may_reach(host) and not self._hosts.is_own(remote):
            self._refuse_host(host)

    def _bind(self, own: socket.socket, local: Any) -> None:
        if not isinstance(local, tuple):
            if os.fsdecode(local):
                self._reach_local_service(local)
            return
        host = as_text(local[0])
        found = address(host)
        if self._hosts.may_listen(host):
            return
        if found is not None and found.is_loopback and local[1] == 0:
            self._hosts.listens(own)
            return
        self._refuse(
            f"listen at “{host or '*'}”", f'network = ["{"localhost" if found and found.is_loopback else "*"}"]'
        )

    def _reach_local_service(self, path: Any) -> None:
        if isinstance(path, str | bytes) and os.fsencode(path)[:1] != b"\0":
            self._write(path)
        elif not self._hosts.any:
            self._refuse("use services of this machine", 'network = ["*"]')

    def _resolve(self, host: Any) -> None:
        name = as_text(host)
        if not self._hosts.may_resolve(name):
            self._refuse_host(name)

    def _refuse_host(self, host: str) -> None:
        found = address(host)
        local = found is not None and (found.is_loopback or found.is_unspecified)
        self._refuse(f"reach “{host}”", f'network = ["{"localhost" if local else host}"]')

    def _refuse(self, what: str, lacks: str) -> None:
        self._raise(Refusal(problem=f"It may not {what}.", cure=f"Its plugin.toml lacks {lacks} under [permissions]."))

    def _never(self, what: str) -> None:
        self._raise(Refusal(problem=f"It may not {what}.", cure="A plugin in a process of its own never may."))

    def _raise(self, refusal: Refusal) -> None:
        if refusal.problem not in self._told and len(self._told) < MOST_REFUSALS_TOLD:
            self._told.add(refusal.problem)
            self._on_refusal(refusal)
        raise PermissionRefused(refusal)


def _place(path: Any, folder: Any = -1, *, of_entry: bool = False) -> str | None:
    """Return where ``path`` leads, links followed; None for an open file, and for what no file can be called."""
    if isinstance(path, int) or path is None:
        return None
    name = os.fsdecode(path)
    if isinstance(folder, int) and folder >= 0 and not os.path.isabs(name) and sys.platform == "linux":
        name = os.path.join(os.readlink(f"/proc/self/fd/{folder}"), name)
    last = os.path.basename(name)
    try:
        if of_entry and last not in ("", os.curdir, os.pardir):
            return os.path.join(_resolved(os.path.dirname(name) or os.curdir), os.path.normcase(last))
        return _resolved(name)
    except ValueError:
        return None  # a zero byte: the call itself says so


def _resolved(path: str) -> str:
    return os.path.normcase(os.path.realpath(path))


def _is_within(place: str, roots: Iterable[str]) -> bool:
    return any(place == root or place.startswith(root.rstrip(os.sep) + os.sep) for root in roots)


def _as_declared(place: str) -> str:
    home = _resolved(os.path.expanduser("~"))
    below = _is_within(place, [home])
    return (f"~{place.removeprefix(home)}" if below else place).replace(os.sep, "/")


def _expanded(text: str) -> Path:
    """Return a path of a manifest; where nobody has a home, ``~`` is a name like others."""
    return Path(os.path.expanduser(text))


def _made(path: Path) -> Path:
    """Make a folder that was declared and does not exist: the kernel can give leave only for what is there."""
    if not path.exists() and not path.suffix:
        path.mkdir(parents=True, exist_ok=True)
    return path


def _existing(path: Path) -> Path:
    """Return the path, or the folder of a file that is to be made."""
    return path if path.exists() else path.parent


def _system() -> list[Path]:
    """Return what every program reads: the interpreter, its libraries, the system's, fonts and certificates."""
    home = _resolved(os.path.expanduser("~"))
    modules = (each for each in sys.path if each and not _is_within(home, [_resolved(each)]))
    interpreter = (sys.prefix, sys.base_prefix, sys.exec_prefix, sys.base_exec_prefix, *modules)
    named = (os.environ.get(name, "") for name in _NAMED_BY_ENVIRONMENT)
    ours = str(Path(__file__).resolve().parents[1])  # sys.path may hold no more than a link to it
    program = (sys.executable,) if getattr(sys, "frozen", False) else ()  # it holds the modules that are imported late
    folders = (*interpreter, *program, ours, *_SYSTEM_FOLDERS.get(sys.platform, ()), *named)
    return [*(Path(each) for each in folders if each), *map(_expanded, _FONT_FOLDERS)]


def _proxies() -> Iterable[str]:
    """Return the hosts through which the person's programs reach the network."""
    from urllib.request import getproxies  # with all of HTTP and TLS, which most plugins do without

    for url in getproxies().values():
        host = urllib.parse.urlsplit(url if "//" in url else f"//{url}").hostname
        if host:
            yield host

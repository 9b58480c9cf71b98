"""Processes of the program's own: a module of the package with an interpreter to itself, from source and frozen.

Spawned, never forked, and not through ``multiprocessing``, so that a script without a main guard works.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import twinviewer
from twinviewer.app.folders import cache_dir
from twinviewer.app.plugins.secret_values import ENVIRONMENT_PREFIX
from twinviewer.model.errors import PluginError

WORKER_FLAG = "--worker"
"""With it a frozen program is no viewer but the module that is named after it."""
_TRIAL = "twinviewer.app.plugins.conformance.trial"
_MODULES = ("twinviewer.formats.worker", "twinviewer.demo", "twinviewer.isolation.worker", _TRIAL)


def spawn(
    module: str,
    *arguments: str,
    python: Path | None = None,
    pass_fds: Sequence[int] = (),
    environment: Mapping[str, str] | None = None,
    own_session: bool = False,
) -> subprocess.Popen[bytes]:
    """Start a module as a process with pipes to it.

    Args:
        module: One that runs with ``python -m``; nothing of the user's working folder shadows what it imports.
        arguments: Its command line.
        python: An interpreter of another environment, which gets this package and none of its libraries; None: ours.
        pass_fds: Files that it inherits, where the system can do so.
        environment: Its variables; None: ours.  Those that hold secrets of plugins are left out.
        own_session: Whether it leads a group of its own, so that it can be ended with the programs that it started.

    Raises:
        PluginError: Another interpreter cannot get this package: the program is frozen.
    """
    assert module in _MODULES
    inherited = os.environ.get("PYTHONPATH")
    if python is not None:
        command, homes = [str(python), "-P", "-m", module], [str(_package_alone())]
    elif is_frozen():
        command, homes = [sys.executable, WORKER_FLAG, module], []
    else:
        # -P: the working folder may hold anything, a numpy.py for example
        command = [sys.executable, "-P", "-m", module]
        homes = [str(Path(twinviewer.__file__).resolve().parent.parent), *([inherited] if inherited else [])]
    return subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={
            **_without_secrets(os.environ if environment is None else environment),
            "PYTHONPATH": os.pathsep.join(homes),
        },
        pass_fds=pass_fds,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        start_new_session=own_session,
    )


def end_in_words(status: int | None) -> str:
    """Return how a process ended by itself, as the end of a sentence: ``crashed (SIGSEGV)``.

    Args:
        status: As :class:`subprocess.Popen` has it; None where nobody knows.
    """
    if status is not None and status < 0:
        known = -status in list(signal.Signals)
        if known and -status == signal.SIGKILL:
            return "was killed by the system (SIGKILL), probably because memory ran out"
        return f"crashed ({signal.Signals(-status).name})" if known else "crashed"
    return f"ended itself (exit status {status})"


def _without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if not name.startswith(ENVIRONMENT_PREFIX)}


def is_frozen() -> bool:
    return bool(getattr(sys, "frozen", False))


def _package_alone() -> Path:
    """Return a folder in which this package is all that can be imported: a link to it in the cache."""
    if is_frozen():
        raise PluginError(
            "This packaged program has no source code that the Python of another environment could import.",
            cure="Install twinviewer with pip to use plugins that require libraries of their own.",
        )
    package = Path(twinviewer.__file__).resolve().parent
    folder = cache_dir() / "package-alone" / hashlib.sha256(str(package).encode()).hexdigest()[:16]
    link = folder / package.name
    if not link.exists():
        folder.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # another program made it meanwhile
            _link_folder(link, package)
    return folder


def _link_folder(link: Path, target: Path) -> None:
    if sys.platform == "win32":
        import _winapi  # only there; a junction, unlike a link, needs no privilege

        _winapi.CreateJunction(str(target), str(link))
    else:
        link.symlink_to(target, target_is_directory=True)


def run_spawned(arguments: Sequence[str]) -> int:
    """Be the process that :func:`spawn` started: what a frozen program does with what follows ``WORKER_FLAG``."""
    if arguments[:1] == ["twinviewer.demo"]:
        from twinviewer.demo.__main__ import main as make_town  # the reading worker must not wait for its imports

        return make_town(arguments[1:])
    if arguments[:1] == ["twinviewer.isolation.worker"]:
        from twinviewer.isolation.worker import main as run_plugin

        return run_plugin(list(arguments[1:]))
    if arguments[:1] == [_TRIAL]:
        from twinviewer.app.plugins.conformance.trial import main as try_plugin

        return try_plugin(arguments[1:])
    from twinviewer.formats.worker import main as answer_requests

    return answer_requests(arguments[1:])

"""Environments of plugins that require libraries: made when first needed, kept in the cache, shared by equal ones.

An environment is a folder named after what is required, the Python and the machine.  It is made where it stays (an
environment cannot be moved) under a lock, and marked when it is complete; one without the mark is made anew.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from twinviewer.app.folders import cache_dir
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.pip_running import interpreter_in, make_environment
from twinviewer.model.errors import PluginError
from twinviewer.model.feedback import Feedback

_log = logging.getLogger(__name__)

UNUSED_AFTER_DAYS = 90
_WORKER_REQUIRES = ("numpy>=1.26",)
"""What twinviewer's own side in the plugin's process needs."""
_MARK = "complete.json"
_LOOK_S = 0.05


def environment_for(plugin: Plugin, feedback: Feedback) -> Path:
    """Return the interpreter of the environment that has what the plugin requires; it is made where there is none.

    Args:
        plugin: One with requirements.
        feedback: Hears how far it is, and stops it within a quarter of a second.

    Raises:
        PluginError: It cannot be made: no network, no such version, no Python, no room.
        Cancelled: The person stopped it.
    """
    folder = _folder(plugin.requirements)
    if _is_complete(folder):
        (folder / _MARK).touch()  # it is in use: see remove_unused
        return interpreter_in(folder)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with _locked(folder, feedback):
            if not _is_complete(folder):  # else somebody else made it meanwhile
                _make(folder, plugin.requirements, feedback)
    except PluginError as error:
        error.source = plugin.name
        raise
    except OSError as error:
        raise PluginError(
            f"The environment of the plugin could not be made: {error.strerror or error}.",
            cure="Check that the folder of the cache has room and can be written to.",
            source=plugin.name,
        ) from error
    remove_unused()
    return interpreter_in(folder)


def is_ready(plugin: Plugin) -> bool:
    """Return whether the plugin requires nothing, or its environment is there."""
    return not plugin.requirements or _is_complete(_folder(plugin.requirements))


def remove_environment(requirements: Sequence[str], *, still_used: Collection[Sequence[str]]) -> bool:
    """Remove the environment of a plugin that was removed, unless others use it; return whether one was removed."""
    folder = _folder(requirements)
    if any(_folder(each) == folder for each in still_used):
        return False
    return _remove(folder)


def remove_unused() -> int:
    """Remove what nobody has used for long, and what was never completed; return how many that were."""
    oldest = time.time() - UNUSED_AFTER_DAYS * 86400
    removed = 0
    for folder in _root().glob("*/"):
        used = folder / _MARK
        if not used.is_file() or used.stat().st_mtime < oldest:
            removed += _remove(folder)
    return removed


def _make(folder: Path, requirements: Sequence[str], feedback: Feedback) -> None:
    shutil.rmtree(folder, ignore_errors=True)  # what was left half
    for each in requirements:
        _refuse_what_runs_code(each)
    try:
        make_environment(_python(), folder, [*requirements, *_WORKER_REQUIRES], feedback)
        described = {"requires": sorted(requirements), "python": platform.python_version()}
        (folder / _MARK).write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _refuse_what_runs_code(requirement: str) -> None:
    """Refuse sources named by address: building them would run their code with all of the person's permissions."""
    from packaging.requirements import Requirement  # only few plugins require anything

    address = Requirement(requirement).url
    if address is not None and not address.partition("#")[0].endswith(".whl"):
        raise PluginError(
            f"The plugin requires “{requirement}”, which would have to be built here.",
            cure="Ask its author to require a published version or the address of a wheel.",
        )


def _remove(folder: Path) -> bool:
    """Remove an environment, unless it is being made."""
    if not folder.is_dir():
        return False
    with _lock_file(folder) as lock:
        if not _try_lock(lock):
            return False
        (folder / _MARK).unlink(missing_ok=True)  # from now on it is not complete
        shutil.rmtree(folder, ignore_errors=True)
    return not folder.exists()


def _root() -> Path:
    return cache_dir() / "environments"


def _folder(requirements: Sequence[str]) -> Path:
    """Return where the environment is: the same for the same requirements, Python and machine."""
    python = f"{sys.implementation.cache_tag} {sysconfig.get_platform()}"
    told = "\n".join([*sorted(requirements), *_WORKER_REQUIRES, python])
    return _root() / hashlib.sha256(told.encode()).hexdigest()[:20]


def _is_complete(folder: Path) -> bool:
    return (folder / _MARK).is_file() and interpreter_in(folder).exists()


def _python() -> Path:
    """Return an interpreter of this program's version, for an environment.

    Raises:
        PluginError: The program is a stand-alone one, and the machine has no such Python.
    """
    if not getattr(sys, "frozen", False):
        return Path(sys.executable)
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    for name in (f"python{version}", "python3", "python"):
        found = shutil.which(name)
        if found is not None and _version_of(found) == version:
            return Path(found)
    raise PluginError(
        f"The plugin requires libraries, and there is no Python {version} on this machine to put them beside.",
        cure=f"Install Python {version} from python.org, or install twinviewer with pip.",
    )


def _version_of(interpreter: str) -> str:
    ask = "import sys; print(f'{sys.version_info.major}.{sys.version_info.minor}')"
    try:
        return subprocess.run(
            [interpreter, "-I", "-c", ask], capture_output=True, text=True, timeout=10, check=True
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return ""  # a stub that opens a shop, for example


@contextmanager
def _locked(folder: Path, feedback: Feedback) -> Iterator[None]:
    """Wait until nobody else makes the environment: another thread, or another program."""
    with _lock_file(folder) as lock:
        while not _try_lock(lock):
            feedback.progress(0.0, "Waiting: another program makes the same environment")
            feedback.stop_if_cancelled()
            time.sleep(_LOOK_S)
        yield


def _lock_file(folder: Path) -> IO[bytes]:
    return folder.with_suffix(".lock").open("ab")  # closing it gives the lock back


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if os.name == "nt":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True

"""Processes of the program's own: a module of the package with an interpreter to itself, from source and frozen.

Spawned, never forked, and not through ``multiprocessing``, so that a script without a main guard works.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import twinviewer

WORKER_FLAG = "--worker"
"""With it a frozen program is no viewer but the module that is named after it."""
_MODULES = ("twinviewer.formats.worker", "twinviewer.demo")


def spawn(module: str, *arguments: str) -> subprocess.Popen[bytes]:
    """Start a module as a process with pipes to it.

    Args:
        module: One that runs with ``python -m``; nothing of the user's working folder shadows what it imports.
        arguments: Its command line.
    """
    assert module in _MODULES
    if getattr(sys, "frozen", False):
        command = [sys.executable, WORKER_FLAG, module]
    else:
        # -P: the working folder may hold anything, a numpy.py for example
        command = [sys.executable, "-P", "-m", module]
    home = str(Path(twinviewer.__file__).resolve().parent.parent)
    inherited = os.environ.get("PYTHONPATH")
    return subprocess.Popen(
        [*command, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([home, inherited] if inherited else [home])},
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )


def run_spawned(arguments: Sequence[str]) -> int:
    """Be the process that :func:`spawn` started: what a frozen program does with what follows ``WORKER_FLAG``."""
    if arguments[:1] == ["twinviewer.demo"]:
        from twinviewer.demo.__main__ import main as make_town  # the reading worker must not wait for its imports

        return make_town(arguments[1:])
    from twinviewer.formats.worker import main as answer_requests

    return answer_requests()

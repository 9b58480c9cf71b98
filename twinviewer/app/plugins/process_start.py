"""How the process of a plugin is started: with which interpreter and variables, and bound to the end of this one."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.spawning import spawn
from twinviewer.model.errors import PluginError

_FRUGAL = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
"""Libraries start no thread for each processor, and threads share memory to allocate from."""
_starting = threading.Lock()
"""One at a time: starting a process keeps the interpreter until the other one has begun, and the thread that draws must
get its turn between two of them."""


def start_process(plugin: Plugin, python: Path | None) -> tuple[subprocess.Popen[bytes], int | None]:
    """Start the process; return it, and the end of the pipe that closes with this one, where the system uses one.

    Raises:
        PluginError: It cannot be started.
    """
    theirs, ours = os.pipe() if sys.platform == "linux" else (None, None)
    try:
        with _starting:
            process = spawn(
                "twinviewer.isolation.worker",
                *([] if theirs is None else [str(theirs)]),
                python=python,
                pass_fds=[] if theirs is None else [theirs],
                environment={**os.environ, **_FRUGAL},
                own_session=True,
            )
    except BaseException as error:
        if ours is not None:
            os.close(ours)
        if not isinstance(error, OSError):
            raise
        raise PluginError(
            f"The process of “{plugin.name}” cannot be started ({error.strerror or error}).",
            cure="Install the plugin again, or close other programs.",
            source=plugin.name,
        ) from error
    finally:
        if theirs is not None:
            os.close(theirs)
    return process, ours

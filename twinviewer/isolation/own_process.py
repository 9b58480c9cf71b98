"""What a process that runs foreign code does to itself first: where its output goes, and what ends it."""

from __future__ import annotations

import os
import signal
import sys
from typing import BinaryIO

_F_SETSIG = 10  # fcntl(2); the module does not name it


def take_pipes() -> tuple[BinaryIO, BinaryIO]:
    """Keep stdin and stdout for messages; give libraries an empty stdin, and stderr for what they print."""
    inbox, outbox = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return inbox, outbox


def leave_interrupts() -> None:
    """Let Ctrl+C be for the viewer; its end ends this process too."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def limit_core_dumps() -> None:
    if sys.platform != "win32":
        import resource  # only there

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limit_memory(limit: int) -> None:
    """Let allocations fail beyond ``limit`` bytes of addresses."""
    if sys.platform == "linux":  # macOS does not enforce it
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (limit, resource.getrlimit(resource.RLIMIT_AS)[1]))


def die_with(pipe: int) -> None:
    """Have the kernel end this process when the other end of ``pipe`` closes, even where C code keeps the interpreter.

    Nothing may ever be written to that pipe.  Only Linux does this.
    """
    if sys.platform == "linux":
        import fcntl  # only there

        fcntl.fcntl(pipe, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(pipe, _F_SETSIG, signal.SIGKILL)
        fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_ASYNC)


def yield_to_viewer() -> None:
    """Let the viewer have the processor first."""
    if sys.platform != "win32":
        os.nice(5)

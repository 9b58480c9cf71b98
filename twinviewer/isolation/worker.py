"""The process of a plugin: ``python -m twinviewer.isolation.worker``.

The first message says whose it is and what it may do.  Each call runs on a thread of its own, so that a feed and an
encode function do not wait for each other.  What the plugin prints goes to stderr, which the viewer keeps.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import sys
import threading
import warnings
from pathlib import Path
from typing import TYPE_CHECKING

from twinviewer.isolation import own_process
from twinviewer.isolation.frames import receive

if TYPE_CHECKING:  # see main
    from twinviewer.isolation.permissions import Refusal
    from twinviewer.isolation.protocol import Channel

_ALIVE_EVERY_S = 0.5
_ORPHAN_S = 2.0
"""Where C code keeps the interpreter and the viewer is gone, this process ends so much later than the viewer would
have ended it."""


def main(arguments: list[str]) -> int:
    """Answer calls until the viewer closes the pipe.

    Args:
        arguments: The number of a pipe that closes with the viewer, where the system can use one.
    """
    own_process.leave_interrupts()
    if arguments:
        own_process.die_with(int(arguments[0]))
    own_process.yield_to_viewer()
    inbox, outbox = own_process.take_pipes()
    faulthandler.enable(2)
    warnings.simplefilter("default", DeprecationWarning)  # for the author: it goes into the plugin's log
    own_process.limit_core_dumps()
    start = receive(inbox)
    if start is None:
        return 0
    own_process.limit_memory(int(start["memory_limit"]))

    from twinviewer.isolation.permissions import Granted, enforce  # with the standard library only

    refusals: queue.SimpleQueue[Refusal] = queue.SimpleQueue()
    folders = [Path(folder) for folder in start["folders"]]
    granted = start["granted"]
    restricted = enforce(
        Granted(
            network=tuple(granted["network"]),
            read=tuple(granted["read"]),
            write=tuple(granted["write"]),
            subprocess=bool(granted["subprocess"]),
        ),
        plugin_folder=Path(start["code"]["folder"]),
        writable=[folders[-1], *folders[:-1], Path(start["data_folder"])],
        on_refusal=refusals.put,  # it is told by another thread: this one may be sending something
    )
    # Numpy comes under the limit and the permissions, too: in an environment of the plugin's it is the plugin's.
    from twinviewer.isolation.calls import Calls
    from twinviewer.isolation.protocol import Channel

    channel = Channel(inbox, outbox, folders, side="plugin")
    calls = Calls(channel, start["code"])
    threading.Thread(target=_show_life, args=(channel, float(start["silence_limit_s"]), refusals), daemon=True).start()
    channel.send("ready", kernel_holds=repr(restricted))
    calls.listen()
    return 0


def _show_life(channel: Channel, silence_limit_s: float, refusals: queue.SimpleQueue[Refusal]) -> None:
    """Tell the viewer that the interpreter runs, and what was refused.

    Where the interpreter does not run, this process ends with a traceback.
    """
    while True:
        faulthandler.dump_traceback_later(silence_limit_s + _ORPHAN_S, exit=True)
        try:
            channel.send("alive")
            with contextlib.suppress(queue.Empty):
                refusal = refusals.get(timeout=_ALIVE_EVERY_S)
                channel.send("refused", problem=refusal.problem, cure=refusal.cure)
        except OSError:
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

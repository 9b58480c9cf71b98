"""A plugin that is reloaded again and again, as its author saves, leaves nothing behind."""

from __future__ import annotations

import gc
import os
import sys
import threading
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.app.live_plugins import eventually, write_plugin
from tests.crowding import allowed_s
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.plugins.reloading import require_python
from twinviewer.model.errors import PluginError

ECHO = """
import numpy as np

HELD = np.ones(250_000)


def feed(*, values):
    return values, values + 1
"""


def held(me: psutil.Process) -> set[object]:
    """Return what a plugin may leave with this process, beside open files."""
    gc.collect()
    return {
        *me.children(recursive=True),
        *Path("/dev/shm").glob(f"twinviewer-{os.getpid()}-*/*"),
        *(name for name in sys.modules if "again" in name),
        *(thread for thread in threading.enumerate() if "again" in thread.name),
    }


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc and /dev/shm")
@pytest.mark.parametrize(("isolated", "times"), [(True, 8), (False, 40)])
def test_nothing_is_left_of_the_plugin_s_former_lives(tmp_path: Path, isolated: bool, times: int) -> None:
    write_plugin(tmp_path, "again", ECHO, isolated=isolated)
    registry, me = PluginRegistry(folders=[tmp_path]), psutil.Process()
    sent = np.arange(200_000.0)

    def live() -> None:
        _, more = registry.call("again.it", "code:feed", {"values": sent}, check=lambda result: result)
        assert more[-1] == 200_000.0
        assert held(me) - before, "it has a module here, or a process"
        registry.reload("again")

    before, files = held(me), me.num_fds()
    try:
        live()
        memory = me.memory_info().rss
        for _ in range(times):
            live()
        assert eventually(lambda: held(me) <= before and me.num_fds() <= files, within_s=allowed_s(10)), (
            held(me) - before,
            me.num_fds(),
            files,
        )
        if not isolated:
            assert me.memory_info().rss - memory < times * 1e6, "each life held 2 MB"
    finally:
        registry.close()


@pytest.mark.parametrize(
    ("saved", "place"), [(b"a = 1\nb = (\n", "code.py:2"), (b"\0", "code.py"), (b"\xff\xfe", "code.py")]
)
def test_what_was_saved_half_is_told_with_the_line_where_there_is_one(tmp_path: Path, saved: bytes, place: str) -> None:
    (tmp_path / "code.py").write_bytes(saved)
    with pytest.raises(PluginError) as caught:
        require_python(tmp_path)
    assert caught.value.source in (place, f"{place}:1")
    assert caught.value.cure

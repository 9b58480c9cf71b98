"""Who can tell that a file made the program do what opening a file must never do."""

from __future__ import annotations

import ctypes
import os
import socket
import threading
from contextlib import suppress
from pathlib import Path


class Watch:
    """Says whether anybody opened a file, by the kernel's own word (inotify)."""

    IN_ACCESS, IN_OPEN, IN_NONBLOCK = 0x1, 0x20, 0o4000

    def __init__(self, path: Path) -> None:
        libc = ctypes.CDLL(None, use_errno=True)
        self._handle = libc.inotify_init1(self.IN_NONBLOCK)
        assert libc.inotify_add_watch(self._handle, str(path).encode(), self.IN_ACCESS | self.IN_OPEN) >= 0

    def saw_something(self) -> bool:
        try:
            return len(os.read(self._handle, 4096)) > 0
        except BlockingIOError:
            return False

    def close(self) -> None:
        os.close(self._handle)


class Ear:
    """A port of this machine that notes whoever knocks."""

    def __init__(self) -> None:
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._socket.settimeout(0.05)
        self.port = self._socket.getsockname()[1]
        self.heard = 0
        self._closed = False
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def _listen(self) -> None:
        while not self._closed:
            with suppress(TimeoutError):
                connection, _ = self._socket.accept()
                self.heard += 1
                connection.close()

    def close(self) -> None:
        self._closed = True
        self._thread.join()
        self._socket.close()

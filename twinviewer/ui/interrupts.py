"""Ctrl+C in the terminal: the first closes the window as its button does, the next ends the process at once.

Python hears of a signal only when it runs, and Qt waits in C; a socket that the signal writes to wakes it.
"""

from __future__ import annotations

import signal
import socket
from collections.abc import Callable
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, QTimer


class Interrupts(QObject):
    """Calls ``close`` at the first SIGINT, until :meth:`end`.

    After the first one the system's own way is back: a second one ends the process, whatever it is doing, and the
    journal offers what was open at the next start.
    """

    def __init__(self, close: Callable[[], object], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.heard = False
        self._close = close
        self._bell, self._striker = socket.socketpair()
        for end in (self._bell, self._striker):
            end.setblocking(False)
        self._notifier = QSocketNotifier(self._bell.fileno(), QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._wake)
        self._before = signal.signal(signal.SIGINT, self._hear)
        self._woken_before = signal.set_wakeup_fd(self._striker.fileno(), warn_on_full_buffer=False)

    def end(self) -> None:
        """Leave signals as they were."""
        signal.set_wakeup_fd(self._woken_before)
        signal.signal(signal.SIGINT, self._before)
        self._notifier.setEnabled(False)
        self._bell.close()
        self._striker.close()

    def _wake(self) -> None:
        self._bell.recv(64)  # that Python runs at all is what lets it call _hear

    def _hear(self, number: int, frame: FrameType | None) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        self.heard = True
        QTimer.singleShot(0, self, self._ask_to_close)

    def _ask_to_close(self) -> None:
        self._close()

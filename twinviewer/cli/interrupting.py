"""Ctrl+C while VTK is being imported: a KeyboardInterrupt in the midst of it makes the next import crash."""

from __future__ import annotations

import signal


def end_at_once_when_interrupted() -> None:
    """Let Ctrl+C end the process as the system does it, until somebody else listens for it (the window, once open)."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)

"""The process that makes the demo city: ``python -m twinviewer.demo FOLDER BUILDINGS SEED``.

It is a process of its own because planning a town is minutes of Python at worst, which would hold up the window.  It
tells its progress on stdout, a JSON object per line, and ends when stdin does: with whoever started it.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from twinviewer.demo.plan import plan_town
from twinviewer.demo.writing import write_town
from twinviewer.model.feedback import PartOf, Silent

_TELL_EVERY_S = 0.05
_PLANNING = 0.3
"""Of the whole."""


class _Told(Silent):
    """Feedback to whoever reads stdout.  Being cancelled is being killed."""

    def __init__(self) -> None:
        self._told_at = 0.0
        self._text = ""

    def progress(self, fraction: float, text: str = "") -> None:
        now = time.monotonic()
        if now - self._told_at >= _TELL_EVERY_S or (text and text != self._text):
            self._told_at, self._text = now, text or self._text
            _tell({"progress": round(fraction, 4), "text": self._text})


def _tell(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


def _end_with_stdin() -> None:
    while os.read(0, 4096):  # not through sys.stdin: its lock would be held when the program ends
        pass
    os._exit(1)  # whoever started this is gone, or wants it no more


def main(arguments: Sequence[str]) -> int:
    """Make the town; return the exit status."""
    folder, buildings, seed = Path(arguments[0]), int(arguments[1]), int(arguments[2])
    threading.Thread(target=_end_with_stdin, daemon=True).start()
    feedback = _Told()
    feedback.progress(0.0, "Planning the town")
    town = plan_town(buildings=buildings, seed=seed, feedback=PartOf(feedback, 0.0, _PLANNING))
    try:
        write_town(town, folder, seed=seed, feedback=PartOf(feedback, _PLANNING, 1.0))
    except OSError as error:
        _tell({"problem": error.strerror or str(error)})
        return 1
    _tell({"done": True})
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

"""The log: a rotating file in the profile, without secrets, and a file for the last words of a crash."""

from __future__ import annotations

import faulthandler
import logging
import logging.handlers
import re
import sys
from collections import deque
from pathlib import Path

from twinviewer.app.folders import state_dir
from twinviewer.app.plugins.secret_values import without_secrets

_SECRETS = (
    (re.compile(r"(\w+://)[^/\s:@]+(:[^/\s@]*)?@"), r"\1…@"),  # user-info of a URL
    (
        re.compile(r"(?i)\b(password|passwd|token|secret|api[_-]?key|authorization)(\s*[=:]\s*)(bearer\s+)?[^\s,;&]+"),
        r"\1\2…",
    ),
)


def redacted(text: str) -> str:
    """Return ``text`` without passwords, tokens and user-info of URLs, and without any secret of a plugin."""
    text = without_secrets(text)
    for pattern, replacement in _SECRETS:
        text = pattern.sub(replacement, text)
    return text


class RedactingFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return redacted(super().format(record))


class RecentLines(logging.Handler):
    """The last lines of the log, for the log panel."""

    def __init__(self, limit: int = 1000) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=limit)
        self.count = 0
        """Lines ever written: tells a reader whether there is something new."""

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))
        self.count += 1


recent_lines = RecentLines()


def log_dir() -> Path:
    """Return the folder of the log, and of what is left of a crash."""
    return state_dir() / "log"


def start_logging(*, debug: bool = False) -> None:
    """Write the log to the profile, and to stderr with ``debug``."""
    formatter = RedactingFormatter("%(asctime)s %(levelname)s %(name)s: %(message)s")
    handlers: list[logging.Handler] = [recent_lines]
    try:
        folder = log_dir()
        folder.mkdir(exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                folder / "twinviewer.log", maxBytes=2_000_000, backupCount=3, encoding="utf-8", delay=True
            )
        )
        faulthandler.enable((folder / "crash.log").open("a"), all_threads=True)
    except OSError as error:  # a full or read-only disk: the log gives way first
        sys.stderr.write(f"twinviewer: the log is not kept ({error.strerror})\n")
    if debug:
        handlers.append(logging.StreamHandler())
    root = logging.getLogger()
    for handler in (*root.handlers,):
        root.removeHandler(handler)
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    logging.getLogger("twinviewer").setLevel(logging.DEBUG if debug else logging.INFO)
    logging.captureWarnings(capture=True)
    logging.raiseExceptions = debug  # where the disk is full, lines are lost and nothing else

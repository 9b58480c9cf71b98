"""Where to find what ships beside the code: assets and bundled plugins, from source, from a wheel and frozen."""

from __future__ import annotations

import sys
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def _root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen)
    shipped = _PACKAGE / "_shipped"
    return shipped if shipped.is_dir() else _PACKAGE.parent


def asset(name: str) -> Path:
    """Return the path of ``assets/<name>``."""
    return _root() / "assets" / name


def bundled_plugins() -> Path:
    """Return the folder that holds one folder per bundled plugin."""
    return _root() / "plugins"

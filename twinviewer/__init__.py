"""twinviewer: an interactive desktop viewer for local digital twins of cities.

``import twinviewer as tv`` gives :func:`read`, :func:`read_layers`, :func:`write` and :func:`open`;
``docs/python.md`` shows them.  Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinviewer.app import commands
    from twinviewer.model.errors import TwinViewerError
    from twinviewer.scripting import ScriptSession, open, read, read_layers, write  # noqa: A004 – as tv.open, like PIL and rasterio have it

__version__ = "0.1.0"
__all__ = ["ScriptSession", "TwinViewerError", "__version__", "commands", "open", "read", "read_layers", "write"]

_HOMES = {
    "ScriptSession": "twinviewer.scripting",
    "open": "twinviewer.scripting",
    "read": "twinviewer.scripting",
    "read_layers": "twinviewer.scripting",
    "write": "twinviewer.scripting",
    "TwinViewerError": "twinviewer.model.errors",
}


def __getattr__(name: str) -> Any:
    if name == "commands":
        return importlib.import_module("twinviewer.app.commands")
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

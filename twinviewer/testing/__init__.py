"""Testing a plugin without a window: one plugin, a small town, recorded observations, pictures as arrays.

For authors; part of what is promised (docs/plugins/testing.md), like ``twinviewer.api``.  pytest finds the fixtures
``plugin_under_test`` and ``town`` by itself.  Nothing is imported before it is asked for.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twinviewer.testing.pictures import picture
    from twinviewer.testing.places import bare_places, small_town
    from twinviewer.testing.plugin import PluginUnderTest, open_plugin
    from twinviewer.testing.recordings import record, replay

_HOMES = {
    "PluginUnderTest": "twinviewer.testing.plugin",
    "bare_places": "twinviewer.testing.places",
    "open_plugin": "twinviewer.testing.plugin",
    "picture": "twinviewer.testing.pictures",
    "record": "twinviewer.testing.recordings",
    "replay": "twinviewer.testing.recordings",
    "small_town": "twinviewer.testing.places",
}
__all__ = ["PluginUnderTest", "bare_places", "open_plugin", "picture", "record", "replay", "small_town"]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(_HOMES[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

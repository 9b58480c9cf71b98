"""Plugins with one fault each, planted, so that a test can ask whether it is found."""

from __future__ import annotations

from pathlib import Path

MANIFEST = """api = 1
id = "faulty"
name = "Faulty"
version = "1.0"
licence = "{licence}"
description = "{description}"
{tables}"""

OVERLAY = """
[[overlays]]
id = "faulty.{id}"
title = "{name} (simulated)"
feed = "code:feed{feed}"
encode = "code:{name}"
period_s = 1
simulated = true
"""

CODE = '''"""Feeds and encodes, each with a fault of its own."""

import threading, random, time, sys, os
import numpy as np
from twinviewer.api import Labels, MovementBatch, ObservationBatch, ObservedProperty, PlaceGlyphs, GlyphShape, Thing

LEVEL = ObservedProperty(name="Level", unit="m")
kept = []
calls = [0]


def feed(*, site, start, end, feedback):
    """Return a level of one gauge at each full second."""
    x, y, z = site.extent.centre
    times = np.arange(np.ceil(start.timestamp()), end.timestamp())
    things = (Thing(id="gauge", name="Gauge", position=(x, y, z)),)
    rows = np.zeros(len(times), np.int32)
    return [ObservationBatch(property=LEVEL, things=things, thing=rows, phenomenon_time_s=times, results=times % 7)]


def pins(frame, results=None):
    return PlaceGlyphs(shape=GlyphShape.PIN, positions=frame.positions, size_m=9.0, ids=[t.id for t in frame.things])
'''


def write_plugin(
    folder: Path,
    *,
    tables: str = "",
    code: str = "",
    licence: str = "CC0-1.0",
    description: str = "Has faults.",
) -> Path:
    """Write a plugin as a plain folder; return it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = MANIFEST.format(tables=tables, licence=licence, description=description)
    (folder / "plugin.toml").write_text(text)
    (folder / "README.md").write_text("# Faulty\n")
    (folder / "code.py").write_text(CODE + code)
    return folder


def overlays(folder: Path, faults: dict[str, str], feeds: dict[str, str] | None = None) -> Path:
    """Write a plugin with an overlay per fault: the body of an encode by its name, and of a feed where it has one."""
    feeds = feeds or {}
    tables = "".join(
        OVERLAY.format(id=name.replace("_", "-"), name=name, feed=f"_{name}" if name in feeds else "")
        for name in faults
    )
    code = "".join(
        f'\n\ndef {name}(*, frames, site):\n    """Draw."""\n{_indented(body)}' for name, body in faults.items()
    )
    code += "".join(
        f'\n\ndef feed_{name}(*, site, start, end, feedback):\n    """Say."""\n{_indented(body)}'
        for name, body in feeds.items()
    )
    return write_plugin(folder, tables=tables, code=code)


def _indented(body: str) -> str:
    return "".join(f"    {line}\n" for line in body.strip().splitlines())

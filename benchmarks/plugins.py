"""What plugins cost that are installed and not used: nothing of them is imported at the start."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.rows import Row, interleaved_s, process_s

TIMES = 7
COUNT = 50
ALLOWED_S = 0.1
"""For all of them together."""

_START = """
import os, sys
os.environ["TWINVIEWER_PROFILE_DIR"] = sys.argv[1]
from twinviewer.ui.application import Program, make_application
application = make_application()
program = Program()
program.window.show()
application.processEvents()
print(len(program.registry.plugins), flush=True)
program.end()
"""
_MANIFEST = """api = 1
id = "plugin-{number}"
name = "Plugin {number}"
version = "1.0.0"
licence = "CC0-1.0"
description = "One of many."

[permissions]
network = ["api.example.org"]

[[settings]]
key = "rate"
title = "Rate"
type = "number"
default = 1.0
minimum = 0.0
maximum = 10.0

[[overlays]]
id = "plugin-{number}.overlay"
title = "Overlay {number}"
feed = "code:feed"
encode = "code:encode"
period_s = 1

[[readers]]
id = "plugin-{number}.reader"
title = "Format {number}"
patterns = ["*.format{number}"]
read = "code:read"

[[analyses]]
id = "plugin-{number}.analysis"
title = "Analysis {number}"
analyse = "code:analyse"

[[commands]]
id = "plugin-{number}.command"
title = "Command {number}"
run = "code:run"
"""


def start_rows() -> Iterator[Row]:
    """Compare the start with 50 installed plugins with the start without any."""
    with tempfile.TemporaryDirectory() as none, tempfile.TemporaryDirectory() as many:
        for number in range(COUNT):
            folder = Path(many, "data", "plugins", f"plugin-{number}")
            folder.mkdir(parents=True)
            (folder / "plugin.toml").write_text(_MANIFEST.format(number=number))
            (folder / "code.py").write_text("raise RuntimeError('imported before it was used')\n")
        process_s(_START, none)
        many_s, none_s = interleaved_s(lambda: process_s(_START, many), lambda: process_s(_START, none), times=TIMES)
        yield Row(
            title=f"start with {COUNT} plugins, above none",
            ours_s=max(0.0, many_s - none_s),
            peer="what is allowed for all of them",
            peer_s=ALLOWED_S,
            target=1.0,
        )

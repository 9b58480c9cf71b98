"""Whether an overlay's feed is still the same after its plugin was changed: then what it told so far stays true."""

from __future__ import annotations

import os
import re
from pathlib import Path

from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.manifest import OverlayContribution


def feed_fingerprint(plugin: Plugin, overlay: OverlayContribution) -> object:
    """Return a value that stays equal as long as neither the feed nor anything that it may use changes.

    That is the manifest's words about it and all Python code of the plugin but the encode function.
    """
    folder = Path(plugin.code.folder)
    encode_module, encode = overlay.encode.split(":")
    code = {}
    for file in _code_files(folder):
        name = str(file.relative_to(folder))
        is_encode = file.with_suffix("") == folder.joinpath(*encode_module.split("."))
        try:
            text = file.read_text("utf-8", errors="replace")
        except OSError:  # it is told when the code is used
            text = ""
        code[name] = _without(text, encode) if is_encode else text
    words = overlay.model_dump(exclude={"title", "description", "encode", "default_on"})
    return words, code


def _code_files(folder: Path) -> list[Path]:
    """Return the plugin's own Python files; not those of libraries that an environment in its folder holds."""
    found = []
    for directory, inner, files in os.walk(folder):
        inner[:] = sorted(name for name in inner if not name.startswith((".", "_")) and name != "site-packages")
        found += [Path(directory) / name for name in sorted(files) if name.endswith(".py")]
    return found


def _without(code: str, function: str) -> str:
    """Return the lines of a module but for those of one of its functions, blank ones and comments.

    By the look of the lines: ``ast`` of Python 3.11 fails now and then where several threads use it.
    """
    head = re.compile(rf"(async\s+)?def\s+{re.escape(function)}\b")
    kept = []
    inside = False
    for line in code.splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        if not line[0].isspace() and line[0] not in ")]}":
            inside = head.match(line) is not None
        if not inside:
            kept.append(line)
    return "\n".join(kept)

"""Files whose reader crashes, hangs, lies or does what it should: see ``tests/fake_plugins/fates``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.conftest import ROOT
from twinviewer.api.importing import CodeLocation, package_name
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest

FOLDER = ROOT / "tests" / "fake_plugins"
CODE = CodeLocation(package=package_name("fates", FOLDER / "fates"), folder=str(FOLDER / "fates"))


def fate(folder: Path, what: str, *, name: str = "file.fate", **more: Any) -> Path:
    """Write a file whose reader meets the fate ``what``."""
    path = folder / name
    path.write_text(json.dumps({"fate": what, **more}))
    return path


def request(path: Path, **more: Any) -> ReadRequest:
    """Return what asks a worker to read such a file as it is."""
    return ReadRequest(reader=FunctionOfPlugin(reference="fates:read", code=CODE), path=str(path), **more)

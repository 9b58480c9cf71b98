"""Plugins, ours first, use nothing of the program but ``twinviewer.api``."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT
from twinviewer import api

MODULES = sorted((ROOT / "plugins").rglob("*.py"))
MAY_USE = sys.stdlib_module_names | {"numpy"}


def imports_of(path: Path) -> set[str]:
    """Return the full names of the modules that a file imports, relative ones left out."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            found.add(str(node.module))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_bundled_plugin_imports_the_api_numpy_and_its_own_modules(path: Path) -> None:
    foreign = {name for name in imports_of(path) if name.partition(".")[0] not in MAY_USE and name != "twinviewer.api"}
    assert foreign == set()


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_bundled_plugin_uses_only_names_that_the_api_promises(path: Path) -> None:
    used = {
        name.name
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ImportFrom) and node.module == "twinviewer.api"
        for name in node.names
    }
    assert used <= set(api.__all__)


def test_there_are_bundled_plugins_to_check() -> None:
    assert {path.parent.name for path in MODULES} >= {"air_quality", "traffic"}

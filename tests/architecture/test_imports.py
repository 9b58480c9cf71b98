"""ARCHITECTURE.md's table of packages, held by import-linter and by a look at the code."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import ROOT

PACKAGE = ROOT / "twinviewer"
SOURCES = sorted(PACKAGE.rglob("*.py"))


def test_imports_point_down() -> None:
    """In a process of its own: it imports what it looks at, and here Qt and VTK are out of reach."""
    done = subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_below_scene_and_ui_everything_can_be_imported_without_qt_and_vtk() -> None:
    modules = [
        ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        for path in SOURCES
        if path.relative_to(PACKAGE).parts[0] not in ("ui", "scene", "cli") and path.name != "__main__.py"
    ]
    script = (
        "import importlib, sys, tests.headless\n"
        f"for name in {modules!r}: importlib.import_module(name)\n"
        "print(sorted(tests.headless.OUT_OF_REACH & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"


def calls_of(tree: ast.AST) -> set[str]:
    """Return what is called, as it is written: ``pickle.loads``, ``eval``."""
    return {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}


FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "os.system", "os.popen", "os.fork", "yaml.load"}
FORBIDDEN_MODULES = {
    "pickle",
    "marshal",
    "shelve",
    "dill",
    "cloudpickle",
    "joblib",
    "multiprocessing",
    "ftplib",
    "telnetlib",
}
FORBIDDEN_KEYWORDS = {
    ("verify", False),
    ("shell", True),
    ("allow_pickle", True),
    ("check_hostname", False),
    ("resolve_entities", True),
    ("load_dtd", True),
    ("no_network", False),
}


@pytest.mark.parametrize(
    "path", [*SOURCES, *sorted((ROOT / "plugins").rglob("*.py"))], ids=lambda path: str(path.relative_to(ROOT))
)
def test_opening_is_reading_never_running(path: Path) -> None:
    """No code from data, no shell, TLS verified: section 7 of the reliability goals, by the look of the code."""
    tree = ast.parse(path.read_text())
    assert calls_of(tree) & FORBIDDEN_CALLS == set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            assert {name.name.partition(".")[0] for name in node.names} & FORBIDDEN_MODULES == set()
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            assert str(node.module).partition(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.keyword) and isinstance(node.value, ast.Constant):
            assert (node.arg, node.value.value) not in FORBIDDEN_KEYWORDS
        elif isinstance(node, ast.Attribute):
            assert node.attr not in ("tls_insecure_set", "_create_unverified_context")


def test_every_module_says_what_only_it_knows() -> None:
    silent = [str(path.relative_to(ROOT)) for path in SOURCES if not ast.get_docstring(ast.parse(path.read_text()))]
    assert silent == []

"""A pytest plugin that puts Qt and VTK out of reach: what runs under it needs neither.

``pytest -p no:pytest-qt -p tests.headless tests/model …``
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from types import ModuleType

import pytest

OUT_OF_REACH = {"PySide6", "shiboken6", "pyvista", "pyvistaqt", "vtk", "vtkmodules"}


class _Refuse:
    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if name.partition(".")[0] in OUT_OF_REACH:
            raise ModuleNotFoundError(f"{name} is out of reach here: this package must work without it", name=name)
        return None


sys.meta_path.insert(0, _Refuse())


def pytest_addoption(parser: pytest.Parser) -> None:
    for name in ("qt_api", "qt_log_level_fail"):  # pytest-qt's own, so that the strict configuration knows them
        parser.addini(name, "unused here")

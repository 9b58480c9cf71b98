"""How ``"module:function"`` in a manifest becomes a function, in the app and in a worker process alike.

A plugin's folder is imported as a package of its own under a name that nothing else has, so that two plugins may
both have a ``feed.py``, and ``sys.path`` stays as it is.  Inside a plugin, modules import each other relatively:
``from .stations import place``.
"""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import re
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib.machinery import ModuleSpec
from pathlib import Path
from typing import Any

from twinviewer.model.errors import PluginError

_lock = threading.RLock()
_PREFIX = "_twinviewer_plugin_"


@dataclass(frozen=True, slots=True, kw_only=True)
class CodeLocation:
    """Where the modules of a plugin are; plain text, so that it can be sent to a worker process."""

    package: str
    """Import name: ``twinviewer.formats``, or one made by :func:`package_name`."""
    folder: str
    """Folder of the modules."""

    @property
    def is_folder(self) -> bool:
        """Whether it is a plain folder, and no package that Python finds by itself."""
        return self.package.startswith(_PREFIX)


def package_name(plugin_id: str, folder: Path) -> str:
    """Return the import name of a plugin that is a plain folder; the same for the same id and folder."""
    words = re.sub(r"\W", "_", f"{plugin_id}_{folder.resolve()}")
    return f"{_PREFIX}{words}"


def import_function(reference: str, *, code: CodeLocation) -> Callable[..., Any]:
    """Import the function that ``reference`` names.

    Args:
        reference: ``"module:function"``, the module named as seen from the plugin's own folder; an installed
            package may name it in full.
        code: Where the plugin's modules are.

    Raises:
        PluginError: There is no such module or function.
        Exception: Whatever the plugin's module raises while it is imported.
    """
    module_name, _, function_name = reference.partition(":")
    module_name = module_name.removeprefix(f"{code.package}.")
    with _lock:
        _import_package(code)
        full_name = f"{code.package}.{module_name}"
        if not _is_there(full_name):
            raise PluginError(
                f"There is no module “{module_name}” for “{reference}”.",
                cure=f"Put {module_name.replace('.', '/')}.py into the plugin's folder, or correct plugin.toml.",
                source=code.folder,
            )
        module = importlib.import_module(full_name)
    function = getattr(module, function_name, None)
    if not callable(function):
        raise PluginError(
            f"The module “{module_name}” has no function “{function_name}”.",
            cure=f"Define it there, or correct “{reference}” in plugin.toml.",
            source=code.folder,
        )
    imported: Callable[..., Any] = function
    return imported


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ModuleNotFoundError as error:
        if f"{module}.".startswith(f"{error.name}."):
            return False
        raise  # it is the plugin's own package that needs something which is not there


def _import_package(code: CodeLocation) -> None:
    """Make the plugin's package known; its ``__init__.py`` is run where there is one."""
    if code.package in sys.modules:
        return
    if not code.is_folder:
        importlib.import_module(code.package)
        return
    start = Path(code.folder, "__init__.py")
    spec = importlib.util.spec_from_file_location(code.package, start) if start.exists() else None
    if spec is None:
        spec = ModuleSpec(code.package, None, is_package=True)
    spec.submodule_search_locations = [code.folder]
    package = importlib.util.module_from_spec(spec)
    sys.modules[code.package] = package
    if spec.loader is not None:
        try:
            spec.loader.exec_module(package)
        except BaseException:
            del sys.modules[code.package]
            raise


def forget_code(code: CodeLocation) -> None:
    """Forget the modules of a plugin that were imported here; what is imported next is read from its files anew."""
    with _lock:
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{code.package}.")]:
            del sys.modules[name]
        # A file that is changed twice in one second without changing its size would be taken for the compiled one.
        for compiled in Path(code.folder).rglob("__pycache__/*.pyc"):
            with contextlib.suppress(OSError):  # somebody else's folder: there, the compiled files are left alone
                compiled.unlink()
        importlib.invalidate_caches()

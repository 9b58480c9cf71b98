"""Where a plugin's functions run: in the viewer's process, or in one of the plugin's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twinviewer.api.importing import forget_code, import_function
from twinviewer.app.plugins.failures import in_words
from twinviewer.app.plugins.finding import Plugin
from twinviewer.model.errors import PluginError, TwinViewerError


class Caller(Protocol):
    """Runs functions of plugins.  Safe from any thread; a call blocks the thread that makes it."""

    def call(self, plugin: Plugin, reference: str, arguments: Mapping[str, Any]) -> Any:
        """Return what the function returned.

        Raises:
            PluginError: There is no such function, its module fails while it is imported, or its process died.
            Exception: Whatever the function raised.
        """

    def forget(self, plugin: Plugin) -> None:
        """Forget the plugin's code: it was changed, switched off or removed.  What is called next is read anew."""


class InProcess:
    """Imports a plugin's code into this process and calls it on the caller's thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._functions: dict[str, tuple[Plugin, dict[str, Callable[..., Any]]]] = {}

    def call(self, plugin: Plugin, reference: str, arguments: Mapping[str, Any]) -> Any:
        return self.load(plugin, reference)(**arguments)

    def load(self, plugin: Plugin, reference: str) -> Callable[..., Any]:
        """Return the function, imported when it is first asked for.

        Raises:
            PluginError: There is no such function, or its module fails while it is imported.
        """
        with self._lock:
            held, functions = self._functions.get(plugin.id, (None, {}))
            if held is not plugin:  # it was reloaded
                functions = {}
                self._functions[plugin.id] = (plugin, functions)
            function = functions.get(reference)
        if function is None:
            try:
                function = import_function(reference, code=plugin.code)
            except (TwinViewerError, KeyboardInterrupt):
                raise
            except BaseException as error:
                raise PluginError(
                    f"“{plugin.name}” cannot be loaded: {in_words(error)}.",
                    cure="Update or remove the plugin; the log has the details for its author.",
                    source=plugin.id,
                ) from error
            with self._lock:
                functions[reference] = function
        return function

    def forget(self, plugin: Plugin) -> None:
        with self._lock:
            self._functions.pop(plugin.id, None)
        forget_code(plugin.code)

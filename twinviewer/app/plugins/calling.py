"""Where a plugin's functions run: in the viewer's process, or in one of the plugin's own."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from twinviewer.api.importing import forget_code, import_function
from twinviewer.app.plugins.failures import RaisedInPlugin, in_words
from twinviewer.app.plugins.finding import Plugin
from twinviewer.app.plugins.manifest import (
    CommandContribution,
    OverlayContribution,
    PanelContribution,
)
from twinviewer.app.plugins.processes import PluginProcesses
from twinviewer.isolation.protocol import TooLargeError
from twinviewer.model.errors import PluginError, TwinViewerError, error_class
from twinviewer.model.feedback import Cancelled


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


class Isolated:
    """Has a plugin's functions called in a process of its own.

    Args:
        processes: Where they run.
    """

    def __init__(self, processes: PluginProcesses) -> None:
        self._processes = processes

    def call(self, plugin: Plugin, reference: str, arguments: Mapping[str, Any]) -> Any:
        try:
            answer = self._processes.call(plugin, reference, arguments, limit_s=time_limit_s(plugin, reference))
        except (TypeError, TooLargeError) as error:
            raise PluginError(
                f"“{plugin.name}” cannot be called: {error}.",
                cure="It runs in a process of its own, which not every value can be handed to.",
                source=plugin.name,
            ) from error
        if "failure" in answer:
            raise _as_error(answer, plugin)
        return answer["value"]

    def forget(self, plugin: Plugin) -> None:
        self._processes.end(plugin.id)


def time_limit_s(plugin: Plugin, reference: str) -> float | None:
    """Return how long a function may take: ``call_s`` of the manifest for what must be quick, else None."""
    quick: set[str] = set()
    for contribution in plugin.manifest.contributions:
        match contribution:
            case OverlayContribution():
                quick |= {contribution.feed, contribution.encode}
            case PanelContribution():
                quick.add(contribution.show)
            case CommandContribution():
                quick.add(contribution.run)
    return plugin.manifest.limits.call_s if reference in quick else None


def _as_error(answer: Mapping[str, Any], plugin: Plugin) -> BaseException:
    """Return what failed in a plugin's process as the exception that it would have been here."""
    details = str(answer.get("details", ""))
    error: BaseException
    match answer["failure"]:
        case "cancelled":
            return Cancelled()
        case "told":
            error = error_class(answer["code"])(answer["problem"], cure=answer["cure"], source=answer["source"])
        case "memory":
            error = PluginError(
                f"“{plugin.name}” needs more memory than the {plugin.manifest.limits.memory_mb} MB that it may use.",
                cure="Its plugin.toml can allow it more with memory_mb under [limits].",
                source=plugin.name,
            )
        case "unfit":
            error = PluginError(
                f"What “{plugin.name}” returned does not fit the contract: {answer['text']}.",
                cure="Correct the plugin; docs/plugins.md has the contract.",
                source=plugin.name,
            )
        case _:
            error = RaisedInPlugin(str(answer["type"]), str(answer["text"]))
            if answer.get("importing"):
                error = PluginError(
                    f"“{plugin.name}” cannot be loaded: {in_words(error)}.",
                    cure="Update or remove the plugin; the log has the details for its author.",
                    source=plugin.id,
                )
    if details:
        error.add_note(details)
    return error

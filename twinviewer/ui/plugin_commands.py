"""Commands of plugins as actions of the window: with shortcuts, as long as these are free."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QWidget

from twinviewer.app.plugins.manifest import CommandContribution
from twinviewer.app.plugins.registry import PluginRegistry

_log = logging.getLogger(__name__)

_STANDARD_KEYS = (
    QKeySequence.StandardKey.Copy,
    QKeySequence.StandardKey.Cut,
    QKeySequence.StandardKey.Paste,
    QKeySequence.StandardKey.SelectAll,
    QKeySequence.StandardKey.Undo,
    QKeySequence.StandardKey.Redo,
    QKeySequence.StandardKey.Close,
    QKeySequence.StandardKey.HelpContents,
)


def free_keys(wanted: str, taken: Iterable[str]) -> str:
    """Return the keys in their usual spelling; empty where they are none, would be typed as text, or are taken."""
    keys = QKeySequence(wanted)
    text = keys.toString(QKeySequence.SequenceFormat.PortableText)
    if keys.count() != 1 or not text.isprintable() or text in taken:
        return ""
    first = text.split("+")
    has_modifier = bool({"Ctrl", "Alt", "Meta"}.intersection(first[:-1]))
    is_function_key = first[-1].startswith("F") and first[-1][1:].isdigit()
    standard = {key.toString() for each in _STANDARD_KEYS for key in QKeySequence.keyBindings(each)}
    return text if (has_modifier or is_function_key) and text not in standard else ""


class PluginCommands(QObject):
    """One action per command that plugins contribute.

    Args:
        window: Whose shortcuts they are.
        registry: Where commands come from.
        taken: Returns the shortcuts of the window's own commands.
        run: Runs the command of that id.
    """

    def __init__(
        self,
        window: QWidget,
        *,
        registry: PluginRegistry,
        taken: Callable[[], Iterable[str]],
        run: Callable[[str], object],
    ) -> None:
        super().__init__(window)
        self._window, self._registry, self._taken, self._run = window, registry, taken, run
        self.actions: dict[str, QAction] = {}
        self._commands: dict[str, CommandContribution] = {}
        self.renew()

    def renew(self) -> None:
        """Bring the actions in line with the commands that there are."""
        commands = {command.id: command for command in self._registry.commands}
        for gone in [
            command_id for command_id in self.actions if self._commands[command_id] != commands.get(command_id)
        ]:
            action = self.actions.pop(gone)
            self._window.removeAction(action)
            action.deleteLater()
        taken = {QKeySequence(keys).toString(QKeySequence.SequenceFormat.PortableText) for keys in self._taken()}
        taken |= {
            action.shortcut().toString(QKeySequence.SequenceFormat.PortableText) for action in self.actions.values()
        }
        for command in commands.values():
            if command.id not in self.actions:
                self.actions[command.id] = action = self._made(command, taken)
                taken.add(action.shortcut().toString(QKeySequence.SequenceFormat.PortableText))
                self._window.addAction(action)
        self._commands = commands

    def keys_of(self, command_id: str) -> str:
        """Return a command's shortcut as this system writes it; empty where it has none."""
        return self.actions[command_id].shortcut().toString(QKeySequence.SequenceFormat.NativeText)

    def _made(self, command: CommandContribution, taken: Iterable[str]) -> QAction:
        action = QAction(command.title.replace("&", "&&"), self)
        action.setObjectName(command.id)
        plugin = self._registry.plugin_of(command.id).name
        tip = command.description or f"A command of the plugin “{plugin}”."
        action.setStatusTip(tip)
        if command.keys:
            keys = free_keys(command.keys, taken)
            if keys:
                action.setShortcut(QKeySequence(keys))
                tip = f"{tip} ({action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)})"
            else:
                _log.warning(
                    "The shortcut %s of the command %s (%s) is not used: it is taken, or no shortcut.",
                    command.keys,
                    command.id,
                    plugin,
                )
        action.setToolTip(tip)
        action.triggered.connect(lambda *_: self._run(command.id))
        return action

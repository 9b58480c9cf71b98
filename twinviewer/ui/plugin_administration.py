"""Between the registry of plugins and the window: the Plugins panel, consent, settings, and what fails."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QCheckBox, QFileDialog, QMessageBox

from twinviewer.app.log import recent_lines
from twinviewer.app.plugins.failures import FailureRecord
from twinviewer.app.plugins.finding import Plugin, PluginOrigin
from twinviewer.app.plugins.health import PluginHealth, health_of, log_of
from twinviewer.app.plugins.manifest import FILE_NAME
from twinviewer.app.plugins.permission_words import permissions_in_words, request_in_words
from twinviewer.app.plugins.registry import PluginChange, PluginEvent
from twinviewer.app.plugins.secret_values import read_secret
from twinviewer.model.diagnostics import Severity
from twinviewer.model.errors import PluginError, TwinViewerError
from twinviewer.model.feedback import Feedback
from twinviewer.ui.plugin_log_dialog import PluginLogDialog
from twinviewer.ui.plugin_settings_dialog import PluginSettingsDialog

if TYPE_CHECKING:
    from twinviewer.app.plugins.installing import Prepared
    from twinviewer.ui.main_window import MainWindow

T = TypeVar("T")
SOURCES = "Plugins (plugin.toml *.whl *.zip *.tar.gz *.tgz *.tar.xz *.tar.bz2);;All files (*)"
_ANSWERED = {
    PluginEvent.ACCEPTED,
    PluginEvent.WENT,
    PluginEvent.DISABLED,
    PluginEvent.RELOADED,
}


class PluginAdministration(QObject):
    """Shows how plugins fare, and does what the person asks for."""

    def __init__(self, window: MainWindow) -> None:
        super().__init__(window)
        self._window = window
        self._registry = window.services.registry
        self._panel, self._bar = window.panels.plugins, window.consent_bar
        panel = self._panel
        panel.look_asked.connect(self.look)
        panel.enable_asked.connect(self.set_enabled)
        panel.consent_asked.connect(self.accept)
        panel.settings_asked.connect(self.ask_for_settings)
        panel.log_asked.connect(self.show_log)
        panel.folder_asked.connect(self.open_folder)
        panel.remove_asked.connect(self.ask_to_remove)
        panel.install_asked.connect(self.ask_what_to_install)
        panel.switch_on_asked.connect(self.switch_on)
        self._bar.allowed.connect(self.accept)
        self._bar.details_asked.connect(self.show_plugin)
        self._stop_hearing = self._registry.on_change(self._hear)

    def close(self) -> None:
        self._stop_hearing()

    # What is shown. ------------------------------------------------------------------------------

    def show_plugin(self, plugin_id: str) -> None:
        """Show the panel with the details of a plugin."""
        self._window.docks.show("plugins")
        self.look()
        self._panel.choose(plugin_id)

    def look(self) -> None:
        """Show how plugins fare now."""
        self._panel.show_plugins(
            [(plugin, self._health(plugin)) for plugin in sorted(self._registry.plugins, key=_rank)],
            refused=self._registry.problems,
            safe_mode=self._registry.safe_mode,
        )

    def show_log(self, plugin_id: str) -> None:
        plugin = self._registry.plugin(plugin_id)
        dialog = PluginLogDialog(plugin.name, lambda: self._log_of(plugin), self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def show_failure(self, record: FailureRecord) -> None:
        """Tell of a contribution's first failure and of its being switched off; the list of problems has one line."""
        plugin_id = record.contribution_id.partition(".")[0]
        cure = (
            "Switch it on again in the Plugins panel, or update the plugin." if record.disabled else record.error.cure
        )
        self._window.services.problems.add_error(
            PluginError(record.sentence, cure=cure, source=record.plugin_name),
            subject=record.contribution_id,
            count=record.count,
        )
        if (record.count > 1 and not record.disabled) or self._window.program.is_presenting:
            return
        actions: list[tuple[str, Callable[[], None]]] = [("Show log", lambda: self.show_log(plugin_id))]
        if record.disabled:
            actions.append(("Switch on again", lambda: self.switch_on(record.contribution_id)))
        self._window.toasts.show(
            f"{record.plugin_name}: {record.sentence}",
            severity=Severity.ERROR,
            actions=actions,
            about=record.contribution_id,
        )

    def show_refusal(self, plugin_id: str) -> None:
        """Tell what a plugin tried that its manifest does not ask for; of each plugin once, then as a count."""
        refusals = self._registry.processes.refusals(plugin_id)
        if not refusals:
            return  # it was switched off meanwhile
        newest, subject = refusals[-1], f"refused {plugin_id}"
        self._window.services.problems.add_error(newest, subject=subject, count=len(refusals))
        if len(refusals) == 1 and not self._window.program.is_presenting:
            self._window.toasts.show(
                f"{newest.source}: {newest.problem}",
                severity=Severity.WARNING,
                action=("Show", lambda: self.show_plugin(plugin_id)),
                about=subject,
            )

    # What the person asks for. -------------------------------------------------------------------

    def set_enabled(self, plugin_id: str, enabled: bool) -> None:
        self._try(lambda: self._registry.set_enabled(plugin_id, enabled))

    def accept(self, plugin_id: str) -> None:
        self._try(lambda: self._registry.accept(plugin_id))

    def switch_on(self, contribution_id: str) -> None:
        self._try(lambda: self._registry.switch_on(contribution_id))

    def open_folder(self, plugin_id: str) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._registry.plugin(plugin_id).code.folder))

    def ask_for_settings(self, plugin_id: str) -> None:
        """Show the form once it is known which secrets there are: a keyring may first ask the person to unlock it."""
        manifest = self._registry.plugin(plugin_id).manifest
        secrets = [each.key for each in manifest.settings if each.type == "secret"]

        def kept(_: Feedback) -> frozenset[str]:
            return frozenset(key for key in secrets if read_secret(plugin_id, key))

        if secrets:
            self._start("Look into the keyring", kept, lambda found: self._show_settings(plugin_id, found))
        else:
            self._show_settings(plugin_id, frozenset())

    def ask_what_to_install(self) -> None:
        name, _ = QFileDialog.getOpenFileName(self._window, "Install a plugin", "", SOURCES)
        if name:
            self.install(Path(name))

    def install(self, source: Path) -> None:
        """Unpack and check a plugin, ask whether it may do what it asks for, and put it in its place.

        Args:
            source: A wheel, an archive, a folder, or the manifest in a folder, which a file dialog can choose.
        """
        source = source.parent if source.name == FILE_NAME else source
        from twinviewer.app.plugins import installing  # only few starts install anything

        stack = ExitStack()

        def prepare(feedback: Feedback) -> Prepared:
            return stack.enter_context(installing.prepared(source, plugins=self._registry.plugins, feedback=feedback))

        self._start(f"Check {source.name}", prepare, lambda ready: self._ask_to_install(ready, stack))

    def ask_to_remove(self, plugin_id: str) -> None:
        plugin = self._registry.plugin(plugin_id)
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Remove plugin")
        box.setTextFormat(Qt.TextFormat.PlainText)
        box.setText(f"Remove “{plugin.name}”?")
        box.setInformativeText(f"<p>Its folder is deleted:</p><p>{escape(plugin.code.folder)}</p>")
        box.setIcon(QMessageBox.Icon.Question)
        everything = QCheckBox("Also its settings, its secrets and the data that it keeps")
        box.setCheckBox(everything)
        remove = box.addButton("Remove", QMessageBox.ButtonRole.DestructiveRole)
        box.addButton(QMessageBox.StandardButton.Cancel)
        remove.clicked.connect(lambda: self.remove(plugin, purge=everything.isChecked()))
        box.open()

    def remove(self, plugin: Plugin, *, purge: bool) -> None:
        """Remove a plugin's files; its settings, secrets and data stay unless ``purge``."""
        from twinviewer.app.plugins import installing  # only few starts remove anything

        def work(_: Feedback) -> None:
            others = self._registry.plugins
            self._registry.remove(plugin.id)
            try:
                installing.remove(plugin, plugins=others, choices=self._registry.choices)
            except TwinViewerError:
                if Path(plugin.code.folder).is_dir():
                    self._registry.add(Path(plugin.code.folder))
                raise
            if purge:
                installing.purge(plugin, self._registry.settings)

        self._start(f"Remove {plugin.name}", work, lambda _: self._window.toasts.show(f"Removed {plugin.name}"))

    # How it is done. -----------------------------------------------------------------------------

    def _health(self, plugin: Plugin) -> PluginHealth:
        processes = self._registry.processes
        return health_of(
            plugin,
            self._registry,
            process=processes.health(plugin.id),
            restarts=processes.restarts(plugin.id),
            refusals=tuple(error.problem for error in processes.refusals(plugin.id)),
            preparing=self._registry.preparations.of(plugin.id),
        )

    def _log_of(self, plugin: Plugin) -> str:
        own = {contribution.id for contribution in plugin.manifest.contributions}
        return log_of(
            plugin,
            [record for record in self._registry.failures if record.contribution_id in own],
            printed=self._registry.processes.last_words(plugin.id),
            lines=recent_lines.lines,
        )

    def _show_settings(self, plugin_id: str, kept_secrets: frozenset[str]) -> None:
        manifest = self._registry.plugin(plugin_id).manifest
        dialog = PluginSettingsDialog(
            manifest, self._registry.settings.chosen(manifest), kept_secrets=kept_secrets, parent=self._window
        )
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)

        def save(values: dict[str, str | bool | int | float]) -> None:
            self._window.services.runner.start(
                f"Save settings of {manifest.name}",
                lambda _: self._registry.save_settings(plugin_id, values),
                on_done=lambda _: dialog.accept(),
                on_error=lambda error: dialog.show_error(_in_words(error)),
            )

        dialog.save_asked.connect(save)
        dialog.open()

    def _ask_to_install(self, ready: Prepared, stack: ExitStack) -> None:
        plugin = ready.plugin
        box = QMessageBox(self._window)
        box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        box.setWindowTitle("Install plugin")
        box.setIcon(QMessageBox.Icon.Question)
        box.setTextFormat(Qt.TextFormat.PlainText)
        instead = f", in place of version {ready.replaces.manifest.version}" if ready.replaces else ""
        box.setText(f"Install “{plugin.name}” {plugin.manifest.version}{instead}?")
        lines = [plugin.manifest.description, *permissions_in_words(plugin)]
        if plugin.requirements:
            lines.append(f"It gets an environment of its own with {', '.join(plugin.requirements)}.")
        told = [line for line in lines if line] or ["It asks for nothing beyond its own folder."]
        # A message box takes what looks like HTML for it; what a plugin says about itself is to be read as it is.
        box.setInformativeText("".join(f"<p>{escape(line)}</p>" for line in told))
        install = box.addButton("Install", QMessageBox.ButtonRole.AcceptRole)
        box.addButton(QMessageBox.StandardButton.Cancel)

        def answered(_: int) -> None:
            if box.clickedButton() is install:
                self._put_in_place(ready, stack)
            else:
                stack.close()

        box.finished.connect(answered)
        box.open()

    def _put_in_place(self, ready: Prepared, stack: ExitStack) -> None:
        def work(feedback: Feedback) -> Plugin:
            with stack:
                installed = ready.put_in_place(feedback).plugin
            known = {plugin.id for plugin in self._registry.plugins}
            if installed.id in known:
                plugin = self._registry.reload(installed.id)
            else:
                plugin = self._registry.add(Path(installed.code.folder))
            self._registry.accept(plugin.id)  # the person has just seen what it asks for
            return plugin

        def done(plugin: Plugin) -> None:
            self._window.toasts.show(f"Installed {plugin.name}")
            self.show_plugin(plugin.id)

        self._start(f"Install {ready.plugin.name}", work, done)

    def _start(self, title: str, work: Callable[[Feedback], T], done: Callable[[T], None]) -> None:
        self._window.services.runner.start(title, work, on_done=done, on_error=self._tell)

    def _try(self, act: Callable[[], None]) -> None:
        try:
            act()
        except TwinViewerError as error:
            self._tell(error)

    def _tell(self, error: Exception) -> None:
        if isinstance(error, TwinViewerError):
            self._window.projects.tell(error)
        else:
            raise error

    # What it hears. ------------------------------------------------------------------------------

    def _hear(self, change: PluginChange) -> None:
        """Something happened to a plugin; it may be told on any thread."""
        self._window.services.main_thread.deliver(lambda: self._follow(change))

    def _follow(self, change: PluginChange) -> None:
        if change.event is PluginEvent.CONSENT_NEEDED:
            plugin = next((each for each in self._registry.plugins if each.id == change.plugin_id), None)
            if plugin is not None and not self._registry.choices.is_accepted(plugin):
                self._bar.ask(plugin.id, request_in_words(plugin))
        elif change.event is PluginEvent.REFUSED:
            self.show_refusal(change.plugin_id)
        elif change.event in _ANSWERED:
            self._bar.withdraw(change.plugin_id)
        if self._panel.isVisible():
            self.look()


def _rank(plugin: Plugin) -> tuple[int, str]:
    """Return where a plugin stands in the list: the person's own come first, then by name, as the list shows it."""
    own = (PluginOrigin.BUNDLED, PluginOrigin.BUILT_IN).index(plugin.origin) + 1 if plugin.is_trusted else 0
    return own, plugin.name.casefold()


def _in_words(error: Exception) -> str:
    if isinstance(error, TwinViewerError):
        return " ".join(filter(None, (error.problem, error.cure)))
    return "Something in the program failed; the log has the details."

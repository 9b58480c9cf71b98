"""The Plugins panel, the consent bar, the forms of settings and what is told of failures, in the real window."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialogButtonBox, QLineEdit, QMessageBox, QPushButton

from tests.app.live_plugins import write_plugin
from tests.app.plugins.test_settings import InMemory
from twinviewer.app.plugins.failures import FAILURES_IN_A_ROW
from twinviewer.model.errors import PluginError
from twinviewer.ui.plugin_log_dialog import PluginLogDialog
from twinviewer.ui.plugin_settings_dialog import PluginSettingsDialog

MOODY = "def feed(*, fails):\n    if fails: raise ValueError('no battery')\n    return 1"
ASKS = '[permissions]\nnetwork = ["a.org"]'
SETTINGS = """
[[settings]]
key = "host"
title = "Host"
type = "text"
[[settings]]
key = "count"
title = "Count"
type = "integer"
minimum = 1
maximum = 5
default = 2
[[settings]]
key = "token"
title = "Token"
type = "secret"
"""


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before = keyring.get_keyring()
    ring = InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def add(program, folder: Path, code: str = MOODY, *, more: str = "", name: str = "wind") -> None:
    program.registry.add(write_plugin(folder, name, code, more=more))


def call(program, name: str = "wind", **arguments: Any) -> Any:
    return program.registry.call(f"{name}.it", "code:feed", arguments, check=lambda result: result)


def fail(program, times: int) -> None:
    for _ in range(times):
        with pytest.raises(PluginError):
            call(program, fails=True)


def lines(program) -> list[str]:
    return [problem.text for problem in program.problems.problems]


def toast_of(program, about: str):
    return next((each for each in program.window.toasts.shown if each.about == about), None)


def buttons_of(widget) -> dict[str, QPushButton]:
    return {button.text(): button for button in widget.findChildren(QPushButton)}


# --- failures -----------------------------------------------------------------------------------------------------


def test_a_failure_is_told_by_name_and_what_is_switched_off_can_be_switched_on(program, qtbot, tmp_path):
    add(program, tmp_path)
    fail(program, 1)
    qtbot.waitUntil(lambda: toast_of(program, "wind.it") is not None)
    first = toast_of(program, "wind.it")
    assert first.text == "The wind plugin: “It of wind” failed: ValueError: no battery."
    assert set(buttons_of(first)) == {"Show log"}
    fail(program, FAILURES_IN_A_ROW - 1)
    qtbot.waitUntil(lambda: "Switch on again" in buttons_of(toast_of(program, "wind.it")))
    (line,) = lines(program)
    assert line == (
        "The wind plugin: “It of wind” is switched off because it kept failing. ValueError: no battery. (×3)"
    )
    with pytest.raises(PluginError, match="switched off"):
        call(program, fails=False)

    qtbot.mouseClick(buttons_of(toast_of(program, "wind.it"))["Switch on again"], Qt.MouseButton.LeftButton)
    assert call(program, fails=False) == 1


def test_a_thousand_failures_are_one_line_with_a_count_and_few_toasts(program, qtbot, tmp_path, monkeypatch):
    add(program, tmp_path)
    told = []
    monkeypatch.setattr(program.window.toasts, "show", lambda text, **more: told.append(text))
    for number in range(1500):
        if number % 3 == 2:
            call(program, fails=False)
        else:
            fail(program, 1)
    qtbot.waitUntil(lambda: any("×1000" in line for line in lines(program)))
    assert lines(program) == ["The wind plugin: “It of wind” failed: ValueError: no battery. (×1000)"]
    assert told == ["The wind plugin: “It of wind” failed: ValueError: no battery."]


def test_the_log_of_a_plugin_has_its_traceback(program, qtbot, tmp_path):
    add(program, tmp_path)
    fail(program, 1)
    qtbot.waitUntil(lambda: toast_of(program, "wind.it") is not None)
    qtbot.mouseClick(buttons_of(toast_of(program, "wind.it"))["Show log"], Qt.MouseButton.LeftButton)
    (dialog,) = program.window.findChildren(PluginLogDialog)
    assert "raise ValueError('no battery')" in dialog.text.toPlainText()
    dialog.close()


# --- the panel ----------------------------------------------------------------------------------------------------


def test_the_panel_shows_how_plugins_fare_and_switches_them(program, qtbot, tmp_path):
    add(program, tmp_path)
    program.window.commands.run("plugins.list")
    panel = program.window.panels.plugins
    qtbot.waitUntil(panel.isVisible)
    panel.choose("wind")
    states = {panel.list.item(row).data(Qt.ItemDataRole.UserRole).id: row for row in range(panel.list.count())}
    assert set(states) == {plugin.id for plugin in program.registry.plugins}

    def state() -> str:
        return panel.list.item(states["wind"]).data(Qt.ItemDataRole.AccessibleTextRole)

    assert state() == "The wind plugin, Ready"
    assert panel.details.health.pairs == {"Runs": "In the viewer's process", "Failures": "0"}
    fail(program, FAILURES_IN_A_ROW)
    qtbot.waitUntil(lambda: state() == "The wind plugin, Failed", timeout=10_000)
    assert panel.details.health.pairs["Failures"] == "3"
    assert panel.details.last_error.text() == "“It of wind” failed: ValueError: no battery."
    qtbot.mouseClick(buttons_of(panel.details)["Switch on again"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: state() == "The wind plugin, Running")

    qtbot.mouseClick(panel.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: state() == "The wind plugin, Switched off")
    assert program.registry.overlay("wind.it") is None
    assert panel.switch.text() == "Switch on"
    qtbot.mouseClick(panel.switch, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: panel.switch.text() == "Switch off")
    assert program.registry.overlay("wind.it") is not None

    panel.choose("twinviewer")
    assert not panel.switch.isEnabled()
    assert not panel.remove.isEnabled()


def test_the_panel_looks_only_while_it_is_in_view(program, qtbot):
    panel = program.window.panels.plugins
    program.window.docks.show("plugins")
    qtbot.waitUntil(panel.isVisible)
    with qtbot.waitSignal(panel.look_asked, timeout=10_000):
        pass
    program.window.docks.docks["plugins"].hide()
    assert not panel.isVisible()
    with qtbot.assertNotEmitted(panel.look_asked, wait=1500):
        pass


# --- consent ------------------------------------------------------------------------------------------------------


def test_a_plugin_that_asks_for_something_is_asked_about_in_a_bar(program, qtbot, tmp_path):
    for name in ("wind", "rain"):
        add(program, tmp_path, name=name, more=ASKS)
        with pytest.raises(PluginError, match="allowed"):
            call(program, name, fails=False)
    bar = program.window.consent_bar
    qtbot.waitUntil(lambda: bar.isVisible() and "1 more" in bar.label.text())
    assert bar.label.text().startswith("“The wind plugin” asks")
    qtbot.mouseClick(bar.allow, Qt.MouseButton.LeftButton)
    assert call(program, fails=False) == 1
    assert bar.label.text().startswith("“The rain plugin” asks")
    qtbot.mouseClick(bar.not_now, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()
    with pytest.raises(PluginError, match="allowed"):
        call(program, "rain", fails=False)
    program.window.administration.show_plugin("rain")
    qtbot.mouseClick(program.window.panels.plugins.details.allow, Qt.MouseButton.LeftButton)
    assert call(program, "rain", fails=False) == 1
    assert lines(program) == []


def test_an_audience_is_asked_and_told_nothing(town, qtbot, tmp_path):
    window = town.window
    add(town, tmp_path, more=ASKS)
    add(town, tmp_path, name="rain")
    window.program.start_presentation()
    with pytest.raises(PluginError, match="allowed"):
        call(town, fails=False)
    with pytest.raises(PluginError, match="no battery"):
        call(town, "rain", fails=True)
    qtbot.waitUntil(lambda: len(lines(town)) == 1)
    assert not window.consent_bar.isVisible()
    assert toast_of(town, "rain.it") is None
    window.program.leave_presentation()
    assert window.consent_bar.isVisible()


def test_what_a_plugin_tries_without_having_asked_is_told_by_name(program, qtbot, tmp_path):
    secret = Path(program.registry.plugin("traffic").code.folder) / "plugin.toml"
    code = f"def feed(**given):\n    try: open({str(secret.with_name('x'))!r}, 'w')\n    except OSError: return 1"
    program.registry.add(write_plugin(tmp_path, "nosy", code, isolated=True))
    assert call(program, "nosy") == 1
    qtbot.waitUntil(lambda: toast_of(program, "refused nosy") is not None, timeout=10_000)
    toast = toast_of(program, "refused nosy")
    assert toast.text.startswith("The nosy plugin: ")
    assert not secret.with_name("x").exists()
    qtbot.mouseClick(buttons_of(toast)["Show"], Qt.MouseButton.LeftButton)
    assert program.window.panels.plugins.details.refusals.text().startswith("Refused: ")
    (line,) = lines(program)
    assert line == toast.text


# --- settings -----------------------------------------------------------------------------------------------------


def settings_of(program, qtbot) -> PluginSettingsDialog:
    program.window.administration.ask_for_settings("wind")
    qtbot.waitUntil(lambda: bool(program.window.findChildren(PluginSettingsDialog)))
    (dialog,) = program.window.findChildren(PluginSettingsDialog)
    return dialog


def press_ok(qtbot, dialog: PluginSettingsDialog) -> None:
    qtbot.mouseClick(dialog.buttons.button(QDialogButtonBox.StandardButton.Ok), Qt.MouseButton.LeftButton)


def test_settings_are_a_form_and_secrets_are_entered_but_never_shown(program, qtbot, tmp_path, ring):
    add(program, tmp_path, "def feed(*, settings): return dict(settings)", more=SETTINGS)
    dialog = settings_of(program, qtbot)
    fields = dialog.form.fields
    assert not dialog.buttons.button(QDialogButtonBox.StandardButton.Ok).isEnabled(), "a host has to be chosen"
    assert fields["token"].widget.echoMode() is QLineEdit.EchoMode.Password
    fields["host"].widget.setText("a.org")
    fields["count"].widget.setValue(99)
    fields["token"].widget.setText("hush-hush")
    press_ok(qtbot, dialog)
    qtbot.waitUntil(lambda: not program.window.findChildren(PluginSettingsDialog))
    assert call(program) == {"host": "a.org", "count": 5, "token": "hush-hush"}
    assert ring.held == {("twinviewer:wind", "token"): "hush-hush"}

    again = settings_of(program, qtbot)
    assert again.form.fields["host"].widget.text() == "a.org"
    assert again.form.fields["token"].widget.text() == ""
    again.forget["token"].setChecked(True)
    press_ok(qtbot, again)
    qtbot.waitUntil(lambda: not program.window.findChildren(PluginSettingsDialog))
    assert ring.held == {}


def test_a_keyring_that_refuses_is_told_in_the_form_which_stays_open(program, qtbot, tmp_path, ring):
    add(program, tmp_path, more=SETTINGS)
    dialog = settings_of(program, qtbot)
    dialog.form.fields["host"].widget.setText("a.org")
    dialog.form.fields["token"].widget.setText("hush-hush")
    ring.locked = True
    press_ok(qtbot, dialog)
    qtbot.waitUntil(dialog.message.isVisible)
    assert "keyring" in dialog.message.text()
    assert "hush" not in dialog.message.text()
    assert dialog.form.fields["token"].widget.text() == "hush-hush"
    ring.locked = False
    press_ok(qtbot, dialog)
    qtbot.waitUntil(lambda: not program.window.findChildren(PluginSettingsDialog))
    assert ring.held


# --- installing and removing --------------------------------------------------------------------------------------


def question(program, qtbot) -> QMessageBox:
    qtbot.waitUntil(lambda: any(box.isVisible() for box in program.window.findChildren(QMessageBox)))
    return next(box for box in program.window.findChildren(QMessageBox) if box.isVisible())


def test_a_plugin_is_installed_after_what_it_asks_for_was_shown_and_removed_again(program, qtbot, tmp_path):
    source = write_plugin(tmp_path, "wind", MOODY, isolated=None, more=ASKS)
    manifest = source / "plugin.toml"
    manifest.write_text(f"description = '<b>It asks for nothing.</b>'\n{manifest.read_text()}")
    window = program.window
    window.administration.install(manifest)
    box = question(program, qtbot)
    assert "It may reach a.org in the network." in box.informativeText()
    assert "&lt;b&gt;" in box.informativeText(), "what it says about itself is no markup"
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == "Install"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "wind" in {plugin.id for plugin in program.registry.plugins}, timeout=10_000)
    qtbot.waitUntil(window.panels.plugins.isVisible)
    assert window.panels.plugins.list.current_id == "wind"
    assert program.registry.choices.is_accepted(program.registry.plugin("wind"))
    installed = Path(program.registry.plugin("wind").code.folder)
    assert installed != source

    window.administration.ask_to_remove("wind")
    box = question(program, qtbot)
    qtbot.mouseClick(next(b for b in box.buttons() if b.text() == "Remove"), Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "wind" not in {plugin.id for plugin in program.registry.plugins}, timeout=10_000)
    qtbot.waitUntil(lambda: not installed.exists())
    assert lines(program) == []


def test_what_is_no_plugin_is_told_and_nothing_changes(program, qtbot, tmp_path):
    (tmp_path / "empty").mkdir()
    program.window.administration.install(tmp_path / "empty")
    qtbot.waitUntil(lambda: len(lines(program)) == 1, timeout=10_000)
    assert "plugin.toml" in lines(program)[0]

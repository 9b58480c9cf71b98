"""The program as a whole: plugins that fail, faults of its own, a crash and the start after it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from tests.scene import small_city
from tests.ui.conftest import show_town
from twinviewer.app.commands import SetOverlay
from twinviewer.model.project import OverlaySpec
from twinviewer.ui import project_commands
from twinviewer.ui.application import Program, make_application

ROOT = Path(__file__).resolve().parents[2]


def write_plugin(profile: Path, code: str) -> None:
    folder = profile / "data" / "plugins" / "broken"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(
        textwrap.dedent("""
            api = 1
            id = "broken"
            name = "Broken sensors"
            version = "1.0"
            licence = "MIT"
            [[overlays]]
            id = "broken.values"
            title = "Broken values"
            feed = "feed:values"
            encode = "feed:encode"
            period_s = 1
        """)
    )
    (folder / "feed.py").write_text(code)


@pytest.fixture
def start(qapp, qtbot):
    """Return a function that starts the program, in this very process."""
    started: list[Program] = []

    def start_program(**options) -> Program:
        make_application()
        program = Program(**options)
        with qtbot.waitExposed(program.window):
            program.window.show()
        started.append(program)
        return program

    yield start_program
    for program in started:
        program.end()


@pytest.mark.parametrize("code", ["import a_module_that_nobody_has", "def values(:", "values = 3\nencode = 4\n"])
def test_a_plugin_that_fails_is_named_once_and_switched_off_and_all_else_goes_on(start, qtbot, own_profile, code):
    write_plugin(own_profile, code)
    program = start()
    show_town(program)
    program.session.do(SetOverlay(overlay=OverlaySpec(id="broken.values")))
    registry = program.registry
    qtbot.waitUntil(lambda: registry.is_disabled("broken.values"), timeout=30_000)
    QApplication.processEvents()
    problems = program.problems.problems
    assert problems
    for problem in problems:
        assert problem.code == "plugin"
        assert "Broken" in problem.text
        assert "Traceback" not in problem.text
    program.window.administration.show_plugin("broken")
    details = program.window.panels.plugins.details
    assert details.name.text() == "Broken sensors"
    assert "switched off" in details.about_state.text()
    program.session.undo()
    assert program.window.is_settled
    assert len(program.session.project.layers) == 2


def test_safe_mode_loads_no_plugin_and_still_opens_files(start, own_profile):
    write_plugin(own_profile, "raise SystemExit")
    program = start(safe_mode=True)
    assert program.registry.overlays == ()
    assert program.registry.readers_for(Path("town.laz"))
    program.window.administration.look()
    assert "Safe mode" in program.window.panels.plugins.summary.text()


def test_a_fault_of_the_program_is_one_sentence_without_traceback_and_a_storm_of_it_is_told_once(start, qtbot):
    program = start()

    def fail() -> None:
        raise ZeroDivisionError("a fault, for this test")

    timer = QTimer()
    timer.timeout.connect(fail)
    timer.start(1)
    qtbot.waitUntil(lambda: len(program.problems.problems) > 0, timeout=30_000)
    qtbot.wait(100)
    timer.stop()
    (problem,) = program.problems.problems
    assert problem.code == "bug"
    assert problem.count == 1
    assert "Traceback" not in problem.text
    shown = [toast.text for toast in program.window.toasts.shown]
    assert shown == ["Something in the program failed: ZeroDivisionError."]


PROGRAM_THAT_IS_KILLED = """
import sys
from PySide6.QtWidgets import QApplication
from tests.scene import small_city
from tests.ui.conftest import show_town
from twinviewer.app.commands import RenameLayer
from twinviewer.ui import project_commands
from twinviewer.ui.application import Program, make_application

application = make_application()
program = Program()
program.window.show()
show_town(program)
program.session.do(RenameLayer(layer_id="streets", title="Streets of the day"))
program.window.document.keep()
print("kept", flush=True)
application.exec()
"""


def test_after_a_kill_the_next_start_offers_what_was_open_and_restores_it(start, own_profile):
    running = subprocess.Popen(
        [sys.executable, "-c", PROGRAM_THAT_IS_KILLED],
        cwd=ROOT,
        env={**os.environ, "TWINVIEWER_PROFILE_DIR": str(own_profile)},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert running.stdout is not None
    assert running.stdout.readline() == "kept\n"
    running.send_signal(signal.SIGKILL)
    running.wait()
    running.stdout.close()
    program = start()
    window = program.window
    window.offer_recovery()
    assert window.restore_bar.isVisible()
    assert "(2 layers)" in window.restore_bar.label.text()
    window.restore_bar.restore.click()
    project = program.session.project
    assert [layer.title for layer in project.layers] == ["buildings", "Streets of the day"]
    assert (project.crs, project.origin) == (small_city.CRS, small_city.ORIGIN)
    assert window.document.is_dirty
    assert not window.restore_bar.isVisible()
    assert window.document.recoverable() == ()


def test_after_a_good_end_nothing_is_offered(start, own_profile):
    program = start()
    show_town(program)
    program.window.document.keep()
    program.end()
    again = start()
    again.window.offer_recovery()
    assert not again.window.restore_bar.isVisible()


def test_one_click_on_the_welcome_page_shows_the_demo_city_and_no_more(start, qtbot, monkeypatch):
    make = project_commands.ensure_demo
    monkeypatch.setattr(project_commands, "ensure_demo", lambda **options: make(**{**options, "buildings": 20}))
    program = start()
    window = program.window
    QTest.mouseClick(window.welcome.cards["demo"], Qt.MouseButton.LeftButton)
    assert window.pages.currentWidget() is window.viewport
    assert window.empty_hint.text() == "Prepare the demo city …"
    qtbot.waitUntil(lambda: bool(program.session.project.layers), timeout=120_000)
    qtbot.waitUntil(lambda: window.is_settled, timeout=120_000)
    data = [program.session.store.get(layer.id) for layer in program.session.project.layers]
    assert None not in data
    assert not window.empty_hint.isVisible()
    assert not window.document.is_dirty
    assert [problem.text for problem in program.problems.problems if problem.severity == "error"] == []
    qtbot.waitUntil(lambda: any(facts.state == "simulated" for facts in window.live.overlays), timeout=30_000)
    assert window.panels.time.simulated.isVisible()

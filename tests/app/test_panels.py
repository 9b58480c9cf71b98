"""Panels, commands and their actions, through the real registry, without a window."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from tests.app.live_plugins import eventually, module_of, session_with
from twinviewer.app.jobs import CallQueue, JobRunner
from twinviewer.app.panels import RETRY_S, TIME_STEP_S, PanelRunner, PanelState
from twinviewer.app.plugin_actions import ActionExecutor, CommandRunner
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.site import SessionSite, site_of
from twinviewer.model.errors import TwinViewerError
from twinviewer.model.panel import Selection, Tell

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
TOWER = Selection(object_id="tower", type="Building", layer="Town", position=(1, 2, 3), attributes=(("year", "1900"),))

CODE = """
import threading
from twinviewer.api import *

CALLS = []
GO = threading.Event()
GO.set()


def show(**arguments):
    CALLS.append(arguments)
    GO.wait(30)
    if arguments["entries"].get("fail"):
        raise ValueError("so it was wished")
    selection = arguments["selection"]
    shown = [
        Heading(text="nothing" if selection is None else selection.object_id),
        ChoiceEntry(id="use", title="Use", choices=("all", arguments["entries"].get("more", "some")), value="all"),
        Button(id="go", title="Go"),
    ]
    return [*shown, Tell(text=f"pressed {arguments['pressed']}")]


def run(*, site, selection, instant):
    return eval(COMMAND)


COMMAND = "[]"
"""


class Stage:
    """Notes what it is asked for."""

    def __init__(self) -> None:
        self.heard: list[tuple[object, ...]] = []
        self.errors: list[TwinViewerError] = []

    def fly_to(self, position: tuple[float, float, float], distance_m: float) -> None:
        self.heard.append(("fly", position, distance_m))

    def select_object(self, object_id: str) -> bool:
        self.heard.append(("select", object_id))
        return object_id == "tower"

    def show_instant(self, instant: datetime | None) -> None:
        self.heard.append(("instant", instant))

    def start_analysis(self, analysis_id: str, parameters: Sequence[tuple[str, object]]) -> None:
        self.heard.append(("analysis", analysis_id, tuple(parameters)))

    def tell(self, text: str) -> None:
        self.heard.append(("tell", text))

    def tell_error(self, error: TwinViewerError) -> None:
        self.errors.append(error)


class Bench:
    """One panel and one command of one plugin, with a clock that stands."""

    def __init__(self, root: Path, *, more: str = "") -> None:
        home = root / "desk"
        home.mkdir(parents=True)
        (home / "plugin.toml").write_text(
            'api = 1\nid = "desk"\nname = "The desk"\nversion = "1"\nlicence = "CC0-1.0"\nisolated = false\n'
            '[[panels]]\nid = "desk.panel"\ntitle = "Desk"\nshow = "code:show"\n'
            '[[commands]]\nid = "desk.command"\ntitle = "Command"\nrun = "code:run"\n'
            '[[overlays]]\nid = "desk.overlay"\ntitle = "Overlay"\nfeed = "code:run"\nencode = "code:run"\n'
            "period_s = 1\n"
            '[[analyses]]\nid = "desk.analysis"\ntitle = "Analysis"\nanalyse = "code:run"\n' + more
        )
        (home / "code.py").write_text(CODE)
        self.home = home
        self.registry = PluginRegistry(folders=[root])
        self.session = session_with()
        self.site: SessionSite | None = site_of(self.session)
        self.queue = CallQueue()
        self.now = 100.0
        self.told: list[object] = []
        self.changed: list[str] = []
        self.stage = Stage()
        self.executor = ActionExecutor(session=self.session, registry=self.registry, stage=self.stage)
        self.commands = CommandRunner(
            registry=self.registry, runner=JobRunner(self.queue.put), executor=self.executor, stage=self.stage
        )
        self.panels = PanelRunner(
            registry=self.registry,
            site=lambda: self.site,
            deliver=self.queue.put,
            on_change=self.changed.append,
            on_actions=lambda _panel, actions: self.told.extend(actions),
            monotonic=lambda: self.now,
        )
        self.panels.open("desk.panel")

    @property
    def calls(self) -> list[dict[str, object]]:
        return module_of(self.home).CALLS

    def wait(self, happens: Callable[[], bool]) -> None:
        assert eventually(lambda: (self.drain(), happens())[1]), "it did not happen"

    def drain(self) -> None:
        tries = iter((False, True))
        self.queue.put(lambda: None)
        self.queue.run_until(lambda: next(tries))

    def look(self, *, selection: Selection | None = None, instant: datetime = NOON) -> None:
        self.panels.look(selection=selection, instant=instant)

    def settle(self) -> None:
        self.wait(lambda: self.panels.picture("desk.panel").busy_since is None)

    @property
    def heading(self) -> str:
        return self.panels.picture("desk.panel").elements[0].text


@pytest.fixture
def bench(tmp_path: Path):
    bench = Bench(tmp_path)
    yield bench
    bench.panels.end()


def shown(bench: Bench, **look: object) -> Bench:
    bench.look(**look)
    bench.wait(lambda: bench.panels.picture("desk.panel").state is PanelState.SHOWN)
    return bench


# ---- when a panel is asked


def test_a_panel_in_view_is_asked_with_what_is_there(bench):
    shown(bench, selection=TOWER)
    assert bench.calls == [
        {"site": bench.site, "selection": TOWER, "instant": NOON, "entries": {}, "pressed": ""},
    ]
    assert bench.heading == "tower"
    assert bench.changed == ["desk.panel"]


def test_a_panel_that_is_not_in_view_is_not_even_imported(bench):
    bench.panels.close("desk.panel")
    bench.look(selection=TOWER)
    bench.drain()
    with pytest.raises(StopIteration):
        module_of(bench.home)


def test_it_is_asked_again_only_when_something_has_changed(bench):
    shown(bench)
    bench.now += 60
    bench.look()
    bench.settle()
    assert len(bench.calls) == 1
    bench.look(selection=TOWER)
    bench.wait(lambda: bench.heading == "tower")
    bench.site = site_of(bench.session)
    bench.look(selection=TOWER)
    bench.settle()
    assert len(bench.calls) == 3
    assert bench.calls[2]["site"] is bench.site


def test_time_that_goes_by_is_told_at_most_twice_a_second(bench):
    shown(bench)
    for step in range(1, 31):  # three seconds, looked at ten times each
        bench.now = 100.0 + step * 0.1
        bench.look(instant=NOON + timedelta(seconds=step))
        bench.settle()
    assert len(bench.calls) - 1 == round(3 / TIME_STEP_S)


def test_what_is_entered_while_it_works_is_told_with_the_next_call_alone(bench):
    shown(bench)
    gate = module_of(bench.home).GO
    gate.clear()
    for text in ("a", "ab", "abc", "abcd"):
        bench.panels.enter("desk.panel", "name", text)
    assert bench.panels.picture("desk.panel").busy_since is not None
    gate.set()
    bench.wait(lambda: len(bench.calls) == 3)
    assert [call["entries"] for call in bench.calls] == [{}, {"name": "a"}, {"name": "abcd"}]


def test_an_answer_about_what_was_selected_before_is_not_shown(bench):
    shown(bench)
    gate = module_of(bench.home).GO
    gate.clear()
    bench.look(selection=TOWER)
    bench.look(selection=None)
    gate.set()
    seen = set()
    bench.wait(lambda: (seen.add(bench.heading), len(bench.calls) == 3)[1])
    bench.settle()
    assert seen | {bench.heading} == {"nothing"}


def test_an_answer_that_comes_after_the_panel_was_closed_is_dropped(bench):
    shown(bench)
    gate = module_of(bench.home).GO
    gate.clear()
    bench.changed.clear()
    bench.panels.press("desk.panel", "go")
    bench.panels.close("desk.panel")
    gate.set()
    bench.wait(lambda: len(bench.calls) == 2)
    bench.drain()
    assert (bench.changed, bench.told) == ([], [])


def test_actions_follow_a_press_or_an_entry_and_never_the_clock(bench):
    shown(bench)
    bench.now += 1
    bench.look(instant=NOON + timedelta(hours=1))
    bench.settle()
    assert bench.told == []
    bench.panels.press("desk.panel", "go")
    bench.wait(lambda: bench.told == [Tell(text="pressed go")])
    bench.panels.enter("desk.panel", "name", "x")
    bench.wait(lambda: bench.told[1:] == [Tell(text="pressed")])


def test_what_can_no_longer_be_chosen_is_forgotten(bench):
    shown(bench)
    bench.panels.enter("desk.panel", "more", "few")
    bench.settle()
    bench.panels.enter("desk.panel", "use", "few")
    bench.settle()
    bench.panels.enter("desk.panel", "more", "many")
    bench.wait(lambda: bench.calls[-1]["entries"] == {"more": "many"})


# ---- failures


def test_a_panel_that_fails_keeps_what_it_showed_and_three_times_in_a_row_switch_it_off(bench):
    shown(bench, selection=TOWER)
    bench.panels.enter("desk.panel", "fail", True)
    bench.wait(lambda: bench.panels.picture("desk.panel").state is PanelState.FAILED)
    picture = bench.panels.picture("desk.panel")
    assert picture.problem.source == "The desk"
    assert "so it was wished" in picture.problem.problem
    assert bench.heading == "tower"
    bench.look(selection=TOWER)
    bench.settle()
    assert len(bench.calls) == 2, "it is not asked again at once"
    for calls in (3, 4):
        bench.now += RETRY_S
        bench.look(selection=TOWER)
        bench.settle()
        bench.wait(lambda calls=calls: len(bench.calls) == calls)
    bench.wait(lambda: bench.panels.picture("desk.panel").state is PanelState.SWITCHED_OFF)
    assert "switched off" in bench.panels.picture("desk.panel").problem.problem
    bench.now += 60
    bench.look()
    bench.panels.press("desk.panel", "go")
    bench.drain()
    assert len(bench.calls) == 4, "it is asked no more"
    bench.panels.enter("desk.panel", "fail", False)
    bench.panels.switch_on("desk.panel")
    bench.wait(lambda: bench.panels.picture("desk.panel").state is PanelState.SHOWN)
    assert bench.panels.picture("desk.panel").problem is None


def test_a_panel_whose_plugin_was_not_accepted_yet_waits_and_goes_on_when_it_is(tmp_path):
    bench = Bench(tmp_path, more='[permissions]\nnetwork = ["example.org"]\n')
    bench.look()
    bench.wait(lambda: bench.panels.picture("desk.panel").state is PanelState.NEEDS_PERSON)
    for _ in range(5):
        bench.now += RETRY_S
        bench.look()
        bench.settle()
    assert bench.panels.picture("desk.panel").state is PanelState.NEEDS_PERSON, "that is no failure"
    bench.registry.accept("desk")
    bench.panels.reload("desk.panel")
    bench.wait(lambda: bench.panels.picture("desk.panel").state is PanelState.SHOWN)
    bench.panels.end()


def test_a_panel_that_blocks_keeps_nobody_waiting_and_says_since_when(bench):
    shown(bench)
    gate = module_of(bench.home).GO
    gate.clear()
    bench.now = 200.0
    bench.panels.press("desk.panel", "go")
    for _ in range(100):
        bench.look(selection=TOWER)
    assert bench.panels.picture("desk.panel").busy_since == 200.0
    assert bench.heading == "nothing"
    gate.set()
    bench.wait(lambda: bench.heading == "tower")


def test_a_reloaded_panel_is_asked_anew_and_keeps_what_was_entered(bench):
    shown(bench)
    bench.panels.enter("desk.panel", "name", "x")
    bench.settle()
    bench.panels.reload("desk.panel")
    bench.wait(lambda: len(bench.calls) == 3)
    assert bench.calls[2]["entries"] == {"name": "x"}


# ---- commands and actions


def run_command(bench: Bench, returns: str, *, ends: Callable[[], bool]) -> None:
    path = bench.home / "code.py"
    path.write_text(CODE.replace('COMMAND = "[]"', f"COMMAND = {json.dumps(returns)}"))
    assert bench.commands.run("desk.command", site=bench.site, selection=TOWER, instant=NOON) is not None
    bench.wait(ends)


def test_a_command_does_what_it_returns_in_order(bench):
    run_command(
        bench,
        "[FlyTo(position=(1, 2, 3), distance_m=50), SelectObject(object_id=selection.object_id),"
        " SetInstant(instant=instant), SetInstant(instant=None),"
        " StartAnalysis(id='desk.analysis', parameters=(('hours', 3),)), Tell(text=str(site.crs.horizontal))]",
        ends=lambda: len(bench.stage.heard) == 6,
    )
    assert bench.stage.heard == [
        ("fly", (1.0, 2.0, 3.0), 50.0),
        ("select", "tower"),
        ("instant", NOON),
        ("instant", None),
        ("analysis", "desk.analysis", (("hours", 3),)),
        ("tell", "EPSG:25832"),
    ]
    assert bench.stage.errors == []


def test_an_overlay_is_switched_through_the_document_and_can_be_undone(bench):
    before = bench.session.project
    run_command(bench, "[SwitchOverlay(id='desk.overlay', on=True)]", ends=lambda: bench.session.project is not before)
    assert [(spec.id, spec.visible) for spec in bench.session.project.overlays] == [("desk.overlay", True)]
    bench.executor.carry_out("desk.command", [])
    bench.session.undo()
    assert bench.session.project == before


def test_what_cannot_be_done_is_told_with_the_plugins_name_and_the_rest_is_done(bench):
    run_command(
        bench,
        "[SwitchOverlay(id='nobody.knows', on=True), SelectObject(object_id='gone'),"
        " StartAnalysis(id='desk.overlay'), Tell(text='done')]",
        ends=lambda: ("tell", "done") in bench.stage.heard,
    )
    assert [error.source for error in bench.stage.errors] == ["The desk"] * 3
    assert ["nobody.knows" in bench.stage.errors[0].problem, "gone" in bench.stage.errors[1].problem] == [True, True]


def test_a_command_that_fails_or_returns_nonsense_is_told_each_time(bench):
    run_command(bench, "1 / 0", ends=lambda: len(bench.stage.errors) == 1)
    assert "ZeroDivisionError" in bench.stage.errors[0].problem
    module_of(bench.home).COMMAND = "[Heading(text='x')]"
    bench.commands.run("desk.command", site=None, selection=None, instant=NOON)
    bench.wait(lambda: len(bench.stage.errors) == 2)
    assert "Heading" in bench.stage.errors[1].problem
    assert bench.commands.run("desk.gone", site=None, selection=None, instant=NOON) is None

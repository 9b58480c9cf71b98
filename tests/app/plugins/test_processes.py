"""Plugins in processes of their own: the same code with the same result, watched, ended and started anew."""

from __future__ import annotations

import contextlib
import logging
import os
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from tests.app.live_plugins import eventually, write_plugin
from tests.conftest import ROOT
from tests.crowding import allowed_s
from tests.formats import small_layers
from twinviewer.api import CityObjects, FeatureTable, Labels, ReferenceSystem
from twinviewer.app import spawning
from twinviewer.app.plugins import plugin_process, process_start, processes
from twinviewer.app.plugins.process_ends import LetGoError
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.model.errors import FeedError, PluginError, ReadError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.place import Extent

UTM = ReferenceSystem(horizontal="EPSG:25832")
NOON = datetime(2026, 3, 29, 12, 0, tzinfo=UTC)


class Place:
    """A site of three houses."""

    crs = UTM
    extent = Extent(min_x=0, min_y=0, min_z=0, max_x=10, max_y=10, max_z=10)

    def __init__(self) -> None:
        self.asked: list[str] = []

    @property
    def city_objects(self) -> CityObjects:
        self.asked.append("city_objects")
        return CityObjects(
            ids=("a", "b", "c"), types=("Building",) * 3, positions=np.zeros((3, 3)), heights_m=np.ones(3)
        )

    def features(self, role: str) -> FeatureTable | None:
        self.asked.append(f"features {role}")
        return small_layers.features(np.ones((6, 3)), UTM, has_z=True) if role == "streets" else None

    def ground_height(self, xy: np.ndarray) -> np.ndarray:
        return np.asarray(xy[:, 0] * 10)

    def objects_at(self, xy: np.ndarray) -> tuple[str, ...]:
        return tuple("a" if x < 5 else "" for x in xy[:, 0])


class Listening:
    """Feedback that is asked to stop after a while."""

    def __init__(self) -> None:
        self.told: list[tuple[float, str]] = []
        self.stopped = threading.Event()

    def progress(self, fraction: float, text: str = "") -> None:
        self.told.append((fraction, text))

    def stop_if_cancelled(self) -> None:
        if self.stopped.is_set():
            raise Cancelled


class Plugins:
    """A registry of plugins that tests write."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.site = Place()
        self._lock = threading.Lock()
        self._registry: PluginRegistry | None = None

    def write(self, name: str, code: str, *, isolated: bool = True, limits: str = "", more: str = "") -> None:
        write_plugin(self.root, name, code, isolated=isolated, property="", more=f"{limits}\n{more}")

    @property
    def registry(self) -> PluginRegistry:
        with self._lock:
            if self._registry is None:
                self._registry = PluginRegistry(folders=[self.root])
            return self._registry

    def feed(self, name: str, *, feedback: Any = None, check: Any = None) -> Any:
        arguments = {
            "site": self.site,
            "start": NOON,
            "end": NOON + timedelta(seconds=2),
            "feedback": feedback or Silent(),
        }
        return self.registry.call(f"{name}.it", "code:feed", arguments, check=check or (lambda result: result))

    def encode(self, name: str) -> Any:
        return self.registry.call(
            f"{name}.it", "code:encode", {"frames": (), "site": self.site}, check=lambda result: result
        )

    def pid(self, name: str) -> int:
        watched = self.registry.processes._watched[name].process
        assert watched is not None
        return watched.process.pid

    def close(self) -> None:
        if self._registry is not None:
            self._registry.close()


@pytest.fixture
def plugins(tmp_path: Path) -> Iterator[Plugins]:
    plugins = Plugins(tmp_path / "plugins")
    yield plugins
    plugins.close()


ASKING = """
import os
import numpy as np
from twinviewer.api import FeedError, Labels

seen = []


def feed(*, site, start, end, feedback):
    seen.append(site)
    streets = site.features("streets")
    return [
        site.crs.horizontal,
        site.extent.max_x,
        site.city_objects.ids,
        None if streets is None else streets.feature_count,
        site.features("rivers"),
        site.ground_height(np.array([[1.0, 2.0], [3.0, 4.0]])),
        site.objects_at(np.array([[1.0, 0.0], [9.0, 0.0]])),
        start,
        (end - start).total_seconds(),
        all(each is site for each in seen),
    ]


def encode(*, frames, site):
    return [Labels(positions=np.zeros((1, 3)), texts=[str(os.getpid())])]
"""


def test_a_function_finds_the_same_site_and_arguments_as_in_the_viewer_s_process(plugins: Plugins) -> None:
    plugins.write("apart", ASKING)
    plugins.write("within", ASKING, isolated=False)
    apart, within = plugins.feed("apart"), plugins.feed("within")
    assert [each for each in apart if not isinstance(each, np.ndarray)] == [
        each for each in within if not isinstance(each, np.ndarray)
    ]
    assert apart[5].tolist() == within[5].tolist() == [10.0, 30.0]
    (apart_labels,), (within_labels,) = plugins.encode("apart"), plugins.encode("within")
    assert within_labels.texts == [str(os.getpid())]
    assert apart_labels.texts == (str(plugins.pid("apart")),)


def test_what_cannot_change_is_asked_for_once(plugins: Plugins) -> None:
    plugins.write("apart", ASKING)
    results = [plugins.feed("apart") for _ in range(3)]
    assert all(result[-1] for result in results), "the site is the same object at each call"
    assert sorted(plugins.site.asked) == ["city_objects", "features rivers", "features streets"]
    plugins.site = Place()
    assert plugins.feed("apart")[-1] is False
    assert len(plugins.site.asked) == 3


def test_a_site_is_not_held_by_the_process_that_asked_it(plugins: Plugins) -> None:
    plugins.write("apart", ASKING)
    plugins.feed("apart")
    gone = weakref.ref(plugins.site)
    plugins.site = Place()
    assert gone() is None, "it would hold all layers of a project that was closed"
    assert plugins.feed("apart")[2] == ("a", "b", "c")


def test_what_a_site_cannot_answer_is_an_error_where_it_was_asked(plugins: Plugins) -> None:
    plugins.write(
        "wrong",
        """
import numpy as np


def feed(*, site, start, end, feedback):
    try:
        site.objects_at(np.zeros(3))
    except ValueError as error:
        return [f"told: {error}", site.ground_height(np.zeros((1, 2))).tolist()[0]]


def encode(*, frames, site):
    return []
""",
    )
    told, height = plugins.feed("wrong")
    assert "IndexError" in told
    assert height == 0.0


def test_nothing_is_started_before_it_is_called_and_one_process_does_for_all(plugins: Plugins) -> None:
    plugins.write("apart", ASKING)
    before = set(psutil.Process().children())
    assert plugins.registry.processes.health("apart") is None
    assert set(psutil.Process().children()) <= before
    plugins.feed("apart")
    first = plugins.pid("apart")
    plugins.encode("apart")
    assert plugins.pid("apart") == first


FAILING = """
from pathlib import Path
from twinviewer.api import FeedError, ReadError, Labels


class Own(Exception):
    pass


def feed(*, site, start, end, feedback):
    raise FeedError("The sensors sleep.", cure="Wake them.", source="sensors")


def encode(*, frames, site):
    raise Own("a reason of its own")
"""


def test_errors_come_back_as_what_they_are(plugins: Plugins) -> None:
    plugins.write("failing", FAILING)
    with pytest.raises(FeedError) as told:
        plugins.feed("failing")
    assert (told.value.problem, told.value.cure, told.value.source) == ("The sensors sleep.", "Wake them.", "sensors")
    with pytest.raises(PluginError, match="Own: a reason of its own") as failed:
        plugins.encode("failing")
    assert not isinstance(failed.value, ReadError)
    (record,) = plugins.registry.failures
    assert "code.py" in record.details
    assert "in encode" in record.details, "the log shows its author where it happened"


def test_a_feed_and_an_encode_function_do_not_wait_for_each_other(plugins: Plugins) -> None:
    plugins.write(
        "both",
        """
import threading
drawn = threading.Event()


def feed(*, site, start, end, feedback):
    return ["drawn" if drawn.wait(30) else "alone"]


def encode(*, frames, site):
    drawn.set()
    return []
""",
    )
    results: list[Any] = []
    feeding = threading.Thread(target=lambda: results.append(plugins.feed("both")))
    feeding.start()
    assert eventually(lambda: plugins.registry.processes._watched["both"].process is not None)
    plugins.encode("both")
    feeding.join(30)
    assert results == [("drawn",)]


def test_progress_is_told_and_work_that_asks_is_stopped(plugins: Plugins) -> None:
    plugins.write(
        "working",
        """
import threading


def feed(*, site, start, end, feedback):
    feedback.progress(0.5, "half")
    while True:
        feedback.stop_if_cancelled()
        threading.Event().wait(0.01)


def encode(*, frames, site):
    return []
""",
    )
    listening = Listening()
    began = []

    def stop_when_told() -> None:
        assert eventually(lambda: bool(listening.told))
        began.append(time.monotonic())
        listening.stopped.set()

    threading.Thread(target=stop_when_told).start()
    with pytest.raises(Cancelled):
        plugins.feed("working", feedback=listening)
    assert time.monotonic() - began[0] < allowed_s(0.25)
    assert listening.told == [(0.5, "half")]
    pid = plugins.pid("working")
    plugins.encode("working")
    assert plugins.pid("working") == pid, "its process goes on"


def test_work_that_does_not_ask_is_ended_and_what_ran_beside_it_is_done_again(plugins: Plugins) -> None:
    plugins.write(
        "stubborn",
        """
import threading, time
calls = []


def feed(*, site, start, end, feedback):
    threading.Event().wait()


def encode(*, frames, site):
    time.sleep(2.0)
    return ["drawn"]
""",
    )
    listening = Listening()
    results: list[Any] = []
    drawing = threading.Thread(target=lambda: results.append(plugins.encode("stubborn")))
    drawing.start()
    assert eventually(lambda: plugins.registry.processes._watched.get("stubborn") is not None)
    assert eventually(lambda: plugins.registry.processes._watched["stubborn"].process is not None)
    threading.Timer(0.2, listening.stopped.set).start()
    began = time.monotonic()
    with pytest.raises(Cancelled):
        plugins.feed("stubborn", feedback=listening)
    assert time.monotonic() - began < allowed_s(2.0)
    drawing.join(30)
    assert results == [("drawn",)]
    assert plugins.registry.failures == ()


def test_of_two_calls_the_one_that_crashed_the_process_fails_and_the_other_is_done_again(plugins: Plugins) -> None:
    plugins.write(
        "half",
        """
import ctypes, threading, time
drawing = threading.Event()


def feed(*, site, start, end, feedback):
    drawing.wait(30)
    ctypes.string_at(0)


def encode(*, frames, site):
    drawing.set()
    time.sleep(1.0)
    return ["drawn"]
""",
    )
    results: list[Any] = []
    drawing = threading.Thread(target=lambda: results.append(plugins.encode("half")))
    drawing.start()
    with pytest.raises(PluginError, match=r"crashed \(SIGSEGV\)"):
        plugins.feed("half")
    drawing.join(30)
    assert results == [("drawn",)]
    (record,) = plugins.registry.failures
    assert record.count == 1


def test_three_deaths_within_five_minutes_and_the_function_is_called_no_more(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.write(
        "frail",
        """
import os, pathlib
times = pathlib.Path(__file__).with_name("times")


def feed(*, site, start, end, feedback):
    if end.second == 2:
        os._exit(5)
    return []


def encode(*, frames, site):
    return []
""",
    )
    good = {"site": plugins.site, "start": NOON, "end": NOON + timedelta(seconds=3), "feedback": Silent()}

    def well() -> Any:
        return plugins.registry.call("frail.it", "code:feed", good, check=lambda result: result)

    for _ in range(processes.DEATHS):
        with pytest.raises(PluginError, match=r"ended itself \(exit status 5\)"):
            plugins.feed("frail")
        if _ < processes.DEATHS - 1:
            assert well() == ()  # never in a row
    with pytest.raises(PluginError, match="is not started again: its process ended 3 times within 5 minutes"):
        well()
    assert plugins.encode("frail") == (), "its other functions go on"
    plugins.registry.switch_on("frail.it")
    assert well() == ()
    assert plugins.registry.processes.restarts("frail") == 3


def test_a_process_ends_with_the_plugin_and_its_files_go(plugins: Plugins) -> None:
    plugins.write("apart", ASKING)
    plugins.feed("apart")
    process = psutil.Process(plugins.pid("apart"))
    folders = plugins.registry.processes._watched["apart"].process._folders
    assert all(folder.is_dir() for folder in folders)
    plugins.registry.set_enabled("apart", False)
    process.wait(10)
    assert eventually(lambda: not any(folder.exists() for folder in folders))


def test_switching_a_plugin_off_stops_what_it_does(plugins: Plugins) -> None:
    plugins.write("sleeping", "import threading\ndef feed(**_): threading.Event().wait()\ndef encode(**_): return []")
    outcome: list[BaseException] = []

    def feed() -> None:
        try:
            plugins.feed("sleeping")
        except (Cancelled, PluginError) as error:
            outcome.append(error)

    feeding = threading.Thread(target=feed)
    feeding.start()
    assert eventually(lambda: bool(plugins.registry.processes._watched.get("sleeping")))
    watched = plugins.registry.processes._watched["sleeping"]
    assert eventually(lambda: watched.process is not None and watched.process.is_ready)
    plugins.registry.set_enabled("sleeping", False)
    feeding.join(20)
    assert [type(each) for each in outcome] == [LetGoError]
    assert plugins.registry.failures == ()


def test_who_calls_what_a_plugin_had_before_it_was_read_anew_blames_nobody(plugins: Plugins) -> None:
    plugins.write("changing", "def feed(**_): return []\ndef encode(**_): return []")
    with pytest.raises(LetGoError):
        plugins.registry.call("changing.it", "code:as_it_was_called_before", {}, check=lambda result: result)
    assert plugins.registry.failures == ()


def test_a_reloaded_plugin_runs_its_new_code(plugins: Plugins) -> None:
    plugins.write("changing", "def feed(**_): return ['old']\ndef encode(**_): return []")
    assert plugins.feed("changing") == ("old",)
    (plugins.root / "changing" / "code.py").write_text("def feed(**_): return ['new']\ndef encode(**_): return []")
    plugins.registry.reload("changing")
    assert plugins.feed("changing") == ("new",)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere it takes as long as a silent process may be")
def test_no_process_outlives_the_viewer_even_where_c_code_keeps_the_interpreter(plugins: Plugins) -> None:
    plugins.write(
        "holding",
        """
import re, sys


def feed(*, site, start, end, feedback):
    re.fullmatch(r"(a+)+", "a" * 60 + "b")


def encode(*, frames, site):
    return []
""",
    )
    code = f"""
import sys, threading
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.app.plugins.test_processes import Plugins, eventually
plugins = Plugins(Path({str(plugins.root)!r}))
threading.Thread(target=lambda: plugins.feed("holding"), daemon=True).start()
eventually(lambda: "holding" in plugins.registry.processes._watched)
watched = plugins.registry.processes._watched["holding"]
eventually(lambda: watched.process is not None and watched.process.calls)
print(watched.process.process.pid, flush=True)
threading.Event().wait()
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as viewer:
        assert viewer.stdout is not None
        pid = int(viewer.stdout.readline())
        process = psutil.Process(pid)
        busy = process.cpu_times().user
        assert eventually(lambda: process.cpu_times().user > busy + 0.1), "it is in the middle of it"
        viewer.kill()
    assert eventually(lambda: not psutil.pid_exists(pid) or process.status() == psutil.STATUS_ZOMBIE, within_s=5.0)


def test_a_process_that_is_silent_for_too_long_is_ended_where_a_call_may_take_for_ever(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(processes, "SILENCE_LIMIT_S", 2.0)
    plugins.write(
        "analysing",
        """
import re


def feed(**_):
    return []


encode = feed


def analyse(*, site, feedback):
    re.fullmatch(r"(a+)+", "a" * 60 + "b")
""",
        more='[[analyses]]\nid = "analysing.long"\ntitle = "Long"\nanalyse = "code:analyse"\n',
    )
    with pytest.raises(PluginError, match=r"was silent for 2 s and was ended: its code lets nothing else run"):
        plugins.registry.call(
            "analysing.long", "code:analyse", {"site": plugins.site, "feedback": Silent()}, check=lambda result: result
        )


def test_how_it_fares_is_known(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    plugins.write(
        "busy",
        """
import sys, time
kept = []


def feed(*, site, start, end, feedback):
    kept.append(bytearray(60 * 2**20))
    print("warming up", file=sys.stderr)
    until = time.monotonic() + 2.5
    while time.monotonic() < until:
        pass
    return []


def encode(*, frames, site):
    return []
""",
    )
    feeding = threading.Thread(target=lambda: plugins.feed("busy"))
    feeding.start()

    def is_known() -> bool:
        health = plugins.registry.processes.health("busy")
        return health is not None and health.cpu_percent > 20 and health.memory_mb > 60

    try:
        assert eventually(is_known)
        health = plugins.registry.processes.health("busy")
        assert health is not None
        assert health.pid == plugins.pid("busy")
        assert health.memory_mb < 60 + 250
        assert health.messages_per_s > 0
        assert health.calls == ("code:feed",)
    finally:
        feeding.join(30)
    assert plugins.registry.processes.last_words("busy") == "warming up\n"


def test_what_a_plugin_prints_goes_to_the_log_and_only_its_end_is_kept(
    plugins: Plugins, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger=plugin_process.__name__)
    plugins.write(
        "talking",
        """
import os, sys


def feed(*, site, start, end, feedback):
    print("Guten Tag")
    os.write(1, b"from C\\n")
    print("x" * 200_000)
    print("good night", flush=True)
    return []


def encode(*, frames, site):
    return []
""",
    )
    plugins.feed("talking")
    assert eventually(lambda: plugins.registry.processes.last_words("talking").endswith("good night\n"))
    assert len(plugins.registry.processes.last_words("talking")) == plugin_process.LAST_WORDS
    told = "".join(record.getMessage() for record in caplog.records)
    assert "Guten Tag" in told
    assert "from C" in told


def test_secrets_of_other_plugins_are_not_in_its_environment(plugins: Plugins, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TWINVIEWER_SECRET_OTHER_KEY", "hunter2")
    plugins.write("nosy", "import os\ndef feed(**_): return [repr(dict(os.environ))]\ndef encode(**_): return []")
    (environment,) = plugins.feed("nosy")
    assert "hunter2" not in environment


def test_an_answer_that_nobody_waits_for_any_more_is_dropped(plugins: Plugins) -> None:
    """A call that was cancelled and answers all the same within its grace leaves the channel sound."""
    plugins.write(
        "late",
        """
import time
import numpy as np


def feed(*, site, start, end, feedback):
    time.sleep(0.5)
    return [np.ones(1000)]


def encode(*, frames, site):
    return [np.zeros(3)]
""",
    )
    plugins.encode("late")
    for _ in range(3):
        listening = Listening()
        listening.stopped.set()
        with contextlib.suppress(Cancelled):
            plugins.feed("late", feedback=listening)
    assert plugins.encode("late")[0].tolist() == [0.0, 0.0, 0.0]
    assert plugins.feed("late")[0].tolist() == [1.0] * 1000


def test_arguments_that_cannot_be_handed_over_are_told(plugins: Plugins) -> None:
    plugins.write("apart", "def feed(**_): return []\ndef encode(**_): return []")
    with pytest.raises(PluginError, match="cannot be called: a value of type set cannot be handed over"):
        plugins.registry.call("apart.it", "code:feed", {"strange": {1}}, check=lambda result: result)
    assert plugins.encode("apart") == ()


def test_labels_come_back_as_labels(plugins: Plugins) -> None:
    plugins.write("apart", ASKING)
    (labels,) = plugins.encode("apart")
    assert isinstance(labels, Labels)
    assert labels.positions.shape == (1, 3)


def test_a_process_that_cannot_be_started_is_told_and_leaves_nothing_open(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    plugins.write("apart", ASKING)

    def no_room(*arguments: Any, **options: Any) -> None:
        raise OSError(11, "Resource temporarily unavailable")

    plugins.registry  # noqa: B018 – made before the system says no
    before = psutil.Process().num_fds()
    monkeypatch.setattr(process_start, "spawn", no_room)
    with pytest.raises(PluginError, match=r"“The apart plugin” cannot be started \(Resource temporarily unavailable\)"):
        plugins.feed("apart")
    assert psutil.Process().num_fds() <= before  # those of tests before may be closing
    monkeypatch.undo()
    assert plugins.feed("apart")


def test_another_interpreter_gets_this_package_and_nothing_else_of_ours(
    plugins: Plugins, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An environment of the plugin's own: here the same libraries, but none of the folders that we import from."""
    folder = spawning._package_alone()
    assert [each.name for each in folder.iterdir()] == ["twinviewer"]
    assert (folder / "twinviewer" / "api" / "__init__.py").is_file()
    assert spawning._package_alone() == folder
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    with pytest.raises(PluginError, match="has no source code that the Python of another environment could import"):
        spawning._package_alone()

"""R4 and R18 of the reliability goals: whatever a reader does, the viewer lives, says so at once, and goes on."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import textwrap
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from tests.app.witnesses import Watch
from tests.conftest import ROOT
from tests.crowding import allowed_s
from tests.fates import fate, request
from twinviewer.app.scratch import Scratch
from twinviewer.app.worker_tasks import FunctionFailedError
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.request import FunctionOfPlugin, ReadRequest
from twinviewer.isolation.frames import send
from twinviewer.model.errors import DamagedFileError, HostileFileError, TwinViewerError, WorkerDiedError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import PointCloud

TOLD_WITHIN_S = 1.0
CANCELLED_WITHIN_S = 0.25
PATIENCE_S = 20.0

linux = pytest.mark.skipif(sys.platform != "linux", reason="the means to observe it are Linux's")


SILENCE_LIMIT_S = 2.0


@pytest.fixture(scope="module")
def pool() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=1, silence_limit_s=SILENCE_LIMIT_S)
    yield with_workers
    with_workers.close()


@pytest.fixture
def ready(pool: WorkerPool, tmp_path: Path) -> WorkerPool:
    """A pool whose worker has read a file already: it has imported what it needs."""
    pool.read(request(fate(tmp_path, "points")), Silent())
    return pool


@pytest.fixture
def two() -> Iterator[WorkerPool]:
    with_workers = WorkerPool(size=2)
    yield with_workers
    with_workers.close()


class Person:
    """Feedback that keeps what it hears, and that stops the work when told to."""

    def __init__(self) -> None:
        self.heard: list[tuple[float, str]] = []
        self.stopping = threading.Event()
        self.hearing = threading.Event()

    def progress(self, fraction: float, text: str = "") -> None:
        self.heard.append((fraction, text))
        self.hearing.set()

    def stop_if_cancelled(self) -> None:
        if self.stopping.is_set():
            raise Cancelled


def eventually(happens: Callable[[], bool], *, within_s: float = PATIENCE_S) -> bool:
    deadline = time.monotonic() + within_s
    while not happens():
        if time.monotonic() > deadline:
            return False
        threading.Event().wait(0.005)
    return True


# --- what is delivered --------------------------------------------------------------------------------------------


def test_what_a_reader_made_arrives_and_leaves_no_file(pool: WorkerPool, tmp_path: Path) -> None:
    result = pool.read(request(fate(tmp_path, "points", n=1000)), Silent())
    (cloud,) = result.layers
    assert isinstance(cloud, PointCloud)
    np.testing.assert_array_equal(cloud.positions[:, 0], 565000.0 + np.arange(1000))
    assert (result.sources, result.target) == ((cloud.crs,), None)
    assert scratch_folders()
    assert [file for folder in scratch_folders() for file in folder.iterdir()] == []


def test_options_reach_the_reader_by_name(pool: WorkerPool, tmp_path: Path) -> None:
    with pytest.raises(DamagedFileError) as caught:
        pool.read(request(fate(tmp_path, "options", a=1), options={"b": [2]}), Silent())
    assert json.loads(caught.value.problem) == {"a": 1, "b": [2]}


def test_progress_is_heard(ready: WorkerPool, tmp_path: Path) -> None:
    person = Person()
    threading.Thread(target=lambda: (person.hearing.wait(PATIENCE_S), person.stopping.set()), daemon=True).start()
    with pytest.raises(Cancelled):
        ready.read(request(fate(tmp_path, "go on")), person)
    assert (0.5, "Going on") in person.heard


def test_what_a_reader_prints_disturbs_nobody(ready: WorkerPool, tmp_path: Path) -> None:
    """40 MB on stdout, with and without line ends, from C and from Python, and a child that prints too."""
    memory = psutil.Process().memory_info().rss
    for what, more in (("flood", {"lines": True}), ("flood", {"lines": False}), ("call", {})):
        result = ready.read(request(fate(tmp_path, what, megabytes=20, **more)), Silent())
        assert len(result.layers) == 1
    assert psutil.Process().memory_info().rss - memory < 30e6


# --- R4: what goes wrong ------------------------------------------------------------------------------------------

DEATHS = {
    "a segmentation fault": ({"fate": "die", "signal": "SIGSEGV"}, "SIGSEGV"),
    "an abort": ({"fate": "die", "signal": "SIGABRT"}, "SIGABRT"),
    "a kill": ({"fate": "die", "signal": "SIGKILL"}, "SIGKILL"),
    "a null pointer": ({"fate": "read null"}, "SIGSEGV"),
    "an exit": ({"fate": "leave", "status": 3}, "exit status 3"),
    "a quiet exit": ({"fate": "leave", "status": 0}, "exit status 0"),
    "a death that leaves a child with its pipes": ({"fate": "fork and die"}, "SIGKILL"),
}


@pytest.mark.parametrize("name", DEATHS)
def test_a_worker_that_dies_is_an_error_within_a_second(ready: WorkerPool, tmp_path: Path, name: str) -> None:
    told, says = DEATHS[name]
    path = tmp_path / "damaged.fate"
    path.write_text(json.dumps(told))
    began = time.monotonic()
    with pytest.raises(WorkerDiedError, match=says) as caught:
        ready.read(request(path), Silent())
    assert time.monotonic() - began < allowed_s(TOLD_WITHIN_S)
    assert caught.value.source == "damaged.fate"
    assert caught.value.cure
    assert ready.read(request(fate(tmp_path, "points")), Silent()).layers


def test_a_hundred_deaths_in_a_row_are_told_within_a_second_each_and_leave_a_pool_that_reads(
    ready: WorkerPool, tmp_path: Path
) -> None:
    good = fate(tmp_path, "points", name="good.fate")
    signals = ["SIGSEGV", "SIGABRT", "SIGKILL"]
    died_at = tmp_path / "died-at"
    for number in range(100):
        with pytest.raises(WorkerDiedError):
            ready.read(request(fate(tmp_path, "die", signal=signals[number % 3], obituary=str(died_at))), Silent())
        assert time.monotonic() - float(died_at.read_text()) < allowed_s(TOLD_WITHIN_S)
    assert ready.read(request(good), Silent()).layers
    assert len(ready.process_ids) <= ready.size
    running = [child for child in psutil.Process().children() if "twinviewer.formats.worker" in child.cmdline()]
    assert len(running) <= ready.size


def test_a_death_leaves_other_files_alone(tmp_path: Path, two: WorkerPool) -> None:
    person = Person()
    ended: list[BaseException] = []

    def read() -> None:
        try:
            two.read(request(fate(tmp_path, "go on", name="long.fate")), person)
        except BaseException as error:  # noqa: BLE001
            ended.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert person.hearing.wait(PATIENCE_S)
    for _ in range(3):
        with pytest.raises(WorkerDiedError):
            two.read(request(fate(tmp_path, "die", signal="SIGSEGV")), Silent())
    heard = len(person.heard)
    assert eventually(lambda: len(person.heard) > heard)
    assert ended == []
    person.stopping.set()
    thread.join(PATIENCE_S)
    assert [type(error) for error in ended] == [Cancelled]


@pytest.mark.parametrize("what", ["hang", "hang with the interpreter"])
def test_a_reader_that_hangs_is_ended_at_the_limit(ready: WorkerPool, tmp_path: Path, what: str) -> None:
    began = time.monotonic()
    with pytest.raises(WorkerDiedError, match="stopped answering"):
        ready.read(request(fate(tmp_path, what)), Silent())
    assert SILENCE_LIMIT_S <= time.monotonic() - began < SILENCE_LIMIT_S + allowed_s(TOLD_WITHIN_S)
    assert ready.read(request(fate(tmp_path, "points")), Silent()).layers


def test_a_reader_that_says_it_lives_is_not_ended(ready: WorkerPool, tmp_path: Path) -> None:
    person = Person()
    began = time.monotonic()

    class Patient(Person):
        def stop_if_cancelled(self) -> None:
            if time.monotonic() - began > 1.5 * SILENCE_LIMIT_S:
                person.stopping.set()
            person.stop_if_cancelled()

    with pytest.raises(Cancelled):
        ready.read(request(fate(tmp_path, "go on")), Patient())


@linux
def test_a_reader_that_eats_memory_stops_at_its_cap(ready: WorkerPool, tmp_path: Path) -> None:
    with pytest.raises(WorkerDiedError, match=r"more memory than the [4-9] GiB"):
        ready.read(request(fate(tmp_path, "eat memory")), Silent())
    assert ready.read(request(fate(tmp_path, "points")), Silent()).layers


@pytest.mark.parametrize("raises", ["ValueError", "SystemExit", "Panic", "RecursionError", "KeyboardInterrupt"])
def test_whatever_a_reader_raises_is_its_failure(ready: WorkerPool, tmp_path: Path, raises: str) -> None:
    began = time.monotonic()
    with pytest.raises(FunctionFailedError) as caught:
        ready.read(request(fate(tmp_path, "raise", raises=raises)), Silent())
    assert time.monotonic() - began < allowed_s(TOLD_WITHIN_S)
    assert "fates.py" in caught.value.details
    assert ready.read(request(fate(tmp_path, "points")), Silent()).layers


def test_an_error_for_people_keeps_its_class_and_its_words(ready: WorkerPool, tmp_path: Path) -> None:
    before = ready.process_ids
    with pytest.raises(DamagedFileError) as caught:
        ready.read(request(fate(tmp_path, "raise", raises="DamagedFileError")), Silent())
    assert (caught.value.problem, caught.value.cure, caught.value.source) == (
        "It is cut off.",
        "Get it again.",
        "file.fate",
    )
    with pytest.raises(HostileFileError) as hostile:
        ready.read(request(fate(tmp_path, "raise", raises="HostileFileError")), Silent())
    assert hostile.value.source == "elsewhere"
    assert ready.process_ids == before, "a worker that found a damaged file is as good as before"


@pytest.mark.parametrize("what", ["nothing", "none", "not layers", "wrong dtype"])
def test_a_reader_that_returns_nonsense_is_an_error(ready: WorkerPool, tmp_path: Path, what: str) -> None:
    with pytest.raises(TwinViewerError):
        ready.read(request(fate(tmp_path, what)), Silent())
    assert ready.read(request(fate(tmp_path, "points")), Silent()).layers


@pytest.mark.parametrize("triangle", [[0, 1, 3], [0, 1, 99_999_999], [-1, 0, 1]])
def test_an_index_past_the_end_never_reaches_the_viewer(ready: WorkerPool, tmp_path: Path, triangle: list[int]) -> None:
    with pytest.raises(DamagedFileError, match="out of range"):
        ready.read(request(fate(tmp_path, "mesh", triangle=triangle)), Silent())


def test_answers_that_make_no_sense_end_the_worker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if a library had written into the pipe itself."""
    script = tmp_path / "babbler.py"
    script.write_text("import sys, time; sys.stdout.buffer.write(b'\\xff' * 100); sys.stdout.flush(); time.sleep(60)")
    start = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda command, **more: start([sys.executable, str(script)], **more))
    babbling = WorkerPool(size=1)
    began = time.monotonic()
    with pytest.raises(WorkerDiedError):
        babbling.read(request(fate(tmp_path, "points")), Silent())
    assert time.monotonic() - began < allowed_s(3.0)
    babbling.close()


# --- ending -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["go on", "hang", "hang with the interpreter"])
def test_cancelling_takes_a_quarter_of_a_second_at_most(ready: WorkerPool, tmp_path: Path, what: str) -> None:
    path = fate(tmp_path, what)
    took = []
    for _ in range(3):
        person = Person()
        asked: list[float] = []

        def cancel(person: Person = person, asked: list[float] = asked) -> None:
            asked.append(time.monotonic())
            person.stopping.set()

        timer = threading.Timer(0.3, cancel)
        timer.start()
        with pytest.raises(Cancelled):
            ready.read(request(path), person)
        took.append(time.monotonic() - asked[0])
    assert min(took) < allowed_s(CANCELLED_WITHIN_S)  # the best of three: a turn may come late just once


def scratch_folders(process: int | None = None) -> list[Path]:
    places = {Path("/dev/shm"), Path(tempfile.gettempdir())}
    return [folder for place in places for folder in place.glob(f"twinviewer-{process or os.getpid()}-*")]


def test_closing_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    before = set(scratch_folders())
    pool = WorkerPool(size=2)
    pool.warm()
    person, ended = Person(), []

    def read() -> None:
        try:
            pool.read(request(fate(tmp_path, "go on")), person)
        except BaseException as error:  # noqa: BLE001
            ended.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    assert person.hearing.wait(PATIENCE_S)
    ids = pool.process_ids
    assert len(ids) == 2
    assert set(scratch_folders()) > before
    pool.close()
    thread.join(PATIENCE_S)
    assert [type(error) for error in ended] == [Cancelled], "closing is no fault of the file"
    assert not any(psutil.pid_exists(process) for process in ids)
    assert set(scratch_folders()) == before
    with pytest.raises(Cancelled):
        pool.read(request(fate(tmp_path, "points")), Silent())


@linux
@pytest.mark.parametrize("what", ["go on", "hang", "hang with the interpreter"])
def test_a_viewer_that_is_killed_takes_its_workers_along(tmp_path: Path, what: str) -> None:
    """Where C code keeps the interpreter, that takes until the limit of silence and two seconds."""
    path = fate(tmp_path, what)
    viewer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                import threading
                from pathlib import Path
                from tests.fates import request
                from twinviewer.app.workers import WorkerPool
                from twinviewer.model.feedback import Silent
                pool = WorkerPool(size=2, silence_limit_s=1.0)
                pool.warm()
                print(*pool.process_ids, flush=True)
                pool.read(request(Path({str(path)!r})), Silent())
            """),
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert viewer.stdout is not None
    workers = [psutil.Process(int(word)) for word in viewer.stdout.readline().split()]
    assert eventually(lambda: any(worker.cpu_times().user > 0.1 for worker in workers if worker.is_running()))
    viewer.kill()
    viewer.wait()
    viewer.stdout.close()
    assert eventually(lambda: not any(worker.is_running() for worker in workers))
    for folder in scratch_folders(viewer.pid):  # what the next program would sweep in an hour
        shutil.rmtree(folder)


def test_a_frame_that_is_cut_off_is_the_end(tmp_path: Path) -> None:
    from io import BytesIO

    from twinviewer.isolation.frames import FRAME_LIMIT, receive

    stream = BytesIO()
    send(stream, {"a": 1})
    whole = stream.getvalue()
    assert receive(BytesIO(whole)) == {"a": 1}
    for length in range(len(whole)):
        assert receive(BytesIO(whole[:length])) is None
    for nonsense in (struct.pack(">I", FRAME_LIMIT + 1), struct.pack(">I", 2) + b"[]", struct.pack(">I", 1) + b"{"):
        with pytest.raises(ValueError, match=r".+"):
            receive(BytesIO(nonsense))


def test_what_a_killed_program_left_is_swept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    old, young = tmp_path / f"twinviewer-{gone.pid}-old", tmp_path / f"twinviewer-{gone.pid}-young"
    running, strange = tmp_path / f"twinviewer-{os.getpid()}-x", tmp_path / "twinviewer-1x-y"
    for folder in (old, young, running, strange):
        folder.mkdir()
        (folder / "1.arrays").write_bytes(b"x")
    for folder in (old, running, strange):
        os.utime(folder, (0, 0))
    scratch = Scratch()
    assert sorted(folder.name for folder in tmp_path.iterdir() if folder in (old, young, running, strange)) == sorted(
        folder.name for folder in (young, running, strange)
    )
    assert {path.parent.stat().st_mode & 0o777 for path in scratch.new_files()} == {0o700}
    scratch.remove()


# --- what opening must never do -----------------------------------------------------------------------------------


def built_in(module: str, path: Path) -> ReadRequest:
    from twinviewer import formats
    from twinviewer.api.importing import CodeLocation

    code = CodeLocation(package="twinviewer.formats", folder=str(Path(formats.__file__).parent))
    return ReadRequest(
        reader=FunctionOfPlugin(reference=f"twinviewer.formats.{module}:read", code=code), path=str(path)
    )


def vector_vrt(source: str) -> str:
    return (
        f'<OGRVRTDataSource><OGRVRTLayer name="canary"><SrcDataSource relativeToVRT="0">{source}</SrcDataSource>'
        "<SrcLayer>canary</SrcLayer></OGRVRTLayer></OGRVRTDataSource>"
    )


def raster_vrt(source: str) -> str:
    return f"""<VRTDataset rasterXSize="4" rasterYSize="1"><SRS>EPSG:25832</SRS>
    <GeoTransform>565000,1,0,5934000,0,-1</GeoTransform>
    <VRTRasterBand dataType="Byte" band="1" subClass="VRTRawRasterBand">
    <SourceFilename relativetoVRT="0">{source}</SourceFilename><ImageOffset>0</ImageOffset></VRTRasterBand>
    </VRTDataset>"""


ATTACKS: dict[str, tuple[str, Callable[[str], str]]] = {
    "a VRT named .gpkg": ("vector", vector_vrt),
    "a VRT named .geojson": ("vector", vector_vrt),
    "a VRT named .json": ("vector", vector_vrt),
    "a VRT named .shp": ("vector", vector_vrt),
    "a VRT named .fgb": ("vector", vector_vrt),
    "a VRT named .tif": ("geotiff", raster_vrt),
    "a WMS named .tif": (
        "geotiff",
        lambda source: f'<GDAL_WMS><Service name="TMS"><ServerUrl>{source}</ServerUrl></Service></GDAL_WMS>',
    ),
    "a WFS named .geojson": ("vector", lambda source: f"<OGRWFSDataSource><URL>{source}</URL></OGRWFSDataSource>"),
}


@linux
@pytest.mark.parametrize("attack", ATTACKS)
def test_a_file_that_points_elsewhere_is_refused_and_nothing_else_is_touched(
    ready: WorkerPool, tmp_path: Path, attack: str
) -> None:
    canary = tmp_path / "canary.csv"
    canary.write_text("x,y,canary\n565000,5934000,SECRET\n")
    module, content = ATTACKS[attack]
    watch = Watch(canary)
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        host = f"127.0.0.1:{server.getsockname()[1]}"
        for number, source in enumerate(
            (str(canary), f"/vsicurl/http://{host}/canary.csv", f"http://{host}/canary.csv", f"/vsizip/{canary}/x")
        ):
            path = tmp_path / f"innocent-{number}{attack[attack.rindex('.') :]}"
            path.write_text(content(source))
            with pytest.raises(TwinViewerError) as caught:
                ready.read(built_in(module, path), Silent())
            assert "SECRET" not in str(caught.value)
        assert not watch.saw_something(), "the other file was opened"
        watch.close()
        with pytest.raises(BlockingIOError):
            server.accept()


def test_workers_start_with_every_door_closed(
    ready: WorkerPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GDAL_SKIP", "")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setenv("GDAL_DATA", str(tmp_path))
    other = WorkerPool(size=1)
    try:
        with pytest.raises(DamagedFileError) as caught:
            other.read(request(fate(tmp_path, "environment")), Silent())
    finally:
        other.close()
    environment = json.loads(caught.value.problem)
    assert {"VRT", "OGR_VRT", "HTTP", "WMS", "WFS", "GTI"} <= set(environment["GDAL_SKIP"].split())
    assert {"OGR_VRT", "WFS", "OAPIF"} <= set(environment["OGR_SKIP"].split(","))
    assert (environment["PROJ_NETWORK"], environment["GDAL_PAM_ENABLED"]) == ("OFF", "NO")
    assert environment.get("NO_PROXY", "") == ""


def test_nothing_is_imported_from_the_folder_that_the_program_was_started_in(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('the wrong json')")
    (tmp_path / "numpy.py").write_text("raise SystemExit('the wrong numpy')")
    done = subprocess.run(
        [
            sys.executable,
            "-P",
            "-c",
            f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from pathlib import Path
from tests.fates import fate, request
from twinviewer.app.workers import WorkerPool
from twinviewer.model.feedback import Silent
pool = WorkerPool(size=1)
print(len(pool.read(request(fate(Path({str(tmp_path)!r}), "points")), Silent()).layers))
pool.close()
""",
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.stdout, done.returncode) == ("1\n", 0), done.stderr


def test_ctrl_c_is_for_the_viewer(ready: WorkerPool, tmp_path: Path) -> None:
    if os.name == "posix":
        for process in ready.process_ids:
            os.kill(process, signal.SIGINT)
    before = ready.process_ids
    assert ready.read(request(fate(tmp_path, "points")), Silent()).layers
    assert ready.process_ids == before

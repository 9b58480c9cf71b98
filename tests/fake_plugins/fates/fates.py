"""Reads ``*.fate``: a JSON object whose ``fate`` names what happens, and whose other members say more."""

import ctypes
import json
import os
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np

from twinviewer.api import (
    CrsOrigin,
    DamagedFileError,
    Diagnostic,
    Extent,
    HostileFileError,
    PointCloud,
    ReferenceSystem,
    SourceFacts,
    TriangleMesh,
)


def probe(*, path):
    return 1.0 if path.read_bytes()[:1] == b"{" else 0.0


def probe_never(*, path):
    raise RuntimeError("a probe must not raise; this one does")


def read_nothing(*, path, feedback):
    return []


def read(*, path, feedback, **options):
    told = {**json.loads(path.read_text()), **options}
    return FATES[told.pop("fate")](told, feedback)


def points(told, feedback=None):
    """Make ``n`` points in a row from (x, y); ``crs`` null: the file does not say."""
    n, crs = told.get("n", 3), told.get("crs", "EPSG:25832")
    x, y = told.get("x", 565000.0), told.get("y", 5934000.0)
    positions = np.column_stack((x + np.arange(n), np.full(n, y), np.full(n, 5.0)))
    positions[: told.get("absurd", 0)] = np.nan
    return [
        PointCloud(
            source=SourceFacts(format="Fate", title=title, licence="CC0-1.0"),
            crs=None if crs is None else ReferenceSystem(horizontal=crs, origin=CrsOrigin.FILE),
            positions=positions,
            classification=np.full(n, 2, np.uint8),
            intensity=np.zeros(n, np.uint16),
            rgb=None,
            declared_count=n,
            read_count=n,
            class_counts=((2, n),),
            file_extent=Extent.of(positions),
            diagnostics=tuple(
                Diagnostic(code="fate.told", problem="Something was found.", where=f"point {number}")
                for number in range(told.get("findings", 0))
            ),
        )
        for title in told.get("titles", [""])
    ]


def mesh(told, feedback):
    return [
        TriangleMesh(
            source=SourceFacts(format="Fate"),
            crs=ReferenceSystem(horizontal="EPSG:25832"),
            vertices=np.array([[565000.0, 5934000.0, 0.0], [565001.0, 5934000.0, 0.0], [565000.0, 5934001.0, 0.0]]),
            triangles=np.array([told["triangle"]], np.int32),
            vertex_rgb=None,
        )
    ]


def wrong_dtype(told, feedback):
    (cloud,) = points(told)
    return [replace(cloud, classification=cloud.classification.astype(np.int64))]


def die(told, feedback):
    if "obituary" in told:  # on Linux this clock is the same in all processes
        Path(told["obituary"]).write_text(str(time.monotonic()))
    os.kill(os.getpid(), signal.Signals[told["signal"]])


def read_null(told, feedback):
    ctypes.string_at(0)


def fork_and_die(told, feedback):
    if os.fork() == 0:
        time.sleep(30)
    os.kill(os.getpid(), signal.SIGKILL)


def hang_with_the_interpreter(told, feedback):
    re.fullmatch("(a+)+b", "a" * 40)


def hang(told, feedback):
    time.sleep(600)


def go_on_for_ever(told, feedback):
    while True:
        feedback.progress(0.5, "Going on")
        feedback.stop_if_cancelled()
        time.sleep(0.01)


def eat_memory(told, feedback):
    eaten = []
    while True:
        eaten.append(bytes(2**28))


def flood(told, feedback):
    line = b"noise " * 1000 + (b"\n" if told["lines"] else b"")
    for _ in range(told["megabytes"] * 170):
        os.write(1, line)
    print("printed")  # noqa: T201 – what is tested
    sys.stdout.write("and written")
    sys.stdin.read()
    return points(told)


def raise_(told, feedback):
    raise {
        "ValueError": ValueError("the third byte is wrong"),
        "DamagedFileError": DamagedFileError("It is cut off.", cure="Get it again."),
        "HostileFileError": HostileFileError("It asks for another file.", source="elsewhere"),
        "SystemExit": SystemExit(3),
        "Panic": BaseException("index out of bounds"),
        "MemoryError": MemoryError(),
        "RecursionError": RecursionError("maximum recursion depth exceeded"),
        "KeyboardInterrupt": KeyboardInterrupt(),
    }[told["raises"]]


def leave(told, feedback):
    os._exit(told["status"])


def call_other_programs(told, feedback):
    subprocess.run([sys.executable, "-c", "print('from a child')"], check=True)
    return points(told)


def grow(told, feedback):
    """Offer a few points more and more until the file ``until`` is there, then give all, or ``then`` something else."""
    offered = 0
    while not Path(told["until"]).exists():
        feedback.progress(0.01, "Growing")
        feedback.stop_if_cancelled()
        offered += 1
        feedback.preview(lambda seen=offered: points({**told, "n": seen, **told.get("first", {})}))
        time.sleep(0.01)
    if "then" in told:
        return FATES[told["then"]](told, feedback)
    return points(told)


FATES = {
    "grow": grow,
    "points": points,
    "nothing": lambda told, feedback: [],
    "none": lambda told, feedback: None,
    "not layers": lambda told, feedback: [{"positions": [1, 2, 3]}],
    "environment": lambda told, feedback: (_ for _ in ()).throw(DamagedFileError(json.dumps(dict(os.environ)))),
    "options": lambda told, feedback: (_ for _ in ()).throw(DamagedFileError(json.dumps(told, sort_keys=True))),
    "mesh": mesh,
    "wrong dtype": wrong_dtype,
    "die": die,
    "read null": read_null,
    "fork and die": fork_and_die,
    "hang with the interpreter": hang_with_the_interpreter,
    "hang": hang,
    "go on": go_on_for_ever,
    "eat memory": eat_memory,
    "flood": flood,
    "raise": raise_,
    "leave": leave,
    "call": call_other_programs,
}

"""Readers of strangers read the file that they are given, in a process that is held to what they declared."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pyproj
import pytest

from twinviewer.app.folders import plugin_data_dir
from twinviewer.app.plugins.finding import user_plugins
from twinviewer.app.plugins.registry import PluginRegistry
from twinviewer.app.sources import Sources
from twinviewer.app.workers import WorkerPool
from twinviewer.formats.request import Placing
from twinviewer.isolation import landlock
from twinviewer.model.errors import DamagedFileError, PluginError, WorkerDiedError
from twinviewer.model.feedback import Cancelled, Silent
from twinviewer.model.layer_data import TriangleMesh
from twinviewer.model.place import CrsOrigin, ReferenceSystem

MANIFEST = """
api = 1
id = "dots"
name = "Dots"
version = "1"
licence = "CC0-1.0"
[[readers]]
id = "dots.dots"
title = "Dots"
patterns = ["*.dots"]
read = "dots:read"
[[readers]]
id = "dots.also"
title = "Also dots"
patterns = ["*.dots"]
read = "dots:read"
probe = "dots:probe"
"""
CODE = """
import ctypes, json, os, pathlib, subprocess, time

import numpy as np
from twinviewer.api import CrsOrigin, DamagedFileError, ReferenceSystem, SourceFacts, TriangleMesh


def attempt(what, *arguments):
    try:
        return str(what(*arguments))
    except PermissionError as error:
        return str(error)


def probe(*, path):
    order = json.loads(path.read_text())
    if "probe" in order:
        exec(order["probe"])
    return 0.9


def read(*, path, feedback):
    order = json.loads(path.read_text())
    said = str(eval(order["do"]))
    return [
        TriangleMesh(
            source=SourceFacts(format="Dots", title=said),
            crs=ReferenceSystem(horizontal="EPSG:25832", origin=CrsOrigin.FILE),
            vertices=np.array(order["vertices"], float),
            triangles=np.array([[0, 1, 2]], np.int32),
            vertex_rgb=None,
        )
    ]


def fail(error):
    raise error


def wait(feedback):
    while True:
        feedback.stop_if_cancelled()
        time.sleep(0.01)
"""
TRIANGLE = [[565000.0, 5934000.0, 10.0], [565010.0, 5934000.0, 10.0], [565000.0, 5934010.0, 12.0]]


@pytest.fixture
def sources(tmp_path: Path) -> Iterator[Sources]:
    folder = user_plugins() / "dots"
    folder.mkdir(parents=True)
    (folder / "plugin.toml").write_text(MANIFEST)
    (folder / "dots.py").write_text(CODE)
    pool = WorkerPool(size=1)
    registry = PluginRegistry()
    yield Sources(registry=registry, pool=pool)
    pool.close()
    registry.close()


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    (tmp_path / "private").mkdir()
    (tmp_path / "private" / "diary.txt").write_text("a secret")
    return tmp_path / "private" / "diary.txt"


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    """The folder of the file that is read, and of another one that goes with it."""
    folder = tmp_path / "survey"
    folder.mkdir()
    (folder / "colours.txt").write_text("blue")
    return folder


def dots(survey: Path, do: str, **more: object) -> Path:
    (survey / "a.dots").write_text(json.dumps({"do": do, "vertices": TRIANGLE, **more}))
    return survey / "a.dots"


def read(sources: Sources, path: Path, *, feedback: Silent | None = None, **request: object) -> TriangleMesh:
    reader = sources.registry.reader("dots.dots")
    assert reader is not None
    asked = replace(sources.request(path, reader), **request)  # type: ignore[arg-type]
    (layer,) = sources.read(asked, reader, feedback or Silent()).layers
    assert isinstance(layer, TriangleMesh)
    return layer


def test_a_strangers_reader_reads_the_file_and_what_lies_beside_it(sources: Sources, survey: Path) -> None:
    mesh = read(sources, dots(survey, "(path.parent / 'colours.txt').read_text()"))
    np.testing.assert_array_equal(mesh.vertices, TRIANGLE)
    assert mesh.source.title == "blue"
    assert not [each for each in psutil.Process().children() if "--held" in each.cmdline()], "its process has ended"


def test_what_it_read_is_put_in_its_place_as_that_of_any_reader(sources: Sources, survey: Path) -> None:
    target = ReferenceSystem(horizontal="EPSG:25833", origin=CrsOrigin.GIVEN)
    mesh = read(sources, dots(survey, "'x'"), placing=Placing.IN_PROJECT, target=target)
    to_target = pyproj.Transformer.from_crs("EPSG:25832", "EPSG:25833", always_xy=True)
    x, y = to_target.transform(*np.array(TRIANGLE)[:, :2].T)
    np.testing.assert_allclose(mesh.vertices[:, :2], np.column_stack((x, y)), atol=1e-3)
    assert mesh.crs is not None
    assert mesh.crs.horizontal == "EPSG:25833"


def test_it_reaches_nothing_else(
    sources: Sources, survey: Path, canary: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = plugin_data_dir("dots") / "cache"
    orders = [
        f"attempt(open, {str(canary)!r})",
        "attempt(subprocess.run, ['true'])",
        "attempt(path.write_text, 'x')",
        f"ctypes.CDLL(None).open({str(canary)!r}.encode(), 0)",
        f"pathlib.Path({str(data)!r}).write_text('kept')",
    ]
    with caplog.at_level(logging.WARNING):
        title = read(sources, dots(survey, f"json.dumps([{', '.join(orders)}])")).source.title
    reading, starting, writing, native, own = json.loads(title)
    assert reading.startswith(f"It may not read “{canary}”. Its plugin.toml lacks read = [")
    assert f"Dots: {reading}" in caplog.text
    assert "may not start" in starting
    assert "may not write" in writing
    assert native == -1 or not landlock.version()
    assert own == 4
    assert data.read_text() == "kept"


def test_a_probe_of_a_stranger_is_held_as_well_and_ends_nothing_else(
    sources: Sources, survey: Path, canary: Path
) -> None:
    def chosen(path: Path) -> str:
        return sources.reader_for(path, Silent()).id

    assert chosen(dots(survey, "'x'")) == "dots.also", "more sure than one that does not look"
    assert chosen(dots(survey, "'x'", probe=f"open({str(canary)!r})")) == "dots.dots"
    assert chosen(dots(survey, "'x'", probe="import os; os.abort()")) == "dots.dots"


def test_its_failures_are_told_as_those_of_any_reader(sources: Sources, survey: Path) -> None:
    with pytest.raises(DamagedFileError, match="cut off"):
        read(sources, dots(survey, "fail(DamagedFileError('It is cut off.'))"))
    with pytest.raises(PluginError, match=r"The reader “Dots” of the plugin “Dots” failed\. It raised ZeroDivision"):
        read(sources, dots(survey, "1 / 0"))
    with pytest.raises(WorkerDiedError, match="SIGABRT"):
        read(sources, dots(survey, "os.abort()"))
    assert read(sources, dots(survey, "'well'")).source.title == "well"


def test_stopping_ends_its_process(sources: Sources, survey: Path) -> None:
    class Stop(Silent):
        def stop_if_cancelled(self) -> None:
            if any("--held" in each.cmdline() for each in psutil.Process().children()):
                raise Cancelled

    with pytest.raises(Cancelled):
        read(sources, dots(survey, "wait(feedback)"), feedback=Stop())
    assert not [each for each in psutil.Process().children() if "--held" in each.cmdline()]
